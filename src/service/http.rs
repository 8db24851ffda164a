//! Every request comes in here: which part answers it, and what holds for all of them.

use axum::Router;

use super::{Service, access, api};

/// Everything the service answers.
pub fn router(service: Service) -> Router {
    let routes = Router::new().merge(api::routes(&service));
    access::guarded(routes, service)
}
