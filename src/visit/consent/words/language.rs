//! One language: its words, and what it knows of a word.

use std::collections::HashSet;

use super::fold::words_of;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Language {
    pub(super) code: String,
    pub(super) consent: Vec<String>,
    /// First words of texts about cookies, folded; any ending may follow.
    pub(super) consent_stems: Vec<String>,
    pub(super) all: WordList,
    pub(super) only: WordList,
    pub(super) necessary: WordList,
    pub(super) selected: WordList,
    pub(super) not: WordList,
    pub(super) without: WordList,
    pub(super) and: WordList,
    pub(super) around: WordList,
    pub(super) elsewhere: WordList,
    pub(super) common: HashSet<String>,
    /// Every word of every phrase.
    pub(super) vocabulary: HashSet<String>,
}

/// Words as they stand, and beginnings of words.
#[derive(Debug, Default)]
pub(super) struct WordList {
    whole: HashSet<String>,
    beginnings: Vec<String>,
}

impl Language {
    /// Whether a word speaks of cookies or consent.
    pub(super) fn is_about_consent(&self, word: &str) -> bool {
        self.consent_stems
            .iter()
            .any(|stem| word.starts_with(stem.as_str()))
    }

    /// Words that say how far a choice goes, and of which a button may hold any number.
    pub(super) fn is_qualifier(&self, word: &str) -> bool {
        [
            &self.all,
            &self.only,
            &self.necessary,
            &self.selected,
            &self.not,
            &self.without,
        ]
        .iter()
        .any(|list| list.has(word))
            || self.is_about_consent(word)
    }

    /// Whether the language has any place for a word.
    pub(super) fn is_known(&self, word: &str) -> bool {
        self.vocabulary.contains(word)
            || self.common.contains(word)
            || self.and.has(word)
            || self.around.has(word)
            || self.is_qualifier(word)
    }

    /// How strongly a word speaks for this language.
    pub(super) fn weight(&self, word: &str) -> usize {
        if self.common.contains(word) || self.is_about_consent(word) {
            2
        } else {
            usize::from(self.is_known(word))
        }
    }
}

impl WordList {
    /// Reads entries; a `*` at the end stands for any ending.
    pub(super) fn new(entries: &[String]) -> Self {
        let mut list = Self::default();
        for entry in entries {
            let words = words_of(entry);
            if entry.ends_with('*') {
                list.beginnings.extend(words);
            } else {
                list.whole.extend(words);
            }
        }
        list
    }

    /// Whether a word is in the list.
    pub(super) fn has(&self, word: &str) -> bool {
        self.whole.contains(word)
            || self
                .beginnings
                .iter()
                .any(|beginning| word.starts_with(beginning.as_str()))
    }
}
