//! Which pages: addresses in one form, what belongs to the site, what a site's own rules and maps say,
//! and how often a host may be asked. Pure: whoever fetches and visits stands above.

pub mod address;
pub mod manners;
pub mod robots;
pub mod scope;
pub mod shape;
pub mod sitemap;

pub use address::canonical;
pub use manners::Manners;
pub use robots::Robots;
pub use scope::{Limits, Refusal, Scope};
