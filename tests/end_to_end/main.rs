//! What a user sees: the binary, driven through a real browser.
//!
//! On a machine that lacks them, the browser and the npm packages of the test web are installed
//! first, by the same code as `consentinel browser install`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they do"
)]

mod bad_input;
mod bot_shy;
mod capture;
mod clock;
mod command_line;
mod completeness;
mod crawl;
mod harness;
mod inside;
mod invisible;
mod leaving;
mod login;
mod repeats;
mod seeds;
mod signals;
mod stored;
mod targets;
mod truth;
