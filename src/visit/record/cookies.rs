//! Cookies: every write with its raw lifetime and who made it, every sending, and what is left at the end.
//!
//! Lifetimes come from `Set-Cookie` and from the setter's argument, because the browser stores at
//! most 400 days and its jar would make every two-year cookie look modest.

use std::collections::BTreeMap;

use cookie::{Cookie as Parsed, Expiration};
use jiff::Timestamp;
use serde_json::Value as Json;

use super::{Clock, MOST_ITEMS, cut};
use crate::model::party::{host_of, party_of};
use crate::model::snapshot::{Cookie, Effect, Sent, Setter, StorageKind, Write};
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// Most writes of one cookie kept.
const MOST_WRITES: usize = 200;

/// What tells one cookie from another: name, domain without dot, path, partition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    domain: String,
    path: String,
    partition: Option<String>,
}

#[derive(Debug, Clone)]
struct RecordedWrite {
    at_ms: u64,
    value: Value,
    lifetime_s: Option<i64>,
    deleted: bool,
    set_by: Option<Setter>,
}

#[derive(Debug, Clone, Default)]
struct RecordedCookie {
    host_only: bool,
    secure: bool,
    http_only: bool,
    same_site: Option<String>,
    blocked: Vec<String>,
    writes: Vec<RecordedWrite>,
    sent: Vec<(u64, String)>,
    stored_lifetime_s: Option<i64>,
    /// Seen in the browser's jar, or sent, at any time.
    stored: bool,
    alive: bool,
}

/// Where a script's write says when the cookie ends.
#[derive(Debug, Clone, Copy)]
enum Expiry {
    /// In the attributes of the line.
    InLine,
    /// Beside it, in milliseconds since 1970; absent for a session cookie (`cookieStore`).
    Beside(Option<f64>),
}

/// A write by a script, as the hook reports it.
#[derive(Debug, Clone)]
pub struct ScriptWrite {
    line: String,
    origin: String,
    /// Whether the document could read the cookie right afterwards; absent when it could not tell.
    visible: Option<bool>,
    expiry: Expiry,
}

impl ScriptWrite {
    /// Reads a report of kind `cookie`.
    pub fn from_report(report: &Json) -> Option<Self> {
        let origin = cut(report["origin"].as_str()?).to_owned();
        if let Some(line) = report["written"].as_str() {
            let visible = report["visible"].as_bool();
            return Some(Self {
                line: cut(line).to_owned(),
                origin,
                visible,
                expiry: Expiry::InLine,
            });
        }
        let store = report.get("store")?;
        let mut line = format!(
            "{}={}",
            store["name"].as_str()?,
            store["value"].as_str().unwrap_or_default()
        );
        for (attribute, field) in [
            ("Domain", "domain"),
            ("Path", "path"),
            ("SameSite", "sameSite"),
        ] {
            if let Some(value) = store[field].as_str() {
                line.extend(["; ", attribute, "=", value]);
            }
        }
        line.push_str("; Secure");
        if store["partitioned"].as_bool() == Some(true) {
            line.push_str("; Partitioned");
        }
        Some(Self {
            line: cut(&line).to_owned(),
            origin,
            visible: None,
            expiry: Expiry::Beside(store["expires"].as_f64()),
        })
    }
}

/// Everything heard of cookies.
#[derive(Debug, Default)]
pub(super) struct CookieLog {
    cookies: BTreeMap<Key, RecordedCookie>,
}

impl CookieLog {
    fn entry(&mut self, key: Key) -> Option<&mut RecordedCookie> {
        if self.cookies.len() >= MOST_ITEMS && !self.cookies.contains_key(&key) {
            return None;
        }
        Some(self.cookies.entry(key).or_default())
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
        let parsed = Parsed::parse(line.to_owned()).ok()?;
        let partition = parsed
            .partitioned()
            .unwrap_or_default()
            .then(|| partition_of(&event["cookiePartitionKey"]))
            .flatten();
        let blocked = event["blockedCookies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|blocked| blocked["cookieLine"].as_str() == Some(line))
            .flat_map(|blocked| blocked["blockedReasons"].as_array().into_iter().flatten())
            .filter_map(|reason| reason.as_str().map(str::to_owned))
            .collect::<Vec<_>>();
        let now = date.and_then(http_date).unwrap_or_else(Timestamp::now);
        let lifetime_s = lifetime(&parsed, now);
        let setter = Some(Setter::Response {
            url: cut(url).to_owned(),
        });
        let name = parsed.name().to_owned();
        self.write(
            at_ms,
            &parsed,
            &host_of(url),
            default_path(url),
            partition,
            lifetime_s,
            setter,
            blocked,
        );
        Some(name)
    }

    /// A write by a script of the page or one of its frames.
    pub(super) fn script_wrote(&mut self, at_ms: u64, write: &ScriptWrite, setter: Setter) {
        // A cookie without a name may have no equals sign at all.
        let line = if write
            .line
            .split(';')
            .next()
            .is_some_and(|pair| pair.contains('='))
        {
            write.line.clone()
        } else {
            format!("={}", write.line)
        };
        let Ok(parsed) = Parsed::parse(line) else {
            return;
        };
        let lifetime_s = match write.expiry {
            Expiry::Beside(None) => None,
            Expiry::Beside(Some(expires)) => {
                Some(((expires - Timestamp::now().as_millisecond() as f64) / 1000.0).round() as i64)
            }
            Expiry::InLine => lifetime(&parsed, Timestamp::now()),
        };
        let host = host_of(&write.origin);
        let deleted = lifetime_s.is_some_and(|lifetime| lifetime <= 0);
        let refused = write.visible == Some(false)
            && !deleted
            && parsed.path().is_none_or(|path| path == "/");
        let blocked = if refused {
            vec!["RefusedFromScript".to_owned()]
        } else {
            Vec::new()
        };
        let path = setter
            .url()
            .map_or("/", |url| {
                if host_of(url) == host {
                    default_path(url)
                } else {
                    "/"
                }
            })
            .to_owned();
        self.write(
            at_ms,
            &parsed,
            &host,
            &path,
            None,
            lifetime_s,
            Some(setter),
            blocked,
        );
    }

    #[expect(clippy::too_many_arguments, reason = "one write is made of this much")]
    fn write(
        &mut self,
        at_ms: u64,
        parsed: &Parsed<'_>,
        host: &str,
        default_path: &str,
        partition: Option<String>,
        lifetime_s: Option<i64>,
        set_by: Option<Setter>,
        blocked: Vec<String>,
    ) {
        let domain = parsed
            .domain()
            .map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
        let key = Key {
            name: cut(parsed.name()).to_owned(),
            domain: domain.clone().unwrap_or_else(|| host.to_ascii_lowercase()),
            path: cut(parsed
                .path()
                .filter(|path| path.starts_with('/'))
                .unwrap_or(default_path))
            .to_owned(),
            partition,
        };
        let Some(cookie) = self.entry(key) else {
            return;
        };
        cookie.host_only = domain.is_none();
        cookie.secure = parsed.secure().unwrap_or_default();
        cookie.http_only = parsed.http_only().unwrap_or_default();
        cookie.same_site = parsed.same_site().map(|same_site| same_site.to_string());
        cookie.blocked = blocked;
        if cookie.writes.len() < MOST_WRITES {
            let deleted = lifetime_s.is_some_and(|lifetime| lifetime <= 0);
            cookie.writes.push(RecordedWrite {
                at_ms,
                value: Value::new(parsed.value()),
                lifetime_s,
                deleted,
                set_by,
            });
        }
    }

    /// The browser sent a cookie (`Network.requestWillBeSentExtraInfo.associatedCookies`).
    pub(super) fn was_sent(&mut self, at_ms: u64, cookie: &Json, host: &str) {
        let Some(known) = key_of(cookie).and_then(|key| self.entry(key)) else {
            return;
        };
        known.stored = true;
        if known.sent.len() < MOST_ITEMS {
            known.sent.push((at_ms, host.to_owned()));
        }
    }

    /// Marks what is in the browser's jar, and adds what nobody was seen writing.
    pub(super) fn compare_with_jar(&mut self, at_ms: u64, jar: &Json) {
        for cookie in self.cookies.values_mut() {
            cookie.alive = false;
        }
        let now = Timestamp::now().as_second() as f64;
        for stored in jar["cookies"].as_array().into_iter().flatten() {
            let Some(cookie) = key_of(stored).and_then(|key| self.entry(key)) else {
                continue;
            };
            cookie.alive = true;
            cookie.stored = true;
            cookie.blocked.clear();
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
            let known = cookie
                .writes
                .iter()
                .rev()
                .find(|write| !write.deleted)
                .is_some_and(|write| write.value == value);
            if !known && cookie.writes.len() < MOST_WRITES {
                cookie.writes.push(RecordedWrite {
                    at_ms,
                    value,
                    lifetime_s: stored_lifetime_s,
                    deleted: false,
                    set_by: None,
                });
            }
        }
    }

    /// Names and values of the living cookies of a site.
    pub(super) fn values(&self, site: &str) -> Vec<(String, String, Option<StorageKind>)> {
        self.cookies
            .iter()
            .filter(|(key, _)| party_of(&key.domain, site) == crate::model::party::Party::First)
            .filter_map(|(key, cookie)| {
                let write = cookie.writes.last().filter(|write| !write.deleted)?;
                Some((key.name.clone(), write.value.text().to_owned(), None))
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

fn finished(key: &Key, cookie: &RecordedCookie, clock: &Clock, site: &str) -> Option<Cookie> {
    let first = cookie.writes.iter().find(|write| !write.deleted)?;
    let last = cookie.writes.iter().rev().find(|write| !write.deleted)?;
    // A session write has no lifetime; any persistent one is longer.
    let lifetime_s = cookie
        .writes
        .iter()
        .filter(|write| !write.deleted)
        .filter_map(|write| write.lifetime_s)
        .max();
    let mut sent: BTreeMap<(PhaseName, &str), Sent> = BTreeMap::new();
    for (at_ms, host) in &cookie.sent {
        let phase = clock.phase_at(*at_ms);
        sent.entry((phase, host))
            .and_modify(|sent| sent.count += 1)
            .or_insert_with(|| Sent {
                at_ms: *at_ms,
                phase,
                host: host.clone(),
                count: 1,
            });
    }
    Some(Cookie {
        name: key.name.clone(),
        domain: key.domain.clone(),
        host_only: cookie.host_only,
        path: key.path.clone(),
        partition_key: key.partition.clone(),
        secure: cookie.secure,
        http_only: cookie.http_only,
        same_site: cookie.same_site.clone(),
        party: party_of(&key.domain, site),
        value: last.value.clone(),
        lifetime_s,
        stored_lifetime_s: cookie.stored_lifetime_s,
        set_by: cookie.writes.iter().find_map(|write| write.set_by.clone()),
        blocked: if cookie.stored {
            Vec::new()
        } else {
            cookie.blocked.clone()
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
                deleted: write.deleted,
                effect: Effect::Unknown,
                refused: Vec::new(),
                set_by: write.set_by.clone(),
            })
            .collect(),
        withheld: Vec::new(),
        exemptions: Vec::new(),
        sent: sent.into_values().collect(),
        alive: cookie.alive,
    })
}

/// The key of a cookie as the browser describes it (CDP `Network.Cookie`).
fn key_of(cookie: &Json) -> Option<Key> {
    Some(Key {
        name: cut(cookie["name"].as_str()?).to_owned(),
        domain: cookie["domain"]
            .as_str()?
            .trim_start_matches('.')
            .to_ascii_lowercase(),
        path: cut(cookie["path"].as_str().unwrap_or("/")).to_owned(),
        partition: partition_of(&cookie["partitionKey"]),
    })
}

fn partition_of(key: &Json) -> Option<String> {
    key["topLevelSite"]
        .as_str()
        .or_else(|| key.as_str())
        .map(|site| cut(site).to_owned())
}

/// The lifetime asked for, in seconds: `Max-Age` before `Expires` (RFC 6265, 5.3).
fn lifetime(parsed: &Parsed<'_>, now: Timestamp) -> Option<i64> {
    if let Some(age) = parsed.max_age() {
        return Some(age.whole_seconds());
    }
    match parsed.expires() {
        Some(Expiration::DateTime(date)) => Some(date.unix_timestamp() - now.as_second()),
        _ => None,
    }
}

/// The date of a response (RFC 9110, 5.6.7), so that a server's wrong clock cannot change a lifetime.
fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(text)
        .ok()
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
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://www.shop.test/a/b?c=/d";

    fn after(lines: &[&str]) -> Vec<Cookie> {
        let mut log = CookieLog::default();
        for line in lines {
            log.response_set(
                1,
                line,
                Some("Wed, 21 Oct 2026 07:28:00 GMT"),
                URL,
                &json!({}),
            );
        }
        log.cookies(&Clock::start(), "shop.test")
    }

    #[test]
    fn raw_lifetimes_are_kept() {
        for (line, expected) in [
            ("a=1", None),
            ("a=1; Max-Age=63072000", Some(63_072_000)),
            ("a=1; Expires=Thu, 22 Oct 2026 07:28:00 GMT", Some(86_400)),
            (
                "a=1; Expires=Thu, 22 Oct 2026 07:28:00 GMT; Max-Age=5",
                Some(5),
            ),
        ] {
            assert_eq!(after(&[line])[0].lifetime_s, expected, "{line}");
        }
    }

    #[test]
    fn a_deletion_alone_is_no_cookie() {
        assert!(after(&["a=; Max-Age=0"]).is_empty());
        let cookies = after(&["a=1; Max-Age=9", "a=; Max-Age=0"]);
        assert_eq!(cookies[0].value.text(), "1");
        assert!(cookies[0].writes[1].deleted);
    }

    #[test]
    fn domains_and_paths() {
        for (line, domain, host_only, path) in [
            ("a=1", "www.shop.test", true, "/a"),
            ("a=1; Domain=.shop.test; Path=/", "shop.test", false, "/"),
            ("a=1; Path=nonsense", "www.shop.test", true, "/a"),
        ] {
            let cookie = &after(&[line])[0];
            assert_eq!(
                (
                    cookie.domain.as_str(),
                    cookie.host_only,
                    cookie.path.as_str()
                ),
                (domain, host_only, path)
            );
        }
    }

    #[test]
    fn refused_cookies_are_attempts_until_the_jar_has_them() {
        let mut log = CookieLog::default();
        let event = json!({"blockedCookies": [{"cookieLine": "x=1", "blockedReasons": ["ThirdPartyPhaseout"]}]});
        log.response_set(1, "x=1", None, URL, &event);
        assert_eq!(
            log.cookies(&Clock::start(), "other.test")[0].blocked,
            ["ThirdPartyPhaseout"]
        );
        let jar = json!({"cookies": [{"name": "x", "value": "1", "domain": "www.shop.test", "path": "/a", "expires": -1}]});
        log.compare_with_jar(2, &jar);
        let cookie = &log.cookies(&Clock::start(), "other.test")[0];
        assert!(cookie.blocked.is_empty() && cookie.alive);
        assert_eq!(cookie.writes.len(), 1);
    }

    #[test]
    fn what_nobody_was_seen_writing_is_found_in_the_jar() {
        let mut log = CookieLog::default();
        log.compare_with_jar(
            7,
            &json!({"cookies": [{"name": "sw", "value": "1", "domain": "shop.test", "path": "/"}]}),
        );
        let cookies = log.cookies(&Clock::start(), "shop.test");
        assert_eq!(
            (
                cookies[0].name.as_str(),
                cookies[0].at_ms,
                cookies[0].set_by.is_none()
            ),
            ("sw", 7, true)
        );
    }

    #[test]
    fn scripts_write_with_the_host_of_their_document() {
        let report = json!({"kind": "cookie", "written": "_ga=GA1.1.1.2; path=/; domain=shop.test; max-age=100", "origin": "https://www.shop.test", "visible": true});
        let mut log = CookieLog::default();
        log.script_wrote(
            1,
            &ScriptWrite::from_report(&report).unwrap(),
            Setter::Script { stack: Vec::new() },
        );
        let cookies = log.cookies(&Clock::start(), "www.shop.test");
        assert_eq!(
            (cookies[0].domain.as_str(), cookies[0].lifetime_s),
            ("shop.test", Some(100))
        );
    }

    proptest::proptest! {
        #[test]
        fn any_header_is_survived(line in ".{0,200}") {
            after(&[&line]);
        }
    }
}
