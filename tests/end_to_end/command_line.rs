//! Help, rules, schema, doctor: what scripts and newcomers rely on.

use axum::Router;
use axum::response::Html;
use axum::routing::get;

use crate::harness::{Served, audit, browser, run};

#[test]
fn every_command_shows_an_example() {
    for command in [
        "audit", "crawl", "compare", "demo", "doctor", "browser", "rules", "report", "runs",
        "store",
    ] {
        let output = run(&[command, "--help"]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{command}");
        assert!(
            text.contains("Example") && text.contains(&format!("consentinel {command}")),
            "{command}: {text}"
        );
    }
    let text = String::from_utf8(run(&["--help"]).stdout).unwrap();
    assert!(text.contains("130"), "{text}");
}

#[test]
fn rules_are_listed_and_explained() {
    let list = String::from_utf8(run(&["rules", "list"]).stdout).unwrap();
    assert_eq!(list.lines().count(), 45);
    for number in 1..=45 {
        let rule = &format!("R{number:02}");
        assert!(
            list.lines().any(|line| line.starts_with(rule)),
            "{rule} is not listed"
        );
        let text = String::from_utf8(run(&["rules", "explain", rule]).stdout).unwrap();
        assert!(text.contains("Law:") && text.contains("Remedy:"), "{text}");
    }
}

#[test]
fn the_schema_is_printed() {
    let schema: serde_json::Value =
        serde_json::from_slice(&run(&["report", "--schema"]).stdout).unwrap();
    assert!(schema["properties"]["findings"].is_object());
}

#[test]
fn doctor_finds_the_browser_and_its_third_party_cookies() {
    let browser = browser();
    let output = run(&["doctor", "--browser", browser.to_str().unwrap()]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("stored and returned"), "{text}");
    assert!(
        text.contains("sandbox") && text.contains("catalog"),
        "{text}"
    );
}

#[test]
fn a_stored_run_is_listed_rendered_and_judged_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let store = store.to_str().unwrap();
    let page = "<!doctype html><title>Page</title><script>document.cookie = '_fbp=fb.1.1700000000000.123456789; max-age=7776000'</script>";
    let server = Served::start(Router::new().route("/", get(move || async move { Html(page) })));
    let (code, report, said) = audit(&[
        "--dwell",
        "1s",
        "--states",
        "before",
        "--store",
        store,
        &server.url("/"),
    ]);
    assert_eq!(code, 1, "{said}");
    let list = String::from_utf8(run(&["runs", "list", "--store", store]).stdout).unwrap();
    assert!(
        list.contains(&report.run.id) && list.lines().count() == 1,
        "{list}"
    );
    let again = run(&[
        "report",
        "last",
        "--store",
        store,
        "--format",
        "json",
        "--profile",
        "fr",
    ]);
    let again: serde_json::Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["run"]["profile"], "fr");
    assert_eq!(
        again["findings"].as_array().unwrap().len(),
        report.findings.len()
    );
    let html = String::from_utf8(
        run(&[
            "report",
            &report.run.id,
            "--store",
            store,
            "--format",
            "html",
        ])
        .stdout,
    )
    .unwrap();
    assert!(html.contains("_fbp"), "the finding is not in the report");
    let missing = run(&["report", "nothing", "--store", store]);
    assert_eq!(missing.status.code(), Some(2));
}

#[test]
fn a_data_set_is_imported_from_an_address() {
    const LIST: &str = r#"{ "license": "x", "categories": { "Advertising": [
        { "Adflow": { "https://adflow.example/": ["adflow.example"] } }
    ] } }"#;
    let served = Served::start(Router::new().route("/services.json", get(|| async { LIST })));
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("mine");
    let into = into.to_str().unwrap();
    let import = |path: &str| {
        let address = served.url(path);
        run(&[
            "catalog",
            "import",
            &address,
            "--from-format",
            "disconnect",
            "--into",
            into,
        ])
    };
    let output = import("/services.json");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let output = run(&[
        "catalog",
        "match",
        "--request",
        "https://t.adflow.example/p",
        "--site",
        "shop.example",
        "--catalog",
        into,
        "--format",
        "json",
    ]);
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(
        answer.contains("disconnect:adflow") && answer.contains("marketing"),
        "{answer}"
    );
    assert_eq!(import("/nothing.json").status.code(), Some(2));
}
