//! How long identifiers live: R37.

use crate::judge::classify::Need;
use crate::judge::index::{Item, PageIndex};
use crate::judge::item::{Stored, is_opt_out};
use crate::judge::profile::Profile;
use crate::model::finding::{Category, Certainty, Proof, Severity, SubjectKind, Verdict};
use crate::model::visit::State;

use super::tracking::{Occurrence, Writes, item_draft};
use super::{Draft, Rule, RuleInfo};

/// Thirteen months of 31 or 30 days and a leap day at most, in days.
const THIRTEEN_MONTHS: i64 = 397;
/// Twenty-four months with a leap day, in days.
const TWO_YEARS: i64 = 731;

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
    let in_france = page.profile == Profile::Fr;
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
            if in_france || item.lifetime.exceeds_days(TWO_YEARS) {
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
    let states = [State::Before, State::Rejected, State::Accepted];
    let (state, writes) = states.into_iter().find_map(|state| {
        Some((
            state,
            Writes::of(item, |visit, stored| {
                happened_in(page, visit, stored, state)
            })?,
        ))
    })?;
    let occurrence = match state {
        State::Before => Occurrence::before(page),
        other => Occurrence {
            state,
            visits: (0..page.visits.len())
                .filter(|&number| page.visits[number].visit.state == other)
                .collect(),
        },
    };
    let mut draft = item_draft(page, item, &writes, &occurrence, |_| true);
    draft.evidence.lifetime = Some(item.lifetime.in_words());
    Some(Draft {
        sub_type,
        severity,
        verdict,
        proof: Proof::P1,
        certainty: if in_france {
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

fn happened_in(page: &PageIndex<'_>, visit: usize, stored: &Stored<'_>, state: State) -> bool {
    let before = stored.phase.is_before_choice();
    let happened = match state {
        State::Before => before,
        other => !before && page.visits[visit].visit.state == other,
    };
    happened && !is_opt_out(stored.value.text())
}
