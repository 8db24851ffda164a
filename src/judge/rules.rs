//! The rules: what each one is called, what it rests on, and how its findings are made.

mod after_reject;
mod appearance;
mod attributes;
mod banner;
mod consent_records;
mod consent_strings;
mod declaration;
mod drift;
mod effect;
mod evasion;
mod google_consent;
mod leaks;
mod lifetimes;
mod mechanism;
mod requests_before;
mod requirement;
mod resources;
mod site;
mod storage_before;
mod tracking;
mod window;
mod withdrawal;

use std::collections::BTreeSet;

use crate::model::finding::{
    Category, Certainty, Evidence, Finding, Proof, Seen, Severity, Subject, Verdict,
};
use crate::model::visit::{PhaseName, State};

use super::index::PageIndex;
use super::naming;
pub(crate) use requirement::Missing;
pub use requirement::Requirement;

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
    /// What it has to see before it can say that nothing is wrong.
    pub needs: &'static [Requirement],
    /// What it does not look at, in plain words; empty when that is nothing.
    pub limits: &'static str,
}

/// A rule: its description and its logic.
pub(crate) trait Rule: Sync {
    /// What a reader must know of it.
    fn info(&self) -> &'static RuleInfo;

    /// What on the page breaks it.
    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft>;

    /// What it needed on the page and did not get.
    fn gaps(&self, page: &PageIndex<'_>) -> Vec<Missing> {
        self.info()
            .needs
            .iter()
            .filter_map(|requirement| requirement.missing(page))
            .collect()
    }
}

/// Every rule, by id.
static RULES: [&dyn Rule; 45] = [
    &declaration::DeclaredNonessential,
    &storage_before::KnownCookie,
    &storage_before::IdentifierCookie,
    &storage_before::WebStorage,
    &storage_before::UnclassifiedStorage,
    &requests_before::TrackingRequest,
    &requests_before::DeniedPing,
    &resources::ThirdPartyResource,
    &resources::Auction,
    &after_reject::NewStorage,
    &after_reject::TrackingRequest,
    &after_reject::ResidualIdentifiers,
    &effect::Placebo,
    &consent_records::NotPersisted,
    &withdrawal::MechanismMissing,
    &withdrawal::Ineffective,
    &mechanism::NoMechanism,
    &banner::NoRejectOnFirstLayer,
    &mechanism::MoreEffort,
    &appearance::VisuallyDemoted,
    &appearance::Preticked,
    &mechanism::ConsentWall,
    &consent_records::ImpliedConsent,
    &consent_strings::LegitimateInterest,
    &mechanism::IncompleteInformation,
    &consent_strings::PositiveBeforeChoice,
    &consent_strings::PositiveAfterReject,
    &consent_strings::VendorWithoutBasis,
    &google_consent::GoogleConsentMismatch,
    &consent_records::RecordMismatch,
    &effect::PrivacyControlIgnored,
    &declaration::Undeclared,
    &declaration::MisdeclaredPurpose,
    &declaration::MisdeclaredLifetime,
    &drift::PolicyDrift,
    &declaration::DeclarationMissing,
    &lifetimes::ExcessiveLifetime,
    &lifetimes::ChoiceRecordLifetime,
    &leaks::ThirdCountry,
    &attributes::WeakAttributes,
    &leaks::IdentifierInUrl,
    &evasion::ProxiedTracker,
    &evasion::Fingerprinting,
    &evasion::Respawn,
    &leaks::CookieSync,
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

/// What all rules make of one page.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    /// The findings, in no order.
    pub(crate) found: Vec<Found>,
    /// What rules needed and did not get, by the rule's id.
    pub(crate) gaps: Vec<(&'static str, Missing)>,
}

/// A finding, and in which visits of its page it was seen.
#[derive(Debug)]
pub(crate) struct Found {
    /// The finding.
    pub(crate) finding: Finding,
    /// In which visits.
    pub(crate) sightings: Sightings,
}

/// Applies every rule to one page.
pub(crate) fn check(page: &PageIndex<'_>) -> Checked {
    let mut checked = Checked::default();
    for rule in &RULES {
        let info = rule.info();
        let found = rule.check(page).into_iter().map(|draft| Found {
            sightings: draft.sightings.clone(),
            finding: draft.into_finding(info, page),
        });
        checked.found.extend(found);
        let gaps = rule.gaps(page).into_iter().map(|gap| (info.id, gap));
        checked.gaps.extend(gaps);
    }
    checked
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
            accepted: None,
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
                ("R01", "pre-declared-nonessential-cookie"),
                ("R02", "pre-known-tracking-cookie"),
                ("R03", "pre-uid-cookie"),
                ("R04", "pre-web-storage-id"),
                ("R05", "pre-unclassified-storage"),
                ("R06", "pre-tracking-request"),
                ("R07", "pre-consent-mode-ping"),
                ("R08", "pre-third-party-resource"),
                ("R09", "pre-rtb-auction"),
                ("R10", "reject-new-storage"),
                ("R11", "reject-tracking-request"),
                ("R12", "reject-residual-identifiers"),
                ("R13", "reject-placebo"),
                ("R14", "reject-not-persisted"),
                ("R15", "withdraw-mechanism-missing"),
                ("R16", "withdraw-ineffective"),
                ("R17", "no-consent-mechanism"),
                ("R18", "no-reject-first-layer"),
                ("R19", "reject-more-effort"),
                ("R20", "reject-visually-demoted"),
                ("R21", "preticked-options"),
                ("R22", "consent-wall"),
                ("R23", "implied-consent-action"),
                ("R24", "li-for-device-access"),
                ("R25", "banner-info-incomplete"),
                ("R26", "tcf-positive-before-choice"),
                ("R27", "tcf-positive-after-reject"),
                ("R28", "tcf-vendor-without-basis"),
                ("R29", "gcm-signal-mismatch"),
                ("R30", "cmp-record-mismatch"),
                ("R31", "gpc-not-honoured"),
                ("R32", "undeclared-storage"),
                ("R33", "misdeclared-purpose"),
                ("R34", "misdeclared-lifetime"),
                ("R35", "policy-drift"),
                ("R36", "declaration-missing"),
                ("R37", "identifier-lifetime-excessive"),
                ("R38", "choice-lifetime-out-of-range"),
                ("R39", "third-country-recipient"),
                ("R40", "identifier-cookie-weak-attributes"),
                ("R41", "identifier-in-url"),
                ("R42", "first-party-proxied-tracker"),
                ("R43", "fingerprinting-without-consent"),
                ("R44", "identifier-respawn"),
                ("R45", "cookie-sync-without-consent"),
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
