//! Open Cookie Database: a CSV table, or JSON with a list of cookies for each platform.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::builder::{Builder, Found, Stored, host, name, prefix};
use super::{ImportError, categories};
use crate::catalog::host::HostPattern;

#[derive(Deserialize)]
struct Row {
    #[serde(rename = "Platform", alias = "platform", default)]
    platform: String,
    #[serde(rename = "Category", alias = "category", default)]
    category: String,
    #[serde(
        rename = "Cookie / Data Key name",
        alias = "Cookie / Data Key Name",
        alias = "Cookie",
        alias = "cookie"
    )]
    cookie: String,
    #[serde(rename = "Domain", alias = "domain", default)]
    domain: String,
    #[serde(rename = "Description", alias = "description", default)]
    description: String,
    #[serde(rename = "Retention period", alias = "retentionPeriod", default)]
    retention: String,
    #[serde(rename = "Data Controller", alias = "dataController", default)]
    controller: String,
    #[serde(rename = "Wildcard match", alias = "wildcardMatch", default)]
    wildcard: Flag,
}

/// `1`, `"1"` or `true`.
#[derive(Default)]
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        Ok(Self(match value {
            serde_json::Value::Bool(flag) => flag,
            serde_json::Value::Number(number) => number.as_u64() == Some(1),
            serde_json::Value::String(text) => text.trim() == "1",
            _ => false,
        }))
    }
}

/// Reads it.
pub(super) fn services(text: &str) -> Result<Found, ImportError> {
    let mut builder = Builder::default();
    if text.trim_start().starts_with(['{', '[']) {
        if let Ok(rows) = serde_json::from_str::<Vec<Row>>(text) {
            for row in &rows {
                add(&mut builder, &row.platform, row);
            }
        } else {
            let platforms: BTreeMap<String, Vec<Row>> = serde_json::from_str(text)?;
            for (platform, rows) in &platforms {
                for row in rows {
                    add(&mut builder, platform, row);
                }
            }
        }
    } else {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_reader(text.as_bytes());
        for row in reader.deserialize::<Row>() {
            match row {
                Ok(row) => add(&mut builder, &row.platform, &row),
                // A table without the column of names is not this table.
                Err(error) if error.to_string().contains("missing field") => {
                    return Err(error.into());
                }
                Err(error) => builder
                    .found
                    .skipped
                    .add("unreadable row", &error.to_string()),
            }
        }
    }
    Ok(builder.finish())
}

fn add(builder: &mut Builder, platform: &str, row: &Row) {
    let pattern = if row.wildcard.0 {
        prefix(&row.cookie)
    } else {
        name(&row.cookie, false)
    };
    let Some(pattern) = pattern else {
        builder.found.skipped.add("no name", &row.cookie);
        return;
    };
    let meaning = categories::meaning(&row.category);
    let hosts = hosts_in(&row.domain);
    let platform = if platform.trim().is_empty() {
        &row.controller
    } else {
        platform
    };
    let service = builder.service(platform, meaning.category, meaning.sector);
    if service.vendor.is_none() && !row.controller.trim().is_empty() {
        service.vendor = super::builder::tidy(&row.controller);
    }
    for domain in &hosts {
        service.add_host(domain.clone(), None, None);
    }
    // Beside its own domains a cookie may be the site's, by script. A name that is hardly one is
    // not taken for that without a domain.
    let on = if pattern.literals() < 4 || pattern.exact().is_none() && pattern.literals() < 5 {
        if hosts.is_empty() {
            builder
                .found
                .skipped
                .add("a short name without a domain", &row.cookie);
            return;
        }
        hosts
    } else {
        Vec::new()
    };
    service.add_item(Stored {
        name: Some(pattern),
        area: None,
        on,
        category: Some(meaning.category),
        purpose: Some(&row.description),
        lifetime: Some(&row.retention),
    });
}

/// The hosts a column names among its prose: `google-analytics.com (3rd party) or advertiser's website`.
fn hosts_in(text: &str) -> Vec<HostPattern> {
    let words = text.split(|letter: char| letter.is_whitespace() || ",;()".contains(letter));
    let mut hosts = Vec::new();
    for word in words.filter(|word| word.contains('.')) {
        if let Some(pattern) = host(word)
            && !hosts.contains(&pattern)
        {
            hosts.push(pattern);
        }
    }
    hosts
}
