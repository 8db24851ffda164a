//! The sample's pages and what their visits recorded.

use consentinel::model::party::{Party, host_of, party_of};
use consentinel::model::report::Page;
use consentinel::model::snapshot::{
    AnsweredBy, BodyParameter, Cookie, Effect, FrameRef, Grant, Header, Message, RedirectHop,
    Request, Script, Sent, Signal, Snapshot, StorageEntry, StorageKind, WorkerRef, Write,
};
use consentinel::model::value::Value;
use consentinel::model::visit::{
    Banner, Button, ButtonRole, Choice, Diagnostic, DiagnosticCode, Outcome, Phase, PhaseName,
    ProofStrength, Route, Routes, Screenshot, State, Timing, Visit,
};

use super::findings::{script_setter, step};
use super::{CLEAN, DOWN, HOSTILE, HOSTILE_PAGE, PICTURE, SECRET, SHOP, UNSURE};

fn write(at_ms: u64, phase: PhaseName, text: &str, lifetime_s: Option<i64>) -> Write {
    Write {
        at_ms,
        phase,
        value: Value::new(text),
        lifetime_s,
        deleted: false,
        effect: Effect::default(),
        refused: Vec::new(),
        set_by: None,
        line: None,
    }
}

fn cookie(
    site: &str,
    domain: &str,
    name: &str,
    at_ms: u64,
    phase: PhaseName,
    lifetime_s: Option<i64>,
) -> Cookie {
    let text = if name == "_ga" { SECRET } else { "opaque" };
    Cookie {
        name: name.to_owned(),
        domain: domain.to_owned(),
        host_only: false,
        path: "/".to_owned(),
        partition_key: None,
        secure: true,
        http_only: false,
        same_site: Some("Lax".to_owned()),
        party: party_of(domain, &host_of(site)),
        value: Value::new(text),
        lifetime_s,
        stored_lifetime_s: lifetime_s.map(|seconds| seconds.min(400 * 86_400)),
        set_by: Some(script_setter(
            "https://www.googletagmanager.com/gtag/js?id=G-TEST",
        )),
        blocked: Vec::new(),
        at_ms,
        phase,
        writes: vec![Write {
            line: Some(format!("{name}={text}; Path=/; Secure")),
            ..write(at_ms, phase, text, lifetime_s)
        }],
        sent: vec![Sent {
            at_ms: at_ms + 20,
            phase,
            host: domain.to_owned(),
            count: 2,
        }],
        withheld: Vec::new(),
        exemptions: Vec::new(),
        alive: true,
    }
}

fn entry(origin: &str, key: &str, at_ms: u64, phase: PhaseName) -> StorageEntry {
    StorageEntry {
        kind: StorageKind::LocalStorage,
        origin: origin.to_owned(),
        partition: None,
        key: key.to_owned(),
        party: Party::First,
        value: Value::new("dark"),
        set_by: None,
        at_ms,
        phase,
        writes: vec![write(at_ms, phase, "dark", None)],
        alive: true,
    }
}

fn request(site: &str, url: &str, kind: &str, at_ms: u64, phase: PhaseName) -> Request {
    Request {
        id: format!("{at_ms}-{url}"),
        url: url.to_owned(),
        method: "GET".to_owned(),
        resource_type: kind.to_owned(),
        party: party_of(&host_of(url), &host_of(site)),
        frame: Some(FrameRef {
            url: site.to_owned(),
            top: true,
        }),
        worker: None,
        at_ms,
        phase,
        initiator_chain: vec![step("parser", site, 3)],
        redirect_chain: Vec::new(),
        preflight_of: None,
        ahead: None,
        status: Some(200),
        mime_type: None,
        answered_by: AnsweredBy::Network,
        from_cache: false,
        from_service_worker: false,
        failed: None,
        blocked: None,
        cors_error: None,
        cancelled: false,
        on_leaving: false,
        headers: Vec::new(),
        post_body: None,
        body_parameters: Vec::new(),
        body_parameters_left_out: 0,
        body_unseen: false,
        sent_cookies: Vec::new(),
        set_cookies: Vec::new(),
        messages: Vec::new(),
        messages_left_out: 0,
    }
}

fn picture() -> Screenshot {
    Screenshot {
        at_ms: 3_200,
        full_page: false,
        media_type: "image/png".to_owned(),
        sha256: "ab".repeat(32),
        data: Some(PICTURE.to_owned()),
    }
}

fn banner(reject: Route) -> Banner {
    let button = |role, text: &str, layer, left| Button {
        role,
        text: text.to_owned(),
        layer,
        place: [left, 600.0, 120.0, 40.0],
        contrast: None,
        background: None,
        font_px: None,
    };
    Banner {
        switches: Vec::new(),
        found: true,
        cmp: Some("Klaro".to_owned()),
        languages: vec!["en".to_owned()],
        routes: Routes {
            accept: Route::FirstLayer,
            reject,
        },
        buttons: vec![
            button(ButtonRole::Accept, "Accept all", 1, 700.0),
            button(ButtonRole::Settings, "Settings", 1, 560.0),
            button(ButtonRole::Reject, "Only what is needed", 2, 420.0),
        ],
        text: "We use cookies to measure visits and to show you advertising.".to_owned(),
        frame: Some(SHOP.to_owned()),
        seen_ms: Some(480),
        share: 0.2,
        locks_page: false,
        screenshot: Some(picture()),
    }
}

fn phases(state: State) -> Vec<Phase> {
    let phase = |name, start_ms, end_ms| Phase {
        name,
        start_ms,
        end_ms,
    };
    match state {
        State::Before => vec![
            phase(PhaseName::Idle, 0, 10_000),
            phase(PhaseName::Active, 10_000, 16_000),
        ],
        _ => vec![
            phase(PhaseName::Idle, 0, 2_500),
            phase(PhaseName::Choosing, 2_500, 3_100),
            phase(PhaseName::Chosen, 3_100, 8_000),
            phase(PhaseName::Revisit, 8_000, 13_000),
        ],
    }
}

fn visit(url: &str, state: State, snapshot: Snapshot) -> Visit {
    let answered = state != State::Before;
    Visit {
        state,
        repeat: 1,
        outcome: Outcome::Complete,
        final_url: url.to_owned(),
        status: Some(200),
        choice: Choice {
            made: answered,
            confirmed: answered,
            how: answered.then(|| "the cookie klaro says analytics: false".to_owned()),
            by: answered.then(|| "autoconsent:klaro".to_owned()),
            clicks: u32::from(answered),
            strength: answered.then_some(ProofStrength::Record),
            outcomes: Vec::new(),
            carried_from: None,
            clicked_ms: answered.then_some(2_500),
            confirmed_ms: answered.then_some(3_100),
        },
        phases: phases(state),
        timing: Timing {
            started: "2026-10-07T09:00:05Z".parse().unwrap(),
            load_ms: Some(1_100),
            settled: true,
            total_ms: 16_000,
        },
        banner: banner(Route::SecondLayer),
        screenshot_after_choice: answered.then(picture),
        screenshot: Some(picture()),
        diagnostics: Vec::new(),
        snapshot,
    }
}

fn page(url: &str, visits: Vec<Visit>) -> Page {
    Page {
        url: url.to_owned(),
        final_url: url.to_owned(),
        diagnostics: Vec::new(),
        banner: banner(Route::SecondLayer),
        visits,
        policy: None,
    }
}

fn shop_snapshot(url: &str, state: State) -> Snapshot {
    use PhaseName::{Chosen, Idle, Revisit};
    let mut snapshot = Snapshot {
        cookies: vec![
            cookie(url, "shop.test", "_ga", 640, Idle, Some(63_072_000)),
            cookie(url, "www.shop.test", "PHPSESSID", 90, Idle, None),
            cookie(
                url,
                "cdn.whoknows.test",
                "uid",
                1_200,
                Idle,
                Some(31_536_000),
            ),
        ],
        storage: vec![entry("https://www.shop.test", "theme_cache", 300, Idle)],
        fingerprinting: Vec::new(),
        requests: vec![
            request(url, url, "Document", 0, Idle),
            request(
                url,
                "https://www.googletagmanager.com/gtm.js?id=GTM-TEST",
                "Script",
                210,
                Idle,
            ),
            request(
                url,
                "https://connect.facebook.net/en_US/fbevents.js",
                "Script",
                260,
                Idle,
            ),
            request(
                url,
                "https://www.facebook.com/tr/?id=1&ev=PageView",
                "Image",
                910,
                Idle,
            ),
            request(
                url,
                "https://cdn.whoknows.test/pixel.gif?u=1",
                "Image",
                1_150,
                Idle,
            ),
        ],
        signals: vec![Signal {
            kind: "cmp-record".to_owned(),
            source: "klaro".to_owned(),
            grants: vec![Grant {
                name: "analytics".to_owned(),
                granted: false,
                necessary: false,
            }],
            explicit: true,
            at_ms: 3_100,
            phase: PhaseName::Choosing,
            value: Some(Value::new(SECRET)),
            command: None,
            facts: std::collections::BTreeMap::from([(
                "event-status".to_owned(),
                "useractioncomplete".to_owned(),
            )]),
        }],
        targets: Vec::new(),
        links: Vec::new(),
        retry_after: None,
        scripts: vec![Script {
            url: "https://www.googletagmanager.com/gtm.js?id=GTM-TEST".to_owned(),
            party: Party::Third,
            at_ms: 210,
            phase: Idle,
            initiator_chain: vec![step("parser", url, 14)],
        }],
        documents: Vec::new(),
        policy_link: None,
    };
    for number in 0..24 {
        let image = format!("https://www.shop.test/images/{number}.webp");
        snapshot
            .requests
            .push(request(url, &image, "Image", 120 + number * 37, Idle));
    }
    if state != State::Before {
        snapshot.cookies[0]
            .writes
            .push(write(9_450, Revisit, SECRET, Some(63_072_000)));
        snapshot.cookies.push(cookie(
            url,
            "www.shop.test",
            "klaro",
            3_100,
            PhaseName::Choosing,
            Some(10_368_000),
        ));
        let mut collect = request(
            url,
            "https://region1.google-analytics.com/g/collect?v=2",
            "Ping",
            9_400,
            Revisit,
        );
        "POST".clone_into(&mut collect.method);
        collect.post_body = Some(Value::new(SECRET));
        collect.body_parameters = vec![BodyParameter {
            name: "cid".to_owned(),
            value: Value::new(SECRET),
        }];
        collect.headers = vec![Header {
            name: "cookie".to_owned(),
            value: Value::new(SECRET),
        }];
        collect.messages = vec![Message {
            sent: true,
            at_ms: 9_460,
            phase: Revisit,
            opcode: Some(1),
            event: None,
            length: SECRET.len(),
            payload: Value::new(SECRET),
        }];
        collect.sent_cookies = vec!["_ga".to_owned()];
        collect.worker = Some(WorkerRef {
            kind: "worker".to_owned(),
            url: "https://www.shop.test/w.js".to_owned(),
        });
        collect.redirect_chain = vec![RedirectHop {
            url: "https://t.test/".to_owned(),
            status: 302,
            set_cookies: Vec::new(),
        }];
        snapshot.requests.push(collect);
    }
    if state == State::Accepted {
        snapshot.requests.push(request(
            url,
            "https://www.facebook.com/tr/?id=1&ev=ViewContent",
            "Image",
            4_200,
            Chosen,
        ));
        snapshot.cookies.push(cookie(
            url,
            "shop.test",
            "_fbp",
            3_500,
            Chosen,
            Some(7_776_000),
        ));
        snapshot.requests.push(request(
            url,
            "https://ads.doubleclick.test/view",
            "Image",
            4_100,
            Chosen,
        ));
    }
    snapshot
}

pub(super) fn shop_page(url: &str) -> Page {
    let visits = [State::Before, State::Rejected, State::Accepted];
    page(
        url,
        visits
            .into_iter()
            .map(|state| visit(url, state, shop_snapshot(url, state)))
            .collect(),
    )
}

pub(super) fn clean_page() -> Page {
    let states = [State::Before, State::Rejected, State::Accepted];
    let visits = states.into_iter().map(|state| {
        let snapshot = Snapshot {
            cookies: vec![cookie(
                CLEAN,
                "clean.test",
                "csrftoken",
                40,
                PhaseName::Idle,
                None,
            )],
            requests: vec![request(CLEAN, CLEAN, "Document", 0, PhaseName::Idle)],
            ..Snapshot::default()
        };
        visit(CLEAN, state, snapshot)
    });
    Page {
        banner: banner(Route::FirstLayer),
        ..page(CLEAN, visits.collect())
    }
}

pub(super) fn down_page() -> Page {
    let visits = [State::Before, State::Rejected, State::Accepted]
        .into_iter()
        .map(|state| Visit {
            outcome: Outcome::Unreachable,
            status: None,
            choice: Choice::default(),
            phases: Vec::new(),
            banner: Banner::default(),
            screenshot: None,
            diagnostics: vec![Diagnostic {
                code: DiagnosticCode::Unreachable,
                message: "the host down.test does not exist (net::ERR_NAME_NOT_RESOLVED)"
                    .to_owned(),
                state: Some(state),
            }],
            ..visit(DOWN, state, Snapshot::default())
        });
    Page {
        banner: Banner::default(),
        ..page(DOWN, visits.collect())
    }
}

pub(super) fn unsure_page() -> Page {
    let mut unsure = page(
        UNSURE,
        vec![
            visit(UNSURE, State::Before, Snapshot::default()),
            Visit {
                choice: Choice {
                    made: true,
                    clicks: 1,
                    clicked_ms: Some(2_500),
                    ..Choice::default()
                },
                ..visit(UNSURE, State::Rejected, Snapshot::default())
            },
        ],
    );
    unsure.diagnostics.push(Diagnostic {
        code: DiagnosticCode::ChoiceUnconfirmed,
        message: "the banner closed, but no record of the refusal was found".to_owned(),
        state: Some(State::Rejected),
    });
    unsure
}

pub(super) fn hostile_page() -> Page {
    let snapshot = Snapshot {
        cookies: vec![cookie(
            HOSTILE_PAGE,
            HOSTILE,
            &"N".repeat(10_000),
            5,
            PhaseName::Idle,
            Some(i64::MAX),
        )],
        storage: vec![entry(HOSTILE, HOSTILE, u64::MAX, PhaseName::Idle)],
        requests: vec![request(
            HOSTILE_PAGE,
            &format!("https://evil.test/{HOSTILE}"),
            HOSTILE,
            7,
            PhaseName::Idle,
        )],
        ..Snapshot::default()
    };
    let mut hostile = page(
        HOSTILE_PAGE,
        vec![visit(HOSTILE_PAGE, State::Before, snapshot)],
    );
    hostile.banner.cmp = Some(HOSTILE.to_owned());
    HOSTILE.clone_into(&mut hostile.banner.text);
    hostile.banner.buttons.push(Button {
        role: ButtonRole::Accept,
        text: HOSTILE.to_owned(),
        layer: 1,
        place: [0.0; 4],
        contrast: None,
        background: None,
        font_px: None,
    });
    hostile.banner.screenshot = Some(Screenshot {
        at_ms: u64::MAX,
        full_page: true,
        media_type: "image/png\" onload=\"alert(4)".to_owned(),
        sha256: "cd".repeat(32),
        data: Some("\"><script>alert(5)</script>".to_owned()),
    });
    hostile.diagnostics.push(Diagnostic {
        code: DiagnosticCode::DialogDismissed,
        message: HOSTILE.to_owned(),
        state: None,
    });
    hostile
}
