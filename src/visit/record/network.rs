//! Requests: matches the events of one request with each other, whatever their order.
//!
//! The traps: additional events may come before the request they belong to, or for hops nobody was
//! told of; the response of redirect hop N comes inside the request of hop N+1; what is sent while
//! the page is being left shows only while it is held for a moment.

mod body;
mod held;
mod hop;
mod initiator;
mod messages;
mod request;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::cookies::CookieLog;
use super::{Clock, MOST_ITEMS, cut};
use crate::model::snapshot::{Ahead, AnsweredBy, Request, WorkerRef};
use held::{Documents, Twins};
pub(super) use hop::header_of;
use hop::{Chain, Hop, headers_that_matter, names_in_cookie_header, status_of};
use initiator::Initiator;
use messages::MOST_IN_A_VISIT;

/// Everything heard of the network.
#[derive(Debug, Default)]
pub(super) struct NetworkLog {
    chains: HashMap<String, Chain>,
    /// Request id and hop, in the order they were sent.
    order: Vec<(String, usize)>,
    /// Requests that were held for a moment and that the Network domain has not spoken of, by request id.
    held: Vec<(String, Hop)>,
    held_ids: HashSet<String>,
    messages_kept: usize,
    /// Events there was no room for, or that belong to no request that is known.
    pub(super) lost: u32,
    pub(super) last_activity_ms: u64,
}

impl NetworkLog {
    pub(super) fn is_full(&self) -> bool {
        self.order.len() >= MOST_ITEMS
    }

    pub(super) fn in_flight(&self) -> usize {
        self.chains
            .values()
            .filter_map(|chain| chain.hops.last())
            .filter(|hop| {
                !hop.done
                    && !hop.inside
                    && !matches!(
                        hop.resource_type.as_str(),
                        "WebSocket" | "WebTransport" | "EventSource" | "Media" | "Ping"
                    )
            })
            .count()
    }

    /// The address of a request that was answered with JSON or a script.
    pub(super) fn text_answer(&self, id: &str) -> Option<String> {
        let hop = self.chains.get(id)?.hops.last()?;
        let mime_type = hop.mime_type.as_deref()?.to_ascii_lowercase();
        let is_text = ["json", "javascript", "ecmascript"]
            .iter()
            .any(|kind| mime_type.contains(kind))
            || (mime_type == "text/plain"
                && matches!(hop.resource_type.as_str(), "XHR" | "Fetch" | "Script"));
        (hop.status == Some(200) && is_text && !hop.inside).then(|| hop.url.clone())
    }

    pub(super) fn document(&self, loader: &str) -> Option<(u16, String)> {
        let hop = self.chains.get(loader)?.hops.last()?;
        Some((hop.status?, hop.mime_type.clone().unwrap_or_default()))
    }

    pub(super) fn take(
        &mut self,
        clock: &Clock,
        method: &str,
        params: &Json,
        worker: Option<&(String, String)>,
        cookies: &mut CookieLog,
    ) {
        let Some(id) = params["requestId"].as_str() else {
            return;
        };
        match method {
            "Network.requestWillBeSent" => self.will_be_sent(clock, id, params, worker, cookies),
            "Network.webSocketCreated" | "Network.webTransportCreated" => {
                self.connection_created(clock, id, method, params, worker, cookies);
            }
            "Network.requestWillBeSentExtraInfo" | "Network.responseReceivedExtraInfo" => {
                let sent = method == "Network.requestWillBeSentExtraInfo";
                if let Some(chain) = self.chain(id) {
                    let kept = chain.add_additional(clock.now_ms(), sent, params);
                    chain.settle(false, cookies);
                    if !kept {
                        self.lost = self.lost.saturating_add(1);
                    }
                }
            }
            "Network.responseReceived"
            | "Network.requestServedFromCache"
            | "Network.loadingFinished"
            | "Network.loadingFailed"
            | "Network.webSocketWillSendHandshakeRequest"
            | "Network.webSocketHandshakeResponseReceived"
            | "Network.webSocketFrameError"
            | "Network.webSocketFrameSent"
            | "Network.webSocketFrameReceived"
            | "Network.webSocketClosed"
            | "Network.webTransportConnectionEstablished"
            | "Network.webTransportClosed"
            | "Network.eventSourceMessageReceived" => {
                self.follows(clock, id, method, params, cookies);
            }
            _ => return,
        }
        // A connection that chatters for ever must not keep the visit waiting.
        if !method.contains("webSocketFrame") && !method.contains("eventSource") {
            self.last_activity_ms = clock.now_ms();
        }
    }

    /// The chain of a request id, if there is room for it.
    fn chain(&mut self, id: &str) -> Option<&mut Chain> {
        if !self.chains.contains_key(id) {
            if self.chains.len() >= 2 * MOST_ITEMS {
                self.lost = self.lost.saturating_add(1);
                return None;
            }
            self.chains.insert(id.to_owned(), Chain::default());
        }
        self.chains.get_mut(id)
    }

    /// An event of a request that was announced, or will be.
    fn follows(
        &mut self,
        clock: &Clock,
        id: &str,
        method: &str,
        params: &Json,
        cookies: &mut CookieLog,
    ) {
        let room = self.messages_kept < MOST_IN_A_VISIT;
        let Some(chain) = self.chain(id) else {
            return;
        };
        let Some(hop) = chain.hops.last_mut() else {
            chain.wait_for_request(method, params);
            return;
        };
        match method {
            "Network.responseReceived" => {
                let has_extra = params["hasExtraInfo"].as_bool().unwrap_or(true);
                hop.take_response(&params["response"], has_extra);
            }
            "Network.requestServedFromCache" => hop.from_memory = true,
            "Network.loadingFailed" => failed(hop, params),
            "Network.webSocketWillSendHandshakeRequest" => {
                hop.headers = headers_that_matter(&params["request"]["headers"]);
                hop.sent_cookies = hop
                    .header("cookie")
                    .map_or_else(Vec::new, names_in_cookie_header);
            }
            "Network.webSocketHandshakeResponseReceived" => {
                let response = &params["response"];
                hop.status = status_of(&response["status"]);
                hop.answered_by = AnsweredBy::Network;
                hop.take_set_cookies(clock.now_ms(), response, cookies);
            }
            "Network.webTransportConnectionEstablished" => hop.answered_by = AnsweredBy::Network,
            "Network.webSocketFrameError" => {
                let error = params["errorMessage"].as_str();
                hop.failed = error.map(|text| cut(text).to_owned());
            }
            "Network.webSocketFrameSent"
            | "Network.webSocketFrameReceived"
            | "Network.eventSourceMessageReceived" => {
                if hop.messages.take(clock.now_ms(), method, params, room) {
                    self.messages_kept += 1;
                }
                return;
            }
            _ => hop.done = true,
        }
        chain.settle(false, cookies);
    }

    fn connection_created(
        &mut self,
        clock: &Clock,
        id: &str,
        method: &str,
        params: &Json,
        worker: Option<&(String, String)>,
        cookies: &mut CookieLog,
    ) {
        let kind = match method {
            "Network.webSocketCreated" => "WebSocket",
            _ => "WebTransport",
        };
        let hop = Hop {
            url: cut(params["url"].as_str().unwrap_or_default()).to_owned(),
            method: "GET".to_owned(),
            resource_type: kind.to_owned(),
            at_ms: clock.now_ms(),
            initiator: Initiator::read(&params["initiator"]),
            worker: worker.map(worker_ref),
            ..Hop::default()
        };
        self.add(clock, id, hop, cookies);
    }

    /// A request that was held for a moment: it shows whole bodies, and what has no other trace
    /// because its page is being left.
    pub(super) fn hold(&mut self, clock: &Clock, params: &Json) {
        let request = &params["request"];
        // Without a network id it is one the Network domain will never speak of; its hops share a stem.
        let id = params["networkId"].as_str().or_else(|| {
            let id = params["requestId"].as_str()?;
            Some(id.rsplit_once('.').map_or(id, |(stem, _)| stem))
        });
        let (Some(id), Some(url)) = (id, request["url"].as_str()) else {
            return;
        };
        let known = self
            .chains
            .get_mut(id)
            .and_then(|chain| chain.hops.iter_mut().rev().find(|hop| hop.url == cut(url)));
        if let Some(hop) = known {
            hop.held = true;
            hop.take_body(request);
            return;
        }
        if self.held.len() >= MOST_ITEMS {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        let headers = headers_that_matter(&request["headers"]);
        let is_preflight =
            header_of(&request["headers"], "access-control-request-method").is_some();
        let resource_type = match params["resourceType"].as_str() {
            _ if is_preflight => "Preflight",
            // The Fetch domain calls both by the older name.
            Some("XHR") => "Fetch",
            other => other.unwrap_or("Ping"),
        };
        let mut hop = Hop {
            url: cut(url).to_owned(),
            method: request["method"].as_str().unwrap_or("POST").to_owned(),
            resource_type: resource_type.to_owned(),
            at_ms: clock.now_ms(),
            frame_id: params["frameId"].as_str().map(str::to_owned),
            initiator: Initiator {
                kind: "script".to_owned(),
                places: Vec::new(),
            },
            headers,
            on_leaving: true,
            done: true,
            ..Hop::default()
        };
        hop.take_body(request);
        self.held_ids.insert(id.to_owned());
        self.held.push((id.to_owned(), hop));
    }

    fn add(&mut self, clock: &Clock, id: &str, hop: Hop, cookies: &mut CookieLog) {
        if self.is_full() {
            return;
        }
        let Some(chain) = self.chain(id) else {
            return;
        };
        chain.hops.push(hop);
        let index = chain.hops.len() - 1;
        let early = std::mem::take(&mut chain.early);
        self.order.push((id.to_owned(), index));
        for (method, params) in early {
            self.follows(clock, id, &method, &params, cookies);
        }
        if let Some(chain) = self.chains.get_mut(id) {
            chain.settle(false, cookies);
        }
    }

    fn will_be_sent(
        &mut self,
        clock: &Clock,
        id: &str,
        params: &Json,
        worker: Option<&(String, String)>,
        cookies: &mut CookieLog,
    ) {
        let request = &params["request"];
        let url = request["url"].as_str().unwrap_or_default();
        let resource_type = params["type"].as_str().unwrap_or("Other");
        // What never leaves the browser is no request.
        let inside = ["data:", "blob:", "about:"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        let mut asked_by = Initiator::read(&params["initiator"]);
        let mut ahead = ahead(request, resource_type);
        let redirect = params
            .get("redirectResponse")
            .filter(|redirect| redirect.is_object());
        let previous = self
            .chains
            .get_mut(id)
            .and_then(|chain| chain.hops.last_mut());
        if let (Some(redirect), Some(previous)) = (redirect, previous) {
            let has_extra = params["redirectHasExtraInfo"].as_bool().unwrap_or(true);
            previous.take_response(redirect, has_extra);
            previous.done = true;
            asked_by = previous.initiator.clone();
            ahead = ahead.or(previous.ahead);
        }
        if inside && !(matches!(resource_type, "Script" | "Document") && url.starts_with("blob:")) {
            if let Some(chain) = self.chain(id) {
                chain.ignored = true;
                chain.early.clear();
            }
            return;
        }
        let is_preflight = asked_by.kind == "preflight";
        let mut hop = Hop {
            url: cut(url).to_owned(),
            method: request["method"].as_str().unwrap_or("GET").to_owned(),
            resource_type: if is_preflight {
                "Preflight"
            } else {
                resource_type
            }
            .to_owned(),
            at_ms: params["wallTime"]
                .as_f64()
                .map_or_else(|| clock.now_ms(), |seconds| clock.since_wall(seconds)),
            frame_id: params["frameId"].as_str().map(str::to_owned),
            document_url: cut(params["documentURL"].as_str().unwrap_or_default()).to_owned(),
            worker: worker.map(worker_ref),
            initiator: asked_by,
            preflight_of: params["initiator"]["requestId"]
                .as_str()
                .filter(|_| is_preflight)
                .map(str::to_owned),
            ahead,
            inside,
            headers: headers_that_matter(&request["headers"]),
            ..Hop::default()
        };
        hop.take_body(request);
        if self.held_ids.remove(id) {
            let held = self.held.iter().position(|(held, _)| held == id);
            let held = held.map(|held| self.held.remove(held));
            hop.held = true;
            hop.body = hop.body.take().or(held.and_then(|(_, held)| held.body));
        }
        self.add(clock, id, hop, cookies);
    }

    /// Every hop as a request, in the order they were sent.
    pub(super) fn requests(
        &mut self,
        clock: &Clock,
        site: &str,
        cookies: &mut CookieLog,
    ) -> Vec<Request> {
        self.add_held(clock, cookies);
        self.add_unannounced(clock, cookies);
        for (id, _) in &self.order {
            if let Some(chain) = self.chains.get_mut(id) {
                chain.settle(true, cookies);
            }
        }
        request::requests(&self.chains, &self.order, clock, site)
    }

    /// Adds what was held and never announced.
    fn add_held(&mut self, clock: &Clock, cookies: &mut CookieLog) {
        let held = std::mem::take(&mut self.held);
        if held.is_empty() {
            return;
        }
        let mut twins = Twins::of(&self.chains);
        let documents = Documents::of(&self.chains, &self.order);
        // What a preflight asks leave for may be held before it or after it.
        let asked: HashMap<String, String> = held
            .iter()
            .filter(|(_, hop)| hop.resource_type != "Preflight")
            .map(|(id, hop)| (hop.url.clone(), id.clone()))
            .collect();
        for (id, mut hop) in held {
            if let Some((twin, index)) = twins.take(&hop)
                && let Some(chain) = self.chains.get_mut(&twin)
            {
                let twin = &mut chain.hops[index];
                twin.body = twin.body.take().or(hop.body);
                continue;
            }
            let first = self.chains.get(&id).and_then(|chain| chain.hops.first());
            if let Some(first) = first {
                // A redirect followed after the page was gone.
                hop.initiator = first.initiator.clone();
                hop.document_url.clone_from(&first.document_url);
            } else {
                hop.document_url = documents.named_by(&hop);
            }
            if hop.resource_type == "Preflight" {
                hop.preflight_of = asked.get(&hop.url).cloned();
            }
            self.add(clock, &id, hop, cookies);
        }
    }

    /// Adds what was sent although no event spoke of a request, where the wire names its address.
    fn add_unannounced(&mut self, clock: &Clock, cookies: &mut CookieLog) {
        let unannounced: Vec<String> = self
            .chains
            .iter()
            .filter(|(_, chain)| chain.hops.is_empty() && !chain.ignored)
            .map(|(id, _)| id.clone())
            .collect();
        for id in unannounced {
            let chain = self.chains.get(&id);
            let Some((at_ms, method, url)) = chain.and_then(Chain::address_without_request) else {
                tracing::debug!(%id, "events of a request nobody announced");
                continue;
            };
            let hop = Hop {
                url,
                method,
                resource_type: "Other".to_owned(),
                at_ms,
                on_leaving: true,
                done: true,
                ..Hop::default()
            };
            self.add(clock, &id, hop, cookies);
        }
    }
}

fn failed(hop: &mut Hop, params: &Json) {
    let text = |value: &Json| {
        value
            .as_str()
            .filter(|text| !text.is_empty())
            .map(|text| cut(text).to_owned())
    };
    hop.done = true;
    hop.cancelled = params["canceled"].as_bool().unwrap_or_default();
    hop.blocked = text(&params["blockedReason"]);
    hop.cors_error = text(&params["corsErrorStatus"]["corsError"]);
    hop.failed = match &hop.blocked {
        Some(reason) => Some(format!("blocked: {reason}")),
        None => text(&params["errorText"]),
    };
    // No response will come to say it.
    hop.has_extra = hop.has_extra.or(Some(true));
}

fn ahead(request: &Json, resource_type: &str) -> Option<Ahead> {
    let headers = &request["headers"];
    let purpose = header_of(headers, "sec-purpose")
        .or_else(|| header_of(headers, "purpose"))
        .unwrap_or_default();
    if purpose.contains("prerender") {
        Some(Ahead::Prerender)
    } else if resource_type == "Prefetch" || purpose.starts_with("prefetch") {
        Some(Ahead::Prefetch)
    } else {
        let preload = request["isLinkPreload"].as_bool().unwrap_or_default();
        preload.then_some(Ahead::Preload)
    }
}

fn worker_ref(worker: &(String, String)) -> WorkerRef {
    WorkerRef {
        kind: worker.0.clone(),
        url: worker.1.clone(),
    }
}
