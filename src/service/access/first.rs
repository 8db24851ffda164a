//! The first account: made by whoever holds the link that was printed at the start.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::accounts::Account;
use super::password::Hashed;
use super::secret::{Secret, digest_of};
use super::{Access, AccessError};

/// How long the link lasts; the next start prints another one.
const LASTS: SignedDuration = SignedDuration::from_hours(1);

/// What is kept of the link, in memory alone: a start makes all links before it void.
#[derive(Debug)]
pub(super) struct FirstLink {
    digest: String,
    expires: Timestamp,
}

impl Access {
    /// The secret of a link to make the first account with, in the place of the one before. None when there
    /// is an account.
    pub fn first_link(&self, now: Timestamp) -> Result<Option<Secret>, AccessError> {
        if self.has_accounts() {
            return Ok(None);
        }
        let secret = Secret::new()?;
        let link = FirstLink {
            digest: secret.digest(),
            expires: now + LASTS,
        };
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(link);
        Ok(Some(secret))
    }

    /// Whether that is the link's secret, and the link still counts.
    pub(super) fn is_first_link(&self, secret: &str, now: Timestamp) -> bool {
        let Some(digest) = digest_of(secret) else {
            return false;
        };
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let link = first.as_ref();
        link.is_some_and(|link| link.digest == digest && now < link.expires) && !self.has_accounts()
    }

    /// Makes the first account, once: of two who have the link one comes too late. May block.
    pub(super) fn use_first_link(
        &self,
        secret: &str,
        name: &str,
        password: Hashed,
        now: Timestamp,
    ) -> Result<Account, AccessError> {
        let account = self.add_first_account(name, password, || {
            if self.is_first_link(secret, now) {
                Ok(())
            } else {
                Err(AccessError::Link)
            }
        })?;
        *self.first.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(account)
    }
}
