//! R35.

use jiff::{SignedDuration, Timestamp};

use super::{Cases, ga_value, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Document};
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State, Visit};

const RECORD: &str = r#"{"action":"accept","ver":1}"#;

/// A page that asks, keeps a yes for half a year, and measures after it.
fn asking(mut more: impl FnMut(usize, &mut Visit)) -> Page {
    kept(RECORD, 180, move |number, visit| {
        after_yes(visit, |visit| visit.snapshot.cookies.push(ga(number)));
        more(number, visit);
    })
}

fn kept(value: &str, days: i64, mut more: impl FnMut(usize, &mut Visit)) -> Page {
    three(|number, visit| {
        visit.banner.found = true;
        after_yes(visit, |visit| {
            visit.snapshot.cookies.push(
                cookie("CookieScriptConsent", SITE, value)
                    .for_days(days)
                    .only(PhaseName::Chosen),
            );
        });
        more(number, visit);
    })
}

fn after_yes(visit: &mut Visit, fill: impl FnOnce(&mut Visit)) {
    if visit.state == State::Accepted {
        fill(visit);
    }
}

fn ga(number: usize) -> Cookie {
    cookie("_ga", SITE, &ga_value(number))
        .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ")
        .only(PhaseName::Revisit)
}

fn pixel(number: usize, visit: &mut Visit) {
    after_yes(visit, |visit| {
        let value = format!("fb.1.1795348800000.{}", 918_273_645 + number);
        visit.snapshot.cookies.push(
            cookie("_fbp", SITE, &value)
                .by_script("https://connect.facebook.net/en_US/fbevents.js")
                .only(PhaseName::Revisit),
        );
    });
}

fn nothing(_: usize, _: &mut Visit) {}

/// The same, that many days before.
fn days_ago(days: i64, mut page: Page) -> Page {
    for visit in &mut page.visits {
        let then = SignedDuration::from_hours(24 * days);
        visit.timing.started = visit
            .timing
            .started
            .checked_sub(then)
            .unwrap_or(Timestamp::MIN);
    }
    page
}

fn list(mut page: Page, entries: &[(&str, &str)]) -> Page {
    let rows: Vec<String> = entries
        .iter()
        .map(|(table, name)| {
            format!(r#"CookieConsentDialog.cookieTable{table} = [["{name}","shop.test","","1 year","HTTP","1"]];"#)
        })
        .collect();
    for visit in &mut page.visits {
        visit.snapshot.documents.push(Document {
            source: "https://consent.cookiebot.com/x/cc.js".to_owned(),
            at_ms: 500,
            phase: PhaseName::Idle,
            text: Value::up_to(Document::LONGEST, &rows.join("\n")),
        });
    }
    page
}

const NECESSARY: (&str, &str) = ("Necessary", "CookieScriptConsent");
const MEASURED: (&str, &str) = ("Statistics", "_ga");
const ADS: (&str, &str) = ("Advertising", "_fbp");

pub(super) fn cases() -> Vec<Cases> {
    let before = || days_ago(30, asking(nothing));
    vec![
        Cases::of("R35")
            .positive("a new advertiser after a yes", asking(pixel))
            .after(before())
            .positive(
                "a new advertiser that stores nothing",
                asking(|_, visit| {
                    after_yes(visit, |visit| {
                        let url = "https://px.ads.linkedin.com/collect?v=2&fmt=js&pid=123456";
                        visit
                            .snapshot
                            .requests
                            .push(request(url, "Image").during(PhaseName::Revisit));
                    });
                }),
            )
            .after(before())
            .positive(
                "an unknown identifier of a new third party",
                asking(|number, visit| {
                    visit.snapshot.cookies.push(
                        cookie("tuid", "tracker.test", IDS[number])
                            .by_response("https://tracker.test/p"),
                    );
                }),
            )
            .after(before())
            .positive(
                "a new entry in the site's list",
                list(asking(nothing), &[NECESSARY, MEASURED, ADS]),
            )
            .after(list(before(), &[NECESSARY, MEASURED]))
            .negative("nothing new", asking(nothing))
            .after(before())
            .negative(
                "the question has a new version: visitors are asked again",
                kept(r#"{"action":"accept","ver":2}"#, 180, pixel),
            )
            .after(before())
            .negative("answers of then have run out", kept(RECORD, 10, pixel))
            .after(days_ago(30, kept(RECORD, 10, nothing)))
            .negative(
                "something new that needs no consent",
                asking(|number, visit| {
                    visit.snapshot.cookies.push(
                        cookie("PHPSESSID", SITE, IDS[number])
                            .by_response("https://shop.test/")
                            .for_the_session(),
                    );
                }),
            )
            .after(before())
            .trap(
                "declared then, and seen for the first time",
                list(asking(pixel), &[NECESSARY, MEASURED, ADS]),
            )
            .after(list(before(), &[NECESSARY, MEASURED, ADS]))
            .trap(
                "another cookie of a service that was there",
                asking(|number, visit| {
                    after_yes(visit, |visit| {
                        let value = format!("GS1.1.179534870{number}.1");
                        visit.snapshot.cookies.push(
                            cookie("_ga_ABCDEFGHIJ", SITE, &value)
                                .by_script(
                                    "https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ",
                                )
                                .only(PhaseName::Revisit),
                        );
                    });
                }),
            )
            .after(before())
            .trap("there in one of two earlier runs", asking(pixel))
            .after(days_ago(60, asking(pixel)))
            .after(before())
            .trap(
                "the platform was changed, and asks everybody",
                three(|number, visit| {
                    visit.banner.found = true;
                    after_yes(visit, |visit| {
                        visit.snapshot.cookies.push(
                            cookie("cc_cookie", SITE, r#"{"categories":["ads"]}"#)
                                .only(PhaseName::Chosen),
                        );
                    });
                    pixel(number, visit);
                }),
            )
            .after(before())
            .inconclusive("no earlier run", asking(pixel))
            .inconclusive("nobody said yes in the earlier run", asking(pixel))
            .after({
                let mut page = before();
                page.visits.retain(|visit| visit.state != State::Accepted);
                page
            }),
    ]
}
