//! Sites: what is audited.

use axum::Json;
use axum::extract::{Path, Query, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Part};
use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;
use crate::service::site::Site;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
}

/// All sites, by id.
#[utoipa::path(
    get,
    path = "/sites",
    tag = "sites",
    params(Part),
    responses(
        (status = OK, body = Items<Site>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
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

/// One site.
#[utoipa::path(
    get,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id")),
    responses(
        (status = OK, body = Site),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<Site>, Problem> {
    let site = service
        .apart(move |service| Ok(service.shelves().sites.get(&id)?))
        .await?;
    site.map(Json)
        .ok_or_else(|| Problem::not_found("no such site; `GET /api/v1/sites` lists them"))
}
