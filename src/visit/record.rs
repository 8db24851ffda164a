//! What the page stores and sends: network, cookies, storage.
//!
//! Events come in as the browser sends them, in any order; [`Recording::finish`] turns them into
//! a snapshot. Times are milliseconds since the visit began.

mod cookies;
mod databases;
mod declarations;
mod fingerprints;
mod network;
mod scripts;
mod set_cookie;
mod storage;
mod targets;

use serde_json::Value as Json;

pub use databases::Seen;
pub use declarations::MARKS;
pub use scripts::{HOOK, Told};

use crate::model::party::host_of;
use crate::model::snapshot::{Document, Script, Setter, Signal, Snapshot, StorageKind};
use crate::model::visit::{Phase, PhaseName};
use crate::visit::consent::record::signals::gpc_header;
use crate::visit::time::VisitTime;
use cookies::{CookieLog, ScriptWrite};
use databases::DatabaseLog;
use declarations::DeclarationLog;
use fingerprints::FingerprintLog;
use network::NetworkLog;
use scripts::{OpenWrite, OpenWrites, places};
use storage::StorageLog;
use targets::TargetLog;

/// The longest text of a page that is kept anywhere: addresses, keys, names.
const LONGEST_TEXT: usize = 8 * 1024;
/// Most items of one kind kept for one visit. A page that makes more is told so, not believed to be done.
const MOST_ITEMS: usize = 20_000;
/// Most statements about consent kept for one visit: they are compared with each other.
const MOST_SIGNALS: usize = 2_000;

/// Lists what consent platforms on the page declare: `[{source, text}]`, for the page's own world.
pub const DECLARED_OBJECTS: &str = include_str!("record/declarations.js");

/// When things happen, and in which phase.
#[derive(Debug)]
pub struct Clock {
    time: VisitTime,
    phases: Vec<Phase>,
}

impl Clock {
    /// Starts in [`PhaseName::Idle`].
    pub fn start(time: VisitTime) -> Self {
        Self {
            time,
            phases: vec![Phase {
                name: PhaseName::Idle,
                start_ms: 0,
                end_ms: 0,
            }],
        }
    }

    /// Milliseconds since the visit began.
    pub fn now_ms(&self) -> u64 {
        self.time.now_ms()
    }

    /// Milliseconds since the visit began, of a time the browser gave in seconds since 1970.
    fn since_wall(&self, seconds: f64) -> u64 {
        self.time.since_epoch(seconds * 1000.0)
    }

    fn enter(&mut self, name: PhaseName) {
        let now = self.now_ms();
        if let Some(last) = self.phases.last_mut() {
            last.end_ms = now;
        }
        self.phases.push(Phase {
            name,
            start_ms: now,
            end_ms: now,
        });
    }

    fn phase_at(&self, at_ms: u64) -> PhaseName {
        self.phases
            .iter()
            .rev()
            .find(|phase| at_ms >= phase.start_ms)
            .or_else(|| self.phases.first())
            .map_or(PhaseName::Idle, |phase| phase.name)
    }
}

/// Everything recorded so far in one visit.
#[derive(Debug)]
pub struct Recording {
    /// When things happen.
    pub clock: Clock,
    network: NetworkLog,
    cookies: CookieLog,
    storage: StorageLog,
    databases: DatabaseLog,
    targets: TargetLog,
    declarations: DeclarationLog,
    policy_link: Option<String>,
    signals: Vec<Signal>,
    open_writes: OpenWrites,
    fingerprints: FingerprintLog,
    /// Requests whose headers were seen, and those of them that carried `Sec-GPC: 1`.
    requests_with_headers: usize,
    requests_with_gpc: usize,
    sends_on_leaving: bool,
    /// What the page's server asked for when it refused the page.
    retry_after: Option<String>,
    /// Messages that could not be read, and items beyond the limit.
    pub lost: u32,
}

impl Recording {
    /// Starts in [`PhaseName::Idle`].
    pub fn start(time: VisitTime) -> Self {
        Self {
            clock: Clock::start(time),
            network: NetworkLog::default(),
            cookies: CookieLog::default(),
            storage: StorageLog::default(),
            databases: DatabaseLog::default(),
            targets: TargetLog::default(),
            declarations: DeclarationLog::default(),
            policy_link: None,
            signals: Vec::new(),
            open_writes: OpenWrites::default(),
            fingerprints: FingerprintLog::default(),
            requests_with_headers: 0,
            requests_with_gpc: 0,
            sends_on_leaving: false,
            retry_after: None,
            lost: 0,
        }
    }

    /// Begins in another phase than [`PhaseName::Idle`].
    pub fn begin_in(&mut self, phase: PhaseName) {
        if let [only] = self.clock.phases.as_mut_slice() {
            only.name = phase;
        }
    }

    /// Ends the current phase and begins another.
    pub fn enter(&mut self, phase: PhaseName) {
        self.clock.enter(phase);
    }

    /// Milliseconds since the visit began.
    pub fn now_ms(&self) -> u64 {
        self.clock.now_ms()
    }

    /// Requests that were sent and not answered yet; long-lived ones (sockets, event streams) do not count.
    pub fn in_flight(&self) -> usize {
        self.network.in_flight()
    }

    /// When the network was last busy.
    pub fn last_network_ms(&self) -> u64 {
        self.network.last_activity_ms
    }

    /// The main document's status and MIME type, by its loader's request id.
    pub fn document(&self, loader: &str) -> Option<(u16, String)> {
        self.network.document(loader)
    }

    /// Takes an event of the Network domain.
    pub fn on_network(&mut self, method: &str, params: &Json, worker: Option<&(String, String)>) {
        if method == "Network.requestWillBeSentExtraInfo" {
            self.requests_with_headers += 1;
            self.requests_with_gpc += usize::from(carries_gpc(params));
        }
        let response = &params["response"];
        if method == "Network.responseReceived"
            && params["type"] == "Document"
            && (response["status"] == 429 || response["status"] == 503)
        {
            self.retry_after = network::header_of(&response["headers"], "retry-after")
                .map(|value| cut(value).to_owned());
        }
        let Self {
            clock,
            network,
            cookies,
            ..
        } = self;
        network.take(clock, method, params, worker, cookies);
        if network.is_full() {
            self.lost = self.lost.saturating_add(1);
        }
    }

    /// The address of a request that has been answered completely (`Network.loadingFinished`), when its
    /// answer may be a declaration by its type and size.
    pub fn may_declare(&self, id: &str, finished: &Json) -> Option<String> {
        let size = finished["encodedDataLength"].as_f64().unwrap_or_default();
        (size <= Document::LONGEST as f64)
            .then(|| self.network.text_answer(id))
            .flatten()
    }

    /// The page links its policy at that address.
    pub fn on_policy_link(&mut self, address: &str) {
        self.policy_link = Some(cut(address).to_owned());
    }

    /// Takes a text that has the form of a declaration.
    pub fn on_document(&mut self, source: &str, text: &str) {
        let now = self.clock.now_ms();
        let phase = self.clock.phase_at(now);
        if !self.declarations.keep(source, now, phase, text) {
            tracing::debug!(
                source,
                length = text.len(),
                "a declaration was too long to be kept"
            );
        }
    }

    /// Takes a request that was held for a moment (`Fetch.requestPaused`).
    pub fn on_paused(&mut self, params: &Json) {
        self.network.hold(&self.clock, params);
    }

    /// The page is at this address now.
    pub fn on_page(&mut self, url: &str) {
        self.cookies.page_at(url);
    }

    /// Takes an event of the `DOMStorage` domain.
    pub fn on_storage(&mut self, method: &str, params: &Json) {
        self.storage.take(self.clock.now_ms(), method, params);
    }

    /// Takes a report of the hook.
    pub fn on_script(&mut self, told: &Told<'_>) {
        let at_ms = told.epoch_ms.map_or_else(
            || self.clock.now_ms(),
            |epoch| self.clock.time.since_epoch(epoch),
        );
        let stack = places(told.stack);
        match told.report["kind"].as_str().unwrap_or_default() {
            "cookie" => {
                let write = OpenWrite {
                    at_ms,
                    report: told.report.clone(),
                    setter: Setter::Script { stack },
                };
                if let Some(settled) = self.open_writes.keep(told, write) {
                    self.script_wrote_cookie(settled);
                }
            }
            "cookie-visible" => {
                if let Some(settled) = self.open_writes.told(told) {
                    self.script_wrote_cookie(settled);
                }
            }
            "storage" => {
                self.storage
                    .script_wrote(at_ms, told.report, Setter::Script { stack });
            }
            "indexed-db" | "cache-storage" | "service-worker" | "shared-storage" => {
                self.databases
                    .script_wrote(at_ms, told.report, Setter::Script { stack });
            }
            "read" => self.fingerprints.read(&self.clock, at_ms, told, stack),
            "fetch-later" => self.sends_on_leaving = true,
            "overflow" => self.lost = self.lost.saturating_add(1),
            _ => {}
        }
    }

    fn script_wrote_cookie(&mut self, write: OpenWrite) {
        let now_ms = self.clock.time.epoch_ms(write.at_ms);
        if let Some(cookie) = ScriptWrite::from_report(&write.report, now_ms) {
            self.cookies
                .script_wrote(write.at_ms, &cookie, write.setter);
        }
    }

    /// The fate of what is still open will not be told any more.
    fn settle_writes(&mut self) {
        for write in self.open_writes.left() {
            self.script_wrote_cookie(write);
        }
    }

    /// Compares what is known of cookies with the browser's own jar (`Storage.getCookies`).
    pub fn on_jar(&mut self, jar: &Json) {
        self.settle_writes();
        self.cookies.compare_with_jar(self.clock.now_ms(), jar);
    }

    /// Compares what is known of storage with a frame's own areas: `{origin, local: {…}, session: {…}}`.
    pub fn on_areas(&mut self, areas: &Json) {
        self.storage.compare_with_areas(self.clock.now_ms(), areas);
    }

    /// A frame or a worker lives under a storage key; for a service worker, with the address of its script.
    pub fn on_place(&mut self, storage_key: &str, service_worker: Option<&str>) {
        match service_worker {
            Some(script) => self.databases.worker_place(script, storage_key),
            None => self.databases.place(storage_key),
        }
    }

    /// Takes an event of the `Storage` or the `ServiceWorker` domain.
    pub fn on_databases(&mut self, method: &str, params: &Json) {
        let now = self.clock.now_ms();
        if method.starts_with("ServiceWorker.") {
            self.databases.registration(now, method, params);
        } else {
            self.databases.changed(now, method, params);
        }
    }

    /// Compares what is known with all databases, or all caches, of a storage key.
    pub fn on_contents(&mut self, kind: StorageKind, storage_key: &str, seen: &[Seen]) {
        self.databases
            .compare(self.clock.now_ms(), kind, storage_key, seen);
    }

    /// A target was attached (`Target.attachedToTarget`); `parent` is the target it hangs on.
    pub fn on_target(&mut self, info: &Json, parent: Option<&str>) {
        self.targets.attached(&self.clock, info, parent);
    }

    /// A target shows another address.
    pub fn on_target_moved(&mut self, id: &str, url: &str) {
        self.targets.moved(id, url);
    }

    /// A target ended, by itself or because its process crashed.
    pub fn on_target_end(&mut self, id: &str, crashed: bool) {
        let now = self.clock.now_ms();
        if crashed {
            self.targets.crashed(now, id);
        } else {
            self.targets.detached(now, id);
        }
    }

    /// A target that had ended runs again.
    pub fn on_target_back(&mut self, id: &str) {
        self.targets.back(id);
    }

    /// The page is being left: targets that end from now on were there to the end of the visit.
    pub fn on_leaving(&mut self) {
        self.targets.leave();
    }

    /// Whether a script left a request to be sent when the page is left (`fetchLater`).
    pub fn sends_on_leaving(&self) -> bool {
        self.sends_on_leaving
    }

    /// Notes a statement of the site about the visitor's consent.
    ///
    /// What was said in the same phase already is no news.
    pub fn on_signal(&mut self, mut signal: Signal) {
        signal.phase = self.clock.phase_at(signal.at_ms);
        let at_ms = signal.at_ms;
        let known = self.signals.iter().any(|old| {
            signal.at_ms = old.at_ms;
            *old == signal
        });
        signal.at_ms = at_ms;
        if !known && self.signals.len() < MOST_SIGNALS {
            self.signals.push(signal);
        }
    }

    /// A site's cookies and storage as they stand: name or key, value, and the storage area if it is one.
    pub fn values_of(&self, site: &str) -> Vec<(String, String, Option<StorageKind>)> {
        let mut values = self.cookies.values(site);
        values.extend(self.storage.values(site));
        values
    }

    /// Ends the last phase and turns everything into a snapshot, seen from the site at `final_url`.
    pub fn finish(mut self, final_url: &str) -> (Snapshot, Vec<Phase>, u32) {
        self.settle_writes();
        let now = self.clock.now_ms();
        if let Some(last) = self.clock.phases.last_mut() {
            last.end_ms = now;
        }
        let site = host_of(final_url);
        let clock = &self.clock;
        let requests = self.network.requests(clock, &site, &mut self.cookies);
        let lost = self.lost.saturating_add(self.network.lost);
        let mut scripts: Vec<Script> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for request in requests
            .iter()
            .filter(|request| request.resource_type == "Script")
        {
            if seen.insert(request.url.clone()) {
                scripts.push(Script {
                    url: request.url.clone(),
                    party: request.party,
                    at_ms: request.at_ms,
                    phase: request.phase,
                    initiator_chain: request.initiator_chain.clone(),
                });
            }
        }
        let mut signals = self.signals;
        if self.requests_with_headers > 0 {
            let (carried, requests) = (self.requests_with_gpc, self.requests_with_headers);
            signals.push(Signal {
                at_ms: now,
                phase: clock.phase_at(now),
                ..gpc_header(carried, requests)
            });
        }
        let snapshot = Snapshot {
            cookies: self.cookies.cookies(clock, &site),
            storage: {
                let mut storage = self.storage.entries(clock, &site);
                storage.extend(self.databases.entries(clock, &site));
                storage
            },
            requests,
            signals,
            scripts,
            fingerprinting: self.fingerprints.reads(&site),
            documents: self.declarations.finish(),
            policy_link: self.policy_link,
            targets: self.targets.finish(),
            links: Vec::new(),
            retry_after: self.retry_after,
        };
        (snapshot, self.clock.phases, lost)
    }
}

/// Whether a request's headers (CDP `requestWillBeSentExtraInfo`) say that data may not be sold or shared.
fn carries_gpc(params: &Json) -> bool {
    params["headers"].as_object().is_some_and(|headers| {
        headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("sec-gpc") && value == "1")
    })
}

/// Cuts a text of the page to a length that can be kept.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A clock for tests that do not care about time.
#[cfg(test)]
fn real_clock() -> Clock {
    Clock::start(VisitTime::start(crate::visit::time::ClockKind::Real))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_each_other() {
        let mut clock = real_clock();
        clock.phases = vec![
            Phase {
                name: PhaseName::Idle,
                start_ms: 0,
                end_ms: 100,
            },
            Phase {
                name: PhaseName::Choosing,
                start_ms: 100,
                end_ms: 200,
            },
            Phase {
                name: PhaseName::Chosen,
                start_ms: 200,
                end_ms: 200,
            },
        ];
        assert_eq!(clock.phase_at(0), PhaseName::Idle);
        assert_eq!(clock.phase_at(99), PhaseName::Idle);
        assert_eq!(clock.phase_at(100), PhaseName::Choosing);
        assert_eq!(clock.phase_at(5000), PhaseName::Chosen);
    }
}
