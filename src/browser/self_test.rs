//! Start-up self-test: does this browser store and return third-party cookies, and does it send
//! Global Privacy Control?
//!
//! A two-site page on loopback. Debian's Chromium refuses such cookies by default, and a refusal
//! nobody notices makes every site look innocent.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chromiumoxide::cdp::browser_protocol::target::CreateTargetParams;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::error::BrowserError;
use super::launch::Browser;

/// Two sites that browsers trust without TLS, so that `Secure` cookies work on them.
const SITE: &str = "one.localhost";
const OTHER_SITE: &str = "two.localhost";
/// A machine with much else to do starts its first page slowly.
const LIMIT: Duration = Duration::from_secs(30);
/// More than any request line and headers the browser sends here.
const LARGEST_REQUEST: usize = 16 * 1024;

/// The loopback server of the self-test. Started before the browser, because the browser is told its port.
#[derive(Debug)]
pub struct SelfTest {
    port: u16,
    seen: Arc<Seen>,
    answered: Arc<tokio::sync::Notify>,
    server: tokio::task::JoinHandle<()>,
}

/// What the server saw.
#[derive(Debug, Default)]
struct Seen {
    cookie: AtomicBool,
    gpc: AtomicBool,
}

/// What this browser does, as the self-test found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The third-party cookie came back.
    pub third_party_cookies: bool,
    /// `Sec-GPC: 1` came with the request.
    pub global_privacy_control: bool,
}

impl SelfTest {
    /// The hosts its server is asked under.
    pub const HOSTS: [&'static str; 2] = [SITE, OTHER_SITE];

    /// Where its server listens.
    pub fn server(&self) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Starts the server.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Seen::default());
        let answered = Arc::new(tokio::sync::Notify::new());
        let server = tokio::spawn(serve(
            listener,
            port,
            Arc::clone(&seen),
            Arc::clone(&answered),
        ));
        Ok(Self {
            port,
            seen,
            answered,
            server,
        })
    }

    /// Resolver rules that reach the server whatever else the user maps.
    pub fn resolver_rules(&self) -> Vec<String> {
        Self::HOSTS
            .iter()
            .map(|host| format!("MAP {host}:{0} 127.0.0.1:{0}", self.port))
            .collect()
    }

    /// Opens the page and reports what came back.
    pub async fn run(self, browser: &Browser) -> Result<Capabilities, BrowserError> {
        let context = browser.new_context().await?;
        let url = format!("http://{SITE}:{}/", self.port);
        let opened = browser
            .root()
            .call(CreateTargetParams {
                browser_context_id: Some(context.clone().into()),
                ..CreateTargetParams::new(url)
            })
            .await;
        if opened.is_ok() {
            // No answer in time is the answer no.
            drop(tokio::time::timeout(LIMIT, self.answered.notified()).await);
        }
        browser.dispose_context(&context).await?;
        self.server.abort();
        opened.map(|_| Capabilities {
            third_party_cookies: self.seen.cookie.load(Ordering::Relaxed),
            global_privacy_control: self.seen.gpc.load(Ordering::Relaxed),
        })
    }
}

async fn serve(
    listener: TcpListener,
    port: u16,
    seen: Arc<Seen>,
    answered: Arc<tokio::sync::Notify>,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (seen, answered) = (Arc::clone(&seen), Arc::clone(&answered));
        tokio::spawn(async move {
            if let Err(error) = answer(stream, port, &seen, &answered).await {
                tracing::debug!(%error, "self-test request not answered");
            }
        });
    }
}

async fn answer(
    mut stream: TcpStream,
    port: u16,
    seen: &Seen,
    answered: &tokio::sync::Notify,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0_u8; 2048];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") && request.len() < LARGEST_REQUEST
    {
        match stream.read(&mut buffer).await? {
            0 => break,
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let (headers, body) = if request.starts_with("GET /set") {
        let location = format!("http://{OTHER_SITE}:{port}/echo");
        (
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {location}\r\nSet-Cookie: probe=1; Path=/; Secure; SameSite=None\r\n"
            ),
            String::new(),
        )
    } else if request.starts_with("GET /echo") {
        let header = |name: &str, value: &str| {
            request.lines().any(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.contains(value))
            })
        };
        let cookie = header("cookie:", "probe=1");
        seen.cookie.store(cookie, Ordering::Relaxed);
        seen.gpc.store(header("sec-gpc:", "1"), Ordering::Relaxed);
        answered.notify_one();
        ("HTTP/1.1 204 No Content\r\n".to_owned(), String::new())
    } else {
        let body = format!(
            "<!doctype html><title>self-test</title><img src=\"http://{OTHER_SITE}:{port}/set\">"
        );
        (
            "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n".to_owned(),
            body,
        )
    };
    let length = body.len();
    stream
        .write_all(
            format!("{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}")
                .as_bytes(),
        )
        .await?;
    stream.shutdown().await
}
