//! Finds the banner: asks every frame what might be one, and reads the buttons' words.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;

use super::words::Lexicon;
use crate::model::visit::{Banner, Button, ButtonRole, Route, Routes};
use crate::visit::stage::{World, Worlds};

/// Longest text of a banner put into a report, in characters.
const LONGEST_TEXT: usize = 600;

/// The script that finds banners, for our own world of every frame.
pub fn script() -> String {
    let pattern = serde_json::Value::String(Lexicon::builtin().consent_pattern()).to_string();
    include_str!("banner.js").replace("\"CONSENT\"", &pattern)
}

/// What one frame answers.
#[derive(Debug, Deserialize)]
struct Scan {
    #[serde(default)]
    banners: Vec<ScannedBanner>,
    #[serde(default)]
    origin: String,
}

#[derive(Debug, Clone, Deserialize)]
struct ScannedBanner {
    text: String,
    #[serde(default)]
    lang: String,
    #[serde(default)]
    overlay: bool,
    #[serde(default)]
    spoken: bool,
    #[serde(default)]
    form: bool,
    #[serde(default)]
    hint: String,
    buttons: Vec<ScannedButton>,
    #[serde(default)]
    toggles: Vec<Toggle>,
}

#[derive(Debug, Clone, Deserialize)]
struct ScannedButton {
    id: u64,
    text: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    disabled: bool,
    place: [f64; 4],
}

/// A switch of the banner.
#[derive(Debug, Clone, Deserialize)]
pub struct Toggle {
    /// Under which our own world keeps it.
    pub id: u64,
    /// On or off.
    pub checked: bool,
    /// Cannot be changed.
    pub disabled: bool,
}

impl Toggle {
    /// On, and can be switched off.
    pub fn is_on(&self) -> bool {
        self.checked && !self.disabled
    }
}

/// A button that can be clicked.
#[derive(Debug, Clone)]
pub struct LiveButton {
    /// Under which our own world keeps it.
    pub id: u64,
    /// What it does.
    pub role: ButtonRole,
    /// What it says.
    pub text: String,
    /// The language its words were recognised in.
    pub language: String,
    place: [f64; 4],
}

/// The banner as it stands on the page right now.
#[derive(Debug, Clone)]
pub struct LiveBanner {
    /// The world of the frame it stands in.
    pub world: World,
    /// Origin of that frame.
    pub origin: String,
    /// Its recognised buttons.
    pub buttons: Vec<LiveButton>,
    /// Its switches.
    pub toggles: Vec<Toggle>,
    text: String,
    languages: Vec<String>,
    score: u32,
}

impl LiveBanner {
    /// The button for a role.
    pub fn button(&self, role: ButtonRole) -> Option<&LiveButton> {
        self.buttons.iter().find(|button| button.role == role)
    }

    /// The same buttons saying the same things: nothing moved since.
    pub fn is_like(&self, other: &Self) -> bool {
        let words = |banner: &Self| -> Vec<(u64, String, [i64; 2])> {
            banner
                .buttons
                .iter()
                .map(|button| {
                    (
                        button.id,
                        button.text.clone(),
                        [button.place[0] as i64, button.place[1] as i64],
                    )
                })
                .collect()
        };
        words(self) == words(other)
    }

    /// What a report says of it, as the given layer.
    pub fn describe(&self, layer: u8, seen_ms: u64) -> Banner {
        let route = |role| {
            if self.button(role).is_some() {
                Route::FirstLayer
            } else {
                Route::None
            }
        };
        Banner {
            found: true,
            cmp: None,
            languages: self.languages.clone(),
            routes: Routes {
                accept: route(ButtonRole::Accept),
                reject: route(ButtonRole::Reject),
            },
            buttons: self.describe_buttons(layer),
            text: self.text.chars().take(LONGEST_TEXT).collect(),
            frame: Some(self.origin.clone()),
            seen_ms: Some(seen_ms),
            screenshot: None,
        }
    }

    /// Its buttons, as the given layer.
    pub fn describe_buttons(&self, layer: u8) -> Vec<Button> {
        self.buttons
            .iter()
            .map(|button| Button {
                role: button.role,
                text: button.text.clone(),
                layer,
                place: button.place,
            })
            .collect()
    }
}

/// Looks at every frame and returns what is most likely the banner.
pub async fn look(worlds: &Worlds) -> Option<LiveBanner> {
    let mut best: Option<LiveBanner> = None;
    for world in worlds.own_worlds() {
        let Ok(answer) = worlds
            .evaluate(&world, "globalThis.consentinel?.scan()")
            .await
        else {
            continue;
        };
        let Ok(scan) = serde_json::from_value::<Scan>(answer) else {
            continue;
        };
        for banner in scan.banners {
            let Some(live) = read(&banner, &world, &scan.origin) else {
                continue;
            };
            if best.as_ref().is_none_or(|best| live.score > best.score) {
                best = Some(live);
            }
        }
    }
    best
}

/// Reads a candidate's words. `None` when it is no consent banner.
fn read(banner: &ScannedBanner, world: &World, origin: &str) -> Option<LiveBanner> {
    let lexicon = Lexicon::builtin();
    let mut buttons: Vec<LiveButton> = Vec::new();
    for button in banner.buttons.iter().filter(|button| !button.disabled) {
        let meaning = lexicon
            .classify(&button.text)
            .map(|meaning| (meaning.role, meaning.language));
        let Some((role, language)) =
            meaning.or_else(|| Some((role_by_mark(&button.mark)?, BY_MARK.to_owned())))
        else {
            continue;
        };
        // "OK" on a link that leads away takes note of nothing.
        let role = if button.link && role == ButtonRole::Acknowledge {
            ButtonRole::Link
        } else {
            role
        };
        buttons.push(LiveButton {
            id: button.id,
            role,
            text: button.text.clone(),
            language,
            place: button.place,
        });
    }
    let score = score(banner, &buttons)?;
    let mut languages = lexicon.languages_of(&banner.text);
    let declared = banner
        .lang
        .split('-')
        .next()
        .unwrap_or_default()
        .to_lowercase();
    if languages.is_empty() && declared.len() == 2 {
        languages.push(declared);
    }
    Some(LiveBanner {
        world: world.clone(),
        origin: origin.to_owned(),
        buttons,
        toggles: banner.toggles.clone(),
        text: banner.text.clone(),
        languages,
        score,
    })
}

/// Stands for the language of a button recognised by what its maker calls it.
const BY_MARK: &str = "mark";

/// What a button does, by its id, class and the like: those are written for developers, in English.
///
/// Only for buttons whose words are not known, and only when one role alone fits.
fn role_by_mark(mark: &str) -> Option<ButtonRole> {
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

/// How likely a candidate is the banner; `None` when it cannot be.
fn score(banner: &ScannedBanner, buttons: &[LiveButton]) -> Option<u32> {
    static HINT: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)cookie|consent|gdpr|rgpd|dsgvo|cmp|privacy|notice|banner|onetrust|klaro|didomi|tarteaucitron").ok()
    });
    let has = |role| buttons.iter().any(|button| button.role == role);
    let hinted = HINT
        .as_ref()
        .is_some_and(|hint| hint.is_match(&banner.hint));
    let answers = [
        (ButtonRole::Accept, 40),
        (ButtonRole::Reject, 40),
        (ButtonRole::Settings, 15),
        (ButtonRole::Save, 15),
        (ButtonRole::Acknowledge, 10),
        (ButtonRole::Pay, 5),
    ];
    let mut score: u32 = answers
        .iter()
        .filter(|(role, _)| has(*role))
        .map(|(_, points)| points)
        .sum();
    // A second layer may have nothing but switches and a button that saves them.
    let switches = has(ButtonRole::Save) && !banner.toggles.is_empty();
    let answerable = has(ButtonRole::Accept)
        || has(ButtonRole::Reject)
        || has(ButtonRole::Acknowledge)
        || (has(ButtonRole::Settings) && has(ButtonRole::Save))
        || switches;
    if !answerable {
        return None;
    }
    // Who asks for an address, a password or a birthday asks something else.
    if banner.form && !hinted && !has(ButtonRole::Settings) && !has(ButtonRole::Save) {
        return None;
    }
    // An age gate that links to a cookie policy asks something else.
    if !banner.spoken && !hinted && !has(ButtonRole::Settings) {
        return None;
    }
    // A placeholder in the middle of an article ("accept to see this video") is no banner.
    let full = switches
        || has(ButtonRole::Accept) && (has(ButtonRole::Reject) || has(ButtonRole::Settings));
    if !banner.overlay && !hinted && !full && !has(ButtonRole::Reject) {
        return None;
    }
    if banner.overlay {
        score += 20;
    }
    if hinted {
        score += 10;
    }
    Some(score)
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
