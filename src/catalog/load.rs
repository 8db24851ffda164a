//! Reads catalog files: those built into the binary, and a directory laid over them.

mod understand;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread;

use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use toml::de::{DeTable, DeValue};

use super::breadth;
use super::dataset::Dataset;
use super::host::PathPattern;
use super::schema::Service;
use super::tables::{
    DisabledFile, ExemptionFile, ExemptionRule, OverrideFile, OverrideRow, OverrideTable,
    RegulationFile, SectionFile, Tables,
};

static BUILTIN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/catalog");

/// Folders that hold one file for each entry.
const ENTRY_FOLDERS: [&str; 3] = ["services", "cmps", "platforms"];
/// Files that are no entries.
const TABLES: [&str; 5] = [
    DISABLED_FILE,
    "sections.toml",
    "regulations.toml",
    "exemptions.toml",
    "overrides.toml",
];
/// Largest file accepted, in bytes; real entries have some ten thousand.
const LARGEST_FILE: u64 = 1 << 20;
/// Folder of imported data sets, one JSON file each.
pub(super) const IMPORTED_FOLDER: &str = "imported";
/// File that lists what an overlay takes away.
const DISABLED_FILE: &str = "disabled.toml";
/// Largest imported data set, in bytes.
pub(super) const LARGEST_DATASET: u64 = 64 << 20;
/// Most things said to be wrong with one file.
const MOST_PROBLEMS: usize = 100;
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
    #[error("{} is too large: files have at most 1 MiB, imported data sets 64 MiB, folders at most {MOST_FILES} files", path.display())]
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
    /// Something to take away that is not there.
    #[error("{file}:{line}: nothing to disable by the name `{found}`{}", hint(nearest.as_deref()))]
    NothingToDisable {
        /// Which file.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What was written.
        found: String,
        /// What was probably meant.
        nearest: Option<String>,
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
    pub(super) text: Cow<'static, str>,
    /// The same as JSON, where `build.rs` has written it.
    pub(super) compiled: Option<&'static str>,
}

impl File {
    /// Whether it describes a service: it is no table, no data set and takes nothing away.
    fn is_entry(&self) -> bool {
        let path = self.path.as_str();
        !(TABLES.contains(&path) || path == breadth::FILE || path.starts_with("imported/"))
    }
}

/// An entry and the file it came from.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) service: Service,
    /// The file as messages name it.
    pub(super) file: String,
    /// The folder it lies in, below the catalog's root; empty beside the tables.
    pub(super) folder: String,
}

/// Everything the files say.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// By id.
    pub(super) entries: BTreeMap<String, Entry>,
    /// By id; the id begins with that of the data set.
    pub(super) imported: BTreeMap<String, Service>,
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
        if has_extension(file.path(), "toml") {
            let shown = format!("catalog/{path}");
            let text = file.contents_utf8().ok_or_else(|| CatalogError::NotText {
                file: shown.clone(),
            })?;
            files.push(File {
                compiled: understand::compiled(&path),
                path,
                shown,
                text: Cow::Borrowed(text),
            });
        }
    }
    files.extend(breadth::file());
    Ok(files)
}

/// The files of a directory that has the shape of a catalog.
pub(super) fn directory(root: &Path) -> Result<Vec<File>, CatalogError> {
    let mut files = Vec::new();
    read_folder(root, "", "toml", LARGEST_FILE, &mut files)?;
    for folder in ENTRY_FOLDERS {
        let path = root.join(folder);
        if path.is_dir() {
            read_folder(
                &path,
                &format!("{folder}/"),
                "toml",
                LARGEST_FILE,
                &mut files,
            )?;
        }
    }
    let imported = root.join(IMPORTED_FOLDER);
    if imported.is_dir() {
        let prefix = format!("{IMPORTED_FOLDER}/");
        read_folder(&imported, &prefix, "json", LARGEST_DATASET, &mut files)?;
    }
    if files.is_empty() {
        return Err(CatalogError::Nothing {
            path: root.to_owned(),
        });
    }
    Ok(files)
}

/// One file, as if it lay in a catalog.
pub(super) fn single(path: &Path) -> Result<File, CatalogError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let parent = path.parent().and_then(Path::file_name).unwrap_or_default();
    let folder = ENTRY_FOLDERS
        .iter()
        .chain([&IMPORTED_FOLDER])
        .find(|folder| parent == **folder);
    let prefix = folder.map_or_else(String::new, |folder| format!("{folder}/"));
    let largest = if has_extension(path, "json") {
        LARGEST_DATASET
    } else {
        LARGEST_FILE
    };
    read_file(path, format!("{prefix}{name}"), largest)
}

fn read_folder(
    folder: &Path,
    prefix: &str,
    extension: &str,
    largest: u64,
    files: &mut Vec<File>,
) -> Result<(), CatalogError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| CatalogError::Read { path, source }
    };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if has_extension(&path, extension) && path.is_file() {
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
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        files.push(read_file(&path, format!("{prefix}{name}"), largest)?);
    }
    Ok(())
}

fn read_file(path: &Path, inner: String, largest: u64) -> Result<File, CatalogError> {
    let failed = |source| CatalogError::Read {
        path: path.to_owned(),
        source,
    };
    let mut bytes = Vec::new();
    // A file may grow, or be a device: what is read is counted, not what it says of its size.
    fs::File::open(path)
        .map_err(failed)?
        .take(largest + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > largest {
        return Err(CatalogError::TooLarge {
            path: path.to_owned(),
        });
    }
    let shown = path.display().to_string();
    let text = String::from_utf8(bytes)
        .ok()
        .ok_or_else(|| CatalogError::NotText {
            file: shown.clone(),
        })?;
    Ok(File {
        path: inner,
        shown,
        text: Cow::Owned(text),
        compiled: None,
    })
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// Understands the files of all layers, strongest layer last; the first thing wrong is an error.
pub(super) fn load(layers: &[Vec<File>]) -> Result<Loaded, CatalogError> {
    let (loaded, problems) = read(layers);
    match problems.into_iter().next() {
        Some(problem) => Err(problem),
        None => Ok(loaded),
    }
}

/// Understands what can be understood in the files of all layers, strongest layer last, and lists
/// what is wrong with the rest.
pub(super) fn read(layers: &[Vec<File>]) -> (Loaded, Vec<CatalogError>) {
    let mut reading = Reading::default();
    let version = thread::scope(|scope| {
        let version = scope.spawn(|| version(layers));
        for layer in layers {
            reading.layer(layer);
        }
        version.join().unwrap_or_default()
    });
    let mut loaded = reading.loaded;
    loaded.tables.overrides = OverrideTable::new(reading.rows);
    loaded.version = version;
    (loaded, reading.problems)
}

/// Layers while they are read.
#[derive(Default)]
struct Reading {
    loaded: Loaded,
    rows: Vec<OverrideRow>,
    problems: Vec<CatalogError>,
}

impl Reading {
    fn layer(&mut self, files: &[File]) {
        // What a layer takes away, it takes from the layers below.
        for file in files.iter().filter(|file| file.path == DISABLED_FILE) {
            if let Some(list) = self.parse::<DisabledFile>(file) {
                for written in list.disable {
                    if let Err(problem) = disable(&mut self.loaded, file, &written) {
                        self.problems.push(problem);
                    }
                }
            }
        }
        let mut taken: BTreeMap<String, String> = BTreeMap::new();
        for (file, understood) in files.iter().zip(understand::entries(files)) {
            match understood {
                Some(Ok(service)) => self.entry(file, service, &mut taken),
                Some(Err(error)) => self.problems.extend(problems_of::<Service>(file, &error)),
                None => self.table(file),
            }
        }
    }

    fn table(&mut self, file: &File) {
        match file.path.as_str() {
            DISABLED_FILE => {}
            "sections.toml" => {
                if let Some(table) = self.parse::<SectionFile>(file) {
                    let sections = table.section.into_iter();
                    self.loaded
                        .tables
                        .sections
                        .extend(sections.map(|section| (section.id.clone(), section)));
                }
            }
            "regulations.toml" => {
                if let Some(table) = self.parse::<RegulationFile>(file) {
                    let laws = table.regulation.into_iter();
                    self.loaded
                        .tables
                        .regulations
                        .extend(laws.map(|law| (law.id.clone(), law)));
                }
            }
            "exemptions.toml" => {
                if let Some(table) = self.parse::<ExemptionFile>(file) {
                    let mut stronger: BTreeMap<_, Vec<ExemptionRule>> = BTreeMap::new();
                    for rule in table.exemption {
                        stronger.entry(rule.basis).or_default().push(rule);
                    }
                    self.loaded.tables.exemptions.extend(stronger);
                }
            }
            "overrides.toml" => {
                if let Some(table) = self.parse::<OverrideFile>(file) {
                    let mut stronger = table.row;
                    stronger.append(&mut self.rows);
                    self.rows = stronger;
                }
            }
            path => {
                let dataset = if path == breadth::FILE {
                    breadth::dataset(&file.text)
                } else {
                    serde_json::from_str::<Dataset>(&file.text).map_err(Into::into)
                };
                match dataset {
                    Ok(dataset) => self.loaded.imported.extend(
                        dataset
                            .into_services()
                            .map(|service| (service.id.clone(), service)),
                    ),
                    Err(error) => self.problems.push(CatalogError::Malformed {
                        file: file.shown.clone(),
                        line: error.line(),
                        message: error.in_words(),
                    }),
                }
            }
        }
    }

    fn entry(&mut self, file: &File, service: Service, taken: &mut BTreeMap<String, String>) {
        let id = service.id.clone();
        let (folder, name) = file.path.rsplit_once('/').unwrap_or(("", &file.path));
        if name.strip_suffix(".toml") != Some(id.as_str()) {
            self.problems.push(CatalogError::WrongId {
                file: file.shown.clone(),
                id,
            });
            return;
        }
        if let Some(first) = taken.insert(id.clone(), file.shown.clone()) {
            self.problems.push(CatalogError::TakenId {
                id,
                first,
                second: file.shown.clone(),
            });
            return;
        }
        let entry = Entry {
            service,
            file: file.shown.clone(),
            folder: folder.to_owned(),
        };
        self.loaded.entries.insert(id, entry);
    }

    fn parse<T: DeserializeOwned>(&mut self, file: &File) -> Option<T> {
        match toml::from_str(&file.text) {
            Ok(understood) => Some(understood),
            Err(error) => {
                self.problems.extend(problems_of::<T>(file, &error));
                None
            }
        }
    }
}

/// Takes away an entry, or one record of an entry: `tidio`, `tidio/cookie:NAME`,
/// `tidio/storage:NAME`, `tidio/request:HOST` with or without a path.
fn disable(loaded: &mut Loaded, file: &File, written: &str) -> Result<(), CatalogError> {
    let (id, record) = match written.split_once('/') {
        Some((id, record)) => (id, Some(record)),
        None => (written, None),
    };
    let unknown = |nearest: Option<String>| CatalogError::NothingToDisable {
        file: file.shown.clone(),
        line: line_at(&file.text, file.text.find(written).unwrap_or_default()),
        found: written.chars().take(80).collect(),
        nearest,
    };
    let Some(record) = record else {
        let known = loaded.entries.remove(id).is_some() || loaded.imported.remove(id).is_some();
        return if known {
            Ok(())
        } else {
            Err(unknown(nearest_word(
                id,
                loaded.entries.keys().map(String::as_str),
            )))
        };
    };
    let Some(service) = loaded
        .entries
        .get_mut(id)
        .map(|entry| &mut entry.service)
        .or_else(|| loaded.imported.get_mut(id))
    else {
        return Err(unknown(nearest_word(
            id,
            loaded.entries.keys().map(String::as_str),
        )));
    };
    let removed = match record.split_once(':') {
        Some(("cookie", name)) => removed_from(&mut service.cookie, |cookie| {
            cookie
                .name
                .as_ref()
                .is_some_and(|held| held.as_str() == name)
        }),
        Some(("storage", name)) => removed_from(&mut service.storage, |entry| {
            entry
                .name
                .as_ref()
                .is_some_and(|held| held.as_str() == name)
        }),
        Some(("request", place)) => removed_from(&mut service.request, |rule| {
            let path = rule.path.as_ref().map_or("", PathPattern::as_str);
            format!("{}{path}", rule.host) == place
        }),
        _ => false,
    };
    if removed { Ok(()) } else { Err(unknown(None)) }
}

fn removed_from<T>(list: &mut Vec<T>, is_meant: impl Fn(&T) -> bool) -> bool {
    let before = list.len();
    list.retain(|record| !is_meant(record));
    list.len() < before
}

/// First 16 hexadecimal digits of the SHA-256 over the paths and contents of all files.
fn version(layers: &[Vec<File>]) -> String {
    let mut digest = Sha256::new();
    for layer in layers {
        let mut files: Vec<&File> = layer.iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        for file in files {
            for part in [file.path.as_str(), &file.text] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part.as_bytes());
            }
        }
    }
    let digest = digest.finalize();
    digest[..8].iter().fold(String::new(), |mut text, byte| {
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        text
    })
}

/// Everything wrong with a file that gave `error`: what is wrong is taken out, and the rest read again.
fn problems_of<T: DeserializeOwned>(file: &File, error: &toml::de::Error) -> Vec<CatalogError> {
    let mut problems = vec![explain(file, error.message(), error.span())];
    let Ok(root) = DeTable::parse(&file.text) else {
        return problems;
    };
    let mut root = root;
    let mut span = error.span();
    while let Some(at) = span.map(|span| span.start)
        && problems.len() < MOST_PROBLEMS
        && remove_at(root.get_mut(), at)
    {
        let deserializer = toml::de::Deserializer::from(root.clone());
        match T::deserialize(deserializer) {
            Ok(_) => break,
            Err(next) => {
                // What was taken out may be missed; that is no fault of the file.
                if next.message().starts_with("missing field") {
                    break;
                }
                problems.push(explain(file, next.message(), next.span()));
                span = next.span();
            }
        }
    }
    problems
}

/// Removes the innermost key or value that begins at or spans a byte of the file.
fn remove_at(table: &mut DeTable<'_>, at: usize) -> bool {
    let inner = table
        .iter_mut()
        .any(|(_, value)| remove_inside(value.get_mut(), at));
    if inner {
        return true;
    }
    let meant = table
        .iter()
        .find(|(key, value)| {
            key.span().contains(&at)
                || (!holds_tables(value.get_ref()) && value.span().contains(&at))
        })
        .map(|(key, _)| key.clone());
    meant.is_some_and(|key| table.remove(&key).is_some())
}

fn remove_inside(value: &mut DeValue<'_>, at: usize) -> bool {
    match value {
        DeValue::Table(table) => remove_at(table, at),
        DeValue::Array(array) => array
            .iter_mut()
            .any(|item| remove_inside(item.get_mut(), at)),
        _ => false,
    }
}

fn holds_tables(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::Table(_) => true,
        DeValue::Array(array) => array
            .iter()
            .any(|item| matches!(item.get_ref(), DeValue::Table(_))),
        _ => false,
    }
}

/// The line, from 1, that a byte of a text is on.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// Says where and what, and what was probably meant.
fn explain(file: &File, message: &str, span: Option<Range<usize>>) -> CatalogError {
    let start = span.map_or(0, |span| span.start);
    let line = line_at(&file.text, start);
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
