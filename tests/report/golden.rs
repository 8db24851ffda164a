//! The text formats, byte for byte: a change of what readers meet is seen in review.
//!
//! `CONSENTINEL_UPDATE_GOLDEN=1 cargo test --test report golden` rewrites the files.

use std::path::PathBuf;

use clap::ValueEnum as _;
use consentinel::declare::Language;
use consentinel::report::Format;
use consentinel::report::sheet::{SheetFormat, render};

use crate::declaration::declared;
use crate::{rendered, sample};

#[test]
fn text_formats_are_as_reviewed() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/report/golden");
    let mut texts = Vec::new();
    // The longest ones tell of a single page.
    let (rich, clean) = (sample::rich(), sample::clean());
    for (format, name) in [
        (Format::Terminal, "terminal.txt"),
        (Format::Csv, "findings.csv"),
        (Format::CsvItems, "items.csv"),
        (Format::Markdown, "comment.md"),
        (Format::Sarif, "report.sarif"),
        (Format::Junit, "junit.xml"),
        (Format::Har, "report.har"),
        (Format::CookieJar, "cookies.txt"),
        (Format::Wec, "inspection.json"),
        (Format::Ndjson, "report.ndjson"),
    ] {
        let report = match format {
            Format::Har | Format::Ndjson => &clean,
            _ => &rich,
        };
        texts.push((name.to_owned(), rendered(format, report)));
    }
    for language in Language::value_variants() {
        let declared = declared(&rich, *language);
        let text = render(SheetFormat::Markdown, &declared.sheet(), 96).unwrap();
        texts.push((format!("declaration.{}.md", declared.language()), text));
    }
    let mut stale = Vec::new();
    for (name, text) in texts {
        let file = folder.join(&name);
        if std::env::var_os("CONSENTINEL_UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != text {
            stale.push(name);
        }
    }
    assert!(stale.is_empty(), "not as reviewed: {stale:?}");
}
