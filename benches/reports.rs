//! What a report of a large run costs: `cargo bench --bench reports` prints time, size and the memory
//! that 500 pages take beyond 50.
//!
//! Pages are made while they are read, as a store gives them, with 200 requests in each visit.
//! `cargo bench --bench reports -- json html` looks at these formats alone.
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

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Instant;

use clap::ValueEnum as _;
use consentinel::model::report::{Page, PageError, PageSource, Report};
use consentinel::report::{Format, Options, render};

/// Requests of each visit.
const REQUESTS: usize = 200;

/// So many pages, each made when it is asked for.
struct Made {
    count: usize,
    page: Page,
}

impl PageSource for Made {
    fn page_count(&self) -> usize {
        self.count
    }

    fn pages(&self) -> Box<dyn Iterator<Item = Result<Cow<'_, Page>, PageError>> + '_> {
        Box::new((0..self.count).map(|number| {
            let mut page = self.page.clone();
            page.url = address(number);
            page.final_url = address(number);
            Ok(Cow::Owned(page))
        }))
    }
}

fn address(number: usize) -> String {
    format!("https://www.shop.test/page/{number}")
}

/// Counts bytes and keeps none.
#[derive(Default)]
struct Counted(usize);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A run of `count` pages, each with the findings of the shop.
fn run(count: usize) -> (Report, Made) {
    let mut report = sample::rich();
    let mut page = report.pages[0].clone();
    for visit in &mut page.visits {
        visit.banner.screenshot = None;
        visit.screenshot = None;
        visit.screenshot_after_choice = None;
        let seen = visit.snapshot.requests.clone();
        if seen.is_empty() {
            continue;
        }
        visit.snapshot.requests = (0..REQUESTS)
            .map(|number| {
                let mut request = seen[number % seen.len()].clone();
                request.id = number.to_string();
                request.url = format!("{}&n={number}", request.url);
                request
            })
            .collect();
    }
    let first = page.url.clone();
    let findings: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.page == first)
        .cloned()
        .collect();
    report.findings = (0..count)
        .flat_map(|number| {
            findings.iter().cloned().map(move |mut finding| {
                finding.page = address(number);
                finding.id = format!("{}-{number}", finding.id);
                finding
            })
        })
        .collect();
    report.pages = Vec::new();
    (report, Made { count, page })
}

/// The most memory this process has had, in kilobytes; nothing where the system does not say.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

fn main() {
    println!(
        "{:<12} {:>10} {:>14} {:>22}",
        "format", "500 pages", "size", "memory beyond 50 pages"
    );
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with('-'))
        .collect();
    for format in Format::value_variants() {
        let name = format
            .to_possible_value()
            .map(|name| name.get_name().to_owned())
            .unwrap_or_default();
        if !wanted.is_empty() && !wanted.contains(&name) {
            continue;
        }
        let (few, few_pages) = run(50);
        let mut sink = Counted::default();
        render(*format, &few, &few_pages, &Options::default(), &mut sink).unwrap();
        drop(few);
        let (head, pages) = run(500);
        let before = peak();
        let mut sink = Counted::default();
        let start = Instant::now();
        render(*format, &head, &pages, &Options::default(), &mut sink).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        let more = match (before, peak()) {
            (Some(before), Some(after)) => format!("{} KB", after.saturating_sub(before)),
            _ => "not known".to_owned(),
        };
        println!("{name:<12} {seconds:>8.2} s {:>12} B {more:>22}", sink.0);
    }
}
