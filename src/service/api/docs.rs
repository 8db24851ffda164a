//! The document that describes the API, and the page that shows it: both are the same for everybody.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use utoipa_swagger_ui::{Config, serve};

use super::answers::{json, tag};
use super::{ROOT, document_text};
use crate::service::Service;
use crate::service::error::Problem;

/// Where the page is.
const PAGE: &str = "/api/docs/";

/// What the page may do: run its own scripts and ask this service. It sets styles of single elements, and
/// its icons are pictures in the style sheet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The document with the name of its version.
static DOCUMENT: LazyLock<(String, String)> = LazyLock::new(|| {
    let text = document_text();
    (tag(&[&text]), text)
});

pub(super) fn document_route() -> Router<Service> {
    Router::new().route("/openapi.json", get(|| async { document() }))
}

pub(super) fn page_routes() -> Router<Service> {
    Router::new()
        .route("/api/docs", get(|| async { Redirect::permanent(PAGE) }))
        .route(PAGE, get(|| async { file("index.html") }))
        .route(
            "/api/docs/{file}",
            get(|Path(name): Path<String>| async move { file(&name) }),
        )
}

fn document() -> Response {
    let (tag, text) = &*DOCUMENT;
    json(tag, text.clone().into_bytes())
}

/// A file of the page.
fn file(name: &str) -> Response {
    static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
        let config = Config::from(format!("{ROOT}/openapi.json"));
        // Nothing is fetched from elsewhere.
        Arc::new(config.validator_url("none").try_it_out_enabled(true))
    });
    let found = match serve(name, Arc::clone(&CONFIG)) {
        Ok(found) => found,
        Err(error) => return Problem::internal(error.as_ref()).into_response(),
    };
    let Some(found) = found else {
        return Problem::not_found("the page has no such file").into_response();
    };
    let mut response = found.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(kind) = HeaderValue::from_str(&found.content_type) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}
