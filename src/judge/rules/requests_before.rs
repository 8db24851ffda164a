//! What is sent before the visitor has answered: R06 and R07.

use crate::judge::index::{PageIndex, SeenRequest};
use crate::model::finding::{Certainty, Proof, Severity, Verdict};
use crate::model::visit::State;

use super::tracking::{
    DeniedPings, Means, Occurrence, grouped, means_of, request_draft, statistics_exemption,
};
use super::{Draft, Requirement, Rule, RuleInfo};

/// R06: a request that measures or advertises.
pub(super) struct TrackingRequest;

/// R07: a Google tag that measures and says that consent is denied.
pub(super) struct DeniedPing;

fn is_before(seen: &SeenRequest<'_>) -> bool {
    seen.request.phase.is_before_choice() && seen.tracker().is_some()
}

impl Rule for TrackingRequest {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R06",
            name: "pre-tracking-request",
            title: "A tracking request is sent before any choice",
            checks: "A request to an analytics or marketing service leaves while the banner is unanswered: a session \
                     recording (replay), one that carries an identifier (uid), a report of a visit (beacon), or the \
                     tracking code alone (script).",
            severity: Severity::High,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Rec. 30",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Load the service only after consent to its category.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let denied = DeniedPings::new(page);
        grouped(page, 0..page.visits.len(), |visit, seen| {
            is_before(seen) && !denied.contains(visit, seen)
        })
        .iter()
        .filter_map(|requests| {
            let means = requests
                .seen
                .iter()
                .filter_map(|(_, seen)| means_of(seen))
                .min()?;
            let severity = match means {
                Means::Replay | Means::Uid => Severity::Critical,
                Means::Beacon => Severity::High,
                Means::Script => Severity::Medium,
            };
            let draft = request_draft(page, requests, means, severity, &Occurrence::before(page))?;
            let verdict =
                statistics_exemption(page, draft.category, draft.subject.party, draft.verdict);
            Some(Draft { verdict, ..draft })
        })
        .collect()
    }
}

impl Rule for DeniedPing {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R07",
            name: "pre-consent-mode-ping",
            title: "A Google tag reports the visit before any choice, saying that consent is denied",
            checks: "A request to Google's measurement carries a denied consent mode, nothing of Google's is stored, \
                     and the client id does not come back. Otherwise it is R06.",
            severity: Severity::Low,
            proof: Proof::P1,
            certainty: Certainty::L3,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Use the basic consent mode, in which tags load only after consent, or have the advanced one weighed by a lawyer.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let denied = DeniedPings::new(page);
        let severity = page.profile.facts().denied_ping;
        grouped(page, 0..page.visits.len(), |visit, seen| {
            is_before(seen) && denied.contains(visit, seen)
        })
        .iter()
        .filter_map(|requests| {
            let draft = request_draft(
                page,
                requests,
                Means::Beacon,
                severity,
                &Occurrence::before(page),
            )?;
            Some(Draft {
                sub_type: None,
                verdict: Verdict::Review,
                proof: Proof::P1,
                certainty: Certainty::L3,
                remedy: format!("Use the basic consent mode for it. {}", draft.remedy),
                ..draft
            })
        })
        .collect()
    }
}
