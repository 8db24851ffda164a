//! What came of every rule: found, nothing found, or not to be said and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Finding, Gap, RuleOutcome, RuleResult, Verdict};

use super::rules::{self, Missing};

/// What rules needed and did not get, counted over the pages of a run.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    by_rule: BTreeMap<&'static str, BTreeMap<Missing, usize>>,
}

impl Gaps {
    /// Adds those of one page.
    pub(super) fn add(&mut self, of_a_page: Vec<(&'static str, Missing)>) {
        // Two requirements of a rule may lack the same thing.
        let once: BTreeSet<_> = of_a_page.into_iter().collect();
        for (rule, missing) in once {
            *self
                .by_rule
                .entry(rule)
                .or_default()
                .entry(missing)
                .or_default() += 1;
        }
    }

    /// The outcome of every rule, by id.
    pub(super) fn outcomes(mut self, findings: &[Finding], no_page: bool) -> Vec<RuleOutcome> {
        rules::all()
            .map(|info| {
                let of_the_rule = || findings.iter().filter(|finding| finding.rule == info.id);
                let gaps: Vec<Gap> = self
                    .by_rule
                    .remove(info.id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(|(missing, pages)| Gap {
                        reason: missing.reason,
                        needed: missing.needed,
                        pages,
                    })
                    .collect();
                let found = of_the_rule().any(|finding| finding.verdict != Verdict::Inconclusive);
                let unsure = no_page || !gaps.is_empty() || of_the_rule().next().is_some();
                RuleOutcome {
                    rule: info.id.to_owned(),
                    name: info.name.to_owned(),
                    result: match (found, unsure) {
                        (true, _) => RuleResult::Found,
                        (false, true) => RuleResult::Inconclusive,
                        (false, false) => RuleResult::NothingFound,
                    },
                    findings: of_the_rule().count(),
                    gaps,
                }
            })
            .collect()
    }
}
