//! The lists and settings of consent platforms, each in its own form.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::words::{self, Called};
use super::{Admission, Declarations, Entry, Form};
use crate::judge::item::{DAY_S, Lifetime};
use crate::model::finding::Category::{
    self, Analytics, Marketing, Necessary, Preferences, Unclassified,
};

/// How deep groups in groups are followed.
const DEEPEST: usize = 6;

fn text<'j>(json: &'j Json, key: &str) -> Option<&'j str> {
    json.get(key)?.as_str()
}

fn list<'j>(json: &'j Json, key: &str) -> impl Iterator<Item = &'j Json> {
    json.get(key).and_then(Json::as_array).into_iter().flatten()
}

/// The first of several keys that holds a text.
fn any_text<'j>(json: &'j Json, keys: &[&str]) -> Option<&'j str> {
    keys.iter().find_map(|key| text(json, key))
}

/// Reads whatever form a JSON text has.
pub(super) fn read(json: &Json, into: &mut Declarations) {
    onetrust(json, into);
    cookiebot(json, into);
    termly(json, into);
    cookieyes(json, into);
    klaro(json, into);
    tarteaucitron(json, into);
    cookieconsent(json, into);
    iubenda(json, into);
}

/// `{"DomainData": {"Groups": [{"CustomGroupId": "C0004", "FirstPartyCookies": […], "Hosts": […]}]}}`.
fn onetrust(json: &Json, into: &mut Declarations) {
    let data = json.get("DomainData").unwrap_or(json);
    let mut entries = Vec::new();
    for group in list(data, "Groups") {
        onetrust_group(group, 0, &mut entries);
    }
    into.add(Form::OneTrust, entries);
}

fn onetrust_group<'j>(group: &'j Json, depth: usize, entries: &mut Vec<Entry<'j>>) {
    let called = any_text(group, &["GroupName", "GroupNameMobile"]).unwrap_or_default();
    let id = any_text(group, &["CustomGroupId", "OptanonGroupId"]).unwrap_or_default();
    let category = match id {
        "C0001" => Some(Called::As(Necessary)),
        "C0002" => Some(Called::As(Analytics)),
        "C0003" => Some(Called::As(Preferences)),
        "C0004" | "C0005" => Some(Called::As(Marketing)),
        _ => words::category(called),
    };
    let own = list(group, "FirstPartyCookies");
    let of_hosts = list(group, "Hosts").flat_map(|host| list(host, "Cookies"));
    entries.extend(own.chain(of_hosts).filter_map(|cookie| {
        Some(Entry {
            name: text(cookie, "Name")?,
            domain: text(cookie, "Host"),
            called,
            category,
            lifetime: onetrust_lifetime(cookie),
        })
    }));
    if depth < DEEPEST {
        for group in list(group, "SubGroups") {
            onetrust_group(group, depth + 1, entries);
        }
    }
}

/// `"IsSession": false, "Length": "365"`: days; `"0"` stands for a few seconds.
fn onetrust_lifetime(cookie: &Json) -> Option<Lifetime> {
    if cookie.get("IsSession")?.as_bool()? {
        return Some(Lifetime::Session);
    }
    let length = cookie.get("Length")?;
    let days = match length {
        Json::String(text) => text.trim().parse::<i64>().ok()?,
        other => other.as_i64()?,
    };
    Some(Lifetime::Seconds(match days {
        0 => 60,
        days => days.saturating_mul(DAY_S),
    }))
}

/// The tables in Cookiebot's script, as an object of arrays.
pub(super) fn cookiebot_script(script: &str) -> Option<Json> {
    if script.trim_start().starts_with('{') {
        return None;
    }
    let mut tables = Map::new();
    for (kind, _) in COOKIEBOT {
        let key = format!("cookieTable{kind}");
        let Some((_, rest)) = script.split_once(&key) else {
            continue;
        };
        let Some(rest) = rest.trim_start().strip_prefix('=') else {
            continue;
        };
        let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
        if let Some(Ok(rows @ Json::Array(_))) = values.next() {
            tables.insert(key, rows);
        }
    }
    (!tables.is_empty()).then_some(Json::Object(tables))
}

/// Cookiebot's tables and what they are for.
const COOKIEBOT: [(&str, Category); 5] = [
    ("Necessary", Necessary),
    ("Preference", Preferences),
    ("Statistics", Analytics),
    ("Advertising", Marketing),
    ("Unclassified", Unclassified),
];

/// `{"cookieTableStatistics": [[name, domain, purpose, lifetime, kind, …], …]}`.
pub(super) fn cookiebot(tables: &Json, into: &mut Declarations) {
    let mut entries = Vec::new();
    for (kind, category) in COOKIEBOT {
        let rows = list_of(tables.get(format!("cookieTable{kind}")));
        entries.extend(rows.filter_map(|row| {
            let cell = |at: usize| row.get(at).and_then(Json::as_str);
            Some(Entry {
                name: cell(0)?,
                domain: cell(1),
                called: kind,
                category: Some(Called::As(category)),
                lifetime: cell(3).and_then(words::lifetime),
            })
        }));
    }
    into.add(Form::Cookiebot, entries);
}

fn list_of(json: Option<&Json>) -> impl Iterator<Item = &Json> {
    json.and_then(Json::as_array).into_iter().flatten()
}

/// `{"cookies": {"analytics": [{"name": …, "tracker_type": "http_cookie", "domain": …, "expire": "1 year"}]}}`.
fn termly(json: &Json, into: &mut Declarations) {
    let Some(cookies) = json.get("cookies") else {
        return;
    };
    let groups: Vec<(&str, &Json)> = match cookies {
        Json::Object(groups) => groups
            .iter()
            .flat_map(|(name, list)| list_of(Some(list)).map(|cookie| (name.as_str(), cookie)))
            .collect(),
        Json::Array(cookies) => cookies.iter().map(|cookie| ("", cookie)).collect(),
        _ => return,
    };
    let entries: Vec<Entry<'_>> = groups
        .into_iter()
        .filter(|(_, cookie)| cookie.get("tracker_type").is_some())
        .filter_map(|(group, cookie)| {
            let called = text(cookie, "category").unwrap_or(group);
            Some(Entry {
                name: text(cookie, "name")?,
                domain: text(cookie, "domain"),
                called,
                category: words::category(&called.replace('_', " ")),
                lifetime: any_text(cookie, &["expire", "expiry", "duration"])
                    .and_then(words::lifetime),
            })
        })
        .collect();
    into.add(Form::Termly, entries);
}

/// `{"_categories": [{"slug": "analytics", "isNecessary": false, "cookies": [{"cookieID": …}]}]}`, or an
/// object with a list for each category.
fn cookieyes(json: &Json, into: &mut Declarations) {
    const NAMES: [&str; 2] = ["cookieID", "cookie_id"];
    let groups: Vec<(&str, bool, &Json)> = match json.get("_categories").and_then(Json::as_array) {
        Some(categories) => categories
            .iter()
            .filter_map(|category| {
                let necessary = category
                    .get("isNecessary")
                    .and_then(Json::as_bool)
                    .unwrap_or_default();
                Some((
                    any_text(category, &["slug", "name"])?,
                    necessary,
                    category.get("cookies")?,
                ))
            })
            .collect(),
        None => json
            .as_object()
            .into_iter()
            .flatten()
            .map(|(slug, cookies)| (slug.as_str(), false, cookies))
            .collect(),
    };
    let entries: Vec<Entry<'_>> = groups
        .into_iter()
        .flat_map(|(called, necessary, cookies)| {
            let category = if necessary {
                Some(Called::As(Necessary))
            } else {
                words::category(called)
            };
            list_of(Some(cookies)).filter_map(move |cookie| {
                Some(Entry {
                    name: any_text(cookie, &NAMES)?,
                    domain: text(cookie, "domain"),
                    called,
                    category,
                    lifetime: text(cookie, "duration").and_then(words::lifetime),
                })
            })
        })
        .collect();
    into.add(Form::CookieYes, entries);
}

/// `{"klaro": {"default": false, "services": [{"name": …, "purposes": […], "cookies": […], "required": false}]}}`.
fn klaro(json: &Json, into: &mut Declarations) {
    let Some(config) = json.get("klaro") else {
        return;
    };
    let is_on = |json: &Json, key: &str| json.get(key).and_then(Json::as_bool);
    let by_default = is_on(config, "default").unwrap_or_default();
    let mut entries = Vec::new();
    for service in list(config, "services") {
        let name = any_text(service, &["title", "name"]).unwrap_or_default();
        let required = is_on(service, "required").unwrap_or_default();
        let called = list(service, "purposes")
            .find_map(Json::as_str)
            .unwrap_or_default();
        let category = if required {
            Some(Called::As(Necessary))
        } else {
            words::category(called)
        };
        for cookie in list(service, "cookies") {
            let (written, domain) = match cookie {
                Json::Array(parts) => (parts.first(), parts.get(2)),
                Json::Object(fields) => match fields.get("pattern") {
                    Some(pattern) => (Some(pattern), fields.get("domain")),
                    None => (Some(cookie), None),
                },
                other => (Some(other), None),
            };
            entries.extend(written.and_then(pattern_or_name).map(|name| Entry {
                name,
                domain: domain.and_then(Json::as_str),
                called,
                category,
                lifetime: None,
            }));
        }
        if required {
            continue;
        }
        if is_on(service, "default").unwrap_or(by_default) {
            into.admissions.push(Admission::OnByDefault(format!(
                "Klaro's settings have \"{name}\" switched on by default"
            )));
        }
        if is_on(service, "optOut").unwrap_or_default() {
            into.admissions.push(Admission::Implied(format!(
                "Klaro's settings load \"{name}\" until the visitor objects (optOut)"
            )));
        }
    }
    into.add(Form::Klaro, entries);
}

/// A name, or the source of a regular expression: `{"regex": "^_ga"}`.
fn pattern_or_name(json: &Json) -> Option<&str> {
    match json {
        Json::String(name) => Some(name.as_str()),
        Json::Object(_) => text(json, "regex").filter(|source| source.starts_with('^')),
        _ => None,
    }
}

/// `{"tarteaucitron": {"parameters": {"highPrivacy": true}, "services": {"gtag": {"type": "analytic", …}}}}`.
fn tarteaucitron(json: &Json, into: &mut Declarations) {
    let Some(config) = json.get("tarteaucitron") else {
        return;
    };
    let parameter = |name: &str| config.get("parameters")?.get(name)?.as_bool();
    if parameter("highPrivacy") == Some(false) {
        into.admissions.push(Admission::Implied(
            "tarteaucitron's settings take scrolling and going on for a yes (highPrivacy: false)"
                .to_owned(),
        ));
    }
    let services = config.get("services").and_then(Json::as_object);
    let mut entries = Vec::new();
    for service in services.into_iter().flat_map(Map::values) {
        let called = text(service, "type").unwrap_or_default();
        let needs_consent = service
            .get("needConsent")
            .and_then(Json::as_bool)
            .unwrap_or(true);
        let category = match called {
            _ if !needs_consent => Necessary,
            "ads" | "social" => Marketing,
            "analytic" => Analytics,
            _ => Preferences,
        };
        entries.extend(
            list(service, "cookies")
                .filter_map(Json::as_str)
                .map(|name| Entry {
                    name,
                    domain: None,
                    called,
                    category: Some(Called::As(category)),
                    lifetime: None,
                }),
        );
        if parameter("serviceDefaultState") == Some(true) && needs_consent {
            into.admissions.push(Admission::OnByDefault(format!(
                "tarteaucitron's settings have \"{}\" switched on by default",
                text(service, "name").unwrap_or(called)
            )));
        }
    }
    into.add(Form::Tarteaucitron, entries);
}

/// `{"cookieconsent": {"categories": {"analytics": {"enabled": false, "readOnly": false, "autoClear": {"cookies": [{"name": …}]}}}}}`.
fn cookieconsent(json: &Json, into: &mut Declarations) {
    let categories = json
        .get("cookieconsent")
        .and_then(|config| config.get("categories"))
        .and_then(Json::as_object);
    let mut entries = Vec::new();
    for (called, settings) in categories.into_iter().flatten() {
        let is_on = |key: &str| {
            settings
                .get(key)
                .and_then(Json::as_bool)
                .unwrap_or_default()
        };
        let category = if is_on("readOnly") {
            Some(Called::As(Necessary))
        } else {
            words::category(called)
        };
        if is_on("enabled") && !is_on("readOnly") {
            into.admissions.push(Admission::OnByDefault(format!(
                "CookieConsent's settings have \"{called}\" switched on by default"
            )));
        }
        let cookies = settings
            .get("autoClear")
            .map(|clear| list(clear, "cookies"));
        entries.extend(cookies.into_iter().flatten().filter_map(|cookie| {
            Some(Entry {
                name: pattern_or_name(cookie.get("name")?)?,
                domain: text(cookie, "domain"),
                called,
                category,
                lifetime: None,
            })
        }));
    }
    into.add(Form::CookieConsent, entries);
}

/// `{"iubenda": {"consentOnScroll": true, …}}`.
fn iubenda(json: &Json, into: &mut Declarations) {
    let Some(settings) = json.get("iubenda") else {
        return;
    };
    for name in [
        "consentOnScroll",
        "consentOnContinuedBrowsing",
        "consentOnLinkAny",
    ] {
        if settings.get(name).and_then(Json::as_bool) == Some(true) {
            into.admissions.push(Admission::Implied(format!(
                "iubenda's settings take more than a click for a yes ({name}: true)"
            )));
        }
    }
}

/// Usercentrics spreads its list over several answers: which service is in which category, and what
/// each one stores.
#[derive(Debug, Default)]
pub(super) struct Services {
    /// Categories that cannot be refused, by slug.
    essential: BTreeMap<String, bool>,
    /// The category's slug of each service, by the service's id.
    of_service: BTreeMap<String, String>,
    /// What each service stores: id, name, domain, lifetime.
    stored: Vec<(String, String, Option<String>, Option<Lifetime>)>,
}

impl Services {
    pub(super) fn read(&mut self, json: &Json) {
        for category in list(json, "categories") {
            if let Some(slug) = text(category, "categorySlug") {
                let essential = category.get("isEssential").and_then(Json::as_bool);
                self.essential
                    .insert(slug.to_owned(), essential.unwrap_or_default());
            }
        }
        for service in list(json, "consentTemplates") {
            if let (Some(id), Some(slug)) =
                (text(service, "templateId"), text(service, "categorySlug"))
            {
                self.of_service.insert(id.to_owned(), slug.to_owned());
            }
        }
        for service in list(json, "templates") {
            let Some(id) = text(service, "templateId") else {
                continue;
            };
            let disclosures = service.get("deviceStorage").into_iter();
            for item in disclosures.flat_map(|storage| list(storage, "disclosures")) {
                let Some(name) = any_text(item, &["identifier", "name"]) else {
                    continue;
                };
                let lifetime = item
                    .get("maxAgeSeconds")
                    .and_then(Json::as_i64)
                    .map(|seconds| match seconds {
                        0 => Lifetime::Session,
                        seconds => Lifetime::Seconds(seconds),
                    });
                let domain = text(item, "domain").map(str::to_owned);
                self.stored
                    .push((id.to_owned(), name.to_owned(), domain, lifetime));
            }
        }
    }

    pub(super) fn put_into(&self, into: &mut Declarations) {
        let entries: Vec<Entry<'_>> = self
            .stored
            .iter()
            .filter_map(|(id, name, domain, lifetime)| {
                let called = self.of_service.get(id)?;
                let category = if self.essential.get(called) == Some(&true) {
                    Some(Called::As(Necessary))
                } else {
                    words::category(called)
                };
                Some(Entry {
                    name,
                    domain: domain.as_deref(),
                    called,
                    category,
                    lifetime: *lifetime,
                })
            })
            .collect();
        into.add(Form::Usercentrics, entries);
    }
}
