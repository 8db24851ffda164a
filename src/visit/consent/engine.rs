//! The consent rule engine: autoconsent, embedded as it comes, or a newer one from a file.
//!
//! It knows where hundreds of banners keep their buttons. What it reports is never taken as proof.

use std::path::Path;

use regex::Regex;
use serde_json::{Value as Json, json};

/// Largest rule file read, in bytes.
const LARGEST_RULES: u64 = 32 * 1024 * 1024;

/// The engine as it was built in.
struct BuiltIn {
    script: &'static str,
    rules: &'static str,
    package: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/engine.rs"));

/// What can be wrong with a rule file.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// It cannot be read.
    #[error("{path}: cannot be read")]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is something else.
    #[error("{path}: not a rule bundle ({reason}); expected the rules.json of autoconsent")]
    Form {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
}

/// A rule, and the addresses it is for.
#[derive(Debug)]
struct Rule {
    body: Json,
    /// Absent for rules of any site.
    address: Option<Regex>,
    main: bool,
    frame: bool,
}

/// The engine and its rules, ready to be sent to pages.
#[derive(Debug, Default)]
pub struct Engine {
    script: Option<&'static str>,
    rules: Vec<Rule>,
    name: String,
}

impl Engine {
    /// Loads what was built in, with the rules of `file` in place of its own if given.
    pub fn load(file: Option<&Path>) -> Result<Self, EngineError> {
        let Some(built_in) = BUILT_IN else {
            return Ok(Self {
                script: None,
                rules: Vec::new(),
                name: "heuristics only".to_owned(),
            });
        };
        let version = serde_json::from_str::<Json>(built_in.package)
            .ok()
            .and_then(|package| package["version"].as_str().map(str::to_owned))
            .unwrap_or_default();
        let (rules, name) = match file {
            None => {
                let rules = parse(built_in.rules).map_err(|reason| EngineError::Form {
                    path: "built-in rules".to_owned(),
                    reason,
                })?;
                (rules, format!("autoconsent {version}"))
            }
            Some(file) => {
                let path = file.display().to_string();
                let rules = parse(&read(file).map_err(|source| EngineError::Read {
                    path: path.clone(),
                    source,
                })?)
                .map_err(|reason| EngineError::Form {
                    path: path.clone(),
                    reason,
                })?;
                (
                    rules,
                    format!("autoconsent {version} with the rules of {path}"),
                )
            }
        };
        Ok(Self {
            script: Some(built_in.script),
            rules,
            name,
        })
    }

    /// Such as `autoconsent 16.23.0`, or `heuristics only`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether there are rules at all.
    pub fn is_present(&self) -> bool {
        self.script.is_some()
    }

    /// The engine's script, for our own world of every frame.
    pub fn script(&self) -> Option<&'static str> {
        self.script
    }

    /// The answer to a frame's `init`: configuration, and the rules that can apply there.
    ///
    /// Cosmetic rules hide a banner, and hiding is never a refusal; heuristics are our own.
    pub fn first_answer(&self, url: &str, top: bool) -> Json {
        let rules: Vec<&Json> = self
            .rules
            .iter()
            .filter(|rule| if top { rule.main } else { rule.frame })
            .filter(|rule| {
                rule.address
                    .as_ref()
                    .is_none_or(|address| address.is_match(url))
            })
            .map(|rule| &rule.body)
            .collect();
        json!({
            "type": "initResp",
            "config": {
                "enabled": true,
                "autoAction": null,
                "disabledCmps": [],
                "enablePrehide": false,
                "enableCosmeticRules": false,
                "enableGeneratedRules": true,
                "enableHeuristicDetection": false,
                "enableHeuristicAction": false,
                "heuristicMode": "off",
                "detectRetries": 20,
                "isMainWorld": false,
                "prehideTimeout": 2000,
                "visualTest": false,
            },
            "rules": { "autoconsent": rules },
        })
    }
}

fn read(file: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    std::fs::File::open(file)?
        .take(LARGEST_RULES)
        .read_to_string(&mut text)?;
    Ok(text)
}

fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let bundle: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let rules = bundle["autoconsent"]
        .as_array()
        .ok_or("no list `autoconsent`")?;
    Ok(rules
        .iter()
        .map(|body| {
            let context = &body["runContext"];
            let pattern = context["urlPattern"].as_str();
            Rule {
                // A pattern this engine cannot read is left to the other side.
                address: pattern.and_then(|pattern| Regex::new(pattern).ok()),
                main: context["main"].as_bool().unwrap_or(true),
                frame: context["frame"].as_bool().unwrap_or(false),
                body: body.clone(),
            }
        })
        .collect())
}

/// Whether a piece of code the engine wants to run in the page makes the choice itself.
///
/// A visitor cannot call a consent platform's functions, so the answer would be nobody's.
pub fn makes_the_choice(code: &str) -> bool {
    const ACTS: &[&str] = &[
        "acceptall",
        "allowall",
        "changeall",
        "closecmp",
        "consentreject",
        "declineall",
        "denyall",
        "deny(",
        "handleaccept",
        "ncmp('",
        "rejectall",
        "respondall",
        "saveandapply",
        "setconsent",
        "setdnsstate",
        "setuser",
        "submitall",
        "submitcustom",
        ".accept(",
        ".reject(",
        ".hide(",
        ".withdraw(",
        ".renew(",
        ".click(",
        "setitem(",
        "document.cookie=",
        "document.cookie =",
        "updateconsent",
        "optout(",
        "npcmp('reject",
        "npcmp(\"reject",
    ];
    let code = code.to_lowercase();
    ACTS.iter().any(|act| code.contains(act))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = r#"{"autoconsent": [
        {"name": "anywhere", "runContext": {}},
        {"name": "there", "runContext": {"urlPattern": "^https://there\\.test/"}},
        {"name": "frames", "runContext": {"main": false, "frame": true}}
    ]}"#;

    fn names(url: &str, top: bool) -> Vec<String> {
        let engine = Engine {
            script: Some(""),
            rules: parse(BUNDLE).unwrap(),
            name: String::new(),
        };
        let answer = engine.first_answer(url, top);
        answer["rules"]["autoconsent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|rule| rule["name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn frames_get_only_the_rules_that_can_apply() {
        assert_eq!(names("https://here.test/", true), ["anywhere"]);
        assert_eq!(names("https://there.test/x", true), ["anywhere", "there"]);
        assert_eq!(names("https://there.test/x", false), ["frames"]);
    }

    #[test]
    fn what_is_no_bundle_is_refused() {
        for text in ["", "[]", "{}", r#"{"autoconsent": 7}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn code_that_answers_for_the_visitor_is_known() {
        for code in [
            "() => tarteaucitron.userInterface.respondAll(false) || true",
            "__cmp('setConsent', 0)",
            "() => window.Cookiebot.withdraw() || true",
            "!!UC_UI.denyAllConsents()",
        ] {
            assert!(makes_the_choice(code), "{code}");
        }
        for code in [
            "() => !!window.Cookiebot",
            "window.OnetrustActiveGroups.split(',').length <= 1",
            "UC_UI.areAllConsentsAccepted() === true",
        ] {
            assert!(!makes_the_choice(code), "{code}");
        }
    }
}
