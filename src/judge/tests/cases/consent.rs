//! R14, R23, R24, R26, R27, R29, R30.

use super::{Cases, SignalBuilder, after_refusal, signal, three};
use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Document, FrameRef, Signal};
use crate::model::tcf::Written;
use crate::model::value::Value;
use crate::model::visit::ButtonRole::{Accept, Reject};
use crate::model::visit::Route::{FirstLayer, SecondLayer};
use crate::model::visit::{Banner, ChoiceOutcome, PhaseName, State};

const RECORD: &str = "CookieScriptConsent";

fn said(kind: &str, source: &str, phase: PhaseName, ads: bool) -> Signal {
    signal(
        kind,
        source,
        phase,
        &[("necessary", true), ("marketing", ads)],
    )
}

fn record(phase: PhaseName, ads: bool) -> Signal {
    said("cmp-record", RECORD, phase, ads)
}

pub(super) fn cases() -> Vec<Cases> {
    vec![
        persistence(),
        implied(),
        legitimate_interest(),
        before_choice(),
        after_reject(),
        google(),
        google_in_germany(),
        records(),
    ]
}

/// Records after the answer and after the reload, of a no and of a yes.
fn kept(no: (Option<bool>, Option<bool>), yes: (Option<bool>, Option<bool>)) -> Page {
    three(|_, visit| {
        visit.banner.found = true;
        let (chosen, reloaded) = match visit.state {
            State::Before | State::Withdrawn => return,
            State::Rejected => no,
            State::Accepted => yes,
        };
        for (phase, says) in [(PhaseName::Chosen, chosen), (PhaseName::Revisit, reloaded)] {
            visit
                .snapshot
                .signals
                .extend(says.map(|ads| record(phase, ads).explicit()));
        }
    })
}

fn asked_again(after_no: bool, after_yes: bool) -> Page {
    three(|_, visit| {
        visit.banner.found = true;
        let again = match visit.state {
            State::Rejected => after_no,
            State::Accepted => after_yes,
            State::Before | State::Withdrawn => false,
        };
        visit
            .choice
            .outcomes
            .extend(again.then_some(ChoiceOutcome::Reappeared));
    })
}

fn persistence() -> Cases {
    let (no, yes) = (Some(false), Some(true));
    Cases::of("R14")
        .positive("a no becomes a yes", kept((no, yes), (yes, yes)))
        .positive(
            "a no is forgotten, a yes stays",
            kept((no, None), (yes, yes)),
        )
        .positive(
            "a no becomes a default that grants",
            three(|_, visit| {
                if visit.state == State::Rejected {
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Chosen, false).explicit());
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Revisit, true));
                }
            }),
        )
        .positive("the banner asks again after a no", asked_again(true, false))
        .trap(
            "the banner asks again after any answer",
            asked_again(true, true),
        )
        .negative("the banner does not ask again", asked_again(false, false))
        .negative("both are kept", kept((no, no), (yes, yes)))
        .negative("nothing is said", three(|_, _| {}))
        .negative("only a yes is forgotten", kept((no, no), (yes, None)))
        .trap(
            "the page hides its records after the reload, of either answer",
            kept((no, None), (yes, None)),
        )
        .trap(
            "another record grants what it always granted",
            three(|_, visit| {
                if visit.state == State::Rejected {
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Chosen, false).explicit());
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Revisit, false).explicit());
                    visit.snapshot.signals.push(signal(
                        "cmp-record",
                        "other",
                        PhaseName::Revisit,
                        &[("necessary", true)],
                    ));
                }
            }),
        )
}

fn before(make: impl Fn() -> Vec<Signal>) -> Page {
    three(|_, visit| visit.snapshot.signals.extend(make()))
}

fn with_text(text: &str, refusable: bool) -> Page {
    let buttons: &[_] = if refusable {
        &[(Accept, "Accept"), (Reject, "Reject")]
    } else {
        &[(Accept, "Accept")]
    };
    let met = Banner {
        text: text.to_owned(),
        ..banner(
            FirstLayer,
            if refusable { FirstLayer } else { SecondLayer },
            buttons,
        )
    };
    three(|_, visit| visit.banner = met.clone())
}

fn stored(name: &'static str, value: &'static str) -> Page {
    three(|_, visit| visit.snapshot.cookies.push(cookie(name, SITE, value)))
}

/// A page whose consent platform has those settings.
fn set_up(settings: &str) -> Page {
    three(|_, visit| {
        visit.banner.found = true;
        visit.snapshot.documents.push(Document {
            source: "window.tarteaucitron".to_owned(),
            at_ms: 900,
            phase: PhaseName::Idle,
            text: Value::new(settings),
        });
    })
}

fn implied() -> Cases {
    Cases::of("R23")
        .positive(
            "a yes after scrolling",
            before(|| {
                vec![
                    record(PhaseName::Idle, false),
                    record(PhaseName::Active, true).explicit(),
                ]
            }),
        )
        .positive(
            "tarteaucitron's settings take scrolling for a yes",
            set_up(r#"{"tarteaucitron":{"parameters":{"highPrivacy":false},"services":{}}}"#),
        )
        .negative(
            "tarteaucitron's settings wait for a click",
            set_up(r#"{"tarteaucitron":{"parameters":{"highPrivacy":true},"services":{}}}"#),
        )
        .positive(
            "a yes on arrival",
            before(|| vec![record(PhaseName::Idle, true).explicit()]),
        )
        .positive(
            "TrustArc's behaviour for the EU",
            stored("notice_behavior", "implied,eu"),
        )
        .positive(
            "Cookiebot's method",
            stored(
                "CookieConsent",
                "{stamp:%27x%27%2Cnecessary:true%2Cmarketing:true%2Cmethod:%27implied%27}",
            ),
        )
        .positive(
            "the text says so",
            with_text(
                "By continuing to use this site you agree to cookies.",
                false,
            ),
        )
        .negative(
            "a no by default",
            before(|| vec![record(PhaseName::Idle, false)]),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "TrustArc asks in the EU",
            stored("notice_behavior", "expressed,eu"),
        )
        .trap(
            "tags wait for the first movement, nothing is recorded",
            three(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(record(PhaseName::Active, false));
                visit.snapshot.requests.push(
                    request(
                        "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                        "Image",
                    )
                    .during(PhaseName::Active),
                );
            }),
        )
        .trap(
            "only what is necessary is granted, and recorded as an answer",
            before(|| {
                vec![
                    signal(
                        "cmp-record",
                        RECORD,
                        PhaseName::Idle,
                        &[("necessary", true)],
                    )
                    .explicit(),
                ]
            }),
        )
        .trap(
            "the text speaks of continuing, beside a button that refuses",
            with_text(
                "By continuing to use this site you agree, or reject below.",
                true,
            ),
        )
        .trap(
            "a yes after a click",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Chosen, true).explicit());
                }
            }),
        )
}

pub(super) fn purposes(numbers: &[u32]) -> u32 {
    numbers.iter().map(|purpose| 1 << (24 - purpose)).sum()
}

fn made_today() -> Written {
    Written {
        created_ds: 17_953_488_000,
        ..Written::default()
    }
}

pub(super) fn consenting(consents: &[u32], vendors: &[(u16, u16)]) -> String {
    Written {
        consents: purposes(consents),
        vendors: vendors.to_vec(),
        ..made_today()
    }
    .text()
}

pub(super) fn interested(interests: &[u32], vendors: &[(u16, u16)]) -> String {
    Written {
        interests: purposes(interests),
        interested: vendors.to_vec(),
        ..made_today()
    }
    .text()
}

pub(super) fn api(phase: PhaseName, text: &str) -> Signal {
    signal("tcf-api", "__tcfapi", phase, &[]).saying(text)
}

fn said_after_refusal(text: &str) -> Page {
    after_refusal(|_, visit| visit.snapshot.signals.push(api(PhaseName::Revisit, text)))
}

fn legitimate_interest() -> Cases {
    Cases::of("R24")
        .positive(
            "purposes 2 and 7 with vendors",
            said_after_refusal(&interested(&[2, 7], &[(1, 40)])),
        )
        .positive(
            "purpose 1, which is never one",
            said_after_refusal(&interested(&[1], &[(1, 1)])),
        )
        .positive(
            "in a cookie",
            after_refusal(|_, visit| {
                let text = interested(&[9, 10], &[(5, 9)]);
                visit
                    .snapshot
                    .cookies
                    .push(cookie("euconsent-v2", SITE, &text).only(PhaseName::Chosen));
            }),
        )
        .negative("no string", three(|_, _| {}))
        .negative(
            "everything denied",
            said_after_refusal(&made_today().text()),
        )
        .negative(
            "before the choice, as the standard wants it",
            three(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(api(PhaseName::Idle, &interested(&[2, 7], &[(1, 40)])));
            }),
        )
        .trap(
            "vendors with special purposes only",
            said_after_refusal(&interested(&[], &[(1, 40)])),
        )
        .trap(
            "after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .signals
                        .push(api(PhaseName::Revisit, &interested(&[2], &[(1, 9)])));
                }
            }),
        )
}

fn said_before(text: &str) -> Page {
    before(|| vec![api(PhaseName::Idle, text).fact("gdpr-applies", "true")])
}

fn sent(parameter: &str, text: &str, own_frame: bool) -> Page {
    three(|_, visit| {
        let mut made = request(
            &format!("https://ads.stranger.test/p?{parameter}={text}"),
            "Image",
        );
        if !own_frame {
            made.frame = Some(FrameRef {
                url: "https://frame.stranger.test/".to_owned(),
                top: false,
            });
        }
        visit.snapshot.requests.push(made);
    })
}

fn before_choice() -> Cases {
    let yes = consenting(&[1, 2, 3], &[(1, 50)]);
    Cases::of("R26")
        .positive("the function answers with consent", said_before(&yes))
        .positive(
            "a cookie holds consent",
            three(|_, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("euconsent-v2", SITE, &yes));
            }),
        )
        .positive(
            "a request carries consent",
            sent("gdpr_consent", &yes, true),
        )
        .positive(
            "vendors without a purpose",
            said_before(&consenting(&[], &[(1, 50)])),
        )
        .positive(
            "vendors outside of the list",
            sent("addtl_consent", "1~35.41.101", true),
        )
        .negative("no string", three(|_, _| {}))
        .negative("everything denied", said_before(&made_today().text()))
        .negative(
            "only after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.signals.push(api(PhaseName::Chosen, &yes));
                }
            }),
        )
        .trap(
            "legitimate interests only, as the standard wants it",
            said_before(&interested(&[2, 7, 9], &[(1, 300)])),
        )
        .trap(
            "the regulation does not apply",
            before(|| vec![api(PhaseName::Idle, &yes).fact("gdpr-applies", "false")]),
        )
        .trap(
            "a sample made long ago",
            sent(
                "gdpr_consent",
                &Written {
                    created_ds: 17_489_088_000,
                    consents: purposes(&[1, 2]),
                    vendors: vec![(1, 9)],
                    ..Written::default()
                }
                .text(),
                true,
            ),
        )
        .trap(
            "another site's string in a frame",
            sent("gdpr_consent", &yes, false),
        )
        .trap(
            "no vendor outside of the list",
            sent("addtl_consent", "2~~dv.35.41", true),
        )
}

fn after_reject() -> Cases {
    let yes = consenting(&[1, 2, 3], &[(1, 50)]);
    Cases::of("R27")
        .positive(
            "the function answers with consent",
            said_after_refusal(&yes),
        )
        .positive(
            "vendors without a purpose",
            said_after_refusal(&consenting(&[], &[(7, 7)])),
        )
        .positive(
            "a request carries consent",
            after_refusal(|_, visit| {
                let url = format!("https://ads.stranger.test/p?gdpr_consent={yes}");
                visit
                    .snapshot
                    .requests
                    .push(request(&url, "Image").during(PhaseName::Revisit));
            }),
        )
        .negative(
            "everything denied",
            said_after_refusal(&made_today().text()),
        )
        .negative("no string", three(|_, _| {}))
        .negative(
            "after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit.snapshot.signals.push(api(PhaseName::Revisit, &yes));
                }
            }),
        )
        .trap(
            "a request that was on its way",
            after_refusal(|_, visit| {
                let url = format!("https://ads.stranger.test/p?gdpr_consent={yes}");
                visit
                    .snapshot
                    .requests
                    .push(request(&url, "Image").during_at(PhaseName::Chosen, CONFIRMED_MS + 200));
            }),
        )
        .trap(
            "legitimate interests only: that is another rule's",
            said_after_refusal(&interested(&[2], &[(1, 9)])),
        )
        .inconclusive(
            "nothing confirms the refusal",
            three(|_, visit| {
                visit.banner.found = true;
                visit.choice.confirmed = false;
                visit.snapshot.signals.push(api(PhaseName::Revisit, &yes));
            }),
        )
}

const STATES: [&str; 4] = [
    "ad_storage",
    "analytics_storage",
    "ad_user_data",
    "ad_personalization",
];

pub(super) fn command(name: &str, position: u32, granted: bool) -> Signal {
    let grants: Vec<(&str, bool)> = STATES.iter().map(|&state| (state, granted)).collect();
    signal("consent-command", "dataLayer", PhaseName::Idle, &grants).command(name, position)
}

fn measured(more: &str, phase: PhaseName) -> crate::model::snapshot::Request {
    request(
        &format!("https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&{more}"),
        "Ping",
    )
    .during(phase)
}

fn google() -> Cases {
    Cases::of("R29")
        .positive(
            "granted by default",
            before(|| vec![command("default", 0, true)]),
        )
        .positive(
            "granted by default, as a measurement says",
            three(|_, visit| {
                visit
                    .snapshot
                    .requests
                    .push(measured("gcd=13t3t3t3t5l1", PhaseName::Idle));
            }),
        )
        .positive(
            "granted after a no",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .requests
                    .push(measured("gcs=G111", PhaseName::Revisit));
            }),
        )
        .positive(
            "the default came after the tag",
            three(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(command("default", 3, false).after_a_tag(true));
                visit
                    .snapshot
                    .requests
                    .push(measured("gcs=G100&cid=5.6", PhaseName::Idle));
            }),
        )
        .positive(
            "advertising data without storage",
            three(|_, visit| {
                visit
                    .snapshot
                    .requests
                    .push(measured("gcd=13p3p3t3t5l1", PhaseName::Idle));
            }),
        )
        .positive(
            "still denied after a yes",
            three(|_, visit| {
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .requests
                        .push(measured("gcd=13q3q3q3q5l1", PhaseName::Revisit));
                }
            }),
        )
        .negative(
            "denied by default",
            before(|| vec![command("default", 0, false)]),
        )
        .negative(
            "not in use",
            three(|_, visit| {
                visit
                    .snapshot
                    .requests
                    .push(measured("gcd=13l3l3l3l1", PhaseName::Idle));
            }),
        )
        .negative(
            "denied, and granted after a yes",
            three(|_, visit| {
                visit.snapshot.signals.push(command("default", 0, false));
                if visit.state == State::Accepted {
                    visit
                        .snapshot
                        .requests
                        .push(measured("gcd=13r3r3r3r5l1", PhaseName::Revisit));
                }
            }),
        )
        .trap(
            "granted in the world, denied in Europe",
            before(|| {
                vec![
                    command("default", 0, true),
                    command("default", 1, false).in_regions(&["AT", "DE", "FR", "IT", "ES"]),
                ]
            }),
        )
        .trap(
            "granted in California only",
            before(|| {
                vec![
                    command("default", 0, true).in_regions(&["US-CA"]),
                    command("default", 1, false),
                ]
            }),
        )
        .trap(
            "the default came after a tag, and nothing was measured",
            before(|| vec![command("default", 3, false).after_a_tag(true)]),
        )
        .trap(
            "what the site itself needs is granted",
            before(|| {
                vec![
                    command("default", 0, false),
                    signal(
                        "consent-command",
                        "dataLayer",
                        PhaseName::Idle,
                        &[("security_storage", true), ("functionality_storage", true)],
                    )
                    .command("default", 1),
                ]
            }),
        )
}

fn google_in_germany() -> Cases {
    Cases::of("R29")
        .in_profile(Profile::De)
        .trap(
            "granted in France, denied in Germany",
            before(|| {
                vec![
                    command("default", 0, true).in_regions(&["FR"]),
                    command("default", 1, false).in_regions(&["DE"]),
                ]
            }),
        )
        .positive(
            "denied in France, granted in Germany",
            before(|| {
                vec![
                    command("default", 0, false).in_regions(&["FR"]),
                    command("default", 1, true),
                ]
            }),
        )
}

fn groups(phase: PhaseName, grants: &[(&str, bool)]) -> Signal {
    signal("cmp-record", "OptanonConsent", phase, grants)
}

fn records() -> Cases {
    Cases::of("R30")
        .positive(
            "a platform grants by default",
            before(|| vec![record(PhaseName::Idle, true)]),
        )
        .positive(
            "OneTrust grants advertising by default",
            before(|| {
                vec![groups(
                    PhaseName::Idle,
                    &[("C0001", true), ("C0002", true), ("C0004", true)],
                )]
            }),
        )
        .positive(
            "two platforms answer differently after a no",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(record(PhaseName::Revisit, false).explicit());
                visit.snapshot.signals.push(
                    signal(
                        "cmp-api",
                        "Cookiebot",
                        PhaseName::Revisit,
                        &[("necessary", true), ("statistics", true)],
                    )
                    .explicit(),
                );
            }),
        )
        .positive(
            "the TC string consents to what the record denies",
            after_refusal(|_, visit| {
                visit
                    .snapshot
                    .signals
                    .push(record(PhaseName::Revisit, false).explicit());
                visit
                    .snapshot
                    .signals
                    .push(api(PhaseName::Revisit, &consenting(&[1, 3], &[(1, 9)])));
            }),
        )
        .negative(
            "denied by default",
            before(|| vec![record(PhaseName::Idle, false)]),
        )
        .negative("nothing", three(|_, _| {}))
        .negative(
            "records agree",
            three(|_, visit| {
                if visit.state != State::Before {
                    let yes = visit.state == State::Accepted;
                    visit
                        .snapshot
                        .signals
                        .push(record(PhaseName::Revisit, yes).explicit());
                    visit
                        .snapshot
                        .signals
                        .push(said("cmp-api", "Klaro", PhaseName::Revisit, yes).explicit());
                }
            }),
        )
        .trap(
            "only what is always necessary",
            before(|| {
                vec![groups(
                    PhaseName::Idle,
                    &[("C0001", true), ("C0002", false)],
                )]
            }),
        )
        .trap(
            "a group the site numbered itself",
            before(|| {
                vec![groups(
                    PhaseName::Idle,
                    &[("C0001", true), ("BG117", true), ("C0002", false)],
                )]
            }),
        )
        .trap(
            "what another record calls necessary",
            before(|| {
                let mut known = signal("cmp-api", "Klaro", PhaseName::Idle, &[("chat", true)]);
                known.grants[0].necessary = true;
                vec![
                    known,
                    signal("cmp-record", "klaro", PhaseName::Idle, &[("chat", true)]),
                ]
            }),
        )
        .trap(
            "the regulation does not apply",
            before(|| {
                vec![
                    record(PhaseName::Idle, true),
                    signal("tcf-api", "__tcfapi", PhaseName::Idle, &[])
                        .fact("gdpr-applies", "false"),
                ]
            }),
        )
}
