//! What buttons mean by what their makers call them, and radio buttons by what switches say.

use super::super::words::folded;
use crate::model::visit::ButtonRole;

/// What a radio button means by its value: those are written for programs.
pub(super) fn switched_by_mark(mark: &str) -> Option<ButtonRole> {
    match mark.split_whitespace().last()? {
        "0" | "false" | "no" | "off" | "n" | "none" => Some(ButtonRole::Reject),
        "1" | "true" | "yes" | "on" | "y" | "all" => Some(ButtonRole::Accept),
        _ => None,
    }
}

/// What a radio button means that says what a switch says.
pub(super) fn switched_by_word(text: &str) -> Option<ButtonRole> {
    const OFF: &[&str] = &[
        "off",
        "aus",
        "desactive",
        "desactivado",
        "apagado",
        "spento",
        "disattivato",
        "uit",
        "av",
        "fra",
        "pois",
        "wylaczone",
        "vypnuto",
        "vypnute",
        "ki",
        "oprit",
        "isklj",
        "iskljuceno",
        "izklopljeno",
        "valjas",
        "isjungta",
        "izslegts",
        "desligado",
        "inativo",
        "inactive",
        "inactivo",
        "inaktiv",
        "inattivo",
        "disabled",
        "изкл",
    ];
    const ON: &[&str] = &[
        "on",
        "an",
        "ein",
        "active",
        "activado",
        "encendido",
        "acceso",
        "attivo",
        "attivato",
        "aan",
        "pa",
        "til",
        "paalla",
        "wlaczone",
        "zapnuto",
        "zapnute",
        "be",
        "pornit",
        "uklj",
        "ukljuceno",
        "vklopljeno",
        "sees",
        "ijungta",
        "ieslegts",
        "ligado",
        "ativo",
        "activo",
        "aktiv",
        "enabled",
        "вкл",
    ];
    let said = folded(text);
    let [word] = said.as_slice() else {
        return None;
    };
    if OFF.contains(&word.as_str()) {
        Some(ButtonRole::Reject)
    } else {
        ON.contains(&word.as_str()).then_some(ButtonRole::Accept)
    }
}

/// Stands for the language of a button recognised by what its maker calls it.
pub(super) const BY_MARK: &str = "mark";

/// What a button does, by its id, class and the like: those are written for developers, in English.
///
/// Only for buttons whose words are not known, and only when one role alone fits.
pub(super) fn role_by_mark(mark: &str) -> Option<ButtonRole> {
    const MARKS: &[(ButtonRole, &[&str])] = &[
        (
            ButtonRole::Reject,
            &[
                "reject",
                "decline",
                "deny",
                "denied",
                "refuse",
                "disagree",
                "onlynecessary",
                "necessaryonly",
                "onlyessential",
            ],
        ),
        (
            ButtonRole::Settings,
            &[
                "settings",
                "preferences",
                "customize",
                "customise",
                "personalize",
                "manage",
                "configure",
            ],
        ),
        (
            ButtonRole::Save,
            &[
                "saveprefer",
                "savesettings",
                "savechoice",
                "saveselect",
                "acceptselect",
                "allowselect",
                "confirmchoice",
            ],
        ),
        (
            ButtonRole::Accept,
            &[
                "acceptall",
                "allowall",
                "agreeall",
                "accept",
                "agree",
                "consentall",
            ],
        ),
    ];
    let squeezed: String = mark
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let mut roles = MARKS
        .iter()
        .filter(|(_, words)| words.iter().any(|word| squeezed.contains(word)))
        .map(|(role, _)| *role);
    let role = roles.next()?;
    // "disagree" holds "agree", and saving holds what is saved: the first of these wins.
    match (role, roles.next()) {
        (_, None) | (ButtonRole::Reject | ButtonRole::Save, Some(ButtonRole::Accept)) => Some(role),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_buttons_whose_words_are_unknown() {
        for (mark, expected) in [
            ("onetrust-reject-all-handler", Some(ButtonRole::Reject)),
            ("btn btn--disagree", Some(ButtonRole::Reject)),
            (
                "CybotCookiebotDialogBodyButtonDecline",
                Some(ButtonRole::Reject),
            ),
            ("cky-btn cky-btn-accept", Some(ButtonRole::Accept)),
            ("cmp-settings", Some(ButtonRole::Settings)),
            ("accept-selection", Some(ButtonRole::Save)),
            ("reject-settings", None),
            ("btn btn-primary", None),
            ("", None),
        ] {
            assert_eq!(role_by_mark(mark), expected, "{mark}");
        }
    }
}
