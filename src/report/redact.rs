//! Takes out of a report what is personal or has no end.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter::once;

use url::form_urlencoded;

use crate::model::finding::Finding;
use crate::model::report::{Page, Report};
use crate::model::snapshot::{
    Cookie, FrameRef, InitiatorStep, RedirectHop, Request, Setter, Snapshot, StorageEntry,
    StorageKind, WorkerRef, Write,
};
use crate::model::value::{Value, fingerprint};
use crate::model::visit::{Banner, Diagnostic, Visit};

/// Longest URL a redacted report carries, in characters.
const LONGEST_URL: usize = 2_048;

/// Shortest value, or part of one, worth looking for elsewhere, in bytes: shorter ones tell nobody apart.
const SHORTEST_VALUE: usize = 8;

/// Most of a value looked at, in bytes, and most values and parts remembered of one page.
const LONGEST_LOOKED_AT: usize = 4_096;
const MOST_VALUES: usize = 100_000;

/// The report without raw values and with URLs cut at 2,048 characters; fingerprints and lengths stay.
#[must_use]
pub fn redacted(mut report: Report) -> Report {
    for page in &mut report.pages {
        let values = KnownValues::of(page);
        for finding in &mut report.findings {
            if finding.page == page.url {
                redact_finding(finding, &values);
            }
        }
        values.redact_page(page);
    }
    cut_head(&mut report);
    report
}

/// A page as reports show it: with `redact` without raw values, without `pictures` without their bytes.
pub fn shown_page(page: Cow<'_, Page>, redact: bool, pictures: bool) -> Cow<'_, Page> {
    if !redact && pictures {
        return page;
    }
    let mut page = page.into_owned();
    if redact {
        KnownValues::of(&page).redact_page(&mut page);
    }
    if !pictures {
        drop_pictures(&mut page);
    }
    Cow::Owned(page)
}

/// Takes the pictures' bytes out of a page; their digests stay.
fn drop_pictures(page: &mut Page) {
    for picture in page.pictures_mut() {
        picture.data = None;
    }
}

/// Cuts the addresses of a report's head.
pub(super) fn cut_head(head: &mut Report) {
    for finding in &mut head.findings {
        cut_url(&mut finding.page);
    }
    for service in &mut head.services {
        service.pages.iter_mut().for_each(cut_url);
    }
}

/// Takes the values its page is known to hold out of a finding.
pub(super) fn redact_finding(finding: &mut Finding, values: &KnownValues) {
    let evidence = &mut finding.evidence;
    values.hide_in_chain(&mut evidence.initiator_chain);
    if let Some(setter) = &mut evidence.set_by {
        values.hide_in_setter(setter);
    }
    for note in &mut evidence.notes {
        values.hide(note);
    }
    values.hide(&mut finding.remedy);
}

/// Values a page stored or sent, to be found again where they are repeated: in the query of an
/// address, in what a finding quotes.
///
/// Looked for are whole values, and the parts of them that hold a digit: `GA1.1.1234567890.1795348800`
/// goes on as `cid=1234567890.1795348800`. What stands in the page's own address is no secret.
#[derive(Debug, Default)]
pub(super) struct KnownValues {
    known: HashSet<String>,
}

impl KnownValues {
    /// The values of all visits of a page.
    pub(super) fn of(page: &Page) -> Self {
        let mut values = Self::default();
        for visit in &page.visits {
            let Snapshot {
                cookies,
                storage,
                requests,
                ..
            } = &visit.snapshot;
            let written = cookies
                .iter()
                .flat_map(|cookie| once(&cookie.value).chain(of_writes(&cookie.writes)));
            let stored = storage
                .iter()
                .flat_map(|entry| once(&entry.value).chain(of_writes(&entry.writes)));
            let sent = requests.iter().flat_map(|request| {
                let cookies = request.headers.iter().filter(|held| held.name == "cookie");
                let fields = request.body_parameters.iter().map(|field| &field.value);
                cookies.map(|held| &held.value).chain(fields)
            });
            for value in written.chain(stored).chain(sent) {
                values.learn(value.text());
            }
        }
        for address in [&page.url, &page.final_url] {
            for part in address.split(|letter: char| !letter.is_alphanumeric()) {
                values.known.remove(part);
            }
        }
        values
    }

    fn learn(&mut self, text: &str) {
        let mut end = text.len().min(LONGEST_LOOKED_AT);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = &text[..end];
        let parts = text.split(|letter: char| !letter.is_alphanumeric());
        for part in parts.chain([text]) {
            if tells_apart(part) && self.known.len() < MOST_VALUES && !self.known.contains(part) {
                self.known.insert(part.to_owned());
            }
        }
    }

    /// Puts fingerprints in the place of known values.
    pub(super) fn hide(&self, text: &mut String) {
        if !self.known.is_empty() && text.len() >= SHORTEST_VALUE {
            *text = self.hidden(text);
        }
    }

    fn hidden(&self, text: &str) -> String {
        let mut safe = String::with_capacity(text.len());
        let is_border = |letter: char| {
            letter.is_whitespace()
                || matches!(
                    letter,
                    '"' | '\'' | '`' | '&' | '=' | '?' | '#' | ';' | ',' | '(' | ')' | '<' | '>'
                )
        };
        for token in text.split_inclusive(is_border) {
            let value = token.trim_end_matches(is_border);
            let decoded = value
                .contains('%')
                .then(|| form_urlencoded::parse(value.as_bytes()).next())
                .flatten()
                .map(|(name, _)| name.into_owned());
            if self.known.contains(value)
                || decoded.is_some_and(|value| self.known.contains(&value))
            {
                safe.push_str(&substitute(value));
                safe.push_str(&token[value.len()..]);
                continue;
            }
            for run in token.split_inclusive(|letter: char| !letter.is_alphanumeric()) {
                let part = run.trim_end_matches(|letter: char| !letter.is_alphanumeric());
                if self.known.contains(part) {
                    safe.push_str(&substitute(part));
                } else {
                    safe.push_str(part);
                }
                safe.push_str(&run[part.len()..]);
            }
        }
        safe
    }

    /// Hides values in the query and fragment of an address, and cuts it. Its path stays: it says what was asked.
    fn hide_in_url(&self, url: &mut String) {
        if let Some(start) = url.find(['?', '#']) {
            let mut rest = url.split_off(start);
            self.hide(&mut rest);
            url.push_str(&rest);
        }
        cut_url(url);
    }

    fn hide_in_setter(&self, setter: &mut Setter) {
        match setter {
            Setter::Response { url } => self.hide_in_url(url),
            Setter::Script { stack } => stack
                .iter_mut()
                .for_each(|place| self.hide_in_url(&mut place.url)),
        }
    }

    fn hide_in_chain(&self, chain: &mut [InitiatorStep]) {
        for step in chain {
            self.hide_in_url(&mut step.url);
        }
    }

    fn redact_page(&self, page: &mut Page) {
        cut_url(&mut page.url);
        cut_url(&mut page.final_url);
        self.redact_diagnostics(&mut page.diagnostics);
        self.redact_banner(&mut page.banner);
        if let Some(url) = page.policy.as_mut().and_then(|policy| policy.url.as_mut()) {
            self.hide_in_url(url);
        }
        for visit in &mut page.visits {
            self.redact_visit(visit);
        }
    }

    fn redact_visit(&self, visit: &mut Visit) {
        self.hide_in_url(&mut visit.final_url);
        self.redact_diagnostics(&mut visit.diagnostics);
        self.redact_banner(&mut visit.banner);
        if let Some(url) = &mut visit.choice.carried_from {
            self.hide_in_url(url);
        }
        if let Some(how) = &mut visit.choice.how {
            self.hide(how);
        }
        let Snapshot {
            cookies,
            storage,
            requests,
            signals,
            scripts,
            fingerprinting,
            documents,
            policy_link,
            targets,
            links,
            retry_after: _,
        } = &mut visit.snapshot;
        for cookie in cookies {
            self.redact_cookie(cookie);
        }
        for entry in storage {
            self.redact_entry(entry);
        }
        for request in requests {
            self.redact_request(request);
        }
        for value in signals
            .iter_mut()
            .filter_map(|signal| signal.value.as_mut())
        {
            value.redact();
        }
        for script in scripts {
            self.hide_in_url(&mut script.url);
            self.hide_in_chain(&mut script.initiator_chain);
        }
        for read in fingerprinting {
            self.hide_in_url(&mut read.script);
            for place in &mut read.stack {
                self.hide_in_url(&mut place.url);
            }
        }
        for document in documents {
            self.hide_in_url(&mut document.source);
            document.text.redact();
        }
        let addresses = targets.iter_mut().map(|target| &mut target.url);
        for url in addresses.chain(policy_link).chain(links) {
            self.hide_in_url(url);
        }
    }

    fn redact_diagnostics(&self, diagnostics: &mut [Diagnostic]) {
        for diagnostic in diagnostics {
            self.hide(&mut diagnostic.message);
        }
    }

    fn redact_banner(&self, banner: &mut Banner) {
        if let Some(frame) = &mut banner.frame {
            self.hide_in_url(frame);
        }
    }

    fn redact_cookie(&self, cookie: &mut Cookie) {
        cookie.value.redact();
        if let Some(setter) = &mut cookie.set_by {
            self.hide_in_setter(setter);
        }
        self.redact_writes(&mut cookie.writes);
    }

    fn redact_entry(&self, entry: &mut StorageEntry) {
        entry.value.redact();
        if entry.kind == StorageKind::ServiceWorker {
            self.hide_in_url(&mut entry.key);
        }
        if let Some(setter) = &mut entry.set_by {
            self.hide_in_setter(setter);
        }
        self.redact_writes(&mut entry.writes);
    }

    fn redact_writes(&self, writes: &mut [Write]) {
        for write in writes {
            write.value.redact();
            if let Some(setter) = &mut write.set_by {
                self.hide_in_setter(setter);
            }
        }
    }

    fn redact_request(&self, request: &mut Request) {
        self.hide_in_url(&mut request.url);
        if let Some(FrameRef { url, .. }) = &mut request.frame {
            self.hide_in_url(url);
        }
        if let Some(WorkerRef { url, .. }) = &mut request.worker {
            self.hide_in_url(url);
        }
        for RedirectHop { url, .. } in &mut request.redirect_chain {
            self.hide_in_url(url);
        }
        self.hide_in_chain(&mut request.initiator_chain);
        let headers = request.headers.iter_mut().map(|header| &mut header.value);
        let parameters = request.body_parameters.iter_mut();
        let messages = request.messages.iter_mut();
        headers
            .chain(&mut request.post_body)
            .chain(parameters.map(|parameter| &mut parameter.value))
            .chain(messages.map(|message| &mut message.payload))
            .for_each(Value::redact);
    }
}

fn of_writes(writes: &[Write]) -> impl Iterator<Item = &Value> {
    writes.iter().map(|write| &write.value)
}

/// Whether a value could tell one visitor from another: long enough, and with a digit in it.
fn tells_apart(value: &str) -> bool {
    value.len() >= SHORTEST_VALUE && value.bytes().any(|byte| byte.is_ascii_digit())
}

/// What stands in the place of a value.
fn substitute(value: &str) -> String {
    format!("redacted-{}", fingerprint(value.as_bytes()))
}

fn cut_url(url: &mut String) {
    if let Some((end, _)) = url.char_indices().nth(LONGEST_URL) {
        url.truncate(end);
        url.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_cut_at_a_character_and_short_ones_are_left_alone() {
        let mut long = "é".repeat(LONGEST_URL + 1);
        cut_url(&mut long);
        assert_eq!(long.chars().count(), LONGEST_URL + 1);
        assert!(long.ends_with('…'));

        let mut exact = "x".repeat(LONGEST_URL);
        cut_url(&mut exact);
        assert_eq!(exact, "x".repeat(LONGEST_URL));
    }

    #[test]
    fn known_values_are_hidden_wherever_they_stand_and_nothing_else_is() {
        let mut values = KnownValues::default();
        for value in [
            "GA1.1.1234567890.1795348800",
            "a1b.c2d.e3",
            "dark",
            "granted everywhere",
        ] {
            values.learn(value);
        }
        let of = |value: &str| substitute(value);
        for (given, expected) in [
            (
                "the value \"GA1.1.1234567890.1795348800\" was sent",
                format!(
                    "the value \"{}\" was sent",
                    of("GA1.1.1234567890.1795348800")
                ),
            ),
            (
                "cid=1234567890.1795348800&v=2",
                format!("cid={}.{}&v=2", of("1234567890"), of("1795348800")),
            ),
            ("id=a1b%2Ec2d%2Ee3", format!("id={}", of("a1b%2Ec2d%2Ee3"))),
            (
                "dark, granted everywhere",
                "dark, granted everywhere".to_owned(),
            ),
            ("12345678901", "12345678901".to_owned()),
        ] {
            let mut text = given.to_owned();
            values.hide(&mut text);
            assert_eq!(text, expected, "{given}");
        }
        let mut url = "https://a.test/1234567890/x?u=1234567890#1795348800".to_owned();
        values.hide_in_url(&mut url);
        assert_eq!(
            url,
            format!(
                "https://a.test/1234567890/x?u={}#{}",
                of("1234567890"),
                of("1795348800")
            )
        );
    }
}
