//! `consentinel browser`: puts a Chromium on the machine.

use super::exit::Exit;
use super::output::{chain, complain, print, say};
use crate::browser::find;
use crate::provision::system::{self, Wanted};

pub(super) const EXAMPLE: &str = "\
Example:
  consentinel browser install";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Install a browser with the system's package manager
    Install,
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let Command::Install = arguments.command;
    if let Err(error) = system::install(Wanted::Browser, &mut |line| say(line)).await {
        complain(&chain(&error), None);
        return Exit::Incomplete;
    }
    match find::find(None) {
        Ok(path) => {
            print(&format!("{}\n", path.display()));
            Exit::Passed
        }
        Err(error) => {
            complain(&chain(&error), error.remedy());
            Exit::Incomplete
        }
    }
}
