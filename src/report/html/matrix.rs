//! The states side by side: what is there in which.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use super::LONGEST_NAME;
use super::findings::{FindingIndex, Marked};
use crate::model::finding::SubjectKind;
use crate::model::party::{Party, host_of};
use crate::model::report::Page;
use crate::model::snapshot::Write;
use crate::model::visit::{Outcome, PhaseName, State, Visit};
use crate::report::printable::{counted, number, shown};
use crate::report::wording;

/// Rows kept of one page.
const MOST_ROWS: usize = 5_000;

/// How many things of each kind, by state.
pub(super) struct Totals {
    pub(super) rows: Vec<(&'static str, Vec<String>)>,
}

/// Items and the states they appear in.
#[derive(Default)]
pub(super) struct Matrix {
    pub(super) rows: Vec<Row>,
    pub(super) more: usize,
    /// Items left out because an earlier page shows them alike: its number, and how many.
    pub(super) same: Vec<(usize, String)>,
}

/// Rows of earlier pages, each with the page that showed it first.
#[derive(Default)]
pub(super) struct KnownRows {
    first: HashMap<u64, usize>,
}

/// Rows of earlier pages remembered.
const MOST_KNOWN: usize = 100_000;

impl KnownRows {
    /// The page that showed the same row before.
    fn page_of(&mut self, number: usize, row: &Row) -> Option<usize> {
        let mut hasher = DefaultHasher::new();
        (row.kind, &row.name, &row.host, row.party, &row.lifetime).hash(&mut hasher);
        for cell in &row.cells {
            // To the millisecond no two pages are alike.
            let text = if cell.timed { "" } else { &cell.text };
            let rules: Vec<&String> = cell.rules.iter().map(|(rule, _)| rule).collect();
            (cell.class, text, rules).hash(&mut hasher);
        }
        let known = hasher.finish();
        if self.first.len() >= MOST_KNOWN {
            return self.first.get(&known).copied();
        }
        let first = *self.first.entry(known).or_insert(number);
        (first != number).then_some(first)
    }
}

#[derive(Clone)]
pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) name: String,
    pub(super) host: String,
    pub(super) party: &'static str,
    pub(super) lifetime: String,
    pub(super) cells: Vec<Cell>,
}

/// What one state shows of an item.
#[derive(Default, Clone)]
pub(super) struct Cell {
    /// `none`, `unknown`, `seen` or `found`.
    pub(super) class: &'static str,
    pub(super) text: String,
    /// The text names a moment.
    timed: bool,
    /// Rules broken, with their places in the report.
    pub(super) rules: Vec<(String, Option<usize>)>,
}

impl Totals {
    pub(super) fn of(page: &Page, states: &[State]) -> Self {
        let count = |what: fn(&Visit) -> usize| -> Vec<String> {
            let counts = |state| visits_in(page, state).map(what);
            let range = |state: &State| match (counts(*state).min(), counts(*state).max()) {
                (Some(least), Some(most)) if least < most => {
                    format!("{} to {}", number(least), number(most))
                }
                (Some(count), _) => number(count),
                _ => "not visited".to_owned(),
            };
            states.iter().map(range).collect()
        };
        Self {
            rows: vec![
                (
                    "Cookies stored",
                    count(|visit| {
                        visit
                            .snapshot
                            .cookies
                            .iter()
                            .filter(|cookie| cookie.blocked.is_empty())
                            .count()
                    }),
                ),
                (
                    "Storage entries",
                    count(|visit| visit.snapshot.storage.len()),
                ),
                ("Requests", count(|visit| visit.snapshot.requests.len())),
                (
                    "Requests to third parties",
                    count(|visit| third_party(visit).count()),
                ),
                (
                    "Third-party hosts",
                    count(|visit| third_party(visit).collect::<BTreeSet<_>>().len()),
                ),
            ],
        }
    }
}

/// The host of each request to a third party.
fn third_party(visit: &Visit) -> impl Iterator<Item = String> {
    visit
        .snapshot
        .requests
        .iter()
        .filter(|request| request.party == Party::Third)
        .map(|request| host_of(&request.url))
}

fn visits_in(page: &Page, state: State) -> impl Iterator<Item = &Visit> {
    page.visits.iter().filter(move |visit| visit.state == state)
}

/// What makes two items of different states the same.
type Key = (u8, SubjectKind, Party, String, String);

/// An item before its cells are put in the order of the states.
#[derive(Default)]
struct Draft {
    lifetime: String,
    cells: BTreeMap<State, (Cell, BTreeSet<u32>)>,
}

impl Draft {
    /// Notes what one visit shows. Of repeated visits the first one's words stand, with how many showed it.
    fn show(&mut self, visit: &Visit, cell: Cell) {
        let (_, repeats) = self
            .cells
            .entry(visit.state)
            .or_insert_with(|| (cell, BTreeSet::new()));
        repeats.insert(visit.repeat);
    }

    /// What the visits of one state show together.
    fn cell(&mut self, page: &Page, state: State) -> Cell {
        let Some((mut cell, repeats)) = self.cells.remove(&state) else {
            return absent(page, state);
        };
        let all = visits_in(page, state).count();
        if all > 1 {
            cell.text = format!("{}, in {} of {all} visits", cell.text, repeats.len());
        }
        cell
    }
}

impl Matrix {
    /// At most `limit` of these rows.
    pub(super) fn of(rows: &[Row], same: &[(usize, String)], limit: usize) -> Self {
        Self {
            rows: rows.iter().take(limit).cloned().collect(),
            more: rows.len().saturating_sub(limit),
            same: same.to_vec(),
        }
    }

    /// The rows of a page but for those an earlier one shows alike, and how many each of these shows.
    pub(super) fn rows(
        page: &Page,
        number: usize,
        states: &[State],
        index: &FindingIndex<'_>,
        known: &mut KnownRows,
    ) -> (Vec<Row>, Vec<(usize, String)>) {
        let mut same: BTreeMap<usize, usize> = BTreeMap::new();
        let mut rows = Self::all_rows(page, states, index);
        rows.retain(|row| match known.page_of(number, row) {
            Some(first) => {
                *same.entry(first).or_default() += 1;
                false
            }
            None => true,
        });
        rows.truncate(MOST_ROWS);
        let same = same
            .into_iter()
            .map(|(first, count)| (first, counted(count, "item", "items")))
            .collect();
        (rows, same)
    }

    fn all_rows(page: &Page, states: &[State], index: &FindingIndex<'_>) -> Vec<Row> {
        let mut drafts: BTreeMap<Key, Draft> = BTreeMap::new();
        for visit in &page.visits {
            items(page, visit, index, &mut drafts);
            hosts(page, visit, index, &mut drafts);
        }
        let mut drafts: Vec<(Key, Draft)> = drafts.into_iter().collect();
        // What broke a rule must not be what a long list leaves out.
        drafts.sort_by_key(|((order, ..), draft)| {
            (
                draft.cells.values().all(|(cell, _)| cell.rules.is_empty()),
                *order,
            )
        });
        drafts
            .into_iter()
            .map(|((_, kind, party, host, name), mut draft)| Row {
                kind: if kind == SubjectKind::Request {
                    "requests to"
                } else {
                    wording::subject_kind(kind)
                },
                name: shown(
                    if kind == SubjectKind::Request {
                        &host
                    } else {
                        &name
                    },
                    LONGEST_NAME,
                ),
                host: if kind == SubjectKind::Request {
                    String::new()
                } else {
                    shown(&host, LONGEST_NAME)
                },
                party: wording::party(party),
                cells: states
                    .iter()
                    .map(|state| draft.cell(page, *state))
                    .collect(),
                lifetime: draft.lifetime,
            })
            .collect()
    }
}

/// Nothing seen: worth saying only when every visit ran to its end.
fn absent(page: &Page, state: State) -> Cell {
    let mut visits = visits_in(page, state).peekable();
    let (class, text) =
        if visits.peek().is_some() && visits.all(|visit| visit.outcome == Outcome::Complete) {
            ("none", "not seen")
        } else {
            ("unknown", "not known")
        };
    Cell {
        class,
        text: text.to_owned(),
        ..Cell::default()
    }
}

fn items(page: &Page, visit: &Visit, index: &FindingIndex<'_>, drafts: &mut BTreeMap<Key, Draft>) {
    let snapshot = &visit.snapshot;
    for cookie in &snapshot.cookies {
        let marked = index.of_item(
            &page.url,
            visit.state,
            SubjectKind::Cookie,
            &cookie.domain,
            &cookie.name,
        );
        let text = if cookie.blocked.is_empty() {
            stored(
                visit.state,
                cookie.at_ms,
                cookie.phase,
                &cookie.writes,
                cookie.alive,
            )
        } else {
            "refused by the browser".to_owned()
        };
        let key = (
            0,
            SubjectKind::Cookie,
            cookie.party,
            cookie.domain.clone(),
            cookie.name.clone(),
        );
        let draft = drafts.entry(key).or_default();
        draft.lifetime = wording::lifetime(cookie.lifetime_s);
        let cell = Cell {
            timed: visit.state == State::Before && cookie.blocked.is_empty(),
            ..cell(text, marked)
        };
        draft.show(visit, cell);
    }
    for entry in &snapshot.storage {
        let kind = wording::subject_of_storage(entry.kind);
        let host = match host_of(&entry.origin) {
            host if host.is_empty() => entry.origin.clone(),
            host => host,
        };
        let marked = index.of_item(&page.url, visit.state, kind, &host, &entry.key);
        let text = stored(
            visit.state,
            entry.at_ms,
            entry.phase,
            &entry.writes,
            entry.alive,
        );
        let cell = Cell {
            timed: visit.state == State::Before,
            ..cell(text, marked)
        };
        drafts
            .entry((1, kind, entry.party, host, entry.key.clone()))
            .or_default()
            .show(visit, cell);
    }
}

fn hosts(page: &Page, visit: &Visit, index: &FindingIndex<'_>, drafts: &mut BTreeMap<Key, Draft>) {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for request in visit
        .snapshot
        .requests
        .iter()
        .filter(|request| request.party == Party::Third)
    {
        let (all, before) = counts.entry(host_of(&request.url)).or_default();
        *all += 1;
        *before += usize::from(request.phase.is_before_choice());
    }
    for (host, (all, before)) in counts {
        let mut text = counted(all, "request", "requests");
        if visit.state != State::Before && before > 0 {
            text = format!("{text}, {} before the answer", number(before));
        }
        let cell = cell(text, index.of_host(&page.url, visit.state, &host));
        let key = (2, SubjectKind::Request, Party::Third, host, String::new());
        drafts.entry(key).or_default().show(visit, cell);
    }
}

fn cell<'a>(text: String, marked: impl Iterator<Item = Marked<'a>>) -> Cell {
    let mut rules: Vec<(String, Option<usize>)> = marked
        .map(|marked| (shown(marked.rule, 20), marked.anchor))
        .collect();
    rules.truncate(6);
    Cell {
        class: if rules.is_empty() { "seen" } else { "found" },
        text,
        rules,
        ..Cell::default()
    }
}

/// When a stored item was written, against the answer.
fn stored(state: State, at_ms: u64, phase: PhaseName, writes: &[Write], alive: bool) -> String {
    let mut text = match phase {
        _ if state == State::Before => format!("at {}", wording::moment(at_ms)),
        PhaseName::Idle | PhaseName::Active
            if writes
                .iter()
                .any(|write| write.phase.is_after_choice() && !write.deleted) =>
        {
            "before the answer, and again after it".to_owned()
        }
        PhaseName::Idle | PhaseName::Active => "before the answer".to_owned(),
        PhaseName::Choosing => "while answering".to_owned(),
        PhaseName::Chosen | PhaseName::Revisit => "after the answer".to_owned(),
        PhaseName::Emptied => "after the cookies were deleted".to_owned(),
    };
    if !alive {
        text.push_str(", gone at the end");
    }
    text
}
