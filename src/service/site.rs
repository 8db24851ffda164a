//! A site the service audits, and how.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::judge::Profile;
use crate::model::visit::State;

/// A site that is audited again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    /// Its id: short, of lower-case letters, digits and hyphens, made from the name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The page audits begin at.
    pub url: String,
    /// How it is audited.
    pub settings: Settings,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// How a site is audited. What is left out is as the command line has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Further pages that are audited whatever else is found.
    pub pages: Vec<String>,
    /// Most pages; 1 audits the first page and those that are named, more follows links and sitemaps.
    pub max_pages: u32,
    /// Most pages of one shape of address, such as all product pages.
    pub sample: Option<u32>,
    /// Only pages that fit one of these patterns.
    pub include: Vec<String>,
    /// No pages that fit one of these patterns.
    pub exclude: Vec<String>,
    /// What visitors answer.
    #[schema(value_type = Vec<String>, example = json!(["before", "rejected", "accepted"]))]
    pub states: Vec<State>,
    /// The jurisdiction whose rules are applied.
    #[schema(value_type = String, example = "eu")]
    pub profile: Profile,
    /// How long each page is watched in each state, in seconds.
    pub dwell_seconds: u32,
    /// How often each page is visited in each state.
    pub repeat: u32,
    /// Make the visits that rules need beyond the usual.
    pub thorough: bool,
    /// Ask by Global Privacy Control not to sell or share the visitor's data.
    pub gpc: bool,
    /// Do not keep to `robots.txt`: for one's own site.
    pub ignore_robots: bool,
    /// Language the visitor asks for, such as `de-DE`.
    pub locale: Option<String>,
    /// Time zone of the visitor, such as `Europe/Berlin`.
    pub timezone: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            max_pages: 1,
            sample: None,
            include: Vec::new(),
            exclude: Vec::new(),
            states: vec![State::Before, State::Rejected, State::Accepted],
            profile: Profile::default(),
            dwell_seconds: 30,
            repeat: 1,
            thorough: false,
            gpc: false,
            ignore_robots: false,
            locale: None,
            timezone: None,
        }
    }
}
