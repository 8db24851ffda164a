//! `consentinel demo`: serves the built-in test web and audits it.

use std::path::PathBuf;

use super::audit::{Results, carry_out, run_to_its_end};
use super::exit::{Exit, FailOn};
use super::options::AuditOptions;
use super::output::ResultFormat;
use super::output::{self, chain, complain, say};
use crate::audit::Job;
use crate::browser::BrowserError;
use crate::judge::baseline::Baseline;
use crate::model::report::Report;
use crate::model::visit::State;
use crate::provision::packages::{Packages, provide};
use crate::provision::system;
use crate::report::Format;
use crate::test_web::choices::table;
use crate::test_web::truth::compare;
use crate::test_web::{Options, PACKAGE_JSON, PACKAGE_LOCK, Site, TestWeb};

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel demo --install-browser
  consentinel demo --site ignores-reject --verbose
  consentinel demo --serve-only --port 8443

Ends with 0 when every site gave exactly its known truth, with 1 when one did not.";

/// The report a newcomer opens.
const HTML: ResultFormat = ResultFormat::Report(Format::Html);

/// Where the HTML report goes unless `--report` names another place.
const REPORT: &str = "consentinel-demo.html";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Serve the test web and audit nothing, until interrupted
    #[arg(long)]
    serve_only: bool,
    /// Port of the test web on loopback [default: a free one]
    #[arg(long, value_name = "N")]
    port: Option<u16>,
    /// Audit only this site of the test web; may be repeated
    #[arg(long, value_name = "NAME")]
    site: Vec<String>,
    /// Answer every banner of the test web in every state and print what became of the answers, as a table
    #[arg(long)]
    choice_table: bool,
    /// Install a browser first when none is found
    #[arg(long)]
    install_browser: bool,
    #[command(flatten)]
    options: AuditOptions,
    #[command(flatten)]
    results: Results,
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let packages = Packages {
        what: "the test web",
        manifest: PACKAGE_JSON,
        lock: PACKAGE_LOCK,
    };
    let packages = match provide(packages, &mut |line| say(line)).await {
        Ok(packages) => packages,
        Err(error) => {
            complain(
                &chain(&error),
                Some("install npm, or check the network, and try again"),
            );
            return Exit::Incomplete;
        }
    };
    let web = match TestWeb::start(Options {
        port: arguments.port,
        packages,
    })
    .await
    {
        Ok(web) => web,
        Err(error) => {
            complain(&chain(&error), None);
            return Exit::Internal;
        }
    };
    if arguments.serve_only {
        return serve(web).await;
    }
    let sites: Vec<Site> = web
        .sites()
        .iter()
        .filter(|site| arguments.site.is_empty() || arguments.site.contains(&site.name))
        .filter(|site| {
            !arguments.choice_table || site.platform.is_some() || site.is_about_consent_only()
        })
        .cloned()
        .collect();
    if sites.is_empty() {
        let names: Vec<&str> = web.sites().iter().map(|site| site.name.as_str()).collect();
        complain(
            "no such site",
            Some(&format!("the test web has: {}", names.join(", "))),
        );
        return Exit::Usage;
    }
    let exit = if arguments.choice_table {
        choice_table(arguments, &web, &sites).await
    } else {
        audit(arguments, &web, &sites).await
    };
    web.stop().await;
    exit
}

async fn serve(web: TestWeb) -> Exit {
    let lines = web
        .sites()
        .iter()
        .map(|site| format!("  {:<24} {}", site.name, site.url));
    let sites = lines.collect::<Vec<_>>().join(
        "
",
    );
    let text = format!(
        "serving the test web on 127.0.0.1:{}\n{sites}\naudit a site of it with\n  \
         consentinel audit {} --insecure --browser-arg='--host-resolver-rules={}'\n",
        web.port(),
        web.sites().first().map_or("URL", |site| site.url.as_str()),
        web.host_resolver_rules()
    );
    output::print(&text);
    if let Err(error) = tokio::signal::ctrl_c().await {
        complain(&format!("cannot wait for an interrupt: {error}"), None);
    }
    web.stop().await;
    Exit::Passed
}

/// How long a page is watched of which only the answers matter.
const SHORT_DWELL: &str = "3s";

/// Answers every banner in every state and prints the table.
async fn choice_table(mut arguments: Arguments, web: &TestWeb, sites: &[Site]) -> Exit {
    let options = &mut arguments.options;
    options.states.get_or_insert_with(|| {
        vec![
            State::Before,
            State::Rejected,
            State::Accepted,
            State::Withdrawn,
        ]
    });
    options.dwell.get_or_insert_with(|| SHORT_DWELL.to_owned());
    let job = match job_on(&arguments, web, sites).await {
        Ok(job) => job,
        Err(exit) => return exit,
    };
    match run_to_its_end(job, &arguments.results).await {
        Ok(report) => {
            output::print(&table(&report, sites));
            Exit::of_run(&report, &report, FailOn::Never)
        }
        Err(exit) => exit,
    }
}

async fn audit(mut arguments: Arguments, web: &TestWeb, sites: &[Site]) -> Exit {
    if !arguments
        .results
        .report
        .iter()
        .any(|(format, _)| *format == HTML)
    {
        arguments.results.report.push((HTML, PathBuf::from(REPORT)));
    }
    let job = match job_on(&arguments, web, sites).await {
        Ok(job) => job,
        Err(exit) => return exit,
    };
    let (exit, report) =
        carry_out(job, &arguments.results, FailOn::Never, &Baseline::default()).await;
    match report {
        Some(report) if exit == Exit::Passed => judge_ourselves(&report, sites),
        _ => exit,
    }
}

/// The audit of sites of the test web, with its certificate and its names.
async fn job_on(arguments: &Arguments, web: &TestWeb, sites: &[Site]) -> Result<Job, Exit> {
    let launch = match arguments.options.launch() {
        Err(BrowserError::NotFound) if arguments.install_browser => {
            match system::find_or_install(&mut |line| say(line)).await {
                Ok(_) => arguments.options.launch(),
                Err(error) => {
                    complain(&chain(&error), None);
                    return Err(Exit::Incomplete);
                }
            }
        }
        launch => launch,
    };
    let mut launch = match launch {
        Ok(launch) => launch,
        Err(error) => {
            let remedy = match error {
                BrowserError::NotFound => Some("run `consentinel demo --install-browser`"),
                _ => error.remedy(),
            };
            complain(&chain(&error), remedy);
            return Err(Exit::Incomplete);
        }
    };
    launch
        .trusted_keys
        .push(web.certificate_spki_sha256_base64().to_owned());
    launch.resolver_rules.push(web.host_resolver_rules());
    arguments
        .options
        .job(sites.iter().map(|site| site.url.clone()).collect(), launch)
        .map_err(|message| {
            complain(&message, None);
            Exit::Usage
        })
}

/// Compares what was found with what is known to be there, both ways.
fn judge_ourselves(report: &Report, sites: &[Site]) -> Exit {
    let mut wrong = 0;
    for site in sites {
        let differences = compare(report, site);
        if !differences.is_empty() {
            wrong += 1;
            for line in differences {
                say(&line);
            }
        }
    }
    say(&format!(
        "{} of {} sites gave exactly their known truth",
        sites.len() - wrong,
        sites.len()
    ));
    if wrong == 0 {
        Exit::Passed
    } else {
        Exit::Findings
    }
}
