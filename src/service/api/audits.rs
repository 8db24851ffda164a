//! Audits: asked for, followed, called off.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{created, tag};
use super::{Items, Object, Part, ROOT};
use crate::service::Service;
use crate::service::access::{MayAudit, MayRead};
use crate::service::audit::{Audit, Standing};
use crate::service::error::Problem;
use crate::store::StoreError;

/// Audits looked at for one answer: one that fits few of them has fewer items, and a `next`.
const LOOKED_AT: usize = 2_000;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show))
        .routes(routes!(cancel))
}

/// An audit as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "site": "shop" }))]
struct AuditWanted {
    /// The site's id.
    site: String,
}

/// Which audits are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only those of this site.
    site: Option<String>,
    /// Only those that are this far.
    standing: Option<Standing>,
    /// Begin after this: `next` of the part before.
    #[serde(deserialize_with = "super::cursor")]
    #[param(max_length = 200)]
    after: Option<String>,
    /// Most items; 50 unless said.
    #[serde(deserialize_with = "super::limit")]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

fn no_such_audit() -> Problem {
    Problem::not_found("no such audit; `GET /api/v1/audits` lists them")
}

fn version(audit: &Audit) -> String {
    let run = audit.run.as_deref().unwrap_or_default();
    tag(&[
        &audit.id,
        &format!("{:?}", audit.standing),
        &audit.tries.to_string(),
        run,
    ])
}

/// Audits, newest first. A part may have fewer items than asked for and still a `next`.
#[utoipa::path(
    get,
    path = "/audits",
    tag = "audits",
    params(Wanted),
    responses((status = OK, description = "Audits", body = Items<Audit>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items<Audit>>, Problem> {
    let items = service
        .apart(move |service| Ok(listed(service, &wanted)?))
        .await?;
    Ok(Json(items))
}

fn listed(service: &Service, wanted: &Wanted) -> Result<Items<Audit>, StoreError> {
    let shelf = &service.shelves().audits;
    let part = Part {
        after: wanted.after.clone(),
        limit: wanted.limit,
    };
    let before = wanted.after.as_deref();
    let audits: Box<dyn Iterator<Item = Result<Option<Audit>, StoreError>>> =
        if let Some(site) = &wanted.site {
            let ids = service.board().index().audits_of(site, before, LOOKED_AT);
            Box::new(ids.into_iter().map(|id| shelf.get(&id)))
        } else {
            let newest: Box<dyn Iterator<Item = _>> = match before {
                Some(before) => Box::new(shelf.before(before).rev()),
                None => Box::new(shelf.all().rev()),
            };
            Box::new(newest.map(|entry| entry.map(|(_, audit)| Some(audit))))
        };
    let mut last = None;
    let mut looked_at = 0;
    let fitting = audits
        .take(LOOKED_AT)
        .inspect(|audit| {
            looked_at += 1;
            if let Ok(Some(audit)) = audit {
                last = Some(audit.id.clone());
            }
        })
        .filter_map(Result::transpose)
        .filter(|audit| {
            audit.as_ref().map_or(true, |audit| {
                wanted
                    .standing
                    .is_none_or(|standing| audit.standing == standing)
            })
        });
    let mut items = Items::of(fitting, &part, |audit| audit.id.clone())?;
    if items.next.is_none() && looked_at == LOOKED_AT {
        items.next = last;
    }
    Ok(items)
}

/// Asks for an audit of a site. It waits for its turn; `GET /api/v1/events` tells how it goes on.
#[utoipa::path(
    post,
    path = "/audits",
    tag = "audits",
    request_body = AuditWanted,
    responses(
        (status = CREATED, description = "The audit waits for its turn", body = Audit),
        (status = NOT_FOUND, description = "No such site", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(service): State<Service>,
    MayAudit(caller): MayAudit,
    Object(wanted): Object<AuditWanted>,
) -> Result<Response, Problem> {
    let audit = service
        .apart(move |service| {
            let site = service.site(&wanted.site)?;
            Ok(service.ask(&site, &caller.name)?)
        })
        .await?;
    let place = format!("{ROOT}/audits/{}", audit.id);
    Ok(created(&place, &version(&audit), &audit))
}

/// One audit.
#[utoipa::path(
    get,
    path = "/audits/{id}",
    tag = "audits",
    params(("id" = String, Path, description = "The audit's id")),
    responses((status = OK, description = "The audit", body = Audit)),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<Audit>, Problem> {
    let audit = service
        .apart(move |service| Ok(service.shelves().audits.get(&id)?))
        .await?;
    audit.map(Json).ok_or_else(no_such_audit)
}

/// Calls an audit off: one that waits at once, one that runs when its visits have ended. One that is over stays as it is.
#[utoipa::path(
    post,
    path = "/audits/{id}/cancel",
    tag = "audits",
    params(("id" = String, Path, description = "The audit's id")),
    responses((status = OK, description = "The audit as it is now", body = Audit)),
)]
async fn cancel(
    State(service): State<Service>,
    _: MayAudit,
    Path(id): Path<String>,
) -> Result<Json<Audit>, Problem> {
    let audit = service
        .apart(move |service| Ok(service.call_off(&id)?))
        .await?;
    audit.map(Json).ok_or_else(no_such_audit)
}
