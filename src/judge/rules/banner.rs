//! What the banner shows: R18.

use crate::judge::index::PageIndex;
use crate::judge::naming::{self, shown};
use crate::judge::profile::Profile;
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::Party;
use crate::model::policy::leads;
use crate::model::visit::{Banner, Button, ButtonRole, PhaseName, Route, State};

use super::site::banners_met;
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R18: yes on the first layer, no elsewhere or nowhere.
pub(super) struct NoRejectOnFirstLayer;

impl Rule for NoRejectOnFirstLayer {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R18",
            name: "no-reject-first-layer",
            title: "The banner's first layer offers to accept but not to refuse",
            checks: "In every visit that met a banner, accepting was possible on its first layer and refusing was not; \
                     \"continue without accepting\" counts as refusing, and so does storing boxes that have no tick. Two visits have to agree.",
            severity: Severity::High,
            proof: Proof::P4,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 4(11)",
                "GDPR Art. 7",
                "EDPB Cookie Banner Taskforce report (2023), type A",
            ],
            remedy: "Put a button that refuses everything beside the one that accepts, in the same size and colours.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let met = banners_met(page);
        let refusal_missing = met
            .iter()
            .all(|(_, banner)| !offers_first_layer_refusal(banner));
        let accepting: Vec<_> = met
            .iter()
            .filter(|(_, banner)| offers_acceptance(banner))
            .collect();
        let Some((_, banner)) = accepting.first().filter(|_| refusal_missing) else {
            return Vec::new();
        };
        let doubts: Vec<&str> = met
            .iter()
            .filter_map(|(_, banner)| doubt(banner, page.profile))
            .collect();
        let agreed = accepting.len() >= 2 && accepting.len() == met.len();
        let verdict = if agreed && doubts.is_empty() {
            Verdict::Violation
        } else {
            Verdict::Review
        };
        let mut notes = vec![match banner.routes.reject {
            Route::SecondLayer => "refusing is possible only behind the settings".to_owned(),
            Route::FirstLayer | Route::None => "no way to refuse was found".to_owned(),
        }];
        let texts: Vec<String> = first_layer(banner)
            .map(|button| format!("\"{}\"", shown(&button.text)))
            .collect();
        if !texts.is_empty() {
            notes.push(format!("buttons on the first layer: {}", texts.join(", ")));
        }
        notes.extend(doubts.first().map(|&doubt| doubt.to_owned()));
        // Not every visit learns which platform it met.
        let platform = met.iter().find_map(|(_, banner)| banner.cmp.clone());
        let name = platform.clone().unwrap_or_else(|| "banner".to_owned());
        let subject = Subject {
            kind: SubjectKind::Banner,
            host: page.site.clone(),
            name: shown(&name),
            party: Party::First,
        };
        vec![Draft {
            subject,
            stable_name: naming::normalised(&name),
            sub_type: None,
            severity: Severity::High,
            verdict,
            proof: Proof::P4,
            certainty: Certainty::L2,
            state: State::Before,
            phase: PhaseName::Idle,
            service: None,
            category: Category::Unclassified,
            evidence: Evidence {
                at_ms: Some(banner.seen_ms.unwrap_or_default()),
                notes,
                ..Evidence::default()
            },
            remedy: match &platform {
                Some(cmp) => format!(
                    "Switch on the button that refuses everything on the first layer of {}, as prominent as the one that accepts.",
                    shown(cmp)
                ),
                None => self.info().remedy.to_owned(),
            },
            sightings: Sightings::new(
                accepting.iter().map(|(visit, _)| *visit),
                met.iter().map(|(visit, _)| *visit),
            ),
        }]
    }
}

fn first_layer(banner: &Banner) -> impl Iterator<Item = &Button> {
    banner.buttons.iter().filter(|button| button.layer <= 1)
}

/// Yes on the first layer. A banner that only takes note ("OK") asks nothing.
fn offers_acceptance(banner: &Banner) -> bool {
    let mut buttons = first_layer(banner).peekable();
    banner.routes.accept == Route::FirstLayer
        && (buttons.peek().is_none() || buttons.any(|button| button.role == ButtonRole::Accept))
}

/// Whether something on the first layer refuses: a button, or one that stores boxes without a tick.
pub(super) fn offers_first_layer_refusal(banner: &Banner) -> bool {
    banner.routes.reject == Route::FirstLayer
        || first_layer(banner).any(|button| {
            button.role == ButtonRole::Reject
                || continues_without_accepting(&button.text)
                || (button.role == ButtonRole::Save && ticked(banner) == Some(false))
        })
}

/// Whether a box of the first layer that the visitor may change has a tick; nothing where there is none.
fn ticked(banner: &Banner) -> Option<bool> {
    let mut boxes = banner
        .switches
        .iter()
        .filter(|switch| switch.layer <= 1 && !switch.locked)
        .peekable();
    boxes.peek()?;
    Some(boxes.any(|switch| switch.on))
}

/// "Continue without accepting" and its sisters.
fn continues_without_accepting(text: &str) -> bool {
    const PHRASES: [&str; 12] = [
        "without accept",
        "without agree",
        "without consent",
        "sans accepter",
        "sans consentir",
        "ohne zustimm",
        "ohne einwillig",
        "ohne zu akzeptieren",
        "senza accettare",
        "sin aceptar",
        "sem aceitar",
        "zonder te accepteren",
    ];
    let text = text.to_lowercase();
    PHRASES.iter().any(|phrase| text.contains(phrase))
}

/// What makes it a matter for a person: a button that may refuse after all.
fn doubt(banner: &Banner, profile: Profile) -> Option<&'static str> {
    first_layer(banner).find_map(|button| match button.role {
        ButtonRole::Save if ticked(banner).is_none() => Some(
            "a button stores the selection as shown: whether everything is off in it is not known",
        ),
        ButtonRole::Pay => Some("the banner offers to pay instead"),
        ButtonRole::Close if profile.facts().closing_may_refuse => {
            Some("closing counts as refusing here, if it acts so")
        }
        ButtonRole::Link if !reads_as_policy_link(&button.text) => {
            Some("a link or button was not understood and may refuse")
        }
        _ if button.text.trim().is_empty() && button.role != ButtonRole::Close => {
            Some("a button without text may refuse")
        }
        _ => None,
    })
}

/// Whether a link's text speaks of reading, not of answering.
pub(super) fn reads_as_policy_link(text: &str) -> bool {
    leads(text).is_some()
}
