//! `consentinel catalog list`: one line for each service.

use super::Place;
use crate::catalog::schema::Service;
use crate::cli::exit::Exit;
use crate::cli::output::print;
use crate::model::finding::Category;
use crate::report::printable;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog list
  consentinel catalog list --sector customer-support --category preferences
  consentinel catalog list --imported --format json

A line has id, category, sector, vendor country and name. JSON gives one object a line.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Only services of this section, such as analytics or customer-support
    #[arg(long, value_name = "ID")]
    sector: Option<String>,
    /// Only services of this consent category
    #[arg(long, value_parser = category)]
    category: Option<Category>,
    /// Only services whose id or name has this in it
    #[arg(value_name = "TEXT")]
    text: Option<String>,
    /// Services of imported data sets instead of those written by hand
    #[arg(long)]
    imported: bool,
    /// Form of the lines
    #[arg(long, value_enum, default_value = "text")]
    format: Lines,
}

/// Form of lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Lines {
    /// Columns for a person
    Text,
    /// One JSON object a line
    Json,
}

/// Reads a category.
pub(super) fn category(text: &str) -> Result<Category, String> {
    [
        Category::Necessary,
        Category::Preferences,
        Category::Analytics,
        Category::Marketing,
        Category::Unclassified,
    ]
    .into_iter()
    .find(|category| category.as_str() == text)
    .ok_or_else(|| {
        "expected necessary, preferences, analytics, marketing or unclassified".to_owned()
    })
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let catalog = match arguments.place.load() {
        Ok(catalog) => catalog,
        Err(exit) => return exit,
    };
    let listed: Vec<&Service> = if arguments.imported {
        catalog.imported().collect()
    } else {
        catalog.services().collect()
    };
    let lines: String = listed
        .into_iter()
        .filter(|service| arguments.wants(service))
        .map(|service| line(service, arguments.format))
        .collect();
    print(&lines);
    Exit::Passed
}

impl Arguments {
    fn wants(&self, service: &Service) -> bool {
        let text_fits = self.text.as_ref().is_none_or(|text| {
            let text = text.to_lowercase();
            service.id.contains(&text) || service.name.to_lowercase().contains(&text)
        });
        text_fits
            && self
                .sector
                .as_ref()
                .is_none_or(|sector| service.sector == *sector)
            && self
                .category
                .is_none_or(|category| service.category == category)
    }
}

fn line(service: &Service, format: Lines) -> String {
    match format {
        Lines::Text => {
            printable(&format!(
                "{:<32} {:<13} {:<22} {:<3} {}",
                service.id,
                service.category.as_str(),
                service.sector,
                service.vendor_country().unwrap_or("-"),
                service.name
            )) + "\n"
        }
        Lines::Json => {
            let record = serde_json::json!({
                "id": service.id,
                "name": service.name,
                "kind": service.kind.as_str(),
                "category": service.category.as_str(),
                "sector": service.sector,
                "vendor": service.vendor_name(),
                "country": service.vendor_country(),
                "hosts": service.request.len(),
                "items": service.cookie.len() + service.storage.len(),
            });
            format!("{record}\n")
        }
    }
}
