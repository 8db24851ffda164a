//! How long identifiers and answers live: R37, R38.

use crate::judge::classify::Need;
use crate::judge::index::{Item, PageIndex};
use crate::judge::item::{DAY_S, Lifetime};
use crate::model::finding::{Category, Certainty, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::Party;
use crate::model::tcf::TcString;
use crate::model::visit::State;

use super::site::confirmed_in;
use super::tracking::{Occurrence, Writes, first_occurrence, item_draft};
use super::{Draft, Requirement, Rule, RuleInfo};

/// Thirteen months of 31 or 30 days and a leap day at most, in days.
const THIRTEEN_MONTHS: i64 = 397;

/// R37: an identifier that lives longer than it should.
pub(super) struct ExcessiveLifetime;

impl Rule for ExcessiveLifetime {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R37",
            name: "identifier-lifetime-excessive",
            title: "An identifier lives longer than regulators find proportionate",
            checks: "A cookie that identifies, measures or advertises asks for more than 13 months, in any state. \
                     Read from what was asked for, since the browser stores 400 days at most. Identifiers in \
                     localStorage have no end at all and are for review.",
            severity: Severity::Low,
            proof: Proof::P1,
            certainty: Certainty::L3,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 5(1)(e)",
            ],
            remedy: "Shorten the lifetime to 13 months or less and do not extend it at every visit.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter_map(|item| too_long(page, item))
            .collect()
    }
}

fn too_long(page: &PageIndex<'_>, item: &Item<'_>) -> Option<Draft> {
    if item.attempted_only() {
        return None;
    }
    let facts = page.profile.facts();
    let tracks = item.identifies()
        || (item.class.service.is_some()
            && matches!(
                item.class.category,
                Category::Analytics | Category::Marketing
            ));
    let (severity, verdict, sub_type) = match item.key.kind {
        SubjectKind::Cookie if item.class.need.wants_consent() && tracks => {
            if !item.lifetime.exceeds_days(THIRTEEN_MONTHS) {
                return None;
            }
            if item.lifetime.exceeds_days(facts.identifier_longest_days) {
                (Severity::Medium, Verdict::Likely, None)
            } else {
                (Severity::Low, Verdict::Review, None)
            }
        }
        SubjectKind::LocalStorage | SubjectKind::IndexedDb
            if item.class.need == Need::LikelyConsent && item.identifier.is_some() =>
        {
            (Severity::Low, Verdict::Review, Some("unbounded"))
        }
        _ => return None,
    };
    let (writes, occurrence) = first_occurrence(page, item)?;
    let mut draft = item_draft(page, item, &writes, &occurrence, |_| true);
    draft.evidence.lifetime = Some(item.lifetime.in_words());
    Some(Draft {
        sub_type,
        severity,
        verdict,
        proof: Proof::P1,
        certainty: if facts.identifier_limit_is_settled {
            Certainty::L2
        } else {
            Certainty::L3
        },
        remedy: match sub_type {
            None => format!(
                "Shorten the lifetime of {} from {} to 13 months or less, and do not extend it at every visit.",
                draft.subject.name,
                item.lifetime.in_words()
            ),
            Some(_) => format!(
                "Give {} an end: store a date beside it and delete it after 13 months or less.",
                draft.subject.name
            ),
        },
        ..draft
    })
}

/// R38: the record of a choice lives too long, or a no shorter than a yes.
pub(super) struct ChoiceRecordLifetime;

/// Share of a yes's life that a no must have at least.
const FAIR_SHARE: i64 = 2;

/// The longest life that writes after the answer asked for, in the confirmed visits of a state, in seconds.
///
/// Zero stands for the session.
fn kept_for(page: &PageIndex<'_>, item: &Item<'_>, state: State) -> Option<i64> {
    let visits = confirmed_in(page, state);
    let writes = Writes::of(item, |number, stored| {
        visits.contains(&number) && page.visits[number].is_after(stored.phase, stored.at_ms, false)
    })?;
    match writes.lifetime() {
        Lifetime::Session => Some(0),
        Lifetime::Seconds(seconds) => Some(seconds),
        Lifetime::Unbounded => None,
    }
}

fn holds_a_tc_string(item: &Item<'_>) -> bool {
    item.sightings
        .iter()
        .flat_map(|sighting| &sighting.stored)
        .any(|stored| TcString::parse(stored.value.text()).is_some())
}

impl Rule for ChoiceRecordLifetime {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R38",
            name: "choice-lifetime-out-of-range",
            title: "The record of the choice lives too long, or a refusal shorter than a yes",
            checks: "The same cookie keeps both answers, and a no lives less than half as long as a yes \
                     (refusal-shorter). Or it lives longer than the jurisdiction or the TC framework allows (too-long), \
                     or a refusal shorter than the jurisdiction wants (refusal-too-short: six months in France and \
                     Italy). Read from what was asked for after the answer.",
            severity: Severity::Medium,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 5(1)(e)",
                "GDPR Art. 7",
                "CNIL, délibération 2020-092",
            ],
            remedy: "Keep a no as long as a yes: six months are good practice, thirteen the most.",
            needs: &[
                Requirement::Answer(State::Rejected),
                Requirement::Answer(State::Accepted),
            ],
            limits: "Records kept on a server or in localStorage have no end that could be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                item.key.kind == SubjectKind::Cookie
                    && item.party == Party::First
                    && item.class.is_choice_record()
                    && item.class.role.as_deref() != Some("consent-ui")
            })
            .filter_map(|item| out_of_range(page, item, self.info().remedy))
            .collect()
    }
}

fn out_of_range(page: &PageIndex<'_>, item: &Item<'_>, remedy: &str) -> Option<Draft> {
    let facts = page.profile.facts();
    let no = kept_for(page, item, State::Rejected);
    let yes = kept_for(page, item, State::Accepted);
    let longest = if holds_a_tc_string(item) {
        Some(facts.tcf_record_longest_days)
    } else {
        facts.record_longest_days
    };
    let days = |seconds: i64| Lifetime::Seconds(seconds);
    let longer = no.max(yes)?;
    let (severity, sub_type, state) = match (no, yes) {
        (Some(no), Some(yes)) if yes >= DAY_S && no.saturating_mul(FAIR_SHARE) < yes => {
            (Severity::Medium, "refusal-shorter", State::Rejected)
        }
        _ if longest.is_some_and(|longest| days(longer).exceeds_days(longest)) => {
            let state = if no == Some(longer) {
                State::Rejected
            } else {
                State::Accepted
            };
            (Severity::Low, "too-long", state)
        }
        (Some(no), _)
            if facts
                .refusal_shortest_days
                .is_some_and(|shortest| no < shortest.saturating_mul(DAY_S)) =>
        {
            (Severity::Low, "refusal-too-short", State::Rejected)
        }
        _ => return None,
    };
    let visits = confirmed_in(page, state);
    let writes = Writes::of(item, |number, stored| {
        visits.contains(&number) && page.visits[number].is_after(stored.phase, stored.at_ms, false)
    })?;
    let mut draft = item_draft(page, item, &writes, &Occurrence { state, visits }, |_| {
        false
    });
    let words = |kept: Option<i64>| match kept {
        Some(0) => "for the session".to_owned(),
        Some(seconds) => format!("for {}", days(seconds).in_words()),
        None => "not seen".to_owned(),
    };
    draft.evidence.notes = vec![format!("a no is kept {}, a yes {}", words(no), words(yes))];
    Some(Draft {
        sub_type: Some(sub_type),
        severity,
        verdict: Verdict::Violation,
        proof: Proof::P1,
        certainty: Certainty::L2,
        remedy: remedy.to_owned(),
        ..draft
    })
}
