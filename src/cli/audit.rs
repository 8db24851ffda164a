//! `consentinel audit`: audits exactly these pages in all states.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::evidence::EvidenceOptions;
use super::exit::Exit;
use super::options::AuditOptions;
use super::output::{self, ResultFormat, chain, complain};
use super::progress::{self, Show};
use crate::audit::{self, Job, Shelved};
use crate::browser::{BrowserError, LaunchOptions};
use crate::judge::baseline::Baseline;
use crate::model::report::{PageSource, Report};
use crate::provision::system;
use crate::report;
use crate::store::Store;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel audit https://www.example.com
  consentinel audit --from pages.txt --format json --output report.json
  consentinel audit https://www.example.com --report html=report.html --fail-on high
  consentinel audit https://shop.test --insecure --browser-arg='--host-resolver-rules=MAP * 127.0.0.1:8443'";

/// Most addresses taken at once; `crawl` is for whole sites.
const MOST_ADDRESSES: usize = 100_000;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Pages to audit; `-` reads them from standard input, one a line
    #[arg(value_name = "URL")]
    urls: Vec<String>,
    /// File with pages to audit, one a line; lines that begin with # are skipped
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    #[command(flatten)]
    options: AuditOptions,
    #[command(flatten)]
    results: Results,
    /// Configuration file [default: consentinel.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Install a browser first when none is found
    #[arg(long)]
    install_browser: bool,
}

/// Options of the results.
#[derive(Debug, clap::Args)]
pub(super) struct Results {
    /// Format of the result
    #[arg(long, value_enum, default_value = "terminal")]
    pub(super) format: ResultFormat,
    /// File for the result, instead of standard output
    #[arg(long, short, value_name = "PATH")]
    pub(super) output: Option<PathBuf>,
    /// Another report from the same run, such as html=report.html; may be repeated
    #[arg(long, value_name = "FORMAT=PATH", value_parser = output::format_and_path)]
    pub(super) report: Vec<(ResultFormat, PathBuf)>,
    /// Fingerprints in the place of raw values, or the raw values [default: on in reports, off in evidence]
    #[arg(long, value_enum)]
    pub(super) redact: Option<Redact>,
    #[command(flatten)]
    pub(super) evidence: EvidenceOptions,
    /// Folder in which the run is kept, with raw values and pictures; earlier runs in it are looked back at (R35)
    #[arg(long, value_name = "DIR")]
    pub(super) store: Option<PathBuf>,
    /// End with 0 whatever was found
    #[arg(long)]
    pub(super) exit_zero: bool,
    /// Say nothing but the result
    #[arg(long, short, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Say a line for each visit
    #[arg(long, short)]
    pub(super) verbose: bool,
    /// Show no progress
    #[arg(long)]
    pub(super) no_progress: bool,
}

/// Whether reports carry raw values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Redact {
    /// Fingerprints only.
    On,
    /// Raw values.
    Off,
}

impl Results {
    /// How progress is shown.
    pub(super) fn show(&self) -> Show {
        Show::from_options(self.quiet, self.no_progress, self.verbose)
    }

    /// Writes every result asked for; `launch` starts the browser that prints.
    pub(super) async fn write(
        &self,
        head: &Report,
        pages: &dyn PageSource,
        launch: &LaunchOptions,
    ) -> Result<(), (String, Option<&'static str>)> {
        let html = self
            .report
            .iter()
            .find(|(format, _)| *format == ResultFormat::Report(report::Format::Html))
            .map(|(_, path)| path.display().to_string());
        let named = self
            .report
            .iter()
            .map(|(format, path)| (*format, Some(path.as_path())));
        for (format, path) in named.chain([(self.format, self.output.as_deref())]) {
            let options = report::Options {
                redact: self.redact != Some(Redact::Off),
                colour: path.is_none() && output::is_person_reading(),
                html_path: html.clone(),
                rules: output::rule_help(),
                ..report::Options::default()
            };
            output::write_run(format, head, pages, &options, path, Some(launch)).await?;
        }
        Ok(())
    }
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let options = match arguments.options.with_config(arguments.config.as_deref()) {
        Ok(options) => options,
        Err(error) => {
            complain(
                &chain(&error),
                Some("see `consentinel audit --help` for the names of all options"),
            );
            return Exit::Usage;
        }
    };
    let addresses = match addresses(&arguments.urls, arguments.from.as_deref()) {
        Ok(addresses) => addresses,
        Err(message) => {
            complain(
                &message,
                Some("give addresses as arguments, with --from FILE, or `-` for standard input"),
            );
            return Exit::Usage;
        }
    };
    let mut none = true;
    for given in &addresses {
        match audit::address(given) {
            Ok(_) => none = false,
            Err(reason) => complain(&format!("{given}: {reason}"), None),
        }
    }
    if none {
        return Exit::Usage;
    }
    let launch = match options.launch() {
        Err(BrowserError::NotFound) if arguments.install_browser => {
            match system::find_or_install(&mut |line| output::say(line)).await {
                Ok(_) => options.launch(),
                Err(error) => {
                    complain(&chain(&error), None);
                    return Exit::Incomplete;
                }
            }
        }
        launch => launch,
    };
    let launch = match launch {
        Ok(launch) => launch,
        Err(error) => {
            complain(&chain(&error), error.remedy());
            return Exit::Incomplete;
        }
    };
    let baseline = match options.accepted() {
        Ok(baseline) => baseline,
        Err(message) => {
            complain(&message, None);
            return Exit::Usage;
        }
    };
    match options.job(addresses, launch) {
        Ok(job) => {
            let fail_on = options.fail_on.unwrap_or_default();
            let (exit, report) = carry_out(job, &arguments.results, fail_on, &baseline).await;
            match report {
                Some(_) if arguments.results.exit_zero => Exit::Passed,
                _ => exit,
            }
        }
        Err(message) => {
            complain(&message, None);
            Exit::Usage
        }
    }
}

/// Runs a job, writes its results and says how the program ends.
pub(super) async fn carry_out(
    job: Job,
    results: &Results,
    fail_on: super::exit::FailOn,
    baseline: &Baseline,
) -> (Exit, Option<Report>) {
    let launch = job.launch.clone();
    let job = Job {
        store: results.store.clone().map(Shelved::Folder),
        ..job
    };
    // Evidence is raw unless the user says otherwise: it is what proves.
    let evidence = match results.evidence.prepare(results.redact == Some(Redact::On)) {
        Ok(evidence) => evidence,
        Err(message) => {
            complain(&message, None);
            return (Exit::Usage, None);
        }
    };
    let report = match run_to_its_end(job, results).await {
        Ok(mut report) => {
            let today = report.run.finished.to_zoned(jiff::tz::TimeZone::UTC).date();
            baseline.apply(&mut report, today);
            report
        }
        Err(exit) => return (exit, None),
    };
    if let Some(folder) = &results.store
        && let Err(error) = Store::open(folder).and_then(|store| store.put(&report))
    {
        complain(
            &chain(&error),
            Some("the run is not kept; its results follow"),
        );
    }
    if let Some(evidence) = evidence
        && let Err(message) = evidence.write(&report, &report, results.quiet)
    {
        complain(&message, Some("the run's results follow"));
        if let Err((message, remedy)) = results.write(&report, &report, &launch).await {
            complain(&message, remedy);
        }
        return (Exit::Internal, Some(report));
    }
    if let Err((message, remedy)) = results.write(&report, &report, &launch).await {
        complain(&message, remedy);
        return (Exit::Internal, Some(report));
    }
    (Exit::of_run(&report, &report, fail_on), Some(report))
}

/// Runs a job and shows its progress; an interrupt ends it early, with the report of what was seen.
pub(super) async fn run_to_its_end(job: Job, results: &Results) -> Result<Report, Exit> {
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let interrupts = tokio::spawn(async move {
        // Once ends the visits in flight and writes the report, twice ends the program.
        while tokio::signal::ctrl_c().await.is_ok() {
            if stop.is_cancelled() {
                std::process::abort();
            }
            output::say("stopping; the report of what was seen follows");
            stop.cancel();
        }
    });
    let (progress, shown) = progress::show(results.show());
    let outcome = audit::audit(job, progress, cancel).await;
    if let Err(error) = shown.await {
        tracing::debug!(%error, "progress was not shown to the end");
    }
    interrupts.abort();
    outcome.map_err(|error| {
        let remedy = match &error {
            audit::AuditError::Browser(error) => error.remedy(),
            _ => None,
        };
        complain(&chain(&error), remedy);
        Exit::of_error(&error)
    })
}

/// The addresses from arguments, file and standard input, in that order, each once.
pub(super) fn addresses(urls: &[String], from: Option<&Path>) -> Result<Vec<String>, String> {
    let mut list = Vec::new();
    for url in urls {
        if url == "-" {
            let mut text = String::new();
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| format!("standard input: {error}"))?;
            list.extend(lines(&text));
        } else {
            list.push(url.clone());
        }
    }
    if let Some(file) = from {
        let text = std::fs::read_to_string(file)
            .map_err(|error| format!("{}: {error}", file.display()))?;
        list.extend(lines(&text));
    }
    let mut seen = std::collections::HashSet::new();
    list.retain(|address| seen.insert(address.clone()));
    if list.is_empty() {
        return Err("no page to audit".to_owned());
    }
    if list.len() > MOST_ADDRESSES {
        return Err(format!("more than {MOST_ADDRESSES} pages"));
    }
    Ok(list)
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_skip_comments_blank_lines_and_repetitions() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "# pages\n\nhttps://a.test\n https://b.test \nhttps://a.test\n",
        )
        .unwrap();
        let list = addresses(&["https://b.test".to_owned()], Some(file.path())).unwrap();
        assert_eq!(list, ["https://b.test", "https://a.test"]);
        assert!(addresses(&[], None).is_err());
    }
}
