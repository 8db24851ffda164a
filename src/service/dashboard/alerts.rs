//! Alerts: where they go, and what became of them.

use axum::Router;

use crate::service::Service;

pub(super) fn router() -> Router<Service> {
    Router::new()
}
