//! Accounts: who may sign in, and what they may then. For those who may do everything.

use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::{Extension, Json};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Object, Part};
use crate::service::Service;
use crate::service::access::accounts::Account;
use crate::service::access::journal::Deed;
use crate::service::access::password::Password;
use crate::service::access::{AccessError, MayAdmin, Scope};
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
}

/// An account as it is added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAccount {
    /// Its name; letters are kept in lower case.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9][A-Za-z0-9._@+-]*$"
    )]
    name: String,
    /// What it may do.
    scope: Scope,
    /// At least 12 characters.
    password: Password,
}

/// What is changed of an account; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountChange {
    /// What it may do from now on.
    #[serde(default)]
    scope: Option<Scope>,
    /// Its new password, which ends its sessions.
    #[serde(default)]
    password: Option<Password>,
}

/// All accounts, by name.
#[utoipa::path(
    get,
    path = "/accounts",
    tag = "accounts",
    params(Part),
    responses(
        (status = OK, description = "Accounts", body = Items<Account>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayAdmin,
    Query(part): Query<Part>,
) -> Result<Json<Items<Account>>, Problem> {
    let after = part.after.clone().unwrap_or_default();
    let accounts = service.access().accounts().into_iter();
    let accounts = accounts.filter(|account| account.name > after).map(Ok);
    let items: Result<_, Problem> = Items::of(accounts, &part, |account| account.name.clone());
    Ok(Json(items?))
}

/// Adds an account.
#[utoipa::path(
    post,
    path = "/accounts",
    tag = "accounts",
    request_body = NewAccount,
    responses(
        (status = CREATED, description = "The account", body = Account,
            headers(("Location" = String, description = "Where it is"))),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(service): State<Service>,
    _: MayAdmin,
    Object(new): Object<NewAccount>,
) -> Result<impl IntoResponse, Problem> {
    let account = service
        .new_account(&new.name, new.scope, new.password)
        .await?;
    let place = format!("/api/v1/accounts/{}", account.name);
    let deed = Deed::new("account added", told(&account));
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, place)],
        deed,
        Json(account),
    ))
}

/// What the journal says of an account.
fn told(account: &Account) -> String {
    format!("{}, scope {}", account.name, account.scope.name())
}

/// One account.
#[utoipa::path(
    get,
    path = "/accounts/{name}",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name")),
    responses(
        (status = OK, description = "The account", body = Account),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayAdmin,
    Path(name): Path<String>,
) -> Result<Json<Account>, Problem> {
    let account = service.access().account(&name);
    let account = account.ok_or(AccessError::Unknown(name))?;
    Ok(Json(account))
}

/// Changes what an account may do, or its password.
#[utoipa::path(
    patch,
    path = "/accounts/{name}",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name")),
    request_body = AccountChange,
    responses(
        (status = OK, description = "The account as it is now", body = Account),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(service): State<Service>,
    _: MayAdmin,
    Path(name): Path<String>,
    Object(change): Object<AccountChange>,
) -> Result<(Extension<Deed>, Json<Account>), Problem> {
    let has_new_password = change.password.is_some();
    let account = service
        .change_account(&name, change.scope, change.password, None)
        .await?;
    let deed = if has_new_password {
        Deed::new("account changed, new password", told(&account))
    } else {
        Deed::new("account changed", told(&account))
    };
    Ok((deed, Json(account)))
}

/// Removes an account with its sessions and tokens.
#[utoipa::path(
    delete,
    path = "/accounts/{name}",
    tag = "accounts",
    params(("name" = String, Path, description = "The account's name")),
    responses(
        (status = NO_CONTENT, description = "It is gone"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAdmin,
    Path(name): Path<String>,
) -> Result<(StatusCode, Extension<Deed>), Problem> {
    let deed = Deed::new("account removed", name.clone());
    service.drop_account(&name).await?;
    Ok((StatusCode::NO_CONTENT, deed))
}
