use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::Severity::{Critical, High, Info, Low, Medium};
use crate::model::finding::Verdict::{Inconclusive, Likely, Review, Violation};
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Request};
use crate::model::visit::PhaseName::{Choosing, Chosen, Idle, Revisit};
use crate::model::visit::{State, Visit};

fn with_cookie(cookie: Cookie) -> Page {
    refused(|visit| visit.snapshot.cookies.push(cookie))
}

fn with_request(request: Request) -> Page {
    refused(|visit| visit.snapshot.requests.push(request))
}

/// The same cookie, of which nobody saw who wrote it.
fn unexplained(mut cookie: Cookie) -> Cookie {
    cookie.set_by = None;
    for write in &mut cookie.writes {
        write.set_by = None;
    }
    cookie
}

#[test]
fn r10_written_after_the_refusal() {
    let pixel = || cookie("_fbp", SITE, "fb.1.1.1");
    for (case, page, expected) in [
        (
            "marketing",
            with_cookie(pixel().only(Chosen)),
            Some((Critical, Violation, None)),
        ),
        (
            "analytics",
            with_cookie(cookie("_ga", SITE, "x").only(Revisit)),
            Some((High, Violation, None)),
        ),
        (
            "preferences",
            with_cookie(cookie("chat_seen", SITE, "yes").only(Chosen)),
            Some((Medium, Violation, None)),
        ),
        (
            "known by name alone",
            with_cookie(cookie("by_name", SITE, "x").only(Chosen)),
            Some((Critical, Likely, None)),
        ),
        (
            "caused by the click",
            with_cookie(pixel().only(Choosing)),
            Some((Critical, Violation, None)),
        ),
        (
            "a new value",
            with_cookie(pixel().for_the_session().written(Revisit, "fb.1.1.2")),
            Some((Critical, Violation, Some("renewed"))),
        ),
        (
            "a new expiry",
            with_cookie(pixel().written(Revisit, "fb.1.1.1")),
            Some((Critical, Violation, Some("renewed"))),
        ),
        (
            "the same again, written by somebody",
            with_cookie(pixel().for_the_session().written(Revisit, "fb.1.1.1")),
            Some((Critical, Violation, Some("renewed"))),
        ),
        (
            "a new value, seen only as a result",
            with_cookie(unexplained(pixel().written(Revisit, "fb.1.1.2"))),
            Some((Critical, Violation, Some("renewed"))),
        ),
        // What must not be reported.
        ("written before, never again", with_cookie(pixel()), None),
        (
            "the same again, seen only as a result",
            with_cookie(unexplained(
                pixel().for_the_session().written(Revisit, "fb.1.1.1"),
            )),
            None,
        ),
        (
            "again while choosing",
            with_cookie(pixel().written(Choosing, "fb.1.1.2")),
            None,
        ),
        (
            "before the proof",
            with_cookie(pixel().written_at(Chosen, CONFIRMED_MS - 1, "fb.1.1.2")),
            None,
        ),
        (
            "an opt-out flag",
            with_cookie(pixel().written(Revisit, "OPT_OUT")),
            None,
        ),
        (
            "a probe deleted at once",
            with_cookie(pixel().only(Chosen).deleted_after(500)),
            None,
        ),
        (
            "a choice record",
            with_cookie(cookie("OptanonConsent", SITE, "x").only(Chosen)),
            None,
        ),
        (
            "bot protection",
            with_cookie(cookie("__cf_bm", SITE, "x").only(Revisit)),
            None,
        ),
        (
            "a session",
            with_cookie(
                cookie("PHPSESSID", SITE, "x")
                    .only(Revisit)
                    .for_the_session(),
            ),
            None,
        ),
        (
            "a cookie nobody knows",
            with_cookie(cookie("theme", SITE, "dark").only(Chosen)),
            None,
        ),
    ] {
        check(case, &page, "R10", expected);
    }
}

#[test]
fn r10_storage_and_identifiers_count_too() {
    let mut entry = local("_ga", "x", OWN_SCRIPT);
    entry.writes[0].phase = Chosen;
    entry.writes[0].at_ms = at(Chosen);
    check(
        "a storage entry",
        &refused(|visit| visit.snapshot.storage.push(entry)),
        "R10",
        Some((High, Violation, None)),
    );

    let identifier = |domain: &'static str| {
        two_visits(move |number, visit| {
            let written = cookie("xq1", domain, IDS[number]);
            visit.snapshot.cookies.push(if number == 0 {
                written
            } else {
                written.only(Chosen)
            });
        })
    };
    check(
        "an unknown identifier of a third party",
        &identifier("tracker.test"),
        "R10",
        Some((Medium, Likely, None)),
    );
    check(
        "an unknown identifier of the site",
        &identifier(SITE),
        "R10",
        None,
    );
}

#[test]
fn what_happened_before_elsewhere_is_not_caused_by_the_click() {
    let mut before = visit(State::Before);
    before.snapshot.cookies.push(cookie("_fbp", SITE, "a"));
    before
        .snapshot
        .requests
        .push(request("https://www.facebook.com/tr", "Image"));
    let mut late = visit(State::Rejected);
    late.snapshot
        .cookies
        .push(cookie("_fbp", SITE, "b").only(Choosing));
    late.snapshot
        .requests
        .push(request("https://www.facebook.com/tr", "Image").during(Choosing));
    let page = page(vec![before, late]);
    check("a late cookie", &page, "R10", None);
    check("a late request", &page, "R11", None);
}

#[test]
fn r11_requests_after_the_refusal() {
    let pixel = || request("https://www.facebook.com/tr", "Image");
    let before_and =
        |second: Request| refused(|visit| visit.snapshot.requests.extend([pixel(), second]));
    let beacon = Some((Critical, Violation, Some("beacon")));
    for (case, page, expected) in [
        ("a beacon", with_request(pixel().during(Chosen)), beacon),
        (
            "after the reload",
            with_request(pixel().during(Revisit)),
            beacon,
        ),
        (
            "caused by the click",
            with_request(pixel().during(Choosing)),
            beacon,
        ),
        (
            "new, just after the proof",
            with_request(pixel().during_at(Chosen, CONFIRMED_MS + 100)),
            beacon,
        ),
        (
            "again, three seconds after the proof",
            before_and(pixel().during_at(Chosen, CONFIRMED_MS + 3_000)),
            beacon,
        ),
        (
            "again, in a reload at once",
            before_and(pixel().during_at(Revisit, CONFIRMED_MS + 500)),
            beacon,
        ),
        (
            "tracking code",
            with_request(request("https://connect.facebook.net/x.js", "Script").during(Revisit)),
            Some((Medium, Violation, Some("script"))),
        ),
        (
            "a recording",
            with_request(request("https://replay.test/rec", "Fetch").during(Revisit)),
            Some((Critical, Violation, Some("replay"))),
        ),
        (
            "a denied measurement",
            with_request(
                request(
                    "https://www.google-analytics.com/g/collect?gcs=G100&cid=1.2",
                    "Ping",
                )
                .during(Revisit),
            ),
            Some((Info, Review, Some("denied-ping"))),
        ),
        // What must not be reported.
        ("before only", with_request(pixel()), None),
        (
            "again, while choosing",
            before_and(pixel().during(Choosing)),
            None,
        ),
        (
            "on its way when the proof came",
            before_and(pixel().during_at(Chosen, CONFIRMED_MS + 1_999)),
            None,
        ),
        (
            "a consent platform",
            with_request(request("https://consent.test/record", "Fetch").during(Chosen)),
            None,
        ),
        (
            "from the cache",
            with_request(Request {
                from_cache: true,
                ..pixel().during(Revisit)
            }),
            None,
        ),
        (
            "a chat",
            with_request(request("https://chat.test/c", "Fetch").during(Revisit)),
            None,
        ),
    ] {
        check(case, &page, "R11", expected);
    }
}

#[test]
fn r12_what_survives_the_refusal() {
    let pixel = || cookie("_fbp", SITE, "fb.1.1.1");
    let third = || cookie("fr", "facebook.com", "x");
    for (case, page, expected) in [
        (
            "still there",
            with_cookie(pixel()),
            Some((Low, Violation, None)),
        ),
        (
            "sent again",
            with_cookie(pixel().sent_to(SITE, Revisit)),
            Some((High, Violation, None)),
        ),
        (
            "a third party's, sent again",
            with_cookie(third().sent_to("facebook.com", Revisit)),
            Some((High, Violation, None)),
        ),
        (
            "its value in an address",
            refused(|visit| {
                visit
                    .snapshot
                    .cookies
                    .push(cookie("_fbp", SITE, "fb.1.1795348800000.9182736455"));
                visit
                    .snapshot
                    .requests
                    .push(request("https://stranger.test/p?b=9182736455", "Image").during(Revisit));
            }),
            Some((High, Violation, None)),
        ),
        // What must not be reported.
        ("deleted", with_cookie(pixel().gone()), None),
        ("a third party's, not sent", with_cookie(third()), None),
        (
            "a third party's, sent before only",
            with_cookie(third().sent_to("facebook.com", Idle)),
            None,
        ),
        (
            "written after the refusal, so R10",
            with_cookie(pixel().only(Chosen)),
            None,
        ),
        (
            "a choice record",
            with_cookie(cookie("OptanonConsent", SITE, "x")),
            None,
        ),
        (
            "an opt-out flag",
            with_cookie(cookie("_fbp", SITE, "optout")),
            None,
        ),
        (
            "a cookie nobody knows",
            with_cookie(cookie("theme", SITE, "dark")),
            None,
        ),
    ] {
        check(case, &page, "R12", expected);
    }
}

#[test]
fn a_refusal_has_to_be_confirmed() {
    let fill = |visit: &mut Visit| {
        visit
            .snapshot
            .cookies
            .push(cookie("_fbp", SITE, "x").written(Revisit, "y"));
        visit
            .snapshot
            .requests
            .push(request("https://www.facebook.com/tr", "Image").during(Revisit));
    };
    let confirmed = refused(fill);
    let unconfirmed = refused(|visit| {
        fill(visit);
        visit.choice.confirmed = false;
        visit.choice.confirmed_ms = None;
    });
    let not_made = refused(|visit| {
        fill(visit);
        visit.choice = crate::model::visit::Choice::default();
    });
    for rule in ["R10", "R11", "R12"] {
        let verdicts = |page: &Page| -> Vec<_> {
            findings(page, Profile::Eu, rule)
                .iter()
                .map(|finding| finding.verdict)
                .collect()
        };
        assert_eq!(verdicts(&confirmed), [Violation], "{rule}");
        assert_eq!(verdicts(&unconfirmed), [Inconclusive], "{rule}");
        assert_eq!(verdicts(&not_made), [], "{rule}");
        let ids = |page: &Page| -> Vec<_> {
            findings(page, Profile::Eu, rule)
                .into_iter()
                .map(|finding| finding.id)
                .collect()
        };
        assert_eq!(
            ids(&confirmed),
            ids(&unconfirmed),
            "{rule}: the id does not depend on the verdict"
        );
    }
}

#[test]
fn accepting_is_not_refusing() {
    let mut accepted = visit(State::Accepted);
    accepted
        .snapshot
        .cookies
        .push(cookie("_fbp", SITE, "x").only(Chosen));
    accepted
        .snapshot
        .requests
        .push(request("https://www.facebook.com/tr", "Image").during(Revisit));
    let judgement = judged(&[page(vec![visit(State::Before), accepted])], Profile::Eu);
    assert!(judgement.findings.is_empty(), "{:#?}", judgement.findings);
}
