//! The catalog: which services there are, and everything that is known of one.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde::Deserialize;
use std::collections::BTreeMap;

use super::frame::{Answer, Choice, Frame, LONGEST_NAME, Paging, Part, Shown, Viewer, choices};
use super::services::CATEGORIES;
use crate::catalog::Catalog;
use crate::catalog::schema::Service as Entry;
use crate::model::sheet::{Block, SheetSection};
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::error::Problem;

/// Services on a page.
const ON_A_PAGE: usize = 50;
/// Sites named on the page of a service.
const MOST_SITES: usize = 50;

/// Languages of the catalog's prose, with their names.
const LANGUAGES: [(&str, &str); 4] = [
    ("en", "English"),
    ("de", "Deutsch"),
    ("fr", "Français"),
    ("nl", "Nederlands"),
];

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/catalog", get(catalog))
        .route("/catalog/{id}", get(entry))
}

/// Which services are wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: String,
    category: String,
    sector: String,
    page: String,
}

struct EntryRow {
    id: String,
    name: String,
    vendor: String,
    country: String,
    category: &'static str,
    sector: String,
    /// What was sought stands here: a cookie, a host.
    because: String,
}

#[derive(Template)]
#[template(path = "catalog.html", config = "src/service/dashboard/askama.toml")]
struct CatalogPage {
    frame: Frame,
    q: String,
    categories: Vec<Choice>,
    sectors: Vec<Choice>,
    entries: Vec<EntryRow>,
    paging: Paging,
    version: String,
    count: String,
}

/// Why a service fits what is sought.
enum Because<'a> {
    /// By what it is called.
    Name,
    /// By a cookie or key of it: the kind, and its name.
    Item(&'static str, &'a str),
    /// By a host it is asked at.
    Host,
}

/// Whether a service fits what somebody typed.
fn fit<'a>(entry: &'a Entry, typed: &str) -> Option<Because<'a>> {
    let sought = typed.to_lowercase();
    let has = |text: &str| text.to_lowercase().contains(&sought);
    let vendor = entry.vendor_name().unwrap_or_default();
    if has(&entry.name)
        || has(&entry.id)
        || has(vendor)
        || entry.aliases.iter().any(|alias| has(alias))
    {
        return Some(Because::Name);
    }
    let cookies = entry
        .cookie
        .iter()
        .filter_map(|cookie| cookie.name.as_ref());
    let keys = entry.storage.iter().filter_map(|rule| rule.name.as_ref());
    let item = cookies
        .map(|name| ("cookie", name))
        .chain(keys.map(|name| ("storage key", name)))
        // `_ga_ABC123` is sought as `_ga_*` is written.
        .find(|(_, name)| has(name.as_str()) || name.matches(typed));
    if let Some((kind, name)) = item {
        return Some(Because::Item(kind, name.as_str()));
    }
    let mut rules = entry.request.iter();
    let is_host = rules.any(|rule| has(&rule.host.to_string()) || rule.host.matches(&sought, ""));
    is_host.then_some(Because::Host)
}

async fn catalog(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<Wish>,
) -> Answer<CatalogPage> {
    let page = service
        .apart(move |service| {
            let catalog = service.catalog()?;
            let typed: String = wish.q.trim().chars().take(LONGEST_NAME).collect();
            let mut fitting: Vec<EntryRow> = catalog
                .services()
                .filter(|entry| {
                    wish.category.is_empty() || entry.category.as_str() == wish.category
                })
                .filter(|entry| wish.sector.is_empty() || entry.sector == wish.sector)
                .filter_map(|entry| {
                    let because = fit(entry, &typed)?;
                    Some(EntryRow::of(&catalog, entry, &because))
                })
                .collect();
            fitting.sort_by_cached_key(|row| (!row.because.is_empty(), row.name.to_lowercase()));
            let mut sectors: BTreeMap<&str, &str> = BTreeMap::new();
            for entry in catalog.services() {
                sectors.insert(sector(&catalog, entry), &entry.sector);
            }
            let (entries, paging) = Paging::cut(
                fitting,
                wish.page.parse().unwrap_or(1),
                ON_A_PAGE,
                ("service", "services"),
                "/catalog",
                &[
                    ("q", &wish.q),
                    ("category", &wish.category),
                    ("sector", &wish.sector),
                ],
            );
            let categories = CATEGORIES.map(|category| (category.as_str(), category.as_str()));
            let sectors = sectors.into_iter().map(|(title, id)| (id, title));
            let info = catalog.info();
            Ok(CatalogPage {
                frame: Frame::new(&viewer, Part::Catalog, "Catalog of services"),
                q: shown(&wish.q, LONGEST_NAME),
                categories: choices(&wish.category, "all", categories),
                sectors: choices(&wish.sector, "all", sectors),
                entries,
                paging,
                version: info.version,
                count: number(info.services),
            })
        })
        .await?;
    Ok(Shown(page))
}

fn sector<'a>(catalog: &'a Catalog, entry: &'a Entry) -> &'a str {
    let section = catalog.section(&entry.sector);
    section.map_or(entry.sector.as_str(), |section| &section.title)
}

impl EntryRow {
    fn of(catalog: &Catalog, entry: &Entry, because: &Because<'_>) -> Self {
        Self {
            id: entry.id.clone(),
            name: shown(&entry.name, LONGEST_NAME),
            vendor: shown(entry.vendor_name().unwrap_or("not known"), LONGEST_NAME),
            country: shown(entry.vendor_country().unwrap_or("not known"), 40),
            category: entry.category.as_str(),
            sector: shown(sector(catalog, entry), LONGEST_NAME),
            because: match because {
                Because::Name => String::new(),
                Because::Item(kind, name) => {
                    format!("by the {kind} {}", shown(name, LONGEST_NAME))
                }
                Because::Host => "by a host".to_owned(),
            },
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct InLanguage {
    language: String,
}

#[derive(Template)]
#[template(
    path = "catalog_entry.html",
    config = "src/service/dashboard/askama.toml"
)]
struct EntryPage {
    frame: Frame,
    id: String,
    subtitle: String,
    language: &'static str,
    /// Address, name and whether it is the one shown.
    languages: Vec<(&'static str, &'static str, bool)>,
    /// Sections with the names of their anchors.
    sections: Vec<(String, SheetSection)>,
    /// Sites it was found on by their last audits: id and name.
    sites: Vec<(String, String)>,
    more_sites: usize,
}

async fn entry(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(wish): Query<InLanguage>,
) -> Answer<EntryPage> {
    let page = service
        .apart(move |service| {
            let catalog = service.catalog()?;
            let entry = catalog.service(&id).ok_or_else(|| unknown(&catalog, &id))?;
            let known = LANGUAGES
                .into_iter()
                .filter(|(code, _)| *code == "en" || entry.text.contains_key(*code));
            let languages: Vec<(&str, &str)> = known.collect();
            let language = languages
                .iter()
                .find(|(code, _)| *code == wish.language)
                .map_or("en", |(code, _)| *code);
            let sheet = catalog.sheet(entry, language);
            let sites = service.sites()?;
            let found: Vec<(String, String)> = sites
                .iter()
                .filter(|site| {
                    let seen = service.services_of(&site.id);
                    seen.iter().any(|seen| seen.id == entry.id)
                })
                .map(|site| (site.id.clone(), shown(&site.name, LONGEST_NAME)))
                .collect();
            Ok(EntryPage {
                frame: Frame::new(&viewer, Part::Catalog, shown(&sheet.title, LONGEST_NAME)),
                id: entry.id.clone(),
                subtitle: sheet.subtitle,
                language,
                languages: languages
                    .into_iter()
                    .map(|(code, name)| (code, name, code == language))
                    .collect(),
                sections: (1..)
                    .zip(sheet.sections)
                    .map(|(number, section)| (format!("part-{number}"), section))
                    .collect(),
                more_sites: found.len().saturating_sub(MOST_SITES),
                sites: found.into_iter().take(MOST_SITES).collect(),
            })
        })
        .await?;
    Ok(Shown(page))
}

fn unknown(catalog: &Catalog, id: &str) -> Problem {
    let nearest = catalog.nearest_id(id);
    Problem::not_found(match nearest {
        Some(nearest) => format!("the catalog has no such service; the nearest is `{nearest}`"),
        None => "the catalog has no such service".to_owned(),
    })
}
