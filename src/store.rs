//! The record of runs: small records in sled, the runs themselves as files named by their digest.
//!
//! sled keeps what is looked up (when, which pages, what came out) and is flushed before anything
//! is acknowledged; it does not give space back, so nothing large goes in. One process at a time
//! may have a store open.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::report::{Report, Summary};
use crate::model::value::sha256_hex;

/// Memory sled may use for its cache, in bytes; its default is a gigabyte.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// First byte of every record: the form the rest is in.
const RECORD_FORM: u8 = 1;
/// Pages named in a record; the run itself has them all.
const MOST_PAGES: usize = 100;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open, or it is damaged.
    #[error("the store {} cannot be opened; is another consentinel using it?", .0.display())]
    Open(PathBuf, #[source] sled::Error),
    /// A record could not be read or written.
    #[error("the store's records cannot be read or written")]
    Records(#[from] sled::Error),
    /// A file could not be read or written.
    #[error("{}: cannot be read or written", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// What is stored is something else.
    #[error("the record of run {0} cannot be understood")]
    Form(String, #[source] serde_json::Error),
    /// A record of another form than this program writes.
    #[error("the record of run {0} was written by another version of this program")]
    OtherVersion(String),
    /// Not what was stored under that digest.
    #[error("the file of run {0} was changed since it was stored")]
    Changed(String),
    /// No such run.
    #[error("no run {0}; `consentinel runs list` names them all")]
    NoSuchRun(String),
}

/// What is known of a run without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id; sorts by time.
    pub id: String,
    /// When it began.
    pub started: Timestamp,
    /// How many pages it has.
    pub page_count: usize,
    /// The first of its pages.
    pub pages: Vec<String>,
    /// What came out.
    pub summary: Summary,
    /// SHA-256 of the file that holds it.
    pub digest: String,
}

/// The record of runs in one folder.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    records: sled::Tree,
    database: sled::Db,
}

impl Store {
    /// Opens the store in a folder, which is made if it does not exist.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let open = |error| StoreError::Open(folder.to_path_buf(), error);
        let database = sled::Config::new()
            .path(folder.join("records"))
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(None)
            .open()
            .map_err(open)?;
        let records = database.open_tree("runs").map_err(open)?;
        Ok(Self {
            folder: folder.to_path_buf(),
            records,
            database,
        })
    }

    /// Stores a run, raw values and pictures included. On return it is on disk.
    pub fn put(&self, report: &Report) -> Result<RunRecord, StoreError> {
        let id = report.run.id.clone();
        let bytes =
            serde_json::to_vec(report).map_err(|error| StoreError::Form(id.clone(), error))?;
        let record = RunRecord {
            id: id.clone(),
            started: report.run.started,
            page_count: report.pages.len(),
            pages: report
                .pages
                .iter()
                .take(MOST_PAGES)
                .map(|page| page.url.chars().take(200).collect())
                .collect(),
            summary: report.summary.clone(),
            digest: sha256_hex(&bytes),
        };
        self.write_file(&record.digest, &bytes)?;
        let mut value = vec![RECORD_FORM];
        serde_json::to_writer(&mut value, &record).map_err(|error| StoreError::Form(id, error))?;
        self.records.insert(record.id.as_bytes(), value)?;
        self.database.flush()?;
        Ok(record)
    }

    /// The runs, oldest first.
    pub fn list(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.records
            .iter()
            .map(|entry| {
                let (key, value) = entry?;
                decode(&String::from_utf8_lossy(&key), &value)
            })
            .collect()
    }

    /// A run by its id; `last` is the newest.
    pub fn get(&self, id: &str) -> Result<Report, StoreError> {
        let entry = if id == "last" {
            self.records.last()?
        } else {
            self.records
                .get(id.as_bytes())?
                .map(|value| (sled::IVec::from(id.as_bytes()), value))
        };
        let (key, value) = entry.ok_or_else(|| StoreError::NoSuchRun(id.to_owned()))?;
        let id = String::from_utf8_lossy(&key).into_owned();
        let record = decode(&id, &value)?;
        let path = self.path_of(&record.digest);
        let bytes = std::fs::read(&path).map_err(|error| StoreError::File(path, error))?;
        if sha256_hex(&bytes) != record.digest {
            return Err(StoreError::Changed(id));
        }
        serde_json::from_slice(&bytes).map_err(|error| StoreError::Form(id, error))
    }

    fn path_of(&self, digest: &str) -> PathBuf {
        let (first, rest) = digest.split_at(digest.len().min(2));
        self.folder.join("objects").join(first).join(rest)
    }

    /// Writes beside and renames: a file under its digest is whole or absent.
    fn write_file(&self, digest: &str, bytes: &[u8]) -> Result<(), StoreError> {
        use std::io::Write as _;
        let path = self.path_of(digest);
        let failed = |error| StoreError::File(path.clone(), error);
        let parent = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(parent).map_err(failed)?;
        let mut beside = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
        beside.write_all(bytes).map_err(failed)?;
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(&path).map_err(|error| failed(error.error))?;
        Ok(())
    }
}

fn decode(id: &str, value: &[u8]) -> Result<RunRecord, StoreError> {
    match value.split_first() {
        Some((&RECORD_FORM, record)) => {
            serde_json::from_slice(record).map_err(|error| StoreError::Form(id.to_owned(), error))
        }
        _ => Err(StoreError::OtherVersion(id.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{CatalogInfo, Run, SCHEMA, Tool};

    fn run(id: &str) -> Report {
        let started = Timestamp::UNIX_EPOCH;
        Report {
            schema: SCHEMA.to_owned(),
            run: Run {
                id: id.to_owned(),
                started,
                finished: started,
                tool: Tool {
                    version: "1".to_owned(),
                    commit: None,
                },
                browser: None,
                catalog: CatalogInfo {
                    version: String::new(),
                    services: 0,
                },
                consent_engine: String::new(),
                profile: "eu".to_owned(),
                clock: "real".to_owned(),
                options: std::collections::BTreeMap::new(),
                diagnostics: Vec::new(),
            },
            pages: Vec::new(),
            services: Vec::new(),
            findings: Vec::new(),
            rules: Vec::new(),
            summary: Summary::default(),
        }
    }

    #[test]
    fn runs_come_back_as_they_were_after_the_store_was_closed() {
        let folder = tempfile::tempdir().unwrap();
        {
            let store = Store::open(folder.path()).unwrap();
            store.put(&run("20260102-b")).unwrap();
            store.put(&run("20260101-a")).unwrap();
        }
        let store = Store::open(folder.path()).unwrap();
        let ids: Vec<String> = store
            .list()
            .unwrap()
            .into_iter()
            .map(|record| record.id)
            .collect();
        assert_eq!(ids, ["20260101-a", "20260102-b"]);
        assert_eq!(store.get("20260101-a").unwrap(), run("20260101-a"));
        assert_eq!(store.get("last").unwrap().run.id, "20260102-b");
        assert!(matches!(store.get("other"), Err(StoreError::NoSuchRun(_))));
    }

    #[test]
    fn a_changed_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let record = store.put(&run("a")).unwrap();
        std::fs::write(store.path_of(&record.digest), "{}").unwrap();
        assert!(matches!(store.get("a"), Err(StoreError::Changed(_))));
    }

    #[test]
    fn a_second_process_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let _first = Store::open(folder.path()).unwrap();
        assert!(matches!(
            Store::open(folder.path()),
            Err(StoreError::Open(..))
        ));
    }
}
