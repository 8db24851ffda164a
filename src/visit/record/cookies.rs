//! Cookies: every write with its raw lifetime and who made it, every sending, and what is left at the end.
//!
//! Lifetimes come from `Set-Cookie` and from the setter's argument, because the browser stores at
//! most 400 days and its jar would make every two-year cookie look modest. What the browser refused or
//! kept back, and why, it says itself; of a script's write it says nothing, so the reasons that are
//! written in the standard are looked for here.

mod script;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;

pub(super) use script::ScriptWrite;
use script::{Expiry, refusal};

use super::set_cookie::{SetCookie, date};
use super::{Clock, MOST_ITEMS, cut};
use crate::model::party::{Party, host_of, party_of, registrable_domain};
use crate::model::snapshot::{Cookie, Effect, Sent, Setter, StorageKind, Withheld, Write};
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// Most writes of one cookie kept.
const MOST_WRITES: usize = 200;
/// Most times one cookie was kept back that are told apart; later ones are only counted.
const MOST_WITHHELD: usize = 2_000;
/// Most reasons kept of one refusal.
const MOST_REASONS: usize = 16;
/// A write that was only seen by its result, and one of the same value this soon, are one, in milliseconds.
const SAME_WRITE_MS: u64 = 3_000;
/// An end that moved by no more than this did not move, in milliseconds.
const SAME_END_MS: u64 = 1_000;
/// The partition of a cookie (CHIPS).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Partition {
    /// The top-level site, such as `https://shop.test`.
    site: String,
    /// A frame of another site stands between the two.
    cross_site: bool,
}

impl Partition {
    fn read(key: &Json) -> Option<Self> {
        let site = key["topLevelSite"].as_str().or_else(|| key.as_str())?;
        Some(Self {
            site: cut(site).to_owned(),
            cross_site: key["hasCrossSiteAncestor"].as_bool().unwrap_or_default(),
        })
    }
}

/// What tells one cookie from another: name, domain without dot, path, partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    domain: String,
    path: String,
    partition: Option<Partition>,
}

impl Key {
    /// The key of a cookie as the browser describes it (CDP `Network.Cookie`).
    fn read(cookie: &Json) -> Option<Self> {
        Some(Self {
            name: cut(cookie["name"].as_str()?).to_owned(),
            domain: cookie["domain"]
                .as_str()?
                .trim_start_matches('.')
                .to_ascii_lowercase(),
            path: cut(cookie["path"].as_str().unwrap_or("/")).to_owned(),
            partition: Partition::read(&cookie["partitionKey"]),
        })
    }
}

#[derive(Debug, Clone)]
struct RecordedWrite {
    at_ms: u64,
    value: Value,
    lifetime_s: Option<i64>,
    effect: Effect,
    refused: Vec<String>,
    set_by: Option<Setter>,
    line: Option<String>,
}

impl RecordedWrite {
    fn leaves_something(&self) -> bool {
        !matches!(self.effect, Effect::Deleted | Effect::Expired)
    }
}

/// The cookie as it should be in the jar.
#[derive(Debug, Clone)]
struct Current {
    value: Value,
    /// In milliseconds since the visit began; absent for a session cookie.
    ends_ms: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct RecordedCookie {
    host_only: bool,
    secure: bool,
    http_only: bool,
    same_site: Option<String>,
    writes: Vec<RecordedWrite>,
    current: Option<Current>,
    sent: Vec<(u64, String)>,
    withheld: Vec<(u64, String, Vec<String>, u32)>,
    exemptions: BTreeSet<String>,
    stored_lifetime_s: Option<i64>,
    /// Seen in the browser's jar, or sent, at any time.
    stored: bool,
    /// Nobody named the partition yet.
    guessed: bool,
    alive: bool,
}

/// One write, as it is taken into the log.
struct Wish {
    cookie: SetCookie,
    host: String,
    default_path: String,
    partition: Option<Partition>,
    /// The partition is what it should be; nobody named it.
    guessed: bool,
    lifetime_s: Option<i64>,
    set_by: Setter,
    refused: Vec<String>,
    line: Option<String>,
}

impl RecordedCookie {
    fn push(&mut self, write: RecordedWrite) {
        if self.writes.len() < MOST_WRITES {
            self.writes.push(write);
        }
    }

    /// What a new value and a new end do to the cookie.
    fn effect(&self, value: &Value, ends_ms: Option<u64>) -> Effect {
        let Some(current) = &self.current else {
            return Effect::Created;
        };
        if current.value != *value {
            return Effect::Overwritten;
        }
        match (current.ends_ms, ends_ms) {
            (None, Some(_)) => Effect::Extended,
            (Some(before), Some(now)) if now > before.saturating_add(SAME_END_MS) => {
                Effect::Extended
            }
            _ => Effect::Unchanged,
        }
    }

    /// Notes that its lifetime ran out, if it did.
    fn run_out(&mut self, now_ms: u64) {
        if let Some(ends_ms) = self.current.as_ref().and_then(|current| current.ends_ms)
            && ends_ms <= now_ms
        {
            self.current = None;
            self.push(RecordedWrite {
                at_ms: ends_ms,
                value: Value::new(""),
                lifetime_s: None,
                effect: Effect::Expired,
                refused: Vec::new(),
                set_by: None,
                line: None,
            });
        }
    }

    fn take(&mut self, at_ms: u64, wish: &Wish) {
        let value = Value::new(&wish.cookie.value);
        let write = |effect, refused| RecordedWrite {
            at_ms,
            value: value.clone(),
            lifetime_s: wish.lifetime_s,
            effect,
            refused,
            set_by: Some(wish.set_by.clone()),
            line: wish.line.clone(),
        };
        let refused = !wish.refused.is_empty();
        if !refused || self.writes.is_empty() {
            self.host_only = wish.cookie.domain.is_none();
            self.secure = wish.cookie.secure;
            self.http_only = wish.cookie.http_only;
            self.same_site = wish.cookie.same_site.map(str::to_owned);
        }
        if refused {
            let write = write(Effect::Refused, wish.refused.clone());
            self.push(write);
            return;
        }
        self.run_out(at_ms);
        if wish.lifetime_s.is_some_and(|lifetime| lifetime <= 0) {
            self.current = None;
            let write = write(Effect::Deleted, Vec::new());
            self.push(write);
            return;
        }
        let ends_ms = wish.lifetime_s.map(|lifetime| after(at_ms, lifetime));
        let effect = self.effect(&value, ends_ms);
        let write = write(effect, Vec::new());
        match self.writes.last_mut().filter(|last| {
            last.set_by.is_none()
                && last.leaves_something()
                && last.value == value
                && at_ms.saturating_sub(last.at_ms) < SAME_WRITE_MS
        }) {
            Some(last) => {
                *last = RecordedWrite {
                    at_ms: last.at_ms.min(at_ms),
                    effect: last.effect,
                    ..write
                };
            }
            None => self.push(write),
        }
        self.current = Some(Current { value, ends_ms });
    }

    /// It is there with this value: in the jar, or on its way out.
    fn is_there(&mut self, at_ms: u64, value: Value, lifetime_s: Option<i64>) {
        self.stored = true;
        if self
            .current
            .as_ref()
            .is_some_and(|current| current.value == value)
        {
            return;
        }
        let ends_ms = lifetime_s.map(|lifetime| after(at_ms, lifetime));
        let effect = self.effect(&value, ends_ms);
        // What was taken for refused was not.
        let refused = self
            .writes
            .last_mut()
            .filter(|last| last.effect == Effect::Refused && last.value == value);
        match refused {
            Some(last) => {
                last.effect = effect;
                last.refused.clear();
            }
            None => self.push(RecordedWrite {
                at_ms,
                value: value.clone(),
                lifetime_s,
                effect,
                refused: Vec::new(),
                set_by: None,
                line: None,
            }),
        }
        self.current = Some(Current { value, ends_ms });
    }

    /// It is not in the jar.
    fn is_missing(&mut self, now_ms: u64) {
        self.alive = false;
        self.run_out(now_ms);
        if self.stored && self.current.take().is_some() {
            self.push(RecordedWrite {
                at_ms: now_ms,
                value: Value::new(""),
                lifetime_s: None,
                effect: Effect::Deleted,
                refused: Vec::new(),
                set_by: None,
                line: None,
            });
        }
    }
}

fn after(at_ms: u64, lifetime_s: i64) -> u64 {
    at_ms.saturating_add(
        u64::try_from(lifetime_s)
            .unwrap_or_default()
            .saturating_mul(1_000),
    )
}

/// Everything heard of cookies.
#[derive(Debug, Default)]
pub(super) struct CookieLog {
    cookies: BTreeMap<Key, RecordedCookie>,
    /// The page's own site, by which script-made cookies are partitioned.
    top_site: String,
}

impl CookieLog {
    /// The page is at this address now.
    pub(super) fn page_at(&mut self, url: &str) {
        if let Some((scheme, _)) = url
            .split_once("://")
            .filter(|(scheme, _)| scheme.starts_with("http"))
        {
            self.top_site = format!("{scheme}://{}", registrable_domain(&host_of(url)));
        }
    }

    fn entry(&mut self, key: Key) -> Option<&mut RecordedCookie> {
        if self.cookies.len() >= MOST_ITEMS && !self.cookies.contains_key(&key) {
            return None;
        }
        Some(self.cookies.entry(key).or_default())
    }

    /// The entry of a cookie the browser describes. One whose partition was guessed wrong is the same cookie.
    fn described(&mut self, key: Key) -> Option<&mut RecordedCookie> {
        if key.partition.is_some() && !self.cookies.contains_key(&key) {
            let stray = self.cookies.iter().find(|(known, cookie)| {
                cookie.guessed
                    && known.name == key.name
                    && known.domain == key.domain
                    && known.path == key.path
            });
            if let Some(stray) = stray.map(|(stray, _)| stray.clone())
                && let Some(cookie) = self.cookies.remove(&stray)
            {
                self.cookies.insert(key.clone(), cookie);
            }
        }
        let cookie = self.entry(key)?;
        cookie.guessed = false;
        Some(cookie)
    }

    /// A `Set-Cookie` header line. Returns the cookie's name.
    ///
    /// `event` is the `Network.responseReceivedExtraInfo` that carried it: it knows what was refused.
    pub(super) fn response_set(
        &mut self,
        at_ms: u64,
        line: &str,
        date: Option<&str>,
        url: &str,
        event: &Json,
    ) -> Option<String> {
        let line = cut(line);
        let of_line = |list: &str| {
            event[list]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|about| about["cookieLine"].as_str().map(cut) == Some(line))
        };
        let refused: Vec<String> = of_line("blockedCookies")
            .flat_map(|blocked| texts(&blocked["blockedReasons"]))
            .take(MOST_REASONS)
            .collect();
        let cookie = SetCookie::parse(line).or_else(|| {
            // What a control character makes the browser refuse has a name all the same.
            let printable: String = line.chars().filter(|letter| !letter.is_control()).collect();
            (!refused.is_empty())
                .then(|| SetCookie::parse(&printable))
                .flatten()
        })?;
        let exemptions: Vec<String> = of_line("exemptedCookies")
            .filter_map(|exempted| exempted["exemptionReason"].as_str().map(str::to_owned))
            .collect();
        let now = date
            .and_then(self::date)
            .unwrap_or_else(|| Timestamp::now().as_second());
        let name = cookie.name.clone();
        let key = self.write(
            at_ms,
            &Wish {
                partition: cookie
                    .partitioned
                    .then(|| Partition::read(&event["cookiePartitionKey"]))
                    .flatten(),
                guessed: false,
                lifetime_s: cookie.lifetime_s(now),
                host: host_of(url),
                default_path: default_path(url).to_owned(),
                set_by: Setter::Response {
                    url: cut(url).to_owned(),
                },
                refused,
                cookie,
                line: Some(line.to_owned()),
            },
        );
        if let Some(cookie) = self.cookies.get_mut(&key) {
            cookie.exemptions.extend(exemptions);
        }
        Some(name)
    }

    /// A write by a script of the page, of one of its frames or workers.
    pub(super) fn script_wrote(&mut self, at_ms: u64, write: &ScriptWrite, setter: Setter) {
        let Some(cookie) = SetCookie::parse(&write.line) else {
            return;
        };
        let lifetime_s = match write.expiry {
            Expiry::Beside(None) => None,
            Expiry::Beside(Some(expires)) => {
                Some(((expires - write.now_ms) / 1000.0).round() as i64)
            }
            Expiry::InLine => cookie.lifetime_s((write.now_ms / 1000.0) as i64),
        };
        let host = host_of(&write.origin);
        let deleted = lifetime_s.is_some_and(|lifetime| lifetime <= 0);
        let mut refused: Vec<String> = refusal(&cookie, &write.origin, &host)
            .map(str::to_owned)
            .into_iter()
            .collect();
        if refused.is_empty()
            && write.visible == Some(false)
            && !deleted
            && cookie.path.as_deref().is_none_or(|path| path == "/")
        {
            refused.push("RefusedFromScript".to_owned());
        }
        let default_path = setter
            .url()
            .filter(|url| host_of(url) == host)
            .map_or("/", default_path)
            .to_owned();
        let partition = cookie.partitioned.then(|| self.partition_for(&host));
        // Of a write through `cookieStore` there is no line but the one made of its parts.
        let is_a_line = matches!(write.expiry, Expiry::InLine);
        let line = is_a_line.then(|| cut(&write.line).to_owned());
        self.write(
            at_ms,
            &Wish {
                guessed: partition.is_some(),
                partition,
                host,
                default_path,
                lifetime_s,
                set_by: setter,
                refused,
                cookie,
                line,
            },
        );
    }

    /// The partition of a script's cookie: scripts are not told it.
    fn partition_for(&self, host: &str) -> Partition {
        let site = host_of(&self.top_site);
        Partition {
            site: self.top_site.clone(),
            cross_site: party_of(host, &site) == Party::Third,
        }
    }

    fn write(&mut self, at_ms: u64, wish: &Wish) -> Key {
        let host = wish.host.to_ascii_lowercase();
        // What one host asks in the name of another is refused, and no item of the other.
        let domain = wish
            .cookie
            .domain
            .clone()
            .filter(|_| wish.cookie.belongs_to(&host));
        let mut key = Key {
            name: cut(&wish.cookie.name).to_owned(),
            domain: domain.unwrap_or(host),
            path: cut(wish.cookie.path.as_deref().unwrap_or(&wish.default_path)).to_owned(),
            partition: wish.partition.clone(),
        };
        let guessed = wish.guessed;
        if guessed && !self.cookies.contains_key(&key) {
            let known = self.cookies.keys().find(|known| {
                known.partition.is_some()
                    && known.name == key.name
                    && known.domain == key.domain
                    && known.path == key.path
            });
            if let Some(known) = known {
                key = known.clone();
            }
        }
        let is_new = !self.cookies.contains_key(&key);
        if let Some(cookie) = self.entry(key.clone()) {
            cookie.guessed |= guessed && is_new;
            cookie.take(at_ms, wish);
        }
        key
    }

    /// The browser sent a cookie (`Network.requestWillBeSentExtraInfo.associatedCookies`).
    pub(super) fn was_sent(&mut self, at_ms: u64, cookie: &Json, host: &str) {
        let Some(known) = Key::read(cookie).and_then(|key| self.described(key)) else {
            return;
        };
        if let Some(value) = cookie["value"].as_str()
            && known.writes.is_empty()
        {
            known.is_there(at_ms, Value::new(value), None);
        }
        known.stored = true;
        if known.sent.len() < MOST_ITEMS {
            known.sent.push((at_ms, host.to_owned()));
        }
    }

    /// What the browser says of a cookie that belonged to a request: sent, or kept back and why.
    ///
    /// `associated` is one of `Network.requestWillBeSentExtraInfo.associatedCookies`. Returns whether it was sent.
    pub(super) fn associated(&mut self, at_ms: u64, associated: &Json, host: &str) -> bool {
        let cookie = &associated["cookie"];
        let reasons: Vec<String> = texts(&associated["blockedReasons"])
            .take(MOST_REASONS)
            .collect();
        if reasons.is_empty() {
            self.was_sent(at_ms, cookie, host);
        }
        let Some(known) = Key::read(cookie).and_then(|key| self.cookies.get_mut(&key)) else {
            return reasons.is_empty();
        };
        if let Some(reason) = associated["exemptionReason"]
            .as_str()
            .filter(|reason| *reason != "None")
        {
            known.exemptions.insert(cut(reason).to_owned());
        }
        if reasons.is_empty() {
            return true;
        }
        if known.withheld.len() < MOST_WITHHELD {
            known.withheld.push((at_ms, host.to_owned(), reasons, 1));
        } else if let Some(same) = known
            .withheld
            .iter_mut()
            .rev()
            .find(|(_, known, why, _)| known == host && *why == reasons)
        {
            same.3 = same.3.saturating_add(1);
        }
        false
    }

    /// Compares with the browser's jar (`Storage.getCookies`), and adds what nobody was seen writing.
    pub(super) fn compare_with_jar(&mut self, at_ms: u64, jar: &Json) {
        let now = Timestamp::now().as_second() as f64;
        let mut there = BTreeSet::new();
        for stored in jar["cookies"].as_array().into_iter().flatten() {
            let Some(key) = Key::read(stored) else {
                continue;
            };
            there.insert(key.clone());
            let Some(cookie) = self.described(key) else {
                continue;
            };
            cookie.alive = true;
            cookie.host_only = !stored["domain"]
                .as_str()
                .unwrap_or_default()
                .starts_with('.');
            cookie.secure = stored["secure"].as_bool().unwrap_or_default();
            cookie.http_only = stored["httpOnly"].as_bool().unwrap_or_default();
            cookie.same_site = stored["sameSite"].as_str().map(str::to_owned);
            let expires = stored["expires"].as_f64().filter(|expires| *expires > 0.0);
            let stored_lifetime_s = expires.map(|expires| (expires - now).round() as i64);
            cookie.stored_lifetime_s = cookie.stored_lifetime_s.max(stored_lifetime_s);
            let value = Value::new(stored["value"].as_str().unwrap_or_default());
            cookie.is_there(at_ms, value, stored_lifetime_s);
        }
        for (key, cookie) in &mut self.cookies {
            if !there.contains(key) {
                cookie.is_missing(at_ms);
            }
        }
    }

    /// Names and values of the living cookies of a site.
    pub(super) fn values(&self, site: &str) -> Vec<(String, String, Option<StorageKind>)> {
        self.cookies
            .iter()
            .filter(|(key, _)| party_of(&key.domain, site) == Party::First)
            .filter_map(|(key, cookie)| {
                let current = cookie.current.as_ref()?;
                Some((key.name.clone(), current.value.text().to_owned(), None))
            })
            .collect()
    }

    /// Every cookie ever written or refused, with its phases.
    pub(super) fn cookies(&self, clock: &Clock, site: &str) -> Vec<Cookie> {
        self.cookies
            .iter()
            .filter_map(|(key, cookie)| finished(key, cookie, clock, site))
            .collect()
    }
}

fn texts(list: &Json) -> impl Iterator<Item = String> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|text| text.as_str().map(|text| cut(text).to_owned()))
}

fn finished(key: &Key, cookie: &RecordedCookie, clock: &Clock, site: &str) -> Option<Cookie> {
    let stays = |write: &&RecordedWrite| write.leaves_something();
    let first = cookie.writes.iter().find(stays)?;
    // What was stored counts before what was only tried.
    let last = cookie
        .writes
        .iter()
        .rev()
        .filter(stays)
        .find(|write| write.effect != Effect::Refused)
        .or_else(|| cookie.writes.iter().rev().find(stays))?;
    let was_stored = cookie.stored
        || cookie
            .writes
            .iter()
            .any(|write| write.effect != Effect::Refused && write.leaves_something());
    // A session write has no lifetime; any persistent one is longer.
    let lifetime_s = cookie
        .writes
        .iter()
        .filter(|write| {
            write.leaves_something() && !(was_stored && write.effect == Effect::Refused)
        })
        .filter_map(|write| write.lifetime_s)
        .max();
    let refused = cookie
        .writes
        .iter()
        .rev()
        .find(|write| write.effect == Effect::Refused);
    Some(Cookie {
        name: key.name.clone(),
        domain: key.domain.clone(),
        host_only: cookie.host_only,
        path: key.path.clone(),
        partition_key: key
            .partition
            .as_ref()
            .map(|partition| partition.site.clone()),
        secure: cookie.secure,
        http_only: cookie.http_only,
        same_site: cookie.same_site.clone(),
        party: party_of(&key.domain, site),
        value: last.value.clone(),
        lifetime_s,
        stored_lifetime_s: cookie.stored_lifetime_s,
        set_by: cookie.writes.iter().find_map(|write| write.set_by.clone()),
        blocked: match refused {
            Some(refused) if !was_stored => refused.refused.clone(),
            _ => Vec::new(),
        },
        at_ms: first.at_ms,
        phase: clock.phase_at(first.at_ms),
        writes: cookie
            .writes
            .iter()
            .map(|write| Write {
                at_ms: write.at_ms,
                phase: clock.phase_at(write.at_ms),
                value: write.value.clone(),
                lifetime_s: write.lifetime_s,
                deleted: !write.leaves_something(),
                effect: write.effect,
                refused: write.refused.clone(),
                set_by: write.set_by.clone(),
                line: write.line.clone(),
            })
            .collect(),
        sent: sendings(&cookie.sent, clock),
        withheld: withheld(&cookie.withheld, clock),
        exemptions: cookie.exemptions.iter().cloned().collect(),
        alive: cookie.alive,
    })
}

fn sendings(sent: &[(u64, String)], clock: &Clock) -> Vec<Sent> {
    let mut joined: BTreeMap<(PhaseName, &str), Sent> = BTreeMap::new();
    for (at_ms, host) in sent {
        let phase = clock.phase_at(*at_ms);
        joined
            .entry((phase, host))
            .and_modify(|sent| sent.count += 1)
            .or_insert_with(|| Sent {
                at_ms: *at_ms,
                phase,
                host: host.clone(),
                count: 1,
            });
    }
    joined.into_values().collect()
}

fn withheld(withheld: &[(u64, String, Vec<String>, u32)], clock: &Clock) -> Vec<Withheld> {
    let mut joined: BTreeMap<(PhaseName, &str, &[String]), Withheld> = BTreeMap::new();
    for (at_ms, host, reasons, count) in withheld {
        let phase = clock.phase_at(*at_ms);
        joined
            .entry((phase, host, reasons))
            .and_modify(|known| known.count = known.count.saturating_add(*count))
            .or_insert_with(|| Withheld {
                at_ms: *at_ms,
                phase,
                host: host.clone(),
                reasons: reasons.clone(),
                count: *count,
            });
    }
    joined.into_values().collect()
}

/// The path a cookie gets when it names none (RFC 6265, 5.1.4).
fn default_path(url: &str) -> &str {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = rest.find('/').map_or("/", |start| &rest[start..]);
    let path = path.split(['?', '#']).next().unwrap_or("/");
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

#[cfg(test)]
mod tests;
