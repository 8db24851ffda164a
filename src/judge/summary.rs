//! The answers in short: counts, the regulators' three questions, the services seen.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Finding, Severity, Verdict};
use crate::model::report::{Answer, Page, ServiceSeen, Summary};
use crate::model::visit::{DiagnosticCode, Outcome, Route, State, Visit};

use super::index::PageIndex;

/// Hosts named of one service.
const MOST_HOSTS: usize = 100;
/// Rules about storing and tracking before a choice.
const BEFORE: &[Rules] = &[(
    State::Before,
    &[
        "R01", "R02", "R03", "R04", "R06", "R09", "R28", "R42", "R45",
    ],
)];
/// Rules about storing and tracking after a refusal, also one that takes a yes back.
const AFTER_REFUSAL: &[Rules] = &[
    (
        State::Rejected,
        &["R10", "R11", "R12", "R13", "R28", "R42", "R45"],
    ),
    (State::Withdrawn, &["R16"]),
];

/// Rules whose findings in a state answer a question.
type Rules = (State, &'static [&'static str]);

/// What the answers rest on, gathered page by page.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pages: usize,
    incomplete_pages: usize,
    /// Pages whose visits without an answer all saw everything.
    seen_before: usize,
    /// Pages whose refusals were all confirmed and saw everything.
    seen_refused: usize,
    /// Rounds in which a banner was met, and those of them in which it could be refused at once.
    rounds: usize,
    refusable_rounds: usize,
    tracked_without_banner: bool,
}

impl Tally {
    /// Adds a page and what was found on it.
    pub(crate) fn add<'f>(&mut self, page: &Page, found: impl Iterator<Item = &'f Finding>) {
        self.pages += 1;
        let visits = &page.visits;
        let incomplete = |visit: &Visit| visit.outcome != Outcome::Complete;
        self.incomplete_pages += usize::from(visits.is_empty() || visits.iter().any(incomplete));
        self.seen_before += usize::from(all_in(page, State::Before, is_whole));
        self.seen_refused += usize::from(all_in(page, State::Rejected, |visit| {
            is_whole(visit) && visit.choice.confirmed
        }));
        // One visit of a round walks the way to a no, so a round answers together; a banner that offers
        // the no in one round and not in another is not as easy to refuse.
        let mut rounds: BTreeMap<u32, bool> = BTreeMap::new();
        for visit in visits.iter().filter(|visit| visit.banner.found) {
            *rounds.entry(visit.repeat).or_default() |=
                visit.banner.routes.reject == Route::FirstLayer;
        }
        self.rounds += rounds.len();
        self.refusable_rounds += rounds.into_values().filter(|refusable| *refusable).count();
        self.tracked_without_banner |= tracks_without_banner(page, found);
    }

    /// Whether no page was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.pages == 0
    }

    /// The answers for all pages.
    pub(crate) fn summary(&self, findings: &[Finding]) -> Summary {
        Summary {
            by_severity: count(findings, |finding| finding.severity),
            by_rule: count(findings, |finding| finding.rule.clone()),
            by_service: count(findings, |finding| {
                finding
                    .service
                    .clone()
                    .unwrap_or_else(|| "unknown".to_owned())
            }),
            before_choice: self.stored(findings, BEFORE, self.seen_before),
            reject_as_easy: self.reject_as_easy(findings),
            without_consent: if self.tracked_without_banner {
                Answer::Yes
            } else {
                self.stored(findings, AFTER_REFUSAL, self.seen_refused)
            },
            incomplete_pages: self.incomplete_pages,
        }
    }

    /// Whether something was stored or sent against the rules, when that many pages were seen whole.
    fn stored(&self, findings: &[Finding], rules: &[Rules], seen: usize) -> Answer {
        if findings
            .iter()
            .any(|finding| is_established(finding, rules))
        {
            return Answer::Yes;
        }
        if self.pages > 0 && seen == self.pages && !is_open(findings, rules) {
            Answer::No
        } else {
            Answer::NotEstablished
        }
    }

    fn reject_as_easy(&self, findings: &[Finding]) -> Answer {
        let missing = |finding: &Finding| {
            matches!(finding.rule.as_str(), "R18" | "R19") && finding.verdict == Verdict::Violation
        };
        // A no that can hardly be read is there, and as easy only for who finds it.
        let hidden = |finding: &Finding| {
            finding.rule == "R20" && matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
        };
        if findings.iter().any(missing) {
            Answer::No
        } else if findings.iter().any(hidden) {
            Answer::NotEstablished
        } else if self.rounds > 0 && self.refusable_rounds == self.rounds {
            Answer::Yes
        } else {
            Answer::NotEstablished
        }
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

fn is_of(finding: &Finding, rules: &[Rules]) -> bool {
    rules
        .iter()
        .any(|(state, rules)| finding.state == *state && rules.contains(&finding.rule.as_str()))
}

/// Whether a finding of one of the rules is sure enough to answer with.
fn is_established(finding: &Finding, rules: &[Rules]) -> bool {
    is_of(finding, rules)
        && finding.severity > Severity::Info
        && matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
}

/// Whether findings of one of the rules wait for a person, gravely enough to hold back a "no".
fn is_open(findings: &[Finding], rules: &[Rules]) -> bool {
    findings.iter().any(|finding| {
        is_of(finding, rules)
            && finding.severity >= Severity::Medium
            && matches!(finding.verdict, Verdict::Review | Verdict::Inconclusive)
    })
}

/// Whether the page has visits in that state, and all of them are good.
fn all_in(page: &Page, state: State, is_good: impl Fn(&Visit) -> bool) -> bool {
    let mut visits = page
        .visits
        .iter()
        .filter(|visit| visit.state == state)
        .peekable();
    visits.peek().is_some() && visits.all(is_good)
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
fn tracks_without_banner<'f>(page: &Page, mut findings: impl Iterator<Item = &'f Finding>) -> bool {
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
