//! The browser a job drives. A crashed one is replaced, and the visit it cost is made once more; one
//! that has made many visits, or has grown, is replaced, too.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::AuditError;
use super::guard::Guard;
use crate::browser::{Browser, LaunchOptions};
use crate::model::report::Policy;
use crate::model::visit::{Outcome, Visit};
use crate::visit::consent::Engine;
use crate::visit::{Manner, Plan, policy, visit};

/// How often a visit is made when the browser crashes under it.
pub(super) const TRIES: u32 = 2;

/// How many visits a browser makes before another takes over.
pub(super) const VISITS_OF_A_BROWSER: u32 = 200;

/// Memory from which on another browser takes over, in bytes, and after how many visits it is looked at.
const LARGEST_BROWSER: u64 = 6 * 1024 * 1024 * 1024;
const LOOK_AT_MEMORY_EVERY: u32 = 10;

/// Starts the browsers of a job.
#[derive(Debug, Clone)]
pub(super) struct Launcher {
    /// How.
    pub(super) options: LaunchOptions,
    /// What keeps them within bounds.
    pub(super) guard: Option<Arc<Guard>>,
}

impl Launcher {
    /// Starts one.
    pub(super) async fn launch(&self) -> Result<Browser, AuditError> {
        super::launch_behind(&self.options, self.guard.as_deref()).await
    }

    /// Says in a visit what only the guard knows of it.
    pub(super) fn explain(&self, visit: &mut Visit) {
        if let Some(guard) = &self.guard {
            guard.explain(visit);
        }
    }

    /// Memory from which on another browser takes over, in bytes.
    fn grown(&self) -> u64 {
        let guard = self.guard.as_ref();
        guard.map_or(LARGEST_BROWSER, |guard| {
            LARGEST_BROWSER.min(guard.grown_browser())
        })
    }
}

/// The browser a job drives.
pub(super) struct Fleet {
    browser: Mutex<Running>,
    launcher: Launcher,
    engine: Arc<Engine>,
}

/// The browser new visits go to. Earlier ones live until their last visit ends.
struct Running {
    browser: Arc<Browser>,
    visits: u32,
}

impl Fleet {
    pub(super) fn new(browser: Browser, launcher: Launcher, engine: Arc<Engine>) -> Self {
        Self {
            browser: Mutex::new(Running {
                browser: Arc::new(browser),
                visits: 0,
            }),
            launcher,
            engine,
        }
    }

    /// Makes one visit.
    pub(super) async fn visit(&self, plan: &Plan, cancel: &CancellationToken) -> Visit {
        let mut tries = 0;
        loop {
            tries += 1;
            let browser = self.running().await;
            let mut visit = visit(&browser, &self.engine, plan, cancel).await;
            release(browser).await;
            self.launcher.explain(&mut visit);
            let crashed = visit.outcome == Outcome::BrowserCrashed;
            if !crashed || tries >= TRIES || cancel.is_cancelled() {
                return visit;
            }
            tracing::warn!(url = %plan.url, state = ?plan.state, repeat = plan.repeat, "the browser crashed; visiting once more");
        }
    }

    /// Says in a visit what only the guard knows of it.
    pub(super) fn explain(&self, visit: &mut Visit) {
        self.launcher.explain(visit);
    }

    /// Reads a site's policy.
    pub(super) async fn policy(&self, url: &Url, manner: &Manner) -> Policy {
        let browser = self.running().await;
        let policy = policy::read(&browser, url, manner).await;
        if let Some(browser) = Arc::into_inner(browser) {
            browser.close().await;
        }
        policy
    }

    /// The browser for another visit: a new one when the last is gone or has made its visits.
    pub(super) async fn running(&self) -> Arc<Browser> {
        let mut current = self.browser.lock().await;
        let has_grown = || {
            let looks = current.visits > 0 && current.visits.is_multiple_of(LOOK_AT_MEMORY_EVERY);
            looks
                && current
                    .browser
                    .memory()
                    .is_some_and(|bytes| bytes > self.launcher.grown())
        };
        if current.browser.connection().is_closed()
            || current.visits >= VISITS_OF_A_BROWSER
            || has_grown()
        {
            match self.launcher.launch().await {
                Ok(browser) => {
                    *current = Running {
                        browser: Arc::new(browser),
                        visits: 0,
                    };
                }
                // The old one goes on; if it is gone, the visit will say that no page could be opened.
                Err(error) => tracing::error!(%error, "the browser could not be started again"),
            }
        }
        current.visits += 1;
        Arc::clone(&current.browser)
    }

    /// Ends the browser.
    pub(super) async fn close(self) {
        release(self.browser.into_inner().browser).await;
    }
}

/// Is done with a browser. One that was replaced ends with whoever used it last.
pub(super) async fn release(browser: Arc<Browser>) {
    if let Some(browser) = Arc::into_inner(browser) {
        browser.close().await;
    }
}
