//! What every engine has to hold to, said against the trait: an engine calls [`all`] in its tests.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Ended, Queue, QueueError, TRIES, Terms};

/// An engine under test.
pub(crate) trait Engine {
    /// Its queue.
    type Queue: Queue<u64, String>;

    /// An empty queue.
    async fn start(&self, terms: Terms) -> Self::Queue;

    /// The process that used the queue was killed, and another one opens it.
    async fn crash(&self, queue: Self::Queue, terms: Terms) -> Self::Queue;
}

/// A lease that does not run out while a test runs.
const LONG: Terms = Terms {
    lease: Duration::from_mins(10),
    tries: TRIES,
};
/// A lease that is waited for.
const SHORT: Terms = Terms {
    lease: Duration::from_millis(30),
    tries: TRIES,
};

/// Everything.
pub(crate) async fn all(engine: &impl Engine) {
    a_job_is_taken_once_and_its_result_heard_once(engine).await;
    topics_are_apart_and_first_comes_first(engine).await;
    an_id_is_offered_once_until_it_is_acknowledged(engine).await;
    a_job_that_is_given_back_is_tried_once_more(engine).await;
    a_job_whose_taker_is_gone_goes_to_another(engine).await;
    a_lease_that_is_extended_does_not_run_out(engine).await;
    whoever_waits_hears_of_what_comes_later(engine).await;
    a_closed_queue_hands_out_nothing_and_hears_results(engine).await;
    after_a_crash_everything_is_done_and_nothing_twice(engine).await;
}

async fn take<Q: Queue<u64, String>>(queue: &Q, topic: &str) -> super::Lease<u64> {
    queue.take(topic).await.unwrap().unwrap()
}

fn finished(id: &str, result: &str) -> Ended<String> {
    Ended::Finished {
        id: id.to_owned(),
        result: result.to_owned(),
    }
}

async fn a_job_is_taken_once_and_its_result_heard_once(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    assert!(queue.offer("a", "pages", 7).await.unwrap());
    let lease = take(&queue, "pages").await;
    assert_eq!((lease.id.as_str(), lease.attempt, lease.job), ("a", 1, 7));
    let nobody = tokio::time::timeout(Duration::from_millis(20), queue.take("pages")).await;
    assert!(nobody.is_err(), "taken twice");
    queue.finish(lease, "seven".to_owned()).await.unwrap();
    assert_eq!(queue.ended().await.unwrap(), Some(finished("a", "seven")));
    queue.acknowledge("a").await.unwrap();
    let nothing = tokio::time::timeout(Duration::from_millis(20), queue.ended()).await;
    assert!(nothing.is_err(), "heard twice");
}

async fn topics_are_apart_and_first_comes_first(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    for (id, topic, job) in [("a", "x", 1), ("b", "y", 2), ("c", "x", 3)] {
        queue.offer(id, topic, job).await.unwrap();
    }
    assert_eq!(take(&queue, "y").await.job, 2);
    assert_eq!(take(&queue, "x").await.job, 1);
    assert_eq!(take(&queue, "x").await.job, 3);
}

async fn an_id_is_offered_once_until_it_is_acknowledged(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    assert!(queue.offer("a", "pages", 1).await.unwrap());
    assert!(!queue.offer("a", "pages", 1).await.unwrap(), "waiting");
    let lease = take(&queue, "pages").await;
    assert!(!queue.offer("a", "pages", 1).await.unwrap(), "taken");
    queue.finish(lease, String::new()).await.unwrap();
    queue.ended().await.unwrap();
    assert!(!queue.offer("a", "pages", 1).await.unwrap(), "ended");
    queue.acknowledge("a").await.unwrap();
    assert!(queue.offer("a", "pages", 1).await.unwrap(), "acknowledged");
}

async fn a_job_that_is_given_back_is_tried_once_more(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    queue.offer("a", "pages", 1).await.unwrap();
    let first = take(&queue, "pages").await;
    queue.give_back(first).await.unwrap();
    let second = take(&queue, "pages").await;
    assert_eq!(second.attempt, 2);
    queue.give_back(second).await.unwrap();
    let given_up = Ended::GivenUp { id: "a".to_owned() };
    assert_eq!(queue.ended().await.unwrap(), Some(given_up));
}

async fn a_job_whose_taker_is_gone_goes_to_another(engine: &impl Engine) {
    let queue = engine.start(SHORT).await;
    queue.offer("a", "pages", 1).await.unwrap();
    let first = take(&queue, "pages").await;
    // Nothing is said until the lease runs out: the next one gets it then.
    let second = take(&queue, "pages").await;
    assert_eq!(second.attempt, 2);
    let late = queue.finish(first, "late".to_owned()).await;
    assert_eq!(late, Err(QueueError::LeaseLost("a".to_owned())));
    drop(second);
    let given_up = Ended::GivenUp { id: "a".to_owned() };
    assert_eq!(queue.ended().await.unwrap(), Some(given_up));
}

async fn a_lease_that_is_extended_does_not_run_out(engine: &impl Engine) {
    let terms = Terms {
        lease: Duration::from_millis(400),
        ..SHORT
    };
    let queue = engine.start(terms).await;
    queue.offer("a", "pages", 1).await.unwrap();
    let lease = take(&queue, "pages").await;
    for _ in 0..10 {
        tokio::time::sleep(terms.lease / 5).await;
        queue.extend(&lease).await.unwrap();
    }
    queue.finish(lease, "done".to_owned()).await.unwrap();
    assert_eq!(queue.ended().await.unwrap(), Some(finished("a", "done")));
}

async fn whoever_waits_hears_of_what_comes_later(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    let taking = async {
        let lease = take(&queue, "pages").await;
        queue.finish(lease, "done".to_owned()).await.unwrap();
    };
    let offering = async {
        tokio::task::yield_now().await;
        queue.offer("a", "pages", 1).await.unwrap();
    };
    let (ended, (), ()) = tokio::join!(queue.ended(), taking, offering);
    assert_eq!(ended.unwrap(), Some(finished("a", "done")));
}

async fn a_closed_queue_hands_out_nothing_and_hears_results(engine: &impl Engine) {
    let queue = engine.start(LONG).await;
    queue.offer("a", "pages", 1).await.unwrap();
    queue.offer("b", "pages", 2).await.unwrap();
    let lease = take(&queue, "pages").await;
    queue.close().await;
    assert!(queue.take("pages").await.unwrap().is_none());
    queue.finish(lease, "done".to_owned()).await.unwrap();
    assert_eq!(queue.ended().await.unwrap(), Some(finished("a", "done")));
    assert_eq!(queue.ended().await.unwrap(), None);
}

/// The coordinator's record is the truth: it writes a result down, then acknowledges it, and after a
/// crash offers what it has not written down.
async fn after_a_crash_everything_is_done_and_nothing_twice(engine: &impl Engine) {
    const JOBS: u64 = 40;
    let mut written: BTreeMap<u64, u32> = BTreeMap::new();
    let mut queue = engine.start(LONG).await;
    let mut crashes = 0;
    while (written.len() as u64) < JOBS {
        for job in (0..JOBS).filter(|job| !written.contains_key(job)) {
            queue.offer(&job.to_string(), "pages", job).await.unwrap();
        }
        // Each life of the process gets a few jobs further, and dies at another point.
        for step in 0..7_u64 {
            if written.len() as u64 == JOBS {
                break;
            }
            let lease = take(&queue, "pages").await;
            if crashes % 3 == 0 && step == 6 {
                break;
            }
            queue.finish(lease, "done".to_owned()).await.unwrap();
            if crashes % 3 == 1 && step == 6 {
                break;
            }
            let Some(Ended::Finished { id, .. }) = queue.ended().await.unwrap() else {
                panic!("a result was lost");
            };
            let job: u64 = id.parse().unwrap();
            // A result that is heard of again after it was written down is acknowledged again, not written.
            *written.entry(job).or_default() += 1;
            if crashes % 3 == 2 && step == 6 {
                break;
            }
            queue.acknowledge(&id).await.unwrap();
        }
        queue = engine.crash(queue, LONG).await;
        crashes += 1;
    }
    assert!(crashes > 3);
    assert!(
        written.values().all(|count| *count == 1),
        "done twice: {written:?}"
    );
}
