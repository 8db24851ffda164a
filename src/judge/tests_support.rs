//! Small builders for pages, and a catalog of a few services to judge them with.

#![allow(
    clippy::expect_used,
    reason = "a broken test fixture should stop the test"
)]

use jiff::Timestamp;
use url::Url;

use crate::catalog::{ItemMatch, ItemQuery, Knowing, Override, RequestMatch, Treatment};
use crate::model::finding::{Category, Finding, Severity, Verdict};
use crate::model::party::{Party, host_of, party_of};
use crate::model::report::Page;
use crate::model::snapshot::{
    AnsweredBy, Cookie, Effect, FrameRef, InitiatorStep, Request, ScriptPlace, Sent, Setter,
    Snapshot, StorageEntry, StorageKind, Write,
};
use crate::model::value::Value;
use crate::model::visit::{
    Banner, Button, ButtonRole, Choice, Outcome, Phase, PhaseName, Route, Routes, State, Timing,
    Visit,
};

use super::knowledge::{Knowledge, ServiceFacts};
use super::profile::Profile;
use super::{Judgement, judge_with};

/// Host of every page made here.
pub(crate) const SITE: &str = "shop.test";
/// The first click of every refusal made here.
pub(crate) const CLICKED_MS: u64 = 10_000;
/// The proof of every refusal made here.
pub(crate) const CONFIRMED_MS: u64 = 11_000;
/// A script of the site itself.
pub(crate) const OWN_SCRIPT: &str = "https://shop.test/app.js";
/// A script of a third party no list knows.
pub(crate) const FOREIGN_SCRIPT: &str = "https://cdn.tracker.test/t.js";

/// Identifiers that fresh profiles were given.
pub(crate) const IDS: [&str; 3] = ["4b8f7e21c9d06a35", "91c3d7a2e8b4f605", "e7a1b9c4d2f80356"];

/// A time in the middle of each phase.
pub(crate) fn at(phase: PhaseName) -> u64 {
    match phase {
        PhaseName::Idle => 1_000,
        PhaseName::Active => 6_000,
        PhaseName::Choosing => 10_500,
        PhaseName::Chosen => 15_000,
        PhaseName::Revisit => 21_000,
        PhaseName::Emptied => 35_000,
    }
}

/// A complete visit that met no banner and recorded nothing.
pub(crate) fn visit(state: State) -> Visit {
    let phase = |name, start_ms, end_ms| Phase {
        name,
        start_ms,
        end_ms,
    };
    let mut phases = vec![
        phase(PhaseName::Idle, 0, 5_000),
        phase(PhaseName::Active, 5_000, CLICKED_MS),
    ];
    let mut choice = Choice::default();
    if state != State::Before {
        phases.push(phase(PhaseName::Choosing, CLICKED_MS, CONFIRMED_MS));
        phases.push(phase(PhaseName::Chosen, CONFIRMED_MS, 20_000));
        phases.push(phase(PhaseName::Revisit, 20_000, 30_000));
        choice = Choice {
            made: true,
            confirmed: true,
            clicks: 1,
            clicked_ms: Some(CLICKED_MS),
            confirmed_ms: Some(CONFIRMED_MS),
            ..Choice::default()
        };
    }
    Visit {
        state,
        repeat: 1,
        outcome: Outcome::Complete,
        final_url: format!("https://{SITE}/"),
        status: Some(200),
        choice,
        phases,
        timing: Timing {
            // 22 November 2026, 12:00.
            started: Timestamp::from_second(1_795_348_800).expect("a valid second"),
            load_ms: Some(500),
            settled: true,
            total_ms: 30_000,
        },
        banner: Banner::default(),
        screenshot_after_choice: None,
        screenshot: None,
        diagnostics: Vec::new(),
        snapshot: Snapshot::default(),
    }
}

/// A page of those visits.
pub(crate) fn page(visits: Vec<Visit>) -> Page {
    Page {
        url: format!("https://{SITE}/"),
        final_url: format!("https://{SITE}/"),
        diagnostics: Vec::new(),
        banner: visits
            .iter()
            .map(|visit| visit.banner.clone())
            .find(|banner| banner.found)
            .unwrap_or_default(),
        visits,
        policy: None,
    }
}

/// A page visited without an answer and with a refusal; `fill` is told the number of the visit.
pub(crate) fn two_visits(mut fill: impl FnMut(usize, &mut Visit)) -> Page {
    let mut visits = vec![visit(State::Before), visit(State::Rejected)];
    for (number, visit) in visits.iter_mut().enumerate() {
        fill(number, visit);
    }
    page(visits)
}

/// A page whose refused visit `fill` completes.
pub(crate) fn refused(fill: impl FnOnce(&mut Visit)) -> Page {
    let mut refused = visit(State::Rejected);
    fill(&mut refused);
    page(vec![visit(State::Before), refused])
}

/// A cookie written in the idle phase for a year, by a script of the site.
pub(crate) fn cookie(name: &str, domain: &str, value: &str) -> Cookie {
    Cookie {
        name: name.to_owned(),
        domain: domain.to_owned(),
        host_only: false,
        path: "/".to_owned(),
        partition_key: None,
        secure: true,
        http_only: false,
        same_site: None,
        party: party_of(domain, SITE),
        value: Value::new(value),
        lifetime_s: None,
        stored_lifetime_s: None,
        set_by: None,
        blocked: Vec::new(),
        at_ms: 0,
        phase: PhaseName::Idle,
        writes: Vec::new(),
        sent: Vec::new(),
        withheld: Vec::new(),
        exemptions: Vec::new(),
        alive: true,
    }
    .written(PhaseName::Idle, value)
    .by_script(OWN_SCRIPT)
    .for_days(365)
}

pub(crate) trait CookieBuilder: Sized {
    fn written(self, phase: PhaseName, value: &str) -> Self;
    fn written_at(self, phase: PhaseName, at_ms: u64, value: &str) -> Self;
    fn only(self, phase: PhaseName) -> Self;
    fn deleted_after(self, milliseconds: u64) -> Self;
    fn by_script(self, url: &str) -> Self;
    fn by_stack(self, urls: &[&str]) -> Self;
    fn by_response(self, url: &str) -> Self;
    fn for_days(self, days: i64) -> Self;
    fn for_the_session(self) -> Self;
    fn sent_to(self, host: &str, phase: PhaseName) -> Self;
    fn refused(self) -> Self;
    fn gone(self) -> Self;
}

impl CookieBuilder for Cookie {
    fn written(self, phase: PhaseName, value: &str) -> Self {
        self.written_at(phase, at(phase), value)
    }

    fn written_at(mut self, phase: PhaseName, at_ms: u64, value: &str) -> Self {
        self.writes.push(Write {
            at_ms,
            phase,
            value: Value::new(value),
            lifetime_s: self.lifetime_s,
            deleted: false,
            effect: Effect::default(),
            refused: Vec::new(),
            set_by: self.set_by.clone(),
            line: None,
        });
        self.value = Value::new(value);
        self
    }

    fn only(mut self, phase: PhaseName) -> Self {
        let value = self.value.text().to_owned();
        self.writes.clear();
        self.phase = phase;
        self.at_ms = at(phase);
        self.written(phase, &value)
    }

    fn deleted_after(mut self, milliseconds: u64) -> Self {
        let mut write = self
            .writes
            .last()
            .expect("written before it is deleted")
            .clone();
        write.at_ms += milliseconds;
        write.deleted = true;
        self.writes.push(write);
        self.alive = false;
        self
    }

    fn by_script(self, url: &str) -> Self {
        self.by_stack(&[url])
    }

    fn by_stack(mut self, urls: &[&str]) -> Self {
        self.set_by = Some(script(urls));
        for write in &mut self.writes {
            write.set_by.clone_from(&self.set_by);
        }
        self
    }

    fn by_response(mut self, url: &str) -> Self {
        self.set_by = Some(Setter::Response {
            url: url.to_owned(),
        });
        for write in &mut self.writes {
            write.set_by.clone_from(&self.set_by);
        }
        self
    }

    fn for_days(mut self, days: i64) -> Self {
        self.lifetime_s = Some(days * 86_400);
        self.stored_lifetime_s = Some(days.min(400) * 86_400);
        for write in &mut self.writes {
            write.lifetime_s = self.lifetime_s;
        }
        self
    }

    fn for_the_session(mut self) -> Self {
        self.lifetime_s = None;
        self.stored_lifetime_s = None;
        for write in &mut self.writes {
            write.lifetime_s = None;
        }
        self
    }

    fn sent_to(mut self, host: &str, phase: PhaseName) -> Self {
        self.sent.push(Sent {
            at_ms: at(phase),
            phase,
            host: host.to_owned(),
            count: 1,
        });
        self
    }

    fn refused(mut self) -> Self {
        self.blocked = vec!["ThirdPartyPhaseout".to_owned()];
        self.stored_lifetime_s = None;
        self.alive = false;
        self
    }

    fn gone(mut self) -> Self {
        self.alive = false;
        self
    }
}

pub(crate) fn script(urls: &[&str]) -> Setter {
    let place = |url: &&str| ScriptPlace {
        url: (*url).to_owned(),
        line: 3,
        column: 7,
        function: String::new(),
    };
    Setter::Script {
        stack: urls.iter().map(place).collect(),
    }
}

/// An entry of the site's local storage, written in the idle phase by a script.
pub(crate) fn local(key: &str, value: &str, script_url: &str) -> StorageEntry {
    let set_by = Some(script(&[script_url]));
    let phase = PhaseName::Idle;
    StorageEntry {
        kind: StorageKind::LocalStorage,
        origin: format!("https://{SITE}"),
        partition: None,
        key: key.to_owned(),
        party: Party::First,
        value: Value::new(value),
        set_by: set_by.clone(),
        at_ms: at(phase),
        phase,
        writes: vec![Write {
            at_ms: at(phase),
            phase,
            value: Value::new(value),
            lifetime_s: None,
            deleted: false,
            effect: Effect::default(),
            refused: Vec::new(),
            set_by,
            line: None,
        }],
        alive: true,
    }
}

/// The same in session storage.
pub(crate) fn session(key: &str, value: &str, script_url: &str) -> StorageEntry {
    StorageEntry {
        kind: StorageKind::SessionStorage,
        ..local(key, value, script_url)
    }
}

/// A request in the idle phase that was answered.
pub(crate) fn request(url: &str, resource_type: &str) -> Request {
    Request {
        id: format!("{resource_type}:{url}"),
        url: url.to_owned(),
        method: "GET".to_owned(),
        resource_type: resource_type.to_owned(),
        party: party_of(&host_of(url), SITE),
        frame: Some(FrameRef {
            url: format!("https://{SITE}/"),
            top: true,
        }),
        worker: None,
        at_ms: at(PhaseName::Idle),
        phase: PhaseName::Idle,
        initiator_chain: vec![InitiatorStep {
            kind: "parser".to_owned(),
            url: format!("https://{SITE}/"),
            line: 12,
            column: 4,
        }],
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

pub(crate) trait RequestBuilder: Sized {
    fn during(self, phase: PhaseName) -> Self;
    fn during_at(self, phase: PhaseName, at_ms: u64) -> Self;
    fn failing(self, reason: &str) -> Self;
    fn with_cookie(self, name: &str) -> Self;
    fn with_body(self, body: &str) -> Self;
}

impl RequestBuilder for Request {
    fn during(self, phase: PhaseName) -> Self {
        self.during_at(phase, at(phase))
    }

    fn during_at(mut self, phase: PhaseName, at_ms: u64) -> Self {
        self.phase = phase;
        self.at_ms = at_ms;
        self
    }

    fn failing(mut self, reason: &str) -> Self {
        self.status = None;
        self.failed = Some(reason.to_owned());
        self
    }

    fn with_cookie(mut self, name: &str) -> Self {
        self.sent_cookies.push(name.to_owned());
        self
    }

    fn with_body(mut self, body: &str) -> Self {
        "POST".clone_into(&mut self.method);
        self.post_body = Some(Value::new(body));
        self
    }
}

/// A banner whose first layer has buttons of those roles and texts.
pub(crate) fn banner(accept: Route, reject: Route, buttons: &[(ButtonRole, &str)]) -> Banner {
    Banner {
        found: true,
        routes: Routes { accept, reject },
        buttons: buttons
            .iter()
            .map(|(role, text)| Button {
                role: *role,
                text: (*text).to_owned(),
                layer: 1,
                place: [0.0; 4],
                contrast: None,
                background: None,
                font_px: None,
            })
            .collect(),
        seen_ms: Some(800),
        ..Banner::default()
    }
}

/// A catalog of a few services.
pub(crate) struct Known;

fn item(service: &str, category: Category, pattern: &str) -> ItemMatch {
    ItemMatch {
        service: service.to_owned(),
        category,
        role: Some("identifier".to_owned()),
        exempt: None,
        purpose: Some("Tells visitors apart.".to_owned()),
        duration: None,
        pattern: pattern.to_owned(),
        bound: true,
        ambiguous: Vec::new(),
        knowing: Knowing::Curated,
    }
}

fn served(service: &str, category: Category, role: &str, sector: &str) -> RequestMatch {
    RequestMatch {
        service: service.to_owned(),
        category,
        role: Some(role.to_owned()),
        sector: sector.to_owned(),
        cmp: sector == "cmp",
        knowing: Knowing::Curated,
    }
}

impl Knowledge for Known {
    fn match_item(&self, query: &ItemQuery<'_>) -> Option<ItemMatch> {
        let analytics = |pattern: &str| item("google-analytics", Category::Analytics, pattern);
        Some(match query.name {
            "_ga" => analytics("_ga"),
            name if name.starts_with("_ga_") => analytics("_ga_<container>"),
            "_fbp" | "fr" => item("meta-pixel", Category::Marketing, query.name),
            "chat_seen" => ItemMatch {
                role: Some("ui-state".to_owned()),
                ..item("chat", Category::Preferences, "chat_seen")
            },
            "by_name" => ItemMatch {
                bound: false,
                ..item("meta-pixel", Category::Marketing, "by_name")
            },
            "shared_name" => ItemMatch {
                bound: false,
                ambiguous: vec!["meta-pixel".to_owned()],
                ..item("google-analytics", Category::Analytics, "shared_name")
            },
            "trial" => ItemMatch {
                role: Some("test".to_owned()),
                ..item("meta-pixel", Category::Marketing, "trial")
            },
            "unsure" => item("chat", Category::Unclassified, "unsure"),
            "_pk_id" => item("matomo", Category::Analytics, "_pk_id"),
            "OptanonConsent" => ItemMatch {
                role: Some("consent-record".to_owned()),
                exempt: Some("consent-record".to_owned()),
                ..item("onetrust", Category::Necessary, "OptanonConsent")
            },
            _ => return None,
        })
    }

    fn match_request(&self, url: &Url, _site: &str) -> Option<RequestMatch> {
        Some(match (url.host_str()?, url.path()) {
            ("www.google-analytics.com", _) => served(
                "google-analytics",
                Category::Analytics,
                "collector",
                "analytics",
            ),
            ("www.googletagmanager.com", "/gtm.js") => {
                served("gtm", Category::Unclassified, "loader", "tag-manager")
            }
            ("www.googletagmanager.com", _) => served(
                "google-analytics",
                Category::Analytics,
                "loader",
                "analytics",
            ),
            ("connect.facebook.net", _) => {
                served("meta-pixel", Category::Marketing, "loader", "advertising")
            }
            ("www.facebook.com", "/tr") => {
                served("meta-pixel", Category::Marketing, "beacon", "advertising")
            }
            ("replay.test", _) => served("recorder", Category::Analytics, "replay", "analytics"),
            ("ads.test", _) => RequestMatch {
                role: None,
                ..served("ads", Category::Marketing, "", "advertising")
            },
            ("stats.shop.test", _) => served(
                "own-statistics",
                Category::Analytics,
                "collector",
                "analytics",
            ),
            ("cdn.test", _) => served("cdn", Category::Marketing, "asset", "cdn"),
            ("errors.test", _) => served(
                "errors",
                Category::Analytics,
                "collector",
                "error-monitoring",
            ),
            ("consent.test", _) => served("onetrust", Category::Marketing, "api", "cmp"),
            ("forms.test", _) => served("forms", Category::Marketing, "app", "forms"),
            ("video.test", _) => served("video", Category::Marketing, "embed", "video"),
            ("records.test", _) => served("chat", Category::Marketing, "consent-record", "chat"),
            ("chat.test", _) => served("chat", Category::Preferences, "api", "chat"),
            _ => return None,
        })
    }

    fn override_for(&self, query: &ItemQuery<'_>) -> Option<Override> {
        let lasting = |group: &str, treatment, reason: &str, longest_s| {
            Some(Override {
                group: group.to_owned(),
                treatment,
                reason: reason.to_owned(),
                bound: false,
                longest_s,
            })
        };
        let row = |group: &str, treatment, reason: &str| lasting(group, treatment, reason, None);
        match query.name {
            "PHPSESSID" => lasting(
                "session-csrf",
                Treatment::Exempt,
                "It holds the visit together.",
                Some(86_400),
            ),
            "SERVERID" => lasting(
                "load-balancing",
                Treatment::Exempt,
                "It keeps the visitor on one machine.",
                Some(7 * 86_400),
            ),
            "__cf_bm" => row(
                "bot-protection",
                Treatment::Security,
                "It keeps robots away.",
            ),
            "test_cookie" => row("probes", Treatment::Probe, "It tests whether cookies work."),
            "cart" => row(
                "shop",
                Treatment::Unknown,
                "It is needed only once something is in the basket.",
            ),
            "_hjid" => row("analytics", Treatment::Consent, "It measures visits."),
            "_GRECAPTCHA" => row("captcha", Treatment::Consent, "Regulators ask for consent."),
            _ => None,
        }
    }

    fn service(&self, id: &str) -> Option<ServiceFacts> {
        let (name, category) = match id {
            "google-analytics" => ("Google Analytics", Category::Analytics),
            "meta-pixel" => ("Meta Pixel", Category::Marketing),
            "chat" => ("Chat", Category::Preferences),
            _ => return None,
        };
        Some(ServiceFacts {
            name: name.to_owned(),
            category,
            ..ServiceFacts::default()
        })
    }

    fn conditional_exemption(&self, found: &ItemMatch, profile: Profile) -> Option<String> {
        (found.service == "matomo" && profile == Profile::Fr)
            .then(|| "no-cross-site, opt-out".to_owned())
    }
}

/// Judges pages with the small catalog.
pub(crate) fn judged(pages: &[Page], profile: Profile) -> Judgement {
    judge_with(pages, &Known, profile)
}

/// The findings of one rule on one page.
pub(crate) fn findings(page: &Page, profile: Profile, rule: &str) -> Vec<Finding> {
    let mut findings = judged(std::slice::from_ref(page), profile).findings;
    findings.retain(|finding| finding.rule == rule);
    findings
}

/// What a case expects of its only finding.
pub(crate) type Expected = Option<(Severity, Verdict, Option<&'static str>)>;

/// Checks that a rule finds exactly what is expected on a page: nothing, or one finding.
pub(crate) fn check(case: &str, page: &Page, rule: &str, expected: Expected) {
    check_in(case, page, Profile::Eu, rule, expected);
}

/// As [`check`], in another jurisdiction.
pub(crate) fn check_in(case: &str, page: &Page, profile: Profile, rule: &str, expected: Expected) {
    let found = findings(page, profile, rule);
    let seen: Vec<_> = found
        .iter()
        .map(|finding| {
            (
                finding.severity,
                finding.verdict,
                finding.sub_type.as_deref(),
            )
        })
        .collect();
    assert_eq!(seen, Vec::from_iter(expected), "{case}: {found:#?}");
}
