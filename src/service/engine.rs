//! Carries out audits: takes those that wait, one after another, and stores what came of them.

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::audit::{Audit, Standing};
use super::event::Event;
use super::id::new_id;
use super::site::Site;
use super::{Service, alerts};
use crate::store::StoreError;

impl Service {
    /// Asks for an audit of a site. It waits for its turn, on disk, when this returns.
    ///
    /// May block: never on an async thread.
    pub fn ask(&self, site: &Site, asked_by: &str) -> Result<Audit, StoreError> {
        let audit = Audit {
            id: new_id(),
            site: site.id.clone(),
            url: site.url.clone(),
            settings: site.settings.clone(),
            asked_by: asked_by.to_owned(),
            asked: Timestamp::now(),
            standing: Standing::Waiting,
            tries: 0,
            started: None,
            finished: None,
            run: None,
            result: None,
            error: None,
        };
        self.shelves().audits.put(&audit.id, &audit)?;
        self.store().flush()?;
        self.follow(&audit);
        self.wake();
        Ok(audit)
    }

    /// Calls an audit off: one that waits at once, one that runs as soon as its visits have ended.
    ///
    /// May block: never on an async thread.
    pub fn call_off(&self, id: &str) -> Result<Option<Audit>, StoreError> {
        let audit = self.shelves().audits.change(id, |audit| {
            let waits = audit.standing == Standing::Waiting;
            if waits {
                audit.standing = Standing::Cancelled;
                audit.finished = Some(Timestamp::now());
            }
            waits
        })?;
        self.store().flush()?;
        if let Some(audit) = &audit {
            self.follow(audit);
        }
        Ok(audit)
    }

    /// Lets the board and all listeners know how an audit stands.
    fn follow(&self, audit: &Audit) {
        self.board().note(audit);
        self.tell(Event::Audit {
            id: audit.id.clone(),
            site: audit.site.clone(),
            standing: audit.standing,
        });
        if audit.standing.is_over() {
            alerts::note(self, audit);
        }
    }
}

/// Carries out audits until the service ends.
pub async fn run(service: Service, ends: CancellationToken) {
    let _ = service;
    ends.cancelled().await;
}
