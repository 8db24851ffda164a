//! A site's cookie declaration: what a run observed, with what the catalog knows of it. Pure.
//!
//! A draft: it tells what was seen on the pages of the run, no more, and a person has to read it
//! before it is published.

mod words;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use url::Url;

use crate::catalog::export::CATEGORIES;
use crate::catalog::schema::Service;
use crate::catalog::{Catalog, ItemMatch, ItemQuery};
use crate::model::finding::Category;
use crate::model::party::host_of;
use crate::model::report::{CatalogInfo, Page, PageError, PageSource, Report};
use crate::model::sheet::{Block, Sheet};
use crate::model::snapshot::{Setter, StorageKind};
use crate::model::visit::State;
pub use words::Language;
use words::{GENERAL, Words};

/// The form of the JSON document.
const SCHEMA: &str = "consentinel/declaration/v1";

/// Entries a declaration has at most, and hosts named of one.
const MOST_ENTRIES: usize = 5_000;
const MOST_HOSTS: usize = 20;

/// Longest name, in characters.
const LONGEST_NAME: usize = 120;

/// What a site stores, by what was observed.
#[derive(Debug, Clone, Serialize)]
pub struct Declaration {
    /// Always `consentinel/declaration/v1`.
    schema: &'static str,
    /// ISO 639-1.
    language: &'static str,
    /// Hosts of the pages.
    sites: BTreeSet<String>,
    /// The run it was made from.
    run: String,
    /// When the run ended.
    observed: jiff::Timestamp,
    /// How many pages it rests on.
    pages: usize,
    /// The catalog it was made with.
    catalog: CatalogInfo,
    /// What is stored, by category, provider and name.
    entries: Vec<Entry>,
    /// Entries left out beyond the limit.
    left_out: usize,
    /// Services that send data out of the EEA.
    transfers: Vec<Transfer>,
    #[serde(skip)]
    words: &'static Words,
    #[serde(skip)]
    services: Vec<String>,
}

/// One thing stored.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    category: Category,
    /// Who it belongs to.
    provider: String,
    /// Catalog id of the service, where it is known.
    service: Option<String>,
    /// Its name; what differs from visitor to visitor is a `*`.
    name: String,
    kind: Kind,
    hosts: BTreeSet<String>,
    /// In the declaration's language.
    purpose: String,
    /// The catalog knows no purpose in this language: the sentence is a general one.
    purpose_is_general: bool,
    /// The longest lifetime seen, in words of the declaration's language.
    duration: String,
    /// The same in seconds; absent for a session, and for what stays until it is deleted.
    duration_s: Option<i64>,
    /// States it was seen in.
    states: BTreeSet<State>,
}

/// Where something is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Cookie,
    LocalStorage,
    SessionStorage,
    Database,
    Cache,
    ServiceWorker,
    SharedStorage,
}

impl Kind {
    fn of(kind: StorageKind) -> Self {
        match kind {
            StorageKind::LocalStorage => Self::LocalStorage,
            StorageKind::SessionStorage => Self::SessionStorage,
            StorageKind::IndexedDb => Self::Database,
            StorageKind::CacheStorage => Self::Cache,
            StorageKind::ServiceWorker => Self::ServiceWorker,
            StorageKind::SharedStorage => Self::SharedStorage,
        }
    }
}

#[derive(Debug, Clone, Serialize)]
struct Transfer {
    service: String,
    country: String,
    mechanisms: Vec<String>,
}

/// How long something stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stay {
    /// Until the browser is closed.
    Session,
    /// So many seconds.
    Seconds(i64),
    /// Until somebody deletes it.
    UntilDeleted,
}

impl Stay {
    /// Whether it is gone after so many seconds; a session is gone after none.
    fn is_within(self, seconds: u64) -> bool {
        match self {
            Self::Session => true,
            Self::Seconds(stay) => u64::try_from(stay).is_ok_and(|stay| stay <= seconds),
            Self::UntilDeleted => false,
        }
    }
}

/// One sighting, before it is joined with others.
struct Sighting<'a> {
    kind: Kind,
    storage: Option<StorageKind>,
    name: &'a str,
    host: Cow<'a, str>,
    setters: Vec<&'a str>,
    value: &'a str,
    stay: Stay,
    state: State,
}

/// What makes two sightings the same entry.
type Key = (u8, String, Option<String>, Kind, String);

/// An entry while it is joined.
struct Joined {
    category: Category,
    purpose: Option<String>,
    role: Option<String>,
    hosts: BTreeSet<String>,
    stay: Stay,
    states: BTreeSet<State>,
}

/// Makes the declaration of a run, its pages read one after another.
pub fn declaration(
    head: &Report,
    pages: &dyn PageSource,
    catalog: &Catalog,
    language: Language,
) -> Result<Declaration, PageError> {
    let words = language.words();
    let mut joined: BTreeMap<Key, Joined> = BTreeMap::new();
    let mut left_out = 0;
    let mut sites = BTreeSet::new();
    let mut services = BTreeSet::new();
    for page in pages.pages() {
        let page = page?;
        let site = site_of(&page);
        let contacted = contacted(&page, &site, catalog);
        for sighting in sightings(&page) {
            let query = ItemQuery {
                name: sighting.name,
                host: &sighting.host,
                storage: sighting.storage,
                site: &site,
                set_by: &sighting.setters,
                value: sighting.value,
                contacted: &contacted,
            };
            let found = catalog.match_item(&query);
            let row = catalog.override_for(&query).filter(|row| {
                row.longest_s
                    .is_none_or(|longest| sighting.stay.is_within(longest))
            });
            let category = match (&found, row) {
                (Some(found), _) => found.category,
                (None, Some(row)) => row.category(),
                (None, None) => Category::Unclassified,
            };
            let service = found.as_ref().map(|found| found.service.clone());
            services.extend(service.clone());
            let provider = provider(service.as_deref(), catalog, &sighting.host);
            let name = name_of(&sighting, found.as_ref());
            let key = (order(category), provider, service, sighting.kind, name);
            if joined.len() >= MOST_ENTRIES && !joined.contains_key(&key) {
                left_out += 1;
                continue;
            }
            let entry = joined.entry(key).or_insert_with(|| Joined {
                category,
                purpose: found.as_ref().and_then(|found| found.purpose.clone()),
                role: found.as_ref().and_then(|found| found.role.clone()),
                hosts: BTreeSet::new(),
                stay: Stay::Session,
                states: BTreeSet::new(),
            });
            entry.stay = entry.stay.max(sighting.stay);
            entry.states.insert(sighting.state);
            if entry.hosts.len() < MOST_HOSTS {
                entry.hosts.insert(sighting.host.into_owned());
            }
        }
        services.extend(contacted);
        sites.insert(site);
    }
    let known: Vec<&Service> = services
        .iter()
        .filter_map(|id| catalog.service(id))
        .collect();
    Ok(Declaration {
        schema: SCHEMA,
        language: words.code,
        sites,
        run: head.run.id.clone(),
        observed: head.run.finished,
        pages: pages.page_count(),
        catalog: catalog.info(),
        entries: joined
            .into_iter()
            .map(|(key, joined)| entry(key, joined, words))
            .collect(),
        left_out,
        transfers: transfers(&known),
        words,
        services: services.into_iter().collect(),
    })
}

impl Declaration {
    /// ISO 639-1 code of its language.
    pub fn language(&self) -> &'static str {
        self.language
    }

    /// Catalog ids of the services that store or were contacted.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// What nobody in the catalog is behind, for a person to gate: kind, name and hosts.
    pub fn unknown(&self) -> impl Iterator<Item = String> {
        self.entries
            .iter()
            .filter(|entry| entry.service.is_none() && entry.category == Category::Unclassified)
            .map(|entry| {
                let hosts: Vec<&str> = entry.hosts.iter().map(String::as_str).collect();
                format!("{} ({})", entry.name, hosts.join(", "))
            })
    }

    /// The declaration as a document: a table for each category.
    pub fn sheet(&self) -> Sheet {
        let words = self.words;
        let sites: Vec<&str> = self.sites.iter().map(String::as_str).collect();
        let mut sheet = Sheet {
            title: words.title.to_owned(),
            subtitle: words.subtitle(
                &sites.join(", "),
                &self.observed.strftime("%Y-%m-%d").to_string(),
                self.pages,
            ),
            language: self.language.to_owned(),
            ..Sheet::default()
        };
        for category in CATEGORIES {
            let rows: Vec<Vec<String>> = self
                .entries
                .iter()
                .filter(|entry| entry.category == category)
                .map(|entry| entry.row(words))
                .collect();
            if rows.is_empty() {
                continue;
            }
            let (title, explained) = words.category(category);
            sheet.add(
                title,
                vec![
                    Block::Paragraph(explained.to_owned()),
                    Block::Table {
                        columns: words.columns.map(str::to_owned).to_vec(),
                        rows,
                    },
                ],
            );
        }
        if let Some(last) = sheet.sections.last_mut()
            && self.entries.iter().any(Entry::is_marked)
        {
            last.blocks.push(Block::Paragraph(words.general.to_owned()));
        }
        if self.entries.is_empty() {
            let nothing = Block::Paragraph(words.nothing.to_owned());
            sheet.add(words.title, vec![nothing]);
        }
        let rows = self
            .transfers
            .iter()
            .map(|transfer| {
                vec![
                    transfer.service.clone(),
                    transfer.country.clone(),
                    transfer.mechanisms.join(", "),
                ]
            })
            .collect();
        sheet.add(
            words.transfers,
            vec![Block::Table {
                columns: words.transfer_columns.map(str::to_owned).to_vec(),
                rows,
            }],
        );
        sheet
    }
}

impl Entry {
    /// Whether a reader has to be told that its purpose is a general sentence; that it is not known says so itself.
    fn is_marked(&self) -> bool {
        self.purpose_is_general && self.category != Category::Unclassified
    }

    fn row(&self, words: &Words) -> Vec<String> {
        vec![
            self.name.clone(),
            self.provider.clone(),
            if self.is_marked() {
                format!("{} {GENERAL}", self.purpose)
            } else {
                self.purpose.clone()
            },
            self.duration.clone(),
            words.kind(self.kind).to_owned(),
        ]
    }
}

fn order(category: Category) -> u8 {
    let place = CATEGORIES.iter().position(|known| *known == category);
    place.map_or(u8::MAX, |place| place as u8)
}

fn site_of(page: &Page) -> String {
    match host_of(&page.final_url) {
        host if host.is_empty() => host_of(&page.url),
        host => host,
    }
}

/// Catalog ids of the services a page contacts, in any state.
fn contacted(page: &Page, site: &str, catalog: &Catalog) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    let requests = page
        .visits
        .iter()
        .flat_map(|visit| &visit.snapshot.requests);
    requests
        .filter_map(|request| {
            let url = Url::parse(&request.url).ok()?;
            // A page asks the same address in every state.
            if !hosts.insert(format!("{}{}", url.host_str()?, url.path())) {
                return None;
            }
            catalog.match_request(&url, site)
        })
        .map(|found| found.service)
        .collect()
}

/// Everything the visits of a page stored.
fn sightings(page: &Page) -> impl Iterator<Item = Sighting<'_>> {
    page.visits.iter().flat_map(|visit| {
        let cookies = visit
            .snapshot
            .cookies
            .iter()
            .filter(|cookie| cookie.blocked.is_empty())
            .map(|cookie| Sighting {
                kind: Kind::Cookie,
                storage: None,
                name: &cookie.name,
                host: Cow::Borrowed(cookie.domain.as_str()),
                setters: setters(cookie.set_by.as_ref()),
                value: cookie.value.text(),
                stay: cookie.lifetime_s.map_or(Stay::Session, Stay::Seconds),
                state: visit.state,
            });
        let entries = visit
            .snapshot
            .storage
            .iter()
            .filter(|entry| !entry.is_empty_store())
            .map(|entry| Sighting {
                kind: Kind::of(entry.kind),
                storage: Some(entry.kind),
                name: entry.key.as_str(),
                host: Cow::Owned(host_of(&entry.origin)),
                setters: setters(entry.set_by.as_ref()),
                value: entry.value.text(),
                stay: if entry.kind == StorageKind::SessionStorage {
                    Stay::Session
                } else {
                    Stay::UntilDeleted
                },
                state: visit.state,
            });
        cookies.chain(entries)
    })
}

fn setters(setter: Option<&Setter>) -> Vec<&str> {
    match setter {
        Some(Setter::Response { url }) => vec![url],
        Some(Setter::Script { stack }) => stack.iter().map(|place| place.url.as_str()).collect(),
        None => Vec::new(),
    }
}

/// The vendor with its service, or the host where nobody is known.
fn provider(service: Option<&str>, catalog: &Catalog, host: &str) -> String {
    let Some(service) = service.and_then(|id| catalog.service(id)) else {
        return host.to_owned();
    };
    match service.vendor_name() {
        Some(vendor) if vendor != service.name => format!("{} ({vendor})", service.name),
        _ => service.name.clone(),
    }
}

/// The name as it was seen, or the catalog's pattern with a `*` for each part that differs.
fn name_of(sighting: &Sighting<'_>, found: Option<&ItemMatch>) -> String {
    let pattern = found
        .map(|found| found.pattern.as_str())
        .unwrap_or_default();
    let name = if pattern.contains('<') || pattern.contains('*') {
        starred(pattern)
    } else {
        sighting.name.to_owned()
    };
    name.chars().take(LONGEST_NAME).collect()
}

/// `_ga_<id:hex{4}>.x` as `_ga_*.x`.
fn starred(pattern: &str) -> String {
    let mut name = String::new();
    let mut depth = 0_u32;
    for letter in pattern.chars() {
        match letter {
            '<' => {
                if depth == 0 && !name.ends_with('*') {
                    name.push('*');
                }
                depth += 1;
            }
            '>' => depth = depth.saturating_sub(1),
            '\\' => {}
            _ if depth == 0 => name.push(letter),
            _ => {}
        }
    }
    name
}

fn entry(key: Key, joined: Joined, words: &Words) -> Entry {
    let (_, provider, service, kind, name) = key;
    // The catalog speaks English; other languages get a sentence that fits what the item does.
    let own = joined.purpose.filter(|_| words.code == "en");
    let purpose_is_general = own.is_none();
    let purpose = own.unwrap_or_else(|| words.purpose(joined.role.as_deref(), joined.category));
    Entry {
        category: joined.category,
        provider,
        service,
        name,
        kind,
        hosts: joined.hosts,
        purpose,
        purpose_is_general,
        duration: words.duration(joined.stay),
        duration_s: match joined.stay {
            Stay::Seconds(seconds) => Some(seconds),
            Stay::Session | Stay::UntilDeleted => None,
        },
        states: joined.states,
    }
}

fn transfers(services: &[&Service]) -> Vec<Transfer> {
    let mut transfers = Vec::new();
    for service in services {
        for country in service.transfer_countries() {
            let mechanisms = service
                .transfer
                .iter()
                .filter(|transfer| transfer.to == country)
                .flat_map(|transfer| transfer.mechanisms.iter().map(ToString::to_string))
                .collect();
            transfers.push(Transfer {
                service: service.name.clone(),
                country: country.to_owned(),
                mechanisms,
            });
        }
    }
    transfers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_visitor_to_visitor_is_a_star() {
        for (pattern, name) in [
            ("_ga", "_ga"),
            ("_ga_*", "_ga_*"),
            ("_ga_<id:hex{4}>.x", "_ga_*.x"),
            ("<a><b>c", "*c"),
            ("a\\*b", "a*b"),
        ] {
            assert_eq!(starred(pattern), name);
        }
    }
}
