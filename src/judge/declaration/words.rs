//! What declarations say in words: categories, columns and lifetimes, in the languages of the Union.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::judge::item::{DAY_S, Lifetime};
use crate::model::finding::Category;

/// Longest text that is read, in characters: a cell of a table, not a page.
const LONGEST: usize = 200;
/// What "a few seconds" are, in seconds.
const A_MOMENT_S: i64 = 60;

/// Beginnings of words by what they mean.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    category: Categories,
    column: Columns,
    unit: Units,
}

type Stems = Vec<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Categories {
    necessary: Stems,
    unclassified: Stems,
    marketing: Stems,
    analytics: Stems,
    preferences: Stems,
    functional: Stems,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Columns {
    name: Stems,
    provider: Stems,
    lifetime: Stems,
    purpose: Stems,
    category: Stems,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    second: Stems,
    minute: Stems,
    hour: Stems,
    day: Stems,
    week: Stems,
    month: Stems,
    year: Stems,
    session: Stems,
    persistent: Stems,
    one: Stems,
}

static WORDS: LazyLock<Option<Words>> =
    LazyLock::new(|| toml::from_str(include_str!("words.toml")).ok());

/// The words of a text in lower case: letters and digits, each kind by itself.
fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for letter in text.chars().take(LONGEST) {
        let kind = letter.is_alphanumeric().then(|| letter.is_numeric());
        if let Some(kind) = kind {
            if last != Some(kind) {
                words.push(String::new());
            }
            if let Some(word) = words.last_mut() {
                word.extend(letter.to_lowercase());
            }
        }
        last = kind;
    }
    words
}

/// Whether a word begins as one of the stems says; a stem of two words is looked for in the whole text.
fn begins(word: &str, stems: &Stems) -> bool {
    stems.iter().any(|stem| match stem.strip_suffix('.') {
        Some(whole) => word == whole,
        None => word.starts_with(stem.as_str()),
    })
}

fn speaks(text: &str, words: &[String], stems: &Stems) -> bool {
    words.iter().any(|word| begins(word, stems))
        || stems
            .iter()
            .any(|stem| stem.contains(' ') && text.contains(stem.as_str()))
}

/// What a declaration calls something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Called {
    /// One of ours.
    As(Category),
    /// "Functional": comfort, and in some countries the word for what is necessary.
    Functional,
}

/// The category a text names; nothing when it names none, or several.
pub(crate) fn category(text: &str) -> Option<Called> {
    const NOT: [&str; 8] = ["non", "not", "nicht", "un", "niet", "ikke", "no", "inte"];
    let known = &WORDS.as_ref()?.category;
    let lower: String = text.to_lowercase().chars().take(LONGEST).collect();
    let words = words_of(text);
    if speaks(&lower, &words, &known.unclassified) {
        return Some(Called::As(Category::Unclassified));
    }
    let negated = words.iter().any(|word| NOT.contains(&word.as_str()))
        || words
            .iter()
            .any(|word| word.starts_with("unnec") || word.starts_with("nones"));
    let mut named: Vec<Called> = Vec::new();
    for (stems, called) in [
        (&known.necessary, Called::As(Category::Necessary)),
        (&known.marketing, Called::As(Category::Marketing)),
        (&known.analytics, Called::As(Category::Analytics)),
        (&known.preferences, Called::As(Category::Preferences)),
        (&known.functional, Called::Functional),
    ] {
        if speaks(&lower, &words, stems) {
            named.push(called);
        }
    }
    match named[..] {
        [Called::As(Category::Necessary)] if negated => None,
        [only] => Some(only),
        _ => None,
    }
}

/// The lifetime a text names, such as `1 year 1 month`, `400 Tage` or `Session`.
pub(crate) fn lifetime(text: &str) -> Option<Lifetime> {
    let known = &WORDS.as_ref()?.unit;
    let words = words_of(text);
    let units = [
        (&known.second, 1),
        (&known.minute, 60),
        (&known.hour, 3_600),
        (&known.day, DAY_S),
        (&known.week, 7 * DAY_S),
        (&known.month, 30 * DAY_S),
        (&known.year, 365 * DAY_S),
    ];
    let unit = |word: &str| {
        units
            .iter()
            .find(|(stems, _)| begins(word, stems))
            .map(|(_, seconds)| *seconds)
    };
    let mut total: Option<i64> = None;
    for (at, word) in words.iter().enumerate() {
        let amount = match word.parse::<i64>() {
            Ok(amount) if amount <= 100_000 => amount,
            Ok(_) => return None,
            Err(_) if begins(word, &known.one) => 1,
            Err(_) => continue,
        };
        if let Some(seconds) = words.get(at + 1).and_then(|word| unit(word)) {
            let sum = total.unwrap_or_default();
            total = Some(sum.saturating_add(amount.saturating_mul(seconds)));
        }
    }
    let session = words.iter().any(|word| begins(word, &known.session));
    let persistent = words.iter().any(|word| begins(word, &known.persistent));
    match (total, session, persistent) {
        (Some(seconds), false, false) => Some(Lifetime::Seconds(seconds)),
        (None, true, false) => Some(Lifetime::Session),
        (None, false, true) => Some(Lifetime::Unbounded),
        (None, false, false) => {
            // "A few seconds", "a few minutes": short is all it says.
            let smallest = words.iter().filter_map(|word| unit(word)).min()?;
            let has_number = words.iter().any(|word| word.parse::<i64>().is_ok());
            (smallest <= 60 && !has_number).then_some(Lifetime::Seconds(A_MOMENT_S * smallest))
        }
        _ => None,
    }
}

/// What a column of a table tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Column {
    /// The item's name.
    Name,
    /// Who sets it, or its domain.
    Provider,
    /// How long it lives.
    Lifetime,
    /// What it is for.
    Purpose,
    /// Its category.
    Category,
}

/// What a heading says of its column.
pub(crate) fn column(heading: &str) -> Option<Column> {
    let known = &WORDS.as_ref()?.column;
    let words = words_of(heading);
    if words.is_empty() || words.len() > 8 {
        return None;
    }
    let says = |stems: &Stems| words.iter().any(|word| begins(word, stems));
    // "Cookie name", "Cookie provider", "Cookie duration": what stands beside the word "cookie" counts.
    [
        (&known.lifetime, Column::Lifetime),
        (&known.provider, Column::Provider),
        (&known.purpose, Column::Purpose),
        (&known.category, Column::Category),
        (&known.name, Column::Name),
    ]
    .into_iter()
    .find(|(stems, _)| says(stems))
    .map(|(_, column)| column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_read() {
        assert!(WORDS.is_some(), "words.toml is no TOML of this form");
    }

    #[test]
    fn categories() {
        use Category::{Analytics, Marketing, Necessary, Preferences, Unclassified};
        for (text, expected) in [
            ("Strictly Necessary Cookies", Some(Called::As(Necessary))),
            ("Technisch notwendig", Some(Called::As(Necessary))),
            (
                "Cookies strictement nécessaires",
                Some(Called::As(Necessary)),
            ),
            ("Niezbędne", Some(Called::As(Necessary))),
            ("Απολύτως απαραίτητα", Some(Called::As(Necessary))),
            ("Targeting Cookies", Some(Called::As(Marketing))),
            ("Cookies publicitaires", Some(Called::As(Marketing))),
            ("Рекламни", Some(Called::As(Marketing))),
            ("Social Media Cookies", Some(Called::As(Marketing))),
            ("Performance Cookies", Some(Called::As(Analytics))),
            ("Statistiques", Some(Called::As(Analytics))),
            ("Tilastot", Some(Called::As(Analytics))),
            ("Präferenzen", Some(Called::As(Preferences))),
            ("Functionele cookies", Some(Called::Functional)),
            ("Nicht klassifiziert", Some(Called::As(Unclassified))),
            ("Unclassified", Some(Called::As(Unclassified))),
            ("Non-essential", None),
            ("nicht notwendige Cookies", None),
            ("Analytics and marketing", None),
            ("Cookies", None),
            ("", None),
        ] {
            assert_eq!(category(text), expected, "{text}");
        }
    }

    #[test]
    fn lifetimes() {
        let days = |days: i64| Some(Lifetime::Seconds(days * DAY_S));
        for (text, expected) in [
            ("1 year", days(365)),
            ("1 year 1 month 4 days", days(365 + 30 + 4)),
            ("13 months", days(390)),
            ("2 Jahre", days(730)),
            ("13 mois", days(390)),
            ("un an", days(365)),
            ("400 Tage", days(400)),
            ("30 minutes", Some(Lifetime::Seconds(1_800))),
            ("12 miesięcy", days(360)),
            ("1 χρόνος", days(365)),
            ("24 месеца", days(720)),
            ("a year", days(365)),
            ("Session", Some(Lifetime::Session)),
            ("Sitzungsende", Some(Lifetime::Session)),
            ("Persistent", Some(Lifetime::Unbounded)),
            ("a few seconds", Some(Lifetime::Seconds(60))),
            ("Session or 1 year", None),
            ("as long as needed", None),
            ("99999999999999999999 years", None),
            ("", None),
        ] {
            assert_eq!(lifetime(text), expected, "{text}");
        }
    }

    #[test]
    fn columns() {
        for (heading, expected) in [
            ("Cookie", Some(Column::Name)),
            ("Name", Some(Column::Name)),
            ("Cookie duration", Some(Column::Lifetime)),
            ("Speicherdauer", Some(Column::Lifetime)),
            ("Durée de conservation", Some(Column::Lifetime)),
            ("Anbieter", Some(Column::Provider)),
            ("Zweck", Some(Column::Purpose)),
            ("Kategorie", Some(Column::Category)),
            ("Price", None),
            ("", None),
        ] {
            assert_eq!(column(heading), expected, "{heading}");
        }
    }
}
