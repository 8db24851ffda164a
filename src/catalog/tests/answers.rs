use super::super::answer::{Confidence, MatchedBy, ObservedKind, Question};
use super::*;

#[test]
fn answers_say_what_they_rest_on() {
    let catalog = catalog(&[
        ("tracker", TRACKER),
        (
            "bound",
            "[[request]]\nhost = \"bound.test\"\npath = \"/p\"\n[[cookie]]\nname = \"bd\"\non = [\"bound.test\"]\n",
        ),
    ]);
    let ask = |kind, name, host, site| {
        let answer = catalog.answer(&Question {
            kind,
            name,
            host,
            site,
            value: "",
        });
        (answer.service, answer.matched_by, answer.confidence)
    };
    let (cookie, request) = (ObservedKind::Cookie, ObservedKind::Request);
    let shop = Some("shop.test");
    for (kind, name, host, site, expected) in [
        (
            cookie,
            "tracker_id",
            Some(".tracker.test"),
            shop,
            Some(("tracker", MatchedBy::NameAndHost, Confidence::High)),
        ),
        (
            cookie,
            "tracker_id",
            shop,
            shop,
            Some(("tracker", MatchedBy::Name, Confidence::Medium)),
        ),
        (
            cookie,
            "tracker_id",
            None,
            None,
            Some(("tracker", MatchedBy::Name, Confidence::Medium)),
        ),
        (
            cookie,
            "tracker_id",
            Some("other.test"),
            shop,
            Some(("tracker", MatchedBy::NameElsewhere, Confidence::Low)),
        ),
        (
            cookie,
            "what",
            Some("cdn.tracker.test"),
            shop,
            Some(("tracker", MatchedBy::Host, Confidence::Low)),
        ),
        (cookie, "what", shop, shop, None),
        (
            cookie,
            "bd",
            None,
            None,
            Some(("bound", MatchedBy::Name, Confidence::Low)),
        ),
        (cookie, "bd", Some("other.test"), None, None),
        (
            request,
            "/x",
            Some("tracker.test"),
            None,
            Some(("tracker", MatchedBy::Host, Confidence::High)),
        ),
        (
            request,
            "https://bound.test/p?x",
            None,
            shop,
            Some(("bound", MatchedBy::HostAndPath, Confidence::High)),
        ),
        (request, "bound.test/q", None, shop, None),
        (request, "http://[", None, None, None),
    ] {
        let found = ask(kind, name, host, site);
        let expected = expected.map_or((None, None, None), |(id, by, sure)| {
            (Some(id.to_owned()), Some(by), Some(sure))
        });
        assert_eq!(found, expected, "{name} on {host:?}");
    }
    // Names that stand for themselves need no service.
    let session = ask(cookie, "PHPSESSID", shop, shop);
    assert_eq!((session.0, session.1), (None, Some(MatchedBy::Override)));
}
