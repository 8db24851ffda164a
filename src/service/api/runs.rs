//! Runs: what audits made.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{Versioned, tag};
use super::{Items, Part};
use crate::model::finding::RuleOutcome;
use crate::model::report::{Run, ServiceSeen, Summary};
use crate::service::Service;
use crate::service::access::{MayAdmin, MayRead};
use crate::service::error::Problem;
use crate::store::{Kind, RunRecord, StoreError};

/// Runs looked at for one answer: one that fits few of them has fewer items, and a `next`.
const LOOKED_AT: usize = 2_000;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show, remove))
}

/// What is known of a run without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct RunSeen {
    /// Its id; sorts by time.
    id: String,
    /// The site whose audit made it; absent for a run the service did not make.
    site: Option<String>,
    /// How it came about.
    kind: Kind,
    /// When it began.
    started: Timestamp,
    /// When it ended; absent while it goes on or can be gone on with.
    finished: Option<Timestamp>,
    /// How many pages it has.
    page_count: usize,
    /// The first of its pages.
    pages: Vec<String>,
    /// What came out.
    summary: Summary,
}

impl RunSeen {
    fn of(service: &Service, record: RunRecord) -> Self {
        Self {
            site: service.board().index().site_of(&record.id),
            id: record.id,
            kind: record.kind,
            started: record.started,
            finished: record.finished,
            page_count: record.page_count,
            pages: record.pages,
            summary: record.summary,
        }
    }
}

/// A run without its pages and findings, which have addresses of their own.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct RunShown<'a> {
    /// Its id; sorts by time.
    #[schema(value_type = String)]
    id: &'a str,
    /// The site whose audit made it; absent for a run the service did not make.
    site: Option<String>,
    /// How it came about.
    kind: Kind,
    /// How many pages it has.
    page_count: usize,
    /// How many findings it has.
    finding_count: usize,
    /// The run and the versions of everything that shaped it.
    #[schema(value_type = Run)]
    run: &'a Run,
    /// The services seen.
    #[schema(value_type = Vec<ServiceSeen>)]
    services: &'a [ServiceSeen],
    /// What came of every rule.
    #[schema(value_type = Vec<RuleOutcome>)]
    rules: &'a [RuleOutcome],
    /// The answers in short.
    #[schema(value_type = Summary)]
    summary: &'a Summary,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only those of this site.
    site: Option<String>,
    /// Only those that came about like that.
    kind: Option<Kind>,
    /// Only those that have come to their end, or only those that have not.
    finished: Option<bool>,
    /// Begin after this: `next` of the part before.
    #[serde(deserialize_with = "super::cursor")]
    #[param(max_length = 200)]
    after: Option<String>,
    /// Most items; 50 unless said.
    #[serde(deserialize_with = "super::limit")]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Wanted {
    fn wants(&self, record: &RunRecord) -> bool {
        self.kind.is_none_or(|kind| kind == record.kind)
            && self
                .finished
                .is_none_or(|finished| finished == record.finished.is_some())
    }
}

/// Runs, newest first. A part may have fewer items than asked for and still a `next`.
#[utoipa::path(
    get,
    path = "/runs",
    tag = "runs",
    params(Wanted),
    responses((status = OK, description = "Runs", body = Items<RunSeen>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items<RunSeen>>, Problem> {
    let items = service
        .apart(move |service| Ok(listed(service, &wanted)?))
        .await?;
    Ok(Json(items))
}

fn listed(service: &Service, wanted: &Wanted) -> Result<Items<RunSeen>, StoreError> {
    let part = Part {
        after: wanted.after.clone(),
        limit: wanted.limit,
    };
    let before = wanted.after.as_deref();
    let runs: Box<dyn Iterator<Item = Result<RunRecord, StoreError>>> = match &wanted.site {
        Some(site) => {
            let ids = service.board().index().runs_of(site, before, LOOKED_AT);
            let store = service.store().clone();
            let records = ids.into_iter().map(move |id| store.record(&id));
            // What is deleted meanwhile is not there any more.
            Box::new(records.filter(|record| !matches!(record, Err(StoreError::NoSuchRun(_)))))
        }
        None => Box::new(service.store().runs_before(before)),
    };
    let mut last = None;
    let mut looked_at = 0;
    let fitting = runs
        .take(LOOKED_AT)
        .inspect(|record| {
            looked_at += 1;
            if let Ok(record) = record {
                last = Some(record.id.clone());
            }
        })
        .filter(|record| record.as_ref().map_or(true, |record| wanted.wants(record)))
        .map(|record| record.map(|record| RunSeen::of(service, record)));
    let mut items = Items::of(fitting, &part, |run| run.id.clone())?;
    if items.next.is_none() && looked_at == LOOKED_AT {
        items.next = last;
    }
    Ok(items)
}

/// A finished run, without pages and findings: `/runs/{id}/pages` and `/runs/{id}/findings` have those.
#[utoipa::path(
    get,
    path = "/runs/{id}",
    tag = "runs",
    params(("id" = String, Path, description = "The run's id, or `last`")),
    responses(
        (status = OK, description = "The run", body = RunShown),
        (status = CONFLICT, description = "The run has not come to its end", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (head, site) = service
        .apart(move |service| {
            let head = service.run_head(&id)?;
            let site = service.board().index().site_of(&head.record.id);
            Ok((head, site))
        })
        .await?;
    let report = &head.report;
    let shown = Versioned {
        tag: version(&head.record, &[site.as_deref().unwrap_or_default()]),
        body: RunShown {
            id: &head.record.id,
            site,
            kind: head.record.kind,
            page_count: head.record.page_count,
            finding_count: report.findings.len(),
            run: &report.run,
            services: &report.services,
            rules: &report.rules,
            summary: &report.summary,
        },
    };
    Ok(shown.into_response())
}

/// The version of what is made of a run: the run, this program, and whatever else goes into it.
pub(super) fn version(record: &RunRecord, more: &[&str]) -> String {
    let digest = record.head.as_ref().map_or("", |digest| digest.as_str());
    let mut parts = vec![env!("CARGO_PKG_VERSION"), &record.id, digest];
    parts.extend(more);
    tag(&parts)
}

/// Deletes a run with its evidence.
#[utoipa::path(
    delete,
    path = "/runs/{id}",
    tag = "runs",
    params(("id" = String, Path, description = "The run's id")),
    responses(
        (status = NO_CONTENT, description = "The run is gone"),
        (status = CONFLICT, description = "An audit that is going on makes it", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    if id == "last" {
        // What is last may be another one by now.
        return Err(Problem::not_found(
            "name the run that is to be deleted by its id",
        ));
    }
    service
        .apart(move |service| service.delete_run(&id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
