//! The queue inside one process: a table, and two bells.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{Ended, Lease, Queue, QueueError, Terms};

/// What is known of a job.
#[derive(Debug)]
struct Known<J> {
    topic: String,
    job: J,
    attempts: u32,
    /// Until when somebody has it.
    leased_until: Option<Instant>,
    /// It ended, and nobody has acknowledged that.
    ended: bool,
}

#[derive(Debug)]
struct Table<J, R> {
    jobs: HashMap<String, Known<J>>,
    waiting: HashMap<String, VecDeque<String>>,
    ended: VecDeque<Ended<R>>,
    closed: bool,
}

impl<J, R> Table<J, R> {
    /// Makes an attempt at a job fail: it waits again, in front of all others, or is given up.
    fn fail(&mut self, id: &str, tries: u32) {
        let Some(known) = self.jobs.get_mut(id) else {
            return;
        };
        known.leased_until = None;
        if known.attempts >= tries {
            known.ended = true;
            self.ended.push_back(Ended::GivenUp { id: id.to_owned() });
        } else {
            let topic = self.waiting.entry(known.topic.clone()).or_default();
            topic.push_front(id.to_owned());
        }
    }

    /// Takes back what was kept for too long.
    fn expire(&mut self, tries: u32) {
        let now = Instant::now();
        let late: Vec<String> = self
            .jobs
            .iter()
            .filter(|(_, known)| known.leased_until.is_some_and(|until| until <= now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in late {
            self.fail(&id, tries);
        }
    }

    fn next_expiry(&self) -> Option<Instant> {
        self.jobs
            .values()
            .filter_map(|known| known.leased_until)
            .min()
    }

    fn leased(&mut self, id: &str, attempt: u32) -> Result<&mut Known<J>, QueueError> {
        self.jobs
            .get_mut(id)
            .filter(|known| known.attempts == attempt && known.leased_until.is_some())
            .ok_or_else(|| QueueError::LeaseLost(id.to_owned()))
    }
}

/// The queue inside one process. A crash forgets it.
#[derive(Debug)]
pub struct InProcess<J, R> {
    terms: Terms,
    table: Mutex<Table<J, R>>,
    /// Something waits, or was taken back, or the queue is closed.
    offered: Notify,
    /// Something ended, or the queue is closed.
    ended: Notify,
}

impl<J, R> InProcess<J, R> {
    /// An empty queue.
    pub fn new(terms: Terms) -> Self {
        Self {
            terms,
            table: Mutex::new(Table {
                jobs: HashMap::new(),
                waiting: HashMap::new(),
                ended: VecDeque::new(),
                closed: false,
            }),
            offered: Notify::new(),
            ended: Notify::new(),
        }
    }

    /// The table, after what ran out was taken back. A poisoned lock means a panic elsewhere, between two changes.
    fn table(&self) -> MutexGuard<'_, Table<J, R>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let (ended, waiting) = (table.ended.len(), table.waiting_count());
        table.expire(self.terms.tries);
        if table.ended.len() > ended {
            self.ended.notify_waiters();
        }
        if table.waiting_count() > waiting {
            self.offered.notify_waiters();
        }
        table
    }
}

impl<J, R> Table<J, R> {
    fn waiting_count(&self) -> usize {
        self.waiting.values().map(VecDeque::len).sum()
    }
}

/// Waits for a bell, or until a lease runs out.
async fn rung(
    bell: std::pin::Pin<&mut tokio::sync::futures::Notified<'_>>,
    expiry: Option<Instant>,
) {
    match expiry {
        Some(expiry) => tokio::select! {
            () = bell => {}
            () = sleep_until(expiry) => {}
        },
        None => bell.await,
    }
}

impl<J, R> Queue<J, R> for InProcess<J, R>
where
    J: Clone + Send + Sync,
    R: Send + Sync,
{
    async fn offer(&self, id: &str, topic: &str, job: J) -> Result<bool, QueueError> {
        let mut table = self.table();
        if table.jobs.contains_key(id) {
            return Ok(false);
        }
        let known = Known {
            topic: topic.to_owned(),
            job,
            attempts: 0,
            leased_until: None,
            ended: false,
        };
        table.jobs.insert(id.to_owned(), known);
        let waiting = table.waiting.entry(topic.to_owned()).or_default();
        waiting.push_back(id.to_owned());
        self.offered.notify_waiters();
        Ok(true)
    }

    async fn take(&self, topic: &str) -> Result<Option<Lease<J>>, QueueError> {
        loop {
            let mut bell = std::pin::pin!(self.offered.notified());
            // Heard from now on, so that nothing offered meanwhile is missed.
            bell.as_mut().enable();
            let expiry = {
                let mut table = self.table();
                if table.closed {
                    return Ok(None);
                }
                let next = table.waiting.get_mut(topic).and_then(VecDeque::pop_front);
                if let Some(id) = next
                    && let Some(known) = table.jobs.get_mut(&id)
                {
                    known.attempts += 1;
                    known.leased_until = Some(Instant::now() + self.terms.lease);
                    let (attempt, job) = (known.attempts, known.job.clone());
                    return Ok(Some(Lease { id, attempt, job }));
                }
                table.next_expiry()
            };
            rung(bell, expiry).await;
        }
    }

    async fn extend(&self, lease: &Lease<J>) -> Result<(), QueueError> {
        let mut table = self.table();
        let known = table.leased(&lease.id, lease.attempt)?;
        known.leased_until = Some(Instant::now() + self.terms.lease);
        Ok(())
    }

    async fn finish(&self, lease: Lease<J>, result: R) -> Result<(), QueueError> {
        let mut table = self.table();
        let known = table.leased(&lease.id, lease.attempt)?;
        known.leased_until = None;
        known.ended = true;
        let id = lease.id;
        table.ended.push_back(Ended::Finished { id, result });
        self.ended.notify_waiters();
        Ok(())
    }

    async fn give_back(&self, lease: Lease<J>) -> Result<(), QueueError> {
        let mut table = self.table();
        table.leased(&lease.id, lease.attempt)?;
        table.fail(&lease.id, self.terms.tries);
        self.offered.notify_waiters();
        self.ended.notify_waiters();
        Ok(())
    }

    async fn ended(&self) -> Result<Option<Ended<R>>, QueueError> {
        loop {
            let mut bell = std::pin::pin!(self.ended.notified());
            bell.as_mut().enable();
            let expiry = {
                let mut table = self.table();
                if let Some(ended) = table.ended.pop_front() {
                    return Ok(Some(ended));
                }
                let taken = table
                    .jobs
                    .values()
                    .any(|known| known.leased_until.is_some());
                if table.closed && !taken {
                    return Ok(None);
                }
                table.next_expiry()
            };
            rung(bell, expiry).await;
        }
    }

    async fn acknowledge(&self, id: &str) -> Result<(), QueueError> {
        let mut table = self.table();
        if table.jobs.get(id).is_some_and(|known| known.ended) {
            table.jobs.remove(id);
        }
        Ok(())
    }

    async fn close(&self) {
        self.table().closed = true;
        self.offered.notify_waiters();
        self.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::conformance::{self, Engine};

    struct Here;

    impl Engine for Here {
        type Queue = InProcess<u64, String>;

        async fn start(&self, terms: Terms) -> Self::Queue {
            InProcess::new(terms)
        }

        async fn crash(&self, queue: Self::Queue, terms: Terms) -> Self::Queue {
            drop(queue);
            InProcess::new(terms)
        }
    }

    #[tokio::test]
    async fn holds_to_what_every_queue_has_to_hold_to() {
        conformance::all(&Here).await;
    }
}
