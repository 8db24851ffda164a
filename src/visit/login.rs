//! What a visitor brings along who has logged in elsewhere: cookies, and what lies in local storage.
//!
//! None of it is the page's doing: it is taken out of the snapshot unless the page touches it. It is a
//! secret, and stays in memory.

mod secrets;
mod steps;

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value as Json;

pub use steps::{Steps, StepsError};

use super::kept::Key;
use crate::browser::browser_protocol::network::{CookieParam, CookieSameSite, TimeSinceEpoch};
use crate::browser::browser_protocol::storage::SetCookiesParams;
use crate::browser::{BrowserError, Session};
use crate::model::snapshot::StorageKind;
use crate::model::value::Value;
use crate::model::visit::Visit;
use secrets::Secrets;

/// Most cookies, and most entries, taken from a file.
const MOST: usize = 5_000;
/// Begins the lines of cookies that scripts cannot read, in Netscape's form.
const HTTP_ONLY: &str = "#HttpOnly_";

/// Why a file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// It is neither of the forms cookies come in.
    #[error(
        "holds no cookies: neither Netscape's form (seven columns, tabs between them) nor a list in JSON"
    )]
    Cookies,
    /// It is no storage state.
    #[error("is no storage state as Playwright writes it: {0}")]
    StorageState(String),
    /// It has more than anybody needs.
    #[error("holds more than {MOST} cookies or entries")]
    TooMany,
}

/// A cookie, in the words of Playwright, of browsers' tools, and of extensions.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cookie {
    name: String,
    value: String,
    domain: String,
    #[serde(default = "root")]
    path: String,
    #[serde(default, alias = "expirationDate")]
    expires: Option<f64>,
    #[serde(default)]
    http_only: bool,
    #[serde(default)]
    secure: bool,
    #[serde(default)]
    same_site: Option<String>,
}

fn root() -> String {
    "/".to_owned()
}

/// An entry of local storage.
#[derive(Debug, Clone)]
struct Entry {
    origin: String,
    key: String,
    value: String,
}

/// What a visitor brings along.
#[derive(Clone, Default)]
pub struct Login {
    cookies: Vec<Cookie>,
    storage: Vec<Entry>,
    /// What was filled in to make it.
    filled: Vec<String>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Values are secrets.
        formatter
            .debug_struct("Login")
            .field("cookies", &self.cookies.len())
            .field("storage", &self.storage.len())
            .finish_non_exhaustive()
    }
}

/// Playwright's storage state.
#[derive(Deserialize)]
struct StorageState {
    #[serde(default)]
    cookies: Vec<Cookie>,
    #[serde(default)]
    origins: Vec<Origin>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Origin {
    origin: String,
    #[serde(default)]
    local_storage: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    name: String,
    value: String,
}

impl Login {
    /// Adds the cookies of a file: in Netscape's form, as a list in JSON, or as `{"cookies": […]}`.
    pub fn add_cookies(&mut self, text: &str) -> Result<(), LoginError> {
        let cookies = match serde_json::from_str::<Json>(text) {
            Ok(Json::Object(mut object)) => listed(object.remove("cookies").unwrap_or_default())?,
            Ok(list) => listed(list)?,
            Err(_) => netscape(text)?,
        };
        self.cookies.extend(cookies);
        self.bounded()
    }

    /// Adds the cookies and the local storage of a file Playwright wrote.
    pub fn add_storage_state(&mut self, text: &str) -> Result<(), LoginError> {
        let state: StorageState = serde_json::from_str(text).map_err(|error| {
            // The parser's words could quote a secret.
            LoginError::StorageState(format!("line {}, column {}", error.line(), error.column()))
        })?;
        self.cookies.extend(state.cookies);
        for Origin {
            origin,
            local_storage,
        } in state.origins
        {
            let entries = local_storage.into_iter().map(|item| Entry {
                origin: origin.trim_end_matches('/').to_owned(),
                key: item.name,
                value: item.value,
            });
            self.storage.extend(entries);
        }
        self.bounded()
    }

    /// Adds what another one has.
    #[must_use]
    pub fn joined(mut self, other: &Self) -> Self {
        self.cookies.extend(other.cookies.iter().cloned());
        self.storage.extend(other.storage.iter().cloned());
        self.filled.extend(other.filled.iter().cloned());
        self
    }

    fn add_entry(&mut self, origin: &str, key: String, value: String) {
        self.storage.push(Entry {
            origin: origin.to_owned(),
            key,
            value,
        });
    }

    fn bounded(&self) -> Result<(), LoginError> {
        if self.cookies.len() > MOST || self.storage.len() > MOST {
            return Err(LoginError::TooMany);
        }
        Ok(())
    }

    /// Puts the cookies into a profile.
    pub(super) async fn give(&self, root: &Session, context: &str) -> Result<(), BrowserError> {
        if self.cookies.is_empty() {
            return Ok(());
        }
        let give = SetCookiesParams {
            cookies: self.cookies.iter().map(Cookie::param).collect(),
            browser_context_id: Some(context.to_owned().into()),
        };
        root.call(give).await.map(drop)
    }

    /// A script for our own world that puts the entries into local storage, before the page's first line.
    pub(super) fn script(&self) -> String {
        let mut by_origin: HashMap<&str, Vec<[&str; 2]>> = HashMap::new();
        for entry in &self.storage {
            let entries = by_origin.entry(&entry.origin).or_default();
            entries.push([&entry.key, &entry.value]);
        }
        if by_origin.is_empty() {
            return String::new();
        }
        // JSON is no script where a line separator stands in it, so it goes in as a string.
        let data = Json::String(serde_json::json!(by_origin).to_string()).to_string();
        format!(
            "\n;(() => {{ try {{
              const entries = JSON.parse({data})[location.origin];
              for (const [key, value] of entries ?? []) {{
                if (localStorage.getItem(key) === null) localStorage.setItem(key, value);
              }}
            }} catch {{}} }})();"
        )
    }

    /// Puts fingerprints in the place of what was brought along or filled in, wherever the visit repeats it:
    /// in the header that sends a cookie, in an address, in what the page wrote.
    pub(super) fn take_secrets_out(&self, visit: &mut Visit) {
        let cookies = self.cookies.iter().map(|cookie| cookie.value.as_str());
        let entries = self.storage.iter().map(|entry| entry.value.as_str());
        let filled = self.filled.iter().map(String::as_str);
        Secrets::of(filled, cookies.chain(entries)).take_out(visit);
    }

    /// What of it lies in a profile, as [`super::kept`] remembers it.
    pub(super) fn left(&self) -> HashMap<Key, Value> {
        let value = |text: &str| Value {
            text: None,
            ..Value::new(text)
        };
        let cookies = self.cookies.iter().map(|cookie| {
            let domain = cookie.domain.trim_start_matches('.').to_ascii_lowercase();
            let key = (None, domain, cookie.path.clone(), cookie.name.clone(), None);
            (key, value(&cookie.value))
        });
        let entries = self.storage.iter().map(|entry| {
            let kind = Some(StorageKind::LocalStorage);
            let key = (
                kind,
                entry.origin.clone(),
                String::new(),
                entry.key.clone(),
                None,
            );
            (key, value(&entry.value))
        });
        cookies.chain(entries).collect()
    }
}

impl Cookie {
    fn param(&self) -> CookieParam {
        let mut param = CookieParam::new(self.name.clone(), self.value.clone());
        let host = self.domain.trim_start_matches('.');
        if self.domain.starts_with('.') {
            param.domain = Some(self.domain.clone());
        }
        // Without a domain it is for that host alone.
        let scheme = if self.secure { "https" } else { "http" };
        param.url = Some(format!("{scheme}://{host}/"));
        param.path = Some(self.path.clone());
        param.secure = Some(self.secure);
        param.http_only = Some(self.http_only);
        param.expires = self
            .expires
            .filter(|expires| *expires > 0.0)
            .map(TimeSinceEpoch::new);
        param.same_site = match self
            .same_site
            .as_deref()
            .map(str::to_ascii_lowercase)
            .as_deref()
        {
            Some("strict") => Some(CookieSameSite::Strict),
            Some("lax") => Some(CookieSameSite::Lax),
            Some("none" | "no_restriction") => Some(CookieSameSite::None),
            _ => None,
        };
        param
    }
}

fn listed(list: Json) -> Result<Vec<Cookie>, LoginError> {
    let cookies: Vec<Cookie> =
        serde_json::from_value(list).map_err(|_unfit| LoginError::Cookies)?;
    if cookies.is_empty() {
        return Err(LoginError::Cookies);
    }
    Ok(cookies)
}

/// Domain, whether subdomains get it, path, secure, end, name, value; tabs between them.
fn netscape(text: &str) -> Result<Vec<Cookie>, LoginError> {
    let mut cookies = Vec::new();
    for line in text.lines() {
        let (line, http_only) = match line.strip_prefix(HTTP_ONLY) {
            Some(line) => (line, true),
            None => (line, false),
        };
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let columns: Vec<&str> = line.trim_end_matches('\r').split('\t').collect();
        let [domain, subdomains, path, secure, expires, name, value] = columns[..] else {
            return Err(LoginError::Cookies);
        };
        let host = domain.trim_start_matches('.');
        cookies.push(Cookie {
            name: name.to_owned(),
            value: value.to_owned(),
            domain: if subdomains.eq_ignore_ascii_case("true") {
                format!(".{host}")
            } else {
                host.to_owned()
            },
            path: path.to_owned(),
            expires: expires.parse().ok(),
            http_only,
            secure: secure.eq_ignore_ascii_case("true"),
            same_site: None,
        });
    }
    if cookies.is_empty() {
        return Err(LoginError::Cookies);
    }
    Ok(cookies)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cookies_come_in_many_forms() {
        let json = r#"[{"name":"sid","value":"x","domain":".shop.test","path":"/","expirationDate":1800000000,"httpOnly":true,"secure":true,"sameSite":"no_restriction"}]"#;
        let state = format!(r#"{{"cookies":{json}}}"#);
        let netscape = "# Netscape HTTP Cookie File\n#HttpOnly_.shop.test\tTRUE\t/\tTRUE\t1800000000\tsid\tx\r\n";
        for text in [json, &state, netscape] {
            let mut login = Login::default();
            login.add_cookies(text).unwrap();
            let param = login.cookies[0].param();
            assert_eq!(param.domain.as_deref(), Some(".shop.test"), "{text}");
            assert_eq!(param.http_only, Some(true), "{text}");
            assert!(param.expires.is_some(), "{text}");
        }
        for wrong in ["", "[]", "{}", "hello", "a\tb", "[1]", "# only a comment"] {
            let outcome = Login::default().add_cookies(wrong);
            assert_eq!(outcome, Err(LoginError::Cookies), "{wrong}");
        }
    }

    #[test]
    fn a_cookie_of_one_host_stays_there() {
        let mut login = Login::default();
        login
            .add_cookies("shop.test\tFALSE\t/\tFALSE\t0\tsid\tx")
            .unwrap();
        let param = login.cookies[0].param();
        assert_eq!(param.domain, None);
        assert_eq!(param.url.as_deref(), Some("http://shop.test/"));
        assert_eq!(param.expires, None);
    }

    #[test]
    fn a_storage_state_brings_local_storage() {
        let mut login = Login::default();
        login
            .add_storage_state(
                r#"{"cookies":[],"origins":[{"origin":"https://shop.test","localStorage":[{"name":"t","value":"a\"</script>\u2028"}]}]}"#,
            )
            .unwrap();
        assert!(login.script().contains("https://shop.test"));
        assert_eq!(login.left().len(), 1);
        assert!(!format!("{login:?}").contains("script"));
        let wrong = Login::default().add_storage_state(r#"{"cookies":[{"value":"secret"}]}"#);
        assert!(!wrong.unwrap_err().to_string().contains("secret"));
    }

    proptest! {
        #[test]
        fn no_file_breaks_it(text in "(?s).{0,200}") {
            let mut login = Login::default();
            if login.add_cookies(&text).is_ok() {
                prop_assert!(!login.cookies.is_empty());
            }
            drop(login.add_storage_state(&text));
        }
    }
}
