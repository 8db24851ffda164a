//! JUnit XML, as CI systems read it: a suite for each page, a test for each rule.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};

use super::RenderError;
use super::facts::{Facts, PageFacts};
use super::printable::shown;
use super::wording;
use crate::model::finding::{Finding, RuleOutcome, RuleResult, Verdict};

/// Findings told of one rule on one page.
const MOST_TOLD: usize = 50;

/// Longest line, in characters.
const LONGEST_LINE: usize = 500;

/// The document. Rules that found nothing anywhere, or could not be applied, stand in a suite of their own.
pub(super) fn junit(facts: &Facts, out: &mut dyn Write) -> Result<(), RenderError> {
    let run = &facts.head.run;
    let mut by_page: BTreeMap<&str, BTreeMap<&str, Vec<&Finding>>> = BTreeMap::new();
    for finding in &facts.head.findings {
        by_page
            .entry(&finding.page)
            .or_default()
            .entry(&finding.rule)
            .or_default()
            .push(finding);
    }
    let mut report = quick_junit::Report::new("consentinel");
    let seconds = run.finished.duration_since(run.started).as_millis();
    report.set_time(Duration::from_millis(
        u64::try_from(seconds).unwrap_or_default(),
    ));
    let mut named = BTreeSet::new();
    for page in &facts.pages {
        // A page given twice is reported once.
        if !named.insert(page.url.as_str()) {
            continue;
        }
        let rules = by_page.get(page.url.as_str());
        report.add_test_suite(suite(page, rules));
    }
    let mut rest = TestSuite::new("rules");
    let quiet = facts
        .head
        .rules
        .iter()
        .filter(|outcome| outcome.result != RuleResult::Found);
    rest.add_test_cases(quiet.map(rule_case));
    if rest.tests > 0 {
        report.add_test_suite(rest);
    }
    report
        .serialize(&mut *out)
        .map_err(|error| RenderError::Junit(Box::new(error)))
}

fn suite(page: &PageFacts, rules: Option<&BTreeMap<&str, Vec<&Finding>>>) -> TestSuite {
    let name = shown(&page.url, LONGEST_LINE);
    let mut suite = TestSuite::new(name.clone());
    let mut visited = TestCase::new("every visit is complete", visited(page));
    visited.set_classname(name.clone());
    suite.add_test_case(visited);
    for (rule, findings) in rules.into_iter().flatten() {
        let title = findings.first().map_or("", |finding| &finding.name);
        let mut case = TestCase::new(
            shown(&format!("{rule} {title}"), LONGEST_LINE),
            status(findings),
        );
        case.set_classname(name.clone());
        suite.add_test_case(case);
    }
    suite
}

fn visited(page: &PageFacts) -> TestCaseStatus {
    if !page.is_incomplete() {
        return TestCaseStatus::success();
    }
    let told: Vec<String> = page
        .incomplete()
        .take(MOST_TOLD)
        .map(|(name, outcome)| format!("{name}: {}", wording::outcome(*outcome)))
        .collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("incomplete");
    status.set_message(if told.is_empty() {
        "not visited".to_owned()
    } else {
        told.join(", ")
    });
    status
}

/// A failure where one of the findings fails a run; skipped where a person has to look.
fn status(findings: &[&Finding]) -> TestCaseStatus {
    let fails = |finding: &&&Finding| {
        finding.accepted.is_none()
            && matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
    };
    let gravest = findings
        .iter()
        .filter(fails)
        .max_by_key(|finding| finding.severity);
    let mut status = match gravest {
        Some(_) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        None => TestCaseStatus::skipped(),
    };
    let Some(told) = gravest.or(findings.first()) else {
        return status;
    };
    let waits = match (&told.accepted, told.verdict) {
        (Some(accepted), _) => format!(" (accepted until {})", accepted.until),
        (None, Verdict::Review | Verdict::Inconclusive) => {
            format!(" ({})", wording::verdict(told.verdict))
        }
        _ => String::new(),
    };
    status.set_type(wording::severity(told.severity));
    status.set_message(shown(&format!("{}{waits}", told.title), LONGEST_LINE));
    let lines: Vec<String> = findings
        .iter()
        .take(MOST_TOLD)
        .map(|finding| {
            shown(
                &format!(
                    "{} {}: {}, state {}, phase {} [{}]",
                    wording::severity(finding.severity),
                    wording::verdict(finding.verdict),
                    wording::subject(finding, 200),
                    wording::state(finding.state),
                    wording::phase(finding.phase),
                    finding.id
                ),
                LONGEST_LINE,
            )
        })
        .collect();
    let more = findings.len().saturating_sub(MOST_TOLD);
    let more = if more == 0 {
        String::new()
    } else {
        format!("\nand {more} more")
    };
    status.set_description(format!(
        "{}{more}\n\n{}",
        lines.join("\n"),
        shown(&told.remedy, 2 * LONGEST_LINE)
    ));
    status
}

fn rule_case(outcome: &RuleOutcome) -> TestCase {
    let mut status = match outcome.result {
        RuleResult::Inconclusive => TestCaseStatus::skipped(),
        RuleResult::Found | RuleResult::NothingFound => TestCaseStatus::success(),
    };
    if outcome.result == RuleResult::Inconclusive {
        let gaps: Vec<String> = outcome
            .gaps
            .iter()
            .map(|gap| format!("{}: {}", wording::gap_reason(gap.reason), gap.needed))
            .collect();
        status.set_message(shown(&gaps.join("; "), LONGEST_LINE));
    }
    let mut case = TestCase::new(
        shown(&format!("{} {}", outcome.rule, outcome.name), LONGEST_LINE),
        status,
    );
    case.set_classname("rules");
    case
}
