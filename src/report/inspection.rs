//! The JSON shape of the Website Evidence Collector (EDPS), so that what reads its `inspection.json` reads this.
//!
//! That collector browses without answering the banner. Of a run the visits in the state `before`
//! are told, or those of the first state there is, as one inspection of the first page's site.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use serde_json::{Map, Value as Json, json};

use super::RenderError;
use super::facts::Facts;
use super::redact::shown_page;
use crate::model::party::{Party, host_of};
use crate::model::report::{Page, PageSource};
use crate::model::snapshot::{Cookie, Setter, StorageEntry, StorageKind};
use crate::model::value::Value;
use crate::model::visit::{State, Visit};

/// Seconds of a day.
const DAY: f64 = 86_400.0;

/// Cookies, storage entries and beacons told.
const MOST_ITEMS: usize = 20_000;

/// The inspection.
pub(super) fn inspection(
    facts: &Facts,
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let state = facts.states.first().copied().unwrap_or(State::Before);
    let mut gathered = Gathered::default();
    for page in source.pages() {
        let page = shown_page(page?, redact, false);
        let visits = page
            .visits
            .iter()
            .filter(|visit| visit.state == state && visit.repeat == 1);
        for visit in visits {
            gathered.visit(&page, visit);
        }
    }
    serde_json::to_writer_pretty(&mut *out, &gathered.document(facts))?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Hosts of both parties.
#[derive(Default)]
struct Hosts {
    first: BTreeSet<String>,
    third: BTreeSet<String>,
}

impl Hosts {
    fn add(&mut self, party: Party, host: String) {
        match party {
            Party::First => self.first.insert(host),
            Party::Third => self.third.insert(host),
        };
    }

    fn document(&self) -> Json {
        json!({ "firstParty": self.first, "thirdParty": self.third })
    }
}

/// What the visits show together.
#[derive(Default)]
struct Gathered {
    history: Vec<String>,
    destination: Option<String>,
    redirects: Vec<String>,
    cookies: BTreeMap<(String, String, String), Json>,
    storage: BTreeMap<String, Map<String, Json>>,
    stored: usize,
    beacons: Vec<Json>,
    requests: Hosts,
    of_beacons: Hosts,
    of_cookies: Hosts,
    of_storage: Hosts,
}

impl Gathered {
    fn visit(&mut self, page: &Page, visit: &Visit) {
        if self.destination.is_none() {
            self.destination = Some(visit.final_url.clone());
            let document = visit.snapshot.requests.iter().find(|request| {
                request.resource_type == "Document" && !request.redirect_chain.is_empty()
            });
            self.redirects = document
                .into_iter()
                .flat_map(|request| &request.redirect_chain)
                .map(|hop| hop.url.clone())
                .collect();
        }
        self.history.push(page.url.clone());
        for cookie in &visit.snapshot.cookies {
            let key = (
                cookie.domain.clone(),
                cookie.path.clone(),
                cookie.name.clone(),
            );
            let stored = cookie.alive && cookie.blocked.is_empty();
            if stored && self.cookies.len() < MOST_ITEMS {
                self.of_cookies.add(cookie.party, cookie.domain.clone());
                self.cookies
                    .entry(key)
                    .or_insert_with(|| described(visit, cookie));
            }
        }
        for entry in &visit.snapshot.storage {
            if entry.kind == StorageKind::LocalStorage && entry.alive && self.stored < MOST_ITEMS {
                self.stored += 1;
                self.of_storage.add(entry.party, host_of(&entry.origin));
                self.storage
                    .entry(entry.origin.clone())
                    .or_default()
                    .insert(entry.key.clone(), stored(visit, entry));
            }
        }
        for request in &visit.snapshot.requests {
            let host = host_of(&request.url);
            if host.is_empty() {
                continue;
            }
            // What is sent rather than fetched: pings and pictures nobody sees.
            let is_beacon = matches!(
                request.resource_type.as_str(),
                "Ping" | "CSPViolationReport"
            ) || (request.party == Party::Third
                && request.resource_type == "Image"
                && request.url.contains('?'));
            if is_beacon && self.beacons.len() < MOST_ITEMS {
                self.of_beacons.add(request.party, host.clone());
                self.beacons.push(json!({
                    "url": request.url,
                    "query": query(&request.url),
                    "listName": "consentinel",
                    "log": {
                        "stack": request.initiator_chain.iter().map(|step| json!({
                            "fileName": step.url, "lineNumber": step.line, "columnNumber": step.column,
                        })).collect::<Vec<_>>(),
                        "timestamp": at(visit, request.at_ms),
                    },
                }));
            }
            self.requests.add(request.party, host);
        }
    }

    fn document(self, facts: &Facts) -> Json {
        let run = &facts.head.run;
        let address = facts.pages.first().map_or("", |page| page.url.as_str());
        let destination = self.destination.unwrap_or_default();
        let is_secure = destination.starts_with("https:");
        let nothing = json!({ "firstParty": [], "thirdParty": [] });
        json!({
            "title": format!("Website Evidence Collection of {}", host_of(address)),
            "uri_ins": address,
            "uri_ins_host": host_of(address),
            "uri_dest": destination,
            "uri_dest_host": host_of(&destination),
            "uri_refs": [address],
            "uri_redirects": self.redirects,
            "secure_connection": { "https_support": is_secure, "https_redirect": is_secure && !address.starts_with("https:") },
            "host": "",
            "script": {
                "host": "",
                "version": { "npm": run.tool.version, "commit": run.tool.commit },
                "config": {},
                "cmd_args": run.options.iter().map(|(name, value)| format!("--{name} {value}")).collect::<Vec<_>>().join(" "),
                "environment": {},
                "node_version": "",
                "name": "Consentinel",
            },
            "browser": run.browser.as_ref().map(|browser| json!({
                "name": browser.name,
                "version": browser.version,
                "user_agent": browser.user_agent,
                "platform": { "name": "", "version": "" },
                "extra_headers": {},
                "preset_cookies": {},
            })),
            "start_time": run.started.to_string(),
            "end_time": run.finished.to_string(),
            "browsing_history": self.history,
            "localStorage": self.storage,
            "cookies": self.cookies.into_values().collect::<Vec<_>>(),
            "beacons": self.beacons,
            "hosts": {
                "requests": self.requests.document(),
                "beacons": self.of_beacons.document(),
                "cookies": self.of_cookies.document(),
                "localStorage": self.of_storage.document(),
                "links": nothing,
            },
            // The collector lists them; a run does not look at links and forms.
            "links": { "firstParty": [], "thirdParty": [], "social": [], "keywords": [] },
            "social": [],
            "keywords": [],
            "unsafeForms": [],
        })
    }
}

/// A cookie as the collector describes one.
fn described(visit: &Visit, cookie: &Cookie) -> Json {
    let lifetime = cookie.stored_lifetime_s.or(cookie.lifetime_s);
    let until = lifetime.map(|seconds| {
        let written = i64::try_from(cookie.at_ms / 1_000).unwrap_or(i64::MAX);
        visit
            .timing
            .started
            .as_second()
            .saturating_add(written)
            .saturating_add(seconds)
    });
    let mut told = json!({
        "name": cookie.name,
        "value": raw(&cookie.value),
        "domain": if cookie.host_only { cookie.domain.clone() } else { format!(".{}", cookie.domain) },
        "path": cookie.path,
        "expires": until.unwrap_or(-1),
        "size": cookie.name.len() + cookie.value.length,
        "httpOnly": cookie.http_only,
        "secure": cookie.secure,
        "session": lifetime.is_none(),
        "sameSite": cookie.same_site,
        "firstPartyStorage": cookie.party == Party::First,
        "log": {
            "stack": stack(cookie.set_by.as_ref()),
            "type": match &cookie.set_by {
                Some(Setter::Script { .. }) => "Cookie.JS",
                _ => "Cookie.HTTP",
            },
            "timestamp": at(visit, cookie.at_ms),
            "location": visit.final_url,
        },
    });
    if let (Some(seconds), Some(until)) = (lifetime, until) {
        told["expiresDays"] = json!((seconds as f64 / DAY * 100.0).round() / 100.0);
        let date = jiff::Timestamp::from_second(until).map(|date| date.to_string());
        told["expiresUTC"] = json!(date.unwrap_or_default());
    }
    told
}

fn stored(visit: &Visit, entry: &StorageEntry) -> Json {
    json!({
        "value": raw(&entry.value),
        "firstPartyStorage": entry.party == Party::First,
        "log": {
            "stack": stack(entry.set_by.as_ref()),
            "type": "Storage.LocalStorage",
            "timestamp": at(visit, entry.at_ms),
            "location": visit.final_url,
        },
    })
}

fn stack(setter: Option<&Setter>) -> Vec<Json> {
    match setter {
        Some(Setter::Script { stack }) => stack
            .iter()
            .map(|place| {
                json!({
                    "fileName": place.url,
                    "source": place.function,
                    "lineNumber": place.line,
                    "columnNumber": place.column,
                })
            })
            .collect(),
        Some(Setter::Response { url }) => {
            vec![json!({ "fileName": url, "source": "set in Set-Cookie HTTP response header" })]
        }
        None => Vec::new(),
    }
}

/// The raw value, or its fingerprint with a word that it is one.
fn raw(value: &Value) -> String {
    match &value.text {
        Some(text) => text.clone(),
        None => format!("redacted-{}", value.fingerprint),
    }
}

fn at(visit: &Visit, at_ms: u64) -> String {
    let passed = jiff::SignedDuration::from_millis(i64::try_from(at_ms).unwrap_or(i64::MAX));
    let moment = visit.timing.started.checked_add(passed);
    moment.map_or_else(|_| String::new(), |moment| format!("{moment:.3}"))
}

fn query(url: &str) -> Map<String, Json> {
    let url = url::Url::parse(url);
    let pairs = url
        .as_ref()
        .ok()
        .and_then(url::Url::query)
        .unwrap_or_default();
    url::form_urlencoded::parse(pairs.as_bytes())
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect()
}
