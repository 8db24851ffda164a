//! All that one visit recorded: raw facts, no opinions.
//!
//! Every `at_ms` is in milliseconds since the visit began.

mod request;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::Party;
use super::value::Value;
use super::visit::PhaseName;
pub use request::{Ahead, AnsweredBy, BodyParameter, Header, Message, RedirectHop, Request};

/// All that one visit recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Cookies ever written, alive or not, and those the browser refused.
    pub cookies: Vec<Cookie>,
    /// Entries of local and session storage ever written, of every frame.
    pub storage: Vec<StorageEntry>,
    /// Requests of the page, its frames and its workers; every hop of a redirect is one.
    pub requests: Vec<Request>,
    /// What the site says of the visitor's consent.
    pub signals: Vec<Signal>,
    /// Scripts the page loaded from the network.
    pub scripts: Vec<Script>,
    /// What scripts read that fingerprints of a device are made of.
    #[serde(default)]
    pub fingerprinting: Vec<FingerprintRead>,
}

/// A place in a script.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct ScriptPlace {
    /// The script's URL; the page's own for inline scripts.
    pub url: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The function, where it has a name.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub function: String,
}

/// Who wrote a cookie or a storage entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Setter {
    /// A `Set-Cookie` header.
    Response {
        /// URL of the response that carried it.
        url: String,
    },
    /// A script.
    Script {
        /// The innermost place first.
        stack: Vec<ScriptPlace>,
    },
}

impl Setter {
    /// The URL of the response or of the innermost script.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Response { url } => Some(url),
            Self::Script { stack } => stack.first().map(|place| place.url.as_str()),
        }
    }
}

/// One write of a cookie or a storage entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Write {
    /// When.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// What was written.
    pub value: Value,
    /// The lifetime asked for in seconds; absent for a session item, zero or less for a deletion.
    pub lifetime_s: Option<i64>,
    /// The write removed the item.
    pub deleted: bool,
    /// Who wrote; absent when only the result was seen.
    pub set_by: Option<Setter>,
}

/// Where a cookie was sent, once for each host and phase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sent {
    /// First time.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// To which host.
    pub host: String,
    /// How many requests carried it.
    pub count: u32,
}

/// A cookie ever written, or refused by the browser.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its domain without a leading dot.
    pub domain: String,
    /// Sent to that host only, not to its subdomains.
    pub host_only: bool,
    /// Its path.
    pub path: String,
    /// The top-level site it is partitioned by (CHIPS).
    pub partition_key: Option<String>,
    /// Only over HTTPS.
    pub secure: bool,
    /// Hidden from scripts.
    pub http_only: bool,
    /// `Strict`, `Lax`, `None`, or absent.
    pub same_site: Option<String>,
    /// First or third party, seen from the page's final address.
    pub party: Party,
    /// The last value written.
    pub value: Value,
    /// The longest lifetime any write asked for, in seconds; absent for a session cookie.
    ///
    /// Read from `Set-Cookie` and from the setter's argument: Chromium caps what it stores at 400 days.
    pub lifetime_s: Option<i64>,
    /// The lifetime the browser stored, in seconds.
    pub stored_lifetime_s: Option<i64>,
    /// Who wrote it first.
    pub set_by: Option<Setter>,
    /// Why the browser refused it (CDP `Network.SetCookieBlockedReason`); empty when it was stored.
    pub blocked: Vec<String>,
    /// When it was first written.
    pub at_ms: u64,
    /// In which phase it was first written.
    pub phase: PhaseName,
    /// Every write, in order.
    pub writes: Vec<Write>,
    /// Where it was sent.
    pub sent: Vec<Sent>,
    /// In the browser's jar at the end of the visit.
    pub alive: bool,
}

/// Which storage area of the browser.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// `localStorage`.
    LocalStorage,
    /// `sessionStorage`.
    SessionStorage,
}

/// An entry of local or session storage ever written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StorageEntry {
    /// Which area.
    pub kind: StorageKind,
    /// Origin of the frame it belongs to, such as `https://shop.test`.
    pub origin: String,
    /// The top-level site it is partitioned by, when that is another one.
    pub partition: Option<String>,
    /// Its key.
    pub key: String,
    /// First or third party, seen from the page's final address.
    pub party: Party,
    /// The last value written.
    pub value: Value,
    /// Who wrote it first.
    pub set_by: Option<Setter>,
    /// When it was first written.
    pub at_ms: u64,
    /// In which phase it was first written.
    pub phase: PhaseName,
    /// Every write, in order.
    pub writes: Vec<Write>,
    /// Present at the end of the visit.
    pub alive: bool,
}

/// One step on the way from a request up to the root tag in the page.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct InitiatorStep {
    /// `script`, `parser`, `preload`, `preflight`, `redirect`, `worker`, `other` …
    pub kind: String,
    /// The script or document that asked.
    pub url: String,
    /// Line, from 1; zero when unknown.
    pub line: u32,
    /// Column, from 1; zero when unknown.
    pub column: u32,
}

/// The frame a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameRef {
    /// URL of the frame's document.
    pub url: String,
    /// It is the page itself.
    pub top: bool,
}

/// The worker a request belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkerRef {
    /// `worker`, `shared_worker` or `service_worker`.
    pub kind: String,
    /// URL of the worker's script.
    pub url: String,
}

/// A statement of the site about the visitor's consent: a consent platform's record, a TC string, a consent-mode call.
///
/// One is kept for each phase in which it was read: what is said before the choice, after it and
/// after the reload stands side by side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Signal {
    /// `cmp-record`, `cmp-api`, `tc-string`, `consent-mode`, `consent-command`, `tcf-api`, `gpp`,
    /// `us-privacy`, `gpc`.
    pub kind: String,
    /// Where it was read: cookie, storage key or function name.
    pub source: String,
    /// What it says, decoded: purposes or categories and whether they are granted.
    pub grants: Vec<Grant>,
    /// The visitor's answer is in it, not a default.
    pub explicit: bool,
    /// When it was read.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// What it says word for word, where that is a string such as a TC string.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub value: Option<Value>,
    /// The command, where the page gave one to its tags.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<Command>,
    /// What else it says, in the words of its specification, such as `event-status: cmpuishown`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub facts: BTreeMap<String, String>,
}

/// A consent command of the page to its tags, such as `gtag('consent', 'default', …)`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Command {
    /// `default`, `update`, `grant`, `revoke`, `consent`, `consentv2`.
    pub name: String,
    /// Its place in the queue, from 0.
    pub position: u32,
    /// Regions it holds for (ISO 3166-1 alpha-2 or 3166-2); empty when it holds everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub regions: Vec<String>,
    /// How long tags are asked to wait for an update, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wait_for_update_ms: Option<u64>,
    /// Whether a tag had been started before it: a `config`, an `event` or a container stands earlier
    /// in the queue. Absent where the queue does not tell.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after_first_tag: Option<bool>,
}

/// One category or purpose of a consent signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// The site's own name for it.
    pub name: String,
    /// Allowed or not.
    pub granted: bool,
    /// A category that cannot be refused.
    pub necessary: bool,
}

/// A script the page loaded from the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Script {
    /// Its URL.
    pub url: String,
    /// First or third party, seen from the page's final address.
    pub party: Party,
    /// When it was asked for.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// Who loaded it, up to the root tag in the page.
    pub initiator_chain: Vec<InitiatorStep>,
}

/// A way to tell devices apart without storing anything.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// Text drawn on a canvas and read back.
    Canvas,
    /// Many fonts measured or asked for, to find out which are installed.
    Fonts,
    /// Parameters and extensions of the graphics card.
    Webgl,
    /// Sound computed and read back.
    Audio,
    /// Network addresses asked for through WebRTC.
    Webrtc,
    /// High-entropy client hints.
    ClientHints,
    /// The battery's state.
    Battery,
    /// Motion and light sensors.
    Sensors,
}

/// What one script read that fingerprints of a device are made of, in one phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FingerprintRead {
    /// URL of the script; empty when it has none.
    pub script: String,
    /// First or third party, by the script's host.
    pub party: Party,
    /// Origin of the frame or worker it ran in.
    pub origin: String,
    /// When it first read.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// How often it called what, such as `canvas.toDataURL`; counted up to 400 for each document.
    pub calls: BTreeMap<String, u64>,
    /// The techniques its calls amount to; empty for a read that alone tells little.
    pub techniques: Vec<Technique>,
    /// The first call, innermost place first.
    pub stack: Vec<ScriptPlace>,
}
