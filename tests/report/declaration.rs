//! Declarations: what was seen stands in them, in every language, and what the catalog says of it.

use std::sync::LazyLock;

use clap::ValueEnum as _;
use consentinel::catalog::Catalog;
use consentinel::declare::{Declaration, Language, declaration};
use consentinel::model::report::Report;
use consentinel::report::sheet::{SheetFormat, render};
use serde_json::Value as Json;

use crate::sample;

pub(crate) fn declared(report: &Report, language: Language) -> Declaration {
    // Reading it takes longer than all the rest.
    static CATALOG: LazyLock<Catalog> = LazyLock::new(|| Catalog::builtin().unwrap());
    declaration(report, report, &CATALOG, language).unwrap()
}

fn entries(report: &Report, language: Language) -> Vec<Json> {
    let document = serde_json::to_value(declared(report, language)).unwrap();
    document["entries"].as_array().unwrap().clone()
}

#[test]
fn everything_stored_is_declared_once_and_what_was_refused_is_not() {
    let mut report = sample::rich();
    let refused = &mut report.pages[2].visits[0].snapshot.cookies;
    let mut cookie = sample::rich().pages[0].visits[0].snapshot.cookies[0].clone();
    cookie.name = "never_stored".to_owned();
    cookie.blocked = vec!["ThirdPartyBlocked".to_owned()];
    refused.push(cookie);
    let entries = entries(&report, Language::En);
    let of = |name: &str| -> Vec<&Json> {
        entries
            .iter()
            .filter(|entry| entry["name"] == name)
            .collect()
    };
    // On two pages and in three states, and still one cookie.
    let [ga] = of("_ga")[..] else {
        panic!("{entries:#?}");
    };
    assert_eq!(ga["category"], "analytics");
    assert_eq!(ga["service"], "google-analytics");
    assert_eq!(ga["duration"], "2 years");
    assert!(ga["states"].as_array().unwrap().len() > 1);
    assert!(of("never_stored").is_empty());
    let [unknown] = of("uid")[..] else {
        panic!("{entries:#?}");
    };
    assert_eq!(unknown["category"], "unclassified");
    assert_eq!(unknown["provider"], "cdn.whoknows.test");
}

#[test]
fn no_language_shows_another_ones_words() {
    let report = sample::rich();
    for (language, words, purpose) in [
        (
            Language::En,
            ["Cookie declaration", "Analytics", "Duration"],
            None,
        ),
        (
            Language::Fr,
            [
                "Déclaration relative aux cookies",
                "Mesure d’audience",
                "Durée",
            ],
            Some("Reconnaît votre navigateur. Mesure l’utilisation du site. †"),
        ),
        (
            Language::De,
            ["Cookie-Erklärung", "Statistik", "Dauer"],
            Some("Erkennt Ihren Browser wieder. Misst, wie die Website genutzt wird. †"),
        ),
        (
            Language::Es,
            ["Declaración de cookies", "Analíticas", "Duración"],
            Some("Reconoce su navegador. Mide el uso del sitio. †"),
        ),
    ] {
        let sheet = declared(&report, language).sheet();
        for format in [SheetFormat::Markdown, SheetFormat::Html] {
            let text = render(format, &sheet, 96).unwrap();
            for word in words {
                assert!(text.contains(word), "{word}");
            }
            assert!(!text.contains("<script>alert"), "{text}");
        }
        let ga = entries(&report, language)
            .into_iter()
            .find(|entry| entry["name"] == "_ga")
            .unwrap();
        assert_eq!(ga["purpose_is_general"], purpose.is_some());
        // A general sentence is marked as such for people, too, and the mark is explained once.
        if let Some(purpose) = purpose {
            let sentence = purpose.trim_end_matches(" †");
            assert_eq!(ga["purpose"], sentence);
            let text = render(SheetFormat::Markdown, &sheet, 96).unwrap();
            assert!(text.contains(purpose), "{text}");
            assert_eq!(text.matches("† ").count(), text.matches(" † |").count() + 1);
        }
    }
    assert_eq!(Language::value_variants().len(), 4);
}

#[test]
fn nothing_stored_is_said() {
    let sheet = declared(&sample::report_of(Vec::new()), Language::De).sheet();
    let text = render(SheetFormat::Markdown, &sheet, 96).unwrap();
    assert!(text.contains("Auf den untersuchten Seiten wurde nichts gespeichert."));
}

#[test]
fn what_no_draft_can_gate_is_named() {
    let declared = declared(&sample::rich(), Language::En);
    let unknown: Vec<String> = declared.unknown().collect();
    assert!(
        unknown.iter().any(|line| line == "uid (cdn.whoknows.test)"),
        "{unknown:?}"
    );
    assert!(declared.services().contains(&"google-analytics".to_owned()));
}
