//! Local and session storage of every frame.
//!
//! Three sources: the hook knows who wrote, the browser's `DOMStorage` events also see writes the
//! hook cannot (`localStorage.key = value`), and the areas read at the end of a phase catch the rest.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::{Clock, MOST_ITEMS, cut};
use crate::model::party::{Party, host_of, party_of};
use crate::model::snapshot::{Effect, Setter, StorageEntry, StorageKind, Write};
use crate::model::value::Value;

/// Most writes of one entry kept.
const MOST_WRITES: usize = 200;
/// Two reports of the same value within this time are the same write, in milliseconds.
const SAME_WRITE_MS: u64 = 3_000;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    kind: StorageKind,
    origin: String,
    partition: Option<String>,
    name: String,
}

#[derive(Debug, Clone)]
struct RecordedWrite {
    at_ms: u64,
    value: Value,
    deleted: bool,
    set_by: Option<Setter>,
}

#[derive(Debug, Clone, Default)]
struct RecordedEntry {
    writes: Vec<RecordedWrite>,
    alive: bool,
    /// The browser itself named the partition.
    named: bool,
}

/// Everything heard of storage.
#[derive(Debug, Default)]
pub(super) struct StorageLog {
    entries: BTreeMap<Key, RecordedEntry>,
}

impl StorageLog {
    fn entry(&mut self, key: Key) -> Option<&mut RecordedEntry> {
        if self.entries.len() >= MOST_ITEMS && !self.entries.contains_key(&key) {
            return None;
        }
        Some(self.entries.entry(key).or_default())
    }

    fn write(&mut self, at_ms: u64, key: Key, value: &str, set_by: Option<Setter>) {
        let Some(entry) = self.entry(key) else { return };
        entry.alive = true;
        let value = Value::new(value);
        if let Some(last) = entry.writes.last_mut()
            && !last.deleted
            && last.value == value
            && (set_by.is_none() || at_ms.saturating_sub(last.at_ms) < SAME_WRITE_MS)
        {
            last.set_by = last.set_by.take().or(set_by);
            return;
        }
        if entry.writes.len() < MOST_WRITES {
            entry.writes.push(RecordedWrite {
                at_ms,
                value,
                deleted: false,
                set_by,
            });
        }
    }

    fn remove(&mut self, at_ms: u64, key: &Key) {
        if let Some(entry) = self.entries.get_mut(key).filter(|entry| entry.alive) {
            entry.alive = false;
            if entry.writes.len() < MOST_WRITES {
                entry.writes.push(RecordedWrite {
                    at_ms,
                    value: Value::new(""),
                    deleted: true,
                    set_by: None,
                });
            }
        }
    }

    /// A `setItem` the hook saw.
    pub(super) fn script_wrote(&mut self, at_ms: u64, report: &Json, set_by: Setter) {
        let kind = if report["area"] == "local" {
            StorageKind::LocalStorage
        } else {
            StorageKind::SessionStorage
        };
        let (Some(origin), Some(key), Some(value)) = (
            report["origin"].as_str(),
            report["key"].as_str(),
            report["value"].as_str(),
        ) else {
            return;
        };
        let key = self.unnamed(kind, origin, key, value);
        self.write(at_ms, key, value, Some(set_by));
    }

    /// The key of an entry whose partition is not known: of the entry with that value, or of the origin's only partition.
    fn unnamed(&self, kind: StorageKind, origin: &str, name: &str, value: &str) -> Key {
        let (origin, name) = (cut(origin), cut(name));
        let value = Value::new(value);
        let mut same_value = self.entries.iter().filter(|(key, entry)| {
            key.kind == kind
                && key.origin == origin
                && key.name == name
                && entry.writes.last().is_some_and(|last| last.value == value)
        });
        if let Some((key, _)) = same_value.next() {
            return key.clone();
        }
        Key {
            kind,
            origin: origin.to_owned(),
            partition: self.partition_of(kind, origin),
            name: name.to_owned(),
        }
    }

    /// The partition of an origin, when only one is known.
    fn partition_of(&self, kind: StorageKind, origin: &str) -> Option<String> {
        let mut known = self
            .entries
            .keys()
            .filter(|key| key.kind == kind && key.origin == origin)
            .map(|key| &key.partition);
        let first = known.next()?;
        if known.all(|other| other == first) {
            first.clone()
        } else {
            None
        }
    }

    /// A `DOMStorage` event.
    pub(super) fn take(&mut self, at_ms: u64, method: &str, params: &Json) {
        let id = &params["storageId"];
        let kind = if id["isLocalStorage"].as_bool() == Some(true) {
            StorageKind::LocalStorage
        } else {
            StorageKind::SessionStorage
        };
        let (origin, partition) = match id["storageKey"].as_str() {
            Some(key) => origin_and_partition(key),
            None => (
                id["securityOrigin"].as_str().unwrap_or_default().to_owned(),
                None,
            ),
        };
        if origin.is_empty() {
            return;
        }
        if let Some(name) = params["key"].as_str() {
            self.name_partition(&Key {
                kind,
                origin: origin.clone(),
                partition: partition.clone(),
                name: cut(name).to_owned(),
            });
        }
        let key = |name: &str| Key {
            kind,
            origin: origin.clone(),
            partition: partition.clone(),
            name: cut(name).to_owned(),
        };
        match method {
            "DOMStorage.domStorageItemAdded" | "DOMStorage.domStorageItemUpdated" => {
                if let (Some(name), Some(value)) =
                    (params["key"].as_str(), params["newValue"].as_str())
                {
                    self.write(at_ms, key(name), value, None);
                }
            }
            "DOMStorage.domStorageItemRemoved" => {
                if let Some(name) = params["key"].as_str() {
                    self.remove(at_ms, &key(name));
                }
            }
            "DOMStorage.domStorageItemsCleared" => {
                let gone: Vec<Key> = self
                    .entries
                    .keys()
                    .filter(|known| {
                        known.kind == kind && known.origin == origin && known.partition == partition
                    })
                    .cloned()
                    .collect();
                for key in gone {
                    self.remove(at_ms, &key);
                }
            }
            _ => {}
        }
    }

    /// An entry the hook reported first is moved to the partition the browser names.
    fn name_partition(&mut self, key: &Key) {
        if !self.entries.contains_key(key) {
            let stray = self.entries.iter().find(|(known, entry)| {
                !entry.named
                    && known.kind == key.kind
                    && known.origin == key.origin
                    && known.name == key.name
            });
            if let Some(stray) = stray.map(|(stray, _)| stray.clone())
                && let Some(entry) = self.entries.remove(&stray)
            {
                self.entries.insert(key.clone(), entry);
            }
        }
        if let Some(entry) = self.entry(key.clone()) {
            entry.named = true;
        }
    }

    /// A frame's areas, read from its own document.
    pub(super) fn compare_with_areas(&mut self, at_ms: u64, areas: &Json) {
        let Some(origin) = areas["origin"]
            .as_str()
            .filter(|origin| origin.contains("://"))
        else {
            return;
        };
        for (kind, field) in [
            (StorageKind::LocalStorage, "local"),
            (StorageKind::SessionStorage, "session"),
        ] {
            for (name, value) in areas[field].as_object().into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                let key = self.unnamed(kind, origin, name, value);
                self.write(at_ms, key, value, None);
            }
        }
    }

    /// Keys, values and areas of the living entries of a site.
    pub(super) fn values(&self, site: &str) -> Vec<(String, String, Option<StorageKind>)> {
        self.entries
            .iter()
            .filter(|(key, entry)| {
                entry.alive && party_of(&host_of(&key.origin), site) == Party::First
            })
            .filter_map(|(key, entry)| {
                Some((
                    key.name.clone(),
                    entry.writes.last()?.value.text().to_owned(),
                    Some(key.kind),
                ))
            })
            .collect()
    }

    /// Every entry ever written, with its phases.
    pub(super) fn entries(&self, clock: &Clock, site: &str) -> Vec<StorageEntry> {
        self.entries
            .iter()
            .filter_map(|(key, entry)| {
                let first = entry.writes.iter().find(|write| !write.deleted)?;
                let last = entry.writes.iter().rev().find(|write| !write.deleted)?;
                Some(StorageEntry {
                    kind: key.kind,
                    origin: key.origin.clone(),
                    partition: key.partition.clone(),
                    key: key.name.clone(),
                    party: party_of(&host_of(&key.origin), site),
                    value: last.value.clone(),
                    set_by: entry.writes.iter().find_map(|write| write.set_by.clone()),
                    at_ms: first.at_ms,
                    phase: clock.phase_at(first.at_ms),
                    writes: written(
                        entry.writes.iter().map(|write| {
                            let RecordedWrite {
                                at_ms,
                                value,
                                deleted,
                                set_by,
                            } = write;
                            (*at_ms, value.clone(), *deleted, set_by.clone())
                        }),
                        clock,
                    ),
                    alive: entry.alive,
                })
            })
            .collect()
    }
}

/// The writes of an entry of any storage but cookies, each with what it did to the one before.
pub(super) fn written(
    writes: impl Iterator<Item = (u64, Value, bool, Option<Setter>)>,
    clock: &Clock,
) -> Vec<Write> {
    let mut there: Option<Value> = None;
    writes
        .map(|(at_ms, value, deleted, set_by)| {
            let effect = match &there {
                _ if deleted => Effect::Deleted,
                None => Effect::Created,
                Some(before) if *before == value => Effect::Unchanged,
                Some(_) => Effect::Overwritten,
            };
            there = (!deleted).then(|| value.clone());
            Write {
                at_ms,
                phase: clock.phase_at(at_ms),
                value,
                lifetime_s: None,
                deleted,
                effect,
                refused: Vec::new(),
                set_by,
                line: None,
            }
        })
        .collect()
}

/// Splits a storage key into its origin and what it is partitioned by.
///
/// Chromium's serialisation (`blink::StorageKey::Serialize`) is the origin with a slash, then parts that each begin
/// with `^` and a digit: 0 a top-level site, 3 a frame of another site in between, 1 and 2 a nonce of a
/// frame that is kept apart from everything, 4 to 6 a top-level site without a name.
pub(super) fn origin_and_partition(key: &str) -> (String, Option<String>) {
    let mut parts = key.split('^');
    let origin = cut(parts.next().unwrap_or_default())
        .trim_end_matches('/')
        .to_owned();
    let partition = parts.find_map(|part| {
        let mut rest = part.chars();
        match rest.next()? {
            '0' => Some(cut(rest.as_str()).to_owned()),
            '3' => (rest.as_str() != "0").then(|| "cross-site-ancestor".to_owned()),
            '1' | '2' => Some("nonce".to_owned()),
            '4' | '5' | '6' => Some("opaque".to_owned()),
            _ => None,
        }
    });
    (origin, partition)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::real_clock;
    use super::*;

    fn event(key: &str, value: &str) -> Json {
        json!({"storageId": {"storageKey": "https://f.test/^0https://shop.test", "isLocalStorage": true}, "key": key, "newValue": value})
    }

    #[test]
    fn storage_keys_name_their_partition() {
        assert_eq!(
            origin_and_partition("https://a.test/"),
            ("https://a.test".to_owned(), None)
        );
        assert_eq!(
            origin_and_partition("https://a.test/^0https://b.test"),
            (
                "https://a.test".to_owned(),
                Some("https://b.test".to_owned())
            )
        );
        for (key, partition) in [
            ("https://a.test/^31", Some("cross-site-ancestor")),
            ("https://a.test/^1123^2456", Some("nonce")),
            ("https://a.test/^4123^5456^6https://b.test", Some("opaque")),
            ("https://a.test/^", None),
            ("https://a.test/^é", None),
        ] {
            let (origin, found) = origin_and_partition(key);
            assert_eq!(
                (origin.as_str(), found.as_deref()),
                ("https://a.test", partition),
                "{key}"
            );
        }
    }

    #[test]
    fn the_hook_and_the_event_are_one_write() {
        let mut log = StorageLog::default();
        let report =
            json!({"area": "local", "origin": "https://f.test", "key": "id", "value": "7"});
        log.script_wrote(5, &report, Setter::Script { stack: Vec::new() });
        log.take(6, "DOMStorage.domStorageItemAdded", &event("id", "7"));
        log.compare_with_areas(
            9_000,
            &json!({"origin": "https://f.test", "local": {"id": "7"}, "session": {}}),
        );
        let entries = log.entries(&real_clock(), "shop.test");
        assert_eq!(entries.len(), 1);
        assert_eq!(entries[0].writes.len(), 1);
        assert_eq!(entries[0].partition.as_deref(), Some("https://shop.test"));
        assert_eq!(entries[0].party, Party::Third);
        assert!(entries[0].set_by.is_some());
    }

    #[test]
    fn partitions_of_one_origin_are_kept_apart() {
        let mut log = StorageLog::default();
        let named = |key: &str, name: &str| json!({"storageId": {"storageKey": key, "isLocalStorage": true}, "key": name, "newValue": "1"});
        let report = |name: &str| json!({"area": "local", "origin": "https://shop.test", "key": name, "value": "1"});
        for (key, name) in [
            ("https://shop.test/", "top"),
            ("https://shop.test/^31", "nested"),
        ] {
            log.script_wrote(1, &report(name), Setter::Script { stack: Vec::new() });
            log.take(2, "DOMStorage.domStorageItemAdded", &named(key, name));
        }
        log.compare_with_areas(
            9_000,
            &json!({"origin": "https://shop.test", "local": {"nested": "1"}, "session": {}}),
        );
        let entries = log.entries(&real_clock(), "shop.test");
        let seen: Vec<_> = entries
            .iter()
            .map(|entry| {
                (
                    entry.key.as_str(),
                    entry.partition.as_deref(),
                    entry.writes.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [("top", None, 1), ("nested", Some("cross-site-ancestor"), 1)]
        );
    }

    #[test]
    fn written_and_removed_still_counts_as_written() {
        let mut log = StorageLog::default();
        log.take(1, "DOMStorage.domStorageItemAdded", &event("id", "7"));
        log.take(2, "DOMStorage.domStorageItemRemoved", &event("id", ""));
        let entries = log.entries(&real_clock(), "shop.test");
        assert_eq!((entries[0].value.text(), entries[0].alive), ("7", false));
    }
}
