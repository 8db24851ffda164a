//! What a channel has been told of a site: a finding is told once, until it is gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::message::{FindingTold, FindingsTold};
use crate::judge::baseline::Baseline;
use crate::model::finding::GapReason;
use crate::model::report::Report;
use crate::model::value::sha256_hex;
use crate::service::Service;
use crate::service::audit::{Audit, Standing};
use crate::service::engine::outcome;
use crate::service::error::Problem;
use crate::store::StoreError;

/// Most findings remembered for a channel and a site. Beyond that, new is what the audit before did not have.
const MOST_REMEMBERED: usize = 5_000;
/// Longest address of a page that is remembered, in characters; as the store's records of pages.
const LONGEST_PAGE: usize = 2_048;

/// That a channel was told of a finding of a site; without a finding, that it hears of the site at all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The channel.
    pub channel: String,
    /// The site.
    pub site: String,
    /// When.
    pub at: Timestamp,
    /// The finding.
    pub finding: Option<Known>,
}

/// A finding a channel was told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// What it was told.
    pub told: FindingTold,
    /// The page it is filed under, word for word.
    pub page: String,
}

/// What an audit saw, as far as alerts go.
pub(super) struct Seen {
    /// Findings that count, by id.
    pub(super) open: BTreeMap<String, Known>,
    /// Everything it found, by id, whether it counts or not.
    all: BTreeSet<String>,
    pages: outcome::Seen,
    /// Rules that had to do without a visitor's answer somewhere.
    unsure_rules: BTreeSet<String>,
}

impl Seen {
    /// What the run of an audit holds.
    pub(super) fn of(service: &Service, site: &str, run: &str) -> Result<Self, Problem> {
        let stored = service.store().run(run)?;
        let accepted = service.accepted_baseline(site)?;
        let mut seen = Self {
            open: BTreeMap::new(),
            all: BTreeSet::new(),
            pages: outcome::Seen::of(&stored, &accepted)?,
            unsure_rules: BTreeSet::new(),
        };
        if let Some(head) = stored.head() {
            seen.open = open(head, &accepted);
            seen.all = head
                .findings
                .iter()
                .map(|finding| finding.id.clone())
                .collect();
            let unsure = head.rules.iter().filter(|outcome| {
                let mut gaps = outcome.gaps.iter();
                gaps.any(|gap| gap.reason == GapReason::NotConfirmed)
            });
            seen.unsure_rules = unsure.map(|outcome| outcome.rule.clone()).collect();
        }
        Ok(seen)
    }

    /// Whether something that was found before is gone: it was looked for, and it is not there.
    fn is_gone(&self, known: &Known) -> bool {
        !self.all.contains(&known.told.id)
            && !self.unsure_rules.contains(&known.told.rule)
            && self.pages.speaks_for(&known.page)
    }
}

/// Findings that count, by id.
fn open(head: &Report, accepted: &Baseline) -> BTreeMap<String, Known> {
    let mut head = head.clone();
    let day = head.run.finished.to_zoned(TimeZone::UTC).date();
    accepted.apply(&mut head, day);
    let names: BTreeMap<&str, &str> = head
        .services
        .iter()
        .map(|service| (service.id.as_str(), service.name.as_str()))
        .collect();
    head.findings
        .iter()
        .filter(|finding| finding.counts())
        .map(|finding| {
            let service = finding.service.as_deref();
            let name = service.map(|id| names.get(id).copied().unwrap_or(id));
            let known = Known {
                told: FindingTold::new(finding, name),
                page: finding.page.chars().take(LONGEST_PAGE).collect(),
            };
            (finding.id.clone(), known)
        })
        .collect()
}

/// What one channel is to be told, and what is remembered of it afterwards.
pub(super) struct News {
    /// Findings it has not been told of.
    pub(super) new: FindingsTold,
    /// Findings it was told of that are gone.
    pub(super) fixed: FindingsTold,
    remembered: Vec<(String, Told)>,
    forgotten: BTreeSet<String>,
}

impl News {
    /// Compares what an audit saw with what a channel has been told.
    pub(super) fn of(
        service: &Service,
        channel: &Channel,
        audit: &Audit,
        seen: &Seen,
    ) -> Result<Self, Problem> {
        let place = place(&channel.id, &audit.site);
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        let mut hears = false;
        for told in service.shelves().told.beginning(&place) {
            match told?.1.finding {
                Some(finding) => drop(known.insert(finding.told.id.clone(), finding)),
                None => hears = true,
            }
        }
        let told = |finding: Option<Known>| Told {
            channel: channel.id.clone(),
            site: audit.site.clone(),
            at: Timestamp::now(),
            finding,
        };
        let mut remembered = Vec::new();
        let before = if hears && known.len() < MOST_REMEMBERED {
            BTreeMap::new()
        } else {
            run_before(service, audit)?
        };
        if !hears {
            // A channel that is added to a site with findings hears of what changes from now on.
            remembered.push((place.clone(), told(None)));
            for (id, finding) in before.iter().take(MOST_REMEMBERED) {
                remembered.push((key(&place, id), told(Some(finding.clone()))));
                known.insert(id.clone(), finding.clone());
            }
        }
        let is_grave = |finding: &&Known| finding.told.severity >= channel.minimum_severity;
        let new: Vec<&Known> = seen
            .open
            .iter()
            .filter(|(id, _)| !known.contains_key(*id) && !before.contains_key(*id))
            .map(|(_, finding)| finding)
            .filter(is_grave)
            .collect();
        let gone: Vec<&Known> = known
            .values()
            .filter(|finding| seen.is_gone(finding))
            .collect();
        let room = MOST_REMEMBERED.saturating_sub(known.len() - gone.len());
        for finding in new.iter().take(room) {
            let key = key(&place, &finding.told.id);
            remembered.push((key, told(Some((*finding).clone()))));
        }
        let forgotten: BTreeSet<String> = gone
            .iter()
            .map(|finding| key(&place, &finding.told.id))
            .collect();
        remembered.retain(|(key, _)| !forgotten.contains(key));
        let of = |findings: Vec<&Known>| {
            FindingsTold::of(
                findings
                    .into_iter()
                    .map(|finding| finding.told.clone())
                    .collect(),
            )
        };
        Ok(Self {
            new: of(new),
            fixed: of(gone.into_iter().filter(is_grave).collect()),
            remembered,
            forgotten,
        })
    }

    /// Remembers it.
    pub(super) fn remember(&self, service: &Service) -> Result<(), StoreError> {
        let shelf = &service.shelves().told;
        for (key, told) in &self.remembered {
            shelf.put(key, told)?;
        }
        for key in &self.forgotten {
            shelf.remove(key)?;
        }
        Ok(())
    }
}

/// The findings of the last audit of the site that was carried out before this one.
fn run_before(service: &Service, audit: &Audit) -> Result<BTreeMap<String, Known>, Problem> {
    let history = service.board().site(&audit.site).history;
    let before = history
        .iter()
        .rev()
        .filter(|point| point.audit != audit.id && point.standing == Standing::Finished)
        .filter(|point| {
            audit
                .finished
                .is_none_or(|finished| point.finished <= finished)
        })
        .find_map(|point| point.run.as_deref());
    let Some(run) = before else {
        return Ok(BTreeMap::new());
    };
    let accepted = service.accepted_baseline(&audit.site)?;
    match service.store().run(run) {
        Ok(stored) => Ok(stored
            .head()
            .map(|head| open(head, &accepted))
            .unwrap_or_default()),
        // Retention may have taken it.
        Err(StoreError::NoSuchRun(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

/// Forgets what a channel was told: of one site, or of all.
pub(super) fn forget(
    service: &Service,
    channel: Option<&str>,
    site: Option<&str>,
) -> Result<(), StoreError> {
    let shelf = &service.shelves().told;
    for entry in shelf.all() {
        let (key, told) = entry?;
        if channel.is_none_or(|channel| channel == told.channel)
            && site.is_none_or(|site| site == told.site)
        {
            shelf.remove(&key)?;
        }
    }
    Ok(())
}

/// Where what is told to a channel of a site is kept: both names may be long, keys may not.
fn place(channel: &str, site: &str) -> String {
    let digest = sha256_hex(format!("{channel}\n{site}").as_bytes());
    format!("{}.", digest.get(..32).unwrap_or_default())
}

fn key(place: &str, finding: &str) -> String {
    format!("{place}{finding}")
}
