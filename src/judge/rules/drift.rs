//! What has come since earlier runs, while old answers still hold: R35.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::classify::Need;
use crate::judge::earlier::EarlierSite;
use crate::judge::index::{Item, PageIndex};
use crate::judge::naming::shown;
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::visit::State;

use super::declaration::{MOST_NAMED, in_words};
use super::site::{banner_name, site_draft, visits_in};
use super::tracking::{first_occurrence, item_draft};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R35: something came that needs consent, and nobody was asked again.
pub(super) struct PolicyDrift;

impl Rule for PolicyDrift {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R35",
            name: "policy-drift",
            title: "Something new needs consent, and visitors who had answered are not asked again",
            checks: "Against up to three earlier runs of the same page, taken together: a service (service) or an \
                     unknown identifier of a new party (item) needs consent, was neither seen nor declared then, and \
                     the record of a yes given then still holds: the site writes it today under the same name and for \
                     the same version of its question, and it has not run out. Or a list that was read then has new \
                     entries that are not necessary (declaration).",
            severity: Severity::Medium,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &["GDPR Art. 4(11)", "GDPR Art. 7"],
            remedy: "Ask again when purposes or vendors change: raise the version of the question in the consent platform.",
            needs: &[Requirement::Answer(State::Accepted), Requirement::Earlier],
            limits: "Whether a server forgets old answers by itself cannot be seen. A change of what a service does, or \
                     of the banner's words, is not looked at.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let Some((earlier, record)) = page
            .earlier
            .and_then(|earlier| Some((earlier, earlier.answer_that_still_holds(page)?)))
        else {
            return Vec::new();
        };
        let mut drafts: Vec<Draft> = by_item(page, earlier).collect();
        let told: BTreeSet<String> = drafts
            .iter()
            .filter_map(|draft| draft.service.clone())
            .collect();
        drafts.extend(by_request(page, earlier, &told));
        drafts.extend(new_entries(page, earlier));
        for draft in &mut drafts {
            self.info().remedy.clone_into(&mut draft.remedy);
            draft.proof = Proof::P1;
            draft.certainty = Certainty::L2;
            draft.evidence.notes.push(format!(
                "a yes that {} keeps from then still holds",
                shown(record)
            ));
        }
        drafts
    }
}

/// One finding for each new service that stores something, and one for each new unknown identifier.
fn by_item<'p>(
    page: &'p PageIndex<'_>,
    earlier: &'p EarlierSite,
) -> impl Iterator<Item = Draft> + 'p {
    let mut told: BTreeSet<&str> = BTreeSet::new();
    page.items
        .iter()
        .filter(|item| item.class.need.wants_consent() && !item.class.is_choice_record())
        .filter(move |item| match &item.class.service {
            Some(service) => !earlier.knows_service(service) && !earlier.declares(item),
            None => !earlier.knows_item(item),
        })
        .filter(move |item| match &item.class.service {
            Some(service) => told.insert(service),
            None => true,
        })
        .filter_map(|item| new_item(page, item))
}

fn new_item(page: &PageIndex<'_>, item: &Item<'_>) -> Option<Draft> {
    let (writes, occurrence) = first_occurrence(page, item)?;
    let draft = item_draft(page, item, &writes, &occurrence, |_| true);
    Some(match &item.class.service {
        Some(service) => Draft {
            sub_type: Some("service"),
            stable_name: service.clone(),
            severity: Severity::Medium,
            verdict: if item.class.need == Need::Consent {
                Verdict::Likely
            } else {
                Verdict::Review
            },
            ..draft
        },
        None => Draft {
            sub_type: Some("item"),
            severity: Severity::Info,
            verdict: Verdict::Review,
            ..draft
        },
    })
}

/// One finding for each new service that measures or advertises without storing anything that was seen.
fn by_request(page: &PageIndex<'_>, earlier: &EarlierSite, told: &BTreeSet<String>) -> Vec<Draft> {
    let mut first: BTreeMap<&str, (usize, _)> = BTreeMap::new();
    let mut visits: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (number, visit) in page.visits.iter().enumerate() {
        for seen in &visit.requests {
            let Some(found) = seen.tracker() else {
                continue;
            };
            let service = found.service.as_str();
            if earlier.knows_service(service) || told.contains(service) {
                continue;
            }
            first.entry(service).or_insert((number, seen));
            visits.entry(service).or_default().insert(number);
        }
    }
    first
        .into_iter()
        .map(|(service, (number, seen))| {
            let state = if seen.request.phase.is_before_choice() {
                State::Before
            } else {
                page.visits[number].visit.state
            };
            let possible = if state == State::Before {
                (0..page.visits.len()).collect()
            } else {
                visits_in(page, state)
            };
            let seen_in = visits.remove(service).unwrap_or_default();
            Draft {
                subject: Subject {
                    kind: SubjectKind::Request,
                    host: seen.host.clone(),
                    name: shown(seen.url.path()),
                    party: seen.party(),
                },
                stable_name: service.to_owned(),
                sub_type: Some("service"),
                severity: Severity::Medium,
                verdict: Verdict::Likely,
                service: Some(service.to_owned()),
                category: seen
                    .found
                    .as_ref()
                    .map_or(Category::Unclassified, |found| found.category),
                phase: seen.request.phase,
                evidence: Evidence {
                    at_ms: Some(seen.request.at_ms),
                    initiator_chain: seen.request.initiator_chain.clone(),
                    notes: vec![format!(
                        "{} was neither seen nor declared in the earlier runs",
                        shown(page.service_name(service))
                    )],
                    ..Evidence::default()
                },
                ..site_draft(
                    page,
                    SubjectKind::Request,
                    service,
                    state,
                    Sightings::new(seen_in, possible),
                )
            }
        })
        .collect()
}

/// One finding for all entries that are new in the site's lists and not declared necessary.
fn new_entries(page: &PageIndex<'_>, earlier: &EarlierSite) -> Option<Draft> {
    let new: BTreeSet<String> = page
        .declared
        .entries
        .iter()
        .filter(|entry| {
            !matches!(entry.category, None | Some(Category::Necessary))
                && earlier.is_new_in_its_list(entry)
        })
        .map(in_words)
        .collect();
    let more = new.len().checked_sub(MOST_NAMED).filter(|more| *more > 0);
    let notes: Vec<String> = new
        .iter()
        .take(MOST_NAMED)
        .cloned()
        .chain(more.map(|more| format!("and {more} more entries that are new")))
        .collect();
    (!notes.is_empty()).then(|| Draft {
        sub_type: Some("declaration"),
        severity: Severity::Info,
        verdict: Verdict::Review,
        evidence: Evidence {
            notes,
            ..Evidence::default()
        },
        ..site_draft(
            page,
            SubjectKind::Banner,
            &banner_name(page),
            State::Before,
            Sightings::new(0..page.visits.len(), []),
        )
    })
}
