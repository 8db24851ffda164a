//! Which deliveries wait, and for when: in memory, so that looking costs nothing. The shelf is the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::delivery::Delivery;

/// Longest sleep: a clock that was set must not make alerts wait for long.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The deliveries that wait.
#[derive(Debug, Default)]
pub(in crate::service) struct Outbox {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By the time they are due, then by id; with their channel.
    due: BTreeMap<(Timestamp, String), String>,
    /// Channels something is being sent to: one at a time, so that a slow one keeps nobody else waiting.
    busy: BTreeSet<String>,
    /// Channels that asked to be left alone, and until when.
    quiet: BTreeMap<String, Timestamp>,
}

impl Outbox {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a delivery that waits.
    pub(super) fn take_in(&self, delivery: &Delivery) {
        if let Some(next) = delivery.next {
            let place = (next, delivery.id.clone());
            self.waiting().due.insert(place, delivery.channel.clone());
        }
    }

    /// Something waits.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Returns when something may be waiting.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }

    /// A delivery that is due, with its channel, which is busy until [`Outbox::done`].
    pub(super) fn claim(&self, now: Timestamp) -> Option<(String, String)> {
        let mut waiting = self.waiting();
        waiting.quiet.retain(|_, until| *until > now);
        let (place, channel) = waiting
            .due
            .iter()
            .take_while(|((next, _), _)| *next <= now)
            .find(|(_, channel)| {
                !waiting.busy.contains(*channel) && !waiting.quiet.contains_key(*channel)
            })
            .map(|(place, channel)| (place.clone(), channel.clone()))?;
        waiting.due.remove(&place);
        waiting.busy.insert(channel.clone());
        Some((place.1, channel))
    }

    /// Something was sent to a channel, or not; it wants to be left alone until `quiet`.
    pub(super) fn done(&self, channel: &str, quiet: Option<Timestamp>) {
        let mut waiting = self.waiting();
        waiting.busy.remove(channel);
        if let Some(until) = quiet {
            waiting.quiet.insert(channel.to_owned(), until);
        }
    }

    /// How long nothing will be due.
    pub(super) fn pause(&self, now: Timestamp) -> Duration {
        let waiting = self.waiting();
        let next = waiting
            .due
            .iter()
            // One that waits for its channel is claimed when that is done.
            .filter(|(_, channel)| !waiting.busy.contains(*channel))
            .map(|((next, _), channel)| {
                waiting
                    .quiet
                    .get(channel)
                    .map_or(*next, |until| (*next).max(*until))
            })
            .min();
        next.map_or(LONGEST_SLEEP, |next| {
            // A moment in the past is now.
            Duration::try_from(next.duration_since(now))
                .unwrap_or_default()
                .min(LONGEST_SLEEP)
        })
    }

    /// How many wait.
    pub(in crate::service) fn len(&self) -> usize {
        self.waiting().due.len()
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::message::Message;
    use super::*;

    fn delivery(id: &str, channel: &str, next: Timestamp) -> Delivery {
        let message = Message::test(channel);
        Delivery {
            next: Some(next),
            ..Delivery::new(id.to_owned(), channel, channel, message)
        }
    }

    #[test]
    fn one_at_a_time_for_each_channel() {
        let outbox = Outbox::default();
        let now = Timestamp::UNIX_EPOCH;
        let later = now + SignedDuration::from_secs(30);
        for (id, channel, next) in [
            ("1", "a", now),
            ("2", "a", now),
            ("3", "b", now),
            ("4", "b", later),
        ] {
            outbox.take_in(&delivery(id, channel, next));
        }
        let claimed = |id: &str, channel: &str| Some((id.to_owned(), channel.to_owned()));
        assert_eq!(outbox.claim(now), claimed("1", "a"));
        assert_eq!(outbox.claim(now), claimed("3", "b"));
        assert_eq!(outbox.claim(now), None);
        outbox.done("a", Some(now + SignedDuration::from_secs(5)));
        outbox.done("b", None);
        assert_eq!(outbox.claim(now), None);
        assert_eq!(outbox.pause(now), Duration::from_secs(5));
        assert_eq!(
            outbox.claim(now + SignedDuration::from_secs(5)),
            claimed("2", "a")
        );
        assert_eq!(outbox.claim(later), claimed("4", "b"));
        assert_eq!(outbox.len(), 0);
        assert_eq!(outbox.pause(now), LONGEST_SLEEP);
    }
}
