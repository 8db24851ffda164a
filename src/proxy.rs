//! A filtering proxy of our own in front of the browser: whoever may have any address audited must not
//! reach the inside of our network with it.
//!
//! The browser asks for everything through here: pages, sub-resources, redirects, sockets. Names are
//! looked up here, and the connection goes to one of the very addresses that were looked at, so that a
//! name cannot mean something else a moment later (DNS rebinding).

pub mod addresses;
mod counted;
mod resolve;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HOST, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use counted::{Allowance, Counted};
pub use resolve::{Found, Resolve, SystemResolver};

/// How long looking a name up and connecting may take, each.
const LOOKUP_LIMIT: Duration = Duration::from_secs(10);
const CONNECT_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection may carry nothing.
const IDLE_LIMIT: Duration = Duration::from_mins(2);
/// Most connections at a time; a page that opens more waits.
const MOST_CONNECTIONS: usize = 512;
/// Most refusals kept; all are counted.
const MOST_REFUSALS: usize = 1_000;

/// Headers that are about one connection and not passed on (RFC 9110, 7.6.1).
const HOP_BY_HOP: [&str; 8] = [
    "proxy-connection",
    "proxy-authorization",
    "proxy-authenticate",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What may be reached.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Networks that may be reached though they are not the public internet's.
    pub allowed: Vec<IpNet>,
    /// Most bytes carried in both directions; 0 for no limit. When they are used up, everything is refused.
    pub most_bytes: u64,
}

/// A connection that was asked for and not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The host as asked for.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Why.
    pub reason: Reason,
}

/// Why a connection was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An address of the inside.
    Inside,
    /// The name means nothing.
    Unknown,
    /// Nobody answered.
    Unreachable,
    /// The bytes are used up.
    SpentBytes,
}

/// A running proxy on loopback. Dropping it ends it with all its connections.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

struct Shared {
    policy: Policy,
    resolver: Box<dyn Resolve>,
    /// Single places on this machine that are ours and may be reached, by host and port.
    own: Mutex<Vec<(String, SocketAddr)>>,
    refusals: Mutex<VecDeque<Refusal>>,
    refused: AtomicU64,
    allowance: Arc<Allowance>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Shared")
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}

impl Proxy {
    /// Listens on loopback, on a port the system chooses.
    pub async fn start(policy: Policy, resolver: Box<dyn Resolve>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let allowance = Allowance::new(policy.most_bytes);
        let shared = Arc::new(Shared {
            policy,
            resolver,
            own: Mutex::default(),
            refusals: Mutex::default(),
            refused: AtomicU64::default(),
            allowance,
        });
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            _server: server,
        })
    }

    /// What the browser has to be started with: everything goes through the proxy, loopback too, and
    /// nothing finds a way around it.
    pub fn browser_switches(&self) -> Vec<String> {
        vec![
            format!("--proxy-server=http://{}", self.address),
            "--proxy-bypass-list=<-loopback>".to_owned(),
            // WebRTC would send datagrams by itself.
            "--webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned(),
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp".to_owned(),
            "--disable-quic".to_owned(),
        ]
    }

    /// Lets a server of our own on this machine be reached under a name, until it is taken back.
    pub fn admit(&self, host: &str, server: SocketAddr) {
        self.shared.own().push((host.to_ascii_lowercase(), server));
    }

    /// Takes back what was admitted for a server.
    pub fn dismiss(&self, server: SocketAddr) {
        self.shared.own().retain(|(_, known)| *known != server);
    }

    /// How many connections were refused, and the last of them.
    pub fn refusals(&self) -> (u64, Vec<Refusal>) {
        let kept = self
            .shared
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = self.shared.refused.load(Ordering::Relaxed);
        (count, kept.iter().cloned().collect())
    }

    /// Bytes carried so far, in both directions.
    pub fn bytes(&self) -> u64 {
        self.shared.allowance.carried()
    }
}

impl Shared {
    fn own(&self) -> std::sync::MutexGuard<'_, Vec<(String, SocketAddr)>> {
        self.own.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, host: &str, port: u16, reason: Reason) -> Reason {
        tracing::debug!(host, port, ?reason, "a connection was refused");
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut kept = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_REFUSALS {
            kept.pop_front();
        }
        kept.push_back(Refusal {
            host: host.chars().take(255).collect(),
            port,
            reason,
        });
        reason
    }

    /// The addresses of a host, if all of them may be reached.
    ///
    /// One address of the inside among several is reason enough: which of them is taken would be chance.
    async fn vetted(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, Reason> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::time::timeout(LOOKUP_LIMIT, self.resolver.resolve(bare)).await;
        let found = found.ok().and_then(Result::ok).unwrap_or_default();
        if found.is_empty() {
            return Err(self.note(host, port, Reason::Unknown));
        }
        let allowed = &self.policy.allowed;
        if found
            .iter()
            .any(|address| !addresses::may_be_reached(*address, allowed))
        {
            return Err(self.note(host, port, Reason::Inside));
        }
        Ok(found
            .into_iter()
            .map(|address| SocketAddr::new(address, port))
            .collect())
    }

    /// Connects to a host if all it means may be reached.
    async fn connect(&self, host: &str, port: u16) -> Result<Counted, Reason> {
        if self.allowance.is_spent() {
            return Err(self.note(host, port, Reason::SpentBytes));
        }
        let own = self
            .own()
            .iter()
            .find(|(name, server)| name.eq_ignore_ascii_case(host) && server.port() == port)
            .map(|(_, server)| *server);
        let addresses = if let Some(server) = own {
            vec![server]
        } else {
            self.vetted(host, port).await?
        };
        match tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(&addresses[..])).await {
            Ok(Ok(stream)) => Ok(Counted::new(stream, Arc::clone(&self.allowance))),
            _ => Err(self.note(host, port, Reason::Unreachable)),
        }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.len() >= MOST_CONNECTIONS {
            connections.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file handles, most likely; some come back when connections end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let tunnels = Arc::new(Mutex::new(JoinSet::new()));
            let service = service_fn(|request| answer(request, &shared, &tunnels));
            let served = hyper::server::conn::http1::Builder::new()
                .preserve_header_case(true)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
            if let Err(error) = served {
                tracing::trace!(%error, "a connection of the browser ended");
            }
            let mut tunnels =
                std::mem::take(&mut *tunnels.lock().unwrap_or_else(PoisonError::into_inner));
            while tunnels.join_next().await.is_some() {}
        });
    }
}

type Body = BoxBody<Bytes, hyper::Error>;
/// The tunnels of one connection of the browser; they end with it.
type Tunnels = Arc<Mutex<JoinSet<()>>>;

/// A refusal ends the connection without a word: an answer of ours would be taken for the site's.
#[derive(Debug, thiserror::Error)]
enum NotServed {
    #[error("refused: {0:?}")]
    Refused(Reason),
    #[error("not a request for a proxy")]
    NotForAProxy,
    #[error("no path of a request")]
    Path(#[from] hyper::http::uri::InvalidUri),
    #[error(transparent)]
    Http(#[from] hyper::Error),
}

async fn answer(
    request: Request<Incoming>,
    shared: &Arc<Shared>,
    tunnels: &Tunnels,
) -> Result<Response<Body>, NotServed> {
    let host = request
        .uri()
        .host()
        .ok_or(NotServed::NotForAProxy)?
        .to_owned();
    if request.method() == Method::CONNECT {
        let port = request.uri().port_u16().ok_or(NotServed::NotForAProxy)?;
        let outside = shared
            .connect(&host, port)
            .await
            .map_err(NotServed::Refused)?;
        tunnels
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .spawn(async move {
                if let Ok(inside) = hyper::upgrade::on(request).await {
                    carry(TokioIo::new(inside), outside).await;
                }
            });
        return Ok(Response::new(nothing()));
    }
    let port = match request.uri().scheme_str() {
        Some("http") => request.uri().port_u16().unwrap_or(80),
        _ => return Err(NotServed::NotForAProxy),
    };
    let outside = shared
        .connect(&host, port)
        .await
        .map_err(NotServed::Refused)?;
    pass_on(request, outside).await
}

fn nothing() -> Body {
    Empty::new().map_err(|never| match never {}).boxed()
}

/// Carries a request over plain HTTP to its server, one connection for each.
async fn pass_on(
    mut request: Request<Incoming>,
    outside: Counted,
) -> Result<Response<Body>, NotServed> {
    let authority = request
        .uri()
        .authority()
        .cloned()
        .ok_or(NotServed::NotForAProxy)?;
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    *request.uri_mut() = path.parse::<Uri>()?;
    without_hop_by_hop(request.headers_mut());
    if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
        request.headers_mut().insert(HOST, host);
    }
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .preserve_header_case(true)
        .handshake(TokioIo::new(outside))
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::trace!(%error, "a connection to a server ended");
        }
    });
    let mut response = sender.send_request(request).await?;
    without_hop_by_hop(response.headers_mut());
    Ok(response.map(BodyExt::boxed))
}

/// Takes out what is about one connection, also what its `Connection` header names.
fn without_hop_by_hop(headers: &mut hyper::HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    headers.remove(CONNECTION);
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Carries bytes both ways until both sides ended, nothing comes for long, or the bytes are used up.
async fn carry(mut inside: TokioIo<Upgraded>, mut outside: Counted) {
    let carried = outside.own_bytes();
    let idle = async {
        let mut seen = 0;
        loop {
            tokio::time::sleep(IDLE_LIMIT).await;
            let now = carried.load(Ordering::Relaxed);
            if now == seen {
                return;
            }
            seen = now;
        }
    };
    tokio::select! {
        ended = tokio::io::copy_bidirectional(&mut inside, &mut outside) => {
            if let Err(error) = ended {
                tracing::trace!(%error, "a tunnel broke");
            }
        }
        () = idle => {}
    }
}

#[cfg(test)]
mod tests;
