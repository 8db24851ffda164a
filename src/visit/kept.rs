//! A profile that is kept for the pages of a site: the visitor answers once and goes on.
//!
//! What an earlier page left in the profile is no fact about the next one: it is remembered here, and
//! taken out of the next snapshot unless that page touched it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Course, Failure, Plan};
use crate::browser::{Browser, BrowserError};
use crate::model::snapshot::{Cookie, Effect, Snapshot, StorageEntry, StorageKind, Write};
use crate::model::value::Value;
use crate::model::visit::{Banner, Choice, ChoiceOutcome, DiagnosticCode, Outcome, Visit};
use crate::visit::consent::banner;
use crate::visit::login::Login;

/// Most items remembered. Beyond that, what an earlier page left is taken for the next one's.
const MOST_REMEMBERED: usize = 50_000;

/// What the visitor answered on an earlier page.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    /// The answer and what became of it.
    pub(super) choice: Choice,
    /// The banner it was given on.
    pub(super) banner: Banner,
}

/// What tells one item from another, and nothing that may change.
pub(super) type Key = (Option<StorageKind>, String, String, String, Option<String>);

/// A profile that is kept from page to page of one site, in one state.
#[derive(Debug)]
pub struct KeptProfile {
    browser: Arc<Browser>,
    context: String,
    answered: Option<Answered>,
    logged_in: bool,
    /// What lies in the profile.
    left: HashMap<Key, Value>,
}

impl KeptProfile {
    /// A profile nobody used before.
    pub async fn open(browser: Arc<Browser>) -> Result<Self, BrowserError> {
        let context = browser.new_context().await?;
        Ok(Self {
            browser,
            context,
            answered: None,
            logged_in: false,
            left: HashMap::new(),
        })
    }

    /// The browser it lives in.
    pub fn browser(&self) -> &Arc<Browser> {
        &self.browser
    }

    /// The browser context.
    pub(super) fn context(&self) -> &str {
        &self.context
    }

    pub(super) fn answered(&self) -> Option<&Answered> {
        self.answered.as_ref()
    }

    /// Brings along what the visitor has from elsewhere, once.
    pub(super) async fn log_in(&mut self, login: &Login) {
        if self.logged_in {
            return;
        }
        self.logged_in = true;
        self.left = login.left();
        if let Err(error) = login.give(self.browser.root(), &self.context).await {
            tracing::warn!(%error, "the cookies of the login could not be set");
        }
    }

    /// Throws the profile away, and hands its browser out.
    pub async fn close(self) -> Arc<Browser> {
        if let Err(error) = self.browser.dispose_context(&self.context).await {
            tracing::debug!(%error, "the profile could not be thrown away");
        }
        self.browser
    }

    /// Remembers the answer and what was left behind, and takes out of the visit what was there before it.
    pub(super) fn learn(&mut self, plan: &Plan, visit: &mut Visit) {
        let mut now = left_behind(&visit.snapshot);
        // What was there and was not even read is there still. A visit that broke off took no stock of
        // what is left.
        let counted = visit.outcome == Outcome::Complete;
        for (key, value) in &self.left {
            let gone = counted && is_gone(key, &visit.snapshot);
            if now.len() < MOST_REMEMBERED && !gone {
                now.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        if !self.left.is_empty() {
            take_out(&mut visit.snapshot, &self.left);
        }
        if self.answered.is_none() && visit.choice.made && visit.outcome == Outcome::Complete {
            self.answered = Some(Answered {
                choice: Choice {
                    carried_from: Some(plan.url.to_string()),
                    clicked_ms: None,
                    confirmed_ms: None,
                    ..visit.choice.clone()
                },
                banner: Banner {
                    screenshot: None,
                    ..visit.banner.clone()
                },
            });
        }
        self.left = now;
    }
}

impl Course<'_> {
    /// A page of the site after the visitor answered on another one: watch it, nothing is to be answered.
    pub(super) async fn go_on(&mut self, answered: Answered) -> Result<(), Failure> {
        self.choice = answered.choice;
        self.watch(self.plan.manner.dwell).await?;
        self.settle().await?;
        self.note_what_is_said().await;
        let again = banner::look(&self.stage.worlds()).await;
        if let Some(live) = again.filter(|live| live.asks_like(&answered.banner)) {
            self.picture_of_banner(&live).await;
            self.reappeared = true;
            if !self.choice.outcomes.contains(&ChoiceOutcome::Reappeared) {
                self.choice.outcomes.push(ChoiceOutcome::Reappeared);
            }
            self.say(
                DiagnosticCode::BannerReappeared,
                "the banner asked again on another page of the site",
            );
        }
        Ok(())
    }
}

fn key_of_cookie(cookie: &Cookie) -> Key {
    let place = cookie.domain.clone();
    (
        None,
        place,
        cookie.path.clone(),
        cookie.name.clone(),
        cookie.partition_key.clone(),
    )
}

fn key_of_entry(entry: &StorageEntry) -> Key {
    let origin = entry.origin.clone();
    (
        Some(entry.kind),
        origin,
        String::new(),
        entry.key.clone(),
        entry.partition.clone(),
    )
}

/// Everything that lies in the profile at the end of a visit.
fn left_behind(snapshot: &Snapshot) -> HashMap<Key, Value> {
    let cookies = snapshot.cookies.iter().filter(|cookie| cookie.alive);
    // What a tab alone can see goes with it.
    let entries = snapshot
        .storage
        .iter()
        .filter(|entry| entry.alive && entry.kind != StorageKind::SessionStorage);
    let fingerprint = |value: &Value| Value {
        text: None,
        ..value.clone()
    };
    cookies
        .map(|cookie| (key_of_cookie(cookie), fingerprint(&cookie.value)))
        .chain(entries.map(|entry| (key_of_entry(entry), fingerprint(&entry.value))))
        .take(MOST_REMEMBERED)
        .collect()
}

/// Whether a page removed an item that lay in the profile.
fn is_gone(key: &Key, snapshot: &Snapshot) -> bool {
    let of_cookie = |cookie: &Cookie| !cookie.alive && key_of_cookie(cookie) == *key;
    let of_entry = |entry: &StorageEntry| !entry.alive && key_of_entry(entry) == *key;
    match key.0 {
        None => snapshot.cookies.iter().any(of_cookie),
        Some(_) => snapshot.storage.iter().any(of_entry),
    }
}

/// Takes out what an earlier page left and this one did not touch; what it did touch was there before.
pub(super) fn take_out(snapshot: &mut Snapshot, left: &HashMap<Key, Value>) {
    snapshot
        .cookies
        .retain_mut(|cookie| match left.get(&key_of_cookie(cookie)) {
            Some(before) => is_touched(&mut cookie.writes, before),
            None => true,
        });
    snapshot
        .storage
        .retain_mut(|entry| match left.get(&key_of_entry(entry)) {
            Some(before) => is_touched(&mut entry.writes, before),
            None => true,
        });
}

/// Drops the write that only says that the item was there, and says whether any other is left.
fn is_touched(writes: &mut Vec<Write>, before: &Value) -> bool {
    let same =
        |value: &Value| value.fingerprint == before.fingerprint && value.length == before.length;
    if let Some(at) = writes
        .iter()
        .position(|write| write.set_by.is_none() && !write.deleted && same(&write.value))
    {
        writes.remove(at);
    }
    if let Some(first) = writes.first_mut()
        && first.effect == Effect::Created
    {
        first.effect = if same(&first.value) {
            Effect::Extended
        } else {
            Effect::Overwritten
        };
    }
    !writes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::snapshot::Setter;
    use crate::model::visit::PhaseName;

    fn write(value: &str, by_a_page: bool, effect: Effect) -> Write {
        Write {
            at_ms: 5,
            phase: PhaseName::Revisit,
            value: Value::new(value),
            lifetime_s: None,
            deleted: effect == Effect::Deleted,
            effect,
            refused: Vec::new(),
            set_by: by_a_page.then(|| Setter::Script { stack: Vec::new() }),
            line: None,
        }
    }

    #[test]
    fn what_an_earlier_page_left_is_no_fact_about_this_one() {
        let before = Value::new("old");
        for (writes, touched, first) in [
            (vec![write("old", false, Effect::Created)], false, None),
            (
                vec![
                    write("old", false, Effect::Created),
                    write("new", true, Effect::Overwritten),
                ],
                true,
                Some(Effect::Overwritten),
            ),
            (
                vec![write("new", true, Effect::Created)],
                true,
                Some(Effect::Overwritten),
            ),
            (
                vec![write("old", true, Effect::Created)],
                true,
                Some(Effect::Extended),
            ),
            (
                vec![
                    write("old", false, Effect::Created),
                    write("", false, Effect::Deleted),
                ],
                true,
                Some(Effect::Deleted),
            ),
            (
                vec![write("new", false, Effect::Created)],
                true,
                Some(Effect::Overwritten),
            ),
        ] {
            let mut left = writes.clone();
            assert_eq!(is_touched(&mut left, &before), touched, "{writes:?}");
            assert_eq!(left.first().map(|write| write.effect), first, "{writes:?}");
        }
    }
}
