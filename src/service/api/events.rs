//! Server-sent events: what happens, while it happens.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use futures::stream::{self, Stream};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;
use crate::service::event::Event;

/// Time between two signs of life.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a reader waits before it comes back.
const COME_BACK: Duration = Duration::from_secs(3);
/// Most readers at once.
const MOST_READERS: usize = 200;
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

static READERS: AtomicUsize = AtomicUsize::new(0);

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(follow))
}

/// Which events are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only those of this audit.
    audit: Option<String>,
}

impl Wanted {
    fn wants(&self, event: &Event) -> bool {
        let (Event::Audit { id, .. } | Event::Progress { id, .. }) = event;
        self.audit.as_ref().is_none_or(|audit| audit == id)
    }
}

/// What happens, as server-sent events: `audit` when an audit is somewhere else than before, `progress`
/// when a visit or a page of it ended, `missed` with a count when the reader was too slow or away too long.
///
/// Each event's `data` is a JSON object. A reader that comes back with `Last-Event-ID` hears what it
/// missed, as far as it is still known.
#[utoipa::path(
    get,
    path = "/events",
    tag = "events",
    params(
        Wanted,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was heard"),
    ),
    responses((status = OK, description = "Events without end", body = String, content_type = "text/event-stream")),
)]
#[allow(clippy::unused_async, reason = "every handler is")]
async fn follow(
    State(service): State<Service>,
    _: MayRead,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let reader = Reader::new()?;
    let last = headers.get(LAST_EVENT).and_then(|id| id.to_str().ok());
    // What is told from here on rings the bell; what was told before stands in the past.
    let bell = service.listen();
    let heard = match last {
        Some(id) => service.past().number_of(id),
        None => Some(service.past().newest()),
    };
    let following = Following {
        service,
        wanted,
        bell,
        heard: heard.unwrap_or_default(),
        waiting: VecDeque::from([sse::Event::default().retry(COME_BACK)]),
        _reader: reader,
    };
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    let mut response = Sse::new(following.events())
        .keep_alive(keep_alive)
        .into_response();
    // A proxy that collects answers before it hands them on would hold events back.
    let headers = response.headers_mut();
    headers.insert(
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// One who reads; there is room for so many.
struct Reader;

impl Reader {
    fn new() -> Result<Self, Problem> {
        if READERS.fetch_add(1, Ordering::Relaxed) >= MOST_READERS {
            READERS.fetch_sub(1, Ordering::Relaxed);
            return Err(Problem::of_status(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many are listening already; close some pages of the service",
            ));
        }
        Ok(Self)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        READERS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What one reader has heard, and what comes next.
struct Following {
    service: Service,
    wanted: Wanted,
    bell: Receiver<Event>,
    /// The number of the last event that was looked at.
    heard: u64,
    waiting: VecDeque<sse::Event>,
    _reader: Reader,
}

impl Following {
    /// The events until the service ends.
    fn events(self) -> impl Stream<Item = Result<sse::Event, Infallible>> {
        let events = stream::unfold(self, |mut following| async move {
            loop {
                if let Some(event) = following.waiting.pop_front() {
                    return Some((Ok(event), following));
                }
                following.look();
                if !following.waiting.is_empty() {
                    continue;
                }
                let closing = following.service.closing().clone();
                tokio::select! {
                    // Whoever lags behind finds in the past what is still known.
                    _ = following.bell.recv() => {}
                    () = closing.cancelled() => return None,
                }
            }
        });
        // Whoever hands it on may ask once more after the end.
        events.fuse()
    }

    /// Takes in what happened since the last look.
    fn look(&mut self) {
        let since = self.service.past().since(self.heard);
        if since.missed > 0 {
            let missed = sse::Event::default()
                .event("missed")
                .data(json!({ "event": "missed", "count": since.missed }).to_string());
            self.waiting.push_back(missed);
        }
        for (number, event) in since.events {
            self.heard = number;
            if !self.wanted.wants(&event) {
                continue;
            }
            let name = match event {
                Event::Audit { .. } => "audit",
                Event::Progress { .. } => "progress",
            };
            let Ok(data) = serde_json::to_string(&event) else {
                continue;
            };
            let id = self.service.past().id_of(number);
            let event = sse::Event::default().id(id).event(name).data(data);
            self.waiting.push_back(event);
        }
    }
}
