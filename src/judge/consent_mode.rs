//! Google consent mode, as measurement requests carry it.
//!
//! `gcs` says what counts now; `gcd` says default and update of each consent type. Both are
//! documented by what Google's own tags send, not by a specification.

use url::Url;

/// What a measurement request says of the visitor's consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConsentMode {
    /// Everything is denied: the tag asks to be measured without storage.
    Denied,
    /// Something is granted.
    Granted,
    /// Consent mode is not in use, or not for every consent type.
    NotInUse,
}

/// One consent type of `gcd`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stance {
    /// Before the visitor's answer; absent when the page set none.
    pub(crate) default: Option<bool>,
    /// After the visitor's answer; absent when the page told none.
    pub(crate) update: Option<bool>,
}

impl Stance {
    /// What counts: the update, else the default.
    pub(crate) fn effective(self) -> Option<bool> {
        self.update.or(self.default)
    }
}

/// Decodes `gcs=G1xy`: advertising storage, analytics storage. `-` means not set.
pub(crate) fn decode_gcs(text: &str) -> Option<[Option<bool>; 2]> {
    let [b'G', b'1', advertising, analytics] = text.as_bytes() else {
        return None;
    };
    let flag = |byte: &u8| match byte {
        b'1' => Some(Some(true)),
        b'0' => Some(Some(false)),
        b'-' => Some(None),
        _ => None,
    };
    Some([flag(advertising)?, flag(analytics)?])
}

/// Decodes `gcd`: advertising storage, analytics storage, advertising user data, personalisation.
///
/// After a leading version digit come pairs; the second character of a pair is a digit of base 64
/// whose lowest two bits are the update and whose next two are the default.
pub(crate) fn decode_gcd(text: &str) -> Option<[Stance; 4]> {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";
    let two_bits = |bits: usize| match bits & 3 {
        2 => Some(false),
        3 => Some(true),
        _ => None,
    };
    let bytes = text.as_bytes();
    if !bytes.first()?.is_ascii_digit() {
        return None;
    }
    let stance = |pair: usize| {
        let letter = bytes.get(2 + 2 * pair)?;
        let value = DIGITS.iter().position(|digit| digit == letter)?;
        Some(Stance {
            default: two_bits(value >> 2),
            update: two_bits(value),
        })
    };
    Some([stance(0)?, stance(1)?, stance(2)?, stance(3)?])
}

/// What a request says of consent; `gcs` outranks `gcd`.
pub(crate) fn consent_mode(url: &Url) -> ConsentMode {
    let parameter = |wanted: &str| {
        url.query_pairs()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let stances: Vec<Option<bool>> = if let Some(gcs) = parameter("gcs") {
        decode_gcs(&gcs).map(Vec::from).unwrap_or_default()
    } else {
        parameter("gcd")
            .and_then(|gcd| decode_gcd(&gcd))
            .map(|stances| stances.iter().map(|stance| stance.effective()).collect())
            .unwrap_or_default()
    };
    if stances.contains(&Some(true)) {
        ConsentMode::Granted
    } else if stances.is_empty() || stances.contains(&None) {
        ConsentMode::NotInUse
    } else {
        ConsentMode::Denied
    }
}

/// Whether a request is a measurement of Google's tags: by host, or by its grammar behind the site's own host.
pub(crate) fn is_google_measurement(url: &Url) -> bool {
    const HOSTS: [&str; 7] = [
        "google-analytics.com",
        "analytics.google.com",
        "googletagmanager.com",
        "doubleclick.net",
        "googleadservices.com",
        "googlesyndication.com",
        "google.com",
    ];
    let host = url.host_str().unwrap_or_default();
    let by_host = HOSTS.iter().any(|known| {
        host == *known
            || host
                .strip_suffix(known)
                .is_some_and(|rest| rest.ends_with('.'))
    });
    by_host
        || url.path().ends_with("/g/collect")
        || url
            .query_pairs()
            .any(|(name, value)| name == "tid" && value.starts_with("G-"))
}

/// The client id a measurement request carries.
pub(crate) fn client_id(url: &Url) -> Option<String> {
    url.query_pairs()
        .find(|(name, value)| name == "cid" && !value.is_empty())
        .map(|(_, value)| value.into_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed test says enough")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn gcs_letters() {
        for (text, expected) in [
            ("G100", Some([Some(false), Some(false)])),
            ("G101", Some([Some(false), Some(true)])),
            ("G110", Some([Some(true), Some(false)])),
            ("G111", Some([Some(true), Some(true)])),
            ("G1--", Some([None, None])),
            ("G10", None),
            ("X100", None),
            ("G1002", None),
            ("", None),
        ] {
            assert_eq!(decode_gcs(text), expected, "{text}");
        }
    }

    #[test]
    fn gcd_letters() {
        // The table of letters as published by the Analytics Debugger.
        for (letter, default, update) in [
            ('l', None, None),
            ('m', None, Some(false)),
            ('n', None, Some(true)),
            ('p', Some(false), None),
            ('q', Some(false), Some(false)),
            ('r', Some(false), Some(true)),
            ('t', Some(true), None),
            ('u', Some(true), Some(false)),
            ('v', Some(true), Some(true)),
        ] {
            let text = format!("13{letter}3{letter}3{letter}3{letter}5l1");
            assert_eq!(
                decode_gcd(&text),
                Some([Stance { default, update }; 4]),
                "{letter}"
            );
        }
        assert_eq!(decode_gcd("13p3p3p"), None, "a pair is missing");
        assert_eq!(decode_gcd("p3p3p3p3p"), None, "no version digit");
    }

    #[test]
    fn what_a_request_says() {
        use ConsentMode::{Denied, Granted, NotInUse};
        for (query, expected) in [
            ("gcs=G100", Denied),
            ("gcs=G101", Granted),
            ("gcs=G1--", NotInUse),
            ("gcd=13p3p3p3p5l1", Denied),
            ("gcd=13q3m3p3q5l1", Denied),
            ("gcd=13r3p3p3p5l1", Granted),
            ("gcd=13t3t3t3t5l1", Granted),
            ("gcd=13l3l3l3l1", NotInUse),
            ("gcd=13p3p3l3p1", NotInUse),
            ("gcs=G111&gcd=13p3p3p3p5l1", Granted),
            ("gcs=G100&gcd=13t3t3t3t5l1", Denied),
            ("v=2", NotInUse),
        ] {
            let url = Url::parse(&format!(
                "https://region1.google-analytics.com/g/collect?{query}"
            ))
            .unwrap();
            assert_eq!(consent_mode(&url), expected, "{query}");
        }
    }

    #[test]
    fn whose_measurement() {
        for (url, expected) in [
            ("https://region1.google-analytics.com/g/collect?v=2", true),
            ("https://www.google.com/ccm/collect?gcs=G100", true),
            ("https://shop.test/metrics/g/collect?v=2", true),
            ("https://shop.test/m?tid=G-ABC", true),
            ("https://notgoogle-analytics.com/x", false),
            ("https://shop.test/collect?tid=UA-1", false),
        ] {
            assert_eq!(
                is_google_measurement(&Url::parse(url).unwrap()),
                expected,
                "{url}"
            );
        }
    }

    proptest! {
        #[test]
        fn foreign_text_never_panics(text in "\\PC{0,40}") {
            let _ = decode_gcs(&text);
            if let Some(stances) = decode_gcd(&text) {
                prop_assert!(text.len() >= 9, "four pairs need nine characters: {stances:?}");
            }
        }
    }
}
