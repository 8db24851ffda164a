//! Where a page leads: the addresses of its own site that it links to.

use std::collections::BTreeSet;

use url::Url;

use super::stage::Stage;
use crate::model::party::{Party, host_of, party_of};

/// Most links kept of one page; more is a list made by a program.
const MOST_LINKS: usize = 2_000;
/// Longest address kept, in bytes.
const LONGEST_ADDRESS: usize = 2_048;

/// Asks for the addresses behind the links of the page itself, bounded before they leave it.
const LINKS: &str = "(() => {
  const found = [];
  for (const link of document.links) {
    if (found.length >= 10000) break;
    const address = link.href;
    if (typeof address === 'string' && address.length <= 2048) found.push(address);
  }
  return found;
})()";

/// The links of the page, in the order they stand in it.
pub(super) async fn of(stage: &Stage) -> Vec<String> {
    let worlds = stage.worlds();
    let Some(world) = worlds.own_worlds().into_iter().next() else {
        return Vec::new();
    };
    match worlds.evaluate(&world, LINKS).await {
        Ok(found) => {
            let found = found.as_array().map_or(&[][..], Vec::as_slice);
            let found = found.iter().filter_map(serde_json::Value::as_str);
            of_the_site(&stage.page_state().url, found)
        }
        Err(error) => {
            tracing::debug!(%error, "the page's links could not be read");
            Vec::new()
        }
    }
}

/// The addresses that belong to the page's own site, each once, without fragments.
fn of_the_site<'a>(page: &str, found: impl Iterator<Item = &'a str>) -> Vec<String> {
    let site = host_of(page);
    let mut seen = BTreeSet::new();
    found
        .filter_map(|address| {
            let mut url = Url::parse(address).ok()?;
            url.set_fragment(None);
            let is_page = matches!(url.scheme(), "http" | "https");
            let is_ours = party_of(url.host_str()?, &site) == Party::First;
            let address = String::from(url);
            let fits = address.len() <= LONGEST_ADDRESS;
            (is_page && is_ours && fits && seen.insert(address.clone())).then_some(address)
        })
        .take(MOST_LINKS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_the_same_site_each_once() {
        let long = format!("https://shop.test/{}", "a".repeat(LONGEST_ADDRESS));
        let found = [
            "https://shop.test/a#x",
            "https://shop.test/a",
            "https://blog.shop.test/b",
            "http://shop.test:8080/c",
            "https://other.test/",
            "mailto:a@shop.test",
            "javascript:void 0",
            "https://",
            &long,
        ];
        assert_eq!(
            of_the_site("https://www.shop.test/", found.into_iter()),
            [
                "https://shop.test/a",
                "https://blog.shop.test/b",
                "http://shop.test:8080/c"
            ]
        );
        let many: Vec<String> = (0..5_000)
            .map(|number| format!("https://a.test/{number}"))
            .collect();
        let links = of_the_site("https://a.test/", many.iter().map(String::as_str));
        assert_eq!(links.len(), MOST_LINKS);
    }
}
