//! The configuration file: the audit's options under the same names, the command line wins.

use std::path::{Path, PathBuf};

use super::options::AuditOptions;

/// The file looked for in the current folder when `--config` names none.
const DEFAULT_FILE: &str = "consentinel.toml";

/// What can be wrong with the configuration file.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConfigError {
    /// It cannot be read.
    #[error("{}: cannot be read", .0.display())]
    Read(PathBuf, #[source] std::io::Error),
    /// It is no valid configuration. The parser's message names line, column and the allowed keys.
    #[error("{}: {}", .0.display(), in_one_line(.1))]
    Form(PathBuf, Box<toml::de::Error>),
}

fn in_one_line(error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', " ");
    error.span().map_or_else(
        || message.clone(),
        |span| format!("{message} (at byte {})", span.start),
    )
}

/// Reads the configuration: the named file, or `consentinel.toml` here if there is one.
pub(super) fn load(file: Option<&Path>) -> Result<Option<AuditOptions>, ConfigError> {
    let path = match file {
        Some(file) => file.to_path_buf(),
        None if Path::new(DEFAULT_FILE).is_file() => PathBuf::from(DEFAULT_FILE),
        None => return Ok(None),
    };
    let text =
        std::fs::read_to_string(&path).map_err(|error| ConfigError::Read(path.clone(), error))?;
    parse(&text)
        .map(Some)
        .map_err(|error| ConfigError::Form(path, Box::new(error)))
}

fn parse(text: &str) -> Result<AuditOptions, toml::de::Error> {
    toml::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_by_their_names() {
        let options = parse("dwell = \"5s\"\nstates = [\"before\"]\nfail-on = \"high\"").unwrap();
        assert_eq!(options.dwell.as_deref(), Some("5s"));
        assert_eq!(options.states.map(|states| states.len()), Some(1));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            ("dwel = \"5s\"", "dwel"),
            ("states = [\"later\"]", "later"),
            ("= 1", "key"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                in_one_line(&error).contains(named),
                "{}",
                in_one_line(&error)
            );
        }
    }
}
