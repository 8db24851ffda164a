//! Channels: where alerts go.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Object, Part};
use crate::service::Service;
use crate::service::access::{MayAdmin, MayRead};
use crate::service::alerts::channel::{ChannelShown, Wanted};
use crate::service::alerts::delivery::DeliveryShown;
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(test))
}

/// All channels, by id. Nothing secret is shown.
#[utoipa::path(
    get,
    path = "/channels",
    tag = "channels",
    params(Part),
    responses(
        (status = OK, body = Items<ChannelShown>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(part): Query<Part>,
) -> Result<Json<Items<ChannelShown>>, Problem> {
    let items = service
        .apart(move |service| {
            let after = part.after.clone().unwrap_or_default();
            let channels = service.shelves().channels.after(&after);
            let channels = channels.map(|entry| entry.map(|(_, channel)| channel.into()));
            Ok(Items::of(channels, &part, |channel: &ChannelShown| {
                channel.id.clone()
            })?)
        })
        .await?;
    Ok(Json(items))
}

/// Adds a channel. The secret of a webhook that is made by the service is shown in this answer alone.
#[utoipa::path(
    post,
    path = "/channels",
    tag = "channels",
    request_body = Wanted,
    responses(
        (status = CREATED, body = ChannelShown, headers(("location" = String, description = "The channel"))),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn add(
    State(service): State<Service>,
    _: MayAdmin,
    Object(wanted): Object<Wanted>,
) -> Result<Response, Problem> {
    let channel = service
        .apart(move |service| service.add_channel(wanted))
        .await?;
    let place = format!("/api/v1/channels/{}", channel.id);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, place)],
        Json(channel),
    )
        .into_response())
}

/// One channel.
#[utoipa::path(
    get,
    path = "/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel's id")),
    responses(
        (status = OK, body = ChannelShown),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<ChannelShown>, Problem> {
    let channel = service
        .apart(move |service| Ok(service.shelves().channels.get(&id)?))
        .await?;
    channel
        .map(|channel| Json(channel.into()))
        .ok_or_else(|| Problem::not_found("no such channel; `GET /api/v1/channels` lists them"))
}

/// Changes a channel. What is left out stays; so does a secret, and a password for the same mail server.
#[utoipa::path(
    patch,
    path = "/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel's id")),
    request_body = Wanted,
    responses(
        (status = OK, body = ChannelShown),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
    Object(wanted): Object<Wanted>,
) -> Result<Json<ChannelShown>, Problem> {
    let channel = service
        .apart(move |service| service.change_channel(&id, &wanted))
        .await?;
    Ok(Json(channel))
}

/// Removes a channel. What it was sent stays among the deliveries.
#[utoipa::path(
    delete,
    path = "/channels/{id}",
    tag = "channels",
    params(("id" = String, Path, description = "The channel's id")),
    responses(
        (status = NO_CONTENT, description = "It is removed"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    service
        .apart(move |service| service.remove_channel(&id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to a channel; the delivery says what became of it.
#[utoipa::path(
    post,
    path = "/channels/{id}/test",
    tag = "channels",
    params(("id" = String, Path, description = "The channel's id")),
    responses(
        (status = ACCEPTED, body = DeliveryShown, headers(("location" = String, description = "The delivery"))),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn test(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let delivery = service
        .apart(move |service| service.test_channel(&id))
        .await?;
    Ok(super::deliveries::under_way(delivery))
}
