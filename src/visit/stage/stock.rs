//! Taking stock: what the browser has stored by now, read at the end of a phase.
//!
//! All questions go out before any answer is awaited, each has its limit and all together have one: a
//! page that hangs never answers. Only what may have changed since the last time is read again.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value as Json, json};

use super::places::Place;
use super::{Stage, World, evaluation, lock};
use crate::browser::browser_protocol::cache_storage::{
    RequestCacheNamesParams, RequestEntriesParams,
};
use crate::browser::browser_protocol::indexed_db::{
    GetMetadataParams, RequestDataParams, RequestDatabaseNamesParams, RequestDatabaseParams,
};
use crate::browser::browser_protocol::storage::{ClearCookiesParams, GetCookiesParams};
use crate::browser::js_protocol::runtime::{CallFunctionOnParams, ReleaseObjectParams};
use crate::browser::{BrowserError, Session};
use crate::model::snapshot::StorageKind;
use crate::visit::record::Seen;

/// How long taking stock may take in all.
const STOCK_LIMIT: Duration = Duration::from_secs(3);
/// How long one answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// While databases answer, the page's time goes on in steps of this length: a page that stands still answers nothing.
const STEP: Duration = Duration::from_millis(25);
/// Most databases, object stores of each, and caches read under one storage key.
const MOST_NAMED: usize = 100;
/// Most records of an object store, and most addresses of a cache, that are read.
const MOST_RECORDS: i64 = 50;
/// Longest text of one record kept, in bytes.
const LONGEST_RECORD: usize = 1024;

/// A copy of a stored object that cannot grow beyond bounds. It calls no function a page could have replaced.
const BOUNDED_COPY: &str = "function () {
  let left = 200;
  const cut = (text) => {
    let start = '';
    for (let index = 0; index < 400 && index < text.length; index++) start += text[index];
    return start;
  };
  const copy = (value, depth) => {
    if (--left < 0) return null;
    if (typeof value === 'string') return value.length > 400 ? cut(value) : value;
    if (typeof value === 'number' || typeof value === 'boolean') return value;
    if (typeof value !== 'object' || value === null || depth > 4) return null;
    const fields = { __proto__: null };
    for (const name in value) {
      if (left < 0) break;
      fields[name] = copy(value[name], depth + 1);
    }
    return fields;
  };
  return copy(this, 0);
}";

impl Stage {
    /// Deletes every cookie of the profile; says whether that was done.
    pub async fn delete_cookies(&self) -> bool {
        let delete = ClearCookiesParams {
            browser_context_id: Some(self.context.clone().into()),
        };
        match self.root.call_within(delete, ANSWER_LIMIT).await {
            Ok(_) => true,
            Err(error) => {
                tracing::debug!(%error, "the cookies could not be deleted");
                false
            }
        }
    }

    /// Reads the browser's cookie jar, every frame's storage areas, and the databases and caches of every
    /// storage key into the recording.
    pub async fn take_stock(&self) {
        let jar = self.root.send(GetCookiesParams {
            browser_context_id: Some(self.context.clone().into()),
        });
        let areas: Vec<_> = self
            .worlds()
            .own_worlds()
            .iter()
            .map(ask_for_areas)
            .collect();
        let stale = lock(&self.shared.places).take_stale();
        let jar = async {
            match jar.within(STOCK_LIMIT).await {
                Ok(jar) => self.recording().on_jar(&jar),
                Err(error) => {
                    tracing::debug!(%error, "the cookie jar could not be read");
                    self.recording().lost += 1;
                }
            }
        };
        let areas = join_all(areas.into_iter().map(|reply| async move {
            if let Ok(answer) = reply.within(STOCK_LIMIT).await {
                let areas = &answer["result"]["value"];
                if areas.is_object() {
                    self.recording().on_areas(areas);
                }
            }
        }));
        futures::join!(jar, areas, self.read_places(stale));
    }

    /// Reads databases and caches while the page's time goes on.
    async fn read_places(&self, stale: Vec<(String, Place)>) {
        if stale.is_empty() {
            return;
        }
        let reading = join_all(stale.iter().map(|(key, place)| self.read_place(key, place)));
        let time = async {
            while !self.page_state().crashed {
                self.wait_for(STEP, |_| false).await;
            }
            std::future::pending::<()>().await;
        };
        let all = async {
            tokio::select! {
                _ = reading => {}
                () = time => {}
            }
        };
        if tokio::time::timeout(STOCK_LIMIT, all).await.is_err() {
            tracing::debug!("some databases could not be read in time");
        }
    }

    async fn read_place(&self, key: &str, place: &Place) {
        let databases = async {
            if place.databases_stale {
                let seen = first_answer(place, |session| databases(session, key)).await;
                self.keep(StorageKind::IndexedDb, key, seen);
            }
        };
        let caches = async {
            if place.caches_stale {
                let seen = first_answer(place, |session| caches(session, key)).await;
                self.keep(StorageKind::CacheStorage, key, seen);
            }
        };
        futures::join!(databases, caches);
    }

    fn keep(&self, kind: StorageKind, key: &str, seen: Option<Vec<Seen>>) {
        match seen {
            Some(seen) => self.recording().on_contents(kind, key, &seen),
            None => lock(&self.shared.places).mark(
                key,
                kind == StorageKind::IndexedDb,
                kind == StorageKind::CacheStorage,
            ),
        }
    }
}

fn ask_for_areas(world: &World) -> crate::browser::connection::Reply {
    let areas = "globalThis.consentinel?.areas()".to_owned();
    world.session.send(evaluation(world, areas, true))
}

/// Asks one reader after the other until one can tell: a frame may have left the storage key since.
async fn first_answer<'a, F>(place: &'a Place, ask: impl Fn(&'a Session) -> F) -> Option<Vec<Seen>>
where
    F: Future<Output = Result<Vec<Seen>, BrowserError>>,
{
    for reader in place.readers.iter().rev() {
        match ask(reader).await {
            Ok(seen) => return Some(seen),
            Err(BrowserError::Refused { .. }) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Every database under a storage key, and every object store in it.
async fn databases(session: &Session, key: &str) -> Result<Vec<Seen>, BrowserError> {
    let names = session
        .call_within(
            RequestDatabaseNamesParams {
                storage_key: Some(key.to_owned()),
                ..RequestDatabaseNamesParams::default()
            },
            ANSWER_LIMIT,
        )
        .await?;
    let names = texts(&names["databaseNames"]);
    let read = join_all(names.iter().map(|name| database(session, key, name)));
    Ok(read.await.into_iter().flatten().collect())
}

async fn database(session: &Session, key: &str, name: &str) -> Vec<Seen> {
    let mut seen = vec![Seen {
        name: name.to_owned(),
        store: None,
        content: content_of_store(0, Vec::new()),
    }];
    let asked = RequestDatabaseParams {
        storage_key: Some(key.to_owned()),
        ..RequestDatabaseParams::new(name)
    };
    let Ok(told) = session.call_within(asked, ANSWER_LIMIT).await else {
        return seen;
    };
    let stores = told["databaseWithObjectStores"]["objectStores"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|store| store["name"].as_str())
        .take(MOST_NAMED)
        .map(|store| object_store(session, key, name, store));
    seen.extend(join_all(stores).await);
    seen
}

async fn object_store(session: &Session, key: &str, database: &str, store: &str) -> Seen {
    let records = session.send(RequestDataParams {
        storage_key: Some(key.to_owned()),
        ..RequestDataParams::new(database, store, 0, MOST_RECORDS)
    });
    let count = session.send(GetMetadataParams {
        storage_key: Some(key.to_owned()),
        ..GetMetadataParams::new(database, store)
    });
    let (records, count) = futures::join!(records.within(ANSWER_LIMIT), count.within(ANSWER_LIMIT));
    let records = records.unwrap_or_default();
    let records = records["objectStoreDataEntries"].as_array();
    let entries = join_all(records.into_iter().flatten().map(|record| async {
        let (name, value) = futures::join!(
            text_of(session, &record["primaryKey"]),
            text_of(session, &record["value"])
        );
        // The key of an index: the same object again.
        release(session, &record["key"]);
        (name, value)
    }))
    .await;
    let count = count
        .ok()
        .and_then(|count| count["entriesCount"].as_f64())
        .map_or(entries.len() as u64, |count| count.max(0.0) as u64);
    Seen {
        name: database.to_owned(),
        store: Some(store.to_owned()),
        content: content_of_store(count, entries),
    }
}

/// What stands in the value of an object store.
fn content_of_store(count: u64, entries: Vec<(Json, Json)>) -> String {
    let entries: serde_json::Map<String, Json> = entries
        .into_iter()
        .map(|(name, value)| {
            let name = match name {
                Json::String(name) => name,
                other => shortened(&other.to_string()).to_owned(),
            };
            (name, value)
        })
        .collect();
    json!({ "records": count, "entries": entries }).to_string()
}

/// What a remote object says, cut to a length that can be kept.
async fn text_of(session: &Session, object: &Json) -> Json {
    let Some(id) = object["objectId"].as_str() else {
        return match &object["value"] {
            Json::String(text) => Json::String(shortened(text).to_owned()),
            value => value.clone(),
        };
    };
    let copied = session
        .call_within(
            CallFunctionOnParams {
                object_id: Some(id.to_owned().into()),
                return_by_value: Some(true),
                ..CallFunctionOnParams::new(BOUNDED_COPY)
            },
            ANSWER_LIMIT,
        )
        .await;
    release(session, object);
    let copied = copied.map_or(Json::Null, |copied| copied["result"]["value"].clone());
    // Dates, buffers and the like have no fields: their description names them.
    if copied.as_object().is_none_or(serde_json::Map::is_empty) {
        return Json::String(
            shortened(object["description"].as_str().unwrap_or_default()).to_owned(),
        );
    }
    let whole = copied.to_string();
    if whole.len() > 2 * LONGEST_RECORD {
        Json::String(shortened(&whole).to_owned())
    } else {
        copied
    }
}

fn release(session: &Session, object: &Json) {
    if let Some(id) = object["objectId"].as_str() {
        drop(session.send(ReleaseObjectParams::new(id.to_owned())));
    }
}

/// Every cache under a storage key.
async fn caches(session: &Session, key: &str) -> Result<Vec<Seen>, BrowserError> {
    let told = session
        .call_within(
            RequestCacheNamesParams {
                storage_key: Some(key.to_owned()),
                ..RequestCacheNamesParams::default()
            },
            ANSWER_LIMIT,
        )
        .await?;
    let read = told["caches"]
        .as_array()
        .into_iter()
        .flatten()
        .take(MOST_NAMED)
        .filter_map(|cache| {
            let (id, name) = (cache["cacheId"].as_str()?, cache["cacheName"].as_str()?);
            Some(cache_entries(session, id, name))
        });
    Ok(join_all(read).await)
}

async fn cache_entries(session: &Session, id: &str, name: &str) -> Seen {
    let asked = RequestEntriesParams {
        skip_count: Some(0),
        page_size: Some(MOST_RECORDS),
        ..RequestEntriesParams::new(id.to_owned())
    };
    let told = session
        .call_within(asked, ANSWER_LIMIT)
        .await
        .unwrap_or_default();
    let urls: Vec<&str> = told["cacheDataEntries"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|entry| entry["requestURL"].as_str())
        .map(shortened)
        .collect();
    let count = told["returnCount"]
        .as_f64()
        .map_or(urls.len() as u64, |count| count.max(0.0) as u64);
    Seen {
        name: name.to_owned(),
        store: None,
        content: json!({ "entries": count, "urls": urls }).to_string(),
    }
}

fn texts(list: &Json) -> Vec<String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .take(MOST_NAMED)
        .collect()
}

fn shortened(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_RECORD);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
