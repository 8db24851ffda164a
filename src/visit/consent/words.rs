//! What banners say: button roles by text, in many languages.
//!
//! The words are data (`words.toml`); this file holds how they are read. Texts come from pages,
//! so every length is bounded and nothing in them can fail.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::visit::ButtonRole;

/// The words of the built-in lexicon.
const SOURCE: &str = include_str!("words.toml");
/// The language of words that belong to every language (ISO 639-2 "undetermined").
const SHARED: &str = "und";
/// A text with more characters than this is no button.
const LONGEST_BUTTON_CHARS: usize = 400;
/// A text with more words than this has a role only if it is a phrase as a whole.
const LONGEST_BUTTON_WORDS: usize = 12;
/// Words a button may say beside its phrases, those about cookies not counted.
const FURTHER_WORDS: usize = 5;
/// Words beside a phrase of several words that may be unknown; beside a single word, none may.
const UNKNOWN_WORDS: usize = 2;
/// How much of a banner's text is read for its languages.
const LONGEST_BANNER_CHARS: usize = 8_000;
/// Signs that close a banner without a word.
const CLOSING_SIGNS: &str = "×✕✖✗✘❌❎⨯╳⛌⊗⊠🗙🞨🞩";

static BUILTIN: LazyLock<Lexicon> = LazyLock::new(|| {
    // A test keeps the built-in words readable; without words no button has a role.
    Lexicon::parse(SOURCE).unwrap_or_default()
});

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
}

/// What a phrase means; `language` is an index, or `None` for every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Meaning {
    language: Option<usize>,
    role: ButtonRole,
}

#[derive(Debug)]
struct Language {
    code: String,
    consent: Vec<String>,
    /// First words of texts about cookies, folded; any ending may follow.
    consent_stems: Vec<String>,
    all: WordList,
    only: WordList,
    necessary: WordList,
    selected: WordList,
    not: WordList,
    without: WordList,
    and: WordList,
    around: WordList,
    elsewhere: WordList,
    common: HashSet<String>,
    /// Every word of every phrase.
    vocabulary: HashSet<String>,
}

/// Words as they stand, and beginnings of words.
#[derive(Debug, Default)]
struct WordList {
    whole: HashSet<String>,
    beginnings: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LexiconFile {
    shared: SharedTable,
    language: Vec<LanguageTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SharedTable {
    accept: Vec<String>,
    reject: Vec<String>,
    acknowledge: Vec<String>,
    close: Vec<String>,
}

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

/// A phrase found in a text: words `start..end`.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    chars: usize,
    role: ButtonRole,
}

/// How one language reads a text. Later fields decide between equals; more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fit {
    known_words: usize,
    covered_words: usize,
    covered_chars: usize,
}

impl Lexicon {
    /// The words built into the program.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    fn parse(source: &str) -> Result<Self, toml::de::Error> {
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

    /// What a button that says `text` does, if it says anything a banner's button would.
    ///
    /// A text that is a phrase as a whole has that phrase's role. Otherwise the longest phrases
    /// in it decide, provided that little else is said and nothing that belongs elsewhere.
    pub fn classify(&self, text: &str) -> Option<Role> {
        if text.chars().nth(LONGEST_BUTTON_CHARS).is_some() {
            return None;
        }
        let words = words_of(text);
        if words.is_empty() {
            return closing_sign(text);
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
        let alternatives: Vec<String> = kept.into_iter().map(pattern_of).collect();
        format!("(?:{})", alternatives.join("|"))
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
        let mut left: BTreeSet<String> = words_of(&text).into_iter().collect();
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

impl LanguageTable {
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

    fn is_about_consent(&self, word: &str) -> bool {
        self.consent_stems
            .iter()
            .any(|stem| word.starts_with(stem.as_str()))
    }

    /// Words that say how far a choice goes, and of which a button may hold any number.
    fn is_qualifier(&self, word: &str) -> bool {
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

    fn is_known(&self, word: &str) -> bool {
        self.vocabulary.contains(word)
            || self.common.contains(word)
            || self.and.has(word)
            || self.around.has(word)
            || self.is_qualifier(word)
    }

    /// How strongly a word speaks for this language.
    fn weight(&self, word: &str) -> usize {
        if self.common.contains(word) || self.is_about_consent(word) {
            2
        } else {
            usize::from(self.is_known(word))
        }
    }
}

impl WordList {
    fn new(entries: &[String]) -> Self {
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

    fn has(&self, word: &str) -> bool {
        self.whole.contains(word)
            || self
                .beginnings
                .iter()
                .any(|beginning| word.starts_with(beginning.as_str()))
    }
}

/// A text as one language reads it.
struct Reading<'a> {
    language: &'a Language,
    words: &'a [String],
    /// Phrases found, none overlapping another.
    spans: Vec<Span>,
}

impl<'a> Reading<'a> {
    fn new(language: &'a Language, words: &'a [String], spans: Vec<Span>) -> Self {
        let mut reading = Self {
            language,
            words,
            spans: longest_apart(spans),
        };
        let offered = reading.spans.iter().copied().filter(|span| {
            // "Without subscription" offers none.
            span.role != ButtonRole::Pay || !reading.has_negator_before(span.start)
        });
        reading.spans = offered.collect();
        reading
    }

    /// How well the language knows the text, or `None` when it says too little about consent or
    /// too much about other things.
    fn fit(&self) -> Option<Fit> {
        let several_words =
            self.is_only_necessary() || self.spans.iter().any(|span| span.end - span.start > 1);
        if self.spans.is_empty() && !several_words {
            return None;
        }
        // A link's words do not excuse what belongs elsewhere: "Accept the terms and conditions".
        let is_elsewhere = (0..self.words.len()).any(|index| {
            self.span_at(index)
                .is_none_or(|span| span.role == ButtonRole::Link)
                && self.language.elsewhere.has(&self.words[index])
        });
        if is_elsewhere {
            return None;
        }
        let rest: Vec<&String> = self.uncovered().collect();
        let further = rest
            .iter()
            .filter(|word| !self.language.is_qualifier(word))
            .count();
        let unknown = rest
            .iter()
            .filter(|word| !self.language.is_known(word))
            .count();
        let unknown_allowed = if several_words { UNKNOWN_WORDS } else { 0 };
        (further <= FURTHER_WORDS && unknown <= unknown_allowed).then(|| Fit {
            known_words: self.words.len() - unknown,
            covered_words: self.words.len() - rest.len(),
            covered_chars: self.spans.iter().map(|span| span.chars).sum(),
        })
    }

    /// What the phrases come to, taken together.
    fn role(&self) -> Option<ButtonRole> {
        use ButtonRole::{Accept, Acknowledge, Close, Link, Pay, Reject, Save, Settings};
        let has = |role| self.spans.iter().any(|span| span.role == role);
        if has(Pay) {
            // "Reject and subscribe" is no refusal: it costs.
            return Some(Pay);
        }
        if self.is_only_necessary() {
            return Some(Reject);
        }
        let refused = |span: &&Span| {
            span.role == Reject
                || span.role == Accept && (self.is_denied(span) || self.names_necessary())
        };
        let answers = |span: &&Span| matches!(span.role, Accept | Reject);
        let no = self.spans.iter().filter(answers).filter(refused);
        let yes = self
            .spans
            .iter()
            .filter(answers)
            .filter(|span| !refused(span));
        let (no, yes) = (no.map(Span::size).max(), yes.map(Span::size).max());
        // Between equals the refusal wins.
        let answer = match (no, yes) {
            (None, None) => None,
            (no, yes) if no >= yes => Some(Reject),
            _ => Some(Accept),
        };
        let everything = self.words.iter().any(|word| self.language.all.has(word));
        let joined = self.words.iter().any(|word| self.language.and.has(word));
        let selected = self
            .uncovered()
            .any(|word| self.language.selected.has(word));
        match answer {
            // "Save and accept all", "Refuse and save".
            Some(Accept) if has(Save) && everything => Some(Accept),
            Some(Reject) if has(Save) => Some(Reject),
            _ if has(Save) => Some(Save),
            Some(Accept) if selected => Some(Save),
            // "Select all and accept", but "Configure or accept".
            Some(Accept) if has(Settings) && everything && joined => Some(Accept),
            Some(_) if has(Settings) => Some(Settings),
            Some(answer) => Some(answer),
            // "Continue with necessary cookies", "OK to the selected".
            None if has(Acknowledge) && self.names_necessary() => Some(Reject),
            None if has(Acknowledge) && selected => Some(Save),
            // The rest by how much they commit to: "Close settings", "OK, close".
            None => [Acknowledge, Close, Settings, Link]
                .into_iter()
                .find(|role| has(*role)),
        }
    }

    fn span_at(&self, index: usize) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| (span.start..span.end).contains(&index))
    }

    fn uncovered(&self) -> impl Iterator<Item = &String> {
        (0..self.words.len())
            .filter(|index| self.span_at(*index).is_none())
            .map(|index| &self.words[index])
    }

    fn is_negator(&self, word: &str) -> bool {
        self.language.not.has(word) || self.language.without.has(word)
    }

    fn has_negator_before(&self, index: usize) -> bool {
        index
            .checked_sub(1)
            .is_some_and(|before| self.is_negator(&self.words[before]))
    }

    /// Where a word for necessary stands, other than in "non-essential".
    fn is_necessary_at(&self, index: usize) -> bool {
        self.language.necessary.has(&self.words[index]) && !self.has_negator_before(index)
    }

    fn names_necessary(&self) -> bool {
        (0..self.words.len()).any(|index| self.is_necessary_at(index))
    }

    /// "Only necessary" refuses the rest, with or without a verb; "not only" does not.
    fn is_only_necessary(&self) -> bool {
        self.names_necessary()
            && (0..self.words.len()).any(|index| {
                self.language.only.has(&self.words[index]) && !self.has_negator_before(index)
            })
    }

    /// Whether a negator reaches the phrase. None reaches across an "and"; after the phrase it
    /// must be one that can follow ("ich akzeptiere nicht", but "accept without a subscription").
    fn is_denied(&self, phrase: &Span) -> bool {
        let joiner = |index: &usize| self.language.and.has(&self.words[*index]);
        let before = (0..phrase.start)
            .rev()
            .take_while(|index| !joiner(index))
            .any(|index| {
                let negates = self.is_negator(&self.words[index]);
                // In "accept non-essential" the negator belongs to the next word.
                negates && !self.language.necessary.has(&self.words[index + 1])
            });
        let after = (phrase.end..self.words.len())
            .take_while(|index| !joiner(index))
            .any(|index| {
                let negates = self.language.not.has(&self.words[index]);
                let next = self.words.get(index + 1);
                negates
                    && self.span_at(index).is_none()
                    && !next.is_some_and(|next| self.language.necessary.has(next))
            });
        before || after
    }
}

impl Span {
    /// Words, then characters: the longer phrase says more.
    fn size(&self) -> (usize, usize) {
        (self.end - self.start, self.chars)
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

/// The longest phrases that do not overlap.
fn longest_apart(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (Reverse(span.size()), precedence(span.role), span.start));
    let mut apart: Vec<Span> = Vec::new();
    for span in spans {
        if apart
            .iter()
            .all(|taken| span.end <= taken.start || taken.end <= span.start)
        {
            apart.push(span);
        }
    }
    apart
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

/// The words of a text, folded: lower case, without accents, punctuation, signs and numbers.
/// "L’Été (3) – Cookie-Einstellungen" gives `l`, `ete`, `cookie`, `einstellungen`.
fn words_of(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for letter in text.chars().filter(|letter| !is_invisible(*letter)) {
        if !letter.is_alphanumeric() {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            // Upper case first: it folds what lower case leaves apart (ß, ς, ı, ligatures).
            let letter = narrow(letter);
            for lower in letter.to_uppercase().flat_map(char::to_lowercase) {
                fold_into(word, lower);
            }
        }
    }
    words.retain(|word| !word.chars().all(char::is_numeric));
    words
}

/// Marks that change how letters look or break, and accents that stand apart from their letter.
fn is_invisible(letter: char) -> bool {
    matches!(letter,
        '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Full-width Latin letters as ordinary ones.
fn narrow(letter: char) -> char {
    const FULL_WIDTH_OFFSET: u32 = 0xfee0;
    match letter {
        '\u{ff01}'..='\u{ff5e}' => {
            char::from_u32(letter as u32 - FULL_WIDTH_OFFSET).unwrap_or(letter)
        }
        _ => letter,
    }
}

/// Appends a lower-case letter without its accent. Capitals often lose theirs (Greek always), so
/// accents cannot tell words apart here.
fn fold_into(word: &mut String, letter: char) {
    let plain = match letter {
        letter if is_invisible(letter) => return,
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' | 'ª' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' | 'đ' | 'ð' => 'd',
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' | 'ħ' => 'h',
        'ì' | 'í' | 'î' | 'ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'º' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => 's',
        'ţ' | 'ť' | 'ŧ' | 'ț' => 't',
        'ù' | 'ú' | 'û' | 'ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        'ά' => 'α',
        'έ' => 'ε',
        'ή' => 'η',
        'ί' | 'ϊ' | 'ΐ' => 'ι',
        'ό' => 'ο',
        'ύ' | 'ϋ' | 'ΰ' => 'υ',
        'ώ' => 'ω',
        'ς' => 'σ',
        'ё' => 'е',
        'й' => 'и',
        'ї' => 'і',
        'ß' | 'æ' | 'œ' | 'þ' => {
            word.push_str(match letter {
                'ß' => "ss",
                'æ' => "ae",
                'œ' => "oe",
                _ => "th",
            });
            return;
        }
        other => other,
    };
    word.push(plain);
}

/// A word or phrase as a pattern that needs no flag to ignore case, and no accents on capitals.
fn pattern_of(phrase: &str) -> String {
    let mut pattern = String::new();
    for letter in phrase.chars() {
        let mut plain = String::new();
        fold_into(&mut plain, letter);
        let mut variants: Vec<char> = vec![letter];
        if plain.chars().count() == 1 {
            variants.extend(plain.chars());
        }
        let capitals: Vec<char> = variants
            .iter()
            .filter(|variant| variant.to_uppercase().count() == 1)
            .flat_map(|variant| variant.to_uppercase())
            .collect();
        variants.extend(capitals);
        if letter == 'i' {
            // The capital of Turkish.
            variants.push('İ');
        }
        variants.sort_unstable();
        variants.dedup();
        match letter {
            ' ' => pattern.push_str(r"\s+"),
            '-' => pattern.push_str("-?"),
            _ if !letter.is_alphabetic() => pattern.push_str(r"\s?"),
            _ => {
                pattern.push('[');
                pattern.extend(variants);
                pattern.push(']');
            }
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a test that cannot go on should stop"
    )]

    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    /// `language role: text | text`, as banners say them.
    const BUTTONS: &str = "
en accept: Accept all | ACCEPT ALL COOKIES | Yes, I agree! | Allow all | Enable all | I’m OK with that | ✔ Accept & continue → | OK, accept | Agree and close | Accept all cookies and continue to our site | Accept non-essential cookies | I understand and agree | Accept additional cookies | Save and accept all | Accept and don't show again
en reject: Reject all | Decline | Deny | Refuse | Only necessary | Essential only | Use necessary cookies only | Accept only necessary | Accept essential cookies | Continue without accepting | No, thanks | I do not agree | Don’t accept | Object to all | Reject non-essential cookies | Strictly necessary cookies only | Do not allow cookies | Without consent | Reject all and save | I disagree | Continue with necessary cookies
en settings: Manage preferences | Cookie settings | Customise… | More options | Show purposes | Let me choose | Show details | Manage or reject cookies | Privacy policy & settings | Learn more and customize | No, manage settings | Accept or customise
en save: Save & exit | Confirm my choices | Save selection | Allow selection | Accept selected | Save preferences | Accept selected cookies | Save cookie settings | Agree to selected cookies
en acknowledge: Got it! | I understand | Okay, got it | Understood | Continue
en pay: Subscribe | Reject and subscribe | Subscribe to reject all | Pay or accept | Continue without ads
en close: Close | Dismiss | Close this banner | Close preferences
en link: Privacy policy | Cookie Policy | Learn more | View our 842 partners | Vendor list | Read our cookie policy
de accept: Alle akzeptieren | ALLE COOKIES AKZEPTIEREN | Ich stimme zu | Einverstanden | Zustimmen und weiter | Alles erlauben | Alle auswählen und akzeptieren | Ja, alle Cookies zulassen | Akzeptieren & schließen | Ich stimme allen Cookies zu | Einwilligen | Zustimmen und nicht mehr anzeigen | Nicht notwendige Cookies akzeptieren
de reject: Alle ablehnen | Ablehnen | Nur notwendige Cookies | Nur essenzielle Cookies akzeptieren | Weiter ohne Einwilligung | Nein, danke | Ich stimme nicht zu | Nicht einverstanden | Nur technisch erforderliche Cookies zulassen | Ich lehne ab | Notwendige akzeptieren | Ohne zu akzeptieren fortfahren | Akzeptiere nichts | Nur Erforderliche
de settings: Einstellungen | Cookie-Einstellungen | Individuelle Datenschutzeinstellungen | Mehr Optionen | Details anzeigen | Zwecke anzeigen | Einstellungen verwalten | Anpassen | Ablehnen oder Einstellungen
de save: Auswahl speichern | Speichern & Schließen | Auswahl erlauben | Ausgewählte Cookies akzeptieren | Meine Auswahl bestätigen | Speichern
de acknowledge: Verstanden | OK, verstanden | Alles klar
de pay: PUR-Abo abschließen | Jetzt abonnieren | Ablehnen und Abo | Werbefrei lesen für 3,99 €/Monat | Mit Pur-Abo
de close: Schließen | SCHLIESSEN | Später
de link: Datenschutzerklärung | Impressum | Mehr erfahren | Weitere Informationen | Cookie-Richtlinie
fr accept: Tout accepter | J'accepte | J’ACCEPTE | Accepter & Fermer | Accepter et continuer | Autoriser tous les cookies | D'accord | OK, tout accepter | Accepter tous les cookies | Oui, j’accepte | ✓ OK, j'accepte
fr reject: Tout refuser | Continuer sans accepter → | Je refuse | Refuser tous les cookies | Je n’accepte pas | Non merci | Uniquement les cookies nécessaires | Accepter uniquement les cookies essentiels | Interdire tous les cookies | Cookies strictement nécessaires uniquement | Refuser et fermer | Naviguer sans accepter
fr settings: Paramétrer | Personnaliser | Gérer mes choix | Paramètres des cookies | Plus d'options | En savoir plus et paramétrer | Je choisis | Afficher les finalités | Configurer ou refuser
fr save: Enregistrer mes choix | Enregistrer et fermer | Confirmer mes choix | Accepter la sélection | Valider mes choix
fr acknowledge: J'ai compris | OK | Compris
fr pay: S'abonner | Refuser et s’abonner | Je m'abonne pour 2 € | Accéder sans publicité
fr close: Fermer | Masquer ce message
fr link: En savoir plus | Politique de confidentialité | Nos partenaires | Voir nos 642 partenaires | Mentions légales
es accept: Aceptar todo | Aceptar todas las cookies | ACEPTO | Sí, estoy de acuerdo | Permitir todas | Aceptar y cerrar | Aceptar y continuar | Consentir | Activar todas las cookies | De acuerdo | OK, aceptar cookies
es reject: Rechazar todo | Rechazar | Rechazar todas las cookies | Solo las necesarias | Continuar sin aceptar | No acepto | No, gracias | Denegar | Aceptar solo las cookies técnicas | Usar solo cookies necesarias | Rechazar y cerrar | Oponerse a todo
es settings: Configurar | Configuración de cookies | Gestionar opciones | Más opciones | Personalizar | Configurar o rechazar cookies | Ver preferencias | Mostrar detalles
es save: Guardar y salir | Guardar preferencias | Confirmar mis opciones | Aceptar selección | Permitir la selección | Aceptar las cookies seleccionadas
es acknowledge: Entendido | Vale | OK, lo he entendido
es pay: Suscribirse | Rechazar y suscribirse | Pagar para rechazar
es close: Cerrar | Ahora no
es link: Política de cookies | Más información | Aviso legal | Ver nuestros 130 socios
it accept: Accetta tutti | Accetta tutti i cookie | Accetto | ACCETTA E CHIUDI | Consenti tutti | Acconsento | Accetta e continua | Sono d'accordo | Abilita tutti i cookie | Sì, accetto | Autorizza
it reject: Rifiuta tutto | Rifiuta | Continua senza accettare | Rifiuta tutti i cookie | Solo necessari | Usa solo i cookie necessari | Accetta solo cookie tecnici | Non accetto | No, grazie | Nega | Chiudi e rifiuta tutto | Accetta solo i necessari
it settings: Personalizza | Impostazioni | Gestisci opzioni | Preferenze cookie | Scopri di più e personalizza | Mostra dettagli | Mostra le finalità | Più opzioni
it save: Salva ed esci | Salva preferenze | Conferma le mie scelte | Accetta selezionati | Consenti selezione
it acknowledge: Ho capito | OK, ho capito | Va bene
it pay: Abbonati | Rifiuta e abbonati | Accetta o abbonati
it close: Chiudi | Nascondi
it link: Cookie Policy | Informativa sulla privacy | Scopri di più | Maggiori informazioni
nl accept: Alles accepteren | Alle cookies accepteren | Akkoord | Ja, ik ga akkoord | Alle cookies toestaan | Accepteren en doorgaan | Accepteer alles | Cookies toestaan | Akkoord en sluiten | Ik accepteer cookies | Alle cookies aanvaarden
nl reject: Alles weigeren | Weigeren | Alleen noodzakelijke cookies | Alleen functionele cookies | Niet akkoord | Ik ga niet akkoord | Doorgaan zonder te accepteren | Nee, bedankt | Accepteer alleen noodzakelijke | Alle cookies afwijzen | Alleen strikt noodzakelijk | Noodzakelijke cookies accepteren
nl settings: Instellingen | Cookievoorkeuren aanpassen | Voorkeuren beheren | Meer opties | Zelf instellen | Details tonen | Cookie-instellingen | Toon doeleinden
nl save: Opslaan en sluiten | Voorkeuren opslaan | Bevestig mijn keuzes | Selectie toestaan | Accepteer geselecteerde cookies
nl acknowledge: Begrepen | Ik snap het | OK, begrepen
nl pay: Abonneren | Weigeren en abonneren | Neem een abonnement
nl close: Sluiten | Niet nu
nl link: Privacybeleid | Cookieverklaring | Meer informatie | Lees meer over cookies
pl accept: Akceptuj wszystko | Zaakceptuj wszystkie | Zgadzam się | AKCEPTUJĘ I PRZECHODZĘ DO SERWISU | Zezwól na wszystkie | Wyrażam zgodę | Akceptuję wszystkie pliki cookie | Tak, zgadzam się | Akceptuj i zamknij | Przejdź do serwisu | Przyjmuję wszystkie
pl reject: Odrzuć wszystkie | Odrzuć | Nie zgadzam się | Tylko niezbędne | Odmów | Kontynuuj bez akceptacji | Akceptuj tylko niezbędne | Nie akceptuję | Nie wyrażam zgody | Tylko wymagane pliki cookie | Zezwól tylko na niezbędne ciasteczka | Nie, dziękuję
pl settings: Ustawienia | Ustawienia zaawansowane | Zarządzaj opcjami | Dostosuj | Więcej opcji | Pokaż szczegóły | Ustawienia plików cookie
pl save: Zapisz i zamknij | Zapisz ustawienia | Potwierdź mój wybór | Zezwól na wybór | Zaakceptuj wybrane
pl acknowledge: Rozumiem | OK, rozumiem | W porządku
pl pay: Subskrybuj | Odrzuć i zapłać | Kup subskrypcję
pl close: Zamknij | Nie teraz
pl link: Polityka prywatności | Dowiedz się więcej | Więcej informacji | Nasi zaufani partnerzy
pt accept: Aceitar tudo | Aceitar todos os cookies | ACEITO | Concordo | Permitir todos | Aceitar e fechar | Sim, aceito | Aceitar e continuar | Concordar e fechar | Ativar todos os cookies | Autorizar todos
pt reject: Rejeitar tudo | Recusar | Recusar todos os cookies | Apenas os necessários | Continuar sem aceitar | Não aceito | Não, obrigado | Aceitar apenas cookies essenciais | Só os necessários | Rejeitar cookies opcionais | Não concordo | Usar somente cookies necessários
pt settings: Definições de cookies | Configurações | Gerir preferências | Gerenciar cookies | Mais opções | Personalizar | Mostrar detalhes | Ver finalidades
pt save: Guardar e sair | Salvar preferências | Confirmar minhas escolhas | Aceitar selecionados | Permitir seleção
pt acknowledge: Entendi | OK, entendi | Compreendo
pt pay: Assinar agora | Rejeitar e assinar | Recusar e subscrever
pt close: Fechar | Agora não
pt link: Política de Privacidade | Saiba mais | Mais informações | Política de cookies
sv accept: Godkänn alla | Tillåt alla cookies
sv reject: Endast nödvändiga | Neka alla | Godkänn bara nödvändiga kakor | Fortsätt utan att acceptera
sv settings: Hantera cookies | Inställningar
sv save: Spara mina val | Tillåt urval
da accept: Tillad alle | Accepter alle cookies
da reject: Afvis alle | Kun nødvendige cookies | Nej tak | Accepter kun nødvendige
da settings: Tilpas indstillinger | Vis detaljer
da save: Gem valg | Tillad valgte | OK til valgte
no accept: Godta alle | Jeg aksepterer
no reject: Avvis alle | Bare nødvendige | Godta kun nødvendige informasjonskapsler
no settings: Tilpass innstillinger | Administrer valg
no save: Lagre innstillinger | Tillat utvalg
fi accept: Hyväksy kaikki evästeet | Salli kaikki
fi reject: Vain välttämättömät | Hylkää kaikki | En hyväksy | Hyväksy vain välttämättömät evästeet | Jatka hyväksymättä
fi settings: Evästeasetukset | Muokkaa valintoja
fi save: Tallenna valinnat | Salli valitut
cs accept: Přijmout vše | SOUHLASÍM | Povolit všechny cookies
cs reject: Odmítnout vše | Pouze nezbytné | Přijmout jen nezbytné cookies | Nesouhlasím
cs settings: Podrobné nastavení | Upravit předvolby
cs save: Uložit nastavení | Povolit výběr
sk accept: Prijať všetky | Súhlasím | Povoliť všetky cookies
sk reject: Odmietnuť všetko | Iba nevyhnutné | Nesúhlasím
sk settings: Zobraziť podrobnosti | Upraviť nastavenia
sk save: Uložiť nastavenia | Povoliť výber
hu accept: Összes elfogadása | Elfogadom | Az összes süti engedélyezése
hu reject: Elutasítom | Csak a szükséges sütik | Csak a szükségeseket fogadom el | Folytatás elfogadás nélkül | Nem fogadom el
hu settings: Beállítások kezelése | További lehetőségek
hu save: Beállítások mentése | Kiválasztottak engedélyezése
ro accept: Accept toate | Acceptă toate cookie-urile | Sunt de acord
ro reject: Refuz toate | Respinge tot | Doar cele necesare | Continuă fără a accepta
ro settings: Setări cookie-uri | Mai multe opțiuni
ro save: Salvează preferințele | Permite selecția
el accept: Αποδοχή όλων | ΑΠΟΔΟΧΗ ΟΛΩΝ | Συμφωνώ
el reject: Απόρριψη όλων | Μόνο τα απαραίτητα | Δεν συμφωνώ | ΣΥΝΕΧΕΙΑ ΧΩΡΙΣ ΑΠΟΔΟΧΗ
el settings: Ρυθμίσεις cookies | Περισσότερες επιλογές
el save: Αποθήκευση επιλογών | Αποδοχή επιλεγμένων
bg accept: Приемам всички | Разреши всички бисквитки | Съгласен съм
bg reject: Отказвам всички | Само необходимите | Не приемам | Отхвърляне на всички
bg settings: Настройки на бисквитките | Повече опции
bg save: Запази избора | Разреши избраните
hr accept: Prihvati sve | Prihvaćam sve kolačiće | Slažem se
hr reject: Odbij sve | Samo nužni kolačići | Ne prihvaćam
hr settings: Postavke kolačića | Prilagodi postavke
hr save: Spremi postavke | Dopusti odabir
sl accept: Sprejmi vse | Strinjam se | Dovoli vse piškotke
sl reject: Zavrni vse | Samo nujni piškotki | Ne strinjam se
sl settings: Nastavitve piškotkov | Prilagodi nastavitve
sl save: Shrani nastavitve | Dovoli izbrane
et accept: Nõustun kõigiga | Luba kõik küpsised | Olen nõus
et reject: Keeldun kõigist | Ainult vajalikud | Luba ainult vajalikud küpsised
et settings: Küpsiste seaded | Halda valikuid
et save: Salvesta valikud | Luba valitud
lt accept: Sutinku su visais | Priimti visus slapukus | Leisti visus
lt reject: Atmesti visus | Tik būtini slapukai | Nesutinku
lt settings: Slapukų nustatymai | Tvarkyti parinktis
lt save: Išsaugoti pasirinkimą | Leisti pasirinktus
lv accept: Piekrītu visām | Apstiprināt visas sīkdatnes | Pieņemt visas
lv reject: Noraidīt visas | Tikai nepieciešamās sīkdatnes | Nepiekrītu
lv settings: Sīkdatņu iestatījumi | Pārvaldīt iespējas
lv save: Saglabāt izvēli | Atļaut izvēlētās
ga accept: Glac le gach fianán | Glac leis uile | Aontaím
ga reject: Diúltaigh do gach fianán | Fianáin riachtanacha amháin | Ní ghlacaim
ga settings: Socruithe fianán | Bainistigh roghanna
ga save: Sábháil mo roghanna
mt accept: Aċċetta kollox | Naċċetta l-cookies kollha | Naqbel
mt reject: Irrifjuta kollox | Il-cookies meħtieġa biss | Ma naqbilx
mt settings: Immaniġġja l-preferenzi | Aktar għażliet
mt save: Issejvja l-għażliet tiegħi
is accept: Samþykkja allar vafrakökur | Leyfa allar | Já, ég samþykki
is reject: Hafna öllum | Aðeins nauðsynlegar vafrakökur | Ég samþykki ekki
is settings: Stillingar á vafrakökum | Fleiri valkostir
is save: Vista stillingar | Leyfa valdar
uk accept: Прийняти всі | Дозволити всі файли cookie | Погоджуюсь
uk reject: Відхилити всі | Лише необхідні | Не погоджуюсь | Прийняти тільки обов’язкові
uk settings: Налаштування файлів cookie | Більше опцій
uk save: Зберегти налаштування | Дозволити вибрані
ru accept: Принять все | Разрешить все файлы cookie | Я согласен
ru reject: Отклонить все | Только необходимые | Не согласен | Принять только необходимые
ru settings: Настройки файлов cookie | Больше опций
ru save: Сохранить настройки | Разрешить выбранные
tr accept: Tümünü kabul et | TÜM ÇEREZLERİ KABUL ET | İzin ver
tr reject: Tümünü reddet | Yalnızca gerekli çerezler | Kabul etmiyorum | Kabul etmeden devam et
tr settings: Çerez ayarları | Tercihleri yönet
tr save: Seçimlerimi kaydet | Seçime izin ver
ca accept: Accepta-ho tot | Acceptar totes les galetes | Hi estic d'acord
ca reject: Rebutja-ho tot | Només les necessàries | Continua sense acceptar
ca settings: Configuració de galetes | Gestiona les preferències
ca save: Desa les preferències | Permet la selecció
und acknowledge: OK | Okay!
und close: × | ✕ | X | \u{a0}✖\u{fe0f}
";

    /// What pages say elsewhere.
    const OTHERS: &str = "
Add to cart | Subscribe to newsletter | Sign up for our newsletter | Log in | Accept invitation
Accept the terms and conditions | Accept friend request | Allow notifications | Manage account
Shipping options | More options for delivery | Close menu | Continue shopping | Save draft
Confirm order | Search | Enable location | Buy tickets | Agree on a price | Decline invitation
Play video | No problem | Choose a colour | Reject application | Settle up | Change password
In den Warenkorb | Newsletter abonnieren | Anmelden | Einladung annehmen | AGB akzeptieren
Bestellung bestätigen | Menü schließen | Passwort ändern | Zur Kasse | Termin ablehnen
Se connecter | Accepter la commande | Ajouter au panier | S'abonner à la newsletter
Confirmer la commande | Refuser l’invitation | Accepter les conditions générales | Fermer le menu
Añadir al carrito | Iniciar sesión | Aceptar el pedido | Suscribirse al boletín | Cerrar menú
Aggiungi al carrello | Accedi | Accetta l'invito | Conferma ordine | Chiudi il menu
In winkelwagen | Inloggen | Bestelling bevestigen | Voorwaarden accepteren | Menu sluiten
Dodaj do koszyka | Zaloguj się | Akceptuję regulamin | Potwierdź zamówienie | Zamknij menu
Adicionar ao carrinho | Iniciar sessão | Aceitar convite | Confirmar encomenda | Fechar menu
Lägg i varukorgen | Læg i kurv | Legg i handlekurv | Lisää ostoskoriin | Vložit do košíku
Do košíka | Kosárba teszem | Adaugă în coș | Προσθήκη στο καλάθι | Добави в количката
Dodaj u košaricu | Dodaj v košarico | Lisa ostukorvi | Į krepšelį | Pievienot grozam
Cuir sa chiseán | Żid mal-basket | Setja í körfu | Додати в кошик | Добавить в корзину
Sepete ekle | Afegeix a la cistella | Kirjaudu sisään | Войти | Giriş yap | Přihlásit se
Hello world | 12 | … | — | 🍪 | lorem ipsum dolor sit amet
";

    fn role_named(name: &str) -> ButtonRole {
        serde_json::from_value(serde_json::Value::String(name.to_owned())).unwrap()
    }

    fn buttons() -> impl Iterator<Item = (&'static str, ButtonRole, &'static str)> {
        let lines = BUTTONS.lines().filter(|line| !line.is_empty());
        lines.flat_map(|line| {
            let (head, texts) = line.split_once(": ").unwrap();
            let (language, role) = head.split_once(' ').unwrap();
            texts
                .split(" | ")
                .map(move |text| (language, role_named(role), text))
        })
    }

    #[test]
    fn the_built_in_words_are_read() {
        let lexicon = Lexicon::parse(SOURCE).unwrap();
        assert_eq!(lexicon.languages.len(), 30);
        for language in &lexicon.languages {
            assert!(language.common.len() >= 15, "{}", language.code);
            assert!(!language.consent.is_empty(), "{}", language.code);
        }
    }

    #[test]
    fn no_phrase_has_two_roles_in_one_language() {
        let lexicon = Lexicon::builtin();
        let mut contradictions = Vec::new();
        for (phrase, meanings) in &lexicon.phrases {
            assert!(!phrase.is_empty());
            for one in meanings {
                if meanings
                    .iter()
                    .any(|other| other.language == one.language && other.role != one.role)
                {
                    contradictions.push((lexicon.code(one.language), phrase, one.role));
                }
            }
        }
        assert!(contradictions.is_empty(), "{contradictions:#?}");
    }

    #[test]
    fn every_phrase_has_its_own_role_where_languages_agree() {
        let lexicon = Lexicon::builtin();
        for (phrase, meanings) in &lexicon.phrases {
            let read = lexicon.classify(phrase).unwrap();
            assert!(meanings.iter().any(|meaning| meaning.role == read.role));
        }
    }

    #[test]
    fn buttons_of_banners_have_their_roles() {
        let mut wrong = Vec::new();
        for (language, role, text) in buttons() {
            let read = Lexicon::builtin().classify(text);
            if read.as_ref().map(|read| read.role) != Some(role) {
                wrong.push(format!("{language} {role:?} {text}: {read:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn other_texts_have_no_role() {
        let texts = OTHERS.lines().flat_map(|line| line.split(" | "));
        let wrong: Vec<String> = texts
            .filter_map(|text| {
                let read = Lexicon::builtin().classify(text)?;
                Some(format!("{text}: {read:?}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn long_texts_have_no_role() {
        let sentence = "We use cookies and similar technologies; accept all of them if you like, \
                        or manage your choices at any time";
        assert_eq!(Lexicon::builtin().classify(sentence), None);
        assert_eq!(Lexicon::builtin().classify(&"accept ".repeat(10_000)), None);
    }

    #[test]
    fn buttons_name_their_language() {
        for (text, language) in [
            ("Alle akzeptieren", "de"),
            ("Alle Cookies ablehnen und fortfahren", "de"),
            ("Tout refuser", "fr"),
            ("Aceptar todas las cookies", "es"),
            ("Aceitar todos os cookies", "pt"),
            ("Accetta tutti i cookie", "it"),
            ("Godta alle informasjonskapsler", "no"),
            ("Tillad alle", "da"),
            ("Прийняти всі", "uk"),
            ("Приемам всички", "bg"),
            ("OK", SHARED),
        ] {
            let read = Lexicon::builtin().classify(text).unwrap();
            assert_eq!(read.language, language, "{text}");
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        for text in [
            "Continuer\u{200b} sans\u{a0}accepter",
            "CONTINUER SANS ACCEPTER",
            "  continuer\n\tsans accepter →",
            "Continuer sans acc\u{ad}epter",
            "Continuer sans accept\u{65}\u{301}r",
            "\u{ff23}ontinuer sans accepter",
        ] {
            let read = Lexicon::builtin().classify(text).unwrap();
            assert_eq!(read.role, ButtonRole::Reject, "{text}");
        }
    }

    #[test]
    fn banners_name_their_languages() {
        for (text, languages) in [
            (
                "We use cookies and similar technologies to improve your visit. You can change your choice at any time.",
                vec!["en"],
            ),
            (
                "Wir verwenden Cookies, um unsere Seite zu verbessern. Ihre Auswahl können Sie jederzeit ändern.",
                vec!["de"],
            ),
            (
                "Nous utilisons des cookies avec nos partenaires pour mesurer l'audience. Vous pouvez changer d'avis.",
                vec!["fr"],
            ),
            (
                "Utilizamos cookies propias y de terceros para analizar el uso de la web. Puedes aceptarlas todas o configurarlas.",
                vec!["es"],
            ),
            (
                "Utilizziamo cookie per migliorare la tua esperienza sul nostro sito. Puoi accettarli tutti o rifiutarli.",
                vec!["it"],
            ),
            (
                "Wij gebruiken cookies om onze website te verbeteren. Je kunt je keuze altijd aanpassen.",
                vec!["nl"],
            ),
            (
                "Używamy plików cookie, aby ulepszać naszą stronę. W każdej chwili możesz zmienić swój wybór.",
                vec!["pl"],
            ),
            (
                "Utilizamos cookies para melhorar a sua experiência no nosso site. Pode aceitar ou recusar.",
                vec!["pt"],
            ),
            (
                "Vi bruger cookies til at forbedre vores hjemmeside. Du kan altid ændre dit samtykke.",
                vec!["da"],
            ),
            (
                "Vi bruker informasjonskapsler for å gjøre nettsiden bedre. Du kan når som helst endre samtykket ditt.",
                vec!["no"],
            ),
            (
                "Vi använder kakor för att förbättra webbplatsen. Du kan när som helst ändra ditt samtycke.",
                vec!["sv"],
            ),
            (
                "Používáme soubory cookies, aby se vám web líbil. Svůj souhlas můžete kdykoli změnit.",
                vec!["cs"],
            ),
            (
                "Používame súbory cookies, aby sa vám stránka páčila. Svoj súhlas môžete kedykoľvek zmeniť.",
                vec!["sk"],
            ),
            (
                "Ми використовуємо файли cookie, щоб покращити сайт. Ви можете змінити свій вибір.",
                vec!["uk"],
            ),
            (
                "Мы используем файлы cookie, чтобы сделать сайт удобнее. Вы можете изменить свой выбор.",
                vec!["ru"],
            ),
            (
                "Ние използваме бисквитки, за да подобрим сайта. Можете да промените избора си.",
                vec!["bg"],
            ),
            (
                "Χρησιμοποιούμε cookies για να βελτιώσουμε τον ιστότοπο. Μπορείτε να αλλάξετε την επιλογή σας.",
                vec!["el"],
            ),
            (
                "Wir verwenden Cookies, um unsere Seite zu verbessern, mit Ihrer Einwilligung. \
              We use cookies to improve this website, with your consent. You can change this at any time.",
                vec!["de", "en"],
            ),
            ("OK", vec![]),
            ("", vec![]),
        ] {
            let mut found = Lexicon::builtin().languages_of(text);
            found.sort();
            assert_eq!(found, languages, "{text}");
        }
    }

    #[test]
    fn the_consent_pattern_finds_banners_and_leaves_pages_alone() {
        let pattern = Lexicon::builtin().consent_pattern();
        // JavaScript's `u` flag refuses escapes it does not know.
        let escapes = Regex::new(r"\\[^s]").unwrap();
        assert!(!escapes.is_match(&pattern));
        let regex = Regex::new(&pattern).unwrap();
        for text in [
            "This site uses COOKIES",
            "Mit Ihrer Einwilligung",
            "DATENSCHUTZ-EINSTELLUNGEN",
            "votre consentement",
            "ΧΡΕΙΑΖΟΜΑΣΤΕ ΤΗ ΣΥΓΚΑΤΑΘΕΣΗ ΣΑΣ",
            "Käytämme evästeitä",
            "Този сайт използва Бисквитки",
            "Używamy ciasteczek",
            "Kasutame küpsiseid",
            "ÇEREZ KULLANIYORUZ",
            "Naudojame slapukus",
            "We  value\nyour privacy",
        ] {
            assert!(regex.is_match(text), "{text}");
        }
        for text in [
            "Privacy policy",
            "Datenschutz | Impressum",
            "Politique de confidentialité",
            "Galettes de sarrasin",
            "Il consenso degli elettori cresce",
            "El consenso entre los partidos",
            "Subscribe to our newsletter",
            "Согласие на обработку персональных данных",
        ] {
            assert!(!regex.is_match(text), "{text}");
        }
    }

    #[test]
    fn without_words_nothing_is_said() {
        let lexicon = Lexicon::default();
        assert_eq!(lexicon.classify("Accept all"), None);
        assert_eq!(lexicon.consent_pattern(), "");
        assert!(lexicon.languages_of("We use cookies").is_empty());
    }

    fn some_button() -> impl Strategy<Value = &'static str> {
        let texts: Vec<&'static str> = buttons().map(|(_, _, text)| text).collect();
        prop::sample::select(texts)
    }

    proptest! {
        #[test]
        fn any_text_can_be_read(text in any::<String>()) {
            let lexicon = Lexicon::builtin();
            lexicon.classify(&text);
            lexicon.languages_of(&text);
        }

        #[test]
        fn case_and_surrounding_space_do_not_matter(
            parts in prop::collection::vec(some_button(), 1..3),
            noise in "\\PC{0,6}",
            before in "[ \\t\\n\u{a0}\u{200b}]{0,4}",
            after in "[ \\t\\n\u{a0}\u{feff}]{0,4}",
        ) {
            let lexicon = Lexicon::builtin();
            let text = format!("{}{noise}", parts.join(" "));
            let read = lexicon.classify(&text);
            let padded = format!("{before}{text}{after}");
            prop_assert_eq!(&lexicon.classify(&padded), &read);
            prop_assert_eq!(&lexicon.classify(&text.to_uppercase()), &read);
            prop_assert_eq!(&lexicon.classify(&text.to_lowercase()), &read);
        }
    }
}
