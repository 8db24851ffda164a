//! Sites: what is audited.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answers::{Read, Versioned, created, meant_for, tag};
use super::{Items, Part, ROOT};
use crate::service::Service;
use crate::service::access::{MayAdmin, MayAudit, MayRead};
use crate::service::board::SiteStanding;
use crate::service::error::Problem;
use crate::service::id::slug;
use crate::service::site::{Settings, Site};

/// Longest address, in characters.
const LONGEST_ADDRESS: usize = 2_048;
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Sites of one name.
const MOST_OF_ONE_NAME: usize = 1_000;

pub(super) fn router() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(show, change, remove))
        .routes(routes!(standing))
}

/// A site as it is added or changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Shop",
    "url": "https://shop.example/",
    "settings": { "max_pages": 20, "profile": "de" }
}))]
struct SiteWanted {
    /// What people call it.
    #[schema(min_length = 1, max_length = 200, pattern = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$")]
    name: String,
    /// The page audits begin at.
    #[schema(max_length = 2048, pattern = r"^https?://[^\s\x00-\x20\x7f]+$")]
    url: String,
    /// How it is audited; as the command line does unless said.
    #[serde(default)]
    settings: Settings,
}

impl SiteWanted {
    /// What is wrong with it.
    fn check(&self) -> Result<(), Problem> {
        let length = self.name.chars().count();
        if self.name.trim().is_empty()
            || length > LONGEST_NAME
            || self.name.chars().any(|letter| letter.is_ascii_control())
        {
            return Err(Problem::invalid(
                "/name",
                format!("a name has 1 to {LONGEST_NAME} characters, not all of them blank"),
            ));
        }
        check_address("/url", &self.url)?;
        for (number, page) in self.settings.pages.iter().enumerate() {
            check_address(&format!("/settings/pages/{number}"), page)?;
        }
        Ok(())
    }
}

/// An address a visitor can open.
fn check_address(pointer: &str, address: &str) -> Result<(), Problem> {
    let wrong = |what: &str| Err(Problem::invalid(pointer, what));
    let begins_right = ["http://", "https://"]
        .iter()
        .any(|scheme| address.starts_with(scheme));
    let is_blank = |letter: char| letter.is_whitespace() || letter.is_control();
    if !begins_right || address.contains(is_blank) || address.chars().count() > LONGEST_ADDRESS {
        return wrong("expected an address such as https://shop.example/");
    }
    match Url::parse(address) {
        Err(error) => wrong(&format!("this is no address: {error}")),
        Ok(url) if url.host_str().is_none_or(str::is_empty) => wrong("the address names no host"),
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            wrong("an address must not carry a name or a password")
        }
        Ok(_) => Ok(()),
    }
}

/// The version of a site.
fn version(site: &Site) -> String {
    tag(&[&site.id, &site.changed.to_string()])
}

fn no_such_site() -> Problem {
    Problem::not_found("no such site; `GET /api/v1/sites` lists them")
}

/// The site of that id. May block.
pub(super) fn find(service: &Service, id: &str) -> Result<Site, Problem> {
    let site = service.shelves().sites.get(id)?;
    site.ok_or_else(no_such_site)
}

/// All sites, by id.
#[utoipa::path(
    get,
    path = "/sites",
    tag = "sites",
    params(Part),
    responses((status = OK, description = "Sites", body = Items<Site>)),
)]
async fn list(
    State(service): State<Service>,
    _: MayRead,
    Query(part): Query<Part>,
) -> Result<Read<Items<Site>>, Problem> {
    let items = service
        .apart(move |service| {
            let after = part.after.clone().unwrap_or_default();
            let sites = service.shelves().sites.after(&after);
            let sites = sites.map(|entry| entry.map(|(_, site)| site));
            Ok(Items::of(sites, &part, |site| site.id.clone())?)
        })
        .await?;
    Ok(Read(items))
}

/// Adds a site. Its id is made from its name.
#[utoipa::path(
    post,
    path = "/sites",
    tag = "sites",
    request_body = SiteWanted,
    responses((status = CREATED, description = "The site was added", body = Site)),
)]
async fn create(
    State(service): State<Service>,
    _: MayAudit,
    Json(wanted): Json<SiteWanted>,
) -> Result<Response, Problem> {
    wanted.check()?;
    let site = service
        .apart(move |service| {
            let now = Timestamp::now();
            let mut site = Site {
                id: String::new(),
                name: wanted.name,
                url: wanted.url,
                settings: wanted.settings,
                created: now,
                changed: now,
            };
            let base = slug(&site.name);
            for number in 1..=MOST_OF_ONE_NAME {
                site.id = match number {
                    1 => base.clone(),
                    number => format!("{base}-{number}"),
                };
                if service.shelves().sites.add(&site.id, &site)? {
                    service.store().flush()?;
                    return Ok(site);
                }
            }
            Err(Problem::conflict(
                "there are too many sites of this name; choose another one",
            ))
        })
        .await?;
    let place = format!("{ROOT}/sites/{}", site.id);
    Ok(created(&place, &version(&site), &site))
}

/// One site.
#[utoipa::path(
    get,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses((status = OK, description = "The site", body = Site)),
)]
async fn show(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Versioned<Site>, Problem> {
    let site = service.apart(move |service| find(service, &id)).await?;
    Ok(Versioned {
        tag: version(&site),
        body: site,
    })
}

/// Changes a site: everything that is not named is as it is for a new one.
#[utoipa::path(
    put,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    request_body = SiteWanted,
    responses(
        (status = OK, description = "The site as it is now", body = Site),
        (status = PRECONDITION_FAILED, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn change(
    State(service): State<Service>,
    _: MayAudit,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(wanted): Json<SiteWanted>,
) -> Result<Versioned<Site>, Problem> {
    wanted.check()?;
    let site = service
        .apart(move |service| {
            let mut stale = Ok(());
            let changed = service.shelves().sites.change(&id, |site| {
                stale = meant_for(&headers, &version(site));
                if stale.is_err() {
                    return false;
                }
                site.name.clone_from(&wanted.name);
                site.url.clone_from(&wanted.url);
                site.settings = wanted.settings.clone();
                site.changed = Timestamp::now();
                true
            });
            // An id no site can have has none.
            let site = match changed {
                Err(crate::store::StoreError::NoKey(_)) => None,
                changed => changed?,
            };
            stale?;
            service.store().flush()?;
            site.ok_or_else(no_such_site)
        })
        .await?;
    Ok(Versioned {
        tag: version(&site),
        body: site,
    })
}

/// Removes a site. Its audits that are open are cancelled; its runs stay until they are deleted.
#[utoipa::path(
    delete,
    path = "/sites/{id}",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses(
        (status = NO_CONTENT, description = "The site is gone"),
        (status = PRECONDITION_FAILED, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
    ),
)]
async fn remove(
    State(service): State<Service>,
    _: MayAdmin,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    service
        .apart(move |service| {
            let site = find(service, &id)?;
            meant_for(&headers, &version(&site))?;
            service.shelves().sites.remove(&id)?;
            service.store().flush()?;
            for audit in service.board().site(&id).open.into_keys() {
                service.call_off(&audit)?;
            }
            service.board().forget(&id);
            Ok(StatusCode::NO_CONTENT)
        })
        .await
}

/// How a site stands: its last audits, and those that wait or run.
#[utoipa::path(
    get,
    path = "/sites/{id}/standing",
    tag = "sites",
    params(("id" = String, Path, description = "The site's id", example = "shop")),
    responses((status = OK, description = "How it stands", body = SiteStanding)),
)]
async fn standing(
    State(service): State<Service>,
    _: MayRead,
    Path(id): Path<String>,
) -> Result<Read<SiteStanding>, Problem> {
    let standing = service
        .apart(move |service| {
            find(service, &id)?;
            Ok(service.board().site(&id))
        })
        .await?;
    Ok(Read(standing))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn site(name: &str, url: &str) -> SiteWanted {
        SiteWanted {
            name: name.to_owned(),
            url: url.to_owned(),
            settings: Settings::default(),
        }
    }

    #[test]
    fn what_a_site_may_be() {
        let long = "a".repeat(LONGEST_NAME + 1);
        let far = format!("https://shop.test/{}", "a".repeat(LONGEST_ADDRESS));
        for (name, url, wrong) in [
            ("Shop", "https://shop.test/", None),
            ("店", "http://127.0.0.1:8080/a?b=c#d", None),
            ("S", "https://[::1]/", None),
            ("", "https://shop.test/", Some("/name")),
            (" \u{a0}", "https://shop.test/", Some("/name")),
            ("a\nb", "https://shop.test/", Some("/name")),
            (&long, "https://shop.test/", Some("/name")),
            ("Shop", "shop.test", Some("/url")),
            ("Shop", "", Some("/url")),
            ("Shop", "file:///etc/passwd", Some("/url")),
            ("Shop", "javascript:alert(1)", Some("/url")),
            ("Shop", "https://", Some("/url")),
            ("Shop", " https://shop.test/", Some("/url")),
            ("Shop", "https://shop.test/\n", Some("/url")),
            ("Shop", "https://anna:secret@shop.test/", Some("/url")),
            ("Shop", &far, Some("/url")),
        ] {
            let checked = site(name, url).check();
            let pointer = checked.err().map(|problem| problem.pointer.unwrap());
            assert_eq!(pointer.as_deref(), wrong, "{name:?} {url:?}");
        }
    }

    #[test]
    fn pages_are_checked_like_the_first_one() {
        let mut wanted = site("Shop", "https://shop.test/");
        wanted.settings.pages = vec!["https://shop.test/a".to_owned(), "ftp://b".to_owned()];
        let problem = wanted.check().unwrap_err();
        assert_eq!(problem.pointer.as_deref(), Some("/settings/pages/1"));
    }
}
