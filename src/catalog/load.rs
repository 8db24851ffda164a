//! Reads catalog files: those built into the binary, and a directory laid over them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;

use super::schema::Service;
use super::tables::{
    ExemptionFile, ExemptionRule, OverrideFile, OverrideRow, OverrideTable, RegulationFile,
    SectionFile, Tables,
};
use crate::model::value::sha256_hex;

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// Folders that hold one file for each entry.
const ENTRY_FOLDERS: [&str; 3] = ["services", "cmps", "platforms"];
/// Largest file accepted, in bytes; real entries have some ten thousand.
const LARGEST_FILE: u64 = 1 << 20;
/// Most files read from one folder of an overlay.
const MOST_FILES: usize = 20_000;

/// What can be wrong with a catalog.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// The file system said no.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        #[source]
        source: io::Error,
    },
    /// A file that is no UTF-8.
    #[error("{file} is no UTF-8 text")]
    NotText {
        /// Which file.
        file: String,
    },
    /// A file or folder beyond all measure.
    #[error("{} is too large: files have at most 1 MiB, folders at most {MOST_FILES} files", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
    },
    /// A directory given as overlay that holds nothing a catalog has.
    #[error(
        "{} holds no catalog files: expected services/*.toml, cmps/*.toml, platforms/*.toml or *.toml",
        path.display()
    )]
    Nothing {
        /// Which directory.
        path: PathBuf,
    },
    /// Not TOML, a missing key, or a value of the wrong form.
    #[error("{file}:{line}: {message}")]
    Malformed {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A key or word the form does not have.
    #[error("{file}:{line}: unknown {what} `{found}`{}", hint(nearest.as_deref()))]
    Unknown {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// `key` or `word`.
        what: &'static str,
        /// What was written.
        found: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A file whose name is not the id inside.
    #[error("{file}: the id `{id}` must equal the file's name")]
    WrongId {
        /// Which file.
        file: String,
        /// The id inside.
        id: String,
    },
    /// Two files of one layer with the same id.
    #[error("{second}: the id `{id}` is already taken by {first}")]
    TakenId {
        /// The id.
        id: String,
        /// Who has it.
        first: String,
        /// Who wants it.
        second: String,
    },
}

fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| {
        format!(", did you mean `{nearest}`?")
    })
}

/// A catalog file, not yet understood.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// Its path below the catalog's root, such as `services/matomo.toml`.
    pub(super) path: String,
    /// Its path as messages name it.
    pub(super) shown: String,
    /// Its content.
    pub(super) text: String,
}

/// An entry and the file it came from.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) service: Service,
    pub(super) file: String,
}

/// Everything the files say.
#[derive(Debug)]
pub(super) struct Loaded {
    /// By id.
    pub(super) entries: BTreeMap<String, Entry>,
    pub(super) tables: Tables,
    /// First 16 hexadecimal digits of the SHA-256 over all files.
    pub(super) version: String,
}

/// The files built into the binary.
pub(super) fn builtin() -> Result<Vec<File>, CatalogError> {
    let folders = ENTRY_FOLDERS
        .iter()
        .filter_map(|folder| BUILTIN.get_dir(folder));
    let mut files = Vec::new();
    for file in BUILTIN.files().chain(folders.flat_map(Dir::files)) {
        let path = file.path().to_string_lossy().replace('\\', "/");
        if is_toml(file.path()) {
            let shown = format!("catalog/{path}");
            let text = file.contents_utf8().ok_or_else(|| CatalogError::NotText {
                file: shown.clone(),
            })?;
            files.push(File {
                path,
                shown,
                text: text.to_owned(),
            });
        }
    }
    Ok(files)
}

/// The files of a directory laid over the built-in ones.
pub(super) fn overlay(root: &Path) -> Result<Vec<File>, CatalogError> {
    let mut files = Vec::new();
    read_folder(root, "", &mut files)?;
    for folder in ENTRY_FOLDERS {
        let path = root.join(folder);
        if path.is_dir() {
            read_folder(&path, &format!("{folder}/"), &mut files)?;
        }
    }
    if files.is_empty() {
        return Err(CatalogError::Nothing {
            path: root.to_owned(),
        });
    }
    Ok(files)
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<File>) -> Result<(), CatalogError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CatalogError::Read { path, source }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if is_toml(&path) && path.is_file() {
            paths.push(path);
        }
        if paths.len() > MOST_FILES {
            return Err(CatalogError::TooLarge {
                path: folder.to_owned(),
            });
        }
    }
    paths.sort();
    for path in paths {
        if fs::metadata(&path).map_err(failed(&path))?.len() > LARGEST_FILE {
            return Err(CatalogError::TooLarge { path });
        }
        let shown = path.display().to_string();
        let bytes = fs::read(&path).map_err(failed(&path))?;
        let text = String::from_utf8(bytes)
            .ok()
            .ok_or_else(|| CatalogError::NotText {
                file: shown.clone(),
            })?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push(File {
            path: format!("{prefix}{name}"),
            shown,
            text,
        });
    }
    Ok(())
}

fn is_toml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "toml")
}

/// Understands the files of all layers, strongest layer last.
pub(super) fn load(layers: &[Vec<File>]) -> Result<Loaded, CatalogError> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut tables = Tables::default();
    let mut rows: Vec<OverrideRow> = Vec::new();
    for layer in layers {
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for file in layer {
            match file.path.as_str() {
                "sections.toml" => {
                    let sections = parse::<SectionFile>(file)?.section;
                    tables.sections.extend(
                        sections
                            .into_iter()
                            .map(|section| (section.id.clone(), section)),
                    );
                }
                "regulations.toml" => {
                    let regulations = parse::<RegulationFile>(file)?.regulation;
                    tables
                        .regulations
                        .extend(regulations.into_iter().map(|law| (law.id.clone(), law)));
                }
                "exemptions.toml" => {
                    let mut stronger: BTreeMap<_, Vec<ExemptionRule>> = BTreeMap::new();
                    for rule in parse::<ExemptionFile>(file)?.exemption {
                        stronger.entry(rule.basis).or_default().push(rule);
                    }
                    tables.exemptions.extend(stronger);
                }
                "overrides.toml" => {
                    let mut stronger = parse::<OverrideFile>(file)?.row;
                    stronger.append(&mut rows);
                    rows = stronger;
                }
                path => {
                    let service: Service = parse(file)?;
                    let id = service.id.clone();
                    let stem = path
                        .rsplit('/')
                        .next()
                        .and_then(|name| name.strip_suffix(".toml"));
                    if stem != Some(id.as_str()) {
                        return Err(CatalogError::WrongId {
                            file: file.shown.clone(),
                            id,
                        });
                    }
                    if let Some(first) = taken.insert(id.clone(), file.shown.clone()) {
                        return Err(CatalogError::TakenId {
                            id,
                            first,
                            second: file.shown.clone(),
                        });
                    }
                    entries.insert(
                        id,
                        Entry {
                            service,
                            file: file.shown.clone(),
                        },
                    );
                }
            }
        }
    }
    tables.overrides = OverrideTable::new(rows);
    Ok(Loaded {
        entries,
        tables,
        version: version(layers),
    })
}

/// First 16 hexadecimal digits of the SHA-256 over the paths and contents of all files.
fn version(layers: &[Vec<File>]) -> String {
    let mut all = Vec::new();
    for layer in layers {
        let mut files: Vec<&File> = layer.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        for file in files {
            for part in [&file.path, &file.text] {
                all.extend_from_slice(&(part.len() as u64).to_be_bytes());
                all.extend_from_slice(part.as_bytes());
            }
        }
    }
    sha256_hex(&all)[..16].to_owned()
}

fn parse<T: DeserializeOwned>(file: &File) -> Result<T, CatalogError> {
    toml::from_str(&file.text).map_err(|error| explain(file, error.message(), error.span()))
}

/// Says where and what, and what was probably meant.
fn explain(file: &File, message: &str, span: Option<Range<usize>>) -> CatalogError {
    let start = span.map_or(0, |span| span.start);
    let line = 1 + file
        .text
        .bytes()
        .take(start)
        .filter(|byte| *byte == b'\n')
        .count();
    // Serde names the unknown one first and then all it knows, each in backticks.
    let what = [("unknown field", "key"), ("unknown variant", "word")]
        .into_iter()
        .find_map(|(beginning, what)| message.starts_with(beginning).then_some(what));
    let mut quoted = message.split('`').skip(1).step_by(2);
    if let (Some(what), Some(found)) = (what, quoted.next()) {
        let nearest = nearest_word(found, quoted);
        return CatalogError::Unknown {
            file: file.shown.clone(),
            line,
            what,
            found: found.to_owned(),
            nearest,
        };
    }
    let message = message
        .lines()
        .next()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_owned();
    CatalogError::Malformed {
        file: file.shown.clone(),
        line,
        message,
    }
}

/// The known word most like the one written, if any is like it at all.
pub(super) fn nearest_word<'a>(
    found: &str,
    known: impl Iterator<Item = &'a str>,
) -> Option<String> {
    known
        .map(|word| (strsim::jaro_winkler(found, word), word))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word.to_owned())
}
