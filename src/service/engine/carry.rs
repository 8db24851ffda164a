//! One audit from its beginning, or from where it was broken off, to its run in the store.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::job::{Work, with_run, work};
use super::outcome;
use crate::audit::guard::Guard;
use crate::audit::{AuditError, CrawlJob, Job, Progress, Shelved, audit, crawl_site, run_id};
use crate::model::report::PageSource as _;
use crate::model::visit::Outcome as VisitOutcome;
use crate::service::Service;
use crate::service::audit::{Audit, Outcome};
use crate::service::error::Problem;
use crate::service::event::Event;
use crate::store::{Kind, RunRecord, StoredRun};

/// Longest address and summary told of a visit, in characters.
const LONGEST_TOLD: usize = 300;

/// What came of carrying out an audit.
#[derive(Debug, Default)]
pub(super) struct Ended {
    /// The service ends: the audit waits again.
    pub(super) put_back: bool,
    /// The run, when something was seen.
    pub(super) run: Option<String>,
    /// What the run came to; absent when it came to nothing.
    pub(super) result: Option<Outcome>,
    /// Why it failed, or ended before it was through.
    pub(super) error: Option<String>,
}

impl Ended {
    /// It came to nothing.
    pub(super) fn failed(reason: impl Into<String>) -> Self {
        Self {
            error: Some(reason.into()),
            ..Self::default()
        }
    }
}

/// Carries it out until `called_off` or `ends` is heard.
pub(super) async fn carry_out(
    service: Service,
    asked: Audit,
    called_off: CancellationToken,
    ends: CancellationToken,
) -> Ended {
    let options = service.options();
    let names = Box::new(Arc::clone(&options.names.0));
    let guard = match Guard::start(options.bounds.clone(), names).await {
        Ok(guard) => guard,
        Err(error) => {
            return Ended::failed(format!(
                "nothing can be listened on for the browser's proxy: {error}"
            ));
        }
    };
    let work = match work(&asked, options, Arc::clone(&guard)) {
        Ok(work) => work,
        Err(reason) => return Ended::failed(reason),
    };
    // Both end the visits that are being made.
    let cancel = called_off.child_token();
    let _ending = {
        let (cancel, ends) = (cancel.clone(), ends.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            ends.cancelled().await;
            cancel.cancel();
        }))
    };
    let progress = told(&service, &asked);
    let run = match work {
        Work::Pages(job) => {
            let job = Job {
                store: Some(Shelved::Open(service.store().clone())),
                ..*job
            };
            pages(&service, job, progress, cancel, &ends).await
        }
        Work::Crawl(job) => crawl(&service, &asked, *job, progress, cancel, &ends).await,
    };
    let run = match run {
        Ok(Some(run)) => run,
        Ok(None) => {
            return Ended {
                put_back: true,
                ..Ended::default()
            };
        }
        Err(reason) => return Ended::failed(reason),
    };
    let id = run.record().id.clone();
    let limit = guard.reached_in_words();
    let compared = service
        .apart(move |service| {
            if let Some(reason) = nothing_seen(&run) {
                return Ok((None, Some(reason)));
            }
            Ok((Some(outcome::of(service, &asked, &run)?), None))
        })
        .await;
    let (result, error) = match compared {
        Ok((result, error)) => (result, limit.or(error)),
        Err(problem) => (None, Some(problem.detail)),
    };
    Ended {
        put_back: false,
        run: Some(id),
        result,
        error,
    }
}

/// Audits the pages that are named, and stores the run. Nothing when the service ends meanwhile.
async fn pages(
    service: &Service,
    job: Job,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancellationToken,
    ends: &CancellationToken,
) -> Result<Option<StoredRun>, String> {
    let report = Box::pin(audit(job, progress, cancel))
        .await
        .map_err(|error| in_words(&error))?;
    if ends.is_cancelled() {
        return Ok(None);
    }
    let stored = service.apart(move |service| {
        let record = service.store().put(&report)?;
        Ok(service.store().run(&record.id)?)
    });
    stored.await.map(Some).map_err(|problem| problem.detail)
}

/// Crawls a site, in a run of the store. When the service ends meanwhile, the run can be gone on with.
async fn crawl(
    service: &Service,
    asked: &Audit,
    job: CrawlJob,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancellationToken,
    ends: &CancellationToken,
) -> Result<Option<StoredRun>, String> {
    let (id, known, description) = (asked.id.clone(), asked.run.clone(), job.description.clone());
    let record = service
        .apart(move |service| run_of(service, &id, known.as_deref(), &description))
        .await
        .map_err(|problem| problem.detail)?;
    let run = record.id.clone();
    if record.finished.is_some() {
        // The service ended between the end of the crawl and the end of the audit.
        let stored = service.apart(move |service| Ok(service.store().run(&run)?));
        return stored.await.map(Some).map_err(|problem| problem.detail);
    }
    let store = service.store().clone();
    let crawling = crawl_site(
        with_run(job, record),
        store,
        progress,
        cancel.clone(),
        cancel,
    );
    let crawled = Box::pin(crawling).await;
    if ends.is_cancelled() {
        return Ok(None);
    }
    let crawled = match crawled {
        Ok(crawled) => crawled,
        Err(error) => {
            let reason = in_words(&error);
            forget_if_empty(service, run).await;
            return Err(reason);
        }
    };
    let stored = service.apart(move |service| {
        let store = service.store();
        if !crawled.complete {
            // Nobody goes on with it: what was seen is the run.
            store.finish(crawled.pages.record(), &crawled.head)?;
        }
        Ok(store.run(&run)?)
    });
    stored.await.map(Some).map_err(|problem| problem.detail)
}

/// The run of a crawl: the one that was begun, or a new one, which the audit knows from now on.
fn run_of(
    service: &Service,
    audit: &str,
    known: Option<&str>,
    description: &[u8],
) -> Result<RunRecord, Problem> {
    let store = service.store();
    if let Some(record) = known.and_then(|run| store.record(run).ok()) {
        return Ok(record);
    }
    let started = Timestamp::now();
    let record = RunRecord::new(&run_id(started), started, Kind::Crawl)?;
    let record = store.begin(record, description)?;
    service.shelves().audits.change(audit, |audit| {
        audit.run = Some(record.id.clone());
        true
    })?;
    store.flush()?;
    Ok(record)
}

/// Removes a run in which nothing was seen.
async fn forget_if_empty(service: &Service, run: String) {
    let removed = service.apart(move |service| {
        let store = service.store();
        let record = store.record(&run)?;
        if StoredRun::pages_of(store, record).page_count() == 0 {
            store.delete(&run)?;
        }
        Ok(())
    });
    if removed.await.is_err() {
        tracing::warn!("a run without pages could not be removed");
    }
}

/// Why a run proves nothing: no page was seen in any state. One that was seen in some does prove something.
fn nothing_seen(run: &StoredRun) -> Option<String> {
    let mut first = None;
    for page in run.pages() {
        // A page that cannot be read proves nothing either.
        let Ok(page) = page else {
            continue;
        };
        let seen = |outcome: VisitOutcome| outcome == VisitOutcome::Complete;
        if page.visits.iter().any(|visit| seen(visit.outcome)) {
            return None;
        }
        if first.is_none() {
            let told = page.diagnostics.first();
            let why = told.map_or("no visit came to its end", |told| told.message.as_str());
            first = Some(format!("{}: {why}", cut(&page.url)));
        }
    }
    let what = first.unwrap_or_else(|| "no page was found".to_owned());
    Some(format!("no page could be audited: {what}"))
}

/// Why an audit could not be carried out, and what to do.
fn in_words(error: &AuditError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    if let AuditError::Browser(error) = error
        && let Some(remedy) = error.remedy()
    {
        text.push_str("; ");
        text.push_str(remedy);
    }
    text
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_TOLD).collect()
}

/// Tells everybody how far the audit is, as long as the sender lives.
fn told(service: &Service, asked: &Audit) -> mpsc::UnboundedSender<Progress> {
    let (sender, mut heard) = mpsc::unbounded_channel();
    let (service, id, site) = (service.clone(), asked.id.clone(), asked.site.clone());
    tokio::spawn(async move {
        let (mut done, mut of) = (0, 0);
        while let Some(progress) = heard.recv().await {
            let (url, summary) = match progress {
                Progress::Begun { visits, browser } => {
                    of = visits as u64;
                    (String::new(), browser)
                }
                Progress::Visited { url, summary, .. } => {
                    done += 1;
                    (url, summary)
                }
                Progress::Crawling { tally } => {
                    (done, of) = (tally.found() - tally.waiting, tally.found());
                    (String::new(), String::new())
                }
                Progress::Page {
                    url,
                    summary,
                    tally,
                } => {
                    (done, of) = (tally.found() - tally.waiting, tally.found());
                    (url, summary)
                }
            };
            service.tell(Event::Progress {
                id: id.clone(),
                site: site.clone(),
                done,
                of,
                url: cut(&url),
                summary: cut(&summary),
            });
        }
    });
    sender
}
