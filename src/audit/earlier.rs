//! Earlier runs of the same sites in a store, for the judge to look back at.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::judge::{Earlier, Profile};
use crate::model::party::{host_of, registrable_domain};
use crate::model::report::PageSource as _;
use crate::store::{RunRecord, Store, StoreError, StoredRun};

/// Runs that are looked back at: together they even out what comes and goes by chance.
const MOST_RUNS: usize = 3;

/// What the newest runs that were finished before `started` show of the sites of `addresses`.
///
/// What cannot be read is left out: without it the judge only says less.
pub fn newest(
    store: &Store,
    addresses: &[String],
    started: Timestamp,
    catalog: &Catalog,
    profile: Profile,
) -> Earlier {
    let sites: BTreeSet<String> = addresses.iter().map(|address| site(address)).collect();
    let (mut runs, _unreadable) = store.list();
    runs.retain(|run| run.started < started && run.finished.is_some());
    runs.sort_by_key(|run| run.started);
    let mut earlier = Earlier::default();
    let about_them = |run: &&RunRecord| run.pages.iter().any(|page| sites.contains(&site(page)));
    for run in runs.iter().rev().filter(about_them).take(MOST_RUNS) {
        add(&mut earlier, store, run.clone(), &sites, catalog, profile);
    }
    earlier
}

/// What the runs of those ids show of the sites of `addresses`; `last` is the newest.
pub fn named(
    store: &Store,
    ids: &[String],
    addresses: &[String],
    catalog: &Catalog,
    profile: Profile,
) -> Result<Earlier, StoreError> {
    let sites: BTreeSet<String> = addresses.iter().map(|address| site(address)).collect();
    let mut earlier = Earlier::default();
    for id in ids {
        let run = store.record(id)?;
        add(&mut earlier, store, run, &sites, catalog, profile);
    }
    Ok(earlier)
}

fn add(
    earlier: &mut Earlier,
    store: &Store,
    run: RunRecord,
    sites: &BTreeSet<String>,
    catalog: &Catalog,
    profile: Profile,
) {
    for page in StoredRun::pages_of(store, run).pages() {
        match page {
            Ok(page) if sites.contains(&site(&page.url)) => earlier.add(&page, catalog, profile),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "a page of an earlier run is left out"),
        }
    }
}

fn site(address: &str) -> String {
    registrable_domain(&host_of(address)).to_owned()
}
