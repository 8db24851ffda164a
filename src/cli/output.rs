//! Where text goes: results to standard output or a file, everything else to standard error.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::browser::{BrowserError, LaunchOptions, find, paper};
use crate::judge::rules;
use crate::model::report::{PageSource, Report};
use crate::report::{self, Format, RuleHelp, printable};

/// Says what is wrong, then what to do.
pub(super) fn complain(what: &str, remedy: Option<&str>) {
    let mut text = format!("error: {}\n", printable(what));
    if let Some(remedy) = remedy {
        text.push_str("hint: ");
        text.push_str(remedy);
        text.push('\n');
    }
    say_raw(&text);
}

/// An error with everything that caused it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Says something that is no result.
pub(super) fn say(line: &str) {
    say_raw(&format!("{}\n", printable(line)));
}

fn say_raw(text: &str) {
    // A closed error stream is nobody's loss.
    drop(anstream::stderr().write_all(text.as_bytes()));
}

/// Writes a result. A reader that has seen enough is no error.
pub(super) fn print(text: &str) {
    drop(anstream::stdout().write_all(text.as_bytes()));
}

/// Writes a result into a file, or to standard output when there is none.
pub(super) fn write(path: Option<&Path>, text: &str) -> Result<(), String> {
    if path.is_none() {
        print(text);
        return Ok(());
    }
    stream(path, |out| out.write_all(text.as_bytes()))
}

/// Has a result written piece by piece into a file, or to standard output when there is none.
///
/// A reader of standard output that has seen enough is no error.
pub(super) fn stream<E: Error + From<io::Error> + 'static>(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), String> {
    let Some(path) = path else {
        let mut out = BufWriter::new(io::stdout().lock());
        let written = write(&mut out).and_then(|()| Ok(out.flush()?));
        return match written {
            Err(error) if !is_broken_pipe(&error) => Err(chain(&error)),
            _ => Ok(()),
        };
    };
    let failed = |reason: String| format!("{}: cannot be written: {reason}", path.display());
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let mut out = BufWriter::new(file);
    write(&mut out)
        .and_then(|()| Ok(out.flush()?))
        .map_err(|error| failed(chain(&error)))
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The form a result is written in: a report's, or paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResultFormat {
    /// Written by the report room.
    Report(Format),
    /// The HTML report, printed by the browser.
    Pdf,
}

impl ValueEnum for ResultFormat {
    fn value_variants<'a>() -> &'a [Self] {
        static ALL: LazyLock<Vec<ResultFormat>> = LazyLock::new(|| {
            let reports = Format::value_variants().iter().copied();
            reports
                .map(ResultFormat::Report)
                .chain([ResultFormat::Pdf])
                .collect()
        });
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Report(format) => format.to_possible_value(),
            Self::Pdf => {
                Some(PossibleValue::new("pdf").help("The HTML report, printed by the browser"))
            }
        }
    }
}

/// Where a result goes, and in which format: `FORMAT=PATH`.
pub(super) fn format_and_path(text: &str) -> Result<(ResultFormat, PathBuf), String> {
    let (format, path) = text
        .split_once('=')
        .ok_or("expected FORMAT=PATH, such as html=report.html")?;
    let format = ResultFormat::from_str(format, true)?;
    if path.is_empty() {
        return Err("expected a path after `=`".to_owned());
    }
    Ok((format, PathBuf::from(path)))
}

/// Writes a run in a format into a file, or to standard output when there is none.
///
/// What cannot be written is said in the error, with what to do where that is known.
pub(super) async fn write_run(
    format: ResultFormat,
    head: &Report,
    pages: &dyn PageSource,
    options: &report::Options,
    path: Option<&Path>,
    browser: Option<&LaunchOptions>,
) -> Result<(), (String, Option<&'static str>)> {
    let format = match format {
        ResultFormat::Report(format) => format,
        ResultFormat::Pdf => return print_run(head, pages, options, path, browser).await,
    };
    let rendered = |out: &mut dyn Write| report::render(format, head, pages, options, out);
    let written = if format == Format::Terminal {
        // Short, and the one result with colours, which not every reader wants.
        let mut bytes = Vec::new();
        rendered(&mut bytes)
            .map_err(|error| chain(&error))
            .and_then(|()| write(path, &String::from_utf8_lossy(&bytes)))
    } else {
        stream(path, rendered)
    };
    written.map_err(|message| (message, None))
}

/// Has the browser print the HTML report.
async fn print_run(
    head: &Report,
    pages: &dyn PageSource,
    options: &report::Options,
    path: Option<&Path>,
    browser: Option<&LaunchOptions>,
) -> Result<(), (String, Option<&'static str>)> {
    let plain = |message: String| (message, None);
    let mut page = tempfile::Builder::new()
        .suffix(".html")
        .tempfile()
        .map_err(|error| plain(format!("a temporary file cannot be written: {error}")))?;
    let mut out = BufWriter::new(page.as_file_mut());
    report::render(Format::Html, head, pages, options, &mut out)
        .and_then(|()| Ok(out.flush()?))
        .map_err(|error| plain(chain(&error)))?;
    drop(out);
    let of_browser = |error: BrowserError| (chain(&error), error.remedy());
    let found = match browser {
        Some(options) => options.clone(),
        None => LaunchOptions {
            executable: find::find(None).map_err(of_browser)?,
            ..LaunchOptions::default()
        },
    };
    let paper = paper::print(&found, page.path())
        .await
        .map_err(of_browser)?;
    stream(path, |out| out.write_all(&paper)).map_err(plain)
}

/// What formats say of the rules.
pub(super) fn rule_help() -> Vec<RuleHelp> {
    let owned = |text: &str| text.to_owned();
    rules::all()
        .map(|rule| RuleHelp {
            id: owned(rule.id),
            name: owned(rule.name),
            title: owned(rule.title),
            checks: owned(rule.checks),
            severity: rule.severity,
            legal: rule.legal.iter().map(|law| owned(law)).collect(),
            remedy: owned(rule.remedy),
            limits: owned(rule.limits),
        })
        .collect()
}

/// Whether results are read by a person.
pub(super) fn is_person_reading() -> bool {
    io::stdout().is_terminal()
}

/// The form of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Logs go to standard error: what `RUST_LOG` asks for, or else what is as grave as `unless_asked`.
pub(super) fn start_log(unless_asked: &str, format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(unless_asked));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let log = tracing_subscriber::registry().with(lines.with_filter(filter));
    #[cfg(feature = "otel")]
    let log = log.with(super::telemetry::layer());
    if let Err(error) = log.try_init() {
        say(&format!("no log: {error}"));
    }
}
