//! When nothing must be stored or sent: before a choice, and after a refusal.

use crate::judge::index::{Departure, PageIndex, SeenRequest};
use crate::model::visit::{PhaseName, State};

use super::tracking::Occurrence;

/// A time in which consent is missing, in the visits it is looked at.
pub(super) struct Window {
    /// Before a choice, or after a refusal.
    pub(super) state: State,
    /// Numbers of the visits.
    pub(super) visits: Vec<usize>,
}

impl Window {
    /// Before a choice, in every visit; after a refusal, in those that something confirms.
    pub(super) fn all(page: &PageIndex<'_>) -> Vec<Self> {
        let refusals = page.refusals();
        let mut windows = vec![Self {
            state: State::Before,
            visits: (0..page.visits.len()).collect(),
        }];
        if refusals.confirmed {
            windows.push(Self {
                state: State::Rejected,
                visits: refusals.visits,
            });
        }
        windows
    }

    /// Whether that moment of that visit lies in it. What may have been on its way does not count.
    pub(super) fn holds(
        &self,
        page: &PageIndex<'_>,
        visit: usize,
        phase: PhaseName,
        at_ms: u64,
    ) -> bool {
        self.visits.contains(&visit)
            && match self.state {
                State::Before => phase.is_before_choice(),
                State::Rejected | State::Accepted | State::Withdrawn => {
                    page.visits[visit].is_sent_after(phase, at_ms, true)
                }
            }
    }

    /// Whether a value left in it.
    pub(super) fn departed(&self, page: &PageIndex<'_>, departure: &Departure) -> bool {
        self.holds(page, departure.visit, departure.phase, departure.at_ms)
    }

    /// Whether a request of a visit was sent in it.
    pub(super) fn sent(&self, page: &PageIndex<'_>, visit: usize, seen: &SeenRequest<'_>) -> bool {
        self.holds(page, visit, seen.request.phase, seen.request.at_ms)
    }

    /// The same as rules about items and requests name it.
    pub(super) fn occurrence(&self) -> Occurrence {
        Occurrence {
            state: self.state,
            visits: self.visits.clone(),
        }
    }
}
