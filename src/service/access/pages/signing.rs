//! Signing in and out, and the first account.

use askama::Template;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::{Frame, Told, framed, on_to, page, refused};
use crate::service::Service;
use crate::service::access::journal::Deed;
use crate::service::access::password::Password;
use crate::service::access::{AccessError, Caller, Client, Identity, Means, Posted, cookie};
use crate::service::error::Problem;

/// Longest place somebody is brought back to, in bytes.
const LONGEST_PLACE: usize = 2_000;

#[derive(Template)]
#[template(path = "sign-in.html", config = "src/service/access/askama.toml")]
struct SignInPage<'a> {
    frame: Frame,
    heading: &'static str,
    told: Told,
    name: &'a str,
    to: &'a str,
    has_accounts: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Back {
    to: String,
}

#[derive(Deserialize)]
pub(super) struct SignIn {
    name: String,
    password: Password,
    #[serde(default)]
    to: String,
}

/// A place on our own pages somebody may be brought back to; no other site has them sent elsewhere.
fn place(to: &str) -> &str {
    let is_own = to.starts_with('/') && !to.starts_with("//");
    let is_plain = to
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own && is_plain && to.len() <= LONGEST_PLACE {
        to
    } else {
        "/"
    }
}

pub(super) async fn show(
    State(service): State<Service>,
    caller: Option<Extension<Caller>>,
    back: Result<Query<Back>, QueryRejection>,
) -> Response {
    let Query(back) = back.unwrap_or_default();
    if caller.is_some() {
        return on_to(place(&back.to));
    }
    sign_in_page(&service, "", &back.to, None)
}

fn sign_in_page(service: &Service, name: &str, to: &str, error: Option<&AccessError>) -> Response {
    let heading = "Sign in";
    let told = Told::of(error);
    page(
        StatusCode::OK,
        &SignInPage {
            frame: framed(heading, None, &told),
            heading,
            told,
            name,
            to: place(to),
            has_accounts: service.access().has_accounts(),
        },
    )
}

pub(super) async fn sign_in(
    State(service): State<Service>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Form(form): Form<SignIn>,
) -> Response {
    let signed_in = service
        .sign_in(&form.name, form.password, client, &headers)
        .await;
    let error = match signed_in {
        Ok(Some((account, session))) => {
            let deed = Deed::by(format!("account {}", account.name), "sign-in", account.name);
            let mut response = (deed, on_to(place(&form.to))).into_response();
            cookie::set(response.headers_mut(), &session, &service.options().access);
            return response;
        }
        Ok(None) => AccessError::SignIn,
        Err(error) => error,
    };
    let is_wrong = matches!(error, AccessError::SignIn);
    let response = refused(error, |error| {
        sign_in_page(&service, &form.name, &form.to, Some(error))
    });
    if is_wrong && service.access().may_note_failure() {
        // What was typed may be a password in the wrong field: it is told only when it is a name.
        let known = service.access().account_typed(&form.name);
        let subject = known.unwrap_or_else(|| "a name nobody has".to_owned());
        return (Deed::by("nobody", "sign-in refused", subject), response).into_response();
    }
    response
}

#[derive(Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn sign_out(
    State(service): State<Service>,
    identity: Identity,
    Posted(Nothing {}): Posted<Nothing>,
) -> Result<Response, Problem> {
    let Identity { account, means } = identity;
    let deed = Deed::new("sign-out", account.clone());
    if let Means::Session { digest } = means {
        service
            .apart(move |service| Ok(service.access().end_session(&account, &digest)?))
            .await?;
    }
    let mut response = (deed, on_to("/sign-in")).into_response();
    service.forget_session(response.headers_mut());
    Ok(response)
}

#[derive(Template)]
#[template(path = "first-account.html", config = "src/service/access/askama.toml")]
struct FirstPage<'a> {
    frame: Frame,
    heading: &'static str,
    told: Told,
    key: Option<&'a str>,
    name: &'a str,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Link {
    key: String,
}

#[derive(Deserialize)]
pub(super) struct First {
    key: String,
    name: String,
    password: Password,
}

fn first_page(key: Option<&str>, name: &str, error: Option<&AccessError>) -> Response {
    let heading = "The first account";
    let told = Told::of(error);
    page(
        StatusCode::OK,
        &FirstPage {
            frame: framed(heading, None, &told),
            heading,
            told,
            key,
            name,
        },
    )
}

pub(super) async fn show_first(
    State(service): State<Service>,
    link: Result<Query<Link>, QueryRejection>,
) -> Response {
    let key = link.unwrap_or_default().0.key;
    if service.access().is_first_link(&key, Timestamp::now()) {
        first_page(Some(&key), "", None)
    } else {
        refused(AccessError::Link, |error| first_page(None, "", Some(error)))
    }
}

pub(super) async fn make_first(
    State(service): State<Service>,
    Extension(client): Extension<Client>,
    headers: HeaderMap,
    Form(form): Form<First>,
) -> Response {
    let made = service.first_account(
        form.key.clone(),
        &form.name,
        form.password,
        client,
        &headers,
    );
    match made.await {
        Ok((account, session)) => {
            let who = format!("account {}", account.name);
            let deed = Deed::by(who, "first account made", account.name);
            let mut response = (deed, on_to("/")).into_response();
            cookie::set(response.headers_mut(), &session, &service.options().access);
            response
        }
        Err(error) => {
            let key = Some(form.key.as_str()).filter(|_| !matches!(error, AccessError::Link));
            refused(error, |error| first_page(key, &form.name, Some(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (to, expected) in [
            ("/", "/"),
            ("/sites/shop?tab=history", "/sites/shop?tab=history"),
            ("", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("javascript:alert(1)", "/"),
            ("/a\r\nset-cookie: a=b", "/"),
            ("/\t/evil.example", "/"),
            ("/é", "/"),
        ] {
            assert_eq!(place(to), expected, "{to:?}");
        }
        let long = format!("/{}", "a".repeat(LONGEST_PLACE));
        assert_eq!(place(&long), "/");
    }
}
