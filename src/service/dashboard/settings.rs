//! The service itself: what runs, how it is set up, where the rest of its settings are.

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::routing::get;

use super::frame::{Answer, Frame, Part, Shown, Viewer};
use crate::report::{counted, number, shown};
use crate::service::Service;
use crate::service::audit::Standing;

pub(super) fn router() -> Router<Service> {
    Router::new().route("/settings", get(settings))
}

#[derive(Template)]
#[template(path = "settings.html", config = "src/service/dashboard/askama.toml")]
struct SettingsPage {
    frame: Frame,
    health: Vec<(&'static str, String)>,
    set_up: Vec<(&'static str, String)>,
    about: Vec<(&'static str, String)>,
}

async fn settings(State(service): State<Service>, viewer: Viewer) -> Answer<SettingsPage> {
    let page = service
        .apart(move |service| {
            let open = service.board().open();
            let running = open
                .values()
                .filter(|(_, standing)| *standing == Standing::Running)
                .count();
            let catalog = service.catalog()?.info();
            let options = service.options();
            let commit = option_env!("CONSENTINEL_COMMIT").unwrap_or_default();
            Ok(SettingsPage {
                frame: Frame::new(&viewer, Part::Settings, "Settings"),
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
            })
        })
        .await?;
    Ok(Shown(page))
}
