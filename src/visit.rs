//! One page through one state: open it, make the visitor's choice, record everything.
//!
//! No opinions here: neither the catalog nor the rules are known to this room.

mod answering;
pub mod consent;
mod failure;
mod kept;
mod links;
pub mod login;
pub mod plan;
pub mod policy;
pub mod record;
pub mod stage;
pub mod time;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::browser::{Browser, BrowserError};
use crate::model::snapshot::Snapshot;
use crate::model::value::fingerprint;
use crate::model::visit::{
    Banner, Choice, Diagnostic, DiagnosticCode, Outcome, PhaseName, Route, Screenshot, State,
    Timing, Visit,
};
use consent::banner::{self, LiveBanner};
use consent::conductor::Conductor;
use consent::outcome::{self, Circumstances};
use consent::prove::{self, Proof};
use consent::{Engine, mouse};
use failure::Failure;
pub use kept::KeptProfile;
use login::Login;
pub use plan::{Manner, Plan};
use stage::{Preparation, Stage};

/// How long a banner is waited for after the page loaded.
const BANNER_LIMIT: Duration = Duration::from_secs(12);
/// How long after the load event nothing is clicked: handlers are still being attached.
const FIRST_LOOK: Duration = Duration::from_millis(1_500);
const LOOK_PAUSE: Duration = Duration::from_millis(500);
/// How much rarer each look becomes while there is nothing, and the rarest.
const LOOK_GROWTH: f64 = 1.5;
const LONGEST_LOOK_PAUSE: Duration = Duration::from_secs(8);
/// How long a page is watched right after the choice, at most; the reload is watched for the whole dwell.
const AFTER_CHOICE: Duration = Duration::from_secs(10);
/// How long mouse and scroll go on without an answer, and the page is watched afterwards.
const ACTIVE_STEPS: u32 = 6;
const ACTIVE_PAUSE: Duration = Duration::from_millis(500);
const ACTIVE_WATCH: Duration = Duration::from_secs(7);
/// The network counts as quiet after this long without a sign of life.
const QUIET: Duration = Duration::from_millis(500);
/// How much longer a busy network is waited for at the end of a phase.
const SETTLE_LIMIT: Duration = Duration::from_secs(5);
const SETTLE_STEP: Duration = Duration::from_millis(100);
/// A page whose load event does not come is watched all the same after this long.
const LOAD_PATIENCE: Duration = Duration::from_secs(10);

/// Opens a page in one state, in a profile nobody used before, and records it. Never fails: what goes
/// wrong is the visit's outcome.
pub async fn visit(
    browser: &Browser,
    engine: &Arc<Engine>,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Visit {
    let mut visit = visit_on(browser, engine, plan, None, cancel).await;
    if let Some(login) = &plan.manner.login {
        kept::take_out(&mut visit.snapshot, &login.left());
        login.take_secrets_out(&mut visit);
    }
    visit
}

/// As [`visit`], in a profile that is kept: the first visit answers, the following ones go on with that
/// answer.
pub async fn visit_in(
    profile: &mut KeptProfile,
    engine: &Arc<Engine>,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Visit {
    let browser = Arc::clone(profile.browser());
    if let Some(login) = &plan.manner.login {
        profile.log_in(login).await;
    }
    let mut visit = visit_on(&browser, engine, plan, Some(profile), cancel).await;
    profile.learn(plan, &mut visit);
    if let Some(login) = &plan.manner.login {
        login.take_secrets_out(&mut visit);
    }
    visit
}

async fn visit_on(
    browser: &Browser,
    engine: &Arc<Engine>,
    plan: &Plan,
    profile: Option<&KeptProfile>,
    cancel: &CancellationToken,
) -> Visit {
    let started = jiff::Timestamp::now();
    let stage = match Stage::open(
        browser,
        profile.map(KeptProfile::context),
        preparation(browser, engine, plan),
        &plan.manner,
    )
    .await
    {
        Ok(stage) => stage,
        Err(error) => return never_opened(plan, started, &error),
    };
    let mut course = Course::new(stage, engine, plan);
    course.answered = profile.and_then(KeptProfile::answered).cloned();
    let ended = tokio::select! {
        ended = tokio::time::timeout(plan.manner.visit_limit, course.run()) => match ended {
            Ok(ended) => ended,
            Err(_elapsed) => Err(Failure::new(Outcome::TimedOut, DiagnosticCode::TimedOut, format!(
                "the visit was ended after {} s", plan.manner.visit_limit.as_secs()
            ))),
        },
        () = cancel.cancelled() => {
            Err(Failure::new(Outcome::Interrupted, DiagnosticCode::Interrupted, "the run was stopped".to_owned()))
        }
    };
    course.finish(browser, started, ended).await
}

fn preparation(browser: &Browser, engine: &Engine, plan: &Plan) -> Preparation {
    let manner = &plan.manner;
    let secret = fingerprint(unguessable().as_bytes());
    let (hook_channel, engine_channel) = (format!("h{secret}"), format!("e{secret}"));
    let engine_scripts = engine.script().map_or_else(Vec::new, |script| {
        let prelude = consent::ENGINE_PRELUDE.replace("CHANNEL", &engine_channel);
        vec![prelude, script.to_owned()]
    });
    Preparation {
        hook_channel,
        engine_channel,
        finder: format!(
            "{}{}",
            banner::script(),
            manner
                .login
                .as_deref()
                .map(Login::script)
                .unwrap_or_default()
        ),
        engine_scripts,
        user_agent: manner
            .user_agent
            .clone()
            .unwrap_or_else(|| browser.info().user_agent.clone()),
        locale: manner.locale.clone(),
        timezone: manner.timezone.clone(),
        // One visit reads the lists, another one what only the settings load.
        reads_declarations: plan.repeat == 1
            && matches!(plan.state, State::Before | State::Rejected),
    }
}

/// A text nobody can guess, from the random keys of hash maps.
fn unguessable() -> String {
    use std::collections::hash_map::RandomState;
    use std::hash::BuildHasher as _;
    format!(
        "{:x}{:x}",
        RandomState::new().hash_one(1),
        RandomState::new().hash_one(2)
    )
}

fn never_opened(plan: &Plan, started: jiff::Timestamp, error: &BrowserError) -> Visit {
    Visit {
        state: plan.state,
        repeat: plan.repeat,
        outcome: Outcome::BrowserCrashed,
        final_url: plan.url.to_string(),
        status: None,
        choice: Choice::default(),
        phases: Vec::new(),
        timing: Timing {
            started,
            load_ms: None,
            settled: false,
            total_ms: 0,
        },
        banner: Banner::default(),
        screenshot_after_choice: None,
        screenshot: None,
        diagnostics: vec![Diagnostic {
            code: DiagnosticCode::BrowserCrashed,
            message: format!("no page could be opened: {error}"),
            state: Some(plan.state),
        }],
        snapshot: Snapshot::default(),
    }
}

/// The course of one visit.
struct Course<'a> {
    plan: &'a Plan,
    stage: Stage,
    conductor: Option<Conductor>,
    banner: Banner,
    choice: Choice,
    proof: Option<Proof>,
    /// What the visitor answered on an earlier page, in the profile that is kept.
    answered: Option<kept::Answered>,
    /// Where the page leads.
    links: Vec<String>,
    /// The mouse could not meet a button.
    blocked: bool,
    /// The banner showed itself only after mouse and scroll.
    found_after_scroll: bool,
    /// The banner asked again after a reload.
    reappeared: bool,
    /// A platform waits for an answer and shows no banner.
    hidden: bool,
    no_way_back: bool,
    diagnostics: Vec<Diagnostic>,
    screenshot_after_choice: Option<Screenshot>,
    screenshot: Option<Screenshot>,
    status: Option<u16>,
    load_ms: Option<u64>,
    settled: bool,
}

impl<'a> Course<'a> {
    fn new(mut stage: Stage, engine: &Arc<Engine>, plan: &'a Plan) -> Self {
        let conductor = stage
            .take_engine_messages()
            .filter(|_| engine.is_present())
            .map(|messages| {
                Conductor::start(
                    Arc::clone(engine),
                    stage.worlds(),
                    stage.page().clone(),
                    plan.state,
                    messages,
                )
            });
        Self {
            plan,
            stage,
            conductor,
            banner: Banner::default(),
            choice: Choice::default(),
            proof: None,
            answered: None,
            links: Vec::new(),
            blocked: false,
            found_after_scroll: false,
            reappeared: false,
            hidden: false,
            no_way_back: false,
            diagnostics: Vec::new(),
            screenshot_after_choice: None,
            screenshot: None,
            status: None,
            load_ms: None,
            settled: true,
        }
    }

    fn say(&mut self, code: DiagnosticCode, message: impl Into<String>) {
        self.diagnostics.push(Diagnostic {
            code,
            message: message.into(),
            state: Some(self.plan.state),
        });
    }

    async fn run(&mut self) -> Result<(), Failure> {
        if self.answered.is_some() {
            self.stage.recording().begin_in(PhaseName::Revisit);
        }
        self.load().await?;
        match (self.plan.state, self.answered.take()) {
            (State::Before, _) => self.leave_alone().await?,
            (_, Some(answered)) => self.go_on(answered).await?,
            (_, None) => self.answer().await?,
        }
        self.links = links::of(&self.stage).await;
        Ok(())
    }

    /// Loads the page and makes sure that it is one.
    async fn load(&mut self) -> Result<(), Failure> {
        let url = self.plan.url.as_str();
        let limit = self.plan.manner.load_limit;
        let answer = match self.stage.navigate(url, limit).await {
            Ok(answer) => answer,
            Err(BrowserError::Unanswered { .. }) => {
                return Err(Failure::new(
                    Outcome::TimedOut,
                    DiagnosticCode::TimedOut,
                    format!("the page did not answer within {} s", limit.as_secs()),
                ));
            }
            Err(error) => return Err(Failure::browser(&error)),
        };
        let state = self.stage.page_state();
        if state.download || answer["isDownload"].as_bool() == Some(true) {
            return Err(Failure::not_a_page("a download"));
        }
        if let Some(text) = answer["errorText"].as_str() {
            return Err(Failure::network(text));
        }
        self.wait_for_load(1, LOAD_PATIENCE).await?;
        self.load_ms = Some(self.stage.recording().now_ms());
        if let Some(loader) = answer["loaderId"].as_str() {
            let document = self.stage.recording().document(loader);
            if let Some((status, mime_type)) = document {
                self.status = Some(status);
                let text = self.page_text().await;
                if let Some(failure) = Failure::of_document(status, &mime_type, &text) {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    async fn wait_for_load(&self, loads: u32, patience: Duration) -> Result<(), Failure> {
        // A page that goes on loading for ever is watched as it is.
        self.stage
            .wait_for(patience, |page| {
                page.loads >= loads || page.crashed || page.download
            })
            .await;
        self.alive()
    }

    fn alive(&self) -> Result<(), Failure> {
        let page = self.stage.page_state();
        if page.crashed {
            return Err(Failure::new(
                Outcome::BrowserCrashed,
                DiagnosticCode::BrowserCrashed,
                "the page's process crashed".to_owned(),
            ));
        }
        if page.download {
            return Err(Failure::not_a_page("a download"));
        }
        Ok(())
    }

    async fn page_text(&self) -> String {
        let Some(world) = self.stage.worlds().own_worlds().into_iter().next() else {
            return String::new();
        };
        let text = "`${document.title}\\n${document.body?.innerText ?? ''}`.slice(0, 4000)";
        match self.stage.worlds().evaluate(&world, text).await {
            Ok(text) => text.as_str().unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    }

    /// Watches for a while; a crash ends it.
    async fn watch(&self, time: Duration) -> Result<(), Failure> {
        self.stage.watch(time).await;
        self.alive()
    }

    /// Waits a little longer for a busy network, then takes stock of everything stored.
    async fn settle(&mut self) -> Result<(), Failure> {
        // Real time: the network does not care for a simulated clock.
        let until = Instant::now() + SETTLE_LIMIT;
        while !self.stage.is_quiet(QUIET) {
            if Instant::now() >= until {
                self.settled = false;
                break;
            }
            self.stage.wait_for_network(SETTLE_STEP).await;
            self.alive()?;
        }
        self.stage.take_stock().await;
        self.alive()
    }

    /// `before`: idle, then active, the banner untouched.
    async fn leave_alone(&mut self) -> Result<(), Failure> {
        let dwell_ends_ms = self.stage.after(self.plan.manner.dwell);
        if let Some(live) = self.find_banner(self.plan.manner.dwell).await? {
            self.picture_of_banner(&live).await;
        }
        self.watch(self.stage.until(dwell_ends_ms)).await?;
        if !self.banner.found
            && let Some(live) = banner::look(&self.stage.worlds()).await
        {
            self.picture_of_banner(&live).await;
        }
        self.settle().await?;
        self.note_what_is_said().await;
        self.stage.recording().enter(PhaseName::Active);
        self.move_about().await;
        self.watch(ACTIVE_WATCH.min(self.plan.manner.dwell)).await?;
        self.settle().await?;
        self.note_what_is_said().await;
        if !self.banner.found
            && let Some(live) = banner::look(&self.stage.worlds()).await
        {
            // Shown only after mouse or scroll.
            self.picture_of_banner(&live).await;
        }
        if !self.banner.found {
            self.say(DiagnosticCode::BannerNotFound, "no consent banner was seen");
            self.suspect_hiding().await;
        }
        if let Some(address) = policy::link(&self.stage).await {
            self.stage.recording().on_policy_link(&address);
        }
        Ok(())
    }

    /// A platform that waits for an answer and shows no banner may hide it from programs.
    async fn suspect_hiding(&mut self) {
        self.hidden = self.testimony().await.waits_for_an_answer();
        if self.hidden {
            self.say(
                DiagnosticCode::BannerHiddenFromAutomationSuspected,
                "a consent platform on the page waits for an answer and shows no banner; it may hide from automation",
            );
        }
    }

    /// Mouse and scroll, nothing clicked.
    async fn move_about(&self) {
        let worlds = self.stage.worlds();
        if let Err(error) =
            mouse::wander(&worlds, self.stage.page(), ACTIVE_STEPS, ACTIVE_PAUSE).await
        {
            tracing::debug!(%error, "the mouse did not move");
        }
    }

    /// Notes what the site says of the visitor's consent now.
    async fn note_what_is_said(&self) {
        self.stage.read_declarations().await;
        prove::note(&self.stage, &self.testimony().await);
    }

    /// Waits for a banner that stands still.
    async fn find_banner(&mut self, limit: Duration) -> Result<Option<LiveBanner>, Failure> {
        let until_ms = self.stage.after(limit);
        self.watch(FIRST_LOOK.min(limit)).await?;
        let mut pause = LOOK_PAUSE;
        let mut last: Option<LiveBanner> = None;
        loop {
            let current = banner::look(&self.stage.worlds()).await;
            if let (Some(last), Some(current)) = (&last, &current)
                && last.is_like(current)
            {
                return Ok(Some(current.clone()));
            }
            // What has just appeared is looked at again soon, nothing ever more rarely.
            pause = match current {
                Some(_) => {
                    self.stage.wake_engine();
                    LOOK_PAUSE
                }
                None => pause.mul_f64(LOOK_GROWTH).min(LONGEST_LOOK_PAUSE),
            };
            last = current;
            let left = self.stage.until(until_ms);
            if left.is_zero() {
                return Ok(last);
            }
            self.stage.pass_in_view(pause.min(left)).await;
            self.alive()?;
        }
    }

    async fn settle_briefly(&self) -> Result<(), Failure> {
        for _ in 0..20 {
            if self.stage.is_quiet(QUIET) {
                break;
            }
            self.stage.wait_for_network(SETTLE_STEP).await;
            self.alive()?;
        }
        self.stage.take_stock().await;
        self.alive()
    }

    async fn picture_of_banner(&mut self, live: &LiveBanner) {
        self.banner = live.describe(1, self.stage.recording().now_ms());
        self.name_platform();
        self.banner.screenshot = self.stage.picture().await;
    }

    /// The platform behind the banner, as the engine knows it.
    fn name_platform(&mut self) {
        if !self.banner.found || self.banner.cmp.is_some() {
            return;
        }
        if let Some(progress) = self.conductor.as_ref().map(Conductor::progress) {
            self.banner.cmp = progress
                .popup
                .map(|(platform, _)| platform)
                .or_else(|| progress.detected.first().cloned());
        }
    }

    async fn finish(
        mut self,
        browser: &Browser,
        started: jiff::Timestamp,
        ended: Result<(), Failure>,
    ) -> Visit {
        let page = self.stage.page_state();
        let outcome = match ended {
            Ok(()) => Outcome::Complete,
            Err(failure) => {
                self.diagnostics.push(Diagnostic {
                    code: failure.code,
                    message: failure.message,
                    state: Some(self.plan.state),
                });
                failure.outcome
            }
        };
        if !page.crashed && outcome == Outcome::Complete {
            self.screenshot = if self.plan.manner.full_page {
                self.stage.picture_of_whole_page().await
            } else if !self.banner.found {
                // Painting costs as much as a third of a page load, and there is nothing to show.
                None
            } else {
                self.stage.picture().await
            };
        }
        self.name_platform();
        let unwatched = self.stage.unwatched();
        if !unwatched.is_zero() {
            self.settled = false;
            self.say(
                DiagnosticCode::NotSettled,
                format!(
                    "the page kept its clock from running: {:.1} s of the visit could not be watched; \
                     `--clock real` watches in real time",
                    unwatched.as_secs_f64()
                ),
            );
        } else if !self.settled {
            self.say(
                DiagnosticCode::NotSettled,
                "the network was still busy when a phase ended",
            );
        }
        for said in &page.dialogs {
            self.diagnostics.push(Diagnostic {
                code: DiagnosticCode::DialogDismissed,
                message: format!("the page opened a dialog, which was dismissed: {said}"),
                state: Some(self.plan.state),
            });
        }
        if self.banner.found
            && self.plan.state == State::Rejected
            && self.banner.routes.reject == Route::None
            && self.choice.confirmed
        {
            self.banner.routes.reject = Route::SecondLayer;
        }
        if self.plan.state != State::Before && self.choice.carried_from.is_none() {
            self.choice.outcomes = outcome::outcomes(
                self.plan.state,
                &self.banner,
                &self.choice,
                Circumstances {
                    proof: self.proof.as_ref(),
                    blocked: self.blocked,
                    reappeared: self.reappeared,
                    hidden: self.hidden,
                    no_way_back: self.no_way_back,
                },
            );
        }
        self.stage.leave().await;
        let final_url = if page.url.starts_with("http") {
            page.url
        } else {
            self.plan.url.to_string()
        };
        drop(self.conductor.take());
        let main_frame = self.stage.main_frame().to_owned();
        let recording = self.stage.close(browser).await;
        let (mut snapshot, phases, lost) = recording.finish(&final_url);
        snapshot.links = self.links;
        let total_ms = phases.last().map_or(0, |phase| phase.end_ms);
        for target in snapshot
            .targets
            .iter()
            .filter(|target| target.crashed && target.id != main_frame)
        {
            self.diagnostics.push(Diagnostic {
                code: DiagnosticCode::TargetCrashed,
                message: format!(
                    "the {} at {} crashed; what it would have done is missing",
                    target.role.as_deref().unwrap_or(&target.kind),
                    target.url
                ),
                state: Some(self.plan.state),
            });
        }
        if lost > 0 {
            self.diagnostics.push(Diagnostic {
                code: DiagnosticCode::EventsLost,
                message: format!("{lost} events of the browser were lost or could not be read"),
                state: Some(self.plan.state),
            });
        }
        Visit {
            state: self.plan.state,
            repeat: self.plan.repeat,
            outcome,
            final_url,
            status: self.status,
            choice: self.choice,
            phases,
            timing: Timing {
                started,
                load_ms: self.load_ms,
                settled: self.settled,
                total_ms,
            },
            banner: self.banner,
            screenshot_after_choice: self.screenshot_after_choice,
            screenshot: self.screenshot,
            diagnostics: self.diagnostics,
            snapshot,
        }
    }
}
