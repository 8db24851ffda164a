//! Takes out of a report what is personal or has no end.

use crate::model::finding::Finding;
use crate::model::report::{Page, Report};
use crate::model::snapshot::{
    Cookie, FrameRef, InitiatorStep, RedirectHop, Request, Setter, Snapshot, StorageEntry,
    StorageKind, WorkerRef, Write,
};
use crate::model::value::Value;
use crate::model::visit::{Banner, Visit};

/// Longest URL a redacted report carries, in characters.
const LONGEST_URL: usize = 2_048;

/// The report without raw values and with URLs cut at 2,048 characters; fingerprints and lengths stay.
#[must_use]
pub fn redacted(mut report: Report) -> Report {
    report.pages.iter_mut().for_each(redact_page);
    report.findings.iter_mut().for_each(redact_finding);
    for service in &mut report.services {
        service.pages.iter_mut().for_each(cut_url);
    }
    report
}

/// The report without the pictures' bytes; their digests stay.
pub(super) fn without_pictures(mut report: Report) -> Report {
    for picture in report.pages.iter_mut().flat_map(Page::pictures_mut) {
        picture.data = None;
    }
    report
}

fn redact_page(page: &mut Page) {
    cut_url(&mut page.url);
    cut_url(&mut page.final_url);
    redact_banner(&mut page.banner);
    if let Some(url) = page.policy.as_mut().and_then(|policy| policy.url.as_mut()) {
        cut_url(url);
    }
    page.visits.iter_mut().for_each(redact_visit);
}

fn redact_visit(visit: &mut Visit) {
    cut_url(&mut visit.final_url);
    visit.choice.carried_from.iter_mut().for_each(cut_url);
    redact_banner(&mut visit.banner);
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
    cookies.iter_mut().for_each(redact_cookie);
    storage.iter_mut().for_each(redact_entry);
    requests.iter_mut().for_each(redact_request);
    for value in signals
        .iter_mut()
        .filter_map(|signal| signal.value.as_mut())
    {
        value.redact();
    }
    for script in scripts {
        cut_url(&mut script.url);
        cut_chain(&mut script.initiator_chain);
    }
    for read in fingerprinting {
        cut_url(&mut read.script);
        read.stack
            .iter_mut()
            .for_each(|place| cut_url(&mut place.url));
    }
    policy_link.iter_mut().for_each(cut_url);
    for document in documents {
        cut_url(&mut document.source);
        document.text.redact();
    }
    for target in targets {
        cut_url(&mut target.url);
    }
    links.iter_mut().for_each(cut_url);
}

fn redact_banner(banner: &mut Banner) {
    banner.frame.iter_mut().for_each(cut_url);
}

fn redact_cookie(cookie: &mut Cookie) {
    cookie.value.redact();
    cookie.set_by.iter_mut().for_each(cut_setter);
    cookie.writes.iter_mut().for_each(redact_write);
}

fn redact_entry(entry: &mut StorageEntry) {
    entry.value.redact();
    if entry.kind == StorageKind::ServiceWorker {
        cut_url(&mut entry.key);
    }
    entry.set_by.iter_mut().for_each(cut_setter);
    entry.writes.iter_mut().for_each(redact_write);
}

fn redact_write(write: &mut Write) {
    write.value.redact();
    write.set_by.iter_mut().for_each(cut_setter);
}

fn redact_request(request: &mut Request) {
    cut_url(&mut request.url);
    if let Some(FrameRef { url, .. }) = &mut request.frame {
        cut_url(url);
    }
    if let Some(WorkerRef { url, .. }) = &mut request.worker {
        cut_url(url);
    }
    for RedirectHop { url, .. } in &mut request.redirect_chain {
        cut_url(url);
    }
    cut_chain(&mut request.initiator_chain);
    let headers = request.headers.iter_mut().map(|header| &mut header.value);
    let parameters = request.body_parameters.iter_mut();
    let messages = request.messages.iter_mut();
    headers
        .chain(&mut request.post_body)
        .chain(parameters.map(|parameter| &mut parameter.value))
        .chain(messages.map(|message| &mut message.payload))
        .for_each(Value::redact);
}

fn redact_finding(finding: &mut Finding) {
    cut_url(&mut finding.page);
    cut_chain(&mut finding.evidence.initiator_chain);
    finding.evidence.set_by.iter_mut().for_each(cut_setter);
}

fn cut_setter(setter: &mut Setter) {
    match setter {
        Setter::Response { url } => cut_url(url),
        Setter::Script { stack } => stack.iter_mut().for_each(|place| cut_url(&mut place.url)),
    }
}

fn cut_chain(chain: &mut [InitiatorStep]) {
    for step in chain {
        cut_url(&mut step.url);
    }
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
}
