#![allow(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;

use super::*;

fn change<'a>(name: &'a str, new: &'a str) -> Change<'a> {
    Change {
        name,
        old: None,
        new,
        source: Source::Cookie,
    }
}

fn check(name: &str, new: &str, expected: Option<Answer>) {
    let inferred = infer(&[change(name, new)]);
    assert_eq!(
        inferred.as_ref().map(|inferred| inferred.answer),
        expected,
        "{name}={new}: {inferred:?}"
    );
}

#[test]
fn refusals() {
    for (name, value) in [
        ("cookie_notice_accepted", "false"),
        ("consent", "denied"),
        ("gdpr", "0"),
        ("cookiesAccepted", "[]"),
        (
            "cookie-preferences",
            r#"{"analytics":false,"marketing":false}"#,
        ),
        (
            "userConsent",
            "%7B%22necessary%22%3Atrue%2C%22statistics%22%3Afalse%7D",
        ),
        ("opt_out", "1"),
        ("opt_out", "true"),
        ("opt_out", "analyse,werbe"),
        ("cookies_rejected", "1"),
        ("tsla-cookie-consent", "rejected"),
        ("COOKIES_CONSENT", "essential"),
        ("cookie_preference", "functional"),
        ("cookie-accept", r#"["technical_necessary"]"#),
        ("cookies_prefs_v1", "[%22Essential%22]"),
        ("rgpd", "refusé"),
        ("dsgvo", "abgelehnt"),
        ("cookie_consent", "geweigerd"),
        ("zgoda_cookies", "odrzucone"),
        ("consentimiento_cookies", "rechazado"),
        ("consenso_cookie", "rifiutato"),
        ("consentimento", "recusado"),
        ("acceptCookies", "0"),
        ("cookie_permission_granted", "no"),
        ("analytics_allowed", "false"),
        ("allow_analysis", "%22false%22"),
        ("cookies_marketing", "0"),
        (
            "cr_consent",
            "2|tracking=false+analytics=false+marketing=false",
        ),
        (
            "consent_setting",
            "analytics%3A0%7Cfunctional%3A1%7Cmarketing%3A0",
        ),
        ("cookieConsent", "functional=1&analytics=0&marketing=0"),
        (
            "cookie_consent",
            "necessary%3A1%2Cstatistics%3A0%2Cmarketing%3A0",
        ),
        (
            "cookie_consent",
            r#"{"purposes":{"marketing":false,"analytics":false}}"#,
        ),
        (
            "COOKIE_SETTINGS",
            r#"{"preferences":[{"key":"necessary","value":true},{"key":"analytics","value":false}]}"#,
        ),
        (
            "consent",
            r#"{"functional":{"consent":true},"analytical":{"consent":false},"ads":{"consent":false}}"#,
        ),
        (
            "cookieConsent",
            r#"[{"name":"essenziell","value":"on"},{"name":"statistik","value":"off"}]"#,
        ),
        ("cookie-consent", r#"{"accepted":false}"#),
        (
            "cookie-consent-1",
            r#"{"optedIn":true,"functionality":false,"statistics":false}"#,
        ),
        (
            "consent",
            r#"{"level":["necessary"],"revision":0,"data":{"id":"x"},"rfc_cookie":true}"#,
        ),
        (
            "Website.ConsentManager",
            "W1siYmFzZSIsdHJ1ZV0sWyJnb29nbGVhbmFseXRpY3MiLGZhbHNlXV0=",
        ),
        (
            "trackingPermission",
            r#"{"cookies_analytics":false,"cookies_advertisement":false}"#,
        ),
        ("cookies_bar", r#"{"required": true, "optional": false}"#),
        (
            "consentCookie",
            r#"{"google-tag-manager":false,"google-analytics":false,"facebook-ads":false}"#,
        ),
        ("cookie_consent", r#"{"status":"rejected"}"#),
        ("cookie_choice", "none"),
        ("CookieConsent", "false"),
    ] {
        check(name, value, Some(Answer::Denied));
    }
}

#[test]
fn agreements() {
    for (name, value) in [
        ("cookie_notice_accepted", "true"),
        ("consent", "granted"),
        ("cookies-consent", "agree"),
        ("cookie_consent", "all"),
        ("cookieConsent", "true"),
        ("cookiesAccepted", "1"),
        ("dsgvo", "akzeptiert"),
        ("rgpd", "accepté"),
        ("consentimiento", "aceptado"),
        ("consenso", "accettato"),
        ("cookie_toestemming", "geaccepteerd"),
        ("zgoda", "tak"),
        ("consentimento", "aceito"),
        (
            "cookie-preferences",
            r#"{"necessary":true,"analytics":true}"#,
        ),
        (
            "cookie-preferences",
            r#"["necessary","analytics","marketing"]"#,
        ),
        ("cookies_marketing", "1"),
        (
            "cookieConsent",
            "technical=true&analytics=true&advertising=true",
        ),
        ("cookie_banner", "accepted"),
        ("tracking", "allowed"),
    ] {
        check(name, value, Some(Answer::Granted));
    }
}

#[test]
fn partial_answers() {
    for (name, value) in [
        (
            "cookie-preferences",
            r#"{"analytics":true,"marketing":false}"#,
        ),
        ("cookieConsent", "analytics=1&marketing=0"),
    ] {
        check(name, value, Some(Answer::Mixed));
    }
    let both = [
        change("cookies_analytics", "1"),
        change("cookies_marketing", "0"),
    ];
    let inferred = infer(&both).unwrap();
    assert_eq!(inferred.answer, Answer::Mixed);
    assert!(inferred.because.contains("cookies_analytics"));
    assert!(inferred.because.contains("cookies_marketing"));
}

#[test]
fn answered_but_not_how() {
    for (name, value) in [
        ("cookie_consent", "1"),
        ("cookieBannerSeen", "true"),
        ("banner_dismissed", "1"),
        ("cookie-banner", "closed"),
        ("hideCookieBanner", "1"),
        ("cookie_consent", "2026-01-01T10:00:00Z"),
        ("gdprCookieData", "ok"),
        ("cookie_consent", "100"),
        ("consent_submitted", "true"),
        ("cookie_consent", r#"{"shown":true}"#),
        ("consent_version", "0"),
        ("cookie_accepted_version", "1"),
        ("cookie_consent", r#"{"consentVersion":1,"uuid":"x"}"#),
        ("cookie_consent", r#"{"consentVersion":"1"}"#),
        // No objection is no consent.
        ("opt_out", "0"),
    ] {
        let inferred = infer(&[change(name, value)]).unwrap();
        assert_eq!(inferred.answer, Answer::Unclear, "{name}={value}");
        assert!(
            inferred
                .because
                .ends_with("recorded that the banner was answered, not how"),
            "{}",
            inferred.because
        );
    }
}

#[test]
fn unrelated_items_say_nothing() {
    for (name, value) in [
        ("PHPSESSID", "abcdef0123456789"),
        ("_ga", "GA1.1.1234567890.1767225600"),
        ("_fbp", "fb.1.1767225600.123"),
        ("cart", r#"{"items":[],"accepted":true}"#),
        ("theme", "dark"),
        ("logged_in", "true"),
        ("cookie_test", "1"),
        ("cookieEnabled", "true"),
        ("newsletter_optin", "false"),
        ("marketing_id", "a8f7c2"),
        ("tracking_code", "XY-123"),
        ("accept-language", "de-DE"),
        ("cookie_consent_essential", "true"),
        ("cookies_necessary", "1"),
        ("cookie_consent", ""),
    ] {
        check(name, value, None);
    }
}

#[test]
fn only_changes_count() {
    let unchanged = Change {
        old: Some("denied"),
        ..change("consent", "denied")
    };
    assert_eq!(infer(&[unchanged]), None);
    let changed = Change {
        old: Some("granted"),
        ..change("consent", "denied")
    };
    assert_eq!(infer(&[changed]).unwrap().answer, Answer::Denied);
    assert_eq!(infer(&[]), None);
}

#[test]
fn a_clear_answer_outweighs_an_unclear_one() {
    let inferred = infer(&[
        change("cookieBannerSeen", "true"),
        change("consent", "denied"),
    ]);
    assert_eq!(inferred.unwrap().answer, Answer::Denied);
}

#[test]
fn the_proof_names_place_and_word() {
    let changes = [Change {
        source: Source::LocalStorage,
        ..change("cookie\nconsent", "denied")
    }];
    assert_eq!(
        infer(&changes).unwrap().because,
        r#"local storage "cookieconsent" now says "denied""#
    );
}

proptest! {
    #[test]
    fn no_change_breaks_the_inference(name in ".{0,60}", value in ".{0,200}", old in proptest::option::of(".{0,20}")) {
        let spoken = format!("cookie_consent_{name}");
        for name in [name.as_str(), spoken.as_str()] {
            let change = Change { name, old: old.as_deref(), new: &value, source: Source::SessionStorage };
            if let Some(inferred) = infer(&[change]) {
                prop_assert!(inferred.because.chars().count() <= LONGEST_PROOF + 1);
                prop_assert!(!inferred.because.contains('\n'));
            }
        }
    }

    #[test]
    fn switches_of_optional_categories_decide(analytics in any::<bool>(), marketing in any::<bool>()) {
        let value = format!(r#"{{"necessary":true,"analytics":{analytics},"marketing":{marketing}}}"#);
        let expected = match (analytics, marketing) {
            (true, true) => Answer::Granted,
            (false, false) => Answer::Denied,
            _ => Answer::Mixed,
        };
        prop_assert_eq!(infer(&[change("site_cookies", &value)]).unwrap().answer, expected);
    }
}
