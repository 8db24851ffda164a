//! Where a request comes from, and where it believes to go: pure functions over its headers.
//!
//! A page of somebody else can make a browser send requests to us, with the cookies it has for us. And
//! it can have its own name lead to our address (DNS rebinding), so that for the browser we are it.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Uri, header};

use super::options::AccessOptions;

/// Longest list of proxies that is read, in bytes.
const LONGEST_LIST: usize = 2_000;

/// The address a request comes from: of the peer, or what a trusted proxy says it was asked by.
pub(super) fn address(peer: IpAddr, headers: &HeaderMap, options: &AccessOptions) -> IpAddr {
    let mut address = peer.to_canonical();
    let lists = headers.get_all("x-forwarded-for").iter();
    let lists: Vec<&str> = lists.filter_map(|list| list.to_str().ok()).collect();
    let list = lists.join(",");
    let mut before = list.rsplit(',').map(str::trim);
    // Each proxy adds at the end whom it was asked by; only what a trusted one added is believed.
    while list.len() <= LONGEST_LIST && options.trusts(address) {
        let Some(said) = before.next().and_then(read_address) else {
            break;
        };
        address = said;
    }
    address
}

/// An address as proxies write it, with or without a port.
fn read_address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let with_port = || text.parse().map(|it: SocketAddr| it.ip());
    let address = bare.parse().or_else(|_| with_port()).ok()?;
    Some(IpAddr::to_canonical(&address))
}

/// The host a request names, as it is written, if it names exactly one.
pub(super) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().ok(),
        (None, None) => uri.authority().map(axum::http::uri::Authority::as_str),
        _ => None,
    }
}

/// A host without its port, in lower case, without the brackets of version 6.
fn name_of(host: &str) -> String {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.strip_prefix('[').map_or(name, |name| {
        name.strip_suffix(']').unwrap_or("") // Never closed: no host at all.
    });
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// Whether the service goes by that host. The port is no matter: containers and proxies change it, and a
/// name that leads here by rebinding has the right one anyway.
pub(super) fn is_ours(host: &str, listen: IpAddr, options: &AccessOptions) -> bool {
    let name = name_of(host);
    if let Ok(address) = name.parse::<IpAddr>() {
        let address = address.to_canonical();
        // Who names an address was not led here by a name.
        return address.is_loopback()
            || address == listen.to_canonical()
            || listen.is_unspecified();
    }
    let public = options.public_url.as_ref();
    name == "localhost"
        || name.ends_with(".localhost")
        || public.is_some_and(|public| name_of(public.host()) == name)
}

/// Where a request that changes something was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provenance {
    /// On one of our own pages.
    Own,
    /// On a page of somebody else.
    Foreign,
    /// The client does not say; no browser of this decade.
    Untold,
}

/// Where a request was made, by what browsers say of it (`Sec-Fetch-Site`, else `Origin`), which no page
/// can make them say otherwise.
pub(super) fn provenance(headers: &HeaderMap, host: &str, options: &AccessOptions) -> Provenance {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    if let Some(site) = said("sec-fetch-site") {
        return match site {
            "same-origin" | "none" => Provenance::Own,
            _ => Provenance::Foreign,
        };
    }
    let Some(origin) = said("origin") else {
        return Provenance::Untold;
    };
    let public = options.public_url.as_ref();
    let is_public = public.is_some_and(|public| public.origin() == origin);
    let is_host = match origin.split_once("://") {
        Some(("https", named)) => named.eq_ignore_ascii_case(host),
        Some(("http", named)) => !options.is_secure() && named.eq_ignore_ascii_case(host),
        _ => false,
    };
    if is_public || is_host {
        Provenance::Own
    } else {
        Provenance::Foreign
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;
    use crate::service::access::options::PublicUrl;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    fn public(url: &str) -> AccessOptions {
        AccessOptions {
            public_url: Some(PublicUrl::parse(url).unwrap()),
            ..AccessOptions::default()
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let options = AccessOptions {
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()],
            ..AccessOptions::default()
        };
        for (peer, lists, expected) in [
            ("203.0.113.1", vec!["198.51.100.7"], "203.0.113.1"),
            ("10.0.0.1", vec![], "10.0.0.1"),
            ("10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", vec!["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", vec!["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
            (
                "10.0.0.1",
                vec!["1.1.1.1, 198.51.100.7, 10.9.9.9"],
                "198.51.100.7",
            ),
            ("10.0.0.1", vec!["1.1.1.1", "198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", vec!["nonsense"], "10.0.0.1"),
            ("10.0.0.1", vec!["nonsense, 10.2.2.2"], "10.2.2.2"),
            ("10.0.0.1", vec!["198.51.100.7:4711"], "198.51.100.7"),
            ("::1", vec!["[2001:db8::1]:4711"], "2001:db8::1"),
            ("::1", vec!["2001:db8::1"], "2001:db8::1"),
        ] {
            let pairs: Vec<_> = lists
                .iter()
                .map(|list| ("x-forwarded-for", *list))
                .collect();
            let address = address(peer.parse().unwrap(), &headers(&pairs), &options);
            assert_eq!(address.to_string(), expected, "{peer} {lists:?}");
        }
    }

    #[test]
    fn the_service_knows_its_names() {
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        let everywhere: IpAddr = "0.0.0.0".parse().unwrap();
        let lan: IpAddr = "192.168.1.5".parse().unwrap();
        let named = public("https://audits.example.com");
        let plain = AccessOptions::default();
        for (host, listen, options, expected) in [
            ("127.0.0.1:8484", loopback, &plain, true),
            ("127.0.0.1", loopback, &plain, true),
            ("localhost:9000", loopback, &plain, true),
            ("LocalHost.", loopback, &plain, true),
            ("shop.localhost:8484", loopback, &plain, true),
            ("[::1]:8484", loopback, &plain, true),
            ("192.168.1.5:8484", loopback, &plain, false),
            ("192.168.1.5:8484", lan, &plain, true),
            ("192.168.1.6:8484", lan, &plain, false),
            ("192.168.1.6:8484", everywhere, &plain, true),
            ("evil.example:8484", loopback, &plain, false),
            ("evil.example:8484", everywhere, &plain, false),
            ("localhost.evil.example", loopback, &plain, false),
            ("evillocalhost", loopback, &plain, false),
            ("audits.example.com", loopback, &plain, false),
            ("audits.example.com", loopback, &named, true),
            ("AUDITS.example.com:443", loopback, &named, true),
            ("evil.example", loopback, &named, false),
            ("[::1", loopback, &plain, false),
            ("", loopback, &plain, false),
            (":8484", loopback, &plain, false),
        ] {
            assert_eq!(is_ours(host, listen, options), expected, "{host} {listen}");
        }
    }

    #[test]
    fn one_host_is_named() {
        let nowhere = Uri::from_static("/path");
        let somewhere = Uri::from_static("http://b.example/path");
        for (pairs, uri, expected) in [
            (vec![("host", "a.example")], &nowhere, Some("a.example")),
            (vec![("host", "a.example")], &somewhere, Some("a.example")),
            (vec![], &somewhere, Some("b.example")),
            (vec![], &nowhere, None),
            (
                vec![("host", "a.example"), ("host", "b.example")],
                &nowhere,
                None,
            ),
        ] {
            assert_eq!(host(&headers(&pairs), uri), expected, "{pairs:?}");
        }
    }

    #[test]
    fn browsers_say_where_a_request_was_made() {
        use Provenance::{Foreign, Own, Untold};
        let plain = AccessOptions::default();
        let named = public("https://audits.example.com");
        for (pairs, options, expected) in [
            (vec![], &plain, Untold),
            (vec![("sec-fetch-site", "same-origin")], &plain, Own),
            (vec![("sec-fetch-site", "none")], &plain, Own),
            (vec![("sec-fetch-site", "same-site")], &plain, Foreign),
            (vec![("sec-fetch-site", "cross-site")], &plain, Foreign),
            (vec![("sec-fetch-site", "nonsense")], &plain, Foreign),
            // A page without a referrer sends no origin to its own site.
            (
                vec![("sec-fetch-site", "same-origin"), ("origin", "null")],
                &plain,
                Own,
            ),
            (
                vec![
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://a.test:8484"),
                ],
                &plain,
                Foreign,
            ),
            (vec![("origin", "http://a.test:8484")], &plain, Own),
            (vec![("origin", "http://a.test")], &plain, Foreign),
            (vec![("origin", "http://a.test:8485")], &plain, Foreign),
            (vec![("origin", "http://evil.example")], &plain, Foreign),
            (
                vec![("origin", "http://a.test:8484.evil.example")],
                &plain,
                Foreign,
            ),
            (vec![("origin", "null")], &plain, Foreign),
            (vec![("origin", "")], &plain, Foreign),
            (vec![("origin", "https://audits.example.com")], &named, Own),
            (vec![("origin", "https://a.test:8484")], &named, Own),
            // Whoever sits between could serve this page.
            (vec![("origin", "http://a.test:8484")], &named, Foreign),
            (
                vec![("origin", "http://audits.example.com")],
                &named,
                Foreign,
            ),
        ] {
            let came = provenance(&headers(&pairs), "a.test:8484", options);
            assert_eq!(came, expected, "{pairs:?}");
        }
    }

    proptest! {
        #[test]
        fn no_host_makes_it_panic(host in ".{0,60}") {
            let options = public("https://audits.example.com");
            let loopback = IpAddr::from([127, 0, 0, 1]);
            if is_ours(&host, loopback, &options) {
                let lower = host.to_ascii_lowercase();
                let known = ["localhost", "127.", "::", "audits.example.com"];
                prop_assert!(known.iter().any(|name| lower.contains(name)), "{host}");
            }
        }

        #[test]
        fn no_list_of_proxies_makes_it_panic(list in "[ -~]{0,80}") {
            let options = AccessOptions {
                trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
                ..AccessOptions::default()
            };
            let headers = headers(&[("x-forwarded-for", &list)]);
            address(IpAddr::from([10, 0, 0, 1]), &headers, &options);
        }
    }
}
