//! One run as it is stored: its record, the records of its pages, and the run read back.

use std::borrow::Cow;
use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::records::is_run_id;
use super::{Digest, Store, StoreError};
use crate::model::finding::{Finding, Severity, Verdict};
use crate::model::report::{Page, PageError, PageSource, Report, Summary};
use crate::model::value::sha256_hex;
use crate::model::visit::{Outcome, Screenshot};

/// Longest address kept in a record, in characters; the page itself has the whole one.
const LONGEST_ADDRESS: usize = 2_048;

/// How a run came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of the pages that were named.
    Audit,
    /// Of the pages of a site that were found.
    Crawl,
}

/// What is known of a run without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Its id; sorts by time.
    pub id: String,
    /// How it came about.
    pub kind: Kind,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; absent while it can be gone on with.
    pub finished: Option<Timestamp>,
    /// How many pages it has.
    pub page_count: usize,
    /// The first of its pages.
    pub pages: Vec<String>,
    /// What came out.
    pub summary: Summary,
    /// The report without its pages.
    pub head: Option<Digest>,
    /// How to go on with it.
    pub job: Option<Digest>,
}

impl RunRecord {
    /// A run that has just begun.
    pub fn new(id: &str, started: Timestamp, kind: Kind) -> Result<Self, StoreError> {
        if !is_run_id(id) {
            return Err(StoreError::NoId(id.chars().take(100).collect()));
        }
        Ok(Self {
            id: id.to_owned(),
            kind,
            started,
            finished: None,
            page_count: 0,
            pages: Vec::new(),
            summary: Summary::default(),
            head: None,
            job: None,
        })
    }
}

/// What is known of a page without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageRecord {
    /// Its address as given, cut if it is very long.
    pub url: String,
    /// Every visit ran to its end.
    pub complete: bool,
    /// The page.
    pub digest: Digest,
    /// Its pictures, and what it is packed against.
    pub objects: BTreeSet<Digest>,
}

impl PageRecord {
    pub(super) fn new(page: &Page, digest: Digest, objects: BTreeSet<Digest>) -> Self {
        Self {
            url: page.url.chars().take(LONGEST_ADDRESS).collect(),
            complete: !page.visits.is_empty()
                && page
                    .visits
                    .iter()
                    .all(|visit| visit.outcome == Outcome::Complete),
            digest,
            objects,
        }
    }
}

/// A finding as it can be looked up; the run has the whole of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FindingRecord {
    rule: String,
    severity: Severity,
    verdict: Verdict,
    page: String,
    service: Option<String>,
}

impl FindingRecord {
    pub(super) fn new(finding: &Finding) -> Self {
        Self {
            rule: finding.rule.clone(),
            severity: finding.severity,
            verdict: finding.verdict,
            page: finding.page.chars().take(LONGEST_ADDRESS).collect(),
            service: finding.service.clone(),
        }
    }
}

/// The bytes of a picture, if it has them and they are what its digest says.
pub(super) fn picture_bytes(picture: &Screenshot) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(picture.data.as_deref()?).ok()?;
    (sha256_hex(&bytes) == picture.sha256).then_some(bytes)
}

/// A report without its pages.
pub(super) fn head_bytes(report: &Report) -> Result<Vec<u8>, StoreError> {
    let head = Report {
        schema: report.schema.clone(),
        run: report.run.clone(),
        pages: Vec::new(),
        services: report.services.clone(),
        findings: report.findings.clone(),
        rules: report.rules.clone(),
        summary: report.summary.clone(),
    };
    serde_json::to_vec(&head).map_err(|error| StoreError::Form(head.run.id, error))
}

/// A stored run: its report without pages, and the pages one after another.
#[derive(Debug, Clone)]
pub struct StoredRun {
    store: Store,
    record: RunRecord,
    head: Option<Report>,
    page_count: usize,
}

impl StoredRun {
    /// A run that has come to its end.
    pub(super) fn open(store: &Store, record: RunRecord) -> Result<Self, StoreError> {
        let digest = record
            .head
            .as_ref()
            .ok_or_else(|| StoreError::Unfinished(record.id.clone()))?;
        let bytes = store.objects.get(digest)?;
        let head = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::Form(format!("run {}", record.id), error))?;
        Ok(Self {
            head: Some(head),
            ..Self::pages_of(store, record)
        })
    }

    /// The pages of a run, whether it has come to its end or not.
    pub fn pages_of(store: &Store, record: RunRecord) -> Self {
        Self {
            page_count: store.records.count_pages(&record.id),
            store: store.clone(),
            record,
            head: None,
        }
    }

    /// Its record.
    pub fn record(&self) -> &RunRecord {
        &self.record
    }

    /// Its report without pages; absent where only the pages are asked for.
    pub fn head(&self) -> Option<&Report> {
        self.head.as_ref()
    }

    /// What is known of its pages without reading them, in their order.
    pub fn page_records(&self) -> impl Iterator<Item = Result<PageRecord, StoreError>> + use<> {
        let records = self.store.records.pages(&self.record.id);
        records.map(|entry| entry.map(|(_, record)| record))
    }

    /// The whole run in memory.
    pub fn whole(self) -> Result<Report, StoreError> {
        let pages = self
            .read_pages()
            .collect::<Result<Vec<Page>, StoreError>>()?;
        match self.head {
            Some(head) => Ok(Report { pages, ..head }),
            None => Err(StoreError::Unfinished(self.record.id)),
        }
    }

    /// The pages in their order; one that cannot be read is an error, and the next follows.
    fn read_pages(&self) -> impl Iterator<Item = Result<Page, StoreError>> + '_ {
        self.store
            .records
            .pages(&self.record.id)
            .map(|page| self.store.read_page(&page?.1))
    }
}

impl PageSource for StoredRun {
    fn page_count(&self) -> usize {
        self.page_count
    }

    fn pages(&self) -> Box<dyn Iterator<Item = Result<Cow<'_, Page>, PageError>> + '_> {
        Box::new((1..).zip(self.read_pages()).map(|(number, page)| {
            page.map(Cow::Owned).map_err(|error| PageError {
                number,
                cause: Box::new(error),
            })
        }))
    }
}

impl Store {
    /// A page with its pictures. One whose picture is gone is a page all the same.
    fn read_page(&self, record: &PageRecord) -> Result<Page, StoreError> {
        let bytes = self.objects.get(&record.digest)?;
        let mut page: Page = serde_json::from_slice(&bytes)
            .map_err(|error| StoreError::Form(format!("page {}", record.url), error))?;
        for picture in page.pictures_mut().filter(|picture| picture.data.is_none()) {
            let Ok(digest) = Digest::try_from(picture.sha256.clone()) else {
                continue;
            };
            if record.objects.contains(&digest) {
                match self.objects.get(&digest) {
                    Ok(bytes) => picture.data = Some(BASE64.encode(bytes)),
                    Err(error) => tracing::warn!(%error, "a picture cannot be read"),
                }
            }
        }
        Ok(page)
    }
}
