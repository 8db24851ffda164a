//! R20, R21.

use super::{Cases, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::Document;
use crate::model::value::Value;
use crate::model::visit::ButtonRole::{Accept, Reject, Settings};
use crate::model::visit::Route::{FirstLayer, SecondLayer};
use crate::model::visit::{Button, ButtonRole, PhaseName, State, Switch};

pub(super) fn cases() -> Vec<Cases> {
    vec![demoted(), preticked()]
}

/// How a button looks: contrast, filled or not, width.
type Look = (Option<f64>, bool, f64);

const YES: Look = (Some(8.0), true, 120.0);

fn looks(yes: Look, no: Look) -> Page {
    three(|_, visit| {
        visit.banner = banner(
            FirstLayer,
            FirstLayer,
            &[(Accept, "Accept all"), (Reject, "Reject all")],
        );
        dress(&mut visit.banner.buttons, [yes, no]);
    })
}

fn dress(buttons: &mut [Button], looks: impl IntoIterator<Item = Look>) {
    for (button, (contrast, filled, width)) in buttons.iter_mut().zip(looks) {
        button.contrast = contrast;
        button.background = filled.then(|| "rgb(0, 90, 40)".to_owned());
        button.place = [0.0, 0.0, width, 40.0];
    }
}

fn demoted() -> Cases {
    Cases::of("R20")
        .positive(
            "nobody can read the no",
            looks(YES, (Some(1.4), true, 120.0)),
        )
        .positive(
            "pale text without a button",
            looks(YES, (Some(2.6), false, 120.0)),
        )
        .positive(
            "a small plain link beside a large filled button",
            looks((Some(8.0), true, 400.0), (Some(7.0), false, 90.0)),
        )
        .negative("the same look", looks(YES, YES))
        .negative(
            "a lighter button that can be read",
            looks(YES, (Some(4.6), true, 110.0)),
        )
        .negative(
            "nothing on the first layer refuses",
            three(|_, visit| {
                visit.banner = banner(
                    FirstLayer,
                    SecondLayer,
                    &[(Accept, "OK"), (Settings, "More")],
                );
                visit.banner.buttons[0].contrast = Some(9.0);
            }),
        )
        .trap("only plainer", looks(YES, (Some(7.0), false, 120.0)))
        .trap(
            "only smaller",
            looks((Some(8.0), true, 500.0), (Some(8.0), true, 100.0)),
        )
        .trap(
            "both are hard to read",
            looks((Some(1.6), true, 120.0), (Some(1.5), true, 120.0)),
        )
        .trap(
            "a pale cross-line that refuses, above a button that refuses as well",
            three(|_, visit| {
                visit.banner = banner(
                    FirstLayer,
                    FirstLayer,
                    &[
                        (Reject, "Continue without accepting"),
                        (Accept, "Accept all"),
                        (Reject, "Reject all"),
                    ],
                );
                let looks = [(Some(1.4), false, 40.0), YES, YES];
                dress(&mut visit.banner.buttons, looks);
            }),
        )
        .inconclusive(
            "no colours were recorded",
            looks((None, false, 120.0), (None, false, 30.0)),
        )
}

fn switches(buttons: &[(ButtonRole, &str)], layer: u8, all: &[(&str, bool, bool)]) -> Page {
    three(|_, visit| {
        visit.banner = banner(FirstLayer, SecondLayer, buttons);
        if layer == 1 || visit.state == State::Rejected {
            visit.banner.switches = all
                .iter()
                .map(|&(text, on, locked)| Switch {
                    text: text.to_owned(),
                    layer,
                    on,
                    locked,
                })
                .collect();
        }
    })
}

fn set_up(text: &str) -> Page {
    three(|_, visit| {
        visit.banner = banner(FirstLayer, FirstLayer, &[(Accept, "OK"), (Reject, "No")]);
        visit.snapshot.documents.push(Document {
            source: "window.klaroConfig".to_owned(),
            at_ms: 900,
            phase: PhaseName::Idle,
            text: Value::new(text),
        });
    })
}

fn preticked() -> Cases {
    let behind: &[(ButtonRole, &str)] = &[(Accept, "OK"), (Settings, "Settings")];
    Cases::of("R21")
        .positive(
            "analytics on in the settings",
            switches(behind, 2, &[("Necessary", true, true), ("Analytics", true, false)]),
        )
        .positive(
            "Marketing on the first layer, in German",
            switches(behind, 1, &[("Notwendig", true, true), ("Werbung", true, false)]),
        )
        .positive(
            "a switch whose purpose is not told",
            switches(behind, 2, &[("Group 3", true, false)]),
        )
        .positive(
            "the platform's settings have it on",
            set_up(r#"{"klaro":{"services":[{"name":"ads","default":true,"purposes":["marketing"]}]}}"#),
        )
        .negative(
            "everything optional is off",
            switches(behind, 2, &[("Necessary", true, true), ("Analytics", false, false)]),
        )
        .negative(
            "no settings at all",
            switches(&[(Accept, "OK"), (Reject, "No")], 1, &[]),
        )
        .negative(
            "the platform's settings have it off",
            set_up(r#"{"klaro":{"services":[{"name":"ads","default":false,"purposes":["marketing"]}]}}"#),
        )
        .trap(
            "what is necessary is on and can be touched",
            switches(behind, 2, &[("Strictly necessary", true, false), ("Statistics", false, false)]),
        )
        .trap(
            "a switch for legitimate interest is another matter",
            switches(behind, 2, &[("Legitimate interest: measure ads", true, false)]),
        )
        .trap(
            "on and locked",
            switches(behind, 2, &[("Always active: statistics", true, true)]),
        )
        .inconclusive(
            "the settings were not opened",
            switches(behind, 1, &[]),
        )
}
