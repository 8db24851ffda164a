//! Takes values apart: percent escapes, base64, JSON, JavaScript-like objects, lists of pairs.
//!
//! What arrives was written by the audited site: lengths, depths and counts are bounded, and
//! nothing here can fail otherwise than by returning nothing.

use base64::Engine as _;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use serde_json::{Map, Number, Value};

/// Longest value looked at, in bytes; no consent record comes near it.
pub(super) const LONGEST: usize = 64 * 1024;

/// Deepest nesting followed, in levels.
pub(super) const DEEPEST: usize = 10;

/// How often a value may have been percent-encoded; frameworks do it twice by accident.
const MOST_ROUNDS: usize = 3;

/// The value as text: percent escapes and enclosing quotes removed. Absent when it is too long.
pub(super) fn text(value: &str) -> Option<String> {
    if value.len() > LONGEST {
        return None;
    }
    let mut text = value.to_owned();
    for _ in 0..MOST_ROUNDS {
        let Some(decoded) = percent_decoded(&text) else {
            break;
        };
        text = decoded;
    }
    Some(unquoted(&text).to_owned())
}

/// The text with `%XX` escapes resolved once; absent when it has none.
fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut changed = false;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escaped = (byte == b'%')
            .then(|| Some(hex(*bytes.get(at + 1)?)? * 16 + hex(*bytes.get(at + 2)?)?))
            .flatten();
        if let Some(escaped) = escaped {
            decoded.push(escaped);
            changed = true;
            at += 3;
        } else {
            decoded.push(byte);
            at += 1;
        }
    }
    changed.then(|| String::from_utf8_lossy(&decoded).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'))
        .map_or(text, str::trim)
}

/// The object or array in decoded text: JSON, JavaScript-like, or either of them in base64.
pub(super) fn tree(text: &str) -> Option<Value> {
    bare_tree(text).or_else(|| bare_tree(&base64_text(text)?))
}

fn bare_tree(text: &str) -> Option<Value> {
    // Express marks cookies that hold JSON with "j:".
    let text = text.trim();
    let text = text.strip_prefix("j:").unwrap_or(text);
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text)
        .ok()
        // A JSON text quoted once more, whose quotes were taken off as the value's own.
        .or_else(|| serde_json::from_str(&text.replace("\\\"", "\"")).ok())
        .or_else(|| Loose::new(text).read())
}

/// Bytes of standard or URL-safe base64, with or without padding.
pub(super) fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&base64::alphabet::URL_SAFE, LENIENT);
    if text.len() > LONGEST {
        return None;
    }
    let url_safe: String = text
        .trim()
        .chars()
        .map(|character| match character {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    ENGINE.decode(url_safe).ok()
}

fn base64_text(text: &str) -> Option<String> {
    String::from_utf8(base64_bytes(text)?).ok()
}

/// The keys and values of a list such as `a:1,b:0`, `a=1&b=0`, `a#true|b#false`.
pub(super) fn pairs(text: &str) -> Vec<(&str, &str)> {
    text.split(['&', '|', ';', ',', '+', '\n'])
        .filter_map(|part| part.split_once([':', '=', '#']))
        .map(|(key, value)| (unquoted(key), unquoted(value)))
        .filter(|(key, _)| !key.is_empty())
        .collect()
}

/// The decoded value of `key` in a query-like value, whose parts may hold escaped separators.
pub(super) fn query_value(raw: &str, key: &str) -> Option<String> {
    if raw.len() > LONGEST {
        return None;
    }
    // Escaped as a whole: one round brings the separators back.
    let whole = if raw.contains('=') {
        raw.to_owned()
    } else {
        percent_decoded(raw)?
    };
    let value = whole
        .split('&')
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim() == key)?
        .1;
    text(value)
}

/// Reads objects as JavaScript writes them: bare keys, single quotes, trailing commas.
struct Loose<'text> {
    rest: &'text str,
}

impl<'text> Loose<'text> {
    fn new(text: &'text str) -> Self {
        Self { rest: text }
    }

    fn read(mut self) -> Option<Value> {
        self.value(DEEPEST)
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let Some(rest) = self.rest.strip_prefix(wanted) else {
            return false;
        };
        self.rest = rest;
        true
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        let depth = depth.checked_sub(1)?;
        if self.take('{') {
            self.object(depth)
        } else if self.take('[') {
            self.array(depth)
        } else {
            let (word, quoted) = self.word()?;
            Some(if quoted {
                Value::String(word.to_owned())
            } else {
                literal(word)
            })
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        while !self.take('}') {
            let (key, _) = self.word()?;
            if !self.take(':') {
                return None;
            }
            let value = self.value(depth)?;
            object.insert(key.to_owned(), value);
            if !self.take(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(object))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut array = Vec::new();
        while !self.take(']') {
            array.push(self.value(depth)?);
            if !self.take(',') && !self.rest.starts_with(']') {
                return None;
            }
        }
        Some(Value::Array(array))
    }

    /// A quoted or bare word, and whether it was quoted.
    fn word(&mut self) -> Option<(&'text str, bool)> {
        self.skip_space();
        for quote in ['\'', '"'] {
            if let Some(rest) = self.rest.strip_prefix(quote) {
                let (word, rest) = rest.split_once(quote)?;
                self.rest = rest;
                return Some((word, true));
            }
        }
        let end = self.rest.find([',', ':', '{', '}', '[', ']'])?;
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        let word = word.trim();
        (!word.is_empty()).then_some((word, false))
    }
}

fn literal(word: &str) -> Value {
    match word {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" | "undefined" => Value::Null,
        _ => word.parse::<i64>().map_or_else(
            |_| Value::String(word.to_owned()),
            |number| Value::Number(Number::from(number)),
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn escapes_are_removed_as_often_as_they_were_added() {
        for (value, expected) in [
            ("plain", "plain"),
            ("%7B%22a%22%3Atrue%7D", r#"{"a":true}"#),
            ("%257B%2522a%2522%253Atrue%257D", r#"{"a":true}"#),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("\"false\"", "false"),
            ("%C3%A9", "é"),
        ] {
            assert_eq!(text(value).unwrap(), expected, "{value}");
        }
        assert_eq!(text(&"a".repeat(LONGEST + 1)), None);
    }

    #[test]
    fn objects_are_found_in_every_wrapping() {
        for (value, expected) in [
            (r#"{"a":true}"#, json!({"a": true})),
            (r#"j:{"a":true}"#, json!({"a": true})),
            (r#"{\"a\":true}"#, json!({"a": true})),
            (
                "{a:true,b:'x,y',c:-1,}",
                json!({"a": true, "b": "x,y", "c": -1}),
            ),
            ("{a:{b:[1,'two']}}", json!({"a": {"b": [1, "two"]}})),
            ("eyJhIjp0cnVlfQ==", json!({"a": true})),
            ("eyJhIjp0cnVlfQ", json!({"a": true})),
        ] {
            assert_eq!(tree(value).unwrap(), expected, "{value}");
        }
        for value in [
            "",
            "true",
            "{",
            "{a}",
            "{a:",
            "[1,",
            "{a:1 b:2",
            "not base64",
        ] {
            assert_eq!(tree(value), None, "{value}");
        }
        assert_eq!(tree(&"{a:".repeat(2000)), None);
        assert_eq!(tree(&"[".repeat(LONGEST)), None);
    }

    #[test]
    fn pairs_of_every_fashion() {
        assert_eq!(pairs("a:yes,b:no"), [("a", "yes"), ("b", "no")]);
        assert_eq!(pairs("a=1&b=0"), [("a", "1"), ("b", "0")]);
        assert_eq!(pairs("2|a=x+b=y"), [("a", "x"), ("b", "y")]);
        assert_eq!(pairs("a#true|b#false"), [("a", "true"), ("b", "false")]);
        assert!(pairs("nothing here").is_empty());
    }

    #[test]
    fn query_values_keep_escaped_separators_apart() {
        let raw = "landingPath=https%3A%2F%2Fa.test%2F%3Fgroups%3Dx%26y&groups=C0001%3A1";
        assert_eq!(query_value(raw, "groups").unwrap(), "C0001:1");
        assert_eq!(
            query_value("groups%3DC0001%3A1", "groups").unwrap(),
            "C0001:1"
        );
        assert_eq!(query_value(raw, "nothing"), None);
    }

    proptest! {
        #[test]
        fn no_value_breaks_the_decoder(value in ".{0,400}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for value in [value, String::from_utf8_lossy(&bytes).into_owned()] {
                if let Some(text) = text(&value) {
                    let _ = tree(&text);
                    let _ = pairs(&text).len();
                }
                let _ = query_value(&value, "groups");
            }
        }

        #[test]
        fn loose_objects_of_flags_survive(flags in proptest::collection::btree_map("[a-z]{1,8}", any::<bool>(), 0..8)) {
            let written: Vec<String> = flags.iter().map(|(key, flag)| format!("{key}:{flag}")).collect();
            let read = tree(&format!("{{{}}}", written.join(","))).unwrap();
            prop_assert_eq!(read, serde_json::to_value(&flags).unwrap());
        }
    }
}
