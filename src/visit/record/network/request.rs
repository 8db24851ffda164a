//! Turns hops into the snapshot's requests.

use std::collections::HashMap;

use super::super::Clock;
use super::hop::{Chain, Hop, names_in_cookie_header};
use super::initiator::Origins;
use crate::model::party::{host_of, party_of};
use crate::model::snapshot::{AnsweredBy, FrameRef, Header, RedirectHop, Request};
use crate::model::value::Value;

/// Every hop that left the browser, in the order they were sent, seen from a page on `site`.
pub(super) fn requests(
    chains: &HashMap<String, Chain>,
    order: &[(String, usize)],
    clock: &Clock,
    site: &str,
) -> Vec<Request> {
    let frames = frames(chains, order);
    let origins = Origins::of(chains, order, &frames);
    order
        .iter()
        .filter_map(|(id, index)| {
            let hops = &chains.get(id)?.hops;
            let hop = hops.get(*index).filter(|hop| !hop.inside)?;
            let earlier = &hops[..*index];
            let mut request = request(hop, clock, site);
            request.id = format!("{id}.{index}");
            request.frame = frame_of(hop, &frames);
            request.initiator_chain = origins.chain_of(hop);
            request.redirect_chain = earlier.iter().map(redirect_hop).collect();
            request.preflight_of = hop.preflight_of.as_ref().map(|of| {
                let of_hop = chains
                    .get(of)
                    .and_then(|chain| chain.hops.iter().position(|other| other.url == hop.url));
                format!("{of}.{}", of_hop.unwrap_or_default())
            });
            Some(request)
        })
        .collect()
}

fn request(hop: &Hop, clock: &Clock, site: &str) -> Request {
    let body = hop.body.as_ref();
    let sent_cookies = match hop.header("cookie") {
        Some(header) if hop.sent_cookies.is_empty() => names_in_cookie_header(header),
        _ => hop.sent_cookies.clone(),
    };
    Request {
        id: String::new(),
        url: hop.url.clone(),
        method: hop.method.clone(),
        resource_type: hop.resource_type.clone(),
        party: party_of(&host_of(&hop.url), site),
        frame: None,
        worker: hop.worker.clone(),
        at_ms: hop.at_ms,
        phase: clock.phase_at(hop.at_ms),
        initiator_chain: Vec::new(),
        redirect_chain: Vec::new(),
        preflight_of: None,
        ahead: hop.ahead,
        status: hop.status,
        mime_type: hop.mime_type.clone(),
        answered_by: hop.answered_by,
        from_cache: matches!(
            hop.answered_by,
            AnsweredBy::MemoryCache | AnsweredBy::DiskCache | AnsweredBy::PrefetchCache
        ),
        from_service_worker: hop.from_service_worker,
        failed: hop.failed.clone(),
        blocked: hop.blocked.clone(),
        cors_error: hop.cors_error.clone(),
        cancelled: hop.cancelled,
        on_leaving: hop.on_leaving,
        headers: hop
            .headers
            .iter()
            .map(|(name, value)| Header {
                name: name.clone(),
                value: Value::new(value),
            })
            .collect(),
        post_body: body.map(|body| body.value.clone()),
        body_parameters: body.map_or_else(Vec::new, |body| body.parameters.clone()),
        body_parameters_left_out: body.map_or(0, |body| body.left_out),
        body_unseen: hop.has_body && body.is_none(),
        sent_cookies,
        set_cookies: hop.set_cookies.clone(),
        messages: hop.messages.to_model(clock),
        messages_left_out: hop.messages.left_out,
    }
}

fn redirect_hop(hop: &Hop) -> RedirectHop {
    RedirectHop {
        url: hop.url.clone(),
        status: hop.status.unwrap_or_default(),
        set_cookies: hop.set_cookies.clone(),
    }
}

fn frame_of(hop: &Hop, frames: &HashMap<String, (String, bool)>) -> Option<FrameRef> {
    let (url, top) = frames.get(hop.frame_id.as_ref()?)?;
    // A worker's script and a page fetched ahead name themselves.
    let named = !hop.document_url.is_empty()
        && (hop.document_url != hop.url || hop.resource_type == "Document");
    Some(FrameRef {
        url: if named { &hop.document_url } else { url }.clone(),
        top: *top,
    })
}

/// Where each frame is, and whether it is the page: the first that loaded a document.
fn frames(
    chains: &HashMap<String, Chain>,
    order: &[(String, usize)],
) -> HashMap<String, (String, bool)> {
    let mut frames: HashMap<String, (String, bool)> = HashMap::new();
    for (id, index) in order {
        let hop = chains.get(id).and_then(|chain| chain.hops.get(*index));
        if let Some(hop) = hop.filter(|hop| hop.resource_type == "Document")
            && let Some(frame) = &hop.frame_id
        {
            let top = frames.is_empty() || frames.get(frame).is_some_and(|(_, top)| *top);
            frames.insert(frame.clone(), (hop.url.clone(), top));
        }
    }
    frames
}
