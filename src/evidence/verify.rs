//! Whether the evidence in a folder is what was written.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::manifest::{self, Sums};
use super::{ANSWER, EvidenceError, QUESTION, SIGNATURE, SUMS, Stamp, key, timestamp};
use crate::model::value::sha256_hex;

/// Largest file of sums, signature or time stamp read, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What is wrong with one file, or with what vouches for the sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The sum differs.
    Changed(String),
    /// In the sums, not in the folder.
    Missing(String),
    /// In the folder, not in the sums.
    Added(String),
    /// Not a file: a link leads who knows where.
    Link(String),
    /// The signature does not hold, in words.
    Signature(String),
    /// The time stamp does not hold, in words.
    Timestamp(String),
}

/// What a check came to.
#[derive(Debug)]
pub struct Check {
    /// Files in the sums.
    pub files: usize,
    /// SHA-256 of the file of sums, hexadecimal.
    pub digest: String,
    /// What is wrong; empty when everything is as it was written.
    pub faults: Vec<Fault>,
    /// There is a signature.
    pub has_signature: bool,
    /// The trusted comment of a signature that holds.
    pub signed: Option<String>,
    /// What a time stamp that holds says.
    pub stamp: Option<Stamp>,
}

/// Compares the folder with its sums, these with their time stamp, and with their signature when a
/// public key of minisign is given. A key asks for a signature.
pub fn verify(folder: &Path, public_key: Option<&str>) -> Result<Check, EvidenceError> {
    let path = folder.join(SUMS);
    let bytes = read_small(&path)?.ok_or_else(|| EvidenceError::NoSums(folder.to_owned()))?;
    let text = String::from_utf8_lossy(&bytes);
    let sums = manifest::read(&text).map_err(|line| EvidenceError::BadSums {
        path: path.clone(),
        line,
    })?;
    let mut faults = compare(folder, &sums)?;
    let signature = read_small(&folder.join(SIGNATURE))?;
    let mut signed = None;
    match (&signature, public_key) {
        (Some(signature), Some(key)) => {
            match key::verify(&String::from_utf8_lossy(signature), &bytes, key) {
                Ok(comment) => signed = Some(comment),
                Err(error) => faults.push(Fault::Signature(error.to_string())),
            }
        }
        (None, Some(_)) => faults.push(Fault::Signature("there is none".to_owned())),
        (_, None) => {}
    }
    let question = read_small(&folder.join(QUESTION))?;
    let answer = read_small(&folder.join(ANSWER))?;
    let mut stamp = None;
    match (question, answer) {
        (Some(question), Some(answer)) => match timestamp::check(&question, &answer, &bytes) {
            Ok(read) => stamp = Some(read),
            Err(error) => faults.push(Fault::Timestamp(error.to_string())),
        },
        (None, None) => {}
        _ => faults.push(Fault::Timestamp("question or answer is missing".to_owned())),
    }
    Ok(Check {
        files: sums.len(),
        digest: sha256_hex(&bytes),
        faults,
        has_signature: signature.is_some(),
        signed,
        stamp,
    })
}

fn compare(folder: &Path, sums: &Sums) -> Result<Vec<Fault>, EvidenceError> {
    let mut faults = Vec::new();
    let there = files_below(folder, &mut faults)?;
    for (name, sum) in sums {
        if !there.contains(name) {
            let is_link = faults.contains(&Fault::Link(name.clone()));
            if !is_link {
                faults.push(Fault::Missing(name.clone()));
            }
            continue;
        }
        let path = folder.join(name);
        let failed = |error| EvidenceError::File(path.clone(), error);
        let file = File::open(&path).map_err(failed)?;
        if manifest::sum_of(file).map_err(failed)? != *sum {
            faults.push(Fault::Changed(name.clone()));
        }
    }
    let vouching = [SUMS, SIGNATURE, QUESTION, ANSWER];
    for name in there {
        if !sums.contains_key(&name) && !vouching.contains(&name.as_str()) {
            faults.push(Fault::Added(name));
        }
    }
    Ok(faults)
}

/// The files below a folder, as paths with `/`; links are faults and are not followed.
fn files_below(folder: &Path, faults: &mut Vec<Fault>) -> Result<BTreeSet<String>, EvidenceError> {
    let mut files = BTreeSet::new();
    let mut folders: Vec<(PathBuf, String)> = vec![(folder.to_owned(), String::new())];
    while let Some((place, prefix)) = folders.pop() {
        let failed = |error| EvidenceError::File(place.clone(), error);
        for entry in fs::read_dir(&place).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(failed)?;
            if kind.is_dir() {
                folders.push((entry.path(), format!("{name}/")));
            } else if kind.is_file() {
                files.insert(name);
            } else {
                faults.push(Fault::Link(name));
            }
        }
    }
    Ok(files)
}

/// A file that has to be small, or nothing when there is none.
fn read_small(path: &Path) -> Result<Option<Vec<u8>>, EvidenceError> {
    use std::io::Read as _;
    let failed = |error| EvidenceError::File(path.to_owned(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let mut bytes = Vec::new();
    file.take(LARGEST).read_to_end(&mut bytes).map_err(failed)?;
    Ok(Some(bytes))
}
