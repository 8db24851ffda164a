//! SARIF 2.1.0 (OASIS), as code scanning services read it.
//!
//! A finding is a result; a page stands where a file would. What was not established or waits for
//! a person is no failure: its kind says so, and its level is `none` as the standard asks.

use std::collections::BTreeMap;
use std::io::Write;

use serde::Serialize;
use serde_json::{Value, json};

use super::printable::shown;
use super::{RenderError, RuleHelp};
use crate::model::finding::{Finding, Severity, SubjectKind, Verdict};
use crate::model::report::Report;
use crate::report::facts::Facts;
use crate::report::wording;

/// The schema a log names.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Longest message, in characters.
const LONGEST_MESSAGE: usize = 1_000;

/// Results in one log: what the largest of the services that read them takes.
const MOST_RESULTS: usize = 25_000;

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool<'a>,
    automation_details: Value,
    invocations: [Value; 1],
    results: Vec<SarifResult>,
    properties: Value,
}

#[derive(Serialize)]
struct Tool<'a> {
    driver: Driver<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<'a> {
    name: &'static str,
    version: &'a str,
    rules: Vec<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    kind: &'static str,
    level: &'static str,
    message: Value,
    locations: [Value; 1],
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Value>,
    properties: Value,
}

/// The log.
pub(super) fn sarif(
    facts: &Facts,
    rules: &[RuleHelp],
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let report = &facts.head;
    let described = described(report, rules);
    let places: BTreeMap<&str, usize> = described
        .iter()
        .enumerate()
        .map(|(place, (id, _))| (id.as_str(), place))
        .collect();
    let results: Vec<SarifResult> = report
        .findings
        .iter()
        .take(MOST_RESULTS)
        .map(|finding| result(finding, &places))
        .collect();
    let complete = facts.pages.iter().all(|page| !page.is_incomplete());
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            automation_details: json!({ "id": format!("consentinel/{}", shown(&report.run.profile, 20)) }),
            invocations: [json!({
                "executionSuccessful": complete && !facts.pages.is_empty(),
                "startTimeUtc": report.run.started.to_string(),
                "endTimeUtc": report.run.finished.to_string(),
                "toolExecutionNotifications": notifications(facts),
            })],
            results,
            properties: json!({
                "run": report.run.id,
                "catalog": report.run.catalog.version,
                "profile": report.run.profile,
                "findingsLeftOut": report.findings.len().saturating_sub(MOST_RESULTS),
            }),
            tool: Tool {
                driver: Driver {
                    name: "Consentinel",
                    version: &report.run.tool.version,
                    rules: described.iter().map(|(_, rule)| rule.clone()).collect(),
                },
            },
        }],
    };
    serde_json::to_writer_pretty(&mut *out, &log)?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Every rule that is known or was broken, by id.
fn described(report: &Report, rules: &[RuleHelp]) -> Vec<(String, Value)> {
    let mut described: BTreeMap<String, Value> = rules
        .iter()
        .map(|rule| (rule.id.clone(), rule_of(rule)))
        .collect();
    for finding in &report.findings {
        described.entry(finding.rule.clone()).or_insert_with(|| {
            rule_of(&RuleHelp {
                id: finding.rule.clone(),
                name: finding.name.clone(),
                title: finding.title.clone(),
                checks: finding.title.clone(),
                severity: finding.severity,
                legal: finding.legal.clone(),
                remedy: finding.remedy.clone(),
                limits: String::new(),
            })
        });
    }
    described.into_iter().collect()
}

fn rule_of(rule: &RuleHelp) -> Value {
    let mut text = format!("{}\n\nWhat to do: {}", rule.checks, rule.remedy);
    let mut markdown = format!("{}\n\n**What to do:** {}", rule.checks, rule.remedy);
    if !rule.legal.is_empty() {
        let laws = rule.legal.join("; ");
        text = format!("{text}\n\nLaw: {laws}");
        markdown = format!("{markdown}\n\n**Law:** {laws}");
    }
    if !rule.limits.is_empty() {
        text = format!("{text}\n\nNot looked at: {}", rule.limits);
        markdown = format!("{markdown}\n\n**Not looked at:** {}", rule.limits);
    }
    json!({
        "id": rule.id,
        "name": rule.name,
        "shortDescription": { "text": rule.title },
        "fullDescription": { "text": rule.checks },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": ["privacy", "consent"],
            "precision": "high",
            "problem.severity": problem_severity(rule.severity),
            // What code scanning sorts by, on the scale of CVSS.
            "security-severity": score(rule.severity),
        },
    })
}

fn result(finding: &Finding, places: &BTreeMap<&str, usize>) -> SarifResult {
    let kind = match finding.verdict {
        Verdict::Violation | Verdict::Likely => "fail",
        Verdict::Review => "review",
        Verdict::Inconclusive => "open",
    };
    SarifResult {
        rule_id: finding.rule.clone(),
        rule_index: places.get(finding.rule.as_str()).copied(),
        kind,
        level: if kind == "fail" {
            level(finding.severity)
        } else {
            "none"
        },
        message: json!({ "text": message(finding) }),
        locations: [location(finding)],
        partial_fingerprints: BTreeMap::from([("consentinelFinding/v1", finding.id.clone())]),
        suppressions: finding
            .accepted
            .iter()
            .map(|accepted| {
                json!({
                    "kind": "external",
                    "status": "accepted",
                    "justification": shown(
                        &format!("{}: {}, until {}", accepted.owner, accepted.reason, accepted.until),
                        LONGEST_MESSAGE,
                    ),
                })
            })
            .collect(),
        properties: json!({
            "severity": finding.severity,
            "verdict": finding.verdict,
            "proof": finding.proof,
            "certainty": finding.certainty,
            "state": finding.state,
            "phase": finding.phase,
            "service": finding.service,
            "category": finding.category,
            "subject": finding.subject,
            "legal": finding.legal,
            "seen": finding.seen,
        }),
    }
}

/// `An analytics cookie was stored before any choice: cookie _ga on shop.test. …`
fn message(finding: &Finding) -> String {
    let title = finding.title.trim_end_matches('.');
    let mut text = format!(
        "{title}: {}. State {}, phase {}.",
        wording::subject(finding, 120),
        wording::state(finding.state),
        wording::phase(finding.phase)
    );
    if !finding.remedy.is_empty() {
        text = format!("{text} {}", shown(&finding.remedy, 400));
    }
    shown(&text, LONGEST_MESSAGE)
}

fn location(finding: &Finding) -> Value {
    let subject = &finding.subject;
    let kind = match subject.kind {
        SubjectKind::Banner => "element",
        SubjectKind::Request => "resource",
        _ => "variable",
    };
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": wording::address(&finding.page) },
            "region": { "startLine": 1 },
        },
        "logicalLocations": [{
            "name": shown(&subject.name, 200),
            "fullyQualifiedName": wording::subject(finding, 200),
            "kind": kind,
        }],
    })
}

fn notifications(facts: &Facts) -> Vec<Value> {
    /// Diagnostics named.
    const MOST: usize = 200;
    facts
        .told
        .iter()
        .take(MOST)
        .map(|told| {
            let places = wording::pages_told(told, 200).unwrap_or_else(|| "the run".to_owned());
            json!({
                "level": "warning",
                "descriptor": { "id": wording::code(&told.code) },
                "message": { "text": format!("{} ({places})", shown(&told.message, 400)) },
            })
        })
        .collect()
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

fn problem_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "recommendation",
    }
}

fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.0",
        Severity::Low => "3.0",
        Severity::Info => "0.0",
    }
}
