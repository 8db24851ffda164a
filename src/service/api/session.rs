//! Who one is, and signing out.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::service::Service;
use crate::service::access::journal::Deed;
use crate::service::access::{Identity, MayRead, Means, Scope};
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(show, end))
}

/// Who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Asker {
    /// As the journal names them.
    name: String,
    /// The account.
    account: String,
    /// What they may do.
    scope: Scope,
    /// What a browser that is signed in has to send as `X-CSRF-Token` when it changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf: Option<String>,
}

/// Who one is, and what one may do.
#[utoipa::path(
    get,
    path = "/session",
    tag = "session",
    responses(
        (status = OK, description = "Who asks", body = Asker),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(MayRead(caller): MayRead, identity: Identity) -> Json<Asker> {
    Json(Asker {
        name: caller.name,
        account: identity.account,
        scope: caller.scope,
        csrf: caller.csrf,
    })
}

/// Signs out.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "session",
    responses(
        (status = NO_CONTENT, description = "Signed out"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn end(State(service): State<Service>, identity: Identity) -> Result<Response, Problem> {
    let Means::Session { digest } = identity.means else {
        return Err(Problem::conflict(
            "a token has no session; `DELETE /api/v1/tokens/{id}` removes it",
        ));
    };
    let deed: Extension<Deed> = Deed::new("sign-out", identity.account.clone());
    service
        .apart(move |service| Ok(service.access().end_session(&identity.account, &digest)?))
        .await?;
    let mut response = (StatusCode::NO_CONTENT, deed).into_response();
    service.forget_session(response.headers_mut());
    Ok(response)
}
