//! Classifies items and applies rules. Pure: snapshots, catalog and profile in, findings out.

pub mod baseline;
mod classify;
mod consent_mode;
mod consent_strings;
mod diagnostics;
pub mod handbook;
mod identifier;
mod index;
mod item;
mod knowledge;
pub mod measure;
pub(crate) mod naming;
mod outcomes;
pub mod profile;
mod remedy;
pub mod rules;
mod summary;
#[cfg(test)]
pub(crate) mod tests_support;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Catalog;
use crate::model::finding::{Finding, RuleOutcome};
use crate::model::report::{Page, ServiceSeen, Summary};
use crate::model::visit::Diagnostic;

use index::PageIndex;
use knowledge::Knowledge;
use outcomes::Gaps;
pub use profile::Profile;
use rules::{Checked, Found, Sightings};
use summary::Services;

/// Pages, and items, named in one finding beside its own.
const MOST_OTHERS_NAMED: usize = 20;

/// What the judge says of a run.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// What should not have happened, gravest first.
    pub findings: Vec<Finding>,
    /// The services seen.
    pub services: Vec<ServiceSeen>,
    /// What came of every rule, by id.
    pub rules: Vec<RuleOutcome>,
    /// The answers in short.
    pub summary: Summary,
    /// What a reader must know of each page, in the order of the pages.
    diagnostics: Vec<Vec<Diagnostic>>,
}

impl Judgement {
    /// Puts what it says of the pages into them, in the place of what another judgement said.
    pub fn tell(&mut self, pages: &mut [Page]) {
        for (page, told) in pages.iter_mut().zip(std::mem::take(&mut self.diagnostics)) {
            diagnostics::replace(page, told);
        }
    }
}

/// Judges the pages of a run.
pub fn judge(pages: &[Page], catalog: &Catalog, profile: Profile) -> Judgement {
    judge_with(pages, catalog, profile)
}

fn judge_with(pages: &[Page], knowledge: &dyn Knowledge, profile: Profile) -> Judgement {
    let mut all = Vec::new();
    let mut gaps = Gaps::default();
    let mut services = Services::default();
    let mut told = Vec::with_capacity(pages.len());
    let mut tracked_without_banner = false;
    // One page at a time: what is made of a page to judge it is larger than the page.
    for page in pages {
        let index = PageIndex::new(page, knowledge, profile);
        let Checked {
            found,
            gaps: missing,
        } = rules::check(&index);
        tracked_without_banner |=
            summary::tracks_without_banner(page, found.iter().map(|found| &found.finding));
        all.extend(found);
        gaps.add(missing);
        services.add(&index);
        told.push(diagnostics::of(&index));
    }
    let findings = joined(all);
    Judgement {
        services: services.seen(),
        rules: gaps.outcomes(&findings, pages.is_empty()),
        summary: summary::summarise(pages, &findings, tracked_without_banner),
        findings,
        diagnostics: told,
    }
}

/// One finding for each id, gravest first.
///
/// An id says rule, subject and page pattern: numbered items and pages of one pattern share it.
fn joined(mut all: Vec<Found>) -> Vec<Finding> {
    all.sort_by(|left, right| order(&left.finding).cmp(&order(&right.finding)));
    let mut by_id: BTreeMap<String, Joined> = BTreeMap::new();
    for found in all {
        match by_id.entry(found.finding.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(Joined::new(found));
            }
            Entry::Occupied(mut place) => place.get_mut().add(found),
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
    /// For each page, in which visits.
    pages: BTreeMap<String, Sightings>,
}

impl Joined {
    fn new(found: Found) -> Self {
        let Found { finding, sightings } = found;
        Self {
            names: BTreeSet::from([finding.subject.name.clone()]),
            pages: BTreeMap::from([(finding.page.clone(), sightings)]),
            finding,
        }
    }

    fn add(&mut self, found: Found) {
        let Found { finding, sightings } = found;
        self.finding.phase = self.finding.phase.min(finding.phase);
        self.names.insert(finding.subject.name);
        self.pages.entry(finding.page).or_default().join(sightings);
    }

    fn into_finding(self) -> Finding {
        let Self {
            mut finding,
            mut names,
            pages,
        } = self;
        let counted = || pages.values().map(Sightings::counted);
        finding.seen.k = counted().map(|seen| seen.k).sum();
        finding.seen.of = counted().map(|seen| seen.of).sum();
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
