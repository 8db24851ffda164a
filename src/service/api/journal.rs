//! The journal: who did what. For those who may do everything.

use axum::Json;
use axum::extract::{Query, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Part};
use crate::service::Service;
use crate::service::access::MayAdmin;
use crate::service::access::journal::Entry;
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Who did what, newest first.
#[utoipa::path(
    get,
    path = "/journal",
    tag = "journal",
    params(Part),
    responses(
        (status = OK, description = "Entries", body = Items<Entry>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayAdmin,
    Query(part): Query<Part>,
) -> Result<Json<Items<Entry>>, Problem> {
    let items = service
        .apart(move |service| {
            let entries = service.access().entries_before(part.after.as_deref());
            Ok(Items::of(entries, &part, |entry| entry.id.clone())?)
        })
        .await?;
    Ok(Json(items))
}
