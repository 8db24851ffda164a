//! R15, R16, R44.

use super::{Cases, SignalBuilder, ga_value, signal};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::Cookie;
use crate::model::visit::{ChoiceOutcome, Phase, PhaseName, State, Visit};

pub(super) fn cases() -> Vec<Cases> {
    vec![mechanism(), effect(), respawn()]
}

/// A page visited in every state, twice in the last one.
fn four(mut fill: impl FnMut(usize, &mut Visit)) -> Page {
    let states = [
        State::Before,
        State::Rejected,
        State::Accepted,
        State::Withdrawn,
        State::Withdrawn,
    ];
    let mut visits: Vec<Visit> = states.into_iter().map(visit).collect();
    if let Some(last) = visits.last_mut() {
        last.repeat = 2;
    }
    for (number, visit) in visits.iter_mut().enumerate() {
        visit.banner.found = true;
        fill(number, visit);
    }
    page(visits)
}

/// The same, filled only where the yes is taken back.
fn taken_back(mut fill: impl FnMut(usize, &mut Visit)) -> Page {
    four(|number, visit| {
        if visit.state == State::Withdrawn {
            fill(number, visit);
        }
    })
}

fn no_way(visit: &mut Visit) {
    visit.choice.made = false;
    visit.choice.confirmed = false;
    visit.choice.confirmed_ms = None;
    visit.choice.outcomes = vec![ChoiceOutcome::NoWayBack];
}

fn mechanism() -> Cases {
    Cases::of("R15")
        .positive(
            "no way back in either visit",
            taken_back(|_, visit| no_way(visit)),
        )
        .positive(
            "six clicks for one",
            taken_back(|_, visit| visit.choice.clicks = 6),
        )
        .positive("no way back in the only visit", {
            let mut page = taken_back(|_, visit| no_way(visit));
            page.visits.pop();
            page
        })
        .negative(
            "a link opens the settings",
            taken_back(|_, visit| visit.choice.clicks = 2),
        )
        .negative(
            "two clicks more than a yes",
            taken_back(|_, visit| visit.choice.clicks = 3),
        )
        .negative(
            "nobody is asked",
            four(|_, visit| {
                visit.banner.found = false;
                visit.choice = crate::model::visit::Choice::default();
            }),
        )
        .trap(
            "one of two visits found the way",
            taken_back(|number, visit| {
                if number == 3 {
                    no_way(visit);
                }
            }),
        )
        .trap(
            "the banner asks at every visit",
            four(|_, visit| {
                if visit.state == State::Withdrawn {
                    no_way(visit);
                } else if visit.state == State::Accepted {
                    visit.choice.outcomes = vec![ChoiceOutcome::Reappeared];
                }
            }),
        )
        .inconclusive("nobody took anything back", {
            let mut page = four(|_, _| {});
            page.visits.truncate(3);
            page
        })
        .inconclusive(
            "the withdrawal is not confirmed",
            taken_back(|_, visit| {
                visit.choice.confirmed = false;
                visit.choice.confirmed_ms = None;
            }),
        )
}

fn ga(number: usize) -> Cookie {
    cookie("_ga", SITE, &ga_value(number))
        .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ")
        .only(PhaseName::Choosing)
}

fn record(phase: PhaseName, ads: bool) -> crate::model::snapshot::Signal {
    signal(
        "cmp-record",
        "CookieScriptConsent",
        phase,
        &[("necessary", true), ("marketing", ads)],
    )
    .explicit()
}

fn effect() -> Cases {
    let with = |made: fn(usize) -> Cookie| {
        taken_back(move |number, visit| visit.snapshot.cookies.push(made(number)))
    };
    Cases::of("R16")
        .positive(
            "a known cookie stays and goes with the site's own requests",
            with(|number| ga(number).sent_to(SITE, PhaseName::Revisit)),
        )
        .positive(
            "a third party's cookie is sent again",
            with(|number| {
                cookie("IDE", "doubleclick.net", IDS[number % 3])
                    .by_response("https://stats.g.doubleclick.net/p")
                    .only(PhaseName::Choosing)
                    .sent_to("stats.g.doubleclick.net", PhaseName::Revisit)
            }),
        )
        .positive(
            "a pixel fires after the reload",
            taken_back(|_, visit| {
                visit.snapshot.requests.push(
                    request(
                        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                        "Image",
                    )
                    .during(PhaseName::Revisit),
                );
            }),
        )
        .positive(
            "a record still says yes",
            taken_back(|_, visit| visit.snapshot.signals.push(record(PhaseName::Revisit, true))),
        )
        .positive("a known cookie stays", with(ga))
        .negative("deleted", with(|number| ga(number).gone()))
        .negative(
            "only after the yes that stands",
            four(|number, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .cookies
                        .push(ga(number).sent_to(SITE, PhaseName::Revisit));
                }
            }),
        )
        .negative(
            "a record says no",
            taken_back(|_, visit| visit.snapshot.signals.push(record(PhaseName::Revisit, false))),
        )
        .trap(
            "a third party's cookie lies where the site cannot delete it",
            with(|number| {
                cookie("IDE", "doubleclick.net", IDS[number % 3])
                    .by_response("https://stats.g.doubleclick.net/p")
                    .only(PhaseName::Choosing)
            }),
        )
        .trap(
            "a request before the reload",
            taken_back(|_, visit| {
                visit.snapshot.requests.push(
                    request(
                        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                        "Image",
                    )
                    .during(PhaseName::Chosen),
                );
            }),
        )
        .trap(
            "a denied measurement",
            taken_back(|_, visit| {
                visit.snapshot.requests.push(
                    request(
                        "https://www.google-analytics.com/g/collect?v=2&tid=G-A&gcs=G100&gcd=13q3q3q3q5",
                        "Ping",
                    )
                    .during(PhaseName::Revisit),
                );
            }),
        )
        .trap(
            "an opt-out takes its place",
            with(|number| ga(number).written(PhaseName::Chosen, "OPT_OUT")),
        )
        .inconclusive(
            "the withdrawal is not confirmed",
            taken_back(|number, visit| {
                visit.choice.confirmed = false;
                visit.choice.confirmed_ms = None;
                visit.snapshot.cookies.push(ga(number));
            }),
        )
}

/// A page whose accepted visit ends with its cookies deleted; `again` says what is written then, told the
/// number of the visit and the value it had.
fn emptied(name: &str, again: impl Fn(usize, &str) -> Option<String>) -> Page {
    four(|number, visit| {
        let value = IDS[number % 3];
        let mut made = cookie(name, SITE, value).by_script(FOREIGN_SCRIPT);
        if visit.state == State::Accepted {
            visit.phases.push(Phase {
                name: PhaseName::Emptied,
                start_ms: 34_000,
                end_ms: 40_000,
            });
            if let Some(value) = again(number, value) {
                made = made.written(PhaseName::Emptied, &value);
            }
        }
        if visit.state != State::Withdrawn {
            visit.snapshot.cookies.push(made);
        }
    })
}

fn respawn() -> Cases {
    let same = |_: usize, value: &str| Some(value.to_owned());
    Cases::of("R44")
        .positive("an identifier comes back", emptied("xq1", same))
        .positive(
            "it comes back inside of a longer value",
            emptied("xq1", |_, value| Some(format!("v2.{value}.1795348900"))),
        )
        .positive("and stands in localStorage as well", {
            let mut page = emptied("xq1", same);
            for (number, visit) in page.visits.iter_mut().enumerate() {
                visit
                    .snapshot
                    .storage
                    .push(local("xq1", IDS[number % 3], FOREIGN_SCRIPT));
            }
            page
        })
        .negative("it does not come back", emptied("xq1", |_, _| None))
        .negative(
            "another value comes",
            emptied("xq1", |_, _| Some("0f9e8d7c6b5a4938".to_owned())),
        )
        .negative(
            "a session is kept by the server",
            emptied("PHPSESSID", |_, _| None),
        )
        .trap("a choice record", emptied("OptanonConsent", same))
        .trap("the same for everybody", {
            let mut page = emptied("xq1", |_, _| Some(IDS[0].to_owned()));
            for visit in &mut page.visits {
                for cookie in &mut visit.snapshot.cookies {
                    for write in &mut cookie.writes {
                        write.value = crate::model::value::Value::new(IDS[0]);
                    }
                    cookie.value = crate::model::value::Value::new(IDS[0]);
                }
            }
            page
        })
        .inconclusive("nothing was deleted", four(|_, _| {}))
}
