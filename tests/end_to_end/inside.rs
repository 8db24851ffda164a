//! A page cannot use the browser to reach the inside of our network: every way it knows ends at the proxy.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::{Html, IntoResponse as _, Redirect};
use consentinel::browser::{Browser, LaunchOptions};
use consentinel::model::visit::State;
use consentinel::proxy::{Found, Policy, Proxy, Resolve, SystemResolver};

use consentinel::visit::consent::Engine;
use consentinel::visit::{Manner, Plan, visit};
use tokio_util::sync::CancellationToken;

use crate::harness::{Served, browser, runtime};

/// Every way a page can ask for something.
const PAGE: &str = r#"<!doctype html><title>Reaches inside</title>
<link rel="stylesheet" href="http://127.0.0.1:PORT/inside/style">
<link rel="preload" as="script" href="http://127.0.0.1:PORT/inside/preload">
<link rel="prefetch" href="http://127.0.0.1:PORT/inside/prefetch">
<link rel="preconnect" href="http://127.0.0.1:PORT">
<script src="http://127.1:PORT/inside/script"></script>
<img src="http://2130706433:PORT/inside/picture">
<iframe src="http://0x7f.0.0.1:PORT/inside/frame"></iframe>
<iframe src="file:///etc/passwd"></iframe>
<iframe src="/leads-inside"></iframe>
<video src="http://localhost:PORT/inside/video" autoplay></video>
<object data="http://[::1]:PORT/inside/object"></object>
<form id="form" method="post" target="sent" action="http://inside.test:PORT/inside/form"><input name="a" value="1"></form>
<iframe name="sent"></iframe>
<script>
  const inside = (path) => `http://127.0.0.1:PORT/inside/${path}`;
  fetch(inside("fetch"), { mode: "no-cors" }).catch(() => {});
  fetch("/leads-inside", { mode: "no-cors" }).catch(() => {});
  fetch("http://[::ffff:127.0.0.1]:PORT/inside/mapped", { mode: "no-cors" }).catch(() => {});
  fetch("http://0.0.0.0:PORT/inside/any", { mode: "no-cors" }).catch(() => {});
  fetch("http://inside.test:PORT/inside/name", { mode: "no-cors" }).catch(() => {});
  navigator.sendBeacon(inside("beacon"), "x");
  new WebSocket("ws://127.0.0.1:PORT/inside/socket");
  new WebSocket("ws://inside.test:PORT/inside/socket");
  new EventSource(inside("events"));
  new Worker(URL.createObjectURL(new Blob([`fetch("${inside("worker")}", { mode: "no-cors" })`])));
  const request = new XMLHttpRequest(); request.open("GET", inside("xhr")); request.send();
  open(inside("pop-up"));
  document.getElementById("form").submit();
  try { new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.1:PORT" }] }).createDataChannel("x"); } catch {}
  setTimeout(() => fetch("/done"), 1500);
</script>"#;

/// One outside, one inside; both are this machine, but only one is admitted.
struct Names;

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a> {
        match host {
            "inside.test" => Box::pin(async { Ok(vec!["127.0.0.1".parse().unwrap()]) }),
            _ => SystemResolver.resolve(host),
        }
    }
}

#[test]
fn no_way_of_a_page_reaches_inside() {
    let reached = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&reached);
    let served = Served::start(Router::new().fallback(move |request: Request| {
        let count = Arc::clone(&count);
        async move {
            let host = request.headers()["host"].to_str().unwrap_or_default();
            let port = host.rsplit(':').next().unwrap_or_default();
            match request.uri().path() {
                "/" => Html(PAGE.replace("PORT", port)).into_response(),
                "/leads-inside" => {
                    Redirect::temporary(&format!("http://127.0.0.1:{port}/inside/redirected"))
                        .into_response()
                }
                path => {
                    if path.starts_with("/inside") {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    "".into_response()
                }
            }
        }
    }));
    let executable = browser();
    runtime().block_on(visit_it(&served, executable, &reached));
}

async fn visit_it(served: &Served, executable: PathBuf, reached: &AtomicUsize) {
    let url = url::Url::parse(&served.url_of("outside.test", "/")).unwrap();
    let proxy = Proxy::start(Policy::default(), Box::new(Names))
        .await
        .unwrap();
    let port = url.port().unwrap();
    proxy.admit("outside.test", ([127, 0, 0, 1], port).into());
    let browser = Browser::launch(&LaunchOptions {
        executable,
        arguments: proxy.browser_switches(),
        ..LaunchOptions::default()
    })
    .await
    .unwrap();
    let plan = Plan {
        url,
        state: State::Before,
        repeat: 1,
        manner: Manner {
            dwell: Duration::from_secs(3),
            ..Manner::default()
        },
    };
    let engine = Arc::new(Engine::load(None).unwrap());
    let visit = visit(&browser, &engine, &plan, &CancellationToken::new()).await;
    browser.close().await;
    let requests = &visit.snapshot.requests;
    assert_eq!(visit.status, Some(200), "{:?}", visit.diagnostics);
    assert!(
        requests
            .iter()
            .any(|request| request.url.ends_with("/done"))
    );
    assert_eq!(reached.load(Ordering::Relaxed), 0, "{:?}", proxy.refusals());
    let (count, kept) = proxy.refusals();
    assert!(count >= 15, "{count}: {kept:?}");
}
