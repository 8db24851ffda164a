//! A page that shows its banner to people alone, visited as an ordinary browser and as an honest bot.

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use consentinel::model::report::Report;
use consentinel::model::visit::{ChoiceOutcome, DiagnosticCode};

use crate::harness::{Served, audit};

/// The platform waits for an answer; whoever is driven by a program is not asked.
const SHY: &str = r#"<!doctype html><title>Shop</title><h1>Shop</h1>
<script>
  window.__tcfapi = (command, version, callback) => callback({
    eventStatus: "cmpuishown", gdprApplies: true, cmpStatus: "loaded", listenerId: 1, tcString: "",
    purpose: { consents: { 1: false, 2: false } }, vendor: { consents: {} },
  }, true);
  if (!navigator.webdriver && !/Consentinel/.test(navigator.userAgent)) {
    document.write(`<div role="dialog" aria-label="Cookies" style="position:fixed;bottom:0;left:0;right:0;background:white">
      <p>We use cookies to measure visits and to show you advertising.</p>
      <button>Accept all</button> <button>Reject all</button></div>`);
  }
</script>"#;

fn visited(arguments: &[&str]) -> Report {
    let page = Served::start(Router::new().route("/", get(|| async { Html(SHY) })));
    let url = page.url("/");
    let mut all = vec![url.as_str(), "--states", "before,rejected", "--dwell", "2s"];
    all.extend(arguments);
    audit(&all).1
}

fn suspects(report: &Report) -> bool {
    let page = &report.pages[0];
    let said = page
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.code == DiagnosticCode::BannerHiddenFromAutomationSuspected);
    let named = page.visits.iter().any(|visit| {
        visit
            .choice
            .outcomes
            .contains(&ChoiceOutcome::BannerHiddenFromAutomationSuspected)
    });
    assert_eq!(said, named);
    said
}

#[test]
fn an_ordinary_visit_is_asked() {
    let report = visited(&[]);
    assert!(report.pages[0].banner.found);
    assert!(!suspects(&report));
}

#[test]
fn an_honest_bot_that_is_not_asked_says_what_it_suspects() {
    let report = visited(&["--honest-bot"]);
    assert!(!report.pages[0].banner.found);
    assert!(suspects(&report));
}
