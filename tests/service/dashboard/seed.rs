//! A store with something of everything: sites that fail, pass, run and were never audited.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consentinel::model::finding::Verdict;
use consentinel::model::report::{Page, Report};
use consentinel::model::value::sha256_hex;
use consentinel::service::accepted::AcceptanceWish;
use consentinel::service::audit::{Audit, Outcome, Standing};
use consentinel::service::schedule::ScheduleWish;
use consentinel::service::shelves::Shelves;
use consentinel::service::site::{Settings, Site};
use consentinel::service::{Options, Service};
use consentinel::store::Store;
use jiff::{SignedDuration, Timestamp};

use crate::sample;

/// The audit that runs.
pub(super) const RUNNING: &str = "20261008T030000000Z-0000aaaa";

/// A service over a store of its own.
pub(super) struct Seeded {
    pub(super) service: Service,
    /// Runs and audits of the shop, oldest first.
    pub(super) runs: Vec<String>,
    pub(super) audits: Vec<String>,
    /// A finding of the last of them.
    pub(super) finding: String,
    _folder: tempfile::TempDir,
}

fn site(id: &str, name: &str, url: &str) -> Site {
    let created: Timestamp = "2026-10-01T08:00:00Z".parse().unwrap();
    Site {
        id: id.to_owned(),
        name: name.to_owned(),
        url: url.to_owned(),
        settings: Settings::default(),
        created,
        changed: created,
    }
}

/// An audit of a site that is over since a day of October 2026, at three.
fn audit(site: &str, day: u32, standing: Standing) -> Audit {
    let asked: Timestamp = format!("2026-10-{day:02}T03:00:00Z").parse().unwrap();
    Audit {
        id: format!("202610{day:02}T030000000Z-{:08x}", site.len()),
        site: site.to_owned(),
        url: format!("https://{site}.test/"),
        settings: Settings::default(),
        asked_by: "schedule 20261001T080000000Z-00000001".to_owned(),
        asked,
        standing,
        tries: 1,
        started: Some(asked),
        finished: standing
            .is_over()
            .then(|| asked + SignedDuration::from_secs(161)),
        run: None,
        result: None,
        error: None,
    }
}

fn counts(report: &Report) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for finding in &report.findings {
        if matches!(finding.verdict, Verdict::Violation | Verdict::Likely) {
            let severity = format!("{:?}", finding.severity).to_lowercase();
            *counts.entry(severity).or_default() += 1;
        }
    }
    counts
}

/// The sample with ids and pictures as an audit makes them.
fn rich() -> Report {
    let mut report = sample::rich();
    for (number, finding) in report.findings.iter_mut().enumerate() {
        finding.id = format!("{}-{number:012x}", finding.rule);
    }
    let picture = include_bytes!("../../../docs/report.png");
    for shown in report.pages.iter_mut().flat_map(Page::pictures_mut) {
        if shown.media_type == "image/png" {
            shown.sha256 = sha256_hex(picture);
            shown.data = Some(STANDARD.encode(picture));
        }
    }
    report
}

impl Seeded {
    /// Nothing at all.
    pub(super) fn nothing() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        Self {
            service: Service::open(store, Options::default()).unwrap(),
            runs: Vec::new(),
            audits: Vec::new(),
            finding: String::new(),
            _folder: folder,
        }
    }

    /// Something of everything.
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let shelves = Shelves::open(&store).unwrap();
        let long =
            "A site with a name so long that it has to be broken somewhere on a small screen";
        for site in [
            site("shop", "Shop", sample::SHOP),
            site("clean", "Clean", sample::CLEAN),
            site(
                "blog",
                "Blog <script>alert(1)</script>",
                "https://blog.test/",
            ),
            site(
                "broken",
                long,
                &format!("https://broken.test/{}", "a".repeat(150)),
            ),
            site("never", "Never audited", "https://never.test/"),
        ] {
            shelves.sites.put(&site.id, &site).unwrap();
        }
        let mut runs = Vec::new();
        let mut audits = Vec::new();
        let mut before: Option<Report> = None;
        for (day, keep) in [(4, 2), (5, 4), (7, usize::MAX)] {
            let mut report = rich();
            report.run.id = format!("202610{day:02}T030000000Z-1a2b");
            report.findings.truncate(keep);
            let ids = |report: &Report| -> Vec<String> {
                report
                    .findings
                    .iter()
                    .map(|finding| finding.id.clone())
                    .collect()
            };
            let old = before.as_ref().map(ids).unwrap_or_default();
            let new: Vec<String> = ids(&report)
                .into_iter()
                .filter(|id| !old.contains(id))
                .collect();
            store.put(&report).unwrap();
            let audit = Audit {
                run: Some(report.run.id.clone()),
                result: Some(Outcome {
                    pages: 6,
                    incomplete_pages: 1,
                    findings: counts(&report),
                    new_count: new.len() as u64,
                    new,
                    fixed: Vec::new(),
                    fixed_count: 2,
                }),
                ..audit("shop", day, Standing::Finished)
            };
            shelves.audits.put(&audit.id, &audit).unwrap();
            runs.push(report.run.id.clone());
            audits.push(audit.id);
            before = Some(report);
        }
        let mut clean = sample::clean();
        "20261006T030000000Z-3c4d".clone_into(&mut clean.run.id);
        store.put(&clean).unwrap();
        for other in [
            Audit {
                run: Some(clean.run.id.clone()),
                result: Some(Outcome {
                    pages: 1,
                    ..Outcome::default()
                }),
                ..audit("clean", 6, Standing::Finished)
            },
            Audit {
                error: Some("the browser could not be started: no such file".to_owned()),
                ..audit("broken", 6, Standing::Failed)
            },
            audit("shop", 6, Standing::Failed),
            Audit {
                id: RUNNING.to_owned(),
                ..audit("blog", 8, Standing::Running)
            },
        ] {
            shelves.audits.put(&other.id, &other).unwrap();
        }
        let finding = before.unwrap().findings[0].id.clone();
        let service = Service::open(store, Options::default()).unwrap();
        for (site, cron, enabled) in [("shop", "0 3 * * *", true), ("clean", "30 6 * * 1", false)] {
            service
                .add_schedule(ScheduleWish {
                    site: site.to_owned(),
                    cron: cron.to_owned(),
                    timezone: "Europe/Berlin".to_owned(),
                    jitter_seconds: 600,
                    enabled,
                })
                .unwrap();
        }
        let accepted = AcceptanceWish {
            finding: None,
            rule: Some("R02".to_owned()),
            host: Some("*.shop.test".to_owned()),
            name: None,
            page: None,
            reason: "agreed with the DPO".to_owned(),
            expires: "2999-01-31".parse().unwrap(),
        };
        service
            .accept("shop", accepted, "account bert@example.com")
            .unwrap();
        Self {
            service,
            runs,
            audits,
            finding,
            _folder: folder,
        }
    }
}
