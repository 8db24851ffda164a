//! R18, R26, R29, R34.

use super::{sending, storing};
use crate::judge::Profile;
use crate::judge::tests::cases::consent::{api, command, consenting, interested, purposes};
use crate::judge::tests::cases::{Cases, SignalBuilder, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{BodyParameter, Document, FrameRef, Signal};
use crate::model::tcf::Written;
use crate::model::value::Value;
use crate::model::visit::ButtonRole::{
    Accept, Acknowledge, Close, Link, Pay, Reject, Save, Settings,
};
use crate::model::visit::Route::{FirstLayer, None as Nowhere, SecondLayer};
use crate::model::visit::{Banner, ButtonRole, PhaseName, State, Switch};

pub(super) fn cases() -> Vec<Cases> {
    vec![
        first_layer(),
        first_layer_in_italy(),
        before_choice(),
        google(),
        lifetimes(),
    ]
}

fn everywhere(banner: &Banner) -> Page {
    three(|_, visit| visit.banner = banner.clone())
}

const YES: (ButtonRole, &str) = (Accept, "Accept all");

/// A first layer that stores what its boxes say.
fn boxes(on: bool) -> Page {
    let mut met = banner(FirstLayer, SecondLayer, &[YES, (Save, "Save selection")]);
    met.switches = [("Necessary", true, true), ("Marketing", on, false)]
        .map(|(text, on, locked)| Switch {
            text: text.to_owned(),
            layer: 1,
            on,
            locked,
        })
        .to_vec();
    everywhere(&met)
}

fn first_layer() -> Cases {
    let of =
        |reject, buttons: &[(ButtonRole, &str)]| everywhere(&banner(FirstLayer, reject, buttons));
    Cases::of("R18")
        .positive(
            "text: a policy and settings beside a yes",
            of(
                SecondLayer,
                &[YES, (Settings, "Manage"), (Link, "Cookie policy")],
            ),
        )
        .positive("text: what is stored has a tick already", boxes(true))
        .positive(
            "text: paying is no refusing",
            of(Nowhere, &[YES, (Pay, "Subscribe for 3.99")]),
        )
        .negative("text: what is stored has no tick", boxes(false))
        .negative(
            "text: a small link that refuses",
            of(FirstLayer, &[YES, (Reject, "Continue without accepting")]),
        )
        .negative(
            "text: a cross that says that it refuses",
            of(FirstLayer, &[YES, (Close, "Continue without accepting")]),
        )
        .trap(
            "text: one visit of three met a button that refuses",
            three(|number, visit| {
                visit.banner = if number == 1 {
                    banner(FirstLayer, FirstLayer, &[YES, (Reject, "Reject all")])
                } else {
                    banner(FirstLayer, SecondLayer, &[YES, (Settings, "Settings")])
                };
            }),
        )
        .trap(
            "text: a notice that offers no yes",
            of(Nowhere, &[(Acknowledge, "Got it")]),
        )
}

fn first_layer_in_italy() -> Cases {
    Cases::of("R18").in_profile(Profile::It).positive(
        "text: no cross either, in Italy",
        everywhere(&banner(
            FirstLayer,
            SecondLayer,
            &[YES, (Settings, "Personalizza")],
        )),
    )
}

fn said(signals: impl Fn() -> Vec<Signal>) -> Page {
    three(|_, visit| visit.snapshot.signals.extend(signals()))
}

fn features(numbers: &[u32]) -> String {
    Written {
        created_ds: 17_953_488_000,
        special: numbers.iter().map(|feature| 1 << (12 - feature)).sum(),
        ..Written::default()
    }
    .text()
}

fn before_choice() -> Cases {
    let yes = consenting(&[1, 3, 4], &[(1, 20)]);
    Cases::of("R26")
        .positive(
            "text: in the body of a request",
            sending(|_| {
                let mut sent = request("https://ads.stranger.test/bid", "Fetch")
                    .with_body(&format!("gdpr=1&gdpr_consent={yes}"));
                for (name, value) in [("gdpr", "1"), ("gdpr_consent", yes.as_str())] {
                    sent.body_parameters.push(BodyParameter {
                        name: name.to_owned(),
                        value: Value::new(value),
                    });
                }
                sent
            }),
        )
        .positive(
            "text: vendors outside of the list in a cookie",
            storing(|_| cookie("addtl_consent", SITE, "2~89.2322.3290~dv.")),
        )
        .positive(
            "text: a special feature alone",
            said(|| vec![api(PhaseName::Idle, &features(&[1])).fact("gdpr-applies", "true")]),
        )
        .positive(
            "text: loaded into a profile nobody used before",
            said(|| {
                vec![
                    api(PhaseName::Idle, &yes)
                        .fact("gdpr-applies", "true")
                        .fact("event-status", "tcloaded"),
                ]
            }),
        )
        .positive(
            "text: in local storage",
            three(|_, visit| {
                visit
                    .snapshot
                    .storage
                    .push(local("eupubconsent-v2", &yes, OWN_SCRIPT));
            }),
        )
        .negative(
            "text: the banner shown, legitimate interests on",
            said(|| {
                let text = interested(&[2, 7, 8, 9, 10, 11], &[(1, 600)]);
                vec![
                    api(PhaseName::Idle, &text)
                        .fact("gdpr-applies", "true")
                        .fact("event-status", "cmpuishown"),
                ]
            }),
        )
        .negative(
            "text: a place for a string that nobody filled",
            sending(|_| {
                request(
                    "https://ads.stranger.test/p?gdpr=1&gdpr_consent=$%7BGDPR_CONSENT_52%7D",
                    "Image",
                )
            }),
        )
        .negative(
            "text: between the click and its proof",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.signals.push(
                        api(PhaseName::Choosing, &yes).fact("event-status", "useractioncomplete"),
                    );
                }
            }),
        )
        .trap(
            "text: a request that says that the regulation does not apply",
            sending(|_| {
                request(
                    &format!("https://ads.stranger.test/p?gdpr=0&gdpr_consent={yes}"),
                    "Image",
                )
            }),
        )
        .trap(
            "text: a frame of an advertiser with a string of its own platform",
            sending(|_| {
                let text = Written {
                    created_ds: 17_900_000_000,
                    consents: purposes(&[1]),
                    vendors: vec![(9, 9)],
                    ..Written::default()
                }
                .text();
                let mut sent = request(
                    &format!("https://sync.stranger.test/p?gdpr=1&gdpr_consent={text}"),
                    "Image",
                );
                sent.frame = Some(FrameRef {
                    url: "https://frame.stranger.test/ad".to_owned(),
                    top: false,
                });
                sent
            }),
        )
}

fn measured(more: &'static str, phase: PhaseName, state: Option<State>) -> Page {
    three(|_, visit| {
        if state.is_none_or(|state| visit.state == state) {
            let url = format!(
                "https://region1.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&{more}"
            );
            visit
                .snapshot
                .requests
                .push(request(&url, "Fetch").during(phase));
        }
    })
}

fn google() -> Cases {
    let (idle, revisit) = (PhaseName::Idle, PhaseName::Revisit);
    Cases::of("R29")
        .positive(
            "text: advertising granted before a choice",
            measured("gcs=G110", idle, None),
        )
        .positive(
            "text: granted, then denied by an update before a choice",
            measured("gcd=13u3u3u3u5", idle, None),
        )
        .positive(
            "text: an update granted it after a no",
            measured("gcd=13r3r3r3r5", revisit, Some(State::Rejected)),
        )
        .positive(
            "text: statistics granted after a no",
            measured("gcs=G101", revisit, Some(State::Rejected)),
        )
        .positive(
            "text: personal advertisements granted, their storage denied",
            measured("gcd=13p3p3p3t5", idle, None),
        )
        .positive(
            "text: a default that grants where the visitor is",
            three(|_, visit| {
                visit.snapshot.signals.push(command("default", 0, false));
                visit
                    .snapshot
                    .signals
                    .push(command("default", 1, true).in_regions(&["DE", "FR", "ES", "IT", "AT"]));
            }),
        )
        .negative("text: nothing is set yet", measured("gcs=G1--", idle, None))
        .negative(
            "text: denied by the default and by the update",
            measured("gcd=13q3q3q3q5", revisit, Some(State::Rejected)),
        )
        .negative(
            "text: granted by an update after a yes",
            measured("gcd=13r3r3r3r5", revisit, Some(State::Accepted)),
        )
        .trap(
            "text: denied by the update alone",
            measured("gcd=13m3m3m3m5", revisit, Some(State::Rejected)),
        )
        .trap(
            "text: granted in California, and nothing said of Europe",
            three(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(command("default", 0, true).in_regions(&["US-CA"]));
            }),
        )
}

fn cookiebot(name: &str, lifetime: &str, page: Page) -> Page {
    let text = format!(
        r#"CookieConsentDialog.cookieTableNecessary = [["CookieConsent","shop.test","","1 year","HTTP","1"]];
        CookieConsentDialog.cookieTableStatistics = [["{name}","shop.test","","{lifetime}","HTTP","1"]];"#
    );
    let mut page = page;
    for visit in &mut page.visits {
        visit.banner.found = true;
        visit.snapshot.documents.push(Document {
            source: "https://consent.cookiebot.com/x/cc.js".to_owned(),
            at_ms: 500,
            phase: PhaseName::Idle,
            text: Value::new(&text),
        });
    }
    page
}

fn lasting(days: i64) -> Page {
    storing(move |number| cookie("shopvisit", SITE, ["a1", "b2", "c3"][number % 3]).for_days(days))
}

fn lifetimes() -> Cases {
    Cases::of("R34")
        .positive(
            "text: three years for one",
            cookiebot("shopvisit", "1 year", lasting(1_095)),
        )
        .positive(
            "text: thirty days in German",
            cookiebot("shopvisit", "30 Tage", lasting(365)),
        )
        .positive(
            "text: six months in French",
            cookiebot("shopvisit", "6 mois", lasting(390)),
        )
        .positive(
            "text: for the session, and a day in truth",
            cookiebot("shopvisit", "Session", lasting(1)),
        )
        .negative(
            "text: a week for thirteen months",
            cookiebot("shopvisit", "13 months", lasting(7)),
        )
        .negative(
            "text: a third longer than declared",
            cookiebot("shopvisit", "300 days", lasting(400)),
        )
        .negative(
            "text: two years, of which the browser keeps four hundred days",
            cookiebot("shopvisit", "2 years", lasting(730)),
        )
        .trap(
            "text: twice as long, by less than a day",
            cookiebot(
                "shopvisit",
                "12 hours",
                storing(|_| {
                    let mut made = cookie("shopvisit", SITE, "a1");
                    let seconds = Some(30 * 3600);
                    made.lifetime_s = seconds;
                    made.stored_lifetime_s = seconds;
                    for write in &mut made.writes {
                        write.lifetime_s = seconds;
                    }
                    made
                }),
            ),
        )
        .trap(
            "text: less than half as long again, in months",
            cookiebot("shopvisit", "9 months", lasting(397)),
        )
        .trap(
            "text: as long as is needed",
            cookiebot("shopvisit", "As long as needed", lasting(400)),
        )
}
