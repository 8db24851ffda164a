//! Events of one request, in every order they come in.

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
        log.requests(&clock, "shop.test", &mut cookies),
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

fn sent_extra(id: &str, host: &str, header: &str) -> Json {
    json!({"requestId": id, "headers": {"Host": host, "X": "1", "Referer": header}, "associatedCookies": [
        {"cookie": {"name": header, "domain": host, "path": "/", "value": "1"}, "blockedReasons": []}]})
}

fn received_extra(id: &str, status: u16, cookie: &str) -> Json {
    json!({"requestId": id, "statusCode": status, "headers": {"Set-Cookie": format!("{cookie}=1")}})
}

/// A chain `a → b → c` whose hops have additional events or not, in two orders of arrival.
#[test]
fn additional_events_find_their_hop() {
    let hops = ["https://a.test/", "https://b.test/", "https://c.test/"];
    let hosts = ["a.test", "b.test", "c.test"];
    for pattern in 0..8u8 {
        let has = |hop: usize| pattern & (1 << hop) != 0;
        for all_first in [false, true] {
            let mut events = Vec::new();
            let mut late = Vec::new();
            for hop in 0..3 {
                let mut extra = json!({});
                if hop > 0 {
                    extra = json!({"redirectResponse": {"status": 302}, "redirectHasExtraInfo": has(hop - 1)});
                }
                let additional = [
                    (
                        "requestWillBeSentExtraInfo",
                        sent_extra("1", hosts[hop], &format!("s{hop}")),
                    ),
                    (
                        "responseReceivedExtraInfo",
                        received_extra("1", if hop < 2 { 302 } else { 200 }, &format!("r{hop}")),
                    ),
                ];
                let target = if all_first { &mut events } else { &mut late };
                if has(hop) {
                    target.extend(additional);
                }
                if !all_first {
                    events.push(("requestWillBeSent", sent("1", hops[hop], &extra)));
                    events.append(&mut late);
                } else {
                    late.push(("requestWillBeSent", sent("1", hops[hop], &extra)));
                }
            }
            events.append(&mut late);
            events.push((
                "responseReceived",
                json!({"requestId": "1", "hasExtraInfo": has(2), "response": {"status": 200, "fromDiskCache": !has(2)}}),
            ));
            let (requests, _) = run(&events);
            let seen: Vec<_> = requests
                .iter()
                .map(|request| (request.sent_cookies.clone(), request.set_cookies.clone()))
                .collect();
            let expected: Vec<_> = (0..3)
                .map(|hop| {
                    let of = |letter: &str| has(hop).then(|| format!("{letter}{hop}"));
                    (Vec::from_iter(of("s")), Vec::from_iter(of("r")))
                })
                .collect();
            assert_eq!(seen, expected, "{pattern:03b} {all_first}");
        }
    }
}

#[test]
fn a_cached_redirect_on_the_same_host_takes_no_events_of_the_next_hop() {
    // Over HTTP/1.1 nothing but the browser's own word tells the two hops apart.
    let (requests, _) = run(&[
        (
            "requestWillBeSent",
            sent("1", "https://a.test/old", &json!({})),
        ),
        (
            "requestWillBeSentExtraInfo",
            sent_extra("1", "a.test", "sent"),
        ),
        ("responseReceivedExtraInfo", received_extra("1", 200, "set")),
        (
            "requestWillBeSent",
            sent(
                "1",
                "https://a.test/new",
                &json!({"redirectResponse": {"status": 301, "fromDiskCache": true}, "redirectHasExtraInfo": false}),
            ),
        ),
        (
            "responseReceived",
            json!({"requestId": "1", "hasExtraInfo": true, "response": {"status": 200}}),
        ),
    ]);
    let seen: Vec<_> = requests
        .iter()
        .map(|request| {
            (
                request.answered_by,
                request.sent_cookies.len(),
                request.set_cookies.len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [(AnsweredBy::DiskCache, 0, 0), (AnsweredBy::Network, 1, 1)]
    );
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
fn what_is_held_is_recorded_once_and_with_its_whole_body() {
    let clock = Clock::start();
    let (mut log, mut cookies) = (NetworkLog::default(), CookieLog::default());
    let held = |id: Json, network: Json, url: &str, method: &str, headers: Json| {
        json!({
            "requestId": id, "networkId": network, "frameId": "F", "resourceType": "XHR",
            "request": {"url": url, "method": method, "headers": headers, "hasPostData": true, "postDataEntries": [{"bytes": "YT0x"}]},
        })
    };
    let mut take = |log: &mut NetworkLog, method: &str, params: &Json| {
        log.take(
            &clock,
            &format!("Network.{method}"),
            params,
            None,
            &mut cookies,
        )
    };
    take(
        &mut log,
        "requestWillBeSent",
        &sent(
            "D",
            "https://shop.test/page",
            &json!({"type": "Document", "initiator": {"type": "other"}}),
        ),
    );
    take(
        &mut log,
        "responseReceived",
        &json!({"requestId": "D", "response": {"status": 200}}),
    );
    // Announced before and after, and never.
    take(
        &mut log,
        "requestWillBeSent",
        &sent(
            "1",
            "https://a.test/1",
            &json!({"request": {"url": "https://a.test/1", "method": "POST", "hasPostData": true}}),
        ),
    );
    log.hold(
        &clock,
        &held(
            json!("job-1.0"),
            json!("1"),
            "https://a.test/1",
            "POST",
            json!({}),
        ),
    );
    log.hold(
        &clock,
        &held(
            json!("job-2.0"),
            json!("2"),
            "https://a.test/2",
            "POST",
            json!({}),
        ),
    );
    take(
        &mut log,
        "requestWillBeSent",
        &sent("2", "https://a.test/2", &json!({})),
    );
    let referer = json!({"Referer": "https://shop.test/", "Content-Type": "application/x-www-form-urlencoded"});
    log.hold(
        &clock,
        &held(
            json!("job-3.0"),
            Json::Null,
            "https://a.test/3",
            "PUT",
            referer.clone(),
        ),
    );
    log.hold(
        &clock,
        &held(
            json!("job-3.1"),
            Json::Null,
            "https://a.test/3b",
            "PUT",
            referer,
        ),
    );
    log.hold(
        &clock,
        &held(
            json!("job-4.0"),
            json!("G"),
            "https://a.test/3",
            "OPTIONS",
            json!({"Access-Control-Request-Method": "PUT"}),
        ),
    );
    take(
        &mut log,
        "requestWillBeSentExtraInfo",
        &json!({"requestId": "G", "headers": {"Host": "a.test", "Origin": "https://shop.test"}}),
    );
    let requests = log.requests(&clock, "shop.test", &mut cookies);
    let seen: Vec<_> = requests[1..]
        .iter()
        .map(|request| {
            (
                request.url.as_str(),
                request.method.as_str(),
                request.on_leaving,
                request.post_body.as_ref().map_or("", |body| body.text()),
                request.redirect_chain.len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("https://a.test/1", "POST", false, "a=1", 0),
            ("https://a.test/2", "GET", false, "a=1", 0),
            ("https://a.test/3", "PUT", true, "a=1", 0),
            ("https://a.test/3b", "PUT", true, "a=1", 1),
            ("https://a.test/3", "OPTIONS", true, "a=1", 0),
        ]
    );
    assert_eq!(requests[3].initiator_chain[0].url, "https://shop.test/page");
    assert_eq!(requests[3].body_parameters[0].name, "a");
    assert_eq!(requests[5].resource_type, "Preflight");
    assert_eq!(
        requests[5].preflight_of.as_deref(),
        Some(requests[3].id.as_str())
    );
}

#[test]
fn chains_lead_through_workers_frames_and_preflights() {
    let clock = Clock::start();
    let (mut log, mut cookies) = (NetworkLog::default(), CookieLog::default());
    let by = |url: &str, line: u32| json!({"type": "script", "stack": {"callFrames": [{"url": url, "lineNumber": line, "columnNumber": 0}]}});
    let worker = ("worker".to_owned(), "https://shop.test/w.js".to_owned());
    for (event, of) in [
        (
            sent(
                "1",
                "https://shop.test/",
                &json!({"type": "Document", "initiator": {"type": "other"}}),
            ),
            None,
        ),
        // The worker's script names itself as its document, and nobody as its initiator.
        (
            sent(
                "2",
                "https://shop.test/w.js",
                &json!({"type": "Script", "documentURL": "https://shop.test/w.js", "initiator": {"type": "other"}}),
            ),
            None,
        ),
        (
            sent(
                "3",
                "https://hit.test/w",
                &json!({"type": "Fetch", "frameId": null, "documentURL": "https://shop.test/w.js", "initiator": by("https://shop.test/w.js", 6)}),
            ),
            Some(&worker),
        ),
        (
            sent(
                "4",
                "https://hit.test/w",
                &json!({"type": "Other", "request": {"url": "https://hit.test/w", "method": "OPTIONS"}, "initiator": {"type": "preflight", "url": "https://hit.test/w", "requestId": "3"}}),
            ),
            None,
        ),
        (
            sent(
                "5",
                "https://ad.test/frame",
                &json!({"type": "Document", "frameId": "G", "documentURL": "https://ad.test/frame", "initiator": by("https://gtm.test/gtm.js", 1)}),
            ),
            None,
        ),
        (
            sent("6", "https://gtm.test/gtm.js", &json!({"type": "Script"})),
            None,
        ),
        (
            sent(
                "7",
                "https://ad.test/px",
                &json!({"frameId": "G", "documentURL": "https://ad.test/frame", "initiator": {"type": "parser", "url": "https://ad.test/frame", "lineNumber": 2}}),
            ),
            None,
        ),
        // An inline script: the document and the line in it.
        (
            sent(
                "8",
                "https://hit.test/inline",
                &json!({"initiator": by("https://shop.test/", 11)}),
            ),
            None,
        ),
        // A script of the page's own making.
        (
            sent(
                "9",
                "blob:https://shop.test/1",
                &json!({"type": "Script", "initiator": by("https://gtm.test/gtm.js", 2)}),
            ),
            None,
        ),
        (
            sent(
                "10",
                "https://hit.test/blob",
                &json!({"initiator": by("blob:https://shop.test/1", 0)}),
            ),
            None,
        ),
    ] {
        log.take(
            &clock,
            "Network.requestWillBeSent",
            &event,
            of,
            &mut cookies,
        );
    }
    let requests = log.requests(&clock, "shop.test", &mut cookies);
    let chain = |url: &str, method: &str| -> Vec<String> {
        let request = requests
            .iter()
            .find(|request| request.url == url && request.method == method)
            .unwrap();
        request
            .initiator_chain
            .iter()
            .map(|step| format!("{} {}:{}", step.kind, step.url, step.line))
            .collect()
    };
    let through_worker = [
        "script https://shop.test/w.js:7",
        "worker https://shop.test/:0",
    ];
    assert_eq!(chain("https://hit.test/w", "GET"), through_worker);
    assert_eq!(chain("https://hit.test/w", "OPTIONS"), through_worker);
    assert_eq!(
        chain("https://ad.test/px", "GET"),
        [
            "parser https://ad.test/frame:3",
            "script https://gtm.test/gtm.js:2",
            "parser https://shop.test/:5"
        ]
    );
    assert_eq!(
        chain("https://hit.test/inline", "GET"),
        ["script https://shop.test/:12"]
    );
    assert_eq!(
        chain("https://hit.test/blob", "GET"),
        [
            "script blob:https://shop.test/1:1",
            "script https://gtm.test/gtm.js:3",
            "parser https://shop.test/:5"
        ]
    );
    assert!(
        requests
            .iter()
            .all(|request| !request.url.starts_with("blob:"))
    );
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
fn what_was_sent_unannounced_is_named_where_the_wire_names_it() {
    let headers = json!({":method": "POST", ":scheme": "https", ":authority": "a.test", ":path": "/x?y=1", "cookie": "id=7"});
    let (requests, _) = run(&[(
        "requestWillBeSentExtraInfo",
        json!({"requestId": "1", "headers": headers}),
    )]);
    assert_eq!(
        (requests[0].url.as_str(), requests[0].method.as_str()),
        ("https://a.test/x?y=1", "POST")
    );
    assert_eq!(requests[0].sent_cookies, ["id"]);
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
