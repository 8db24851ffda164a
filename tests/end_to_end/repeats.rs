//! Repeated visits: what comes only now and then is found, and said to be so.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use consentinel::model::finding::Finding;
use consentinel::model::report::{Answer, Report};
use consentinel::model::visit::{DiagnosticCode, State};

use crate::harness::{Served, browser, consentinel};

const QUIET: &str = "<!doctype html><title>Shop</title><p>Welcome";
const TRACKED: &str = "<!doctype html><title>Shop</title><p>Welcome\
    <img src=\"http://mc.yandex.ru/watch/1\">";

/// A page that loads a tracker on the visits that `tracks` names, counted from 0 by the server.
fn shop(tracks: fn(usize) -> bool) -> Served {
    let visits = Arc::new(AtomicUsize::new(0));
    let page = get(move || {
        let visits = Arc::clone(&visits);
        async move {
            let tracked = tracks(visits.fetch_add(1, Ordering::SeqCst));
            Html(if tracked { TRACKED } else { QUIET })
        }
    });
    Served::start(
        Router::new()
            .route("/", page)
            .route("/watch/1", get(|| async { "" })),
    )
}

/// Audits the shop and returns its report, the summary for the terminal and the page for the reader.
fn visited(shop: &Served, repeat: &str) -> (Report, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let resolver = format!(
        "--browser-arg=--host-resolver-rules=MAP mc.yandex.ru:80 {}",
        shop.address
    );
    let output = consentinel(folder.path())
        .args(["audit", &shop.url_of("shop.localhost", "/")])
        .args(["--repeat", repeat, "--states", "before", "--dwell", "2s"])
        .args(["--browser", browser().to_str().unwrap(), &resolver])
        .args(["--format", "json", "--redact", "off"])
        .args(["--report", "terminal=out.txt", "--report", "html=out.html"])
        .output()
        .unwrap();
    let report = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&output.stderr)));
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    (report, read("out.txt"), read("out.html"))
}

/// The tracking requests found; that nobody asks is a finding of its own.
fn requests(report: &Report) -> Vec<&Finding> {
    let found = report.findings.iter();
    found.filter(|finding| finding.rule == "R06").collect()
}

fn is_unstable(report: &Report) -> bool {
    report.pages[0]
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == DiagnosticCode::Unstable)
}

#[test]
fn a_tracker_on_every_second_visit_is_seen_in_half_of_them() {
    let (report, terminal, html) = visited(&shop(|visit| visit % 2 == 1), "4");
    let numbers: Vec<(State, u32)> = report.pages[0]
        .visits
        .iter()
        .map(|visit| (visit.state, visit.repeat))
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4].map(|number| (State::Before, number)));
    let [finding] = requests(&report)[..] else {
        panic!("{:#?}", report.findings);
    };
    assert_eq!((finding.seen.k, finding.seen.of), (2, 4));
    assert_eq!(report.summary.before_choice, Answer::Yes);
    assert!(is_unstable(&report), "{:#?}", report.pages[0].diagnostics);
    assert_eq!(report.run.options["repeat"], "4");
    assert!(terminal.contains("seen in 2 of 4 visits"), "{terminal}");
    assert!(terminal.contains("unstable: "), "{terminal}");
    assert!(html.contains("in 2 of 4 visits"));
    // The same finding has the same id, however often a page is visited.
    let (once, ..) = visited(&shop(|_| true), "1");
    let alone = requests(&once)[0];
    assert_eq!(alone.id, finding.id);
    assert_eq!((alone.seen.k, alone.seen.of), (1, 1));
}

#[test]
fn visits_that_agree_are_stable() {
    for (tracks, answer) in [
        ((|_| true) as fn(usize) -> bool, Answer::Yes),
        (|_| false, Answer::No),
    ] {
        let (report, terminal, _) = visited(&shop(tracks), "2");
        assert_eq!(report.summary.before_choice, answer, "{terminal}");
        assert!(!is_unstable(&report), "{terminal}");
        let seen: Vec<(u32, u32)> = requests(&report)
            .into_iter()
            .map(|finding| (finding.seen.k, finding.seen.of))
            .collect();
        let expected: &[(u32, u32)] = if answer == Answer::Yes {
            &[(2, 2)]
        } else {
            &[]
        };
        assert_eq!(seen, expected);
    }
}
