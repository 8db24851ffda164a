//! The catalog: services by name, and who is behind what was observed.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{Versioned, tag};
use super::{Items, Part};
use crate::catalog::answer::{Answer, ObservedKind, Question};
use crate::catalog::schema::Service as Entry;
use crate::model::finding::Category;
use crate::service::Service;
use crate::service::access::MayRead;
use crate::service::error::Problem;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(matching))
        .routes(routes!(show))
}

/// A service of the catalog in short.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct ServiceListed {
    /// Its id.
    id: String,
    /// What it is called.
    name: String,
    /// Its consent category.
    category: Category,
    /// Id of its section.
    sector: String,
    /// Who offers it.
    vendor: Option<String>,
    /// The vendor's country, ISO 3166-1 alpha-2.
    country: Option<String>,
}

impl ServiceListed {
    fn of(entry: &Entry) -> Self {
        Self {
            id: entry.id.clone(),
            name: entry.name.clone(),
            category: entry.category,
            sector: entry.sector.clone(),
            vendor: entry.vendor_name().map(str::to_owned),
            country: entry.vendor_country().map(str::to_owned),
        }
    }
}

/// Which services are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    /// Only those whose id, name or other name has this in it.
    #[param(max_length = 200)]
    #[serde(deserialize_with = "super::cursor")]
    text: Option<String>,
    /// Only those of this consent category.
    category: Option<Category>,
    /// Only those of this section.
    sector: Option<String>,
    /// Those of imported data sets in the place of those written by hand.
    imported: bool,
    /// Begin after this: `next` of the part before.
    #[serde(deserialize_with = "super::cursor")]
    #[param(max_length = 200)]
    after: Option<String>,
    /// Most items; 50 unless said.
    #[serde(deserialize_with = "super::limit")]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
}

impl Wanted {
    fn wants(&self, entry: &Entry) -> bool {
        let text_fits = self.text.as_ref().is_none_or(|text| {
            let text = text.to_lowercase();
            let mut names = std::iter::once(&entry.name).chain(&entry.aliases);
            entry.id.contains(&text) || names.any(|name| name.to_lowercase().contains(&text))
        });
        text_fits
            && self
                .category
                .is_none_or(|category| entry.category == category)
            && self
                .sector
                .as_ref()
                .is_none_or(|sector| entry.sector == *sector)
    }
}

/// Services of the catalog, by id.
#[utoipa::path(
    get,
    path = "/catalog",
    tag = "catalog",
    params(Wanted),
    responses((status = OK, description = "Services", body = Items<ServiceListed>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(wanted): Query<Wanted>,
) -> Result<Json<Items<ServiceListed>>, Problem> {
    let items = service
        .apart(move |service| {
            let catalog = service.catalog()?;
            let entries: Box<dyn Iterator<Item = &Entry>> = if wanted.imported {
                Box::new(catalog.imported())
            } else {
                Box::new(catalog.services())
            };
            let after = wanted.after.as_deref().unwrap_or_default();
            let fitting = entries
                .filter(|entry| entry.id.as_str() > after && wanted.wants(entry))
                .map(|entry| Ok::<_, Problem>(ServiceListed::of(entry)));
            let part = Part {
                after: None,
                limit: wanted.limit,
            };
            Items::of(fitting, &part, |entry| entry.id.clone())
        })
        .await?;
    Ok(Json(items))
}

/// Everything about one service.
#[utoipa::path(
    get,
    path = "/catalog/{id}",
    tag = "catalog",
    params(("id" = String, Path, description = "The service's id", example = "kustomer")),
    responses((status = OK, description = "The service", body = Entry)),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    service
        .apart(move |service| {
            let catalog = service.catalog()?;
            let entry = catalog.service(&id).ok_or_else(|| {
                let hint = catalog.nearest_id(&id).map_or_else(
                    || "`GET /api/v1/catalog` lists them".to_owned(),
                    |nearest| format!("did you mean {nearest}?"),
                );
                Problem::not_found(format!("no such service; {hint}"))
            })?;
            let shown = Versioned {
                tag: tag(&[&catalog.info().version, &entry.id]),
                body: entry,
            };
            Ok(shown.into_response())
        })
        .await
}

/// What was observed.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Observed {
    /// What kind of thing it is.
    #[param(inline)]
    kind: ObservedKind,
    /// Its name, key, address or path.
    #[serde(default)]
    name: String,
    /// Where: a cookie's domain, the host of a storage's origin or of a request.
    host: Option<String>,
    /// Host of the page it was observed on.
    site: Option<String>,
}

/// Who is behind a cookie, a storage entry or a request, how sure that is, and why.
#[utoipa::path(
    get,
    path = "/catalog/match",
    tag = "catalog",
    params(Observed),
    responses((status = OK, description = "What the catalog says", body = Answer)),
)]
async fn matching(
    State(service): State<Service>,
    _: MayRead,
    Query(observed): Query<Observed>,
) -> Result<Json<Answer>, Problem> {
    let answer = service
        .apart(move |service| {
            let catalog = service.catalog()?;
            Ok(catalog.answer(&Question {
                kind: observed.kind,
                name: &observed.name,
                host: observed.host.as_deref(),
                site: observed.site.as_deref(),
                value: "",
            }))
        })
        .await?;
    Ok(Json(answer))
}
