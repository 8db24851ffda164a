//! One page opened in one state: what was asked of it, and how far it got.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::snapshot::Snapshot;

/// What the visitor has answered.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nothing: the banner is left alone.
    Before,
    /// No.
    Rejected,
    /// Yes.
    Accepted,
    /// Yes, and later no: what was allowed is taken back.
    Withdrawn,
}

impl State {
    /// Whether the visitor's last word is no.
    pub fn is_no(self) -> bool {
        matches!(self, Self::Rejected | Self::Withdrawn)
    }
}

/// A stretch of time inside a visit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum PhaseName {
    /// The page loads and is left alone.
    Idle,
    /// Mouse and scroll, banner untouched.
    Active,
    /// From the first click until the choice is confirmed, or known not to be.
    Choosing,
    /// After the choice, on the same page.
    Chosen,
    /// After a reload, the choice already made.
    Revisit,
    /// After the browser's cookies were deleted and the page was opened again; only where that was asked for.
    Emptied,
}

impl PhaseName {
    /// Whether everything in this phase came before the visitor answered.
    pub fn is_before_choice(self) -> bool {
        matches!(self, Self::Idle | Self::Active)
    }

    /// Whether everything in this phase came after the visitor's answer was confirmed.
    pub fn is_after_choice(self) -> bool {
        matches!(self, Self::Chosen | Self::Revisit)
    }
}

/// One phase of a visit, in milliseconds since the visit began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// Which phase.
    pub name: PhaseName,
    /// First millisecond.
    pub start_ms: u64,
    /// Last millisecond.
    pub end_ms: u64,
}

/// How far a visit got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Every phase the state asks for was recorded to its end.
    Complete,
    /// The page did not answer, or not in time.
    TimedOut,
    /// The page could not be reached: no such host, refused, bad certificate, endless redirect.
    Unreachable,
    /// The server answered with an error status (HTTP 4xx or 5xx) instead of the page.
    HttpError,
    /// A challenge or a bot wall stood in for the page.
    Blocked,
    /// A download, a PDF or another thing that is no web page.
    NotAPage,
    /// The browser or the page's process crashed.
    BrowserCrashed,
    /// The user stopped the run.
    Interrupted,
}

/// How strong the proof is that an answer was recorded.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProofStrength {
    /// The consent platform's own record or function says so, a TC string, or consent mode.
    Record,
    /// A record whose name speaks of consent and whose value can only mean this answer.
    Inferred,
    /// A record nobody else can read, written by the click and different for yes and for no.
    Contrast,
    /// The banner is gone and stayed gone after a reload, and nothing else: the weakest, and no
    /// confirmation.
    BannerGone,
}

/// What became of the visitor's answer, by name. Several may hold at once.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ChoiceOutcome {
    /// The platform's own record says what the visitor said.
    Confirmed,
    /// Only a weaker proof says so: [`Choice::strength`] tells which.
    Inferred,
    /// Something was clicked, and nothing shows that the answer was recorded.
    Unconfirmed,
    /// The site's record says something else than the visitor.
    Contradicted,
    /// The banner offers no way to say no that could be walked.
    NoRejectRoute,
    /// Saying no is possible, but only behind the settings.
    RejectOnSecondLayer,
    /// The banner can be agreed to or taken note of, nothing else.
    AcceptOnly,
    /// The only way around agreeing costs money.
    PayOrOk,
    /// The banner bars the page, and agreeing is the only free way past it.
    Wall,
    /// No consent banner was seen.
    BannerNotFound,
    /// No banner was seen, though a consent platform waits for an answer: it may hide from automation.
    BannerHiddenFromAutomationSuspected,
    /// The button was covered all the time or would not stand still.
    ClickBlocked,
    /// The banner asked again after a reload.
    Reappeared,
    /// No way to take the answer back was found.
    NoWayBack,
}

/// The visitor's answer and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// Something was clicked.
    pub made: bool,
    /// Something independent of the click shows that the answer was recorded.
    pub confirmed: bool,
    /// The proof, in words: which record said what.
    pub how: Option<String>,
    /// Who found the way: `autoconsent:RULE` or `heuristic:LANGUAGE`.
    pub by: Option<String>,
    /// Number of clicks it took.
    pub clicks: u32,
    /// How strong the proof is; absent when there is none.
    #[serde(default)]
    pub strength: Option<ProofStrength>,
    /// What became of the answer, by name; empty where nothing was to be answered.
    #[serde(default)]
    pub outcomes: Vec<ChoiceOutcome>,
    /// The page the answer was given on, when that was another one of the site: the profile was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carried_from: Option<String>,
    /// When the first click was made, in milliseconds since the visit began.
    pub clicked_ms: Option<u64>,
    /// When the proof was found, in milliseconds since the visit began.
    pub confirmed_ms: Option<u64>,
}

/// Where on the banner a way to answer was found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Route {
    /// On the banner as first shown.
    FirstLayer,
    /// Behind the settings.
    SecondLayer,
    /// Nowhere.
    #[default]
    None,
}

/// The ways the banner offers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Routes {
    /// To say yes.
    pub accept: Route,
    /// To say no.
    pub reject: Route,
}

/// What a button of the banner does, judged by what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ButtonRole {
    /// Yes to everything.
    Accept,
    /// No to everything that is not necessary.
    Reject,
    /// Opens the second layer.
    Settings,
    /// Stores the selection as shown.
    Save,
    /// Closes the banner.
    Close,
    /// "OK", "Got it": takes note, offers no choice.
    Acknowledge,
    /// Pays or subscribes instead.
    Pay,
    /// Leads to a policy or a list.
    Link,
}

/// One button of the banner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Button {
    /// What it does.
    pub role: ButtonRole,
    /// What it says.
    pub text: String,
    /// 1 for the banner as first shown, 2 for its settings.
    pub layer: u8,
    /// Left, top, width and height in CSS pixels of its frame's viewport.
    pub place: [f64; 4],
    /// Contrast ratio of its text and what lies behind it, from 1 to 21 (WCAG 2.2).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub contrast: Option<f64>,
    /// The colour it is filled with, in the words of CSS; absent when nothing sets it off from the banner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub background: Option<String>,
    /// Size of its text in CSS pixels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub font_px: Option<f64>,
}

/// A switch or a tick box of the banner, as it stood when its layer was first seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Switch {
    /// What it is for, in the banner's words.
    pub text: String,
    /// 1 for the banner as first shown, 2 for its settings.
    pub layer: u8,
    /// It was on before the visitor touched it.
    pub on: bool,
    /// The visitor cannot change it.
    pub locked: bool,
}

/// A picture of the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Screenshot {
    /// When it was taken, in milliseconds since the visit began.
    #[serde(default)]
    pub at_ms: u64,
    /// It shows the whole page, not only what fits into the window; very long pages are cut.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub full_page: bool,
    /// `image/jpeg` or `image/png`.
    pub media_type: String,
    /// SHA-256 of the picture's bytes, hexadecimal.
    pub sha256: String,
    /// The picture in base64; left out of the JSON report.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<String>,
}

/// The consent banner as a visitor meets it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Banner {
    /// A banner was seen.
    pub found: bool,
    /// The consent platform behind it, where known.
    pub cmp: Option<String>,
    /// Languages of its texts, ISO 639-1, most likely first.
    pub languages: Vec<String>,
    /// The ways to answer it.
    pub routes: Routes,
    /// Its buttons.
    pub buttons: Vec<Button>,
    /// Its switches, as they stood before the visitor touched them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub switches: Vec<Switch>,
    /// The beginning of its text, at most 600 characters.
    pub text: String,
    /// URL of the frame it stands in.
    pub frame: Option<String>,
    /// When it was first seen, in milliseconds since the visit began.
    pub seen_ms: Option<u64>,
    /// Which part of the window it takes, with the veil behind it, from 0 to 1.
    #[serde(default)]
    pub share: f64,
    /// The page behind it could not be scrolled.
    #[serde(default)]
    pub locks_page: bool,
    /// How it looked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub screenshot: Option<Screenshot>,
}

/// When a visit happened and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Start of the visit; every `_ms` in it counts from here.
    pub started: Timestamp,
    /// The page's load event, in milliseconds since the visit began.
    pub load_ms: Option<u64>,
    /// Whether the network had gone quiet when each phase ended.
    pub settled: bool,
    /// Length of the visit in milliseconds.
    pub total_ms: u64,
}

/// Something a reader must know to weigh the rest: never silence, never a verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Diagnostic {
    /// Its name.
    pub code: DiagnosticCode,
    /// What happened, in one line.
    pub message: String,
    /// The visit it belongs to; absent when it holds for the page or the run.
    pub state: Option<State>,
}

/// Every failure has a name.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DiagnosticCode {
    /// No consent banner was seen.
    BannerNotFound,
    /// The banner shows no way to refuse that could be walked.
    RejectPathNotFound,
    /// The banner shows no way to accept that could be walked.
    AcceptPathNotFound,
    /// Something was clicked, nothing confirms that the answer was recorded.
    ChoiceUnconfirmed,
    /// No banner was seen, though a consent platform waits for an answer.
    BannerHiddenFromAutomationSuspected,
    /// The banner asked again after a reload.
    BannerReappeared,
    /// A button of the banner could not be clicked with the mouse.
    ClickBlocked,
    /// No way to take the answer back was found.
    WithdrawPathNotFound,
    /// A challenge or a bot wall stood in for the page.
    Blocked,
    /// The page could not be reached.
    Unreachable,
    /// The server answered with an error status.
    HttpError,
    /// A download, a PDF or another thing that is no web page.
    NotAPage,
    /// The page did not answer in time.
    TimedOut,
    /// The network was still busy when the phase ended.
    NotSettled,
    /// The repeated visits of a state did not show the same.
    Unstable,
    /// The browser or the page's process crashed.
    BrowserCrashed,
    /// A frame's, a worker's or a pop-up's process crashed; the page itself went on.
    TargetCrashed,
    /// Events of the browser were lost or could not be read.
    EventsLost,
    /// The browser blocks third-party cookies and could not be made to store them.
    ThirdPartyCookiesBlocked,
    /// The browser was to send Global Privacy Control and cannot.
    GlobalPrivacyControlMissing,
    /// The consent rule engine is missing; only the built-in heuristics drove the banner.
    ConsentEngineMissing,
    /// The page opened a dialog, which was dismissed.
    DialogDismissed,
    /// The user stopped the run.
    Interrupted,
    /// Pages of the site were not visited, by wish of the user or of the site.
    PagesLeftOut,
    /// Visits were not made that an audit with the same options makes.
    VisitsLeftOut,
    /// The consent platform says that the GDPR does not apply to the visitor.
    RegimeMismatch,
    /// More than one consent platform was contacted.
    MultiplePlatforms,
    /// A TC string does not keep to the framework.
    TcfInvalid,
    /// The consent platform's function reports an error.
    ConsentApiError,
    /// Google's tags measure without consent mode.
    ConsentModeAbsent,
    /// Something may be exempt in this jurisdiction under conditions that a page does not show.
    ExemptionClaimed,
    /// An entry of the baseline has expired: the findings it accepted are back.
    BaselineExpired,
    /// An entry of the baseline fits no finding.
    BaselineUnused,
    /// Pages asked for addresses inside the auditor's network, which were not opened.
    InsideRefused,
    /// The audit was ended because it took too much time, too many bytes or too much memory.
    LimitReached,
}

/// One page opened in one state: in a profile nobody used before, or in one that is kept for the pages
/// of a site once the visitor has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Visit {
    /// What the visitor answered.
    pub state: State,
    /// Its number among the visits of this page in this state, from 1.
    #[serde(default = "first")]
    pub repeat: u32,
    /// How far it got.
    pub outcome: Outcome,
    /// The address after redirects.
    pub final_url: String,
    /// HTTP status of the page, where there was one.
    pub status: Option<u16>,
    /// The visitor's answer and what became of it.
    pub choice: Choice,
    /// The stretches of time, in order.
    pub phases: Vec<Phase>,
    /// When and how long.
    pub timing: Timing,
    /// The banner as this visit saw it.
    pub banner: Banner,
    /// The page right after the visitor's answer was confirmed, or found not to be.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub screenshot_after_choice: Option<Screenshot>,
    /// The page at the end of the visit.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub screenshot: Option<Screenshot>,
    /// What a reader must know about this visit.
    pub diagnostics: Vec<Diagnostic>,
    /// Everything recorded.
    pub snapshot: Snapshot,
}

impl Visit {
    /// Whether it asked by Global Privacy Control not to sell or share the visitor's data.
    pub fn asks_by_privacy_control(&self) -> bool {
        self.snapshot.signals.iter().any(|signal| {
            signal.kind == "gpc"
                && signal
                    .facts
                    .get("sent-with")
                    .is_some_and(|requests| requests != "0")
        })
    }
}

/// The number of the only visit, in reports that knew no other.
fn first() -> u32 {
    1
}
