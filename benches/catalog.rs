//! What the catalog costs: loading it, asking it, keeping it, and how that grows with its size.
//!
//! `cargo bench --bench catalog` prints the tables. The catalogs are made up: names and hosts as
//! services have them, a third of the names with wildcards. Times are of the processor, where the
//! system tells them: other programs do not count.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints its table and stops at what is in its way"
)]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use consentinel::catalog::{Catalog, ItemQuery};
use url::Url;

/// Sizes measured: patterns in all, and services they belong to.
const SIZES: [(usize, usize); 3] = [(1_000, 200), (10_000, 1_000), (100_000, 2_000)];
/// Services of a catalog as it is written by hand, with five items and three hosts each.
const SERVICES: usize = 2_000;
/// Questions asked of each size.
const QUESTIONS: usize = 200_000;
const ROUNDS: usize = 5;
/// Argument of the process that only loads, so that its memory can be read.
const MEMORY: &str = "--memory";

/// A made-up catalog: `services` of them, with so many names and hosts each.
#[derive(Clone, Copy)]
struct Shape {
    services: usize,
    names: usize,
    hosts: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(MEMORY) {
        let folder = arguments.next().expect("a folder");
        let before = resident_kb();
        let catalog = Catalog::with_overlay(Path::new(&folder)).expect("a catalog");
        let taken = resident_kb().saturating_sub(before);
        assert!(catalog.services().count() > 0, "it is kept until here");
        println!("{:.1}", taken as f64 / 1024.0);
        return;
    }
    let built_in = time_of(Catalog::builtin);
    println!("built-in catalog: {:.1} ms to load", built_in * 1e3);
    by_hand();
    println!("\npatterns    hosts   load ms   item ns  request ns   memory MB");
    for (patterns, services) in SIZES {
        let shape = Shape {
            services,
            names: patterns / services,
            hosts: patterns / 2 / services,
        };
        growth(shape);
    }
}

/// Loads a catalog of the size people write.
fn by_hand() {
    let shape = Shape {
        services: SERVICES,
        names: 5,
        hosts: 3,
    };
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), shape);
    let both = time_of(|| Catalog::with_overlay(folder.path()));
    let built_in = time_of(Catalog::builtin);
    println!(
        "{SERVICES} services of five items and three hosts: {:.1} ms to load beside the built-in ones",
        (both - built_in) * 1e3
    );
}

fn growth(shape: Shape) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), shape);
    let load = time_of(|| Catalog::with_overlay(folder.path()));
    let memory = memory_mb(folder.path());
    let catalog = Catalog::with_overlay(folder.path()).expect("a catalog");
    let (items, requests) = questions(shape);
    let contacted = BTreeSet::new();
    let mut found = 0_usize;
    let item_s = best_of(|| {
        for (name, host) in &items {
            let query = ItemQuery {
                name,
                host,
                storage: None,
                site: "www.shop.example",
                set_by: &[],
                value: "",
                contacted: &contacted,
            };
            found += usize::from(catalog.match_item(&query).is_some());
        }
    });
    let request_s = best_of(|| {
        for url in &requests {
            found += usize::from(catalog.match_request(url, "www.shop.example").is_some());
        }
    });
    assert!(found > 0, "somebody has to be found");
    println!(
        "{:>8} {:>8} {:>9.1} {:>9.0} {:>11.0} {:>11.1}",
        shape.services * shape.names,
        shape.services * shape.hosts,
        load * 1e3,
        item_s * 1e9 / items.len() as f64,
        request_s * 1e9 / requests.len() as f64,
        memory,
    );
}

/// The best of several rounds, in seconds.
fn best_of(mut work: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let (start, start_cpu) = (Instant::now(), processor_s());
            work();
            match (start_cpu, processor_s()) {
                (Some(start), Some(end)) => end - start,
                _ => start.elapsed().as_secs_f64(),
            }
        })
        .fold(f64::INFINITY, f64::min)
}

fn time_of<T, E: std::fmt::Debug>(mut load: impl FnMut() -> Result<T, E>) -> f64 {
    best_of(|| drop(load().expect("a catalog")))
}

/// A word that looks like one of a vendor, different for every number.
fn word(number: usize) -> String {
    const SYLLABLES: [&str; 16] = [
        "ad", "ana", "bid", "cli", "con", "data", "ev", "log", "mark", "pix", "ses", "tag",
        "track", "uid", "vis", "zen",
    ];
    let mut rest = number;
    let mut word = String::new();
    loop {
        word.push_str(SYLLABLES[rest % SYLLABLES.len()]);
        rest /= SYLLABLES.len();
        if rest == 0 {
            return word;
        }
    }
}

/// The pattern of a name, and a name it fits.
fn pattern(service: usize, name: usize) -> (String, String) {
    let (vendor, item) = (word(service), word(name));
    match name % 6 {
        0 => (
            format!("_{vendor}_{item}_*"),
            format!("_{vendor}_{item}_x7"),
        ),
        1 => (
            format!("{vendor}.{item}.<id:hex{{4}}>"),
            format!("{vendor}.{item}.09af"),
        ),
        _ => (format!("{vendor}_{item}"), format!("{vendor}_{item}")),
    }
}

fn host(service: usize, host: usize) -> String {
    format!("{}.{}-cdn.example", word(host), word(service))
}

fn write(folder: &Path, shape: Shape) {
    for service in 0..shape.services {
        let mut text = format!(
            "schema = 1\nid = \"made-{service}\"\nname = \"Made {service}\"\nkind = \"service\"\n\
             sector = \"analytics\"\ncategory = \"analytics\"\nsrc = [\"s\"]\n"
        );
        for number in 0..shape.hosts {
            writeln!(
                text,
                "[[request]]\nhost = \"{}\"\nrole = \"loader\"",
                host(service, number)
            )
            .expect("text");
        }
        for number in 0..shape.names {
            writeln!(
                text,
                "[[cookie]]\nname = \"{}\"\nduration = \"13 months\"\nrole = \"identifier\"\npurpose = \"Tells browsers apart.\"",
                pattern(service, number).0
            )
            .expect("text");
        }
        text.push_str("[[source]]\nid = \"s\"\nkind = \"knowledge\"\nrights = \"CC0-1.0\"\n");
        fs::write(folder.join(format!("made-{service}.toml")), text).expect("a file");
    }
}

/// Items and requests as a crawl sees them: two of three are known.
fn questions(shape: Shape) -> (Vec<(String, String)>, Vec<Url>) {
    let mut items = Vec::with_capacity(QUESTIONS);
    let mut requests = Vec::with_capacity(QUESTIONS);
    // A multiplier that visits services and names in no order a cache could like.
    for number in (0..QUESTIONS).map(|number| number.wrapping_mul(7_919)) {
        let (service, name) = (number % shape.services, number / 3 % shape.names);
        let known = number % 3 != 0;
        let at = if number % 2 == 0 {
            host(service, name % shape.hosts)
        } else {
            "www.shop.example".to_owned()
        };
        let named = pattern(service, name).1;
        items.push(if known {
            (named, at)
        } else {
            (format!("{named}-else"), at)
        });
        let to = if known {
            host(service, name % shape.hosts)
        } else {
            format!("{}.else.example", word(service))
        };
        requests.push(Url::parse(&format!("https://{to}/a/b.js?x=1")).expect("an address"));
    }
    (items, requests)
}

/// Processor time this thread has used, in seconds; absent where the system does not say.
fn processor_s() -> Option<f64> {
    let status = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = status.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

/// Memory that a process of its own takes to load the catalog in a folder, in megabytes.
fn memory_mb(folder: &Path) -> f64 {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .arg(MEMORY)
        .arg(folder)
        .output()
        .expect("this program again");
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().unwrap_or(f64::NAN)
}

/// Memory the process holds, in kilobytes; zero where the system does not say.
fn resident_kb() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0)
}
