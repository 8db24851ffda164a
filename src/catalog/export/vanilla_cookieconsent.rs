//! A configuration of vanilla-cookieconsent 3, the consent banner.

use serde_json::{Map, Value, json};

use super::{CATEGORIES, Phrases, items, literal};
use crate::catalog::schema::Service;
use crate::model::finding::Category;

/// A script that runs the banner with these services, and deletes their cookies when consent is taken back.
///
/// What loads a service stays to be marked in the page: `<script type="text/plain" data-category="analytics"
/// data-service="matomo">`. Patterns become regular expressions.
pub fn vanilla_cookieconsent(
    services: &[&Service],
    language: &str,
) -> Result<String, serde_json::Error> {
    let phrases = Phrases::of(language);
    // The catalog's own sentences stand in no banner of another language.
    let speaks = phrases.is_the_catalogs();
    let [name, of_service, purpose, duration] = phrases.headers;
    let mut headers = json!({ "name": name, "service": of_service });
    if speaks {
        headers["purpose"] = json!(purpose);
        headers["duration"] = json!(duration);
    }
    let mut categories = Map::new();
    let mut sections = vec![json!({
        "title": phrases.title,
        "description": phrases.choose,
    })];
    for category in CATEGORIES {
        let of_category: Vec<&&Service> = services
            .iter()
            .filter(|service| service.category == category)
            .collect();
        let is_necessary = category == Category::Necessary;
        if of_category.is_empty() && !is_necessary {
            continue;
        }
        let mut listed = Map::new();
        let mut rows = Vec::new();
        for service in &of_category {
            let cookies: Vec<Value> = items(service)
                .iter()
                .filter(|item| item.area.is_none())
                .map(|item| match item.name.exact() {
                    Some(name) => json!({ "name": name }),
                    None => json!({ "pattern": item.name.expression() }),
                })
                .collect();
            listed.insert(
                service.id.clone(),
                json!({ "label": service.name, "cookies": cookies }),
            );
            rows.extend(items(service).iter().map(|item| {
                let mut row = json!({ "name": item.name.as_str(), "service": service.name });
                if speaks {
                    row["purpose"] = json!(item.purpose);
                    row["duration"] = json!(item.duration);
                }
                row
            }));
        }
        let mut described = json!({ "services": listed });
        if is_necessary {
            described["enabled"] = json!(true);
            described["readOnly"] = json!(true);
        }
        categories.insert(category.as_str().to_owned(), described);
        sections.push(json!({
            "title": phrases.category(category),
            "linkedCategory": category.as_str(),
            "cookieTable": {
                "headers": headers,
                "body": rows,
            },
        }));
    }
    let config = json!({
        "categories": categories,
        "language": {
            "default": language,
            "translations": { language: {
                "consentModal": {
                    "title": phrases.title,
                    "description": phrases.question,
                    "acceptAllBtn": phrases.accept,
                    "acceptNecessaryBtn": phrases.reject,
                    "showPreferencesBtn": phrases.settings,
                },
                "preferencesModal": {
                    "title": phrases.settings,
                    "acceptAllBtn": phrases.accept,
                    "acceptNecessaryBtn": phrases.reject,
                    "savePreferencesBtn": phrases.save,
                    "closeIconLabel": phrases.close,
                    "sections": sections,
                },
            } },
        },
    });
    // The banner wants regular expressions as such; JSON has only their text. What is refused is deleted.
    Ok(format!(
        "// Made from the Consentinel catalog. Patterns are regular expressions, marked by `pattern`.\n\
         var consentConfig = {};\n\
         Object.values(consentConfig.categories).forEach(function (category) {{\n  \
           var all = [];\n  \
           Object.values(category.services).forEach(function (service) {{\n    \
             service.cookies = service.cookies.map(function (cookie) {{\n      \
               return cookie.pattern ? {{ name: new RegExp(cookie.pattern) }} : cookie;\n    \
             }});\n    \
             all = all.concat(service.cookies);\n  \
           }});\n  \
           if (!category.readOnly) category.autoClear = {{ cookies: all }};\n\
         }});\n\
         CookieConsent.run(consentConfig);\n",
        literal(&config)?
    ))
}
