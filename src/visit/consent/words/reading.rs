//! Reads a text as one language would: which phrases it holds and what they come to.

use std::cmp::Reverse;

use super::language::Language;
use super::precedence;
use crate::model::visit::ButtonRole;

/// Words a button may say beside its phrases, those about cookies not counted.
const FURTHER_WORDS: usize = 5;
/// Words beside a phrase of several words that may be unknown; beside a single word, none may.
const UNKNOWN_WORDS: usize = 2;

/// A phrase found in a text: words `start..end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) chars: usize,
    /// Says more than a single word, which alone may mean anything.
    pub(super) several_words: bool,
    pub(super) role: ButtonRole,
}

/// How one language reads a text. Later fields decide between equals; more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fit {
    known_words: usize,
    covered_words: usize,
    covered_chars: usize,
}

/// A text as one language reads it.
pub(super) struct Reading<'a> {
    language: &'a Language,
    words: &'a [String],
    /// Phrases found, none overlapping another.
    spans: Vec<Span>,
}

impl<'a> Reading<'a> {
    /// Reads words in a language; `spans` are the phrases found in them.
    pub(super) fn new(language: &'a Language, words: &'a [String], spans: Vec<Span>) -> Self {
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
    pub(super) fn fit(&self) -> Option<Fit> {
        let several_words =
            self.is_only_necessary() || self.spans.iter().any(|span| span.several_words);
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
    pub(super) fn role(&self) -> Option<ButtonRole> {
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
            // "Accept all settings": they are what is answered.
            Some(answer) if self.answers_all_settings() => Some(answer),
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

    /// Whether a word for everything stands right before the settings, with room for an article.
    fn answers_all_settings(&self) -> bool {
        const NEAR: usize = 2;
        self.spans
            .iter()
            .filter(|span| span.role == ButtonRole::Settings)
            .any(|span| {
                let before = &self.words[span.start.saturating_sub(NEAR)..span.start];
                before.iter().any(|word| self.language.all.has(word))
            })
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
