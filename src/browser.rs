//! Chromium: find it, launch it, speak its protocol, hear every target.
//!
//! The only room that names chromiumoxide. Its connection and command types are used; its own
//! handler is not, because it releases workers and frames of other origins before anyone listens.

pub mod connection;
pub mod error;
pub mod fetch;
pub mod find;
pub mod launch;
mod memory;
pub mod paper;
pub mod self_test;
pub mod session;
mod watchdog;

/// The browser's command types, generated from its protocol definition.
pub use chromiumoxide::cdp::{browser_protocol, js_protocol};

pub use connection::{Connection, Event};
pub use error::BrowserError;
pub use fetch::{Fetched, Fetcher};
pub use launch::{Browser, LaunchOptions};
pub use memory::of_group as memory_of_group;
pub use session::Session;
