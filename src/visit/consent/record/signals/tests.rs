#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A sample of the IAB's specification with the first five purposes consented to.
const TC_GRANTED: &str = "CQSbk4AQSbk4ANwAAAENAwCgAPgAAAAAAAYgACPAAAAA";

fn read(signals: &Json) -> Vec<Signal> {
    read_signals(&json!({ "signals": signals }))
}

fn only(signals: &Json) -> Signal {
    let mut read = read(signals);
    assert_eq!(read.len(), 1, "{signals}: {read:?}");
    read.remove(0)
}

fn granted_names(signal: &Signal) -> Vec<(&str, bool)> {
    signal
        .grants
        .iter()
        .map(|grant| (grant.name.as_str(), grant.granted))
        .collect()
}

fn facts_of(signal: &Signal) -> Vec<(&str, &str)> {
    signal
        .facts
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

#[test]
fn commands_keep_their_order_and_place() {
    let read = read(&json!({"google": [
        {"name": "default", "position": 0, "regions": ["de", "US-CA", "<b>"], "wait": 500, "afterTag": false,
         "states": {"ad_storage": "denied", "analytics_storage": "denied", "region": "DE"}},
        {"name": "default", "position": 1, "regions": [], "afterTag": false, "states": {"ad_storage": "granted"}},
        {"name": "update", "position": 7, "regions": [], "afterTag": true, "states": {"ad_storage": "granted"}},
        {"name": "declare", "position": 8, "states": {"ad_storage": "granted"}},
    ]}));
    let commands: Vec<&Command> = read
        .iter()
        .map(|signal| signal.command.as_ref().unwrap())
        .collect();
    let places: Vec<_> = commands
        .iter()
        .map(|command| {
            (
                command.name.as_str(),
                command.position,
                command.after_first_tag,
            )
        })
        .collect();
    assert_eq!(
        places,
        [
            ("default", 0, Some(false)),
            ("default", 1, Some(false)),
            ("update", 7, Some(true)),
        ]
    );
    assert_eq!(commands[0].regions, ["DE", "US-CA", "other"]);
    assert_eq!(commands[0].wait_for_update_ms, Some(500));
    assert_eq!(commands[1].regions, Vec::<String>::new());
    assert_eq!(
        granted_names(&read[0]),
        [("ad_storage", false), ("analytics_storage", false)]
    );
    assert!(read.iter().all(|signal| signal.source == "dataLayer"));
}

#[test]
fn other_tags_have_queues_too() {
    for (signals, source, grants) in [
        (
            json!({"microsoft": [{"name": "default", "position": 0, "states": {"ad_storage": "denied"}}]}),
            "uetq",
            [("ad_storage", false)],
        ),
        (
            json!({"microsoftState": true}),
            "uetq.uetConfig",
            [("ad_storage", true)],
        ),
        (
            json!({"clarity": [{"name": "consentv2", "position": 3, "states": {"ad_Storage": "granted"}}]}),
            "clarity",
            [("ad_Storage", true)],
        ),
        (
            json!({"meta": [{"name": "revoke", "position": 0, "states": {}}]}),
            "fbq",
            [("all", false)],
        ),
        (
            json!({"meta": [{"name": "grant", "position": 1, "states": {}}]}),
            "fbq",
            [("all", true)],
        ),
    ] {
        let signal = only(&signals);
        assert_eq!(
            (signal.source.as_str(), granted_names(&signal).as_slice()),
            (source, grants.as_slice())
        );
        assert!(!signal.explicit, "no proof of a choice: {signals}");
    }
}

#[test]
fn strings_of_the_frameworks() {
    let tcf = only(&json!({"tcf": {
        "string": TC_GRANTED, "eventStatus": "useractioncomplete", "gdprApplies": "true",
        "cmpStatus": "loaded", "displayStatus": "my own words"}}));
    assert!(tcf.explicit);
    assert_eq!(tcf.value, Some(Value::new(TC_GRANTED)));
    assert!(tcf.grants.iter().any(|grant| grant.granted));
    assert_eq!(
        facts_of(&tcf),
        [
            ("cmp-status", "loaded"),
            ("display-status", "other"),
            ("event-status", "useractioncomplete"),
            ("gdpr-applies", "true"),
        ]
    );
    let stub = only(&json!({"tcf": {"cmpStatus": "stub"}}));
    assert_eq!(
        (stub.explicit, stub.value, stub.grants.len()),
        (false, None, 0)
    );

    let text = format!("DBABMA~{TC_GRANTED}~1YNN");
    let gpp = only(&json!({"gpp": {
        "string": text, "sections": ["2", "6", "x"], "signalStatus": "ready", "cmpStatus": "loaded"}}));
    assert!(gpp.grants.iter().any(|grant| grant.granted));
    assert_eq!(gpp.value, Some(Value::new(&text)));
    assert_eq!(gpp.facts["sections"], "2,6");
    assert_eq!(gpp.facts["signal-status"], "ready");

    for (string, expected) in [
        (
            "1YNN",
            vec![("agreement", "no"), ("notice", "yes"), ("opted-out", "no")],
        ),
        (
            "1---",
            vec![
                ("agreement", "does not apply"),
                ("notice", "does not apply"),
                ("opted-out", "does not apply"),
            ],
        ),
        ("2YNN", vec![]),
        ("1Y", vec![]),
    ] {
        let signal = only(&json!({"usp": {"string": string}}));
        assert_eq!(facts_of(&signal), expected, "{string}");
        assert_eq!(signal.value, Some(Value::new(string)));
    }
    assert_eq!(read(&json!({"usp": {"string": ""}})), []);
}

#[test]
fn global_privacy_control() {
    for (value, expected) in [
        ("true", "true"),
        ("false", "false"),
        ("absent", "absent"),
        ("yes please", "absent"),
    ] {
        let signal = only(&json!({"gpc": value}));
        assert_eq!(facts_of(&signal), [("value", expected)]);
    }
    let header = gpc_header(3, 14);
    assert_eq!(facts_of(&header), [("requests", "14"), ("sent-with", "3")]);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        proptest::sample::select(vec!["default", "update", "granted", "DE", "1YNN", "true"])
            .prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let keys = proptest::sample::select(vec![
            "name", "position", "regions", "wait", "states", "afterTag", "string", "sections", "x",
        ]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            proptest::collection::hash_map(keys.prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_answer_is_survived(
        answers in proptest::collection::hash_map(
            proptest::sample::select(vec!["google", "microsoft", "clarity", "meta", "microsoftState", "tcf", "gpp", "usp", "gpc"])
                .prop_map(str::to_owned),
            any_json(),
            0..9,
        )
    ) {
        let answers: Json = answers.into_iter().collect();
        for signal in read(&answers) {
            prop_assert!(signal.grants.len() <= MOST_GRANTS);
            prop_assert!(signal.facts.values().all(|value| value.len() <= 200));
        }
    }
}
