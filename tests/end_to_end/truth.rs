//! Every site of the test web gives exactly its truth, on every browser this system has.

use crate::harness::{browser_named, consentinel};

fn every_site_gives_its_truth(browser: &str, concurrency: &str) {
    let Some(browser) = browser_named(browser) else {
        eprintln!("set-up: this system has no {browser} to install; not tested with it");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let output = consentinel(folder.path())
        .args([
            "demo",
            "--format",
            "json",
            "--output",
            "demo.json",
            "--verbose",
            "--concurrency",
            concurrency,
            "--browser",
        ])
        .arg(browser)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(
        said.contains("sites gave exactly their known truth"),
        "{said}"
    );
    let html = std::fs::read_to_string(folder.path().join("consentinel-demo.html")).unwrap();
    assert!(
        html.starts_with("<!doctype html>") || html.starts_with("<!DOCTYPE html>"),
        "{}",
        &html[..100]
    );
    let json: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.path().join("demo.json")).unwrap())
            .unwrap();
    let schema = serde_json::from_str(&consentinel::report::json::schema().unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&json)
        .map(|fault| fault.to_string())
        .take(5)
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
    assert_eq!(json["run"]["browser"]["third_party_cookies"], true);
    assert_eq!(json["run"]["diagnostics"], serde_json::json!([]));
}

/// Both browsers in one test, one after the other: two at once on two cores would test the machine.
#[test]
fn every_site_gives_its_truth_on_both_browsers() {
    every_site_gives_its_truth("chromium-headless-shell", "12");
    // It costs three times as much.
    every_site_gives_its_truth("chromium", "8");
}

/// What takes more visits than the usual ones: withdrawal, deleted cookies, the policy.
#[test]
fn sites_whose_faults_take_thoroughness_give_their_truth() {
    let Some(browser) = browser_named("chromium-headless-shell") else {
        eprintln!("set-up: this system has no chromium-headless-shell to install; not tested");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let names = [
        "no-way-back",
        "way-back",
        "withdrawn-in-name-only",
        "silent-policy",
        "respawn",
    ];
    let output = consentinel(folder.path())
        .args(["demo", "--thorough", "--concurrency", "8", "--browser"])
        .arg(browser)
        .args(names.iter().flat_map(|name| ["--site", name]))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}
