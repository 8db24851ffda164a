//! Lifetimes as the catalog writes them.
//!
//! ```text
//! duration = "session" | "persistent" | "unknown"
//!          | [ "up to " | "at least " | "about " ] amount [ " sliding" ]
//!          | amount " .. " amount
//! amount   = digits " " ( second | minute | hour | day | week | month | year ) [ "s" ]
//! ```

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Longest lifetime a browser stores (RFC 6265bis), in seconds: 400 days.
pub const LONGEST_STORED: u64 = 400 * DAY;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// What is wrong with a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no duration: write `session`, `persistent`, `unknown`, `13 months`, `up to 1 year`, `30 minutes sliding` or `1 day .. 7 days`"
)]
pub struct DurationError(String);

/// How long an item lives, as its source declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    written: String,
    meaning: Meaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Session,
    Persistent,
    Unknown,
    /// Least and most, in seconds.
    Between(u64, u64),
}

/// How a lifetime that was seen compares with the declared one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// As declared.
    Within,
    /// Shorter than declared.
    Shorter,
    /// Longer than declared.
    Longer,
    /// Nothing is declared that could be compared.
    Unknown,
}

impl Duration {
    /// Reads a duration.
    pub fn parse(written: &str) -> Result<Self, DurationError> {
        let meaning =
            meaning(written).ok_or_else(|| DurationError(written.chars().take(80).collect()))?;
        Ok(Self {
            written: written.to_owned(),
            meaning,
        })
    }

    /// As its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The longest lifetime it allows, in seconds; absent when it sets no limit. Zero for a session.
    pub fn longest(&self) -> Option<u64> {
        match self.meaning {
            Meaning::Session => Some(0),
            Meaning::Between(_, most) if most < u64::MAX => Some(most),
            Meaning::Between(..) | Meaning::Persistent | Meaning::Unknown => None,
        }
    }

    /// Compares with a lifetime in seconds; `None` is a session item.
    ///
    /// One percent or one hour is forgiven, whichever is more. With `stored`, the lifetime is the
    /// one the browser kept, which is never more than [`LONGEST_STORED`].
    pub fn compare(&self, seen: Option<u64>, stored: bool) -> Fit {
        match (self.meaning, seen) {
            (Meaning::Unknown, _) => Fit::Unknown,
            (Meaning::Session, None) | (Meaning::Persistent, Some(_)) => Fit::Within,
            (Meaning::Session, Some(_)) => Fit::Longer,
            (Meaning::Persistent, None) => Fit::Shorter,
            (Meaning::Between(least, _), None) => {
                if least == 0 {
                    Fit::Within
                } else {
                    Fit::Shorter
                }
            }
            (Meaning::Between(least, most), Some(seen)) => {
                let cap = if stored { LONGEST_STORED } else { u64::MAX };
                let (least, most) = (least.min(cap), most.min(cap));
                let slack = |limit: u64| (limit / 100).max(HOUR);
                if seen > most.saturating_add(slack(most)) {
                    Fit::Longer
                } else if seen < least.saturating_sub(slack(least)) {
                    Fit::Shorter
                } else {
                    Fit::Within
                }
            }
        }
    }
}

fn meaning(written: &str) -> Option<Meaning> {
    match written {
        "session" => return Some(Meaning::Session),
        "persistent" => return Some(Meaning::Persistent),
        "unknown" => return Some(Meaning::Unknown),
        _ => {}
    }
    if let Some((from, to)) = written.split_once(" .. ") {
        let (least, _) = amount(from)?;
        let (_, most) = amount(to)?;
        return (least <= most).then_some(Meaning::Between(least, most));
    }
    let written = written.strip_suffix(" sliding").unwrap_or(written);
    if let Some(rest) = written.strip_prefix("up to ") {
        return amount(rest).map(|(_, most)| Meaning::Between(0, most));
    }
    if let Some(rest) = written.strip_prefix("at least ") {
        return amount(rest).map(|(least, _)| Meaning::Between(least, u64::MAX));
    }
    if let Some(rest) = written.strip_prefix("about ") {
        // "About" forgives a quarter in both directions.
        return amount(rest)
            .map(|(least, most)| Meaning::Between(least - least / 4, most + most / 4));
    }
    amount(written).map(|(least, most)| Meaning::Between(least, most))
}

/// Least and most seconds of an amount: a month has 28 to 31 days, a year 365 or 366.
fn amount(written: &str) -> Option<(u64, u64)> {
    let (digits, unit) = written.split_once(' ')?;
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    let (least, most) = match unit.strip_suffix('s').unwrap_or(unit) {
        "second" => (1, 1),
        "minute" => (MINUTE, MINUTE),
        "hour" => (HOUR, HOUR),
        "day" => (DAY, DAY),
        "week" => (7 * DAY, 7 * DAY),
        "month" => (28 * DAY, 31 * DAY),
        "year" => (365 * DAY, 366 * DAY),
        _ => return None,
    };
    // Six digits of years fit easily.
    (count > 0).then_some((count * least, count * most))
}

impl TryFrom<String> for Duration {
    type Error = DurationError;

    fn try_from(written: String) -> Result<Self, DurationError> {
        Self::parse(&written)
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.written
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        const AMOUNT: &str = "[0-9]{1,6} (second|minute|hour|day|week|month|year)s?";
        json_schema!({
            "type": "string",
            "description": "Such as `session`, `13 months`, `up to 1 year`, `30 minutes sliding`, `1 day .. 7 days`.",
            "pattern": format!("^(session|persistent|unknown|((up to|at least|about) )?{AMOUNT}( sliding)?|{AMOUNT} \\.\\. {AMOUNT})$"),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_a_duration_and_what_is_not() {
        for good in [
            "session",
            "persistent",
            "unknown",
            "1 year",
            "13 months",
            "30 minutes sliding",
            "up to 1 year",
            "at least 2 weeks",
            "about 90 days",
            "1 day .. 7 days",
            "1 second",
        ] {
            assert_eq!(Duration::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Session",
            "1",
            "1year",
            "one year",
            "0 days",
            "-1 days",
            "1 fortnight",
            "forever",
            "1 years old",
            "7 days .. 1 day",
            "up to session",
            "1234567 days",
            " 1 day",
            "1  day",
            "sliding",
        ] {
            assert!(Duration::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn lifetimes_compared() {
        let days = |count: u64| Some(count * DAY);
        for (declared, seen, stored, fit) in [
            ("session", None, false, Fit::Within),
            ("session", days(1), false, Fit::Longer),
            ("1 year", None, false, Fit::Shorter),
            ("1 year", days(365), false, Fit::Within),
            ("1 year", days(366), false, Fit::Within),
            ("1 year", days(400), false, Fit::Longer),
            ("1 year", days(300), false, Fit::Shorter),
            ("13 months", days(396), false, Fit::Within),
            ("2 years", days(730), false, Fit::Within),
            ("2 years", days(400), false, Fit::Shorter),
            ("2 years", days(400), true, Fit::Within),
            ("up to 1 year", days(1), false, Fit::Within),
            ("up to 1 year", None, false, Fit::Within),
            ("up to 1 year", days(500), false, Fit::Longer),
            ("at least 1 month", days(4000), false, Fit::Within),
            ("at least 1 month", days(1), false, Fit::Shorter),
            ("30 minutes sliding", Some(1800), false, Fit::Within),
            ("30 minutes sliding", days(1), false, Fit::Longer),
            ("1 day .. 7 days", days(3), false, Fit::Within),
            ("1 day .. 7 days", days(9), false, Fit::Longer),
            ("persistent", days(3), false, Fit::Within),
            ("persistent", None, false, Fit::Shorter),
            ("unknown", days(9999), false, Fit::Unknown),
        ] {
            let duration = Duration::parse(declared).unwrap();
            assert_eq!(
                duration.compare(seen, stored),
                fit,
                "{declared} against {seen:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(text in ".{0,40}", seen in any::<Option<u64>>(), stored in any::<bool>()) {
            if let Ok(duration) = Duration::parse(&text) {
                duration.compare(seen, stored);
            }
        }

        #[test]
        fn an_amount_holds_for_itself(count in 1u64..999_999, plural in any::<bool>()) {
            let written = format!("{count} day{}", if plural { "s" } else { "" });
            let duration = Duration::parse(&written).unwrap();
            prop_assert_eq!(duration.compare(Some(count * DAY), false), Fit::Within);
            prop_assert_eq!(duration.compare(Some(count * DAY * 2 + DAY), false), Fit::Longer);
        }
    }
}
