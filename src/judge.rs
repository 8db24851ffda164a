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

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::catalog::Catalog;
use crate::model::finding::Finding;
use crate::model::report::{Page, ServiceSeen, Summary};

use index::PageIndex;
use knowledge::Knowledge;
pub use profile::Profile;

/// Pages named in one finding beside its own.
const MOST_PAGES_NAMED: usize = 20;

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
    let mut by_id: BTreeMap<String, (Finding, Vec<String>, Vec<String>)> = BTreeMap::new();
    for finding in findings {
        match by_id.entry(finding.id.clone()) {
            Entry::Vacant(place) => {
                place.insert((finding, Vec::new(), Vec::new()));
            }
            Entry::Occupied(mut place) => {
                let (first, names, pages) = place.get_mut();
                if finding.page == first.page {
                    first.seen.k = first.seen.k.max(finding.seen.k);
                    first.seen.of = first.seen.of.max(finding.seen.of);
                } else {
                    first.seen.k += finding.seen.k;
                    first.seen.of += finding.seen.of;
                }
                first.phase = first.phase.min(finding.phase);
                if finding.subject.name != first.subject.name
                    && !names.contains(&finding.subject.name)
                {
                    names.push(finding.subject.name);
                }
                if finding.page != first.page && !pages.contains(&finding.page) {
                    pages.push(finding.page);
                }
            }
        }
    }
    let mut findings: Vec<Finding> = by_id
        .into_values()
        .map(|(mut finding, names, pages)| {
            note(&mut finding, "also as", names);
            note(&mut finding, "also on", pages);
            finding
        })
        .collect();
    findings.sort_by(|left, right| order(left).cmp(&order(right)));
    findings
}

fn note(finding: &mut Finding, what: &str, mut others: Vec<String>) {
    if others.is_empty() {
        return;
    }
    others.sort();
    let more = others.len().saturating_sub(MOST_PAGES_NAMED);
    others.truncate(MOST_PAGES_NAMED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    finding
        .evidence
        .notes
        .push(format!("{what} {}{rest}", others.join(", ")));
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
