//! Finds the banner, makes the choice, proves that the choice was recorded.

pub mod record;
pub mod words;
