//! Lifetimes as people write them, in the catalog's grammar.

use crate::catalog::duration::Duration;

/// Reads `12 months`, `30 mins`, `1 year 1 month`, `Session`, `forever`, `Persistent`, `2 hours (sliding)`.
pub(super) fn read(written: &str) -> Option<Duration> {
    let text = written.trim().to_lowercase();
    if text.is_empty() || text.len() > 80 {
        return None;
    }
    if text.contains("session") {
        return Duration::parse("session").ok();
    }
    if ["persistent", "forever", "never", "unlimited", "permanent"]
        .iter()
        .any(|word| text.contains(word))
    {
        return Duration::parse("persistent").ok();
    }
    let sliding = text.contains("after last") || text.contains("sliding");
    let mut words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '.');
    let mut amounts = Vec::new();
    let mut count: Option<f64> = None;
    for word in words.by_ref().filter(|word| !word.is_empty()) {
        // `6months` is written as well.
        let digits = word.trim_end_matches(|letter: char| letter.is_alphabetic());
        let rest = &word[digits.len()..];
        if !digits.is_empty() {
            count = digits.parse().ok();
        } else if let Some(number) = NUMBERS.iter().position(|known| *known == word) {
            count = Some(number as f64);
        }
        if let (Some(number), Some(unit)) = (count, unit(rest)) {
            amounts.push((number, unit));
            count = None;
        }
    }
    let (number, (unit, _)) = match amounts.as_slice() {
        [] => return None,
        [amount] => *amount,
        // Several together are best said in the smallest of their units.
        [first, ..] => {
            let days: f64 = amounts
                .iter()
                .map(|(number, (_, seconds))| number * seconds)
                .sum::<f64>()
                / 86_400.0;
            if days >= 1.0 {
                (days.round(), ("day", 86_400.0))
            } else {
                *first
            }
        }
    };
    if !number.is_finite() || number < 1.0 || number.fract() > 0.0 || number > 999_999.0 {
        return None;
    }
    let plural = if (number - 1.0).abs() < f64::EPSILON {
        ""
    } else {
        "s"
    };
    let tail = if sliding { " sliding" } else { "" };
    Duration::parse(&format!("{number} {unit}{plural}{tail}")).ok()
}

/// A number of seconds.
pub(super) fn of_seconds(seconds: u64) -> Option<String> {
    let (count, unit) = [
        (86_400, "day"),
        (3600, "hour"),
        (60, "minute"),
        (1, "second"),
    ]
    .into_iter()
    .find(|(length, _)| seconds >= *length && seconds.is_multiple_of(*length))
    .map(|(length, unit)| (seconds / length, unit))?;
    Some(format!("{count} {unit}s"))
}

const NUMBERS: [&str; 13] = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
];

fn unit(word: &str) -> Option<(&'static str, f64)> {
    Some(match word.strip_suffix('s').unwrap_or(word) {
        "second" | "sec" => ("second", 1.0),
        "minute" | "min" => ("minute", 60.0),
        "hour" | "hr" | "h" => ("hour", 3600.0),
        "day" | "d" => ("day", 86_400.0),
        "week" => ("week", 604_800.0),
        "month" => ("month", 2_592_000.0),
        "year" | "yr" | "y" => ("year", 31_536_000.0),
        _ => return None,
    })
}
