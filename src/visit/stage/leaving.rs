//! Leaves a page, so that what it sends at the last moment is sent and seen.
//!
//! Loading another page costs half as much as loading the first one. So a page that nobody in it
//! hears being left, which is most pages, is closed as it stands.

use std::time::Duration;

use tokio::time::Instant;

use super::{LOOK_INTERVAL, SIMULATED_QUIET, Stage, evaluation};
use crate::browser::js_protocol::runtime::EvaluateParams;

/// How long leaving a page may take, and how long it is listened to afterwards.
const LEAVE_LIMIT: Duration = Duration::from_secs(3);
const LAST_WORDS: Duration = Duration::from_millis(700);

/// Whether a document has a listener for an event it gets when it is left. It calls no method a page
/// could have replaced; `getEventListeners` is the inspector's own.
const LISTENS: &str = r#"((page, document) => "pagehide" in page || "unload" in page || "beforeunload" in page ||
  "visibilitychange" in page || "pageswap" in page || "visibilitychange" in document)(
  getEventListeners(window), getEventListeners(document))"#;

impl Stage {
    /// Leaves the page if anybody would hear it, and listens to what is sent because of it.
    pub async fn leave(&self) {
        if self.page_state().crashed || !self.is_leaving_heard().await {
            return;
        }
        if self.navigate("about:blank", LEAVE_LIMIT).await.is_ok() {
            self.hear_last_words(LAST_WORDS).await;
        }
    }

    /// Whether a document of the page waits for being left. One that does not answer may.
    async fn is_leaving_heard(&self) -> bool {
        if self.recording().sends_on_leaving() {
            return true;
        }
        let worlds = self.worlds();
        let answers: Vec<_> = worlds
            .own_worlds()
            .iter()
            .filter_map(|own| worlds.page_world_beside(own.session.id()?, own.context))
            .map(|world| {
                world.session.send(EvaluateParams {
                    include_command_line_api: Some(true),
                    await_promise: None,
                    ..evaluation(&world, LISTENS.to_owned(), true)
                })
            })
            .collect();
        let answers = answers.into_iter().map(|answer| answer.within(LEAVE_LIMIT));
        futures::future::join_all(answers)
            .await
            .iter()
            .any(|answer| match answer {
                Ok(answer) => answer["result"]["value"].as_bool() != Some(false),
                Err(_) => true,
            })
    }

    /// Waits for what a page sends while it is left, `limit` at most.
    async fn hear_last_words(&self, limit: Duration) {
        match &self.shared.simulation {
            None => {
                self.wait_for(limit, |_| false).await;
            }
            Some(simulation) => {
                let until = Instant::now() + limit;
                simulation.sign_of_life();
                while Instant::now() < until && simulation.silence() < SIMULATED_QUIET {
                    tokio::time::sleep(LOOK_INTERVAL).await;
                }
            }
        }
    }
}
