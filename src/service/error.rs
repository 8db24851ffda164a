//! What a request may be answered with when it cannot be done: problem details (RFC 9457).
//!
//! Inside the service errors are typed; where a request ends, they become a [`Problem`]. What the asker
//! cannot mend is logged here, once, and told in general words.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store::StoreError;

/// The media type of problem details (RFC 9457).
pub const PROBLEM: &str = "application/problem+json";

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// The kind of problem, such as `/problems/not-found`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words.
    pub title: String,
    /// The status code.
    pub status: u16,
    /// What is wrong this time, and what to do.
    pub detail: String,
    /// The field that is wrong, where it is one, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// How long to wait before asking again, in seconds; it is told in a header.
    #[serde(skip)]
    #[schema(ignore)]
    pub retry_after: Option<u64>,
}

impl Problem {
    fn new(kind: &str, title: &str, status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            pointer: None,
            retry_after: None,
        }
    }

    /// There is no such thing.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new("not-found", "Not found", StatusCode::NOT_FOUND, detail)
    }

    /// The request itself is wrong.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(
            "bad-request",
            "The request cannot be understood",
            StatusCode::BAD_REQUEST,
            detail,
        )
    }

    /// A field holds what it may not.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self {
            pointer: Some(pointer.to_owned()),
            ..Self::new(
                "invalid",
                "A field is not valid",
                StatusCode::UNPROCESSABLE_ENTITY,
                detail,
            )
        }
    }

    /// It does not fit what is there.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(
            "conflict",
            "This does not fit what is there",
            StatusCode::CONFLICT,
            detail,
        )
    }

    /// Nobody is signed in.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(
            "unauthorized",
            "Not signed in",
            StatusCode::UNAUTHORIZED,
            detail,
        )
    }

    /// Whoever is signed in may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new("forbidden", "Not allowed", StatusCode::FORBIDDEN, detail)
    }

    /// A problem that has no more to it than its status code.
    pub fn of_status(status: StatusCode, detail: impl Into<String>) -> Self {
        match status {
            StatusCode::UNPROCESSABLE_ENTITY => {
                Self::new("invalid", "A field is not valid", status, detail)
            }
            StatusCode::INTERNAL_SERVER_ERROR => {
                Self::new("internal", "The service failed", status, detail)
            }
            status => {
                let title = status.canonical_reason().unwrap_or("Not done");
                let kind = title.to_ascii_lowercase().replace(' ', "-");
                Self::new(&kind, title, status, detail)
            }
        }
    }

    /// A key that stands for another request already.
    pub fn key_reused(detail: impl Into<String>) -> Self {
        Self::new(
            "key-reused",
            "The key stands for another request",
            StatusCode::UNPROCESSABLE_ENTITY,
            detail,
        )
    }

    /// The service does not go by the name it was asked under.
    pub fn misdirected(detail: impl Into<String>) -> Self {
        let status = StatusCode::MISDIRECTED_REQUEST;
        Self::new(
            "misdirected",
            "Not the name of this service",
            status,
            detail,
        )
    }

    /// Somebody asks too often.
    pub fn too_many(detail: impl Into<String>, wait: Duration) -> Self {
        Self {
            retry_after: Some(whole_seconds(wait)),
            ..Self::new(
                "too-many-requests",
                "Too many requests",
                StatusCode::TOO_MANY_REQUESTS,
                detail,
            )
        }
    }

    /// The service has too much to do.
    pub fn busy(detail: impl Into<String>, wait: Duration) -> Self {
        Self {
            retry_after: Some(whole_seconds(wait)),
            ..Self::new("busy", "Busy", StatusCode::SERVICE_UNAVAILABLE, detail)
        }
    }

    /// A fault of ours. What it is stands in the log.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        tracing::error!(error, "a request failed");
        Self::new(
            "internal",
            "The service failed",
            StatusCode::INTERNAL_SERVER_ERROR,
            "the service could not do this; its log says why",
        )
    }
}

/// At least as long, in whole seconds.
pub(super) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs_f64().ceil().max(1.0) as u64
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.retry_after;
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if status == StatusCode::UNAUTHORIZED {
            // Says how to be known, as RFC 9110 (11.6.1) wants it.
            let scheme = HeaderValue::from_static("Bearer");
            headers.insert(header::WWW_AUTHENTICATE, scheme);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchRun(_) | StoreError::NoId(_) | StoreError::NoKey(_) => {
                Self::not_found(error.to_string())
            }
            StoreError::Unfinished(_) => Self::conflict(error.to_string()),
            StoreError::TooLarge { .. } => {
                Self::of_status(StatusCode::PAYLOAD_TOO_LARGE, error.to_string())
            }
            error => Self::internal(&error),
        }
    }
}
