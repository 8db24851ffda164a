//! Cases written from the text of the specification alone, before their author had seen the rules' code,
//! for the rules that are easiest to get wrong.

mod consent;
mod leaks;
mod storage;

use super::{Cases, three};
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::snapshot::{Cookie, Effect, Request};
use crate::model::visit::{PhaseName, State};

pub(super) fn cases() -> Vec<Cases> {
    [storage::cases(), leaks::cases(), consent::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// A page that stores a cookie in every visit.
fn storing(make: impl Fn(usize) -> Cookie) -> Page {
    three(|number, visit| visit.snapshot.cookies.push(make(number)))
}

/// A page that sends a request in every visit.
fn sending(make: impl Fn(usize) -> Request) -> Page {
    three(|number, visit| visit.snapshot.requests.push(make(number)))
}

/// A page that stores a cookie in the visit that refuses.
fn storing_after_no(make: impl Fn(usize) -> Cookie) -> Page {
    three(|number, visit| {
        if visit.state == State::Rejected {
            visit.snapshot.cookies.push(make(number));
        }
    })
}

/// A cookie whose last write asks the browser to delete it.
fn deleted(mut cookie: Cookie, phase: PhaseName) -> Cookie {
    cookie = cookie.written(phase, "");
    if let Some(write) = cookie.writes.last_mut() {
        write.lifetime_s = Some(-1);
        write.deleted = true;
        write.effect = Effect::Deleted;
    }
    cookie.alive = false;
    cookie
}
