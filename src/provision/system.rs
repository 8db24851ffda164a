//! Puts a Chromium, or another tool the program needs, on the machine by its package manager.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::process::Command;

use super::ProvisionError;
use crate::browser::launch::runs_as_root;
use crate::browser::{BrowserError, find};

/// What can be installed, and its packages' names by package manager.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// A browser.
    Browser,
    /// npm, for the consent rules and the test web's banners.
    Npm,
}

/// A package manager: its program, how it refreshes its lists, how it installs, its package names.
#[derive(Debug)]
struct Manager {
    program: &'static str,
    refresh: &'static [&'static str],
    install: &'static [&'static str],
    browser: &'static [&'static str],
    npm: &'static [&'static str],
    needs_root: bool,
}

/// Debian's headless shell is a package of its own; the others bring one executable for both.
const MANAGERS: &[Manager] = &[
    Manager {
        program: "apt-get",
        refresh: &["update"],
        install: &["install", "-y", "--no-install-recommends"],
        browser: &["chromium", "chromium-headless-shell"],
        npm: &["npm"],
        needs_root: true,
    },
    Manager {
        program: "dnf",
        refresh: &[],
        install: &["install", "-y"],
        browser: &["chromium", "chromium-headless"],
        npm: &["npm"],
        needs_root: true,
    },
    Manager {
        program: "pacman",
        refresh: &[],
        install: &["-Sy", "--noconfirm", "--needed"],
        browser: &["chromium"],
        npm: &["npm"],
        needs_root: true,
    },
    Manager {
        program: "zypper",
        refresh: &[],
        install: &["--non-interactive", "install"],
        browser: &["chromium"],
        npm: &["npm-default"],
        needs_root: true,
    },
    Manager {
        program: "brew",
        refresh: &[],
        install: &["install", "--cask"],
        browser: &["chromium"],
        npm: &["node"],
        needs_root: false,
    },
];

impl Manager {
    fn packages(&self, wanted: Wanted) -> &'static [&'static str] {
        match wanted {
            Wanted::Browser => self.browser,
            Wanted::Npm => self.npm,
        }
    }

    /// The command lines to run, first to last; each starts with its program.
    fn command_lines(&self, wanted: Wanted, as_root: bool) -> Vec<Vec<String>> {
        let line = |arguments: &[&str], packages: &[&str]| {
            let sudo = (self.needs_root && !as_root).then_some("sudo");
            let formula = self.program == "brew" && wanted == Wanted::Npm;
            sudo.into_iter()
                .chain(std::iter::once(self.program))
                .chain(
                    arguments
                        .iter()
                        .copied()
                        .filter(|argument| !(formula && *argument == "--cask")),
                )
                .chain(packages.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        let mut lines = Vec::new();
        if !self.refresh.is_empty() {
            lines.push(line(self.refresh, &[]));
        }
        lines.push(line(self.install, self.packages(wanted)));
        lines
    }
}

/// Installs what is wanted with the system's package manager. `say` hears each command before it runs.
pub async fn install(
    wanted: Wanted,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<(), ProvisionError> {
    let manager = MANAGERS
        .iter()
        .find(|manager| is_command(manager.program))
        .ok_or_else(|| {
            ProvisionError::System(
                "no package manager found (looked for apt-get, dnf, pacman, zypper, brew); \
             install Chromium by hand and name it with --browser PATH"
                    .to_owned(),
            )
        })?;
    let as_root = runs_as_root();
    if manager.needs_root && !as_root && !is_command("sudo") {
        return Err(ProvisionError::System(format!(
            "{} needs root and sudo is missing; run as root: {}",
            manager.program,
            manager
                .command_lines(wanted, true)
                .iter()
                .map(|line| line.join(" "))
                .collect::<Vec<_>>()
                .join(" && ")
        )));
    }
    for line in manager.command_lines(wanted, as_root) {
        say(&format!("running: {}", line.join(" ")));
        let status = Command::new(&line[0])
            .args(&line[1..])
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            // Results own stdout; what a package manager prints is not one.
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .status()
            .await
            .map_err(|error| {
                ProvisionError::System(format!("{} could not be started: {error}", line[0]))
            })?;
        if !status.success() {
            return Err(ProvisionError::System(format!(
                "`{}` ended with {status}",
                line.join(" ")
            )));
        }
    }
    Ok(())
}

/// Finds a browser, and installs one first when there is none.
pub async fn find_or_install(
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, ProvisionError> {
    match find::find(None) {
        Err(BrowserError::NotFound) => {
            install(Wanted::Browser, say).await?;
            Ok(find::find(None)?)
        }
        found => Ok(found?),
    }
}

/// Whether a program is on the search path.
pub fn is_command(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(program: &str, wanted: Wanted, as_root: bool) -> Vec<String> {
        let manager = MANAGERS
            .iter()
            .find(|manager| manager.program == program)
            .unwrap();
        manager
            .command_lines(wanted, as_root)
            .iter()
            .map(|line| line.join(" "))
            .collect()
    }

    #[test]
    fn command_lines_by_package_manager() {
        assert_eq!(
            lines("apt-get", Wanted::Browser, true),
            [
                "apt-get update",
                "apt-get install -y --no-install-recommends chromium chromium-headless-shell"
            ]
        );
        assert_eq!(
            lines("pacman", Wanted::Browser, false),
            ["sudo pacman -Sy --noconfirm --needed chromium"]
        );
        assert_eq!(
            lines("brew", Wanted::Browser, false),
            ["brew install --cask chromium"]
        );
        assert_eq!(lines("brew", Wanted::Npm, false), ["brew install node"]);
    }
}
