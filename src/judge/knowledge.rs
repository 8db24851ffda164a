//! What the judge asks of the catalog, so that tests can answer in its place.

use url::Url;

use crate::catalog::{Catalog, ItemMatch, ItemQuery, Override, RequestMatch};
use crate::model::finding::Category;

use super::profile::Profile;

/// Language of what a report says of services, ISO 639-1.
const REPORT_LANGUAGE: &str = "en";

/// What a report says of a service.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceFacts {
    /// Its name.
    pub(crate) name: String,
    /// Who runs it.
    pub(crate) vendor: Option<String>,
    /// Who owns the vendor.
    pub(crate) owner: Option<String>,
    /// The vendor's country, ISO 3166-1 alpha-2.
    pub(crate) country: Option<String>,
    /// Its category.
    pub(crate) category: Category,
    /// Countries outside the EEA it sends data to.
    pub(crate) transfers: Vec<String>,
    /// What to do before it may load.
    pub(crate) steps: Vec<String>,
    /// Text for the banner.
    pub(crate) notice: Option<String>,
}

/// What the judge asks of the catalog.
pub(crate) trait Knowledge {
    /// The service behind a stored item.
    fn match_item(&self, query: &ItemQuery<'_>) -> Option<ItemMatch>;

    /// The service behind a request, sent from a page on the host `site`.
    fn match_request(&self, url: &Url, site: &str) -> Option<RequestMatch>;

    /// The row of the override table that fits an item.
    fn override_for(&self, query: &ItemQuery<'_>) -> Option<Override>;

    /// What a report says of a service.
    fn service(&self, id: &str) -> Option<ServiceFacts>;

    /// The conditions under which `profile` exempts a matched item from consent, if it does.
    fn conditional_exemption(&self, found: &ItemMatch, profile: Profile) -> Option<String>;
}

impl Knowledge for Catalog {
    fn match_item(&self, query: &ItemQuery<'_>) -> Option<ItemMatch> {
        Self::match_item(self, query)
    }

    fn match_request(&self, url: &Url, site: &str) -> Option<RequestMatch> {
        Self::match_request(self, url, site)
    }

    fn override_for(&self, query: &ItemQuery<'_>) -> Option<Override> {
        Self::override_for(self, query)
    }

    fn service(&self, id: &str) -> Option<ServiceFacts> {
        let service = Self::service(self, id)?;
        Some(ServiceFacts {
            name: service.name.clone(),
            vendor: service.vendor_name().map(str::to_owned),
            owner: service.owner().map(str::to_owned),
            country: service.vendor_country().map(str::to_owned),
            category: service.category,
            transfers: service
                .transfer_countries()
                .into_iter()
                .map(str::to_owned)
                .collect(),
            steps: service.steps(REPORT_LANGUAGE).to_vec(),
            notice: service.notice(REPORT_LANGUAGE),
        })
    }

    fn conditional_exemption(&self, found: &ItemMatch, profile: Profile) -> Option<String> {
        if found.exempt.is_some() {
            return None;
        }
        let service = Self::service(self, &found.service)?;
        let pattern = found.pattern.as_str();
        let cookies = service
            .cookie
            .iter()
            .filter(|entry| {
                entry
                    .name
                    .as_ref()
                    .is_some_and(|name| name.as_str() == pattern)
            })
            .map(|entry| entry.exempt.as_ref());
        let storage = service
            .storage
            .iter()
            .filter(|entry| {
                entry
                    .name
                    .as_ref()
                    .is_some_and(|name| name.as_str() == pattern)
            })
            .map(|entry| entry.exempt.as_ref());
        let exemption = cookies.chain(storage).flatten().find(|exemption| {
            exemption.countries.is_empty()
                || profile
                    .country()
                    .is_some_and(|country| exemption.countries.iter().any(|held| held == country))
        })?;
        let basis = exemption.basis.as_str();
        Some(if exemption.needs.is_empty() {
            basis.to_owned()
        } else {
            format!("{basis}, if {}", exemption.needs.join(", "))
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn found(catalog: &Catalog, name: &str, value: &str) -> ItemMatch {
        let query = ItemQuery {
            name,
            host: "shop.test",
            storage: None,
            site: "shop.test",
            set_by: &["https://shop.test/matomo.js"],
            value,
            contacted: &std::collections::BTreeSet::new(),
        };
        Knowledge::match_item(catalog, &query).unwrap()
    }

    #[test]
    fn exemptions_with_conditions_hold_where_the_catalog_says() {
        let catalog = Catalog::builtin().unwrap();
        let counted = found(&catalog, "_pk_id.1.1fff", "0123456789abcdef.1795348800.");
        for (profile, expected) in [
            (Profile::Fr, true),
            (Profile::De, false),
            (Profile::Eu, false),
        ] {
            let conditions = catalog.conditional_exemption(&counted, profile);
            assert_eq!(conditions.is_some(), expected, "{profile}: {conditions:?}");
        }
        let plain = found(&catalog, "_ga", "GA1.1.1234567890.1795348800");
        assert_eq!(catalog.conditional_exemption(&plain, Profile::Fr), None);
    }

    #[test]
    fn a_service_is_described() {
        let catalog = Catalog::builtin().unwrap();
        let facts = Knowledge::service(&catalog, "google-analytics").unwrap();
        assert_eq!(
            (facts.name.as_str(), facts.category),
            ("Google Analytics", Category::Analytics)
        );
        assert!(!facts.steps.is_empty() && facts.notice.is_some());
        assert!(Knowledge::service(&catalog, "no-such-service").is_none());
    }
}
