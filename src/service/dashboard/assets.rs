//! The style sheet, the script and the icon: named by their digest, so that browsers never ask for them twice.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::frame::{Refusal, policy};
use crate::model::value::sha256_hex;
use crate::report::html::STYLE as REPORT_STYLE;
use crate::service::Service;
use crate::service::error::Problem;

/// Digits of the digest in a name.
const DIGITS: usize = 16;

/// The report's style, and what the dashboard has beyond it.
static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let text = format!(
        "{REPORT_STYLE}\n{}",
        include_str!("templates/dashboard.css")
    );
    Asset::new("dashboard", "css", "text/css; charset=utf-8", text)
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("templates/dashboard.js").to_owned();
    Asset::new("dashboard", "js", "text/javascript; charset=utf-8", text)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let text = include_str!("templates/icon.svg").to_owned();
    Asset::new("icon", "svg", "image/svg+xml", text)
});

struct Asset {
    path: String,
    /// The digest in quotation marks.
    etag: String,
    media_type: &'static str,
    text: String,
}

impl Asset {
    fn new(name: &str, ending: &str, media_type: &'static str, text: String) -> Self {
        let digest: String = sha256_hex(text.as_bytes()).chars().take(DIGITS).collect();
        Self {
            path: format!("/assets/{name}-{digest}.{ending}"),
            etag: format!("\"{digest}\""),
            media_type,
            text,
        }
    }
}

/// Where the style sheet is.
pub(super) fn style() -> &'static str {
    &STYLE.path
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &SCRIPT.path
}

/// Where the icon is.
pub(super) fn icon() -> &'static str {
    &ICON.path
}

pub(super) fn router() -> Router<Service> {
    let answer =
        |Path(name): Path<String>, headers: HeaderMap| async move { asset(&name, &headers) };
    Router::new().route("/assets/{name}", get(answer))
}

fn asset(name: &str, headers: &HeaderMap) -> Response {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    let path = format!("/assets/{name}");
    let Some(asset) = assets.into_iter().find(|asset| asset.path == path) else {
        return Refusal::from(Problem::not_found("there is no such file")).into_response();
    };
    let head = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::ETAG, asset.etag.as_str()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, policy()),
    ];
    if matches(headers, &asset.etag) {
        return (StatusCode::NOT_MODIFIED, head).into_response();
    }
    (head, asset.text.as_str()).into_response()
}

/// Whether the asker has it already (RFC 9110, `If-None-Match`).
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == etag)
}
