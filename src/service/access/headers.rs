//! What browsers are told with every answer, so that no page of ours can be made to serve somebody else.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::Service;

/// Everything from ourselves, scripts and styles in files of their own, no frame around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What every answer says. `same-origin` and not `no-referrer`: forms sent without a referrer say
/// `Origin: null`, which could be anybody's.
const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    (
        "permissions-policy",
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// What an answer says unless its handler knows better: files that are no secret may be kept, a page of
/// somebody else's making may need other styles.
const UNLESS_SAID: &[(&str, &str)] = &[
    ("content-security-policy", POLICY),
    ("cache-control", "no-store"),
];

/// Adds them to every answer, errors too.
pub(super) async fn add(State(service): State<Service>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    for (name, value) in UNLESS_SAID {
        let header = headers.entry(*name);
        header.or_insert(HeaderValue::from_static(value));
    }
    // Only who says that people reach it over TLS for good means it: a certificate may be on trial.
    let public = service.options().access.public_url.as_ref();
    if public.is_some_and(super::options::PublicUrl::is_secure) {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static("max-age=31536000"),
        );
    }
    response
}
