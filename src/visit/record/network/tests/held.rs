//! What is sent while the page is being left.

use super::*;

#[test]
fn what_is_held_is_recorded_once_and_with_its_whole_body() {
    let clock = crate::visit::record::real_clock();
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
        );
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
