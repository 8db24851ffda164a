//! Finds the service behind an item or a request.

use std::collections::{BTreeSet, HashMap};

use url::Url;

use super::host::HostPattern;
use super::pattern::{NamePattern, ValuePattern};
use super::schema::words::{Area, FactStatus, ItemRole, Kind, StorageOrigin};
use super::schema::{Exemption, RequestRule, Service};
use super::tables::Tables;
use super::{ItemMatch, ItemQuery, RequestMatch};
use crate::model::finding::Category;
use crate::model::party::{Party, party_of, registrable_domain};
use crate::model::snapshot::StorageKind;

/// Longest name looked up, in bytes: a page may write megabytes into a key.
const LONGEST_NAME: usize = 4096;
/// Most setters looked at; the innermost ones decide.
const MOST_SETTERS: usize = 32;
/// Fewest literal characters for a name to count in another kind of store than its entry says.
const FEWEST_LITERALS_ELSEWHERE: usize = 4;

/// Names and hosts of all services, ready to be asked. Services are meant by their place in the list.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Rules by the host they name.
    by_host: HashMap<String, Vec<RulePlace>>,
    /// Rules for a label under any suffix, by the label.
    by_label: HashMap<String, Vec<RulePlace>>,
    /// Rules for the site itself or for any host.
    anywhere: Vec<RulePlace>,
    items: Vec<ItemEntry>,
    /// Entries by their only name.
    exact: HashMap<String, Vec<usize>>,
    /// Entries with wildcards, by the first byte of every name they fit.
    by_first_byte: HashMap<u8, Vec<usize>>,
    /// Entries whose names may begin with anything.
    by_no_prefix: Vec<usize>,
}

/// A request rule: its service's place and its own place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RulePlace {
    service: usize,
    rule: usize,
}

/// Where an entry says its item is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Store {
    Cookie,
    Area(Area),
}

/// A cookie or storage entry, made alike.
#[derive(Debug)]
struct ItemEntry {
    service: usize,
    store: Store,
    pattern: NamePattern,
    on: Vec<HostPattern>,
    origin: Option<StorageOrigin>,
    value: Option<ValuePattern>,
    category: Category,
    role: Option<ItemRole>,
    exempt: Option<Exemption>,
    purpose: Option<String>,
    duration: Option<String>,
}

/// Which of several entries fits better; the fields are in order of weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// By host, setter or value, not by name alone.
    bound: bool,
    /// In the kind of store the entry speaks of.
    same_store: bool,
    exact: bool,
    literals: usize,
    typed: bool,
    contacted: bool,
}

/// What holds for a query whatever the entry.
struct Scene<'a> {
    query: &'a ItemQuery<'a>,
    host: String,
    site: String,
    first_party: bool,
    /// Services that the item's host belongs to.
    at_home: BTreeSet<usize>,
    /// Services whose scripts or responses wrote the item.
    setters: BTreeSet<usize>,
}

impl Index {
    pub(super) fn new(services: &[Service]) -> Self {
        let mut index = Self::default();
        for (place, service) in services.iter().enumerate() {
            for (rule, entry) in service.request.iter().enumerate() {
                if entry.status != Some(FactStatus::Retired) {
                    index.add_rule(
                        entry,
                        RulePlace {
                            service: place,
                            rule,
                        },
                    );
                }
            }
            index.add_items(place, service);
        }
        for (place, item) in index.items.iter().enumerate() {
            let places = match (item.pattern.exact(), item.pattern.prefix().bytes().next()) {
                (Some(name), _) => index.exact.entry(name.to_owned()).or_default(),
                (None, Some(first)) => index.by_first_byte.entry(first).or_default(),
                (None, None) => &mut index.by_no_prefix,
            };
            places.push(place);
        }
        index
    }

    fn add_rule(&mut self, rule: &RequestRule, place: RulePlace) {
        let places = match &rule.host {
            HostPattern::Exact(host) | HostPattern::Suffix(host) => {
                self.by_host.entry(host.clone()).or_default()
            }
            HostPattern::AnySuffix(label) => self.by_label.entry(label.clone()).or_default(),
            HostPattern::Site | HostPattern::Any => &mut self.anywhere,
        };
        places.push(place);
    }

    fn add_items(&mut self, place: usize, service: &Service) {
        for cookie in &service.cookie {
            if let Some(pattern) = &cookie.name {
                self.items.push(ItemEntry {
                    service: place,
                    store: Store::Cookie,
                    pattern: pattern.clone(),
                    on: cookie.on.clone(),
                    origin: None,
                    value: cookie.value.clone(),
                    category: cookie.category.unwrap_or(service.category),
                    role: cookie.role,
                    exempt: cookie.exempt.clone(),
                    purpose: cookie.purpose.clone(),
                    duration: cookie
                        .duration
                        .as_ref()
                        .map(|duration| duration.as_str().to_owned()),
                });
            }
        }
        for entry in &service.storage {
            if let Some(pattern) = &entry.name {
                self.items.push(ItemEntry {
                    service: place,
                    store: Store::Area(entry.area),
                    pattern: pattern.clone(),
                    on: entry.on.clone(),
                    origin: entry.origin,
                    value: entry.value.clone(),
                    category: entry.category.unwrap_or(service.category),
                    role: entry.role,
                    exempt: entry.exempt.clone(),
                    purpose: entry.purpose.clone(),
                    duration: entry
                        .duration
                        .as_ref()
                        .map(|duration| duration.as_str().to_owned()),
                });
            }
        }
    }

    /// Rules that may speak of a host, both in lower case.
    fn rules_near(&self, host: &str) -> impl Iterator<Item = RulePlace> {
        let suffixes = std::iter::successors(Some(host), |rest| {
            rest.split_once('.').map(|(_, parent)| parent)
        });
        let named = suffixes
            .filter_map(|suffix| self.by_host.get(suffix))
            .flatten();
        let label = registrable_domain(host)
            .split_once('.')
            .and_then(|(label, _)| self.by_label.get(label));
        named
            .chain(label.into_iter().flatten())
            .chain(&self.anywhere)
            .copied()
    }

    /// Rules that a request fits.
    fn rules_of<'a>(
        &'a self,
        services: &'a [Service],
        url: &'a Url,
        host: &'a str,
        site: &'a str,
    ) -> impl Iterator<Item = (RulePlace, &'a RequestRule)> {
        self.rules_near(host).filter_map(move |place| {
            let rule = &services[place.service].request[place.rule];
            let fits = rule.host.matches(host, site)
                && rule
                    .path
                    .as_ref()
                    .is_none_or(|path| path.matches(url.path()))
                && rule.query.iter().all(|(name, value)| {
                    url.query_pairs()
                        .any(|(key, given)| key == name.as_str() && value.matches(&given))
                });
            fits.then_some((place, rule))
        })
    }

    /// The service behind a request: longest host, then longest path, then most parameters.
    pub(super) fn find_request(
        &self,
        services: &[Service],
        url: &Url,
        site: &str,
    ) -> Option<RequestMatch> {
        let host = url.host_str()?.to_ascii_lowercase();
        let site = site.to_ascii_lowercase();
        let mut best: Option<((usize, usize, usize), RulePlace, &RequestRule)> = None;
        for (place, rule) in self.rules_of(services, url, &host, &site) {
            let path = rule
                .path
                .as_ref()
                .map_or(0, super::host::PathPattern::narrowness);
            let rank = (rule.host.narrowness(), path, rule.query.len());
            // Services are in the order of their ids: the first of equals wins, always the same one.
            let better = best.as_ref().is_none_or(|(best, held, _)| {
                rank > *best || (rank == *best && place.service < held.service)
            });
            if better {
                best = Some((rank, place, rule));
            }
        }
        let (_, place, rule) = best?;
        let service = &services[place.service];
        Some(RequestMatch {
            service: service.id.clone(),
            category: rule.category.unwrap_or(service.category),
            role: rule.role.map(|role| role.as_str().to_owned()),
            sector: service.sector.clone(),
            cmp: service.kind == Kind::Cmp,
        })
    }

    /// The service behind a stored item.
    pub(super) fn find_item(
        &self,
        services: &[Service],
        tables: &Tables,
        query: &ItemQuery<'_>,
    ) -> Option<ItemMatch> {
        if query.name.is_empty() || query.name.len() > LONGEST_NAME {
            return None;
        }
        let candidates = self.candidates(query.name);
        if candidates.is_empty() {
            return None;
        }
        let scene = self.scene(services, query);
        let mut best: Vec<(Rank, &ItemEntry)> = Vec::new();
        for entry in candidates {
            let Some(rank) = scene.rank(entry, &services[entry.service]) else {
                continue;
            };
            if best.first().is_some_and(|(held, _)| *held > rank) {
                continue;
            }
            if best.first().is_some_and(|(held, _)| *held < rank) {
                best.clear();
            }
            if !best.iter().any(|(_, held)| held.service == entry.service) {
                best.push((rank, entry));
            }
        }
        // Of equals the strictest speaks; the others are named beside it.
        let (rank, entry) = best
            .iter()
            .max_by(|(_, a), (_, b)| {
                strictness(a.category)
                    .cmp(&strictness(b.category))
                    .then(b.service.cmp(&a.service))
            })
            .copied()?;
        let ambiguous = best
            .iter()
            .filter(|(_, other)| other.service != entry.service)
            .map(|(_, other)| services[other.service].id.clone())
            .collect();
        let exempt = entry.exempt.as_ref().filter(|exempt| {
            exempt.needs.is_empty()
                && exempt.countries.is_empty()
                && tables.is_unconditional(exempt.basis)
        });
        Some(ItemMatch {
            service: services[entry.service].id.clone(),
            category: entry.category,
            role: entry.role.map(|role| role.as_str().to_owned()),
            exempt: exempt.map(|exempt| exempt.basis.as_str().to_owned()),
            purpose: entry.purpose.clone(),
            duration: entry.duration.clone(),
            pattern: entry.pattern.as_str().to_owned(),
            bound: rank.bound || rank.contacted,
            ambiguous,
        })
    }

    /// Entries whose pattern fits a name.
    fn candidates(&self, name: &str) -> Vec<&ItemEntry> {
        let exact = self.exact.get(name).into_iter().flatten();
        let prefixed = name
            .bytes()
            .next()
            .and_then(|first| self.by_first_byte.get(&first));
        let wild = prefixed.into_iter().flatten().chain(&self.by_no_prefix);
        exact
            .chain(wild)
            .map(|place| &self.items[*place])
            .filter(|entry| entry.pattern.matches(name))
            .collect()
    }

    fn scene<'a>(&self, services: &[Service], query: &'a ItemQuery<'a>) -> Scene<'a> {
        let host = query.host.trim_start_matches('.').to_ascii_lowercase();
        let site = query.site.to_ascii_lowercase();
        let at_home = self
            .rules_near(&host)
            .filter(|place| {
                let rule = &services[place.service].request[place.rule];
                rule.host.is_named() && rule.host.matches(&host, &site)
            })
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
                    .map(|(place, _)| place.service),
            );
        }
        Scene {
            query,
            first_party: party_of(&host, &site) == Party::First,
            host,
            site,
            at_home,
            setters,
        }
    }
}

impl Scene<'_> {
    /// How well an entry fits; `None` when it does not.
    fn rank(&self, entry: &ItemEntry, service: &Service) -> Option<Rank> {
        let at_home = self.at_home.contains(&entry.service);
        let set_by_it = self.setters.contains(&entry.service);
        let value_fits = entry
            .value
            .as_ref()
            .map(|value| value.matches(self.query.value));
        let named_host = entry
            .on
            .iter()
            .any(|on| on.is_named() && on.matches(&self.host, &self.site));
        let in_scope = if entry.on.is_empty() {
            match entry.origin {
                Some(StorageOrigin::Site) => self.first_party,
                Some(StorageOrigin::Service) => at_home,
                // Somebody else's domain needs more than a name.
                None => at_home || self.first_party || set_by_it || value_fits == Some(true),
            }
        } else {
            entry.on.iter().any(|on| on.matches(&self.host, &self.site))
        };
        let same_store = self.is_same_store(entry.store);
        if !in_scope || (!same_store && entry.pattern.literals() < FEWEST_LITERALS_ELSEWHERE) {
            return None;
        }
        let contacted = self.query.contacted.contains(&service.id);
        let bound = at_home || named_host || set_by_it || value_fits == Some(true);
        // A name whose value speaks against it counts only where a host speaks for it. Redacted
        // values are empty and say nothing.
        if value_fits == Some(false) && !self.query.value.is_empty() && !bound && !contacted {
            return None;
        }
        Some(Rank {
            bound,
            same_store,
            exact: entry.pattern.exact().is_some(),
            literals: entry.pattern.literals(),
            typed: !entry.pattern.is_untyped(),
            contacted,
        })
    }

    fn is_same_store(&self, store: Store) -> bool {
        match self.query.storage {
            None => store == Store::Cookie,
            Some(StorageKind::LocalStorage) => store == Store::Area(Area::Local),
            Some(StorageKind::SessionStorage) => store == Store::Area(Area::Session),
            Some(StorageKind::IndexedDb) => store == Store::Area(Area::IndexedDb),
            Some(StorageKind::CacheStorage) => store == Store::Area(Area::Cache),
            Some(StorageKind::ServiceWorker | StorageKind::SharedStorage) => false,
        }
    }
}

/// How much a category asks for.
fn strictness(category: Category) -> u8 {
    match category {
        Category::Necessary => 0,
        Category::Unclassified => 1,
        Category::Preferences => 2,
        Category::Analytics => 3,
        Category::Marketing => 4,
    }
}
