//! Everything a site stores is in the snapshot, and nothing else: its pages say what they wrote.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::Response;
use consentinel::model::party::host_of;
use consentinel::model::snapshot::{Snapshot, StorageKind};

use crate::harness::{Served, audit};

/// Kind, host and key.
type Stored = BTreeSet<(String, String, String)>;

/// Writes everything its context can write, and tells the server what it wrote.
const WRITER: &str = r#"
const made = [];
const note = (kind, key) => made.push([kind, location.hostname, key]);
const database = (name, store, records) => new Promise((resolve, reject) => {
  const asked = indexedDB.open(name, 1);
  asked.onupgradeneeded = () => { if (store) asked.result.createObjectStore(store); };
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const database = asked.result;
    note("indexed-db", store ? `${name}/${store}` : name);
    if (!store) { database.close(); resolve(); return; }
    const change = database.transaction(store, "readwrite");
    for (const [key, value] of Object.entries(records)) change.objectStore(store).put(value, key);
    change.oncomplete = () => { database.close(); resolve(); };
  };
});
const cache = async (name) => {
  const opened = await caches.open(name);
  await opened.put(`/cached-by-${name}`, new Response("kept"));
  note("cache-storage", name);
};
const everywhere = async (prefix) => {
  await database(`${prefix}-kept`, "records", { visitor: { id: "made-up", list: [1, 2] } });
  await database(`${prefix}-empty`, null);
  await cache(`${prefix}-kept`);
  // By now whoever watches has begun to.
  await fetch("/a-moment-later");
  await database(`${prefix}-gone`, "records", { visitor: "gone" });
  await new Promise((resolve) => { indexedDB.deleteDatabase(`${prefix}-gone`).onsuccess = resolve; });
  await cache(`${prefix}-gone`);
  await caches.delete(`${prefix}-gone`);
};
const tell = () => fetch("/wrote", { method: "POST", body: JSON.stringify(made) });
const cookie = (name, rest) => { document.cookie = `${name}=1; Path=/; SameSite=None; Secure${rest}`; note("cookie", name); };
const inFrame = async (prefix) => {
  localStorage.setItem(`${prefix}-local`, "1");
  note("local-storage", `${prefix}-local`);
  sessionStorage[`${prefix}-session`] = "1";
  note("session-storage", `${prefix}-session`);
  cookie(`${prefix}-cookie`, "");
  cookie(`${prefix}-partitioned`, "; Partitioned");
  cookie(`${prefix}-gone`, "");
  document.cookie = `${prefix}-gone=; Path=/; Max-Age=0; SameSite=None; Secure`;
  await cookieStore.set({ name: `${prefix}-by-store`, value: "1", sameSite: "none" });
  note("cookie", `${prefix}-by-store`);
  await everywhere(prefix);
};
"#;

const PAGE: &str = r#"<!doctype html><title>Stores</title><script src="/writer.js"></script><script>
  inFrame("page").then(async () => {
    await navigator.serviceWorker.register("/service-worker.js", { scope: "/scope/" });
    note("service-worker", "/scope/");
    // Without a script there is nothing to store.
    await navigator.serviceWorker.register("/missing.js", { scope: "/missing/" }).catch(() => {});
    await tell();
  });
  new Worker("/worker.js");
  new SharedWorker("/shared-worker.js");
</script>
<iframe src="/same"></iframe>
<iframe src="http://two.localhost:PORT/other"></iframe>"#;

fn frame(prefix: &str, inner: &str) -> String {
    format!(
        r#"<!doctype html><script src="/writer.js"></script><script>inFrame("{prefix}").then(tell)</script>{inner}"#
    )
}

fn worker(prefix: &str, more: &str) -> String {
    format!(r#"importScripts("/writer.js"); everywhere("{prefix}"){more}.then(tell);"#)
}

async fn answer(request: Request, said: Arc<Mutex<Stored>>) -> Response {
    let path = request.uri().path().to_owned();
    let host = request.headers()["host"].to_str().unwrap_or_default();
    let port = host.rsplit(':').next().unwrap_or_default().to_owned();
    let html = |text: String| ("text/html", text.replace("PORT", &port));
    let script = |text: String| ("text/javascript", text);
    let (kind, text) = match path.as_str() {
        "/" => html(PAGE.to_owned()),
        "/same" => html(frame("same", "")),
        "/other" => html(frame(
            "other",
            r#"<script>new Worker("/other-worker.js")</script><iframe src="http://one.localhost:PORT/nested"></iframe>"#,
        )),
        "/nested" => html(frame("nested", "")),
        "/writer.js" => script(WRITER.to_owned()),
        "/worker.js" => script(worker("worker", "")),
        "/other-worker.js" => script(worker("other-worker", "")),
        "/shared-worker.js" => script(worker("shared", "")),
        "/service-worker.js" => script(worker(
            "service",
            r#".then(() => cookieStore.set("service-cookie", "1")).then(() => note("cookie", "service-cookie"))"#,
        )),
        "/a-moment-later" => {
            tokio::time::sleep(Duration::from_millis(700)).await;
            ("text/plain", String::new())
        }
        "/wrote" => {
            let body = to_bytes(request.into_body(), 1 << 20).await.unwrap();
            let made: Stored = serde_json::from_slice(&body).unwrap();
            said.lock().unwrap().extend(made);
            ("text/plain", String::new())
        }
        _ => {
            let mut missing = Response::new(Body::empty());
            *missing.status_mut() = StatusCode::NOT_FOUND;
            return missing;
        }
    };
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .body(Body::from(text))
        .unwrap()
}

fn seen(snapshot: &Snapshot) -> Stored {
    let cookies = snapshot
        .cookies
        .iter()
        .filter(|cookie| cookie.blocked.is_empty())
        .map(|cookie| {
            (
                "cookie".to_owned(),
                cookie.domain.clone(),
                cookie.name.clone(),
            )
        });
    let entries = snapshot.storage.iter().map(|entry| {
        let kind = serde_json::to_value(entry.kind).unwrap();
        let key = match entry.kind {
            StorageKind::ServiceWorker => url::Url::parse(&entry.key).unwrap().path().to_owned(),
            _ => entry.key.clone(),
        };
        (
            kind.as_str().unwrap().to_owned(),
            host_of(&entry.origin),
            key,
        )
    });
    cookies.chain(entries).collect()
}

fn everything_stored_is_seen(isolation: &[&str]) {
    let said = Arc::new(Mutex::new(Stored::new()));
    let heard = Arc::clone(&said);
    let server = Served::start(Router::new().fallback(move |request: Request| {
        let said = Arc::clone(&heard);
        async move { answer(request, said).await }
    }));
    let url = server.url_of("one.localhost", "/");
    let mut arguments = vec!["--dwell", "5s", "--states", "before"];
    arguments.extend(isolation);
    arguments.push(&url);
    let (_, report, log) = audit(&arguments);
    let snapshot = &report.pages[0].visits[0].snapshot;
    let said = said.lock().unwrap().clone();
    // Frames with eleven items each, workers with five, and what only one of them writes.
    assert_eq!(
        said.len(),
        4 * 11 + 4 * 5 + 2,
        "the pages did not finish\n{said:#?}\n{log}"
    );
    let seen = seen(snapshot);
    let missing: Vec<_> = said.difference(&seen).collect();
    let surplus: Vec<_> = seen.difference(&said).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing {missing:#?}\nsurplus {surplus:#?}\n{log}"
    );
    for entry in &snapshot.storage {
        let name = &entry.key;
        let lives = !name.contains("-gone");
        assert_eq!(entry.alive, lives, "{name}");
        if entry.kind == StorageKind::IndexedDb && name.ends_with("-kept/records") {
            assert!(
                entry.value.text().contains("made-up"),
                "{name}: {}",
                entry.value.text()
            );
        }
        let partition = entry.partition.as_deref();
        if name.starts_with("other") {
            assert_eq!(partition, Some("http://one.localhost"), "{name}");
        } else if !name.starts_with("nested") {
            assert_eq!(partition, None, "{name}");
        }
    }
    for cookie in &snapshot.cookies {
        let lives = !cookie.name.ends_with("-gone");
        assert_eq!(cookie.alive, lives, "{}", cookie.name);
        let partitioned = cookie.name.ends_with("-partitioned");
        assert_eq!(
            cookie.partition_key.is_some(),
            partitioned,
            "{}",
            cookie.name
        );
    }
}

#[test]
fn everything_stored_is_seen_in_one_process() {
    everything_stored_is_seen(&[]);
}

#[test]
fn everything_stored_is_seen_with_frames_in_processes_of_their_own() {
    everything_stored_is_seen(&["--browser-arg=--site-per-process"]);
}
