use base64::Engine as _;

use super::super::{Answer, Source, answers, read};
use super::matches;
/// What a value should be read as: platform, the visitor's own answer or not, and the answer.
type Expected = Option<(&'static str, bool, Option<Answer>)>;

const GRANTED: Option<Answer> = Some(Answer::Granted);
const DENIED: Option<Answer> = Some(Answer::Denied);
const MIXED: Option<Answer> = Some(Answer::Mixed);
const UNCLEAR: Option<Answer> = Some(Answer::Unclear);

/// A sample of the IAB's specification; no purpose consented to.
const TC_DENIED: &str = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA";
/// The same with the first five purposes consented to.
const TC_GRANTED: &str = "CQSbk4AQSbk4ANwAAAENAwCgAPgAAAAAAAYgACPAAAAA";

fn check(name: &str, value: &str, expected: Expected) {
    let read = read(name, value, Source::Cookie);
    let summary = read
        .as_ref()
        .map(|record| (record.platform, record.explicit, answers(record)));
    assert_eq!(summary, expected, "{name}={value}: {read:?}");
}

fn base64(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

#[test]
fn platforms_with_a_switch_for_each_category() {
    let onetrust = |answered: u8, ads: u8| {
        format!(
            "isGpcEnabled=0&datestamp=Mon+Mar+02+2026&version=202403.1.0&hosts=&interactionCount={answered}&landingPath=NotLandingPage&groups=C0001%3A1%2CC0002%3A{ads}%2CC0004%3A{ads}&AwaitingReconsent=false"
        )
    };
    let cookiebot = |flag: bool, method: &str| {
        format!(
            "{{stamp:%27a1B2c3D4e5F6==%27%2Cnecessary:true%2Cpreferences:{flag}%2Cstatistics:{flag}%2Cmarketing:{flag}%2Cmethod:%27{method}%27%2Cver:1%2Cutc:1767225600000%2Cregion:%27de%27}}"
        )
    };
    for (name, value, expected) in [
        (
            "OptanonConsent",
            onetrust(1, 0),
            Some(("onetrust", true, DENIED)),
        ),
        (
            "OptanonConsent",
            onetrust(2, 1),
            Some(("onetrust", true, GRANTED)),
        ),
        (
            "OptanonConsent",
            onetrust(0, 0),
            Some(("onetrust", false, DENIED)),
        ),
        (
            "OptanonConsent",
            "groups=C0001%3A1%2CC0002%3A1%2CC0004%3A0".to_owned(),
            Some(("onetrust", false, MIXED)),
        ),
        ("OptanonConsent", "isGpcEnabled=0".to_owned(), None),
        (
            "CookieConsent",
            cookiebot(false, "explicit"),
            Some(("cookiebot", true, DENIED)),
        ),
        (
            "CookieConsent",
            cookiebot(true, "explicit"),
            Some(("cookiebot", true, GRANTED)),
        ),
        (
            "CookieConsent",
            cookiebot(true, "implied"),
            Some(("cookiebot", false, GRANTED)),
        ),
        (
            "CookieConsent",
            "-1".to_owned(),
            Some(("cookiebot", false, GRANTED)),
        ),
        (
            "CookieConsent",
            "0".to_owned(),
            Some(("cookiebot", true, DENIED)),
        ),
        ("CookieConsent", "true".to_owned(), None),
    ] {
        check(name, &value, expected);
    }
    for (name, value, expected) in [
        (
            "klaro",
            "%7B%22matomo%22%3Afalse%2C%22youtube%22%3Afalse%7D",
            Some(("klaro", true, DENIED)),
        ),
        (
            "klaro",
            r#"{"matomo":true,"youtube":false}"#,
            Some(("klaro", true, MIXED)),
        ),
        (
            "tarteaucitron",
            "!youtube=false!gtag=false",
            Some(("tarteaucitron", true, DENIED)),
        ),
        (
            "tarteaucitron",
            "!youtube=true!gtag=wait",
            Some(("tarteaucitron", true, GRANTED)),
        ),
        ("tarteaucitron", "!youtube=wait!gtag=wait", None),
        (
            "tac_renamed",
            "!youtube=false",
            Some(("tarteaucitron", true, DENIED)),
        ),
        (
            "cookieyes-consent",
            "consentid:abc,consent:no,action:yes,necessary:yes,functional:no,analytics:no,advertisement:no",
            Some(("cookieyes", true, DENIED)),
        ),
        (
            "cookieyes-consent",
            "consentid:abc,consent:yes,action:yes,necessary:yes,functional:yes,analytics:yes",
            Some(("cookieyes", true, GRANTED)),
        ),
        (
            "cookieyes-consent",
            "consentid:abc,consent:,action:,necessary:,analytics:",
            None,
        ),
        (
            "cookielawinfo-checkbox-analytics",
            "no",
            Some(("cookieyes", false, DENIED)),
        ),
        (
            "cookielawinfo-checkbox-necessary",
            "yes",
            Some(("cookieyes", false, None)),
        ),
        (
            "viewed_cookie_policy",
            "no",
            Some(("cookieyes", true, DENIED)),
        ),
        (
            "viewed_cookie_policy",
            "yes",
            Some(("cookieyes", true, UNCLEAR)),
        ),
        (
            "cmplz_marketing",
            "deny",
            Some(("complianz", false, DENIED)),
        ),
        (
            "cmplz_statistics",
            "allow",
            Some(("complianz", false, GRANTED)),
        ),
        (
            "cmplz_functional",
            "allow",
            Some(("complianz", false, None)),
        ),
        (
            "cmplz_banner-status",
            "dismissed",
            Some(("complianz", true, UNCLEAR)),
        ),
        ("cmplz_banner-status", "show", None),
        ("cmplz_policy_id", "16", None),
        (
            "axeptio_cookies",
            r#"{"$$completed":true,"google_analytics":false}"#,
            Some(("axeptio", true, DENIED)),
        ),
        (
            "axeptio_cookies",
            r#"{"$$completed":true,"ga":true}"#,
            Some(("axeptio", true, GRANTED)),
        ),
        (
            "axeptio_cookies",
            r#"{"$$completed":false,"ga":false}"#,
            Some(("axeptio", false, DENIED)),
        ),
        (
            "_iub_cs-1234",
            r#"{"timestamp":"2026-01-01","purposes":{"1":true,"4":false,"5":false},"id":1234}"#,
            Some(("iubenda", true, DENIED)),
        ),
        (
            "_iub_cs-s1234",
            r#"{"consent":true,"purposes":{"1":true,"4":true}}"#,
            Some(("iubenda", true, GRANTED)),
        ),
        ("_iub_cs-1234-granular", r#"{"gac":"abc"}"#, None),
        (
            "cookiefirst-consent",
            r#"{"necessary":true,"performance":false,"functional":false,"advertising":false,"timestamp":1767225600,"type":"category","version":"1"}"#,
            Some(("cookiefirst", true, DENIED)),
        ),
        (
            "CookieControl",
            r#"{"necessaryCookies":["a"],"optionalCookies":{"analytics":"revoked","marketing":"revoked"},"interactedWith":true}"#,
            Some(("civic", true, DENIED)),
        ),
        (
            "CookieControl",
            r#"{"optionalCookies":{"analytics":"accepted"},"interactedWith":true}"#,
            Some(("civic", true, GRANTED)),
        ),
        (
            "CookieControl",
            r#"{"optionalCookies":{},"interactedWith":false}"#,
            None,
        ),
        (
            "_tracking_consent",
            r#"{"con":{"CMP":{"a":"0","m":"0","p":"0","s":""}},"v":"2.1","region":"DEBE","reg":"GDPR"}"#,
            Some(("shopify", true, DENIED)),
        ),
        (
            "_tracking_consent",
            r#"{"con":{"CMP":{"a":"","m":"","p":"","s":""}},"v":"2.1","purposes":{"a":true,"m":true}}"#,
            Some(("shopify", false, GRANTED)),
        ),
        (
            "_tracking_consent",
            r#"{"con":{"CMP":{"a":"","m":"","p":"","s":""}},"v":"2.1"}"#,
            None,
        ),
        (
            "__hs_cookie_cat_pref",
            "1:false,2:false,3:false",
            Some(("hubspot", true, DENIED)),
        ),
        (
            "__hs_cookie_cat_pref",
            "1:true%2C2:true%2C3:true",
            Some(("hubspot", true, GRANTED)),
        ),
        ("__hs_opt_out", "yes", Some(("hubspot", true, DENIED))),
        (
            "moove_gdpr_popup",
            "%7B%22strict%22%3A%221%22%2C%22thirdparty%22%3A%220%22%2C%22advanced%22%3A%220%22%7D",
            Some(("moove", true, DENIED)),
        ),
        (
            "CONSENTMGR",
            "c1:1%7Cc2:0%7Cts:1767225600000%7Cconsent:true",
            Some(("tealium", true, MIXED)),
        ),
        (
            "CONSENTMGR",
            "consent:false%7Cts:1767225600000",
            Some(("tealium", true, DENIED)),
        ),
        (
            "OPTOUTMULTI",
            "0:0%7Cc1:1%7Cc2:1",
            Some(("tealium", true, MIXED)),
        ),
        (
            "hu-consent",
            r#"{"consent":false,"categories":{"1":true,"2":false}}"#,
            Some(("cookie-notice", true, DENIED)),
        ),
        (
            "consent-policy",
            r#"{"ess":1,"func":0,"anl":0,"adv":0,"dt3":0,"ts":29000000}"#,
            Some(("wix", true, DENIED)),
        ),
        (
            "consent-policy",
            r#"{"ess":1,"func":0,"anl":0,"adv":0,"dt3":1,"ts":29000000}"#,
            Some(("wix", true, DENIED)),
        ),
        (
            "cookie-agreed-categories",
            r#"["functional"]"#,
            Some(("eu-cookie-compliance", true, DENIED)),
        ),
        (
            "cookie-agreed-categories",
            r#"["functional","analytics"]"#,
            Some(("eu-cookie-compliance", true, GRANTED)),
        ),
        (
            "fides_consent",
            r#"{"consent":{"analytics":false},"fides_meta":{"consentMethod":"reject"}}"#,
            Some(("fides", true, DENIED)),
        ),
        (
            "fides_consent",
            r#"{"consent":{"analytics":false},"fides_meta":{}}"#,
            Some(("fides", false, DENIED)),
        ),
        (
            "fs-cc",
            "%257B%2522id%2522%253A%2522x%2522%252C%2522consents%2522%253A%257B%2522analytics%2522%253Afalse%252C%2522essential%2522%253Atrue%257D%257D",
            Some(("finsweet", true, DENIED)),
        ),
    ] {
        check(name, value, expected);
    }
}

#[test]
fn platforms_with_a_history() {
    let settings = |status: bool, action: &str, kind: &str| {
        let service = |name: &str, status: bool| {
            format!(
                r#"{{"history":[{{"action":"{action}","status":{status},"type":"{kind}"}}],"id":"{name}","status":{status}}}"#
            )
        };
        format!(
            r#"{{"controllerId":"x","services":[{},{}]}}"#,
            service("essential", true),
            service("analytics", status)
        )
    };
    for (value, expected) in [
        (
            settings(false, "onDenyAllServices", "explicit"),
            (true, DENIED),
        ),
        (
            settings(true, "onAcceptAllServices", "explicit"),
            (true, GRANTED),
        ),
        (
            settings(true, "onInitialPageLoad", "implicit"),
            (false, GRANTED),
        ),
    ] {
        check(
            "uc_settings",
            &value,
            Some(("usercentrics", expected.0, expected.1)),
        );
    }
    for (name, value, expected) in [
        (
            "uc_user_interaction",
            "true",
            Some(("usercentrics", true, UNCLEAR)),
        ),
        ("uc_user_interaction", "false", None),
        (
            "ucData",
            r#"{"consent":{"type":"EXPLICIT","services":{"a":{"name":"Usercentrics CMP","consent":true},"b":{"name":"Hotjar","consent":false}}}}"#,
            Some(("usercentrics", true, DENIED)),
        ),
        (
            "ucData",
            r#"{"consent":{"services":{"b":{"name":"Hotjar","consent":{"given":true,"type":"IMPLICIT"}}}}}"#,
            Some(("usercentrics", false, GRANTED)),
        ),
        (
            "usercentrics",
            r#"{"consents":[{"dataProcessor":"A","consentStatus":true,"isEssential":true},{"dataProcessor":"B","consentStatus":false}]}"#,
            Some(("usercentrics", false, DENIED)),
        ),
    ] {
        check(name, value, expected);
    }
}

#[test]
fn platforms_with_a_list_of_what_is_allowed() {
    let didomi = |purposes: &str| {
        base64(&format!(
            r#"{{"user_id":"x","created":"2026-01-01T00:00:00Z"{purposes}}}"#
        ))
    };
    check(
        "didomi_token",
        &didomi(r#","purposes":{"enabled":[],"disabled":["cookies","analytics"]}"#),
        Some(("didomi", true, DENIED)),
    );
    check(
        "didomi_token",
        &didomi(
            r#","purposes":{"enabled":["cookies","analytics"]},"vendors":{"enabled":["google"]}"#,
        ),
        Some(("didomi", true, GRANTED)),
    );
    check("didomi_token", &didomi(""), None);
    let funding = |tc: &str| format!(r#"[null,null,null,["{tc}","1~","AAAA-1111"],null,null,[]]"#);
    check(
        "FCCDCF",
        &funding(TC_DENIED),
        Some(("google-funding-choices", false, DENIED)),
    );
    check(
        "FCCDCF",
        &funding(TC_GRANTED),
        Some(("google-funding-choices", false, GRANTED)),
    );
    check(
        "_pandectes_gdpr",
        &base64(r#"{"status":"deny"}"#),
        Some(("pandectes", true, DENIED)),
    );
    check(
        "_sp_user_consent_123",
        &format!(
            r#"{{"gdpr":{{"consentStatus":{{"hasConsentData":true,"rejectedAny":true}},"euconsent":"{TC_DENIED}"}}}}"#
        ),
        Some(("sourcepoint", true, DENIED)),
    );
    for (name, value, expected) in [
        (
            "_sp_user_consent_123",
            r#"{"gdpr":{"consentStatus":{"hasConsentData":true,"consentedAll":true}}}"#,
            Some(("sourcepoint", true, GRANTED)),
        ),
        (
            "_sp_user_consent_123",
            r#"{"gdpr":{"consentStatus":{"hasConsentData":false,"granularStatus":{"purposeConsent":"NONE"}}}}"#,
            Some(("sourcepoint", false, DENIED)),
        ),
        (
            "axeptio_authorized_vendors",
            "%2C%2C",
            Some(("axeptio", false, DENIED)),
        ),
        (
            "axeptio_authorized_vendors",
            "%2Cga%2Cfb%2C",
            Some(("axeptio", false, GRANTED)),
        ),
        ("axeptio_all_vendors", "%2Cga%2Cfb%2C", None),
        (
            "borlabs-cookie",
            "%7B%22consents%22%3A%7B%22essential%22%3A%5B%22borlabs-cookie%22%5D%7D%2C%22uid%22%3A%22x%22%2C%22version%22%3A%221%22%7D",
            Some(("borlabs", true, DENIED)),
        ),
        (
            "borlabs-cookie",
            r#"{"consents":{"essential":["a"],"statistics":["ga"],"marketing":["fb"]}}"#,
            Some(("borlabs", true, GRANTED)),
        ),
        (
            "borlabs-cookie",
            r#"{"consents":{"essential":["a"],"statistics":["ga"],"marketing":[]}}"#,
            Some(("borlabs", true, MIXED)),
        ),
        ("CookieScriptConsent", r#"{"bannershown":1}"#, None),
        (
            "CookieScriptConsent",
            r#"{"bannershown":1,"action":"reject","categories":"[]"}"#,
            Some(("cookie-script", true, DENIED)),
        ),
        (
            "CookieScriptConsent",
            r#"{"bannershown":1,"action":"accept","categories":"[\"strict\",\"performance\"]"}"#,
            Some(("cookie-script", true, GRANTED)),
        ),
        (
            "CookieInformationConsent",
            r#"{"consents_approved":["cookie_cat_necessary"],"consents_denied":["cookie_cat_functional","cookie_cat_marketing"]}"#,
            Some(("cookie-information", true, DENIED)),
        ),
        (
            "CookieInformationConsent",
            r#"{"consents_approved":["cookie_cat_necessary","cookie_cat_marketing"],"consents_denied":[]}"#,
            Some(("cookie-information", true, GRANTED)),
        ),
        (
            "cookieconsent_status",
            "deny",
            Some(("osano", true, DENIED)),
        ),
        (
            "cookieconsent_status",
            "allow",
            Some(("osano", true, GRANTED)),
        ),
        (
            "cookieconsent_status",
            "dismiss",
            Some(("osano", true, UNCLEAR)),
        ),
        (
            "cookie_notice_accepted",
            "false",
            Some(("cookie-notice", true, DENIED)),
        ),
        (
            "cc_cookie",
            r#"{"categories":["necessary"],"revision":0,"data":null,"consentTimestamp":"2026-01-01T00:00:00.000Z","consentId":"x","services":{"necessary":[],"analytics":[]},"languageCode":"en"}"#,
            Some(("vanilla-cookieconsent", true, DENIED)),
        ),
        (
            "cc_cookie",
            r#"{"categories":["necessary","analytics"],"services":{"necessary":[],"analytics":[]}}"#,
            Some(("vanilla-cookieconsent", true, GRANTED)),
        ),
        (
            "cc_cookie",
            r#"{"categories":["necessary","ads"],"services":{"necessary":[],"analytics":[],"ads":[]}}"#,
            Some(("vanilla-cookieconsent", true, MIXED)),
        ),
        (
            "cc_cookie",
            r#"{"level":["necessary"],"revision":0,"consent_uuid":"x"}"#,
            Some(("vanilla-cookieconsent", true, DENIED)),
        ),
        (
            "my_banner",
            r#"{"categories":["necessary"],"consentTimestamp":"2026","consentId":"x"}"#,
            Some(("vanilla-cookieconsent", true, DENIED)),
        ),
        (
            "cmapi_cookie_privacy",
            "permit 1 required",
            Some(("trustarc", true, DENIED)),
        ),
        (
            "cmapi_cookie_privacy",
            "permit 1,2,3",
            Some(("trustarc", true, GRANTED)),
        ),
        ("notice_gdpr_prefs", "0:", Some(("trustarc", true, DENIED))),
        (
            "notice_gdpr_prefs",
            "0,1,2:abc",
            Some(("trustarc", true, GRANTED)),
        ),
        ("notice_preferences", "0:", Some(("trustarc", true, DENIED))),
        (
            "notice_preferences",
            "2:",
            Some(("trustarc", true, GRANTED)),
        ),
        ("notice_preferences", "1:", Some(("trustarc", true, MIXED))),
        ("notice_behavior", "implied,eu", None),
        (
            "OptanonAlertBoxClosed",
            "2026-01-01T10:00:00.000Z",
            Some(("onetrust", true, UNCLEAR)),
        ),
        ("__cmpcpc", "__51__", Some(("consentmanager", true, DENIED))),
        (
            "__cmpcpcx1234",
            "__51_52_53__",
            Some(("consentmanager", true, GRANTED)),
        ),
        (
            "cookie-agreed",
            "0",
            Some(("eu-cookie-compliance", true, DENIED)),
        ),
        (
            "cookie-agreed",
            "2",
            Some(("eu-cookie-compliance", true, UNCLEAR)),
        ),
        ("SOCS", "CAESHAgBEhIaAB", Some(("google", true, DENIED))),
        ("SOCS", "CAISHAgBEhIaAB", Some(("google", true, GRANTED))),
        ("SOCS", "CAAaBgiA", None),
        (
            "mtm_consent_removed",
            "1767225600000",
            Some(("matomo", true, DENIED)),
        ),
        ("_ga", "GA1.1.123.456", None),
        ("PHPSESSID", "abcdef", None),
    ] {
        check(name, value, expected);
    }
}

#[test]
fn tc_strings_are_found_under_any_name() {
    check("euconsent-v2", TC_DENIED, Some(("tcf", false, DENIED)));
    check(
        "whatever",
        &format!("{TC_GRANTED}.IAAA.YAAA"),
        Some(("tcf", false, GRANTED)),
    );
    check(
        "addtl_consent",
        "1~",
        Some(("google-additional-consent", false, DENIED)),
    );
    check(
        "addtl_consent",
        "2~7.12~dv.9",
        Some(("google-additional-consent", false, GRANTED)),
    );
    check(
        "session",
        "CAAAAAAAAAAAANwAAAENAwCgAAAAAAAAAAYgACPAAAAA",
        None,
    );
}

#[test]
fn patterns_match_whole_names() {
    for (pattern, name, expected) in [
        ("klaro*", "klaro", true),
        ("klaro*", "klaro-site", true),
        ("klaro*", "myklaro", false),
        ("*euconsent-v2", "dm-euconsent-v2", true),
        ("*euconsent-v2", "v2", false),
        ("cc_cookie", "CC_COOKIE", true),
        ("cc_cookie", "cc_cookies", false),
        ("cmplz_*", "cmplé_", false),
    ] {
        assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
    }
}

#[test]
fn tags_that_keep_their_own_consent() {
    for (name, value, expected) in [
        (
            "kndctr_ABC123_AdobeOrg_consent",
            "general%3Din",
            Some(("adobe", true, GRANTED)),
        ),
        (
            "kndctr_ABC123_AdobeOrg_consent",
            "general=out",
            Some(("adobe", true, DENIED)),
        ),
        (
            "kndctr_ABC123_AdobeOrg_consent",
            "collect=in;personalize=out",
            Some(("adobe", true, MIXED)),
        ),
        ("kndctr_ABC123_AdobeOrg_consent", "general=pending", None),
        ("pa_privacy", "%22optin%22", Some(("piano", false, GRANTED))),
        ("pa_privacy", "%22optout%22", Some(("piano", false, DENIED))),
        ("pa_privacy", "%22custom%22", None),
    ] {
        check(name, value, expected);
    }
}

#[test]
fn gpp_strings_with_a_european_section() {
    for (section, expected) in [
        (TC_DENIED, Some(("tcf", false, DENIED))),
        (TC_GRANTED, Some(("tcf", false, GRANTED))),
        ("1YNN", None),
    ] {
        for name in ["OTGPPConsent", "_gpp", "renamed"] {
            check(name, &format!("DBABMA~{section}"), expected);
        }
    }
}
