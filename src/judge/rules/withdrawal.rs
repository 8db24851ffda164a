//! Taking a yes back: R15, R16.

use std::collections::BTreeSet;

use crate::judge::classify::Need;
use crate::judge::index::{Departure, Item, PageIndex};
use crate::judge::item::is_opt_out;
use crate::judge::naming::shown;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::Party;
use crate::model::visit::{ChoiceOutcome, Outcome, PhaseName, State, Visit};

use super::consent_records;
use super::site::{banner_name, confirmed_in, fewest_clicks, site_draft, visits_in};
use super::tracking::{
    DeniedPings, Means, Occurrence, Writes, grouped, item_draft, means_of, request_draft,
};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R15: no way to take a yes back.
pub(super) struct MechanismMissing;

/// R16: taking it back changes nothing.
pub(super) struct Ineffective;

/// Clicks that taking back may need more than giving: one to open the settings, one to change them.
const MORE_CLICKS: u32 = 2;

impl Rule for MechanismMissing {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R15",
            name: "withdraw-mechanism-missing",
            title: "There is no way to take consent back, or a much harder one",
            checks: "In every visit that said yes and came back, neither a control on the page nor the platform's own \
                     function led back to the settings (missing; likely when two visits agree and a yes is known to \
                     be kept, otherwise for review). Or the withdrawal was walked and confirmed, and took over two \
                     clicks more than a yes (harder). A banner that asks at every visit is itself the way back.",
            severity: Severity::High,
            proof: Proof::P4,
            certainty: Certainty::L1,
            legal: &[
                "GDPR Art. 7(3)",
                "EDPB Cookie Banner Taskforce report (2023), type K",
            ],
            remedy: "Put a link or an icon on every page that opens the settings again.",
            needs: &[Requirement::Answer(State::Withdrawn)],
            limits: "A control on another page, such as the policy, or behind an account is not looked for.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        missing(page).or_else(|| harder(page)).into_iter().collect()
    }
}

fn became(visit: &Visit, outcome: ChoiceOutcome) -> bool {
    visit.choice.outcomes.contains(&outcome)
}

/// What both kinds of finding of R15 say alike.
fn mechanism_draft(
    page: &PageIndex<'_>,
    sub_type: &'static str,
    visits: &[usize],
    note: String,
) -> Draft {
    let all = visits_in(page, State::Withdrawn);
    let sightings = Sightings::new(visits.iter().copied(), all);
    let draft = site_draft(
        page,
        SubjectKind::Banner,
        &banner_name(page),
        State::Withdrawn,
        sightings,
    );
    Draft {
        stable_name: format!("{} {sub_type}", draft.stable_name),
        sub_type: Some(sub_type),
        proof: Proof::P4,
        evidence: Evidence {
            notes: vec![note],
            ..Evidence::default()
        },
        remedy: MechanismMissing.info().remedy.to_owned(),
        ..draft
    }
}

fn missing(page: &PageIndex<'_>) -> Option<Draft> {
    let complete: Vec<usize> = visits_in(page, State::Withdrawn)
        .into_iter()
        .filter(|&number| {
            let visit = page.visits[number].visit;
            visit.outcome == Outcome::Complete && visit.banner.found
        })
        .collect();
    let none_found = |&number: &usize| became(page.visits[number].visit, ChoiceOutcome::NoWayBack);
    let asks_again = page
        .visits
        .iter()
        .any(|visit| became(visit.visit, ChoiceOutcome::Reappeared));
    if complete.is_empty() || asks_again || !complete.iter().all(none_found) {
        return None;
    }
    let yes_is_kept = !confirmed_in(page, State::Accepted).is_empty();
    let verdict = if complete.len() >= 2 && yes_is_kept {
        Verdict::Likely
    } else {
        Verdict::Review
    };
    let note = "after the yes neither a control on the page nor the platform's function led back to the settings";
    Some(Draft {
        severity: Severity::High,
        verdict,
        certainty: Certainty::L1,
        ..mechanism_draft(page, "missing", &complete, note.to_owned())
    })
}

fn harder(page: &PageIndex<'_>) -> Option<Draft> {
    let (yes, yes_is_confirmed) = fewest_clicks(page, State::Accepted)?;
    let (back, back_is_confirmed) = fewest_clicks(page, State::Withdrawn)?;
    if back <= yes.saturating_add(MORE_CLICKS) {
        return None;
    }
    let walked: Vec<usize> = visits_in(page, State::Withdrawn)
        .into_iter()
        .filter(|&number| page.visits[number].visit.choice.clicks >= back)
        .collect();
    let note = format!("{back} clicks to take the yes back, {yes} to give it");
    Some(Draft {
        severity: Severity::Medium,
        verdict: if yes_is_confirmed && back_is_confirmed {
            Verdict::Likely
        } else {
            Verdict::Inconclusive
        },
        certainty: Certainty::L2,
        ..mechanism_draft(page, "harder", &walked, note)
    })
}

impl Rule for Ineffective {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R16",
            name: "withdraw-ineffective",
            title: "Taking consent back does not stop what rested on it",
            checks: "After a confirmed withdrawal and a reload: an item that needs consent is still there and is \
                     sent, to third parties (sent; of unknown identifiers only these count) or with the site's own requests (own-site), or is only kept (kept); \
                     a tracking request is sent (as in R06); or a platform's record or a TC string still says yes \
                     (signal). What happens before the reload does not count: many platforms clean up while loading.",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 7(3)",
                "CNIL, Condé Nast decision of 20 November 2025",
            ],
            remedy: "Delete what rested on consent and stop its services when consent is taken back.",
            needs: &[Requirement::Answer(State::Withdrawn)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits = confirmed_in(page, State::Withdrawn);
        if visits.is_empty() {
            return Vec::new();
        }
        let occurrence = Occurrence {
            state: State::Withdrawn,
            visits,
        };
        let mut drafts = still_there(page, &occurrence);
        drafts.extend(still_tracking(page, &occurrence));
        drafts.extend(still_saying_yes(page, &occurrence));
        drafts
    }
}

/// Items that rested on consent and outlived it, with their share of all such items.
fn still_there(page: &PageIndex<'_>, occurrence: &Occurrence) -> Vec<Draft> {
    let known: Vec<&Item<'_>> = page
        .items
        .iter()
        .filter(|item| !item.attempted_only())
        .filter(|item| match item.class.need {
            Need::Consent => true,
            // What only behaves like one has to be at work after the withdrawal.
            Need::LikelyConsent => item.departures.iter().any(|departure| {
                departure.party == Party::Third && sent_on_reload(occurrence, departure)
            }),
            Need::Exempt | Need::Security | Need::Unknown | Need::Probe => false,
        })
        .filter(|item| {
            item.sightings
                .iter()
                .any(|sighting| occurrence.visits.contains(&sighting.visit))
        })
        .collect();
    let mut drafts: Vec<Draft> = known
        .iter()
        .filter_map(|item| outlives(page, occurrence, item))
        .collect();
    let share = format!(
        "{} of {} items that need consent outlive the withdrawal",
        drafts.len(),
        known.len()
    );
    for draft in &mut drafts {
        draft.evidence.notes.push(share.clone());
    }
    drafts
}

fn sent_on_reload(occurrence: &Occurrence, departure: &Departure) -> bool {
    departure.phase == PhaseName::Revisit && occurrence.visits.contains(&departure.visit)
}

fn outlives(page: &PageIndex<'_>, occurrence: &Occurrence, item: &Item<'_>) -> Option<Draft> {
    let reloaded = |departure: &Departure| sent_on_reload(occurrence, departure);
    let sent_in = |visit: usize| {
        item.departures
            .iter()
            .any(|departure| departure.visit == visit && reloaded(departure))
    };
    // A site cannot delete other people's cookies: of those only sending counts.
    let foreign = item.key.kind == SubjectKind::Cookie && item.party == Party::Third;
    let survives = |visit: usize| {
        item.sightings.iter().any(|sighting| {
            sighting.visit == visit
                && sighting.record.alive()
                && !is_opt_out(sighting.record.value().text())
        }) && (!foreign || sent_in(visit))
    };
    let writes = Writes::of(item, |number, _| {
        occurrence.visits.contains(&number) && survives(number)
    })?;
    let surviving = || {
        occurrence
            .visits
            .iter()
            .copied()
            .filter(|&visit| survives(visit))
    };
    let to_others = surviving().any(|visit| {
        item.departures.iter().any(|departure| {
            departure.visit == visit && departure.party == Party::Third && reloaded(departure)
        })
    });
    let (sub_type, severity, certainty) = if to_others {
        ("sent", Severity::Critical, Certainty::L1)
    } else if surviving().any(sent_in) {
        ("own-site", Severity::High, Certainty::L1)
    } else {
        ("kept", Severity::Low, Certainty::L2)
    };
    let draft = item_draft(page, item, &writes, occurrence, reloaded);
    Some(Draft {
        sub_type: Some(sub_type),
        severity,
        certainty,
        phase: PhaseName::Revisit,
        remedy: format!("Delete it when consent is taken back. {}", draft.remedy),
        ..draft
    })
}

fn still_tracking(page: &PageIndex<'_>, occurrence: &Occurrence) -> Vec<Draft> {
    let denied = DeniedPings::new(page);
    grouped(page, occurrence.visits.iter().copied(), |visit, seen| {
        seen.request.phase == PhaseName::Revisit
            && means_of(seen).is_some_and(|means| means != Means::Script)
            && !denied.contains(visit, seen)
    })
    .iter()
    .filter_map(|requests| {
        let means = requests
            .seen
            .iter()
            .filter_map(|(_, seen)| means_of(seen))
            .min()?;
        request_draft(page, requests, means, Severity::Critical, occurrence)
    })
    .collect()
}

/// Records and strings that still say yes after the reload, though another one says no.
fn still_saying_yes(page: &PageIndex<'_>, occurrence: &Occurrence) -> Option<Draft> {
    let mut notes: BTreeSet<String> = BTreeSet::new();
    let mut visits: BTreeSet<usize> = BTreeSet::new();
    for &number in &occurrence.visits {
        for said in consent_records::yes_after_reload(page, number) {
            visits.insert(number);
            notes.insert(said);
        }
        let strings = page
            .strings
            .iter()
            .filter(|heard| heard.visit == number && heard.phase == PhaseName::Revisit)
            .filter(|heard| heard.is_effective());
        for heard in strings {
            visits.insert(number);
            notes.insert(format!("{}: {}", shown(&heard.source), heard.in_words()));
        }
    }
    if visits.is_empty() {
        return None;
    }
    let sightings = Sightings::new(visits, occurrence.visits.iter().copied());
    let name = "consent record";
    let draft = site_draft(page, SubjectKind::Signal, name, State::Withdrawn, sightings);
    Some(Draft {
        sub_type: Some("signal"),
        severity: Severity::High,
        evidence: Evidence {
            notes: notes.into_iter().take(20).collect(),
            ..Evidence::default()
        },
        remedy:
            "Have every platform and tag read the withdrawal, not only the one that was clicked."
                .to_owned(),
        ..draft
    })
}
