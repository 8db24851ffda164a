//! `consentinel judge`: judges a stored run again and says what changed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use serde::Serialize;

use super::exit::Exit;
use super::output::{self, chain, complain};
use super::store::Place;
use crate::audit::earlier;
use crate::catalog::Catalog;
use crate::judge::changes::{Brief, Changes};
use crate::judge::{Judge, Profile};
use crate::model::report::Report;
use crate::report::printable;
use crate::store::Store;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel judge last --profile fr
  consentinel judge last --catalog my-services --format json
  consentinel judge last --earlier 20261101-120000-000-1a2b
  consentinel judge last --save

Ends with 0 when the run was judged, whatever changed.";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Id of a stored run, or `last`
    run: String,
    #[command(flatten)]
    place: Place,
    /// Jurisdiction whose rules are applied [default: the run's own]
    #[arg(long, value_enum)]
    profile: Option<Profile>,
    /// Folder with a catalog that is laid over the built-in one
    #[arg(long, value_name = "DIR")]
    catalog: Option<PathBuf>,
    /// Earlier run of the same pages to look back at (R35); may be repeated [default: the three newest in the store]
    #[arg(long, value_name = "RUN")]
    earlier: Vec<String>,
    /// How the changes are written
    #[arg(long, value_enum, default_value = "text")]
    format: Form,
    /// File for the changes, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Keep the new judgement in the store, in the place of the old one
    #[arg(long)]
    save: bool,
}

/// How the changes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Lines for a person.
    Text,
    /// One JSON document.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match changes(arguments) {
        Ok(text) => match output::write(arguments.output.as_deref(), &text) {
            Ok(()) => Exit::Passed,
            Err(message) => {
                complain(&message, None);
                Exit::Internal
            }
        },
        Err(error) => {
            complain(&chain(error.as_ref()), None);
            Exit::Usage
        }
    }
}

fn changes(arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let store = arguments.place.open()?;
    let mut report = store.get(&arguments.run)?;
    let by = JudgedBy::of(&report);
    let earlier = report.findings.clone();
    judge_again(
        &mut report,
        arguments.profile,
        arguments.catalog.as_deref(),
        &store,
        &arguments.earlier,
    )?;
    let changes = Changes::between(&earlier, &report.findings);
    if arguments.save {
        store.put(&report)?;
    }
    let now = JudgedBy::of(&report);
    Ok(match arguments.format {
        Form::Json => {
            let document = Document {
                run: &report.run.id,
                was: &by,
                is: &now,
                changes: &changes,
            };
            serde_json::to_string_pretty(&document)? + "\n"
        }
        Form::Text => heading(&report.run.id, &by, &now) + &in_lines(&changes),
    })
}

/// What a run was judged by.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct JudgedBy {
    profile: String,
    catalog: String,
    services: usize,
}

impl JudgedBy {
    fn of(report: &Report) -> Self {
        Self {
            profile: report.run.profile.clone(),
            catalog: report.run.catalog.version.clone(),
            services: report.run.catalog.services,
        }
    }

    fn in_words(&self) -> String {
        format!(
            "profile {}, catalog {} ({} services)",
            printable(&self.profile),
            printable(&self.catalog),
            self.services
        )
    }
}

/// The changes as a JSON document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    run: &'a str,
    was: &'a JudgedBy,
    is: &'a JudgedBy,
    #[serde(flatten)]
    changes: &'a Changes,
}

/// What the run was judged by, and what it is judged by now.
fn heading(run: &str, was: &JudgedBy, is: &JudgedBy) -> String {
    let run = printable(run);
    if was == is {
        format!("run {run}, judged as before: {}\n", is.in_words())
    } else {
        format!(
            "run {run}\n  was judged by {}\n  is judged by  {}\n",
            was.in_words(),
            is.in_words()
        )
    }
}

/// Judges a run again, as the profile named or the one it was judged by does, beside the earlier runs
/// that are named or, where none is, the newest ones of its store.
pub(super) fn judge_again(
    report: &mut Report,
    profile: Option<Profile>,
    catalog: Option<&Path>,
    store: &Store,
    earlier: &[String],
) -> Result<(), Box<dyn std::error::Error>> {
    let profile = match profile {
        Some(profile) => profile,
        None => Profile::from_str(&report.run.profile, false).map_err(|_unknown| {
            format!(
                "the run was judged by the profile {}, which this version does not know; name another with --profile",
                printable(&report.run.profile)
            )
        })?,
    };
    let catalog = match catalog {
        Some(folder) => Catalog::with_overlay(folder)?,
        None => Catalog::builtin()?,
    };
    let addresses: Vec<String> = report.pages.iter().map(|page| page.url.clone()).collect();
    let earlier = if earlier.is_empty() {
        let started = report.run.started;
        earlier::newest(store, &addresses, started, &catalog, profile)
    } else {
        earlier::named(store, earlier, &addresses, &catalog, profile)?
    };
    let mut judge = Judge::new(&catalog, profile).beside(&earlier);
    for page in &mut report.pages {
        judge.page(page).put_into(page);
    }
    let judgement = judge.finish();
    profile.name().clone_into(&mut report.run.profile);
    report.run.catalog = catalog.info();
    // What a baseline has accepted stays accepted.
    let accepted: BTreeMap<String, _> = std::mem::take(&mut report.findings)
        .into_iter()
        .filter_map(|finding| Some((finding.id, finding.accepted?)))
        .collect();
    report.findings = judgement.findings;
    for finding in &mut report.findings {
        finding.accepted = accepted.get(&finding.id).cloned();
    }
    report.services = judgement.services;
    report.rules = judgement.rules;
    report.summary = judgement.summary;
    Ok(())
}

fn in_lines(changes: &Changes) -> String {
    let mut text = String::new();
    let line = |text: &mut String, mark: &str, finding: &Brief, more: &str| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "{mark} {} {} {} ({}{more})",
            finding.id,
            finding.rule,
            printable(&finding.subject),
            said(finding),
        );
    };
    for finding in &changes.new {
        line(&mut text, "+", finding, "");
    }
    for finding in &changes.gone {
        line(&mut text, "-", finding, "");
    }
    for (then, now) in &changes.changed {
        line(&mut text, "~", now, &format!("; was {}", said(then)));
    }
    let _infallible = writeln!(
        text,
        "{} new, {} gone, {} changed, {} unchanged",
        changes.new.len(),
        changes.gone.len(),
        changes.changed.len(),
        changes.unchanged
    );
    text
}

/// Severity, verdict and service in words.
fn said(finding: &Brief) -> String {
    let words = format!("{:?}, {:?}", finding.severity, finding.verdict).to_lowercase();
    match &finding.service {
        Some(service) => format!("{words}, {}", printable(service)),
        None => words,
    }
}
