//! How the banner looks, and what is on in it before the visitor does anything: R20, R21.

use std::collections::BTreeSet;

use crate::judge::declaration::{Admission, Called, category};
use crate::judge::index::PageIndex;
use crate::judge::naming::shown;
use crate::model::finding::{Category, Certainty, Evidence, Proof, Severity, SubjectKind, Verdict};
use crate::model::visit::{Banner, Button, ButtonRole, State, Switch};

use super::site::{banner_name, site_draft};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R20: the no is hard to see.
pub(super) struct VisuallyDemoted;

/// R21: optional purposes are on from the start.
pub(super) struct Preticked;

/// Contrast below which large text is hard to read, and from which any text is readable (WCAG 2.2, 1.4.3).
const HARD_TO_READ: f64 = 3.0;
const READABLE: f64 = 4.5;
/// Contrast below which nobody reads a text.
const UNREADABLE: f64 = 2.0;
/// How many times the area of the other button is taken for a cue.
const LARGER: f64 = 3.0;
/// Cues it takes when the text can be read.
const FEWEST_CUES: usize = 2;

/// Every visit's banner with buttons for a yes and for a no side by side. Where several refuse, the one
/// that is easiest to see counts.
fn side_by_side<'p>(page: &'p PageIndex<'_>) -> Vec<(usize, &'p Button, &'p Button)> {
    let all = |banner: &'p Banner, role| {
        banner
            .buttons
            .iter()
            .filter(move |button| button.layer <= 1 && button.role == role)
    };
    page.visits
        .iter()
        .enumerate()
        .filter_map(|(number, visit)| {
            let banner = &visit.visit.banner;
            let yes = all(banner, ButtonRole::Accept).next()?;
            let no = all(banner, ButtonRole::Reject)
                .min_by_key(|no| (is_unreadable(yes, no), cues(yes, no).len()))?;
            Some((number, yes, no))
        })
        .collect()
}

/// What makes the button that refuses harder to see than the one that accepts, in words.
fn cues(yes: &Button, no: &Button) -> Vec<String> {
    let mut cues = Vec::new();
    if let (Some(of_yes), Some(of_no)) = (yes.contrast, no.contrast)
        && of_no < HARD_TO_READ
        && of_yes >= READABLE
    {
        cues.push(format!(
            "contrast {of_no:.1} : 1 to refuse, {of_yes:.1} : 1 to accept"
        ));
    }
    let area = |button: &Button| button.place[2] * button.place[3];
    if area(no) > 0.0 && area(yes) / area(no) >= LARGER {
        cues.push(format!(
            "the button that accepts is {:.1} times as large",
            area(yes) / area(no)
        ));
    }
    if yes.background.is_some() && no.background.is_none() && no.contrast.is_some() {
        cues.push("refusing is plain text beside a filled button".to_owned());
    }
    cues
}

fn is_unreadable(yes: &Button, no: &Button) -> bool {
    let (Some(of_yes), Some(of_no)) = (yes.contrast, no.contrast) else {
        return false;
    };
    of_no < UNREADABLE && of_yes >= READABLE
}

impl Rule for VisuallyDemoted {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R20",
            name: "reject-visually-demoted",
            title: "The button that refuses is much harder to see than the one that accepts",
            checks: "In every visit that saw both on the first layer: the contrast of the text that refuses is under 2:1 \
                     where accepting has 4.5:1 (unreadable), or two of these hold (demoted): contrast under 3:1 where \
                     accepting has 4.5:1; a third of the area; plain text beside a filled button. Where several buttons refuse, the one that \
                     is easiest to see counts.",
            severity: Severity::Low,
            proof: Proof::P4,
            certainty: Certainty::L3,
            legal: &[
                "GDPR Art. 4(11)",
                "EDPB Cookie Banner Taskforce report (2023), types C to E",
            ],
            remedy: "Give both buttons the same size, colours and place.",
            needs: &[Requirement::Visit(State::Before), Requirement::Colours],
            limits: "Buttons that are pictures have no contrast, and a look that changes under the mouse is not tried. \
                     Where a button stands in or beside the banner's box is not weighed.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let met: Vec<_> = side_by_side(page)
            .into_iter()
            .filter(|(_, _, no)| no.contrast.is_some())
            .collect();
        let Some((_, yes, no)) = met.first() else {
            return Vec::new();
        };
        let unreadable = met.iter().all(|(_, yes, no)| is_unreadable(yes, no));
        let demoted = met
            .iter()
            .all(|(_, yes, no)| cues(yes, no).len() >= FEWEST_CUES);
        let (sub_type, severity, verdict, certainty) = if unreadable {
            (
                "unreadable",
                Severity::Medium,
                Verdict::Likely,
                Certainty::L2,
            )
        } else if demoted {
            ("demoted", Severity::Low, Verdict::Review, Certainty::L3)
        } else {
            return Vec::new();
        };
        let mut notes = vec![format!(
            "\"{}\" beside \"{}\"",
            shown(&no.text),
            shown(&yes.text)
        )];
        notes.extend(cues(yes, no));
        vec![Draft {
            sub_type: Some(sub_type),
            severity,
            verdict,
            proof: Proof::P4,
            certainty,
            evidence: Evidence {
                notes,
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Banner,
                &banner_name(page),
                State::Before,
                Sightings::new(met.iter().map(|(number, ..)| *number), []),
            )
        }]
    }
}

/// Words for legitimate interest: its switches are another matter (R24).
const INTEREST: [&str; 16] = [
    "legitim",
    "légitim",
    "legítim",
    "legittim",
    "berechtigt",
    "gerechtvaardigd",
    "uzasadnion",
    "oprávněn",
    "oprávnen",
    "berättigad",
    "oikeutet",
    "jogos érdek",
    "έννομο",
    "законен",
    "teisėt",
    "zakonit",
];

/// Whether a switch is for something that can be refused; nothing when its words do not tell.
fn is_optional(switch: &Switch) -> Option<bool> {
    match category(&switch.text) {
        Some(Called::As(Category::Necessary)) => Some(false),
        Some(Called::As(Category::Unclassified) | Called::Functional) | None => None,
        Some(Called::As(_)) => Some(true),
    }
}

impl Rule for Preticked {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R21",
            name: "preticked-options",
            title: "Optional purposes are switched on before the visitor does anything",
            checks: "A switch that can be changed is on when its layer is first seen: for analytics, advertising or \
                     comfort by its words (likely), or for something its words do not tell (review). Or the consent \
                     platform's own settings have an optional purpose on by default (settings). What cannot be \
                     switched off does not count, nor switches for legitimate interest.",
            severity: Severity::High,
            proof: Proof::P4,
            certainty: Certainty::L1,
            legal: &[
                "GDPR Art. 4(11)",
                "CJEU C-673/17 (Planet49)",
                "EDPB Cookie Banner Taskforce report (2023), type B",
            ],
            remedy: "Have every optional purpose switched off until the visitor switches it on.",
            needs: &[Requirement::Visit(State::Before), Requirement::Switches],
            limits: "Of the settings only the first layer behind the banner is looked at. A record that grants by default is R30.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let mut optional: BTreeSet<String> = BTreeSet::new();
        let mut untold: BTreeSet<String> = BTreeSet::new();
        let mut visits = BTreeSet::new();
        for (number, visit) in page.visits.iter().enumerate() {
            for switch in visit
                .visit
                .banner
                .switches
                .iter()
                .filter(|switch| switch.on && !switch.locked)
            {
                let text = switch.text.to_lowercase();
                if INTEREST.iter().any(|words| text.contains(words)) {
                    continue;
                }
                match is_optional(switch) {
                    Some(false) => continue,
                    Some(true) => optional.insert(shown(&switch.text)),
                    None => untold.insert(shown(&switch.text)),
                };
                visits.insert(number);
            }
        }
        let settings: Vec<String> = page
            .declared
            .admissions
            .iter()
            .filter_map(|admission| match admission {
                Admission::OnByDefault(words) => Some(shown(words)),
                Admission::Implied(_) => None,
            })
            .take(20)
            .collect();
        let banner_met = page.visits.iter().any(|visit| visit.visit.banner.found);
        let (sub_type, verdict, proof, notes) = if !settings.is_empty() && banner_met {
            ("settings", Verdict::Violation, Proof::P1, settings)
        } else if !optional.is_empty() {
            let named: Vec<String> = optional.into_iter().take(20).collect();
            let note = format!("on at first sight: {}", named.join(", "));
            ("switches", Verdict::Likely, Proof::P4, vec![note])
        } else if !untold.is_empty() {
            let named: Vec<String> = untold.into_iter().take(20).collect();
            let note = format!(
                "on at first sight, their purpose not told: {}",
                named.join(", ")
            );
            ("switches", Verdict::Review, Proof::P4, vec![note])
        } else {
            return Vec::new();
        };
        if visits.is_empty() {
            visits.extend(
                (0..page.visits.len())
                    .filter(|&number| !page.visits[number].visit.snapshot.documents.is_empty()),
            );
        }
        vec![Draft {
            sub_type: Some(sub_type),
            severity: Severity::High,
            verdict,
            proof,
            certainty: Certainty::L1,
            evidence: Evidence {
                notes,
                ..Evidence::default()
            },
            remedy: self.info().remedy.to_owned(),
            ..site_draft(
                page,
                SubjectKind::Banner,
                &banner_name(page),
                State::Before,
                Sightings::new(visits, []),
            )
        }]
    }
}
