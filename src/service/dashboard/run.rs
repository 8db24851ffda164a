//! What a run says: its verdict, the regulators' three questions, its findings, its services, its pages.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::ValueEnum as _;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::sync::Arc;
use url::form_urlencoded;

use super::frame::{
    Answer, Choice, Frame, LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, Moment, Paging, Part, Refusal,
    Shown, Viewer, choices, policy, took,
};
use crate::model::finding::{Finding, Severity, Verdict};
use crate::model::report::{Report, ServiceSeen};
use crate::model::value::sha256_hex;
use crate::model::visit::State as VisitState;
use crate::report::{Format, counted, shown, wording};
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::runs::RunHead;

/// Findings on a page.
const ON_A_PAGE: usize = 50;
/// Services and pages named; the reports have them all.
const MOST_SERVICES: usize = 200;

const STATES: [VisitState; 4] = [
    VisitState::Before,
    VisitState::Rejected,
    VisitState::Accepted,
    VisitState::Withdrawn,
];
const SEVERITIES: [Severity; 5] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
    Severity::Info,
];
const VERDICTS: [Verdict; 4] = [
    Verdict::Violation,
    Verdict::Likely,
    Verdict::Review,
    Verdict::Inconclusive,
];

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/runs/{id}", get(run))
        .route("/runs/{id}/pictures/{digest}", get(picture))
}

/// Which findings are wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wish {
    severity: String,
    verdict: String,
    state: String,
    /// `new`, `accepted` or `all`; what is open otherwise.
    show: String,
    q: String,
    page: String,
}

/// A finding in a list.
pub(super) struct FindingRow {
    pub(super) address: String,
    pub(super) severity: &'static str,
    pub(super) verdict: &'static str,
    pub(super) verdict_meaning: &'static str,
    pub(super) state: &'static str,
    pub(super) rule: String,
    pub(super) title: String,
    pub(super) subject: String,
    pub(super) page: String,
    pub(super) is_new: bool,
    pub(super) accepted: bool,
}

/// A service in a list.
pub(super) struct ServiceRow {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) vendor: String,
    pub(super) country: String,
    pub(super) category: &'static str,
    pub(super) transfers: String,
    pub(super) pages: String,
}

/// A run as a page shows it.
pub(super) struct RunView {
    pub(super) id: String,
    /// Where the page is, for its filters.
    pub(super) address: String,
    pub(super) known: Arc<RunHead>,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) started: Moment,
    pub(super) finished: Moment,
    pub(super) severities: Vec<Choice>,
    pub(super) verdicts: Vec<Choice>,
    pub(super) states: Vec<Choice>,
    pub(super) shows: Vec<Choice>,
    pub(super) q: String,
    pub(super) findings: Vec<FindingRow>,
    /// There is none at all.
    pub(super) no_findings: bool,
    pub(super) paging: Paging,
    pub(super) services: Vec<ServiceRow>,
    pub(super) more_services: usize,
    pub(super) downloads: Vec<(String, String, String)>,
    /// The run before it of the same site.
    pub(super) before: Option<String>,
}

#[derive(Template)]
#[template(path = "run.html", config = "src/service/dashboard/askama.toml")]
struct RunPage {
    frame: Frame,
    run: RunView,
}

/// Where a finding's page is.
pub(super) fn address_of(run: &str, finding: &str) -> String {
    let id: String = form_urlencoded::byte_serialize(finding.as_bytes()).collect();
    // In a path a space is `%20`, not `+`.
    format!("/runs/{run}/findings/{}", id.replace('+', "%20"))
}

impl FindingRow {
    pub(super) fn of(run: &str, finding: &Finding) -> Self {
        Self {
            address: address_of(run, &finding.id),
            severity: wording::severity(finding.severity),
            verdict: wording::verdict(finding.verdict),
            verdict_meaning: wording::verdict_meaning(finding.verdict),
            state: wording::state(finding.state),
            rule: shown(&finding.rule, 20),
            title: shown(&finding.title, 300),
            subject: wording::subject(finding, LONGEST_NAME),
            page: shown(&finding.page, LONGEST_URL),
            is_new: false,
            accepted: finding.accepted.is_some(),
        }
    }
}

impl ServiceRow {
    pub(super) fn of(service: &ServiceSeen) -> Self {
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
            id: shown(&service.id, LONGEST_NAME),
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
        }
    }
}

impl Wish {
    /// Whether a finding is wanted. `new` are the ids the audit before did not have.
    fn takes(&self, finding: &Finding, new: &BTreeSet<&str>, sought: &str) -> bool {
        let is = |wanted: &str, word: &str| wanted.is_empty() || wanted == word;
        let is_shown = match self.show.as_str() {
            "all" => true,
            "accepted" => finding.accepted.is_some(),
            "new" => new.contains(finding.id.as_str()),
            _ => finding.accepted.is_none(),
        };
        is_shown
            && is(&self.severity, wording::severity(finding.severity))
            && is(&self.verdict, wording::verdict(finding.verdict))
            && is(&self.state, wording::state(finding.state))
            && (sought.is_empty()
                || [
                    finding.rule.as_str(),
                    &finding.name,
                    &finding.title,
                    &finding.subject.name,
                    &finding.subject.host,
                    &finding.page,
                    finding.service.as_deref().unwrap_or_default(),
                ]
                .iter()
                .any(|text| text.to_lowercase().contains(sought)))
    }
}

impl RunView {
    /// What somebody has to do something about, gravest first.
    pub(super) fn open(report: &Report) -> Vec<&Finding> {
        let open = report.findings.iter().filter(|finding| {
            finding.accepted.is_none()
                && finding.severity > Severity::Info
                && matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
        });
        open.collect()
    }

    /// The page at `address` shows the run `id`. `new` are the findings the audit before did not have.
    pub(super) fn of(
        service: &Service,
        id: &str,
        address: String,
        new: &[String],
        wish: &Wish,
    ) -> Result<Self, Problem> {
        let known = service.run_head(id)?;
        let report = &known.report;
        let new: BTreeSet<&str> = new.iter().map(String::as_str).collect();
        let sought = wish.q.trim().to_lowercase();
        let fitting: Vec<&Finding> = report
            .findings
            .iter()
            .filter(|finding| wish.takes(finding, &new, &sought))
            .collect();
        let query = [
            ("severity", wish.severity.as_str()),
            ("verdict", &wish.verdict),
            ("state", &wish.state),
            ("show", &wish.show),
            ("q", &wish.q),
        ];
        let (part, paging) = Paging::cut(
            fitting,
            wish.page.parse().unwrap_or(1),
            ON_A_PAGE,
            ("finding", "findings"),
            &address,
            &query,
        );
        let run = &known.record.id;
        let findings = part.into_iter().map(|finding| FindingRow {
            is_new: new.contains(finding.id.as_str()),
            ..FindingRow::of(run, finding)
        });
        let words = |all: &[&'static str], chosen: &str| {
            choices(chosen, "all", all.iter().map(|word| (*word, *word)))
        };
        let mut shows = vec![("accepted", "accepted"), ("all", "all")];
        if !new.is_empty() {
            shows.insert(0, ("new", "new since the audit before"));
        }
        Ok(Self {
            id: run.clone(),
            address,
            facts: facts(report),
            started: Moment(report.run.started),
            finished: Moment(report.run.finished),
            severities: words(&SEVERITIES.map(wording::severity), &wish.severity),
            verdicts: words(&VERDICTS.map(wording::verdict), &wish.verdict),
            states: words(&STATES.map(wording::state), &wish.state),
            shows: choices(&wish.show, "not accepted", shows),
            q: shown(&wish.q, LONGEST_NAME),
            findings: findings.collect(),
            no_findings: report.findings.is_empty(),
            paging,
            services: report
                .services
                .iter()
                .take(MOST_SERVICES)
                .map(ServiceRow::of)
                .collect(),
            more_services: report.services.len().saturating_sub(MOST_SERVICES),
            downloads: downloads(run),
            before: before(service, run),
            known: Arc::clone(&known),
        })
    }

    /// Pages beyond those in the list.
    pub(super) fn more_pages(&self) -> usize {
        let named = self.known.glance.verdict().pages.len();
        self.known.glance.page_count().saturating_sub(named)
    }
}

/// The versions of everything that shaped a run.
fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let mut facts = vec![
        ("Took", took(run.started, run.finished)),
        ("Profile", shown(&run.profile, 20)),
    ];
    if let Some(browser) = &run.browser {
        facts.push((
            "Browser",
            format!(
                "{} {}",
                shown(&browser.name, 40),
                shown(&browser.version, 40)
            ),
        ));
    }
    facts.extend([
        ("Consentinel", shown(&run.tool.version, 40)),
        ("Catalog", shown(&run.catalog.version, 40)),
        ("Consent engine", shown(&run.consent_engine, 80)),
        ("Run", shown(&run.id, 80)),
    ]);
    let told = run
        .diagnostics
        .iter()
        .take(5)
        .map(|diagnostic| ("To be known", shown(&diagnostic.message, LONGEST_PROSE)));
    facts.extend(told);
    facts
}

/// The reports of a run: what each is, its name, its address.
fn downloads(run: &str) -> Vec<(String, String, String)> {
    let formats = Format::value_variants().iter();
    let known = formats.filter_map(|format| {
        let value = format.to_possible_value()?;
        let name = value.get_name();
        let help = value
            .get_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        let address = format!("/api/v1/runs/{run}/report?format={name}");
        Some((help, name.to_owned(), address))
    });
    known.collect()
}

/// The site an audit of the service made a run of; none for runs that were made otherwise.
pub(super) fn site_of(service: &Service, run: &str) -> Option<String> {
    let sites = service.sites().ok()?;
    let made = |id: &str| {
        service.board().look(id, |standing| {
            let mut points = standing.into_iter().flat_map(|standing| &standing.history);
            points.any(|point| point.run.as_deref() == Some(run))
        })
    };
    sites
        .iter()
        .find(|site| made(&site.id))
        .map(|site| site.id.clone())
}

/// The run of the same site before this one.
fn before(service: &Service, run: &str) -> Option<String> {
    let site = site_of(service, run)?;
    service.board().look(&site, |standing| {
        let runs = standing?
            .history
            .iter()
            .filter_map(|point| point.run.as_deref());
        runs.take_while(|other| *other != run)
            .last()
            .map(str::to_owned)
    })
}

async fn run(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Answer<RunPage> {
    let page = service
        .apart(move |service| {
            let run = RunView::of(service, &id, format!("/runs/{id}"), &[], &wish)?;
            let pages = &run.known.record.pages;
            let first = pages.first().map_or("nothing", String::as_str);
            let title = format!("Run of {}", shown(first, LONGEST_NAME));
            Ok(RunPage {
                frame: Frame::new(&viewer, Part::Audits, title),
                run,
            })
        })
        .await?;
    Ok(Shown(page))
}

/// On which page of the run a picture is.
#[derive(Debug, Deserialize)]
struct OnPage {
    page: String,
}

/// A picture of a page, by its digest.
async fn picture(
    State(service): State<Service>,
    _: Viewer,
    Path((id, digest)): Path<(String, String)>,
    Query(on): Query<OnPage>,
) -> Result<Response, Refusal> {
    let (media_type, bytes) = service
        .apart(move |service| {
            let mut page = service.run_page(&id, &on.page)?;
            let picture = page
                .pictures_mut()
                .find(|picture| picture.sha256 == digest)
                .and_then(|picture| {
                    let bytes = BASE64.decode(picture.data.take()?).ok()?;
                    (sha256_hex(&bytes) == digest).then_some(())?;
                    Some((media_type(&picture.media_type)?, bytes))
                });
            picture.ok_or_else(|| Problem::not_found("the page has no such picture"))
        })
        .await?;
    let head = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CACHE_CONTROL,
            "private, max-age=31536000, immutable",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, policy()),
    ];
    Ok((head, bytes).into_response())
}

/// The type of a picture, if it is one a browser only paints.
fn media_type(given: &str) -> Option<&'static str> {
    ["image/jpeg", "image/png", "image/webp"]
        .into_iter()
        .find(|known| *known == given)
}
