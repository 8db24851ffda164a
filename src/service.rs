//! `consentinel serve`: audits sites on schedule, shows what was found, and tells people what is new.
//!
//! Everything it knows is in the store. Requests come in through [`http`], audits are carried out by
//! [`engine`], and everybody hears of what happens by [`Event`]s.

pub mod accepted;
pub mod access;
pub mod alerts;
pub mod api;
pub mod audit;
pub mod board;
pub mod dashboard;
pub mod engine;
pub mod error;
pub mod event;
pub mod http;
pub mod id;
pub mod operations;
pub mod past;
pub mod runs;
pub mod runs_index;
pub mod schedule;
pub mod shelves;
pub mod site;
pub mod sites;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::audit::guard::Bounds;
use crate::browser::LaunchOptions;
use crate::proxy::{Resolve, SystemResolver};
use crate::store::{Store, StoreError};
use access::options::AccessOptions;
use access::{Access, transport};
use board::Board;
use engine::Desk;
use error::Problem;
use event::Event;
use past::Past;
use runs::Runs;
use schedule::timer::Timer;
use shelves::Shelves;
use sites::Sites;

/// Events a slow listener may be behind before it misses some.
const EVENTS_KEPT: usize = 1_024;

/// How the service runs.
#[derive(Debug, Clone)]
pub struct Options {
    /// How it is reached, and by whom.
    pub access: AccessOptions,
    /// Where it listens.
    pub listen: SocketAddr,
    /// How browsers are started.
    pub launch: LaunchOptions,
    /// Audits carried out at once.
    pub audits_at_once: usize,
    /// Visits of an audit made at once.
    pub concurrency: usize,
    /// What an audit may reach, and how much it may take.
    pub bounds: Bounds,
    /// What hosts mean.
    pub names: Names,
}

impl Default for Options {
    /// On loopback, one audit after another.
    fn default() -> Self {
        Self {
            access: AccessOptions::default(),
            listen: ([127, 0, 0, 1], 8484).into(),
            launch: LaunchOptions::default(),
            audits_at_once: 1,
            concurrency: 2,
            bounds: Bounds::default(),
            names: Names::default(),
        }
    }
}

/// Looks up what hosts mean.
#[derive(Clone)]
pub struct Names(pub Arc<dyn Resolve>);

impl Default for Names {
    /// As the system says.
    fn default() -> Self {
        Self(Arc::new(SystemResolver))
    }
}

impl std::fmt::Debug for Names {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Options {
    /// The address people reach a page of the service at; `path` begins with a slash.
    pub fn public_address(&self, path: &str) -> String {
        let scheme = if self.access.is_secure() {
            "https"
        } else {
            "http"
        };
        match &self.access.public_url {
            Some(url) => format!("{}{path}", url.origin()),
            None => format!("{scheme}://{}{path}", self.listen),
        }
    }
}

/// What keeps the service from starting or going on.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address.
    #[error("{0} cannot be listened on; choose another with --listen")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// Nobody has an account, and everybody could reach it.
    #[error(
        "{0} is not loopback, and there is no account yet: add one with `consentinel serve account add NAME`, or start once without --listen and open the link it prints"
    )]
    NoAccount(SocketAddr),
    /// The certificate or its key.
    #[error("{}: cannot be used for TLS: {reason}", .file.display())]
    Tls {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Serving ended by itself.
    #[error("requests can no longer be taken in")]
    Serving(#[source] std::io::Error),
}

/// The service. A clone is the same one.
#[derive(Debug, Clone)]
pub struct Service(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    shelves: Shelves,
    access: Access,
    board: Board,
    sites: Sites,
    /// What pages of the dashboard are made of.
    dashboard: dashboard::Memory,
    events: broadcast::Sender<Event>,
    past: Past,
    runs: Runs,
    /// Cancelled when the service ends: answers that have no end of their own end then.
    closing: CancellationToken,
    /// Rung when an audit waits.
    bell: Notify,
    desk: Desk,
    timer: Timer,
    /// Alerts that wait.
    outbox: alerts::Outbox,
    health: operations::Health,
    options: Options,
}

impl Service {
    /// The service over a store. May block: never on an async thread.
    pub fn open(store: Store, options: Options) -> Result<Self, ServiceError> {
        let shelves = Shelves::open(&store)?;
        let access = Access::open(&store, &options.access)?;
        let board = Board::read(&shelves);
        let (events, _) = broadcast::channel(EVENTS_KEPT);
        Ok(Self(Arc::new(Inner {
            store,
            shelves,
            access,
            board,
            sites: Sites::default(),
            dashboard: dashboard::Memory::default(),
            events,
            past: Past::default(),
            runs: Runs::default(),
            closing: CancellationToken::new(),
            bell: Notify::new(),
            desk: Desk::default(),
            timer: Timer::default(),
            outbox: alerts::Outbox::default(),
            health: operations::Health::default(),
            options,
        })))
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What is kept beside runs.
    pub fn shelves(&self) -> &Shelves {
        &self.0.shelves
    }

    /// Accounts, sessions, tokens and the journal.
    pub fn access(&self) -> &Access {
        &self.0.access
    }

    /// How the sites stand.
    pub fn board(&self) -> &Board {
        &self.0.board
    }

    /// Cancelled when the service ends: answers that have no end of their own end then.
    pub fn closing(&self) -> &CancellationToken {
        &self.0.closing
    }

    /// What is kept of runs in memory.
    pub fn runs(&self) -> &Runs {
        &self.0.runs
    }

    fn known_sites(&self) -> &Sites {
        &self.0.sites
    }

    fn dashboard(&self) -> &dashboard::Memory {
        &self.0.dashboard
    }

    /// How the service runs.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// The audits that are being carried out.
    fn desk(&self) -> &Desk {
        &self.0.desk
    }

    /// When the schedules are due.
    fn timer(&self) -> &Timer {
        &self.0.timer
    }

    /// Alerts that wait.
    fn outbox(&self) -> &alerts::Outbox {
        &self.0.outbox
    }

    /// Whether the service can do its work.
    pub fn health(&self) -> &operations::Health {
        &self.0.health
    }

    /// Everything that happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// What happened last.
    pub fn past(&self) -> &Past {
        &self.0.past
    }

    /// Tells everybody who listens.
    pub fn tell(&self, event: Event) {
        self.past().note(&event);
        self.dashboard().hear(&event);
        // Nobody may be listening.
        drop(self.0.events.send(event));
    }

    /// An audit waits.
    pub fn wake(&self) {
        self.0.bell.notify_one();
    }

    /// Returns when an audit may be waiting.
    pub async fn woken(&self) {
        self.0.bell.notified().await;
    }

    /// Does what may block on a thread that may.
    pub async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let service = self.clone();
        match tokio::task::spawn_blocking(move || work(&service)).await {
            Ok(done) => done,
            Err(error) => Err(Problem::internal(&error)),
        }
    }

    /// Listens where the options say: without an account only where nobody else comes.
    pub async fn bind(&self) -> Result<TcpListener, ServiceError> {
        let address = self.options().listen;
        if !address.ip().is_loopback() && !self.access().has_accounts() {
            return Err(ServiceError::NoAccount(address));
        }
        if let Some(files) = &self.options().access.tls {
            // A wrong certificate is said before anything begins.
            transport::tls(files)?;
        }
        TcpListener::bind(address)
            .await
            .map_err(|error| ServiceError::Listen(address, error))
    }

    /// Serves until `ends` is heard; then what is being answered is answered, and audits that run wait again.
    pub async fn serve(
        self,
        listener: TcpListener,
        ends: CancellationToken,
    ) -> Result<(), ServiceError> {
        let alerts = tokio::spawn(alerts::run(self.clone(), ends.clone()));
        let chores = tokio::spawn(operations::run(self.clone(), ends.clone()));
        let engine = tokio::spawn({
            let (service, ends) = (self.clone(), ends.clone());
            async move {
                let _runs = service.health().engine_runs();
                engine::run(service.clone(), ends).await;
            }
        });
        let schedules = tokio::spawn(schedule::run(self.clone(), ends.clone()));
        let (service, ending) = (self.clone(), ends.clone());
        tokio::spawn(async move {
            ending.cancelled().await;
            service.health().end();
            service.closing().cancel();
        });
        let tls = self.options().access.tls.clone();
        let router = http::router(self);
        let served = transport::serve(listener, tls, router, ends.clone()).await;
        ends.cancel();
        for (part, task) in [
            ("the engine", engine),
            ("the schedules", schedules),
            ("sending alerts", alerts),
            ("keeping house", chores),
        ] {
            if let Err(error) = task.await {
                tracing::error!(%error, "{part} broke off");
            }
        }
        served
    }
}
