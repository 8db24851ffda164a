//! Runs as the service shows them: their heads, read once and kept for a while.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Service;
use super::error::Problem;
use crate::catalog::Catalog;
use crate::model::report::{Page, PageError, Report};
use crate::report::glance::Glance;
use crate::store::{RunRecord, StoreError, StoredRun};

/// Most heads kept.
const MOST_HEADS: usize = 512;
/// Most findings of all heads kept together: a finding takes about a kilobyte or two.
const MOST_FINDINGS: usize = 50_000;
/// Heads read at once.
const GATES: usize = 4;
/// Whole runs gone through at once, for reports, comparisons and snapshots.
const AT_WORK: usize = 3;
/// How long one waits for its turn.
const LONGEST_WAIT: Duration = Duration::from_secs(20);

/// A finished run without its pages, as everybody may see it.
#[derive(Debug)]
pub struct RunHead {
    /// Its record.
    pub record: RunRecord,
    /// Its report: no pages, no raw values.
    pub report: Report,
    /// What it comes to, for pages that say so.
    pub glance: Glance,
}

/// What is kept of runs in memory.
#[derive(Debug)]
pub struct Runs {
    heads: Mutex<Heads>,
    /// One run's head is read by one only; the others wait and find it kept.
    gates: [Mutex<()>; GATES],
    at_work: Arc<Semaphore>,
    sweep: Mutex<Sweep>,
    catalog: Mutex<Option<Arc<Catalog>>>,
}

/// Evidence that no run names is removed by one thread at a time.
#[derive(Debug, Default, PartialEq, Eq)]
enum Sweep {
    #[default]
    Rests,
    GoesOn,
    /// And begins anew when it has come to its end.
    WantedAgain,
}

#[derive(Debug, Default)]
struct Heads {
    kept: HashMap<String, Kept>,
    findings: usize,
    /// Counts uses: who has the smallest number was used longest ago.
    clock: u64,
}

#[derive(Debug)]
struct Kept {
    head: Arc<RunHead>,
    used: u64,
}

impl Default for Runs {
    fn default() -> Self {
        Self {
            heads: Mutex::default(),
            gates: Default::default(),
            at_work: Arc::new(Semaphore::new(AT_WORK)),
            sweep: Mutex::default(),
            catalog: Mutex::default(),
        }
    }
}

impl Heads {
    /// The head of a run, if it is that of this record.
    fn get(&mut self, record: &RunRecord) -> Option<Arc<RunHead>> {
        self.clock += 1;
        let kept = self.kept.get_mut(&record.id)?;
        if kept.head.record != *record {
            return None;
        }
        kept.used = self.clock;
        Some(Arc::clone(&kept.head))
    }

    fn keep(&mut self, head: &Arc<RunHead>) {
        self.forget(&head.record.id);
        let findings = head.report.findings.len();
        while !self.kept.is_empty()
            && (self.kept.len() >= MOST_HEADS || self.findings + findings > MOST_FINDINGS)
        {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.used);
            let Some(id) = oldest.map(|(id, _)| id.clone()) else {
                break;
            };
            self.forget(&id);
        }
        self.clock += 1;
        self.findings += findings;
        let kept = Kept {
            head: Arc::clone(head),
            used: self.clock,
        };
        self.kept.insert(head.record.id.clone(), kept);
    }

    fn forget(&mut self, id: &str) {
        if let Some(kept) = self.kept.remove(id) {
            self.findings -= kept.head.report.findings.len();
        }
    }
}

/// A page that cannot be read is a fault of the store, not of who asks.
pub(super) fn page_problem(error: &PageError) -> Problem {
    Problem::internal(error)
}

impl Service {
    /// The head of a finished run, as everybody may see it; `last` is the newest.
    ///
    /// Reads every page of the run the first time. May block: never on an async thread.
    pub fn run_head(&self, id: &str) -> Result<Arc<RunHead>, Problem> {
        let record = self.store().record(id)?;
        let heads = &self.runs().heads;
        let kept = |record: &RunRecord| {
            let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.get(record)
        };
        if let Some(head) = kept(&record) {
            return Ok(head);
        }
        let mut hasher = DefaultHasher::new();
        record.id.hash(&mut hasher);
        let gate = &self.runs().gates[hasher.finish() as usize % GATES];
        let _alone = gate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(head) = kept(&record) {
            return Ok(head);
        }
        let run = self.store().run(&record.id)?;
        let (report, glance) =
            Glance::of(head_of(&run)?, &run).map_err(|error| page_problem(&error))?;
        let head = Arc::new(RunHead {
            record,
            report,
            glance,
        });
        let mut heads = heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.keep(&head);
        Ok(head)
    }

    /// A page of a run by its address as given, raw values and pictures included.
    ///
    /// May block: never on an async thread.
    pub fn run_page(&self, id: &str, url: &str) -> Result<Page, Problem> {
        let record = self.store().record(id)?;
        let page = StoredRun::pages_of(self.store(), record).page_at(url)?;
        page.ok_or_else(|| Problem::not_found("the run has no such page"))
    }

    /// Waits for a turn to go through whole runs.
    pub async fn turn(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let waiting = Arc::clone(&self.runs().at_work).acquire_owned();
        let turn = tokio::time::timeout(LONGEST_WAIT, waiting).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::of_status(
                StatusCode::SERVICE_UNAVAILABLE,
                "too many reports are being made; ask again in a minute",
            )
        })
    }

    /// Deletes a run at once, and gives back its space on disk in the background.
    ///
    /// May block: never on an async thread.
    pub fn delete_run(&self, id: &str) -> Result<(), Problem> {
        let record = self.store().record(id)?;
        if self.board().index().is_being_made(&record.id) {
            return Err(Problem::conflict(
                "an audit that is going on makes this run; cancel the audit first",
            ));
        }
        self.store().forget(&record.id)?;
        self.board().index().forget_run(&record.id);
        let mut heads = self
            .runs()
            .heads
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        heads.forget(&record.id);
        drop(heads);
        self.sweep();
        Ok(())
    }

    /// Has what no run needs removed from disk, in the background.
    fn sweep(&self) {
        let mut sweep = self
            .runs()
            .sweep
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *sweep != Sweep::Rests {
            *sweep = Sweep::WantedAgain;
            return;
        }
        *sweep = Sweep::GoesOn;
        let service = self.clone();
        std::thread::spawn(move || {
            loop {
                if let Err(error) = service.store().sweep() {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "evidence nobody needs stays on disk"
                    );
                }
                let sweep = &service.runs().sweep;
                let mut sweep = sweep.lock().unwrap_or_else(PoisonError::into_inner);
                if *sweep == Sweep::GoesOn {
                    *sweep = Sweep::Rests;
                    return;
                }
                *sweep = Sweep::GoesOn;
            }
        });
    }

    /// The catalog, read when it is first asked for.
    ///
    /// May block: never on an async thread.
    pub fn catalog(&self) -> Result<Arc<Catalog>, Problem> {
        let mut held = self
            .runs()
            .catalog
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(catalog) = &*held {
            return Ok(Arc::clone(catalog));
        }
        let catalog = Catalog::builtin().map_err(|error| Problem::internal(&error))?;
        let catalog = Arc::new(catalog);
        *held = Some(Arc::clone(&catalog));
        Ok(catalog)
    }
}

/// The report of a finished run without its pages, raw.
pub(super) fn head_of(run: &StoredRun) -> Result<&Report, StoreError> {
    run.head()
        .ok_or_else(|| StoreError::Unfinished(run.record().id.clone()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::model::report::{Report, Summary};
    use crate::store::Kind;

    fn head(id: &str, findings: usize, page_count: usize) -> Arc<RunHead> {
        let record = RunRecord {
            page_count,
            ..RunRecord::new(id, jiff::Timestamp::UNIX_EPOCH, Kind::Audit).unwrap()
        };
        let mut report: Report = serde_json::from_value(serde_json::json!({
            "schema": "consentinel/report/v1",
            "run": {
                "id": id, "started": "2026-11-03T03:10:00Z", "finished": "2026-11-03T03:12:00Z",
                "tool": { "version": "0.1.0" }, "browser": null,
                "catalog": { "version": "0", "services": 0 },
                "consent_engine": "", "profile": "eu", "clock": "real", "options": {},
                "diagnostics": []
            },
            "pages": [], "services": [], "findings": [],
            "summary": Summary::default()
        }))
        .unwrap();
        let (_, glance) = Glance::of(&report, &report).unwrap();
        let finding = serde_json::from_value(serde_json::json!({
            "id": "R02-a", "rule": "R02", "name": "n", "title": "t", "sub_type": null,
            "severity": "high", "verdict": "violation", "proof": "P2", "certainty": "L1",
            "state": "before", "phase": "idle", "page": "https://shop.test/",
            "subject": { "kind": "cookie", "host": "shop.test", "name": "a", "party": "first" },
            "service": null, "category": "analytics",
            "evidence": {
                "at_ms": null, "initiator_chain": [], "set_by": null, "value_fingerprint": null,
                "lifetime": null, "notes": []
            },
            "legal": [], "remedy": "", "seen": { "k": 1, "of": 1 }
        }))
        .unwrap();
        report.findings = vec![finding; findings];
        Arc::new(RunHead {
            record,
            report,
            glance,
        })
    }

    #[test]
    fn a_run_that_was_judged_again_is_another_one() {
        let mut heads = Heads::default();
        let first = head("20261103T031000Z-1a2b", 3, 1);
        heads.keep(&first);
        assert!(
            heads
                .get(&first.record)
                .is_some_and(|kept| Arc::ptr_eq(&kept, &first))
        );
        assert!(
            heads
                .get(&head("20261103T031000Z-1a2b", 3, 2).record)
                .is_none()
        );
        heads.keep(&head("20261103T031000Z-1a2b", 5, 2));
        assert_eq!((heads.kept.len(), heads.findings), (1, 5));
    }

    #[test]
    fn what_nobody_asks_for_is_let_go() {
        let mut heads = Heads::default();
        let first = head("20261103T031000Z-0000", 1, 1);
        heads.keep(&first);
        for number in 1..=MOST_HEADS {
            assert!(heads.get(&first.record).is_some(), "{number}");
            heads.keep(&head(&format!("20261103T031000Z-{number:04x}"), 1, 1));
        }
        assert_eq!((heads.kept.len(), heads.findings), (MOST_HEADS, MOST_HEADS));
        heads.keep(&head("20261103T031000Z-ffff", MOST_FINDINGS, 1));
        assert_eq!(heads.kept.len(), 1, "one that is large stays alone");
    }
}
