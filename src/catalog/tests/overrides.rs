//! The shipped override table.

use super::*;

#[test]
fn overrides_tell_what_needs_consent() {
    let catalog = Catalog::builtin().unwrap();
    for (name, host, value, expected) in [
        (
            "OptanonConsent",
            "shop.test",
            "groups=1",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "CookieConsent",
            "shop.test",
            "0",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "FCCDCF",
            "shop.test",
            "x",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "mtm_consent",
            "shop.test",
            "1",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "_tracking_consent",
            "shop.test",
            "x",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "cmplz_marketing",
            "shop.test",
            "deny",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "_iub_cs-123",
            "shop.test",
            "{}",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "PHPSESSID",
            "shop.test",
            "abc",
            Some(("session-csrf", Treatment::Exempt)),
        ),
        ("PHPSESSID", "other.test", "abc", None),
        (
            "csrftoken",
            "www.shop.test",
            "abc",
            Some(("session-csrf", Treatment::Exempt)),
        ),
        (
            "SSESS0123456789abcdef0123456789abcdef",
            "shop.test",
            "x",
            Some(("session-csrf", Treatment::Exempt)),
        ),
        (
            "__Host-session",
            "shop.test",
            "x",
            Some(("session-csrf", Treatment::Exempt)),
        ),
        (
            "AWSALB",
            "shop.test",
            "x",
            Some(("load-balancing", Treatment::Exempt)),
        ),
        (
            "BIGipServerpool",
            "shop.test",
            "x",
            Some(("load-balancing", Treatment::Exempt)),
        ),
        (
            "__cf_bm",
            "shop.test",
            "x",
            Some(("bot-protection", Treatment::Security)),
        ),
        (
            "visid_incap_1",
            "shop.test",
            "x",
            Some(("bot-protection", Treatment::Security)),
        ),
        (
            "_GRECAPTCHA",
            "shop.test",
            "x",
            Some(("captcha", Treatment::Consent)),
        ),
        (
            "woocommerce_cart_hash",
            "shop.test",
            "x",
            Some(("shop-cms", Treatment::Unknown)),
        ),
        (
            "_ga",
            "shop.test",
            "GA1.1.1.1",
            Some(("analytics", Treatment::Consent)),
        ),
        (
            "_hjSessionUser_1",
            "shop.test",
            "x",
            Some(("analytics", Treatment::Consent)),
        ),
        (
            "_pk_id.1.1fff",
            "shop.test",
            "x",
            Some(("analytics", Treatment::Consent)),
        ),
        (
            "_fbp",
            "shop.test",
            "fb.1.1.1",
            Some(("ads-social", Treatment::Consent)),
        ),
        (
            "fr",
            "facebook.com",
            "x",
            Some(("ads-social", Treatment::Consent)),
        ),
        ("fr", "shop.test", "x", None),
        (
            "NID",
            "google.de",
            "x",
            Some(("ads-social", Treatment::Consent)),
        ),
        (
            "li_gc",
            "linkedin.com",
            "x",
            Some(("choice-record", Treatment::Exempt)),
        ),
        (
            "IDE",
            "doubleclick.net",
            "OPT_OUT",
            Some(("probe", Treatment::Probe)),
        ),
        (
            "test_cookie",
            "doubleclick.net",
            "CheckForPermission",
            Some(("probe", Treatment::Probe)),
        ),
        (
            "whatever",
            "shop.test",
            "optout",
            Some(("probe", Treatment::Probe)),
        ),
        ("whatever", "shop.test", "", None),
        ("whatever", "shop.test", "xoptoutx", None),
    ] {
        let found = with_query(
            Seen {
                name,
                host,
                value,
                ..SEEN
            },
            |query| catalog.override_for(query),
        );
        let found = found
            .as_ref()
            .map(|row| (row.group.as_str(), row.treatment));
        assert_eq!(found, expected, "{name} on {host}");
    }
}
