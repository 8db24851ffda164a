//! Runs a job: plans the visits, makes them, judges what they saw, and says how far it is.

mod assemble;
pub mod browsing;
mod contrast;
pub mod crawl;
mod crawling;
pub mod earlier;
pub mod extent;
mod fleet;
pub mod guard;
mod policies;
mod unstable;

pub use crawling::{CrawlJob, Crawled, crawl_site};

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::browser::self_test::SelfTest;
use crate::browser::{Browser, BrowserError, LaunchOptions};
use crate::catalog::{Catalog, CatalogError};
use crate::crawl::scope::PatternError;
use crate::judge::{Earlier, Judge, Profile};
use crate::model::report::{BrowserInfo, PageError, Report, Run, SCHEMA, Tool};
use crate::model::visit::{Diagnostic, DiagnosticCode, State, Visit};
use crate::queue::QueueError;
use crate::store::{Store, StoreError, Tally};
use crate::visit::consent::{Engine, EngineError};
use crate::visit::login::{Login, Steps, StepsError};
use crate::visit::{Manner, Plan};
use fleet::{Fleet, Launcher};
use guard::Guard;
use policies::Policies;

/// What is to be audited, and how.
#[derive(Debug, Clone)]
pub struct Job {
    /// The pages, as given; what is no address of a page is reported and not visited.
    pub addresses: Vec<String>,
    /// The states each page is visited in.
    pub states: Vec<State>,
    /// How often each page is visited in each state.
    pub repeat: u32,
    /// How each visit goes.
    pub manner: Manner,
    /// A login that is made once, before the first visit.
    pub steps: Option<Steps>,
    /// How the browser is started.
    pub launch: LaunchOptions,
    /// How many visits at once.
    pub concurrency: usize,
    /// Whether the site's cookie policy is read, and where it is.
    pub policy: PolicySource,
    /// Visit each page once more without an answer, asking by Global Privacy Control not to sell or share data.
    pub gpc_beside: bool,
    /// The jurisdiction the judge applies.
    pub profile: Profile,
    /// A catalog laid over the built-in one.
    pub catalog: Option<PathBuf>,
    /// A newer rule file for the consent engine.
    pub consent_rules: Option<PathBuf>,
    /// A store whose earlier runs of the same pages the judge looks back at.
    pub store: Option<Shelved>,
    /// Options that differ from their defaults, for the report.
    pub options: BTreeMap<String, String>,
    /// What keeps the audit within bounds, where anybody may ask for one.
    pub guard: Option<Arc<Guard>>,
}

/// Where earlier runs are.
#[derive(Debug, Clone)]
pub enum Shelved {
    /// In a store that is opened for as long as it takes to look back, so that others may use it meanwhile.
    Folder(PathBuf),
    /// In a store that is open.
    Open(Store),
}

/// Where a site's cookie policy is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum PolicySource {
    /// It is not looked for.
    #[default]
    Nowhere,
    /// Where the page links it.
    Linked,
    /// At that address, for every page of the job.
    At(Url),
}

/// What can keep a job from starting. Once it runs, what goes wrong is in the report.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// No browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// The catalog is wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The rule file is wrong.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The self-test cannot listen on loopback.
    #[error("the self-test cannot listen on loopback")]
    SelfTest(#[source] std::io::Error),
    /// The login cannot be made.
    #[error(transparent)]
    Login(#[from] StepsError),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A pattern of addresses is wrong.
    #[error(transparent)]
    Pattern(#[from] PatternError),
    /// The queue fails.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// No page of the run can be read.
    #[error(transparent)]
    Page(#[from] PageError),
}

/// How far a job is.
#[derive(Debug, Clone)]
pub enum Progress {
    /// The browser runs, the visits begin.
    Begun {
        /// How many there will be.
        visits: usize,
        /// Name and version of the browser.
        browser: String,
    },
    /// A visit ended.
    Visited {
        /// The page.
        url: String,
        /// The state.
        state: State,
        /// The number of the visit among those of the page in that state, from 1.
        repeat: u32,
        /// In one line: how it went.
        summary: String,
    },
    /// A crawl begins to visit, or goes on.
    Crawling {
        /// How far it is.
        tally: Tally,
    },
    /// A page of a crawl is stored.
    Page {
        /// The page.
        url: String,
        /// In one line: how its visits went.
        summary: String,
        /// How far the crawl is.
        tally: Tally,
    },
}

/// An address as given, or why it is none.
struct Target {
    given: String,
    url: Result<Url, String>,
}

/// Runs a job. Its progress is heard through `progress`; `cancel` stops it, with a report of what was seen.
pub async fn audit(
    mut job: Job,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancellationToken,
) -> Result<Report, AuditError> {
    let started = Timestamp::now();
    let clock = job.manner.clock;
    // A bound that is reached ends the visits as the user would.
    let asked_to_stop = cancel;
    let cancel = asked_to_stop.child_token();
    let _watch = job
        .guard
        .as_ref()
        .map(|guard| guard.keep_watch(vec![cancel.clone()]));
    let catalog = match &job.catalog {
        Some(folder) => Catalog::with_overlay(folder)?,
        None => Catalog::builtin()?,
    };
    let engine = Arc::new(Engine::load(job.consent_rules.as_deref())?);
    let targets: Vec<Target> = job
        .addresses
        .iter()
        .map(|given| Target {
            given: given.clone(),
            url: address(given),
        })
        .collect();
    let mut plans: Vec<(usize, Plan)> = targets
        .iter()
        .enumerate()
        .filter_map(|(index, target)| Some((index, target.url.as_ref().ok()?)))
        .flat_map(|(index, url)| {
            let (manner, states) = (&job.manner, &job.states);
            // Round by round: what a site shows at random is spread over the states.
            (1..=job.repeat.max(1)).flat_map(move |repeat| {
                states.iter().map(move |&state| {
                    let plan = Plan {
                        url: url.clone(),
                        state,
                        repeat,
                        manner: manner.clone(),
                    };
                    (index, plan)
                })
            })
        })
        .collect();
    let mut diagnostics = Vec::new();
    let mut visits: Vec<(usize, Visit)> = Vec::new();
    let mut browser_info = None;
    let mut policies = Policies::new();
    if !plans.is_empty() {
        let launcher = Launcher {
            options: job.launch.clone(),
            guard: job.guard.clone(),
        };
        let browser = launcher.launch().await?;
        let login = logged_in(&job.manner, job.steps.as_ref(), &browser).await?;
        job.manner.login.clone_from(&login);
        for (_, plan) in &mut plans {
            plan.manner.login.clone_from(&login);
        }
        let info = browser.info().clone();
        diagnostics.extend(shortcomings(&info, &job.launch, true));
        browser_info = Some(info.clone());
        tell(
            &progress,
            Progress::Begun {
                visits: plans.len() + if job.gpc_beside { targets.len() } else { 0 },
                browser: format!("{} {}", info.name, info.version),
            },
        );
        let fleet = Fleet::new(browser, launcher, Arc::clone(&engine));
        let mut running = futures::stream::iter(plans)
            .map(|(index, plan)| {
                let (fleet, cancel) = (&fleet, &cancel);
                async move { (index, fleet.visit(&plan, cancel).await) }
            })
            .buffer_unordered(job.concurrency.max(1));
        while let Some((index, visit)) = running.next().await {
            let url = targets
                .get(index)
                .map_or_else(String::new, |target| target.given.clone());
            tell(
                &progress,
                Progress::Visited {
                    url,
                    state: visit.state,
                    repeat: visit.repeat,
                    summary: assemble::in_one_line(&visit),
                },
            );
            visits.push((index, visit));
        }
        drop(running);
        policies = policies::read(&job, &targets, &visits, &fleet, &cancel).await;
        fleet.close().await;
        if job.gpc_beside && !cancel.is_cancelled() {
            visits.extend(visits_with_gpc(&job, &targets, &engine, &progress, &cancel).await?);
        }
    }
    if !engine.is_present() {
        diagnostics.push(no_engine());
    }
    if let Some(guard) = &job.guard {
        diagnostics.extend(guard.diagnostics());
    }
    if asked_to_stop.is_cancelled() {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::Interrupted,
            "the run was stopped before it was complete",
        ));
    }
    let mut pages = assemble::pages(&targets, visits, policies, &catalog);
    let earlier = look_back(&job, &targets, started, &catalog);
    let mut judge = Judge::new(&catalog, job.profile).beside(&earlier);
    for page in &mut pages {
        judge.page(page).put_into(page);
    }
    let judgement = judge.finish();
    Ok(Report {
        schema: SCHEMA.to_owned(),
        run: Run {
            id: run_id(started),
            started,
            finished: Timestamp::now(),
            tool: tool(),
            browser: browser_info,
            catalog: catalog.info(),
            consent_engine: engine.name().to_owned(),
            profile: job.profile.name().to_owned(),
            clock: clock.name().to_owned(),
            options: job.options,
            diagnostics,
        },
        pages,
        services: judgement.services,
        findings: judgement.findings,
        rules: judgement.rules,
        summary: judgement.summary,
    })
}

/// What the job's store keeps of earlier runs of its pages. A store that cannot be opened is reported
/// where the run is to be stored in it.
fn look_back(job: &Job, targets: &[Target], started: Timestamp, catalog: &Catalog) -> Earlier {
    let store = match &job.store {
        None => None,
        Some(Shelved::Folder(folder)) => Store::open(folder).ok(),
        Some(Shelved::Open(store)) => Some(store.clone()),
    };
    let Some(store) = store else {
        return Earlier::default();
    };
    let addresses: Vec<String> = targets
        .iter()
        .filter_map(|target| target.url.as_ref().ok())
        .map(Url::to_string)
        .collect();
    earlier::newest(&store, &addresses, started, catalog, job.profile)
}

/// The pages once more without an answer, in a browser that asks by Global Privacy Control: what it
/// changes shows beside the visits that do not ask.
async fn visits_with_gpc(
    job: &Job,
    targets: &[Target],
    engine: &Arc<Engine>,
    progress: &mpsc::UnboundedSender<Progress>,
    cancel: &CancellationToken,
) -> Result<Vec<(usize, Visit)>, AuditError> {
    let launcher = Launcher {
        options: LaunchOptions {
            global_privacy_control: true,
            ..job.launch.clone()
        },
        guard: job.guard.clone(),
    };
    let fleet = Fleet::new(launcher.launch().await?, launcher, Arc::clone(engine));
    let pages: Vec<(usize, Url)> = targets
        .iter()
        .enumerate()
        .filter_map(|(index, target)| Some((index, target.url.clone().ok()?)))
        .collect();
    let mut running = futures::stream::iter(pages)
        .map(|(index, url)| {
            let plan = Plan {
                url,
                state: State::Before,
                // Numbered after those that do not ask.
                repeat: job.repeat.max(1) + 1,
                manner: job.manner.clone(),
            };
            let fleet = &fleet;
            async move { (index, fleet.visit(&plan, cancel).await) }
        })
        .buffer_unordered(job.concurrency.max(1));
    let mut visits = Vec::new();
    while let Some((index, visit)) = running.next().await {
        tell(
            progress,
            Progress::Visited {
                url: targets
                    .get(index)
                    .map_or_else(String::new, |target| target.given.clone()),
                state: visit.state,
                repeat: visit.repeat,
                summary: format!("{}, with GPC", assemble::in_one_line(&visit)),
            },
        );
        visits.push((index, visit));
    }
    drop(running);
    fleet.close().await;
    Ok(visits)
}

/// What visitors bring along: what files hold, and what the steps of a login leave.
async fn logged_in(
    manner: &Manner,
    steps: Option<&Steps>,
    browser: &Browser,
) -> Result<Option<Arc<Login>>, StepsError> {
    let Some(steps) = steps else {
        return Ok(manner.login.clone());
    };
    let made = steps.carry_out(browser).await?;
    let brought = manner.login.as_deref().cloned().unwrap_or_default();
    Ok(Some(Arc::new(brought.joined(&made))))
}

/// Starts a browser and tests whether it keeps third-party cookies.
pub async fn launch(options: &LaunchOptions) -> Result<Browser, AuditError> {
    launch_behind(options, None).await
}

/// As [`launch`], behind a guard.
async fn launch_behind(
    options: &LaunchOptions,
    guard: Option<&Guard>,
) -> Result<Browser, AuditError> {
    let self_test = SelfTest::start().await.map_err(AuditError::SelfTest)?;
    let server = self_test.server();
    let mut options = match guard {
        None => options.clone(),
        Some(guard) => {
            guard.admit(&SelfTest::HOSTS, server);
            guard.fence(options)
        }
    };
    // Before all others: the browser takes the first rule that fits, and the test web's fits every name.
    let others = std::mem::replace(&mut options.resolver_rules, self_test.resolver_rules());
    options.resolver_rules.extend(others);
    let mut browser = Browser::launch(&options).await?;
    let found = self_test.run(&browser).await;
    if let Some(guard) = guard {
        guard.dismiss(server);
        guard.watch_browser(&browser);
    }
    browser.note_self_test(found?);
    Ok(browser)
}

/// This program, as reports name it.
pub fn tool() -> Tool {
    Tool {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        commit: option_env!("CONSENTINEL_COMMIT")
            .filter(|commit| !commit.is_empty())
            .map(str::to_owned),
    }
}

fn tell(progress: &mpsc::UnboundedSender<Progress>, event: Progress) {
    // Nobody may be listening.
    drop(progress.send(event));
}

/// What the browser and the consent engine cannot do that a reader has to know of.
fn shortcomings(
    browser: &BrowserInfo,
    launch: &LaunchOptions,
    has_engine: bool,
) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    if !browser.third_party_cookies {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::ThirdPartyCookiesBlocked,
            "this browser stores no third-party cookies, so those of third parties are missing below",
        ));
    }
    if launch.global_privacy_control && !browser.global_privacy_control {
        diagnostics.push(run_diagnostic(
            DiagnosticCode::GlobalPrivacyControlMissing,
            "this browser cannot send Global Privacy Control, so the sites below were not asked; use a newer Chromium",
        ));
    }
    if !has_engine {
        diagnostics.push(no_engine());
    }
    diagnostics
}

fn no_engine() -> Diagnostic {
    run_diagnostic(
        DiagnosticCode::ConsentEngineMissing,
        "the program was built without npm, so only the built-in heuristics drove the banners",
    )
}

fn run_diagnostic(code: DiagnosticCode, message: &str) -> Diagnostic {
    Diagnostic {
        code,
        message: message.to_owned(),
        state: None,
    }
}

/// The id of a run that begins: sorts by time. The last part tells two of the same millisecond apart, of
/// one process surely, of several most likely.
pub fn run_id(started: Timestamp) -> String {
    static BEGUN: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id().wrapping_add(BEGUN.fetch_add(1, Ordering::Relaxed));
    format!(
        "{}-{:04x}",
        started.strftime("%Y%m%dT%H%M%S%3fZ"),
        number & 0xffff
    )
}

/// Reads an address. `https://` may be left out; only web pages can be audited.
pub fn address(given: &str) -> Result<Url, String> {
    let given = given.trim();
    let url = match Url::parse(given) {
        Ok(url) if url.scheme() == "http" || url.scheme() == "https" => url,
        // `shop.example:8443` reads as a scheme.
        Ok(url)
            if given.contains("://")
                || url.cannot_be_a_base() && !looks_like_host_and_port(given) =>
        {
            return Err(format!(
                "{}: is no address of a web page; only http and https pages can be audited",
                url.scheme()
            ));
        }
        Err(error) if given.contains("://") => return Err(format!("not an address ({error})")),
        _ => Url::parse(&format!("https://{given}"))
            .map_err(|error| format!("not an address ({error})"))?,
    };
    match url.host_str() {
        Some(host) if !host.is_empty() => Ok(url),
        _ => Err("not an address: no host".to_owned()),
    }
}

fn looks_like_host_and_port(given: &str) -> bool {
    given.split_once(':').is_some_and(|(host, rest)| {
        (host.contains('.') || host == "localhost")
            && rest.starts_with(|first: char| first.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_pages() {
        for (given, expected) in [
            ("https://shop.test/a", Some("https://shop.test/a")),
            ("shop.test", Some("https://shop.test/")),
            ("shop.test:8443/a", Some("https://shop.test:8443/a")),
            ("localhost:3000", Some("https://localhost:3000/")),
            (" http://shop.test ", Some("http://shop.test/")),
            ("javascript:alert(1)", None),
            ("file:///etc/passwd", None),
            ("data:text/html,x", None),
            ("mailto:a@b.test", None),
            ("ftp://shop.test/", None),
            ("https://", None),
            ("", None),
            ("a b", None),
        ] {
            assert_eq!(
                address(given).ok().map(|url| url.to_string()).as_deref(),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn run_ids_sort_by_time() {
        let early = run_id(Timestamp::from_millisecond(1_000).unwrap());
        let late = run_id(Timestamp::from_millisecond(1_000_000_000).unwrap());
        assert!(early < late);
    }

    #[test]
    fn runs_of_the_same_millisecond_have_ids_of_their_own() {
        let started = Timestamp::from_millisecond(1_000).unwrap();
        let ids: std::collections::BTreeSet<String> = (0..1_000).map(|_| run_id(started)).collect();
        assert_eq!(ids.len(), 1_000);
    }
}
