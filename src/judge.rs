//! Classifies items and applies rules. Pure: snapshots, catalog and profile in, findings out.

mod classify;
mod consent_mode;
mod identifier;
mod index;
mod item;
mod knowledge;
mod naming;
pub mod profile;
mod remedy;
pub mod rules;
mod summary;
#[cfg(test)]
mod tests_support;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::model::finding::{Finding, Seen};
use crate::model::report::{Page, ServiceSeen, Summary};

use index::PageIndex;
use knowledge::Knowledge;
pub use profile::Profile;

/// Pages, and items, named in one finding beside its own.
const MOST_OTHERS_NAMED: usize = 20;

/// What the judge says of a run.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What should not have happened, gravest first.
    pub findings: Vec<Finding>,
    /// The services seen.
    pub services: Vec<ServiceSeen>,
    /// The answers in short.
    pub summary: Summary,
}

/// Judges the pages of a run.
pub fn judge(pages: &[Page], catalog: &Catalog, profile: Profile) -> Judgement {
    judge_with(pages, catalog, profile)
}

fn judge_with(pages: &[Page], knowledge: &dyn Knowledge, profile: Profile) -> Judgement {
    let indexes: Vec<PageIndex<'_>> = pages
        .iter()
        .map(|page| PageIndex::new(page, knowledge, profile))
        .collect();
    let mut all = Vec::new();
    let mut tracked_without_banner = false;
    for index in &indexes {
        let findings = rules::check(index);
        tracked_without_banner |= summary::tracks_without_banner(index.page, &findings);
        all.extend(findings);
    }
    let findings = joined(all);
    Judgement {
        services: summary::services(&indexes),
        summary: summary::summarise(pages, &findings, tracked_without_banner),
        findings,
    }
}

/// One finding for each id, gravest first.
///
/// An id says rule, subject and page pattern: numbered items and pages of one pattern share it.
fn joined(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by(|left, right| order(left).cmp(&order(right)));
    let mut by_id: BTreeMap<String, Joined> = BTreeMap::new();
    for finding in findings {
        match by_id.entry(finding.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(Joined::new(finding));
            }
            Entry::Occupied(mut place) => place.get_mut().add(&finding),
        }
    }
    let mut findings: Vec<Finding> = by_id.into_values().map(Joined::into_finding).collect();
    findings.sort_by(|left, right| order(left).cmp(&order(right)));
    findings
}

/// Findings of one id on their way to becoming one.
struct Joined {
    /// The gravest.
    finding: Finding,
    /// The subjects' names.
    names: BTreeSet<String>,
    /// For each page, in how many visits.
    pages: BTreeMap<String, Seen>,
}

impl Joined {
    fn new(finding: Finding) -> Self {
        Self {
            names: BTreeSet::from([finding.subject.name.clone()]),
            pages: BTreeMap::from([(finding.page.clone(), finding.seen)]),
            finding,
        }
    }

    fn add(&mut self, other: &Finding) {
        self.finding.phase = self.finding.phase.min(other.phase);
        self.names.insert(other.subject.name.clone());
        let seen = self.pages.entry(other.page.clone()).or_insert(other.seen);
        seen.k = seen.k.max(other.seen.k);
        seen.of = seen.of.max(other.seen.of);
    }

    fn into_finding(self) -> Finding {
        let Self {
            mut finding,
            mut names,
            pages,
        } = self;
        finding.seen.k = pages.values().map(|seen| seen.k).sum();
        finding.seen.of = pages.values().map(|seen| seen.of).sum();
        names.remove(&finding.subject.name);
        let other_pages = pages
            .into_keys()
            .filter(|page| *page != finding.page)
            .collect();
        for (what, others) in [("also as", names), ("also on", other_pages)] {
            finding.evidence.notes.extend(also(what, &others));
        }
        finding
    }
}

fn also(what: &str, others: &BTreeSet<String>) -> Option<String> {
    let named: Vec<&str> = others
        .iter()
        .map(String::as_str)
        .take(MOST_OTHERS_NAMED)
        .collect();
    let more = others.len() - named.len();
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!named.is_empty()).then(|| format!("{what} {}{rest}", named.join(", ")))
}

/// Gravest first, then by rule, page and subject.
fn order(finding: &Finding) -> impl Ord + '_ {
    (
        std::cmp::Reverse(finding.severity),
        &finding.rule,
        &finding.page,
        &finding.subject,
        finding.state,
        finding.verdict,
        &finding.id,
    )
}

#[cfg(test)]
mod tests;
