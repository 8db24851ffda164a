//! R06, R41, R45.

use super::{sending, storing};
use crate::judge::tests::cases::{Cases, ga_value, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{InitiatorStep, RedirectHop};
use crate::model::visit::PhaseName;

pub(super) fn cases() -> Vec<Cases> {
    vec![requests(), addresses(), syncs()]
}

fn fetched(url: &'static str, kind: &'static str) -> Page {
    sending(move |_| request(url, kind))
}

fn requests() -> Cases {
    Cases::of("R06")
        .positive(
            "text: says denied, and _ga is there",
            three(|number, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("_ga", SITE, &ga_value(number)));
                let url = "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&gcs=G100";
                visit.snapshot.requests.push(request(url, "Ping"));
            }),
        )
        .positive(
            "text: consent mode that is not in use",
            fetched(
                "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&gcd=13l3l3l3l1&cid=55.66",
                "Ping",
            ),
        )
        .positive(
            "text: a recording sent with fetch",
            sending(|_| {
                request("https://k.clarity.ms/collect", "Fetch").with_body("{\"e\":[\"0.7.1\"]}")
            }),
        )
        .positive(
            "text: LinkedIn's pixel",
            fetched("https://px.ads.linkedin.com/collect?v=2&fmt=js&pid=123456", "Image"),
        )
        .positive(
            "text: Microsoft's pixel",
            fetched("https://bat.bing.com/action/0?ti=12345678&Ver=2&evt=pageLoad", "Image"),
        )
        .positive(
            "text: tracking code alone",
            fetched("https://static.hotjar.com/c/hotjar-1234567.js?sv=6", "Script"),
        )
        .negative(
            "text: stopped by the browser before it left",
            sending(|_| {
                let mut stopped = request(
                    "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                    "Image",
                )
                .failing("net::ERR_BLOCKED_BY_CSP");
                stopped.blocked = Some("csp".to_owned());
                stopped
            }),
        )
        .negative(
            "text: between the click and its proof",
            sending(|_| {
                request(
                    "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                    "Image",
                )
                .during(PhaseName::Choosing)
            }),
        )
        .negative(
            "text: another platform's host",
            fetched("https://sdk.privacy-center.org/loader.js", "Script"),
        )
        .trap(
            "text: a message host of a consent platform",
            fetched("https://cdn.privacy-mgmt.com/unified/wrapperMessagingWithoutDetection.js", "Script"),
        )
        .trap(
            "text: how fast the page loads, told to its own network",
            fetched("https://static.cloudflareinsights.com/beacon.min.js", "Script"),
        )
}

/// The site's own identifier, and a request of another party made of it.
fn handing_on(url: impl Fn(usize) -> String) -> Page {
    three(|number, visit| {
        visit
            .snapshot
            .cookies
            .push(cookie("visitor", SITE, IDS[number]));
        visit.snapshot.requests.push(request(&url(number), "Ping"));
    })
}

fn addresses() -> Cases {
    // `printf 4b8f7e21c9d06a35 | sha1sum`, and so on.
    const SHA1: [&str; 3] = [
        "8def33db5ff6b4dba9c438d4e83ef8be91a708bf",
        "c91fb51eed99e29be775083d69db37e07516321a",
        "3d516a5d6b9fcae32228432a7b2dbdfa5aa3cb9d",
    ];
    // `printf 4b8f7e21c9d06a35 | base64`, and so on.
    const BASE64: [&str; 3] = [
        "NGI4ZjdlMjFjOWQwNmEzNQ==",
        "OTFjM2Q3YTJlOGI0ZjYwNQ==",
        "ZTdhMWI5YzRkMmY4MDM1Ng==",
    ];
    Cases::of("R41")
        .positive(
            "text: in base64",
            handing_on(|number| format!("https://collect.stranger.test/e?x={}", BASE64[number])),
        )
        .positive(
            "text: its SHA-1",
            handing_on(|number| format!("https://collect.stranger.test/e?x={}", SHA1[number])),
        )
        .positive(
            "text: in the path",
            handing_on(|number| format!("https://collect.stranger.test/u/{}/e.gif", IDS[number])),
        )
        .positive(
            "text: a telephone number",
            fetched("https://collect.stranger.test/e?phone=%2B4915112345678", "Ping"),
        )
        .positive(
            "text: an address in the page's address, handed on as the place",
            fetched(
                "https://collect.stranger.test/e?dl=https%3A%2F%2Fshop.test%2Fthanks%3Femail%3Danna%2540example.org",
                "Ping",
            ),
        )
        .negative(
            "text: another number in every visit, which nothing keeps",
            sending(|number| {
                request(
                    &format!("https://collect.stranger.test/e?cb={}", 918_273_645_001_u64 + number as u64),
                    "Ping",
                )
            }),
        )
        .negative(
            "text: a signed address",
            sending(|number| {
                request(
                    &format!(
                        "https://media.stranger.test/v.mp4?Expires=1795349000&Signature={}",
                        IDS[number].repeat(3)
                    ),
                    "Media",
                )
            }),
        )
        .negative(
            "text: a value of seven letters",
            three(|number, visit| {
                let short = ["ab12cd3", "xy98zw7", "kl45mn6"][number];
                visit.snapshot.cookies.push(cookie("b", SITE, short));
                let url = format!("https://collect.stranger.test/e?b={short}");
                visit.snapshot.requests.push(request(&url, "Ping"));
            }),
        )
        .trap(
            "text: stored, and not handed on",
            storing(|number| cookie("visitor", SITE, IDS[number])),
        )
        .trap(
            "text: a number of an article that looks like a telephone's",
            fetched("https://collect.stranger.test/e?sku=4915112345678", "Ping"),
        )
}

/// One party's identifier, and a request made of it.
fn exchange(make: impl Fn(&str) -> crate::model::snapshot::Request) -> Page {
    three(|number, visit| {
        visit.snapshot.cookies.push(
            cookie("tuid", "tracker.test", IDS[number]).by_response("https://tracker.test/p"),
        );
        visit
            .snapshot
            .requests
            .push(request("https://tracker.test/p", "Image"));
        visit.snapshot.requests.push(make(IDS[number]));
    })
}

fn syncs() -> Cases {
    Cases::of("R45")
        .positive(
            "text: by a redirect",
            exchange(|id| {
                let mut sent = request(&format!("https://sync.stranger.test/m?puid={id}"), "Image");
                sent.redirect_chain.push(RedirectHop {
                    url: "https://tracker.test/sync".to_owned(),
                    status: 302,
                    set_cookies: Vec::new(),
                });
                sent.initiator_chain.push(InitiatorStep {
                    kind: "redirect".to_owned(),
                    url: "https://tracker.test/sync".to_owned(),
                    line: 0,
                    column: 0,
                });
                sent
            }),
        )
        .positive(
            "text: in the path",
            exchange(|id| {
                request(
                    &format!("https://sync.stranger.test/match/{id}/p.gif"),
                    "Image",
                )
            }),
        )
        .positive(
            "text: inside of an address inside of an address",
            exchange(|id| {
                request(
                    &format!("https://sync.stranger.test/r?to=https%3A%2F%2Fx.test%2F%3Fu%3D{id}"),
                    "Image",
                )
            }),
        )
        .negative(
            "text: to the site itself",
            exchange(|id| request(&format!("https://shop.test/api?u={id}"), "Fetch")),
        )
        .negative(
            "text: between the click and its proof",
            exchange(|id| {
                request(&format!("https://sync.stranger.test/m?u={id}"), "Image")
                    .during(PhaseName::Choosing)
            }),
        )
        .negative(
            "text: seven letters",
            three(|number, visit| {
                let short = ["ab12cd3", "xy98zw7", "kl45mn6"][number];
                visit
                    .snapshot
                    .cookies
                    .push(cookie("t", "tracker.test", short).by_response("https://tracker.test/p"));
                let url = format!("https://sync.stranger.test/m?u={short}");
                visit.snapshot.requests.push(request(&url, "Image"));
            }),
        )
        .trap(
            "text: a time both were told",
            three(|number, visit| {
                let time = format!("{}", 1_795_348_700_123_u64 + number as u64 * 977);
                visit
                    .snapshot
                    .cookies
                    .push(cookie("t", "tracker.test", &time).by_response("https://tracker.test/p"));
                let url = format!("https://sync.stranger.test/m?t={time}");
                visit.snapshot.requests.push(request(&url, "Image"));
            }),
        )
        .trap(
            "text: two hosts of Microsoft",
            three(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("MUID", "bing.com", &IDS[number].repeat(2))
                        .by_response("https://bat.bing.com/action/0?ti=12345678"),
                );
                visit.snapshot.requests.push(request(
                    "https://bat.bing.com/action/0?ti=12345678&evt=pageLoad",
                    "Image",
                ));
                let url = format!("https://c.clarity.ms/c.gif?MUID={}", IDS[number].repeat(2));
                visit.snapshot.requests.push(request(&url, "Image"));
            }),
        )
}
