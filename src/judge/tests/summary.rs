use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::{Category, Severity};
use crate::model::report::Answer::{self, No, NotEstablished, Yes};
use crate::model::report::Page;
use crate::model::visit::ButtonRole::{Accept, Reject};
use crate::model::visit::Route::{FirstLayer, SecondLayer};
use crate::model::visit::{Banner, Diagnostic, DiagnosticCode, Outcome, PhaseName, Visit};

fn fair() -> Banner {
    banner(FirstLayer, FirstLayer, &[(Accept, "Yes"), (Reject, "No")])
}

fn answers(page: &Page) -> (Answer, Answer, Answer) {
    let summary = judged(std::slice::from_ref(page), Profile::Eu).summary;
    (
        summary.before_choice,
        summary.reject_as_easy,
        summary.without_consent,
    )
}

/// A page with a fair banner that keeps to the rules, and what else `fill` does.
fn fair_page(mut fill: impl FnMut(usize, &mut Visit)) -> Page {
    two_visits(|number, visit| {
        visit.banner = fair();
        fill(number, visit);
    })
}

#[test]
fn the_three_questions() {
    let unfair = banner(FirstLayer, SecondLayer, &[(Accept, "Yes")]);
    let lost = Diagnostic {
        code: DiagnosticCode::EventsLost,
        message: String::new(),
        state: None,
    };
    for (case, page, expected) in [
        ("nothing wrong", fair_page(|_, _| {}), (No, Yes, No)),
        (
            "a no that can hardly be read",
            fair_page(|_, visit| {
                for (button, contrast) in visit.banner.buttons.iter_mut().zip([9.0, 1.3]) {
                    button.contrast = Some(contrast);
                }
            }),
            (No, NotEstablished, No),
        ),
        (
            "a cookie before the choice",
            fair_page(|_, visit| visit.snapshot.cookies.push(cookie("_ga", SITE, "x").gone())),
            (Yes, Yes, No),
        ),
        (
            "a cookie after the refusal",
            fair_page(|_, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("_ga", SITE, "x").only(PhaseName::Revisit));
            }),
            (No, Yes, Yes),
        ),
        (
            "a denied measurement after the refusal",
            fair_page(|_, visit| {
                let ping = request(
                    "https://www.google-analytics.com/g/collect?gcs=G100",
                    "Ping",
                );
                visit
                    .snapshot
                    .requests
                    .push(ping.during(PhaseName::Revisit));
            }),
            (No, Yes, No),
        ),
        (
            "no way to refuse",
            two_visits(|_, visit| visit.banner = unfair.clone()),
            (No, No, No),
        ),
        ("no banner", two_visits(|_, _| {}), (No, NotEstablished, No)),
        (
            "tracking without any banner",
            two_visits(|_, visit| {
                visit.choice.made = false;
                visit.choice.confirmed = false;
                visit.snapshot.cookies.push(cookie("_ga", SITE, "x"));
            }),
            (Yes, NotEstablished, Yes),
        ),
        (
            "not reached",
            fair_page(|_, visit| visit.outcome = Outcome::TimedOut),
            (NotEstablished, Yes, NotEstablished),
        ),
        (
            "not confirmed",
            fair_page(|_, visit| visit.choice.confirmed = false),
            (No, Yes, NotEstablished),
        ),
        (
            "events lost",
            fair_page(|_, visit| visit.diagnostics.push(lost.clone())),
            (NotEstablished, Yes, NotEstablished),
        ),
        (
            "a person has to look first",
            fair_page(|_, visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("shared_name", SITE, "x").gone());
            }),
            (NotEstablished, Yes, No),
        ),
    ] {
        assert_eq!(answers(&page), expected, "{case}");
    }
    let summary = judged(&[], Profile::Eu).summary;
    assert_eq!(summary.before_choice, NotEstablished, "no page at all");
}

#[test]
fn one_bad_page_answers_for_all() {
    let mut bad =
        fair_page(|_, visit| visit.snapshot.cookies.push(cookie("_ga", SITE, "x").gone()));
    "https://shop.test/about".clone_into(&mut bad.url);
    let mut unreached = fair_page(|_, visit| visit.outcome = Outcome::Unreachable);
    "https://shop.test/gone".clone_into(&mut unreached.url);
    let judgement = judged(&[fair_page(|_, _| {}), bad, unreached], Profile::Eu);
    assert_eq!(judgement.summary.before_choice, Yes);
    assert_eq!(judgement.summary.without_consent, NotEstablished);
    assert_eq!(judgement.summary.incomplete_pages, 1);
    assert_eq!(judgement.summary.by_severity.get(&Severity::High), Some(&1));
    assert_eq!(
        judgement.summary.by_service.get("google-analytics"),
        Some(&1)
    );
    assert_eq!(judgement.summary.by_rule.get("R02"), Some(&1));
}

#[test]
fn services_are_those_of_items_and_requests_in_any_state() {
    let page = two_visits(|_, visit| {
        visit
            .snapshot
            .cookies
            .push(cookie("_fbp", SITE, "x").only(PhaseName::Chosen));
        visit
            .snapshot
            .requests
            .push(request("https://chat.test/c", "Fetch"));
        visit
            .snapshot
            .requests
            .push(request("https://consent.test/c", "Fetch"));
    });
    let services = judged(&[page], Profile::Eu).services;
    let seen: Vec<_> = services
        .iter()
        .map(|service| {
            (
                service.id.as_str(),
                service.name.as_str(),
                service.category,
                service.pages.len(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("chat", "Chat", Category::Preferences, 1),
            ("meta-pixel", "Meta Pixel", Category::Marketing, 1),
            ("onetrust", "onetrust", Category::Marketing, 1),
        ]
    );
}
