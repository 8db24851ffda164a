//! Every request gets an id, a line in the log, and is counted.
//!
//! What is never logged: bodies, headers, queries, and of addresses more than the route they fit: all of
//! them may hold what is secret.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::service::id::new_id;

/// The header the id comes in, and goes out with.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest id taken over from whoever asks, in bytes.
const LONGEST_ID: usize = 64;

/// The id of a request, for whoever wants to name it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Follows a request from its beginning to its answer.
pub(in crate::service) async fn observe(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| is_id(id))
        .map_or_else(new_id, str::to_owned);
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .to_owned();
    let method = method_name(request.method());
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!(
        "request",
        request.id = id,
        http.method = method,
        http.route = route
    );
    let clock = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = clock.elapsed();
    let status = response.status().as_u16();
    metrics::counter!(
        "consentinel_http_requests_total",
        "method" => method, "route" => route.clone(), "status" => status.to_string()
    )
    .increment(1);
    metrics::histogram!("consentinel_http_request_duration_seconds", "route" => route.clone())
        .record(took.as_secs_f64());
    let duration_ms = took.as_millis() as u64;
    span.in_scope(|| {
        // Machines ask these every few seconds.
        if matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
            tracing::debug!(http.status = status, duration_ms, "answered");
        } else {
            tracing::info!(http.status = status, duration_ms, "answered");
        }
    });
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed)
}

/// The name of a method; whoever asks may invent others, without end.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_from_outside_are_short_and_plain() {
        for (id, taken) in [
            ("20261122T101500000Z-1a2b3c4d", true),
            ("a_b.c", true),
            ("", false),
            ("a b", false),
            ("a\u{1b}[31m", false),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(is_id(id), taken, "{id}");
        }
    }
}
