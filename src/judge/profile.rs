//! The jurisdiction the judge applies.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

    /// The national law on storing and reading in terminal equipment; none for the generic profile.
    pub fn national_law(self) -> Option<&'static str> {
        match self {
            Self::Eu => None,
            Self::Fr => Some("Loi Informatique et Libertés Art. 82"),
            Self::De => Some("TDDDG § 25"),
            Self::It => Some("Codice Privacy Art. 122"),
            Self::Es => Some("LSSI Art. 22.2"),
            Self::Uk => Some("PECR Reg. 6"),
        }
    }

    /// Its country, ISO 3166-1 alpha-2; none for the generic profile.
    pub fn country(self) -> Option<&'static str> {
        match self {
            Self::Eu => None,
            Self::Fr => Some("FR"),
            Self::De => Some("DE"),
            Self::It => Some("IT"),
            Self::Es => Some("ES"),
            Self::Uk => Some("GB"),
        }
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
        legal.extend(self.national_law().map(str::to_owned));
        legal
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
