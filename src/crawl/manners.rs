//! Manners: how often, and how many at once, each host is asked. Told the time, never asking for it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Longest time a host is left alone for, whatever it says: nobody would wait for more.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// How long a host is left alone for that has had enough and does not say for how long; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
/// Most hosts of one site that are told apart.
const MOST_HOSTS: usize = 10_000;

/// How a host may be asked, as the user wishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Most pages of one host open at once.
    pub at_once: usize,
    /// Least time between two pages of one host.
    pub delay: Duration,
}

/// What a host answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// What `Retry-After` asked for.
    pub retry_after: Option<Duration>,
}

impl Answer {
    /// Whether the host has had enough.
    pub fn is_enough(self) -> bool {
        matches!(self.status, Some(429 | 503))
    }
}

#[derive(Debug, Default)]
struct Host {
    open: usize,
    not_before: Option<Instant>,
    /// What its `robots.txt` asks for.
    delay: Duration,
    /// How often in a row it had enough.
    enough: u32,
}

/// The hosts of a crawl.
#[derive(Debug)]
pub struct Manners {
    pace: Pace,
    hosts: BTreeMap<String, Host>,
}

impl Manners {
    /// Nobody was asked yet.
    pub fn new(pace: Pace) -> Self {
        Self {
            pace,
            hosts: BTreeMap::new(),
        }
    }

    /// The host's own wish, from its `robots.txt`.
    pub fn wish(&mut self, host: &str, delay: Duration) {
        if let Some(host) = self.host(host) {
            host.delay = delay;
        }
    }

    fn host(&mut self, host: &str) -> Option<&mut Host> {
        if self.hosts.len() >= MOST_HOSTS && !self.hosts.contains_key(host) {
            return None;
        }
        Some(self.hosts.entry(host.to_owned()).or_default())
    }

    /// From when on a host may be asked; `None` while enough of its pages are open.
    pub fn ready_at(&self, host: &str, now: Instant) -> Option<Instant> {
        let Some(host) = self.hosts.get(host) else {
            return Some(now);
        };
        (host.open < self.at_once(host)).then(|| host.not_before.unwrap_or(now).max(now))
    }

    /// Who wants time between pages wants them one by one.
    fn at_once(&self, host: &Host) -> usize {
        if host.delay.is_zero() && host.enough == 0 {
            self.pace.at_once.max(1)
        } else {
            1
        }
    }

    /// A page of the host is opened.
    pub fn begin(&mut self, host: &str, now: Instant) {
        let delay = self.pace.delay;
        if let Some(host) = self.host(host) {
            host.open += 1;
            let delay = delay.max(host.delay);
            host.not_before = Some(host.not_before.map_or(now, |at| at.max(now)) + delay);
        }
    }

    /// A page of the host is done with. True when it is to be asked again later, because the host had enough.
    pub fn end(&mut self, host: &str, now: Instant, answer: Answer) -> bool {
        let Some(host) = self.host(host) else {
            return answer.is_enough();
        };
        host.open = host.open.saturating_sub(1);
        if !answer.is_enough() {
            host.enough = 0;
            return false;
        }
        let pause = answer
            .retry_after
            .unwrap_or_else(|| FIRST_PAUSE * 2_u32.saturating_pow(host.enough.min(10)))
            .min(LONGEST_PAUSE);
        host.enough += 1;
        let until = now + pause;
        host.not_before = Some(host.not_before.map_or(until, |at| at.max(until)));
        true
    }
}

/// What `Retry-After` says: seconds, or a date (RFC 9110, section 10.2.3).
pub fn retry_after(text: &str, now: jiff::Timestamp) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        at_once: 2,
        delay: Duration::ZERO,
    };

    fn enough(retry_after: Option<u64>) -> Answer {
        Answer {
            status: Some(429),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn so_many_at_once_of_each_host() {
        let now = Instant::now();
        let mut manners = Manners::new(PACE);
        manners.begin("a.test", now);
        assert_eq!(manners.ready_at("a.test", now), Some(now));
        manners.begin("a.test", now);
        assert_eq!(manners.ready_at("a.test", now), None);
        assert_eq!(manners.ready_at("b.test", now), Some(now));
        assert!(!manners.end("a.test", now, Answer::default()));
        assert_eq!(manners.ready_at("a.test", now), Some(now));
    }

    #[test]
    fn a_host_gets_the_time_it_asks_for() {
        let now = Instant::now();
        let mut manners = Manners::new(Pace {
            delay: Duration::from_secs(1),
            ..PACE
        });
        manners.wish("a.test", Duration::from_secs(5));
        manners.begin("a.test", now);
        assert_eq!(manners.ready_at("a.test", now), None, "one by one");
        manners.end("a.test", now, Answer::default());
        let ready = manners.ready_at("a.test", now);
        assert_eq!(ready, Some(now + Duration::from_secs(5)));
        manners.begin("b.test", now);
        let ready = manners.ready_at("b.test", now);
        assert_eq!(ready, Some(now + Duration::from_secs(1)));
    }

    #[test]
    fn a_host_that_has_had_enough_is_left_alone_for_longer_and_longer() {
        let now = Instant::now();
        let mut manners = Manners::new(PACE);
        for expected in [2, 4, 8] {
            manners.begin("a.test", now);
            assert!(manners.end("a.test", now, enough(None)));
            let ready = manners.ready_at("a.test", now);
            assert_eq!(ready, Some(now + Duration::from_secs(expected)));
        }
        let later = now + Duration::from_secs(8);
        manners.begin("a.test", later);
        assert!(!manners.end("a.test", later, Answer::default()));
        manners.begin("a.test", later);
        manners.end("a.test", later, enough(Some(30)));
        let ready = manners.ready_at("a.test", later);
        assert_eq!(ready, Some(later + Duration::from_secs(30)));
        manners.end("a.test", later, enough(Some(1_000_000)));
        let ready = manners.ready_at("a.test", later);
        assert_eq!(ready, Some(later + LONGEST_PAUSE));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: jiff::Timestamp = "2015-10-21T07:27:00Z".parse().unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            ("Wed, 21 Oct 2015 07:28:00 GMT", Some(60)),
            ("Wed, 21 Oct 2015 07:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            assert_eq!(
                retry_after(text, now).map(|time| time.as_secs()),
                expected,
                "{text}"
            );
        }
    }
}
