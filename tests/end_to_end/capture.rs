//! Nothing is missed: page, frame of another origin, worker, service worker, pop-up.

use axum::Router;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::response::Html;
use axum::routing::{get, post};

use crate::harness::{Served, audit};

const PAGE: &str = r#"<!doctype html><title>Top</title><img src="/top.png">
<script>
  localStorage.direct = "written without setItem";
  fetch("/top-fetch");
  new Worker("/worker.js");
  navigator.serviceWorker.register("/sw.js");
  open("/popup");
  document.cookie = "from_script=1; max-age=63072000; path=/";
  addEventListener("pagehide", () => navigator.sendBeacon("/last-words", "bye"));
  document.cookie = "gone=1"; document.cookie = "gone=; max-age=0";
</script>
<iframe src="http://two.localhost:PORT/frame"></iframe>"#;

const FRAME: &str = r#"<!doctype html><img src="/frame.png"><script>fetch("/frame-fetch"); localStorage.setItem("framed", "1")</script>"#;

fn server() -> Served {
    let script = |text: &'static str| {
        get(move || async move { ([(CONTENT_TYPE, "text/javascript")], text) })
    };
    let empty = || get(|| async { "" });
    Served::start(
        Router::new()
            .route(
                "/",
                get(|request: axum::extract::Request| async move {
                    let host = request.headers()["host"]
                        .to_str()
                        .unwrap_or_default()
                        .to_owned();
                    Html(PAGE.replace("PORT", host.rsplit(':').next().unwrap_or_default()))
                }),
            )
            .route("/frame", get(|| async { Html(FRAME) }))
            .route(
                "/popup",
                get(|| async { Html("<!doctype html><script>fetch('/popup-fetch')</script>") }),
            )
            .route("/worker.js", script("fetch('/worker-fetch')"))
            .route("/sw.js", script("fetch('/sw-fetch')"))
            .route(
                "/top.png",
                get(|| async {
                    (
                        [(SET_COOKIE, "from_header=1; Max-Age=63072000; HttpOnly")],
                        "",
                    )
                }),
            )
            .route("/top-fetch", empty())
            .route("/frame.png", empty())
            .route("/frame-fetch", empty())
            .route("/worker-fetch", empty())
            .route("/sw-fetch", empty())
            .route("/popup-fetch", empty())
            .route("/last-words", post(|| async { "" })),
    )
}

/// The twelve requests of the page, whatever process its frames live in.
fn every_target_is_heard(isolation: &[&str]) {
    let server = server();
    let url = server.url_of("one.localhost", "/");
    let mut arguments = vec![
        "--dwell",
        "2s",
        "--states",
        "before",
        "--browser-arg=--disable-popup-blocking",
    ];
    arguments.extend(isolation);
    arguments.push(&url);
    let (_, report, said) = audit(&arguments);
    let snapshot = &report.pages[0].visits[0].snapshot;
    let paths: Vec<String> = snapshot
        .requests
        .iter()
        .map(|request| url::Url::parse(&request.url).unwrap().path().to_owned())
        .collect();
    for path in [
        "/",
        "/top.png",
        "/top-fetch",
        "/worker.js",
        "/worker-fetch",
        "/frame",
        "/frame.png",
        "/frame-fetch",
        "/sw.js",
        "/sw-fetch",
        "/popup",
        "/popup-fetch",
        "/last-words",
    ] {
        assert_eq!(
            paths.iter().filter(|seen| *seen == path).count(),
            1,
            "{path} of {paths:?}\n{said}"
        );
    }
    let worker = |path: &str| {
        let request = snapshot
            .requests
            .iter()
            .find(|request| request.url.ends_with(path))
            .unwrap();
        request.worker.as_ref().map(|worker| worker.kind.clone())
    };
    assert_eq!(worker("/worker-fetch").as_deref(), Some("worker"));
    assert_eq!(worker("/sw-fetch").as_deref(), Some("service_worker"));
    let stored: Vec<(&str, &str)> = snapshot
        .storage
        .iter()
        .map(|entry| {
            (
                entry.key.as_str(),
                entry.origin.rsplit("//").next().unwrap_or_default(),
            )
        })
        .collect();
    for (key, host) in [("direct", "one.localhost"), ("framed", "two.localhost")] {
        assert!(
            stored
                .iter()
                .any(|(seen, origin)| *seen == key && origin.starts_with(host)),
            "{key} of {stored:?}"
        );
    }
    // Two years, although the browser stores 400 days at most.
    for (name, by) in [("from_script", "script"), ("from_header", "response")] {
        let cookie = snapshot
            .cookies
            .iter()
            .find(|cookie| cookie.name == name)
            .unwrap();
        assert_eq!(cookie.lifetime_s, Some(63_072_000), "{name}");
        let setter = serde_json::to_value(cookie.set_by.as_ref().unwrap()).unwrap();
        assert_eq!(setter["kind"], by, "{name}");
    }
    let gone = snapshot
        .cookies
        .iter()
        .find(|cookie| cookie.name == "gone")
        .unwrap();
    // A pop-up of the same site shares the page's process, and a write is then told once for each of
    // the two: at least one that wrote, and the last one that removed.
    let removed = gone.writes.last().is_some_and(|write| write.deleted);
    let written = gone.writes.iter().any(|write| !write.deleted);
    assert!(!gone.alive && written && removed, "{gone:?}");
}

#[test]
fn every_target_is_heard_in_one_process() {
    every_target_is_heard(&[]);
}

#[test]
fn every_target_is_heard_with_frames_in_processes_of_their_own() {
    every_target_is_heard(&["--browser-arg=--site-per-process"]);
}
