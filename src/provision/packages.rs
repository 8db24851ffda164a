//! npm packages, installed into the user's cache by their lock file and kept there.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::ProvisionError;
use super::system::{Wanted, install, is_command};
use crate::model::value::fingerprint;

/// Packages named by a manifest and pinned by a lock file.
#[derive(Debug, Clone, Copy)]
pub struct Packages {
    /// What they are for, such as `the test web`.
    pub what: &'static str,
    /// `package.json`.
    pub manifest: &'static str,
    /// `package-lock.json`.
    pub lock: &'static str,
}

/// Returns the `node_modules` folder of some packages, installing them first when they are not there.
///
/// The folder's name follows from the lock file, so another version is another folder.
pub async fn provide(
    packages: Packages,
    say: &mut (dyn FnMut(&str) + Send),
) -> Result<PathBuf, ProvisionError> {
    let folder = cache_folder().join(format!("npm-{}", fingerprint(packages.lock.as_bytes())));
    let modules = folder.join("node_modules");
    if folder.join("complete").is_file() {
        return Ok(modules);
    }
    if !is_command("npm") {
        say("npm is missing and is needed for the banners of the test web");
        install(Wanted::Npm, say).await?;
    }
    say(&format!(
        "installing the npm packages of {} into {}",
        packages.what,
        folder.display()
    ));
    let failed = |reason: String| ProvisionError::Packages {
        what: packages.what,
        reason,
    };
    // Built beside and moved into place: a run that is killed leaves no half of it behind.
    std::fs::create_dir_all(cache_folder()).map_err(|error| failed(error.to_string()))?;
    let beside = tempfile::tempdir_in(cache_folder()).map_err(|error| failed(error.to_string()))?;
    for (name, content) in [
        ("package.json", packages.manifest),
        ("package-lock.json", packages.lock),
    ] {
        std::fs::write(beside.path().join(name), content)
            .map_err(|error| failed(error.to_string()))?;
    }
    run_npm(beside.path()).await.map_err(failed)?;
    std::fs::write(beside.path().join("complete"), "")
        .map_err(|error| failed(error.to_string()))?;
    let built = beside.keep();
    if std::fs::rename(&built, &folder).is_err() {
        // Somebody else was faster, or an incomplete folder is in the way.
        if !folder.join("complete").is_file() {
            std::fs::remove_dir_all(&folder).map_err(|error| failed(error.to_string()))?;
            std::fs::rename(&built, &folder).map_err(|error| failed(error.to_string()))?;
        } else if let Err(error) = std::fs::remove_dir_all(&built) {
            tracing::debug!(%error, "a second copy of the packages could not be removed");
        }
    }
    Ok(modules)
}

async fn run_npm(folder: &Path) -> Result<(), String> {
    let npm = if cfg!(windows) { "npm.cmd" } else { "npm" };
    let output = Command::new(npm)
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(folder)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("npm could not be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or_default();
    Err(format!("npm ended with {}: {last}", output.status))
}

/// Where this program keeps what can be fetched again.
fn cache_folder() -> PathBuf {
    let named = |variable: &str| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    named("XDG_CACHE_HOME")
        .or_else(|| named("LOCALAPPDATA"))
        .or_else(|| {
            named("HOME").map(|home| {
                home.join(if cfg!(target_os = "macos") {
                    "Library/Caches"
                } else {
                    ".cache"
                })
            })
        })
        .unwrap_or_else(std::env::temp_dir)
        .join("consentinel")
}
