//! How a crawl sees its site: visits, and files fetched. By a browser, or in tests by something that only
//! says that it is one.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::fleet::{Fleet, TRIES, VISITS_OF_A_BROWSER};
use crate::browser::{Fetched, Fetcher};
use crate::model::report::Policy;
use crate::model::visit::{Outcome, State, Visit};
use crate::visit::consent::Engine;
use crate::visit::{KeptProfile, Manner, Plan, visit_in};

/// One visit of a crawl.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The page's number in the run.
    pub number: u64,
    /// The page.
    pub url: Url,
    /// What the visitor answers.
    pub state: State,
}

/// How a crawl sees its site.
pub trait Browsing: Send + Sync {
    /// Makes a visit. Visits of one state that keep their profile come one after another.
    fn visit(&self, task: &Task, cancel: &CancellationToken) -> impl Future<Output = Visit> + Send;

    /// Reads the site's cookie policy. What goes wrong is in the answer.
    fn policy(&self, url: &Url) -> impl Future<Output = Policy> + Send;

    /// Fetches a file, up to so many bytes, or says in one line why it cannot.
    fn fetch(
        &self,
        url: &Url,
        most_bytes: usize,
    ) -> impl Future<Output = Result<Fetched, String>> + Send;
}

/// A profile that is kept, and how many visits it has seen.
struct Lane {
    profile: KeptProfile,
    visits: u32,
}

/// By a browser.
pub(super) struct ByBrowser {
    fleet: Fleet,
    engine: Arc<Engine>,
    manner: Manner,
    /// The profile of each state that keeps one.
    lanes: BTreeMap<State, Mutex<Option<Lane>>>,
}

impl ByBrowser {
    /// `kept` are the states whose profile is kept from page to page.
    pub(super) fn new(fleet: Fleet, engine: Arc<Engine>, manner: Manner, kept: &[State]) -> Self {
        Self {
            fleet,
            engine,
            manner,
            lanes: kept
                .iter()
                .map(|state| (*state, Mutex::new(None)))
                .collect(),
        }
    }

    /// Ends the browser.
    pub(super) async fn close(self) {
        for lane in self.lanes.into_values() {
            end(lane.into_inner()).await;
        }
        self.fleet.close().await;
    }

    /// Visits in the profile that is kept. A browser that crashed took it along: the next one answers anew.
    async fn visit_on(
        &self,
        lane: &Mutex<Option<Lane>>,
        plan: &Plan,
        cancel: &CancellationToken,
    ) -> Visit {
        let mut lane = lane.lock().await;
        let mut tries = 0;
        loop {
            tries += 1;
            let is_over = lane.as_ref().is_some_and(|lane| {
                lane.visits >= VISITS_OF_A_BROWSER
                    || lane.profile.browser().connection().is_closed()
            });
            if is_over {
                end(lane.take()).await;
            }
            if lane.is_none() {
                match KeptProfile::open(self.fleet.running().await).await {
                    Ok(profile) => *lane = Some(Lane { profile, visits: 0 }),
                    Err(error) => tracing::warn!(%error, "no profile could be opened"),
                }
            }
            let mut visit = match lane.as_mut() {
                Some(lane) => {
                    lane.visits += 1;
                    visit_in(&mut lane.profile, &self.engine, plan, cancel).await
                }
                // Says why nothing could be opened.
                None => self.fleet.visit(plan, cancel).await,
            };
            self.fleet.explain(&mut visit);
            let crashed = visit.outcome == Outcome::BrowserCrashed;
            if crashed {
                end(lane.take()).await;
            }
            if !crashed || tries >= TRIES || cancel.is_cancelled() {
                return visit;
            }
        }
    }
}

async fn end(lane: Option<Lane>) {
    if let Some(lane) = lane {
        super::fleet::release(lane.profile.close().await).await;
    }
}

impl Browsing for ByBrowser {
    async fn visit(&self, task: &Task, cancel: &CancellationToken) -> Visit {
        let plan = Plan {
            url: task.url.clone(),
            state: task.state,
            repeat: 1,
            manner: self.manner.clone(),
        };
        match self.lanes.get(&task.state) {
            Some(lane) => self.visit_on(lane, &plan, cancel).await,
            None => self.fleet.visit(&plan, cancel).await,
        }
    }

    async fn policy(&self, url: &Url) -> Policy {
        self.fleet.policy(url, &self.manner).await
    }

    async fn fetch(&self, url: &Url, most_bytes: usize) -> Result<Fetched, String> {
        let browser = self.fleet.running().await;
        let fetched = match Fetcher::open(&browser).await {
            Ok(fetcher) => {
                let fetched = fetcher.fetch(url.as_str(), most_bytes).await;
                fetcher.close().await;
                fetched
            }
            Err(error) => Err(error),
        };
        super::fleet::release(browser).await;
        fetched.map_err(|error| error.to_string())
    }
}
