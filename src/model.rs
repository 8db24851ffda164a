//! The plain types everything speaks. No I/O, no opinions, no browser.

pub mod finding;
pub mod party;
pub mod policy;
pub mod report;
pub mod sheet;
pub mod snapshot;
pub mod tcf;
pub mod value;
pub mod visit;
