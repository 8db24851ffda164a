//! The answers in short: counts, the regulators' three questions, the services seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Finding, Severity, Verdict};
use crate::model::report::{Answer, Page, ServiceSeen, Summary};
use crate::model::visit::{DiagnosticCode, Outcome, Route, State, Visit};

use super::index::PageIndex;

/// Hosts named of one service.
const MOST_HOSTS: usize = 100;
/// Rules about storing and tracking before a choice.
const BEFORE: Rules = (
    State::Before,
    &["R02", "R03", "R04", "R06", "R09", "R42", "R45"],
);
/// Rules about storing and tracking after a refusal.
const AFTER_REFUSAL: Rules = (State::Rejected, &["R10", "R11", "R12", "R13", "R42", "R45"]);

/// Rules whose findings in a state answer a question.
type Rules = (State, &'static [&'static str]);

/// The answers for all pages of a run.
pub(crate) fn summarise(
    pages: &[Page],
    findings: &[Finding],
    tracked_without_banner: bool,
) -> Summary {
    Summary {
        by_severity: count(findings, |finding| finding.severity),
        by_rule: count(findings, |finding| finding.rule.clone()),
        by_service: count(findings, |finding| {
            finding
                .service
                .clone()
                .unwrap_or_else(|| "unknown".to_owned())
        }),
        before_choice: before_choice(pages, findings),
        reject_as_easy: reject_as_easy(pages, findings),
        without_consent: without_consent(pages, findings, tracked_without_banner),
        incomplete_pages: pages
            .iter()
            .filter(|page| {
                page.visits.is_empty()
                    || page
                        .visits
                        .iter()
                        .any(|visit| visit.outcome != Outcome::Complete)
            })
            .count(),
    }
}

fn count<K: Ord>(findings: &[Finding], key: impl Fn(&Finding) -> K) -> BTreeMap<K, usize> {
    findings
        .iter()
        .fold(BTreeMap::new(), |mut counts, finding| {
            *counts.entry(key(finding)).or_default() += 1;
            counts
        })
}

/// Whether a finding of one of the rules is sure enough to answer with.
fn is_established(finding: &Finding, (state, rules): Rules) -> bool {
    finding.state == state
        && rules.contains(&finding.rule.as_str())
        && finding.severity > Severity::Info
        && matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
}

/// Whether findings of one of the rules wait for a person, gravely enough to hold back a "no".
fn is_open(findings: &[Finding], (state, rules): Rules) -> bool {
    findings.iter().any(|finding| {
        finding.state == state
            && rules.contains(&finding.rule.as_str())
            && finding.severity >= Severity::Medium
            && matches!(finding.verdict, Verdict::Review | Verdict::Inconclusive)
    })
}

fn before_choice(pages: &[Page], findings: &[Finding]) -> Answer {
    if findings
        .iter()
        .any(|finding| is_established(finding, BEFORE))
    {
        return Answer::Yes;
    }
    let all_seen = every_page(pages, |visit| {
        visit.state == State::Before && is_whole(visit)
    });
    if all_seen && !is_open(findings, BEFORE) {
        Answer::No
    } else {
        Answer::NotEstablished
    }
}

fn reject_as_easy(pages: &[Page], findings: &[Finding]) -> Answer {
    let missing = |finding: &Finding| {
        matches!(finding.rule.as_str(), "R18" | "R19") && finding.verdict == Verdict::Violation
    };
    if findings.iter().any(missing) {
        return Answer::No;
    }
    // One visit of a round walks the way to a no, so a round answers together; a banner that offers
    // the no in one round and not in another is not as easy to refuse.
    let mut rounds: BTreeMap<(&str, u32), bool> = BTreeMap::new();
    for page in pages {
        for visit in page.visits.iter().filter(|visit| visit.banner.found) {
            *rounds.entry((&page.url, visit.repeat)).or_default() |=
                visit.banner.routes.reject == Route::FirstLayer;
        }
    }
    if !rounds.is_empty() && rounds.into_values().all(|refusable| refusable) {
        Answer::Yes
    } else {
        Answer::NotEstablished
    }
}

fn without_consent(pages: &[Page], findings: &[Finding], tracked_without_banner: bool) -> Answer {
    if tracked_without_banner
        || findings
            .iter()
            .any(|finding| is_established(finding, AFTER_REFUSAL))
    {
        return Answer::Yes;
    }
    let all_refused = every_page(pages, |visit| {
        visit.state == State::Rejected && is_whole(visit) && visit.choice.confirmed
    });
    if all_refused && !is_open(findings, AFTER_REFUSAL) {
        Answer::No
    } else {
        Answer::NotEstablished
    }
}

/// Whether every page has such a visit, and none of that state that is otherwise.
fn every_page(pages: &[Page], is_good: impl Fn(&Visit) -> bool) -> bool {
    !pages.is_empty()
        && pages.iter().all(|page| {
            let good: BTreeSet<State> = page
                .visits
                .iter()
                .filter(|visit| is_good(visit))
                .map(|visit| visit.state)
                .collect();
            !good.is_empty()
                && page
                    .visits
                    .iter()
                    .filter(|visit| good.contains(&visit.state))
                    .all(&is_good)
        })
}

/// Whether the visit saw everything there was to see.
fn is_whole(visit: &Visit) -> bool {
    visit.outcome == Outcome::Complete
        && !visit.diagnostics.iter().any(|diagnostic| {
            matches!(
                diagnostic.code,
                DiagnosticCode::EventsLost | DiagnosticCode::TargetCrashed
            )
        })
}

/// Whether a page without any banner tracks the visitor all the same.
pub(crate) fn tracks_without_banner<'f>(
    page: &Page,
    mut findings: impl Iterator<Item = &'f Finding>,
) -> bool {
    let no_banner = !page.banner.found && page.visits.iter().all(|visit| !visit.banner.found);
    no_banner && findings.any(|finding| is_established(finding, BEFORE))
}

/// The services of a run, gathered page by page.
#[derive(Debug, Default)]
pub(crate) struct Services {
    by_id: BTreeMap<String, Gathered>,
}

/// What is gathered of one service.
#[derive(Debug)]
struct Gathered {
    seen: ServiceSeen,
    hosts: BTreeSet<String>,
}

impl Services {
    /// Adds those of a page.
    pub(crate) fn add(&mut self, index: &PageIndex<'_>) {
        for (id, facts) in &index.services {
            let service = self.by_id.entry(id.clone()).or_insert_with(|| Gathered {
                seen: ServiceSeen {
                    id: id.clone(),
                    name: facts.name.clone(),
                    vendor: facts.vendor.clone(),
                    country: facts.country.clone(),
                    category: facts.category,
                    transfers: facts.transfers.clone(),
                    pages: Vec::new(),
                    hosts: Vec::new(),
                    steps: facts.steps.clone(),
                    notice: facts.notice.clone(),
                },
                hosts: BTreeSet::new(),
            });
            let pages = &mut service.seen.pages;
            // Pages come one after the other.
            if pages.last() != Some(&index.page.url) {
                pages.push(index.page.url.clone());
            }
        }
        for (id, host) in index.hosts_of_services() {
            if let Some(service) = self.by_id.get_mut(id)
                && service.hosts.len() < MOST_HOSTS
            {
                service.hosts.insert(host.to_owned());
            }
        }
    }

    /// All of them, by catalog id.
    pub(crate) fn seen(self) -> Vec<ServiceSeen> {
        self.by_id
            .into_values()
            .map(|Gathered { seen, hosts }| ServiceSeen {
                hosts: hosts.into_iter().collect(),
                ..seen
            })
            .collect()
    }
}
