//! What vendors of the IAB's framework disclose of their storage, and the list that numbers them.
//!
//! Source: IAB Europe, "Vendor Device Storage & Operational Disclosures" v1.1 and the Global Vendor List v3.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::Disclosed;
use super::name::Name;
use crate::judge::item::ItemKey;
use crate::model::finding::{Category, SubjectKind};
use crate::model::party::{Party, host_of, registrable_domain};

/// Most disclosures of one page.
const MOST_DISCLOSURES: usize = 5_000;
/// Most domains of one disclosure.
const MOST_DOMAINS: usize = 50;

/// One thing a vendor says it stores.
#[derive(Debug, Clone)]
pub(crate) struct Disclosure {
    /// Where the vendor says it.
    pub(crate) source: String,
    /// The vendor's number, where the vendor list was loaded as well.
    pub(crate) vendor: Option<u16>,
    /// A cookie, or an entry of a storage area.
    pub(crate) kind: SubjectKind,
    /// Its name.
    pub(crate) name: Name,
    /// Its registrable domains; where there is none, the vendor's own.
    pub(crate) domains: Vec<String>,
    /// It is stored on the domain of whatever site is visited (`"*"`).
    pub(crate) on_every_site: bool,
    /// The purposes it is for. Without purpose 1 the vendor claims that it needs no consent to store.
    pub(crate) purposes: Vec<u8>,
}

impl Disclosure {
    /// Whether the vendor says itself that storing it needs consent.
    pub(crate) fn admits(&self) -> bool {
        self.purposes.contains(&1)
    }

    /// What that makes of the item.
    pub(super) fn disclosed(&self) -> Disclosed {
        let serves = |purposes: &[u8]| {
            self.purposes
                .iter()
                .any(|purpose| purposes.contains(purpose))
        };
        if !self.admits() {
            Disclosed::ClaimsNone
        } else if serves(&[2, 3, 4, 7]) {
            Disclosed::NeedsConsent(Category::Marketing)
        } else if serves(&[8, 9, 10]) {
            Disclosed::NeedsConsent(Category::Analytics)
        } else if serves(&[5, 6, 11]) {
            Disclosed::NeedsConsent(Category::Preferences)
        } else {
            Disclosed::NeedsConsent(Category::Unclassified)
        }
    }

    /// Whether it is about that item.
    pub(crate) fn is_about(&self, key: &ItemKey, party: Party) -> bool {
        let domain = registrable_domain(&key.host);
        let vendors_own = host_of(&self.source);
        let fits = if self.on_every_site && party == Party::First {
            true
        } else if self.domains.is_empty() {
            registrable_domain(&vendors_own) == domain
        } else {
            self.domains.iter().any(|known| known == domain)
        };
        fits && self.kind == key.kind && self.name.fits(&key.name)
    }
}

/// Reads `{"disclosures": [{"identifier": …, "type": "cookie", "purposes": [1], "domains": […]}]}`.
pub(super) fn disclosures(source: &str, json: &Json, into: &mut Vec<Disclosure>) {
    let Some(list) = json.get("disclosures").and_then(Json::as_array) else {
        return;
    };
    for entry in list {
        if into.len() >= MOST_DISCLOSURES {
            return;
        }
        let kind = match entry["type"].as_str() {
            Some("cookie") => SubjectKind::Cookie,
            Some("web") => SubjectKind::LocalStorage,
            _ => continue,
        };
        let Some(name) = entry["identifier"].as_str().and_then(Name::read) else {
            continue;
        };
        let several = entry["domains"].as_array().into_iter().flatten();
        let written: Vec<&str> = several
            .chain(entry.get("domain"))
            .filter_map(Json::as_str)
            .take(MOST_DOMAINS)
            .collect();
        let domains = written
            .iter()
            .filter_map(|text| super::domain(text.trim_start_matches('*')))
            .collect();
        let purposes = entry["purposes"].as_array().into_iter().flatten();
        into.push(Disclosure {
            source: source.to_owned(),
            vendor: None,
            kind,
            name,
            domains,
            on_every_site: written.contains(&"*"),
            purposes: purposes
                .filter_map(|number| u8::try_from(number.as_u64()?).ok())
                .collect(),
        });
    }
}

/// The vendors' numbers by the address of their disclosures.
#[derive(Debug, Default)]
pub(super) struct Vendors {
    by_address: BTreeMap<String, u16>,
}

impl Vendors {
    /// Reads `{"gvlSpecificationVersion": 3, "vendors": {"755": {"deviceStorageDisclosureUrl": …}}}`.
    pub(super) fn read(&mut self, json: &Json) {
        if json.get("gvlSpecificationVersion").is_none() {
            return;
        }
        let vendors = json.get("vendors").and_then(Json::as_object);
        for (number, vendor) in vendors.into_iter().flatten() {
            if let (Ok(number), Some(address)) = (
                number.parse::<u16>(),
                vendor["deviceStorageDisclosureUrl"].as_str(),
            ) {
                self.by_address.insert(address.to_owned(), number);
            }
        }
    }

    /// Puts the numbers to the disclosures.
    pub(super) fn name(&self, disclosures: &mut [Disclosure]) {
        for disclosure in disclosures {
            disclosure.vendor = self.by_address.get(&disclosure.source).copied();
        }
    }
}
