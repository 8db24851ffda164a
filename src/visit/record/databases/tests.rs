//! Reports of scripts, events of the browser and what is read, in any order.

use serde_json::json;

use super::*;
use crate::model::party::Party;
use crate::model::snapshot::Effect;

const KEY: &str = "https://f.test/^0https://shop.test";

fn script() -> Setter {
    Setter::Script { stack: Vec::new() }
}

fn report(operation: &str, store: Option<&str>) -> Json {
    json!({"kind": "indexed-db", "origin": "https://f.test", "name": "db", "store": store, "operation": operation, "value": "v"})
}

fn put_event() -> Json {
    json!({"origin": "https://f.test", "storageKey": KEY, "databaseName": "db", "objectStoreName": "st"})
}

fn seen(store: Option<&str>, content: &str) -> Seen {
    Seen {
        name: "db".to_owned(),
        store: store.map(str::to_owned),
        content: content.to_owned(),
    }
}

fn entries(log: &DatabaseLog) -> Vec<StorageEntry> {
    log.entries(&crate::visit::record::real_clock(), "shop.test")
}

#[test]
fn script_event_and_reading_are_one_write() {
    let mut log = DatabaseLog::default();
    log.script_wrote(1, &report("IDBFactory.open", None), script());
    log.script_wrote(2, &report("IDBObjectStore.put", Some("st")), script());
    log.changed(3, "Storage.indexedDBContentUpdated", &put_event());
    log.compare(
        9_000,
        StorageKind::IndexedDb,
        KEY,
        &[
            seen(None, StorageEntry::EMPTY_STORE),
            seen(Some("st"), r#"{"records":1}"#),
        ],
    );
    let entries = entries(&log);
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (entry.key.as_str(), entry.at_ms, entry.writes.len()),
        ("db/st", 2, 1)
    );
    assert_eq!(entry.partition.as_deref(), Some("https://shop.test"));
    assert_eq!(
        (entry.party, entry.alive, entry.value.text()),
        (Party::Third, true, r#"{"records":1}"#)
    );
    assert!(entry.set_by.is_some());
}

#[test]
fn written_and_gone_still_counts_as_written() {
    for deleted_by_script in [true, false] {
        let mut log = DatabaseLog::default();
        log.changed(1, "Storage.indexedDBContentUpdated", &put_event());
        if deleted_by_script {
            log.place(KEY);
            log.script_wrote(2, &report("IDBFactory.deleteDatabase", None), script());
            // The event of an earlier write may come late.
            log.changed(3, "Storage.indexedDBContentUpdated", &put_event());
        }
        log.compare(4, StorageKind::IndexedDb, KEY, &[]);
        let entries = entries(&log);
        let effects: Vec<Effect> = entries[0].writes.iter().map(|write| write.effect).collect();
        assert_eq!(effects, [Effect::Created, Effect::Deleted]);
        assert_eq!(
            (entries[0].alive, entries[0].writes[1].set_by.is_some()),
            (false, deleted_by_script)
        );
    }
}

#[test]
fn a_database_without_stores_is_an_entry_and_opening_it_again_is_none() {
    let mut log = DatabaseLog::default();
    log.place(KEY);
    log.script_wrote(1, &report("open", None), script());
    log.script_wrote(5_000, &report("open", None), script());
    let entries = entries(&log);
    assert_eq!(
        (
            entries.len(),
            entries[0].key.as_str(),
            entries[0].writes.len()
        ),
        (1, "db", 1)
    );
    assert_eq!(entries[0].partition.as_deref(), Some("https://shop.test"));
}

#[test]
fn what_changed_unseen_is_found_by_reading() {
    let mut log = DatabaseLog::default();
    for (at_ms, content) in [(1, "a"), (2_000, "a"), (9_000, "b")] {
        log.compare(
            at_ms,
            StorageKind::CacheStorage,
            "https://shop.test/",
            &[seen(None, content)],
        );
    }
    let entries = entries(&log);
    let writes: Vec<(u64, Effect)> = entries[0]
        .writes
        .iter()
        .map(|write| (write.at_ms, write.effect))
        .collect();
    assert_eq!(writes, [(1, Effect::Created), (9_000, Effect::Overwritten)]);
}

#[test]
fn caches_go_only_when_they_are_deleted_themselves() {
    let cache = |operation: &str| json!({"kind": "cache-storage", "origin": "https://shop.test", "name": "c", "operation": operation});
    for (operation, alive) in [("Cache.delete", true), ("CacheStorage.delete", false)] {
        let mut log = DatabaseLog::default();
        log.script_wrote(1, &cache("CacheStorage.open"), script());
        log.script_wrote(2, &cache(operation), script());
        assert_eq!(entries(&log)[0].alive, alive, "{operation}");
    }
}

#[test]
fn only_an_installed_service_worker_is_stored() {
    let registered = |deleted: bool| json!({"registrations": [{"registrationId": "7", "scopeURL": "https://shop.test/app/", "isDeleted": deleted}]});
    let version = |status: &str| json!({"versions": [{"registrationId": "7", "scriptURL": "https://shop.test/app/sw.js", "status": status}]});
    for (status, stored) in [
        ("new", false),
        ("redundant", false),
        ("installing", true),
        ("activated", true),
    ] {
        let mut log = DatabaseLog::default();
        let asked = json!({"kind": "service-worker", "origin": "https://shop.test", "name": "", "value": "/app/sw.js", "operation": "ServiceWorkerContainer.register"});
        log.script_wrote(1, &asked, script());
        log.registration(
            2,
            "ServiceWorker.workerRegistrationUpdated",
            &registered(false),
        );
        log.registration(3, "ServiceWorker.workerVersionUpdated", &version(status));
        let found = entries(&log);
        assert_eq!(!found.is_empty(), stored, "{status}");
        if let Some(entry) = found.first() {
            assert_eq!(
                (entry.key.as_str(), entry.value.text(), entry.alive),
                (
                    "https://shop.test/app/",
                    "https://shop.test/app/sw.js",
                    true
                )
            );
            assert!(entry.set_by.is_some());
            log.registration(
                9,
                "ServiceWorker.workerRegistrationUpdated",
                &registered(true),
            );
            assert!(!entries(&log)[0].alive);
        }
    }
}

#[test]
fn partitions_are_kept_apart() {
    let mut log = DatabaseLog::default();
    for key in [KEY, "https://f.test/", "https://f.test/^31"] {
        log.compare(
            1,
            StorageKind::IndexedDb,
            key,
            &[seen(None, StorageEntry::EMPTY_STORE)],
        );
    }
    log.compare(2, StorageKind::IndexedDb, "https://f.test/", &[]);
    let alive: Vec<(Option<String>, bool)> = entries(&log)
        .into_iter()
        .map(|entry| (entry.partition, entry.alive))
        .collect();
    assert_eq!(
        alive,
        [
            (None, false),
            (Some("cross-site-ancestor".to_owned()), true),
            (Some("https://shop.test".to_owned()), true)
        ]
    );
}

proptest::proptest! {
    #[test]
    fn any_event_is_survived(key in ".{0,40}", name in ".{0,40}", scope in ".{0,40}", operation in ".{0,20}") {
        let mut log = DatabaseLog::default();
        log.place(&key);
        log.changed(1, "Storage.cacheStorageContentUpdated", &json!({"storageKey": key, "cacheName": name}));
        log.compare(1, StorageKind::CacheStorage, &key, &[Seen { name: name.clone(), store: None, content: scope.clone() }]);
        for kind in ["indexed-db", "cache-storage", "service-worker", "shared-storage"] {
            log.script_wrote(2, &json!({"kind": kind, "origin": format!("https://{key}"), "name": scope, "value": name, "operation": operation}), script());
        }
        log.registration(3, "ServiceWorker.workerVersionUpdated", &json!({"registrations": [{"registrationId": name, "scopeURL": scope}], "versions": [{"registrationId": name, "status": "activated", "scriptURL": key}]}));
        entries(&log);
    }
}
