//! A service over a store of its own, and sites for it to audit.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use axum::Router;
use consentinel::browser::{LaunchOptions, find};
use consentinel::service::audit::{Audit, Standing};
use consentinel::service::{Options, Service};
use consentinel::store::Store;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_mins(5);

/// Options of a service that drives the browser of this machine.
pub(crate) fn options() -> Options {
    Options {
        launch: LaunchOptions {
            executable: find::find(None).unwrap(),
            ..LaunchOptions::default()
        },
        listen: ([127, 0, 0, 1], 0).into(),
        ..Options::default()
    }
}

/// A service that runs until it is ended.
pub(crate) struct Running {
    pub(crate) service: Service,
    runtime: Runtime,
    ends: CancellationToken,
    served: tokio::task::JoinHandle<()>,
}

impl Running {
    /// Starts a service over a store.
    pub(crate) fn start(folder: &Path, options: Options) -> Self {
        let service = Service::open(Store::open(folder).unwrap(), options).unwrap();
        let runtime = Runtime::new().unwrap();
        let ends = CancellationToken::new();
        let listener = runtime.block_on(service.bind()).unwrap();
        let (serving, ending) = (service.clone(), ends.clone());
        let served = runtime.spawn(async move { serving.serve(listener, ending).await.unwrap() });
        Self {
            service,
            runtime,
            ends,
            served,
        }
    }

    /// Ends it in an orderly way.
    pub(crate) fn end(self) {
        self.ends.cancel();
        self.runtime.block_on(self.served).unwrap();
    }

    /// The audit as it stands.
    pub(crate) fn audit(&self, id: &str) -> Audit {
        self.service.shelves().audits.get(id).unwrap().unwrap()
    }

    /// Waits until an audit is over.
    pub(crate) fn over(&self, id: &str) -> Audit {
        until("the audit is over", || {
            Some(self.audit(id)).filter(|audit| audit.standing.is_over())
        })
    }

    /// Waits until an audit is over and was carried out.
    pub(crate) fn finished(&self, id: &str) -> Audit {
        let audit = self.over(id);
        assert_eq!(audit.standing, Standing::Finished, "{audit:#?}");
        audit
    }
}

/// Waits for something that comes sooner or later.
pub(crate) fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "waited too long until {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Serves a router over plain HTTP at an address while the returned value lives.
pub(crate) struct Served {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Served {
    /// Starts serving; port 0 is any that is free.
    pub(crate) fn at(address: SocketAddr, router: Router) -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            _runtime: runtime,
        }
    }
}
