//! Runs that differ in one thing, and runs that differ in nothing but noise.

use std::sync::OnceLock;

use jiff::Timestamp;

use super::*;
use crate::judge::tests_support::{page, visit};
use crate::model::party::Party;
use crate::model::report::{CatalogInfo, Page, Run, Summary, Tool};
use crate::model::snapshot::Cookie;
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// Read once: that takes longer than all comparisons.
static CATALOG: OnceLock<Catalog> = OnceLock::new();

fn cookie(name: &str, lifetime_s: Option<i64>, value: &str) -> Cookie {
    Cookie {
        name: name.to_owned(),
        domain: "shop.test".to_owned(),
        host_only: false,
        path: "/".to_owned(),
        partition_key: None,
        secure: true,
        http_only: false,
        same_site: None,
        party: Party::First,
        value: Value::new(value),
        lifetime_s,
        stored_lifetime_s: None,
        set_by: None,
        blocked: Vec::new(),
        at_ms: 10,
        phase: PhaseName::Idle,
        writes: Vec::new(),
        sent: Vec::new(),
        withheld: Vec::new(),
        exemptions: Vec::new(),
        alive: true,
    }
}

/// A run of one page whose visits in these states have these cookies.
fn run(visits: &[(State, Vec<Cookie>)]) -> Report {
    let visits = visits.iter().map(|(state, cookies)| {
        let mut visit = visit(*state);
        visit.snapshot.cookies.clone_from(cookies);
        visit
    });
    report(vec![page(visits.collect())])
}

fn report(pages: Vec<Page>) -> Report {
    Report {
        schema: crate::model::report::SCHEMA.to_owned(),
        run: Run {
            id: "a".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::UNIX_EPOCH,
            tool: Tool {
                version: "1".to_owned(),
                commit: None,
            },
            browser: None,
            catalog: CatalogInfo {
                version: String::new(),
                services: 0,
            },
            consent_engine: String::new(),
            profile: "eu".to_owned(),
            clock: "real".to_owned(),
            options: BTreeMap::new(),
            diagnostics: Vec::new(),
        },
        pages,
        services: Vec::new(),
        findings: Vec::new(),
        rules: Vec::new(),
        summary: Summary::default(),
    }
}

fn compared(before: &Report, after: &Report, states: [Option<State>; 2]) -> Comparison {
    let side = |report, state| Side {
        head: report,
        pages: report,
        state,
    };
    let [first, second] = states;
    compare(
        &side(before, first),
        &side(after, second),
        CATALOG.get_or_init(|| Catalog::builtin().unwrap()),
    )
    .unwrap()
}

/// What became of each item, in one line each.
fn changes(before: &Report, after: &Report) -> Vec<String> {
    compared(before, after, [None, None])
        .items
        .iter()
        .map(|item| {
            let what: Vec<&str> = item
                .differences
                .iter()
                .map(|difference| difference.what.as_str())
                .collect();
            format!("{:?} {} {}", item.change, item.name, what.join(","))
                .trim()
                .to_owned()
        })
        .collect()
}

const DAY: i64 = 86_400;

#[test]
fn noise_is_no_change_and_changes_are() {
    let before = |cookie: Cookie| run(&[(State::Before, vec![cookie])]);
    let year = Some(365 * DAY);
    for (one, other, expected) in [
        (cookie("a", year, "1"), cookie("a", year, "2"), vec![]),
        (
            cookie("a", year, "1"),
            cookie("a", Some(365 * DAY - 3), "1"),
            vec![],
        ),
        (
            cookie("a", year, "1"),
            cookie("a", Some(30 * DAY), "1"),
            vec!["Changed a lifetime"],
        ),
        (
            cookie("a", year, "1"),
            cookie("a", None, "1"),
            vec!["Changed a lifetime"],
        ),
        (
            cookie("a", year, "1"),
            Cookie {
                secure: false,
                ..cookie("a", year, "1")
            },
            vec!["Changed a flags"],
        ),
        (
            cookie("_ga_AB12", year, "1"),
            cookie("_ga_CD34", year, "1"),
            vec!["New _ga_CD34", "Gone _ga_AB12"],
        ),
        (
            cookie("visit_1700000000123", None, "1"),
            cookie("visit_1800000000456", None, "1"),
            vec![],
        ),
        (
            cookie("s.123e4567-e89b-12d3-a456-426614174000", None, "1"),
            cookie("s.923e4567-e89b-12d3-a456-426614174999", None, "1"),
            vec![],
        ),
    ] {
        let (one, other) = (before(one), before(other));
        assert_eq!(changes(&one, &other), expected);
        assert_eq!(changes(&one, &one), Vec::<String>::new());
    }
}

#[test]
fn an_id_that_stays_from_visit_to_visit_is_the_sites_own() {
    let token = |token: &str| {
        let cookies = vec![cookie(&format!("mp_{token}_x"), None, "1")];
        run(&[(State::Before, cookies.clone()), (State::Accepted, cookies)])
    };
    let one = token("0123456789abcdef0123456789abcdef");
    let other = token("fedcba9876543210fedcba9876543210");
    assert_eq!(changes(&one, &other).len(), 2);
}

#[test]
fn an_item_that_is_there_in_another_state_has_changed() {
    let (none, one) = (Vec::new(), vec![cookie("a", None, "1")]);
    let late = run(&[(State::Before, none), (State::Accepted, one.clone())]);
    let early = run(&[(State::Before, one.clone()), (State::Accepted, one)]);
    assert_eq!(changes(&late, &early), ["Changed a states"]);
}

#[test]
fn before_the_answer_and_after_it_are_one_command() {
    let report = run(&[
        (State::Before, vec![cookie("a", None, "1")]),
        (
            State::Accepted,
            vec![cookie("a", None, "1"), cookie("b", None, "1")],
        ),
    ]);
    let comparison = compared(
        &report,
        &report,
        [Some(State::Before), Some(State::Accepted)],
    );
    let names: Vec<(Change, &str)> = comparison
        .items
        .iter()
        .map(|item| (item.change, item.name.as_str()))
        .collect();
    assert_eq!(names, [(Change::New, "b")]);
    assert_eq!(comparison.pages.len(), 1);
    assert_eq!(comparison.pages[0].new.len(), 1);
}

#[test]
fn pages_of_one_run_only_are_named() {
    let mut other = page(vec![visit(State::Before)]);
    other.url = "https://shop.test/other".to_owned();
    let one = report(vec![page(vec![visit(State::Before)])]);
    let both = report(vec![page(vec![visit(State::Before)]), other]);
    let comparison = compared(&one, &both, [None, None]);
    assert_eq!(comparison.pages.len(), 1);
    assert_eq!(comparison.pages[0].change, Some(Change::New));
    assert_eq!(comparison.unchanged_pages, 1);
    let text = sheet(&comparison);
    assert!(
        text.sections
            .iter()
            .any(|section| section.title == "Page by page")
    );
}
