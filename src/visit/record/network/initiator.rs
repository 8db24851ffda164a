//! Who asked: from the innermost script up to the root tag in the page, so that a developer knows
//! which tag to gate.
//!
//! A request made in a worker goes through the worker to the document that started it; a preflight
//! has the chain of the request it asks leave for; what a frame asks for goes through the frame to
//! whoever put it into the page.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::super::cut;
use super::super::scripts::from_one;
use super::hop::{Chain, Hop};
use crate::model::snapshot::InitiatorStep;

/// Longest chain of initiators followed.
const LONGEST_CHAIN: usize = 24;

/// A place in a script: URL, line and column from 1.
type Place = (String, u32, u32);

/// Who asked for a request, as the browser says.
#[derive(Debug, Clone, Default)]
pub(super) struct Initiator {
    pub(super) kind: String,
    /// Innermost place first; async parents follow.
    pub(super) places: Vec<Place>,
}

impl Initiator {
    /// Reads CDP `Network.Initiator`, which counts lines and columns from zero; people count from one.
    pub(super) fn read(from: &Json) -> Self {
        let kind = match from["type"].as_str().unwrap_or("other") {
            "SignedExchange" => "signed-exchange".to_owned(),
            kind => cut(kind).to_lowercase(),
        };
        let mut places = Vec::new();
        let mut stack = &from["stack"];
        while let Some(frames) = stack["callFrames"].as_array()
            && places.len() < LONGEST_CHAIN
        {
            let left = LONGEST_CHAIN - places.len();
            places.extend(frames.iter().filter_map(place_of).take(left));
            stack = &stack["parent"];
        }
        // A preflight names its own address here.
        if places.is_empty() && kind != "preflight" {
            places.extend(place_of(from));
        }
        Self { kind, places }
    }
}

fn place_of(from: &Json) -> Option<Place> {
    // Scripts of the browser itself and of evaluated text have no address.
    let url = from["url"].as_str().filter(|url| url.contains("://"))?;
    Some((
        cut(url).to_owned(),
        from_one(&from["lineNumber"]),
        from_one(&from["columnNumber"]),
    ))
}

/// Everything that knows who brought what.
#[derive(Debug)]
pub(super) struct Origins<'a> {
    chains: &'a HashMap<String, Chain>,
    /// Which request brought a script or a frame's document, by URL.
    loaders: HashMap<&'a str, &'a Hop>,
    /// Scripts known from preflights, by the URL they asked for.
    preflights: HashMap<&'a str, &'a Initiator>,
    /// URLs of workers' scripts.
    workers: HashSet<&'a str>,
    /// Where each frame is, and whether it is the page.
    frames: &'a HashMap<String, (String, bool)>,
}

impl<'a> Origins<'a> {
    /// Reads all hops, in the order they were sent.
    pub(super) fn of(
        chains: &'a HashMap<String, Chain>,
        order: &'a [(String, usize)],
        frames: &'a HashMap<String, (String, bool)>,
    ) -> Self {
        let mut loaders: HashMap<&str, &Hop> = HashMap::new();
        let mut preflights = HashMap::new();
        let mut workers = HashSet::new();
        let hops = order
            .iter()
            .filter_map(|(id, index)| chains.get(id)?.hops.get(*index));
        for hop in hops {
            if matches!(hop.resource_type.as_str(), "Script" | "Document") || hop.worker.is_some() {
                loaders.entry(&hop.url).or_insert(hop);
            }
            if hop.method == "OPTIONS" && !hop.initiator.places.is_empty() {
                preflights.insert(hop.url.as_str(), &hop.initiator);
            }
            if let Some(worker) = &hop.worker {
                workers.insert(worker.url.as_str());
            }
        }
        Self {
            chains,
            loaders,
            preflights,
            workers,
            frames,
        }
    }

    /// From the innermost place that asked for a hop up to the root tag in the page.
    pub(super) fn chain_of(&self, hop: &Hop) -> Vec<InitiatorStep> {
        let hop = self.asked_leave_for(hop).unwrap_or(hop);
        let mut steps = Steps::default();
        let mut visited: HashSet<&str> = HashSet::new();
        let mut current = hop;
        loop {
            let initiator = self.initiator_of(current);
            // For the script of a worker the browser names the document, and no reason.
            let kind = match initiator.kind.as_str() {
                "other" if self.workers.contains(current.url.as_str()) => "worker",
                kind => kind,
            };
            let mut next: Option<&str> = None;
            for (url, line, column) in &initiator.places {
                steps.push(kind, url, *line, *column);
                if next.is_none() || !visited.contains(url.as_str()) {
                    next = Some(url);
                }
            }
            if initiator.places.is_empty() {
                let worker = current
                    .worker
                    .as_ref()
                    .filter(|worker| worker.url != current.url);
                if let Some(worker) = worker {
                    steps.push("worker", &worker.url, 0, 0);
                    next = Some(&worker.url);
                } else if let Some(document) = self.document_of(current) {
                    steps.push(kind, document, 0, 0);
                    next = Some(document);
                }
            }
            let loader = next
                .filter(|url| visited.insert(without_fragment(url)))
                .and_then(|url| self.loaders.get(without_fragment(url)));
            let Some(loader) = loader.filter(|_| !steps.is_full()) else {
                return steps.taken;
            };
            // The page itself is the end of the way.
            if loader.resource_type == "Document" && self.is_page(loader) {
                return steps.taken;
            }
            current = loader;
        }
    }

    /// The request a preflight asks leave for.
    pub(super) fn asked_leave_for(&self, preflight: &Hop) -> Option<&'a Hop> {
        let chain = self.chains.get(preflight.preflight_of.as_ref()?)?;
        chain
            .hops
            .iter()
            .find(|hop| hop.url == preflight.url)
            .or(chain.hops.first())
    }

    fn initiator_of(&self, hop: &'a Hop) -> &'a Initiator {
        if hop.initiator.places.is_empty()
            && let Some(known) = self.preflights.get(hop.url.as_str())
        {
            return known;
        }
        &hop.initiator
    }

    /// The document a hop was asked for by, when it is not the hop itself.
    fn document_of(&self, hop: &'a Hop) -> Option<&'a str> {
        let named = Some(hop.document_url.as_str())
            .filter(|document| !document.is_empty() && without_fragment(document) != hop.url);
        named.or_else(|| {
            let (url, _) = self.frames.get(hop.frame_id.as_ref()?)?;
            (hop.resource_type != "Document" && *url != hop.url).then_some(url.as_str())
        })
    }

    fn is_page(&self, document: &Hop) -> bool {
        document.initiator.places.is_empty()
            || document
                .frame_id
                .as_ref()
                .and_then(|frame| self.frames.get(frame))
                .is_some_and(|(_, top)| *top)
    }
}

fn without_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

#[derive(Debug, Default)]
struct Steps {
    taken: Vec<InitiatorStep>,
}

impl Steps {
    fn is_full(&self) -> bool {
        self.taken.len() >= LONGEST_CHAIN
    }

    fn push(&mut self, kind: &str, url: &str, line: u32, column: u32) {
        if self.is_full() {
            return;
        }
        let step = InitiatorStep {
            kind: kind.to_owned(),
            url: url.to_owned(),
            line,
            column,
        };
        // A place says more than the document it is in.
        let known = self.taken.last().is_some_and(|last| {
            *last == step || (line == 0 && without_fragment(&last.url) == without_fragment(url))
        });
        if !known {
            self.taken.push(step);
        }
    }
}
