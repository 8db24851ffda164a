//! What the service keeps in the store beside runs: one shelf for each kind of record.

use super::accepted::Accepted;
use super::api::Answered;
use super::audit::Audit;
use super::schedule::Schedule;
use super::site::Site;
use crate::store::{Shelf, Store, StoreError};

/// The shelves of the service.
#[derive(Debug, Clone)]
pub struct Shelves {
    /// Answers to requests that may be sent again, by caller and key.
    pub answered: Shelf<Answered>,
    /// Sites by id.
    pub sites: Shelf<Site>,
    /// Audits by id, which sorts by time.
    pub audits: Shelf<Audit>,
    /// Acceptances by site and id.
    pub accepted: Shelf<Accepted>,
    /// Schedules by id.
    pub schedules: Shelf<Schedule>,
}

impl Shelves {
    /// Opens them.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            accepted: store.shelf("accepted")?,
            answered: store.shelf("answered")?,
            sites: store.shelf("sites")?,
            audits: store.shelf("audits")?,
            schedules: store.shelf("schedules")?,
        })
    }
}
