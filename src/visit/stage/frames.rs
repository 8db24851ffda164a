//! Draws frames where the browser draws none by itself: headless-shell, told so when it was started
//! (CDP `HeadlessExperimental.beginFrame`).
//!
//! A frame runs what a page asked to have run before the next one, moves its animations on and
//! notices what came into view; shown, it is painted, too. Frames go by real time: given the visit's
//! simulated time, which runs ahead, they crash the page's process (Chromium 156).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::browser::Session;
use crate::browser::browser_protocol::headless_experimental::BeginFrameParams;

/// How long a frame is waited for: a busy page draws none.
const FRAME_LIMIT: Duration = Duration::from_millis(500);
/// How long work goes on between two frames it may be waiting for.
const BETWEEN_FRAMES: Duration = Duration::from_millis(3);

/// Whether anybody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawn {
    /// Painted: in pictures, and where the mouse meets it.
    Shown,
    /// Laid out and moved on, but not painted.
    Unseen,
}

/// The frames of one visit's windows: the page and its pop-ups.
#[derive(Debug, Default)]
pub(super) struct Frames {
    windows: Mutex<Vec<Session>>,
    /// One frame at a time, whoever asks for it.
    turn: tokio::sync::Mutex<()>,
}

impl Frames {
    fn lock(&self) -> MutexGuard<'_, Vec<Session>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page or a pop-up is there.
    pub(super) fn attached(&self, session: &Session) {
        self.lock().push(session.clone());
    }

    /// A target is gone.
    pub(super) fn detached(&self, session: &str) {
        self.lock().retain(|window| window.id() != Some(session));
    }

    /// Draws one frame in every window.
    pub(super) async fn draw(&self, drawn: Drawn) {
        let turn = self.turn.lock().await;
        let replies: Vec<_> = self
            .lock()
            .iter()
            .map(|window| {
                let frame = BeginFrameParams {
                    no_display_updates: Some(drawn == Drawn::Unseen),
                    ..BeginFrameParams::default()
                };
                window.send(frame).within(FRAME_LIMIT)
            })
            .collect();
        for refused in futures::future::join_all(replies)
            .await
            .into_iter()
            .filter_map(Result::err)
        {
            // One frame less; the next one may be drawn.
            tracing::trace!(error = %refused, "no frame");
        }
        drop(turn);
    }

    /// Draws frames for as long as some work goes on that waits for them.
    pub(super) async fn draw_while<T>(&self, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        loop {
            if let Ok(done) = tokio::time::timeout(BETWEEN_FRAMES, &mut work).await {
                return done;
            }
            self.draw(Drawn::Shown).await;
        }
    }
}
