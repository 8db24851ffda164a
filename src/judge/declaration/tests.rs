use proptest::prelude::*;

use super::*;
use crate::judge::tests_support::{SITE, page, visit};
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State};

fn read(texts: &[&str]) -> Declarations {
    let mut visit = visit(State::Before);
    visit.snapshot.documents = texts
        .iter()
        .map(|text| Document {
            source: "https://vendor.test/list.json".to_owned(),
            at_ms: 1,
            phase: PhaseName::Idle,
            text: Value::up_to(Document::LONGEST, text),
        })
        .collect();
    Declarations::of(&page(vec![visit]))
}

type Said<'a> = (&'a str, Option<&'a str>, Option<Category>, Option<Lifetime>);

fn said(declared: &Declarations) -> Vec<Said<'_>> {
    declared
        .entries
        .iter()
        .map(|entry| {
            (
                entry.written.as_str(),
                entry.domain.as_deref(),
                entry.category,
                entry.lifetime,
            )
        })
        .collect()
}

const fn days(days: i64) -> Lifetime {
    Lifetime::Seconds(days * 86_400)
}

#[test]
fn every_form_is_read() {
    use Category::{Analytics, Marketing, Necessary, Preferences, Unclassified};
    let session = Some(Lifetime::Session);
    let cases: [(&str, Form, &[&str], Vec<Said<'_>>); 8] = [
        (
            "OneTrust, with a group in a group and a host's cookies",
            Form::OneTrust,
            &[r#"{"DomainData":{"Groups":[
                {"CustomGroupId":"C0001","GroupName":"Strictly Necessary","FirstPartyCookies":[
                    {"Name":"sid","Host":"shop.test","IsSession":true,"Length":"0"}],"Hosts":[]},
                {"CustomGroupId":"X9","GroupName":"Publicité","FirstPartyCookies":[],"SubGroups":[
                    {"CustomGroupId":"C0004","GroupName":"Ads","FirstPartyCookies":[],"Hosts":[
                        {"HostName":"ads.test","Cookies":[{"Name":"uid","Host":".px.ads.test","IsSession":false,"Length":"365"}]}]}]}]}}"#],
            vec![
                ("sid", Some("shop.test"), Some(Necessary), session),
                ("uid", Some("ads.test"), Some(Marketing), Some(days(365))),
            ],
        ),
        (
            "Cookiebot's script",
            Form::Cookiebot,
            &[
                r#"CookieConsentDialog.cookieTableNecessary = [["CookieConsent","shop.test","Keeps \"it\"","1 year","HTTP","1"]];
                CookieConsentDialog.cookieTableStatistics = [["_ga_#","shop.test","Counts","2 Jahre","HTTP","1"]];
                CookieConsentDialog.cookieTableUnclassified = [["xq","shop.test","","Session","HTTP","1"]];"#,
            ],
            vec![
                (
                    "CookieConsent",
                    Some("shop.test"),
                    Some(Necessary),
                    Some(days(365)),
                ),
                ("_ga_#", Some("shop.test"), Some(Analytics), Some(days(730))),
                ("xq", Some("shop.test"), Some(Unclassified), session),
            ],
        ),
        (
            "Termly",
            Form::Termly,
            &[
                r#"{"cookies":{"essential":[{"name":"s","tracker_type":"http_cookie","domain":"shop.test","expire":"session"}],
                "social_networking":[{"name":"_fbp","tracker_type":"http_cookie","domain":"shop.test","expire":"3 months"}]}}"#,
            ],
            vec![
                ("s", Some("shop.test"), Some(Necessary), session),
                ("_fbp", Some("shop.test"), Some(Marketing), Some(days(90))),
            ],
        ),
        (
            "Usercentrics, over two answers",
            Form::Usercentrics,
            &[
                r#"{"categories":[{"categorySlug":"essential","isEssential":true},{"categorySlug":"marketing","isEssential":false}],
                    "consentTemplates":[{"templateId":"a","categorySlug":"marketing"},{"templateId":"b","categorySlug":"essential"}]}"#,
                r#"{"templates":[{"templateId":"a","deviceStorage":{"disclosures":[{"identifier":"_fbp","maxAgeSeconds":7776000,"domain":"shop.test"}]}},
                    {"templateId":"b","deviceStorage":{"disclosures":[{"identifier":"uc","maxAgeSeconds":0}]}}]}"#,
            ],
            vec![
                ("_fbp", Some("shop.test"), Some(Marketing), Some(days(90))),
                ("uc", None, Some(Necessary), session),
            ],
        ),
        (
            "CookieYes",
            Form::CookieYes,
            &[
                r#"{"_categories":[{"slug":"necessary","isNecessary":true,"cookies":[{"cookieID":"cookieyes-consent","domain":"shop.test"}]},
                {"slug":"functional","isNecessary":false,"cookies":[{"cookieID":"lang","domain":"","duration":"1 month"}]}]}"#,
            ],
            vec![
                (
                    "cookieyes-consent",
                    Some("shop.test"),
                    Some(Necessary),
                    None,
                ),
                ("lang", None, Some(Preferences), Some(days(30))),
            ],
        ),
        (
            "Klaro",
            Form::Klaro,
            &[r#"{"klaro":{"default":false,"services":[
                {"name":"ga","purposes":["analytics"],"cookies":[{"regex":"^_ga"},["_gid","/",".shop.test"],"plain"]},
                {"name":"own","required":true,"purposes":["shop"],"cookies":["sid"]}]}}"#],
            vec![
                ("^_ga", None, Some(Analytics), None),
                ("_gid", Some("shop.test"), Some(Analytics), None),
                ("plain", None, Some(Analytics), None),
                ("sid", None, Some(Necessary), None),
            ],
        ),
        (
            "tarteaucitron",
            Form::Tarteaucitron,
            &[
                r#"{"tarteaucitron":{"parameters":{"highPrivacy":true},"services":{
                "gtag":{"type":"analytic","name":"GA","needConsent":true,"cookies":["_ga"]},
                "own":{"type":"api","name":"own","needConsent":false,"cookies":["sid"]}}}}"#,
            ],
            vec![
                ("_ga", None, Some(Analytics), None),
                ("sid", None, Some(Necessary), None),
            ],
        ),
        (
            "CookieConsent",
            Form::CookieConsent,
            &[
                r#"{"cookieconsent":{"categories":{"necessary":{"enabled":true,"readOnly":true},
                "ads":{"enabled":false,"autoClear":{"cookies":[{"name":{"regex":"^_gcl"}}]}}}}}"#,
            ],
            vec![("^_gcl", None, Some(Marketing), None)],
        ),
    ];
    for (case, form, texts, expected) in cases {
        let declared = read(texts);
        assert_eq!(said(&declared), expected, "{case}");
        assert!(
            declared.entries.iter().all(|entry| entry.form == form),
            "{case}"
        );
        assert_eq!(declared.admissions, [], "{case}");
    }
}

#[test]
fn settings_that_admit() {
    for (text, implied, on_by_default) in [
        (
            r#"{"tarteaucitron":{"parameters":{"highPrivacy":false},"services":{}}}"#,
            1,
            0,
        ),
        (
            r#"{"tarteaucitron":{"parameters":{"serviceDefaultState":true},"services":{"a":{"type":"ads","needConsent":true}}}}"#,
            0,
            1,
        ),
        (r#"{"iubenda":{"consentOnScroll":true}}"#, 1, 0),
        (r#"{"iubenda":{"consentOnScroll":false}}"#, 0, 0),
        (
            r#"{"klaro":{"default":true,"services":[{"name":"a"},{"name":"b","default":false},{"name":"c","required":true}]}}"#,
            0,
            1,
        ),
        (
            r#"{"klaro":{"services":[{"name":"a","optOut":true}]}}"#,
            1,
            0,
        ),
        (
            r#"{"cookieconsent":{"categories":{"ads":{"enabled":true},"own":{"enabled":true,"readOnly":true}}}}"#,
            0,
            1,
        ),
    ] {
        let declared = read(&[text]);
        let count = |wanted: fn(&Admission) -> bool| {
            declared.admissions.iter().filter(|one| wanted(one)).count()
        };
        assert_eq!(
            (
                count(|one| matches!(one, Admission::Implied(_))),
                count(|one| matches!(one, Admission::OnByDefault(_)))
            ),
            (implied, on_by_default),
            "{text}"
        );
    }
}

#[test]
fn disclosures_and_the_list_that_numbers_them() {
    let declared = read(&[
        r#"{"disclosures":[{"identifier":"uid","type":"cookie","purposes":[1,3],"domains":["*.ads.test"]},
            {"identifier":"_x","type":"cookie","purposes":[1],"domains":["*"]},
            {"identifier":"own","type":"web","purposes":[]}]}"#,
        r#"{"gvlSpecificationVersion":3,"vendors":{"755":{"deviceStorageDisclosureUrl":"https://vendor.test/list.json"}}}"#,
    ]);
    let about = |kind, host: &str, name: &str, party| {
        let key = ItemKey {
            kind,
            host: host.to_owned(),
            name: name.to_owned(),
            partition: None,
        };
        declared
            .disclosures
            .iter()
            .find(|disclosure| disclosure.is_about(&key, party))
            .map(|disclosure| (disclosure.vendor, disclosure.admits()))
    };
    let cookie = SubjectKind::Cookie;
    assert_eq!(
        about(cookie, "px.ads.test", "uid", Party::Third),
        Some((Some(755), true))
    );
    assert_eq!(about(cookie, "other.test", "uid", Party::Third), None);
    assert_eq!(
        about(cookie, SITE, "_x", Party::First),
        Some((Some(755), true))
    );
    assert_eq!(
        about(
            SubjectKind::LocalStorage,
            "cdn.vendor.test",
            "own",
            Party::Third
        ),
        Some((Some(755), false))
    );
}

#[test]
fn tables_of_policies() {
    let table = |heading: &str, rows: &[&[&str]]| crate::model::report::PolicyTable {
        heading: heading.to_owned(),
        rows: rows
            .iter()
            .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
            .collect(),
    };
    let mut page = page(vec![visit(State::Before)]);
    page.policy = Some(crate::model::report::Policy {
        url: Some("https://shop.test/cookies".to_owned()),
        status: Some(200),
        speaks_of_cookies: true,
        tables: vec![
            table(
                "Statistik-Cookies",
                &[
                    &["Name", "Anbieter", "Laufzeit"],
                    &["_ga, _gid", "Google", "2 Jahre"],
                ],
            ),
            table(
                "",
                &[
                    &["Cookie", "Catégorie", "Durée"],
                    &["PHPSESSID", "Strictement nécessaire", "session"],
                ],
            ),
            table("Prices", &[&["Name", "Price"], &["Shoe", "12"]]),
            table("Empty", &[]),
        ],
    });
    assert_eq!(
        said(&Declarations::of(&page)),
        [
            ("_ga", None, Some(Category::Analytics), Some(days(730))),
            ("_gid", None, Some(Category::Analytics), Some(days(730))),
            (
                "PHPSESSID",
                None,
                Some(Category::Necessary),
                Some(Lifetime::Session)
            ),
        ]
    );
}

#[test]
fn an_item_is_declared_under_its_domain() {
    let declared = read(&[
        r#"{"DomainData":{"Groups":[{"CustomGroupId":"C0004","FirstPartyCookies":[
        {"Name":"uid","Host":"other.test"},{"Name":"own","Host":"www.shop.test"},{"Name":"free"}]}]}}"#,
    ]);
    let fit = |host: &str, name: &str, party| {
        let key = ItemKey {
            kind: SubjectKind::Cookie,
            host: host.to_owned(),
            name: name.to_owned(),
            partition: None,
        };
        declared.of_item(&key, party).first().map(|(fit, _)| *fit)
    };
    assert_eq!(fit(SITE, "own", Party::First), Some(Fit::Whole));
    assert_eq!(fit(SITE, "uid", Party::First), Some(Fit::Name));
    assert_eq!(fit(SITE, "free", Party::First), Some(Fit::Whole));
    assert_eq!(fit("ads.test", "free", Party::Third), Some(Fit::Name));
    assert_eq!(fit(SITE, "else", Party::First), None);
}

proptest! {
    #[test]
    fn any_text_is_read(text in any::<String>()) {
        read(&[&text]);
    }

    #[test]
    fn any_json_of_the_known_keys_is_read(key in prop::sample::select(vec![
        "DomainData", "Groups", "cookies", "_categories", "klaro", "tarteaucitron", "cookieconsent",
        "disclosures", "templates", "consentTemplates", "categories", "gvlSpecificationVersion",
        "cookieTableNecessary", "iubenda", "vendors",
    ]), inner in "[\\[\\]{}\",:a-z0-9 ]{0,80}") {
        read(&[&format!("{{\"{key}\":{inner}}}"), &format!("{key} = {inner}")]);
    }
}
