//! What a reader of a report meets: every format, from a report with something of everything.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should stop"
)]

mod commands;
mod declaration;
mod evidence;
mod formats;
mod golden;
mod repeats;
mod sample;

use std::path::Path;

use consentinel::report::{Format, Options, json, redacted, text_of};

/// Where the published schema lies; `CONSENTINEL_UPDATE_SCHEMA=1 cargo test --test report` rewrites it.
const SCHEMA_FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/src/report/report-v1.schema.json"
);

fn rendered(format: Format, report: &consentinel::model::report::Report) -> String {
    text_of(format, report, &Options::default()).unwrap()
}

#[test]
fn every_diagnostic_is_explained() {
    let guide = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/read-the-report.md");
    let guide = std::fs::read_to_string(guide).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&json::schema().unwrap()).unwrap();
    let codes: Vec<&str> = schema["$defs"]["DiagnosticCode"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .map(|code| code["const"].as_str().unwrap())
        .collect();
    assert!(codes.len() > 20);
    let missing = |code: &&&str| !guide.contains(&format!("`{code}`"));
    let missing: Vec<&&str> = codes.iter().filter(missing).collect();
    assert!(missing.is_empty(), "not in the guide: {missing:?}");
}

mod terminal {
    use super::*;

    #[test]
    fn says_what_failed_who_did_it_and_what_to_do() {
        let options = Options {
            html_path: Some("out/report.html".to_owned()),
            ..Options::default()
        };
        let text = text_of(Format::Terminal, &sample::rich(), &options).unwrap();
        assert!(text.starts_with("Does not pass: 6 violations\n"), "{text}");
        for part in [
            "Also: 1 likely violation, 1 point to review, 1 rule inconclusive, 1 note.",
            "1 of 6 pages could not be audited in every state.",
            "FAIL  Does the site store or track before the visitor has answered? yes",
            "FAIL  Is saying no as easy as saying yes? no",
            "?     Does the site store or track after the visitor has said no? not established",
            "fails           https://www.shop.test/\n",
            "passes          https://clean.test/\n",
            "incomplete      https://down.test/\n",
            "before: not reached, rejected: not reached, accepted: not reached",
            "  Google Analytics 4\n  Google Ireland Limited, IE, analytics, 4 findings\n",
            "HIGH      R02 An analytics cookie was stored before any choice.",
            "cookie _ga on shop.test",
            "state before, phase idle, at 640 ms, lifetime 730 days",
            "on 2 pages",
            "loaded by https://www.shop.test/:14 >",
            "1. Load gtag.js only after the visitor has agreed to analytics.",
            "  Unknown service on cdn.whoknows.test\n  not in the catalog, 1 finding\n",
            "(likely)",
            "banner of www.shop.test (Klaro)\n",
            "banner of unsure.test\n",
            "(https://down.test/, before, rejected, accepted)",
            "choice-unconfirmed: the banner closed, but no record of the refusal was found",
            "(https://unsure.test/, rejected)",
            "Consentinel 0.1.0, chromium-headless-shell 156.0.8078.79, catalog\n9a1b2c3d4e5f6071 with 23 services,",
            "Full report: out/report.html",
        ] {
            assert!(text.contains(part), "missing {part:?} in:\n{text}");
        }
        // The steps of a service stand once, however many findings it has.
        assert_eq!(text.matches("Load gtag.js only after").count(), 1);
    }

    #[test]
    fn a_clean_site_passes_and_nothing_more_is_claimed() {
        let text = rendered(Format::Terminal, &sample::clean());
        assert!(text.starts_with("Passed: nothing found\n"), "{text}");
        assert!(!text.contains("Findings by service"));
        assert!(!text.contains("What limits this audit"));
    }

    #[test]
    fn nothing_audited_is_no_pass() {
        let text = rendered(Format::Terminal, &sample::report_of(Vec::new()));
        assert!(
            text.starts_with("Incomplete: no verdict\nNo page was audited.\n"),
            "{text}"
        );
    }

    #[test]
    fn pages_cannot_steer_the_terminal() {
        let report = sample::rich();
        let plain = rendered(Format::Terminal, &report);
        assert!(
            plain
                .chars()
                .all(|character| character == '\n' || !character.is_control())
        );
        assert!(!plain.contains(['\u{202e}', '\u{2066}']));
        assert!(plain.contains("\\u{1b}[2J"));

        let coloured = text_of(
            Format::Terminal,
            &report,
            &Options {
                colour: true,
                ..Options::default()
            },
        )
        .unwrap();
        assert!(coloured.contains('\u{1b}'));
        assert!(!coloured.contains("\u{1b}[2J"));
        assert!(!coloured.contains("\u{1b}]"));
        assert_eq!(without_colour(&coloured), plain);
    }

    #[test]
    fn lines_fit_the_width() {
        for width in [60, 80, 100] {
            let options = Options {
                width,
                ..Options::default()
            };
            let text = text_of(Format::Terminal, &sample::rich(), &options).unwrap();
            let widest = text
                .lines()
                .max_by_key(|line| line.chars().count())
                .unwrap();
            assert!(
                widest.chars().count() <= width,
                "{} columns: {widest}",
                widest.chars().count()
            );
        }
        assert!(rendered(Format::Terminal, &sample::large()).lines().count() < 600);
    }

    /// Removes the sequences that set colour and weight, `ESC [ digits m`, and no others.
    fn without_colour(text: &str) -> String {
        let pattern = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
        pattern.replace_all(text, "").into_owned()
    }
}

mod document {
    use super::*;

    #[test]
    fn keeps_to_the_published_schema() {
        let schema: serde_json::Value = serde_json::from_str(&json::schema().unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for report in [sample::rich(), sample::clean(), sample::large()] {
            let document: serde_json::Value =
                serde_json::from_str(&rendered(Format::Json, &report)).unwrap();
            let errors: Vec<String> = validator
                .iter_errors(&document)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:#?}");
        }

        let mut document: serde_json::Value =
            serde_json::from_str(&rendered(Format::Json, &sample::clean())).unwrap();
        document["schema"] = "consentinel/report/v2".into();
        assert!(!validator.is_valid(&document));
        document["schema"] = "consentinel/report/v1".into();
        document["pages"][0]["visits"][0]["state"] = "undecided".into();
        assert!(!validator.is_valid(&document));
    }

    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let schema = json::schema().unwrap();
        if std::env::var_os("CONSENTINEL_UPDATE_SCHEMA").is_some() {
            std::fs::write(SCHEMA_FILE, &schema).unwrap();
        }
        let published = std::fs::read_to_string(Path::new(SCHEMA_FILE)).unwrap_or_default();
        assert!(
            published == schema,
            "src/report/report-v1.schema.json is stale; CONSENTINEL_UPDATE_SCHEMA=1 cargo test --test report rewrites it"
        );
    }

    #[test]
    fn is_the_model_without_values_and_pictures() {
        let report = sample::rich();
        let text = rendered(Format::Json, &report);
        assert!(!text.contains(sample::SECRET));
        assert!(!text.contains(sample::PICTURE));
        let read: consentinel::model::report::Report = serde_json::from_str(&text).unwrap();
        assert_eq!(read.findings.len(), report.findings.len());
        let cookie = |report: &consentinel::model::report::Report| {
            report.pages[0].visits[0].snapshot.cookies[0].clone()
        };
        assert_eq!(
            cookie(&read).value.fingerprint,
            cookie(&report).value.fingerprint
        );
        assert_eq!(cookie(&read).value.length, sample::SECRET.len());
        assert_eq!(cookie(&read).value.text, None);

        let raw = text_of(
            Format::Json,
            &report,
            &Options {
                redact: false,
                ..Options::default()
            },
        )
        .unwrap();
        assert!(raw.contains(sample::SECRET));
        assert!(!raw.contains(sample::PICTURE));
    }

    #[test]
    fn redaction_reaches_every_value_and_every_url() {
        let mut report = sample::rich();
        let long = format!("https://long.test/{}", "x".repeat(5_000));
        report.pages[0].visits[0].snapshot.requests[0]
            .url
            .clone_from(&long);
        report.findings[0].evidence.initiator_chain[0].url = long;
        let text = serde_json::to_string(&redacted(report)).unwrap();
        assert!(!text.contains("\"text\":\"GA1"));
        assert!(!text.contains("\"text\":\"opaque"));
        assert!(!text.contains("\"text\":\"dark"));
        assert!(!text.contains(&"x".repeat(2_048)));
        assert_eq!(text.matches(&format!("{}…", "x".repeat(2_030))).count(), 2);
    }
}

mod page {
    use super::*;

    /// Every opening tag of the page, without its style and script.
    fn tags(page: &str) -> Vec<String> {
        let code = regex::Regex::new("(?s)<(style|script)>.*?</(style|script)>").unwrap();
        let tag = regex::Regex::new("<[a-z][^>]*>").unwrap();
        let markup = code.replace_all(page, "");
        tag.find_iter(&markup)
            .map(|tag| tag.as_str().to_owned())
            .collect()
    }

    #[test]
    fn opens_with_the_verdict_and_the_three_questions() {
        let page = rendered(Format::Html, &sample::rich());
        let order = [
            "<h1>Consent audit of www.shop.test and 4 more</h1>",
            ">Does not pass: 6 violations</h2>",
            "Also: 1 likely violation, 1 point to review, 1 rule inconclusive, 1 note.",
            "Does the site store or track before the visitor has answered?",
            "Is saying no as easy as saying yes?",
            "Does the site store or track after the visitor has said no?",
            "Findings by service</h2>",
            "Google Analytics 4</h3>",
            "Load gtag.js only after the visitor has agreed to analytics.",
            "The states side by side</h2>",
            "Services seen</h2>",
            "What limits this report</h2>",
            "choice-unconfirmed",
            "How it was made</h2>",
            "9a1b2c3d4e5f6071, 23 services",
        ];
        let mut rest = page.as_str();
        for part in order {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{part:?} is missing or out of order"));
            rest = &rest[at..];
        }
    }

    #[test]
    fn shows_who_when_how_long_and_in_which_states() {
        let page = rendered(Format::Html, &sample::rich());
        for part in [
            "640 ms after the page was opened; no answer was given",
            "9.4 s after the page was opened, 6.9 s after the answer",
            "730 days",
            "ePrivacy Directive 2002/58/EC, Article 5(3)",
            "https://www.googletagmanager.com/gtm.js?id=GTM-TEST, line 88",
            "https://cdn.whoknows.test/pixel.gif?u=1 (Set-Cookie header)",
            "before the answer, and again after it",
            "2 requests, 1 before the answer",
            "not known",
            "behind the settings",
            "Accept all” says yes (layer 1)",
            "not confirmed: no record of the site shows that it was taken",
            "Without any answer: 4 requests to third parties and 4 items stored (4 of them with a finding).",
        ] {
            assert!(page.contains(part), "missing {part:?}");
        }
        assert!(page.contains(&format!("data:image/png;base64,{}", sample::PICTURE)));
    }

    #[test]
    fn loads_nothing_and_runs_only_its_own_script() {
        let page = rendered(Format::Html, &sample::rich());
        let loads =
            regex::Regex::new(r#"(?i)\b(src|href|action|data|poster|srcset|xlink:href)="([^"]*)""#)
                .unwrap();
        let handler = regex::Regex::new(r"(?i)\s(on\w+|style)=").unwrap();
        let quoted = regex::Regex::new("\"[^\"]*\"").unwrap();
        for tag in tags(&page) {
            for part in loads.captures_iter(&tag) {
                let address = &part[2];
                assert!(
                    address.starts_with('#') || address.starts_with("data:image/png;base64,"),
                    "{tag}"
                );
            }
            let bare = quoted.replace_all(&tag, "\"\"");
            assert!(!handler.is_match(&bare), "{tag}");
        }
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("<style").count(), 1);
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"));
    }

    #[test]
    fn the_policy_admits_the_style_and_the_script_there_are() {
        use base64::Engine as _;
        use sha2::Digest as _;
        let page = rendered(Format::Html, &sample::clean());
        for element in ["style", "script"] {
            let start = page.find(&format!("<{element}>")).unwrap() + element.len() + 2;
            let end = page.find(&format!("</{element}>")).unwrap();
            let digest = base64::engine::general_purpose::STANDARD
                .encode(sha2::Sha256::digest(&page[start..end]));
            assert!(
                page.contains(&format!("{element}-src &#39;sha256-{digest}&#39;")),
                "{element} {digest}"
            );
        }
    }

    #[test]
    fn pages_cannot_write_into_it() {
        let page = rendered(Format::Html, &sample::rich());
        assert!(
            page.contains("&lt;script&gt;alert(1)") || page.contains("&#60;script&#62;alert(1)")
        );
        for part in [
            "<script>alert",
            "<img src=x",
            "\u{1b}",
            "\u{202e}",
            "\u{2066}",
            "onload=\"alert",
        ] {
            assert!(!page.contains(part), "{part:?}");
        }
        assert!(!page.contains(&"N".repeat(1_000)));
        assert!(!page.contains(&"A".repeat(1_000)));
        assert!(!page.contains(sample::SECRET));
    }

    #[test]
    fn every_link_inside_leads_somewhere_and_no_name_stands_twice() {
        let id = regex::Regex::new(r#"\sid="([^"]+)""#).unwrap();
        let link =
            regex::Regex::new(r##"(?:href="#|aria-labelledby="|aria-describedby=")([^"]+)""##)
                .unwrap();
        for report in [sample::rich(), sample::clean(), sample::large()] {
            let page = rendered(Format::Html, &report);
            let ids: Vec<&str> = id
                .captures_iter(&page)
                .map(|id| id.get(1).unwrap().as_str())
                .collect();
            let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len());
            for link in link.captures_iter(&page) {
                assert!(unique.contains(&link[1]), "{}", &link[1]);
            }
        }
    }

    #[test]
    fn a_clean_site_and_an_empty_run_say_so() {
        let clean = rendered(Format::Html, &sample::clean());
        assert!(clean.contains("Passed: nothing found"));
        assert!(!clean.contains("class=\"finding"));
        let empty = rendered(Format::Html, &sample::report_of(Vec::new()));
        assert!(empty.contains("Incomplete: no verdict"));
        assert!(empty.contains("No page was audited."));
    }

    #[test]
    fn pages_of_endless_names_stay_below_two_megabytes_too() {
        let mut report = sample::large();
        for (number, page) in report.pages.iter_mut().enumerate() {
            // Every character takes several when it is escaped.
            let endless = format!("{number}{}", "<&\u{1f36a}".repeat(300));
            page.banner.text.clone_from(&endless);
            page.final_url.clone_from(&endless);
            for button in &mut page.banner.buttons {
                button.text.clone_from(&endless);
            }
            for visit in &mut page.visits {
                for (place, cookie) in visit.snapshot.cookies.iter_mut().enumerate() {
                    cookie.name = format!("{place}{endless}");
                    cookie.domain.clone_from(&endless);
                }
                for request in &mut visit.snapshot.requests {
                    request.url = format!("https://{number}.test/{endless}");
                }
            }
        }
        for finding in &mut report.findings {
            finding.evidence.notes = vec!["<".repeat(1_500); 14];
            finding.remedy = "&".repeat(1_500);
        }
        let page = rendered(Format::Html, &report);
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        for number in 0..report.pages.len() {
            assert!(page.contains(&format!("id=\"page-{number}\"")), "{number}");
        }
    }

    #[test]
    fn a_hundred_pages_stay_below_two_megabytes() {
        let page = rendered(Format::Html, &sample::large());
        assert!(page.len() < 2_000_000, "{} bytes", page.len());
        assert!(page.contains("more findings of this service in the JSON report"));
    }
}
