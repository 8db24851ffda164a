//! What a channel has been told of a site: a finding is told once, until it is gone.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::message::{FindingTold, FindingsTold};
use crate::model::finding::{Finding, GapReason, Verdict};
use crate::model::report::Report;
use crate::model::value::sha256_hex;
use crate::service::Service;
use crate::service::audit::{Audit, Standing};
use crate::store::StoreError;

/// Most findings remembered for a channel and a site. Beyond that, new is what the audit before did not have.
const MOST_REMEMBERED: usize = 5_000;

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
    pub finding: Option<FindingTold>,
}

/// What an audit saw, as far as alerts go.
pub(super) struct Seen {
    /// Violations and likely ones that nobody accepted, by id.
    pub(super) open: BTreeMap<String, FindingTold>,
    /// Everything it found, by id.
    all: BTreeSet<String>,
    /// Pages every visit of which ran to its end.
    complete_pages: BTreeSet<String>,
    /// Every page is one of those.
    is_complete: bool,
    /// Rules that could not be applied everywhere.
    unsure_rules: BTreeSet<String>,
}

impl Seen {
    /// What the run of an audit holds.
    pub(super) fn of(service: &Service, run: &str) -> Result<Self, StoreError> {
        let stored = service.store().run(run)?;
        let mut complete_pages = BTreeSet::new();
        let mut is_complete = true;
        for page in service.store().page_records(run) {
            let page = page?;
            if page.complete {
                complete_pages.insert(page.url);
            } else {
                is_complete = false;
            }
        }
        let mut seen = Self {
            open: BTreeMap::new(),
            all: BTreeSet::new(),
            complete_pages,
            is_complete,
            unsure_rules: BTreeSet::new(),
        };
        if let Some(head) = stored.head() {
            seen.open = open(head);
            seen.all = head
                .findings
                .iter()
                .map(|finding| finding.id.clone())
                .collect();
            let unsure = head.rules.iter().filter(|outcome| {
                outcome.gaps.iter().any(|gap| {
                    matches!(
                        gap.reason,
                        GapReason::NotVisited | GapReason::Incomplete | GapReason::NotConfirmed
                    )
                })
            });
            seen.unsure_rules = unsure.map(|outcome| outcome.rule.clone()).collect();
        }
        Ok(seen)
    }

    /// Whether something that was found before is gone: it was looked for, and it is not there.
    fn is_gone(&self, finding: &FindingTold) -> bool {
        !self.all.contains(&finding.id)
            && !self.unsure_rules.contains(&finding.rule)
            && (self.is_complete
                || self
                    .complete_pages
                    .iter()
                    .any(|page| super::message::address_told(page) == finding.page))
    }
}

/// Findings that count, by id.
fn open(head: &Report) -> BTreeMap<String, FindingTold> {
    let names: BTreeMap<&str, &str> = head
        .services
        .iter()
        .map(|service| (service.id.as_str(), service.name.as_str()))
        .collect();
    head.findings
        .iter()
        .filter(|finding| counts(finding))
        .map(|finding| {
            let service = finding.service.as_deref();
            let name = service.map(|id| names.get(id).copied().unwrap_or(id));
            (finding.id.clone(), FindingTold::new(finding, name))
        })
        .collect()
}

/// Whether anybody has to do something about it.
fn counts(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Violation | Verdict::Likely) && finding.accepted.is_none()
}

/// What one channel is to be told, and what is remembered of it afterwards.
pub(super) struct News {
    /// Findings it has not been told of.
    pub(super) new: FindingsTold,
    /// Findings it was told of that are gone.
    pub(super) fixed: FindingsTold,
    remembered: Vec<(String, Told)>,
    forgotten: Vec<String>,
}

impl News {
    /// Compares what an audit saw with what a channel has been told.
    pub(super) fn of(
        service: &Service,
        channel: &Channel,
        audit: &Audit,
        seen: &Seen,
    ) -> Result<Self, StoreError> {
        let place = place(&channel.id, &audit.site);
        let mut known: BTreeMap<String, FindingTold> = BTreeMap::new();
        let mut hears = false;
        for told in service.shelves().told.beginning(&place) {
            match told?.1.finding {
                Some(finding) => drop(known.insert(finding.id.clone(), finding)),
                None => hears = true,
            }
        }
        let told = |finding: Option<FindingTold>| Told {
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
        let least = channel.minimum_severity;
        let new: Vec<&FindingTold> = seen
            .open
            .values()
            .filter(|finding| finding.severity >= least)
            .filter(|finding| !known.contains_key(&finding.id) && !before.contains_key(&finding.id))
            .collect();
        let gone: Vec<&FindingTold> = known
            .values()
            .filter(|finding| seen.is_gone(finding))
            .collect();
        let room = MOST_REMEMBERED.saturating_sub(known.len() - gone.len());
        for finding in new.iter().take(room) {
            remembered.push((key(&place, &finding.id), told(Some((*finding).clone()))));
        }
        let forgotten: Vec<String> = gone
            .iter()
            .map(|finding| key(&place, &finding.id))
            .collect();
        remembered.retain(|(key, _)| !forgotten.contains(key));
        Ok(Self {
            new: FindingsTold::of(new.into_iter().cloned().collect()),
            fixed: FindingsTold::of(
                gone.into_iter()
                    .filter(|finding| finding.severity >= least)
                    .cloned()
                    .collect(),
            ),
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
fn run_before(
    service: &Service,
    audit: &Audit,
) -> Result<BTreeMap<String, FindingTold>, StoreError> {
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
    match service.store().run(run) {
        Ok(stored) => Ok(stored.head().map(open).unwrap_or_default()),
        // Retention may have taken it.
        Err(StoreError::NoSuchRun(_)) => Ok(BTreeMap::new()),
        Err(error) => Err(error),
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
