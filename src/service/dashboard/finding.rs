//! One finding of a run, with everything that proves it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::form_urlencoded;

use super::accepted::{self, Acceptable};
use super::frame::{Answer, Frame, LONGEST_NAME, Moment, Part, Refusal, Shown, Viewer};
use super::run::{address_of, site_of};
use crate::model::finding::Finding;
use crate::model::report::Page;
use crate::report::glance::{self, banner};
use crate::report::html::findings::FindingView;
use crate::report::html::page::BannerView;
use crate::report::shown;
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::runs::RunHead;

pub(super) fn router() -> Router<Service> {
    Router::new().route("/runs/{run}/findings/{id}", get(finding))
}

#[derive(Template)]
#[template(path = "finding.html", config = "src/service/dashboard/askama.toml")]
struct FindingPage {
    frame: Frame,
    run: String,
    site: Option<(String, String)>,
    seen_at: Moment,
    finding: FindingView,
    /// The rule's name.
    rule_name: String,
    /// The service behind it: id and name.
    service: Option<(String, String)>,
    /// The page's banner; absent when the page can no longer be read.
    banner: Option<BannerView>,
    /// Pictures that show it: address and caption.
    pictures: Vec<(String, String)>,
    /// What stands before and behind it in the run.
    neighbours: [Option<String>; 2],
    acceptable: Acceptable,
}

async fn finding(
    State(service): State<Service>,
    viewer: Viewer,
    Path((run, id)): Path<(String, String)>,
) -> Answer<FindingPage> {
    let page = service
        .apart(move |service| page(service, &viewer, &run, &id))
        .await?;
    Ok(Shown(page))
}

/// The page once more after its form was sent, with another view of the form.
pub(super) async fn again(
    service: Service,
    viewer: Viewer,
    run: String,
    id: String,
    change: impl FnOnce(Acceptable) -> Acceptable + Send + 'static,
) -> Result<Response, Refusal> {
    let page = service
        .apart(move |service| {
            let page = page(service, &viewer, &run, &id)?;
            Ok(FindingPage {
                acceptable: change(page.acceptable),
                ..page
            })
        })
        .await?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Shown(page)).into_response())
}

fn page(service: &Service, viewer: &Viewer, run: &str, id: &str) -> Result<FindingPage, Problem> {
    let known = service.run_head(run)?;
    let (place, found) = find(&known, id)?;
    let run = &known.record.id;
    let page = match service.run_page(run, &found.page) {
        Ok(page) => Some(page),
        Err(problem) if problem.status == 404 => None,
        Err(problem) => return Err(problem),
    };
    let pictures = page
        .as_ref()
        .map_or_else(Vec::new, |page| pictures(run, page, found));
    let site = site_of(service, run).and_then(|id| service.site(&id).ok());
    let site = site.map(|site| (site.id, shown(&site.name, LONGEST_NAME)));
    let findings = &known.report.findings;
    let neighbour = |place: Option<usize>| {
        let finding = findings.get(place?)?;
        Some(address_of(run, &finding.id))
    };
    let seen = found.service.as_ref().map(|id| {
        let services = &known.report.services;
        let name = services
            .iter()
            .find(|service| service.id == *id)
            .map_or(id, |service| &service.name);
        (shown(id, LONGEST_NAME), shown(name, LONGEST_NAME))
    });
    Ok(FindingPage {
        frame: Frame::new(viewer, Part::Audits, shown(&found.title, 300)),
        run: run.clone(),
        seen_at: Moment(known.report.run.finished),
        finding: known.glance.finding(found),
        rule_name: shown(&found.name, LONGEST_NAME),
        service: seen,
        banner: page.map(banner),
        pictures,
        neighbours: [neighbour(place.checked_sub(1)), neighbour(Some(place + 1))],
        acceptable: accepted::of_finding(
            service,
            run,
            site.as_ref().map(|(id, _)| id.as_str()),
            found,
        )?,
        site,
    })
}

fn find<'a>(known: &'a RunHead, id: &str) -> Result<(usize, &'a Finding), Problem> {
    let mut findings = known.report.findings.iter().enumerate();
    findings
        .find(|(_, finding)| finding.id == id)
        .ok_or_else(|| Problem::not_found("the run has no such finding"))
}

/// Where the pictures of a page are that show what a finding is about: the banner, then its state.
fn pictures(run: &str, page: &Page, finding: &Finding) -> Vec<(String, String)> {
    let pictures = glance::pictures_of(page)
        .filter(|(state, ..)| state.is_none_or(|state| state == finding.state));
    let on: String = form_urlencoded::byte_serialize(page.url.as_bytes()).collect();
    let known = pictures
        .filter(|(.., picture)| picture.data.is_some())
        .take(3)
        .map(|(_, caption, picture)| {
            let digest = &picture.sha256;
            (format!("/runs/{run}/pictures/{digest}?page={on}"), caption)
        });
    known.collect()
}
