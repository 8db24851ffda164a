//! Cookie declarations of consent platforms: tables, JSON of any nesting, and Cookiebot's cc.js.
//!
//! Vendors rename their columns and nest their JSON as they please. So this reads whatever has a
//! name and something to say of it, with the category of the nearest thing around it.

use serde_json::{Map, Value};

use super::builder::{Builder, Found, Stored, host, name};
use super::{ImportError, categories};
use crate::catalog::schema::words::Area;
use crate::model::finding::Category;

/// Deepest nesting looked into.
const DEEPEST: usize = 12;

const NAMES: &[&str] = &[
    "name",
    "cookiename",
    "cookie",
    "cookieid",
    "title",
    "key",
    "identifier",
];
const HOSTS: &[&str] = &[
    "host",
    "domain",
    "hostname",
    "cookiedomain",
    "cookiehost",
    "provider",
    "publisher",
    "vendor",
];
const CATEGORIES: &[&str] = &[
    "category",
    "categoryname",
    "cookiecategory",
    "group",
    "groupname",
    "cookiegroup",
    "type of cookie",
    "classification",
    "slug",
];
const LIFETIMES: &[&str] = &[
    "duration",
    "expiry",
    "expiration",
    "expires",
    "expiredescription",
    "lifespan",
    "retention",
    "retentionperiod",
    "cookieduration",
    "length",
    "maximumstorageduration",
    "expiredays",
];
const PURPOSES: &[&str] = &[
    "purpose",
    "description",
    "purposedescription",
    "cookiedescription",
    "thirdpartydescription",
];
const KINDS: &[&str] = &[
    "type",
    "trackertype",
    "trackertypename",
    "storagetype",
    "cookietype",
];

/// Reads it.
pub(super) fn services(text: &str) -> Result<Found, ImportError> {
    let mut builder = Builder::default();
    let begins = text.trim_start();
    if begins.starts_with(['{', '[']) {
        walk(&mut builder, &serde_json::from_str(text)?, "", 0);
    } else if text.contains("CookieConsentDialog.cookieTable") {
        cookiebot_script(&mut builder, text);
    } else {
        table(&mut builder, text)?;
    }
    Ok(builder.finish())
}

/// One row of a declaration.
#[derive(Default)]
struct Row<'a> {
    name: &'a str,
    host: &'a str,
    category: &'a str,
    lifetime: &'a str,
    purpose: &'a str,
    kind: &'a str,
}

fn add(builder: &mut Builder, row: &Row<'_>) {
    if is_request(row.kind) {
        builder
            .found
            .skipped
            .add("no cookie and no storage", row.name);
        return;
    }
    let area = area(row.kind);
    let hosts: Vec<_> = row
        .host
        .split([',', ' ', '\n'])
        .filter(|word| word.contains('.'))
        .filter_map(host)
        .collect();
    let Some(pattern) =
        name(row.name, true).filter(|pattern| pattern.literals() >= 4 || !hosts.is_empty())
    else {
        builder
            .found
            .skipped
            .add("a short name without a domain", row.name);
        return;
    };
    let meaning = cookiebot_category(row.category).map_or_else(
        || categories::meaning(row.category),
        |category| categories::Meaning {
            category,
            sector: "utility",
        },
    );
    let provider = if row.host.trim().is_empty() {
        "Declared items"
    } else {
        row.host
    };
    let on = if pattern.literals() < 4 {
        hosts
    } else {
        Vec::new()
    };
    builder
        .service(provider, Category::Unclassified, "utility")
        .add_item(Stored {
            name: Some(pattern),
            area,
            on,
            category: Some(meaning.category),
            purpose: Some(row.purpose),
            lifetime: area.is_none().then_some(row.lifetime),
        });
}

/// Whether a kind is no item but a request.
fn is_request(kind: &str) -> bool {
    let kind = kind.to_ascii_lowercase();
    kind.contains("pixel") || kind.contains("beacon")
}

/// Where an item of a kind is kept; absent for a cookie.
fn area(kind: &str) -> Option<Area> {
    let kind = kind.to_ascii_lowercase();
    if kind.contains("local") {
        Some(Area::Local)
    } else if kind.contains("session storage") || kind.contains("sessionstorage") {
        Some(Area::Session)
    } else if kind.contains("indexed") {
        Some(Area::IndexedDb)
    } else {
        None
    }
}

/// Cookiebot numbers its categories.
fn cookiebot_category(written: &str) -> Option<Category> {
    Some(match written.trim() {
        "1" | "5" => Category::Unclassified,
        "2" => Category::Preferences,
        "3" => Category::Analytics,
        "4" => Category::Marketing,
        _ => return None,
    })
}

fn plain(key: &str) -> String {
    key.chars()
        .filter(|character| character.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .take(60)
        .collect()
}

fn table(builder: &mut Builder, text: &str) -> Result<(), ImportError> {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|delimiter| first.bytes().filter(|byte| byte == delimiter).count())
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let columns: Vec<String> = reader.headers()?.iter().map(plain).collect();
    let column = |words: &[&str]| {
        words
            .iter()
            .find_map(|word| columns.iter().position(|column| column == word))
    };
    let Some(names) = column(NAMES) else {
        return Err(ImportError::Shape(
            "the table has no column of names: expected one called Name or Cookie",
        ));
    };
    let (hosts, kinds) = (column(HOSTS), column(KINDS));
    let (groups, lifetimes, purposes) = (column(CATEGORIES), column(LIFETIMES), column(PURPOSES));
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                builder
                    .found
                    .skipped
                    .add("unreadable row", &error.to_string());
                continue;
            }
        };
        let cell = |column: Option<usize>| {
            column
                .and_then(|place| record.get(place))
                .unwrap_or_default()
        };
        add(
            builder,
            &Row {
                name: cell(Some(names)),
                host: cell(hosts),
                category: cell(groups),
                lifetime: cell(lifetimes),
                purpose: cell(purposes),
                kind: cell(kinds),
            },
        );
    }
    Ok(())
}

fn text_of<'a>(fields: &'a Map<String, Value>, words: &[&str]) -> &'a str {
    words
        .iter()
        .find_map(|word| {
            fields
                .iter()
                .find(|(key, _)| plain(key) == *word)
                .and_then(|(_, value)| value.as_str())
                .filter(|text| !text.trim().is_empty())
        })
        .unwrap_or_default()
}

/// Looks for items in JSON of any nesting.
fn walk(builder: &mut Builder, value: &Value, category: &str, depth: usize) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::Array(values) => {
            for value in values {
                walk(builder, value, category, depth + 1);
            }
        }
        Value::Object(fields) => {
            let named = text_of(fields, NAMES);
            let own = text_of(fields, CATEGORIES);
            let lists: Vec<(&String, &Value)> = fields
                .iter()
                .filter(|(_, value)| value.is_array() || value.is_object())
                .collect();
            let is_item = !named.is_empty()
                && lists.is_empty()
                && fields.keys().any(|key| {
                    let key = plain(key);
                    [HOSTS, LIFETIMES, PURPOSES]
                        .iter()
                        .any(|words| words.contains(&key.as_str()))
                });
            if is_item {
                let group = if own.is_empty() { category } else { own };
                let session = fields.get("IsSession").and_then(Value::as_bool) == Some(true);
                let days = fields.get("Length").and_then(|length| {
                    length
                        .as_str()
                        .map(str::to_owned)
                        .or_else(|| length.as_u64().map(|days| days.to_string()))
                });
                let in_days = days.map(|days| format!("{days} days")).unwrap_or_default();
                let written = if session {
                    "session"
                } else {
                    text_of(fields, LIFETIMES)
                };
                let lifetime =
                    if written.is_empty() || written.bytes().all(|byte| byte.is_ascii_digit()) {
                        &in_days
                    } else {
                        written
                    };
                add(
                    builder,
                    &Row {
                        name: named,
                        host: text_of(fields, HOSTS),
                        category: group,
                        lifetime,
                        purpose: text_of(fields, PURPOSES),
                        kind: text_of(fields, KINDS),
                    },
                );
                return;
            }
            for (key, value) in lists {
                // A group is named by a field, or by the key it stands under.
                let group = [own, named]
                    .into_iter()
                    .find(|word| knows(word))
                    .unwrap_or_else(|| if knows(key) { key } else { category });
                walk(builder, value, group, depth + 1);
            }
        }
        _ => {}
    }
}

/// Whether a word is the name of a category.
fn knows(word: &str) -> bool {
    let necessary = plain(word).contains("necessary") || plain(word).contains("essential");
    necessary || categories::meaning(word).category != Category::Unclassified
}

/// `CookieConsentDialog.cookieTableStatistics = [["name","provider","purpose","expiry","type", …], …];`
fn cookiebot_script(builder: &mut Builder, text: &str) {
    for line in text.lines() {
        let Some((_, rest)) = line.split_once("CookieConsentDialog.cookieTable") else {
            continue;
        };
        let Some((group, rows)) = rest.split_once('=') else {
            continue;
        };
        let rows = rows.trim().trim_end_matches(';');
        let Ok(rows) = serde_json::from_str::<Vec<Vec<Value>>>(rows) else {
            builder.found.skipped.add("unreadable table", rest);
            continue;
        };
        for row in &rows {
            let cell = |place: usize| row.get(place).and_then(Value::as_str).unwrap_or_default();
            let provider = super::builder::tidy(cell(1)).unwrap_or_default();
            add(
                builder,
                &Row {
                    name: cell(0),
                    host: &provider,
                    category: group.trim(),
                    purpose: cell(2),
                    lifetime: cell(3),
                    kind: cell(4),
                },
            );
        }
    }
}
