//! Clicks as a visitor does: with the mouse, on what can be seen and met.

use std::time::Duration;

use serde_json::Value as Json;

use crate::browser::browser_protocol::input::{
    DispatchKeyEventParams, DispatchKeyEventType, DispatchMouseEventParams, DispatchMouseEventType,
    MouseButton,
};
use crate::browser::{BrowserError, Session};
use crate::visit::stage::{World, Worlds};

/// How often a covered or moving button is looked at again.
const TRIES: u32 = 8;
const PAUSE: Duration = Duration::from_millis(200);
/// How long a button must stand still.
const STILL: Duration = Duration::from_millis(60);
/// A browser that paints nothing does not answer a movement of the mouse; it arrives all the same.
const MOVE_LIMIT: Duration = Duration::from_secs(1);

/// How a click went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Clicked {
    /// With the mouse.
    Trusted,
    /// The mouse would not have met it; the keyboard did.
    Keyboard {
        /// What covered it, if known.
        cover: Option<String>,
    },
    /// The mouse would not have met it; the element was asked to click itself.
    Untrusted {
        /// What covered it, if known.
        cover: Option<String>,
    },
    /// It was gone.
    Gone,
}

/// Clicks an element our own world keeps under `id`.
pub async fn click(
    worlds: &Worlds,
    page: &Session,
    world: &World,
    id: u64,
) -> Result<Clicked, BrowserError> {
    let mut aimed = Json::Null;
    for attempt in 0..TRIES {
        aimed = worlds
            .evaluate(world, format!("consentinel.aim({id})"))
            .await?;
        if aimed["gone"].as_bool() != Some(false) {
            return Ok(Clicked::Gone);
        }
        if aimed["met"].as_bool() == Some(true) {
            // What moves is waited for: two equal places in a row.
            worlds.pass_in_view(STILL).await;
            let again = worlds
                .evaluate(world, format!("consentinel.aim({id})"))
                .await?;
            let still = again["place"] == aimed["place"] && again["met"].as_bool() == Some(true);
            aimed = again;
            if still || attempt + 1 == TRIES {
                break;
            }
        }
        worlds.pass_in_view(PAUSE).await;
    }
    let target = aimed["id"].as_u64().unwrap_or(id);
    if aimed["met"].as_bool() == Some(true)
        && let Some((x, y)) = worlds
            .middle_of(world, &format!("consentinel.element({target})"))
            .await
    {
        press(page, x, y).await?;
        return Ok(Clicked::Trusted);
    }
    let cover = aimed["cover"].as_str().map(str::to_owned);
    if by_keyboard(worlds, world, target).await? {
        return Ok(Clicked::Keyboard { cover });
    }
    worlds
        .evaluate(world, format!("consentinel.nativeClick({target})"))
        .await?;
    Ok(Clicked::Untrusted { cover })
}

/// Presses what a keyboard can press: the key is sent where the focus is, and nowhere else.
async fn by_keyboard(worlds: &Worlds, world: &World, id: u64) -> Result<bool, BrowserError> {
    let key = worlds
        .evaluate(world, format!("consentinel.focus({id})"))
        .await?;
    let (key, code, text, number) = match key.as_str() {
        Some("Enter") => ("Enter", "Enter", "\r", 13),
        Some("Space") => (" ", "Space", " ", 32),
        _ => return Ok(false),
    };
    for kind in [DispatchKeyEventType::KeyDown, DispatchKeyEventType::KeyUp] {
        let event = DispatchKeyEventParams {
            key: Some(key.to_owned()),
            code: Some(code.to_owned()),
            text: Some(text.to_owned()),
            windows_virtual_key_code: Some(number),
            ..DispatchKeyEventParams::new(kind)
        };
        match world.session.call(event).await {
            Ok(_) => {}
            // Not every kind of frame takes keys.
            Err(BrowserError::Refused { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

async fn press(page: &Session, x: f64, y: f64) -> Result<(), BrowserError> {
    let event = |kind: DispatchMouseEventType| DispatchMouseEventParams::new(kind, x, y);
    moved(page, event(DispatchMouseEventType::MouseMoved)).await?;
    for kind in [
        DispatchMouseEventType::MousePressed,
        DispatchMouseEventType::MouseReleased,
    ] {
        let params = DispatchMouseEventParams {
            button: Some(MouseButton::Left),
            click_count: Some(1),
            ..event(kind)
        };
        page.call(params).await?;
    }
    Ok(())
}

async fn moved(page: &Session, event: DispatchMouseEventParams) -> Result<(), BrowserError> {
    match page.call_within(event, MOVE_LIMIT).await {
        Ok(_) | Err(BrowserError::Unanswered { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Moves the mouse over the page and scrolls down, as a visitor who reads does. Clicks nothing.
pub async fn wander(
    worlds: &Worlds,
    page: &Session,
    steps: u32,
    pause: Duration,
) -> Result<(), BrowserError> {
    for step in 0..steps {
        let along = f64::from(step) * 37.0;
        let (x, y) = (200.0 + along % 700.0, 150.0 + along % 300.0);
        moved(
            page,
            DispatchMouseEventParams::new(DispatchMouseEventType::MouseMoved, x, y),
        )
        .await?;
        let wheel = DispatchMouseEventParams {
            delta_x: Some(0.0),
            delta_y: Some(640.0),
            ..DispatchMouseEventParams::new(DispatchMouseEventType::MouseWheel, x, y)
        };
        moved(page, wheel).await?;
        worlds.pass_in_view(pause).await;
    }
    Ok(())
}
