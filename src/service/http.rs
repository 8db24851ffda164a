//! Every request comes in here: which part answers it, and what holds for all of them.

use axum::Router;

use super::{Service, api};

/// Everything the service answers.
pub fn router(service: Service) -> Router {
    Router::new().merge(api::routes(&service))
}
