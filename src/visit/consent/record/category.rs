//! Names of categories and words for yes and no, as sites write them in several languages.

use crate::model::snapshot::Grant;

/// Longest name kept in a grant, in characters.
const LONGEST_NAME: usize = 64;

/// Most grants kept of one record.
pub(super) const MOST_GRANTS: usize = 200;

/// Beginnings of words that name what cannot be refused.
const NECESSARY: &[&str] = &[
    "necess",
    "neces",
    "nécess",
    "essen",
    "esencial",
    "requir",
    "strict",
    "tech",
    "tecn",
    "técn",
    "mandat",
    "obligat",
    "notwend",
    "erforderl",
    "noodzak",
    "niezb",
    "wymagan",
    "system",
    "secur",
    "nødvendig",
    "nodvendig",
    "nödvänd",
];

/// Whole words that name what cannot be refused, too short to be beginnings.
const NECESSARY_WORDS: &[&str] = &["base", "basic", "core", "ess", "c0001", "always"];

/// Beginnings of words that name what works for the visitor's comfort, or what a site calls necessary.
const FUNCTIONAL: &[&str] = &["func", "funkt", "fonct", "funz"];

/// Beginnings of words that name what can be refused.
const OPTIONAL: &[&str] = &[
    "analy",
    "analís",
    "statist",
    "statíst",
    "stats",
    "market",
    "mercad",
    "advert",
    "target",
    "ciblage",
    "perform",
    "prestat",
    "person",
    "prefer",
    "préf",
    "social",
    "track",
    "tracé",
    "measur",
    "messung",
    "mesur",
    "medic",
    "audience",
    "publicit",
    "publicid",
    "werb",
    "reclam",
    "reklam",
    "profil",
    "remarket",
    "retarget",
    "komfort",
    "comfort",
    "confort",
    "thirdparty",
    "third",
    "extern",
    "experience",
    "usage",
    "campaign",
    "optional",
    "vendor",
    "behav",
    "demograph",
    "conversion",
    "unclassified",
    "media",
    "video",
    "embed",
    "nonessential",
    "nonnecess",
    "unnecess",
    "statystyk",
    "analit",
    "marknad",
];

/// Whole words that name what can be refused, too short to be beginnings.
const OPTIONAL_WORDS: &[&str] = &["ad", "ads", "adv", "anl", "mkt", "stat", "pub"];

/// Words that say yes.
const YES: &[&str] = &[
    "true", "1", "yes", "y", "on", "allow", "allowed", "accept", "accepted", "grant", "granted",
    "enabled", "ja", "oui", "si", "sí", "sim", "tak", "permit",
];

/// Words that say no.
const NO: &[&str] = &[
    "false", "0", "no", "n", "off", "deny", "denied", "reject", "rejected", "revoked", "declined",
    "disabled", "nein", "non", "não", "nao", "nie", "nee", "blocked",
];

/// What a category's name tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Category {
    /// It cannot be refused.
    Necessary,
    /// Comfort, or on some sites the word for necessary.
    Functional,
    /// It can be refused.
    Optional,
}

/// The words of a name in lower case: `cookieConsent_v2` is `cookie`, `consent`, `v2`.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for character in name.chars().take(256) {
        if !character.is_alphanumeric() || (character.is_uppercase() && after_lower) {
            words.push(String::new());
        }
        after_lower = character.is_lowercase();
        if let Some(word) = words.last_mut()
            && character.is_alphanumeric()
        {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Which category `name` speaks of, if any.
pub(super) fn category(name: &str) -> Option<Category> {
    let words = words(name);
    let joined = words.concat();
    let starts = |stems: &[&str]| {
        words
            .iter()
            .any(|word| stems.iter().any(|stem| word.starts_with(stem)))
    };
    let is = |whole: &[&str]| words.iter().any(|word| whole.contains(&word.as_str()));
    let refusable = [
        "nonnecess",
        "unnecess",
        "notnecess",
        "nonessen",
        "unessen",
        "notrequired",
    ]
    .iter()
    .any(|stem| joined.contains(stem));
    if !refusable && (starts(NECESSARY) || is(NECESSARY_WORDS)) {
        Some(Category::Necessary)
    } else if refusable || starts(OPTIONAL) || is(OPTIONAL_WORDS) {
        Some(Category::Optional)
    } else if starts(FUNCTIONAL) {
        Some(Category::Functional)
    } else {
        None
    }
}

/// Whether a word says yes or no.
pub(super) fn yes_or_no(word: &str) -> Option<bool> {
    let word = word.trim().to_lowercase();
    if YES.contains(&word.as_str()) {
        Some(true)
    } else if NO.contains(&word.as_str()) {
        Some(false)
    } else {
        None
    }
}

/// Whether a JSON value says yes or no.
pub(super) fn flag(value: &serde_json::Value) -> Option<bool> {
    match value {
        serde_json::Value::Bool(flag) => Some(*flag),
        serde_json::Value::Number(number) => match number.as_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
        serde_json::Value::String(word) => yes_or_no(word),
        _ => None,
    }
}

/// A name of the site's, short enough and without control characters.
pub(super) fn clean(name: &str) -> String {
    name.chars()
        .filter(|character| !character.is_control())
        .take(LONGEST_NAME)
        .collect()
}

/// A grant whose name tells whether it can be refused.
pub(super) fn grant(name: &str, granted: bool) -> Grant {
    Grant {
        name: clean(name),
        granted,
        necessary: category(name) == Some(Category::Necessary),
    }
}

/// A grant of something that can be refused, whatever its name.
pub(super) fn optional(name: &str, granted: bool) -> Grant {
    Grant {
        name: clean(name),
        granted,
        necessary: false,
    }
}

/// A grant of something that cannot be refused, whatever its name.
pub(super) fn necessary(name: &str) -> Grant {
    Grant {
        name: clean(name),
        granted: true,
        necessary: true,
    }
}

/// Where nothing is called necessary, what is called functional is: sites use either word for it.
pub(super) fn settle_functional(grants: &mut [Grant]) {
    if grants.iter().any(|grant| grant.necessary) {
        return;
    }
    for grant in grants {
        if grant.granted && category(&grant.name) == Some(Category::Functional) {
            grant.necessary = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_words() {
        for (name, expected) in [
            ("cookieConsent_v2", vec!["cookie", "consent", "v2"]),
            ("C0001", vec!["c0001"]),
            ("cookie_cat_marketing", vec!["cookie", "cat", "marketing"]),
            ("GDPR-ok", vec!["gdpr", "ok"]),
            ("", vec![]),
            ("---", vec![]),
        ] {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    #[test]
    fn categories_are_known_in_several_languages() {
        for (name, expected) in [
            ("necessary", Some(Category::Necessary)),
            ("StrictlyNecessary", Some(Category::Necessary)),
            ("cookie_cat_necessary", Some(Category::Necessary)),
            ("essenziell", Some(Category::Necessary)),
            ("nécessaires", Some(Category::Necessary)),
            ("notwendig", Some(Category::Necessary)),
            ("noodzakelijk", Some(Category::Necessary)),
            ("niezbędne", Some(Category::Necessary)),
            ("técnicas", Some(Category::Necessary)),
            ("non-necessary", Some(Category::Optional)),
            ("nonessential", Some(Category::Optional)),
            ("statistik", Some(Category::Optional)),
            ("AdvertisingAndTargeting", Some(Category::Optional)),
            ("publicité", Some(Category::Optional)),
            ("ads", Some(Category::Optional)),
            ("functional", Some(Category::Functional)),
            ("funktional", Some(Category::Functional)),
            ("address", None),
            ("version", None),
            ("timestamp", None),
        ] {
            assert_eq!(category(name), expected, "{name}");
        }
    }

    #[test]
    fn functional_is_necessary_only_where_nothing_else_is() {
        let mut alone = vec![grant("functional", true), grant("analytics", false)];
        settle_functional(&mut alone);
        assert!(alone.iter().any(|grant| grant.necessary));
        let mut beside = vec![grant("necessary", true), grant("functional", true)];
        settle_functional(&mut beside);
        assert_eq!(beside.iter().filter(|grant| grant.necessary).count(), 1);
    }
}
