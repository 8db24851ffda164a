//! Findings of a run on their way to the report: those of one id become one.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Finding, Seen};

use super::rules::{Found, Sightings};

/// Pages, and items, named in one finding beside its own.
const MOST_OTHERS_NAMED: usize = 20;

/// Findings of a run by id: rule, subject and page pattern. Numbered items and pages of one pattern share one.
#[derive(Debug, Default)]
pub(super) struct Findings {
    by_id: BTreeMap<String, Joined>,
}

impl Findings {
    /// Adds those of one page.
    pub(super) fn add(&mut self, of_a_page: Vec<Found>) {
        let mut of_the_page: BTreeMap<String, (Vec<Finding>, Sightings)> = BTreeMap::new();
        for Found { finding, sightings } in of_a_page {
            let (findings, seen) = of_the_page.entry(finding.id.clone()).or_default();
            findings.push(finding);
            seen.join(sightings);
        }
        for (id, (findings, sightings)) in of_the_page {
            let seen = sightings.counted();
            for (number, finding) in findings.into_iter().enumerate() {
                // The sisters were seen in the same visits, which count once.
                let seen = if number == 0 {
                    seen
                } else {
                    Seen { k: 0, of: 0 }
                };
                match self.by_id.entry(id.clone()) {
                    Entry::Vacant(place) => {
                        place.insert(Joined::new(finding, seen));
                    }
                    Entry::Occupied(mut place) => place.get_mut().add(finding, seen),
                }
            }
        }
    }

    /// One for each id, gravest first.
    pub(super) fn gravest_first(self) -> Vec<Finding> {
        let mut findings: Vec<Finding> =
            self.by_id.into_values().map(Joined::into_finding).collect();
        findings.sort_by(|left, right| order(left).cmp(&order(right)));
        findings
    }
}

/// Findings of one id on their way to becoming one.
#[derive(Debug)]
struct Joined {
    /// The first in order: the gravest.
    finding: Finding,
    /// The subjects' names.
    names: Firsts,
    /// The pages.
    pages: Firsts,
    /// In how many visits.
    seen: Seen,
}

impl Joined {
    fn new(finding: Finding, seen: Seen) -> Self {
        Self {
            names: Firsts::of(&finding.subject.name),
            pages: Firsts::of(&finding.page),
            finding,
            seen,
        }
    }

    fn add(&mut self, finding: Finding, seen: Seen) {
        self.names.add(&finding.subject.name);
        self.pages.add(&finding.page);
        self.seen.k = self.seen.k.saturating_add(seen.k);
        self.seen.of = self.seen.of.saturating_add(seen.of);
        let phase = self.finding.phase.min(finding.phase);
        if order(&finding) < order(&self.finding) {
            self.finding = finding;
        }
        self.finding.phase = phase;
    }

    fn into_finding(self) -> Finding {
        let Self {
            mut finding,
            names,
            pages,
            seen,
        } = self;
        finding.seen = seen;
        let others = [
            names.except(&finding.subject.name, "also as"),
            pages.except(&finding.page, "also on"),
        ];
        finding.evidence.notes.extend(others.into_iter().flatten());
        finding
    }
}

/// The first texts of many in order, and whether there are more: a run may have any number of pages.
#[derive(Debug)]
struct Firsts {
    texts: BTreeSet<String>,
    more: bool,
}

impl Firsts {
    fn of(text: &str) -> Self {
        Self {
            texts: BTreeSet::from([text.to_owned()]),
            more: false,
        }
    }

    fn add(&mut self, text: &str) {
        if !self.texts.contains(text) {
            self.texts.insert(text.to_owned());
        }
        // One more than is named: one of them is the finding's own.
        if self.texts.len() > MOST_OTHERS_NAMED + 1 {
            self.texts.pop_last();
            self.more = true;
        }
    }

    /// All but one, after `what`.
    fn except(&self, own: &str, what: &str) -> Option<String> {
        let others: Vec<&str> = self
            .texts
            .iter()
            .map(String::as_str)
            .filter(|text| *text != own)
            .take(MOST_OTHERS_NAMED)
            .collect();
        let rest = if self.more { " and more" } else { "" };
        (!others.is_empty()).then(|| format!("{what} {}{rest}", others.join(", ")))
    }
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
