//! Under which storage keys the page's frames and workers live, and through whom each can be read.
//!
//! A storage key is what Chromium keeps storage apart by: an origin and, for third parties, the page's
//! site. It is known only when a frame has arrived; the browser is then asked to tell every change
//! under it, also by workers, and until the profile is thrown away.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use super::{Shared, lock};
use crate::browser::browser_protocol::storage::{
    GetStorageKeyParams, TrackCacheStorageForStorageKeyParams, TrackIndexedDbForStorageKeyParams,
};
use crate::browser::{Connection, Session};

/// Most storage keys of one visit.
const MOST_PLACES: usize = 500;
/// Most sessions remembered for one storage key: any one of them can read it.
const MOST_READERS: usize = 8;
/// How long the browser may take to name a storage key.
const KEY_LIMIT: Duration = Duration::from_secs(2);
/// A frame's event may come before the browser has moved it: how often it is asked again, and after how long.
const KEY_ATTEMPTS: u32 = 5;
const KEY_PAUSE: Duration = Duration::from_millis(20);

/// One storage key.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    /// Who can read it, newest last.
    pub(super) readers: Vec<Session>,
    /// Databases may have changed since they were read.
    pub(super) databases_stale: bool,
    /// Caches may have changed since they were read.
    pub(super) caches_stale: bool,
}

/// Every storage key of a visit.
#[derive(Debug, Default)]
pub(super) struct Places {
    by_key: BTreeMap<String, Place>,
    /// The last known storage key of each frame, which empty frames inherit.
    frames: HashMap<String, String>,
}

impl Places {
    /// Adds a reader; whether the storage key is new.
    fn add(&mut self, key: &str, reader: Session) -> bool {
        if self.by_key.len() >= MOST_PLACES && !self.by_key.contains_key(key) {
            return false;
        }
        let mut new = false;
        let place = self.by_key.entry(key.to_owned()).or_insert_with(|| {
            new = true;
            Place {
                readers: Vec::new(),
                databases_stale: true,
                caches_stale: true,
            }
        });
        place.readers.retain(|known| known.id() != reader.id());
        if place.readers.len() >= MOST_READERS {
            place.readers.remove(0);
        }
        place.readers.push(reader);
        new
    }

    /// The storage keys under which something may have changed; they count as read from now on.
    pub(super) fn take_stale(&mut self) -> Vec<(String, Place)> {
        let mut stale = Vec::new();
        for (key, place) in &mut self.by_key {
            if place.databases_stale || place.caches_stale {
                stale.push((key.clone(), place.clone()));
                place.databases_stale = false;
                place.caches_stale = false;
            }
        }
        stale
    }

    /// What could not be read is still to be read.
    pub(super) fn mark(&mut self, key: &str, databases: bool, caches: bool) {
        if let Some(place) = self.by_key.get_mut(key) {
            place.databases_stale |= databases;
            place.caches_stale |= caches;
        }
    }

    /// A target is gone: nothing can be read through it any more.
    pub(super) fn forget(&mut self, session: &str) {
        for place in self.by_key.values_mut() {
            place.readers.retain(|reader| reader.id() != Some(session));
        }
    }
}

/// A frame shows another document (`Page.frameNavigated`).
pub(super) fn frame_arrived(
    connection: &Connection,
    shared: &Arc<Shared>,
    session: Option<&str>,
    frame: &Json,
) {
    let (Some(session), Some(id)) = (session, frame["id"].as_str()) else {
        return;
    };
    let origin = frame["securityOrigin"].as_str().unwrap_or_default();
    let asked = GetStorageKeyParams {
        frame_id: Some(id.to_owned().into()),
    };
    tokio::spawn(learn(
        Arc::clone(shared),
        Session::attached(connection.clone(), session),
        asked,
        Some((id.to_owned(), origin.to_owned())),
        None,
    ));
}

/// A worker was attached: it may live under a storage key no frame has.
pub(super) fn worker_attached(shared: &Arc<Shared>, session: &Session, kind: &str, url: &str) {
    if matches!(kind, "worker" | "shared_worker" | "service_worker") {
        let service_worker = (kind == "service_worker").then(|| url.to_owned());
        tokio::spawn(learn(
            Arc::clone(shared),
            session.clone(),
            GetStorageKeyParams::default(),
            None,
            service_worker,
        ));
    }
}

/// Asks for the storage key of a frame or a worker, until it fits the origin the frame says it has.
async fn learn(
    shared: Arc<Shared>,
    session: Session,
    asked: GetStorageKeyParams,
    frame: Option<(String, String)>,
    service_worker: Option<String>,
) {
    let origin = frame.as_ref().map_or("", |(_, origin)| origin.as_str());
    for attempt in 1..=KEY_ATTEMPTS {
        let answer = session.call_within(asked.clone(), KEY_LIMIT).await;
        let key = answer
            .as_ref()
            .ok()
            .and_then(|key| key["storageKey"].as_str());
        // Frames without an origin of their own (`about:blank`, `srcdoc`) say nothing to compare with.
        let named = origin.contains("://") && origin.len() > "://".len();
        if let Some(key) = key.filter(|key| !named || key.starts_with(&format!("{origin}/"))) {
            if let Some((id, _)) = &frame {
                let mut places = lock(&shared.places);
                if places.frames.len() < MOST_PLACES {
                    places.frames.insert(id.clone(), key.to_owned());
                }
            }
            found(&shared, key, session, service_worker.as_deref());
            return;
        }
        if !named && frame.is_some() {
            // A sandboxed frame has no storage at all.
            return;
        }
        tokio::time::sleep(KEY_PAUSE * attempt).await;
    }
}

fn found(shared: &Shared, key: &str, session: Session, service_worker: Option<&str>) {
    lock(&shared.recording).on_place(key, service_worker);
    if !lock(&shared.places).add(key, session.clone()) {
        return;
    }
    // Through the page itself: it outlives the frames, and speaks for every key of its profile.
    let through = lock(&shared.targets).page_session().unwrap_or(session);
    drop(through.send(TrackIndexedDbForStorageKeyParams::new(key)));
    drop(through.send(TrackCacheStorageForStorageKeyParams::new(key)));
}

/// An event of the `Storage` or the `ServiceWorker` domain.
pub(super) fn heard(shared: &Shared, method: &str, params: &Json) {
    if let Some(key) = params["storageKey"].as_str() {
        lock(&shared.places).mark(
            key,
            method.starts_with("Storage.indexedDB"),
            method.starts_with("Storage.cacheStorage"),
        );
    }
    lock(&shared.recording).on_databases(method, params);
}
