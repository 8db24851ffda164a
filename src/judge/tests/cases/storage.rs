//! R02 to R05, R37, R38, R40.

use super::{Cases, after_refusal, ga_value, three};
use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::party::Party;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, StorageEntry, StorageKind};
use crate::model::tcf::Written;
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State, Visit};

const TAG: &str = "https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ";

fn with_cookie(make: impl Fn(usize) -> Cookie) -> Page {
    three(|number, visit| visit.snapshot.cookies.push(make(number)))
}

fn with_entry(make: impl Fn(usize) -> StorageEntry) -> Page {
    three(|number, visit| visit.snapshot.storage.push(make(number)))
}

fn ga(number: usize) -> Cookie {
    cookie("_ga", SITE, &ga_value(number)).by_script(TAG)
}

fn database(name: &str, value: &str, script: &str) -> StorageEntry {
    let text = format!("{{\"records\":1,\"entries\":{{\"id\":\"{value}\"}}}}");
    let mut entry = StorageEntry {
        kind: StorageKind::IndexedDb,
        ..local(name, &text, script)
    };
    entry.value = Value::new(&text);
    entry
}

fn sending(visit: &mut Visit, value: &str) {
    let url = format!("https://collect.stranger.test/e?u={value}");
    visit.snapshot.requests.push(request(&url, "Ping"));
}

pub(super) fn cases() -> Vec<Cases> {
    vec![
        known_cookie(),
        identifier_cookie(),
        web_storage(),
        unclassified(),
        lifetime(),
        lifetime_in_france(),
        choice_lifetime(),
        choice_lifetime_in_france(),
        attributes(),
    ]
}

fn known_cookie() -> Cases {
    Cases::of("R02")
        .positive("_ga before a choice", with_cookie(ga))
        .positive(
            "an advertising cookie on its vendor's domain",
            with_cookie(|number| {
                cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
                    .by_response("https://googleads.g.doubleclick.net/pagead/id")
            }),
        )
        .positive(
            "Meta's browser id, written after the first movement",
            with_cookie(|number| {
                cookie(
                    "_fbp",
                    SITE,
                    &format!("fb.1.1795348800000.{}", 918_273_645 + number),
                )
                .by_script("https://connect.facebook.net/en_US/fbevents.js")
                .only(PhaseName::Active)
            }),
        )
        .positive(
            "in one visit of three",
            three(|number, visit| {
                if number == 0 {
                    visit.snapshot.cookies.push(ga(number));
                }
            }),
        )
        .positive(
            "Google Analytics' identifier under a name the site chose",
            with_cookie(|number| cookie("xq1", SITE, &ga_value(number))),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "_ga only after a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .cookies
                        .push(ga(number).only(PhaseName::Chosen));
                }
            }),
        )
        .negative(
            "the server's session",
            with_cookie(|number| {
                cookie("PHPSESSID", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .for_the_session()
            }),
        )
        .trap(
            "an opt-out flag under an advertising name",
            with_cookie(|_| cookie("IDE", "doubleclick.net", "OPT_OUT")),
        )
        .trap(
            "a short name on another domain than the vendor's",
            with_cookie(|_| cookie("fr", SITE, "fr_FR").for_the_session()),
        )
        .trap(
            "Google's record of the choice, which lists call analytics",
            with_cookie(|_| cookie("FCCDCF", SITE, "[null,null,null]")),
        )
        .trap(
            "written and deleted at once",
            with_cookie(|number| ga(number).deleted_after(200)),
        )
}

fn stranger(number: usize) -> Cookie {
    cookie("xq1", "tracker.test", IDS[number]).by_response("https://tracker.test/p.gif")
}

fn identifier_cookie() -> Cases {
    Cases::of("R03")
        .positive("a third party's unknown identifier", with_cookie(stranger))
        .positive(
            "a renamed identifier a foreign script wrote",
            with_cookie(|number| cookie("xq1", SITE, IDS[number]).by_script(FOREIGN_SCRIPT)),
        )
        .positive(
            "the site's own identifier, sent to a third party",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("visitor", SITE, IDS[number]));
                sending(visit, IDS[number]);
            }),
        )
        .positive(
            "in base64 of JSON",
            with_cookie(|number| {
                let value = [
                    "eyJ1aWQiOiJxOHc3ZTZyNXQ0In0=",
                    "eyJ1aWQiOiJtNWs5eDJwN3oxIn0=",
                    "eyJ1aWQiOiJiM2Y4ajFuNnYwIn0=",
                ][number];
                cookie("st", "tracker.test", value)
            }),
        )
        .negative(
            "the same value in every profile",
            with_cookie(|_| cookie("build", "tracker.test", "4b8f7e21c9d06a35")),
        )
        .negative(
            "a word",
            with_cookie(|number| {
                cookie(
                    "variant",
                    "tracker.test",
                    ["variant-blue", "variant-green", "variant-grey"][number],
                )
            }),
        )
        .negative(
            "an identifier the site keeps to itself",
            with_cookie(|number| cookie("visitor", SITE, IDS[number])),
        )
        .trap(
            "a session of the site's server",
            with_cookie(|number| {
                cookie("app_sid", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .for_the_session()
            }),
        )
        .trap(
            "protection against robots",
            with_cookie(|number| {
                cookie("__cf_bm", "tracker.test", IDS[number]).by_response("https://tracker.test/x")
            }),
        )
        .trap(
            "a time, which differs from visit to visit",
            with_cookie(|number| {
                cookie(
                    "seen",
                    "tracker.test",
                    &format!("{}", 1_795_348_800_000_u64 + number as u64 * 977),
                )
            }),
        )
}

fn web_storage() -> Cases {
    Cases::of("R04")
        .positive(
            "a known key in local storage",
            with_entry(|number| {
                local(
                    "_hjSessionUser_1234567",
                    &format!("{{\"id\":\"{}\"}}", IDS[number]),
                    "https://script.hotjar.com/modules.js",
                )
            }),
        )
        .positive(
            "an unknown identifier a foreign script wrote",
            with_entry(|number| local("k", IDS[number], FOREIGN_SCRIPT)),
        )
        .positive(
            "in a database",
            with_entry(|number| database("store/ids", IDS[number], FOREIGN_SCRIPT)),
        )
        .negative(
            "a setting",
            with_entry(|_| local("theme", "dark", OWN_SCRIPT)),
        )
        .negative(
            "only after a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    let mut entry = local("k", IDS[number], FOREIGN_SCRIPT);
                    entry.phase = PhaseName::Chosen;
                    entry.at_ms = at(PhaseName::Chosen);
                    for write in &mut entry.writes {
                        write.phase = PhaseName::Chosen;
                        write.at_ms = at(PhaseName::Chosen);
                    }
                    visit.snapshot.storage.push(entry);
                }
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .trap(
            "the consent platform's own settings",
            with_entry(|number| {
                local(
                    "uc_settings",
                    &format!("{{\"controllerId\":\"{}\"}}", IDS[number]),
                    "https://app.usercentrics.eu/browser-ui/latest/loader.js",
                )
            }),
        )
        .trap(
            "a feature flag that differs by chance",
            with_entry(|number| local("flag", ["on", "off", "on"][number], OWN_SCRIPT)),
        )
}

fn unclassified() -> Cases {
    Cases::of("R05")
        .positive(
            "a cookie nobody knows",
            with_cookie(|_| cookie("zz_state", SITE, "a-b")),
        )
        .positive(
            "a key nobody knows",
            with_entry(|_| local("zz_state", "a-b", OWN_SCRIPT)),
        )
        .positive(
            "on a third party's domain",
            with_cookie(|_| cookie("zz_state", "stranger.test", "a-b")),
        )
        .negative(
            "for the session",
            with_cookie(|_| cookie("zz_state", SITE, "a-b").for_the_session()),
        )
        .negative(
            "gone before the choice",
            with_cookie(|_| cookie("zz_state", SITE, "a-b").deleted_after(3_000)),
        )
        .negative(
            "only after the choice",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("zz_state", SITE, "a-b").only(PhaseName::Chosen));
            }),
        )
        .trap("known: that is another rule's", with_cookie(ga))
        .trap(
            "a record of the choice",
            with_cookie(|_| cookie("OptanonConsent", SITE, "groups=C0001%3A1%2CC0002%3A0")),
        )
        .trap(
            "an identifier: that is another rule's",
            with_cookie(stranger),
        )
}

fn lifetime() -> Cases {
    let days = |days: i64| with_cookie(move |number| ga(number).for_days(days));
    Cases::of("R37")
        .positive("fourteen months", days(430))
        .positive("over two years, which the browser caps", days(1_100))
        .positive(
            "an unknown identifier for three years",
            with_cookie(|number| stranger(number).for_days(1_095)),
        )
        .negative("thirteen months of the longest sort", days(397))
        .negative(
            "a session",
            with_cookie(|number| ga(number).for_the_session()),
        )
        .negative(
            "a setting for ten years",
            with_cookie(|_| cookie("zz_theme", SITE, "dark").for_days(3_650)),
        )
        .trap(
            "an opt-out flag for ten years",
            with_cookie(|_| cookie("IDE", "doubleclick.net", "OPT_OUT").for_days(3_650)),
        )
        .trap(
            "a record of the choice for two years",
            with_cookie(|number| cookie("OptanonConsent", SITE, IDS[number]).for_days(730)),
        )
}

fn lifetime_in_france() -> Cases {
    Cases::of("R37")
        .in_profile(Profile::Fr)
        .positive(
            "fourteen months in France",
            with_cookie(|number| ga(number).for_days(430)),
        )
        .negative(
            "a year in France",
            with_cookie(|number| ga(number).for_days(365)),
        )
}

fn record(no_days: i64, yes_days: i64) -> Page {
    three(|_, visit| {
        let (value, days) = match visit.state {
            State::Before | State::Withdrawn => return,
            State::Rejected => ("groups=C0001%3A1%2CC0002%3A0&interactionCount=1", no_days),
            State::Accepted => ("groups=C0001%3A1%2CC0002%3A1&interactionCount=1", yes_days),
        };
        let made = cookie("OptanonConsent", SITE, value).only(PhaseName::Choosing);
        visit.snapshot.cookies.push(if days == 0 {
            made.for_the_session()
        } else {
            made.for_days(days)
        });
    })
}

fn tc_record(days: i64) -> Page {
    let text = Written {
        created_ds: 17_953_488_000,
        ..Written::default()
    }
    .text();
    three(|_, visit| {
        if visit.state != State::Before {
            visit.snapshot.cookies.push(
                cookie("euconsent-v2", SITE, &text)
                    .only(PhaseName::Choosing)
                    .for_days(days),
            );
        }
    })
}

fn choice_lifetime() -> Cases {
    Cases::of("R38")
        .positive("a no for a week, a yes for a year", record(7, 365))
        .positive("a no for the session, a yes for a year", record(0, 365))
        .positive("a TC string for two years", tc_record(730))
        .negative("both for a year", record(365, 365))
        .negative("a no for nine months, a yes for twelve", record(270, 365))
        .negative("a TC string for thirteen months", tc_record(390))
        .trap("a no that lives longer than a yes", record(365, 180))
        .trap(
            "a default written before the answer, and kept for a day",
            three(|_, visit| {
                visit.snapshot.cookies.push(
                    cookie("OptanonConsent", SITE, "groups=C0001%3A1%2CC0002%3A0").for_days(1),
                );
            }),
        )
}

fn choice_lifetime_in_france() -> Cases {
    Cases::of("R38")
        .in_profile(Profile::Fr)
        .positive("three months in France", record(90, 90))
        .positive("two years in France", record(730, 730))
        .negative("six months in France", record(182, 182))
}

fn weak(make: impl Fn(&mut Cookie)) -> Page {
    with_cookie(|number| {
        let mut made = cookie("PHPSESSID", SITE, IDS[number])
            .by_response("https://shop.test/")
            .for_the_session();
        made.http_only = true;
        made.same_site = Some("Lax".to_owned());
        make(&mut made);
        made
    })
}

fn attributes() -> Cases {
    let insecure = |number: usize| {
        let mut made = ga(number);
        made.secure = false;
        made
    };
    let mut plain = with_cookie(ga);
    "http://shop.test/".clone_into(&mut plain.url);
    "http://shop.test/".clone_into(&mut plain.final_url);
    Cases::of("R40")
        .positive("an identifier without Secure", with_cookie(insecure))
        .positive(
            "a session every script can read",
            weak(|made| made.http_only = false),
        )
        .positive(
            "a session other sites may send along",
            weak(|made| made.same_site = Some("None".to_owned())),
        )
        .positive("over plain HTTP", plain)
        .negative("a guarded session", weak(|_| {}))
        .negative("a guarded identifier", with_cookie(ga))
        .negative(
            "a third party's, which is not the site's to guard",
            with_cookie(|number| {
                let mut made = stranger(number);
                made.secure = false;
                made
            }),
        )
        .trap(
            "a token against forgery, which scripts have to read",
            with_cookie(|number| {
                cookie("XSRF-TOKEN", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .for_the_session()
            }),
        )
        .trap(
            "a record of the choice a script wrote",
            with_cookie(|_| {
                let mut made = cookie("OptanonConsent", SITE, "groups=C0001%3A1");
                made.secure = false;
                made
            }),
        )
        .trap(
            "a setting without Secure",
            with_cookie(|_| {
                let mut made = cookie("zz_theme", SITE, "dark");
                made.secure = false;
                assert_eq!(made.party, Party::First);
                made
            }),
        )
}
