//! Answers by the words on the buttons, layer by layer.

use std::time::Duration;

use super::super::banner::{self, LiveBanner};
use super::super::prove::Wish;
use super::{PAUSE, Walk};
use crate::model::visit::{Banner, ButtonRole, Route};

/// How long a layer behind the settings gets to appear.
const LAYER_APPEARS: Duration = Duration::from_secs(4);
/// How long a layer that was answered gets to go away.
const LAYER_GOES: Duration = Duration::from_millis(800);
/// How many layers deep the settings are followed.
const DEEPEST_LAYER: u8 = 3;
/// Most switches, questions and buttons answered on one layer.
const MOST_ANSWERS: usize = 120;

impl Walk<'_> {
    /// Answers by the buttons' words. True when the answer was clicked.
    pub(super) async fn by_words(&mut self, live: &LiveBanner, banner: &mut Banner) -> bool {
        let read = self.read_to_the_end(live).await;
        let live = read.as_ref().unwrap_or(live);
        if self.wish == Wish::Everything {
            let yes = live
                .button(ButtonRole::Accept)
                .or_else(|| live.button(ButtonRole::Acknowledge))
                // Who can do nothing but close a notice takes note of it so.
                .or_else(|| live.only_close());
            return match yes {
                Some(button) => self.click(live, button).await,
                None => false,
            };
        }
        // What stands once something was clicked is not the banner as first shown.
        let untouched = self.choice.clicks == 0;
        let mut current = live.clone();
        for layer in 1..=DEEPEST_LAYER {
            if layer > 1 {
                banner.buttons.extend(current.describe_buttons(layer));
                // Only the first sight of a switch shows how the site had set it.
                if untouched && layer == 2 {
                    banner.switches.extend(current.describe_switches(layer));
                }
            }
            if self.answer_layer(&current).await {
                // Switches on the first layer take more than the one click that accepting takes;
                // saving while none is on takes no more.
                let at_once =
                    current.button(ButtonRole::Reject).is_some() || self.choice.clicks == 1;
                let route = if layer == 1 && untouched && at_once {
                    Route::FirstLayer
                } else {
                    Route::SecondLayer
                };
                self.note_route(banner, route);
                return true;
            }
            let Some(settings) = current.button(ButtonRole::Settings) else {
                return false;
            };
            if !self.click(&current, settings).await {
                return false;
            }
            // Opening the settings is no answer yet.
            self.choice.made = false;
            let Some(next) = self.next_layer(&current).await else {
                return false;
            };
            current = next;
        }
        false
    }

    /// Scrolls a banner to its end whose buttons wait for that. Absent when nothing changed.
    async fn read_to_the_end(&mut self, live: &LiveBanner) -> Option<LiveBanner> {
        if !live.holds_back() {
            return None;
        }
        let worlds = self.stage.worlds();
        let read = worlds
            .evaluate(&live.world, format!("consentinel.read({})", live.id))
            .await;
        if !matches!(read, Ok(serde_json::Value::Bool(true))) {
            return None;
        }
        self.begin();
        self.stage.pass_in_view(PAUSE).await;
        banner::look_at(&worlds, live).await
    }

    /// Answers what can be answered on one layer. True when it was.
    async fn answer_layer(&mut self, layer: &LiveBanner) -> bool {
        if self.wish == Wish::Nothing && layer.button(ButtonRole::Reject).is_some() {
            self.refuse_all(layer).await && self.save_what_is_left(layer).await
        } else {
            self.save_as_wished(layer).await
        }
    }

    /// Presses every button that refuses and still stands: some layers have one for each purpose.
    async fn refuse_all(&mut self, layer: &LiveBanner) -> bool {
        let mut clicked = false;
        let refusals: Vec<_> = layer
            .buttons(ButtonRole::Reject)
            .take(MOST_ANSWERS)
            .collect();
        for button in refusals {
            if clicked && !self.still_stands(layer, button.id).await {
                continue;
            }
            clicked |= self.click(layer, button).await;
        }
        clicked
    }

    async fn still_stands(&self, layer: &LiveBanner, id: u64) -> bool {
        // A layer that was answered needs a moment to go away.
        self.stage.pass_in_view(PAUSE).await;
        let shown = self
            .stage
            .worlds()
            .evaluate(&layer.world, format!("consentinel.isShown({id})"))
            .await;
        matches!(shown, Ok(serde_json::Value::Bool(true)))
    }

    /// Puts every switch and every question as the visitor wishes and saves. True when the layer was saved.
    ///
    /// Never saves while something is on that the visitor refuses: that would be a yes.
    async fn save_as_wished(&mut self, layer: &LiveBanner) -> bool {
        if layer.button(ButtonRole::Save).is_none()
            || (layer.toggles.is_empty() && layer.questions.is_empty())
        {
            return false;
        }
        let turn = layer
            .toggles
            .iter()
            .filter(|toggle| !toggle.disabled)
            .map(|toggle| (toggle.id, self.wish.allows(&toggle.text)));
        let choose = layer.questions.iter().filter_map(|question| {
            if self.wish.allows(&question.text) {
                Some((question.yes?, true))
            } else {
                Some((question.no, true))
            }
        });
        let wanted: Vec<(u64, bool)> = turn.chain(choose).take(MOST_ANSWERS).collect();
        for (id, on) in wanted {
            // One switch may turn others: what is as it should be by now is left alone.
            if self.is_on(layer, id).await != Some(on) {
                self.press(&layer.world, id).await;
            }
        }
        let Some(now) = banner::look_at(&self.stage.worlds(), layer).await else {
            return false;
        };
        let against = self.against(&now);
        // One that springs back is the necessary one, badly marked.
        if against > 1 || (against == 1 && self.against(layer) == 1) {
            return false;
        }
        match now.button(ButtonRole::Save) {
            Some(save) => self.click(&now, save).await,
            None => false,
        }
    }

    /// Whether a switch is on or an answer is chosen right now.
    async fn is_on(&self, layer: &LiveBanner, id: u64) -> Option<bool> {
        let worlds = self.stage.worlds();
        let asked = worlds
            .evaluate(&layer.world, format!("consentinel.isOn({id})"))
            .await;
        asked.ok()?.as_bool()
    }

    /// How many things on a layer are allowed that the visitor refuses.
    fn against(&self, layer: &LiveBanner) -> usize {
        let toggles = layer
            .toggles
            .iter()
            .filter(|toggle| toggle.is_on() && !self.wish.allows(&toggle.text));
        let questions = layer
            .questions
            .iter()
            .filter(|question| !question.refused && !self.wish.allows(&question.text));
        toggles.count() + questions.count()
    }

    /// "Reject all" of some layers only switches everything off: where the layer still stands, with
    /// nothing on, saving it is the answer. True unless a save button is there and cannot be clicked.
    async fn save_what_is_left(&mut self, layer: &LiveBanner) -> bool {
        self.stage.pass_in_view(LAYER_GOES).await;
        let Some(left) = banner::look_at(&self.stage.worlds(), layer).await else {
            return true;
        };
        match left.button(ButtonRole::Save) {
            Some(save) if !left.allows_something() => self.click(&left, save).await,
            _ => true,
        }
    }

    /// Waits for the layer behind the settings: other buttons than before.
    async fn next_layer(&self, first: &LiveBanner) -> Option<LiveBanner> {
        let until_ms = self.stage.after(LAYER_APPEARS);
        let mut last: Option<LiveBanner> = None;
        while self.stage.time().now_ms() < until_ms {
            self.stage.pass_in_view(PAUSE).await;
            let Some(current) = banner::look_beyond(&self.stage.worlds(), first).await else {
                continue;
            };
            let answers = current.button(ButtonRole::Reject).is_some()
                || current.button(ButtonRole::Save).is_some()
                || current.button(ButtonRole::Settings).is_some();
            if answers {
                if last.as_ref().is_some_and(|last| last.is_like(&current)) {
                    return Some(current);
                }
                last = Some(current);
            }
        }
        last
    }
}
