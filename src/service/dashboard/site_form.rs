//! Adding a site, changing it, removing it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::frame::{
    Answer, Choice, Empty, Frame, LONGEST_NAME, Part, Refusal, Sent, Shown, Viewer,
};
use crate::judge::Profile;
use crate::model::visit::State as VisitState;
use crate::report::shown;
use crate::service::Service;
use crate::service::error::Problem;
use crate::service::site::{Settings, Site, SiteWish};

/// The jurisdictions, with their names.
const PROFILES: [(Profile, &str); 6] = [
    (Profile::Eu, "European Union"),
    (Profile::Fr, "France"),
    (Profile::De, "Germany"),
    (Profile::It, "Italy"),
    (Profile::Es, "Spain"),
    (Profile::Uk, "United Kingdom"),
];

pub(super) fn router() -> Router<Service> {
    let new = |viewer: Viewer| async move { Shown(page(&viewer, None, Fields::of(None))) };
    Router::new()
        .route("/sites/new", get(new).post(add))
        .route("/sites/{id}/edit", get(edit).post(change))
        .route("/sites/{id}/remove", get(ask_to_remove).post(remove))
}

/// A site as a form says it: what is ticked is `on`, what is not is absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Fields {
    name: String,
    url: String,
    profile: String,
    state_before: String,
    state_rejected: String,
    state_accepted: String,
    state_withdrawn: String,
    max_pages: String,
    sample: String,
    pages: String,
    include: String,
    exclude: String,
    dwell_seconds: String,
    repeat: String,
    thorough: String,
    gpc: String,
    ignore_robots: String,
    locale: String,
    timezone: String,
    /// Audit it at once.
    audit_now: String,
}

#[derive(Template)]
#[template(path = "site_form.html", config = "src/service/dashboard/askama.toml")]
struct FormPage {
    frame: Frame,
    /// Where the form goes, and where one gets without it.
    action: String,
    back: String,
    is_new: bool,
    /// What is wrong, and the field it is wrong in.
    wrong: Option<(String, String)>,
    fields: Fields,
    profiles: Vec<Choice>,
}

impl FormPage {
    /// Whether a field is the one that is wrong.
    fn is_wrong(&self, field: &str) -> bool {
        matches!(&self.wrong, Some((wrong, _)) if wrong == field)
    }
}

fn ticked(is: bool) -> String {
    if is { "on" } else { "" }.to_owned()
}

impl Fields {
    fn of(site: Option<&Site>) -> Self {
        let standard = Settings::default();
        let settings = site.map_or(&standard, |site| &site.settings);
        let has = |state: VisitState| ticked(settings.states.contains(&state));
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        Self {
            name: site.map(|site| site.name.clone()).unwrap_or_default(),
            url: site.map(|site| site.url.clone()).unwrap_or_default(),
            profile: settings.profile.name().to_owned(),
            state_before: has(VisitState::Before),
            state_rejected: has(VisitState::Rejected),
            state_accepted: has(VisitState::Accepted),
            state_withdrawn: has(VisitState::Withdrawn),
            max_pages: settings.max_pages.to_string(),
            sample: settings
                .sample
                .map(|most| most.to_string())
                .unwrap_or_default(),
            pages: settings.pages.join("\n"),
            include: settings.include.join("\n"),
            exclude: settings.exclude.join("\n"),
            dwell_seconds: settings.dwell_seconds.to_string(),
            repeat: settings.repeat.to_string(),
            thorough: ticked(settings.thorough),
            gpc: ticked(settings.gpc),
            ignore_robots: ticked(settings.ignore_robots),
            locale: said(&settings.locale),
            timezone: said(&settings.timezone),
            audit_now: ticked(true),
        }
    }

    /// What the form says.
    fn wish(&self) -> Result<SiteWish, Problem> {
        let states = [
            (VisitState::Before, &self.state_before),
            (VisitState::Rejected, &self.state_rejected),
            (VisitState::Accepted, &self.state_accepted),
            (VisitState::Withdrawn, &self.state_withdrawn),
        ];
        let profile = PROFILES
            .into_iter()
            .find(|(profile, _)| profile.name() == self.profile);
        let settings = Settings {
            pages: lines(&self.pages),
            max_pages: count(&self.max_pages, "/settings/max_pages")?,
            sample: match self.sample.trim() {
                "" => None,
                sample => Some(count(sample, "/settings/sample")?),
            },
            include: lines(&self.include),
            exclude: lines(&self.exclude),
            states: states
                .into_iter()
                .filter(|(_, said)| !said.is_empty())
                .map(|(state, _)| state)
                .collect(),
            profile: profile
                .map(|(profile, _)| profile)
                .ok_or_else(|| Problem::invalid("/settings/profile", "choose one of the list"))?,
            dwell_seconds: count(&self.dwell_seconds, "/settings/dwell_seconds")?,
            repeat: count(&self.repeat, "/settings/repeat")?,
            thorough: !self.thorough.is_empty(),
            gpc: !self.gpc.is_empty(),
            ignore_robots: !self.ignore_robots.is_empty(),
            locale: said(&self.locale),
            timezone: said(&self.timezone),
        };
        Ok(SiteWish {
            name: Some(self.name.clone()),
            url: self.url.clone(),
            settings,
        })
    }
}

fn said(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn lines(text: &str) -> Vec<String> {
    text.lines().filter_map(said).collect()
}

fn count(text: &str, pointer: &str) -> Result<u32, Problem> {
    let number = text.trim().parse();
    number
        .ok()
        .ok_or_else(|| Problem::invalid(pointer, "give a whole number"))
}

/// The field of a form a problem points at.
fn field(problem: &Problem) -> String {
    let pointer = problem.pointer.as_deref().unwrap_or_default();
    // `/settings/pages/3` is in the field `pages`.
    let name = pointer
        .trim_start_matches("/settings")
        .trim_start_matches('/');
    let name = name.split('/').next().unwrap_or_default();
    match name {
        "states" => "state_before",
        // What is wrong with the settings as a whole is that there is too much of them.
        "" => "pages",
        name => name,
    }
    .to_owned()
}

fn page(viewer: &Viewer, site: Option<(&str, &str)>, fields: Fields) -> FormPage {
    let profiles = PROFILES
        .into_iter()
        .map(|(profile, name)| {
            (
                profile.name().to_owned(),
                name.to_owned(),
                profile.name() == fields.profile,
            )
        })
        .collect();
    let (title, action, back) = match site {
        None => (
            "Add a site".to_owned(),
            "/sites/new".to_owned(),
            "/".to_owned(),
        ),
        Some((id, name)) => (
            format!("Change {}", shown(name, LONGEST_NAME)),
            format!("/sites/{id}/edit"),
            format!("/sites/{id}"),
        ),
    };
    FormPage {
        frame: Frame::new(viewer, Part::Sites, title),
        action,
        back,
        is_new: site.is_none(),
        wrong: None,
        fields,
        profiles,
    }
}

/// The form once more, with what is wrong in it; or what cannot be mended in it.
fn again(page: FormPage, problem: Problem) -> Response {
    let field = field(&problem);
    if problem.pointer.is_none() {
        return Refusal::from(problem).into_response();
    }
    let page = FormPage {
        wrong: Some((field, problem.detail)),
        ..page
    };
    (StatusCode::UNPROCESSABLE_ENTITY, Shown(page)).into_response()
}

async fn add(State(service): State<Service>, sent: Sent<Fields>) -> Response {
    let Sent { viewer, form } = sent;
    let asked_by = viewer.0.name.clone();
    let fields = form.clone();
    let added = service
        .apart(move |service| {
            let site = service.add_site(form.wish()?)?;
            service.forget_sites();
            let audit = match form.audit_now.as_str() {
                "" => None,
                _ => Some(service.ask(&site, &asked_by)?),
            };
            Ok((site, audit))
        })
        .await;
    match added {
        Ok((_, Some(audit))) => Redirect::to(&format!("/audits/{}", audit.id)).into_response(),
        Ok((site, None)) => Redirect::to(&format!("/sites/{}", site.id)).into_response(),
        Err(problem) => again(page(&viewer, None, fields), problem),
    }
}

async fn edit(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<FormPage> {
    let site = service.apart(move |service| service.site(&id)).await?;
    let fields = Fields::of(Some(&site));
    Ok(Shown(page(&viewer, Some((&site.id, &site.name)), fields)))
}

async fn change(
    State(service): State<Service>,
    Path(id): Path<String>,
    sent: Sent<Fields>,
) -> Result<Response, Refusal> {
    let Sent { viewer, form } = sent;
    let site = service.apart(move |service| service.site(&id)).await?;
    let (id, fields) = (site.id.clone(), form.clone());
    let changed = service
        .apart(move |service| {
            let site = service.change_site(&id, form.wish()?)?;
            service.forget_sites();
            Ok(site)
        })
        .await;
    Ok(match changed {
        Ok(site) => Redirect::to(&format!("/sites/{}", site.id)).into_response(),
        Err(problem) => again(page(&viewer, Some((&site.id, &site.name)), fields), problem),
    })
}

#[derive(Template)]
#[template(
    path = "site_remove.html",
    config = "src/service/dashboard/askama.toml"
)]
struct RemovePage {
    frame: Frame,
    id: String,
    name: String,
    /// An audit of it waits or runs.
    is_open: bool,
}

async fn ask_to_remove(
    State(service): State<Service>,
    viewer: Viewer,
    Path(id): Path<String>,
) -> Answer<RemovePage> {
    let site = service.apart(move |service| service.site(&id)).await?;
    let name = shown(&site.name, LONGEST_NAME);
    let is_open = service.board().look(&site.id, |standing| {
        standing.is_some_and(|one| !one.open.is_empty())
    });
    Ok(Shown(RemovePage {
        frame: Frame::new(&viewer, Part::Sites, format!("Remove {name}?")),
        id: site.id,
        name,
        is_open,
    }))
}

async fn remove(
    State(service): State<Service>,
    Path(id): Path<String>,
    _: Sent<Empty>,
) -> Result<Redirect, Refusal> {
    service
        .apart(move |service| {
            service.remove_site(&id)?;
            service.forget_sites();
            Ok(())
        })
        .await?;
    Ok(Redirect::to("/"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    #[test]
    fn a_form_says_what_it_was_made_of() {
        let settings = Settings {
            pages: vec!["https://shop.example/a".to_owned()],
            max_pages: 40,
            sample: Some(3),
            exclude: vec!["/cart*".to_owned(), "print=1".to_owned()],
            states: vec![VisitState::Before, VisitState::Withdrawn],
            profile: Profile::Fr,
            gpc: true,
            timezone: Some("Europe/Paris".to_owned()),
            ..Settings::default()
        };
        let now = jiff::Timestamp::UNIX_EPOCH;
        let site = Site {
            id: "shop".to_owned(),
            name: "Shop".to_owned(),
            url: "https://shop.example/".to_owned(),
            settings: settings.clone(),
            created: now,
            changed: now,
        };
        let wish = Fields::of(Some(&site)).wish().unwrap();
        assert_eq!(wish.settings, settings);
        assert_eq!((wish.name, wish.url), (Some(site.name), site.url));
    }

    #[test]
    fn what_is_no_number_is_said_at_its_field() {
        for (text, is_right) in [
            ("7", true),
            (" 7 ", true),
            ("", false),
            ("-1", false),
            ("1e3", false),
        ] {
            let fields = Fields {
                repeat: text.to_owned(),
                ..Fields::of(None)
            };
            let wish = fields.wish();
            assert_eq!(wish.is_ok(), is_right, "{text}");
            if let Err(problem) = wish {
                assert_eq!(field(&problem), "repeat");
            }
        }
    }
}
