//! third-party-web: `[{name, company, homepage, category, domains: ["*.example.com", "www.example.com"]}]`.

use serde::Deserialize;

use super::builder::{Builder, Found, host, host_text};
use super::{ImportError, categories};
use crate::catalog::dataset::Origin;
use crate::catalog::host::HostPattern;

#[derive(Deserialize)]
struct Entity {
    name: String,
    #[serde(default)]
    company: Option<String>,
    #[serde(default)]
    homepage: Option<String>,
    #[serde(default)]
    category: Option<String>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    domains: Vec<String>,
}

/// Where it comes from.
pub(in crate::catalog) fn origin() -> Origin {
    Origin {
        id: "third-party-web".to_owned(),
        title: "third-party-web".to_owned(),
        rights: "MIT".to_owned(),
        url: Some("https://github.com/patrickhulce/third-party-web".to_owned()),
        version: None,
        retrieved: None,
        sha256: None,
    }
}

/// Reads it.
pub(in crate::catalog) fn services(text: &str) -> Result<Found, ImportError> {
    let entities: Vec<Entity> = serde_json::from_str(text)?;
    let mut builder = Builder::default();
    for entity in entities {
        let words = entity.category.iter().chain(&entity.categories);
        let meaning = categories::strictest(words.map(String::as_str));
        let service = builder.service(&entity.name, meaning.category, meaning.sector);
        service.vendor = entity.company;
        service.website = entity.homepage;
        let mut strange = Vec::new();
        for domain in &entity.domains {
            // Without the star it is this host alone.
            let pattern = if domain.starts_with("*.") {
                host(domain)
            } else {
                host_text(domain).and_then(|text| HostPattern::parse(&format!("={text}")).ok())
            };
            match pattern {
                Some(pattern) => service.add_host(pattern, None, None),
                None => strange.push(domain.clone()),
            }
        }
        for domain in strange {
            builder.found.skipped.add("no host name", &domain);
        }
    }
    Ok(builder.finish())
}
