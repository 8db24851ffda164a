//! Whether the process lives, and whether it can do its work.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::service::Service;

/// How long the store may take to answer.
const STORE_LIMIT: Duration = Duration::from_secs(2);

/// What is known of the service's own condition.
#[derive(Debug, Default)]
pub struct Health {
    engines: AtomicUsize,
    ends: AtomicBool,
    /// Held by what works through the whole store: one such thing at a time.
    pub(super) whole_store: Mutex<()>,
}

/// Held while the engine runs.
#[derive(Debug)]
pub struct EngineRuns<'a>(&'a Health);

impl Drop for EngineRuns<'_> {
    fn drop(&mut self) {
        self.0.engines.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Health {
    /// The engine runs until what is returned is dropped, however it ends.
    pub fn engine_runs(&self) -> EngineRuns<'_> {
        self.engines.fetch_add(1, Ordering::Relaxed);
        EngineRuns(self)
    }

    /// The service is ending.
    pub fn end(&self) {
        self.ends.store(true, Ordering::Relaxed);
    }
}

/// Whether the service can do its work, part by part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Readiness {
    ready: bool,
    /// Records can be read.
    store: bool,
    /// Audits are carried out.
    engine: bool,
    /// The service is ending and takes nothing new.
    ending: bool,
}

/// `GET /readyz`: 200 when the service can do its work, 503 when it cannot, or is ending.
pub(super) async fn is_ready(State(service): State<Service>) -> (StatusCode, Json<Readiness>) {
    let read = service.apart(|service| Ok(service.settings()?));
    let store = tokio::time::timeout(STORE_LIMIT, read)
        .await
        .is_ok_and(|read| read.is_ok());
    let health = service.health();
    let engine = health.engines.load(Ordering::Relaxed) > 0;
    let ending = health.ends.load(Ordering::Relaxed);
    let ready = store && engine && !ending;
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    let readiness = Readiness {
        ready,
        store,
        engine,
        ending,
    };
    (status, Json(readiness))
}
