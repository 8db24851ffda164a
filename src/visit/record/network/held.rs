//! Requests that were held for a moment (CDP `Fetch.requestPaused`) and that no other event announced.

use std::collections::HashMap;

use super::hop::{Chain, Hop};

/// Method, URL and frame of a request.
type Likeness = (String, String, Option<String>);

fn likeness(hop: &Hop) -> Likeness {
    (hop.method.clone(), hop.url.clone(), hop.frame_id.clone())
}

/// Requests that were announced under an id of the browser's own and held under none (`fetchLater`).
#[derive(Debug)]
pub(super) struct Twins {
    by_likeness: HashMap<Likeness, Vec<(String, usize)>>,
}

impl Twins {
    pub(super) fn of(chains: &HashMap<String, Chain>) -> Self {
        let mut by_likeness: HashMap<Likeness, Vec<(String, usize)>> = HashMap::new();
        // Ids given by pages are numbers with a dot.
        for (id, chain) in chains.iter().filter(|(id, _)| !id.contains('.')) {
            for (index, hop) in chain.hops.iter().enumerate() {
                let is_held = matches!(hop.resource_type.as_str(), "Fetch" | "XHR" | "Ping");
                if is_held && !hop.held {
                    let known = by_likeness.entry(likeness(hop)).or_default();
                    known.push((id.clone(), index));
                }
            }
        }
        Self { by_likeness }
    }

    /// The request a held one is, by id and hop. Each is found once.
    pub(super) fn take(&mut self, held: &Hop) -> Option<(String, usize)> {
        self.by_likeness.get_mut(&likeness(held))?.pop()
    }
}

/// The documents each frame showed, in order.
#[derive(Debug)]
pub(super) struct Documents {
    by_frame: HashMap<String, Vec<String>>,
}

impl Documents {
    pub(super) fn of(chains: &HashMap<String, Chain>, order: &[(String, usize)]) -> Self {
        let mut by_frame: HashMap<String, Vec<String>> = HashMap::new();
        for (id, index) in order {
            let document = chains.get(id).and_then(|chain| chain.hops.get(*index));
            if let Some(document) = document
                && document.resource_type == "Document"
                && document.status.is_some()
                && let Some(frame) = &document.frame_id
            {
                let shown = by_frame.entry(frame.clone()).or_default();
                // A frame that reloads for ever shows the same.
                if shown.last() != Some(&document.url) && shown.len() < 100 {
                    shown.push(document.url.clone());
                }
            }
        }
        Self { by_frame }
    }

    /// The document that the `Referer` of a held request names. Servers of other origins get to know
    /// no more than the origin, so it is completed by what its frame showed.
    pub(super) fn named_by(&self, held: &Hop) -> String {
        let referer = held.header("referer").unwrap_or_default();
        let frame = held.frame_id.as_ref();
        let mut shown = frame
            .and_then(|frame| self.by_frame.get(frame))
            .into_iter()
            .flatten()
            .rev();
        shown
            .find(|url| !referer.is_empty() && url.starts_with(referer))
            .map_or(referer, String::as_str)
            .to_owned()
    }
}
