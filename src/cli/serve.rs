//! `consentinel serve`: the service.

mod access;

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::output::{chain, complain};
use super::store::Place;
use crate::browser::{LaunchOptions, find};
use crate::service::{Options, Service};

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
    #[command(flatten)]
    access: access::AccessArguments,
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<access::Command>,
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
        audits_at_once: 1,
        concurrency: std::thread::available_parallelism().map_or(2, usize::from),
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
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            ending.cancel();
        }
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
