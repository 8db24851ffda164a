//! Accepted findings: the baseline of a site.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::Read;
use super::{Items, Part, sites};
use crate::judge::rules;
use crate::service::Service;
use crate::service::accepted::Accepted;
use crate::service::access::{MayAudit, MayRead};
use crate::service::error::Problem;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 300;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(accept, take_back))
}

/// Why a finding is accepted, and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "goes with the relaunch", "expires": "2027-03-31" }))]
struct Acceptance {
    /// Why.
    #[schema(min_length = 1, max_length = 300, pattern = r"\S")]
    reason: String,
    /// The last day it is accepted on.
    expires: Date,
}

/// What is accepted on a site, by finding; what has expired, too.
#[utoipa::path(
    get,
    path = "/sites/{id}/accepted",
    tag = "accepted",
    params(("id" = String, Path, description = "The site's id", example = "shop"), Part),
    responses((status = OK, description = "Accepted findings", body = Items<Accepted>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
    Query(part): Query<Part>,
) -> Result<Read<Items<Accepted>>, Problem> {
    let items = service
        .apart(move |service| {
            sites::find(service, &id)?;
            let accepted = service.accepted(&id)?.into_iter();
            let after = part.after.clone().unwrap_or_default();
            let accepted = accepted.filter(|accepted| accepted.finding > after);
            Items::of(accepted.map(Ok::<_, Problem>), &part, |accepted| {
                accepted.finding.clone()
            })
        })
        .await?;
    Ok(Read(items))
}

/// Accepts a finding of a site for a time.
#[utoipa::path(
    put,
    path = "/sites/{id}/accepted/{finding}",
    tag = "accepted",
    params(
        ("id" = String, Path, description = "The site's id", example = "shop"),
        ("finding" = String, Path, description = "The finding's id", example = "R02-0123456789ab"),
    ),
    request_body = Acceptance,
    responses(
        (status = OK, description = "It was accepted before; this is said of it now", body = Accepted),
        (status = CREATED, description = "It is accepted now", body = Accepted),
    ),
)]
async fn accept(
    State(service): State<Service>,
    MayAudit(caller): MayAudit,
    Path((id, finding)): Path<(String, String)>,
    Json(wanted): Json<Acceptance>,
) -> Result<Response, Problem> {
    let reason = wanted.reason.trim();
    if reason.is_empty() || wanted.reason.chars().count() > LONGEST_REASON {
        return Err(Problem::invalid(
            "/reason",
            format!("a reason has 1 to {LONGEST_REASON} characters, not all of them blank"),
        ));
    }
    if !is_id(&finding) {
        return Err(Problem::not_found(
            "this is no id of a finding; ids are like R02-0123456789ab",
        ));
    }
    let accepted = Accepted {
        site: id,
        finding,
        reason: reason.to_owned(),
        by: caller.name,
        expires: wanted.expires,
        accepted: Timestamp::now(),
    };
    let (accepted, is_new) = service
        .apart(move |service| {
            sites::find(service, &accepted.site)?;
            let is_new = service.accept(&accepted)?;
            Ok((accepted, is_new))
        })
        .await?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok((status, Json(accepted)).into_response())
}

/// Whether this can be the id of a finding: its rule, and twelve hexadecimal digits.
fn is_id(finding: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    finding.rsplit_once('-').is_some_and(|(rule, digits)| {
        digits.len() == 12
            && digits.bytes().all(digit)
            && rules::find(rule).is_some_and(|found| found.id == rule)
    })
}

/// Takes an acceptance back: the finding is open again.
#[utoipa::path(
    delete,
    path = "/sites/{id}/accepted/{finding}",
    tag = "accepted",
    params(
        ("id" = String, Path, description = "The site's id", example = "shop"),
        ("finding" = String, Path, description = "The finding's id", example = "R02-0123456789ab"),
    ),
    responses((status = NO_CONTENT, description = "It is not accepted any more")),
)]
async fn take_back(
    State(service): State<Service>,
    _: MayAudit,
    Path((id, finding)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let was_there = service
        .apart(move |service| {
            sites::find(service, &id)?;
            Ok(service.take_back(&id, &finding)?)
        })
        .await?;
    if was_there {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found(
            "this finding is not accepted; `/sites/{id}/accepted` lists those that are",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_findings() {
        for (id, expected) in [
            ("R02-0123456789ab", true),
            ("R02-0123456789AB", false),
            ("R02-0123456789a", false),
            ("R02-0123456789abc", false),
            ("R2222-0123456789ab", false),
            ("pre-known-tracking-cookie-0123456789ab", false),
            ("-0123456789ab", false),
            ("R02/../-0123456789ab", false),
            ("", false),
        ] {
            assert_eq!(is_id(id), expected, "{id}");
        }
    }
}
