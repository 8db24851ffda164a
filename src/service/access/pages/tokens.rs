//! Tokens: one's own, and everybody's for those who may do everything.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Frame, Told, filters, framed, on_to, page, refused, scopes_to};
use crate::service::Service;
use crate::service::access::journal::Deed;
use crate::service::access::tokens::Token;
use crate::service::access::{AccessError, Caller, Identity, MayRead, Posted, Scope};
use crate::service::error::Problem;

#[derive(Template)]
#[template(path = "tokens.html", config = "src/service/access/askama.toml")]
struct TokensPage<'a> {
    frame: Frame,
    heading: &'static str,
    told: Told,
    secret: Option<&'a str>,
    scopes: Vec<Scope>,
    tokens: Vec<Token>,
}

fn tokens_page(
    service: &Service,
    caller: &Caller,
    identity: &Identity,
    secret: Option<&str>,
    error: Option<&AccessError>,
) -> Response {
    let heading = "Tokens";
    let told = Told::of(error);
    page(
        StatusCode::OK,
        &TokensPage {
            secret,
            scopes: scopes_to(caller.scope),
            tokens: service.access().tokens_of(identity.whose(caller.scope)),
            frame: framed(heading, Some(caller), &told),
            heading,
            told,
        },
    )
}

pub(super) async fn list(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
) -> Response {
    tokens_page(&service, &caller, &identity, None, None)
}

#[derive(Deserialize)]
pub(super) struct NewToken {
    name: String,
    scope: Scope,
    days: u32,
}

/// Makes a token, and answers with the one page that shows its secret.
pub(super) async fn make(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    Posted(form): Posted<NewToken>,
) -> Response {
    let made = service
        .new_token(&identity.account, &form.name, form.scope, form.days)
        .await;
    match made {
        Ok((token, secret)) => {
            let deed = Deed::new("token made", token.told());
            let shown = Some(secret.expose());
            let answer = tokens_page(&service, &caller, &identity, shown, None);
            (deed, answer).into_response()
        }
        Err(error) => refused(error, |error| {
            tokens_page(&service, &caller, &identity, None, Some(error))
        }),
    }
}

#[derive(Deserialize)]
pub(super) struct TokenChosen {
    id: String,
}

pub(super) async fn remove(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    Posted(form): Posted<TokenChosen>,
) -> Result<Response, Problem> {
    let whose = identity.whose(caller.scope).map(str::to_owned);
    let removed = service
        .apart(move |service| Ok(service.access().remove_token(whose.as_deref(), &form.id)?))
        .await?;
    let token = removed.ok_or_else(|| Problem::not_found("there is no such token any more"))?;
    Ok((Deed::new("token removed", token.told()), on_to("/tokens")).into_response())
}
