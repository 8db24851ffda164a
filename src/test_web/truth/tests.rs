#![allow(
    clippy::unwrap_used,
    reason = "a report that cannot be made fails the test"
)]

use serde_json::{Value as Json, json};

use super::*;
use crate::test_web::sites;

/// A report that says of a site exactly what its truth says.
fn true_report(site: &Site) -> Report {
    let truth = &site.truth;
    let concrete = |text: &str| text.replace('*', "7f3a");
    let visit = |state: State, answered: Answered| {
        let cookies = truth
            .cookies
            .iter()
            .filter(|item| item.states.contains(&state));
        let storage = truth
            .storage
            .iter()
            .filter(|item| item.states.contains(&state));
        let requests = truth
            .requests
            .iter()
            .filter(|item| item.states.contains(&state));
        json!({
            "state": state, "outcome": "complete", "final_url": site.url, "status": 200,
            "choice": {
                "made": answered != Answered::No, "confirmed": answered == Answered::Confirmed,
                "how": null, "by": null, "clicks": 0, "clicked_ms": null, "confirmed_ms": null,
            },
            "phases": [],
            "timing": { "started": "2026-01-01T00:00:00Z", "load_ms": null, "settled": true, "total_ms": 1 },
            "banner": banner_of(truth.banner), "diagnostics": [],
            "snapshot": {
                "cookies": cookies.map(|item| cookie(&concrete(&item.name), &item.domain)).collect::<Vec<_>>(),
                "storage": storage.map(|item| entry(item.kind, &item.host, &concrete(&item.key))).collect::<Vec<_>>(),
                "requests": requests.map(|item| request(&item.host, &concrete(&item.path), "third")).collect::<Vec<_>>(),
                "signals": [], "scripts": [],
            },
        })
    };
    let findings: Vec<Json> = truth
        .findings
        .iter()
        .map(|finding| finding_of(finding, &concrete(&finding.name), &site.url))
        .collect();
    let report = json!({
        "schema": "consentinel/report/v1",
        "run": {
            "id": "1", "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:00:00Z",
            "tool": { "version": "0", "commit": null }, "browser": null, "catalog": { "version": "0", "services": 0 },
            "consent_engine": "none", "profile": "eu", "clock": "real", "options": {}, "diagnostics": [],
        },
        "pages": [{
            "url": site.url, "final_url": site.url, "diagnostics": [], "banner": banner_of(truth.banner),
            "visits": [
                visit(State::Before, Answered::No),
                visit(State::Rejected, truth.choice.rejected),
                visit(State::Accepted, truth.choice.accepted),
            ],
        }],
        "services": [], "findings": findings,
        "summary": {
            "by_severity": {}, "by_rule": {}, "by_service": {}, "before_choice": "no", "reject_as_easy": "no",
            "without_consent": "no", "incomplete_pages": 0,
        },
    });
    serde_json::from_value(report).unwrap()
}

fn banner_of(truth: BannerTruth) -> Json {
    json!({
        "found": truth.found, "cmp": null, "languages": [], "buttons": [], "text": "", "frame": null, "seen_ms": null,
        "routes": { "accept": truth.accept, "reject": truth.reject },
    })
}

fn value() -> Json {
    json!({ "text": "x", "fingerprint": "0", "length": 1 })
}

fn cookie(name: &str, domain: &str) -> Json {
    json!({
        "name": name, "domain": domain, "host_only": true, "path": "/", "partition_key": null, "secure": true,
        "http_only": false, "same_site": null, "party": "first", "value": value(), "lifetime_s": null,
        "stored_lifetime_s": null, "set_by": null, "blocked": [], "at_ms": 0, "phase": "idle",
        "writes": [{ "at_ms": 0, "phase": "idle", "value": value(), "lifetime_s": null, "deleted": false, "set_by": null }],
        "sent": [], "alive": true,
    })
}

fn entry(kind: StorageKind, host: &str, key: &str) -> Json {
    json!({
        "kind": kind, "origin": format!("https://{host}"), "partition": null, "key": key, "party": "first",
        "value": value(), "set_by": null, "at_ms": 0, "phase": "idle", "writes": [], "alive": true,
    })
}

fn request(host: &str, path: &str, party: &str) -> Json {
    json!({
        "id": "1", "url": format!("https://{host}{path}?a=b"), "method": "GET", "resource_type": "Script",
        "party": party, "frame": null, "worker": null, "at_ms": 0, "phase": "idle", "initiator_chain": [],
        "redirect_chain": [], "status": 200, "mime_type": null, "from_cache": false, "from_service_worker": false,
        "failed": null, "post_body": null, "sent_cookies": [],
    })
}

fn finding_of(truth: &FindingTruth, name: &str, page: &str) -> Json {
    json!({
        "id": "1", "rule": truth.rule, "name": "", "title": "", "sub_type": null, "severity": "low",
        "verdict": truth.verdict, "proof": "P2", "certainty": "L1", "state": truth.state, "phase": "idle",
        "page": page, "service": null, "category": "marketing", "legal": [], "remedy": "", "seen": { "k": 1, "of": 1 },
        "subject": { "kind": truth.kind, "host": truth.host, "name": name, "party": "first" },
        "evidence": {
            "at_ms": null, "initiator_chain": [], "set_by": null, "value_fingerprint": null, "lifetime": null, "notes": [],
        },
    })
}

fn site(name: &str) -> Site {
    sites()
        .unwrap()
        .into_iter()
        .find(|site| site.name == name)
        .unwrap()
}

#[test]
fn a_true_report_does_not_differ() {
    for site in sites().unwrap() {
        assert_eq!(compare(&true_report(&site), &site), Vec::<String>::new());
    }
}

#[test]
fn each_missing_finding_and_item_is_one_difference() {
    for site in sites().unwrap() {
        for at in 0..site.truth.findings.len() {
            let mut report = true_report(&site);
            let gone = report.findings.remove(at);
            let differences = compare(&report, &site);
            assert_eq!(differences.len(), 1, "{differences:?}");
            assert!(
                differences[0].contains("missing finding")
                    && differences[0].contains(&gone.subject.name)
            );
        }
        for visit in 0..3 {
            let mut report = true_report(&site);
            let snapshot = &mut report.pages[0].visits[visit].snapshot;
            let items = snapshot.cookies.len() + snapshot.storage.len() + snapshot.requests.len();
            *snapshot = Snapshot::default();
            assert_eq!(compare(&report, &site).len(), items, "{}", site.name);
        }
    }
}

#[test]
fn each_surplus_is_one_difference() {
    type Change = fn(&mut Report);
    let changes: [(&str, Change); 9] = [
        ("rejected: surplus cookie x on y.test", |report| {
            let made = serde_json::from_value(cookie("x", "y.test")).unwrap();
            report.pages[0].visits[1].snapshot.cookies.push(made);
        }),
        (
            "before: surplus storage entry SessionStorage k on y.test",
            |report| {
                let made =
                    serde_json::from_value(entry(StorageKind::SessionStorage, "y.test", "k"))
                        .unwrap();
                report.pages[0].visits[0].snapshot.storage.push(made);
            },
        ),
        ("accepted: surplus third-party request y.test/p", |report| {
            let made = serde_json::from_value(request("y.test", "/p", "third")).unwrap();
            report.pages[0].visits[2].snapshot.requests.push(made);
        }),
        (
            "surplus finding R02 before Cookie x on y.test (Likely)",
            |report| {
                let truth: FindingTruth = toml::from_str(
                "rule='R02'\nstate='before'\nkind='cookie'\nhost='y.test'\nname='x'\nverdict='likely'",
            )
            .unwrap();
                let page = report.pages[0].url.clone();
                report
                    .findings
                    .push(serde_json::from_value(finding_of(&truth, "x", &page)).unwrap());
            },
        ),
        ("banner: found is true, expected false", |report| {
            report.pages[0].banner.found = true;
        }),
        ("banner: routes are", |report| {
            report.pages[0].banner.routes.reject = Route::SecondLayer;
        }),
        ("rejected: answered is Unconfirmed, expected No", |report| {
            report.pages[0].visits[1].choice.made = true;
        }),
        ("before: the visit is not complete but TimedOut", |report| {
            report.pages[0].visits[0].outcome = Outcome::TimedOut;
        }),
        ("accepted: not visited", |report| {
            report.pages[0].visits.pop();
        }),
    ];
    let site = site("no-banner");
    for (expected, change) in changes {
        let mut report = true_report(&site);
        change(&mut report);
        let differences = compare(&report, &site);
        assert_eq!(differences.len(), 1, "{differences:?}");
        assert!(
            differences[0].starts_with(&format!("no-banner: {expected}")),
            "{differences:?}"
        );
    }
}

#[test]
fn what_is_no_item_does_not_count() {
    let site = site("no-banner");
    let mut report = true_report(&site);
    let snapshot = &mut report.pages[0].visits[0].snapshot;
    for (host, path, party) in [
        ("www.no-banner.test", "/a", "first"),
        ("y.test", "/favicon.ico", "third"),
        ("", "x:y", "third"),
    ] {
        snapshot
            .requests
            .push(serde_json::from_value(request(host, path, party)).unwrap());
    }
    let mut refused: crate::model::snapshot::Cookie =
        serde_json::from_value(cookie("refused", "y.test")).unwrap();
    refused.blocked.push("UserPreferences".to_owned());
    let mut deleted: crate::model::snapshot::Cookie =
        serde_json::from_value(cookie("deleted", "y.test")).unwrap();
    deleted.writes[0].deleted = true;
    snapshot.cookies.extend([refused, deleted]);
    assert_eq!(compare(&report, &site), Vec::<String>::new());
}

#[test]
fn a_report_without_the_page_says_so() {
    let mut report = true_report(&site("no-banner"));
    report.pages.clear();
    assert_eq!(compare(&report, &site("no-banner")).len(), 1);
}
