//! What becomes of the visitor's answers on every banner of the test web, as a table.

use super::site::Site;
use crate::model::party::host_of;
use crate::model::report::{Page, Report};
use crate::model::visit::{ChoiceOutcome, ProofStrength, Route, State, Visit};

/// A table in Markdown: one line for each site about a banner, by platform.
///
/// Only what the report holds is in it; a site that was not audited has no line.
pub fn table(report: &Report, sites: &[Site]) -> String {
    let mut lines: Vec<String> = sites
        .iter()
        .filter(|site| site.platform.is_some() || site.is_about_consent_only())
        .filter_map(|site| {
            let page = report
                .pages
                .iter()
                .find(|page| host_of(&page.url) == site.host)?;
            Some(line(site, page))
        })
        .collect();
    lines.sort_unstable();
    let head = "| platform | banner | language | found | accepted | rejected | withdrawn | proof |\n\
                |---|---|---|---|---|---|---|---|\n";
    format!("{head}{}", lines.concat())
}

/// How the line of a site begins: platform, where the banner comes from, language.
pub fn line_begins(site: &Site) -> String {
    let platform = site.platform.as_deref().unwrap_or("(none)");
    let banner = match site.banner.as_str() {
        "emulated" => "emulated".to_owned(),
        "own" => format!("own: {}", site.name),
        package => format!("npm: {package}"),
    };
    format!("| {platform} | {banner} | {} |", site.language)
}

fn line(site: &Site, page: &Page) -> String {
    let found = if page.banner.found { "yes" } else { "no" };
    let of = |state| page.visits.iter().find(|visit| visit.state == state);
    let proof = of(State::Rejected)
        .filter(|visit| visit.choice.confirmed)
        .or_else(|| of(State::Accepted).filter(|visit| visit.choice.confirmed))
        .map_or("none", |visit| strength(visit.choice.strength));
    format!(
        "{} {found} | {} | {} | {} | {proof} |\n",
        line_begins(site),
        cell(of(State::Accepted)),
        cell(of(State::Rejected)),
        cell(of(State::Withdrawn)),
    )
}

/// What became of one answer, with what it took.
fn cell(visit: Option<&Visit>) -> String {
    let Some(visit) = visit else {
        return "not visited".to_owned();
    };
    let choice = &visit.choice;
    let is = |outcome| choice.outcomes.contains(&outcome);
    if !choice.made {
        return if is(ChoiceOutcome::BannerNotFound) {
            "nothing to answer"
        } else if is(ChoiceOutcome::PayOrOk) {
            "no way: pay or ok"
        } else if is(ChoiceOutcome::Wall) {
            "no way: wall"
        } else if is(ChoiceOutcome::AcceptOnly) {
            "no way: accept only"
        } else {
            "no way"
        }
        .to_owned();
    }
    let clicks = if choice.clicks == 1 {
        "1 click".to_owned()
    } else {
        format!("{} clicks", choice.clicks)
    };
    let layer =
        if visit.state == State::Rejected && visit.banner.routes.reject == Route::SecondLayer {
            ", second layer"
        } else {
            ""
        };
    let became = if choice.confirmed {
        "confirmed"
    } else if is(ChoiceOutcome::Contradicted) {
        "contradicted"
    } else {
        "not confirmed"
    };
    format!("{became}, {clicks}{layer}")
}

fn strength(strength: Option<ProofStrength>) -> &'static str {
    match strength {
        Some(ProofStrength::Record) => "the platform's record",
        Some(ProofStrength::Inferred) => "a record in plain words",
        Some(ProofStrength::Contrast) => "yes and no leave different records",
        Some(ProofStrength::BannerGone) | None => "none",
    }
}
