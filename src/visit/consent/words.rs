//! What banners say: button roles by text, in many languages.
//!
//! The words are data (`words.toml`); this room holds how they are read. Texts come from pages,
//! so every length is bounded and nothing in them can fail.

mod fold;
mod language;
mod load;
mod reading;
mod segment;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::LazyLock;

use regex::Regex;

use crate::model::visit::ButtonRole;
use fold::{is_invisible, pattern_of, words_of};
use language::Language;
use reading::{Fit, Reading, Span};
use segment::{Segments, is_several_words};

/// The words of the built-in lexicon, by how often their languages are met on European pages.
const SOURCES: [&str; 2] = [include_str!("words.toml"), include_str!("words/world.toml")];
/// The language of words that belong to every language (ISO 639-2 "undetermined").
const SHARED: &str = "und";
/// A text with more characters than this is no button.
const LONGEST_BUTTON_CHARS: usize = 400;
/// A text with more words than this has a role only if it is a phrase as a whole.
const LONGEST_BUTTON_WORDS: usize = 12;
/// How much of a banner's text is read for its languages.
const LONGEST_BANNER_CHARS: usize = 8_000;
/// Signs that close a banner without a word.
const CLOSING_SIGNS: &str = "×✕✖✗✘❌❎⨯╳⛌⊗⊠🗙🞨🞩";

/// The built-in words, read once.
static BUILTIN: LazyLock<Lexicon> = LazyLock::new(|| {
    // A test keeps the built-in words readable; without words no button has a role.
    Lexicon::parse(&SOURCES).unwrap_or_default()
});

/// The words of a text without case, accents, punctuation and numbers.
pub fn folded(text: &str) -> Vec<String> {
    words_of(text)
}

/// What a button does and the language that says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// What it does.
    pub role: ButtonRole,
    /// ISO 639-1; `und` where the text belongs to every language ("OK", "×").
    pub language: String,
}

/// The words of consent banners and the rules that read them.
#[derive(Debug, Default)]
pub struct Lexicon {
    languages: Vec<Language>,
    phrases: HashMap<String, Vec<Meaning>>,
    longest_phrase: usize,
    segments: Segments,
}

/// What a phrase means; `language` is an index, or `None` for every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    language: Option<usize>,
    role: ButtonRole,
}

impl Lexicon {
    /// The words built into the program.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// The words of a text, folded; those of scripts without spaces as far as they are known.
    fn words(&self, text: &str) -> Vec<String> {
        self.segments.split(words_of(text))
    }

    /// What a button that says `text` does, if it says anything a banner's button would.
    ///
    /// A text that is a phrase as a whole has that phrase's role. Otherwise the longest phrases
    /// in it decide, provided that little else is said and nothing that belongs elsewhere.
    pub fn classify(&self, text: &str) -> Option<Role> {
        if text.chars().nth(LONGEST_BUTTON_CHARS).is_some() {
            return None;
        }
        let words = self.words(text);
        if words.is_empty() {
            return closing_sign(text);
        }
        if names_a_price(text) {
            return Some(Role {
                role: ButtonRole::Pay,
                language: SHARED.to_owned(),
            });
        }
        let meant = match self.phrases.get(&words.join(" ")) {
            // The language named first in the file wins, as its words are met most often.
            Some(meanings) => meanings
                .iter()
                .copied()
                .min_by_key(|meaning| precedence(meaning.role)),
            None if words.len() > LONGEST_BUTTON_WORDS => None,
            None => self.read(&words),
        }?;
        Some(Role {
            role: meant.role,
            language: self.code(meant.language),
        })
    }

    /// Reads a text in every language that has a word for it and takes the best fit.
    fn read(&self, words: &[String]) -> Option<Meaning> {
        let mut spans: Vec<(Option<usize>, Span)> = Vec::new();
        for start in 0..words.len() {
            for end in start + 1..=words.len().min(start + self.longest_phrase) {
                let phrase = words[start..end].join(" ");
                for meaning in self.phrases.get(&phrase).into_iter().flatten() {
                    let span = Span {
                        start,
                        end,
                        chars: phrase.chars().count(),
                        several_words: end - start > 1 || is_several_words(&phrase),
                        role: meaning.role,
                    };
                    spans.push((meaning.language, span));
                }
            }
        }
        let mut best: Option<(Fit, Reverse<u8>, Meaning)> = None;
        for (index, language) in self.languages.iter().enumerate() {
            let own = spans
                .iter()
                .filter(|(of, _)| of.is_none() || *of == Some(index))
                .map(|(_, span)| *span)
                .collect();
            let reading = Reading::new(language, words, own);
            let (Some(fit), Some(role)) = (reading.fit(), reading.role()) else {
                continue;
            };
            let order = Reverse(precedence(role));
            if best.is_none_or(|(fit_so_far, order_so_far, _)| {
                (fit, order) > (fit_so_far, order_so_far)
            }) {
                let language = Some(index);
                best = Some((fit, order, Meaning { language, role }));
            }
        }
        best.map(|(_, _, meaning)| meaning)
    }

    fn code(&self, language: Option<usize>) -> String {
        language
            .and_then(|index| self.languages.get(index))
            .map_or(SHARED, |language| language.code.as_str())
            .to_owned()
    }

    /// The source of one regular expression that finds a text about cookies and consent, in any
    /// language and any case.
    ///
    /// For Rust's `regex` and for JavaScript, with or without the flags `i` and `u`: it uses
    /// nothing but letters, classes of letters, `\s`, `?`, `+`, `|` and `(?:…)`. The empty string
    /// when there are no words, which the caller must not use as a pattern.
    pub fn consent_pattern(&self) -> String {
        let mut words: Vec<&str> = self
            .languages
            .iter()
            .flat_map(|language| &language.consent)
            .map(String::as_str)
            .collect();
        words.sort_by_key(|word| (word.chars().count(), *word));
        let mut kept: Vec<&str> = Vec::new();
        for word in words {
            // A word that holds a shorter one is found by it.
            if !kept.iter().any(|shorter| word.contains(shorter)) {
                kept.push(word);
            }
        }
        if kept.is_empty() {
            return String::new();
        }
        // Grouped by their first letter, so that most letters of a page are passed at once.
        let mut by_first: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for word in kept {
            let mut letters = word.chars().map(pattern_of);
            let first = letters.next().unwrap_or_default();
            by_first.entry(first).or_default().push(letters.collect());
        }
        let alternatives: Vec<String> = by_first
            .into_iter()
            .map(|(first, rests)| format!("{first}(?:{})", rests.join("|")))
            .collect();
        format!("(?:{})", alternatives.join("|"))
    }

    /// How many words of a text speak of consent, and how many of what other dialogs ask for:
    /// newsletters, accounts, chats, orders. Read in the text's own languages.
    pub fn topics(&self, text: &str) -> (usize, usize) {
        let text: String = text.chars().take(LONGEST_BANNER_CHARS).collect();
        let words = self.words(&text);
        let codes = self.languages_of(&text);
        let spoken = |language: &&Language| codes.is_empty() || codes.contains(&language.code);
        let said_by = |word: &String, is: fn(&Language, &str) -> bool| {
            self.languages
                .iter()
                .filter(spoken)
                .any(|language| is(language, word))
        };
        let named = self.names_of_documents(&words);
        let consent = words
            .iter()
            .zip(named)
            .filter(|(word, named)| !named && said_by(word, Language::is_about_consent));
        let elsewhere = words
            .iter()
            .filter(|word| said_by(word, |language, word| language.elsewhere.has(word)));
        (consent.count(), elsewhere.count())
    }

    /// Which words belong to the name of a document, such as "cookie policy".
    fn names_of_documents(&self, words: &[String]) -> Vec<bool> {
        const LONGEST_NAME: usize = 6;
        let mut named = vec![false; words.len()];
        for start in 0..words.len() {
            for end in start + 2..=words.len().min(start + LONGEST_NAME) {
                let meanings = self.phrases.get(&words[start..end].join(" "));
                let is_document = meanings
                    .into_iter()
                    .flatten()
                    .any(|meaning| meaning.role == ButtonRole::Link);
                if is_document {
                    named[start..end].fill(true);
                }
            }
        }
        named
    }

    /// Whether the name of a cookie or storage entry holds a word for cookies or consent in some
    /// language, other than the English word for cookies.
    pub fn names_consent(&self, name: &str) -> bool {
        const SHORTEST: usize = 5;
        let joined = words_of(name).concat();
        self.languages
            .iter()
            .flat_map(|language| &language.consent_stems)
            .any(|stem| {
                stem.chars().count() >= SHORTEST
                    && !stem.starts_with("cookie")
                    && joined.contains(stem.as_str())
            })
    }

    /// The languages of a banner's text, ISO 639-1, most likely first; empty when it says too
    /// little to tell.
    ///
    /// The language that explains most words comes first. A further one is named only if it
    /// explains many of the words that are left, so that Danish is not also called Norwegian.
    pub fn languages_of(&self, text: &str) -> Vec<String> {
        const ENOUGH: usize = 3;
        const SHARE_OF_FIRST: usize = 3;
        let text: String = text.chars().take(LONGEST_BANNER_CHARS).collect();
        let mut left: BTreeSet<String> = self.words(&text).into_iter().collect();
        let mut found = Vec::new();
        let mut least = ENOUGH;
        loop {
            let mut best: Option<(usize, &Language)> = None;
            for language in &self.languages {
                let weight = left.iter().map(|word| language.weight(word)).sum();
                if best.is_none_or(|(heaviest, _)| weight > heaviest) {
                    best = Some((weight, language));
                }
            }
            let Some((weight, language)) = best.filter(|(weight, _)| *weight >= least) else {
                return found;
            };
            left.retain(|word| language.weight(word) == 0);
            found.push(language.code.clone());
            least = least.max(weight / SHARE_OF_FIRST);
        }
    }
}

/// Which role wins where one text could have several: the more careful one.
fn precedence(role: ButtonRole) -> u8 {
    match role {
        ButtonRole::Reject => 0,
        ButtonRole::Settings => 1,
        ButtonRole::Save => 2,
        ButtonRole::Pay => 3,
        ButtonRole::Acknowledge => 4,
        ButtonRole::Accept => 5,
        ButtonRole::Close => 6,
        ButtonRole::Link => 7,
    }
}

/// Whether a text names an amount of money: what it says else, it costs.
fn names_a_price(text: &str) -> bool {
    static PRICE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        const MONEY: &str = r"(?:[€£$¥₹₽₴₺₪]|\b(?:EUR|GBP|USD|CHF|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|euros?|kr|zł|Kč|Ft|lei|лв|Fr)\b)";
        Regex::new(&format!(
            r"(?i){MONEY}\.?\s?\d|\d(?:[.,]\d{{1,2}}|[.,]?[-–])?\s?{MONEY}"
        ))
        .ok()
    });
    // Nothing is cheaper than "free for 0 €".
    let free = text
        .chars()
        .filter(char::is_ascii_digit)
        .all(|digit| digit == '0');
    !free && PRICE.as_ref().is_some_and(|price| price.is_match(text))
}

/// "×" and its like.
fn closing_sign(text: &str) -> Option<Role> {
    let mut signs = text
        .chars()
        .filter(|letter| !letter.is_whitespace() && !is_invisible(*letter))
        .peekable();
    signs.peek()?;
    signs
        .all(|sign| CLOSING_SIGNS.contains(sign))
        .then(|| Role {
            role: ButtonRole::Close,
            language: SHARED.to_owned(),
        })
}

#[cfg(test)]
mod tests;
