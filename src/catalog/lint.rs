//! What a catalog's files may say and should not.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil;

use super::Catalog;
use super::host::HostPattern;
use super::pattern::NamePattern;
use super::schema::words::{ItemRole, Kind};
use super::schema::{Exemption, Service};
use crate::model::finding::Category;

/// Fewest literal characters of a name that may stand without hosts.
const FEWEST_LITERALS: usize = 4;
/// Fewest literal characters of a pattern in an override row without hosts.
const FEWEST_LITERALS_OF_ROWS: usize = 3;
/// Months after which an entry has to be looked at again.
const REVIEW_MONTHS: i32 = 18;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Worth mending.
    Warning,
    /// Makes results wrong.
    Error,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LintCode {
    /// A short name without hosts takes other people's items.
    ShortName,
    /// Two services claim the same name in the same place.
    SameName,
    /// A pattern takes another service's name.
    CoveringPattern,
    /// `necessary` without saying why.
    UnexplainedNecessary,
    /// A source id nobody defines.
    UnknownSource,
    /// A source nobody refers to.
    UnusedSource,
    /// Two services claim the same requests.
    SameRequest,
    /// A host below another service's host.
    CoveredHost,
    /// An entry nobody looked at for long.
    StaleReview,
    /// An id without a file.
    UnknownService,
    /// A sector without a section.
    UnknownSection,
    /// A law nobody defines.
    UnknownRegulation,
    /// A ground nobody defines.
    UnknownExemption,
    /// No country code.
    BadCountry,
    /// Neither a name nor the statement that there is none, or both.
    NameMissing,
    /// A rule for the site or any host that fits every path.
    UnboundRequest,
    /// A consent platform outside its folder, or something else inside it.
    WrongFolder,
    /// An override row without names.
    EmptyRow,
}

impl LintCode {
    /// Its name in messages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ShortName => "short-name",
            Self::SameName => "same-name",
            Self::CoveringPattern => "covering-pattern",
            Self::UnexplainedNecessary => "unexplained-necessary",
            Self::UnknownSource => "unknown-source",
            Self::UnusedSource => "unused-source",
            Self::SameRequest => "same-request",
            Self::CoveredHost => "covered-host",
            Self::StaleReview => "stale-review",
            Self::UnknownService => "unknown-service",
            Self::UnknownSection => "unknown-section",
            Self::UnknownRegulation => "unknown-regulation",
            Self::UnknownExemption => "unknown-exemption",
            Self::BadCountry => "bad-country",
            Self::NameMissing => "name-missing",
            Self::UnboundRequest => "unbound-request",
            Self::WrongFolder => "wrong-folder",
            Self::EmptyRow => "empty-row",
        }
    }

    /// How bad it is.
    pub const fn level(self) -> Level {
        match self {
            Self::CoveringPattern
            | Self::UnusedSource
            | Self::CoveredHost
            | Self::StaleReview
            | Self::UnknownService => Level::Warning,
            _ => Level::Error,
        }
    }
}

/// One thing wrong in one file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lint {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub code: LintCode,
    /// The particulars.
    pub message: String,
}

/// An item's name, as one entry claims it.
struct Claim<'a> {
    service: &'a Service,
    store: &'static str,
    pattern: &'a NamePattern,
    on: &'a [HostPattern],
    role: Option<ItemRole>,
    category: Option<Category>,
    exempt: Option<&'a Exemption>,
}

/// Everything wrong with a catalog, on the day `today`, in the order of the files.
pub fn check(catalog: &Catalog, today: civil::Date) -> Vec<Lint> {
    let mut lints = Vec::new();
    let mut claims = Vec::new();
    for service in catalog.services() {
        let mut found = Vec::new();
        check_entry(catalog, service, today, &mut found);
        for claim in claims_of(service) {
            check_claim(&claim, catalog, &mut found);
            claims.push(claim);
        }
        let file = catalog.file_of(&service.id);
        lints.extend(found.into_iter().map(|(code, message)| Lint {
            file: file.to_owned(),
            code,
            message,
        }));
    }
    check_names(catalog, &claims, &mut lints);
    check_requests(catalog, &mut lints);
    for row in catalog.override_rows() {
        if row.names.is_empty() {
            lints.push(Lint {
                file: "overrides.toml".to_owned(),
                code: LintCode::EmptyRow,
                message: format!("a row of `{}` has no names", row.group),
            });
        }
        let everywhere = row.on.is_empty() && row.value.is_none();
        for pattern in row
            .names
            .iter()
            .filter(|pattern| everywhere && pattern.exact().is_none())
        {
            if pattern.literals() < FEWEST_LITERALS_OF_ROWS {
                lints.push(Lint {
                    file: "overrides.toml".to_owned(),
                    code: LintCode::ShortName,
                    message: format!(
                        "`{pattern}` of `{}` is short: give the row `on` or `value`",
                        row.group
                    ),
                });
            }
        }
    }
    lints.sort();
    lints
}

fn check_entry(
    catalog: &Catalog,
    service: &Service,
    today: civil::Date,
    found: &mut Vec<(LintCode, String)>,
) {
    if catalog.section(&service.sector).is_none() {
        found.push((
            LintCode::UnknownSection,
            format!("no section `{}` in sections.toml", service.sector),
        ));
    }
    for law in &service.regulations {
        if catalog.regulation(law).is_none() {
            found.push((
                LintCode::UnknownRegulation,
                format!("no regulation `{law}` in regulations.toml"),
            ));
        }
    }
    let alternatives = service
        .alternative
        .iter()
        .map(|alternative| &alternative.id);
    for id in service.related.iter().chain(alternatives) {
        if catalog.service(id).is_none() {
            found.push((LintCode::UnknownService, format!("no entry for `{id}`")));
        }
    }
    if let Some(reviewed) = service.reviewed {
        let due = reviewed.0.checked_add(REVIEW_MONTHS.months());
        if due.is_ok_and(|due| due < today) {
            found.push((
                LintCode::StaleReview,
                format!("last reviewed on {}", reviewed.0),
            ));
        }
    }
    let folder_of_cmps = catalog.file_of(&service.id).contains("/cmps/");
    if folder_of_cmps != (service.kind == Kind::Cmp) && catalog.is_shipped(&service.id) {
        found.push((
            LintCode::WrongFolder,
            "consent platforms, and only they, live in cmps/".to_owned(),
        ));
    }
    for rule in &service.request {
        if !rule.host.is_named() && rule.path.is_none() {
            found.push((
                LintCode::UnboundRequest,
                format!("`{}` needs a path", rule.host),
            ));
        }
    }
    let nameless_cookies = service
        .cookie
        .iter()
        .filter(|cookie| cookie.name.is_some() == cookie.unnamed)
        .count();
    let nameless_storage = service
        .storage
        .iter()
        .filter(|entry| entry.name.is_some() == entry.unnamed)
        .count();
    if nameless_cookies + nameless_storage > 0 {
        let message =
            "a cookie or storage entry needs either `name` or `unnamed = true`".to_owned();
        found.push((LintCode::NameMissing, message));
    }
    check_countries(service, found);
    check_sources(service, found);
}

fn check_countries(service: &Service, found: &mut Vec<(LintCode, String)>) {
    let vendor = service.vendor.iter();
    let countries = vendor
        .clone()
        .filter_map(|vendor| vendor.country.as_ref())
        .chain(
            vendor
                .flat_map(|vendor| &vendor.owner)
                .filter_map(|owner| owner.country.as_ref()),
        )
        .chain(service.transfer.iter().map(|transfer| &transfer.to))
        .chain(
            service
                .alternative
                .iter()
                .filter_map(|alternative| alternative.country.as_ref()),
        );
    for country in countries {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            found.push((
                LintCode::BadCountry,
                format!("`{country}` is no ISO 3166-1 alpha-2 code"),
            ));
        }
    }
}

fn check_sources(service: &Service, found: &mut Vec<(LintCode, String)>) {
    let defined: BTreeSet<&str> = service
        .source
        .iter()
        .map(|source| source.id.as_str())
        .collect();
    let used: BTreeSet<&str> = sources_used(service).into_iter().collect();
    for id in used.difference(&defined) {
        found.push((
            LintCode::UnknownSource,
            format!("no [[source]] has the id `{id}`"),
        ));
    }
    for id in defined.difference(&used) {
        found.push((
            LintCode::UnusedSource,
            format!("nothing refers to the source `{id}`"),
        ));
    }
}

/// Every source id an entry refers to.
fn sources_used(service: &Service) -> Vec<&str> {
    let vendor = service.vendor.iter();
    let lists = [
        std::iter::once(&service.src).collect::<Vec<_>>(),
        vendor.clone().map(|part| &part.src).collect(),
        vendor
            .flat_map(|part| &part.owner)
            .map(|part| &part.src)
            .collect(),
        service.data.iter().map(|part| &part.src).collect(),
        service.detect.iter().map(|part| &part.src).collect(),
        service.hosting.iter().map(|part| &part.src).collect(),
        service.transfer.iter().map(|part| &part.src).collect(),
        service.legal.iter().map(|part| &part.src).collect(),
        service.dpia.iter().map(|part| &part.src).collect(),
        service.request.iter().map(|part| &part.src).collect(),
        service.cookie.iter().map(|part| &part.src).collect(),
        service.storage.iter().map(|part| &part.src).collect(),
        service.cmp.iter().map(|part| &part.src).collect(),
        service.faq.iter().map(|part| &part.src).collect(),
        service.alternative.iter().map(|part| &part.src).collect(),
        service.dispute.iter().map(|part| &part.src).collect(),
    ];
    lists
        .into_iter()
        .flatten()
        .flatten()
        .map(String::as_str)
        .collect()
}

fn claims_of(service: &Service) -> Vec<Claim<'_>> {
    let cookies = service.cookie.iter().filter_map(|cookie| {
        Some(Claim {
            service,
            store: "cookie",
            pattern: cookie.name.as_ref()?,
            on: &cookie.on,
            role: cookie.role,
            category: cookie.category,
            exempt: cookie.exempt.as_ref(),
        })
    });
    let storage = service.storage.iter().filter_map(|entry| {
        Some(Claim {
            service,
            store: entry.area.as_str(),
            pattern: entry.name.as_ref()?,
            on: &entry.on,
            role: entry.role,
            category: entry.category,
            exempt: entry.exempt.as_ref(),
        })
    });
    cookies.chain(storage).collect()
}

fn check_claim(claim: &Claim<'_>, catalog: &Catalog, found: &mut Vec<(LintCode, String)>) {
    if claim.pattern.literals() < FEWEST_LITERALS && !claim.on.iter().any(HostPattern::is_named) {
        let named_by_value = claim.service.cookie.iter().any(|cookie| {
            cookie.value.is_some()
                && cookie
                    .name
                    .as_ref()
                    .is_some_and(|name| name.as_str() == claim.pattern.as_str())
        });
        if !named_by_value {
            let message = format!("`{}` is short: give it `on` or `value`", claim.pattern);
            found.push((LintCode::ShortName, message));
        }
    }
    let category = claim.category.unwrap_or(claim.service.category);
    if category == Category::Necessary && claim.role.is_none() && claim.exempt.is_none() {
        let message = format!(
            "`{}` is necessary: say why with `role` or `exempt`",
            claim.pattern
        );
        found.push((LintCode::UnexplainedNecessary, message));
    }
    if let Some(exempt) = claim.exempt
        && !catalog.has_exemption(exempt.basis)
    {
        let message = format!(
            "no exemption `{}` in exemptions.toml",
            exempt.basis.as_str()
        );
        found.push((LintCode::UnknownExemption, message));
    }
}

/// Names two services claim.
fn check_names(catalog: &Catalog, claims: &[Claim<'_>], lints: &mut Vec<Lint>) {
    let mut push = |claim: &Claim<'_>, code, message| {
        lints.push(Lint {
            file: catalog.file_of(&claim.service.id).to_owned(),
            code,
            message,
        });
    };
    let mut by_name: BTreeMap<(&str, &str), Vec<&Claim<'_>>> = BTreeMap::new();
    for claim in claims {
        by_name
            .entry((claim.store, claim.pattern.as_str()))
            .or_default()
            .push(claim);
    }
    for ((_, name), claims) in &by_name {
        for (place, claim) in claims.iter().enumerate() {
            let other = claims[..place].iter().find(|other| {
                other.service.id != claim.service.id
                    && other.on == claim.on
                    // Consent platforms share the records of the frameworks they speak.
                    && !(other.role == Some(ItemRole::ConsentRecord) && claim.role == Some(ItemRole::ConsentRecord))
            });
            if let Some(other) = other {
                push(
                    claim,
                    LintCode::SameName,
                    format!("`{name}` is also claimed by `{}`", other.service.id),
                );
            }
        }
    }
    for claim in claims
        .iter()
        .filter(|claim| claim.pattern.exact().is_none() && claim.on.is_empty())
    {
        for other in claims {
            let covered = other.service.id != claim.service.id
                && other.store == claim.store
                && other.on.is_empty()
                && other
                    .pattern
                    .exact()
                    .is_some_and(|name| claim.pattern.matches(name));
            if covered {
                let message = format!(
                    "`{}` covers `{}` of `{}`",
                    claim.pattern, other.pattern, other.service.id
                );
                push(claim, LintCode::CoveringPattern, message);
            }
        }
    }
}

/// Requests two services claim.
fn check_requests(catalog: &Catalog, lints: &mut Vec<Lint>) {
    let rules: Vec<_> = catalog
        .services()
        .flat_map(|service| service.request.iter().map(move |rule| (service, rule)))
        .collect();
    for (place, (service, rule)) in rules.iter().enumerate() {
        let path = rule.path.as_ref().map(super::host::PathPattern::as_str);
        let mut push = |code, message| {
            lints.push(Lint {
                file: catalog.file_of(&service.id).to_owned(),
                code,
                message,
            });
        };
        for (other, other_rule) in &rules[..place] {
            let same = other.id != service.id
                && other_rule.host == rule.host
                && other_rule
                    .path
                    .as_ref()
                    .map(super::host::PathPattern::as_str)
                    == path
                && other_rule.query.keys().eq(rule.query.keys())
                && other_rule
                    .query
                    .values()
                    .map(NamePattern::as_str)
                    .eq(rule.query.values().map(NamePattern::as_str));
            if same {
                let message = format!(
                    "`{}{}` is also claimed by `{}`",
                    rule.host,
                    path.unwrap_or(""),
                    other.id
                );
                push(LintCode::SameRequest, message);
            }
        }
        if let HostPattern::Suffix(host) | HostPattern::Exact(host) = &rule.host {
            let above = rules.iter().find(|(other, other_rule)| {
                other.id != service.id
                    && other_rule.path.is_none()
                    && other_rule.query.is_empty()
                    && matches!(&other_rule.host, HostPattern::Suffix(suffix) if suffix != host)
                    && other_rule.host.matches(host, "")
            });
            if let Some((other, other_rule)) = above {
                let message = format!(
                    "`{host}` lies below `{}` of `{}`",
                    other_rule.host, other.id
                );
                push(LintCode::CoveredHost, message);
            }
        }
    }
}
