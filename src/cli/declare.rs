//! `consentinel declare`: the cookie declaration of a run, and a draft of a banner that gates what was found.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{self, chain, complain};
use super::store::Place;
use crate::catalog::schema::Service;
use crate::catalog::{Catalog, export};
use crate::declare::{self, Declaration, Language};
use crate::report::printable;
use crate::report::sheet::{self, SheetFormat};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel declare last --language de --output cookies.html --format html
  consentinel declare last --format klaro --output klaro-config.js";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id of a stored run, or `last`
    run: String,
    #[command(flatten)]
    place: Place,
    /// Form of the result
    #[arg(long, value_enum, default_value = "markdown")]
    format: Format,
    /// Language of the declaration
    #[arg(long, value_enum, default_value = "en")]
    language: Language,
    /// Folder with a catalog that is laid over the built-in one
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Form of a declaration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One self-contained file
    Html,
    /// Tables in Markdown
    Markdown,
    /// One document
    Json,
    /// Draft configuration of Klaro for the services found
    Klaro,
    /// Draft services of tarteaucitron for the services found
    Tarteaucitron,
    /// Draft configuration of vanilla-cookieconsent 3 for the services found
    VanillaCookieconsent,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let text = match text_of(arguments) {
        Ok(text) => text,
        Err(error) => {
            complain(&chain(error.as_ref()), None);
            return Exit::Usage;
        }
    };
    match output::write(arguments.output.as_deref(), &text) {
        Ok(()) => Exit::Passed,
        Err(message) => {
            complain(&message, None);
            Exit::Internal
        }
    }
}

fn text_of(arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let run = arguments.place.open()?.run(&arguments.run)?;
    let head = run.head().ok_or("the run has no report")?;
    let catalog = match &arguments.catalog {
        Some(folder) => Catalog::with_overlay(folder)?,
        None => Catalog::builtin()?,
    };
    let declared = declare::declaration(head, &run, &catalog, arguments.language)?;
    let written = |format| sheet::render(format, &declared.sheet(), 96);
    let services: Vec<&Service> = declared
        .services()
        .iter()
        .filter_map(|id| catalog.service(id))
        .collect();
    let language = declared.language();
    Ok(match arguments.format {
        Format::Html => written(SheetFormat::Html)?,
        Format::Markdown => written(SheetFormat::Markdown)?,
        Format::Json => serde_json::to_string_pretty(&declared)? + "\n",
        Format::Klaro => draft(&declared, &export::klaro(&services, language)?),
        Format::Tarteaucitron => draft(&declared, &export::tarteaucitron(&services)?),
        Format::VanillaCookieconsent => draft(
            &declared,
            &export::vanilla_cookieconsent(&services, language)?,
        ),
    })
}

/// A configuration with what it cannot gate named at its head.
fn draft(declared: &Declaration, script: &str) -> String {
    let mut text = "// A draft: put the tags of these services behind their consent, and test it with an audit.\n".to_owned();
    for unknown in declared.unknown() {
        // A line's end would end the comment.
        let line = format!(
            "// Nobody in the catalog, to be gated by hand: {}\n",
            printable(&unknown)
        );
        text.push_str(&line);
    }
    text + script
}
