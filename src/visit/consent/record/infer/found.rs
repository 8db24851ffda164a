//! Gathers the switches and lists of a structured value and says what they add up to.

use serde_json::Value;

use crate::model::snapshot::Grant;

use super::super::category::{
    MOST_GRANTS, category, flag, grant, optional, settle_functional, words, yes_or_no,
};
use super::super::speech::{self, Name, Sense, Topic};
use super::super::{Answer, decode};
use crate::visit::consent::purposes::purpose_of;

use super::{Said, listed, sum, word};

/// Keys of an object that are no switch, or one about having been asked.
const NOT_A_SWITCH: &[&str] = &["v", "opted", "rfc_cookie"];

/// Switches found in a structured value, by how sure it is that they are about consent.
#[derive(Default)]
pub(super) struct Found {
    /// Named after a category.
    categories: Vec<Grant>,
    /// Named after the act: accepted, consent, rejected.
    acts: Vec<Grant>,
    /// Other switches where switches are expected.
    others: Vec<Grant>,
    /// A switch tells that the banner was dealt with.
    dealt_with: bool,
    /// A list of what is allowed, with nothing in it.
    nothing_allowed: bool,
}

impl Found {
    pub(super) fn switch(&mut self, key: &str, yes: bool, expected: bool) {
        if self.categories.len() + self.acts.len() + self.others.len() >= MOST_GRANTS
            || NOT_A_SWITCH.contains(&key)
        {
            return;
        }
        let name = speech::name(key);
        match name.sense {
            Sense::Refusal if yes => self.acts.push(optional(key, false)),
            Sense::Refusal => {}
            Sense::Seen => self.dealt_with = true,
            _ if name.category.is_some() => self.categories.push(grant(key, yes)),
            // A category in a language the table of records does not know.
            _ if purpose_of(key).is_some() => self.categories.push(optional(key, yes)),
            Sense::Permission => self.acts.push(optional(key, yes)),
            Sense::Plain if name.topic == Topic::Consent => self.acts.push(optional(key, yes)),
            Sense::Plain if expected => self.others.push(optional(key, yes)),
            Sense::Plain => {}
        }
    }

    /// An entry of a list of what is allowed, or refused.
    pub(super) fn named(&mut self, name: &str, allowed: bool) {
        if self.categories.len() >= MOST_GRANTS {
            return;
        }
        match word(&words(name).concat()) {
            Some(yes) => self.acts.push(optional(name, yes == allowed)),
            None => self.categories.push(grant(name, allowed)),
        }
    }

    pub(super) fn said(mut self, name: Name, text: &str) -> Said {
        settle_functional(&mut self.categories);
        let only_necessary =
            !self.categories.is_empty() && self.categories.iter().all(|grant| grant.necessary);
        let refusable = |grants: &[Grant]| grants.iter().any(|grant| !grant.necessary);
        let grants = [&self.categories, &self.acts, &self.others]
            .into_iter()
            .find(|grants| refusable(grants));
        if let Some(grants) = grants {
            return Said::Answer(sum(grants), listed(grants));
        }
        if only_necessary || self.nothing_allowed {
            return Said::Answer(
                Answer::Denied,
                "that nothing beyond the necessary is allowed".to_owned(),
            );
        }
        // A text this short was written for the banner; a long one may be anything.
        let written = name.topic == Topic::Consent && !text.is_empty();
        if written || self.dealt_with {
            Said::DealtWith
        } else {
            Said::Nothing
        }
    }
}

/// What an object or an array says.
pub(super) fn in_tree(name: Name, tree: &Value) -> Said {
    let mut found = Found::default();
    collect(
        tree,
        name.sense != Sense::Refusal,
        true,
        decode::DEEPEST,
        &mut found,
    );
    found.said(name, "structured")
}

/// Keys under which lists and switches are expected.
fn expects_switches(key: &str) -> bool {
    const SECTIONS: &[&str] = &[
        "categor",
        "level",
        "purpose",
        "vendor",
        "service",
        "preference",
        "setting",
        "cookie",
        "consent",
        "permission",
        "group",
        "choice",
        "accept",
        "allow",
        "grant",
        "enabled",
        "reject",
        "denied",
        "declin",
        "refus",
        "types",
        "data",
    ];
    let joined = words(key).concat();
    SECTIONS.iter().any(|section| joined.contains(section))
}

/// Keys whose text is the answer to everything.
fn names_an_answer(key: &str) -> bool {
    const ANSWERS: &[&str] = &[
        "status", "choice", "decision", "value", "state", "level", "action",
    ];
    let name = speech::name(key);
    ANSWERS.contains(&key) || (name.topic == Topic::Consent && name.sense == Sense::Plain)
}

fn collect(tree: &Value, allowed: bool, expected: bool, depth: usize, found: &mut Found) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    match tree {
        Value::Array(items) => {
            if items.is_empty() && expected && allowed {
                found.nothing_allowed = true;
            }
            for item in items {
                match item {
                    Value::String(name) if expected => found.named(name, allowed),
                    Value::Array(pair) => {
                        if let [Value::String(name), Value::Bool(yes), ..] = pair.as_slice() {
                            found.switch(name, *yes, true);
                        } else {
                            collect(item, allowed, expected, depth, found);
                        }
                    }
                    _ => collect(item, allowed, expected, depth, found),
                }
            }
        }
        Value::Object(object) => {
            if let Some((name, yes)) = entry(object) {
                found.switch(name, yes, true);
                return;
            }
            for (key, value) in object {
                match value {
                    Value::Object(inner) if category(key).is_some() => {
                        match inner.values().find_map(Value::as_bool) {
                            Some(yes) => found.switch(key, yes, true),
                            None => collect(value, allowed, expected, depth, found),
                        }
                    }
                    Value::Object(_) | Value::Array(_) => {
                        let refused = speech::name(key).sense == Sense::Refusal;
                        collect(
                            value,
                            allowed && !refused,
                            expects_switches(key),
                            depth,
                            found,
                        );
                    }
                    Value::String(text) if names_an_answer(key) => {
                        if let Some(yes) = word(&words(text).concat())
                            .or_else(|| yes_or_no(text).filter(|_| text.len() > 1))
                        {
                            found.acts.push(optional(key, yes));
                        }
                    }
                    _ => {
                        if let Some(yes) = flag(value) {
                            found.switch(key, yes, expected && value.is_boolean());
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

/// An object that is one switch: `{"name":"analytics","isAccepted":false}`.
fn entry(object: &serde_json::Map<String, Value>) -> Option<(&str, bool)> {
    const NAMES: &[&str] = &[
        "name",
        "key",
        "category",
        "consentTypeName",
        "type",
        "id",
        "code",
    ];
    const SWITCHES: &[&str] = &[
        "value",
        "isAccepted",
        "accepted",
        "consent",
        "enabled",
        "granted",
        "allowed",
        "given",
        "status",
        "checked",
        "active",
    ];
    let name = NAMES.iter().find_map(|key| object.get(*key)?.as_str())?;
    let yes = SWITCHES.iter().find_map(|key| flag(object.get(*key)?))?;
    Some((name, yes))
}
