//! What ten thousand schedules cost: how long it takes until all are waited for, and how much of a core they
//! take while none is due.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on should stop, and says what it found"
)]

use std::time::{Duration, Instant};

use consentinel::service::schedule::{self, Schedule};
use consentinel::service::site::{Settings, SiteWish};
use consentinel::service::{Options, Service};
use consentinel::store::Store;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

const SCHEDULES: usize = 10_000;
const ZONES: [&str; 5] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Tokyo",
    "Australia/Lord_Howe",
];
/// How long nothing is done.
const IDLE: Duration = Duration::from_secs(20);

fn main() {
    let folder = tempfile::tempdir().unwrap();
    fill(&Service::open(Store::open(folder.path()).unwrap(), Options::default()).unwrap());
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let began = Instant::now();
        let service =
            Service::open(Store::open(folder.path()).unwrap(), Options::default()).unwrap();
        println!("opened in {:?}", began.elapsed());
        let began = Instant::now();
        let ends = CancellationToken::new();
        let running = tokio::spawn(schedule::run(service.clone(), ends.clone()));
        // The one with the greatest id is wound up last.
        while service.next_of_site("last").is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        println!(
            "{SCHEDULES} schedules are waited for after {:?}",
            began.elapsed()
        );
        let before = cpu_seconds();
        tokio::time::sleep(IDLE).await;
        let share = (cpu_seconds() - before) / IDLE.as_secs_f64();
        println!("idle, they take {:.3} % of a core", share * 100.0);
        ends.cancel();
        running.await.unwrap();
    });
}

/// Schedules in many time zones, none due before tomorrow.
fn fill(service: &Service) {
    for name in ["shop", "last"] {
        let wish = SiteWish {
            name: Some(name.to_owned()),
            url: format!("https://{name}.test/"),
            settings: Settings::default(),
        };
        service.add_site(wish).unwrap();
    }
    let settled = Timestamp::now() + Duration::from_hours(24);
    for number in 0..SCHEDULES {
        let id = format!("{number:05}");
        let site = if number + 1 == SCHEDULES {
            "last"
        } else {
            "shop"
        };
        let schedule = Schedule {
            id: id.clone(),
            site: site.to_owned(),
            cron: format!("{} {} * * {}", number % 60, number % 24, number % 7),
            timezone: ZONES[number % ZONES.len()].to_owned(),
            jitter_seconds: 600,
            enabled: true,
            created: settled,
            changed: settled,
            settled,
            last_audit: None,
            skipped: 0,
        };
        service.shelves().schedules.put(&id, &schedule).unwrap();
    }
    service.store().flush().unwrap();
}

/// Processor time of this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, rest) = stat.rsplit_once(')').unwrap();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    // User and system time, in hundredths of a second.
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}
