//! How often somebody may: buckets that fill at a steady pace, one for each who asks.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Most who are told apart at once; what comes beyond shares one bucket.
const MOST_KEYS: usize = 10_000;

/// How often those are forgotten whose bucket is full again.
const SWEEP: Duration = Duration::from_secs(1);

/// A limit on something that is done again and again.
#[derive(Debug)]
pub(super) struct Limit {
    /// How many may be done at once.
    burst: f64,
    /// How many more in each second.
    per_second: f64,
    buckets: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    own: HashMap<String, Bucket>,
    /// Of those who came when there was no room.
    shared: Option<Bucket>,
    swept: Option<Instant>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Limit {
    /// So many in that time, and all of them at once if need be.
    pub(super) fn new(many: u32, within: Duration) -> Self {
        Self {
            burst: f64::from(many),
            per_second: f64::from(many) / within.as_secs_f64(),
            buckets: Mutex::default(),
        }
    }

    fn filled(&self, bucket: Bucket, now: Instant) -> Bucket {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        Bucket {
            left: (bucket.left + since * self.per_second).min(self.burst),
            at: now,
        }
    }

    /// Takes one for `key`, or says how long to wait for it.
    pub(super) fn take(&self, key: &str, now: Instant) -> Result<(), Duration> {
        let full = Bucket {
            left: self.burst,
            at: now,
        };
        let mut guard = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let buckets = &mut *guard;
        if buckets.own.len() >= MOST_KEYS && !buckets.own.contains_key(key) {
            let due = |swept: Instant| now.saturating_duration_since(swept) >= SWEEP;
            if buckets.swept.is_none_or(due) {
                buckets.swept = Some(now);
                let is_used = |bucket: &Bucket| self.filled(*bucket, now).left < self.burst;
                buckets.own.retain(|_, bucket| is_used(bucket));
            }
        }
        let has_room = buckets.own.len() < MOST_KEYS || buckets.own.contains_key(key);
        let bucket = if has_room {
            buckets.own.entry(key.to_owned()).or_insert(full)
        } else {
            buckets.shared.get_or_insert(full)
        };
        *bucket = self.filled(*bucket, now);
        if bucket.left < 1.0 {
            return Err(Duration::from_secs_f64(
                (1.0 - bucket.left) / self.per_second,
            ));
        }
        bucket.left -= 1.0;
        Ok(())
    }

    /// Gives one back that turned out not to count.
    pub(super) fn give_back(&self, key: &str) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.own.get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(self.burst);
        }
    }
}

/// Under which name an address is counted: of version 6, the network one household has.
pub(super) fn key_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    #[test]
    fn too_often_is_refused_until_time_has_passed() {
        let limit = Limit::new(3, MINUTE);
        let start = Instant::now();
        for _ in 0..3 {
            assert_eq!(limit.take("anna", start), Ok(()));
        }
        let wait = limit.take("anna", start).unwrap_err();
        assert!(wait > Duration::from_secs(19) && wait <= Duration::from_secs(20));
        // Somebody else has a bucket of their own.
        assert_eq!(limit.take("bob", start), Ok(()));
        assert!(limit.take("anna", start + Duration::from_secs(10)).is_err());
        assert_eq!(limit.take("anna", start + Duration::from_secs(21)), Ok(()));
        assert!(limit.take("anna", start + Duration::from_secs(22)).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let limit = Limit::new(1, MINUTE);
        let start = Instant::now();
        assert_eq!(limit.take("anna", start), Ok(()));
        limit.give_back("anna");
        limit.give_back("anna");
        assert_eq!(limit.take("anna", start), Ok(()));
        assert!(limit.take("anna", start).is_err());
        limit.give_back("nobody");
    }

    #[test]
    fn memory_is_bounded_and_crowds_are_limited_too() {
        let limit = Limit::new(2, MINUTE);
        let start = Instant::now();
        for number in 0..MOST_KEYS {
            assert_eq!(limit.take(&number.to_string(), start), Ok(()));
        }
        assert_eq!(limit.take("late", start), Ok(()));
        assert_eq!(limit.take("later", start), Ok(()));
        assert!(limit.take("latest", start).is_err());
        assert_eq!(limit.take("0", start), Ok(()));
        assert_eq!(limit.buckets.lock().unwrap().own.len(), MOST_KEYS);
        // Those whose buckets are full again make room.
        assert_eq!(limit.take("latest", start + 2 * MINUTE), Ok(()));
        assert_eq!(limit.buckets.lock().unwrap().own.len(), 1);
    }

    #[test]
    fn addresses_are_counted_by_network() {
        for (address, expected) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
            ("::1", "0:0:0:0::/64"),
        ] {
            assert_eq!(key_of(address.parse().unwrap()), expected, "{address}");
        }
    }
}
