//! A service over a store that has something in it, asked over real connections.
//!
//! Who asks is said by three tokens that this file makes up: what stands behind a token in the store is
//! no matter of what is tested here.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use consentinel::browser::{LaunchOptions, find};
use consentinel::model::report::Report;
use consentinel::service::access::{Caller, Scope};
use consentinel::service::audit::{Audit, Outcome, Standing};
use consentinel::service::http::router;
use consentinel::service::site::SiteWish;
use consentinel::service::{Options, Service};
use consentinel::store::Store;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::sample;

/// Runs of the site.
pub(crate) const RUNS: usize = 5;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A service that runs while this lives.
pub(crate) struct Seeded {
    pub(crate) service: Service,
    pub(crate) address: SocketAddr,
    _runtime: Runtime,
    _folder: TempDir,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: axum::http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

async fn says_who(mut request: Request, next: Next) -> Response {
    let token = request.headers().get("authorization");
    let scope = match token.and_then(|token| token.to_str().ok()) {
        Some("Bearer read") => Some(Scope::Read),
        Some("Bearer audit") => Some(Scope::Audit),
        Some("Bearer admin") => Some(Scope::Admin),
        _ => None,
    };
    if let Some(scope) = scope {
        request.extensions_mut().insert(Caller {
            name: format!("token {scope:?}"),
            scope,
            csrf: None,
        });
    }
    next.run(request).await
}

impl Seeded {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let options = Options {
            launch: LaunchOptions {
                executable: find::find(None).unwrap_or_default(),
                ..LaunchOptions::default()
            },
            ..Options::default()
        };
        let service = Service::open(store, options).unwrap();
        seed(&service);
        let runtime = Runtime::new().unwrap();
        let app: Router = router(service.clone()).layer(middleware::from_fn(says_who));
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(("127.0.0.1", 0)))
            .unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self {
            service,
            address,
            _runtime: runtime,
            _folder: folder,
        }
    }

    pub(crate) fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Asks, with `token`, `name: value` headers and a body.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut request = axum::http::Request::builder()
            .method(method)
            .uri(self.at(path));
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => agent.run(request.body(body.to_owned()).unwrap()),
            None => agent.run(request.body(()).unwrap()),
        }
        .unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            bytes: response
                .body_mut()
                .with_config()
                .limit(1 << 30)
                .read_to_vec()
                .unwrap(),
        }
    }

    /// Reads as one who may only look.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "read", &[], None)
    }

    /// Sends JSON as one who may ask for audits.
    pub(crate) fn send(&self, method: &str, path: &str, body: &Value) -> Answer {
        let kind = [("content-type", "application/json")];
        self.ask(method, path, "audit", &kind, Some(&body.to_string()))
    }

    /// Everything of a collection, read in parts of that size.
    pub(crate) fn all(&self, path: &str, limit: usize) -> Vec<Value> {
        let sign = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let part = self.get(&format!("{path}{sign}limit={limit}{after}"));
            assert_eq!(part.status, 200, "{path}: {part:?}");
            let part = part.json();
            let held = part["items"].as_array().unwrap();
            assert!(held.len() <= limit);
            items.extend(held.iter().cloned());
            match part["next"].as_str() {
                Some(next) => {
                    let next: String =
                        url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                    after = format!("&after={next}");
                }
                None => return items,
            }
        }
    }
}

/// The run of that number: the sample, with an id of its own.
pub(crate) fn run(number: usize) -> Report {
    let mut report = sample::rich();
    // In a run that was judged no two findings have the same id.
    let mut known = BTreeSet::new();
    report
        .findings
        .retain(|finding| known.insert(finding.id.clone()));
    let hours = SignedDuration::from_hours(i64::try_from(number).unwrap());
    report.run.started += hours;
    report.run.finished += hours;
    report.run.id = format!("20261101T0000{number:02}000Z-0000");
    report
}

/// Two sites, one of them audited five times; one run that belongs to none.
fn seed(service: &Service) {
    let wish = |name: &str, url: &str| -> SiteWish {
        serde_json::from_value(json!({ "name": name, "url": url })).unwrap()
    };
    let site = service
        .add_site(wish("Shop", "https://www.shop.test/"))
        .unwrap();
    service
        .add_site(wish("Blog", "https://blog.test/"))
        .unwrap();
    service.store().put(&run(0)).unwrap();
    for number in 1..=RUNS {
        let report = run(number);
        service.store().put(&report).unwrap();
        let audit = Audit {
            id: format!("20261101T0000{number:02}000Z-00000000"),
            site: site.id.clone(),
            url: site.url.clone(),
            settings: site.settings.clone(),
            asked_by: "token Audit".to_owned(),
            asked: report.run.started,
            standing: Standing::Finished,
            tries: 1,
            started: Some(report.run.started),
            finished: Some(Timestamp::now()),
            run: Some(report.run.id.clone()),
            result: Some(Outcome::default()),
            error: None,
        };
        service.shelves().audits.put(&audit.id, &audit).unwrap();
        service.board().note(&audit);
    }
    service.store().flush().unwrap();
}
