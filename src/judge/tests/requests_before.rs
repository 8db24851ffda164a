use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::finding::Severity::{Critical, High, Low, Medium};
use crate::model::finding::Verdict::{Review, Violation};
use crate::model::report::Page;
use crate::model::snapshot::{AnsweredBy, Request};
use crate::model::visit::{PhaseName, State};

const COLLECT: &str = "https://www.google-analytics.com/g/collect?v=2&tid=G-ABC";

fn with_request(make: impl Fn(usize) -> Request) -> Page {
    two_visits(|number, visit| visit.snapshot.requests.push(make(number)))
}

#[test]
fn r06_tracking_requests() {
    let pixel = || request("https://www.facebook.com/tr?id=1&ev=PageView", "Image");
    for (case, page, expected) in [
        (
            "a beacon",
            with_request(|_| pixel()),
            Some((High, Violation, Some("beacon"))),
        ),
        (
            "a beacon without a role",
            with_request(|_| request("https://ads.test/p", "Ping")),
            Some((High, Violation, Some("beacon"))),
        ),
        (
            "tracking code",
            with_request(|_| request("https://connect.facebook.net/en_US/fbevents.js", "Script")),
            Some((Medium, Violation, Some("script"))),
        ),
        (
            "a picture of an application",
            with_request(|_| request("https://forms.test/preview.jpg", "Image")),
            Some((Medium, Violation, Some("script"))),
        ),
        (
            "an embed",
            with_request(|_| request("https://ads.test/frame", "Document")),
            Some((Medium, Violation, Some("script"))),
        ),
        (
            "a recording",
            with_request(|_| request("https://replay.test/rec", "Fetch")),
            Some((Critical, Violation, Some("replay"))),
        ),
        (
            "a recording by web socket",
            with_request(|_| request("wss://replay.test/ws", "WebSocket")),
            Some((Critical, Violation, Some("replay"))),
        ),
        (
            "a client id of Google's",
            with_request(|_| request(&format!("{COLLECT}&cid=1.2"), "Ping")),
            Some((Critical, Violation, Some("uid"))),
        ),
        (
            "a browser id of Meta's",
            with_request(|_| request("https://www.facebook.com/tr?id=1&fbp=fb.1.2.3", "Image")),
            Some((Critical, Violation, Some("uid"))),
        ),
        (
            "aborted",
            with_request(|_| pixel().failing("net::ERR_ABORTED")),
            Some((High, Violation, Some("beacon"))),
        ),
        (
            "its answer blocked",
            with_request(|_| pixel().failing("net::ERR_BLOCKED_BY_ORB")),
            Some((High, Violation, Some("beacon"))),
        ),
        (
            "its answer kept from the page",
            with_request(|_| Request {
                status: None,
                blocked: Some("corp-not-same-origin".to_owned()),
                ..pixel()
            }),
            Some((High, Violation, Some("beacon"))),
        ),
        (
            "consent mode granted",
            with_request(|_| request(&format!("{COLLECT}&gcs=G111"), "Ping")),
            Some((High, Violation, Some("beacon"))),
        ),
        // What must not be reported.
        (
            "never left: no such host",
            with_request(|_| pixel().failing("net::ERR_NAME_NOT_RESOLVED")),
            None,
        ),
        (
            "never left: refused",
            with_request(|_| pixel().failing("net::ERR_CONNECTION_REFUSED")),
            None,
        ),
        (
            "never left: blocked",
            with_request(|_| pixel().failing("net::ERR_BLOCKED_BY_CLIENT")),
            None,
        ),
        (
            "never left: the site's own policy",
            with_request(|_| Request {
                status: None,
                blocked: Some("csp".to_owned()),
                failed: Some("blocked: csp".to_owned()),
                ..pixel()
            }),
            None,
        ),
        (
            "never left: redirected to HTTPS by the browser itself",
            with_request(|_| Request {
                status: Some(307),
                answered_by: AnsweredBy::Browser,
                ..pixel()
            }),
            None,
        ),
        (
            "from the cache",
            with_request(|_| Request {
                from_cache: true,
                ..pixel()
            }),
            None,
        ),
        (
            "a preflight",
            with_request(|_| Request {
                method: "OPTIONS".to_owned(),
                ..pixel()
            }),
            None,
        ),
        (
            "a consent platform",
            with_request(|_| request("https://consent.test/record", "Fetch")),
            None,
        ),
        (
            "a video shown in the page",
            with_request(|_| request("https://video.test/preview.jpg", "Image")),
            None,
        ),
        (
            "a record of the choice",
            with_request(|_| request("https://records.test/choice", "Fetch")),
            None,
        ),
        (
            "error monitoring",
            with_request(|_| request("https://errors.test/e", "Fetch")),
            None,
        ),
        (
            "a CDN",
            with_request(|_| request("https://cdn.test/lib.js", "Script")),
            None,
        ),
        (
            "a tag manager",
            with_request(|_| request("https://www.googletagmanager.com/gtm.js?id=GTM-X", "Script")),
            None,
        ),
        (
            "a chat",
            with_request(|_| request("https://chat.test/c", "Fetch")),
            None,
        ),
        (
            "a stranger",
            with_request(|_| request("https://stranger.test/p.gif", "Image")),
            None,
        ),
        (
            "inside the page",
            with_request(|_| request("data:image/gif;base64,R0lGOD", "Image")),
            None,
        ),
        (
            "after the choice only",
            with_request(|_| pixel().during(PhaseName::Chosen)),
            None,
        ),
        (
            "while choosing only",
            with_request(|_| pixel().during(PhaseName::Choosing)),
            None,
        ),
        (
            "denied, so R07",
            with_request(|_| request(&format!("{COLLECT}&gcs=G100"), "Ping")),
            None,
        ),
    ] {
        check(case, &page, "R06", expected);
    }
}

#[test]
fn r06_identifiers_by_cookie_token_and_behaviour() {
    let ads = |query: String| request(&format!("https://ads.test/p?{query}"), "Image");
    let beacon = Some((High, Violation, Some("beacon")));
    let uid = Some((Critical, Violation, Some("uid")));

    let by_cookie = |name: &'static str, domain: &'static str| {
        two_visits(move |number, visit| {
            visit
                .snapshot
                .cookies
                .push(cookie(name, domain, IDS[number]));
            visit
                .snapshot
                .requests
                .push(ads("x=1".to_owned()).with_cookie(name));
        })
    };
    check(
        "a known identifier as cookie",
        &by_cookie("fr", "ads.test"),
        "R06",
        uid,
    );
    check(
        "an unknown identifier as cookie",
        &by_cookie("xq1", "ads.test"),
        "R06",
        uid,
    );
    check(
        "bot protection as cookie",
        &by_cookie("__cf_bm", "ads.test"),
        "R06",
        beacon,
    );
    check(
        "a cookie of another domain",
        &by_cookie("fr", "elsewhere.test"),
        "R06",
        beacon,
    );

    let by_token = two_visits(|number, visit| {
        visit
            .snapshot
            .storage
            .push(local("k", IDS[number], OWN_SCRIPT));
        visit.snapshot.requests.push(
            request("https://ads.test/p", "Fetch").with_body(&format!("a=1&b={}", IDS[number])),
        );
    });
    check("the token of a stored identifier", &by_token, "R06", uid);

    // A parameter: the same before and after the reload, different in every profile.
    let by_parameter = |reloaded: [&'static str; 2], own: bool| {
        let mut visits = [visit(State::Rejected), visit(State::Accepted)];
        for (number, visit) in visits.iter_mut().enumerate() {
            let first = if own { IDS[number] } else { IDS[0] };
            visit.snapshot.requests.push(ads(format!("u={first}")));
            visit
                .snapshot
                .requests
                .push(ads(format!("u={}", reloaded[number])).during(PhaseName::Revisit));
        }
        page(visits.to_vec())
    };
    check(
        "a parameter that stays",
        &by_parameter([IDS[0], IDS[1]], true),
        "R06",
        uid,
    );
    check(
        "a parameter of the page view",
        &by_parameter([IDS[1], IDS[2]], true),
        "R06",
        beacon,
    );
    check(
        "a parameter shared by profiles",
        &by_parameter([IDS[0], IDS[0]], false),
        "R06",
        beacon,
    );
    let unreloaded = two_visits(|number, visit| {
        visit
            .snapshot
            .requests
            .push(ads(format!("u={}", IDS[number])));
    });
    check("a parameter never seen to stay", &unreloaded, "R06", beacon);
}

#[test]
fn r06_joins_by_host_and_path() {
    let page = two_visits(|number, visit| {
        for _ in 0..3 {
            visit.snapshot.requests.push(request(
                &format!("https://ads.test/hit/{}?x={number}", 10_000 + number),
                "Image",
            ));
        }
        visit
            .snapshot
            .requests
            .push(request("https://ads.test/other", "Script"));
    });
    let found = findings(&page, Profile::Eu, "R06");
    let subjects: Vec<_> = found
        .iter()
        .map(|finding| (finding.subject.name.as_str(), finding.seen.k))
        .collect();
    assert_eq!(subjects, [("/hit/10000", 2), ("/other", 2)]);
}

#[test]
fn r06_statistics_in_the_united_kingdom() {
    let own = with_request(|_| request("https://stats.shop.test/hit", "Image"));
    let others = with_request(|_| request(COLLECT, "Ping"));
    check_in(
        "on the site's own domain",
        &own,
        Profile::Uk,
        "R06",
        Some((High, Review, Some("beacon"))),
    );
    check_in(
        "at a third party",
        &others,
        Profile::Uk,
        "R06",
        Some((High, Violation, Some("beacon"))),
    );
}

#[test]
fn r07_denied_measurements() {
    let ping = |query: &str| request(&format!("{COLLECT}&{query}"), "Ping");
    let low = Some((Low, Review, None));
    for (case, page, expected) in [
        ("gcs", with_request(|_| ping("gcs=G100&cid=1.2")), low),
        ("gcd", with_request(|_| ping("gcd=13p3p3p3p5l1")), low),
        ("granted", with_request(|_| ping("gcs=G111")), None),
        ("half granted", with_request(|_| ping("gcs=G101")), None),
        (
            "consent mode not in use",
            with_request(|_| ping("gcd=13l3l3l3l1")),
            None,
        ),
        ("no word of consent", with_request(|_| ping("x=1")), None),
        (
            "not Google's",
            with_request(|_| request("https://ads.test/p?gcs=G100", "Image")),
            None,
        ),
        (
            "after the choice only",
            with_request(|_| ping("gcs=G100").during(PhaseName::Chosen)),
            None,
        ),
    ] {
        check(case, &page, "R07", expected);
    }
    let page = with_request(|_| ping("gcs=G100"));
    check_in(
        "weighs more in Germany",
        &page,
        Profile::De,
        "R07",
        Some((Medium, Review, None)),
    );
}

#[test]
fn r07_only_while_the_promise_is_kept() {
    let ping = |cid: &str| request(&format!("{COLLECT}&gcs=G100&cid={cid}"), "Ping");
    let uid = Some((Critical, Violation, Some("uid")));

    let with_google_cookie = |phase| {
        let mut answered = visit(State::Accepted);
        answered.snapshot.requests.push(ping("1.2"));
        answered
            .snapshot
            .cookies
            .push(cookie("_ga", SITE, "GA1.1.1.2").only(phase));
        page(vec![answered])
    };
    let stored = with_google_cookie(PhaseName::Idle);
    check("a cookie is stored", &stored, "R07", None);
    check("a cookie is stored, so R06", &stored, "R06", uid);
    check(
        "stored only after a yes",
        &with_google_cookie(PhaseName::Chosen),
        "R07",
        Some((Low, Review, None)),
    );

    let with_reload = |state, second: &str| {
        let mut answered = visit(state);
        answered.snapshot.requests.push(ping("111.222"));
        answered
            .snapshot
            .requests
            .push(ping(second).during(PhaseName::Revisit));
        page(vec![answered])
    };
    let repeated = with_reload(State::Rejected, "111.222");
    check("the client id comes back", &repeated, "R07", None);
    check("the client id comes back, so R06", &repeated, "R06", uid);
    check(
        "another client id",
        &with_reload(State::Rejected, "333.444"),
        "R07",
        Some((Low, Review, None)),
    );
    check(
        "after a yes it may come back",
        &with_reload(State::Accepted, "111.222"),
        "R07",
        Some((Low, Review, None)),
    );
}
