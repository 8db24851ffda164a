//! Names what became of the visitor's answer.

use super::prove::Proof;
use crate::model::visit::{Banner, ButtonRole, Choice, ChoiceOutcome, ProofStrength, Route, State};

/// How much of the window a banner takes that bars the page.
const BARS: f64 = 0.9;

/// What is known at the end of a visit, beside the banner and the choice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Circumstances<'a> {
    /// What was proven.
    pub proof: Option<&'a Proof>,
    /// A button could not be met by the mouse.
    pub blocked: bool,
    /// The banner asked again after a reload.
    pub reappeared: bool,
    /// No banner was seen though a platform waits for an answer.
    pub hidden: bool,
    /// Nothing led back to the settings.
    pub no_way_back: bool,
}

/// The names of what became of an answer, in the order of [`ChoiceOutcome`].
pub fn outcomes(
    state: State,
    banner: &Banner,
    choice: &Choice,
    circumstances: Circumstances<'_>,
) -> Vec<ChoiceOutcome> {
    use ChoiceOutcome as Is;
    let mut names = Vec::new();
    if !banner.found {
        names.push(Is::BannerNotFound);
        if circumstances.hidden {
            names.push(Is::BannerHiddenFromAutomationSuspected);
        }
        return names;
    }
    if choice.made {
        names.push(match circumstances.proof {
            Some(Proof::Confirmed {
                strength: ProofStrength::Record,
                ..
            }) => Is::Confirmed,
            Some(Proof::Confirmed { .. }) => Is::Inferred,
            _ if choice.strength.is_some() => Is::Inferred,
            _ => Is::Unconfirmed,
        });
        if matches!(circumstances.proof, Some(Proof::Contradicted { .. })) {
            names.push(Is::Contradicted);
        }
    }
    let first = |role| {
        banner
            .buttons
            .iter()
            .any(|button| button.layer <= 1 && button.role == role)
    };
    let free_no = banner.routes.reject != Route::None;
    let agrees = first(ButtonRole::Accept) || first(ButtonRole::Acknowledge);
    if state == State::Rejected && !choice.made {
        names.push(Is::NoRejectRoute);
    }
    if state == State::Rejected && choice.made && banner.routes.reject == Route::SecondLayer {
        names.push(Is::RejectOnSecondLayer);
    }
    // Whether there is a way behind the settings, only a visit that tried it knows.
    let tried = !first(ButtonRole::Settings) || state == State::Rejected;
    if !free_no && agrees && tried && state != State::Before {
        if first(ButtonRole::Pay) {
            names.push(Is::PayOrOk);
        } else if !first(ButtonRole::Settings) && !first(ButtonRole::Save) {
            names.push(Is::AcceptOnly);
        }
        if (banner.locks_page || banner.share >= BARS) && !first(ButtonRole::Close) {
            names.push(Is::Wall);
        }
    }
    if circumstances.blocked {
        names.push(Is::ClickBlocked);
    }
    if circumstances.reappeared {
        names.push(Is::Reappeared);
    }
    if circumstances.no_way_back {
        names.push(Is::NoWayBack);
    }
    names
}
