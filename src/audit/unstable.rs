//! Whether the repeated visits of a page in one state showed the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::naming::normalised;
use crate::model::party::{Party, host_of, registrable_domain};
use crate::model::visit::{Diagnostic, DiagnosticCode, Outcome, State, Visit};

/// Things named in one diagnostic.
const MOST_NAMED: usize = 5;
/// Longest name of a thing, in characters.
const LONGEST_NAME: usize = 80;

/// One diagnostic for each state in which something was seen in half of the visits or fewer: what
/// comes so rarely, further visits may show more of.
pub(super) fn diagnostics(visits: &[Visit]) -> Vec<Diagnostic> {
    let mut by_state: BTreeMap<(State, bool), Vec<&Visit>> = BTreeMap::new();
    for visit in visits.iter().filter(|visit| is_comparable(visit)) {
        // What a site leaves out because it is asked to is no whim of it.
        by_state
            .entry((visit.state, visit.asks_by_privacy_control()))
            .or_default()
            .push(visit);
    }
    by_state
        .into_iter()
        .filter(|(_, visits)| visits.len() > 1)
        .filter_map(|((state, _), visits)| unstable(state, &visits))
        .collect()
}

/// Whether the visit went the whole way of its state: what another one did not reach, it cannot lack.
fn is_comparable(visit: &Visit) -> bool {
    visit.outcome == Outcome::Complete && (visit.state == State::Before || visit.choice.confirmed)
}

fn unstable(state: State, visits: &[&Visit]) -> Option<Diagnostic> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for visit in visits {
        for thing in things(visit) {
            *counts.entry(thing).or_default() += 1;
        }
    }
    let mut rare: Vec<(usize, String)> = counts
        .into_iter()
        .filter(|(_, count)| count * 2 <= visits.len())
        .map(|(thing, count)| (count, thing))
        .collect();
    rare.sort();
    let named: Vec<String> = rare
        .iter()
        .take(MOST_NAMED)
        .map(|(count, thing)| format!("{thing} in {count} of {}", visits.len()))
        .collect();
    let more = match rare.len().saturating_sub(MOST_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!named.is_empty()).then(|| Diagnostic {
        code: DiagnosticCode::Unstable,
        message: format!(
            "the {} visits did not show the same: {}{more}; more visits may show more",
            visits.len(),
            named.join(", ")
        ),
        state: Some(state),
    })
}

/// Third parties' sites that were contacted, and what was stored, under names that do not vary by themselves.
fn things(visit: &Visit) -> BTreeSet<String> {
    let snapshot = &visit.snapshot;
    let sites = snapshot
        .requests
        .iter()
        .filter(|request| request.party == Party::Third)
        .map(|request| {
            let host = host_of(&request.url);
            let site = registrable_domain(&host);
            format!("requests to {}", cut(site))
        });
    let cookies = snapshot
        .cookies
        .iter()
        .map(|cookie| format!("cookie {}", cut(&normalised(&cookie.name))));
    let entries = snapshot
        .storage
        .iter()
        .map(|entry| format!("storage entry {}", cut(&normalised(&entry.key))));
    sites.chain(cookies).chain(entries).collect()
}

fn cut(name: &str) -> String {
    name.chars().take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::tests_support::{cookie, request, visit};

    /// Visits of one state, numbered; `fill` is told the number.
    fn visits(state: State, count: u32, fill: impl Fn(u32, &mut Visit)) -> Vec<Visit> {
        (1..=count)
            .map(|repeat| {
                let mut visit = visit(state);
                visit.repeat = repeat;
                fill(repeat, &mut visit);
                visit
            })
            .collect()
    }

    fn tracked(visit: &mut Visit) {
        let snapshot = &mut visit.snapshot;
        snapshot
            .requests
            .push(request("https://cdn.tracker.test/t.gif", "Image"));
    }

    #[test]
    fn what_comes_and_goes_is_named() {
        for (case, state, count, seen_in, expected) in [
            ("every visit", State::Before, 3, vec![1, 2, 3], false),
            ("no visit", State::Before, 3, vec![], false),
            ("one of two", State::Before, 2, vec![2], true),
            ("one of three", State::Rejected, 3, vec![1], true),
            ("two of three", State::Before, 3, vec![1, 3], false),
            ("the only visit", State::Before, 1, vec![1], false),
        ] {
            let visits = visits(state, count, |repeat, visit| {
                if seen_in.contains(&repeat) {
                    tracked(visit);
                }
            });
            let told = diagnostics(&visits);
            assert_eq!(!told.is_empty(), expected, "{case}: {told:?}");
            for diagnostic in told {
                assert_eq!(diagnostic.state, Some(state), "{case}");
                let words = format!("requests to tracker.test in 1 of {count}");
                assert!(
                    diagnostic.message.contains(&words),
                    "{case}: {diagnostic:?}"
                );
            }
        }
    }

    #[test]
    fn visits_that_did_not_get_as_far_are_not_compared() {
        let unconfirmed = visits(State::Rejected, 2, |repeat, visit| {
            if repeat == 1 {
                tracked(visit);
            } else {
                visit.choice.confirmed = false;
            }
        });
        assert_eq!(diagnostics(&unconfirmed), []);
        let crashed = visits(State::Before, 2, |repeat, visit| {
            if repeat == 1 {
                tracked(visit);
            } else {
                visit.outcome = Outcome::BrowserCrashed;
            }
        });
        assert_eq!(diagnostics(&crashed), []);
    }

    #[test]
    fn numbers_in_names_are_no_difference() {
        let numbered = visits(State::Before, 2, |repeat, visit| {
            let name = format!("sess_{}", 81_230_000 + repeat);
            visit.snapshot.cookies.push(cookie(&name, "shop.test", "x"));
        });
        assert_eq!(diagnostics(&numbered), []);
    }
}
