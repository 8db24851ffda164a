//! Colour for those who want it; every word says the same without.

use owo_colors::OwoColorize as _;

use crate::model::finding::Severity;

/// What a word means for the reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Bad,
    Warning,
    Unsure,
    Quiet,
    Good,
}

impl Tone {
    pub(super) fn of(severity: Severity) -> Self {
        match severity {
            Severity::Critical | Severity::High => Self::Bad,
            Severity::Medium => Self::Warning,
            Severity::Low => Self::Unsure,
            Severity::Info => Self::Quiet,
        }
    }
}

/// Puts colour on words, or leaves them alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) on: bool,
}

impl Paint {
    pub(super) fn bold(self, text: &str) -> String {
        if self.on {
            text.bold().to_string()
        } else {
            text.to_owned()
        }
    }

    pub(super) fn tone(self, tone: Tone, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        match tone {
            Tone::Bad => text.red().to_string(),
            Tone::Warning | Tone::Unsure => text.yellow().to_string(),
            Tone::Quiet => text.dimmed().to_string(),
            Tone::Good => text.green().to_string(),
        }
    }

    /// Bold and in colour: for the one line that must not be missed.
    pub(super) fn loud(self, tone: Tone, text: &str) -> String {
        self.tone(tone, &self.bold(text))
    }
}
