//! Runs and audits that look as if they had been made: what comes after an audit is tested without one.

use consentinel::model::finding::Finding;
use consentinel::model::report::{Page, Report, SCHEMA};
use consentinel::service::Service;
use consentinel::service::alerts;
use consentinel::service::audit::{Audit, Outcome, Standing};
use consentinel::service::id::new_id;
use consentinel::service::site::{Settings, Site};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// The page everything is found on.
pub(crate) const PAGE: &str = "https://shop.test/";

/// A finding of a cookie.
pub(crate) fn finding(id: &str, severity: &str) -> Finding {
    serde_json::from_value(json!({
        "id": id, "rule": "R02", "name": "pre-known-tracking-cookie",
        "title": "A tracking cookie is set before a choice", "sub_type": null,
        "severity": severity, "verdict": "violation", "proof": "P2", "certainty": "L1",
        "state": "before", "phase": "idle", "page": PAGE,
        "subject": {"kind": "cookie", "host": "shop.test", "name": format!("cookie-{id}"), "party": "first"},
        "service": null, "category": "marketing",
        "evidence": {"at_ms": null, "initiator_chain": [], "set_by": null, "value_fingerprint": null,
            "lifetime": null, "notes": []},
        "legal": [], "remedy": "Wait for consent.", "seen": {"k": 1, "of": 1},
    }))
    .unwrap()
}

fn page(is_complete: bool) -> Page {
    let outcome = if is_complete { "complete" } else { "timed-out" };
    let banner = json!({"found": false, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
        "buttons": [], "text": "", "frame": null, "seen_ms": null});
    serde_json::from_value(json!({
        "url": PAGE, "final_url": PAGE, "diagnostics": [], "banner": banner,
        "visits": [{
            "state": "before", "outcome": outcome, "final_url": PAGE, "status": 200,
            "choice": {"made": false, "confirmed": false, "how": null, "by": null, "clicks": 0,
                "clicked_ms": null, "confirmed_ms": null},
            "phases": [],
            "timing": {"started": "2026-11-22T10:00:00Z", "load_ms": 1, "settled": true, "total_ms": 1},
            "banner": banner, "diagnostics": [],
            "snapshot": {"cookies": [], "storage": [], "requests": [], "signals": [], "scripts": []},
        }],
    }))
    .unwrap()
}

/// A run with these findings.
pub(crate) fn report(findings: &[Finding], started: Timestamp, is_complete: bool) -> Report {
    serde_json::from_value(json!({
        "schema": SCHEMA,
        "run": {"id": new_id(), "started": started, "finished": started,
            "tool": {"version": "1", "commit": null}, "browser": null,
            "catalog": {"version": "", "services": 0}, "consent_engine": "", "profile": "eu",
            "clock": "real", "options": {}, "diagnostics": []},
        "pages": [page(is_complete)], "services": [], "findings": findings, "rules": [],
        "summary": {"by_severity": {}, "by_rule": {}, "by_service": {}, "before_choice": "no",
            "reject_as_easy": "no", "without_consent": "no", "incomplete_pages": 0},
    }))
    .unwrap()
}

/// A site of that name.
pub(crate) fn site(service: &Service, name: &str) -> Site {
    let site = Site {
        id: name.to_owned(),
        name: format!("The {name}"),
        url: PAGE.to_owned(),
        settings: Settings::default(),
        created: Timestamp::now(),
        changed: Timestamp::now(),
    };
    service.shelves().sites.put(&site.id, &site).unwrap();
    site
}

fn put(service: &Service, audit: &Audit) {
    service.shelves().audits.put(&audit.id, audit).unwrap();
    service.store().flush().unwrap();
    service.board().note(audit);
}

/// An audit that is over and found these, so many days ago.
pub(crate) fn audited(
    service: &Service,
    site: &Site,
    findings: &[(&str, &str)],
    days: i64,
    is_complete: bool,
) -> Audit {
    let finished = Timestamp::now() - SignedDuration::from_hours(24 * days);
    let findings: Vec<Finding> = findings
        .iter()
        .map(|(id, severity)| finding(id, severity))
        .collect();
    let report = report(&findings, finished, is_complete);
    service.store().put(&report).unwrap();
    let audit = over(site, finished, Standing::Finished);
    let audit = Audit {
        run: Some(report.run.id),
        result: Some(Outcome {
            pages: 1,
            incomplete_pages: u64::from(!is_complete),
            ..Outcome::default()
        }),
        ..audit
    };
    put(service, &audit);
    audit
}

fn over(site: &Site, finished: Timestamp, standing: Standing) -> Audit {
    Audit {
        id: new_id(),
        site: site.id.clone(),
        url: site.url.clone(),
        settings: site.settings.clone(),
        asked_by: "schedule nightly".to_owned(),
        asked: finished,
        standing,
        tries: 1,
        started: Some(finished),
        finished: Some(finished),
        run: None,
        result: None,
        error: None,
    }
}

/// An audit found these, and whoever is to be told is.
pub(crate) fn found(service: &Service, site: &Site, findings: &[(&str, &str)]) {
    alerts::note(service, &audited(service, site, findings, 0, true));
}

/// An audit failed, and whoever is to be told is.
pub(crate) fn failed(service: &Service, site: &Site, why: &str) {
    let audit = Audit {
        error: Some(why.to_owned()),
        ..over(site, Timestamp::now(), Standing::Failed)
    };
    put(service, &audit);
    alerts::note(service, &audit);
}
