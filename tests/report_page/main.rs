//! The HTML report in a real browser: nothing is fetched, nothing fails, everything works, and those
//! who do not see it can read it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test that cannot go on should stop, and says what it installs"
)]

#[path = "../report/sample.rs"]
#[allow(dead_code, reason = "the sample is shared with another test")]
mod sample;

#[path = "../support/shown.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod shown;

use std::path::Path;

use consentinel::browser::{LaunchOptions, paper};
use consentinel::model::report::Report;
use consentinel::provision::system::find_or_install;
use consentinel::report::{Format, Options, text_of};
use serde_json::Value;
use shown::{Shown, say};

fn written(report: &Report) -> tempfile::NamedTempFile {
    let text = text_of(Format::Html, report, &Options::default()).unwrap();
    let file = tempfile::Builder::new().suffix(".html").tempfile().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// A browser that shows a report, and the file it is in.
async fn open(report: &Report) -> (Shown, tempfile::NamedTempFile) {
    let file = written(report);
    let address = url::Url::from_file_path(file.path()).unwrap();
    let shown = Shown::empty().await;
    shown.go(address.as_str()).await;
    (shown, file)
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_do_not_see_it_can_read_it() {
    let axe = shown::axe().await;
    for (name, report) in [("rich", sample::rich()), ("clean", sample::clean())] {
        let (shown, _file) = open(&report).await;
        shown
            .value("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
            .await;
        for (scheme, width) in [
            ("light", 1280),
            ("dark", 1280),
            ("light", 390),
            ("dark", 390),
        ] {
            shown.resize(width, 900).await;
            shown.prefer(scheme, "screen").await;
            let found = shown.objections(&axe).await;
            assert_eq!(
                found,
                Value::Array(Vec::new()),
                "{name}, {scheme}, {width} pixels"
            );
            let overflow = shown.overflow().await;
            assert_eq!(overflow, 0, "{name}, {width} pixels");
            shown.picture(&format!("{name}-{scheme}-{width}")).await;
        }
        shown.browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_fetched_and_everything_works() {
    let (shown, _file) = open(&sample::rich()).await;
    // Whatever the page asked for stands here; the document itself does not.
    let fetched = shown
        .value("performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith('data:'))")
        .await;
    assert_eq!(fetched, Value::Array(Vec::new()));
    assert_eq!(
        shown
            .value(
                "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
            )
            .await,
        true
    );
    // Every link inside leads to what it names, unfolded and in view.
    let lost = shown
        .value(
            "(async () => { const lost = []; \
             for (const link of document.querySelectorAll('a[href^=\"#\"]')) { \
               link.closest('details')?.setAttribute('open', ''); link.click(); \
               await new Promise((done) => setTimeout(done)); \
               const target = document.getElementById(link.getAttribute('href').slice(1)); \
               if (!target || target.hidden || !target.checkVisibility() || (target.tagName === 'DETAILS' && !target.open)) lost.push(link.outerHTML); \
             } return lost; })()",
        )
        .await;
    assert_eq!(lost, Value::Array(Vec::new()));

    // Every disclosure opens and closes, by keyboard as by mouse.
    let stuck = shown
        .value(
            "[...document.querySelectorAll('details')].filter((one) => { \
               const before = one.open; const summary = one.querySelector('summary'); \
               summary.click(); const changed = one.open !== before; summary.click(); \
               return !changed || one.open !== before || summary.tabIndex < 0; }).length",
        )
        .await;
    assert_eq!(stuck, 0);

    // Each filter shows what fits and nothing else, and says how many.
    let wrong = shown
        .value(
            "(() => { const form = document.getElementById('filters'); const wrong = []; \
             const all = [...document.querySelectorAll('.finding')]; \
             for (const select of form.querySelectorAll('select')) for (const option of select.options) { \
               select.value = option.value; form.dispatchEvent(new Event('input')); \
               const shown = all.filter((one) => one.checkVisibility()); \
               const fitting = all.filter((one) => !option.value || one.dataset[select.name] === option.value); \
               const told = parseInt(document.getElementById('filters-told').textContent, 10); \
               if (shown.length !== fitting.length || told !== fitting.length || shown.some((one) => !fitting.includes(one))) wrong.push(`${select.name}=${option.value}`); \
               select.value = ''; } \
             form.elements.text.value = '_ga'; form.dispatchEvent(new Event('input')); \
             const shown = all.filter((one) => one.checkVisibility()); \
             if (!shown.length || shown.length === all.length) wrong.push('text'); \
             form.reset(); return wrong; })()",
        )
        .await;
    assert_eq!(wrong, Value::Array(Vec::new()));
    shown
        .wait_for(
            "[...document.querySelectorAll('.finding')].every((one) => one.checkVisibility())",
        )
        .await;
    let unfolded = shown
        .value("(() => { document.getElementById('unfold').click(); return [...document.querySelectorAll('.evidence')].every((one) => one.open); })()")
        .await;
    assert_eq!(unfolded, true);
    assert_eq!(shown.value("failed").await, Value::Array(Vec::new()));

    shown.resize(1280, 900).await;
    shown.prefer("light", "print").await;
    shown.picture("rich-print").await;
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_printed() {
    let executable = find_or_install(&mut say).await.unwrap();
    let options = LaunchOptions {
        executable,
        ..LaunchOptions::default()
    };
    let file = written(&sample::rich());
    let paper = paper::print(&options, file.path()).await.unwrap();
    assert!(paper.starts_with(b"%PDF-") && paper.windows(5).any(|window| window == b"%%EOF"));
    assert!(paper.len() > 20_000, "{} bytes", paper.len());
    if let Some(folder) = std::env::var_os("CONSENTINEL_PICTURES") {
        std::fs::write(Path::new(&folder).join("rich.pdf"), &paper).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_of_banners_run() {
    use consentinel::catalog::{Catalog, export};
    let catalog = Catalog::builtin().unwrap();
    let services: Vec<_> = ["google-analytics", "kustomer", "youtube"]
        .iter()
        .map(|id| catalog.service(id).unwrap())
        .collect();
    let (shown, _file) = open(&sample::clean()).await;
    for (script, stub, question, expected) in [
        (
            export::vanilla_cookieconsent(&services, "de").unwrap(),
            "var CookieConsent = { run: (config) => { window.given = config; } };",
            "given.categories.necessary.readOnly && given.categories.analytics.autoClear.cookies.some((one) => one.name === '_ga') \
             && given.language.translations.de.preferencesModal.sections.length > 2",
            true,
        ),
        (
            export::klaro(&services, "de").unwrap(),
            "",
            "klaroConfig.services.length === 3 && klaroConfig.services[0].cookies.some((one) => one === '_ga' || one instanceof RegExp)",
            true,
        ),
        (
            export::tarteaucitron(&services).unwrap(),
            "var tarteaucitron = { services: {} };",
            "tarteaucitron.job.length === 3 && tarteaucitron.services['google-analytics'].needConsent",
            true,
        ),
    ] {
        // In the page's global scope, as a script element would.
        shown.value(&format!("{stub}\n{script}\n;true")).await;
        assert_eq!(shown.value(question).await, expected, "{script}");
    }
    shown.browser.close().await;
}
