//! Findings about the site as a whole: its banner, and what it says of consent.

use crate::judge::index::PageIndex;
use crate::judge::naming::{normalised, shown};
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::Party;
use crate::model::visit::{Banner, PhaseName, State};

use super::{Draft, Sightings};

/// A finding about the site; rules change what differs.
pub(super) fn site_draft(
    page: &PageIndex<'_>,
    kind: SubjectKind,
    name: &str,
    state: State,
    sightings: Sightings,
) -> Draft {
    Draft {
        subject: Subject {
            kind,
            host: page.site.clone(),
            name: shown(name),
            party: Party::First,
        },
        stable_name: normalised(name),
        sub_type: None,
        severity: Severity::Medium,
        verdict: Verdict::Violation,
        proof: Proof::P1,
        certainty: Certainty::L1,
        state,
        phase: match state {
            State::Before => PhaseName::Idle,
            State::Rejected | State::Accepted | State::Withdrawn => PhaseName::Revisit,
        },
        service: None,
        category: Category::Unclassified,
        evidence: Evidence::default(),
        remedy: String::new(),
        sightings,
    }
}

/// The banner's platform as findings name it, or `banner`.
pub(super) fn banner_name(page: &PageIndex<'_>) -> String {
    page.visits
        .iter()
        .find_map(|visit| visit.visit.banner.cmp.clone())
        .or_else(|| page.page.banner.cmp.clone())
        .unwrap_or_else(|| "banner".to_owned())
}

/// Numbers of the visits in a state.
pub(super) fn visits_in(page: &PageIndex<'_>, state: State) -> Vec<usize> {
    (0..page.visits.len())
        .filter(|&number| page.visits[number].visit.state == state)
        .collect()
}

/// Numbers of the visits in a state whose answer something confirms.
pub(super) fn confirmed_in(page: &PageIndex<'_>, state: State) -> Vec<usize> {
    visits_in(page, state)
        .into_iter()
        .filter(|&number| page.visits[number].visit.choice.confirmed)
        .collect()
}

/// The fewest clicks an answer took; confirmed answers before others.
pub(super) fn fewest_clicks(page: &PageIndex<'_>, state: State) -> Option<(u32, bool)> {
    let made = || {
        visits_in(page, state)
            .into_iter()
            .map(|number| &page.visits[number].visit.choice)
            .filter(|choice| choice.made && choice.clicks > 0)
    };
    let confirmed = made()
        .filter(|choice| choice.confirmed)
        .map(|choice| choice.clicks)
        .min();
    confirmed
        .map(|clicks| (clicks, true))
        .or_else(|| Some((made().map(|choice| choice.clicks).min()?, false)))
}

/// The banner of every visit that met one, with the visit's number.
pub(super) fn banners_met<'p>(page: &'p PageIndex<'_>) -> Vec<(usize, &'p Banner)> {
    page.visits
        .iter()
        .map(|visit| &visit.visit.banner)
        .enumerate()
        .filter(|(_, banner)| banner.found)
        .collect()
}
