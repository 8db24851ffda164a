//! Unique identifiers in stored values, found by behaviour: they differ between fresh profiles and
//! stay the same inside one.
//!
//! Values come from hostile pages: depth, length and number of parts are bounded.

mod trivial;

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use md5::{Digest as _, Md5};
use serde_json::Value as Json;
use sha1::Sha1;

use crate::model::value::{hexadecimal, sha256_hex};

pub(crate) use trivial::Clock;

/// Shortest token that can identify, in bytes.
const SHORTEST_TOKEN: usize = 8;
/// Longest token looked at, in bytes: longer ones are content, not identifiers.
const LONGEST_TOKEN: usize = 512;
/// Shortest text tried as base64, in bytes: shorter random text too often decodes to letters.
const SHORTEST_BASE64: usize = 12;
/// Encodings inside encodings that are opened.
const DEEPEST_NESTING: u8 = 4;
/// Parts of one value that are looked at.
const MOST_PARTS: usize = 512;

/// The tokens of a value that could identify a visitor.
pub(crate) fn tokens(text: &str, clock: Clock) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    each_part(text, &mut |part| {
        if !trivial::is_trivial(part, clock) {
            found.insert(part.to_owned());
        }
    });
    found
}

/// The digests a token is sent as in its place: SHA-256, MD5 and SHA-1, in lower-case hexadecimal.
pub(crate) fn digests(token: &str) -> [String; 3] {
    let bytes = token.as_bytes();
    [
        sha256_hex(bytes),
        hexadecimal(&Md5::digest(bytes)),
        hexadecimal(&Sha1::digest(bytes)),
    ]
}

/// Calls `visit` with every part of a value that is long enough to identify, trivial or not.
///
/// URL encoding, base64 and JSON are opened; what is inside is split at `. | & = ~ : , !` and
/// white space. URLs are left out.
pub(crate) fn each_part(text: &str, visit: &mut dyn FnMut(&str)) {
    let mut parts = Parts {
        visit,
        left: MOST_PARTS,
    };
    parts.open(text, 0);
}

/// The walk through one value.
struct Parts<'v> {
    visit: &'v mut dyn FnMut(&str),
    left: usize,
}

impl Parts<'_> {
    fn open(&mut self, text: &str, depth: u8) {
        let text = text.trim();
        if text.len() < SHORTEST_TOKEN || self.left == 0 {
            return;
        }
        if depth < DEEPEST_NESTING {
            if let Some(plain) = percent_decoded(text) {
                return self.open(&plain, depth + 1);
            }
            if text.starts_with(['{', '[', '"'])
                && let Ok(json) = serde_json::from_str::<Json>(text)
            {
                return self.open_json(&json, depth + 1);
            }
            if let Some(plain) = base64_decoded(text) {
                return self.open(&plain, depth + 1);
            }
        }
        // URLs are recognised before their own punctuation is split.
        for piece in text.split(|letter: char| "|&=~,!".contains(letter) || letter.is_whitespace())
        {
            if is_url(piece) || is_measurement(piece) {
                continue;
            }
            for part in piece.split(['.', ':']) {
                self.part(part, text, depth);
            }
        }
    }

    fn part(&mut self, part: &str, whole: &str, depth: u8) {
        if part.len() < SHORTEST_TOKEN || self.left == 0 {
            return;
        }
        // A part may be encoded by itself, as in a signed token or a form body.
        if part.len() < whole.len() && depth < DEEPEST_NESTING {
            if let Some(plain) = base64_decoded(part) {
                return self.open(&plain, depth + 1);
            }
            if part.starts_with(['{', '[', '"']) && serde_json::from_str::<Json>(part).is_ok() {
                return self.open(part, depth + 1);
            }
        }
        if part.len() <= LONGEST_TOKEN {
            self.left -= 1;
            (self.visit)(part);
        }
    }

    fn open_json(&mut self, json: &Json, depth: u8) {
        if self.left == 0 {
            return;
        }
        match json {
            Json::String(text) => self.open(text, depth),
            Json::Number(number) => self.open(&number.to_string(), depth),
            Json::Array(members) => members
                .iter()
                .for_each(|member| self.open_json(member, depth)),
            Json::Object(members) => members
                .values()
                .for_each(|member| self.open_json(member, depth)),
            Json::Null | Json::Bool(_) => {}
        }
    }
}

/// The text with `%XX` resolved; nothing when there is none to resolve or the result is no text.
pub(crate) fn percent_decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if !bytes.contains(&b'%') {
        return None;
    }
    let digit = |at: usize| {
        bytes
            .get(at)
            .and_then(|byte| char::from(*byte).to_digit(16))
    };
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], digit(at + 1), digit(at + 2)) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            (byte, ..) => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    if plain.len() == bytes.len() {
        return None;
    }
    String::from_utf8(plain).ok()
}

/// The text inside base64 in either alphabet; nothing when what is inside is no readable text.
fn base64_decoded(text: &str) -> Option<String> {
    const EITHER_PADDING: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, EITHER_PADDING);
    const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, EITHER_PADDING);

    if text.len() < SHORTEST_BASE64
        || !text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte))
    {
        return None;
    }
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()?;
    // Random hexadecimal now and then decodes to letters of far scripts: that is no text either.
    String::from_utf8(bytes).ok().filter(|plain| {
        !plain.chars().any(char::is_control) && (plain.is_ascii() || plain.starts_with(['{', '[']))
    })
}

/// A time the browser measured, such as `1234.100000023842`: differs by chance, tells nobody apart.
fn is_measurement(piece: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    piece.split_once('.').is_some_and(|(whole, fraction)| {
        (2..=7).contains(&whole.len()) && fraction.len() >= 9 && digits(whole) && digits(fraction)
    })
}

fn is_url(piece: &str) -> bool {
    piece.contains("://") || piece.starts_with("//") || piece.starts_with("www.")
}

/// What one visit showed of an item.
#[derive(Debug, Clone, Default)]
pub(crate) struct Observed {
    /// Tokens it held before the reload; absent when it was not written then.
    pub(crate) loaded: Option<BTreeSet<String>>,
    /// Tokens it held after the reload; absent when it was not written again.
    pub(crate) reloaded: Option<BTreeSet<String>>,
}

impl Observed {
    /// Tokens that survived the reload, where there was one.
    pub(crate) fn stable(&self) -> BTreeSet<String> {
        match (&self.loaded, &self.reloaded) {
            (Some(loaded), Some(reloaded)) => loaded.intersection(reloaded).cloned().collect(),
            (Some(tokens), None) | (None, Some(tokens)) => tokens.clone(),
            (None, None) => BTreeSet::new(),
        }
    }

    fn rotates(&self) -> bool {
        let filled = |tokens: &Option<BTreeSet<String>>| {
            tokens.as_ref().is_some_and(|tokens| !tokens.is_empty())
        };
        filled(&self.loaded) && filled(&self.reloaded) && self.stable().is_empty()
    }
}

/// The tokens that identify the visitor, one set for each visit; nothing when the item is no identifier.
///
/// Every visit begins with a fresh profile. Two of them must disagree in every pair: a value that
/// two profiles share follows from the answer, the country or the build, not from the visitor.
pub(crate) fn identifying(visits: &[Observed]) -> Option<Vec<BTreeSet<String>>> {
    if visits.iter().any(Observed::rotates) {
        return None;
    }
    let stable: Vec<BTreeSet<String>> = visits.iter().map(Observed::stable).collect();
    let held = |visit: &Observed, token: &str| {
        [&visit.loaded, &visit.reloaded]
            .into_iter()
            .flatten()
            .any(|tokens| tokens.contains(token))
    };
    let own: Vec<BTreeSet<String>> = stable
        .iter()
        .enumerate()
        .map(|(this, tokens)| {
            tokens
                .iter()
                .filter(|token| {
                    !visits
                        .iter()
                        .enumerate()
                        .any(|(other, visit)| other != this && held(visit, token))
                })
                .cloned()
                .collect()
        })
        .collect();
    let comparable = stable.iter().filter(|tokens| !tokens.is_empty()).count();
    let every_one_has_its_own = stable
        .iter()
        .zip(&own)
        .all(|(stable, own)| stable.is_empty() || !own.is_empty());
    (comparable >= 2 && every_one_has_its_own).then_some(own)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLOCK: Clock = Clock {
        now_ms: 1_795_305_600_000,
    };

    fn found(text: &str) -> Vec<String> {
        tokens(text, CLOCK).into_iter().collect()
    }

    #[test]
    fn encodings_are_opened() {
        for (text, expected) in [
            ("GA1.1.198273645.1795305611", vec!["198273645"]),
            ("fb.1.1795305611000.9182736455", vec!["9182736455"]),
            ("%7B%22id%22%3A%22k3j9x81qpz%22%7D", vec!["k3j9x81qpz"]),
            (
                r#"{"a":{"b":["x9k2m4p7q1"]},"n":98172635441,"t":true}"#,
                vec!["98172635441", "x9k2m4p7q1"],
            ),
            // base64 of {"uid":"q8w7e6r5t4"}
            ("eyJ1aWQiOiJxOHc3ZTZyNXQ0In0=", vec!["q8w7e6r5t4"]),
            ("v1.eyJ1aWQiOiJxOHc3ZTZyNXQ0In0.x", vec!["q8w7e6r5t4"]),
            ("uid=4b8f7e21c9d0&lang=de-DE", vec!["4b8f7e21c9d0"]),
            (
                "550e8400-e29b-41d4-a716-446655440000",
                vec!["550e8400-e29b-41d4-a716-446655440000"],
            ),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    #[test]
    fn digests_are_the_published_ones() {
        // Of "abc": FIPS 180-4 and RFC 1321.
        assert_eq!(
            digests("abc"),
            [
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "900150983cd24fb0d6963f7d28e17f72",
                "a9993e364706816aba3e25717850c26c9cd0d89d",
            ]
        );
    }

    #[test]
    fn what_is_no_identifier() {
        for text in [
            "1795305611",
            "1795305611000",
            "2026-11-22T12:00:00Z",
            "Sun, 22 Nov 2026 12:00:00 GMT",
            "20261122",
            "zh-Hans-CN",
            "10.12.20261.1",
            "1234.100000023842",
            "https://shop.test/a1b2c3d4e5f6?x=1",
            "//cdn.shop.test/a1b2c3d4e5f6",
            "false",
            "Deutschland",
            "accepted",
            "necessary-only",
            "variant-blue",
            "Europe/Berlin",
            "campaign2026",
            "00000000",
            "------------",
            "short1",
            "",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    fn loaded(tokens: &[&str]) -> Observed {
        Observed {
            loaded: Some(tokens.iter().map(|&token| token.to_owned()).collect()),
            reloaded: None,
        }
    }

    fn reloaded(before: &[&str], after: &[&str]) -> Observed {
        Observed {
            reloaded: loaded(after).loaded,
            ..loaded(before)
        }
    }

    #[test]
    fn identifiers_differ_between_profiles_and_survive_a_reload() {
        for (case, visits, expected) in [
            (
                "two profiles disagree",
                vec![loaded(&["aaaa1111"]), loaded(&["bbbb2222"])],
                true,
            ),
            (
                "one visit proves nothing",
                vec![loaded(&["aaaa1111"])],
                false,
            ),
            (
                "the same everywhere",
                vec![loaded(&["aaaa1111"]), loaded(&["aaaa1111"])],
                false,
            ),
            (
                "two of three agree",
                vec![
                    loaded(&["aaaa1111"]),
                    loaded(&["aaaa1111"]),
                    loaded(&["bbbb2222"]),
                ],
                false,
            ),
            (
                "one profile shows nothing",
                vec![loaded(&["aaaa1111"]), loaded(&[])],
                false,
            ),
            (
                "the third shows nothing",
                vec![loaded(&["aaaa1111"]), loaded(&["bbbb2222"]), loaded(&[])],
                true,
            ),
            (
                "kept over the reload",
                vec![
                    reloaded(&["aaaa1111", "x1x1x1x1"], &["aaaa1111"]),
                    loaded(&["bbbb2222"]),
                ],
                true,
            ),
            (
                "changes with the reload",
                vec![
                    reloaded(&["aaaa1111"], &["cccc3333"]),
                    loaded(&["bbbb2222"]),
                ],
                false,
            ),
            (
                "a shared part beside an own one",
                vec![
                    loaded(&["build123", "aaaa1111"]),
                    loaded(&["build123", "bbbb2222"]),
                ],
                true,
            ),
        ] {
            assert_eq!(identifying(&visits).is_some(), expected, "{case}");
        }
    }

    #[test]
    fn only_the_own_part_identifies() {
        let own = identifying(&[
            loaded(&["build123", "aaaa1111"]),
            loaded(&["build123", "bbbb2222"]),
        ]);
        let expected =
            [["aaaa1111"], ["bbbb2222"]].map(|tokens| BTreeSet::from(tokens.map(str::to_owned)));
        assert_eq!(own, Some(expected.to_vec()));
    }

    #[test]
    fn hostile_values_are_bounded() {
        let many = "a1b2c3d4e5.".repeat(100_000);
        let mut parts = 0;
        each_part(&many, &mut |_| parts += 1);
        assert_eq!(parts, MOST_PARTS);
        // Deep nesting ends at the limit instead of the stack's.
        each_part(
            &format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000)),
            &mut |_| {},
        );
        let mut nested = "a1b2c3d4e5f6".to_owned();
        for _ in 0..12 {
            nested = base64::engine::general_purpose::STANDARD.encode(nested);
        }
        each_part(&nested, &mut |_| {});
    }

    proptest! {
        #[test]
        fn foreign_values_never_panic(text in "\\PC{0,200}") {
            for token in tokens(&text, CLOCK) {
                prop_assert!((SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&token.len()));
            }
        }

        #[test]
        fn random_hexadecimal_is_found_wherever_it_hides(
            id in "[0-9a-f]{16}".prop_filter("long runs are timestamps or words", |id| {
                id.chars().filter(char::is_ascii_digit).count() > 3
                    && id.chars().filter(char::is_ascii_alphabetic).count() > 3
                    && id.chars().collect::<BTreeSet<_>>().len() > 4
            }),
        ) {
            let json = format!(r#"{{"visitor":"{id}"}}"#);
            let encoded = base64::engine::general_purpose::STANDARD.encode(&json);
            for text in [id.clone(), format!("v1.{id}.1795305611"), json, encoded] {
                prop_assert!(tokens(&text, CLOCK).contains(&id), "{text}");
            }
        }
    }
}
