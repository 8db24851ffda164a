//! Crawls without a browser: what is done stays done, whatever happens to the process.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they do"
)]

#[path = "support/stub_site.rs"]
mod stub_site;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use consentinel::audit::crawl::{Ending, Wishes, crawl};
use consentinel::catalog::Catalog;
use consentinel::crawl::Refusal;
use consentinel::model::report::PageSource as _;
use consentinel::store::{Kind, RunRecord, Store, StoredRun};
use stub_site::{StubSite, address, wishes};
use tokio_util::sync::CancellationToken;

/// The run every test makes.
const RUN: &str = "20261122T100000000Z-0001";
/// How often the process is killed.
const KILLS: usize = 20;
/// Pages of the site that is crawled meanwhile.
const PAGES: u64 = 600;
/// Where the process that is killed finds its folder.
const FOLDER: &str = "CONSENTINEL_TEST_FOLDER";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(5);

fn record(store: &Store) -> RunRecord {
    if let Ok(record) = store.record(RUN) {
        return record;
    }
    let started = "2026-11-22T10:00:00Z".parse().unwrap();
    let record = RunRecord::new(RUN, started, Kind::Crawl).unwrap();
    store.begin(record, b"{}").unwrap()
}

/// Crawls until nothing is left, or until it is told to stop.
fn crawled(folder: &Path, site: &StubSite, wishes: &Wishes, stop: &CancellationToken) -> Ending {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let store = Store::open(&folder.join("store")).unwrap();
        let record = record(&store);
        let catalog = Catalog::builtin().unwrap();
        let (progress, _heard) = tokio::sync::mpsc::unbounded_channel();
        let cancel = CancellationToken::new();
        crawl(
            wishes,
            &record,
            &store,
            &catalog,
            site,
            &progress,
            (stop, &cancel),
        )
        .await
        .unwrap()
    })
}

/// The pages that are stored, by address, with how often.
fn stored(folder: &Path) -> BTreeMap<String, u32> {
    let store = Store::open(&folder.join("store")).unwrap();
    let mut pages = BTreeMap::new();
    for page in StoredRun::pages_of(&store, record(&store)).pages() {
        *pages.entry(page.unwrap().url.clone()).or_default() += 1;
    }
    pages
}

fn visited(folder: &Path) -> Vec<u64> {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    log.lines().filter_map(|line| line.parse().ok()).collect()
}

fn site(folder: &Path, pages: u64) -> StubSite {
    StubSite {
        pages,
        takes: Duration::from_millis(2),
        log: Some(folder.join("log")),
        mapped: false,
    }
}

#[test]
fn a_site_is_crawled_whole_and_each_page_once() {
    let folder = tempfile::tempdir().unwrap();
    let ending = crawled(
        folder.path(),
        &site(folder.path(), 50),
        &wishes(),
        &CancellationToken::new(),
    );
    assert!(ending.complete);
    let pages = stored(folder.path());
    let expected: BTreeMap<String, u32> = (0..50).map(|page| (address(page), 1)).collect();
    assert_eq!(pages, expected);
    // Three states each.
    assert_eq!(visited(folder.path()).len(), 150);
}

#[test]
fn limits_hold_and_what_they_left_out_is_counted() {
    for (limit, pages, refusal) in [
        ("max-pages", 7, Refusal::MaxPages),
        ("sample", 5, Refusal::Sampled),
        ("depth", 3, Refusal::Depth),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut wishes = wishes();
        match limit {
            "max-pages" => wishes.limits.max_pages = Some(7),
            // The start, and four of one shape.
            "sample" => wishes.limits.sample = Some(4),
            _ => wishes.limits.depth = Some(1),
        }
        let ending = crawled(
            folder.path(),
            &site(folder.path(), 40),
            &wishes,
            &CancellationToken::new(),
        );
        assert_eq!(stored(folder.path()).len(), pages, "{limit}");
        assert!(
            ending.left_out.contains_key(&refusal),
            "{limit}: {ending:?}"
        );
    }
}

#[test]
fn a_crawl_that_is_stopped_finishes_what_is_open_and_goes_on_later() {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path(), 200);
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let log = folder.path().join("log");
    let watcher = std::thread::spawn(move || {
        wait_until(|| std::fs::read_to_string(&log).is_ok_and(|text| text.lines().count() > 60));
        stopping.cancel();
    });
    let ending = crawled(folder.path(), &site, &wishes(), &stop);
    watcher.join().unwrap();
    assert!(!ending.complete);
    let done = stored(folder.path());
    assert!(done.len() < 200);
    // Whatever was begun was finished.
    let begun: BTreeSet<String> = visited(folder.path()).into_iter().map(address).collect();
    assert_eq!(begun, done.keys().cloned().collect());
    let ending = crawled(folder.path(), &site, &wishes(), &CancellationToken::new());
    assert!(ending.complete);
    assert_eq!(stored(folder.path()).len(), 200);
    assert_eq!(
        visited(folder.path()).len(),
        600,
        "something was visited twice"
    );
}

fn wait_until(mut reached: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < until, "waited for too long");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The process that is killed: crawls what is left.
#[test]
#[ignore = "started by the test that kills it"]
fn crawls_until_it_is_killed() {
    let folder = std::env::var_os(FOLDER).unwrap();
    let folder = Path::new(&folder);
    let ending = crawled(
        folder,
        &site(folder, PAGES),
        &wishes(),
        &CancellationToken::new(),
    );
    assert!(ending.complete);
}

fn start(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["crawls_until_it_is_killed", "--exact", "--ignored"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

#[test]
fn a_crawl_that_is_killed_twenty_times_does_everything_once() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let random = RandomState::new();
    let mut kills = 0;
    let mut done: BTreeMap<String, u32> = BTreeMap::new();
    while kills < KILLS {
        let begun = visited(folder).len();
        let mut child = start(folder);
        // At a random point: after so many more visits have begun, and a little later still.
        let visits = random.hash_one(kills) as usize % 60;
        let later = random.hash_one((kills, "later")) % 12_000;
        let mut ended = false;
        wait_until(|| {
            ended = child.try_wait().unwrap().is_some();
            ended || visited(folder).len() > begun + visits
        });
        std::thread::sleep(Duration::from_micros(later));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!ended, "the site is too small for {KILLS} kills");
        kills += 1;
        let again: BTreeSet<String> = visited(folder)[begun..]
            .iter()
            .copied()
            .map(address)
            .collect();
        let twice: Vec<&String> = done.keys().filter(|page| again.contains(*page)).collect();
        assert!(
            twice.is_empty(),
            "visited again after they were done: {twice:?}"
        );
        let now = stored(folder);
        assert!(
            done.keys().all(|page| now.contains_key(page)),
            "a finished page was lost"
        );
        done = now;
    }
    let status = start(folder).wait().unwrap();
    assert!(status.success());
    let pages = stored(folder);
    let expected: BTreeMap<String, u32> = (0..PAGES).map(|page| (address(page), 1)).collect();
    assert_eq!(pages, expected);
    let store = Store::open(&folder.join("store")).unwrap();
    assert!(store.check().unwrap().faults.is_empty());
    eprintln!("{} pages were done before the last life", done.len());
}
