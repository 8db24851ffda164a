//! R02, R03, R10, R12.

use super::{deleted, sending, storing, storing_after_no};
use crate::judge::tests::cases::{Cases, after_refusal, ga_value, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Document, Effect};
use crate::model::value::{Value, sha256_hex};
use crate::model::visit::{PhaseName, State};

pub(super) fn cases() -> Vec<Cases> {
    vec![known(), identifiers(), written_after_no(), kept_after_no()]
}

fn known() -> Cases {
    Cases::of("R02")
        .positive(
            "text: Meta's value under Meta's name, written by the site's own bundle",
            storing(|number| {
                cookie(
                    "_fbp",
                    SITE,
                    &format!("fb.1.1795348700123.{}", 198_273_645 + number),
                )
            }),
        )
        .positive(
            "text: _ga set by the site's own server",
            storing(|number| {
                cookie("_ga", SITE, &ga_value(number)).by_response("https://shop.test/")
            }),
        )
        .positive(
            "text: Google's click cookie from the site's own bundle",
            storing(|number| {
                cookie(
                    "_gcl_au",
                    SITE,
                    &format!("1.1.{}.1795348700", 1_982_736_451 + number),
                )
            }),
        )
        .positive(
            "text: an exchange's short name on the exchange's domain",
            storing(|number| {
                cookie("uuid2", "adnxs.com", IDS[number]).by_response("https://ib.adnxs.com/getuid")
            }),
        )
        .positive(
            "text: the browser refused it, which shows what was meant",
            storing(|number| {
                cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
                    .by_response("https://googleads.g.doubleclick.net/pagead/id")
                    .refused()
            }),
        )
        .negative(
            "text: an advertiser's short name for the site's own session",
            storing(|number| {
                cookie("uid", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .for_the_session()
            }),
        )
        .negative(
            "text: a one-letter name on the site's own domain",
            storing(|_| cookie("c", SITE, "1")),
        )
        .negative(
            "text: written between the click and its proof",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .cookies
                        .push(cookie("_ga", SITE, &ga_value(number)).only(PhaseName::Choosing));
                }
            }),
        )
        .trap(
            "text: a server that deletes what an older version had set",
            storing(|_| {
                let mut gone = deleted(
                    cookie("_ga", SITE, "").by_response("https://shop.test/"),
                    PhaseName::Idle,
                );
                gone.writes.remove(0);
                gone.lifetime_s = Some(-1);
                gone
            }),
        )
        .trap(
            "text: a probe that tests whether cookies work",
            storing(|_| {
                cookie("test_cookie", "doubleclick.net", "CheckForPermission")
                    .by_response("https://ad.doubleclick.net/ddm/x")
                    .for_days(1)
            }),
        )
}

fn stranger(number: usize) -> Cookie {
    cookie("q", "tracker.test", IDS[number]).by_response("https://tracker.test/p.gif")
}

fn lasting(mut cookie: Cookie, seconds: i64) -> Cookie {
    cookie.lifetime_s = Some(seconds);
    cookie.stored_lifetime_s = Some(seconds);
    for write in &mut cookie.writes {
        write.lifetime_s = Some(seconds);
    }
    cookie
}

fn identifiers() -> Cases {
    Cases::of("R03")
        .positive(
            "text: in JSON, percent-encoded",
            storing(|number| {
                let value = format!("%7B%22v%22%3A1%2C%22id%22%3A%22{}%22%7D", IDS[number]);
                cookie("st", "tracker.test", &value).by_response("https://tracker.test/p.gif")
            }),
        )
        .positive(
            "text: between a version, a region and a time",
            storing(|number| {
                let value = format!("v1|eu|{}|1795348700", IDS[number]);
                cookie("st", SITE, &value).by_script(FOREIGN_SCRIPT)
            }),
        )
        .positive(
            "text: an hour more than a day",
            storing(|number| lasting(stranger(number), 25 * 3600)),
        )
        .positive(
            "text: refused by the browser",
            storing(|number| stranger(number).refused()),
        )
        .positive(
            "text: the site's own, whose digest goes to a third party",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("visitor", SITE, IDS[number]).by_response("https://shop.test/"));
                let url = format!(
                    "https://collect.stranger.test/e?h={}",
                    sha256_hex(IDS[number].as_bytes())
                );
                visit.snapshot.requests.push(request(&url, "Ping"));
            }),
        )
        .negative(
            "text: an hour less than a day",
            storing(|number| lasting(stranger(number), 23 * 3600)),
        )
        .negative(
            "text: seven letters are no identifier",
            storing(|number| {
                let value = ["ab12cd3", "xy98zw7", "kl45mn6"][number];
                cookie("b", "tracker.test", value).by_response("https://tracker.test/p.gif")
            }),
        )
        .negative(
            "text: a bucket of an experiment",
            storing(|number| {
                let value = ["exp42:B", "exp42:A", "exp42:C"][number];
                cookie("ab", SITE, value).by_script(FOREIGN_SCRIPT)
            }),
        )
        .trap(
            "text: another value after every reload",
            three(|number, visit| {
                let mut nonce = stranger(number);
                if visit.state != State::Before {
                    let next = ["", "77aa21d0c3b4e5f6", "0f1e2d3c4b5a6978"][number];
                    nonce = nonce.written(PhaseName::Revisit, next);
                }
                visit.snapshot.cookies.push(nonce);
            }),
        )
        .trap(
            "text: protection against robots on the site's own domain",
            storing(|number| {
                cookie("datadome", SITE, &IDS[number].repeat(4))
                    .by_script("https://js.datadome.co/tags.js")
            }),
        )
}

/// OneTrust's list with one cookie in a group.
fn declaring(group: &str, name: &str, mut page: Page) -> Page {
    let text = format!(
        r#"{{"DomainData":{{"Groups":[{{"CustomGroupId":"{group}","GroupName":"Group","FirstPartyCookies":[
        {{"Name":"{name}","Host":"shop.test","IsSession":false,"Length":"365"}}]}}]}}}}"#
    );
    for visit in &mut page.visits {
        visit.banner.found = true;
        visit.snapshot.documents.push(Document {
            source: "https://vendor.test/list.json".to_owned(),
            at_ms: 500,
            phase: PhaseName::Idle,
            text: Value::new(&text),
        });
    }
    page
}

fn written_after_no() -> Cases {
    Cases::of("R10")
        .positive(
            "text: kept as it is, with a later end",
            storing_after_no(|number| {
                let value = ga_value(number);
                let mut renewed = cookie("_ga", SITE, &value).written(PhaseName::Revisit, &value);
                if let Some(write) = renewed.writes.last_mut() {
                    write.effect = Effect::Extended;
                }
                renewed
            }),
        )
        .positive(
            "text: a third party's, with its answer to a request of the page",
            storing_after_no(|number| {
                cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
                    .by_response("https://googleads.g.doubleclick.net/pagead/id")
                    .only(PhaseName::Chosen)
            }),
        )
        .positive(
            "text: nobody knows it, and the site declared it as advertising",
            declaring(
                "C0004",
                "shopvisit",
                storing_after_no(|_| cookie("shopvisit", SITE, "a1").only(PhaseName::Revisit)),
            ),
        )
        .positive(
            "text: for the session, in session storage",
            after_refusal(|number, visit| {
                let mut entry = session(
                    "_hjSession_1234567",
                    IDS[number],
                    "https://script.hotjar.com/modules.js",
                );
                entry.phase = PhaseName::Revisit;
                entry.at_ms = at(PhaseName::Revisit);
                for write in &mut entry.writes {
                    write.phase = PhaseName::Revisit;
                    write.at_ms = at(PhaseName::Revisit);
                }
                visit.snapshot.storage.push(entry);
            }),
        )
        .negative(
            "text: there before, and written again between the click and its proof",
            storing_after_no(|number| {
                let value = ga_value(number);
                cookie("_ga", SITE, &value).written(PhaseName::Choosing, &value)
            }),
        )
        .negative(
            "text: deleted after the refusal",
            storing_after_no(|number| {
                deleted(cookie("_ga", SITE, &ga_value(number)), PhaseName::Chosen)
            }),
        )
        .negative(
            "text: declared as necessary, and nobody knows better",
            declaring(
                "C0001",
                "shopvisit",
                storing_after_no(|_| cookie("shopvisit", SITE, "a1").only(PhaseName::Revisit)),
            ),
        )
        .trap(
            "text: protection against robots",
            storing_after_no(|number| {
                cookie("__cf_bm", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .only(PhaseName::Revisit)
            }),
        )
        .trap(
            "text: nobody knows it, and it tells nobody apart",
            storing_after_no(|_| cookie("zz", SITE, "open").only(PhaseName::Revisit)),
        )
}

fn kept_after_no() -> Cases {
    let foreign = |number: usize| {
        cookie("IDE", "doubleclick.net", &format!("AHWqTU{}", IDS[number]))
            .by_response("https://googleads.g.doubleclick.net/pagead/id")
    };
    Cases::of("R12")
        .positive(
            "text: a third party's, and it is still sent",
            storing_after_no(|number| {
                foreign(number).sent_to("googleads.g.doubleclick.net", PhaseName::Revisit)
            }),
        )
        .positive(
            "text: an entry of local storage that stays",
            after_refusal(|number, visit| {
                visit.snapshot.storage.push(local(
                    "_hjSessionUser_1234567",
                    IDS[number],
                    "https://script.hotjar.com/modules.js",
                ));
            }),
        )
        .positive(
            "text: written with the first movement, and still there",
            storing_after_no(|number| {
                cookie("_ga", SITE, &ga_value(number)).only(PhaseName::Active)
            }),
        )
        .negative(
            "text: a third party's that is not sent, which no page can delete",
            storing_after_no(foreign),
        )
        .negative(
            "text: deleted when the visitor refused",
            storing_after_no(|number| {
                deleted(cookie("_ga", SITE, &ga_value(number)), PhaseName::Choosing)
            }),
        )
        .trap(
            "text: the record of the choice stays",
            storing_after_no(|_| cookie("OptanonConsent", SITE, "groups=C0001%3A1%2CC0002%3A0")),
        )
        .trap(
            "text: sent while the visitor chose, gone afterwards",
            storing_after_no(|number| {
                deleted(
                    cookie("_ga", SITE, &ga_value(number)).sent_to(SITE, PhaseName::Choosing),
                    PhaseName::Chosen,
                )
            }),
        )
        .trap(
            "text: requests alone leave nothing behind",
            sending(|_| {
                request(
                    "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                    "Image",
                )
            }),
        )
}
