use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

#[test]
fn a_name_is_bound_by_host_setter_contact_or_value() {
    let valued = format!("{TRACKER}value = 'T1\\.\\d+'\n");
    let catalog = catalog(&[
        ("tracker", TRACKER),
        ("valued", &valued.replace("tracker", "valued")),
    ]);
    for (seen, expected) in [
        (
            Seen {
                name: "tracker_id",
                ..SEEN
            },
            Some(false),
        ),
        (
            Seen {
                name: "tracker_id",
                host: "cdn.tracker.test",
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "tracker_id",
                host: "other.test",
                ..SEEN
            },
            None,
        ),
        (
            Seen {
                name: "tracker_id",
                set_by: &["https://tracker.test/a.js"],
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "tracker_id",
                host: "other.test",
                set_by: &["https://tracker.test/a.js"],
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "tracker_id",
                set_by: &["not a url", "https://shop.test/a.js"],
                ..SEEN
            },
            Some(false),
        ),
        (
            Seen {
                name: "tracker_id",
                contacted: &["tracker"],
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "valued_id",
                value: "T1.9",
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "valued_id",
                value: "T1.9",
                host: "other.test",
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "valued_id",
                value: "else",
                ..SEEN
            },
            None,
        ),
        (
            Seen {
                name: "valued_id",
                value: "else",
                contacted: &["valued"],
                ..SEEN
            },
            Some(true),
        ),
        (
            Seen {
                name: "valued_id",
                value: "",
                ..SEEN
            },
            Some(false),
        ),
        (
            Seen {
                name: "TRACKER_ID",
                ..SEEN
            },
            None,
        ),
        (Seen { name: "", ..SEEN }, None),
    ] {
        let bound = find(&catalog, seen).map(|found| found.bound);
        assert_eq!(
            bound, expected,
            "{} on {} set by {:?}, value {:?}",
            seen.name, seen.host, seen.set_by, seen.value
        );
    }
}

#[test]
fn hosts_of_an_entry_limit_it() {
    let catalog = catalog(&[
        (
            "short",
            "[[cookie]]\nname = \"fr\"\non = [\"short.test\"]\n",
        ),
        ("own", "[[cookie]]\nname = \"own_id\"\non = [\"@site\"]\n"),
        (
            "every",
            "[[cookie]]\nname = \"every_id\"\non = [\"@any\"]\n",
        ),
    ]);
    for (name, host, bound) in [
        ("fr", "www.short.test", Some(true)),
        ("fr", "shop.test", None),
        ("fr", "notshort.test", None),
        ("own_id", "www.shop.test", Some(false)),
        ("own_id", "other.test", None),
        ("every_id", "other.test", Some(false)),
    ] {
        let found = find(&catalog, Seen { name, host, ..SEEN });
        assert_eq!(found.map(|found| found.bound), bound, "{name} on {host}");
    }
}

#[test]
fn the_better_of_several_entries_wins() {
    let catalog = catalog(&[
        ("exact", "[[cookie]]\nname = \"ab_cd_ef\"\n"),
        ("long", "[[cookie]]\nname = \"ab_cd_*\"\n"),
        ("short", "[[cookie]]\nname = \"ab_*\"\n"),
        ("typed", "[[cookie]]\nname = \"ab_cd_<x:digits>\"\n"),
        (
            "hosted",
            "[[request]]\nhost = \"hosted.test\"\n[[cookie]]\nname = \"ab_*\"\n",
        ),
    ]);
    for (seen, service, pattern) in [
        (
            Seen {
                name: "ab_cd_ef",
                ..SEEN
            },
            "exact",
            "ab_cd_ef",
        ),
        (
            Seen {
                name: "ab_cd_ex",
                ..SEEN
            },
            "long",
            "ab_cd_*",
        ),
        (
            Seen {
                name: "ab_cd_12",
                ..SEEN
            },
            "typed",
            "ab_cd_<x:digits>",
        ),
        (
            Seen {
                name: "ab_cd_ef",
                host: "hosted.test",
                ..SEEN
            },
            "hosted",
            "ab_*",
        ),
        (
            Seen {
                name: "ab_x",
                contacted: &["short"],
                ..SEEN
            },
            "short",
            "ab_*",
        ),
        (
            Seen {
                name: "ab_x",
                contacted: &["hosted"],
                ..SEEN
            },
            "hosted",
            "ab_*",
        ),
    ] {
        let found = find(&catalog, seen).unwrap();
        assert_eq!(
            (found.service.as_str(), found.pattern.as_str()),
            (service, pattern),
            "{}",
            seen.name
        );
        assert!(found.ambiguous.is_empty(), "{:?}", found.ambiguous);
    }
}

#[test]
fn equals_are_all_named_and_the_strictest_speaks() {
    let catalog = catalog(&[
        ("first", "[[cookie]]\nname = \"shared\"\n"),
        (
            "second",
            "[[cookie]]\nname = \"shared\"\ncategory = \"marketing\"\n",
        ),
        (
            "third",
            "[[cookie]]\nname = \"shared\"\ncategory = \"necessary\"\n",
        ),
    ]);
    let found = find(
        &catalog,
        Seen {
            name: "shared",
            ..SEEN
        },
    )
    .unwrap();
    assert_eq!(found.service, "second");
    assert_eq!(found.category, Category::Marketing);
    assert_eq!(found.ambiguous, ["first", "third"]);
}

#[test]
fn stores_are_told_apart() {
    let catalog = catalog(&[
        ("cookie", "[[cookie]]\nname = \"both_id\"\n"),
        (
            "local",
            "[[storage]]\narea = \"local\"\nname = \"both_id\"\n[[storage]]\narea = \"local\"\nname = \"xy\"\n",
        ),
        (
            "session",
            "[[storage]]\narea = \"session\"\nname = \"both_id\"\n",
        ),
    ]);
    for (storage, service) in [
        (None, "cookie"),
        (Some(StorageKind::LocalStorage), "local"),
        (Some(StorageKind::SessionStorage), "session"),
    ] {
        let found = find(
            &catalog,
            Seen {
                name: "both_id",
                storage,
                ..SEEN
            },
        )
        .unwrap();
        assert_eq!(found.service, service);
        assert!(found.ambiguous.is_empty());
    }
    let short = Seen {
        name: "xy",
        storage: Some(StorageKind::LocalStorage),
        ..SEEN
    };
    assert!(find(&catalog, short).is_some());
    assert!(
        find(
            &catalog,
            Seen {
                storage: None,
                ..short
            }
        )
        .is_none(),
        "short names stay in their store"
    );
}

#[test]
fn only_unconditional_exemptions_are_reported() {
    let catalog = catalog(&[(
        "x",
        "[[cookie]]\nname = \"record\"\nexempt = { basis = \"consent-record\" }\n\
         [[cookie]]\nname = \"needy\"\nexempt = { basis = \"consent-record\", needs = [\"x\"] }\n\
         [[cookie]]\nname = \"french\"\nexempt = { basis = \"consent-record\", in = [\"FR\"] }\n\
         [[cookie]]\nname = \"audience\"\nexempt = { basis = \"audience-measurement\" }\n",
    )]);
    for (name, exempt) in [
        ("record", Some("consent-record")),
        ("needy", None),
        ("french", None),
        ("audience", None),
    ] {
        let found = find(&catalog, Seen { name, ..SEEN }).unwrap();
        assert_eq!(found.exempt.as_deref(), exempt, "{name}");
    }
}

#[test]
fn the_narrowest_request_rule_wins() {
    let catalog = catalog(&[
        (
            "wide",
            "[[request]]\nhost = \"big.test\"\nrole = \"app\"\n\
             [[request]]\nhost = \"big.test\"\npath = \"/tr\"\nrole = \"beacon\"\ncategory = \"marketing\"\n",
        ),
        (
            "narrow",
            "[[request]]\nhost = \"cdn.big.test\"\nrole = \"asset\"\n",
        ),
        (
            "exact",
            "[[request]]\nhost = \"=big.test\"\npath = \"/only\"\n",
        ),
        (
            "tagged",
            "[[request]]\nhost = \"big.test\"\nquery = { id = \"G-*\" }\nrole = \"loader\"\n",
        ),
        (
            "hosted",
            "[[request]]\nhost = \"@site\"\npath = \"/matomo.php\"\nrole = \"collector\"\n",
        ),
        (
            "suffix",
            "[[request]]\nhost = \"suffix.*\"\npath = \"/ads/\"\n",
        ),
        (
            "gone",
            "[[request]]\nhost = \"gone.test\"\nstatus = \"retired\"\n",
        ),
    ]);
    for (url, expected) in [
        ("https://big.test/x", Some(("wide", "app"))),
        ("https://BIG.test/x", Some(("wide", "app"))),
        ("https://big.test/tr?id=1", Some(("wide", "beacon"))),
        ("https://big.test/track", Some(("wide", "app"))),
        ("https://a.cdn.big.test/tr", Some(("narrow", "asset"))),
        ("https://big.test/only", Some(("exact", ""))),
        ("https://x.big.test/only", Some(("wide", "app"))),
        ("https://big.test/y?id=G-1", Some(("tagged", "loader"))),
        ("https://big.test/y?id=X-1", Some(("wide", "app"))),
        (
            "https://stats.shop.test/matomo.php?x",
            Some(("hosted", "collector")),
        ),
        ("https://stats.else.test/matomo.php", None),
        ("https://www.suffix.co.uk/ads/x", Some(("suffix", ""))),
        ("https://www.suffix.co.uk/x", None),
        ("https://notbig.test/x", None),
        ("https://gone.test/x", None),
        ("data:text/plain,x", None),
    ] {
        let found = catalog.match_request(&Url::parse(url).unwrap(), "www.shop.test");
        let found = found.map(|found| (found.service, found.role.unwrap_or_default()));
        assert_eq!(
            found
                .as_ref()
                .map(|(id, role)| (id.as_str(), role.as_str())),
            expected,
            "{url}"
        );
    }
}

proptest! {
    #[test]
    fn no_item_or_request_panics(
        name in ".{0,60}", host in "[a-z.\\-]{0,40}|.{0,20}", value in ".{0,60}", setter in ".{0,60}", url in ".{0,60}",
    ) {
        static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
            catalog(&[("x", TRACKER), ("y", "[[cookie]]\nname = \"*\"\non = [\"@any\"]\n")])
        });
        with_query(Seen { name: &name, host: &host, value: &value, set_by: &[&setter], ..SEEN }, |query| {
            let found = CATALOG.match_item(query);
            assert_eq!(found.is_some(), !name.is_empty(), "the second entry fits every name");
            CATALOG.override_for(query);
        });
        if let Ok(url) = Url::parse(&format!("https://{host}/{url}")) {
            CATALOG.match_request(&url, &host);
        }
    }
}
