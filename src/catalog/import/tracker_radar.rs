//! DuckDuckGo Tracker Radar: files of domains and entities, one after the other or in a list, and
//! the block list `tds.json` made of them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::builder::{Builder, Found, Stored, host, name};
use super::{ImportError, categories};

#[derive(Deserialize)]
struct Domain {
    #[serde(rename = "domain")]
    host: String,
    #[serde(default)]
    owner: Option<Owner>,
    #[serde(default)]
    categories: Vec<String>,
    #[serde(default)]
    resources: Vec<Resource>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Owner {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(default)]
    url: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    /// Cookies its script writes for the site.
    #[serde(default)]
    first_party_cookies: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entity {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    display_name: Option<String>,
    #[serde(alias = "domains")]
    properties: Vec<String>,
}

/// Reads it.
pub(super) fn services(text: &str) -> Result<Found, ImportError> {
    let mut builder = Builder::default();
    let mut empty = true;
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        add(&mut builder, document?, None, 0);
        empty = false;
    }
    if empty {
        return Err(ImportError::Nothing);
    }
    Ok(builder.finish())
}

/// Adds whatever a document is: a domain, an entity, or a list or table of them.
fn add(builder: &mut Builder, document: Value, key: Option<&str>, depth: usize) {
    if depth > 4 {
        return;
    }
    match document {
        Value::Array(documents) => {
            for document in documents {
                add(builder, document, None, depth + 1);
            }
        }
        Value::Object(fields) if fields.get("domain").is_some_and(Value::is_string) => {
            match serde_json::from_value::<Domain>(Value::Object(fields)) {
                Ok(domain) => add_domain(builder, &domain),
                Err(error) => builder
                    .found
                    .skipped
                    .add("unreadable domain", &error.to_string()),
            }
        }
        Value::Object(fields)
            if fields.contains_key("properties")
                || fields.get("domains").is_some_and(Value::is_array) =>
        {
            match serde_json::from_value::<Entity>(Value::Object(fields)) {
                Ok(entity) => add_entity(builder, &entity, key),
                Err(error) => builder
                    .found
                    .skipped
                    .add("unreadable entity", &error.to_string()),
            }
        }
        Value::Object(fields) => {
            for (key, document) in fields {
                if document.is_object() || document.is_array() {
                    add(builder, document, Some(&key), depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn add_domain(builder: &mut Builder, domain: &Domain) {
    let Some(pattern) = host(&domain.host) else {
        builder.found.skipped.add("no host name", &domain.host);
        return;
    };
    let owner = domain.owner.as_ref();
    let vendor = owner.and_then(|owner| owner.display_name.clone().or_else(|| owner.name.clone()));
    let meaning = categories::strictest(domain.categories.iter().map(String::as_str));
    let title = vendor.clone().unwrap_or_else(|| domain.host.clone());
    // An owner has domains of many kinds: each of them is a service.
    let service = builder.service(
        &format!("{title} ({})", domain.host),
        meaning.category,
        meaning.sector,
    );
    service.vendor = vendor;
    service.website = owner.and_then(|owner| owner.url.clone());
    service.add_host(pattern, None, Some(meaning.category));
    let mut strange = Vec::new();
    for written in domain
        .resources
        .iter()
        .flat_map(|resource| resource.first_party_cookies.keys())
    {
        let Some(cookie) = name(written, false).filter(|name| name.literals() >= 4) else {
            strange.push(written.clone());
            continue;
        };
        let is_there = service.cookie.iter().any(|held| {
            held.name
                .as_ref()
                .is_some_and(|name| name.as_str() == cookie.as_str())
        });
        if !is_there {
            service.add_item(Stored {
                name: Some(cookie),
                category: Some(meaning.category),
                ..Stored::default()
            });
        }
    }
    for written in strange {
        builder
            .found
            .skipped
            .add("a short name without a domain", &written);
    }
}

fn add_entity(builder: &mut Builder, entity: &Entity, key: Option<&str>) {
    let Some(title) = entity
        .display_name
        .as_deref()
        .or(entity.name.as_deref())
        .or(key)
    else {
        builder.found.skipped.add("an entity without a name", "");
        return;
    };
    for property in &entity.properties {
        match host(property) {
            // Entities say who owns a host, not what it is for.
            Some(pattern) => builder
                .service(
                    title,
                    crate::model::finding::Category::Unclassified,
                    "utility",
                )
                .add_host(pattern, None, None),
            None => builder.found.skipped.add("no host name", property),
        }
    }
}
