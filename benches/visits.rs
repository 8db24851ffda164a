//! What a visit costs: ours against a bare load of the same pages, paired in one run.
//!
//! `cargo bench --bench visits` prints the table; `-- --growth` adds 200 and 2,000 pages in one process.
//! Trust the ratios: machines differ, and two programs measured one after the other differ too.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its table and stops at what is in its way"
)]

#[path = "support/bare.rs"]
mod bare;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use bare::{load, served, switches};

use consentinel::browser::{Browser, LaunchOptions, find};
use consentinel::model::report::Report;
use consentinel::model::visit::DiagnosticCode;
use consentinel::test_web::TestWeb;
use futures::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};

const PAGES: usize = 20;
const ROUNDS: usize = 3;
const CONCURRENCIES: [usize; 3] = [4, 6, 8];

/// What one way of opening the pages cost, for each page.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    cpu_s: f64,
    wall_s: f64,
    /// Of our own process, of all.
    own_share: f64,
    own_peak_mb: f64,
    late: usize,
    lost: usize,
}

#[tokio::main]
async fn main() {
    let growth = std::env::args().any(|argument| argument == "--growth");
    let web = served().await;
    println!(
        "| browser | at once | what | CPU s a page | wall s a page | to bare | own CPU | own peak | late hits | lost |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for name in ["chromium-headless-shell", "chromium"] {
        let Ok(browser) = find::find(Some(Path::new(name))) else {
            eprintln!("{name} is not installed; left out");
            continue;
        };
        for concurrency in CONCURRENCIES {
            compare(&web, &browser, name, concurrency).await;
        }
        let dumped = median(dump_dom_rounds(&web, &browser).await);
        println!(
            "| {name} | 4 | `--dump-dom` | {:.3} | {:.3} | | | | | |",
            dumped.cpu_s, dumped.wall_s
        );
    }
    if growth {
        println!("\n| pages in one process | CPU s a page | wall s a page | own peak |");
        println!("|---|---|---|---|");
        let browser = find::find(None).expect("a browser");
        for pages in [20, 200, 2_000] {
            let cost = ours(&web, &browser, 6, pages).await;
            println!(
                "| {pages} | {:.3} | {:.3} | {:.0} MB |",
                cost.cpu_s, cost.wall_s, cost.own_peak_mb
            );
        }
    }
    web.stop().await;
}

async fn compare(web: &TestWeb, browser: &Path, name: &str, concurrency: usize) {
    let (mut bare_rounds, mut our_rounds) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        bare_rounds.push(bare(web, browser, concurrency).await);
        our_rounds.push(ours(web, browser, concurrency, PAGES).await);
    }
    let (bare, ours) = (median(bare_rounds), median(our_rounds));
    assert_eq!(ours.lost, 0, "events of the browser were lost");
    assert_eq!(ours.late, PAGES, "late requests were missed");
    println!(
        "| {name} | {concurrency} | bare load | {:.3} | {:.3} | | | | | |",
        bare.cpu_s, bare.wall_s
    );
    println!(
        "| {name} | {concurrency} | a visit, 30 s | {:.3} | {:.3} | CPU {:.2}, wall {:.2} | {:.1} % | {:.0} MB | {} of {PAGES} | {} |",
        ours.cpu_s,
        ours.wall_s,
        ours.cpu_s / bare.cpu_s,
        ours.wall_s / bare.wall_s,
        ours.own_share * 100.0,
        ours.own_peak_mb,
        ours.late,
        ours.lost
    );
}

/// The round in the middle by CPU time; the worst of what must not be bad once.
fn median(mut rounds: Vec<Cost>) -> Cost {
    rounds.sort_by(|left, right| left.cpu_s.total_cmp(&right.cpu_s));
    let mut middle = rounds[rounds.len() / 2];
    middle.late = rounds
        .iter()
        .map(|round| round.late)
        .min()
        .unwrap_or_default();
    middle.lost = rounds
        .iter()
        .map(|round| round.lost)
        .max()
        .unwrap_or_default();
    middle
}

fn address(page: usize) -> String {
    format!("https://www.plain-pages.test/?page={page}")
}

/// Loads the pages over CDP in a running browser, a context each, and does nothing else.
async fn bare(web: &TestWeb, executable: &Path, concurrency: usize) -> Cost {
    let browser = Browser::launch(&LaunchOptions {
        executable: executable.to_path_buf(),
        arguments: switches(web).to_vec(),
        ..LaunchOptions::default()
    })
    .await
    .expect("the browser starts");
    load(&browser, &address(0)).await;
    let (cpu_before, started) = (descendants_cpu_s(std::process::id()), Instant::now());
    futures::stream::iter(1..=PAGES)
        .for_each_concurrent(concurrency, |page| {
            let browser = &browser;
            async move { load(browser, &address(page)).await }
        })
        .await;
    let wall_s = started.elapsed().as_secs_f64();
    // What a closed page leaves to be done is part of its cost.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let cpu_s = descendants_cpu_s(std::process::id()) - cpu_before;
    browser.close().await;
    Cost {
        cpu_s: cpu_s / PAGES as f64,
        wall_s: wall_s / PAGES as f64,
        ..Cost::default()
    }
}

/// The binary, with everything it does for the state `before`.
async fn ours(web: &TestWeb, executable: &Path, concurrency: usize, pages: usize) -> Cost {
    let folder = tempfile::tempdir().expect("a folder");
    let (list, report) = (
        folder.path().join("pages.txt"),
        folder.path().join("report.json"),
    );
    let addresses: Vec<String> = (1..=pages).map(address).collect();
    std::fs::write(&list, addresses.join("\n")).expect("the list");
    let mut command = tokio::process::Command::new(binary());
    command
        .args([
            "audit",
            "--states",
            "before",
            "--format",
            "json",
            "--exit-zero",
            "--verbose",
            "--concurrency",
        ])
        .arg(concurrency.to_string())
        .args([
            "--browser".as_ref(),
            executable.as_os_str(),
            "--from".as_ref(),
            list.as_os_str(),
        ])
        .args(["--output".as_ref(), report.as_os_str()])
        .args(switches(web).map(|switch| format!("--browser-arg={switch}")))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let process = child.id().expect("a running process");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let (mut begun, mut last_visit) = (None, Instant::now());
    let (mut cpu_s, mut own_cpu_s, mut own_peak_mb) = (0.0, 0.0, 0.0_f64);
    while let Ok(Some(line)) = lines.next_line().await {
        if begun.is_none() && line.contains(" visits with ") {
            let cpu_s = own_cpu(process) + descendants_cpu_s(process);
            begun = Some((Instant::now(), cpu_s, own_cpu(process)));
        }
        last_visit = Instant::now();
        // Read while everything still runs: what a browser leaves behind is nobody's child afterwards.
        if let Some((_, cpu_before, own_before)) = begun {
            own_cpu_s = own_cpu(process) - own_before;
            cpu_s = own_cpu(process) + descendants_cpu_s(process) - cpu_before;
        }
        own_peak_mb = own_peak_mb.max(peak_mb(process));
    }
    child.wait().await.expect("the binary ends");
    let (started, _, _) = begun.expect("the run began");
    let report: Report = serde_json::from_slice(&std::fs::read(&report).expect("the report"))
        .expect("the report is JSON");
    let visits: Vec<_> = report.pages.iter().flat_map(|page| &page.visits).collect();
    Cost {
        cpu_s: cpu_s / pages as f64,
        wall_s: (last_visit - started).as_secs_f64() / pages as f64,
        own_share: own_cpu_s / cpu_s,
        own_peak_mb,
        late: visits
            .iter()
            .filter(|visit| {
                let late = |url: &str| url.ends_with("/still-here");
                visit
                    .snapshot
                    .requests
                    .iter()
                    .any(|request| late(&request.url))
            })
            .count(),
        lost: visits
            .iter()
            .flat_map(|visit| &visit.diagnostics)
            .filter(|diagnostic| diagnostic.code == DiagnosticCode::EventsLost)
            .count(),
    }
}

async fn dump_dom_rounds(web: &TestWeb, executable: &Path) -> Vec<Cost> {
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let costs = futures::stream::iter(1..=PAGES)
            .map(|page| dump_dom(web, executable, page))
            .buffer_unordered(4)
            .collect::<Vec<f64>>()
            .await;
        rounds.push(Cost {
            cpu_s: costs.iter().sum::<f64>() / PAGES as f64,
            wall_s: started.elapsed().as_secs_f64() / PAGES as f64,
            ..Cost::default()
        });
    }
    rounds
}

/// CPU time of one `--dump-dom` with all its processes, which are gone when it ends: watched while it runs.
async fn dump_dom(web: &TestWeb, executable: &Path, page: usize) -> f64 {
    let profile = tempfile::tempdir().expect("a profile");
    let mut child = tokio::process::Command::new(executable)
        .args(["--headless", "--dump-dom", "--no-sandbox"])
        .args(switches(web))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(address(page))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the browser starts");
    let process = child.id().expect("a running process");
    let mut cpu_s = 0.0_f64;
    loop {
        cpu_s = cpu_s.max(own_cpu(process) + descendants_cpu_s(process));
        if let Some(status) = child.try_wait().expect("the browser's end") {
            assert!(status.success(), "--dump-dom failed");
            return cpu_s;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The binary built beside this benchmark.
fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_consentinel"))
}

/// The numbers of `/proc/PID/stat` after the name (proc(5)).
fn stat(process: u32) -> Option<Vec<f64>> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let after_name = text.rsplit_once(") ")?.1;
    Some(
        after_name
            .split(' ')
            .map(|field| field.parse().unwrap_or_default())
            .collect(),
    )
}

/// Clock ticks of `/proc` in a second, on every Linux there is.
const TICKS: f64 = 100.0;

fn own_cpu(process: u32) -> f64 {
    stat(process).map_or(0.0, |fields| (fields[11] + fields[12]) / TICKS)
}

/// CPU time of all running descendants, and of those of theirs that ended.
fn descendants_cpu_s(process: u32) -> f64 {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return 0.0;
    };
    let all: Vec<(u32, Vec<f64>)> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, stat(process)?)))
        .collect();
    let mut family = vec![process];
    let mut ticks = 0.0;
    while let Some(parent) = family.pop() {
        for (child, fields) in all.iter().filter(|(_, fields)| fields[1] as u32 == parent) {
            ticks += fields[11..=14].iter().sum::<f64>();
            family.push(*child);
        }
    }
    ticks / TICKS
}

/// The most memory a process had, in MB (`VmHWM`).
fn peak_mb(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok())
        .map_or(0.0, |kilobytes| kilobytes / 1024.0)
}
