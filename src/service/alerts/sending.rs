//! Sends what waits: again and again, until it arrives or a day has passed.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::channel::{Channel, Occasion, Target};
use super::delivery::{Attempt, Delivery, Standing, Verdict};
use super::mail::{self, NotSent};
use super::outside::{self, NoAnswer, Request, Vetted};
use super::signature::Key;
use super::{catch_up, forms};
use crate::service::Service;
use crate::service::error::Problem;

/// Most alerts being sent at a time.
const MOST_AT_ONCE: usize = 8;
/// How long what is being sent may go on when the service ends; what is not done is sent after the next start.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Sends until the service ends.
pub async fn run(service: Service, ends: CancellationToken) {
    let read = service
        .apart(|service| {
            for entry in service.shelves().deliveries.all() {
                let (_, delivery) = entry?;
                if delivery.standing == Standing::Waiting {
                    service.outbox().take_in(&delivery);
                }
            }
            catch_up(service)
        })
        .await;
    if let Err(problem) = read {
        tracing::error!(problem.detail, "alerts that waited cannot be read");
    }
    let mut under_way = JoinSet::new();
    loop {
        while under_way.len() < MOST_AT_ONCE
            && let Some((id, channel)) = service.outbox().claim(Timestamp::now())
        {
            let service = service.clone();
            under_way.spawn(async move {
                let quiet = attempt(&service, &id).await;
                service.outbox().done(&channel, quiet);
            });
        }
        let pause = if under_way.len() < MOST_AT_ONCE {
            service.outbox().pause(Timestamp::now())
        } else {
            outside::TIME_LIMIT
        };
        tokio::select! {
            () = ends.cancelled() => break,
            () = service.outbox().rung() => {}
            () = tokio::time::sleep(pause) => {}
            Some(_) = under_way.join_next(), if !under_way.is_empty() => {}
        }
    }
    let last = async { while under_way.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_WAIT, last).await.is_err() {
        tracing::info!("alerts that were being sent are sent again after the next start");
    }
}

/// Tries a delivery once, and returns until when its channel wants to be left alone.
async fn attempt(service: &Service, id: &str) -> Option<Timestamp> {
    let done = tried(service, id).await;
    match done {
        Ok(quiet) => quiet,
        Err(problem) => {
            tracing::error!(
                delivery.id = id,
                problem.detail,
                "a delivery cannot be read or written"
            );
            None
        }
    }
}

async fn tried(service: &Service, id: &str) -> Result<Option<Timestamp>, Problem> {
    let wanted = id.to_owned();
    let (delivery, channel) = service
        .apart(move |service| {
            let delivery = service.shelves().deliveries.get(&wanted)?;
            let channel = match &delivery {
                Some(delivery) => service.shelves().channels.get(&delivery.channel)?,
                None => None,
            };
            Ok((delivery, channel))
        })
        .await?;
    let Some(delivery) = delivery.filter(|delivery| delivery.standing == Standing::Waiting) else {
        return Ok(None);
    };
    let at = Timestamp::now();
    let clock = Instant::now();
    let outcome = match &channel {
        None => Outcome::never("the channel was removed"),
        Some(channel) if !channel.enabled => Outcome::never("the channel is switched off"),
        Some(channel) => send(service, channel, &delivery).await,
    };
    let attempt = Attempt {
        at,
        took_ms: clock.elapsed().as_millis() as u64,
        status: outcome.status,
        answer: outcome.answer,
        error: outcome.error,
    };
    let kind = channel
        .as_ref()
        .map_or("removed", |channel| channel.target.kind());
    settle(service, delivery, attempt, outcome.verdict, kind).await
}

/// Writes down what came of a try.
async fn settle(
    service: &Service,
    delivery: Delivery,
    attempt: Attempt,
    verdict: Verdict,
    kind: &'static str,
) -> Result<Option<Timestamp>, Problem> {
    let quiet = matches!(verdict, Verdict::Later(Some(_)));
    service
        .apart(move |service| {
            let chance = chance();
            let after = service
                .shelves()
                .deliveries
                .change(&delivery.id, |delivery| {
                    delivery.tried(attempt.clone(), &verdict, chance);
                    true
                })?;
            if verdict == Verdict::Unwanted {
                service
                    .shelves()
                    .channels
                    .change(&delivery.channel, |channel| {
                        channel.enabled = false;
                        channel.note = Some(
                            "switched off: the other side answered 410 Gone, it wants nothing more"
                                .to_owned(),
                        );
                        channel.changed = Timestamp::now();
                        true
                    })?;
            }
            service.store().flush()?;
            let Some(after) = after else {
                return Ok(None);
            };
            report(&after, kind);
            service.outbox().take_in(&after);
            Ok(after.next.filter(|_| quiet))
        })
        .await
}

/// Says in the log and in the metrics what came of a try.
fn report(delivery: &Delivery, kind: &'static str) {
    let status = delivery.last.as_ref().and_then(|attempt| attempt.status);
    let error = delivery
        .last
        .as_ref()
        .and_then(|attempt| attempt.error.as_deref());
    let outcome = match delivery.standing {
        Standing::Delivered => "delivered",
        Standing::GivenUp => "given-up",
        Standing::Waiting => "failed",
    };
    metrics::counter!("consentinel_delivery_attempts_total", "kind" => kind, "outcome" => outcome)
        .increment(1);
    if delivery.standing == Standing::Delivered {
        tracing::info!(
            delivery.id,
            channel.id = delivery.channel,
            attempts = delivery.attempts,
            "an alert was delivered"
        );
    } else {
        tracing::warn!(
            delivery.id,
            channel.id = delivery.channel,
            status,
            error,
            outcome,
            "an alert was not delivered"
        );
    }
}

/// Between 0 and 1, by chance: tries that failed together do not come again together.
fn chance() -> f64 {
    let mut random = [0_u8; 4];
    // Without randomness they do.
    if let Err(error) = getrandom::fill(&mut random) {
        tracing::debug!(%error, "the system has no random bytes");
    }
    f64::from(u32::from_be_bytes(random)) / f64::from(u32::MAX)
}

/// What came of a try.
struct Outcome {
    status: Option<u16>,
    answer: Option<String>,
    error: Option<String>,
    verdict: Verdict,
}

impl Outcome {
    fn never(error: impl Into<String>) -> Self {
        Self {
            status: None,
            answer: None,
            error: Some(error.into()),
            verdict: Verdict::Never,
        }
    }
}

async fn send(service: &Service, channel: &Channel, delivery: &Delivery) -> Outcome {
    if let Target::Email { to, smtp } = &channel.target {
        return by_mail(service, to, smtp.clone(), delivery).await;
    }
    let Some(request) = request(&channel.target, delivery) else {
        return Outcome::never("the channel has no address or secret that can be used");
    };
    let vetted = Vetted::of(service.options());
    match tokio::task::spawn_blocking(move || outside::send(request, vetted)).await {
        Ok(Ok(answer)) => {
            let (verdict, error) = match answer.status {
                200..=299 => (Verdict::Arrived, None),
                410 => (
                    Verdict::Unwanted,
                    Some("the other side wants nothing more".to_owned()),
                ),
                300..=399 => (
                    Verdict::Later(answer.retry_after),
                    Some("the other side sent us elsewhere; redirects are not followed".to_owned()),
                ),
                status => (
                    Verdict::Later(answer.retry_after),
                    Some(format!("the other side answered {status}")),
                ),
            };
            Outcome {
                status: Some(answer.status),
                answer: Some(answer.text).filter(|text| !text.is_empty()),
                error,
                verdict,
            }
        }
        Ok(Err(error @ NoAnswer::Inside)) => Outcome::never(error.to_string()),
        Ok(Err(NoAnswer::Failed(error))) => Outcome {
            verdict: Verdict::Later(None),
            ..Outcome::never(error)
        },
        Err(error) => Outcome {
            verdict: Verdict::Later(None),
            ..Outcome::never(format!("sending broke off: {error}"))
        },
    }
}

async fn by_mail(
    service: &Service,
    to: &[String],
    smtp: Option<super::channel::Smtp>,
    delivery: &Delivery,
) -> Outcome {
    let smtp = match smtp {
        Some(smtp) => Some(smtp),
        None => service
            .apart(|service| Ok(service.settings()?.smtp))
            .await
            .ok()
            .flatten(),
    };
    let Some(smtp) = smtp else {
        return Outcome::never(
            "no mail server is set, in the channel or in the service's settings",
        );
    };
    let outcome = |status, answer, error, verdict| Outcome {
        status,
        answer,
        error,
        verdict,
    };
    match mail::send(&smtp, to, delivery, &Vetted::of(service.options())).await {
        Ok(taken) => outcome(Some(taken.status), Some(taken.text), None, Verdict::Arrived),
        Err(NotSent::Never { status, error }) => outcome(status, None, Some(error), Verdict::Never),
        Err(NotSent::Later { status, error }) => {
            outcome(status, None, Some(error), Verdict::Later(None))
        }
    }
}

/// The request a delivery makes; none for what is no webhook.
fn request(target: &Target, delivery: &Delivery) -> Option<Request> {
    let message = &delivery.message;
    let (method, url, body) = match target {
        Target::Webhook { url, .. } => {
            let body = forms::webhook(&delivery.id, delivery.created, message);
            ("POST", url.expose().to_owned(), body)
        }
        Target::Slack { url } => ("POST", url.expose().to_owned(), forms::slack(message)),
        Target::Teams { url } => ("POST", url.expose().to_owned(), forms::teams(message)),
        Target::Matrix {
            homeserver, room, ..
        } => {
            let mut url = homeserver.clone();
            // The homeserver takes the same transaction once; one that is asked for again is another.
            let transaction = format!("{}.{}", delivery.id, delivery.again);
            url.path_segments_mut().ok()?.pop_if_empty().extend([
                "_matrix",
                "client",
                "v3",
                "rooms",
                room,
                "send",
                "m.room.message",
                &transaction,
            ]);
            ("PUT", url.into(), forms::matrix(message))
        }
        Target::Email { .. } => return None,
    };
    let body = serde_json::to_vec(&body).ok()?;
    let mut headers = Vec::new();
    match target {
        Target::Webhook { secret, .. } => {
            let now = Timestamp::now();
            let signature = Key::of(secret.as_ref()?)?.sign(&delivery.id, now, &body)?;
            let event = message.events.first().copied().unwrap_or(Occasion::Test);
            headers.push(("webhook-id", delivery.id.clone()));
            headers.push(("webhook-timestamp", now.as_second().to_string()));
            headers.push(("webhook-signature", signature));
            headers.push(("consentinel-event", event.as_str().to_owned()));
        }
        Target::Matrix { access_token, .. } => {
            headers.push(("authorization", format!("Bearer {}", access_token.expose())));
        }
        _ => {}
    }
    Some(Request {
        method,
        url,
        headers,
        body,
    })
}
