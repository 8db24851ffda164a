//! Fetches a file the way a page would, with the browser's own network: its proxy, its certificates,
//! its names.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chromiumoxide::cdp::browser_protocol::io::{CloseParams, ReadParams};
use chromiumoxide::cdp::browser_protocol::network::{
    LoadNetworkResourceOptions, LoadNetworkResourceParams,
};
use chromiumoxide::cdp::browser_protocol::target::{AttachToTargetParams, CreateTargetParams};

use super::error::BrowserError;
use super::launch::Browser;
use super::session::Session;

/// How long a file may take to answer.
const LIMIT: Duration = Duration::from_secs(30);
/// How much is read at once, in bytes.
const PIECE: i64 = 1024 * 1024;

/// A file that was fetched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    /// HTTP status after redirects; 0 when there was none.
    pub status: u16,
    /// The file, cut at the limit.
    pub body: Vec<u8>,
}

/// An empty page that fetches files, in a profile of its own.
#[derive(Debug)]
pub struct Fetcher {
    root: Session,
    page: Session,
    frame: String,
    context: String,
}

impl Fetcher {
    /// Opens the page.
    pub async fn open(browser: &Browser) -> Result<Self, BrowserError> {
        let context = browser.new_context().await?;
        let created = browser
            .root()
            .call(CreateTargetParams {
                browser_context_id: Some(context.clone().into()),
                ..CreateTargetParams::new("about:blank")
            })
            .await?;
        let frame = created["targetId"].as_str().unwrap_or_default().to_owned();
        let attach = AttachToTargetParams {
            flatten: Some(true),
            ..AttachToTargetParams::new(frame.clone())
        };
        let attached = browser.root().call(attach).await?;
        let session = attached["sessionId"].as_str().unwrap_or_default();
        Ok(Self {
            root: browser.root().clone(),
            page: Session::attached(browser.connection().clone(), session),
            frame,
            context,
        })
    }

    /// Fetches a file, up to so many bytes. A server's refusal is an answer, too.
    pub async fn fetch(&self, url: &str, most_bytes: usize) -> Result<Fetched, BrowserError> {
        let mut load =
            LoadNetworkResourceParams::new(url, LoadNetworkResourceOptions::new(true, false));
        load.frame_id = Some(self.frame.clone().into());
        let answer = self.page.call_within(load, LIMIT).await?;
        let resource = &answer["resource"];
        let status = resource["httpStatusCode"].as_f64().unwrap_or_default() as u16;
        if resource["success"].as_bool() != Some(true) && status == 0 {
            let name = resource["netErrorName"].as_str().unwrap_or("no answer");
            return Err(BrowserError::Refused {
                method: "Network.loadNetworkResource".to_owned(),
                message: name.to_owned(),
            });
        }
        let mut body = Vec::new();
        if let Some(handle) = resource["stream"].as_str() {
            while body.len() < most_bytes {
                let read = ReadParams {
                    size: Some(PIECE),
                    ..ReadParams::new(handle.to_owned())
                };
                let piece = self.page.call_within(read, LIMIT).await?;
                let data = piece["data"].as_str().unwrap_or_default();
                if piece["base64Encoded"].as_bool() == Some(true) {
                    body.extend(BASE64.decode(data).unwrap_or_default());
                } else {
                    body.extend_from_slice(data.as_bytes());
                }
                if piece["eof"].as_bool() != Some(false) {
                    break;
                }
            }
            body.truncate(most_bytes);
            drop(self.page.send(CloseParams::new(handle.to_owned())));
        }
        Ok(Fetched { status, body })
    }

    /// Closes the page.
    pub async fn close(self) {
        let dispose =
            chromiumoxide::cdp::browser_protocol::target::DisposeBrowserContextParams::new(
                self.context,
            );
        if let Err(error) = self.root.call(dispose).await {
            tracing::debug!(%error, "the profile of the fetching page could not be thrown away");
        }
    }
}
