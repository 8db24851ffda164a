//! The service itself: what runs, how it is set up, where the rest of its settings are.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::frame::{Answer, Frame, Part, Refusal, Sent, Shown, Viewer};
use crate::report::{counted, number, shown};
use crate::service::Service;
use crate::service::audit::Standing;
use crate::service::error::Problem;
use crate::service::operations::settings::ServiceSettings;

pub(super) fn router() -> Router<Service> {
    Router::new().route("/settings", get(settings).post(keep))
}

#[derive(Template)]
#[template(path = "settings.html", config = "src/service/dashboard/askama.toml")]
struct SettingsPage {
    frame: Frame,
    health: Vec<(&'static str, String)>,
    set_up: Vec<(&'static str, String)>,
    about: Vec<(&'static str, String)>,
    /// What is wrong in the form, and the field it is wrong in.
    wrong: Option<(String, String)>,
    fields: Fields,
}

impl SettingsPage {
    /// Whether a field is the one that is wrong.
    fn is_wrong(&self, field: &str) -> bool {
        matches!(&self.wrong, Some((wrong, _)) if wrong == field)
    }
}

/// How long things are kept, as a form says it; empty is for ever, or without bounds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the settings are called so")]
struct Fields {
    keep_runs_days: String,
    keep_runs_per_site: String,
    keep_deliveries_days: String,
    keep_journal_days: String,
}

impl Fields {
    fn of(settings: &ServiceSettings) -> Self {
        let said =
            |number: Option<u32>| number.map_or_else(String::new, |number| number.to_string());
        Self {
            keep_runs_days: said(settings.keep_runs_days),
            keep_runs_per_site: said(settings.keep_runs_per_site),
            keep_deliveries_days: settings.keep_deliveries_days.to_string(),
            keep_journal_days: settings.keep_journal_days.to_string(),
        }
    }

    /// The settings with what the form says.
    fn settings(&self, known: ServiceSettings) -> Result<ServiceSettings, Problem> {
        let number = |text: &str, pointer: &str| {
            let number = text.trim().parse::<u32>();
            number
                .ok()
                .ok_or_else(|| Problem::invalid(pointer, "give a whole number"))
        };
        let unless_empty = |text: &str, pointer: &str| match text.trim() {
            "" => Ok(None),
            text => number(text, pointer).map(Some),
        };
        Ok(ServiceSettings {
            keep_runs_days: unless_empty(&self.keep_runs_days, "/keep_runs_days")?,
            keep_runs_per_site: unless_empty(&self.keep_runs_per_site, "/keep_runs_per_site")?,
            keep_deliveries_days: number(&self.keep_deliveries_days, "/keep_deliveries_days")?,
            keep_journal_days: number(&self.keep_journal_days, "/keep_journal_days")?,
            ..known
        })
    }
}

async fn settings(State(service): State<Service>, viewer: Viewer) -> Answer<SettingsPage> {
    let page = service
        .apart(move |service| {
            let fields = Fields::of(&service.settings()?);
            page(service, &viewer, fields, None)
        })
        .await?;
    Ok(Shown(page))
}

/// Keeps what the form says.
async fn keep(State(service): State<Service>, sent: Sent<Fields>) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    viewer.administers()?;
    let fields = form.clone();
    let kept = service
        .apart(move |service| service.set(form.settings(service.settings()?)?))
        .await;
    match kept {
        Ok(_) => Ok(Redirect::to("/settings").into_response()),
        Err(problem) if problem.pointer.is_some() => {
            let page = service
                .apart(move |service| page(service, &viewer, fields, Some(problem)))
                .await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Shown(page)).into_response())
        }
        Err(problem) => Err(problem.into()),
    }
}

fn page(
    service: &Service,
    viewer: &Viewer,
    fields: Fields,
    wrong: Option<Problem>,
) -> Result<SettingsPage, Problem> {
    let open = service.board().open();
    let running = open
        .values()
        .filter(|(_, standing)| *standing == Standing::Running)
        .count();
    let catalog = service.catalog()?.info();
    let options = service.options();
    let commit = option_env!("CONSENTINEL_COMMIT").unwrap_or_default();
    Ok(SettingsPage {
        frame: Frame::new(viewer, Part::Settings, "Settings"),
        health: vec![
            ("Sites", number(service.sites()?.len())),
            ("Audits that run", number(running)),
            ("Audits that wait", number(open.len() - running)),
        ],
        set_up: vec![
            ("Listens on", options.listen.to_string()),
            (
                "Store",
                shown(&service.store().folder().display().to_string(), 300),
            ),
            (
                "Browser",
                shown(&options.launch.executable.display().to_string(), 300),
            ),
            ("Audits at once", number(options.audits_at_once)),
            ("Visits of an audit at once", number(options.concurrency)),
        ],
        about: vec![
            (
                "Consentinel",
                match commit {
                    "" => env!("CARGO_PKG_VERSION").to_owned(),
                    commit => format!("{}, commit {commit}", env!("CARGO_PKG_VERSION")),
                },
            ),
            (
                "Catalog",
                format!(
                    "{}, {}",
                    catalog.version,
                    counted(catalog.services, "service", "services")
                ),
            ),
        ],
        wrong: wrong.map(|problem| {
            let pointer = problem.pointer.unwrap_or_default();
            (pointer.trim_start_matches('/').to_owned(), problem.detail)
        }),
        fields,
    })
}
