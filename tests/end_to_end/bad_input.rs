//! Bad input: one clear line each, the right exit code, and the other pages still audited.

use std::time::Duration;

use axum::Router;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, Redirect};
use axum::routing::get;
use consentinel::model::visit::Outcome;

use crate::harness::{Served, audit, browser, run};

fn odd_server() -> Served {
    let pdf = get(|| async { ([(CONTENT_TYPE, "application/pdf")], "%PDF-1.4\n%%EOF\n") });
    let download = get(|| async {
        (
            [
                (CONTENT_TYPE, "application/octet-stream"),
                (CONTENT_DISPOSITION, "attachment; filename=a.bin"),
            ],
            "abc",
        )
    });
    Served::start(
        Router::new()
            .route(
                "/fine",
                get(|| async { Html("<!doctype html><title>Fine</title><p>Nothing here.") }),
            )
            .route("/loop", get(|| async { Redirect::temporary("/loop") }))
            .route("/pdf", pdf)
            .route("/download", download)
            .route(
                "/hang",
                get(|| async { tokio::time::sleep(Duration::from_mins(10)).await }),
            ),
    )
}

#[test]
fn pages_that_cannot_be_audited_are_named_and_the_others_are_audited() {
    let server = odd_server();
    let tls = format!("https://{}/", server.address);
    let expected = [
        (server.url("/fine"), Outcome::Complete, ""),
        (server.url("/missing"), Outcome::HttpError, "404"),
        (server.url("/loop"), Outcome::Unreachable, "circle"),
        (server.url("/pdf"), Outcome::NotAPage, "not a web page"),
        (server.url("/download"), Outcome::NotAPage, "download"),
        (server.url("/hang"), Outcome::TimedOut, "did not answer"),
        ("http://127.0.0.1:9/".to_owned(), Outcome::Unreachable, ""),
        (
            "http://no-such-host.invalid/".to_owned(),
            Outcome::Unreachable,
            "no such host",
        ),
        (tls, Outcome::Unreachable, "secure"),
    ];
    let mut arguments = vec![
        "--dwell",
        "1s",
        "--load-timeout",
        "4s",
        "--states",
        "before",
    ];
    arguments.extend(expected.iter().map(|(url, ..)| url.as_str()));
    arguments.push("javascript:alert(1)");
    let (code, report, said) = audit(&arguments);
    assert_eq!(code, 3, "{said}");
    assert!(said.contains("javascript:alert(1)"), "{said}");
    assert_eq!(report.pages.len(), expected.len() + 1);
    for (page, (url, outcome, word)) in report.pages.iter().zip(&expected) {
        let visit = &page.visits[0];
        assert_eq!(visit.outcome, *outcome, "{url}: {:?}", page.diagnostics);
        let told = page
            .diagnostics
            .iter()
            .any(|diagnostic| diagnostic.message.contains(word));
        assert!(told, "{url}: {:?}", page.diagnostics);
    }
}

#[test]
fn a_bad_certificate_is_refused_unless_accepted() {
    // The test web's certificate is its own; only --insecure takes it.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let web = runtime
        .block_on(consentinel::test_web::TestWeb::start(
            consentinel::test_web::Options::default(),
        ))
        .unwrap();
    let rules = format!(
        "--browser-arg=--host-resolver-rules=MAP * 127.0.0.1:{}",
        web.port()
    );
    let url = "https://www.no-banner.test/";
    let options = ["--dwell", "1s", "--states", "before", rules.as_str(), url];
    let (code, report, _) = audit(&options);
    assert_eq!(
        (code, report.pages[0].visits[0].outcome),
        (3, Outcome::Unreachable)
    );
    assert!(
        report.pages[0].diagnostics[0]
            .message
            .contains("--insecure"),
        "{:?}",
        report.pages[0].diagnostics
    );
    let (code, report, said) = audit(&[&["--insecure"], &options[..]].concat());
    assert_eq!(
        (code, report.pages[0].visits[0].outcome),
        (0, Outcome::Complete),
        "{said}"
    );
    runtime.block_on(web.stop());
}

#[test]
fn wrong_usage_ends_with_two_and_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let config = file("config.toml", "dwel = \"5s\"");
    let empty = file("empty.txt", "# nothing\n");
    let rules = file("rules.json", "[]");
    std::fs::create_dir_all(folder.path().join("catalog/services")).unwrap();
    file(
        "catalog/services/broken.toml",
        "id = \"other\"\nnonsense = 1",
    );
    let catalog = folder.path().join("catalog").to_str().unwrap().to_owned();
    let browser = browser().to_str().unwrap().to_owned();
    for (arguments, word) in [
        (vec!["audit"], "no page"),
        (vec!["audit", "--from", &empty], "no page"),
        (vec!["audit", "--from", "/nowhere.txt"], "/nowhere.txt"),
        (vec!["audit", "javascript:alert(1)"], "http and https"),
        (vec!["audit", "file:///etc/passwd"], "http and https"),
        (vec!["audit", "http://a.test", "--config", &config], "dwel"),
        (
            vec!["audit", "http://a.test", "--config", "/nowhere.toml"],
            "/nowhere.toml",
        ),
        (vec!["audit", "http://a.test", "--dwell", "soon"], "soon"),
        (vec!["audit", "http://a.test", "--states", "later"], "later"),
        (
            vec!["audit", "http://a.test", "--no-such-option"],
            "--no-such-option",
        ),
        (
            vec![
                "audit",
                "http://a.test",
                "--browser",
                &browser,
                "--catalog",
                &catalog,
            ],
            "broken.toml",
        ),
        (
            vec![
                "audit",
                "http://a.test",
                "--browser",
                &browser,
                "--consent-rules",
                &rules,
            ],
            "rules.json",
        ),
        (vec!["rules", "explain", "R99"], "R99"),
        (vec!["demo", "--site", "atlantis"], "no such site"),
    ] {
        let output = run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(word), "{arguments:?}: {said}");
        assert!(output.stdout.is_empty(), "{arguments:?} wrote a result");
    }
}

#[test]
fn a_missing_browser_ends_with_three_and_the_line_that_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        // An empty search path: nothing is found, whatever this machine has.
        crate::harness::consentinel(folder.path())
            .args(arguments)
            .env("PATH", folder.path())
            .output()
            .unwrap()
    };
    let output = run(&["audit", "http://a.test", "--browser", "/nowhere/chromium"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("/nowhere/chromium") && said.contains("hint:"),
        "{said}"
    );
    let output = run(&["audit", "http://a.test", "--browser", "no-such-browser"]);
    assert_eq!(output.status.code(), Some(3));
    // Something that starts and is no browser.
    let output = run(&["audit", "http://a.test", "--browser", "/bin/true"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("doctor"), "{said}");
}
