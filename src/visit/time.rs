//! A visit's time, in milliseconds since it began: real, or simulated by the browser's virtual clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Which clock a visit goes by.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum ClockKind {
    /// Simulated: thirty seconds of watching take a fraction of a second.
    #[default]
    Virtual,
    /// As the wall shows it.
    Real,
}

impl ClockKind {
    /// Its name, as options and reports have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Virtual => "virtual",
            Self::Real => "real",
        }
    }
}

/// The time of one visit. Clones share it.
#[derive(Debug, Clone)]
pub struct VisitTime(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    started: Instant,
    started_epoch_ms: f64,
    simulated: Option<Stretch>,
}

/// The stretch of simulated time that passes at this moment; nothing is known more exactly than that.
#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the unit belongs to the name")]
struct Stretch {
    from_ms: AtomicU64,
    to_ms: AtomicU64,
    /// The latest moment the browser spoke of.
    heard_ms: AtomicU64,
}

impl VisitTime {
    /// Begins now.
    pub fn start(kind: ClockKind) -> Self {
        Self(Arc::new(Shared {
            started: Instant::now(),
            started_epoch_ms: jiff::Timestamp::now().as_millisecond() as f64,
            simulated: (kind == ClockKind::Virtual).then(Stretch::default),
        }))
    }

    /// Milliseconds since the visit began. Simulated time stands still between two stretches.
    pub fn now_ms(&self) -> u64 {
        match &self.0.simulated {
            None => self.0.started.elapsed().as_millis() as u64,
            Some(stretch) => stretch.heard_ms.load(Ordering::Relaxed),
        }
    }

    /// Real milliseconds since the visit began, whatever clock it goes by.
    pub fn real_ms(&self) -> u64 {
        self.0.started.elapsed().as_millis() as u64
    }

    /// Milliseconds since the visit began, of a time the browser gave in milliseconds since 1970.
    ///
    /// Never later than can be, so that a strange clock cannot move an event behind the choice, and
    /// never before the stretch of simulated time that passes.
    pub fn since_epoch(&self, epoch_ms: f64) -> u64 {
        let since = (epoch_ms - self.0.started_epoch_ms).max(0.0) as u64;
        match &self.0.simulated {
            None => since.min(self.now_ms()),
            Some(stretch) => {
                let from = stretch.from_ms.load(Ordering::Relaxed);
                let to = stretch.to_ms.load(Ordering::Relaxed).max(from);
                let at = since.clamp(from, to);
                stretch.heard_ms.fetch_max(at, Ordering::Relaxed);
                at
            }
        }
    }

    /// A moment of the visit in milliseconds since 1970, as the page's own clock shows it.
    pub fn epoch_ms(&self, at_ms: u64) -> f64 {
        self.0.started_epoch_ms + at_ms as f64
    }

    /// Lets a stretch of simulated time begin, and returns its first millisecond.
    pub(super) fn begin_stretch(&self, length_ms: u64) -> u64 {
        let Some(stretch) = &self.0.simulated else {
            return self.now_ms();
        };
        let from = stretch.from_ms.load(Ordering::Relaxed);
        stretch.to_ms.store(from + length_ms, Ordering::Relaxed);
        from
    }

    /// Ends the stretch at `at_ms`; nothing heard from now on happened earlier.
    pub(super) fn end_stretch(&self, at_ms: u64) {
        if let Some(stretch) = &self.0.simulated {
            let at_ms = at_ms.max(stretch.from_ms.load(Ordering::Relaxed));
            stretch.from_ms.store(at_ms, Ordering::Relaxed);
            stretch.to_ms.store(at_ms, Ordering::Relaxed);
            stretch.heard_ms.store(at_ms, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn simulated_time_stands_still_between_stretches() {
        let time = VisitTime::start(ClockKind::Virtual);
        assert_eq!(time.now_ms(), 0);
        assert_eq!(time.begin_stretch(1_000), 0);
        let start = time.epoch_ms(0);
        for (epoch, expected) in [
            (start - 60_000.0, 0),
            (start + 250.0, 250),
            (start + 90_000.0, 1_000),
        ] {
            assert_eq!(time.since_epoch(epoch), expected);
        }
        time.end_stretch(1_000);
        assert_eq!(time.now_ms(), 1_000);
        assert_eq!(time.since_epoch(start + 250.0), 1_000, "no way back");
        assert_eq!(time.begin_stretch(500), 1_000);
    }

    #[test]
    fn real_time_goes_by_itself() {
        let time = VisitTime::start(ClockKind::Real);
        assert_eq!(time.since_epoch(time.epoch_ms(3_600_000)), time.now_ms());
        assert_eq!(time.since_epoch(0.0), 0);
    }
}
