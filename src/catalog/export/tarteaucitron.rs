//! Services of tarteaucitron, the consent banner.

use super::{items, literal};
use crate::catalog::schema::Service;
use crate::model::finding::Category;

/// A script that defines these services and puts them to work.
///
/// What loads a service stays to be filled in: the catalog knows its hosts, not its tag.
/// tarteaucitron deletes cookies by their whole names, so patterns stand in a comment.
pub fn tarteaucitron(services: &[&Service]) -> Result<String, serde_json::Error> {
    let mut script = String::from(
        "// Made from the Consentinel catalog. Put the tag of each service into its `js`.\n",
    );
    for service in services {
        let (exact, patterns): (Vec<_>, Vec<_>) = items(service)
            .into_iter()
            .partition(|item| item.name.exact().is_some());
        let cookies: Vec<&str> = exact.iter().filter_map(|item| item.name.exact()).collect();
        let id = literal(&service.id)?;
        let mut line = |text: String| {
            script.push_str(&text);
            script.push('\n');
        };
        line(format!("tarteaucitron.services[{id}] = {{"));
        line(format!("  \"key\": {id},"));
        line(format!("  \"type\": {},", literal(&kind(service))?));
        line(format!("  \"name\": {},", literal(&service.name)?));
        line(format!(
            "  \"uri\": {},",
            literal(&service.website.as_deref().unwrap_or_default())?
        ));
        line(format!(
            "  \"needConsent\": {},",
            service.category != Category::Necessary
        ));
        line(format!("  \"cookies\": {},", literal(&cookies)?));
        if !patterns.is_empty() {
            let names: Vec<&str> = patterns.iter().map(|item| item.name.as_str()).collect();
            line(format!("  \"consentinelPatterns\": {},", literal(&names)?));
        }
        line("  \"js\": function () {\n    \"use strict\";\n  }\n};".to_owned());
        line(format!(
            "(tarteaucitron.job = tarteaucitron.job || []).push({id});"
        ));
    }
    Ok(script)
}

/// What tarteaucitron calls a service of this kind.
fn kind(service: &Service) -> &'static str {
    match (service.sector.as_str(), service.category) {
        ("video" | "audio", _) => "video",
        ("comments", _) => "comment",
        ("social", _) => "social",
        ("customer-support", _) => "support",
        (_, Category::Analytics) => "analytic",
        (_, Category::Marketing) => "ads",
        _ => "api",
    }
}
