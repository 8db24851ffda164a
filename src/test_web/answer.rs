//! Answers requests: finds the host's owner, then its route or file.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, COOKIE, HOST, LOCATION, ORIGIN,
    SET_COOKIE, VARY,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::Response;
use include_dir::{Dir, include_dir};

use super::hosts::{Hosts, Owner, Service};
use super::packages::Packages;
use super::route::{Route, set_cookie};
use super::site::Site;

/// `fixtures/shared`, built in: served below `/shared/` on every site.
static SHARED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/shared");

/// Largest request body read, in bytes; nobody looks at it.
const LARGEST_BODY: usize = 1024 * 1024;

/// All that is needed to answer.
#[derive(Debug)]
pub(super) struct Web {
    /// Who answers for which host.
    pub(super) hosts: Hosts,
    /// The consent banners.
    pub(super) packages: Packages,
}

/// What is sent back.
struct Answer {
    status: StatusCode,
    content_type: String,
    body: Vec<u8>,
    headers: HeaderMap,
}

impl Answer {
    fn new(status: StatusCode, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type: content_type.to_owned(),
            body: body.into(),
            headers: HeaderMap::new(),
        }
    }

    fn not_found(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "text/plain; charset=utf-8",
            format!("not found: {what}\n"),
        )
    }
}

/// Answers one request.
pub(super) async fn answer(State(web): State<Arc<Web>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    // An unread body would cut the connection, which a page would see as a failed beacon.
    if axum::body::to_bytes(body, LARGEST_BODY).await.is_err() {
        tracing::debug!("a request body of the test web was not read to its end");
    }
    let authority = head.uri.authority().map(Authority::as_str);
    let host = host_name(
        header(&head.headers, HOST)
            .or(authority)
            .unwrap_or_default(),
    );
    let path = head.uri.path();
    let carried = carried_cookies(&head.headers);

    let answer = match web.hosts.owner(&host) {
        Some(Owner::Site(site)) => of_site(&web, site, &host, path, &carried).await,
        Some(Owner::Service(_)) if head.method == Method::OPTIONS => preflight(&head.headers),
        Some(Owner::Service(service)) => of_service(service, &host, path, &carried).await,
        Some(Owner::Index(sites)) => index(sites),
        None => Answer::not_found("no such host in the test web"),
    };
    let mut response = respond(answer);
    if matches!(web.hosts.owner(&host), Some(Owner::Service(_))) {
        share(&head.headers, response.headers_mut());
    }
    response
}

/// A page or a file of a site, of the shared files, or of an npm package.
async fn of_site(web: &Web, site: &Site, host: &str, path: &str, carried: &str) -> Answer {
    if let Some(package) = path.strip_prefix("/npm/") {
        return web.packages.read(package).await.map_or_else(
            || {
                Answer::not_found(
                    "no such file in the npm packages of the test web, or they are not installed",
                )
            },
            |bytes| Answer::new(StatusCode::OK, media_type(path), bytes),
        );
    }
    if let Some(name) = path.strip_prefix("/shared/") {
        return SHARED.get_file(name).map_or_else(
            || Answer::not_found(path),
            |file| Answer::new(StatusCode::OK, media_type(path), file.contents()),
        );
    }
    let file = |name: &str| site.file(name).map(|(_, bytes)| bytes);
    if let Some(route) = site.routes.iter().find(|route| route.fits(host, path)) {
        return of_route(route, file, carried).await;
    }
    if let Some(page) = site.common_page(path) {
        return Answer::new(StatusCode::OK, media_type("page.html"), page);
    }
    if let Some((name, text)) = site.numbered(path) {
        return Answer::new(StatusCode::OK, media_type(name), text);
    }
    site.file(path).map_or_else(
        || Answer::not_found(path),
        |(name, bytes)| Answer::new(StatusCode::OK, media_type(name), bytes),
    )
}

/// What a service answers.
async fn of_service(service: &Service, host: &str, path: &str, carried: &str) -> Answer {
    match service.routes.iter().find(|route| route.fits(host, path)) {
        Some(route) => of_route(route, |name| service.file(name), carried).await,
        None => Answer::not_found(path),
    }
}

/// What a route says.
async fn of_route(
    route: &Route,
    file: impl Fn(&str) -> Option<&'static [u8]>,
    carried: &str,
) -> Answer {
    tokio::time::sleep(Duration::from_millis(route.delay_ms)).await;
    let name = route.file.as_deref().unwrap_or_default();
    let mut answer = Answer::new(
        StatusCode::from_u16(route.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        route
            .content_type
            .as_deref()
            .unwrap_or_else(|| media_type(name)),
        file(name).unwrap_or_default(),
    );
    for template in &route.set_cookie {
        let header =
            set_cookie(template, carried).and_then(|header| HeaderValue::from_str(&header).ok());
        if let Some(header) = header {
            answer.headers.append(SET_COOKIE, header);
        }
    }
    if let Some(location) = route
        .redirect
        .as_deref()
        .and_then(|location| HeaderValue::from_str(location).ok())
    {
        answer.headers.insert(LOCATION, location);
    }
    answer
}

/// The list of sites, for a person who opens the test web by its port.
fn index(sites: &[Site]) -> Answer {
    let lines: Vec<String> = sites
        .iter()
        .map(|site| format!("{}\n    {}\n", site.url, site.about))
        .collect();
    Answer::new(StatusCode::OK, "text/plain; charset=utf-8", lines.concat())
}

/// A service's answer to a CORS preflight: everything may be sent.
fn preflight(request: &HeaderMap) -> Answer {
    let mut answer = Answer::new(StatusCode::NO_CONTENT, "text/plain", "");
    answer.headers.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, POST, PUT"),
    );
    if let Some(asked) = request.get("access-control-request-headers") {
        answer
            .headers
            .insert(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
    }
    answer
}

/// Lets the page that asked read a service's answer, cookies included, as the real ones do.
fn share(request: &HeaderMap, response: &mut HeaderMap) {
    if let Some(origin) = request.get(ORIGIN) {
        response.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        response.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        response.insert(VARY, HeaderValue::from_static("Origin"));
    }
}

/// The answer as axum sends it; never cached, so that every visit asks for everything.
fn respond(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let content_type = HeaderValue::from_str(&answer.content_type);
    response.headers_mut().insert(
        CONTENT_TYPE,
        content_type.unwrap_or(HeaderValue::from_static("application/octet-stream")),
    );
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A host name in lower case, without port and trailing dot.
fn host_name(authority: &str) -> String {
    let host = authority
        .rsplit_once(':')
        .map_or(authority, |(host, _)| host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

fn header(headers: &HeaderMap, name: axum::http::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// All `Cookie` headers of a request as one.
fn carried_cookies(headers: &HeaderMap) -> String {
    let texts: Vec<&str> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect();
    texts.join("; ")
}

/// The media type a file's name tells.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json") => "application/json",
        Some("xml") => "application/xml",
        Some("svg") => "image/svg+xml",
        Some("gif") => "image/gif",
        Some("png") => "image/png",
        Some("jpg") => "image/jpeg",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_plain() {
        for (authority, expected) in [
            ("WWW.Shop.test", "www.shop.test"),
            ("www.shop.test:8443", "www.shop.test"),
            ("www.shop.test.", "www.shop.test"),
            ("127.0.0.1:443", "127.0.0.1"),
            ("", ""),
        ] {
            assert_eq!(host_name(authority), expected, "{authority}");
        }
    }

    #[test]
    fn media_types_follow_the_ending() {
        assert_eq!(media_type("a/b.min.js"), "text/javascript; charset=utf-8");
        assert_eq!(media_type("collect"), "application/octet-stream");
    }
}
