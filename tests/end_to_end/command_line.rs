//! Help, rules, schema, doctor: what scripts and newcomers rely on.

use crate::harness::{browser, run};

#[test]
fn every_command_shows_an_example() {
    for command in ["audit", "demo", "doctor", "browser", "rules", "report"] {
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
    for rule in [
        "R02", "R03", "R04", "R05", "R06", "R07", "R10", "R11", "R12", "R18", "R37",
    ] {
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
