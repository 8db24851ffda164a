//! What the page stores and sends: network, cookies, storage.
//!
//! Events come in as the browser sends them, in any order; [`Recording::finish`] turns them into
//! a snapshot. Times are milliseconds since the visit began.

mod cookies;
mod databases;
mod network;
mod set_cookie;
mod storage;
mod targets;

use std::time::Instant;

use serde_json::Value as Json;

pub use cookies::ScriptWrite;
pub use databases::Seen;

use crate::model::party::host_of;
use crate::model::snapshot::{Script, ScriptPlace, Setter, Signal, Snapshot, StorageKind};
use crate::model::visit::{Phase, PhaseName};
use cookies::CookieLog;
use databases::DatabaseLog;
use network::NetworkLog;
use storage::StorageLog;
use targets::TargetLog;

/// The script that reports writes of cookies and storage, and who made them.
pub const HOOK: &str = include_str!("record/hook.js");

/// The longest text of a page that is kept anywhere: addresses, keys, names.
const LONGEST_TEXT: usize = 8 * 1024;
/// Most items of one kind kept for one visit. A page that makes more is told so, not believed to be done.
const MOST_ITEMS: usize = 20_000;

/// When things happen, and in which phase.
#[derive(Debug)]
pub struct Clock {
    started: Instant,
    started_epoch_ms: f64,
    phases: Vec<Phase>,
}

impl Clock {
    /// Starts now, in [`PhaseName::Idle`].
    pub fn start() -> Self {
        let epoch = jiff::Timestamp::now().as_millisecond();
        Self {
            started: Instant::now(),
            started_epoch_ms: epoch as f64,
            phases: vec![Phase {
                name: PhaseName::Idle,
                start_ms: 0,
                end_ms: 0,
            }],
        }
    }

    /// Milliseconds since the visit began.
    pub fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64
    }

    /// Milliseconds since the visit began, of a time the browser gave in seconds since 1970.
    ///
    /// Never later than now, so that a strange clock cannot move an event behind the choice.
    fn since_wall(&self, seconds: f64) -> u64 {
        let since = seconds.mul_add(1000.0, -self.started_epoch_ms);
        (since.max(0.0) as u64).min(self.now_ms())
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
    signals: Vec<Signal>,
    /// Messages that could not be read, and items beyond the limit.
    pub lost: u32,
}

impl Recording {
    /// Starts the clock.
    pub fn start() -> Self {
        Self {
            clock: Clock::start(),
            network: NetworkLog::default(),
            cookies: CookieLog::default(),
            storage: StorageLog::default(),
            databases: DatabaseLog::default(),
            targets: TargetLog::default(),
            signals: Vec::new(),
            lost: 0,
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

    /// Takes a beacon that was held for a moment (`Fetch.requestPaused`).
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

    /// Takes a report of the hook: a script wrote.
    pub fn on_script_write(&mut self, report: &Json) {
        let now = self.clock.now_ms();
        let stack = stack_places(cut(report["stack"].as_str().unwrap_or_default()));
        let setter = Setter::Script { stack };
        match report["kind"].as_str() {
            Some("cookie") => {
                if let Some(write) = ScriptWrite::from_report(report) {
                    self.cookies.script_wrote(now, &write, setter);
                }
            }
            Some("storage") => self.storage.script_wrote(now, report, setter),
            Some("indexed-db" | "cache-storage" | "service-worker" | "shared-storage") => {
                self.databases.script_wrote(now, report, setter);
            }
            _ => {}
        }
    }

    /// Compares what is known of cookies with the browser's own jar (`Storage.getCookies`).
    pub fn on_jar(&mut self, jar: &Json) {
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

    /// Notes a statement of the site about the visitor's consent.
    pub fn on_signal(&mut self, mut signal: Signal) {
        let known = self.signals.iter().any(|old| {
            old.kind == signal.kind
                && old.source == signal.source
                && old.grants == signal.grants
                && old.explicit == signal.explicit
        });
        if !known && self.signals.len() < MOST_ITEMS {
            signal.phase = self.clock.phase_at(signal.at_ms);
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
        let now = self.clock.now_ms();
        if let Some(last) = self.clock.phases.last_mut() {
            last.end_ms = now;
        }
        let site = host_of(final_url);
        let clock = &self.clock;
        let requests = self.network.requests(clock, &site);
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
        let snapshot = Snapshot {
            cookies: self.cookies.cookies(clock, &site),
            storage: {
                let mut storage = self.storage.entries(clock, &site);
                storage.extend(self.databases.entries(clock, &site));
                storage
            },
            requests,
            signals: self.signals,
            scripts,
            targets: self.targets.finish(),
        };
        (snapshot, self.clock.phases, self.lost)
    }
}

/// Cuts a text of the page to a length that can be kept.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_TEXT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Reads the places out of a stack as V8 prints it, innermost first, without the hook's own frames.
fn stack_places(stack: &str) -> Vec<ScriptPlace> {
    const MOST_PLACES: usize = 32;
    stack
        .lines()
        .filter_map(|line| {
            let line = line.trim().strip_prefix("at ")?;
            let (function, place) = match line
                .strip_suffix(')')
                .and_then(|line| line.rsplit_once(" ("))
            {
                Some((function, place)) => (function, place),
                None => ("", line.strip_prefix("async ").unwrap_or(line)),
            };
            let (rest, column) = place.rsplit_once(':')?;
            let (url, line) = rest.rsplit_once(':')?;
            // The hook and code of the browser itself have no address.
            if !url.contains("://") {
                return None;
            }
            Some(ScriptPlace {
                url: url.to_owned(),
                line: line.parse().ok()?,
                column: column.parse().ok()?,
                function: function.trim_start_matches("async ").to_owned(),
            })
        })
        .take(MOST_PLACES)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stacks_are_read_innermost_first() {
        let stack = "Error\n    at report (<anonymous>:12:20)\n    at Object.apply (<anonymous>:30:9)\n    \
                     at setCookie (https://cdn.test/tag.js:10:5)\n    at https://shop.test/:3:1\n    \
                     at async Promise.all (index 0)\n    at async run (https://shop.test/a.js?x=1:2:7)";
        let places = stack_places(stack);
        let seen: Vec<_> = places
            .iter()
            .map(|place| {
                (
                    place.function.as_str(),
                    place.url.as_str(),
                    place.line,
                    place.column,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("setCookie", "https://cdn.test/tag.js", 10, 5),
                ("", "https://shop.test/", 3, 1),
                ("run", "https://shop.test/a.js?x=1", 2, 7),
            ]
        );
    }

    #[test]
    fn phases_follow_each_other() {
        let mut clock = Clock::start();
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

    proptest::proptest! {
        #[test]
        fn any_stack_is_survived(stack in ".{0,400}") {
            stack_places(&stack);
        }
    }
}
