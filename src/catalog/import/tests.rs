#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use proptest::prelude::*;

use super::*;
use crate::catalog::duration::Duration;
use crate::catalog::schema::Service;
use crate::model::finding::Category;

/// The services of a data set as catalog entries.
fn read(format: Format, text: &str) -> Vec<Service> {
    let about = Description {
        vendor: Some("Vendor".to_owned()),
        ..Description::default()
    };
    import(format, text, about)
        .unwrap()
        .dataset
        .into_services()
        .collect()
}

/// Every host with its category, every item with its category, as lines in order.
fn lines(services: &[Service]) -> Vec<String> {
    let mut lines = Vec::new();
    for service in services {
        let category = |own: Option<Category>| own.unwrap_or(service.category).as_str();
        for rule in &service.request {
            let path = rule.path.as_ref().map_or("", |path| path.as_str());
            lines.push(format!(
                "{} | {}{path} | {}",
                service.name,
                rule.host,
                category(rule.category)
            ));
        }
        let cookies = service.cookie.iter().map(|item| {
            let on: Vec<String> = item.on.iter().map(ToString::to_string).collect();
            (
                &item.name,
                "cookie",
                item.category,
                &item.duration,
                on.join(","),
            )
        });
        let stored = service.storage.iter().map(|item| {
            (
                &item.name,
                item.area.as_str(),
                item.category,
                &item.duration,
                String::new(),
            )
        });
        for (name, store, own, duration, on) in cookies.chain(stored) {
            let duration = duration.as_ref().map_or("", |duration| duration.as_str());
            let name = name.as_ref().unwrap();
            lines.push(format!(
                "{} | {store} {name} {on} | {} | {duration}",
                service.name,
                category(own)
            ));
        }
    }
    lines.sort();
    lines
}

const OCD_CSV: &str = "\
ID,Platform,Category,Cookie / Data Key name,Domain,Description,Retention period,Data Controller,User Privacy & GDPR Rights Portals,Wildcard match
1,Meter,Analytics,_meter,meter.example (3rd party) or advertiser's website,\"Counts, often\",12 months,Meter Ltd,https://meter.example,0
2,Meter,Functional,mtr_,,Chat,Session,Meter Ltd,,1
3,Shop,Security,ab,,Short,1 day,Shop,,0
4,Shop,Necessary,sess,shop.example,Short with a domain,1 day,Shop,,0
";

#[test]
fn every_format_is_read() {
    for (format, text, expected) in [
        (
            Format::OpenCookieDatabase,
            OCD_CSV,
            vec![
                "Meter | cookie _meter  | analytics | 12 months",
                "Meter | meter.example | analytics",
                "Shop | cookie sess  | unclassified | 1 day",
                "Shop | shop.example | unclassified",
            ],
        ),
        (
            Format::OpenCookieDatabase,
            r#"{"Meter": [{"id": "1", "category": "Marketing", "cookie": "_meter_", "domain": "", "description": "x", "retentionPeriod": "2 years", "dataController": "Meter", "wildcardMatch": "1"}]}"#,
            vec!["Meter | cookie _meter_*  | marketing | 2 years"],
        ),
        (
            Format::Disconnect,
            r#"{"license": "CC", "categories": {
                "Advertising": [{"Big": {"https://big.example/": ["ads.big.example"], "performance": "true"}}],
                "Content": [{"Big": {"https://big.example/": ["cdn.big.example"]}}]}}"#,
            vec![
                "Big | ads.big.example | marketing",
                "Big | cdn.big.example | unclassified",
            ],
        ),
        (
            Format::Trackerdb,
            r#"{"organizations": {"o": {"name": "Org"}}, "patterns": {"p": {"name": "Pat", "category": "site_analytics", "organization": "o", "domains": ["a.example"]}}, "domains": {"b.example": "p"}}"#,
            vec!["Pat | a.example | analytics", "Pat | b.example | analytics"],
        ),
        (
            Format::TrackerRadar,
            r#"{"domain": "t.example", "owner": {"displayName": "T"}, "categories": ["Ad Motivated Tracking", "CDN"],
                "resources": [{"rule": "x", "firstPartyCookies": {"_t_id": {"ttl": 1}, "t": {}}}]}
               {"name": "E Inc", "displayName": "E", "properties": ["e.example"], "prevalence": 1}"#,
            vec![
                "E | e.example | unclassified",
                "T (t.example) | cookie _t_id  | marketing | ",
                "T (t.example) | t.example | marketing",
            ],
        ),
        (
            Format::TrackerRadar,
            r#"{"trackers": {"t.example": {"domain": "t.example", "owner": {"name": "T"}, "categories": ["Session Replay"]}},
                "entities": {"E": {"domains": ["e.example"]}}, "domains": {"e.example": "E"}}"#,
            vec![
                "E | e.example | unclassified",
                "T (t.example) | t.example | analytics",
            ],
        ),
        (
            Format::ThirdPartyWeb,
            r#"[{"name": "W", "category": "consent-provider", "domains": ["*.w.example", "www.x.example", "bad host"]}]"#,
            vec![
                "W | =www.x.example | unclassified",
                "W | w.example | unclassified",
            ],
        ),
        (
            Format::IabDisclosure,
            r#"{"disclosures": [
                {"identifier": "vid_*", "type": "cookie", "maxAgeSeconds": 7776000, "domains": ["*.v.example"], "purposes": [1, 2]},
                {"identifier": "vstore", "type": "web", "maxAgeSeconds": null, "purposes": [1, 8]},
                {"identifier": "uid", "type": "cookie", "maxAgeSeconds": 0, "domain": "*", "purposes": [1]},
                {"identifier": "app_id", "type": "app", "purposes": [1]}],
               "domains": [{"domain": "v.example", "use": "all"}]}"#,
            vec![
                "Vendor | cookie vid_* v.example | marketing | 90 days",
                "Vendor | local vstore  | analytics | ",
                "Vendor | v.example | marketing",
            ],
        ),
        (
            Format::Cookiebot,
            r#"{"domain": "www.d.example", "cookies": [
                {"Name": "_ck_id", "Provider": "ck.example", "ExpireDescription": "6 months", "TrackerTypeName": "HTTP Cookie", "Category": "3", "PurposeDescription": "p"},
                {"Name": "consented", "Provider": "d.example", "ExpireDescription": "1 year", "TrackerTypeName": "HTTP Cookie", "Category": "1", "PurposeDescription": "p"},
                {"Name": "ck_store", "Provider": "ck.example", "ExpireDescription": "Persistent", "TrackerTypeName": "HTML Local Storage", "Category": "4", "PurposeDescription": "p"},
                {"Name": "tr", "Provider": "ck.example", "ExpireDescription": "Session", "TrackerTypeName": "Pixel Tracker", "Category": "4", "PurposeDescription": "p"}]}"#,
            vec![
                "ck.example | cookie _ck_id  | analytics | 6 months",
                "ck.example | local ck_store  | marketing | ",
                "d.example | cookie consented  | unclassified | 1 year",
            ],
        ),
        (
            Format::Cookiebot,
            "CookieConsentDialog.cookieTableStatistics = [[\"_ck_id\",\"<a href='x'>ck.example</a>\",\"Counts\",\"2 years\",\"HTTP Cookie\",\"1\"]];\n",
            vec!["ck.example | cookie _ck_id  | analytics | 2 years"],
        ),
        (
            Format::Onetrust,
            r#"{"DomainData": {"Groups": [{"GroupName": "Targeting Cookies", "FirstPartyCookies": [
                {"Name": "_o_id", "Host": "d.example", "IsSession": false, "Length": "30", "description": "p"}],
                "Hosts": [{"HostName": "o.example", "Cookies": [{"Name": "osession", "Host": "o.example", "IsSession": true, "Length": "0", "description": "p"}]}]},
                {"GroupName": "Strictly Necessary Cookies", "FirstPartyCookies": [{"Name": "needed", "Host": "d.example", "IsSession": true, "description": "p"}], "Hosts": []}]}}"#,
            vec![
                "d.example | cookie _o_id  | marketing | 30 days",
                "d.example | cookie needed  | unclassified | session",
                "o.example | cookie osession  | marketing | session",
            ],
        ),
        (
            Format::Cookieyes,
            "Cookie ID;Domain;Category;Duration;Description\n_cy_id;cy.example;Analytics;1 year 1 month;\"Counts; often\"\n",
            vec!["cy.example | cookie _cy_id  | analytics | 395 days"],
        ),
    ] {
        let services = read(format, text);
        assert_eq!(lines(&services), expected, "{format:?}");
        for service in services {
            assert!(service.id.contains(':'), "{}", service.id);
            assert_eq!(service.source.len(), 1, "the licence goes with it");
        }
    }
}

#[test]
fn a_vendor_list_names_vendors() {
    let list = r#"{"vendorListVersion": 7, "vendors": {"1": {"id": 1, "name": "Ads Ltd", "purposes": [1, 2], "urls": [{"privacy": "https://ads.example/p"}]}, "2": {"id": 2, "name": "Count", "purposes": [1, 8]}}}"#;
    let imported = import(Format::IabVendorList, list, Description::default()).unwrap();
    assert_eq!(imported.dataset.origin.version.as_deref(), Some("7"));
    let found: Vec<_> = imported
        .dataset
        .services
        .iter()
        .map(|service| (service.name.as_str(), service.category))
        .collect();
    assert_eq!(
        found,
        [
            ("Ads Ltd", Category::Marketing),
            ("Count", Category::Analytics)
        ]
    );
}

#[test]
fn nothing_imported_is_necessary_or_exempt() {
    let text = r#"{"schema": "consentinel/imported/v1", "origin": {"id": "x", "title": "X", "rights": "MIT"}, "services": [
        {"id": "s", "name": "S", "sector": "utility", "category": "necessary",
         "request": [{"host": "s.example", "category": "necessary", "exempt": {"basis": "security"}}],
         "cookie": [{"name": "sid_x", "category": "necessary", "role": "consent-record", "exempt": {"basis": "consent-record"}}],
         "storage": [{"area": "local", "name": "skey", "category": "necessary", "role": "consent-record"}]}]}"#;
    let dataset: Dataset = serde_json::from_str(text).unwrap();
    for service in dataset.into_services() {
        assert_eq!(service.category, Category::Unclassified);
        assert_eq!(service.request[0].category, Some(Category::Unclassified));
        assert!(service.request[0].exempt.is_none() && service.cookie[0].exempt.is_none());
        assert_eq!(service.cookie[0].category, Some(Category::Unclassified));
        assert!(service.cookie[0].role.is_none() && service.storage[0].role.is_none());
    }
}

#[test]
fn what_is_no_data_set_is_refused_in_words() {
    for (format, text) in [
        (Format::OpenCookieDatabase, "a,b\n1,2\n"),
        (Format::OpenCookieDatabase, ""),
        (Format::Disconnect, "{}"),
        (Format::Disconnect, r#"{"categories": {}}"#),
        (Format::TrackerRadar, ""),
        (Format::TrackerRadar, "[1, 2]"),
        (Format::Cookiebot, "nothing at all"),
        (Format::IabVendorList, r#"{"vendors": {}}"#),
    ] {
        let error = import(format, text, Description::default()).unwrap_err();
        assert!(!error.in_words().is_empty(), "{format:?} {text}");
    }
    let bad = Description {
        id: Some("../../etc".to_owned()),
        ..Description::default()
    };
    assert!(matches!(
        import(Format::OpenCookieDatabase, OCD_CSV, bad),
        Err(ImportError::Id(_))
    ));
}

#[test]
fn lifetimes_are_read_as_people_write_them() {
    for (written, expected) in [
        ("Session", Some("session")),
        ("end of session (browser)", Some("session")),
        ("forever", Some("persistent")),
        ("12 months", Some("12 months")),
        ("30 mins", Some("30 minutes")),
        ("1 year", Some("1 year")),
        ("24 hours", Some("24 hours")),
        ("6months", Some("6 months")),
        ("two years", Some("2 years")),
        ("30 minutes after last activity", Some("30 minutes sliding")),
        ("1 year 1 month", Some("395 days")),
        ("unknown", None),
        ("", None),
        ("0 days", None),
        ("99999999999999999999 days", None),
    ] {
        let read = lifetime::read(written);
        assert_eq!(read.as_ref().map(Duration::as_str), expected, "{written}");
    }
}

#[cfg(feature = "filterlists")]
#[test]
fn filter_lists_give_hosts_and_paths() {
    let list = "[Adblock Plus 2.0]\n! Title: EasyPrivacy\n! Licence: https://list.example/licence\n\
        ||stats.example^$third-party\n||big.example/collect?$third-party\n||big.example/track/\n\
        @@||good.example^\n/pixel.gif\n||only.example^$domain=a.example\nexample.com##.ad\n";
    assert_eq!(
        lines(&read(Format::FilterList, list)),
        [
            "big.example | big.example/track/ | analytics",
            "stats.example | stats.example | analytics"
        ]
    );
}

proptest! {
    #[test]
    fn no_text_panics(text in "[\\[\\]{}\":,;|^*a-z0-9._ \\n-]{0,120}|.{0,80}") {
        for format in [
            Format::OpenCookieDatabase, Format::TrackerRadar, Format::Disconnect, Format::Trackerdb,
            Format::FilterList, Format::IabVendorList, Format::IabDisclosure, Format::ThirdPartyWeb,
            Format::Cookiebot, Format::Onetrust, Format::Cookieyes,
        ] {
            if let Ok(imported) = import(format, &text, Description::default()) {
                prop_assert!(imported.dataset.into_services().all(|service| service.category != Category::Necessary));
            }
        }
    }
}
