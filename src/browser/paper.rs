//! Prints a document of our own to PDF.

use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chromiumoxide::cdp::browser_protocol::page::{NavigateParams, PrintToPdfParams};
use chromiumoxide::cdp::browser_protocol::target::{AttachToTargetParams, CreateTargetParams};
use chromiumoxide::cdp::js_protocol::runtime::EvaluateParams;
use serde_json::Value;

use super::{Browser, BrowserError, LaunchOptions, Session};

/// How long a document may take to load, and to be printed: a report may hold megabytes of pictures.
const LIMIT: Duration = Duration::from_mins(2);

/// Time between two looks whether it has loaded.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// A4 in inches, as the protocol measures, and its margin.
const WIDTH: f64 = 8.27;
const HEIGHT: f64 = 11.69;
const MARGIN: f64 = 0.5;

/// A file as PDF on A4, with its background colours, an outline and tags for screen readers.
pub async fn print(options: &LaunchOptions, document: &Path) -> Result<Vec<u8>, BrowserError> {
    // The user's arguments are for visits: a proxy or a resolver rule has nothing to do with paper.
    let plain = LaunchOptions {
        executable: options.executable.clone(),
        ..LaunchOptions::default()
    };
    let browser = Browser::launch(&plain).await?;
    let printed = in_browser(&browser, document).await;
    browser.close().await;
    printed
}

async fn in_browser(browser: &Browser, document: &Path) -> Result<Vec<u8>, BrowserError> {
    let context = browser.new_context().await?;
    let created = browser
        .root()
        .call(CreateTargetParams {
            browser_context_id: Some(context.clone().into()),
            ..CreateTargetParams::new("about:blank")
        })
        .await?;
    let attached = browser
        .root()
        .call(AttachToTargetParams {
            flatten: Some(true),
            ..AttachToTargetParams::new(text(&created, "targetId")?.to_owned())
        })
        .await?;
    let page = Session::attached(browser.connection().clone(), text(&attached, "sessionId")?);
    let address = url::Url::from_file_path(document)
        .map_err(|()| BrowserError::Disconnected("the document has no absolute path".to_owned()))?;
    page.call(NavigateParams::new(address.as_str())).await?;
    tokio::time::timeout(LIMIT, loaded(&page, address.as_str()))
        .await
        .map_err(|_elapsed| BrowserError::Unanswered {
            method: "Page.navigate".into(),
            limit: LIMIT,
        })??;
    let answer = page
        .call_within(
            PrintToPdfParams {
                print_background: Some(true),
                paper_width: Some(WIDTH),
                paper_height: Some(HEIGHT),
                margin_top: Some(MARGIN),
                margin_bottom: Some(MARGIN),
                margin_left: Some(MARGIN),
                margin_right: Some(MARGIN),
                generate_tagged_pdf: Some(true),
                generate_document_outline: Some(true),
                ..PrintToPdfParams::default()
            },
            LIMIT,
        )
        .await?;
    STANDARD
        .decode(text(&answer, "data")?)
        .map_err(|error| BrowserError::Disconnected(error.to_string()))
}

/// Waits until the document stands there whole.
async fn loaded(page: &Session, address: &str) -> Result<(), BrowserError> {
    let question = format!(
        "document.readyState === 'complete' && location.href === {}",
        Value::from(address)
    );
    loop {
        let answer = page.call(EvaluateParams::new(question.as_str())).await?;
        if answer["result"]["value"] == true {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn text<'a>(answer: &'a Value, field: &str) -> Result<&'a str, BrowserError> {
    answer[field]
        .as_str()
        .ok_or_else(|| BrowserError::Disconnected(format!("the browser gave no {field}")))
}
