//! What happens although the visitor has refused: R10 to R12.
//!
//! A click alone proves no refusal: unless something confirms it, every finding is inconclusive.

use crate::judge::classify::Need;
use crate::judge::index::{Departure, Item, PageIndex, Refusals, Sighting};
use crate::judge::item::{Stored, is_opt_out};
use crate::model::finding::{Certainty, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::Party;
use crate::model::visit::State;

use super::tracking::{
    DeniedPings, Means, Occurrence, Writes, grouped, item_draft, means_of, request_draft,
};
use super::{Draft, Requirement, Rule, RuleInfo, less_sure};

/// R10: something written after the refusal.
pub(super) struct NewStorage;

/// R11: a request that measures or advertises after the refusal.
pub(super) struct TrackingRequest;

/// R12: something written before the refusal that survives it.
pub(super) struct ResidualIdentifiers;

/// The verdict as far as the refusals carry it.
fn as_confirmed(refusals: &Refusals, verdict: Verdict) -> Verdict {
    if refusals.confirmed {
        verdict
    } else {
        less_sure(verdict, Verdict::Inconclusive)
    }
}

fn occurrence(refusals: &Refusals) -> Occurrence {
    Occurrence {
        state: State::Rejected,
        visits: refusals.visits.clone(),
    }
}

fn departed_after(page: &PageIndex<'_>, refusals: &Refusals, departure: &Departure) -> bool {
    refusals.visits.contains(&departure.visit)
        && page.visits[departure.visit].is_sent_after(departure.phase, departure.at_ms, true)
}

impl Rule for NewStorage {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R10",
            name: "reject-new-storage",
            title: "Something that needs consent is stored after the visitor refused",
            checks: "A cookie or a storage entry that needs consent is written after the refusal was recorded, or \
                     written again.",
            severity: Severity::Critical,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
            ],
            remedy: "Stop the service when the visitor refuses, and keep it from loading on the following pages.",
            needs: &[Requirement::Answer(State::Rejected)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let refusals = page.refusals();
        page.items
            .iter()
            .filter(|item| match item.class.need {
                Need::Consent => true,
                Need::LikelyConsent => {
                    item.leaves_the_site(|departure| departed_after(page, &refusals, departure))
                }
                Need::Exempt | Need::Security | Need::Unknown | Need::Probe => false,
            })
            .filter_map(|item| {
                let known_before = item.known_before();
                let counts = |number: usize, stored: &Stored<'_>| {
                    refusals.visits.contains(&number)
                        && page.visits[number].is_after(stored.phase, stored.at_ms, known_before)
                        && !is_opt_out(stored.value.text())
                        && stores_something(item, number, stored)
                };
                let writes = Writes::of(item, counts)?;
                let draft = item_draft(page, item, &writes, &occurrence(&refusals), |departure| {
                    departed_after(page, &refusals, departure)
                });
                let renewed = known_before
                    && refusals
                        .visits
                        .iter()
                        .any(|&number| stored_before(item, number));
                Some(Draft {
                    sub_type: renewed.then_some("renewed"),
                    verdict: as_confirmed(&refusals, draft.verdict),
                    ..draft
                })
            })
            .collect()
    }
}

fn stored_before(item: &Item<'_>, visit: usize) -> bool {
    writes_in(item, visit).any(|stored| stored.phase.is_before_choice())
}

fn writes_in<'i, 'a>(item: &'i Item<'a>, visit: usize) -> impl Iterator<Item = &'i Stored<'a>> {
    item.sightings
        .iter()
        .filter(move |sighting| sighting.visit == visit)
        .flat_map(|sighting| &sighting.stored)
}

/// Whether a write stores something: whoever writes a value again stores it again.
///
/// Where only the result was seen, it has to differ from what was there before the choice.
fn stores_something(item: &Item<'_>, visit: usize, stored: &Stored<'_>) -> bool {
    let earlier = writes_in(item, visit)
        .filter(|other| other.phase.is_before_choice())
        .last();
    stored.set_by.is_some()
        || earlier.is_none_or(|earlier| earlier.value.fingerprint != stored.value.fingerprint)
}

impl Rule for TrackingRequest {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R11",
            name: "reject-tracking-request",
            title: "A tracking request is sent after the visitor refused",
            checks: "As R06, after the refusal was recorded. Requests that were on their way when it was do not count; \
                     Google's denied measurements are reported as denied-ping.",
            severity: Severity::Critical,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Stop the service when the visitor refuses, and keep it from loading on the following pages.",
            needs: &[Requirement::Answer(State::Rejected)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let refusals = page.refusals();
        let denied = DeniedPings::new(page);
        let occurrence = occurrence(&refusals);
        let groups = |pings: bool| {
            grouped(page, refusals.visits.iter().copied(), |visit, seen| {
                seen.tracker().is_some()
                    && page.visits[visit].is_sent_after(
                        seen.request.phase,
                        seen.request.at_ms,
                        page.requested_before(&seen.group()),
                    )
                    && denied.contains(visit, seen) == pings
            })
        };
        let tracking = groups(false);
        let tracked: Vec<_> = tracking.iter().map(|requests| &requests.group).collect();
        let tracking_drafts = tracking.iter().filter_map(|requests| {
            let means = requests
                .seen
                .iter()
                .filter_map(|(_, seen)| means_of(seen))
                .min()?;
            let severity = if means == Means::Script {
                Severity::Medium
            } else {
                Severity::Critical
            };
            let draft = request_draft(page, requests, means, severity, &occurrence)?;
            Some(Draft {
                verdict: as_confirmed(&refusals, draft.verdict),
                ..draft
            })
        });
        let pings = groups(true);
        // One subject, one finding: the graver one stands.
        let ping_drafts = pings
            .iter()
            .filter(|requests| !tracked.contains(&&requests.group))
            .filter_map(|requests| {
                let draft =
                    request_draft(page, requests, Means::Beacon, Severity::Info, &occurrence)?;
                Some(Draft {
                    sub_type: Some("denied-ping"),
                    verdict: as_confirmed(&refusals, Verdict::Review),
                    proof: Proof::P1,
                    certainty: Certainty::L3,
                    remedy: format!("Use the basic consent mode for it. {}", draft.remedy),
                    ..draft
                })
            });
        tracking_drafts.chain(ping_drafts).collect()
    }
}

impl Rule for ResidualIdentifiers {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R12",
            name: "reject-residual-identifiers",
            title: "Something that needs consent was stored before the choice and survives the refusal",
            checks: "A cookie or a storage entry that needs consent was written before the choice and is still there \
                     at the end. Third parties' cookies count only when they are sent again, and so does what only \
                     behaves like an identifier.",
            severity: Severity::High,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &["ePrivacy Directive 2002/58/EC Art. 5(3)", "GDPR Art. 7(3)"],
            remedy: "Set it only after consent, and delete what is left of it when the visitor refuses.",
            needs: &[Requirement::Answer(State::Rejected)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let refusals = page.refusals();
        page.items
            .iter()
            .filter(|item| !item.attempted_only())
            .filter(|item| match item.class.need {
                Need::Consent => true,
                // What only behaves like one has to be at work after the refusal.
                Need::LikelyConsent => item.departures.iter().any(|departure| {
                    departure.party == Party::Third && departed_after(page, &refusals, departure)
                }),
                Need::Exempt | Need::Security | Need::Unknown | Need::Probe => false,
            })
            .filter_map(|item| residue(page, &refusals, item))
            .collect()
    }
}

fn residue(page: &PageIndex<'_>, refusals: &Refusals, item: &Item<'_>) -> Option<Draft> {
    let sent_after = |visit: usize| {
        item.departures
            .iter()
            .any(|departure| departure.visit == visit && departed_after(page, refusals, departure))
    };
    let survives = |visit: usize| {
        let alive = |sighting: &Sighting<'_>| sighting.visit == visit && sighting.record.alive();
        let deletable = item.key.kind != SubjectKind::Cookie || item.party == Party::First;
        item.sightings.iter().any(alive) && (deletable || sent_after(visit))
    };
    let writes = Writes::of(item, |number, stored| {
        refusals.visits.contains(&number)
            && stored.phase.is_before_choice()
            && !is_opt_out(stored.value.text())
            && survives(number)
    })?;
    let sent = refusals
        .visits
        .iter()
        .any(|&visit| survives(visit) && sent_after(visit));
    let mut draft = item_draft(page, item, &writes, &occurrence(refusals), |departure| {
        departed_after(page, refusals, departure)
    });
    draft.evidence.notes.push(if sent {
        "sent again after the refusal".to_owned()
    } else {
        "still stored at the end of the visit, not seen to be sent".to_owned()
    });
    Some(Draft {
        severity: if sent { Severity::High } else { Severity::Low },
        certainty: if sent { Certainty::L1 } else { Certainty::L2 },
        verdict: as_confirmed(refusals, draft.verdict),
        remedy: format!("Delete it when the visitor refuses. {}", draft.remedy),
        ..draft
    })
}
