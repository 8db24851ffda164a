//! What else is fetched before the visitor has answered: R08, R09.

use std::collections::{BTreeMap, BTreeSet};

use crate::judge::index::{PageIndex, SeenRequest};
use crate::judge::naming::{self, shown};
use crate::judge::remedy;
use crate::model::finding::{Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict};
use crate::model::party::{Party, registrable_domain};
use crate::model::tcf::TcString;
use crate::model::visit::State;

use super::tracking::{Means, Occurrence, grouped, request_draft};
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R08: a third party's content or tool.
pub(super) struct ThirdPartyResource;

/// R09: an auction of the visitor's attention.
pub(super) struct Auction;

/// What a resource is, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    Embed,
    TagManager,
    Captcha,
    Fonts,
    Cdn,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Embed => "embed",
            Self::TagManager => "tag-manager",
            Self::Captcha => "captcha",
            Self::Fonts => "fonts",
            Self::Cdn => "cdn",
        }
    }
}

/// Hosts that bring an embed without storing before it is used.
const PRIVATE_EMBEDS: [&str; 2] = ["youtube-nocookie.com", "player.vimeo-nocookie.com"];

fn class_of(seen: &SeenRequest<'_>) -> Option<Class> {
    let found = seen.found.as_ref()?;
    // What measures or advertises is a matter of R06.
    if seen.party() == Party::First || seen.tracker().is_some() || found.cmp {
        return None;
    }
    let kind = seen.request.resource_type.as_str();
    match found.sector.as_str() {
        "tag-manager" if kind == "Script" => Some(Class::TagManager),
        // A picture of a video stands in for it until somebody clicks.
        "audio" | "maps" | "social" | "video" | "embed" | "comments"
            if matches!(kind, "Document" | "Script")
                && !PRIVATE_EMBEDS.contains(&registrable_domain(&seen.host)) =>
        {
            Some(Class::Embed)
        }
        "captcha" if matches!(kind, "Script" | "Document") => Some(Class::Captcha),
        "fonts" if matches!(kind, "Font" | "Stylesheet" | "Script") => Some(Class::Fonts),
        "cdn" if matches!(kind, "Script" | "Stylesheet" | "Font") => Some(Class::Cdn),
        _ => None,
    }
}

/// Whether the consent platform itself came through the tag manager: then it has to come first.
fn brings_the_banner(page: &PageIndex<'_>, manager: &str) -> bool {
    page.visits
        .iter()
        .flat_map(|visit| &visit.requests)
        .any(|seen| {
            seen.found.as_ref().is_some_and(|found| found.cmp)
                && seen
                    .request
                    .initiator_chain
                    .iter()
                    .any(|step| naming::shown_address(&step.url).starts_with(manager))
        })
}

/// Whether the service behind an embed stored something before the choice, or was sent a cookie.
fn stores(page: &PageIndex<'_>, service: &str, requests: &[(usize, &SeenRequest<'_>)]) -> bool {
    let domains: BTreeSet<&str> = requests
        .iter()
        .map(|(_, seen)| registrable_domain(&seen.host))
        .collect();
    let sent = requests
        .iter()
        .any(|(_, seen)| !seen.request.sent_cookies.is_empty());
    sent || page.items.iter().any(|item| {
        item.party == Party::Third
            && item.known_before()
            && item.class.need.wants_consent()
            && (item.class.service.as_deref() == Some(service)
                || domains.contains(registrable_domain(&item.key.host)))
    })
}

impl Rule for ThirdPartyResource {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R08",
            name: "pre-third-party-resource",
            title: "A third party's content or tool is loaded before any choice",
            checks: "A frame or script of a video, map, audio, social or comment service (embed), a tag manager, a \
                     captcha, web fonts, or a public script library (cdn). Not: privacy-enhanced video hosts, pictures \
                     that stand in for an embed, a tag manager that brings the consent platform itself, and what the \
                     site serves from its own domain.",
            severity: Severity::Medium,
            proof: Proof::P2,
            certainty: Certainty::L2,
            legal: &[
                "GDPR Art. 6(1)(f)",
                "GDPR Art. 44",
                "CJEU C-40/17 (Fashion ID)",
            ],
            remedy: "Load it only when the visitor asks for it, or serve it from the site's own domain.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let mut groups: BTreeMap<(Class, String), Vec<(usize, &SeenRequest<'_>)>> = BTreeMap::new();
        for (number, visit) in page.visits.iter().enumerate() {
            for seen in visit
                .requests
                .iter()
                .filter(|seen| seen.request.phase.is_before_choice())
            {
                if let (Some(class), Some(found)) = (class_of(seen), &seen.found) {
                    groups
                        .entry((class, found.service.clone()))
                        .or_default()
                        .push((number, seen));
                }
            }
        }
        groups
            .into_iter()
            .filter_map(|((class, service), requests)| resource(page, class, &service, &requests))
            .collect()
    }
}

fn resource(
    page: &PageIndex<'_>,
    class: Class,
    service: &str,
    requests: &[(usize, &SeenRequest<'_>)],
) -> Option<Draft> {
    // The frame says more than the scripts it brings.
    let (_, first) = requests
        .iter()
        .find(|(_, seen)| seen.request.resource_type == "Document")
        .or(requests.first())
        .copied()?;
    let found = first.found.as_ref()?;
    let address = naming::shown_address(&first.request.url);
    let (severity, verdict, certainty) = match class {
        Class::Embed if stores(page, service, requests) => {
            (Severity::High, Verdict::Violation, Certainty::L1)
        }
        Class::Embed => (Severity::Medium, Verdict::Likely, Certainty::L2),
        Class::TagManager if brings_the_banner(page, &address) => return None,
        Class::TagManager => (
            page.profile.facts().tag_manager,
            Verdict::Review,
            Certainty::L3,
        ),
        Class::Captcha | Class::Fonts => (Severity::Low, Verdict::Review, Certainty::L3),
        Class::Cdn => (Severity::Info, Verdict::Review, Certainty::L3),
    };
    let name = shown(page.service_name(service));
    let chain = first.request.initiator_chain.clone();
    let advice = match class {
        Class::Embed => "Show a picture in its place and load it on a click.",
        Class::TagManager => "Load it after the answer, or serve it from the site's own server.",
        Class::Captcha => "Load it where a form is used, or use one that stores nothing.",
        Class::Fonts | Class::Cdn => "Serve the files from the site's own server.",
    };
    let occurrence = Occurrence::before(page);
    let lasting = requests
        .iter()
        .map(|(_, seen)| (seen.request.phase, seen.request.at_ms))
        .min()
        .map(|(phase, at_ms)| page.lasting(occurrence.visits.iter().copied(), phase, at_ms))
        .unwrap_or_default();
    Some(Draft {
        subject: Subject {
            kind: SubjectKind::Request,
            host: first.host.clone(),
            name: shown(first.url.path()),
            party: first.party(),
        },
        stable_name: format!("{} {service}", class.name()),
        sub_type: Some(class.name()),
        severity,
        verdict,
        proof: Proof::P2,
        certainty,
        state: State::Before,
        phase: first.request.phase,
        service: Some(service.to_owned()),
        category: found.category,
        remedy: format!(
            "{advice} {}",
            remedy::put_behind_consent(
                page,
                &format!("{name} ({address})"),
                found.category,
                &chain
            )
        ),
        evidence: Evidence {
            at_ms: Some(first.request.at_ms),
            initiator_chain: chain,
            notes: vec![format!("{} of {name}", class.name())],
            ..Evidence::default()
        },
        sightings: Sightings::new(requests.iter().map(|(visit, _)| *visit), lasting),
    })
}

/// Whether a request asks for bids: by the catalog, by its path, or by a body in the form of OpenRTB.
fn asks_for_bids(seen: &SeenRequest<'_>) -> bool {
    if seen.party() == Party::First {
        return false;
    }
    let role = seen.found.as_ref().and_then(|found| found.role.as_deref());
    let path = seen.url.path().to_ascii_lowercase();
    let body = &seen.request.body_parameters;
    let has = |name: &str| {
        body.iter()
            .any(|parameter| parameter.name.starts_with(name))
    };
    role == Some("auction")
        || path.contains("/openrtb")
        || path.contains("/dtb/bid")
        || (has("imp[0].") && (has("site.") || has("device.") || has("ext.prebid")))
}

/// What a bid request says of consent.
#[derive(PartialEq, Eq)]
enum Basis {
    /// A string without any consent, where the regulation applies: limited advertisements.
    None,
    /// A string with consent, which nobody can have given.
    Positive,
    /// Nothing.
    Unsaid,
}

fn basis(seen: &SeenRequest<'_>) -> Basis {
    let mut applies = false;
    let mut string = None;
    for (name, value) in seen.parameters() {
        match name.rsplit('.').next().unwrap_or_default() {
            "gdpr" => applies |= value == "1",
            "gdpr_consent" | "consent" => string = string.or_else(|| TcString::parse(&value)),
            _ => {}
        }
    }
    match string {
        Some(string) if string.consents() => Basis::Positive,
        Some(_) if applies => Basis::None,
        _ => Basis::Unsaid,
    }
}

impl Rule for Auction {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R09",
            name: "pre-rtb-auction",
            title: "The visitor is offered to bidders before any choice",
            checks: "A request for bids leaves while the banner is unanswered: to an exchange the catalog knows, or in \
                     the form of OpenRTB. Critical when it carries an identifier, a consent nobody gave, or no word of \
                     consent at all; medium when it says itself that there is none (limited advertisements).",
            severity: Severity::Critical,
            proof: Proof::P2,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "GDPR Art. 5(1)(f)",
            ],
            remedy: "Start auctions only after consent to advertising.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Bids made between servers cannot be seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        grouped(page, 0..page.visits.len(), |_, seen| {
            seen.request.phase.is_before_choice() && asks_for_bids(seen) && seen.found.is_some()
        })
        .iter()
        .filter_map(|requests| {
            let uid = requests.seen.iter().any(|(_, seen)| {
                seen.identifier.is_some() || !seen.request.sent_cookies.is_empty()
            });
            let limited = requests
                .seen
                .iter()
                .all(|(_, seen)| basis(seen) == Basis::None);
            let severity = match (uid, limited) {
                (false, true) => Severity::Medium,
                (true, true) => Severity::High,
                _ => Severity::Critical,
            };
            let draft = request_draft(
                page,
                requests,
                Means::Beacon,
                severity,
                &Occurrence::before(page),
            )?;
            Some(Draft {
                sub_type: Some(if limited { "limited" } else { "auction" }),
                certainty: Certainty::L1,
                ..draft
            })
        })
        .collect()
    }
}
