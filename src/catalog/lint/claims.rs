//! What is wrong with names and requests, also between entries.

use std::collections::{BTreeMap, HashMap};

use super::place::{Place, inside};
use super::{Findings, LintCode};
use crate::catalog::Catalog;
use crate::catalog::host::HostPattern;
use crate::catalog::pattern::NamePattern;
use crate::catalog::schema::words::ItemRole;
use crate::catalog::schema::{Exemption, RequestRule, Service};
use crate::model::finding::Category;

/// Fewest literal characters of a name that may stand without hosts.
const FEWEST_LITERALS: usize = 4;

/// An item's name, as one entry claims it.
pub(super) struct Claim<'a> {
    service: &'a Service,
    store: &'static str,
    place: Place,
    pattern: &'a NamePattern,
    on: &'a [HostPattern],
    /// It counts by its value, too.
    has_value: bool,
    role: Option<ItemRole>,
    category: Option<Category>,
    exempt: Option<&'a Exemption>,
}

/// Every name of every entry.
pub(super) fn all(catalog: &Catalog) -> Vec<Claim<'_>> {
    catalog.services().flat_map(claims_of).collect()
}

fn claims_of(service: &Service) -> Vec<Claim<'_>> {
    let cookies = (0..).zip(&service.cookie).filter_map(|(number, cookie)| {
        Some(Claim {
            service,
            store: "cookie",
            place: inside("cookie", number, "name"),
            pattern: cookie.name.as_ref()?,
            on: &cookie.on,
            has_value: cookie.value.is_some(),
            role: cookie.role,
            category: cookie.category,
            exempt: cookie.exempt.as_ref(),
        })
    });
    let storage = (0..).zip(&service.storage).filter_map(|(number, entry)| {
        Some(Claim {
            service,
            store: entry.area.as_str(),
            place: inside("storage", number, "name"),
            pattern: entry.name.as_ref()?,
            on: &entry.on,
            has_value: entry.value.is_some(),
            role: entry.role,
            category: entry.category,
            exempt: entry.exempt.as_ref(),
        })
    });
    cookies.chain(storage).collect()
}

/// Tells everything wrong with one name.
pub(super) fn check(findings: &mut Findings<'_>, claim: &Claim<'_>) {
    let has_host = claim.on.iter().any(HostPattern::is_named);
    if claim.pattern.literals() < FEWEST_LITERALS && !has_host && !claim.has_value {
        let message = format!("`{}` is short: give it `on` or `value`", claim.pattern);
        claim.push(findings, LintCode::ShortName, message);
    }
    let category = claim.category.unwrap_or(claim.service.category);
    if category == Category::Necessary && claim.role.is_none() && claim.exempt.is_none() {
        let message = format!(
            "`{}` is necessary: say why with `role` or `exempt`",
            claim.pattern
        );
        claim.push(findings, LintCode::UnexplainedNecessary, message);
    }
    if let Some(exempt) = claim.exempt
        && !findings.catalog.has_exemption(exempt.basis)
    {
        let message = format!(
            "no exemption `{}` in exemptions.toml",
            exempt.basis.as_str()
        );
        claim.push(findings, LintCode::UnknownExemption, message);
    }
}

impl Claim<'_> {
    fn push(&self, findings: &mut Findings<'_>, code: LintCode, message: String) {
        findings.push(&self.service.id, self.place.clone(), code, message);
    }

    /// Whether it records the visitor's choice. Consent platforms share the records of the
    /// frameworks they speak.
    fn is_record(&self) -> bool {
        self.role == Some(ItemRole::ConsentRecord)
    }
}

/// Tells which names two services claim, or one of them twice.
pub(super) fn check_names(findings: &mut Findings<'_>, claims: &[Claim<'_>]) {
    let mut by_name: BTreeMap<(&str, &str), Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        by_name
            .entry((claim.pattern.as_str(), claim.store))
            .or_default()
            .push(claim);
    }
    for ((name, _), claims) in &by_name {
        for (number, claim) in claims.iter().enumerate() {
            let mut earlier = claims[..number].iter().filter(|other| other.on == claim.on);
            if let Some(other) = earlier
                .clone()
                .find(|other| other.service.id == claim.service.id)
                && !other.has_value
                && !claim.has_value
            {
                let message = format!("`{name}` stands there twice");
                claim.push(findings, LintCode::RepeatedItem, message);
            }
            let other = earlier.find(|other| {
                other.service.id != claim.service.id && !(other.is_record() && claim.is_record())
            });
            if let Some(other) = other {
                // The fault is told where somebody is looking.
                let (at, by) = if findings.is_shown(&claim.service.id) {
                    (claim, other)
                } else {
                    (other, claim)
                };
                let message = format!("`{name}` is also claimed by `{}`", by.service.id);
                at.push(findings, LintCode::SameName, message);
            }
        }
    }
    let exact: BTreeMap<(&str, &str), &Vec<&Claim<'_>>> = by_name
        .iter()
        .filter_map(|((_, store), claims)| {
            Some(((claims.first()?.pattern.exact()?, *store), claims))
        })
        .collect();
    let wild = claims
        .iter()
        .filter(|claim| claim.pattern.exact().is_none() && claim.on.is_empty());
    for claim in wild {
        let prefix = claim.pattern.prefix();
        let covered = exact
            .range((prefix, "")..)
            .take_while(|((name, _), _)| name.starts_with(prefix))
            .filter(|((name, store), _)| *store == claim.store && claim.pattern.matches(name))
            .flat_map(|(_, others)| others.iter())
            .filter(|other| other.service.id != claim.service.id && other.on.is_empty());
        for other in covered {
            let message = format!(
                "`{}` covers `{}` of `{}`",
                claim.pattern, other.pattern, other.service.id
            );
            claim.push(findings, LintCode::CoveringPattern, message);
        }
    }
}

/// Sections of services whose hosts carry those of others.
const CARRIERS: &[&str] = &["cdn", "cms", "hosting", "shop", "consent-management"];

/// Whether hosts of `service` below those of `other` are to be expected: a part of one vendor's
/// offer, or a customer of who carries others.
fn carries(other: &Service, service: &Service) -> bool {
    let same_vendor = match (&other.vendor, &service.vendor) {
        (Some(theirs), Some(ours)) => theirs.name == ours.name,
        _ => false,
    };
    same_vendor || CARRIERS.contains(&other.sector.as_str())
}

/// Tells which requests two services claim.
pub(super) fn check_requests(findings: &mut Findings<'_>) {
    let rules: Vec<(&Service, usize, &RequestRule)> = findings
        .catalog
        .services()
        .flat_map(|service| {
            (0..)
                .zip(&service.request)
                .map(move |(number, rule)| (service, number, rule))
        })
        .collect();
    let mut claimed: HashMap<String, (&Service, usize)> = HashMap::new();
    let mut whole: HashMap<&str, &Service> = HashMap::new();
    for (service, number, rule) in &rules {
        if let (HostPattern::Suffix(host), None, true) =
            (&rule.host, &rule.path, rule.query.is_empty())
        {
            whole.entry(host).or_insert(service);
        }
        let shown = format!("{}{}", rule.host, rule.path_text());
        let first = *claimed
            .entry(format!("{shown}?{}", rule.query_text()))
            .or_insert((service, *number));
        if first.0.id != service.id {
            let (at, by) = if findings.is_shown(&service.id) {
                ((*service, *number), first.0)
            } else {
                (first, *service)
            };
            let message = format!("`{shown}` is also claimed by `{}`", by.id);
            findings.push(
                &at.0.id,
                inside("request", at.1, "host"),
                LintCode::SameRequest,
                message,
            );
        }
    }
    for (service, number, rule) in &rules {
        let (HostPattern::Suffix(host) | HostPattern::Exact(host)) = &rule.host else {
            continue;
        };
        let parents = std::iter::successors(host.split_once('.'), |(_, rest)| rest.split_once('.'))
            .map(|(_, parent)| parent);
        let above = parents
            .filter_map(|parent| whole.get(parent).map(|other| (parent, *other)))
            .find(|(_, other)| other.id != service.id);
        if let Some((parent, other)) = above
            && !carries(other, service)
        {
            let message = format!("`{host}` lies below `{parent}` of `{}`", other.id);
            findings.push(
                &service.id,
                inside("request", *number, "host"),
                LintCode::CoveredHost,
                message,
            );
        }
    }
}
