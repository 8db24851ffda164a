//! Cookies from headers, scripts and the jar, in any order.

use serde_json::json;

use super::script::LONGEST_PAIR;
use super::*;

const URL: &str = "https://www.shop.test/a/b?c=/d";

fn after(lines: &[&str]) -> Vec<Cookie> {
    let mut log = CookieLog::default();
    for line in lines {
        log.response_set(
            1,
            line,
            Some("Wed, 21 Oct 2026 07:28:00 GMT"),
            URL,
            &json!({}),
        );
    }
    log.cookies(&crate::visit::record::real_clock(), "shop.test")
}

#[test]
fn raw_lifetimes_are_kept() {
    for (line, expected) in [
        ("a=1", None),
        ("a=1; Max-Age=63072000", Some(63_072_000)),
        ("a=1; Expires=Thu, 22 Oct 2026 07:28:00 GMT", Some(86_400)),
        (
            "a=1; Expires=Thu, 22 Oct 2026 07:28:00 GMT; Max-Age=5",
            Some(5),
        ),
    ] {
        assert_eq!(after(&[line])[0].lifetime_s, expected, "{line}");
    }
}

#[test]
fn a_deletion_alone_is_no_cookie() {
    assert!(after(&["a=; Max-Age=0"]).is_empty());
    let cookies = after(&["a=1; Max-Age=9", "a=; Max-Age=0"]);
    assert_eq!(cookies[0].value.text(), "1");
    assert!(cookies[0].writes[1].deleted);
}

#[test]
fn domains_and_paths() {
    for (line, domain, host_only, path) in [
        ("a=1", "www.shop.test", true, "/a"),
        ("a=1; Domain=.shop.test; Path=/", "shop.test", false, "/"),
        ("a=1; Path=nonsense", "www.shop.test", true, "/a"),
    ] {
        let cookie = &after(&[line])[0];
        assert_eq!(
            (
                cookie.domain.as_str(),
                cookie.host_only,
                cookie.path.as_str()
            ),
            (domain, host_only, path)
        );
    }
}

#[test]
fn refused_cookies_are_attempts_until_the_jar_has_them() {
    let mut log = CookieLog::default();
    let event = json!({"blockedCookies": [{"cookieLine": "x=1", "blockedReasons": ["ThirdPartyPhaseout"]}]});
    log.response_set(1, "x=1", None, URL, &event);
    assert_eq!(
        log.cookies(&crate::visit::record::real_clock(), "other.test")[0].blocked,
        ["ThirdPartyPhaseout"]
    );
    let jar = json!({"cookies": [{"name": "x", "value": "1", "domain": "www.shop.test", "path": "/a", "expires": -1}]});
    log.compare_with_jar(2, &jar);
    let cookie = &log.cookies(&crate::visit::record::real_clock(), "other.test")[0];
    assert!(cookie.blocked.is_empty() && cookie.alive);
    assert_eq!(cookie.writes.len(), 1);
}

#[test]
fn what_nobody_was_seen_writing_is_found_in_the_jar() {
    let mut log = CookieLog::default();
    log.compare_with_jar(
        7,
        &json!({"cookies": [{"name": "sw", "value": "1", "domain": "shop.test", "path": "/"}]}),
    );
    let cookies = log.cookies(&crate::visit::record::real_clock(), "shop.test");
    assert_eq!(
        (
            cookies[0].name.as_str(),
            cookies[0].at_ms,
            cookies[0].set_by.is_none()
        ),
        ("sw", 7, true)
    );
}

#[test]
fn scripts_write_with_the_host_of_their_document() {
    let report = json!({"kind": "cookie", "written": "_ga=GA1.1.1.2; path=/; domain=shop.test; max-age=100", "origin": "https://www.shop.test", "visible": true});
    let mut log = CookieLog::default();
    log.script_wrote(
        1,
        &ScriptWrite::from_report(&report, 0.0).unwrap(),
        Setter::Script { stack: Vec::new() },
    );
    let cookies = log.cookies(&crate::visit::record::real_clock(), "www.shop.test");
    assert_eq!(
        (cookies[0].domain.as_str(), cookies[0].lifetime_s),
        ("shop.test", Some(100))
    );
}

proptest::proptest! {
    #[test]
    fn any_header_is_survived(line in ".{0,200}") {
        after(&[&line]);
    }
}

fn effects(cookie: &Cookie) -> Vec<Effect> {
    cookie.writes.iter().map(|write| write.effect).collect()
}

fn jar(cookies: &[(&str, &str)]) -> Json {
    let cookies: Vec<Json> = cookies
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value, "domain": "www.shop.test", "path": "/", "expires": -1}))
        .collect();
    json!({ "cookies": cookies })
}

#[test]
fn what_each_write_did() {
    use Effect::{Created, Deleted, Extended, Overwritten, Unchanged};
    for (lines, expected) in [
        (&["a=1"][..], &[Created][..]),
        (&["a=1", "a=2"], &[Created, Overwritten]),
        (&["a=1", "a=1"], &[Created, Unchanged]),
        (&["a=1", "a=1; Max-Age=60"], &[Created, Extended]),
        (
            &["a=1; Max-Age=60", "a=1; Max-Age=90"],
            &[Created, Extended],
        ),
        (
            &["a=1; Max-Age=90", "a=1; Max-Age=60"],
            &[Created, Unchanged],
        ),
        (&["a=1; Max-Age=60", "a=1"], &[Created, Unchanged]),
        (
            &["a=1", "a=; Max-Age=-1", "a=1"],
            &[Created, Deleted, Created],
        ),
        (
            &["a=1", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
            &[Created, Deleted],
        ),
    ] {
        let cookies = after(lines);
        assert_eq!(cookies.len(), 1, "{lines:?}");
        assert_eq!(effects(&cookies[0]), expected, "{lines:?}");
    }
}

#[test]
fn the_same_name_elsewhere_is_another_cookie() {
    let cookies = after(&[
        "a=1",
        "a=2; Path=/",
        "a=3; Domain=shop.test",
        "A=4",
        "=5",
        "b",
    ]);
    assert_eq!(
        cookies.len(),
        5,
        "a nameless cookie is one, whatever it says"
    );
    assert!(
        cookies
            .iter()
            .any(|cookie| cookie.name.is_empty() && cookie.value.text() == "b")
    );
}

#[test]
fn a_refused_write_leaves_the_cookie_as_it_was() {
    let mut log = CookieLog::default();
    log.response_set(1, "a=1; Secure", None, URL, &json!({}));
    let refused =
        json!({"blockedCookies": [{"cookieLine": "a=2", "blockedReasons": ["OverwriteSecure"]}]});
    log.response_set(2, "a=2", None, URL, &refused);
    let cookie = &log.cookies(&crate::visit::record::real_clock(), "shop.test")[0];
    assert_eq!((cookie.value.text(), cookie.secure), ("1", true));
    assert!(cookie.blocked.is_empty(), "the cookie itself was stored");
    assert_eq!(effects(cookie), [Effect::Created, Effect::Refused]);
    assert_eq!(cookie.writes[1].refused, ["OverwriteSecure"]);
}

#[test]
fn what_one_host_asks_for_another_is_not_the_others() {
    let refused = |line: &str| json!({"blockedCookies": [{"cookieLine": line, "blockedReasons": ["InvalidDomain"]}]});
    for line in [
        "a=1; Domain=victim.test",
        "a=1; Domain=test",
        "a=1; Domain=shop.test.evil.test",
    ] {
        let mut log = CookieLog::default();
        log.response_set(1, line, None, URL, &refused(line));
        let cookies = log.cookies(&crate::visit::record::real_clock(), "shop.test");
        assert_eq!(cookies[0].domain, "www.shop.test", "{line}");
        assert_eq!(cookies[0].blocked, ["InvalidDomain"], "{line}");
    }
}

#[test]
fn a_control_character_is_refused_by_its_name() {
    let mut log = CookieLog::default();
    let line = "a=1\u{1}2";
    let event = json!({"blockedCookies": [{"cookieLine": line, "blockedReasons": ["DisallowedCharacter"]}]});
    assert_eq!(
        log.response_set(1, line, None, URL, &event).as_deref(),
        Some("a")
    );
    assert_eq!(log.response_set(1, line, None, URL, &json!({})), None);
    assert_eq!(
        log.cookies(&crate::visit::record::real_clock(), "shop.test")[0].blocked,
        ["DisallowedCharacter"]
    );
}

#[test]
fn what_runs_out_was_deleted_by_nobody() {
    let mut log = CookieLog::default();
    log.response_set(100, "a=1; Max-Age=2; Path=/", None, URL, &json!({}));
    log.response_set(100, "b=1; Max-Age=900; Path=/", None, URL, &json!({}));
    log.compare_with_jar(1_000, &jar(&[("a", "1"), ("b", "1")]));
    log.compare_with_jar(9_000, &jar(&[]));
    let cookies = log.cookies(&crate::visit::record::real_clock(), "shop.test");
    let ends: Vec<(Effect, u64)> = cookies
        .iter()
        .map(|cookie| {
            cookie
                .writes
                .last()
                .map(|write| (write.effect, write.at_ms))
                .unwrap()
        })
        .collect();
    assert_eq!(ends, [(Effect::Expired, 2_100), (Effect::Deleted, 9_000)]);
    assert!(
        cookies
            .iter()
            .all(|cookie| !cookie.alive && cookie.writes[1].deleted)
    );
}

#[test]
fn scripts_are_refused_what_the_standard_refuses() {
    for (line, origin, refused) in [
        ("a=1", "https://www.shop.test", None),
        ("a=1; HttpOnly", "https://www.shop.test", Some("HttpOnly")),
        (
            "a=1; Domain=victim.test",
            "https://www.shop.test",
            Some("InvalidDomain"),
        ),
        ("a=1; Secure", "http://www.shop.test", Some("SecureOnly")),
        ("a=1; Secure", "http://www.localhost", None),
        (
            "__Secure-a=1",
            "https://www.shop.test",
            Some("InvalidPrefix"),
        ),
        (
            "__host-a=1; Secure; Path=/; Domain=www.shop.test",
            "https://www.shop.test",
            Some("InvalidPrefix"),
        ),
        ("__Host-a=1; Secure; Path=/", "https://www.shop.test", None),
        (
            "a=1; SameSite=None",
            "https://www.shop.test",
            Some("SameSiteNoneInsecure"),
        ),
    ] {
        let report = json!({"kind": "cookie", "written": line, "origin": origin, "visible": null});
        let mut log = CookieLog::default();
        log.script_wrote(
            1,
            &ScriptWrite::from_report(&report, 0.0).unwrap(),
            Setter::Script { stack: Vec::new() },
        );
        let cookie = &log.cookies(&crate::visit::record::real_clock(), "shop.test")[0];
        assert_eq!(
            cookie.blocked.first().map(String::as_str),
            refused,
            "{line} on {origin}"
        );
    }
    let huge = format!("a={}", "x".repeat(LONGEST_PAIR));
    let report = json!({"kind": "cookie", "written": huge, "origin": "https://www.shop.test", "visible": null});
    let mut log = CookieLog::default();
    log.script_wrote(
        1,
        &ScriptWrite::from_report(&report, 0.0).unwrap(),
        Setter::Script { stack: Vec::new() },
    );
    assert_eq!(
        log.cookies(&crate::visit::record::real_clock(), "shop.test")[0].blocked,
        ["NameValuePairExceedsMaxSize"]
    );
}

#[test]
fn a_script_s_partition_is_the_one_the_browser_names() {
    let report = json!({"kind": "cookie", "written": "a=1; Secure; Path=/; Partitioned", "origin": "https://frame.test", "visible": true});
    let described = json!({"name": "a", "value": "1", "domain": "frame.test", "path": "/", "partitionKey": {"topLevelSite": "https://top.test", "hasCrossSiteAncestor": true}});
    for (page, guessed) in [
        ("https://www.top.test/", "https://top.test"),
        ("https://wrong.test/", "https://wrong.test"),
    ] {
        let mut log = CookieLog::default();
        log.page_at(page);
        log.script_wrote(
            1,
            &ScriptWrite::from_report(&report, 0.0).unwrap(),
            Setter::Script { stack: Vec::new() },
        );
        let partition = |log: &CookieLog| {
            let cookies = log.cookies(&crate::visit::record::real_clock(), "top.test");
            assert_eq!(cookies.len(), 1);
            cookies[0].partition_key.clone()
        };
        assert_eq!(partition(&log).as_deref(), Some(guessed));
        log.compare_with_jar(2, &json!({"cookies": [described]}));
        assert_eq!(partition(&log).as_deref(), Some("https://top.test"));
    }
}

#[test]
fn two_partitions_are_two_cookies() {
    let mut log = CookieLog::default();
    for (value, site, cross) in [
        ("1", "https://a.test", true),
        ("2", "https://b.test", true),
        ("3", "https://a.test", false),
    ] {
        let event =
            json!({"cookiePartitionKey": {"topLevelSite": site, "hasCrossSiteAncestor": cross}});
        log.response_set(
            1,
            &format!("a={value}; Secure; Partitioned"),
            None,
            URL,
            &event,
        );
    }
    assert_eq!(
        log.cookies(&crate::visit::record::real_clock(), "shop.test")
            .len(),
        3
    );
}

#[test]
fn where_it_was_kept_back_and_why() {
    let mut log = CookieLog::default();
    log.response_set(1, "a=1; Path=/", None, URL, &json!({}));
    let about = |reasons: Json, exemption: &str| {
        json!({
            "cookie": {"name": "a", "value": "1", "domain": "www.shop.test", "path": "/"},
            "blockedReasons": reasons, "exemptionReason": exemption,
        })
    };
    assert!(log.associated(2, &about(json!([]), "StorageAccess"), "www.shop.test"));
    for _ in 0..2 {
        assert!(!log.associated(3, &about(json!(["SameSiteLax"]), "None"), "www.shop.test"));
    }
    let cookie = &log.cookies(&crate::visit::record::real_clock(), "shop.test")[0];
    assert_eq!(cookie.sent.len(), 1);
    assert_eq!(
        (
            cookie.withheld[0].reasons.as_slice(),
            cookie.withheld[0].count
        ),
        (&["SameSiteLax".to_owned()][..], 2)
    );
    assert_eq!(cookie.exemptions, ["StorageAccess"]);
}

#[test]
fn what_was_only_seen_being_sent_was_there() {
    let mut log = CookieLog::default();
    let about = json!({"cookie": {"name": "w", "value": "1", "domain": "www.shop.test", "path": "/"}, "blockedReasons": []});
    log.associated(5, &about, "www.shop.test");
    log.response_set(6, "w=1; Path=/; Max-Age=60", None, URL, &json!({}));
    let cookies = log.cookies(&crate::visit::record::real_clock(), "shop.test");
    assert_eq!(
        (
            cookies.len(),
            cookies[0].writes.len(),
            cookies[0].lifetime_s
        ),
        (1, 1, Some(60))
    );
    assert!(cookies[0].set_by.is_some());
}
