//! Audits: what runs, what ran, and one of them with its progress and what came of it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Redirect;
use axum::routing::{get, post};
use serde::Deserialize;
use std::collections::HashMap;

use super::charts::{self, standing_tone, standing_word};
use super::frame::{
    Answer, Empty, Frame, LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, Moment, Part, Refusal, Sent,
    Shown, Viewer, took,
};
use super::memory::Progress;
use super::run::{RunView, Wish};
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::audit::{Audit, Standing};
use crate::service::error::Problem;

/// Audits on a page of the list, and most records looked through for them.
const ON_A_PAGE: usize = 50;
const LOOKED_THROUGH: usize = 20_000;
/// Seconds until a page that shows a running audit is loaded again where no script runs.
const AGAIN: u32 = 5;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/audits", get(audits))
        .route("/audits/{id}", get(audit))
        .route("/audits/{id}/cancel", post(cancel))
}

/// Which audits are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListWish {
    site: String,
    before: String,
}

/// An audit in a list.
struct AuditRow {
    id: String,
    site: String,
    site_name: String,
    standing: &'static str,
    tone: &'static str,
    asked: Moment,
    asked_by: String,
    took: String,
    found: String,
    new: String,
    fixed: String,
    progress: Option<Progress>,
}

#[derive(Template)]
#[template(path = "audits.html", config = "src/service/dashboard/askama.toml")]
struct AuditsPage {
    frame: Frame,
    /// Of this site alone.
    site: Option<(String, String)>,
    audits: Vec<AuditRow>,
    /// Where older ones are.
    older: Option<String>,
}

async fn audits(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<ListWish>,
) -> Answer<AuditsPage> {
    let page = service
        .apart(move |service| {
            let sites = service.sites()?;
            let names: HashMap<&str, &str> = sites
                .iter()
                .map(|site| (site.id.as_str(), site.name.as_str()))
                .collect();
            let name = |id: &str| {
                let name = names.get(id).copied().unwrap_or(id);
                shown(name, LONGEST_NAME)
            };
            let shelf = &service.shelves().audits;
            let before = match wish.before.as_str() {
                // Greater than every id, which begins with a year.
                "" => "~",
                before => before,
            };
            let mut fitting = Vec::new();
            let mut last = None;
            let mut looked = 0;
            for entry in shelf.before(before).rev().take(LOOKED_THROUGH) {
                let (id, audit) = entry?;
                looked += 1;
                if wish.site.is_empty() || audit.site == wish.site {
                    fitting.push(AuditRow::of(service, &audit, name(&audit.site)));
                }
                last = Some(id);
                if fitting.len() >= ON_A_PAGE {
                    break;
                }
            }
            let is_more = fitting.len() >= ON_A_PAGE || looked >= LOOKED_THROUGH;
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            if !wish.site.is_empty() {
                query.append_pair("site", &wish.site);
            }
            let older = last.filter(|_| is_more).map(|last| {
                query.append_pair("before", &last);
                format!("/audits?{}", query.finish())
            });
            let site = Some(wish.site).filter(|site| names.contains_key(site.as_str()));
            let title = match &site {
                Some(site) => format!("Audits of {}", name(site)),
                None => "Audits".to_owned(),
            };
            Ok(AuditsPage {
                frame: Frame::new(&viewer, Part::Audits, title),
                site: site.map(|site| (site.clone(), name(&site))),
                audits: fitting,
                older,
            })
        })
        .await?;
    Ok(Shown(page))
}

impl AuditRow {
    fn of(service: &Service, audit: &Audit, site_name: String) -> Self {
        let result = audit.result.as_ref();
        let of_result = |count: Option<u64>| count.map(|count| number(count as usize));
        Self {
            id: audit.id.clone(),
            site: audit.site.clone(),
            site_name,
            standing: standing_word(audit.standing),
            tone: standing_tone(audit.standing),
            asked: Moment(audit.asked),
            asked_by: shown(&audit.asked_by, LONGEST_NAME),
            took: match (audit.started, audit.finished) {
                (Some(started), Some(finished)) => took(started, finished),
                _ => String::new(),
            },
            found: of_result(result.map(|result| charts::total(&result.findings)))
                .unwrap_or_default(),
            new: of_result(result.map(|result| result.new_count)).unwrap_or_default(),
            fixed: of_result(result.map(|result| result.fixed_count)).unwrap_or_default(),
            progress: service.dashboard().progress(&audit.id),
        }
    }
}

#[derive(Template)]
#[template(path = "audit.html", config = "src/service/dashboard/askama.toml")]
struct AuditPage {
    frame: Frame,
    id: String,
    site: String,
    site_name: String,
    /// The site is still there.
    has_site: bool,
    url: String,
    standing: &'static str,
    tone: &'static str,
    is_waiting: bool,
    is_over: bool,
    asked: Moment,
    asked_by: String,
    took: String,
    tries: u32,
    error: String,
    progress: Option<Progress>,
    new: String,
    fixed: String,
    has_result: bool,
    run: Option<RunView>,
    /// There was a run, and it is no longer in the store.
    run_is_gone: bool,
}

async fn audit(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Answer<AuditPage> {
    let page = service
        .apart(move |service| {
            let audit = service.shelves().audits.get(&id)?;
            let audit = audit.ok_or_else(|| Problem::not_found("there is no such audit"))?;
            page(service, &viewer, &audit, &wish)
        })
        .await?;
    Ok(Shown(page))
}

fn page(
    service: &Service,
    viewer: &Viewer,
    audit: &Audit,
    wish: &Wish,
) -> Result<AuditPage, Problem> {
    let site = service.shelves().sites.get(&audit.site)?;
    let site_name = site.as_ref().map_or(&audit.site, |site| &site.name);
    let site_name = shown(site_name, LONGEST_NAME);
    let is_over = audit.standing.is_over();
    let result = audit.result.clone().unwrap_or_default();
    let address = format!("/audits/{}", audit.id);
    let run = match audit.run.as_deref().filter(|_| is_over) {
        Some(run) => match RunView::of(service, run, address, &result.new, wish) {
            Ok(run) => Some(run),
            // Not there any more, or broken off before it came to its end.
            Err(problem) if matches!(problem.status, 404 | 409) => None,
            Err(problem) => return Err(problem),
        },
        None => None,
    };
    let again = (!is_over).then_some(AGAIN);
    Ok(AuditPage {
        frame: Frame::new(viewer, Part::Audits, format!("Audit of {site_name}")).again(again),
        id: audit.id.clone(),
        site: audit.site.clone(),
        site_name,
        has_site: site.is_some(),
        url: shown(&audit.url, LONGEST_URL),
        standing: standing_word(audit.standing),
        tone: standing_tone(audit.standing),
        is_waiting: audit.standing == Standing::Waiting,
        is_over,
        asked: Moment(audit.asked),
        asked_by: shown(&audit.asked_by, LONGEST_NAME),
        took: match (audit.started, audit.finished) {
            (Some(started), Some(finished)) => took(started, finished),
            _ => String::new(),
        },
        tries: audit.tries,
        error: audit
            .error
            .as_deref()
            .map(|error| shown(error, LONGEST_PROSE))
            .unwrap_or_default(),
        progress: service.dashboard().progress(&audit.id),
        new: number(result.new_count as usize),
        fixed: number(result.fixed_count as usize),
        has_result: audit.result.is_some(),
        run_is_gone: audit.standing == Standing::Finished && run.is_none(),
        run,
    })
}

/// Calls an audit off.
async fn cancel(
    State(service): State<Service>,
    Path(id): Path<String>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    let audit = service
        .apart(move |service| Ok(service.call_off(&id)?))
        .await?;
    let audit = audit.ok_or_else(|| Problem::not_found("there is no such audit"))?;
    Ok(Redirect::to(&format!("/audits/{}", audit.id)))
}
