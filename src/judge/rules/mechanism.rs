//! Whether and how the visitor is asked: R17, R19, R22, R25.

use crate::judge::index::PageIndex;
use crate::judge::naming::shown;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::{Party, host_of, party_of};
use crate::model::visit::{
    Banner, Button, ButtonRole, ChoiceOutcome, PhaseName, Route, State, Visit,
};

use super::banner::{offers_first_layer_refusal, reads_as_policy_link};
use super::site::{banner_name, banners_met, fewest_clicks, site_draft, visits_in};
use super::storage_before::{IdentifierCookie, KnownCookie};
use super::tracking::Means;
use super::{Draft, Requirement, Rule, RuleInfo, Sightings, requests_before};

/// R17: tracking, and nobody is asked.
pub(super) struct NoMechanism;

/// R19: a no takes more clicks than a yes.
pub(super) struct MoreEffort;

/// R22: no way in without a yes, or for money.
pub(super) struct ConsentWall;

/// R25: the banner does not say what it has to.
pub(super) struct IncompleteInformation;

/// Signals that show that somebody asks, even if no banner was seen.
fn speaks_of_consent(visit: &Visit) -> bool {
    visit.snapshot.signals.iter().any(|signal| {
        matches!(
            signal.kind.as_str(),
            "cmp-record" | "cmp-api" | "tc-string" | "tcf-api" | "gpp"
        )
    })
}

impl Rule for NoMechanism {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R17",
            name: "no-consent-mechanism",
            title: "The site tracks and never asks",
            checks: "Something that needs consent is stored or a tracking request is sent, no visit met a banner, no \
                     consent platform was contacted, and no consent signal was heard. Two visits have to agree. \
                     Tracking code that reports nothing does not count.",
            severity: Severity::Critical,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 7",
            ],
            remedy: "Ask before anything is stored or sent, or remove what needs consent.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "A banner that only other countries or browsers are shown cannot be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let asks = page.page.banner.found
            || page.visits.iter().any(|visit| {
                visit.visit.banner.found
                    || speaks_of_consent(visit.visit)
                    || visit
                        .requests
                        .iter()
                        .any(|seen| seen.found.as_ref().is_some_and(|found| found.cmp))
            });
        if asks {
            return Vec::new();
        }
        let tracking: Vec<Draft> = [
            KnownCookie.check(page),
            IdentifierCookie.check(page),
            requests_before::TrackingRequest.check(page),
        ]
        .into_iter()
        .flatten()
        .filter(|draft| {
            matches!(draft.verdict, Verdict::Violation | Verdict::Likely)
                && draft.severity > Severity::Info
                && draft.sub_type != Some(Means::Script.name())
        })
        .collect();
        let Some(first) = tracking.iter().min_by_key(|draft| draft.evidence.at_ms) else {
            return Vec::new();
        };
        let visits: Vec<usize> = (0..page.visits.len()).collect();
        let mut services: Vec<String> = tracking
            .iter()
            .map(|draft| match &draft.service {
                Some(service) => shown(page.service_name(service)),
                None => draft.subject.host.clone(),
            })
            .collect();
        services.sort();
        services.dedup();
        services.truncate(20);
        let sightings = Sightings::new(visits.iter().copied(), []);
        vec![Draft {
            severity: Severity::Critical,
            // A banner may be kept from robots: two visits are the least.
            verdict: if visits.len() >= 2 {
                Verdict::Likely
            } else {
                Verdict::Review
            },
            proof: Proof::P2,
            phase: first.phase,
            evidence: Evidence {
                at_ms: first.evidence.at_ms,
                notes: vec![
                    "no banner, no consent platform, no consent signal".to_owned(),
                    format!("tracking by {}", services.join(", ")),
                ],
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Banner,
                "banner",
                State::Before,
                sightings,
            )
        }]
    }
}

impl Rule for MoreEffort {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R19",
            name: "reject-more-effort",
            title: "Refusing takes more clicks than accepting",
            checks: "Both ways were walked and confirmed, and the shortest way to a no takes more clicks than the \
                     shortest to a yes; or a yes was found and no visit found a way to a no (unreachable, for review). \
                     A refusal on the first layer is never more effort, whichever way was walked.",
            severity: Severity::Medium,
            proof: Proof::P4,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
                "EDPB Cookie Banner Taskforce report (2023), type A",
                "CNIL, délibération SAN-2021-023 (Google)",
            ],
            remedy: "Let refusing take as many clicks as accepting.",
            needs: &[
                Requirement::Answer(State::Rejected),
                Requirement::Answer(State::Accepted),
            ],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let met = banners_met(page);
        if met.is_empty()
            || met
                .iter()
                .any(|(_, banner)| offers_first_layer_refusal(banner))
        {
            return Vec::new();
        }
        let Some((yes, yes_is_confirmed)) = fewest_clicks(page, State::Accepted) else {
            return Vec::new();
        };
        let refused = visits_in(page, State::Rejected);
        let (severity, verdict, sub_type, note) = match fewest_clicks(page, State::Rejected) {
            Some((no, confirmed)) if no > yes => (
                if no - yes >= 2 {
                    Severity::High
                } else {
                    Severity::Medium
                },
                if confirmed && yes_is_confirmed {
                    Verdict::Violation
                } else {
                    Verdict::Inconclusive
                },
                None,
                format!("{no} clicks to refuse, {yes} to accept"),
            ),
            Some(_) => return Vec::new(),
            None if refused.is_empty() => return Vec::new(),
            None => (
                Severity::High,
                Verdict::Review,
                Some("unreachable"),
                format!("{yes} to accept, and no way to refuse was found"),
            ),
        };
        let sightings = Sightings::new(refused.iter().copied(), refused.iter().copied());
        let name = banner_name(page);
        vec![Draft {
            sub_type,
            severity,
            verdict,
            phase: PhaseName::Choosing,
            proof: Proof::P4,
            certainty: Certainty::L2,
            evidence: Evidence {
                notes: vec![note],
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(page, SubjectKind::Banner, &name, State::Rejected, sightings)
        }]
    }
}

fn first_layer(banner: &Banner, role: ButtonRole) -> Option<&Button> {
    banner
        .buttons
        .iter()
        .find(|button| button.layer <= 1 && button.role == role)
}

/// Visits whose refusal led away from the site, while a yes stayed on it.
fn sent_away(page: &PageIndex<'_>) -> Vec<usize> {
    let leaves = |visit: &Visit| {
        let host = host_of(&visit.final_url);
        !host.is_empty() && party_of(&host, &page.site) == Party::Third
    };
    let stays = visits_in(page, State::Accepted)
        .into_iter()
        .any(|number| !leaves(page.visits[number].visit));
    visits_in(page, State::Rejected)
        .into_iter()
        .filter(|&number| {
            let visit = page.visits[number].visit;
            stays && visit.choice.made && leaves(visit)
        })
        .collect()
}

impl Rule for ConsentWall {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R22",
            name: "consent-wall",
            title: "The page is to be had only for a yes, or for money",
            checks: "Every visit's banner offers to pay or subscribe where others offer to refuse, and nothing on its \
                     first layer refuses (pay-option); or a refusal leads away from the site while a yes does not (wall); \
                     or every visit that looked for a no met a banner that bars the whole page, can only be agreed to \
                     and offers neither to refuse nor to close (barred).",
            severity: Severity::High,
            proof: Proof::P4,
            certainty: Certainty::L3,
            legal: &[
                "GDPR Art. 7(4)",
                "EDPB Guidelines 05/2020",
                "EDPB Opinion 08/2024",
            ],
            remedy: "Offer the page without consent as well, or an alternative that costs no consent.",
            needs: &[
                Requirement::Visit(State::Before),
                Requirement::Answer(State::Rejected),
            ],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let name = banner_name(page);
        let met = banners_met(page);
        let mut drafts = Vec::new();
        let pays = met.iter().all(|(_, banner)| {
            first_layer(banner, ButtonRole::Pay).is_some() && !offers_first_layer_refusal(banner)
        });
        if let Some((_, banner)) = met.first().filter(|_| pays) {
            let visits = met.iter().map(|(number, _)| *number);
            let sightings = Sightings::new(visits, []);
            let text = first_layer(banner, ButtonRole::Pay).map_or("", |button| &button.text);
            drafts.push(Draft {
                stable_name: "pay-option".to_owned(),
                sub_type: Some("pay-option"),
                severity: page.profile.facts().pay_or_accept,
                verdict: Verdict::Review,
                proof: Proof::P4,
                certainty: Certainty::L3,
                evidence: Evidence {
                    at_ms: banner.seen_ms,
                    notes: vec![format!(
                        "the first layer offers \"{}\" and nothing that refuses",
                        shown(text)
                    )],
                    ..Evidence::default()
                },
                remedy: self.info().remedy.to_owned(),
                ..site_draft(page, SubjectKind::Banner, &name, State::Before, sightings)
            });
        }
        let away = sent_away(page);
        if let Some(first) = away.first() {
            let target = host_of(&page.visits[*first].visit.final_url);
            let refused = visits_in(page, State::Rejected);
            drafts.push(Draft {
                stable_name: "wall".to_owned(),
                sub_type: Some("wall"),
                severity: Severity::High,
                verdict: Verdict::Likely,
                proof: Proof::P4,
                certainty: Certainty::L2,
                evidence: Evidence {
                    notes: vec![format!("the refusal leads to {target}")],
                    ..Evidence::default()
                },
                remedy: self.info().remedy.to_owned(),
                ..site_draft(
                    page,
                    SubjectKind::Banner,
                    &name,
                    State::Rejected,
                    Sightings::new(away.iter().copied(), refused),
                )
            });
        }
        if drafts.is_empty() {
            drafts.extend(barred(page, &name));
        }
        drafts
    }
}

/// A banner that bars the page and leaves nothing but to agree, in every visit that looked for a no.
fn barred(page: &PageIndex<'_>, name: &str) -> Option<Draft> {
    let refusing: Vec<usize> = visits_in(page, State::Rejected)
        .into_iter()
        .filter(|&number| page.visits[number].visit.banner.found)
        .collect();
    let met = banners_met(page);
    let says_wall = |&number: &usize| {
        page.visits[number]
            .visit
            .choice
            .outcomes
            .contains(&ChoiceOutcome::Wall)
    };
    let may_be_passed = met.iter().any(|(_, banner)| {
        offers_first_layer_refusal(banner)
            || banner.routes.reject != Route::None
            || first_layer(banner, ButtonRole::Close).is_some()
    });
    if refusing.is_empty() || may_be_passed || !refusing.iter().all(says_wall) {
        return None;
    }
    let walls: Vec<usize> = met
        .iter()
        .map(|(number, _)| *number)
        .filter(says_wall)
        .collect();
    let first = &page.visits[*refusing.first()?].visit.banner;
    Some(Draft {
        stable_name: "barred".to_owned(),
        sub_type: Some("barred"),
        severity: Severity::High,
        verdict: if walls.len() >= 2 {
            Verdict::Likely
        } else {
            Verdict::Review
        },
        proof: Proof::P4,
        certainty: Certainty::L2,
        phase: PhaseName::Choosing,
        evidence: Evidence {
            at_ms: first.seen_ms,
            notes: vec![format!(
                "the banner takes {:.0} % of the window{}, and offers nothing but to agree",
                first.share * 100.0,
                if first.locks_page {
                    ", the page behind it cannot be scrolled"
                } else {
                    ""
                }
            )],
            ..Evidence::default()
        },
        remedy: ConsentWall.info().remedy.to_owned(),
        ..site_draft(
            page,
            SubjectKind::Banner,
            name,
            State::Rejected,
            Sightings::new(walls, refusing),
        )
    })
}

/// Words for what consent is asked for, and for taking it back, in the languages they are known for.
const VOCABULARIES: [(&str, &[&str], &[&str]); 6] = [
    (
        "en",
        &[
            "analy",
            "advertis",
            "marketing",
            "personali",
            "statistic",
            "measure",
            "improve",
            "purpose",
            "experience",
            "track",
        ],
        &[
            "withdraw",
            "change your",
            "any time",
            "anytime",
            "update your",
            "revoke",
            "later",
        ],
    ),
    (
        "de",
        &[
            "analy",
            "werb",
            "marketing",
            "personalis",
            "statisti",
            "messung",
            "verbesser",
            "erfahrung",
            "erlebnis",
            "zweck",
            "nutzung",
        ],
        &["widerruf", "jederzeit", "ändern", "anpassen", "zurückzieh"],
    ),
    (
        "fr",
        &[
            "analy",
            "publicit",
            "marketing",
            "personnalis",
            "statisti",
            "mesur",
            "amélior",
            "expérience",
            "finalit",
            "audience",
        ],
        &["retir", "tout moment", "modifier", "changer", "revenir"],
    ),
    (
        "it",
        &[
            "anali",
            "pubblicit",
            "marketing",
            "personalizz",
            "statisti",
            "misur",
            "miglior",
            "esperienza",
            "finalità",
            "profilaz",
        ],
        &[
            "revoc",
            "qualsiasi momento",
            "modific",
            "in ogni momento",
            "ritir",
        ],
    ),
    (
        "es",
        &[
            "analí",
            "anali",
            "publicid",
            "marketing",
            "personaliz",
            "estadísti",
            "medir",
            "medición",
            "mejor",
            "experiencia",
            "finalidad",
            " fines ",
        ],
        &["retir", "cualquier momento", "cambiar", "modific", "revoc"],
    ),
    (
        "nl",
        &[
            "analy",
            "adverten",
            "marketing",
            "personalis",
            "statisti",
            "meten",
            "verbeter",
            "ervaring",
            "doel",
        ],
        &["intrek", "op elk moment", "wijzig", "aanpassen"],
    ),
];

/// Length at which recorded banner texts are cut, in characters.
const TEXT_CUT: usize = 600;

/// Words of a text that tells where to read more.
const POINTERS: [&str; 24] = [
    "policy",
    "privacy",
    "learn more",
    "read more",
    "partner",
    "datenschutz",
    "richtlinie",
    "mehr erfahren",
    "politique",
    "en savoir plus",
    "informativa",
    "privacidad",
    "política",
    "privacyverklaring",
    "beleid",
    "confidentialit",
    "socios",
    "partenaires",
    "mehr informationen",
    "weitere informationen",
    "meer informatie",
    "più informazioni",
    "más información",
    "plus d’infor",
];

/// Things left unsaid that make a finding.
const FEWEST_UNSAID: usize = 2;

/// What a banner does not say, in words; nothing where its language is not known.
fn left_unsaid(banner: &Banner) -> Option<Vec<&'static str>> {
    let (_, purposes, withdrawal) = VOCABULARIES.iter().find(|(language, ..)| {
        banner
            .languages
            .first()
            .is_some_and(|first| first == language)
    })?;
    let text = banner.text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // What a cut text does not say may stand in the rest of it.
    let whole = banner.text.chars().count() < TEXT_CUT;
    let links = banner.buttons.iter().any(|button| {
        let text = button.text.to_lowercase();
        (button.role == ButtonRole::Link && reads_as_policy_link(&button.text))
            || POINTERS.iter().any(|word| text.contains(word))
    });
    let mut unsaid = Vec::new();
    if whole && !says(purposes) {
        unsaid.push("what the consent is for");
    }
    if !links && whole && !says(&POINTERS) {
        unsaid.push("where to read more: a policy or a list of partners");
    }
    if whole && !says(withdrawal) {
        unsaid.push("that a yes can be taken back");
    }
    Some(unsaid)
}

impl Rule for IncompleteInformation {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R25",
            name: "banner-info-incomplete",
            title: "The first layer does not say what it has to",
            checks: "In every visit that met a banner its first layer leaves two of three unsaid: what consent is asked for, \
                     where to read more (a policy or a list of partners), and that a yes can be taken back. A checklist \
                     for a person, read from words of six languages.",
            severity: Severity::Low,
            proof: Proof::P4,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 7(3)",
                "GDPR Art. 13",
                "CNIL, SHEIN decision of 1 September 2025",
            ],
            remedy: "Say on the first layer what is asked for, link the policy and the partners, and say that a yes can be taken back.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Banners in other languages than German, English, French, Italian, Spanish and Dutch are not read, and of long texts only the beginning is recorded.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let met: Vec<(usize, &Banner)> = banners_met(page)
            .into_iter()
            .filter(|(_, banner)| !banner.text.trim().is_empty())
            .collect();
        let unsaid: Option<Vec<Vec<&str>>> =
            met.iter().map(|(_, banner)| left_unsaid(banner)).collect();
        // What one visit read, the banner says.
        let Some(common) = unsaid.and_then(|all| {
            all.into_iter().reduce(|left, right| {
                left.into_iter()
                    .filter(|what| right.contains(what))
                    .collect()
            })
        }) else {
            return Vec::new();
        };
        // One thing may stand where nobody looked, such as behind an icon.
        let Some((_, banner)) = met.first().filter(|_| common.len() >= FEWEST_UNSAID) else {
            return Vec::new();
        };
        let name = banner_name(page);
        let sightings = Sightings::new(met.iter().map(|(number, _)| *number), []);
        vec![Draft {
            severity: Severity::Low,
            verdict: Verdict::Review,
            proof: Proof::P4,
            certainty: Certainty::L2,
            evidence: Evidence {
                at_ms: banner.seen_ms,
                notes: common
                    .iter()
                    .map(|what| format!("not said: {what}"))
                    .collect(),
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(page, SubjectKind::Banner, &name, State::Before, sightings)
        }]
    }
}
