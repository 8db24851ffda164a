//! The measure others are held against: pages loaded over CDP, a profile each, and nothing else done.
#![allow(
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a benchmark stops at what is in its way"
)]

use consentinel::browser::browser_protocol::page::{EnableParams, NavigateParams};
use consentinel::browser::browser_protocol::target::CreateTargetParams;
use consentinel::browser::connection::Heard;
use consentinel::browser::js_protocol::runtime::RunIfWaitingForDebuggerParams;
use consentinel::browser::{Browser, Session};
use consentinel::provision::packages::{Packages, provide};
use consentinel::test_web::{Options, PACKAGE_JSON, PACKAGE_LOCK, TestWeb};

/// The test web, with its npm packages.
pub(crate) async fn served() -> TestWeb {
    let packages = Packages {
        what: "the test web",
        manifest: PACKAGE_JSON,
        lock: PACKAGE_LOCK,
    };
    let packages = provide(packages, &mut |line| eprintln!("{line}"))
        .await
        .expect("the npm packages of the test web");
    TestWeb::start(Options {
        port: None,
        packages,
    })
    .await
    .expect("the test web")
}

/// What a browser needs to reach the test web.
pub(crate) fn switches(web: &TestWeb) -> [String; 2] {
    [
        format!("--host-resolver-rules={}", web.host_resolver_rules()),
        format!(
            "--ignore-certificate-errors-spki-list={}",
            web.certificate_spki_sha256_base64()
        ),
    ]
}

/// Opens a page in a profile nobody used before and waits for its load event.
pub(crate) async fn load(browser: &Browser, url: &str) {
    let context = browser.new_context().await.expect("a context");
    let mut heard = browser.connection().listen(&context);
    let created = browser
        .root()
        .call(CreateTargetParams {
            browser_context_id: Some(context.clone().into()),
            ..CreateTargetParams::new("about:blank")
        })
        .await
        .expect("a page");
    let target = created["targetId"].as_str().unwrap_or_default().to_owned();
    let mut page = None;
    while page.is_none() {
        if let Some(Heard::Event(event)) = heard.recv().await
            && event.method == "Target.attachedToTarget"
            && event.params["targetInfo"]["targetId"] == target.as_str()
        {
            page = event.params["sessionId"].as_str().map(str::to_owned);
        }
    }
    let page = Session::attached(browser.connection().clone(), page.unwrap_or_default());
    page.call(EnableParams::default())
        .await
        .expect("Page.enable");
    drop(page.send(RunIfWaitingForDebuggerParams::default()));
    page.call(NavigateParams::new(url))
        .await
        .expect("the page answers");
    while let Some(heard) = heard.recv().await {
        if let Heard::Event(event) = heard
            && event.method == "Page.loadEventFired"
        {
            break;
        }
    }
    browser
        .dispose_context(&context)
        .await
        .expect("the context goes");
    browser.connection().unlisten(&context);
}
