//! The record of runs: small records in sled, pages and pictures as packed files named by their digest.
//!
//! sled keeps what is looked up and is flushed before anything is acknowledged; it does not give
//! space back, so nothing large goes in ([`records`]). What is large is evidence ([`objects`]): each
//! page of a run is one object, so that a run of many pages needs no more memory than one of few.
//! One process at a time may have a store open. Every call blocks: asynchronous code makes it on a
//! thread that may.

mod archive;
mod check;
mod frontier;
mod objects;
mod records;
mod run;
mod shelf;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::report::{Page, Report};

pub use archive::{Exported, Imported, Restored, look_through};
pub use check::{Checked, Fault};
pub use frontier::{Added, Entry, Frontier, Standing, Tally};
pub use objects::Digest;
use objects::Objects;
use records::Records;
pub use run::{Kind, PageRecord, RunRecord, StoredRun};
pub use shelf::Shelf;

/// What can go wrong with a store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process has it open.
    #[error(
        "the store {} is in use by another consentinel; one at a time may have it open", .0.display()
    )]
    InUse(PathBuf),
    /// Its records cannot be opened.
    #[error(
        "the records of the store {} cannot be opened; move the folder aside and restore it with `consentinel store import FILE`",
        .0.display()
    )]
    Open(PathBuf, #[source] sled::Error),
    /// It was written by a program with another idea of what a store is.
    #[error(
        "the store {} has version {found}, this program reads version {known}; use the program that wrote it, or another folder",
        folder.display()
    )]
    OtherVersion {
        /// The store.
        folder: PathBuf,
        /// The version it has; 0 for one from before there were versions.
        found: u32,
        /// The version this program reads and writes.
        known: u32,
    },
    /// Records could not be read or written.
    #[error("the store's records cannot be read or written")]
    Records(#[from] sled::Error),
    /// A record is not what it should be.
    #[error("the record of {0} cannot be understood")]
    Form(String, #[source] serde_json::Error),
    /// A record of another form than this program writes.
    #[error("the record of {0} was written by another version of this program")]
    OtherForm(String),
    /// A record larger than records may be.
    #[error("the record of {what} has {bytes} bytes, more than records may have")]
    TooLarge {
        /// Whose record.
        what: String,
        /// Its size.
        bytes: usize,
    },
    /// Evidence could not be read or written.
    #[error("the evidence {0} cannot be read or written")]
    Evidence(String, #[source] object_store::Error),
    /// The place of the evidence is none.
    #[error("{0} is no place for evidence: give a folder, or s3://BUCKET/PATH")]
    EvidencePlace(String, #[source] object_store::Error),
    /// Not what was stored under that digest.
    #[error("the evidence {0} was changed since it was stored")]
    Changed(String),
    /// Evidence could not be packed or unpacked.
    #[error("the evidence {0} cannot be packed or unpacked")]
    Packing(String, #[source] std::io::Error),
    /// The thread that reads and writes evidence cannot be started, or is gone.
    #[error("evidence cannot be read or written on this machine: {0}")]
    Worker(String),
    /// A file could not be read or written.
    #[error("{}: cannot be read or written", .0.display())]
    File(PathBuf, #[source] std::io::Error),
    /// A file is no export of a store.
    #[error("{}: {reason}", file.display())]
    NoExport {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// What is to be imported is there already.
    #[error("the store has a run {0} already; import into an empty folder")]
    HasRun(String),
    /// A text that can be no id of a record.
    #[error("{0}: no id of a record; ids have 1 to 128 bytes")]
    NoKey(String),
    /// A text that is no id of a run.
    #[error("`{0}` is no id of a run")]
    NoId(String),
    /// No such run.
    #[error("no run {0}; `consentinel runs list` names them all")]
    NoSuchRun(String),
    /// The run has not come to its end.
    #[error("run {0} is not finished; go on with `consentinel crawl --resume {0}`")]
    Unfinished(String),
}

/// The record of runs in one folder. A clone is the same store.
#[derive(Debug, Clone)]
pub struct Store {
    folder: PathBuf,
    records: Records,
    objects: Objects,
    /// Held for reading while evidence is written and not yet named by a record, for writing while
    /// what no record names is removed.
    sweeping: Arc<RwLock<()>>,
}

impl Store {
    /// Opens the store in a folder, which is made if it does not exist.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        Self::open_with_evidence(folder, None)
    }

    /// Opens the store in a folder, with its evidence at an address such as `s3://bucket/path`.
    ///
    /// The address is remembered; without one, the evidence is where it was, at first inside the folder.
    pub fn open_with_evidence(folder: &Path, evidence: Option<&str>) -> Result<Self, StoreError> {
        let records = Records::open(folder)?;
        if let Some(place) = evidence {
            records.remember_evidence(place)?;
        }
        let objects = Objects::open(folder, records.evidence()?.as_deref())?;
        Ok(Self {
            folder: folder.to_path_buf(),
            records,
            objects,
            sweeping: Arc::default(),
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins a run whose pages will come one by one. `job` says how to go on with it.
    pub fn begin(&self, record: RunRecord, job: &[u8]) -> Result<RunRecord, StoreError> {
        let _unswept = self.unswept();
        let job = self.objects.put(job, None)?.digest;
        let record = RunRecord {
            job: Some(job),
            ..record
        };
        self.records.put_run(&record)?;
        self.records.flush()?;
        Ok(record)
    }

    /// What is needed to go on with a run, as [`Store::begin`] was given it.
    pub fn job(&self, record: &RunRecord) -> Result<Vec<u8>, StoreError> {
        match &record.job {
            Some(digest) => self.objects.get(digest),
            None => Err(StoreError::NoSuchRun(record.id.clone())),
        }
    }

    /// Stores one page with its pictures. On return it is on disk, but no record names it yet.
    ///
    /// Pages of one run are much alike: `like` is a page they are packed against.
    fn put_page_object(
        &self,
        page: &Page,
        like: Option<&Digest>,
    ) -> Result<PageRecord, StoreError> {
        let mut page = page.clone();
        let mut objects = BTreeSet::new();
        for picture in page.pictures_mut() {
            if let Some(bytes) = run::picture_bytes(picture) {
                objects.insert(self.objects.put(&bytes, None)?.digest);
                picture.data = None;
            }
        }
        let bytes = serde_json::to_vec(&page)
            .map_err(|error| StoreError::Form(page.url.chars().take(200).collect(), error))?;
        let stored = self.objects.put(&bytes, like)?;
        objects.extend(stored.base);
        Ok(PageRecord::new(&page, stored.digest, objects))
    }

    /// Stores a page of a run that has no frontier. On return it is on disk.
    pub fn put_page(&self, run: &str, number: u64, page: &Page) -> Result<(), StoreError> {
        let _unswept = self.unswept();
        let like = self.first_page(run);
        let record = self.put_page_object(page, like.as_ref())?;
        self.records.put_page(run, number, &record)?;
        self.records.flush()
    }

    /// The first page of a run: what its others are packed against.
    fn first_page(&self, run: &str) -> Option<Digest> {
        let (_, record) = self.records.pages(run).next()?.ok()?;
        Some(record.digest)
    }

    /// Ends a run: the report without its pages, which are stored. On return it is on disk.
    pub fn finish(&self, record: &RunRecord, head: &Report) -> Result<RunRecord, StoreError> {
        let _unswept = self.unswept();
        let head_bytes = run::head_bytes(head)?;
        let record = RunRecord {
            page_count: self.records.count_pages(&record.id),
            pages: self.records.first_pages(&record.id),
            summary: head.summary.clone(),
            head: Some(self.objects.put(&head_bytes, None)?.digest),
            finished: Some(head.run.finished),
            ..record.clone()
        };
        self.records.put_findings(&record.id, &head.findings)?;
        self.records.put_run(&record)?;
        self.records.flush()?;
        Ok(record)
    }

    /// Stores a whole run, raw values and pictures included. On return it is on disk.
    pub fn put(&self, report: &Report) -> Result<RunRecord, StoreError> {
        let record = RunRecord::new(&report.run.id, report.run.started, Kind::Audit)?;
        for (number, page) in (1..).zip(&report.pages) {
            self.put_page(&record.id, number, page)?;
        }
        self.finish(&record, report)
    }

    /// The runs that can be read, oldest first, and what is wrong with the others.
    pub fn list(&self) -> (Vec<RunRecord>, Vec<StoreError>) {
        let mut runs = Vec::new();
        let mut wrong = Vec::new();
        for run in self.records.runs() {
            match run {
                Ok(mut record) => {
                    if record.finished.is_none() {
                        record.page_count = self.records.count_pages(&record.id);
                        record.pages = self.records.first_pages(&record.id);
                    }
                    runs.push(record);
                }
                Err(error) => wrong.push(error),
            }
        }
        (runs, wrong)
    }

    /// Runs that are older than the one of that id, newest first; all of them without one. None is
    /// looked at before it is asked for.
    pub fn runs_before(
        &self,
        before: Option<&str>,
    ) -> impl Iterator<Item = Result<RunRecord, StoreError>> + use<> {
        let records = self.records.clone();
        self.records.runs_before(before).map(move |record| {
            let mut record = record?;
            if record.finished.is_none() {
                record.page_count = records.count_pages(&record.id);
                record.pages = records.first_pages(&record.id);
            }
            Ok(record)
        })
    }

    /// What is known of the pages of a run whose numbers are greater than that, with their numbers.
    pub fn page_records(
        &self,
        run: &str,
        after: u64,
    ) -> impl Iterator<Item = Result<(u64, PageRecord), StoreError>> + use<> {
        self.records.pages_after(run, after)
    }

    /// What is known of one page of a run, by its number.
    pub fn page_record(&self, run: &str, number: u64) -> Result<Option<PageRecord>, StoreError> {
        self.records.page(run, number)
    }

    /// The record of a run by its id; `last` is the newest.
    pub fn record(&self, id: &str) -> Result<RunRecord, StoreError> {
        let found = if id == "last" {
            self.records.last_run()?
        } else {
            self.records.run(id)?
        };
        found.ok_or_else(|| StoreError::NoSuchRun(id.chars().take(100).collect()))
    }

    /// A finished run by its id, its pages to be read one after another; `last` is the newest.
    pub fn run(&self, id: &str) -> Result<StoredRun, StoreError> {
        StoredRun::open(self, self.record(id)?)
    }

    /// A finished run by its id, whole; `last` is the newest.
    pub fn get(&self, id: &str) -> Result<Report, StoreError> {
        self.run(id)?.whole()
    }

    /// Deletes a run and gives back its space: what no other run needs is removed from disk.
    ///
    /// Returns the bytes of evidence that were freed.
    pub fn delete(&self, id: &str) -> Result<u64, StoreError> {
        self.forget(id)?;
        self.sweep()
    }

    /// Deletes runs and gives back their space, looking through the evidence once. One that is gone already
    /// is passed over.
    ///
    /// Returns the bytes of evidence that were freed.
    pub fn delete_all(&self, ids: &[String]) -> Result<u64, StoreError> {
        for id in ids {
            match self.forget(id) {
                Ok(()) | Err(StoreError::NoSuchRun(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.sweep()
    }

    /// Deletes the records of a run. Its evidence stays until [`Store::sweep`].
    pub fn forget(&self, id: &str) -> Result<(), StoreError> {
        // Not while everything is written into an export: half a run would be in it.
        let _alone = self
            .sweeping
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        match self.record(id) {
            Ok(record) => self.records.delete_run(&record.id),
            // Nobody can read it, so nobody misses it.
            Err(StoreError::Form(..) | StoreError::OtherForm(_)) if id != "last" => {
                self.records.delete_run(id)
            }
            Err(error) => Err(error),
        }
    }

    /// Bytes of records on disk.
    pub fn record_bytes(&self) -> Result<u64, StoreError> {
        self.records.size_on_disk()
    }

    /// Bytes on disk: of records, and of evidence. Looks at every piece of evidence.
    pub fn size(&self) -> Result<(u64, u64), StoreError> {
        let evidence = self.objects.list()?.iter().map(|(_, bytes)| bytes).sum();
        Ok((self.records.size_on_disk()?, evidence))
    }

    /// Removes what no run names, and returns how many bytes of evidence that were.
    pub fn sweep(&self) -> Result<u64, StoreError> {
        self.records.delete_leftovers()?;
        let _alone = self
            .sweeping
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let (named, unreadable) = self.named();
        if let Some(error) = unreadable.into_iter().next() {
            // Whatever an unreadable record names would be lost for good.
            return Err(error);
        }
        let mut freed = 0;
        for (digest, bytes) in self.objects.list()? {
            if !named.contains(&digest) {
                self.objects.delete(&digest)?;
                freed += bytes;
            }
        }
        Ok(freed)
    }

    /// All evidence that records name; and the records nobody can read.
    fn named(&self) -> (BTreeSet<Digest>, Vec<StoreError>) {
        let mut named = BTreeSet::new();
        let mut unreadable = Vec::new();
        for run in self.records.runs() {
            match run {
                Ok(record) => named.extend(record.head.into_iter().chain(record.job)),
                Err(error) => unreadable.push(error),
            }
        }
        for page in self.records.all_pages() {
            match page {
                Ok(page) => named.extend(page.objects.into_iter().chain([page.digest])),
                Err(error) => unreadable.push(error),
            }
        }
        (named, unreadable)
    }

    fn unswept(&self) -> std::sync::RwLockReadGuard<'_, ()> {
        self.sweeping.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The folder runs are kept in when none is named: the platform's place for data of programs.
pub fn default_folder() -> Option<PathBuf> {
    let from = |variable: &str| {
        std::env::var_os(variable)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base = if cfg!(windows) {
        from("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        from("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        from("XDG_DATA_HOME").or_else(|| from("HOME").map(|home| home.join(".local/share")))
    };
    base.map(|base| base.join("consentinel"))
}
