//! Audits from the asking to their end, whatever happens to the service, and schedules.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::Request;
use axum::response::{Html, IntoResponse as _};
use axum::{Extension, Router};
use consentinel::audit::guard::Bounds;
use consentinel::model::visit::State;
use consentinel::service::accepted::AcceptanceWish;
use consentinel::service::access::{Caller, Scope};
use consentinel::service::audit::Standing;
use consentinel::service::event::Event;
use consentinel::service::site::{Settings, SiteWish};
use consentinel::service::{Options, Service, http};
use consentinel::store::Store;
use serde_json::{Value as Json, json};

use crate::harness::{Running, Served, options, until};

/// May reach what the tests serve.
fn at_home() -> Options {
    Options {
        bounds: Bounds {
            allowed: vec!["127.0.0.0/8".parse().unwrap()],
            ..Bounds::default()
        },
        ..options()
    }
}

fn wish(served: &Served, settings: Settings) -> SiteWish {
    SiteWish {
        name: Some("shop".to_owned()),
        url: format!("http://{}/", served.address),
        settings,
    }
}

fn quick() -> Settings {
    Settings {
        dwell_seconds: 1,
        states: vec![State::Before],
        ..Settings::default()
    }
}

/// A page that sets a cookie of analytics as soon as it is opened, as long as `sets` says so.
fn shop(sets: &Arc<AtomicBool>) -> Served {
    let sets = Arc::clone(sets);
    let router = Router::new().fallback(move || {
        let script = if sets.load(Ordering::Relaxed) {
            "<script>document.cookie = '_ga=GA1.1.1234567890.1795348700; max-age=63072000'</script>"
        } else {
            ""
        };
        async move {
            Html(format!(
                "<!doctype html><title>Shop</title><h1>Shop</h1>{script}"
            ))
        }
    });
    Served::at(([127, 0, 0, 1], 0).into(), router)
}

#[test]
fn what_is_new_and_what_is_fixed_since_the_audit_before() {
    let sets = Arc::new(AtomicBool::new(true));
    let shop = shop(&sets);
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(folder.path(), at_home());
    let service = &running.service;
    let mut events = service.listen();
    let site = service.add_site(wish(&shop, quick())).unwrap();
    let audit = || {
        running
            .finished(&service.ask(&site, "test").unwrap().id)
            .result
            .unwrap()
    };
    let first = audit();
    assert!(first.new_count > 0, "{first:?}");
    assert_eq!(
        (first.fixed_count, first.pages, first.incomplete_pages),
        (0, 1, 0)
    );
    let second = audit();
    assert_eq!((second.new_count, second.fixed_count), (0, 0), "{second:?}");
    assert_eq!(second.findings, first.findings);
    // What is accepted is neither there nor fixed.
    let what = AcceptanceWish {
        finding: None,
        rule: None,
        host: None,
        name: Some("_ga".to_owned()),
        page: None,
        reason: "agreed with the board".to_owned(),
        expires: "2999-12-31".parse().unwrap(),
    };
    let accepted = service.accept(&site.id, what, "test").unwrap();
    let third = audit();
    let count = |findings: &BTreeMap<String, u64>| findings.values().sum::<u64>();
    assert!(count(&third.findings) < count(&first.findings), "{third:?}");
    assert_eq!((third.new_count, third.fixed_count), (0, 0), "{third:?}");
    service.stop_accepting(&site.id, &accepted.id).unwrap();
    sets.store(false, Ordering::Relaxed);
    let fourth = audit();
    assert_eq!(fourth.new_count, 0, "{fourth:?}");
    assert!(fourth.fixed_count > 0, "{fourth:?}");
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event);
    }
    let of_visits: Vec<(u64, u64)> = told
        .iter()
        .filter_map(|event| match event {
            Event::Progress { done, of, url, .. } if !url.is_empty() => Some((*done, *of)),
            _ => None,
        })
        .collect();
    assert_eq!(of_visits, [(1, 1); 4]);
    let first_standings: Vec<Standing> = told
        .iter()
        .filter_map(|event| match event {
            Event::Audit { standing, .. } => Some(*standing),
            Event::Progress { .. } => None,
        })
        .take(3)
        .collect();
    assert_eq!(
        first_standings,
        [Standing::Waiting, Standing::Running, Standing::Finished]
    );
    running.end();
}

/// A site of so many pages, one after another, that counts how often each is asked for and answers slowly.
fn slow_site(pages: usize, asked: &Arc<Mutex<BTreeMap<String, usize>>>) -> Served {
    let asked = Arc::clone(asked);
    let router = Router::new().fallback(move |request: Request| {
        let path = request.uri().path().to_owned();
        *asked.lock().unwrap().entry(path.clone()).or_default() += 1;
        async move {
            let number: usize = match path.as_str() {
                "/" => 0,
                path => match path.trim_start_matches("/page/").parse() {
                    Ok(number) if number < pages => number,
                    _ => return axum::http::StatusCode::NOT_FOUND.into_response(),
                },
            };
            tokio::time::sleep(Duration::from_millis(300)).await;
            let next = number + 1;
            Html(format!(
                "<!doctype html><title>{number}</title><a href=/page/{next}>next</a>"
            ))
            .into_response()
        }
    });
    Served::at(([127, 0, 0, 1], 0).into(), router)
}

#[test]
fn a_crawl_goes_on_when_the_service_starts_again() {
    let asked = Arc::default();
    let served = slow_site(5, &asked);
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        max_pages: 5,
        ignore_robots: true,
        ..quick()
    };
    let running = Running::start(folder.path(), at_home());
    let service = &running.service;
    let site = service.add_site(wish(&served, settings)).unwrap();
    let id = service.ask(&site, "test").unwrap().id;
    let run = until("a page is stored", || {
        let run = running.audit(&id).run?;
        let (runs, _) = service.store().list();
        let record = runs.into_iter().find(|record| record.id == run)?;
        (record.page_count >= 1).then_some(run)
    });
    running.end();
    let first_page = |asked: &Mutex<BTreeMap<String, usize>>| asked.lock().unwrap()["/"];
    let before = first_page(&asked);
    let again = Running::start(folder.path(), at_home());
    let audit = again.finished(&id);
    assert_eq!(audit.run, Some(run), "it goes on with the run it had");
    assert_eq!(audit.tries, 1, "an orderly end is not the audit's fault");
    assert_eq!(audit.result.unwrap().pages, 5);
    assert_eq!(
        first_page(&asked),
        before,
        "what is stored is not visited again"
    );
    again.end();
}

#[test]
fn an_audit_under_which_the_service_dies_is_not_begun_for_ever() {
    // A page that never answers, so that the service is always in the middle of its audit.
    let hits = Arc::new(AtomicUsize::new(0));
    let hit = Arc::clone(&hits);
    let router = Router::new().fallback(move || {
        hit.fetch_add(1, Ordering::Relaxed);
        std::future::pending::<()>()
    });
    let served = Served::at(([127, 0, 0, 1], 0).into(), router.with_state(()));
    let folder = tempfile::tempdir().unwrap();
    let id = {
        let service = Service::open(Store::open(folder.path()).unwrap(), at_home()).unwrap();
        let site = service.add_site(wish(&served, quick())).unwrap();
        service.ask(&site, "test").unwrap().id
    };
    for _ in 0..3 {
        let before = hits.load(Ordering::Relaxed);
        let mut process = Command::new(env!("CARGO_BIN_EXE_consentinel"))
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--allow-net",
                "127.0.0.0/8",
                "--store",
            ])
            .arg(folder.path())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("the page is asked for", || {
            (hits.load(Ordering::Relaxed) > before).then_some(())
        });
        let browsers = children_of(process.id());
        process.kill().unwrap();
        process.wait().unwrap();
        for browser in browsers {
            // Each is a group of its own, which nobody looks after any more.
            let group = format!("-{browser}");
            Command::new("kill")
                .args(["-KILL", "--", &group])
                .status()
                .unwrap();
        }
    }
    let running = Running::start(folder.path(), at_home());
    let audit = running.over(&id);
    assert_eq!((audit.standing, audit.tries), (Standing::Failed, 3));
    assert!(audit.error.unwrap().contains("3 times"));
    running.end();
}

/// The processes a process has started itself.
fn children_of(parent: u32) -> Vec<u32> {
    let is_child = |process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
        // State, parent.
        rest.split_whitespace().nth(1) == Some(parent.to_string().as_str())
    };
    let entries = std::fs::read_dir("/proc").unwrap();
    let processes = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
    processes.filter(is_child).collect()
}

#[test]
fn audits_are_called_off_and_never_two_of_a_site_run() {
    let router = Router::new().fallback(|| async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        "late"
    });
    let served = Served::at(([127, 0, 0, 1], 0).into(), router);
    let folder = tempfile::tempdir().unwrap();
    let running = Running::start(
        folder.path(),
        Options {
            audits_at_once: 2,
            ..at_home()
        },
    );
    let service = &running.service;
    let site = service.add_site(wish(&served, quick())).unwrap();
    let first = service.ask(&site, "test").unwrap().id;
    let second = service.ask(&site, "test").unwrap().id;
    until("it runs", || {
        (running.audit(&first).standing == Standing::Running).then_some(())
    });
    assert_eq!(running.audit(&second).standing, Standing::Waiting);
    service.call_off(&first).unwrap();
    assert_eq!(running.over(&first).standing, Standing::Cancelled);
    until("the other runs", || {
        (running.audit(&second).standing == Standing::Running).then_some(())
    });
    service.remove_site(&site.id).unwrap();
    assert_eq!(running.over(&second).standing, Standing::Cancelled);
    running.end();
}

#[test]
fn without_a_browser_an_audit_fails_with_a_plain_word() {
    let served = shop(&Arc::default());
    let folder = tempfile::tempdir().unwrap();
    let mut options = at_home();
    options.launch.executable = folder.path().join("no-browser");
    let running = Running::start(folder.path(), options);
    for settings in [
        quick(),
        Settings {
            max_pages: 2,
            ..quick()
        },
    ] {
        let site = running.service.add_site(wish(&served, settings)).unwrap();
        let audit = running.over(&running.service.ask(&site, "test").unwrap().id);
        assert_eq!(audit.standing, Standing::Failed);
        assert!(
            audit.error.clone().unwrap().contains("no-browser"),
            "{audit:?}"
        );
    }
    assert_eq!(
        running.service.store().list().0,
        [],
        "no empty runs are left"
    );
    running.end();
}

/// The service's answers without its engine, for somebody who may ask for audits.
struct Api {
    address: std::net::SocketAddr,
    _served: Served,
}

impl Api {
    fn of(service: &Service) -> Self {
        let caller = Caller {
            name: "token nightly".to_owned(),
            scope: Scope::Audit,
            csrf: None,
        };
        let router = http::router(service.clone()).layer(Extension(caller));
        let served = Served::at(([127, 0, 0, 1], 0).into(), router);
        Self {
            address: served.address,
            _served: served,
        }
    }

    fn ask(&self, method: &str, path: &str, body: &Json) -> (u16, Json) {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build()
            .into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("http://{}/api/v1{path}", self.address))
            .header("content-type", "application/json")
            .body(if body.is_null() {
                String::new()
            } else {
                body.to_string()
            })
            .unwrap();
        let mut answer = agent.run(request).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (
            answer.status().as_u16(),
            serde_json::from_str(&text).unwrap_or_default(),
        )
    }
}

#[test]
fn schedules_over_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::open(Store::open(folder.path()).unwrap(), Options::default()).unwrap();
    let site = service
        .add_site(SiteWish {
            name: None,
            url: "https://shop.test/".to_owned(),
            settings: Settings::default(),
        })
        .unwrap();
    let api = Api::of(&service);
    let good = json!({"site": site.id, "cron": "0 3 * * *", "timezone": "Europe/Berlin", "jitter_seconds": 60});
    let (status, made) = api.ask("POST", "/schedules", &good);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let next: Vec<&str> = made["next"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Json::as_str)
        .collect();
    assert_eq!(next.len(), 5);
    assert!(next.is_sorted());
    for (field, value) in [
        ("cron", json!("0 25 * * *")),
        ("timezone", json!("Nowhere")),
        ("jitter_seconds", json!(50_000)),
        ("site", json!("nobody")),
    ] {
        let mut bad = good.clone();
        bad[field] = value;
        for (method, path) in [
            ("POST", "/schedules".to_owned()),
            ("PUT", format!("/schedules/{id}")),
        ] {
            let (status, problem) = api.ask(method, &path, &bad);
            assert_eq!(status, 422, "{method} {field}: {problem}");
            assert_eq!(problem["pointer"], format!("/{field}"), "{method}");
        }
    }
    let one = format!("/schedules/{id}");
    let mut changed = good.clone();
    changed["enabled"] = json!(false);
    let (status, off) = api.ask("PUT", &one, &changed);
    assert_eq!((status, &off["next"]), (200, &json!([])));
    assert_eq!(api.ask("GET", &one, &Json::Null), (200, off.clone()));
    let (_, all) = api.ask("GET", "/schedules", &Json::Null);
    assert_eq!(all["items"], json!([off]));
    let (status, audit) = api.ask("POST", &format!("{one}/run"), &Json::Null);
    assert_eq!((status, &audit["asked_by"]), (202, &json!("token nightly")));
    assert_eq!(api.ask("POST", &format!("{one}/run"), &Json::Null).0, 409);
    assert_eq!(api.ask("DELETE", &one, &Json::Null).0, 204);
    for (method, body) in [("GET", Json::Null), ("PUT", good), ("DELETE", Json::Null)] {
        assert_eq!(api.ask(method, &one, &body).0, 404, "{method}");
    }
    let query = "/schedule-preview?cron=0%203%20*%20*%20*&timezone=UTC";
    let (status, preview) = api.ask("GET", query, &Json::Null);
    assert_eq!(
        (status, preview["next"].as_array().unwrap().len()),
        (200, 5)
    );
    assert_eq!(
        api.ask("GET", "/schedule-preview?cron=daily", &Json::Null)
            .0,
        422
    );
}

fn consentinel(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consentinel"))
        .args(arguments)
        .current_dir(folder)
        .env("CONSENTINEL_STORE", folder.join("store"))
        .env_remove("CONSENTINEL_SERVER")
        .env_remove("CONSENTINEL_TOKEN")
        .output()
        .unwrap()
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn schedules_at_the_command_line() {
    let served = shop(&Arc::new(AtomicBool::new(true)));
    let folder = tempfile::tempdir().unwrap();
    let at = |arguments: &[&str]| said(&consentinel(folder.path(), arguments));
    let nightly = [
        "--cron",
        "0 3 * * *",
        "--timezone",
        "Europe/Berlin",
        "--jitter",
        "10m",
    ];
    let add = |site: &str| at(&[&["schedule", "add", site][..], &nightly].concat());
    let (code, id, error) = add("https://shop.test");
    assert_eq!(code, 0, "{error}");
    assert!(error.contains("site shop-test"), "{error}");
    // The site is known by its id and by its address from now on.
    for site in ["shop-test", "shop.test"] {
        assert!(!add(site).2.contains("new site"), "{site}");
    }
    let (code, list, _) = at(&["schedule", "list"]);
    assert_eq!((code, list.lines().count()), (0, 3));
    assert!(list.lines().next().unwrap().starts_with(&id));
    let (code, _, error) = at(&["schedule", "add", "shop-test", "--cron", "0 99 * * *"]);
    assert_eq!(code, 2);
    assert!(error.contains("the hour `99`"), "{error}");
    assert_eq!(at(&["schedule", "remove", &id]).0, 0);
    assert_eq!(at(&["schedule", "remove", &id]).0, 2);
    {
        // Somebody has the store open now.
        let _open = Store::open(&folder.path().join("store")).unwrap();
        let (code, _, error) = at(&["schedule", "list"]);
        assert_eq!(code, 2);
        assert!(error.contains("--server"), "{error}");
    }
    // On the spot, and not without being allowed to.
    let (_, id, error) = add(&format!("http://{}", served.address));
    assert!(error.contains("new site"), "{error}");
    let (code, run, error) = at(&["schedule", "run", &id]);
    assert_eq!(code, 3, "{error}");
    assert!(error.contains("--allow-net"), "{error}");
    assert_ne!(run, "", "what was seen is kept");
    let (code, run, error) = at(&["schedule", "run", &id, "--allow-net", "127.0.0.0/8"]);
    assert_eq!(code, 1, "{error}");
    assert_eq!(at(&["runs", "show", &run]).0, 0);
}
