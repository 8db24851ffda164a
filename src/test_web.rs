//! The built-in test web: sites and services on their real host names, served over HTTPS on loopback.
//!
//! Everything lies in `fixtures/` and is built into the binary. A site is a folder of
//! `fixtures/sites` with `site.toml`, `truth.toml` and its files; a service is a folder of
//! `fixtures/services` with `service.toml` and its files. Neither needs a line of Rust.
//! Consent banners are real ones: `/npm/PACKAGE/PATH` on every site serves the npm packages that
//! were provisioned at run time.

mod answer;
mod certificate;
pub mod choices;
mod hosts;
mod packages;
mod pattern;
mod route;
pub mod site;
pub mod truth;

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use tokio::task::JoinHandle;

use answer::{Web, answer};
use certificate::Certificate;
use hosts::Hosts;
use packages::Packages;
pub use site::{Site, sites};

/// The npm packages of the consent banners, as `package.json` names them.
pub const PACKAGE_JSON: &str = include_str!("../fixtures/package.json");

/// The exact versions and digests of [`PACKAGE_JSON`], as `package-lock.json`.
pub const PACKAGE_LOCK: &str = include_str!("../fixtures/package-lock.json");

/// How long open connections may finish when the web stops.
const GRACE: Duration = Duration::from_millis(500);

/// What the test web needs to start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The port on loopback; a free one when absent.
    pub port: Option<u16>,
    /// The `node_modules` directory in which the packages of [`PACKAGE_JSON`] are installed.
    pub packages: PathBuf,
}

/// Why the test web cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum TestWebError {
    /// A file of `fixtures/` is wrong: the binary was built from a broken tree.
    #[error("fixture {file} is wrong: {reason}")]
    Fixture {
        /// Path below `fixtures/`.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The port is taken or not allowed.
    #[error("cannot listen on 127.0.0.1:{port}: choose another port with --port")]
    Listen {
        /// The port asked for; 0 for any.
        port: u16,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The certificate could not be made.
    #[error("cannot make the certificate of the test web")]
    Certificate(#[source] rcgen::Error),
    /// The TLS library refused the certificate.
    #[error("cannot set up TLS for the test web")]
    Tls(#[source] rustls::Error),
    /// The server ended before it could answer.
    #[error("the test web stopped as soon as it was started")]
    Stopped,
}

/// The test web, being served until [`TestWeb::stop`] or until it is dropped.
#[derive(Debug)]
pub struct TestWeb {
    port: u16,
    spki: String,
    certificate: Vec<u8>,
    sites: Vec<Site>,
    handle: Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

impl TestWeb {
    /// Serves every site and every service on one port of loopback.
    pub async fn start(options: Options) -> Result<Self, TestWebError> {
        let sites = sites()?;
        let hosts = Hosts::load(&sites)?;
        let certificate = Certificate::make(hosts.names())?;
        let port = options.port.unwrap_or(0);
        let listen = |source| TestWebError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;

        let web = Arc::new(Web {
            hosts,
            packages: Packages::new(options.packages),
        });
        let router = Router::new().fallback(answer).with_state(web);
        let handle = Handle::new();
        let server = axum_server::from_tcp_rustls(
            listener,
            RustlsConfig::from_config(certificate.server_config()?),
        )
        .map_err(listen)?
        .handle(handle.clone());
        let task = tokio::spawn(server.serve(router.into_make_service()));
        let address = handle.listening().await.ok_or(TestWebError::Stopped)?;
        Ok(Self {
            port: address.port(),
            spki: certificate.spki_sha256_base64(),
            certificate: certificate.der(),
            sites,
            handle,
            task,
        })
    }

    /// The port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// SHA-256 of the certificate's public key in base64, for Chromium's
    /// `--ignore-certificate-errors-spki-list`.
    pub fn certificate_spki_sha256_base64(&self) -> &str {
        &self.spki
    }

    /// The certificate itself, DER, for clients that verify it.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The value of Chromium's `--host-resolver-rules` that leads every host name here.
    ///
    /// `localhost` and `127.0.0.1` stay what they are, so other pages of this machine can be reached.
    pub fn host_resolver_rules(&self) -> String {
        format!(
            "MAP * 127.0.0.1:{}, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            self.port
        )
    }

    /// The sites, by name.
    pub fn sites(&self) -> &[Site] {
        &self.sites
    }

    /// Stops serving: open answers may finish, for half a second at most.
    pub async fn stop(mut self) {
        self.handle.graceful_shutdown(Some(GRACE));
        if tokio::time::timeout(GRACE * 4, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}

impl Drop for TestWeb {
    fn drop(&mut self) {
        self.handle.shutdown();
    }
}
