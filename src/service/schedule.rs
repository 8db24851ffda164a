//! Audits that are asked for by the clock.
//!
//! What was missed while the service was down is caught up once. While an audit of the site waits or runs,
//! nothing more is asked for: the occurrence is skipped, and counted. One timer waits for the schedule that
//! is due next; the others cost nothing.

pub mod timer;
pub mod times;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::Service;
use super::audit::Audit;
use super::error::Problem;
use super::id::new_id;
use crate::store::StoreError;
use times::{Times, jitter_seconds};

/// Longest delay by chance.
const LONGEST_JITTER_SECONDS: u32 = 12 * 60 * 60;
/// Longest wait before the wall clock is looked at again: it may have been set, or the machine have slept.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// A site is audited again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// Its id; sorts by the time it was made.
    pub id: String,
    /// The site.
    pub site: String,
    /// When: minute, hour, day of the month, month, day of the week.
    #[schema(example = "0 3 * * *")]
    pub cron: String,
    /// In which time zone.
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// How much later by chance, at most, so that not everything begins at once.
    pub jitter_seconds: u32,
    /// Whether it asks for audits.
    pub enabled: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
    /// Everything that was due up to here is dealt with.
    pub settled: Timestamp,
    /// The audit it asked for last.
    pub last_audit: Option<String>,
    /// How often nothing was asked for because an audit of the site was waiting or running.
    pub skipped: u64,
}

/// What somebody says of a schedule, to add it or to change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleWish {
    /// The site.
    pub site: String,
    /// When: minute, hour, day of the month, month, day of the week.
    #[schema(example = "0 3 * * *")]
    pub cron: String,
    /// In which time zone; UTC unless said.
    #[serde(default = "utc")]
    #[schema(example = "Europe/Berlin")]
    pub timezone: String,
    /// How much later by chance, at most; 0 to 43200.
    #[serde(default)]
    #[schema(maximum = 43_200)]
    pub jitter_seconds: u32,
    /// Whether it asks for audits.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn yes() -> bool {
    true
}

impl ScheduleWish {
    /// Makes sure that it can be kept so. The problem names the field, as a JSON pointer.
    fn check(&self, now: Timestamp) -> Result<(), Problem> {
        let times = times(&self.cron, &self.timezone)?;
        if times.after(now).is_none() {
            let detail = format!("`{}` names a day that never comes", self.cron);
            return Err(Problem::invalid("/cron", detail));
        }
        if self.jitter_seconds > LONGEST_JITTER_SECONDS {
            let detail = format!(
                "{} is not from 0 to {LONGEST_JITTER_SECONDS} seconds",
                self.jitter_seconds
            );
            return Err(Problem::invalid("/jitter_seconds", detail));
        }
        Ok(())
    }
}

fn times(cron: &str, timezone: &str) -> Result<Times, Problem> {
    Times::read(cron, timezone)
        .map_err(|wrong| Problem::invalid(&format!("/{}", wrong.field), wrong.reason))
}

/// The next times of an expression in a time zone, from a moment on.
pub fn preview(
    cron: &str,
    timezone: &str,
    from: Timestamp,
    count: usize,
) -> Result<Vec<Timestamp>, Problem> {
    let times = times(cron, timezone)?;
    Ok(
        std::iter::successors(times.after(from), |moment| times.after(*moment))
            .take(count)
            .collect(),
    )
}

impl Schedule {
    /// When it is due next; never, when it asks for nothing.
    pub fn due(&self) -> Option<Timestamp> {
        self.due_times().next()
    }

    /// When it is due, from the next time on, with the delay by chance.
    pub fn due_times(&self) -> impl Iterator<Item = Timestamp> + use<> {
        // One that was checked when it was written and cannot be read now is due never.
        let times = Times::read(&self.cron, &self.timezone).ok();
        let times = times.filter(|_| self.enabled);
        let (id, most) = (self.id.clone(), self.jitter_seconds);
        let mut moment = self.settled;
        std::iter::from_fn(move || {
            moment = times.as_ref()?.after(moment)?;
            let delay = jitter_seconds(&id, moment, most);
            moment
                .checked_add(SignedDuration::from_secs(delay.into()))
                .ok()
        })
    }
}

impl Service {
    /// Adds a schedule.
    ///
    /// May block: never on an async thread.
    pub fn add_schedule(&self, wish: ScheduleWish) -> Result<Schedule, Problem> {
        let now = Timestamp::now();
        wish.check(now)?;
        self.known_site(&wish.site)?;
        let schedule = Schedule {
            id: new_id(),
            site: wish.site,
            cron: wish.cron,
            timezone: wish.timezone,
            jitter_seconds: wish.jitter_seconds,
            enabled: wish.enabled,
            created: now,
            changed: now,
            settled: now,
            last_audit: None,
            skipped: 0,
        };
        self.shelves().schedules.put(&schedule.id, &schedule)?;
        self.store().flush()?;
        self.wind(&schedule);
        Ok(schedule)
    }

    /// Changes a schedule. What was due before is not caught up.
    ///
    /// May block: never on an async thread.
    pub fn change_schedule(&self, id: &str, wish: &ScheduleWish) -> Result<Schedule, Problem> {
        let now = Timestamp::now();
        wish.check(now)?;
        self.known_site(&wish.site)?;
        let changed = self.shelves().schedules.change(id, |schedule| {
            schedule.site.clone_from(&wish.site);
            schedule.cron.clone_from(&wish.cron);
            schedule.timezone.clone_from(&wish.timezone);
            schedule.jitter_seconds = wish.jitter_seconds;
            schedule.enabled = wish.enabled;
            schedule.changed = now;
            schedule.settled = now;
            true
        })?;
        self.store().flush()?;
        let schedule = changed.ok_or_else(no_such_schedule)?;
        self.wind(&schedule);
        Ok(schedule)
    }

    /// Removes a schedule. Audits it asked for stay.
    ///
    /// May block: never on an async thread.
    pub fn remove_schedule(&self, id: &str) -> Result<(), Problem> {
        let removed = self.shelves().schedules.remove(id)?;
        self.store().flush()?;
        self.timer().set(id, "", None);
        removed.then_some(()).ok_or_else(no_such_schedule)
    }

    /// Removes the schedules of a site.
    ///
    /// May block: never on an async thread.
    pub(super) fn remove_schedules_of(&self, site: &str) -> Result<(), Problem> {
        for entry in self.shelves().schedules.all() {
            let (id, schedule) = entry?;
            if schedule.site == site {
                self.remove_schedule(&id)?;
            }
        }
        Ok(())
    }

    /// A schedule by its id.
    ///
    /// May block: never on an async thread.
    pub fn schedule(&self, id: &str) -> Result<Schedule, Problem> {
        self.shelves()
            .schedules
            .get(id)?
            .ok_or_else(no_such_schedule)
    }

    /// Asks for an audit as a schedule would, now, whenever it is due.
    ///
    /// May block: never on an async thread.
    pub fn run_schedule(&self, id: &str, asked_by: &str) -> Result<Audit, Problem> {
        let schedule = self.schedule(id)?;
        let site = self.site(&schedule.site)?;
        if !self.board().site(&site.id).open.is_empty() {
            return Err(Problem::conflict(format!(
                "an audit of {} is waiting or running",
                site.name
            )));
        }
        let audit = self.ask(&site, asked_by)?;
        self.shelves().schedules.change(id, |schedule| {
            schedule.last_audit = Some(audit.id.clone());
            true
        })?;
        self.store().flush()?;
        Ok(audit)
    }

    /// When a site is audited next by one of its schedules.
    pub fn next_of_site(&self, site: &str) -> Option<Timestamp> {
        self.timer().first_of(site)
    }

    fn known_site(&self, id: &str) -> Result<(), Problem> {
        let known = self.shelves().sites.get(id)?;
        known.map(drop).ok_or_else(|| {
            let detail = "no such site; `GET /api/v1/sites` lists them";
            Problem::invalid("/site", detail)
        })
    }

    /// Has the timer wait for a schedule.
    fn wind(&self, schedule: &Schedule) {
        self.timer()
            .set(&schedule.id, &schedule.site, schedule.due());
    }

    /// Has the timer wait for all schedules.
    fn wind_all(&self) {
        for entry in self.shelves().schedules.all() {
            match entry {
                Ok((_, schedule)) => self.wind(&schedule),
                // One that is damaged keeps no other from being due.
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "a schedule cannot be read");
                }
            }
        }
    }

    /// Asks for the audits that are due by now.
    fn ask_for_what_is_due(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut asked = Vec::new();
        let mut sites = BTreeSet::new();
        for id in self.timer().take_due(now) {
            match self.occur(&id, now, &sites) {
                Ok((schedule, audit)) => {
                    sites.extend(audit.as_ref().map(|audit| audit.site.clone()));
                    asked.extend(audit);
                    self.wind(&schedule);
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, id, "a schedule could not ask for its audit");
                }
            }
        }
        // Once for all: on disk before anybody hears of it.
        self.store().flush()?;
        for audit in &asked {
            self.announce(audit);
        }
        Ok(())
    }

    /// Lets a schedule ask for its audit, which is not on disk yet. For `sites` one was asked
    /// for a moment ago.
    fn occur(
        &self,
        id: &str,
        now: Timestamp,
        sites: &BTreeSet<String>,
    ) -> Result<(Schedule, Option<Audit>), StoreError> {
        let gone = || StoreError::NoKey(format!("schedules {id}"));
        let shelf = &self.shelves().schedules;
        let schedule = shelf.get(id)?.ok_or_else(gone)?;
        let site = self.shelves().sites.get(&schedule.site)?;
        let is_open =
            !self.board().site(&schedule.site).open.is_empty() || sites.contains(&schedule.site);
        // The audit first: should the program end between the two, the occurrence comes again and is skipped.
        let audit = match &site {
            Some(site) if !is_open => Some(self.put_down(site, &format!("schedule {id}"))?),
            _ => None,
        };
        let changed = shelf.change(id, |schedule| {
            schedule.settled = schedule.settled.max(now);
            schedule.skipped += u64::from(is_open);
            // Without its site there is nothing to ask for.
            schedule.enabled &= site.is_some();
            if let Some(audit) = &audit {
                schedule.last_audit = Some(audit.id.clone());
            }
            true
        })?;
        Ok((changed.ok_or_else(gone)?, audit))
    }
}

fn no_such_schedule() -> Problem {
    Problem::not_found("no such schedule; `GET /api/v1/schedules` lists them")
}

/// Asks for audits when they are due, until the service ends.
pub async fn run(service: Service, ends: CancellationToken) {
    let wound = service.apart(|service| {
        service.wind_all();
        Ok(())
    });
    if wound.await.is_err() {
        return;
    }
    while !ends.is_cancelled() {
        let now = Timestamp::now();
        let wait = service.timer().first().map(|due| {
            let left = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            left.min(LONGEST_WAIT)
        });
        tokio::select! {
            () = ends.cancelled() => return,
            () = service.timer().changed() => continue,
            () = sleep(wait) => {}
        }
        let asked = service.apart(|service| Ok(service.ask_for_what_is_due(Timestamp::now())?));
        if asked.await.is_err() {
            tracing::error!("what is due could not be asked for");
        }
    }
}

/// Sleeps for a time, or for ever.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
