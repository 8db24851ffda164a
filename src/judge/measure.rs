//! How well the rules judge: cases of which it is known what is right, and a table of hits and misses.

mod mutation;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::model::finding::{RuleResult, Verdict};
use crate::model::report::Page;

use super::{Judgement, Profile, judge_beside, rules};
pub use mutation::Mutation;

/// What is right for a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The rule has to find something.
    Positive,
    /// The rule must find nothing.
    Negative,
    /// The rule must find nothing, and it looks as if it should.
    Trap,
    /// The rule must neither find anything nor say that there is nothing.
    Inconclusive,
}

/// Pages of which it is known what a rule has to say.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The rule, such as `R02`.
    pub rule: String,
    /// What is special about it, in words.
    pub name: String,
    /// What is right.
    pub kind: Kind,
    /// The jurisdiction.
    pub profile: Profile,
    /// What was recorded.
    pub pages: Vec<Page>,
    /// What an earlier run recorded of the same pages, where the rule looks back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Page>,
}

/// What a rule said of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Found,
    Nothing,
    Unsure,
}

fn said_by(judgement: &Judgement, rule: &str) -> Said {
    let found = judgement
        .findings
        .iter()
        .any(|finding| finding.rule == rule && finding.verdict != Verdict::Inconclusive);
    let unsure = judgement
        .rules
        .iter()
        .any(|outcome| outcome.rule == rule && outcome.result == RuleResult::Inconclusive);
    match (found, unsure) {
        (true, _) => Said::Found,
        (false, true) => Said::Unsure,
        (false, false) => Said::Nothing,
    }
}

/// How well one rule judged its cases, each in every mutation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Score {
    /// Cases of each kind.
    pub cases: BTreeMap<Kind, usize>,
    /// Found where there is something.
    pub hits: usize,
    /// Not found where there is something.
    pub misses: usize,
    /// Found where there is nothing.
    pub false_alarms: usize,
    /// Inconclusive where it could have been said.
    pub abstentions: usize,
    /// Said with certainty what cannot be known.
    pub overconfident: usize,
    /// The cases judged wrongly, with their mutation.
    pub wrong: Vec<String>,
}

impl Score {
    /// Share of findings that are right; nothing without findings.
    pub fn precision(&self) -> Option<f64> {
        share(self.hits, self.hits + self.false_alarms)
    }

    /// Share of what is there that is found; an abstention is a miss.
    pub fn recall(&self) -> Option<f64> {
        share(self.hits, self.hits + self.misses)
    }

    fn add(&mut self, case: &Case, mutation: Mutation, said: Said) {
        let right = match (case.kind, said) {
            (Kind::Positive, Said::Found) => {
                self.hits += 1;
                true
            }
            (Kind::Positive, other) => {
                self.misses += 1;
                self.abstentions += usize::from(other == Said::Unsure);
                false
            }
            (Kind::Negative | Kind::Trap | Kind::Inconclusive, Said::Found) => {
                self.false_alarms += 1;
                false
            }
            (Kind::Negative | Kind::Trap, Said::Unsure) => {
                self.abstentions += 1;
                true
            }
            (Kind::Inconclusive, Said::Nothing) => {
                self.overconfident += 1;
                false
            }
            (Kind::Negative | Kind::Trap, Said::Nothing) | (Kind::Inconclusive, Said::Unsure) => {
                true
            }
        };
        if !right {
            self.wrong
                .push(format!("{:?}, {mutation:?}: {}", case.kind, case.name));
        }
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Judges every case in every mutation; the scores by rule.
pub fn measure(cases: &[Case], catalog: &Catalog) -> BTreeMap<String, Score> {
    let mut scores: BTreeMap<String, Score> = BTreeMap::new();
    for case in cases {
        let score = scores.entry(case.rule.clone()).or_default();
        *score.cases.entry(case.kind).or_default() += 1;
        for mutation in Mutation::ALL
            .into_iter()
            .filter(|mutation| mutation.applies(case, catalog))
        {
            let changed = mutation.of(case, catalog);
            let judgement =
                judge_beside(&changed.pages, &changed.earlier, catalog, changed.profile);
            let mut said = said_by(&judgement, &case.rule);
            if case.kind == Kind::Positive
                && said != Said::Found
                && mutation
                    .takes_over(&case.rule)
                    .iter()
                    .any(|other| said_by(&judgement, other) == Said::Found)
            {
                said = Said::Found;
            }
            score.add(case, mutation, said);
        }
    }
    scores
}

/// The scores as a table in Markdown, one row for each rule.
pub fn table(scores: &BTreeMap<String, Score>) -> String {
    let mut text = String::from(
        "| rule | positives | negatives | traps | inconclusive | precision | recall | abstained |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    let none = Score::default();
    for info in rules::all() {
        let score = scores.get(info.id).unwrap_or(&none);
        let count = |kind| score.cases.get(&kind).copied().unwrap_or_default();
        let number = |share: Option<f64>| {
            share.map_or_else(|| "–".to_owned(), |share| format!("{share:.3}"))
        };
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "| {} {} | {} | {} | {} | {} | {} | {} | {} |",
            info.id,
            info.name,
            count(Kind::Positive),
            count(Kind::Negative),
            count(Kind::Trap),
            count(Kind::Inconclusive),
            number(score.precision()),
            number(score.recall()),
            score.abstentions,
        );
    }
    text
}
