//! A whole store, or runs of it, in one file: for backups, for moving, for getting out of damage.
//!
//! A file is a line of JSON for each record and each piece of evidence, each followed by as many bytes
//! as it says, and a last line with the digest of everything before it: a file that was cut short is
//! noticed before anything of it is taken.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::records::{self, LARGEST_RECORD, TREES};
use super::{Digest, RunRecord, Store, StoreError};
use crate::model::value::hexadecimal;

/// The form of the file.
const FORM: &str = "consentinel/store/v1";
/// The trees of runs, in the order they are exported: what refers to something comes before it. A page that
/// is stored meanwhile is visited again, one whose frontier says so and that is not there would be lost.
const OF_RUNS: [&str; 4] = ["runs", "frontier", "pages", "findings"];
/// Longest line, in bytes: keys and digests are short.
const LONGEST_LINE: u64 = 4 * 1024;
/// Largest piece of evidence as it lies in its file, in bytes.
const LARGEST_FILE: u64 = 1024 * 1024 * 1024;
/// Records written between two flushes.
const FLUSH_EVERY: usize = 10_000;

/// What was exported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Records of all kinds.
    pub records: usize,
    /// Pieces of evidence.
    pub evidence: usize,
    /// Pieces of evidence that could not be read, and are missing in the file.
    pub missing: usize,
}

/// What was imported.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Imported {
    /// Runs.
    pub runs: usize,
    /// Pieces of evidence.
    pub evidence: usize,
}

/// What was restored, and what was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Runs that were missing.
    pub runs: usize,
    /// Runs that were there, and stayed as they are.
    pub kept_runs: usize,
    /// Records of the service that were missing.
    pub records: usize,
    /// Records of the service that were there, and stayed as they are.
    pub kept_records: usize,
    /// Records of the service that nobody asked for.
    pub left_out: usize,
    /// Pieces of evidence that were missing or damaged.
    pub evidence: usize,
}

/// One line of the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
enum Line {
    /// The first: what the file is.
    Store { form: String, schema: u32 },
    /// A record; its value follows.
    Record {
        tree: String,
        key: String,
        bytes: u64,
    },
    /// A piece of evidence; its packed file follows.
    Evidence { digest: Digest, bytes: u64 },
    /// The last: SHA-256 of everything before it.
    End { sha256: String },
}

/// Writes, and digests what is written.
struct Digesting<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}

impl Store {
    /// Writes every record and all evidence that can be read into one file.
    pub fn export(&self, path: &Path) -> Result<Exported, StoreError> {
        let failed = |error| StoreError::File(path.to_path_buf(), error);
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let mut beside =
            tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).map_err(failed)?;
        let exported = self.export_into(beside.as_file_mut(), path)?;
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(path).map_err(|error| failed(error.error))?;
        Ok(exported)
    }

    /// Writes every record and all evidence that can be read into a file, which errors call `path`.
    ///
    /// Others may go on writing meanwhile: every run that has come to its end is in the file whole. What
    /// refers to something is read before it, and nothing is deleted until this returns.
    pub fn export_into(&self, file: &mut File, path: &Path) -> Result<Exported, StoreError> {
        let _unswept = self.unswept();
        let failed = |error| StoreError::File(path.to_path_buf(), error);
        let mut file = Digesting {
            inner: BufWriter::new(file),
            digest: Sha256::new(),
        };
        let mut exported = Exported::default();
        let first = Line::Store {
            form: FORM.to_owned(),
            schema: records::SCHEMA_VERSION,
        };
        put(&mut file, &first, &[]).map_err(failed)?;
        let mut runs = BTreeSet::new();
        let of_service = TREES.into_iter().filter(|tree| !OF_RUNS.contains(tree));
        for tree in of_service.chain(OF_RUNS) {
            for entry in &self.records.tree(tree)? {
                let (key, value) = entry?;
                if tree == "runs" {
                    runs.insert(records::run_of(&key));
                } else if OF_RUNS.contains(&tree) && !runs.contains(&records::run_of(&key)) {
                    // Of a run that began a moment ago.
                    continue;
                }
                let line = Line::Record {
                    tree: tree.to_owned(),
                    key: hexadecimal(&key),
                    bytes: value.len() as u64,
                };
                put(&mut file, &line, &value).map_err(failed)?;
                exported.records += 1;
            }
        }
        let (named, _) = self.named();
        for digest in named {
            match self.objects.file(&digest) {
                Ok(packed) => {
                    let line = Line::Evidence {
                        digest,
                        bytes: packed.len() as u64,
                    };
                    put(&mut file, &line, &packed).map_err(failed)?;
                    exported.evidence += 1;
                }
                Err(error) => {
                    tracing::warn!(%error, "evidence is left out of the export");
                    exported.missing += 1;
                }
            }
        }
        let last = Line::End {
            sha256: hexadecimal(&file.digest.clone().finalize()),
        };
        put(&mut file, &last, &[]).map_err(failed)?;
        file.flush().map_err(failed)?;
        Ok(exported)
    }

    /// Brings back what is missing: runs that are not there, and records of the service that are not there
    /// and that `wanted`, given their tree and their JSON, asks for. What is there stays as it is. Nothing
    /// is taken from a file that is not whole.
    pub fn restore(
        &self,
        path: &Path,
        wanted: impl Fn(&str, &[u8]) -> bool,
    ) -> Result<Restored, StoreError> {
        let mut missing = BTreeSet::new();
        read(path, |line, bytes| {
            if let Line::Record { tree, key, .. } = line
                && tree == "runs"
            {
                let id = records::run_of(&bytes_of(&key).unwrap_or_default());
                checked_run(&id, bytes)?;
                if self.records.run(&id)?.is_none() {
                    missing.insert(id);
                }
            }
            Ok(())
        })?;
        let _unswept = self.unswept();
        let mut restored = Restored::default();
        let mut run_records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut since_flush = 0;
        read(path, |line, bytes| {
            match line {
                Line::Record { tree, key, .. } => {
                    let key = bytes_of(&key).unwrap_or_default();
                    if OF_RUNS.contains(&tree.as_str()) {
                        if !missing.contains(&records::run_of(&key)) {
                            restored.kept_runs += usize::from(tree == "runs");
                            return Ok(());
                        }
                        if tree == "runs" {
                            run_records.push((key, bytes.to_vec()));
                            return Ok(());
                        }
                        self.records.tree(&tree)?.insert(key, bytes)?;
                    } else {
                        let json = bytes.get(1..).unwrap_or_default();
                        if !wanted(&tree, json) {
                            restored.left_out += 1;
                            return Ok(());
                        }
                        let swapped = self.records.tree(&tree)?.compare_and_swap(
                            key,
                            None::<&[u8]>,
                            Some(bytes),
                        )?;
                        if swapped.is_ok() {
                            restored.records += 1;
                        } else {
                            restored.kept_records += 1;
                        }
                    }
                    since_flush += 1;
                    if since_flush >= FLUSH_EVERY {
                        since_flush = 0;
                        self.records.flush()?;
                    }
                }
                // What is there and whole stays; what is damaged is mended.
                Line::Evidence { digest, .. }
                    if !missing.is_empty() && self.objects.get(&digest).is_err() =>
                {
                    self.objects.put_file(&digest, bytes.to_vec())?;
                    restored.evidence += 1;
                }
                Line::Evidence { .. } | Line::Store { .. } | Line::End { .. } => {}
            }
            Ok(())
        })?;
        restored.runs = run_records.len();
        self.put_runs(run_records)?;
        Ok(restored)
    }

    /// Last: a run that is there is there with everything that belongs to it.
    fn put_runs(&self, runs: Vec<(Vec<u8>, Vec<u8>)>) -> Result<(), StoreError> {
        self.records.flush()?;
        let tree = self.records.tree("runs")?;
        for (key, value) in runs {
            tree.insert(key, value)?;
        }
        self.records.flush()
    }

    /// Takes everything out of such a file. Nothing is taken from a file that is not whole, and none
    /// of its runs may be there already.
    pub fn import(&self, path: &Path) -> Result<Imported, StoreError> {
        let mut runs = BTreeSet::new();
        read(path, |line, _| {
            if let Line::Record { tree, key, .. } = line
                && tree == "runs"
            {
                let key = bytes_of(&key).unwrap_or_default();
                runs.insert(records::run_of(&key));
            }
            Ok(())
        })?;
        for run in &runs {
            if self.records.run(run)?.is_some() {
                return Err(StoreError::HasRun(run.clone()));
            }
        }
        let _unswept = self.unswept();
        let mut imported = Imported::default();
        let mut run_records: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
        let mut since_flush = 0;
        read(path, |line, bytes| {
            match line {
                Line::Record { tree, key, .. } => {
                    let key = bytes_of(&key).unwrap_or_default();
                    if tree == "runs" {
                        checked_run(&records::run_of(&key), bytes)?;
                        run_records.push((key, bytes.to_vec()));
                        return Ok(());
                    }
                    self.records.tree(&tree)?.insert(key, bytes)?;
                    since_flush += 1;
                    if since_flush >= FLUSH_EVERY {
                        since_flush = 0;
                        self.records.flush()?;
                    }
                }
                Line::Evidence { digest, .. } => {
                    // What is there and whole stays; what is damaged is mended.
                    if self.objects.get(&digest).is_err() {
                        self.objects.put_file(&digest, bytes.to_vec())?;
                    }
                    imported.evidence += 1;
                }
                Line::Store { .. } | Line::End { .. } => {}
            }
            Ok(())
        })?;
        imported.runs = run_records.len();
        self.put_runs(run_records)?;
        Ok(imported)
    }
}

/// Reads an export from beginning to end, and says what is in it; an error says that it is not whole.
pub fn look_through(path: &Path) -> Result<Exported, StoreError> {
    let mut exported = Exported::default();
    read(path, |line, _| {
        match line {
            Line::Record { .. } => exported.records += 1,
            Line::Evidence { .. } => exported.evidence += 1,
            Line::Store { .. } | Line::End { .. } => {}
        }
        Ok(())
    })?;
    Ok(exported)
}

/// That the record of a run is one, and the run's own.
fn checked_run(id: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let record: RunRecord = records::decode(id, bytes)?;
    if records::is_run_id(id) && record.id == id {
        Ok(())
    } else {
        Err(StoreError::NoId(id.to_owned()))
    }
}

fn put(file: &mut impl Write, line: &Line, bytes: &[u8]) -> std::io::Result<()> {
    serde_json::to_writer(&mut *file, line)?;
    file.write_all(b"\n")?;
    file.write_all(bytes)
}

/// Reads a file from beginning to end; everything is shown to `each`, with the bytes that follow it.
fn read(
    path: &Path,
    mut each: impl FnMut(Line, &[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let failed = |error| StoreError::File(path.to_path_buf(), error);
    let wrong = |reason: &str| StoreError::NoExport {
        file: path.to_path_buf(),
        reason: reason.to_owned(),
    };
    let mut file = BufReader::new(File::open(path).map_err(failed)?);
    let mut digest = Sha256::new();
    let mut begun = false;
    loop {
        let mut text = Vec::new();
        (&mut file)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut text)
            .map_err(failed)?;
        let line: Line = serde_json::from_slice(&text).map_err(|_broken| {
            wrong(if begun {
                "is cut short or damaged; nothing was taken from it"
            } else {
                "is no export of a store"
            })
        })?;
        let (length, limit) = match &line {
            Line::Store { form, schema } => {
                if form != FORM || *schema != records::SCHEMA_VERSION {
                    return Err(wrong("was written by another version of this program"));
                }
                begun = true;
                (0, 0)
            }
            Line::Record { tree, key, bytes } => {
                if !TREES.contains(&tree.as_str()) || bytes_of(key).is_none() {
                    return Err(wrong("is damaged; nothing was taken from it"));
                }
                (*bytes, LARGEST_RECORD as u64)
            }
            Line::Evidence { bytes, .. } => (*bytes, LARGEST_FILE),
            Line::End { sha256 } => {
                return if begun && *sha256 == hexadecimal(&digest.finalize()) {
                    Ok(())
                } else {
                    Err(wrong("is damaged; nothing was taken from it"))
                };
            }
        };
        if !begun || length > limit {
            return Err(wrong("is damaged; nothing was taken from it"));
        }
        digest.update(&text);
        let mut bytes = Vec::new();
        (&mut file)
            .take(length)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 != length {
            return Err(wrong("is cut short; nothing was taken from it"));
        }
        digest.update(&bytes);
        each(line, &bytes)?;
    }
}

fn bytes_of(hexadecimal: &str) -> Option<Vec<u8>> {
    if !hexadecimal.len().is_multiple_of(2) || !hexadecimal.is_ascii() {
        return None;
    }
    (0..hexadecimal.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hexadecimal.get(at..at + 2)?, 16).ok())
        .collect()
}
