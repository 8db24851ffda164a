//! `consentinel catalog check`: what is wrong in catalog files, and how to mend it.

use std::fs;
use std::path::PathBuf;

use crate::catalog::CatalogError;
use crate::catalog::lint::{self, Checked, ForeignTexts, Level, Lint};
use crate::cli::exit::Exit;
use crate::cli::output::{chain, complain, print, say};
use crate::report::printable;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog check                          the built-in catalog
  consentinel catalog check my-catalog               a folder laid over the built-in one
  consentinel catalog check my-catalog/services/metricsloop.toml
  consentinel catalog check my-catalog --format json --warnings deny
  consentinel catalog check my-catalog --apart-from vendor-page.txt

A folder with a sections.toml is checked as a catalog of its own.
Exit codes: 0 nothing wrong, 1 errors (or warnings, with --warnings deny), 2 a path cannot be read.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Files and folders to check; the built-in catalog when there is none
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Form of the result
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What warnings do
    #[arg(long, value_enum, default_value = "show")]
    warnings: Warnings,
    /// Text whose sentences must not stand in an entry: eight words in a row are an error; may be repeated
    #[arg(long, value_name = "FILE")]
    apart_from: Vec<PathBuf>,
    /// List the rules instead of checking anything
    #[arg(long, conflicts_with = "paths")]
    rules: bool,
}

/// Form of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// FILE:LINE: level: message [rule], then how to mend it
    Text,
    /// One JSON object a line: file, line, level, rule, message, remedy
    Json,
}

/// What warnings do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Warnings {
    /// They are shown
    Show,
    /// They are not shown
    Hide,
    /// They count as errors
    Deny,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    if arguments.rules {
        print(&rules());
        return Exit::Passed;
    }
    let checked = match check(arguments) {
        Ok(checked) => checked,
        Err(error) => {
            complain(&chain(&error), None);
            return Exit::Usage;
        }
    };
    let shown =
        |lint: &&Lint| lint.code.level() == Level::Error || arguments.warnings != Warnings::Hide;
    let lints: Vec<&Lint> = checked.lints.iter().filter(shown).collect();
    let text: String = lints
        .iter()
        .map(|lint| line(lint, arguments.format))
        .collect();
    print(&text);
    let errors = lints
        .iter()
        .filter(|lint| lint.code.level() == Level::Error)
        .count();
    let warnings = lints.len() - errors;
    say(&format!(
        "{} files checked: {errors} errors, {warnings} warnings",
        checked.files
    ));
    if errors > 0 || (warnings > 0 && arguments.warnings == Warnings::Deny) {
        Exit::Findings
    } else {
        Exit::Passed
    }
}

fn check(arguments: &Arguments) -> Result<Checked, CatalogError> {
    let today = jiff::Zoned::now().date();
    let mut all = Checked {
        files: 0,
        lints: Vec::new(),
    };
    if arguments.paths.is_empty() {
        all = lint::check_builtin(today)?;
    }
    for path in &arguments.paths {
        let mut checked = lint::check_path(path, today)?;
        all.files += checked.files;
        all.lints.append(&mut checked.lints);
    }
    let mut foreign = ForeignTexts::default();
    for path in &arguments.apart_from {
        let text = fs::read_to_string(path).map_err(|source| CatalogError::Read {
            path: path.clone(),
            source,
        })?;
        foreign.add(&text);
    }
    all.lints
        .append(&mut lint::check_wording(&arguments.paths, &foreign)?);
    Ok(all)
}

fn line(lint: &Lint, format: Format) -> String {
    match format {
        Format::Text => {
            let level = match lint.code.level() {
                Level::Error => "error",
                Level::Warning => "warning",
            };
            let fault = printable(&format!(
                "{}:{}: {level}: {} [{}]",
                lint.file,
                lint.line,
                lint.message,
                lint.code.as_str()
            ));
            format!("{fault}\n  hint: {}\n", lint.code.remedy())
        }
        Format::Json => {
            serde_json::to_string(&lint.record()).map_or_else(|_| String::new(), |text| text + "\n")
        }
    }
}

fn rules() -> String {
    let line = |code: &lint::LintCode| {
        let level = match code.level() {
            Level::Error => "error",
            Level::Warning => "warning",
        };
        format!("{:<22} {level:<8} {}\n", code.as_str(), code.meaning())
    };
    lint::LintCode::ALL.iter().map(line).collect()
}
