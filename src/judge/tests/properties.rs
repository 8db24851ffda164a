use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::select;

use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Request};
use crate::model::visit::{PhaseName, State};

const PHASES: [PhaseName; 5] = [
    PhaseName::Idle,
    PhaseName::Active,
    PhaseName::Choosing,
    PhaseName::Chosen,
    PhaseName::Revisit,
];

fn any_cookie() -> impl Strategy<Value = Cookie> {
    let names = prop_oneof![
        select(vec![
            "_ga",
            "_ga_X",
            "_fbp",
            "fr",
            "theme",
            "__cf_bm",
            "PHPSESSID",
            "xq1"
        ])
        .prop_map(str::to_owned),
        "\\PC{0,12}",
    ];
    let domains = select(vec![
        SITE,
        "www.shop.test",
        "tracker.test",
        "",
        ".",
        "co.uk",
        "127.0.0.1",
    ]);
    let writes = prop::collection::vec(
        (
            select(PHASES.to_vec()),
            any::<u32>(),
            any_value(),
            any::<bool>(),
        ),
        0..4,
    );
    (
        names,
        domains,
        any_value(),
        writes,
        any::<Option<i64>>(),
        any::<bool>(),
    )
        .prop_map(|(name, domain, value, writes, lifetime, alive)| {
            let mut made = cookie(&name, domain, &value);
            made.lifetime_s = lifetime;
            made.alive = alive;
            for (phase, at_ms, value, deleted) in writes {
                made = made.written_at(phase, at_ms.into(), &value);
                if let Some(write) = made.writes.last_mut() {
                    write.deleted = deleted;
                }
            }
            made
        })
}

fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        "[0-9a-f]{16}",
        "%[0-9A-F]{2}[%0-9a-f]{0,20}",
        "\\{\"[a-z]\":[\\[\\{\"0-9a-f\\}\\]]{0,20}",
        select(IDS.to_vec()).prop_map(str::to_owned),
    ]
}

fn any_request() -> impl Strategy<Value = Request> {
    let hosts = select(vec![
        "www.google-analytics.com",
        "ads.test",
        "shop.test",
        "replay.test",
        "stranger.test",
    ]);
    (
        hosts,
        "[a-z0-9/%._-]{0,20}",
        any_value(),
        select(PHASES.to_vec()),
        any::<u32>(),
    )
        .prop_map(|(host, path, value, phase, at_ms)| {
            let url = format!("https://{host}/{path}?gcs=G100&cid={value}");
            request(&url, "Ping")
                .during_at(phase, at_ms.into())
                .with_body(&value)
        })
}

fn any_page() -> impl Strategy<Value = Page> {
    let states = select(vec![State::Before, State::Rejected, State::Accepted]);
    let visits = (
        states,
        prop::collection::vec(any_cookie(), 0..6),
        prop::collection::vec(any_request(), 0..6),
    )
        .prop_map(|(state, cookies, requests)| {
            let mut made = visit(state);
            made.snapshot.cookies = cookies;
            made.snapshot.requests = requests;
            made
        });
    prop::collection::vec(visits, 0..4).prop_map(page)
}

fn ids(pages: &[Page], profile: Profile) -> Vec<String> {
    judged(pages, profile)
        .findings
        .into_iter()
        .map(|finding| finding.id)
        .collect()
}

proptest! {
    #[test]
    fn any_page_is_judged(page in any_page(), profile in select(vec![Profile::Eu, Profile::Fr, Profile::Uk])) {
        let judgement = judged(&[page], profile);
        let mut ids: Vec<_> = judgement.findings.iter().map(|finding| &finding.id).collect();
        ids.sort();
        ids.dedup();
        prop_assert_eq!(ids.len(), judgement.findings.len(), "an id stands for one finding");
    }

    #[test]
    fn the_order_of_the_record_does_not_matter(page in any_page()) {
        let mut turned = page.clone();
        turned.visits.reverse();
        for visit in &mut turned.visits {
            visit.snapshot.cookies.reverse();
            visit.snapshot.requests.reverse();
        }
        prop_assert_eq!(ids(&[page], Profile::Eu), ids(&[turned], Profile::Eu));
    }
}

/// Far above what the pages below take on a busy machine (three seconds of an idle core), far below
/// what comparing everything with everything would take.
const QUADRATIC: Duration = Duration::from_mins(2);

/// A number in letters that no rule takes for a number.
fn lettered(number: u32) -> String {
    number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'g'))
        .collect()
}

#[test]
fn a_large_page_is_judged_at_once() {
    let page = two_visits(|number, visit| {
        for item in 0..2_000 {
            let value = format!("{}{item:08x}", IDS[number]);
            visit.snapshot.cookies.push(cookie(
                &format!("name_{}", lettered(item)),
                "tracker.test",
                &value,
            ));
        }
        for sent in 0..5_000 {
            let url = format!(
                "https://ads.test/{}?u={}{:08x}&t=1795348800",
                lettered(sent),
                IDS[number],
                sent % 2_000
            );
            visit.snapshot.requests.push(request(&url, "Image"));
        }
    });
    let began = Instant::now();
    let found = judged(&[page], Profile::Eu).findings.len();
    let took = began.elapsed();
    assert!(found > 5_000, "{found}");
    assert!(took < QUADRATIC, "{took:?}");
}

#[test]
fn one_token_everywhere_is_bounded() {
    let page = two_visits(|number, visit| {
        for item in 0..2_000 {
            visit.snapshot.cookies.push(cookie(
                &format!("name_{}", lettered(item)),
                "tracker.test",
                IDS[number],
            ));
        }
        for sent in 0..5_000 {
            let url = format!("https://h{sent}.stranger.test/p?u={}", IDS[number]);
            visit.snapshot.requests.push(request(&url, "Image"));
        }
    });
    let began = Instant::now();
    judged(&[page], Profile::Eu);
    let took = began.elapsed();
    assert!(took < QUADRATIC, "{took:?}");
}
