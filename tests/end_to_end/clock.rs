//! Thirty simulated seconds show what thirty real ones show.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse as _};
use axum::routing::get;
use consentinel::model::report::Report;
use consentinel::model::visit::{DiagnosticCode, Outcome};

use crate::harness::{Served, audit, browser, consentinel};

/// One page for each thing that stops, starves or misleads a virtual clock, and all it asks for in ten
/// seconds. `LATE(ms, path)` stands for a request that long after the page began.
const TRAPS: &[(&str, &str, &[&str])] = &[
    (
        "hanging-picture",
        "<img src=/never><script>LATE(6000, 'hanging-late')</script>",
        &["/never", "/hanging-late"],
    ),
    (
        "hanging-fetch",
        "<script>fetch('/never'); LATE(6000, 'fetch-late')</script>",
        &["/never", "/fetch-late"],
    ),
    (
        "event-stream",
        "<script>new EventSource('/stream'); LATE(6000, 'stream-late')</script>",
        &["/stream", "/stream-late"],
    ),
    (
        "endless-messages",
        "<script>const c = new MessageChannel(); c.port1.onmessage = () => c.port2.postMessage(0); c.port2.postMessage(0); LATE(6000, 'messages-late')</script>",
        &["/messages-late"],
    ),
    (
        "many-intervals",
        "<script>for (let i = 0; i < 200; i += 1) setInterval(() => {}, 1); LATE(6000, 'intervals-late')</script>",
        &["/intervals-late"],
    ),
    (
        "dialog",
        "<script>setTimeout(() => alert('stop'), 500); LATE(6000, 'dialog-late')</script>",
        &["/dialog-late"],
    ),
    (
        "loads-itself-again",
        "<script>const n = Number(sessionStorage.n ?? 0); sessionStorage.n = n + 1; if (n < 4) setTimeout(() => location.reload(), 700); else LATE(3000, 'again-late')</script>",
        &["/again-late"],
    ),
    (
        "worker",
        "<script>new Worker('/worker.js')</script>",
        &["/worker.js", "/worker-late"],
    ),
    (
        "frame-of-another-site",
        "<iframe src='http://two.localhost:PORT/framed'></iframe>",
        &["/framed", "/framed-late"],
    ),
    (
        "chain-of-timers",
        "<script>let n = 0; (function next() { fetch('/step' + n); n += 1; if (n < 8) setTimeout(next, 1000) })()</script>",
        &[
            "/step0", "/step1", "/step2", "/step3", "/step4", "/step5", "/step6", "/step7",
        ],
    ),
    (
        "slow-answers",
        "<script>fetch('/slow').then(() => LATE(4000, 'slow-late'))</script>",
        &["/slow", "/slow-late"],
    ),
    (
        "idle-callback",
        "<script>requestIdleCallback(() => fetch('/idle-late'), { timeout: 3000 })</script>",
        &["/idle-late"],
    ),
];

const LATE: &str =
    "<script>const LATE = (ms, path) => setTimeout(() => fetch('/' + path), ms)</script>";

fn server() -> Served {
    let never = || async { std::future::pending::<Infallible>().await.to_string() };
    let mut router = Router::new()
        .route("/never", get(never))
        .route(
            "/stream",
            get(|| async {
                let events = futures::stream::unfold(0_u32, |number| async move {
                    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                    Some((
                        Ok::<_, Infallible>(format!("data: {number}\n\n")),
                        number + 1,
                    ))
                });
                (
                    [(CONTENT_TYPE, "text/event-stream")],
                    Body::from_stream(events),
                )
                    .into_response()
            }),
        )
        .route(
            "/slow",
            get(|| async {
                tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
                "slow"
            }),
        )
        .route(
            "/worker.js",
            get(|| async {
                (
                    [(CONTENT_TYPE, "text/javascript")],
                    "setTimeout(() => fetch('/worker-late'), 5000)",
                )
            }),
        )
        .route(
            "/framed",
            get(|| async {
                Html(
                    "<!doctype html><script>setTimeout(() => fetch('/framed-late'), 5000)</script>",
                )
            }),
        )
        .fallback(|| async { "" });
    for (name, body, _) in TRAPS {
        router = router.route(
            &format!("/trap/{name}"),
            get(move |request: axum::extract::Request| async move {
                let host = request.headers()["host"]
                    .to_str()
                    .unwrap_or_default()
                    .to_owned();
                let port = host.rsplit(':').next().unwrap_or_default().to_owned();
                Html(format!(
                    "<!doctype html><title>{name}</title>{LATE}{}",
                    body.replace("PORT", &port)
                ))
            }),
        );
    }
    router = router.route(
        "/late",
        get(|| async {
            Html(format!(
                "<!doctype html><title>Late</title>{LATE}<script>LATE(4000, 'after-4'); LATE(8000, 'after-8'); LATE(25000, 'after-25'); LATE(70000, 'after-70')</script>"
            ))
        }),
    );
    router = router.route(
        "/busy",
        get(|| async {
            Html("<!doctype html><title>Busy</title><script>setTimeout(() => { for (;;) {} }, 2500)</script>")
        }),
    );
    Served::start(router)
}

fn paths_of(report: &Report, page: usize) -> BTreeSet<String> {
    report.pages[page].visits[0]
        .snapshot
        .requests
        .iter()
        .filter_map(|request| Some(url::Url::parse(&request.url).ok()?.path().to_owned()))
        .filter(|path| !path.starts_with("/trap/") && path != "/favicon.ico")
        .collect()
}

fn every_trap_is_survived(clock: &str) {
    let server = server();
    let addresses: Vec<String> = TRAPS
        .iter()
        .map(|(name, _, _)| server.url_of("one.localhost", &format!("/trap/{name}")))
        .collect();
    let mut arguments = vec![
        "--clock",
        clock,
        "--dwell",
        "10s",
        "--states",
        "before",
        "--concurrency",
        "6",
        "--browser-arg=--site-per-process",
    ];
    arguments.extend(addresses.iter().map(String::as_str));
    let (_, report, said) = audit(&arguments);
    assert_eq!(report.run.clock, clock);
    for (index, (name, _, expected)) in TRAPS.iter().enumerate() {
        let visit = &report.pages[index].visits[0];
        assert_eq!(visit.outcome, Outcome::Complete, "{name}\n{said}");
        let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
        let told = &visit.diagnostics;
        assert_eq!(
            paths_of(&report, index),
            expected,
            "{name}: {told:?}\n{said}"
        );
    }
}

#[test]
fn every_trap_of_the_clock_is_survived_in_simulated_time() {
    every_trap_is_survived("virtual");
}

#[test]
fn every_trap_of_the_clock_is_survived_in_real_time() {
    every_trap_is_survived("real");
}

/// The default dwell: what comes within thirty seconds is found, what comes later is not waited for.
fn late_requests_are_found(clock: &str) {
    let server = server();
    let url = server.url_of("one.localhost", "/late");
    let (_, report, said) = audit(&["--clock", clock, "--states", "before", &url]);
    let expected = ["/after-25", "/after-4", "/after-8", "/late"];
    let expected: BTreeSet<String> = expected.iter().map(|path| (*path).to_owned()).collect();
    assert_eq!(paths_of(&report, 0), expected, "{said}");
    let at = |path: &str| {
        let requests = &report.pages[0].visits[0].snapshot.requests;
        let found = requests.iter().find(|request| request.url.ends_with(path));
        found.map(|request| request.at_ms).unwrap()
    };
    // Times are the page's own, whichever clock it goes by.
    for (path, after_ms) in [
        ("/after-4", 4_000),
        ("/after-8", 8_000),
        ("/after-25", 25_000),
    ] {
        assert!(at(path) >= after_ms, "{path} at {}", at(path));
    }
}

#[test]
fn late_requests_are_found_in_simulated_time() {
    late_requests_are_found("virtual");
}

#[test]
fn late_requests_are_found_in_real_time() {
    late_requests_are_found("real");
}

#[test]
fn a_page_that_never_lets_go_ends_and_says_so() {
    let server = server();
    let url = server.url_of("one.localhost", "/busy");
    let (_, report, said) = audit(&["--dwell", "6s", "--states", "before", &url]);
    let visit = &report.pages[0].visits[0];
    let named = visit.outcome != Outcome::Complete
        || visit
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == DiagnosticCode::NotSettled);
    assert!(named, "{:?} {:?}\n{said}", visit.outcome, visit.diagnostics);
}

/// What a visit asked for, without what changes from visit to visit: numbers, identifiers, values.
fn shape(url: &str) -> String {
    let Ok(url) = url::Url::parse(url) else {
        return url.to_owned();
    };
    let keys: BTreeSet<String> = url.query_pairs().map(|(key, _)| key.into_owned()).collect();
    let path: String = url
        .path()
        .split('/')
        .map(|part| {
            if part.len() > 12 && part.bytes().any(|byte| byte.is_ascii_digit()) {
                "*"
            } else {
                part
            }
        })
        .collect::<Vec<_>>()
        .join("/");
    format!("{}{path} {keys:?}", url.host_str().unwrap_or_default())
}

/// The requests and cookies of every page and state of the test web.
fn test_web(clock: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    let output = consentinel(folder.path())
        .args([
            "demo", "--clock", clock, "--format", "json", "--redact", "off",
        ])
        .args(["--output", "demo.json", "--browser"])
        .arg(browser())
        .output()
        .unwrap();
    assert!(output.status.code().is_some());
    let report = std::fs::read_to_string(folder.path().join("demo.json")).unwrap();
    let report: Report = serde_json::from_str(&report).unwrap();
    let mut seen = BTreeMap::new();
    for page in &report.pages {
        for visit in &page.visits {
            let requests = visit
                .snapshot
                .requests
                .iter()
                .map(|request| shape(&request.url));
            let cookies = visit
                .snapshot
                .cookies
                .iter()
                .map(|cookie| format!("cookie {} of {}", cookie.name, cookie.domain));
            seen.insert(
                format!("{} {:?}", page.url, visit.state),
                requests.chain(cookies).collect(),
            );
        }
    }
    seen
}

#[test]
#[ignore = "takes five minutes of real time; run it with --ignored"]
fn both_clocks_see_the_same_on_every_page_of_the_test_web() {
    let (simulated, real) = (test_web("virtual"), test_web("real"));
    assert!(!real.is_empty());
    for (visit, expected) in &real {
        assert_eq!(simulated.get(visit), Some(expected), "{visit}");
    }
    assert_eq!(simulated.len(), real.len());
}
