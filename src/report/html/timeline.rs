//! A picture of a page's visits: what was sent and stored, against the moment of choice.
//!
//! One lane for each state. The answer stands at the same place in every lane; left of it is what
//! happened without one. Each stretch of time has its own scale, or the first second of a page,
//! when most happens, would be a line's width.

use std::collections::BTreeMap;

use super::findings::FindingIndex;
use crate::model::finding::SubjectKind;
use crate::model::party::{Party, host_of};
use crate::model::report::Page;
use crate::model::snapshot::Request;
use crate::model::visit::{Phase, PhaseName, State, Visit};
use crate::report::printable::{counted, number};
use crate::report::wording;

/// Width of the picture and of its parts, in the units of its view box.
const LEFT: f64 = 12.0;
const ANSWER: f64 = 470.0;
const AFTER: f64 = 530.0;
const RIGHT: f64 = 988.0;
const LANE: f64 = 124.0;
const TOP: f64 = 34.0;

/// Where requests stand in a lane, how high they may be, and where stored items stand.
const REQUESTS: f64 = 72.0;
const TALLEST: f64 = 34.0;
const STORED: f64 = 108.0;

/// Width of a bar and of a stored item's mark.
const BAR: f64 = 5.0;
const MARK: f64 = 11.0;

/// Marks above each other before the next one moves right.
const STACK: usize = 3;

/// Visits drawn for one page.
const MOST_LANES: usize = 12;

/// Marks drawn in one lane.
const MOST_MARKS: usize = 120;

pub(super) struct Timeline {
    pub(super) height: f64,
    pub(super) answer: f64,
    pub(super) after: f64,
    pub(super) middle_before: f64,
    pub(super) middle_answer: f64,
    pub(super) middle_after: f64,
    pub(super) lanes: Vec<Lane>,
    /// Visits not drawn.
    pub(super) more: usize,
}

pub(super) struct Lane {
    pub(super) y: f64,
    pub(super) name: String,
    pub(super) meaning: &'static str,
    pub(super) answered: bool,
    pub(super) bands: Vec<Band>,
    /// Outlines of the bars: own requests, third-party requests, requests with a finding.
    pub(super) own: String,
    pub(super) third: String,
    pub(super) found: String,
    /// Outlines of the stored items, without and with a finding.
    pub(super) stored: String,
    pub(super) stored_found: String,
    /// The lane in a sentence.
    pub(super) words: String,
}

/// One phase of a lane.
pub(super) struct Band {
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) class: &'static str,
    pub(super) label: String,
}

/// A phase and where it is drawn.
struct Stretch<'a> {
    phase: &'a Phase,
    from: f64,
    to: f64,
}

impl Timeline {
    /// The picture; `None` when there is nothing to draw.
    pub(super) fn of(page: &Page, index: &FindingIndex<'_>) -> Option<Self> {
        let mut visits: Vec<&Visit> = page
            .visits
            .iter()
            .filter(|visit| !visit.phases.is_empty())
            .collect();
        let more = visits.len().saturating_sub(MOST_LANES);
        // Of many visits the first of each state are drawn.
        visits.sort_by_key(|visit| visit.repeat);
        visits.truncate(MOST_LANES);
        visits.sort_by_key(|visit| (visit.state, visit.repeat));
        if visits.is_empty() {
            return None;
        }
        let lanes: Vec<Lane> = visits
            .iter()
            .enumerate()
            .map(|(place, visit)| Lane::of(TOP + LANE * place as f64, page, visit, index))
            .collect();
        Some(Self {
            height: TOP + LANE * lanes.len() as f64,
            answer: ANSWER,
            after: AFTER,
            middle_before: f64::midpoint(LEFT, ANSWER),
            middle_answer: f64::midpoint(ANSWER, AFTER),
            middle_after: f64::midpoint(AFTER, RIGHT),
            lanes,
            more,
        })
    }
}

impl Lane {
    fn of(y: f64, page: &Page, visit: &Visit, index: &FindingIndex<'_>) -> Self {
        let stretches = stretches(&visit.phases);
        let requests = requests(page, visit, index);
        let items = items(page, visit, index);
        let [own, third, found] = bars(y + REQUESTS, &stretches, &requests);
        let [stored, stored_found] = marks(y + STORED, &stretches, &items);
        Self {
            y,
            name: wording::visit(page, visit),
            meaning: wording::state_meaning(visit.state),
            answered: stretches
                .iter()
                .any(|stretch| !stretch.phase.name.is_before_choice()),
            bands: stretches.iter().map(Band::of).collect(),
            own,
            third,
            found,
            stored,
            stored_found,
            words: words(visit, &requests, &items),
        }
    }
}

impl Band {
    fn of(stretch: &Stretch<'_>) -> Self {
        let Phase {
            name,
            start_ms,
            end_ms,
        } = stretch.phase;
        let width = stretch.to - stretch.from;
        let length = wording::moment(end_ms.saturating_sub(*start_ms));
        Self {
            x: stretch.from,
            width,
            class: if name.is_before_choice() {
                "pre"
            } else if name.is_after_choice() {
                "post"
            } else {
                "choosing"
            },
            label: if width < 110.0 {
                length
            } else {
                format!("{}, {length}", wording::phase_meaning(*name))
            },
        }
    }
}

/// From where to where phases of this kind are drawn: no answer yet, answering, answered.
fn zone(phase: PhaseName) -> (f64, f64) {
    if phase.is_before_choice() {
        (LEFT, ANSWER)
    } else if phase.is_after_choice() {
        (AFTER, RIGHT)
    } else {
        (ANSWER, AFTER)
    }
}

/// Where each phase is drawn: wider the longer it is, but never too narrow to see.
fn stretches(phases: &[Phase]) -> Vec<Stretch<'_>> {
    // Square roots keep a long phase from squeezing a short one.
    let weight = |phase: &Phase| {
        (phase.end_ms.saturating_sub(phase.start_ms) as f64)
            .sqrt()
            .max(20.0)
    };
    let place = |index: usize, phase: &Phase| {
        let (from, to) = zone(phase.name);
        let mut before = 0.0;
        let mut total = 0.0;
        for (other_index, other) in phases.iter().enumerate() {
            if zone(other.name) == (from, to) {
                total += weight(other);
                before += if other_index < index {
                    weight(other)
                } else {
                    0.0
                };
            }
        }
        let scale = (to - from) / total;
        (
            from + before * scale,
            from + (before + weight(phase)) * scale,
        )
    };
    phases
        .iter()
        .enumerate()
        .map(|(index, phase)| {
            let (from, to) = place(index, phase);
            Stretch { phase, from, to }
        })
        .collect()
}

/// Where a moment of a phase is drawn; `None` when the visit has no such phase.
///
/// The first moments of a stretch are drawn wider: a load, an answer and a reload are followed by
/// most of what there is to see.
fn x_of(stretches: &[Stretch<'_>], phase: PhaseName, at_ms: u64) -> Option<f64> {
    let mut mine = stretches
        .iter()
        .filter(|stretch| stretch.phase.name == phase);
    let stretch = mine
        .clone()
        .find(|stretch| at_ms <= stretch.phase.end_ms)
        .or_else(|| mine.next_back())?;
    let Phase {
        start_ms, end_ms, ..
    } = *stretch.phase;
    let length = end_ms.saturating_sub(start_ms).max(1) as f64;
    let passed = at_ms.clamp(start_ms, end_ms.max(start_ms)) - start_ms;
    Some(stretch.from + (stretch.to - stretch.from) * (passed as f64 / length).min(1.0).sqrt())
}

/// Where an event is drawn when each takes `width`: its zone's left edge, its column in the zone, and the last column.
///
/// Columns never reach over the edge of their zone: what came before the answer stays left of it.
fn column(stretches: &[Stretch<'_>], event: &Event, width: f64) -> Option<(f64, u32, u32)> {
    let x = x_of(stretches, event.phase, event.at_ms)?;
    let (from, to) = zone(event.phase);
    let last = ((to - from) / width) as u32 - 1;
    Some((from, (((x - from).max(0.0) / width) as u32).min(last), last))
}

/// Something that happened at a moment.
struct Event {
    at_ms: u64,
    phase: PhaseName,
    third: bool,
    found: bool,
}

fn requests(page: &Page, visit: &Visit, index: &FindingIndex<'_>) -> Vec<Event> {
    let found = |request: &Request| {
        let Ok(url) = url::Url::parse(&request.url) else {
            return false;
        };
        let host = host_of(&request.url);
        index
            .of_item(
                &page.url,
                visit.state,
                SubjectKind::Request,
                &host,
                url.path(),
            )
            .next()
            .is_some()
    };
    let event = |request: &Request| Event {
        at_ms: request.at_ms,
        phase: request.phase,
        third: request.party == Party::Third,
        found: found(request),
    };
    visit.snapshot.requests.iter().map(event).collect()
}

fn items(page: &Page, visit: &Visit, index: &FindingIndex<'_>) -> Vec<Event> {
    let snapshot = &visit.snapshot;
    let found = |kind, host: &str, name: &str| {
        index
            .of_item(&page.url, visit.state, kind, host, name)
            .next()
            .is_some()
    };
    let cookies = snapshot
        .cookies
        .iter()
        .filter(|cookie| cookie.blocked.is_empty())
        .map(|cookie| Event {
            at_ms: cookie.at_ms,
            phase: cookie.phase,
            third: cookie.party == Party::Third,
            found: found(SubjectKind::Cookie, &cookie.domain, &cookie.name),
        });
    let entries = snapshot.storage.iter().map(|entry| Event {
        at_ms: entry.at_ms,
        phase: entry.phase,
        third: entry.party == Party::Third,
        found: found(
            wording::subject_of_storage(entry.kind),
            &host_of(&entry.origin),
            &entry.key,
        ),
    });
    cookies.chain(entries).collect()
}

/// Bars standing on `floor`: findings at the bottom, then third parties, then the site's own.
fn bars(floor: f64, stretches: &[Stretch<'_>], requests: &[Event]) -> [String; 3] {
    let mut columns: BTreeMap<(u32, u32), [usize; 3]> = BTreeMap::new();
    for request in requests {
        if let Some((from, column, _)) = column(stretches, request, BAR) {
            let class = if request.found {
                2
            } else {
                usize::from(request.third)
            };
            columns.entry((from as u32, column)).or_default()[class] += 1;
        }
    }
    let most = columns
        .values()
        .map(|counts| counts.iter().sum::<usize>())
        .max()
        .unwrap_or(1)
        .max(1);
    let mut outlines: [Vec<String>; 3] = Default::default();
    for ((from, column), counts) in columns {
        let x = f64::from(from) + f64::from(column) * BAR;
        let width = BAR - 1.0;
        let mut low = 0.0;
        let mut below = 0;
        for class in [2, 1, 0] {
            if counts[class] > 0 {
                below += counts[class];
                // A single request is still to be seen beside a hundred, and on top of a hundred.
                let high = (TALLEST * (below as f64 / most as f64).sqrt()).max(low + 3.0);
                outlines[class].push(format!(
                    "M{x:.0} {:.1}h{width}v-{:.1}h-{width}z",
                    floor - low,
                    high - low
                ));
                low = high;
            }
        }
    }
    outlines.map(|outline| outline.concat())
}

/// Marks of stored items, the lowest centred on `floor`: circles, and diamonds for findings.
fn marks(floor: f64, stretches: &[Stretch<'_>], items: &[Event]) -> [String; 2] {
    let mut outlines: [Vec<String>; 2] = Default::default();
    let mut heights: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    let found_first = items
        .iter()
        .filter(|item| item.found)
        .chain(items.iter().filter(|item| !item.found));
    for item in found_first.take(MOST_MARKS) {
        let Some((from, mut column, last)) = column(stretches, item, MARK) else {
            continue;
        };
        let full = |column: u32| {
            heights
                .get(&(from as u32, column))
                .is_some_and(|height| *height >= STACK)
        };
        while full(column) && column < last {
            column += 1;
        }
        if full(column) {
            continue;
        }
        let height = heights.entry((from as u32, column)).or_default();
        let (x, y) = (
            from + (f64::from(column) + 0.5) * MARK,
            floor - *height as f64 * MARK,
        );
        *height += 1;
        if item.found {
            outlines[1].push(format!("M{x:.1} {:.1}l5 5l-5 5l-5 -5z", y - 5.0));
        } else {
            outlines[0].push(format!(
                "M{:.1} {y:.1}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
                x - 4.0
            ));
        }
    }
    outlines.map(|outline| outline.concat())
}

/// The lane for those who cannot see it, and for those who want it in numbers.
fn words(visit: &Visit, requests: &[Event], items: &[Event]) -> String {
    let told = |belongs: fn(PhaseName) -> bool| {
        let requests = || requests.iter().filter(|event| belongs(event.phase));
        let items = || items.iter().filter(|event| belongs(event.phase));
        let third = requests().filter(|event| event.third).count();
        let found = requests()
            .chain(items())
            .filter(|event| event.found)
            .count();
        let found = if found == 0 {
            String::new()
        } else {
            format!(" ({} of them with a finding)", number(found))
        };
        format!(
            "{} to third parties and {} stored{found}",
            counted(third, "request", "requests"),
            counted(items().count(), "item", "items")
        )
    };
    let before = told(PhaseName::is_before_choice);
    if visit.state == State::Before {
        return format!("Without any answer: {before}.");
    }
    format!(
        "Before the answer: {before}. After it: {}.",
        told(PhaseName::is_after_choice)
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn phase(name: PhaseName, start_ms: u64, end_ms: u64) -> Phase {
        Phase {
            name,
            start_ms,
            end_ms,
        }
    }

    #[test]
    fn what_came_before_the_answer_stands_left_of_it() {
        let phases = [
            phase(PhaseName::Idle, 0, 2_000),
            phase(PhaseName::Choosing, 2_000, 2_500),
            phase(PhaseName::Chosen, 2_500, 9_000),
            phase(PhaseName::Revisit, 9_000, 12_000),
        ];
        let stretches = stretches(&phases);
        for (name, at_ms, from, to) in [
            (PhaseName::Idle, 0, LEFT, LEFT),
            (PhaseName::Idle, 2_000, ANSWER, ANSWER),
            (PhaseName::Choosing, 2_250, ANSWER, AFTER),
            (PhaseName::Chosen, 2_500, AFTER, AFTER),
            (PhaseName::Revisit, 12_000, RIGHT, RIGHT),
            // A clock that runs past the end of its phase stays in the picture.
            (PhaseName::Revisit, u64::MAX, RIGHT, RIGHT),
        ] {
            let x = x_of(&stretches, name, at_ms).unwrap_or(-1.0);
            assert!(
                x >= from - 0.001 && x <= to + 0.001,
                "{name:?} at {at_ms} ms: {x}"
            );
        }
        assert_eq!(x_of(&stretches, PhaseName::Active, 5), None);
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_picture(
            phases in proptest::collection::vec((0_u64..=u64::MAX, 0_u64..=u64::MAX), 1..6),
            at_ms in any::<u64>(),
        ) {
            let phases: Vec<Phase> =
                phases.into_iter().map(|(start_ms, end_ms)| phase(PhaseName::Idle, start_ms, end_ms)).collect();
            let x = x_of(&stretches(&phases), PhaseName::Idle, at_ms);
            prop_assert!(x.is_some_and(|x| (LEFT - 0.001..=ANSWER + 0.001).contains(&x)), "{x:?}");
        }
    }
}
