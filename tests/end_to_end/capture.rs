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
    assert!(!gone.alive && gone.writes.len() == 2, "{gone:?}");
}

#[test]
fn every_target_is_heard_in_one_process() {
    every_target_is_heard(&[]);
}

#[test]
fn every_target_is_heard_with_frames_in_processes_of_their_own() {
    every_target_is_heard(&["--browser-arg=--site-per-process"]);
}

/// Two documents of one process that take their first steps towards canvas and databases in another
/// order: each call is told for what it is.
const TWO_ORDERS: &str = r#"<!doctype html><title>Orders</title><canvas></canvas><script>
  const draw = () => {
    const pen = document.querySelector("canvas").getContext("2d");
    pen.fillText("drawn in " + location.pathname, 1, 9);
    return pen.canvas.toDataURL();
  };
  const store = () => new Promise((resolve) => {
    const asked = indexedDB.open("database of " + location.pathname, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("kept");
    asked.onsuccess = () => {
      const change = asked.result.transaction("kept", "readwrite");
      change.objectStore("kept").put("a value", "a key");
      change.oncomplete = resolve;
    };
  });
  if (location.pathname === "/") { draw(); store().then(() => {
    const frame = document.createElement("iframe");
    frame.src = "/framed";
    document.body.append(frame);
  }); } else { store().then(draw); }
</script>"#;

#[test]
fn documents_of_one_process_are_told_apart_whatever_they_touch_first() {
    let served = Served::start(
        Router::new()
            .route("/", get(|| async { Html(TWO_ORDERS) }))
            .route("/framed", get(|| async { Html(TWO_ORDERS) })),
    );
    let url = served.url_of("orders.localhost", "/");
    let (_, report, said) = audit(&["--dwell", "2s", "--states", "before", &url]);
    let snapshot = &report.pages[0].visits[0].snapshot;
    for path in ["/", "/framed"] {
        let database = format!("database of {path}");
        assert!(
            snapshot
                .storage
                .iter()
                .any(|entry| entry.key == format!("{database}/kept") && !entry.writes.is_empty()),
            "{database} of {:?}\n{said}",
            snapshot.storage
        );
    }
    // Both drew: two texts and two pictures, of one script each, and nothing else.
    let calls = |api: &str| -> u64 {
        let counted = snapshot.fingerprinting.iter();
        counted.filter_map(|read| read.calls.get(api)).sum()
    };
    assert_eq!(
        (calls("canvas.fillText"), calls("canvas.toDataURL")),
        (2, 2),
        "{:?}\n{said}",
        snapshot.fingerprinting
    );
}
