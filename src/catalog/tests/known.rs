//! The shipped catalog against requests and items as they occur.

use super::*;

#[test]
fn the_seed_services_are_found_by_what_they_do() {
    let catalog = Catalog::builtin().unwrap();
    let request = |url: &str| {
        let found = catalog.match_request(&Url::parse(url).unwrap(), "www.shop.test")?;
        Some((found.service, found.role.unwrap_or_default()))
    };
    for (url, service, role) in [
        (
            "https://cdn.kustomerapp.com/chat-web/widget.js",
            "kustomer",
            "loader",
        ),
        ("https://org.api.kustomerapp.com/p/v1/x", "kustomer", "api"),
        ("https://api.kustomerapp.com/p/v1/x", "kustomer", "api"),
        (
            "https://api.kustomerapp.com/c/v1/tracking/x",
            "kustomer",
            "telemetry",
        ),
        ("https://www.kustomer.com/", "kustomer", "vendor-site"),
        ("https://cdn.amocrm.com/x.js", "amocrm", "loader"),
        ("https://chat.amocrm.com/ws", "amocrm", "chat"),
        ("https://gso.amocrm.ru/x", "amocrm", "app"),
        ("https://www.kommo.com/", "amocrm", "vendor-site"),
    ] {
        assert_eq!(
            request(url),
            Some((service.to_owned(), role.to_owned())),
            "{url}"
        );
    }
    for (name, storage, service, category, duration) in [
        (
            "kustomer-session-id",
            None,
            "kustomer",
            Category::Preferences,
            "session",
        ),
        (
            "kustomer-client-id",
            None,
            "kustomer",
            Category::Preferences,
            "1 year",
        ),
        (
            "kustomer-visitor-id",
            None,
            "kustomer",
            Category::Preferences,
            "1 year",
        ),
        (
            "amocrm_visitor_id",
            None,
            "amocrm",
            Category::Preferences,
            "1 year",
        ),
        (
            "amocrm_session",
            None,
            "amocrm",
            Category::Preferences,
            "session",
        ),
        (
            "amocrm_lead_id",
            None,
            "amocrm",
            Category::Preferences,
            "1 year",
        ),
        (
            "amocrm_chat_widget_state",
            None,
            "amocrm",
            Category::Preferences,
            "up to 1 year",
        ),
        (
            "amocrm_analytics_7",
            None,
            "amocrm",
            Category::Analytics,
            "13 months",
        ),
    ] {
        let found = find(
            &catalog,
            Seen {
                name,
                storage,
                contacted: &[service],
                ..SEEN
            },
        )
        .unwrap();
        assert_eq!(
            (found.service.as_str(), found.category),
            (service, category),
            "{name}"
        );
        assert_eq!(found.duration.as_deref(), Some(duration), "{name}");
        assert!(found.bound, "{name}");
    }
    let kustomer = catalog.service("kustomer").unwrap();
    assert_eq!(kustomer.transfer_countries(), ["US"]);
    assert_eq!(
        catalog.service("amocrm").unwrap().transfer_countries(),
        ["US", "RU"]
    );
    assert_eq!(catalog.nearest_id("kustomr").as_deref(), Some("kustomer"));
}

#[test]
fn well_known_requests_are_told_apart() {
    let catalog = Catalog::builtin().unwrap();
    for (url, service, role, category) in [
        (
            "https://region1.google-analytics.com/g/collect?v=2&tid=G-1",
            "google-analytics",
            "collector",
            Category::Analytics,
        ),
        (
            "https://www.google-analytics.com/analytics.js",
            "google-analytics",
            "loader",
            Category::Analytics,
        ),
        (
            "https://analytics.google.com/g/collect?v=2",
            "google-analytics",
            "collector",
            Category::Analytics,
        ),
        (
            "https://data.shop.test/g/collect?v=2&tid=G-1",
            "google-analytics",
            "collector",
            Category::Analytics,
        ),
        (
            "https://www.googletagmanager.com/gtm.js?id=GTM-1",
            "google-tag-manager",
            "loader",
            Category::Unclassified,
        ),
        (
            "https://www.googletagmanager.com/gtag/js?id=G-1",
            "google-tag-manager",
            "loader",
            Category::Unclassified,
        ),
        (
            "https://ad.doubleclick.net/activity",
            "google-ads",
            "beacon",
            Category::Marketing,
        ),
        (
            "https://www.google.de/pagead/1p-user-list/1/",
            "google-ads",
            "beacon",
            Category::Marketing,
        ),
        (
            "https://www.google.com/ccm/collect",
            "google-ads",
            "beacon",
            Category::Marketing,
        ),
        (
            "https://www.facebook.com/tr/?id=1&ev=PageView",
            "meta-pixel",
            "beacon",
            Category::Marketing,
        ),
        (
            "https://connect.facebook.net/en_US/fbevents.js",
            "meta-pixel",
            "loader",
            Category::Marketing,
        ),
        (
            "https://static.hotjar.com/c/hotjar-1.js",
            "hotjar",
            "loader",
            Category::Analytics,
        ),
        (
            "wss://ws7.hotjar.com/api/v2/client/ws",
            "hotjar",
            "replay",
            Category::Analytics,
        ),
        (
            "https://y.clarity.ms/collect",
            "microsoft-clarity",
            "replay",
            Category::Analytics,
        ),
        (
            "https://px.ads.linkedin.com/collect?v=2",
            "linkedin-insight",
            "beacon",
            Category::Marketing,
        ),
        (
            "https://analytics.tiktok.com/i18n/pixel/events.js",
            "tiktok-pixel",
            "loader",
            Category::Marketing,
        ),
        (
            "https://analytics.tiktok.com/api/v2/pixel",
            "tiktok-pixel",
            "collector",
            Category::Marketing,
        ),
        (
            "https://stats.shop.test/piwik/matomo.php?idsite=1",
            "matomo",
            "collector",
            Category::Analytics,
        ),
        (
            "https://other.test/matomo.php?idsite=1",
            "matomo",
            "collector",
            Category::Analytics,
        ),
        (
            "https://track.hubspot.com/__ptq.gif",
            "hubspot",
            "beacon",
            Category::Analytics,
        ),
        (
            "https://js.hs-banner.com/1.js",
            "hubspot-consent",
            "loader",
            Category::Necessary,
        ),
        (
            "https://www.youtube-nocookie.com/embed/x",
            "youtube",
            "embed",
            Category::Marketing,
        ),
        (
            "https://cdn.cookielaw.org/scripttemplates/otSDKStub.js",
            "onetrust",
            "loader",
            Category::Necessary,
        ),
    ] {
        let found = catalog
            .match_request(&Url::parse(url).unwrap(), "www.shop.test")
            .unwrap();
        assert_eq!(
            (
                found.service.as_str(),
                found.role.as_deref(),
                found.category
            ),
            (service, Some(role), category),
            "{url}"
        );
    }
    for url in [
        "https://www.google.com/maps",
        "https://other.test/g/collect?v=1",
        "https://other.test/matomo.php",
    ] {
        let found = catalog.match_request(&Url::parse(url).unwrap(), "www.shop.test");
        let taken = found.is_some_and(|found| {
            ["google-ads", "google-analytics", "matomo"].contains(&found.service.as_str())
        });
        assert!(!taken, "{url}");
    }
}

#[test]
fn well_known_items_are_told_apart() {
    let catalog = Catalog::builtin().unwrap();
    for (name, host, value, expected) in [
        (
            "_ga",
            "shop.test",
            "GA1.1.1234.5678",
            Some(("google-analytics", true)),
        ),
        ("_ga", "shop.test", "of our own", None),
        (
            "_ga_ABC123",
            "shop.test",
            "GS1.1.1700000000.1.0.1700000000.0.0.0",
            Some(("google-analytics", true)),
        ),
        (
            "_gid",
            "shop.test",
            "GA1.2.1234.5678",
            Some(("google-analytics", true)),
        ),
        (
            "_fbp",
            "shop.test",
            "fb.1.1700000000000.1234567890",
            Some(("meta-pixel", true)),
        ),
        ("fr", "facebook.com", "x", Some(("meta-pixel", true))),
        ("fr", "shop.test", "x", None),
        (
            "_gcl_au",
            "shop.test",
            "1.1.123.456",
            Some(("google-ads", true)),
        ),
        ("IDE", "doubleclick.net", "x", Some(("google-ads", true))),
        ("IDE", "shop.test", "x", None),
        ("NID", "google.fr", "x", Some(("google-ads", true))),
        (
            "_hjSessionUser_123",
            "shop.test",
            "x",
            Some(("hotjar", false)),
        ),
        (
            "_pk_id.1.1fff",
            "shop.test",
            "0123456789abcdef.1700000000.",
            Some(("matomo", true)),
        ),
        (
            "VISITOR_INFO1_LIVE",
            "youtube.com",
            "x",
            Some(("youtube", true)),
        ),
        (
            "OptanonConsent",
            "shop.test",
            "groups=C0001%3A1",
            Some(("onetrust", false)),
        ),
        ("klaro", "shop.test", "{}", Some(("klaro", false))),
        ("__cf_bm", "shop.test", "x", Some(("cloudflare", false))),
        ("a_name_of_our_own", "shop.test", "x", None),
    ] {
        let found = find(
            &catalog,
            Seen {
                name,
                host,
                value,
                ..SEEN
            },
        );
        let found = found
            .as_ref()
            .map(|found| (found.service.as_str(), found.bound));
        assert_eq!(found, expected, "{name} on {host}");
    }
    let record = find(
        &catalog,
        Seen {
            name: "OptanonConsent",
            ..SEEN
        },
    )
    .unwrap();
    assert_eq!(
        (record.category, record.exempt.as_deref()),
        (Category::Necessary, Some("consent-record"))
    );
    let counted = find(
        &catalog,
        Seen {
            name: "_pk_ses.1.1fff",
            ..SEEN
        },
    )
    .unwrap();
    assert_eq!(
        counted.exempt, None,
        "an exemption under conditions is none"
    );
}
