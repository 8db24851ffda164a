//! What consent platforms keep of the answer against what was answered: R14, R23, R30.

use std::collections::BTreeSet;

use crate::judge::consent_strings::Channel;
use crate::judge::declaration::Admission;
use crate::judge::index::PageIndex;
use crate::judge::naming::shown;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::snapshot::{Signal, Snapshot};
use crate::model::visit::{ButtonRole, ChoiceOutcome, PhaseName, State, Visit};

use super::site::{banner_name, confirmed_in, site_draft, visits_in};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R14: the refusal is forgotten, or turned round.
pub(super) struct NotPersisted;

/// R23: something else than a click is taken for a yes.
pub(super) struct ImpliedConsent;

/// R30: the record contradicts the answer or another record.
pub(super) struct RecordMismatch;

/// Records of consent platforms: what they keep, and what their functions answer.
fn records(visit: &Visit, phase: impl Fn(PhaseName) -> bool) -> impl Iterator<Item = &Signal> {
    visit.snapshot.signals.iter().filter(move |signal| {
        matches!(signal.kind.as_str(), "cmp-record" | "cmp-api") && phase(signal.phase)
    })
}

/// Names that any record of the visit calls necessary.
fn necessary(snapshot: &Snapshot) -> BTreeSet<&str> {
    snapshot
        .signals
        .iter()
        .flat_map(|signal| &signal.grants)
        .filter(|grant| grant.necessary)
        .map(|grant| grant.name.as_str())
        .collect()
}

/// What a record grants that can be refused.
///
/// Of OneTrust's groups only those whose numbers have a meaning everywhere: sites number their own.
fn granted<'s>(signal: &'s Signal, necessary: &BTreeSet<&str>) -> Vec<&'s str> {
    const NUMBERED: [&str; 4] = ["C0002", "C0003", "C0004", "C0005"];
    let numbered = signal.grants.iter().any(|grant| grant.name == "C0001");
    signal
        .grants
        .iter()
        .filter(|grant| {
            grant.granted && !grant.necessary && !necessary.contains(grant.name.as_str())
        })
        .map(|grant| grant.name.as_str())
        .filter(|name| !numbered || NUMBERED.contains(name))
        .collect()
}

/// Whether a record says no to everything that can be refused.
fn denies(signal: &Signal, necessary: &BTreeSet<&str>) -> bool {
    let mut optional = signal
        .grants
        .iter()
        .filter(|grant| !grant.necessary && !necessary.contains(grant.name.as_str()))
        .peekable();
    optional.peek().is_some() && optional.all(|grant| !grant.granted)
}

/// A finding about a record of the platform.
struct Clue {
    visit: usize,
    at_ms: u64,
    phase: PhaseName,
    note: String,
}

fn draft_of(
    page: &PageIndex<'_>,
    kind: SubjectKind,
    name: &str,
    state: State,
    visits: &[usize],
    clues: &[Clue],
) -> Option<Draft> {
    let first = clues.first()?;
    let sightings = Sightings::new(clues.iter().map(|clue| clue.visit), visits.iter().copied());
    let mut notes: Vec<String> = Vec::new();
    for clue in clues {
        if !notes.contains(&clue.note) {
            notes.push(clue.note.clone());
        }
    }
    Some(Draft {
        phase: first.phase,
        evidence: Evidence {
            at_ms: Some(first.at_ms),
            notes,
            ..Evidence::default()
        },
        ..site_draft(page, kind, name, state, sightings)
    })
}

fn says_yes(visit: usize, signal: &Signal, granted: &[&str]) -> Clue {
    let names: Vec<String> = granted.iter().take(20).map(|name| shown(name)).collect();
    Clue {
        visit,
        at_ms: signal.at_ms,
        phase: signal.phase,
        note: format!("{} grants {}", shown(&signal.source), names.join(", ")),
    }
}

/// Records that say yes after the reload of a refused visit in which they had said no.
fn turned_round(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for number in confirmed_in(page, State::Rejected) {
        let visit = page.visits[number].visit;
        let necessary = necessary(&visit.snapshot);
        let denied: BTreeSet<&str> = records(visit, |phase| phase == PhaseName::Chosen)
            .filter(|signal| denies(signal, &necessary))
            .map(|signal| signal.source.as_str())
            .collect();
        clues.extend(
            records(visit, |phase| phase == PhaseName::Revisit)
                .filter(|signal| denied.contains(signal.source.as_str()))
                .filter_map(|signal| {
                    let granted = granted(signal, &necessary);
                    (!granted.is_empty()).then(|| says_yes(number, signal, &granted))
                }),
        );
    }
    clues
}

/// What records still grant after the reload of a visit, in words.
pub(super) fn yes_after_reload(page: &PageIndex<'_>, number: usize) -> Vec<String> {
    let visit = page.visits[number].visit;
    let necessary = necessary(&visit.snapshot);
    records(visit, |phase| phase == PhaseName::Revisit)
        .filter(|signal| signal.explicit)
        .filter_map(|signal| {
            let granted = granted(signal, &necessary);
            (!granted.is_empty()).then(|| says_yes(number, signal, &granted).note)
        })
        .collect()
}

/// Whether an answer stood in a record after it was given, and whether one stood there after the reload.
fn kept(visit: &Visit) -> (bool, bool) {
    let explicit =
        |wanted: PhaseName| records(visit, |phase| phase == wanted).any(|signal| signal.explicit);
    (explicit(PhaseName::Chosen), explicit(PhaseName::Revisit))
}

/// Refused visits in which the answer was gone after the reload, all of them or none.
fn forgotten(page: &PageIndex<'_>) -> Vec<Clue> {
    let refused: Vec<usize> = confirmed_in(page, State::Rejected)
        .into_iter()
        .filter(|&number| {
            let visit = page.visits[number].visit;
            visit
                .phases
                .iter()
                .any(|phase| phase.name == PhaseName::Revisit)
                && kept(visit).0
        })
        .collect();
    let lost = |number: &usize| kept(page.visits[*number].visit) == (true, false);
    // Where a yes is forgotten as well, the page keeps its records out of sight.
    let yes_is_kept = confirmed_in(page, State::Accepted)
        .into_iter()
        .any(|number| kept(page.visits[number].visit) == (true, true));
    if refused.is_empty() || !yes_is_kept || !refused.iter().all(lost) {
        return Vec::new();
    }
    refused
        .into_iter()
        .map(|visit| Clue {
            visit,
            at_ms: page.visits[visit].visit.timing.total_ms,
            phase: PhaseName::Revisit,
            note: "the record of the refusal was gone after the reload; that of a yes stays"
                .to_owned(),
        })
        .collect()
}

/// Refused visits in which the banner asks again after the reload: all of them, and none that accepted.
fn asked_again(page: &PageIndex<'_>) -> Vec<Clue> {
    let again = |number: &usize| {
        page.visits[*number]
            .visit
            .choice
            .outcomes
            .contains(&ChoiceOutcome::Reappeared)
    };
    let (refused, accepted) = (
        confirmed_in(page, State::Rejected),
        confirmed_in(page, State::Accepted),
    );
    if accepted.is_empty() || accepted.iter().any(again) || !refused.iter().all(again) {
        return Vec::new();
    }
    refused
        .into_iter()
        .map(|visit| Clue {
            visit,
            at_ms: page.visits[visit].visit.timing.total_ms,
            phase: PhaseName::Revisit,
            note: "the banner asked again after the reload; after a yes it does not".to_owned(),
        })
        .collect()
}

impl Rule for NotPersisted {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R14",
            name: "reject-not-persisted",
            title: "The refusal is not kept",
            checks: "After a confirmed refusal and a reload, a record that said no says yes (turned-round), or the \
                     record is gone while that of a yes stays (forgotten), in every visit. Or the banner asks again, \
                     in every refused visit and in none that accepted (asked-again).",
            severity: Severity::Medium,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
                "EDPB Guidelines 03/2022, continuous prompting",
            ],
            remedy: "Keep the refusal as long as a yes would be kept, on every page of the site.",
            needs: &[
                Requirement::Answer(State::Rejected),
                Requirement::Answer(State::Accepted),
            ],
            limits: "Other pages of the site are not looked at.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits = confirmed_in(page, State::Rejected);
        let name = banner_name(page);
        [
            (
                "turned-round",
                turned_round(page),
                Severity::High,
                Verdict::Violation,
            ),
            (
                "forgotten",
                forgotten(page),
                Severity::Medium,
                Verdict::Likely,
            ),
            (
                "asked-again",
                asked_again(page),
                Severity::Medium,
                Verdict::Likely,
            ),
        ]
        .into_iter()
        .filter_map(|(sub_type, clues, severity, verdict)| {
            let draft = draft_of(
                page,
                SubjectKind::Banner,
                &name,
                State::Rejected,
                &visits,
                &clues,
            )?;
            Some(Draft {
                stable_name: format!("{} {sub_type}", draft.stable_name),
                sub_type: Some(sub_type),
                severity,
                verdict,
                certainty: Certainty::L2,
                remedy: self.info().remedy.to_owned(),
                ..draft
            })
        })
        .collect()
    }
}

/// Records of a visitor's answer in visits in which nobody has answered yet.
fn answered_by_nobody(page: &PageIndex<'_>) -> Vec<(bool, Clue)> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let visit = visit.visit;
        let necessary = necessary(&visit.snapshot);
        let idle: BTreeSet<&str> = records(visit, |phase| phase == PhaseName::Idle)
            .filter(|signal| signal.explicit)
            .map(|signal| signal.source.as_str())
            .collect();
        for signal in records(visit, PhaseName::is_before_choice).filter(|signal| signal.explicit) {
            let granted = granted(signal, &necessary);
            if !granted.is_empty() {
                let moved =
                    signal.phase == PhaseName::Active && !idle.contains(signal.source.as_str());
                clues.push((moved, says_yes(number, signal, &granted)));
            }
        }
    }
    clues
}

/// Records and settings in which platforms say themselves that consent is implied.
fn admitted(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = settings_clues(page, |admission| match admission {
        Admission::Implied(words) => Some(words),
        Admission::OnByDefault(_) => None,
    });
    for item in &page.items {
        for sighting in &item.sightings {
            for stored in sighting
                .stored
                .iter()
                .filter(|stored| stored.phase.is_before_choice())
            {
                let value = stored.value.text();
                let admits = match item.key.name.as_str() {
                    "notice_behavior" => {
                        value.starts_with("implied")
                            && value.split([',', '|']).any(|part| part == "eu")
                    }
                    "CookieConsent" => {
                        let plain = value
                            .replace("%27", "'")
                            .replace("%2C", ",")
                            .replace("%3A", ":");
                        plain.contains("method:'implied'")
                            && ["preferences:true", "statistics:true", "marketing:true"]
                                .iter()
                                .any(|grant| plain.contains(grant))
                    }
                    _ => false,
                };
                if admits {
                    clues.push(Clue {
                        visit: sighting.visit,
                        at_ms: stored.at_ms,
                        phase: stored.phase,
                        note: format!("{} says that consent is implied", shown(&item.key.name)),
                    });
                }
            }
        }
    }
    clues
}

/// What platforms' settings say, with the visit that read them.
fn settings_clues(
    page: &PageIndex<'_>,
    wanted: impl Fn(&Admission) -> Option<&String>,
) -> Vec<Clue> {
    let read = page.visits.iter().enumerate().find_map(|(number, visit)| {
        let first = visit.visit.snapshot.documents.first()?;
        Some((number, first))
    });
    let Some((visit, document)) = read else {
        return Vec::new();
    };
    page.declared
        .admissions
        .iter()
        .filter_map(wanted)
        .map(|words| Clue {
            visit,
            at_ms: document.at_ms,
            phase: document.phase,
            note: shown(words),
        })
        .collect()
}

/// What banners say that take staying for a yes, in the languages of most sites.
const CONTINUING: [&str; 17] = [
    "by continuing to use",
    "by continuing to browse",
    "by continuing your visit",
    "if you continue to use",
    "if you continue browsing",
    "continued use of this",
    "durch die weitere nutzung",
    "mit der weiteren nutzung",
    "durch die nutzung dieser",
    "wenn sie weitersurfen",
    "en poursuivant votre navigation",
    "en continuant à naviguer",
    "continuando la navigazione",
    "proseguendo la navigazione",
    "si continúa navegando",
    "al continuar navegando",
    "door verder te gaan op",
];

fn text_implies(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let banner = &visit.visit.banner;
        let text = banner.text.to_lowercase();
        // Beside a button that refuses, staying is no answer, whatever the text says.
        let refusable = banner
            .buttons
            .iter()
            .any(|button| button.role == ButtonRole::Reject);
        let phrase = CONTINUING.iter().find(|phrase| text.contains(*phrase));
        if let Some(phrase) = phrase.filter(|_| banner.found && !refusable) {
            clues.push(Clue {
                visit: number,
                at_ms: banner.seen_ms.unwrap_or_default(),
                phase: PhaseName::Idle,
                note: format!("the banner says \"{phrase}\""),
            });
        }
    }
    clues
}

impl Rule for ImpliedConsent {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R23",
            name: "implied-consent-action",
            title: "Staying, scrolling or waiting is taken for a yes",
            checks: "A consent platform's record holds the visitor's yes although nothing was clicked: from the start \
                     (recorded) or once the mouse moved and the page was scrolled (scrolled). Or the platform's own \
                     settings say that consent is implied (admitted: TrustArc's notice_behavior for the EU, Cookiebot's \
                     method, tarteaucitron's highPrivacy, iubenda's consentOnScroll, Klaro's optOut). Or only the banner's text says so, and no button refuses (text). Tags that merely wait for the first \
                     movement record nothing and are a matter of R06.",
            severity: Severity::High,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "GDPR Art. 4(11)",
                "GDPR Rec. 32",
                "CJEU C-673/17 (Planet49)",
                "EDPB Guidelines 05/2020",
            ],
            remedy: "Switch off implied consent: only a click on a button that accepts is a yes.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Closing the banner and going to another page are not tried. A banner that goes away by itself \
                     counts only where a record says yes.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits: Vec<usize> = (0..page.visits.len()).collect();
        let name = banner_name(page);
        let (scrolled, recorded): (Vec<_>, Vec<_>) = answered_by_nobody(page)
            .into_iter()
            .partition(|(moved, _)| *moved);
        let clues =
            |all: Vec<(bool, Clue)>| all.into_iter().map(|(_, clue)| clue).collect::<Vec<_>>();
        let mut drafts: Vec<Draft> = [
            ("recorded", clues(recorded)),
            ("scrolled", clues(scrolled)),
            ("admitted", admitted(page)),
        ]
        .into_iter()
        .filter_map(|(sub_type, clues)| {
            let draft = draft_of(
                page,
                SubjectKind::Banner,
                &name,
                State::Before,
                &visits,
                &clues,
            )?;
            Some(Draft {
                stable_name: format!("{} {sub_type}", draft.stable_name),
                sub_type: Some(sub_type),
                severity: Severity::High,
                remedy: self.info().remedy.to_owned(),
                ..draft
            })
        })
        .collect();
        // The text adds nothing to a record.
        if drafts.is_empty() {
            let clues = text_implies(page);
            drafts.extend(
                draft_of(
                    page,
                    SubjectKind::Banner,
                    &name,
                    State::Before,
                    &visits,
                    &clues,
                )
                .map(|draft| Draft {
                    stable_name: format!("{} text", draft.stable_name),
                    sub_type: Some("text"),
                    severity: Severity::Medium,
                    verdict: Verdict::Review,
                    proof: Proof::P4,
                    certainty: Certainty::L2,
                    remedy: self.info().remedy.to_owned(),
                    ..draft
                }),
            );
        }
        drafts
    }
}

/// Records that grant before anybody answered, and do not even claim that somebody did.
fn granted_by_default(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let visit = visit.visit;
        let elsewhere = visit.snapshot.signals.iter().any(|signal| {
            signal
                .facts
                .get("gdpr-applies")
                .is_some_and(|applies| applies == "false")
        });
        if elsewhere {
            continue;
        }
        let necessary = necessary(&visit.snapshot);
        clues.extend(
            records(visit, PhaseName::is_before_choice)
                .filter(|signal| !signal.explicit)
                .filter_map(|signal| {
                    let granted = granted(signal, &necessary);
                    (!granted.is_empty()).then(|| says_yes(number, signal, &granted))
                }),
        );
    }
    clues
}

/// After a confirmed answer: what says yes and what says no in the same visit, at its end.
fn contradictions(page: &PageIndex<'_>, state: State) -> Vec<Clue> {
    let mut clues = Vec::new();
    for number in confirmed_in(page, state) {
        let visit = page.visits[number].visit;
        let necessary = necessary(&visit.snapshot);
        let said: Vec<&Signal> = records(visit, |phase| phase == PhaseName::Revisit)
            .filter(|signal| signal.explicit)
            .collect();
        let yes: Vec<(&Signal, Vec<&str>)> = said
            .iter()
            .map(|signal| (*signal, granted(signal, &necessary)))
            .filter(|(_, granted)| !granted.is_empty())
            .collect();
        let no: Vec<&&Signal> = said
            .iter()
            .filter(|signal| denies(signal, &necessary))
            .collect();
        let strings: Vec<_> = page
            .strings
            .iter()
            .filter(|heard| heard.visit == number)
            .filter(|heard| heard.phase == PhaseName::Revisit && heard.channel == Channel::Api)
            .collect();
        if let (State::Rejected, Some((signal, granted))) = (state, yes.first()) {
            // The answer was confirmed as a no, so another record said it.
            clues.push(says_yes(number, signal, granted));
        } else if let (State::Accepted, Some(no), Some(_)) = (state, no.first(), yes.first()) {
            clues.push(Clue {
                visit: number,
                at_ms: no.at_ms,
                phase: no.phase,
                note: format!("{} denies what another record grants", shown(&no.source)),
            });
        }
        let string_against = strings.iter().find(|heard| match state {
            State::Rejected => !no.is_empty() && heard.is_effective(),
            _ => no.is_empty() && !yes.is_empty() && !heard.consents(),
        });
        clues.extend(string_against.map(|heard| Clue {
            visit: number,
            at_ms: heard.at_ms,
            phase: heard.phase,
            note: format!(
                "the TC string contradicts the platform's record: {}",
                heard.in_words()
            ),
        }));
    }
    clues
}

impl Rule for RecordMismatch {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R30",
            name: "cmp-record-mismatch",
            title: "The consent platform's record contradicts the visitor or another signal",
            checks: "Before a choice a platform's record grants what can be refused, by default (before-choice). After a \
                     confirmed refusal a record grants, or the TC string does while the record denies (after-reject). \
                     After a confirmed yes records or strings contradict each other (after-accept). What is always \
                     necessary does not count, nor groups of OneTrust that a site has numbered itself.",
            severity: Severity::High,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &["GDPR Art. 4(11)", "GDPR Art. 7(1)", "GDPR Art. 25(2)"],
            remedy: "Set the platform's default for Europe to opt-in, and keep one platform, or have one read the other's answer.",
            needs: &[
                Requirement::Visit(State::Before),
                Requirement::Answer(State::Rejected),
                Requirement::Answer(State::Accepted),
            ],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let all: Vec<usize> = (0..page.visits.len()).collect();
        let refused = confirmed_in(page, State::Rejected);
        let accepted = visits_in(page, State::Accepted);
        [
            (
                "before-choice",
                State::Before,
                &all,
                granted_by_default(page),
                Severity::High,
                Verdict::Likely,
                Certainty::L1,
            ),
            (
                "after-reject",
                State::Rejected,
                &refused,
                contradictions(page, State::Rejected),
                Severity::High,
                Verdict::Violation,
                Certainty::L1,
            ),
            (
                "after-accept",
                State::Accepted,
                &accepted,
                contradictions(page, State::Accepted),
                Severity::Medium,
                Verdict::Review,
                Certainty::L2,
            ),
        ]
        .into_iter()
        .filter_map(
            |(sub_type, state, visits, clues, severity, verdict, certainty)| {
                let draft = draft_of(
                    page,
                    SubjectKind::Signal,
                    "consent record",
                    state,
                    visits,
                    &clues,
                )?;
                Some(Draft {
                    stable_name: format!("consent record {sub_type}"),
                    sub_type: Some(sub_type),
                    severity,
                    verdict,
                    certainty,
                    remedy: self.info().remedy.to_owned(),
                    ..draft
                })
            },
        )
        .collect()
    }
}
