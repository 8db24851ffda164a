//! Crawls with a real browser: the choice is made once, robots.txt is kept to, a busy host is asked again,
//! and what was killed goes on.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use consentinel::model::report::Report;
use consentinel::model::visit::State as VisitState;
use serde_json::Value;

use crate::harness::{Served, browser, consentinel};

/// Pages of the site beside its start.
const PAGES: usize = 6;

/// A page with a banner that asks until it is answered, and links on.
fn page(number: usize) -> String {
    let next = number % PAGES + 1;
    format!(
        "<!doctype html><html lang=en><title>Page {number}</title><h1>Page {number}</h1>
        <a href='/pages/{next}'>next</a> <a href='/pages/{next}?utm_source=x#top'>the same</a>
        <a href='/private/page'>private</a> <a href='/logo.png'>logo</a> <a href='https://elsewhere.test/'>elsewhere</a>
        <div id=banner style='position:fixed;bottom:0;left:0;right:0;padding:2em;background:#eee;z-index:9' hidden>
        <p>We use cookies to measure visits. Do you agree to the use of cookies? You can refuse them.</p>
        <button onclick=\"answer('rejected')\">Reject all</button> <button onclick=\"answer('accepted')\">Accept all</button></div>
        <script>
        const banner = document.getElementById('banner');
        if (!/cookie_consent=/.test(document.cookie)) banner.hidden = false;
        function answer(word) {{
          document.cookie = 'cookie_consent=' + word + ';path=/;max-age=86400';
          banner.hidden = true;
          if (word === 'accepted') document.cookie = 'counter={number}; path=/';
        }}
        </script>"
    )
}

/// How often the busy page was asked for.
type Asked = Arc<AtomicUsize>;

async fn answer(State(asked): State<Asked>, uri: Uri) -> Response {
    let html = |text: String| axum::response::Html(text).into_response();
    match uri.path() {
        "/" => html(page(0)),
        "/robots.txt" => "User-agent: *\nDisallow: /private\n".into_response(),
        "/busy" => {
            if asked.fetch_add(1, Ordering::Relaxed) < 3 {
                let headers = [("retry-after", "1")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "busy").into_response()
            } else {
                html(page(0))
            }
        }
        path => match path
            .strip_prefix("/pages/")
            .and_then(|number| number.parse().ok())
        {
            Some(number) => html(page(number)),
            None => (StatusCode::NOT_FOUND, "no such page").into_response(),
        },
    }
}

fn served() -> (Served, Asked) {
    let asked = Asked::default();
    let router = Router::new()
        .fallback(answer)
        .with_state(Arc::clone(&asked));
    (Served::start(router), asked)
}

fn arguments(url: &str) -> Vec<String> {
    let browser = browser();
    [
        "crawl",
        url,
        "--dwell",
        "1s",
        "--store",
        "store",
        "--format",
        "json",
        "--browser",
        browser.to_str().unwrap(),
        "--verbose",
        "--exit-zero",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn run(folder: &Path, arguments: &[String]) -> (i32, Value, String) {
    let output = consentinel(folder).args(arguments).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, said)
}

fn paths(report: &Report) -> Vec<String> {
    let mut paths: Vec<String> = report
        .pages
        .iter()
        .map(|page| url::Url::parse(&page.url).unwrap().path().to_owned())
        .collect();
    paths.sort();
    paths
}

#[test]
fn a_site_is_crawled_with_one_choice() {
    let (server, asked) = served();
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(&server.url("/"));
    std::fs::write(folder.path().join("more"), server.url("/busy")).unwrap();
    arguments.extend(["--from", "more"].map(str::to_owned));
    let (code, report, said) = run(folder.path(), &arguments);
    assert_eq!(code, 0, "{said}");
    let report: Report = serde_json::from_value(report).unwrap();
    let mut expected: Vec<String> = (1..=PAGES).map(|page| format!("/pages/{page}")).collect();
    expected.extend(["/".to_owned(), "/busy".to_owned()]);
    expected.sort();
    assert_eq!(paths(&report), expected, "{said}");
    assert!(
        asked.load(Ordering::Relaxed) >= 6,
        "the busy page was not asked for again"
    );
    for state in [VisitState::Rejected, VisitState::Accepted] {
        let choices: Vec<_> = report
            .pages
            .iter()
            .flat_map(|page| &page.visits)
            .filter(|visit| visit.state == state)
            .map(|visit| &visit.choice)
            .collect();
        assert!(
            choices.iter().all(|choice| choice.made),
            "{state:?}: {said}"
        );
        let given: Vec<&str> = report
            .pages
            .iter()
            .filter(|page| {
                let mut visits = page.visits.iter().filter(|visit| visit.state == state);
                visits.any(|visit| visit.choice.carried_from.is_none())
            })
            .map(|page| page.url.as_str())
            .collect();
        assert_eq!(given.len(), 1, "{state:?}: {given:?}\n{said}");
    }
    // What the first page left in the profile is no fact about the others.
    let counters: Vec<_> = report
        .pages
        .iter()
        .flat_map(|page| page.visits.iter().map(|visit| (&page.url, visit)))
        .flat_map(|(url, visit)| {
            visit
                .snapshot
                .cookies
                .iter()
                .map(move |cookie| (url, cookie))
        })
        .filter(|(_, cookie)| cookie.name == "counter")
        .collect();
    assert_eq!(counters.len(), 1, "{counters:?}");
    let left_out = report
        .run
        .diagnostics
        .iter()
        .any(|told| told.message.contains("robots.txt"));
    assert!(left_out, "{:?}", report.run.diagnostics);

    let compare = [
        "compare",
        "last:before",
        "last:accepted",
        "--store",
        "store",
        "--format",
        "json",
    ];
    let output = consentinel(folder.path()).args(compare).output().unwrap();
    let comparison: Value = serde_json::from_slice(&output.stdout).unwrap();
    let new: Vec<&str> = comparison["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["change"] == "new" && item["kind"] == "cookie")
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert_eq!(new, ["cookie_consent", "counter"]);
}

/// The parent of a process; absent when it has ended, or waits for nothing but its parent's glance.
fn process(id: u32) -> Option<u32> {
    let about = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let (_, behind) = about.rsplit_once(')')?;
    let mut fields = behind.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    (state != "Z").then_some(parent)
}

fn is_alive(id: u32) -> bool {
    process(id).is_some()
}

/// Every process that was started by that one, or by one that it started.
fn descendants_of(ancestor: u32) -> Vec<u32> {
    let all: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|id| Some((id, process(id)?)))
        .collect();
    let mut found = vec![ancestor];
    let mut next = 0;
    while let Some(of) = found.get(next).copied() {
        next += 1;
        found.extend(
            all.iter()
                .filter(|(_, parent)| *parent == of)
                .map(|(id, _)| *id),
        );
    }
    found.split_off(1)
}

#[test]
fn a_crawl_that_is_killed_goes_on() {
    let (server, _) = served();
    let folder = tempfile::tempdir().unwrap();
    let mut child = consentinel(folder.path())
        .args(arguments(&server.url("/")))
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(folder.path().join("said")).unwrap())
        .spawn()
        .unwrap();
    let until = Instant::now() + Duration::from_mins(2);
    loop {
        let said = std::fs::read_to_string(folder.path().join("said")).unwrap();
        if said.contains("[1/") {
            break;
        }
        assert!(Instant::now() < until, "no page was done: {said}");
        std::thread::sleep(Duration::from_millis(20));
    }
    let descendants = descendants_of(child.id());
    assert!(descendants.len() > 2, "no browser: {descendants:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    // A process that is killed cannot end its browser; somebody does.
    let until = Instant::now() + Duration::from_secs(30);
    while descendants.iter().any(|process| is_alive(*process)) {
        assert!(Instant::now() < until, "the browser lives on");
        std::thread::sleep(Duration::from_millis(50));
    }
    let resume: Vec<String> = [
        "crawl",
        "--resume",
        "last",
        "--store",
        "store",
        "--format",
        "json",
        "--exit-zero",
    ]
    .map(str::to_owned)
    .to_vec();
    let (code, report, said) = run(folder.path(), &resume);
    assert_eq!(code, 0, "{said}");
    let report: Report = serde_json::from_value(report).unwrap();
    let mut expected: Vec<String> = (1..=PAGES).map(|page| format!("/pages/{page}")).collect();
    expected.insert(0, "/".to_owned());
    assert_eq!(paths(&report), expected);
    let (code, _, said) = run(folder.path(), &resume);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("nothing is left to do"), "{said}");
}
