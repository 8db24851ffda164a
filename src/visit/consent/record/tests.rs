#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

const DENIED: Option<Answer> = Some(Answer::Denied);
const MIXED: Option<Answer> = Some(Answer::Mixed);
const UNCLEAR: Option<Answer> = Some(Answer::Unclear);

/// A sample of the IAB's specification; no purpose consented to.
const TC_DENIED: &str = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA";

#[test]
fn markers_make_a_platform_s_other_records_the_visitor_s() {
    let record = |name, value| read(name, value, Source::Cookie).unwrap();
    let closed = || record("OptanonAlertBoxClosed", "2026-01-01T10:00:00.000Z");
    let groups = || record("OptanonConsent", "groups=C0001:1,C0002:0");
    let default = || record("cmplz_marketing", "allow");
    assert_eq!(says(&[]), None);
    assert_eq!(says(&[groups()]), DENIED);
    assert_eq!(says_explicitly(&[groups()]), None);
    assert_eq!(says_explicitly(&[closed()]), UNCLEAR);
    assert_eq!(says_explicitly(&[closed(), groups()]), DENIED);
    // Another platform's default does not speak where the visitor has answered.
    assert_eq!(says(&[closed(), groups(), default()]), DENIED);
    assert_eq!(says(&[groups(), default()]), MIXED);
}

#[test]
fn what_the_api_calls_necessary_is_so_in_the_cookie() {
    let probe = serde_json::json!({"klaro": {
        "confirmed": true, "required": ["cart"], "consents": {"cart": true, "matomo": false}
    }});
    let cookie = read("klaro", r#"{"cart":true,"matomo":false}"#, Source::Cookie).unwrap();
    assert_eq!(answers(&cookie), MIXED);
    let mut records = read_probe(&probe);
    records.push(cookie);
    assert_eq!(says(&records), DENIED);
}

#[test]
fn a_record_becomes_a_signal_with_its_source() {
    let signal = read("klaro", r#"{"matomo":false}"#, Source::Cookie)
        .unwrap()
        .signal(7, PhaseName::Chosen);
    assert_eq!(
        (signal.kind.as_str(), signal.source.as_str()),
        ("cmp-record", "klaro")
    );
    assert!(signal.explicit && signal.at_ms == 7);
    assert_eq!(signal.grants.len(), 1);
    let api = read("x", TC_DENIED, Source::Api("__tcfapi")).unwrap();
    assert_eq!((api.kind, api.source.as_str()), ("tc-string", "__tcfapi"));
}

#[test]
fn names_of_consent_records() {
    for (name, expected) in [
        ("OptanonAlertBoxClosed", true),
        ("FCCDCF", true),
        ("li_gc", true),
        ("osano_consentmanager_uuid", true),
        ("dm-euconsent-v2", true),
        ("my_cookie_consent", true),
        ("_gid", false),
        ("sid", false),
    ] {
        assert_eq!(is_consent_record_name(name), expected, "{name}");
    }
}

#[test]
fn hostile_values_are_bounded() {
    let flags: Vec<String> = (0..5000).map(|at| format!(r#""s{at}":false"#)).collect();
    let many = format!("{{{}}}", flags[..4000].join(","));
    let record = read("klaro", &many, Source::LocalStorage).unwrap();
    assert_eq!(record.grants.len(), 200);
    assert_eq!(
        read("klaro", &format!("{{{}}}", flags.join(",")), Source::Cookie),
        None,
        "over 64 KiB"
    );
    let long = format!(r#"{{"{}\n":false}}"#, "x".repeat(5000));
    let record = read("klaro", &long, Source::Cookie).unwrap();
    assert_eq!(record.grants[0].name.len(), 64);
    for value in [
        "", "%", "{", "[[[[", "\u{0}", "!", "!=", "__", "permit ", ":", "j:",
    ] {
        for name in [
            "klaro",
            "tarteaucitron",
            "__cmpcpc",
            "cmapi_cookie_privacy",
            "FCCDCF",
            "CONSENTMGR",
        ] {
            let _ = read(name, value, Source::Cookie);
        }
    }
    assert_eq!(read("klaro", &"[".repeat(60_000), Source::Cookie), None);
}

proptest! {
    #[test]
    fn no_value_breaks_a_reader(
        at in 0_usize..60,
        value in prop_oneof![".{0,200}", "[{}\\[\\]\":,a-z0-9!=|_ -]{0,200}", "\\{(\"[a-z]{1,6}\":(true|false|1|\"yes\"|\\[\\]|\\{\\}),?){0,6}\\}"],
    ) {
        let name = platforms::any_name(at);
        if let Some(record) = read(&name, &value, Source::Cookie) {
            prop_assert!(record.grants.len() <= 200);
            prop_assert!(record.explicit || !record.grants.is_empty());
        }
    }

    #[test]
    fn klaro_s_answer_is_that_of_its_switches(flags in proptest::collection::btree_map("service[a-z]{1,8}", any::<bool>(), 1..8)) {
        let value = serde_json::to_string(&flags).unwrap();
        let said = answers(&read("klaro", &value, Source::Cookie).unwrap());
        let expected = match (flags.values().any(|flag| *flag), flags.values().all(|flag| *flag)) {
            (_, true) => Answer::Granted,
            (true, false) => Answer::Mixed,
            (false, false) => Answer::Denied,
        };
        prop_assert_eq!(said, Some(expected));
    }
}
