//! `consentinel schedule`: which sites are audited when. On the store while no service has it open, and over
//! the service's API otherwise.

pub(super) mod server;

use std::path::PathBuf;
use std::time::Duration;

use ipnet::{Ipv4Net, Ipv6Net};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::options::any_duration;
use super::output::{chain, complain, print, say};
use super::serve::{Limits, visits_at_once};
use super::store::Place;
use crate::audit::guard::Bounds;
use crate::browser::{LaunchOptions, find};
use crate::report::printable;
use crate::service::audit::{Audit, Standing};
use crate::service::engine::{carry_out_now, take_up_again};
use crate::service::error::Problem;
use crate::service::event::Event;
use crate::service::schedule::{Schedule, ScheduleWish};
use crate::service::site::{Settings, SiteWish};
use crate::service::{Options, Service, ServiceError};
use crate::store::StoreError;
use server::Server;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel schedule add https://www.example.com --cron '0 3 * * *' --timezone Europe/Berlin
  consentinel schedule add www-example-com --cron '30 6 * * MON' --jitter 20m
  consentinel schedule list
  consentinel schedule run 20261123T030000000Z-1a2b3c4d
  CONSENTINEL_TOKEN=… consentinel schedule list --server https://consent.example.com";

/// What to do when a service has the store open.
const USE_THE_SERVER: &str =
    "a service has it open: add --server URL, with one of its tokens in CONSENTINEL_TOKEN";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Have a site audited again and again
    Add {
        /// Id of a site, or an address, which becomes a site
        #[arg(value_name = "SITE")]
        site: String,
        /// When: minute, hour, day of the month, month, day of the week
        #[arg(long, value_name = "EXPRESSION")]
        cron: String,
        /// Time zone of the expression
        #[arg(long, value_name = "ZONE", default_value = "UTC")]
        timezone: String,
        /// How much later by chance, at most, so that not everything begins at once
        #[arg(long, value_name = "TIME", default_value = "0", value_parser = any_duration)]
        jitter: Duration,
        #[command(flatten)]
        keeper: Keeper,
    },
    /// One line for each schedule: when it is due next, which site, which expression
    List {
        #[command(flatten)]
        keeper: Keeper,
    },
    /// Audit the site of a schedule now; on a store that no service has open, here
    Run {
        /// Id of a schedule
        schedule: String,
        /// Browser to drive: a path, or a name on the search path
        #[arg(long, value_name = "PATH", env = find::BROWSER_VARIABLE)]
        browser: Option<PathBuf>,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        keeper: Keeper,
    },
    /// Remove a schedule; what it asked for stays
    Remove {
        /// Id of a schedule
        schedule: String,
        #[command(flatten)]
        keeper: Keeper,
    },
}

/// Who keeps the schedules.
#[derive(Debug, Clone, clap::Args)]
struct Keeper {
    /// Address of a running service, such as https://consent.example.com; its token comes from CONSENTINEL_TOKEN
    #[arg(long, value_name = "URL", env = "CONSENTINEL_SERVER")]
    server: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Why something was not done: in one line, what to do, and how the program ends.
pub(super) struct Refused {
    what: String,
    remedy: Option<&'static str>,
    exit: Exit,
}

impl Refused {
    /// Says it, and how the program ends.
    pub(super) fn complain(&self) -> Exit {
        complain(&self.what, self.remedy);
        self.exit
    }

    pub(super) fn usage(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: None,
            exit: Exit::Usage,
        }
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        let field = problem.pointer.as_deref().unwrap_or_default();
        let field = field.trim_start_matches('/').replace('/', " ");
        Self::usage(match field.as_str() {
            "" => problem.detail,
            field => format!("{field}: {}", problem.detail),
        })
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self {
            remedy: matches!(error, StoreError::InUse(_)).then_some(USE_THE_SERVER),
            ..Self::usage(chain(&error))
        }
    }
}

impl From<ServiceError> for Refused {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Store(error) => error.into(),
            error => Self::usage(chain(&error)),
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let done = match arguments.command {
        Command::Add {
            site,
            cron,
            timezone,
            jitter,
            keeper,
        } => {
            let wish = ScheduleWish {
                site,
                cron,
                timezone,
                jitter_seconds: u32::try_from(jitter.as_secs()).unwrap_or(u32::MAX),
                enabled: true,
            };
            add(&keeper, wish)
        }
        Command::List { keeper } => list(&keeper),
        Command::Remove { schedule, keeper } => remove(&keeper, &schedule),
        Command::Run {
            schedule,
            browser,
            limits,
            keeper,
        } => run_now(&keeper, &schedule, browser, &limits).await,
    };
    done.unwrap_or_else(|refused| {
        complain(&refused.what, refused.remedy);
        refused.exit
    })
}

impl Keeper {
    /// The service that is asked, if one is named.
    fn server(&self) -> Result<Option<Server>, Refused> {
        self.server.as_deref().map(Server::at).transpose()
    }

    /// The service over the store, which nobody else has open.
    fn service(&self, options: Options) -> Result<Service, Refused> {
        Ok(Service::open(self.place.open()?, options)?)
    }
}

fn add(keeper: &Keeper, wish: ScheduleWish) -> Result<Exit, Refused> {
    let schedule = if let Some(server) = keeper.server()? {
        let site = server.site(&wish.site)?;
        server.add(&ScheduleWish { site, ..wish })?
    } else {
        let service = keeper.service(anywhere())?;
        let site = site(&service, &wish.site)?;
        service.add_schedule(ScheduleWish { site, ..wish })?
    };
    let due = schedule
        .due()
        .map(|due| due.to_string())
        .unwrap_or_default();
    say(&format!("site {} is audited next at {due}", schedule.site));
    print(&format!("{}\n", printable(&schedule.id)));
    Ok(Exit::Passed)
}

/// Whoever has the store may add any address to it. What is inside is refused when it is audited, unless
/// whoever audits allows it.
fn anywhere() -> Options {
    Options {
        bounds: Bounds {
            allowed: vec![Ipv4Net::default().into(), Ipv6Net::default().into()],
            ..Bounds::default()
        },
        ..Options::default()
    }
}

/// The id of a site that is known by its id or its address, or that is added.
fn site(service: &Service, given: &str) -> Result<String, Refused> {
    let sites = &service.shelves().sites;
    if let Some(site) = sites.get(given)? {
        return Ok(site.id);
    }
    let wish = new_site(given).checked(&service.options().bounds.allowed)?;
    for entry in sites.all() {
        let (id, site) = entry?;
        if site.url == wish.url {
            return Ok(id);
        }
    }
    let site = service.add_site(wish)?;
    say(&format!("{} is the new site {}", site.url, site.id));
    Ok(site.id)
}

fn new_site(url: &str) -> SiteWish {
    SiteWish {
        name: None,
        url: url.to_owned(),
        settings: Settings::default(),
    }
}

fn list(keeper: &Keeper) -> Result<Exit, Refused> {
    let schedules = if let Some(server) = keeper.server()? {
        server.list()?
    } else {
        let service = keeper.service(Options::default())?;
        let all = service.shelves().schedules.all();
        let schedules = all.map(|entry| entry.map(|(_, schedule)| schedule));
        schedules.collect::<Result<Vec<_>, _>>()?
    };
    print(&schedules.iter().map(line).collect::<String>());
    Ok(Exit::Passed)
}

fn line(schedule: &Schedule) -> String {
    let due = schedule
        .due()
        .map_or_else(|| "never".to_owned(), |due| due.to_string());
    let Schedule {
        id,
        site,
        cron,
        timezone,
        ..
    } = schedule;
    printable(&format!("{id}  {due:<20}  {site}  {cron}  {timezone}")) + "\n"
}

fn remove(keeper: &Keeper, id: &str) -> Result<Exit, Refused> {
    match keeper.server()? {
        Some(server) => server.remove(id)?,
        None => keeper.service(Options::default())?.remove_schedule(id)?,
    }
    say(&format!("schedule {id} is removed"));
    Ok(Exit::Passed)
}

async fn run_now(
    keeper: &Keeper,
    id: &str,
    browser: Option<PathBuf>,
    limits: &Limits,
) -> Result<Exit, Refused> {
    if let Some(server) = keeper.server()? {
        let audit = server.run(id)?;
        say(&format!("the service carries it out as audit {}", audit.id));
        print(&format!("{}\n", printable(&audit.id)));
        return Ok(Exit::Passed);
    }
    let executable = find::find(browser.as_deref()).map_err(|error| Refused {
        what: chain(&error),
        remedy: error.remedy(),
        exit: Exit::Incomplete,
    })?;
    let service = keeper.service(Options {
        launch: LaunchOptions {
            executable,
            ..LaunchOptions::default()
        },
        concurrency: visits_at_once(1),
        bounds: limits.bounds(),
        ..Options::default()
    })?;
    let audit = to_carry_out(&service, id)?;
    let ends = CancellationToken::new();
    let ending = ends.clone();
    let interrupts = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ending.cancel();
        }
    });
    let shown = tokio::spawn(show(service.listen()));
    let carried = carry_out_now(&service, &audit, ends).await;
    shown.abort();
    interrupts.abort();
    Ok(told(&carried?))
}

/// The audit of the schedule's site that waits, such as one that was interrupted, or a new one.
fn to_carry_out(service: &Service, id: &str) -> Result<Audit, Refused> {
    take_up_again(service)?;
    let site = service.schedule(id)?.site;
    let waiting = service.board().site(&site).open.into_keys().next();
    let waiting = waiting.map(|audit| service.shelves().audits.get(&audit));
    match waiting.transpose()?.flatten() {
        Some(audit) => Ok(audit),
        None => Ok(service.run_schedule(id, &format!("schedule {id}, at the command line"))?),
    }
}

/// Shows how far the audit is.
async fn show(mut events: tokio::sync::broadcast::Receiver<Event>) {
    loop {
        match events.recv().await {
            Ok(Event::Progress {
                done,
                of,
                url,
                summary,
                ..
            }) if !url.is_empty() => say(&format!("[{done}/{of}] {url}: {summary}")),
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}

/// Says what came of an audit, and how the program ends.
fn told(audit: &Audit) -> Exit {
    if let Some(error) = &audit.error {
        complain(error, None);
    }
    if let Some(result) = &audit.result {
        let counts: Vec<String> = result
            .findings
            .iter()
            .map(|(severity, count)| format!("{count} {severity}"))
            .collect();
        let counts = match counts.as_slice() {
            [] => "no findings".to_owned(),
            counts => format!("findings: {}", counts.join(", ")),
        };
        say(&format!(
            "{counts}; {} new, {} fixed; {} pages, {} of them not audited in every state",
            result.new_count, result.fixed_count, result.pages, result.incomplete_pages
        ));
    }
    if let Some(run) = &audit.run {
        print(&format!("{}\n", printable(run)));
    }
    match (audit.standing, &audit.result) {
        (Standing::Finished, Some(result)) if !result.findings.is_empty() => Exit::Findings,
        (Standing::Finished, Some(result)) if result.incomplete_pages == 0 => Exit::Passed,
        (Standing::Waiting | Standing::Running | Standing::Cancelled, _) => {
            say("the audit waits in the store; `consentinel serve` goes on with it");
            Exit::Interrupted
        }
        (Standing::Finished | Standing::Failed, _) => Exit::Incomplete,
    }
}
