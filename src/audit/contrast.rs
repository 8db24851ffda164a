//! Proves answers by comparing visits: what yes left behind against what no left behind.
//!
//! A site whose record nobody else can read still shows that it records answers when the record
//! that the click wrote is another one for yes than for no. No visit can know that alone.

use std::collections::BTreeMap;

use crate::model::party::Party;
use crate::model::snapshot::{StorageKind, Write};
use crate::model::visit::{ChoiceOutcome, DiagnosticCode, ProofStrength, State, Visit};
use crate::visit::consent::record::{self, Answer, Change, Source};

/// A place a record lies in: area, host or origin, and name.
type Place = (Option<StorageKind>, String, String);
/// What lies in each place, and when it was written.
type Records = BTreeMap<Place, (String, u64)>;

/// Confirms the answers of visits that another visit's answer tells apart.
pub(super) fn confirm(visits: &mut [Visit]) {
    let written: Vec<Records> = visits.iter().map(records).collect();
    let comparable: Vec<bool> = visits.iter().map(is_comparable).collect();
    let nobody_could_refuse = !visits
        .iter()
        .any(|visit| visit.state == State::Rejected && visit.choice.made);
    let refusal_was_tried = visits.iter().any(|visit| visit.state == State::Rejected);
    let mut proofs: Vec<(usize, String, u64)> = Vec::new();
    for (index, visit) in visits.iter().enumerate() {
        if !comparable[index] || visit.choice.confirmed {
            continue;
        }
        let opposite = match visit.state {
            State::Rejected | State::Withdrawn => State::Accepted,
            State::Accepted => State::Rejected,
            State::Before => continue,
        };
        let others: Vec<&Records> = visits
            .iter()
            .zip(&comparable)
            .zip(&written)
            .filter(|((other, comparable), _)| other.state == opposite && **comparable)
            .map(|(_, records)| records)
            .collect();
        let agreement_alone =
            visit.state == State::Accepted && refusal_was_tried && nobody_could_refuse;
        let found = written[index].iter().find(|(place, (value, _))| {
            if agreement_alone {
                return record::is_consent_record_name(&place.2);
            }
            !others.is_empty()
                && others.iter().all(|other| {
                    let theirs = other.get(*place).map(|(value, _)| value.as_str());
                    record::tells_apart(&place.2, value, theirs)
                })
        });
        let alone = || allowed_by_yes_alone(visit.state, &written[index], &others);
        if let Some(((area, _, name), (_, at_ms))) = found {
            let place = area_name(*area);
            let why = if agreement_alone {
                "on a banner that offers nothing else"
            } else {
                "and is another one for yes than for no"
            };
            proofs.push((
                index,
                format!("{place} `{name}` was written by the click {why}"),
                *at_ms,
            ));
        } else if let Some((how, at_ms)) = alone() {
            proofs.push((index, how, at_ms));
        }
    }
    for (index, how, at_ms) in proofs {
        let visit = &mut visits[index];
        visit.choice.confirmed = true;
        visit.choice.strength = Some(ProofStrength::Contrast);
        visit.choice.how = Some(how);
        visit.choice.confirmed_ms = Some(at_ms);
        for outcome in &mut visit.choice.outcomes {
            if *outcome == ChoiceOutcome::Unconfirmed {
                *outcome = ChoiceOutcome::Inferred;
            }
        }
        visit
            .diagnostics
            .retain(|diagnostic| diagnostic.code != DiagnosticCode::ChoiceUnconfirmed);
    }
}

fn area_name(area: Option<StorageKind>) -> &'static str {
    match area {
        None => "cookie",
        Some(StorageKind::SessionStorage) => "session storage",
        Some(_) => "local storage",
    }
}

/// Some sites write after every answer the same record, that there was one, and after a yes further
/// ones, one for each thing that is allowed. A refusal then left the first and none of the others.
fn allowed_by_yes_alone(
    state: State,
    mine: &Records,
    others: &[&Records],
) -> Option<(String, u64)> {
    if !matches!(state, State::Rejected | State::Withdrawn) || others.is_empty() {
        return None;
    }
    let answered = mine.iter().find(|(place, (value, _))| {
        record::is_consent_record_name(&place.2)
            && others.iter().all(|other| {
                let theirs = other.get(*place);
                theirs.is_some_and(|(theirs, _)| theirs == value)
            })
    });
    let ((area, _, name), (_, at_ms)) = answered?;
    let allows = |place: &Place, value: &str| {
        let change = Change {
            name: &place.2,
            old: None,
            new: value,
            source: match place.0 {
                None => Source::Cookie,
                Some(StorageKind::SessionStorage) => Source::SessionStorage,
                Some(_) => Source::LocalStorage,
            },
        };
        record::infer(&[change]).is_some_and(|said| said.answer == Answer::Granted)
    };
    let permissions: Vec<&Place> = others
        .first()?
        .iter()
        .filter(|(place, (value, _))| allows(place, value))
        .map(|(place, _)| place)
        .collect();
    let permission = permissions.into_iter().find(|place| {
        !mine.contains_key(*place) && others.iter().all(|other| other.contains_key(*place))
    })?;
    let how = format!(
        "{} `{name}` was written by the click, as by a yes, which also wrote {} `{}`",
        area_name(*area),
        area_name(permission.0),
        permission.2
    );
    Some((how, *at_ms))
}

/// Whether an answer was given, nothing contradicts it, and the banner did not ask again.
fn is_comparable(visit: &Visit) -> bool {
    let outcomes = &visit.choice.outcomes;
    visit.choice.made
        && !outcomes.contains(&ChoiceOutcome::Contradicted)
        && !outcomes.contains(&ChoiceOutcome::Reappeared)
}

/// What the page itself wrote from the click on, by place: the first value that stayed.
fn records(visit: &Visit) -> Records {
    let Some(clicked_ms) = visit.choice.clicked_ms else {
        return Records::new();
    };
    let mut records = Records::new();
    let since_click = |writes: &[Write]| -> Option<(String, u64)> {
        let last = writes.iter().rfind(|write| {
            write.at_ms >= clicked_ms && !write.deleted && write.refused.is_empty()
        })?;
        // Between pages the same record may be written again: the first time counts.
        let first = writes
            .iter()
            .find(|write| write.at_ms >= clicked_ms && write.value == last.value)
            .unwrap_or(last);
        // A value that stood there before the click was not written by it.
        let stood = writes
            .iter()
            .rfind(|write| write.at_ms < clicked_ms)
            .is_some_and(|write| write.value == last.value);
        (!stood).then(|| (last.value.text().to_owned(), first.at_ms))
    };
    for cookie in &visit.snapshot.cookies {
        if cookie.party == Party::First
            && let Some(found) = since_click(&cookie.writes)
        {
            records.insert((None, cookie.domain.clone(), cookie.name.clone()), found);
        }
    }
    for entry in &visit.snapshot.storage {
        let readable = matches!(
            entry.kind,
            StorageKind::LocalStorage | StorageKind::SessionStorage
        );
        if readable
            && entry.party == Party::First
            && let Some(found) = since_click(&entry.writes)
        {
            records.insert(
                (Some(entry.kind), entry.origin.clone(), entry.key.clone()),
                found,
            );
        }
    }
    records
}
