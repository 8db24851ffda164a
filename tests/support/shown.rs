//! A page in a real browser, for tests that look at it: what it says, what goes wrong in it, whether those
//! who do not see it can read it.

use std::path::Path;
use std::time::Duration;

use consentinel::browser::browser_protocol::emulation::{
    MediaFeature, SetDeviceMetricsOverrideParams, SetEmulatedMediaParams,
    SetScriptExecutionDisabledParams,
};
use consentinel::browser::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, InsertTextParams,
};
use consentinel::browser::browser_protocol::page::{
    AddScriptToEvaluateOnNewDocumentParams, CaptureScreenshotParams, EnableParams, NavigateParams,
};
use consentinel::browser::browser_protocol::target::{AttachToTargetParams, CreateTargetParams};
use consentinel::browser::js_protocol::runtime::EvaluateParams;
use consentinel::browser::{Browser, LaunchOptions, Session};
use consentinel::provision::packages::{Packages, provide};
use consentinel::provision::system::find_or_install;
use serde_json::Value;

const AXE: Packages = Packages {
    what: "the checks of our pages",
    manifest: include_str!("../report_page/axe/package.json"),
    lock: include_str!("../report_page/axe/package-lock.json"),
};

/// Notes what goes wrong in the page, from its first moment.
const NOTE_FAILURES: &str = "window.failed = []; \
    console.error = console.warn = (...said) => failed.push(said.join(' ')); \
    addEventListener('error', (event) => failed.push(event.message || 'something was not loaded'), true); \
    addEventListener('unhandledrejection', (event) => failed.push(String(event.reason))); \
    addEventListener('securitypolicyviolation', (event) => failed.push(event.violatedDirective));";

/// How long anything may take.
const LIMIT: Duration = Duration::from_mins(1);

pub(crate) fn say(line: &str) {
    eprintln!("set-up: {line}");
}

/// A browser that shows a page.
pub(crate) struct Shown {
    pub(crate) browser: Browser,
    pub(crate) page: Session,
}

impl Shown {
    /// With an empty page.
    pub(crate) async fn empty() -> Self {
        let executable = find_or_install(&mut say).await.unwrap();
        let options = LaunchOptions {
            executable,
            ..LaunchOptions::default()
        };
        let browser = Browser::launch(&options).await.unwrap();
        let context = browser.new_context().await.unwrap();
        let created = browser
            .root()
            .call(CreateTargetParams {
                browser_context_id: Some(context.into()),
                ..CreateTargetParams::new("about:blank")
            })
            .await
            .unwrap();
        let attached = browser
            .root()
            .call(AttachToTargetParams {
                flatten: Some(true),
                ..AttachToTargetParams::new(created["targetId"].as_str().unwrap().to_owned())
            })
            .await
            .unwrap();
        let session = attached["sessionId"].as_str().unwrap();
        let page = Session::attached(browser.connection().clone(), session);
        page.call(EnableParams::default()).await.unwrap();
        page.call(AddScriptToEvaluateOnNewDocumentParams::new(NOTE_FAILURES))
            .await
            .unwrap();
        Self { browser, page }
    }

    /// Goes to an address, and returns when all of it is there.
    pub(crate) async fn go(&self, address: &str) {
        // The document before must not be taken for the one that comes.
        self.value("window.isOver = true").await;
        self.page.call(NavigateParams::new(address)).await.unwrap();
        self.arrived().await;
    }

    /// Waits until another document is there.
    pub(crate) async fn arrived(&self) {
        self.wait_for("!window.isOver && location.href !== 'about:blank' && document.readyState === 'complete'")
            .await;
    }

    /// Whether pages may run their scripts.
    pub(crate) async fn allow_scripts(&self, allowed: bool) {
        self.page
            .call(SetScriptExecutionDisabledParams::new(!allowed))
            .await
            .unwrap();
    }

    /// Presses a key, such as `Tab`, once.
    pub(crate) async fn press(&self, key: &str, code: i64, text: Option<&str>) {
        for kind in [DispatchKeyEventType::KeyDown, DispatchKeyEventType::KeyUp] {
            let pressed = matches!(kind, DispatchKeyEventType::KeyDown);
            self.page
                .call(DispatchKeyEventParams {
                    key: Some(key.to_owned()),
                    code: Some(key.to_owned()),
                    windows_virtual_key_code: Some(code),
                    text: text.filter(|_| pressed).map(str::to_owned),
                    ..DispatchKeyEventParams::new(kind)
                })
                .await
                .unwrap();
        }
    }

    /// Types a text where the focus is.
    pub(crate) async fn write(&self, text: &str) {
        self.page.call(InsertTextParams::new(text)).await.unwrap();
    }

    /// What axe-core objects to.
    pub(crate) async fn objections(&self, axe: &str) -> Value {
        // The policy of the page forbids foreign scripts; the inspector's are none of the page.
        self.page.call(EvaluateParams::new(axe)).await.unwrap();
        self.value(
            "axe.run().then((result) => result.violations.map((one) => \
             `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 200) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`))",
        )
        .await
    }

    /// By how many pixels the page is wider than the window. Only what scrolls by itself may be.
    pub(crate) async fn overflow(&self) -> Value {
        self.value("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            .await
    }

    /// The value of an expression, awaited if it is a promise.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        let answer = self
            .page
            .call_within(
                EvaluateParams {
                    await_promise: Some(true),
                    return_by_value: Some(true),
                    ..EvaluateParams::new(expression)
                },
                LIMIT,
            )
            .await
            .unwrap();
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].clone()
    }

    pub(crate) async fn wait_for(&self, condition: &str) {
        let waited = tokio::time::timeout(LIMIT, async {
            while self.value(condition).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.unwrap();
    }

    pub(crate) async fn prefer(&self, scheme: &str, media: &str) {
        self.page
            .call(SetEmulatedMediaParams {
                media: Some(media.to_owned()),
                features: Some(vec![MediaFeature::new("prefers-color-scheme", scheme)]),
            })
            .await
            .unwrap();
    }

    pub(crate) async fn resize(&self, width: i64, height: i64) {
        self.page
            .call(SetDeviceMetricsOverrideParams::new(
                width, height, 1.0, false,
            ))
            .await
            .unwrap();
    }

    /// Keeps a picture where `CONSENTINEL_PICTURES` says, for a person to look at.
    pub(crate) async fn picture(&self, name: &str) {
        use base64::Engine as _;
        let Some(folder) = std::env::var_os("CONSENTINEL_PICTURES") else {
            return;
        };
        let answer = self
            .page
            .call_within(
                CaptureScreenshotParams {
                    capture_beyond_viewport: Some(true),
                    ..CaptureScreenshotParams::default()
                },
                LIMIT,
            )
            .await
            .unwrap();
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(answer["data"].as_str().unwrap())
            .unwrap();
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }
}

/// The source of axe-core.
pub(crate) async fn axe() -> String {
    let folder = provide(AXE, &mut say).await.unwrap();
    std::fs::read_to_string(folder.join("axe-core/axe.min.js")).unwrap()
}
