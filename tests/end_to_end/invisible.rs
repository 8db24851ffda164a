//! A page that looks for us finds what it finds in a browser nobody watches.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::Html;
use axum::routing::{get, post};

use crate::harness::{Served, audit, browser};

/// Replaces what a careless observer would use, then does everything that is observed, and tells what
/// it noticed: functions that changed, names that appeared, calls it did not make, stacks it did not build.
const PAGE: &str = r#"<!doctype html><title>Looking</title><body><script>
const noticed = {};
noticed.globals = Object.getOwnPropertyNames(window).sort();
noticed.ownNames = ["debug", "undebug", "monitor", "inspect", "consentinel"].filter((name) => name in window);
const describe = (owner, name) => {
  const descriptor = owner && Object.getOwnPropertyDescriptor(owner, name);
  if (!descriptor) return "none";
  const of = (native) => native && [native.name, native.length, Function.prototype.toString.call(native), Reflect.ownKeys(native).map(String), "prototype" in native];
  return JSON.stringify([Object.keys(descriptor), descriptor.enumerable, descriptor.configurable, descriptor.writable, of(descriptor.get), of(descriptor.set), typeof descriptor.value === "function" ? of(descriptor.value) : null]);
};
const natives = [["Document", "cookie"], ["Storage", "setItem"], ["Storage", "getItem"], ["IDBFactory", "open"], ["IDBObjectStore", "put"], ["CacheStorage", "open"], ["CookieStore", "set"], ["HTMLCanvasElement", "getContext"], ["HTMLCanvasElement", "toDataURL"], ["CanvasRenderingContext2D", "fillText"], ["CanvasRenderingContext2D", "measureText"], ["WebGLRenderingContext", "getParameter"], ["AudioBuffer", "getChannelData"], ["RTCPeerConnection", "createOffer"], ["NavigatorUAData", "getHighEntropyValues"], ["Navigator", "hardwareConcurrency"], ["EventTarget", "dispatchEvent"], ["ServiceWorkerContainer", "register"]];
const look = () => natives.map(([owner, name]) => `${owner}.${name} ${describe(window[owner]?.prototype, name)}`);
noticed.natives = look();

// From here on every call that is not the page's own is counted.
const calls = {};
let own = false;
const count = (owner, name, label) => {
  const descriptor = Object.getOwnPropertyDescriptor(owner, name);
  const native = descriptor.value;
  Object.defineProperty(owner, name, { ...descriptor, value: function (...args) { if (!own) calls[label] = (calls[label] ?? 0) + 1; return Reflect.apply(native, this, args); } });
};
const noticing = { toString: 0, getters: 0, traces: 0 };
Error.prepareStackTrace = (error, frames) => { noticing.traces += 1; return frames.length; };
for (const name of ["slice", "indexOf", "split", "trim", "includes", "startsWith"]) count(String.prototype, name, `String.${name}`);
for (const name of ["push", "map", "forEach", "slice", Symbol.iterator]) count(Array.prototype, name, `Array.${String(name)}`);
for (const name of ["get", "set", "has"]) { count(WeakMap.prototype, name, `WeakMap.${name}`); count(Map.prototype, name, `Map.${name}`); }
for (const name of ["stringify", "parse"]) count(JSON, name, `JSON.${name}`);
for (const name of ["apply", "call", "toString"]) count(Function.prototype, name, `Function.${name}`);
for (const name of ["debug", "log", "trace", "context"]) if (console[name]) count(console, name, `console.${name}`);
count(Object, "getOwnPropertyDescriptor", "Object.getOwnPropertyDescriptor");
Object.defineProperty(Object.prototype, "toJSON", { configurable: true, get() { noticing.getters += 1; return undefined; } });
const text = (value) => ({ toString() { noticing.toString += 1; return value; } });

document.cookie = text("seen=1; path=/");
document.cookie = "plain=1; path=/";
localStorage.setItem(text("key"), text("value"));
localStorage.setItem("plain", "1");
sessionStorage.setItem("plain", "1");
indexedDB.open(text("database")).onsuccess = () => {};
caches.open("cache").catch(() => {});
const store = { get name() { noticing.getters += 1; return "stored"; }, value: "1" };
if (window.cookieStore) cookieStore.set(store).catch(() => {});
const canvas = document.createElement("canvas");
const pen = canvas.getContext("2d");
pen.fillText(text("Cwm fjordbank glyphs vext quiz"), 1, 9);
pen.measureText("m");
canvas.toDataURL();
const gl = document.createElement("canvas").getContext("webgl");
if (gl) gl.getParameter(gl.VERSION);
navigator.hardwareConcurrency;
navigator.userAgentData?.getHighEntropyValues(["model"]);
const depth = () => { let frames = 0; document.cookie = { toString() { frames = new Error().stack; return "depth=1"; } }; return frames; };
noticed.depth = depth();
const before = performance.now();
debugger;
noticed.stopped = performance.now() - before > 100;

setTimeout(() => {
  own = true;
  delete Object.prototype.toJSON;
  noticed.calls = calls;
  noticed.noticing = noticing;
  noticed.after = look();
  const frame = document.createElement("iframe");
  document.body.append(frame);
  noticed.frame = Object.getOwnPropertyNames(frame.contentWindow).sort();
  const worker = new Worker(URL.createObjectURL(new Blob([`postMessage([Object.getOwnPropertyNames(self).sort(), IDBFactory.prototype.open.toString()])`])));
  worker.onmessage = ({ data }) => { noticed.worker = data; fetch("/noticed", { method: "POST", body: JSON.stringify(noticed) }); };
}, 300);
</script>"#;

fn server(heard: &Arc<Mutex<Vec<String>>>) -> Served {
    let heard = Arc::clone(heard);
    let noticed = move |body: String| {
        let heard = Arc::clone(&heard);
        async move {
            heard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(body);
        }
    };
    Served::start(
        Router::new()
            .route("/", get(|| async { Html(PAGE) }))
            .route(
                "/favicon.ico",
                get(|| async { ([(CONTENT_TYPE, "image/x-icon")], "") }),
            )
            .route("/noticed", post(noticed)),
    )
}

#[test]
fn a_page_that_looks_for_us_finds_what_it_finds_without_us() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let server = server(&heard);
    let url = server.url_of("looking.localhost", "/");
    let said = |number: usize| -> serde_json::Value {
        let heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
        serde_json::from_str(heard.get(number).expect("the page told what it noticed")).unwrap()
    };
    let (_, report, _) = audit(&["--dwell", "2s", "--states", "before", &url]);
    let watched = said(0);
    // It was watched, or the test would show nothing.
    let snapshot = &report.pages[0].visits[0].snapshot;
    let plain = snapshot
        .cookies
        .iter()
        .find(|cookie| cookie.name == "plain");
    assert!(
        plain.is_some_and(|cookie| cookie.set_by.is_some()),
        "{plain:?}"
    );
    assert!(!snapshot.fingerprinting.is_empty());

    let profile = tempfile::tempdir().unwrap();
    let bare = Command::new(browser())
        .args([
            "--headless",
            "--no-sandbox",
            "--timeout=5000",
            "--virtual-time-budget=5000",
        ])
        .args([
            "--dump-dom",
            "--disable-blink-features=AutomationControlled",
        ])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(&url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(bare.success());
    let unwatched = said(1);
    for (what, expected) in unwatched.as_object().unwrap() {
        assert_eq!(&watched[what], expected, "{what}");
    }
    assert_eq!(
        watched["noticing"]["traces"],
        unwatched["noticing"]["traces"]
    );
}
