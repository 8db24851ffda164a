//! What changed: two runs, or two states, side by side. Pure: pages and findings in, differences out.
//!
//! Pages are read one after another; what is kept of each is which items it has, by number. Values are
//! not compared, only what a site decides on: names, lifetimes, flags, who sets. A name that carries a
//! visitor's id is the same name ([`names`]).

mod gather;
mod names;
mod sheet;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;
use crate::judge::naming::state_name;
use crate::model::finding::{Category, Severity, SubjectKind, Verdict};
use crate::model::report::{PageError, PageSource, Report};
use crate::model::visit::State;
use gather::{Gathered, Tables};
pub use sheet::sheet;

/// The value of [`Comparison::schema`].
pub const SCHEMA: &str = "consentinel/comparison/v1";
/// Pages named with each difference.
const NAMED_PAGES: usize = 5;

/// One of the two that are compared.
pub struct Side<'a> {
    /// The run's report; its pages are read from `pages`.
    pub head: &'a Report,
    /// The run's pages.
    pub pages: &'a dyn PageSource,
    /// Only this state of the run.
    pub state: Option<State>,
}

/// What one of the two was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideInfo {
    /// The run.
    pub run: String,
    /// When it began.
    pub started: jiff::Timestamp,
    /// Only this state of it.
    pub state: Option<State>,
    /// How many pages it has.
    pub pages: usize,
    /// Pages that could not be read, and are missing in the comparison.
    pub unreadable_pages: usize,
    /// The catalog it was judged with.
    pub catalog: String,
}

/// Whether something is there now and was not, was and is not, or is another.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// Only in the second.
    New,
    /// Only in the first.
    Gone,
    /// In both, and not the same.
    Changed,
}

/// One fact that is another one now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Which fact, such as `lifetime`.
    pub what: String,
    /// In the first.
    pub before: String,
    /// In the second.
    pub after: String,
}

/// An item that is new, gone, or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemChange {
    /// What became of it.
    pub change: Change,
    /// What kind of thing.
    pub kind: SubjectKind,
    /// Its host.
    pub host: String,
    /// Its name, key or path; `#` stands for a visitor's or a visit's id.
    pub name: String,
    /// The service behind it, by catalog id.
    pub service: Option<String>,
    /// Its category.
    pub category: Category,
    /// What changed.
    pub differences: Vec<Difference>,
    /// On how many pages.
    pub pages: usize,
    /// The first of them.
    pub first_pages: Vec<String>,
}

/// A service that is new or gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceChange {
    /// What became of it.
    pub change: Change,
    /// Its catalog id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Category,
}

/// A finding that is new or fixed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingChange {
    /// [`Change::Gone`] for one that is fixed.
    pub change: Change,
    /// Its id, the same in every run.
    pub id: String,
    /// The rule.
    pub rule: String,
    /// What is wrong, in one sentence.
    pub title: String,
    /// How grave.
    pub severity: Severity,
    /// How sure.
    pub verdict: Verdict,
    /// The page it is filed under.
    pub page: String,
    /// Somebody has accepted it.
    pub accepted: bool,
}

/// What changed on one page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PageChange {
    /// The page.
    pub url: String,
    /// The page is in one of the two only.
    pub change: Option<Change>,
    /// Items that are new here: kind, host and name.
    pub new: Vec<String>,
    /// Items that are gone from here.
    pub gone: Vec<String>,
    /// Items that changed here.
    pub changed: Vec<String>,
    /// What changed about the banner.
    pub banner: Vec<Difference>,
    /// What changed in what the site says of consent.
    pub signals: Vec<Difference>,
}

/// What changed between two runs, or two states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Always `consentinel/comparison/v1`.
    pub schema: String,
    /// The first.
    pub before: SideInfo,
    /// The second.
    pub after: SideInfo,
    /// Items of the whole site.
    pub items: Vec<ItemChange>,
    /// How many items did not change.
    pub unchanged_items: usize,
    /// Services of the whole site.
    pub services: Vec<ServiceChange>,
    /// How many services are in both.
    pub unchanged_services: usize,
    /// Findings, by id.
    pub findings: Vec<FindingChange>,
    /// How many findings are in both.
    pub unchanged_findings: usize,
    /// Pages on which something changed, or which are in one of the two only.
    pub pages: Vec<PageChange>,
    /// How many pages did not change.
    pub unchanged_pages: usize,
}

impl Comparison {
    /// Whether there is a finding that was not there before, and that nobody has accepted.
    pub fn has_new_findings(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| finding.change == Change::New && !finding.accepted)
    }
}

/// Compares two runs, or two states. Services and categories are those of one catalog for both.
pub fn compare(
    before: &Side<'_>,
    after: &Side<'_>,
    catalog: &Catalog,
) -> Result<Comparison, PageError> {
    let mut tables = Tables::default();
    let states_matter = before.state.is_none() && after.state.is_none();
    let mut first = gather::gather(before, catalog, &mut tables, states_matter)?;
    let mut second = gather::gather(after, catalog, &mut tables, states_matter)?;
    gather::join_noise(&mut first, &mut second, &tables);
    let (items, unchanged_items) = items(&first, &second, &tables);
    let (services, unchanged_services) = services(&first, &second, catalog);
    let (findings, unchanged_findings) = findings(before, after);
    let (pages, unchanged_pages) = pages(&first, &second, &tables);
    Ok(Comparison {
        schema: SCHEMA.to_owned(),
        before: info(before, &first),
        after: info(after, &second),
        items,
        unchanged_items,
        services,
        unchanged_services,
        findings,
        unchanged_findings,
        pages,
        unchanged_pages,
    })
}

fn info(side: &Side<'_>, gathered: &Gathered) -> SideInfo {
    let run = &side.head.run;
    SideInfo {
        run: run.id.clone(),
        started: run.started,
        state: side.state,
        pages: gathered.pages.len(),
        unreadable_pages: gathered.unreadable,
        catalog: run.catalog.version.clone(),
    }
}

fn items(first: &Gathered, second: &Gathered, tables: &Tables) -> (Vec<ItemChange>, usize) {
    let mut changes = Vec::new();
    let mut unchanged = 0;
    let mut all: Vec<u32> = first
        .items
        .keys()
        .chain(second.items.keys())
        .copied()
        .collect();
    all.sort_unstable();
    all.dedup();
    for item in all {
        let (one, other) = (first.items.get(&item), second.items.get(&item));
        let (change, differences) = match (one, other) {
            (Some(one), Some(other)) => {
                let differences = one.facts.differences(&other.facts);
                if differences.is_empty() {
                    unchanged += 1;
                    continue;
                }
                (Change::Changed, differences)
            }
            (None, _) => (Change::New, Vec::new()),
            (_, None) => (Change::Gone, Vec::new()),
        };
        let (Some(seen), Some(key)) = (other.or(one), tables.key(item)) else {
            continue;
        };
        changes.push(ItemChange {
            change,
            kind: key.kind,
            host: key.host.clone(),
            name: key.name.clone(),
            service: seen.facts.service.clone(),
            category: seen.facts.category,
            differences,
            pages: seen.pages,
            first_pages: seen.first_pages.clone(),
        });
    }
    changes.sort_by(|one, other| {
        (one.change, one.kind, &one.host, &one.name).cmp(&(
            other.change,
            other.kind,
            &other.host,
            &other.name,
        ))
    });
    (changes, unchanged)
}

fn services(first: &Gathered, second: &Gathered, catalog: &Catalog) -> (Vec<ServiceChange>, usize) {
    let change = |id: &String, change: Change, category: Category| ServiceChange {
        change,
        id: id.clone(),
        name: catalog
            .service(id)
            .map_or_else(|| id.clone(), |service| service.name.clone()),
        category,
    };
    let new = second
        .services
        .iter()
        .filter(|(id, _)| !first.services.contains_key(*id))
        .map(|(id, category)| change(id, Change::New, *category));
    let gone = first
        .services
        .iter()
        .filter(|(id, _)| !second.services.contains_key(*id))
        .map(|(id, category)| change(id, Change::Gone, *category));
    let unchanged = first
        .services
        .keys()
        .filter(|id| second.services.contains_key(*id))
        .count();
    (new.chain(gone).collect(), unchanged)
}

fn findings(before: &Side<'_>, after: &Side<'_>) -> (Vec<FindingChange>, usize) {
    let of = |side: &Side<'_>| -> BTreeMap<String, FindingChange> {
        let state = side.state;
        side.head
            .findings
            .iter()
            .filter(|finding| state.is_none_or(|state| finding.state == state))
            .map(|finding| {
                let change = FindingChange {
                    change: Change::New,
                    id: finding.id.clone(),
                    rule: finding.rule.clone(),
                    title: finding.title.clone(),
                    severity: finding.severity,
                    verdict: finding.verdict,
                    page: finding.page.clone(),
                    accepted: finding.accepted.is_some(),
                };
                (finding.id.clone(), change)
            })
            .collect()
    };
    let (first, second) = (of(before), of(after));
    let unchanged = first.keys().filter(|id| second.contains_key(*id)).count();
    let new = second.iter().filter(|(id, _)| !first.contains_key(*id));
    let gone = first.iter().filter(|(id, _)| !second.contains_key(*id));
    let mut changes: Vec<FindingChange> = new
        .map(|(_, change)| change.clone())
        .chain(gone.map(|(_, change)| FindingChange {
            change: Change::Gone,
            ..change.clone()
        }))
        .collect();
    changes.sort_by(|one, other| {
        (one.change, std::cmp::Reverse(one.severity), &one.id).cmp(&(
            other.change,
            std::cmp::Reverse(other.severity),
            &other.id,
        ))
    });
    (changes, unchanged)
}

fn pages(first: &Gathered, second: &Gathered, tables: &Tables) -> (Vec<PageChange>, usize) {
    let mut changes = Vec::new();
    let mut unchanged = 0;
    for (url, one) in &first.pages {
        let Some(other) = second.pages.get(url) else {
            changes.push(PageChange {
                url: url.clone(),
                change: Some(Change::Gone),
                ..PageChange::default()
            });
            continue;
        };
        let mut change = PageChange {
            url: url.clone(),
            banner: one.banner.differences(&other.banner),
            signals: gather::differences(&one.signals, &other.signals),
            ..PageChange::default()
        };
        for (item, facts) in &one.items {
            match other.items.get(item) {
                None => change.gone.extend(tables.shown(*item)),
                Some(theirs) if theirs != facts => change.changed.extend(tables.shown(*item)),
                Some(_) => {}
            }
        }
        for item in other.items.keys() {
            if !one.items.contains_key(item) {
                change.new.extend(tables.shown(*item));
            }
        }
        let same = PageChange {
            url: url.clone(),
            ..PageChange::default()
        };
        if change == same {
            unchanged += 1;
        } else {
            changes.push(change);
        }
    }
    for url in second
        .pages
        .keys()
        .filter(|url| !first.pages.contains_key(*url))
    {
        changes.push(PageChange {
            url: url.clone(),
            change: Some(Change::New),
            ..PageChange::default()
        });
    }
    (changes, unchanged)
}

/// How a side is named for a reader: its run, and its state if it is only one.
fn name_of(side: &SideInfo) -> String {
    match side.state {
        Some(state) => format!("{}:{}", side.run, state_name(state)),
        None => side.run.clone(),
    }
}
