//! Imported data: what somebody's data set says of hosts and cookies, kept apart from the entries
//! written by hand.
//!
//! A data set carries its licence with it. It never makes anything necessary, and an entry written by
//! hand always outweighs it.

use serde::{Deserialize, Serialize};

use super::schema::words::{ItemRole, Kind, SourceKind};
use super::schema::{
    CookieEntry, RequestRule, SchemaVersion, Service, Source, StorageRule, Vendor,
};
use crate::model::finding::Category;

/// What the first key of every data set says.
pub const SCHEMA: &str = "consentinel/imported/v1";

/// A data set as the catalog keeps it: `imported/ID.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Always [`SCHEMA`].
    pub schema: DatasetSchema,
    /// Where it comes from, and under which licence.
    pub origin: Origin,
    /// The services it names.
    pub services: Vec<ImportedService>,
}

/// The form of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum DatasetSchema {
    /// The only one there is.
    #[default]
    #[serde(rename = "consentinel/imported/v1")]
    V1,
}

/// Where a data set comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// Letters, digits and `-`; ids of its services begin with it.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its licence (SPDX, or in words).
    pub rights: String,
    /// Where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The day it was read, such as 2026-11-22.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved: Option<jiff::civil::Date>,
    /// SHA-256 of what was read, in hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

/// A service as a data set names it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedService {
    /// Unique within the data set.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// Who offers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Its site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<String>,
    /// Id of its section.
    pub sector: String,
    /// Its consent category; never `necessary`.
    pub category: Category,
    /// The requests it makes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<RequestRule>,
    /// The cookies it sets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie: Vec<CookieEntry>,
    /// What else it stores.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<StorageRule>,
}

impl Dataset {
    /// Its services in the form of catalog entries, with nothing in them that imports must not say.
    pub(super) fn into_services(self) -> impl Iterator<Item = Service> {
        let Self {
            origin, services, ..
        } = self;
        services
            .into_iter()
            .map(move |service| service.into_service(&origin))
    }
}

impl ImportedService {
    fn into_service(mut self, origin: &Origin) -> Service {
        for rule in &mut self.request {
            rule.category = rule.category.map(modest);
            rule.exempt = None;
        }
        for cookie in &mut self.cookie {
            cookie.category = cookie.category.map(modest);
            cookie.exempt = None;
            cookie.role = cookie.role.filter(|role| *role != ItemRole::ConsentRecord);
        }
        for entry in &mut self.storage {
            entry.category = entry.category.map(modest);
            entry.exempt = None;
            entry.role = entry.role.filter(|role| *role != ItemRole::ConsentRecord);
        }
        Service {
            id: format!("{}:{}", origin.id, self.id),
            name: self.name,
            website: self.website,
            sector: self.sector,
            category: modest(self.category),
            vendor: self.vendor.map(Vendor::named),
            request: self.request,
            cookie: self.cookie,
            storage: self.storage,
            src: vec![origin.id.clone()],
            source: vec![Source {
                id: origin.id.clone(),
                kind: SourceKind::Dataset,
                title: Some(origin.title.clone()),
                url: origin.url.clone(),
                version: origin.version.clone(),
                rights: origin.rights.clone(),
                retrieved: origin.retrieved.map(super::schema::Date),
            }],
            ..Service::empty(Kind::Service)
        }
    }
}

/// A category as an import may give it: whoever says "necessary" has to be a person who looked.
fn modest(category: Category) -> Category {
    match category {
        Category::Necessary => Category::Unclassified,
        other => other,
    }
}

impl Service {
    /// A service of which nothing is known.
    fn empty(kind: Kind) -> Self {
        Self {
            schema: SchemaVersion,
            id: String::new(),
            name: String::new(),
            aliases: Vec::new(),
            kind,
            status: None,
            sector: String::new(),
            category: Category::Unclassified,
            website: None,
            risk: None,
            regulations: Vec::new(),
            related: Vec::new(),
            reviewed: None,
            src: Vec::new(),
            vendor: None,
            data: None,
            detect: None,
            hosting: None,
            transfer: Vec::new(),
            legal: Vec::new(),
            dpia: None,
            request: Vec::new(),
            cookie: Vec::new(),
            storage: Vec::new(),
            cmp: None,
            text: std::collections::BTreeMap::new(),
            faq: Vec::new(),
            alternative: Vec::new(),
            dispute: Vec::new(),
            source: Vec::new(),
        }
    }
}

impl Vendor {
    /// A vendor of whom only the name is known.
    fn named(name: String) -> Self {
        Self {
            name,
            country: None,
            city: None,
            developer: None,
            founded: None,
            renamed: None,
            markets: Vec::new(),
            integrates: Vec::new(),
            owner: Vec::new(),
            src: Vec::new(),
        }
    }
}
