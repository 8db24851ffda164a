//! One audit somebody or a schedule asked for: from the asking to its end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::site::Settings;

/// An audit of a site. It makes a run when it is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Audit {
    /// Its id; sorts by the time it was asked for.
    pub id: String,
    /// The site.
    pub site: String,
    /// The page it begins at.
    pub url: String,
    /// How the site was to be audited when it was asked for.
    pub settings: Settings,
    /// Who asked: an account, a token, or `schedule` and its id.
    pub asked_by: String,
    /// When.
    pub asked: Timestamp,
    /// How far it is.
    pub standing: Standing,
    /// How often it was begun; more than once when the service ended under it.
    pub tries: u32,
    /// When it was begun last.
    pub started: Option<Timestamp>,
    /// When it came to its end.
    pub finished: Option<Timestamp>,
    /// The run in the store; there as soon as a crawl has begun, otherwise at the end.
    pub run: Option<String>,
    /// What it came to, when it was carried out.
    pub result: Option<Outcome>,
    /// Why it failed, or ended before it was through, in a sentence.
    pub error: Option<String>,
}

/// How far an audit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It waits for its turn.
    Waiting,
    /// It is being carried out.
    Running,
    /// It was carried out.
    Finished,
    /// It could not be carried out.
    Failed,
    /// Somebody called it off.
    Cancelled,
}

impl Standing {
    /// Nothing more will come of it.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Cancelled)
    }
}

/// What an audit came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    /// Pages in the run.
    pub pages: u64,
    /// Pages that could not be audited in every state.
    pub incomplete_pages: u64,
    /// Violations and likely ones that nobody accepted, by severity.
    pub findings: BTreeMap<String, u64>,
    /// Ids of those the finished audit before did not have; the first 200.
    pub new: Vec<String>,
    /// How many are new.
    pub new_count: u64,
    /// Ids of those only the finished audit before had; the first 200.
    pub fixed: Vec<String>,
    /// How many are fixed.
    pub fixed_count: u64,
}
