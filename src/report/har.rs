//! HAR 1.2: every visit is a page of the log, every request an entry.
//!
//! Fields of our own begin with an underscore, as the format asks. What the browser was not asked
//! for is said in the format's own way: sizes that are not known are -1, lengths of time are 0.

use std::collections::HashMap;
use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use url::{Url, form_urlencoded};

use super::RenderError;
use super::facts::Facts;
use super::redact::shown_page;
use super::wording::{self, code};
use crate::model::report::{Page, PageSource, Report};
use crate::model::snapshot::{Header, Request};
use crate::model::value::Value;
use crate::model::visit::Visit;

/// Says in the place of a value that there was one.
const REDACTED: &str = "redacted";

/// The log of all visits.
pub(super) fn har(
    facts: &Facts,
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut log = Log::begin(&facts.head, out)?;
    for (number, page) in source.pages().enumerate() {
        let page = page?;
        for visit in &page.visits {
            log.page(&page_of(number, &page, visit))?;
        }
    }
    log.entries()?;
    for (number, page) in source.pages().enumerate() {
        let page = shown_page(page?, redact, false);
        for visit in &page.visits {
            for entry in entries_of(number, visit) {
                log.entry(&entry)?;
            }
        }
    }
    log.end()
}

/// The log of one visit, the page's `number` in the run counted from 0.
pub fn har_of_visit(
    head: &Report,
    number: usize,
    page: &Page,
    visit: &Visit,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut log = Log::begin(head, out)?;
    log.page(&page_of(number, page, visit))?;
    log.entries()?;
    for entry in entries_of(number, visit) {
        log.entry(&entry)?;
    }
    log.end()
}

/// A log while it is written.
struct Log<'a> {
    out: &'a mut dyn Write,
    /// What stands before the next element of the list being written.
    before: &'static str,
}

impl<'a> Log<'a> {
    fn begin(head: &Report, out: &'a mut dyn Write) -> Result<Self, RenderError> {
        let creator = json!({ "name": "Consentinel", "version": head.run.tool.version });
        write!(out, "{{\"log\":{{\"version\":\"1.2\",\"creator\":{creator}")?;
        if let Some(browser) = &head.run.browser {
            let browser = json!({ "name": browser.name, "version": browser.version });
            write!(out, ",\"browser\":{browser}")?;
        }
        out.write_all(b",\"pages\":[")?;
        Ok(Self { out, before: "\n" })
    }

    fn page(&mut self, page: &Json) -> Result<(), RenderError> {
        self.element(page)
    }

    fn entries(&mut self) -> Result<(), RenderError> {
        self.before = "\n";
        self.out.write_all(b"\n],\"entries\":[")?;
        Ok(())
    }

    fn entry(&mut self, entry: &Json) -> Result<(), RenderError> {
        self.element(entry)
    }

    fn element(&mut self, element: &Json) -> Result<(), RenderError> {
        self.out.write_all(self.before.as_bytes())?;
        serde_json::to_writer(&mut *self.out, element)?;
        self.before = ",\n";
        Ok(())
    }

    fn end(self) -> Result<(), RenderError> {
        self.out.write_all(b"\n]}}\n")?;
        Ok(())
    }
}

fn page_id(number: usize, visit: &Visit) -> String {
    format!(
        "page-{}-{}-{}",
        number + 1,
        code(&visit.state),
        visit.repeat
    )
}

fn page_of(number: usize, page: &Page, visit: &Visit) -> Json {
    json!({
        "startedDateTime": moment(visit, 0),
        "id": page_id(number, visit),
        "title": page.url,
        "pageTimings": { "onLoad": visit.timing.load_ms.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX)) },
        "_state": visit.state,
        "_visit": visit.repeat,
        "_outcome": visit.outcome,
        "_phases": visit.phases,
    })
}

fn entries_of(number: usize, visit: &Visit) -> impl Iterator<Item = Json> {
    // A redirect names its target nowhere; the request that followed names where it came from.
    let mut followed: HashMap<&str, &str> = HashMap::new();
    for request in &visit.snapshot.requests {
        if let Some(hop) = request.redirect_chain.last() {
            followed.insert(&hop.url, &request.url);
        }
    }
    visit
        .snapshot
        .requests
        .iter()
        .map(move |request| entry(number, visit, request, &followed))
}

fn entry(number: usize, visit: &Visit, request: &Request, followed: &HashMap<&str, &str>) -> Json {
    let is_redirect = request
        .status
        .is_some_and(|status| (300..400).contains(&status));
    let target = if is_redirect {
        followed
            .get(request.url.as_str())
            .copied()
            .unwrap_or_default()
    } else {
        ""
    };
    let mut asked = json!({
        "method": request.method,
        "url": wording::address(&request.url),
        "httpVersion": "unknown",
        "cookies": named(&request.sent_cookies),
        "headers": request.headers.iter().map(header).collect::<Vec<_>>(),
        "queryString": query(&request.url),
        "headersSize": -1,
        "bodySize": request.post_body.as_ref().map_or(0, |body| body.length),
    });
    if let Some(body) = &request.post_body {
        let kind = request
            .headers
            .iter()
            .find(|held| held.name == "content-type")
            .map_or("", |held| held.value.text());
        asked["postData"] = json!({
            "mimeType": kind,
            "text": text(body),
            "_fingerprint": body.fingerprint,
            "_length": body.length,
        });
    }
    let mut entry = json!({
        "pageref": page_id(number, visit),
        "startedDateTime": moment(visit, request.at_ms),
        "time": 0,
        "request": asked,
        "response": {
            "status": request.status.unwrap_or(0),
            "statusText": "",
            "httpVersion": "unknown",
            "cookies": named(&request.set_cookies),
            "headers": [],
            "content": { "size": -1, "mimeType": request.mime_type.as_deref().unwrap_or_default() },
            "redirectURL": target,
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": { "send": 0, "wait": 0, "receive": 0 },
        "_resourceType": request.resource_type,
        "_party": request.party,
        "_phase": request.phase,
        "_atMs": request.at_ms,
        "_answeredBy": request.answered_by,
        "_initiatorChain": request.initiator_chain,
    });
    let failed = request.failed.as_ref().or(request.blocked.as_ref());
    if let Some(reason) = failed {
        entry["response"]["_error"] = json!(reason);
    }
    entry
}

fn header(header: &Header) -> Json {
    json!({
        "name": header.name,
        "value": text(&header.value),
        "_fingerprint": header.value.fingerprint,
    })
}

/// A value as it was, or a word that it was taken out.
fn text(value: &Value) -> &str {
    match &value.text {
        Some(text) => text,
        None if value.length == 0 => "",
        None => REDACTED,
    }
}

/// Cookies of which the name is known; their values stand with the cookies of the snapshot.
fn named(names: &[String]) -> Vec<Json> {
    names
        .iter()
        .map(|name| json!({ "name": name, "value": REDACTED }))
        .collect()
}

fn query(url: &str) -> Vec<Json> {
    let url = Url::parse(url);
    let pairs = url.as_ref().ok().and_then(Url::query).unwrap_or_default();
    form_urlencoded::parse(pairs.as_bytes())
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect()
}

/// A moment of a visit as a date with its time.
fn moment(visit: &Visit, at_ms: u64) -> String {
    let passed = SignedDuration::from_millis(i64::try_from(at_ms).unwrap_or(i64::MAX));
    let moment = visit
        .timing
        .started
        .checked_add(passed)
        .unwrap_or(Timestamp::MAX);
    format!("{moment:.3}")
}
