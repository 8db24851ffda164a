//! A configuration of Klaro, the consent banner.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CATEGORIES, Phrases, items, literal};
use crate::catalog::schema::Service;
use crate::model::finding::Category;

/// A script that defines `klaroConfig` with these services.
///
/// Patterns become regular expressions; a service of the category `necessary` is required.
pub fn klaro(services: &[&Service], language: &str) -> Result<String, serde_json::Error> {
    let phrases = Phrases::of(language);
    let listed: Vec<Value> = services.iter().map(|service| described(service)).collect();
    let descriptions: BTreeMap<&str, Value> = services
        .iter()
        .filter_map(|service| {
            let summary = service.text_in(language, |text| text.summary.as_deref())?;
            Some((
                service.id.as_str(),
                json!({ "description": service.fill(summary) }),
            ))
        })
        .collect();
    let mut translation = serde_json::Map::new();
    let purposes: BTreeMap<&str, &str> = CATEGORIES
        .iter()
        .map(|category| (category.as_str(), phrases.category(*category)))
        .collect();
    translation.insert("purposes".to_owned(), json!(purposes));
    for (id, description) in descriptions {
        translation.insert(id.to_owned(), description);
    }
    let config = json!({
        "version": 1,
        "elementID": "klaro",
        "storageMethod": "cookie",
        "cookieName": "klaro",
        "default": false,
        "mustConsent": false,
        "acceptAll": true,
        "hideDeclineAll": false,
        "lang": language,
        "translations": { language: translation },
        "services": listed,
    });
    // Klaro wants regular expressions as such; JSON has only their text.
    Ok(format!(
        "// Made from the Consentinel catalog. Patterns are regular expressions, marked by `pattern`.\n\
         var klaroConfig = {};\n\
         klaroConfig.services.forEach(function (service) {{\n  \
           service.cookies = service.cookies.map(function (cookie) {{\n    \
             return cookie.pattern ? new RegExp(cookie.pattern) : cookie;\n  \
           }});\n\
         }});\n",
        literal(&config)?
    ))
}

fn described(service: &Service) -> Value {
    let cookies: Vec<Value> = items(service)
        .iter()
        .map(|item| match item.name.exact() {
            Some(name) => json!(name),
            None => json!({ "pattern": item.name.expression() }),
        })
        .collect();
    let necessary = service.category == Category::Necessary;
    json!({
        "name": service.id,
        "title": service.name,
        "purposes": [service.category.as_str()],
        "cookies": cookies,
        "required": necessary,
        "default": necessary,
        "optOut": false,
    })
}
