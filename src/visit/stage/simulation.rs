//! Passes simulated time: the browser's virtual clock (CDP `Emulation.setVirtualTimePolicy`), in short stretches.
//!
//! One long stretch would fail on many pages: resources that never end stop the clock, a page that
//! navigates itself starts the stretch anew each time, workers and frames of other processes fall
//! behind. So each stretch is short, is watched while it passes, and the next one begins when the
//! network is quiet. Between stretches the clock stands, while frames are painted, requests travel
//! and the page can be asked and clicked.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::browser::Session;
use crate::browser::browser_protocol::emulation::{SetVirtualTimePolicyParams, VirtualTimePolicy};
use crate::browser::browser_protocol::network::TimeSinceEpoch;
use crate::browser::connection::Reply;
use crate::visit::time::VisitTime;

/// The longest stretch, and the one that follows something new.
const LONGEST_STRETCH: Duration = Duration::from_secs(4);
const STRETCH: Duration = Duration::from_secs(1);
/// How many stretches must pass without a sign of life before they grow.
const QUIET_STRETCHES: u32 = 3;
/// A stretch without progress and without a sign of life is pushed on after this much real time.
const STALLED: Duration = Duration::from_millis(800);
/// How long a page may take to say what time it is.
const ANSWERS: Duration = Duration::from_millis(400);
/// After this many stalls the page's clock no longer waits for its network.
const MOST_STALLS: u32 = 3;
/// The network is quiet after this much real time without a sign of life; it is waited for so long at most.
const QUIET: Duration = Duration::from_millis(50);
const QUIET_LIMIT: Duration = Duration::from_millis(600);
/// A page's endless tasks may starve its timers no longer than this many of them.
const STARVATION: i64 = 1_000;
/// Simulating may take twice the time it simulates and this much more: on a busy machine a busy page is
/// slower than in real time.
const SLACK: Duration = Duration::from_secs(5);
/// How long the end of a stretch may be on its way to us.
const HEARD_OUT: Duration = Duration::from_millis(20);
/// What a page that navigates itself is charged for each time, at least.
const NAVIGATION_MS: u64 = 100;

/// What a simulated visit tells its clock.
pub(super) trait Simulated {
    /// Whether requests are on their way.
    fn is_busy(&self) -> bool;

    /// What the page's own clock shows, in milliseconds since the visit began, if it answers in time.
    async fn page_ms(&self, limit: Duration) -> Option<u64>;
}

/// The virtual clock of one visit.
#[derive(Debug)]
pub(super) struct Simulation {
    time: VisitTime,
    state: Mutex<State>,
    changed: Notify,
    /// One stretch at a time, whoever asks for it.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct State {
    /// The page, its frames in other processes and its pop-ups, the page first.
    clocked: Vec<Session>,
    /// Those that have not used up the current stretch.
    running: HashSet<String>,
    /// Those that used up none when pushed; nobody waits for them until they do.
    deaf: HashSet<String>,
    /// The current stretch's policy, while one passes.
    policy: Option<VirtualTimePolicy>,
    /// The page's main frame showed another document since the stretch began.
    navigated: bool,
    /// The last stretch was left before every target had used it up: the browser may still speak of it.
    left_early: bool,
    stalls: u32,
    quiet_stretches: u32,
    last_sign: Instant,
    /// Simulated time that passed without the page.
    unwatched: Duration,
}

impl Simulation {
    pub(super) fn new(time: VisitTime) -> Arc<Self> {
        Arc::new(Self {
            time,
            state: Mutex::new(State {
                clocked: Vec::new(),
                running: HashSet::new(),
                deaf: HashSet::new(),
                policy: None,
                navigated: false,
                left_early: false,
                stalls: 0,
                quiet_stretches: 0,
                last_sign: Instant::now(),
                unwatched: Duration::ZERO,
            }),
            changed: Notify::new(),
            turn: tokio::sync::Mutex::new(()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a target's clock beside the others, before it runs.
    pub(super) fn attached(&self, session: &Session) -> Reply {
        let mut state = self.lock();
        state.clocked.push(session.clone());
        if let (Some(_), Some(id)) = (&state.policy, session.id()) {
            state.running.insert(id.to_owned());
        }
        let policy = state.policy.clone().unwrap_or(VirtualTimePolicy::Pause);
        drop(state);
        self.send(session, policy, STRETCH)
    }

    /// A target is gone; nobody waits for it any more.
    pub(super) fn detached(&self, session: &str) {
        let mut state = self.lock();
        state
            .clocked
            .retain(|clocked| clocked.id() != Some(session));
        state.running.remove(session);
        state.deaf.remove(session);
        drop(state);
        self.changed.notify_one();
    }

    /// `Emulation.virtualTimeBudgetExpired`: a target has used up the stretch.
    pub(super) fn expired(&self, session: &str) {
        let mut state = self.lock();
        state.running.remove(session);
        state.deaf.remove(session);
        drop(state);
        self.changed.notify_one();
    }

    /// The network or a target gave a sign of life.
    pub(super) fn sign_of_life(&self) {
        let mut state = self.lock();
        state.last_sign = Instant::now();
        state.quiet_stretches = 0;
    }

    /// The page's main frame shows another document: the browser began the stretch anew.
    pub(super) fn navigated(&self) {
        let mut state = self.lock();
        state.navigated = true;
        state.last_sign = Instant::now();
        state.quiet_stretches = 0;
        drop(state);
        self.changed.notify_one();
    }

    /// Forgets that the last document stalled.
    pub(super) fn forgive(&self) {
        self.lock().stalls = 0;
    }

    /// Whether the page itself has not used up the stretch.
    fn is_page_running(&self) -> bool {
        let state = self.lock();
        let page = state.clocked.first().and_then(Session::id);
        page.is_some_and(|page| state.running.contains(page))
    }

    /// How long ago the last sign of life was.
    pub(super) fn silence(&self) -> Duration {
        self.lock().last_sign.elapsed()
    }

    /// How much time passed without the page: it did not run, or took far longer than it simulated.
    pub(super) fn unwatched(&self) -> Duration {
        self.lock().unwatched
    }

    fn send(&self, session: &Session, policy: VirtualTimePolicy, budget: Duration) -> Reply {
        let paused = policy == VirtualTimePolicy::Pause;
        session.send(SetVirtualTimePolicyParams {
            policy,
            budget: (!paused).then_some(budget.as_secs_f64() * 1000.0),
            max_virtual_time_task_starvation_count: (!paused).then_some(STARVATION),
            // Taken over by whatever process shows the page next, so that its clock goes on from here.
            initial_virtual_time: Some(TimeSinceEpoch::new(
                self.time.epoch_ms(self.time.now_ms()) / 1000.0,
            )),
        })
    }

    /// Lets time pass.
    ///
    /// Returns early when simulating takes much longer than the real thing would.
    pub(super) async fn pass(&self, asked: Duration, visit: &impl Simulated) {
        let started = Instant::now();
        let until_ms = self.time.now_ms() + asked.as_millis() as u64;
        loop {
            let turn = self.turn.lock().await;
            let now_ms = self.time.now_ms();
            if now_ms >= until_ms {
                break;
            }
            let left = Duration::from_millis(until_ms - now_ms);
            if started.elapsed() > asked * 2 + SLACK {
                self.lock().unwatched += left;
                self.time.end_stretch(until_ms);
                break;
            }
            self.quiet(visit).await;
            let longest = if self.lock().quiet_stretches >= QUIET_STRETCHES {
                LONGEST_STRETCH
            } else {
                STRETCH
            };
            self.stretch(left.min(longest), visit).await;
            drop(turn);
        }
    }

    /// Waits until workers have started and answers have come: none of that waits for the virtual clock.
    async fn quiet(&self, visit: &impl Simulated) {
        let until = Instant::now() + QUIET_LIMIT;
        loop {
            let silence = self.silence();
            let enough = if visit.is_busy() { QUIET_LIMIT } else { QUIET };
            if silence >= enough || Instant::now() >= until {
                return;
            }
            tokio::time::sleep(QUIET.min(enough.saturating_sub(silence))).await;
        }
    }

    /// Stops every clock and hears out what the browser still says of the last stretch. An end that
    /// was taken for that of the next stretch would put the page behind for good.
    ///
    /// What a busy page ran on after it was given up is made good: its own clock says how far it is.
    async fn resume_in_step(&self, visit: &impl Simulated) {
        let clocked = self.lock().clocked.clone();
        let replies: Vec<Reply> = clocked
            .iter()
            .map(|session| self.send(session, VirtualTimePolicy::Pause, Duration::ZERO))
            .collect();
        let answered =
            futures::future::join_all(replies.into_iter().map(|reply| reply.within(STALLED)));
        // A target that does not answer does not run either.
        drop(answered.await);
        tokio::time::sleep(HEARD_OUT).await;
        if let Some(at_ms) = visit.page_ms(ANSWERS).await {
            self.time.end_stretch(at_ms.max(self.time.now_ms()));
        }
    }

    /// Lets one stretch pass in every target.
    async fn stretch(&self, length: Duration, visit: &impl Simulated) {
        if std::mem::replace(&mut self.lock().left_early, true) {
            self.resume_in_step(visit).await;
        }
        let length_ms = length.as_millis() as u64;
        let from_ms = self.time.begin_stretch(length_ms);
        let (clocked, policy) = {
            let mut state = self.lock();
            let policy = if state.stalls >= MOST_STALLS {
                VirtualTimePolicy::Advance
            } else {
                VirtualTimePolicy::PauseIfNetworkFetchesPending
            };
            state.policy = Some(policy.clone());
            state.navigated = false;
            state.quiet_stretches += 1;
            state.running = state
                .clocked
                .iter()
                .filter_map(|session| session.id().map(str::to_owned))
                .filter(|id| !state.deaf.contains(id))
                .collect();
            (state.clocked.clone(), policy)
        };
        for session in &clocked {
            // What cannot be told is noticed as a stall.
            drop(self.send(session, policy.clone(), length));
        }
        let mut end_ms = from_ms + length_ms;
        let mut pushed = policy == VirtualTimePolicy::Advance;
        let began = Instant::now();
        let mut waiting_since = began;
        let mut reached_ms = from_ms;
        loop {
            let (done, navigated, last_sign) = {
                let state = self.lock();
                (state.running.is_empty(), state.navigated, state.last_sign)
            };
            if navigated {
                // Begun anew by the browser; what was heard last tells how much of it had passed.
                end_ms = (self.time.now_ms().max(from_ms + NAVIGATION_MS)).min(end_ms);
                break;
            }
            if done {
                self.lock().left_early = pushed && policy != VirtualTimePolicy::Advance;
                break;
            }
            let stalled_at = waiting_since.max(last_sign) + STALLED;
            if Instant::now() < stalled_at {
                tokio::select! {
                    () = self.changed.notified() => {}
                    () = tokio::time::sleep_until(stalled_at) => {}
                }
                continue;
            }
            // A page may be too busy for a sign of life and run all the same.
            let page_ms = if self.is_page_running() {
                visit.page_ms(ANSWERS).await
            } else {
                None
            };
            if let Some(at_ms) = page_ms {
                if at_ms > reached_ms && began.elapsed() < length + SLACK {
                    reached_ms = at_ms;
                    waiting_since = Instant::now();
                    continue;
                }
                if pushed && at_ms > from_ms {
                    // Slower than the real thing; another stretch takes up what is left.
                    end_ms = at_ms.min(end_ms);
                    break;
                }
            }
            if pushed {
                // Neither runs nor answers. The page itself is asked again until the real-time limit
                // of the wait; a frame or a pop-up must not hold it up.
                let mut state = self.lock();
                let page = state
                    .clocked
                    .first()
                    .and_then(Session::id)
                    .map(str::to_owned);
                for id in std::mem::take(&mut state.running) {
                    if Some(&id) == page.as_ref() {
                        state.unwatched += length;
                    } else {
                        state.deaf.insert(id);
                    }
                }
                break;
            }
            pushed = true;
            waiting_since = Instant::now();
            let late: Vec<Session> = {
                let mut state = self.lock();
                state.stalls += 1;
                state.policy = Some(VirtualTimePolicy::Advance);
                state
                    .clocked
                    .iter()
                    .filter(|session| session.id().is_some_and(|id| state.running.contains(id)))
                    .cloned()
                    .collect()
            };
            for session in &late {
                drop(self.send(session, VirtualTimePolicy::Advance, length));
            }
        }
        self.lock().policy = None;
        self.time.end_stretch(end_ms);
    }
}
