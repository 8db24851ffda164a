//! What is stored before the visitor has answered: R02 to R05.

use std::collections::BTreeMap;

use crate::judge::classify::Need;
use crate::judge::index::{Departure, Item, PageIndex};
use crate::judge::item::{Stored, is_opt_out};
use crate::judge::naming::shown;
use crate::model::finding::{Certainty, Proof, Severity, SubjectKind, Verdict};
use crate::model::visit::{PhaseName, State};

use super::tracking::{Occurrence, Writes, item_draft, statistics_exemption};
use super::{Draft, Requirement, Rule, RuleInfo, lowered};

/// Items named in one finding of R05.
const MOST_NAMED: usize = 50;

/// R02: a known service's known cookie.
pub(super) struct KnownCookie;

/// R03: an unknown cookie that identifies the visitor.
pub(super) struct IdentifierCookie;

/// R04: the same in the browser's other storage.
pub(super) struct WebStorage;

/// R05: something that stays, and nobody knows why.
pub(super) struct UnclassifiedStorage;

fn departed_before(departure: &Departure) -> bool {
    departure.phase.is_before_choice()
}

/// The draft for an item written before a choice; nothing when it was not.
fn draft_before(page: &PageIndex<'_>, item: &Item<'_>) -> Option<Draft> {
    let known = item.class.need == Need::Consent;
    let counts = |_: usize, stored: &Stored<'_>| {
        stored.phase.is_before_choice() && !(known && is_opt_out(stored.value.text()))
    };
    let writes = Writes::of(item, counts)?;
    Some(item_draft(
        page,
        item,
        &writes,
        &Occurrence::before(page),
        departed_before,
    ))
}

/// The draft for a known service's item, as the profile sees it.
fn known_item(page: &PageIndex<'_>, item: &Item<'_>) -> Option<Draft> {
    let draft = draft_before(page, item)?;
    let verdict = statistics_exemption(page, draft.category, item.party, draft.verdict);
    Some(Draft { verdict, ..draft })
}

impl Rule for KnownCookie {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R02",
            name: "pre-known-tracking-cookie",
            title: "A known advertising or analytics cookie is set before any choice",
            checks: "A cookie of a known service that needs consent, or one whose vendor discloses to the TCF that it \
                     does, is written while the banner is unanswered. \
                     Opt-out flags, probes, choice records, sessions and bot protection do not count.",
            severity: Severity::Critical,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 7",
                "WP29 Opinion 04/2012",
            ],
            remedy: "Load the service that sets the cookie only after consent to its category.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                item.key.kind == SubjectKind::Cookie
                    && item.class.need == Need::Consent
                    // What only the site's declaration tells is R01's.
                    && !item.class.declared
            })
            .filter_map(|item| known_item(page, item))
            .collect()
    }
}

impl Rule for IdentifierCookie {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R03",
            name: "pre-uid-cookie",
            title: "A lasting cookie with a unique identifier is set before any choice",
            checks: "A cookie no list knows lives longer than a day, differs in every fresh profile and stays the same \
                     after a reload, and a third party keeps it, writes it or receives its value.",
            severity: Severity::Medium,
            proof: Proof::P3,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 7",
                "GDPR Rec. 30",
            ],
            remedy: "Find out what the identifier is for; unless the visitor asked for it, set it only after consent.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                item.key.kind == SubjectKind::Cookie
                    && item.class.need == Need::LikelyConsent
                    && item.lifetime.exceeds_days(1)
                    && item.leaves_the_site(departed_before)
            })
            .filter_map(|item| {
                let draft = draft_before(page, item)?;
                let sent = !item.recipients(departed_before).is_empty();
                let severity = if sent {
                    Severity::High
                } else {
                    Severity::Medium
                };
                Some(Draft {
                    severity: if item.attempted_only() {
                        lowered(severity)
                    } else {
                        severity
                    },
                    sub_type: item.ghost_writer.is_some().then_some("ghost-written"),
                    ..draft
                })
            })
            .collect()
    }
}

impl Rule for WebStorage {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R04",
            name: "pre-web-storage-id",
            title: "An identifier is kept in the browser's storage before any choice",
            checks: "An entry of localStorage or sessionStorage, a database, a cache or a service worker belongs to a \
                     known service that needs consent, or holds a unique identifier. One that the site writes for itself and sends nowhere is for review.",
            severity: Severity::High,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 7",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Load the service that writes the entry only after consent to its category.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                matches!(
                    item.key.kind,
                    SubjectKind::LocalStorage
                        | SubjectKind::SessionStorage
                        | SubjectKind::IndexedDb
                        | SubjectKind::CacheStorage
                        | SubjectKind::ServiceWorker
                        | SubjectKind::SharedStorage
                )
            })
            .filter_map(|item| match item.class.need {
                // What only the site's declaration tells is R01's.
                Need::Consent if item.class.declared => None,
                Need::Consent => known_item(page, item),
                Need::LikelyConsent | Need::Unknown if item.identifier.is_some() => {
                    let draft = draft_before(page, item)?;
                    let leaves = if item.key.kind == SubjectKind::SessionStorage {
                        !item.recipients(departed_before).is_empty()
                    } else {
                        item.leaves_the_site(departed_before)
                    };
                    let (severity, verdict) = if leaves {
                        (Severity::Medium, Verdict::Likely)
                    } else {
                        (Severity::Low, Verdict::Review)
                    };
                    let sub_type = item.ghost_writer.is_some().then_some("ghost-written");
                    Some(Draft {
                        sub_type,
                        severity,
                        verdict,
                        ..draft
                    })
                }
                Need::LikelyConsent
                | Need::Unknown
                | Need::Exempt
                | Need::Security
                | Need::Probe => None,
            })
            .collect()
    }
}

impl Rule for UnclassifiedStorage {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R05",
            name: "pre-unclassified-storage",
            title: "Something of unknown purpose is stored for more than a day before any choice",
            checks: "A cookie that lives longer than a day, an entry of localStorage, or a database with records in it, \
                     that neither the catalog nor its behaviour explains. One finding for each host.",
            severity: Severity::Low,
            proof: Proof::P3,
            certainty: Certainty::L2,
            legal: &["ePrivacy Directive 2002/58/EC Art. 5(3)", "GDPR Art. 5(2)"],
            remedy: "Find out what it is for: show that the visitor's request needs it, or ask for consent first.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let mut by_host: BTreeMap<&str, Vec<&Item<'_>>> = BTreeMap::new();
        for item in page
            .items
            .iter()
            .filter(|item| is_unexplained(item) && outlives_the_wait(page, item))
        {
            by_host.entry(&item.key.host).or_default().push(item);
        }
        by_host
            .into_values()
            .filter_map(|mut items| {
                items.sort_by(|left, right| left.key.name.cmp(&right.key.name).then_with(|| left.key.cmp(&right.key)));
                let mut draft = draft_before(page, items.first()?)?;
                let names: Vec<String> = items.iter().take(MOST_NAMED).map(|item| shown(&item.key.name)).collect();
                draft.evidence.notes.retain(|note| !note.starts_with("needs consent"));
                draft.evidence.notes.insert(0, format!("items of unknown purpose: {}", names.join(", ")));
                if items.len() > MOST_NAMED {
                    draft.evidence.notes.push(format!("and {} more", items.len() - MOST_NAMED));
                }
                Some(Draft {
                    // Which of a host's items is the first changes with what the visits happened to show.
                    stable_name: String::new(),
                    severity: Severity::Low,
                    verdict: Verdict::Review,
                    certainty: Certainty::L2,
                    remedy: format!(
                        "Find out what {} stores under {}: show that the visitor's request needs it, or ask for consent first.",
                        draft.subject.host, draft.subject.name
                    ),
                    ..draft
                })
            })
            .collect()
    }
}

fn is_unexplained(item: &Item<'_>) -> bool {
    item.class.need == Need::Unknown
        && item.identifier.is_none()
        && !item.attempted_only()
        && matches!(
            item.key.kind,
            SubjectKind::Cookie
                | SubjectKind::LocalStorage
                | SubjectKind::IndexedDb
                | SubjectKind::SharedStorage
        )
        // Caches and service workers keep what the server sent to everybody; what identifies is R04.
        && !item.sightings.iter().all(|sighting| sighting.record.is_empty())
        && item.lifetime.exceeds_days(1)
}

/// Whether it was still there when the stretch before the choice ended, in any visit.
fn outlives_the_wait(page: &PageIndex<'_>, item: &Item<'_>) -> bool {
    item.sightings.iter().any(|sighting| {
        let only_before = page.visits[sighting.visit].visit.state == State::Before;
        sighting
            .stored
            .iter()
            .any(|stored| stored.phase.is_before_choice())
            && sighting.record.left_in_place(PhaseName::is_before_choice)
            && (sighting.record.alive() || !only_before)
    })
}
