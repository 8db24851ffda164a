//! Puts the visits of a page together.

use url::Url;

use super::policies::Policies;
use super::{Target, contrast, unstable};
use crate::catalog::Catalog;
use crate::model::party::host_of;
use crate::model::report::Page;
use crate::model::visit::{Banner, Diagnostic, DiagnosticCode, Outcome, Route, State, Visit};

/// The pages of a job, in the order they were given.
pub(super) fn pages(
    targets: &[Target],
    visits: Vec<(usize, Visit)>,
    mut policies: Policies,
    catalog: &Catalog,
) -> Vec<Page> {
    let mut by_target: Vec<Vec<Visit>> = targets.iter().map(|_| Vec::new()).collect();
    for (index, visit) in visits {
        if let Some(of_target) = by_target.get_mut(index) {
            of_target.push(visit);
        }
    }
    targets
        .iter()
        .zip(by_target)
        .enumerate()
        .map(|(number, (target, mut visits))| {
            visits.sort_by_key(|visit| (visit.state, visit.repeat));
            contrast::confirm(&mut visits);
            for banner in visits.iter_mut().map(|visit| &mut visit.banner) {
                banner.cmp = banner.cmp.take().map(|rule| of_rule(rule, catalog));
            }
            let url = target
                .url
                .as_ref()
                .map_or_else(|_| target.given.clone(), ToString::to_string);
            let mut diagnostics: Vec<Diagnostic> = match &target.url {
                Ok(_) => Vec::new(),
                Err(reason) => {
                    vec![Diagnostic {
                        code: DiagnosticCode::Unreachable,
                        message: reason.clone(),
                        state: None,
                    }]
                }
            };
            diagnostics.extend(
                visits
                    .iter()
                    .flat_map(|visit| visit.diagnostics.iter().cloned()),
            );
            diagnostics.extend(unstable::diagnostics(&visits));
            Page {
                final_url: visits
                    .first()
                    .map_or_else(|| url.clone(), |visit| visit.final_url.clone()),
                url,
                diagnostics,
                banner: banner(&visits, catalog),
                visits,
                policy: policies.remove(&number),
            }
        })
        .collect()
}

/// The banner, joined from all visits: as the untouched visit saw it, with every way that was walked.
fn banner(visits: &[Visit], catalog: &Catalog) -> Banner {
    let Some(mut banner) = visits
        .iter()
        .map(|visit| &visit.banner)
        .find(|banner| banner.found)
        .cloned()
    else {
        return Banner::default();
    };
    for other in visits
        .iter()
        .map(|visit| &visit.banner)
        .filter(|other| other.found)
    {
        banner.cmp = banner.cmp.take().or_else(|| other.cmp.clone());
        banner.screenshot = banner
            .screenshot
            .take()
            .or_else(|| other.screenshot.clone());
        banner.routes.accept = better(banner.routes.accept, other.routes.accept);
        banner.routes.reject = better(banner.routes.reject, other.routes.reject);
        for button in other.buttons.iter().filter(|button| button.layer > 1) {
            if !banner
                .buttons
                .iter()
                .any(|known| known.layer == button.layer && known.text == button.text)
            {
                banner.buttons.push(button.clone());
            }
        }
        for switch in other.switches.iter().filter(|switch| switch.layer > 1) {
            if !banner
                .switches
                .iter()
                .any(|known| known.layer == switch.layer && known.text == switch.text)
            {
                banner.switches.push(switch.clone());
            }
        }
    }
    banner.cmp = platform(banner.cmp.as_deref(), visits, catalog);
    banner
}

/// The platform of a rule by its catalog id; one the catalog does not know keeps the rule's name.
fn of_rule(rule: String, catalog: &Catalog) -> String {
    catalog
        .platform_of_rule(&rule)
        .map_or(rule, |service| service.id.clone())
}

/// The consent platform: the one whose rule knew the banner, else the only one that was contacted.
fn platform(rule: Option<&str>, visits: &[Visit], catalog: &Catalog) -> Option<String> {
    if let Some(rule) = rule {
        return Some(rule.to_owned());
    }
    let mut contacted: Vec<String> = visits
        .iter()
        .flat_map(|visit| {
            let site = host_of(&visit.final_url);
            visit.snapshot.requests.iter().filter_map(move |request| {
                let found = catalog.match_request(&Url::parse(&request.url).ok()?, &site)?;
                found.cmp.then_some(found.service)
            })
        })
        .collect();
    contacted.sort_unstable();
    contacted.dedup();
    if contacted.len() == 1 {
        contacted.pop()
    } else {
        None
    }
}

fn better(one: Route, other: Route) -> Route {
    match (one, other) {
        (Route::FirstLayer, _) | (_, Route::FirstLayer) => Route::FirstLayer,
        (Route::SecondLayer, _) | (_, Route::SecondLayer) => Route::SecondLayer,
        _ => Route::None,
    }
}

/// How a visit went, in one line.
pub(super) fn in_one_line(visit: &Visit) -> String {
    if visit.outcome != Outcome::Complete {
        return visit
            .diagnostics
            .iter()
            .find(|diagnostic| diagnostic.code != DiagnosticCode::DialogDismissed)
            .map_or_else(
                || "not complete".to_owned(),
                |diagnostic| diagnostic.message.clone(),
            );
    }
    let answered = if visit.choice.carried_from.is_some() {
        "answered on an earlier page"
    } else {
        answered(visit)
    };
    format!(
        "{answered}; {} requests, {} cookies, {} storage entries in {} s",
        visit.snapshot.requests.len(),
        visit.snapshot.cookies.len(),
        visit.snapshot.storage.len(),
        visit.timing.total_ms / 1000
    )
}

/// What became of the banner.
fn answered(visit: &Visit) -> &'static str {
    match (
        visit.state,
        visit.banner.found,
        visit.choice.made,
        visit.choice.confirmed,
    ) {
        (State::Before, true, ..) => "banner seen and left alone",
        (State::Before, false, ..) => "no banner",
        (_, false, ..) => "no banner to answer",
        (_, true, false, _) => "no way to answer was found",
        (_, true, true, true) => "answered and confirmed",
        (_, true, true, false) => "answered, not confirmed",
    }
}
