//! The state of every site at a glance, kept in memory so that looking costs no disk.
//!
//! It is made from the audits in the store when the service starts, and follows them from then on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock};

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::audit::{Audit, Standing};
use super::runs_index::RunsIndex;
use super::shelves::Shelves;
use crate::store::StoreError;

/// How many audits of a site are kept in view.
pub const IN_VIEW: usize = 30;

/// One audit that is over, as a point of a site's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Point {
    /// The audit.
    pub audit: String,
    /// Its run, when there is one.
    pub run: Option<String>,
    /// When it was over.
    pub finished: Timestamp,
    /// How it ended.
    pub standing: Standing,
    /// Findings by severity.
    pub findings: BTreeMap<String, u64>,
    /// How many are new.
    pub new: u64,
    /// How many are fixed.
    pub fixed: u64,
    /// Pages that could not be audited in every state.
    pub incomplete_pages: u64,
}

/// How a site stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteStanding {
    /// Its last audits, oldest first; 30 at most.
    #[schema(value_type = Vec<Point>)]
    pub history: VecDeque<Point>,
    /// Audits that wait or run, by id.
    pub open: BTreeMap<String, Standing>,
}

impl SiteStanding {
    /// The last audit that was carried out.
    pub fn last_finished(&self) -> Option<&Point> {
        let mut points = self.history.iter().rev();
        points.find(|point| point.standing == Standing::Finished)
    }
}

/// How all sites stand.
#[derive(Debug, Default)]
pub struct Board {
    index: RunsIndex,
    sites: RwLock<BTreeMap<String, SiteStanding>>,
}

impl Board {
    /// Reads all audits. One that cannot be read is left out, and said in the log.
    pub fn read(shelves: &Shelves) -> Self {
        let board = Self::default();
        for audit in shelves.audits.all() {
            match audit {
                Ok((_, audit)) => board.note(&audit),
                Err(error) => warn(&error),
            }
        }
        board
    }

    /// Takes in how an audit stands now.
    pub fn note(&self, audit: &Audit) {
        self.index.note(audit);
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        let site = sites.entry(audit.site.clone()).or_default();
        site.open.remove(&audit.id);
        let Some(finished) = audit.finished.filter(|_| audit.standing.is_over()) else {
            site.open.insert(audit.id.clone(), audit.standing);
            return;
        };
        if site.history.iter().any(|point| point.audit == audit.id) {
            return;
        }
        let result = audit.result.clone().unwrap_or_default();
        site.history.push_back(Point {
            audit: audit.id.clone(),
            run: audit.run.clone(),
            finished,
            standing: audit.standing,
            findings: result.findings,
            new: result.new_count,
            fixed: result.fixed_count,
            incomplete_pages: result.incomplete_pages,
        });
        if site.history.len() > IN_VIEW {
            site.history.pop_front();
        }
    }

    /// Which audits and runs belong to which site.
    pub fn index(&self) -> &RunsIndex {
        &self.index
    }

    /// All audits that wait or run, in the order they were asked for, each with its site.
    pub fn open(&self) -> BTreeMap<String, (String, Standing)> {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        let open = sites.iter().flat_map(|(site, standing)| {
            let audits = standing.open.iter();
            audits.map(|(audit, standing)| (audit.clone(), (site.clone(), *standing)))
        });
        open.collect()
    }

    /// Reads all audits again.
    pub fn read_again(&self, shelves: &Shelves) {
        let Self { sites, index } = Self::read(shelves);
        let fresh = sites.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.sites.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        self.index.replace(index);
    }

    /// Looks at every site.
    pub fn for_each(&self, mut each: impl FnMut(&str, &SiteStanding)) {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        for (id, standing) in &*sites {
            each(id, standing);
        }
    }

    /// Forgets runs that were deleted.
    pub fn forget_runs(&self, gone: impl Fn(&str) -> bool) {
        self.index.forget_runs(&gone);
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        for point in sites.values_mut().flat_map(|site| &mut site.history) {
            point.run = point.run.take().filter(|run| !gone(run));
        }
    }

    /// Forgets a site.
    pub fn forget(&self, site: &str) {
        let mut sites = self.sites.write().unwrap_or_else(PoisonError::into_inner);
        sites.remove(site);
    }

    /// Looks at how a site stands without taking a copy; at nothing when nothing is known of it.
    pub fn look<T>(&self, site: &str, look: impl FnOnce(Option<&SiteStanding>) -> T) -> T {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        look(sites.get(site))
    }

    /// How a site stands; as one that was never audited when nothing is known of it.
    pub fn site(&self, site: &str) -> SiteStanding {
        let sites = self.sites.read().unwrap_or_else(PoisonError::into_inner);
        sites.get(site).cloned().unwrap_or_default()
    }
}

fn warn(error: &StoreError) {
    tracing::warn!(
        error = error as &dyn std::error::Error,
        "an audit cannot be read"
    );
}
