//! The jurisdiction the judge applies.

use std::fmt;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::schema::Date;
use crate::model::finding::Severity;

/// The jurisdiction the judge applies: it moves severities and verdicts and names the national law.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The directive and the regulation as regulators read them together.
    #[default]
    Eu,
    /// France.
    Fr,
    /// Germany.
    De,
    /// Italy.
    It,
    /// Spain.
    Es,
    /// United Kingdom.
    Uk,
}

impl Profile {
    /// Its name on the command line and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Eu => "eu",
            Self::Fr => "fr",
            Self::De => "de",
            Self::It => "it",
            Self::Es => "es",
            Self::Uk => "uk",
        }
    }

    /// What differs in this jurisdiction.
    pub fn facts(self) -> &'static ProfileFacts {
        static FALLBACK: LazyLock<ProfileFacts> = LazyLock::new(ProfileFacts::default);
        FILE.profile
            .iter()
            .find(|facts| facts.id == self.name())
            .unwrap_or_else(|| &FALLBACK)
    }

    /// Its country, ISO 3166-1 alpha-2; none for the generic profile.
    pub fn country(self) -> Option<&'static str> {
        self.facts().country.as_deref()
    }

    /// The references of a rule as they read in this jurisdiction, most specific last.
    ///
    /// The directive and the guidelines of the European board do not bind in the United Kingdom,
    /// and the regulation has its own name there.
    pub(crate) fn legal(self, references: &[&str]) -> Vec<String> {
        let mut legal: Vec<String> = match self {
            Self::Uk => references
                .iter()
                .filter(|reference| reference.starts_with("GDPR "))
                .map(|reference| format!("UK {reference}"))
                .collect(),
            Self::Eu | Self::Fr | Self::De | Self::It | Self::Es => references
                .iter()
                .map(|&reference| reference.to_owned())
                .collect(),
        };
        legal.extend(self.facts().national_law.clone());
        legal
    }
}

/// Every profile, as `profiles.toml` has them; a test reads the file.
static FILE: LazyLock<ProfileFile> =
    LazyLock::new(|| toml::from_str(include_str!("profiles.toml")).unwrap_or_default());

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfileFile {
    adequacy: Adequacy,
    profile: Vec<ProfileFacts>,
}

/// Countries personal data may go to like into the next room.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Adequacy {
    /// Members of the European Economic Area, ISO 3166-1 alpha-2.
    area: Vec<String>,
    /// Countries found adequate, ISO 3166-1 alpha-2, without those where only certified companies are.
    countries: Vec<String>,
    /// Where the decisions are listed.
    #[allow(dead_code, reason = "kept for whoever reads the file")]
    source: ProfileSource,
}

/// Whether data may go to a country without further safeguards.
pub(crate) fn transfer_is_covered(country: &str) -> bool {
    let adequacy = &FILE.adequacy;
    adequacy
        .area
        .iter()
        .chain(&adequacy.countries)
        .any(|known| known == country)
}

/// Whether a country belongs to the European Economic Area.
pub(crate) fn is_in_the_area(country: &str) -> bool {
    FILE.adequacy.area.iter().any(|known| known == country)
}

/// What differs between jurisdictions, with its sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFacts {
    /// Its name on the command line.
    pub id: String,
    /// What a reader sees.
    pub title: String,
    /// Its country, ISO 3166-1 alpha-2; none for the generic profile.
    #[serde(default)]
    pub country: Option<String>,
    /// Who watches over it.
    pub authority: String,
    /// The national law on storing and reading in terminal equipment.
    #[serde(default)]
    pub national_law: Option<String>,
    /// Closing the banner counts as refusing, if it acts so.
    #[serde(default)]
    pub closing_may_refuse: bool,
    /// First-party statistics need information and objection instead of consent.
    #[serde(default)]
    pub exempt_statistics: bool,
    /// Longest proportionate life of an identifier, in days.
    pub identifier_longest_days: i64,
    /// That limit is a regulator's, not only good practice.
    #[serde(default)]
    pub identifier_limit_is_settled: bool,
    /// Longest life of the record of a choice, in days.
    #[serde(default)]
    pub record_longest_days: Option<i64>,
    /// Longest life of a TC string, in days: the framework asks again every 13 months.
    pub tcf_record_longest_days: i64,
    /// Shortest life of the record of a refusal, in days: nobody is asked again before.
    #[serde(default)]
    pub refusal_shortest_days: Option<i64>,
    /// How grave a tag manager is before a choice.
    pub tag_manager: Severity,
    /// How grave Google's denied measurement is before a choice.
    pub denied_ping: Severity,
    /// How grave it is to offer payment instead of a refusal.
    pub pay_or_accept: Severity,
    /// Where this is laid down.
    pub source: Vec<ProfileSource>,
}

/// A law, a guideline or a judgment.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileSource {
    /// What it is called.
    pub title: String,
    /// Where it can be read.
    pub url: String,
    /// Since when it holds, or when it was decided.
    pub date: Option<Date>,
}

impl Default for ProfileFacts {
    fn default() -> Self {
        Self {
            id: String::new(),
            title: String::new(),
            country: None,
            authority: String::new(),
            national_law: None,
            closing_may_refuse: false,
            exempt_statistics: false,
            identifier_longest_days: 731,
            identifier_limit_is_settled: false,
            record_longest_days: None,
            tcf_record_longest_days: 397,
            refusal_shortest_days: None,
            tag_manager: Severity::Low,
            denied_ping: Severity::Low,
            pay_or_accept: Severity::Low,
            source: Vec::new(),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_command_line_the_report_and_the_display_use_one_name() {
        for profile in Profile::value_variants() {
            let on_the_command_line = profile
                .to_possible_value()
                .map(|value| value.get_name().to_owned());
            assert_eq!(on_the_command_line.as_deref(), Some(profile.name()));
            assert_eq!(
                serde_json::to_value(profile).ok(),
                Some(profile.name().into())
            );
            assert_eq!(profile.to_string(), profile.name());
        }
    }

    #[test]
    fn every_profile_has_facts_and_sources() {
        assert_eq!(FILE.profile.len(), Profile::value_variants().len());
        assert_eq!(FILE.adequacy.area.len(), 30);
        for profile in Profile::value_variants() {
            let facts = profile.facts();
            assert_eq!(facts.id, profile.name());
            assert!(!facts.source.is_empty(), "{profile}");
            assert_eq!(facts.country.is_some(), *profile != Profile::Eu);
            assert_eq!(facts.national_law.is_some(), *profile != Profile::Eu);
            for source in &facts.source {
                assert!(source.url.starts_with("https://"), "{}", source.title);
            }
        }
    }

    #[test]
    fn national_law_comes_last() {
        let references = ["ePrivacy Directive 2002/58/EC Art. 5(3)", "GDPR Art. 7(1)"];
        assert_eq!(Profile::Eu.legal(&references), references);
        assert_eq!(
            Profile::De.legal(&references),
            [references[0], references[1], "TDDDG § 25"]
        );
        assert_eq!(
            Profile::Uk.legal(&references),
            ["UK GDPR Art. 7(1)", "PECR Reg. 6"]
        );
    }
}
