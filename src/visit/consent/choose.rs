//! Makes the visitor's choice, by clicking what a visitor clicks.
//!
//! First the rule engine, where one of its rules knows the banner; then our own reading of the
//! buttons: the first layer, and for anything but a yes also what lies behind the settings.

mod layers;

use std::time::Duration;

use super::banner::{self, LiveBanner, LiveButton};
use super::conductor::Conductor;
use super::mouse::{self, Clicked};
use super::prove::{self, Proof, Testimony, Wish};
use crate::model::visit::{Banner, Choice, PhaseName, Route};
use crate::visit::stage::{Stage, World};

/// How long the engine gets to notice a banner that we see already.
const ENGINE_NOTICES: Duration = Duration::from_millis(2_500);
/// How long the engine gets to walk its steps.
const ENGINE_WALKS: Duration = Duration::from_secs(20);
/// How often a banner that still stands after a click is answered again.
const ROUNDS: u32 = 4;
/// How long a record is waited for while the banner still stands, and once it is gone.
const PROOF_WHILE_ASKED: Duration = Duration::from_millis(2_500);
const PROOF_ONCE_GONE: Duration = Duration::from_secs(6);
/// Most further banners answered that stand beside the first.
const MOST_BESIDE: usize = 2;
const PAUSE: Duration = Duration::from_millis(250);

/// How a choice was tried.
#[derive(Debug)]
pub struct Chosen {
    /// The choice, with its proof.
    pub choice: Choice,
    /// What was proven.
    pub proof: Option<Proof>,
    /// What stood in the way of a click, if something did.
    pub blocked: Option<String>,
}

/// Makes the choice on a banner that stands, and proves it.
pub async fn choose(
    stage: &Stage,
    conductor: Option<&Conductor>,
    wish: Wish<'_>,
    live: &LiveBanner,
    banner: &mut Banner,
) -> Chosen {
    let beside = prove::host_beside(&live.origin);
    let before = prove::testimony(stage, beside.as_deref()).await;
    prove::note(stage, &before);
    let mut walk = Walk {
        stage,
        wish,
        choice: Choice::default(),
        before,
        beside,
        blocked: None,
    };
    let others = banner::beside(&stage.worlds(), live).await;
    let mut proof = None;
    // No rule of the engine knows single purposes.
    let engine = conductor.filter(|_| !matches!(wish, Wish::Some(_)));
    if let Some(conductor) = engine
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
            walk.note_route(banner, route);
        }
        proof = Some(proven);
    }
    for _ in 0..ROUNDS {
        if matches!(proof, Some(Proof::Confirmed { .. })) {
            break;
        }
        // After a click the banner may be gone, or ask once more.
        let current = if walk.choice.made {
            banner::look_again(&stage.worlds(), live).await
        } else {
            Some(live.clone())
        };
        let Some(current) = current else { break };
        if !walk.by_words(&current, banner).await {
            break;
        }
        proof = Some(walk.prove().await);
    }
    if let Some(Proof::Confirmed { .. }) = proof {
        for other in others.iter().take(MOST_BESIDE) {
            // Some go away with the first.
            let Some(other) = banner::look_at(&stage.worlds(), other).await else {
                continue;
            };
            if walk.by_words(&other, banner).await {
                proof = Some(walk.prove().await);
            }
        }
    }
    Chosen {
        choice: walk.choice,
        proof,
        blocked: walk.blocked,
    }
}

struct Walk<'a> {
    stage: &'a Stage,
    wish: Wish<'a>,
    choice: Choice,
    before: Testimony,
    beside: Option<String>,
    /// What covered a button that the mouse never met.
    blocked: Option<String>,
}

impl Walk<'_> {
    fn begin(&mut self) {
        if self.choice.clicked_ms.is_none() {
            let mut recording = self.stage.recording();
            recording.enter(PhaseName::Choosing);
            self.choice.clicked_ms = Some(recording.now_ms());
        }
    }

    /// A way found on this visit is a way the banner offers.
    fn note_route(&self, banner: &mut Banner, route: Route) {
        let known = match self.wish {
            Wish::Everything => &mut banner.routes.accept,
            Wish::Nothing => &mut banner.routes.reject,
            Wish::Some(_) => return,
        };
        if *known == Route::None {
            *known = route;
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
            Proof::Confirmed { how, strength } => {
                self.choice.confirmed = true;
                self.choice.how = Some(how.clone());
                self.choice.strength = Some(*strength);
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
            self.wish,
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
        let clicks_before = conductor.progress().clicks;
        conductor
            .answer(&self.stage.worlds(), &world, self.wish)
            .await;
        let until_ms = self.stage.after(ENGINE_WALKS);
        loop {
            self.stage.pass_in_view(PAUSE).await;
            let progress = conductor.progress();
            let walked = progress.result.is_some() && progress.waiting == 0;
            if walked || self.stage.time().now_ms() >= until_ms || self.stage.page_state().crashed {
                self.show_what_is_hidden().await;
                let clicks = progress.clicks - clicks_before;
                self.choice.clicks += clicks;
                if clicks > 0 {
                    self.choice.made = true;
                    self.choice.by = Some(format!("autoconsent:{platform}"));
                }
                return clicks > 0;
            }
        }
    }

    /// Some steps of the engine hide a banner, which is no answer: what was hidden is shown again.
    async fn show_what_is_hidden(&self) {
        const SHOW: &str = "document.querySelectorAll('#autoconsent-css-rules, #autoconsent-prehide').forEach((style) => style.remove())";
        let worlds = self.stage.worlds();
        for world in worlds.own_worlds() {
            if let Err(error) = worlds.evaluate(&world, SHOW).await {
                tracing::debug!(%error, "what the engine hid stays hidden");
            }
        }
    }

    async fn click(&mut self, live: &LiveBanner, button: &LiveButton) -> bool {
        if !self.press(&live.world, button.id).await {
            return false;
        }
        self.choice.made = true;
        let by = format!("heuristic:{}", button.language);
        self.choice.by = Some(match &self.blocked {
            Some(way) => format!("{by} ({way})"),
            None => by,
        });
        true
    }

    /// Clicks what our own world keeps under an id. False when it is gone.
    async fn press(&mut self, world: &World, id: u64) -> bool {
        self.begin();
        let clicked = mouse::click(&self.stage.worlds(), self.stage.page(), world, id).await;
        let (way, cover) = match clicked {
            Ok(Clicked::Trusted) => {
                self.choice.clicks += 1;
                return true;
            }
            Ok(Clicked::Keyboard { cover }) => ("pressed with the keyboard", cover),
            Ok(Clicked::Untrusted { cover }) => ("clicked without the mouse", cover),
            Ok(Clicked::Gone) => return false,
            Err(error) => {
                tracing::debug!(%error, "a click failed");
                return false;
            }
        };
        self.choice.clicks += 1;
        self.blocked = Some(match cover {
            Some(cover) => format!("covered by {cover}, {way}"),
            None => way.to_owned(),
        });
        true
    }
}
