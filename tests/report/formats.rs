//! Every format is read by what it is meant for: its published schema, or a reader of its own.

use consentinel::model::report::Report;
use consentinel::model::visit::State;
use consentinel::report::{Format, Options, RuleHelp, lines, text_of};
use serde_json::Value as Json;

use crate::{rendered, sample};

fn raw(format: Format, report: &Report) -> String {
    let options = Options {
        redact: false,
        ..Options::default()
    };
    text_of(format, report, &options).unwrap()
}

/// What `schema` has against `document`.
fn faults(schema: &str, document: &Json) -> Vec<String> {
    let mut schema: Json = serde_json::from_str(schema).unwrap();
    // The official schema of SARIF has a pattern with a bracket too many, which no strict reader takes.
    for place in ["run", "toolComponent"] {
        let path = format!("/definitions/{place}/properties/language");
        if let Some(language) = schema.pointer_mut(&path) {
            language.as_object_mut().unwrap().remove("pattern");
        }
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn samples() -> [Report; 4] {
    [
        sample::rich(),
        sample::clean(),
        sample::large(),
        sample::report_of(Vec::new()),
    ]
}

#[test]
fn no_format_shows_a_raw_value_unless_asked() {
    let mut report = sample::rich();
    let (id, _) = sample::SECRET.rsplit_once('.').unwrap();
    let id = id.rsplit_once('.').unwrap().1.to_owned();
    report.pages[0].visits[0].snapshot.requests[0].url = format!(
        "https://collect.test/p?cid={id}.1700000000&v={}",
        sample::SECRET
    );
    report.findings[0].evidence.notes = vec![format!("the value {} was sent", sample::SECRET)];
    report.findings[0].evidence.initiator_chain[0].url = format!("https://a.test/?u={id}");
    for format in [
        Format::Terminal,
        Format::Json,
        Format::Html,
        Format::Ndjson,
        Format::Csv,
        Format::CsvItems,
        Format::Markdown,
        Format::Sarif,
        Format::Junit,
        Format::Har,
        Format::CookieJar,
        Format::Wec,
    ] {
        let text = rendered(format, &report);
        assert!(!text.contains(&id), "{format:?}");
    }
    for format in [
        Format::Json,
        Format::CsvItems,
        Format::Har,
        Format::CookieJar,
        Format::Wec,
    ] {
        assert!(raw(format, &report).contains(&id), "{format:?}");
    }
}

#[test]
fn pages_steer_no_reader() {
    let report = sample::rich();
    for format in [
        Format::Terminal,
        Format::Csv,
        Format::CsvItems,
        Format::Markdown,
        Format::Junit,
    ] {
        for (mode, text) in [
            ("redacted", rendered(format, &report)),
            ("raw", raw(format, &report)),
        ] {
            let steers = |letter: char| {
                (letter.is_control() && letter != '\n')
                    || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            };
            assert_eq!(text.find(steers), None, "{format:?}, {mode}");
        }
    }
    for text in [
        rendered(Format::Markdown, &report),
        rendered(Format::Junit, &report),
    ] {
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains("<img"), "{text}");
    }
}

#[test]
fn lines_are_documents_of_their_schema_and_together_the_report() {
    let schema = lines::schema().unwrap();
    for report in samples() {
        let text = rendered(Format::Ndjson, &report);
        let documents: Vec<Json> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for document in documents.iter().step_by(7) {
            assert_eq!(faults(&schema, document), Vec::<String>::new());
        }
        let of = |kind: &str| documents.iter().filter(|line| line["kind"] == kind).count();
        assert_eq!(documents[0]["kind"], "run");
        assert_eq!(documents.last().unwrap()["kind"], "summary");
        assert_eq!(of("page"), report.pages.len());
        assert_eq!(of("finding"), report.findings.len());
        assert_eq!(of("service"), report.services.len());
        let whole: Json = serde_json::from_str(&rendered(Format::Json, &report)).unwrap();
        let pages: Vec<&Json> = documents
            .iter()
            .filter(|line| line["kind"] == "page")
            .map(|line| &line["page"])
            .collect();
        assert_eq!(
            pages,
            whole["pages"]
                .as_array()
                .unwrap()
                .iter()
                .collect::<Vec<_>>()
        );
    }
}

/// The rows of a table under the names of their columns.
fn rows(table: &str) -> Vec<std::collections::BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_row_for_each_finding_and_each_item() {
    let report = sample::rich();
    let findings = rows(&rendered(Format::Csv, &report));
    assert_eq!(findings.len(), report.findings.len());
    for (row, finding) in findings.iter().zip(&report.findings) {
        assert_eq!((&row["id"], &row["rule"]), (&finding.id, &finding.rule));
    }
    let items = rows(&raw(Format::CsvItems, &report));
    let there: usize = report
        .pages
        .iter()
        .flat_map(|page| &page.visits)
        .map(|visit| {
            let snapshot = &visit.snapshot;
            snapshot.cookies.len() + snapshot.storage.len() + snapshot.requests.len()
        })
        .sum();
    assert_eq!(items.len(), there);
    let ga = items
        .iter()
        .find(|row| row["name"] == "_ga" && row["state"] == "before")
        .unwrap();
    assert_eq!(ga["value"], sample::SECRET);
    assert_eq!(ga["kind"], "cookie");
}

#[test]
fn code_scanning_reads_it() {
    let schema = include_str!("schemas/sarif-2.1.0.json");
    let options = Options {
        rules: vec![RuleHelp {
            id: "R02".to_owned(),
            name: "pre-known-tracking-cookie".to_owned(),
            title: "A tracking cookie was stored before any choice.".to_owned(),
            checks: "A cookie the catalog knows.".to_owned(),
            severity: consentinel::model::finding::Severity::High,
            legal: vec!["Article 5(3)".to_owned()],
            remedy: "Load it after consent.".to_owned(),
            limits: "Values.".to_owned(),
        }],
        ..Options::default()
    };
    for report in samples() {
        let text = text_of(Format::Sarif, &report, &options).unwrap();
        let log: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(faults(schema, &log), Vec::<String>::new());
        let run = &log["runs"][0];
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), report.findings.len());
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for (result, finding) in results.iter().zip(&report.findings) {
            assert_eq!(
                result["partialFingerprints"]["consentinelFinding/v1"],
                finding.id
            );
            let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[place]["id"], finding.rule);
            // The standard: a level other than none belongs to failures alone.
            assert_eq!(result["kind"] == "fail", result["level"] != "none");
        }
        assert!(
            rules
                .iter()
                .all(|rule| !rule["help"]["text"].as_str().unwrap().is_empty())
        );
    }
    let mut wrong: Json = serde_json::from_str(&rendered(Format::Sarif, &sample::rich())).unwrap();
    wrong["runs"][0]["results"][0]["level"] = "fatal".into();
    assert_ne!(faults(schema, &wrong), Vec::<String>::new());
}

#[test]
fn continuous_integration_reads_it() {
    for report in samples() {
        let text = rendered(Format::Junit, &report);
        let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
        let suites = read.test_suites.len();
        assert!(suites >= report.pages.len(), "{suites}");
        let fails = report
            .findings
            .iter()
            .any(|finding| finding.verdict == consentinel::model::finding::Verdict::Violation);
        assert_eq!(read.failures > 0, fails);
    }
    let text = rendered(Format::Junit, &sample::rich());
    let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!(read.errors, 1, "one page was not reached");
}

#[test]
fn archive_readers_read_it() {
    let schema = include_str!("schemas/har-1.2.json");
    for report in samples() {
        for text in [rendered(Format::Har, &report), raw(Format::Har, &report)] {
            let log: Json = serde_json::from_str(&text).unwrap();
            assert_eq!(faults(schema, &log), Vec::<String>::new());
            let pages = log["log"]["pages"].as_array().unwrap();
            let visits: usize = report.pages.iter().map(|page| page.visits.len()).sum();
            assert_eq!(pages.len(), visits);
            let ids: std::collections::BTreeSet<&str> = pages
                .iter()
                .map(|page| page["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids.len(), visits, "ids are unique");
            for entry in log["log"]["entries"].as_array().unwrap() {
                assert!(ids.contains(entry["pageref"].as_str().unwrap()));
            }
        }
    }
    let mut wrong: Json = serde_json::from_str(&rendered(Format::Har, &sample::rich())).unwrap();
    wrong["log"]["entries"][0]["request"]["method"] = Json::Null;
    assert_ne!(faults(schema, &wrong), Vec::<String>::new());
}

#[test]
fn cookie_jars_have_seven_fields_a_line() {
    let report = sample::rich();
    let jar = raw(Format::CookieJar, &report);
    assert!(jar.starts_with("# Netscape HTTP Cookie File\n"));
    let mut cookies = 0;
    for line in jar.lines() {
        if line.is_empty() || (line.starts_with('#') && !line.starts_with("#HttpOnly_")) {
            continue;
        }
        cookies += 1;
        let fields: Vec<&str> = line.split('\t').collect();
        assert_eq!(fields.len(), 7, "{line:?}");
        assert!(["TRUE", "FALSE"].contains(&fields[1]) && ["TRUE", "FALSE"].contains(&fields[3]));
        assert!(fields[4].parse::<i64>().is_ok());
        // A leading dot and the flag for subdomains say the same.
        let domain = fields[0].trim_start_matches("#HttpOnly_");
        assert_eq!(domain.starts_with('.'), fields[1] == "TRUE", "{line}");
    }
    assert!(cookies > 0);
    assert!(jar.contains(&format!("\t_ga\t{}\n", sample::SECRET)));
}

#[test]
fn the_collectors_shape_is_kept() {
    let report = sample::rich();
    let told: Json = serde_json::from_str(&raw(Format::Wec, &report)).unwrap();
    // The fields the collector's own templates and the inspection tools of regulators read.
    for field in [
        "title",
        "uri_ins",
        "uri_ins_host",
        "uri_dest",
        "uri_redirects",
        "secure_connection",
        "script",
        "browser",
        "start_time",
        "end_time",
        "browsing_history",
        "localStorage",
        "cookies",
        "beacons",
        "hosts",
        "links",
        "unsafeForms",
    ] {
        assert!(!told[field].is_null(), "{field}");
    }
    for kind in ["requests", "beacons", "cookies", "localStorage", "links"] {
        for party in ["firstParty", "thirdParty"] {
            assert!(told["hosts"][kind][party].is_array(), "{kind} {party}");
        }
    }
    let cookies = told["cookies"].as_array().unwrap();
    let ga = cookies
        .iter()
        .find(|cookie| cookie["name"] == "_ga")
        .unwrap();
    assert_eq!(ga["value"], sample::SECRET);
    assert_eq!(ga["session"], false);
    assert_eq!(ga["domain"], ".shop.test");
    // What came only after a yes is no part of it.
    let accepted_only: Vec<&str> = report
        .pages
        .iter()
        .flat_map(|page| &page.visits)
        .filter(|visit| visit.state == State::Accepted)
        .flat_map(|visit| &visit.snapshot.cookies)
        .map(|cookie| cookie.name.as_str())
        .filter(|name| {
            !report
                .pages
                .iter()
                .flat_map(|page| &page.visits)
                .filter(|visit| visit.state == State::Before)
                .flat_map(|visit| &visit.snapshot.cookies)
                .any(|cookie| cookie.name == *name)
        })
        .collect();
    for name in accepted_only {
        assert!(
            !cookies.iter().any(|cookie| cookie["name"] == name),
            "{name}"
        );
    }
}

#[test]
fn a_comment_fits_where_it_goes() {
    for report in samples() {
        let text = rendered(Format::Markdown, &report);
        assert!(text.starts_with("<!-- consentinel -->\n## "));
        assert!(text.len() <= 65_536, "{} bytes", text.len());
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
    }
    let text = rendered(Format::Markdown, &sample::rich());
    assert!(text.contains("## Does not pass: 6 violations"));
    assert!(text.contains("| Is saying no as easy as saying yes? | no | ❌ must change |"));
}
