//! The words reports use for the model's values: one place, so that every format says the same.

use std::collections::BTreeSet;

use serde::Serialize;
use url::{Position, Url, form_urlencoded};

use super::facts::Told;
use super::outline::Standing;
use super::printable::{counted, number, shown};
use crate::model::finding::{
    Category, Certainty, Finding, GapReason, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::Party;
use crate::model::report::{Answer, Page};
use crate::model::snapshot::StorageKind;
use crate::model::visit::{Outcome, PhaseName, Route, State, Visit};

/// The name a value has in the JSON report, such as `choice-unconfirmed`.
pub(crate) fn code<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The standing of one page.
pub(super) fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Fails => "fails",
        Standing::ProbablyFails => "probably fails",
        Standing::Incomplete => "incomplete",
        Standing::Review => "review",
        Standing::Passes => "passes",
    }
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}

pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violation => "violation",
        Verdict::Likely => "likely",
        Verdict::Review => "review",
        Verdict::Inconclusive => "inconclusive",
    }
}

/// What a verdict means, for a reader who meets it for the first time.
pub(crate) fn verdict_meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Violation => {
            "proven by the site's own words or by a known item of a known service"
        }
        Verdict::Likely => "behaves like a violation",
        Verdict::Review => "a person has to look",
        Verdict::Inconclusive => "what the rule depends on was not reached or not confirmed",
    }
}

/// Why a rule could not be applied.
pub(crate) fn gap_reason(reason: GapReason) -> &'static str {
    match reason {
        GapReason::NotVisited => "not visited",
        GapReason::Incomplete => "the visit was incomplete",
        GapReason::NotConfirmed => "the answer was not confirmed",
        GapReason::TooFewVisits => "too few visits",
        GapReason::NotRecorded => "not recorded",
    }
}

pub(crate) fn proof(proof: Proof) -> &'static str {
    match proof {
        Proof::P1 => "P1, the site contradicts itself",
        Proof::P2 => "P2, a known item of a known vendor",
        Proof::P3 => "P3, behaviour of a unique identifier",
        Proof::P4 => "P4, what the banner shows",
    }
}

pub(crate) fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::L1 => "L1, statute or Court of Justice",
        Certainty::L2 => "L2, consensus of regulators",
        Certainty::L3 => "L3, contested or best practice",
    }
}

pub(crate) fn category(category: Category) -> &'static str {
    match category {
        Category::Necessary => "necessary",
        Category::Preferences => "preferences",
        Category::Analytics => "analytics",
        Category::Marketing => "marketing",
        Category::Unclassified => "unclassified",
    }
}

pub(crate) fn subject_kind(kind: SubjectKind) -> &'static str {
    match kind {
        SubjectKind::Cookie => "cookie",
        SubjectKind::LocalStorage => "local storage entry",
        SubjectKind::SessionStorage => "session storage entry",
        SubjectKind::IndexedDb => "IndexedDB store",
        SubjectKind::CacheStorage => "cache",
        SubjectKind::ServiceWorker => "service worker",
        SubjectKind::SharedStorage => "shared storage entry",
        SubjectKind::Request => "request",
        SubjectKind::Signal => "consent signal",
        SubjectKind::Banner => "banner",
    }
}

/// `cookie _ga on shop.test`, `banner of shop.test (Klaro)`; names of at most `limit` characters.
pub(crate) fn subject(finding: &Finding, limit: usize) -> String {
    let Subject {
        kind, host, name, ..
    } = &finding.subject;
    let name = shown(name, limit);
    let host = shown(host, limit);
    let kind_words = subject_kind(*kind);
    match kind {
        SubjectKind::Banner if name == kind_words => format!("{kind_words} of {host}"),
        SubjectKind::Banner => format!("{kind_words} of {host} ({name})"),
        SubjectKind::Request => format!("{kind_words} {host}{name}"),
        _ if host.is_empty() => format!("{kind_words} {name}"),
        _ => format!("{kind_words} {name} on {host}"),
    }
}

/// An address as a URI (RFC 3986), which what a user typed or a page asked for need not be.
pub(crate) fn address(given: &str) -> String {
    let Ok(url) = Url::parse(given) else {
        return form_urlencoded::byte_serialize(given.as_bytes()).collect();
    };
    let mut address = url[..Position::BeforePath].to_owned();
    // Browsers let these stand in paths and queries.
    for letter in url[Position::BeforePath..].chars() {
        match letter {
            '[' | ']' | '{' | '}' | '|' | '^' | '`' | '\\' | '"' | '<' | '>' => {
                address.extend(form_urlencoded::byte_serialize(
                    letter.to_string().as_bytes(),
                ));
            }
            _ => address.push(letter),
        }
    }
    address
}

/// The subject kind findings use for an entry of this storage area.
pub(crate) fn subject_of_storage(kind: StorageKind) -> SubjectKind {
    match kind {
        StorageKind::LocalStorage => SubjectKind::LocalStorage,
        StorageKind::SessionStorage => SubjectKind::SessionStorage,
        StorageKind::IndexedDb => SubjectKind::IndexedDb,
        StorageKind::CacheStorage => SubjectKind::CacheStorage,
        StorageKind::ServiceWorker => SubjectKind::ServiceWorker,
        StorageKind::SharedStorage => SubjectKind::SharedStorage,
    }
}

pub(crate) fn party(party: Party) -> &'static str {
    match party {
        Party::First => "first party",
        Party::Third => "third party",
    }
}

pub(crate) fn state(state: State) -> &'static str {
    match state {
        State::Before => "before",
        State::Rejected => "rejected",
        State::Accepted => "accepted",
        State::Withdrawn => "withdrawn",
    }
}

/// A visit by its state, and by its number where the page was visited more than once in it.
pub(crate) fn visit(page: &Page, visit: &Visit) -> String {
    visits(page, visit.state, &BTreeSet::from([visit.repeat]))
}

/// Visits of one state by their numbers; all of them by their state alone.
pub(crate) fn visits(page: &Page, in_state: State, repeats: &BTreeSet<u32>) -> String {
    let all = page
        .visits
        .iter()
        .filter(|visit| visit.state == in_state)
        .count();
    let name = state(in_state);
    let numbers: Vec<String> = repeats.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [] => name.to_owned(),
        numbers if numbers.len() >= all => name.to_owned(),
        [number] => format!("{name}, visit {number} of {all}"),
        numbers => format!("{name}, visits {} of {all}", numbers.join(", ")),
    }
}

/// The pages a diagnostic holds for: one by its address, several by their number.
pub(super) fn pages_told(told: &Told, limit: usize) -> Option<String> {
    match (told.pages.as_slice(), told.page_count) {
        ([], _) => None,
        ([page], 1) => Some(shown(page, limit)),
        (_, count) => Some(counted(count, "page", "pages")),
    }
}

/// What the visitor did in a state.
pub(crate) fn state_meaning(state: State) -> &'static str {
    match state {
        State::Before => "the visitor has not answered",
        State::Rejected => "the visitor said no",
        State::Accepted => "the visitor said yes",
        State::Withdrawn => "the visitor said yes and took it back",
    }
}

pub(crate) fn phase(phase: PhaseName) -> &'static str {
    match phase {
        PhaseName::Idle => "idle",
        PhaseName::Active => "active",
        PhaseName::Choosing => "choosing",
        PhaseName::Chosen => "chosen",
        PhaseName::Revisit => "revisit",
        PhaseName::Emptied => "emptied",
    }
}

/// What happens in a phase.
pub(crate) fn phase_meaning(phase: PhaseName) -> &'static str {
    match phase {
        PhaseName::Idle => "page left alone",
        PhaseName::Active => "mouse and scroll",
        PhaseName::Choosing => "answering",
        PhaseName::Chosen => "after the answer",
        PhaseName::Revisit => "after a reload",
        PhaseName::Emptied => "cookies deleted",
    }
}

pub(crate) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Complete => "complete",
        Outcome::TimedOut => "timed out",
        Outcome::Unreachable => "not reached",
        Outcome::HttpError => "error status instead of the page",
        Outcome::Blocked => "blocked by a bot wall",
        Outcome::NotAPage => "not a web page",
        Outcome::BrowserCrashed => "browser crashed",
        Outcome::Interrupted => "interrupted",
    }
}

pub(crate) fn route(route: Route) -> &'static str {
    match route {
        Route::FirstLayer => "on the first layer",
        Route::SecondLayer => "behind the settings",
        Route::None => "not found",
    }
}

pub(crate) fn answer(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No => "no",
        Answer::NotEstablished => "not established",
    }
}

/// A moment of a visit: `420 ms`, `12.3 s`.
pub(crate) fn moment(at_ms: u64) -> String {
    if at_ms < 1_000 {
        return format!("{at_ms} ms");
    }
    format!(
        "{}.{} s",
        number((at_ms / 1_000) as usize),
        at_ms % 1_000 / 100
    )
}

/// A lifetime asked for, in words: `session`, `30 minutes`, `400 days`.
pub(crate) fn lifetime(seconds: Option<i64>) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    let Some(seconds) = seconds else {
        return "session".to_owned();
    };
    let (count, one, many) = match seconds {
        ..=0 => return "deletion".to_owned(),
        1..MINUTE => (seconds, "second", "seconds"),
        MINUTE..HOUR => (seconds / MINUTE, "minute", "minutes"),
        HOUR..DAY => (seconds / HOUR, "hour", "hours"),
        _ => (seconds / DAY, "day", "days"),
    };
    counted(usize::try_from(count).unwrap_or(usize::MAX), one, many)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::visit::DiagnosticCode;

    #[test]
    fn lifetimes_read_as_a_person_says_them() {
        for (seconds, words) in [
            (None, "session"),
            (Some(-1), "deletion"),
            (Some(0), "deletion"),
            (Some(1), "1 second"),
            (Some(1_800), "30 minutes"),
            (Some(86_399), "23 hours"),
            (Some(86_400), "1 day"),
            (Some(63_072_000), "730 days"),
        ] {
            assert_eq!(lifetime(seconds), words, "{seconds:?}");
        }
    }

    #[test]
    fn addresses_are_uris_whatever_was_asked_for() {
        for (given, uri) in [
            ("https://a.test/x?y=1#z", "https://a.test/x?y=1#z"),
            ("https://[::1]/[a]|{b}", "https://[::1]/%5Ba%5D%7C%7Bb%7D"),
            ("https://a.test/ü <b>", "https://a.test/%C3%BC%20%3Cb%3E"),
            ("no address", "no+address"),
        ] {
            assert_eq!(address(given), uri);
        }
    }

    #[test]
    fn moments_change_unit_at_a_second() {
        for (at_ms, words) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (12_345, "12.3 s"),
        ] {
            assert_eq!(moment(at_ms), words);
        }
    }

    #[test]
    fn codes_are_those_of_the_json_report() {
        assert_eq!(
            code(&DiagnosticCode::ChoiceUnconfirmed),
            "choice-unconfirmed"
        );
        assert_eq!(code(&vec![1]), "");
    }
}
