//! The small tables beside the services: sections, regulations, exemptions, overrides.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::duration::Duration;
use super::host::HostPattern;
use super::pattern::{NamePattern, ValuePattern};
use super::schema::words::{DeclaredParty, ExemptionBasis};
use super::{ItemQuery, Override, Treatment};
use crate::model::party::{Party, party_of};

/// A section of the catalog, by sector.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What `sector` names.
    pub id: String,
    /// What a reader sees.
    pub title: String,
}

/// A law, or a decision that works like one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Regulation {
    /// What `regulations` names.
    pub id: String,
    /// Other ids for the same law.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What a reader sees.
    pub title: String,
    /// Where it holds: `EU` or ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// Where it can be read.
    pub url: String,
    /// What a reader has to know about it.
    #[serde(default)]
    pub note: Option<String>,
}

/// A ground on which an item needs no consent, and its conditions.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExemptionRule {
    /// The ground.
    pub basis: ExemptionBasis,
    /// What it covers, in one sentence.
    pub title: String,
    /// Where it is laid down.
    pub law: String,
    /// Countries it holds in, ISO 3166-1 alpha-2; all when empty.
    #[serde(default, rename = "in")]
    pub countries: Vec<String>,
    /// Conditions a crawler cannot see.
    #[serde(default)]
    pub needs: Vec<String>,
    /// The longest lifetime it covers.
    #[serde(default)]
    pub longest: Option<Duration>,
}

/// A row of the override table.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideRow {
    /// Its group, such as `choice-record`.
    pub group: String,
    /// What follows.
    pub treatment: Treatment,
    /// Names it is about.
    pub names: Vec<NamePattern>,
    /// Hosts it is about; every host when empty.
    #[serde(default)]
    pub on: Vec<HostPattern>,
    /// It holds only for items of this party.
    #[serde(default)]
    pub party: Option<DeclaredParty>,
    /// It holds only for values of this grammar.
    #[serde(default)]
    pub value: Option<ValuePattern>,
    /// It holds only for items that live no longer.
    #[serde(default)]
    pub longest: Option<Duration>,
    /// Why, in one sentence.
    pub reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SectionFile {
    pub(super) section: Vec<Section>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegulationFile {
    pub(super) regulation: Vec<Regulation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExemptionFile {
    pub(super) exemption: Vec<ExemptionRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OverrideFile {
    pub(super) row: Vec<OverrideRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DisabledFile {
    pub(super) disable: Vec<String>,
}

/// The tables, joined over all layers.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) sections: BTreeMap<String, Section>,
    pub(super) regulations: BTreeMap<String, Regulation>,
    pub(super) exemptions: BTreeMap<ExemptionBasis, Vec<ExemptionRule>>,
    pub(super) overrides: OverrideTable,
}

impl Tables {
    /// Whether an exemption holds everywhere and without conditions.
    pub(super) fn is_unconditional(&self, basis: ExemptionBasis) -> bool {
        self.exemptions.get(&basis).is_some_and(|rules| {
            rules
                .iter()
                .any(|rule| rule.needs.is_empty() && rule.countries.is_empty())
        })
    }
}

/// Where a name of the override table stands.
#[derive(Debug, Clone, Copy)]
struct NamePlace {
    row: usize,
    name: usize,
}

/// The override table, ready to be asked.
#[derive(Debug, Default)]
pub(super) struct OverrideTable {
    rows: Vec<OverrideRow>,
    exact: HashMap<String, Vec<NamePlace>>,
    wild: Vec<NamePlace>,
}

impl OverrideTable {
    /// Builds the table from rows, strongest first.
    pub(super) fn new(rows: Vec<OverrideRow>) -> Self {
        let mut exact: HashMap<String, Vec<NamePlace>> = HashMap::new();
        let mut wild = Vec::new();
        for (row, entry) in rows.iter().enumerate() {
            for (name, pattern) in entry.names.iter().enumerate() {
                let place = NamePlace { row, name };
                match pattern.exact() {
                    Some(text) => exact.entry(text.to_owned()).or_default().push(place),
                    None => wild.push(place),
                }
            }
        }
        Self { rows, exact, wild }
    }

    /// Every row.
    pub(super) fn rows(&self) -> &[OverrideRow] {
        &self.rows
    }

    /// The row that fits an item best.
    ///
    /// Rows with hosts come before rows without, exact names before patterns, longer patterns before
    /// shorter ones, earlier rows before later ones. A row with a value grammar outweighs a name that
    /// needs consent, and nothing else: `OPT_OUT` in an advertising cookie identifies nobody.
    pub(super) fn find(&self, query: &ItemQuery<'_>) -> Option<Override> {
        let (host, site) = (
            query.host.to_ascii_lowercase(),
            query.site.to_ascii_lowercase(),
        );
        let mut by_name: Option<(Rank, &OverrideRow)> = None;
        let mut by_value: Option<&OverrideRow> = None;
        let exact = self.exact.get(query.name).into_iter().flatten();
        for place in exact.chain(&self.wild) {
            let row = &self.rows[place.row];
            let pattern = &row.names[place.name];
            if !pattern.matches(query.name) || !row.holds(query, &host, &site) {
                continue;
            }
            if row.value.is_some() {
                by_value = by_value.or(Some(row));
                continue;
            }
            let rank = Rank {
                bound: !row.on.is_empty(),
                exact: pattern.exact().is_some(),
                literals: pattern.literals(),
                earliness: self.rows.len() - place.row,
            };
            if by_name.as_ref().is_none_or(|(best, _)| rank > *best) {
                by_name = Some((rank, row));
            }
        }
        let row = match (by_name, by_value) {
            (Some((_, row)), Some(value)) if row.treatment == Treatment::Consent => value,
            (Some((_, row)), _) => row,
            (None, value) => value?,
        };
        Some(Override {
            group: row.group.clone(),
            treatment: row.treatment,
            reason: row.reason.clone(),
            bound: !row.on.is_empty(),
            longest_s: row.longest.as_ref().and_then(Duration::longest),
        })
    }
}

/// Which of several rows is better; the fields are in order of weight.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    bound: bool,
    exact: bool,
    literals: usize,
    earliness: usize,
}

impl OverrideRow {
    fn holds(&self, query: &ItemQuery<'_>, host: &str, site: &str) -> bool {
        let party = match self.party {
            None | Some(DeclaredParty::Either) => true,
            Some(DeclaredParty::First) => party_of(host, site) == Party::First,
            Some(DeclaredParty::Third) => party_of(host, site) == Party::Third,
        };
        party
            && (self.on.is_empty() || self.on.iter().any(|on| on.matches(host, site)))
            && self
                .value
                .as_ref()
                .is_none_or(|value| value.matches(query.value))
    }
}
