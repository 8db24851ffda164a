//! Who asked, up to the root tag.

use super::*;

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
fn chains_lead_through_workers_frames_and_preflights() {
    let clock = crate::visit::record::real_clock();
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
        // The worker's script names itself as its document, and no line as its initiator.
        (
            sent(
                "2",
                "https://shop.test/w.js",
                &json!({"type": "Script", "documentURL": "https://shop.test/w.js", "initiator": {"type": "other", "url": "https://shop.test/"}}),
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
