//! Tokens that tell nothing about a visitor: times, dates, words, versions, locales.

/// What time it was when a value was recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// Milliseconds since 1970.
    pub(crate) now_ms: i64,
}

/// Whether a token of sufficient length is a time, a date, a word or the like.
pub(super) fn is_trivial(token: &str, clock: Clock) -> bool {
    distinct_letters(token) < 3
        || is_timestamp(token, clock)
        || is_path(token)
        || token
            .split(|letter: char| !letter.is_alphanumeric())
            .all(is_plain_piece)
}

fn distinct_letters(token: &str) -> usize {
    let mut seen: Vec<char> = Vec::with_capacity(4);
    for letter in token.chars() {
        if !seen.contains(&letter) {
            seen.push(letter);
            if seen.len() == 4 {
                break;
            }
        }
    }
    seen.len()
}

/// A time in seconds, milliseconds or microseconds; in base 16 and 36 only around now, since most
/// random text would be a time of some year.
fn is_timestamp(token: &str, clock: Clock) -> bool {
    // 2010 to 2040, in seconds. Half of all numbers of ten digits lie there, client ids among them,
    // so far from now only whole days count: ends of life are written so.
    const PLAUSIBLE: std::ops::Range<i64> = 1_262_304_000..2_208_988_800;
    const AROUND_NOW_S: i64 = 2 * 366 * 86_400;
    const SLACK_S: i64 = 300;
    const DAY_MS: i64 = 86_400_000;
    let near = |milliseconds: i64| milliseconds.abs_diff(clock.now_ms) < DAY_MS as u64;
    if token.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds_per_unit = match token.len() {
            10 => 1,
            13 => 1_000,
            16 => 1_000_000,
            _ => return false,
        };
        return token.parse::<i64>().is_ok_and(|number| {
            let seconds = number / seconds_per_unit;
            let offset = (seconds - clock.now_ms / 1_000).abs();
            let beside_whole_days = (offset + SLACK_S) % (DAY_MS / 1_000) <= 2 * SLACK_S;
            PLAUSIBLE.contains(&seconds) && (offset <= AROUND_NOW_S || beside_whole_days)
        });
    }
    match token.len() {
        8 => {
            i64::from_str_radix(token, 36).is_ok_and(near)
                || i64::from_str_radix(token, 16)
                    .is_ok_and(|seconds| near(seconds.saturating_mul(1_000)))
        }
        11 => i64::from_str_radix(token, 16).is_ok_and(near),
        _ => false,
    }
}

/// The path of an address: `/products/1234567`.
fn is_path(token: &str) -> bool {
    token
        .strip_prefix('/')
        .and_then(|rest| rest.split('/').next())
        .is_some_and(is_word)
}

/// A piece between punctuation that is empty, a word, a short number, a date, or a word with a short number.
fn is_plain_piece(piece: &str) -> bool {
    let digits = piece.bytes().filter(u8::is_ascii_digit).count();
    if digits == piece.len() {
        return digits <= 4 || is_compact_date(piece);
    }
    // The middle of `2026-11-22T12:00`, or of `20261122T120000`.
    if let Some((date, time)) = piece.split_once('T')
        && [date, time]
            .iter()
            .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
        && (date.len() == 2 || is_compact_date(date))
        && time.len() <= 6
    {
        return true;
    }
    if digits == 0 {
        return piece.chars().count() <= 2 || is_word(piece);
    }
    let stem = piece.trim_end_matches(|letter: char| letter.is_ascii_digit());
    let in_front = piece.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let is_short = |rest: &str| piece.len() - rest.len() <= 4 && rest.len() + digits == piece.len();
    // `T12` of a time, `utf8`, `variant12`, `30days`.
    (is_short(stem) && (stem.len() <= 2 || is_word(stem)))
        || (is_short(in_front) && (in_front.len() <= 2 || is_word(in_front)))
}

/// `20261122` or `20261122120000`.
fn is_compact_date(digits: &str) -> bool {
    let number =
        |range: std::ops::Range<usize>| digits.get(range).and_then(|text| text.parse::<u32>().ok());
    matches!(digits.len(), 8 | 12 | 14)
        && number(0..4).is_some_and(|year| (2000..2100).contains(&year))
        && number(4..6).is_some_and(|month| (1..=12).contains(&month))
        && number(6..8).is_some_and(|day| (1..=31).contains(&day))
}

/// Letters in an order that people could speak, in one writing of capitals.
fn is_word(piece: &str) -> bool {
    const LONGEST_CLUSTER: usize = 5;
    if !piece.chars().all(char::is_alphabetic) {
        return false;
    }
    if !piece.is_ascii() {
        // Random identifiers are made of ASCII.
        return true;
    }
    if !humps(piece)
        .all(|(capitals, small)| small == 0 || (capitals <= 1 && small >= 2) || capitals > 2)
    {
        return false;
    }
    let is_vowel = |letter: char| "aeiouyAEIOUY".contains(letter);
    let vowels = piece.chars().filter(|&letter| is_vowel(letter)).count();
    let longest_cluster = piece
        .split(is_vowel)
        .map(str::len)
        .max()
        .unwrap_or_default();
    vowels * 6 >= piece.len() && vowels * 5 <= piece.len() * 4 && longest_cluster <= LONGEST_CLUSTER
}

/// The humps of camel case: how many capitals, then how many small letters.
fn humps(piece: &str) -> impl Iterator<Item = (usize, usize)> {
    let letters = piece.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let run = |from: usize, capital: bool| {
            letters[from..]
                .iter()
                .take_while(|letter| letter.is_ascii_uppercase() == capital)
                .count()
        };
        (at < letters.len()).then(|| {
            let capitals = run(at, true);
            let small = run(at + capitals, false);
            at += capitals + small;
            (capitals, small)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: Clock = Clock {
        now_ms: 1_795_305_600_000,
    };

    #[test]
    fn both_sides() {
        for (token, expected) in [
            ("1795305611", true),
            ("1795305611123", true),
            ("1795305611123456", true),
            ("9182736455", false),
            // In four years to the day, and a number of the same size.
            ("1921536011", true),
            ("1921575011", false),
            ("1455908271", false),
            ("12345678", false),
            ("20261122", true),
            ("20261399", false),
            ("2026-11-22T12", true),
            ("20261122T120000", true),
            ("81736455T120000", false),
            // Five seconds later in base 36 and 16, thirty days earlier, and other numbers of the same form.
            ("mwr2lqiw", true),
            ("mvk7e2o0", false),
            ("zk3x81qp", false),
            ("6b023085", true),
            ("1a2008d8788", true),
            ("4b8f7e21", false),
            ("preferences", true),
            ("PREFERENCES", true),
            ("userPreferences", true),
            ("kJhGtRewQz", false),
            ("bcdfghjklm", false),
            ("variant12", true),
            ("variant12345", false),
            ("a1b2c3d4", false),
            ("/products/1234567", true),
            ("/x8Kq2Lm9Zt4=", false),
            ("Überraschung", true),
        ] {
            assert_eq!(is_trivial(token, CLOCK), expected, "{token}");
        }
    }
}
