//! What is old is removed, as the settings say. Never the newest run of a site.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::settings::ServiceSettings;
use crate::model::party::host_of;
use crate::service::audit::Audit;
use crate::service::board::IN_VIEW;
use crate::service::error::Problem;
use crate::service::{Service, alerts};
use crate::store::StoreError;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cleaned {
    /// Runs.
    pub runs: usize,
    /// Audits whose runs were removed, and that are no longer in view.
    pub audits: usize,
    /// Bytes of pages and pictures.
    pub bytes: u64,
    /// Deliveries.
    pub deliveries: usize,
    /// Entries of the journal.
    pub journal: usize,
}

/// A run, as far as removing it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Aged {
    id: String,
    /// The site, or the host of its first page when no audit of the service made it.
    of: String,
    started: Timestamp,
}

impl Service {
    /// Removes what is old.
    pub async fn clean(&self) -> Result<Cleaned, Problem> {
        let _alone = self.health().whole_store.lock().await;
        self.apart(|service| Ok(clean(service, Timestamp::now())?))
            .await
    }
}

fn clean(service: &Service, now: Timestamp) -> Result<Cleaned, StoreError> {
    let settings = service.settings()?;
    let mut cleaned = Cleaned::default();
    if settings.keep_runs_days.is_some() || settings.keep_runs_per_site.is_some() {
        clean_runs(service, &settings, now, &mut cleaned)?;
    }
    let before = days_before(now, settings.keep_deliveries_days);
    cleaned.deliveries = alerts::forget_deliveries(service, before)?;
    let before = days_before(now, settings.keep_journal_days);
    let journal = service.store().shelf::<serde_json::Value>("journal")?;
    // Ids of the journal begin with the time.
    for entry in journal.before(&before.strftime("%Y%m%dT%H%M%S").to_string()) {
        cleaned.journal += usize::from(journal.remove(&entry?.0)?);
    }
    service.store().flush()?;
    tracing::info!(
        runs = cleaned.runs,
        bytes = cleaned.bytes,
        deliveries = cleaned.deliveries,
        journal = cleaned.journal,
        "what is old was removed"
    );
    Ok(cleaned)
}

fn days_before(now: Timestamp, days: u32) -> Timestamp {
    let hours = i64::from(days).saturating_mul(24);
    now.checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MIN)
}

fn clean_runs(
    service: &Service,
    settings: &ServiceSettings,
    now: Timestamp,
    cleaned: &mut Cleaned,
) -> Result<(), StoreError> {
    let mut made_by: BTreeMap<String, Audit> = BTreeMap::new();
    let mut in_use = BTreeSet::new();
    for entry in service.shelves().audits.all() {
        let audit = entry?.1;
        if let Some(run) = audit.run.clone() {
            if !audit.standing.is_over() {
                in_use.insert(run.clone());
            }
            made_by.insert(run, audit);
        }
    }
    let (runs, unreadable) = service.store().list();
    for error in unreadable {
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "a run cannot be read and is left alone"
        );
    }
    let aged = runs
        .into_iter()
        .filter(|run| run.finished.is_some() && !in_use.contains(&run.id));
    let aged = aged.map(|run| {
        let first = run.pages.first().map(String::as_str).unwrap_or_default();
        Aged {
            of: made_by.get(&run.id).map_or_else(
                || format!("host {}", host_of(first)),
                |audit| format!("site {}", audit.site),
            ),
            id: run.id,
            started: run.started,
        }
    });
    let gone = too_old(aged.collect(), settings, now);
    cleaned.runs = gone.len();
    if gone.is_empty() {
        return Ok(());
    }
    // The audits first: none of them may name a run that is not there.
    let names: BTreeSet<&str> = gone.iter().map(String::as_str).collect();
    service.board().forget_runs(|run| names.contains(run));
    let mut newer: BTreeMap<String, usize> = BTreeMap::new();
    for entry in service.shelves().audits.all().rev() {
        let (id, audit) = entry?;
        let count = newer.entry(audit.site.clone()).or_default();
        *count += 1;
        if !audit.run.as_deref().is_some_and(|run| names.contains(run)) {
            continue;
        }
        if *count > IN_VIEW {
            service.shelves().audits.remove(&id)?;
            cleaned.audits += 1;
        } else {
            service.shelves().audits.change(&id, |audit| {
                audit.run = None;
                true
            })?;
        }
    }
    service.store().flush()?;
    cleaned.bytes = service.store().delete_all(&gone)?;
    Ok(())
}

/// The runs that are too old, or one too many of their site; never the newest of a site.
fn too_old(mut runs: Vec<Aged>, settings: &ServiceSettings, now: Timestamp) -> Vec<String> {
    runs.sort_by(|one, other| (other.started, &other.id).cmp(&(one.started, &one.id)));
    let before = settings.keep_runs_days.map(|days| days_before(now, days));
    let most = settings
        .keep_runs_per_site
        .map_or(usize::MAX, |most| most as usize);
    let mut newer: BTreeMap<String, usize> = BTreeMap::new();
    let mut gone = Vec::new();
    for run in runs {
        let count = newer.entry(run.of).or_default();
        let is_newest = *count == 0;
        let is_old = before.is_some_and(|before| run.started < before);
        if !is_newest && (is_old || *count >= most) {
            gone.push(run.id);
        } else {
            *count += 1;
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(of: &[(&str, i64)]) -> Vec<Aged> {
        of.iter()
            .map(|(site, days)| Aged {
                id: format!("{site}{days}"),
                of: (*site).to_owned(),
                started: Timestamp::UNIX_EPOCH - SignedDuration::from_hours(days * 24),
            })
            .collect()
    }

    #[test]
    fn the_newest_of_a_site_stays() {
        let runs = runs(&[("a", 1), ("a", 5), ("a", 9), ("b", 20), ("b", 30)]);
        for (days, most, expected) in [
            (None, None, vec![]),
            (Some(7), None, vec!["a9", "b30"]),
            (Some(1), None, vec!["a5", "a9", "b30"]),
            (None, Some(1), vec!["a5", "a9", "b30"]),
            (None, Some(2), vec!["a9"]),
            (Some(4), Some(2), vec!["a5", "a9", "b30"]),
        ] {
            let settings = ServiceSettings {
                keep_runs_days: days,
                keep_runs_per_site: most,
                ..ServiceSettings::default()
            };
            let gone = too_old(runs.clone(), &settings, Timestamp::UNIX_EPOCH);
            assert_eq!(gone, expected, "{days:?} {most:?}");
        }
    }
}
