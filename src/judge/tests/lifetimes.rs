use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::Severity::{Low, Medium};
use crate::model::finding::Verdict::{Likely, Review};
use crate::model::report::Page;
use crate::model::snapshot::Cookie;
use crate::model::visit::{PhaseName, State};

fn with_cookie(make: impl Fn(&str) -> Cookie) -> Page {
    two_visits(|number, visit| visit.snapshot.cookies.push(make(IDS[number])))
}

#[test]
fn r37_lifetimes() {
    let ga = |days: i64| with_cookie(move |id| cookie("_ga", SITE, id).for_days(days));
    for (case, page, profile, expected) in [
        ("13 months", ga(397), Profile::Eu, None),
        (
            "13 months and a day",
            ga(398),
            Profile::Eu,
            Some((Low, Review, None)),
        ),
        (
            "what the browser would cap",
            ga(731),
            Profile::Eu,
            Some((Low, Review, None)),
        ),
        (
            "over two years",
            ga(732),
            Profile::Eu,
            Some((Medium, Likely, None)),
        ),
        ("13 months in France", ga(397), Profile::Fr, None),
        (
            "13 months and a day in France",
            ga(398),
            Profile::Fr,
            Some((Medium, Likely, None)),
        ),
        (
            "an unknown identifier",
            with_cookie(|id| cookie("xq1", "tracker.test", id).for_days(800)),
            Profile::Eu,
            Some((Medium, Likely, None)),
        ),
        (
            "a chat's state",
            with_cookie(|_| cookie("chat_seen", SITE, "yes").for_days(800)),
            Profile::Eu,
            None,
        ),
        (
            "a choice record",
            with_cookie(|id| cookie("OptanonConsent", SITE, id).for_days(800)),
            Profile::Eu,
            None,
        ),
        (
            "an opt-out flag",
            with_cookie(|_| cookie("_ga", SITE, "OPT_OUT").for_days(3_650)),
            Profile::Eu,
            None,
        ),
        (
            "a cookie nobody knows",
            with_cookie(|_| cookie("theme", SITE, "dark").for_days(3_650)),
            Profile::Eu,
            None,
        ),
        (
            "a session",
            with_cookie(|id| cookie("_ga", SITE, id).for_the_session()),
            Profile::Eu,
            None,
        ),
    ] {
        check_in(case, &page, profile, "R37", expected);
    }
}

#[test]
fn r37_identifiers_in_local_storage_have_no_end() {
    let page = |id_of: fn(usize) -> &'static str| {
        two_visits(move |number, visit| {
            visit
                .snapshot
                .storage
                .push(local("k", id_of(number), OWN_SCRIPT));
        })
    };
    check(
        "an identifier",
        &page(|number| IDS[number]),
        "R37",
        Some((Low, Review, Some("unbounded"))),
    );
    check("a setting", &page(|_| "dark"), "R37", None);
}

#[test]
fn r37_names_the_earliest_state() {
    for (state, phase, expected) in [
        (State::Rejected, PhaseName::Idle, State::Before),
        (State::Rejected, PhaseName::Chosen, State::Rejected),
        (State::Accepted, PhaseName::Chosen, State::Accepted),
    ] {
        let mut answered = visit(state);
        answered
            .snapshot
            .cookies
            .push(cookie("_fbp", SITE, "x").for_days(800).only(phase));
        let found = findings(
            &page(vec![visit(State::Before), answered]),
            Profile::Eu,
            "R37",
        );
        assert_eq!(found.len(), 1, "{state:?} {phase:?}");
        assert_eq!(found[0].state, expected, "{state:?} {phase:?}");
        assert_eq!(found[0].evidence.lifetime.as_deref(), Some("800 days"));
    }
}
