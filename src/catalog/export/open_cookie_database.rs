//! The columns of the Open Cookie Database.

use super::{Listed, items};
use crate::catalog::schema::Service;
use crate::catalog::schema::words::ItemRole;
use crate::model::finding::Category;
use crate::model::value::sha256_hex;

const COLUMNS: [&str; 10] = [
    "ID",
    "Platform",
    "Category",
    "Cookie / Data Key name",
    "Domain",
    "Description",
    "Retention period",
    "Data Controller",
    "User Privacy & GDPR Rights Portals",
    "Wildcard match",
];

/// A CSV table with a row for each cookie and storage key.
///
/// Its only wildcard is an unknown ending, so patterns are cut at their first one. Patterns that
/// begin with a wildcard have no row.
pub fn open_cookie_database(services: &[&Service]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for service in services {
        let hosts: Vec<String> = service
            .request
            .iter()
            .filter(|rule| rule.host.is_named() && rule.path.is_none())
            .map(|rule| rule.host.to_string())
            .collect();
        for item in items(service) {
            let name = item.name.exact().unwrap_or_else(|| item.name.prefix());
            if name.is_empty() {
                continue;
            }
            let wildcard = if item.name.exact().is_some() {
                "0"
            } else {
                "1"
            };
            writer.write_record([
                id(&service.id, item.name.as_str()).as_str(),
                &service.name,
                category(&item, service),
                name,
                &hosts.join(", "),
                item.purpose,
                &item.duration,
                service.vendor_name().unwrap_or(&service.name),
                service.website.as_deref().unwrap_or_default(),
                wildcard,
            ])?;
        }
    }
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The same for the same item, always: the digest of service and name in the form of a UUID.
fn id(service: &str, name: &str) -> String {
    let digest = sha256_hex(format!("{service}\n{name}").as_bytes());
    let mut id = String::with_capacity(36);
    for (start, end) in [(0, 8), (8, 12), (12, 16), (16, 20), (20, 32)] {
        if !id.is_empty() {
            id.push('-');
        }
        id.push_str(&digest[start..end]);
    }
    id
}

fn category(item: &Listed<'_>, service: &Service) -> &'static str {
    let is_security = service.cookie.iter().any(|cookie| {
        cookie.role == Some(ItemRole::Security)
            && cookie
                .name
                .as_ref()
                .is_some_and(|name| name.as_str() == item.name.as_str())
    });
    match item.category {
        _ if is_security => "Security",
        Category::Necessary | Category::Preferences => "Functional",
        Category::Analytics => "Analytics",
        Category::Marketing => "Marketing",
        Category::Unclassified => "",
    }
}
