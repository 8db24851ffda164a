//! The findings, grouped by service, with their evidence.

use std::collections::HashMap;

use super::{LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, verdict_words};
use crate::model::finding::{Finding, SubjectKind};
use crate::model::snapshot::Setter;
use crate::model::visit::State;
use crate::report::facts::PageFacts;
use crate::report::outline::{Entry, Group, Outline, Owner};
use crate::report::printable::{counted, shown};
use crate::report::wording;

/// Findings shown in the whole report; the JSON report has them all.
const MOST_FINDINGS: usize = 200;

/// Findings shown for one service.
const MOST_OF_A_SERVICE: usize = 60;

/// Pages named under one finding.
const MOST_PAGES: usize = 10;

/// Steps of an initiator chain, places of a call stack, notes and laws shown.
const MOST_STEPS: usize = 12;

/// Bytes all findings may take, by the length of what they say.
const MOST_BYTES: usize = 900_000;

/// The pages of a run, by address.
pub(in crate::report) type Addresses<'a> = HashMap<&'a str, &'a PageFacts>;

pub(super) struct FindingsView {
    pub(super) groups: Vec<GroupView>,
    /// Findings not shown, after joining those of several pages.
    pub(super) more: usize,
}

pub(super) struct GroupView {
    pub(super) name: String,
    pub(super) facts: Vec<String>,
    pub(super) transfers: String,
    pub(super) notice: String,
    pub(super) worst: &'static str,
    pub(super) count: String,
    pub(super) findings: Vec<FindingView>,
    pub(super) more: usize,
    pub(super) steps: Vec<String>,
}

/// A finding with its evidence, as it is shown.
pub(crate) struct FindingView {
    pub(crate) anchor: usize,
    /// Its stable id, for a baseline.
    pub(crate) id: String,
    pub(crate) severity: &'static str,
    pub(crate) verdict: &'static str,
    pub(crate) verdict_meaning: &'static str,
    pub(crate) state: &'static str,
    pub(crate) state_meaning: &'static str,
    pub(crate) phase: &'static str,
    pub(crate) phase_meaning: &'static str,
    pub(crate) rule: String,
    pub(crate) sub_type: String,
    pub(crate) title: String,
    /// The finding is about the banner, not about an item.
    pub(crate) banner: bool,
    pub(crate) kind: &'static str,
    pub(crate) subject: String,
    pub(crate) host: String,
    pub(crate) party: &'static str,
    pub(crate) category: &'static str,
    pub(crate) when: String,
    /// On which page, where the report has more than one.
    pub(crate) place: String,
    pub(crate) lifetime: String,
    pub(crate) fingerprint: String,
    /// From the page inwards to what wrote or sent the item.
    pub(crate) chain: Vec<String>,
    pub(crate) stack: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) proof: &'static str,
    pub(crate) certainty: &'static str,
    pub(crate) seen: String,
    pub(crate) legal: Vec<String>,
    pub(crate) remedy: String,
    pub(crate) pages: Vec<String>,
    pub(crate) more_pages: usize,
}

/// Which findings an item of a visit has: rule and place in the report, by state, kind, host and name.
#[derive(Default)]
pub(super) struct FindingIndex<'a> {
    by_item: HashMap<(State, SubjectKind, &'a str, &'a str), Vec<Marked<'a>>>,
    by_host: HashMap<(State, &'a str), Vec<Marked<'a>>>,
}

/// A finding, as a mark beside an item.
#[derive(Clone, Copy)]
pub(super) struct Marked<'a> {
    pub(super) rule: &'a str,
    /// Its number in the report; absent when it was left out there.
    pub(super) anchor: Option<usize>,
    pages: &'a [&'a str],
}

impl<'a> FindingIndex<'a> {
    pub(super) fn of(outline: &'a Outline<'_>) -> Self {
        let mut index = Self::default();
        for (anchor, entry) in numbered(outline) {
            let Finding { state, subject, .. } = entry.finding;
            let marked = Marked {
                rule: &entry.finding.rule,
                anchor,
                pages: &entry.pages,
            };
            index
                .by_item
                .entry((*state, subject.kind, &subject.host, &subject.name))
                .or_default()
                .push(marked);
            if subject.kind == SubjectKind::Request {
                index
                    .by_host
                    .entry((*state, &subject.host))
                    .or_default()
                    .push(marked);
            }
        }
        index
    }

    /// Findings about an item of `page`.
    pub(super) fn of_item<'s>(
        &'s self,
        page: &'s str,
        state: State,
        kind: SubjectKind,
        host: &'s str,
        name: &'s str,
    ) -> impl Iterator<Item = Marked<'s>> {
        on_page(self.by_item.get(&(state, kind, host, name)), page)
    }

    /// Findings about requests of `page` to `host`.
    pub(super) fn of_host<'s>(
        &'s self,
        page: &'s str,
        state: State,
        host: &'s str,
    ) -> impl Iterator<Item = Marked<'s>> {
        on_page(self.by_host.get(&(state, host)), page)
    }
}

fn on_page<'s>(
    marked: Option<&'s Vec<Marked<'s>>>,
    page: &'s str,
) -> impl Iterator<Item = Marked<'s>> {
    marked
        .into_iter()
        .flatten()
        .copied()
        .filter(move |marked| marked.pages.contains(&page))
}

/// The findings in the order shown; those left out have no number.
fn numbered<'o, 'a>(
    outline: &'o Outline<'a>,
) -> impl Iterator<Item = (Option<usize>, &'o Entry<'a>)> {
    let mut next = 0;
    let mut bytes = 0;
    outline
        .groups
        .iter()
        .flat_map(|group| group.entries.iter().enumerate())
        .map(move |(place, entry)| {
            bytes += length(entry);
            if place >= MOST_OF_A_SERVICE || next >= MOST_FINDINGS || bytes > MOST_BYTES {
                return (None, entry);
            }
            next += 1;
            (Some(next), entry)
        })
}

/// About how many bytes a finding takes in the file, with what its service is told to do.
fn length(entry: &Entry<'_>) -> usize {
    /// Tags and words around what it says.
    const FRAME: usize = 3_000;
    let finding = entry.finding;
    let evidence = &finding.evidence;
    let of = |texts: &mut dyn Iterator<Item = &str>, limit: usize| -> usize {
        texts
            .take(MOST_STEPS)
            .map(|text| escaped(text, limit))
            .sum()
    };
    let mut chain = evidence
        .initiator_chain
        .iter()
        .map(|step| step.url.as_str());
    let mut notes = evidence.notes.iter().map(String::as_str);
    let mut laws = finding.legal.iter().map(String::as_str);
    let mut prose = [finding.remedy.as_str(), &finding.title].into_iter();
    let mut names = [finding.subject.name.as_str(), &finding.subject.host].into_iter();
    let stack = match &evidence.set_by {
        Some(Setter::Script { stack }) => stack.as_slice(),
        _ => &[],
    };
    let mut stack = stack.iter().map(|place| place.url.as_str());
    FRAME
        + of(&mut chain, LONGEST_URL)
        + of(&mut stack, LONGEST_URL)
        + of(&mut entry.pages.iter().copied(), LONGEST_URL)
        + of(&mut laws, LONGEST_URL)
        + of(&mut names, LONGEST_NAME)
        // A remedy stands with its finding, and once more among the steps of its service.
        + 2 * of(&mut prose, LONGEST_PROSE)
        + of(&mut notes, LONGEST_PROSE)
}

/// Bytes of at most `limit` characters of a text when HTML's signs in it are escaped.
fn escaped(text: &str, limit: usize) -> usize {
    text.chars()
        .take(limit)
        .map(|letter| match letter {
            '<' | '>' | '&' | '"' | '\'' => "&#60;".len(),
            _ => letter.len_utf8(),
        })
        .sum()
}

impl FindingsView {
    pub(super) fn of(outline: &Outline<'_>) -> Self {
        let pages = outline.by_address();
        let mut numbers = numbered(outline);
        let mut more = 0;
        let mut groups = Vec::new();
        for group in &outline.groups {
            let entries: Vec<(usize, &Entry<'_>)> = numbers
                .by_ref()
                .take(group.entries.len())
                .filter_map(|(anchor, entry)| anchor.map(|anchor| (anchor, entry)))
                .collect();
            if entries.is_empty() {
                more += group.entries.len();
            } else {
                groups.push(GroupView::of(&pages, group, &entries));
            }
        }
        Self { groups, more }
    }
}

impl GroupView {
    fn of(pages: &Addresses<'_>, group: &Group<'_>, entries: &[(usize, &Entry<'_>)]) -> Self {
        let mut facts = Vec::new();
        let mut transfers = String::new();
        let mut notice = String::new();
        if let Some(service) = group.service {
            facts.extend(service.vendor.as_deref().map(|vendor| shown(vendor, 80)));
            facts.extend(service.country.as_deref().map(|country| shown(country, 8)));
            facts.push(wording::category(service.category).to_owned());
            let countries: Vec<String> = service
                .transfers
                .iter()
                .take(20)
                .map(|country| shown(country, 40))
                .collect();
            transfers = countries.join(", ");
            notice = service
                .notice
                .as_deref()
                .map(|notice| shown(notice, LONGEST_PROSE))
                .unwrap_or_default();
        } else if matches!(group.owner, Owner::Unknown(_)) {
            facts.push(
                "not in the catalog: who it is and what it is for has to be found out".to_owned(),
            );
        }
        Self {
            name: shown(&group.name(), LONGEST_NAME),
            facts,
            transfers,
            notice,
            worst: wording::severity(group.worst),
            count: counted(group.count, "finding", "findings"),
            findings: entries
                .iter()
                .map(|(anchor, entry)| FindingView::of(pages, *anchor, entry))
                .collect(),
            more: group.entries.len() - entries.len(),
            steps: group
                .steps()
                .into_iter()
                .take(MOST_STEPS)
                .map(|step| shown(step, LONGEST_PROSE))
                .collect(),
        }
    }
}

impl FindingView {
    pub(in crate::report) fn of(pages: &Addresses<'_>, anchor: usize, entry: &Entry<'_>) -> Self {
        let finding = entry.finding;
        let evidence = &finding.evidence;
        let (verdict, verdict_meaning) = verdict_words(finding.verdict);
        Self {
            anchor,
            id: shown(&finding.id, 80),
            severity: wording::severity(finding.severity),
            verdict,
            verdict_meaning,
            state: wording::state(finding.state),
            state_meaning: wording::state_meaning(finding.state),
            phase: wording::phase(finding.phase),
            phase_meaning: wording::phase_meaning(finding.phase),
            rule: shown(&finding.rule, 20),
            sub_type: finding
                .sub_type
                .as_deref()
                .map(|sub_type| shown(sub_type, 40))
                .unwrap_or_default(),
            title: shown(&finding.title, 300),
            banner: finding.subject.kind == SubjectKind::Banner,
            kind: wording::subject_kind(finding.subject.kind),
            subject: shown(&finding.subject.name, LONGEST_NAME),
            host: shown(&finding.subject.host, LONGEST_NAME),
            party: wording::party(finding.subject.party),
            category: wording::category(finding.category),
            when: when(pages, finding),
            place: match entry.pages.as_slice() {
                _ if pages.len() < 2 => String::new(),
                [page] => format!("on {}", shown(page, LONGEST_URL)),
                several => format!("on {}", counted(several.len(), "page", "pages")),
            },
            lifetime: evidence
                .lifetime
                .as_deref()
                .map(|lifetime| shown(lifetime, 60))
                .unwrap_or_default(),
            fingerprint: evidence
                .value_fingerprint
                .as_deref()
                .map(|print| shown(print, 64))
                .unwrap_or_default(),
            chain: chain(finding),
            stack: stack(finding),
            notes: evidence
                .notes
                .iter()
                .take(MOST_STEPS)
                .map(|note| shown(note, LONGEST_PROSE))
                .chain(finding.accepted.as_ref().map(|accepted| {
                    let words = format!(
                        "accepted by {} until {}: {}",
                        accepted.owner, accepted.until, accepted.reason
                    );
                    shown(&words, LONGEST_PROSE)
                }))
                .collect(),
            proof: wording::proof(finding.proof),
            certainty: wording::certainty(finding.certainty),
            seen: if finding.seen.of > 1 {
                format!("in {} of {} visits", finding.seen.k, finding.seen.of)
            } else {
                String::new()
            },
            legal: finding
                .legal
                .iter()
                .take(MOST_STEPS)
                .map(|law| shown(law, 200))
                .collect(),
            remedy: shown(&finding.remedy, LONGEST_PROSE),
            pages: entry
                .pages
                .iter()
                .take(MOST_PAGES)
                .map(|page| shown(page, LONGEST_URL))
                .collect(),
            more_pages: entry.pages.len().saturating_sub(MOST_PAGES),
        }
    }
}

/// When it happened, against the moment of choice.
fn when(pages: &Addresses<'_>, finding: &Finding) -> String {
    let Some(at_ms) = finding.evidence.at_ms else {
        return String::new();
    };
    let opened = format!("{} after the page was opened", wording::moment(at_ms));
    let answered = pages
        .get(finding.page.as_str())
        .and_then(|page| page.answered.get(&finding.state).copied());
    match answered {
        _ if finding.state == State::Before => format!("{opened}; no answer was given"),
        None => opened,
        Some(click) if at_ms < click => format!(
            "{opened}, {} before the answer",
            wording::moment(click - at_ms)
        ),
        Some(click) => format!(
            "{opened}, {} after the answer",
            wording::moment(at_ms - click)
        ),
    }
}

fn place(url: &str, line: u32) -> String {
    match line {
        0 => shown(url, LONGEST_URL),
        _ => format!("{}, line {line}", shown(url, LONGEST_URL)),
    }
}

fn chain(finding: &Finding) -> Vec<String> {
    let steps = &finding.evidence.initiator_chain;
    // The page's own tag and the innermost scripts say most: what lies between gives way.
    let left_out = steps.len().saturating_sub(MOST_STEPS);
    let mut chain: Vec<String> = steps
        .iter()
        .rev()
        .enumerate()
        .filter(|(depth, _)| *depth == 0 || *depth > left_out)
        .map(|(_, step)| {
            format!(
                "{} ({})",
                place(&step.url, step.line),
                shown(&step.kind, 20)
            )
        })
        .collect();
    if left_out > 0 {
        chain.insert(1, format!("… {left_out} more"));
    }
    if let Some(Setter::Response { url }) = &finding.evidence.set_by {
        chain.push(format!("{} (Set-Cookie header)", shown(url, LONGEST_URL)));
    }
    chain
}

fn stack(finding: &Finding) -> Vec<String> {
    let Some(Setter::Script { stack }) = &finding.evidence.set_by else {
        return Vec::new();
    };
    stack
        .iter()
        .take(MOST_STEPS)
        .map(|frame| {
            let function = if frame.function.is_empty() {
                "(no name)"
            } else {
                &frame.function
            };
            format!(
                "{} at {}, column {}",
                shown(function, 60),
                place(&frame.url, frame.line),
                frame.column
            )
        })
        .collect()
}
