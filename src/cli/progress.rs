//! Shows how far a job is, on standard error: a bar on a terminal, plain lines in a log.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::output::say;
use crate::audit::Progress;
use crate::report::printable;

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Show {
    /// A bar, or lines where there is no terminal.
    Bar,
    /// A line for each visit.
    Lines,
    /// Nothing.
    Nothing,
}

impl Show {
    /// What the options ask for.
    pub(super) fn from_options(quiet: bool, no_progress: bool, verbose: bool) -> Self {
        if quiet || no_progress {
            Self::Nothing
        } else if verbose || !std::io::stderr().is_terminal() {
            Self::Lines
        } else {
            Self::Bar
        }
    }
}

/// Shows progress until the sender is gone.
pub(super) fn show(how: Show) -> (mpsc::UnboundedSender<Progress>, JoinHandle<()>) {
    let (sender, mut events) = mpsc::unbounded_channel();
    let task = tokio::spawn(async move {
        let bar = if how == Show::Bar {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        if let Ok(style) = ProgressStyle::with_template(
            "{bar:30} {pos}/{len} visits, {elapsed} so far  {wide_msg}",
        ) {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(500));
        let (mut done, mut all) = (0, 0);
        while let Some(event) = events.recv().await {
            match event {
                Progress::Begun { visits, browser } => {
                    all = visits;
                    bar.set_length(visits as u64);
                    if how == Show::Lines && visits > 0 {
                        say(&format!("{visits} visits with {browser}"));
                    }
                }
                Progress::Crawling { tally } => {
                    if let Ok(style) = ProgressStyle::with_template(
                        "{bar:30} {pos}/{len} pages, {per_sec}, {eta} left  {wide_msg}",
                    ) {
                        bar.set_style(style);
                    }
                    bar.set_length(tally.found());
                    bar.set_position(tally.found() - tally.waiting);
                    bar.reset_eta();
                    if how == Show::Lines {
                        say(&format!(
                            "{} pages found, {} of them done",
                            tally.found(),
                            tally.done + tally.failed
                        ));
                    }
                }
                Progress::Page {
                    url,
                    summary,
                    tally,
                } => {
                    bar.set_length(tally.found());
                    bar.set_position(tally.found() - tally.waiting);
                    let failed = match tally.failed {
                        0 => String::new(),
                        failed => format!("{failed} failed  "),
                    };
                    bar.set_message(printable(&format!("{failed}{url}")));
                    if how == Show::Lines {
                        let done = tally.done + tally.failed;
                        say(&format!("[{done}/{}] {url} {summary}", tally.found()));
                    }
                }
                Progress::Visited {
                    url,
                    state,
                    repeat,
                    summary,
                } => {
                    done += 1;
                    bar.inc(1);
                    let state = format!("{state:?}").to_lowercase();
                    let state = match repeat {
                        0 | 1 => state,
                        _ => format!("{state} {repeat}"),
                    };
                    bar.set_message(printable(&format!("{url} {state}")));
                    if how == Show::Lines {
                        say(&format!("[{done}/{all}] {url} {state}: {summary}"));
                    }
                }
            }
        }
        bar.finish_and_clear();
    });
    (sender, task)
}
