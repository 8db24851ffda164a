//! Finds the banner, makes the choice, proves that the choice was recorded.
//!
//! The click is the test, the record is the proof: a choice that nothing independent of the click
//! confirms is unconfirmed, and every rule that depends on it says so.

pub mod banner;
pub mod choose;
mod closed;
pub mod conductor;
pub mod engine;
pub mod mouse;
pub mod outcome;
pub mod prove;
pub mod purposes;
pub mod record;
pub mod way_back;
pub mod words;

pub use engine::{Engine, EngineError};

/// The script that stands between the rule engine and us, for our own world of every frame.
pub const ENGINE_PRELUDE: &str = include_str!("consent/autoconsent.js");
