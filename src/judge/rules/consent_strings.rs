//! What TC strings say against what the visitor said: R24, R26, R27, R28.

use std::collections::BTreeMap;

use crate::judge::classify::Need;
use crate::judge::consent_strings::{Channel, Heard, What};
use crate::judge::declaration::Disclosure;
use crate::judge::index::{Item, PageIndex};
use crate::judge::item::is_opt_out;
use crate::judge::naming;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::tcf::TcString;
use crate::model::visit::State;

use super::site::{confirmed_in, site_draft};
use super::tracking::{Writes, item_draft};
use super::window::Window;
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R24: legitimate interest where only consent will do.
pub(super) struct LegitimateInterest;

/// R26: consent in a string before anybody gave it.
pub(super) struct PositiveBeforeChoice;

/// R27: consent in a string after a refusal.
pub(super) struct PositiveAfterReject;

/// R28: a vendor of the IAB's list that goes by no consent.
pub(super) struct VendorWithoutBasis;

/// Purposes that are never a matter of legitimate interest since version 2.2 of the framework.
const CONSENT_ONLY: [u8; 5] = [1, 3, 4, 5, 6];

/// One finding for each place strings were met in, from those that `counts` accepts.
fn by_source<'p>(
    page: &'p PageIndex<'_>,
    state: State,
    visits: &[usize],
    counts: impl Fn(&Heard) -> bool,
) -> Vec<(Draft, Vec<&'p Heard>)> {
    let mut groups: BTreeMap<(Channel, String), Vec<&Heard>> = BTreeMap::new();
    let of_visits = |heard: &&Heard| visits.contains(&heard.visit);
    for heard in page
        .strings
        .iter()
        .filter(of_visits)
        .filter(|heard| counts(heard))
    {
        groups
            .entry((heard.channel, heard.source.clone()))
            .or_default()
            .push(heard);
    }
    groups
        .into_iter()
        .map(|((channel, source), heard)| {
            let sightings = Sightings::new(
                heard.iter().map(|heard| heard.visit),
                visits.iter().copied(),
            );
            let mut draft = site_draft(page, SubjectKind::Signal, &source, state, sightings);
            draft.sub_type = Some(match channel {
                Channel::Api => "api",
                Channel::Storage => "storage",
                Channel::Request => "request",
            });
            let first = heard.iter().min_by_key(|heard| (heard.visit, heard.at_ms));
            if let Some(first) = first {
                draft.phase = first.phase;
                draft.evidence = Evidence {
                    at_ms: Some(first.at_ms),
                    notes: vec![first.in_words()],
                    ..Evidence::default()
                };
            }
            (draft, heard)
        })
        .collect()
}

fn severity(heard: &[&Heard]) -> Severity {
    if heard.iter().any(|heard| heard.is_effective()) {
        Severity::Critical
    } else {
        Severity::Medium
    }
}

/// One finding for each place where a string consents, among those that `counts` accepts.
fn says_yes(
    rule: &dyn Rule,
    page: &PageIndex<'_>,
    state: State,
    visits: &[usize],
    counts: impl Fn(&Heard) -> bool,
) -> Vec<Draft> {
    by_source(page, state, visits, |heard| {
        heard.consents() && counts(heard)
    })
    .into_iter()
    .map(|(draft, heard)| Draft {
        severity: severity(&heard),
        remedy: rule.info().remedy.to_owned(),
        ..draft
    })
    .collect()
}

fn after_the_answer(page: &PageIndex<'_>, heard: &Heard) -> bool {
    // What comes without a click of ours may have been asked for before it.
    page.visits[heard.visit].is_sent_after(heard.phase, heard.at_ms, true)
}

impl Rule for LegitimateInterest {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R24",
            name: "li-for-device-access",
            title: "Legitimate interest is claimed after the visitor refused",
            checks: "A TC string after the refusal still holds a legitimate interest with vendors behind it: of purposes \
                     1 and 3 to 6, where the framework allows none, or of another purpose, where the visitor was not \
                     heard. Bits of vendors alone do not count: vendors with special purposes have them by the standard.",
            severity: Severity::High,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 21",
                "EDPB Cookie Banner Taskforce report (2023), type H",
            ],
            remedy: "Let \"reject all\" also object to every legitimate interest.",
            needs: &[Requirement::Answer(State::Rejected)],
            limits: "Toggles for legitimate interest in the settings are not read, and publishers' restrictions are not weighed.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits = confirmed_in(page, State::Rejected);
        let interests = |heard: &Heard| match &heard.what {
            What::Vendors(string) if string.vendor_legitimate_interests > 0 => {
                string.purposes_legitimate_interest.clone()
            }
            _ => Vec::new(),
        };
        by_source(page, State::Rejected, &visits, |heard| {
            after_the_answer(page, heard) && !interests(heard).is_empty()
        })
        .into_iter()
        .map(|(draft, heard)| {
            let claimed: Vec<u8> = heard.iter().flat_map(|heard| interests(heard)).collect();
            let forbidden = claimed.iter().any(|purpose| CONSENT_ONLY.contains(purpose));
            let mut named: Vec<String> = Vec::new();
            for purpose in &claimed {
                let purpose = purpose.to_string();
                if !named.contains(&purpose) {
                    named.push(purpose);
                }
            }
            let mut evidence = draft.evidence.clone();
            evidence.notes = vec![format!(
                "legitimate interest claimed after the refusal, purposes {}",
                named.join(", ")
            )];
            Draft {
                severity: if forbidden {
                    Severity::High
                } else {
                    Severity::Medium
                },
                verdict: if forbidden {
                    Verdict::Violation
                } else {
                    Verdict::Likely
                },
                certainty: Certainty::L2,
                remedy: self.info().remedy.to_owned(),
                evidence,
                ..draft
            }
        })
        .collect()
    }
}

impl Rule for PositiveBeforeChoice {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R26",
            name: "tcf-positive-before-choice",
            title: "A consent string says yes before any choice",
            checks: "The page's TCF function, a stored string or a parameter of a request of the page holds consent \
                     while the banner is unanswered: to a purpose, a vendor, a special feature, the publisher, or a \
                     vendor outside of the IAB's list. Legitimate interest alone is as the standard wants it. Nothing \
                     is said where the platform says that the GDPR does not apply, and strings older than the visit or \
                     of another platform are left out.",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "GDPR Art. 4(11)",
                "GDPR Art. 7(1)",
                "IAB TCF v2.2: no consent before a clear affirmative action",
            ],
            remedy: "Have the consent platform write consent only when the visitor has answered.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits: Vec<usize> = (0..page.visits.len()).collect();
        says_yes(self, page, State::Before, &visits, |heard| {
            heard.phase.is_before_choice()
        })
    }
}

impl Rule for PositiveAfterReject {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R27",
            name: "tcf-positive-after-reject",
            title: "A consent string says yes after the visitor refused",
            checks: "As R26, after a refusal that something confirms.",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &["GDPR Art. 4(11)", "GDPR Art. 7", "IAB TCF v2.2"],
            remedy: "Have the consent platform write what the visitor answered.",
            needs: &[Requirement::Answer(State::Rejected)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let visits = confirmed_in(page, State::Rejected);
        says_yes(self, page, State::Rejected, &visits, |heard| {
            after_the_answer(page, heard)
        })
    }
}

impl Rule for VendorWithoutBasis {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R28",
            name: "tcf-vendor-without-basis",
            title: "A vendor of the IAB's list stores without consent to purpose 1 or to itself",
            checks: "Before a choice or after a confirmed refusal an item is stored whose vendor discloses itself, in a \
                     file the page loaded, that it serves purpose 1, while none of the page's TC strings of that time \
                     consents both to purpose 1 and to the vendor. Nothing is said where one of the vendor's \
                     disclosures of that name claims to need no consent, nor where the publisher's country asks \
                     nobody about purpose 1.",
            severity: Severity::High,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &["ePrivacy Directive 2002/58/EC Art. 5(3)", "IAB TCF v2.2"],
            remedy: "Load vendors only when the TC string grants them purpose 1.",
            needs: &[
                Requirement::Visit(State::Before),
                Requirement::Answer(State::Rejected),
                Requirement::Disclosures,
            ],
            limits: "Only vendors whose disclosures the page loads by itself are known. A vendor's own bit is looked at \
                     where the page also loads the list that numbers the vendors; else purpose 1 alone decides.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        if page.declared.disclosures.is_empty() {
            return Vec::new();
        }
        Window::all(page)
            .iter()
            .flat_map(|window| {
                page.items
                    .iter()
                    .filter_map(|item| without_basis(page, window, item))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

/// Whether the framework is at work in a visit at that time, and no string gives the vendor leave to
/// store. Before a choice there may be no string yet, which gives nobody leave.
fn stores_without_basis(
    page: &PageIndex<'_>,
    window: &Window,
    number: usize,
    vendors: &[Option<u16>],
) -> bool {
    let mut strings = page
        .strings
        .iter()
        .filter(|heard| {
            heard.visit == number && window.holds(page, number, heard.phase, heard.at_ms)
        })
        .filter_map(|heard| match &heard.what {
            What::Vendors(string) => Some(string),
            What::Additional(_) => None,
        })
        .peekable();
    let signals = &page.visits[number].visit.snapshot.signals;
    let at_work = strings.peek().is_some()
        || signals.iter().any(|signal| {
            signal.kind == "tcf-api"
                && window.holds(page, number, signal.phase, signal.at_ms)
                && signal
                    .facts
                    .get("gdpr-applies")
                    .is_some_and(|applies| applies == "true")
        });
    at_work && !strings.any(|string| gives_leave(string, vendors))
}

/// Whether a string consents to purpose 1 and to one of the vendors; of a vendor whose number is not
/// known, purpose 1 is enough. Where the publisher's country asks nobody about purpose 1, it always does.
fn gives_leave(string: &TcString, vendors: &[Option<u16>]) -> bool {
    string.purpose_one_treatment
        || (string.purposes_consent.contains(&1)
            && vendors
                .iter()
                .any(|vendor| vendor.is_none_or(|number| string.consents_to_vendor(number))))
}

fn without_basis(page: &PageIndex<'_>, window: &Window, item: &Item<'_>) -> Option<Draft> {
    let about: Vec<&Disclosure> = page
        .declared
        .disclosures
        .iter()
        .filter(|disclosure| disclosure.is_about(&item.key, item.party))
        .collect();
    let first = about.first()?;
    let exempt = matches!(item.class.need, Need::Exempt | Need::Security | Need::Probe);
    if exempt || !about.iter().all(|disclosure| disclosure.admits()) {
        return None;
    }
    let vendors: Vec<Option<u16>> = about.iter().map(|disclosure| disclosure.vendor).collect();
    let visits: Vec<usize> = window
        .visits
        .iter()
        .copied()
        .filter(|&number| stores_without_basis(page, window, number, &vendors))
        .collect();
    let writes = Writes::of(item, |number, stored| {
        visits.contains(&number)
            && window.holds(page, number, stored.phase, stored.at_ms)
            && !is_opt_out(stored.value.text())
    })?;
    let mut draft = item_draft(page, item, &writes, &window.occurrence(), |departure| {
        window.departed(page, departure)
    });
    let vendor = first
        .vendor
        .map_or_else(String::new, |number| format!(" (vendor {number})"));
    draft.evidence.notes.push(format!(
        "{}{vendor} discloses that it serves purpose 1",
        naming::shown_address(&first.source)
    ));
    Some(Draft {
        severity: Severity::High,
        verdict: Verdict::Violation,
        proof: Proof::P1,
        certainty: Certainty::L1,
        ..draft
    })
}
