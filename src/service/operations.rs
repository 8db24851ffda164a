//! What keeps the service running: whether it is well, what it counts, what it keeps and for how long,
//! and how it is copied while it runs.

pub mod backup;
pub mod health;
pub mod measures;
pub mod requests;
pub mod retention;
pub mod settings;

use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::Service;
pub use health::Health;

/// How often old things are removed, and how long after the start for the first time.
const CLEANED_EVERY: Duration = Duration::from_hours(24);
const FIRST_CLEANED: Duration = Duration::from_mins(10);
/// How often evidence is weighed, which looks at every piece of it.
const WEIGHED_EVERY: Duration = Duration::from_hours(1);
/// How often what was counted is put together.
const SUMMED_EVERY: Duration = Duration::from_secs(10);

/// The addresses machines ask: outside of the API, so that they stay what they are.
pub(super) fn routes() -> Router<Service> {
    measures::begin();
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(health::is_ready))
        .route("/metrics", get(measures::scrape))
}

/// Keeps house until the service ends.
pub async fn run(service: Service, ends: CancellationToken) {
    let every = |period: Duration, first: Duration| {
        let start = tokio::time::Instant::now() + first;
        let mut interval = tokio::time::interval_at(start, period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        interval
    };
    let mut clean = every(CLEANED_EVERY, FIRST_CLEANED);
    let mut weigh = every(WEIGHED_EVERY, SUMMED_EVERY);
    let mut sum = every(SUMMED_EVERY, SUMMED_EVERY);
    let mut events = service.listen();
    loop {
        tokio::select! {
            () = ends.cancelled() => break,
            event = events.recv() => measures::follow(&service, event).await,
            _ = sum.tick() => measures::sum(),
            _ = weigh.tick() => measures::weigh(&service).await,
            _ = clean.tick() => {
                // It may take long; what is half done when the service ends is finished the next time.
                tokio::select! {
                    () = ends.cancelled() => break,
                    cleaned = service.clean() => if let Err(problem) = cleaned {
                        tracing::error!(problem.detail, "what is old could not be removed");
                    },
                }
            }
        }
    }
}
