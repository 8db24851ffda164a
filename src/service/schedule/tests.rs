#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use super::*;
use crate::service::Options;
use crate::service::audit::Standing;
use crate::service::site::{Settings, SiteWish};
use crate::store::Store;

fn service(folder: &Path) -> Service {
    Service::open(Store::open(folder).unwrap(), Options::default()).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A schedule that is settled up to a moment.
fn schedule(id: &str, site: &str, cron: &str, settled: &str) -> Schedule {
    Schedule {
        id: id.to_owned(),
        site: site.to_owned(),
        cron: cron.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        jitter_seconds: 0,
        enabled: true,
        created: at(settled),
        changed: at(settled),
        settled: at(settled),
        last_audit: None,
        skipped: 0,
    }
}

fn add_site(service: &Service, name: &str) -> String {
    let wish = SiteWish {
        name: Some(name.to_owned()),
        url: format!("https://{name}.test/"),
        settings: Settings::default(),
    };
    service.add_site(wish).unwrap().id
}

/// The sites audits were asked for, in their order.
fn asked(service: &Service) -> Vec<String> {
    let audits = service.shelves().audits.all();
    audits.map(|audit| audit.unwrap().1.site).collect()
}

#[test]
fn what_is_due_is_asked_for() {
    // 03:00 in Berlin is 02:00 UTC in November.
    let nightly = schedule("s", "shop", "0 3 * * *", "2026-11-20T12:00:00Z");
    let with = |change: fn(&mut Schedule)| {
        let mut schedule = nightly.clone();
        change(&mut schedule);
        schedule
    };
    for (case, schedule, now, audits, next) in [
        (
            "not yet",
            nightly.clone(),
            "2026-11-21T01:59:59Z",
            0,
            Some("2026-11-21T02:00:00Z"),
        ),
        (
            "now",
            nightly.clone(),
            "2026-11-21T02:00:00Z",
            1,
            Some("2026-11-22T02:00:00Z"),
        ),
        (
            "missed three times",
            nightly.clone(),
            "2026-11-23T12:00:00Z",
            1,
            Some("2026-11-24T02:00:00Z"),
        ),
        (
            "off",
            with(|it| it.enabled = false),
            "2026-11-23T12:00:00Z",
            0,
            None,
        ),
        (
            "the clock was set back",
            with(|it| it.settled = at("2026-12-24T02:00:00Z")),
            "2026-11-23T12:00:00Z",
            0,
            Some("2026-12-25T02:00:00Z"),
        ),
        (
            "cannot be read",
            with(|it| "every night".clone_into(&mut it.cron)),
            "2026-11-23T12:00:00Z",
            0,
            None,
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path());
        add_site(&service, "shop");
        service.shelves().schedules.put("s", &schedule).unwrap();
        service.wind_all();
        service.ask_for_what_is_due(at(now)).unwrap();
        assert_eq!(asked(&service).len(), audits, "{case}");
        assert_eq!(service.timer().first(), next.map(at), "{case}");
        assert_eq!(service.next_of_site("shop"), next.map(at), "{case}");
        // Whatever came of it, the same moment brings nothing more.
        service.ask_for_what_is_due(at(now)).unwrap();
        assert_eq!(asked(&service).len(), audits, "{case}");
        assert_eq!(service.schedule("s").unwrap().skipped, 0, "{case}");
    }
}

#[test]
fn never_two_of_a_site_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let (shop, blog) = (add_site(&service, "shop"), add_site(&service, "blog"));
    for (id, site) in [("a", &shop), ("b", &shop), ("c", &blog)] {
        let schedule = schedule(id, site, "0 3 * * *", "2026-11-20T12:00:00Z");
        service.shelves().schedules.put(id, &schedule).unwrap();
    }
    service.wind_all();
    service
        .ask_for_what_is_due(at("2026-11-21T02:00:00Z"))
        .unwrap();
    assert_eq!(asked(&service), [shop.clone(), blog.clone()]);
    let skipped = |id| service.schedule(id).unwrap().skipped;
    assert_eq!((skipped("a"), skipped("b"), skipped("c")), (0, 1, 0));
    // The next night, the blog's audit is over, the shop's still waits.
    let (_, blogs) = service
        .shelves()
        .audits
        .all()
        .map(Result::unwrap)
        .find(|(_, audit)| audit.site == blog)
        .unwrap();
    service.call_off(&blogs.id).unwrap();
    service
        .ask_for_what_is_due(at("2026-11-22T02:00:00Z"))
        .unwrap();
    assert_eq!(asked(&service), [shop, blog.clone(), blog]);
    assert_eq!((skipped("a"), skipped("b"), skipped("c")), (1, 2, 0));
    let last = service.schedule("c").unwrap().last_audit.unwrap();
    assert_eq!(
        service
            .shelves()
            .audits
            .get(&last)
            .unwrap()
            .unwrap()
            .asked_by,
        "schedule c"
    );
}

#[test]
fn schedules_outlive_the_service() {
    let folder = tempfile::tempdir().unwrap();
    {
        let service = service(folder.path());
        let shop = add_site(&service, "shop");
        let schedule = schedule("s", &shop, "0 3 * * *", "2026-11-20T12:00:00Z");
        service.shelves().schedules.put("s", &schedule).unwrap();
        service.wind_all();
        service
            .ask_for_what_is_due(at("2026-11-21T02:00:00Z"))
            .unwrap();
    }
    let again = service(folder.path());
    again.wind_all();
    assert_eq!(again.timer().first(), Some(at("2026-11-22T02:00:00Z")));
    assert_eq!(again.board().site("shop").open.len(), 1);
}

#[test]
fn a_site_takes_its_schedules_and_audits_along() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let shop = add_site(&service, "shop");
    let wish = ScheduleWish {
        site: shop.clone(),
        cron: "0 3 * * *".to_owned(),
        timezone: utc(),
        jitter_seconds: 60,
        enabled: true,
    };
    let schedule = service.add_schedule(wish.clone()).unwrap();
    let audit = service
        .run_schedule(&schedule.id, "account anna@example.com")
        .unwrap();
    assert_eq!(
        service.run_schedule(&schedule.id, "x").unwrap_err().status,
        409
    );
    assert!(service.next_of_site(&shop).is_some());
    service.remove_site(&shop).unwrap();
    assert_eq!(service.next_of_site(&shop), None);
    assert_eq!(service.schedule(&schedule.id).unwrap_err().status, 404);
    let audit = service.shelves().audits.get(&audit.id).unwrap().unwrap();
    assert_eq!(audit.standing, Standing::Cancelled);
    assert_eq!(
        service.add_schedule(wish).unwrap_err().pointer.as_deref(),
        Some("/site")
    );
}

#[test]
fn what_is_wrong_with_a_schedule_has_a_name() {
    let wish = |cron: &str, timezone: &str, jitter_seconds| ScheduleWish {
        site: "shop".to_owned(),
        cron: cron.to_owned(),
        timezone: timezone.to_owned(),
        jitter_seconds,
        enabled: true,
    };
    for (wish, pointer) in [
        (wish("0 3 * * *", "UTC", 0), None),
        (wish("0 3 * * *", "UTC", 43_200), None),
        (wish("0 3 * * *", "UTC", 43_201), Some("/jitter_seconds")),
        (wish("0 3 * *", "UTC", 0), Some("/cron")),
        (wish("0 3 30 2 *", "UTC", 0), Some("/cron")),
        (wish("0 3 * * *", "Nowhere", 0), Some("/timezone")),
    ] {
        let found = wish.check(at("2026-11-23T00:00:00Z"));
        let at = found
            .as_ref()
            .err()
            .and_then(|problem| problem.pointer.as_deref());
        assert_eq!(at, pointer, "{wish:?}: {found:?}");
    }
}

/// Each of a thousand comes once a day, whatever the others do. What ten thousand cost, the benchmark
/// `schedules` says.
#[test]
fn of_many_each_has_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let shop = add_site(&service, "shop");
    for number in 0..1_000 {
        let id = format!("{number:04}");
        let cron = format!("{} {} * * *", number % 60, number % 24);
        let schedule = schedule(&id, &shop, &cron, "2026-11-20T12:00:00Z");
        service.shelves().schedules.put(&id, &schedule).unwrap();
    }
    service.wind_all();
    let mut due = 0;
    while let Some(first) = service.timer().first() {
        assert!(first <= at("2026-11-21T12:00:00Z"));
        due += service.timer().take_due(first).len();
    }
    assert_eq!(due, 1_000);
}
