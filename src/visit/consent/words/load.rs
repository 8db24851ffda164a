//! Loads the lexicon from its file.

use std::collections::HashSet;

use serde::Deserialize;

use super::fold::words_of;
use super::language::{Language, WordList};
use super::{Lexicon, Meaning};
use crate::model::visit::ButtonRole;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    shared: SharedTable,
    language: Vec<LanguageTable>,
}

/// Phrases of every language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedTable {
    accept: Vec<String>,
    reject: Vec<String>,
    acknowledge: Vec<String>,
    close: Vec<String>,
}

/// The words and phrases of one language.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageTable {
    code: String,
    consent: Vec<String>,
    accept: Vec<String>,
    reject: Vec<String>,
    settings: Vec<String>,
    save: Vec<String>,
    acknowledge: Vec<String>,
    pay: Vec<String>,
    close: Vec<String>,
    link: Vec<String>,
    all: Vec<String>,
    only: Vec<String>,
    necessary: Vec<String>,
    selected: Vec<String>,
    not: Vec<String>,
    without: Vec<String>,
    and: Vec<String>,
    common: Vec<String>,
    around: Vec<String>,
    elsewhere: Vec<String>,
}

impl Lexicon {
    /// Reads the words of a file.
    pub(super) fn parse(source: &str) -> Result<Self, toml::de::Error> {
        let file: LexiconFile = toml::from_str(source)?;
        let mut lexicon = Self::default();
        for (role, phrases) in [
            (ButtonRole::Accept, &file.shared.accept),
            (ButtonRole::Reject, &file.shared.reject),
            (ButtonRole::Acknowledge, &file.shared.acknowledge),
            (ButtonRole::Close, &file.shared.close),
        ] {
            lexicon.learn(None, role, phrases);
        }
        for (index, table) in file.language.iter().enumerate() {
            let mut vocabulary = HashSet::new();
            for (role, phrases) in table.phrases() {
                vocabulary.extend(lexicon.learn(Some(index), role, phrases));
            }
            lexicon.languages.push(Language::new(table, vocabulary));
        }
        Ok(lexicon)
    }

    /// Takes phrases in and returns their words.
    fn learn(
        &mut self,
        language: Option<usize>,
        role: ButtonRole,
        phrases: &[String],
    ) -> Vec<String> {
        let mut learnt = Vec::new();
        for phrase in phrases {
            let words = words_of(phrase);
            self.longest_phrase = self.longest_phrase.max(words.len());
            self.phrases
                .entry(words.join(" "))
                .or_default()
                .push(Meaning { language, role });
            learnt.extend(words);
        }
        learnt
    }
}

impl LanguageTable {
    /// Its phrases, by what a button with them does.
    fn phrases(&self) -> [(ButtonRole, &[String]); 8] {
        [
            (ButtonRole::Accept, &self.accept),
            (ButtonRole::Reject, &self.reject),
            (ButtonRole::Settings, &self.settings),
            (ButtonRole::Save, &self.save),
            (ButtonRole::Acknowledge, &self.acknowledge),
            (ButtonRole::Pay, &self.pay),
            (ButtonRole::Close, &self.close),
            (ButtonRole::Link, &self.link),
        ]
    }
}

impl Language {
    /// Takes in the words of a table; `vocabulary` holds every word of its phrases.
    fn new(table: &LanguageTable, vocabulary: HashSet<String>) -> Self {
        Self {
            code: table.code.clone(),
            consent: table.consent.clone(),
            consent_stems: table
                .consent
                .iter()
                .map(|word| words_of(word))
                .filter(|words| words.len() == 1)
                .flatten()
                .collect(),
            all: WordList::new(&table.all),
            only: WordList::new(&table.only),
            necessary: WordList::new(&table.necessary),
            selected: WordList::new(&table.selected),
            not: WordList::new(&table.not),
            without: WordList::new(&table.without),
            and: WordList::new(&table.and),
            around: WordList::new(&table.around),
            elsewhere: WordList::new(&table.elsewhere),
            common: table
                .common
                .iter()
                .flat_map(|word| words_of(word))
                .collect(),
            vocabulary,
        }
    }
}
