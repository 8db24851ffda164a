//! What is true of a site, written by hand, and how an audit's report differs from it.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use url::Url;

use super::pattern::fits;
use super::site::Site;
use crate::model::finding::{Finding, SubjectKind, Verdict};
use crate::model::party::{Party, host_of};
use crate::model::report::{Page, Report};
use crate::model::snapshot::{Snapshot, StorageKind, Write};
use crate::model::visit::{Choice, Outcome, Route, Routes, State, Visit};

/// `truth.toml`: all an audit of the site has to find, and nothing else.
///
/// In names, keys and paths `*` stands for a part that changes from visit to visit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// The banner.
    pub banner: BannerTruth,
    /// What becomes of the visitor's answers.
    #[serde(default)]
    pub choice: ChoiceTruth,
    /// Cookies ever stored in a visit.
    #[serde(default)]
    pub cookies: Vec<CookieTruth>,
    /// Storage entries ever written in a visit.
    #[serde(default)]
    pub storage: Vec<StorageTruth>,
    /// Third-party requests ever sent in a visit.
    #[serde(default)]
    pub requests: Vec<RequestTruth>,
    /// The findings.
    #[serde(default)]
    pub findings: Vec<FindingTruth>,
    /// What an audit with `--thorough` finds beyond them; absent where nobody wrote that down.
    pub thorough: Option<Vec<FindingTruth>>,
}

/// The banner as a visitor meets it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BannerTruth {
    /// There is one.
    pub found: bool,
    /// Where it can be accepted.
    #[serde(default)]
    pub accept: Route,
    /// Where it can be refused.
    #[serde(default)]
    pub reject: Route,
}

/// What becomes of the visitor's answers.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceTruth {
    /// In the visit in which everything is refused.
    #[serde(default)]
    pub rejected: Answered,
    /// In the visit in which everything is accepted.
    #[serde(default)]
    pub accepted: Answered,
    /// In the visit in which everything is accepted and taken back; absent where nobody wrote down
    /// what becomes of it.
    pub withdrawn: Option<Answered>,
}

/// What becomes of one answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answered {
    /// There is nothing to click.
    #[default]
    No,
    /// It is clicked, and the site keeps no record.
    Unconfirmed,
    /// It is clicked, and the site keeps a record that says so.
    Confirmed,
}

impl Answered {
    /// What became of the answer of a visit.
    fn of(choice: &Choice) -> Self {
        match (choice.made, choice.confirmed) {
            (false, _) => Self::No,
            (true, false) => Self::Unconfirmed,
            (true, true) => Self::Confirmed,
        }
    }
}

/// A cookie.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CookieTruth {
    /// The states it is stored in.
    #[serde(rename = "in")]
    pub states: Vec<State>,
    /// Its domain without a leading dot.
    pub domain: String,
    /// Its name.
    pub name: String,
}

/// A storage entry.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageTruth {
    /// The states it is written in.
    #[serde(rename = "in")]
    pub states: Vec<State>,
    /// Which area.
    pub kind: StorageKind,
    /// The host of its origin.
    pub host: String,
    /// Its key.
    pub key: String,
}

/// A third-party request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTruth {
    /// The states it is sent in.
    #[serde(rename = "in")]
    pub states: Vec<State>,
    /// Its host.
    pub host: String,
    /// Its path without query.
    pub path: String,
}

/// A finding.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingTruth {
    /// The rule, such as `R02`.
    pub rule: String,
    /// The state it happens in.
    pub state: State,
    /// What kind of thing it is about.
    pub kind: SubjectKind,
    /// Host of the subject.
    pub host: String,
    /// Name of the subject.
    pub name: String,
    /// How sure the judge has to be.
    #[serde(default = "violation")]
    pub verdict: Verdict,
}

fn violation() -> Verdict {
    Verdict::Violation
}

/// Every difference between a report and the truth of a site it audited, one a line; none when they agree.
pub fn compare(report: &Report, site: &Site) -> Vec<String> {
    let Some(page) = report
        .pages
        .iter()
        .find(|page| host_of(&page.url) == site.host)
    else {
        return vec![format!(
            "{}: the report has no page of {}",
            site.name, site.host
        )];
    };
    let truth = &site.truth;
    let mut differences = banner(page, truth.banner);
    for (state, answered) in [
        (State::Before, Answered::No),
        (State::Rejected, truth.choice.rejected),
        (State::Accepted, truth.choice.accepted),
    ] {
        let mut visits = page
            .visits
            .iter()
            .filter(|visit| visit.state == state)
            .peekable();
        if visits.peek().is_none() {
            differences.push(format!("{}: not visited", word(state)));
        }
        differences.extend(visits.flat_map(|visit| in_state(visit, answered, truth)));
    }
    if let Some(expected) = truth.choice.withdrawn {
        let visits = page.visits.iter();
        for visit in visits.filter(|visit| visit.state == State::Withdrawn) {
            let answered = Answered::of(&visit.choice);
            if answered != expected {
                differences.push(format!(
                    "withdrawn: answered is {answered:?}, expected {expected:?}"
                ));
            }
        }
    }
    let seen = report
        .findings
        .iter()
        .filter(|finding| finding.page == page.url);
    let more = match (is_thorough(report), &truth.thorough) {
        (false, _) => Some(&[][..]),
        (true, more) => more.as_deref(),
    };
    if let Some(more) = more {
        let expected = truth.findings.iter().chain(more);
        differences.extend(sets(
            "finding",
            expected.map(FindingTruth::to_string),
            seen.map(shown),
        ));
    }
    differences
        .into_iter()
        .map(|line| format!("{}: {line}", site.name))
        .collect()
}

/// Whether the run was asked for everything that rules may need.
fn is_thorough(report: &Report) -> bool {
    report.run.options.contains_key("thorough")
}

/// The banner's presence and routes.
fn banner(page: &Page, truth: BannerTruth) -> Vec<String> {
    let mut differences = Vec::new();
    let expected = Routes {
        accept: truth.accept,
        reject: truth.reject,
    };
    if page.banner.found != truth.found {
        differences.push(format!(
            "banner: found is {}, expected {}",
            page.banner.found, truth.found
        ));
    }
    if page.banner.routes != expected {
        differences.push(format!(
            "banner: routes are {:?}, expected {expected:?}",
            page.banner.routes
        ));
    }
    differences
}

/// Outcome, choice and items of one visit.
fn in_state(visit: &Visit, expected: Answered, truth: &Truth) -> Vec<String> {
    let mut differences = Vec::new();
    if visit.outcome != Outcome::Complete {
        differences.push(format!("the visit is not complete but {:?}", visit.outcome));
    }
    let answered = Answered::of(&visit.choice);
    if answered != expected {
        differences.push(format!("answered is {answered:?}, expected {expected:?}"));
    }
    let (state, snapshot) = (visit.state, &visit.snapshot);
    let cookie_lines = truth
        .cookies
        .iter()
        .filter(|item| item.states.contains(&state));
    differences.extend(sets(
        "cookie",
        cookie_lines.map(CookieTruth::to_string),
        cookies(snapshot),
    ));
    let storage_lines = truth
        .storage
        .iter()
        .filter(|item| item.states.contains(&state));
    differences.extend(sets(
        "storage entry",
        storage_lines.map(StorageTruth::to_string),
        storage(snapshot),
    ));
    let request_lines = truth
        .requests
        .iter()
        .filter(|item| item.states.contains(&state));
    differences.extend(sets(
        "third-party request",
        request_lines.map(RequestTruth::to_string),
        requests(snapshot),
    ));
    differences
        .into_iter()
        .map(|line| format!("{}: {line}", word(state)))
        .collect()
}

/// What is in one set and not in the other; `*` in an expected line stands for any run of characters.
fn sets(
    what: &str,
    expected: impl Iterator<Item = String>,
    seen: impl Iterator<Item = String>,
) -> Vec<String> {
    let (expected, seen): (BTreeSet<String>, BTreeSet<String>) =
        (expected.collect(), seen.collect());
    let missing = expected
        .iter()
        .filter(|expected| !seen.iter().any(|seen| fits(expected, seen)))
        .map(|line| format!("missing {what} {line}"));
    let surplus = seen
        .iter()
        .filter(|seen| !expected.iter().any(|expected| fits(expected, seen)))
        .map(|line| format!("surplus {what} {line}"));
    missing.chain(surplus).collect()
}

/// Cookies that were really stored: not those the browser refused, not mere deletions.
fn cookies(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    snapshot
        .cookies
        .iter()
        .filter(|cookie| cookie.blocked.is_empty() && stored(&cookie.writes))
        .map(|cookie| format!("{} on {}", cookie.name, cookie.domain))
}

fn storage(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    snapshot
        .storage
        .iter()
        .filter(|entry| stored(&entry.writes))
        .map(|entry| {
            format!(
                "{:?} {} on {}",
                entry.kind,
                entry.key,
                host_of(&entry.origin)
            )
        })
}

/// Whether at least one write was more than a deletion; an item nobody saw being written was there.
fn stored(writes: &[Write]) -> bool {
    writes.is_empty() || writes.iter().any(|write| !write.deleted)
}

/// Third-party requests over the network. Favicons are the browser's own idea.
fn requests(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    snapshot
        .requests
        .iter()
        .filter(|request| request.party == Party::Third)
        .filter_map(|request| Url::parse(&request.url).ok())
        .filter(|url| {
            matches!(url.scheme(), "http" | "https" | "ws" | "wss") && url.path() != "/favicon.ico"
        })
        .filter_map(|url| url.host_str().map(|host| format!("{host}{}", url.path())))
}

impl fmt::Display for CookieTruth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} on {}", self.name, self.domain)
    }
}

impl fmt::Display for StorageTruth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {} on {}", self.kind, self.key, self.host)
    }
}

impl fmt::Display for RequestTruth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}{}", self.host, self.path)
    }
}

impl fmt::Display for FindingTruth {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rule,
            state,
            kind,
            host,
            name,
            verdict,
        } = self;
        write!(
            out,
            "{rule} {} {kind:?} {name} on {host} ({verdict:?})",
            word(*state)
        )
    }
}

fn shown(finding: &Finding) -> String {
    FindingTruth {
        rule: finding.rule.clone(),
        state: finding.state,
        kind: finding.subject.kind,
        host: finding.subject.host.clone(),
        name: finding.subject.name.clone(),
        verdict: finding.verdict,
    }
    .to_string()
}

fn word(state: State) -> &'static str {
    match state {
        State::Before => "before",
        State::Rejected => "rejected",
        State::Accepted => "accepted",
        State::Withdrawn => "withdrawn",
    }
}

#[cfg(test)]
mod tests;
