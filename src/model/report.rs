//! One run as a document: `consentinel/report/v1`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::finding::{Category, Finding, RuleOutcome, Severity};
use super::visit::{Banner, Diagnostic, Screenshot, Visit};

/// The value of [`Report::schema`].
pub const SCHEMA: &str = "consentinel/report/v1";

/// One run: what was asked, what was seen, what it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `consentinel/report/v1`.
    pub schema: String,
    /// The run and the versions of everything that shaped it.
    pub run: Run,
    /// The pages, in the order they were given.
    pub pages: Vec<Page>,
    /// The services seen, by catalog id.
    pub services: Vec<ServiceSeen>,
    /// What should not have happened, gravest first.
    pub findings: Vec<Finding>,
    /// What came of every rule, by id.
    #[serde(default)]
    pub rules: Vec<RuleOutcome>,
    /// The answers in short.
    pub summary: Summary,
}

/// Where the pages of a run come from, one after another: what reads them needs no more memory for
/// many pages than for few.
pub trait PageSource {
    /// How many there are.
    fn page_count(&self) -> usize;

    /// The pages, in the order of the run; each call begins anew.
    fn pages(&self) -> Box<dyn Iterator<Item = Result<Cow<'_, Page>, PageError>> + '_>;
}

/// A page of a run that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("page {number} of the run cannot be read")]
pub struct PageError {
    /// Its number in the run, from 1.
    pub number: usize,
    /// Why.
    #[source]
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl PageSource for Report {
    fn page_count(&self) -> usize {
        self.pages.len()
    }

    fn pages(&self) -> Box<dyn Iterator<Item = Result<Cow<'_, Page>, PageError>> + '_> {
        Box::new(self.pages.iter().map(|page| Ok(Cow::Borrowed(page))))
    }
}

/// The run and the versions of everything that shaped it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Sorts by time.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub finished: Timestamp,
    /// This program.
    pub tool: Tool,
    /// The browser that was driven; absent when none could be started.
    pub browser: Option<BrowserInfo>,
    /// The catalog it was judged with.
    pub catalog: CatalogInfo,
    /// Who drove the banners, such as `autoconsent 16.24.0` or `heuristics only`.
    pub consent_engine: String,
    /// The jurisdiction the judge applied.
    pub profile: String,
    /// `real` or `virtual`.
    pub clock: String,
    /// Options that differ from their defaults, by name.
    pub options: BTreeMap<String, String>,
    /// What holds for the whole run.
    pub diagnostics: Vec<Diagnostic>,
}

/// This program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tool {
    /// Its version.
    pub version: String,
    /// The commit it was built from, where known.
    pub commit: Option<String>,
}

/// The browser that was driven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BrowserInfo {
    /// `chromium`, `chromium-headless-shell` …
    pub name: String,
    /// Such as `156.0.8078.79`.
    pub version: String,
    /// `headless-shell` or `headless`.
    pub engine: String,
    /// The user agent it sent.
    pub user_agent: String,
    /// Whether its sandbox was on.
    pub sandbox: bool,
    /// Whether it stores and returns third-party cookies, by self-test.
    pub third_party_cookies: bool,
    /// Whether it asks by Global Privacy Control not to sell or share data (`Sec-GPC: 1`), by self-test.
    #[serde(default)]
    pub global_privacy_control: bool,
}

/// The catalog a run was judged with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CatalogInfo {
    /// First 16 hexadecimal digits of the SHA-256 over its files.
    pub version: String,
    /// How many services it knows.
    pub services: usize,
}

/// One page in all its states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Page {
    /// The address as given.
    pub url: String,
    /// The address after redirects, as the first visit saw it.
    pub final_url: String,
    /// What a reader must know about this page.
    pub diagnostics: Vec<Diagnostic>,
    /// The banner, joined from all visits.
    pub banner: Banner,
    /// One for each state.
    pub visits: Vec<Visit>,
    /// The site's cookie policy; absent when it was not looked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<Policy>,
}

/// A site's cookie policy, as a visitor finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Policy {
    /// Its address; absent when neither the page nor its banner links one.
    pub url: Option<String>,
    /// The HTTP status it was answered with; absent when nobody answered.
    pub status: Option<u16>,
    /// It speaks of cookies or of storing in the browser.
    pub speaks_of_cookies: bool,
    /// Its tables and lists.
    pub tables: Vec<PolicyTable>,
}

/// A table of a policy.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PolicyTable {
    /// The heading above it.
    pub heading: String,
    /// Its rows, the one with the columns' names first.
    pub rows: Vec<Vec<String>>,
}

impl Page {
    /// Every picture of the page.
    pub fn pictures_mut(&mut self) -> impl Iterator<Item = &mut Screenshot> {
        let of_visits = self.visits.iter_mut().flat_map(|visit| {
            [
                &mut visit.banner.screenshot,
                &mut visit.screenshot_after_choice,
                &mut visit.screenshot,
            ]
        });
        of_visits.chain([&mut self.banner.screenshot]).flatten()
    }
}

/// A service seen on the audited pages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceSeen {
    /// Its catalog id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who runs it.
    pub vendor: Option<String>,
    /// The vendor's country, ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// Its category.
    pub category: Category,
    /// Countries outside the EEA it sends data to.
    pub transfers: Vec<String>,
    /// The pages it was seen on.
    pub pages: Vec<String>,
    /// Hosts it was contacted at, or that hold its items.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// What to do before it may load, from the catalog.
    pub steps: Vec<String>,
    /// Text for the banner, from the catalog.
    pub notice: Option<String>,
}

/// The answers in short.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Findings of each severity.
    pub by_severity: BTreeMap<Severity, usize>,
    /// Findings of each rule.
    pub by_rule: BTreeMap<String, usize>,
    /// Findings of each service; `unknown` for those without one.
    pub by_service: BTreeMap<String, usize>,
    /// Non-essential storage or tracking before a choice?
    pub before_choice: Answer,
    /// Is rejecting as easy as accepting?
    pub reject_as_easy: Answer,
    /// Storage or tracking without consent, after a refusal?
    pub without_consent: Answer,
    /// Pages that could not be audited in every state.
    pub incomplete_pages: usize,
}

/// The answer to one of the regulator's questions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// Not reached or not confirmed.
    #[default]
    NotEstablished,
}
