//! What can go wrong with the browser itself.

use std::path::PathBuf;
use std::time::Duration;

/// What can go wrong with the browser itself, as against the page it shows.
#[derive(Debug, thiserror::Error)]
pub enum BrowserError {
    /// None on this machine.
    #[error("no Chromium found on this machine")]
    NotFound,
    /// The path the user named leads nowhere.
    #[error("no browser at {0}")]
    NoSuchBrowser(PathBuf),
    /// It could not be started.
    #[error("{path} could not be started")]
    Launch {
        /// The executable.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It started and ended before it listened.
    #[error("{path} ended at once: {said}")]
    EndedAtOnce {
        /// The executable.
        path: PathBuf,
        /// The last line it wrote.
        said: String,
    },
    /// It started and never listened.
    #[error("{path} did not open its debugging port within {}", seconds(*.limit))]
    Silent {
        /// The executable.
        path: PathBuf,
        /// How long was waited.
        limit: Duration,
    },
    /// Its profile could not be written.
    #[error("a profile for the browser could not be written")]
    Profile(#[source] std::io::Error),
    /// The connection broke.
    #[error("the connection to the browser broke: {0}")]
    Disconnected(String),
    /// A command was refused.
    #[error("the browser refused {method}: {message}")]
    Refused {
        /// The CDP method.
        method: String,
        /// Its answer.
        message: String,
    },
    /// A command was not answered.
    #[error("the browser did not answer {method} within {}", seconds(*.limit))]
    Unanswered {
        /// The CDP method.
        method: String,
        /// How long was waited.
        limit: Duration,
    },
}

fn seconds(limit: Duration) -> String {
    format!("{} s", limit.as_secs())
}

impl BrowserError {
    /// What the user can do about it, in one line.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NotFound => {
                Some("run `consentinel browser install`, or name one with --browser PATH")
            }
            Self::NoSuchBrowser(_) => {
                Some("name an executable with --browser PATH, or leave it out to search for one")
            }
            Self::Launch { .. } | Self::EndedAtOnce { .. } | Self::Silent { .. } => {
                Some("run `consentinel doctor` to see what stops it")
            }
            _ => None,
        }
    }
}
