//! Which entry a stored item fits best.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use url::Url;

use super::{Index, Services};
use crate::catalog::duration::Duration;
use crate::catalog::host::HostPattern;
use crate::catalog::pattern::{NamePattern, ValuePattern};
use crate::catalog::schema::words::{Area, ItemRole, StorageOrigin};
use crate::catalog::schema::{Exemption, Service};
use crate::catalog::tables::Tables;
use crate::catalog::{ItemMatch, ItemQuery};
use crate::model::finding::Category;
use crate::model::party::{Party, party_of};
use crate::model::snapshot::StorageKind;

/// Longest name looked up, in bytes: a page may write megabytes into a key.
const LONGEST_NAME: usize = 4096;
/// Most setters looked at; the innermost ones decide.
const MOST_SETTERS: usize = 32;
/// Fewest literal characters for a name to count in another kind of store than its entry says.
pub(in crate::catalog) const FEWEST_LITERALS_ELSEWHERE: usize = 4;

/// An entry: its service's place and its own place among the cookies or the storage entries.
#[derive(Debug, Clone, Copy)]
pub(super) struct ItemPlace {
    service: u32,
    entry: u32,
    cookie: bool,
}

impl ItemPlace {
    pub(super) fn name<'s>(&self, services: &'s Services) -> Option<&'s NamePattern> {
        let service = services.at(self.service);
        if self.cookie {
            service.cookie[self.entry as usize].name.as_ref()
        } else {
            service.storage[self.entry as usize].name.as_ref()
        }
    }

    fn entry<'s>(&self, services: &'s Services) -> Option<ItemEntry<'s>> {
        let service = services.at(self.service);
        let pattern = self.name(services)?;
        Some(if self.cookie {
            let cookie = &service.cookie[self.entry as usize];
            ItemEntry {
                place: self.service,
                service,
                area: None,
                pattern,
                on: &cookie.on,
                origin: None,
                value: cookie.value.as_ref(),
                category: cookie.category.unwrap_or(service.category),
                role: cookie.role,
                exempt: cookie.exempt.as_ref(),
                purpose: cookie.purpose.as_deref(),
                duration: cookie.duration.as_ref(),
            }
        } else {
            let stored = &service.storage[self.entry as usize];
            ItemEntry {
                place: self.service,
                service,
                area: Some(stored.area),
                pattern,
                on: &stored.on,
                origin: stored.origin,
                value: stored.value.as_ref(),
                category: stored.category.unwrap_or(service.category),
                role: stored.role,
                exempt: stored.exempt.as_ref(),
                purpose: stored.purpose.as_deref(),
                duration: stored.duration.as_ref(),
            }
        })
    }
}

/// The entries of a service that have names.
pub(super) fn places_of(place: u32, service: &Service) -> impl Iterator<Item = ItemPlace> {
    let of = move |cookie: bool| {
        move |(entry, named): (u32, bool)| {
            named.then_some(ItemPlace {
                service: place,
                entry,
                cookie,
            })
        }
    };
    let cookies = service.cookie.iter().map(|entry| entry.name.is_some());
    let stored = service.storage.iter().map(|entry| entry.name.is_some());
    (0..)
        .zip(cookies)
        .filter_map(of(true))
        .chain((0..).zip(stored).filter_map(of(false)))
}

/// A cookie or storage entry, made alike.
#[derive(Debug, Clone, Copy)]
pub(in crate::catalog) struct ItemEntry<'s> {
    place: u32,
    pub(in crate::catalog) service: &'s Service,
    /// Absent for a cookie.
    area: Option<Area>,
    pub(in crate::catalog) pattern: &'s NamePattern,
    pub(in crate::catalog) on: &'s [HostPattern],
    origin: Option<StorageOrigin>,
    value: Option<&'s ValuePattern>,
    pub(in crate::catalog) category: Category,
    role: Option<ItemRole>,
    exempt: Option<&'s Exemption>,
    purpose: Option<&'s str>,
    duration: Option<&'s Duration>,
}

/// Which of several entries fits better; the fields are in order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::catalog) struct Rank {
    /// Written by hand, not imported.
    pub(in crate::catalog) curated: bool,
    /// By host, setter or value, not by name alone.
    pub(in crate::catalog) bound: bool,
    /// In the kind of store the entry speaks of.
    pub(in crate::catalog) same_store: bool,
    pub(in crate::catalog) exact: bool,
    pub(in crate::catalog) literals: usize,
    pub(in crate::catalog) typed: bool,
    pub(in crate::catalog) contacted: bool,
}

/// What speaks for an entry beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Bond {
    /// The item's host is the service's, or one the entry names.
    Host,
    /// A script or response of the service wrote it.
    Setter,
    /// Its value has the grammar the entry gives.
    Value,
    /// The service was contacted in the same run.
    Contact,
    /// Nothing.
    None,
}

/// Why an entry whose name fits is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::catalog) enum Refusal {
    /// The entry names other hosts.
    OtherHost,
    /// It is on somebody else's host, and nothing but the name speaks for the entry.
    ForeignHost,
    /// The name is too short to count in another kind of store.
    OtherStore,
    /// The value has not the grammar the entry gives.
    OtherValue,
}

/// An entry that a name fits, and what became of it.
#[derive(Debug, Clone, Copy)]
pub(in crate::catalog) struct Candidate<'s> {
    pub(in crate::catalog) entry: ItemEntry<'s>,
    pub(in crate::catalog) outcome: Result<(Rank, Bond), Refusal>,
}

/// What holds for a query whatever the entry.
struct Scene<'a> {
    query: &'a ItemQuery<'a>,
    host: String,
    site: String,
    first_party: bool,
    /// Services that the item's host belongs to.
    at_home: BTreeSet<u32>,
    /// Services whose scripts or responses wrote the item.
    setters: BTreeSet<u32>,
}

impl Index {
    /// The service behind a stored item.
    pub(in crate::catalog) fn find_item(
        &self,
        services: &Services,
        tables: &Tables,
        query: &ItemQuery<'_>,
    ) -> Option<ItemMatch> {
        let mut best: Vec<(Rank, Bond, ItemEntry<'_>)> = Vec::new();
        for candidate in self.items_like(services, query) {
            let Ok((rank, bond)) = candidate.outcome else {
                continue;
            };
            if best.first().is_some_and(|(held, ..)| *held > rank) {
                continue;
            }
            if best.first().is_some_and(|(held, ..)| *held < rank) {
                best.clear();
            }
            let entry = candidate.entry;
            if !best.iter().any(|(_, _, held)| held.place == entry.place) {
                best.push((rank, bond, entry));
            }
        }
        // Of equals the strictest speaks; the others are named beside it.
        let (rank, _, entry) = best
            .iter()
            .max_by_key(|(.., entry)| (entry.category.strictness(), Reverse(entry.place)))
            .copied()?;
        let ambiguous = best
            .iter()
            .filter(|(.., other)| other.place != entry.place)
            .map(|(.., other)| other.service.id.clone())
            .collect();
        Some(ItemMatch {
            ambiguous,
            bound: rank.bound || rank.contacted,
            ..entry.to_match(services, tables)
        })
    }

    /// Every entry that an item's name fits, with what became of it, in no order.
    pub(in crate::catalog) fn items_like<'s>(
        &self,
        services: &'s Services,
        query: &ItemQuery<'_>,
    ) -> Vec<Candidate<'s>> {
        let entries = self.entries_named(services, query.name);
        if entries.is_empty() {
            return Vec::new();
        }
        let scene = self.scene(services, query);
        entries
            .into_iter()
            .map(|entry| Candidate {
                entry,
                outcome: scene.judge(&entry, services),
            })
            .collect()
    }

    /// Entries whose pattern fits a name.
    fn entries_named<'s>(&self, services: &'s Services, name: &str) -> Vec<ItemEntry<'s>> {
        if name.is_empty() || name.len() > LONGEST_NAME {
            return Vec::new();
        }
        self.names
            .near(name)
            .into_iter()
            .filter_map(|number| self.items.get(number as usize)?.entry(services))
            .filter(|entry| entry.pattern.matches(name))
            .collect()
    }

    fn scene<'a>(&self, services: &Services, query: &'a ItemQuery<'a>) -> Scene<'a> {
        let host = query.host.trim_start_matches('.').to_ascii_lowercase();
        let site = query.site.to_ascii_lowercase();
        let at_home = self
            .rules_naming(&host)
            .map(|place| place.service)
            .collect();
        let mut setters = BTreeSet::new();
        for setter in query.set_by.iter().take(MOST_SETTERS) {
            let Ok(url) = Url::parse(setter) else {
                continue;
            };
            let Some(setter_host) = url.host_str().map(str::to_ascii_lowercase) else {
                continue;
            };
            setters.extend(
                self.rules_of(services, &url, &setter_host, &site)
                    .map(|found| found.place),
            );
        }
        Scene {
            query,
            first_party: host == site || party_of(&host, &site) == Party::First,
            host,
            site,
            at_home,
            setters,
        }
    }
}

impl ItemEntry<'_> {
    /// What the entry says, by name alone.
    pub(in crate::catalog) fn to_match(self, services: &Services, tables: &Tables) -> ItemMatch {
        let exempt = self.exempt.filter(|exempt| {
            exempt.needs.is_empty()
                && exempt.countries.is_empty()
                && tables.is_unconditional(exempt.basis)
        });
        ItemMatch {
            service: self.service.id.clone(),
            category: self.category,
            role: self.role.map(|role| role.as_str().to_owned()),
            exempt: exempt.map(|exempt| exempt.basis.as_str().to_owned()),
            purpose: self.purpose.map(str::to_owned),
            duration: self.duration.map(|duration| duration.as_str().to_owned()),
            pattern: self.pattern.as_str().to_owned(),
            bound: false,
            ambiguous: Vec::new(),
            knowing: services.knowing(self.place),
        }
    }

    /// Whether the entry speaks of another kind of store than the item is in.
    fn is_elsewhere(&self, storage: Option<StorageKind>) -> bool {
        let area = match storage {
            None => return self.area.is_some(),
            Some(StorageKind::LocalStorage) => Area::Local,
            Some(StorageKind::SessionStorage) => Area::Session,
            Some(StorageKind::IndexedDb) => Area::IndexedDb,
            Some(StorageKind::CacheStorage) => Area::Cache,
            Some(StorageKind::ServiceWorker | StorageKind::SharedStorage) => return true,
        };
        self.area != Some(area)
    }
}

impl Scene<'_> {
    /// How well an entry fits whose name does, or why it does not.
    fn judge(&self, entry: &ItemEntry<'_>, services: &Services) -> Result<(Rank, Bond), Refusal> {
        let at_home = self.at_home.contains(&entry.place);
        let set_by_it = self.setters.contains(&entry.place);
        let value_fits = entry.value.map(|value| value.matches(self.query.value));
        let named_host = entry
            .on
            .iter()
            .any(|on| on.is_named() && on.matches(&self.host, &self.site));
        let contacted = self.query.contacted.contains(&entry.service.id);
        let bond = if at_home || named_host {
            Bond::Host
        } else if set_by_it {
            Bond::Setter
        } else if value_fits == Some(true) {
            Bond::Value
        } else if contacted {
            Bond::Contact
        } else {
            Bond::None
        };
        let bound = !matches!(bond, Bond::Contact | Bond::None);
        if entry.on.is_empty() {
            let in_scope = match entry.origin {
                Some(StorageOrigin::Site) => self.first_party,
                Some(StorageOrigin::Service) => at_home,
                // Somebody else's domain needs more than a name.
                None => self.first_party || bound,
            };
            if !in_scope {
                return Err(Refusal::ForeignHost);
            }
        } else if !entry.on.iter().any(|on| on.matches(&self.host, &self.site)) {
            return Err(Refusal::OtherHost);
        }
        let same_store = !entry.is_elsewhere(self.query.storage);
        if !same_store && entry.pattern.literals() < FEWEST_LITERALS_ELSEWHERE {
            return Err(Refusal::OtherStore);
        }
        // A name whose value speaks against it counts only where a host speaks for it. Redacted
        // values are empty and say nothing.
        if value_fits == Some(false) && !self.query.value.is_empty() && bond == Bond::None {
            return Err(Refusal::OtherValue);
        }
        let rank = Rank {
            curated: services.is_curated(entry.place),
            bound,
            same_store,
            exact: entry.pattern.exact().is_some(),
            literals: entry.pattern.literals(),
            typed: !entry.pattern.is_untyped(),
            contacted,
        };
        Ok((rank, bond))
    }
}
