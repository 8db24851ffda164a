//! The browser a job drives. A crashed one is replaced, and the visit it cost is made once more.

use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::browser::{Browser, LaunchOptions};
use crate::model::visit::{Outcome, Visit};
use crate::visit::consent::Engine;
use crate::visit::{Plan, visit};

/// How often a visit is made when the browser crashes under it.
const TRIES: u32 = 2;

/// The browser a job drives.
pub(super) struct Fleet {
    browser: Mutex<Arc<Browser>>,
    launch: LaunchOptions,
    engine: Arc<Engine>,
}

impl Fleet {
    pub(super) fn new(browser: Browser, launch: LaunchOptions, engine: Arc<Engine>) -> Self {
        Self {
            browser: Mutex::new(Arc::new(browser)),
            launch,
            engine,
        }
    }

    /// Makes one visit.
    pub(super) async fn visit(&self, plan: &Plan, cancel: &CancellationToken) -> Visit {
        let mut tries = 0;
        loop {
            tries += 1;
            let browser = self.running().await;
            let visit = visit(&browser, &self.engine, plan, cancel).await;
            let crashed = visit.outcome == Outcome::BrowserCrashed;
            if !crashed || tries >= TRIES || cancel.is_cancelled() {
                return visit;
            }
            tracing::warn!(url = %plan.url, state = ?plan.state, repeat = plan.repeat, "the browser crashed; visiting once more");
        }
    }

    /// The running browser; a new one when the last is gone.
    async fn running(&self) -> Arc<Browser> {
        let mut current = self.browser.lock().await;
        if current.connection().is_closed() {
            match super::launch(&self.launch).await {
                Ok(browser) => *current = Arc::new(browser),
                // The visit will say that no page could be opened.
                Err(error) => tracing::error!(%error, "the browser could not be started again"),
            }
        }
        Arc::clone(&current)
    }

    /// Ends the browser.
    pub(super) async fn close(self) {
        if let Some(browser) = Arc::into_inner(self.browser.into_inner()) {
            browser.close().await;
        }
    }
}
