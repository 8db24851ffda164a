//! The API as programs use it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sample;
use crate::seeded::{RUNS, Seeded, run};

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn every_error_is_a_problem() {
    let seeded = Seeded::start();
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(70_000));
    for (method, path, token, headers, body, status) in [
        ("GET", "/api/v1/sites", "", &[][..], None, 401),
        ("GET", "/api/v1/sites", "wrong", &[], None, 401),
        ("POST", "/api/v1/sites", "read", &[JSON], Some("{}"), 403),
        ("DELETE", "/api/v1/runs/last", "audit", &[], None, 403),
        ("GET", "/api/v1/nothing", "read", &[], None, 404),
        ("GET", "/api/v1", "read", &[], None, 404),
        ("GET", "/api/v1/sites/none", "read", &[], None, 404),
        ("GET", "/api/v1/runs/..%2f..", "read", &[], None, 404),
        ("GET", "/api/v1/runs/%00", "read", &[], None, 404),
        ("PATCH", "/api/v1/sites", "admin", &[], None, 405),
        ("DELETE", "/api/v1/openapi.json", "admin", &[], None, 405),
        (
            "GET",
            "/api/v1/sites",
            "read",
            &[("accept", "text/html")],
            None,
            406,
        ),
        (
            "POST",
            "/api/v1/sites",
            "audit",
            &[JSON, ("accept", "text/html")],
            Some("{}"),
            406,
        ),
        ("POST", "/api/v1/sites", "audit", &[], Some("{}"), 415),
        (
            "POST",
            "/api/v1/sites",
            "audit",
            &[JSON],
            Some(large.as_str()),
            413,
        ),
        (
            "POST",
            "/api/v1/sites",
            "audit",
            &[JSON, ("idempotency-key", "a")],
            Some(large.as_str()),
            413,
        ),
        ("POST", "/api/v1/sites", "audit", &[JSON], Some("{"), 400),
        ("POST", "/api/v1/sites", "audit", &[JSON], Some("{}"), 422),
        (
            "POST",
            "/api/v1/sites",
            "audit",
            &[JSON],
            Some("{\"url\":\"file:///etc/passwd\"}"),
            422,
        ),
        (
            "POST",
            "/api/v1/sites",
            "audit",
            &[JSON],
            Some("{\"url\":\"https://a.test\",\"x\":1}"),
            422,
        ),
        (
            "POST",
            "/api/v1/audits",
            "audit",
            &[JSON],
            Some("{\"site\":\"none\"}"),
            404,
        ),
        (
            "POST",
            "/api/v1/audits",
            "audit",
            &[JSON, ("idempotency-key", "")],
            Some("{\"site\":\"shop\"}"),
            400,
        ),
        ("GET", "/api/v1/sites?limit=0", "read", &[], None, 400),
        ("GET", "/api/v1/sites?limit=501", "read", &[], None, 400),
        ("GET", "/api/v1/sites?limit=many", "read", &[], None, 400),
        ("GET", "/api/v1/sites?colour=red", "read", &[], None, 400),
        (
            "GET",
            "/api/v1/runs/last/findings?severity=dire",
            "read",
            &[],
            None,
            400,
        ),
        (
            "GET",
            "/api/v1/runs/last/pages/1/visits/none",
            "read",
            &[],
            None,
            400,
        ),
        (
            "GET",
            "/api/v1/runs/last/pages/1/visits/99",
            "read",
            &[],
            None,
            404,
        ),
        (
            "GET",
            "/api/v1/runs/last/pages/99/visits/1",
            "read",
            &[],
            None,
            404,
        ),
        (
            "GET",
            "/api/v1/runs/last/report?format=doc",
            "read",
            &[],
            None,
            400,
        ),
        (
            "GET",
            "/api/v1/runs/last/report?redact=off",
            "audit",
            &[],
            None,
            403,
        ),
        (
            "GET",
            "/api/v1/comparisons?before=last",
            "read",
            &[],
            None,
            400,
        ),
        ("GET", "/api/docs/none.js", "read", &[], None, 404),
    ] {
        let answer = seeded.ask(method, path, token, headers, body);
        let what = format!("{method} {path} {headers:?}: {answer:?}");
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{what}"
        );
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{what}");
        assert!(
            problem["type"].as_str().unwrap().starts_with("/problems/"),
            "{what}"
        );
        for field in ["title", "detail"] {
            assert!(!problem[field].as_str().unwrap().is_empty(), "{what}");
        }
        assert_eq!(answer.header("allow").is_empty(), status != 405, "{what}");
        assert_eq!(
            answer.header("www-authenticate").is_empty(),
            status != 401,
            "{what}"
        );
    }
}

#[test]
fn a_site_is_added_changed_and_removed() {
    let seeded = Seeded::start();
    let added = seeded.send(
        "POST",
        "/api/v1/sites",
        &json!({ "name": "News", "url": "https://news.test/" }),
    );
    assert_eq!(added.status, 201, "{added:?}");
    let place = added.header("location").to_owned();
    let shown = seeded.get(&place);
    assert_eq!(shown.json(), added.json());
    let version = shown.header("etag").to_owned();
    assert_eq!(version, added.header("etag"));

    let known = [("if-none-match", version.as_str())];
    let again = seeded.ask("GET", &place, "read", &known, None);
    assert_eq!((again.status, again.bytes.len()), (304, 0));

    let change = |version: &str, name: &str| {
        let headers = [JSON, ("if-match", version)];
        let body = json!({ "name": name, "url": "https://news.test/" }).to_string();
        seeded.ask("PUT", &place, "audit", &headers, Some(&body))
    };
    assert_eq!(change("\"other\"", "Stale").status, 412);
    assert_eq!(seeded.get(&place).json()["name"], "News");
    let changed = change(&version, "Papers");
    assert_eq!(
        (changed.status, &changed.json()["name"]),
        (200, &json!("Papers"))
    );
    assert_ne!(changed.header("etag"), version);
    assert_eq!(change(&version, "Stale").status, 412);
    let fresh = seeded.ask("GET", &place, "read", &known, None);
    assert_eq!(
        (fresh.status, &fresh.json()["name"]),
        (200, &json!("Papers"))
    );

    assert_eq!(
        seeded
            .ask("DELETE", &place, "admin", &known[..0], None)
            .status,
        204
    );
    assert_eq!(seeded.get(&place).status, 404);
    assert_eq!(seeded.ask("DELETE", &place, "admin", &[], None).status, 404);
}

#[test]
fn a_request_with_a_key_is_carried_out_once() {
    let seeded = Seeded::start();
    let ask = |token: &str, key: &str, site: &str| {
        let headers = [JSON, ("idempotency-key", key)];
        let body = json!({ "site": site }).to_string();
        seeded.ask("POST", "/api/v1/audits", token, &headers, Some(&body))
    };
    let count = || seeded.all("/api/v1/audits", 500).len();
    let before = count();
    let first = ask("audit", "key-1", "shop");
    assert_eq!(first.status, 201, "{first:?}");
    let second = ask("audit", "key-1", "shop");
    assert_eq!(second.status, 201);
    assert_eq!(second.bytes, first.bytes);
    assert_eq!(second.header("location"), first.header("location"));
    assert_eq!(second.header("etag"), first.header("etag"));
    assert_eq!(ask("audit", "key-1", "blog").status, 422, "another request");
    assert_eq!(count(), before + 1);
    assert_ne!(
        ask("admin", "key-1", "shop").json(),
        first.json(),
        "another caller"
    );
    assert_ne!(
        ask("audit", "key-2", "shop").json(),
        first.json(),
        "another key"
    );
    assert_eq!(count(), before + 3);
    // What was refused for what the caller is may be tried again as somebody who may.
    assert_eq!(ask("read", "key-3", "shop").status, 403);
    assert_eq!(ask("read", "key-3", "blog").status, 403);
}

#[test]
fn parts_of_a_collection_are_the_whole() {
    let seeded = Seeded::start();
    let ids = |items: &[Value]| -> Vec<String> {
        let ids = items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned());
        ids.collect()
    };
    for (path, least) in [
        ("/api/v1/sites", 2),
        ("/api/v1/audits", RUNS),
        ("/api/v1/audits?site=shop", RUNS),
        ("/api/v1/runs", RUNS + 1),
        ("/api/v1/runs?site=shop", RUNS),
        ("/api/v1/runs/last/findings", 5),
        ("/api/v1/sites/shop/findings", 2),
        ("/api/v1/catalog?text=google", 3),
    ] {
        let whole = ids(&seeded.all(path, 500));
        assert!(whole.len() >= least, "{path}: {whole:?}");
        for limit in [1, 2, 7] {
            assert_eq!(ids(&seeded.all(path, limit)), whole, "{path} by {limit}");
        }
        let different: BTreeSet<&String> = whole.iter().collect();
        assert_eq!(different.len(), whole.len(), "{path}");
    }
    let runs = ids(&seeded.all("/api/v1/runs", 500));
    assert!(
        runs.is_sorted_by(|one, other| one > other),
        "newest first: {runs:?}"
    );
    for (path, count) in [
        ("/api/v1/runs?finished=true", RUNS + 1),
        ("/api/v1/runs?finished=false", 0),
        ("/api/v1/runs?kind=crawl", 0),
        ("/api/v1/runs?site=blog", 0),
        ("/api/v1/audits?standing=finished", RUNS),
        ("/api/v1/audits?standing=running", 0),
        ("/api/v1/audits?site=blog", 0),
    ] {
        assert_eq!(seeded.all(path, 3).len(), count, "{path}");
    }
}

#[test]
fn findings_are_filtered() {
    let seeded = Seeded::start();
    let all = seeded.all("/api/v1/runs/last/findings", 500);
    for field in ["severity", "rule", "verdict", "page", "service"] {
        let of = |finding: &Value| finding[field].as_str().unwrap_or_default().to_owned();
        let values: BTreeSet<String> = all
            .iter()
            .map(of)
            .filter(|value| !value.is_empty())
            .collect();
        assert!(!values.is_empty(), "{field}");
        for value in values {
            let expected: Vec<&Value> = all.iter().filter(|finding| of(finding) == value).collect();
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .append_pair(field, &value)
                .finish();
            let found = seeded.all(&format!("/api/v1/runs/last/findings?{query}"), 3);
            assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{query}");
        }
    }
    let first = &all[0];
    let id = first["id"].as_str().unwrap();
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    assert_eq!(
        seeded
            .get(&format!("/api/v1/runs/last/findings/{id}"))
            .json(),
        *first
    );
    assert_eq!(
        seeded
            .get("/api/v1/runs/last/findings/R02-000000000000")
            .status,
        404
    );
}

#[test]
fn an_accepted_finding_is_not_open() {
    let seeded = Seeded::start();
    let open = || seeded.all("/api/v1/sites/shop/findings", 500);
    let before = open();
    let finding = before[0]["rule"].as_str().unwrap();
    let of_rule = before.iter().filter(|held| held["rule"] == finding).count();
    let wish =
        json!({ "rule": finding, "reason": "goes with the relaunch", "expires": "2999-12-31" });
    let accepted = seeded.send("POST", "/api/v1/sites/shop/accepted", &wish);
    assert_eq!(accepted.status, 201, "{accepted:?}");
    assert_eq!(open().len(), before.len() - of_rule);
    let marked = seeded.all("/api/v1/runs/last/findings?accepted=true", 500);
    assert_eq!(
        marked.iter().filter(|held| held["rule"] == finding).count(),
        marked.len()
    );
    assert!(
        marked
            .iter()
            .any(|held| held["accepted"]["reason"] == "goes with the relaunch")
    );
    assert_eq!(seeded.all("/api/v1/sites/shop/accepted", 1).len(), 1);
    let place = accepted.header("location");
    assert_eq!(seeded.get(place).json(), accepted.json());
    assert_eq!(seeded.ask("DELETE", place, "read", &[], None).status, 403);
    assert_eq!(seeded.ask("DELETE", place, "audit", &[], None).status, 204);
    assert_eq!(open(), before);
}

#[test]
fn nobody_but_an_administrator_sees_raw_values() {
    let seeded = Seeded::start();
    let mut raw = 0;
    for visit in 1..=3 {
        let path = format!("/api/v1/runs/last/pages/1/visits/{visit}");
        let shown = seeded.get(&path);
        assert_eq!(shown.status, 200, "{shown:?}");
        assert!(!shown.text().contains(sample::SECRET), "{path}");
        let off = format!("{path}?redact=off");
        assert_eq!(seeded.get(&off).status, 403);
        let whole = seeded.ask("GET", &off, "admin", &[], None);
        assert_ne!(whole.header("etag"), shown.header("etag"));
        raw += usize::from(whole.text().contains(sample::SECRET));
    }
    assert!(raw > 0, "the sample has a raw value");
    let mut shown = 0;
    for path in ["", "/findings", "/pages"] {
        let answer = seeded.get(&format!("/api/v1/runs/last{path}"));
        assert_eq!(answer.status, 200);
        shown += answer.bytes.len();
        assert!(!answer.text().contains(sample::SECRET), "{path}");
    }
    assert!(shown > 5_000);
}

#[test]
fn a_report_comes_in_every_format() {
    let seeded = Seeded::start();
    for (format, kind, ending, begins) in [
        ("json", "application/json", ".json", "{"),
        ("html", "text/html; charset=utf-8", ".html", "<!"),
        ("terminal", "text/plain; charset=utf-8", ".txt", ""),
        ("ndjson", "application/x-ndjson", ".ndjson", "{"),
        ("csv", "text/csv; charset=utf-8", ".csv", ""),
        ("csv-items", "text/csv; charset=utf-8", ".items.csv", ""),
        ("markdown", "text/markdown; charset=utf-8", ".md", ""),
        ("sarif", "application/sarif+json", ".sarif", "{"),
        ("junit", "application/xml", ".junit.xml", "<?xml"),
        ("har", "application/har+json", ".har", "{"),
        (
            "cookie-jar",
            "text/plain; charset=utf-8",
            ".cookies.txt",
            "# Netscape",
        ),
        ("wec", "application/json", ".inspection.json", "{"),
    ] {
        let path = format!("/api/v1/runs/last/report?format={format}");
        let report = seeded.get(&path);
        assert_eq!(report.status, 200, "{format}: {}", report.text());
        assert_eq!(report.header("content-type"), kind);
        let file = format!(
            "attachment; filename=\"consentinel-{}{ending}\"",
            run(RUNS).run.id
        );
        assert_eq!(report.header("content-disposition"), file);
        assert_eq!(report.header("content-security-policy"), "sandbox");
        assert!(report.text().starts_with(begins), "{format}");
        assert!(report.bytes.len() > 100, "{format}");
        assert!(!report.text().contains(sample::SECRET), "{format}");
        let known = [("if-none-match", report.header("etag"))];
        assert_eq!(seeded.ask("GET", &path, "read", &known, None).status, 304);
        let packed = seeded.ask("GET", &path, "read", &[("accept-encoding", "gzip")], None);
        assert_eq!(packed.header("content-encoding"), "gzip", "{format}");
        assert!(packed.header("etag").starts_with("W/"), "{format}");
        let known = [("if-none-match", packed.header("etag"))];
        assert_eq!(seeded.ask("GET", &path, "read", &known, None).status, 304);
    }
    let raw = seeded.ask(
        "GET",
        "/api/v1/runs/last/report?redact=off",
        "admin",
        &[],
        None,
    );
    assert!(raw.text().contains(sample::SECRET));
}

#[test]
fn two_runs_and_two_states_are_compared() {
    let seeded = Seeded::start();
    let (one, other) = (run(1).run.id, run(2).run.id);
    let same = seeded
        .get(&format!("/api/v1/comparisons?before={one}&after={other}"))
        .json();
    assert_eq!(same["before"]["run"], one.as_str());
    assert_eq!(same["items"], json!([]));
    let path =
        "/api/v1/comparisons?before=last&after=last&before_state=before&after_state=accepted";
    let states = seeded.get(path);
    assert_eq!(states.status, 200);
    assert!(!states.json()["items"].as_array().unwrap().is_empty());
    let known = [("if-none-match", states.header("etag"))];
    assert_eq!(seeded.ask("GET", path, "read", &known, None).status, 304);
    assert_eq!(
        seeded
            .get("/api/v1/comparisons?before=last&after=none")
            .status,
        404
    );
}

#[test]
fn the_catalog_is_searched_and_asked() {
    let seeded = Seeded::start();
    let found = seeded.all("/api/v1/catalog?text=KUSTOM", 500);
    assert!(
        found.iter().any(|service| service["id"] == "kustomer"),
        "{found:?}"
    );
    let shown = seeded.get("/api/v1/catalog/kustomer");
    assert_eq!(shown.json()["id"], "kustomer");
    let wrong = seeded.get("/api/v1/catalog/kustomre").json();
    assert!(
        wrong["detail"].as_str().unwrap().contains("kustomer"),
        "{wrong}"
    );
    let asked =
        seeded.get("/api/v1/catalog/match?kind=cookie&name=_ga&host=shop.test&site=shop.test");
    assert_eq!(asked.json()["service"], "google-analytics");
}

#[test]
fn a_run_is_deleted() {
    let seeded = Seeded::start();
    let id = run(1).run.id;
    let path = format!("/api/v1/runs/{id}");
    assert_eq!(seeded.get(&path).status, 200);
    assert_eq!(seeded.ask("DELETE", &path, "admin", &[], None).status, 204);
    assert_eq!(seeded.get(&path).status, 404);
    assert_eq!(seeded.all("/api/v1/runs?site=shop", 2).len(), RUNS - 1);
    assert_eq!(
        seeded
            .get(&format!("/api/v1/runs/{}/pages", run(2).run.id))
            .status,
        200
    );
}

/// Follows events and returns the fields of the first that has a name, comments left out.
fn next_event(lines: &mut impl Iterator<Item = String>) -> (String, String, Value) {
    let (mut id, mut name, mut data) = (String::new(), String::new(), Value::Null);
    for line in lines {
        match line.split_once(": ") {
            Some(("id", value)) => value.clone_into(&mut id),
            Some(("event", value)) => value.clone_into(&mut name),
            Some(("data", value)) => data = serde_json::from_str(value).unwrap(),
            _ if line.is_empty() && !name.is_empty() => return (id, name, data),
            _ => {}
        }
    }
    panic!("the events ended");
}

/// Opens the stream of events.
fn follow(
    seeded: &Seeded,
    query: &str,
    last: Option<&str>,
) -> impl Iterator<Item = String> + use<> {
    let mut stream = TcpStream::connect(seeded.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
    write!(
        stream,
        "GET /api/v1/events{query} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer read\r\n{last}\r\n"
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let status = lines.next().unwrap();
    assert!(status.starts_with("HTTP/1.1 200"), "{status}");
    // The first piece of the body stands there: from now on nothing is missed.
    assert!(lines.by_ref().any(|line| line.starts_with("retry: ")));
    lines
}

#[test]
fn what_happens_is_heard_and_heard_again() {
    let seeded = Seeded::start();
    let mut events = follow(&seeded, "", None);
    let ask = || {
        let audit = seeded
            .send("POST", "/api/v1/audits", &json!({ "site": "shop" }))
            .json();
        audit["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (ask(), ask());
    let (id, name, data) = next_event(&mut events);
    assert_eq!(name, "audit");
    assert_eq!(
        (&data["id"], &data["standing"]),
        (&json!(first), &json!("waiting"))
    );
    assert_eq!(next_event(&mut events).2["id"], json!(second));

    // Whoever comes back hears what came after the last event it heard.
    let mut back = follow(&seeded, "", Some(&id));
    assert_eq!(next_event(&mut back).2["id"], json!(second));
    let mut one = follow(
        &seeded,
        &format!("?audit={second}"),
        Some("another process-1"),
    );
    assert_eq!(next_event(&mut one).2["id"], json!(second));

    for number in 0..2_000_u64 {
        seeded
            .service
            .tell(consentinel::service::event::Event::Progress {
                id: number.to_string(),
                site: "shop".to_owned(),
                done: number,
                of: 2_000,
                url: "https://www.shop.test/".to_owned(),
                summary: "complete".to_owned(),
            });
    }
    let mut late = follow(&seeded, "", Some(&id));
    let (_, name, data) = next_event(&mut late);
    assert_eq!(name, "missed");
    // One more audit and 2,000 steps happened, of which 1,024 are known.
    assert_eq!(data["count"], json!(1 + 2_000 - 1_024));
}

#[test]
fn the_document_and_its_page_are_there() {
    let seeded = Seeded::start();
    let document = seeded.ask("GET", "/api/v1/openapi.json", "read", &[], None);
    assert_eq!(document.status, 200);
    assert_eq!(document.json(), consentinel::service::api::document());
    let page = seeded.ask("GET", "/api/docs/", "read", &[], None);
    assert_eq!(
        (page.status, page.header("content-type")),
        (200, "text/html")
    );
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("default-src 'none'") && policy.contains("script-src 'self';"),
        "{policy}"
    );
    let text = page.text();
    for file in text
        .split(['"', ' '])
        .filter(|word| [".js", ".css"].iter().any(|ending| word.ends_with(ending)))
    {
        let path = format!("/api/docs/{}", file.trim_start_matches("./"));
        assert_eq!(
            seeded.ask("GET", &path, "read", &[], None).status,
            200,
            "{path}"
        );
    }
    let settings = seeded
        .ask("GET", "/api/docs/swagger-initializer.js", "read", &[], None)
        .text();
    assert!(settings.contains("\"/api/v1/openapi.json\""), "{settings}");
    assert_eq!(
        seeded
            .ask("GET", "/api/docs", "read", &[], None)
            .header("location"),
        "/api/docs/"
    );
}
