//! Cases of which it is known what is right: three positives, three negatives and two traps at least for
//! every rule. They are stored below `fixtures/cases`, so that the binary can measure itself.

mod adversarial;
mod appearance;
mod banner;
mod consent;
mod declaration;
mod drift;
mod leaks;
mod refusal;
mod requests;
mod storage;
mod withdrawal;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::catalog::Catalog;
use crate::judge::Profile;
use crate::judge::measure::{Case, Kind, measure};
use crate::judge::rules;
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Command, Grant, Signal};
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State, Visit};

/// Cases of one rule on their way into the list.
pub(super) struct Cases {
    rule: &'static str,
    profile: Profile,
    list: Vec<Case>,
}

impl Cases {
    pub(super) fn of(rule: &'static str) -> Self {
        Self {
            rule,
            profile: Profile::Eu,
            list: Vec::new(),
        }
    }

    /// Judges what follows as another jurisdiction does.
    pub(super) fn in_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    fn add(mut self, kind: Kind, name: &str, page: Page) -> Self {
        self.list.push(Case {
            rule: self.rule.to_owned(),
            name: name.to_owned(),
            kind,
            profile: self.profile,
            pages: vec![page],
            earlier: Vec::new(),
        });
        self
    }

    /// Puts pages of an earlier run beside the case added last.
    pub(super) fn after(mut self, earlier: Page) -> Self {
        if let Some(case) = self.list.last_mut() {
            case.earlier.push(earlier);
        }
        self
    }

    pub(super) fn positive(self, name: &str, page: Page) -> Self {
        self.add(Kind::Positive, name, page)
    }

    pub(super) fn negative(self, name: &str, page: Page) -> Self {
        self.add(Kind::Negative, name, page)
    }

    pub(super) fn trap(self, name: &str, page: Page) -> Self {
        self.add(Kind::Trap, name, page)
    }

    pub(super) fn inconclusive(self, name: &str, page: Page) -> Self {
        self.add(Kind::Inconclusive, name, page)
    }
}

/// A page visited in every state; `fill` is told the number of the visit.
pub(super) fn three(mut fill: impl FnMut(usize, &mut Visit)) -> Page {
    let mut visits = vec![
        visit(State::Before),
        visit(State::Rejected),
        visit(State::Accepted),
    ];
    for (number, visit) in visits.iter_mut().enumerate() {
        fill(number, visit);
    }
    page(visits)
}

/// The same, filled only after the refusal.
pub(super) fn after_refusal(fill: impl Fn(usize, &mut Visit)) -> Page {
    three(|number, visit| {
        if visit.state == State::Rejected {
            fill(number, visit);
        }
    })
}

/// A client id as Google Analytics writes it, another one in every visit.
pub(super) fn ga_value(number: usize) -> String {
    let id = [1_982_736_451_u64, 1_736_455_092, 1_455_908_271][number % 3];
    format!("GA1.1.{id}.1795348700")
}

pub(super) fn signal(
    kind: &str,
    source: &str,
    phase: PhaseName,
    grants: &[(&str, bool)],
) -> Signal {
    Signal {
        kind: kind.to_owned(),
        source: source.to_owned(),
        grants: grants
            .iter()
            .map(|(name, granted)| Grant {
                name: (*name).to_owned(),
                granted: *granted,
                necessary: matches!(*name, "necessary" | "C0001"),
            })
            .collect(),
        explicit: false,
        at_ms: at(phase),
        phase,
        value: None,
        command: None,
        facts: BTreeMap::new(),
    }
}

pub(super) trait SignalBuilder: Sized {
    fn explicit(self) -> Self;
    fn saying(self, text: &str) -> Self;
    fn fact(self, name: &str, value: &str) -> Self;
    fn command(self, name: &str, position: u32) -> Self;
    fn in_regions(self, regions: &[&str]) -> Self;
    fn after_a_tag(self, after: bool) -> Self;
}

impl SignalBuilder for Signal {
    fn explicit(mut self) -> Self {
        self.explicit = true;
        self
    }

    fn saying(mut self, text: &str) -> Self {
        self.value = Some(Value::new(text));
        self
    }

    fn fact(mut self, name: &str, value: &str) -> Self {
        self.facts.insert(name.to_owned(), value.to_owned());
        self
    }

    fn command(mut self, name: &str, position: u32) -> Self {
        self.command = Some(Command {
            name: name.to_owned(),
            position,
            regions: Vec::new(),
            wait_for_update_ms: None,
            after_first_tag: Some(false),
        });
        self
    }

    fn in_regions(mut self, regions: &[&str]) -> Self {
        if let Some(command) = &mut self.command {
            command.regions = regions.iter().map(|&region| region.to_owned()).collect();
        }
        self
    }

    fn after_a_tag(mut self, after: bool) -> Self {
        if let Some(command) = &mut self.command {
            command.after_first_tag = Some(after);
        }
        self
    }
}

fn all() -> Vec<Case> {
    [
        storage::cases(),
        requests::cases(),
        refusal::cases(),
        banner::cases(),
        consent::cases(),
        leaks::cases(),
        appearance::cases(),
        declaration::cases(),
        withdrawal::cases(),
        drift::cases(),
        adversarial::cases(),
    ]
    .into_iter()
    .flatten()
    .flat_map(|cases| cases.list)
    .collect()
}

#[test]
fn every_case_is_judged_rightly() {
    let catalog = Catalog::builtin().expect("the shipped catalog");
    let scores = measure(&all(), &catalog);
    let wrong: Vec<String> = scores
        .iter()
        .flat_map(|(rule, score)| {
            score
                .wrong
                .iter()
                .map(move |case| format!("{rule}: {case}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for info in rules::all() {
        let score = &scores[info.id];
        let count = |kind| score.cases.get(&kind).copied().unwrap_or_default();
        assert_eq!(
            (score.precision(), score.recall()),
            (Some(1.0), Some(1.0)),
            "{}",
            info.id
        );
        for (kind, least) in [(Kind::Positive, 3), (Kind::Negative, 3), (Kind::Trap, 2)] {
            assert!(
                count(kind) >= least,
                "{}: {} of {kind:?}",
                info.id,
                count(kind)
            );
        }
    }
}

#[test]
fn no_two_cases_of_a_rule_have_one_name() {
    let mut known = BTreeSet::new();
    for case in all() {
        assert!(
            known.insert((case.rule.clone(), case.name.clone())),
            "{} {}",
            case.rule,
            case.name
        );
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases")
}

/// `CONSENTINEL_UPDATE_CASES=1` writes them anew.
#[test]
fn the_stored_cases_are_current() {
    let mut by_rule: BTreeMap<String, String> = BTreeMap::new();
    for case in all() {
        let line = serde_json::to_string(&case).expect("a case is JSON");
        let file = by_rule.entry(case.rule.clone()).or_default();
        file.push_str(&line);
        file.push('\n');
    }
    let update = std::env::var_os("CONSENTINEL_UPDATE_CASES").is_some();
    for (rule, text) in &by_rule {
        let path = folder().join(format!("{rule}.ndjson"));
        if update {
            fs::create_dir_all(folder()).expect("a folder");
            fs::write(&path, text).expect("a file");
        }
        let stored = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            stored == *text,
            "{} is old: run with CONSENTINEL_UPDATE_CASES=1",
            path.display()
        );
    }
    let stored = fs::read_dir(folder()).expect("the folder").count();
    assert_eq!(stored, by_rule.len(), "a file of a rule without cases");
}

/// `CONSENTINEL_UPDATE_CASES=1` writes it anew.
#[test]
fn the_handbook_is_current() {
    let catalog = Catalog::builtin().expect("the shipped catalog");
    let text = crate::judge::handbook::handbook(&all(), &catalog);
    assert_eq!(
        text.matches("\nExample: ").count(),
        rules::all().len(),
        "every rule has an example finding"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if std::env::var_os("CONSENTINEL_UPDATE_CASES").is_some() {
        fs::write(&path, &text).expect("a file");
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == text,
        "docs/rules.md is old: run with CONSENTINEL_UPDATE_CASES=1"
    );
}
