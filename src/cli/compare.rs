//! `consentinel compare`: two runs, or two states, side by side.

use std::path::{Path, PathBuf};

use clap::ValueEnum as _;

use super::exit::Exit;
use super::output::{self, chain, complain};
use super::store::Place;
use crate::catalog::Catalog;
use crate::compare::{Side, compare, sheet};
use crate::model::report::{PageSource, Report};
use crate::model::visit::State;
use crate::report::sheet::{SheetFormat, render};
use crate::report::terminal::DEFAULT_WIDTH;
use crate::store::{Store, StoreError, StoredRun};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel compare 20261022T101500000Z-1a2b last
  consentinel compare last:before last:accepted
  consentinel compare october.json last --format html --output changes.html

Ends with 1 when there are findings in the second that are not in the first.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The first: a stored run or `last`, a state of one such as `last:before`, or a file with a report in JSON
    #[arg(value_name = "A")]
    before: String,
    /// The second
    #[arg(value_name = "B")]
    after: String,
    #[command(flatten)]
    place: Place,
    /// Format of the result
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Folder with a catalog that is laid over the built-in one
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// End with 0 whatever changed
    #[arg(long)]
    exit_zero: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Lines for a person at a terminal
    Terminal,
    /// The whole comparison as one document, `consentinel/comparison/v1`
    Json,
    /// One self-contained file
    Html,
    /// Markdown with tables
    Markdown,
}

/// A run that is compared: in the store, or in a file.
enum Source {
    Stored(Box<StoredRun>),
    File(Box<Report>),
}

impl Source {
    fn head(&self) -> Option<&Report> {
        match self {
            Self::Stored(run) => run.head(),
            Self::File(report) => Some(report),
        }
    }

    fn pages(&self) -> &dyn PageSource {
        match self {
            Self::Stored(run) => run.as_ref(),
            Self::File(report) => report.as_ref(),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match compared(arguments) {
        Ok(_) if arguments.exit_zero => Exit::Passed,
        Ok(exit) => exit,
        Err(error) => {
            complain(
                &chain(error.as_ref()),
                Some("each side is a run, `RUN:STATE`, or a file with a report in JSON"),
            );
            Exit::Usage
        }
    }
}

fn compared(arguments: &Arguments) -> Result<Exit, Box<dyn std::error::Error>> {
    let catalog = match &arguments.catalog {
        Some(folder) => Catalog::with_overlay(folder)?,
        None => Catalog::builtin()?,
    };
    // Opened when a side is a stored run, and once: a second opening would find it in use.
    let mut store = None;
    let (before, before_state) = source(&arguments.before, &arguments.place, &mut store)?;
    let (after, after_state) = source(&arguments.after, &arguments.place, &mut store)?;
    let (Some(before_head), Some(after_head)) = (before.head(), after.head()) else {
        return Err(Box::new(StoreError::NoSuchRun(String::new())));
    };
    let comparison = compare(
        &Side {
            head: before_head,
            pages: before.pages(),
            state: before_state,
        },
        &Side {
            head: after_head,
            pages: after.pages(),
            state: after_state,
        },
        &catalog,
    )?;
    let format = match arguments.format {
        Format::Terminal => Some(SheetFormat::Terminal),
        Format::Html => Some(SheetFormat::Html),
        Format::Markdown => Some(SheetFormat::Markdown),
        Format::Json => None,
    };
    let text = match format {
        Some(format) => render(format, &sheet(&comparison), DEFAULT_WIDTH)?,
        None => serde_json::to_string_pretty(&comparison)? + "\n",
    };
    output::write(arguments.output.as_deref(), &text)?;
    Ok(if comparison.has_new_findings() {
        Exit::Findings
    } else {
        Exit::Passed
    })
}

/// Reads one side: a file, or a stored run; and the state, if only one is meant.
fn source(
    given: &str,
    place: &Place,
    store: &mut Option<Store>,
) -> Result<(Source, Option<State>), Box<dyn std::error::Error>> {
    let (name, state) = parts(given);
    if Path::new(name).is_file() {
        let bytes = std::fs::read(name).map_err(|error| format!("{name}: {error}"))?;
        let report: Report = serde_json::from_slice(&bytes)
            .map_err(|error| format!("{name} is no report in JSON: {error}"))?;
        return Ok((Source::File(Box::new(report)), state));
    }
    let store = match store {
        Some(store) => store,
        None => store.insert(place.open()?),
    };
    let run = store.run(name)?;
    Ok((Source::Stored(Box::new(run)), state))
}

/// A side in two: what it names, and the state behind the last colon, if there is one.
fn parts(given: &str) -> (&str, Option<State>) {
    match given.rsplit_once(':') {
        Some((name, state)) => match State::from_str(state, true) {
            Ok(state) => (name, Some(state)),
            Err(_) => (given, None),
        },
        None => (given, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_names_a_run_a_state_or_a_file() {
        for (given, expected) in [
            ("last", ("last", None)),
            ("last:before", ("last", Some(State::Before))),
            ("C:\\report.json", ("C:\\report.json", None)),
            ("a.json:accepted", ("a.json", Some(State::Accepted))),
            ("last:soon", ("last:soon", None)),
        ] {
            assert_eq!(parts(given), expected, "{given}");
        }
    }
}
