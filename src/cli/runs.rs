//! `consentinel runs`: the runs a store keeps.

use super::exit::Exit;
use super::output::{chain, complain, print, say};
use super::store::Place;
use crate::report::printable;
use crate::store::{Kind, RunRecord, Store, StoreError};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel runs list
  consentinel runs show last
  consentinel runs delete 20261122T101500000Z-1a2b";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// One line for each run, oldest first
    List {
        #[command(flatten)]
        place: Place,
    },
    /// What is known of a run: when, how far, which pages, what came out
    Show {
        /// Id of a stored run, or `last`
        run: String,
        #[command(flatten)]
        place: Place,
    },
    /// Delete a run, and give its space on disk back
    Delete {
        /// Id of a stored run, or `last`
        run: String,
        #[command(flatten)]
        place: Place,
    },
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    let done = match &arguments.command {
        Command::List { place } => place.open().map(|store| list(&store)),
        Command::Show { run, place } => place.open().and_then(|store| show(&store, run)),
        Command::Delete { run, place } => place.open().and_then(|store| delete(&store, run)),
    };
    match done {
        Ok(exit) => exit,
        Err(error) => {
            complain(&chain(&error), None);
            Exit::Usage
        }
    }
}

fn list(store: &Store) -> Exit {
    let (runs, wrong) = store.list();
    let text: String = runs.iter().map(line).collect();
    print(&text);
    for error in &wrong {
        complain(
            &chain(error),
            Some("`consentinel store check` says what else is damaged"),
        );
    }
    if wrong.is_empty() {
        Exit::Passed
    } else {
        Exit::Incomplete
    }
}

fn show(store: &Store, run: &str) -> Result<Exit, StoreError> {
    let record = store.record(run)?;
    let (runs, _) = store.list();
    let record = runs
        .into_iter()
        .find(|other| other.id == record.id)
        .unwrap_or(record);
    let mut lines = vec![
        format!("run       {}", record.id),
        format!(
            "kind      {}",
            match record.kind {
                Kind::Audit => "audit",
                Kind::Crawl => "crawl",
            }
        ),
        format!("started   {}", record.started),
        match record.finished {
            Some(finished) => format!("finished  {finished}"),
            None => format!(
                "finished  not yet; go on with `consentinel crawl --resume {}`",
                record.id
            ),
        },
        format!("pages     {}", record.page_count),
    ];
    lines.extend(record.pages.iter().map(|page| format!("          {page}")));
    let more = record.page_count.saturating_sub(record.pages.len());
    if more > 0 {
        lines.push(format!("          and {more} more"));
    }
    lines.extend(
        record
            .summary
            .by_severity
            .iter()
            .rev()
            .map(|(severity, count)| {
                format!(
                    "findings  {count} {}",
                    format!("{severity:?}").to_lowercase()
                )
            }),
    );
    let text: String = lines.iter().map(|line| printable(line) + "\n").collect();
    print(&text);
    Ok(Exit::Passed)
}

fn delete(store: &Store, run: &str) -> Result<Exit, StoreError> {
    let freed = store.delete(run)?;
    say(&format!(
        "run {run} is deleted; {:.1} MB are free again",
        freed as f64 / 1e6
    ));
    Ok(Exit::Passed)
}

fn line(record: &RunRecord) -> String {
    let findings: usize = record.summary.by_severity.values().sum();
    let first = record.pages.first().map_or("no page", String::as_str);
    let more = match record.page_count {
        0 | 1 => String::new(),
        count => format!(" and {} more", count - 1),
    };
    let result = if record.finished.is_some() {
        format!("{findings:>4} findings")
    } else {
        " not finished".to_owned()
    };
    printable(&format!("{}  {result}  {first}{more}", record.id)) + "\n"
}
