//! What a page tells its tags of the visitor's consent, in every state; Global Privacy Control; pictures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::{Next, from_fn};
use axum::response::Html;
use axum::routing::{any, get};
use consentinel::model::report::Report;
use consentinel::model::snapshot::Signal;
use consentinel::model::visit::{PhaseName, State, Visit};

use crate::harness::{Served, audit};

const SHOP: &str = r#"<!doctype html><title>Shop</title><body style="height: 3000px">
<script>
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments); }
  gtag("consent", "default", { ad_storage: "denied", region: ["DE", "US-CA"], wait_for_update: 500 });
  gtag("js", new Date());
  gtag("config", "G-TEST");
  gtag("consent", "default", { ad_storage: "granted" });
  window.uetq = ["consent", "default", { ad_storage: "denied" }];
  window.fbq = function () { fbq.queue.push(arguments); };
  fbq.queue = [];
  fbq("consent", "revoke");
  window.clarity = function () { (clarity.q = clarity.q || []).push(arguments); };
  clarity("consentv2", { ad_Storage: "denied", analytics_Storage: "denied" });
  window.__gpp = (command, callback) => callback({ gppString: "DBAA~1YNN", applicableSections: [6], cmpStatus: "loaded" }, true);
  window.__uspapi = (command, version, callback) => callback({ version: 1, uspString: "1YNN" }, true);
  function answer(yes) {
    document.cookie = `klaro=${encodeURIComponent(JSON.stringify({ analytics: yes }))}; max-age=8640000; path=/`;
    gtag("consent", "update", { ad_storage: yes ? "granted" : "denied" });
    document.getElementById("banner").remove();
  }
  addEventListener("DOMContentLoaded", () => {
    if (document.cookie.includes("klaro=")) document.getElementById("banner").remove();
  });
</script>
<h1>Shop</h1>
<div id="banner" role="dialog" aria-label="Cookies" style="position: fixed; bottom: 0; left: 0; right: 0; padding: 2em; background: white; border: 1px solid">
  <p>We use cookies to measure visits and to show you advertising. Do you agree?</p>
  <button onclick="answer(true)">Accept all</button> <button onclick="answer(false)">Reject all</button>
</div>"#;

fn shop() -> Served {
    Served::start(Router::new().route("/", get(|| async { Html(SHOP) })))
}

/// The commands in the dataLayer as they were read in one phase: name, position, first type granted.
fn commands(visit: &Visit, phase: PhaseName) -> Vec<(&str, u32, bool)> {
    visit
        .snapshot
        .signals
        .iter()
        .filter(|signal| signal.phase == phase && signal.source == "dataLayer")
        .filter_map(|signal| {
            let command = signal.command.as_ref()?;
            let granted = signal.grants.first()?.granted;
            Some((command.name.as_str(), command.position, granted))
        })
        .collect()
}

fn of_state(report: &Report, state: State) -> &Visit {
    report.pages[0]
        .visits
        .iter()
        .find(|visit| visit.state == state)
        .unwrap()
}

fn signal<'v>(visit: &'v Visit, source: &str) -> &'v Signal {
    let signals = &visit.snapshot.signals;
    signals
        .iter()
        .find(|signal| signal.source == source)
        .unwrap_or_else(|| panic!("{source} of {signals:#?}"))
}

#[test]
fn signals_are_read_before_the_choice_after_it_and_after_the_reload() {
    let shop = shop();
    let (_, report, said) = audit(&[
        "--dwell",
        "2s",
        "--states",
        "before,rejected",
        "--full-page",
        &shop.url_of("shop.localhost", "/"),
    ]);
    let defaults = [("default", 0, false), ("default", 3, true)];
    let before = of_state(&report, State::Before);
    assert_eq!(commands(before, PhaseName::Idle), defaults, "{said}");
    let rejected = of_state(&report, State::Rejected);
    assert!(rejected.choice.confirmed, "{:?}", rejected.choice);
    assert_eq!(commands(rejected, PhaseName::Idle), defaults);
    let answered = [defaults[0], defaults[1], ("update", 4, false)];
    assert_eq!(commands(rejected, PhaseName::Chosen), answered);
    assert_eq!(commands(rejected, PhaseName::Revisit), defaults);

    let first = signal(before, "dataLayer").command.as_ref().unwrap();
    assert_eq!(first.regions, ["DE", "US-CA"]);
    assert_eq!(first.wait_for_update_ms, Some(500));
    assert_eq!(first.after_first_tag, Some(false));
    let late = before
        .snapshot
        .signals
        .iter()
        .filter_map(|signal| signal.command.as_ref())
        .find(|command| command.position == 3);
    assert_eq!(late.unwrap().after_first_tag, Some(true));
    for source in ["uetq", "fbq", "clarity"] {
        let grants = &signal(before, source).grants;
        assert!(grants.iter().all(|grant| !grant.granted), "{source}");
        assert!(!grants.is_empty(), "{source}");
    }
    for (source, text) in [("__gpp", "DBAA~1YNN"), ("__uspapi", "1YNN")] {
        let value = signal(before, source).value.as_ref().unwrap();
        assert_eq!(value.text(), text);
    }
    // Nobody asked for it.
    let gpc = &signal(before, "navigator.globalPrivacyControl").facts;
    assert_ne!(gpc["value"], "true");
    assert_eq!(signal(before, "Sec-GPC").facts["sent-with"], "0");
    assert!(!report.run.options.contains_key("gpc"));

    let picture = |visit: &Visit| visit.screenshot_after_choice.clone();
    assert_eq!(picture(before), None);
    let (chosen, end) = (picture(rejected), rejected.screenshot.clone());
    let (chosen, end) = (chosen.unwrap(), end.unwrap());
    assert!(chosen.at_ms >= rejected.choice.confirmed_ms.unwrap());
    assert!(!chosen.full_page && end.full_page);
    assert_eq!(
        (chosen.data, end.data),
        (None, None),
        "only digests in JSON"
    );
    assert_eq!(chosen.sha256.len(), 64);
}

#[test]
fn global_privacy_control_reaches_every_target_and_leaves_cors_alone() {
    let log: Arc<Mutex<BTreeMap<String, (usize, usize)>>> = Arc::default();
    let noted = Arc::clone(&log);
    let note = from_fn(move |request: Request, next: Next| {
        let log = Arc::clone(&noted);
        async move {
            let key = format!("{} {}", request.method(), request.uri().path());
            let carried = request
                .headers()
                .get("sec-gpc")
                .is_some_and(|value| value == "1");
            {
                let mut log = log.lock().unwrap();
                let counts = log.entry(key).or_default();
                counts.0 += 1;
                counts.1 += usize::from(carried);
            }
            next.run(request).await
        }
    });
    let script = |text: &'static str| {
        get(move || async move { ([(CONTENT_TYPE, "text/javascript")], text) })
    };
    let page = get(|request: Request| async move {
        let host = request.headers()["host"].to_str().unwrap().to_owned();
        let port = host.rsplit(':').next().unwrap_or_default().to_owned();
        Html(
            r#"<!doctype html><title>Top</title><img src="/top.png">
<script>
  const said = (who, value) => fetch(`/said/${who}/${value}`);
  const getter = Object.getOwnPropertyDescriptor(Navigator.prototype, "globalPrivacyControl").get;
  said("page", navigator.globalPrivacyControl);
  said("native", String(getter).includes("[native code]") && !Object.hasOwn(navigator, "globalPrivacyControl"));
  new Worker("/worker.js");
  navigator.serviceWorker.register("/sw.js");
  navigator.sendBeacon("/beacon", "x");
  fetch("http://two.localhost:PORT/cors").then((answer) => said("cors", answer.ok), () => said("cors", false));
  addEventListener("pagehide", () => navigator.sendBeacon("/last-words", "bye"));
</script>
<iframe src="http://two.localhost:PORT/frame"></iframe>"#
                .replace("PORT", &port),
        )
    });
    let server = Served::start(
        Router::new()
            .route("/", page)
            .route(
                "/frame",
                get(|| async {
                    Html("<!doctype html><script>fetch(`/said/frame/${navigator.globalPrivacyControl}`)</script>")
                }),
            )
            .route(
                "/worker.js",
                script("fetch(`/said/worker/${navigator.globalPrivacyControl}`)"),
            )
            .route(
                "/sw.js",
                script("fetch(`/said/service-worker/${navigator.globalPrivacyControl}`)"),
            )
            .route(
                "/cors",
                any(|| async { ([("access-control-allow-origin", "*")], "") }),
            )
            .fallback(any(|| async { "" }))
            .layer(note),
    );
    for isolation in [None, Some("--browser-arg=--site-per-process")] {
        log.lock().unwrap().clear();
        let url = server.url_of("one.localhost", "/");
        let mut arguments = vec!["--gpc", "--dwell", "2s", "--states", "before", &url];
        arguments.extend(isolation);
        let (_, report, said) = audit(&arguments);
        let log = log.lock().unwrap();
        for key in [
            "GET /",
            "GET /top.png",
            "GET /said/page/true",
            "GET /said/native/true",
            "GET /said/frame/true",
            "GET /said/worker/true",
            "GET /said/service-worker/true",
            "GET /said/cors/true",
            "GET /frame",
            "GET /worker.js",
            "GET /sw.js",
            "GET /cors",
            "POST /beacon",
            "POST /last-words",
        ] {
            let (all, carried) = log.get(key).copied().unwrap_or_default();
            assert!(all > 0 && carried == all, "{key} of {log:?}\n{said}");
        }
        assert!(!log.contains_key("OPTIONS /cors"), "{log:?}");
        let visit = &report.pages[0].visits[0];
        let facts = &signal(visit, "navigator.globalPrivacyControl").facts;
        assert_eq!(facts["value"], "true");
        let header = &signal(visit, "Sec-GPC").facts;
        assert_eq!(header["sent-with"], header["requests"]);
        assert_eq!(report.run.options["gpc"], "yes");
        assert!(report.run.browser.unwrap().global_privacy_control);
    }
}
