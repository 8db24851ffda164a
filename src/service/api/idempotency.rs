//! A request that makes something is carried out once for each `Idempotency-Key`, however often it is
//! sent: the second time it is answered as the first time was.
//!
//! Answers are kept for 24 hours. Those that may hold a secret are not kept: of them it is only known that
//! they were given.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::LARGEST_BODY;
use crate::model::value::sha256_hex;
use crate::service::Service;
use crate::service::access::Caller;
use crate::service::error::Problem;
use crate::store::StoreError;

/// The header that carries the key.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is one that was given before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key, in characters.
pub(super) const LONGEST_KEY: usize = 128;
/// How long answers are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24);
/// Most answers kept.
const MOST: usize = 10_000;
/// Every so many answers, those that are too old are removed.
const PRUNED_EVERY: usize = 500;
/// What is made below these never answers with a secret, so its answers may be kept.
const WITHOUT_SECRETS: [&str; 3] = ["/audits", "/schedules", "/sites"];
/// What of an answer's headers is kept.
const HEADERS: [HeaderName; 3] = [header::CONTENT_TYPE, header::LOCATION, header::ETAG];

/// A request that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When.
    at: Timestamp,
    /// Digest of what was asked.
    asked: String,
    /// The answer's status code.
    status: u16,
    /// Its headers.
    headers: Vec<(String, String)>,
    /// Its body; absent when it was not kept.
    body: Option<String>,
}

/// Keys of requests that are being answered.
#[derive(Debug, Clone, Default)]
pub(super) struct AtWork {
    keys: Arc<Mutex<HashSet<String>>>,
    answered: Arc<AtomicUsize>,
}

impl AtWork {
    fn begin(&self, id: &str) -> Option<Turn> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.insert(id.to_owned()).then(|| Turn {
            keys: Arc::clone(&self.keys),
            id: id.to_owned(),
        })
    }

    /// Whether it is time to remove what is too old.
    fn is_time_to_prune(&self) -> bool {
        let answered = self.answered.fetch_add(1, Ordering::Relaxed);
        answered.is_multiple_of(PRUNED_EVERY)
    }
}

/// The right to answer the request of a key; given back when it is dropped.
struct Turn {
    keys: Arc<Mutex<HashSet<String>>>,
    id: String,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&self.id);
    }
}

/// Carries a request with a key out once.
pub(super) async fn once_for_each_key(
    State((service, at_work)): State<(Service, AtWork)>,
    request: Request,
    next: Next,
) -> Response {
    let key = request.headers().get(KEY).cloned();
    let caller = request.extensions().get::<Caller>().cloned();
    let (Some(key), Some(caller), &Method::POST) = (key, caller, request.method()) else {
        return next.run(request).await;
    };
    // Whoever hangs up does not keep the answer from being noted.
    let answering = tokio::spawn(async move {
        once(&service, &at_work, &caller, &key, request, next)
            .await
            .unwrap_or_else(Problem::into_response)
    });
    answering
        .await
        .unwrap_or_else(|error| Problem::internal(&error).into_response())
}

async fn once(
    service: &Service,
    at_work: &AtWork,
    caller: &Caller,
    key: &HeaderValue,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let key = key
        .to_str()
        .ok()
        .filter(|key| {
            (1..=LONGEST_KEY).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_graphic())
        })
        .ok_or_else(|| {
            Problem::bad_request("an `Idempotency-Key` has 1 to 128 visible ASCII characters")
        })?;
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, LARGEST_BODY).await.map_err(|_too_large| {
        Problem::of_status(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the body is too large; send at most 64 KiB",
        )
    })?;
    let path = parts.uri.path().to_owned();
    let asked = sha256_hex(&[parts.uri.to_string().as_bytes(), b"\n", &body].concat());
    let id = sha256_hex(format!("{}\n{key}", caller.name).as_bytes());
    let Some(_turn) = at_work.begin(&id) else {
        return Err(Problem::conflict(
            "a request with this `Idempotency-Key` is being answered; send it again in a moment",
        ));
    };
    let looked_up = id.clone();
    let held = service
        .apart(move |service| Ok(service.shelves().answered.get(&looked_up)?))
        .await?;
    if let Some(held) = held.filter(|held| held.at + KEPT > Timestamp::now()) {
        return held.again(&asked);
    }
    let request = Request::from_parts(parts, Body::from(body));
    let response = next.run(request).await;
    if !is_final(response.status()) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let answered = Answered::new(&path, asked, parts.status, &parts.headers, &bytes);
    let prune = at_work.is_time_to_prune();
    let noted = service
        .apart(move |service| {
            note(service, &id, &answered)?;
            if prune {
                remove_the_old(service)?;
            }
            Ok(())
        })
        .await;
    if let Err(problem) = noted {
        tracing::warn!(%problem.detail, "an answer cannot be kept for its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

/// Whether the same request would be answered like that again. One who may not, comes too often or is
/// told of a fault may try again with the same key.
fn is_final(status: StatusCode) -> bool {
    !status.is_server_error()
        && ![
            StatusCode::UNAUTHORIZED,
            StatusCode::FORBIDDEN,
            StatusCode::REQUEST_TIMEOUT,
            StatusCode::TOO_MANY_REQUESTS,
        ]
        .contains(&status)
}

impl Answered {
    fn new(
        path: &str,
        asked: String,
        status: StatusCode,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Self {
        let may_be_kept = WITHOUT_SECRETS
            .iter()
            .any(|place| path.strip_prefix(place).is_some_and(is_below));
        let text = |name: &HeaderName| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        };
        Self {
            at: Timestamp::now(),
            asked,
            status: status.as_u16(),
            headers: HEADERS.iter().filter_map(text).collect(),
            body: may_be_kept.then(|| String::from_utf8_lossy(body).into_owned()),
        }
    }

    /// The answer once more.
    fn again(self, asked: &str) -> Result<Response, Problem> {
        if self.asked != asked {
            return Err(Problem::key_reused(
                "this `Idempotency-Key` was sent with another request; take a new one",
            ));
        }
        let Some(body) = self.body else {
            return Err(Problem::conflict(format!(
                "this was done at {}, and what was answered is not kept; take a new `Idempotency-Key` to do it again",
                self.at
            )));
        };
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, body).into_response();
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
            .headers_mut()
            .insert(REPLAYED, HeaderValue::from_static("true"));
        Ok(response)
    }
}

fn is_below(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('/')
}

/// Keeps an answer; without its body when it is too large for a record.
fn note(service: &Service, id: &str, answered: &Answered) -> Result<(), StoreError> {
    let shelf = &service.shelves().answered;
    match shelf.put(id, answered) {
        Err(StoreError::TooLarge { .. }) => {
            let without = Answered {
                body: None,
                ..answered.clone()
            };
            shelf.put(id, &without)?;
        }
        put => put?,
    }
    service.store().flush()
}

/// Removes answers that are older than they are kept, and the oldest where there are too many.
fn remove_the_old(service: &Service) -> Result<(), StoreError> {
    let shelf = &service.shelves().answered;
    let mut all: Vec<(Timestamp, String)> = Vec::new();
    for entry in shelf.all() {
        let (id, answered) = entry?;
        all.push((answered.at, id));
    }
    all.sort_unstable();
    let too_many = all.len().saturating_sub(MOST);
    let now = Timestamp::now();
    for (place, (at, id)) in all.iter().enumerate() {
        if place < too_many || *at + KEPT <= now {
            shelf.remove(id)?;
        }
    }
    Ok(())
}
