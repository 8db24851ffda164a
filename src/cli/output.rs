//! Where text goes: results to standard output or a file, everything else to standard error.

use std::error::Error;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use tracing_subscriber::EnvFilter;

use crate::report::printable;

/// Says what is wrong, then what to do.
pub(super) fn complain(what: &str, remedy: Option<&str>) {
    let mut text = format!("error: {}\n", printable(what));
    if let Some(remedy) = remedy {
        text.push_str("hint: ");
        text.push_str(remedy);
        text.push('\n');
    }
    say_raw(&text);
}

/// An error with everything that caused it, in one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// Says something that is no result.
pub(super) fn say(line: &str) {
    say_raw(&format!("{}\n", printable(line)));
}

fn say_raw(text: &str) {
    // A closed error stream is nobody's loss.
    drop(anstream::stderr().write_all(text.as_bytes()));
}

/// Writes a result. A reader that has seen enough is no error.
pub(super) fn print(text: &str) {
    drop(anstream::stdout().write_all(text.as_bytes()));
}

/// Writes a result into a file, or to standard output when there is none.
pub(super) fn write(path: Option<&Path>, text: &str) -> Result<(), String> {
    stream(path, |out| out.write_all(text.as_bytes()))
}

/// Has a result written piece by piece into a file, or to standard output when there is none.
///
/// A reader of standard output that has seen enough is no error.
pub(super) fn stream<E: Error + From<io::Error> + 'static>(
    path: Option<&Path>,
    write: impl FnOnce(&mut dyn Write) -> Result<(), E>,
) -> Result<(), String> {
    let Some(path) = path else {
        let mut out = BufWriter::new(anstream::stdout().lock());
        let written = write(&mut out).and_then(|()| Ok(out.flush()?));
        return match written {
            Err(error) if !is_broken_pipe(&error) => Err(chain(&error)),
            _ => Ok(()),
        };
    };
    let failed = |reason: String| format!("{}: cannot be written: {reason}", path.display());
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let mut out = BufWriter::new(file);
    write(&mut out)
        .and_then(|()| Ok(out.flush()?))
        .map_err(|error| failed(chain(&error)))
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::BrokenPipe
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Where a result goes, and in which format: `FORMAT=PATH`.
pub(super) fn format_and_path(text: &str) -> Result<(crate::report::Format, PathBuf), String> {
    let (format, path) = text
        .split_once('=')
        .ok_or("expected FORMAT=PATH, such as html=report.html")?;
    let format = <crate::report::Format as clap::ValueEnum>::from_str(format, true)?;
    if path.is_empty() {
        return Err("expected a path after `=`".to_owned());
    }
    Ok((format, PathBuf::from(path)))
}

/// Whether results are read by a person.
pub(super) fn is_person_reading() -> bool {
    io::stdout().is_terminal()
}

/// Logs go to standard error and are silent unless `RUST_LOG` asks for them.
pub(super) fn start_log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("error"));
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .try_init();
    if let Err(error) = started {
        say(&format!("no log: {error}"));
    }
}
