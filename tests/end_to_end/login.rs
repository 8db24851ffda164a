//! A login made step by step at a real form, and that nothing it was made of is kept anywhere.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use consentinel::model::report::Report;
use consentinel::store::Store;

use crate::harness::{Served, browser, consentinel};

const USER: &str = "auditor@shop.test";
const PASSWORD: &str = "correct horse/battery&staple";
/// What the site gives to whoever has logged in.
const SESSION: &str = "5e55101d0c0ffee0123456789abcdef0";

const STEPS: &str = r##"
[[step]]
goto = "ORIGIN/login"
[[step]]
fill = "#email"
value = "${SHOP_USER}"
[[step]]
fill = "#password"
value = "${SHOP_PASSWORD}"
[[step]]
click = "button[type=submit]"
[[step]]
wait = "#account"
"##;

fn is_logged_in(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all(header::COOKIE).iter();
    cookies
        .filter_map(|cookie| cookie.to_str().ok())
        .any(|cookie| cookie.contains(&format!("sid={SESSION}")))
}

async fn log_in(body: Bytes) -> Response {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(&body).into_owned().collect();
    let has = |name: &str, value: &str| fields.contains(&(name.to_owned(), value.to_owned()));
    if !has("email", USER) || !has("password", PASSWORD) {
        return (StatusCode::FORBIDDEN, "wrong").into_response();
    }
    let cookie = format!("sid={SESSION}; Path=/; HttpOnly");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/account")).into_response()
}

/// A page that tells the one who has logged in more, and repeats what it should keep to itself.
async fn page(uri: Uri, headers: HeaderMap) -> Response {
    if uri.path() == "/robots.txt" || uri.path() == "/sitemap.xml" {
        return StatusCode::NOT_FOUND.into_response();
    }
    if !is_logged_in(&headers) {
        return Html("<!doctype html><title>Shop</title><h1>Please log in</h1>".to_owned())
            .into_response();
    }
    let again = format!("again={SESSION}; Path=/");
    let html = format!(
        "<!doctype html><title>Members</title><h1 id=account>Hello</h1> <a href='/members'>members</a>
        <script>
          localStorage.setItem('me', JSON.stringify({{ mail: '{USER}', word: '{PASSWORD}' }}));
          document.cookie = 'mail=' + encodeURIComponent('{USER}') + '; path=/';
          fetch('/seen?session={SESSION}&mail=' + encodeURIComponent('{USER}'));
          fetch('/seen', {{ method: 'POST', body: new URLSearchParams({{ word: '{PASSWORD}' }}) }});
        </script>"
    );
    ([(header::SET_COOKIE, again)], Html(html)).into_response()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

/// Whether a text holds a secret as it is, or as addresses carry it.
fn secret_in(text: &str) -> Option<&'static str> {
    [USER, PASSWORD, SESSION].into_iter().find(|secret| {
        let escaped: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        text.contains(secret)
            || text.contains(&escaped)
            || text.contains(&escaped.replace('+', "%20"))
    })
}

#[test]
fn a_login_is_made_and_nothing_of_it_is_kept() {
    let router = Router::new()
        .route(
            "/login",
            get(|| async {
                Html(
                    "<!doctype html><title>Log in</title><form method=post action=/login>
                <input id=email name=email> <input id=password name=password type=password>
                <button type=submit>Log in</button></form>",
                )
            }),
        )
        .route("/login", post(log_in))
        .fallback(page);
    let server = Served::start(router);
    let folder = tempfile::tempdir().unwrap();
    let steps = STEPS.replace("ORIGIN", server.url("").trim_end_matches('/'));
    std::fs::write(folder.path().join("steps.toml"), &steps).unwrap();
    let browser = browser();
    let output = consentinel(folder.path())
        .args(["crawl", &server.url("/"), "--login-steps", "steps.toml"])
        .args([
            "--states",
            "before,accepted",
            "--dwell",
            "1s",
            "--store",
            "store",
        ])
        .args([
            "--format", "json", "--redact", "off", "--output", "raw.json",
        ])
        .args(["--report", "html=report.html", "--report", "har=log.har"])
        .args(["--evidence", "evidence", "--verbose", "--exit-zero"])
        .args(["--browser", browser.to_str().unwrap()])
        .env("SHOP_USER", USER)
        .env("SHOP_PASSWORD", PASSWORD)
        .env("RUST_LOG", "consentinel=trace")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    std::fs::write(folder.path().join("said.log"), &said).unwrap();

    // The login worked: only who has logged in is shown the way to the members.
    let report = std::fs::read_to_string(folder.path().join("raw.json")).unwrap();
    let report: Report = serde_json::from_str(&report).unwrap();
    let members = server.url("/members");
    assert!(
        report.pages.iter().any(|page| page.url == members),
        "{said}"
    );
    // What the page did is known all the same: only its secrets are not.
    let snapshots: Vec<_> = report
        .pages
        .iter()
        .flat_map(|page| &page.visits)
        .map(|visit| &visit.snapshot)
        .collect();
    assert!(snapshots.iter().all(|snapshot| {
        snapshot.storage.iter().any(|entry| entry.key == "me")
            && snapshot.cookies.iter().any(|cookie| cookie.name == "mail")
            && snapshot
                .requests
                .iter()
                .any(|request| request.url.contains("/seen?session=secret-"))
    }));

    for path in files(folder.path()) {
        let bytes = std::fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().find(|line| secret_in(line).is_some());
        assert_eq!(line, None, "{}", path.display());
    }
    // Pages are packed in the store: what is in them is looked at unpacked.
    let store = Store::open(&folder.path().join("store")).unwrap();
    let kept = serde_json::to_string(&store.get("last").unwrap()).unwrap();
    assert_eq!(secret_in(&kept), None);
    assert!(kept.contains("steps.toml"));
}

#[test]
fn a_login_that_fails_says_which_step_and_no_secret() {
    let server = Served::start(
        Router::new()
            .fallback(|| async { Html("<!doctype html><title>Log in</title><input id=email>") }),
    );
    let folder = tempfile::tempdir().unwrap();
    let steps = format!(
        "[[step]]\ngoto = \"{}?t=${{SHOP_PASSWORD}}\"\n[[step]]\nfill = \"#email[\"\nvalue = \"${{SHOP_PASSWORD}}\"\n",
        server.url("/")
    );
    std::fs::write(folder.path().join("steps.toml"), steps).unwrap();
    let browser = browser();
    let mut command = consentinel(folder.path());
    command
        .args(["audit", &server.url("/"), "--login-steps", "steps.toml"])
        .args(["--browser", browser.to_str().unwrap()]);
    let without = command.output().unwrap();
    let said = String::from_utf8_lossy(&without.stderr).into_owned();
    assert_eq!(without.status.code(), Some(2), "{said}");
    assert!(said.contains("SHOP_PASSWORD"), "{said}");

    let with = command.env("SHOP_PASSWORD", PASSWORD).output().unwrap();
    let said = String::from_utf8_lossy(&with.stderr).into_owned();
    assert!(
        said.contains(
            "step 2 of the login (fill #email[) could not be made: it is no CSS selector"
        ),
        "{said}"
    );
    assert_eq!(secret_in(&said), None, "{said}");
}
