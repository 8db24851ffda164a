//! What the service keeps in the store beside runs: one shelf for each kind of record.

use super::accepted::Accepted;
use super::alerts::Told;
use super::alerts::channel::Channel;
use super::alerts::delivery::Delivery;
use super::audit::Audit;
use super::operations::settings::ServiceSettings;
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
    /// Channels by id.
    pub channels: Shelf<Channel>,
    /// Deliveries by id, which sorts by time.
    pub deliveries: Shelf<Delivery>,
    /// The settings of the service, under the one id they have.
    pub settings: Shelf<ServiceSettings>,
    /// What channels have been told.
    pub told: Shelf<Told>,
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
            channels: store.shelf("channels")?,
            deliveries: store.shelf("deliveries")?,
            settings: store.shelf("settings")?,
            told: store.shelf("told")?,
            accepted: store.shelf("accepted")?,
            schedules: store.shelf("schedules")?,
        })
    }
}
