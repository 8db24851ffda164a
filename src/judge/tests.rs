//! The judge as a whole, rule by rule.

mod after_reject;
mod banner;
mod cases;
mod evidence;
mod lifetimes;
mod properties;
mod repeats;
mod requests_before;
mod storage_before;
mod summary;
