//! Who asks, and what they may.
//!
//! Every request passes the [`gate`], which finds out who asks and puts a [`Caller`] into its extensions.
//! Handlers say by an extractor how much somebody has to be allowed. People sign in with an account and
//! have a session; programs send a token.

pub mod accounts;
mod cookie;
mod doors;
mod first;
mod gate;
mod headers;
pub mod journal;
mod kept;
mod limits;
pub mod options;
mod origin;
mod pages;
pub mod password;
pub mod secret;
pub mod sessions;
pub mod tokens;
pub(super) mod transport;

use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::middleware::from_fn_with_state;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Service;
use super::error::Problem;
use crate::store::{Shelf, Store, StoreError};
use accounts::AccountRecord;
use first::FirstLink;
use journal::Entry;
use kept::Kept;
use limits::Limit;
use options::AccessOptions;
use password::Hashing;
use sessions::Session;
use tokens::TokenRecord;

/// Wrong passwords for one account, and from one address, within [`SIGN_IN_WITHIN`].
const SIGN_INS_OF_ACCOUNT: u32 = 10;
const SIGN_INS_FROM_ADDRESS: u32 = 30;
const SIGN_IN_WITHIN: Duration = Duration::from_mins(15);

/// Wrong passwords that are written into the journal in a minute; who tries more must not empty it.
const FAILURES_IN_JOURNAL: u32 = 60;

/// Accounts, sessions, tokens and the journal.
#[derive(Debug)]
pub struct Access {
    store: Store,
    accounts: Kept<AccountRecord>,
    sessions: Kept<Session>,
    tokens: Kept<TokenRecord>,
    journal: Shelf<Entry>,
    /// How many entries the journal has; counted at the first one that is written.
    entries: Mutex<Option<usize>>,
    first: Mutex<Option<FirstLink>>,
    hashing: Hashing,
    requests: Limit,
    sign_ins_of_account: Limit,
    sign_ins_from_address: Limit,
    failures_in_journal: Limit,
    /// Accounts, and what hangs on them, are changed by one at a time.
    changing: Mutex<()>,
}

impl Access {
    /// Reads it from a store. May block.
    pub fn open(store: &Store, options: &AccessOptions) -> Result<Self, StoreError> {
        let journal = store.shelf("journal")?;
        let minute = AccessOptions::MINUTE;
        Ok(Self {
            accounts: Kept::read(store.shelf("accounts")?)?,
            sessions: Kept::read(store.shelf("sessions")?)?,
            tokens: Kept::read(store.shelf("tokens")?)?,
            journal,
            entries: Mutex::default(),
            first: Mutex::default(),
            hashing: Hashing::new(),
            requests: Limit::new(options.requests_a_minute, minute),
            sign_ins_of_account: Limit::new(SIGN_INS_OF_ACCOUNT, SIGN_IN_WITHIN),
            sign_ins_from_address: Limit::new(SIGN_INS_FROM_ADDRESS, SIGN_IN_WITHIN),
            failures_in_journal: Limit::new(FAILURES_IN_JOURNAL, minute),
            changing: Mutex::default(),
            store: store.clone(),
        })
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a password somebody tries, before it is looked at.
    fn try_password(&self, account: &str, from: Client) -> Result<(), AccessError> {
        let now = Instant::now();
        let network = limits::key_of(from.0);
        let account = self.sign_ins_of_account.take(account, now);
        let address = self.sign_ins_from_address.take(&network, now);
        account.and(address).map_err(AccessError::TooOften)
    }

    /// Whether another wrong password is written into the journal.
    fn may_note_failure(&self) -> bool {
        let failures = &self.failures_in_journal;
        failures.take("", Instant::now()).is_ok()
    }

    /// The account of a name somebody typed.
    fn account_typed(&self, typed: &str) -> Option<String> {
        let name = accounts::account_name(typed).ok()?;
        self.account(&name).map(|account| account.name)
    }

    /// The password was right.
    fn password_was_right(&self, account: &str, from: Client) {
        self.sign_ins_of_account.give_back(account);
        let network = limits::key_of(from.0);
        self.sign_ins_from_address.give_back(&network);
    }
}

/// Why something about accounts, sessions or tokens was not done.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// No name of an account.
    #[error(
        "a name has 1 to 64 letters, digits and . _ @ + -, and begins with a letter or a digit"
    )]
    Name,
    /// No name of a token.
    #[error("a token has a name of 1 to 60 characters")]
    TokenName,
    /// A password that is not good enough.
    #[error("{0}")]
    Password(&'static str),
    /// Somebody has that name.
    #[error("there is an account {0} already")]
    Taken(String),
    /// The account has such a token.
    #[error("there is a token {0} already; remove it first, or choose another name")]
    TokenTaken(String),
    /// No such name, or not its password: which of both is nobody's business.
    #[error("the name or the password is wrong")]
    SignIn,
    /// Not the password of whoever is signed in.
    #[error("the current password is wrong")]
    CurrentPassword,
    /// Nobody has that name.
    #[error("there is no account {0}")]
    Unknown(String),
    /// Nobody would be left to administer the service.
    #[error(
        "this account is the last one that may do everything; give another one that right first"
    )]
    LastAdministrator,
    /// A token that would last too long, or not at all.
    #[error("a token lasts 1 to 3,650 days")]
    Days,
    /// More than whoever asks may.
    #[error("a token may not do more than its account")]
    Scope,
    /// The store would grow without end.
    #[error("there are too many {0}")]
    TooMany(&'static str),
    /// The link to the first account.
    #[error("this link does not count any more; start the service again for a new one")]
    Link,
    /// Passwords were tried too often.
    #[error("too many wrong passwords; wait a little")]
    TooOften(Duration),
    /// Too many sign in at once.
    #[error("too many sign in at once; try again in a moment")]
    Busy,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system has no random numbers.
    #[error("the system has no random bytes")]
    Randomness(#[source] getrandom::Error),
    /// Hashing failed.
    #[error("the password cannot be hashed")]
    Hashing(#[source] argon2::password_hash::Error),
}

impl From<AccessError> for Problem {
    fn from(error: AccessError) -> Self {
        let said = error.to_string();
        match error {
            AccessError::Name | AccessError::TokenName => Self::invalid("/name", said),
            AccessError::Password(_) => Self::invalid("/password", said),
            AccessError::Days => Self::invalid("/days", said),
            AccessError::Scope => Self::invalid("/scope", said),
            AccessError::Taken(_)
            | AccessError::TokenTaken(_)
            | AccessError::LastAdministrator
            | AccessError::TooMany(_) => Self::conflict(said),
            AccessError::Unknown(_) => Self::not_found(said),
            AccessError::Link | AccessError::SignIn | AccessError::CurrentPassword => {
                Self::forbidden(said)
            }
            AccessError::TooOften(wait) => Self::too_many(said, wait),
            AccessError::Busy => Self::busy(said, Duration::from_secs(5)),
            AccessError::Store(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

/// All of that behind the gate, with what people need to get through it.
pub(super) fn guarded(router: Router, service: Service) -> Router {
    router
        .merge(pages::router().with_state(service.clone()))
        .layer(from_fn_with_state(service.clone(), gate::pass))
        .layer(from_fn_with_state(service, headers::add))
}

/// What somebody may do; each includes those before it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Look at everything but accounts, tokens and secrets.
    Read,
    /// Add sites, ask for audits, accept findings, keep schedules.
    Audit,
    /// Everything.
    Admin,
}

impl Scope {
    /// All of them, least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Audit, Self::Admin];

    /// Its name in requests and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Audit => "audit",
            Self::Admin => "admin",
        }
    }
}

/// The address a request comes from, past the proxies that are trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Client(pub IpAddr);

/// The account behind a caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Its name.
    pub account: String,
    /// How it is known.
    pub means: Means,
}

/// How a caller is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Means {
    /// Somebody signed in.
    Session {
        /// What the session is kept under.
        digest: String,
    },
    /// A program sent a token.
    Token {
        /// The token's id.
        id: String,
    },
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

/// The answer for nobody.
fn nobody() -> Problem {
    Problem::unauthorized("sign in, or send a token as `Authorization: Bearer …`")
}

impl FromRequestParts<Service> for Identity {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Service) -> Result<Self, Problem> {
        let identity = parts.extensions.get::<Self>();
        identity.cloned().ok_or_else(nobody)
    }
}

/// The caller of a request, if they may do so much.
fn caller(parts: &Parts, scope: Scope) -> Result<Caller, Problem> {
    let caller = parts.extensions.get::<Caller>().ok_or_else(nobody)?;
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

/// The field of a form that carries [`Caller::csrf`].
const CSRF: &str = "csrf";

impl<T: DeserializeOwned> FromRequest<Service> for Posted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, service: &Service) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let caller = parts.extensions.get::<Caller>().ok_or_else(nobody)?;
        let expected = caller.csrf.clone();
        let body = Bytes::from_request(Request::new(body), service)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        let mut fields = url::form_urlencoded::parse(&body);
        let sent = fields.find(|(name, _)| name == CSRF);
        let is_ours = expected
            .zip(sent)
            .is_some_and(|(expected, (_, sent))| secret::same(&expected, &sent));
        if !is_ours {
            return Err(Problem::forbidden(
                "the form is too old; load the page again and send it once more",
            ));
        }
        let request = Request::from_parts(parts, Body::from(body));
        let Form(form) = Form::from_request(request, service)
            .await
            .map_err(|error| Problem::bad_request(error.body_text()))?;
        Ok(Self(form))
    }
}

#[cfg(test)]
mod tests;
