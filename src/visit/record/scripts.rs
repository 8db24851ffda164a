//! What the hook tells of scripts: who wrote, who read, and the stack that did it.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::cut;
use crate::model::snapshot::{ScriptPlace, Setter};

/// The script that reports writes of cookies and storage and reads of what fingerprints are made of.
pub const HOOK: &str = include_str!("hook.js");

/// Most places of a stack kept.
const MOST_PLACES: usize = 32;
/// Most cookie writes whose fate is still open.
const MOST_OPEN: usize = 1_000;

/// One report of the hook.
#[derive(Debug)]
pub struct Told<'a> {
    /// What it says.
    pub report: &'a Json,
    /// Who made the call (CDP `Runtime.StackTrace`).
    pub stack: &'a Json,
    /// When, in milliseconds since 1970, by the page's clock.
    pub epoch_ms: Option<f64>,
    /// The document or worker: session and execution context.
    pub document: (&'a str, i64),
}

/// Cookie writes of which it is not known yet whether the browser took them.
#[derive(Debug, Default)]
pub(super) struct OpenWrites {
    writes: HashMap<(String, i64, u64), OpenWrite>,
}

/// A cookie write by a script, and when it was made.
#[derive(Debug)]
pub(super) struct OpenWrite {
    pub(super) at_ms: u64,
    pub(super) report: Json,
    pub(super) setter: Setter,
}

impl OpenWrites {
    /// Keeps a write until its fate is told. Hands back one that has none to wait for.
    pub(super) fn keep(&mut self, told: &Told<'_>, write: OpenWrite) -> Option<OpenWrite> {
        let Some(id) = told.report["id"].as_u64() else {
            return Some(write);
        };
        if self.writes.len() >= MOST_OPEN {
            return Some(write);
        }
        let (session, context) = told.document;
        self.writes.insert((session.to_owned(), context, id), write)
    }

    /// The fate of a write is told.
    pub(super) fn told(&mut self, told: &Told<'_>) -> Option<OpenWrite> {
        let (session, context) = told.document;
        let id = told.report["id"].as_u64()?;
        let mut write = self.writes.remove(&(session.to_owned(), context, id))?;
        write.report["visible"] = told.report["visible"].clone();
        Some(write)
    }

    /// Those whose fate was never told, in the order they were made.
    pub(super) fn left(&mut self) -> Vec<OpenWrite> {
        let mut left: Vec<_> = std::mem::take(&mut self.writes).into_iter().collect();
        left.sort_by_key(|((_, _, id), write)| (write.at_ms, *id));
        left.into_iter().map(|(_, write)| write).collect()
    }
}

/// The places of a stack with its asynchronous parents, innermost first, without the hook's own frames.
pub(super) fn places(stack: &Json) -> Vec<ScriptPlace> {
    let mut places = Vec::new();
    let mut stack = stack;
    while let Some(frames) = stack["callFrames"].as_array() {
        for frame in frames {
            // The hook and code made by `eval` have no address.
            let Some(url) = frame["url"].as_str().filter(|url| !url.is_empty()) else {
                continue;
            };
            if places.len() >= MOST_PLACES {
                return places;
            }
            places.push(ScriptPlace {
                url: cut(url).to_owned(),
                line: from_one(&frame["lineNumber"]),
                column: from_one(&frame["columnNumber"]),
                function: cut(frame["functionName"].as_str().unwrap_or_default()).to_owned(),
            });
        }
        stack = &stack["parent"];
    }
    places
}

/// CDP counts lines and columns from zero, people from one.
pub(super) fn from_one(number: &Json) -> u32 {
    number
        .as_f64()
        .map_or(0, |number| (number.max(0.0) as u32).saturating_add(1))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn stacks_are_read_innermost_first_and_through_asynchronous_calls() {
        let stack = json!({
            "callFrames": [
                {"url": "", "functionName": "", "lineNumber": 6, "columnNumber": 34},
                {"url": "", "functionName": "eval", "lineNumber": 0, "columnNumber": 0},
                {"url": "https://cdn.test/tag.js", "functionName": "setCookie", "lineNumber": 9, "columnNumber": 4},
            ],
            "parent": {"description": "setTimeout", "callFrames": [
                {"url": "https://shop.test/", "functionName": "", "lineNumber": 2, "columnNumber": 0},
            ]},
        });
        let read = places(&stack);
        let seen: Vec<_> = read
            .iter()
            .map(|place| {
                (
                    place.function.as_str(),
                    place.url.as_str(),
                    place.line,
                    place.column,
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("setCookie", "https://cdn.test/tag.js", 10, 5),
                ("", "https://shop.test/", 3, 1),
            ]
        );
        assert!(places(&Json::Null).is_empty());
    }

    #[test]
    fn the_fate_of_a_write_finds_its_write() {
        let mut open = OpenWrites::default();
        let (report, stack) = (
            json!({"kind": "cookie", "id": 1, "written": "a=1"}),
            Json::Null,
        );
        let told = |report, document| Told {
            report,
            stack: &stack,
            epoch_ms: None,
            document,
        };
        let write = OpenWrite {
            at_ms: 5,
            report: report.clone(),
            setter: Setter::Script { stack: Vec::new() },
        };
        assert!(open.keep(&told(&report, ("S", 1)), write).is_none());
        let fate = json!({"kind": "cookie-visible", "id": 1, "visible": false});
        assert!(
            open.told(&told(&fate, ("S", 2))).is_none(),
            "another document"
        );
        let settled = open.told(&told(&fate, ("S", 1))).unwrap();
        assert_eq!(
            (settled.at_ms, settled.report["visible"].as_bool()),
            (5, Some(false))
        );
        assert!(open.left().is_empty());
    }
}
