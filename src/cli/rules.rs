//! `consentinel rules`: what each rule checks, its law, its proof and its remedy.

use std::fmt::Write as _;

use super::exit::Exit;
use super::output::{complain, print};
use crate::judge::rules::{self, RuleInfo};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel rules list
  consentinel rules explain R02";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One line for each rule
    List,
    /// Everything about one rule
    Explain {
        /// Its id or name, such as R02 or pre-known-tracking-cookie
        rule: String,
    },
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match &arguments.command {
        Command::List => {
            let text: String = rules::all().map(line).collect();
            print(&text);
            Exit::Passed
        }
        Command::Explain { rule } => match rules::find(rule) {
            Some(info) => {
                print(&explain(info));
                Exit::Passed
            }
            None => {
                complain(&format!("no rule {rule}"), Some("`consentinel rules list` names them all"));
                Exit::Usage
            }
        },
    }
}

fn line(info: &RuleInfo) -> String {
    format!("{:<4} {:<32} {}\n", info.id, info.name, info.title)
}

fn explain(info: &RuleInfo) -> String {
    let mut text = format!("{} {}\n\n{}\n\n", info.id, info.name, info.title);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Checks:   {}", info.checks);
    let _ = writeln!(text, "Severity: {}", format!("{:?}", info.severity).to_lowercase());
    let _ = writeln!(text, "Proof:    {:?}, legal certainty {:?}", info.proof, info.certainty);
    let _ = writeln!(text, "Law:      {}", info.legal.join("; "));
    let _ = writeln!(text, "Remedy:   {}", info.remedy);
    text
}
