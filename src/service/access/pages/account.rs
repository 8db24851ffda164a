//! One's own account: its password, and where one is signed in.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::signing::Nothing;
use super::{Frame, Told, filters, framed, on_to, page, refused};
use crate::service::Service;
use crate::service::access::accounts::Account;
use crate::service::access::journal::Deed;
use crate::service::access::password::Password;
use crate::service::access::{AccessError, Caller, Client, Identity, MayRead, Means, Posted};
use crate::service::error::Problem;

#[derive(Template)]
#[template(path = "account.html", config = "src/service/access/askama.toml")]
struct AccountPage {
    frame: Frame,
    heading: &'static str,
    told: Told,
    account: Account,
    sessions: Vec<SessionLine>,
}

/// A session as it is listed.
struct SessionLine {
    id: String,
    agent: String,
    address: String,
    created: Timestamp,
    used: Timestamp,
    is_this: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Done {
    done: String,
}

impl Done {
    /// In words, what was done before the page was loaded.
    fn told(&self) -> Option<&'static str> {
        match self.done.as_str() {
            "password" => Some("The password was changed, and all other sessions ended."),
            "session" => Some("The session was ended."),
            _ => None,
        }
    }
}

fn account_page(
    service: &Service,
    caller: &Caller,
    identity: &Identity,
    done: Option<&'static str>,
    error: Option<&AccessError>,
) -> Response {
    let Some(account) = service.access().account(&identity.account) else {
        return Problem::from(AccessError::Unknown(identity.account.clone())).into_response();
    };
    let now = Timestamp::now();
    let sessions = service.access().sessions_of(&account.name, now).into_iter();
    let mut sessions: Vec<SessionLine> = sessions
        .map(|(id, session)| SessionLine {
            is_this: identity.means == Means::Session { digest: id.clone() },
            id,
            agent: Some(session.agent)
                .filter(|agent| !agent.is_empty())
                .unwrap_or_else(|| "a program without a name".to_owned()),
            address: session
                .address
                .map_or_else(String::new, |address| address.to_string()),
            created: session.created,
            used: session.used,
        })
        .collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.used));
    let heading = "Account";
    let told = Told {
        done,
        ..Told::of(error)
    };
    page(
        StatusCode::OK,
        &AccountPage {
            frame: framed(heading, Some(caller), &told),
            heading,
            told,
            account,
            sessions,
        },
    )
}

pub(super) async fn show(
    State(service): State<Service>,
    MayRead(caller): MayRead,
    identity: Identity,
    done: Result<Query<Done>, QueryRejection>,
) -> Response {
    let Query(done) = done.unwrap_or_default();
    account_page(&service, &caller, &identity, done.told(), None)
}

#[derive(Deserialize)]
pub(super) struct PasswordChange {
    current: Password,
    password: Password,
}

pub(super) async fn change_password(
    State(service): State<Service>,
    Extension(client): Extension<Client>,
    MayRead(caller): MayRead,
    identity: Identity,
    Posted(form): Posted<PasswordChange>,
) -> Response {
    let but = match &identity.means {
        Means::Session { digest } => Some(digest.clone()),
        Means::Token { .. } => None,
    };
    let changed = async {
        let name = &identity.account;
        if !service.fits(name, form.current, client).await? {
            return Err(AccessError::CurrentPassword);
        }
        service
            .change_account(name, None, Some(form.password), but)
            .await
    };
    match changed.await {
        Ok(account) => {
            let deed = Deed::new("own password changed", account.name);
            (deed, on_to("/account?done=password")).into_response()
        }
        Err(error) => refused(error, |error| {
            account_page(&service, &caller, &identity, None, Some(error))
        }),
    }
}

#[derive(Deserialize)]
pub(super) struct SessionChosen {
    id: String,
}

pub(super) async fn end_session(
    State(service): State<Service>,
    _: MayRead,
    identity: Identity,
    Posted(form): Posted<SessionChosen>,
) -> Result<Response, Problem> {
    let deed = Deed::new("session ended", identity.account.clone());
    service
        .apart(move |service| Ok(service.access().end_session(&identity.account, &form.id)?))
        .await?;
    Ok((deed, on_to("/account?done=session")).into_response())
}

pub(super) async fn end_all_sessions(
    State(service): State<Service>,
    _: MayRead,
    identity: Identity,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let deed = Deed::new("signed out everywhere", identity.account.clone());
    service
        .apart(move |service| Ok(service.access().end_all_sessions(&identity.account)?))
        .await?;
    let mut response = (deed, on_to("/sign-in")).into_response();
    service.forget_session(response.headers_mut());
    Ok(response)
}
