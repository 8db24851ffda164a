//! What rules have to see, and what is said when they do not see it.

use std::fmt;

use crate::judge::index::{PageIndex, VisitIndex};
use crate::judge::naming::state_name;
use crate::model::finding::GapReason;
use crate::model::visit::{ButtonRole, Outcome, PhaseName, State, Visit};

/// What a rule has to see before it can say that nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A visit in that state that ran to its end.
    Visit(State),
    /// A visit in that state whose answer something confirms; nothing on a page that asks nothing.
    Answer(State),
    /// That many of them, to tell a habit from chance.
    Answers(State, usize),
    /// Visits with Global Privacy Control beside visits without it.
    PrivacyControl,
    /// A visit in which the cookies were deleted and the page was opened again.
    Emptied,
    /// Something the site declares of what it stores.
    Declaration,
    /// A declaration that is meant to name every cookie.
    CompleteList,
    /// Somebody looked for the site's cookie policy, or a list makes that needless.
    Policy,
    /// What vendors of the TCF disclose of their storage, and a TC string to hold it against; nothing on a
    /// page without one.
    Disclosures,
    /// The colours of the banner's buttons; nothing where it does not offer a yes and a no side by side.
    Colours,
    /// The switches of the banner's settings; nothing where it has no settings.
    Switches,
    /// An earlier run of the same page, with the record of a yes; nothing on a page that asks nothing.
    Earlier,
}

/// What a rule needed on a page and did not get.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Missing {
    /// Why.
    pub(crate) reason: GapReason,
    /// What it needed.
    pub(crate) needed: String,
}

impl Requirement {
    /// What is missing of it on a page; nothing when it is met, or when the page gives no cause for it.
    pub(super) fn missing(self, page: &PageIndex<'_>) -> Option<Missing> {
        let reason = match self {
            Self::Visit(state) => visit_gap(page, state)?,
            Self::Answer(state) => answer_gap(page, state, 1)?,
            Self::Answers(state, least) => answer_gap(page, state, least)?,
            Self::PrivacyControl if page.asking.is_some() => return None,
            Self::Emptied if page.visits.iter().any(was_emptied) => return None,
            Self::PrivacyControl | Self::Emptied => GapReason::NotVisited,
            Self::Earlier => earlier_gap(page)?,
            Self::Declaration
            | Self::CompleteList
            | Self::Policy
            | Self::Disclosures
            | Self::Colours
            | Self::Switches => self.recorded_gap(page)?,
        };
        Some(Missing {
            reason,
            needed: match self.option(reason) {
                Some(option) => format!("{self} (see {option})"),
                None => self.to_string(),
            },
        })
    }

    /// What is missing of something that snapshots hold where the page shows it.
    fn recorded_gap(self, page: &PageIndex<'_>) -> Option<GapReason> {
        let declared = &page.declared;
        let banners = || {
            page.visits
                .iter()
                .map(|visit| &visit.visit.banner)
                .filter(|banner| banner.found)
        };
        let offers = |role| {
            banners().any(|banner| {
                banner
                    .buttons
                    .iter()
                    .any(|button| button.layer <= 1 && button.role == role)
            })
        };
        let there = match self {
            Self::Declaration => !declared.entries.is_empty(),
            Self::CompleteList => declared.lists_all(),
            Self::Policy => page.page.policy.is_some() || !declared.entries.is_empty(),
            Self::Disclosures => page.strings.is_empty() || !declared.disclosures.is_empty(),
            Self::Colours => {
                !(offers(ButtonRole::Accept) && offers(ButtonRole::Reject))
                    || banners().any(|banner| {
                        banner
                            .buttons
                            .iter()
                            .any(|button| button.contrast.is_some())
                    })
            }
            Self::Switches => {
                let opened =
                    banners().any(|banner| banner.switches.iter().any(|switch| switch.layer > 1));
                opened || !declared.admissions.is_empty() || !offers(ButtonRole::Settings)
            }
            _ => true,
        };
        (!there).then_some(GapReason::NotRecorded)
    }

    /// The option that makes what is missing for that reason.
    fn option(self, reason: GapReason) -> Option<String> {
        match (reason, self) {
            (GapReason::NotVisited, Self::Visit(state) | Self::Answer(state)) => {
                Some(format!("--states {}", state_name(state)))
            }
            (GapReason::NotVisited | GapReason::TooFewVisits, Self::Answers(_, least)) => {
                Some(format!("--repeat {least}"))
            }
            (GapReason::NotVisited, Self::PrivacyControl | Self::Emptied) => {
                Some("--thorough".to_owned())
            }
            (GapReason::NotVisited, Self::Earlier) => {
                Some("--store, and `consentinel judge --earlier`".to_owned())
            }
            (_, Self::Declaration | Self::CompleteList | Self::Policy) => {
                Some("--policy".to_owned())
            }
            _ => None,
        }
    }
}

/// Whether the cookies were deleted at the end of a visit.
fn was_emptied(visit: &VisitIndex<'_>) -> bool {
    let phases = &visit.visit.phases;
    phases.iter().any(|phase| phase.name == PhaseName::Emptied)
}

fn in_state<'p>(page: &'p PageIndex<'_>, state: State) -> impl Iterator<Item = &'p Visit> {
    page.page
        .visits
        .iter()
        .filter(move |visit| visit.state == state)
}

fn visit_gap(page: &PageIndex<'_>, state: State) -> Option<GapReason> {
    let mut visits = in_state(page, state).peekable();
    if visits.peek().is_none() {
        return Some(GapReason::NotVisited);
    }
    let complete = visits.any(|visit| visit.outcome == Outcome::Complete);
    (!complete).then_some(GapReason::Incomplete)
}

fn earlier_gap(page: &PageIndex<'_>) -> Option<GapReason> {
    match page.earlier {
        _ if !asks(page) => None,
        None => Some(GapReason::NotVisited),
        Some(earlier) => (!earlier.knows_an_answer()).then_some(GapReason::NotConfirmed),
    }
}

/// Whether there was anything to answer.
fn asks(page: &PageIndex<'_>) -> bool {
    page.page
        .visits
        .iter()
        .any(|visit| visit.banner.found || visit.choice.made)
}

fn answer_gap(page: &PageIndex<'_>, state: State, least: usize) -> Option<GapReason> {
    if let Some(gap) = visit_gap(page, state) {
        return Some(gap);
    }
    let confirmed = in_state(page, state)
        .filter(|visit| visit.outcome == Outcome::Complete && visit.choice.confirmed)
        .count();
    match confirmed {
        _ if !asks(page) => None,
        0 => Some(GapReason::NotConfirmed),
        some if some < least => Some(GapReason::TooFewVisits),
        _ => None,
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Visit(state) => write!(
                formatter,
                "a complete visit in the state {}",
                state_name(*state)
            ),
            Self::Answer(state) => write!(
                formatter,
                "a confirmed answer in the state {}",
                state_name(*state)
            ),
            Self::Answers(state, least) => write!(
                formatter,
                "{least} confirmed answers in the state {}",
                state_name(*state)
            ),
            Self::Earlier => formatter
                .write_str("an earlier run of the same page, with the record of a confirmed yes"),
            Self::Emptied => formatter.write_str(
                "a visit in which the cookies were deleted and the page was opened again",
            ),
            Self::PrivacyControl => formatter.write_str(
                "visits with Global Privacy Control beside visits without it",
            ),
            Self::Declaration => formatter.write_str(
                "the site's own declaration of what it stores (a consent platform's list, or a cookie policy)",
            ),
            Self::CompleteList => {
                formatter.write_str("a list of the site that is meant to name every cookie")
            }
            Self::Policy => formatter.write_str("a look at the site's cookie policy"),
            Self::Disclosures => formatter.write_str(
                "device-storage disclosures of the vendors, loaded by the page",
            ),
            Self::Colours => formatter.write_str("the colours of the banner's buttons"),
            Self::Switches => formatter.write_str("the switches of the banner's settings"),
        }
    }
}
