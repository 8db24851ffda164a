//! Small records in sled: keys with a version, values with a form, nothing large.
//!
//! sled 0.34 leaks disk space where values of 32 KiB and more are rewritten, can hang a writer through
//! `watch_prefix`, and takes a gigabyte of cache unless told otherwise: values are small here, nothing
//! watches, and the cache is bounded.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sled::Transactional as _;
use sled::transaction::{ConflictableTransactionError, TransactionError};

use super::StoreError;
use super::run::{FindingRecord, PageRecord, RunRecord};
use crate::model::finding::Finding;

/// The version of the whole store: which trees there are and what they mean.
pub(super) const SCHEMA_VERSION: u32 = 1;
/// First byte of every key.
const KEY_VERSION: u8 = 1;
/// First byte of every value: the form the rest is in, JSON.
const RECORD_FORM: u8 = 1;
/// Largest value, in bytes.
pub(super) const LARGEST_RECORD: usize = 16 * 1024;
/// Memory sled may use for its cache, in bytes; its default is a gigabyte.
const CACHE_BYTES: u64 = 32 * 1024 * 1024;
/// Pages named in the record of a run.
const NAMED_PAGES: usize = 20;
/// Most records deleted at once.
const DELETED_AT_ONCE: usize = 10_000;
/// Where the version of the schema and the place of the evidence stand.
const SCHEMA_KEY: &[u8] = b"schema";
const EVIDENCE_KEY: &[u8] = b"evidence";

/// The trees that hold records, by name: those of runs, then the shelves of the service.
pub(super) const TREES: [&str; 17] = [
    "runs",
    "pages",
    "frontier",
    "findings",
    "sites",
    "audits",
    "schedules",
    "accepted",
    "channels",
    "deliveries",
    "accounts",
    "sessions",
    "tokens",
    "journal",
    "answered",
    "settings",
    "told",
];

/// The records of a store.
#[derive(Debug, Clone)]
pub(super) struct Records {
    database: sled::Db,
    meta: sled::Tree,
    runs: sled::Tree,
    pages: sled::Tree,
    pub(super) frontier: sled::Tree,
    findings: sled::Tree,
}

impl Records {
    pub(super) fn open(folder: &Path) -> Result<Self, StoreError> {
        let failed = |error: sled::Error| {
            if is_lock(&error) {
                StoreError::InUse(folder.to_path_buf())
            } else {
                StoreError::Open(folder.to_path_buf(), error)
            }
        };
        let database = sled::Config::new()
            .path(folder.join("records"))
            .cache_capacity(CACHE_BYTES)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(None)
            .open()
            .map_err(failed)?;
        let tree = |name: &str| database.open_tree(name).map_err(failed);
        let records = Self {
            meta: tree("meta")?,
            runs: tree("runs")?,
            pages: tree("pages")?,
            frontier: tree("frontier")?,
            findings: tree("findings")?,
            database: database.clone(),
        };
        records.check_version(folder)?;
        Ok(records)
    }

    fn check_version(&self, folder: &Path) -> Result<(), StoreError> {
        let found = match self.meta.get(SCHEMA_KEY)? {
            Some(version) => u32::from_be_bytes(version.as_ref().try_into().unwrap_or([0xff; 4])),
            None if self.runs.is_empty() => {
                self.meta
                    .insert(SCHEMA_KEY, SCHEMA_VERSION.to_be_bytes().as_slice())?;
                self.flush()?;
                return Ok(());
            }
            None => 0,
        };
        if found == SCHEMA_VERSION {
            Ok(())
        } else {
            Err(StoreError::OtherVersion {
                folder: folder.to_path_buf(),
                found,
                known: SCHEMA_VERSION,
            })
        }
    }

    /// Waits until everything is on disk.
    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.database.flush()?;
        Ok(())
    }

    /// The tree of that name, one of [`TREES`].
    pub(super) fn tree(&self, name: &str) -> Result<sled::Tree, StoreError> {
        Ok(self.database.open_tree(name)?)
    }

    /// Bytes the records take on disk.
    pub(super) fn size_on_disk(&self) -> Result<u64, StoreError> {
        Ok(self.database.size_on_disk()?)
    }

    pub(super) fn evidence(&self) -> Result<Option<String>, StoreError> {
        let place = self.meta.get(EVIDENCE_KEY)?;
        Ok(place.map(|place| String::from_utf8_lossy(&place).into_owned()))
    }

    pub(super) fn remember_evidence(&self, place: &str) -> Result<(), StoreError> {
        self.meta.insert(EVIDENCE_KEY, place.as_bytes())?;
        self.flush()
    }

    pub(super) fn put_run(&self, record: &RunRecord) -> Result<(), StoreError> {
        let value = encode(&format!("run {}", record.id), record)?;
        self.runs.insert(key(&record.id, &[]), value)?;
        Ok(())
    }

    pub(super) fn run(&self, id: &str) -> Result<Option<RunRecord>, StoreError> {
        if !is_run_id(id) {
            return Ok(None);
        }
        let value = self.runs.get(key(id, &[]))?;
        value
            .map(|value| decode(&format!("run {id}"), &value))
            .transpose()
    }

    pub(super) fn last_run(&self) -> Result<Option<RunRecord>, StoreError> {
        let last = self.runs.last()?;
        last.map(|(key, value)| decode(&run_of(&key), &value))
            .transpose()
    }

    /// Every run, oldest first.
    pub(super) fn runs(&self) -> impl Iterator<Item = Result<RunRecord, StoreError>> + use<> {
        self.runs.iter().map(|entry| {
            let (key, value) = entry?;
            decode(&run_of(&key), &value)
        })
    }

    pub(super) fn put_page(
        &self,
        run: &str,
        number: u64,
        record: &PageRecord,
    ) -> Result<(), StoreError> {
        let value = encode(&format!("page {number} of run {run}"), record)?;
        self.pages.insert(key(run, &number.to_be_bytes()), value)?;
        Ok(())
    }

    /// A page and what became of the frontier with it: both, or neither.
    pub(super) fn put_page_and_frontier(
        &self,
        run: &str,
        number: u64,
        record: &PageRecord,
        frontier: &sled::Batch,
    ) -> Result<(), StoreError> {
        let value = encode(&format!("page {number} of run {run}"), record)?;
        let key = key(run, &number.to_be_bytes());
        (&self.pages, &self.frontier)
            .transaction(|(pages, tree)| {
                pages.insert(key.as_slice(), value.as_slice())?;
                tree.apply_batch(frontier)?;
                Ok::<(), ConflictableTransactionError<sled::Error>>(())
            })
            .map_err(|error| match error {
                TransactionError::Abort(error) | TransactionError::Storage(error) => {
                    StoreError::Records(error)
                }
            })
    }

    /// The pages of a run with their numbers, in their order.
    pub(super) fn pages(
        &self,
        run: &str,
    ) -> impl Iterator<Item = Result<(u64, PageRecord), StoreError>> + use<> {
        let run = run.to_owned();
        self.pages.scan_prefix(key(&run, &[])).map(move |entry| {
            let (key, value) = entry?;
            let number = number_of(&key);
            let record = decode(&format!("page {number} of run {run}"), &value)?;
            Ok((number, record))
        })
    }

    /// The pages of all runs.
    pub(super) fn all_pages(&self) -> impl Iterator<Item = Result<PageRecord, StoreError>> + use<> {
        self.pages.iter().map(|entry| {
            let (key, value) = entry?;
            let what = format!("page {} of {}", number_of(&key), run_of(&key));
            decode(&what, &value)
        })
    }

    pub(super) fn count_pages(&self, run: &str) -> usize {
        self.pages.scan_prefix(key(run, &[])).keys().count()
    }

    /// The addresses of the first pages of a run.
    pub(super) fn first_pages(&self, run: &str) -> Vec<String> {
        self.pages(run)
            .take(NAMED_PAGES)
            .filter_map(Result::ok)
            .map(|(_, page)| page.url.chars().take(200).collect())
            .collect()
    }

    /// Puts the findings of a run in the place of those it had.
    pub(super) fn put_findings(&self, run: &str, findings: &[Finding]) -> Result<(), StoreError> {
        delete_prefix(&self.findings, &key(run, &[]))?;
        let mut batch = sled::Batch::default();
        for finding in findings {
            let record = FindingRecord::new(finding);
            let value = encode(&format!("a finding of run {run}"), &record)?;
            batch.insert(key(run, finding.id.as_bytes()), value);
        }
        self.findings.apply_batch(batch)?;
        Ok(())
    }

    /// Removes everything that is recorded of a run; its own record first, so that a run is whole or gone.
    pub(super) fn delete_run(&self, run: &str) -> Result<(), StoreError> {
        self.runs.remove(key(run, &[]))?;
        self.flush()?;
        for tree in [&self.pages, &self.frontier, &self.findings] {
            delete_prefix(tree, &key(run, &[]))?;
        }
        Ok(())
    }

    /// Pages, findings and addresses of runs there is no record of: what a deletion left that was broken off.
    pub(super) fn delete_leftovers(&self) -> Result<usize, StoreError> {
        let mut left = 0;
        for tree in [&self.pages, &self.frontier, &self.findings] {
            let mut at: Vec<u8> = Vec::new();
            while let Some((found, _)) = tree.get_gt(&at)? {
                let Some(prefix) = prefix_of(&found) else {
                    at = found.to_vec();
                    continue;
                };
                if !self.runs.contains_key(&prefix)? {
                    delete_prefix(tree, &prefix)?;
                    left += 1;
                }
                // To the end of what belongs to that run.
                at = prefix;
                if let Some(last) = at.last_mut() {
                    *last = 1;
                }
            }
        }
        self.flush()?;
        Ok(left)
    }
}

/// Removes everything whose key begins so.
fn delete_prefix(tree: &sled::Tree, prefix: &[u8]) -> Result<(), StoreError> {
    loop {
        let mut batch = sled::Batch::default();
        let mut count = 0;
        for key in tree.scan_prefix(prefix).keys().take(DELETED_AT_ONCE) {
            batch.remove(key?);
            count += 1;
        }
        if count == 0 {
            return Ok(());
        }
        tree.apply_batch(batch)?;
    }
}

/// Whether a text can be the id of a run: it becomes part of keys.
pub(super) fn is_run_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= 64 && id.bytes().all(allowed)
}

/// The key of something that belongs to a run: version, id, a zero, the rest.
pub(super) fn key(run: &str, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(run.len() + rest.len() + 2);
    key.push(KEY_VERSION);
    key.extend_from_slice(run.as_bytes());
    key.push(0);
    key.extend_from_slice(rest);
    key
}

/// The beginning of a key that names its run.
fn prefix_of(key: &[u8]) -> Option<Vec<u8>> {
    let end = key.iter().position(|byte| *byte == 0)?;
    key.get(..=end).map(<[u8]>::to_vec)
}

/// The run a key belongs to.
pub(super) fn run_of(key: &[u8]) -> String {
    let id = key.get(1..).unwrap_or_default();
    let end = id.iter().position(|byte| *byte == 0).unwrap_or(id.len());
    String::from_utf8_lossy(id.get(..end).unwrap_or_default()).into_owned()
}

/// The number at the end of a key.
pub(super) fn number_of(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |last| u64::from_be_bytes(*last))
}

/// The value of a record.
pub(super) fn encode(what: &str, record: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let mut value = vec![RECORD_FORM];
    serde_json::to_writer(&mut value, record)
        .map_err(|error| StoreError::Form(what.to_owned(), error))?;
    if value.len() > LARGEST_RECORD {
        return Err(StoreError::TooLarge {
            what: what.to_owned(),
            bytes: value.len(),
        });
    }
    Ok(value)
}

/// The record of a value.
pub(super) fn decode<T: DeserializeOwned>(what: &str, value: &[u8]) -> Result<T, StoreError> {
    match value.split_first() {
        Some((&RECORD_FORM, record)) => {
            serde_json::from_slice(record).map_err(|error| StoreError::Form(what.to_owned(), error))
        }
        _ => Err(StoreError::OtherForm(what.to_owned())),
    }
}

/// Whether sled could not lock its file: it says so in words alone.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(error) if error.to_string().contains("could not acquire lock"))
}
