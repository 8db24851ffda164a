//! What can be set while the service runs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::Service;
use crate::service::alerts::channel::{Smtp, SmtpShown};
use crate::service::error::Problem;
use crate::store::StoreError;

/// Where the settings stand on their shelf.
const ID: &str = "service";
/// Shortest time deliveries are kept, in days: what was told a day ago may be looked for after a restart.
const SHORTEST_DAYS: u32 = 2;
/// Longest time anything is kept, in days.
const LONGEST_DAYS: u32 = 36_500;

/// Most runs of a site that can be asked to be kept.
const MOST_RUNS: u32 = 1_000_000;

/// What can be set while the service runs. What is left out is as it is at first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServiceSettings {
    /// Runs are deleted after so many days; never when it is left out. The newest of each site stays.
    pub keep_runs_days: Option<u32>,
    /// Of each site so many runs are kept; all when it is left out.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub keep_runs_per_site: Option<u32>,
    /// Deliveries that arrived or were given up are removed after so many days; 30 unless said.
    pub keep_deliveries_days: u32,
    /// The journal is kept for so many days; 400 unless said.
    pub keep_journal_days: u32,
    /// The mail server of channels that name none.
    pub smtp: Option<Smtp>,
}

impl Default for ServiceSettings {
    fn default() -> Self {
        Self {
            keep_runs_days: None,
            keep_runs_per_site: None,
            keep_deliveries_days: 30,
            keep_journal_days: 400,
            smtp: None,
        }
    }
}

/// The settings as they are shown: without passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SettingsShown {
    /// Runs are deleted after so many days; absent when never.
    pub keep_runs_days: Option<u32>,
    /// Of each site so many runs are kept; absent when all.
    pub keep_runs_per_site: Option<u32>,
    /// Deliveries that arrived or were given up are removed after so many days.
    pub keep_deliveries_days: u32,
    /// The journal is kept for so many days.
    pub keep_journal_days: u32,
    /// The mail server of channels that name none.
    pub smtp: Option<SmtpShown>,
}

impl From<ServiceSettings> for SettingsShown {
    fn from(settings: ServiceSettings) -> Self {
        Self {
            keep_runs_days: settings.keep_runs_days,
            keep_runs_per_site: settings.keep_runs_per_site,
            keep_deliveries_days: settings.keep_deliveries_days,
            keep_journal_days: settings.keep_journal_days,
            smtp: settings.smtp.as_ref().map(SmtpShown::from),
        }
    }
}

impl ServiceSettings {
    fn checked(self, before: &Self) -> Result<Self, Problem> {
        let days = |pointer: &str, days: u32, least: u32| {
            if (least..=LONGEST_DAYS).contains(&days) {
                Ok(())
            } else {
                Err(Problem::invalid(
                    pointer,
                    format!("expected {least} to {LONGEST_DAYS} days"),
                ))
            }
        };
        if let Some(kept) = self.keep_runs_days {
            days("/keep_runs_days", kept, 1)?;
        }
        if let Some(kept) = self.keep_runs_per_site
            && !(1..=MOST_RUNS).contains(&kept)
        {
            return Err(Problem::invalid(
                "/keep_runs_per_site",
                format!("expected 1 to {MOST_RUNS}; the newest run of a site always stays"),
            ));
        }
        days(
            "/keep_deliveries_days",
            self.keep_deliveries_days,
            SHORTEST_DAYS,
        )?;
        days("/keep_journal_days", self.keep_journal_days, 1)?;
        let smtp = self
            .smtp
            .map(|smtp| smtp.checked("/smtp", before.smtp.as_ref()))
            .transpose()?;
        Ok(Self { smtp, ..self })
    }
}

impl Service {
    /// The settings. May block: never on an async thread.
    pub fn settings(&self) -> Result<ServiceSettings, StoreError> {
        Ok(self.shelves().settings.get(ID)?.unwrap_or_default())
    }

    /// Puts these settings in the place of those there are. May block: never on an async thread.
    pub fn set(&self, settings: ServiceSettings) -> Result<SettingsShown, Problem> {
        let settings = settings.checked(&self.settings()?)?;
        self.shelves().settings.put(ID, &settings)?;
        self.store().flush()?;
        Ok(settings.into())
    }
}
