//! Tokens: what programs send instead of signing in.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Object, Part};
use crate::service::Service;
use crate::service::access::journal::Deed;
use crate::service::access::tokens::Token;
use crate::service::access::{Identity, MayRead, Scope};
use crate::service::error::Problem;

/// Days a token lasts unless somebody says otherwise.
const DAYS: u32 = 90;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(remove))
}

/// A token as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is called; no two of an account are called the same.
    #[schema(
        min_length = 1,
        max_length = 60,
        pattern = r"^[^\x00-\x20\x7F-\xA0]([^\x00-\x1F\x7F-\x9F]*[^\x00-\x20\x7F-\xA0])?$"
    )]
    name: String,
    /// What it may do: no more than the account.
    scope: Scope,
    /// How many days it lasts.
    #[serde(default = "days")]
    #[schema(minimum = 1, maximum = 3650, default = 90)]
    days: u32,
}

const fn days() -> u32 {
    DAYS
}

/// A token that was made.
#[derive(Debug, Serialize, ToSchema)]
struct MadeToken {
    /// The token.
    token: Token,
    /// What is sent as `Authorization: Bearer …`. It is shown here and never again.
    secret: String,
}

/// One's own tokens, oldest first; those who may do everything see all.
#[utoipa::path(
    get,
    path = "/tokens",
    tag = "tokens",
    params(Part),
    responses(
        (status = OK, description = "Tokens", body = Items<Token>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    Query(part): Query<Part>,
) -> Result<Json<Items<Token>>, Problem> {
    let after = part.after.clone().unwrap_or_default();
    let tokens = service.access().tokens_of(identity.whose(caller.scope));
    let tokens = tokens.into_iter().filter(|token| token.id > after).map(Ok);
    let items: Result<_, Problem> = Items::of(tokens, &part, |token| token.id.clone());
    Ok(Json(items?))
}

/// Makes a token for one's own account. A token makes others only if it may do everything.
#[utoipa::path(
    post,
    path = "/tokens",
    tag = "tokens",
    request_body = NewToken,
    responses(
        (status = CREATED, description = "The token with its secret", body = MadeToken,
            headers(("Location" = String, description = "Where it can be removed"))),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    Object(new): Object<NewToken>,
) -> Result<impl IntoResponse, Problem> {
    identity.may_manage(caller.scope)?;
    let (token, secret) = service
        .new_token(&identity.account, &new.name, new.scope, new.days)
        .await?;
    let place = format!("/api/v1/tokens/{}", token.id);
    let deed = Deed::new("token made", token.told());
    let secret = secret.expose().to_owned();
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, place)],
        deed,
        Json(MadeToken { token, secret }),
    ))
}

/// Removes a token of one's own; those who may do everything remove any.
#[utoipa::path(
    delete,
    path = "/tokens/{id}",
    tag = "tokens",
    params(("id" = String, Path, description = "The token's id")),
    responses(
        (status = NO_CONTENT, description = "It counts no more"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    Path(id): Path<String>,
) -> Result<(StatusCode, Extension<Deed>), Problem> {
    identity.may_manage(caller.scope)?;
    let whose = identity.whose(caller.scope).map(str::to_owned);
    let removed = service
        .apart(move |service| Ok(service.access().remove_token(whose.as_deref(), &id)?))
        .await?;
    let token = removed
        .ok_or_else(|| Problem::not_found("no such token; `GET /api/v1/tokens` lists them"))?;
    Ok((
        StatusCode::NO_CONTENT,
        Deed::new("token removed", token.told()),
    ))
}
