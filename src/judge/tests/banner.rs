use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::Severity::High;
use crate::model::finding::Verdict::{Review, Violation};
use crate::model::report::Page;
use crate::model::visit::ButtonRole::{
    Accept, Acknowledge, Close, Link, Pay, Reject, Save, Settings,
};
use crate::model::visit::Route::{FirstLayer, None as Nowhere, SecondLayer};
use crate::model::visit::{Banner, ButtonRole};

const YES: (ButtonRole, &str) = (Accept, "Accept all");
const SET: (ButtonRole, &str) = (Settings, "Settings");

fn everywhere(banner: &Banner) -> Page {
    two_visits(|_, visit| visit.banner = banner.clone())
}

#[test]
fn r18_by_buttons() {
    let violation = Some((High, Violation, None));
    let review = Some((High, Review, None));
    for (case, met, expected) in [
        (
            "refusing behind the settings",
            banner(FirstLayer, SecondLayer, &[YES, SET]),
            violation,
        ),
        (
            "refusing nowhere",
            banner(FirstLayer, Nowhere, &[YES]),
            violation,
        ),
        (
            "no buttons recorded",
            banner(FirstLayer, SecondLayer, &[]),
            violation,
        ),
        (
            "a link to the policy",
            banner(
                FirstLayer,
                SecondLayer,
                &[YES, SET, (Link, "Privacy policy")],
            ),
            violation,
        ),
        (
            "a cross to close",
            banner(FirstLayer, SecondLayer, &[YES, SET, (Close, "×")]),
            violation,
        ),
        (
            "a link nobody understood",
            banner(FirstLayer, SecondLayer, &[YES, (Link, "Ei kiitos")]),
            review,
        ),
        (
            "a selection to store",
            banner(FirstLayer, SecondLayer, &[YES, (Save, "Save selection")]),
            review,
        ),
        (
            "paying instead",
            banner(FirstLayer, Nowhere, &[YES, (Pay, "Subscribe")]),
            review,
        ),
        (
            "a button without text",
            banner(FirstLayer, SecondLayer, &[YES, (Settings, " ")]),
            review,
        ),
        // What must not be reported.
        (
            "refusing beside accepting",
            banner(FirstLayer, FirstLayer, &[YES, (Reject, "Reject all")]),
            None,
        ),
        (
            "a refusal the walk missed",
            banner(FirstLayer, SecondLayer, &[YES, (Reject, "Only necessary")]),
            None,
        ),
        (
            "continue without accepting",
            banner(
                FirstLayer,
                SecondLayer,
                &[YES, (Close, "Continuer sans accepter")],
            ),
            None,
        ),
        (
            "only taking note",
            banner(FirstLayer, Nowhere, &[(Acknowledge, "OK")]),
            None,
        ),
        ("accepting nowhere", banner(Nowhere, Nowhere, &[SET]), None),
        (
            "accepting behind the settings",
            banner(SecondLayer, SecondLayer, &[SET]),
            None,
        ),
        ("no banner", Banner::default(), None),
    ] {
        check(case, &everywhere(&met), "R18", expected);
    }
}

#[test]
fn r18_needs_visits_that_agree() {
    let without = banner(FirstLayer, SecondLayer, &[YES, SET]);
    let with = banner(FirstLayer, FirstLayer, &[YES, (Reject, "No")]);
    let alone = two_visits(|number, visit| {
        if number == 0 {
            visit.banner = without.clone();
        }
    });
    check(
        "one visit met it",
        &alone,
        "R18",
        Some((High, Review, None)),
    );
    let torn = two_visits(|number, visit| {
        visit.banner = if number == 0 {
            without.clone()
        } else {
            with.clone()
        }
    });
    check("one visit could refuse", &torn, "R18", None);
}

#[test]
fn r18_closing_in_italy() {
    let page = everywhere(&banner(FirstLayer, SecondLayer, &[YES, SET, (Close, "×")]));
    check_in(
        "closing refuses, if it does",
        &page,
        Profile::It,
        "R18",
        Some((High, Review, None)),
    );
}

#[test]
fn r18_names_the_platform() {
    let mut met = banner(FirstLayer, SecondLayer, &[YES, SET]);
    check(
        "without a platform",
        &everywhere(&met),
        "R18",
        Some((High, Violation, None)),
    );
    assert_eq!(
        findings(&everywhere(&met), Profile::Eu, "R18")[0]
            .subject
            .name,
        "banner"
    );
    met.cmp = Some("OneTrust".to_owned());
    let found = findings(&everywhere(&met), Profile::Eu, "R18");
    assert_eq!(
        (
            found[0].subject.host.as_str(),
            found[0].subject.name.as_str()
        ),
        (SITE, "OneTrust")
    );
    assert!(found[0].remedy.contains("OneTrust"));
}
