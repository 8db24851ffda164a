//! What the name of a cookie or storage entry speaks of, in several languages.

use super::category::{Category, category, words};
use crate::visit::consent::words::Lexicon;

/// Parts of names that speak of consent and nothing else.
const CONSENT: &[&str] = &[
    "consent",
    "consens",
    "gdpr",
    "rgpd",
    "dsgvo",
    "lgpd",
    "eprivacy",
    "privacy",
    "privacidad",
    "privacidade",
    "datenschutz",
    "prywatnos",
    "einwillig",
    "zustimm",
    "toestemming",
    "samtykke",
    "samtycke",
    "suostumus",
    "optin",
    "optout",
    "cookielaw",
    "cookienotice",
    "cookiebanner",
    "cookiepolicy",
    "cookieaccept",
    "acceptcookie",
    "cookiesaccept",
    "cookieallow",
    "allowcookie",
    "cookiesallow",
    "cookiechoice",
    "cookiepref",
    "cookiespref",
    "cookiesetting",
    "cookiessetting",
    "cookiepermission",
    "cookiehinweis",
    "cookiestatus",
    "cookiedecision",
    "cookiebar",
    "cookiecontrol",
    "cookieagree",
    "tarteaucitron",
    "souhlas",
    "suhlas",
    "hozzajarul",
    "suostum",
    "evaste",
    "kolacic",
    "piskot",
    "slapuk",
    "sutibeallit",
    "sutikezel",
    "privol",
    "nousolek",
    "kupsis",
    "piekris",
    "sikdat",
    "sutikim",
    "consimt",
    "synaines",
    "suglas",
    "saglas",
    "biskvit",
    "toiliu",
    "fianain",
    "kunsens",
    "optiunicookie",
    "cookiebeallit",
];

/// Whole words that speak of consent.
const CONSENT_WORDS: &[&str] = &[
    "cmp",
    "rodo",
    "ccpa",
    "zgoda",
    "zgody",
    "suti",
    "sutik",
    "kakor",
    "szbeleegyezes",
];

/// Parts of names that may speak of consent: what follows decides.
const PERHAPS: &[&str] = &[
    "cookie",
    "ciastecz",
    "kakor",
    "informasjonskaps",
    "accept",
    "akzept",
    "banner",
    "notice",
    "track",
    "permission",
    "hinweis",
];

/// Words of names that look like consent and are about something else.
const ELSEWHERE: &[&str] = &[
    "test",
    "testing",
    "check",
    "csrf",
    "xsrf",
    "session",
    "sess",
    "sessid",
    "support",
    "supported",
    "supports",
    "language",
    "lang",
    "locale",
    "promo",
    "cart",
    "login",
    "newsletter",
];

/// Parts of names that turn a value round.
const REFUSAL: &[&str] = &[
    "optout",
    "optedout",
    "reject",
    "deny",
    "denied",
    "declin",
    "refus",
    "disabl",
    "disallow",
    "disagree",
    "abgelehnt",
    "ablehn",
    "rechaz",
    "rifiut",
    "weiger",
    "odrzuc",
    "rejeit",
    "recus",
    "donottrack",
    "donotsell",
    "revok",
    "withdraw",
    "widerspr",
    "avvist",
    "nocookie",
];

/// Parts of names that take a value as it stands.
const PERMISSION: &[&str] = &[
    "accept",
    "accettat",
    "acept",
    "akzept",
    "zaakcept",
    "aceit",
    "allow",
    "agree",
    "optin",
    "optedin",
    "grant",
    "enable",
    "erlaub",
    "zugestimmt",
    "autoris",
    "autoriz",
    "permit",
    "permission",
    "consentgiven",
    "approved",
    "consented",
    "geaccepteerd",
    "godkend",
    "godkjent",
];

/// Parts of names that tell that the banner was dealt with, not how.
const SEEN: &[&str] = &[
    "seen",
    "shown",
    "show",
    "close",
    "dismiss",
    "hide",
    "hidden",
    "view",
    "display",
    "answered",
    "decided",
    "decision",
    "interact",
    "submit",
    "popup",
    "banner",
    "notice",
    "overlay",
    "modal",
    "hinweis",
    "acknowledg",
    "gelesen",
    "gesehen",
    "vista",
    "cerrad",
    "chius",
    "zamkn",
    "ferm",
    "done",
    "confirmed",
    "made",
    "message",
    "remind",
];

/// Words of names that keep something about an answer, not the answer.
const ABOUT_AN_ANSWER: &[&str] = &[
    "version",
    "ver",
    "revision",
    "id",
    "uuid",
    "uid",
    "guid",
    "timestamp",
    "time",
    "date",
    "ts",
    "expires",
    "expiry",
    "hash",
    "region",
    "country",
    "url",
];

/// How much a name says about consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Topic {
    /// It names consent, privacy or a cookie banner.
    Consent,
    /// It names cookies, tracking or a banner, or a category: its value decides.
    Perhaps,
    /// Something else.
    Other,
}

/// How a yes or no under a name is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sense {
    /// Yes means allowed.
    Permission,
    /// Yes means refused.
    Refusal,
    /// Yes means that the banner was dealt with.
    Seen,
    /// The name does not tell.
    Plain,
}

/// What a name speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) topic: Topic,
    pub(super) sense: Sense,
    pub(super) category: Option<Category>,
}

/// Reads a name.
pub(super) fn name(name: &str) -> Name {
    let words = words(name);
    let joined = words.concat();
    let holds = |parts: &[&str]| parts.iter().any(|part| joined.contains(part));
    let is = |whole: &[&str]| words.iter().any(|word| whole.contains(&word.as_str()));
    let category = category_in(&words);
    let topic =
        if is(ELSEWHERE) || joined.contains("cookieenabled") || joined.contains("cookiesenabled") {
            Topic::Other
        } else if holds(CONSENT) || is(CONSENT_WORDS) || Lexicon::builtin().names_consent(name) {
            Topic::Consent
        } else if holds(PERHAPS) || category.is_some() {
            Topic::Perhaps
        } else {
            Topic::Other
        };
    Name {
        topic,
        sense: if is(ABOUT_AN_ANSWER) {
            Sense::Seen
        } else {
            sense(&joined)
        },
        category,
    }
}

/// The category a name speaks of. "Preferences" beside a word for cookies or consent are what the
/// visitor answered; alone they are a category.
fn category_in(words: &[String]) -> Option<Category> {
    let about_consent = |word: &String| {
        word.starts_with("cookie") || CONSENT.iter().any(|part| word.contains(part))
    };
    let is_answers = |word: &String| word.starts_with("prefer") || word.starts_with("préf");
    if words.iter().any(about_consent) && words.iter().any(is_answers) {
        let others: Vec<&str> = words
            .iter()
            .filter(|word| !is_answers(word))
            .map(String::as_str)
            .collect();
        return category(&others.join(" "));
    }
    category(&words.join(" "))
}

/// How a yes or no under the joined words of a name is meant.
fn sense(joined: &str) -> Sense {
    let holds = |parts: &[&str]| parts.iter().any(|part| joined.contains(part));
    if holds(REFUSAL) {
        Sense::Refusal
    } else if holds(PERMISSION) {
        Sense::Permission
    } else if holds(SEEN) {
        Sense::Seen
    } else {
        Sense::Plain
    }
}

/// Whether a name says that a consent is kept under it.
pub(super) fn speaks_of_consent(text: &str) -> bool {
    let name = name(text);
    match name.topic {
        Topic::Consent => true,
        Topic::Perhaps => {
            let cookies = words(text).concat().contains("cookie");
            cookies && (name.sense != Sense::Plain || name.category.is_some())
        }
        Topic::Other => false,
    }
}

/// Whether a name is that of something about an answer, such as its moment or its number.
pub(super) fn keeps_something_about_an_answer(text: &str) -> bool {
    words(text)
        .iter()
        .any(|word| ABOUT_AN_ANSWER.contains(&word.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_consent_are_told_from_others() {
        for (text, expected) in [
            ("cookie_consent", true),
            ("cookieConsent", true),
            ("gdpr", true),
            ("rgpd-accepte", true),
            ("DSGVO_ok", true),
            ("cookie_notice_accepted", true),
            ("cookies_marketing", true),
            ("acceptCookies", true),
            ("privacy-settings", true),
            ("newsletter_optin", false),
            ("_ga", false),
            ("PHPSESSID", false),
            ("cookie_test", false),
            ("cookieEnabled", false),
            ("session_cookie", false),
            ("marketing_id", false),
            ("tracking_code", false),
            ("accept-language", false),
            ("cart", false),
            ("", false),
        ] {
            assert_eq!(speaks_of_consent(text), expected, "{text}");
        }
    }

    #[test]
    fn preferences_of_cookies_are_answers_and_no_category() {
        for (text, expected) in [
            ("cookie-preference", None),
            ("cookiePreferences", None),
            ("consent_preferences", None),
            ("preferences", Some(Category::Optional)),
            ("cookie_analytics", Some(Category::Optional)),
            ("cookie_preferences_marketing", Some(Category::Optional)),
        ] {
            assert_eq!(name(text).category, expected, "{text}");
        }
    }

    #[test]
    fn the_sense_of_a_name() {
        for (text, expected) in [
            ("opt_out", Sense::Refusal),
            ("cookies_rejected", Sense::Refusal),
            ("disagreed", Sense::Refusal),
            ("cookieBannerAccepted", Sense::Permission),
            ("allow_analytics", Sense::Permission),
            ("cookieBannerSeen", Sense::Seen),
            ("banner_dismissed", Sense::Seen),
            ("consent_version", Sense::Seen),
            ("accepted_at_date", Sense::Seen),
            ("cookie_consent", Sense::Plain),
        ] {
            assert_eq!(name(text).sense, expected, "{text}");
        }
    }
}
