//! Nothing is missing: the recorded requests are those that Chromium's own network log holds.
//!
//! What is in a snapshot and cannot be in the log is marked there, and only by these marks:
//! answered from memory, from a copy fetched ahead or by a service worker; blocked before it was
//! sent. What is in the log and in no snapshot is the browser's own traffic, told by its having no
//! page that asked, the program's self-test, looks into the cache, and update checks of service
//! workers, which no event of Chromium's protocol tells (`docs/limits.md`).

mod cases;
mod net_log;
mod websocket;

use std::collections::{BTreeMap, BTreeSet};

use consentinel::model::report::Report;
use consentinel::model::snapshot::{AnsweredBy, Request};

use crate::harness::{browser, consentinel};
use net_log::NetLog;

/// Method and URL, and how often.
type Counted = BTreeMap<(String, String), i64>;

/// Whether a request reached the network stack, as the snapshot marks it.
fn reached_the_network_stack(request: &Request) -> bool {
    let elsewhere = matches!(
        request.answered_by,
        AnsweredBy::MemoryCache | AnsweredBy::PrefetchCache | AnsweredBy::ServiceWorker
    );
    let stopped = request.blocked.as_deref().is_some_and(|reason| {
        matches!(
            reason,
            "csp" | "mixed-content" | "inspector" | "subresource-filter" | "origin"
        )
    });
    !elsewhere && !stopped
}

fn requests(report: &Report) -> impl Iterator<Item = &Request> {
    report
        .pages
        .iter()
        .flat_map(|page| &page.visits)
        .flat_map(|visit| &visit.snapshot.requests)
}

/// Scripts of service workers and what those import: some time after a page was loaded, the browser
/// asks for them again, to see whether they changed.
fn scripts_of_service_workers(report: &Report) -> BTreeSet<&str> {
    requests(report)
        .filter(|request| {
            let worker = request.worker.as_ref();
            worker.is_some_and(|worker| worker.kind == "service_worker")
                && matches!(request.resource_type.as_str(), "Script" | "Other")
        })
        .map(|request| request.url.as_str())
        .collect()
}

/// Holds a report against the log of the browser that made it, both ways.
fn compare(report: &Report, log: &NetLog) {
    let mut balance: Counted = BTreeMap::new();
    for logged in &log.pages {
        *balance
            .entry((logged.method.clone(), logged.url.clone()))
            .or_default() += 1;
    }
    let mut recorded = 0;
    for request in requests(report).filter(|request| reached_the_network_stack(request)) {
        recorded += 1;
        let url = request.url.split('#').next().unwrap_or_default().to_owned();
        *balance.entry((request.method.clone(), url)).or_default() -= 1;
    }
    let checked = scripts_of_service_workers(report);
    let mut update_checks = 0;
    balance.retain(|(method, url), count| {
        if *count > 0 && method == "GET" && checked.contains(url.as_str()) {
            update_checks += *count;
            *count = 0;
        }
        *count != 0
    });
    eprintln!(
        "{recorded} recorded requests, {} of pages in the network log; beside them {update_checks} update checks of service workers, {} looks into the cache, {} of the self-test and {:?} of the browser itself",
        log.pages.len(),
        log.cache_probes.len(),
        log.self_test.len(),
        log.background_hosts(),
    );
    assert!(
        balance.is_empty(),
        "positive: only in the network log, negative: only in the snapshots\n{balance:#?}"
    );
}

/// Every site of the test web, one state after another: a browser that made 200 visits is replaced, and the
/// next one would begin the log anew.
#[test]
fn every_request_of_the_test_web_is_recorded_and_nothing_else() {
    for state in ["before", "accepted"] {
        every_request_in_that_state(state);
    }
}

fn every_request_in_that_state(state: &str) {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("net-log.json");
    let output = consentinel(folder.path())
        .args(["demo", "--format", "json", "--output", "demo.json"])
        // Addresses as they were asked for.
        .args(["--redact", "off"])
        // What matters is every request, not every rule: the shorter the visits, the more of them fit.
        .args(["--states", state, "--dwell", "2s"])
        .args(["--concurrency", "8", "--browser"])
        .arg(browser())
        .arg(format!("--browser-arg=--log-net-log={}", log.display()))
        .arg("--browser-arg=--net-log-capture-mode=Everything")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // The truth of a site may need more time than this.
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    let report = std::fs::read_to_string(folder.path().join("demo.json")).unwrap();
    let report: Report = serde_json::from_str(&report).unwrap();
    assert!(requests(&report).count() > 250, "{said}");
    let log = NetLog::read(&log, |_| false);
    compare(&report, &log);
}
