//! What a page sends while it is left is seen, however it comes to hear of it.

use axum::Router;
use axum::response::Html;
use axum::routing::{any, get};

use crate::harness::{Served, audit};

/// Each way a document may ask to hear of its end, or to have something sent at it.
const WAYS: [(&str, &str); 5] = [
    (
        "/as-a-listener",
        r#"<script>addEventListener("pagehide", () => navigator.sendBeacon("/sent?as-a-listener"))</script>"#,
    ),
    (
        "/as-a-property",
        r#"<script>window.onpagehide = () => navigator.sendBeacon("/sent?as-a-property")</script>"#,
    ),
    (
        "/on-the-document",
        r#"<script>document.addEventListener("visibilitychange", () => navigator.sendBeacon("/sent?on-the-document"))</script>"#,
    ),
    (
        "/in-a-frame",
        r#"<iframe srcdoc="<script>addEventListener('pagehide', () => navigator.sendBeacon('/sent?in-a-frame'))</script>"></iframe>"#,
    ),
    (
        "/deferred",
        r#"<script>fetchLater("/sent?deferred")</script>"#,
    ),
];

#[test]
fn last_words_are_heard_however_a_page_learns_of_its_end() {
    let pages = WAYS.iter().fold(
        Router::new().route("/sent", any(|| async { "" })),
        |router, &(path, script)| {
            let text = format!("<!doctype html><title>{path}</title>{script}");
            router.route(path, get(move || async move { Html(text) }))
        },
    );
    let served = Served::start(pages);
    let addresses: Vec<String> = WAYS
        .iter()
        .map(|(path, _)| served.url_of("one.localhost", path))
        .collect();
    let mut arguments = vec!["--dwell", "2s", "--states", "before"];
    arguments.extend(addresses.iter().map(String::as_str));
    let (_, report, said) = audit(&arguments);
    for (page, (path, _)) in report.pages.iter().zip(WAYS) {
        let sent: Vec<&str> = page.visits[0]
            .snapshot
            .requests
            .iter()
            .filter(|request| request.url.contains("/sent?"))
            .filter_map(|request| request.url.rsplit('?').next())
            .collect();
        assert_eq!(sent, [&path[1..]], "{said}");
    }
}
