//! Alerts: the channels they go through, and what became of each.

use std::collections::BTreeSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::frame::{
    Answer, Choice, Empty, Frame, LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, Moment, Part, Refusal,
    Sent, Shown, Viewer,
};
use crate::model::finding::Severity;
use crate::report::{number, shown, wording};
use crate::service::Service;
use crate::service::alerts::channel::{ChannelShown, Occasion, Target, TargetShown, Wanted};
use crate::service::alerts::delivery::{Delivery, DeliveryShown, Standing};
use crate::service::alerts::secret::Secret;
use crate::service::error::Problem;

/// Deliveries on a page.
const ON_A_PAGE: usize = 50;

/// The kinds of channels, with their words.
const KINDS: [(&str, &str); 5] = [
    ("email", "E-mail"),
    ("webhook", "Webhook"),
    ("slack", "Slack, Mattermost"),
    ("teams", "Microsoft Teams"),
    ("matrix", "Matrix"),
];
const SEVERITIES: [Severity; 5] = [
    Severity::Info,
    Severity::Low,
    Severity::Medium,
    Severity::High,
    Severity::Critical,
];

pub(super) fn router() -> Router<Service> {
    let new = |viewer: Viewer, Query(of): Query<OfKind>| async move { new(&viewer, &of.kind) };
    Router::new()
        .route("/alerts", get(alerts))
        .route("/alerts/new", get(new).post(add))
        .route("/alerts/{id}", get(edit).post(change))
        .route("/alerts/{id}/test", post(test))
        .route("/alerts/{id}/remove", get(ask_to_remove).post(remove))
        .route("/deliveries/{id}/again", post(again))
}

/// A channel in a list.
struct ChannelRow {
    id: String,
    name: String,
    kind: &'static str,
    target: String,
    hears: String,
    enabled: bool,
    note: String,
}

/// A delivery in a list.
struct DeliveryRow {
    id: String,
    created: Moment,
    channel: String,
    headline: String,
    standing: &'static str,
    tone: &'static str,
    attempts: String,
    next: Option<Moment>,
    answer: String,
    is_over: bool,
}

#[derive(Template)]
#[template(path = "alerts.html", config = "src/service/dashboard/askama.toml")]
struct AlertsPage {
    frame: Frame,
    channels: Vec<ChannelRow>,
    deliveries: Vec<DeliveryRow>,
    older: Option<String>,
}

fn kind_words(kind: &str) -> &'static str {
    let known = KINDS.into_iter().find(|(known, _)| *known == kind);
    known.map_or("unknown", |(_, words)| words)
}

/// Where a channel sends to, without anything secret.
fn target_words(target: &TargetShown) -> String {
    let words = match (&target.origin, &target.room) {
        (Some(origin), Some(room)) => format!("{room} on {origin}"),
        (Some(origin), None) => origin.clone(),
        (None, _) => target.to.join(", "),
    };
    shown(&words, LONGEST_URL)
}

fn occasion_words(occasion: Occasion) -> &'static str {
    match occasion {
        Occasion::NewFindings => "new findings",
        Occasion::FixedFindings => "fixed findings",
        Occasion::FailedAudit => "failed audits",
        Occasion::Test => "tests",
    }
}

impl ChannelRow {
    fn of(channel: ChannelShown) -> Self {
        let events: Vec<&str> = channel.events.iter().copied().map(occasion_words).collect();
        let sites: Vec<String> = channel
            .sites
            .iter()
            .take(5)
            .map(|site| shown(site, LONGEST_NAME))
            .collect();
        let of = match (sites.as_slice(), channel.sites.len()) {
            ([], _) => "all sites".to_owned(),
            (named, count) if count > named.len() => {
                format!(
                    "{} and {} more sites",
                    named.join(", "),
                    count - named.len()
                )
            }
            (named, _) => named.join(", "),
        };
        Self {
            kind: kind_words(&channel.target.kind),
            target: target_words(&channel.target),
            hears: format!(
                "{} of {of}, from severity {}",
                events.join(", "),
                wording::severity(channel.minimum_severity)
            ),
            name: shown(&channel.name, LONGEST_NAME),
            enabled: channel.enabled,
            note: shown(channel.note.as_deref().unwrap_or_default(), LONGEST_PROSE),
            id: channel.id,
        }
    }
}

impl DeliveryRow {
    fn of(delivery: Delivery) -> Self {
        let delivery = DeliveryShown::from(delivery);
        let last = delivery.last.as_ref();
        let answer = last.and_then(|last| last.error.as_ref().or(last.answer.as_ref()));
        let (standing, tone) = match delivery.standing {
            Standing::Waiting => ("waiting", "run"),
            Standing::Delivered => ("delivered", "good"),
            Standing::GivenUp => ("given up", "bad"),
        };
        Self {
            created: Moment(delivery.created),
            channel: shown(&delivery.channel_name, LONGEST_NAME),
            headline: shown(&delivery.headline, 300),
            standing,
            tone,
            attempts: number(delivery.attempts as usize),
            next: delivery.next.map(Moment),
            answer: shown(answer.map_or("", String::as_str), 300),
            is_over: delivery.standing != Standing::Waiting,
            id: delivery.id,
        }
    }
}

/// Which deliveries are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ListWish {
    before: String,
}

async fn alerts(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<ListWish>,
) -> Answer<AlertsPage> {
    let page = service
        .apart(move |service| {
            let mut channels = Vec::new();
            for entry in service.shelves().channels.all() {
                channels.push(ChannelRow::of(ChannelShown::from(entry?.1)));
            }
            let before = match wish.before.as_str() {
                // Greater than every id, which begins with a year.
                "" => "~",
                before => before,
            };
            let shelf = service.shelves().deliveries.before(before);
            let mut deliveries = Vec::new();
            for entry in shelf.rev().take(ON_A_PAGE) {
                deliveries.push(DeliveryRow::of(entry?.1));
            }
            let last = deliveries.last().filter(|_| deliveries.len() == ON_A_PAGE);
            let older = last.map(|last| format!("/alerts?before={}", last.id));
            Ok(AlertsPage {
                frame: Frame::new(&viewer, Part::Alerts, "Alerts"),
                channels,
                deliveries,
                older,
            })
        })
        .await?;
    Ok(Shown(page))
}

/// A channel as a form says it: what is ticked is `on`, what is not is absent.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    kind: String,
    name: String,
    url: String,
    secret: String,
    homeserver: String,
    room: String,
    access_token: String,
    to: String,
    sites: String,
    new_findings: String,
    fixed_findings: String,
    failed_audit: String,
    minimum_severity: String,
    enabled: String,
}

fn ticked(is: bool) -> String {
    if is { "on" } else { "" }.to_owned()
}

fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(said)
}

impl Fields {
    /// Of a new channel.
    fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            new_findings: ticked(true),
            fixed_findings: ticked(true),
            failed_audit: ticked(true),
            minimum_severity: wording::severity(Severity::Low).to_owned(),
            enabled: ticked(true),
            ..Self::default()
        }
    }

    /// Of a channel as it is; what is secret is left empty.
    fn of(channel: &ChannelShown) -> Self {
        let sites: Vec<&str> = channel.sites.iter().map(String::as_str).collect();
        let hears = |occasion| ticked(channel.events.contains(&occasion));
        Self {
            kind: channel.target.kind.clone(),
            name: channel.name.clone(),
            room: channel.target.room.clone().unwrap_or_default(),
            to: channel.target.to.join("\n"),
            sites: sites.join("\n"),
            new_findings: hears(Occasion::NewFindings),
            fixed_findings: hears(Occasion::FixedFindings),
            failed_audit: hears(Occasion::FailedAudit),
            minimum_severity: wording::severity(channel.minimum_severity).to_owned(),
            enabled: ticked(channel.enabled),
            ..Self::default()
        }
    }

    /// Where alerts go; nothing when it is to stay as it is.
    fn target(&self, is_new: bool) -> Result<Option<Target>, Problem> {
        let secret = |text: &str| said(text).map(Secret::new);
        let stays = !is_new
            && match self.kind.as_str() {
                "matrix" => said(&self.access_token).is_none(),
                "email" => false,
                _ => said(&self.url).is_none(),
            };
        if stays {
            return Ok(None);
        }
        let url = Secret::new(self.url.trim());
        Ok(Some(match self.kind.as_str() {
            "webhook" => Target::Webhook {
                url,
                secret: secret(&self.secret),
            },
            "slack" => Target::Slack { url },
            "teams" => Target::Teams { url },
            "matrix" => Target::Matrix {
                homeserver: self.homeserver.trim().parse().ok().ok_or_else(|| {
                    Problem::invalid("/target/homeserver", "give the address of the homeserver")
                })?,
                room: self.room.trim().to_owned(),
                access_token: Secret::new(self.access_token.trim()),
            },
            "email" => Target::Email {
                to: lines(&self.to).collect(),
                smtp: None,
            },
            _ => return Err(Problem::bad_request("there is no such kind of channel")),
        }))
    }

    fn wanted(&self, is_new: bool) -> Result<Wanted, Problem> {
        let events = [
            (Occasion::NewFindings, &self.new_findings),
            (Occasion::FixedFindings, &self.fixed_findings),
            (Occasion::FailedAudit, &self.failed_audit),
        ];
        let events: BTreeSet<Occasion> = events
            .into_iter()
            .filter(|(_, said)| !said.is_empty())
            .map(|(occasion, _)| occasion)
            .collect();
        let severity = SEVERITIES
            .into_iter()
            .find(|severity| wording::severity(*severity) == self.minimum_severity);
        Ok(Wanted {
            name: Some(self.name.trim().to_owned()),
            enabled: Some(!self.enabled.is_empty()),
            target: self.target(is_new)?,
            sites: Some(lines(&self.sites).collect()),
            events: Some(events),
            minimum_severity: severity,
        })
    }
}

#[derive(Template)]
#[template(path = "alert_form.html", config = "src/service/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    /// The channel's id; empty for a new one.
    id: String,
    action: String,
    kinds: Vec<(&'static str, &'static str)>,
    /// Where it sends to now.
    target: String,
    wrong: Option<(String, String)>,
    fields: Fields,
    severities: Vec<Choice>,
}

impl FormPage {
    fn of(viewer: &Viewer, channel: Option<&ChannelShown>, fields: Fields) -> Self {
        let (title, action) = match channel {
            None => ("Add a channel".to_owned(), "/alerts/new".to_owned()),
            Some(channel) => (
                format!("Change {}", shown(&channel.name, LONGEST_NAME)),
                format!("/alerts/{}", channel.id),
            ),
        };
        Self {
            frame: Frame::new(viewer, Part::Alerts, title),
            id: channel
                .map(|channel| channel.id.clone())
                .unwrap_or_default(),
            action,
            kinds: KINDS.to_vec(),
            target: channel
                .map(|channel| target_words(&channel.target))
                .unwrap_or_default(),
            wrong: None,
            severities: SEVERITIES
                .map(|severity| {
                    let word = wording::severity(severity);
                    (
                        word.to_owned(),
                        word.to_owned(),
                        word == fields.minimum_severity,
                    )
                })
                .into(),
            fields,
        }
    }

    /// Whether a field is the one that is wrong.
    fn is_wrong(&self, field: &str) -> bool {
        matches!(&self.wrong, Some((wrong, _)) if wrong == field)
    }

    /// The words of the kind.
    fn kind(&self) -> &'static str {
        kind_words(&self.fields.kind)
    }

    /// Once more, with what is wrong; or what cannot be mended in it.
    fn refused(self, problem: Problem) -> Response {
        let Some(pointer) = &problem.pointer else {
            return Refusal::from(problem).into_response();
        };
        // `/target/to/3` is in the field `to`.
        let name = pointer
            .trim_start_matches("/target")
            .trim_start_matches('/');
        let field = match name.split('/').next().unwrap_or_default() {
            "events" => "new_findings",
            field => field,
        };
        let page = Self {
            wrong: Some((field.to_owned(), problem.detail)),
            ..self
        };
        (StatusCode::UNPROCESSABLE_ENTITY, Shown(page)).into_response()
    }
}

/// Of which kind a channel is to be.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OfKind {
    kind: String,
}

/// Channels hold secrets: they are kept by those who may do everything.
fn new(viewer: &Viewer, kind: &str) -> Answer<FormPage> {
    viewer.administers()?;
    let known = KINDS.into_iter().find(|(known, _)| *known == kind);
    let kind = known.map_or("email", |(kind, _)| kind);
    Ok(Shown(FormPage::of(viewer, None, Fields::new(kind))))
}

#[derive(Template)]
#[template(
    path = "alert_secret.html",
    config = "src/service/dashboard/askama.toml"
)]
struct SecretPage {
    frame: Frame,
    secret: String,
}

/// What is shown when a channel was kept: its secret, once, or the list.
fn kept(viewer: &Viewer, channel: ChannelShown) -> Response {
    match channel.secret {
        None => Redirect::to("/alerts").into_response(),
        Some(secret) => {
            let name = shown(&channel.name, LONGEST_NAME);
            let frame = Frame::new(viewer, Part::Alerts, format!("Secret of {name}"));
            Shown(SecretPage { frame, secret }).into_response()
        }
    }
}

async fn add(State(service): State<Service>, sent: Sent<Fields>) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    viewer.administers()?;
    let fields = form.clone();
    let added = service
        .apart(move |service| service.add_channel(form.wanted(true)?))
        .await;
    Ok(match added {
        Ok(channel) => kept(&viewer, channel),
        Err(problem) => FormPage::of(&viewer, None, fields).refused(problem),
    })
}

async fn channel(service: &Service, id: String) -> Result<ChannelShown, Problem> {
    let channel = service
        .apart(move |service| Ok(service.shelves().channels.get(&id)?))
        .await?;
    let channel = channel.ok_or_else(|| Problem::not_found("there is no such channel"))?;
    Ok(ChannelShown::from(channel))
}

async fn edit(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<FormPage> {
    viewer.administers()?;
    let channel = channel(&service, id).await?;
    let fields = Fields::of(&channel);
    Ok(Shown(FormPage::of(&viewer, Some(&channel), fields)))
}

async fn change(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Fields>,
) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    viewer.administers()?;
    let known = channel(&service, id).await?;
    // The kind of a channel stays.
    let form = Fields {
        kind: known.target.kind.clone(),
        ..form
    };
    let (id, fields) = (known.id.clone(), form.clone());
    let changed = service
        .apart(move |service| service.change_channel(&id, &form.wanted(false)?))
        .await;
    Ok(match changed {
        Ok(channel) => kept(&viewer, channel),
        Err(problem) => FormPage::of(&viewer, Some(&known), fields).refused(problem),
    })
}

async fn test(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    sent.viewer.administers()?;
    service
        .apart(move |service| service.test_channel(&id))
        .await?;
    Ok(Redirect::to("/alerts#deliveries"))
}

async fn again(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    sent.viewer.administers()?;
    service
        .apart(move |service| service.deliver_again(&id))
        .await?;
    Ok(Redirect::to("/alerts#deliveries"))
}

#[derive(Template)]
#[template(
    path = "alert_remove.html",
    config = "src/service/dashboard/askama.toml"
)]
struct RemovePage {
    frame: Frame,
    id: String,
    name: String,
}

async fn ask_to_remove(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<RemovePage> {
    viewer.administers()?;
    let channel = channel(&service, id).await?;
    let name = shown(&channel.name, LONGEST_NAME);
    Ok(Shown(RemovePage {
        frame: Frame::new(&viewer, Part::Alerts, format!("Remove {name}?")),
        id: channel.id,
        name,
    }))
}

async fn remove(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    sent.viewer.administers()?;
    service
        .apart(move |service| service.remove_channel(&id))
        .await?;
    Ok(Redirect::to("/alerts"))
}
