//! Sessions: a browser that somebody signed in with.

use std::net::IpAddr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::secret::{Secret, digest_of};
use super::{Access, AccessError};

/// How long a session lasts that nobody uses.
const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How long a session lasts whatever is done with it.
pub(super) const LONGEST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How often its use is written down.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Most sessions of an account; a new one ends the one that was used least lately.
const MOST: usize = 20;

/// Longest name of a browser that is kept, in characters.
const LONGEST_AGENT: usize = 160;

/// A session as it is kept, under the digest of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Whose.
    pub account: String,
    /// When they signed in.
    pub created: Timestamp,
    /// When it was used last, to the minute.
    pub used: Timestamp,
    /// The address they signed in from.
    pub address: Option<IpAddr>,
    /// What the browser calls itself.
    pub agent: String,
}

impl Session {
    /// Whether it still counts at that time.
    fn is_alive(&self, now: Timestamp) -> bool {
        now.duration_since(self.used) < IDLE && now.duration_since(self.created) < LONGEST
    }
}

impl Access {
    /// Begins a session: its secret is in the answer and nowhere else. May block.
    pub fn begin_session(
        &self,
        account: &str,
        address: Option<IpAddr>,
        agent: &str,
        now: Timestamp,
    ) -> Result<Secret, AccessError> {
        let _changing = self.changing();
        if self.accounts.get(account).is_none() {
            return Err(AccessError::Unknown(account.to_owned()));
        }
        self.sessions
            .remove_if(|_, session| !session.is_alive(now))?;
        let mut own = self.sessions_of(account, now);
        own.sort_by_key(|(_, session)| session.used);
        let over = own.len().saturating_sub(MOST - 1);
        for (digest, _) in own.iter().take(over) {
            self.sessions.remove(digest)?;
        }
        let secret = Secret::new()?;
        let session = Session {
            account: account.to_owned(),
            created: now,
            used: now,
            address,
            agent: agent.chars().take(LONGEST_AGENT).collect(),
        };
        self.sessions.put(&secret.digest(), session)?;
        self.store.flush()?;
        Ok(secret)
    }

    /// The session of that secret, with the digest it is kept under.
    pub(super) fn session(&self, secret: &str, now: Timestamp) -> Option<(String, Session)> {
        let digest = digest_of(secret)?;
        let session = self.sessions.get(&digest)?;
        session.is_alive(now).then_some((digest, session))
    }

    /// Writes down that a session is used. True when [`Access::save_session`] has something to save.
    pub(super) fn use_session(&self, digest: &str, session: &Session, now: Timestamp) -> bool {
        let is_due = now.duration_since(session.used) >= NOTED_EVERY;
        if is_due {
            self.sessions.touch(digest, |session| session.used = now);
        }
        is_due
    }

    /// Brings the use of a session to the disk. May block.
    pub(super) fn save_session(&self, digest: &str) -> Result<(), AccessError> {
        Ok(self.sessions.save(digest)?)
    }

    /// The sessions of an account, with the digests they are kept under.
    pub fn sessions_of(&self, account: &str, now: Timestamp) -> Vec<(String, Session)> {
        let sessions = self.sessions.all().into_iter();
        sessions
            .filter(|(_, session)| session.account == account && session.is_alive(now))
            .collect()
    }

    /// Ends one session of an account. False when it has none of that digest. May block.
    pub fn end_session(&self, account: &str, digest: &str) -> Result<bool, AccessError> {
        let session = self.sessions.get(digest);
        if session.is_none_or(|session| session.account != account) {
            return Ok(false);
        }
        let ended = self.sessions.remove(digest)?;
        self.store.flush()?;
        Ok(ended)
    }

    /// Ends all sessions of an account, and returns how many there were. May block.
    pub fn end_all_sessions(&self, account: &str) -> Result<u64, AccessError> {
        let ended = self.end_sessions_of(account, None)?;
        self.store.flush()?;
        Ok(ended)
    }

    pub(super) fn end_sessions_of(
        &self,
        account: &str,
        but: Option<&str>,
    ) -> Result<u64, AccessError> {
        let unwanted =
            |digest: &str, session: &Session| session.account == account && but != Some(digest);
        Ok(self.sessions.remove_if(unwanted)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_when_nobody_uses_them_and_in_the_end_anyway() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let session = |used_after| Session {
            account: "anna".to_owned(),
            created: start,
            used: start + SignedDuration::from_hours(used_after),
            address: None,
            agent: String::new(),
        };
        for (used_after, hours, alive) in [
            (0, 0, true),
            (0, 7 * 24 - 1, true),
            (0, 7 * 24, false),
            // Use makes it last longer.
            (6 * 24, 12 * 24, true),
            (6 * 24, 13 * 24, false),
            // But not for ever.
            (30 * 24 - 1, 30 * 24 - 1, true),
            (30 * 24 - 1, 30 * 24, false),
        ] {
            let now = start + SignedDuration::from_hours(hours);
            assert_eq!(
                session(used_after).is_alive(now),
                alive,
                "{used_after} {hours}"
            );
        }
    }
}
