//! Keeps an audit of anybody's address within bounds: nothing of the inside of our network is reached
//! with it, and it takes only so much time, bytes and memory.
//!
//! Every browser of the audit, also one that takes over, asks for everything through one proxy
//! ([`crate::proxy`]). Nothing else of an audit uses the network: `robots.txt`, sitemaps and policies are
//! fetched by the browser, too.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::run_diagnostic;
use crate::browser::{Browser, LaunchOptions, memory_of_group};
use crate::model::party::host_of;
use crate::model::visit::{Diagnostic, DiagnosticCode, Outcome, Visit};
use crate::proxy::{Policy, Proxy, Reason, Refusal, Resolve};

/// How often bytes, memory and time are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Most hosts named in one diagnostic.
const MOST_NAMED: usize = 10;
/// What sets the bounds, so that a reader knows what to change.
const TIME_OPTION: &str = "--max-audit-time";
const BYTES_OPTION: &str = "--max-audit-bytes";
const MEMORY_OPTION: &str = "--max-audit-memory";

/// What an audit may reach, and how much it may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Networks that may be reached though they are not the public internet's.
    pub allowed: Vec<IpNet>,
    /// How long an audit may take.
    pub most_time: Duration,
    /// Most bytes over the network, in both directions.
    pub most_bytes: u64,
    /// Most memory its browsers may take together, in bytes.
    pub most_memory: u64,
}

impl Default for Bounds {
    /// A crawl of some thousand ordinary pages fits in; a page that never ends does not.
    fn default() -> Self {
        Self {
            allowed: Vec::new(),
            most_time: Duration::from_hours(6),
            most_bytes: 20 * 1000 * 1000 * 1000,
            most_memory: 6 * 1024 * 1024 * 1024,
        }
    }
}

/// A bound an audit has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// It took too long.
    Time,
    /// It carried too many bytes.
    Bytes,
    /// Its browsers took too much memory.
    Memory,
}

/// What stands between one audit and the network.
#[derive(Debug)]
pub struct Guard {
    proxy: Proxy,
    bounds: Bounds,
    began: Instant,
    /// The process groups of the audit's browsers.
    groups: Mutex<BTreeSet<u32>>,
    reached: OnceLock<Limit>,
}

impl Guard {
    /// Starts the proxy. `names` looks up what hosts mean.
    pub async fn start(bounds: Bounds, names: Box<dyn Resolve>) -> std::io::Result<Arc<Self>> {
        let policy = Policy {
            allowed: bounds.allowed.clone(),
            most_bytes: bounds.most_bytes,
        };
        Ok(Arc::new(Self {
            proxy: Proxy::start(policy, names).await?,
            bounds,
            began: Instant::now(),
            groups: Mutex::default(),
            reached: OnceLock::new(),
        }))
    }

    /// How a browser has to be started so that it stays within the bounds.
    pub(super) fn fence(&self, launch: &LaunchOptions) -> LaunchOptions {
        let mut launch = launch.clone();
        launch.arguments.extend(self.proxy.browser_switches());
        launch
    }

    /// Lets the server of a self-test be reached under these names.
    pub(super) fn admit(&self, hosts: &[&str], server: SocketAddr) {
        for host in hosts {
            self.proxy.admit(host, server);
        }
    }

    /// The self-test is over.
    pub(super) fn dismiss(&self, server: SocketAddr) {
        self.proxy.dismiss(server);
    }

    /// Counts the memory of a browser from now on.
    pub(super) fn watch_browser(&self, browser: &Browser) {
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        groups.extend(browser.process_group());
    }

    /// Memory from which on a browser should be replaced by a fresh one, in bytes.
    pub(super) fn grown_browser(&self) -> u64 {
        self.bounds.most_memory / 2
    }

    /// Cancels when a bound is reached, until the returned handle is dropped.
    pub(super) fn keep_watch(
        self: &Arc<Self>,
        cancels: Vec<CancellationToken>,
    ) -> AbortOnDropHandle<()> {
        let guard = Arc::clone(self);
        AbortOnDropHandle::new(tokio::spawn(async move {
            let mut looks = tokio::time::interval(LOOK_EVERY);
            loop {
                looks.tick().await;
                let here = Arc::clone(&guard);
                // Reading what processes take is reading files.
                let looked = tokio::task::spawn_blocking(move || here.look()).await;
                if let Ok(Some(limit)) = looked {
                    guard.reached.get_or_init(|| limit);
                    for cancel in &cancels {
                        cancel.cancel();
                    }
                    return;
                }
            }
        }))
    }

    fn look(&self) -> Option<Limit> {
        let bounds = &self.bounds;
        if self.began.elapsed() >= bounds.most_time {
            return Some(Limit::Time);
        }
        if bounds.most_bytes > 0 && self.proxy.bytes() >= bounds.most_bytes {
            return Some(Limit::Bytes);
        }
        let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = 0;
        groups.retain(|group| {
            let taken = memory_of_group(*group).unwrap_or_default();
            memory += taken;
            // A browser that ended takes nothing, and its number may become somebody else's.
            taken > 0
        });
        (memory > bounds.most_memory).then_some(Limit::Memory)
    }

    /// The bound that ended the audit.
    pub fn reached(&self) -> Option<Limit> {
        self.reached.get().copied()
    }

    /// The bound that ended the audit, in a sentence.
    pub fn reached_in_words(&self) -> Option<String> {
        let bounds = &self.bounds;
        let megabytes = |bytes: u64| bytes / 1_000_000;
        let (what, option) = match self.reached()? {
            Limit::Time => {
                let seconds = bounds.most_time.as_secs();
                (format!("took longer than {seconds} s"), TIME_OPTION)
            }
            Limit::Bytes => {
                let most = megabytes(bounds.most_bytes);
                (format!("carried more than {most} MB"), BYTES_OPTION)
            }
            Limit::Memory => {
                let most = megabytes(bounds.most_memory);
                let what = format!("needed more than {most} MB of memory for its browser");
                (what, MEMORY_OPTION)
            }
        };
        Some(format!("the audit was ended because it {what} ({option})"))
    }

    /// Says in a visit that did not reach its page why: the browser only knows that a connection ended.
    pub(super) fn explain(&self, visit: &mut Visit) {
        if matches!(
            visit.outcome,
            Outcome::Complete | Outcome::Interrupted | Outcome::BrowserCrashed
        ) {
            return;
        }
        let (_, refusals) = self.proxy.refusals();
        // Where it was led to comes after where it was sent.
        let documents = visit.snapshot.requests.iter().rev();
        let asked = documents
            .filter(|request| request.resource_type == "Document")
            .map(|request| host_of(&request.url))
            .chain([host_of(&visit.final_url)]);
        let Some(refusal) = asked
            .filter(|host| !host.is_empty())
            .find_map(|host| refusals.iter().rev().find(|refusal| is_of(refusal, &host)))
        else {
            return;
        };
        let message = in_words(refusal);
        match visit
            .diagnostics
            .iter_mut()
            .find(|told| matches!(told.code, DiagnosticCode::Unreachable))
        {
            Some(told) => told.message = message,
            None => visit.diagnostics.push(Diagnostic {
                code: DiagnosticCode::Unreachable,
                message,
                state: Some(visit.state),
            }),
        }
    }

    /// What a reader of the report has to know: what was refused, and which bound was reached.
    pub(super) fn diagnostics(&self) -> Vec<Diagnostic> {
        let (_, refusals) = self.proxy.refusals();
        let hosts: BTreeSet<String> = refusals
            .iter()
            .filter(|refusal| refusal.reason == Reason::Inside)
            .map(|refusal| format!("{}:{}", refusal.host, refusal.port))
            .collect();
        let mut diagnostics = Vec::new();
        if !hosts.is_empty() {
            let named: Vec<&str> = hosts.iter().take(MOST_NAMED).map(String::as_str).collect();
            let more = match hosts.len() - named.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message = format!(
                "what pages asked of the inside of this network was refused: {}{more}; --allow-net allows it on one's own networks",
                named.join(", ")
            );
            diagnostics.push(run_diagnostic(DiagnosticCode::InsideRefused, &message));
        }
        if let Some(message) = self.reached_in_words() {
            diagnostics.push(run_diagnostic(DiagnosticCode::LimitReached, &message));
        }
        diagnostics
    }
}

/// Whether a connection was refused to that host; either may have brackets around an IPv6 address.
fn is_of(refusal: &Refusal, host: &str) -> bool {
    let bare = |host: &str| host.trim_matches(['[', ']']).to_ascii_lowercase();
    bare(&refusal.host) == bare(host)
}

fn in_words(refusal: &Refusal) -> String {
    let host = &refusal.host;
    match refusal.reason {
        Reason::Inside => format!(
            "{host} is inside this network, where the service opens nothing; start it with --allow-net to audit one's own staging site"
        ),
        Reason::Unknown => format!("no such host as {host}; check the spelling of the address"),
        Reason::Unreachable => {
            format!(
                "{host} does not accept connections on port {}",
                refusal.port
            )
        }
        Reason::SpentBytes => {
            format!("{host} was not asked: the audit has used up its bytes ({BYTES_OPTION})")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::judge::tests_support::visit;
    use crate::model::visit::State;
    use crate::proxy::SystemResolver;

    async fn guard(bounds: Bounds) -> Arc<Guard> {
        Guard::start(bounds, Box::new(SystemResolver))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn time_that_is_used_up_ends_the_audit_with_a_name() {
        let guard = guard(Bounds {
            most_time: Duration::ZERO,
            ..Bounds::default()
        })
        .await;
        assert_eq!(guard.reached_in_words(), None);
        let cancel = CancellationToken::new();
        let _watch = guard.keep_watch(vec![cancel.clone()]);
        cancel.cancelled().await;
        assert_eq!(guard.reached(), Some(Limit::Time));
        assert!(guard.reached_in_words().unwrap().contains(TIME_OPTION));
        let codes: Vec<_> = guard.diagnostics().iter().map(|told| told.code).collect();
        assert_eq!(codes, [DiagnosticCode::LimitReached]);
    }

    #[tokio::test]
    async fn within_its_bounds_an_audit_goes_on() {
        let guard = guard(Bounds::default()).await;
        assert_eq!(guard.look(), None);
        assert_eq!(guard.diagnostics(), []);
    }

    /// Asks the guard's proxy for an address, as a browser would.
    async fn ask(guard: &Guard, host: &str) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let switches = guard.proxy.browser_switches();
        let address = switches[0].rsplit('/').next().unwrap();
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET http://{host}/ HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        drop(stream.read_to_end(&mut answer).await);
        assert!(answer.is_empty());
    }

    #[tokio::test]
    async fn a_page_that_was_refused_says_so() {
        let guard = guard(Bounds::default()).await;
        ask(&guard, "[::1]:9").await;
        ask(&guard, "127.0.0.1:9").await;
        for (url, outcome, named) in [
            ("http://127.0.0.1:9/", Outcome::Unreachable, true),
            ("http://[::1]:9/a", Outcome::Unreachable, true),
            ("http://127.0.0.1:9/", Outcome::Complete, false),
            ("http://127.0.0.2:9/", Outcome::Unreachable, false),
        ] {
            let mut visit = visit(State::Before);
            visit.outcome = outcome;
            visit.snapshot.requests.clear();
            url.clone_into(&mut visit.final_url);
            visit.diagnostics.clear();
            guard.explain(&mut visit);
            let told = visit
                .diagnostics
                .iter()
                .any(|told| told.message.contains("--allow-net"));
            assert_eq!(told, named, "{url} {outcome:?}: {:?}", visit.diagnostics);
        }
        let diagnostics = guard.diagnostics();
        assert_eq!(diagnostics.len(), 1);
        assert!(
            diagnostics[0].message.contains("127.0.0.1:9"),
            "{diagnostics:?}"
        );
    }
}
