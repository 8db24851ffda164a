//! What a crawl costs beside its visits: memory, time to go on, bytes in the store, time to compare.
//!
//! `cargo bench --bench crawl` makes visits that only say that they were made, on frontiers of 500,
//! 5,000 and 50,000 pages, the largest for its first 2,000 pages; `-- --whole` to the end.
//! `-- --real` crawls the test web's site of 500 pages in all three states with a browser, beside the same
//! pages loaded over CDP and nothing else; `-- --real=20` its first 20 pages.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops when it cannot go on"
)]

#[path = "support/bare.rs"]
mod bare;
#[path = "../tests/support/stub_site.rs"]
mod stub_site;

use std::path::Path;
use std::time::{Duration, Instant};

use bare::{load, served, switches};
use consentinel::audit::Progress;
use consentinel::audit::crawl::crawl;
use consentinel::browser::{Browser, LaunchOptions, find};
use consentinel::catalog::Catalog;
use consentinel::compare::{Side, compare};
use consentinel::model::report::Report;
use consentinel::model::visit::{Outcome, Visit};
use consentinel::store::{Frontier, Kind, RunRecord, Store};
use futures::StreamExt as _;
use serde_json::json;
use stub_site::{StubSite, address, wishes};
use tokio_util::sync::CancellationToken;

/// The site of the test web that crawls are measured on, and how many pages it has.
const SITE: &str = "https://www.five-hundred-pages.test/";
const SITE_PAGES: usize = 500;

/// Visits at once, and pages loaded at once.
const AT_ONCE: usize = 6;

/// Pages visited of a large frontier unless the whole of it is asked for.
const FIRST_PAGES: u64 = 2_000;

fn main() {
    let real = std::env::args().find_map(|argument| {
        let count = argument.strip_prefix("--real")?;
        Some(count.trim_start_matches('=').parse().unwrap_or(SITE_PAGES))
    });
    if let Some(pages) = real {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(beside_a_bare_loop(pages));
        return;
    }
    let whole = std::env::args().any(|argument| argument == "--whole");
    println!(
        "| pages in the frontier | visited | pages a second | memory, MB | store, bytes a page | to go on, s |"
    );
    println!("|---|---|---|---|---|---|");
    for pages in [500, 5_000, 50_000] {
        let most = if whole { pages } else { pages.min(FIRST_PAGES) };
        frontier(pages, most);
    }
    comparing();
}

/// Crawls the first pages of the site of 500 with a browser, and loads the same pages over CDP.
async fn beside_a_bare_loop(pages: usize) {
    let web = served().await;
    let executable = find::find(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let begun = Instant::now();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_consentinel"))
        .args(["crawl", SITE, "--ignore-robots", "--format", "json"])
        .args(["--max-pages", &pages.to_string()])
        .args(["--concurrency", &AT_ONCE.to_string(), "--exit-zero"])
        .args(["--quiet", "--store", "store", "--output", "report.json"])
        .args(["--browser".as_ref(), executable.as_os_str()])
        .args(switches(&web).map(|switch| format!("--browser-arg={switch}")))
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    let crawling = begun.elapsed();
    assert!(output.status.success(), "{output:?}");
    let bytes = std::fs::read(folder.path().join("report.json")).unwrap();
    let report: Report = serde_json::from_slice(&bytes).unwrap();
    let visits: Vec<_> = report.pages.iter().flat_map(|page| &page.visits).collect();
    let complete = |visit: &&&Visit| visit.outcome == Outcome::Complete;
    assert_eq!(visits.iter().filter(complete).count(), 3 * pages);

    let browser = Browser::launch(&LaunchOptions {
        executable,
        arguments: switches(&web).to_vec(),
        ..LaunchOptions::default()
    })
    .await
    .unwrap();
    let begun = Instant::now();
    futures::stream::iter(&report.pages)
        .for_each_concurrent(AT_ONCE, |page| load(&browser, &page.url))
        .await;
    let loading = begun.elapsed();
    browser.close().await;
    web.stop().await;
    println!("| what, {AT_ONCE} at once | pages | visits | s | pages a minute |");
    println!("|---|---|---|---|---|");
    for (what, visits, took) in [
        ("crawl in three states", 3 * pages, crawling),
        ("bare loop over CDP", pages, loading),
    ] {
        let seconds = took.as_secs_f64();
        let rate = 60.0 * pages as f64 / seconds;
        println!("| {what} | {pages} | {visits} | {seconds:.1} | {rate:.0} |");
    }
}

/// Memory of this process, in megabytes, where the system says so.
fn memory() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kibibytes = text
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kibibytes.unwrap_or_default() / 1024.0
}

fn size_of(folder: &Path) -> u64 {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                size_of(&entry.path())
            } else {
                about.len()
            }
        })
        .sum()
}

/// Crawls the first pages of a site, and opens its frontier again.
fn frontier(pages: u64, most: u64) {
    let folder = tempfile::tempdir().unwrap();
    let record = RunRecord::new("bench", jiff::Timestamp::UNIX_EPOCH, Kind::Crawl).unwrap();
    let catalog = Catalog::builtin().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (visited, took, resident) = runtime.block_on(async {
        let store = Store::open(folder.path()).unwrap();
        store.begin(record.clone(), b"{}").unwrap();
        let site = StubSite {
            pages,
            takes: Duration::ZERO,
            log: None,
            mapped: true,
        };
        let (progress, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let stopping = stop.clone();
        let listener = tokio::spawn(async move {
            let (mut visited, mut begun, mut largest) = (0_u64, Instant::now(), 0.0_f64);
            while let Some(event) = heard.recv().await {
                match event {
                    Progress::Crawling { .. } => begun = Instant::now(),
                    Progress::Page { .. } => {
                        visited += 1;
                        largest = largest.max(memory());
                        if visited >= most {
                            stopping.cancel();
                        }
                    }
                    _ => {}
                }
            }
            (visited, begun.elapsed(), largest)
        });
        crawl(
            &wishes(),
            &record,
            &store,
            &catalog,
            &site,
            &progress,
            (&stop, &cancel),
        )
        .await
        .unwrap();
        drop(progress);
        listener.await.unwrap()
    });
    let bytes = size_of(folder.path());
    let begun = Instant::now();
    let store = Store::open(folder.path()).unwrap();
    let frontier = Frontier::open(&store, record, |_, _| {}).unwrap();
    let to_go_on = begun.elapsed();
    assert_eq!(frontier.tally().found(), pages);
    println!(
        "| {pages} | {visited} | {:.0} | {resident:.0} | {} | {:.2} |",
        visited as f64 / took.as_secs_f64(),
        bytes / visited.max(1),
        to_go_on.as_secs_f64()
    );
}

/// A run of 500 pages, each with requests and cookies of its own.
fn run(shift: u32) -> Report {
    let pages: Vec<serde_json::Value> = (0..500).map(|page| page_of(page, shift)).collect();
    serde_json::from_value(json!({
        "schema": "consentinel/report/v1",
        "run": {"id": format!("r{shift}"), "started": "2026-11-22T10:00:00Z", "finished": "2026-11-22T10:00:00Z",
            "tool": {"version": "1", "commit": null}, "browser": null,
            "catalog": {"version": "", "services": 0}, "consent_engine": "", "profile": "eu", "clock": "real",
            "options": {}, "diagnostics": []},
        "pages": pages, "services": [], "findings": [],
        "summary": {"by_severity": {}, "by_rule": {}, "by_service": {}, "before_choice": "no",
            "reject_as_easy": "no", "without_consent": "no", "incomplete_pages": 0},
    }))
    .unwrap()
}

fn page_of(page: u64, shift: u32) -> serde_json::Value {
    let url = address(page);
    let banner = json!({"found": false, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
        "buttons": [], "text": "", "frame": null, "seen_ms": null});
    let visits: Vec<serde_json::Value> = ["before", "rejected", "accepted"]
        .iter()
        .map(|state| {
            let requests: Vec<serde_json::Value> = (0..40_u32)
                .map(|number| {
                    json!({"id": format!("r{number}"), "url": format!("https://cdn{}.example/script-{}.js", number % 7, number + shift % 2),
                        "method": "GET", "resource_type": "Script", "party": "third", "frame": null, "worker": null,
                        "at_ms": number, "phase": "idle", "initiator_chain": [], "redirect_chain": [], "status": 200,
                        "mime_type": null, "from_cache": false, "from_service_worker": false, "failed": null,
                        "post_body": null, "sent_cookies": []})
                })
                .collect();
            let cookies: Vec<serde_json::Value> = (0..15_u32)
                .map(|number| {
                    json!({"name": format!("cookie_{number}"), "domain": "stub.test", "host_only": false, "path": "/",
                        "partition_key": null, "secure": true, "http_only": false, "same_site": null, "party": "first",
                        "value": {"fingerprint": "0", "length": 1}, "lifetime_s": 86_400 * i64::from(number + shift),
                        "stored_lifetime_s": null, "set_by": null, "blocked": [], "at_ms": 1, "phase": "idle",
                        "writes": [], "sent": [], "alive": true})
                })
                .collect();
            json!({"state": state, "outcome": "complete", "final_url": url, "status": 200,
                "choice": {"made": false, "confirmed": false, "how": null, "by": null, "clicks": 0,
                    "clicked_ms": null, "confirmed_ms": null},
                "phases": [], "timing": {"started": "2026-11-22T10:00:00Z", "load_ms": 5, "settled": true, "total_ms": 5},
                "banner": banner, "diagnostics": [],
                "snapshot": {"cookies": cookies, "storage": [], "requests": requests, "signals": [], "scripts": []}})
        })
        .collect();
    json!({"url": url, "final_url": url, "diagnostics": [], "banner": banner, "visits": visits})
}

/// Stores two runs of 500 pages and compares them, both read from the store.
fn comparing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    for shift in [0, 1] {
        store.put(&run(shift)).unwrap();
    }
    let catalog = Catalog::builtin().unwrap();
    let begun = Instant::now();
    let (one, other) = (store.run("r0").unwrap(), store.run("r1").unwrap());
    let comparison = compare(
        &Side {
            head: one.head().unwrap(),
            pages: &one,
            state: None,
        },
        &Side {
            head: other.head().unwrap(),
            pages: &other,
            state: None,
        },
        &catalog,
    )
    .unwrap();
    println!(
        "\ncomparing two runs of 500 pages: {:.2} s, {} items differ; {} bytes a page in the store",
        begun.elapsed().as_secs_f64(),
        comparison.items.len(),
        size_of(folder.path()) / 1_000
    );
}
