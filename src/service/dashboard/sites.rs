//! The first page: every site with its state at a glance.

use std::cmp::Reverse;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use jiff::Timestamp;
use serde::Deserialize;

use super::charts::{self, Sparkline};
use super::frame::{
    Answer, Choice, Frame, LONGEST_NAME, LONGEST_URL, Moment, Paging, Part, Shown, Viewer, choices,
};
use super::memory::Progress;
use super::schedules;
use crate::report::{number, shown};
use crate::service::Service;
use crate::service::audit::Standing;
use crate::service::board::{Point, SiteStanding};
use crate::service::site::Site;

/// Sites on a page.
const ON_A_PAGE: usize = 25;

/// What the list can be narrowed to: value and words.
const STATES: [(&str, &str); 5] = [
    ("findings", "with findings"),
    ("clean", "without findings"),
    ("failed", "last audit failed"),
    ("open", "being audited"),
    ("never", "never audited"),
];

/// What the list can be sorted by: value and words.
const ORDERS: [(&str, &str); 3] = [
    ("name", "name"),
    ("findings", "most findings"),
    ("last", "last audit"),
];

pub(super) fn router() -> Router<Service> {
    Router::new().route("/", get(sites))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wish {
    q: String,
    state: String,
    sort: String,
    page: String,
}

#[derive(Template)]
#[template(path = "sites.html", config = "src/service/dashboard/askama.toml")]
struct SitesPage {
    frame: Frame,
    /// There is no site at all.
    none: bool,
    q: String,
    states: Vec<Choice>,
    orders: Vec<Choice>,
    sites: Vec<SiteRow>,
    paging: Paging,
}

/// A site in a list.
struct SiteRow {
    id: String,
    name: String,
    url: String,
    spark: Option<Sparkline>,
    glance: Glance,
    next: Option<Moment>,
    open: Vec<OpenAudit>,
}

/// The state of a site in a few words.
pub(super) struct Glance {
    /// The last audit that is over.
    pub(super) last: Option<LastAudit>,
    /// Findings of the last audit that was carried out, by severity, gravest first.
    pub(super) severities: Vec<(&'static str, String)>,
    /// An audit was carried out.
    pub(super) is_audited: bool,
    /// Pages of it that could not be audited in every state.
    pub(super) incomplete: Option<String>,
}

/// The last audit of a site that is over.
pub(super) struct LastAudit {
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) standing: &'static str,
    pub(super) tone: &'static str,
    pub(super) finished: bool,
    pub(super) new: String,
    pub(super) fixed: String,
    pub(super) has_new: bool,
    pub(super) has_fixed: bool,
}

/// An audit that waits or runs.
pub(super) struct OpenAudit {
    pub(super) id: String,
    pub(super) standing: &'static str,
    pub(super) tone: &'static str,
    pub(super) progress: Option<Progress>,
}

impl Glance {
    pub(super) fn of(standing: &SiteStanding) -> Self {
        let finished = standing.last_finished();
        let severities = finished.map(|point| charts::by_severity(&point.findings));
        let incomplete = finished.map_or(0, |point| point.incomplete_pages);
        Self {
            last: standing.history.back().map(LastAudit::of),
            severities: severities
                .unwrap_or_default()
                .into_iter()
                .map(|(severity, count)| (severity, number(count as usize)))
                .collect(),
            is_audited: finished.is_some(),
            incomplete: (incomplete > 0).then(|| number(incomplete as usize)),
        }
    }
}

impl LastAudit {
    fn of(point: &Point) -> Self {
        Self {
            id: point.audit.clone(),
            at: Moment(point.finished),
            standing: charts::standing_word(point.standing),
            tone: charts::standing_tone(point.standing),
            finished: point.standing == Standing::Finished,
            new: number(point.new as usize),
            fixed: number(point.fixed as usize),
            has_new: point.new > 0,
            has_fixed: point.fixed > 0,
        }
    }
}

impl OpenAudit {
    /// The audits of a site that wait or run.
    pub(super) fn all(service: &Service, standing: &SiteStanding) -> Vec<Self> {
        let of = |(id, standing): (&String, &Standing)| Self {
            id: id.clone(),
            standing: charts::standing_word(*standing),
            tone: charts::standing_tone(*standing),
            progress: service.dashboard().progress(id),
        };
        standing.open.iter().map(of).collect()
    }
}

/// What decides whether and where a site stands in the list.
struct Rank {
    findings: u64,
    finished: Option<Timestamp>,
    fits: bool,
}

impl Rank {
    fn of(standing: Option<&SiteStanding>, state: &str) -> Self {
        let last = standing.and_then(|standing| standing.history.back());
        let finished = standing.and_then(SiteStanding::last_finished);
        let findings = finished.map_or(0, |point| charts::total(&point.findings));
        let fits = match state {
            "findings" => findings > 0,
            "clean" => finished.is_some() && findings == 0,
            "failed" => last.is_some_and(|point| point.standing == Standing::Failed),
            "open" => standing.is_some_and(|standing| !standing.open.is_empty()),
            "never" => last.is_none(),
            _ => true,
        };
        Self {
            findings,
            finished: last.map(|point| point.finished),
            fits,
        }
    }
}

async fn sites(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<Wish>,
) -> Answer<SitesPage> {
    let page = service
        .apart(move |service| {
            let all = service.sites()?;
            let none = all.is_empty();
            let sought = wish.q.trim().to_lowercase();
            let mut fitting: Vec<(&Site, Rank)> = all
                .iter()
                .filter(|site| is_sought(site, &sought))
                .map(|site| {
                    let rank = service
                        .board()
                        .look(&site.id, |standing| Rank::of(standing, &wish.state));
                    (site, rank)
                })
                .filter(|(_, rank)| rank.fits)
                .collect();
            match wish.sort.as_str() {
                "findings" => fitting.sort_by_key(|(_, rank)| Reverse(rank.findings)),
                "last" => fitting.sort_by_key(|(_, rank)| Reverse(rank.finished)),
                _ => fitting.sort_by_cached_key(|(site, _)| site.name.to_lowercase()),
            }
            let (part, paging) = Paging::cut(
                fitting,
                wish.page.parse().unwrap_or(1),
                ON_A_PAGE,
                ("site", "sites"),
                "/",
                &[("q", &wish.q), ("state", &wish.state), ("sort", &wish.sort)],
            );
            Ok(SitesPage {
                frame: Frame::new(&viewer, Part::Sites, "Sites"),
                none,
                q: shown(&wish.q, LONGEST_NAME),
                states: choices(&wish.state, "all", STATES),
                orders: ORDERS
                    .map(|(value, words)| (value.to_owned(), words.to_owned(), value == wish.sort))
                    .into(),
                sites: part
                    .into_iter()
                    .map(|(site, _)| SiteRow::of(service, site))
                    .collect(),
                paging,
            })
        })
        .await?;
    Ok(Shown(page))
}

fn is_sought(site: &Site, sought: &str) -> bool {
    sought.is_empty()
        || site.name.to_lowercase().contains(sought)
        || site.url.to_lowercase().contains(sought)
}

impl SiteRow {
    fn of(service: &Service, site: &Site) -> Self {
        let nothing = SiteStanding::default();
        service.board().look(&site.id, |standing| {
            let standing = standing.unwrap_or(&nothing);
            Self {
                id: site.id.clone(),
                name: shown(&site.name, LONGEST_NAME),
                url: shown(&site.url, LONGEST_URL),
                spark: Sparkline::of(standing),
                glance: Glance::of(standing),
                next: schedules::next_of(service, &site.id).map(Moment),
                open: OpenAudit::all(service, standing),
            }
        })
    }
}
