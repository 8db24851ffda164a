//! Chromium's own network log: every URL request its network stack made.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value as Json;

/// A request as the network stack logged it; every hop of a redirect is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Logged {
    /// HTTP method.
    pub(super) method: String,
    /// URL without fragment.
    pub(super) url: String,
    /// The origin that asked; `not an origin` when the browser did, for itself or for its user.
    initiator: String,
    /// `main frame`, `sub frame` or `other`.
    kind: String,
    /// Bits of `net/base/load_flags_list.h`.
    load_flags: u64,
}

/// Asks the cache and never the network: Chromium looks so whether a font is there already.
const LOAD_ONLY_FROM_CACHE: u64 = 1 << 3;

impl Logged {
    /// Made by the browser for its own ends: no page asked, and no page is loaded by it.
    fn is_background(&self) -> bool {
        self.initiator == "not an origin" && self.kind == "other"
    }
}

/// What the network stack did in one run of the browser.
#[derive(Debug, Default)]
pub(super) struct NetLog {
    /// On behalf of pages.
    pub(super) pages: Vec<Logged>,
    /// On behalf of the browser itself: its maker's hosts.
    pub(super) background: Vec<Logged>,
    /// Looks into the cache, which no server hears of.
    pub(super) cache_probes: Vec<Logged>,
    /// The program's own self-test: two-site page on loopback, on a port of its own.
    pub(super) self_test: Vec<Logged>,
}

impl NetLog {
    /// Reads a log written with `--log-net-log` and `--net-log-capture-mode=Everything`.
    ///
    /// It is JSON only when the browser was closed cleanly. `is_ours` says whether a host and port
    /// of loopback belong to the test; what is left there is the self-test.
    pub(super) fn read(path: &Path, is_ours: impl Fn(&url::Url) -> bool) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let log: Json = serde_json::from_str(&text).expect("the browser was not closed cleanly");
        let number = |table: &str, name: &str| log["constants"][table][name].as_u64().unwrap();
        let url_request = number("logSourceType", "URL_REQUEST");
        let start_job = number("logEventTypes", "URL_REQUEST_START_JOB");
        let begin = number("logEventPhase", "PHASE_BEGIN");
        let mut found = Self::default();
        for event in log["events"].as_array().unwrap() {
            if event["source"]["type"].as_u64() != Some(url_request)
                || event["type"].as_u64() != Some(start_job)
                || event["phase"].as_u64() != Some(begin)
            {
                continue;
            }
            let text = |field: &str| {
                event["params"][field]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned()
            };
            let mut url = url::Url::parse(&text("url")).unwrap();
            url.set_fragment(None);
            let logged = Logged {
                method: text("method"),
                url: url.to_string(),
                initiator: text("initiator"),
                kind: text("request_type"),
                load_flags: event["params"]["load_flags"].as_u64().unwrap_or_default(),
            };
            let loopback = url
                .host_str()
                .is_some_and(|host| host.ends_with("localhost"));
            if logged.is_background() && !loopback {
                found.background.push(logged);
            } else if loopback && !is_ours(&url) {
                found.self_test.push(logged);
            } else if logged.load_flags & LOAD_ONLY_FROM_CACHE != 0 {
                found.cache_probes.push(logged);
            } else {
                found.pages.push(logged);
            }
        }
        found
    }

    /// The hosts the browser itself talked to, each with how often.
    pub(super) fn background_hosts(&self) -> BTreeMap<String, usize> {
        let mut hosts = BTreeMap::new();
        for logged in &self.background {
            let url = url::Url::parse(&logged.url).unwrap();
            let host = url.host_str().unwrap_or_default().to_owned();
            *hosts.entry(host).or_default() += 1;
        }
        hosts
    }
}
