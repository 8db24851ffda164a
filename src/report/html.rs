//! One self-contained file, for the screen, for paper and for the record.
//!
//! Nothing in it is fetched: style, script and pictures are inside, and its content security
//! policy forbids the rest. The template escapes; the views it shows hold strings that went
//! through [`printable`](super::printable()) already.

mod findings;
mod matrix;
mod page;
mod timeline;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::RenderError;
use super::outline::{self, Outline, PageStanding, Standing};
use super::printable::{counted, number, shown};
use super::wording;
use crate::model::finding::{Severity, Verdict};
use crate::model::party::host_of;
use crate::model::report::{Report, Run, ServiceSeen};
use crate::model::visit::State;
use findings::{FindingIndex, FindingsView};
use page::PageView;

const STYLE: &str = include_str!("html/templates/style.css");
const SCRIPT: &str = include_str!("html/templates/filters.js");

/// Longest name, key or title shown, in characters.
const LONGEST_NAME: usize = 120;

/// Longest URL shown, in characters.
const LONGEST_URL: usize = 200;

/// Longest prose shown, in characters.
const LONGEST_PROSE: usize = 800;

/// Services, diagnostics and overview lines shown.
const LONGEST_LIST: usize = 200;

/// The page.
pub fn html(report: &Report) -> Result<String, RenderError> {
    let outline = Outline::of(report);
    let index = FindingIndex::of(&outline);
    let mut budget = page::Budget::of(report);
    let (pages, more_pages) = capped(&report.pages, page::MOST_PAGES, |(number, page)| {
        PageView::of(number, page, &outline, &index, &mut budget)
    });
    let view = ReportView {
        policy: policy(),
        style: STYLE,
        script: SCRIPT,
        title: title(report),
        tone: tone(outline.standing),
        headline: outline.headline(),
        caveats: outline.caveats(),
        questions: outline.questions.iter().map(QuestionView::of).collect(),
        severities: severities(report),
        overview: outline
            .pages
            .iter()
            .enumerate()
            .take(LONGEST_LIST)
            .map(OverviewLine::of)
            .collect(),
        more_overview: outline.pages.len().saturating_sub(LONGEST_LIST),
        states: outline.states.iter().copied().map(StateView::of).collect(),
        findings: FindingsView::of(report, &outline),
        pages,
        more_pages,
        services: report
            .services
            .iter()
            .take(LONGEST_LIST)
            .map(ServiceView::of)
            .collect(),
        more_services: report.services.len().saturating_sub(LONGEST_LIST),
        diagnostics: diagnostics(report),
        limits: limits(report, &outline),
        versions: versions(&report.run),
        finished: report
            .run
            .finished
            .strftime("%-d %B %Y, %H:%M UTC")
            .to_string(),
        profile: shown(&report.run.profile, 20),
    };
    Ok(view.render()?)
}

#[derive(Template)]
#[template(path = "report.html", config = "src/report/html/askama.toml")]
struct ReportView {
    policy: String,
    style: &'static str,
    script: &'static str,
    title: String,
    tone: &'static str,
    headline: String,
    caveats: Vec<String>,
    questions: Vec<QuestionView>,
    severities: Vec<(&'static str, String)>,
    overview: Vec<OverviewLine>,
    more_overview: usize,
    states: Vec<StateView>,
    findings: FindingsView,
    pages: Vec<PageView>,
    more_pages: usize,
    services: Vec<ServiceView>,
    more_services: usize,
    diagnostics: Vec<DiagnosticView>,
    limits: Vec<String>,
    versions: Vec<(&'static str, String)>,
    finished: String,
    profile: String,
}

struct StateView {
    name: &'static str,
    meaning: &'static str,
}

impl StateView {
    fn of(state: State) -> Self {
        Self {
            name: wording::state(state),
            meaning: wording::state_meaning(state),
        }
    }
}

struct QuestionView {
    text: &'static str,
    answer: &'static str,
    tone: &'static str,
    judgement: &'static str,
}

impl QuestionView {
    fn of(question: &outline::Question) -> Self {
        let (tone, judgement) = match question.good() {
            Some(true) => ("good", "as it should be"),
            Some(false) => ("bad", "must change"),
            None => ("unsure", "no answer without more evidence"),
        };
        Self {
            text: question.text,
            answer: wording::answer(question.answer),
            tone,
            judgement,
        }
    }
}

struct OverviewLine {
    anchor: Option<usize>,
    url: String,
    tone: &'static str,
    standing: &'static str,
    found: String,
    banner: String,
    visits: Vec<(String, &'static str)>,
}

impl OverviewLine {
    fn of((number, page): (usize, &PageStanding<'_>)) -> Self {
        let banner = &page.page.banner;
        Self {
            anchor: (number < page::MOST_PAGES).then_some(number),
            url: shown(&page.page.url, LONGEST_URL),
            tone: tone(page.standing),
            standing: wording::standing(page.standing),
            found: match page.tally.words() {
                words if !words.is_empty() => words,
                _ if page.is_incomplete() => "not known".to_owned(),
                _ => "nothing".to_owned(),
            },
            banner: match &banner.cmp {
                Some(cmp) => shown(cmp, 60),
                None if banner.found => "found, platform not known".to_owned(),
                None => "none seen".to_owned(),
            },
            visits: page
                .page
                .visits
                .iter()
                .map(|visit| {
                    let name = wording::visit(page.page, visit);
                    (name, wording::outcome(visit.outcome))
                })
                .collect(),
        }
    }
}

struct ServiceView {
    name: String,
    vendor: String,
    country: String,
    category: &'static str,
    transfers: String,
    pages: String,
    notice: String,
}

impl ServiceView {
    fn of(service: &ServiceSeen) -> Self {
        let or_unknown = |text: &Option<String>| {
            text.as_deref()
                .map_or_else(|| "not known".to_owned(), |text| shown(text, 80))
        };
        let transfers: Vec<String> = service
            .transfers
            .iter()
            .take(20)
            .map(|country| shown(country, 40))
            .collect();
        Self {
            name: shown(&service.name, LONGEST_NAME),
            vendor: or_unknown(&service.vendor),
            country: or_unknown(&service.country),
            category: wording::category(service.category),
            transfers: if transfers.is_empty() {
                "none known".to_owned()
            } else {
                transfers.join(", ")
            },
            pages: counted(service.pages.len(), "page", "pages"),
            notice: service
                .notice
                .as_deref()
                .map(|notice| shown(notice, LONGEST_PROSE))
                .unwrap_or_default(),
        }
    }
}

struct DiagnosticView {
    code: String,
    message: String,
    place: String,
}

/// Maps at most `limit` values, with their places, and says how many were left out.
fn capped<'a, T, V>(
    all: &'a [T],
    limit: usize,
    view: impl FnMut((usize, &'a T)) -> V,
) -> (Vec<V>, usize) {
    (
        all.iter().enumerate().take(limit).map(view).collect(),
        all.len().saturating_sub(limit),
    )
}

/// Allows what is in the file, and nothing else.
fn policy() -> String {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text.as_bytes()));
    format!(
        "default-src 'none'; img-src data:; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
}

fn title(report: &Report) -> String {
    let mut hosts: Vec<String> = report.pages.iter().map(|page| host_of(&page.url)).collect();
    hosts.dedup();
    match hosts.as_slice() {
        [] => "Consent audit".to_owned(),
        [host] => format!("Consent audit of {}", shown(host, 80)),
        [host, ..] => format!(
            "Consent audit of {} and {} more",
            shown(host, 80),
            number(hosts.len() - 1)
        ),
    }
}

fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Fails => "bad",
        Standing::ProbablyFails => "warn",
        Standing::Incomplete | Standing::Review => "unsure",
        Standing::Passes => "good",
    }
}

fn severities(report: &Report) -> Vec<(&'static str, String)> {
    [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ]
    .into_iter()
    .map(|severity| {
        let count = report
            .findings
            .iter()
            .filter(|finding| finding.severity == severity)
            .count();
        (wording::severity(severity), number(count))
    })
    .collect()
}

fn diagnostics(report: &Report) -> Vec<DiagnosticView> {
    outline::diagnostics(report)
        .into_iter()
        .take(LONGEST_LIST)
        .map(|told| {
            let page = told.page.map(|page| shown(page, LONGEST_URL));
            let place: Vec<String> = page.into_iter().chain(told.visits).collect();
            DiagnosticView {
                code: wording::code(&told.code),
                message: shown(told.message, LONGEST_PROSE),
                place: if place.is_empty() {
                    "the whole run".to_owned()
                } else {
                    place.join(", ")
                },
            }
        })
        .collect()
}

/// What this audit cannot say, in sentences.
fn limits(report: &Report, outline: &Outline<'_>) -> Vec<String> {
    let mut limits = Vec::new();
    match &report.run.browser {
        None => limits.push("No browser could be started: no page was audited.".to_owned()),
        Some(browser) if !browser.third_party_cookies => limits.push(
            "The browser does not store third-party cookies: what other sites would have stored is missing here."
                .to_owned(),
        ),
        Some(_) => {}
    }
    let incomplete = outline
        .pages
        .iter()
        .filter(|page| page.is_incomplete())
        .count();
    if incomplete > 0 {
        limits.push(format!(
            "{} could not be audited in every state. That nothing was found there means nothing.",
            counted(incomplete, "page", "pages")
        ));
    }
    if outline.tally.inconclusive > 0 {
        limits.push(
            "A rule that depends on a choice is inconclusive where no record of the site confirms that choice.".to_owned(),
        );
    }
    limits.extend(
        outline::unjudged(report)
            .iter()
            .take(LONGEST_LIST)
            .map(|text| format!("{}.", shown(text, LONGEST_PROSE))),
    );
    let states: Vec<&str> = outline.states.iter().copied().map(wording::state).collect();
    limits.push(format!(
        "Seen were the pages listed here, in the states {}, at the time given, from one place. A service that appears only on other pages, at other times or in other countries was not seen.",
        if states.is_empty() { "none".to_owned() } else { states.join(", ") }
    ));
    limits.push(
        "What happens on the site's servers is out of sight: only what reached the browser or left it is recorded."
            .to_owned(),
    );
    limits.push(
        "Values of cookies, storage entries and request bodies are personal data; the report shows fingerprints of them (the first 16 digits of their SHA-256)."
            .to_owned(),
    );
    limits.push(format!(
        "Findings measure what was observed against the rules of the profile {}. Whether the law is broken is for a person to decide.",
        shown(&report.run.profile, 20)
    ));
    limits
}

fn versions(run: &Run) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("Run", shown(&run.id, 80)),
        ("Started", run.started.to_string()),
        ("Finished", run.finished.to_string()),
        (
            "Consentinel",
            match &run.tool.commit {
                Some(commit) => format!(
                    "{}, commit {}",
                    shown(&run.tool.version, 40),
                    shown(commit, 40)
                ),
                None => shown(&run.tool.version, 40),
            },
        ),
    ];
    match &run.browser {
        Some(browser) => rows.extend([
            (
                "Browser",
                format!(
                    "{} {} ({}), sandbox {}, third-party cookies {}",
                    shown(&browser.name, 40),
                    shown(&browser.version, 40),
                    shown(&browser.engine, 40),
                    if browser.sandbox { "on" } else { "off" },
                    if browser.third_party_cookies {
                        "stored"
                    } else {
                        "not stored"
                    },
                ),
            ),
            ("User agent", shown(&browser.user_agent, 300)),
        ]),
        None => rows.push(("Browser", "none could be started".to_owned())),
    }
    rows.extend([
        (
            "Catalog",
            format!(
                "{}, {}",
                shown(&run.catalog.version, 40),
                counted(run.catalog.services, "service", "services")
            ),
        ),
        ("Consent engine", shown(&run.consent_engine, 80)),
        ("Profile", shown(&run.profile, 20)),
        ("Clock", shown(&run.clock, 20)),
    ]);
    if !run.options.is_empty() {
        let options: Vec<String> = run
            .options
            .iter()
            .take(50)
            .map(|(name, value)| format!("{} = {}", shown(name, 60), shown(value, 200)))
            .collect();
        rows.push(("Options", options.join("; ")));
    }
    rows
}

/// The verdicts, with what each means.
fn verdict_words(verdict: Verdict) -> (&'static str, &'static str) {
    (wording::verdict(verdict), wording::verdict_meaning(verdict))
}
