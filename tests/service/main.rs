//! The service from outside: real requests, real audits, a real store.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests fail by panicking and say what they do"
)]

mod access;
mod alerts;
mod api;
mod dashboard;
mod harness;
mod inside;
mod jobs;
mod mail;
mod operations;
#[path = "../report/sample.rs"]
#[allow(dead_code, reason = "the sample is shared with another test")]
mod sample;
mod schemathesis;
mod seeded;
mod stored;
