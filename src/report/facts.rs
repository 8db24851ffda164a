//! What every format needs of a run before it writes the first line, gathered in one pass over its
//! pages: snapshots pass by and are not kept.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::redact::{self, KnownValues};
use super::wording;
use crate::model::finding::Finding;
use crate::model::party::host_of;
use crate::model::report::{Page, PageError, PageSource, Report};
use crate::model::visit::{Diagnostic, DiagnosticCode, Outcome, State};

/// Different diagnostics kept; of more it is only known how many there were.
const MOST_TOLD: usize = 2_000;

/// Pages named for one diagnostic.
const MOST_NAMED: usize = 10;

/// A run without its pages, and what is known of them.
#[derive(Debug)]
pub(super) struct Facts {
    /// The run with its findings, as they may be shown, and no pages.
    pub(super) head: Report,
    /// One for each page, in the order of the run.
    pub(super) pages: Vec<PageFacts>,
    /// Every diagnostic of the run: its own first, then those of the pages in their order.
    pub(super) told: Vec<Told>,
    /// Diagnostics beyond those.
    pub(super) more_told: usize,
    /// The states any page was visited in, in the order a visitor would meet them.
    pub(super) states: BTreeSet<State>,
}

/// What is said of a page without its snapshots.
#[derive(Debug)]
pub(super) struct PageFacts {
    /// The address as given.
    pub(super) url: String,
    /// A banner was seen.
    pub(super) banner_found: bool,
    /// The consent platform behind it, where known.
    pub(super) cmp: Option<String>,
    /// Its visits: their names, and how far they got.
    pub(super) visits: Vec<(String, Outcome)>,
    /// When the visitor first clicked in a state, in milliseconds since the visit began.
    pub(super) answered: BTreeMap<State, u64>,
}

impl PageFacts {
    fn of(page: &Page) -> Self {
        let mut answered = BTreeMap::new();
        for visit in &page.visits {
            if let Some(clicked) = visit.choice.clicked_ms {
                answered.entry(visit.state).or_insert(clicked);
            }
        }
        Self {
            url: page.url.clone(),
            banner_found: page.banner.found,
            cmp: page.banner.cmp.clone(),
            visits: page
                .visits
                .iter()
                .map(|visit| (wording::visit(page, visit), visit.outcome))
                .collect(),
            answered,
        }
    }

    /// The visits that did not run to their end.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &(String, Outcome)> {
        self.visits
            .iter()
            .filter(|(_, outcome)| *outcome != Outcome::Complete)
    }

    /// Whether a visit is missing or did not run to its end.
    pub(super) fn is_incomplete(&self) -> bool {
        self.visits.is_empty() || self.incomplete().next().is_some()
    }
}

/// A diagnostic, told once for all the pages and visits it holds for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) code: DiagnosticCode,
    pub(super) message: String,
    /// The first pages it holds for, as given; empty when it holds for the whole run.
    pub(super) pages: Vec<String>,
    /// How many pages it holds for.
    pub(super) page_count: usize,
    /// The visits of each of these pages, in words; empty when it holds for whole pages.
    pub(super) visits: Vec<String>,
}

impl Facts {
    /// Reads every page once; with `redact`, no raw value of a page is left in the findings.
    pub(super) fn gather(
        head: &Report,
        source: &dyn PageSource,
        redact: bool,
    ) -> Result<Self, PageError> {
        let mut gathered = Gathered::default();
        for Diagnostic { code, message, .. } in &head.run.diagnostics {
            gathered.tell(*code, message, None, Vec::new());
        }
        let mut findings = head.findings.clone();
        let mut by_page: HashMap<String, Vec<usize>> = HashMap::new();
        for (number, finding) in findings.iter().enumerate() {
            by_page
                .entry(finding.page.clone())
                .or_default()
                .push(number);
        }
        let mut pages = Vec::with_capacity(source.page_count());
        let mut states = BTreeSet::new();
        for page in source.pages() {
            let page = page?;
            states.extend(page.visits.iter().map(|visit| visit.state));
            let values = if redact {
                KnownValues::of(&page)
            } else {
                KnownValues::default()
            };
            for (diagnostic, visits) in of_page(&page) {
                let mut message = diagnostic.message.clone();
                values.hide(&mut message);
                gathered.tell(diagnostic.code, &message, Some(&page.url), visits);
            }
            for &number in by_page
                .get(page.url.as_str())
                .into_iter()
                .flatten()
                .filter(|_| redact)
            {
                redact_one(&mut findings, number, &values);
            }
            pages.push(PageFacts::of(&page));
        }
        let mut head = Report {
            schema: head.schema.clone(),
            run: head.run.clone(),
            pages: Vec::new(),
            services: head.services.clone(),
            findings,
            rules: head.rules.clone(),
            summary: head.summary.clone(),
        };
        if redact {
            redact::cut_head(&mut head);
        }
        Ok(Self {
            head,
            pages,
            told: gathered.told,
            more_told: gathered.more,
            states,
        })
    }

    /// The host of the first page, and how many other hosts there are.
    pub(super) fn hosts(&self) -> Option<(String, usize)> {
        let hosts: BTreeSet<String> = self.pages.iter().map(|page| host_of(&page.url)).collect();
        let first = self.pages.first()?;
        Some((host_of(&first.url), hosts.len() - 1))
    }
}

fn redact_one(findings: &mut [Finding], number: usize, values: &KnownValues) {
    if let Some(finding) = findings.get_mut(number) {
        redact::redact_finding(finding, values);
    }
}

/// Diagnostics as they are joined.
#[derive(Default)]
struct Gathered {
    told: Vec<Told>,
    places: HashMap<(DiagnosticCode, String, Vec<String>, bool), usize>,
    more: usize,
}

impl Gathered {
    fn tell(
        &mut self,
        code: DiagnosticCode,
        message: &str,
        page: Option<&str>,
        visits: Vec<String>,
    ) {
        let key = (code, message.to_owned(), visits, page.is_some());
        let place = match self.places.get(&key) {
            Some(place) => *place,
            None if self.told.len() >= MOST_TOLD => {
                self.more += 1;
                return;
            }
            None => {
                self.told.push(Told {
                    code,
                    message: message.to_owned(),
                    pages: Vec::new(),
                    page_count: 0,
                    visits: key.2.clone(),
                });
                self.places.insert(key, self.told.len() - 1);
                self.told.len() - 1
            }
        };
        if let (Some(told), Some(page)) = (self.told.get_mut(place), page) {
            told.page_count += 1;
            if told.pages.len() < MOST_NAMED {
                told.pages.push(page.to_owned());
            }
        }
    }
}

/// States with the numbers of their visits.
type Places = Vec<(State, BTreeSet<u32>)>;

/// The diagnostics of a page and its visits, each with the visits it holds for, in words.
///
/// A page repeats those of its visits, without their numbers.
fn of_page(page: &Page) -> Vec<(&Diagnostic, Vec<String>)> {
    let own = page
        .diagnostics
        .iter()
        .map(|diagnostic| (diagnostic, diagnostic.state, None));
    let of_visits = page.visits.iter().flat_map(|visit| {
        visit.diagnostics.iter().map(|diagnostic| {
            (
                diagnostic,
                Some(diagnostic.state.unwrap_or(visit.state)),
                Some(visit.repeat),
            )
        })
    });
    let mut told: Vec<(&Diagnostic, Places)> = Vec::new();
    let mut places = BTreeMap::new();
    for (diagnostic, state, repeat) in own.chain(of_visits) {
        let place = *places
            .entry((diagnostic.code, diagnostic.message.as_str()))
            .or_insert_with(|| {
                told.push((diagnostic, Vec::new()));
                told.len() - 1
            });
        let (Some((_, states)), Some(state)) = (told.get_mut(place), state) else {
            continue;
        };
        match states.iter_mut().find(|(known, _)| *known == state) {
            Some((_, repeats)) => repeats.extend(repeat),
            None => states.push((state, repeat.into_iter().collect())),
        }
    }
    told.into_iter()
        .map(|(diagnostic, states)| {
            let visits = states
                .iter()
                .map(|(state, repeats)| wording::visits(page, *state, repeats))
                .collect();
            (diagnostic, visits)
        })
        .collect()
}
