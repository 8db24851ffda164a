//! One rule broken by one item or by the banner, with proof, verdict and remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::Party;
use super::snapshot::{InitiatorStep, Setter};
use super::visit::{PhaseName, State};

/// How grave a finding is, least first.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing, nothing to mend.
    Info,
    /// Contested, or of little effect.
    Low,
    /// Breaks a rule regulators apply.
    Medium,
    /// Breaks the law in a way regulators have fined.
    High,
    /// Tracks people against or without their answer.
    Critical,
}

/// How sure the judge is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Proven by the site's own words or by a known service's known item.
    Violation,
    /// Behaves like one.
    Likely,
    /// A person has to look.
    Review,
    /// What the rule depends on was not reached or not confirmed.
    Inconclusive,
}

/// The kind of proof.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Proof {
    /// The site contradicts itself.
    P1,
    /// A known vendor's known item.
    P2,
    /// Behaviour: a unique identifier.
    P3,
    /// Interface: what the banner shows.
    P4,
}

/// How settled the law is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub enum Certainty {
    /// Statute or the Court of Justice.
    L1,
    /// Consensus of regulators.
    L2,
    /// Contested, or best practice.
    L3,
}

/// What consent purpose an item serves.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Category {
    /// Needed for what the visitor asked for.
    Necessary,
    /// Chat, video, comfort.
    Preferences,
    /// Measurement.
    Analytics,
    /// Advertising and social networks.
    Marketing,
    /// Not known, and said so.
    #[default]
    Unclassified,
}

impl Category {
    /// How much it asks for: the higher, the more a visitor has to agree to.
    pub const fn strictness(self) -> u8 {
        match self {
            Self::Necessary => 0,
            Self::Unclassified => 1,
            Self::Preferences => 2,
            Self::Analytics => 3,
            Self::Marketing => 4,
        }
    }

    /// Its name, as catalog files and reports write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Necessary => "necessary",
            Self::Preferences => "preferences",
            Self::Analytics => "analytics",
            Self::Marketing => "marketing",
            Self::Unclassified => "unclassified",
        }
    }
}

/// What kind of thing a finding is about.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// A cookie.
    Cookie,
    /// An entry of `localStorage`.
    LocalStorage,
    /// An entry of `sessionStorage`.
    SessionStorage,
    /// An object store of an `IndexedDB` database, or a database without any.
    IndexedDb,
    /// A cache of the Cache API.
    CacheStorage,
    /// A service worker's registration.
    ServiceWorker,
    /// An entry of Shared Storage.
    SharedStorage,
    /// A network request.
    Request,
    /// A consent signal.
    Signal,
    /// The banner.
    Banner,
}

/// What a finding is about.
///
/// Cookie: domain and name. Storage: the origin's host and the key. Request: host and path without
/// query. Banner: the page's host and the consent platform, or `banner`.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Subject {
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its host, without a leading dot.
    pub host: String,
    /// Its name, key or path.
    pub name: String,
    /// First or third party.
    pub party: Party,
}

/// What proves a finding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// When it was first seen, in milliseconds since the visit began.
    pub at_ms: Option<u64>,
    /// From the innermost script up to the root tag in the page.
    pub initiator_chain: Vec<InitiatorStep>,
    /// Who stored it.
    pub set_by: Option<Setter>,
    /// Fingerprint of the value.
    pub value_fingerprint: Option<String>,
    /// Lifetime asked for, in words, such as `396 days` or `session`.
    pub lifetime: Option<String>,
    /// What was seen, one fact a line, for a person to read.
    pub notes: Vec<String>,
}

/// In how many of the visits that could show it a finding was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// Visits that showed it.
    pub k: u32,
    /// Visits that could have.
    pub of: u32,
}

/// One rule broken by one item or by the banner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable: made of rule, subject and page pattern, not of run, order or time.
    pub id: String,
    /// The rule, such as `R02`.
    pub rule: String,
    /// The rule's name, such as `pre-known-tracking-cookie`.
    pub name: String,
    /// What is wrong, in one sentence.
    pub title: String,
    /// The variant of the rule, such as `beacon` or `uid`.
    pub sub_type: Option<String>,
    /// How grave.
    pub severity: Severity,
    /// How sure.
    pub verdict: Verdict,
    /// The kind of proof.
    pub proof: Proof,
    /// How settled the law is.
    pub certainty: Certainty,
    /// The state it happened in.
    pub state: State,
    /// The phase it was first seen in.
    pub phase: PhaseName,
    /// The page's address, as given.
    pub page: String,
    /// What it is about.
    pub subject: Subject,
    /// Catalog id of the service behind it.
    pub service: Option<String>,
    /// What purpose the item serves.
    pub category: Category,
    /// What proves it.
    pub evidence: Evidence,
    /// The law, most specific last.
    pub legal: Vec<String>,
    /// What to do.
    pub remedy: String,
    /// In how many visits.
    pub seen: Seen,
    /// Somebody has accepted it for a time; it fails no run until then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub accepted: Option<Acceptance>,
}

impl Finding {
    /// Whether it speaks against the site: a violation or a likely one, and nobody has accepted it. What a
    /// person has to look at first, and what was not established, does not.
    pub fn counts(&self) -> bool {
        self.accepted.is_none() && matches!(self.verdict, Verdict::Violation | Verdict::Likely)
    }
}

/// Why a finding is accepted, by whom, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acceptance {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day, such as `2027-03-31`.
    pub until: String,
}

/// Why a rule could not be applied to a page.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum GapReason {
    /// The run holds no visit of the kind the rule needs.
    NotVisited,
    /// There was such a visit, and it did not run to its end.
    Incomplete,
    /// The visitor's answer was not given, or nothing confirms that it was recorded.
    NotConfirmed,
    /// Fewer visits than it takes to tell a habit from chance.
    TooFewVisits,
    /// Snapshots do not hold the fact the rule is about.
    NotRecorded,
}

/// Something a rule needed and did not get.
#[derive(
    Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Gap {
    /// Why.
    pub reason: GapReason,
    /// What it needed, such as `a visit in which the visitor refuses`.
    pub needed: String,
    /// On how many pages it was missing.
    pub pages: usize,
}

/// What came of a rule.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum RuleResult {
    /// It found something.
    Found,
    /// It was applied to every page and found nothing.
    NothingFound,
    /// It found nothing, and could not be applied everywhere: `gaps` says why.
    Inconclusive,
}

/// What came of one rule on all pages of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleOutcome {
    /// The rule, such as `R02`.
    pub rule: String,
    /// The rule's name, such as `pre-known-tracking-cookie`.
    pub name: String,
    /// What came of it.
    pub result: RuleResult,
    /// How many findings it made.
    pub findings: usize,
    /// What it needed and did not get.
    pub gaps: Vec<Gap>,
}
