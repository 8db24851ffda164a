//! Every request comes in here: which part answers it, and what holds for all of them.

use axum::Router;

use super::{Service, api, dashboard, operations};

/// Everything the service answers.
pub fn router(service: Service) -> Router {
    let (api, _document) = api::router().split_for_parts();
    api.merge(dashboard::router())
        .merge(operations::routes())
        .layer(axum::middleware::from_fn(operations::requests::observe))
        .with_state(service)
}
