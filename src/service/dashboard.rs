//! The dashboard: pages made on the server, readable without script, embedded in the binary.
//!
//! Each file is one page or a few that belong together: its routes, what it shows, its forms. What all
//! pages share is in [`frame`]. Pages say what [`Service`] knows and decide nothing; whatever came from
//! a website is bounded and made printable before it reaches a template, which escapes it.

mod accepted;
mod alerts;
mod assets;
mod audits;
mod catalog;
mod charts;
mod compare;
mod finding;
pub(super) mod frame;
mod live;
mod memory;
mod run;
mod schedules;
mod services;
mod settings;
mod site;
mod site_form;
mod sites;

use axum::Router;

use super::Service;
pub(super) use memory::Memory;

/// The dashboard's routes.
pub(super) fn router() -> Router<Service> {
    Router::new()
        .merge(accepted::router())
        .merge(alerts::router())
        .merge(assets::router())
        .merge(audits::router())
        .merge(catalog::router())
        .merge(compare::router())
        .merge(finding::router())
        .merge(live::router())
        .merge(run::router())
        .merge(schedules::router())
        .merge(services::router())
        .merge(settings::router())
        .merge(site::router())
        .merge(site_form::router())
        .merge(sites::router())
}
