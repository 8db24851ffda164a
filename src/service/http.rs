//! Every request comes in here: which part answers it, and what holds for all of them.

use axum::Router;

use super::{Service, access, api, dashboard, operations};

/// Everything the service answers.
pub fn router(service: Service) -> Router {
    let routes = Router::new()
        .merge(api::routes(&service))
        .merge(dashboard::router().with_state(service.clone()))
        .merge(operations::routes().with_state(service.clone()));
    access::guarded(routes, service).layer(axum::middleware::from_fn(operations::requests::observe))
}
