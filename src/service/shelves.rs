//! What the service keeps in the store beside runs: one shelf for each kind of record.

use super::accepted::Accepted;
use super::api::Answered;
use super::audit::Audit;
use super::site::Site;
use crate::store::{Shelf, Store, StoreError};

/// The shelves of the service.
#[derive(Debug, Clone)]
pub struct Shelves {
    /// Findings somebody has accepted, by site and finding.
    pub accepted: Shelf<Accepted>,
    /// Answers to requests that may be sent again, by caller and key.
    pub answered: Shelf<Answered>,
    /// Sites by id.
    pub sites: Shelf<Site>,
    /// Audits by id, which sorts by time.
    pub audits: Shelf<Audit>,
}

impl Shelves {
    /// Opens them.
    pub fn open(store: &Store) -> Result<Self, StoreError> {
        Ok(Self {
            accepted: store.shelf("accepted")?,
            answered: store.shelf("answered")?,
            sites: store.shelf("sites")?,
            audits: store.shelf("audits")?,
        })
    }
}
