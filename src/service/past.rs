//! What happened last, numbered, for readers who were away for a moment.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use super::event::Event;

/// Events kept.
const KEPT: usize = 1_024;

/// The events since the service began: the last 1,024 of them, and how many there were.
#[derive(Debug)]
pub struct Past {
    /// Tells the numbers of this process from those of another.
    began: String,
    events: Mutex<Numbered>,
}

#[derive(Debug, Default)]
struct Numbered {
    /// The number of the newest; 0 before anything happened.
    newest: u64,
    kept: VecDeque<Event>,
}

/// What happened after a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Since {
    /// Events that are no longer known.
    pub missed: u64,
    /// Those that are, oldest first, with their numbers.
    pub events: Vec<(u64, Event)>,
}

impl Default for Past {
    fn default() -> Self {
        Self {
            began: format!("{:x}", Timestamp::now().as_millisecond()),
            events: Mutex::default(),
        }
    }
}

impl Past {
    /// Keeps an event.
    pub fn note(&self, event: &Event) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.newest += 1;
        events.kept.push_back(event.clone());
        if events.kept.len() > KEPT {
            events.kept.pop_front();
        }
    }

    /// The number of the newest event; 0 before anything happened.
    pub fn newest(&self) -> u64 {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.newest
    }

    /// What happened after the event of that number.
    pub fn since(&self, number: u64) -> Since {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = events.newest - events.kept.len() as u64;
        let missed = oldest.saturating_sub(number);
        let skipped = number.saturating_sub(oldest) as usize;
        Since {
            missed,
            events: (oldest + 1..)
                .zip(events.kept.iter().cloned())
                .skip(skipped)
                .collect(),
        }
    }

    /// What an event is called outside.
    pub fn id_of(&self, number: u64) -> String {
        format!("{}-{number}", self.began)
    }

    /// The number of an event by what it is called outside; none for one of another process.
    pub fn number_of(&self, id: &str) -> Option<u64> {
        let number = id.strip_prefix(&self.began)?.strip_prefix('-')?;
        number
            .parse()
            .ok()
            .filter(|number| *number <= self.newest())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::service::audit::Standing;

    fn event(number: u64) -> Event {
        Event::Audit {
            id: number.to_string(),
            site: "shop".to_owned(),
            standing: Standing::Running,
        }
    }

    #[test]
    fn who_was_away_hears_what_is_still_known() {
        let past = Past::default();
        assert_eq!(past.newest(), 0);
        assert!(past.since(0).events.is_empty());
        let count = KEPT as u64 + 10;
        for number in 1..=count {
            past.note(&event(number));
        }
        for (from, missed, first) in [
            (0, 10, Some(11)),
            (5, 5, Some(11)),
            (10, 0, Some(11)),
            (count - 1, 0, Some(count)),
            (count, 0, None),
        ] {
            let since = past.since(from);
            assert_eq!(since.missed, missed, "{from}");
            assert_eq!(since.events.first().map(|(number, _)| *number), first);
            for (number, held) in since.events {
                assert_eq!(held, event(number));
            }
        }
    }

    #[test]
    fn names_of_events_are_read_back_and_no_others() {
        let past = Past::default();
        past.note(&event(1));
        assert_eq!(past.number_of(&past.id_of(1)), Some(1));
        for id in ["", "1", "-1", "x-1", &past.id_of(2), &past.id_of(u64::MAX)] {
            assert_eq!(past.number_of(id), None, "{id}");
        }
    }
}
