use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::Severity::{Critical, High, Low, Medium};
use crate::model::finding::Verdict::{Likely, Review, Violation};
use crate::model::snapshot::{Cookie, StorageEntry};
use crate::model::visit::{Outcome, PhaseName, State, Visit};

/// A page whose two visits each hold a cookie made from their own identifier.
fn with_cookie(make: impl Fn(&str) -> Cookie) -> crate::model::report::Page {
    two_visits(|number, visit| visit.snapshot.cookies.push(make(IDS[number])))
}

fn with_entry(make: impl Fn(&str) -> StorageEntry) -> crate::model::report::Page {
    two_visits(|number, visit| visit.snapshot.storage.push(make(IDS[number])))
}

#[test]
fn r02_known_cookies() {
    let ga = |id: &str| cookie("_ga", SITE, &format!("GA1.1.{id}.1795348800"));
    for (case, page, expected) in [
        ("analytics", with_cookie(ga), Some((High, Violation, None))),
        (
            "marketing",
            with_cookie(|id| cookie("_fbp", SITE, id)),
            Some((Critical, Violation, None)),
        ),
        (
            "preferences",
            with_cookie(|_| cookie("chat_seen", SITE, "yes")),
            Some((Medium, Violation, None)),
        ),
        (
            "captcha",
            with_cookie(|id| cookie("_GRECAPTCHA", "google.com", id)),
            Some((Medium, Violation, None)),
        ),
        (
            "only a session",
            with_cookie(|id| ga(id).for_the_session()),
            Some((High, Violation, None)),
        ),
        (
            "during activity only",
            with_cookie(|id| ga(id).only(PhaseName::Active)),
            Some((High, Violation, None)),
        ),
        (
            "known by name alone",
            with_cookie(|id| cookie("by_name", SITE, id)),
            Some((Critical, Likely, None)),
        ),
        (
            "a name of two services",
            with_cookie(|id| cookie("shared_name", SITE, id)),
            Some((Critical, Review, None)),
        ),
        (
            "an overridden row alone",
            with_cookie(|id| cookie("_hjid", SITE, id)),
            Some((High, Likely, None)),
        ),
        (
            "an overridden row with a third-party writer",
            with_cookie(|id| cookie("_hjid", SITE, id).by_script(FOREIGN_SCRIPT)),
            Some((High, Violation, None)),
        ),
        (
            "refused by the browser",
            with_cookie(|id| cookie("fr", "facebook.com", id).refused()),
            Some((High, Violation, None)),
        ),
        (
            "deleted after two seconds",
            with_cookie(|id| ga(id).deleted_after(2_000)),
            Some((High, Violation, None)),
        ),
        // What must not be reported.
        (
            "a probe deleted at once",
            with_cookie(|id| ga(id).deleted_after(900)),
            None,
        ),
        (
            "after the choice only",
            with_cookie(|id| ga(id).only(PhaseName::Chosen)),
            None,
        ),
        (
            "while choosing only",
            with_cookie(|id| ga(id).only(PhaseName::Choosing)),
            None,
        ),
        ("a deletion", with_cookie(|id| ga(id).for_days(0)), None),
        (
            "an opt-out flag",
            with_cookie(|_| cookie("_fbp", SITE, "OPT_OUT")),
            None,
        ),
        (
            "an opt-out flag as a number",
            with_cookie(|_| cookie("_fbp", SITE, "0")),
            None,
        ),
        (
            "a choice record",
            with_cookie(|id| cookie("OptanonConsent", SITE, id)),
            None,
        ),
        (
            "a session",
            with_cookie(|id| cookie("PHPSESSID", SITE, id).for_the_session()),
            None,
        ),
        (
            "bot protection",
            with_cookie(|id| cookie("__cf_bm", SITE, id)),
            None,
        ),
        (
            "a probe by its row",
            with_cookie(|_| cookie("test_cookie", "doubleclick.net", "CheckForPermission")),
            None,
        ),
        (
            "a probe by its role",
            with_cookie(|_| cookie("trial", SITE, "1")),
            None,
        ),
        (
            "a basket before anything is in it",
            with_cookie(|id| cookie("cart", SITE, id)),
            None,
        ),
        (
            "a category nobody knows",
            with_cookie(|_| cookie("unsure", SITE, "x")),
            None,
        ),
        (
            "a cookie nobody knows",
            with_cookie(|_| cookie("theme", SITE, "dark")),
            None,
        ),
        (
            "local storage of the same name",
            with_entry(|id| local("_ga", id, OWN_SCRIPT)),
            None,
        ),
    ] {
        check(case, &page, "R02", expected);
    }
}

#[test]
fn r02_counts_what_any_visit_saw_before_its_choice() {
    for (case, state) in [
        ("refused later", State::Rejected),
        ("accepted later", State::Accepted),
    ] {
        let mut later = visit(state);
        later
            .snapshot
            .cookies
            .push(cookie("_ga", SITE, "GA1.1.123456789.1795348800"));
        let page = page(vec![visit(State::Before), later]);
        let found = findings(&page, Profile::Eu, "R02");
        assert_eq!(found.len(), 1, "{case}");
        assert_eq!(found[0].state, State::Before, "{case}");
        assert_eq!((found[0].seen.k, found[0].seen.of), (1, 2), "{case}");
    }
}

#[test]
fn r02_in_other_jurisdictions() {
    let ga = with_cookie(|id| cookie("_ga", SITE, id));
    let matomo = with_cookie(|id| cookie("_pk_id", SITE, id));
    let pixel = with_cookie(|id| cookie("_fbp", SITE, id));
    for (case, page, profile, expected) in [
        (
            "own statistics in the United Kingdom",
            &ga,
            Profile::Uk,
            Some((High, Review, None)),
        ),
        (
            "advertising in the United Kingdom",
            &pixel,
            Profile::Uk,
            Some((Critical, Violation, None)),
        ),
        (
            "conditional exemption in France",
            &matomo,
            Profile::Fr,
            Some((High, Review, None)),
        ),
        (
            "none in Germany",
            &matomo,
            Profile::De,
            Some((High, Violation, None)),
        ),
    ] {
        check_in(case, page, profile, "R02", expected);
    }
}

#[test]
fn pages_that_something_else_stood_in_for_are_not_judged() {
    for (outcome, expected) in [
        (Outcome::Blocked, 0),
        (Outcome::HttpError, 0),
        (Outcome::NotAPage, 0),
        (Outcome::TimedOut, 1),
        (Outcome::Interrupted, 1),
    ] {
        let page = two_visits(|_, visit| {
            visit.outcome = outcome;
            visit.snapshot.cookies.push(cookie("_fbp", SITE, "x"));
        });
        assert_eq!(
            findings(&page, Profile::Eu, "R02").len(),
            expected,
            "{outcome:?}"
        );
    }
}

#[test]
fn what_a_foreign_link_stored_on_the_way_is_not_the_sites() {
    let hop = "https://short.test/abc";
    let through = |first_hop: &str| {
        let mut page = two_visits(|_, visit| {
            let mut document = request(&format!("https://{SITE}/"), "Document");
            document.redirect_chain = vec![crate::model::snapshot::RedirectHop {
                url: hop.to_owned(),
                status: 302,
                set_cookies: vec!["_fbp".to_owned()],
            }];
            visit.snapshot.requests.push(document);
            visit
                .snapshot
                .cookies
                .push(cookie("_fbp", "short.test", "x").by_response(hop));
        });
        first_hop.clone_into(&mut page.url);
        page
    };
    check("a shortened link", &through(hop), "R02", None);
    check(
        "the site sends its visitor round",
        &through("https://shop.test/"),
        "R02",
        Some((Critical, Violation, None)),
    );
}

#[test]
fn r03_identifier_cookies() {
    let third = |id: &str| cookie("xq1", "tracker.test", id).by_response("https://tracker.test/p");
    let first = |id: &str| cookie("visitor", SITE, id);
    let with_request = |make: fn(&str) -> Cookie, url: fn(&str) -> String| {
        two_visits(move |number, visit| {
            visit.snapshot.cookies.push(make(IDS[number]));
            visit
                .snapshot
                .requests
                .push(request(&url(IDS[number]), "Image"));
        })
    };
    let visitor: fn(&str) -> Cookie = |id| cookie("visitor", SITE, id);
    for (case, page, expected) in [
        (
            "third party",
            with_cookie(third),
            Some((Medium, Likely, None)),
        ),
        (
            "third party, sent",
            with_cookie(|id| third(id).sent_to("tracker.test", PhaseName::Idle)),
            Some((High, Likely, None)),
        ),
        (
            "ghost-written",
            with_cookie(|id| first(id).by_script(FOREIGN_SCRIPT)),
            Some((Medium, Likely, Some("ghost-written"))),
        ),
        (
            "value in an address",
            with_request(visitor, |id| format!("https://tracker.test/p?u={id}")),
            Some((High, Likely, None)),
        ),
        (
            "digest in an address",
            with_request(visitor, |id| {
                format!(
                    "https://tracker.test/p?u={}",
                    crate::model::value::sha256_hex(id.as_bytes())
                )
            }),
            Some((High, Likely, None)),
        ),
        (
            "value in JSON",
            with_request(
                |id| cookie("v", SITE, &format!("%7B%22id%22%3A%22{id}%22%7D")),
                |id| format!("https://tracker.test/{id}/p.gif"),
            ),
            Some((High, Likely, None)),
        ),
        (
            "refused by the browser",
            with_cookie(|id| third(id).refused()),
            Some((Low, Likely, None)),
        ),
        (
            "a session that lasts a month",
            with_cookie(|id| {
                cookie("PHPSESSID", SITE, id)
                    .by_script(FOREIGN_SCRIPT)
                    .for_days(30)
            }),
            Some((Medium, Likely, Some("ghost-written"))),
        ),
        (
            "a load balancer that lasts a month",
            with_cookie(|id| cookie("SERVERID", "tracker.test", id).for_days(30)),
            Some((Medium, Likely, None)),
        ),
        // What must not be reported.
        ("only the site knows it", with_cookie(first), None),
        (
            "a library of a CDN wrote for the site",
            with_cookie(|id| first(id).by_stack(&["https://cdn.test/js-cookie.js", OWN_SCRIPT])),
            None,
        ),
        (
            "sent to the site itself",
            with_request(visitor, |id| format!("https://api.shop.test/p?u={id}")),
            None,
        ),
        (
            "a session",
            with_cookie(|id| third(id).for_the_session()),
            None,
        ),
        ("one day", with_cookie(|id| third(id).for_days(1)), None),
        (
            "the same for everyone",
            with_cookie(|_| third("4b8f7e21c9d06a35")),
            None,
        ),
        (
            "a bucket",
            with_cookie(|id| {
                third(if id == IDS[0] {
                    "variant-blue"
                } else {
                    "variant-red"
                })
            }),
            None,
        ),
        (
            "a time",
            with_cookie(|id| {
                third(if id == IDS[0] {
                    "1795348801123"
                } else {
                    "1795348950456"
                })
            }),
            None,
        ),
        (
            "a language",
            with_cookie(|id| {
                third(if id == IDS[0] {
                    "zh-Hans-CN"
                } else {
                    "sr-Latn-RS"
                })
            }),
            None,
        ),
        (
            "an address",
            with_cookie(|id| third(&format!("https://shop.test/{id}"))),
            None,
        ),
        (
            "bot protection",
            with_cookie(|id| cookie("__cf_bm", "tracker.test", id)),
            None,
        ),
        (
            "known, so R02",
            with_cookie(|id| cookie("_fbp", SITE, id).by_script(FOREIGN_SCRIPT)),
            None,
        ),
        (
            "after the choice only",
            with_cookie(|id| third(id).only(PhaseName::Chosen)),
            None,
        ),
    ] {
        check(case, &page, "R03", expected);
    }
}

#[test]
fn r03_needs_two_profiles_and_a_value_that_stays() {
    let third = |value: &str| cookie("xq1", "tracker.test", value);
    let mut alone = visit(State::Before);
    alone.snapshot.cookies.push(third(IDS[0]));
    check("one visit proves nothing", &page(vec![alone]), "R03", None);

    let reloaded = |after: &'static str| {
        two_visits(move |number, visit| {
            let mut written = third(IDS[number]);
            if visit.state == State::Rejected {
                written = written.written(PhaseName::Revisit, after);
            }
            visit.snapshot.cookies.push(written);
        })
    };
    check(
        "the same after the reload",
        &reloaded(IDS[1]),
        "R03",
        Some((Medium, Likely, None)),
    );
    check(
        "another one after the reload",
        &reloaded(IDS[2]),
        "R03",
        None,
    );
}

#[test]
fn r04_web_storage() {
    let sent = |make: fn(&str) -> StorageEntry| {
        two_visits(move |number, visit| {
            visit.snapshot.storage.push(make(IDS[number]));
            visit.snapshot.requests.push(
                request("https://tracker.test/p", "Fetch")
                    .with_body(&format!("{{\"id\":\"{}\"}}", IDS[number])),
            );
        })
    };
    for (case, page, expected) in [
        (
            "known, analytics",
            with_entry(|id| local("_ga", id, OWN_SCRIPT)),
            Some((High, Violation, None)),
        ),
        (
            "known, marketing",
            with_entry(|id| session("_fbp", id, OWN_SCRIPT)),
            Some((Critical, Violation, None)),
        ),
        (
            "third-party writer",
            with_entry(|id| local("k", id, FOREIGN_SCRIPT)),
            Some((Medium, Likely, Some("ghost-written"))),
        ),
        (
            "local, sent away",
            sent(|id| local("k", id, OWN_SCRIPT)),
            Some((Medium, Likely, None)),
        ),
        (
            "session, sent away",
            sent(|id| session("k", id, OWN_SCRIPT)),
            Some((Medium, Likely, None)),
        ),
        (
            "local, stays with the site",
            with_entry(|id| local("k", id, OWN_SCRIPT)),
            Some((Low, Review, None)),
        ),
        (
            "session, stays with the site",
            with_entry(|id| session("k", id, OWN_SCRIPT)),
            Some((Low, Review, None)),
        ),
        // What must not be reported.
        (
            "the same for everyone",
            with_entry(|_| local("k", IDS[0], FOREIGN_SCRIPT)),
            None,
        ),
        (
            "a cache of words",
            with_entry(|_| {
                local(
                    "k",
                    r#"{"theme":"dark","flags":["newHeader"]}"#,
                    FOREIGN_SCRIPT,
                )
            }),
            None,
        ),
        (
            "a choice record",
            with_entry(|id| local("OptanonConsent", id, FOREIGN_SCRIPT)),
            None,
        ),
        ("a cookie", with_cookie(|id| cookie("_ga", SITE, id)), None),
    ] {
        check(case, &page, "R04", expected);
    }
}

#[test]
fn r05_unclassified_storage() {
    let theme = || cookie("theme", SITE, "dark");
    for (case, page, expected) in [
        (
            "a lasting cookie",
            with_cookie(|_| theme()),
            Some((Low, Review, None)),
        ),
        (
            "local storage",
            with_entry(|_| local("theme", "dark", OWN_SCRIPT)),
            Some((Low, Review, None)),
        ),
        (
            "a category nobody knows",
            with_cookie(|_| cookie("unsure", SITE, "x")),
            Some((Low, Review, None)),
        ),
        // What must not be reported.
        ("a day", with_cookie(|_| theme().for_days(1)), None),
        (
            "session storage",
            with_entry(|_| session("theme", "dark", OWN_SCRIPT)),
            None,
        ),
        (
            "deleted before the choice",
            with_cookie(|_| theme().deleted_after(3_000)),
            None,
        ),
        (
            "an identifier, so R03 or R04",
            with_entry(|id| local("k", id, OWN_SCRIPT)),
            None,
        ),
        (
            "known, so R02",
            with_cookie(|_| cookie("_fbp", SITE, "x")),
            None,
        ),
        (
            "refused by the browser",
            with_cookie(|_| cookie("theme", "cdn.other.test", "dark").refused()),
            None,
        ),
        (
            "after the choice only",
            with_cookie(|_| theme().only(PhaseName::Chosen)),
            None,
        ),
    ] {
        check(case, &page, "R05", expected);
    }
}

#[test]
fn r05_says_one_thing_for_each_host() {
    let fill = |_: usize, visit: &mut Visit| {
        for name in ["zeta", "alpha", "mid"] {
            visit.snapshot.cookies.push(cookie(name, SITE, "dark"));
            visit
                .snapshot
                .cookies
                .push(cookie(name, "other.test", "dark"));
        }
    };
    let found = findings(&two_visits(fill), Profile::Eu, "R05");
    let subjects: Vec<_> = found
        .iter()
        .map(|finding| (finding.subject.host.as_str(), finding.subject.name.as_str()))
        .collect();
    assert_eq!(subjects, [("other.test", "alpha"), (SITE, "alpha")]);
    assert!(
        found[0]
            .evidence
            .notes
            .iter()
            .any(|note| note.contains("alpha, mid, zeta")),
        "{found:#?}"
    );
}
