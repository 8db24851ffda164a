//! `consentinel serve`: audits sites on schedule, shows what was found, and tells people what is new.
//!
//! Everything it knows is in the store. Requests come in through [`http`], audits are carried out by
//! [`engine`], and everybody hears of what happens by [`Event`]s.

pub mod access;
pub mod alerts;
pub mod api;
pub mod audit;
pub mod board;
pub mod engine;
pub mod error;
pub mod event;
pub mod http;
pub mod id;
pub mod shelves;
pub mod site;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::{Notify, broadcast};
use tokio_util::sync::CancellationToken;

use crate::browser::LaunchOptions;
use crate::store::{Store, StoreError};
use access::options::AccessOptions;
use access::{Access, transport};
use board::Board;
use error::Problem;
use event::Event;
use shelves::Shelves;

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
    events: broadcast::Sender<Event>,
    /// Rung when an audit waits.
    bell: Notify,
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
            events,
            bell: Notify::new(),
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

    /// How the service runs.
    pub fn options(&self) -> &Options {
        &self.0.options
    }

    /// Everything that happens from now on.
    pub fn listen(&self) -> broadcast::Receiver<Event> {
        self.0.events.subscribe()
    }

    /// Tells everybody who listens.
    pub fn tell(&self, event: Event) {
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
        let engine = tokio::spawn(engine::run(self.clone(), ends.clone()));
        let tls = self.options().access.tls.clone();
        let router = http::router(self);
        let served = transport::serve(listener, tls, router, ends.clone()).await;
        ends.cancel();
        if let Err(error) = engine.await {
            tracing::error!(%error, "the engine broke off");
        }
        served
    }
}
