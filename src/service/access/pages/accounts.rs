//! All accounts, for those who may do everything.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::{Frame, Told, filters, framed, on_to, page, refused, scopes_to};
use crate::service::Service;
use crate::service::access::accounts::Account;
use crate::service::access::journal::Deed;
use crate::service::access::password::Password;
use crate::service::access::{AccessError, Caller, Identity, MayAdmin, Means, Posted, Scope};

#[derive(Template)]
#[template(path = "accounts.html", config = "src/service/access/askama.toml")]
struct AccountsPage {
    frame: Frame,
    heading: &'static str,
    told: Told,
    accounts: Vec<Account>,
    scopes: Vec<Scope>,
}

fn accounts_page(service: &Service, caller: &Caller, error: Option<&AccessError>) -> Response {
    let heading = "Accounts";
    let told = Told::of(error);
    page(
        StatusCode::OK,
        &AccountsPage {
            frame: framed(heading, Some(caller), &told),
            heading,
            told,
            accounts: service.access().accounts(),
            scopes: scopes_to(Scope::Admin),
        },
    )
}

/// The list again after a change, or with the reason why there was none.
fn answered(
    service: &Service,
    caller: &Caller,
    changed: Result<Account, AccessError>,
    action: &'static str,
) -> Response {
    match changed {
        Ok(account) => {
            let told = format!("{}, scope {}", account.name, account.scope.name());
            (Deed::new(action, told), on_to("/accounts")).into_response()
        }
        Err(error) => refused(error, |error| accounts_page(service, caller, Some(error))),
    }
}

pub(super) async fn list(State(service): State<Service>, MayAdmin(caller): MayAdmin) -> Response {
    accounts_page(&service, &caller, None)
}

#[derive(Deserialize)]
pub(super) struct NewAccount {
    name: String,
    scope: Scope,
    password: Password,
}

pub(super) async fn add(
    State(service): State<Service>,
    MayAdmin(caller): MayAdmin,
    Posted(form): Posted<NewAccount>,
) -> Response {
    let added = service
        .new_account(&form.name, form.scope, form.password)
        .await;
    answered(&service, &caller, added, "account added")
}

#[derive(Deserialize)]
pub(super) struct NewScope {
    name: String,
    scope: Scope,
}

pub(super) async fn set_scope(
    State(service): State<Service>,
    MayAdmin(caller): MayAdmin,
    Posted(form): Posted<NewScope>,
) -> Response {
    let changed = service
        .change_account(&form.name, Some(form.scope), None, None)
        .await;
    answered(&service, &caller, changed, "account changed")
}

#[derive(Deserialize)]
pub(super) struct NewPassword {
    name: String,
    password: Password,
}

pub(super) async fn set_password(
    State(service): State<Service>,
    MayAdmin(caller): MayAdmin,
    identity: Identity,
    Posted(form): Posted<NewPassword>,
) -> Response {
    // Whoever sets their own goes on with this session.
    let but = match identity.means {
        Means::Session { digest } if identity.account == form.name => Some(digest),
        _ => None,
    };
    let changed = service
        .change_account(&form.name, None, Some(form.password), but)
        .await;
    answered(&service, &caller, changed, "account changed, new password")
}

#[derive(Deserialize)]
pub(super) struct AccountChosen {
    name: String,
}

pub(super) async fn remove(
    State(service): State<Service>,
    MayAdmin(caller): MayAdmin,
    Posted(form): Posted<AccountChosen>,
) -> Response {
    match service.drop_account(&form.name).await {
        Ok(()) => (Deed::new("account removed", form.name), on_to("/accounts")).into_response(),
        Err(error) => refused(error, |error| accounts_page(&service, &caller, Some(error))),
    }
}
