//! Infers the answer from what an unknown site wrote when a button was clicked.
//!
//! A new or changed cookie or storage entry counts when its name speaks of consent and its value
//! says yes or no: in a word, in a switch, or in a list of categories. Weaker than a known
//! platform's record, and silent rather than wrong: what could mean "answered" as well as "yes" is
//! [`Answer::Unclear`].

mod found;

use crate::model::snapshot::Grant;

use super::category::{Category, category, clean, words, yes_or_no};
use super::speech::{self, Name, Sense, Topic};
use super::{Answer, Source, TC_STRING, answers, decode, read};
use found::{Found, in_tree};

/// A cookie or storage entry as it was before a click and as it is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its value before the click; absent when it was not there.
    pub old: Option<&'a str>,
    /// Its value now.
    pub new: &'a str,
    /// Where it is.
    pub source: Source<'a>,
}

/// What changes say about the visitor's answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inferred {
    /// The answer.
    pub answer: Answer,
    /// The proof in words, with the entry's name and what it says.
    pub because: String,
}

/// Words that say yes to everything.
const ACCEPTED: &[&str] = &[
    "all",
    "agree",
    "agreed",
    "allowall",
    "acceptall",
    "acceptedall",
    "optin",
    "optedin",
    "given",
    "full",
    "akzeptiert",
    "zugestimmt",
    "alle",
    "accepte",
    "accepté",
    "acceptée",
    "tout",
    "toutes",
    "aceptado",
    "aceptada",
    "aceptar",
    "todas",
    "todos",
    "accettato",
    "accettata",
    "accetta",
    "tutti",
    "geaccepteerd",
    "alles",
    "zaakceptowano",
    "zaakceptowane",
    "wszystkie",
    "aceito",
    "aceite",
    "consented",
    "everything",
];

/// Words that say no to everything that can be refused.
const REJECTED: &[&str] = &[
    "reject",
    "decline",
    "refuse",
    "refused",
    "none",
    "minimal",
    "minimum",
    "noconsent",
    "notconsented",
    "optout",
    "optedout",
    "rejectall",
    "denyall",
    "rejectedall",
    "abgelehnt",
    "ablehnen",
    "refusé",
    "refuser",
    "rechazado",
    "rechazada",
    "rechazar",
    "rifiutato",
    "rifiuta",
    "rifiutata",
    "nessuno",
    "geweigerd",
    "weigeren",
    "odrzucone",
    "odrzucono",
    "odrzuć",
    "rejeitado",
    "recusado",
    "keine",
    "aucun",
    "ninguno",
    "geen",
    "withdrawn",
    "disallow",
    "disagree",
    "disagreed",
];

/// Words that tell that the banner was dealt with, not how.
const DEALT_WITH: &[&str] = &[
    "dismiss",
    "dismissed",
    "closed",
    "close",
    "seen",
    "shown",
    "hidden",
    "hide",
    "ok",
    "set",
    "done",
    "viewed",
    "answered",
    "submitted",
    "saved",
];

/// What a value would say if it were a record of consent: clear answers only.
pub(super) fn would_say(value: &str) -> Option<Answer> {
    let change = Change {
        name: "cookie_consent",
        old: None,
        new: value,
        source: Source::LocalStorage,
    };
    match said(&change) {
        Said::Answer(answer, _) => Some(answer),
        Said::DealtWith | Said::Nothing => None,
    }
}

/// Whether a sentence speaks of refusing and not of accepting.
pub fn speaks_of_refusing(text: &str) -> bool {
    let words = crate::visit::consent::words::folded(text);
    let answers = || {
        words
            .iter()
            .take(MOST_WORDS_READ)
            .filter_map(|word| stem(word))
    };
    answers().any(|yes| !yes) && !answers().any(|yes| yes)
}

/// How many words of a sentence are read.
const MOST_WORDS_READ: usize = 60;

/// What one value says.
enum Said {
    Answer(Answer, String),
    /// The banner was dealt with.
    DealtWith,
    Nothing,
}

/// Infers the answer from changes since before the click; absent when none speaks of consent.
///
/// `changes` may hold everything that was there: what did not change is passed over.
pub fn infer(changes: &[Change<'_>]) -> Option<Inferred> {
    let mut clear: Option<Inferred> = None;
    let mut unclear: Option<Inferred> = None;
    for change in changes {
        if change.old == Some(change.new) {
            continue;
        }
        let place = place(change);
        match said(change) {
            Said::Answer(answer, what) => {
                let because = format!("{place} now says {what}");
                clear = Some(match clear {
                    None => Inferred { answer, because },
                    Some(earlier) => Inferred {
                        answer: earlier.answer.and(answer),
                        because: shortened(format!("{}; {because}", earlier.because)),
                    },
                });
            }
            Said::DealtWith => {
                unclear.get_or_insert_with(|| Inferred {
                    answer: Answer::Unclear,
                    because: format!("{place} recorded that the banner was answered, not how"),
                });
            }
            Said::Nothing => {}
        }
    }
    clear.or(unclear)
}

/// Longest proof, in characters.
const LONGEST_PROOF: usize = 400;

fn shortened(text: String) -> String {
    if text.chars().count() <= LONGEST_PROOF {
        return text;
    }
    text.chars().take(LONGEST_PROOF).chain(['…']).collect()
}

fn place(change: &Change<'_>) -> String {
    let name = clean(change.name);
    match change.source {
        Source::Cookie => format!("cookie \"{name}\""),
        Source::LocalStorage => format!("local storage \"{name}\""),
        Source::SessionStorage => format!("session storage \"{name}\""),
        Source::Api(function) => format!("{} \"{name}\"", clean(function)),
    }
}

fn said(change: &Change<'_>) -> Said {
    // A known platform's format under its own name is read as the platform means it.
    if let Some(record) = read(change.name, change.new, change.source)
        && (record.explicit || record.kind == TC_STRING)
    {
        return match answers(&record) {
            Some(Answer::Unclear) => Said::DealtWith,
            Some(answer) => Said::Answer(answer, listed(&record.grants)),
            None => Said::Nothing,
        };
    }
    let name = speech::name(change.name);
    if name.topic == Topic::Other {
        return Said::Nothing;
    }
    let Some(text) = decode::text(change.new) else {
        return Said::Nothing;
    };
    if let Some(tree) = decode::tree(&text) {
        return in_tree(name, &tree);
    }
    in_text(name, &text)
}

/// What a value without structure says.
fn in_text(name: Name, text: &str) -> Said {
    let text = text.trim();
    if text.is_empty() {
        return Said::Nothing;
    }
    let quoted = || format!("\"{}\"", clean(text));
    if let Some(yes) = switch(text) {
        return match in_switch(name, text, yes) {
            Some(answer) => Said::Answer(answer, quoted()),
            None if is_necessary(name) => Said::Nothing,
            None => Said::DealtWith,
        };
    }
    let compact: String = words(text).concat();
    if let Some(yes) = word(&compact).or_else(|| stem(text)) {
        let answer = if (name.sense == Sense::Refusal) == yes {
            Answer::Denied
        } else {
            Answer::Granted
        };
        return Said::Answer(answer, quoted());
    }
    if DEALT_WITH.contains(&compact.as_str()) {
        return if name.topic == Topic::Consent || name.sense != Sense::Plain {
            Said::DealtWith
        } else {
            Said::Nothing
        };
    }
    let pairs = decode::pairs(text);
    let mut found = Found::default();
    for (key, value) in &pairs {
        if let Some(yes) = yes_or_no(value) {
            found.switch(key, yes, true);
        }
    }
    if pairs.is_empty() {
        let names: Vec<&str> = text.split([',', '|', ';', '+', ' ', '.']).collect();
        if names.len() <= 20 && names.iter().all(|name| category(name).is_some()) {
            for item in names {
                match own_switch(item) {
                    Some((category, yes)) => found.switch(&category, yes, true),
                    None => found.named(item, name.sense != Sense::Refusal),
                }
            }
        }
    }
    found.said(name, text)
}

/// A category that brings its own switch, such as `analytics-off` or `no_ads`.
fn own_switch(item: &str) -> Option<(String, bool)> {
    let mut parts = words(item);
    let yes = |part: &String| yes_or_no(part);
    if parts.len() < 2 {
        return None;
    }
    let switch = match (parts.last().and_then(yes), parts.first().and_then(yes)) {
        (Some(switch), _) => {
            parts.pop();
            switch
        }
        (None, Some(switch)) => {
            parts.remove(0);
            switch
        }
        (None, None) => return None,
    };
    Some((parts.join("-"), switch))
}

/// Beginnings of words that say yes, and of words that say no, in the languages of Europe, without accents.
const ACCEPTED_STEMS: &[&str] = &[
    "accept",
    "akcept",
    "akzept",
    "zaakcept",
    "elfogad",
    "prijat",
    "prijim",
    "prijal",
    "prihva",
    "sprej",
    "souhlasim",
    "suhlasim",
    "priimt",
    "piekrit",
    "noustu",
    "hyvaks",
    "godkann",
    "godkend",
    "godkjen",
    "godta",
    "acept",
    "aceit",
    "accett",
    "geaccept",
    "zugestimm",
    "erlaub",
    "autoriz",
    "autoris",
    "apodoch",
    "apodex",
    "приема",
    "прие",
    "αποδοχ",
    "αποδεχ",
    "zgadzam",
    "wyrazam",
    "samtyck",
    "samtykk",
];
const REJECTED_STEMS: &[&str] = &[
    "elutasit",
    "odmit",
    "odmiet",
    "odrzuc",
    "zamit",
    "odbij",
    "odklon",
    "zavrn",
    "atmes",
    "atsisak",
    "noraid",
    "keeldu",
    "hylka",
    "hylat",
    "kielt",
    "neka",
    "avvis",
    "afvis",
    "avsla",
    "weiger",
    "geweiger",
    "abgelehn",
    "ablehn",
    "refus",
    "refuz",
    "rechaz",
    "recus",
    "rejeit",
    "rifiut",
    "reject",
    "declin",
    "denied",
    "respins",
    "aporri",
    "diulta",
    "irrifjut",
    "отказ",
    "απορρ",
];

/// Whether a single word says yes or no by how it begins: beside others, one of them may deny it.
fn stem(text: &str) -> Option<bool> {
    let said = crate::visit::consent::words::folded(text);
    let [word] = said.as_slice() else {
        return None;
    };
    let starts = |stems: &[&str]| stems.iter().any(|stem| word.starts_with(stem));
    match (starts(ACCEPTED_STEMS), starts(REJECTED_STEMS)) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// Whether a short word says yes or no by itself.
fn word(compact: &str) -> Option<bool> {
    if ACCEPTED.contains(&compact) {
        return Some(true);
    }
    REJECTED.contains(&compact).then_some(false).or_else(|| {
        // "accepted" and "denied" say so wherever they stand; "1" and "true" depend on the name.
        let spoken = compact.len() > 3 && !matches!(compact, "true" | "false");
        spoken.then(|| yes_or_no(compact)).flatten()
    })
}

/// A value that is a switch: its meaning depends on the name.
fn switch(text: &str) -> Option<bool> {
    let lower = text.to_lowercase();
    (lower.len() <= 3 || matches!(lower.as_str(), "true" | "false"))
        .then(|| yes_or_no(&lower))
        .flatten()
}

fn is_necessary(name: Name) -> bool {
    matches!(
        name.category,
        Some(Category::Necessary | Category::Functional)
    )
}

/// What a switch under this name says; absent when it could mean "answered" as well.
fn in_switch(name: Name, text: &str, yes: bool) -> Option<Answer> {
    if is_necessary(name) {
        return None;
    }
    let direct = if yes { Answer::Granted } else { Answer::Denied };
    match (name.sense, name.category) {
        // Not opting out is no consent: the name asks about the refusal only.
        (Sense::Refusal, _) => yes.then_some(Answer::Denied),
        (Sense::Permission, _) | (Sense::Plain, Some(_)) => Some(direct),
        (Sense::Seen, _) => None,
        (Sense::Plain, None) if !yes => Some(Answer::Denied),
        // `consent=1` counts answers as often as it means yes; `consent=true` means yes.
        (Sense::Plain, None) => {
            (name.topic == Topic::Consent && text.len() > 1).then_some(Answer::Granted)
        }
    }
}

fn sum(grants: &[Grant]) -> Answer {
    let mut optional = grants
        .iter()
        .filter(|grant| !grant.necessary)
        .map(|grant| grant.granted);
    let first = optional.next().unwrap_or(false);
    match (first, optional.all(|granted| granted == first)) {
        (true, true) => Answer::Granted,
        (false, true) => Answer::Denied,
        _ => Answer::Mixed,
    }
}

/// The first grants in words.
fn listed(grants: &[Grant]) -> String {
    const MOST: usize = 4;
    let mut words: Vec<String> = grants
        .iter()
        .filter(|grant| !grant.necessary)
        .take(MOST)
        .map(|grant| {
            let verb = if grant.granted { "allowed" } else { "refused" };
            format!("\"{}\" {verb}", grant.name)
        })
        .collect();
    let rest = grants
        .iter()
        .filter(|grant| !grant.necessary)
        .count()
        .saturating_sub(MOST);
    if rest > 0 {
        words.push(format!("and {rest} more"));
    }
    if words.is_empty() {
        return "that nothing beyond the necessary is allowed".to_owned();
    }
    words.join(", ")
}

#[cfg(test)]
mod tests;
