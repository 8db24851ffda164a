//! Consent platforms' own records: who chose what, read from cookies, storage and page APIs.
//!
//! [`read`] decodes one cookie or storage entry, [`read_probe`] what the page's consent platforms
//! answer when asked by [`PROBE`], [`infer`] what an unknown site wrote when a button was clicked.
//! [`says`] sums records up. Everything here is pure; every value comes from the audited site.

mod category;
mod decode;
mod infer;
mod lists;
mod platforms;
mod probe;
mod settings;
mod speech;
pub mod tcf;

pub use infer::{Change, Inferred, infer};
pub use probe::{PROBE, read_probe};

use crate::model::snapshot::{Grant, Signal};
use crate::model::visit::PhaseName;

/// [`Record::kind`] of what a platform or a site stored.
pub const CMP_RECORD: &str = "cmp-record";
/// [`Record::kind`] of what a platform's API answered.
pub const CMP_API: &str = "cmp-api";
/// [`Record::kind`] of a TC string or an AC string.
pub const TC_STRING: &str = "tc-string";
/// [`Record::kind`] of Google's consent mode.
pub const CONSENT_MODE: &str = "consent-mode";

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// In a cookie.
    Cookie,
    /// In `localStorage`.
    LocalStorage,
    /// In `sessionStorage`.
    SessionStorage,
    /// In the answer of a function of the page, by its name.
    Api(&'a str),
}

/// A statement about the visitor's choice, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The consent platform, by its id in the catalog; `tcf` for TC strings of any.
    pub platform: &'static str,
    /// [`CMP_RECORD`], [`CMP_API`], [`TC_STRING`] or [`CONSENT_MODE`].
    pub kind: &'static str,
    /// Where it was read: cookie, storage key or function name.
    pub source: String,
    /// Categories, purposes, vendors or services, and whether they are granted; at most 200.
    pub grants: Vec<Grant>,
    /// An answer of the visitor is in it, not a default.
    pub explicit: bool,
}

impl Record {
    /// The record as a snapshot keeps it.
    pub fn signal(self, at_ms: u64, phase: PhaseName) -> Signal {
        Signal {
            kind: self.kind.to_owned(),
            source: self.source,
            grants: self.grants,
            explicit: self.explicit,
            at_ms,
            phase,
        }
    }
}

/// What a record says about everything that can be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// All of it is allowed.
    Granted,
    /// None of it is allowed.
    Denied,
    /// Some of it is.
    Mixed,
    /// The banner was answered, and the record does not tell how.
    Unclear,
}

impl Answer {
    /// Both answers as one.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (same, other) if same == other => same,
            (Self::Unclear, clear) | (clear, Self::Unclear) => clear,
            _ => Self::Mixed,
        }
    }
}

/// Decodes one value, if a consent platform is known to write it.
///
/// A TC string is recognised under any name, other formats under their names or by their shape.
/// `explicit` never is true for a bare TC string: whether the visitor made it, only the
/// platform's API tells.
pub fn read(name: &str, value: &str, source: Source<'_>) -> Option<Record> {
    let place = match source {
        Source::Cookie | Source::LocalStorage | Source::SessionStorage => name,
        Source::Api(function) => function,
    };
    platforms::read(name, value).map(|mut record| {
        record.source = category::clean(place);
        record.grants.truncate(category::MOST_GRANTS);
        record
    })
}

/// Whether a cookie or storage entry of this name keeps what the visitor answered.
///
/// True for the names of known platforms, readable or not, and for names that speak of consent.
pub fn is_consent_record_name(name: &str) -> bool {
    platforms::is_known_name(name) || speech::speaks_of_consent(name)
}

/// What one record says; absent when it says nothing about the visitor's answer.
///
/// Grants that cannot be refused do not count. A record that lists only those is a refusal if the
/// visitor made it, and says nothing if it is a default. A TC string does not tell which purposes
/// were asked for, so one purpose consented to is a yes; legitimate interest never counts.
pub fn answers(record: &Record) -> Option<Answer> {
    let mut optional = record.grants.iter().filter(|grant| !grant.necessary);
    if record.kind == TC_STRING {
        let purposes = record
            .grants
            .iter()
            .any(|grant| grant.granted && !grant.name.starts_with("special feature"));
        return match (purposes, optional.any(|grant| grant.granted)) {
            (true, _) => Some(Answer::Granted),
            (false, true) => Some(Answer::Mixed),
            (false, false) => (!record.grants.is_empty()).then_some(Answer::Denied),
        };
    }
    let (mut yes, mut no) = (0_usize, 0_usize);
    for grant in optional {
        if grant.granted {
            yes += 1;
        } else {
            no += 1;
        }
    }
    match (yes, no) {
        (0, 0) if !record.explicit => None,
        (0, 0) if record.grants.is_empty() => Some(Answer::Unclear),
        (0, _) => Some(Answer::Denied),
        (_, 0) => Some(Answer::Granted),
        _ => Some(Answer::Mixed),
    }
}

/// What all records of a page say together.
///
/// Where any platform's record holds the visitor's answer, only such platforms are heard: defaults
/// of others say nothing about it. Records of one platform are one: its marker that the banner was
/// answered makes the others of it the visitor's. Without any, what stands as default is the
/// answer; compare with the records from before the click, or use [`says_explicitly`].
pub fn says(records: &[Record]) -> Option<Answer> {
    says_explicitly(records).or_else(|| together(records.iter()))
}

/// Like [`says`], but defaults are never taken for an answer.
pub fn says_explicitly(records: &[Record]) -> Option<Answer> {
    let is_explicit = |record: &&Record| {
        records
            .iter()
            .any(|other| other.explicit && other.platform == record.platform)
    };
    together(records.iter().filter(is_explicit))
}

fn together<'a>(records: impl Iterator<Item = &'a Record>) -> Option<Answer> {
    records.filter_map(answers).reduce(Answer::and)
}

#[cfg(test)]
mod tests;
