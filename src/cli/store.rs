//! `consentinel store`: checks, exports and imports the store of runs.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{chain, complain, print};
use super::schedule::Refused;
use super::schedule::server::Server;
use crate::report::printable;
use crate::store::{self, Checked, Exported, Store, StoreError};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel store check
  consentinel store export runs-2026-11.store
  CONSENTINEL_TOKEN=… consentinel store export backup.store --server https://consent.example.com
  consentinel store import runs-2026-11.store --store restored";

/// Where the store is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Place {
    /// Folder of the store [default: consentinel in the platform's data directory]
    #[arg(long, value_name = "DIR", env = "CONSENTINEL_STORE")]
    pub(super) store: Option<PathBuf>,
    /// Where pages and pictures are kept, instead of that folder, such as s3://bucket/path; remembered by the store
    #[arg(long, value_name = "URL")]
    pub(super) evidence_store: Option<String>,
}

impl Place {
    /// The folder that was named, or the default one.
    pub(super) fn folder(&self) -> PathBuf {
        self.store
            .clone()
            .or_else(store::default_folder)
            .unwrap_or_else(|| PathBuf::from("consentinel-store"))
    }

    /// Opens it.
    pub(super) fn open(&self) -> Result<Store, StoreError> {
        Store::open_with_evidence(&self.folder(), self.evidence_store.as_deref())
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Read everything, and say what is damaged; ends with 3 if something is
    Check {
        #[command(flatten)]
        place: Place,
        /// Remove what no run names: what a crawl left that was killed
        #[arg(long)]
        sweep: bool,
    },
    /// Write all runs into one file
    Export {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Have it written by the service that has the store open; CONSENTINEL_TOKEN holds one of its tokens
        #[arg(long, value_name = "URL")]
        server: Option<String>,
        #[command(flatten)]
        place: Place,
    },
    /// Take all runs out of such a file
    Import {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.command {
        Command::Check { place, sweep } => place.open().and_then(|store| check(&store, *sweep)),
        Command::Export {
            file,
            server: Some(server),
            ..
        } => return export_from(server, file).unwrap_or_else(|refused| refused.complain()),
        Command::Export {
            file,
            place,
            server: None,
        } => place.open().and_then(|store| {
            let exported = store.export(file)?;
            say_exported(exported, file);
            if exported.missing > 0 {
                complain(
                    &format!("{} pieces of evidence could not be read", exported.missing),
                    Some("`consentinel store check` names them"),
                );
                return Ok(Exit::Incomplete);
            }
            Ok(Exit::Passed)
        }),
        Command::Import { file, place } => place.open().and_then(|store| {
            let imported = store.import(file)?;
            print(&format!(
                "{} runs and {} pieces of evidence are in {}\n",
                imported.runs,
                imported.evidence,
                printable(&store.folder().display().to_string())
            ));
            Ok(Exit::Passed)
        }),
    };
    match done {
        Ok(exit) => exit,
        Err(error) => {
            complain(&chain(&error), None);
            Exit::Usage
        }
    }
}

fn say_exported(exported: Exported, file: &Path) {
    print(&format!(
        "{} records and {} pieces of evidence are in {}\n",
        exported.records,
        exported.evidence,
        printable(&file.display().to_string())
    ));
}

/// Has a running service write its store, and looks whether the file is whole.
fn export_from(server: &str, file: &Path) -> Result<Exit, Refused> {
    let failed = |error: &dyn std::error::Error| {
        Refused::usage(format!("{}: {}", file.display(), chain(error)))
    };
    let server = Server::at(server)?;
    let parent = file.parent().filter(|parent| *parent != Path::new(""));
    let mut beside = tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new(".")))
        .map_err(|error| failed(&error))?;
    server.download(&["backup"], beside.as_file_mut())?;
    beside
        .as_file()
        .sync_all()
        .map_err(|error| failed(&error))?;
    let exported = store::look_through(beside.path()).map_err(|error| failed(&error))?;
    beside.persist(file).map_err(|error| failed(&error.error))?;
    say_exported(exported, file);
    Ok(Exit::Passed)
}

fn check(store: &Store, sweep: bool) -> Result<Exit, StoreError> {
    let checked = store.check()?;
    let Checked {
        runs,
        pages,
        evidence,
        evidence_bytes,
        record_bytes,
        unnamed,
        faults,
    } = &checked;
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    print(&format!(
        "{runs} runs with {pages} pages; {evidence} pieces of evidence in {:.1} MB, records in {:.1} MB\n",
        megabytes(*evidence_bytes),
        megabytes(*record_bytes)
    ));
    if unnamed.0 > 0 {
        print(&format!(
            "{} pieces of evidence in {:.1} MB belong to no run{}\n",
            unnamed.0,
            megabytes(unnamed.1),
            if sweep { "" } else { "; --sweep removes them" }
        ));
    }
    for fault in faults {
        complain(&format!("{}: {}", fault.what, chain(&fault.error)), None);
    }
    if sweep {
        let freed = store.sweep()?;
        print(&format!("{:.1} MB are free again\n", megabytes(freed)));
    }
    Ok(if faults.is_empty() {
        Exit::Passed
    } else {
        Exit::Incomplete
    })
}
