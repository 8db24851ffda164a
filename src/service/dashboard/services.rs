//! The services found across all sites, by their last audits.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde::Deserialize;

use super::frame::{
    Answer, Choice, Frame, LONGEST_NAME, LONGEST_URL, Moment, Paging, Part, Shown, Viewer, choices,
};
use super::run::ServiceRow;
use crate::model::finding::Category;
use crate::model::report::ServiceSeen;
use crate::report::{counted, shown};
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::site::Site;

/// Services on a page.
const ON_A_PAGE: usize = 50;
/// Sites named in a line, and pages and hosts named of one site.
const SITES_IN_A_LINE: usize = 4;
const MOST_NAMED: usize = 20;

pub(super) const CATEGORIES: [Category; 5] = [
    Category::Marketing,
    Category::Analytics,
    Category::Preferences,
    Category::Necessary,
    Category::Unclassified,
];

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/services", get(services))
        .route("/services/{id}", get(service))
}

/// Which services are wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: String,
    category: String,
    country: String,
    page: String,
}

/// A service with the sites it was found on.
struct FoundRow {
    service: ServiceRow,
    count: String,
    /// Id and name of the first sites.
    sites: Vec<(String, String)>,
    more: usize,
}

#[derive(Template)]
#[template(path = "services.html", config = "src/service/dashboard/askama.toml")]
struct ServicesPage {
    frame: Frame,
    q: String,
    categories: Vec<Choice>,
    countries: Vec<Choice>,
    services: Vec<FoundRow>,
    paging: Paging,
    /// No audit has found any.
    none: bool,
}

/// What a site's last audit says of a service.
struct OnSite<'a> {
    site: &'a Site,
    seen: ServiceSeen,
}

/// Every service found, by id, with the sites it was found on.
fn found<'a>(service: &Service, sites: &'a [Site]) -> BTreeMap<String, Vec<OnSite<'a>>> {
    let mut found: BTreeMap<String, Vec<OnSite<'a>>> = BTreeMap::new();
    for site in sites {
        for seen in service.services_of(&site.id).iter() {
            found.entry(seen.id.clone()).or_default().push(OnSite {
                site,
                seen: seen.clone(),
            });
        }
    }
    found
}

async fn services(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<Wish>,
) -> Answer<ServicesPage> {
    let page = service
        .apart(move |service| {
            let sites = service.sites()?;
            let found = found(service, &sites);
            let none = found.is_empty();
            let mut countries: Vec<String> = found
                .values()
                .filter_map(|on| on.first()?.seen.country.clone())
                .map(|country| shown(&country, 40))
                .collect();
            countries.sort();
            countries.dedup();
            let sought = wish.q.trim().to_lowercase();
            let mut fitting: Vec<Vec<OnSite<'_>>> = found
                .into_values()
                .filter(|on| on.first().is_some_and(|on| wish.takes(&on.seen, &sought)))
                .collect();
            fitting.sort_by_key(|on| Reverse(on.len()));
            let (part, paging) = Paging::cut(
                fitting,
                wish.page.parse().unwrap_or(1),
                ON_A_PAGE,
                ("service", "services"),
                "/services",
                &[
                    ("q", &wish.q),
                    ("category", &wish.category),
                    ("country", &wish.country),
                ],
            );
            let categories = CATEGORIES.map(|category| (category.as_str(), category.as_str()));
            let countries = countries.iter().map(|one| (one.as_str(), one.as_str()));
            Ok(ServicesPage {
                frame: Frame::new(&viewer, Part::Services, "Services found"),
                q: shown(&wish.q, LONGEST_NAME),
                categories: choices(&wish.category, "all", categories),
                countries: choices(&wish.country, "all", countries),
                services: part.iter().filter_map(|on| FoundRow::of(on)).collect(),
                paging,
                none,
            })
        })
        .await?;
    Ok(Shown(page))
}

impl Wish {
    fn takes(&self, seen: &ServiceSeen, sought: &str) -> bool {
        let texts = [
            Some(seen.name.as_str()),
            Some(seen.id.as_str()),
            seen.vendor.as_deref(),
        ];
        let country = seen.country.as_deref().unwrap_or_default();
        (self.category.is_empty() || self.category == seen.category.as_str())
            && (self.country.is_empty() || self.country == shown(country, 40))
            && (sought.is_empty()
                || texts
                    .into_iter()
                    .flatten()
                    .any(|text| text.to_lowercase().contains(sought)))
    }
}

impl FoundRow {
    fn of(on: &[OnSite<'_>]) -> Option<Self> {
        let first = on.first()?;
        Some(Self {
            service: ServiceRow::of(&first.seen),
            count: counted(on.len(), "site", "sites"),
            sites: on
                .iter()
                .take(SITES_IN_A_LINE)
                .map(|on| (on.site.id.clone(), shown(&on.site.name, LONGEST_NAME)))
                .collect(),
            more: on.len().saturating_sub(SITES_IN_A_LINE),
        })
    }
}

/// A site a service was found on.
struct SiteRow {
    id: String,
    name: String,
    audit: String,
    audited: Option<Moment>,
    pages: Vec<String>,
    more_pages: usize,
    hosts: Vec<String>,
    more_hosts: usize,
}

#[derive(Template)]
#[template(path = "service.html", config = "src/service/dashboard/askama.toml")]
struct ServicePage {
    frame: Frame,
    service: ServiceRow,
    notice: String,
    steps: Vec<String>,
    /// The catalog has an entry for it.
    in_catalog: bool,
    sites: Vec<SiteRow>,
    more_sites: usize,
}

async fn service(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<ServicePage> {
    let page = service
        .apart(move |service| {
            let sites = service.sites()?;
            let on = found(service, &sites).remove(&id).unwrap_or_default();
            let first = on
                .first()
                .ok_or_else(|| Problem::not_found("no audit has found such a service"))?;
            let seen = &first.seen;
            Ok(ServicePage {
                frame: Frame::new(&viewer, Part::Services, shown(&seen.name, LONGEST_NAME)),
                service: ServiceRow::of(seen),
                notice: shown(seen.notice.as_deref().unwrap_or_default(), 800),
                steps: seen
                    .steps
                    .iter()
                    .take(MOST_NAMED)
                    .map(|step| shown(step, 800))
                    .collect(),
                in_catalog: service.catalog()?.service(&id).is_some(),
                more_sites: on.len().saturating_sub(ON_A_PAGE),
                sites: on
                    .iter()
                    .take(ON_A_PAGE)
                    .map(|on| SiteRow::of(service, on))
                    .collect(),
            })
        })
        .await?;
    Ok(Shown(page))
}

impl SiteRow {
    fn of(service: &Service, on: &OnSite<'_>) -> Self {
        let last = service.board().look(&on.site.id, |standing| {
            let point = standing?.last_finished()?;
            Some((point.audit.clone(), Moment(point.finished)))
        });
        let named = |texts: &[String], limit: usize| -> Vec<String> {
            let texts = texts.iter().take(MOST_NAMED);
            texts.map(|text| shown(text, limit)).collect()
        };
        let (audit, audited) = last.unzip();
        Self {
            id: on.site.id.clone(),
            name: shown(&on.site.name, LONGEST_NAME),
            audit: audit.unwrap_or_default(),
            audited,
            pages: named(&on.seen.pages, LONGEST_URL),
            more_pages: on.seen.pages.len().saturating_sub(MOST_NAMED),
            hosts: named(&on.seen.hosts, LONGEST_NAME),
            more_hosts: on.seen.hosts.len().saturating_sub(MOST_NAMED),
        }
    }
}
