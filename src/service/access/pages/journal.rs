//! The journal, for those who may do everything.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{Frame, Told, filters, framed, page};
use crate::service::Service;
use crate::service::access::MayAdmin;
use crate::service::access::journal::Entry;
use crate::service::error::Problem;

/// Entries on a page.
const ON_A_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "journal.html", config = "src/service/access/askama.toml")]
struct JournalPage {
    frame: Frame,
    heading: &'static str,
    told: Told,
    entries: Vec<Entry>,
    older: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Part {
    before: Option<String>,
}

pub(super) async fn list(
    State(service): State<Service>,
    MayAdmin(caller): MayAdmin,
    part: Result<Query<Part>, QueryRejection>,
) -> Result<Response, Problem> {
    let before = part.unwrap_or_default().0.before;
    let mut entries = service
        .apart(move |service| {
            let entries = service.access().entries_before(before.as_deref());
            let entries = entries.take(ON_A_PAGE + 1);
            Ok(entries.collect::<Result<Vec<Entry>, _>>()?)
        })
        .await?;
    let has_more = entries.len() > ON_A_PAGE;
    entries.truncate(ON_A_PAGE);
    let last = entries.last().map(|entry| entry.id.clone());
    let heading = "Journal";
    let told = Told::default();
    Ok(page(
        StatusCode::OK,
        &JournalPage {
            frame: framed(heading, Some(&caller), &told),
            heading,
            told,
            older: last.filter(|_| has_more),
            entries,
        },
    ))
}
