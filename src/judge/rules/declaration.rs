//! What the site declares against what it does: R01, R32 to R34, R36.

use std::collections::BTreeSet;

use crate::judge::classify::{Need, category_name};
use crate::judge::declaration::{Declared, Fit};
use crate::judge::index::{Item, PageIndex};
use crate::judge::item::{DAY_S, Lifetime, is_opt_out};
use crate::judge::naming::shown;
use crate::model::finding::{Category, Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::Party;
use crate::model::snapshot::Setter;
use crate::model::visit::State;

use super::site::{banner_name, site_draft};
use super::tracking::{Occurrence, Writes, first_occurrence, item_draft, statistics_exemption};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R01: declared as not necessary, and set before a choice.
pub(super) struct DeclaredNonessential;

/// R32: stored and not declared.
pub(super) struct Undeclared;

/// R33: declared as something else than it is.
pub(super) struct MisdeclaredPurpose;

/// R34: lives longer than declared.
pub(super) struct MisdeclaredLifetime;

/// R36: no declaration to be found.
pub(super) struct DeclarationMissing;

/// Entries of a declaration named in one finding.
pub(super) const MOST_NAMED: usize = 5;

/// The entries about an item, name and domain.
fn entries<'d>(page: &'d PageIndex<'_>, item: &Item<'_>) -> Vec<&'d Declared> {
    page.declared
        .of_item(&item.key, item.party)
        .into_iter()
        .filter(|(fit, _)| *fit == Fit::Whole)
        .map(|(_, entry)| entry)
        .collect()
}

/// An entry in words, such as `OneTrust's cookie list has "_ga" under "Performance Cookies" (analytics)`.
pub(super) fn in_words(entry: &Declared) -> String {
    let called = match (entry.category, entry.called.as_str()) {
        (Some(category), "") => format!(" as {}", category_name(category)),
        (Some(category), called) => {
            format!(" under \"{}\" ({})", shown(called), category_name(category))
        }
        (None, "") => String::new(),
        (None, called) => format!(" under \"{}\"", shown(called)),
    };
    let lifetime = entry
        .lifetime
        .map(|lifetime| format!(", for {}", lifetime.in_words()))
        .unwrap_or_default();
    format!(
        "{} has \"{}\"{called}{lifetime}",
        entry.form.name(),
        shown(&entry.written)
    )
}

/// The draft for an item in the earliest state it is stored in, with what the site declares of it.
fn declared_draft(page: &PageIndex<'_>, item: &Item<'_>, entries: &[&Declared]) -> Option<Draft> {
    let (writes, occurrence) = first_occurrence(page, item)?;
    let mut draft = item_draft(page, item, &writes, &occurrence, |_| true);
    let said: BTreeSet<String> = entries.iter().map(|entry| in_words(entry)).collect();
    draft
        .evidence
        .notes
        .extend(said.into_iter().take(MOST_NAMED));
    Some(draft)
}

impl Rule for DeclaredNonessential {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R01",
            name: "pre-declared-nonessential-cookie",
            title: "What the site itself declares as not necessary is set before any choice",
            checks: "An item that the site's own declaration (the consent platform's list, or the cookie policy) puts \
                     into another category than necessary, under its name and domain, is written while the banner is \
                     unanswered. Choice records, sessions, load balancing and bot protection do not count, whatever \
                     they are declared as, nor what is declared in two categories.",
            severity: Severity::Critical,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 7(1)",
            ],
            remedy: "Set it only after consent to the category it is declared in.",
            needs: &[Requirement::Visit(State::Before), Requirement::Declaration],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| item.class.need == Need::Consent)
            .filter_map(|item| {
                let (category, entry) = page.declared.category_of(&item.key, item.party)?;
                let by_the_server = item.sightings.iter().all(|sighting| {
                    matches!(sighting.record.set_by(), Some(Setter::Response { .. }))
                }) && item.party == Party::First;
                let (severity, verdict) = match category {
                    Category::Marketing => (Severity::Critical, Verdict::Violation),
                    Category::Analytics => (Severity::High, Verdict::Violation),
                    // A server that keeps a language may keep what the visitor has chosen.
                    Category::Preferences if by_the_server => (Severity::Low, Verdict::Review),
                    Category::Preferences => (Severity::Medium, Verdict::Likely),
                    Category::Necessary | Category::Unclassified => return None,
                };
                let writes = Writes::of(item, |_, stored| {
                    stored.phase.is_before_choice() && !is_opt_out(stored.value.text())
                })?;
                let mut draft = item_draft(
                    page,
                    item,
                    &writes,
                    &Occurrence::before(page),
                    |departure| departure.phase.is_before_choice(),
                );
                draft.evidence.notes.push(in_words(entry));
                Some(Draft {
                    severity,
                    verdict: statistics_exemption(page, category, item.party, verdict),
                    proof: Proof::P1,
                    certainty: Certainty::L1,
                    category,
                    ..draft
                })
            })
            .collect()
    }
}

impl Rule for Undeclared {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R32",
            name: "undeclared-storage",
            title: "Something is stored that the site does not declare",
            checks: "Where the site has a list that is meant to name every cookie: a cookie that is not exempt stands \
                     in none of its lists, under no domain and no wildcard. Of cookies nobody knows only lasting ones \
                     count. Third parties' cookies do not where the site declares vendors through the TCF, nor what a \
                     vendor discloses itself.",
            severity: Severity::Medium,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &["GDPR Art. 13", "CJEU C-673/17 (Planet49)"],
            remedy: "Declare it, or stop storing it.",
            needs: &[Requirement::Visit(State::Before), Requirement::CompleteList],
            limits: "Other storage than cookies is not looked at: few lists name it.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        if !page.declared.lists_all() {
            return Vec::new();
        }
        let by_vendor = !page.strings.is_empty();
        page.items
            .iter()
            .filter(|item| item.key.kind == SubjectKind::Cookie && !item.attempted_only())
            .filter(|item| !item.class.is_choice_record())
            .filter(|item| !(by_vendor && item.party == Party::Third))
            .filter(|item| page.declared.of_item(&item.key, item.party).is_empty())
            .filter(|item| {
                !page
                    .declared
                    .disclosures
                    .iter()
                    .any(|disclosure| disclosure.is_about(&item.key, item.party))
            })
            .filter_map(|item| {
                let (severity, verdict) = match item.class.need {
                    Need::Consent => (Severity::Medium, Verdict::Likely),
                    Need::LikelyConsent => (Severity::Low, Verdict::Likely),
                    Need::Unknown if item.lifetime.exceeds_days(1) => {
                        (Severity::Low, Verdict::Review)
                    }
                    Need::Unknown | Need::Exempt | Need::Security | Need::Probe => return None,
                };
                let draft = declared_draft(page, item, &[])?;
                Some(Draft {
                    severity,
                    verdict,
                    proof: Proof::P1,
                    certainty: Certainty::L1,
                    remedy: self.info().remedy.to_owned(),
                    ..draft
                })
            })
            .collect()
    }
}

impl Rule for MisdeclaredPurpose {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R33",
            name: "misdeclared-purpose",
            title: "Something is declared as what it is not",
            checks: "A known service's known analytics or advertising item is declared necessary \
                     (necessary-but-tracking); an item that is not exempt is declared as not classified \
                     (unclassified); or the site's own lists put it into two categories (contradictory).",
            severity: Severity::High,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 5(1)(a)",
                "GDPR Art. 13",
                "EDPB Cookie Banner Taskforce report (2023), type I",
            ],
            remedy: "Declare it in the category of what it does.",
            needs: &[Requirement::Visit(State::Before), Requirement::Declaration],
            limits: "What other sites declare is not compared, nor are special features of the TCF.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                !matches!(item.class.need, Need::Exempt | Need::Security | Need::Probe)
                    && item.class.group.as_deref() != Some("captcha")
            })
            .filter_map(|item| {
                let entries = entries(page, item);
                let (sub_type, severity, verdict) = misdeclared(item, &entries)?;
                let draft = declared_draft(page, item, &entries)?;
                Some(Draft {
                    sub_type: Some(sub_type),
                    severity,
                    verdict: statistics_exemption(page, draft.category, item.party, verdict),
                    proof: Proof::P1,
                    certainty: Certainty::L2,
                    remedy: self.info().remedy.to_owned(),
                    ..draft
                })
            })
            .collect()
    }
}

fn misdeclared(
    item: &Item<'_>,
    entries: &[&Declared],
) -> Option<(&'static str, Severity, Verdict)> {
    let said: BTreeSet<&str> = entries
        .iter()
        .filter_map(|entry| entry.category)
        .map(category_name)
        .collect();
    let tracks = item.class.need == Need::Consent
        && item.class.verdict == Verdict::Violation
        && !item.class.declared
        && !item.class.exempt_under_conditions
        && matches!(
            item.class.category,
            Category::Analytics | Category::Marketing
        );
    if said.len() > 1 {
        Some(("contradictory", Severity::Low, Verdict::Violation))
    } else if said.contains(category_name(Category::Necessary)) && tracks {
        Some(("necessary-but-tracking", Severity::High, Verdict::Violation))
    } else if said.contains(category_name(Category::Unclassified)) {
        Some(("unclassified", Severity::Low, Verdict::Violation))
    } else {
        None
    }
}

impl Rule for MisdeclaredLifetime {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R34",
            name: "misdeclared-lifetime",
            title: "Something lives longer than declared",
            checks: "The lifetime a cookie asks for is over one and a half times the longest declared one and a day \
                     or more longer (longer), or every list declares it for the session and it stays for a day or more \
                     (not-for-the-session). Read from what was asked for, since the browser stores 400 days at most.",
            severity: Severity::Low,
            proof: Proof::P1,
            certainty: Certainty::L1,
            legal: &["GDPR Art. 13(2)(a)", "CJEU C-673/17 (Planet49)"],
            remedy: "Declare the lifetime it has, or shorten it.",
            needs: &[Requirement::Visit(State::Before), Requirement::Declaration],
            limits: "How long entries of other storage are kept by scripts cannot be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| item.key.kind == SubjectKind::Cookie && !item.attempted_only())
            .filter_map(|item| {
                let entries: Vec<&Declared> = entries(page, item)
                    .into_iter()
                    .filter(|entry| entry.lifetime.is_some())
                    .collect();
                let declared = entries.iter().filter_map(|entry| entry.lifetime).max()?;
                let (sub_type, severity) = longer(item.lifetime, declared)?;
                let draft = declared_draft(page, item, &entries)?;
                Some(Draft {
                    sub_type: Some(sub_type),
                    severity,
                    verdict: Verdict::Violation,
                    proof: Proof::P1,
                    certainty: Certainty::L1,
                    remedy: self.info().remedy.to_owned(),
                    ..draft
                })
            })
            .collect()
    }
}

fn longer(actual: Lifetime, declared: Lifetime) -> Option<(&'static str, Severity)> {
    let Lifetime::Seconds(actual) = actual else {
        return None;
    };
    match declared {
        Lifetime::Session if actual >= DAY_S => Some(("not-for-the-session", Severity::Medium)),
        Lifetime::Seconds(declared) => {
            let half_more = declared.saturating_add(declared / 2);
            (actual > half_more && actual.saturating_sub(declared) >= DAY_S)
                .then_some(("longer", Severity::Low))
        }
        Lifetime::Session | Lifetime::Unbounded => None,
    }
}

impl Rule for DeclarationMissing {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R36",
            name: "declaration-missing",
            title: "Consent is asked for, and nothing says for what",
            checks: "A banner asks, no consent platform's list was loaded, and neither the page nor the banner links a \
                     policy (no-policy), or the policy is not answered (unreachable) or speaks neither of cookies nor \
                     of storing (silent). For a person to look at.",
            severity: Severity::Medium,
            proof: Proof::P4,
            certainty: Certainty::L1,
            legal: &["ePrivacy Directive 2002/58/EC Art. 5(3)", "GDPR Art. 13"],
            remedy: "Publish a list of what is stored, by whom, why and for how long, and link it in the banner.",
            needs: &[Requirement::Visit(State::Before), Requirement::Policy],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let asks: Vec<usize> = (0..page.visits.len())
            .filter(|&number| page.visits[number].visit.banner.found)
            .collect();
        let declares = !page.declared.entries.is_empty() || !page.declared.disclosures.is_empty();
        let Some(policy) = page.page.policy.as_ref().filter(|_| !declares) else {
            return Vec::new();
        };
        let sub_type = match (&policy.url, policy.status) {
            _ if asks.is_empty() => return Vec::new(),
            (None, _) => "no-policy",
            (Some(_), Some(200..=299)) if policy.speaks_of_cookies => return Vec::new(),
            (Some(_), Some(200..=299)) => "silent",
            (Some(_), _) => "unreachable",
        };
        let note = match &policy.url {
            None => "neither the page nor its banner links a policy".to_owned(),
            Some(url) => format!(
                "{}: {}",
                crate::judge::naming::shown_address(url),
                match policy.status {
                    None => "not answered".to_owned(),
                    Some(200..=299) => "speaks neither of cookies nor of storing".to_owned(),
                    Some(status) => format!("answered with status {status}"),
                }
            ),
        };
        vec![Draft {
            sub_type: Some(sub_type),
            severity: Severity::Medium,
            verdict: Verdict::Review,
            proof: Proof::P4,
            evidence: Evidence {
                notes: vec![note],
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Banner,
                &banner_name(page),
                State::Before,
                Sightings::new(asks.iter().copied(), []),
            )
        }]
    }
}
