//! What one visit is to do.

use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::consent::purposes::Purposes;
use super::login::Login;
use super::time::ClockKind;
use crate::model::visit::State;

/// What one visit is to do.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The page.
    pub url: Url,
    /// What the visitor answers.
    pub state: State,
    /// The number of the visit among those of this page in this state, from 1.
    pub repeat: u32,
    /// How each visit goes.
    pub manner: Manner,
}

/// How each visit of a run goes.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Which clock it goes by.
    pub clock: ClockKind,
    /// How long a page is watched after it loaded, in each state. Late tags need it.
    pub dwell: Duration,
    /// How long a page may take to load.
    pub load_limit: Duration,
    /// How long a whole visit may take, whatever the page does.
    pub visit_limit: Duration,
    /// The picture at the end shows the whole page, not only what fits into the window.
    pub full_page: bool,
    /// `Accept-Language` and `navigator.language`, such as `de-DE`.
    pub locale: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// The user agent to send in place of the browser's.
    pub user_agent: Option<String>,
    /// At the end of an accepted visit the browser's cookies are deleted and the page is opened again: what
    /// comes back shows.
    pub empties: bool,
    /// What the visitor who says yes allows, in place of everything.
    pub purposes: Option<Purposes>,
    /// What the visitor brings along who has logged in elsewhere.
    pub login: Option<Arc<Login>>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            clock: ClockKind::default(),
            dwell: Duration::from_secs(30),
            load_limit: Duration::from_secs(30),
            visit_limit: Duration::from_mins(4),
            full_page: false,
            locale: None,
            timezone: None,
            empties: false,
            user_agent: None,
            purposes: None,
            login: None,
        }
    }
}
