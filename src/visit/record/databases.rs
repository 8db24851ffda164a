//! `IndexedDB`, the Cache API, service workers' registrations and Shared Storage.
//!
//! Three sources are joined: the hook knows who wrote, the browser's events name what changed even if
//! it is gone at once and whoever wrote it, and what is read at the end of a phase knows the contents.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::storage::{origin_and_partition, written};
use super::{Clock, MOST_ITEMS, cut};
use crate::model::party::{host_of, party_of};
use crate::model::snapshot::{Setter, StorageEntry, StorageKind};
use crate::model::value::Value;

/// Most writes of one entry kept.
const MOST_WRITES: usize = 200;
/// An event this soon after a script's report is of the same write, in milliseconds.
const SAME_WRITE_MS: u64 = 3_000;
/// Most registrations of service workers, and most reports of scripts that wait for theirs.
const MOST_REGISTRATIONS: usize = 1_000;

/// Something found when a storage was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Name of the database or the cache.
    pub name: String,
    /// The object store; absent for a cache and for the database itself.
    pub store: Option<String>,
    /// What is in it, as [`StorageEntry`] describes it.
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: StorageKind,
    origin: String,
    partition: Option<String>,
    name: String,
    store: Option<String>,
}

#[derive(Debug, Clone)]
struct RecordedWrite {
    at_ms: u64,
    value: Value,
    deleted: bool,
    set_by: Option<Setter>,
}

#[derive(Debug, Clone, Default)]
struct Entry {
    writes: Vec<RecordedWrite>,
    alive: bool,
    /// As last read, and how many writes were known then.
    read: Option<(Value, usize)>,
    /// Nobody named the partition yet.
    guessed: bool,
}

impl Entry {
    fn push(&mut self, write: RecordedWrite) {
        self.alive = !write.deleted;
        if self.writes.len() < MOST_WRITES {
            self.writes.push(write);
        }
    }

    fn remove(&mut self, at_ms: u64, set_by: Option<Setter>) {
        if self.alive {
            self.push(RecordedWrite {
                at_ms,
                value: Value::new(""),
                deleted: true,
                set_by,
            });
        }
    }

    /// What was read is what the last write left, or a write nobody saw.
    fn read(&mut self, at_ms: u64, content: &str) {
        let value = Value::new(content);
        if let Some((before, writes)) = &self.read
            && self.alive
            && *writes == self.writes.len()
            && *before == value
        {
            return;
        }
        let known = self.read.as_ref().map_or(0, |(_, writes)| *writes);
        let unread = self.writes.len() > known;
        match self
            .writes
            .last_mut()
            .filter(|last| unread && !last.deleted)
        {
            Some(last) => last.value = value.clone(),
            None => self.push(RecordedWrite {
                at_ms,
                value: value.clone(),
                deleted: false,
                set_by: None,
            }),
        }
        self.alive = true;
        self.read = Some((value, self.writes.len()));
    }
}

/// A service worker's registration, as the browser's events tell it.
#[derive(Debug, Clone, Default)]
struct Registration {
    scope: String,
    at_ms: u64,
    script: String,
    /// A version of it was installed, at least in part: until then nothing is stored.
    stored: bool,
    removed_ms: Option<u64>,
}

/// Everything heard of these storages.
#[derive(Debug, Default)]
pub(super) struct DatabaseLog {
    entries: BTreeMap<Key, Entry>,
    /// When the browser last said that databases, or caches, of a storage key came or went.
    listed: BTreeMap<(StorageKind, String), u64>,
    /// Partitions of each origin, as far as known.
    places: BTreeMap<String, BTreeSet<Option<String>>>,
    registrations: BTreeMap<String, Registration>,
    /// Who asked for registrations: scope, and when.
    registered_by: Vec<(String, u64, Setter)>,
    /// Partitions of service workers, by the address of their script.
    worker_places: HashMap<String, Option<String>>,
}

impl DatabaseLog {
    /// A frame or a worker of this storage key exists.
    pub(super) fn place(&mut self, storage_key: &str) {
        let (origin, partition) = origin_and_partition(storage_key);
        if self.places.len() < MOST_ITEMS {
            self.places.entry(origin).or_default().insert(partition);
        }
    }

    /// A service worker runs under this storage key.
    pub(super) fn worker_place(&mut self, script: &str, storage_key: &str) {
        self.place(storage_key);
        if self.worker_places.len() < MOST_REGISTRATIONS {
            self.worker_places
                .insert(cut(script).to_owned(), origin_and_partition(storage_key).1);
        }
    }

    /// The partition of an origin, and whether it is the only one known.
    fn only_place(&self, origin: &str) -> (Option<String>, bool) {
        match self.places.get(origin) {
            Some(places) if places.len() == 1 => (places.first().cloned().flatten(), true),
            _ => (None, false),
        }
    }

    fn entry(&mut self, key: Key) -> Option<&mut Entry> {
        if self.entries.len() >= MOST_ITEMS && !self.entries.contains_key(&key) {
            return None;
        }
        if key.partition.is_some() && !self.entries.contains_key(&key) {
            self.adopt(&key);
        }
        Some(self.entries.entry(key).or_default())
    }

    /// What a script reported before its partition was known belongs to the one the browser names.
    fn adopt(&mut self, key: &Key) {
        let stray = Key {
            partition: None,
            ..key.clone()
        };
        if self.entries.get(&stray).is_some_and(|entry| entry.guessed)
            && let Some(entry) = self.entries.remove(&stray)
        {
            self.entries.insert(
                key.clone(),
                Entry {
                    guessed: false,
                    ..entry
                },
            );
        }
    }

    /// A script wrote: `{kind, origin, name, store, operation, value}`.
    ///
    /// `name` is the database, the cache, the scope or the key; `operation` the function called, such as
    /// `put` or `IDBObjectStore.put`.
    pub(super) fn script_wrote(&mut self, at_ms: u64, report: &Json, setter: Setter) {
        let (Some(kind), Some(origin)) = (
            kind_of(report["kind"].as_str().unwrap_or_default()),
            report["origin"]
                .as_str()
                .filter(|origin| origin.contains("://")),
        ) else {
            return;
        };
        let name = cut(report["name"].as_str().unwrap_or_default());
        let value = report["value"].as_str().unwrap_or_default();
        let operation = report["operation"].as_str().unwrap_or_default();
        let (owner, function) = operation.rsplit_once('.').unwrap_or(("", operation));
        if kind == StorageKind::ServiceWorker {
            if function == "register" && self.registered_by.len() < MOST_REGISTRATIONS {
                let scope = scope_of(origin, name, value);
                self.registered_by.push((scope, at_ms, setter));
            }
            return;
        }
        let (partition, known) = self.only_place(origin);
        let key = Key {
            kind,
            origin: cut(origin).to_owned(),
            partition,
            name: name.to_owned(),
            store: report["store"]
                .as_str()
                .filter(|_| kind == StorageKind::IndexedDb)
                .map(|store| cut(store).to_owned()),
        };
        let removes = match kind {
            StorageKind::IndexedDb => matches!(function, "deleteDatabase" | "deleteObjectStore"),
            StorageKind::CacheStorage => function == "delete" && owner == "CacheStorage",
            _ => matches!(function, "delete" | "clear"),
        };
        if removes {
            self.remove(at_ms, &key, Some(&setter));
            return;
        }
        let Some(entry) = self.entry(key) else { return };
        entry.guessed |= !known && entry.writes.is_empty();
        // Opening what is there writes nothing.
        if function == "open" && entry.alive {
            return;
        }
        let joined = entry.writes.last_mut().filter(|last| {
            last.set_by.is_none()
                && !last.deleted
                && at_ms.saturating_sub(last.at_ms) < SAME_WRITE_MS
        });
        match joined {
            Some(last) => last.set_by = Some(setter),
            None => entry.push(RecordedWrite {
                at_ms,
                value: Value::new(value),
                deleted: false,
                set_by: Some(setter),
            }),
        }
    }

    /// Removes an entry; a database takes its object stores with it.
    fn remove(&mut self, at_ms: u64, key: &Key, set_by: Option<&Setter>) {
        for (known, entry) in &mut self.entries {
            if known.kind == key.kind
                && known.origin == key.origin
                && known.partition == key.partition
                && known.name == key.name
                && (key.store.is_none() || known.store == key.store)
            {
                entry.remove(at_ms, set_by.cloned());
            }
        }
    }

    /// An event of the Storage domain: something in a database or a cache changed.
    pub(super) fn changed(&mut self, at_ms: u64, method: &str, params: &Json) {
        let came_or_went = match method {
            "Storage.indexedDBListUpdated" => Some(StorageKind::IndexedDb),
            "Storage.cacheStorageListUpdated" => Some(StorageKind::CacheStorage),
            _ => None,
        };
        if let (Some(kind), Some(key)) = (came_or_went, params["storageKey"].as_str()) {
            if self.listed.len() < MOST_ITEMS {
                self.listed.insert((kind, cut(key).to_owned()), at_ms);
            }
            return;
        }
        let (kind, name, store) = match method {
            "Storage.indexedDBContentUpdated" => (
                StorageKind::IndexedDb,
                params["databaseName"].as_str(),
                params["objectStoreName"].as_str(),
            ),
            "Storage.cacheStorageContentUpdated" => (
                StorageKind::CacheStorage,
                params["cacheName"].as_str(),
                None,
            ),
            _ => return,
        };
        let (Some(storage_key), Some(name)) = (params["storageKey"].as_str(), name) else {
            return;
        };
        let (origin, partition) = origin_and_partition(storage_key);
        let key = Key {
            kind,
            origin,
            partition,
            name: cut(name).to_owned(),
            store: store.map(|store| cut(store).to_owned()),
        };
        let Some(entry) = self.entry(key) else { return };
        // The event of a write comes later than the write, and may come after its deletion.
        let known = entry
            .writes
            .last()
            .is_some_and(|last| at_ms.saturating_sub(last.at_ms) < SAME_WRITE_MS);
        if !known {
            entry.push(RecordedWrite {
                at_ms,
                value: Value::new(""),
                deleted: false,
                set_by: None,
            });
        }
    }

    /// All databases, or all caches, of one storage key as they stand. What is not among them is gone.
    pub(super) fn compare(
        &mut self,
        at_ms: u64,
        kind: StorageKind,
        storage_key: &str,
        seen: &[Seen],
    ) {
        let (origin, partition) = origin_and_partition(storage_key);
        let mut there = BTreeSet::new();
        for Seen {
            name,
            store,
            content,
        } in seen
        {
            let key = Key {
                kind,
                origin: origin.clone(),
                partition: partition.clone(),
                name: cut(name).to_owned(),
                store: store.as_deref().map(|store| cut(store).to_owned()),
            };
            there.insert(key.clone());
            if let Some(entry) = self.entry(key) {
                entry.guessed = false;
                entry.read(at_ms, content);
            }
        }
        let gone_ms = self
            .listed
            .get(&(kind, cut(storage_key).to_owned()))
            .copied()
            .unwrap_or(at_ms);
        for (key, entry) in &mut self.entries {
            if key.kind == kind
                && key.origin == origin
                && key.partition == partition
                && !there.contains(key)
            {
                let written_ms = entry.writes.last().map_or(0, |last| last.at_ms);
                let gone_ms = if gone_ms >= written_ms {
                    gone_ms
                } else {
                    at_ms
                };
                entry.remove(gone_ms, None);
            }
        }
    }

    /// An event of the `ServiceWorker` domain.
    pub(super) fn registration(&mut self, at_ms: u64, method: &str, params: &Json) {
        for told in params["registrations"].as_array().into_iter().flatten() {
            let (Some(id), Some(scope)) =
                (told["registrationId"].as_str(), told["scopeURL"].as_str())
            else {
                continue;
            };
            if self.registrations.len() >= MOST_REGISTRATIONS
                && !self.registrations.contains_key(id)
            {
                continue;
            }
            let known = self
                .registrations
                .entry(cut(id).to_owned())
                .or_insert_with(|| Registration {
                    scope: cut(scope).to_owned(),
                    at_ms,
                    ..Registration::default()
                });
            if told["isDeleted"].as_bool() == Some(true) {
                known.removed_ms.get_or_insert(at_ms);
            }
        }
        if method != "ServiceWorker.workerVersionUpdated" {
            return;
        }
        for version in params["versions"].as_array().into_iter().flatten() {
            let known = version["registrationId"]
                .as_str()
                .and_then(|id| self.registrations.get_mut(id));
            let Some(known) = known else { continue };
            if let Some(script) = version["scriptURL"].as_str() {
                cut(script).clone_into(&mut known.script);
            }
            known.stored |= matches!(
                version["status"].as_str(),
                Some("installing" | "installed" | "activating" | "activated")
            );
        }
    }

    /// Every entry ever written, with its phases.
    pub(super) fn entries(&self, clock: &Clock, site: &str) -> Vec<StorageEntry> {
        let with_stores: BTreeSet<(&str, &str, Option<&str>)> = self
            .entries
            .keys()
            .filter(|key| key.store.is_some())
            .map(|key| {
                (
                    key.origin.as_str(),
                    key.name.as_str(),
                    key.partition.as_deref(),
                )
            })
            .collect();
        let has_stores = |key: &Key, entry: &Entry| {
            let (origin, name) = (key.origin.as_str(), key.name.as_str());
            if entry.guessed {
                let first = with_stores.range((origin, name, None)..).next();
                first.is_some_and(|(of, known, _)| (*of, *known) == (origin, name))
            } else {
                with_stores.contains(&(origin, name, key.partition.as_deref()))
            }
        };
        let mut entries: Vec<StorageEntry> = self
            .entries
            .iter()
            // A database with object stores is told by them. Where a script's report left open which
            // partition it is in, any with stores may be the one.
            .filter(|(key, entry)| {
                key.store.is_some() || key.kind != StorageKind::IndexedDb || !has_stores(key, entry)
            })
            .filter_map(|(key, entry)| self.finished(key, entry, clock, site))
            .collect();
        entries.extend(
            self.registrations
                .values()
                .filter(|known| known.stored)
                .map(|known| self.registered(known, clock, site)),
        );
        entries
    }

    fn finished(
        &self,
        key: &Key,
        entry: &Entry,
        clock: &Clock,
        site: &str,
    ) -> Option<StorageEntry> {
        let first = entry.writes.iter().find(|write| !write.deleted)?;
        let last = entry
            .writes
            .iter()
            .rfind(|write| !write.deleted && write.value.length > 0)
            .unwrap_or(first);
        let partition = if entry.guessed {
            self.only_place(&key.origin).0
        } else {
            key.partition.clone()
        };
        // Whoever opened the database made the store, when nobody was seen doing it.
        let opener = || {
            let of_database = Key {
                store: None,
                ..key.clone()
            };
            let writes = &self.entries.get(&of_database)?.writes;
            writes.iter().find_map(|write| write.set_by.clone())
        };
        Some(StorageEntry {
            kind: key.kind,
            origin: key.origin.clone(),
            partition,
            key: match &key.store {
                // The last slash parts the two.
                Some(store) => format!("{}/{}", key.name, store.replace('/', "%2F")),
                None => key.name.clone(),
            },
            party: party_of(&host_of(&key.origin), site),
            value: match &entry.read {
                Some((value, _)) => value.clone(),
                None => last.value.clone(),
            },
            set_by: entry
                .writes
                .iter()
                .find_map(|write| write.set_by.clone())
                .or_else(opener),
            at_ms: first.at_ms,
            phase: clock.phase_at(first.at_ms),
            writes: written(
                entry.writes.iter().map(|write| {
                    (
                        write.at_ms,
                        write.value.clone(),
                        write.deleted,
                        write.set_by.clone(),
                    )
                }),
                clock,
            ),
            alive: entry.alive,
        })
    }

    fn registered(&self, known: &Registration, clock: &Clock, site: &str) -> StorageEntry {
        let origin = url::Url::parse(&known.scope).map_or_else(
            |_| known.scope.clone(),
            |scope| scope.origin().ascii_serialization(),
        );
        let partition = match self.worker_places.get(&known.script) {
            Some(partition) => partition.clone(),
            None => self.only_place(&origin).0,
        };
        let set_by = self
            .registered_by
            .iter()
            .find(|(scope, _, _)| *scope == known.scope)
            .map(|(_, _, setter)| setter.clone());
        let value = Value::new(&known.script);
        let made = (known.at_ms, value.clone(), false, set_by.clone());
        let removed = known
            .removed_ms
            .map(|at_ms| (at_ms, Value::new(""), true, None));
        StorageEntry {
            kind: StorageKind::ServiceWorker,
            party: party_of(&host_of(&origin), site),
            origin,
            partition,
            key: known.scope.clone(),
            value,
            set_by,
            at_ms: known.at_ms,
            phase: clock.phase_at(known.at_ms),
            writes: written(std::iter::once(made).chain(removed), clock),
            alive: known.removed_ms.is_none(),
        }
    }
}

fn kind_of(word: &str) -> Option<StorageKind> {
    Some(match word {
        "indexed-db" => StorageKind::IndexedDb,
        "cache-storage" => StorageKind::CacheStorage,
        "service-worker" => StorageKind::ServiceWorker,
        "shared-storage" => StorageKind::SharedStorage,
        _ => return None,
    })
}

/// The scope a script asked for: as given, or the folder of the worker's script (Service Workers, 3.4.3).
fn scope_of(origin: &str, scope: &str, script: &str) -> String {
    let base = url::Url::parse(script)
        .or_else(|_| url::Url::parse(origin).and_then(|origin| origin.join(script)));
    let wanted = if scope.is_empty() { "./" } else { scope };
    match base.and_then(|base| base.join(wanted)) {
        Ok(mut url) => {
            url.set_fragment(None);
            cut(url.as_str()).to_owned()
        }
        Err(_) => scope.to_owned(),
    }
}

#[cfg(test)]
mod tests;
