//! Accepted findings: the baseline of a site.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{created, tag};
use super::{Items, Object, Part, ROOT};
use crate::service::Service;
use crate::service::accepted::{AcceptanceWish, Accepted};
use crate::service::access::{MayAudit, MayRead};
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, remove))
}

fn no_such_acceptance() -> Problem {
    Problem::not_found("nothing of that id is accepted; `/sites/{id}/accepted` lists what is")
}

/// What is accepted on a site, oldest first; what has expired, too.
#[utoipa::path(
    get,
    path = "/sites/{id}/accepted",
    tag = "accepted",
    params(("id" = String, Path, description = "The site's id", example = "shop"), Part),
    responses((status = OK, description = "What is accepted", body = Items<Accepted>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Json<Items<Accepted>>, Problem> {
    let items = service
        .apart(move |service| {
            service.site(&id)?;
            let after = part.after.clone().unwrap_or_default();
            let accepted = service.accepted(&id)?.into_iter();
            let accepted = accepted.filter(|accepted| accepted.id > after);
            Items::of(accepted.map(Ok::<_, Problem>), &part, |accepted| {
                accepted.id.clone()
            })
        })
        .await?;
    Ok(Json(items))
}

/// Accepts findings of a site for a time: one by its id, or all that fit a pattern.
#[utoipa::path(
    post,
    path = "/sites/{id}/accepted",
    tag = "accepted",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    request_body = AcceptanceWish,
    responses(
        (status = CREATED, description = "It is accepted", body = Accepted),
        (status = CONFLICT, description = "Too much is accepted on this site", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(service): State<Service>,
    MayAudit(caller): MayAudit,
    Path(id): Path<String>,
    Object(wish): Object<AcceptanceWish>,
) -> Result<Response, Problem> {
    let accepted = service
        .apart(move |service| service.accept(&id, wish, &caller.name))
        .await?;
    let place = format!("{ROOT}/sites/{}/accepted/{}", accepted.site, accepted.id);
    Ok(created(&place, &tag(&[&accepted.id]), &accepted))
}

/// Something that is accepted.
#[utoipa::path(
    get,
    path = "/sites/{id}/accepted/{acceptance}",
    tag = "accepted",
    params(
        ("id" = String, Path, description = "The site's id", example = "shop"),
        ("acceptance" = String, Path, description = "The acceptance's id"),
    ),
    responses((status = OK, description = "What is accepted", body = Accepted)),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path((id, acceptance)): Path<(String, String)>,
) -> Result<Json<Accepted>, Problem> {
    let accepted = service
        .apart(move |service| {
            service.site(&id)?;
            let mut accepted = service.accepted(&id)?.into_iter();
            let found = accepted.find(|accepted| accepted.id == acceptance);
            found.ok_or_else(no_such_acceptance)
        })
        .await?;
    Ok(Json(accepted))
}

/// Takes an acceptance back: what it fitted is open again.
#[utoipa::path(
    delete,
    path = "/sites/{id}/accepted/{acceptance}",
    tag = "accepted",
    params(
        ("id" = String, Path, description = "The site's id", example = "shop"),
        ("acceptance" = String, Path, description = "The acceptance's id"),
    ),
    responses((status = NO_CONTENT, description = "It is not accepted any more")),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAudit,
    Path((id, acceptance)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    service
        .apart(move |service| {
            service.site(&id)?;
            if service.stop_accepting(&id, &acceptance)? {
                Ok(StatusCode::NO_CONTENT)
            } else {
                Err(no_such_acceptance())
            }
        })
        .await
}
