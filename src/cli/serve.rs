//! `consentinel serve`: the service.

mod access;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::options::{any_duration, bytes};
use super::output::{LogFormat, chain, complain};
use super::store::Place;
use crate::audit::extent;
use crate::audit::guard::Bounds;
use crate::browser::{LaunchOptions, find};
use crate::service::{Options, Service};
use crate::visit::time::ClockKind;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel serve
  consentinel serve --listen 127.0.0.1:8080 --store /var/lib/consentinel
  consentinel serve account add anna
  consentinel serve --listen 0.0.0.0:8443 --tls-cert audits.pem --tls-key audits.key
  consentinel serve token add nightly --account anna --scope audit";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port to listen on
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8484",
        env = "CONSENTINEL_LISTEN"
    )]
    listen: SocketAddr,
    /// Browser to drive: a path, or a name on the search path
    #[arg(long, value_name = "PATH", env = find::BROWSER_VARIABLE)]
    browser: Option<PathBuf>,
    /// Audits carried out at once; never two of the same site
    #[arg(long, value_name = "N", default_value_t = 1)]
    audits_at_once: usize,
    #[command(flatten)]
    limits: Limits,
    /// Form of the log: text for people, json for programs
    #[arg(
        long,
        value_name = "FORMAT",
        default_value = "text",
        env = "CONSENTINEL_LOG_FORMAT"
    )]
    pub(super) log_format: LogFormat,
    #[command(flatten)]
    access: access::AccessArguments,
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<access::Command>,
}

/// What an audit that somebody asks for may reach, and how much it may take.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Limits {
    /// Network inside yours that audits may reach, such as 10.1.0.0/16 for a staging site; may be repeated
    #[arg(long, value_name = "CIDR")]
    allow_net: Vec<IpNet>,
    /// How long one audit may take [default: 6h]
    #[arg(long, value_name = "TIME", value_parser = any_duration)]
    max_audit_time: Option<Duration>,
    /// Most bytes one audit may carry over the network [default: 20GB]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_audit_bytes: Option<u64>,
    /// Most memory the browser of one audit may take [default: 6GiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_audit_memory: Option<u64>,
}

impl Limits {
    /// What they mean.
    pub(super) fn bounds(&self) -> Bounds {
        let usual = Bounds::default();
        Bounds {
            allowed: self.allow_net.clone(),
            most_time: self.max_audit_time.unwrap_or(usual.most_time),
            most_bytes: self.max_audit_bytes.unwrap_or(usual.most_bytes),
            most_memory: self.max_audit_memory.unwrap_or(usual.most_memory),
        }
    }
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    if let Some(command) = &arguments.command {
        return access::run(command, &arguments.place);
    }
    match serve(arguments).await {
        Ok(()) => Exit::Passed,
        Err((what, exit)) => {
            complain(&what, None);
            exit
        }
    }
}

/// Visits of an audit made at once, so that all audits together fit on the machine.
pub(super) fn visits_at_once(audits: usize) -> usize {
    let all = extent::visits_at_once(ClockKind::default());
    (all / audits.max(1)).clamp(1, 64)
}

async fn serve(arguments: Arguments) -> Result<(), (String, Exit)> {
    let usage = |error: &dyn std::error::Error| (chain(error), Exit::Usage);
    let executable = find::find(arguments.browser.as_deref()).map_err(|error| usage(&error))?;
    let options = Options {
        access: arguments.access.options(),
        listen: arguments.listen,
        launch: LaunchOptions {
            executable,
            ..LaunchOptions::default()
        },
        audits_at_once: arguments.audits_at_once.clamp(1, 64),
        concurrency: visits_at_once(arguments.audits_at_once),
        bounds: arguments.limits.bounds(),
        ..Options::default()
    };
    let place = arguments.place;
    let opened = tokio::task::spawn_blocking(move || {
        let store = place.open().map_err(|error| chain(&error))?;
        Service::open(store, options).map_err(|error| chain(&error))
    });
    let service = match opened.await {
        Ok(service) => service.map_err(|what| (what, Exit::Usage))?,
        Err(error) => return Err((error.to_string(), Exit::Internal)),
    };
    let listener = service.bind().await.map_err(|error| usage(&error))?;
    let ends = CancellationToken::new();
    let ending = ends.clone();
    let asked = asked_to_end().map_err(|error| (error.to_string(), Exit::Internal))?;
    tokio::spawn(async move {
        asked.await;
        ending.cancel();
    });
    let address = listener
        .local_addr()
        .map_err(|error| (error.to_string(), Exit::Internal))?;
    let reached = &service.options().access;
    access::greet(service.access(), reached, address).map_err(|what| (what, Exit::Internal))?;
    service
        .serve(listener, ends)
        .await
        .map_err(|error| (chain(&error), Exit::Internal))
}

/// Is over when somebody at the terminal, or whoever looks after the service, asks it to end.
///
/// They are heard from now on, and not from when it is waited for: whoever reads that the service listens
/// may ask at once.
#[cfg(unix)]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut interrupts = signal(SignalKind::interrupt())?;
    let mut terminates = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupts.recv() => {}
            _ = terminates.recv() => {}
        }
    })
}

/// Is over when somebody at the terminal asks the service to end. They are heard from now on.
#[cfg(not(unix))]
fn asked_to_end() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupts = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupts.recv().await;
    })
}
