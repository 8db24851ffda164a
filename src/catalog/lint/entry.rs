//! What is wrong with one entry, whatever the others say.

use std::collections::BTreeSet;

use jiff::ToSpan as _;
use jiff::civil;

use super::place::{Place, Step, at, inside};
use super::{Findings, LintCode};
use crate::catalog::schema::Service;
use crate::catalog::schema::words::Kind;

/// Months after which an entry has to be looked at again.
const REVIEW_MONTHS: i32 = 18;

/// Tells everything wrong with an entry, on the day `today`.
pub(super) fn check(findings: &mut Findings<'_>, service: &Service, today: civil::Date) {
    let catalog = findings.catalog;
    let mut push = |place, code, message| findings.push(&service.id, place, code, message);
    if catalog.section(&service.sector).is_none() {
        let message = format!("no section `{}` in sections.toml", service.sector);
        push(at("sector"), LintCode::UnknownSection, message);
    }
    for law in &service.regulations {
        if catalog.regulation(law).is_none() {
            let message = format!("no regulation `{law}` in regulations.toml");
            push(at("regulations"), LintCode::UnknownRegulation, message);
        }
    }
    let related = service.related.iter().map(|id| (at("related"), id));
    let alternatives = (0..)
        .zip(&service.alternative)
        .map(|(number, alternative)| (inside("alternative", number, "id"), &alternative.id));
    for (place, id) in related.chain(alternatives) {
        if catalog.service(id).is_none() {
            let hint = catalog.nearest_id(id).map_or_else(String::new, |nearest| {
                format!(", did you mean `{nearest}`?")
            });
            push(
                place,
                LintCode::UnknownService,
                format!("no entry for `{id}`{hint}"),
            );
        }
    }
    if let Some(reviewed) = service.reviewed {
        let due = reviewed.0.checked_add(REVIEW_MONTHS.months());
        if due.is_ok_and(|due| due < today) {
            let message = format!("last reviewed on {}", reviewed.0);
            push(at("reviewed"), LintCode::StaleReview, message);
        }
    }
    let right_folder = match service.kind {
        Kind::Service => "services",
        Kind::Cmp => "cmps",
        Kind::Platform => "platforms",
    };
    let folder = catalog.folder_of(&service.id);
    if !folder.is_empty() && folder != right_folder {
        let message = format!(
            "an entry of the kind `{}` lies in {folder}/",
            service.kind.as_str()
        );
        push(at("kind"), LintCode::WrongFolder, message);
    }
    for (number, rule) in service.request.iter().enumerate() {
        if !rule.host.is_named() && rule.path.is_none() {
            let message = format!("`{}` needs a path", rule.host);
            push(
                inside("request", number, "host"),
                LintCode::UnboundRequest,
                message,
            );
        }
    }
    let nameless = "a cookie or storage entry needs either `name` or `unnamed = true`";
    let cookies = service
        .cookie
        .iter()
        .map(|entry| (entry.name.is_some(), entry.unnamed));
    let stored = service
        .storage
        .iter()
        .map(|entry| (entry.name.is_some(), entry.unnamed));
    let items = (0..)
        .zip(cookies)
        .map(|item| ("cookie", item))
        .chain((0..).zip(stored).map(|item| ("storage", item)));
    for (list, (number, (named, unnamed))) in items {
        if named == unnamed {
            push(
                inside(list, number, "name"),
                LintCode::NameMissing,
                nameless.to_owned(),
            );
        }
    }
    check_countries(service, &mut push);
    check_sources(service, &mut push);
}

fn check_countries(service: &Service, push: &mut impl FnMut(Place, LintCode, String)) {
    let mut countries: Vec<(Place, &String)> = Vec::new();
    if let Some(vendor) = &service.vendor {
        let place = vec![Step::Key("vendor"), Step::Key("country")];
        countries.extend(vendor.country.as_ref().map(|country| (place, country)));
        for (number, owner) in vendor.owner.iter().enumerate() {
            let place = vec![
                Step::Key("vendor"),
                Step::Key("owner"),
                Step::Item(number),
                Step::Key("country"),
            ];
            countries.extend(owner.country.as_ref().map(|country| (place, country)));
        }
    }
    for (number, transfer) in service.transfer.iter().enumerate() {
        countries.push((inside("transfer", number, "to"), &transfer.to));
    }
    for (number, alternative) in service.alternative.iter().enumerate() {
        let place = inside("alternative", number, "country");
        countries.extend(alternative.country.as_ref().map(|country| (place, country)));
    }
    for (place, country) in countries {
        if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            let message = format!("`{country}` is no ISO 3166-1 alpha-2 code");
            push(place, LintCode::BadCountry, message);
        }
    }
}

fn check_sources(service: &Service, push: &mut impl FnMut(Place, LintCode, String)) {
    let used = sources_used(service);
    let defined: BTreeSet<&str> = service
        .source
        .iter()
        .map(|source| source.id.as_str())
        .collect();
    let mut told = BTreeSet::new();
    for (place, id) in &used {
        if !defined.contains(id) && told.insert(*id) {
            let message = format!("no [[source]] has the id `{id}`");
            push(place.clone(), LintCode::UnknownSource, message);
        }
    }
    for (number, source) in service.source.iter().enumerate() {
        if !used.iter().any(|(_, id)| *id == source.id) {
            let message = format!("nothing refers to the source `{}`", source.id);
            push(
                inside("source", number, "id"),
                LintCode::UnusedSource,
                message,
            );
        }
    }
}

/// Every source id an entry refers to, with its place.
fn sources_used<'s>(service: &'s Service) -> Vec<(Place, &'s str)> {
    let mut used = Vec::new();
    let mut add = |place: Place, ids: &'s [String]| {
        used.extend(ids.iter().map(|id| (place.clone(), id.as_str())));
    };
    add(at("src"), &service.src);
    let single = |key| vec![Step::Key(key), Step::Key("src")];
    if let Some(vendor) = &service.vendor {
        add(single("vendor"), &vendor.src);
        for (number, owner) in vendor.owner.iter().enumerate() {
            let place = vec![
                Step::Key("vendor"),
                Step::Key("owner"),
                Step::Item(number),
                Step::Key("src"),
            ];
            add(place, &owner.src);
        }
    }
    macro_rules! parts {
        ($($key:ident),+) => {
            $(if let Some(part) = &service.$key { add(single(stringify!($key)), &part.src); })+
        };
    }
    macro_rules! lists {
        ($($key:ident),+) => {
            $(for (number, part) in service.$key.iter().enumerate() {
                add(inside(stringify!($key), number, "src"), &part.src);
            })+
        };
    }
    parts!(data, detect, hosting, dpia, cmp);
    lists!(
        transfer,
        legal,
        request,
        cookie,
        storage,
        faq,
        alternative,
        dispute
    );
    used
}
