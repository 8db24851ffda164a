//! `consentinel rules`: what each rule checks, its law, its proof and its remedy.

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
        Command::Explain { rule } => {
            if let Some(info) = rules::find(rule) {
                print(&explain(info));
                Exit::Passed
            } else {
                complain(
                    &format!("no rule {rule}"),
                    Some("`consentinel rules list` names them all"),
                );
                Exit::Usage
            }
        }
    }
}

fn line(info: &RuleInfo) -> String {
    format!("{:<4} {:<32} {}\n", info.id, info.name, info.title)
}

fn explain(info: &RuleInfo) -> String {
    let severity = format!("{:?}", info.severity).to_lowercase();
    let proof = format!("{:?}, legal certainty {:?}", info.proof, info.certainty);
    let law = info.legal.join("; ");
    let facts = [
        ("Checks", info.checks),
        ("Severity", &severity),
        ("Proof", &proof),
        ("Law", &law),
        ("Remedy", info.remedy),
    ];
    let facts: Vec<String> = facts
        .iter()
        .map(|(name, fact)| format!("{:<10}{fact}", format!("{name}:")))
        .collect();
    format!(
        "{} {}\n\n{}\n\n{}\n",
        info.id,
        info.name,
        info.title,
        facts.join("\n")
    )
}
