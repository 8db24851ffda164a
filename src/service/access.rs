//! Who asks, and what they may.

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Service;
use super::error::Problem;

/// What somebody may do; each includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Look at everything but accounts, tokens and secrets.
    Read,
    /// Add sites, ask for audits, accept findings, keep schedules.
    Audit,
    /// Everything.
    Admin,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As the journal names them: `account anna@example.com`, `token nightly`.
    pub name: String,
    /// What they may do.
    pub scope: Scope,
    /// What forms of this session have to carry; absent when a token asks, which no browser sends by itself.
    pub csrf: Option<String>,
}

/// A caller who may look. As an argument of a handler it keeps everybody else out.
#[derive(Debug, Clone)]
pub struct MayRead(pub Caller);

/// A caller who may ask for audits.
#[derive(Debug, Clone)]
pub struct MayAudit(pub Caller);

/// A caller who may do everything.
#[derive(Debug, Clone)]
pub struct MayAdmin(pub Caller);

/// The caller of a request, if they may do so much.
fn caller(parts: &Parts, scope: Scope) -> Result<Caller, Problem> {
    let caller = parts.extensions.get::<Caller>().ok_or_else(|| {
        Problem::unauthorized("sign in, or send a token as `Authorization: Bearer …`")
    })?;
    if caller.scope < scope {
        return Err(Problem::forbidden(
            "this needs more than you may; ask somebody who administers the service",
        ));
    }
    Ok(caller.clone())
}

macro_rules! asks_for {
    ($extractor:ident, $scope:expr) => {
        impl FromRequestParts<Service> for $extractor {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Problem> {
                caller(parts, $scope).map(Self)
            }
        }
    };
}

asks_for!(MayRead, Scope::Read);
asks_for!(MayAudit, Scope::Audit);
asks_for!(MayAdmin, Scope::Admin);

/// A form that was sent from one of our own pages: it carries the secret of the session.
#[derive(Debug, Clone)]
pub struct Posted<T>(pub T);

#[derive(Deserialize)]
struct Signed<T> {
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<Service> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let expected = request
            .extensions()
            .get::<Caller>()
            .and_then(|caller| caller.csrf.clone());
        let Form(signed) = Form::<Signed<T>>::from_request(request, service)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        if expected.as_deref() != Some(signed.csrf.as_str()) {
            return Err(Problem::forbidden(
                "the form is too old; load the page again and send it once more",
            ));
        }
        Ok(Self(signed.form))
    }
}
