//! When a schedule is due: a cron expression in a time zone.
//!
//! When the clocks go forward, an expression of fixed hours that falls into the gap is due at its end; when
//! they go back, it is due once, the first time. Expressions with `*` in minutes or hours follow real time.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::model::value::sha256_hex;
use crate::service::site::time_zone;

/// Longest expression, in bytes.
const LONGEST: usize = 120;
/// The fields of an expression: their names, and what may stand there.
const FIELDS: [(&str, &str); 5] = [
    ("minute", "0 to 59, such as `30`, `0,30` or `*/15`"),
    ("hour", "0 to 23, such as `3`, `9-17` or `*/6`"),
    (
        "day of the month",
        "1 to 31, such as `1`, `1,15` or `L` for the last",
    ),
    ("month", "1 to 12 or JAN to DEC, such as `*/3` or `JAN`"),
    (
        "day of the week",
        "0 to 7 (0 and 7 are Sunday) or SUN to SAT, such as `MON-FRI`",
    ),
];

/// The times of an expression in a time zone.
#[derive(Debug, Clone)]
pub struct Times {
    cron: Cron,
    zone: TimeZone,
}

/// What is wrong with the times of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// `cron` or `timezone`.
    pub field: &'static str,
    /// What is wrong, and what to write.
    pub reason: String,
}

impl Times {
    /// Reads an expression and the name of a time zone.
    pub fn read(expression: &str, zone: &str) -> Result<Self, Wrong> {
        let wrong = |field, reason| Wrong { field, reason };
        let zone = time_zone(zone).map_err(|reason| wrong("timezone", reason))?;
        let cron = cron(expression).map_err(|reason| wrong("cron", reason))?;
        Ok(Self { cron, zone })
    }

    /// The first time after a moment; none when there will be none for centuries.
    pub fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let from = moment.to_zoned(self.zone.clone());
        let next = self.cron.find_next_occurrence(&from, false).ok()?;
        Some(next.timestamp())
    }
}

fn parser() -> CronParser {
    CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build()
}

fn cron(expression: &str) -> Result<Cron, String> {
    let shown: String = expression
        .chars()
        .take(LONGEST)
        .filter(|it| !it.is_control())
        .collect();
    let fields: Vec<&str> = expression.split_ascii_whitespace().collect();
    if fields.len() != FIELDS.len() || expression.len() > LONGEST || !expression.is_ascii() {
        return Err(format!(
            "`{shown}` is no cron expression: it has five fields (minute, hour, day of the month, month, day of the week), for example `0 3 * * *` for every day at 03:00"
        ));
    }
    for (number, (field, (name, allowed))) in fields.iter().zip(FIELDS).enumerate() {
        let mut alone = ["*"; 5];
        if let Some(place) = alone.get_mut(number) {
            *place = field;
        }
        if parser().parse(&alone.join(" ")).is_err() {
            return Err(format!("the {name} `{field}` is not valid: {allowed}"));
        }
    }
    parser()
        .parse(&fields.join(" "))
        .map_err(|error| format!("`{shown}` is no cron expression: {error}"))
}

/// How long after its time an occurrence is due, in seconds: by chance, up to `most`, and the same however
/// often it is asked.
pub fn jitter_seconds(schedule: &str, occurrence: Timestamp, most: u32) -> u32 {
    let digest = sha256_hex(format!("{schedule} {}", occurrence.as_second()).as_bytes());
    let number = digest
        .get(..16)
        .and_then(|digits| u64::from_str_radix(digits, 16).ok());
    let chance = number.unwrap_or_default() % (u64::from(most) + 1);
    u32::try_from(chance).unwrap_or(most)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn after(expression: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let times = Times::read(expression, zone).unwrap();
        let mut moment: Timestamp = from.parse().unwrap();
        (0..count)
            .map(|_| {
                moment = times.after(moment).unwrap();
                moment.to_string()
            })
            .collect()
    }

    #[test]
    fn when_the_clocks_are_changed() {
        // In Berlin clocks went from 02:00 to 03:00 on 2026-03-29 at 01:00 UTC, and from 03:00 to 02:00 on
        // 2026-10-25 at 01:00 UTC.
        for (case, expression, zone, from, expected) in [
            (
                "an ordinary night",
                "30 3 * * *",
                "Europe/Berlin",
                "2026-11-23T00:00:00Z",
                &["2026-11-23T02:30:00Z", "2026-11-24T02:30:00Z"][..],
            ),
            (
                "a time that does not exist is due when the gap ends",
                "30 2 * * *",
                "Europe/Berlin",
                "2026-03-28T12:00:00Z",
                &["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"],
            ),
            (
                "a time that comes twice is due once",
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-24T12:00:00Z",
                &["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"],
            ),
            (
                "asked between the two, it is due the next day",
                "30 2 * * *",
                "Europe/Berlin",
                "2026-10-25T00:45:00Z",
                &["2026-10-26T01:30:00Z"],
            ),
            (
                "every half hour goes on through the gap",
                "*/30 * * * *",
                "Europe/Berlin",
                "2026-03-29T00:15:00Z",
                &[
                    "2026-03-29T00:30:00Z",
                    "2026-03-29T01:00:00Z",
                    "2026-03-29T01:30:00Z",
                ],
            ),
            (
                "and through the hour that comes twice",
                "*/30 * * * *",
                "Europe/Berlin",
                "2026-10-25T00:15:00Z",
                &[
                    "2026-10-25T00:30:00Z",
                    "2026-10-25T01:00:00Z",
                    "2026-10-25T01:30:00Z",
                    "2026-10-25T02:00:00Z",
                ],
            ),
            (
                "half an hour of daylight saving",
                "15 2 * * *",
                "Australia/Lord_Howe",
                "2026-10-03T00:00:00Z",
                &["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"],
            ),
            (
                "on the last day of the month",
                "0 0 L * *",
                "UTC",
                "2028-02-01T00:00:00Z",
                &["2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z"],
            ),
            (
                "a leap day",
                "0 0 29 2 *",
                "UTC",
                "2026-11-23T00:00:00Z",
                &["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"],
            ),
        ] {
            assert_eq!(
                after(expression, zone, from, expected.len()),
                expected,
                "{case}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_an_example() {
        for (expression, zone, field, words) in [
            ("61 3 * * *", "UTC", "cron", "the minute `61`"),
            ("0 24 * * *", "UTC", "cron", "the hour `24`"),
            ("0 3 0 * *", "UTC", "cron", "the day of the month `0`"),
            ("0 3 * 13 *", "UTC", "cron", "the month `13`"),
            ("0 3 * * FUN", "UTC", "cron", "the day of the week `FUN`"),
            ("0 3 * * */0", "UTC", "cron", "the day of the week"),
            ("0 3 * *", "UTC", "cron", "five fields"),
            ("0 0 3 * * *", "UTC", "cron", "five fields"),
            ("@daily", "UTC", "cron", "five fields"),
            ("", "UTC", "cron", "five fields"),
            ("0 3 * * Ｍ", "UTC", "cron", "five fields"),
            ("0 3 * * *", "Mars/Olympus", "timezone", "Mars/Olympus"),
            ("0 3 * * *", "", "timezone", "no time zone"),
        ] {
            let wrong = Times::read(expression, zone).unwrap_err();
            assert_eq!(wrong.field, field, "{expression} {zone}");
            assert!(
                wrong.reason.contains(words),
                "{expression}: {}",
                wrong.reason
            );
        }
    }

    #[test]
    fn a_day_that_never_comes_has_no_time() {
        let times = Times::read("0 0 30 2 *", "UTC").unwrap();
        assert_eq!(times.after("2026-11-23T00:00:00Z".parse().unwrap()), None);
    }

    #[test]
    fn chance_is_bounded_and_always_the_same() {
        let occurrence = "2026-11-23T03:00:00Z".parse().unwrap();
        assert_eq!(jitter_seconds("a", occurrence, 0), 0);
        let many: Vec<u32> = (0..200)
            .map(|number| jitter_seconds(&number.to_string(), occurrence, 600))
            .collect();
        assert!(many.iter().all(|seconds| *seconds <= 600));
        assert_eq!(many[7], jitter_seconds("7", occurrence, 600));
        let spread: std::collections::BTreeSet<u32> = many.iter().map(|it| it / 60).collect();
        assert!(spread.len() >= 9, "{spread:?}");
    }

    proptest::proptest! {
        /// Whatever somebody writes: no panic, and what is accepted comes after the moment it is asked for.
        #[test]
        fn any_text_is_survived(
            expression in "([0-9*,/#LW?+A-Z-]{1,6} ){4}[0-9*,/#LW?+A-Z-]{1,6}|.{0,40}",
            second in 0_i64..4_000_000_000,
        ) {
            if let Ok(times) = Times::read(&expression, "Europe/Berlin") {
                let moment = Timestamp::from_second(second).unwrap();
                proptest::prop_assert!(times.after(moment).is_none_or(|next| next > moment));
            }
        }
    }
}
