//! Events of one request, in every order they come in.

mod additional;
mod held;
mod initiators;

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
    let clock = crate::visit::record::real_clock();
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
        log.requests(&clock, "shop.test", &mut cookies),
        cookies.cookies(&clock, "shop.test"),
    )
}

#[test]
fn what_never_leaves_the_browser_is_no_request() {
    let (requests, _) = run(&[(
        "requestWillBeSent",
        sent("1", "data:image/gif;base64,R0lG", &json!({})),
    )]);
    assert!(requests.is_empty());
}

#[test]
fn who_answered_is_told_apart() {
    let plain = json!({"status": 200});
    for (response, has_extra, from_memory, expected, from_cache) in [
        (plain.clone(), true, false, AnsweredBy::Network, false),
        (plain.clone(), false, true, AnsweredBy::MemoryCache, true),
        (
            json!({"status": 200, "fromDiskCache": true}),
            false,
            false,
            AnsweredBy::DiskCache,
            true,
        ),
        (
            json!({"status": 200, "fromPrefetchCache": true}),
            false,
            false,
            AnsweredBy::PrefetchCache,
            true,
        ),
        // The prefetch itself.
        (
            json!({"status": 200, "fromPrefetchCache": true}),
            true,
            false,
            AnsweredBy::Network,
            false,
        ),
        (
            json!({"status": 200, "fromServiceWorker": true}),
            false,
            false,
            AnsweredBy::ServiceWorker,
            false,
        ),
        (
            json!({"status": 307, "headers": {"Non-Authoritative-Reason": "HSTS"}}),
            false,
            false,
            AnsweredBy::Browser,
            false,
        ),
        (
            json!({"status": 307, "headers": {}}),
            true,
            false,
            AnsweredBy::Network,
            false,
        ),
    ] {
        let mut events = vec![(
            "requestWillBeSent",
            sent("1", "https://a.test/", &json!({})),
        )];
        if from_memory {
            events.push(("requestServedFromCache", json!({"requestId": "1"})));
        }
        events.push((
            "responseReceived",
            json!({"requestId": "1", "hasExtraInfo": has_extra, "response": response}),
        ));
        let (requests, _) = run(&events);
        assert_eq!(
            (requests[0].answered_by, requests[0].from_cache),
            (expected, from_cache),
            "{response}"
        );
    }
}

#[test]
fn failures_say_what_happened() {
    for (event, expected) in [
        (
            json!({"errorText": "net::ERR_FAILED", "canceled": false}),
            ("net::ERR_FAILED", None, None, false),
        ),
        (
            json!({"errorText": "net::ERR_ABORTED", "canceled": true}),
            ("net::ERR_ABORTED", None, None, true),
        ),
        (
            json!({"errorText": "", "blockedReason": "csp"}),
            ("blocked: csp", Some("csp"), None, false),
        ),
        (
            json!({"errorText": "net::ERR_FAILED", "corsErrorStatus": {"corsError": "MissingAllowOriginHeader"}}),
            (
                "net::ERR_FAILED",
                None,
                Some("MissingAllowOriginHeader"),
                false,
            ),
        ),
    ] {
        let mut failed = event.clone();
        failed["requestId"] = "1".into();
        let (requests, _) = run(&[
            (
                "requestWillBeSent",
                sent("1", "https://a.test/", &json!({})),
            ),
            ("loadingFailed", failed),
        ]);
        let request = &requests[0];
        let seen = (
            request.failed.as_deref().unwrap(),
            request.blocked.as_deref(),
            request.cors_error.as_deref(),
            request.cancelled,
        );
        assert_eq!(seen, expected, "{event}");
    }
}

#[test]
fn what_went_over_the_wire_counts() {
    let (requests, _) = run(&[
        (
            "requestWillBeSent",
            sent(
                "1",
                "https://a.test/",
                &json!({"request": {
            "url": "https://a.test/", "method": "POST", "hasPostData": true, "postData": "a=1",
            "headers": {"Content-Type": "application/x-www-form-urlencoded", "X": "1"}}}),
            ),
        ),
        (
            "requestWillBeSentExtraInfo",
            json!({"requestId": "1", "headers": {
            "cookie": "id=7", "Sec-GPC": "1", "referer": "https://shop.test/", "Accept": "*/*", "content-type": "application/x-www-form-urlencoded"}}),
        ),
        (
            "responseReceived",
            json!({"requestId": "1", "hasExtraInfo": true, "response": {"status": 204}}),
        ),
    ]);
    let headers: Vec<_> = requests[0]
        .headers
        .iter()
        .map(|header| (header.name.as_str(), header.value.text()))
        .collect();
    assert_eq!(
        headers,
        [
            ("cookie", "id=7"),
            ("referer", "https://shop.test/"),
            ("sec-gpc", "1"),
            ("content-type", "application/x-www-form-urlencoded"),
        ]
    );
    assert_eq!(requests[0].sent_cookies, ["id"]);
    assert_eq!(requests[0].body_parameters[0].name, "a");
    assert!(!requests[0].body_unseen);
}

#[test]
fn sockets_and_streams_keep_their_messages() {
    let frame = |opcode: u8, data: &str| json!({"requestId": "1", "response": {"opcode": opcode, "payloadData": data}});
    let mut events = vec![
        (
            "webSocketCreated",
            json!({"requestId": "1", "url": "wss://chat.test/"}),
        ),
        (
            "webSocketWillSendHandshakeRequest",
            json!({"requestId": "1", "request": {"headers": {"Cookie": "a=1; b=2", "Origin": "https://shop.test"}}}),
        ),
        (
            "webSocketHandshakeResponseReceived",
            json!({"requestId": "1", "response": {"status": 101, "headers": {"set-cookie": "ws=1; Max-Age=60"}}}),
        ),
        ("webSocketFrameSent", frame(1, "hé")),
        ("webSocketFrameReceived", frame(2, "AQID")),
    ];
    events.extend((0..60).map(|_| ("webSocketFrameReceived", frame(1, "x"))));
    events.push((
        "requestWillBeSent",
        sent(
            "2",
            "https://shop.test/events",
            &json!({"type": "EventSource"}),
        ),
    ));
    events.push((
        "eventSourceMessageReceived",
        json!({"requestId": "2", "eventName": "tick", "data": "{}"}),
    ));
    let (requests, cookies) = run(&events);
    let socket = &requests[0];
    assert_eq!(
        (
            socket.status,
            socket.sent_cookies.len(),
            socket.set_cookies.len()
        ),
        (Some(101), 2, 1)
    );
    assert_eq!(
        cookies
            .iter()
            .find(|cookie| cookie.name == "ws")
            .unwrap()
            .lifetime_s,
        Some(60)
    );
    let first: Vec<_> = socket.messages[..2]
        .iter()
        .map(|message| {
            (
                message.sent,
                message.opcode,
                message.length,
                message.payload.text(),
            )
        })
        .collect();
    assert_eq!(
        first,
        [(true, Some(1), 3, "hé"), (false, Some(2), 3, "AQID")]
    );
    assert_eq!(
        socket.messages.len() + socket.messages_left_out as usize,
        62
    );
    assert!(socket.messages_left_out > 0);
    assert_eq!(requests[1].messages[0].event.as_deref(), Some("tick"));
}

#[test]
fn events_that_come_before_their_request_wait_for_it() {
    let (requests, _) = run(&[
        ("requestServedFromCache", json!({"requestId": "1"})),
        (
            "responseReceived",
            json!({"requestId": "1", "hasExtraInfo": false, "response": {"status": 200}}),
        ),
        (
            "requestWillBeSent",
            sent("1", "https://a.test/", &json!({})),
        ),
    ]);
    assert_eq!(
        (requests[0].status, requests[0].answered_by),
        (Some(200), AnsweredBy::MemoryCache)
    );
}

#[test]
fn why_something_is_fetched_ahead() {
    for (extra, expected) in [
        (
            json!({"request": {"url": "https://a.test/", "isLinkPreload": true}}),
            Some(Ahead::Preload),
        ),
        (
            json!({"request": {"url": "https://a.test/", "headers": {"Sec-Purpose": "prefetch"}}}),
            Some(Ahead::Prefetch),
        ),
        (
            json!({"request": {"url": "https://a.test/", "headers": {"Sec-Purpose": "prefetch;prerender"}}}),
            Some(Ahead::Prerender),
        ),
        (json!({"type": "Prefetch"}), Some(Ahead::Prefetch)),
        (json!({}), None),
    ] {
        let (requests, _) = run(&[("requestWillBeSent", sent("1", "https://a.test/", &extra))]);
        assert_eq!(requests[0].ahead, expected, "{extra}");
    }
}

proptest::proptest! {
    /// Any fields in any order.
    #[test]
    fn any_events_are_survived(choices in proptest::collection::vec((0usize..16, 0usize..4, 0usize..6), 0..60)) {
        const METHODS: [&str; 16] = [
            "requestWillBeSent", "requestWillBeSentExtraInfo", "responseReceived", "responseReceivedExtraInfo",
            "requestServedFromCache", "loadingFinished", "loadingFailed", "webSocketCreated", "webSocketFrameSent",
            "webSocketFrameReceived", "webSocketClosed", "webSocketHandshakeResponseReceived", "eventSourceMessageReceived",
            "webTransportCreated", "subresourceWebBundleMetadataReceived", "policyUpdated",
        ];
        let values = [json!({}), Json::Null, json!("text"), json!([1, {}]), json!(-1.5), json!({"url": "https://a.test/", "status": 302, "headers": {"Set-Cookie": "a=b\nc"}})];
        let events: Vec<(&str, Json)> = choices
            .iter()
            .map(|(method, id, value)| {
                let value = &values[*value];
                (METHODS[*method], json!({
                    "requestId": id.to_string(), "request": value, "response": value, "redirectResponse": value, "headers": value,
                    "initiator": value, "type": value, "url": value, "hasExtraInfo": value, "redirectHasExtraInfo": value,
                }))
            })
            .collect();
        run(&events);
    }
}
