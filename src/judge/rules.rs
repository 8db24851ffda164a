//! The rules: what each one is called, what it rests on, and how its findings are made.

mod after_reject;
mod banner;
mod lifetimes;
mod requests_before;
mod storage_before;
mod tracking;

use std::collections::BTreeSet;

use crate::model::finding::{
    Category, Certainty, Evidence, Finding, Proof, Seen, Severity, Subject, Verdict,
};
use crate::model::visit::{PhaseName, State};

use super::index::PageIndex;
use super::naming;

/// What a reader must know of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleInfo {
    /// Such as `R02`; stays for ever.
    pub id: &'static str,
    /// Such as `pre-known-tracking-cookie`.
    pub name: &'static str,
    /// What is wrong, in one sentence.
    pub title: &'static str,
    /// When it fires, in plain words.
    pub checks: &'static str,
    /// How grave a finding is when nothing speaks for less or more.
    pub severity: Severity,
    /// The kind of proof it rests on.
    pub proof: Proof,
    /// How settled the law is.
    pub certainty: Certainty,
    /// The law common to all profiles, most specific last.
    pub legal: &'static [&'static str],
    /// What to do, in general.
    pub remedy: &'static str,
}

/// A rule: its description and its logic.
pub(crate) trait Rule: Sync {
    /// What a reader must know of it.
    fn info(&self) -> &'static RuleInfo;

    /// What on the page breaks it.
    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft>;
}

/// Every rule, by id.
static RULES: [&dyn Rule; 11] = [
    &storage_before::KnownCookie,
    &storage_before::IdentifierCookie,
    &storage_before::WebStorage,
    &storage_before::UnclassifiedStorage,
    &requests_before::TrackingRequest,
    &requests_before::DeniedPing,
    &after_reject::NewStorage,
    &after_reject::TrackingRequest,
    &after_reject::ResidualIdentifiers,
    &banner::NoRejectOnFirstLayer,
    &lifetimes::ExcessiveLifetime,
];

/// Every rule the judge applies, by id.
pub fn all() -> impl ExactSizeIterator<Item = &'static RuleInfo> {
    RULES.iter().map(|rule| rule.info())
}

/// The rule with that id or name.
pub fn find(id_or_name: &str) -> Option<&'static RuleInfo> {
    all().find(|info| info.id.eq_ignore_ascii_case(id_or_name) || info.name == id_or_name)
}

/// In which visits something was seen, by their numbers in [`PageIndex::visits`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Sightings {
    /// Those that showed it.
    pub(crate) seen: BTreeSet<usize>,
    /// Those that could have, with those that did.
    pub(crate) possible: BTreeSet<usize>,
}

impl Sightings {
    /// What `seen` showed and `possible` could have shown.
    pub(crate) fn new(
        seen: impl IntoIterator<Item = usize>,
        possible: impl IntoIterator<Item = usize>,
    ) -> Self {
        let seen: BTreeSet<usize> = seen.into_iter().collect();
        let possible = possible.into_iter().chain(seen.iter().copied()).collect();
        Self { seen, possible }
    }

    /// In numbers.
    pub(crate) fn counted(&self) -> Seen {
        Seen {
            k: self.seen.len() as u32,
            of: self.possible.len() as u32,
        }
    }

    /// Joins those of the same finding about a sister of its subject.
    pub(crate) fn join(&mut self, other: Self) {
        self.seen.extend(other.seen);
        self.possible.extend(other.possible);
    }
}

/// A finding, and in which visits of its page it was seen.
#[derive(Debug)]
pub(crate) struct Found {
    /// The finding.
    pub(crate) finding: Finding,
    /// In which visits.
    pub(crate) sightings: Sightings,
}

/// What one page breaks, in no order.
pub(crate) fn check(page: &PageIndex<'_>) -> Vec<Found> {
    RULES
        .iter()
        .flat_map(|rule| {
            rule.check(page).into_iter().map(|draft| Found {
                sightings: draft.sightings.clone(),
                finding: draft.into_finding(rule.info(), page),
            })
        })
        .collect()
}

/// A finding before its rule and its page have signed it.
#[derive(Debug)]
pub(crate) struct Draft {
    /// What it is about.
    pub(crate) subject: Subject,
    /// The subject's name without what varies from run to run.
    pub(crate) stable_name: String,
    /// The variant of the rule.
    pub(crate) sub_type: Option<&'static str>,
    /// How grave.
    pub(crate) severity: Severity,
    /// How sure.
    pub(crate) verdict: Verdict,
    /// The kind of proof.
    pub(crate) proof: Proof,
    /// How settled the law is.
    pub(crate) certainty: Certainty,
    /// The state it happened in.
    pub(crate) state: State,
    /// The phase it was first seen in.
    pub(crate) phase: PhaseName,
    /// Catalog id of the service behind it.
    pub(crate) service: Option<String>,
    /// What it is for.
    pub(crate) category: Category,
    /// What proves it.
    pub(crate) evidence: Evidence,
    /// What to do about this one.
    pub(crate) remedy: String,
    /// In which visits.
    pub(crate) sightings: Sightings,
}

impl Draft {
    fn into_finding(self, info: &RuleInfo, page: &PageIndex<'_>) -> Finding {
        let id = naming::finding_id(
            info.id,
            self.state,
            self.subject.kind,
            &self.subject.host,
            &self.stable_name,
            &page.pattern,
        );
        Finding {
            id,
            rule: info.id.to_owned(),
            name: info.name.to_owned(),
            title: info.title.to_owned(),
            sub_type: self.sub_type.map(str::to_owned),
            severity: self.severity,
            verdict: self.verdict,
            proof: self.proof,
            certainty: self.certainty,
            state: self.state,
            phase: self.phase,
            page: page.page.url.clone(),
            subject: self.subject,
            service: self.service,
            category: self.category,
            evidence: self.evidence,
            legal: page.profile.legal(info.legal),
            remedy: self.remedy,
            seen: self.sightings.counted(),
        }
    }
}

/// One step less grave.
fn lowered(severity: Severity) -> Severity {
    match severity {
        Severity::Critical => Severity::High,
        Severity::High => Severity::Medium,
        Severity::Medium => Severity::Low,
        Severity::Low | Severity::Info => Severity::Info,
    }
}

/// The less sure of two verdicts.
fn less_sure(left: Verdict, right: Verdict) -> Verdict {
    left.max(right)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_rules_and_their_names() {
        // Ids and names are public: baselines and configurations name them.
        let names: Vec<_> = all().map(|info| (info.id, info.name)).collect();
        assert_eq!(
            names,
            [
                ("R02", "pre-known-tracking-cookie"),
                ("R03", "pre-uid-cookie"),
                ("R04", "pre-web-storage-id"),
                ("R05", "pre-unclassified-storage"),
                ("R06", "pre-tracking-request"),
                ("R07", "pre-consent-mode-ping"),
                ("R10", "reject-new-storage"),
                ("R11", "reject-tracking-request"),
                ("R12", "reject-residual-identifiers"),
                ("R18", "no-reject-first-layer"),
                ("R37", "identifier-lifetime-excessive"),
            ]
        );
    }

    #[test]
    fn every_rule_says_everything() {
        let mut titles = BTreeSet::new();
        for info in all() {
            assert!(titles.insert(info.title), "{}: title used twice", info.id);
            assert!(
                !info.checks.is_empty() && !info.remedy.is_empty() && !info.legal.is_empty(),
                "{}",
                info.id
            );
            assert_eq!(find(info.name), Some(info));
            assert_eq!(find(&info.id.to_lowercase()), Some(info));
        }
        assert_eq!(find("R99"), None);
    }
}
