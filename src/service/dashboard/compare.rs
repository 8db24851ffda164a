//! Two runs side by side: of one site first, any two by choice.

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde::Deserialize;

use super::charts::total;
use super::frame::{Answer, Choice, Frame, LONGEST_NAME, LONGEST_URL, Moment, Part, Shown, Viewer};
use super::run::{address_of, site_of};
use crate::compare::{Change, Comparison, FindingChange, Side, compare, sheet};
use crate::model::report::Report;
use crate::model::sheet::{Block, SheetSection};
use crate::model::visit::State as VisitState;
use crate::report::{counted, number, shown, wording};
use crate::service::Service;

use crate::service::error::Problem;
use crate::store::StoreError;

/// Sites and runs offered; any other run can be named by its id.
const MOST_SITES: usize = 500;
const MOST_RUNS: usize = 30;
/// Findings named; the comparison in JSON has them all.
const MOST_FINDINGS: usize = 200;

const STATES: [VisitState; 4] = [
    VisitState::Before,
    VisitState::Rejected,
    VisitState::Accepted,
    VisitState::Withdrawn,
];

pub(super) fn router() -> Router<Service> {
    Router::new().route("/compare", get(comparison))
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Wish {
    site: String,
    before: String,
    after: String,
    before_state: String,
    after_state: String,
    /// Ids of runs that are not offered.
    other_before: String,
    other_after: String,
}

#[derive(Template)]
#[template(path = "compare.html", config = "src/service/dashboard/askama.toml")]
struct ComparePage {
    frame: Frame,
    sites: Vec<Choice>,
    /// Runs to choose from, as the first and as the second.
    befores: Vec<Choice>,
    afters: Vec<Choice>,
    before_states: Vec<Choice>,
    after_states: Vec<Choice>,
    other_before: String,
    other_after: String,
    /// Both were chosen.
    result: Option<ResultView>,
    wrong: String,
}

struct ResultView {
    title: String,
    sides: [SideView; 2],
    new: Vec<ChangeRow>,
    fixed: Vec<ChangeRow>,
    more_new: usize,
    more_fixed: usize,
    /// The rest, as every format has it.
    sections: Vec<SheetSection>,
}

struct SideView {
    word: &'static str,
    run: String,
    started: Moment,
    pages: String,
    state: &'static str,
}

struct ChangeRow {
    severity: &'static str,
    verdict: &'static str,
    rule: String,
    title: String,
    page: String,
    address: String,
    accepted: bool,
}

impl Wish {
    fn first(&self) -> &str {
        chosen(&self.other_before, &self.before)
    }

    fn second(&self) -> &str {
        chosen(&self.other_after, &self.after)
    }
}

/// What was typed, or else what was chosen.
fn chosen<'a>(typed: &'a str, offered: &'a str) -> &'a str {
    match typed.trim() {
        "" => offered.trim(),
        typed => typed,
    }
}

async fn comparison(
    State(service): State<Service>,
    viewer: Viewer,
    Query(wish): Query<Wish>,
) -> Answer<ComparePage> {
    let both = !wish.first().is_empty() && !wish.second().is_empty();
    // Whole runs are read: not by everybody at once.
    let turn = if both {
        Some(service.turn().await?)
    } else {
        None
    };
    let page = service
        .apart(move |service| page(service, &viewer, wish, both))
        .await?;
    drop(turn);
    Ok(Shown(page))
}

fn page(
    service: &Service,
    viewer: &Viewer,
    mut wish: Wish,
    both: bool,
) -> Result<ComparePage, Problem> {
    if wish.site.is_empty() {
        wish.site = site_of(service, wish.second()).unwrap_or_default();
    }
    let mut wrong = String::new();
    let result = match both.then(|| compared(service, &wish)) {
        None => None,
        Some(Ok(result)) => Some(result),
        Some(Err(problem)) if problem.status < 500 => {
            wrong = shown(&problem.detail, LONGEST_NAME * 4);
            None
        }
        Some(Err(problem)) => return Err(problem),
    };
    let runs = offered(service, &wish.site);
    let offer = |chosen: &str| {
        let runs = runs.iter().map(|(id, words)| (id.as_str(), words.as_str()));
        super::frame::choices(chosen, "choose a run", runs)
    };
    let states = |chosen: &str| {
        let names = STATES.map(|state| (wording::state(state), wording::state(state)));
        super::frame::choices(chosen, "all states", names)
    };
    let sites = service.sites()?;
    let names = sites
        .iter()
        .take(MOST_SITES)
        .map(|site| (site.id.as_str(), site.name.as_str()));
    Ok(ComparePage {
        frame: Frame::new(viewer, Part::Compare, "Compare two runs"),
        sites: super::frame::choices(&wish.site, "choose a site", names),
        befores: offer(&wish.before),
        afters: offer(&wish.after),
        before_states: states(&wish.before_state),
        after_states: states(&wish.after_state),
        other_before: shown(&wish.other_before, LONGEST_NAME),
        other_after: shown(&wish.other_after, LONGEST_NAME),
        result,
        wrong,
    })
}

/// The runs of a site, newest first, with their words.
fn offered(service: &Service, site: &str) -> Vec<(String, String)> {
    service.board().look(site, |standing| {
        let points = standing
            .into_iter()
            .flat_map(|standing| standing.history.iter().rev());
        let runs = points.filter_map(|point| {
            let found = counted(total(&point.findings) as usize, "finding", "findings");
            let words = format!("{}: {found}", Moment(point.finished).words());
            Some((point.run.clone()?, words))
        });
        runs.take(MOST_RUNS).collect()
    })
}

fn state_of(name: &str) -> Result<Option<VisitState>, Problem> {
    if name.is_empty() {
        return Ok(None);
    }
    STATES
        .into_iter()
        .find(|state| wording::state(*state) == name)
        .map(Some)
        .ok_or_else(|| Problem::bad_request("there is no such state"))
}

fn compared(service: &Service, wish: &Wish) -> Result<ResultView, Problem> {
    let catalog = service.catalog()?;
    let (before, after) = (
        service.store().run(wish.first())?,
        service.store().run(wish.second())?,
    );
    let head = |run: Option<&Report>, id: &str| -> Result<Report, Problem> {
        let head = run.ok_or_else(|| StoreError::Unfinished(id.to_owned()))?;
        Ok(head.clone())
    };
    let heads = [
        head(before.head(), wish.first())?,
        head(after.head(), wish.second())?,
    ];
    let comparison = compare(
        &Side {
            head: &heads[0],
            pages: &before,
            state: state_of(&wish.before_state)?,
        },
        &Side {
            head: &heads[1],
            pages: &after,
            state: state_of(&wish.after_state)?,
        },
        &catalog,
    )
    .map_err(|error| Problem::internal(&error))?;
    Ok(ResultView::of(&comparison))
}

impl ResultView {
    fn of(comparison: &Comparison) -> Self {
        let rows = |change: Change, run: &str| -> Vec<ChangeRow> {
            let findings = comparison.findings.iter();
            findings
                .filter(|finding| finding.change == change)
                .map(|finding| ChangeRow::of(finding, run))
                .collect()
        };
        let cut = |mut rows: Vec<ChangeRow>| {
            let more = rows.len().saturating_sub(MOST_FINDINGS);
            rows.truncate(MOST_FINDINGS);
            (rows, more)
        };
        let (new, more_new) = cut(rows(Change::New, &comparison.after.run));
        let (fixed, more_fixed) = cut(rows(Change::Gone, &comparison.before.run));
        let document = sheet(comparison);
        Self {
            title: document.title,
            sides: [("Before", &comparison.before), ("After", &comparison.after)].map(
                |(word, side)| SideView {
                    word,
                    run: shown(&side.run, LONGEST_NAME),
                    started: Moment(side.started),
                    pages: number(side.pages),
                    state: side.state.map_or("all states", wording::state),
                },
            ),
            new,
            fixed,
            more_new,
            more_fixed,
            // Findings are shown above, with links.
            sections: document
                .sections
                .into_iter()
                .filter(|section| !section.title.ends_with("findings"))
                .map(bounded)
                .collect(),
        }
    }
}

impl ChangeRow {
    fn of(finding: &FindingChange, run: &str) -> Self {
        Self {
            severity: wording::severity(finding.severity),
            verdict: wording::verdict(finding.verdict),
            rule: shown(&finding.rule, 20),
            title: shown(&finding.title, 300),
            page: shown(&finding.page, LONGEST_URL),
            address: address_of(run, &finding.id),
            accepted: finding.accepted,
        }
    }
}

/// A section whose texts are printable and of bounded length.
fn bounded(section: SheetSection) -> SheetSection {
    let cut = |text: String| shown(&text, 500);
    let all = |texts: Vec<String>| texts.into_iter().map(cut).collect::<Vec<_>>();
    let blocks = section.blocks.into_iter().map(|block| match block {
        Block::Paragraph(text) => Block::Paragraph(cut(text)),
        Block::List(points) => Block::List(all(points)),
        Block::Steps(steps) => Block::Steps(all(steps)),
        Block::Facts(facts) => Block::Facts(
            facts
                .into_iter()
                .map(|(name, fact)| (name, cut(fact)))
                .collect(),
        ),
        Block::Table { columns, rows } => Block::Table {
            columns,
            rows: rows.into_iter().map(all).collect(),
        },
    });
    SheetSection {
        title: section.title,
        blocks: blocks.collect(),
    }
}
