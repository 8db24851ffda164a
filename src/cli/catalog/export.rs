//! `consentinel catalog export`: chosen services in another program's format.

use std::path::PathBuf;

use super::show::find;
use super::{Place, complain_of_service};
use crate::catalog::Catalog;
use crate::catalog::export;
use crate::catalog::schema::Service;
use crate::cli::exit::Exit;
use crate::cli::output::{self, chain, complain};
use crate::model::finding::Category;
use crate::report::sheet::{self, SheetFormat};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog export klaro google-analytics kustomer --output klaro-config.js
  consentinel catalog export policy-markdown matomo youtube
  consentinel catalog export open-cookie-database --all > cookies.csv";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Form of the result
    #[arg(value_enum)]
    format: Format,
    /// Ids or names of the services
    #[arg(value_name = "SERVICE", required_unless_present_any = ["all", "category", "sector"])]
    services: Vec<String>,
    /// Every service written by hand
    #[arg(long)]
    all: bool,
    /// Also every service of this consent category
    #[arg(long, value_parser = super::list::category)]
    category: Option<Category>,
    /// Also every service of this section
    #[arg(long, value_name = "ID")]
    sector: Option<String>,
    #[command(flatten)]
    place: Place,
    /// Language of the prose, where the entry has it; English otherwise
    #[arg(long, value_name = "CODE", default_value = "en")]
    language: String,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
}

/// Form of exported services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// CSV with the columns of the Open Cookie Database
    OpenCookieDatabase,
    /// Configuration of Klaro
    Klaro,
    /// Services of tarteaucitron
    Tarteaucitron,
    /// Configuration of vanilla-cookieconsent 3
    VanillaCookieconsent,
    /// Tables of a cookie policy, Markdown
    PolicyMarkdown,
    /// Tables of a cookie policy, HTML
    PolicyHtml,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let catalog = match arguments.place.load() {
        Ok(catalog) => catalog,
        Err(exit) => return exit,
    };
    let services = match arguments.chosen(&catalog) {
        Ok(services) => services,
        Err(exit) => return exit,
    };
    if services.is_empty() {
        complain(
            "no service is of that category and section",
            Some("`consentinel catalog list` names them all"),
        );
        return Exit::Usage;
    }
    let written = text_of(&catalog, &services, arguments)
        .and_then(|text| output::write(arguments.output.as_deref(), &text));
    match written {
        Ok(()) => Exit::Passed,
        Err(message) => {
            complain(&message, None);
            Exit::Internal
        }
    }
}

impl Arguments {
    fn chosen<'c>(&self, catalog: &'c Catalog) -> Result<Vec<&'c Service>, Exit> {
        let mut chosen: Vec<&Service> = Vec::new();
        for name in &self.services {
            let service = find(catalog, name).ok_or_else(|| complain_of_service(catalog, name))?;
            if !chosen.iter().any(|held| held.id == service.id) {
                chosen.push(service);
            }
        }
        let filtered = self.category.is_some() || self.sector.is_some();
        for service in catalog.services() {
            let fits = self
                .category
                .is_none_or(|category| service.category == category)
                && self
                    .sector
                    .as_ref()
                    .is_none_or(|sector| service.sector == *sector);
            if (self.all || (filtered && fits)) && !chosen.iter().any(|held| held.id == service.id)
            {
                chosen.push(service);
            }
        }
        Ok(chosen)
    }
}

fn text_of(
    catalog: &Catalog,
    services: &[&Service],
    arguments: &Arguments,
) -> Result<String, String> {
    let policy = |format| {
        let document = export::policy(catalog, services, &arguments.language);
        sheet::render(format, &document, 96).map_err(|error| chain(&error))
    };
    match arguments.format {
        Format::OpenCookieDatabase => {
            export::open_cookie_database(services).map_err(|error| chain(&error))
        }
        Format::Klaro => {
            export::klaro(services, &arguments.language).map_err(|error| chain(&error))
        }
        Format::Tarteaucitron => export::tarteaucitron(services).map_err(|error| chain(&error)),
        Format::VanillaCookieconsent => {
            export::vanilla_cookieconsent(services, &arguments.language)
                .map_err(|error| chain(&error))
        }
        Format::PolicyMarkdown => policy(SheetFormat::Markdown),
        Format::PolicyHtml => policy(SheetFormat::Html),
    }
}
