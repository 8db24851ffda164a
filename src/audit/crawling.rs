//! One crawl from its beginning, or from where it stopped, to its report.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::browsing::ByBrowser;
use super::crawl::{Ending, Wishes, apart, crawl};
use super::fleet::{Fleet, Launcher};
use super::guard::Guard;
use super::{AuditError, Progress, logged_in, run_diagnostic, run_id, tell, tool};
use crate::browser::LaunchOptions;
use crate::catalog::Catalog;
use crate::judge::{Judge, Profile};
use crate::model::report::{BrowserInfo, PageSource as _, Report, Run, SCHEMA};
use crate::model::visit::{Diagnostic, DiagnosticCode};
use crate::store::{Kind, RunRecord, Store, StoredRun};
use crate::visit::Manner;
use crate::visit::consent::Engine;
use crate::visit::login::Steps;

/// A site to be crawled, and how.
#[derive(Debug, Clone)]
pub struct CrawlJob {
    /// What, and how much of it.
    pub wishes: Wishes,
    /// How each visit goes.
    pub manner: Manner,
    /// A login that is made once, before the first visit.
    pub steps: Option<Steps>,
    /// How the browser is started.
    pub launch: LaunchOptions,
    /// A catalog laid over the built-in one.
    pub catalog: Option<PathBuf>,
    /// A newer rule file for the consent engine.
    pub consent_rules: Option<PathBuf>,
    /// Options that differ from their defaults, for the report.
    pub options: BTreeMap<String, String>,
    /// The run to go on with.
    pub resumed: Option<RunRecord>,
    /// What the store keeps, so that the job can be gone on with: never a secret.
    pub description: Vec<u8>,
    /// What keeps the crawl within bounds, where anybody may ask for one.
    pub guard: Option<Arc<Guard>>,
}

/// What came of a crawl.
#[derive(Debug)]
pub struct Crawled {
    /// The report of everything that was seen, in this life of the job and in earlier ones, without its pages.
    pub head: Report,
    /// The pages, to be read one after another.
    pub pages: StoredRun,
    /// Nothing is left to visit.
    pub complete: bool,
}

/// Runs a crawl. `stop` ends it after the pages that are open, `cancel` at once; it can be gone on with.
pub async fn crawl_site(
    job: CrawlJob,
    store: Store,
    progress: mpsc::UnboundedSender<Progress>,
    stop: CancellationToken,
    cancel: CancellationToken,
) -> Result<Crawled, AuditError> {
    let catalog = Arc::new(match &job.catalog {
        Some(folder) => Catalog::with_overlay(folder)?,
        None => Catalog::builtin()?,
    });
    let engine = Arc::new(Engine::load(job.consent_rules.as_deref())?);
    // A bound that is reached ends the visits as the user would.
    let (stop, cancel) = (stop.child_token(), cancel.child_token());
    let _watch = job
        .guard
        .as_ref()
        .map(|guard| guard.keep_watch(vec![stop.clone(), cancel.clone()]));
    let launcher = Launcher {
        options: job.launch.clone(),
        guard: job.guard.clone(),
    };
    let browser = launcher.launch().await?;
    let manner = Manner {
        login: logged_in(&job.manner, job.steps.as_ref(), &browser).await?,
        ..job.manner.clone()
    };
    let info = browser.info().clone();
    let record = if let Some(record) = &job.resumed {
        record.clone()
    } else {
        let started = Timestamp::now();
        let record = RunRecord::new(&run_id(started), started, Kind::Crawl)?;
        let (store, description) = (store.clone(), job.description.clone());
        apart(move || store.begin(record, &description)).await?
    };
    tell(
        &progress,
        Progress::Begun {
            visits: 0,
            browser: format!("{} {}", info.name, info.version),
        },
    );
    let fleet = Fleet::new(browser, launcher, Arc::clone(&engine));
    let kept = job.wishes.kept_states();
    let browsing = ByBrowser::new(fleet, Arc::clone(&engine), manner, &kept);
    let ended = crawl(
        &job.wishes,
        &record,
        &store,
        &catalog,
        &browsing,
        &progress,
        (&stop, &cancel),
    )
    .await;
    browsing.close().await;
    let ending = ended?;
    let run = Run {
        id: record.id.clone(),
        started: record.started,
        finished: Timestamp::now(),
        tool: tool(),
        diagnostics: diagnostics(&ending, &info, &job, engine.is_present()),
        browser: Some(info),
        catalog: catalog.info(),
        consent_engine: engine.name().to_owned(),
        profile: job.wishes.profile.name().to_owned(),
        clock: job.manner.clock.name().to_owned(),
        options: job.options,
    };
    let (complete, profile) = (ending.complete, job.wishes.profile);
    let (head, pages) = apart(move || {
        let head = head(run, &store, &record, &catalog, profile);
        if complete {
            store.finish(&record, &head)?;
        }
        Ok((head, StoredRun::pages_of(&store, record)))
    })
    .await?;
    Ok(Crawled {
        head,
        pages,
        complete,
    })
}

/// The report on all pages that are stored, without them.
fn head(
    mut run: Run,
    store: &Store,
    record: &RunRecord,
    catalog: &Catalog,
    profile: Profile,
) -> Report {
    // One page at a time: what is judged together needs no more memory for many pages than for few.
    let mut judge = Judge::new(catalog, profile);
    for page in StoredRun::pages_of(store, record.clone()).pages() {
        match page {
            // What it says of the page itself was put into the page when that was stored.
            Ok(page) => drop(judge.page(&page)),
            // One page that is damaged costs no other.
            Err(error) => run.diagnostics.push(run_diagnostic(
                DiagnosticCode::EventsLost,
                &format!("{error}; `consentinel store check` says more"),
            )),
        }
    }
    let judgement = judge.finish();
    Report {
        schema: SCHEMA.to_owned(),
        run,
        pages: Vec::new(),
        services: judgement.services,
        findings: judgement.findings,
        rules: judgement.rules,
        summary: judgement.summary,
    }
}

/// What holds for the whole crawl.
fn diagnostics(
    ending: &Ending,
    browser: &BrowserInfo,
    job: &CrawlJob,
    has_engine: bool,
) -> Vec<Diagnostic> {
    let mut diagnostics = super::shortcomings(browser, &job.launch, has_engine);
    if job.wishes.thorough {
        let beside = if job.launch.global_privacy_control {
            ""
        } else {
            ", and none with Global Privacy Control beside the others (--gpc has all of them ask)"
        };
        diagnostics.push(run_diagnostic(
            DiagnosticCode::VisitsLeftOut,
            &format!("of --thorough, a crawl makes no repeated visits{beside}: audit the pages that matter"),
        ));
    }
    let guard = job.guard.as_ref();
    diagnostics.extend(guard.map(|guard| guard.diagnostics()).unwrap_or_default());
    let limited = guard.is_some_and(|guard| guard.reached().is_some());
    if !ending.complete && !limited {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::Interrupted,
            "the crawl was stopped before it was complete",
        ));
    }
    let at_least = if job.resumed.is_some() {
        "at least "
    } else {
        ""
    };
    for (refusal, count) in &ending.left_out {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::PagesLeftOut,
            &format!(
                "{at_least}{count} addresses were left out: {}",
                refusal.in_words()
            ),
        ));
    }
    if ending.kept_out > 0 {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::PagesLeftOut,
            &format!(
                "{} addresses were left out: robots.txt asks programs to stay away (--ignore-robots on your own site)",
                ending.kept_out
            ),
        ));
    }
    for remark in &ending.remarks {
        diagnostics.push(run_diagnostic(DiagnosticCode::PagesLeftOut, remark));
    }
    diagnostics
}
