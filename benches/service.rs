//! What the service bears: `cargo bench --bench service` fills a store with 10,000 runs of 100 sites, starts
//! the service over it, and asks for pages of the dashboard and parts of the API over 64 connections.
//!
//! Printed are the time from start to ready, requests a second and how long they took. Options come from the
//! environment, as a bench has none of its own: `RUNS`, `SITES`, `SECONDS`, `CONNECTIONS`, `STORE` (a folder
//! that is filled once and used again), and `AUDIT=1`, which has audits carried out meanwhile, of a small
//! site on loopback, one after another.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench prints, and stops when it cannot go on"
)]

#[path = "../tests/report/sample.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "the sample is shared with the tests"
)]
mod sample;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{Html, Response};
use axum::{Router, routing};
use consentinel::audit::guard::Bounds;
use consentinel::browser::{LaunchOptions, find};
use consentinel::model::report::Report;
use consentinel::service::access::{Caller, Scope};
use consentinel::service::audit::{Audit, Outcome, Standing};
use consentinel::service::http::router;
use consentinel::service::site::SiteWish;
use consentinel::service::{Options, Service, engine};
use consentinel::store::Store;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio_util::sync::CancellationToken;

/// What is asked for, in turn: `{site}` and `{run}` stand for one of them.
const PATHS: [&str; 13] = [
    "/",
    "/sites/{site}",
    "/runs/{run}",
    "/api/v1/sites",
    "/api/v1/sites/{site}",
    "/api/v1/sites/{site}/standing",
    "/api/v1/sites/{site}/findings?limit=20",
    "/api/v1/runs?limit=20",
    "/api/v1/runs?site={site}&limit=20",
    "/api/v1/runs/{run}",
    "/api/v1/runs/{run}/findings?limit=20",
    "/api/v1/audits?site={site}&limit=20",
    "/api/v1/catalog/google-analytics",
];

/// A number from the environment.
fn wanted<T: FromStr>(name: &str, otherwise: T) -> T {
    let given = std::env::var(name).ok();
    given
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

fn site_id(number: usize) -> String {
    format!("site-{number}")
}

fn run_id(number: usize) -> String {
    let moment = first_moment() + SignedDuration::from_mins(i64::try_from(number).unwrap());
    format!(
        "{}-{:04x}",
        moment.strftime("%Y%m%dT%H%M%S000Z"),
        number % 65_536
    )
}

fn first_moment() -> Timestamp {
    Timestamp::from_str("2026-01-01T00:00:00Z").unwrap()
}

/// Fills a store: every run is one page with the findings of the shop.
fn fill(folder: &Path, runs: usize, sites: usize) {
    let service = Service::open(Store::open(folder).unwrap(), Options::default()).unwrap();
    for number in 0..sites {
        let wish =
            json!({ "name": site_id(number), "url": format!("https://{}.test/", site_id(number)) });
        let wish: SiteWish = serde_json::from_value(wish).unwrap();
        service.add_site(wish).unwrap();
    }
    let mut report: Report = sample::rich();
    report.pages.truncate(1);
    for picture in report.pages[0].pictures_mut() {
        picture.data = None;
    }
    let page = report.pages[0].url.clone();
    report.findings.retain(|finding| finding.page == page);
    let began = Instant::now();
    for number in 0..runs {
        let moment = first_moment() + SignedDuration::from_mins(i64::try_from(number).unwrap());
        report.run.id = run_id(number);
        report.run.started = moment;
        report.run.finished = moment;
        service.store().put(&report).unwrap();
        let site = service.site(&site_id(number % sites)).unwrap();
        let audit = Audit {
            id: format!("{}-{number:08x}", moment.strftime("%Y%m%dT%H%M%S000Z")),
            site: site.id,
            url: site.url,
            settings: site.settings,
            asked_by: "schedule nightly".to_owned(),
            asked: moment,
            standing: Standing::Finished,
            tries: 1,
            started: Some(moment),
            finished: Some(moment),
            run: Some(report.run.id.clone()),
            result: Some(Outcome {
                pages: 1,
                ..Outcome::default()
            }),
            error: None,
        };
        service.shelves().audits.put(&audit.id, &audit).unwrap();
        if number % 1_000 == 999 {
            println!(
                "filled    {:>6} runs in {:.1?}",
                number + 1,
                began.elapsed()
            );
        }
    }
    service.store().flush().unwrap();
}

async fn as_reader(mut request: Request, next: Next) -> Response {
    request.extensions_mut().insert(Caller {
        name: "token bench".to_owned(),
        scope: Scope::Admin,
        csrf: None,
    });
    next.run(request).await
}

/// A site of one page on loopback.
async fn stub() -> SocketAddr {
    let page = "<!doctype html><title>Stub</title><p>Nothing is stored here.";
    let app = Router::new().route("/", routing::get(move || async move { Html(page) }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    address
}

/// Has audits carried out one after another, and returns how many were.
async fn audits(service: Service, address: SocketAddr, done: Arc<AtomicUsize>) {
    let wish = json!({ "name": "stub", "url": format!("http://{address}/") });
    let wish: SiteWish = serde_json::from_value(wish).unwrap();
    let site = service
        .apart(move |service| service.add_site(wish))
        .await
        .unwrap();
    tokio::spawn(engine::run(service.clone(), CancellationToken::new()));
    let mut events = service.listen();
    loop {
        let asked = site.clone();
        let audit = service
            .apart(move |service| Ok(service.ask(&asked, "token bench")?))
            .await
            .unwrap();
        loop {
            let heard = tokio::time::timeout(Duration::from_secs(5), events.recv()).await;
            drop(heard);
            let id = audit.id.clone();
            let standing = service
                .apart(move |service| Ok(service.shelves().audits.get(&id)?))
                .await
                .unwrap();
            if standing.is_some_and(|audit| audit.standing.is_over()) {
                done.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
    }
}

async fn connection(address: SocketAddr) -> SendRequest<Empty<Bytes>> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, driven) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(driven);
    sender
}

async fn ask(sender: &mut SendRequest<Empty<Bytes>>, path: &str) -> (u16, usize) {
    sender.ready().await.unwrap();
    let request = hyper::Request::builder()
        .uri(path)
        .header("host", "localhost")
        .body(Empty::new())
        .unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, body.len())
}

/// A path with a site and a run put in. Some are asked for often, most seldom, as people do.
fn path(number: usize, of: &[&str], runs: usize, sites: usize) -> String {
    // Steps that share no factor with the counts visit everything in no order.
    let scattered = number.wrapping_mul(7_919);
    let run = match number % 4 {
        0 => scattered % runs,
        _ => runs - 1 - scattered % runs.min(200),
    };
    of[number % of.len()]
        .replace("{site}", &site_id(scattered % sites))
        .replace("{run}", &run_id(run))
}

/// Asks over many connections and prints what it took.
async fn load(address: SocketAddr, runs: usize, sites: usize, seconds: u64, connections: usize) {
    let mut probe = connection(address).await;
    let mut there = Vec::new();
    for part in PATHS {
        let (status, bytes) = ask(&mut probe, &path(1, &[part], runs, sites)).await;
        println!("asked     {part:<42} {status} {bytes:>8} B");
        if status == 200 {
            there.push(part);
        }
    }
    let there: Arc<[&'static str]> = there.into();
    let next = Arc::new(AtomicUsize::new(0));
    let ends = Instant::now() + Duration::from_secs(seconds);
    let began = Instant::now();
    let mut workers = Vec::new();
    for _ in 0..connections {
        let (there, next) = (Arc::clone(&there), Arc::clone(&next));
        workers.push(tokio::spawn(async move {
            let mut sender = connection(address).await;
            let mut took = Vec::new();
            let mut failed = 0_usize;
            while Instant::now() < ends {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let path = path(number, &there, runs, sites);
                let asked = Instant::now();
                let (status, _) = ask(&mut sender, &path).await;
                took.push((asked.elapsed(), number % there.len()));
                failed += usize::from(status != 200);
            }
            (took, failed)
        }));
    }
    let mut took = Vec::new();
    let mut failed = 0;
    for worker in workers {
        let (times, not_done) = worker.await.unwrap();
        took.extend(times);
        failed += not_done;
    }
    let elapsed = began.elapsed();
    println!(
        "answered  {} requests, {failed} not with 200, over {connections} connections: {:.0} a second",
        took.len(),
        took.len() as f64 / elapsed.as_secs_f64()
    );
    print_times("all", took.iter().map(|(time, _)| *time).collect());
    for (place, part) in there.iter().enumerate() {
        let times = took.iter().filter(|(_, of)| *of == place);
        print_times(part, times.map(|(time, _)| *time).collect());
    }
}

fn print_times(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: f64| {
        let place = (times.len() as f64 * share) as usize;
        times
            .get(place.min(times.len().saturating_sub(1)))
            .copied()
            .unwrap_or_default()
    };
    println!(
        "took      {name:<42} p50 {:>8.2?}  p95 {:>8.2?}  p99 {:>8.2?}  longest {:>8.2?}",
        at(0.50),
        at(0.95),
        at(0.99),
        at(1.0)
    );
}

fn main() {
    let runs = wanted("RUNS", 10_000_usize).max(1);
    let sites = wanted("SITES", 100_usize).max(1);
    let temporary = tempfile::tempdir().unwrap();
    let folder = match std::env::var_os("STORE") {
        Some(folder) => PathBuf::from(folder),
        None => temporary.path().to_owned(),
    };
    if !folder.join("records").exists() {
        fill(&folder, runs, sites);
    }
    let with_audits = wanted("AUDIT", 0_u8) == 1;
    let options = Options {
        launch: LaunchOptions {
            executable: if with_audits {
                find::find(None).unwrap()
            } else {
                PathBuf::new()
            },
            ..LaunchOptions::default()
        },
        bounds: Bounds {
            allowed: vec!["127.0.0.0/8".parse().unwrap()],
            ..Bounds::default()
        },
        ..Options::default()
    };
    // What asks has threads of its own, as another program would.
    let serving = Builder::new_multi_thread().enable_all().build().unwrap();
    let asking = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let began = Instant::now();
    let service = Service::open(Store::open(&folder).unwrap(), options).unwrap();
    let opened = began.elapsed();
    let app = router(service.clone()).layer(middleware::from_fn(as_reader));
    let listener = serving
        .block_on(TcpListener::bind(("127.0.0.1", 0)))
        .unwrap();
    let address = listener.local_addr().unwrap();
    serving.spawn(async move { axum::serve(listener, app).await.unwrap() });
    asking.block_on(async {
        let mut first = connection(address).await;
        let (status, _) = ask(&mut first, "/api/v1/sites?limit=1").await;
        assert_eq!(status, 200);
    });
    println!(
        "ready     after {:.1?}, of which the store {opened:.1?}, at http://{address}",
        began.elapsed()
    );
    let done = Arc::new(AtomicUsize::new(0));
    if with_audits {
        let (service, done) = (service.clone(), Arc::clone(&done));
        serving.spawn(async move {
            let address = stub().await;
            audits(service, address, done).await;
        });
    }
    let seconds = wanted("SECONDS", 20_u64);
    let connections = wanted("CONNECTIONS", 64_usize).max(1);
    asking.block_on(load(address, runs, sites, seconds, connections));
    if with_audits {
        println!(
            "audits    {} carried out meanwhile",
            done.load(Ordering::Relaxed)
        );
    }
}
