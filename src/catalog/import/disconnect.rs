//! Disconnect: `{categories: {Advertising: [{"Company": {"https://company.example/": ["host", …]}}]}}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::builder::{Builder, Found, host};
use super::{ImportError, categories};

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    license: Option<String>,
    categories: BTreeMap<String, Vec<Companies>>,
}

/// Companies, each with its hosts by its website; beside the hosts stand remarks.
type Companies = BTreeMap<String, BTreeMap<String, Value>>;

/// Reads it.
pub(super) fn services(text: &str) -> Result<Found, ImportError> {
    let file: Services = serde_json::from_str(text)?;
    let mut builder = Builder::default();
    for (category, companies) in &file.categories {
        // What fingerprints is said beside what it is for; the word alone says nothing of that.
        let meaning = categories::meaning(category);
        for (company, sites) in companies.iter().flatten() {
            for (website, hosts) in sites {
                let Some(hosts) = hosts.as_array() else {
                    continue;
                };
                for written in hosts.iter().filter_map(Value::as_str) {
                    let Some(pattern) = host(written) else {
                        builder.found.skipped.add("no host name", written);
                        continue;
                    };
                    let service = builder.service(company, meaning.category, meaning.sector);
                    if service.website.is_none() && website.starts_with("http") {
                        service.website = Some(website.clone());
                    }
                    service.add_host(pattern, None, Some(meaning.category));
                }
            }
        }
    }
    builder.found.rights = file
        .license
        .as_deref()
        .and_then(super::builder::tidy)
        .filter(|license| license.len() < 120);
    Ok(builder.finish())
}
