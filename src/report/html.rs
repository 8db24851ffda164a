//! One self-contained file, for the screen, for paper and for the record.
//!
//! Nothing in it is fetched: style, script and pictures are inside, and its content security
//! policy forbids the rest. The template escapes; the views it shows hold strings that went
//! through [`printable`](super::printable()) already.

pub(crate) mod findings;
mod matrix;
pub(crate) mod page;
mod timeline;

use std::collections::BTreeSet;
use std::io::Write;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::RenderError;
use super::facts::{Facts, Told};
use super::outline::{self, Outline, PageStanding, Standing};
use super::printable::{counted, number, shown};
use super::redact::shown_page;
use super::wording;
use crate::model::finding::{Severity, Verdict};
use crate::model::report::{PageSource, Report, Run, ServiceSeen};
use crate::model::visit::State;
use findings::{FindingIndex, FindingsView};
use page::PageWriter;

/// The style of the report, and of what looks like it.
pub(crate) const STYLE: &str = include_str!("html/templates/style.css");
const SCRIPT: &str = include_str!("html/templates/filters.js");

/// Longest name, key or title shown, in characters.
const LONGEST_NAME: usize = 120;

/// Longest URL shown, in characters.
const LONGEST_URL: usize = 200;

/// Longest prose shown, in characters.
const LONGEST_PROSE: usize = 800;

/// Services, diagnostics and overview lines shown.
const LONGEST_LIST: usize = 200;

/// Visits named in one line.
const MOST_VISITS: usize = 20;

/// Bytes of the file, pictures aside: it has to fit into a mail.
const TEXT_BYTES: usize = 1_900_000;

/// Writes the file: what is said of the whole run, the pages one after another, and the rest.
pub(super) fn html(
    facts: &Facts,
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let outline = Outline::of(facts);
    let index = FindingIndex::of(&outline);
    let states: Vec<StateView> = outline.states.iter().copied().map(StateView::of).collect();
    let shown = page::chosen(&outline);
    let head = HeadView::of(facts, &outline, &states, &shown).render()?;
    let tail = TailView::of(facts, &outline, shown.len()).render()?;
    out.write_all(head.as_bytes())?;
    let left = TEXT_BYTES.saturating_sub(head.len() + tail.len());
    drop(head);
    let mut writer = PageWriter::new(&outline, &index, &states, shown.len(), left);
    for (number, page) in source.pages().enumerate() {
        if writer.is_done() {
            break;
        }
        let page = page?;
        if shown.contains(&number) {
            let page = shown_page(page, redact, true);
            out.write_all(writer.page(number, &page)?.as_bytes())?;
        }
    }
    out.write_all(tail.as_bytes())?;
    Ok(())
}

#[derive(Template)]
#[template(path = "head.html", config = "src/report/html/askama.toml")]
struct HeadView<'a> {
    policy: String,
    style: &'static str,
    title: String,
    tone: &'static str,
    headline: String,
    caveats: Vec<String>,
    questions: Vec<QuestionView>,
    severities: Vec<(&'static str, String)>,
    overview: Vec<OverviewLine>,
    more_overview: usize,
    states: &'a [StateView],
    findings: FindingsView,
    finished: String,
    profile: String,
}

impl<'a> HeadView<'a> {
    fn of(
        facts: &Facts,
        outline: &Outline<'_>,
        states: &'a [StateView],
        shown_pages: &BTreeSet<usize>,
    ) -> Self {
        let run = &facts.head.run;
        Self {
            policy: policy(),
            style: STYLE,
            title: title(facts),
            tone: tone(outline.standing),
            headline: outline.headline(),
            caveats: outline.caveats(),
            questions: outline.questions.iter().map(QuestionView::of).collect(),
            severities: severities(&facts.head),
            overview: overview(outline, shown_pages),
            more_overview: outline.pages.len().saturating_sub(LONGEST_LIST),
            states,
            findings: FindingsView::of(outline),
            finished: run.finished.strftime("%-d %B %Y, %H:%M UTC").to_string(),
            profile: shown(&run.profile, 20),
        }
    }
}

#[derive(Template)]
#[template(path = "tail.html", config = "src/report/html/askama.toml")]
struct TailView {
    no_pages: bool,
    more_pages: usize,
    script: &'static str,
    services: Vec<ServiceView>,
    more_services: usize,
    diagnostics: Vec<DiagnosticView>,
    more_diagnostics: usize,
    limits: Vec<String>,
    versions: Vec<(&'static str, String)>,
}

impl TailView {
    fn of(facts: &Facts, outline: &Outline<'_>, shown_pages: usize) -> Self {
        let services = &facts.head.services;
        let told = facts.told.len() + facts.more_told;
        Self {
            no_pages: outline.pages.is_empty(),
            more_pages: outline.pages.len() - shown_pages,
            script: SCRIPT,
            services: services
                .iter()
                .take(LONGEST_LIST)
                .map(ServiceView::of)
                .collect(),
            more_services: services.len().saturating_sub(LONGEST_LIST),
            diagnostics: facts
                .told
                .iter()
                .take(LONGEST_LIST)
                .map(DiagnosticView::of)
                .collect(),
            more_diagnostics: told.saturating_sub(LONGEST_LIST),
            limits: limits(&facts.head, outline),
            versions: versions(&facts.head.run),
        }
    }
}

/// A line for each page, those that fail first when not all can be named.
pub(super) fn overview(outline: &Outline<'_>, shown_pages: &BTreeSet<usize>) -> Vec<OverviewLine> {
    let mut numbered: Vec<(usize, &PageStanding<'_>)> = outline.pages.iter().enumerate().collect();
    if numbered.len() > LONGEST_LIST {
        numbered.sort_by_key(|(_, page)| page.standing);
    }
    numbered
        .into_iter()
        .take(LONGEST_LIST)
        .map(|(number, page)| OverviewLine::of(number, page, shown_pages.contains(&number)))
        .collect()
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

/// A regulator's question, as it is shown.
#[derive(Debug)]
pub(crate) struct QuestionView {
    pub(crate) text: &'static str,
    pub(crate) answer: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) judgement: &'static str,
}

impl QuestionView {
    pub(super) fn of(question: &outline::Question) -> Self {
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

/// A page of the run in one line.
#[derive(Debug)]
pub(crate) struct OverviewLine {
    pub(crate) anchor: Option<usize>,
    pub(crate) url: String,
    pub(crate) tone: &'static str,
    pub(crate) standing: &'static str,
    pub(crate) found: String,
    pub(crate) banner: String,
    pub(crate) visits: Vec<(String, &'static str)>,
    pub(crate) more_visits: usize,
}

impl OverviewLine {
    pub(super) fn of(number: usize, page: &PageStanding<'_>, is_shown: bool) -> Self {
        let facts = page.facts;
        Self {
            anchor: is_shown.then_some(number),
            url: shown(&facts.url, LONGEST_URL),
            tone: tone(page.standing),
            standing: wording::standing(page.standing),
            found: match page.tally.words() {
                words if !words.is_empty() => words,
                _ if facts.is_incomplete() => "not known".to_owned(),
                _ => "nothing".to_owned(),
            },
            banner: match &facts.cmp {
                Some(cmp) => shown(cmp, 60),
                None if facts.banner_found => "found, platform not known".to_owned(),
                None => "none seen".to_owned(),
            },
            visits: facts
                .visits
                .iter()
                .take(MOST_VISITS)
                .map(|(name, outcome)| (name.clone(), wording::outcome(*outcome)))
                .collect(),
            more_visits: facts.visits.len().saturating_sub(MOST_VISITS),
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

impl DiagnosticView {
    fn of(told: &Told) -> Self {
        let place: Vec<String> = wording::pages_told(told, LONGEST_URL)
            .into_iter()
            .chain(told.visits.iter().take(MOST_VISITS).cloned())
            .collect();
        Self {
            code: wording::code(&told.code),
            message: shown(&told.message, LONGEST_PROSE),
            place: if place.is_empty() {
                "the whole run".to_owned()
            } else {
                place.join(", ")
            },
        }
    }
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

fn title(facts: &Facts) -> String {
    match facts.hosts() {
        None => "Consent audit".to_owned(),
        Some((host, 0)) => format!("Consent audit of {}", shown(&host, 80)),
        Some((host, more)) => format!(
            "Consent audit of {} and {} more",
            shown(&host, 80),
            number(more)
        ),
    }
}

/// The class of a standing.
pub(super) fn tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Fails => "bad",
        Standing::ProbablyFails => "warn",
        Standing::Incomplete | Standing::Review => "unsure",
        Standing::Passes => "good",
    }
}

/// How many findings there are of each severity, gravest first.
pub(super) fn severities(report: &Report) -> Vec<(&'static str, String)> {
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
        .filter(|page| page.facts.is_incomplete())
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
