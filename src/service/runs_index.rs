//! Which audits and runs belong to which site, in memory, so that nobody walks over all of them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::{PoisonError, RwLock};

use super::audit::{Audit, Standing};

/// Audits and runs by site. Made from all audits when the service starts, follows them from then on.
#[derive(Debug, Default)]
pub struct RunsIndex(RwLock<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sites: BTreeMap<String, OfSite>,
    /// The site and the audit of a run.
    runs: HashMap<String, (String, String)>,
    /// Audits that make a run now.
    running: BTreeSet<String>,
}

/// Ids sort by time.
#[derive(Debug, Default)]
struct OfSite {
    audits: BTreeSet<String>,
    runs: BTreeSet<String>,
}

impl RunsIndex {
    /// Takes in how an audit stands now.
    pub fn note(&self, audit: &Audit) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let site = inner.sites.entry(audit.site.clone()).or_default();
        site.audits.insert(audit.id.clone());
        if let Some(run) = &audit.run {
            site.runs.insert(run.clone());
            let place = (audit.site.clone(), audit.id.clone());
            inner.runs.insert(run.clone(), place);
        }
        if audit.standing == Standing::Running {
            inner.running.insert(audit.id.clone());
        } else {
            inner.running.remove(&audit.id);
        }
    }

    /// Takes over what another one knows.
    pub fn replace(&self, other: Self) {
        let fresh = other.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Forgets a run that was deleted.
    pub fn forget_run(&self, run: &str) {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((site, _)) = inner.runs.remove(run)
            && let Some(site) = inner.sites.get_mut(&site)
        {
            site.runs.remove(run);
        }
    }

    /// Forgets all runs that are gone.
    pub fn forget_runs(&self, gone: impl Fn(&str) -> bool) {
        let known: Vec<String> = {
            let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
            inner.runs.keys().filter(|run| gone(run)).cloned().collect()
        };
        for run in known {
            self.forget_run(&run);
        }
    }

    /// The site of a run; none for one that no audit of the service made.
    pub fn site_of(&self, run: &str) -> Option<String> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.runs.get(run).map(|(site, _)| site.clone())
    }

    /// Whether an audit goes on that makes this run.
    pub fn is_being_made(&self, run: &str) -> bool {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let audit = inner.runs.get(run).map(|(_, audit)| audit);
        audit.is_some_and(|audit| inner.running.contains(audit))
    }

    /// The audits of a site, newest first: those older than `before`, at most so many.
    pub fn audits_of(&self, site: &str, before: Option<&str>, most: usize) -> Vec<String> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let site = inner.sites.get(site);
        site.map_or_else(Vec::new, |site| newest(&site.audits, before, most))
    }

    /// The runs of a site, newest first: those older than `before`, at most so many.
    pub fn runs_of(&self, site: &str, before: Option<&str>, most: usize) -> Vec<String> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let site = inner.sites.get(site);
        site.map_or_else(Vec::new, |site| newest(&site.runs, before, most))
    }
}

fn newest(ids: &BTreeSet<String>, before: Option<&str>, most: usize) -> Vec<String> {
    let until = before.map_or(Bound::Unbounded, Bound::Excluded);
    let older = ids.range::<str, _>((Bound::Unbounded, until));
    older.rev().take(most).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::site::Settings;
    use jiff::Timestamp;

    fn audit(id: &str, site: &str, standing: Standing, run: Option<&str>) -> Audit {
        Audit {
            id: id.to_owned(),
            site: site.to_owned(),
            url: "https://shop.test/".to_owned(),
            settings: Settings::default(),
            asked_by: "account anna@example.com".to_owned(),
            asked: Timestamp::UNIX_EPOCH,
            standing,
            tries: 1,
            started: None,
            finished: None,
            run: run.map(str::to_owned),
            result: None,
            error: None,
        }
    }

    #[test]
    fn runs_are_found_by_their_site() {
        let index = RunsIndex::default();
        index.note(&audit("1", "shop", Standing::Finished, Some("r1")));
        index.note(&audit("2", "blog", Standing::Finished, Some("r2")));
        index.note(&audit("3", "shop", Standing::Running, None));
        index.note(&audit("3", "shop", Standing::Running, Some("r3")));
        for (site, before, most, audits, runs) in [
            ("shop", None, 9, vec!["3", "1"], vec!["r3", "r1"]),
            ("shop", None, 1, vec!["3"], vec!["r3"]),
            ("shop", Some("r3"), 9, vec!["3", "1"], vec!["r1"]),
            ("shop", Some("3"), 9, vec!["1"], vec![]),
            ("blog", None, 9, vec!["2"], vec!["r2"]),
            ("none", None, 9, vec![], vec![]),
        ] {
            assert_eq!(
                index.audits_of(site, before, most),
                audits,
                "{site} {before:?}"
            );
            assert_eq!(index.runs_of(site, before, most), runs, "{site} {before:?}");
        }
        assert_eq!(index.site_of("r3").as_deref(), Some("shop"));
        assert!(index.is_being_made("r3"));
        assert!(!index.is_being_made("r1"));
        index.note(&audit("3", "shop", Standing::Finished, Some("r3")));
        assert!(!index.is_being_made("r3"));
        index.forget_run("r3");
        assert_eq!(index.runs_of("shop", None, 9), ["r1"]);
        assert_eq!(index.site_of("r3"), None);
    }
}
