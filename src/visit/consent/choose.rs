//! Makes the visitor's choice, by clicking what a visitor clicks.
//!
//! First the rule engine, where one of its rules knows the banner; then our own reading of the
//! buttons: the first layer, and for a refusal also what lies behind the settings.

use std::time::Duration;

use super::banner::{self, LiveBanner, LiveButton, Toggle};
use super::conductor::Conductor;
use super::mouse::{self, Clicked};
use super::prove::{self, Proof, Testimony};
use crate::model::visit::{Banner, ButtonRole, Choice, PhaseName, Route, State};
use crate::visit::stage::Stage;

/// How long the engine gets to notice a banner that we see already.
const ENGINE_NOTICES: Duration = Duration::from_millis(2_500);
/// How long the engine gets to walk its steps.
const ENGINE_WALKS: Duration = Duration::from_secs(20);
/// How long a second layer gets to appear.
const LAYER_APPEARS: Duration = Duration::from_secs(4);
/// How often a banner that still stands after a click is answered again.
const ROUNDS: u32 = 3;
/// How long a record is waited for while the banner still stands, and once it is gone.
const PROOF_WHILE_ASKED: Duration = Duration::from_millis(2_500);
const PROOF_ONCE_GONE: Duration = Duration::from_secs(6);
/// How long a layer that was answered gets to go away.
const LAYER_GOES: Duration = Duration::from_millis(800);
const PAUSE: Duration = Duration::from_millis(250);

/// How a choice was tried.
#[derive(Debug)]
pub struct Chosen {
    /// The choice, with its proof.
    pub choice: Choice,
    /// What was proven.
    pub proof: Option<Proof>,
}

/// Makes the choice on a banner that stands, and proves it.
pub async fn choose(
    stage: &Stage,
    conductor: Option<&Conductor>,
    state: State,
    live: &LiveBanner,
    banner: &mut Banner,
) -> Chosen {
    let beside = prove::host_beside(&live.origin);
    let before = prove::testimony(stage, beside.as_deref()).await;
    prove::note(stage, &before);
    let mut walk = Walk {
        stage,
        state,
        choice: Choice::default(),
        before,
        beside,
    };
    let mut proof = None;
    if let Some(conductor) = conductor
        && walk.by_engine(conductor).await
    {
        let proven = walk.prove().await;
        if matches!(proven, Proof::Confirmed { .. }) {
            // One click that was recorded was on the first layer, whatever its button says.
            let route = if walk.choice.clicks == 1 {
                Route::FirstLayer
            } else {
                Route::SecondLayer
            };
            note_route(banner, state, route);
        }
        proof = Some(proven);
    }
    for _ in 0..ROUNDS {
        if matches!(proof, Some(Proof::Confirmed { .. })) {
            break;
        }
        // After a click the banner may be gone, or ask once more.
        let current = if walk.choice.made {
            banner::look(&stage.worlds()).await
        } else {
            Some(live.clone())
        };
        let Some(current) = current else { break };
        if !walk.by_words(&current, banner).await {
            break;
        }
        proof = Some(walk.prove().await);
    }
    Chosen {
        choice: walk.choice,
        proof,
    }
}

/// A way found on this visit is a way the banner offers.
fn note_route(banner: &mut Banner, state: State, route: Route) {
    let known = if state == State::Accepted {
        &mut banner.routes.accept
    } else {
        &mut banner.routes.reject
    };
    if *known == Route::None {
        *known = route;
    }
}

struct Walk<'a> {
    stage: &'a Stage,
    state: State,
    choice: Choice,
    before: Testimony,
    beside: Option<String>,
}

impl Walk<'_> {
    fn begin(&mut self) {
        if self.choice.clicked_ms.is_none() {
            let mut recording = self.stage.recording();
            recording.enter(PhaseName::Choosing);
            self.choice.clicked_ms = Some(recording.now_ms());
        }
    }

    /// Waits for the proof: long while the banner is gone, briefly while it still asks something.
    async fn prove(&mut self) -> Proof {
        let mut proof = self.prove_within(PROOF_WHILE_ASKED).await;
        if !matches!(proof, Proof::Confirmed { .. })
            && banner::look(&self.stage.worlds()).await.is_none()
        {
            proof = self.prove_within(PROOF_ONCE_GONE).await;
        }
        match &proof {
            Proof::Confirmed { how } => {
                self.choice.confirmed = true;
                self.choice.how = Some(how.clone());
                self.choice.confirmed_ms = Some(self.stage.recording().now_ms());
            }
            Proof::Contradicted { how } | Proof::Unconfirmed { how } => {
                self.choice.how = Some(how.clone());
            }
        }
        proof
    }

    async fn prove_within(&self, limit: Duration) -> Proof {
        prove::prove(
            self.stage,
            self.state,
            &self.before,
            self.beside.as_deref(),
            limit,
        )
        .await
    }

    /// Lets the engine answer, if one of its rules knows the banner. True when it clicked.
    async fn by_engine(&mut self, conductor: &Conductor) -> bool {
        let noticed_ms = self.stage.after(ENGINE_NOTICES);
        let (platform, world) = loop {
            if let Some(popup) = conductor.progress().popup {
                break popup;
            }
            if self.stage.time().now_ms() >= noticed_ms {
                return false;
            }
            self.stage.pass_in_view(PAUSE).await;
        };
        self.begin();
        conductor
            .answer(&self.stage.worlds(), &world, self.state)
            .await;
        let until_ms = self.stage.after(ENGINE_WALKS);
        loop {
            self.stage.pass_in_view(PAUSE).await;
            let progress = conductor.progress();
            let walked = progress.result.is_some() && progress.waiting == 0;
            if walked || self.stage.time().now_ms() >= until_ms || self.stage.page_state().crashed {
                self.choice.clicks += progress.clicks;
                if progress.clicks > 0 {
                    self.choice.made = true;
                    self.choice.by = Some(format!("autoconsent:{platform}"));
                }
                return progress.clicks > 0;
            }
        }
    }

    /// Answers by the buttons' words. True when the answer was clicked.
    async fn by_words(&mut self, live: &LiveBanner, banner: &mut Banner) -> bool {
        let wanted = match self.state {
            State::Accepted => live
                .button(ButtonRole::Accept)
                .or_else(|| live.button(ButtonRole::Acknowledge)),
            _ => live.button(ButtonRole::Reject),
        };
        if let Some(button) = wanted {
            let clicked = self.click(live, button).await;
            return clicked && (self.state == State::Accepted || self.save_what_is_left().await);
        }
        if self.state != State::Rejected {
            return false;
        }
        if !live.toggles.is_empty() && self.save_with_everything_off(live).await {
            // All on one layer, but more than the one click that accepting takes.
            note_route(banner, self.state, Route::SecondLayer);
            return true;
        }
        let Some(settings) = live.button(ButtonRole::Settings) else {
            return false;
        };
        if !self.click(live, settings).await {
            return false;
        }
        // Opening the settings is no answer yet.
        self.choice.made = false;
        let Some(second) = self.second_layer(live).await else {
            return false;
        };
        banner.buttons.extend(second.describe_buttons(2));
        if let Some(reject) = second.button(ButtonRole::Reject) {
            note_route(banner, self.state, Route::SecondLayer);
            return self.click(&second, reject).await && self.save_what_is_left().await;
        }
        if self.save_with_everything_off(&second).await {
            note_route(banner, self.state, Route::SecondLayer);
            return true;
        }
        false
    }

    /// Switches off what can be switched off and saves. True when the layer was saved.
    ///
    /// Never saves while something is still on: that would be a yes.
    async fn save_with_everything_off(&mut self, layer: &LiveBanner) -> bool {
        if layer.button(ButtonRole::Save).is_none() {
            return false;
        }
        self.begin();
        for toggle in layer.toggles.iter().filter(|toggle| toggle.is_on()) {
            let clicked = mouse::click(
                &self.stage.worlds(),
                self.stage.page(),
                &layer.world,
                toggle.id,
            )
            .await;
            if matches!(clicked, Ok(Clicked::Trusted | Clicked::Untrusted { .. })) {
                self.choice.clicks += 1;
            }
        }
        let Some(now) = banner::look(&self.stage.worlds()).await else {
            return false;
        };
        let on = |layer: &LiveBanner| layer.toggles.iter().filter(|toggle| toggle.is_on()).count();
        // One that springs back is the necessary one, badly marked.
        if on(&now) > 1 || (on(&now) == 1 && on(layer) == 1) {
            return false;
        }
        match now.button(ButtonRole::Save) {
            Some(save) => self.click(&now, save).await,
            None => false,
        }
    }

    /// "Reject all" of some layers only switches everything off: where the layer still stands, with
    /// nothing on, saving it is the answer. True unless a save button is there and cannot be clicked.
    async fn save_what_is_left(&mut self) -> bool {
        self.stage.pass_in_view(LAYER_GOES).await;
        let Some(left) = banner::look(&self.stage.worlds()).await else {
            return true;
        };
        let nothing_on = !left.toggles.iter().any(Toggle::is_on);
        match left.button(ButtonRole::Save) {
            Some(save) if nothing_on => self.click(&left, save).await,
            _ => true,
        }
    }

    /// Waits for the layer behind the settings: other buttons than before.
    async fn second_layer(&self, first: &LiveBanner) -> Option<LiveBanner> {
        let until_ms = self.stage.after(LAYER_APPEARS);
        let mut last: Option<LiveBanner> = None;
        while self.stage.time().now_ms() < until_ms {
            self.stage.pass_in_view(PAUSE).await;
            let Some(current) = banner::look(&self.stage.worlds()).await else {
                continue;
            };
            let answers = current.button(ButtonRole::Reject).is_some()
                || current.button(ButtonRole::Save).is_some();
            if answers && !current.is_like(first) {
                if last.as_ref().is_some_and(|last| last.is_like(&current)) {
                    return Some(current);
                }
                last = Some(current);
            }
        }
        last
    }

    async fn click(&mut self, live: &LiveBanner, button: &LiveButton) -> bool {
        self.begin();
        match mouse::click(
            &self.stage.worlds(),
            self.stage.page(),
            &live.world,
            button.id,
        )
        .await
        {
            Ok(Clicked::Gone) => false,
            Ok(clicked) => {
                self.choice.made = true;
                self.choice.clicks += 1;
                let by = format!("heuristic:{}", button.language);
                self.choice.by = Some(match clicked {
                    Clicked::Untrusted { cover: Some(cover) } => {
                        format!("{by} (covered by {cover}, clicked without the mouse)")
                    }
                    Clicked::Untrusted { cover: None } => {
                        format!("{by} (clicked without the mouse)")
                    }
                    _ => by,
                });
                true
            }
            Err(error) => {
                tracing::debug!(%error, "a click failed");
                false
            }
        }
    }
}
