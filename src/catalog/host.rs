//! Hosts and paths as the catalog writes them.
//!
//! - `example.com`: itself and every subdomain; `=example.com`: itself only;
//! - `example.*`: `example` under any public suffix, and its subdomains;
//! - `@site`: the audited site's registrable domain; `@any`: every host.
//!
//! A path is a prefix that ends at the border of a segment: `/tr` fits `/tr` and `/tr/x`, not
//! `/track`. `*` in it stands for any characters.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::glob::{Class, Glob, Piece};
use crate::model::party::{Party, party_of, registrable_domain};

/// What is wrong with a host or path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not one of the five forms.
    #[error(
        "`{0}` is no host: write `example.com`, `=example.com`, `example.*`, `@site` or `@any`, in lower case and punycode"
    )]
    Host(String),
    /// Not a path.
    #[error("`{0}` is no path: it begins with `/`, holds no `?` or `#`, and has at most 256 bytes")]
    Path(String),
}

/// The hosts a rule is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum HostPattern {
    /// Every host.
    Any,
    /// The audited site's registrable domain and its subdomains.
    Site,
    /// A label under any public suffix, and its subdomains.
    AnySuffix(String),
    /// A host and its subdomains.
    Suffix(String),
    /// A host alone.
    Exact(String),
}

impl HostPattern {
    /// Reads a host.
    pub fn parse(written: &str) -> Result<Self, HostError> {
        let error = || HostError::Host(written.chars().take(80).collect());
        let checked = |host: &str, labels: usize| {
            let well_formed = host.len() <= 253
                && host.split('.').all(is_label)
                && host.split('.').count() >= labels;
            if well_formed {
                Ok(host.to_owned())
            } else {
                Err(error())
            }
        };
        match written {
            "@any" => Ok(Self::Any),
            "@site" => Ok(Self::Site),
            _ => {
                if let Some(exact) = written.strip_prefix('=') {
                    checked(exact, 2).map(Self::Exact)
                } else if let Some(label) = written.strip_suffix(".*") {
                    if label.contains('.') {
                        Err(error())
                    } else {
                        checked(label, 1).map(Self::AnySuffix)
                    }
                } else {
                    checked(written, 2).map(Self::Suffix)
                }
            }
        }
    }

    /// Whether `host` is meant, seen from a page on the host `site`. Both in lower case.
    pub fn matches(&self, host: &str, site: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Site => party_of(host, site) == Party::First,
            Self::AnySuffix(label) => registrable_domain(host)
                .split_once('.')
                .is_some_and(|(first, _)| first == label),
            Self::Suffix(suffix) => host
                .strip_suffix(suffix.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
            Self::Exact(exact) => host == exact,
        }
    }

    /// Whether it names a host of its own, which `@site` and `@any` do not.
    pub fn is_named(&self) -> bool {
        !matches!(self, Self::Any | Self::Site)
    }

    /// How narrow it is: the longer the host the higher, an exact one above its own suffix.
    pub fn narrowness(&self) -> usize {
        match self {
            Self::Any => 0,
            Self::Site => 1,
            Self::AnySuffix(label) => 2 + 2 * label.len(),
            Self::Suffix(suffix) => 2 + 2 * suffix.len(),
            Self::Exact(exact) => 3 + 2 * exact.len(),
        }
    }
}

/// A label of a host name in punycode; the underscore occurs in practice.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
        })
}

impl TryFrom<String> for HostPattern {
    type Error = HostError;

    fn try_from(written: String) -> Result<Self, HostError> {
        Self::parse(&written)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl std::fmt::Display for HostPattern {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Any => formatter.write_str("@any"),
            Self::Site => formatter.write_str("@site"),
            Self::AnySuffix(label) => write!(formatter, "{label}.*"),
            Self::Suffix(suffix) => formatter.write_str(suffix),
            Self::Exact(exact) => write!(formatter, "={exact}"),
        }
    }
}

impl JsonSchema for HostPattern {
    fn schema_name() -> Cow<'static, str> {
        "HostPattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "`example.com` with its subdomains, `=example.com` alone, `example.*` under any public suffix, `@site`, `@any`.",
            "pattern": r"^(@site|@any|[a-z0-9_-]+\.\*|=?([a-z0-9_-]+\.)+[a-z0-9_-]+)$",
        })
    }
}

/// The paths a rule is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PathPattern {
    written: Box<str>,
    /// Only where it holds a `*`.
    glob: Option<Glob>,
}

impl PathPattern {
    /// Reads a path.
    pub fn parse(written: &str) -> Result<Self, HostError> {
        if !written.starts_with('/') || written.len() > 256 || written.contains(['?', '#']) {
            return Err(HostError::Path(written.chars().take(80).collect()));
        }
        let glob = written.contains('*').then(|| {
            let mut pieces = Vec::new();
            for (place, literal) in written.split('*').enumerate() {
                if place > 0 {
                    pieces.push(Piece::Run {
                        class: Class::Any,
                        least: 0,
                        most: None,
                    });
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(literal.into()));
                }
            }
            Glob::new(pieces)
        });
        Ok(Self {
            written: written.into(),
            glob,
        })
    }

    /// Whether `path` is meant.
    pub fn matches(&self, path: &str) -> bool {
        let open = self.written.ends_with(['*', '/']);
        let ends_well = |rest: &[u8]| open || rest.is_empty() || rest.starts_with(b"/");
        match &self.glob {
            Some(glob) => glob.fits_beginning(path, ends_well),
            None => path
                .strip_prefix(&*self.written)
                .is_some_and(|rest| ends_well(rest.as_bytes())),
        }
    }

    /// How narrow it is: its length without wildcards.
    pub fn narrowness(&self) -> usize {
        self.written.len() - self.written.matches('*').count()
    }

    /// As its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl TryFrom<String> for PathPattern {
    type Error = HostError;

    fn try_from(written: String) -> Result<Self, HostError> {
        Self::parse(&written)
    }
}

impl From<PathPattern> for String {
    fn from(pattern: PathPattern) -> Self {
        pattern.written.into()
    }
}

impl JsonSchema for PathPattern {
    fn schema_name() -> Cow<'static, str> {
        "PathPattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A path and what lies below it; `*` stands for any characters.",
            "pattern": "^/[^?#]*$",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_match_on_label_borders() {
        for (pattern, host, fits) in [
            ("kustomerapp.com", "kustomerapp.com", true),
            ("kustomerapp.com", "belletire.api.kustomerapp.com", true),
            ("kustomerapp.com", "notkustomerapp.com", false),
            ("kustomerapp.com", "kustomerapp.com.evil.test", false),
            ("=kustomerapp.com", "kustomerapp.com", true),
            ("=kustomerapp.com", "cdn.kustomerapp.com", false),
            ("google.*", "google.de", true),
            ("google.*", "www.google.co.uk", true),
            ("google.*", "google.evil.com", false),
            ("google.*", "notgoogle.com", false),
            ("google.*", "google", false),
            ("@site", "stats.shop.test", true),
            ("@site", "other.test", false),
            ("@any", "other.test", true),
        ] {
            let parsed = HostPattern::parse(pattern).unwrap();
            assert_eq!(
                parsed.matches(host, "www.shop.test"),
                fits,
                "{pattern} against {host}"
            );
            assert_eq!(parsed.to_string(), pattern);
        }
    }

    #[test]
    fn malformed_hosts_are_refused() {
        for bad in [
            "",
            "com",
            "Example.com",
            "*.example.com",
            "a..b",
            ".a.b",
            "a.b.",
            "@all",
            "a b.c",
            "=com",
            "a.b.*",
            "é.fr",
        ] {
            assert!(HostPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn narrower_hosts_come_first() {
        let order = ["@any", "@site", "a.co", "=a.co", "b.a.co"];
        let ranks: Vec<usize> = order
            .iter()
            .map(|host| HostPattern::parse(host).unwrap().narrowness())
            .collect();
        assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    }

    #[test]
    fn paths_match_on_segment_borders() {
        for (pattern, path, fits) in [
            ("/tr", "/tr", true),
            ("/tr", "/tr/", true),
            ("/tr", "/tr/x", true),
            ("/tr", "/track", false),
            ("/ads/", "/ads/x", true),
            ("/ads/", "/ads", false),
            ("/", "/anything", true),
            ("/g/*/collect", "/g/v2/collect", true),
            ("/g/*/collect", "/g/v2/collector", false),
            ("/g/*/collect", "/g/v2/collector/collect", true),
            ("/hotjar-*", "/hotjar-123.js", true),
            ("/hotjar-*", "/hotjar", false),
            ("/*/x/", "/a/x/b", true),
            ("/a.b", "/axb", false),
        ] {
            assert_eq!(
                PathPattern::parse(pattern).unwrap().matches(path),
                fits,
                "{pattern} against {path}"
            );
        }
        for bad in ["", "tr", "/a?b", "/a#b"] {
            assert!(PathPattern::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(text in ".{0,40}", host in ".{0,40}", site in ".{0,40}") {
            if let Ok(pattern) = HostPattern::parse(&text) {
                pattern.matches(&host, &site);
            }
            if let Ok(pattern) = PathPattern::parse(&format!("/{text}")) {
                pattern.matches(&host);
            }
        }

        #[test]
        fn a_host_covers_its_subdomains_only(sub in "[a-z]{1,8}") {
            let pattern = HostPattern::parse("vendor.test").unwrap();
            let (below, beside) = (format!("{sub}.vendor.test"), format!("{sub}vendor.test"));
            prop_assert!(pattern.matches(&below, "shop.test"));
            prop_assert!(!pattern.matches(&beside, "shop.test"));
        }
    }
}
