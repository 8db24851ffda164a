//! Evidence of a run as a folder: what was recorded, what it was made with, and the sums that show
//! whether anything was changed since.
//!
//! ```text
//! about.json                   versions, times, where each page lies
//! report.json, report.html     the run, judged
//! pages/0001/page.json         a page: its addresses, banner and diagnostics
//! pages/0001/rejected-1/       one visit
//!   visit.json                 everything recorded, phase by phase
//!   cookies.json               every write, word for word: Set-Cookie lines and what scripts wrote
//!   storage.json               every write of every other storage, with its raw value
//!   requests.har, cookies.txt  the same for other people's tools
//!   banner.jpg, answered.jpg, end.jpg
//! SHA256SUMS                   the sums of all these, for `sha256sum -c SHA256SUMS`
//! SHA256SUMS.minisig           a signature of the sums (minisign)
//! SHA256SUMS.tsq, .tsr         a time stamp of the sums: question and answer (RFC 3161)
//! ```

mod key;
mod manifest;
mod timestamp;
mod verify;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::model::report::{Page, PageError, PageSource, Report};
use crate::model::value::sha256_hex;
use crate::model::visit::{Screenshot, Visit};
use crate::report::{self, Format, RenderError, RuleHelp};
pub use key::{KeyError, SigningKey, generate};
use manifest::Sums;
pub use timestamp::{Stamp, TimestampError};
pub use verify::{Check, Fault, verify};

/// Name of the file of sums.
const SUMS: &str = "SHA256SUMS";

/// Endings of the files that vouch for the sums and therefore cannot stand in them.
const SIGNATURE: &str = "SHA256SUMS.minisig";
const QUESTION: &str = "SHA256SUMS.tsq";
const ANSWER: &str = "SHA256SUMS.tsr";

/// The form of the folder.
const FORM: &str = "consentinel/evidence/v1";

/// How evidence is written.
#[derive(Debug, Default)]
pub struct Options {
    /// Put fingerprints in the place of raw values. Evidence without them proves less.
    pub redact: bool,
    /// Every rule the run was judged by.
    pub rules: Vec<RuleHelp>,
    /// Signs the sums.
    pub key: Option<SigningKey>,
    /// Asked for a time stamp of the sums (RFC 3161 over HTTP).
    pub timestamp_server: Option<url::Url>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// Files in the folder, sums and what vouches for them aside.
    pub files: usize,
    /// SHA-256 of the file of sums, hexadecimal: who keeps it can tell any change later.
    pub digest: String,
    /// What the time-stamp server said.
    pub stamp: Option<Stamp>,
}

/// Why evidence could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// Evidence goes into a folder of its own.
    #[error("{}: is not empty; evidence needs a folder of its own", .0.display())]
    NotEmpty(PathBuf),
    /// A file could not be read or written.
    #[error("{}: cannot be read or written", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// A part of the run could not be written.
    #[error("a part of the run cannot be written")]
    Render(#[from] RenderError),
    /// A page of the run could not be read.
    #[error("the evidence is incomplete")]
    Page(#[from] PageError),
    /// The sums were written, the signature was not.
    #[error("the evidence is written but not signed")]
    Key(#[from] KeyError),
    /// The sums were written, the time stamp was not.
    #[error("the evidence is written but has no time stamp")]
    Timestamp(#[from] TimestampError),
    /// No evidence, or one that was not finished.
    #[error("{}: holds no SHA256SUMS: no evidence, or writing it was interrupted", .0.display())]
    NoSums(PathBuf),
    /// The sums are not in the form they were written in.
    #[error("{}, line {line}: is no sum of a file of this folder", .path.display())]
    BadSums {
        /// The file of sums.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
}

/// Writes the evidence of a run into a folder that is empty or does not exist yet.
///
/// Pages are read one after another. The sums come last: a folder without them is unfinished.
pub fn write(
    folder: &Path,
    head: &Report,
    pages: &dyn PageSource,
    options: &Options,
) -> Result<Written, EvidenceError> {
    let mut bundle = Bundle::create(folder)?;
    let mut named = Vec::new();
    for (number, page) in pages.pages().enumerate() {
        let page = report::shown_page(page?, options.redact, true);
        named.push(bundle.page(head, number, &page)?);
    }
    let reported = report::Options {
        redact: options.redact,
        rules: options.rules.clone(),
        ..report::Options::default()
    };
    for (format, name) in [(Format::Json, "report.json"), (Format::Html, "report.html")] {
        bundle.file(name, |out| {
            Ok(report::render(format, head, pages, &reported, out)?)
        })?;
    }
    let about = about(head, options, &named);
    bundle.json("about.json", &about)?;
    let files = bundle.sums.len();
    let sums = bundle.finish()?;
    if let Some(key) = &options.key {
        let signature = key.sign(&sums, &head.run.id)?;
        write_new(&folder.join(SIGNATURE), signature.as_bytes())?;
    }
    let stamp = match &options.timestamp_server {
        None => None,
        Some(server) => {
            let (question, answer, stamp) = timestamp::request(server, &sums)?;
            write_new(&folder.join(QUESTION), &question)?;
            write_new(&folder.join(ANSWER), &answer)?;
            Some(stamp)
        }
    };
    Ok(Written {
        files,
        digest: sha256_hex(&sums),
        stamp,
    })
}

/// What a reader must know to weigh the rest: versions, times, and which folder is which page.
fn about(head: &Report, options: &Options, pages: &[serde_json::Value]) -> serde_json::Value {
    let run = &head.run;
    let rules: Vec<String> = options
        .rules
        .iter()
        .map(|rule| {
            let parts = [&rule.id, &rule.name, &rule.checks, &rule.limits];
            parts.map(String::as_str).join("\n")
        })
        .collect();
    json!({
        "schema": FORM,
        "run": run.id,
        "started": run.started,
        "finished": run.finished,
        "written": Timestamp::now(),
        "tool": run.tool,
        "browser": run.browser,
        "catalog": run.catalog,
        "consent_engine": run.consent_engine,
        "profile": run.profile,
        "rules": {
            "count": rules.len(),
            "digest": sha256_hex(rules.join("\n\n").as_bytes()),
        },
        "clock": {
            "of_visits": run.clock,
            "note": "Times are of this machine's clock. A time stamp beside the sums tells how far it is off.",
        },
        "redacted": options.redact,
        "options": run.options,
        "pages": pages,
    })
}

/// The folder while it is written.
struct Bundle {
    folder: PathBuf,
    sums: Sums,
}

impl Bundle {
    fn create(folder: &Path) -> Result<Self, EvidenceError> {
        let failed = |error| EvidenceError::File(folder.to_owned(), error);
        fs::create_dir_all(folder).map_err(failed)?;
        if fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(EvidenceError::NotEmpty(folder.to_owned()));
        }
        Ok(Self {
            folder: folder.to_owned(),
            sums: Sums::default(),
        })
    }

    /// Writes a page with its visits, and says where.
    fn page(
        &mut self,
        head: &Report,
        number: usize,
        page: &Page,
    ) -> Result<serde_json::Value, EvidenceError> {
        let folder = format!("pages/{:04}", number + 1);
        self.json(
            &format!("{folder}/page.json"),
            &json!({
                "url": page.url,
                "final_url": page.final_url,
                "diagnostics": page.diagnostics,
                "banner": { "found": page.banner.found, "cmp": page.banner.cmp, "routes": page.banner.routes },
            }),
        )?;
        for visit in &page.visits {
            self.visit(head, number, page, visit, &folder)?;
        }
        Ok(json!({ "url": page.url, "folder": folder }))
    }

    fn visit(
        &mut self,
        head: &Report,
        number: usize,
        page: &Page,
        visit: &Visit,
        folder: &str,
    ) -> Result<(), EvidenceError> {
        let state = serde_json::to_value(visit.state).unwrap_or_default();
        let state = state.as_str().unwrap_or("visit");
        let folder = format!("{folder}/{state}-{}", visit.repeat);
        for (picture, name) in [
            (&visit.banner.screenshot, "banner"),
            (&visit.screenshot_after_choice, "answered"),
            (&visit.screenshot, "end"),
        ] {
            if let Some(picture) = picture {
                self.picture(picture, &format!("{folder}/{name}"))?;
            }
        }
        let mut whole = visit.clone();
        let pictures = [
            &mut whole.banner.screenshot,
            &mut whole.screenshot_after_choice,
            &mut whole.screenshot,
        ];
        for picture in pictures.into_iter().flatten() {
            picture.data = None;
        }
        self.json(&format!("{folder}/visit.json"), &whole)?;
        self.json(&format!("{folder}/cookies.json"), &visit.snapshot.cookies)?;
        self.json(&format!("{folder}/storage.json"), &visit.snapshot.storage)?;
        self.file(&format!("{folder}/requests.har"), |out| {
            Ok(report::har_of_visit(head, number, page, visit, out)?)
        })?;
        self.file(&format!("{folder}/cookies.txt"), |out| {
            Ok(report::jar_of_visit(page, visit, out)?)
        })
    }

    /// A picture under the ending its kind has; one that cannot be read is left out, its digest is in the visit.
    fn picture(&mut self, picture: &Screenshot, path: &str) -> Result<(), EvidenceError> {
        let ending = match picture.media_type.as_str() {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            _ => return Ok(()),
        };
        let data = picture.data.as_deref().map(|data| STANDARD.decode(data));
        match data {
            Some(Ok(bytes)) => self.file(&format!("{path}.{ending}"), |out| {
                out.write_all(&bytes).map_err(RenderError::from)?;
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    fn json<T: Serialize>(&mut self, path: &str, value: &T) -> Result<(), EvidenceError> {
        self.file(path, |out| {
            serde_json::to_writer_pretty(&mut *out, value).map_err(RenderError::from)?;
            out.write_all(b"\n").map_err(RenderError::from)?;
            Ok(())
        })
    }

    /// Writes a file that must not be there yet, and notes its sum.
    fn file(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut dyn Write) -> Result<(), EvidenceError>,
    ) -> Result<(), EvidenceError> {
        let place = self.folder.join(path);
        let failed = |error| EvidenceError::File(place.clone(), error);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        let file = new_file(&place)?;
        let mut out = manifest::Summing::new(BufWriter::new(file));
        write(&mut out)?;
        let sum = out.finish().map_err(failed)?;
        self.sums.insert(path.to_owned(), sum);
        Ok(())
    }

    /// Writes the sums and returns them.
    fn finish(self) -> Result<Vec<u8>, EvidenceError> {
        let text = manifest::written(&self.sums).into_bytes();
        write_new(&self.folder.join(SUMS), &text)?;
        Ok(text)
    }
}

fn new_file(place: &Path) -> Result<File, EvidenceError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(place)
        .map_err(|error| EvidenceError::File(place.to_owned(), error))
}

fn write_new(place: &Path, bytes: &[u8]) -> Result<(), EvidenceError> {
    let failed = |error| EvidenceError::File(place.to_owned(), error);
    let mut file = new_file(place)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)
}
