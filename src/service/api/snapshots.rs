//! Snapshots: the pages of a run, and all that one visit recorded.

use std::borrow::Cow;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{is_known, json, unchanged};
use super::runs::version;
use super::{Items, Part};
use crate::model::visit::Visit;
use crate::report::shown_page;
use crate::service::Service;
use crate::service::access::{Caller, MayRead, Scope};
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(visit))
}

/// Whether raw values are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Redact {
    /// Fingerprints stand in the place of values.
    #[default]
    On,
    /// The raw values: personal data, for whoever administers the service.
    Off,
}

impl Redact {
    /// Raw values are for whoever may do everything.
    pub(super) fn check(self, caller: &Caller) -> Result<bool, Problem> {
        if self == Self::Off && caller.scope < Scope::Admin {
            return Err(Problem::forbidden(
                "raw values are personal data: they are shown to those who administer the service",
            ));
        }
        Ok(self == Self::On)
    }
}

/// Whether raw values are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// `off` for raw values, which only those who administer the service may see.
    #[param(inline)]
    redact: Redact,
}

/// A page of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct PageSeen {
    /// Its number in the run, from 1.
    number: u64,
    /// Its address as given.
    url: String,
    /// Every visit ran to its end.
    complete: bool,
}

/// The pages of a run, in their order.
#[utoipa::path(
    get,
    path = "/runs/{id}/pages",
    tag = "snapshots",
    params(("id" = String, Path, description = "The run's id, or `last`"), Part),
    responses((status = OK, description = "Pages", body = Items<PageSeen>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Items<PageSeen>>, Problem> {
    let items = service
        .apart(move |service| {
            let record = service.store().record(&id)?;
            let after = match part.after.as_deref() {
                // What is no number comes after all of them.
                Some(after) => after.parse().unwrap_or(u64::MAX),
                None => 0,
            };
            let pages = service.store().page_records(&record.id, after);
            let pages = pages.map(|page| {
                page.map(|(number, page)| PageSeen {
                    number,
                    url: page.url,
                    complete: page.complete,
                })
            });
            Ok(Items::of(pages, &part, |page| page.number.to_string())?)
        })
        .await?;
    Ok(Json(items))
}

/// One visit with all that it recorded: the snapshot. Pictures are named by their digests.
#[utoipa::path(
    get,
    path = "/runs/{id}/pages/{number}/visits/{visit}",
    tag = "snapshots",
    params(
        ("id" = String, Path, description = "The run's id, or `last`"),
        ("number" = u64, Path, description = "The page's number, from 1", minimum = 1, maximum = 1_000_000_000),
        ("visit" = usize, Path, description = "The visit's place among those of the page, from 1", minimum = 1, maximum = 1_000_000_000),
        Wanted,
    ),
    responses((status = OK, description = "The visit", body = Visit)),
)]
async fn visit(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    Path((id, number, place)): Path<(String, u64, usize)>,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let redact = wanted.redact.check(&caller)?;
    let _turn = service.turn().await?;
    service
        .apart(move |service| {
            let record = service.store().record(&id)?;
            let held = service.store().page_record(&record.id, number)?;
            let held = held.ok_or_else(|| {
                Problem::not_found("the run has no such page; `/runs/{id}/pages` lists them")
            })?;
            let shown = if redact { "redacted" } else { "raw" };
            let parts = [held.digest.as_str(), &place.to_string(), shown];
            let tag = version(&record, &parts);
            let page = service.store().read_page(&held)?;
            let page = shown_page(Cow::Owned(page), redact, false);
            let visit: Option<&Visit> = place.checked_sub(1).and_then(|at| page.visits.get(at));
            let visit = visit.ok_or_else(|| {
                Problem::not_found(format!("the page has {} visits", page.visits.len()))
            })?;
            if is_known(&headers, &tag) {
                return Ok(unchanged(&tag));
            }
            let bytes = serde_json::to_vec(visit).map_err(|error| Problem::internal(&error))?;
            Ok(json(&tag, bytes).into_response())
        })
        .await
}
