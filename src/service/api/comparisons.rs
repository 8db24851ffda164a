//! Comparisons: two runs, or two states, side by side.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{is_known, json, unchanged};
use super::runs::version;
use crate::compare::{Comparison, Side, compare};
use crate::model::visit::State as VisitState;
use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;
use crate::service::runs::{head_of, page_problem};

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(show))
}

/// What is compared.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// The first run's id, or `last`.
    before: String,
    /// Only this state of the first run.
    before_state: Option<VisitState>,
    /// The second run's id, or `last`.
    after: String,
    /// Only this state of the second run.
    after_state: Option<VisitState>,
}

/// What changed between two finished runs, or two states of one: items, services, findings, pages.
#[utoipa::path(
    get,
    path = "/comparisons",
    tag = "comparisons",
    params(Wanted),
    responses(
        (status = OK, description = "What changed", body = Comparison),
        (status = NOT_FOUND, description = "No such run", body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, description = "A run has not come to its end", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Query(wanted): Query<Wanted>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let _turn = service.turn().await?;
    service
        .apart(move |service| {
            let catalog = service.catalog()?;
            let before = service.store().record(&wanted.before)?;
            let after = service.store().record(&wanted.after)?;
            let states = format!("{:?} {:?}", wanted.before_state, wanted.after_state);
            let second = version(&after, &[]);
            let tag = version(&before, &[&second, &states, &catalog.info().version]);
            let first = service.store().run(&before.id)?;
            let second = service.store().run(&after.id)?;
            if is_known(&headers, &tag) {
                return Ok(unchanged(&tag));
            }
            let comparison = compare(
                &Side {
                    head: head_of(&first)?,
                    pages: &first,
                    state: wanted.before_state,
                },
                &Side {
                    head: head_of(&second)?,
                    pages: &second,
                    state: wanted.after_state,
                },
                &catalog,
            )
            .map_err(|error| page_problem(&error))?;
            let bytes =
                serde_json::to_vec(&comparison).map_err(|error| Problem::internal(&error))?;
            Ok(json(&tag, bytes))
        })
        .await
}
