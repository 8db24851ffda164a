//! The stage of one visit: its page, frames and workers, each prepared before its first line runs.
//!
//! What a paused target needs and its release go out in one batch, and no reply is waited for: a
//! service worker whose preparation is awaited never runs. Only the page's own target is awaited,
//! because navigating before its domains are enabled loses requests without a word.

mod documents;
mod leaving;
mod picture;
mod places;
mod simulation;
mod stock;
mod targets;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::browser::browser_protocol::dom::{GetContentQuadsParams, GetFrameOwnerParams};
use crate::browser::browser_protocol::page::{NavigateParams, ReloadParams};
use crate::browser::browser_protocol::target::{CloseTargetParams, CreateTargetParams};
use crate::browser::js_protocol::runtime::{EvaluateParams, ExecutionContextId};
use crate::browser::{Browser, BrowserError, Session};
use crate::visit::plan::Manner;
use crate::visit::record::Recording;
use crate::visit::time::{ClockKind, VisitTime};

use places::Places;
use simulation::{Simulated, Simulation};
pub use targets::{Preparation, World};
use targets::{Targets, listen, wake_engine_in};

/// How long a question to the page may take.
const EVALUATE_LIMIT: Duration = Duration::from_secs(5);
/// How long the page's own target may take to be prepared.
const PREPARE_LIMIT: Duration = Duration::from_secs(20);
/// How often state that events change is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);
/// The same by the simulated clock, which stands still while requests are on their way.
const SIMULATED_LOOK: Duration = Duration::from_millis(250);
/// How long frames are painted for when somebody looks: they know real time only.
const FRAMES: Duration = Duration::from_millis(60);
/// Real time without a sign of life after which the network counts as quiet under the simulated clock.
const SIMULATED_QUIET: Duration = Duration::from_millis(100);

/// What happened to the page itself.
#[derive(Debug, Clone, Default)]
pub struct PageState {
    /// The page's own session, once prepared.
    session: Option<Session>,
    /// Why it could not be prepared.
    failed: Option<String>,
    /// How many load events the main frame had.
    pub loads: u32,
    /// The main frame's last loader.
    pub loader: Option<String>,
    /// The main frame's address.
    pub url: String,
    /// The page's process crashed, or the browser is gone.
    pub crashed: bool,
    /// The page began a download.
    pub download: bool,
    /// Dialogs that were dismissed.
    pub dialogs: Vec<String>,
}

/// A message of the consent rule engine, from one frame.
#[derive(Debug, Clone)]
pub struct EngineMessage {
    /// The session it came through.
    pub session: String,
    /// The execution context that sent it.
    pub context: i64,
    /// What it says.
    pub payload: Json,
}

/// What the listener and the driver of a visit share.
#[derive(Debug)]
struct Shared {
    recording: Mutex<Recording>,
    targets: Mutex<Targets>,
    places: Mutex<Places>,
    page: Mutex<PageState>,
    engine: mpsc::UnboundedSender<EngineMessage>,
    /// There is a banner, and the rule engine was started for it.
    engine_awake: AtomicBool,
    /// Bodies that are being read.
    reading: AtomicUsize,
    preparation: Preparation,
    time: VisitTime,
    /// Absent where the visit goes by the real clock.
    simulation: Option<Arc<Simulation>>,
}

impl Shared {
    async fn pass(&self, time: Duration) {
        match &self.simulation {
            None => tokio::time::sleep(time).await,
            Some(simulation) => simulation.pass(time, self).await,
        }
    }

    async fn pass_in_view(&self, time: Duration) {
        self.pass(time).await;
        if self.simulation.is_some() {
            tokio::time::sleep(time.min(FRAMES)).await;
        }
    }
}

impl Simulated for Shared {
    fn is_busy(&self) -> bool {
        lock(&self.recording).in_flight() > 0
    }

    /// Asked in our own world, where `Date` is the browser's.
    async fn page_ms(&self, limit: Duration) -> Option<u64> {
        let world = lock(&self.targets).own_worlds().into_iter().next()?;
        let answer = world
            .session
            .call_within(evaluation(&world, "Date.now()".to_owned(), true), limit)
            .await
            .ok()?;
        let since = answer["result"]["value"].as_f64()? - self.time.epoch_ms(0);
        Some(since.max(0.0) as u64)
    }
}

/// A poisoned lock means a panic elsewhere; what was recorded up to then is still true.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The stage of one visit. Its page is prepared: only a stage can navigate.
#[derive(Debug)]
pub struct Stage {
    root: Session,
    page: Session,
    context: String,
    /// The profile outlives the visit.
    kept: bool,
    target: String,
    shared: Arc<Shared>,
    listener: JoinHandle<()>,
    engine: Option<mpsc::UnboundedReceiver<EngineMessage>>,
}

impl Stage {
    /// Opens an empty page and prepares it: in a profile that is kept (a browser context), or in one
    /// nobody used before.
    pub async fn open(
        browser: &Browser,
        kept: Option<&str>,
        preparation: Preparation,
        manner: &Manner,
    ) -> Result<Self, BrowserError> {
        let clock = manner.clock;
        let context = if let Some(context) = kept {
            context.to_owned()
        } else {
            let context = browser.new_context().await?;
            if let Some(login) = &manner.login {
                login.give(browser.root(), &context).await?;
            }
            context
        };
        let heard = browser.connection().listen(&context);
        let (engine_sender, engine) = mpsc::unbounded_channel();
        let time = VisitTime::start(clock);
        let simulation = (clock == ClockKind::Virtual).then(|| Simulation::new(time.clone()));
        let shared = Arc::new(Shared {
            recording: Mutex::new(Recording::start(time.clone())),
            targets: Mutex::new(Targets::default()),
            places: Mutex::new(Places::default()),
            page: Mutex::new(PageState::default()),
            engine: engine_sender,
            engine_awake: AtomicBool::new(false),
            reading: AtomicUsize::new(0),
            preparation,
            time,
            simulation,
        });
        let listener = tokio::spawn(listen(
            browser.connection().clone(),
            heard,
            Arc::clone(&shared),
        ));
        let root = browser.root().clone();
        let create = CreateTargetParams {
            browser_context_id: Some(context.clone().into()),
            ..CreateTargetParams::new("about:blank")
        };
        let created = root.call_within(create, PREPARE_LIMIT).await?;
        let target = created["targetId"].as_str().unwrap_or_default().to_owned();
        let page = Self::prepared(&shared).await?;
        Ok(Self {
            root,
            page,
            context,
            kept: kept.is_some(),
            target,
            shared,
            listener,
            engine: Some(engine),
        })
    }

    async fn prepared(shared: &Shared) -> Result<Session, BrowserError> {
        let until = Instant::now() + PREPARE_LIMIT;
        loop {
            let (session, failed) = {
                let page = lock(&shared.page);
                (page.session.clone(), page.failed.clone())
            };
            match (session, failed) {
                (Some(session), _) => return Ok(session),
                (None, Some(message)) => return Err(BrowserError::Disconnected(message)),
                (None, None) if Instant::now() > until => {
                    return Err(BrowserError::Unanswered {
                        method: "preparing the page".to_owned(),
                        limit: PREPARE_LIMIT,
                    });
                }
                (None, None) => tokio::time::sleep(LOOK_INTERVAL).await,
            }
        }
    }

    /// What was recorded so far.
    pub fn recording(&self) -> MutexGuard<'_, Recording> {
        lock(&self.shared.recording)
    }

    /// What happened to the page itself.
    pub fn page_state(&self) -> PageState {
        lock(&self.shared.page).clone()
    }

    /// The session with the page.
    pub fn page(&self) -> &Session {
        &self.page
    }

    /// The messages of the rule engine; they can be taken once.
    pub fn take_engine_messages(&mut self) -> Option<mpsc::UnboundedReceiver<EngineMessage>> {
        self.engine.take()
    }

    /// Starts the rule engine in every frame there is and will be.
    pub fn wake_engine(&self) {
        if !self.shared.engine_awake.swap(true, Ordering::Relaxed) {
            for world in lock(&self.shared.targets).own_worlds() {
                wake_engine_in(&world, &self.shared.preparation);
            }
        }
    }

    /// A handle for tasks beside the driver.
    pub fn worlds(&self) -> Worlds {
        Worlds {
            shared: Arc::clone(&self.shared),
            root: self.root.clone(),
        }
    }

    /// The visit's time.
    pub fn time(&self) -> &VisitTime {
        &self.shared.time
    }

    /// The moment some time from now, in milliseconds since the visit began.
    pub fn after(&self, time: Duration) -> u64 {
        self.shared.time.now_ms() + time.as_millis() as u64
    }

    /// How long it is until a moment of the visit.
    pub fn until(&self, at_ms: u64) -> Duration {
        Duration::from_millis(at_ms.saturating_sub(self.shared.time.now_ms()))
    }

    /// How much simulated time passed without the page.
    pub fn unwatched(&self) -> Duration {
        self.shared
            .simulation
            .as_ref()
            .map_or(Duration::ZERO, |simulation| simulation.unwatched())
    }

    /// Lets time pass.
    pub async fn pass(&self, time: Duration) {
        self.shared.pass(time).await;
    }

    /// Lets time pass and frames be painted, so that what moves is seen where it will be.
    pub async fn pass_in_view(&self, time: Duration) {
        self.shared.pass_in_view(time).await;
    }

    /// Whether nothing is on its way and nothing was for `quiet`.
    pub fn is_quiet(&self, quiet: Duration) -> bool {
        let recording = self.recording();
        if recording.in_flight() > 0 {
            return false;
        }
        match &self.shared.simulation {
            None => {
                recording
                    .now_ms()
                    .saturating_sub(recording.last_network_ms())
                    >= quiet.as_millis() as u64
            }
            // Simulated time flies while the network takes its own: this is a question of real time.
            Some(simulation) => simulation.silence() >= SIMULATED_QUIET,
        }
    }

    /// Waits until the page is in a certain state, `limit` at most. A crash ends the wait.
    pub async fn wait_for(
        &self,
        limit: Duration,
        mut reached: impl FnMut(&PageState) -> bool,
    ) -> bool {
        let until_ms = self.shared.time.now_ms() + limit.as_millis() as u64;
        let cut_off = Instant::now() + limit + PREPARE_LIMIT;
        let step = if self.shared.simulation.is_some() {
            SIMULATED_LOOK
        } else {
            LOOK_INTERVAL
        };
        loop {
            let state = self.page_state();
            if reached(&state) {
                return true;
            }
            let now_ms = self.shared.time.now_ms();
            if state.crashed || now_ms >= until_ms || Instant::now() >= cut_off {
                return false;
            }
            let left = Duration::from_millis(until_ms - now_ms);
            self.shared.pass(step.min(left)).await;
        }
    }

    /// Lets time pass; a crash ends it.
    pub async fn watch(&self, time: Duration) {
        if self.shared.simulation.is_some() {
            // The clock of a crashed page has nobody to wait for.
            self.shared.pass(time).await;
        } else {
            self.wait_for(time, |_| false).await;
        }
    }

    /// Lets a short time pass, which is real time, too: what is waited for is the network.
    pub async fn wait_for_network(&self, time: Duration) {
        let started = Instant::now();
        self.shared.pass(time).await;
        tokio::time::sleep(time.saturating_sub(started.elapsed())).await;
    }

    /// Evaluates an expression that may wait for the page's own timers: its time goes on meanwhile.
    pub async fn ask_patiently(
        &self,
        world: &World,
        expression: &str,
    ) -> Result<Json, BrowserError> {
        let worlds = self.worlds();
        let mut answer = std::pin::pin!(worlds.evaluate(world, expression));
        loop {
            tokio::select! {
                biased;
                answer = &mut answer => return answer,
                () = tokio::time::sleep(FRAMES) => {}
            }
            self.pass(SIMULATED_LOOK).await;
        }
    }

    /// Lets a fresh document's clock wait for its network again.
    fn begin_document(&self) {
        if let Some(simulation) = &self.shared.simulation {
            simulation.forgive();
        }
    }

    /// Starts loading an address. The answer names the error when nothing could be loaded.
    pub async fn navigate(&self, url: &str, limit: Duration) -> Result<Json, BrowserError> {
        self.begin_document();
        if url == "about:blank" {
            self.recording().on_leaving();
        }
        let before = self.page_state().loader;
        let answer = self
            .page
            .call_within(NavigateParams::new(url), limit)
            .await?;
        if answer["loaderId"].is_string() && answer["errorText"].is_null() {
            self.arrived(before.as_deref(), limit).await;
        }
        Ok(answer)
    }

    /// Waits in real time until another document is there: the old one's clock must not run meanwhile.
    async fn arrived(&self, before: Option<&str>, limit: Duration) {
        if self.shared.simulation.is_none() {
            return;
        }
        let until = Instant::now() + limit;
        loop {
            let page = self.page_state();
            let there = page.loader.as_deref() != before;
            if there || page.crashed || page.download || Instant::now() >= until {
                return;
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Loads the page again.
    pub async fn reload(&self, limit: Duration) -> Result<(), BrowserError> {
        self.begin_document();
        let before = self.page_state().loader;
        self.page
            .call_within(ReloadParams::default(), limit)
            .await?;
        self.arrived(before.as_deref(), limit).await;
        Ok(())
    }

    /// The page's own frame id.
    pub fn main_frame(&self) -> &str {
        &self.target
    }

    /// Ends the visit: throws the profile away unless it is kept, and hands out what was recorded.
    pub async fn close(self, browser: &Browser) -> Recording {
        self.recording().on_leaving();
        let ended = if self.kept {
            let close = CloseTargetParams::new(self.target.clone());
            self.root.call(close).await.map(drop)
        } else {
            browser.dispose_context(&self.context).await
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "the page or its profile could not be closed");
        }
        browser.connection().unlisten(&self.context);
        self.listener.abort();
        std::mem::replace(
            &mut *lock(&self.shared.recording),
            Recording::start(self.shared.time.clone()),
        )
    }
}

/// The worlds of a visit's frames: where questions to the page are asked.
#[derive(Debug, Clone)]
pub struct Worlds {
    shared: Arc<Shared>,
    root: Session,
}

impl Worlds {
    /// Our own world in every frame, the page's first.
    pub fn own_worlds(&self) -> Vec<World> {
        lock(&self.shared.targets).own_worlds()
    }

    /// The page's world in the frame of another world.
    pub fn page_world_beside(&self, session: &str, context: i64) -> Option<World> {
        lock(&self.shared.targets).page_world_beside(session, context)
    }

    /// The page's world in the top frame.
    pub fn top_page_world(&self, main_frame: &str) -> Option<World> {
        lock(&self.shared.targets).page_world(main_frame)
    }

    /// A world by its session and context.
    pub fn world(&self, session: &str, context: i64) -> Option<World> {
        lock(&self.shared.targets).world(session, context)
    }

    /// Evaluates an expression and returns its value; promises are awaited.
    pub async fn evaluate(
        &self,
        world: &World,
        expression: impl Into<String>,
    ) -> Result<Json, BrowserError> {
        let answer = world
            .session
            .call_within(evaluation(world, expression.into(), true), EVALUATE_LIMIT)
            .await?;
        if answer.get("exceptionDetails").is_some() {
            let text = answer["exceptionDetails"]["exception"]["description"]
                .as_str()
                .unwrap_or("exception");
            return Err(BrowserError::Refused {
                method: "Runtime.evaluate".to_owned(),
                message: text.chars().take(300).collect(),
            });
        }
        Ok(answer["result"]["value"].clone())
    }

    /// The middle of an element, in CSS pixels of the page's viewport.
    ///
    /// Frames of other origins may live in other processes, whose places count from the frame.
    pub async fn middle_of(&self, world: &World, element: &str) -> Option<(f64, f64)> {
        let answer = world
            .session
            .call(evaluation(world, element.to_owned(), false))
            .await
            .ok()?;
        let object = answer["result"]["objectId"].as_str()?.to_owned();
        let quads = GetContentQuadsParams {
            object_id: Some(object.into()),
            ..GetContentQuadsParams::default()
        };
        let (mut x, mut y) = middle(&world.session.call(quads).await.ok()?)?;
        let mut frame = lock(&self.shared.targets).root_frame_of(&world.session);
        // Each step goes one process up; pages do not nest frames deeper than this.
        for _ in 0..8 {
            let Some((frame_id, parent)) = frame else {
                break;
            };
            let owner = parent.call(GetFrameOwnerParams::new(frame_id)).await.ok()?;
            let backend = owner["backendNodeId"].as_i64()?;
            let quads = json!({ "backendNodeId": backend });
            let quads: GetContentQuadsParams = serde_json::from_value(quads).ok()?;
            let answer = parent.call(quads).await.ok()?;
            let corner = answer["quads"][0].as_array()?;
            x += corner.first()?.as_f64()?;
            y += corner.get(1)?.as_f64()?;
            frame = lock(&self.shared.targets).root_frame_of(&parent);
        }
        Some((x, y))
    }

    /// The session with the browser itself.
    pub fn root(&self) -> &Session {
        &self.root
    }

    /// Lets time pass and frames be painted, so that what moves is seen where it will be.
    pub async fn pass_in_view(&self, time: Duration) {
        self.shared.pass_in_view(time).await;
    }
}

fn evaluation(world: &World, expression: String, by_value: bool) -> EvaluateParams {
    EvaluateParams {
        context_id: Some(ExecutionContextId::new(world.context)),
        return_by_value: Some(by_value),
        await_promise: Some(by_value),
        allow_unsafe_eval_blocked_by_csp: Some(true),
        user_gesture: Some(false),
        ..EvaluateParams::new(expression)
    }
}

fn middle(answer: &Json) -> Option<(f64, f64)> {
    let quad: Vec<f64> = answer["quads"][0]
        .as_array()?
        .iter()
        .filter_map(Json::as_f64)
        .collect();
    let [x1, y1, x2, y2, x3, y3, x4, y4] = quad[..] else {
        return None;
    };
    Some(((x1 + x2 + x3 + x4) / 4.0, (y1 + y2 + y3 + y4) / 4.0))
}
