//! What a service sends and stores.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::words::{
    Area, DeclaredParty, Encoding, ExemptionBasis, FactStatus, ItemRole, RequestRole, SetBy,
    StorageOrigin,
};
use super::{Category, Duration, HostPattern, NamePattern, PathPattern, ValuePattern};

/// Requests of a service: those to a host, below a path, with certain parameters.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestRule {
    /// The host and its subdomains.
    pub host: HostPattern,
    /// The path and what lies below it; every path when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<PathPattern>,
    /// Parameters that must be there, with the pattern of their values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, NamePattern>,
    /// What the request does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<RequestRole>,
    /// Its consent category, where it differs from the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// Why it needs no consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt: Option<Exemption>,
    /// How well it is known; documented when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<FactStatus>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

impl RequestRule {
    /// Its path as written; empty when every path is meant.
    pub fn path_text(&self) -> &str {
        self.path.as_ref().map_or("", PathPattern::as_str)
    }

    /// Its parameters as in an address, such as `id=GTM-*&l=*`; empty when there are none.
    pub fn query_text(&self) -> String {
        let pairs: Vec<String> = self
            .query
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("&")
    }
}

/// A cookie, or all cookies of a pattern.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CookieEntry {
    /// Its name or pattern. Either this or `unnamed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<NamePattern>,
    /// Its source gives no name: it is disclosed, never matched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// Who it belongs to, as its documentation says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<DeclaredParty>,
    /// Domains it may be on; when empty, the service's hosts and the site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<HostPattern>,
    /// Its path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// What its value looks like, whole. A value that does not fit makes the name count less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValuePattern>,
    /// How long it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ItemRole>,
    /// What kind its source calls it, such as `Functional / Session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Its consent category, where it differs from the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// What it is for, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// When it is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What a consent record is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encodes: Option<Encoding>,
    /// Hidden from scripts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_only: Option<bool>,
    /// What writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set_by: Option<SetBy>,
    /// Why it needs no consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt: Option<Exemption>,
    /// How well it is known; documented when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<FactStatus>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// An entry of web storage, a database or a cache, or all of a pattern.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageRule {
    /// Which area.
    pub area: Area,
    /// Its key or pattern. Either this or `unnamed`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<NamePattern>,
    /// Its source gives no key: it is disclosed, never matched.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unnamed: bool,
    /// Whose origin it lives in; either when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<StorageOrigin>,
    /// Hosts whose origin it may live in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<HostPattern>,
    /// What its value looks like, whole. A value that does not fit makes the name count less.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValuePattern>,
    /// How long it is used; web storage itself never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<Duration>,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ItemRole>,
    /// What kind its source calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Its consent category, where it differs from the service's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// What it is for, in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// When it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
    /// What a consent record is written in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encodes: Option<Encoding>,
    /// Why it needs no consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exempt: Option<Exemption>,
    /// How well it is known; documented when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<FactStatus>,
    /// Source ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub src: Vec<String>,
}

/// Why an item needs no consent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exemption {
    /// The ground.
    pub basis: ExemptionBasis,
    /// Countries it holds in, ISO 3166-1 alpha-2; all when empty.
    #[serde(default, rename = "in", skip_serializing_if = "Vec::is_empty")]
    pub countries: Vec<String>,
    /// Conditions a crawler cannot see.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
}
