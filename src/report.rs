//! Renders a run: one file for each format. Pure: a report goes in, bytes come out.
//!
//! A run may have thousands of pages. Formats read its head, and its pages one after another
//! ([`PageSource`]); none keeps them. Names, keys and URLs come from the audited pages and are
//! hostile: no renderer writes one before it has gone through [`printable`] or through an encoder
//! of its format.

pub mod comment;
pub mod glance;
pub mod html;
pub mod json;
pub mod lines;
pub mod sheet;
pub mod terminal;

mod cookie_jar;
mod facts;
mod har;
mod inspection;
mod junit;
mod layout;
mod outline;
mod printable;
mod redact;
mod sarif;
mod tables;
pub(crate) mod wording;

use std::io::{self, Write};

use crate::model::finding::Severity;
use crate::model::report::{PageError, PageSource, Report};
use facts::Facts;

pub use cookie_jar::jar_of_visit;
pub use har::har_of_visit;
pub use printable::{counted, number, printable, shown};
pub use redact::{redacted, shown_page};

/// The form a report is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Format {
    /// A summary for a person at a terminal.
    Terminal,
    /// The whole run as one document, `consentinel/report/v1`.
    Json,
    /// One self-contained file, for the screen, for paper and for the record.
    Html,
    /// One JSON document a line, for large crawls.
    Ndjson,
    /// A table of the findings.
    Csv,
    /// A table of everything stored and sent.
    CsvItems,
    /// A comment on a pull request.
    Markdown,
    /// Static Analysis Results Interchange Format 2.1.0, for code scanning.
    Sarif,
    /// JUnit XML, for CI.
    Junit,
    /// HTTP Archive 1.2: every visit a page of the log.
    Har,
    /// Cookie jar in Netscape's format.
    CookieJar,
    /// `inspection.json` of the Website Evidence Collector.
    Wec,
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
    /// Every rule there is, for formats that explain them.
    pub rules: Vec<RuleHelp>,
}

/// What a format says of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleHelp {
    /// Such as `R02`.
    pub id: String,
    /// Such as `pre-known-tracking-cookie`.
    pub name: String,
    /// What is wrong, in one sentence.
    pub title: String,
    /// When it fires.
    pub checks: String,
    /// How grave a finding is when nothing speaks for less or more.
    pub severity: Severity,
    /// The law.
    pub legal: Vec<String>,
    /// What to do, in general.
    pub remedy: String,
    /// What it does not look at; empty when that is nothing.
    pub limits: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            redact: true,
            colour: false,
            width: terminal::DEFAULT_WIDTH,
            html_path: None,
            rules: Vec::new(),
        }
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The report does not fit into JSON.
    #[error("the report cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// The page could not be put together.
    #[error("the report cannot be written as HTML")]
    Html(#[from] askama::Error),
    /// The report does not fit into JUnit XML.
    #[error("the report cannot be written as JUnit XML")]
    Junit(#[source] Box<quick_junit::SerializeError>),
    /// A page of the run is missing or damaged.
    #[error("the report cannot be written")]
    Page(#[from] PageError),
    /// Nobody takes the bytes.
    #[error("the report cannot be written")]
    Write(#[from] io::Error),
}

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() {
            Self::Write(error.into())
        } else {
            Self::Json(error)
        }
    }
}

impl From<csv::Error> for RenderError {
    fn from(error: csv::Error) -> Self {
        match error.into_kind() {
            csv::ErrorKind::Io(error) => Self::Write(error),
            kind => Self::Write(io::Error::other(format!("{kind:?}"))),
        }
    }
}

/// Writes a run in `format`: `head` without looking at its pages, which come from `pages`.
///
/// Needs as much memory for many pages as for few, findings aside.
pub fn render(
    format: Format,
    head: &Report,
    pages: &dyn PageSource,
    options: &Options,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let facts = Facts::gather(head, pages, options.redact)?;
    match format {
        Format::Terminal => out.write_all(terminal::terminal(&facts, options).as_bytes())?,
        Format::Json => json::json(&facts, pages, options.redact, out)?,
        Format::Html => html::html(&facts, pages, options.redact, out)?,
        Format::Ndjson => lines::lines(&facts, pages, options.redact, out)?,
        Format::Csv => tables::findings(&facts, out)?,
        Format::CsvItems => tables::items(pages, options.redact, out)?,
        Format::Markdown => out.write_all(comment::comment(&facts).as_bytes())?,
        Format::Sarif => sarif::sarif(&facts, &options.rules, out)?,
        Format::Junit => junit::junit(&facts, out)?,
        Format::Har => har::har(&facts, pages, options.redact, out)?,
        Format::CookieJar => cookie_jar::cookie_jar(pages, options.redact, out)?,
        Format::Wec => inspection::inspection(&facts, pages, options.redact, out)?,
    }
    Ok(())
}

/// The head of a run as reports show it: without the raw values that its pages are known to hold.
///
/// Reads every page once.
pub fn shown_head(head: &Report, pages: &dyn PageSource) -> Result<Report, PageError> {
    Ok(Facts::gather(head, pages, true)?.head)
}

/// [`render`] for a report that holds its pages, into a string.
pub fn text_of(format: Format, report: &Report, options: &Options) -> Result<String, RenderError> {
    let mut bytes = Vec::new();
    render(format, report, report, options, &mut bytes)?;
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error).into())
}
