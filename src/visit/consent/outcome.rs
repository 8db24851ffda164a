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
    // Closing a notice that offers nothing else takes note of it.
    let closes = first(ButtonRole::Close)
        && banner
            .buttons
            .iter()
            .all(|button| matches!(button.role, ButtonRole::Close | ButtonRole::Link));
    let agrees = first(ButtonRole::Accept) || first(ButtonRole::Acknowledge) || closes;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::visit::{Button, Routes};

    fn banner(reject: Route, roles: &[ButtonRole], share: f64) -> Banner {
        let button = |role: &ButtonRole| Button {
            role: *role,
            text: String::new(),
            layer: 1,
            place: [0.0; 4],
            contrast: None,
            background: None,
            font_px: None,
        };
        Banner {
            found: true,
            routes: Routes {
                accept: Route::FirstLayer,
                reject,
            },
            buttons: roles.iter().map(button).collect(),
            share,
            ..Banner::default()
        }
    }

    #[test]
    fn banners_without_a_free_no_have_names() {
        use ButtonRole::{Accept, Close, Pay, Settings};
        use ChoiceOutcome as Is;
        let nothing = Choice::default();
        for (roles, share, expected) in [
            (&[Accept][..], 0.2, &[Is::NoRejectRoute, Is::AcceptOnly][..]),
            (&[Accept, Pay], 0.2, &[Is::NoRejectRoute, Is::PayOrOk]),
            (
                &[Accept],
                1.0,
                &[Is::NoRejectRoute, Is::AcceptOnly, Is::Wall],
            ),
            (&[Accept, Close], 1.0, &[Is::NoRejectRoute, Is::AcceptOnly]),
            (&[Accept, Settings], 0.2, &[Is::NoRejectRoute]),
        ] {
            let banner = banner(Route::None, roles, share);
            let named = outcomes(State::Rejected, &banner, &nothing, Circumstances::default());
            assert_eq!(named, expected, "{roles:?} {share}");
        }
    }

    #[test]
    fn a_click_alone_confirms_nothing() {
        let banner = banner(Route::SecondLayer, &[ButtonRole::Accept], 0.2);
        let made = Choice {
            made: true,
            ..Choice::default()
        };
        let named = outcomes(State::Rejected, &banner, &made, Circumstances::default());
        assert_eq!(
            named,
            [
                ChoiceOutcome::Unconfirmed,
                ChoiceOutcome::RejectOnSecondLayer
            ]
        );
    }
}
