//! The sample's findings: every severity and every verdict.

use consentinel::model::finding::{
    Category, Certainty, Evidence, Finding, Proof, Seen, Severity, Subject, SubjectKind, Verdict,
};
use consentinel::model::party::Party;
use consentinel::model::snapshot::{InitiatorStep, ScriptPlace, Setter};
use consentinel::model::value::Value;
use consentinel::model::visit::{PhaseName, State};

use super::{HOSTILE, HOSTILE_PAGE, SECRET, SHOP, UNSURE};

pub(super) fn step(kind: &str, url: &str, line: u32) -> InitiatorStep {
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
        accepted: None,
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

pub(super) fn ga_cookie(page: &str) -> Finding {
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

pub(super) fn shop_findings(page: &str) -> Vec<Finding> {
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

pub(super) fn other_findings() -> Vec<Finding> {
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

pub(super) fn script_setter(url: &str) -> Setter {
    Setter::Script {
        stack: vec![ScriptPlace {
            url: url.to_owned(),
            line: 212,
            column: 17,
            function: "setCookie".to_owned(),
        }],
    }
}
