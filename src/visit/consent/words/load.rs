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
    #[serde(default)]
    shared: SharedTable,
    language: Vec<LanguageTable>,
}

/// Phrases of every language.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedTable {
    accept: Vec<String>,
    reject: Vec<String>,
    acknowledge: Vec<String>,
    close: Vec<String>,
}

/// The words and phrases of one language; lists nobody has filled yet are empty.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageTable {
    code: String,
    consent: Vec<String>,
    accept: Vec<String>,
    reject: Vec<String>,
    #[serde(default)]
    settings: Vec<String>,
    #[serde(default)]
    save: Vec<String>,
    #[serde(default)]
    acknowledge: Vec<String>,
    #[serde(default)]
    pay: Vec<String>,
    #[serde(default)]
    close: Vec<String>,
    #[serde(default)]
    link: Vec<String>,
    #[serde(default)]
    all: Vec<String>,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    necessary: Vec<String>,
    #[serde(default)]
    selected: Vec<String>,
    #[serde(default)]
    not: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    and: Vec<String>,
    #[serde(default)]
    common: Vec<String>,
    #[serde(default)]
    around: Vec<String>,
    #[serde(default)]
    elsewhere: Vec<String>,
}

impl Lexicon {
    /// Reads the words of files.
    pub(super) fn parse(sources: &[&str]) -> Result<Self, toml::de::Error> {
        let mut lexicon = Self::default();
        let mut files: Vec<LexiconFile> = Vec::new();
        for source in sources {
            files.push(toml::from_str(source)?);
        }
        // Where words end is known only once all words are.
        for entry in files.iter().flat_map(LexiconFile::entries) {
            // The words of a phrase written apart may be made of shorter ones.
            if let [word] = words_of(entry).as_slice() {
                lexicon.segments.learn(word);
            }
        }
        for file in &files {
            for (role, phrases) in file.shared.phrases() {
                lexicon.learn(None, role, phrases);
            }
            for table in &file.language {
                let index = lexicon.languages.len();
                let mut vocabulary = HashSet::new();
                for (role, phrases) in table.phrases() {
                    vocabulary.extend(lexicon.learn(Some(index), role, phrases));
                }
                lexicon.languages.push(Language::new(table, vocabulary));
            }
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
            let words = self.words(phrase);
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

impl LexiconFile {
    /// Every word and phrase of every language.
    fn entries(&self) -> impl Iterator<Item = &String> {
        self.language.iter().flat_map(|table| {
            let phrases = table.phrases().into_iter().map(|(_, phrases)| phrases);
            phrases.chain(table.lists()).flatten()
        })
    }
}

impl SharedTable {
    /// Its phrases, by what a button with them does.
    fn phrases(&self) -> [(ButtonRole, &[String]); 4] {
        [
            (ButtonRole::Accept, &self.accept),
            (ButtonRole::Reject, &self.reject),
            (ButtonRole::Acknowledge, &self.acknowledge),
            (ButtonRole::Close, &self.close),
        ]
    }
}

impl LanguageTable {
    /// Its words that are no phrases of buttons.
    fn lists(&self) -> [&[String]; 11] {
        [
            &self.consent,
            &self.all,
            &self.only,
            &self.necessary,
            &self.selected,
            &self.not,
            &self.without,
            &self.and,
            &self.common,
            &self.around,
            &self.elsewhere,
        ]
    }

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
