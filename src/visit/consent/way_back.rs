//! The way back: what a visitor finds who wants to take an answer back.
//!
//! A floating icon, a link at the end of the page; where there is none, the function by which the
//! platform lets pages open its settings. That function opens a dialog and answers nothing.

use serde::Deserialize;

use super::mouse::{self, Clicked};
use super::record;
use super::words::Lexicon;
use crate::model::visit::ButtonRole;
use crate::visit::stage::{Stage, World};

/// What may lead back, as a frame lists it.
#[derive(Debug, Deserialize)]
struct Control {
    id: u64,
    text: String,
    #[serde(default)]
    aria: String,
    #[serde(default)]
    mark: String,
    #[serde(default)]
    leads: bool,
    #[serde(default)]
    floats: bool,
}

/// A way back that was taken.
#[derive(Debug)]
pub struct WayBack {
    /// What was clicked, in words.
    pub how: String,
    /// Its words say that the click takes the consent back, not that it opens the settings.
    pub answers: bool,
    /// Clicks it took; none where the platform's function opened the settings.
    pub clicks: u32,
}

/// How good a way back a control is, by what it says and what its maker calls it; absent for none.
fn rank(control: &Control) -> Option<u32> {
    const SUBJECTS: &[&str] = &[
        "cookie",
        "consent",
        "privacy",
        "gdpr",
        "cmp",
        "onetrust",
        "ot-sdk",
        "didomi",
        "axeptio",
        "teconsent",
        "termly",
        "osano",
        "iubenda",
        "usercentrics",
        "uc-",
        "cky",
        "cmplz",
        "ccc",
        "coi-",
        "klaro",
        "tarteaucitron",
        "qc-cmp",
        "shopify-pc",
        "borlabs",
        "cn-revoke",
        "fides",
        "ketch",
        "hs_show_banner",
    ];
    const ACTS: &[&str] = &[
        "setting",
        "preference",
        "manage",
        "revisit",
        "renew",
        "revoke",
        "withdraw",
        "reopen",
        "open",
        "widget",
        "badge",
        "icon",
        "float",
        "badge",
        "btn",
        "button",
        "change",
        "persistent",
        "choices",
        "show",
        "link",
        "adjust",
    ];
    let lexicon = Lexicon::builtin();
    // "Consent" and "privacy" are words of controls, and alone none of banners.
    let speaks = |text: &str| lexicon.topics(text).0 > 0 || record::is_consent_record_name(text);
    let said = [&control.text, &control.aria]
        .into_iter()
        .filter(|text| !text.is_empty())
        .find_map(|text| Some((lexicon.classify(text)?.role, speaks(text))));
    let mark = control.mark.to_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| mark.contains(word));
    let marked = holds(SUBJECTS) && holds(ACTS);
    // A link to a document is read, not pressed.
    let points = match said {
        // "Withdraw your consent", "Cookie settings".
        Some((ButtonRole::Reject, about)) if about || marked => 60,
        Some((ButtonRole::Settings, true)) => 80,
        Some((ButtonRole::Settings, false)) if marked => 70,
        Some((ButtonRole::Link, about)) if !control.leads && (about || marked) => 30,
        // An accept button of a placeholder leads nowhere back.
        Some((role, _)) if !marked || !matches!(role, ButtonRole::Link) => return None,
        // "Cookies", "Your privacy".
        None if !control.leads && Lexicon::builtin().topics(&control.text).0 > 0 => 40,
        _ if marked && !control.leads => 50,
        _ => return None,
    };
    Some(points + u32::from(!control.leads) * 10 + u32::from(control.floats) * 5)
}

/// Looks for a way back in every frame and takes the best one. Absent when there is none.
pub async fn take(stage: &Stage) -> Option<WayBack> {
    let worlds = stage.worlds();
    let mut best: Option<(u32, World, Control)> = None;
    for world in worlds.own_worlds() {
        let listed = worlds
            .evaluate(&world, "globalThis.consentinel?.controls()")
            .await;
        let controls: Vec<Control> =
            serde_json::from_value(listed.unwrap_or_default()).unwrap_or_default();
        for control in controls {
            if let Some(points) = rank(&control)
                && best.as_ref().is_none_or(|(most, ..)| points > *most)
            {
                best = Some((points, world.clone(), control));
            }
        }
    }
    if let Some((_, world, control)) = best {
        let clicked = mouse::click(&worlds, stage.page(), &world, control.id).await;
        if matches!(clicked, Ok(clicked) if clicked != Clicked::Gone) {
            let answers = [&control.text, &control.aria].into_iter().any(|text| {
                let said = Lexicon::builtin().classify(text);
                said.is_some_and(|said| said.role == ButtonRole::Reject)
            });
            let said = [control.text, control.aria];
            let said = said.iter().find(|text| !text.is_empty());
            return Some(WayBack {
                answers,
                how: format!(
                    "{} \"{}\"",
                    if control.floats {
                        "floating control"
                    } else {
                        "control on the page"
                    },
                    said.map_or("without words", String::as_str)
                ),
                clicks: 1,
            });
        }
    }
    let world = worlds.top_page_world(stage.main_frame())?;
    let opened = worlds.evaluate(&world, OPEN_SETTINGS).await.ok()?;
    Some(WayBack {
        how: format!(
            "no control on the page; its own function {} opened the settings",
            opened.as_str()?
        ),
        answers: false,
        clicks: 0,
    })
}

/// Asks the platforms that let a page open their settings to do so. Yields the function that did.
const OPEN_SETTINGS: &str = r#"(() => {
  const ways = {
    "OneTrust.ToggleInfoDisplay": () => window.OneTrust.ToggleInfoDisplay(),
    "Cookiebot.renew": () => window.Cookiebot.renew(),
    "__ucCmp.showSecondLayer": () => window.__ucCmp.showSecondLayer(),
    "UC_UI.showSecondLayer": () => window.UC_UI.showSecondLayer(),
    "Didomi.preferences.show": () => window.Didomi.preferences.show(),
    "klaro.show": () => window.klaro.show(),
    "tarteaucitron.userInterface.openPanel": () => window.tarteaucitron.userInterface.openPanel(),
    "CookieConsent.showPreferences": () => window.CookieConsent.showPreferences(),
    "_iub.cs.api.openPreferences": () => window._iub.cs.api.openPreferences(),
    "truste.eu.clickListener": () => window.truste.eu.clickListener(),
    "openAxeptioCookies": () => window.openAxeptioCookies(),
    "Osano.cm.showDrawer": () => window.Osano.cm.showDrawer(),
    "googlefc.showRevocationMessage": () => window.googlefc.showRevocationMessage(),
    "__cmp showScreen": () => { if (typeof window.__cmp !== "function") throw new Error(); window.__cmp("showScreen"); },
    "CookieScript.instance.show": () => window.CookieScript.instance.show(),
    "privacyBanner.showPreferences": () => window.privacyBanner.showPreferences(),
    "displayPreferenceModal": () => window.displayPreferenceModal(),
    "Fides.showModal": () => window.Fides.showModal(),
    "__tcfapi displayConsentUi": () => { if (typeof window.__tcfapi !== "function") throw new Error(); window.__tcfapi("displayConsentUi", 2, () => {}); },
  };
  for (const [name, open] of Object.entries(ways)) {
    try {
      open();
      return name;
    } catch {
      // Not there: the next one.
    }
  }
  return null;
})()"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn control(text: &str, mark: &str, leads: bool) -> Control {
        Control {
            id: 1,
            text: text.to_owned(),
            aria: String::new(),
            mark: mark.to_owned(),
            leads,
            floats: false,
        }
    }

    #[test]
    fn controls_that_lead_back_are_told_from_others() {
        for (text, mark, leads, expected) in [
            ("Cookie settings", "", false, true),
            ("Cookie-Einstellungen", "", true, true),
            ("Gérer mes cookies", "", false, true),
            ("Withdraw consent", "", false, true),
            (
                "⚙",
                "ot-floating-button__open ot-sdk-btn-floating",
                false,
                true,
            ),
            ("◕", "cky-btn-revisit", false, true),
            ("Privacy policy", "", true, false),
            ("Settings", "account-settings", true, false),
            ("Shop", "", true, false),
            ("Contact", "btn button", false, false),
            ("No thanks", "newsletter-close", false, false),
            ("Accept", "video-consent-btn", false, false),
        ] {
            assert_eq!(
                rank(&control(text, mark, leads)).is_some(),
                expected,
                "{text} {mark}"
            );
        }
    }

    #[test]
    fn settings_outrank_a_policy() {
        let settings = rank(&control("Cookie settings", "", false));
        let policy = rank(&control("Cookie policy", "cookie-link", false));
        assert!(settings > policy, "{settings:?} {policy:?}");
    }
}
