//! Tokens: what programs send instead of signing in.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::secret::{Secret, digest_of};
use super::{Access, AccessError, Scope};
use crate::service::id::new_id;

/// How every token begins, so that scanners for lost secrets know it.
pub const PREFIX: &str = "csn_";

/// Most tokens of an account.
const MOST: usize = 100;

/// Longest name, in characters.
const LONGEST_NAME: usize = 60;

/// How often the use of a token is written down.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A token without its secret, which is shown once when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Token {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// The account it acts for. It ends with the account, and never may more than the account.
    pub account: String,
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created: Timestamp,
    /// From when on it counts no more.
    pub expires: Timestamp,
    /// When it was used last, to the minute.
    pub used: Option<Timestamp>,
}

/// A token as it is kept, under the digest of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    id: String,
    name: String,
    pub(super) account: String,
    scope: Scope,
    created: Timestamp,
    expires: Timestamp,
    used: Option<Timestamp>,
}

impl TokenRecord {
    fn shown(self) -> Token {
        Token {
            id: self.id,
            name: self.name,
            account: self.account,
            scope: self.scope,
            created: self.created,
            expires: self.expires,
            used: self.used,
        }
    }
}

impl Access {
    /// Makes a token for an account, which may no more than the account: its secret is in the answer and
    /// nowhere else. May block.
    pub fn make_token(
        &self,
        account: &str,
        name: &str,
        scope: Scope,
        expires: Timestamp,
    ) -> Result<(Token, Secret), AccessError> {
        let name = name.trim();
        let is_plain = !name.is_empty() && !name.chars().any(char::is_control);
        if !is_plain || name.chars().count() > LONGEST_NAME {
            return Err(AccessError::TokenName);
        }
        let _changing = self.changing();
        let owner = self.account(account);
        let owner = owner.ok_or_else(|| AccessError::Unknown(account.to_owned()))?;
        if scope > owner.scope {
            return Err(AccessError::Scope);
        }
        let own = self.tokens_of(Some(account));
        if own.iter().any(|token| token.name == name) {
            return Err(AccessError::TokenTaken(name.to_owned()));
        }
        if own.len() >= MOST {
            return Err(AccessError::TooMany("tokens; remove one that nothing uses"));
        }
        let secret = Secret::new()?.with_prefix(PREFIX);
        let record = TokenRecord {
            id: new_id(),
            name: name.to_owned(),
            account: account.to_owned(),
            scope,
            created: Timestamp::now(),
            expires,
            used: None,
        };
        self.tokens.put(&secret.digest(), record.clone())?;
        self.store.flush()?;
        Ok((record.shown(), secret))
    }

    /// The token of that secret, with the digest it is kept under, and what it may do now.
    pub(super) fn token(&self, secret: &str, now: Timestamp) -> Option<(String, Token)> {
        if !secret.starts_with(PREFIX) {
            return None;
        }
        let digest = digest_of(secret)?;
        let record = self.tokens.get(&digest)?;
        let owner = self.account(&record.account)?;
        let mut token = record.shown();
        token.scope = token.scope.min(owner.scope);
        (now < token.expires).then_some((digest, token))
    }

    /// Writes down that a token is used. True when [`Access::save_token`] has something to save.
    pub(super) fn use_token(&self, digest: &str, token: &Token, now: Timestamp) -> bool {
        let due = |used: Timestamp| now.duration_since(used) >= NOTED_EVERY;
        let is_due = token.used.is_none_or(due);
        if is_due {
            self.tokens.touch(digest, |token| token.used = Some(now));
        }
        is_due
    }

    /// Brings the use of a token to the disk. May block.
    pub(super) fn save_token(&self, digest: &str) -> Result<(), AccessError> {
        Ok(self.tokens.save(digest)?)
    }

    /// The tokens of an account, or all; oldest first.
    pub fn tokens_of(&self, account: Option<&str>) -> Vec<Token> {
        let tokens = self
            .tokens
            .all()
            .into_iter()
            .map(|(_, token)| token.shown());
        let mut tokens: Vec<Token> = tokens
            .filter(|token| account.is_none_or(|account| token.account == account))
            .collect();
        tokens.sort_by(|one, other| one.id.cmp(&other.id));
        tokens
    }

    /// Removes a token of an account, or of anybody. Returns it, if there is one of that id. May block.
    pub fn remove_token(
        &self,
        account: Option<&str>,
        id: &str,
    ) -> Result<Option<Token>, AccessError> {
        let mut tokens = self.tokens_of(account).into_iter();
        let token = tokens.find(|token| token.id == id);
        if token.is_some() {
            self.tokens.remove_if(|_, token| token.id == id)?;
            self.store.flush()?;
        }
        Ok(token)
    }

    pub(super) fn remove_tokens_of(&self, account: &str) -> Result<u64, AccessError> {
        Ok(self.tokens.remove_if(|_, token| token.account == account)?)
    }
}
