//! The pages the catalog began with: every row of theirs is met on a page, found and explained.

use std::fs;
use std::process::Stdio;

use consentinel::model::report::Report;
use consentinel::model::visit::State;
use serde_json::{Value, json};

use crate::harness::{browser, consentinel};

/// What the two pages list: kind, name, host, service, category, and a word of the explanation.
const ROWS: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        "cookie",
        "amocrm_visitor_id",
        "both-chats.test",
        "amocrm",
        "preferences",
        "lead",
    ),
    (
        "cookie",
        "amocrm_session",
        "both-chats.test",
        "amocrm",
        "preferences",
        "chat",
    ),
    (
        "cookie",
        "amocrm_lead_id",
        "both-chats.test",
        "amocrm",
        "preferences",
        "lead",
    ),
    (
        "cookie",
        "amocrm_chat_widget_30215567",
        "both-chats.test",
        "amocrm",
        "preferences",
        "language",
    ),
    (
        "cookie",
        "amocrm_analytics_30215567",
        "both-chats.test",
        "amocrm",
        "analytics",
        "widget",
    ),
    (
        "cookie",
        "kustomer-session-id",
        "kustomerapp.com",
        "kustomer",
        "preferences",
        "",
    ),
    (
        "cookie",
        "kustomer-client-id",
        "kustomerapp.com",
        "kustomer",
        "preferences",
        "",
    ),
    (
        "cookie",
        "kustomer-visitor-id",
        "kustomerapp.com",
        "kustomer",
        "preferences",
        "",
    ),
    (
        "local-storage",
        "kustomer-conversation-state",
        "cdn.kustomerapp.com",
        "kustomer",
        "preferences",
        "",
    ),
];

/// Runs the binary in a folder and returns what it prints.
fn print(folder: &std::path::Path, arguments: &[&str]) -> Vec<u8> {
    let output = consentinel(folder)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(
        !output.stdout.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn every_row_of_the_seed_pages_is_met_found_and_explained() {
    let folder = tempfile::tempdir().unwrap();
    let browser = browser();
    // The truth of all states is held against another test's visits; here only the report counts.
    consentinel(folder.path())
        .args(["demo", "--site", "both-chats", "--states", "before"])
        .args(["--format", "json", "--output", "report.json"])
        .args(["--browser", browser.to_str().unwrap()])
        .output()
        .unwrap();
    let report = fs::read(folder.path().join("report.json")).unwrap();
    let report: Report = serde_json::from_slice(&report).unwrap();
    let visit = report.pages[0]
        .visits
        .iter()
        .find(|visit| visit.state == State::Before)
        .unwrap();
    let lines: Vec<String> = ROWS
        .iter()
        .map(|(kind, name, host, ..)| {
            json!({ "kind": kind, "name": name, "host": host, "site": "www.both-chats.test" })
                .to_string()
        })
        .collect();
    let lines = lines.join("\n");
    fs::write(folder.path().join("rows.ndjson"), lines).unwrap();
    let answers = print(
        folder.path(),
        &["catalog", "match", "--from", "rows.ndjson"],
    );
    let answers = String::from_utf8(answers).unwrap();
    assert_eq!(answers.lines().count(), ROWS.len());
    for ((kind, name, host, service, category, word), answer) in ROWS.iter().zip(answers.lines()) {
        let met = if *kind == "cookie" {
            visit.snapshot.cookies.iter().any(|cookie| {
                cookie.name == *name && cookie.domain.trim_start_matches('.') == *host
            })
        } else {
            visit
                .snapshot
                .storage
                .iter()
                .any(|entry| entry.key == *name)
        };
        assert!(met, "{name} was not met on the page");
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["service"], *service, "{answer}");
        assert_eq!(answer["category"], *category, "{answer}");
        let shown = print(
            folder.path(),
            &["catalog", "show", service, "--format", "json"],
        );
        let shown: Value = serde_json::from_slice(&shown).unwrap();
        let list = if *kind == "cookie" {
            "cookie"
        } else {
            "storage"
        };
        let explained = shown[list].as_array().unwrap().iter().any(|row| {
            let pattern = row["name"].as_str().unwrap_or_default();
            let beginning = pattern.split(['*', '<']).next().unwrap_or_default();
            let purpose = row["purpose"].as_str().unwrap_or_default();
            // What a seed page tells of without a name has a row without one.
            let is_its_own = !beginning.is_empty() && name.starts_with(beginning);
            (is_its_own || row["unnamed"] == true)
                && !purpose.is_empty()
                && purpose.to_lowercase().contains(word)
        });
        assert!(explained, "{name} is not explained in {}", shown[list]);
    }
}
