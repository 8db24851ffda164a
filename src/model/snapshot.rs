//! All that one visit recorded: raw facts, no opinions.
//!
//! Every `at_ms` is in milliseconds since the visit began.

mod request;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::party::Party;
use super::value::{Value, fingerprint};
use super::visit::PhaseName;
pub use request::{Ahead, AnsweredBy, BodyParameter, Header, Message, RedirectHop, Request};

/// All that one visit recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Cookies ever written, alive or not, and those the browser refused.
    pub cookies: Vec<Cookie>,
    /// Entries of every other storage ever written, of every frame and worker.
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
    /// What the page loaded that declares what is stored: consent platforms' lists and settings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
    /// Where the page says that its policy on cookies or privacy is, by the words of its links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_link: Option<String>,
    /// Everything the browser ran for the page: the page itself, frames of other processes, workers, pop-ups.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// Addresses of the same site the page links to, without fragments, each once; at most 2,000.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
    /// What the server asked for when it refused the page (`Retry-After`), word for word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
}

/// A text that has the form of a declaration of what is stored, word for word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Document {
    /// URL of the response, or the page's object, such as `window.klaroConfig`.
    pub source: String,
    /// When it was read.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// The text: JSON, or a script that holds it. Of what is longer than [`Document::LONGEST`] nothing is kept.
    pub text: Value,
}

impl Document {
    /// Longest text kept, in bytes.
    pub const LONGEST: usize = 1024 * 1024;
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

/// What a write did to the item.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Only the result was seen, or the snapshot is older than this question.
    #[default]
    Unknown,
    /// There was none before.
    Created,
    /// The value changed.
    Overwritten,
    /// The value stayed, the end moved: a later date, or a session cookie made to last.
    Extended,
    /// Neither value nor end changed for the longer.
    Unchanged,
    /// Somebody removed it.
    Deleted,
    /// Nobody wrote: its lifetime ran out during the visit.
    Expired,
    /// The browser did not store it.
    Refused,
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
    /// The item was gone afterwards: removed, or its lifetime ran out.
    pub deleted: bool,
    /// What it did.
    #[serde(default)]
    pub effect: Effect,
    /// Why the browser refused it (CDP `Network.SetCookieBlockedReason`); empty when it did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// Who wrote; absent when only the result was seen.
    pub set_by: Option<Setter>,
    /// A cookie's write word for word: the `Set-Cookie` line as it was received, or what a script gave to
    /// `document.cookie`. Absent for other storage, where only the result was seen, and in redacted reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
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

/// Where a cookie was not sent although it was there, once for each host, phase and reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withheld {
    /// First time.
    pub at_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// From which host.
    pub host: String,
    /// Why (CDP `Network.CookieBlockedReason`).
    pub reasons: Vec<String>,
    /// How many requests went without it.
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
    /// Where it was not sent, and why: another path, another site, no HTTPS, third-party cookies blocked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub withheld: Vec<Withheld>,
    /// Why the browser let it pass although it blocks third-party cookies (CDP `Network.CookieExemptionReason`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exemptions: Vec<String>,
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
    /// An object store of an IndexedDB database; a database without any.
    IndexedDb,
    /// A cache of the Cache API.
    CacheStorage,
    /// The registration of a service worker.
    ServiceWorker,
    /// Shared Storage. Chromium removed it; older browsers have it.
    SharedStorage,
}

/// An entry of the browser's storage ever written.
///
/// | kind | `key` | `value` |
/// |---|---|---|
/// | `local-storage`, `session-storage`, `shared-storage` | the key | the text |
/// | `indexed-db` | `database/store`, or `database` when it has no store | `{"records": 2, "entries": {"key": "value"}}` |
/// | `cache-storage` | the cache's name | `{"entries": 2, "urls": ["https://shop.test/logo.png"]}` |
/// | `service-worker` | its scope, a URL | URL of its script |
///
/// Counts are of the whole, the lists beside them are cut. An empty value means that it was seen to be
/// written, and gone before it could be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StorageEntry {
    /// Which area.
    pub kind: StorageKind,
    /// Origin of the frame or worker it belongs to, such as `https://shop.test`.
    pub origin: String,
    /// The top-level site it is partitioned by, when that is another one.
    ///
    /// `cross-site-ancestor` for a frame of the page's own site inside a frame of another.
    pub partition: Option<String>,
    /// Its key: see the table.
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

impl StorageEntry {
    /// The value of an object store without a record, and of a database without a store.
    pub const EMPTY_STORE: &str = r#"{"entries":{},"records":0}"#;

    /// An object store, or a database, that kept nothing whenever it was read.
    pub fn is_empty_store(&self) -> bool {
        let nothing = |value: &Value| {
            value.length == 0 || value.fingerprint == fingerprint(Self::EMPTY_STORE.as_bytes())
        };
        self.kind == StorageKind::IndexedDb
            && nothing(&self.value)
            && self.writes.iter().all(|write| nothing(&write.value))
    }
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

/// Something the browser ran for the page: a page, a frame in a process of its own, a worker (CDP target).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// Unique within the visit.
    pub id: String,
    /// `page`, `iframe`, `worker`, `shared_worker`, `service_worker`, `worklet`, `auction_worklet` … (CDP `TargetInfo.type`).
    pub kind: String,
    /// What a `page` or `iframe` is beyond that: `prerender`, `fenced-frame`, `portal`, `pop-up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Its last address.
    pub url: String,
    /// The target it hangs on: the page or frame that holds it, the worker that started it.
    pub parent: Option<String>,
    /// The page that opened it, for pop-ups; Chromium knows it also with `noopener`.
    pub opener: Option<String>,
    /// When it was attached, before its first line of script.
    pub attached_ms: u64,
    /// In which phase.
    pub phase: PhaseName,
    /// When it ended; absent when it was there to the end of the visit.
    pub detached_ms: Option<u64>,
    /// Its process crashed.
    pub crashed: bool,
}
