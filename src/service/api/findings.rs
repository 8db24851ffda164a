//! Findings: of a run, and those of a site that are open.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Part};
use crate::judge::baseline::Baseline;
use crate::model::finding::{Acceptance, Finding, Severity, Verdict};
use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;
use crate::service::runs::RunHead;
use crate::store::StoreError;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(open))
}

/// Which findings are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only those that are so grave.
    severity: Option<Severity>,
    /// Only those of this rule, such as `R02`.
    rule: Option<String>,
    /// Only those of this service, by catalog id.
    service: Option<String>,
    /// Only those that are so sure.
    verdict: Option<Verdict>,
    /// Only those filed under this page.
    page: Option<String>,
    /// Only those that are accepted, or only those that are not.
    accepted: Option<bool>,
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
    fn wants(&self, finding: &Finding) -> bool {
        self.severity
            .is_none_or(|severity| finding.severity == severity)
            && self
                .verdict
                .is_none_or(|verdict| finding.verdict == verdict)
            && self.rule.as_ref().is_none_or(|rule| finding.rule == *rule)
            && self.page.as_ref().is_none_or(|page| finding.page == *page)
            && self
                .service
                .as_ref()
                .is_none_or(|service| finding.service.as_ref() == Some(service))
    }
}

/// What is accepted on the site of a run today.
struct Today {
    baseline: Baseline,
    day: Date,
}

impl Today {
    /// Nothing, where the run has no site. May block.
    fn of(service: &Service, run: &str) -> Result<Self, Problem> {
        let baseline = match service.board().index().site_of(run) {
            Some(site) => service.accepted_baseline(&site)?,
            None => Baseline::default(),
        };
        Ok(Self {
            baseline,
            day: Timestamp::now().to_zoned(TimeZone::UTC).date(),
        })
    }

    fn acceptance(&self, finding: &Finding) -> Option<Acceptance> {
        let told = finding.accepted.clone();
        told.or_else(|| self.baseline.accepts(finding, self.day))
    }

    /// The finding with what is said of it today.
    fn marked(&self, finding: &Finding) -> Finding {
        Finding {
            accepted: self.acceptance(finding),
            ..finding.clone()
        }
    }
}

fn selected(
    service: &Service,
    head: &RunHead,
    wanted: &Wanted,
    also: impl Fn(&Finding) -> bool,
) -> Result<Items<Finding>, Problem> {
    let today = Today::of(service, &head.record.id)?;
    let findings = &head.report.findings;
    let begin = match &wanted.after {
        Some(after) => findings
            .iter()
            .rposition(|finding| finding.id == *after)
            .map_or(findings.len(), |place| place + 1),
        None => 0,
    };
    let fitting = findings
        .iter()
        .skip(begin)
        .filter(|finding| wanted.wants(finding) && also(finding))
        .filter(|finding| {
            wanted
                .accepted
                .is_none_or(|accepted| today.acceptance(finding).is_some() == accepted)
        })
        .map(|finding| Ok::<_, Problem>(today.marked(finding)));
    let part = Part {
        after: None,
        limit: wanted.limit,
    };
    Items::of(fitting, &part, |finding| finding.id.clone())
}

/// The findings of a finished run, gravest first, with what is accepted today.
#[utoipa::path(
    get,
    path = "/runs/{id}/findings",
    tag = "findings",
    params(("id" = String, Path, description = "The run's id, or `last`"), Wanted),
    responses(
        (status = OK, description = "Findings", body = Items<Finding>),
        (status = CONFLICT, description = "The run has not come to its end", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items<Finding>>, Problem> {
    let items = service
        .apart(move |service| {
            let head = service.run_head(&id)?;
            selected(service, &head, &wanted, |_| true)
        })
        .await?;
    Ok(Json(items))
}

/// One finding of a finished run.
#[utoipa::path(
    get,
    path = "/runs/{id}/findings/{finding}",
    tag = "findings",
    params(
        ("id" = String, Path, description = "The run's id, or `last`"),
        ("finding" = String, Path, description = "The finding's id", example = "R02-0123456789ab"),
    ),
    responses(
        (status = OK, description = "The finding", body = Finding),
        (status = CONFLICT, description = "The run has not come to its end", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path((id, finding)): Path<(String, String)>,
) -> Result<Json<Finding>, Problem> {
    let found = service
        .apart(move |service| {
            let head = service.run_head(&id)?;
            let mut findings = head.report.findings.iter();
            let found = findings.find(|held| held.id == finding).ok_or_else(|| {
                Problem::not_found("the run has no such finding; `/runs/{id}/findings` lists them")
            })?;
            Ok(Today::of(service, &head.record.id)?.marked(found))
        })
        .await?;
    Ok(Json(found))
}

/// The open findings of a site: violations and likely ones of its last finished audit that nobody has accepted.
#[utoipa::path(
    get,
    path = "/sites/{id}/findings",
    tag = "findings",
    params(("id" = String, Path, description = "The site's id", example = "shop"), Wanted),
    responses((status = OK, description = "Findings; none when the site was not audited yet", body = Items<Finding>)),
)]
async fn open(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items<Finding>>, Problem> {
    let items = service
        .apart(move |service| {
            service.site(&id)?;
            let Some(head) = last_head(service, &id)? else {
                return Ok(Items {
                    items: Vec::new(),
                    next: None,
                });
            };
            let wanted = Wanted {
                accepted: wanted.accepted.or(Some(false)),
                ..wanted
            };
            selected(service, &head, &wanted, |finding| {
                matches!(finding.verdict, Verdict::Violation | Verdict::Likely)
            })
        })
        .await?;
    Ok(Json(items))
}

/// The head of the run that the last finished audit of a site made; none when there is none, or none any more.
fn last_head(service: &Service, site: &str) -> Result<Option<Arc<RunHead>>, Problem> {
    let standing = service.board().site(site);
    let Some(run) = standing.last_finished().and_then(|point| point.run.clone()) else {
        return Ok(None);
    };
    match service.store().record(&run) {
        Err(StoreError::NoSuchRun(_)) => Ok(None),
        record => {
            record?;
            service.run_head(&run).map(Some)
        }
    }
}
