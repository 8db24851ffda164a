//! Nobody reaches the inside of the service's network by having a site audited: `127.0.0.1` is what may be
//! reached here, `127.0.0.2` and `::1` on a port of their own are inside.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use consentinel::audit::guard::Bounds;
use consentinel::model::report::Report;
use consentinel::model::visit::{DiagnosticCode, Outcome, State};
use consentinel::proxy::{Found, Resolve};
use consentinel::service::audit::Standing;
use consentinel::service::site::{Settings, SiteWish};
use consentinel::service::{Names, Options};

use crate::harness::{Running, Served, options, until};

/// Every way a page can ask for something.
const PAGE: &str = r#"<!doctype html><title>Reaches inside</title>
<link rel="stylesheet" href="http://127.0.0.2:PORT/style">
<link rel="preload" as="script" href="http://127.0.0.2:PORT/preload">
<link rel="prefetch" href="http://127.0.0.2:PORT/prefetch">
<link rel="preconnect" href="http://127.0.0.2:PORT">
<link rel="manifest" href="http://127.0.0.2:PORT/manifest">
<script src="http://127.2:PORT/script"></script>
<script type="module">import("http://127.0.0.2:PORT/module").catch(() => {});</script>
<img src="http://2130706434:PORT/picture">
<img srcset="http://0177.0.0.2:PORT/octal 1x">
<iframe src="http://0x7f.2:PORT/frame"></iframe>
<iframe src="http://[::1]:PORT/frame6"></iframe>
<iframe src="file:///etc/passwd"></iframe>
<iframe src="ftp://127.0.0.2:PORT/ftp"></iframe>
<iframe src="view-source:http://127.0.0.2:PORT/source"></iframe>
<iframe src="/redirect"></iframe>
<iframe src="/refresh"></iframe>
<video src="http://inside.test:PORT/video" autoplay></video>
<object data="http://[::1]:PORT/object"></object>
<embed src="http://[::ffff:127.0.0.2]:PORT/embed">
<form id="form" method="post" target="sent" action="http://inside.test:PORT/form"><input name="a" value="1"></form>
<iframe name="sent"></iframe>
<footer><a href="http://127.0.0.2:PORT/cookie-policy">Cookie policy</a></footer>
<script>
  const inside = (path) => `http://127.0.0.2:PORT/${path}`;
  const ask = (url) => fetch(url, { mode: "no-cors" }).catch(() => {});
  for (const path of ["fetch", "again"]) ask(inside(path));
  ask("/redirect");
  ask("http://[::ffff:7f00:2]:PORT/mapped");
  ask("http://[64:ff9b::7f00:2]:PORT/translated");
  ask("http://[2002:7f00:2::]:PORT/6to4");
  ask("http://0.0.0.0:PORT/any");
  ask("http://inside.test:PORT/name");
  ask("http://mixed.test:PORT/mixed");
  (async () => { for (let n = 0; n < 6; n++) await ask(`http://rebinds.test:${n % 2 ? PORT : location.port}/rebound`); })();
  navigator.sendBeacon(inside("beacon"), "x");
  for (const host of ["127.0.0.2", "inside.test", "[::1]"]) new WebSocket(`ws://${host}:PORT/socket`);
  new EventSource(inside("events"));
  new Worker(URL.createObjectURL(new Blob([`fetch("${inside("worker")}", { mode: "no-cors" })`])));
  const request = new XMLHttpRequest(); request.open("GET", inside("xhr")); request.send();
  open(inside("pop-up"));
  document.getElementById("form").submit();
  try { new RTCPeerConnection({ iceServers: [{ urls: ["stun:127.0.0.2:PORT", "turn:127.0.0.2:PORT?transport=tcp"], username: "a", credential: "b" }] }).createDataChannel("x"); } catch {}
  try { new RTCPeerConnection({ iceServers: [{ urls: "stun:127.0.0.2:PORT" }] }).createOffer().then(() => {}); } catch {}
  try { new WebTransport("https://127.0.0.2:PORT/transport").ready.catch(() => {}); } catch {}
  navigator.serviceWorker?.register("/worker.js").then(() => fetch("/worker-registered")).catch(() => {});
  for (const [name, wish] of Object.entries({
    geolocation: () => new Promise((yes, no) => navigator.geolocation.getCurrentPosition(yes, no)),
    camera: () => navigator.mediaDevices.getUserMedia({ video: true }),
    microphone: () => navigator.mediaDevices.getUserMedia({ audio: true }),
    screen: () => navigator.mediaDevices.getDisplayMedia(),
    notifications: () => Notification.requestPermission().then((word) => { if (word !== "granted") throw word; }),
    clipboard: () => navigator.clipboard.readText(),
    midi: () => navigator.requestMIDIAccess({ sysex: true }),
    files: () => showOpenFilePicker(),
  })) {
    (async () => wish())().then(() => fetch(`/granted/${name}`), () => fetch(`/denied/${name}`));
  }
  setTimeout(() => fetch("/done"), 1500);
</script>"#;

/// A service worker that asks for something inside.
const WORKER: &str = r#"self.addEventListener("install", () => self.skipWaiting());
fetch("http://127.0.0.2:PORT/service-worker", { mode: "no-cors" }).catch(() => {});
try { importScripts("http://127.0.0.2:PORT/imported"); } catch {}"#;

/// What hosts mean here; `rebinds.test` means something else each time it is asked for.
#[derive(Default)]
struct TestNames(AtomicUsize);

impl Resolve for TestNames {
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a> {
        let addresses = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let found = match host {
            "inside.test" => addresses(&["127.0.0.2"]),
            "mixed.test" => addresses(&["127.0.0.1", "127.0.0.2"]),
            "rebinds.test" => match self.0.fetch_add(1, Ordering::Relaxed) % 2 {
                0 => addresses(&["127.0.0.1"]),
                _ => addresses(&["127.0.0.2"]),
            },
            // Numbers in the forms browsers and systems understand.
            host => host.parse().into_iter().collect(),
        };
        Box::pin(async move { Ok(found) })
    }
}

/// A site that may be reached, and servers inside that must not be.
struct World {
    outside: Served,
    _inside: Vec<Served>,
    datagrams: UdpSocket,
    /// What was asked of the inside, with a host or a path.
    reached: Arc<Mutex<Vec<String>>>,
    /// Paths that were asked of the outside.
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl World {
    fn new() -> Self {
        let reached: Arc<Mutex<Vec<String>>> = Arc::default();
        let asked: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let seen = Arc::clone(&reached);
        let inside = Router::new().fallback(move |request: Request| {
            seen.lock().unwrap().push(request.uri().to_string());
            async { "secret" }
        });
        let four = Served::at(([127, 0, 0, 2], 0).into(), inside.clone());
        let port = four.address.port();
        let mut all = vec![four];
        // A machine may have no IPv6; then nothing is reached there either.
        let six: SocketAddr = format!("[::1]:{port}").parse().unwrap();
        if std::net::TcpListener::bind(six).is_ok() {
            all.push(Served::at(six, inside));
        }
        let datagrams = UdpSocket::bind(("127.0.0.2", port)).unwrap();
        datagrams.set_nonblocking(true).unwrap();
        let heard = Arc::clone(&asked);
        let outside = Router::new().fallback(move |request: Request| {
            let path = request.uri().path().to_owned();
            heard.lock().unwrap().insert(path.clone());
            async move { answer(&path, port) }
        });
        Self {
            outside: Served::at(([127, 0, 0, 1], 0).into(), outside),
            _inside: all,
            datagrams,
            reached,
            asked,
        }
    }

    #[expect(clippy::unused_self, reason = "the options of this world")]
    fn options(&self) -> Options {
        Options {
            bounds: Bounds {
                allowed: vec!["127.0.0.1/32".parse().unwrap()],
                ..Bounds::default()
            },
            names: Names(Arc::new(TestNames::default())),
            concurrency: 3,
            ..options()
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.outside.address)
    }

    fn was_asked(&self, path: &str) -> bool {
        self.asked.lock().unwrap().contains(path)
    }

    fn assert_nothing_inside_was_reached(&self) {
        let reached = self.reached.lock().unwrap();
        assert!(reached.is_empty(), "{reached:?}");
        let mut buffer = [0; 64];
        let datagram = self.datagrams.recv_from(&mut buffer);
        assert!(datagram.is_err(), "{datagram:?}");
    }
}

/// A name no other file has.
fn download(port: u16) -> String {
    format!("consentinel-test-{port}-{}.bin", std::process::id())
}

/// Where a browser would put what it downloads.
fn downloads() -> Vec<std::path::PathBuf> {
    let home = std::env::var_os("HOME").map(std::path::PathBuf::from);
    let mut places = vec![std::env::temp_dir(), ".".into()];
    places.extend(home.iter().cloned());
    places.extend(home.map(|home| home.join("Downloads")));
    places
}

/// What the outside answers.
fn answer(path: &str, port: u16) -> Response {
    let filled = |text: &str| text.replace("PORT", &port.to_string());
    let inside = format!("http://127.0.0.2:{port}");
    match path {
        "/" => Html(filled(PAGE)).into_response(),
        "/redirect" => Redirect::temporary(&format!("{inside}/redirected")).into_response(),
        "/to-a-file" => Redirect::temporary("file:///etc/passwd").into_response(),
        "/refresh" => Html(format!(
            "<!doctype html><meta http-equiv=refresh content='0;url={inside}/refreshed'>"
        ))
        .into_response(),
        "/worker.js" => {
            ([(header::CONTENT_TYPE, "text/javascript")], filled(WORKER)).into_response()
        }
        "/downloads" => Html(
            "<!doctype html><title>Downloads</title><a href=/download download>a file</a>
            <script>setTimeout(() => document.querySelector('a').click(), 500)</script>",
        )
        .into_response(),
        "/download" => {
            let attached = format!("attachment; filename={}", download(port));
            ([(header::CONTENT_DISPOSITION, attached)], "downloaded").into_response()
        }
        "/robots.txt" => format!(
            "Sitemap: {inside}/sitemap.xml\nSitemap: http://inside.test:{port}/sitemap.xml\nSitemap: /sitemap.xml\n"
        )
        .into_response(),
        "/sitemap.xml" => format!(
            "<urlset><url><loc>{inside}/page</loc></url><url><loc>http://[::1]:{port}/page</loc></url></urlset>"
        )
        .into_response(),
        _ => "".into_response(),
    }
}

fn site(url: String, settings: Settings) -> SiteWish {
    SiteWish {
        name: Some("outside".to_owned()),
        url,
        settings,
    }
}

fn quick() -> Settings {
    Settings {
        dwell_seconds: 3,
        states: vec![State::Before],
        ..Settings::default()
    }
}

fn codes(report: &Report) -> Vec<DiagnosticCode> {
    report
        .run
        .diagnostics
        .iter()
        .map(|told| told.code)
        .collect()
}

#[test]
fn no_page_reaches_inside_through_the_service() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), world.options());
    let service = &running.service;
    let settings = Settings {
        pages: vec![
            world.url("/redirect"),
            world.url("/refresh"),
            world.url("/to-a-file"),
            world.url("/downloads"),
        ],
        // The policy is read, and a second browser asks by Global Privacy Control.
        thorough: true,
        ..quick()
    };
    let site = service.add_site(site(world.url("/"), settings)).unwrap();
    let audit = running.finished(&service.ask(&site, "test").unwrap().id);
    world.assert_nothing_inside_was_reached();
    for path in [
        "/done",
        "/worker-registered",
        "/refresh",
        "/redirect",
        "/download",
    ] {
        assert!(world.was_asked(path), "the page did not come to {path}");
    }
    let report = service.store().get(audit.run.as_deref().unwrap()).unwrap();
    assert!(
        codes(&report).contains(&DiagnosticCode::InsideRefused),
        "{:?}",
        codes(&report)
    );
    assert!(report.run.browser.as_ref().unwrap().third_party_cookies);
    let redirected = &report.pages[1];
    for visit in &redirected.visits {
        assert_eq!(visit.outcome, Outcome::Unreachable);
        let told = visit
            .diagnostics
            .iter()
            .any(|told| told.message.contains("--allow-net"));
        assert!(told, "{:?}", visit.diagnostics);
    }
    assert_ne!(report.pages[3].visits[0].outcome, Outcome::Complete);
    // No permission, no download.
    let asked = world.asked.lock().unwrap().clone();
    let granted: Vec<&String> = asked
        .iter()
        .filter(|path| path.starts_with("/granted"))
        .collect();
    assert!(granted.is_empty(), "{granted:?}");
    for name in [
        "geolocation",
        "camera",
        "microphone",
        "notifications",
        "midi",
    ] {
        assert!(
            asked.contains(&format!("/denied/{name}")),
            "{name}: {asked:?}"
        );
    }
    let file = download(world.datagrams.local_addr().unwrap().port());
    for place in downloads() {
        assert!(!place.join(&file).exists(), "{}", place.display());
    }
    running.end();
}

#[test]
fn no_robots_and_no_sitemap_leads_inside() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), world.options());
    let service = &running.service;
    let settings = Settings {
        max_pages: 3,
        ..quick()
    };
    let site = service.add_site(site(world.url("/"), settings)).unwrap();
    let audit = running.finished(&service.ask(&site, "test").unwrap().id);
    world.assert_nothing_inside_was_reached();
    for path in ["/robots.txt", "/sitemap.xml", "/done"] {
        assert!(world.was_asked(path), "{path}");
    }
    let report = service.store().get(audit.run.as_deref().unwrap()).unwrap();
    assert!(codes(&report).contains(&DiagnosticCode::InsideRefused));
    running.end();
}

#[test]
fn a_site_that_is_inside_fails_with_a_plain_word() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), world.options());
    let service = &running.service;
    let port = world.datagrams.local_addr().unwrap().port();
    // A number is known to be inside before it is asked for, a name only then.
    let refused = service.add_site(site(format!("http://0x7f.2:{port}/"), quick()));
    assert_eq!(refused.unwrap_err().pointer.as_deref(), Some("/url"));
    for (url, words) in [
        (format!("http://inside.test:{port}/"), "inside this network"),
        (format!("http://nowhere.test:{port}/"), "no such host"),
        (world.url("/redirect"), "inside this network"),
    ] {
        let site = service.add_site(site(url.clone(), quick())).unwrap();
        let audit = running.over(&service.ask(&site, "test").unwrap().id);
        assert_eq!(audit.standing, Standing::Failed, "{url}");
        let error = audit.error.unwrap();
        assert!(error.contains(words), "{url}: {error}");
        assert!(audit.run.is_some(), "what was seen is kept");
    }
    world.assert_nothing_inside_was_reached();
    running.end();
}

#[test]
fn an_audit_ends_when_a_bound_is_reached() {
    // A page that never stops sending.
    let endless = Router::new().fallback(|| async {
        let pieces = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>(vec![b'x'; 256 * 1024]), ()))
        });
        let body = axum::body::Body::from_stream(pieces);
        ([(header::CONTENT_TYPE, "text/html")], body)
    });
    let served = Served::at(([127, 0, 0, 1], 0).into(), endless);
    for (bounds, named) in [
        (
            Bounds {
                most_bytes: 3_000_000,
                ..Bounds::default()
            },
            "--max-audit-bytes",
        ),
        (
            Bounds {
                most_time: Duration::from_secs(1),
                ..Bounds::default()
            },
            "--max-audit-time",
        ),
        (
            Bounds {
                most_memory: 1_000_000,
                ..Bounds::default()
            },
            "--max-audit-memory",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bounds = Bounds {
            allowed: vec!["127.0.0.0/8".parse().unwrap()],
            ..bounds
        };
        let running = Running::start(
            folder.path(),
            Options {
                bounds,
                ..options()
            },
        );
        let service = &running.service;
        let url = format!("http://{}/", served.address);
        let site = service.add_site(site(url, quick())).unwrap();
        let id = service.ask(&site, "test").unwrap().id;
        let audit = until(named, || Some(running.over(&id)));
        let error = audit.error.clone().unwrap_or_default();
        assert!(error.contains(named), "{named}: {audit:#?}");
        let report = service.store().get(audit.run.as_deref().unwrap()).unwrap();
        assert!(
            codes(&report).contains(&DiagnosticCode::LimitReached),
            "{named}"
        );
        running.end();
    }
}
