//! One page in all its states: its banner, its pictures, its timeline, its items side by side.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::findings::FindingIndex;
use super::matrix::{Matrix, Totals};
use super::timeline::Timeline;
use super::{LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, tone};
use crate::model::report::{Page, Report};
use crate::model::snapshot::Request;
use crate::model::visit::{Banner, ButtonRole, Screenshot, Visit};
use crate::report::outline::Outline;
use crate::report::printable::{number, shown};
use crate::report::wording;

/// Pages shown in detail; the JSON report has them all.
pub(super) const MOST_PAGES: usize = 100;

/// Pages whose timeline is drawn.
const MOST_TIMELINES: usize = 60;

/// Visits of one page whose requests are listed.
const MOST_VISITS: usize = 30;

/// Pictures of one page, and bytes of all pictures of the file.
const MOST_PICTURES: usize = 13;
const PICTURE_BYTES: usize = 20_000_000;

/// Pages shown unfolded.
const UNFOLDED: usize = 3;

/// How much of each page is shown, so that a report of many pages can still be mailed.
#[derive(Debug)]
pub(super) struct Budget {
    /// Rows of the table of items.
    pub(super) items: usize,
    /// Requests listed for each visit.
    pub(super) requests: usize,
    /// Length of all pictures still to come, in bytes of the file.
    pub(super) picture_bytes: usize,
}

impl Budget {
    pub(super) fn of(report: &Report) -> Self {
        let visits: usize = report.pages.iter().map(|page| page.visits.len()).sum();
        Self {
            items: (1_000 / report.pages.len().max(1)).clamp(10, 150),
            requests: (900 / visits.max(1)).clamp(3, 100),
            picture_bytes: PICTURE_BYTES,
        }
    }
}

pub(super) struct PageView {
    pub(super) number: usize,
    pub(super) url: String,
    pub(super) final_url: String,
    pub(super) open: bool,
    pub(super) tone: &'static str,
    pub(super) standing: &'static str,
    pub(super) banner: BannerView,
    pub(super) pictures: Vec<PictureView>,
    /// Pictures left out to keep the file small.
    pub(super) more_pictures: usize,
    pub(super) timeline: Option<Timeline>,
    pub(super) totals: Totals,
    pub(super) matrix: Matrix,
    pub(super) visits: Vec<VisitView>,
}

pub(super) struct BannerView {
    pub(super) found: bool,
    pub(super) cmp: String,
    pub(super) languages: String,
    pub(super) accept: &'static str,
    pub(super) reject: &'static str,
    pub(super) seen: String,
    pub(super) text: String,
    pub(super) buttons: Vec<(String, &'static str, u8)>,
}

pub(super) struct PictureView {
    pub(super) caption: String,
    pub(super) source: String,
}

pub(super) struct VisitView {
    pub(super) name: String,
    pub(super) outcome: &'static str,
    pub(super) choice: String,
    pub(super) count: String,
    pub(super) requests: Vec<RequestView>,
    pub(super) more: usize,
}

pub(super) struct RequestView {
    pub(super) at: String,
    pub(super) phase: &'static str,
    pub(super) party: &'static str,
    pub(super) what: String,
    pub(super) url: String,
    pub(super) status: String,
    pub(super) cookies: String,
}

impl PageView {
    pub(super) fn of(
        place: usize,
        page: &Page,
        outline: &Outline<'_>,
        index: &FindingIndex<'_>,
        budget: &mut Budget,
    ) -> Self {
        let (pictures, more_pictures) = pictures(page, &mut budget.picture_bytes);
        let standing = outline.pages.get(place).map(|page| page.standing);
        Self {
            number: place,
            url: shown(&page.url, LONGEST_URL),
            final_url: if page.final_url == page.url {
                String::new()
            } else {
                shown(&page.final_url, LONGEST_URL)
            },
            open: place < UNFOLDED,
            tone: standing.map_or("unsure", tone),
            standing: standing.map_or("", wording::standing),
            banner: BannerView::of(&page.banner),
            pictures,
            more_pictures,
            timeline: (place < MOST_TIMELINES)
                .then(|| Timeline::of(page, index))
                .flatten(),
            totals: Totals::of(page, &outline.states),
            matrix: Matrix::of(page, &outline.states, index, budget.items),
            visits: page
                .visits
                .iter()
                .take(MOST_VISITS)
                .map(|visit| VisitView::of(page, visit, budget.requests))
                .collect(),
        }
    }
}

impl BannerView {
    fn of(banner: &Banner) -> Self {
        let languages: Vec<String> = banner
            .languages
            .iter()
            .take(10)
            .map(|language| shown(language, 12))
            .collect();
        Self {
            found: banner.found,
            cmp: banner
                .cmp
                .as_deref()
                .map(|cmp| shown(cmp, LONGEST_NAME))
                .unwrap_or_default(),
            languages: languages.join(", "),
            accept: wording::route(banner.routes.accept),
            reject: wording::route(banner.routes.reject),
            seen: banner.seen_ms.map(wording::moment).unwrap_or_default(),
            text: shown(&banner.text, LONGEST_PROSE),
            buttons: banner
                .buttons
                .iter()
                .take(20)
                .map(|button| (shown(&button.text, 60), role(button.role), button.layer))
                .collect(),
        }
    }
}

fn role(role: ButtonRole) -> &'static str {
    match role {
        ButtonRole::Accept => "says yes",
        ButtonRole::Reject => "says no",
        ButtonRole::Settings => "opens the settings",
        ButtonRole::Save => "stores the selection",
        ButtonRole::Close => "closes the banner",
        ButtonRole::Acknowledge => "takes note",
        ButtonRole::Pay => "pays instead",
        ButtonRole::Link => "leads elsewhere",
    }
}

/// The pictures of a page, the first visits' first, as far as `left` bytes reach; and how many were left out.
fn pictures(page: &Page, left: &mut usize) -> (Vec<PictureView>, usize) {
    let banner = page
        .banner
        .screenshot
        .as_ref()
        .or_else(|| {
            page.visits
                .iter()
                .find_map(|visit| visit.banner.screenshot.as_ref())
        })
        .map(|picture| ("The banner as it was shown".to_owned(), picture));
    let mut visits: Vec<&Visit> = page.visits.iter().collect();
    visits.sort_by_key(|visit| (visit.repeat, visit.state));
    let of_visits = visits.into_iter().flat_map(|visit| {
        let name = wording::visit(page, visit);
        let became = match (visit.choice.made, visit.choice.confirmed) {
            (false, _) => "for which no way was found",
            (true, false) => "not confirmed",
            (true, true) => "confirmed",
        };
        let chosen = visit.screenshot_after_choice.as_ref().map(|picture| {
            let moment = wording::moment(picture.at_ms);
            let caption =
                format!("Right after the answer in the state {name}, {became}, at {moment}");
            (caption, picture)
        });
        let end = visit.screenshot.as_ref().map(|picture| {
            let whole = if picture.full_page {
                ", the whole page"
            } else {
                ""
            };
            let caption = format!(
                "At the end of the state {name}: {}{whole}",
                wording::state_meaning(visit.state)
            );
            (caption, picture)
        });
        chosen.into_iter().chain(end)
    });
    let mut shown = Vec::new();
    let mut more = 0;
    for (caption, picture) in banner.into_iter().chain(of_visits) {
        let Some(source) = source(picture) else {
            continue;
        };
        if shown.len() < MOST_PICTURES && source.len() <= *left {
            *left -= source.len();
            shown.push(PictureView { caption, source });
        } else {
            more += 1;
        }
    }
    (shown, more)
}

/// The picture as a `data:` address, if it is a picture.
fn source(picture: &Screenshot) -> Option<String> {
    let data = picture.data.as_deref()?;
    let known = matches!(
        picture.media_type.as_str(),
        "image/jpeg" | "image/png" | "image/webp"
    );
    (known && STANDARD.decode(data).is_ok())
        .then(|| format!("data:{};base64,{data}", picture.media_type))
}

impl VisitView {
    fn of(page: &Page, visit: &Visit, limit: usize) -> Self {
        let requests = &visit.snapshot.requests;
        Self {
            name: wording::visit(page, visit),
            outcome: wording::outcome(visit.outcome),
            choice: choice(visit),
            count: number(requests.len()),
            requests: requests.iter().take(limit).map(RequestView::of).collect(),
            more: requests.len().saturating_sub(limit),
        }
    }
}

impl RequestView {
    fn of(request: &Request) -> Self {
        let status = match (&request.failed, request.status) {
            (Some(failed), _) => shown(failed, 60),
            (None, Some(status)) => status.to_string(),
            (None, None) if request.on_leaving => "sent on leaving".to_owned(),
            (None, None) => "no answer".to_owned(),
        };
        let cookies: Vec<String> = request
            .sent_cookies
            .iter()
            .take(6)
            .map(|name| shown(name, 40))
            .collect();
        Self {
            at: wording::moment(request.at_ms),
            phase: wording::phase(request.phase),
            party: wording::party(request.party),
            what: format!(
                "{} {}",
                shown(&request.method, 12),
                shown(&request.resource_type, 20)
            ),
            url: shown(&request.url, LONGEST_NAME),
            status,
            cookies: cookies.join(", "),
        }
    }
}

/// What became of the answer.
fn choice(visit: &Visit) -> String {
    let choice = &visit.choice;
    if !choice.made {
        return "No answer was given.".to_owned();
    }
    let by = choice
        .by
        .as_deref()
        .map(|by| format!(" by {}", shown(by, 60)))
        .unwrap_or_default();
    let clicks = crate::report::printable::counted(choice.clicks as usize, "click", "clicks");
    let proof = match (&choice.how, choice.confirmed) {
        (Some(how), true) => format!("confirmed: {}", shown(how, 300)),
        (None, true) => "confirmed".to_owned(),
        (_, false) => "not confirmed: no record of the site shows that it was taken".to_owned(),
    };
    format!("Answered with {clicks}{by}; {proof}.")
}
