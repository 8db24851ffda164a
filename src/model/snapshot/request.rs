//! Network requests: what was asked, what went along, what came back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FrameRef, InitiatorStep, WorkerRef};
use crate::model::party::Party;
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// An earlier hop of a redirected request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RedirectHop {
    /// Where it went.
    pub url: String,
    /// The redirect's HTTP status.
    pub status: u16,
    /// Names of the cookies it set.
    pub set_cookies: Vec<String>,
}

/// A header of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Header {
    /// Its name in lower case.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// One field of a request's body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BodyParameter {
    /// Its name: a form field, or a path such as `events[0].user.id` in JSON.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// Who answered a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AnsweredBy {
    /// The server, over the network; also when only the disk cache's copy was confirmed.
    Network,
    /// The page's memory, without asking anybody (CDP `Network.requestServedFromCache`).
    MemoryCache,
    /// The browser's HTTP cache.
    DiskCache,
    /// A copy fetched ahead, which is a request of its own.
    PrefetchCache,
    /// A service worker; what it asked for itself is a request of its own.
    ServiceWorker,
    /// The browser itself: a redirect to HTTPS that no server asked for in this visit (HSTS).
    Browser,
    /// Nobody, or nobody was heard: the request failed, was still open, or outlived its page.
    #[default]
    Nobody,
}

/// Why something was fetched before it was needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ahead {
    /// `<link rel=preload>` or `modulepreload`: for this page.
    Preload,
    /// `<link rel=prefetch>` or speculation rules: for a page that may come next.
    Prefetch,
    /// Speculation rules: a page that may come next, already run.
    Prerender,
}

/// A message on an open connection: a WebSocket frame or an event of an event stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Message {
    /// Sent by the page; received otherwise.
    pub sent: bool,
    /// When.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// The WebSocket frame's opcode (RFC 6455): 1 text, 2 binary; absent for an event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opcode: Option<u8>,
    /// The event's name; absent for a frame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event: Option<String>,
    /// Length of the payload in bytes.
    pub length: usize,
    /// The payload: text as it is, bytes in base64.
    pub payload: Value,
}

/// One network request; every hop of a redirect is one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Request {
    /// Unique within the visit.
    pub id: String,
    /// Where to.
    pub url: String,
    /// HTTP method.
    pub method: String,
    /// CDP resource type: `Document`, `Script`, `Image`, `XHR`, `Fetch`, `Ping`, `Preflight`, `WebSocket` …
    pub resource_type: String,
    /// First or third party, seen from the page's final address.
    pub party: Party,
    /// The frame that asked.
    pub frame: Option<FrameRef>,
    /// The worker that asked.
    pub worker: Option<WorkerRef>,
    /// When.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// From the innermost script up to the root tag in the page.
    pub initiator_chain: Vec<InitiatorStep>,
    /// Earlier hops, first to last.
    pub redirect_chain: Vec<RedirectHop>,
    /// The id of the request a preflight asked leave for (CORS `OPTIONS`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preflight_of: Option<String>,
    /// Fetched before it was needed, and why.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ahead: Option<Ahead>,
    /// HTTP status of the response.
    pub status: Option<u16>,
    /// MIME type of the response.
    pub mime_type: Option<String>,
    /// Who answered.
    #[serde(default)]
    pub answered_by: AnsweredBy,
    /// Answered from one of the browser's caches, nothing was sent.
    pub from_cache: bool,
    /// Answered by a service worker.
    pub from_service_worker: bool,
    /// Why it failed, in the browser's words.
    pub failed: Option<String>,
    /// Why the browser did not let it through (CDP `Network.BlockedReason`), such as `csp`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub blocked: Option<String>,
    /// Why the page may not read the answer (CDP `Network.CorsError`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cors_error: Option<String>,
    /// Given up by the page or the browser before the answer was complete.
    #[serde(default)]
    pub cancelled: bool,
    /// Sent while its page was being left: seen when it was sent, its answer is not known.
    #[serde(default)]
    pub on_leaving: bool,
    /// Headers that matter, as sent: `cookie`, `referer`, `origin`, `sec-gpc`, `dnt`,
    /// `content-type`, `if-none-match`, `sec-purpose`.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// The body sent, if any.
    pub post_body: Option<Value>,
    /// The body's fields: of forms, of JSON, of batches with one record a line.
    #[serde(default)]
    pub body_parameters: Vec<BodyParameter>,
    /// How many fields were too many to be kept.
    #[serde(default)]
    pub body_parameters_left_out: u32,
    /// A body was sent, and the browser did not show it.
    #[serde(default)]
    pub body_unseen: bool,
    /// Names of the cookies sent with it.
    pub sent_cookies: Vec<String>,
    /// Names of the cookies its answer set.
    #[serde(default)]
    pub set_cookies: Vec<String>,
    /// Messages of a WebSocket or an event stream, in order.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub messages: Vec<Message>,
    /// How many messages were too many to be kept.
    #[serde(default)]
    pub messages_left_out: u32,
}
