//! Reads what the page told its tags of the visitor's consent: commands in their order, and the
//! strings of the consent frameworks. Statements to be reported, never the proof of a choice.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::model::snapshot::{Command, Grant, Signal};
use crate::model::value::Value;
use crate::model::visit::PhaseName;

use super::category::{MOST_GRANTS, clean, optional};
use super::tcf::TcString;

/// [`Signal::kind`] of a consent command in the queue of a tag.
pub const CONSENT_COMMAND: &str = "consent-command";
/// [`Signal::kind`] of the answer of `__tcfapi`.
pub const TCF_API: &str = "tcf-api";
/// [`Signal::kind`] of the answer of `__gpp`.
pub const GPP: &str = "gpp";
/// [`Signal::kind`] of the answer of `__uspapi`.
pub const US_PRIVACY: &str = "us-privacy";
/// [`Signal::kind`] of Global Privacy Control.
pub const GPC: &str = "gpc";

/// Commands read from one queue.
const MOST_COMMANDS: usize = 50;
/// Regions of one command.
const MOST_REGIONS: usize = 20;
/// Sections named of a GPP string.
const MOST_SECTIONS: usize = 20;
/// Longest time a command can ask tags to wait, in milliseconds: one day.
const LONGEST_WAIT_MS: u64 = 86_400_000;

/// Queues of the probe's answer, with the names their signals carry.
const QUEUES: [(&str, &str); 4] = [
    ("google", "dataLayer"),
    ("microsoft", "uetq"),
    ("clarity", "clarity"),
    ("meta", "fbq"),
];

/// Decodes what [`PROBE`](super::PROBE) found; what has another shape is passed over.
///
/// Time and phase are for the recording to set.
pub fn read_signals(answer: &Json) -> Vec<Signal> {
    let answer = &answer["signals"];
    let mut signals: Vec<Signal> = QUEUES
        .iter()
        .flat_map(|(key, source)| commands(&answer[*key], source))
        .collect();
    signals.extend(microsoft_state(&answer["microsoftState"]));
    signals.extend(tcf(&answer["tcf"]));
    signals.extend(gpp(&answer["gpp"]));
    signals.extend(us_privacy(&answer["usp"]));
    signals.extend(answer["gpc"].as_str().map(gpc));
    signals
}

fn signal(kind: &str, source: &str) -> Signal {
    Signal {
        kind: kind.to_owned(),
        source: source.to_owned(),
        grants: Vec::new(),
        explicit: false,
        at_ms: 0,
        phase: PhaseName::Idle,
        value: None,
        command: None,
        facts: BTreeMap::new(),
    }
}

fn commands(queue: &Json, source: &str) -> Vec<Signal> {
    queue
        .as_array()
        .into_iter()
        .flatten()
        .take(MOST_COMMANDS)
        .filter_map(|entry| {
            let name = known_command(entry["name"].as_str()?)?;
            let mut grants: Vec<Grant> = entry["states"]
                .as_object()
                .into_iter()
                .flatten()
                .filter_map(|(name, state)| Some(optional(name, granted(state.as_str()?)?)))
                .take(MOST_GRANTS)
                .collect();
            // Meta's and the older of Clarity's commands have no types: the whole tag is meant.
            match (name, grants.is_empty()) {
                ("grant" | "consent", true) => grants.push(optional("all", true)),
                ("revoke", true) => grants.push(optional("all", false)),
                _ => {}
            }
            let command = Command {
                name: name.to_owned(),
                position: u32::try_from(entry["position"].as_u64()?).ok()?,
                regions: entry["regions"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Json::as_str)
                    .take(MOST_REGIONS)
                    .map(region)
                    .collect(),
                wait_for_update_ms: entry["wait"]
                    .as_f64()
                    .filter(|wait| *wait >= 0.0)
                    .map(|wait| (wait as u64).min(LONGEST_WAIT_MS)),
                after_first_tag: entry["afterTag"].as_bool(),
            };
            Some(Signal {
                grants,
                command: Some(command),
                ..signal(CONSENT_COMMAND, source)
            })
        })
        .collect()
}

/// The commands that speak of consent; any other word is the page's own and stays with it.
fn known_command(name: &str) -> Option<&'static str> {
    [
        "default",
        "update",
        "grant",
        "revoke",
        "consent",
        "consentv2",
    ]
    .into_iter()
    .find(|known| *known == name)
}

/// A region as ISO 3166 writes it, such as `DE` or `US-CA`; anything else is `other`.
fn region(text: &str) -> String {
    let part = |part: &str, longest: usize| {
        !part.is_empty()
            && part.len() <= longest
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let (country, subdivision) = text
        .split_once('-')
        .map_or((text, None), |(country, rest)| (country, Some(rest)));
    if country.len() == 2 && part(country, 2) && subdivision.is_none_or(|rest| part(rest, 3)) {
        text.to_ascii_uppercase()
    } else {
        "other".to_owned()
    }
}

fn granted(state: &str) -> Option<bool> {
    match state {
        "granted" | "true" => Some(true),
        "denied" | "false" => Some(false),
        _ => None,
    }
}

/// What Microsoft's tag goes by.
fn microsoft_state(allowed: &Json) -> Option<Signal> {
    Some(Signal {
        grants: vec![optional("ad_storage", allowed.as_bool()?)],
        ..signal(CONSENT_COMMAND, "uetq.uetConfig")
    })
}

/// A fact with the word a specification has for it; another word is `other`.
fn fact(answer: &Json, key: &str, words: &[&str]) -> Option<String> {
    let word = answer[key].as_str()?;
    let known = words
        .iter()
        .find(|known| known.eq_ignore_ascii_case(word))
        .copied();
    Some(known.unwrap_or("other").to_owned())
}

fn facts<const N: usize>(facts: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect()
}

const CMP_STATUS: &[&str] = &["stub", "loading", "loaded", "error"];
const DISPLAY_STATUS: &[&str] = &["visible", "hidden", "disabled"];

/// TCF: `ping` and the first answer to `addEventListener`.
fn tcf(answer: &Json) -> Option<Signal> {
    answer.as_object()?;
    let text = answer["string"].as_str().filter(|text| !text.is_empty());
    let event = fact(
        answer,
        "eventStatus",
        &["tcloaded", "cmpuishown", "useractioncomplete"],
    );
    Some(Signal {
        grants: text
            .and_then(TcString::parse)
            .map(|string| string.grants())
            .unwrap_or_default(),
        explicit: event.as_deref() == Some("useractioncomplete"),
        value: text.map(Value::new),
        facts: facts([
            ("event-status", event),
            (
                "gdpr-applies",
                fact(answer, "gdprApplies", &["true", "false"]),
            ),
            ("cmp-status", fact(answer, "cmpStatus", CMP_STATUS)),
            (
                "display-status",
                fact(answer, "displayStatus", DISPLAY_STATUS),
            ),
        ]),
        ..signal(TCF_API, "__tcfapi")
    })
}

/// GPP: the answer to `ping`. A European section is a TC string and is decoded.
fn gpp(answer: &Json) -> Option<Signal> {
    answer.as_object()?;
    let text = answer["string"].as_str().filter(|text| !text.is_empty());
    let sections: Vec<String> = answer["sections"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .filter_map(|number| number.parse::<i16>().ok())
        .take(MOST_SECTIONS)
        .map(|number| number.to_string())
        .collect();
    Some(Signal {
        grants: text
            .into_iter()
            .flat_map(|text| text.split('~').skip(1).take(MOST_SECTIONS))
            .find_map(TcString::parse)
            .map(|string| string.grants())
            .unwrap_or_default(),
        value: text.map(Value::new),
        facts: facts([
            (
                "sections",
                (!sections.is_empty()).then(|| sections.join(",")),
            ),
            ("cmp-status", fact(answer, "cmpStatus", CMP_STATUS)),
            (
                "signal-status",
                fact(answer, "signalStatus", &["ready", "not ready"]),
            ),
            (
                "display-status",
                fact(answer, "displayStatus", DISPLAY_STATUS),
            ),
        ]),
        ..signal(GPP, "__gpp")
    })
}

/// US Privacy: version, notice given, opted out of the sale, limited service provider agreement.
fn us_privacy(answer: &Json) -> Option<Signal> {
    let text = answer["string"].as_str().filter(|text| !text.is_empty())?;
    let letters: Vec<char> = text.chars().collect();
    let letter = |at: usize| match letters.get(at).map(char::to_ascii_uppercase) {
        Some('Y') => Some("yes".to_owned()),
        Some('N') => Some("no".to_owned()),
        Some('-') => Some("does not apply".to_owned()),
        _ => None,
    };
    let known = if letters.len() == 4 && letters[0] == '1' {
        facts([
            ("notice", letter(1)),
            ("opted-out", letter(2)),
            ("agreement", letter(3)),
        ])
    } else {
        BTreeMap::new()
    };
    Some(Signal {
        value: Some(Value::new(&clean(text))),
        facts: known,
        ..signal(US_PRIVACY, "__uspapi")
    })
}

/// What scripts of the page read of Global Privacy Control.
fn gpc(value: &str) -> Signal {
    let value = ["true", "false"]
        .into_iter()
        .find(|known| *known == value)
        .unwrap_or("absent");
    Signal {
        facts: facts([("value", Some(value.to_owned()))]),
        ..signal(GPC, "navigator.globalPrivacyControl")
    }
}

/// How many of the visit's requests carried `Sec-GPC: 1`.
pub fn gpc_header(carried: usize, requests: usize) -> Signal {
    Signal {
        facts: facts([
            ("sent-with", Some(carried.to_string())),
            ("requests", Some(requests.to_string())),
        ]),
        ..signal(GPC, "Sec-GPC")
    }
}

#[cfg(test)]
mod tests;
