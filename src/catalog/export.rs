//! Writes chosen services in other programs' formats: a table of cookies, the configuration of a
//! consent banner, the tables of a cookie policy. Pure: services in, text or document out.

use super::Catalog;
use super::pattern::NamePattern;
use super::schema::Service;
use super::schema::words::Area;
use crate::model::finding::Category;
use crate::model::sheet::{Block, Sheet};

mod klaro;
mod open_cookie_database;
mod phrases;
mod tarteaucitron;
mod vanilla_cookieconsent;

pub use klaro::klaro;
pub use open_cookie_database::open_cookie_database;
pub use phrases::{CATEGORIES, Phrases};
pub use tarteaucitron::tarteaucitron;
pub use vanilla_cookieconsent::vanilla_cookieconsent;

/// A stored item of a service, made alike.
struct Listed<'a> {
    name: &'a NamePattern,
    /// Absent for a cookie.
    area: Option<Area>,
    category: Category,
    purpose: &'a str,
    /// As declared; empty when not known.
    duration: String,
}

/// The items of a service that have names: cookies, then storage.
fn items(service: &Service) -> Vec<Listed<'_>> {
    let cookies = service.cookie.iter().filter_map(|cookie| {
        Some(Listed {
            name: cookie.name.as_ref()?,
            area: None,
            category: cookie.category.unwrap_or(service.category),
            purpose: cookie.purpose.as_deref().unwrap_or_default(),
            duration: cookie
                .duration
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
        })
    });
    let stored = service.storage.iter().filter_map(|entry| {
        let duration = match (entry.area, &entry.duration) {
            (_, Some(duration)) => duration.to_string(),
            (Area::Session, None) => "session".to_owned(),
            (_, None) => "persistent".to_owned(),
        };
        Some(Listed {
            name: entry.name.as_ref()?,
            area: Some(entry.area),
            category: entry.category.unwrap_or(service.category),
            purpose: entry.purpose.as_deref().unwrap_or_default(),
            duration,
        })
    });
    cookies.chain(stored).collect()
}

/// A value as a literal of JavaScript that is also safe inside a `<script>` element.
fn literal<T: serde::Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string_pretty(value)?;
    Ok(json
        .replace('<', "\\u003c")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029"))
}

/// The tables a cookie policy needs: for each category, every item with its service, purpose and lifetime.
pub fn policy(catalog: &Catalog, services: &[&Service], language: &str) -> Sheet {
    let mut sheet = Sheet {
        title: "Cookies and similar technologies".to_owned(),
        subtitle: format!(
            "{} services, by the Consentinel catalog {}. Check it against an audit of your site before you publish it.",
            services.len(),
            catalog.info().version
        ),
        language: language.to_owned(),
        ..Sheet::default()
    };
    for category in CATEGORIES {
        let title = Phrases::of("en").category(category);
        let mut rows = Vec::new();
        for service in services {
            let listed = items(service);
            for item in listed.iter().filter(|item| item.category == category) {
                let kind = item.area.map_or("cookie", |area| match area {
                    Area::Local => "local storage",
                    Area::Session => "session storage",
                    Area::IndexedDb => "database",
                    Area::Cache => "cache",
                });
                rows.push(vec![
                    item.name.as_str().to_owned(),
                    kind.to_owned(),
                    provider(service),
                    item.duration.clone(),
                    item.purpose.to_owned(),
                ]);
            }
        }
        let columns = ["Name", "Kind", "Service", "Lifetime", "Purpose"];
        let columns = columns.map(str::to_owned).to_vec();
        sheet.add(title, vec![Block::Table { columns, rows }]);
    }
    let transfers: Vec<Vec<String>> = services
        .iter()
        .flat_map(|service| {
            service.transfer.iter().map(|transfer| {
                vec![
                    provider(service),
                    transfer.to.clone(),
                    transfer.mechanisms.join(", "),
                ]
            })
        })
        .collect();
    let columns = ["Service", "Country", "Rests on"]
        .map(str::to_owned)
        .to_vec();
    sheet.add(
        "Transfers out of the EEA",
        vec![Block::Table {
            columns,
            rows: transfers,
        }],
    );
    let texts: Vec<(String, String)> = services
        .iter()
        .filter_map(|service| {
            let notice = service.notice(language)?;
            Some((service.name.clone(), notice))
        })
        .collect();
    sheet.add("What the banner can say", vec![Block::Facts(texts)]);
    sheet
}

fn provider(service: &Service) -> String {
    match service.vendor_name() {
        Some(vendor) if vendor != service.name => format!("{} ({vendor})", service.name),
        _ => service.name.clone(),
    }
}

#[cfg(test)]
mod tests;
