//! Sites: what is audited.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{Versioned, created, meant_for, tag};
use super::{Items, Object, Part, ROOT};
use crate::service::Service;
use crate::service::access::{MayAdmin, MayAudit, MayRead};
use crate::service::board::SiteStanding;
use crate::service::error::Problem;
use crate::service::site::{Site, SiteWish};

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(standing))
}

/// The version of a site.
fn version(site: &Site) -> String {
    tag(&[&site.id, &site.changed.to_string()])
}

/// All sites, by id.
#[utoipa::path(
    get,
    path = "/sites",
    tag = "sites",
    params(Part),
    responses((status = OK, description = "Sites", body = Items<Site>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(part): Query<Part>,
) -> Result<Json<Items<Site>>, Problem> {
    let items = service
        .apart(move |service| {
            let after = part.after.clone().unwrap_or_default();
            let sites = service.shelves().sites.after(&after);
            let sites = sites.map(|entry| entry.map(|(_, site)| site));
            Ok(Items::of(sites, &part, |site| site.id.clone())?)
        })
        .await?;
    Ok(Json(items))
}

/// Adds a site. Its id is made from its name.
#[utoipa::path(
    post,
    path = "/sites",
    tag = "sites",
    request_body = SiteWish,
    responses((status = CREATED, description = "The site was added", body = Site)),
)]
async fn create(
    State(service): State<Service>,
    _: MayAudit,
    Object(wish): Object<SiteWish>,
) -> Result<Response, Problem> {
    let site = service.apart(move |service| service.add_site(wish)).await?;
    let place = format!("{ROOT}/sites/{}", site.id);
    Ok(created(&place, &version(&site), &site))
}

/// One site.
#[utoipa::path(
    get,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses((status = OK, description = "The site", body = Site)),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Versioned<Site>, Problem> {
    let site = service.apart(move |service| service.site(&id)).await?;
    Ok(Versioned {
        tag: version(&site),
        body: site,
    })
}

/// Changes a site: everything that is not named is as it is for a new one.
#[utoipa::path(
    put,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    request_body = SiteWish,
    responses(
        (status = OK, description = "The site as it is now", body = Site),
        (status = PRECONDITION_FAILED, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(service): State<Service>,
    _: MayAudit,
    Path(id): Path<String>,
    headers: HeaderMap,
    Object(wish): Object<SiteWish>,
) -> Result<Versioned<Site>, Problem> {
    let site = service
        .apart(move |service| {
            service.change_site_if(&id, wish, |site| meant_for(&headers, &version(site)))
        })
        .await?;
    Ok(Versioned {
        tag: version(&site),
        body: site,
    })
}

/// Removes a site with its schedules and what was accepted on it, and cancels its audits. Its runs stay.
#[utoipa::path(
    delete,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses(
        (status = NO_CONTENT, description = "The site is gone"),
        (status = PRECONDITION_FAILED, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    service
        .apart(move |service| {
            meant_for(&headers, &version(&service.site(&id)?))?;
            service.remove_site(&id)?;
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// How a site stands: its last audits, and those that wait or run.
#[utoipa::path(
    get,
    path = "/sites/{id}/standing",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses((status = OK, description = "How it stands", body = SiteStanding)),
)]
async fn standing(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<SiteStanding>, Problem> {
    let standing = service
        .apart(move |service| {
            service.site(&id)?;
            Ok(service.board().site(&id))
        })
        .await?;
    Ok(Json(standing))
}
