//! Rules that wait for a visit no run makes or a fact no snapshot holds: they must say so, and nothing else.

use super::{Cases, ga_value, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;

/// A page on which every one of these rules might find something, if it could.
fn suspect() -> Page {
    three(|number, visit| {
        visit.banner.found = true;
        visit
            .snapshot
            .cookies
            .push(cookie("_ga", SITE, &ga_value(number)));
    })
}

pub(super) fn cases() -> Vec<Cases> {
    ["R35"]
        .into_iter()
        .map(|rule| Cases::of(rule).inconclusive("what it needs is not there", suspect()))
        .collect()
}
