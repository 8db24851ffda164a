//! Compares what yes and no left behind, where nobody but the site can read it.

use serde_json::Value;

use super::speech::{self, Sense};
use super::{Answer, category, decode, infer};

/// A run of digits this long is a moment or a number somebody drew.
const LONGEST_NUMBER: usize = 8;
/// A word with digits this long is an identifier.
const LONGEST_MIXED: usize = 8;
/// Longest list that is compared.
const LONGEST_LIST: usize = 2_000;
/// A word this long is an identifier or a cipher.
const LONGEST_WORD: usize = 24;

/// Whether a record of this name shows that one answer was recorded, by what another answer left
/// under the same name: another value, or nothing.
///
/// Moments and identifiers do not count: they differ from visit to visit by themselves. A record
/// that only one answer leaves counts if its name says more than that the banner was dealt with.
pub fn tells_apart(name: &str, mine: &str, theirs: Option<&str>) -> bool {
    if is_about_an_answer(name) {
        return false;
    }
    // Under any name, a clear yes for one and a clear no for the other leave no doubt.
    let clear = [Some(mine), theirs].map(|value| infer::would_say(value?));
    if matches!(
        clear,
        [Some(Answer::Denied), Some(Answer::Granted)]
            | [Some(Answer::Granted), Some(Answer::Denied)]
    ) {
        return true;
    }
    if theirs.is_some_and(|theirs| lists_more_than_the_other(mine, theirs)) {
        return true;
    }
    if !super::is_consent_record_name(name) {
        return false;
    }
    let lasting = lasting(mine);
    if lasting.is_empty() {
        return false;
    }
    match theirs {
        Some(theirs) => lasting != self::lasting(theirs),
        None => speech::name(name).sense != Sense::Seen,
    }
}

/// Whether one value lists cookies, purposes or vendors that the other leaves out, and none it has not.
fn lists_more_than_the_other(mine: &str, theirs: &str) -> bool {
    let tree = |value: &str| decode::tree(&decode::text(value)?);
    match (tree(mine), tree(theirs)) {
        (Some(mine), Some(theirs)) => has_longer_list(&mine, &theirs, false, decode::DEEPEST),
        _ => false,
    }
}

/// Keys of lists of what is allowed, in part.
const LISTS: &[&str] = &[
    "cookie",
    "consent",
    "purpose",
    "vendor",
    "permission",
    "accept",
    "allow",
    "grant",
];

/// Looks for the lists at the same place of both; `listed` says that the key above them is one of [`LISTS`].
fn has_longer_list(mine: &Value, theirs: &Value, listed: bool, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    match (mine, theirs) {
        (Value::Array(mine), Value::Array(theirs)) => {
            let (few, many) = if mine.len() < theirs.len() {
                (mine, theirs)
            } else {
                (theirs, mine)
            };
            let plain = |item: &Value| item.is_string() || item.is_number();
            listed
                && few.len() < many.len()
                && many.len() <= LONGEST_LIST
                && many.iter().all(plain)
                && few.iter().all(|item| many.contains(item))
        }
        (Value::Object(mine), Value::Object(theirs)) => mine.iter().any(|(key, value)| {
            let joined = category::words(key).concat();
            let listed = LISTS.iter().any(|part| joined.contains(part));
            theirs
                .get(key)
                .is_some_and(|other| has_longer_list(value, other, listed, depth))
        }),
        _ => false,
    }
}

/// Whether the name is that of an identifier or a moment, such as `consent_id`.
fn is_about_an_answer(name: &str) -> bool {
    speech::keeps_something_about_an_answer(name)
}

/// The words of a value that are no moment and no identifier.
fn lasting(value: &str) -> Vec<String> {
    let text = decode::text(value).unwrap_or_else(|| value.to_owned());
    text.split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty() && !is_volatile(word))
        .map(str::to_owned)
        .collect()
}

fn is_volatile(word: &str) -> bool {
    let length = word.chars().count();
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if digits == length {
        return length > LONGEST_NUMBER;
    }
    let hexadecimal = word.chars().all(|character| character.is_ascii_hexdigit());
    length > LONGEST_WORD
        || (digits > 0 && (length > LONGEST_MIXED || (hexadecimal && length >= 4)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_what_lasts() {
        for (name, mine, theirs, expected) in [
            (
                "ccm_consent",
                "v2x1a.1790000000000",
                Some("v2x7f.1790000000123"),
                true,
            ),
            (
                "ccm_consent",
                "v2x1a.1790000000000",
                Some("v2x1a.1790000000123"),
                false,
            ),
            ("cookie_consent", "1", Some("1"), false),
            ("cookie_consent", "0", Some("1"), true),
            (
                "cookie_consent",
                "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                Some("b9ad3c0e-88c2-4c1e-a3f7-54a2d1c0ffee"),
                false,
            ),
            (
                "real_cookie_banner-v:3",
                r#"1790000000:6fa459ea-ee8a-3ca4-894e-db77e160355e:{"11":[21]}"#,
                Some(r#"1790000009:16fd2706-8baf-433b-82eb-8c7fada847da:{"11":[21],"12":[22]}"#),
                true,
            ),
            ("consent_id", "abc", Some("def"), false),
            ("consent_date", "monday", Some("friday"), false),
            ("session", "a", Some("b"), false),
            ("cc", "rejected", Some("accepted"), true),
            ("menu", "1", Some("0"), false),
            ("vafrakokur", "hafnad", Some("samthykkt"), true),
            ("cookie_optout", "1", None, true),
            ("cookie_banner_dismissed", "1", None, false),
            ("cookie_consent", "", Some("1"), false),
            (
                "ccb_token",
                r#"{"cookies":[1],"version":1,"uuid":0.123}"#,
                Some(r#"{"cookies":[1,2],"version":1,"uuid":0.456}"#),
                true,
            ),
            (
                "recent",
                r#"{"items":[1],"uuid":0.1}"#,
                Some(r#"{"items":[1,2],"uuid":0.4}"#),
                false,
            ),
            (
                "ccb_token",
                r#"{"cookies":[1,3]}"#,
                Some(r#"{"cookies":[1,2]}"#),
                false,
            ),
        ] {
            assert_eq!(tells_apart(name, mine, theirs), expected, "{name} {mine}");
        }
    }
}
