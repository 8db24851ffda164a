//! Identifiers and personal data handed on: R39, R41, R45.

use std::collections::{BTreeMap, BTreeSet};

use url::Url;

use crate::judge::index::{Departure, Item, PageIndex, SeenRequest};
use crate::judge::naming::shown;
use crate::judge::profile::transfer_is_covered;
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::{Party, party_of, registrable_domain};
use crate::model::visit::State;

use super::tracking::{Writes, item_draft};
use super::window::Window;
use super::{Draft, Requirement, Rule, RuleInfo, Sightings};

/// R39: an identifier goes to a country without an adequate law.
pub(super) struct ThirdCountry;

/// R41: an identifier or personal data in an address.
pub(super) struct IdentifierInUrl;

/// R45: two vendors learn that they mean the same visitor.
pub(super) struct CookieSync;

/// Recipients named in a finding.
const MOST_NAMED: usize = 20;

/// The draft of an item that went to `hosts`.
fn item_handed_on(
    page: &PageIndex<'_>,
    item: &Item<'_>,
    window: &Window,
    departures: &[&Departure],
    what: &str,
) -> Option<Draft> {
    let first = departures
        .iter()
        .min_by_key(|departure| (departure.visit, departure.at_ms))?;
    let visits: BTreeSet<usize> = departures.iter().map(|departure| departure.visit).collect();
    let writes = Writes::of(item, |visit, _| visits.contains(&visit))?;
    let hosts: BTreeSet<&str> = departures
        .iter()
        .map(|departure| departure.host.as_str())
        .collect();
    let named: Vec<&str> = hosts.into_iter().take(MOST_NAMED).collect();
    let draft = item_draft(page, item, &writes, &window.occurrence(), |departure| {
        window.departed(page, departure)
    });
    let mut evidence = draft.evidence;
    evidence.at_ms = Some(first.at_ms);
    evidence
        .notes
        .insert(0, format!("{what} {}", named.join(", ")));
    Some(Draft {
        phase: first.phase,
        proof: Proof::P3,
        verdict: Verdict::Likely,
        evidence,
        sightings: Sightings::new(visits, window.visits.iter().copied()),
        ..draft
    })
}

impl Rule for ThirdCountry {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R39",
            name: "third-country-recipient",
            title: "An identifier goes to a vendor outside of Europe without consent",
            checks: "A tracking request that carries an identifier goes, before a choice or after a confirmed refusal, \
                     to a service whose vendor sits in a country that is neither in the European Economic Area nor \
                     adequate, or only so for certified companies. By the vendor's country in the catalog, never by the address of a server. An \
                     indicator: contracts cannot be seen. One finding for each service.",
            severity: Severity::Medium,
            proof: Proof::P3,
            certainty: Certainty::L3,
            legal: &["GDPR Art. 44", "GDPR Art. 45", "GDPR Art. 46"],
            remedy: "Load it only after consent, and have the basis of the transfer at hand: certification, or standard clauses with an assessment.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Which companies are certified under the EU-US Data Privacy Framework is not known here.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        Window::all(page)
            .iter()
            .flat_map(|window| {
                let mut by_service: BTreeMap<&str, Vec<(usize, &SeenRequest<'_>)>> =
                    BTreeMap::new();
                for (number, visit) in page.visits.iter().enumerate() {
                    for seen in visit
                        .requests
                        .iter()
                        .filter(|seen| seen.identifier.is_some() && window.sent(page, number, seen))
                    {
                        if let Some(found) = seen.tracker() {
                            by_service
                                .entry(&found.service)
                                .or_default()
                                .push((number, seen));
                        }
                    }
                }
                by_service
                    .into_iter()
                    .filter_map(|(service, requests)| transfer(page, window, service, &requests))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn transfer(
    page: &PageIndex<'_>,
    window: &Window,
    service: &str,
    requests: &[(usize, &SeenRequest<'_>)],
) -> Option<Draft> {
    let facts = page.services.get(service)?;
    let country = facts.country.as_deref()?;
    if transfer_is_covered(country) {
        return None;
    }
    let (_, first) = requests.first().copied()?;
    let name = shown(&facts.name);
    let vendor = facts.vendor.as_deref().map_or_else(|| name.clone(), shown);
    Some(Draft {
        subject: Subject {
            kind: SubjectKind::Request,
            host: first.host.clone(),
            name: shown(first.url.path()),
            party: first.party(),
        },
        stable_name: service.to_owned(),
        sub_type: None,
        severity: Severity::Medium,
        verdict: Verdict::Review,
        proof: Proof::P3,
        certainty: Certainty::L3,
        state: window.state,
        phase: first.request.phase,
        service: Some(service.to_owned()),
        category: facts.category,
        remedy: format!(
            "Load {name} only after consent, and have the basis of the transfer to {country} at hand: certification, or standard clauses with an assessment."
        ),
        evidence: Evidence {
            at_ms: Some(first.request.at_ms),
            initiator_chain: first.request.initiator_chain.clone(),
            notes: [
                Some(format!("{vendor} sits in {country}")),
                first.identifier.clone(),
            ]
            .into_iter()
            .flatten()
            .collect(),
            ..Evidence::default()
        },
        sightings: Sightings::new(
            requests.iter().map(|(visit, _)| *visit),
            window.visits.iter().copied(),
        ),
    })
}

/// Values of the landing address: the visitor brought them.
fn brought_along(page: &PageIndex<'_>) -> BTreeSet<String> {
    [&page.page.url, &page.page.final_url]
        .into_iter()
        .filter_map(|address| Url::parse(address).ok())
        .flat_map(|url| {
            url.query_pairs()
                .map(|(_, value)| value.into_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Parameters that hold personal data by their name, when their value has the form of a digest.
const PERSONAL: [&str; 16] = [
    "em",
    "ud[em]",
    "udff[em]",
    "email",
    "email_sha256",
    "sha256_email",
    "hashed_email",
    "hem",
    "he",
    "emailhash",
    "email_hash",
    "user_email",
    "sha256email",
    "ph",
    "ud[ph]",
    "phone_sha256",
];

/// Parameters that hold a telephone number by their name.
const TELEPHONE: [&str; 11] = [
    "mobile",
    "mobile_number",
    "mobilenumber",
    "msisdn",
    "ph",
    "phone",
    "phone_number",
    "phonenumber",
    "tel",
    "telephone",
    "ud[ph]",
];

/// Addresses inside of addresses that are opened for what they hold.
const DEEPEST_ADDRESS: u8 = 3;

/// Personal data in a parameter, or in the parameters of an address it holds, in words. What the
/// visitor brought along is not looked at.
fn personal(
    name: &str,
    value: &str,
    site: &str,
    brought: &BTreeSet<String>,
    depth: u8,
) -> Option<&'static str> {
    if brought.contains(value) {
        return None;
    }
    let lower = name.to_ascii_lowercase();
    let last = lower.rsplit('.').next().unwrap_or(&lower);
    if is_email(value, site) {
        return Some("an e-mail address");
    }
    if TELEPHONE.contains(&last) && is_telephone_number(value) {
        return Some("a telephone number");
    }
    let is_digest =
        matches!(value.len(), 32 | 40 | 64) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_digest && PERSONAL.contains(&last) {
        return Some("the digest of an address or a number");
    }
    if depth == 0 || !(value.starts_with("http://") || value.starts_with("https://")) {
        return None;
    }
    let inner = Url::parse(value).ok()?;
    inner
        .query_pairs()
        .find_map(|(name, value)| personal(&name, &value, site, brought, depth - 1))
}

/// A number somebody can be called at: 8 to 15 digits (ITU-T E.164), as people write them.
fn is_telephone_number(value: &str) -> bool {
    let value = value.trim();
    let digits = value.strip_prefix('+').unwrap_or(value);
    let count = digits.bytes().filter(u8::is_ascii_digit).count();
    (8..=15).contains(&count)
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b" -/.()".contains(&byte))
        && digits
            .bytes()
            .any(|byte| byte.is_ascii_digit() && byte != b'0')
}

/// An address of somebody, not one of the site's own.
fn is_email(value: &str, site: &str) -> bool {
    let value = value.trim();
    let Some((name, domain)) = value.split_once('@') else {
        return false;
    };
    let plain = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"._%+-".contains(&byte))
    };
    value.len() <= 254
        && plain(name)
        && plain(domain)
        && domain.contains('.')
        && !domain.contains("..")
        && domain
            .rsplit('.')
            .next()
            .is_some_and(|end| end.len() >= 2 && end.bytes().all(|byte| byte.is_ascii_alphabetic()))
        && registrable_domain(domain) != registrable_domain(site)
        // `logo@2x.png` is a picture.
        && !domain.starts_with(|first: char| first.is_ascii_digit())
}

impl Rule for IdentifierInUrl {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R41",
            name: "identifier-in-url",
            title: "An identifier or personal data is handed to third parties in addresses",
            checks: "Before a choice or after a confirmed refusal a request to a third party carries, in its address or \
                     body, the value of an identifier the site itself keeps (uid), or an e-mail address, a telephone \
                     number or the digest of one (personal-data), also inside of an address it hands on. What goes to the company whose identifier it is is tracking by that company (R06), \
                     what a third party's script wrote a matter of R03 and R45. What the visitor brought in the page's \
                     own address does not count, nor the site's own addresses, nor what goes to a consent platform.",
            severity: Severity::Medium,
            proof: Proof::P3,
            certainty: Certainty::L2,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
                "EDPB Guidelines 2/2023, URL tracking",
            ],
            remedy: "Take the identifier out of what is sent until the visitor has agreed.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let brought = brought_along(page);
        let platforms: BTreeSet<&str> = page
            .visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .filter(|seen| seen.found.as_ref().is_some_and(|found| found.cmp))
            .map(|seen| seen.host.as_str())
            .collect();
        let mut drafts = Vec::new();
        for window in &Window::all(page) {
            drafts.extend(
                page.items
                    .iter()
                    .filter_map(|item| uid_handed_on(page, item, window, &brought, &platforms)),
            );
            drafts.extend(personal_data(page, window, &brought, &platforms));
        }
        drafts
    }
}

fn uid_handed_on(
    page: &PageIndex<'_>,
    item: &Item<'_>,
    window: &Window,
    brought: &BTreeSet<String>,
    platforms: &BTreeSet<&str>,
) -> Option<Draft> {
    let identifier = item.identifier.as_ref()?;
    // What a vendor's script wrote and sends on is a matter of R03 and R45.
    let own = item.party == Party::First && item.ghost_writer.is_none();
    let was_brought = identifier
        .iter()
        .flatten()
        .any(|token| brought.contains(token));
    if !own || !item.class.need.wants_consent() || was_brought {
        return None;
    }
    let keeper = item
        .class
        .service
        .as_deref()
        .map(|service| page.company_of(&item.key.host, Some(service)));
    let departures: Vec<&Departure> = item
        .departures
        .iter()
        .filter(|departure| {
            departure.party == Party::Third
                && window.departed(page, departure)
                && !platforms.contains(departure.host.as_str())
                && keeper.as_ref() != Some(&page.company_of(&departure.host, None))
        })
        .collect();
    let draft = item_handed_on(
        page,
        item,
        window,
        &departures,
        "its value stands in what is sent to",
    )?;
    Some(Draft {
        sub_type: Some("uid"),
        severity: Severity::Medium,
        certainty: Certainty::L2,
        ..draft
    })
}

fn personal_data(
    page: &PageIndex<'_>,
    window: &Window,
    brought: &BTreeSet<String>,
    platforms: &BTreeSet<&str>,
) -> Vec<Draft> {
    let mut by_host: BTreeMap<&str, Vec<(usize, &SeenRequest<'_>, String)>> = BTreeMap::new();
    for (number, visit) in page.visits.iter().enumerate() {
        for seen in visit.requests.iter().filter(|seen| {
            seen.party() == Party::Third
                && !platforms.contains(seen.host.as_str())
                && window.sent(page, number, seen)
        }) {
            let told = seen.parameters().find_map(|(name, value)| {
                let what = personal(&name, &value, &page.site, brought, DEEPEST_ADDRESS)?;
                Some(format!("the parameter {} holds {what}", shown(&name)))
            });
            if let Some(told) = told {
                by_host
                    .entry(&seen.host)
                    .or_default()
                    .push((number, seen, told));
            }
        }
    }
    by_host
        .into_iter()
        .filter_map(|(host, requests)| {
            let (_, first, told) = requests.first()?;
            let found = first.found.as_ref();
            Some(Draft {
                subject: Subject {
                    kind: SubjectKind::Request,
                    host: host.to_owned(),
                    name: shown(first.url.path()),
                    party: Party::Third,
                },
                stable_name: "personal-data".to_owned(),
                sub_type: Some("personal-data"),
                severity: Severity::High,
                verdict: Verdict::Likely,
                proof: Proof::P1,
                certainty: Certainty::L1,
                state: window.state,
                phase: first.request.phase,
                service: found.map(|found| found.service.clone()),
                category: found.map_or(Category::Unclassified, |found| found.category),
                remedy: format!(
                    "Take personal data out of what is sent to {host} until the visitor has agreed."
                ),
                evidence: Evidence {
                    at_ms: Some(first.request.at_ms),
                    initiator_chain: first.request.initiator_chain.clone(),
                    notes: vec![told.clone()],
                    ..Evidence::default()
                },
                sightings: Sightings::new(
                    requests.iter().map(|(visit, ..)| *visit),
                    window.visits.iter().copied(),
                ),
            })
        })
        .collect()
}

impl Rule for CookieSync {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R45",
            name: "cookie-sync-without-consent",
            title: "Two vendors exchange an identifier without consent",
            checks: "Before a choice or after a confirmed refusal the value of an identifier that one vendor keeps, in \
                     its own cookie or in one its script wrote on the site, is sent to another company. Services of one \
                     company do not count, nor values that are no identifiers.",
            severity: Severity::High,
            proof: Proof::P3,
            certainty: Certainty::L1,
            legal: &[
                "ePrivacy Directive 2002/58/EC Art. 5(3)",
                "GDPR Art. 6(1)(a)",
            ],
            remedy: "Start advertising services only after consent.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        Window::all(page)
            .iter()
            .flat_map(|window| {
                page.items
                    .iter()
                    .filter_map(|item| synced(page, item, window))
                    .collect::<Vec<_>>()
            })
            .collect()
    }
}

fn synced(page: &PageIndex<'_>, item: &Item<'_>, window: &Window) -> Option<Draft> {
    item.identifier.as_ref()?;
    if !item.class.need.wants_consent() {
        return None;
    }
    let keeper = match (item.party, &item.ghost_writer) {
        (Party::Third, _) => page.company_of(&item.key.host, item.class.service.as_deref()),
        (Party::First, Some(writer)) => page.company_of(writer, item.class.service.as_deref()),
        (Party::First, None) => return None,
    };
    let departures: Vec<&Departure> = item
        .departures
        .iter()
        .filter(|departure| {
            departure.party == Party::Third
                && party_of(&departure.host, &item.key.host) == Party::Third
                && window.departed(page, departure)
                && page.company_of(&departure.host, None) != keeper
        })
        .collect();
    let draft = item_handed_on(
        page,
        item,
        window,
        &departures,
        "its value was sent to another company:",
    )?;
    Some(Draft {
        sub_type: None,
        severity: Severity::High,
        certainty: Certainty::L1,
        ..draft
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_people() {
        for (value, expected) in [
            ("anna@example.org", true),
            (" anna.b+c@mail.example.co.uk ", true),
            ("info@shop.test", false),
            ("logo@2x.png", false),
            ("@example.org", false),
            ("anna@localhost", false),
            ("anna@example..org", false),
            ("a@b@example.org", false),
            ("", false),
        ] {
            assert_eq!(is_email(value, "www.shop.test"), expected, "{value}");
        }
    }

    #[test]
    fn digests_count_under_their_names_only() {
        let digest = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b";
        for (name, value, expected) in [
            ("em", digest, true),
            ("ud[em]", digest, true),
            ("user.email_sha256", digest, true),
            ("v", digest, false),
            ("em", "theme", false),
        ] {
            let found = personal(name, value, "shop.test", &BTreeSet::new(), DEEPEST_ADDRESS);
            assert_eq!(found.is_some(), expected, "{name}");
        }
    }

    #[test]
    fn telephone_numbers_count_under_their_names_only() {
        for (name, value, expected) in [
            ("phone", "+49 151 1234-5678", true),
            ("user.tel", "(030) 12345678", true),
            ("sku", "4915112345678", false),
            ("phone", "00000000", false),
            ("phone", "1234", false),
            ("phone", "1234567890123456", false),
            ("phone", "+49 151 CALL-ME", false),
            ("ph", "", false),
        ] {
            let found = personal(name, value, "shop.test", &BTreeSet::new(), 0);
            assert_eq!(found.is_some(), expected, "{name}={value}");
        }
    }

    #[test]
    fn addresses_inside_of_addresses_are_opened() {
        let inner = "https://shop.test/thanks?email=anna%40example.org";
        let brought = BTreeSet::from(["anna@example.org".to_owned()]);
        for (value, brought, depth, expected) in [
            (inner, BTreeSet::new(), 1, true),
            (inner, BTreeSet::new(), 0, false),
            (inner, brought, 1, false),
            ("https://shop.test/?q=a@b", BTreeSet::new(), 1, false),
            ("http://[", BTreeSet::new(), 1, false),
        ] {
            let found = personal("dl", value, "shop.test", &brought, depth);
            assert_eq!(found.is_some(), expected, "{value} {depth}");
        }
    }
}
