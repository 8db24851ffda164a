//! Tells people what is new: by webhook, by e-mail, in their chat.
//!
//! [`note`] writes down what is to be told when an audit is over; [`run`] sends it, and again, until it
//! arrives or a day has passed. Each alert is a delivery of its own for each channel.

pub mod channel;
pub mod delivery;
mod forms;
mod mail;
pub mod message;
mod outbox;
mod outside;
pub mod secret;
mod sending;
mod signature;
mod told;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Service;
use super::audit::{Audit, Standing};
use super::error::Problem;
use super::id::{new_id, slug};
use crate::store::StoreError;
use channel::{Channel, ChannelShown, Occasion, Wanted};
use delivery::Delivery;
pub use forms::SCHEMA;
use message::{AuditTold, FindingsTold, Message, SiteTold};
pub(super) use outbox::Outbox;
pub use sending::run;
pub use told::Told;
use told::{News, Seen};

/// Most channels.
const MOST_CHANNELS: usize = 200;
/// Audits looked at when the service starts, for one that was over just when the service ended.
const LOOKED_BACK: usize = 64;

/// Takes note of an audit that is over: what is to be told of it is on disk when this returns.
///
/// May block: never on an async thread.
pub fn note(service: &Service, audit: &Audit) {
    if let Err(problem) = noted(service, audit) {
        tracing::error!(audit.id, problem.detail, "nobody could be told of an audit");
    }
}

fn noted(service: &Service, audit: &Audit) -> Result<(), Problem> {
    let occasions: &[Occasion] = match audit.standing {
        Standing::Finished => &[Occasion::NewFindings, Occasion::FixedFindings],
        Standing::Failed => &[Occasion::FailedAudit],
        _ => return Ok(()),
    };
    let mut channels = Vec::new();
    for channel in service.shelves().channels.all() {
        let channel = channel?.1;
        let was_there = audit
            .finished
            .is_none_or(|finished| channel.created <= finished);
        let wants = |occasion: &Occasion| channel.wants(&audit.site, *occasion);
        if was_there && occasions.iter().any(wants) {
            channels.push(channel);
        }
    }
    if channels.is_empty() {
        return Ok(());
    }
    let site = service.shelves().sites.get(&audit.site)?;
    let site = SiteTold {
        id: audit.site.clone(),
        name: message::name_told(site.as_ref().map_or(&audit.site, |site| &site.name)),
        url: message::address_told(&audit.url),
    };
    let seen = match (&audit.run, audit.standing) {
        (Some(run), Standing::Finished) => Some(Seen::of(service, &audit.site, run)?),
        _ => None,
    };
    for channel in channels {
        let news = match &seen {
            Some(seen) => Some(News::of(service, &channel, audit, seen)?),
            None => None,
        };
        let message = told_of(
            service,
            audit,
            &site,
            &channel,
            news.as_ref(),
            seen.as_ref(),
        );
        if let Some(message) = message {
            // The same for the same audit: however often it is noted, it is told once.
            let id = format!("{}.{}", audit.id, channel.id);
            post(
                service,
                Delivery::new(id, &channel.id, &channel.name, message),
            )?;
        }
        if let Some(news) = news {
            news.remember(service)?;
        }
    }
    service.store().flush()?;
    service.outbox().ring();
    Ok(())
}

/// What a channel is told of an audit, if it is anything.
fn told_of(
    service: &Service,
    audit: &Audit,
    site: &SiteTold,
    channel: &Channel,
    news: Option<&News>,
    seen: Option<&Seen>,
) -> Option<Message> {
    let mut events = Vec::new();
    let mut new = FindingsTold::default();
    let mut fixed = FindingsTold::default();
    if let Some(news) = news {
        if news.new.count > 0 && channel.wants(&audit.site, Occasion::NewFindings) {
            events.push(Occasion::NewFindings);
            new = news.new.clone();
        }
        if news.fixed.count > 0 && channel.wants(&audit.site, Occasion::FixedFindings) {
            events.push(Occasion::FixedFindings);
            fixed = news.fixed.clone();
        }
    } else if audit.standing == Standing::Failed {
        events.push(Occasion::FailedAudit);
    }
    if events.is_empty() {
        return None;
    }
    let result = audit.result.clone().unwrap_or_default();
    let link = match &audit.run {
        Some(run) if seen.is_some() => format!("/runs/{run}"),
        _ => format!("/audits/{}", audit.id),
    };
    Some(Message {
        events,
        site: site.clone(),
        audit: Some(AuditTold {
            id: audit.id.clone(),
            asked_by: message::name_told(&audit.asked_by),
            finished: audit.finished,
            pages: result.pages,
            incomplete_pages: result.incomplete_pages,
            findings: seen.map_or(0, |seen| seen.open.len() as u64),
            error: (audit.standing == Standing::Failed).then(|| {
                message::error_told(audit.error.as_deref().unwrap_or("the reason is not known"))
            }),
        }),
        run: audit.run.clone(),
        link: Some(service.options().public_address(&link)),
        new,
        fixed,
    })
}

/// Puts a delivery on its way, unless it is already; shortened until it fits.
fn post(service: &Service, mut delivery: Delivery) -> Result<(), StoreError> {
    loop {
        match service.shelves().deliveries.add(&delivery.id, &delivery) {
            Ok(added) => {
                if added {
                    service.outbox().take_in(&delivery);
                }
                return Ok(());
            }
            Err(StoreError::TooLarge { .. }) if delivery.message.shorten() => {}
            Err(error) => return Err(error),
        }
    }
}

/// Notes what was over when the service ended, before anybody could take note of it.
fn catch_up(service: &Service) -> Result<(), Problem> {
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    let mut sites = BTreeSet::new();
    for entry in service.shelves().audits.all().rev().take(LOOKED_BACK) {
        let audit = entry?.1;
        let is_over = audit.finished.filter(|_| audit.standing.is_over());
        if is_over.is_some_and(|finished| finished > yesterday) && sites.insert(audit.site.clone())
        {
            noted(service, &audit)?;
        }
    }
    Ok(())
}

/// Removes deliveries that came about before `before` and are no longer tried. Returns how many.
pub fn forget_deliveries(service: &Service, before: Timestamp) -> Result<usize, StoreError> {
    let shelf = &service.shelves().deliveries;
    let mut removed = 0;
    for entry in shelf.all() {
        let (id, delivery) = entry?;
        if delivery.created < before && delivery.standing != delivery::Standing::Waiting {
            shelf.remove(&id)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Forgets what channels were told of a site that is no more.
pub fn forget_site(service: &Service, site: &str) -> Result<(), StoreError> {
    told::forget(service, None, Some(site))
}

impl Service {
    /// Adds a channel. May block: never on an async thread.
    pub fn add_channel(&self, wanted: Wanted) -> Result<ChannelShown, Problem> {
        let shelf = &self.shelves().channels;
        if shelf.all().count() >= MOST_CHANNELS {
            return Err(Problem::conflict(
                "there are 200 channels; remove one that is no longer needed",
            ));
        }
        let short: String = slug(wanted.name.as_deref().unwrap_or_default())
            .chars()
            .take(40)
            .collect();
        let (mut channel, made) = wanted.new_channel(&short)?;
        let mut number = 2;
        while !shelf.add(&channel.id, &channel)? {
            channel.id = format!("{short}-{number}");
            number += 1;
        }
        self.store().flush()?;
        Ok(shown_once(channel, made))
    }

    /// Changes a channel. May block: never on an async thread.
    pub fn change_channel(&self, id: &str, wanted: &Wanted) -> Result<ChannelShown, Problem> {
        let mut refused = None;
        let mut made = None;
        let changed = self.shelves().channels.change(id, |channel| {
            match wanted.clone().changed(channel) {
                Ok((changed, secret)) => {
                    *channel = changed;
                    made = secret;
                    true
                }
                Err(problem) => {
                    refused = Some(problem);
                    false
                }
            }
        })?;
        if let Some(problem) = refused {
            return Err(problem);
        }
        self.store().flush()?;
        let channel = changed.ok_or_else(no_such_channel)?;
        Ok(shown_once(channel, made))
    }

    /// Removes a channel, with what it was told. May block: never on an async thread.
    pub fn remove_channel(&self, id: &str) -> Result<(), Problem> {
        if !self.shelves().channels.remove(id)? {
            return Err(no_such_channel());
        }
        told::forget(self, Some(id), None)?;
        Ok(self.store().flush()?)
    }

    /// Sends a test to a channel. May block: never on an async thread.
    pub fn test_channel(&self, id: &str) -> Result<Delivery, Problem> {
        let channel = self
            .shelves()
            .channels
            .get(id)?
            .ok_or_else(no_such_channel)?;
        if !channel.enabled {
            return Err(Problem::conflict(
                "the channel is switched off; switch it on first",
            ));
        }
        let message = Message::test(&channel.name);
        let delivery = Delivery::new(new_id(), &channel.id, &channel.name, message);
        post(self, delivery.clone())?;
        self.store().flush()?;
        self.outbox().ring();
        Ok(delivery)
    }

    /// Sends a delivery again. May block: never on an async thread.
    pub fn deliver_again(&self, id: &str) -> Result<Delivery, Problem> {
        let now = Timestamp::now();
        let mut was_waiting = false;
        let changed = self.shelves().deliveries.change(id, |delivery| {
            was_waiting = delivery.standing == delivery::Standing::Waiting;
            if !was_waiting {
                delivery.begin_again(now);
            }
            !was_waiting
        })?;
        let delivery = changed.ok_or_else(|| {
            Problem::not_found("no such delivery; `GET /api/v1/deliveries` lists them")
        })?;
        if was_waiting {
            return Err(Problem::conflict("it is still being tried"));
        }
        self.store().flush()?;
        self.outbox().take_in(&delivery);
        self.outbox().ring();
        Ok(delivery)
    }
}

fn no_such_channel() -> Problem {
    Problem::not_found("no such channel; `GET /api/v1/channels` lists them")
}

/// A channel as it is shown to the one who had a secret made for it.
fn shown_once(channel: Channel, made: Option<secret::Secret>) -> ChannelShown {
    ChannelShown {
        secret: made.map(|secret| secret.expose().to_owned()),
        ..ChannelShown::from(channel)
    }
}
