//! Ways around the visitor's choice: R42, R43, R44.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::judge::classify::Need;
use crate::judge::consent_mode;
use crate::judge::identifier::{self, Clock};
use crate::judge::index::{Item, PageIndex, SeenRequest};
use crate::judge::item::Stored;
use crate::judge::naming::{self, normalised, shown};
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::{Party, host_of, registrable_domain};
use crate::model::snapshot::{FingerprintRead, Setter, Technique};
use crate::model::visit::{PhaseName, State};

use super::tracking::{DeniedPings, Occurrence, Requests, Writes, grouped, item_draft};
use super::window::Window;
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R42: a vendor's tracker behind the site's own name.
pub(super) struct ProxiedTracker;

/// R43: devices are told apart by what they can do.
pub(super) struct Fingerprinting;

/// R44: a deleted identifier comes back.
pub(super) struct Respawn;

/// A vendor's grammar in a request to the site's own host.
struct Grammar {
    vendor: &'static str,
    category: Category,
    service: &'static str,
}

const GOOGLE: Grammar = Grammar {
    vendor: "Google Analytics",
    category: Category::Analytics,
    service: "google-analytics",
};
const META: Grammar = Grammar {
    vendor: "Meta Pixel",
    category: Category::Marketing,
    service: "meta-pixel",
};

/// Which vendor's reports a request is made like. Two parts of the grammar have to fit, so that no
/// parameter of the site's own is taken for it.
fn grammar(seen: &SeenRequest<'_>) -> Option<&'static Grammar> {
    let parameter = |wanted: &str| {
        seen.url
            .query_pairs()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
    };
    let google = parameter("v").is_some_and(|version| version == "2")
        && parameter("tid").is_some_and(|id| id.starts_with("G-") && id.len() > 4)
        && parameter("cid").is_some_and(|id| !id.is_empty());
    let meta = parameter("id")
        .is_some_and(|id| id.len() >= 10 && id.bytes().all(|byte| byte.is_ascii_digit()))
        && parameter("ev").is_some_and(|event| !event.is_empty())
        && parameter("dl").is_some();
    if google {
        Some(&GOOGLE)
    } else {
        meta.then_some(&META)
    }
}

impl Rule for ProxiedTracker {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R42",
            name: "first-party-proxied-tracker",
            title: "A vendor's tracker reports through the site's own domain without consent",
            checks: "Before a choice or after a confirmed refusal a request to the site's own domain has the grammar of \
                     a vendor's report: Google Analytics 4 (v, tid, cid) or Meta (id, ev, dl). A denied measurement is \
                     left to R07. Statistics of the site's own and platforms the site runs itself do not count.",
            severity: Severity::High,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 5(1)(a)",
                "GDPR Art. 6(1)(a)",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Hold the proxied tag back until consent as if it went to the vendor.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Names are not resolved and scripts' texts are not kept: a tracker behind a CNAME, or a vendor's \
                     script under the site's own address, is found only by the grammar of what it sends.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let denied = DeniedPings::new(page);
        Window::all(page)
            .iter()
            .flat_map(|window| {
                let visits = window.visits.iter().copied();
                grouped(page, visits, |number, seen| {
                    seen.party() == Party::First
                        && window.sent(page, number, seen)
                        && !denied.contains(number, seen)
                        && grammar(seen).is_some()
                })
                .iter()
                .filter_map(|requests| proxied(window, requests))
                .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn proxied(window: &Window, requests: &Requests<'_, '_>) -> Option<Draft> {
    let (_, first) = requests.seen.first()?;
    let grammar = grammar(first)?;
    let (host, path) = &requests.group;
    let says = match consent_mode::consent_mode(&first.url) {
        consent_mode::ConsentMode::Granted => {
            Some("says itself that consent is granted".to_owned())
        }
        _ => None,
    };
    Some(Draft {
        subject: Subject {
            kind: SubjectKind::Request,
            host: host.clone(),
            name: shown(first.url.path()),
            party: Party::First,
        },
        stable_name: path.clone(),
        sub_type: Some("grammar"),
        severity: Severity::High,
        verdict: Verdict::Violation,
        proof: Proof::P2,
        certainty: Certainty::L1,
        state: window.state,
        phase: first.request.phase,
        service: Some(grammar.service.to_owned()),
        category: grammar.category,
        remedy: format!(
            "Hold {} back until consent, although it goes through {host}: the visitor's browser is read all the same.",
            grammar.vendor
        ),
        evidence: Evidence {
            at_ms: Some(first.request.at_ms),
            initiator_chain: first.request.initiator_chain.clone(),
            notes: std::iter::once(format!(
                "the request is made like those of {}",
                grammar.vendor
            ))
            .chain(says)
            .collect(),
            ..Evidence::default()
        },
        sightings: Sightings::new(
            requests.seen.iter().map(|(visit, _)| *visit),
            window.visits.iter().copied(),
        ),
    })
}

/// Techniques that tell devices apart by themselves when the result is sent.
const STRONG: [Technique; 5] = [
    Technique::Canvas,
    Technique::Fonts,
    Technique::Webgl,
    Technique::Audio,
    Technique::Webrtc,
];

/// Sectors that read devices to keep robots and fraud away.
const PROTECTION: [&str; 3] = ["bot-protection", "captcha", "payment"];

/// Reads of one visit that are looked at.
const MOST_READS: usize = 64;
/// Requests that may carry what one of them found out.
const MOST_REQUESTS: usize = 200;

/// A script's reads in one visit and phase.
struct Read<'a> {
    visit: usize,
    what: &'a FingerprintRead,
    /// The host that was sent something like a result afterwards.
    sent_to: Option<String>,
}

/// Where a request of the script, or one to its domain, took a value that may be the result.
fn sent_after(page: &PageIndex<'_>, visit: usize, read: &FingerprintRead) -> Option<String> {
    /// Shortest digest that a fingerprint is made into.
    const SHORTEST_DIGEST: usize = 16;
    let clock = Clock {
        now_ms: page.visits[visit].visit.timing.started.as_millisecond(),
    };
    let domain_of_script = host_of(&read.script);
    let is_result = |text: &str| {
        identifier::tokens(text, clock)
            .iter()
            .any(|token| token.len() >= SHORTEST_DIGEST)
    };
    page.visits[visit]
        .requests
        .iter()
        .filter(|seen| seen.request.at_ms >= read.at_ms)
        .filter(|seen| {
            let same_domain = !domain_of_script.is_empty()
                && registrable_domain(&seen.host) == registrable_domain(&domain_of_script)
                && !matches!(
                    seen.request.resource_type.as_str(),
                    "Script" | "Stylesheet" | "Font" | "Document"
                );
            same_domain
                || (!read.script.is_empty()
                    && seen
                        .request
                        .initiator_chain
                        .first()
                        .is_some_and(|step| step.url == read.script))
        })
        .take(MOST_REQUESTS)
        .find(|seen| {
            let in_address = seen.url.query_pairs().any(|(_, value)| is_result(&value));
            let body = seen.request.post_body.as_ref();
            in_address || body.is_some_and(|body| is_result(body.text()))
        })
        .map(|seen| seen.host.clone())
}

impl Rule for Fingerprinting {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R43",
            name: "fingerprinting-without-consent",
            title: "A script takes the device's fingerprint without consent",
            checks: "Before a choice or after a confirmed refusal one script uses two or more of: text drawn on a canvas \
                     and read back, installed fonts, the graphics card, computed sound, network addresses through \
                     WebRTC. High when something like the result is sent afterwards, otherwise low and for review. A \
                     single technique is left to charts, emoji tests and games unless its result goes to a third \
                     party (medium). Scripts that keep robots and fraud away are a note.",
            severity: Severity::High,
            proof: Proof::P3,
            certainty: Certainty::L2,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "WP29 Opinion 9/2014",
                "EDPB Guidelines 2/2023",
            ],
            remedy: "Load the script only after consent.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Properties that every page reads are not recorded; see the limits of what can be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        Window::all(page)
            .iter()
            .flat_map(|window| {
                let mut by_script: BTreeMap<String, Vec<Read<'_>>> = BTreeMap::new();
                for &number in &window.visits {
                    for read in page.visits[number]
                        .visit
                        .snapshot
                        .fingerprinting
                        .iter()
                        .filter(|read| {
                            window.holds(page, number, read.phase, read.at_ms)
                                && !read.techniques.is_empty()
                        })
                        .take(MOST_READS)
                    {
                        by_script
                            .entry(script_name(page, read))
                            .or_default()
                            .push(Read {
                                visit: number,
                                what: read,
                                sent_to: sent_after(page, number, read),
                            });
                    }
                }
                by_script
                    .into_iter()
                    .filter_map(|(script, reads)| fingerprint(page, window, &script, &reads))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn script_name(page: &PageIndex<'_>, read: &FingerprintRead) -> String {
    if read.script.is_empty() {
        page.page.url.clone()
    } else {
        naming::shown_address(&read.script)
    }
}

fn fingerprint(
    page: &PageIndex<'_>,
    window: &Window,
    script: &str,
    reads: &[Read<'_>],
) -> Option<Draft> {
    let techniques: BTreeSet<Technique> = reads
        .iter()
        .flat_map(|read| &read.what.techniques)
        .copied()
        .collect();
    let strong = techniques
        .iter()
        .filter(|technique| STRONG.contains(technique))
        .count();
    let first = reads.first()?;
    let party = first.what.party;
    let sent_to = reads.iter().find_map(|read| read.sent_to.clone());
    let service = page
        .visits
        .iter()
        .flat_map(|visit| &visit.requests)
        .find_map(|seen| {
            let found = seen.found.as_ref()?;
            (naming::shown_address(&seen.request.url) == script).then_some(found)
        });
    let protects = service.is_some_and(|found| PROTECTION.contains(&found.sector.as_str()));
    let (severity, verdict, sub_type) = match (strong, &sent_to) {
        (0, _) => return None,
        _ if protects => (Severity::Info, Verdict::Review, "protection"),
        (2.., Some(_)) => (Severity::High, Verdict::Likely, "sent"),
        (2.., None) => (Severity::Low, Verdict::Review, "unsent"),
        (1, Some(_)) if party == Party::Third => (Severity::Medium, Verdict::Review, "sent"),
        _ => return None,
    };
    let names: Vec<String> = techniques
        .iter()
        .map(|technique| format!("{technique:?}").to_lowercase())
        .collect();
    let mut notes = vec![format!("techniques: {}", names.join(", "))];
    notes.extend(sent_to.map(|host| format!("afterwards {host} was sent a value like a result")));
    let host = host_of(script);
    let path = Url::parse(script).map_or_else(|_| script.to_owned(), |url| url.path().to_owned());
    let set_by = (!first.what.stack.is_empty()).then(|| Setter::Script {
        stack: first.what.stack.clone(),
    });
    Some(Draft {
        subject: Subject {
            kind: SubjectKind::Request,
            host,
            name: shown(&path),
            party,
        },
        stable_name: normalised(&path),
        sub_type: Some(sub_type),
        severity,
        verdict,
        proof: Proof::P3,
        certainty: if severity >= Severity::Medium {
            Certainty::L1
        } else {
            Certainty::L2
        },
        state: window.state,
        phase: first.what.phase,
        service: service.map(|found| found.service.clone()),
        category: service.map_or(Category::Unclassified, |found| found.category),
        remedy: format!("Load {} only after consent.", shown(script)),
        evidence: Evidence {
            at_ms: Some(first.what.at_ms),
            initiator_chain: page.chain_of(first.visit, set_by.as_ref()),
            set_by,
            notes,
            ..Evidence::default()
        },
        sightings: Sightings::new(
            reads.iter().map(|read| read.visit),
            window.visits.iter().copied(),
        ),
    })
}

impl Rule for Respawn {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R44",
            name: "identifier-respawn",
            title: "A deleted identifier comes back with the same value",
            checks: "At the end of an accepted visit every cookie is deleted and the page is opened again. A cookie that \
                     differs in every fresh profile is written again then with its old value: something else in the \
                     browser had kept it. Choice records and what is exempt do not count.",
            severity: Severity::High,
            proof: Proof::P3,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 5(1)(a)",
                "GDPR Art. 17",
            ],
            remedy: "Keep the identifier in one place only, so that deleting it deletes it.",
            needs: &[Requirement::Emptied],
            limits: "Only cookies are deleted; identifiers that come back into other storage are not looked for.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        page.items
            .iter()
            .filter(|item| {
                item.key.kind == SubjectKind::Cookie
                    && !matches!(item.class.need, Need::Exempt | Need::Security | Need::Probe)
            })
            .filter_map(|item| respawned(page, item))
            .collect()
    }
}

fn respawned(page: &PageIndex<'_>, item: &Item<'_>) -> Option<Draft> {
    let identifying = item.identifier.as_ref()?;
    let came_back = |visit: usize, stored: &Stored<'_>| {
        let clock = Clock {
            now_ms: page.visits[visit].visit.timing.started.as_millisecond(),
        };
        stored.phase == PhaseName::Emptied
            && identifying.get(visit).is_some_and(|known| {
                identifier::tokens(stored.value.text(), clock)
                    .iter()
                    .any(|token| known.contains(token))
            })
    };
    let writes = Writes::of(item, came_back)?;
    let emptied: Vec<usize> = (0..page.visits.len())
        .filter(|&number| {
            let phases = &page.visits[number].visit.phases;
            phases.iter().any(|phase| phase.name == PhaseName::Emptied)
        })
        .collect();
    // What else in the browser holds the same value.
    let keepers: BTreeSet<String> = page
        .items
        .iter()
        .filter(|other| other.key.kind != SubjectKind::Cookie)
        .filter(|other| {
            other.identifier.as_ref().is_some_and(|tokens| {
                emptied.iter().any(|&visit| {
                    let (left, right) = (tokens.get(visit), identifying.get(visit));
                    left.zip(right)
                        .is_some_and(|(left, right)| !left.is_disjoint(right))
                })
            })
        })
        .map(|other| {
            format!(
                "{} {}",
                naming::kind_name(other.key.kind),
                shown(&other.key.name)
            )
        })
        .take(5)
        .collect();
    let occurrence = Occurrence {
        state: State::Accepted,
        visits: emptied,
    };
    let mut draft = item_draft(page, item, &writes, &occurrence, |departure| {
        departure.phase == PhaseName::Emptied
    });
    draft.evidence.notes.push(if keepers.is_empty() {
        "written again with its old value after every cookie was deleted".to_owned()
    } else {
        let keepers: Vec<String> = keepers.into_iter().collect();
        format!(
            "written again with its old value after every cookie was deleted; also kept in {}",
            keepers.join(", ")
        )
    });
    Some(Draft {
        severity: Severity::High,
        verdict: Verdict::Likely,
        proof: Proof::P3,
        certainty: Certainty::L1,
        remedy: Respawn.info().remedy.to_owned(),
        ..draft
    })
}
