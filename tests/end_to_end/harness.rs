//! Runs the binary, and serves pages of a test's own making.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use axum::Router;
use consentinel::browser::find;
use consentinel::model::report::Report;
use consentinel::provision::system::{Wanted, find_or_install, install};
use tokio::runtime::Runtime;

/// A browser, installed first if there is none.
pub(crate) fn browser() -> PathBuf {
    static BROWSER: OnceLock<PathBuf> = OnceLock::new();
    BROWSER
        .get_or_init(|| {
            let found = runtime().block_on(find_or_install(&mut say)).unwrap();
            eprintln!("set-up: the tests drive {}", found.display());
            found
        })
        .clone()
}

/// A browser of that name, if this system has one to install.
pub(crate) fn browser_named(name: &str) -> Option<PathBuf> {
    if let Ok(found) = find::find(Some(Path::new(name))) {
        return Some(found);
    }
    let installed = runtime().block_on(install(Wanted::Browser, &mut say));
    if let Err(error) = installed {
        eprintln!("set-up: {error}");
    }
    find::find(Some(Path::new(name))).ok()
}

fn say(line: &str) {
    eprintln!("set-up: {line}");
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new().unwrap()
}

/// The binary in an empty folder, with nothing of the caller's environment that could change what it does.
pub(crate) fn consentinel(folder: &Path) -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("consentinel"));
    command.current_dir(folder);
    for variable in [
        "CONSENTINEL_BROWSER",
        "RUST_LOG",
        "NO_COLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(variable);
    }
    command
}

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    consentinel(folder.path()).args(arguments).output().unwrap()
}

/// Audits addresses with the JSON format and returns exit code, report and what was said.
pub(crate) fn audit(arguments: &[&str]) -> (i32, Report, String) {
    let browser = browser();
    let mut all = vec![
        "audit",
        "--format",
        "json",
        "--redact",
        "off",
        "--browser",
        browser.to_str().unwrap(),
    ];
    all.extend(arguments);
    let output = run(&all);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}\n{}\n{said}",
            String::from_utf8_lossy(&output.stdout)
        )
    });
    (output.status.code().unwrap(), report, said)
}

/// Serves a router on loopback over plain HTTP while the returned value lives.
pub(crate) struct Served {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
}

impl Served {
    /// Starts serving.
    pub(crate) fn start(router: Router) -> Self {
        let runtime = runtime();
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// An address on it.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// An address on it under another host name.
    pub(crate) fn url_of(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }
}
