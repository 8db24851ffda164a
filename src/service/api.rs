//! The HTTP API under `/api/v1`: one file for each resource, each handler with what the OpenAPI document
//! says of it.
//!
//! Names are plural; a collection is `{ "items": […], "next": … }`, where `next` goes into `after` of the
//! next request. Times are RFC 3339 in UTC. Errors are problem details. What holds for every answer is
//! seen to in [`answers`]; what every operation shares is put into the document by [`document`].

#![allow(
    unused_qualifications,
    reason = "what describes a handler repeats the types of its arguments"
)]

mod accepted;
mod accounts;
mod answers;
mod audits;
mod catalog;
mod channels;
mod comparisons;
mod deliveries;
mod docs;
mod document;
mod events;
mod findings;
mod idempotency;
mod journal;
mod operations;
mod reports;
mod runs;
mod schedules;
mod session;
mod sites;
mod snapshots;
mod tokens;

use axum::extract::{DefaultBodyLimit, FromRequest, Request};
use axum::http::StatusCode;
use axum::middleware;
use axum::{Json, Router};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::Service;
use super::error::Problem;
pub use document::{document, document_text};
pub use idempotency::Answered;
use idempotency::AtWork;
pub use reports::rule_help;

/// Where the API is.
const ROOT: &str = "/api/v1";

/// Entries of a page when nobody asks for more or less, and most of them.
const ON_A_PAGE: usize = 50;
const MOST_ON_A_PAGE: usize = 500;

/// Longest cursor, in characters.
const LONGEST_CURSOR: usize = 200;

/// Largest body of a request, in bytes.
const LARGEST_BODY: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(info(
    title = "Consentinel",
    description = "Audits of consent on websites, on schedule: what a site stores and sends before, \
                   without and after consent, and what of it should not be."
))]
struct Document;

/// The API's routes, with what they say of themselves.
fn resources() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .merge(accepted::router())
        .merge(accounts::router())
        .merge(audits::router())
        .merge(catalog::router())
        .merge(channels::router())
        .merge(comparisons::router())
        .merge(deliveries::router())
        .merge(events::router())
        .merge(findings::router())
        .merge(journal::router())
        .merge(operations::router())
        .merge(reports::router())
        .merge(runs::router())
        .merge(schedules::router())
        .merge(session::router())
        .merge(sites::router())
        .merge(snapshots::router())
        .merge(tokens::router())
}

/// Everything below `/api`: the resources, the document that describes them and the page that shows it.
pub(super) fn routes(service: &Service) -> Router {
    let once = middleware::from_fn_with_state(
        (service.clone(), AtWork::default()),
        idempotency::once_for_each_key,
    );
    let resources = Router::from(resources())
        .merge(docs::document_route())
        .fallback(|| async { answers::no_such_resource() })
        .layer(once);
    Router::new()
        .nest(ROOT, with_what_holds_for_all(resources))
        .merge(docs::page_routes())
        .with_state(service.clone())
}

/// Adds what holds for every request and every answer; the last is the first to see a request.
fn with_what_holds_for_all<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::new())
        .layer(middleware::from_fn(answers::keep_to_what_was_asked))
        .layer(middleware::from_fn(answers::errors_are_problems))
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn(answers::name_what_was_packed))
}

/// The body of a request: an object in JSON. Lists are no objects, though serde would take their items for
/// fields.
#[derive(Debug)]
struct Object<T>(T);

impl<T: DeserializeOwned> FromRequest<Service> for Object<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let read = Json::<serde_json::Value>::from_request(request, service).await;
        let Json(value) =
            read.map_err(|wrong| Problem::of_status(wrong.status(), wrong.body_text()))?;
        if !value.is_object() {
            return Err(Problem::of_status(
                StatusCode::UNPROCESSABLE_ENTITY,
                "the body has to be an object",
            ));
        }
        let read = serde_json::from_value(value);
        read.map(Self).map_err(|error| {
            Problem::of_status(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
        })
    }
}

/// Which part of a collection is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Part {
    /// Begin after this: `next` of the part before.
    #[serde(deserialize_with = "cursor")]
    #[param(max_length = 200)]
    after: Option<String>,
    /// Most items; 50 unless said.
    #[serde(deserialize_with = "limit")]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Part {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(ON_A_PAGE).clamp(1, MOST_ON_A_PAGE)
    }
}

/// Reads `after`.
fn cursor<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let cursor = String::deserialize(deserializer)?;
    if cursor.chars().count() > LONGEST_CURSOR {
        return Err(D::Error::custom("this is no `next` of an answer"));
    }
    Ok(Some(cursor).filter(|cursor| !cursor.is_empty()))
}

/// Reads `limit`.
fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    let limit = usize::deserialize(deserializer)?;
    if (1..=MOST_ON_A_PAGE).contains(&limit) {
        Ok(Some(limit))
    } else {
        Err(D::Error::custom(format!(
            "expected a number from 1 to {MOST_ON_A_PAGE}"
        )))
    }
}

/// A part of a collection.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Items<T> {
    /// The items, in their order.
    items: Vec<T>,
    /// What `after` has to be to see what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> Items<T> {
    /// The first of these, and where to go on. `id` names what an item is called in `after`.
    fn of<E>(
        entries: impl Iterator<Item = Result<T, E>>,
        part: &Part,
        id: impl Fn(&T) -> String,
    ) -> Result<Self, E> {
        let limit = part.limit();
        let mut items = entries.take(limit + 1).collect::<Result<Vec<T>, E>>()?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(id);
        Ok(Self { items, next })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    async fn panics() -> &'static str {
        let words: Vec<&str> = "".split_whitespace().collect();
        words.first().unwrap()
    }

    #[tokio::test]
    async fn a_panic_is_a_problem_and_no_end() {
        let router = with_what_holds_for_all(Router::<()>::new().route("/", get(panics)));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        for _ in 0..2 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
            stream.write_all(request).await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 500"), "{answer}");
            assert!(
                answer.contains("content-type: application/problem+json"),
                "{answer}"
            );
            assert!(answer.contains("/problems/internal\""), "{answer}");
            assert!(
                !answer.contains("None"),
                "what broke is no matter of the reader: {answer}"
            );
        }
    }
}
