//! `consentinel doctor`: what works on this machine, and how to mend what does not.

use std::path::PathBuf;

use super::exit::Exit;
use super::output::{chain, print};
use crate::audit;
use crate::browser::launch::runs_as_root;
use crate::browser::{LaunchOptions, find};
use crate::catalog::Catalog;
use crate::visit::consent::Engine;

pub(super) const EXAMPLE: &str = "\
Example:
  consentinel doctor";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Browser to examine: a path, or a name on the search path
    #[arg(long, value_name = "PATH", env = find::BROWSER_VARIABLE)]
    browser: Option<PathBuf>,
}

/// One thing that was looked at.
struct Check {
    name: &'static str,
    good: bool,
    says: String,
    mend: Option<String>,
}

pub(super) async fn run(arguments: Arguments) -> Exit {
    let mut checks = browser_checks(arguments.browser).await;
    checks.push(engine_check());
    checks.push(catalog_check());
    checks.push(Check {
        name: "clock",
        good: true,
        says: "virtual; --clock real waits in real time".to_owned(),
        mend: None,
    });
    let text: String = checks.iter().map(shown).collect();
    print(&text);
    if checks.iter().all(|check| check.good) {
        Exit::Passed
    } else {
        Exit::Incomplete
    }
}

fn shown(check: &Check) -> String {
    let mark = if check.good { "ok " } else { "BAD" };
    let mend = check
        .mend
        .as_ref()
        .map(|mend| format!("    {:<20} {mend}\n", "->"))
        .unwrap_or_default();
    format!("{mark} {:<20} {}\n{mend}", check.name, check.says)
}

async fn browser_checks(asked: Option<PathBuf>) -> Vec<Check> {
    let executable = match find::find(asked.as_deref()) {
        Ok(executable) => executable,
        Err(error) => {
            let mend = error.remedy().map(str::to_owned);
            return vec![Check {
                name: "browser",
                good: false,
                says: chain(&error),
                mend,
            }];
        }
    };
    let place = executable.display().to_string();
    let browser = match audit::launch(&LaunchOptions {
        executable,
        ..LaunchOptions::default()
    })
    .await
    {
        Ok(browser) => browser,
        Err(error) => {
            let mend =
                "start it by hand with --headless=new --dump-dom about:blank to see what it says"
                    .to_owned();
            return vec![Check {
                name: "browser",
                good: false,
                says: format!("{place}: {}", chain(&error)),
                mend: Some(mend),
            }];
        }
    };
    let info = browser.info().clone();
    browser.close().await;
    let sandbox = if info.sandbox {
        Check {
            name: "sandbox",
            good: true,
            says: "on".to_owned(),
            mend: None,
        }
    } else {
        Check {
            name: "sandbox",
            good: true,
            says: "off, because this is root: Chromium does not run as root with it".to_owned(),
            mend: runs_as_root().then(|| "run as an ordinary user to switch it on".to_owned()),
        }
    };
    let third_party = if info.third_party_cookies {
        Check {
            name: "third-party cookies",
            good: true,
            says: "stored and returned (self-test)".to_owned(),
            mend: None,
        }
    } else {
        Check {
            name: "third-party cookies",
            good: false,
            says: "blocked by this browser: cookies of third parties would be missed".to_owned(),
            mend: Some(
                "use chromium-headless-shell, or lift the policy that blocks them".to_owned(),
            ),
        }
    };
    vec![
        Check {
            name: "browser",
            good: true,
            says: format!("{place}, {} ({})", info.version, info.engine),
            mend: None,
        },
        sandbox,
        third_party,
    ]
}

fn engine_check() -> Check {
    match Engine::load(None) {
        Ok(engine) if engine.is_present() => Check {
            name: "consent engine",
            good: true,
            says: engine.name().to_owned(),
            mend: None,
        },
        Ok(engine) => Check {
            name: "consent engine",
            good: false,
            says: engine.name().to_owned(),
            mend: Some("install npm and build the program again".to_owned()),
        },
        Err(error) => Check {
            name: "consent engine",
            good: false,
            says: chain(&error),
            mend: None,
        },
    }
}

fn catalog_check() -> Check {
    match Catalog::builtin() {
        Ok(catalog) => {
            let info = catalog.info();
            let says = format!("{} services, version {}", info.services, info.version);
            Check {
                name: "catalog",
                good: true,
                says,
                mend: None,
            }
        }
        Err(error) => Check {
            name: "catalog",
            good: false,
            says: chain(&error),
            mend: None,
        },
    }
}
