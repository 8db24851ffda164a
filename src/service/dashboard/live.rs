//! What happens, as it happens: server-sent events for the script of the pages.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::header;
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::stream;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::frame::{LONGEST_PROSE, LONGEST_URL, Refusal, Viewer};
use crate::report::shown;
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::event::Event;

/// How often a line is sent that says nothing, so that nothing in between gives up.
const KEPT_ALIVE: Duration = Duration::from_secs(20);

pub(super) fn router() -> Router<Service> {
    Router::new().route("/events", get(events))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    /// Only of this audit.
    audit: String,
}

async fn events(
    State(service): State<Service>,
    _: Viewer,
    Query(wish): Query<Wish>,
) -> Result<Response, Refusal> {
    let listeners = service.dashboard().listeners.clone();
    let Ok(place) = listeners.try_acquire_owned() else {
        return Err(Problem::conflict(
            "too many pages listen; this one can be loaded again by hand",
        )
        .into());
    };
    let heard = service.listen();
    let closing = service.closing().clone();
    let lines = stream::unfold(
        (heard, wish, closing, place),
        |(mut heard, wish, closing, place)| async move {
            let line = tokio::select! {
                () = closing.cancelled() => None,
                line = next(&mut heard, &wish) => line,
            }?;
            Some((Ok::<_, Infallible>(line), (heard, wish, closing, place)))
        },
    );
    let sent = Sse::new(lines).keep_alive(KeepAlive::new().interval(KEPT_ALIVE));
    // Reverse proxies must not gather what is to be seen at once.
    Ok((
        [(header::HeaderName::from_static("x-accel-buffering"), "no")],
        sent,
    )
        .into_response())
}

/// The next event somebody wants, as a line; none when there will be no more.
async fn next(heard: &mut Receiver<Event>, wish: &Wish) -> Option<Line> {
    loop {
        let event = match heard.recv().await {
            Ok(event) => event,
            // The page has to be loaded again to be true.
            Err(RecvError::Lagged(_)) => return Some(Line::default().event("missed").data("{}")),
            Err(RecvError::Closed) => return None,
        };
        let wanted = |id: &str| wish.audit.is_empty() || wish.audit == id;
        match event {
            Event::Audit { id, site, standing } if wanted(&id) => {
                let data = json!({ "audit": id, "site": site, "standing": standing });
                return Some(Line::default().event("standing").data(data.to_string()));
            }
            Event::Progress {
                id,
                site,
                done,
                of,
                url,
                summary,
            } if wanted(&id) => {
                let data = json!({
                    "audit": id,
                    "site": site,
                    "done": done,
                    "of": of,
                    "url": shown(&url, LONGEST_URL),
                    "summary": shown(&summary, LONGEST_PROSE),
                });
                return Some(Line::default().event("progress").data(data.to_string()));
            }
            _ => {}
        }
    }
}
