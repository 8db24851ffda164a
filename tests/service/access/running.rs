//! A service that runs: the binary on a store of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use consentinel::service::access::options::AccessOptions;
use consentinel::service::access::password::{self, Password};
use consentinel::service::access::{Access, Scope};
use consentinel::store::Store;
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use super::PASSWORD;
use super::client::{Answer, Request};

/// The accounts of [`Running::with_accounts`], each called as what it may do.
pub(crate) const SCOPES: [(&str, Scope); 3] = [
    ("read", Scope::Read),
    ("audit", Scope::Audit),
    ("admin", Scope::Admin),
];

/// The binary.
const BINARY: &str = env!("CARGO_BIN_EXE_consentinel");

/// A service that runs until it is dropped.
pub(crate) struct Running {
    child: Child,
    pub(crate) port: u16,
    /// What it said until it listened.
    pub(crate) said: Vec<String>,
    folder: TempDir,
}

/// Tokens and sessions that are in a store before the service starts.
#[derive(Debug, Default, Clone)]
pub(crate) struct Secrets {
    /// Of the accounts `read`, `audit` and `admin`.
    pub(crate) tokens: [String; 3],
    /// Of `admin`, from a time before.
    pub(crate) expired_token: String,
    /// The cookies of sessions of `read`, `audit` and `admin`.
    pub(crate) cookies: [String; 3],
    /// Of `admin`, from a time before.
    pub(crate) expired_cookie: String,
}

/// A store with an account, a token and a session of each scope. One password is hashed for all of them,
/// since that takes long where nothing is optimised.
pub(crate) fn prepare(folder: &Path) -> Secrets {
    let store = Store::open(folder).unwrap();
    let access = Access::open(&store, &AccessOptions::default()).unwrap();
    let now = Timestamp::now();
    let long = SignedDuration::from_hours(24 * 40);
    let mut secrets = Secrets::default();
    let hashed = password::hash(&Password::new(PASSWORD), "somebody").unwrap();
    for (number, (name, scope)) in SCOPES.into_iter().enumerate() {
        access.add_account(name, scope, hashed.clone()).unwrap();
        let (_, token) = access.make_token(name, "test", scope, now + long).unwrap();
        token.expose().clone_into(&mut secrets.tokens[number]);
        let session = access.begin_session(name, None, "test", now).unwrap();
        secrets.cookies[number] = format!("consentinel={}", session.expose());
    }
    let (_, token) = access
        .make_token(
            "admin",
            "old",
            Scope::Admin,
            now - SignedDuration::from_secs(1),
        )
        .unwrap();
    token.expose().clone_into(&mut secrets.expired_token);
    let session = access
        .begin_session("admin", None, "old", now - long)
        .unwrap();
    secrets.expired_cookie = format!("consentinel={}", session.expose());
    secrets
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command
        .arg("serve")
        // Nothing is audited here; whatever can be run will do.
        .args(["--browser", BINARY])
        .arg("--store")
        .arg(folder)
        .env_remove("CONSENTINEL_PASSWORD")
        .env_remove("CONSENTINEL_LISTEN")
        .env_remove("CONSENTINEL_PUBLIC_URL")
        .stdin(Stdio::null());
    command
}

/// Runs a command of `serve` to its end, with that on its standard input.
pub(crate) fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = command(folder)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // Whoever reads nothing may be gone already.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().unwrap()
}

impl Running {
    /// On an empty store.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::on(tempfile::tempdir().unwrap(), arguments)
    }

    /// With an account, a token and a session of each scope.
    pub(crate) fn with_accounts(arguments: &[&str]) -> (Self, Secrets) {
        let folder = tempfile::tempdir().unwrap();
        let secrets = prepare(folder.path());
        (Self::on(folder, arguments), secrets)
    }

    /// On a store that is there.
    pub(crate) fn on(folder: TempDir, arguments: &[&str]) -> Self {
        let mut command = command(folder.path());
        if !arguments.contains(&"--listen") {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut child = command
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let mut port = None;
        while port.is_none() {
            let line = lines.next().expect("it listens").unwrap();
            let place = line.strip_prefix("listening on ");
            port = place.map(|it| it.rsplit(':').next().unwrap().parse().unwrap());
            said.push(line);
        }
        // Nobody has to read the rest, but the pipe must not fill.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            port: port.unwrap(),
            said,
            folder,
        }
    }

    /// The path and query of the link to the first account.
    pub(crate) fn link(&self) -> String {
        let mut said = self.said.iter();
        let link = said.find_map(|line| Some(&line[line.find("/first-account?key=")?..]));
        link.expect("a link is printed").to_owned()
    }

    /// Ends it as an operator does, and gives its store back.
    pub(crate) fn stop(mut self) -> TempDir {
        let ended = Command::new("kill")
            .args(["-INT", &self.child.id().to_string()])
            .status();
        assert!(ended.unwrap().success());
        assert!(self.child.wait().unwrap().success());
        std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap())
    }

    pub(crate) fn send(&self, request: &Request) -> Answer {
        request.send(self.port)
    }

    /// Signs in, and returns the answer.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Answer {
        self.send(&Request::form(
            "/sign-in",
            &[("name", name), ("password", password)],
        ))
    }

    /// What forms of that session have to carry.
    pub(crate) fn csrf(&self, cookie: &str) -> String {
        let answer = self.send(&Request::get("/api/v1/session").cookie(cookie));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["csrf"].as_str().unwrap().to_owned()
    }

    /// The journal, newest first: who, what and to what.
    pub(crate) fn journal(&self, token: &str) -> Vec<[String; 3]> {
        let answer = self.send(&Request::get("/api/v1/journal").token(token));
        assert_eq!(answer.status, 200, "{answer:?}");
        let journal = answer.json();
        let text =
            |entry: &serde_json::Value, field: &str| entry[field].as_str().unwrap().to_owned();
        let entries = journal["items"].as_array().unwrap().iter();
        entries
            .map(|entry| ["who", "action", "subject"].map(|field| text(entry, field)))
            .collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
