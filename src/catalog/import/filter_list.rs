//! Filter lists in the syntax of EasyPrivacy, read by the `adblock` crate (MPL-2.0).
//!
//! Only rules that name a host can become requests of a service; rules for one site, exceptions and
//! rules that change a page cannot. A list says that somebody blocks a request, not what it is for:
//! its title tells whether it is about measuring or about advertising.

use adblock::filters::network::{
    FilterPart, NetworkFilter, NetworkFilterFeaturesMask, NetworkFilterMask,
};
use adblock::lists::{ParseOptions, ParsedLine, RuleTypes, parse_filter, read_list_metadata};

use super::builder::{Builder, Found, host, tidy};
use crate::catalog::host::PathPattern;
use crate::model::finding::Category;
use crate::model::party::registrable_domain;

/// Longest line read, in bytes.
const LONGEST_LINE: usize = 4096;

/// Reads a list.
pub(super) fn services(text: &str) -> Found {
    let title = read_list_metadata(text).title.unwrap_or_default();
    let (category, sector) = about(&title.to_lowercase());
    let options = ParseOptions {
        rule_types: RuleTypes::NetworkOnly,
        ..ParseOptions::default()
    };
    let mut builder = Builder::default();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['!', '[']) {
            continue;
        }
        if line.len() > LONGEST_LINE {
            builder.found.skipped.add("a line beyond all measure", line);
            continue;
        }
        let Ok(ParsedLine::Network(filter)) = parse_filter(line, false, options) else {
            builder.found.skipped.add("no rule for requests", line);
            continue;
        };
        match place_of(&filter) {
            Ok((written, path)) => {
                let Some(pattern) = host(&written) else {
                    builder.found.skipped.add("no host name", line);
                    continue;
                };
                builder
                    .service(registrable_domain(&written), category, sector)
                    .add_host(pattern, path, None);
            }
            Err(reason) => builder.found.skipped.add(reason, line),
        }
    }
    builder.found.rights = licence(text);
    builder.finish()
}

/// What the requests of a list are for, by its title in lower case.
fn about(title: &str) -> (Category, &'static str) {
    if title.contains("privacy") || title.contains("track") {
        (Category::Analytics, "analytics")
    } else if title.contains("easylist") || title.contains("adserver") || title.contains("advert") {
        (Category::Marketing, "advertising")
    } else {
        (Category::Unclassified, "utility")
    }
}

/// The host and path a rule is about, or why it has none.
fn place_of(filter: &NetworkFilter<'_>) -> Result<(String, Option<PathPattern>), &'static str> {
    let mask = filter.mask;
    if mask.contains(NetworkFilterMask::IS_EXCEPTION) {
        return Err("an exception");
    }
    let changes = NetworkFilterFeaturesMask::BAD_FILTER
        | NetworkFilterFeaturesMask::IS_REMOVEPARAM
        | NetworkFilterFeaturesMask::IS_CSP
        | NetworkFilterFeaturesMask::GENERIC_HIDE;
    if filter.features_mask.intersects(changes) {
        return Err("a rule that changes the page");
    }
    if filter.opt_domains.is_some() || !mask.contains(NetworkFilterMask::THIRD_PARTY) {
        return Err("a rule for some sites only");
    }
    let by_host = mask.contains(NetworkFilterMask::IS_HOSTNAME_ANCHOR)
        && !mask.contains(NetworkFilterMask::IS_HOSTNAME_REGEX)
        && !mask.contains(NetworkFilterMask::IS_COMPLETE_REGEX);
    let host = filter
        .hostname
        .as_deref()
        .filter(|_| by_host)
        .ok_or("a rule without a host")?;
    let path = match &filter.filter {
        FilterPart::Empty => None,
        FilterPart::Simple(text) => Some(text.as_ref()),
        FilterPart::AnyOf(_) => return Err("a rule of several paths"),
    };
    let path = path.map(|path| path.trim_end_matches(['^', '|', '*']));
    match path.filter(|path| !path.is_empty()) {
        None => Ok((host.to_owned(), None)),
        Some(path) if path.starts_with('/') && !path.contains(['^', '|', '?']) => {
            // The list's path may end within a segment.
            let open = if path.ends_with('/') { "" } else { "*" };
            let pattern = PathPattern::parse(&format!("{path}{open}"));
            pattern
                .map(|pattern| (host.to_owned(), Some(pattern)))
                .map_err(|_| "a path of another form")
        }
        Some(_) => Err("a path of another form"),
    }
}

/// The licence named in the comments at the top.
fn licence(text: &str) -> Option<String> {
    text.lines()
        .take(40)
        .filter_map(|line| line.strip_prefix('!'))
        .find_map(|comment| {
            let (name, value) = comment.split_once(':')?;
            let name = name.trim().to_lowercase();
            matches!(name.as_str(), "licence" | "license").then(|| tidy(value))?
        })
}
