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
        let _unswept = self.unswept();
        let failed = |error| StoreError::File(path.to_path_buf(), error);
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let beside =
            tempfile::NamedTempFile::new_in(parent.unwrap_or(Path::new("."))).map_err(failed)?;
        let mut file = Digesting {
            inner: BufWriter::new(beside),
            digest: Sha256::new(),
        };
        let mut exported = Exported::default();
        let first = Line::Store {
            form: FORM.to_owned(),
            schema: records::SCHEMA_VERSION,
        };
        put(&mut file, &first, &[]).map_err(failed)?;
        for tree in TREES {
            for entry in &self.records.tree(tree)? {
                let (key, value) = entry?;
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
        let beside = file
            .inner
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        beside.as_file().sync_all().map_err(failed)?;
        beside.persist(path).map_err(|error| failed(error.error))?;
        Ok(exported)
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
                        let id = records::run_of(&key);
                        let record: RunRecord = records::decode(&id, bytes)?;
                        if !records::is_run_id(&id) || record.id != id {
                            return Err(StoreError::NoId(id));
                        }
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
        self.records.flush()?;
        // Last: a run that is there is there with everything that belongs to it.
        let tree = self.records.tree("runs")?;
        imported.runs = run_records.len();
        for (key, value) in run_records {
            tree.insert(key, value)?;
        }
        self.records.flush()?;
        Ok(imported)
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
