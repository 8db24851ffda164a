//! Consentinel drives Chromium through a website the way a visitor would and reports what the
//! site stored and sent without being allowed to.
//!
//! The way data flow, the rooms of the house and the walls between them: `src/README.md`.

pub mod audit;
pub mod browser;
pub mod catalog;
pub mod cli;
pub mod compare;
pub mod crawl;
pub mod declare;
pub mod evidence;
pub mod judge;
pub mod model;
pub mod provision;
pub mod proxy;
pub mod queue;
pub mod report;
pub mod service;
pub mod store;
pub mod test_web;
pub mod visit;
