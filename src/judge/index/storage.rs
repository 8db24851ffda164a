//! Stored items joined over the visits of a page: their identifiers, where they went, their class.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::catalog::ItemQuery;
use crate::judge::classify::{self, Behaviour, Classification};
use crate::judge::identifier::{self, Clock, Observed};
use crate::judge::item::{self, ItemKey, Lifetime, Record, Stored, is_opt_out};
use crate::judge::knowledge::Knowledge;
use crate::judge::naming;
use crate::model::finding::SubjectKind;
use crate::model::party::{Party, host_of, party_of};
use crate::model::snapshot::{Setter, StorageKind};
use crate::model::visit::PhaseName;

use super::PageIndex;
use super::requests::{self, each_part_sent};

/// Ways of one token out of the browser that are kept for each visit.
const MOST_DEPARTURES: usize = 64;
/// Scripts of one item that the catalog is asked about.
const MOST_SETTERS: usize = 16;

/// One stored thing over all visits of a page.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    /// What makes it one item.
    pub(crate) key: ItemKey,
    /// First or third party.
    pub(crate) party: Party,
    /// Its record in each visit that saw it.
    pub(crate) sightings: Vec<Sighting<'a>>,
    /// The longest lifetime asked for.
    pub(crate) lifetime: Lifetime,
    /// Tokens that identify the visitor, one set for each visit of the page; absent when it is no identifier.
    pub(crate) identifier: Option<Vec<BTreeSet<String>>>,
    /// Host of the third-party script that wrote it, when it lies on the site's own side.
    pub(crate) ghost_writer: Option<String>,
    /// Where its value went.
    pub(crate) departures: Vec<Departure>,
    /// What it is for, and whether it needs consent.
    pub(crate) class: Classification,
}

/// The record of an item in one visit.
#[derive(Debug)]
pub(crate) struct Sighting<'a> {
    /// Number of the visit in the page's index.
    pub(crate) visit: usize,
    /// The record.
    pub(crate) record: Record<'a>,
    /// Writes that left something behind; for a refused cookie, the attempts.
    pub(crate) stored: Vec<Stored<'a>>,
}

/// The value of an item, or a token of it, leaving the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Departure {
    /// Number of the visit in the page's index.
    pub(crate) visit: usize,
    /// First time in that phase, in milliseconds since the visit began.
    pub(crate) at_ms: u64,
    /// In which phase.
    pub(crate) phase: PhaseName,
    /// To which host.
    pub(crate) host: String,
    /// First or third party.
    pub(crate) party: Party,
}

impl Item<'_> {
    /// Whether it tells visitors apart: by behaviour, or because the catalog says so.
    pub(crate) fn identifies(&self) -> bool {
        self.identifier.is_some() || self.class.role.as_deref() == Some("identifier")
    }

    /// Whether the browser refused it in every visit.
    pub(crate) fn attempted_only(&self) -> bool {
        self.sightings
            .iter()
            .all(|sighting| sighting.record.attempted_only())
    }

    /// Third-party hosts its value was sent to, among the departures that `counts` accepts.
    pub(crate) fn recipients(&self, counts: impl Fn(&Departure) -> bool) -> BTreeSet<&str> {
        self.departures
            .iter()
            .filter(|departure| departure.party == Party::Third && counts(departure))
            .map(|departure| departure.host.as_str())
            .collect()
    }

    /// Whether it was stored before a choice, in any visit.
    pub(crate) fn known_before(&self) -> bool {
        self.sightings
            .iter()
            .flat_map(|sighting| &sighting.stored)
            .any(|stored| stored.phase.is_before_choice())
    }

    /// Its name as it stands in the finding's id.
    pub(crate) fn stable_name(&self) -> String {
        self.class
            .pattern
            .clone()
            .unwrap_or_else(|| naming::normalised(&self.key.name))
    }

    /// Whether somebody else than the site wrote it, keeps it or received it.
    pub(crate) fn leaves_the_site(&self, counts: impl Fn(&Departure) -> bool) -> bool {
        self.party == Party::Third
            || self.ghost_writer.is_some()
            || !self.recipients(counts).is_empty()
    }
}

/// Joins everything stored into items and classifies them.
pub(super) fn join(index: &mut PageIndex<'_>, knowledge: &dyn Knowledge) {
    let contacted: BTreeSet<String> = index
        .visits
        .iter()
        .flat_map(|visit| &visit.requests)
        .filter_map(|seen| seen.found.as_ref().map(|found| found.service.clone()))
        .collect();
    let grouped = group(index);
    let values = Values::read(index, &grouped);
    let mut writers = Writers::new(&index.site, knowledge);
    let departures = Departures::of_tokens(index, &values);
    let mut items = Vec::with_capacity(grouped.len());
    for (key, sightings) in grouped {
        let party = sightings
            .first()
            .map_or(Party::First, |sighting| sighting.record.party());
        let lifetime = sightings
            .iter()
            .map(|sighting| sighting.record.lifetime())
            .max()
            .unwrap_or(Lifetime::Session);
        let identifier = values.identifier(&key).map(<[_]>::to_vec);
        let ghost_writer = (party == Party::First)
            .then(|| ghost_writer(&sightings, &mut writers))
            .flatten();
        let departures = departures.of(&sightings, identifier.as_deref(), &index.site);
        let set_by = setters(&sightings);
        let value = sightings
            .iter()
            .map(|sighting| sighting.record.value().text())
            .find(|text| !text.is_empty());
        let query = ItemQuery {
            name: catalog_name(&key),
            host: &key.host,
            storage: storage_kind(key.kind),
            site: &index.site,
            set_by: &set_by,
            value: value.unwrap_or_default(),
            contacted: &contacted,
        };
        let class = classify::classify(
            &query,
            &Behaviour {
                kind: key.kind,
                party,
                lifetime,
                identifies: identifier.is_some(),
                sent_to_third_party: departures
                    .iter()
                    .any(|departure| departure.party == Party::Third),
                written_by_response: sightings.iter().all(|sighting| {
                    matches!(sighting.record.set_by(), Some(Setter::Response { .. }))
                }),
                third_party_writer: ghost_writer.is_some(),
                only_opt_out: sightings
                    .iter()
                    .flat_map(|sighting| &sighting.stored)
                    .all(|stored| is_opt_out(stored.value.text())),
            },
            knowledge,
            index.profile,
        );
        let class = match index.declared.category_of(&key, party) {
            Some((category, entry)) => class.with_declaration(category, entry.form.name()),
            None => class,
        };
        let class = match index.declared.disclosed(&key, party) {
            Some(disclosed) => class.with_disclosure(disclosed),
            None => class,
        };
        items.push(Item {
            key,
            party,
            sightings,
            lifetime,
            identifier,
            ghost_writer,
            departures,
            class,
        });
    }
    index.items = items;
}

/// The name the catalog knows an item by: of an object store, its database's.
fn catalog_name(key: &ItemKey) -> &str {
    match (key.kind, key.name.rsplit_once('/')) {
        (SubjectKind::IndexedDb, Some((database, _store))) => database,
        _ => &key.name,
    }
}

fn storage_kind(kind: SubjectKind) -> Option<StorageKind> {
    match kind {
        SubjectKind::LocalStorage => Some(StorageKind::LocalStorage),
        SubjectKind::SessionStorage => Some(StorageKind::SessionStorage),
        SubjectKind::IndexedDb => Some(StorageKind::IndexedDb),
        SubjectKind::CacheStorage => Some(StorageKind::CacheStorage),
        SubjectKind::ServiceWorker => Some(StorageKind::ServiceWorker),
        SubjectKind::SharedStorage => Some(StorageKind::SharedStorage),
        SubjectKind::Cookie | SubjectKind::Request | SubjectKind::Signal | SubjectKind::Banner => {
            None
        }
    }
}

type Grouped<'a> = BTreeMap<ItemKey, Vec<Sighting<'a>>>;

fn group<'a>(index: &PageIndex<'a>) -> Grouped<'a> {
    let mut grouped: Grouped<'a> = BTreeMap::new();
    for (number, visit) in index.visits.iter().enumerate() {
        let foreign = requests::foreign_hops(visit.visit, index.page, &index.site);
        let cookies = visit.visit.snapshot.cookies.iter().map(Record::Cookie);
        let storage = visit.visit.snapshot.storage.iter().map(Record::Storage);
        for record in cookies.chain(storage) {
            let stored = record.stored();
            let by_a_foreign_hop = matches!(record.set_by(), Some(Setter::Response { url }) if foreign.contains(url.as_str()));
            if stored.is_empty() || by_a_foreign_hop {
                continue;
            }
            grouped
                .entry(ItemKey::of(record))
                .or_default()
                .push(Sighting {
                    visit: number,
                    record,
                    stored,
                });
        }
    }
    for sightings in grouped.values_mut() {
        sightings.sort_by(|left, right| {
            left.visit
                .cmp(&right.visit)
                .then_with(|| item::earlier(&left.stored[0], &right.stored[0]))
        });
    }
    grouped
}

fn setters<'a>(sightings: &[Sighting<'a>]) -> Vec<&'a str> {
    let mut urls: Vec<&'a str> = Vec::new();
    let writers = sightings.iter().flat_map(|sighting| {
        sighting
            .record
            .set_by()
            .into_iter()
            .chain(sighting.stored.iter().filter_map(|stored| stored.set_by))
    });
    for setter in writers {
        let places: Vec<&'a str> = match setter {
            Setter::Response { url } => vec![url],
            Setter::Script { stack } => stack.iter().map(|place| place.url.as_str()).collect(),
        };
        for url in places {
            if urls.len() < MOST_SETTERS && !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

/// Host of the third-party script that wrote an item, if one did in any visit.
fn ghost_writer(sightings: &[Sighting<'_>], writers: &mut Writers<'_>) -> Option<String> {
    sightings
        .iter()
        .flat_map(|sighting| {
            sighting
                .record
                .set_by()
                .into_iter()
                .chain(sighting.stored.iter().filter_map(|stored| stored.set_by))
        })
        .find_map(|setter| match setter {
            Setter::Response { .. } => None,
            Setter::Script { stack } => {
                let writer = stack
                    .iter()
                    .take(MOST_SETTERS)
                    .map(|place| place.url.as_str())
                    .find(|url| !writers.is_library(url))?;
                let host = host_of(writer);
                (!host.is_empty() && party_of(&host, &writers.site) == Party::Third).then_some(host)
            }
        })
}

/// Tells scripts that write for themselves from libraries that write for their caller.
struct Writers<'k> {
    site: String,
    knowledge: &'k dyn Knowledge,
    known: HashMap<String, bool>,
}

impl<'k> Writers<'k> {
    fn new(site: &str, knowledge: &'k dyn Knowledge) -> Self {
        Self {
            site: site.to_owned(),
            knowledge,
            known: HashMap::new(),
        }
    }

    /// A library from a public CDN: whoever called it wrote.
    fn is_library(&mut self, url: &str) -> bool {
        if let Some(known) = self.known.get(url) {
            return *known;
        }
        let is_library = url::Url::parse(url)
            .ok()
            .and_then(|parsed| self.knowledge.match_request(&parsed, &self.site))
            .is_some_and(|found| found.sector == "cdn");
        self.known.insert(url.to_owned(), is_library);
        is_library
    }
}

/// What the values of all items are made of.
struct Values {
    /// Tokens of each item in each visit.
    observed: HashMap<(SubjectKind, String, String), Vec<Observed>>,
    /// Tokens that identify, for the same keys.
    identifying: HashMap<(SubjectKind, String, String), Vec<BTreeSet<String>>>,
}

impl Values {
    fn read(index: &PageIndex<'_>, grouped: &Grouped<'_>) -> Self {
        // Names with a changing part are one item here: their values are compared over the visits.
        let mut observed: HashMap<(SubjectKind, String, String), Vec<Observed>> = HashMap::new();
        for (key, sightings) in grouped {
            let visits = observed
                .entry(values_key(key))
                .or_insert_with(|| vec![Observed::default(); index.visits.len()]);
            for sighting in sightings {
                let started = index.visits[sighting.visit].visit.timing.started;
                let clock = Clock {
                    now_ms: started.as_millisecond(),
                };
                let last = |reloaded: bool| {
                    sighting
                        .stored
                        .iter()
                        .filter(|stored| stored.phase != PhaseName::Emptied)
                        .rfind(|stored| (stored.phase == PhaseName::Revisit) == reloaded)
                        .map(|stored| identifier::tokens(stored.value.text(), clock))
                };
                let visit = &mut visits[sighting.visit];
                for (stage, tokens) in [
                    (&mut visit.loaded, last(false)),
                    (&mut visit.reloaded, last(true)),
                ] {
                    if let Some(tokens) = tokens {
                        stage.get_or_insert_default().extend(tokens);
                    }
                }
            }
        }
        let identifying = observed
            .iter()
            .filter_map(|(key, visits)| Some((key.clone(), identifier::identifying(visits)?)))
            .collect();
        Self {
            observed,
            identifying,
        }
    }

    fn identifier(&self, key: &ItemKey) -> Option<&[BTreeSet<String>]> {
        self.identifying.get(&values_key(key)).map(Vec::as_slice)
    }
}

fn values_key(key: &ItemKey) -> (SubjectKind, String, String) {
    (key.kind, key.host.clone(), naming::normalised(&key.name))
}

/// Where tokens of stored values went, for each visit.
struct Departures {
    by_token: Vec<HashMap<String, Vec<Departure>>>,
    clocks: Vec<Clock>,
}

impl Departures {
    /// One pass over all requests: a token is looked up, never searched for.
    fn of_tokens(index: &PageIndex<'_>, values: &Values) -> Self {
        let mut by_token = Vec::with_capacity(index.visits.len());
        for (number, visit) in index.visits.iter().enumerate() {
            // A token may also leave as a digest of it.
            let mut wanted: HashMap<String, String> = HashMap::new();
            for visits in values.observed.values() {
                let Some(observed) = visits.get(number) else {
                    continue;
                };
                for token in [&observed.loaded, &observed.reloaded]
                    .into_iter()
                    .flatten()
                    .flatten()
                {
                    for digest in identifier::digests(token) {
                        wanted.insert(digest, token.clone());
                    }
                    wanted.insert(token.clone(), token.clone());
                }
            }
            let mut departures: HashMap<String, Vec<Departure>> = HashMap::new();
            if !wanted.is_empty() {
                for seen in &visit.requests {
                    each_part_sent(seen, &mut |part| {
                        let Some(token) = wanted.get(part) else {
                            return;
                        };
                        let known = departures.entry(token.clone()).or_default();
                        let is_new = known.iter().all(|departure| {
                            departure.host != seen.host || departure.phase != seen.request.phase
                        });
                        if is_new && known.len() < MOST_DEPARTURES {
                            known.push(Departure {
                                visit: number,
                                at_ms: seen.request.at_ms,
                                phase: seen.request.phase,
                                host: seen.host.clone(),
                                party: seen.party(),
                            });
                        }
                    });
                }
            }
            by_token.push(departures);
        }
        let clocks = index
            .visits
            .iter()
            .map(|visit| Clock {
                now_ms: visit.visit.timing.started.as_millisecond(),
            })
            .collect();
        Self { by_token, clocks }
    }

    /// Where an item went: as a cookie the browser sent, or as a token in an address or a body.
    ///
    /// Of an identifier only the tokens that identify count; of anything else every telling token.
    fn of(
        &self,
        sightings: &[Sighting<'_>],
        identifier: Option<&[BTreeSet<String>]>,
        site: &str,
    ) -> Vec<Departure> {
        let mut departures: Vec<Departure> = Vec::new();
        let mut known: BTreeSet<(usize, PhaseName, String)> = BTreeSet::new();
        let mut add = |departure: Departure| {
            if known.insert((departure.visit, departure.phase, departure.host.clone())) {
                departures.push(departure);
            }
        };
        for sighting in sightings {
            for sent in sighting.record.sent().iter().take(MOST_DEPARTURES) {
                add(Departure {
                    visit: sighting.visit,
                    at_ms: sent.at_ms,
                    phase: sent.phase,
                    host: sent.host.clone(),
                    party: party_of(&sent.host, site),
                });
            }
            let telling: BTreeSet<String> = match identifier {
                Some(visits) => visits.get(sighting.visit).cloned().unwrap_or_default(),
                None => sighting
                    .stored
                    .last()
                    .map(|stored| {
                        identifier::tokens(stored.value.text(), self.clocks[sighting.visit])
                    })
                    .unwrap_or_default(),
            };
            for token in &telling {
                for departure in self.by_token[sighting.visit]
                    .get(token)
                    .into_iter()
                    .flatten()
                {
                    add(departure.clone());
                }
            }
        }
        departures
    }
}
