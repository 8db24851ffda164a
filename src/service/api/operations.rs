//! Operation: settings, removing what is old, backup and restore.

use axum::Json;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Object;
use crate::service::Service;
use crate::service::access::MayAdmin;
use crate::service::error::Problem;
use crate::service::operations::backup::RestoredShown;
use crate::service::operations::retention::Cleaned;
use crate::service::operations::settings::{ServiceSettings, SettingsShown};
use crate::store::StoreError;

/// Largest backup that is taken in, in bytes.
const LARGEST_BACKUP: u64 = 1 << 40;

pub(super) fn router() -> OpenApiRouter<Service> {
    let large = OpenApiRouter::new()
        .routes(routes!(restore))
        .layer(DefaultBodyLimit::disable());
    OpenApiRouter::new()
        .routes(routes!(show_settings, set_settings))
        .routes(routes!(clean))
        .routes(routes!(backup))
        .merge(large)
}

/// The settings of the service.
#[utoipa::path(
    get,
    path = "/settings",
    tag = "operation",
    responses(
        (status = OK, body = SettingsShown),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn show_settings(
    State(service): State<Service>,
    _: MayAdmin,
) -> Result<Json<SettingsShown>, Problem> {
    let settings = service.apart(|service| Ok(service.settings()?)).await?;
    Ok(Json(settings.into()))
}

/// Puts these settings in the place of those there are. What is left out is as it is at first.
#[utoipa::path(
    put,
    path = "/settings",
    tag = "operation",
    request_body = ServiceSettings,
    responses(
        (status = OK, body = SettingsShown),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn set_settings(
    State(service): State<Service>,
    _: MayAdmin,
    Object(settings): Object<ServiceSettings>,
) -> Result<Json<SettingsShown>, Problem> {
    let settings = service.apart(move |service| service.set(settings)).await?;
    Ok(Json(settings))
}

/// Removes now what the settings say is too old; otherwise it happens once a day.
#[utoipa::path(
    post,
    path = "/cleanup",
    tag = "operation",
    responses(
        (status = OK, body = Cleaned),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn clean(State(service): State<Service>, _: MayAdmin) -> Result<Json<Cleaned>, Problem> {
    Ok(Json(service.clean().await?))
}

/// The whole store in one file, as `consentinel store export` writes it. It holds everything that is secret.
#[utoipa::path(
    get,
    path = "/backup",
    tag = "operation",
    responses(
        (status = OK, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn backup(State(service): State<Service>, _: MayAdmin) -> Result<Response, Problem> {
    let (file, length) = service.back_up().await?;
    let stream = ReaderStream::new(tokio::fs::File::from_std(file));
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"consentinel.store\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// Brings back what is missing out of a backup: runs, sites, schedules, channels, accepted findings, settings
/// and audits that were over. What is there stays as it is. Accounts, sessions, tokens, deliveries and the
/// journal are not brought back; for those, take the backup into an empty folder with
/// `consentinel store import`. Nothing is taken from a backup that is not whole.
#[utoipa::path(
    post,
    path = "/restore",
    tag = "operation",
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = OK, body = RestoredShown),
        (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
        (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn restore(
    State(service): State<Service>,
    _: MayAdmin,
    body: Body,
) -> Result<Json<RestoredShown>, Problem> {
    let (file, path) = service
        .apart(|service| Ok(service.temporary()?.into_parts()))
        .await?;
    let failed = |error| Problem::from(StoreError::File(path.to_path_buf(), error));
    let mut file = tokio::fs::File::from_std(file);
    let mut stream = body.into_data_stream();
    let mut length = 0;
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| {
            Problem::bad_request(format!("the backup did not come through: {error}"))
        })?;
        length += part.len() as u64;
        if length > LARGEST_BACKUP {
            return Err(Problem::bad_request("the backup is larger than a terabyte"));
        }
        file.write_all(&part).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    drop(file);
    Ok(Json(service.restore(path).await?))
}
