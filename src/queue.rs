//! Hands jobs to whoever carries them out, and their results back.
//!
//! A queue leases: whoever takes a job has it for a time, and may ask for more. A job whose taker is
//! gone goes to another one, once; then it is given up. What a job means, which are done and which
//! follow, the queue does not know: the one record of that is the store, and after a crash everything
//! it holds for not done is offered again. `conformance` says what every engine has to hold to.

#[cfg(test)]
pub(crate) mod conformance;
mod in_process;

use std::time::Duration;

pub use in_process::InProcess;

/// How often a job is handed out before it is given up: once, and once more.
pub const TRIES: u32 = 2;

/// How an engine hands out jobs.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// How long a taker may keep a job without a word.
    pub lease: Duration,
    /// How often a job is handed out.
    pub tries: u32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lease: Duration::from_mins(10),
            tries: TRIES,
        }
    }
}

/// A job that was taken.
#[derive(Debug)]
pub struct Lease<J> {
    /// The job's id.
    pub id: String,
    /// Which try this is, from 1.
    pub attempt: u32,
    /// The job.
    pub job: J,
}

/// What came of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended<R> {
    /// It was carried out.
    Finished {
        /// The job's id.
        id: String,
        /// What came out.
        result: R,
    },
    /// Every try of it failed.
    GivenUp {
        /// The job's id.
        id: String,
    },
}

/// Why a queue did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The lease had run out, and the job is somebody else's now, or done.
    #[error("the lease of job {0} has run out")]
    LeaseLost(String),
    /// The engine cannot be reached.
    #[error("the queue cannot be reached: {0}")]
    Unreachable(String),
}

/// A queue of jobs `J` with results `R`.
pub trait Queue<J, R>: Send + Sync {
    /// Offers a job to the takers of a topic. False when a job of that id is there already: offered,
    /// taken, or ended and not acknowledged.
    fn offer(
        &self,
        id: &str,
        topic: &str,
        job: J,
    ) -> impl Future<Output = Result<bool, QueueError>> + Send;

    /// Takes the next job of a topic, and waits for one. `None` when the queue is closed.
    fn take(
        &self,
        topic: &str,
    ) -> impl Future<Output = Result<Option<Lease<J>>, QueueError>> + Send;

    /// Keeps a job for another term.
    fn extend(&self, lease: &Lease<J>) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Ends a job with its result.
    fn finish(
        &self,
        lease: Lease<J>,
        result: R,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Gives a job back that could not be carried out: another try, or it is given up.
    fn give_back(&self, lease: Lease<J>) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// What came of the next job that ended, and waits for one. `None` when the queue is closed.
    fn ended(&self) -> impl Future<Output = Result<Option<Ended<R>>, QueueError>> + Send;

    /// Forgets a job that ended: its result is on disk.
    fn acknowledge(&self, id: &str) -> impl Future<Output = Result<(), QueueError>> + Send;

    /// Hands out nothing more. Jobs that are taken may be finished, and their results be heard of.
    fn close(&self) -> impl Future<Output = ()> + Send;
}
