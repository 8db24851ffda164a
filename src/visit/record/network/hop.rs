//! One request on its way, hop by hop, and which of the browser's additional events belongs to which hop.
//!
//! `requestWillBeSentExtraInfo` and `responseReceivedExtraInfo` carry what really went over the wire.
//! They name the request and not the hop, may come before the request, and are missing for hops
//! answered from a cache or redirected by the browser itself. Whether a hop has them is said with
//! its response, so they wait until then.

use std::collections::VecDeque;

use serde_json::Value as Json;

use super::super::cookies::CookieLog;
use super::super::cut;
use super::body::Body;
use super::initiator::Initiator;
use super::messages::Messages;
use crate::model::party::host_of;
use crate::model::snapshot::{Ahead, AnsweredBy, WorkerRef};

/// Headers of requests that are kept, in the order they are reported.
pub(super) const HEADERS: [&str; 9] = [
    "cookie",
    "referer",
    "origin",
    "sec-gpc",
    "dnt",
    "content-type",
    "if-none-match",
    "sec-purpose",
    "purpose",
];
/// Most additional events that wait for their hop.
const MOST_WAITING: usize = 64;
/// Most events that wait for their request.
const MOST_EARLY: usize = 32;

/// One request on its way; a redirect starts another hop.
#[derive(Debug, Default)]
pub(super) struct Hop {
    pub(super) url: String,
    pub(super) method: String,
    pub(super) resource_type: String,
    pub(super) at_ms: u64,
    pub(super) frame_id: Option<String>,
    pub(super) document_url: String,
    pub(super) worker: Option<WorkerRef>,
    pub(super) initiator: Initiator,
    /// The request id of what a preflight asks leave for.
    pub(super) preflight_of: Option<String>,
    pub(super) ahead: Option<Ahead>,
    /// Never left the browser (`data:`, `blob:`): kept because scripts of it ask for more.
    pub(super) inside: bool,
    /// Seen while it was held for a moment (CDP `Fetch.requestPaused`).
    pub(super) held: bool,
    pub(super) on_leaving: bool,
    /// Whether the browser sends additional events for it; absent until it said so.
    pub(super) has_extra: Option<bool>,
    pub(super) status: Option<u16>,
    pub(super) mime_type: Option<String>,
    pub(super) from_memory: bool,
    pub(super) from_service_worker: bool,
    pub(super) answered_by: AnsweredBy,
    pub(super) failed: Option<String>,
    pub(super) blocked: Option<String>,
    pub(super) cors_error: Option<String>,
    pub(super) cancelled: bool,
    /// Those of [`HEADERS`] it had, by lower-case name.
    pub(super) headers: Vec<(String, String)>,
    pub(super) has_body: bool,
    pub(super) body: Option<Body>,
    pub(super) sent_cookies: Vec<String>,
    pub(super) set_cookies: Vec<String>,
    pub(super) messages: Messages,
    pub(super) done: bool,
}

impl Hop {
    /// A header as sent.
    pub(super) fn header(&self, wanted: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    }

    /// Takes the body of a request, as the Network domain and the Fetch domain show it.
    pub(super) fn take_body(&mut self, request: &Json) {
        self.has_body |= request["hasPostData"].as_bool().unwrap_or_default();
        if self.body.is_some() {
            return;
        }
        let content_type = self.header("content-type");
        let entries = request["postDataEntries"].as_array();
        if let Some(bytes) = entries.and_then(|entries| bytes_of(entries)) {
            self.body = Some(Body::from_bytes(&bytes, content_type));
        } else if let Some(text) = request["postData"].as_str() {
            self.body = Some(Body::read(text, content_type));
        }
    }

    /// Takes what the browser says of the response (CDP `Network.Response`).
    pub(super) fn take_response(&mut self, response: &Json, has_extra: bool) {
        self.has_extra = Some(has_extra);
        self.status = status_of(&response["status"]);
        self.mime_type = response["mimeType"]
            .as_str()
            .map(|mime| cut(mime).to_owned());
        let says = |field: &str| response[field].as_bool().unwrap_or_default();
        self.from_service_worker = says("fromServiceWorker");
        self.answered_by = if self.from_memory {
            AnsweredBy::MemoryCache
        } else if self.from_service_worker {
            AnsweredBy::ServiceWorker
        } else if says("fromDiskCache") {
            AnsweredBy::DiskCache
        } else if says("fromPrefetchCache") && !has_extra {
            // The fetching itself is marked so too, but it did go over the wire.
            AnsweredBy::PrefetchCache
        } else if !has_extra
            && self.status == Some(307)
            && (header_of(&response["headers"], "non-authoritative-reason").is_some()
                || response["statusText"] == "Internal Redirect")
        {
            AnsweredBy::Browser
        } else {
            AnsweredBy::Network
        };
    }

    fn take_sent(&mut self, at_ms: u64, event: &Json, cookies: &mut CookieLog) {
        self.headers = headers_that_matter(&event["headers"]);
        self.sent_cookies.clear();
        let host = host_of(&self.url);
        for associated in event["associatedCookies"].as_array().into_iter().flatten() {
            if cookies.associated(at_ms.max(1), associated, &host)
                && let Some(name) = associated["cookie"]["name"].as_str()
            {
                self.sent_cookies.push(cut(name).to_owned());
            }
        }
    }

    fn take_received(&mut self, at_ms: u64, event: &Json, cookies: &mut CookieLog) {
        if self.status.is_none() {
            self.status = status_of(&event["statusCode"]);
        }
        if self.answered_by == AnsweredBy::Nobody {
            self.answered_by = AnsweredBy::Network;
        }
        self.take_set_cookies(at_ms, event, cookies);
    }

    /// Raw `Set-Cookie` headers of an event with `headers`, and which of them the browser refused.
    pub(super) fn take_set_cookies(&mut self, at_ms: u64, event: &Json, cookies: &mut CookieLog) {
        let date = header_of(&event["headers"], "date");
        let lines = header_of(&event["headers"], "set-cookie").unwrap_or_default();
        for line in lines.lines() {
            if let Some(name) = cookies.response_set(at_ms, line, date, &self.url, event) {
                self.set_cookies.push(name);
            }
        }
    }
}

/// Additional events in the order they came, and the first hop that may still get one.
#[derive(Debug, Default)]
struct Additional {
    waiting: VecDeque<(u64, Json)>,
    next: usize,
}

impl Additional {
    /// The next event and its hop, once it is certain that they belong together.
    fn settle(
        &mut self,
        hops: &[Hop],
        over: bool,
        fits: fn(&Hop, &Json) -> bool,
    ) -> Option<(usize, u64, Json)> {
        loop {
            let hop = hops.get(self.next)?;
            let (_, event) = self.waiting.front()?;
            let skip = match hop.has_extra {
                Some(false) => true,
                None if !over => return None,
                // Should one be missing, it must not drag all the others along.
                _ => !fits(hop, event) && hops[self.next + 1..].iter().any(|hop| fits(hop, event)),
            };
            let index = self.next;
            self.next += 1;
            if !skip {
                let (at_ms, event) = self.waiting.pop_front()?;
                return Some((index, at_ms, event));
            }
        }
    }
}

/// All hops of one request id, and the events that came too early.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) hops: Vec<Hop>,
    /// Nothing of it is kept (`data:` and the like).
    pub(super) ignored: bool,
    /// Events that came before the request: method and parameters.
    pub(super) early: Vec<(String, Json)>,
    sent: Additional,
    received: Additional,
}

impl Chain {
    pub(super) fn wait_for_request(&mut self, method: &str, params: &Json) {
        if self.early.len() < MOST_EARLY && !self.ignored {
            self.early.push((method.to_owned(), params.clone()));
        }
    }

    /// Keeps an additional event until its hop is known. Says whether there was room.
    pub(super) fn add_additional(&mut self, at_ms: u64, sent: bool, event: &Json) -> bool {
        let queue = if sent {
            &mut self.sent.waiting
        } else {
            &mut self.received.waiting
        };
        if queue.len() >= MOST_WAITING {
            return false;
        }
        queue.push_back((at_ms, event.clone()));
        true
    }

    /// Gives additional events to their hops, as far as that is certain; all of them when it is `over`.
    pub(super) fn settle(&mut self, over: bool, cookies: &mut CookieLog) {
        while let Some((index, at_ms, event)) = self.sent.settle(&self.hops, over, sent_by) {
            self.hops[index].take_sent(at_ms, &event, cookies);
        }
        while let Some((index, at_ms, event)) = self.received.settle(&self.hops, over, answers) {
            self.hops[index].take_received(at_ms, &event, cookies);
        }
    }

    /// What was sent although nobody spoke of a request: the address in such an event, where it has one.
    pub(super) fn address_without_request(&self) -> Option<(u64, String, String)> {
        let (at_ms, event) = self.sent.waiting.front().filter(|_| self.hops.is_empty())?;
        let header = |name: &str| header_of(&event["headers"], name);
        let url = format!(
            "{}://{}{}",
            header(":scheme")?,
            header(":authority")?,
            header(":path")?
        );
        Some((
            *at_ms,
            header(":method").unwrap_or("GET").to_owned(),
            cut(&url).to_owned(),
        ))
    }
}

/// Whether what was sent went to this hop's host and, where HTTP/2 names it, path.
fn sent_by(hop: &Hop, event: &Json) -> bool {
    let Ok(url) = url::Url::parse(&hop.url) else {
        return true;
    };
    let headers = &event["headers"];
    let host = header_of(headers, ":authority").or_else(|| header_of(headers, "host"));
    let named = host.is_none_or(|host| {
        let authority = match (url.host_str(), url.port()) {
            (Some(name), Some(port)) => format!("{name}:{port}"),
            (name, _) => name.unwrap_or_default().to_owned(),
        };
        host.eq_ignore_ascii_case(&authority)
    });
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    named && header_of(headers, ":path").is_none_or(|sent| sent == path)
}

fn answers(hop: &Hop, event: &Json) -> bool {
    let status = status_of(&event["statusCode"]);
    // A confirmed copy of the cache shows the copy's status.
    hop.status.is_none() || status.is_none() || status == Some(304) || hop.status == status
}

pub(super) fn status_of(status: &Json) -> Option<u16> {
    status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| *status > 0)
}

/// A header of an event, whatever its case.
pub(in crate::visit::record) fn header_of<'a>(headers: &'a Json, wanted: &str) -> Option<&'a str> {
    headers
        .as_object()?
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .and_then(|(_, value)| value.as_str())
}

/// Those of [`HEADERS`] that a request has.
pub(super) fn headers_that_matter(headers: &Json) -> Vec<(String, String)> {
    HEADERS
        .iter()
        .filter_map(|name| {
            Some((
                (*name).to_owned(),
                cut(header_of(headers, name)?).to_owned(),
            ))
        })
        .collect()
}

/// The names of the cookies in a `Cookie` header.
pub(super) fn names_in_cookie_header(header: &str) -> Vec<String> {
    header
        .split(';')
        .map(|pair| pair.split_once('=').map_or("", |(name, _)| name).trim())
        .map(str::to_owned)
        .collect()
}

fn bytes_of(entries: &[Json]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let mut bytes = Vec::new();
    for entry in entries {
        let part = base64::engine::general_purpose::STANDARD
            .decode(entry["bytes"].as_str()?)
            .ok()?;
        bytes.extend(part);
    }
    (!bytes.is_empty()).then_some(bytes)
}
