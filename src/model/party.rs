//! Who is first party and who is third.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

/// Whether something belongs to the audited site or to somebody else.
///
/// Same registrable domain (Public Suffix List) is first party; anything else is third.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Party {
    /// The audited site itself.
    First,
    /// Another registrable domain.
    Third,
}

/// The registrable domain of a host name: `cdn.shop.example.co.uk` gives `example.co.uk`.
///
/// Addresses, single labels and public suffixes have none and are returned as they are.
/// A leading dot, as cookie domains carry it, is ignored.
pub fn registrable_domain(host: &str) -> &str {
    let host = host.trim_start_matches('.').trim_end_matches('.');
    if host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('[') {
        return host;
    }
    psl::domain_str(host).unwrap_or(host)
}

/// The party of `host` as seen from a page on `site_host`.
pub fn party_of(host: &str, site_host: &str) -> Party {
    if registrable_domain(host).eq_ignore_ascii_case(registrable_domain(site_host)) {
        Party::First
    } else {
        Party::Third
    }
}

/// The host of a URL, or an empty string for URLs that have none (`data:`, `blob:` of an opaque origin).
pub fn host_of(url: &str) -> String {
    Url::parse(url)
        .ok()
        .and_then(|url| match url.scheme() {
            "blob" => Url::parse(url.path())
                .ok()
                .and_then(|inner| inner.host_str().map(str::to_owned)),
            _ => url.host_str().map(str::to_owned),
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registrable_domains() {
        for (host, expected) in [
            ("www.example.com", "example.com"),
            (".example.com", "example.com"),
            ("a.b.example.co.uk", "example.co.uk"),
            ("shop.test", "shop.test"),
            ("www.shop.test", "shop.test"),
            ("127.0.0.1", "127.0.0.1"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(registrable_domain(host), expected, "{host}");
        }
    }

    #[test]
    fn subdomains_are_first_party_and_suffix_neighbours_are_not() {
        assert_eq!(party_of("cdn.shop.test", "www.shop.test"), Party::First);
        assert_eq!(party_of("notshop.test", "shop.test"), Party::Third);
        assert_eq!(party_of("b.github.io", "a.github.io"), Party::Third);
    }

    #[test]
    fn blob_urls_belong_to_their_origin() {
        assert_eq!(host_of("blob:https://shop.test/1234"), "shop.test");
        assert_eq!(host_of("data:text/plain,x"), "");
    }
}
