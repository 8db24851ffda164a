//! What the site declares against what it does: R01, R32 to R36. Snapshots do not hold declarations yet.

use crate::model::finding::{Certainty, Proof, Severity};

use super::{Draft, Requirement, Rule, RuleInfo};
use crate::judge::index::PageIndex;

/// R01: declared as not necessary, and set before a choice.
pub(super) struct DeclaredNonessential;

/// R32: stored and not declared.
pub(super) struct Undeclared;

/// R33: declared as something else than it is.
pub(super) struct MisdeclaredPurpose;

/// R34: lives longer than declared.
pub(super) struct MisdeclaredLifetime;

/// R35: declared otherwise than in the last run, and nobody was asked again.
pub(super) struct PolicyDrift;

/// R36: no declaration to be found.
pub(super) struct DeclarationMissing;

/// What all but one need.
const DECLARATION: &[Requirement] = &[Requirement::Fact(
    "the site's own declaration of what it stores (the consent platform's list, or a cookie policy)",
)];
/// What is said of all of them.
const NOT_YET: &str = "Not judged yet: snapshots do not hold what a site declares.";

/// A rule that waits for declarations.
macro_rules! waits {
    ($rule:ident, $info:expr) => {
        impl Rule for $rule {
            fn info(&self) -> &'static RuleInfo {
                const INFO: &RuleInfo = &$info;
                INFO
            }

            fn check(&self, _page: &PageIndex<'_>) -> Vec<Draft> {
                Vec::new()
            }
        }
    };
}

waits!(
    DeclaredNonessential,
    RuleInfo {
        id: "R01",
        name: "pre-declared-nonessential-cookie",
        title: "What the site itself declares as not necessary is set before any choice",
        checks: "A cookie that the site's own declaration puts into another category than necessary is written while \
                 the banner is unanswered.",
        severity: Severity::Critical,
        proof: Proof::P1,
        certainty: Certainty::L1,
        legal: &[
            "ePrivacy Directive 2002/58/EC Art. 5(3)",
            "GDPR Art. 6(1)(a)",
            "GDPR Art. 7(1)"
        ],
        remedy: "Set the cookie only after consent to the category it is declared in.",
        needs: DECLARATION,
        limits: NOT_YET,
    }
);

waits!(
    Undeclared,
    RuleInfo {
        id: "R32",
        name: "undeclared-storage",
        title: "Something is stored that the site does not declare",
        checks: "An item that is not exempt stands neither in the consent platform's list nor in the cookie policy.",
        severity: Severity::Medium,
        proof: Proof::P1,
        certainty: Certainty::L1,
        legal: &["GDPR Art. 13", "CJEU C-673/17 (Planet49)"],
        remedy: "Declare it, or stop storing it.",
        needs: DECLARATION,
        limits: NOT_YET,
    }
);

waits!(
    MisdeclaredPurpose,
    RuleInfo {
        id: "R33",
        name: "misdeclared-purpose",
        title: "Something is declared as what it is not",
        checks: "An analytics or advertising item is declared necessary, unclassified, or in two categories at once.",
        severity: Severity::High,
        proof: Proof::P1,
        certainty: Certainty::L2,
        legal: &[
            "GDPR Art. 5(1)(a)",
            "GDPR Art. 13",
            "EDPB Cookie Banner Taskforce report (2023), type I"
        ],
        remedy: "Declare it in the category of what it does.",
        needs: DECLARATION,
        limits: NOT_YET,
    }
);

waits!(
    MisdeclaredLifetime,
    RuleInfo {
        id: "R34",
        name: "misdeclared-lifetime",
        title: "Something lives longer than declared",
        checks: "The lifetime asked for is over one and a half times the declared one and a day longer, or what is \
                 declared for the session stays.",
        severity: Severity::Low,
        proof: Proof::P1,
        certainty: Certainty::L1,
        legal: &["GDPR Art. 13(2)(a)", "CJEU C-673/17 (Planet49)"],
        remedy: "Declare the lifetime it has, or shorten it.",
        needs: DECLARATION,
        limits: NOT_YET,
    }
);

waits!(
    PolicyDrift,
    RuleInfo {
        id: "R35",
        name: "policy-drift",
        title: "New services came, and visitors who had answered are not asked again",
        checks: "Against an earlier run, new items or vendors need consent while an old answer stays valid.",
        severity: Severity::Medium,
        proof: Proof::P1,
        certainty: Certainty::L2,
        legal: &["GDPR Art. 4(11)", "GDPR Art. 7"],
        remedy: "Ask again when purposes or vendors change.",
        needs: &[Requirement::OtherVisit(
            "an earlier run of the same page, and a visit with its answer"
        )],
        limits: "Not judged yet: the judge sees one run.",
    }
);

waits!(
    DeclarationMissing,
    RuleInfo {
        id: "R36",
        name: "declaration-missing",
        title: "Consent is asked for, and nothing says for what",
        checks: "The consent platform shows no list, and no policy with cookies in it can be reached.",
        severity: Severity::Medium,
        proof: Proof::P4,
        certainty: Certainty::L1,
        legal: &["ePrivacy Directive 2002/58/EC Art. 5(3)", "GDPR Art. 13"],
        remedy: "Publish a list of what is stored, by whom, why and for how long, and link it in the banner.",
        needs: DECLARATION,
        limits: NOT_YET,
    }
);
