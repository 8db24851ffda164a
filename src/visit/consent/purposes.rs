//! What a visitor may allow by itself: the purposes banners ask for, by what they are called.

use std::fmt;
use std::str::FromStr;

use super::words;

/// What a switch or a record is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Counting and measuring.
    Analytics,
    /// Advertising, profiles, social networks.
    Marketing,
    /// Comfort: languages, settings, functions.
    Preferences,
}

/// Every purpose with the beginnings of words it is called by, in the languages of banners, without
/// accents, and in its own script.
const NAMES: [(Purpose, &str, &[&str]); 3] = [
    (
        Purpose::Marketing,
        "marketing",
        &[
            "marketing",
            "advert",
            "ads",
            "ad",
            "target",
            "retarget",
            "werb",
            "publi",
            "reklam",
            "reclam",
            "pubbli",
            "profil",
            "social",
            "annon",
            "mainon",
            "hirdet",
            "oglas",
            "ogla",
            "διαφημ",
            "προωθ",
            "реклам",
            "маркетинг",
            "fogra",
            "riklam",
            "criacao",
            "personali",
            "tracking",
            "c0004",
            "c0005",
            "suunat",
            "turund",
            "turg",
            "rinkod",
            "rekl",
        ],
    ),
    (
        Purpose::Analytics,
        "analytics",
        &[
            "analy",
            "anali",
            "analiz",
            "statist",
            "statyst",
            "mesure",
            "audienc",
            "measur",
            "messung",
            "matning",
            "maling",
            "mittaus",
            "kavija",
            "tilasto",
            "perform",
            "leistung",
            "prestat",
            "prestaz",
            "rendim",
            "medici",
            "pomiar",
            "lankom",
            "apmekl",
            "kulast",
            "elemz",
            "mjeren",
            "merjen",
            "mereni",
            "αναλυ",
            "στατιστ",
            "анализ",
            "статист",
            "anail",
            "c0002",
            "stik",
            "wydajn",
        ],
    ),
    (
        Purpose::Preferences,
        "preferences",
        &[
            "prefer",
            "prafer",
            "func",
            "funk",
            "fonct",
            "funz",
            "comfort",
            "komfort",
            "confort",
            "toimin",
            "λειτουργ",
            "προτιμ",
            "предпочит",
            "функционал",
            "beallit",
            "nastav",
            "c0003",
        ],
    ),
];

/// The purposes a visitor allows; every other one is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purposes {
    allowed: Vec<Purpose>,
    text: String,
}

/// What is wrong with a list of purposes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}`: expected purposes with yes or no, such as `analytics=no,marketing=yes`; there are analytics, marketing, and preferences"
)]
pub struct PurposesError(String);

impl Purposes {
    /// Whether the visitor allows what a switch or a record of this name is for.
    pub fn allows(&self, name: &str) -> bool {
        purpose_of(name).is_some_and(|purpose| self.allowed.contains(&purpose))
    }
}

impl fmt::Display for Purposes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl FromStr for Purposes {
    type Err = PurposesError;

    fn from_str(text: &str) -> Result<Self, PurposesError> {
        let wrong = || PurposesError(text.to_owned());
        let mut allowed = Vec::new();
        for pair in text.split(',') {
            let (name, answer) = pair.split_once('=').ok_or_else(wrong)?;
            let (purpose, ..) = NAMES
                .iter()
                .find(|(_, known, _)| *known == name.trim())
                .ok_or_else(wrong)?;
            match answer.trim() {
                "yes" => allowed.push(*purpose),
                "no" => allowed.retain(|known| known != purpose),
                _ => return Err(wrong()),
            }
        }
        Ok(Self {
            allowed,
            text: text.to_owned(),
        })
    }
}

/// What a switch or a record of this name is for, if its name tells.
pub fn purpose_of(name: &str) -> Option<Purpose> {
    let said = words::folded(name);
    let starts = |stem: &&str| match stem.len() {
        // Too short to be a beginning.
        0..=3 => said.iter().any(|word| word == stem),
        _ => said.iter().any(|word| word.starts_with(*stem)),
    };
    NAMES
        .iter()
        .find(|(_, _, stems)| stems.iter().any(&starts))
        .map(|(purpose, ..)| *purpose)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a list that does not parse fails the test"
    )]

    use super::*;

    #[test]
    fn purposes_are_known_by_what_they_are_called() {
        for (name, expected) in [
            ("Statistik", Some(Purpose::Analytics)),
            ("Analytické cookies", Some(Purpose::Analytics)),
            ("Mesure d’audience", Some(Purpose::Analytics)),
            ("cookie_cat_statistic", Some(Purpose::Analytics)),
            ("Publicidade", Some(Purpose::Marketing)),
            ("Διαφημίσεις", Some(Purpose::Marketing)),
            ("Reklamní cookies", Some(Purpose::Marketing)),
            ("marketing", Some(Purpose::Marketing)),
            ("Präferenzen", Some(Purpose::Preferences)),
            ("preferences", Some(Purpose::Preferences)),
            ("Funktionell", Some(Purpose::Preferences)),
            ("Necessary", None),
            ("adaptive", None),
            ("", None),
        ] {
            assert_eq!(purpose_of(name), expected, "{name}");
        }
    }

    #[test]
    fn lists_of_purposes() {
        let purposes: Purposes = "analytics=no, marketing=yes".parse().unwrap();
        assert!(purposes.allows("Werbung") && !purposes.allows("Statistik"));
        assert!(!purposes.allows("Komfort") && !purposes.allows("???"));
        for wrong in [
            "",
            "analytics",
            "analytics=perhaps",
            "weather=no",
            "analytics=no,",
        ] {
            assert!(wrong.parse::<Purposes>().is_err(), "{wrong}");
        }
    }
}
