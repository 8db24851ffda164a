//! What to do, said so that a developer finds the place: the tag, who loads it, the category it belongs behind.

use crate::model::finding::Category;
use crate::model::party::{Party, host_of, party_of};
use crate::model::snapshot::{InitiatorStep, Setter};

use super::classify::category_name;
use super::index::PageIndex;
use super::naming::{shown, shown_address};

/// "Put … behind the … category of the consent platform", with the place it is loaded from.
pub(crate) fn put_behind_consent(
    page: &PageIndex<'_>,
    tag: &str,
    category: Category,
    chain: &[InitiatorStep],
) -> String {
    let category = match category {
        Category::Unclassified | Category::Necessary => "fitting".to_owned(),
        known => category_name(known).to_owned(),
    };
    let platform = page.page.banner.cmp.as_deref().map_or_else(
        || "the consent platform".to_owned(),
        |name| format!("the consent platform ({})", shown(name)),
    );
    let place = loaded_by(page, chain)
        .map(|place| format!("; it is loaded by {place}"))
        .unwrap_or_default();
    format!(
        "Put {tag} behind the {category} category of {platform}, so that it loads only after consent{place}."
    )
}

/// The tag behind a stored item: the service, and the script or response that wrote it.
pub(crate) fn tag_of_item(
    page: &PageIndex<'_>,
    service: Option<&str>,
    setter: Option<&Setter>,
) -> String {
    let writer = setter.map(|setter| match setter {
        Setter::Response { url } => format!("the response of {}", shown_address(url)),
        Setter::Script { stack } => match stack.first() {
            Some(place) => format!(
                "the script {} line {}",
                shown_address(&place.url),
                place.line
            ),
            None => "a script".to_owned(),
        },
    });
    match (service.map(|id| page.service_name(id)), writer) {
        (Some(service), Some(writer)) => format!("{} ({writer})", shown(service)),
        (Some(service), None) => shown(service),
        (None, Some(writer)) => writer,
        (None, None) => "whatever writes it".to_owned(),
    }
}

/// The container or the tag in the page that everything goes back to.
fn loaded_by(page: &PageIndex<'_>, chain: &[InitiatorStep]) -> Option<String> {
    let container = chain.iter().find(|step| {
        let url = step.url.as_str();
        url.contains("/gtm.js?") || url.contains("/gtag/js?")
    });
    if let Some(step) = container {
        return Some(format!(
            "the tag manager container {}",
            shown_address(&step.url)
        ));
    }
    let root = chain.iter().rev().find(|step| !step.url.is_empty())?;
    let line = if root.line > 0 {
        format!(" line {}", root.line)
    } else {
        String::new()
    };
    let host = host_of(&root.url);
    let what = if party_of(&host, &page.site) == Party::First && root.kind != "script" {
        "the tag in"
    } else {
        "the script"
    };
    Some(format!("{what} {}{line}", shown_address(&root.url)))
}
