//! The findings of a site from audit to audit, as pictures in SVG with their words.

use std::collections::BTreeMap;

use crate::report::number;
use crate::service::audit::Standing;
use crate::service::board::{IN_VIEW, Point, SiteStanding};

/// Severities from the gravest, as audits count them.
pub(super) const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// Height and width of a sparkline, in its own units; the width of a bar and the gap behind it.
const SPARK_HEIGHT: u64 = 28;
const SPARK_STEP: u64 = 5;
const SPARK_BAR: u64 = 4;

/// All findings of an audit.
pub(super) fn total(findings: &BTreeMap<String, u64>) -> u64 {
    findings
        .values()
        .fold(0, |sum, count| sum.saturating_add(*count))
}

/// Findings of each severity there is one of, gravest first.
pub(super) fn by_severity(findings: &BTreeMap<String, u64>) -> Vec<(&'static str, u64)> {
    SEVERITIES
        .into_iter()
        .filter_map(|severity| Some((severity, *findings.get(severity)?)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// The findings of the last audits in a line.
#[derive(Debug, Default)]
pub(super) struct Sparkline {
    /// Width of the view box.
    pub(super) width: u64,
    /// Critical and high ones.
    pub(super) grave: String,
    /// All others.
    pub(super) other: String,
    /// Audits that found nothing.
    pub(super) none: String,
    /// Audits that came to nothing.
    pub(super) failed: String,
    /// The same in words.
    pub(super) words: String,
}

impl Sparkline {
    /// Of a site's last audits; none when it has none.
    pub(super) fn of(standing: &SiteStanding) -> Option<Self> {
        let points = &standing.history;
        if points.is_empty() {
            return None;
        }
        let most = points.iter().map(|point| total(&point.findings)).max();
        let most = most.unwrap_or(0).max(1);
        let height = |count: u64| {
            let share = count.saturating_mul(SPARK_HEIGHT).div_ceil(most);
            share.min(SPARK_HEIGHT)
        };
        let mut spark = Self {
            width: IN_VIEW as u64 * SPARK_STEP,
            words: String::from("Open findings of the last audits, oldest first: "),
            ..Self::default()
        };
        let unused = IN_VIEW.saturating_sub(points.len());
        for (place, point) in (unused as u64..).zip(points) {
            let x = place * SPARK_STEP;
            let words = if point.standing == Standing::Finished {
                let all = total(&point.findings);
                let grave = grave(&point.findings);
                let (low, high) = (height(grave), height(all));
                bar(&mut spark.grave, x, 0, low);
                bar(&mut spark.other, x, low, high);
                if all == 0 {
                    bar(&mut spark.none, x, 0, 2);
                }
                number(all as usize)
            } else {
                bar(&mut spark.failed, x, 0, 5);
                standing_word(point.standing).to_owned()
            };
            if !spark.words.ends_with(": ") {
                spark.words.push_str(", ");
            }
            spark.words.push_str(&words);
        }
        Some(spark)
    }

    /// Height of the view box.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn height(&self) -> u64 {
        SPARK_HEIGHT
    }
}

fn grave(findings: &BTreeMap<String, u64>) -> u64 {
    ["critical", "high"]
        .iter()
        .filter_map(|severity| findings.get(*severity))
        .fold(0, |sum, count| sum.saturating_add(*count))
}

/// A bar of a sparkline, from one height above the ground to another.
fn bar(path: &mut String, x: u64, from: u64, to: u64) {
    let tall = to.saturating_sub(from);
    if tall > 0 {
        let ground = SPARK_HEIGHT - from;
        let part = format!("M{x} {ground}h{SPARK_BAR}v-{tall}h-{SPARK_BAR}z");
        path.push_str(&part);
    }
}

/// How far an audit is, in a word.
pub(super) fn standing_word(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting => "waiting",
        Standing::Running => "running",
        Standing::Finished => "finished",
        Standing::Failed => "failed",
        Standing::Cancelled => "cancelled",
    }
}

/// The class of the colours of a standing.
pub(super) fn standing_tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Waiting | Standing::Running => "run",
        Standing::Finished => "plain",
        Standing::Failed => "bad",
        Standing::Cancelled => "unsure",
    }
}

/// Size of a history chart, and the room around its bars.
const WIDTH: u64 = 760;
const HEIGHT: u64 = 220;
const LEFT: u64 = 44;
const TOP: u64 = 12;
const BOTTOM: u64 = 34;

/// The findings of a site's audits as a chart.
#[derive(Debug)]
pub(super) struct History {
    pub(super) lines: Vec<Line>,
    pub(super) bars: Vec<Bar>,
    /// Where days stand below the ground: x, anchor, text.
    pub(super) days: Vec<(u64, &'static str, String)>,
    /// Severities that appear, gravest first.
    pub(super) key: Vec<&'static str>,
    /// Some audits came to nothing.
    pub(super) some_failed: bool,
}

/// A line across a chart.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) y: u64,
    pub(super) label: String,
}

/// A part of a bar.
#[derive(Debug)]
pub(super) struct Bar {
    pub(super) class: &'static str,
    pub(super) x: u64,
    pub(super) y: u64,
    pub(super) width: u64,
    pub(super) height: u64,
    /// What it says when pointed at.
    pub(super) words: String,
}

impl History {
    /// Of the audits that are in view; none when fewer than two were carried out.
    pub(super) fn of(points: &[Point]) -> Option<Self> {
        let finished = |point: &&Point| point.standing == Standing::Finished;
        if points.iter().filter(finished).count() < 2 {
            return None;
        }
        let most = points.iter().map(|point| total(&point.findings)).max();
        let (step, top) = scale(most.unwrap_or(0));
        let ground = HEIGHT - BOTTOM;
        let tall = ground - TOP;
        let height = |count: u64| count.saturating_mul(tall) / top;
        let mut chart = Self {
            lines: (0..=top / step)
                .map(|line| Line {
                    y: ground - height(line * step),
                    label: number((line * step) as usize),
                })
                .collect(),
            bars: Vec::new(),
            days: Vec::new(),
            key: Vec::new(),
            some_failed: false,
        };
        let room = (WIDTH - LEFT) / points.len().max(8) as u64;
        let width = (room * 7 / 10).clamp(3, 40);
        for (place, point) in (0_u64..).zip(points) {
            let x = LEFT + place * room + (room - width) / 2;
            chart.add(point, x, width, ground, &height);
            let is_last = place + 1 == points.len() as u64;
            if place == 0 || is_last {
                let anchor = if place == 0 { "start" } else { "end" };
                let x = if place == 0 { x } else { x + width };
                let day = point.finished.strftime("%-d %b %Y").to_string();
                chart.days.push((x, anchor, day));
            }
        }
        Some(chart)
    }

    fn add(&mut self, point: &Point, x: u64, width: u64, ground: u64, height: &dyn Fn(u64) -> u64) {
        let day = point.finished.strftime("%-d %b %Y, %H:%M UTC");
        if point.standing != Standing::Finished {
            self.some_failed = true;
            self.bars.push(Bar {
                class: "s-failed",
                x,
                y: ground - 6,
                width,
                height: 6,
                words: format!("{day}: {}", standing_word(point.standing)),
            });
            return;
        }
        let mut below = 0;
        for (severity, count) in by_severity(&point.findings).into_iter().rev() {
            let (from, to) = (height(below), height(below.saturating_add(count)));
            below = below.saturating_add(count);
            self.bars.push(Bar {
                class: severity,
                x,
                y: ground - to,
                width,
                height: to - from,
                words: format!("{day}: {} {severity}", number(count as usize)),
            });
            if !self.key.contains(&severity) {
                self.key.push(severity);
                let rank = |one: &&str| SEVERITIES.iter().position(|severity| severity == one);
                self.key.sort_by_key(rank);
            }
        }
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn width(&self) -> u64 {
        WIDTH
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn height(&self) -> u64 {
        HEIGHT
    }

    /// Where bars begin, left.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn left(&self) -> u64 {
        LEFT
    }

    /// Where days are written.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    pub(super) fn foot(&self) -> u64 {
        HEIGHT - 10
    }
}

/// How far apart the lines of a chart are, and how high it reaches: at most five lines, at round numbers.
fn scale(most: u64) -> (u64, u64) {
    let mut unit: u64 = 1;
    loop {
        for factor in [1, 2, 5] {
            let step = unit.saturating_mul(factor);
            if most <= step.saturating_mul(4) || step == u64::MAX {
                return (step, step.saturating_mul(most.div_ceil(step).max(1)));
            }
        }
        unit = unit.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn point(standing: Standing, findings: &[(&str, u64)]) -> Point {
        Point {
            audit: "a".to_owned(),
            run: None,
            finished: "2026-11-03T03:10:00Z".parse().unwrap(),
            standing,
            findings: findings
                .iter()
                .map(|(severity, count)| ((*severity).to_owned(), *count))
                .collect(),
            new: 0,
            fixed: 0,
            incomplete_pages: 0,
        }
    }

    #[test]
    fn a_sparkline_says_what_it_shows() {
        let standing = SiteStanding {
            history: [
                point(Standing::Finished, &[("critical", 2), ("low", 2)]),
                point(Standing::Failed, &[]),
                point(Standing::Finished, &[]),
            ]
            .into(),
            ..SiteStanding::default()
        };
        let spark = Sparkline::of(&standing).unwrap();
        assert_eq!(
            spark.words,
            "Open findings of the last audits, oldest first: 4, failed, 0"
        );
        // Half of the first bar is grave.
        assert_eq!(spark.grave, "M135 28h4v-14h-4z");
        assert_eq!(spark.other, "M135 14h4v-14h-4z");
        assert_eq!(spark.failed, "M140 28h4v-5h-4z");
        assert_eq!(spark.none, "M145 28h4v-2h-4z");
        assert!(Sparkline::of(&SiteStanding::default()).is_none());
    }

    #[test]
    fn scales_are_round_and_reach_the_top() {
        for (most, expected) in [
            (0, (1, 1)),
            (3, (1, 3)),
            (4, (1, 4)),
            (7, (2, 8)),
            (20, (5, 20)),
            (21, (10, 30)),
            (999, (500, 1_000)),
        ] {
            assert_eq!(scale(most), expected, "{most}");
        }
        for most in [u64::MAX, u64::MAX / 3] {
            let (step, top) = scale(most);
            assert!(top >= most && top / step <= 5, "{most}");
        }
    }

    #[test]
    fn a_chart_stays_inside_whatever_is_counted() {
        let points = [
            point(Standing::Finished, &[("critical", u64::MAX), ("high", 3)]),
            point(Standing::Cancelled, &[]),
            point(Standing::Finished, &[("odd", 3), ("low", 1)]),
        ];
        let chart = History::of(&points).unwrap();
        assert!(
            chart
                .bars
                .iter()
                .all(|bar| bar.y <= HEIGHT && bar.height <= HEIGHT)
        );
        assert_eq!(chart.key, ["critical", "high", "low"]);
        assert!(chart.some_failed);
        assert!(History::of(&points[..2]).is_none());
    }
}
