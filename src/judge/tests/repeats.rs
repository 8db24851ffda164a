//! Repeated visits: what one shows exists, and only all of them together show that nothing does.

use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::{Finding, Seen, Verdict};
use crate::model::report::Answer::{self, No, NotEstablished, Yes};
use crate::model::report::Page;
use crate::model::visit::ButtonRole::{Accept, Reject};
use crate::model::visit::Route::{FirstLayer, SecondLayer};
use crate::model::visit::{Outcome, Phase, PhaseName, State, Visit};

const BEACON: &str = "https://www.facebook.com/tr?ev=PageView";

/// A page visited `count` times in each state; `fill` is told the number of the visit.
fn repeated(states: &[State], count: u32, mut fill: impl FnMut(u32, &mut Visit)) -> Page {
    let mut visits = Vec::new();
    for &state in states {
        for repeat in 1..=count {
            let mut visit = visit(state);
            visit.repeat = repeat;
            fill(repeat, &mut visit);
            visits.push(visit);
        }
    }
    page(visits)
}

fn seen(finding: &Finding) -> (u32, u32) {
    (finding.seen.k, finding.seen.of)
}

fn only(page: &Page, rule: &str) -> Finding {
    let mut found = findings(page, Profile::Eu, rule);
    assert_eq!(found.len(), 1, "{found:#?}");
    found.remove(0)
}

#[test]
fn what_any_visit_shows_exists() {
    for (case, shown_in, expected) in [
        ("every visit", vec![1, 2, 3], (3, 3)),
        ("the second only", vec![2], (1, 3)),
        ("the last two", vec![2, 3], (2, 3)),
    ] {
        let page = repeated(&[State::Before], 3, |repeat, visit| {
            if shown_in.contains(&repeat) {
                visit.snapshot.requests.push(request(BEACON, "Image"));
                visit.snapshot.cookies.push(cookie("_fbp", SITE, "x"));
            }
        });
        for rule in ["R06", "R02"] {
            assert_eq!(seen(&only(&page, rule)), expected, "{case}, {rule}");
        }
    }
}

#[test]
fn ids_do_not_depend_on_how_often_a_page_is_visited() {
    let ids = |count| {
        let page = repeated(&[State::Before, State::Rejected], count, |repeat, visit| {
            // The last visit shows more of the same host than the others.
            let names = if repeat == 3 {
                ["aaa", "zzz"]
            } else {
                ["mmm", "zzz"]
            };
            let snapshot = &mut visit.snapshot;
            snapshot.requests.push(request(BEACON, "Image"));
            snapshot.cookies.push(cookie("_fbp", SITE, "x"));
            for name in names {
                snapshot.cookies.push(cookie(name, SITE, "x"));
            }
        });
        let findings = judged(&[page], Profile::Eu).findings;
        findings
            .into_iter()
            .map(|finding| finding.id)
            .collect::<Vec<_>>()
    };
    let once = ids(1);
    assert!(once.iter().any(|id| id.starts_with("R05")), "{once:?}");
    assert_eq!(once, ids(2));
    assert_eq!(once, ids(3));
}

#[test]
fn names_that_vary_are_counted_together() {
    let page = repeated(&[State::Before], 3, |repeat, visit| {
        let name = format!("_ga_{}", 73_910 + repeat);
        visit.snapshot.cookies.push(cookie(&name, SITE, "x"));
    });
    assert_eq!(seen(&only(&page, "R02")), (3, 3));
}

#[test]
fn a_visit_that_ended_earlier_could_not_have_shown_it() {
    // The visitor who refuses does so after ten seconds, the one who waits sees thirty.
    let late = |phase, at_ms| {
        repeated(&[State::Before, State::Rejected], 1, |_, visit| {
            if visit.state == State::Before {
                visit.phases = vec![
                    Phase {
                        name: PhaseName::Idle,
                        start_ms: 0,
                        end_ms: 30_000,
                    },
                    Phase {
                        name: PhaseName::Active,
                        start_ms: 30_000,
                        end_ms: 37_000,
                    },
                ];
                let beacon = request(BEACON, "Image").during_at(phase, at_ms);
                visit.snapshot.requests.push(beacon);
            } else {
                visit.phases.retain(|phase| phase.name != PhaseName::Active);
            }
        })
    };
    for (case, page, expected) in [
        ("early", late(PhaseName::Idle, 1_000), (1, 2)),
        ("late", late(PhaseName::Idle, 25_000), (1, 1)),
        (
            "after mouse and scroll",
            late(PhaseName::Active, 31_000),
            (1, 1),
        ),
    ] {
        assert_eq!(seen(&only(&page, "R06")), expected, "{case}");
    }
}

#[test]
fn only_confirmed_refusals_count() {
    let states = [State::Rejected];
    let tracked = |confirmed: [bool; 3]| {
        repeated(&states, 3, |repeat, visit| {
            visit.choice.confirmed = confirmed[repeat as usize - 1];
            let beacon = request(BEACON, "Image").during(PhaseName::Revisit);
            visit.snapshot.requests.push(beacon);
        })
    };
    for (case, confirmed, expected, verdict) in [
        ("all", [true; 3], (3, 3), Verdict::Violation),
        ("two", [true, false, true], (2, 2), Verdict::Violation),
        ("none", [false; 3], (3, 3), Verdict::Inconclusive),
    ] {
        let finding = only(&tracked(confirmed), "R11");
        assert_eq!(
            (seen(&finding), finding.verdict),
            (expected, verdict),
            "{case}"
        );
    }
    // A crash after the refusal leaves nothing to see of the reload.
    let page = repeated(&states, 2, |repeat, visit| {
        if repeat == 1 {
            let beacon = request(BEACON, "Image").during(PhaseName::Revisit);
            visit.snapshot.requests.push(beacon);
        } else {
            visit.outcome = Outcome::BrowserCrashed;
            visit
                .phases
                .retain(|phase| phase.name != PhaseName::Revisit);
        }
    });
    assert_eq!(seen(&only(&page, "R11")), (1, 1));
}

#[test]
fn absence_needs_every_visit() {
    let fair = banner(FirstLayer, FirstLayer, &[(Accept, "Yes"), (Reject, "No")]);
    let unfair = banner(FirstLayer, SecondLayer, &[(Accept, "Yes")]);
    let answers = |fill: &dyn Fn(u32, &mut Visit)| -> (Answer, Answer, Answer) {
        let page = repeated(&[State::Before, State::Rejected], 3, |repeat, visit| {
            visit.banner = fair.clone();
            fill(repeat, visit);
        });
        let summary = judged(&[page], Profile::Eu).summary;
        (
            summary.before_choice,
            summary.reject_as_easy,
            summary.without_consent,
        )
    };
    assert_eq!(answers(&|_, _| {}), (No, Yes, No), "nothing wrong");
    let second = |repeat: u32, visit: &Visit, state| repeat == 2 && visit.state == state;
    let crashed = |repeat, visit: &mut Visit| {
        if second(repeat, visit, State::Before) {
            visit.outcome = Outcome::BrowserCrashed;
        }
    };
    assert_eq!(answers(&crashed), (NotEstablished, Yes, No), "one crashed");
    let unconfirmed = |repeat, visit: &mut Visit| {
        if second(repeat, visit, State::Rejected) {
            visit.choice.confirmed = false;
        }
    };
    assert_eq!(
        answers(&unconfirmed),
        (No, Yes, NotEstablished),
        "one not confirmed"
    );
    let tracks_once = |repeat, visit: &mut Visit| {
        if second(repeat, visit, State::Rejected) {
            let beacon = request(BEACON, "Image").during(PhaseName::Revisit);
            visit.snapshot.requests.push(beacon);
        }
    };
    assert_eq!(answers(&tracks_once), (No, Yes, Yes), "tracked once");
    let another_banner = |repeat, visit: &mut Visit| {
        if repeat == 2 {
            visit.banner = unfair.clone();
        }
    };
    assert_eq!(
        answers(&another_banner),
        (No, NotEstablished, No),
        "one unfair banner"
    );
}

#[test]
fn fresh_profiles_of_one_state_tell_an_identifier_from_a_constant() {
    let written = |values: [&str; 2], count| {
        repeated(&[State::Before], count, |repeat, visit| {
            let value = values[repeat as usize - 1];
            let stored = cookie("visitor", "tracker.test", value).by_script(FOREIGN_SCRIPT);
            visit.snapshot.cookies.push(stored);
        })
    };
    for (case, values, count, expected) in [
        ("one visit cannot tell", [IDS[0], IDS[1]], 1, None),
        (
            "two that differ",
            [IDS[0], IDS[1]],
            2,
            Some(Seen { k: 2, of: 2 }),
        ),
        ("two that agree", [IDS[0], IDS[0]], 2, None),
    ] {
        let found = findings(&written(values, count), Profile::Eu, "R03");
        assert_eq!(
            found.first().map(|finding| finding.seen),
            expected,
            "{case}"
        );
    }
}
