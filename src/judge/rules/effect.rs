//! Whether an answer makes a difference: R13, R31.

use std::collections::BTreeSet;

use crate::judge::classify::Need;
use crate::judge::index::PageIndex;
use crate::judge::naming::{kind_name, shown};
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::visit::{PhaseName, State};

use super::site::{banner_name, confirmed_in, site_draft, visits_in};
use super::tracking::{DeniedPings, means_of};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R13: a no and a yes have the same effect.
pub(super) struct Placebo;

/// R31: Global Privacy Control has none.
pub(super) struct PrivacyControlIgnored;

/// Fewest trackers after a yes that a comparison is made on.
const FEWEST_TRACES: usize = 3;
/// Visits of each answer it takes.
const FEWEST_VISITS: usize = 3;
/// Overlap from which two visits count as the same.
const SAME: f64 = 0.9;
/// How much less alike a no may be to a yes than one yes is to another.
const TOLERANCE: f64 = 0.05;

/// Who tracked and how.
type Traces = BTreeSet<(String, &'static str)>;

/// What tracked in a visit, in the phases that count.
fn traces(
    page: &PageIndex<'_>,
    denied: &DeniedPings,
    number: usize,
    counts: fn(PhaseName) -> bool,
) -> Traces {
    let requests = page.visits[number]
        .requests
        .iter()
        .filter(|seen| counts(seen.request.phase))
        .filter_map(|seen| {
            let service = seen.tracker()?.service.clone();
            let means = if denied.contains(number, seen) {
                "denied-ping"
            } else {
                means_of(seen)?.name()
            };
            Some((service, means))
        });
    let items = page
        .items
        .iter()
        // What only the site's declaration tells may be its own: that tracks nobody across sites.
        .filter(|item| item.class.need == Need::Consent && !item.class.declared)
        .filter(|item| !item.attempted_only())
        .filter(|item| {
            item.sightings.iter().any(|sighting| {
                sighting.visit == number
                    && sighting.stored.iter().any(|stored| counts(stored.phase))
            })
        })
        .map(|item| {
            let owner = item.class.service.clone();
            let owner = owner.unwrap_or_else(|| item.key.host.clone());
            (owner, kind_name(item.key.kind))
        });
    requests.chain(items).collect()
}

/// What two sets share of what either has.
fn overlap(left: &Traces, right: &Traces) -> f64 {
    let either = left.union(right).count();
    if either == 0 {
        return 0.0;
    }
    left.intersection(right).count() as f64 / either as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

impl Rule for Placebo {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R13",
            name: "reject-placebo",
            title: "Refusing makes no difference",
            checks: "After at least three confirmed refusals and three confirmed yeses, at least three trackers work \
                     after every yes, every refusal shares nine tenths of them with every yes, and a no is as like a \
                     yes as one yes is like another. A denied measurement is not the same as a granted one.",
            severity: Severity::Critical,
            proof: Proof::P3,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
            ],
            remedy: "Connect the tags to the consent platform: the button that refuses changes nothing at present.",
            needs: &[
                Requirement::Answers(State::Rejected, FEWEST_VISITS),
                Requirement::Answers(State::Accepted, FEWEST_VISITS),
            ],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let (refused, accepted) = (
            confirmed_in(page, State::Rejected),
            confirmed_in(page, State::Accepted),
        );
        if refused.len() < FEWEST_VISITS || accepted.len() < FEWEST_VISITS {
            return Vec::new();
        }
        let denied = DeniedPings::new(page);
        let of = |numbers: &[usize]| -> Vec<Traces> {
            numbers
                .iter()
                .map(|&number| traces(page, &denied, number, PhaseName::is_after_choice))
                .collect()
        };
        let (no, yes) = (of(&refused), of(&accepted));
        if yes.iter().any(|traces| traces.len() < FEWEST_TRACES) {
            return Vec::new();
        }
        let across: Vec<f64> = no
            .iter()
            .flat_map(|left| yes.iter().map(move |right| overlap(left, right)))
            .collect();
        let among: Vec<f64> = yes
            .iter()
            .enumerate()
            .flat_map(|(at, left)| yes[at + 1..].iter().map(move |right| overlap(left, right)))
            .collect();
        if across.iter().any(|overlap| *overlap < SAME) || mean(&across) < mean(&among) - TOLERANCE
        {
            return Vec::new();
        }
        let services: BTreeSet<String> = no
            .iter()
            .flatten()
            .map(|(service, _)| shown(page.service_name(service)))
            .collect();
        let named: Vec<String> = services.into_iter().take(20).collect();
        vec![Draft {
            severity: Severity::Critical,
            verdict: Verdict::Likely,
            proof: Proof::P3,
            evidence: Evidence {
                notes: vec![
                    format!(
                        "a no shares {:.0} % of what tracks after a yes; one yes shares {:.0} % with another",
                        mean(&across) * 100.0,
                        mean(&among) * 100.0
                    ),
                    format!("after the refusal still: {}", named.join(", ")),
                ],
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Banner,
                &banner_name(page),
                State::Rejected,
                Sightings::new(refused.iter().copied(), []),
            )
        }]
    }
}

impl Rule for PrivacyControlIgnored {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R31",
            name: "gpc-not-honoured",
            title: "Global Privacy Control makes no difference",
            checks: "Visits that ask by Global Privacy Control not to sell or share data meet every tracker that visits \
                     without it meet, before any choice.",
            severity: Severity::Info,
            proof: Proof::P3,
            certainty: Certainty::L3,
            legal: &["GDPR Art. 21(5)"],
            remedy: "Treat Global Privacy Control as a refusal.",
            needs: &[Requirement::PrivacyControl],
            limits: "The site's own statement (/.well-known/gpc.json) is not asked for.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let Some(asking) = &page.asking else {
            return Vec::new();
        };
        let trackers = |page: &PageIndex<'_>| -> BTreeSet<String> {
            let denied = DeniedPings::new(page);
            visits_in(page, State::Before)
                .into_iter()
                .flat_map(|number| traces(page, &denied, number, PhaseName::is_before_choice))
                .filter(|(_, means)| !matches!(*means, "denied-ping" | "script"))
                .map(|(service, _)| service)
                .collect()
        };
        let (with, without) = (trackers(asking), trackers(page));
        if without.is_empty() || !with.is_superset(&without) {
            return Vec::new();
        }
        let named: Vec<String> = without
            .iter()
            .take(20)
            .map(|service| shown(page.service_name(service)))
            .collect();
        vec![Draft {
            severity: Severity::Info,
            verdict: Verdict::Review,
            proof: Proof::P3,
            certainty: Certainty::L3,
            evidence: Evidence {
                notes: vec![format!("with it as without it: {}", named.join(", "))],
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Signal,
                "Global Privacy Control",
                State::Before,
                Sightings::new(visits_in(page, State::Before), []),
            )
        }]
    }
}
