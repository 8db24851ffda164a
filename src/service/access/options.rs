//! How the service is reached, and by whom.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

/// API requests of one caller in a minute, unless somebody says otherwise.
pub const REQUESTS_A_MINUTE: u32 = 6_000;

/// How the service is reached, and by whom.
#[derive(Debug, Clone)]
pub struct AccessOptions {
    /// The address people reach it at, when that is not where it listens: behind a reverse proxy.
    pub public_url: Option<PublicUrl>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The certificate and its key, when the service speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Most requests of one caller in a minute.
    pub requests_a_minute: u32,
}

impl Default for AccessOptions {
    fn default() -> Self {
        Self {
            public_url: None,
            trusted_proxies: Vec::new(),
            tls: None,
            requests_a_minute: REQUESTS_A_MINUTE,
        }
    }
}

impl AccessOptions {
    /// Whether browsers reach the service over TLS, so that cookies must not go another way.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some() || self.public_url.as_ref().is_some_and(PublicUrl::is_secure)
    }

    /// Whether that is a proxy whose word is taken for whom it asks.
    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        let mut trusted = self.trusted_proxies.iter();
        trusted.any(|network| network.contains(&address))
    }

    /// How long a minute is for [`Self::requests_a_minute`].
    pub(super) const MINUTE: Duration = Duration::from_mins(1);
}

/// A certificate and its key in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate with those that vouch for it.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// The address people reach the service at: a scheme, a host, perhaps a port, nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl PublicUrl {
    /// Reads it; the error says what it has to be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = "expected an address such as https://audits.example.com, without a path";
        let url = Url::parse(text).map_err(|error| format!("{error}; {wrong}"))?;
        let is_plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        let is_anonymous = url.username().is_empty() && url.password().is_none();
        let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
        if is_plain && is_anonymous && is_web {
            Ok(Self(url))
        } else {
            Err(wrong.to_owned())
        }
    }

    /// Whether it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Its host, as browsers write it.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// As browsers name where a page came from: `https://audits.example.com`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_addresses_are_origins() {
        for (text, expected) in [
            (
                "https://audits.example.com",
                Some("https://audits.example.com"),
            ),
            (
                "https://audits.example.com/",
                Some("https://audits.example.com"),
            ),
            (
                "HTTP://Audits.Example.com:80",
                Some("http://audits.example.com"),
            ),
            ("http://[::1]:8484", Some("http://[::1]:8484")),
            ("https://audits.example.com/path", None),
            ("https://audits.example.com/?query", None),
            ("https://anna@audits.example.com", None),
            ("ftp://audits.example.com", None),
            ("audits.example.com", None),
            ("", None),
        ] {
            let read = PublicUrl::parse(text).ok();
            assert_eq!(read.map(|url| url.origin()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn tls_is_what_browsers_see() {
        let at = |text| AccessOptions {
            public_url: PublicUrl::parse(text).ok(),
            ..AccessOptions::default()
        };
        assert!(!AccessOptions::default().is_secure());
        assert!(!at("http://audits.example.com").is_secure());
        assert!(at("https://audits.example.com").is_secure());
    }
}
