//! Schedules: which sites are audited when.

use std::collections::HashMap;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;

use super::frame::{
    Answer, Choice, Empty, Frame, LONGEST_NAME, Moment, Paging, Part, Refusal, Sent, Shown, Viewer,
    choices,
};
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::schedule::{Schedule, ScheduleWish};

/// Schedules on a page, and coming times named.
const ON_A_PAGE: usize = 50;
const TIMES: usize = 5;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/schedules", get(schedules))
        .route("/schedules/new", get(new).post(add))
        .route("/schedules/{id}", get(edit).post(change))
        .route("/schedules/{id}/pause", post(pause))
        .route("/schedules/{id}/resume", post(resume))
        .route("/schedules/{id}/run", post(run))
        .route("/schedules/{id}/remove", get(ask_to_remove).post(remove))
}

/// A schedule in a list.
pub(super) struct ScheduleRow {
    pub(super) id: String,
    pub(super) site: String,
    pub(super) site_name: String,
    pub(super) cron: String,
    pub(super) timezone: String,
    pub(super) enabled: bool,
    pub(super) next: Option<Moment>,
    pub(super) last_audit: Option<String>,
    /// How often nothing was asked for; empty for never.
    pub(super) skipped: String,
}

impl ScheduleRow {
    fn of(schedule: &Schedule, site_name: &str) -> Self {
        Self {
            id: schedule.id.clone(),
            site: schedule.site.clone(),
            site_name: shown(site_name, LONGEST_NAME),
            cron: shown(&schedule.cron, LONGEST_NAME),
            timezone: shown(&schedule.timezone, LONGEST_NAME),
            enabled: schedule.enabled,
            next: schedule.due().map(Moment),
            last_audit: schedule.last_audit.clone(),
            skipped: match schedule.skipped {
                0 => String::new(),
                times => number(times as usize),
            },
        }
    }
}

/// When a site is audited next.
pub(super) fn next_of(service: &Service, site: &str) -> Option<Timestamp> {
    service.next_of_site(site)
}

/// The schedules of a site.
pub(super) fn of_site(service: &Service, site: &str) -> Result<Vec<ScheduleRow>, Problem> {
    let mut rows = Vec::new();
    for entry in service.shelves().schedules.all() {
        let (_, schedule) = entry?;
        if schedule.site == site {
            rows.push(ScheduleRow::of(&schedule, site));
        }
    }
    Ok(rows)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListWish {
    page: String,
}

#[derive(Template)]
#[template(path = "schedules.html", config = "src/service/dashboard/askama.toml")]
struct SchedulesPage {
    frame: Frame,
    schedules: Vec<ScheduleRow>,
    paging: Paging,
}

async fn schedules(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<ListWish>,
) -> Answer<SchedulesPage> {
    let page = service
        .apart(move |service| {
            let sites = service.sites()?;
            let names: HashMap<&str, &str> = sites
                .iter()
                .map(|site| (site.id.as_str(), site.name.as_str()))
                .collect();
            let name = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
            let entries = service.shelves().schedules.all();
            let mut all: Vec<Schedule> = entries
                .map(|entry| entry.map(|(_, schedule)| schedule))
                .collect::<Result<_, _>>()?;
            all.sort_by_cached_key(|schedule| name(&schedule.site).to_lowercase());
            let (part, paging) = Paging::cut(
                all,
                wish.page.parse().unwrap_or(1),
                ON_A_PAGE,
                ("schedule", "schedules"),
                "/schedules",
                &[],
            );
            Ok(SchedulesPage {
                frame: Frame::new(&viewer, Part::Schedules, "Schedules"),
                schedules: part
                    .iter()
                    .map(|schedule| ScheduleRow::of(schedule, &name(&schedule.site)))
                    .collect(),
                paging,
            })
        })
        .await?;
    Ok(Shown(page))
}

/// A schedule as a form says it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    site: String,
    cron: String,
    timezone: String,
    jitter_seconds: String,
    enabled: String,
}

#[derive(Template)]
#[template(
    path = "schedule_form.html",
    config = "src/service/dashboard/askama.toml"
)]
struct FormPage {
    frame: Frame,
    /// The schedule's id; empty for a new one.
    id: String,
    action: String,
    /// What is wrong, and the field it is wrong in.
    wrong: Option<(String, String)>,
    fields: Fields,
    sites: Vec<Choice>,
    /// When it is due next.
    times: Vec<Moment>,
}

impl FormPage {
    /// Whether a field is the one that is wrong.
    fn is_wrong(&self, field: &str) -> bool {
        matches!(&self.wrong, Some((wrong, _)) if wrong == field)
    }

    fn of(
        service: &Service,
        viewer: &Viewer,
        schedule: Option<&Schedule>,
        fields: Fields,
        wrong: Option<Problem>,
    ) -> Result<Self, Problem> {
        let sites = service.sites()?;
        let names = sites
            .iter()
            .map(|site| (site.id.as_str(), site.name.as_str()));
        let (title, action) = match schedule {
            None => ("Add a schedule", "/schedules/new".to_owned()),
            Some(schedule) => ("Change a schedule", format!("/schedules/{}", schedule.id)),
        };
        Ok(Self {
            frame: Frame::new(viewer, Part::Schedules, title),
            id: schedule
                .map(|schedule| schedule.id.clone())
                .unwrap_or_default(),
            action,
            wrong: wrong.map(|problem| {
                let pointer = problem.pointer.unwrap_or_default();
                (pointer.trim_start_matches('/').to_owned(), problem.detail)
            }),
            sites: choices(&fields.site, "choose a site", names),
            times: schedule
                .into_iter()
                .flat_map(Schedule::due_times)
                .take(TIMES)
                .map(Moment)
                .collect(),
            fields,
        })
    }
}

impl Fields {
    fn of(schedule: &Schedule) -> Self {
        Self {
            site: schedule.site.clone(),
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
            jitter_seconds: schedule.jitter_seconds.to_string(),
            enabled: if schedule.enabled { "on" } else { "" }.to_owned(),
        }
    }

    fn wish(&self) -> Result<ScheduleWish, Problem> {
        let jitter = self.jitter_seconds.trim().parse();
        Ok(ScheduleWish {
            site: self.site.clone(),
            cron: self.cron.trim().to_owned(),
            timezone: self.timezone.trim().to_owned(),
            jitter_seconds: jitter
                .ok()
                .ok_or_else(|| Problem::invalid("/jitter_seconds", "give a whole number"))?,
            enabled: !self.enabled.is_empty(),
        })
    }
}

/// For which site a schedule is to be added.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ForSite {
    site: String,
}

async fn new(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<ForSite>,
) -> Answer<FormPage> {
    let fields = Fields {
        site: wish.site,
        cron: "0 3 * * *".to_owned(),
        timezone: "UTC".to_owned(),
        jitter_seconds: "600".to_owned(),
        enabled: "on".to_owned(),
    };
    let page = service
        .apart(move |service| FormPage::of(service, &viewer, None, fields, None))
        .await?;
    Ok(Shown(page))
}

/// The form once more, with what is wrong in it; or what cannot be mended in it.
async fn again(
    service: Service,
    viewer: Viewer,
    schedule: Option<Schedule>,
    fields: Fields,
    problem: Problem,
) -> Result<Response, Refusal> {
    if problem.pointer.is_none() {
        return Err(problem.into());
    }
    let page = service
        .apart(move |service| {
            FormPage::of(service, &viewer, schedule.as_ref(), fields, Some(problem))
        })
        .await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Shown(page)).into_response())
}

async fn add(State(service): State<Service>, sent: Sent<Fields>) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    let fields = form.clone();
    let added = service
        .apart(move |service| service.add_schedule(form.wish()?))
        .await;
    match added {
        Ok(_) => Ok(Redirect::to("/schedules").into_response()),
        Err(problem) => again(service, viewer, None, fields, problem).await,
    }
}

async fn edit(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<FormPage> {
    let page = service
        .apart(move |service| {
            let schedule = service.schedule(&id)?;
            let fields = Fields::of(&schedule);
            FormPage::of(service, &viewer, Some(&schedule), fields, None)
        })
        .await?;
    Ok(Shown(page))
}

async fn change(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Fields>,
) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    let schedule = service.apart(move |service| service.schedule(&id)).await?;
    let (id, fields) = (schedule.id.clone(), form.clone());
    let changed = service
        .apart(move |service| service.change_schedule(&id, &form.wish()?))
        .await;
    match changed {
        Ok(_) => Ok(Redirect::to("/schedules").into_response()),
        Err(problem) => again(service, viewer, Some(schedule), fields, problem).await,
    }
}

/// Has a schedule ask for audits, or not.
async fn enable(service: Service, id: String, enabled: bool) -> Result<Redirect, Refusal> {
    service
        .apart(move |service| {
            let schedule = service.schedule(&id)?;
            let wish = ScheduleWish {
                site: schedule.site,
                cron: schedule.cron,
                timezone: schedule.timezone,
                jitter_seconds: schedule.jitter_seconds,
                enabled,
            };
            service.change_schedule(&id, &wish)
        })
        .await?;
    Ok(Redirect::to("/schedules"))
}

async fn pause(
    State(service): State<Service>,
    Path(id): Path<String>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    enable(service, id, false).await
}

async fn resume(
    State(service): State<Service>,
    Path(id): Path<String>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    enable(service, id, true).await
}

async fn run(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    let asked_by = sent.viewer.0.name;
    let audit = service
        .apart(move |service| service.run_schedule(&id, &asked_by))
        .await?;
    Ok(Redirect::to(&format!("/audits/{}", audit.id)))
}

#[derive(Template)]
#[template(
    path = "schedule_remove.html",
    config = "src/service/dashboard/askama.toml"
)]
struct RemovePage {
    frame: Frame,
    schedule: ScheduleRow,
}

async fn ask_to_remove(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<RemovePage> {
    let page = service
        .apart(move |service| {
            let schedule = service.schedule(&id)?;
            let site = service.shelves().sites.get(&schedule.site)?;
            let name = site.map_or_else(|| schedule.site.clone(), |site| site.name);
            Ok(RemovePage {
                frame: Frame::new(&viewer, Part::Schedules, "Remove the schedule?"),
                schedule: ScheduleRow::of(&schedule, &name),
            })
        })
        .await?;
    Ok(Shown(page))
}

async fn remove(
    State(service): State<Service>,
    Path(id): Path<String>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    service
        .apart(move |service| service.remove_schedule(&id))
        .await?;
    Ok(Redirect::to("/schedules"))
}
