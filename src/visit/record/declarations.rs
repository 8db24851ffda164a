//! Texts that declare what a site stores: lists and settings of consent platforms, as the page loaded them.
//!
//! What is looked at is a matter of form, never of host or path: a text is kept when it holds one of the
//! marks that the known forms have.

use std::collections::HashSet;

use super::cut;
use crate::model::snapshot::Document;
use crate::model::value::Value;
use crate::model::visit::PhaseName;

/// A regular expression of marks, at least one of which every known form holds (ECMAScript and RE2 alike).
///
/// In this order: Cookiebot's tables, OneTrust's groups, a Termly list, Usercentrics' settings and services,
/// CookieYes' lists, a cookie list of Cookie-Script, TCF device storage disclosures and the global vendor list.
pub const MARKS: &str = "cookieTableNecessary|\"FirstPartyCookies\"|\"tracker_type\"|\"consentTemplates\"|\"cookieMaxAgeSeconds\"|\"cookieID\"|\"cookie_id\"|\"gvlSpecificationVersion\"|\"disclosures\"\\s*:";

/// Most texts kept of one visit.
const MOST_DOCUMENTS: usize = 12;
/// Most bytes kept of one visit.
const MOST_BYTES: usize = 2 * Document::LONGEST;

/// The texts kept so far.
#[derive(Debug, Default)]
pub(super) struct DeclarationLog {
    documents: Vec<Document>,
    bytes: usize,
    known: HashSet<String>,
}

impl DeclarationLog {
    /// Keeps a text, once; says whether there was room for it.
    pub(super) fn keep(&mut self, source: &str, at_ms: u64, phase: PhaseName, text: &str) -> bool {
        let text = text.trim_start_matches('\u{feff}');
        let value = Value::up_to(Document::LONGEST, text);
        if self.known.contains(&value.fingerprint) {
            return true;
        }
        // Half a declaration would say that the rest is not declared.
        let room = self.documents.len() < MOST_DOCUMENTS
            && text.len() <= Document::LONGEST
            && self.bytes + text.len() <= MOST_BYTES;
        if room {
            self.bytes += text.len();
            self.known.insert(value.fingerprint.clone());
            self.documents.push(Document {
                source: cut(source).to_owned(),
                at_ms,
                phase,
                text: value,
            });
        }
        room
    }

    pub(super) fn finish(self) -> Vec<Document> {
        self.documents
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(log: &mut DeclarationLog, text: &str) -> bool {
        log.keep("https://a.test/list.json", 5, PhaseName::Idle, text)
    }

    #[test]
    fn a_text_is_kept_once_and_whole_or_not_at_all() {
        let mut log = DeclarationLog::default();
        assert!(keep(&mut log, "{\"a\":1}"));
        assert!(keep(&mut log, "\u{feff}{\"a\":1}"));
        assert!(!keep(&mut log, &"x".repeat(Document::LONGEST + 1)));
        for number in 0..20 {
            keep(&mut log, &format!("{{\"a\":{number}}}"));
        }
        let documents = log.finish();
        assert_eq!(documents.len(), MOST_DOCUMENTS);
        assert_eq!(documents[0].text.text(), "{\"a\":1}");
    }

    #[test]
    fn the_marks_are_a_regular_expression_that_finds_every_form() {
        let marks = regex::Regex::new(MARKS).unwrap();
        for text in [
            "CookieConsentDialog.cookieTableNecessary = [];",
            "{\"Groups\":[{\"FirstPartyCookies\":[]}]}",
            "{\"disclosures\" : []}",
            "{\"cookies\":{\"essential\":[{\"tracker_type\":\"http_cookie\"}]}}",
        ] {
            assert!(marks.is_match(text), "{text}");
        }
        for text in ["{\"cookies\":[]}", "var disclosures = 1", ""] {
            assert!(!marks.is_match(text), "{text}");
        }
    }
}
