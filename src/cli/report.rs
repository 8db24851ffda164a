//! `consentinel report`: renders a stored run in any format, or prints the schema of the JSON report.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{self, chain, complain, print};
use super::store::Place;
use crate::judge::{self, Profile};
use crate::model::report::Report;
use crate::report::{self, Format};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel report last --store runs --format html --output report.html
  consentinel report last --store runs --profile fr
  consentinel report --schema > report.schema.json";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id of a stored run, or `last`
    #[arg(required_unless_present = "schema")]
    run: Option<String>,
    #[command(flatten)]
    place: Place,
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
    match rendered(arguments) {
        Ok(text) if arguments.schema => {
            print(&text);
            Exit::Passed
        }
        Ok(text) => match output::write(arguments.output.as_deref(), &text) {
            Ok(()) => Exit::Passed,
            Err(message) => {
                complain(&message, None);
                Exit::Internal
            }
        },
        Err(error) => {
            complain(&chain(error.as_ref()), None);
            Exit::Usage
        }
    }
}

fn rendered(arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let Some(run) = &arguments.run else {
        return Ok(report::json::schema()?);
    };
    let mut report = arguments.place.open()?.get(run)?;
    if let Some(profile) = arguments.profile {
        judge_again(&mut report, profile)?;
    }
    let options = report::Options {
        colour: arguments.output.is_none() && output::is_person_reading(),
        ..report::Options::default()
    };
    Ok(report::render(arguments.format, &report, &options)?)
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
