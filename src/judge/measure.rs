//! How well the rules judge: cases of which it is known what is right, and a table of hits and misses.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::model::finding::{RuleResult, Verdict};
use crate::model::report::Page;
use crate::model::snapshot::Write as Stored;
use crate::model::visit::Visit;

use super::{Judgement, Profile, judge, rules};

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
}

/// How a case is changed without changing what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Not at all.
    None,
    /// Visits, items, requests and signals stand in the opposite order.
    Reversed,
    /// Everything happens five seconds later.
    Delayed,
}

impl Mutation {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::None, Self::Reversed, Self::Delayed];

    /// The pages of a case, changed.
    fn of(self, pages: &[Page]) -> Vec<Page> {
        let mut pages = pages.to_vec();
        for page in &mut pages {
            match self {
                Self::None => {}
                Self::Reversed => reverse(page),
                Self::Delayed => page.visits.iter_mut().for_each(|visit| delay(visit, 5_000)),
            }
        }
        pages
    }
}

fn reverse(page: &mut Page) {
    page.visits.reverse();
    for visit in &mut page.visits {
        let snapshot = &mut visit.snapshot;
        snapshot.cookies.reverse();
        snapshot.storage.reverse();
        snapshot.requests.reverse();
        snapshot.signals.reverse();
        snapshot.fingerprinting.reverse();
    }
}

fn delay(visit: &mut Visit, by_ms: u64) {
    let later = |at_ms: &mut u64| *at_ms = at_ms.saturating_add(by_ms);
    let writes =
        |writes: &mut Vec<Stored>| writes.iter_mut().for_each(|write| write.at_ms += by_ms);
    for phase in &mut visit.phases {
        // The first phase begins with the visit, and only lasts longer.
        if phase.start_ms > 0 {
            later(&mut phase.start_ms);
        }
        later(&mut phase.end_ms);
    }
    let choice = &mut visit.choice;
    for at_ms in [
        &mut choice.clicked_ms,
        &mut choice.confirmed_ms,
        &mut visit.banner.seen_ms,
    ]
    .into_iter()
    .flatten()
    {
        later(at_ms);
    }
    later(&mut visit.timing.total_ms);
    let snapshot = &mut visit.snapshot;
    for cookie in &mut snapshot.cookies {
        later(&mut cookie.at_ms);
        writes(&mut cookie.writes);
        cookie
            .sent
            .iter_mut()
            .for_each(|sent| later(&mut sent.at_ms));
    }
    for entry in &mut snapshot.storage {
        later(&mut entry.at_ms);
        writes(&mut entry.writes);
    }
    snapshot
        .requests
        .iter_mut()
        .for_each(|request| later(&mut request.at_ms));
    snapshot
        .signals
        .iter_mut()
        .for_each(|signal| later(&mut signal.at_ms));
    snapshot
        .fingerprinting
        .iter_mut()
        .for_each(|read| later(&mut read.at_ms));
}

/// What a rule said of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Found,
    Nothing,
    Unsure,
}

fn said(judgement: &Judgement, rule: &str) -> Said {
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
        for mutation in Mutation::ALL {
            let judgement = judge(&mutation.of(&case.pages), catalog, case.profile);
            score.add(case, mutation, said(&judgement, &case.rule));
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
