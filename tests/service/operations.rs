//! Operation: health, what is counted, backup while running, restore, what is kept.

use std::io::Read as _;
use std::net::SocketAddr;
use std::time::Instant;

use consentinel::service::Service;
use consentinel::service::audit::{Audit, Standing};
use consentinel::service::operations::settings::ServiceSettings;
use consentinel::service::{Options, http};
use consentinel::store::{RunRecord, Store};
use serde_json::{Value as Json, json};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::stored::{audited, report, site};

/// What a running service answers: status, headers' content type, body.
fn get(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let mut request = agent.get(format!("http://{address}{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = request.call().unwrap();
    (
        response.status().as_u16(),
        response.body_mut().read_to_string().unwrap(),
    )
}

/// A service that answers, without an engine.
fn answering(runtime: &Runtime, service: &Service) -> SocketAddr {
    let router = http::router(service.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))
        .unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

fn opened(folder: &std::path::Path) -> Service {
    Service::open(Store::open(folder).unwrap(), Options::default()).unwrap()
}

#[test]
fn it_says_whether_it_is_well() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let runtime = Runtime::new().unwrap();
    let address = answering(&runtime, &service);
    assert_eq!(get(address, "/healthz", &[]), (200, "ok\n".to_owned()));
    let readiness = || {
        let (status, body) = get(address, "/readyz", &[]);
        (status, serde_json::from_str::<Json>(&body).unwrap())
    };
    let expected = |ready: bool, engine: bool, ending: bool| {
        let body = json!({"ready": ready, "store": true, "engine": engine, "ending": ending});
        (if ready { 200 } else { 503 }, body)
    };
    assert_eq!(readiness(), expected(false, false, false));
    let runs = service.health().engine_runs();
    assert_eq!(readiness(), expected(true, true, false));
    drop(runs);
    assert_eq!(readiness(), expected(false, false, false));
    let _runs = service.health().engine_runs();
    service.health().end();
    assert_eq!(readiness(), expected(false, true, true));
}

#[test]
fn what_is_counted_is_for_this_machine_and_those_who_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let shop = site(&service, "shop");
    audited(&service, &shop, &[("R02-a", "high")], 0, true);
    let runtime = Runtime::new().unwrap();
    let address = answering(&runtime, &service);
    get(address, "/metrics", &[]);
    get(address, "/api/v1/sites/shop?secret=query-secret", &[]);
    let (status, text) = get(address, "/metrics", &[]);
    assert_eq!(status, 200);
    for line in [
        "consentinel_audits_open{standing=\"waiting\"} 0",
        "consentinel_deliveries_waiting 0",
        "consentinel_store_bytes{part=\"records\"}",
        "consentinel_http_requests_total{method=\"GET\",route=\"/api/v1/sites/{id}\"",
        "consentinel_http_request_duration_seconds_bucket{route=\"/metrics\",le=\"0.5\"}",
        "consentinel_info{version=",
        "process_resident_memory_bytes",
        "process_cpu_seconds_total",
    ] {
        assert!(text.contains(line), "{line} in {text}");
    }
    assert!(!text.contains("query-secret"));
    for header in ["forwarded", "x-forwarded-for"] {
        assert_eq!(
            get(address, "/metrics", &[(header, "203.0.113.9")]).0,
            401,
            "{header}"
        );
    }
}

#[test]
fn every_answer_names_its_request() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let runtime = Runtime::new().unwrap();
    let address = answering(&runtime, &service);
    for (sent, taken) in [(Some("abc-1"), true), (Some("a b"), false), (None, false)] {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let mut request = agent.get(format!("http://{address}/healthz"));
        if let Some(sent) = sent {
            request = request.header("x-request-id", sent);
        }
        let response = request.call().unwrap();
        let id = response.headers()["x-request-id"].to_str().unwrap();
        assert_eq!(Some(id) == sent, taken, "{sent:?} {id}");
        assert!(!id.is_empty());
    }
}

#[test]
fn a_backup_brings_back_what_is_missing_and_touches_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let runtime = Runtime::new().unwrap();
    let shop = site(&service, "shop");
    let first = audited(&service, &shop, &[("R02-a", "high")], 2, true);
    let second = audited(&service, &shop, &[("R02-b", "high")], 1, true);
    let waiting = Audit {
        id: "waiting".to_owned(),
        standing: Standing::Waiting,
        finished: None,
        run: None,
        ..second.clone()
    };
    service.shelves().audits.put(&waiting.id, &waiting).unwrap();
    let sessions = service.store().shelf::<Json>("sessions").unwrap();
    sessions.put("s", &json!({"of": "anna"})).unwrap();
    let (mut file, length) = runtime.block_on(service.back_up()).unwrap();
    let mut backup = Vec::new();
    file.read_to_end(&mut backup).unwrap();
    assert_eq!(backup.len() as u64, length);
    // Elsewhere it is an export like any other.
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().join("all.store");
    std::fs::write(&path, &backup).unwrap();
    let other = Store::open(&elsewhere.path().join("store")).unwrap();
    assert_eq!(other.import(&path).unwrap().runs, 2);
    assert!(other.check().unwrap().faults.is_empty());
    // Here something is lost, and something changes.
    service
        .store()
        .delete(first.run.as_deref().unwrap())
        .unwrap();
    service.shelves().audits.remove(&waiting.id).unwrap();
    sessions.remove("s").unwrap();
    service
        .shelves()
        .sites
        .change("shop", |site| {
            site.name = "Another name".to_owned();
            true
        })
        .unwrap();
    let temporary = || {
        let file = service.temporary().unwrap();
        std::fs::write(file.path(), &backup).unwrap();
        file.into_temp_path()
    };
    let restored = runtime.block_on(service.restore(temporary())).unwrap();
    assert_eq!((restored.runs, restored.kept_runs), (1, 1));
    let mut whole = service.store().get(first.run.as_deref().unwrap()).unwrap();
    assert_eq!(whole.findings.pop().unwrap().id, "R02-a");
    assert_eq!(
        service.shelves().sites.get("shop").unwrap().unwrap().name,
        "Another name"
    );
    assert_eq!(service.shelves().audits.get("waiting").unwrap(), None);
    assert_eq!(sessions.get("s").unwrap(), None);
    assert!(service.store().check().unwrap().faults.is_empty());
    // Nothing is taken from one that is damaged.
    service
        .store()
        .delete(first.run.as_deref().unwrap())
        .unwrap();
    let mut damaged = backup.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    let path = service.temporary().unwrap().into_temp_path();
    std::fs::write(&path, damaged).unwrap();
    assert_eq!(
        runtime.block_on(service.restore(path)).unwrap_err().status,
        422
    );
    assert_eq!(service.store().list().0.len(), 1);
}

#[test]
fn a_backup_of_a_store_that_is_written_to_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let runtime = Runtime::new().unwrap();
    let shop = site(&service, "shop");
    for _ in 0..20 {
        audited(&service, &shop, &[("R02-a", "high")], 0, true);
    }
    let ends = CancellationToken::new();
    let writes = std::thread::spawn({
        let (service, shop, ends) = (service.clone(), shop.clone(), ends.clone());
        move || {
            while !ends.is_cancelled() {
                let audit = audited(&service, &shop, &[("R02-b", "high")], 0, true);
                service
                    .store()
                    .delete(audit.run.as_deref().unwrap())
                    .unwrap();
                audited(&service, &shop, &[("R02-c", "low")], 0, true);
            }
        }
    });
    for number in 0..5 {
        let (mut file, _) = runtime.block_on(service.back_up()).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join("all.store");
        std::io::copy(&mut file, &mut std::fs::File::create(&path).unwrap()).unwrap();
        let other = Store::open(&elsewhere.path().join("store")).unwrap();
        assert!(other.import(&path).unwrap().runs >= 20, "{number}");
        let runs: Vec<RunRecord> = other.list().0;
        for run in runs.iter().filter(|run| run.finished.is_some()) {
            assert_eq!(other.get(&run.id).unwrap().pages.len(), 1);
        }
        assert!(other.check().unwrap().faults.is_empty());
    }
    ends.cancel();
    writes.join().unwrap();
}

#[test]
fn old_runs_go_and_their_space_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let runtime = Runtime::new().unwrap();
    let shop = site(&service, "shop");
    let other = site(&service, "other");
    let old = audited(&service, &shop, &[("R02-a", "high")], 40, true);
    let newer = audited(&service, &shop, &[("R02-b", "high")], 1, true);
    let only = audited(&service, &other, &[("R02-a", "high")], 90, true);
    let of_nobody = report(&[], jiff::Timestamp::now(), true);
    service.store().put(&of_nobody).unwrap();
    assert_eq!(runtime.block_on(service.clean()).unwrap().runs, 0);
    let settings = ServiceSettings {
        keep_runs_days: Some(30),
        ..ServiceSettings::default()
    };
    service.set(settings).unwrap();
    let cleaned = runtime.block_on(service.clean()).unwrap();
    assert_eq!(cleaned.runs, 1);
    assert!(cleaned.bytes > 0);
    let left: Vec<String> = service
        .store()
        .list()
        .0
        .into_iter()
        .map(|run| run.id)
        .collect();
    assert!(!left.contains(old.run.as_ref().unwrap()));
    for kept in [
        newer.run.as_ref().unwrap(),
        only.run.as_ref().unwrap(),
        &of_nobody.run.id,
    ] {
        assert!(left.contains(kept));
    }
    // Nothing names what is gone.
    assert_eq!(
        service.shelves().audits.get(&old.id).unwrap().unwrap().run,
        None
    );
    let history = service.board().site("shop").history;
    assert!(history.iter().all(|point| point.run != old.run));
}

#[test]
fn settings_hold_nothing_secret_when_they_are_shown() {
    let folder = tempfile::tempdir().unwrap();
    let service = opened(folder.path());
    let settings: ServiceSettings = serde_json::from_value(json!({"keep_runs_per_site": 5, "smtp":
        {"host": "mail.test", "from": "a@b.test", "username": "u", "password": "mail-word"}}))
    .unwrap();
    let shown = serde_json::to_string(&service.set(settings).unwrap()).unwrap();
    assert!(
        shown.contains("\"has_password\":true") && !shown.contains("mail-word"),
        "{shown}"
    );
    for (wrong, pointer) in [
        (json!({"keep_runs_per_site": 0}), "/keep_runs_per_site"),
        (json!({"keep_runs_days": 0}), "/keep_runs_days"),
        (json!({"keep_deliveries_days": 1}), "/keep_deliveries_days"),
    ] {
        let problem = service
            .set(serde_json::from_value(wrong).unwrap())
            .unwrap_err();
        assert_eq!(problem.pointer.as_deref(), Some(pointer));
    }
    assert_eq!(service.settings().unwrap().keep_runs_per_site, Some(5));
}

/// Says how long a service over a store of 10,000 runs takes from its start until it is open.
#[test]
#[ignore = "takes minutes to fill the store"]
fn ten_thousand_runs_are_opened_in_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    {
        let service = opened(folder.path());
        let ids: Vec<String> = (0..25).map(|number| format!("R02-{number:012}")).collect();
        let findings: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "high")).collect();
        for number in 0..200 {
            let site = site(&service, &format!("site-{number}"));
            for _ in 0..50 {
                audited(&service, &site, &findings, 0, true);
            }
        }
    }
    for _ in 0..3 {
        let began = Instant::now();
        let store = Store::open(folder.path()).unwrap();
        let opened = began.elapsed();
        let service = Service::open(store, Options::default()).unwrap();
        eprintln!("store {opened:?}, service {:?}", began.elapsed());
        drop(service);
    }
}
