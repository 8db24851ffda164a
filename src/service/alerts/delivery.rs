//! A delivery: one alert on its way to one channel, with what became of it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channel::Occasion;
use super::message::Message;

/// How long to wait after the first try that failed.
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// How many times longer after each further one.
const FACTOR: u32 = 3;
/// Longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_hours(4);
/// How long it is tried.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// One alert on its way to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// Its id; sorts by time.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// What the channel was called then.
    pub channel_name: String,
    /// When it came about.
    pub created: Timestamp,
    /// How far it is.
    pub standing: Standing,
    /// How often it was tried.
    pub attempts: u32,
    /// How often somebody asked for it to be sent again.
    pub again: u32,
    /// Since when it is tried.
    pub since: Timestamp,
    /// Tries since then.
    pub tries: u32,
    /// When it is tried next; absent when nothing more will come of it.
    pub next: Option<Timestamp>,
    /// What came of the last try.
    pub last: Option<Attempt>,
    /// What it says.
    pub message: Message,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is tried until it arrives or is given up.
    Waiting,
    /// It arrived.
    Delivered,
    /// It is no longer tried.
    GivenUp,
}

impl Standing {
    /// As it is written in JSON and in metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::GivenUp => "given-up",
        }
    }
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The status code of the answer: HTTP's, or SMTP's.
    pub status: Option<u16>,
    /// The first 200 characters of the answer, made printable.
    pub answer: Option<String>,
    /// Why it failed, in a sentence.
    pub error: Option<String>,
}

/// What came of a try, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It arrived.
    Arrived,
    /// It may arrive later: not before so long from now, if the other side said so.
    Later(Option<Duration>),
    /// It will never arrive.
    Never,
    /// The other side wants nothing more, ever.
    Unwanted,
}

impl Delivery {
    /// A delivery that waits for its first try.
    pub(super) fn new(id: String, channel: &str, channel_name: &str, message: Message) -> Self {
        let now = Timestamp::now();
        Self {
            id,
            channel: channel.to_owned(),
            channel_name: channel_name.to_owned(),
            created: now,
            standing: Standing::Waiting,
            attempts: 0,
            again: 0,
            since: now,
            tries: 0,
            next: Some(now),
            last: None,
            message,
        }
    }

    /// Waits anew, as if it had never been tried.
    pub(super) fn begin_again(&mut self, now: Timestamp) {
        self.standing = Standing::Waiting;
        self.again += 1;
        self.since = now;
        self.tries = 0;
        self.next = Some(now);
    }

    /// Takes down what came of a try; `chance`, between 0 and 1, spreads the next ones.
    pub(super) fn tried(&mut self, mut attempt: Attempt, verdict: &Verdict, chance: f64) {
        // From its end on: a try may take longer than the wait after it.
        let took = i64::try_from(attempt.took_ms).map(SignedDuration::from_millis);
        let ended = took.ok().and_then(|took| attempt.at.checked_add(took).ok());
        let now = ended.unwrap_or(attempt.at);
        self.attempts += 1;
        self.tries += 1;
        self.next = None;
        match verdict {
            Verdict::Arrived => self.standing = Standing::Delivered,
            Verdict::Never | Verdict::Unwanted => self.standing = Standing::GivenUp,
            Verdict::Later(at_least) => {
                let wait = wait_after(self.tries, chance).max(at_least.unwrap_or_default());
                let next = SignedDuration::try_from(wait)
                    .ok()
                    .and_then(|wait| now.checked_add(wait).ok());
                let ends = self.since.checked_add(GIVEN_UP_AFTER).unwrap_or(now);
                self.next = next.filter(|next| *next <= ends);
                if self.next.is_none() {
                    self.standing = Standing::GivenUp;
                    let error = attempt.error.get_or_insert_default();
                    error.push_str("; it was tried for a day and is given up");
                }
            }
        }
        self.last = Some(attempt);
    }
}

/// How long to wait after so many tries that failed: between half of the full time and all of it.
fn wait_after(tries: u32, chance: f64) -> Duration {
    let factor = FACTOR.saturating_pow(tries.saturating_sub(1).min(16));
    let full = FIRST_WAIT.saturating_mul(factor).min(LONGEST_WAIT);
    full.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

/// A delivery as it is shown in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryShown {
    /// Its id; sorts by time. Receivers see it in the header `webhook-id`.
    pub id: String,
    /// The channel.
    pub channel: String,
    /// What the channel was called then.
    pub channel_name: String,
    /// The site; empty for a test.
    pub site: String,
    /// What it is sent for.
    pub events: Vec<Occasion>,
    /// What it says, in one line.
    pub headline: String,
    /// When it came about.
    pub created: Timestamp,
    /// How far it is.
    pub standing: Standing,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next: Option<Timestamp>,
    /// What came of the last try.
    pub last: Option<Attempt>,
    /// What it says; only where one delivery is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
}

impl DeliveryShown {
    /// With what it says.
    pub fn whole(delivery: Delivery) -> Self {
        let message = delivery.message.clone();
        Self {
            message: Some(message),
            ..Self::from(delivery)
        }
    }
}

impl From<Delivery> for DeliveryShown {
    fn from(delivery: Delivery) -> Self {
        Self {
            headline: delivery.message.outline().headline,
            id: delivery.id,
            channel: delivery.channel,
            channel_name: delivery.channel_name,
            site: delivery.message.site.id,
            events: delivery.message.events,
            created: delivery.created,
            standing: delivery.standing,
            attempts: delivery.attempts,
            next: delivery.next,
            last: delivery.last,
            message: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(at: Timestamp) -> Attempt {
        Attempt {
            at,
            took_ms: 0,
            status: Some(500),
            answer: None,
            error: Some("the other side answered 500".to_owned()),
        }
    }

    #[test]
    fn waits_grow_and_end_after_a_day() {
        for chance in [0.0, 0.5, 1.0] {
            let mut delivery = Delivery::new("d".to_owned(), "c", "c", Message::test("c"));
            let begun = delivery.created;
            let mut waits = Vec::new();
            while let Some(now) = delivery.next {
                delivery.tried(attempt(now), &Verdict::Later(None), chance);
                waits.extend(delivery.next.map(|next| next.duration_since(now)));
                assert!(waits.len() < 40);
            }
            assert!(waits.is_sorted());
            assert!(waits[0] >= SignedDuration::from_secs(5));
            assert!(waits.last().unwrap() <= &SignedDuration::from_hours(4));
            assert_eq!(delivery.standing, Standing::GivenUp);
            let last = delivery.last.unwrap();
            assert!(last.error.unwrap().contains("given up"));
            let lasted = last.at.duration_since(begun);
            assert!(lasted > SignedDuration::from_hours(16), "{lasted}");
            assert!(lasted <= SignedDuration::from_hours(24), "{lasted}");
        }
    }

    #[test]
    fn waits_begin_when_a_try_ends() {
        let mut delivery = Delivery::new("d".to_owned(), "c", "c", Message::test("c"));
        let slow = Attempt {
            took_ms: 15_000,
            ..attempt(delivery.created)
        };
        delivery.tried(slow, &Verdict::Later(None), 0.0);
        let waits = delivery.next.unwrap().duration_since(delivery.created);
        assert_eq!(waits, SignedDuration::from_secs(20));
    }

    #[test]
    fn what_the_other_side_asks_for_is_kept_to() {
        let mut delivery = Delivery::new("d".to_owned(), "c", "c", Message::test("c"));
        let now = delivery.created;
        delivery.tried(
            attempt(now),
            &Verdict::Later(Some(Duration::from_hours(2))),
            0.5,
        );
        assert_eq!(
            delivery.next.unwrap().duration_since(now),
            SignedDuration::from_hours(2)
        );
        delivery.tried(attempt(now), &Verdict::Later(Some(Duration::MAX)), 0.5);
        assert_eq!(
            (delivery.next, delivery.standing),
            (None, Standing::GivenUp)
        );
        delivery.begin_again(now);
        assert_eq!(
            (delivery.next, delivery.standing),
            (Some(now), Standing::Waiting)
        );
    }
}
