//! A report with something of everything: what fails, what passes, what could not be seen, and
//! strings nobody should trust.

use std::collections::BTreeMap;

use consentinel::model::finding::{
    Category, Certainty, Evidence, Finding, Proof, Seen, Severity, Subject, SubjectKind, Verdict,
};
use consentinel::model::party::{Party, host_of, party_of};
use consentinel::model::report::{
    Answer, BrowserInfo, CatalogInfo, Page, Report, Run, SCHEMA, ServiceSeen, Summary, Tool,
};
use consentinel::model::snapshot::{
    Cookie, FrameRef, Grant, InitiatorStep, RedirectHop, Request, Script, ScriptPlace, Sent,
    Setter, Signal, Snapshot, StorageEntry, StorageKind, WorkerRef, Write,
};
use consentinel::model::value::Value;
use consentinel::model::visit::{
    Banner, Button, ButtonRole, Choice, Diagnostic, DiagnosticCode, Outcome, Phase, PhaseName,
    Route, Routes, Screenshot, State, Timing, Visit,
};

/// Raw value of `_ga`: must never reach a redacted report.
pub(crate) const SECRET: &str = "GA1.1.1234567890.1700000000";

/// Everything a page could try to steer a terminal or a browser with.
pub(crate) const HOSTILE: &str = "</code><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{1b}[2J\u{1b}]0;owned\u{7}\r\n\u{202e}gpj.\u{2066}\u{9b}31m";

/// One pixel, in PNG.
pub(crate) const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

/// The shop everything goes wrong on.
pub(crate) const SHOP: &str = "https://www.shop.test/";

/// A page where nothing is wrong.
pub(crate) const CLEAN: &str = "https://clean.test/";

/// A page nobody answers at.
pub(crate) const DOWN: &str = "https://down.test/";

/// A report of `pages` without findings, visits as given.
pub(crate) fn report_of(pages: Vec<Page>) -> Report {
    Report {
        schema: SCHEMA.to_owned(),
        run: run(),
        pages,
        services: Vec::new(),
        findings: Vec::new(),
        summary: Summary {
            before_choice: Answer::No,
            reject_as_easy: Answer::Yes,
            without_consent: Answer::No,
            ..Summary::default()
        },
    }
}

/// One clean page, complete in every state.
pub(crate) fn clean() -> Report {
    report_of(vec![clean_page()])
}

/// Several pages: a shop that tracks, its blog, a clean page, one not reached, one whose choice nobody confirmed.
pub(crate) fn rich() -> Report {
    let mut findings = shop_findings(SHOP);
    findings.push(ga_cookie(BLOG));
    findings.extend(other_findings());
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut report = report_of(vec![
        shop_page(SHOP),
        shop_page(BLOG),
        clean_page(),
        down_page(),
        unsure_page(),
        hostile_page(),
    ]);
    report.services = services();
    report.summary = summary(&findings);
    report.findings = findings;
    report
}

/// The shop's page a hundred times, each with all its findings.
pub(crate) fn large() -> Report {
    let mut report = rich();
    let urls: Vec<String> = (0..100)
        .map(|number| format!("https://www.shop.test/page/{number}"))
        .collect();
    report.pages = urls.iter().map(|url| shop_page(url)).collect();
    for page in &mut report.pages {
        page.banner.screenshot = None;
        for visit in &mut page.visits {
            visit.banner.screenshot = None;
            visit.screenshot = None;
        }
    }
    report.findings = urls.iter().flat_map(|url| shop_findings(url)).collect();
    for (number, finding) in report.findings.iter_mut().enumerate() {
        // A different item each time, so that nothing can be joined.
        finding.subject.name = format!("{}-{number}", finding.subject.name);
    }
    report
}

const BLOG: &str = "https://www.shop.test/blog";
const UNSURE: &str = "https://unsure.test/";
const HOSTILE_PAGE: &str = "https://hostile.test/?q=<script>alert(3)</script>";

fn run() -> Run {
    Run {
        id: "20261007T090000-3f9a".to_owned(),
        started: "2026-10-07T09:00:00Z".parse().unwrap(),
        finished: "2026-10-07T09:02:41Z".parse().unwrap(),
        tool: Tool {
            version: "0.1.0".to_owned(),
            commit: Some("25c5f2e".to_owned()),
        },
        browser: Some(BrowserInfo {
            name: "chromium-headless-shell".to_owned(),
            version: "156.0.8078.79".to_owned(),
            engine: "headless-shell".to_owned(),
            user_agent:
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
                    .to_owned(),
            sandbox: true,
            third_party_cookies: true,
        }),
        catalog: CatalogInfo {
            version: "9a1b2c3d4e5f6071".to_owned(),
            services: 23,
        },
        consent_engine: "autoconsent 16.24.0".to_owned(),
        profile: "eu".to_owned(),
        clock: "real".to_owned(),
        options: BTreeMap::from([("dwell".to_owned(), "20s".to_owned())]),
        diagnostics: Vec::new(),
    }
}

fn services() -> Vec<ServiceSeen> {
    let service = |id: &str, name: &str, vendor: &str, country: &str, category| ServiceSeen {
        id: id.to_owned(),
        name: name.to_owned(),
        vendor: Some(vendor.to_owned()),
        country: Some(country.to_owned()),
        category,
        transfers: vec!["US".to_owned()],
        pages: vec![SHOP.to_owned(), BLOG.to_owned()],
        steps: Vec::new(),
        notice: None,
    };
    vec![
        ServiceSeen {
            steps: vec![
                "Load gtag.js only after the visitor has agreed to analytics.".to_owned(),
                "Set consent mode to denied before the tag, and update it from the banner's callback.".to_owned(),
            ],
            notice: Some("Counts visits and shows which pages are read.".to_owned()),
            ..service("google-analytics", "Google Analytics 4", "Google Ireland Limited", "IE", Category::Analytics)
        },
        service("meta-pixel", "Meta Pixel", "Meta Platforms Ireland Limited", "IE", Category::Marketing),
        ServiceSeen {
            transfers: Vec::new(),
            ..service("klaro", "Klaro", "KIProtect GmbH", "DE", Category::Necessary)
        },
    ]
}

fn summary(findings: &[Finding]) -> Summary {
    let mut summary = Summary {
        before_choice: Answer::Yes,
        reject_as_easy: Answer::No,
        without_consent: Answer::NotEstablished,
        incomplete_pages: 1,
        ..Summary::default()
    };
    for finding in findings {
        *summary.by_severity.entry(finding.severity).or_default() += 1;
        *summary.by_rule.entry(finding.rule.clone()).or_default() += 1;
        *summary
            .by_service
            .entry(
                finding
                    .service
                    .clone()
                    .unwrap_or_else(|| "unknown".to_owned()),
            )
            .or_default() += 1;
    }
    summary
}

fn step(kind: &str, url: &str, line: u32) -> InitiatorStep {
    InitiatorStep {
        kind: kind.to_owned(),
        url: url.to_owned(),
        line,
        column: u32::from(line > 0),
    }
}

fn ga_chain(page: &str) -> Vec<InitiatorStep> {
    vec![
        step(
            "script",
            "https://www.googletagmanager.com/gtag/js?id=G-TEST",
            212,
        ),
        step(
            "script",
            "https://www.googletagmanager.com/gtm.js?id=GTM-TEST",
            88,
        ),
        step("parser", page, 14),
    ]
}

fn finding(page: &str, rule: &str, title: &str, severity: Severity, subject: Subject) -> Finding {
    Finding {
        id: format!(
            "{rule}-{}",
            subject.name.chars().take(12).collect::<String>()
        ),
        rule: rule.to_owned(),
        name: "named-in-rules".to_owned(),
        title: title.to_owned(),
        sub_type: None,
        severity,
        verdict: Verdict::Violation,
        proof: Proof::P2,
        certainty: Certainty::L1,
        state: State::Before,
        phase: PhaseName::Idle,
        page: page.to_owned(),
        subject,
        service: None,
        category: Category::Unclassified,
        evidence: Evidence::default(),
        legal: vec!["ePrivacy Directive 2002/58/EC, Article 5(3)".to_owned()],
        remedy: String::new(),
        seen: Seen { k: 1, of: 1 },
    }
}

fn subject(kind: SubjectKind, host: &str, name: &str, party: Party) -> Subject {
    Subject {
        kind,
        host: host.to_owned(),
        name: name.to_owned(),
        party,
    }
}

fn ga_cookie(page: &str) -> Finding {
    Finding {
        service: Some("google-analytics".to_owned()),
        category: Category::Analytics,
        evidence: Evidence {
            at_ms: Some(640),
            initiator_chain: ga_chain(page),
            set_by: Some(script_setter(
                "https://www.googletagmanager.com/gtag/js?id=G-TEST",
            )),
            value_fingerprint: Some(Value::new(SECRET).fingerprint),
            lifetime: Some("730 days".to_owned()),
            notes: vec!["The value has the form of a Google client id.".to_owned()],
        },
        remedy: "Hold Google Analytics back until the visitor has agreed.".to_owned(),
        ..finding(
            page,
            "R02",
            "An analytics cookie was stored before any choice.",
            Severity::High,
            subject(SubjectKind::Cookie, "shop.test", "_ga", Party::First),
        )
    }
}

fn shop_findings(page: &str) -> Vec<Finding> {
    vec![
        ga_cookie(page),
        Finding {
            sub_type: Some("uid".to_owned()),
            service: Some("meta-pixel".to_owned()),
            category: Category::Marketing,
            evidence: Evidence {
                at_ms: Some(910),
                initiator_chain: vec![
                    step(
                        "script",
                        "https://connect.facebook.net/en_US/fbevents.js",
                        3,
                    ),
                    step("parser", page, 22),
                ],
                notes: vec!["The request carries the cookie _fbp.".to_owned()],
                ..Evidence::default()
            },
            legal: vec![
                "ePrivacy Directive 2002/58/EC, Article 5(3)".to_owned(),
                "GDPR Article 6(1)(a)".to_owned(),
            ],
            remedy: "Load the pixel only after the visitor has agreed to marketing.".to_owned(),
            ..finding(
                page,
                "R06",
                "A tracking request carried an identifier before any choice.",
                Severity::Critical,
                subject(
                    SubjectKind::Request,
                    "www.facebook.com",
                    "/tr/",
                    Party::Third,
                ),
            )
        },
        Finding {
            state: State::Rejected,
            phase: PhaseName::Revisit,
            service: Some("google-analytics".to_owned()),
            category: Category::Analytics,
            evidence: Evidence {
                at_ms: Some(9_400),
                initiator_chain: ga_chain(page),
                ..Evidence::default()
            },
            remedy: "Respect the refusal on the next page as well.".to_owned(),
            ..finding(
                page,
                "R11",
                "A tracking request was sent after the visitor had said no.",
                Severity::Critical,
                subject(
                    SubjectKind::Request,
                    "region1.google-analytics.com",
                    "/g/collect",
                    Party::Third,
                ),
            )
        },
        Finding {
            verdict: Verdict::Likely,
            proof: Proof::P3,
            category: Category::Unclassified,
            evidence: Evidence {
                at_ms: Some(1_200),
                set_by: Some(Setter::Response {
                    url: "https://cdn.whoknows.test/pixel.gif?u=1".to_owned(),
                }),
                lifetime: Some("365 days".to_owned()),
                ..Evidence::default()
            },
            remedy: "Find out what this service is for; block it until the visitor has agreed."
                .to_owned(),
            ..finding(
                page,
                "R03",
                "A cookie with a unique identifier was stored before any choice.",
                Severity::Medium,
                subject(
                    SubjectKind::Cookie,
                    "cdn.whoknows.test",
                    "uid",
                    Party::Third,
                ),
            )
        },
    ]
}

fn other_findings() -> Vec<Finding> {
    vec![
        Finding {
            proof: Proof::P4,
            certainty: Certainty::L2,
            service: Some("klaro".to_owned()),
            evidence: Evidence {
                notes: vec!["Buttons: Accept all, Settings.".to_owned()],
                ..Evidence::default()
            },
            remedy: "Put a button that refuses beside the one that accepts, of the same size."
                .to_owned(),
            ..finding(
                SHOP,
                "R18",
                "The banner offers yes on its first layer, but no way to say no.",
                Severity::High,
                subject(SubjectKind::Banner, "www.shop.test", "Klaro", Party::First),
            )
        },
        Finding {
            verdict: Verdict::Review,
            certainty: Certainty::L2,
            remedy: "Say what the entry is for, or remove it.".to_owned(),
            ..finding(
                SHOP,
                "R05",
                "Something of unknown purpose was stored before any choice.",
                Severity::Low,
                subject(
                    SubjectKind::LocalStorage,
                    "www.shop.test",
                    "theme_cache",
                    Party::First,
                ),
            )
        },
        Finding {
            sub_type: Some("denied-ping".to_owned()),
            state: State::Rejected,
            phase: PhaseName::Chosen,
            certainty: Certainty::L3,
            service: Some("google-analytics".to_owned()),
            ..finding(
                SHOP,
                "R07",
                "A cookieless ping was sent.",
                Severity::Info,
                subject(
                    SubjectKind::Request,
                    "www.google-analytics.com",
                    "/g/collect",
                    Party::Third,
                ),
            )
        },
        Finding {
            verdict: Verdict::Inconclusive,
            state: State::Rejected,
            phase: PhaseName::Chosen,
            ..finding(
                UNSURE,
                "R10",
                "Whether anything is stored after a refusal could not be established.",
                Severity::High,
                subject(SubjectKind::Banner, "unsure.test", "banner", Party::First),
            )
        },
        Finding {
            evidence: Evidence {
                at_ms: Some(55),
                initiator_chain: vec![step("script", &format!("https://evil.test/{HOSTILE}"), 1)],
                set_by: Some(script_setter(&format!("javascript:{HOSTILE}"))),
                value_fingerprint: Some("0123456789abcdef".to_owned()),
                lifetime: Some(HOSTILE.to_owned()),
                notes: vec![HOSTILE.to_owned()],
            },
            remedy: HOSTILE.to_owned(),
            title: HOSTILE.to_owned(),
            ..finding(
                HOSTILE_PAGE,
                "R04",
                "",
                Severity::Medium,
                subject(
                    SubjectKind::SessionStorage,
                    HOSTILE,
                    &format!("{HOSTILE}{}", "A".repeat(10_000)),
                    Party::Third,
                ),
            )
        },
    ]
}

fn script_setter(url: &str) -> Setter {
    Setter::Script {
        stack: vec![ScriptPlace {
            url: url.to_owned(),
            line: 212,
            column: 17,
            function: "setCookie".to_owned(),
        }],
    }
}

fn write(at_ms: u64, phase: PhaseName, text: &str, lifetime_s: Option<i64>) -> Write {
    Write {
        at_ms,
        phase,
        value: Value::new(text),
        lifetime_s,
        deleted: false,
        set_by: None,
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
        writes: vec![write(at_ms, phase, text, lifetime_s)],
        sent: vec![Sent {
            at_ms: at_ms + 20,
            phase,
            host: domain.to_owned(),
            count: 2,
        }],
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
        status: Some(200),
        mime_type: None,
        from_cache: false,
        from_service_worker: false,
        failed: None,
        post_body: None,
        sent_cookies: Vec::new(),
    }
}

fn picture() -> Screenshot {
    Screenshot {
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
    };
    Banner {
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
        outcome: Outcome::Complete,
        final_url: url.to_owned(),
        status: Some(200),
        choice: Choice {
            made: answered,
            confirmed: answered,
            how: answered.then(|| "the cookie klaro says analytics: false".to_owned()),
            by: answered.then(|| "autoconsent:klaro".to_owned()),
            clicks: u32::from(answered),
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
        }],
        scripts: vec![Script {
            url: "https://www.googletagmanager.com/gtm.js?id=GTM-TEST".to_owned(),
            party: Party::Third,
            at_ms: 210,
            phase: Idle,
            initiator_chain: vec![step("parser", url, 14)],
        }],
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
        collect.method = "POST".to_owned();
        collect.post_body = Some(Value::new(SECRET));
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

fn shop_page(url: &str) -> Page {
    let visits = [State::Before, State::Rejected, State::Accepted];
    page(
        url,
        visits
            .into_iter()
            .map(|state| visit(url, state, shop_snapshot(url, state)))
            .collect(),
    )
}

fn clean_page() -> Page {
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

fn down_page() -> Page {
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

fn unsure_page() -> Page {
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

fn hostile_page() -> Page {
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
    hostile.banner.text = HOSTILE.to_owned();
    hostile.banner.buttons.push(Button {
        role: ButtonRole::Accept,
        text: HOSTILE.to_owned(),
        layer: 1,
        place: [0.0; 4],
    });
    hostile.banner.screenshot = Some(Screenshot {
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
