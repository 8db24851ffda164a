//! `consentinel runs`: the runs a store keeps.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{chain, complain, print};
use crate::report::printable;
use crate::store::{RunRecord, Store};

pub(super) const EXAMPLE: &str = "\
Example:
  consentinel audit https://www.example.com --store runs
  consentinel runs list --store runs";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One line for each run, oldest first
    List {
        /// Folder of the store
        #[arg(long, value_name = "DIR")]
        store: PathBuf,
    },
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let Command::List { store } = &arguments.command;
    match Store::open(store).and_then(|store| store.list()) {
        Ok(records) => {
            let text: String = records.iter().map(line).collect();
            print(&text);
            Exit::Passed
        }
        Err(error) => {
            complain(&chain(&error), None);
            Exit::Usage
        }
    }
}

fn line(record: &RunRecord) -> String {
    let findings: usize = record.summary.by_severity.values().sum();
    let first = record.pages.first().map_or("no page", String::as_str);
    let more = match record.page_count {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    printable(&format!(
        "{}  {findings:>4} findings  {first}{more}",
        record.id
    )) + "\n"
}
