//! Google's consent mode against the visitor's choice: R29.

use std::collections::BTreeMap;

use crate::judge::consent_mode::{self, Stance};
use crate::judge::index::{PageIndex, SeenRequest};
use crate::judge::profile::is_in_the_area;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::snapshot::{Command, Signal};
use crate::model::visit::{PhaseName, State};

use super::site::{confirmed_in, site_draft, visits_in};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R29: the state Google's tags go by is not what the visitor chose.
pub(super) struct GoogleConsentMismatch;

/// Consent types that need consent. The others are for the site's own working.
const TYPES: [&str; 4] = [
    "ad_storage",
    "analytics_storage",
    "ad_user_data",
    "ad_personalization",
];

/// What speaks for a mismatch in one visit.
struct Clue {
    visit: usize,
    at_ms: u64,
    phase: PhaseName,
    note: String,
}

/// Defaults and updates of the page's commands in some phases, by consent type.
#[derive(Default)]
struct Commands<'a> {
    general: BTreeMap<&'a str, bool>,
    regional: BTreeMap<&'a str, bool>,
    update: BTreeMap<&'a str, bool>,
}

impl<'a> Commands<'a> {
    fn of(signals: impl Iterator<Item = &'a Signal>, page: &PageIndex<'_>) -> Self {
        let mut given: Vec<(&Command, &Signal)> = signals
            .filter(|signal| signal.kind == "consent-command" && signal.source == "dataLayer")
            .filter_map(|signal| Some((signal.command.as_ref()?, signal)))
            .collect();
        given.sort_by_key(|(command, _)| command.position);
        let mut commands = Self::default();
        for (command, signal) in given {
            let place = match (command.name.as_str(), command.regions.is_empty()) {
                ("update", _) => &mut commands.update,
                ("default", true) => &mut commands.general,
                ("default", false) if covers(&command.regions, page) => &mut commands.regional,
                _ => continue,
            };
            for grant in &signal.grants {
                place.insert(grant.name.as_str(), grant.granted);
            }
        }
        commands
    }

    /// The narrower region outweighs the wider one.
    fn default_of(&self, kind: &str) -> Option<bool> {
        self.regional.get(kind).or(self.general.get(kind)).copied()
    }

    fn effective(&self, kind: &str) -> Option<bool> {
        self.update.get(kind).copied().or(self.default_of(kind))
    }

    fn granted(&self, says: impl Fn(&Self, &str) -> Option<bool>) -> Vec<&'static str> {
        TYPES
            .into_iter()
            .filter(|kind| says(self, kind) == Some(true))
            .collect()
    }
}

/// Whether regions hold for the profile's country; for the generic profile, for any of the area.
fn covers(regions: &[String], page: &PageIndex<'_>) -> bool {
    regions.iter().any(|region| {
        let country = region.split('-').next().unwrap_or_default();
        match page.profile.country() {
            Some(own) => country == own,
            None => is_in_the_area(country),
        }
    })
}

/// What a measurement request says of each type: storage for advertising, for analytics, user data, personalisation.
fn stances(seen: &SeenRequest<'_>) -> Option<[Stance; 4]> {
    if !consent_mode::is_google_measurement(&seen.url) {
        return None;
    }
    let (_, gcd) = seen.url.query_pairs().find(|(name, _)| name == "gcd")?;
    consent_mode::decode_gcd(&gcd)
}

fn gcs_grants(seen: &SeenRequest<'_>) -> bool {
    consent_mode::is_google_measurement(&seen.url)
        && seen
            .url
            .query_pairs()
            .find(|(name, _)| name == "gcs")
            .and_then(|(_, gcs)| consent_mode::decode_gcs(&gcs))
            .is_some_and(|flags| flags.contains(&Some(true)))
}

fn of_request(visit: usize, seen: &SeenRequest<'_>, what: &str) -> Clue {
    Clue {
        visit,
        at_ms: seen.request.at_ms,
        phase: seen.request.phase,
        note: format!("a request to {} says: {what}", seen.host),
    }
}

fn of_commands(visit: usize, phase: PhaseName, what: &str, granted: &[&str]) -> Clue {
    Clue {
        visit,
        at_ms: 0,
        phase,
        note: format!("the page's {what} grants {}", granted.join(", ")),
    }
}

fn default_granted(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let signals = visit.visit.snapshot.signals.iter();
        let before = signals.filter(|signal| signal.phase.is_before_choice());
        let commands = Commands::of(before, page);
        let granted = commands.granted(Commands::effective);
        if !granted.is_empty() {
            clues.push(of_commands(
                number,
                PhaseName::Idle,
                "consent mode",
                &granted,
            ));
        }
        let request = visit
            .requests
            .iter()
            .filter(|seen| seen.request.phase.is_before_choice())
            .find(|seen| {
                gcs_grants(seen)
                    || stances(seen).is_some_and(|all| {
                        all.iter().any(|stance| {
                            stance.default == Some(true) || stance.update == Some(true)
                        })
                    })
            });
        clues.extend(request.map(|seen| of_request(number, seen, "consent is granted")));
    }
    clues
}

fn granted_after_refusal(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for number in confirmed_in(page, State::Rejected) {
        let visit = &page.visits[number];
        let signals = visit.visit.snapshot.signals.iter();
        let last = signals.filter(|signal| signal.phase == PhaseName::Revisit);
        let granted = Commands::of(last, page).granted(Commands::effective);
        if !granted.is_empty() {
            clues.push(of_commands(
                number,
                PhaseName::Revisit,
                "consent mode after the reload",
                &granted,
            ));
        }
        let request = visit
            .requests
            .iter()
            .filter(|seen| visit.is_sent_after(seen.request.phase, seen.request.at_ms, true))
            .find(|seen| {
                gcs_grants(seen)
                    || stances(seen).is_some_and(|all| {
                        all.iter().any(|stance| stance.effective() == Some(true))
                    })
            });
        clues.extend(request.map(|seen| of_request(number, seen, "consent is granted")));
    }
    clues
}

/// A default that came when tags had been started already, and a measurement went out before the choice.
fn too_late(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let first = visit
            .visit
            .snapshot
            .signals
            .iter()
            .filter(|signal| signal.phase.is_before_choice() && signal.source == "dataLayer")
            .filter_map(|signal| signal.command.as_ref())
            .filter(|command| command.name == "default")
            .min_by_key(|command| command.position);
        let measured = visit.requests.iter().any(|seen| {
            seen.request.phase.is_before_choice()
                && consent_mode::is_google_measurement(&seen.url)
                && seen
                    .found
                    .as_ref()
                    .is_some_and(|found| found.role.as_deref() != Some("loader"))
        });
        if measured && first.is_some_and(|command| command.after_first_tag == Some(true)) {
            clues.push(Clue {
                visit: number,
                at_ms: 0,
                phase: PhaseName::Idle,
                note: "the default was set after the first tag had been started".to_owned(),
            });
        }
    }
    clues
}

/// Advertising data allowed while advertising storage is denied.
fn torn(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for (number, visit) in page.visits.iter().enumerate() {
        let signals = &visit.visit.snapshot.signals;
        let last = signals
            .iter()
            .map(|signal| signal.phase)
            .max()
            .unwrap_or(PhaseName::Idle);
        let commands = Commands::of(signals.iter().filter(|signal| signal.phase == last), page);
        let data = |kind| commands.effective(kind) == Some(true);
        if commands.effective("ad_storage") == Some(false)
            && (data("ad_user_data") || data("ad_personalization"))
        {
            clues.push(of_commands(
                number,
                last,
                "consent mode denies ad_storage and",
                &["advertising data"],
            ));
            continue;
        }
        let request = visit.requests.iter().find(|seen| {
            stances(seen).is_some_and(|[storage, _, user_data, personalisation]| {
                storage.effective() == Some(false)
                    && [user_data, personalisation]
                        .iter()
                        .any(|stance| stance.effective() == Some(true))
            })
        });
        clues.extend(request.map(|seen| {
            of_request(
                number,
                seen,
                "advertising storage is denied, advertising data are granted",
            )
        }));
    }
    clues
}

fn still_denied(page: &PageIndex<'_>) -> Vec<Clue> {
    let mut clues = Vec::new();
    for number in confirmed_in(page, State::Accepted) {
        let visit = &page.visits[number];
        let mut measured = visit
            .requests
            .iter()
            .filter(|seen| seen.request.phase == PhaseName::Revisit)
            .filter_map(|seen| stances(seen).map(|all| (seen, all)))
            .peekable();
        let first = measured.peek().map(|(seen, _)| *seen);
        let denied =
            measured.all(|(_, all)| all.iter().all(|stance| stance.effective() == Some(false)));
        clues.extend(first.filter(|_| denied).map(|seen| {
            of_request(
                number,
                seen,
                "consent is denied, although the visitor accepted",
            )
        }));
    }
    clues
}

impl Rule for GoogleConsentMismatch {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R29",
            name: "gcm-signal-mismatch",
            title: "Google's consent mode says something else than the visitor",
            checks: "Before a choice consent is granted by default (default-granted), after a refusal it is granted \
                     (granted-after-reject), a tag was started before the default was set (default-too-late), \
                     advertising data are granted while advertising storage is denied (torn), or everything is still \
                     denied after a yes (denied-after-accept, a fault of function). Read from the page's commands, where \
                     a default for the visitor's region outweighs one for the world, and from what measurements carry \
                     (gcs, gcd).",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
            ],
            remedy: "Set every consent type to denied by default, before the first tag, and update it from the visitor's answer.",
            needs: &[
                Requirement::Visit(State::Before),
                Requirement::Answer(State::Rejected),
                Requirement::Answer(State::Accepted),
            ],
            limits: "What a server-side container makes of the signal cannot be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let all: Vec<usize> = (0..page.visits.len()).collect();
        let refused = confirmed_in(page, State::Rejected);
        let accepted = visits_in(page, State::Accepted);
        let (violation, likely) = (Verdict::Violation, Verdict::Likely);
        [
            (
                "default-granted",
                State::Before,
                &all,
                default_granted(page),
                Severity::Critical,
                violation,
            ),
            (
                "granted-after-reject",
                State::Rejected,
                &refused,
                granted_after_refusal(page),
                Severity::Critical,
                violation,
            ),
            (
                "default-too-late",
                State::Before,
                &all,
                too_late(page),
                Severity::High,
                likely,
            ),
            (
                "torn",
                State::Before,
                &all,
                torn(page),
                Severity::High,
                violation,
            ),
            (
                "denied-after-accept",
                State::Accepted,
                &accepted,
                still_denied(page),
                Severity::Info,
                Verdict::Review,
            ),
        ]
        .into_iter()
        .filter_map(|(sub_type, state, visits, clues, severity, verdict)| {
            let first = clues.first()?;
            let sightings =
                Sightings::new(clues.iter().map(|clue| clue.visit), visits.iter().copied());
            let mut notes: Vec<String> = Vec::new();
            for clue in &clues {
                if !notes.contains(&clue.note) {
                    notes.push(clue.note.clone());
                }
            }
            let draft = site_draft(page, SubjectKind::Signal, "consent mode", state, sightings);
            Some(Draft {
                stable_name: format!("consent mode {sub_type}"),
                sub_type: Some(sub_type),
                severity,
                verdict,
                phase: first.phase,
                service: None,
                evidence: Evidence {
                    at_ms: (first.at_ms > 0).then_some(first.at_ms),
                    notes,
                    ..Evidence::default()
                },
                remedy: self.info().remedy.to_owned(),
                ..draft
            })
        })
        .collect()
    }
}
