//! What of a run is compared: its items with their facts, its banners, what its pages say of consent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use url::Url;

use super::names::without_ids;
use super::{Difference, NAMED_PAGES, Side};
use crate::catalog::{Catalog, ItemQuery};
use crate::judge::naming::{kind_name, normalised, state_name};
use crate::model::finding::{Category, SubjectKind};
use crate::model::party::host_of;
use crate::model::report::{Page, PageError};
use crate::model::snapshot::{Cookie, Request, Setter, Signal, StorageEntry, StorageKind};
use crate::model::visit::{Banner, Visit};

/// What tells one item from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) kind: SubjectKind,
    pub(super) host: String,
    pub(super) name: String,
}

/// What a site decides about an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Facts {
    pub(super) service: Option<String>,
    pub(super) category: Category,
    lifetime: String,
    flags: String,
    setters: BTreeSet<String>,
    states: BTreeSet<&'static str>,
}

impl Facts {
    pub(super) fn differences(&self, other: &Self) -> Vec<Difference> {
        let joined = |texts: &mut dyn Iterator<Item = &str>| texts.collect::<Vec<_>>().join(", ");
        let setters = |facts: &Self| joined(&mut facts.setters.iter().map(String::as_str));
        let states = |facts: &Self| joined(&mut facts.states.iter().copied());
        let service = |facts: &Self| {
            facts
                .service
                .clone()
                .unwrap_or_else(|| "unknown".to_owned())
        };
        [
            ("lifetime", self.lifetime.clone(), other.lifetime.clone()),
            ("flags", self.flags.clone(), other.flags.clone()),
            ("set by", setters(self), setters(other)),
            (
                "category",
                self.category.as_str().to_owned(),
                other.category.as_str().to_owned(),
            ),
            ("service", service(self), service(other)),
            ("states", states(self), states(other)),
        ]
        .into_iter()
        .filter(|(_, before, after)| before != after)
        .map(|(what, before, after)| Difference {
            what: what.to_owned(),
            before,
            after,
        })
        .collect()
    }

    /// Joins what another visit or page shows of the same item: the longest lifetime, all setters and states.
    fn join(&mut self, other: Self, longer: bool) {
        if longer {
            self.lifetime = other.lifetime;
        }
        if self.flags.is_empty() {
            self.flags = other.flags;
        }
        if self.service.is_none() {
            self.service = other.service;
        }
        if other.category.strictness() > self.category.strictness() {
            self.category = other.category;
        }
        self.setters.extend(other.setters);
        self.states.extend(other.states);
    }
}

/// An item of the whole site.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub(super) facts: Facts,
    lifetime_s: Option<i64>,
    pub(super) pages: usize,
    pub(super) first_pages: Vec<String>,
    /// In how many visits.
    visits: u32,
}

/// The banner of a page, as far as it is compared.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct BannerFacts(BTreeMap<&'static str, String>);

impl BannerFacts {
    fn of(banner: &Banner) -> Self {
        let buttons: Vec<String> = banner
            .buttons
            .iter()
            .filter(|button| button.layer <= 1)
            .map(|button| format!("{:?} “{}”", button.role, button.text).to_lowercase())
            .collect();
        let words = |value: &dyn std::fmt::Debug| format!("{value:?}");
        Self(BTreeMap::from([
            (
                "banner",
                if banner.found { "shown" } else { "none" }.to_owned(),
            ),
            (
                "platform",
                banner.cmp.clone().unwrap_or_else(|| "unknown".to_owned()),
            ),
            ("way to accept", words(&banner.routes.accept)),
            ("way to reject", words(&banner.routes.reject)),
            ("buttons", buttons.join(", ")),
            ("languages", banner.languages.join(", ")),
        ]))
    }

    pub(super) fn differences(&self, other: &Self) -> Vec<Difference> {
        self.0
            .iter()
            .filter_map(|(what, before)| {
                let after = other.0.get(what).cloned().unwrap_or_default();
                (*before != after).then(|| Difference {
                    what: (*what).to_owned(),
                    before: before.clone(),
                    after,
                })
            })
            .collect()
    }
}

/// What is kept of a page.
#[derive(Debug, Clone, Default)]
pub(super) struct PageFacts {
    /// Its items, each with the number of its facts.
    pub(super) items: BTreeMap<u32, u32>,
    pub(super) banner: BannerFacts,
    /// What is said of consent, by where and when it is said.
    pub(super) signals: BTreeMap<String, String>,
}

/// Items and facts by number, for both sides.
#[derive(Debug, Default)]
pub(super) struct Tables {
    keys: Vec<Key>,
    numbers: HashMap<Key, u32>,
    facts: HashMap<Facts, u32>,
}

impl Tables {
    pub(super) fn key(&self, item: u32) -> Option<&Key> {
        self.keys.get(item as usize)
    }

    pub(super) fn shown(&self, item: u32) -> Option<String> {
        let key = self.key(item)?;
        Some(format!("{} {} {}", kind_name(key.kind), key.host, key.name))
    }

    fn number(&mut self, key: Key) -> u32 {
        let next = self.keys.len() as u32;
        *self.numbers.entry(key.clone()).or_insert_with(|| {
            self.keys.push(key);
            next
        })
    }

    fn number_of_facts(&mut self, facts: Facts) -> u32 {
        let next = self.facts.len() as u32;
        *self.facts.entry(facts).or_insert(next)
    }
}

/// One side, gathered.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) items: BTreeMap<u32, Seen>,
    pub(super) services: BTreeMap<String, Category>,
    pub(super) pages: BTreeMap<String, PageFacts>,
    pub(super) unreadable: usize,
}

/// Reads a side. A page that cannot be read is counted; when none can, that is an error.
pub(super) fn gather(
    side: &Side<'_>,
    catalog: &Catalog,
    tables: &mut Tables,
    states_matter: bool,
) -> Result<Gathered, PageError> {
    let mut gathered = Gathered::default();
    let mut last_error = None;
    for page in side.pages.pages() {
        match page {
            Ok(page) => gathered.add(side, &page, catalog, tables, states_matter),
            Err(error) => {
                gathered.unreadable += 1;
                last_error = Some(error);
            }
        }
    }
    match last_error {
        Some(error) if gathered.pages.is_empty() => Err(error),
        _ => Ok(gathered),
    }
}

impl Gathered {
    fn add(
        &mut self,
        side: &Side<'_>,
        page: &Page,
        catalog: &Catalog,
        tables: &mut Tables,
        states_matter: bool,
    ) {
        let mut on_page: BTreeMap<u32, (Facts, Option<i64>, u32)> = BTreeMap::new();
        let mut facts = PageFacts::default();
        let visits: Vec<&Visit> = page
            .visits
            .iter()
            .filter(|visit| side.state.is_none_or(|state| visit.state == state))
            .collect();
        facts.banner = match (side.state, visits.first()) {
            (Some(_), Some(visit)) => BannerFacts::of(&visit.banner),
            _ => BannerFacts::of(&page.banner),
        };
        for visit in visits {
            let state = state_name(visit.state);
            for (key, mut item, lifetime_s) in items_of(visit, catalog) {
                if states_matter {
                    item.states.insert(state);
                }
                let number = tables.number(key);
                match on_page.get_mut(&number) {
                    None => {
                        on_page.insert(number, (item, lifetime_s, 1));
                    }
                    Some((known, known_s, count)) => {
                        known.join(item, lifetime_s > *known_s);
                        *known_s = (*known_s).max(lifetime_s);
                        *count += 1;
                    }
                }
            }
            // What was said last holds.
            let mut signals: Vec<&Signal> = visit.snapshot.signals.iter().collect();
            signals.sort_by_key(|signal| signal.at_ms);
            for signal in signals {
                let (place, said) = said(signal, states_matter.then_some(state));
                facts.signals.insert(place, said);
            }
        }
        for (number, (item, lifetime_s, count)) in on_page {
            if let Some(service) = &item.service {
                let known = self
                    .services
                    .entry(service.clone())
                    .or_insert(item.category);
                if item.category.strictness() > known.strictness() {
                    *known = item.category;
                }
            }
            facts
                .items
                .insert(number, tables.number_of_facts(item.clone()));
            let seen = self.items.entry(number).or_default();
            let longer = lifetime_s > seen.lifetime_s || seen.pages == 0;
            seen.facts.join(item, longer);
            seen.lifetime_s = seen.lifetime_s.max(lifetime_s);
            seen.pages += 1;
            seen.visits += count;
            if seen.first_pages.len() < NAMED_PAGES {
                seen.first_pages.push(page.url.clone());
            }
        }
        self.pages.insert(page.url.clone(), facts);
    }

    /// Puts an item in the place of another.
    fn rename(&mut self, from: u32, to: u32) {
        if let Some(seen) = self.items.remove(&from) {
            self.items.insert(to, seen);
        }
        for page in self.pages.values_mut() {
            if let Some(facts) = page.items.remove(&from) {
                page.items.insert(to, facts);
            }
        }
    }
}

/// Items that are in one side only, and are the same but for an id that changes with each visit.
///
/// An id that stays from visit to visit is the site's own, and another one makes another item.
pub(super) fn join_noise(first: &mut Gathered, second: &mut Gathered, tables: &Tables) {
    let candidates = |side: &Gathered, other: &Gathered| {
        let mut by_form: HashMap<Key, Vec<u32>> = HashMap::new();
        for (number, seen) in &side.items {
            let Some(key) = tables.key(*number) else {
                continue;
            };
            let name = without_ids(&key.name);
            let stays = seen.visits > 1;
            if name != key.name && !stays && !other.items.contains_key(number) {
                let form = Key {
                    name,
                    ..key.clone()
                };
                by_form.entry(form).or_default().push(*number);
            }
        }
        by_form
    };
    let theirs = candidates(second, first);
    let pairs: Vec<(u32, u32)> = candidates(first, second)
        .into_iter()
        .filter_map(|(form, ours)| Some((ours, theirs.get(&form)?)))
        .flat_map(|(ours, theirs)| ours.into_iter().zip(theirs.iter().copied()))
        .collect();
    for (ours, theirs) in pairs {
        second.rename(theirs, ours);
    }
}

/// The items of a visit, with the lifetimes asked for in seconds.
fn items_of(visit: &Visit, catalog: &Catalog) -> Vec<(Key, Facts, Option<i64>)> {
    let site = host_of(&visit.final_url);
    let contacted: BTreeSet<String> = visit
        .snapshot
        .requests
        .iter()
        .filter_map(|request| {
            let found = catalog.match_request(&Url::parse(&request.url).ok()?, &site)?;
            Some(found.service)
        })
        .collect();
    let snapshot = &visit.snapshot;
    let cookies = snapshot
        .cookies
        .iter()
        .map(|cookie| of_cookie(cookie, catalog, &site, &contacted));
    let storage = snapshot
        .storage
        .iter()
        .map(|entry| of_entry(entry, catalog, &site, &contacted));
    let requests = snapshot
        .requests
        .iter()
        .filter(|request| request.failed.is_none())
        .filter_map(|request| of_request(request, catalog, &site));
    cookies.chain(storage).chain(requests).collect()
}

fn of_cookie(
    cookie: &Cookie,
    catalog: &Catalog,
    site: &str,
    contacted: &BTreeSet<String>,
) -> (Key, Facts, Option<i64>) {
    let mut flags = Vec::new();
    let same_site = cookie
        .same_site
        .as_ref()
        .map(|policy| format!("SameSite={policy}"));
    for (on, flag) in [
        (cookie.secure, "Secure"),
        (cookie.http_only, "HttpOnly"),
        (cookie.host_only, "this host only"),
        (cookie.partition_key.is_some(), "partitioned"),
        (!cookie.blocked.is_empty(), "refused by the browser"),
    ] {
        if on {
            flags.push(flag.to_owned());
        }
    }
    flags.extend(same_site);
    let found = matched(
        catalog,
        (&cookie.name, &cookie.domain, None),
        site,
        cookie.set_by.as_ref(),
        cookie.value.text(),
        contacted,
    );
    let key = Key {
        kind: SubjectKind::Cookie,
        host: cookie.domain.clone(),
        name: cookie.name.clone(),
    };
    let facts = Facts {
        lifetime: lifetime(cookie.lifetime_s),
        flags: flags.join("; "),
        setters: cookie.set_by.iter().filter_map(setter).collect(),
        ..found
    };
    (key, facts, cookie.lifetime_s)
}

fn of_entry(
    entry: &StorageEntry,
    catalog: &Catalog,
    site: &str,
    contacted: &BTreeSet<String>,
) -> (Key, Facts, Option<i64>) {
    let host = host_of(&entry.origin);
    let found = matched(
        catalog,
        (&entry.key, &host, Some(entry.kind)),
        site,
        entry.set_by.as_ref(),
        entry.value.text(),
        contacted,
    );
    let key = Key {
        kind: kind_of(entry.kind),
        host,
        name: entry.key.clone(),
    };
    let facts = Facts {
        flags: entry
            .partition
            .as_ref()
            .map_or_else(String::new, |_| "partitioned".to_owned()),
        setters: entry.set_by.iter().filter_map(setter).collect(),
        ..found
    };
    (key, facts, None)
}

fn of_request(
    request: &Request,
    catalog: &Catalog,
    site: &str,
) -> Option<(Key, Facts, Option<i64>)> {
    let url = Url::parse(&request.url).ok()?;
    let host = url.host_str()?.to_owned();
    let found = catalog.match_request(&url, site);
    // The container is part of what is asked for.
    let container = url
        .query_pairs()
        .find(|(name, value)| matches!(name.as_ref(), "id" | "tid") && is_container(value))
        .map_or_else(String::new, |(name, value)| format!("?{name}={value}"));
    let key = Key {
        kind: SubjectKind::Request,
        host,
        name: format!("{}{container}", normalised(url.path())),
    };
    let facts = Facts {
        service: found.as_ref().map(|found| found.service.clone()),
        category: found.map(|found| found.category).unwrap_or_default(),
        ..Facts::default()
    };
    Some((key, facts, None))
}

fn is_container(id: &str) -> bool {
    let known = ["GTM-", "G-", "AW-", "UA-", "DC-", "GT-"];
    id.len() <= 40 && known.iter().any(|prefix| id.starts_with(prefix))
}

/// Who is behind an item, and what for.
fn matched(
    catalog: &Catalog,
    (name, host, storage): (&str, &str, Option<StorageKind>),
    site: &str,
    set_by: Option<&Setter>,
    value: &str,
    contacted: &BTreeSet<String>,
) -> Facts {
    let setter = set_by.and_then(Setter::url).map(host_of);
    let setters: Vec<&str> = setter.as_deref().into_iter().collect();
    let found = catalog.match_item(&ItemQuery {
        name,
        host,
        storage,
        site,
        set_by: &setters,
        value,
        contacted,
    });
    found.map_or_else(Facts::default, |found| Facts {
        service: Some(found.service),
        category: found.category,
        ..Facts::default()
    })
}

/// A lifetime without the noise of seconds: it is counted from the moment of the write.
fn lifetime(seconds: Option<i64>) -> String {
    const HOUR: i64 = 3_600;
    const DAY: i64 = 24 * HOUR;
    let rounded = |seconds: i64, unit: i64| seconds.saturating_add(unit / 2) / unit;
    match seconds {
        None => "session".to_owned(),
        Some(seconds) if seconds <= 0 => "deleted at once".to_owned(),
        Some(seconds) if seconds >= 2 * DAY => format!("{} days", rounded(seconds, DAY)),
        Some(seconds) if seconds >= 2 * HOUR => format!("{} hours", rounded(seconds, HOUR)),
        Some(seconds) => format!("{} minutes", rounded(seconds, 60)),
    }
}

fn setter(setter: &Setter) -> Option<String> {
    let host = setter.url().map(host_of).filter(|host| !host.is_empty())?;
    Some(match setter {
        Setter::Response { .. } => format!("a response of {host}"),
        Setter::Script { .. } => format!("a script of {host}"),
    })
}

fn kind_of(kind: StorageKind) -> SubjectKind {
    match kind {
        StorageKind::LocalStorage => SubjectKind::LocalStorage,
        StorageKind::SessionStorage => SubjectKind::SessionStorage,
        StorageKind::IndexedDb => SubjectKind::IndexedDb,
        StorageKind::CacheStorage => SubjectKind::CacheStorage,
        StorageKind::ServiceWorker => SubjectKind::ServiceWorker,
        StorageKind::SharedStorage => SubjectKind::SharedStorage,
    }
}

/// Where something is said of consent, and what.
fn said(signal: &Signal, state: Option<&str>) -> (String, String) {
    let state = state.map_or_else(String::new, |state| format!(" ({state})"));
    let place = format!("{} {}{state}", signal.kind, without_ids(&signal.source));
    let mut grants: Vec<String> = signal
        .grants
        .iter()
        .map(|grant| {
            format!(
                "{}={}",
                grant.name,
                if grant.granted { "yes" } else { "no" }
            )
        })
        .collect();
    if grants.is_empty() {
        let facts = signal.facts.iter();
        grants.extend(facts.map(|(name, value)| format!("{name}: {value}")));
    }
    if grants.is_empty() {
        grants.push("something".to_owned());
    }
    grants.sort_unstable();
    (place, grants.join(", "))
}

/// What is said at one place and another thing at the other.
pub(super) fn differences(
    first: &BTreeMap<String, String>,
    second: &BTreeMap<String, String>,
) -> Vec<Difference> {
    let places: BTreeSet<&String> = first.keys().chain(second.keys()).collect();
    let text = |side: &BTreeMap<String, String>, place: &String| {
        side.get(place)
            .map_or_else(|| "nothing".to_owned(), Clone::clone)
    };
    places
        .into_iter()
        .map(|place| Difference {
            what: place.clone(),
            before: text(first, place),
            after: text(second, place),
        })
        .filter(|difference| difference.before != difference.after)
        .collect()
}
