//! Findings of a site that somebody has accepted for a time: accepting one, and taking that back.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::finding;
use super::frame::{Empty, LONGEST_NAME, LONGEST_PROSE, Refusal, Sent, Viewer};
use super::run::{address_of, site_of};
use crate::model::finding::Finding;
use crate::report::shown;
use crate::service::Service;
use crate::service::accepted::{AcceptanceWish, Accepted};
use crate::service::error::Problem;

pub(super) fn router() -> Router<Service> {
    Router::new()
        .route("/runs/{run}/findings/{id}/accept", post(accept))
        .route("/sites/{site}/accepted/{id}/remove", post(stop))
}

/// What a finding's page says of accepting it.
#[derive(Debug, Default)]
pub(super) struct Acceptable {
    /// Who accepted it, why, and until when; empty when nobody did.
    pub(super) words: String,
    /// Where the form goes; none for a run that belongs to no site.
    pub(super) action: Option<String>,
    /// What is wrong in the form, and the field it is wrong in.
    pub(super) wrong: Option<(String, String)>,
    /// What was typed.
    pub(super) reason: String,
    pub(super) expires: String,
}

/// An acceptance in a list.
pub(super) struct AcceptedRow {
    pub(super) id: String,
    /// What is accepted, part by part.
    pub(super) what: Vec<(&'static str, String)>,
    pub(super) reason: String,
    pub(super) by: String,
    pub(super) until: String,
    pub(super) expired: bool,
}

impl AcceptedRow {
    fn of(accepted: &Accepted, today: Date) -> Self {
        let what = &accepted.what;
        let parts = [
            ("finding", &what.finding),
            ("rule", &what.rule),
            ("host", &what.host),
            ("name", &what.name),
            ("page", &what.page),
        ];
        Self {
            id: accepted.id.clone(),
            what: parts
                .into_iter()
                .filter_map(|(part, text)| Some((part, shown(text.as_ref()?, LONGEST_NAME))))
                .collect(),
            reason: shown(&what.reason, LONGEST_PROSE),
            by: shown(&accepted.by, LONGEST_NAME),
            until: what.expires.to_string(),
            expired: what.expires < today,
        }
    }
}

fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// What is accepted on a site.
pub(super) fn of_site(service: &Service, site: &str) -> Result<Vec<AcceptedRow>, Problem> {
    let today = today();
    let accepted = service.accepted(site)?;
    Ok(accepted
        .iter()
        .map(|accepted| AcceptedRow::of(accepted, today))
        .collect())
}

/// What the page of a finding of a run says of accepting it. `site` is the run's.
pub(super) fn of_finding(
    service: &Service,
    run: &str,
    site: Option<&str>,
    finding: &Finding,
) -> Result<Acceptable, Problem> {
    let Some(site) = site else {
        return Ok(Acceptable::default());
    };
    let today = today();
    let known = service.accepted(site)?;
    let since = known.iter().rev().find(|accepted| {
        accepted.what.finding.as_deref() == Some(&finding.id) && accepted.what.expires >= today
    });
    let words = match (since, &finding.accepted) {
        (Some(accepted), _) => format!(
            "Accepted by {} until {}: {}",
            accepted.by, accepted.what.expires, accepted.what.reason
        ),
        (None, Some(accepted)) => format!(
            "Accepted by {} until {}: {}",
            accepted.owner, accepted.until, accepted.reason
        ),
        (None, None) => String::new(),
    };
    Ok(Acceptable {
        words: shown(&words, LONGEST_PROSE),
        action: Some(format!("{}/accept", address_of(run, &finding.id))),
        ..Acceptable::default()
    })
}

/// Why, and the last day.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    reason: String,
    expires: String,
}

async fn accept(
    State(service): State<Service>,
    Path((run, id)): Path<(String, String)>,
    sent: Sent<Fields>,
) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    let (of_run, finding, fields) = (run.clone(), id.clone(), form.clone());
    let by = viewer.0.name.clone();
    let accepted = service
        .apart(move |service| accepted(service, &of_run, finding, &fields, &by))
        .await;
    match accepted {
        Ok(accepted) => {
            let address = format!("/sites/{}#accepted", accepted.site);
            Ok(Redirect::to(&address).into_response())
        }
        Err(problem) if problem.pointer.is_some() => {
            again(service, viewer, run, id, form, problem).await
        }
        Err(problem) => Err(problem.into()),
    }
}

fn accepted(
    service: &Service,
    run: &str,
    finding: String,
    fields: &Fields,
    by: &str,
) -> Result<Accepted, Problem> {
    let known = service.run_head(run)?;
    if !known
        .report
        .findings
        .iter()
        .any(|known| known.id == finding)
    {
        return Err(Problem::not_found("the run has no such finding"));
    }
    let site = site_of(service, &known.record.id).ok_or_else(|| {
        Problem::conflict("only findings of a site that is audited here can be accepted")
    })?;
    let expires = fields.expires.trim().parse();
    let wish = AcceptanceWish {
        finding: Some(finding),
        rule: None,
        host: None,
        name: None,
        page: None,
        reason: fields.reason.trim().to_owned(),
        expires: expires
            .ok()
            .ok_or_else(|| Problem::invalid("/expires", "give a day such as 2027-03-31"))?,
    };
    service.accept(&site, wish, by)
}

/// The finding's page once more, with what is wrong in its form.
async fn again(
    service: Service,
    viewer: Viewer,
    run: String,
    id: String,
    fields: Fields,
    problem: Problem,
) -> Result<Response, Refusal> {
    let pointer = problem.pointer.unwrap_or_default();
    let wrong = (pointer.trim_start_matches('/').to_owned(), problem.detail);
    finding::again(service, viewer, run, id, move |acceptable| Acceptable {
        wrong: Some(wrong),
        reason: fields.reason,
        expires: fields.expires,
        ..acceptable
    })
    .await
}

async fn stop(
    State(service): State<Service>,
    Path((site, id)): Path<(String, String)>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    let site = service
        .apart(move |service| {
            let site = service.site(&site)?.id;
            service.stop_accepting(&site, &id)?;
            Ok(site)
        })
        .await?;
    Ok(Redirect::to(&format!("/sites/{site}#accepted")))
}
