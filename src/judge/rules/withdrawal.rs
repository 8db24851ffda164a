//! Taking a yes back: R15, R16. Visits in the state `withdrawn` are recorded, but not judged yet.

use crate::model::finding::{Certainty, Proof, Severity};

use super::{Draft, Requirement, Rule, RuleInfo};
use crate::judge::index::PageIndex;

/// R15: no way to take a yes back.
pub(super) struct MechanismMissing;

/// R16: taking it back changes nothing.
pub(super) struct Ineffective;

/// What both need. As long as neither judges, a visit alone must not count as having found nothing.
const WITHDRAWN: &[Requirement] = &[Requirement::Fact(
    "what visits in the state withdrawn show, read by a rule",
)];

impl Rule for MechanismMissing {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R15",
            name: "withdraw-mechanism-missing",
            title: "There is no way to take consent back, or a much harder one",
            checks: "After a yes no lasting control leads back to the settings, or taking it back needs more than two \
                     clicks more than giving it.",
            severity: Severity::High,
            proof: Proof::P4,
            certainty: Certainty::L1,
            legal: &[
                "GDPR Art. 7(3)",
                "EDPB Cookie Banner Taskforce report (2023), type K",
            ],
            remedy: "Put a link or an icon on every page that opens the settings again.",
            needs: WITHDRAWN,
            limits: "Not judged yet, though visits in the state withdrawn are recorded.",
        }
    }

    fn check(&self, _page: &PageIndex<'_>) -> Vec<Draft> {
        Vec::new()
    }
}

impl Rule for Ineffective {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R16",
            name: "withdraw-ineffective",
            title: "Taking consent back does not stop what rested on it",
            checks: "After a confirmed withdrawal something that needs consent is still sent, or a signal still says yes.",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 7(3)",
                "CNIL, Condé Nast decision of 20 November 2025",
            ],
            remedy: "Delete what rested on consent and stop its services when consent is taken back.",
            needs: WITHDRAWN,
            limits: "Not judged yet, though visits in the state withdrawn are recorded.",
        }
    }

    fn check(&self, _page: &PageIndex<'_>) -> Vec<Draft> {
        Vec::new()
    }
}
