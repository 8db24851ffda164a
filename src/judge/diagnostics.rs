//! What a reader must know of a page's consent machinery to weigh the findings: never a verdict.

use std::collections::BTreeSet;

use crate::model::finding::Category;
use crate::model::party::Party;
use crate::model::report::Page;
use crate::model::visit::{Diagnostic, DiagnosticCode};

use super::classify::Need;
use super::consent_mode::{self, ConsentMode};
use super::consent_strings::{Channel, What};
use super::index::PageIndex;
use super::naming::shown;

/// First version of the TCF's policies in force since October 2023.
const TCF_POLICY: u8 = 4;
/// Purposes without legitimate interest since version 2.2 of the framework.
const CONSENT_ONLY: std::ops::RangeInclusive<u8> = 3..=6;

/// Codes that the judge gives; the others come from the visits.
const OURS: [DiagnosticCode; 6] = [
    DiagnosticCode::RegimeMismatch,
    DiagnosticCode::MultiplePlatforms,
    DiagnosticCode::TcfInvalid,
    DiagnosticCode::ConsentApiError,
    DiagnosticCode::ConsentModeAbsent,
    DiagnosticCode::ExemptionClaimed,
];

/// Puts what the judge says of a page in the place of what it said before.
pub(super) fn replace(page: &mut Page, told: Vec<Diagnostic>) {
    page.diagnostics
        .retain(|diagnostic| !OURS.contains(&diagnostic.code));
    page.diagnostics.extend(told);
}

/// The diagnostics of a page.
pub(super) fn of(index: &PageIndex<'_>) -> Vec<Diagnostic> {
    [
        regime(index),
        platforms(index),
        strings(index),
        broken_function(index),
        no_consent_mode(index),
        exemption(index),
    ]
    .into_iter()
    .flatten()
    .map(|(code, message)| Diagnostic {
        code,
        message,
        state: None,
    })
    .collect()
}

type Told = Option<(DiagnosticCode, String)>;

fn says(index: &PageIndex<'_>, fact: &str, value: &str) -> bool {
    index
        .visits
        .iter()
        .flat_map(|visit| &visit.visit.snapshot.signals)
        .any(|signal| signal.facts.get(fact).is_some_and(|said| said == value))
}

fn regime(index: &PageIndex<'_>) -> Told {
    says(index, "gdpr-applies", "false").then(|| {
        (
            DiagnosticCode::RegimeMismatch,
            "the consent platform takes the visitor for one the GDPR does not protect; visit from Europe, or set \
             --locale and --timezone"
                .to_owned(),
        )
    })
}

fn platforms(index: &PageIndex<'_>) -> Told {
    let platforms: BTreeSet<&str> = index
        .visits
        .iter()
        .flat_map(|visit| &visit.requests)
        .filter_map(|seen| seen.found.as_ref().filter(|found| found.cmp))
        .map(|found| found.service.as_str())
        .collect();
    (platforms.len() > 1).then(|| {
        let names: Vec<String> = platforms
            .iter()
            .map(|id| shown(index.service_name(id)))
            .collect();
        (
            DiagnosticCode::MultiplePlatforms,
            format!(
                "more than one consent platform was contacted: {}",
                names.join(", ")
            ),
        )
    })
}

fn strings(index: &PageIndex<'_>) -> Told {
    let mut faults = BTreeSet::new();
    for heard in index
        .strings
        .iter()
        .filter(|heard| heard.channel != Channel::Request)
    {
        let What::Vendors(string) = &heard.what else {
            continue;
        };
        if string.policy_version < TCF_POLICY {
            faults.insert(format!(
                "policy version {}, no longer valid",
                string.policy_version
            ));
        }
        if !string.service_specific {
            faults.insert("not made for this site alone".to_owned());
        }
        let forbidden = |purpose: &u8| CONSENT_ONLY.contains(purpose);
        if string.purposes_legitimate_interest.iter().any(forbidden) {
            faults.insert("legitimate interest for purposes 3 to 6".to_owned());
        }
    }
    (!faults.is_empty()).then(|| {
        let faults: Vec<String> = faults.into_iter().collect();
        (
            DiagnosticCode::TcfInvalid,
            format!(
                "the TC string does not keep to the framework: {}",
                faults.join("; ")
            ),
        )
    })
}

fn broken_function(index: &PageIndex<'_>) -> Told {
    says(index, "cmp-status", "error").then(|| {
        (
            DiagnosticCode::ConsentApiError,
            "the consent platform's own function reports an error".to_owned(),
        )
    })
}

fn no_consent_mode(index: &PageIndex<'_>) -> Told {
    let commands = index
        .visits
        .iter()
        .flat_map(|visit| &visit.visit.snapshot.signals)
        .any(|signal| signal.kind == "consent-command" && signal.source == "dataLayer");
    let mut measured = index
        .visits
        .iter()
        .flat_map(|visit| &visit.requests)
        .filter(|seen| {
            consent_mode::is_google_measurement(&seen.url) && seen.url.path().ends_with("/collect")
        })
        .peekable();
    let absent = measured.peek().is_some()
        && !commands
        && measured.all(|seen| consent_mode::consent_mode(&seen.url) == ConsentMode::NotInUse);
    absent.then(|| {
        (
            DiagnosticCode::ConsentModeAbsent,
            "Google's tags measure without consent mode".to_owned(),
        )
    })
}

fn exemption(index: &PageIndex<'_>) -> Told {
    let items: BTreeSet<String> = index
        .items
        .iter()
        .filter(|item| {
            let statistics = index.profile.facts().exempt_statistics
                && item.party == Party::First
                && item.class.need == Need::Consent
                && item.class.category == Category::Analytics;
            item.class.exempt_under_conditions || statistics
        })
        .map(|item| shown(&item.key.name))
        .take(20)
        .collect();
    (!items.is_empty()).then(|| {
        let items: Vec<String> = items.into_iter().collect();
        (
            DiagnosticCode::ExemptionClaimed,
            format!(
                "may be exempt here under conditions that nothing on a page shows (information, objection, no other \
                 use): {}",
                items.join(", ")
            ),
        )
    })
}
