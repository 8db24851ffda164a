//! Stores that are closed, damaged, filled, emptied, exported and opened twice.

use base64::Engine as _;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::report::{CatalogInfo, PageSource as _, Run, SCHEMA, Summary, Tool};
use crate::model::value::sha256_hex;

/// A page with pictures, whose visit took `took_ms`.
fn page(url: &str, took_ms: u64) -> Page {
    let picture = b"a picture of many bytes".as_slice();
    let picture = json!({
        "media_type": "image/png",
        "sha256": sha256_hex(picture),
        "data": base64::engine::general_purpose::STANDARD.encode(picture),
    });
    let requests: Vec<serde_json::Value> = (0..40)
        .map(|number| {
            json!({
                "id": format!("r{number}"), "url": format!("{url}script-{number}.js?{}", sha256_hex(&[number])), "method": "GET",
                "resource_type": "Script", "party": "first", "frame": null, "worker": null,
                "at_ms": took_ms + u64::from(number), "phase": "idle", "initiator_chain": [],
                "redirect_chain": [], "status": 200, "mime_type": null, "from_cache": false,
                "from_service_worker": false, "failed": null, "post_body": null, "sent_cookies": [],
            })
        })
        .collect();
    serde_json::from_value(json!({
        "url": url, "final_url": url, "diagnostics": [],
        "banner": {"found": false, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
            "buttons": [], "text": "", "frame": null, "seen_ms": null},
        "visits": [{
            "state": "before", "outcome": "complete", "final_url": url, "status": 200,
            "choice": {"made": false, "confirmed": false, "how": null, "by": null, "clicks": 0,
                "clicked_ms": null, "confirmed_ms": null},
            "phases": [],
            "timing": {"started": "2026-11-22T10:00:00Z", "load_ms": took_ms, "settled": true, "total_ms": took_ms},
            "banner": {"found": true, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
                "buttons": [], "text": "", "frame": null, "seen_ms": null, "screenshot": picture},
            "screenshot": picture,
            "diagnostics": [],
            "snapshot": {"cookies": [], "storage": [], "requests": requests, "signals": [], "scripts": []},
        }],
    }))
    .unwrap()
}

fn run(id: &str, pages: Vec<Page>) -> Report {
    let started = Timestamp::UNIX_EPOCH;
    Report {
        schema: SCHEMA.to_owned(),
        run: Run {
            id: id.to_owned(),
            started,
            finished: started,
            tool: Tool {
                version: "1".to_owned(),
                commit: None,
            },
            browser: None,
            catalog: CatalogInfo {
                version: String::new(),
                services: 0,
            },
            consent_engine: String::new(),
            profile: "eu".to_owned(),
            clock: "real".to_owned(),
            options: std::collections::BTreeMap::new(),
            diagnostics: Vec::new(),
        },
        pages,
        services: Vec::new(),
        findings: Vec::new(),
        rules: Vec::new(),
        summary: Summary::default(),
    }
}

fn pages(site: &str, count: u64) -> Vec<Page> {
    (0..count)
        .map(|number| page(&format!("https://{site}/"), 1_000 + number * 7))
        .collect()
}

/// The files of evidence of a store.
fn evidence(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for inner in std::fs::read_dir(folder.join("evidence")).unwrap() {
        for file in std::fs::read_dir(inner.unwrap().path()).unwrap() {
            files.push(file.unwrap().path());
        }
    }
    files
}

fn bytes_of(folder: &Path) -> u64 {
    let size = |file: &PathBuf| std::fs::metadata(file).unwrap().len();
    evidence(folder).iter().map(size).sum()
}

/// The digest of a page as it is stored.
fn digest_of_page(store: &Store, run: &str, at: usize) -> Digest {
    let mut pages = store.records.pages(run);
    pages.nth(at).unwrap().unwrap().1.digest
}

fn damage(folder: &Path, digest: &Digest) {
    let (first, rest) = digest.as_str().split_at(2);
    let path = folder.join("evidence").join(first).join(rest);
    let mut bytes = std::fs::read(&path).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn runs_come_back_as_they_were_after_the_store_was_closed() {
    let folder = tempfile::tempdir().unwrap();
    let stored = run("20260101-a", pages("shop.test", 3));
    {
        let store = Store::open(folder.path()).unwrap();
        store.put(&run("20260102-b", Vec::new())).unwrap();
        store.put(&stored).unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    let (runs, wrong) = store.list();
    let ids: Vec<&str> = runs.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["20260101-a", "20260102-b"]);
    assert!(wrong.is_empty());
    assert_eq!(runs[0].page_count, 3);
    assert_eq!(store.get("20260101-a").unwrap(), stored);
    assert_eq!(store.get("last").unwrap().run.id, "20260102-b");
    for missing in ["other", "", "a\0b", "../a"] {
        assert!(matches!(store.get(missing), Err(StoreError::NoSuchRun(_))));
    }
}

#[test]
fn a_run_whose_id_cannot_be_part_of_a_key_is_not_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for id in ["", "a\0b", "a/b", &"a".repeat(65)] {
        assert!(matches!(
            store.put(&run(id, Vec::new())),
            Err(StoreError::NoId(_))
        ));
    }
}

#[test]
fn a_second_process_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Store::open(folder.path()).unwrap();
    let error = Store::open(folder.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains("another consentinel"));
}

#[test]
fn a_store_of_another_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for (key, value, expected) in [
        (b"schema", Some([0, 0, 0, 9].as_slice()), 9),
        (b"schema", None, 0),
    ] {
        {
            let records = sled::open(folder.path().join("records")).unwrap();
            let meta = records.open_tree("meta").unwrap();
            match value {
                Some(value) => meta.insert(key, value).unwrap(),
                None => meta.remove(key).unwrap(),
            };
            records
                .open_tree("runs")
                .unwrap()
                .insert(b"old", b"run")
                .unwrap();
            records.flush().unwrap();
        }
        let error = Store::open(folder.path()).unwrap_err();
        assert!(
            matches!(error, StoreError::OtherVersion { found, .. } if found == expected),
            "{error:?}"
        );
    }
}

#[test]
fn fifty_pages_that_hardly_differ_cost_little_more_than_one() {
    let one = tempfile::tempdir().unwrap();
    Store::open(one.path())
        .unwrap()
        .put(&run("a", pages("shop.test", 1)))
        .unwrap();
    let fifty = tempfile::tempdir().unwrap();
    Store::open(fifty.path())
        .unwrap()
        .put(&run("a", pages("shop.test", 50)))
        .unwrap();
    let (one, fifty) = (bytes_of(one.path()), bytes_of(fifty.path()));
    assert!(fifty < one * 10, "{one} bytes for one, {fifty} for fifty");
}

#[test]
fn a_deleted_run_gives_its_space_back_and_takes_nothing_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let kept = run("b", pages("shop.test", 2));
    // The same pages, in the other order: each is packed against the other in its own run.
    let mut turned = pages("shop.test", 2);
    turned.reverse();
    store.put(&run("a", turned)).unwrap();
    store.put(&run("c", pages("other.test", 5))).unwrap();
    store.put(&kept).unwrap();
    let before = bytes_of(folder.path());
    assert!(store.delete("c").unwrap() > 0);
    assert!(bytes_of(folder.path()) < before);
    store.delete("a").unwrap();
    assert_eq!(store.get("b").unwrap(), kept);
    assert!(matches!(store.get("c"), Err(StoreError::NoSuchRun(_))));
    store.delete("b").unwrap();
    assert_eq!(evidence(folder.path()), Vec::<PathBuf>::new());
    assert_eq!(store.records.all_pages().count(), 0);
}

#[test]
fn damaged_evidence_costs_its_page_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.put(&run("a", pages("shop.test", 4))).unwrap();
    damage(folder.path(), &digest_of_page(&store, "a", 2));
    let stored = store.run("a").unwrap();
    let read: Vec<bool> = stored.pages().map(|page| page.is_ok()).collect();
    assert_eq!(read, [true, true, false, true]);
    let wrong = stored.pages().find_map(Result::err).unwrap();
    assert_eq!(wrong.number, 3);
    let checked = store.check().unwrap();
    assert_eq!(checked.faults.len(), 1, "{:?}", checked.faults);
    assert!(matches!(checked.faults[0].error, StoreError::Changed(_)));
    assert_eq!(checked.runs, 1);
}

#[test]
fn a_damaged_record_costs_its_run_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for id in ["a", "b", "c"] {
        store.put(&run(id, pages("shop.test", 1))).unwrap();
    }
    let runs = store.records.tree("runs").unwrap();
    runs.insert(records::key("b", &[]), b"\x01{\"id\":")
        .unwrap();
    let (read, wrong) = store.list();
    assert_eq!((read.len(), wrong.len()), (2, 1));
    assert!(store.get("c").is_ok());
    assert!(matches!(store.get("b"), Err(StoreError::Form(..))));
    assert_eq!(store.check().unwrap().faults.len(), 1);
    // Its evidence may be all that is left of it.
    assert!(store.sweep().is_err());
    assert!(store.delete("b").is_ok());
    assert!(store.sweep().is_ok());
}

#[test]
fn what_is_left_of_a_deletion_that_was_broken_off_is_swept() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.put(&run("a", pages("shop.test", 3))).unwrap();
    store.put(&run("b", pages("other.test", 3))).unwrap();
    let runs = store.records.tree("runs").unwrap();
    runs.remove(records::key("a", &[])).unwrap();
    assert!(store.sweep().unwrap() > 0);
    assert_eq!(store.records.count_pages("a"), 0);
    assert_eq!(store.get("b").unwrap().pages.len(), 3);
}

#[test]
fn an_export_restores_everything_elsewhere() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = one.path().join("all.store");
    let stored = run("a", pages("shop.test", 3));
    {
        let store = Store::open(one.path()).unwrap();
        store.put(&stored).unwrap();
        let exported = store.export(&file).unwrap();
        assert_eq!(exported.missing, 0);
        assert!(matches!(store.import(&file), Err(StoreError::HasRun(run)) if run == "a"));
    }
    let store = Store::open(other.path()).unwrap();
    assert_eq!(store.import(&file).unwrap().runs, 1);
    assert_eq!(store.get("a").unwrap(), stored);
    assert!(store.check().unwrap().faults.is_empty());
}

#[test]
fn nothing_is_taken_from_an_export_that_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("all.store");
    let store = Store::open(folder.path()).unwrap();
    store.put(&run("a", pages("shop.test", 2))).unwrap();
    store.export(&file).unwrap();
    let whole = std::fs::read(&file).unwrap();
    let other = tempfile::tempdir().unwrap();
    let other = Store::open(other.path()).unwrap();
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    for broken in [
        &whole[..whole.len() - 2],
        &whole[..middle],
        &changed,
        b"",
        b"{}\n",
    ] {
        std::fs::write(&file, broken).unwrap();
        assert!(matches!(
            other.import(&file),
            Err(StoreError::NoExport { .. })
        ));
        assert_eq!(other.list().0.len(), 0);
        assert_eq!(other.records.all_pages().count(), 0);
    }
}

#[test]
fn a_frontier_goes_on_where_it_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let record = RunRecord::new("a", Timestamp::UNIX_EPOCH, Kind::Crawl).unwrap();
    {
        let store = Store::open(folder.path()).unwrap();
        store.begin(record.clone(), b"the job").unwrap();
        let mut frontier = Frontier::open(&store, record.clone(), |_, _| {}).unwrap();
        for (url, expected) in [
            ("https://shop.test/", Added::New(1)),
            ("https://shop.test/a", Added::New(2)),
            ("https://shop.test/", Added::Known),
        ] {
            assert_eq!(frontier.add(url, 0).unwrap(), expected, "{url}");
        }
        frontier.write().unwrap();
        let (number, entry) = frontier.next(0).unwrap().unwrap();
        frontier.add("https://shop.test/b", 1).unwrap();
        frontier
            .finish(number, &entry, &page("https://shop.test/", 5))
            .unwrap();
        // Not written: the process ends before another page is done.
        frontier.add("https://shop.test/lost", 1).unwrap();
    }
    let store = Store::open(folder.path()).unwrap();
    let record = store.record("a").unwrap();
    assert_eq!(store.job(&record).unwrap(), b"the job");
    assert!(matches!(store.get("a"), Err(StoreError::Unfinished(_))));
    let mut seen = Vec::new();
    let frontier = Frontier::open(&store, record.clone(), |number, entry| {
        seen.push((number, entry.standing));
    })
    .unwrap();
    assert_eq!(
        seen,
        [
            (1, Standing::Done),
            (2, Standing::Waiting),
            (3, Standing::Waiting)
        ]
    );
    assert_eq!(
        frontier.tally(),
        Tally {
            waiting: 2,
            done: 1,
            ..Tally::default()
        }
    );
    assert_eq!(
        frontier.next(0).unwrap().unwrap().1.url,
        "https://shop.test/a"
    );
    assert_eq!(frontier.next(2).unwrap().unwrap().1.depth, 1);
    assert_eq!(frontier.next(3).unwrap(), None);
    assert!(!frontier.knows("https://shop.test/lost").unwrap());
    assert_eq!(StoredRun::pages_of(&store, record).page_count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_file_breaks_an_import(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.store");
        std::fs::write(&file, bytes).unwrap();
        let store = Store::open(folder.path()).unwrap();
        prop_assert!(store.import(&file).is_err());
    }

    #[test]
    fn digests_are_digits(text in "[0-9a-fA-Fg]{62,66}") {
        let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is = text.len() == 64 && text.bytes().all(digits);
        prop_assert_eq!(Digest::try_from(text).is_ok(), is);
    }
}
