//! What holds for every answer: errors are problems, readers get what they accept and nothing they have
//! already.

use axum::Json;
use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::model::value::sha256_hex;
use crate::service::error::Problem;

/// Longest explanation taken over from what refused a request, in bytes.
const LONGEST_REASON: usize = 4 * 1024;

/// Largest answer that is named by its bytes, in bytes; what is larger is named by what it is made of.
const LARGEST_NAMED: u64 = 1024 * 1024;

/// Readers may keep an answer, and ask whether it still holds before they use it.
const ASK_FIRST: &str = "private, no-cache";

/// The media type of problems.
pub(super) const PROBLEM: &str = "application/problem+json";

/// The name of a version: what goes into it, in short.
pub(super) fn tag(parts: &[&str]) -> String {
    format!("\"{}\"", &sha256_hex(parts.join("\n").as_bytes())[..20])
}

/// An answer whose version has a name.
#[derive(Debug)]
pub(super) struct Versioned<T> {
    /// As [`tag`] makes it.
    pub(super) tag: String,
    /// What is answered.
    pub(super) body: T,
}

impl<T: Serialize> IntoResponse for Versioned<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.body) {
            Ok(bytes) => json(&self.tag, bytes),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

/// An answer in JSON that stands there already.
pub(super) fn json(tag: &str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    name_version(headers, tag);
    response
}

/// Says which version an answer is.
pub(super) fn name_version(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(ASK_FIRST));
    }
}

/// What was made, and where it is.
pub(super) fn created<T: Serialize>(place: &str, tag: &str, body: &T) -> Response {
    let mut response = (StatusCode::CREATED, Json(body)).into_response();
    let headers = response.headers_mut();
    if let Ok(place) = HeaderValue::from_str(place) {
        headers.insert(header::LOCATION, place);
    }
    name_version(headers, tag);
    response
}

/// Whether one of the versions a header lists is this one. Which encoding it came in is no matter.
fn names(listed: &HeaderValue, tag: &str) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = bare(tag);
    let listed = listed.to_str().unwrap_or_default();
    listed.trim() == "*" || listed.split(',').any(|listed| bare(listed) == tag)
}

/// Whether the reader has this version already (`If-None-Match`).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let listed = headers.get_all(header::IF_NONE_MATCH);
    listed.iter().any(|listed| names(listed, tag))
}

/// The answer to a reader who has this version already.
pub(super) fn unchanged(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    name_version(response.headers_mut(), tag);
    response
}

/// A change is made only to the version it was meant for (`If-Match`), where one is named.
pub(super) fn meant_for(headers: &HeaderMap, tag: &str) -> Result<(), Problem> {
    let mut listed = headers.get_all(header::IF_MATCH).iter().peekable();
    if listed.peek().is_none() || listed.any(|listed| names(listed, tag)) {
        return Ok(());
    }
    Err(Problem::of_status(
        StatusCode::PRECONDITION_FAILED,
        "it was changed by somebody else meanwhile; read it again and change that",
    ))
}

/// There is nothing at this address.
pub(super) fn no_such_resource() -> Problem {
    Problem::not_found(
        "there is nothing at this address; `/api/v1/openapi.json` says what there is",
    )
}

/// Every error is a problem, whoever found it.
pub(super) async fn errors_are_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind == PROBLEM);
    let mut response = if is_problem {
        response
    } else {
        let (parts, body) = response.into_parts();
        let reason = to_bytes(body, LONGEST_REASON).await.unwrap_or_default();
        let mut reason = String::from_utf8_lossy(&reason).into_owned();
        if reason.is_empty() || status.is_server_error() {
            in_words(status).clone_into(&mut reason);
        }
        let mut response = Problem::of_status(status, reason).into_response();
        for (name, value) in &parts.headers {
            if ![header::CONTENT_TYPE, header::CONTENT_LENGTH].contains(name) {
                response.headers_mut().append(name, value.clone());
            }
        }
        response
    };
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers
            .entry(header::WWW_AUTHENTICATE)
            .or_insert(HeaderValue::from_static("Bearer"));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers
            .entry(header::RETRY_AFTER)
            .or_insert(HeaderValue::from_static("60"));
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// What a status code means when nobody said more.
fn in_words(status: StatusCode) -> &'static str {
    match status {
        StatusCode::METHOD_NOT_ALLOWED => {
            "this cannot be done with what is at this address; the `Allow` header says what can"
        }
        StatusCode::PAYLOAD_TOO_LARGE => "the body is too large; send at most 64 KiB",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            "the body is of another kind; send JSON with `Content-Type: application/json`"
        }
        status if status.is_server_error() => "the service could not do this; its log says why",
        _ => "the request cannot be answered",
    }
}

/// What the reader has already is not sent again, and what it does not accept is not sent at all.
pub(super) async fn keep_to_what_was_asked(request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD].contains(request.method());
    let asked: HeaderMap = request
        .headers()
        .iter()
        .filter(|(name, _)| [header::ACCEPT, header::IF_NONE_MATCH].contains(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if !reads {
        // What is not a reading is refused before it is done.
        if !accepts(&asked, "application/json") {
            return not_acceptable("application/json");
        }
        return next.run(request).await;
    }
    let has_body = request.method() == Method::GET;
    let response = next.run(request).await;
    if response.status() != StatusCode::OK {
        return response;
    }
    let kind = response.headers().get(header::CONTENT_TYPE).cloned();
    let kind = kind.as_ref().and_then(|kind| kind.to_str().ok());
    if let Some(kind) = kind.filter(|kind| !accepts(&asked, kind)) {
        return not_acceptable(kind);
    }
    let response = match kind {
        Some("application/json") if has_body => named_by_its_bytes(response).await,
        _ => response,
    };
    let tag = response.headers().get(header::ETAG).cloned();
    match tag.as_ref().and_then(|tag| tag.to_str().ok()) {
        Some(tag) if is_known(&asked, tag) => unchanged(tag),
        _ => response,
    }
}

/// Names the version of an answer that names none, and stands there whole: for what is small.
async fn named_by_its_bytes(response: Response) -> Response {
    let length = response.body().size_hint().exact();
    if response.headers().contains_key(header::ETAG)
        || length.is_none_or(|bytes| bytes > LARGEST_NAMED)
    {
        return response;
    }
    let (parts, body) = response.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(bytes) => {
            let tag = format!("\"{}\"", &sha256_hex(&bytes)[..20]);
            let mut response = Response::from_parts(parts, Body::from(bytes));
            name_version(response.headers_mut(), &tag);
            response
        }
        Err(error) => Problem::internal(&error).into_response(),
    }
}

fn not_acceptable(kind: &str) -> Response {
    Problem::of_status(
        StatusCode::NOT_ACCEPTABLE,
        format!("this is answered as {kind}, which the `Accept` header does not allow"),
    )
    .into_response()
}

/// Whether the `Accept` headers allow a media type (RFC 9110, 12.5.1). Without any, everything is.
fn accepts(headers: &HeaderMap, kind: &str) -> bool {
    let essence = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default();
        kind.trim().to_ascii_lowercase()
    };
    let kind = essence(kind);
    let group = kind.split('/').next().unwrap_or_default();
    let mut listed = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter(|range| !range.trim().is_empty())
        .peekable();
    if listed.peek().is_none() {
        return true;
    }
    // The most exact range that fits decides; its weight may be zero.
    let best = listed
        .filter_map(|range| {
            let name = essence(range);
            let exactness = if name == kind {
                3
            } else if name.strip_suffix("/*") == Some(group) {
                2
            } else if name == "*/*" {
                1
            } else {
                return None;
            };
            let weight = range
                .split(';')
                .skip(1)
                .find_map(|parameter| parameter.trim().strip_prefix("q="))
                .map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
            Some((exactness, weight))
        })
        .max_by(|one: &(u8, f32), other| one.0.cmp(&other.0));
    best.is_some_and(|(_, weight)| weight > 0.0)
}

/// A packed answer has other bytes, so its version is named as a weak one.
pub(super) async fn name_what_was_packed(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if headers.contains_key(header::CONTENT_ENCODING)
        && let Some(tag) = headers.get(header::ETAG).and_then(|tag| tag.to_str().ok())
        && !tag.starts_with("W/")
        && let Ok(weak) = HeaderValue::from_str(&format!("W/{tag}"))
    {
        headers.insert(header::ETAG, weak);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &header::HeaderName, values: &[&'static str]) -> HeaderMap {
        let values = values.iter().copied().map(HeaderValue::from_static);
        values.map(|value| (name.clone(), value)).collect()
    }

    #[test]
    fn the_most_exact_range_decides() {
        for (accept, kind, expected) in [
            (&[][..], "application/json", true),
            (&[""], "application/json", true),
            (&["*/*"], "application/json", true),
            (&["application/json"], "application/json", true),
            (&["Application/JSON; q=0.5"], "application/json", true),
            (&["application/*"], "application/json", true),
            (&["text/html, */*;q=0.1"], "application/json", true),
            (&["text/html", "application/json"], "application/json", true),
            (&["text/html"], "text/html; charset=utf-8", true),
            (&["text/html"], "application/json", false),
            (&["app/json"], "application/json", false),
            (&["*/*;q=0"], "application/json", false),
            (&["application/json;q=0, */*"], "application/json", false),
            (&["application/json;q=nonsense"], "application/json", false),
        ] {
            let headers = headers(&header::ACCEPT, accept);
            assert_eq!(accepts(&headers, kind), expected, "{accept:?} {kind}");
        }
    }

    #[test]
    fn versions_are_compared_whatever_they_were_packed_in() {
        for (listed, known) in [
            (&["\"a\""][..], true),
            (&["W/\"a\""], true),
            (&["\"b\", \"a\""], true),
            (&["\"b\"", "\"a\""], true),
            (&["*"], true),
            (&["\"b\""], false),
            (&["a"], false),
            (&[""], false),
            (&[], false),
        ] {
            let asked = headers(&header::IF_NONE_MATCH, listed);
            assert_eq!(is_known(&asked, "\"a\""), known, "{listed:?}");
            let asked = headers(&header::IF_MATCH, listed);
            let may = meant_for(&asked, "\"a\"").is_ok();
            // A change that names no version is meant for whatever there is.
            assert_eq!(may, known || listed.is_empty(), "{listed:?}");
        }
    }

    #[test]
    fn versions_have_different_names() {
        assert_ne!(tag(&["a", "b"]), tag(&["ab", ""]));
        assert_ne!(tag(&["a"]), tag(&["b"]));
        assert_eq!(tag(&["a"]), tag(&["a"]));
    }
}
