//! Every target is attached before its first line: what the server was asked for is what the snapshot has.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use consentinel::model::report::Report;

use crate::harness::{Served, audit};

const PAGE: &str = r#"<!doctype html><title>Targets</title>
<script>
  new Worker("/outer-worker.js");
  new SharedWorker("/shared-worker.js");
  open("/popup-without-opener", "_blank", "noopener");
  const brief = open("/popup-closed-at-once");
  if (brief) brief.close();
  const removed = document.createElement("iframe");
  removed.src = "/frame-removed-at-once";
  document.documentElement.append(removed);
  removed.remove();
  const later = document.createElement("iframe");
  later.src = "/frame-removed-later";
  document.documentElement.append(later);
  later.onload = () => setTimeout(() => later.remove(), 300);
  navigator.serviceWorker.register("/controlled/service-worker.js").then(async (registration) => {
    while (!registration.active) await new Promise((resolve) => setTimeout(resolve, 20));
    const controlled = document.createElement("iframe");
    controlled.src = "/controlled/page";
    document.documentElement.append(controlled);
  });
  new OfflineAudioContext(1, 128, 44100).audioWorklet.addModule("/audio-worklet.js");
  CSS.paintWorklet?.addModule("/paint-worklet.js");
</script>
<iframe src="http://two.localhost:PORT/frame"></iframe>"#;

/// Each thing that runs asks for something with its first line.
fn content(path: &str) -> Option<(&'static str, &'static str)> {
    const HTML: &str = "text/html";
    const SCRIPT: &str = "text/javascript";
    Some(match path {
        "/" => (HTML, PAGE),
        "/outer-worker.js" => (
            SCRIPT,
            "fetch('/by-outer-worker'); new Worker('/inner-worker.js')",
        ),
        "/inner-worker.js" => (SCRIPT, "fetch('/by-inner-worker')"),
        "/shared-worker.js" => (SCRIPT, "fetch('/by-shared-worker')"),
        "/popup-without-opener" => (
            HTML,
            "<!doctype html><script>fetch('/by-popup'); new Worker('/popup-worker.js')</script>",
        ),
        "/popup-worker.js" => (SCRIPT, "fetch('/by-popup-worker')"),
        "/popup-closed-at-once" | "/frame-removed-at-once" => (HTML, "<!doctype html>"),
        "/frame-removed-later" => (
            HTML,
            "<!doctype html><script>fetch('/by-removed-frame')</script>",
        ),
        "/controlled/service-worker.js" => (
            SCRIPT,
            "fetch('/by-service-worker'); addEventListener('fetch', (event) => { if (event.request.url.includes('/asked')) event.respondWith(fetch('/controlled/for-the-frame')); })",
        ),
        "/controlled/page" => (
            HTML,
            "<!doctype html><script>fetch('/controlled/asked')</script>",
        ),
        "/audio-worklet.js" => (
            SCRIPT,
            "registerProcessor('a', class extends AudioWorkletProcessor { process() {} })",
        ),
        "/paint-worklet.js" => (SCRIPT, "registerPaint('p', class { paint() {} })"),
        "/frame" => (
            HTML,
            "<!doctype html><script>fetch('/by-frame')</script><iframe src='http://three.localhost:PORT/inner-frame'></iframe>",
        ),
        "/inner-frame" => (
            HTML,
            "<!doctype html><script>fetch('/by-inner-frame'); new Worker('/frame-worker.js')</script>",
        ),
        "/frame-worker.js" => (SCRIPT, "fetch('/by-frame-worker')"),
        asked if asked.contains("/by-") || asked == "/controlled/for-the-frame" => {
            ("text/plain", "")
        }
        _ => return None,
    })
}

type Asked = Arc<Mutex<BTreeSet<String>>>;

fn answer(request: &Request, asked: &Asked) -> Response {
    let path = request.uri().path();
    let host = request.headers()["host"].to_str().unwrap_or_default();
    let port = host.rsplit(':').next().unwrap_or_default();
    asked.lock().unwrap().insert(path.to_owned());
    match content(path) {
        Some((kind, text)) => Response::builder()
            .header(CONTENT_TYPE, kind)
            .body(Body::from(text.replace("PORT", port)))
            .unwrap(),
        None => Response::builder()
            .status(StatusCode::NOT_FOUND)
            .body(Body::empty())
            .unwrap(),
    }
}

fn visited(isolation: &[&str]) -> (Report, BTreeSet<String>, String) {
    let asked = Asked::default();
    let heard = Arc::clone(&asked);
    let server = Served::start(Router::new().fallback(move |request: Request| {
        let answer = answer(&request, &heard);
        async move { answer }
    }));
    let url = server.url_of("one.localhost", "/");
    let mut arguments = vec![
        "--dwell",
        "3s",
        "--states",
        "before",
        "--browser-arg=--disable-popup-blocking",
    ];
    arguments.extend(isolation);
    arguments.push(&url);
    let (_, report, said) = audit(&arguments);
    let asked = asked.lock().unwrap().clone();
    (report, asked, said)
}

fn every_target_is_heard(isolation: &[&str]) {
    let (report, asked, said) = visited(isolation);
    let snapshot = &report.pages[0].visits[0].snapshot;
    let path = |url: &str| url::Url::parse(url).unwrap().path().to_owned();
    let answered: BTreeSet<String> = snapshot
        .requests
        .iter()
        .filter(|request| request.failed.is_none() && !request.from_service_worker)
        .map(|request| path(&request.url))
        .filter(|path| path != "/favicon.ico")
        .collect();
    let recorded: BTreeSet<String> = snapshot
        .requests
        .iter()
        .map(|request| path(&request.url))
        .collect();
    let mut asked = asked;
    asked.remove("/favicon.ico");
    let missing: Vec<_> = asked.difference(&recorded).collect();
    let surplus: Vec<_> = answered.difference(&asked).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:#?}\nsurplus {surplus:#?}\n{said}"
    );
    for wanted in [
        "/by-inner-worker",
        "/by-shared-worker",
        "/by-popup-worker",
        "/by-removed-frame",
        "/by-service-worker",
        "/controlled/for-the-frame",
        "/by-frame-worker",
        "/audio-worklet.js",
        "/paint-worklet.js",
    ] {
        assert!(asked.contains(wanted), "{wanted} of {asked:#?}\n{said}");
    }
    let target = |kind: &str, ending: &str| {
        snapshot
            .targets
            .iter()
            .find(|target| target.kind == kind && target.url.ends_with(ending))
            .unwrap_or_else(|| panic!("no {kind} {ending} in {:#?}\n{said}", snapshot.targets))
    };
    let page = target("page", ":PORT/".trim_start_matches(":PORT"));
    assert_eq!(
        (page.role.as_deref(), page.detached_ms, page.crashed),
        (None, None, false)
    );
    for (kind, ending) in [
        ("worker", "/outer-worker.js"),
        ("worker", "/inner-worker.js"),
        ("worker", "/frame-worker.js"),
        ("worker", "/popup-worker.js"),
        ("shared_worker", "/shared-worker.js"),
        ("service_worker", "/controlled/service-worker.js"),
    ] {
        assert!(!target(kind, ending).crashed, "{ending}");
    }
    let popup = target("page", "/popup-without-opener");
    assert_eq!(
        (popup.role.as_deref(), popup.opener.as_deref()),
        (Some("pop-up"), Some(page.id.as_str()))
    );
    assert_eq!(
        target("worker", "/inner-worker.js").parent.as_deref(),
        Some(target("worker", "/outer-worker.js").id.as_str())
    );
    let ids: BTreeSet<&str> = snapshot
        .targets
        .iter()
        .map(|target| target.id.as_str())
        .collect();
    assert_eq!(
        ids.len(),
        snapshot.targets.len(),
        "a target is recorded twice"
    );
    assert!(snapshot.targets.iter().all(|target| !target.crashed));
    if isolation.contains(&"--browser-arg=--site-per-process") {
        let frame = target("iframe", "/inner-frame");
        assert_eq!(
            target("worker", "/frame-worker.js").parent.as_deref(),
            Some(frame.id.as_str())
        );
    }
}

#[test]
fn targets_of_one_process_are_heard() {
    every_target_is_heard(&[]);
}

#[test]
fn targets_of_many_processes_are_heard() {
    every_target_is_heard(&["--browser-arg=--site-per-process"]);
}
