//! What judging costs: a run of 1,000 visits with 200 items each, and how it grows.
//!
//! `cargo bench --bench judge` prints the table. The aim is 1,000 visits in under two seconds on one core.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its table and stops at what is in its way"
)]

use std::time::Instant;

use consentinel::catalog::Catalog;
use consentinel::judge::{Judge, Profile};
use consentinel::model::report::Page;
use serde_json::{Value, json};

/// Visits of each page: one in every state.
const STATES: [&str; 3] = ["before", "rejected", "accepted"];
/// Items of each visit: cookies, storage entries, requests.
const ITEMS: [usize; 3] = [60, 40, 100];
/// Visits judged, smallest first.
const SIZES: [usize; 4] = [120, 300, 600, 1_000];

fn main() {
    let catalog = Catalog::builtin().expect("the shipped catalog");
    println!("| visits | items | findings | seconds | milliseconds a visit | peak memory MB |");
    println!("|---|---|---|---|---|---|");
    for visits in SIZES {
        let mut judge = Judge::new(&catalog, Profile::Eu);
        let (mut made, mut took) = (0, 0.0);
        // One page at a time, as from a store: none is kept.
        for number in 0..visits.div_ceil(STATES.len()) {
            let page = page(number);
            made += page.visits.len();
            let began = Instant::now();
            judge.page(&page);
            took += began.elapsed().as_secs_f64();
        }
        let began = Instant::now();
        let judgement = judge.finish();
        took += began.elapsed().as_secs_f64();
        println!(
            "| {made} | {} | {} | {took:.2} | {:.2} | {} |",
            made * ITEMS.iter().sum::<usize>(),
            judgement.findings.len(),
            took * 1_000.0 / made as f64,
            peak_memory_mb().map_or_else(|| "unknown".to_owned(), |peak| peak.to_string()),
        );
    }
}

/// The most memory this process has had so far, in megabytes, where the system tells.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kilobytes / 1024)
}

/// A page of a shop with a banner, in every state; tracked by known and unknown services.
fn page(number: usize) -> Page {
    let visits: Vec<Value> = STATES
        .iter()
        .enumerate()
        .map(|(at, state)| visit(number, at, state))
        .collect();
    let page = json!({
        "url": format!("https://shop.test/page/{}", letters(number)),
        "final_url": format!("https://shop.test/page/{}", letters(number)),
        "diagnostics": [],
        "banner": banner(),
        "visits": visits,
    });
    serde_json::from_value(page).expect("a page")
}

fn banner() -> Value {
    json!({
        "found": true, "cmp": "onetrust", "languages": ["en"],
        "routes": {"accept": "first-layer", "reject": "second-layer"},
        "buttons": [{"role": "accept", "text": "Accept", "layer": 1, "place": [0.0, 0.0, 90.0, 40.0]}],
        "text": "We use cookies for advertising.", "frame": null, "seen_ms": 800,
    })
}

/// A number in letters, so that no page and no item is another one's sister.
fn letters(number: usize) -> String {
    number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'g'))
        .collect()
}

/// An identifier of a visit and an item, the same in the whole visit.
fn identifier(page: usize, visit: usize, item: usize) -> String {
    let seed = (page * 31 + visit * 7 + 1) as u64;
    format!(
        "{:016x}",
        seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ ((item as u64) << 8)
    )
}

fn visit(page: usize, at: usize, state: &str) -> Value {
    let answered = state != "before";
    let phase = |item: usize| match item % 3 {
        0 => ("idle", 1_000 + item),
        1 if answered => ("chosen", 15_000 + item),
        2 if answered => ("revisit", 21_000 + item),
        _ => ("active", 6_000 + item),
    };
    let value =
        |text: &str| json!({"text": text, "fingerprint": "0123456789abcdef", "length": text.len()});
    let cookies: Vec<Value> = (0..ITEMS[0])
        .map(|item| {
            let (phase, at_ms) = phase(item);
            let (name, domain) = match item {
                0 => ("_ga".to_owned(), "shop.test".to_owned()),
                1 => ("_fbp".to_owned(), "shop.test".to_owned()),
                2 => ("IDE".to_owned(), "doubleclick.net".to_owned()),
                _ if item % 2 == 0 => (format!("c_{}", letters(item)), "shop.test".to_owned()),
                _ => (format!("c_{}", letters(item)), format!("{}.stranger.test", letters(item % 9))),
            };
            let text = identifier(page, at, item);
            let setter = json!({"kind": "script", "stack": [{"url": "https://cdn.stranger.test/t.js", "line": 3, "column": 7}]});
            json!({
                "name": name, "domain": domain, "host_only": false, "path": "/", "partition_key": null,
                "secure": true, "http_only": false, "same_site": null,
                "party": if domain == "shop.test" { "first" } else { "third" },
                "value": value(&text), "lifetime_s": 31_536_000, "stored_lifetime_s": 31_536_000,
                "set_by": setter, "blocked": [], "at_ms": at_ms, "phase": phase,
                "writes": [{"at_ms": at_ms, "phase": phase, "value": value(&text), "lifetime_s": 31_536_000,
                    "deleted": false, "set_by": setter}],
                "sent": [], "alive": true,
            })
        })
        .collect();
    let storage: Vec<Value> = (0..ITEMS[1])
        .map(|item| {
            let (phase, at_ms) = phase(item);
            json!({
                "kind": "local-storage", "origin": "https://shop.test", "partition": null,
                "key": format!("k_{}", letters(item)), "party": "first",
                "value": value(&identifier(page, at, 500 + item)),
                "set_by": null, "at_ms": at_ms, "phase": phase, "writes": [], "alive": true,
            })
        })
        .collect();
    let requests: Vec<Value> = (0..ITEMS[2])
        .map(|item| {
            let (phase, at_ms) = phase(item);
            let url = match item % 5 {
                0 => format!("https://www.google-analytics.com/g/collect?v=2&tid=G-ABCDEFGHIJ&en=e{item}"),
                1 => format!("https://shop.test/assets/{}.js", letters(item)),
                2 => format!("https://{}.stranger.test/p?u={}", letters(item % 9), identifier(page, at, item % 60)),
                3 => format!("https://ib.adnxs.com/getuid?x={item}&u={}", identifier(page, at, item)),
                _ => format!("https://cdn.jsdelivr.net/npm/{}.js", letters(item)),
            };
            let party = if url.contains("//shop.test") { "first" } else { "third" };
            json!({
                "id": item.to_string(), "url": url, "method": "GET", "resource_type": "Image", "party": party,
                "frame": {"url": "https://shop.test/", "top": true}, "worker": null,
                "at_ms": at_ms, "phase": phase,
                "initiator_chain": [{"kind": "script", "url": "https://cdn.stranger.test/t.js", "line": 3, "column": 7}],
                "redirect_chain": [], "status": 200, "mime_type": null, "from_cache": false,
                "from_service_worker": false, "failed": null, "post_body": null, "sent_cookies": [],
            })
        })
        .collect();
    let phases: Vec<Value> = [
        ("idle", 0, 5_000),
        ("active", 5_000, 10_000),
        ("choosing", 10_000, 11_000),
        ("chosen", 11_000, 20_000),
        ("revisit", 20_000, 30_000),
    ]
    .into_iter()
    .take(if answered { 5 } else { 2 })
    .map(|(name, start_ms, end_ms)| json!({"name": name, "start_ms": start_ms, "end_ms": end_ms}))
    .collect();
    json!({
        "state": state, "repeat": 1, "outcome": "complete", "final_url": "https://shop.test/", "status": 200,
        "choice": {
            "made": answered, "confirmed": answered, "how": null, "by": null, "clicks": u32::from(answered),
            "clicked_ms": answered.then_some(10_000), "confirmed_ms": answered.then_some(11_000),
        },
        "phases": phases,
        "timing": {"started": "2026-11-22T12:00:00Z", "load_ms": 500, "settled": true, "total_ms": 30_000},
        "banner": banner(), "diagnostics": [],
        "snapshot": {"cookies": cookies, "storage": storage, "requests": requests, "signals": [], "scripts": []},
    })
}
