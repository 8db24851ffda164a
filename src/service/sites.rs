//! All sites at hand, so that looking at them costs no disk.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Service;
use super::site::Site;
use crate::store::StoreError;

/// How long the list of sites is good for: whoever else writes is seen then.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// All sites, as they were a moment ago.
#[derive(Debug, Default)]
pub(super) struct Sites(Mutex<Option<(Instant, Arc<Vec<Site>>)>>);

impl Service {
    /// All sites by id. What is written to the store is seen after a second at the latest.
    ///
    /// May block: never on an async thread.
    pub fn sites(&self) -> Result<Arc<Vec<Site>>, StoreError> {
        let kept = &self.known_sites().0;
        let mut known = kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read, sites)) = known.as_ref()
            && read.elapsed() < GOOD_FOR
        {
            return Ok(Arc::clone(sites));
        }
        let all = self.shelves().sites.all();
        let sites: Vec<Site> = all
            .map(|entry| entry.map(|(_, site)| site))
            .collect::<Result<_, _>>()?;
        let sites = Arc::new(sites);
        *known = Some((Instant::now(), Arc::clone(&sites)));
        Ok(sites)
    }

    /// The sites are others now: the next who asks for them has them read.
    pub fn forget_sites(&self) {
        let kept = &self.known_sites().0;
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
