//! Renders a run: one file for each format. Pure: a report in, text out.
//!
//! Names, keys and URLs come from the audited pages and are hostile: no renderer writes one before
//! it has gone through [`printable`].

pub mod html;
pub mod json;
pub mod sheet;
pub mod terminal;

mod outline;
mod printable;
mod redact;
mod wording;

use crate::model::report::Report;

pub use printable::printable;
pub use redact::redacted;

/// The form a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// A summary for a person at a terminal.
    Terminal,
    /// The whole run as one document, `consentinel/report/v1`.
    Json,
    /// One self-contained file, for the screen, for paper and for the record.
    Html,
}

/// How a report is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Drop the raw values of cookies, storage entries and request bodies.
    pub redact: bool,
    /// Colour the terminal summary.
    pub colour: bool,
    /// Columns of the terminal summary.
    pub width: usize,
    /// Where the HTML report was written, for the terminal summary to name.
    pub html_path: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            redact: true,
            colour: false,
            width: terminal::DEFAULT_WIDTH,
            html_path: None,
        }
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The report does not fit into JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[from] serde_json::Error),
    /// The page could not be put together.
    #[error("the report cannot be written as HTML")]
    Html(#[from] askama::Error),
}

/// Writes `report` in `format`.
pub fn render(format: Format, report: &Report, options: &Options) -> Result<String, RenderError> {
    match format {
        Format::Terminal => Ok(terminal::terminal(report, options)),
        Format::Json => json::json(report, options.redact),
        Format::Html => html::html(report),
    }
}
