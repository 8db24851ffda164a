//! Requests: matches the events of one request with each other, whatever their order.
//!
//! Three traps: `ExtraInfo` events may come before the request they belong to; the response of
//! redirect hop N comes inside the request of hop N+1; a CORS request names the parser as its
//! initiator while its preflight knows the script.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::cookies::CookieLog;
use super::{Clock, MOST_ITEMS, cut};
use crate::model::party::{host_of, party_of};
use crate::model::snapshot::{FrameRef, InitiatorStep, RedirectHop, Request, WorkerRef};
use crate::model::value::Value;

/// Longest chain of initiators followed.
const LONGEST_CHAIN: usize = 24;

/// Who asked for a request, as the browser says.
#[derive(Debug, Clone, Default)]
struct Initiator {
    kind: String,
    /// Innermost place first; async parents follow.
    places: Vec<(String, u32, u32)>,
}

/// One request on its way; a redirect starts another hop.
#[derive(Debug, Default)]
struct Hop {
    url: String,
    method: String,
    resource_type: String,
    at_ms: u64,
    frame_id: Option<String>,
    document_url: String,
    worker: Option<WorkerRef>,
    initiator: Initiator,
    status: Option<u16>,
    mime_type: Option<String>,
    from_cache: bool,
    from_service_worker: bool,
    failed: Option<String>,
    post_body: Option<Value>,
    sent_cookies: Vec<String>,
    set_cookies: Vec<String>,
    done: bool,
}

/// All hops of one request id, and the extra information that came too early.
#[derive(Debug, Default)]
struct Chain {
    hops: Vec<Hop>,
    sent_seen: usize,
    received_seen: usize,
    early_sent: Vec<Json>,
    early_received: Vec<Json>,
}

/// Everything heard of the network.
#[derive(Debug, Default)]
pub(super) struct NetworkLog {
    chains: HashMap<String, Chain>,
    order: Vec<String>,
    frames: HashMap<String, (String, bool)>,
    /// Beacons that were held for a moment, by request id.
    held: Vec<(String, Hop)>,
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
                    && !matches!(
                        hop.resource_type.as_str(),
                        "WebSocket" | "EventSource" | "Media" | "Ping"
                    )
            })
            .count()
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
            "Network.requestWillBeSentExtraInfo" => self.extra_sent(id, params, cookies),
            "Network.responseReceived" => {
                if let Some(hop) = self.last_hop(id) {
                    note_response(hop, &params["response"]);
                }
            }
            "Network.responseReceivedExtraInfo" => self.extra_received(clock, id, params, cookies),
            "Network.requestServedFromCache" => {
                if let Some(hop) = self.last_hop(id) {
                    hop.from_cache = true;
                }
            }
            "Network.loadingFinished"
            | "Network.webSocketClosed"
            | "Network.webTransportClosed" => {
                if let Some(hop) = self.last_hop(id) {
                    hop.done = true;
                }
            }
            "Network.loadingFailed" => {
                if let Some(hop) = self.last_hop(id) {
                    hop.done = true;
                    let reason = params["blockedReason"]
                        .as_str()
                        .map(|reason| format!("blocked: {reason}"));
                    hop.failed = reason.or_else(|| {
                        params["errorText"]
                            .as_str()
                            .map(|text| cut(text).to_owned())
                    });
                }
            }
            "Network.webSocketCreated" | "Network.webTransportCreated" => {
                let hop = Hop {
                    url: cut(params["url"].as_str().unwrap_or_default()).to_owned(),
                    method: "GET".to_owned(),
                    resource_type: if method == "Network.webSocketCreated" {
                        "WebSocket"
                    } else {
                        "WebTransport"
                    }
                    .to_owned(),
                    at_ms: clock.now_ms(),
                    initiator: initiator(&params["initiator"]),
                    worker: worker.map(worker_ref),
                    ..Hop::default()
                };
                self.add(id, hop);
            }
            "Network.webSocketHandshakeResponseReceived" => {
                if let Some(hop) = self.last_hop(id) {
                    hop.status = params["response"]["status"]
                        .as_u64()
                        .and_then(|status| u16::try_from(status).ok());
                }
            }
            _ => return,
        }
        // A socket that chatters for ever must not keep the visit waiting.
        if !method.contains("webSocketFrame") {
            self.last_activity_ms = clock.now_ms();
        }
    }

    /// A beacon that was held for a moment. One sent while its page is left has no other trace.
    pub(super) fn hold(&mut self, clock: &Clock, params: &Json) {
        let request = &params["request"];
        // Without a network id it is one the Network domain will never speak of.
        let id = params["networkId"]
            .as_str()
            .or(params["requestId"].as_str());
        let (Some(id), Some(url)) = (id, request["url"].as_str()) else {
            return;
        };
        if self.held.len() >= MOST_ITEMS {
            return;
        }
        let hop = Hop {
            url: cut(url).to_owned(),
            method: request["method"].as_str().unwrap_or("POST").to_owned(),
            resource_type: "Ping".to_owned(),
            at_ms: clock.now_ms(),
            frame_id: params["frameId"].as_str().map(str::to_owned),
            initiator: Initiator {
                kind: "script".to_owned(),
                places: Vec::new(),
            },
            post_body: request["postData"].as_str().map(Value::new),
            done: true,
            ..Hop::default()
        };
        self.held.push((id.to_owned(), hop));
    }

    fn last_hop(&mut self, id: &str) -> Option<&mut Hop> {
        self.chains.get_mut(id)?.hops.last_mut()
    }

    fn add(&mut self, id: &str, hop: Hop) {
        if self.is_full() {
            return;
        }
        self.order.push(id.to_owned());
        self.chains.entry(id.to_owned()).or_default().hops.push(hop);
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
        // What never leaves the browser is no request.
        if url.starts_with("data:") || url.starts_with("blob:") || url.starts_with("about:") {
            return;
        }
        let mut asked_by = initiator(&params["initiator"]);
        if let Some(redirect) = params
            .get("redirectResponse")
            .filter(|redirect| redirect.is_object())
            && let Some(previous) = self.last_hop(id)
        {
            note_response(previous, redirect);
            previous.done = true;
            asked_by = previous.initiator.clone();
            if params["redirectHasExtraInfo"].as_bool() == Some(false)
                && let Some(chain) = self.chains.get_mut(id)
            {
                chain.sent_seen = chain.sent_seen.max(chain.hops.len());
                chain.received_seen = chain.received_seen.max(chain.hops.len());
            }
        }
        let frame_id = params["frameId"].as_str().map(str::to_owned);
        let document_url = cut(params["documentURL"].as_str().unwrap_or_default()).to_owned();
        let hop = Hop {
            url: cut(url).to_owned(),
            method: request["method"].as_str().unwrap_or("GET").to_owned(),
            resource_type: params["type"].as_str().unwrap_or("Other").to_owned(),
            at_ms: params["wallTime"]
                .as_f64()
                .map_or_else(|| clock.now_ms(), |seconds| clock.since_wall(seconds)),
            frame_id,
            document_url,
            worker: worker.map(worker_ref),
            initiator: asked_by,
            post_body: request["postData"].as_str().map(Value::new),
            ..Hop::default()
        };
        self.add(id, hop);
        let chain = self.chains.entry(id.to_owned()).or_default();
        for early in std::mem::take(&mut chain.early_sent) {
            self.extra_sent(id, &early, cookies);
        }
        let chain = self.chains.entry(id.to_owned()).or_default();
        for early in std::mem::take(&mut chain.early_received) {
            self.extra_received(clock, id, &early, cookies);
        }
    }

    /// Which cookies went along. The nth of these events belongs to the nth hop.
    fn extra_sent(&mut self, id: &str, params: &Json, cookies: &mut CookieLog) {
        let chain = self.chains.entry(id.to_owned()).or_default();
        let index = chain.sent_seen;
        let Some(hop) = chain.hops.get_mut(index) else {
            if chain.early_sent.len() < 32 {
                chain.early_sent.push(params.clone());
            }
            return;
        };
        chain.sent_seen += 1;
        let host = host_of(&hop.url);
        for associated in params["associatedCookies"].as_array().into_iter().flatten() {
            if cookies.associated(hop.at_ms.max(1), associated, &host)
                && let Some(name) = associated["cookie"]["name"].as_str()
            {
                hop.sent_cookies.push(cut(name).to_owned());
            }
        }
    }

    /// Raw `Set-Cookie` headers, and which of them the browser refused.
    fn extra_received(&mut self, clock: &Clock, id: &str, params: &Json, cookies: &mut CookieLog) {
        let chain = self.chains.entry(id.to_owned()).or_default();
        let index = chain.received_seen;
        let Some(hop) = chain.hops.get_mut(index) else {
            if chain.early_received.len() < 32 {
                chain.early_received.push(params.clone());
            }
            return;
        };
        chain.received_seen += 1;
        if hop.status.is_none() {
            hop.status = params["statusCode"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok());
        }
        let headers = params["headers"].as_object();
        let header = |wanted: &str| {
            headers.and_then(|headers| {
                headers
                    .iter()
                    .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
                    .and_then(|(_, value)| value.as_str())
            })
        };
        let date = header("date").map(str::to_owned);
        for line in header("set-cookie").unwrap_or_default().lines() {
            if let Some(name) =
                cookies.response_set(clock.now_ms(), line, date.as_deref(), &hop.url, params)
            {
                hop.set_cookies.push(name);
            }
        }
    }

    /// Remembers where a frame is.
    fn learn_frames(&mut self) {
        let mut frames = HashMap::new();
        for id in &self.order {
            for hop in self
                .chains
                .get(id)
                .into_iter()
                .flat_map(|chain| &chain.hops)
            {
                if let (Some(frame), "Document") = (&hop.frame_id, hop.resource_type.as_str()) {
                    let top = frames.is_empty() || frames.get(frame).is_some_and(|(_, top)| *top);
                    frames.insert(frame.clone(), (hop.url.clone(), top));
                }
            }
        }
        self.frames = frames;
    }

    /// Every hop as a request, in the order they were sent.
    pub(super) fn requests(&mut self, clock: &Clock, site: &str) -> Vec<Request> {
        for (id, hop) in std::mem::take(&mut self.held) {
            let known = self
                .chains
                .get(&id)
                .is_some_and(|chain| !chain.hops.is_empty());
            if !known {
                self.add(&id, hop);
            }
        }
        self.learn_frames();
        let loaders = self.loaders();
        let preflights = self.preflights();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut requests = Vec::with_capacity(self.order.len());
        for id in &self.order {
            let index = seen.entry(id).or_default();
            let Some(chain) = self.chains.get(id) else {
                continue;
            };
            let Some(hop) = chain.hops.get(*index) else {
                continue;
            };
            let redirect_chain = chain.hops[..*index]
                .iter()
                .map(|earlier| RedirectHop {
                    url: earlier.url.clone(),
                    status: earlier.status.unwrap_or_default(),
                    set_cookies: earlier.set_cookies.clone(),
                })
                .collect();
            let frame = hop
                .frame_id
                .as_ref()
                .and_then(|frame| self.frames.get(frame))
                .map(|(url, top)| FrameRef {
                    url: if hop.document_url.is_empty() {
                        url.clone()
                    } else {
                        hop.document_url.clone()
                    },
                    top: *top,
                });
            requests.push(Request {
                id: format!("{id}.{index}"),
                url: hop.url.clone(),
                method: hop.method.clone(),
                resource_type: hop.resource_type.clone(),
                party: party_of(&host_of(&hop.url), site),
                frame,
                worker: hop.worker.clone(),
                at_ms: hop.at_ms,
                phase: clock.phase_at(hop.at_ms),
                initiator_chain: Self::chain_of(hop, &loaders, &preflights),
                redirect_chain,
                status: hop.status,
                mime_type: hop.mime_type.clone(),
                from_cache: hop.from_cache,
                from_service_worker: hop.from_service_worker,
                failed: hop.failed.clone(),
                post_body: hop.post_body.clone(),
                sent_cookies: hop.sent_cookies.clone(),
            });
            *index += 1;
        }
        requests
    }

    /// Which request brought a script or a frame's document, by URL.
    fn loaders(&self) -> HashMap<&str, &Hop> {
        let mut loaders = HashMap::new();
        for id in &self.order {
            for hop in self
                .chains
                .get(id)
                .into_iter()
                .flat_map(|chain| &chain.hops)
            {
                if matches!(hop.resource_type.as_str(), "Script" | "Document")
                    || hop.worker.is_some()
                {
                    loaders.entry(hop.url.as_str()).or_insert(hop);
                }
            }
        }
        loaders
    }

    /// Scripts known from preflights, by the URL they asked for.
    fn preflights(&self) -> HashMap<&str, &Initiator> {
        self.order
            .iter()
            .filter_map(|id| self.chains.get(id))
            .flat_map(|chain| &chain.hops)
            .filter(|hop| hop.method == "OPTIONS" && !hop.initiator.places.is_empty())
            .map(|hop| (hop.url.as_str(), &hop.initiator))
            .collect()
    }

    /// From the innermost place that asked for a hop up to the root tag in the page.
    fn chain_of(
        hop: &Hop,
        loaders: &HashMap<&str, &Hop>,
        preflights: &HashMap<&str, &Initiator>,
    ) -> Vec<InitiatorStep> {
        let mut steps: Vec<InitiatorStep> = Vec::new();
        let mut visited = HashSet::new();
        let mut current = &hop.initiator;
        if current.places.is_empty()
            && let Some(known) = preflights.get(hop.url.as_str())
        {
            current = known;
        }
        let mut document = hop.document_url.as_str();
        loop {
            let mut next: Option<&str> = None;
            for (url, line, column) in &current.places {
                let step = InitiatorStep {
                    kind: current.kind.clone(),
                    url: url.clone(),
                    line: *line,
                    column: *column,
                };
                if steps.last() != Some(&step) {
                    steps.push(step);
                }
                if next.is_none() || !visited.contains(url.as_str()) {
                    next = Some(url);
                }
                if steps.len() >= LONGEST_CHAIN {
                    return steps;
                }
            }
            if current.places.is_empty() {
                if let Some(worker) = hop.worker.as_ref().filter(|_| steps.is_empty()) {
                    steps.push(InitiatorStep {
                        kind: "worker".to_owned(),
                        url: worker.url.clone(),
                        line: 0,
                        column: 0,
                    });
                    next = Some(&worker.url);
                } else if !document.is_empty() && document != hop.url {
                    steps.push(InitiatorStep {
                        kind: current.kind.clone(),
                        url: document.to_owned(),
                        line: 0,
                        column: 0,
                    });
                }
            }
            let Some(loader) = next
                .filter(|url| visited.insert(*url))
                .and_then(|url| loaders.get(url))
            else {
                return steps;
            };
            // The page itself is the end of the way.
            if loader.resource_type == "Document" && loader.initiator.places.is_empty() {
                return steps;
            }
            current = &loader.initiator;
            document = &loader.document_url;
            if current.places.is_empty() && !document.is_empty() {
                steps.push(InitiatorStep {
                    kind: current.kind.clone(),
                    url: document.to_owned(),
                    line: 0,
                    column: 0,
                });
                return steps;
            }
        }
    }
}

fn worker_ref(worker: &(String, String)) -> WorkerRef {
    WorkerRef {
        kind: worker.0.clone(),
        url: worker.1.clone(),
    }
}

fn note_response(hop: &mut Hop, response: &Json) {
    hop.status = response["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok())
        .filter(|status| *status > 0);
    hop.mime_type = response["mimeType"]
        .as_str()
        .map(|mime| cut(mime).to_owned());
    hop.from_cache |= response["fromDiskCache"].as_bool().unwrap_or_default()
        || response["fromPrefetchCache"].as_bool().unwrap_or_default();
    hop.from_service_worker = response["fromServiceWorker"].as_bool().unwrap_or_default();
}

fn number(value: &Json) -> u32 {
    value
        .as_f64()
        .map_or(0, |number| (number.max(0.0) as u32).saturating_add(1))
}

/// CDP counts lines and columns from zero, people from one.
fn initiator(from: &Json) -> Initiator {
    let kind = match from["type"].as_str().unwrap_or("other") {
        "SignedExchange" => "signed-exchange".to_owned(),
        kind => kind.to_lowercase(),
    };
    let mut places = Vec::new();
    let mut stack = &from["stack"];
    while let (Some(frames), true) = (stack["callFrames"].as_array(), places.len() < LONGEST_CHAIN)
    {
        for frame in frames {
            let url = frame["url"].as_str().unwrap_or_default();
            if url.contains("://") {
                places.push((
                    cut(url).to_owned(),
                    number(&frame["lineNumber"]),
                    number(&frame["columnNumber"]),
                ));
            }
        }
        stack = &stack["parent"];
    }
    if places.is_empty()
        && let Some(url) = from["url"].as_str().filter(|url| url.contains("://"))
    {
        places.push((
            cut(url).to_owned(),
            number(&from["lineNumber"]),
            number(&from["columnNumber"]),
        ));
    }
    Initiator { kind, places }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::visit::PhaseName;

    fn sent(id: &str, url: &str, extra: &Json) -> Json {
        let mut event = json!({
            "requestId": id, "documentURL": "https://shop.test/", "frameId": "F",
            "request": {"url": url, "method": "GET"}, "type": "Image", "initiator": {"type": "parser", "url": "https://shop.test/", "lineNumber": 4, "columnNumber": 1},
        });
        event
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        event
    }

    fn run(events: &[(&str, Json)]) -> (Vec<Request>, Vec<crate::model::snapshot::Cookie>) {
        let clock = Clock::start();
        let (mut log, mut cookies) = (NetworkLog::default(), CookieLog::default());
        for (method, params) in events {
            log.take(
                &clock,
                &format!("Network.{method}"),
                params,
                None,
                &mut cookies,
            );
        }
        (
            log.requests(&clock, "shop.test"),
            cookies.cookies(&clock, "shop.test"),
        )
    }

    #[test]
    fn each_hop_of_a_redirect_is_a_request_with_its_own_cookies() {
        let received = |header: &str, status: u16| json!({"requestId": "1", "headers": {"Set-Cookie": header}, "statusCode": status});
        let (requests, cookies) = run(&[
            (
                "requestWillBeSent",
                sent("1", "https://a.test/start", &json!({})),
            ),
            (
                "responseReceivedExtraInfo",
                received("one=1; Max-Age=60", 302),
            ),
            (
                "requestWillBeSent",
                sent(
                    "1",
                    "https://b.test/end",
                    &json!({"redirectResponse": {"status": 302}, "redirectHasExtraInfo": true}),
                ),
            ),
            ("responseReceivedExtraInfo", received("two=2", 200)),
            (
                "responseReceived",
                json!({"requestId": "1", "response": {"status": 200, "mimeType": "image/gif"}}),
            ),
        ]);
        let urls: Vec<_> = requests
            .iter()
            .map(|request| (request.url.as_str(), request.status))
            .collect();
        assert_eq!(
            urls,
            [
                ("https://a.test/start", Some(302)),
                ("https://b.test/end", Some(200))
            ]
        );
        assert_eq!(requests[1].redirect_chain[0].set_cookies, ["one"]);
        let stored: Vec<_> = cookies
            .iter()
            .map(|cookie| {
                (
                    cookie.name.as_str(),
                    cookie.domain.as_str(),
                    cookie.lifetime_s,
                )
            })
            .collect();
        assert_eq!(
            stored,
            [("one", "a.test", Some(60)), ("two", "b.test", None)]
        );
    }

    #[test]
    fn extra_information_may_come_first() {
        let (requests, cookies) = run(&[
            (
                "requestWillBeSentExtraInfo",
                json!({"requestId": "1", "associatedCookies": [
                    {"cookie": {"name": "kept", "domain": "a.test", "path": "/", "value": "1"}, "blockedReasons": []},
                    {"cookie": {"name": "held", "domain": "a.test", "path": "/", "value": "1"}, "blockedReasons": ["SameSiteLax"]},
                ]}),
            ),
            (
                "responseReceivedExtraInfo",
                json!({"requestId": "1", "headers": {"set-cookie": "id=7"}, "statusCode": 200}),
            ),
            (
                "requestWillBeSent",
                sent("1", "https://a.test/x", &json!({})),
            ),
        ]);
        assert_eq!(requests[0].sent_cookies, ["kept"]);
        assert!(cookies.iter().any(|cookie| cookie.name == "id"));
    }

    #[test]
    fn initiators_lead_up_to_the_root_tag() {
        let by = |url: &str| json!({"type": "Script", "initiator": {"type": "script", "stack": {"callFrames": [{"url": url, "lineNumber": 0, "columnNumber": 0}]}}});
        let (requests, _) = run(&[
            (
                "requestWillBeSent",
                sent(
                    "1",
                    "https://shop.test/",
                    &json!({"type": "Document", "initiator": {"type": "other"}}),
                ),
            ),
            (
                "requestWillBeSent",
                sent("2", "https://gtm.test/gtm.js", &json!({"type": "Script"})),
            ),
            (
                "requestWillBeSent",
                sent(
                    "3",
                    "https://tag.test/tag.js",
                    &by("https://gtm.test/gtm.js"),
                ),
            ),
            (
                "requestWillBeSent",
                sent("4", "https://tag.test/hit", &by("https://tag.test/tag.js")),
            ),
        ]);
        let chain: Vec<_> = requests[3]
            .initiator_chain
            .iter()
            .map(|step| step.url.as_str())
            .collect();
        assert_eq!(
            chain,
            [
                "https://tag.test/tag.js",
                "https://gtm.test/gtm.js",
                "https://shop.test/"
            ]
        );
        assert_eq!(requests[3].phase, PhaseName::Idle);
    }

    #[test]
    fn what_never_leaves_the_browser_is_no_request() {
        let (requests, _) = run(&[(
            "requestWillBeSent",
            sent("1", "data:image/gif;base64,R0lG", &json!({})),
        )]);
        assert!(requests.is_empty());
    }
}
