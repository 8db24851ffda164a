//! What a host answers, as `service.toml` and `site.toml` write it.

use std::time::{SystemTime, UNIX_EPOCH};

use rustls::crypto::ring;
use serde::Deserialize;

use super::pattern::fits;

/// One answer of a host.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// Only on this host; on all hosts of the service when absent.
    pub(super) host: Option<String>,
    /// The path without query, with `*` for any run of characters.
    pub(super) path: String,
    /// HTTP status.
    #[serde(default = "ok")]
    pub(super) status: u16,
    /// File beside the TOML file, whose name gives the media type.
    pub(super) file: Option<String>,
    /// Media type when the file's name does not tell it.
    pub(super) content_type: Option<String>,
    /// `Set-Cookie` templates.
    ///
    /// `{uid}` becomes 32 random hexadecimal digits, `{now_s}` and `{now_ms}` the time. A request
    /// that already carries the cookie keeps its value: a lifetime is renewed, and a session
    /// cookie, which has none, is not set again.
    #[serde(default)]
    pub(super) set_cookie: Vec<String>,
    /// Milliseconds to wait before the answer.
    #[serde(default)]
    pub(super) delay_ms: u64,
    /// `Location` of a redirect.
    pub(super) redirect: Option<String>,
}

fn ok() -> u16 {
    200
}

impl Route {
    /// Whether this route answers for `path` on `host`.
    pub(super) fn fits(&self, host: &str, path: &str) -> bool {
        self.host.as_deref().is_none_or(|own| own == host) && fits(&self.path, path)
    }
}

/// The `Set-Cookie` header a template gives to a request with the header `Cookie: carried`.
pub(super) fn set_cookie(template: &str, carried: &str) -> Option<String> {
    let (pair, attributes) = template.split_at(template.find(';').unwrap_or(template.len()));
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    match carried_value(name, carried) {
        Some(_) if !has_lifetime(attributes) => None,
        Some(known) => Some(format!("{name}={known}{attributes}")),
        None => Some(format!("{name}={}{attributes}", fill(value))),
    }
}

/// Whether a cookie with these attributes outlives the browser session.
fn has_lifetime(attributes: &str) -> bool {
    attributes
        .split(';')
        .filter_map(|attribute| attribute.split_once('='))
        .any(|(name, _)| {
            matches!(
                name.trim().to_ascii_lowercase().as_str(),
                "max-age" | "expires"
            )
        })
}

/// The value of the cookie `name` in a `Cookie` header.
fn carried_value<'a>(name: &str, carried: &'a str) -> Option<&'a str> {
    carried
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(own, value)| (own == name).then_some(value))
}

/// Puts fresh values in the place of the placeholders.
fn fill(value: &str) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    value
        .replace("{uid}", &unique_identifier())
        .replace("{now_s}", &now.as_secs().to_string())
        .replace("{now_ms}", &now.as_millis().to_string())
}

/// 32 random hexadecimal digits.
fn unique_identifier() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness the identifier stays all zeros: a test page may say so, a crash may not.
    if ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .is_err()
    {
        tracing::warn!("the system gave no random bytes for the test web");
    }
    format!("{:032x}", u128::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a fixture that does not parse fails the test"
    )]

    use proptest::prelude::*;

    use super::*;

    const TEMPLATE: &str = "fr={uid}; Domain=.facebook.com; Max-Age=7776000; Secure";
    const ATTRIBUTES: &str = "; Domain=.facebook.com; Max-Age=7776000; Secure";

    #[test]
    fn a_fresh_visitor_gets_a_fresh_identifier() {
        let (one, two) = (
            set_cookie(TEMPLATE, "").unwrap(),
            set_cookie(TEMPLATE, "other=1; xfr=2").unwrap(),
        );
        assert_ne!(one, two);
        for made in [one, two] {
            let identifier = made
                .strip_prefix("fr=")
                .unwrap()
                .strip_suffix(ATTRIBUTES)
                .unwrap();
            assert_eq!(identifier.len(), 32, "{made}");
            assert!(
                identifier.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{made}"
            );
        }
    }

    #[test]
    fn a_known_visitor_keeps_the_identifier() {
        for carried in ["fr=abc", "a=b; fr=abc", "a=b;fr=abc;c=d"] {
            assert_eq!(
                set_cookie(TEMPLATE, carried),
                Some(format!("fr=abc{ATTRIBUTES}")),
                "{carried}"
            );
        }
    }

    #[test]
    fn a_carried_session_cookie_is_not_set_again() {
        for (template, again) in [
            ("YSC={uid}; Secure", false),
            ("YSC={uid}", false),
            ("YSC={uid}; Path=/max-age", false),
            ("YSC={uid}; max-age=5", true),
            ("YSC={uid}; Expires=Thu, 01 Jan 2037 00:00:00 GMT", true),
        ] {
            assert!(set_cookie(template, "").is_some(), "{template}");
            assert_eq!(set_cookie(template, "YSC=1").is_some(), again, "{template}");
        }
    }

    #[test]
    fn placeholders_are_filled_and_all_else_stays() {
        assert_eq!(
            set_cookie("a=b; Path=/", ""),
            Some("a=b; Path=/".to_owned())
        );
        assert_eq!(set_cookie("a={other}", ""), Some("a={other}".to_owned()));
        let made = set_cookie("a={now_s}.{now_ms}", "").unwrap();
        let (seconds, milliseconds) = made.strip_prefix("a=").unwrap().split_once('.').unwrap();
        let seconds: u128 = seconds.parse().unwrap();
        let milliseconds: u128 = milliseconds.parse().unwrap();
        assert_eq!(milliseconds / 1000, seconds);
    }

    #[test]
    fn routes_fit_by_host_and_path() {
        let route: Route = toml::from_str("host = \"a.test\"\npath = \"/c/*.js\"").unwrap();
        assert!(route.fits("a.test", "/c/x.js"));
        assert!(!route.fits("b.test", "/c/x.js"));
        assert!(!route.fits("a.test", "/c/x.css"));
        let anywhere: Route = toml::from_str("path = \"/\"").unwrap();
        assert!(anywhere.fits("b.test", "/"));
    }

    proptest! {
        #[test]
        fn no_cookie_header_breaks_a_template(carried in "[ -~]{0,60}") {
            let made = set_cookie(TEMPLATE, &carried).unwrap();
            prop_assert!(made.starts_with("fr=") && made.ends_with(ATTRIBUTES));
            prop_assert_eq!(made.matches(';').count(), 3);
        }
    }
}
