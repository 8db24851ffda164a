//! The pages people sign in on and look after accounts, tokens and sessions; without script.

mod account;
mod accounts;
mod journal;
mod signing;
mod tokens;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};

use super::{AccessError, Caller, Scope, Service};
use crate::service::dashboard::frame::Frame;
use crate::service::error::Problem;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/sign-in", get(signing::show).post(signing::sign_in))
        .route("/sign-out", post(signing::sign_out))
        .route(
            "/first-account",
            get(signing::show_first).post(signing::make_first),
        )
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route("/account/sessions/end", post(account::end_session))
        .route("/account/sessions/end-all", post(account::end_all_sessions))
        .route("/accounts", get(accounts::list).post(accounts::add))
        .route("/accounts/password", post(accounts::set_password))
        .route("/accounts/remove", post(accounts::remove))
        .route("/accounts/scope", post(accounts::set_scope))
        .route("/journal", get(journal::list))
        .route("/tokens", get(tokens::list).post(tokens::make))
        .route("/tokens/remove", post(tokens::remove))
}

/// What stands around a page.
fn framed(heading: &str, caller: Option<&Caller>, told: &Told) -> Frame {
    // Whoever does not see the page hears first that something is wrong.
    let title = match told.error {
        Some(_) => format!("Error: {heading}"),
        None => heading.to_owned(),
    };
    Frame::around(caller, title)
}

/// What a page has to say of what was sent before.
#[derive(Debug, Default)]
struct Told {
    /// Why it was not done.
    error: Option<String>,
    /// What was done.
    done: Option<&'static str>,
}

impl Told {
    fn of(error: Option<&AccessError>) -> Self {
        Self {
            error: error.map(ToString::to_string),
            done: None,
        }
    }
}

impl Scope {
    /// What it allows, for those who choose.
    fn meaning(self) -> &'static str {
        match self {
            Self::Read => "look at everything but accounts and secrets",
            Self::Audit => "also add sites, ask for audits, keep schedules",
            Self::Admin => "everything",
        }
    }
}

/// The scopes up to that one.
fn scopes_to(most: Scope) -> Vec<Scope> {
    let scopes = Scope::ALL.into_iter();
    scopes.filter(|scope| *scope <= most).collect()
}

/// Writes a page.
fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => Problem::internal(&error).into_response(),
    }
}

/// Sends the browser on after something was done, so that loading again does not do it again.
fn on_to(place: &str) -> Response {
    Redirect::to(place).into_response()
}

/// The status of a page that says why something was not done, and how long to wait.
fn refused(error: AccessError, render: impl FnOnce(&AccessError) -> Response) -> Response {
    let mut response = render(&error);
    let problem = Problem::from(error);
    if let Ok(status) = StatusCode::from_u16(problem.status) {
        *response.status_mut() = status;
    }
    if let Some(seconds) = problem.retry_after {
        let headers = response.headers_mut();
        headers.insert(axum::http::header::RETRY_AFTER, seconds.into());
    }
    response
}

/// Filters of the templates.
#[expect(
    unreachable_pub,
    clippy::inline_always,
    clippy::unnecessary_wraps,
    clippy::unused_self,
    reason = "the macro makes it so"
)]
mod filters {
    use jiff::Timestamp;

    /// A moment as people read it.
    #[askama::filter_fn]
    pub(super) fn moment(at: &Timestamp, _: &dyn askama::Values) -> askama::Result<String> {
        Ok(at.strftime("%Y-%m-%d %H:%M UTC").to_string())
    }
}
