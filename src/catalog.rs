//! The services: who is behind an item, and what purpose it serves.
//!
//! Data are hand-written TOML files, one for each service, built into the binary. Pure: loading
//! an overlay is the only I/O.

use std::collections::BTreeSet;

use url::Url;

use crate::model::finding::Category;
use crate::model::report::CatalogInfo;
use crate::model::snapshot::StorageKind;

/// Everything the catalog knows.
#[derive(Debug)]
pub struct Catalog {}

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
}

/// What the override table says of an item, whatever the services say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
}

impl Catalog {
    /// Version and size.
    pub fn info(&self) -> CatalogInfo {
        CatalogInfo {
            version: String::new(),
            services: 0,
        }
    }

    /// The service behind a stored item.
    pub fn match_item(&self, _query: &ItemQuery<'_>) -> Option<ItemMatch> {
        None
    }

    /// The service behind a request, sent from a page on the host `site`.
    pub fn match_request(&self, _url: &Url, _site: &str) -> Option<RequestMatch> {
        None
    }

    /// The row of the override table that fits an item.
    pub fn override_for(&self, _query: &ItemQuery<'_>) -> Option<Override> {
        None
    }
}
