//! Additional events find their hop, whatever the order.

use super::*;

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
                let request = ("requestWillBeSent", sent("1", hops[hop], &extra));
                if all_first {
                    late.push(request);
                } else {
                    events.push(request);
                    events.append(&mut late);
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
