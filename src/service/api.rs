//! The HTTP API under `/api/v1`: one file for each resource, each handler with what the OpenAPI document
//! says of it.
//!
//! Names are plural; a collection is `{ "items": […], "next": … }`, where `next` goes into `after` of the
//! next request. Times are RFC 3339 in UTC. Errors are problem details.

#![allow(
    unused_qualifications,
    reason = "what describes a handler repeats the types of its arguments"
)]

mod channels;
mod deliveries;
mod operations;
mod schedules;
mod sites;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::Service;

/// Entries of a page when nobody asks for more or less, and most of them.
const ON_A_PAGE: usize = 50;
const MOST_ON_A_PAGE: usize = 500;

#[derive(OpenApi)]
#[openapi(
    info(title = "Consentinel", description = "Audits of consent on websites, on schedule."),
    servers((url = "/api/v1"))
)]
struct Document;

/// The API's routes, with the document that describes them.
pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::with_openapi(Document::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .merge(channels::router())
            .merge(deliveries::router())
            .merge(operations::router())
            .merge(schedules::router())
            .merge(sites::router()),
    )
}

/// Which part of a collection is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
struct Part {
    /// Begin after this: `next` of the part before.
    after: Option<String>,
    /// Most items, up to 500; 50 unless said.
    limit: Option<usize>,
}

impl Part {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(ON_A_PAGE).clamp(1, MOST_ON_A_PAGE)
    }
}

/// A part of a collection.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Items<T> {
    /// The items, in their order.
    items: Vec<T>,
    /// What `after` has to be to see what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

impl<T> Items<T> {
    /// The first of these, and where to go on. `id` names what an item is called in `after`.
    fn of<E>(
        entries: impl Iterator<Item = Result<T, E>>,
        part: &Part,
        id: impl Fn(&T) -> String,
    ) -> Result<Self, E> {
        let limit = part.limit();
        let mut items = entries.take(limit + 1).collect::<Result<Vec<T>, E>>()?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(id);
        Ok(Self { items, next })
    }
}
