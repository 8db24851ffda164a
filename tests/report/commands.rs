//! The commands that work on a stored run, as a user types them.

use std::path::Path;
use std::process::{Command, Output};

use consentinel::store::Store;

use crate::sample;

/// A folder with a store that holds the sample.
fn stored() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("runs")).unwrap();
    store.put(&sample::rich()).unwrap();
    folder
}

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(assert_cmd::cargo::cargo_bin!("consentinel"))
        .current_dir(folder)
        .env_remove("CONSENTINEL_EVIDENCE_PASSWORD")
        .args(arguments)
        .output()
        .unwrap()
}

fn code(folder: &Path, arguments: &[&str]) -> i32 {
    run(folder, arguments).status.code().unwrap()
}

#[test]
fn a_stored_run_is_rendered_in_every_format() {
    let folder = stored();
    for (format, begins) in [
        ("terminal", "Does not pass"),
        ("json", "{"),
        ("html", "<!doctype html>"),
        ("ndjson", "{\"kind\":\"run\""),
        ("csv", "id,rule,"),
        ("csv-items", "page,state,"),
        ("markdown", "<!-- consentinel -->"),
        ("sarif", "{"),
        ("junit", "<?xml"),
        ("har", "{\"log\""),
        ("cookie-jar", "# Netscape"),
        ("wec", "{"),
    ] {
        let output = run(
            folder.path(),
            &["report", "last", "--store", "runs", "--format", format],
        );
        assert!(output.status.success(), "{format}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.starts_with(begins),
            "{format}: {}",
            &text[..60.min(text.len())]
        );
        assert!(!text.contains(sample::SECRET), "{format}");
    }
    let sarif = run(
        folder.path(),
        &["report", "last", "--store", "runs", "--format", "sarif"],
    );
    let log: serde_json::Value = serde_json::from_slice(&sarif.stdout).unwrap();
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert!(
        rules.len() >= 45,
        "every rule is explained: {}",
        rules.len()
    );
    let raw = [
        "report",
        "last",
        "--store",
        "runs",
        "--format",
        "cookie-jar",
        "--redact",
        "off",
    ];
    let output = run(folder.path(), &raw);
    assert!(String::from_utf8_lossy(&output.stdout).contains(sample::SECRET));
    for format in ["json", "ndjson"] {
        let output = run(folder.path(), &["report", "--schema", "--format", format]);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap();
    }
}

#[test]
fn evidence_is_written_signed_and_checked() {
    let folder = stored();
    let place = folder.path();
    assert_eq!(code(place, &["evidence", "key", "audit.key"]), 0);
    assert_eq!(
        code(place, &["evidence", "key", "audit.key"]),
        2,
        "a key is not overwritten"
    );
    let write = [
        "report",
        "last",
        "--store",
        "runs",
        "--evidence",
        "e",
        "--evidence-key",
        "audit.key",
    ];
    assert_eq!(code(place, &write), 0);
    let verify = ["evidence", "verify", "e", "--public-key", "audit.key.pub"];
    let output = run(place, &verify);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("signed: run 20261007T090000-3f9a"));
    assert_eq!(
        code(place, &write),
        2,
        "evidence is not written over evidence"
    );
    std::fs::write(place.join("e/report.json"), "{}").unwrap();
    let output = run(place, &verify);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("changed: report.json\n"));
    assert_eq!(code(place, &["evidence", "verify", "runs"]), 2);
    let redacted = [
        "report",
        "last",
        "--store",
        "runs",
        "--evidence",
        "r",
        "--redact",
        "on",
    ];
    assert_eq!(code(place, &redacted), 0);
    let cookies =
        std::fs::read_to_string(place.join("r/pages/0001/before-1/cookies.json")).unwrap();
    assert!(!cookies.contains(sample::SECRET));
}

#[test]
fn declarations_and_drafts_come_from_a_stored_run() {
    let folder = stored();
    for (format, language, part) in [
        ("markdown", "de", "# Cookie-Erklärung"),
        ("json", "es", "\"language\": \"es\""),
        ("vanilla-cookieconsent", "en", "CookieConsent.run"),
    ] {
        let arguments = [
            "declare",
            "last",
            "--store",
            "runs",
            "--format",
            format,
            "--language",
            language,
        ];
        let output = run(folder.path(), &arguments);
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(part), "{format}: {text}");
        assert!(!text.contains(sample::SECRET));
    }
    assert_eq!(
        code(
            folder.path(),
            &["declare", "no-such-run", "--store", "runs"]
        ),
        2
    );
}
