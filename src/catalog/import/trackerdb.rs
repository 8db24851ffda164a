//! Ghostery's trackerdb.json: patterns with a category, an organization and domains.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::builder::{Builder, Found, host};
use super::{ImportError, categories};

#[derive(Deserialize)]
struct Database {
    #[serde(default)]
    organizations: BTreeMap<String, Organization>,
    patterns: BTreeMap<String, Pattern>,
    /// Id of the pattern of each domain.
    #[serde(default)]
    domains: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Organization {
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct Pattern {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    organization: Option<String>,
    #[serde(default)]
    website_url: Option<String>,
    #[serde(default)]
    domains: Vec<String>,
}

/// Reads it.
pub(super) fn services(text: &str) -> Result<Found, ImportError> {
    let database: Database = serde_json::from_str(text)?;
    let mut builder = Builder::default();
    let mut by_pattern: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (domain, pattern) in &database.domains {
        by_pattern.entry(pattern).or_default().push(domain);
    }
    for (id, pattern) in &database.patterns {
        let name = pattern.name.as_deref().unwrap_or(id);
        let meaning = categories::meaning(pattern.category.as_deref().unwrap_or_default());
        let vendor = pattern
            .organization
            .as_ref()
            .and_then(|id| database.organizations.get(id)?.name.clone());
        let listed = pattern.domains.iter().map(String::as_str);
        let by_domain = by_pattern.get(id.as_str()).into_iter().flatten().copied();
        for domain in listed.chain(by_domain) {
            let Some(host) = host(domain) else {
                builder.found.skipped.add("no host name", domain);
                continue;
            };
            let service = builder.service(name, meaning.category, meaning.sector);
            service.vendor.clone_from(&vendor);
            service.website.clone_from(&pattern.website_url);
            service.add_host(host, None, Some(meaning.category));
        }
    }
    Ok(builder.finish())
}
