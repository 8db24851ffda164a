//! Consent platforms' own records: who chose what, read from cookies, storage and page APIs.
//!
//! [`read`] decodes one cookie or storage entry, [`read_probe`] what the page's consent platforms
//! answer when asked by [`PROBE`], [`infer`] what an unknown site wrote when a button was clicked.
//! [`says`] sums records up. Everything here is pure; every value comes from the audited site.

mod category;
mod contrast;
mod decode;
mod infer;
mod lists;
mod platforms;
mod probe;
mod settings;
pub mod signals;
mod speech;

pub use crate::model::tcf;
pub use contrast::tells_apart;
pub use infer::{Change, Inferred, infer, speaks_of_refusing};
pub use probe::{PROBE, read_probe};

use std::collections::BTreeMap;

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
            value: None,
            command: None,
            facts: BTreeMap::new(),
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
    answers_beside(record, &[])
}

/// What a record says beside others: what one of its platform's calls necessary, is.
fn answers_beside(record: &Record, others: &[Record]) -> Option<Answer> {
    let necessary = |grant: &Grant| {
        grant.necessary
            || others
                .iter()
                .filter(|other| other.platform == record.platform)
                .flat_map(|other| &other.grants)
                .any(|known| known.necessary && known.name == grant.name)
    };
    let optional = record.grants.iter().filter(|grant| !necessary(grant));
    let (yes, no): (Vec<&Grant>, Vec<&Grant>) = optional.partition(|grant| grant.granted);
    if record.kind == TC_STRING {
        let purpose = |grant: &&Grant| !grant.name.starts_with("special feature");
        return if yes.iter().any(purpose) {
            Some(Answer::Granted)
        } else if !yes.is_empty() {
            Some(Answer::Mixed)
        } else {
            (!no.is_empty()).then_some(Answer::Denied)
        };
    }
    match (yes.is_empty(), no.is_empty()) {
        (true, true) if !record.explicit => None,
        (true, true) if record.grants.is_empty() => Some(Answer::Unclear),
        (true, _) => Some(Answer::Denied),
        (_, true) => Some(Answer::Granted),
        _ => Some(Answer::Mixed),
    }
}

/// What all records of a page say together.
///
/// Where any platform's record holds the visitor's answer, only such platforms are heard: defaults
/// of others say nothing about it. Records of one platform are one: its marker that the banner was
/// answered makes the others of it the visitor's, and what its API calls necessary is so in its
/// cookie, too. Without any explicit one, what stands as default is the answer; compare with the records from before the click, or use [`says_explicitly`].
pub fn says(records: &[Record]) -> Option<Answer> {
    says_explicitly(records).or_else(|| together(records, |_| true))
}

/// Like [`says`], but defaults are never taken for an answer.
pub fn says_explicitly(records: &[Record]) -> Option<Answer> {
    together(records, |record| {
        // Consent mode keeps its default beside the update that replaced it.
        let shared = record.kind != CONSENT_MODE;
        record.explicit
            || shared
                && records
                    .iter()
                    .any(|other| other.explicit && other.platform == record.platform)
    })
}

fn together(records: &[Record], heard: impl Fn(&Record) -> bool) -> Option<Answer> {
    records
        .iter()
        .filter(|record| heard(record))
        .filter_map(|record| answers_beside(record, records))
        .reduce(Answer::and)
}

#[cfg(test)]
mod tests;
