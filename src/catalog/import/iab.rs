//! IAB Europe: the Global Vendor List, and the device storage disclosures vendors publish.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::builder::{Builder, Found, Stored, host, name};
use super::{ImportError, lifetime};
use crate::catalog::schema::words::Area;
use crate::model::finding::Category;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct VendorList {
    #[serde(default)]
    vendor_list_version: Option<u64>,
    vendors: BTreeMap<String, Vendor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vendor {
    name: String,
    #[serde(default)]
    purposes: Vec<u64>,
    #[serde(default)]
    leg_int_purposes: Vec<u64>,
    #[serde(default)]
    policy_url: Option<String>,
    #[serde(default)]
    urls: Vec<VendorUrl>,
}

#[derive(Deserialize)]
struct VendorUrl {
    #[serde(default)]
    privacy: Option<String>,
}

/// Reads a vendor list: names and purposes; it names no hosts and no cookies.
pub(super) fn vendors(text: &str) -> Result<Found, ImportError> {
    let list: VendorList = serde_json::from_str(text)?;
    let mut builder = Builder::default();
    for vendor in list.vendors.values() {
        let purposes = vendor.purposes.iter().chain(&vendor.leg_int_purposes);
        let category = of_purposes(purposes.copied());
        let service = builder.service(&vendor.name, category, "advertising");
        service.vendor = Some(vendor.name.clone());
        service.website = vendor
            .urls
            .iter()
            .find_map(|url| url.privacy.clone())
            .or_else(|| vendor.policy_url.clone());
    }
    if builder.found.services.is_empty() {
        return Err(ImportError::Nothing);
    }
    builder.found.version = list.vendor_list_version.map(|version| version.to_string());
    Ok(builder.finish())
}

#[derive(Deserialize)]
struct DisclosureFile {
    #[serde(default)]
    disclosures: Vec<Disclosure>,
    #[serde(default)]
    domains: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Disclosure {
    identifier: String,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    max_age_seconds: Option<i64>,
    #[serde(default)]
    domain: Option<String>,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    purposes: Vec<u64>,
    #[serde(default)]
    description: Option<String>,
}

/// Reads the disclosure of one vendor.
pub(super) fn disclosure(text: &str, vendor: &str) -> Result<Found, ImportError> {
    let file: DisclosureFile = serde_json::from_str(text)?;
    let mut builder = Builder::default();
    let category = of_purposes(
        file.disclosures
            .iter()
            .flat_map(|disclosure| disclosure.purposes.iter().copied()),
    );
    for domain in &file.domains {
        let written = domain
            .as_str()
            .or_else(|| domain.get("domain").and_then(Value::as_str))
            .unwrap_or_default();
        match host(written) {
            Some(pattern) => builder
                .service(vendor, category, "advertising")
                .add_host(pattern, None, None),
            None => builder.found.skipped.add("no host name", written),
        }
    }
    for disclosure in &file.disclosures {
        let area = match disclosure.kind.as_deref() {
            Some("web") => Some(Area::Local),
            Some("app") => {
                builder
                    .found
                    .skipped
                    .add("stored by an app", &disclosure.identifier);
                continue;
            }
            _ => None,
        };
        let on: Vec<_> = disclosure
            .domain
            .iter()
            .chain(&disclosure.domains)
            .filter_map(|domain| host(domain))
            .collect();
        let Some(pattern) = name(&disclosure.identifier, true)
            .filter(|pattern| pattern.literals() >= 4 || !on.is_empty())
        else {
            builder
                .found
                .skipped
                .add("a short name without a domain", &disclosure.identifier);
            continue;
        };
        let written = disclosure
            .max_age_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .and_then(lifetime::of_seconds)
            .unwrap_or_else(|| "session".to_owned());
        let purposes = of_purposes(disclosure.purposes.iter().copied());
        builder
            .service(vendor, category, "advertising")
            .add_item(Stored {
                name: Some(pattern),
                area,
                on,
                category: Some(purposes),
                purpose: disclosure.description.as_deref(),
                lifetime: area.is_none().then_some(written.as_str()),
            });
    }
    Ok(builder.finish())
}

/// What TCF v2 purposes amount to: 2 to 6 advertise and personalise, 7 to 10 measure and improve.
fn of_purposes(purposes: impl Iterator<Item = u64>) -> Category {
    purposes
        .map(|purpose| match purpose {
            2..=6 => Category::Marketing,
            7..=10 => Category::Analytics,
            _ => Category::Unclassified,
        })
        .max_by_key(|category| category.strictness())
        .unwrap_or_default()
}
