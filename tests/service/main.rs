//! The service from outside: real requests, real audits, a real store.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they do"
)]

mod alerts;
mod dashboard;
mod harness;
mod inside;
mod jobs;
mod mail;
mod operations;
mod stored;
