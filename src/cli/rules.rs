//! `consentinel rules`: what each rule checks, its law, its proof and its remedy, and how well it judges.

use std::fs;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{complain, print};
use crate::catalog::Catalog;
use crate::judge::handbook::{self, handbook};
use crate::judge::measure::{Case, measure, table};
use crate::judge::rules::{self, RuleInfo};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel rules list
  consentinel rules explain R02
  consentinel rules measure --cases fixtures/cases";

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
    /// How well every rule judges cases of which it is known what is right
    Measure(CaseArguments),
    /// The handbook of all rules in Markdown, with their measure and an example of each
    Handbook(CaseArguments),
}

#[derive(Debug, clap::Args)]
struct CaseArguments {
    /// Folder of cases: files of one JSON object a line
    #[arg(long, value_name = "DIR", default_value = "fixtures/cases")]
    cases: PathBuf,
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
        Command::Measure(arguments) => with_cases(&arguments.cases, |cases, catalog| {
            let scores = measure(cases, catalog);
            let wrong: Vec<String> = scores
                .iter()
                .flat_map(|(rule, score)| {
                    score
                        .wrong
                        .iter()
                        .map(move |case| format!("{rule}: {case}\n"))
                })
                .collect();
            print(&table(&scores));
            if wrong.is_empty() {
                return Exit::Passed;
            }
            print(&format!("\nJudged wrongly:\n{}", wrong.concat()));
            Exit::Findings
        }),
        Command::Handbook(arguments) => with_cases(&arguments.cases, |cases, catalog| {
            print(&handbook(cases, catalog));
            Exit::Passed
        }),
    }
}

/// Does something with the cases of a folder and the shipped catalog.
fn with_cases(folder: &Path, work: impl FnOnce(&[Case], &Catalog) -> Exit) -> Exit {
    let cases = match read(folder) {
        Ok(cases) => cases,
        Err(message) => {
            complain(
                &message,
                Some("name the folder with --cases; the source has it at fixtures/cases"),
            );
            return Exit::Usage;
        }
    };
    match Catalog::builtin() {
        Ok(catalog) => work(&cases, &catalog),
        Err(error) => {
            complain(&error.to_string(), None);
            Exit::Internal
        }
    }
}

/// The cases of every file of a folder, by the files' names.
fn read(folder: &Path) -> Result<Vec<Case>, String> {
    let shown = folder.display();
    let entries =
        fs::read_dir(folder).map_err(|error| format!("{shown} cannot be read: {error}"))?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ending| ending == "ndjson"))
        .collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("{} cannot be read: {error}", path.display()))?;
        for (number, line) in (1..)
            .zip(text.lines())
            .filter(|(_, line)| !line.trim().is_empty())
        {
            let case = serde_json::from_str(line)
                .map_err(|error| format!("{}:{number} is no case: {error}", path.display()))?;
            cases.push(case);
        }
    }
    if cases.is_empty() {
        return Err(format!("{shown} holds no cases"));
    }
    Ok(cases)
}

fn line(info: &RuleInfo) -> String {
    format!("{:<4} {:<34} {}\n", info.id, info.name, info.title)
}

fn explain(info: &RuleInfo) -> String {
    let needs: Vec<String> = info.needs.iter().map(ToString::to_string).collect();
    let (proof, needs, law) = (
        format!(
            "{}; {}",
            handbook::proof(info.proof),
            handbook::certainty(info.certainty)
        ),
        needs.join("; "),
        info.legal.join("; "),
    );
    let facts = [
        ("Checks", info.checks),
        ("Severity", handbook::severity(info.severity)),
        ("Proof", &proof),
        ("Law", &law),
        ("Needs", &needs),
        ("Remedy", info.remedy),
        ("Limits", info.limits),
    ];
    let facts: Vec<String> = facts
        .iter()
        .filter(|(_, fact)| !fact.is_empty())
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
