//! R39, R41, R43, R45.

use super::{Cases, after_refusal, ga_value, three};
use crate::judge::tests_support::*;
use crate::model::party::party_of;
use crate::model::report::Page;
use crate::model::snapshot::{FingerprintRead, Request, Technique};
use crate::model::visit::{PhaseName, State, Visit};

const DIGEST: &str = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";

pub(super) fn cases() -> Vec<Cases> {
    vec![third_countries(), in_addresses(), fingerprints(), syncs()]
}

fn with_request(make: impl Fn(usize) -> Request) -> Page {
    three(|number, visit| visit.snapshot.requests.push(make(number)))
}

/// A request of The Trade Desk's, of the United States, with its identifier.
fn bidder(number: usize, visit: &mut Visit, phase: PhaseName) {
    visit.snapshot.cookies.push(
        cookie("TDID", "adsrvr.org", IDS[number])
            .by_response("https://match.adsrvr.org/track/cmf/generic")
            .only(phase),
    );
    visit.snapshot.requests.push(
        request(
            "https://match.adsrvr.org/track/cmf/generic?ttd_pid=x",
            "Image",
        )
        .with_cookie("TDID")
        .during(phase),
    );
}

fn third_countries() -> Cases {
    Cases::of("R39")
        .positive(
            "a bidder of the United States",
            three(|number, visit| bidder(number, visit, PhaseName::Idle)),
        )
        .positive(
            "after a refusal",
            after_refusal(|number, visit| bidder(number, visit, PhaseName::Revisit)),
        )
        .positive(
            "a measurement of Russia",
            with_request(|_| {
                request("https://mc.yandex.ru/watch/1?browser-info=x", "Image")
            })
            .with(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("yandexuid", "yandex.ru", ["1827364551795348", "9182736451795349", "5546372811795350"][number])
                        .by_response("https://mc.yandex.ru/watch/1"),
                );
                if let Some(sent) = visit.snapshot.requests.last_mut() {
                    sent.sent_cookies.push("yandexuid".to_owned());
                }
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "after a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    bidder(number, visit, PhaseName::Chosen);
                }
            }),
        )
        .negative(
            "a bidder of France",
            three(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("uid", "criteo.com", IDS[number]).by_response("https://gum.criteo.com/sid/json"),
                );
                visit
                    .snapshot
                    .requests
                    .push(request("https://gum.criteo.com/sid/json", "Fetch").with_cookie("uid"));
            }),
        )
        .trap(
            "a script of the United States that is sent nothing",
            with_request(|_| request("https://js.adsrvr.org/up_loader.1.1.0.js", "Script")),
        )
        .trap(
            "the branch in Ireland of a company of the United States",
            with_request(|number| {
                request(
                    &format!(
                        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&fbp=fb.1.1795348800000.{}",
                        918_273_645 + number
                    ),
                    "Image",
                )
            }),
        )
}

trait With {
    fn with(self, fill: impl FnMut(usize, &mut Visit)) -> Self;
}

impl With for Page {
    fn with(mut self, mut fill: impl FnMut(usize, &mut Visit)) -> Self {
        for (number, visit) in self.visits.iter_mut().enumerate() {
            fill(number, visit);
        }
        self
    }
}

/// The site's own identifier, and a request of another party that carries `value`.
fn handing_on(value: impl Fn(usize) -> String) -> Page {
    three(|number, visit| {
        visit
            .snapshot
            .cookies
            .push(cookie("visitor", SITE, IDS[number]));
        let url = format!("https://collect.stranger.test/e?u={}", value(number));
        visit.snapshot.requests.push(request(&url, "Ping"));
    })
}

fn in_addresses() -> Cases {
    let mut landed = handing_on(|number| IDS[number].to_owned());
    for (number, visit) in landed.visits.iter_mut().enumerate() {
        // Each visit brings the same click id, and the site keeps it.
        visit.snapshot.cookies.clear();
        visit.snapshot.requests.clear();
        visit
            .snapshot
            .cookies
            .push(cookie("click", SITE, "Cj0KCQiA4b2MBhD2ARIs"));
        let url = format!("https://collect.stranger.test/e?n={number}&gclid=Cj0KCQiA4b2MBhD2ARIs");
        visit.snapshot.requests.push(request(&url, "Ping"));
    }
    "https://shop.test/?gclid=Cj0KCQiA4b2MBhD2ARIs".clone_into(&mut landed.url);
    Cases::of("R41")
        .positive(
            "the site's identifier in an address",
            handing_on(|number| IDS[number].to_owned()),
        )
        .positive(
            "in a body after a refusal",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("visitor", SITE, IDS[number]));
                if visit.state == State::Rejected {
                    visit.snapshot.requests.push(
                        request("https://collect.stranger.test/e", "Fetch")
                            .with_body(&format!("{{\"u\":\"{}\"}}", IDS[number]))
                            .during(PhaseName::Revisit),
                    );
                }
            }),
        )
        .positive(
            "an e-mail address",
            with_request(|_| {
                request(
                    "https://collect.stranger.test/e?contact=anna%40example.org",
                    "Ping",
                )
            }),
        )
        .positive(
            "the digest of an address, as advertisers name it",
            with_request(|_| {
                request(
                    &format!("https://collect.stranger.test/e?ud[em]={DIGEST}"),
                    "Ping",
                )
            }),
        )
        .positive(
            "the digest of the identifier",
            handing_on(|number| crate::model::value::sha256_hex(IDS[number].as_bytes())),
        )
        .positive(
            "the MD5 of the identifier",
            handing_on(|number| crate::judge::identifier::digests(IDS[number])[1].clone()),
        )
        .negative("another value", handing_on(|_| "1795348800".to_owned()))
        .negative("nothing", three(|_, _| {}))
        .negative(
            "to the site itself",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("visitor", SITE, IDS[number]));
                let url = format!("https://api.shop.test/e?u={}", IDS[number]);
                visit.snapshot.requests.push(request(&url, "Ping"));
            }),
        )
        .trap("what the visitor brought along", landed)
        .trap(
            "the site's own address of contact",
            with_request(|_| {
                request(
                    "https://collect.stranger.test/e?contact=info%40shop.test",
                    "Ping",
                )
            }),
        )
        .trap(
            "a digest of a file",
            with_request(|_| {
                request(
                    &format!("https://collect.stranger.test/e?v={DIGEST}"),
                    "Script",
                )
            }),
        )
        .trap(
            "the consent platform logs with its own id",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("visitor", SITE, IDS[number]));
                let url = format!(
                    "https://privacyportal.onetrust.com/request/v1/consentreceipts?u={}",
                    IDS[number]
                );
                visit.snapshot.requests.push(request(&url, "Fetch"));
            }),
        )
}

fn read(script: &str, phase: PhaseName, techniques: &[Technique]) -> FingerprintRead {
    FingerprintRead {
        script: script.to_owned(),
        party: party_of(&crate::model::party::host_of(script), SITE),
        origin: format!("https://{SITE}"),
        at_ms: at(phase),
        phase,
        calls: [("canvas.toDataURL".to_owned(), 2)].into(),
        techniques: techniques.to_vec(),
        stack: Vec::new(),
    }
}

fn reading(script: &'static str, techniques: &'static [Technique], sends: bool) -> Page {
    three(|_, visit| {
        visit
            .snapshot
            .fingerprinting
            .push(read(script, PhaseName::Idle, techniques));
        if sends {
            let mut sent = request(
                "https://fp.stranger.test/v1?h=4b8f7e21c9d06a3591c3d7a2e8b4f605",
                "Fetch",
            )
            .during_at(PhaseName::Idle, at(PhaseName::Idle) + 500);
            if let Some(step) = sent.initiator_chain.first_mut() {
                script.clone_into(&mut step.url);
            }
            visit.snapshot.requests.push(sent);
        }
    })
}

fn fingerprints() -> Cases {
    const FOREIGN: &str = "https://fp.stranger.test/fp.js";
    const MANY: &[Technique] = &[Technique::Canvas, Technique::Audio, Technique::Webgl];
    Cases::of("R43")
        .positive(
            "three techniques, and the result is sent",
            reading(FOREIGN, MANY, true),
        )
        .positive(
            "three techniques, nothing seen to be sent",
            reading(FOREIGN, MANY, false),
        )
        .positive(
            "one technique, and the result goes to a third party",
            reading(FOREIGN, &[Technique::Canvas], true),
        )
        .positive(
            "after a refusal",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .fingerprinting
                    .push(read(FOREIGN, PhaseName::Revisit, MANY));
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .fingerprinting
                        .push(read(FOREIGN, PhaseName::Chosen, MANY));
                }
            }),
        )
        .negative("reads that amount to nothing", reading(FOREIGN, &[], true))
        .trap(
            "a chart or an emoji test of the site's own",
            reading(OWN_SCRIPT, &[Technique::Canvas], true),
        )
        .trap(
            "a game of a third party",
            reading(FOREIGN, &[Technique::Canvas], false),
        )
        .trap(
            "client hints alone",
            reading(FOREIGN, &[Technique::ClientHints, Technique::Battery], true),
        )
}

/// A third party's identifier, handed to `to`.
fn sync(from: &str, name: &str, to: impl Fn(&str) -> String, phase: PhaseName) -> Page {
    three(|number, visit| {
        visit
            .snapshot
            .cookies
            .push(cookie(name, from, IDS[number]).by_response(&format!("https://{from}/p")));
        // The company behind each host is known from its requests.
        visit
            .snapshot
            .requests
            .push(request(&format!("https://{from}/p"), "Image"));
        visit
            .snapshot
            .requests
            .push(request(&to(IDS[number]), "Image").during(phase));
    })
}

fn syncs() -> Cases {
    Cases::of("R45")
        .positive(
            "from one exchange to another",
            sync(
                "adnxs.com",
                "uuid2",
                |id| format!("https://match.adsrvr.org/track/cmf/appnexus?uid={id}"),
                PhaseName::Idle,
            ),
        )
        .positive(
            "from one stranger to another",
            sync(
                "tracker.test",
                "tuid",
                |id| format!("https://sync.stranger.test/match?p=1&u={id}"),
                PhaseName::Idle,
            ),
        )
        .positive(
            "in JSON in a body",
            three(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("tuid", "tracker.test", IDS[number])
                        .by_response("https://tracker.test/p"),
                );
                visit.snapshot.requests.push(
                    request("https://sync.stranger.test/match", "Fetch")
                        .with_body(&format!("{{\"user\":{{\"id\":\"{}\"}}}}", IDS[number])),
                );
            }),
        )
        .positive(
            "of an identifier one vendor's script wrote on the site",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("_tuid", SITE, IDS[number]).by_script(FOREIGN_SCRIPT));
                let url = format!("https://sync.stranger.test/match?u={}", IDS[number]);
                visit.snapshot.requests.push(request(&url, "Image"));
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "back to its own domain",
            sync(
                "tracker.test",
                "tuid",
                |id| format!("https://www.tracker.test/e?u={id}"),
                PhaseName::Idle,
            ),
        )
        .negative(
            "after a yes",
            three(|number, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.cookies.push(
                        cookie("tuid", "tracker.test", IDS[number])
                            .by_response("https://tracker.test/p")
                            .only(PhaseName::Chosen),
                    );
                    let url = format!("https://sync.stranger.test/match?u={}", IDS[number]);
                    visit
                        .snapshot
                        .requests
                        .push(request(&url, "Image").during(PhaseName::Chosen));
                }
            }),
        )
        .trap(
            "two hosts of one company",
            sync(
                "doubleclick.net",
                "IDE",
                |id| format!("https://www.google.com/pagead/1p-user-list/1/?guid={id}"),
                PhaseName::Idle,
            ),
        )
        .trap(
            "_ga goes to Google, whose script wrote it",
            three(|number, visit| {
                let value = ga_value(number);
                visit.snapshot.cookies.push(
                    cookie("_ga", SITE, &value)
                        .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ"),
                );
                let id = value.replace("GA1.1.", "");
                let url = format!(
                    "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&cid={id}"
                );
                visit.snapshot.requests.push(request(&url, "Ping"));
            }),
        )
        .trap(
            "a value every visitor has",
            three(|_, visit| {
                visit.snapshot.cookies.push(
                    cookie("campaign", "tracker.test", "4b8f7e21c9d06a35")
                        .by_response("https://tracker.test/p"),
                );
                visit.snapshot.requests.push(request(
                    "https://sync.stranger.test/match?u=4b8f7e21c9d06a35",
                    "Image",
                ));
            }),
        )
}
