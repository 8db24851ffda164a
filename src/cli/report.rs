//! `consentinel report`: renders a stored run in any format, or prints the schema of the JSON report.

use std::path::PathBuf;

use super::audit::Redact;
use super::evidence::EvidenceOptions;
use super::exit::Exit;
use super::judge::judge_again;
use super::output::{self, ResultFormat, chain, complain, print};
use super::store::Place;
use crate::judge::Profile;
use crate::model::report::{PageSource, Report};
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
    format: ResultFormat,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Fingerprints in the place of raw values, or the raw values [default: on in the report, off in evidence]
    #[arg(long, value_enum)]
    redact: Option<Redact>,
    #[command(flatten)]
    evidence: EvidenceOptions,
    /// Judge the run again, as this jurisdiction does and with today's catalog
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Print the JSON Schema of the report, with `--format ndjson` that of one line
    #[arg(long, conflicts_with = "run")]
    schema: bool,
}

pub(super) async fn run(arguments: &Arguments) -> Exit {
    let Some(run) = &arguments.run else {
        let schema = match arguments.format {
            ResultFormat::Report(Format::Ndjson) => report::lines::schema(),
            _ => report::json::schema(),
        };
        return match schema {
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
    let (head, pages) = match stored(&arguments.place, run, arguments.profile) {
        Ok(stored) => stored,
        Err(error) => {
            complain(&chain(error.as_ref()), None);
            return Exit::Usage;
        }
    };
    let evidence = arguments
        .evidence
        .prepare(arguments.redact == Some(Redact::On))
        .and_then(|evidence| {
            evidence.map_or(Ok(()), |evidence| {
                evidence.write(&head, pages.as_ref(), false)
            })
        });
    if let Err(message) = evidence {
        complain(&message, None);
        return Exit::Usage;
    }
    let path = arguments.output.as_deref();
    let options = report::Options {
        redact: arguments.redact != Some(Redact::Off),
        colour: path.is_none() && output::is_person_reading(),
        rules: output::rule_help(),
        ..report::Options::default()
    };
    match output::write_run(
        arguments.format,
        &head,
        pages.as_ref(),
        &options,
        path,
        None,
    )
    .await
    {
        Ok(()) => Exit::Passed,
        Err((message, remedy)) => {
            complain(&message, remedy);
            Exit::Internal
        }
    }
}

/// A run of a store: its pages are read one after another, unless it is judged again by another profile.
fn stored(
    place: &Place,
    run: &str,
    profile: Option<Profile>,
) -> Result<(Report, Box<dyn PageSource>), Box<dyn std::error::Error>> {
    let store = place.open()?;
    if profile.is_some() {
        let mut report = store.get(run)?;
        judge_again(&mut report, profile, None, &store, &[])?;
        return Ok((report.clone(), Box::new(report)));
    }
    let stored = store.run(run)?;
    let head = stored.head().cloned().ok_or("the run has no report")?;
    Ok((head, Box::new(stored)))
}
