//! Requests to the addresses of channels: whoever may add a channel must not reach the inside of our
//! network with it.
//!
//! The address that is looked at is the one that is connected to; redirects are answers, not ways.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use ipnet::IpNet;
use jiff::Timestamp;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::crawl::manners::retry_after;
use crate::proxy::Resolve as _;
use crate::proxy::addresses::may_be_reached;
use crate::report::shown;
use crate::service::{Names, Options};

/// Longest time for one request with its answer.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(15);
/// Longest time for looking a name up.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
/// Addresses of a host that are tried.
const MOST_ADDRESSES: usize = 4;
/// How much of an answer is read, in bytes, and how much of it is kept, in characters.
const READ: u64 = 2_048;
const KEPT: usize = 200;

/// A request.
pub(super) struct Request {
    /// `POST` or `PUT`.
    pub(super) method: &'static str,
    /// Where to. It may be a secret, and is said nowhere.
    pub(super) url: String,
    /// Headers beside those every request has.
    pub(super) headers: Vec<(&'static str, String)>,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status code.
    pub(super) status: u16,
    /// How long to leave the other side alone, if it said so.
    pub(super) retry_after: Option<Duration>,
    /// The beginning of the body, printable.
    pub(super) text: String,
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoAnswer {
    /// An address that may not be reached.
    #[error("{INSIDE}")]
    Inside,
    /// No connection, no trust, no time.
    #[error("{0}")]
    Failed(String),
}

/// What is said of an address that may not be reached.
pub(super) const INSIDE: &str = "the address leads inside the network; `consentinel serve --allow-net` allows networks of one's own";

/// Looks names up, and knows no address that may not be reached.
#[derive(Debug, Clone)]
pub(super) struct Vetted {
    names: Names,
    allowed: Vec<IpNet>,
}

impl Vetted {
    /// What a service may reach.
    pub(super) fn of(options: &Options) -> Self {
        Self {
            names: options.names.clone(),
            allowed: options.bounds.allowed.clone(),
        }
    }

    /// The addresses of a host, if all of them may be reached: which is taken would be chance.
    pub(super) async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::time::timeout(LOOKUP_LIMIT, self.names.0.resolve(bare)).await;
        let found = found.ok().and_then(Result::ok).unwrap_or_default();
        if found.is_empty() {
            return Err(NoAnswer::Failed("there is no such host".to_owned()));
        }
        if found
            .iter()
            .all(|address| may_be_reached(*address, &self.allowed))
        {
            Ok(found)
        } else {
            Err(NoAnswer::Inside)
        }
    }
}

impl Resolver for Vetted {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let usual = if uri.scheme_str() == Some("http") {
            80
        } else {
            443
        };
        let port = uri.port_u16().unwrap_or(usual);
        let host = uri.host().ok_or(ureq::Error::HostNotFound)?;
        // Requests are sent on threads that may block, which belong to the runtime.
        let found = tokio::runtime::Handle::current()
            .block_on(self.addresses(host))
            .map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let mut resolved = self.empty();
        for address in found.into_iter().take(MOST_ADDRESSES) {
            resolved.push(SocketAddr::new(address, port));
        }
        Ok(resolved)
    }
}

/// Sends a request. Blocks until it is answered, or 15 seconds.
pub(super) fn send(request: Request, vetted: Vetted) -> Result<Answer, NoAnswer> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(TIME_LIMIT))
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        // A proxy of the environment would connect where it likes.
        .proxy(None)
        .user_agent(concat!("consentinel/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), vetted);
    let mut builder = ureq::http::Request::builder()
        .method(request.method)
        .uri(request.url)
        .header("content-type", "application/json");
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    let request = builder.body(request.body).map_err(|_wrong| {
        // The reason may name the address.
        NoAnswer::Failed("the address cannot be sent to".to_owned())
    })?;
    let mut response = agent.run(request).map_err(no_answer)?;
    let header = |name: &str| response.headers().get(name)?.to_str().ok();
    let retry_after = header("retry-after").and_then(|value| retry_after(value, Timestamp::now()));
    let status = response.status().as_u16();
    let mut body = Vec::new();
    // What was read before it broke off is what there is.
    if let Err(error) = response
        .body_mut()
        .as_reader()
        .take(READ)
        .read_to_end(&mut body)
    {
        tracing::debug!(%error, "the rest of an answer is missing");
    }
    Ok(Answer {
        status,
        retry_after,
        text: shown(&String::from_utf8_lossy(&body), KEPT),
    })
}

/// Why there was no answer, without the address.
fn no_answer(error: ureq::Error) -> NoAnswer {
    match error {
        ureq::Error::Other(error) => match error.downcast::<NoAnswer>() {
            Ok(error) => *error,
            Err(_) => NoAnswer::Failed("the request could not be made".to_owned()),
        },
        ureq::Error::Timeout(_) => {
            NoAnswer::Failed(format!("no answer within {} seconds", TIME_LIMIT.as_secs()))
        }
        ureq::Error::Io(error) => NoAnswer::Failed(shown(&format!("no connection: {error}"), KEPT)),
        ureq::Error::Rustls(error) => {
            NoAnswer::Failed(shown(&format!("no secure connection: {error}"), KEPT))
        }
        ureq::Error::ConnectionFailed => NoAnswer::Failed("no connection".to_owned()),
        _ => NoAnswer::Failed("the answer cannot be understood".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_inside_is_not_reached_in_any_form() {
        for url in [
            "http://127.0.0.1:1/",
            "http://localhost:1/",
            "http://2130706433:1/",
            "http://0x7f.1:1/",
            "http://[::1]:1/",
            "http://[::ffff:127.0.0.1]:1/",
            "http://169.254.169.254/latest/meta-data/",
            "http://10.0.0.1/",
        ] {
            let request = Request {
                method: "POST",
                url: url.to_owned(),
                headers: Vec::new(),
                body: Vec::new(),
            };
            let vetted = Vetted::of(&Options::default());
            let sent = tokio::task::spawn_blocking(move || send(request, vetted))
                .await
                .unwrap();
            assert!(matches!(sent, Err(NoAnswer::Inside)), "{url}: {sent:?}");
        }
    }
}
