//! `consentinel crawl`: finds the pages of a site and audits them as one job that can be gone on with.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, to_value};
use tokio_util::sync::CancellationToken;

use super::audit::Results;
use super::exit::Exit;
use super::options::{AuditOptions, duration};
use super::output::{self, chain, complain};
use super::progress;
use super::store::Place;
use crate::audit::crawl::Wishes;
use crate::audit::{self, CrawlJob, Crawled, crawl_site};
use crate::browser::{BrowserError, LaunchOptions};
use crate::crawl::Limits;
use crate::crawl::manners::Pace;
use crate::provision::system;
use crate::store::{Kind, RunRecord, Store, StoreError};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel crawl https://www.example.com --max-pages 500
  consentinel crawl https://shop.example.com --sample 3 --exclude '/cart*'
  consentinel crawl https://www.example.com --include '/de/*' --delay 2s --per-host 1
  consentinel crawl --resume last";

/// Pages of one host open at once unless `--per-host` says so.
const PER_HOST: usize = 8;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Where to begin
    #[arg(value_name = "URL", required_unless_present = "resume")]
    url: Option<String>,
    /// Go on with a crawl that was stopped: id of a stored run, or `last`; its options hold, those of this call do not
    #[arg(long, value_name = "RUN", conflicts_with = "url")]
    resume: Option<String>,
    /// File with further pages of any site, one a line; lines that begin with # are skipped
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    options: AuditOptions,
    #[command(flatten)]
    results: Results,
    /// Where pages and pictures are kept, instead of the store's folder, such as s3://bucket/path; remembered by the store
    #[arg(long, value_name = "URL")]
    evidence_store: Option<String>,
    /// Configuration file [default: consentinel.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Install a browser first when none is found
    #[arg(long)]
    install_browser: bool,
}

/// How far a crawl reaches, and how it behaves.
#[derive(Debug, Clone, Default, clap::Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Reach {
    /// Only pages that fit: a pattern of the path such as '/shop/*', of the whole address, or a part of it; may be repeated
    #[arg(long, value_name = "PATTERN")]
    include: Vec<String>,
    /// No pages that fit; may be repeated
    #[arg(long, value_name = "PATTERN")]
    exclude: Vec<String>,
    /// Most links from the start
    #[arg(long, value_name = "N")]
    depth: Option<u32>,
    /// Most pages
    #[arg(long, value_name = "N")]
    max_pages: Option<u64>,
    /// Most pages whose addresses have the same shape: one product page stands for ten thousand
    #[arg(long, value_name = "N")]
    sample: Option<u32>,
    /// Visit what robots.txt asks programs to leave alone, without its delay: for your own site
    #[arg(long)]
    ignore_robots: bool,
    /// Pages of one host open at once [default: 8]
    #[arg(long, value_name = "N")]
    per_host: Option<usize>,
    /// Least time between two pages of one host, such as 2s
    #[arg(long, value_name = "TIME")]
    delay: Option<String>,
}

impl Arguments {
    /// Whether the call says how to crawl.
    fn names_options(&self) -> bool {
        let said = |given: Result<Value, _>, default: Result<Value, serde_json::Error>| {
            given.ok() != default.ok()
        };
        said(to_value(&self.reach), to_value(Reach::default()))
            || said(to_value(&self.options), to_value(AuditOptions::default()))
    }
}

/// What the store keeps of a crawl, so that it can be gone on with. No secret is in it.
#[derive(Debug, Serialize, Deserialize)]
struct Description {
    url: String,
    reach: Reach,
    options: AuditOptions,
}

/// Why a crawl does not begin: in one line, and what to do.
type Refused = (String, Option<&'static str>, Exit);

pub(super) async fn run(arguments: Arguments) -> Exit {
    let exit_zero = arguments.results.exit_zero;
    match Box::pin(begin(arguments)).await {
        Ok(Exit::Interrupted) => Exit::Interrupted,
        Ok(_) if exit_zero => Exit::Passed,
        Ok(exit) => exit,
        Err((message, remedy, exit)) => {
            complain(&message, remedy);
            exit
        }
    }
}

async fn begin(arguments: Arguments) -> Result<Exit, Refused> {
    let place = Place {
        store: arguments.results.store.clone(),
        evidence_store: arguments.evidence_store.clone(),
    };
    let stored = |error: StoreError| (chain(&error), None, Exit::Usage);
    let store = place.open().map_err(stored)?;
    let config = arguments.config.as_deref();
    let (description, resumed) = match &arguments.resume {
        Some(run) => {
            let (description, record) = described(&store, run)?;
            if arguments.names_options() {
                output::say(&format!(
                    "run {} goes on with the options it was begun with, not with those of this call",
                    record.id
                ));
            }
            (description, Some(record))
        }
        None => (
            Description {
                url: arguments.url.clone().unwrap_or_default(),
                reach: arguments.reach.clone(),
                // With what the configuration says today: it may say something else when the run goes on.
                options: arguments
                    .options
                    .clone()
                    .with_config(config)
                    .map_err(|error| usage(chain(&error)))?,
            },
            None,
        ),
    };
    let listed = match &arguments.from {
        Some(file) => super::audit::addresses(&[], Some(file)).map_err(usage)?,
        None => Vec::new(),
    };
    let options = description
        .options
        .clone()
        .accepting_by_config(config)
        .map_err(|error| usage(chain(&error)))?;
    let results = &arguments.results;
    // Evidence is raw unless the user says otherwise: it is what proves.
    let evidence = results
        .evidence
        .prepare(results.redact == Some(super::audit::Redact::On))
        .map_err(usage)?;
    let launch = launch(&options, arguments.install_browser).await?;
    let baseline = options.accepted().map_err(usage)?;
    let fail_on = options.fail_on.unwrap_or_default();
    let job = job(&description, &options, &listed, launch.clone(), resumed).map_err(usage)?;
    let Crawled {
        mut head,
        pages,
        complete,
    } = Box::pin(carry_out(job, store, results)).await?;
    let today = head.run.finished.to_zoned(jiff::tz::TimeZone::UTC).date();
    baseline.apply(&mut head, today);
    let internal = |(message, remedy)| (message, remedy, Exit::Internal);
    if let Some(evidence) = evidence {
        evidence
            .write(&head, &pages, results.quiet)
            .map_err(|message| internal((message, None)))?;
    }
    results
        .write(&head, &pages, &launch)
        .await
        .map_err(internal)?;
    if !complete {
        output::say(&format!(
            "the crawl is kept; go on with `consentinel crawl --resume {}`",
            head.run.id
        ));
        return Ok(Exit::Interrupted);
    }
    Ok(Exit::of_run(&head, &pages, fail_on))
}

fn usage(message: String) -> Refused {
    let hint = "see `consentinel crawl --help` for all options";
    (message, Some(hint), Exit::Usage)
}

/// What a run that is to be gone on with was begun with.
fn described(store: &Store, run: &str) -> Result<(Description, RunRecord), Refused> {
    let stored = |error: StoreError| (chain(&error), None, Exit::Usage);
    let record = store.record(run).map_err(stored)?;
    if record.kind != Kind::Crawl || record.finished.is_some() {
        let message = format!(
            "run {} has come to its end; nothing is left to do",
            record.id
        );
        return Err((message, None, Exit::Usage));
    }
    let bytes = store.job(&record).map_err(stored)?;
    let description = serde_json::from_slice(&bytes).map_err(|error| {
        let message = format!(
            "how run {} was begun cannot be understood: {error}",
            record.id
        );
        (message, None, Exit::Usage)
    })?;
    Ok((description, record))
}

async fn launch(options: &AuditOptions, install: bool) -> Result<LaunchOptions, Refused> {
    match options.launch() {
        Err(BrowserError::NotFound) if install => {
            system::find_or_install(&mut |line| output::say(line))
                .await
                .map_err(|error| (chain(&error), None, Exit::Incomplete))?;
            options.launch()
        }
        launch => launch,
    }
    .map_err(|error| (chain(&error), error.remedy(), Exit::Incomplete))
}

fn job(
    description: &Description,
    options: &AuditOptions,
    listed: &[String],
    launch: LaunchOptions,
    resumed: Option<RunRecord>,
) -> Result<CrawlJob, String> {
    let Description { url, reach, .. } = description;
    let address =
        |given: &String| audit::address(given).map_err(|reason| format!("{given}: {reason}"));
    let start = address(url)?;
    let listed = listed.iter().map(address).collect::<Result<_, _>>()?;
    let job = options.job(Vec::new(), launch)?;
    if options.repeat.is_some_and(|repeat| repeat > 1) {
        return Err(
            "--repeat is for `consentinel audit`; a crawl visits each page once in each state"
                .to_owned(),
        );
    }
    let delay = match &reach.delay {
        Some(text) => duration(text).map_err(|reason| format!("--delay {text}: {reason}"))?,
        None => Duration::ZERO,
    };
    let positive = |name: &str, number: Option<u64>| match number {
        Some(0) => Err(format!("--{name} 0: nothing would be visited")),
        _ => Ok(()),
    };
    positive("max-pages", reach.max_pages)?;
    positive("sample", reach.sample.map(u64::from))?;
    positive("per-host", reach.per_host.map(|number| number as u64))?;
    let description = serde_json::to_vec(description)
        .map_err(|error| format!("these options cannot be stored: {error}"))?;
    let mut shown = job.options;
    let switch = |on: bool| on.then(|| "yes".to_owned());
    let list = |list: &[String]| (!list.is_empty()).then(|| list.join(" "));
    shown.extend(
        [
            ("include", list(&reach.include)),
            ("exclude", list(&reach.exclude)),
            ("depth", reach.depth.map(|number| number.to_string())),
            (
                "max-pages",
                reach.max_pages.map(|number| number.to_string()),
            ),
            ("sample", reach.sample.map(|number| number.to_string())),
            ("ignore-robots", switch(reach.ignore_robots)),
            ("per-host", reach.per_host.map(|number| number.to_string())),
            ("delay", reach.delay.clone()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?))),
    );
    Ok(CrawlJob {
        wishes: Wishes {
            start,
            listed,
            states: job.states,
            thorough: options.thorough.unwrap_or_default(),
            limits: Limits {
                include: reach.include.clone(),
                exclude: reach.exclude.clone(),
                depth: reach.depth,
                max_pages: reach.max_pages,
                sample: reach.sample,
            },
            pace: Pace {
                at_once: reach.per_host.unwrap_or(PER_HOST),
                delay,
            },
            ignore_robots: reach.ignore_robots,
            policy: job.policy,
            concurrency: job.concurrency,
            profile: job.profile,
        },
        manner: job.manner,
        steps: job.steps,
        launch: job.launch,
        catalog: job.catalog,
        consent_rules: job.consent_rules,
        options: shown,
        resumed,
        description,
        guard: None,
    })
}

/// Runs the job and shows its progress. One interrupt finishes the pages that are open, two end their visits.
async fn carry_out(job: CrawlJob, store: Store, results: &Results) -> Result<Crawled, Refused> {
    let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
    let (stopped, cancelled) = (stop.clone(), cancel.clone());
    let interrupts = tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            if cancelled.is_cancelled() {
                std::process::abort();
            }
            if stopped.is_cancelled() {
                cancelled.cancel();
            } else {
                output::say("finishing the pages that are open; once more stops at once");
                stopped.cancel();
            }
        }
    });
    let (progress, shown) = progress::show(results.show());
    let outcome = crawl_site(job, store, progress, stop, cancel).await;
    if let Err(error) = shown.await {
        tracing::debug!(%error, "progress was not shown to the end");
    }
    interrupts.abort();
    outcome.map_err(|error| {
        let remedy = match &error {
            audit::AuditError::Browser(error) => error.remedy(),
            _ => None,
        };
        (chain(&error), remedy, Exit::of_error(&error))
    })
}
