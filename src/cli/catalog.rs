//! `consentinel catalog`: what the catalog knows, checked, asked, shown, imported and exported.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{chain, complain};
use crate::catalog::{Catalog, CatalogError};

mod check;
mod export;
mod import;
mod list;
mod matching;
mod show;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel catalog show kustomer
  consentinel catalog match --cookie _ga_ABC --host example.com --site shop.example
  consentinel catalog check my-catalog";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One line for each service
    #[command(after_help = list::EXAMPLE)]
    List(list::Arguments),
    /// Everything about one service
    #[command(after_help = show::EXAMPLE)]
    Show(show::Arguments),
    /// Who is behind a cookie, a storage key or a request, and why
    #[command(after_help = matching::EXAMPLE)]
    Match(matching::Arguments),
    /// Check catalog files as a linter does
    #[command(after_help = check::EXAMPLE)]
    Check(check::Arguments),
    /// Read somebody else's data set into a catalog folder
    #[command(after_help = import::EXAMPLE)]
    Import(import::Arguments),
    /// Write services in another program's format
    #[command(after_help = export::EXAMPLE)]
    Export(export::Arguments),
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    match arguments.command {
        Command::List(arguments) => list::run(&arguments),
        Command::Show(arguments) => show::run(&arguments),
        Command::Match(arguments) => matching::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Import(arguments) => import::run(arguments).await,
        Command::Export(arguments) => export::run(&arguments),
    }
}

/// Where the catalog comes from.
#[derive(Debug, clap::Args)]
struct Place {
    /// Folder with a catalog that is laid over the built-in one
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
}

impl Place {
    /// The catalog, or how the program ends without it.
    fn load(&self) -> Result<Catalog, Exit> {
        load(self.catalog.as_deref()).map_err(|error| {
            complain(
                &chain(&error),
                Some("`consentinel catalog check DIR` tells everything that is wrong there"),
            );
            Exit::Usage
        })
    }
}

fn load(overlay: Option<&Path>) -> Result<Catalog, CatalogError> {
    overlay.map_or_else(Catalog::builtin, Catalog::with_overlay)
}

/// Says that there is no such service, and which one was probably meant.
fn complain_of_service(catalog: &Catalog, name: &str) -> Exit {
    let hint = catalog.nearest_id(name).map_or_else(
        || "`consentinel catalog list` names them all".to_owned(),
        |nearest| format!("did you mean {nearest}? `consentinel catalog list` names them all"),
    );
    complain(&format!("no service {name} in the catalog"), Some(&hint));
    Exit::Usage
}
