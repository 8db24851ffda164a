//! One page through one state: open it, make the visitor's choice, record everything.
//!
//! No opinions here: neither the catalog nor the rules are known to this room.

pub mod consent;
pub mod record;
pub mod stage;
