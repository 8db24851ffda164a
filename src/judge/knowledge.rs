//! What the judge asks of the catalog, so that tests can answer in its place.

use url::Url;

use crate::catalog::{Catalog, ItemMatch, ItemQuery, Override, RequestMatch};
use crate::model::finding::Category;

use super::profile::Profile;

/// What a report says of a service.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceFacts {
    /// Its name.
    pub(crate) name: String,
    /// Who runs it.
    pub(crate) vendor: Option<String>,
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

    fn service(&self, _id: &str) -> Option<ServiceFacts> {
        None
    }

    fn conditional_exemption(&self, _found: &ItemMatch, _profile: Profile) -> Option<String> {
        None
    }
}
