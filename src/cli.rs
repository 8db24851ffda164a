//! The command line: arguments in, text out, no logic. One file for each command.
//!
//! Results go to standard output, everything else to standard error.

mod audit;
mod browser;
mod catalog;
mod compare;
mod config;
mod crawl;
mod declare;
mod demo;
mod doctor;
mod evidence;
mod exit;
mod judge;
mod options;
mod output;
mod progress;
mod report;
mod rules;
mod runs;
mod schedule;
mod serve;
mod store;
#[cfg(feature = "otel")]
mod telemetry;

use clap::{Parser, Subcommand};

pub use exit::Exit;
use output::complain;

const EXIT_CODES: &str = "\
Exit codes:
  0    complete, no finding at or above --fail-on
  1    findings at or above --fail-on
  2    wrong usage or configuration
  3    incomplete: no browser, a page not reached, blocked or crashed, events lost
  4    internal error
  130  interrupted; the report was written";

/// Visits web pages as someone who says nothing, no and yes, and reports what they stored and sent
/// without being allowed to.
#[derive(Debug, Parser)]
#[command(name = "consentinel", version, propagate_version = true, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Audit pages in all states
    #[command(after_help = audit::EXAMPLE)]
    Audit(Box<audit::Arguments>),
    /// Find the pages of a site and audit them as one job that can be gone on with
    #[command(after_help = crawl::EXAMPLE)]
    Crawl(Box<crawl::Arguments>),
    /// Serve the built-in test web and audit it
    #[command(after_help = demo::EXAMPLE)]
    Demo(Box<demo::Arguments>),
    /// Check what works on this machine, and say how to mend what does not
    #[command(after_help = doctor::EXAMPLE)]
    Doctor(doctor::Arguments),
    /// Install a browser
    #[command(after_help = browser::EXAMPLE)]
    Browser(browser::Arguments),
    /// List, show, ask, check, import and export the services the program knows
    #[command(after_help = catalog::EXAMPLE)]
    Catalog(catalog::Arguments),
    /// Show what changed between two runs, or two states
    #[command(after_help = compare::EXAMPLE)]
    Compare(compare::Arguments),
    /// List and explain the rules
    #[command(after_help = rules::EXAMPLE)]
    Rules(rules::Arguments),
    /// Render a stored run, or print the schema of the JSON report
    #[command(after_help = report::EXAMPLE)]
    Report(report::Arguments),
    /// Write a site's cookie declaration, or a draft of a banner, from a stored run
    #[command(after_help = declare::EXAMPLE)]
    Declare(declare::Arguments),
    /// Check evidence, and make keys to sign it with
    #[command(after_help = evidence::EXAMPLE)]
    Evidence(evidence::Arguments),
    /// Judge a stored run again, and say what changed
    #[command(after_help = judge::EXAMPLE)]
    Judge(judge::Arguments),
    /// List, show and delete stored runs
    #[command(after_help = runs::EXAMPLE)]
    Runs(runs::Arguments),
    /// Have sites audited by the clock: add, list, run and remove schedules
    #[command(after_help = schedule::EXAMPLE)]
    Schedule(schedule::Arguments),
    /// Audit sites on schedule, show what was found, and tell people what is new
    #[command(after_help = serve::EXAMPLE)]
    Serve(serve::Arguments),
    /// Check, export and import the store of runs
    #[command(after_help = store::EXAMPLE)]
    Store(store::Arguments),
}

/// Runs the program and returns its exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are results, errors are not; clap knows which is which.
            let printed = error.print();
            let usage = error.use_stderr() || printed.is_err();
            return if usage { Exit::Usage } else { Exit::Passed }.code();
        }
    };
    match &cli.command {
        Command::Serve(arguments) => output::start_log("info", arguments.log_format),
        _ => output::start_log("error", output::LogFormat::Text),
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("the program could not be started: {error}"), None);
            return Exit::Internal.code();
        }
    };
    let exit = runtime.block_on(async {
        match cli.command {
            Command::Audit(arguments) => audit::run(*arguments).await,
            Command::Crawl(arguments) => Box::pin(crawl::run(*arguments)).await,
            Command::Demo(arguments) => demo::run(*arguments).await,
            Command::Doctor(arguments) => doctor::run(arguments).await,
            Command::Browser(arguments) => browser::run(arguments).await,
            Command::Catalog(arguments) => catalog::run(arguments).await,
            Command::Compare(arguments) => compare::run(&arguments),
            Command::Rules(arguments) => rules::run(&arguments),
            Command::Report(arguments) => report::run(&arguments).await,
            Command::Judge(arguments) => judge::run(&arguments),
            Command::Declare(arguments) => declare::run(&arguments),
            Command::Evidence(arguments) => evidence::run(&arguments),
            Command::Runs(arguments) => runs::run(&arguments),
            Command::Schedule(arguments) => schedule::run(arguments).await,
            Command::Serve(arguments) => serve::run(arguments).await,
            Command::Store(arguments) => store::run(&arguments),
        }
    });
    #[cfg(feature = "otel")]
    telemetry::finish();
    // A reader of standard input or a name look-up may still hang; nobody waits for it.
    runtime.shutdown_background();
    exit.code()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        super::Cli::command().debug_assert();
    }
}
