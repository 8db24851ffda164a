//! What the service keeps in the store beside runs: one shelf for each kind of record.

use super::accepted::Accepted;
use super::audit::Audit;
use super::schedule::Schedule;
use super::site::Site;
use crate::store::{Shelf, Store, StoreError};

/// The shelves of the service.
#[derive(Debug, Clone)]
pub struct Shelves {
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
            sites: store.shelf("sites")?,
            audits: store.shelf("audits")?,
            accepted: store.shelf("accepted")?,
            schedules: store.shelf("schedules")?,
        })
    }
}
