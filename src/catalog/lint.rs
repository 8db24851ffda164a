//! What a catalog's files may say and should not.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use jiff::civil;
use serde::Serialize;

use super::load::{self, File};
use super::{Catalog, CatalogError};

mod claims;
mod code;
mod entry;
mod place;
mod wording;

pub use code::{Level, LintCode};
use place::{Place, Step, Written};
pub use wording::ForeignTexts;

/// Fewest literal characters of a pattern in an override row without hosts.
const FEWEST_LITERALS_OF_ROWS: usize = 3;

/// One thing wrong in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub code: LintCode,
    /// The particulars.
    pub message: String,
}

/// A lint as a line of JSON has it.
#[derive(Debug, Serialize)]
pub struct LintRecord<'a> {
    /// The file.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// How bad it is.
    pub level: Level,
    /// The rule's name.
    pub rule: &'static str,
    /// The particulars.
    pub message: &'a str,
    /// How to mend it.
    pub remedy: &'static str,
}

impl Lint {
    /// What a script reads.
    pub fn record(&self) -> LintRecord<'_> {
        LintRecord {
            file: &self.file,
            line: self.line,
            level: self.code.level(),
            rule: self.code.as_str(),
            message: &self.message,
            remedy: self.code.remedy(),
        }
    }
}

/// What a check looked at and found.
#[derive(Debug)]
pub struct Checked {
    /// How many files were looked at.
    pub files: usize,
    /// What is wrong with them, in the order of files and lines.
    pub lints: Vec<Lint>,
}

/// Checks the built-in catalog, on the day `today`.
pub fn check_builtin(today: civil::Date) -> Result<Checked, CatalogError> {
    Ok(check(&[load::builtin()?], today))
}

/// Checks a file or a folder, on the day `today`.
///
/// A folder with a `sections.toml` is a catalog of its own; anything else is laid over the built-in
/// one. Only what is wrong in the file or the folder is told.
pub fn check_path(path: &Path, today: civil::Date) -> Result<Checked, CatalogError> {
    let files = if path.is_dir() {
        load::directory(path)?
    } else {
        vec![load::single(path)?]
    };
    let alone = path.is_dir() && files.iter().any(|file| file.path == "sections.toml");
    Ok(if alone {
        check(&[files], today)
    } else {
        check(&[load::builtin()?, files], today)
    })
}

/// Finds what files or a folder, or else the built-in catalog, have in common with other people's texts.
pub fn check_wording(paths: &[PathBuf], foreign: &ForeignTexts) -> Result<Vec<Lint>, CatalogError> {
    if paths.is_empty() {
        return Ok(foreign.check(&load::builtin()?));
    }
    let mut lints = Vec::new();
    for path in paths {
        let files = if path.is_dir() {
            load::directory(path)?
        } else {
            vec![load::single(path)?]
        };
        lints.append(&mut foreign.check(&files));
    }
    Ok(lints)
}

/// Checks one text as a catalog of its own, on the day `today`. Its path below the catalog's root says
/// what it is: `services/matomo.toml`, `overrides.toml`, `imported/disconnect.json`.
pub fn check_text(path: &str, text: &str, today: civil::Date) -> Checked {
    let file = File {
        path: path.to_owned(),
        shown: path.to_owned(),
        text: text.to_owned().into(),
        compiled: None,
    };
    check(&[vec![file]], today)
}

/// Checks the strongest of several layers, which come strongest last.
pub(super) fn check(layers: &[Vec<File>], today: civil::Date) -> Checked {
    let (loaded, problems) = load::read(layers);
    let catalog = Catalog::new(loaded);
    let files: &[File] = layers.last().map_or(&[], Vec::as_slice);
    let shown: BTreeSet<&str> = files.iter().map(|file| file.shown.as_str()).collect();
    let mut findings = Findings {
        catalog: &catalog,
        shown: &shown,
        found: Vec::new(),
    };
    for service in catalog.services() {
        entry::check(&mut findings, service, today);
    }
    let claims = claims::all(&catalog);
    for claim in &claims {
        claims::check(&mut findings, claim);
    }
    claims::check_names(&mut findings, &claims);
    claims::check_requests(&mut findings);
    check_rows(&mut findings, files);
    let mut lints = located(findings.found, files);
    lints.extend(
        problems
            .iter()
            .map(of_error)
            .filter(|lint| shown.contains(lint.file.as_str())),
    );
    lints.sort();
    lints.dedup();
    Checked {
        files: files.len(),
        lints,
    }
}

/// What was found so far.
struct Findings<'c> {
    catalog: &'c Catalog,
    /// Files whose faults are told.
    shown: &'c BTreeSet<&'c str>,
    found: Vec<(String, Place, LintCode, String)>,
}

impl Findings<'_> {
    /// Whether faults of an entry are told.
    fn is_shown(&self, id: &str) -> bool {
        self.shown.contains(self.catalog.file_of(id))
    }

    /// Tells a fault of an entry.
    fn push(&mut self, id: &str, place: Place, code: LintCode, message: String) {
        if self.is_shown(id) {
            let file = self.catalog.file_of(id).to_owned();
            self.found.push((file, place, code, message));
        }
    }
}

/// Finds the lines.
fn located(found: Vec<(String, Place, LintCode, String)>, files: &[File]) -> Vec<Lint> {
    let texts: HashMap<&str, &str> = files
        .iter()
        .map(|file| (file.shown.as_str(), &*file.text))
        .collect();
    let mut written: BTreeMap<String, Written<'_>> = BTreeMap::new();
    found
        .into_iter()
        .map(|(file, place, code, message)| {
            let text = texts.get(file.as_str()).copied().unwrap_or_default();
            let line = written
                .entry(file.clone())
                .or_insert_with(|| Written::new(text))
                .line(&place);
            Lint {
                file,
                line,
                code,
                message,
            }
        })
        .collect()
}

/// What keeps a file from being read, as a lint.
fn of_error(error: &CatalogError) -> Lint {
    let (file, line, code) = match error {
        CatalogError::Malformed { file, line, .. } => (file.clone(), *line, LintCode::Malformed),
        CatalogError::Unknown { file, line, .. } => (file.clone(), *line, LintCode::UnknownKey),
        CatalogError::NothingToDisable { file, line, .. } => {
            (file.clone(), *line, LintCode::NothingToDisable)
        }
        CatalogError::WrongId { file, .. } => (file.clone(), 1, LintCode::WrongId),
        CatalogError::TakenId { second, .. } => (second.clone(), 1, LintCode::TakenId),
        CatalogError::NotText { file } => (file.clone(), 1, LintCode::Malformed),
        CatalogError::Read { path, .. }
        | CatalogError::TooLarge { path }
        | CatalogError::Nothing { path } => (path.display().to_string(), 1, LintCode::Malformed),
    };
    let line = line.max(1);
    let full = error.to_string();
    // The place is told on its own.
    let message = [format!("{file}:{line}: "), format!("{file}: ")]
        .iter()
        .find_map(|place| full.strip_prefix(place.as_str()))
        .unwrap_or(&full)
        .to_owned();
    Lint {
        file,
        line,
        code,
        message,
    }
}

fn check_rows(findings: &mut Findings<'_>, files: &[File]) {
    let Some(file) = files.iter().find(|file| file.path == "overrides.toml") else {
        return;
    };
    // The rows of the strongest layer come first, in the order of its file.
    for (number, row) in findings.catalog.override_rows().iter().enumerate() {
        let place = || vec![Step::Key("row"), Step::Item(number), Step::Key("names")];
        if row.names.is_empty() {
            findings.found.push((
                file.shown.clone(),
                place(),
                LintCode::EmptyRow,
                format!("a row of `{}` has no names", row.group),
            ));
        }
        let everywhere = row.on.is_empty() && row.value.is_none();
        let wild = row.names.iter().filter(|name| name.exact().is_none());
        for pattern in wild.filter(|_| everywhere) {
            if pattern.literals() < FEWEST_LITERALS_OF_ROWS {
                findings.found.push((
                    file.shown.clone(),
                    place(),
                    LintCode::ShortName,
                    format!(
                        "`{pattern}` of `{}` is short: give the row `on` or `value`",
                        row.group
                    ),
                ));
            }
        }
    }
}
