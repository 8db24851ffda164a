//! Deliveries: alerts on their way, and what became of them.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Part};
use crate::service::Service;
use crate::service::access::{MayAdmin, MayRead};
use crate::service::alerts::delivery::{Delivery, DeliveryShown};
use crate::service::error::Problem;

/// Deliveries looked through for one answer; `next` goes on where that ended.
const LOOKED_THROUGH: usize = 5_000;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(again))
}

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Filter {
    /// Only those to this channel.
    channel: Option<String>,
    /// Only those about this site.
    site: Option<String>,
    /// Begin after this: `next` of the part before.
    after: Option<String>,
    /// Most items, up to 500; 50 unless said.
    limit: Option<usize>,
}

impl Filter {
    fn takes(&self, delivery: &Delivery) -> bool {
        let is = |wanted: Option<&str>, value: &str| wanted.is_none_or(|wanted| wanted == value);
        is(self.channel.as_deref(), &delivery.channel)
            && is(self.site.as_deref(), &delivery.message.site.id)
    }
}

/// Deliveries, newest first.
#[utoipa::path(
    get,
    path = "/deliveries",
    tag = "deliveries",
    params(Filter),
    responses(
        (status = OK, body = Items<DeliveryShown>),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(filter): Query<Filter>,
) -> Result<Json<Items<DeliveryShown>>, Problem> {
    let items = service
        .apart(move |service| {
            let shelf = &service.shelves().deliveries;
            let part = Part {
                after: filter.after.clone(),
                limit: filter.limit,
            };
            let mut items = Items {
                items: Vec::new(),
                next: None,
            };
            let newest_first: Box<dyn Iterator<Item = _>> = match &part.after {
                Some(after) => Box::new(shelf.before(after).rev()),
                None => Box::new(shelf.all().rev()),
            };
            for (count, entry) in newest_first.enumerate() {
                let (_, delivery) = entry?;
                let takes = filter.takes(&delivery);
                if takes && items.items.len() >= part.limit() {
                    items.next = items
                        .items
                        .last()
                        .map(|last: &DeliveryShown| last.id.clone());
                    break;
                }
                let id = delivery.id.clone();
                if takes {
                    items.items.push(delivery.into());
                }
                if count + 1 >= LOOKED_THROUGH {
                    items.next = Some(id);
                    break;
                }
            }
            Ok(items)
        })
        .await?;
    Ok(Json(items))
}

/// One delivery, with what it says.
#[utoipa::path(
    get,
    path = "/deliveries/{id}",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id")),
    responses(
        (status = OK, body = DeliveryShown),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<DeliveryShown>, Problem> {
    let delivery = service
        .apart(move |service| Ok(service.shelves().deliveries.get(&id)?))
        .await?;
    delivery
        .map(|delivery| Json(DeliveryShown::whole(delivery)))
        .ok_or_else(|| Problem::not_found("no such delivery; `GET /api/v1/deliveries` lists them"))
}

/// Sends a delivery that arrived or was given up once more, under the same id.
#[utoipa::path(
    post,
    path = "/deliveries/{id}/again",
    tag = "deliveries",
    params(("id" = String, Path, description = "The delivery's id")),
    responses(
        (status = ACCEPTED, body = DeliveryShown, headers(("location" = String, description = "The delivery"))),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn again(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let delivery = service
        .apart(move |service| service.deliver_again(&id))
        .await?;
    Ok(under_way(delivery))
}

/// The answer that names a delivery which will be tried.
pub(super) fn under_way(delivery: Delivery) -> Response {
    let place = format!("/api/v1/deliveries/{}", delivery.id);
    let shown = DeliveryShown::from(delivery);
    (
        StatusCode::ACCEPTED,
        [(header::LOCATION, place)],
        Json(shown),
    )
        .into_response()
}
