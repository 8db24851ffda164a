//! The form of a catalog file: one service, consent platform or site software.
//!
//! Facts only. What is not known is left out. Unknown keys are errors.

use std::collections::BTreeMap;

use jiff::civil;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::host::{HostPattern, PathPattern};
use super::pattern::{NamePattern, ValuePattern};
use crate::model::finding::Category;

mod items;
mod legal;
pub mod words;

pub use items::{CookieEntry, Exemption, RequestRule, StorageRule};
pub use legal::{Dpia, Hosting, Legal, Transfer};
use words::{Framework, Kind, Risk, ServiceStatus, SourceKind};

/// The only version of the form there is.
pub const SCHEMA_VERSION: u64 = 1;

/// A service, a consent platform or the software a site runs on.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Version of this form, always 1.
    pub schema: SchemaVersion,
    /// Unique; equals the file's name without `.toml`.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Other names it goes by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What the entry describes.
    pub kind: Kind,
    /// Whether it is still offered; active when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ServiceStatus>,
    /// Id of its section in `sections.toml`. Not a consent category.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub sector: String,
    /// The consent category of every item that names none itself.
    pub category: Category,
    /// The vendor's site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// The risk its source ascribes to it. Never guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<Risk>,
    /// Ids in `regulations.toml`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regulations: Vec<String>,
    /// Ids of services its source shows beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<String>,
    /// When a person last checked the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<Date>,
    /// Ids of the sources of every fact that names no other.
    pub src: Vec<String>,
    /// Who offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<Vendor>,
    /// What it collects, and about whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<DataCollected>,
    /// How it shows itself on a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<Detection>,
    /// Where it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hosting: Option<Hosting>,
    /// Transfers out of the EEA.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transfer: Vec<Transfer>,
    /// Legal bases, one for each context of use.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub legal: Vec<Legal>,
    /// Whether an impact assessment is called for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpia: Option<Dpia>,
    /// The requests it makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<RequestRule>,
    /// The cookies it sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie: Vec<CookieEntry>,
    /// What else it stores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageRule>,
    /// What only a consent platform has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cmp: Option<ConsentPlatform>,
    /// Prose, by ISO 639-1 language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub text: BTreeMap<String, Text>,
    /// Answers with facts that no field holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faq: Vec<Faq>,
    /// Services that could stand in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternative: Vec<Alternative>,
    /// Contradictions between sources, kept and shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispute: Vec<Dispute>,
    /// Where the facts come from.
    pub source: Vec<Source>,
}

/// The version of the form a file is written in: 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct SchemaVersion;

impl TryFrom<u64> for SchemaVersion {
    type Error = String;

    fn try_from(version: u64) -> Result<Self, String> {
        if version == SCHEMA_VERSION {
            Ok(Self)
        } else {
            Err(format!(
                "schema version {version} is not known, this program reads {SCHEMA_VERSION}"
            ))
        }
    }
}

impl From<SchemaVersion> for u64 {
    fn from(SchemaVersion: SchemaVersion) -> Self {
        SCHEMA_VERSION
    }
}

impl JsonSchema for SchemaVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SchemaVersion".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "const": SCHEMA_VERSION })
    }
}

/// A calendar date, written as TOML writes dates: `2026-11-22`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "toml::value::Datetime", into = "civil::Date")]
pub struct Date(pub civil::Date);

impl TryFrom<toml::value::Datetime> for Date {
    type Error = String;

    fn try_from(datetime: toml::value::Datetime) -> Result<Self, String> {
        let written = datetime.to_string();
        written
            .parse()
            .map(Self)
            .map_err(|error| format!("`{written}` is not a date such as 2026-11-22: {error}"))
    }
}

impl From<Date> for civil::Date {
    fn from(date: Date) -> Self {
        date.0
    }
}

impl JsonSchema for Date {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date" })
    }
}

/// Who offers a service.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Vendor {
    /// The company.
    pub name: String,
    /// Its country, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// Its city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Who made the software, where it is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub developer: Option<String>,
    /// Year the product began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub founded: Option<u16>,
    /// Year it got its present name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed: Option<u16>,
    /// Where it is mostly used: countries or regions such as `EU`, `CIS`, `LATAM`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub markets: Vec<String>,
    /// Ids of services it exchanges data with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub integrates: Vec<String>,
    /// Its owners, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owner: Vec<Owner>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// Somebody who owns or owned a vendor.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// The owner.
    pub name: String,
    /// From when: a year, or year and month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The owner's country, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = r"^[A-Z]{2}$"))]
    pub country: Option<String>,
    /// Sources contradict each other about this owner.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub disputed: bool,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// What a service collects, and about whom.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataCollected {
    /// About the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub visitor: Vec<String>,
    /// About the site's own staff.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub agent: Vec<String>,
    /// From elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// How a service shows itself on a page.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// How it is embedded: `js-widget`, `pixel`, `iframe` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Global variables of its scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub js_globals: Vec<String>,
    /// CSS selectors of what it puts into the page.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dom: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// What only a consent platform has.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsentPlatform {
    /// The frameworks it speaks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frameworks: Vec<Framework>,
    /// Its number in the IAB's list of consent platforms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcf_id: Option<u16>,
    /// Global variables of its scripts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub js_globals: Vec<String>,
    /// Names of the autoconsent rules that drive it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub autoconsent: Vec<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// Prose about a service in one language. `{name}`, `{vendor}` and `{owner}` are filled in.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// What it is, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// What it is, at length.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What it collects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collects: Option<String>,
    /// What the law makes of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub implications: Option<String>,
    /// On which legal basis it may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
    /// Where the data go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transfers: Option<String>,
    /// What an impact assessment has to look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dpia: Option<String>,
    /// Text for the banner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// What the cookie policy has to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// What to do before it may load.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<String>,
}

/// An answer with facts that no field holds.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Faq {
    /// What was asked: `cookies`, `consent-needed`, `dpia` …
    pub topic: String,
    /// ISO 639-1; English when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lang: Option<String>,
    /// The answer.
    #[serde(rename = "a")]
    pub answer: String,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// A service that could stand in another's place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alternative {
    /// Its id.
    pub id: String,
    /// Its vendor's country, ISO 3166-1 alpha-2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// What speaks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// A contradiction between sources.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dispute {
    /// The field it is about.
    pub field: String,
    /// What one source says.
    pub claim: String,
    /// What another says.
    pub against: String,
    /// What follows for this entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Source ids.
    pub src: Vec<String>,
}

/// Where facts come from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The name `src` uses, unique within the file.
    #[schemars(regex(pattern = r"^[a-z0-9][a-z0-9-]*$"))]
    pub id: String,
    /// What kind of source.
    pub kind: SourceKind,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Which version was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Its licence (SPDX), or `facts-only` when it was restated in own words and nothing was copied.
    pub rights: String,
    /// When it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<Date>,
}

/// The JSON Schema of a catalog file, as kept in `catalog/schema/service.schema.json`.
pub fn json_schema() -> Schema {
    schemars::schema_for!(Service)
}
