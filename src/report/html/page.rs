//! One page in all its states: its banner, its pictures, its timeline, its items side by side.

use std::collections::{BTreeSet, HashMap, HashSet};

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::findings::FindingIndex;
use super::matrix::{KnownRows, Matrix, Totals};
use super::timeline::Timeline;
use super::{LONGEST_NAME, LONGEST_PROSE, LONGEST_URL, StateView, tone};
use crate::model::report::Page;
use crate::model::snapshot::Request;
use crate::model::visit::{Banner, ButtonRole, Screenshot, State, Visit};
use crate::report::RenderError;
use crate::report::outline::Outline;
use crate::report::printable::{number, shown};
use crate::report::wording;

/// Pages shown in detail; the JSON report has them all.
pub(super) const MOST_PAGES: usize = 100;

/// Visits of one page whose requests are listed.
const MOST_VISITS: usize = 30;

/// Pictures of one page, and bytes of all pictures of the file.
const MOST_PICTURES: usize = 13;
const PICTURE_BYTES: usize = 20_000_000;

/// Pages shown unfolded.
const UNFOLDED: usize = 3;

/// The pages shown in detail: all of them, or those that stand worst.
pub(super) fn chosen(outline: &Outline<'_>) -> BTreeSet<usize> {
    let mut numbers: Vec<usize> = (0..outline.pages.len()).collect();
    if numbers.len() > MOST_PAGES {
        numbers.sort_by_key(|number| outline.pages.get(*number).map(|page| page.standing));
    }
    numbers.into_iter().take(MOST_PAGES).collect()
}

/// How much of a page is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Detail {
    /// Rows of the table of items.
    items: usize,
    /// Requests listed for each visit.
    requests: usize,
    /// The timeline is drawn.
    timeline: bool,
    /// Characters of the banner's text, and buttons of it.
    banner: (usize, usize),
}

/// From everything to next to nothing.
const DETAILS: [Detail; 5] = [
    detail(150, 100, true, (LONGEST_PROSE, 20)),
    detail(60, 30, true, (400, 20)),
    detail(25, 10, true, (300, 12)),
    detail(10, 3, true, (200, 8)),
    detail(4, 0, false, (100, 4)),
];

const fn detail(items: usize, requests: usize, timeline: bool, banner: (usize, usize)) -> Detail {
    Detail {
        items,
        requests,
        timeline,
        banner,
    }
}

/// Writes pages one after another within the bytes there are, and says what an earlier one has said once.
pub(super) struct PageWriter<'a> {
    outline: &'a Outline<'a>,
    index: &'a FindingIndex<'a>,
    states: &'a [StateView],
    /// Pages still to be written.
    pages: usize,
    /// Bytes left for them, pictures aside.
    bytes: usize,
    /// Length of all pictures still to come, in bytes of the file.
    picture_bytes: usize,
    rows: KnownRows,
    /// Banners by what they show, with the page they were first seen on.
    banners: HashMap<String, usize>,
    /// Digests of the pictures in the file.
    pictures: HashSet<String>,
    /// Where in [`DETAILS`] the next page begins.
    level: usize,
}

#[derive(Template)]
#[template(path = "page.html", config = "src/report/html/askama.toml")]
struct PageTemplate<'a> {
    page: PageView,
    states: &'a [StateView],
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(
        outline: &'a Outline<'a>,
        index: &'a FindingIndex<'a>,
        states: &'a [StateView],
        pages: usize,
        bytes: usize,
    ) -> Self {
        Self {
            outline,
            index,
            states,
            pages,
            bytes,
            picture_bytes: PICTURE_BYTES,
            rows: KnownRows::default(),
            banners: HashMap::new(),
            pictures: HashSet::new(),
            level: 0,
        }
    }

    /// Whether every page was written.
    pub(super) fn is_done(&self) -> bool {
        self.pages == 0
    }

    /// One page, in as much detail as fits.
    pub(super) fn page(&mut self, number: usize, page: &Page) -> Result<String, RenderError> {
        let share = self.bytes / self.pages.max(1);
        let (pictures, more_pictures) = self.pictures(page);
        let picture_bytes: usize = pictures.iter().map(|picture| picture.source.len()).sum();
        let banner_as = self.banner_as(number, &page.banner);
        let mut level = self.level.saturating_sub(1);
        let mut view = PageView {
            number,
            url: shown(&page.url, LONGEST_URL),
            final_url: if page.final_url == page.url {
                String::new()
            } else {
                shown(&page.final_url, LONGEST_URL)
            },
            open: number < UNFOLDED,
            tone: "unsure",
            standing: "",
            banner_as,
            banner: BannerView::of(&page.banner, DETAILS[0].banner),
            pictures,
            more_pictures,
            timeline: Timeline::of(page, self.index),
            totals: Totals::of(page, &self.outline.states),
            matrix: Matrix::default(),
            visits: Vec::new(),
        };
        if let Some(standing) = self.outline.pages.get(number).map(|page| page.standing) {
            view.tone = tone(standing);
            view.standing = wording::standing(standing);
        }
        let (rows, same) = Matrix::rows(
            page,
            number,
            &self.outline.states,
            self.index,
            &mut self.rows,
        );
        loop {
            let detail = DETAILS
                .get(level)
                .copied()
                .unwrap_or(DETAILS[DETAILS.len() - 1]);
            view.banner = BannerView::of(&page.banner, detail.banner);
            view.timeline = view.timeline.filter(|_| detail.timeline);
            view.matrix = Matrix::of(&rows, &same, detail.items);
            view.visits = page
                .visits
                .iter()
                .take(MOST_VISITS)
                .map(|visit| VisitView::of(page, visit, detail.requests))
                .collect();
            let template = PageTemplate {
                page: view,
                states: self.states,
            };
            let text = template.render()?;
            let length = text.len() - picture_bytes;
            if level + 1 >= DETAILS.len() && length > self.bytes {
                // A page of nothing but endless names: what links to it still leads somewhere.
                self.pages = self.pages.saturating_sub(1);
                return Ok(format!(
                    "<p class=\"more\" id=\"page-{number}\">Page {} is left out to keep this file small; the JSON report has it</p>\n",
                    number + 1
                ));
            }
            if length <= share || level + 1 >= DETAILS.len() {
                self.level = level;
                self.pages = self.pages.saturating_sub(1);
                self.bytes = self.bytes.saturating_sub(length);
                return Ok(text);
            }
            level += 1;
            view = template.page;
        }
    }

    /// The page that showed the same banner before.
    fn banner_as(&mut self, number: usize, banner: &Banner) -> Option<usize> {
        if !banner.found {
            return None;
        }
        let said: Vec<(&str, u8)> = banner
            .buttons
            .iter()
            .map(|button| (button.text.as_str(), button.layer))
            .collect();
        let known = format!("{:?}", (&banner.cmp, &banner.text, banner.routes, said));
        if let Some(first) = self.banners.get(&known) {
            return Some(*first);
        }
        self.banners.insert(known, number);
        None
    }

    /// The pictures of a page that no earlier page has, as far as the bytes reach; and how many were left out.
    fn pictures(&mut self, page: &Page) -> (Vec<PictureView>, usize) {
        let mut views = Vec::new();
        let mut more = 0;
        let mut new = Vec::new();
        for (_, caption, picture) in pictures_of(page) {
            if self.pictures.contains(&picture.sha256) {
                continue;
            }
            let Some(source) = source(picture) else {
                continue;
            };
            if views.len() < MOST_PICTURES && source.len() <= self.picture_bytes {
                self.picture_bytes -= source.len();
                new.push(picture.sha256.clone());
                views.push(PictureView { caption, source });
            } else {
                more += 1;
            }
        }
        self.pictures.extend(new);
        (views, more)
    }
}

pub(super) struct PageView {
    pub(super) number: usize,
    pub(super) url: String,
    pub(super) final_url: String,
    pub(super) open: bool,
    pub(super) tone: &'static str,
    pub(super) standing: &'static str,
    /// An earlier page with the same banner.
    pub(super) banner_as: Option<usize>,
    pub(super) banner: BannerView,
    pub(super) pictures: Vec<PictureView>,
    /// Pictures left out to keep the file small.
    pub(super) more_pictures: usize,
    pub(super) timeline: Option<Timeline>,
    pub(super) totals: Totals,
    pub(super) matrix: Matrix,
    pub(super) visits: Vec<VisitView>,
}

/// A banner, as it is shown.
pub(crate) struct BannerView {
    pub(crate) found: bool,
    pub(crate) cmp: String,
    pub(crate) languages: String,
    pub(crate) accept: &'static str,
    pub(crate) reject: &'static str,
    pub(crate) seen: String,
    pub(crate) text: String,
    pub(crate) buttons: Vec<(String, &'static str, u8)>,
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

impl BannerView {
    /// With so many characters of its text and so many buttons.
    pub(in crate::report) fn of(banner: &Banner, (letters, buttons): (usize, usize)) -> Self {
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
            text: shown(&banner.text, letters),
            buttons: banner
                .buttons
                .iter()
                .take(buttons)
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

/// The pictures of a page with what they show, the first visits' first; each with its state, unless it
/// shows the banner of them all.
pub(in crate::report) fn pictures_of(
    page: &Page,
) -> impl Iterator<Item = (Option<State>, String, &Screenshot)> {
    let banner = page
        .banner
        .screenshot
        .as_ref()
        .or_else(|| {
            page.visits
                .iter()
                .find_map(|visit| visit.banner.screenshot.as_ref())
        })
        .map(|picture| (None, "The banner as it was shown".to_owned(), picture));
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
            (Some(visit.state), caption, picture)
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
            (Some(visit.state), caption, picture)
        });
        chosen.into_iter().chain(end)
    });
    banner.into_iter().chain(of_visits)
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
