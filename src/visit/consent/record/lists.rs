//! Records that list what is allowed, or answer everything with one word.

use serde_json::Value;

use crate::model::snapshot::Grant;

use super::category::{grant, necessary, optional, settle_functional, yes_or_no};
use super::platforms::{Entry, Reading};
use super::tcf::TcString;
use super::{decode, platforms};

/// What stands for everything a list does not name.
const REST: &str = "everything else";

/// Texts of a JSON array, or of a JSON text that holds one.
fn texts(value: Option<&Value>) -> Option<Vec<String>> {
    let inner;
    let array = match value? {
        Value::Array(array) => array,
        Value::String(text) => {
            inner = decode::tree(text)?;
            inner.as_array()?
        }
        _ => return None,
    };
    Some(
        array
            .iter()
            .filter_map(|item| match item {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            })
            .collect(),
    )
}

/// Grants for a list of what is allowed; a list of nothing refusable refuses the rest.
fn allowed(names: &[String]) -> Vec<Grant> {
    let mut grants: Vec<Grant> = names.iter().map(|name| grant(name, true)).collect();
    settle_functional(&mut grants);
    if grants.iter().all(|grant| grant.necessary) {
        grants.push(optional(REST, false));
    }
    grants
}

/// An entry that says nothing about the choice.
pub(super) fn nothing(_: &Entry<'_>) -> Option<Reading> {
    None
}

/// One word for everything: `true`, `deny`, `dismiss`.
pub(super) fn whole(entry: &Entry<'_>) -> Option<Reading> {
    if matches!(entry.text.as_str(), "dismiss" | "dismissed") {
        return Some(Reading::marker());
    }
    Some(Reading::answer(vec![optional(
        "cookies",
        yes_or_no(&entry.text)?,
    )]))
}

/// One word for everything, the other way round.
pub(super) fn opted_out(entry: &Entry<'_>) -> Option<Reading> {
    let out = yes_or_no(&entry.text)?;
    Some(Reading::answer(vec![optional("cookies", !out)]))
}

/// Being there is a yes (Matomo writes the time).
pub(super) fn presence(entry: &Entry<'_>) -> Option<Reading> {
    (!entry.text.is_empty()).then(|| Reading::answer(vec![optional("tracking", true)]))
}

/// Being there is a no.
pub(super) fn removal(entry: &Entry<'_>) -> Option<Reading> {
    (!entry.text.is_empty()).then(|| Reading::answer(vec![optional("tracking", false)]))
}

/// A JSON array of what is allowed.
pub(super) fn allowed_names(entry: &Entry<'_>) -> Option<Reading> {
    Some(Reading::answer(allowed(&texts(entry.tree().as_ref())?)))
}

/// The moment the banner was answered or closed; what was answered, `OptanonConsent` tells.
pub(super) fn onetrust_closed(entry: &Entry<'_>) -> Option<Reading> {
    entry
        .text
        .starts_with(|first: char| first.is_ascii_digit())
        .then(Reading::marker)
}

/// Adobe's purposes, `general=in`: written when the page sets the consent, never by default.
pub(super) fn adobe(entry: &Entry<'_>) -> Option<Reading> {
    let grants: Vec<Grant> = entry
        .text
        .split(';')
        .filter_map(|purpose| {
            let (name, stance) = purpose.split_once('=')?;
            match stance.trim() {
                "in" => Some(optional(name.trim(), true)),
                "out" => Some(optional(name.trim(), false)),
                _ => None,
            }
        })
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// Piano's mode. The page sets one by default: which of them is the visitor's answer, it does not tell.
pub(super) fn piano(entry: &Entry<'_>) -> Option<Reading> {
    let granted = match entry.text.as_str() {
        "optin" => true,
        "optout" | "exempt" | "no-consent" | "no-storage" => false,
        _ => return None,
    };
    Reading::state(vec![optional("analytics", granted)])
}

/// There as soon as the visitor has answered, whatever it says.
pub(super) fn answered(entry: &Entry<'_>) -> Option<Reading> {
    (!entry.text.is_empty()).then(Reading::marker)
}

/// `true` once the visitor touched the banner's buttons.
pub(super) fn usercentrics_marker(entry: &Entry<'_>) -> Option<Reading> {
    (entry.text == "true").then(Reading::marker)
}

/// `0@version@1,2,3@dates@`: one at the beginning says that everything was refused, else the numbers of
/// the categories allowed follow.
pub(super) fn commanders_act(entry: &Entry<'_>) -> Option<Reading> {
    let mut parts = entry.text.split('@');
    let refused = match parts.next()? {
        "0" => false,
        "1" => true,
        _ => return None,
    };
    let mut grants: Vec<Grant> = parts
        .nth(1)?
        .split(',')
        .filter(|id| !refused && !id.is_empty() && id.len() < 8)
        .map(|id| optional(&format!("category {id}"), true))
        .collect();
    if grants.is_empty() {
        grants.push(optional("all categories", false));
    }
    Some(Reading::answer(grants))
}

/// `,google_analytics,facebook_pixel,`, or `,,` for none; there before the visitor answers.
pub(super) fn axeptio(entry: &Entry<'_>) -> Option<Reading> {
    let mut grants: Vec<Grant> = entry
        .text
        .split(',')
        .filter(|name| !name.trim().is_empty())
        .map(|name| optional(name, true))
        .collect();
    if grants.is_empty() {
        grants.push(optional("vendors", false));
    }
    Reading::state(grants)
}

/// `{"consents":{"essential":["borlabs-cookie"],"statistics":["google-analytics"]}}`.
pub(super) fn borlabs(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let mut grants: Vec<Grant> = tree
        .get("consents")?
        .as_object()?
        .iter()
        .map(|(group, services)| {
            let granted = match services {
                Value::Array(list) => !list.is_empty(),
                Value::Object(map) => !map.is_empty(),
                other => other.as_bool().unwrap_or(false),
            };
            grant(group, granted)
        })
        .collect();
    if grants.iter().all(|grant| grant.necessary) {
        grants.push(optional(REST, false));
    }
    Some(Reading::answer(grants))
}

/// `__51_52__`: numbers of the purposes allowed; 51 is what cannot be refused.
pub(super) fn consentmanager(entry: &Entry<'_>) -> Option<Reading> {
    let inner = entry.text.strip_prefix("__")?;
    let mut grants: Vec<Grant> = inner
        .split('_')
        .filter(|id| !id.is_empty() && id.len() < 8)
        .map(|id| match id.trim_start_matches(['c', 's']) {
            "51" => necessary("purpose 51"),
            id => optional(&format!("purpose {id}"), true),
        })
        .collect();
    if grants.iter().all(|grant| grant.necessary) {
        grants.push(optional("purposes", false));
    }
    Some(Reading::answer(grants))
}

/// `{"answered":true,"allAllowed":false,"categories":[…]}`.
pub(super) fn cookiehub(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let is = |key: &str| tree.get(key).and_then(Value::as_bool) == Some(true);
    let all = tree.get("allAllowed").and_then(Value::as_bool)?;
    let some = texts(tree.get("categories")).is_some_and(|categories| categories.len() > 1);
    let mut grants = vec![optional("cookies", all)];
    if !all && some {
        grants.push(optional("some categories", true));
    }
    Some(Reading {
        grants,
        explicit: is("answered") && !is("implicit"),
    })
}

/// `{"consents_approved":[…],"consents_denied":[…]}`.
pub(super) fn cookie_information(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let list = |key: &str, granted: bool| {
        texts(tree.get(key))
            .unwrap_or_default()
            .into_iter()
            .map(move |name| grant(&name, granted))
    };
    let grants: Vec<Grant> = list("consents_approved", true)
        .chain(list("consents_denied", false))
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `{"action":"reject","categories":"[]"}`; only `bannershown` before the answer.
pub(super) fn cookie_script(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let action = tree.get("action").and_then(Value::as_str)?;
    let grants = match (action, texts(tree.get("categories"))) {
        ("reject", _) => vec![optional(REST, false)],
        (_, Some(names)) => allowed(&names),
        ("accept", None) => vec![optional("all categories", true)],
        _ => Vec::new(),
    };
    Some(Reading::answer(grants))
}

/// Base64 of `{"purposes":{"enabled":[…],"disabled":[…]},"vendors":{…}}`; neither before the answer.
pub(super) fn didomi(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let read = |section: &str| -> Vec<Grant> {
        let list = |key: &str, granted: bool| {
            texts(tree.get(section).and_then(|section| section.get(key)))
                .unwrap_or_default()
                .into_iter()
                .map(move |name| optional(&name, granted))
        };
        list("enabled", true)
            .chain(list("disabled", false))
            .collect()
    };
    let purposes = read("purposes");
    let grants = if purposes.is_empty() {
        read("vendors")
    } else {
        purposes
    };
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// Drupal's module: `0` is no; `1` and `2` are an answer, which the categories tell.
pub(super) fn eu_cookie_compliance(entry: &Entry<'_>) -> Option<Reading> {
    match entry.text.as_str() {
        "0" => Some(Reading::answer(vec![optional("cookies", false)])),
        "1" | "2" => Some(Reading::marker()),
        _ => None,
    }
}

/// Google's own pages: the first byte tells not asked, no or yes.
pub(super) fn google_socs(entry: &Entry<'_>) -> Option<Reading> {
    if entry.text.starts_with("CAE") {
        Some(Reading::answer(vec![optional("cookies", false)]))
    } else if entry.text.starts_with("CAI") {
        Some(Reading::answer(vec![optional("cookies", true)]))
    } else {
        None
    }
}

/// `[null,null,null,["TC string","AC string","id"],…]`.
pub(super) fn funding_choices(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let texts = texts(tree.as_array()?.iter().find(|item| item.is_array()))?;
    let mut grants = texts
        .iter()
        .find_map(|text| TcString::parse(text))?
        .decided();
    grants.extend(
        texts
            .iter()
            .find_map(|text| platforms::additional(text))
            .into_iter()
            .flatten()
            // No vendor beyond the framework is no refusal by itself: many sites ask for none.
            .filter(|vendors| vendors.granted),
    );
    Reading::state(grants)
}

/// `{"status":"deny",…}` in base64.
pub(super) fn pandectes(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let granted = match tree.get("status")?.as_str()? {
        "allow" => vec![optional("cookies", true)],
        "deny" => vec![optional("cookies", false)],
        "mixed" => vec![optional("some cookies", true), optional(REST, false)],
        _ => return None,
    };
    Some(Reading::answer(granted))
}

/// `permit 1 required` or `permit 1,2,3`: 1 required, 2 functional, 3 advertising.
pub(super) fn trustarc_permit(entry: &Entry<'_>) -> Option<Reading> {
    let numbers = entry.text.strip_prefix("permit ")?.split(' ').next()?;
    trustarc(numbers, 1)
}

/// `0,1,2:…`: 0 required, 1 functional, 2 advertising.
pub(super) fn trustarc_prefs(entry: &Entry<'_>) -> Option<Reading> {
    trustarc(entry.text.split(':').next()?, 0)
}

/// `2:…`: everything up to this level.
pub(super) fn trustarc_level(entry: &Entry<'_>) -> Option<Reading> {
    let level: u8 = entry.text.split(':').next()?.trim().parse().ok()?;
    let names: Vec<String> = (0..=level.min(9)).map(|level| level.to_string()).collect();
    trustarc(&names.join(","), 0)
}

fn trustarc(numbers: &str, required: u8) -> Option<Reading> {
    let allowed: Vec<u8> = numbers
        .split(',')
        .map(|number| number.trim().parse().ok())
        .collect::<Option<_>>()?;
    let mut grants = vec![necessary(&format!("level {required}"))];
    for level in required + 1..=required + 2 {
        grants.push(optional(
            &format!("level {level}"),
            allowed.contains(&level),
        ));
    }
    Some(Reading::answer(grants))
}

/// `{"categories":["necessary"],"services":{"necessary":[],"analytics":[]},"consentId":…}`.
pub(super) fn vanilla(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let names = texts(tree.get("categories")).or_else(|| texts(tree.get("level")))?;
    let mut grants = allowed(&names);
    // Version 3 lists the services of every category, allowed or not.
    if let Some(services) = tree.get("services").and_then(Value::as_object) {
        let refused = services.keys().filter(|name| !names.contains(name));
        grants.extend(refused.map(|name| optional(name, false)));
    }
    Some(Reading::answer(grants))
}
