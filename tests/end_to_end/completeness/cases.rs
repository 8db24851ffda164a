//! Pages that make requests in every way there is.

use axum::Router;
use axum::body::Body;
use axum::extract::Request as Asked;
use axum::http::{Method, Response, StatusCode};
use consentinel::model::report::Report;
use consentinel::model::snapshot::{AnsweredBy, Request};

use super::net_log::NetLog;
use super::{compare, requests, websocket};
use crate::harness::{Served, audit};

const PAGE: &str = r#"<!doctype html><title>Every way</title>
<link rel="preload" as="image" href="/preloaded.png">
<link rel="prefetch" href="/prefetched.js">
<img src="/preloaded.png"><img src="/hop/1"><img src="/old"><img src="http://nowhere.invalid/pixel">
<script>
const other = "http://two.localhost:PORT";
const post = (path, body, more) => fetch(path, { method: "POST", body, ...more });
const form = new FormData();
form.append("one", "1");
form.append("file", new Blob(["in a file"]), "note.txt");
post("/form", new URLSearchParams({ a: "1", b: "x y" }));
post("/multipart", form);
post("/json", JSON.stringify({ user: { id: 7 } }), { headers: { "content-type": "application/json" } });
post("/lines", "en=page_view&_et=1\r\nen=scroll");
post("/blob", new Blob(['{"in":"a blob"}'], { type: "text/plain" }));
post("/large", "k=" + "x".repeat(100000));
post("/keepalive", "k=1", { keepalive: true });
navigator.sendBeacon("/beacon", "k=1");
navigator.sendBeacon("/hop/8", "k=1");
const xhr = new XMLHttpRequest();
xhr.open("POST", "/xhr");
xhr.send("k=1");
fetch(other + "/preflighted", { method: "PUT", headers: { "x-custom": "1" }, body: "k=1" });
fetch(other + "/unreadable?nocors").catch(() => {});
fetch("/cached.js").then((answer) => answer.text()).then(() => fetch("/cached.js"));
const image = new Image();
image.onload = image.onerror = () => { new Image().src = "/old?again"; };
image.src = "/old?again";
const socket = new WebSocket("ws://one.localhost:SOCKET/chat");
socket.onopen = () => socket.send("hello");
const stream = new EventSource("/events");
new Worker("/worker.js");
new Image().src = "/by-inline-script";
addEventListener("pagehide", () => {
  navigator.sendBeacon("/last-beacon", "k=1");
  post("/last-keepalive", "k=1", { keepalive: true });
  new Image().src = "/last-image";
  fetch(other + "/last-preflighted", { method: "PUT", headers: { "x-custom": "1" }, body: "k=1", keepalive: true }).catch(() => {});
});
</script>
<script src="http://two.localhost:PORT/tag.js"></script>
<script type="speculationrules">{"prefetch": [{"source": "list", "urls": ["/next"], "eagerness": "immediate"}]}</script>
<iframe src="/policy"></iframe><iframe src="/scoped/page"></iframe>
<iframe src="http://two.localhost:PORT/frame"></iframe>"#;

const TAG: &str = r#"const script = document.createElement("script");
script.src = "http://two.localhost:PORT/second.js"; document.head.append(script);"#;

const SECOND: &str =
    r#"setTimeout(() => { new Image().src = "http://two.localhost:PORT/hit"; }, 10);"#;

const SCOPED: &str = r#"<!doctype html><script>
navigator.serviceWorker.register("/scoped/sw.js");
const ask = () => { fetch("/scoped/answered"); fetch("/scoped/through"); };
if (navigator.serviceWorker.controller) ask();
else navigator.serviceWorker.addEventListener("controllerchange", ask, { once: true });
</script>"#;

const SERVICE_WORKER: &str = r#"addEventListener("install", () => skipWaiting());
addEventListener("activate", (event) => event.waitUntil(clients.claim()));
addEventListener("fetch", (event) => {
  const { pathname } = new URL(event.request.url);
  if (pathname === "/scoped/answered") event.respondWith(new Response("made up"));
  if (pathname === "/scoped/through") event.respondWith(fetch("/scoped/by-worker"));
});"#;

const WORKER: &str = r#"fetch("/from-worker"); fetch("http://two.localhost:PORT/worker-preflighted", { method: "PUT", headers: { "x-custom": "1" } });"#;

/// What is expected: method, host, path, and how the snapshot marks it.
const EXPECTED: &[(&str, &str, &str, &str)] = &[
    ("GET", "one", "/", "network"),
    ("GET", "one", "/preloaded.png", "network preload"),
    ("GET", "one", "/prefetched.js", "network prefetch"),
    ("GET", "one", "/next", "network prefetch"),
    ("GET", "one", "/hop/1", "network 302 sets hop1"),
    ("GET", "two", "/hop/2", "network 302 sets hop2"),
    ("GET", "one", "/hop/3", "network sets hop3"),
    ("GET", "one", "/old", "network 301 sets old"),
    ("GET", "one", "/new", "network sets new"),
    // The second time the redirect comes from the cache, and only the second hop sets its cookie.
    ("GET", "one", "/old?again", "network 301 sets old"),
    ("GET", "one", "/new?again", "network sets new"),
    ("GET", "one", "/old?again", "disk-cache 301"),
    ("GET", "one", "/new?again", "network sets new"),
    (
        "GET",
        "nowhere",
        "/pixel",
        "failed net::ERR_NAME_NOT_RESOLVED",
    ),
    ("POST", "one", "/form", "network"),
    ("POST", "one", "/multipart", "network"),
    ("POST", "one", "/json", "network"),
    ("POST", "one", "/lines", "network"),
    ("POST", "one", "/blob", "network"),
    ("POST", "one", "/large", "network"),
    ("POST", "one", "/keepalive", "network"),
    ("POST", "one", "/beacon", "network"),
    ("POST", "one", "/hop/8", "network 302 sets hop8"),
    ("GET", "one", "/hop/9", "network sets hop9"),
    ("POST", "one", "/xhr", "network"),
    ("OPTIONS", "two", "/preflighted", "network preflight"),
    ("PUT", "two", "/preflighted", "network"),
    ("GET", "two", "/unreadable?nocors", "network cors"),
    ("GET", "one", "/cached.js", "network"),
    ("GET", "one", "/cached.js", "disk-cache"),
    // The browser shows the cookies of a handshake to the socket's own origin only.
    ("GET", "one", "/chat", "network"),
    ("GET", "one", "/events", "network"),
    ("GET", "one", "/worker.js", "network"),
    ("GET", "one", "/from-worker", "network"),
    ("OPTIONS", "two", "/worker-preflighted", "network preflight"),
    ("PUT", "two", "/worker-preflighted", "network"),
    ("GET", "one", "/by-inline-script", "network"),
    ("GET", "two", "/tag.js", "network"),
    ("GET", "two", "/second.js", "network"),
    ("GET", "two", "/hit", "network"),
    ("GET", "two", "/frame", "network"),
    ("GET", "two", "/frame.png", "network"),
    ("GET", "one", "/policy", "network"),
    ("GET", "one", "/forbidden.png", "blocked csp"),
    ("GET", "one", "/scoped/page", "network"),
    ("GET", "one", "/scoped/sw.js", "network"),
    ("GET", "one", "/scoped/answered", "service-worker"),
    ("GET", "one", "/scoped/through", "service-worker"),
    ("GET", "one", "/scoped/by-worker", "network"),
    ("POST", "one", "/last-beacon", "leaving"),
    ("POST", "one", "/last-keepalive", "leaving"),
    ("GET", "one", "/last-image", "leaving"),
    ("OPTIONS", "two", "/last-preflighted", "leaving preflight"),
    ("PUT", "two", "/last-preflighted", "leaving"),
];

fn mark(request: &Request) -> String {
    let mut marks = vec![match &request.failed {
        _ if request.on_leaving => "leaving".to_owned(),
        Some(_) if request.blocked.is_some() => {
            format!("blocked {}", request.blocked.as_deref().unwrap_or_default())
        }
        Some(reason) if request.answered_by == AnsweredBy::Nobody => format!("failed {reason}"),
        _ => serde_json::to_value(request.answered_by)
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned(),
    }];
    if let Some(status) = request.status.filter(|status| (300..400).contains(status)) {
        marks.push(status.to_string());
    }
    if let Some(ahead) = request.ahead {
        marks.push(format!("{ahead:?}").to_lowercase());
    }
    if request.cors_error.is_some() {
        marks.push("cors".to_owned());
    }
    if request.resource_type == "Preflight" && request.preflight_of.is_some() {
        marks.push("preflight".to_owned());
    }
    if !request.set_cookies.is_empty() {
        marks.push(format!("sets {}", request.set_cookies.join(",")));
    }
    marks.join(" ")
}

async fn answer(asked: Asked<Body>, socket: u16) -> Response<Body> {
    let headers = asked.headers();
    let header = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let (host, origin) = (header("host"), header("origin"));
    let port = host.rsplit(':').next().unwrap_or_default().to_owned();
    let path = asked.uri().path().to_owned();
    let path = path.as_str();
    let query = asked
        .uri()
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let mut response = Response::builder();
    if !query.contains("nocors") {
        response = response
            .header(
                "access-control-allow-origin",
                if origin.is_empty() { "*" } else { &origin },
            )
            .header("access-control-allow-headers", "x-custom")
            .header("access-control-allow-methods", "PUT");
    }
    let (kind, text) = match path {
        "/" => ("text/html", PAGE),
        "/frame" => ("text/html", "<!doctype html><img src='/frame.png'>"),
        "/policy" => (
            "text/html",
            "<!doctype html><meta http-equiv='Content-Security-Policy' content=\"img-src 'none'\"><img src='/forbidden.png'>",
        ),
        "/next" => ("text/html", "<!doctype html><img src='/never-shown.png'>"),
        "/scoped/page" => ("text/html", SCOPED),
        "/scoped/sw.js" => ("text/javascript", SERVICE_WORKER),
        "/worker.js" => ("text/javascript", WORKER),
        "/tag.js" => ("text/javascript", TAG),
        "/second.js" => ("text/javascript", SECOND),
        // The next event would come after a minute.
        "/events" => (
            "text/event-stream",
            "retry: 60000\nevent: tick\ndata: one\n\n",
        ),
        _ => ("text/plain", ""),
    };
    if path == "/cached.js" {
        response = response.header("cache-control", "max-age=600");
    }
    let hop: Option<u32> = path.strip_prefix("/hop/").and_then(|hop| hop.parse().ok());
    if let Some(hop) = hop {
        response = response.header("set-cookie", format!("hop{hop}=1"));
        let next = match hop {
            1 => Some(format!("http://two.localhost:{port}/hop/2")),
            2 => Some(format!("http://one.localhost:{port}/hop/3")),
            8 => Some("/hop/9".to_owned()),
            _ => None,
        };
        if let Some(next) = next {
            response = response.status(StatusCode::FOUND).header("location", next);
        }
    }
    if path == "/old" {
        response = response
            .status(StatusCode::MOVED_PERMANENTLY)
            .header("location", format!("/new{query}"))
            .header("cache-control", "max-age=600")
            .header("set-cookie", "old=1");
    }
    if path == "/new" {
        response = response
            .header("set-cookie", "new=1")
            .header("cache-control", "no-store");
    }
    if asked.method() == Method::OPTIONS {
        response = response.status(StatusCode::NO_CONTENT);
    }
    // A body nobody reads resets the connection.
    axum::body::to_bytes(asked.into_body(), usize::MAX)
        .await
        .unwrap();
    let text = text
        .replace("PORT", &port)
        .replace("SOCKET", &socket.to_string());
    response
        .header("content-type", kind)
        .body(Body::from(text))
        .unwrap()
}

fn visit(browser_arguments: &[&str]) -> (Report, NetLog) {
    let socket = websocket::serve().port();
    let server =
        Served::start(Router::new().fallback(move |asked: Asked<Body>| answer(asked, socket)));
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("net-log.json");
    let log_argument = format!("--browser-arg=--log-net-log={}", log.display());
    let url = server.url_of("one.localhost", "/");
    let mut arguments = vec![
        "--states",
        "before",
        "--dwell",
        "5s",
        &log_argument,
        "--browser-arg=--net-log-capture-mode=Everything",
    ];
    arguments.extend(browser_arguments);
    arguments.push(&url);
    let (_, report, _) = audit(&arguments);
    let ours = [server.address.port(), socket];
    let log = NetLog::read(&log, |url| {
        url.port().is_some_and(|port| ours.contains(&port))
    });
    (report, log)
}

fn found<'r>(report: &'r Report, method: &str, path: &str) -> &'r Request {
    requests(report)
        .find(|request| request.method == method && request.url.ends_with(path))
        .unwrap_or_else(|| panic!("no {method} {path}"))
}

/// Everything expected, nothing else, and both as the network log has it.
#[test]
fn every_way_to_make_a_request_is_recorded_as_what_it_is() {
    let (report, log) = visit(&[]);
    let mut seen: Vec<(String, String, String, String)> = requests(&report)
        .map(|request| {
            let url = url::Url::parse(&request.url).unwrap();
            let host = url.host_str().unwrap().split('.').next().unwrap();
            let path = &url[url::Position::BeforePath..];
            (
                request.method.clone(),
                host.to_owned(),
                path.to_owned(),
                mark(request),
            )
        })
        .collect();
    let mut missing = Vec::new();
    for (method, host, path, mark) in EXPECTED {
        let expected = (*method).to_owned();
        let expected = (
            expected,
            (*host).to_owned(),
            (*path).to_owned(),
            (*mark).to_owned(),
        );
        match seen.iter().position(|seen| *seen == expected) {
            Some(at) => drop(seen.swap_remove(at)),
            None => missing.push(expected),
        }
    }
    assert!(
        missing.is_empty() && seen.is_empty(),
        "missing: {missing:#?}\nbeside: {seen:#?}"
    );
    compare(&report, &log);
    bodies(&report);
    chains(&report);
    conversations(&report);
}

fn bodies(report: &Report) {
    for (path, expected) in [
        ("/form", &[("a", "1"), ("b", "x y")][..]),
        ("/multipart", &[("one", "1"), ("file", "in a file")]),
        ("/json", &[("user.id", "7")]),
        (
            "/lines",
            &[
                ("[0].en", "page_view"),
                ("[0]._et", "1"),
                ("[1].en", "scroll"),
            ],
        ),
        ("/blob", &[("in", "a blob")]),
        ("/beacon", &[("k", "1")]),
        ("/xhr", &[("k", "1")]),
        ("/last-beacon", &[("k", "1")]),
        ("/last-keepalive", &[("k", "1")]),
    ] {
        let request = found(report, "POST", path);
        let parameters: Vec<(&str, &str)> = request
            .body_parameters
            .iter()
            .map(|parameter| (parameter.name.as_str(), parameter.value.text()))
            .collect();
        assert_eq!(parameters, expected, "{path}");
    }
    // Longer than what the browser shows of its own accord.
    let large = found(report, "POST", "/large");
    assert_eq!(large.post_body.as_ref().unwrap().length, 100_002);
    assert!(requests(report).all(|request| !request.body_unseen));
}

fn chains(report: &Report) {
    let page = found(report, "GET", "/").url.clone();
    let line_of =
        |text: &str| PAGE.lines().position(|line| line.contains(text)).unwrap() as u32 + 1;
    let steps = |method: &str, path: &str| -> Vec<(String, String, u32)> {
        found(report, method, path)
            .initiator_chain
            .iter()
            .map(|step| {
                let at = if step.url == page {
                    "/"
                } else {
                    step.url.rsplit('/').next().unwrap()
                };
                (step.kind.clone(), at.to_owned(), step.line)
            })
            .collect()
    };
    let step = |kind: &str, at: &str, line: u32| (kind.to_owned(), at.to_owned(), line);
    // Through an asynchronous call and two scripts up to the tag in the page.
    // Twice the same line: what the timer called, and who set the timer.
    let hit = [
        step("script", "second.js", 1),
        step("script", "second.js", 1),
        step("script", "tag.js", 2),
        step("parser", "/", line_of("/tag.js")),
    ];
    assert_eq!(steps("GET", "/hit"), hit);
    let inline = [step("script", "/", line_of("/by-inline-script"))];
    assert_eq!(steps("GET", "/by-inline-script"), inline);
    // The browser does not say which line of the page started a worker.
    let worker = [step("script", "worker.js", 1), step("worker", "/", 0)];
    assert_eq!(steps("GET", "/from-worker"), worker);
    assert_eq!(steps("OPTIONS", "/worker-preflighted"), worker);
    let preflighted = [step("script", "/", line_of("/preflighted"))];
    assert_eq!(steps("OPTIONS", "/preflighted"), preflighted);
    assert_eq!(steps("PUT", "/preflighted"), preflighted);
    let frame = [
        step("parser", "frame", 1),
        step("parser", "/", line_of("/frame\"")),
    ];
    assert_eq!(steps("GET", "/frame.png"), frame);
    for path in ["/last-beacon", "/last-keepalive", "/last-image"] {
        let request = requests(report)
            .find(|request| request.url.ends_with(path))
            .unwrap();
        assert_eq!(request.initiator_chain[0].url, page, "{path}");
    }
}

fn conversations(report: &Report) {
    let socket = found(report, "GET", "/chat");
    assert_eq!(socket.status, Some(101));
    let mut said: Vec<(bool, &str)> = socket
        .messages
        .iter()
        .map(|message| (message.sent, message.payload.text()))
        .collect();
    said.sort_unstable();
    assert_eq!(said, [(false, "welcome"), (true, "hello")]);
    let cookies = &report.pages[0].visits[0].snapshot.cookies;
    let cookie = cookies.iter().find(|cookie| cookie.name == "socket");
    assert!(cookie.is_some_and(|cookie| cookie.alive), "{cookies:?}");
    let stream = found(report, "GET", "/events");
    let event = &stream.messages[0];
    assert_eq!(
        (event.event.as_deref(), event.payload.text()),
        (Some("tick"), "one")
    );
    let redirected = found(report, "GET", "/hop/3");
    let hops: Vec<(u16, &str)> = redirected
        .redirect_chain
        .iter()
        .map(|hop| (hop.status, hop.set_cookies[0].as_str()))
        .collect();
    assert_eq!(hops, [(302, "hop1"), (302, "hop2")]);
}

/// The same pages with frames in processes of their own: as many requests, each once.
#[test]
fn frames_of_other_processes_lose_and_double_nothing() {
    let (report, log) = visit(&["--browser-arg=--site-per-process"]);
    assert_eq!(requests(&report).count(), EXPECTED.len());
    compare(&report, &log);
}
