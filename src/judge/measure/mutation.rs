//! Changes of a case that must not change what is said of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, Kind};
use crate::catalog::{Catalog, ItemQuery, Treatment};
use crate::judge::declaration::Declarations;
use crate::model::finding::Category;
use crate::model::party::{Party, host_of, party_of};
use crate::model::report::Page;
use crate::model::snapshot::{Document, Setter, StorageKind, Write as Stored};
use crate::model::value::{Value, sha256_hex};
use crate::model::visit::{Banner, Visit};

/// The latest a mutated page does anything, in milliseconds more than it did.
const DELAY_MS: u64 = 15_000;
/// The document of the frame a mutated banner stands in.
const FRAME: &str = "https://banner.consent-frame.test/notice";

/// How a case is changed without changing what is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutation {
    /// Not at all.
    None,
    /// Visits, items, requests and signals stand in the opposite order.
    Reversed,
    /// Everything happens fifteen seconds later.
    Delayed,
    /// Cookies and storage entries have names nobody knows, in lists and policies too; what is exempt by
    /// its name keeps it.
    Renamed,
    /// The banner stands in a frame of another site. A shadow root leaves no trace in what is recorded.
    Framed,
}

impl Mutation {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Reversed,
        Self::Delayed,
        Self::Renamed,
        Self::Framed,
    ];

    /// The rules that speak in the place of one that knows items by their names, once those are gone.
    pub(super) fn takes_over(self, rule: &str) -> &'static [&'static str] {
        match (self, rule) {
            (Self::Renamed, "R02") => &["R03", "R05"],
            _ => &[],
        }
    }

    /// Whether what is right of a case is still so once it is changed.
    ///
    /// Without names there is only behaviour, and that takes two profiles: what one visit alone shows
    /// cannot be known. The same holds for what a site's own script keeps to itself, and for a known
    /// tracker declared as necessary (R33).
    pub(super) fn applies(self, case: &Case, catalog: &Catalog) -> bool {
        if self != Self::Renamed || case.kind != Kind::Positive {
            return true;
        }
        case.rule != "R33"
            && case.pages.iter().all(|page| {
                let names = new_names([page], catalog);
                names.keys().all(|name| {
                    holders(page, name) >= 2 && (case.rule != "R02" || leaves_the_site(page, name))
                })
            })
    }

    /// The pages of a case, changed.
    pub(super) fn of(self, case: &Case, catalog: &Catalog) -> Case {
        let mut case = case.clone();
        let names = if self == Self::Renamed {
            new_names(case.pages.iter().chain(&case.earlier), catalog)
        } else {
            BTreeMap::new()
        };
        for page in case.pages.iter_mut().chain(&mut case.earlier) {
            match self {
                Self::None => {}
                Self::Reversed => reverse(page),
                Self::Delayed => page
                    .visits
                    .iter_mut()
                    .for_each(|visit| delay(visit, DELAY_MS)),
                Self::Renamed => rename(page, &names),
                Self::Framed => {
                    frame(&mut page.banner);
                    page.visits
                        .iter_mut()
                        .for_each(|visit| frame(&mut visit.banner));
                }
            }
        }
        case
    }
}

fn frame(banner: &mut Banner) {
    if banner.found {
        banner.frame = Some(FRAME.to_owned());
    }
}

fn reverse(page: &mut Page) {
    page.visits.reverse();
    for visit in &mut page.visits {
        let snapshot = &mut visit.snapshot;
        snapshot.cookies.reverse();
        snapshot.storage.reverse();
        snapshot.requests.reverse();
        snapshot.signals.reverse();
        snapshot.fingerprinting.reverse();
    }
}

fn delay(visit: &mut Visit, by_ms: u64) {
    let later = |at_ms: &mut u64| *at_ms = at_ms.saturating_add(by_ms);
    let writes =
        |writes: &mut Vec<Stored>| writes.iter_mut().for_each(|write| write.at_ms += by_ms);
    for phase in &mut visit.phases {
        // The first phase begins with the visit, and only lasts longer.
        if phase.start_ms > 0 {
            later(&mut phase.start_ms);
        }
        later(&mut phase.end_ms);
    }
    let choice = &mut visit.choice;
    for at_ms in [
        &mut choice.clicked_ms,
        &mut choice.confirmed_ms,
        &mut visit.banner.seen_ms,
    ]
    .into_iter()
    .flatten()
    {
        later(at_ms);
    }
    later(&mut visit.timing.total_ms);
    let snapshot = &mut visit.snapshot;
    for cookie in &mut snapshot.cookies {
        later(&mut cookie.at_ms);
        writes(&mut cookie.writes);
        cookie
            .sent
            .iter_mut()
            .for_each(|sent| later(&mut sent.at_ms));
    }
    for entry in &mut snapshot.storage {
        later(&mut entry.at_ms);
        writes(&mut entry.writes);
    }
    snapshot
        .requests
        .iter_mut()
        .for_each(|request| later(&mut request.at_ms));
    snapshot
        .signals
        .iter_mut()
        .for_each(|signal| later(&mut signal.at_ms));
    snapshot
        .fingerprinting
        .iter_mut()
        .for_each(|read| later(&mut read.at_ms));
}

/// Gives a name nobody knows to whatever is not exempt by its name.
fn rename(page: &mut Page, names: &BTreeMap<String, String>) {
    let change = |name: &mut String| {
        if let Some(new) = names.get(name) {
            name.clone_from(new);
        }
    };
    for visit in &mut page.visits {
        let snapshot = &mut visit.snapshot;
        snapshot
            .cookies
            .iter_mut()
            .for_each(|cookie| change(&mut cookie.name));
        snapshot
            .storage
            .iter_mut()
            .for_each(|entry| change(&mut entry.key));
        snapshot
            .signals
            .iter_mut()
            .for_each(|signal| change(&mut signal.source));
        for request in &mut snapshot.requests {
            request.sent_cookies.iter_mut().for_each(change);
            request.set_cookies.iter_mut().for_each(change);
            for hop in &mut request.redirect_chain {
                hop.set_cookies.iter_mut().for_each(change);
            }
        }
        for document in &mut snapshot.documents {
            let mut text = document.text.text().to_owned();
            for (name, new) in names {
                text = text.replace(&format!("\"{name}\""), &format!("\"{new}\""));
            }
            document.text = Value::up_to(Document::LONGEST, &text);
        }
    }
    for table in page.policy.iter_mut().flat_map(|policy| &mut policy.tables) {
        table.rows.iter_mut().flatten().for_each(change);
    }
}

/// How many visits hold something of that name.
fn holders(page: &Page, name: &str) -> usize {
    page.visits
        .iter()
        .filter(|visit| {
            let snapshot = &visit.snapshot;
            snapshot.cookies.iter().any(|cookie| cookie.name == name)
                || snapshot.storage.iter().any(|entry| entry.key == name)
        })
        .count()
}

/// Whether a cookie of that name is a third party's, or a third party's script wrote it.
fn leaves_the_site(page: &Page, name: &str) -> bool {
    let site = host_of(&page.final_url);
    let cookies = page.visits.iter().flat_map(|visit| &visit.snapshot.cookies);
    cookies.filter(|cookie| cookie.name == name).all(|cookie| {
        let writer = cookie.set_by.as_ref().and_then(Setter::url).map(host_of);
        cookie.party == Party::Third
            || writer.is_some_and(|host| party_of(&host, &site) == Party::Third)
    })
}

/// A name nobody knows for whatever is not exempt by its name, nor declared by a pattern.
fn new_names<'p>(
    pages: impl IntoIterator<Item = &'p Page>,
    catalog: &Catalog,
) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut by_pattern: BTreeSet<String> = BTreeSet::new();
    for page in pages {
        let site = host_of(&page.final_url);
        for visit in &page.visits {
            for cookie in &visit.snapshot.cookies {
                let query = (cookie.name.as_str(), cookie.domain.as_str(), None);
                collect(&mut names, catalog, query, cookie.value.text(), &site);
            }
            for entry in &visit.snapshot.storage {
                let host = host_of(&entry.origin);
                let query = (entry.key.as_str(), host.as_str(), Some(entry.kind));
                collect(&mut names, catalog, query, entry.value.text(), &site);
            }
        }
        let declared = Declarations::of(page);
        let entries = declared.entries.iter().map(|entry| &entry.name);
        let disclosed = declared
            .disclosures
            .iter()
            .map(|disclosure| &disclosure.name);
        for pattern in entries.chain(disclosed).filter(|name| name.is_pattern()) {
            let fitting = names.keys().filter(|name| pattern.fits(name)).cloned();
            by_pattern.extend(fitting);
        }
    }
    names.retain(|name, _| !by_pattern.contains(name));
    names
}

/// Name, host and kind of storage of an item.
type Named<'a> = (&'a str, &'a str, Option<StorageKind>);

fn collect(
    names: &mut BTreeMap<String, String>,
    catalog: &Catalog,
    (name, host, storage): Named<'_>,
    value: &str,
    site: &str,
) {
    let query = ItemQuery {
        name,
        host,
        storage,
        site,
        set_by: &[],
        value,
        contacted: &BTreeSet::new(),
    };
    let by_table = catalog
        .override_for(&query)
        .is_some_and(|row| row.treatment != Treatment::Consent);
    let by_service = catalog.match_item(&query).is_some_and(|found| {
        found.exempt.is_some()
            || found.category == Category::Necessary
            || matches!(found.role.as_deref(), Some("consent-record" | "test"))
    });
    if !by_table && !by_service {
        let digest = sha256_hex(name.as_bytes());
        names.insert(name.to_owned(), format!("x{}", &digest[..5]));
    }
}
