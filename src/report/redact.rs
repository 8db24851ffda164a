//! Takes out of a report what is personal or has no end.

mod known;
mod public;

use std::borrow::Cow;

use crate::model::finding::Finding;
use crate::model::report::{Page, Report};
use crate::model::snapshot::{
    Cookie, FrameRef, InitiatorStep, RedirectHop, Request, Setter, Snapshot, StorageEntry,
    StorageKind, WorkerRef, Write,
};
use crate::model::value::Value;
use crate::model::visit::{Banner, Diagnostic, Visit};
pub(super) use known::KnownValues;

/// Longest URL a redacted report carries, in characters.
const LONGEST_URL: usize = 2_048;

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

impl KnownValues {
    /// Hides values in the query and fragment of an address, and cuts it. Its path stays: it says what was asked.
    fn hide_in_url(&self, url: &mut String) {
        if let Some(start) = url.find(['?', '#'])
            && let Cow::Owned(safe) = self.hidden(&url[start..])
        {
            url.truncate(start);
            url.push_str(&safe);
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
            // What else it says stands in the cookie's own fields.
            write.line = None;
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

fn cut_url(url: &mut String) {
    // No text has more characters than bytes, and most addresses are short.
    if url.len() <= LONGEST_URL {
        return;
    }
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
    fn the_path_of_an_address_stays_and_its_query_is_looked_through() {
        let mut values = KnownValues::default();
        values.learn("1234567890");
        values.learn("1795348800");
        let mut url = "https://a.test/1234567890/x?u=1234567890#1795348800".to_owned();
        values.hide_in_url(&mut url);
        let of = |value: &str| known::substitute(value);
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
