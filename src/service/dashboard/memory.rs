//! What pages are made of and nobody wants to read again: how far running audits are, and the services of each site.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::model::report::ServiceSeen;
use crate::report::shown;
use crate::service::Service;
use crate::service::event::Event;

use super::frame::{LONGEST_PROSE, LONGEST_URL};

/// Most audits whose progress is kept.
const MOST_AUDITS: usize = 1_000;
/// Pages that listen at once.
const MOST_LISTENERS: usize = 256;

/// How far an audit is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) done: u64,
    pub(super) of: u64,
    pub(super) url: String,
    pub(super) summary: String,
}

/// The services of the last run of a site.
type Known = (String, Arc<Vec<ServiceSeen>>);

/// What the dashboard keeps in memory.
#[derive(Debug)]
pub(in crate::service) struct Memory {
    progress: Mutex<HashMap<String, Progress>>,
    services: Mutex<HashMap<String, Known>>,
    pub(super) listeners: Arc<Semaphore>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            progress: Mutex::default(),
            services: Mutex::default(),
            listeners: Arc::new(Semaphore::new(MOST_LISTENERS)),
        }
    }
}

impl Memory {
    /// Takes note of what happens.
    pub(in crate::service) fn hear(&self, event: &Event) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Audit { id, standing, .. } if standing.is_over() => {
                progress.remove(id);
            }
            Event::Progress {
                id,
                done,
                of,
                url,
                summary,
                ..
            } if progress.len() < MOST_AUDITS || progress.contains_key(id) => {
                let now = Progress {
                    done: *done,
                    of: *of,
                    url: shown(url, LONGEST_URL),
                    summary: shown(summary, LONGEST_PROSE),
                };
                progress.insert(id.clone(), now);
            }
            // Nothing the pages show beside what the board knows.
            _ => {}
        }
    }

    /// How far an audit is, once its first visit has ended.
    pub(super) fn progress(&self, audit: &str) -> Option<Progress> {
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        progress.get(audit).cloned()
    }
}

impl Service {
    /// The services of the last finished run of a site; none when there is no such run any more.
    ///
    /// May block: never on an async thread.
    pub(super) fn services_of(&self, site: &str) -> Arc<Vec<ServiceSeen>> {
        let last = self.board().look(site, |standing| {
            let point = standing?.last_finished()?;
            point.run.clone()
        });
        let Some(run) = last else {
            return Arc::default();
        };
        let kept = |known: &Known| (known.0 == run).then(|| Arc::clone(&known.1));
        let services = &self.dashboard().services;
        let known = services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = known.get(site).and_then(kept) {
            return seen;
        }
        drop(known);
        let read = self.store().run(&run);
        let seen = match read.as_ref().map(|run| run.head()) {
            Ok(Some(head)) => Arc::new(head.services.clone()),
            Ok(None) => Arc::default(),
            Err(error) => {
                tracing::warn!(%error, run, "the services of a run cannot be read");
                Arc::default()
            }
        };
        let mut known = services.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(site.to_owned(), (run, Arc::clone(&seen)));
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::audit::Standing;

    #[test]
    fn progress_is_kept_until_the_audit_is_over() {
        let memory = Memory::default();
        let told = |done: u64| Event::Progress {
            id: "a".to_owned(),
            site: "shop".to_owned(),
            done,
            of: 9,
            url: "https://shop.test/\u{202e}".to_owned(),
            summary: "complete".to_owned(),
        };
        let over = |standing: Standing| Event::Audit {
            id: "a".to_owned(),
            site: "shop".to_owned(),
            standing,
        };
        assert_eq!(memory.progress("a"), None);
        memory.hear(&told(1));
        memory.hear(&told(2));
        memory.hear(&over(Standing::Running));
        let known = memory.progress("a");
        assert_eq!(
            known.as_ref().map(|known| (known.done, known.of)),
            Some((2, 9))
        );
        assert!(known.is_some_and(|known| !known.url.contains('\u{202e}')));
        memory.hear(&over(Standing::Failed));
        assert_eq!(memory.progress("a"), None);
    }
}
