//! Carries out audits: takes those that wait, one after another, and stores what came of them.
//!
//! What is to be done stands in the store. An audit that was being carried out when the service ended
//! waits again, and a crawl goes on where it was.

mod carry;
mod job;
pub(super) mod outcome;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::audit::{Audit, Standing};
use super::error::Problem;
use super::event::Event;
use super::id::new_id;
use super::site::Site;
use super::{Service, alerts};
use crate::store::StoreError;
use carry::Ended;

/// How often an audit is begun under which the service ends each time.
const MOST_TRIES: u32 = 3;
/// How long audits may take to end when the service does.
const END_LIMIT: Duration = Duration::from_secs(25);

/// The audits that are being carried out.
#[derive(Debug, Default)]
pub(super) struct Desk(Mutex<BTreeMap<String, AtWork>>);

/// An audit that is being carried out.
#[derive(Debug)]
struct AtWork {
    site: String,
    called_off: CancellationToken,
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, AtWork>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins an audit, unless one of the same site is being carried out. The token is heard when somebody
    /// calls it off.
    fn begin(&self, audit: &str, site: &str) -> Option<CancellationToken> {
        let mut at_work = self.lock();
        if at_work.values().any(|other| other.site == site) {
            return None;
        }
        let called_off = CancellationToken::new();
        let entry = AtWork {
            site: site.to_owned(),
            called_off: called_off.clone(),
        };
        at_work.insert(audit.to_owned(), entry);
        Some(called_off)
    }

    fn end(&self, audit: &str) {
        self.lock().remove(audit);
    }

    fn call_off(&self, audit: &str) {
        if let Some(at_work) = self.lock().get(audit) {
            at_work.called_off.cancel();
        }
    }
}

impl Service {
    /// Asks for an audit of a site. It waits for its turn, on disk, when this returns.
    ///
    /// May block: never on an async thread.
    pub fn ask(&self, site: &Site, asked_by: &str) -> Result<Audit, StoreError> {
        let audit = self.put_down(site, asked_by)?;
        self.store().flush()?;
        self.announce(&audit);
        Ok(audit)
    }

    /// Writes down that an audit is asked for. It is neither on disk yet nor known to anybody.
    pub(super) fn put_down(&self, site: &Site, asked_by: &str) -> Result<Audit, StoreError> {
        let audit = Audit {
            id: new_id(),
            site: site.id.clone(),
            url: site.url.clone(),
            settings: site.settings.clone(),
            asked_by: asked_by.chars().take(200).collect(),
            asked: Timestamp::now(),
            standing: Standing::Waiting,
            tries: 0,
            started: None,
            finished: None,
            run: None,
            result: None,
            error: None,
        };
        self.shelves().audits.put(&audit.id, &audit)?;
        Ok(audit)
    }

    /// Lets everybody know of an audit that is asked for.
    pub(super) fn announce(&self, audit: &Audit) {
        self.follow(audit);
        self.wake();
    }

    /// Calls an audit off: one that waits at once, one that runs as soon as its visits have ended.
    ///
    /// May block: never on an async thread.
    pub fn call_off(&self, id: &str) -> Result<Option<Audit>, StoreError> {
        let audit = self.shelves().audits.change(id, |audit| {
            let waits = audit.standing == Standing::Waiting;
            if waits {
                audit.standing = Standing::Cancelled;
                audit.finished = Some(Timestamp::now());
            }
            waits
        })?;
        self.store().flush()?;
        match &audit {
            Some(audit) if audit.standing == Standing::Running => self.desk().call_off(id),
            Some(audit) => self.follow(audit),
            None => {}
        }
        Ok(audit)
    }

    /// Lets the board and all listeners know how an audit stands.
    fn follow(&self, audit: &Audit) {
        self.board().note(audit);
        self.tell(Event::Audit {
            id: audit.id.clone(),
            site: audit.site.clone(),
            standing: audit.standing,
        });
        if audit.standing.is_over() {
            alerts::note(self, audit);
        }
    }

    /// Changes how an audit stands, on disk, and lets everybody know.
    fn put_standing(
        &self,
        id: &str,
        mut change: impl FnMut(&mut Audit) -> bool,
    ) -> Result<Option<Audit>, StoreError> {
        let mut changed = false;
        let audit = self.shelves().audits.change(id, |audit| {
            changed = change(audit);
            changed
        })?;
        self.store().flush()?;
        if let Some(audit) = audit.as_ref().filter(|_| changed) {
            self.follow(audit);
        }
        Ok(audit.filter(|_| changed))
    }
}

/// Carries out audits until the service ends.
pub async fn run(service: Service, ends: CancellationToken) {
    let prepared = service.apart(|service| Ok(take_up_again(service)?)).await;
    if prepared.is_err() {
        tracing::error!("audits that were being carried out could not be taken up again");
    }
    let at_once = service.options().audits_at_once.max(1);
    let mut at_work = JoinSet::new();
    while !ends.is_cancelled() {
        while at_work.len() < at_once {
            let Ok(Some((audit, called_off))) = service.apart(next).await else {
                break;
            };
            at_work.spawn(carry_out(service.clone(), audit, called_off, ends.clone()));
        }
        tokio::select! {
            () = ends.cancelled() => {}
            () = service.woken(), if at_work.len() < at_once => {}
            Some(_) = at_work.join_next(), if !at_work.is_empty() => {}
        }
    }
    let all = async { while at_work.join_next().await.is_some() {} };
    if tokio::time::timeout(END_LIMIT, all).await.is_err() {
        // What they were at is taken up again by the next start.
        tracing::warn!("audits did not end in time");
        at_work.shutdown().await;
    }
}

/// Carries out an audit that waits, now, and returns it as it is afterwards. For whoever has the service
/// to himself: nothing else carries out audits meanwhile.
pub async fn carry_out_now(
    service: &Service,
    audit: &Audit,
    ends: CancellationToken,
) -> Result<Audit, Problem> {
    let (id, site) = (audit.id.clone(), audit.site.clone());
    let begun = service
        .apart(move |service| begin(service, &id, &site))
        .await?;
    let Some((begun, called_off)) = begun else {
        return Err(Problem::conflict("the audit does not wait"));
    };
    carry_out(service.clone(), begun, called_off, ends).await;
    let id = audit.id.clone();
    service
        .apart(move |service| {
            let audit = service.shelves().audits.get(&id)?;
            audit.ok_or_else(|| Problem::not_found("the audit is gone"))
        })
        .await
}

/// What was being carried out when the service ended waits again; not for ever. For whoever begins to carry
/// out audits.
///
/// May block: never on an async thread.
pub fn take_up_again(service: &Service) -> Result<(), StoreError> {
    for (id, (site, _)) in service.board().open() {
        let gone = service.shelves().sites.get(&site)?.is_none();
        service.put_standing(&id, |audit| {
            if gone {
                end(audit, Standing::Cancelled, None);
                return true;
            }
            if audit.standing != Standing::Running {
                return false;
            }
            if audit.tries >= MOST_TRIES {
                let reason = format!(
                    "the service ended {} times while it carried this audit out; its log says why",
                    audit.tries
                );
                end(audit, Standing::Failed, Some(reason));
            } else {
                audit.standing = Standing::Waiting;
            }
            true
        })?;
    }
    Ok(())
}

fn end(audit: &mut Audit, standing: Standing, error: Option<String>) {
    audit.standing = standing;
    audit.finished = Some(Timestamp::now());
    audit.error = error;
}

/// The first audit that waits and whose site is not being audited, begun.
#[expect(clippy::unnecessary_wraps, reason = "work that is done apart may fail")]
fn next(service: &Service) -> Result<Option<(Audit, CancellationToken)>, Problem> {
    for (id, (site, standing)) in service.board().open() {
        if standing != Standing::Waiting {
            continue;
        }
        match begin(service, &id, &site) {
            Ok(None) => {}
            Ok(begun) => return Ok(begun),
            // One that cannot be read must not keep the others waiting.
            Err(problem) => tracing::error!(id, problem.detail, "an audit cannot be begun"),
        }
    }
    Ok(None)
}

fn begin(
    service: &Service,
    id: &str,
    site: &str,
) -> Result<Option<(Audit, CancellationToken)>, Problem> {
    let Some(called_off) = service.desk().begin(id, site) else {
        return Ok(None);
    };
    let begun = service.put_standing(id, |audit| {
        let waits = audit.standing == Standing::Waiting;
        if waits {
            audit.standing = Standing::Running;
            audit.tries += 1;
            audit.started = Some(Timestamp::now());
        }
        waits
    });
    match begun {
        Ok(Some(audit)) => Ok(Some((audit, called_off))),
        other => {
            service.desk().end(id);
            other?;
            Ok(None)
        }
    }
}

/// Carries out one audit to its end, and writes down what came of it.
async fn carry_out(
    service: Service,
    audit: Audit,
    called_off: CancellationToken,
    ends: CancellationToken,
) {
    let id = audit.id.clone();
    // On a task of its own: a fault of ours fails this audit, and no other.
    let carried = AbortOnDropHandle::new(tokio::spawn(carry::carry_out(
        service.clone(),
        audit,
        called_off.clone(),
        ends,
    )));
    let ended = carried.await.unwrap_or_else(|error| {
        tracing::error!(%error, id, "an audit broke off");
        Ended::failed("a fault of this program ended the audit; its log says more")
    });
    let written = {
        let id = id.clone();
        service
            .apart(move |service| Ok(write_down(service, &id, ended, called_off.is_cancelled())?))
            .await
    };
    if written.is_err() {
        tracing::error!(id, "what came of an audit could not be written down");
    }
    service.desk().end(&id);
    // Another audit of the site may be waiting for this one.
    service.wake();
}

fn write_down(
    service: &Service,
    id: &str,
    ended: Ended,
    called_off: bool,
) -> Result<(), StoreError> {
    let Ended {
        put_back,
        run,
        result,
        error,
    } = ended;
    let error = error.map(|error| error.chars().take(300).collect::<String>());
    service.put_standing(id, |audit| {
        if put_back && !called_off {
            audit.standing = Standing::Waiting;
            // That the service was ended in an orderly way is not this audit's fault.
            audit.tries = audit.tries.saturating_sub(1);
            return true;
        }
        audit.run.clone_from(&run);
        audit.result.clone_from(&result);
        let standing = match (called_off, &result) {
            (true, _) => Standing::Cancelled,
            (false, Some(_)) => Standing::Finished,
            (false, None) => Standing::Failed,
        };
        end(audit, standing, error.clone());
        true
    })?;
    Ok(())
}
