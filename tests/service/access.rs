//! Who gets in, and what they may then; in both directions.

mod client;
mod first;
mod forgery;
mod limits;
mod passwords;
mod places;
mod running;
mod scopes;
mod transport;

/// A password that is taken.
const PASSWORD: &str = "correct horse battery staple";

/// Another one.
const OTHER: &str = "staple battery horse correct";
