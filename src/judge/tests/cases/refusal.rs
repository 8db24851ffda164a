//! R10 to R13, R31.

use super::{Cases, SignalBuilder, after_refusal, ga_value, signal, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Request};
use crate::model::visit::{PhaseName, State, Visit};

const COLLECT: &str = "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ";

fn ga(number: usize) -> Cookie {
    cookie("_ga", SITE, &ga_value(number))
        .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ")
}

fn pixel() -> Request {
    request(
        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=https%3A%2F%2Fshop.test",
        "Image",
    )
}

/// A page that is refused twice, in two profiles.
fn refused_twice(fill: impl Fn(usize, &mut Visit)) -> Page {
    let mut visits = vec![
        visit(State::Before),
        visit(State::Rejected),
        visit(State::Rejected),
    ];
    for (number, visit) in visits.iter_mut().enumerate().skip(1) {
        visit.repeat = number as u32;
        fill(number, visit);
    }
    page(visits)
}

/// An exchange's identifier.
fn exchange(number: usize) -> Cookie {
    cookie("uuid2", "adnxs.com", IDS[number]).by_response("https://ib.adnxs.com/getuid")
}

fn unconfirmed(mut page: Page) -> Page {
    for visit in &mut page.visits {
        visit.banner.found = true;
        visit.choice.confirmed = false;
        visit.choice.confirmed_ms = None;
    }
    page.banner.found = true;
    page
}

pub(super) fn cases() -> Vec<Cases> {
    vec![
        new_storage(),
        tracking(),
        residue(),
        placebo(),
        privacy_control(),
    ]
}

fn new_storage() -> Cases {
    let late = |number: usize, visit: &mut Visit| {
        visit
            .snapshot
            .cookies
            .push(ga(number).only(PhaseName::Revisit));
    };
    Cases::of("R10")
        .positive("_ga after the reload", after_refusal(late))
        .positive(
            "written before the choice, and again after it",
            after_refusal(|number, visit| {
                let value = ga_value(number);
                visit
                    .snapshot
                    .cookies
                    .push(ga(number).written(PhaseName::Revisit, &value));
            }),
        )
        .positive(
            "in local storage",
            after_refusal(|number, visit| {
                let mut entry = local(
                    "_hjSessionUser_1234567",
                    IDS[number],
                    "https://script.hotjar.com/m.js",
                );
                for write in &mut entry.writes {
                    write.phase = PhaseName::Chosen;
                    write.at_ms = at(PhaseName::Chosen);
                }
                entry.phase = PhaseName::Chosen;
                entry.at_ms = at(PhaseName::Chosen);
                visit.snapshot.storage.push(entry);
            }),
        )
        .positive(
            "an exchange's identifier in two refusals",
            refused_twice(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(exchange(number).only(PhaseName::Revisit));
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "only before the choice",
            after_refusal(|number, visit| visit.snapshot.cookies.push(ga(number).gone())),
        )
        .negative(
            "only after a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .cookies
                        .push(ga(number).only(PhaseName::Revisit));
                }
            }),
        )
        .trap(
            "the record of the refusal itself",
            after_refusal(|_, visit| {
                visit.snapshot.cookies.push(
                    cookie("OptanonConsent", SITE, "groups=C0001%3A1%2CC0002%3A0")
                        .only(PhaseName::Chosen),
                );
            }),
        )
        .trap(
            "an opt-out flag",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("IDE", "doubleclick.net", "OPT_OUT").only(PhaseName::Chosen));
            }),
        )
        .inconclusive(
            "nothing confirms the refusal",
            unconfirmed(after_refusal(late)),
        )
        .inconclusive("never refused", page(vec![visit(State::Before)]))
}

fn tracking() -> Cases {
    let late = |_: usize, visit: &mut Visit| {
        visit
            .snapshot
            .requests
            .push(pixel().during(PhaseName::Revisit));
    };
    Cases::of("R11")
        .positive("Meta's pixel after the reload", after_refusal(late))
        .positive(
            "a measurement caused by the click",
            after_refusal(|_, visit| {
                let sent = request(&format!("{COLLECT}&gcs=G111&cid=5.6"), "Ping");
                visit.snapshot.requests.push(sent.during(PhaseName::Chosen));
            }),
        )
        .positive(
            "a recording",
            after_refusal(|_, visit| {
                let sent = request("wss://ws.hotjar.com/api/v2/client/ws", "WebSocket");
                visit
                    .snapshot
                    .requests
                    .push(sent.during(PhaseName::Revisit));
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "only before the choice",
            after_refusal(|_, visit| visit.snapshot.requests.push(pixel())),
        )
        .negative(
            "only after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .requests
                        .push(pixel().during(PhaseName::Revisit));
                }
            }),
        )
        .trap(
            "on its way when the refusal was recorded",
            after_refusal(|_, visit| {
                visit.snapshot.requests.push(pixel());
                visit
                    .snapshot
                    .requests
                    .push(pixel().during_at(PhaseName::Chosen, CONFIRMED_MS + 300));
            }),
        )
        .trap(
            "the consent platform logs the answer",
            after_refusal(|_, visit| {
                let sent = request(
                    "https://privacyportal.onetrust.com/request/v1/consentreceipts",
                    "Fetch",
                );
                visit.snapshot.requests.push(sent.during(PhaseName::Chosen));
            }),
        )
        .inconclusive(
            "nothing confirms the refusal",
            unconfirmed(after_refusal(late)),
        )
}

fn residue() -> Cases {
    let kept = |number: usize, visit: &mut Visit| {
        visit
            .snapshot
            .cookies
            .push(ga(number).sent_to(SITE, PhaseName::Revisit));
    };
    Cases::of("R12")
        .positive(
            "an exchange's identifier goes back to it in two refusals",
            refused_twice(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(exchange(number).sent_to("ib.adnxs.com", PhaseName::Revisit));
            }),
        )
        .positive("_ga survives and is sent", after_refusal(kept))
        .positive(
            "_ga survives",
            after_refusal(|number, visit| visit.snapshot.cookies.push(ga(number))),
        )
        .positive(
            "a third party's is sent again",
            after_refusal(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
                        .by_response("https://googleads.g.doubleclick.net/pagead/id")
                        .sent_to("googleads.g.doubleclick.net", PhaseName::Revisit),
                );
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "deleted when the visitor refused",
            after_refusal(|number, visit| visit.snapshot.cookies.push(ga(number).gone())),
        )
        .negative(
            "of a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.cookies.push(ga(number));
                }
            }),
        )
        .trap(
            "a third party's, which the site cannot delete, and is not sent",
            after_refusal(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
                        .by_response("https://googleads.g.doubleclick.net/pagead/id"),
                );
            }),
        )
        .trap(
            "the server's session",
            after_refusal(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("PHPSESSID", SITE, IDS[number])
                        .by_response("https://shop.test/")
                        .for_the_session()
                        .sent_to(SITE, PhaseName::Revisit),
                );
            }),
        )
        .inconclusive(
            "nothing confirms the refusal",
            unconfirmed(after_refusal(kept)),
        )
}

/// Three visits in every state; `fill` is told the state and the round.
fn nine(mut fill: impl FnMut(State, usize, &mut Visit)) -> Page {
    let mut visits = Vec::new();
    for round in 0..3 {
        for state in [State::Before, State::Rejected, State::Accepted] {
            let mut made = visit(state);
            made.repeat = round as u32 + 1;
            fill(state, round, &mut made);
            visits.push(made);
        }
    }
    page(visits)
}

const TRACKERS: [&str; 4] = [
    "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
    "https://bat.bing.com/action/0?ti=1&Ver=2",
    "https://px.ads.linkedin.com/collect?pid=1",
    "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&gcs=G111",
];

fn track(visit: &mut Visit, which: &[&str]) {
    for url in which {
        visit
            .snapshot
            .requests
            .push(request(url, "Ping").during(PhaseName::Revisit));
    }
}

fn placebo() -> Cases {
    Cases::of("R13")
        .positive(
            "the same four trackers after a no and after a yes",
            nine(|state, _, visit| {
                if state != State::Before {
                    track(visit, &TRACKERS);
                }
            }),
        )
        .positive(
            "the same three, everywhere",
            nine(|_, _, visit| track(visit, &TRACKERS[..3])),
        )
        .positive(
            "and the same cookie",
            nine(|state, _, visit| {
                if state != State::Before {
                    track(visit, &TRACKERS);
                    visit.snapshot.cookies.push(ga(0).only(PhaseName::Chosen));
                }
            }),
        )
        .negative(
            "nothing after a no",
            nine(|state, _, visit| {
                if state == State::Accepted {
                    track(visit, &TRACKERS);
                }
            }),
        )
        .negative(
            "half after a no",
            nine(|state, _, visit| match state {
                State::Accepted => track(visit, &TRACKERS),
                _ => track(visit, &TRACKERS[..2]),
            }),
        )
        .negative("no trackers at all", nine(|_, _, _| {}))
        .trap(
            "too few trackers to tell",
            nine(|_, _, visit| track(visit, &TRACKERS[..2])),
        )
        .trap(
            "denied measurements after a no, granted ones after a yes",
            nine(|state, round, visit| match state {
                State::Before | State::Withdrawn => {}
                State::Accepted => track(visit, &TRACKERS),
                State::Rejected => {
                    track(visit, &TRACKERS[..3]);
                    let denied = TRACKERS[3].replace("G111", "G100");
                    let denied = format!("{denied}&cid={}.{round}", 1_000 + round * 13);
                    track(visit, &[denied.as_str()]);
                }
            }),
        )
        .inconclusive("visited once", {
            let mut made = three(|_, visit| {
                visit.banner.found = true;
                track(visit, &TRACKERS);
            });
            made.banner.found = true;
            made
        })
}

/// Two visits without an answer, the second with Global Privacy Control.
fn with_control(without: &[&str], with: &[&str]) -> Page {
    let mut visits = vec![visit(State::Before), visit(State::Before)];
    for (visit, (urls, requests)) in visits.iter_mut().zip([(without, "0"), (with, "12")]) {
        for url in urls {
            visit.snapshot.requests.push(request(url, "Ping"));
        }
        visit.snapshot.signals.push(
            signal("gpc", "Sec-GPC", PhaseName::Idle, &[])
                .fact("sent-with", requests)
                .fact("requests", "12"),
        );
    }
    visits[1].repeat = 2;
    page(visits)
}

fn privacy_control() -> Cases {
    Cases::of("R31")
        .positive("the same trackers", with_control(&TRACKERS, &TRACKERS))
        .positive(
            "one tracker, the same",
            with_control(&TRACKERS[..1], &TRACKERS[..1]),
        )
        .positive("more of them", with_control(&TRACKERS[..2], &TRACKERS[..3]))
        .negative("none with it", with_control(&TRACKERS, &[]))
        .negative("fewer with it", with_control(&TRACKERS, &TRACKERS[..2]))
        .negative("none at all", with_control(&[], &[]))
        .trap(
            "denied measurements are no tracking",
            with_control(
                &["https://www.google-analytics.com/g/collect?v=2&tid=G-A&gcs=G100"],
                &["https://www.google-analytics.com/g/collect?v=2&tid=G-A&gcs=G100"],
            ),
        )
        .trap(
            "tracking code that reports nothing",
            with_control(
                &["https://static.hotjar.com/c/hotjar-1.js"],
                &["https://static.hotjar.com/c/hotjar-1.js"],
            ),
        )
        .trap("the site's own cookie, which it declares as advertising", {
            let mut page = with_control(&[], &[]);
            for visit in &mut page.visits {
                visit.snapshot.documents.push(crate::model::snapshot::Document {
                    source: "https://shop.test/list.json".to_owned(),
                    at_ms: 500,
                    phase: PhaseName::Idle,
                    text: crate::model::value::Value::new(
                        r#"{"DomainData":{"Groups":[{"CustomGroupId":"C0004","FirstPartyCookies":[{"Name":"offer","Host":"shop.test"}]}]}}"#,
                    ),
                });
                visit.snapshot.cookies.push(cookie("offer", SITE, "spring"));
            }
            page
        })
        .inconclusive(
            "only with it",
            page(vec![{
                let mut made = visit(State::Before);
                made.snapshot
                    .signals
                    .push(signal("gpc", "Sec-GPC", PhaseName::Idle, &[]).fact("sent-with", "3"));
                made
            }]),
        )
        .inconclusive("only without it", page(vec![visit(State::Before)]))
}
