//! What an audit came to, beside the audits of the site before it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use crate::judge::baseline::Baseline;
use crate::model::finding::{Finding, Severity};
use crate::model::report::Report;
use crate::model::visit::DiagnosticCode;
use crate::service::Service;
use crate::service::audit::{Audit, Outcome, Standing};
use crate::service::error::Problem;
use crate::store::{StoreError, StoredRun};

/// Most ids of new and of fixed findings kept in an audit's record.
const MOST_IDS: usize = 200;
/// How many audits before are looked at for pages that the later ones did not see whole.
const LOOKED_BACK: usize = 5;

/// What one run says: its findings that count, and which pages it saw whole.
#[derive(Debug, Default)]
pub(in crate::service) struct Seen {
    /// Findings that count by id, with their severity and page.
    pub(super) findings: BTreeMap<String, (Severity, String)>,
    /// Pages that were visited to the end in every state.
    pub(super) whole: BTreeSet<String>,
    /// Pages that were not.
    pub(super) partly: BTreeSet<String>,
    /// The run was ended before it was through: pages it does not have may be there all the same.
    pub(super) broken_off: bool,
}

impl Seen {
    /// What a stored run says, without what was accepted when it ended.
    pub(in crate::service) fn of(run: &StoredRun, accepted: &Baseline) -> Result<Self, StoreError> {
        let mut seen = Self::default();
        for record in run.page_records() {
            let record = record?;
            let pages = if record.complete {
                &mut seen.whole
            } else {
                &mut seen.partly
            };
            pages.insert(record.url);
        }
        let Some(head) = run.head() else {
            return Ok(seen);
        };
        seen.broken_off = head.run.diagnostics.iter().any(|told| {
            matches!(
                told.code,
                DiagnosticCode::Interrupted | DiagnosticCode::LimitReached
            )
        });
        seen.findings = counted(head.clone(), accepted);
        Ok(seen)
    }

    /// Whether it can say that something is no longer on that page.
    pub(in crate::service) fn speaks_for(&self, page: &str) -> bool {
        self.whole.contains(page) || !self.broken_off && !self.partly.contains(page)
    }
}

/// The findings of a report that count, by id, with their severity and page.
fn counted(mut head: Report, accepted: &Baseline) -> BTreeMap<String, (Severity, String)> {
    let day = head.run.finished.to_zoned(TimeZone::UTC).date();
    accepted.apply(&mut head, day);
    let counts = head.findings.into_iter().filter(Finding::counts);
    counts
        .map(|finding| (finding.id, (finding.severity, finding.page)))
        .collect()
}

/// What an audit came to.
///
/// May block: never on an async thread.
pub(super) fn of(service: &Service, audit: &Audit, run: &StoredRun) -> Result<Outcome, Problem> {
    let accepted = service.accepted_baseline(&audit.site)?;
    let now = Seen::of(run, &accepted)?;
    let mut before: Vec<Seen> = Vec::new();
    for entry in service.shelves().audits.before(&audit.id).rev() {
        let (_, earlier) = entry?;
        if earlier.site != audit.site || earlier.standing != Standing::Finished {
            continue;
        }
        // One whose run was deleted says nothing.
        let Some(Ok(run)) = earlier.run.map(|run| service.store().run(&run)) else {
            continue;
        };
        let seen = Seen::of(&run, &accepted)?;
        let says_all = !seen.broken_off && seen.partly.is_empty();
        before.push(seen);
        if says_all || before.len() >= LOOKED_BACK {
            break;
        }
    }
    Ok(compared(&now, &before))
}

/// What is new and what is fixed: of each page, the last run that saw it whole says what was there.
pub(super) fn compared(now: &Seen, before: &[Seen]) -> Outcome {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    let mut later: Vec<&Seen> = Vec::new();
    for seen in before {
        for (id, (_, page)) in &seen.findings {
            if !later.iter().any(|later| later.speaks_for(page)) {
                known.insert(id, page);
            }
        }
        later.push(seen);
    }
    let new: Vec<&str> = now
        .findings
        .keys()
        .map(String::as_str)
        .filter(|id| !known.contains_key(id))
        .collect();
    let fixed: Vec<&str> = known
        .iter()
        .filter(|(id, page)| !now.findings.contains_key(**id) && now.speaks_for(page))
        .map(|(id, _)| *id)
        .collect();
    let mut findings = BTreeMap::new();
    for (severity, _) in now.findings.values() {
        *findings.entry(severity_name(*severity)).or_default() += 1;
    }
    let first = |ids: &[&str]| {
        ids.iter()
            .take(MOST_IDS)
            .map(|id| (*id).to_owned())
            .collect()
    };
    Outcome {
        pages: (now.whole.len() + now.partly.len()) as u64,
        incomplete_pages: now.partly.len() as u64,
        findings,
        new_count: new.len() as u64,
        new: first(&new),
        fixed_count: fixed.len() as u64,
        fixed: first(&fixed),
    }
}

/// As reports write it.
fn severity_name(severity: Severity) -> String {
    format!("{severity:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of pages, those with `?` in front seen only partly, and of findings such as `id@page`; with `!`
    /// it was broken off.
    fn run(text: &str) -> Seen {
        let mut seen = Seen::default();
        for word in text.split_whitespace() {
            if word == "!" {
                seen.broken_off = true;
            } else if let Some((id, page)) = word.split_once('@') {
                let finding = (Severity::High, page.to_owned());
                seen.findings.insert(id.to_owned(), finding);
            } else if let Some(page) = word.strip_prefix('?') {
                seen.partly.insert(page.to_owned());
            } else {
                seen.whole.insert(word.to_owned());
            }
        }
        seen
    }

    #[test]
    fn what_is_new_and_what_is_fixed() {
        for (case, now, before, new, fixed) in [
            ("the first audit", "a x@a y@a", &[][..], "x y", ""),
            ("nothing changed", "a x@a", &["a x@a"], "", ""),
            ("one came, one went", "a y@a", &["a x@a"], "y", "x"),
            ("its page was not seen whole", "a ?b", &["a b x@b"], "", ""),
            ("its page is gone", "a", &["a b x@b"], "", "x"),
            (
                "the run was broken off before it",
                "! a",
                &["a b x@b"],
                "",
                "",
            ),
            (
                "a page it saw whole, though broken off",
                "! a",
                &["a b x@a"],
                "",
                "x",
            ),
            (
                "back after a bad day",
                "a b x@b",
                &["a ?b", "a b x@b"],
                "",
                "",
            ),
            ("fixed on a bad day", "a b", &["a ?b", "a b x@b"], "", "x"),
            (
                "told before that it is fixed",
                "a b",
                &["a b", "a b x@b"],
                "",
                "",
            ),
            (
                "back after it was fixed",
                "a b x@b",
                &["a b", "a b x@b"],
                "x",
                "",
            ),
            (
                "after one that was broken off",
                "a b x@b",
                &["! a", "a b x@b"],
                "",
                "",
            ),
        ] {
            let before: Vec<Seen> = before.iter().map(|text| run(text)).collect();
            let outcome = compared(&run(now), &before);
            assert_eq!(outcome.new.join(" "), new, "{case}");
            assert_eq!(outcome.fixed.join(" "), fixed, "{case}");
            assert_eq!(outcome.new_count as usize, outcome.new.len(), "{case}");
            assert_eq!(outcome.fixed_count as usize, outcome.fixed.len(), "{case}");
        }
    }

    #[test]
    fn ids_are_bounded_and_all_are_counted() {
        let many: Vec<String> = (0..300).map(|number| format!("f{number}@a")).collect();
        let outcome = compared(&run(&format!("a ?b {}", many.join(" "))), &[]);
        assert_eq!((outcome.new.len(), outcome.new_count), (MOST_IDS, 300));
        assert_eq!(outcome.findings, BTreeMap::from([("high".to_owned(), 300)]));
        assert_eq!((outcome.pages, outcome.incomplete_pages), (2, 1));
    }
}
