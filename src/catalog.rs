//! The services: who is behind an item, and what purpose it serves.
//!
//! Data are hand-written TOML files, one for each service, built into the binary. Beside them stand
//! imported data sets, which count where no entry written by hand does. Pure: loading an overlay is
//! the only I/O.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::model::finding::Category;
use crate::model::report::CatalogInfo;
use crate::model::snapshot::StorageKind;

pub mod answer;
mod breadth;
pub mod dataset;
pub mod duration;
pub mod export;
mod glob;
pub mod host;
pub mod import;
mod index;
pub mod lint;
mod load;
pub mod pattern;
pub mod schema;
mod service;
mod sheet;
pub mod tables;

use index::Services;
pub use load::CatalogError;
#[cfg(test)]
use load::File;
use load::Loaded;
use schema::Service;
use schema::words::ExemptionBasis;
use tables::{OverrideRow, Regulation, Section, Tables};

/// Everything the catalog knows.
#[derive(Debug)]
pub struct Catalog {
    services: Services,
    /// Where each service written by hand stands, by id.
    files: BTreeMap<String, FilePlace>,
    tables: Tables,
    index: index::Index,
    version: String,
}

/// Where an entry stands.
#[derive(Debug)]
struct FilePlace {
    /// The file as messages name it.
    shown: String,
    /// The folder it lies in, below the catalog's root.
    folder: String,
}

/// Whether somebody wrote a fact for this catalog, or it came with a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Knowing {
    /// Written by hand, with its sources.
    Curated,
    /// Out of a data set. Never `necessary`.
    Imported,
}

/// A stored item, as seen on a page.
#[derive(Debug, Clone, Copy)]
pub struct ItemQuery<'a> {
    /// Cookie name or storage key.
    pub name: &'a str,
    /// Cookie domain without leading dot, or host of the storage's origin.
    pub host: &'a str,
    /// `None` for a cookie.
    pub storage: Option<StorageKind>,
    /// Host of the audited page.
    pub site: &'a str,
    /// URL of the response or of the scripts that wrote it, innermost first.
    pub set_by: &'a [&'a str],
    /// Raw value: some names only count with the right grammar.
    pub value: &'a str,
    /// Ids of the services whose hosts were contacted in the same run.
    pub contacted: &'a BTreeSet<String>,
}

/// What the catalog says of a stored item.
#[derive(Debug, Clone)]
pub struct ItemMatch {
    /// Catalog id of the service.
    pub service: String,
    /// The item's effective category: its own, else its service's.
    pub category: Category,
    /// `identifier`, `session`, `consent-record`, `ui-state` … as the entry says.
    pub role: Option<String>,
    /// Basis of an exemption from consent that holds without conditions.
    pub exempt: Option<String>,
    /// Purpose in one sentence.
    pub purpose: Option<String>,
    /// Declared duration, as the entry writes it.
    pub duration: Option<String>,
    /// The pattern that matched, as the entry writes it.
    pub pattern: String,
    /// Bound to a host or a setter, not by name alone.
    pub bound: bool,
    /// Ids of other services that match as well.
    pub ambiguous: Vec<String>,
    /// Where the entry comes from.
    pub knowing: Knowing,
}

/// What the catalog says of a request.
#[derive(Debug, Clone)]
pub struct RequestMatch {
    /// Catalog id of the service.
    pub service: String,
    /// The request's effective category: its rule's own, else its service's.
    pub category: Category,
    /// `loader`, `collector`, `beacon`, `api`, `replay` … as the entry says.
    pub role: Option<String>,
    /// The service's sector, such as `analytics` or `tag-manager`.
    pub sector: String,
    /// The service is a consent platform.
    pub cmp: bool,
    /// Where the rule comes from.
    pub knowing: Knowing,
}

/// What the override table says of an item, whatever the services say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Treatment {
    /// Needs no consent.
    Exempt,
    /// Bot and fraud protection: its own bucket, no finding by default.
    Security,
    /// Needs consent.
    Consent,
    /// A probe or an opt-out flag: counts only with other evidence.
    Probe,
    /// Exempt only after something the visitor did; before that, unknown.
    Unknown,
}

/// A row of the override table that fits an item.
#[derive(Debug, Clone)]
pub struct Override {
    /// The row's group, such as `choice-record` or `load-balancing`.
    pub group: String,
    /// What follows.
    pub treatment: Treatment,
    /// Why, in one sentence.
    pub reason: String,
    /// The row names hosts, and the item lies on one of them.
    pub bound: bool,
    /// The row holds only for items that live at most this long, in seconds; zero for session items only.
    pub longest_s: Option<u64>,
}

impl Override {
    /// What an item of the row is for, as far as the row knows.
    pub fn category(&self) -> Category {
        match self.treatment {
            Treatment::Exempt | Treatment::Security => return Category::Necessary,
            Treatment::Consent => {}
            Treatment::Probe | Treatment::Unknown => return Category::Unclassified,
        }
        let group = self.group.to_ascii_lowercase();
        let names = |words: &[&str]| words.iter().any(|word| group.contains(word));
        if names(&["analytic", "statistic", "measure"]) {
            Category::Analytics
        } else if names(&["ads", "advert", "social", "marketing"]) {
            Category::Marketing
        } else if names(&["captcha", "preference", "chat", "video"]) {
            Category::Preferences
        } else {
            Category::Unclassified
        }
    }
}

impl Catalog {
    /// The catalog built into the binary.
    pub fn builtin() -> Result<Self, CatalogError> {
        Ok(Self::new(load::load(&[load::builtin()?])?))
    }

    /// The built-in catalog with a directory laid over it: a file replaces the entry of the same id.
    ///
    /// The directory has the shape of the built-in one: `services/`, `cmps/`, `platforms/`,
    /// `sections.toml`, `regulations.toml`, `exemptions.toml`, `overrides.toml`, each of them
    /// optional. Entries may also lie beside these files. `imported/` holds data sets,
    /// `disabled.toml` names what the directory takes away from the built-in catalog.
    pub fn with_overlay(directory: &Path) -> Result<Self, CatalogError> {
        Ok(Self::new(load::load(&[
            load::builtin()?,
            load::directory(directory)?,
        ])?))
    }

    fn new(loaded: Loaded) -> Self {
        let mut files = BTreeMap::new();
        let mut curated = Vec::with_capacity(loaded.entries.len());
        for (id, entry) in loaded.entries {
            let place = FilePlace {
                shown: entry.file,
                folder: entry.folder,
            };
            files.insert(id, place);
            curated.push(entry.service);
        }
        let services = Services::new(curated, loaded.imported.into_values().collect());
        let index = index::Index::new(&services);
        Self {
            services,
            files,
            tables: loaded.tables,
            index,
            version: loaded.version,
        }
    }

    /// Version and size. Imported services do not count.
    pub fn info(&self) -> CatalogInfo {
        CatalogInfo {
            version: self.version.clone(),
            services: self.services.curated().len(),
        }
    }

    /// Every entry written by hand, in the order of the ids.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        self.services.curated().iter()
    }

    /// Every imported service, in the order of the ids.
    pub fn imported(&self) -> impl Iterator<Item = &Service> {
        self.services.imported().iter()
    }

    /// The entry with an id. Ids of imported services begin with that of their data set and a colon.
    pub fn service(&self, id: &str) -> Option<&Service> {
        self.services.find(id)
    }

    /// The entry's file, as messages name it; empty for an unknown or imported id.
    pub fn file_of(&self, id: &str) -> &str {
        self.files.get(id).map_or("", |place| &place.shown)
    }

    /// The folder the entry's file lies in, below its catalog's root; empty when it lies there itself.
    fn folder_of(&self, id: &str) -> &str {
        self.files.get(id).map_or("", |place| &place.folder)
    }

    /// A section, by the id that `sector` names.
    pub fn section(&self, id: &str) -> Option<&Section> {
        self.tables.sections.get(id)
    }

    /// A law, by id or alias.
    pub fn regulation(&self, id: &str) -> Option<&Regulation> {
        let laws = &self.tables.regulations;
        laws.get(id).or_else(|| {
            laws.values()
                .find(|law| law.aliases.iter().any(|alias| alias == id))
        })
    }

    /// The rows of the override table, strongest first.
    pub fn override_rows(&self) -> &[OverrideRow] {
        self.tables.overrides.rows()
    }

    /// Whether `exemptions.toml` knows a ground.
    pub fn has_exemption(&self, basis: ExemptionBasis) -> bool {
        self.tables.exemptions.contains_key(&basis)
    }

    /// The known id most like one that is not known.
    pub fn nearest_id(&self, id: &str) -> Option<String> {
        load::nearest_word(id, self.services().map(|service| service.id.as_str()))
    }

    /// The consent platform that a rule of the consent engine drives, by the rule's name.
    pub fn platform_of_rule(&self, rule: &str) -> Option<&Service> {
        self.services().find(|service| {
            service.cmp.as_ref().is_some_and(|platform| {
                platform
                    .autoconsent
                    .iter()
                    .any(|name| name.eq_ignore_ascii_case(rule))
            })
        })
    }

    /// The service behind a stored item.
    pub fn match_item(&self, query: &ItemQuery<'_>) -> Option<ItemMatch> {
        self.index.find_item(&self.services, &self.tables, query)
    }

    /// The service behind a request, sent from a page on the host `site`.
    pub fn match_request(&self, url: &Url, site: &str) -> Option<RequestMatch> {
        self.index
            .find_request(&self.services, url, site)
            .map(index::RuleFound::to_match)
    }

    /// The row of the override table that fits an item.
    pub fn override_for(&self, query: &ItemQuery<'_>) -> Option<Override> {
        self.tables.overrides.find(query)
    }
}

#[cfg(test)]
impl Catalog {
    /// A catalog of these files, by path and content, each layer stronger than the one before.
    fn of(layers: &[&[(&str, &str)]]) -> Result<Self, CatalogError> {
        let file = |(path, text): &(&str, &str)| File {
            path: (*path).to_owned(),
            shown: format!("catalog/{path}"),
            text: (*text).to_owned().into(),
            compiled: None,
        };
        let layers: Vec<Vec<File>> = layers
            .iter()
            .map(|layer| layer.iter().map(file).collect())
            .collect();
        Ok(Self::new(load::load(&layers)?))
    }
}

#[cfg(test)]
mod tests;
