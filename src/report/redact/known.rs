//! The values a page is known to hold, found again wherever they are repeated.

use std::borrow::Cow;
use std::collections::HashSet;
use std::iter::once;

use url::form_urlencoded;

use super::public::public_values;
use crate::model::report::Page;
use crate::model::snapshot::{Snapshot, Write};
use crate::model::value::{Value, fingerprint};
use crate::model::visit::Visit;

/// Shortest value, or part of one, worth looking for elsewhere, in bytes: shorter ones tell nobody apart.
const SHORTEST_VALUE: usize = 8;

/// Most of a value looked at, in bytes, and most values and parts remembered of one page.
const LONGEST_LOOKED_AT: usize = 4_096;
const MOST_VALUES: usize = 100_000;

/// Values a page stored or sent, to be found again where they are repeated: in the query of an
/// address, in what a finding quotes.
///
/// Looked for are whole values, and the parts of them that hold a digit: `GA1.1.1234567890.1795348800`
/// goes on as `cid=1234567890.1795348800`. What stands in the page's own address is no secret, and
/// neither is what the site tells every visitor ([`public_values`]).
#[derive(Debug, Default)]
pub(in crate::report) struct KnownValues {
    known: HashSet<String>,
}

impl KnownValues {
    /// The values of all visits of a page.
    pub(in crate::report) fn of(page: &Page) -> Self {
        let mut values = Self::default();
        for visit in &page.visits {
            for (_, value) in held(visit) {
                values.learn(value.text());
            }
        }
        for address in [&page.url, &page.final_url] {
            for part in parts(address) {
                values.known.remove(part);
            }
        }
        if !values.known.is_empty() {
            for public in public_values(page) {
                for part in parts(&public).chain([public.as_str()]) {
                    values.known.remove(part);
                }
            }
        }
        values
    }

    /// Takes up a value and the parts of it that could tell visitors apart.
    pub(super) fn learn(&mut self, text: &str) {
        for part in telling_parts(text) {
            if self.known.len() < MOST_VALUES && !self.known.contains(part) {
                self.known.insert(part.to_owned());
            }
        }
    }

    /// Puts fingerprints in the place of known values.
    pub(in crate::report) fn hide(&self, text: &mut String) {
        if let Cow::Owned(safe) = self.hidden(text) {
            *text = safe;
        }
    }

    /// The text with fingerprints in the place of known values; borrowed when it holds none.
    pub(super) fn hidden<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.known.is_empty() || !tells_apart(text) {
            return Cow::Borrowed(text);
        }
        let mut safe = String::new();
        // Of the text, so much stands in `safe`.
        let mut written = 0;
        let mut replace = |start: usize, value: &str| {
            safe.push_str(&text[written..start]);
            safe.push_str(&substitute(value));
            written = start + value.len();
        };
        let mut next = 0;
        for token in text.split_inclusive(is_border) {
            let start = next;
            next += token.len();
            let value = token.trim_end_matches(is_border);
            if !tells_apart(value) {
                continue;
            }
            if self.is_known_as_a_whole(value) {
                replace(start, value);
                continue;
            }
            let mut begin = start;
            for part in parts(value) {
                if tells_apart(part) && self.known.contains(part) {
                    replace(begin, part);
                }
                // Behind the part stands the letter that ended it, if any.
                begin += part.len();
                begin += text[begin..].chars().next().map_or(0, char::len_utf8);
            }
        }
        if written == 0 {
            return Cow::Borrowed(text);
        }
        safe.push_str(&text[written..]);
        Cow::Owned(safe)
    }

    fn is_known_as_a_whole(&self, value: &str) -> bool {
        self.known.contains(value)
            || (value.contains('%')
                && form_urlencoded::parse(value.as_bytes())
                    .next()
                    .is_some_and(|(decoded, _)| self.known.contains(decoded.as_ref())))
    }
}

/// Everything a visit stored and sent, with when it did, in milliseconds since the visit began.
pub(super) fn held(visit: &Visit) -> impl Iterator<Item = (u64, &Value)> {
    let Snapshot {
        cookies,
        storage,
        requests,
        ..
    } = &visit.snapshot;
    let written = cookies.iter().flat_map(|cookie| {
        once((cookie.at_ms, &cookie.value)).chain(cookie.writes.iter().map(of_write))
    });
    let stored = storage.iter().flat_map(|entry| {
        once((entry.at_ms, &entry.value)).chain(entry.writes.iter().map(of_write))
    });
    let sent = requests.iter().flat_map(|request| {
        let cookies = request.headers.iter().filter(|held| held.name == "cookie");
        let fields = request.body_parameters.iter().map(|field| &field.value);
        cookies
            .map(|held| &held.value)
            .chain(fields)
            .map(|value| (request.at_ms, value))
    });
    written.chain(stored).chain(sent)
}

fn of_write(write: &Write) -> (u64, &Value) {
    (write.at_ms, &write.value)
}

/// A value and its parts, as far as they could tell visitors apart.
pub(super) fn telling_parts(text: &str) -> impl Iterator<Item = &str> {
    let mut end = text.len().min(LONGEST_LOOKED_AT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = &text[..end];
    parts(text).chain([text]).filter(|part| tells_apart(part))
}

/// The runs of letters and digits of a text.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_alphanumeric())
}

/// Whether a letter ends a value in an address, a header or a sentence.
fn is_border(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(
            letter,
            '"' | '\'' | '`' | '&' | '=' | '?' | '#' | ';' | ',' | '(' | ')' | '<' | '>'
        )
}

/// Whether a value could tell one visitor from another: long enough, and with a digit in it.
pub(super) fn tells_apart(value: &str) -> bool {
    value.len() >= SHORTEST_VALUE && value.bytes().any(|byte| byte.is_ascii_digit())
}

/// What stands in the place of a value.
pub(super) fn substitute(value: &str) -> String {
    format!("redacted-{}", fingerprint(value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_are_hidden_wherever_they_stand_and_nothing_else_is() {
        let mut values = KnownValues::default();
        for value in [
            "GA1.1.1234567890.1795348800",
            "a1b.c2d.e3",
            "dark",
            "granted everywhere",
        ] {
            values.learn(value);
        }
        let of = |value: &str| substitute(value);
        for (given, expected) in [
            (
                "the value \"GA1.1.1234567890.1795348800\" was sent",
                format!(
                    "the value \"{}\" was sent",
                    of("GA1.1.1234567890.1795348800")
                ),
            ),
            (
                "cid=1234567890.1795348800&v=2",
                format!("cid={}.{}&v=2", of("1234567890"), of("1795348800")),
            ),
            ("id=a1b%2Ec2d%2Ee3", format!("id={}", of("a1b%2Ec2d%2Ee3"))),
            (
                "é1234567890é €1234567890€",
                format!("é1234567890é €{}€", of("1234567890")),
            ),
            (
                "dark, granted everywhere",
                "dark, granted everywhere".to_owned(),
            ),
            ("12345678901", "12345678901".to_owned()),
        ] {
            let mut text = given.to_owned();
            values.hide(&mut text);
            assert_eq!(text, expected, "{given}");
        }
    }
}
