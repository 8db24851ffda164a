//! When each schedule is due next, in memory: the first of all, and the first of a site, without a look at
//! the others.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::Notify;

/// When each schedule is due next.
#[derive(Debug, Default)]
pub struct Timer {
    due: Mutex<Due>,
    /// Rung when the first of all may be another one.
    bell: Notify,
}

#[derive(Debug, Default)]
#[expect(clippy::struct_field_names, reason = "the same by three keys")]
struct Due {
    by_id: HashMap<String, (String, Timestamp)>,
    by_time: BTreeSet<(Timestamp, String)>,
    by_site: BTreeSet<(String, Timestamp, String)>,
}

impl Due {
    fn remove(&mut self, id: &str) {
        if let Some((site, at)) = self.by_id.remove(id) {
            self.by_time.remove(&(at, id.to_owned()));
            self.by_site.remove(&(site, at, id.to_owned()));
        }
    }
}

impl Timer {
    fn lock(&self) -> MutexGuard<'_, Due> {
        self.due.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes when a schedule of a site is due; not any more, when no time is given.
    pub fn set(&self, id: &str, site: &str, at: Option<Timestamp>) {
        let is_first = {
            let mut due = self.lock();
            due.remove(id);
            if let Some(at) = at {
                due.by_id.insert(id.to_owned(), (site.to_owned(), at));
                due.by_time.insert((at, id.to_owned()));
                due.by_site.insert((site.to_owned(), at, id.to_owned()));
            }
            due.by_time.first().is_some_and(|(_, first)| first == id)
        };
        if is_first {
            self.bell.notify_one();
        }
    }

    /// When the first of all is due.
    pub fn first(&self) -> Option<Timestamp> {
        self.lock().by_time.first().map(|(at, _)| *at)
    }

    /// The schedules that are due by now, first to last. Each has to be set again.
    pub fn take_due(&self, now: Timestamp) -> Vec<String> {
        let mut due = self.lock();
        let mut ids = Vec::new();
        while let Some((at, id)) = due.by_time.first().cloned()
            && at <= now
        {
            due.remove(&id);
            ids.push(id);
        }
        ids
    }

    /// When a site's first schedule is due.
    pub fn first_of(&self, site: &str) -> Option<Timestamp> {
        let due = self.lock();
        let from = (site.to_owned(), Timestamp::MIN, String::new());
        let (of, at, _) = due.by_site.range(from..).next()?;
        (of == site).then_some(*at)
    }

    /// Returns when the first of all may be another one.
    pub async fn changed(&self) {
        self.bell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_first_comes_first() {
        let timer = Timer::default();
        assert_eq!(timer.first(), None);
        timer.set("a", "shop", Some(at(30)));
        timer.set("b", "blog", Some(at(10)));
        timer.set("c", "shop", Some(at(20)));
        assert_eq!(timer.first(), Some(at(10)));
        assert_eq!(timer.first_of("shop"), Some(at(20)));
        assert_eq!(timer.first_of("sho"), None);
        assert_eq!(timer.first_of("zoo"), None);
        assert_eq!(timer.take_due(at(20)), ["b", "c"]);
        assert_eq!(timer.first_of("shop"), Some(at(30)));
        timer.set("a", "shop", Some(at(50)));
        assert_eq!(timer.first(), Some(at(50)));
        timer.set("a", "shop", None);
        assert_eq!(timer.first(), None);
        assert_eq!(timer.take_due(at(100)), Vec::<String>::new());
    }
}
