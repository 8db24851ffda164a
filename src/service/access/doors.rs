//! What pages and the API do alike: sign in and out, accounts, tokens. Passwords are hashed on threads of
//! their own.

use axum::http::{HeaderMap, header};
use jiff::{SignedDuration, Timestamp};

use super::accounts::{Account, account_name};
use super::password::Password;
use super::secret::Secret;
use super::tokens::Token;
use super::{AccessError, Client, Identity, Means, Scope, Service, cookie};
use crate::service::error::Problem;

/// Most days a token lasts.
pub(super) const MOST_DAYS: u32 = 3_650;

impl Identity {
    /// Whose tokens somebody may see and remove: their own, or everybody's.
    pub fn whose(&self, scope: Scope) -> Option<&str> {
        (scope < Scope::Admin).then_some(self.account.as_str())
    }

    /// Whether tokens may be made and removed: a token that may only look must not make others that
    /// outlive it.
    pub fn may_manage(&self, scope: Scope) -> Result<(), Problem> {
        match self.means {
            Means::Token { .. } if scope < Scope::Admin => Err(Problem::forbidden(
                "this token may not make or remove tokens; sign in for that",
            )),
            _ => Ok(()),
        }
    }
}

impl Token {
    /// What the journal says of it.
    pub fn told(&self) -> String {
        let scope = self.scope.name();
        format!("{} of {}, scope {scope}", self.name, self.account)
    }
}

impl Service {
    /// Signs somebody in: the secret of a new session, if the password is right. That there is no such
    /// account takes as long to say.
    pub(super) async fn sign_in(
        &self,
        typed: &str,
        password: Password,
        client: Client,
        headers: &HeaderMap,
    ) -> Result<Option<(Account, Secret)>, AccessError> {
        let name = account_name(typed).unwrap_or_default();
        if !self.fits(&name, password, client).await? {
            return Ok(None);
        }
        let before = cookie::read(headers, &self.options().access).map(str::to_owned);
        let agent = agent(headers);
        let signed_in = self.blocking(move |service| {
            let access = service.access();
            let Some(account) = access.account(&name) else {
                return Ok(None);
            };
            let now = Timestamp::now();
            // The session the browser had, whoever gave it to it, ends here.
            if let Some((digest, session)) = before.and_then(|before| access.session(&before, now))
            {
                access.end_session(&session.account, &digest)?;
            }
            let secret = access.begin_session(&name, Some(client.0), &agent, now)?;
            Ok(Some((account, secret)))
        });
        signed_in.await
    }

    /// Whether that is the account's password; tried too often it is not looked at.
    pub(super) async fn fits(
        &self,
        name: &str,
        password: Password,
        client: Client,
    ) -> Result<bool, AccessError> {
        let access = self.access();
        access.try_password(name, client)?;
        let kept = access.password_of(name);
        let fits = access.hashing.fits(password, kept).await?;
        if fits {
            access.password_was_right(name, client);
        }
        Ok(fits)
    }

    /// Makes the first account with the link that was printed, and signs its owner in.
    pub(super) async fn first_account(
        &self,
        link: String,
        typed: &str,
        password: Password,
        client: Client,
        headers: &HeaderMap,
    ) -> Result<(Account, Secret), AccessError> {
        let name = account_name(typed)?;
        if !self.access().is_first_link(&link, Timestamp::now()) {
            return Err(AccessError::Link);
        }
        let hashed = self.access().hashing.hash(password, &name).await?;
        let agent = agent(headers);
        let made = self.blocking(move |service| {
            let access = service.access();
            let now = Timestamp::now();
            let account = access.use_first_link(&link, &name, hashed, now)?;
            let secret = access.begin_session(&name, Some(client.0), &agent, now)?;
            Ok((account, secret))
        });
        made.await
    }

    /// Adds an account.
    pub async fn new_account(
        &self,
        typed: &str,
        scope: Scope,
        password: Password,
    ) -> Result<Account, AccessError> {
        let name = account_name(typed)?;
        if self.access().account(&name).is_some() {
            return Err(AccessError::Taken(name));
        }
        let hashed = self.access().hashing.hash(password, &name).await?;
        let added = self.blocking(move |it| it.access().add_account(&name, scope, hashed));
        added.await
    }

    /// Changes what an account may do, or its password, which ends its sessions but that of the digest
    /// `but`.
    pub async fn change_account(
        &self,
        name: &str,
        scope: Option<Scope>,
        password: Option<Password>,
        but: Option<String>,
    ) -> Result<Account, AccessError> {
        let name = name.to_owned();
        if self.access().account(&name).is_none() {
            return Err(AccessError::Unknown(name));
        }
        let hashed = match password {
            Some(password) => Some(self.access().hashing.hash(password, &name).await?),
            None => None,
        };
        let changed = self.blocking(move |service| {
            let access = service.access();
            access.change_account(&name, scope, hashed, but.as_deref())
        });
        changed.await
    }

    /// Removes an account with its sessions and tokens.
    pub async fn drop_account(&self, name: &str) -> Result<(), AccessError> {
        let name = name.to_owned();
        let removed = self.blocking(move |service| service.access().remove_account(&name));
        removed.await
    }

    /// Makes a token that lasts so many days.
    pub async fn new_token(
        &self,
        account: &str,
        name: &str,
        scope: Scope,
        days: u32,
    ) -> Result<(Token, Secret), AccessError> {
        if !(1..=MOST_DAYS).contains(&days) {
            return Err(AccessError::Days);
        }
        let expires = Timestamp::now() + SignedDuration::from_hours(24 * i64::from(days));
        let (account, name) = (account.to_owned(), name.to_owned());
        let made = self.blocking(move |it| it.access().make_token(&account, &name, scope, expires));
        made.await
    }

    /// Has the browser that is answered forget its session.
    pub fn forget_session(&self, headers: &mut HeaderMap) {
        cookie::clear(headers, &self.options().access);
    }

    /// Does what may block on a thread that may.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, AccessError> + Send + 'static,
    ) -> Result<T, AccessError> {
        let service = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&service)).await;
        done.unwrap_or(Err(AccessError::Busy))
    }
}

/// What a browser calls itself.
fn agent(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    agent.unwrap_or_default().to_owned()
}
