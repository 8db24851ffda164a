//! `consentinel evidence`: checks evidence, and makes keys to sign it with.

use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::output::{chain, complain, print, say};
use crate::evidence::{self, Check, Fault, SigningKey, Written};
use crate::model::report::{PageSource, Report};
use crate::report::printable;

pub(super) const EXAMPLE: &str = "\
Examples:
  consentinel audit https://www.example.com --evidence evidence-2026-10
  consentinel evidence verify evidence-2026-10
  consentinel evidence key audit.key
  consentinel evidence verify evidence-2026-10 --public-key audit.key.pub";

/// Variable with the password of a signing key.
const PASSWORD: &str = "CONSENTINEL_EVIDENCE_PASSWORD";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Compare evidence with its sums, signature and time stamp
    ///
    /// Ends with 0 when everything is as it was written, with 1 when something is not.
    Verify {
        /// Folder with the evidence
        folder: PathBuf,
        /// Public key of minisign the signature has to be of
        #[arg(long, value_name = "FILE")]
        public_key: Option<PathBuf>,
    },
    /// Make a pair of keys in minisign's form: PATH and PATH.pub
    Key {
        /// File for the secret key; must not exist
        path: PathBuf,
    },
}

/// Where evidence goes, and who vouches for it.
#[derive(Debug, clap::Args)]
pub(super) struct EvidenceOptions {
    /// Folder for the evidence, raw values included; must be empty or not exist
    #[arg(long, value_name = "DIR")]
    pub(super) evidence: Option<PathBuf>,
    /// Secret key of minisign that signs the evidence; its password in CONSENTINEL_EVIDENCE_PASSWORD
    #[arg(long, value_name = "FILE", requires = "evidence")]
    evidence_key: Option<PathBuf>,
    /// Server that is asked for a time stamp of the evidence (RFC 3161); it learns a digest, nothing else
    #[arg(long, value_name = "URL", requires = "evidence")]
    timestamp_server: Option<url::Url>,
}

impl EvidenceOptions {
    /// Reads the key before anything long begins: a wrong one must not cost an audit.
    pub(super) fn prepare(&self, redact: bool) -> Result<Option<Prepared>, String> {
        let Some(folder) = &self.evidence else {
            return Ok(None);
        };
        if folder.exists() {
            let is_empty = std::fs::read_dir(folder).is_ok_and(|mut there| there.next().is_none());
            if !is_empty {
                return Err(format!(
                    "{}: is not empty; evidence needs a folder of its own",
                    folder.display()
                ));
            }
        }
        if let Some(server) = &self.timestamp_server
            && !matches!(server.scheme(), "http" | "https")
        {
            return Err(format!(
                "{server}: only http and https servers can be asked"
            ));
        }
        let key = match &self.evidence_key {
            None => None,
            Some(path) => {
                let text = read(path)?;
                let password = std::env::var(PASSWORD).ok();
                let key = SigningKey::read(&text, password)
                    .map_err(|error| format!("{}: {}", path.display(), chain(&error)))?;
                Some(key)
            }
        };
        Ok(Some(Prepared {
            folder: folder.clone(),
            options: evidence::Options {
                redact,
                rules: super::output::rule_help(),
                key,
                timestamp_server: self.timestamp_server.clone(),
            },
        }))
    }
}

/// Evidence that can be written.
#[derive(Debug)]
pub(super) struct Prepared {
    folder: PathBuf,
    options: evidence::Options,
}

impl Prepared {
    /// Writes it and says where, unless it shall be quiet.
    pub(super) fn write(
        &self,
        head: &Report,
        pages: &dyn PageSource,
        quiet: bool,
    ) -> Result<(), String> {
        // Hashing, and a server that may take its time: nothing for the threads that drive browsers.
        let written = tokio::task::block_in_place(|| {
            evidence::write(&self.folder, head, pages, &self.options)
        });
        let Written {
            files,
            digest,
            stamp,
        } = written.map_err(|error| chain(&error))?;
        if quiet {
            return Ok(());
        }
        say(&format!(
            "evidence: {files} files in {}, sums {digest}",
            self.folder.display()
        ));
        if let Some(stamp) = stamp {
            let offset = stamp.offset_ms.map_or_else(String::new, |offset| {
                format!("; this clock differs by {offset} ms")
            });
            say(&format!("time stamp: {}{offset}", stamp.time));
        }
        Ok(())
    }
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    match &arguments.command {
        Command::Verify { folder, public_key } => verify(folder, public_key.as_deref()),
        Command::Key { path } => match make_key(path) {
            Ok(()) => Exit::Passed,
            Err(message) => {
                complain(&message, None);
                Exit::Usage
            }
        },
    }
}

fn verify(folder: &Path, public_key: Option<&Path>) -> Exit {
    let key = match public_key.map(read).transpose() {
        Ok(key) => key,
        Err(message) => {
            complain(&message, None);
            return Exit::Usage;
        }
    };
    match evidence::verify(folder, key.as_deref()) {
        Ok(check) => {
            print(&told(&check));
            if check.faults.is_empty() {
                Exit::Passed
            } else {
                Exit::Findings
            }
        }
        Err(error) => {
            complain(&chain(&error), None);
            Exit::Usage
        }
    }
}

fn told(check: &Check) -> String {
    let mut lines: Vec<String> = check.faults.iter().map(fault).collect();
    if check.faults.is_empty() {
        lines.push(format!(
            "{} files are as they were written; sums {}",
            check.files, check.digest
        ));
    }
    lines.push(match (&check.signed, check.has_signature) {
        (Some(comment), _) => format!("signed: {}", printable(comment)),
        (None, true) => "signature not checked: name its public key with --public-key".to_owned(),
        (None, false) => "not signed".to_owned(),
    });
    lines.push(match check.stamp {
        Some(stamp) => format!(
            "time stamp: {}; who made it is for `openssl ts -verify` to say",
            stamp.time
        ),
        None => "no time stamp".to_owned(),
    });
    lines.join("\n") + "\n"
}

fn fault(fault: &Fault) -> String {
    match fault {
        Fault::Changed(path) => format!("changed: {}", printable(path)),
        Fault::Missing(path) => format!("missing: {}", printable(path)),
        Fault::Added(path) => format!("added: {}", printable(path)),
        Fault::Link(path) => format!("no file: {}", printable(path)),
        Fault::Signature(why) => format!("signature: {}", printable(why)),
        Fault::Timestamp(why) => format!("time stamp: {}", printable(why)),
    }
}

fn make_key(path: &Path) -> Result<(), String> {
    let (secret, public) = evidence::generate().map_err(|error| chain(&error))?;
    let mut name = path.as_os_str().to_owned();
    name.push(".pub");
    write_new(path, &secret, true)?;
    write_new(Path::new(&name), &public, false)?;
    say(&format!(
        "the secret key is in {}: keep it; the public one is in {}",
        path.display(),
        Path::new(&name).display()
    ));
    Ok(())
}

/// Writes a file that must not exist; a secret one for its owner alone.
fn write_new(path: &Path, text: &str, is_secret: bool) -> Result<(), String> {
    use std::io::Write as _;
    let failed = |error| format!("{}: cannot be written: {error}", path.display());
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if is_secret {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = is_secret;
    let mut file = options.open(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}
