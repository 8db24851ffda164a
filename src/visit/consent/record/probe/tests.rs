#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use serde_json::json;

use super::super::{Answer, answers, says_explicitly};
use super::*;

fn check(probe: &Value, platform: &str, explicit: bool, answer: Option<Answer>) {
    let records = read_probe(probe);
    let record = records.first().unwrap();
    assert_eq!(
        (record.platform, record.explicit, answers(record)),
        (platform, explicit, answer),
        "{probe}: {records:?}"
    );
}

#[test]
fn apis_after_a_refusal() {
    let denied = Some(Answer::Denied);
    for (probe, platform) in [
        (
            json!({"tcf": {"eventStatus": "useractioncomplete", "purposes": {"1": false, "2": false}}}),
            "tcf",
        ),
        (
            json!({"onetrust": {"active": ",C0001,", "closed": true, "groups": [{"id": "C0001", "always": true}, {"id": "C0002", "always": false}]}}),
            "onetrust",
        ),
        (
            json!({"cookiebot": {"answered": true, "method": "explicit", "consent": {"necessary": true, "marketing": false, "changed": true}}}),
            "cookiebot",
        ),
        (
            json!({"usercentrics": {"status": "ALL_DENIED", "type": "EXPLICIT", "services": [{"name": "own", "given": true}, {"name": "ads", "given": false}]}}),
            "usercentrics",
        ),
        (
            json!({"usercentrics2": [{"name": "own", "essential": true, "given": true}, {"name": "ads", "given": false, "type": "explicit"}]}),
            "usercentrics",
        ),
        (
            json!({"didomi": {"answered": true, "essential": ["base"], "purposes": {"base": true, "ads": false}}}),
            "didomi",
        ),
        (
            json!({"klaro": {"confirmed": true, "required": ["cart"], "consents": {"cart": true, "matomo": false}}}),
            "klaro",
        ),
        (
            json!({"tarteaucitron": {"cookie": "!youtube=false", "state": {"youtube": false}}}),
            "tarteaucitron",
        ),
        (
            json!({"vanilla": {"answered": true, "type": "necessary", "accepted": ["own"], "rejected": ["ads"]}}),
            "vanilla-cookieconsent",
        ),
        (
            json!({"cookieyes": {"answered": true, "categories": {"necessary": true, "analytics": false}}}),
            "cookieyes",
        ),
        (
            json!({"cookieScript": {"action": "reject", "categories": []}}),
            "cookie-script",
        ),
        (
            json!({"iubenda": {"answered": true, "purposes": {"1": true, "4": false}}}),
            "iubenda",
        ),
        (
            json!({"shopify": {"marketing": "no", "analytics": "no"}}),
            "shopify",
        ),
        (
            json!({"consentmanager": {"answered": true, "purposes": {"51": true, "52": false}}}),
            "consentmanager",
        ),
    ] {
        check(&probe, platform, true, denied);
    }
}

#[test]
fn apis_before_an_answer() {
    for (probe, platform, answer) in [
        (
            json!({"tcf": {"eventStatus": "cmpuishown", "purposes": {"1": false}}}),
            "tcf",
            Answer::Denied,
        ),
        (
            json!({"onetrust": {"active": ",C0001,C0002,", "closed": false}}),
            "onetrust",
            Answer::Granted,
        ),
        (
            json!({"klaro": {"confirmed": false, "consents": {"matomo": true}}}),
            "klaro",
            Answer::Granted,
        ),
        (
            json!({"tarteaucitron": {"cookie": "!youtube=wait", "state": {"youtube": false}}}),
            "tarteaucitron",
            Answer::Denied,
        ),
        (
            json!({"cookieInformation": {"cookie_cat_marketing": false}}),
            "cookie-information",
            Answer::Denied,
        ),
        (
            json!({"osano": {"ESSENTIAL": "ACCEPT", "ANALYTICS": "DENY", "OPT_OUT": "ACCEPT"}}),
            "osano",
            Answer::Denied,
        ),
    ] {
        check(&probe, platform, false, Some(answer));
    }
    assert!(read_probe(&json!({"shopify": {"marketing": "", "analytics": ""}})).is_empty());
}

#[test]
fn consent_mode_defaults_are_no_answer_and_updates_are() {
    let command = |name: &str, regional: bool, ads: &str| json!({"command": name, "regional": regional, "states": {"ad_storage": ads, "security_storage": "granted"}});
    let defaults = json!({"consentMode": [command("default", false, "denied")]});
    check(
        &defaults,
        "google-consent-mode",
        false,
        Some(Answer::Denied),
    );
    assert_eq!(says_explicitly(&read_probe(&defaults)), None);

    let regional = json!({"consentMode": [command("default", true, "denied"), command("default", false, "granted")]});
    check(
        &regional,
        "google-consent-mode",
        false,
        Some(Answer::Granted),
    );

    let updated = json!({"consentMode": [
        command("default", false, "granted"),
        command("update", false, "granted"),
        command("update", false, "denied"),
    ]});
    assert_eq!(says_explicitly(&read_probe(&updated)), Some(Answer::Denied));
    let update = read_probe(&updated).pop().unwrap();
    assert_eq!(
        (
            update.kind,
            update.source.as_str(),
            update.explicit,
            answers(&update)
        ),
        (CONSENT_MODE, "dataLayer update", true, Some(Answer::Denied))
    );

    let state = json!({"consentState": {"ad_storage": {"default": true, "update": false}, "analytics_storage": {"default": false}}});
    check(&state, "google-consent-mode", true, Some(Answer::Denied));
}

#[test]
fn answers_of_other_shapes_are_passed_over() {
    for probe in [
        json!(null),
        json!([]),
        json!("text"),
        json!({"tcf": null, "onetrust": 7, "klaro": {"consents": [1]}, "usercentrics2": {"a": 1}}),
        json!({"consentMode": {"0": 1}, "consentState": [], "didomi": {"purposes": {"a": "yes"}}}),
    ] {
        assert!(read_probe(&probe).is_empty(), "{probe}");
    }
}

#[test]
fn the_probe_is_one_expression() {
    assert!(PROBE.starts_with('(') && PROBE.ends_with(")()"));
    for (key, _) in READERS {
        assert!(
            PROBE.contains(&format!("ask('{key}'")) || PROBE.contains(&format!("found.{key} =")),
            "{key} is read but never asked"
        );
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "[a-z:=!,]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            proptest::collection::hash_map(
                prop_oneof![
                    Just("consents".to_owned()),
                    Just("purposes".to_owned()),
                    Just("services".to_owned()),
                    Just("states".to_owned()),
                    "[a-z]{1,6}"
                ],
                inner,
                0..5
            )
            .prop_map(|object| Value::Object(object.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_breaks_the_reader(at in 0..READERS.len(), answer in any_json()) {
        let mut probe = Map::new();
        probe.insert(READERS[at].0.to_owned(), answer);
        for record in read_probe(&Value::Object(probe)) {
            prop_assert!(record.grants.len() <= MOST_GRANTS);
        }
    }
}
