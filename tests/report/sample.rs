//! A report with something of everything: what fails, what passes, what could not be seen, and
//! strings nobody should trust.

// Named by their paths, for other tests and benches read this file from elsewhere.
#[path = "sample/findings.rs"]
mod findings;
#[path = "sample/visits.rs"]
mod visits;

use std::collections::BTreeMap;

use consentinel::model::finding::{Category, Finding};
use consentinel::model::report::{
    Answer, BrowserInfo, CatalogInfo, Page, Report, Run, SCHEMA, ServiceSeen, Summary, Tool,
};

use findings::{ga_cookie, other_findings, shop_findings};
use visits::{clean_page, down_page, hostile_page, shop_page, unsure_page};

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
        rules: Vec::new(),
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
            global_privacy_control: false,
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
        hosts: Vec::new(),
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
