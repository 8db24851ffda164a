//! One site: how it stands, what was found, its history, its schedules, what is accepted.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::{get, post};

use super::accepted::{self, AcceptedRow};
use super::charts::{self, History};
use super::frame::{
    Answer, Empty, Frame, LONGEST_NAME, LONGEST_URL, Moment, Part, Refusal, Sent, Shown, Viewer,
};
use super::run::{FindingRow, RunView, ServiceRow};
use super::schedules::{self, ScheduleRow};
use super::sites::{Glance, OpenAudit};
use crate::report::wording;
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::audit::Standing;
use crate::service::board::Point;
use crate::service::error::Problem;
use crate::service::site::Site;

/// Findings of the last audit named here; its own page has them all.
const MOST_FINDINGS: usize = 12;
/// Services named here.
const MOST_SERVICES: usize = 30;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/sites/{id}", get(site))
        .route("/sites/{id}/audits", post(audit))
}

#[derive(Template)]
#[template(path = "site.html", config = "src/service/dashboard/askama.toml")]
struct SitePage {
    frame: Frame,
    id: String,
    url: String,
    settings: Vec<(&'static str, String)>,
    glance: Glance,
    open: Vec<OpenAudit>,
    next: Option<Moment>,
    chart: Option<History>,
    history: Vec<HistoryRow>,
    last: Option<LastRun>,
    schedules: Vec<ScheduleRow>,
    accepted: Vec<AcceptedRow>,
}

/// What the last audit that was carried out came to.
struct LastRun {
    audit: String,
    tone: &'static str,
    headline: String,
    findings: Vec<FindingRow>,
    more_findings: String,
    services: Vec<ServiceRow>,
    more_services: String,
}

/// An audit of the site that is over.
struct HistoryRow {
    audit: String,
    at: Moment,
    standing: &'static str,
    tone: &'static str,
    finished: bool,
    counts: [String; 4],
    new: String,
    fixed: String,
    incomplete: String,
    /// Its run and the one before it, to be compared.
    pair: Option<(String, String)>,
}

async fn site(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<SitePage> {
    let page = service
        .apart(move |service| {
            let site = service.site(&id)?;
            let standing = service.board().site(&site.id);
            let points: Vec<Point> = standing.history.iter().cloned().collect();
            let open = OpenAudit::all(service, &standing);
            let again = (!open.is_empty()).then_some(15);
            Ok(SitePage {
                frame: Frame::new(&viewer, Part::Sites, shown(&site.name, LONGEST_NAME))
                    .again(again),
                url: shown(&site.url, LONGEST_URL),
                settings: in_words(&site),
                glance: Glance::of(&standing),
                open,
                next: schedules::next_of(service, &site.id).map(Moment),
                chart: History::of(&points),
                history: rows(&points),
                last: last_run(service, standing.last_finished())?,
                schedules: schedules::of_site(service, &site.id)?,
                accepted: accepted::of_site(service, &site.id)?,
                id: site.id,
            })
        })
        .await?;
    Ok(Shown(page))
}

/// Asks for an audit, and leads to it.
async fn audit(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    let asked_by = sent.viewer.0.name;
    let audit = service
        .apart(move |service| {
            let site = service.site(&id)?;
            Ok(service.ask(&site, &asked_by)?)
        })
        .await?;
    Ok(Redirect::to(&format!("/audits/{}", audit.id)))
}

/// How a site is audited, as far as it says more than nothing.
fn in_words(site: &Site) -> Vec<(&'static str, String)> {
    let settings = &site.settings;
    let states: Vec<&str> = settings
        .states
        .iter()
        .copied()
        .map(wording::state)
        .collect();
    let pages = match (settings.max_pages, settings.pages.len()) {
        (1, 0) => "the first page".to_owned(),
        (1, named) => format!("the first page and {} named ones", number(named)),
        (most, 0) => format!(
            "up to {}, found by links and sitemaps",
            number(most as usize)
        ),
        (most, named) => format!(
            "up to {}, found by links and sitemaps, and {} named ones",
            number(most as usize),
            number(named)
        ),
    };
    let mut rows = vec![
        ("Pages", pages),
        ("States", states.join(", ")),
        ("Profile", settings.profile.name().to_owned()),
        (
            "Each page is watched for",
            match settings.repeat {
                1 => format!("{} s", number(settings.dwell_seconds as usize)),
                more => format!(
                    "{} s, {more} times in each state",
                    number(settings.dwell_seconds as usize)
                ),
            },
        ),
    ];
    let mut ways = Vec::new();
    for (is, words) in [
        (
            settings.thorough,
            "with the visits rules need beyond the usual",
        ),
        (settings.gpc, "with Global Privacy Control"),
        (settings.ignore_robots, "without keeping to robots.txt"),
    ] {
        if is {
            ways.push(words.to_owned());
        }
    }
    ways.extend(
        settings
            .locale
            .as_ref()
            .map(|locale| format!("language {}", shown(locale, 40))),
    );
    ways.extend(
        settings
            .timezone
            .as_ref()
            .map(|zone| format!("time zone {}", shown(zone, 70))),
    );
    if !ways.is_empty() {
        rows.push(("Also", ways.join(", ")));
    }
    rows
}

/// The newest first.
fn rows(points: &[Point]) -> Vec<HistoryRow> {
    let mut before: Option<&str> = None;
    let mut rows = Vec::new();
    for point in points {
        let finished = point.standing == Standing::Finished;
        let count =
            |severity: &str| number(point.findings.get(severity).copied().unwrap_or(0) as usize);
        let pair = match (before, &point.run) {
            (Some(before), Some(run)) if finished => Some((before.to_owned(), run.clone())),
            _ => None,
        };
        if let (true, Some(run)) = (finished, &point.run) {
            before = Some(run);
        }
        rows.push(HistoryRow {
            audit: point.audit.clone(),
            at: Moment(point.finished),
            standing: charts::standing_word(point.standing),
            tone: charts::standing_tone(point.standing),
            finished,
            counts: ["critical", "high", "medium", "low"].map(count),
            new: number(point.new as usize),
            fixed: number(point.fixed as usize),
            incomplete: number(point.incomplete_pages as usize),
            pair,
        });
    }
    rows.reverse();
    rows
}

/// What the run of an audit says; nothing when it is no longer in the store.
fn last_run(service: &Service, point: Option<&Point>) -> Result<Option<LastRun>, Problem> {
    let Some((point, run)) = point.and_then(|point| Some((point, point.run.as_deref()?))) else {
        return Ok(None);
    };
    let known = match service.run_head(run) {
        Ok(known) => known,
        Err(problem) if problem.status == 404 => return Ok(None),
        Err(problem) => return Err(problem),
    };
    let head = &known.report;
    let open = RunView::open(head);
    let more = |all: usize, shown: usize| match all.saturating_sub(shown) {
        0 => String::new(),
        more => number(more),
    };
    let verdict = known.glance.verdict();
    Ok(Some(LastRun {
        audit: point.audit.clone(),
        tone: verdict.tone,
        headline: verdict.headline.clone(),
        more_findings: more(open.len(), MOST_FINDINGS),
        findings: open
            .into_iter()
            .take(MOST_FINDINGS)
            .map(|finding| FindingRow::of(run, finding))
            .collect(),
        more_services: more(head.services.len(), MOST_SERVICES),
        services: head
            .services
            .iter()
            .take(MOST_SERVICES)
            .map(ServiceRow::of)
            .collect(),
    }))
}
