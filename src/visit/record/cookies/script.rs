//! What scripts write to `document.cookie` and `cookieStore`, and why a browser refuses it.

use serde_json::Value as Json;

use crate::visit::record::cut;
use crate::visit::record::set_cookie::SetCookie;

/// Longest name and value together that browsers store, in bytes (RFC 6265bis, 5.7).
pub(super) const LONGEST_PAIR: usize = 4_096;

/// Where a script's write says when the cookie ends.
#[derive(Debug, Clone, Copy)]
pub(super) enum Expiry {
    /// In the attributes of the line.
    InLine,
    /// Beside it, in milliseconds since 1970; absent for a session cookie (`cookieStore`).
    Beside(Option<f64>),
}

/// A write by a script, as the hook reports it.
#[derive(Debug, Clone)]
pub(in crate::visit::record) struct ScriptWrite {
    pub(super) line: String,
    pub(super) origin: String,
    /// Whether the document could read the cookie right afterwards; absent when it could not tell.
    pub(super) visible: Option<bool>,
    pub(super) expiry: Expiry,
    /// The page's time when it wrote, in milliseconds since 1970.
    pub(super) now_ms: f64,
}

impl ScriptWrite {
    /// Reads a report of kind `cookie`, made at `now_ms` by the page's clock.
    pub(in crate::visit::record) fn from_report(report: &Json, now_ms: f64) -> Option<Self> {
        let origin = cut(report["origin"].as_str()?).to_owned();
        if let Some(line) = report["written"].as_str() {
            let visible = report["visible"].as_bool();
            return Some(Self {
                line: cut(line).to_owned(),
                origin,
                visible,
                expiry: Expiry::InLine,
                now_ms,
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
            expiry: Expiry::Beside(
                store["maxAge"]
                    .as_f64()
                    .map(|age| now_ms + age * 1000.0)
                    .or_else(|| store["expires"].as_f64()),
            ),
            now_ms,
        })
    }
}

/// Why a browser refuses what a script writes, in the words of CDP `Network.SetCookieBlockedReason` where it has one.
pub(super) fn refusal(cookie: &SetCookie, origin: &str, host: &str) -> Option<&'static str> {
    let has_prefix = |prefix: &str| {
        cookie
            .name
            .get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    let trusted =
        origin.starts_with("https:") || host == "localhost" || host.ends_with(".localhost");
    let bound_to_host =
        cookie.secure && cookie.domain.is_none() && cookie.path.as_deref() == Some("/");
    if !cookie.belongs_to(host) {
        Some("InvalidDomain")
    } else if cookie.name.len() + cookie.value.len() > LONGEST_PAIR {
        Some("NameValuePairExceedsMaxSize")
    } else if cookie.http_only {
        Some("HttpOnly")
    } else if cookie.secure && !trusted {
        Some("SecureOnly")
    } else if (has_prefix("__Secure-") && !cookie.secure)
        || (has_prefix("__Host-") && !bound_to_host)
        || has_prefix("__Http-")
        || has_prefix("__Host-Http-")
    {
        Some("InvalidPrefix")
    } else if cookie.same_site == Some("None") && !cookie.secure {
        Some("SameSiteNoneInsecure")
    } else {
        None
    }
}
