//! Ends a browser whose owner was killed.
//!
//! Whoever is killed (`kill -9`, the system short of memory) runs no line of code any more, and a browser
//! goes on without it for ever. So somebody else waits: a shell reads from a pipe of which only this
//! process holds the other end. When that end is gone, so is this process, and the shell kills the
//! browser's processes and removes its profile.

use std::path::Path;

use tokio::process::Child;

/// Waits for this process to die. Dropped, it waits no more.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// Killed when dropped, with the pipe in it.
    #[cfg_attr(not(test), expect(dead_code, reason = "it is there to be dropped"))]
    shell: Child,
}

/// `$1` is the group of the browser's processes, `$2` its profile. A line on the pipe, which nobody
/// writes, would be no end of it.
#[cfg(unix)]
const SCRIPT: &str = r#"while read -r _; do :; done
kill -s KILL -- "-$1"
sleep 1
rm -rf -- "$2""#;

impl Watchdog {
    /// Watches over a browser that leads a group of processes; absent when no shell could be started.
    #[cfg(unix)]
    pub(super) fn over(process: u32, profile: &Path) -> Option<Self> {
        let mut shell = tokio::process::Command::new("/bin/sh");
        shell
            .args(["-c", SCRIPT, "consentinel-watchdog"])
            .arg(process.to_string())
            .arg(profile)
            // A group of its own: an interrupt at the terminal is not for it.
            .process_group(0)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .kill_on_drop(true);
        match shell.spawn() {
            Ok(shell) => Some(Self { shell }),
            Err(error) => {
                tracing::warn!(%error, "nobody will end the browser if this process is killed");
                None
            }
        }
    }

    /// Elsewhere nobody watches.
    #[cfg(not(unix))]
    pub(super) fn over(_process: u32, _profile: &Path) -> Option<Self> {
        None
    }
}

#[cfg(all(test, unix))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::time::{Duration, Instant};

    use tokio::process::Command;

    use super::*;

    /// A process that leads its group and sleeps, as a browser does.
    fn sleeper() -> Child {
        Command::new("sleep")
            .arg("60")
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .unwrap()
    }

    #[tokio::test]
    async fn it_ends_the_browser_when_the_pipe_ends_and_not_when_it_is_dropped() {
        let profile = tempfile::tempdir().unwrap();
        let mut kept = sleeper();
        let watchdog = Watchdog::over(kept.id().unwrap(), profile.path()).unwrap();
        drop(watchdog);
        let still_there = tokio::time::timeout(Duration::from_millis(500), kept.wait()).await;
        assert!(still_there.is_err(), "dropped, it kills");
        assert!(profile.path().exists());

        let mut ended = sleeper();
        let mut watchdog = Watchdog::over(ended.id().unwrap(), profile.path()).unwrap();
        // What a dead process leaves behind: a pipe nobody holds.
        drop(watchdog.shell.stdin.take());
        let status = tokio::time::timeout(Duration::from_secs(20), ended.wait()).await;
        assert!(!status.unwrap().unwrap().success());
        let until = Instant::now() + Duration::from_secs(20);
        while profile.path().exists() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(!profile.path().exists(), "the profile stays");
    }
}
