//! `consentinel catalog show`: everything about one service.

use std::path::PathBuf;

use super::{Place, complain_of_service};
use crate::catalog::Catalog;
use crate::catalog::schema::Service;
use crate::cli::exit::Exit;
use crate::cli::output::{self, chain, complain};
use crate::report::sheet::{self, SheetFormat};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog show kustomer
  consentinel catalog show matomo --language de
  consentinel catalog show onetrust --format html --output onetrust.html";

/// Columns of the terminal format.
const WIDTH: usize = 96;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id or name of the service
    service: String,
    #[command(flatten)]
    place: Place,
    /// Form of the result
    #[arg(long, value_enum, default_value = "terminal")]
    format: Format,
    /// Language of the prose, where the entry has it; English otherwise
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: String,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Form of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For a person at a terminal
    Terminal,
    /// The entry with the keys of its file
    Json,
    /// One self-contained file
    Html,
    /// Markdown with tables
    Markdown,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let catalog = match arguments.place.load() {
        Ok(catalog) => catalog,
        Err(exit) => return exit,
    };
    let Some(service) = find(&catalog, &arguments.service) else {
        return complain_of_service(&catalog, &arguments.service);
    };
    let rendered = match arguments.format {
        Format::Json => serde_json::to_string_pretty(service)
            .map(|text| text + "\n")
            .map_err(|error| error.to_string()),
        Format::Terminal => rendered(&catalog, service, arguments, SheetFormat::Terminal),
        Format::Html => rendered(&catalog, service, arguments, SheetFormat::Html),
        Format::Markdown => rendered(&catalog, service, arguments, SheetFormat::Markdown),
    };
    let written = rendered.and_then(|text| output::write(arguments.output.as_deref(), &text));
    match written {
        Ok(()) => Exit::Passed,
        Err(message) => {
            complain(&message, None);
            Exit::Internal
        }
    }
}

fn rendered(
    catalog: &Catalog,
    service: &Service,
    arguments: &Arguments,
    format: SheetFormat,
) -> Result<String, String> {
    let document = catalog.sheet(service, &arguments.language);
    sheet::render(format, &document, WIDTH).map_err(|error| chain(&error))
}

/// A service by id, name or alias.
pub(super) fn find<'c>(catalog: &'c Catalog, name: &str) -> Option<&'c Service> {
    catalog.service(name).or_else(|| {
        let is_meant = |service: &&Service| {
            std::iter::once(&service.name)
                .chain(&service.aliases)
                .any(|known| known.eq_ignore_ascii_case(name))
        };
        catalog
            .services()
            .find(is_meant)
            .or_else(|| catalog.imported().find(is_meant))
    })
}
