//! `consentinel report`: renders a stored run in any format, or prints the schema of the JSON report.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{self, chain, complain, print};
use crate::judge::{self, Profile};
use crate::model::report::Report;
use crate::report::{self, Format};
use crate::store::Store;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel report last --store runs --format html --output report.html
  consentinel report last --store runs --profile fr
  consentinel report --schema > report.schema.json";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id of a stored run, or `last`
    #[arg(required_unless_present = "schema", requires = "store")]
    run: Option<String>,
    /// Folder of the store
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Format of the result
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Judge the run again, as this jurisdiction does and with today's catalog
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Print the JSON Schema of the report
    #[arg(long, conflicts_with = "run")]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let (Some(run), Some(store)) = (&arguments.run, &arguments.store) else {
        return match report::json::schema() {
            Ok(schema) => {
                print(&schema);
                Exit::Passed
            }
            Err(error) => {
                complain(&chain(&error), None);
                Exit::Internal
            }
        };
    };
    let report = match stored(store, run, arguments.profile) {
        Ok(report) => report,
        Err(error) => {
            complain(&chain(error.as_ref()), None);
            return Exit::Usage;
        }
    };
    let path = arguments.output.as_deref();
    let options = report::Options {
        colour: path.is_none() && output::is_person_reading(),
        ..report::Options::default()
    };
    let written = output::stream(path, |out| {
        report::render(arguments.format, &report, &report, &options, out)
    });
    match written {
        Ok(()) => Exit::Passed,
        Err(message) => {
            complain(&message, None);
            Exit::Internal
        }
    }
}

/// A run of a store, judged again when a profile is given.
fn stored(
    store: &Path,
    run: &str,
    profile: Option<Profile>,
) -> Result<Report, Box<dyn std::error::Error>> {
    let mut report = Store::open(store)?.get(run)?;
    if let Some(profile) = profile {
        judge_again(&mut report, profile)?;
    }
    Ok(report)
}

fn judge_again(report: &mut Report, profile: Profile) -> Result<(), crate::catalog::CatalogError> {
    let catalog = crate::catalog::Catalog::builtin()?;
    let mut judgement = judge::judge(&report.pages, &catalog, profile);
    judgement.tell(&mut report.pages);
    profile.name().clone_into(&mut report.run.profile);
    report.run.catalog = catalog.info();
    report.findings = judgement.findings;
    report.services = judgement.services;
    report.rules = judgement.rules;
    report.summary = judgement.summary;
    Ok(())
}
