//! Schedules: when sites are audited.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Items, Object, Part};
use crate::service::Service;
use crate::service::access::{MayAudit, MayRead};
use crate::service::audit::Audit;
use crate::service::error::Problem;
use crate::service::schedule::{Schedule, ScheduleWish, preview};

/// How many of its next times a schedule is shown with.
const NEXT_TIMES: usize = 5;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(times))
        .routes(routes!(show, change, remove))
        .routes(routes!(run))
}

/// A schedule, and when it is due.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Shown {
    /// The schedule.
    #[serde(flatten)]
    schedule: Schedule,
    /// The next five times it asks for an audit, the delay by chance included; none when it is off.
    next: Vec<Timestamp>,
}

impl From<Schedule> for Shown {
    fn from(schedule: Schedule) -> Self {
        Self {
            next: schedule.due_times().take(NEXT_TIMES).collect(),
            schedule,
        }
    }
}

/// All schedules, by id.
#[utoipa::path(
    get,
    path = "/schedules",
    tag = "schedules",
    params(Part),
    responses(
        (status = OK, body = Items<Shown>),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(part): Query<Part>,
) -> Result<Json<Items<Shown>>, Problem> {
    let items = service
        .apart(move |service| {
            let after = part.after.clone().unwrap_or_default();
            let schedules = service.shelves().schedules.after(&after);
            let shown = schedules.map(|entry| entry.map(|(_, schedule)| Shown::from(schedule)));
            Ok(Items::of(shown, &part, |shown| shown.schedule.id.clone())?)
        })
        .await?;
    Ok(Json(items))
}

/// Adds a schedule.
#[utoipa::path(
    post,
    path = "/schedules",
    tag = "schedules",
    request_body = ScheduleWish,
    responses(
        (status = CREATED, body = Shown, headers(("location" = String, description = "Where it is"))),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn create(
    State(service): State<Service>,
    _: MayAudit,
    Object(wish): Object<ScheduleWish>,
) -> Result<(StatusCode, [(HeaderName, HeaderValue); 1], Json<Shown>), Problem> {
    let schedule = service
        .apart(move |service| service.add_schedule(wish))
        .await?;
    let location = format!("/api/v1/schedules/{}", schedule.id);
    let location = HeaderValue::try_from(location).map_err(|error| Problem::internal(&error))?;
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(schedule.into()),
    ))
}

/// One schedule.
#[utoipa::path(
    get,
    path = "/schedules/{id}",
    tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id")),
    responses(
        (status = OK, body = Shown),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    let schedule = service.apart(move |service| service.schedule(&id)).await?;
    Ok(Json(schedule.into()))
}

/// Changes a schedule. What was due before is not caught up.
#[utoipa::path(
    put,
    path = "/schedules/{id}",
    tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id")),
    request_body = ScheduleWish,
    responses(
        (status = OK, body = Shown),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(service): State<Service>,
    _: MayAudit,
    Path(id): Path<String>,
    Object(wish): Object<ScheduleWish>,
) -> Result<Json<Shown>, Problem> {
    let schedule = service
        .apart(move |service| service.change_schedule(&id, &wish))
        .await?;
    Ok(Json(schedule.into()))
}

/// Removes a schedule. Audits it asked for stay.
#[utoipa::path(
    delete,
    path = "/schedules/{id}",
    tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id")),
    responses(
        (status = NO_CONTENT),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAudit,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    service
        .apart(move |service| service.remove_schedule(&id))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for an audit now, whenever the schedule is due.
#[utoipa::path(
    post,
    path = "/schedules/{id}/run",
    tag = "schedules",
    params(("id" = String, Path, description = "The schedule's id")),
    responses(
        (status = ACCEPTED, body = Audit),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn run(
    State(service): State<Service>,
    MayAudit(caller): MayAudit,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Audit>), Problem> {
    let audit = service
        .apart(move |service| service.run_schedule(&id, &caller.name))
        .await?;
    Ok((StatusCode::ACCEPTED, Json(audit)))
}

/// What is to be previewed.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// When: minute, hour, day of the month, month, day of the week.
    #[param(example = "0 3 * * *")]
    cron: String,
    /// In which time zone; UTC unless said.
    #[param(example = "Europe/Berlin")]
    timezone: Option<String>,
}

/// When an expression is due.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Preview {
    /// Its next five times.
    next: Vec<Timestamp>,
}

/// The next five times of a cron expression, without a schedule.
#[utoipa::path(
    get,
    path = "/schedule-preview",
    tag = "schedules",
    params(Wanted),
    responses(
        (status = OK, body = Preview),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn times(_: MayRead, Query(wanted): Query<Wanted>) -> Result<Json<Preview>, Problem> {
    let timezone = wanted.timezone.as_deref().unwrap_or("UTC");
    let next = preview(&wanted.cron, timezone, Timestamp::now(), NEXT_TIMES)?;
    Ok(Json(Preview { next }))
}
