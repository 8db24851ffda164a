use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::party::Party;
use crate::model::snapshot::{InitiatorStep, Script};
use crate::model::value::Value;
use crate::model::visit::{PhaseName, Visit};

#[test]
fn a_finding_names_the_tag_its_container_and_where_the_value_went() {
    let container = "https://www.googletagmanager.com/gtm.js?id=GTM-XYZ&l=dataLayer";
    let pixel = "https://connect.facebook.net/en_US/fbevents.js";
    let page = two_visits(|_, visit| {
        visit.snapshot.cookies.push(
            cookie("_fbp", SITE, "fb.1.1.9182736455")
                .by_script(pixel)
                .for_days(90)
                .sent_to(SITE, PhaseName::Idle),
        );
        visit.snapshot.scripts.push(Script {
            url: pixel.to_owned(),
            party: Party::Third,
            at_ms: 700,
            phase: PhaseName::Idle,
            initiator_chain: vec![InitiatorStep {
                kind: "script".to_owned(),
                url: container.to_owned(),
                line: 1,
                column: 2,
            }],
        });
        visit
            .snapshot
            .requests
            .push(request("https://stranger.test/p?b=9182736455", "Image"));
    });
    let found = findings(&page, Profile::De, "R02");
    let finding = &found[0];
    assert_eq!(finding.evidence.at_ms, Some(at(PhaseName::Idle)));
    assert_eq!(finding.evidence.initiator_chain[0].url, container);
    assert_eq!(
        finding.evidence.value_fingerprint,
        Some(Value::new("fb.1.1.9182736455").fingerprint)
    );
    assert_eq!(finding.evidence.lifetime.as_deref(), Some("90 days"));
    assert!(
        finding
            .evidence
            .notes
            .iter()
            .any(|note| note == "sent to stranger.test"),
        "{finding:#?}"
    );
    for part in [
        "Meta Pixel",
        pixel,
        "marketing",
        "https://www.googletagmanager.com/gtm.js?id=GTM-XYZ.",
    ] {
        assert!(finding.remedy.contains(part), "{part}: {}", finding.remedy);
    }
    assert_eq!(finding.legal.last().map(String::as_str), Some("TDDDG § 25"));
}

#[test]
fn no_value_reaches_a_finding() {
    let page = two_visits(|number, visit| {
        visit
            .snapshot
            .cookies
            .push(cookie("xq1", "tracker.test", IDS[number]));
        visit
            .snapshot
            .storage
            .push(local("k", IDS[number], FOREIGN_SCRIPT));
        visit.snapshot.requests.push(request(
            &format!("https://ads.test/p?u={}", IDS[number]),
            "Image",
        ));
    });
    let text = serde_json::to_string(&judged(&[page], Profile::Eu).findings).unwrap_or_default();
    assert!(
        text.contains("\"R03\"") && text.contains("\"R06\""),
        "{text}"
    );
    assert!(IDS.iter().all(|id| !text.contains(id)), "{text}");
}

#[test]
fn ids_come_from_rule_subject_and_page_only() {
    let ids = |page: &crate::model::report::Page| -> Vec<String> {
        judged(std::slice::from_ref(page), Profile::Eu)
            .findings
            .into_iter()
            .map(|finding| finding.id)
            .collect()
    };
    let fill = |shift: u64, value: &'static str, container: &'static str| {
        two_visits(move |_, visit: &mut Visit| {
            let mut written = cookie(&format!("_ga_{container}"), SITE, value);
            written.writes[0].at_ms += shift;
            visit.snapshot.cookies.push(written);
            visit
                .snapshot
                .requests
                .push(request(&format!("https://ads.test/{shift}/p"), "Image"));
        })
    };
    let first = fill(10_001, "a", "ABC");
    assert_eq!(
        ids(&first),
        ids(&fill(20_002, "b", "XYZ")),
        "time, value and numbers do not matter"
    );
    let mut elsewhere = first.clone();
    "https://shop.test/about".clone_into(&mut elsewhere.url);
    assert!(
        ids(&first).iter().all(|id| !ids(&elsewhere).contains(id)),
        "the page matters"
    );
    assert!(ids(&first).iter().all(|id| id.len() == "R02-".len() + 12));
}

#[test]
fn pages_of_one_pattern_and_numbered_items_are_one_finding() {
    let product = |number: u32| {
        let mut page = two_visits(|_, visit| {
            visit.snapshot.cookies.push(cookie("_ga_ONE", SITE, "x"));
            visit.snapshot.cookies.push(cookie("_ga_TWO", SITE, "x"));
        });
        page.url = format!("https://{SITE}/product/{number}");
        page
    };
    let judgement = judged(&[product(20_000), product(10_000)], Profile::Eu);
    let found: Vec<_> = judgement
        .findings
        .iter()
        .filter(|finding| finding.rule == "R02")
        .collect();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].page, "https://shop.test/product/10000");
    assert_eq!((found[0].seen.k, found[0].seen.of), (4, 4));
    for note in ["also as _ga_TWO", "also on https://shop.test/product/20000"] {
        assert!(
            found[0].evidence.notes.iter().any(|line| line == note),
            "{note}: {found:#?}"
        );
    }
}

#[test]
fn gravest_first() {
    let page = two_visits(|_, visit| {
        visit.snapshot.cookies.push(cookie("theme", SITE, "dark"));
        visit.snapshot.cookies.push(cookie("_ga", SITE, "x"));
        visit.snapshot.cookies.push(cookie("_fbp", SITE, "x"));
    });
    let findings = judged(&[page], Profile::Eu).findings;
    assert!(findings.len() > 3);
    assert!(
        findings.is_sorted_by(|left, right| left.severity >= right.severity),
        "{findings:#?}"
    );
}
