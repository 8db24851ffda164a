//! Reads the bodies of answers that have the form of a declaration.
//!
//! The browser searches each body for the marks of the known forms by itself; only what holds one is
//! handed over. Bodies are there as long as the page is, so they are asked for when they are complete.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::{Shared, Stage, lock};
use crate::browser::browser_protocol::network::{
    GetResponseBodyParams, SearchInResponseBodyParams,
};
use crate::browser::{Connection, Session};
use crate::visit::record::{DECLARED_OBJECTS, MARKS};

/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long bodies that are being read are waited for.
const WAIT_LIMIT: Duration = Duration::from_secs(2);
/// How often that is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// Bodies read at the same time.
const MOST_AT_ONCE: usize = 32;

/// Reads the body of a request that has just been answered completely, if it may be a declaration.
pub(super) fn finished(
    connection: &Connection,
    shared: &Arc<Shared>,
    session: Option<&str>,
    params: &Json,
) {
    let (Some(session), Some(id)) = (session, params["requestId"].as_str()) else {
        return;
    };
    if !shared.preparation.reads_declarations
        || shared.reading.load(Ordering::Relaxed) >= MOST_AT_ONCE
    {
        return;
    }
    let Some(url) = lock(&shared.recording).may_declare(id, params) else {
        return;
    };
    shared.reading.fetch_add(1, Ordering::Relaxed);
    let session = Session::attached(connection.clone(), session);
    let (shared, id) = (Arc::clone(shared), id.to_owned());
    tokio::spawn(async move {
        if let Some(text) = declaring_text(&session, &id).await {
            lock(&shared.recording).on_document(&url, &text);
        }
        shared.reading.fetch_sub(1, Ordering::Relaxed);
    });
}

/// The body of a request, when it holds one of the marks.
async fn declaring_text(session: &Session, id: &str) -> Option<String> {
    let search = SearchInResponseBodyParams {
        case_sensitive: Some(true),
        is_regex: Some(true),
        ..SearchInResponseBodyParams::new(id.to_owned(), MARKS)
    };
    let found = session.call_within(search, ANSWER_LIMIT).await.ok()?;
    if found["result"].as_array().is_none_or(Vec::is_empty) {
        return None;
    }
    let body = GetResponseBodyParams::new(id.to_owned());
    let answer = session.call_within(body, ANSWER_LIMIT).await.ok()?;
    let text = answer["body"].as_str()?;
    if answer["base64Encoded"].as_bool() == Some(true) {
        return String::from_utf8(STANDARD.decode(text).ok()?).ok();
    }
    Some(text.to_owned())
}

impl Stage {
    /// Waits for bodies that are being read, and reads what platforms on the page hold ready.
    pub async fn read_declarations(&self) {
        if !self.shared.preparation.reads_declarations {
            return;
        }
        let until = Instant::now() + WAIT_LIMIT;
        while self.shared.reading.load(Ordering::Relaxed) > 0 && Instant::now() < until {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        let Some(world) = self.worlds().top_page_world(self.main_frame()) else {
            return;
        };
        match self.worlds().evaluate(&world, DECLARED_OBJECTS).await {
            Ok(found) => {
                for object in found.as_array().into_iter().flatten().take(16) {
                    if let (Some(source), Some(text)) =
                        (object["source"].as_str(), object["text"].as_str())
                    {
                        self.recording().on_document(source, text);
                    }
                }
            }
            Err(error) => tracing::debug!(%error, "the page's declarations could not be read"),
        }
    }
}
