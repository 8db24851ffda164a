//! Talks with the rule engine: answers it, clicks for it, and refuses what no visitor would do.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};
use tokio::sync::mpsc;

use super::engine::{Engine, makes_the_choice};
use super::mouse::{self, Clicked};
use super::prove::Wish;
use super::words::Lexicon;
use crate::browser::Session;
use crate::model::visit::{ButtonRole, State};
use crate::visit::stage::{EngineMessage, World, Worlds};

/// Most clicks made for the engine in one visit.
const MOST_CLICKS: u32 = 60;

/// What the engine has said and done so far.
#[derive(Debug, Default, Clone)]
pub struct Progress {
    /// Platforms whose marks it saw, in order.
    pub detected: Vec<String>,
    /// The platform whose banner is open, and the world it is in.
    pub popup: Option<(String, World)>,
    /// Whether its steps went through, once it is done.
    pub result: Option<bool>,
    /// Clicks made for it.
    pub clicks: u32,
    /// Clicks asked for and not made yet.
    pub waiting: u32,
    /// Clicks refused because the button says something else than the visitor's answer.
    pub refused: Vec<String>,
}

/// Talks with the rule engine of one visit.
#[derive(Debug)]
pub struct Conductor {
    progress: Arc<Mutex<Progress>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Conductor {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Conductor {
    /// Starts listening to the engine.
    pub fn start(
        engine: Arc<Engine>,
        worlds: Worlds,
        page: Session,
        state: State,
        messages: mpsc::UnboundedReceiver<EngineMessage>,
    ) -> Self {
        let progress = Arc::new(Mutex::new(Progress::default()));
        let player = Player {
            engine,
            worlds,
            page,
            state,
            progress: Arc::clone(&progress),
        };
        Self {
            progress,
            task: tokio::spawn(player.run(messages)),
        }
    }

    /// What the engine has said and done so far.
    pub fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// Tells the engine to answer the banner it found.
    pub async fn answer(&self, worlds: &Worlds, world: &World, wish: Wish<'_>) {
        lock(&self.progress).result = None;
        let order = if wish == Wish::Everything {
            "optIn"
        } else {
            "optOut"
        };
        tell(worlds, world, &json!({ "type": order })).await;
    }
}

fn lock(progress: &Mutex<Progress>) -> MutexGuard<'_, Progress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn tell(worlds: &Worlds, world: &World, message: &Json) {
    // The engine runs for seconds; its promise is not waited for.
    let expression = format!("void globalThis.autoconsentReceiveMessage?.({message})");
    if let Err(error) = worlds.evaluate(world, expression).await {
        tracing::debug!(%error, "the rule engine could not be told");
    }
}

struct Player {
    engine: Arc<Engine>,
    worlds: Worlds,
    page: Session,
    state: State,
    progress: Arc<Mutex<Progress>>,
}

impl Player {
    async fn run(self, mut messages: mpsc::UnboundedReceiver<EngineMessage>) {
        let (clicks, wishes) = mpsc::unbounded_channel::<(World, Json)>();
        let clicking = tokio::spawn(click_in_order(
            self.worlds.clone(),
            self.page.clone(),
            self.state,
            Arc::clone(&self.progress),
            wishes,
        ));
        let mut greeted = HashSet::new();
        while let Some(message) = messages.recv().await {
            let Some(world) = self.worlds.world(&message.session, message.context) else {
                continue;
            };
            let said = &message.payload;
            let platform = || {
                said["cmp"]
                    .as_str()
                    .unwrap_or("unknown")
                    .chars()
                    .take(80)
                    .collect::<String>()
            };
            match said["type"].as_str().unwrap_or_default() {
                "init" if greeted.insert((message.session.clone(), message.context)) => {
                    let top = self
                        .worlds
                        .own_worlds()
                        .first()
                        .is_some_and(|first| first.frame == world.frame);
                    let answer = self
                        .engine
                        .first_answer(said["url"].as_str().unwrap_or_default(), top);
                    tell(&self.worlds, &world, &answer).await;
                }
                "eval" => {
                    let (worlds, said) = (self.worlds.clone(), said.clone());
                    tokio::spawn(async move {
                        let result =
                            evaluate(&worlds, &message.session, message.context, &said).await;
                        tell(
                            &worlds,
                            &world,
                            &json!({ "type": "evalResp", "id": said["id"], "result": result }),
                        )
                        .await;
                    });
                }
                "cmpDetected" => {
                    let mut progress = lock(&self.progress);
                    let platform = platform();
                    if progress.detected.len() < 20 && !progress.detected.contains(&platform) {
                        progress.detected.push(platform);
                    }
                }
                "popupFound" => {
                    let mut progress = lock(&self.progress);
                    if progress.popup.is_none() {
                        progress.popup = Some((platform(), world));
                    }
                }
                "hostClick" => {
                    lock(&self.progress).waiting += 1;
                    // The clicking task lives as long as this one.
                    drop(clicks.send((world, said.clone())));
                }
                "optOutResult" | "optInResult" => {
                    lock(&self.progress).result =
                        Some(said["result"].as_bool().unwrap_or_default());
                }
                _ => {}
            }
        }
        clicking.abort();
    }
}

/// Runs a piece of the engine's code in the page, unless it would answer for the visitor.
async fn evaluate(worlds: &Worlds, session: &str, context: i64, said: &Json) -> Json {
    let code = said["code"].as_str().unwrap_or_default();
    if code.is_empty() || makes_the_choice(code) {
        return Json::Bool(false);
    }
    let Some(world) = worlds.page_world_beside(session, context) else {
        return Json::Bool(false);
    };
    worlds
        .evaluate(&world, code)
        .await
        .unwrap_or(Json::Bool(false))
}

async fn click_in_order(
    worlds: Worlds,
    page: Session,
    state: State,
    progress: Arc<Mutex<Progress>>,
    mut wishes: mpsc::UnboundedReceiver<(World, Json)>,
) {
    while let Some((world, wish)) = wishes.recv().await {
        let text = wish["text"].as_str().unwrap_or_default();
        let clicks = lock(&progress).clicks;
        let allowed = clicks < MOST_CLICKS && answers_as(text, state, clicks);
        if allowed {
            let id = wish["id"].as_u64().unwrap_or_default();
            match mouse::click(&worlds, &page, &world, id).await {
                Ok(Clicked::Gone) => {}
                Ok(_) => lock(&progress).clicks += 1,
                Err(error) => tracing::debug!(%error, "a click for the rule engine failed"),
            }
        } else {
            let mut progress = lock(&progress);
            if progress.refused.len() < 20 {
                progress.refused.push(text.chars().take(80).collect());
            }
        }
        lock(&progress).waiting -= 1;
    }
}

/// Never an accept, acknowledge, close or pay click in the name of a refusal, never a refusal in the name of yes.
///
/// Closing what is left open after a first click is no answer and allowed.
fn answers_as(text: &str, state: State, clicks: u32) -> bool {
    let role = Lexicon::builtin()
        .classify(text)
        .map(|meaning| meaning.role);
    match state {
        State::Rejected => match role {
            Some(ButtonRole::Accept | ButtonRole::Acknowledge | ButtonRole::Pay) => false,
            Some(ButtonRole::Close) => clicks > 0,
            _ => true,
        },
        // Who withdraws later says yes first.
        State::Accepted | State::Withdrawn => {
            !matches!(role, Some(ButtonRole::Reject | ButtonRole::Pay))
        }
        State::Before => false,
    }
}
