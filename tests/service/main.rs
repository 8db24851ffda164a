//! The service, as those see it who reach it over the network: each test starts the binary and asks it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod access;
