//! Where browsers are on this machine.

use std::path::{Path, PathBuf};

use super::error::BrowserError;

/// The environment variable that names a browser.
pub const BROWSER_VARIABLE: &str = "CONSENTINEL_BROWSER";

/// Names looked for on the search path, best first: headless-shell costs a third of the others.
const NAMES: &[&str] = &[
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "msedge",
    "microsoft-edge",
    "microsoft-edge-stable",
];

/// Usual places that are not on the search path.
const PLACES: &[&str] = &[
    "/usr/lib/chromium/chromium-headless-shell",
    "/snap/bin/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "C:\\Program Files\\Chromium\\Application\\chrome.exe",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "C:\\Program Files\\Microsoft\\Edge\\Application\\msedge.exe",
];

/// Finds a browser: the one asked for, the one the environment names, the best one installed.
pub fn find(asked: Option<&Path>) -> Result<PathBuf, BrowserError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let named = std::env::var_os(BROWSER_VARIABLE)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from);
    search(
        asked.map(Path::to_path_buf).or(named),
        std::env::split_paths(&path),
        PLACES,
    )
}

fn search(
    asked: Option<PathBuf>,
    folders: impl Iterator<Item = PathBuf>,
    places: &[&str],
) -> Result<PathBuf, BrowserError> {
    let folders: Vec<PathBuf> = folders.collect();
    if let Some(asked) = asked {
        // A bare name is looked up like a command.
        if asked.components().count() == 1
            && let Some(found) = on_path(&folders, &asked.to_string_lossy())
        {
            return Ok(found);
        }
        return if is_executable(&asked) {
            Ok(asked)
        } else {
            Err(BrowserError::NoSuchBrowser(asked))
        };
    }
    NAMES
        .iter()
        .find_map(|name| on_path(&folders, name))
        .or_else(|| {
            places
                .iter()
                .map(PathBuf::from)
                .find(|place| is_executable(place))
        })
        .ok_or(BrowserError::NotFound)
}

fn on_path(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    let extensions: &[&str] = if cfg!(windows) { &[".exe", ""] } else { &[""] };
    folders
        .iter()
        .flat_map(|folder| {
            extensions
                .iter()
                .map(move |extension| folder.join(format!("{name}{extension}")))
        })
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else {
        return false;
    };
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        metadata.is_file() && metadata.permissions().mode() & 0o111 != 0
    }
    #[cfg(not(unix))]
    {
        metadata.is_file()
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            let file = folder.path().join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        folder
    }

    #[test]
    fn headless_shell_is_preferred() {
        let folder = folder_with(&["chromium", "google-chrome", "chromium-headless-shell"]);
        let found = search(None, std::iter::once(folder.path().to_path_buf()), &[]).unwrap();
        assert_eq!(found, folder.path().join("chromium-headless-shell"));
    }

    #[test]
    fn a_bare_name_is_looked_up() {
        let folder = folder_with(&["chromium", "chromium-headless-shell"]);
        let found = search(
            Some("chromium".into()),
            std::iter::once(folder.path().to_path_buf()),
            &[],
        )
        .unwrap();
        assert_eq!(found, folder.path().join("chromium"));
    }

    #[test]
    fn what_was_asked_for_is_never_replaced() {
        let folder = folder_with(&["chromium"]);
        let asked = folder.path().join("missing");
        let found = search(
            Some(asked),
            std::iter::once(folder.path().to_path_buf()),
            &[],
        );
        assert!(matches!(found, Err(BrowserError::NoSuchBrowser(_))));
    }

    #[test]
    fn none_is_an_error_with_a_remedy() {
        let error = search(None, std::iter::empty(), &[]).unwrap_err();
        assert!(matches!(error, BrowserError::NotFound));
        assert!(error.remedy().unwrap().contains("browser install"));
    }
}
