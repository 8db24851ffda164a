//! Infers the answer from what an unknown site wrote when a button was clicked.
//!
//! A new or changed cookie or storage entry counts when its name speaks of consent and its value
//! says yes or no: in a word, in a switch, or in a list of categories. Weaker than a known
//! platform's record, and silent rather than wrong: what could mean "answered" as well as "yes" is
//! [`Answer::Unclear`].

use serde_json::Value;

use crate::model::snapshot::Grant;

use super::category::{
    Category, MOST_GRANTS, category, clean, flag, grant, optional, settle_functional, yes_or_no,
};
use super::speech::{self, Name, Sense, Topic};
use super::{Answer, Source, TC_STRING, answers, decode, read};

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

/// Keys of an object that hold what else could be a switch.
const NOT_A_SWITCH: &[&str] = &[
    "version",
    "ver",
    "v",
    "revision",
    "id",
    "uuid",
    "timestamp",
    "time",
    "date",
    "ts",
    "expires",
    "expiry",
    "opted",
    "consent_shown",
    "rfc_cookie",
    "region",
    "language",
    "lang",
];

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
    let compact: String = speech_words(text).concat();
    if let Some(yes) = word(&compact) {
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
            for category in names {
                found.named(category, name.sense != Sense::Refusal);
            }
        }
    }
    found.said(name, text)
}

fn speech_words(text: &str) -> Vec<String> {
    super::category::words(text)
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

/// Switches found in a structured value, by how sure it is that they are about consent.
#[derive(Default)]
struct Found {
    /// Named after a category.
    categories: Vec<Grant>,
    /// Named after the act: accepted, consent, rejected.
    acts: Vec<Grant>,
    /// Other switches where switches are expected.
    others: Vec<Grant>,
    /// A switch tells that the banner was dealt with.
    dealt_with: bool,
    /// A list of what is allowed, with nothing in it.
    nothing_allowed: bool,
}

impl Found {
    fn switch(&mut self, key: &str, yes: bool, expected: bool) {
        if self.categories.len() + self.acts.len() + self.others.len() >= MOST_GRANTS
            || NOT_A_SWITCH.contains(&key.to_ascii_lowercase().as_str())
        {
            return;
        }
        let name = speech::name(key);
        match name.sense {
            Sense::Refusal if yes => self.acts.push(optional(key, false)),
            Sense::Refusal => {}
            Sense::Seen => self.dealt_with = true,
            _ if name.category.is_some() => self.categories.push(grant(key, yes)),
            Sense::Permission => self.acts.push(optional(key, yes)),
            Sense::Plain if name.topic == Topic::Consent => self.acts.push(optional(key, yes)),
            Sense::Plain if expected => self.others.push(optional(key, yes)),
            Sense::Plain => {}
        }
    }

    /// An entry of a list of what is allowed, or refused.
    fn named(&mut self, name: &str, allowed: bool) {
        if self.categories.len() >= MOST_GRANTS {
            return;
        }
        match word(&speech_words(name).concat()) {
            Some(yes) => self.acts.push(optional(name, yes == allowed)),
            None => self.categories.push(grant(name, allowed)),
        }
    }

    fn said(mut self, name: Name, text: &str) -> Said {
        settle_functional(&mut self.categories);
        let only_necessary =
            !self.categories.is_empty() && self.categories.iter().all(|grant| grant.necessary);
        let refusable = |grants: &[Grant]| grants.iter().any(|grant| !grant.necessary);
        let grants = [&self.categories, &self.acts, &self.others]
            .into_iter()
            .find(|grants| refusable(grants));
        if let Some(grants) = grants {
            return Said::Answer(sum(grants), listed(grants));
        }
        if only_necessary || self.nothing_allowed {
            return Said::Answer(
                Answer::Denied,
                "that nothing beyond the necessary is allowed".to_owned(),
            );
        }
        // A text this short was written for the banner; a long one may be anything.
        let written = name.topic == Topic::Consent && !text.is_empty();
        if written || self.dealt_with {
            Said::DealtWith
        } else {
            Said::Nothing
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

/// What an object or an array says.
fn in_tree(name: Name, tree: &Value) -> Said {
    let mut found = Found::default();
    collect(
        tree,
        name.sense != Sense::Refusal,
        true,
        decode::DEEPEST,
        &mut found,
    );
    found.said(name, "structured")
}

/// Keys under which lists and switches are expected.
fn expects_switches(key: &str) -> bool {
    const SECTIONS: &[&str] = &[
        "categor",
        "level",
        "purpose",
        "vendor",
        "service",
        "preference",
        "setting",
        "cookie",
        "consent",
        "permission",
        "group",
        "choice",
        "accept",
        "allow",
        "grant",
        "enabled",
        "reject",
        "denied",
        "declin",
        "refus",
        "types",
        "data",
    ];
    let joined = speech_words(key).concat();
    SECTIONS.iter().any(|section| joined.contains(section))
}

fn collect(tree: &Value, allowed: bool, expected: bool, depth: usize, found: &mut Found) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match tree {
        Value::Array(items) => {
            if items.is_empty() && expected && allowed {
                found.nothing_allowed = true;
            }
            for item in items {
                match item {
                    Value::String(name) if expected => found.named(name, allowed),
                    Value::Array(pair) => {
                        if let [Value::String(name), Value::Bool(yes), ..] = pair.as_slice() {
                            found.switch(name, *yes, true);
                        } else {
                            collect(item, allowed, expected, depth, found);
                        }
                    }
                    _ => collect(item, allowed, expected, depth, found),
                }
            }
        }
        Value::Object(object) => {
            if let Some((name, yes)) = entry(object) {
                found.switch(name, yes, true);
                return;
            }
            for (key, value) in object {
                match value {
                    Value::Object(inner) if category(key).is_some() => {
                        match inner.values().find_map(Value::as_bool) {
                            Some(yes) => found.switch(key, yes, true),
                            None => collect(value, allowed, expected, depth, found),
                        }
                    }
                    Value::Object(_) | Value::Array(_) => {
                        let refused = speech::name(key).sense == Sense::Refusal;
                        collect(
                            value,
                            allowed && !refused,
                            expects_switches(key),
                            depth,
                            found,
                        );
                    }
                    Value::String(text) if flag(value).is_none() => {
                        let spoken = speech::name(key).topic == Topic::Consent
                            || matches!(
                                key.as_str(),
                                "status"
                                    | "choice"
                                    | "decision"
                                    | "value"
                                    | "state"
                                    | "level"
                                    | "action"
                            );
                        if spoken && let Some(yes) = word(&speech_words(text).concat()) {
                            found.acts.push(optional(key, yes));
                        }
                    }
                    _ => {
                        if let Some(yes) = flag(value) {
                            found.switch(key, yes, expected && value.is_boolean());
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// An object that is one switch: `{"name":"analytics","isAccepted":false}`.
fn entry(object: &serde_json::Map<String, Value>) -> Option<(&str, bool)> {
    const NAMES: &[&str] = &[
        "name",
        "key",
        "category",
        "consentTypeName",
        "type",
        "id",
        "code",
    ];
    const SWITCHES: &[&str] = &[
        "value",
        "isAccepted",
        "accepted",
        "consent",
        "enabled",
        "granted",
        "allowed",
        "given",
        "status",
        "checked",
        "active",
    ];
    let name = NAMES.iter().find_map(|key| object.get(*key)?.as_str())?;
    let yes = SWITCHES.iter().find_map(|key| flag(object.get(*key)?))?;
    Some((name, yes))
}

#[cfg(test)]
mod tests;
