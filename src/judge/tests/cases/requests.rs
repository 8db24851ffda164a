//! R06 to R09, R42.

use super::{Cases, ga_value, three};
use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{BodyParameter, InitiatorStep, Request};
use crate::model::tcf::Written;
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State};

const COLLECT: &str = "https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ";

fn with_request(make: impl Fn(usize) -> Request) -> Page {
    three(|number, visit| visit.snapshot.requests.push(make(number)))
}

fn fetched(url: &'static str, resource_type: &'static str) -> Page {
    with_request(move |_| request(url, resource_type))
}

fn pixel() -> Request {
    request(
        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView&dl=https%3A%2F%2Fshop.test",
        "Image",
    )
}

pub(super) fn cases() -> Vec<Cases> {
    vec![
        tracking(),
        denied_ping(),
        resources(),
        resources_in_germany(),
        auctions(),
        proxied(),
    ]
}

fn tracking() -> Cases {
    Cases::of("R06")
        .positive("Meta's pixel", with_request(|_| pixel()))
        .positive(
            "a measurement with a client id",
            with_request(|number| {
                let id = ga_value(number).replace("GA1.1.", "");
                request(&format!("{COLLECT}&cid={id}&en=page_view"), "Ping")
            }),
        )
        .positive(
            "a recording of the session",
            with_request(|_| request("wss://ws.hotjar.com/api/v2/client/ws", "WebSocket")),
        )
        .positive(
            "a measurement that says that consent is granted",
            with_request(|_| request(&format!("{COLLECT}&gcs=G111&cid=555.666"), "Ping")),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "only after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .requests
                        .push(pixel().during(PhaseName::Chosen));
                }
            }),
        )
        .negative(
            "the site's own script",
            fetched("https://shop.test/app.js", "Script"),
        )
        .trap(
            "the consent platform's host",
            fetched(
                "https://cdn.cookielaw.org/scripttemplates/otSDKStub.js",
                "Script",
            ),
        )
        .trap(
            "a host that never answered to its name",
            with_request(|_| pixel().failing("net::ERR_NAME_NOT_RESOLVED")),
        )
        .trap(
            "reports of errors",
            with_request(|_| request("https://o123.ingest.sentry.io/api/1/envelope/", "Fetch")),
        )
        .trap(
            "a measurement that says that consent is denied",
            with_request(|number| {
                request(
                    &format!("{COLLECT}&gcs=G100&cid={}.1", 555 + number * 7),
                    "Ping",
                )
            }),
        )
}

fn denied_ping() -> Cases {
    let ping = |more: &str| request(&format!("{COLLECT}&{more}"), "Ping");
    Cases::of("R07")
        .positive("G100", with_request(|number| ping(&format!("gcs=G100&cid={}.1", 555 + number * 7))))
        .positive(
            "denied by default in every type",
            with_request(|number| ping(&format!("gcd=13p3p3p3p5l1&cid={}.1", 555 + number * 7))),
        )
        .positive(
            "to a region's host",
            with_request(|number| {
                request(
                    &format!(
                        "https://region1.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&gcs=G100&cid={}.1",
                        555 + number * 7
                    ),
                    "Fetch",
                )
            }),
        )
        .negative("granted", with_request(|_| ping("gcs=G111&cid=5.6")))
        .negative("not in use", with_request(|_| ping("gcd=13l3l3l3l1&cid=5.6")))
        .negative(
            "only after the answer",
            three(|_, visit| {
                if visit.state != State::Before {
                    let sent = request(&format!("{COLLECT}&gcs=G100"), "Ping");
                    visit.snapshot.requests.push(sent.during(PhaseName::Revisit));
                }
            }),
        )
        .trap(
            "says denied and stores _ga: that is tracking",
            three(|number, visit| {
                visit.snapshot.cookies.push(cookie("_ga", SITE, &ga_value(number)));
                visit.snapshot.requests.push(request(&format!("{COLLECT}&gcs=G100"), "Ping"));
            }),
        )
        .trap(
            "says denied, and the client id comes back after the reload",
            three(|number, visit| {
                let url = format!("{COLLECT}&gcs=G100&cid=1982736451.{}", 1_795_348_800 + number);
                visit.snapshot.requests.push(request(&url, "Ping"));
                visit.snapshot.requests.push(request(&url, "Ping").during(PhaseName::Revisit));
            }),
        )
}

fn resources() -> Cases {
    let manager = "https://www.googletagmanager.com/gtm.js?id=GTM-ABCDEF";
    Cases::of("R08")
        .positive(
            "a player of Vimeo's",
            fetched("https://player.vimeo.com/video/1", "Document"),
        )
        .positive(
            "a map",
            fetched("https://maps.googleapis.com/maps/api/js", "Script"),
        )
        .positive(
            "web fonts",
            fetched(
                "https://fonts.googleapis.com/css2?family=Roboto",
                "Stylesheet",
            ),
        )
        .positive("a tag manager", fetched(manager, "Script"))
        .positive(
            "a captcha",
            fetched("https://www.google.com/recaptcha/api.js", "Script"),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "fonts of the site's own",
            fetched("https://shop.test/fonts/a.woff2", "Font"),
        )
        .negative(
            "a player after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.requests.push(
                        request("https://player.vimeo.com/video/1", "Document")
                            .during(PhaseName::Chosen),
                    );
                }
            }),
        )
        .trap(
            "a player that stores nothing before it is used",
            fetched(
                "https://www.youtube-nocookie.com/embed/abcdefghijk",
                "Document",
            ),
        )
        .trap(
            "a picture that stands in for a player",
            fetched("https://i.vimeocdn.com/video/1.jpg", "Image"),
        )
        .trap(
            "a tag manager that brings the consent platform",
            three(|_, visit| {
                visit.snapshot.requests.push(request(manager, "Script"));
                let mut platform = request(
                    "https://cdn.cookielaw.org/scripttemplates/otSDKStub.js",
                    "Script",
                );
                platform.initiator_chain.insert(
                    0,
                    InitiatorStep {
                        kind: "script".to_owned(),
                        url: manager.to_owned(),
                        line: 1,
                        column: 1,
                    },
                );
                visit.snapshot.requests.push(platform);
            }),
        )
}

fn resources_in_germany() -> Cases {
    Cases::of("R08").in_profile(Profile::De).positive(
        "a tag manager in Germany",
        fetched(
            "https://www.googletagmanager.com/gtm.js?id=GTM-ABCDEF",
            "Script",
        ),
    )
}

fn bid(url: &str, parameters: &[(&str, &str)]) -> Request {
    let mut made = request(url, "Fetch").with_body("{}");
    made.body_parameters = parameters
        .iter()
        .map(|(name, value)| BodyParameter {
            name: (*name).to_owned(),
            value: Value::new(value),
        })
        .collect();
    made
}

fn string(consents: u32, vendors: &[(u16, u16)]) -> String {
    Written {
        created_ds: 17_953_488_000,
        consents,
        vendors: vendors.to_vec(),
        ..Written::default()
    }
    .text()
}

fn auctions() -> Cases {
    let exchange = "https://ib.adnxs.com/openrtb2/prebid";
    Cases::of("R09")
        .positive(
            "a body of OpenRTB",
            with_request(|_| {
                bid(
                    exchange,
                    &[
                        ("id", "1"),
                        ("imp[0].id", "1"),
                        ("site.page", "https://shop.test/"),
                        ("device.ua", "x"),
                    ],
                )
            }),
        )
        .positive(
            "an exchange the catalog knows",
            with_request(|_| bid("https://bidder.criteo.com/cdb?profileId=207", &[])),
        )
        .positive(
            "an exchange told that there is no consent",
            with_request(|_| {
                bid(
                    exchange,
                    &[
                        ("imp[0].id", "1"),
                        ("site.page", "https://shop.test/"),
                        ("regs.ext.gdpr", "1"),
                        ("user.ext.consent", &string(0, &[])),
                    ],
                )
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    let asked = bid(exchange, &[("imp[0].id", "1"), ("site.page", "x")]);
                    visit
                        .snapshot
                        .requests
                        .push(asked.during(PhaseName::Chosen));
                }
            }),
        )
        .negative(
            "an exchange's script alone",
            fetched("https://acdn.adnxs.com/ast/ast.js", "Script"),
        )
        .trap(
            "the site's own shop with an imp parameter",
            with_request(|_| {
                bid(
                    "https://shop.test/api",
                    &[("imp[0].id", "1"), ("site.page", "x")],
                )
            }),
        )
        .trap(
            "a bid that was blocked",
            with_request(|_| {
                bid(exchange, &[("imp[0].id", "1"), ("site.page", "x")])
                    .failing("net::ERR_BLOCKED_BY_CLIENT")
            }),
        )
}

fn proxied() -> Cases {
    let measured = |more: &str| {
        format!("https://shop.test/metrics/g/collect?v=2&tid=G-ABCDEFGHIJ&cid=5.6{more}")
    };
    Cases::of("R42")
        .positive("a measurement through the site's own path", with_request(|_| request(&measured(""), "Ping")))
        .positive(
            "a measurement through a subdomain",
            with_request(|_| request("https://sst.shop.test/x?v=2&tid=G-ABCDEFGHIJ&cid=5.6&en=page_view", "Fetch")),
        )
        .positive(
            "Meta's pixel through a subdomain",
            with_request(|_| {
                request("https://cdn.shop.test/t?id=123456789012345&ev=PageView&dl=https%3A%2F%2Fshop.test", "Image")
            }),
        )
        .positive(
            "after a refusal",
            three(|_, visit| {
                if visit.state == State::Rejected {
                    visit.snapshot.requests.push(request(&measured("&gcs=G111"), "Ping").during(PhaseName::Revisit));
                }
            }),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.requests.push(request(&measured(""), "Ping").during(PhaseName::Chosen));
                }
            }),
        )
        .negative("the vendor itself: that is another rule's", with_request(|_| request(&format!("{COLLECT}&cid=5.6"), "Ping")))
        .trap(
            "statistics of the site's own with a version and an id",
            with_request(|_| request("https://shop.test/api/stats?v=2&cid=5.6&id=42&ev=view", "Ping")),
        )
        .trap(
            "a product with a long number",
            with_request(|_| request("https://shop.test/product?id=123456789012345&ev=1", "Fetch")),
        )
        .trap(
            "a denied measurement",
            with_request(|number| {
                request(
                    &format!(
                        "https://shop.test/metrics/g/collect?v=2&tid=G-ABCDEFGHIJ&gcs=G100&cid={}.1",
                        555 + number * 7
                    ),
                    "Ping",
                )
            }),
        )
}
