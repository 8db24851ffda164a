//! The part of a visit's course in which the visitor answers: finds the banner, makes the choice,
//! comes back, and for `withdrawn` takes it back.

use std::time::Duration;

use super::consent::banner::{self, LiveBanner};
use super::consent::prove::{self, Proof, Wish};
use super::consent::{choose, way_back};
use super::failure::Failure;
use super::{AFTER_CHOICE, BANNER_LIMIT, Course, FIRST_LOOK, LOAD_PATIENCE};
use crate::model::visit::{DiagnosticCode, PhaseName, ProofStrength, State};

/// How long a banner is waited for that shows itself only after a scroll.
const BANNER_AFTER_SCROLL: Duration = Duration::from_secs(4);
/// How long a visitor stays who says yes before coming back to withdraw.
const BEFORE_COMING_BACK: Duration = Duration::from_secs(2);
/// How long the settings get to open for who wants to withdraw.
const LAYER_COMES_BACK: Duration = Duration::from_secs(5);

impl<'a> Course<'a> {
    /// `rejected` and `accepted`: find the banner, answer it, watch, load again, watch.
    pub(super) async fn answer(&mut self) -> Result<(), Failure> {
        let mut found = self.find_banner(BANNER_LIMIT).await?;
        if found.is_none() {
            // Some banners wait for the first scroll, others stand at the end of the page.
            self.stage.recording().enter(PhaseName::Active);
            self.move_about().await;
            found = self.find_banner(BANNER_AFTER_SCROLL).await?;
            self.found_after_scroll = found.is_some();
        }
        let Some(live) = found else {
            self.settle().await?;
            self.note_what_is_said().await;
            self.say(
                DiagnosticCode::BannerNotFound,
                "no consent banner was seen, so nothing could be answered",
            );
            self.suspect_hiding().await;
            return Ok(());
        };
        self.picture_of_banner(&live).await;
        self.settle_briefly().await?;
        self.choose(self.first_wish(), &live).await?;
        if !self.choice.made {
            return self.no_way().await;
        }
        if self.plan.state == State::Withdrawn && !self.withdraw().await? {
            return self.no_way_back().await;
        }
        self.stage.recording().enter(PhaseName::Chosen);
        self.screenshot_after_choice = self.stage.picture().await;
        self.watch(AFTER_CHOICE.min(self.plan.manner.dwell)).await?;
        self.settle().await?;
        self.note_what_is_said().await;
        let gone = banner::look(&self.stage.worlds()).await.is_none();
        self.revisit().await?;
        self.look_again(gone).await;
        if self.plan.state == State::Accepted && self.plan.manner.empties {
            self.empty().await?;
        }
        Ok(())
    }

    /// Deletes every cookie and opens the page again. The page is left first: it may keep in its memory what
    /// it writes again.
    async fn empty(&mut self) -> Result<(), Failure> {
        self.stage.recording().enter(PhaseName::Emptied);
        let limit = self.plan.manner.load_limit;
        let left = self.stage.navigate("about:blank", limit).await;
        if left.is_err() || !self.stage.delete_cookies().await {
            return Ok(());
        }
        let loads = self.stage.page_state().loads;
        if let Err(error) = self.stage.navigate(self.plan.url.as_str(), limit).await {
            return Err(Failure::browser(&error));
        }
        self.wait_for_load(loads + 1, LOAD_PATIENCE).await?;
        self.watch(AFTER_CHOICE.min(self.plan.manner.dwell)).await?;
        self.settle().await
    }

    /// What the visitor says first.
    fn first_wish(&self) -> Wish<'a> {
        match (self.plan.state, &self.plan.manner.purposes) {
            (State::Rejected | State::Before, _) => Wish::Nothing,
            (State::Accepted, Some(purposes)) => Wish::Some(purposes),
            (State::Accepted | State::Withdrawn, _) => Wish::Everything,
        }
    }

    /// Makes a choice on the banner that stands.
    async fn choose(&mut self, wish: Wish<'_>, live: &LiveBanner) -> Result<(), Failure> {
        let chosen = choose::choose(
            &self.stage,
            self.conductor.as_ref(),
            wish,
            live,
            &mut self.banner,
        )
        .await;
        self.choice = chosen.choice;
        self.proof = chosen.proof;
        if let Some(way) = chosen.blocked {
            self.blocked = true;
            let message = format!("the mouse could not meet a button of the banner: {way}");
            self.say(DiagnosticCode::ClickBlocked, message);
        }
        self.name_platform();
        self.alive()
    }

    /// Nothing on the banner could be clicked for the visitor's answer.
    async fn no_way(&mut self) -> Result<(), Failure> {
        let (code, word) = match self.plan.state {
            State::Accepted | State::Withdrawn => (DiagnosticCode::AcceptPathNotFound, "accept"),
            State::Rejected | State::Before => (DiagnosticCode::RejectPathNotFound, "refuse"),
        };
        self.say(
            code,
            format!("the banner shows no way to {word} that could be walked"),
        );
        self.screenshot_after_choice = self.stage.picture().await;
        self.settle().await
    }

    /// Comes back to the page, looks for the way to take the yes back, and walks it. False when there is none.
    async fn withdraw(&mut self) -> Result<bool, Failure> {
        self.watch(BEFORE_COMING_BACK).await?;
        self.reload().await?;
        self.watch(FIRST_LOOK).await?;
        let first_click = self.choice.clicked_ms;
        // The answer that counts is the one to come.
        let mut made = std::mem::take(&mut self.choice);
        made.confirmed = false;
        let before = self.testimony().await;
        let Some(way) = way_back::take(&self.stage).await else {
            self.choice.clicked_ms = first_click;
            return Ok(false);
        };
        let live = self.find_banner(LAYER_COMES_BACK).await?;
        if let Some(live) = live {
            self.banner
                .buttons
                .extend(live.describe(2, self.stage.recording().now_ms()).buttons);
            let routes = self.banner.routes;
            self.choose_by_words(&live).await?;
            // The way back is not the banner's way to say no.
            self.banner.routes = routes;
        } else {
            // Some controls take the consent back by themselves.
            let beside = self.beside();
            let proof = prove::prove(
                &self.stage,
                Wish::Nothing,
                &before,
                beside.as_deref(),
                LAYER_COMES_BACK,
            )
            .await;
            self.choice.made = way.answers || matches!(proof, Proof::Confirmed { .. });
            self.proof = Some(proof);
            if let Some(Proof::Confirmed { how, strength }) = &self.proof {
                self.choice.confirmed = true;
                self.choice.how = Some(how.clone());
                self.choice.strength = Some(*strength);
                self.choice.confirmed_ms = Some(self.stage.recording().now_ms());
            }
        }
        self.choice.clicks += way.clicks;
        self.choice.by = Some(match self.choice.by.take() {
            Some(by) => format!("{by} after {}", way.how),
            None => way.how,
        });
        self.choice.clicked_ms = first_click;
        Ok(self.choice.made)
    }

    /// Refuses on a layer that came back, by its words alone: rules of the engine wait for a first layer.
    async fn choose_by_words(&mut self, live: &LiveBanner) -> Result<(), Failure> {
        let conductor = self.conductor.take();
        let chosen = self.choose(Wish::Nothing, live).await;
        self.conductor = conductor;
        chosen
    }

    async fn no_way_back(&mut self) -> Result<(), Failure> {
        self.no_way_back = true;
        self.say(
            DiagnosticCode::WithdrawPathNotFound,
            "no way to take the consent back was found that could be walked",
        );
        self.screenshot_after_choice = self.stage.picture().await;
        self.settle().await
    }

    /// Whether the banner asks again after a reload; if not, that is the weakest proof of an answer.
    async fn look_again(&mut self, gone: bool) {
        let mut again = banner::look(&self.stage.worlds()).await;
        if again.is_none() && self.found_after_scroll {
            self.move_about().await;
            again = banner::look(&self.stage.worlds()).await;
        }
        // A line that stays, such as the link back to the settings, asks nothing.
        let asks = again.is_some_and(|live| live.asks_like(&self.banner));
        if asks {
            self.reappeared = true;
            self.say(
                DiagnosticCode::BannerReappeared,
                "the banner asked again after a reload",
            );
        } else if gone && matches!(self.proof, Some(Proof::Unconfirmed { .. })) {
            self.choice.strength = Some(ProofStrength::BannerGone);
        }
        if let Some(Proof::Contradicted { how } | Proof::Unconfirmed { how }) = &self.proof {
            let message = format!(
                "a button was clicked, but nothing confirms that the answer was recorded: {how}"
            );
            self.say(DiagnosticCode::ChoiceUnconfirmed, message);
        }
    }

    /// Loads the page again with the choice made.
    async fn revisit(&mut self) -> Result<(), Failure> {
        self.stage.recording().enter(PhaseName::Revisit);
        self.reload().await?;
        self.watch(self.plan.manner.dwell).await?;
        self.settle().await?;
        self.note_what_is_said().await;
        Ok(())
    }

    async fn reload(&mut self) -> Result<(), Failure> {
        let loads = self.stage.page_state().loads;
        if let Err(error) = self.stage.reload(self.plan.manner.load_limit).await {
            return Err(Failure::browser(&error));
        }
        self.wait_for_load(loads + 1, LOAD_PATIENCE).await
    }

    /// The host of the frame the banner stands in.
    fn beside(&self) -> Option<String> {
        self.banner.frame.as_deref().and_then(prove::host_beside)
    }

    pub(super) async fn testimony(&self) -> prove::Testimony {
        prove::testimony(&self.stage, self.beside().as_deref()).await
    }
}
