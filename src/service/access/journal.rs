//! The journal: who did what, and when.

use std::net::IpAddr;
use std::sync::PoisonError;

use axum::Extension;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Access, Service};
use crate::service::id::new_id;
use crate::store::StoreError;

/// Most entries; the oldest go first.
const MOST: usize = 100_000;

/// How many may be over that before they go, so that counting is rare.
const SLACK: usize = 1_000;

/// Longest text in an entry, in characters.
const LONGEST: usize = 200;

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its id; sorts by time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who: an account, a token, the command line, or nobody who is known.
    pub who: String,
    /// The address they asked from.
    #[schema(value_type = Option<String>)]
    pub address: Option<IpAddr>,
    /// What they did, such as `sign-in` or `POST /api/v1/sites`.
    pub action: String,
    /// What they did it to.
    pub subject: String,
    /// The status they were answered with, when they asked over HTTP.
    pub status: Option<u16>,
}

impl Entry {
    /// An entry of now, in texts of bounded length.
    pub fn new(who: &str, action: &str, subject: &str) -> Self {
        let cut = |text: &str| text.chars().take(LONGEST).collect();
        Self {
            id: new_id(),
            at: Timestamp::now(),
            who: cut(who),
            address: None,
            action: cut(action),
            subject: cut(subject),
            status: None,
        }
    }
}

/// What a handler did, in better words than method and path. As an extension of its answer it becomes the
/// entry of the request.
#[derive(Debug, Clone)]
pub struct Deed {
    /// Who did it, where the request does not say.
    pub who: Option<String>,
    /// What was done.
    pub action: &'static str,
    /// What it was done to.
    pub subject: String,
}

impl Deed {
    /// The caller of the request did it.
    pub fn new(action: &'static str, subject: impl Into<String>) -> Extension<Self> {
        Extension(Self {
            who: None,
            action,
            subject: subject.into(),
        })
    }

    /// Somebody did it whom the request does not name.
    pub fn by(
        who: impl Into<String>,
        action: &'static str,
        subject: impl Into<String>,
    ) -> Extension<Self> {
        Extension(Self {
            who: Some(who.into()),
            action,
            subject: subject.into(),
        })
    }
}

impl Access {
    /// Writes an entry; it is on disk when this returns. May block.
    pub fn write(&self, entry: &Entry) -> Result<(), StoreError> {
        self.journal.put(&entry.id, entry)?;
        let mut kept = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let count = match *kept {
            Some(count) => count + 1,
            None => self.journal.all().count(),
        };
        *kept = Some(count);
        if count >= MOST + SLACK {
            let ids = self.journal.all().map(|entry| entry.map(|(id, _)| id));
            let ids = ids.collect::<Result<Vec<String>, _>>()?;
            let over = ids.len().saturating_sub(MOST);
            for id in ids.iter().take(over) {
                self.journal.remove(id)?;
            }
            *kept = Some(ids.len() - over);
        }
        drop(kept);
        self.store.flush()
    }

    /// The entries before that one, or all, newest first.
    pub fn entries_before(
        &self,
        id: Option<&str>,
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>>> {
        match id {
            Some(id) => Box::new(self.journal.before(id).rev().map(|it| it.map(|(_, it)| it))),
            None => Box::new(self.journal.all().rev().map(|it| it.map(|(_, it)| it))),
        }
    }
}

impl Service {
    /// Writes down that somebody did something, where no request of theirs says so. May block.
    pub fn journal(&self, who: &str, action: &str, subject: &str) -> Result<(), StoreError> {
        self.access().write(&Entry::new(who, action, subject))
    }
}
