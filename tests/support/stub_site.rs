//! A site without a browser: pages that link on, and visits that only say that they were made.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use consentinel::audit::PolicySource;
use consentinel::audit::browsing::{Browsing, Task};
use consentinel::audit::crawl::Wishes;
use consentinel::browser::Fetched;
use consentinel::crawl::Limits;
use consentinel::crawl::manners::Pace;
use consentinel::judge::Profile;
use consentinel::model::report::Policy;
use consentinel::model::visit::{State, Visit};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use url::Url;

/// A site of so many pages.
pub(crate) struct StubSite {
    /// How many pages it has.
    pub(crate) pages: u64,
    /// How long a visit takes.
    pub(crate) takes: Duration,
    /// Where the number of each page is written down when a visit of it begins, one a line.
    pub(crate) log: Option<PathBuf>,
    /// Its sitemap names every page; otherwise each page links to two more.
    pub(crate) mapped: bool,
}

/// The address of a page, from 0.
pub(crate) fn address(page: u64) -> String {
    if page == 0 {
        "https://www.stub.test/".to_owned()
    } else {
        format!("https://www.stub.test/pages/{page}")
    }
}

/// A crawl of it in three states.
pub(crate) fn wishes() -> Wishes {
    Wishes {
        start: Url::parse(&address(0)).unwrap(),
        listed: Vec::new(),
        states: vec![State::Before, State::Rejected, State::Accepted],
        thorough: false,
        limits: Limits::default(),
        pace: Pace {
            at_once: 8,
            delay: Duration::ZERO,
        },
        ignore_robots: false,
        policy: PolicySource::Nowhere,
        concurrency: 6,
        profile: Profile::default(),
    }
}

impl StubSite {
    fn links(&self, page: u64) -> Vec<String> {
        if self.mapped {
            return vec![address(0)];
        }
        [2 * page + 1, 2 * page + 2, page, 0]
            .into_iter()
            .filter(|page| *page < self.pages)
            .map(address)
            .collect()
    }
}

impl Browsing for StubSite {
    async fn visit(&self, task: &Task, _cancel: &CancellationToken) -> Visit {
        let page: u64 = task
            .url
            .path()
            .rsplit('/')
            .next()
            .and_then(|number| number.parse().ok())
            .unwrap_or_default();
        if let Some(log) = &self.log {
            let mut file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(log)
                .unwrap();
            // One write, so that a killed process leaves whole lines.
            file.write_all(format!("{page}\n").as_bytes()).unwrap();
        }
        tokio::time::sleep(self.takes).await;
        let banner = json!({"found": false, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
            "buttons": [], "text": "", "frame": null, "seen_ms": null});
        serde_json::from_value(json!({
            "state": task.state, "outcome": "complete", "final_url": task.url, "status": 200,
            "choice": {"made": false, "confirmed": false, "how": null, "by": null, "clicks": 0,
                "clicked_ms": null, "confirmed_ms": null},
            "phases": [],
            "timing": {"started": "2026-11-22T10:00:00Z", "load_ms": 5, "settled": true, "total_ms": 5},
            "banner": banner, "diagnostics": [],
            "snapshot": {"cookies": [], "storage": [], "requests": [], "signals": [], "scripts": [],
                "links": self.links(page)},
        }))
        .unwrap()
    }

    async fn policy(&self, _url: &Url) -> Policy {
        Policy::default()
    }

    async fn fetch(&self, url: &Url, _most_bytes: usize) -> Result<Fetched, String> {
        if self.mapped && url.path() == "/sitemap.xml" {
            let entries: Vec<String> = (0..self.pages).map(address).collect();
            return Ok(Fetched {
                status: 200,
                body: entries.join("\n").into_bytes(),
            });
        }
        Ok(Fetched {
            status: 404,
            body: Vec::new(),
        })
    }
}
