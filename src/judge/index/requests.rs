//! Requests that left the browser, and whether they carried something that identifies the visitor.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use url::Url;

use crate::catalog::RequestMatch;
use crate::judge::consent_mode;
use crate::judge::identifier::{self, Clock, Observed};
use crate::judge::knowledge::Knowledge;
use crate::judge::naming;
use crate::model::finding::{Category, SubjectKind};
use crate::model::party::{Party, party_of, registrable_domain};
use crate::model::report::Page;
use crate::model::snapshot::{AnsweredBy, Request};
use crate::model::visit::{PhaseName, Visit};

use super::PageIndex;
use super::storage::Item;

/// Sectors whose requests serve something else than measuring or advertising.
const OTHER_SECTORS: [&str; 8] = [
    "bot-protection",
    "error-monitoring",
    "performance-monitoring",
    "captcha",
    "fonts",
    "cdn",
    "tag-manager",
    "payment",
];

/// Sectors whose content is shown in the page: bringing it is another matter than reporting on the visitor.
const EMBEDDED_SECTORS: [&str; 4] = ["audio", "maps", "social", "video"];

/// Roles of requests that report on the visitor.
pub(crate) const REPORTERS: [&str; 5] = ["auction", "beacon", "collector", "replay", "telemetry"];

/// A request that left the browser.
#[derive(Debug)]
pub(crate) struct SeenRequest<'a> {
    /// The request as recorded.
    pub(crate) request: &'a Request,
    /// Its address.
    pub(crate) url: Url,
    /// Its host.
    pub(crate) host: String,
    /// The service behind it.
    pub(crate) found: Option<RequestMatch>,
    /// What it carried that identifies the visitor, in words.
    pub(crate) identifier: Option<String>,
}

impl SeenRequest<'_> {
    /// What makes requests one subject: host and normalised path.
    pub(crate) fn group(&self) -> (String, String) {
        (self.host.clone(), naming::normalised(self.url.path()))
    }

    /// Names and values in its address, then those in its body.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (String, String)> {
        let in_address = self
            .url
            .query_pairs()
            .map(|(name, value)| (name.into_owned(), value.into_owned()));
        let in_body = self
            .request
            .body_parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.value.text().to_owned()));
        in_address.chain(in_body)
    }

    /// The service, when the request measures or advertises.
    pub(crate) fn tracker(&self) -> Option<&RequestMatch> {
        self.found.as_ref().filter(|found| {
            matches!(found.category, Category::Analytics | Category::Marketing)
                && !found.cmp
                && found.role.as_deref() != Some("consent-record")
                && !OTHER_SECTORS.contains(&found.sector.as_str())
                && (reports(found) || !brings_content(found))
        })
    }

    /// First or third party.
    pub(crate) fn party(&self) -> Party {
        self.request.party
    }
}

fn reports(found: &RequestMatch) -> bool {
    found
        .role
        .as_deref()
        .is_some_and(|role| REPORTERS.contains(&role))
}

fn brings_content(found: &RequestMatch) -> bool {
    found.role.as_deref() == Some("embed") || EMBEDDED_SECTORS.contains(&found.sector.as_str())
}

/// The requests of a visit that left the browser on behalf of the page, by time.
pub(super) fn left_the_browser<'a>(
    visit: &'a Visit,
    page: &Page,
    site: &str,
    knowledge: &dyn Knowledge,
) -> Vec<SeenRequest<'a>> {
    let foreign = foreign_hops(visit, page, site);
    let mut seen: Vec<SeenRequest<'a>> = visit
        .snapshot
        .requests
        .iter()
        .filter(|request| was_sent(request) && !foreign.contains(request.url.as_str()))
        .filter_map(|request| {
            let url = Url::parse(&request.url).ok()?;
            if !matches!(url.scheme(), "http" | "https" | "ws" | "wss") {
                return None;
            }
            let host = url.host_str()?.to_owned();
            let found = knowledge.match_request(&url, site);
            Some(SeenRequest {
                request,
                url,
                host,
                found,
                identifier: None,
            })
        })
        .collect();
    seen.sort_by(|left, right| {
        (left.request.at_ms, &left.request.url, &left.request.id).cmp(&(
            right.request.at_ms,
            &right.request.url,
            &right.request.id,
        ))
    });
    seen
}

/// Whether anything reached the network: no preflight, no answer from the cache, no early failure.
fn was_sent(request: &Request) -> bool {
    if request.from_cache
        || request.answered_by == AnsweredBy::Browser
        || request.method.eq_ignore_ascii_case("OPTIONS")
        || request.resource_type == "Preflight"
    {
        return false;
    }
    let never_left = request
        .blocked
        .as_deref()
        .is_some_and(blocked_before_sending)
        || request.failed.as_deref().is_some_and(failed_before_sending);
    request.status.is_some() || !never_left
}

/// Whether a reason to block (CDP `Network.BlockedReason`) keeps a request from being sent; the
/// others keep the page from reading the answer.
fn blocked_before_sending(reason: &str) -> bool {
    matches!(
        reason,
        "csp" | "inspector" | "mixed-content" | "origin" | "subresource-filter"
    )
}

/// Whether the browser's words say that the request never left.
///
/// An answer blocked by the browser (`ORB`, `RESPONSE`) means that the request did leave; so does
/// an aborted one, which may have been read by the server already.
fn failed_before_sending(reason: &str) -> bool {
    const NEVER_LEFT: [&str; 9] = [
        "NAME_NOT_RESOLVED",
        "NAME_RESOLUTION_FAILED",
        "CONNECTION_REFUSED",
        "CONNECTION_TIMED_OUT",
        "ADDRESS_UNREACHABLE",
        "ADDRESS_INVALID",
        "INTERNET_DISCONNECTED",
        "UNSAFE_PORT",
        "UNKNOWN_URL_SCHEME",
    ];
    let error = reason.strip_prefix("net::ERR_").unwrap_or_default();
    let refused_by_the_browser = error
        .strip_prefix("BLOCKED_BY_")
        .is_some_and(|by| !by.starts_with("ORB") && !by.starts_with("RESPONSE"));
    refused_by_the_browser || error.starts_with("CERT_") || NEVER_LEFT.contains(&error)
}

/// Addresses passed on the way to the site, when the visitor was given somebody else's link.
///
/// From the first hop on the site's own domain onwards, redirects are the site's doing.
pub(super) fn foreign_hops<'a>(visit: &'a Visit, page: &Page, site: &str) -> BTreeSet<&'a str> {
    let is_own = |url: &str| {
        let host = crate::model::party::host_of(url);
        party_of(&host, site) == Party::First
    };
    if is_own(&page.url) {
        return BTreeSet::new();
    }
    let document = visit.snapshot.requests.iter().find(|request| {
        request.resource_type == "Document"
            && !request.redirect_chain.is_empty()
            && request.frame.as_ref().is_none_or(|frame| frame.top)
            && is_own(&request.url)
    });
    document
        .map(|document| {
            document
                .redirect_chain
                .iter()
                .map(|hop| hop.url.as_str())
                .take_while(|url| !is_own(url))
                .collect()
        })
        .unwrap_or_default()
}

/// Marks the requests that carry an identifier: a cookie, a token of a stored identifier, a known
/// client id, or a parameter that behaves like one.
pub(super) fn mark_identifiers(index: &mut PageIndex<'_>) {
    let cookies = identifying_cookies(&index.items);
    let parameters = identifying_parameters(index);
    for (number, visit) in index.visits.iter_mut().enumerate() {
        let tokens = identifying_tokens(&index.items, number);
        for seen in &mut visit.requests {
            if seen.tracker().is_some() {
                seen.identifier = by_cookie(seen, &cookies)
                    .or_else(|| by_client_id(&seen.url))
                    .or_else(|| by_token(seen, &tokens))
                    .or_else(|| by_behaviour(seen, &parameters));
            }
        }
    }
}

type CookieDomains<'i> = HashMap<&'i str, Vec<&'i str>>;

fn identifying_cookies<'i>(items: &'i [Item<'_>]) -> CookieDomains<'i> {
    let mut domains: CookieDomains<'i> = HashMap::new();
    for item in items {
        if item.key.kind == SubjectKind::Cookie
            && item.identifies()
            && item.class.need.wants_consent()
        {
            domains
                .entry(&item.key.name)
                .or_default()
                .push(&item.key.host);
        }
    }
    domains
}

fn by_cookie(seen: &SeenRequest<'_>, cookies: &CookieDomains<'_>) -> Option<String> {
    let belongs = |domain: &&str| {
        seen.host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    let carried = seen.request.sent_cookies.iter().filter(|name| {
        cookies
            .get(name.as_str())
            .is_some_and(|domains| domains.iter().any(belongs))
    });
    carried
        .min()
        .map(|name| format!("carries the cookie {}", naming::shown(name)))
}

/// Parameters that vendors use for their client id.
fn by_client_id(url: &Url) -> Option<String> {
    let known =
        if consent_mode::is_google_measurement(url) && consent_mode::client_id(url).is_some() {
            Some("cid")
        } else {
            let is_meta = registrable_domain(url.host_str().unwrap_or_default()) == "facebook.com"
                || url.path().trim_end_matches('/').ends_with("/tr");
            let has_browser_id = || {
                url.query_pairs()
                    .any(|(name, value)| name == "fbp" && !value.is_empty())
            };
            (is_meta && has_browser_id()).then_some("fbp")
        };
    known.map(|name| format!("carries the client id {name}"))
}

fn identifying_tokens<'i>(items: &'i [Item<'_>], visit: usize) -> HashMap<String, &'i str> {
    let mut tokens: HashMap<String, &str> = HashMap::new();
    for item in items {
        for token in item
            .identifier
            .as_ref()
            .and_then(|visits| visits.get(visit))
            .into_iter()
            .flatten()
        {
            for form in identifier::digests(token)
                .into_iter()
                .chain([token.clone()])
            {
                tokens.entry(form).or_insert(&item.key.name);
            }
        }
    }
    tokens
}

fn by_token(seen: &SeenRequest<'_>, tokens: &HashMap<String, &str>) -> Option<String> {
    if tokens.is_empty() {
        return None;
    }
    let mut carried = None;
    each_part_sent(seen, &mut |part| {
        if carried.is_none() {
            carried = tokens.get(part).copied();
        }
    });
    carried.map(|name| format!("carries the value of {}", naming::shown(name)))
}

/// Calls `visit` with every part of what a request sends: path, parameters, body.
pub(super) fn each_part_sent(seen: &SeenRequest<'_>, visit: &mut dyn FnMut(&str)) {
    for segment in seen.url.path_segments().into_iter().flatten() {
        identifier::each_part(segment, visit);
    }
    for (_, value) in seen.url.query_pairs() {
        identifier::each_part(&value, visit);
    }
    if let Some(body) = &seen.request.post_body {
        identifier::each_part(body.text(), visit);
    }
}

/// Host, normalised path and name of a parameter.
type Parameter = (String, String, String);

/// Parameters of tracking requests whose values behave like identifiers.
///
/// A reload has to be among the visits: without one, an id of the page view looks the same.
fn identifying_parameters(index: &PageIndex<'_>) -> BTreeSet<Parameter> {
    let mut observed: BTreeMap<Parameter, Vec<Observed>> = BTreeMap::new();
    for (number, visit) in index.visits.iter().enumerate() {
        let clock = Clock {
            now_ms: visit.visit.timing.started.as_millisecond(),
        };
        for seen in visit
            .requests
            .iter()
            .filter(|seen| seen.tracker().is_some())
        {
            let (host, path) = seen.group();
            for (name, value) in seen.url.query_pairs() {
                let tokens = identifier::tokens(&value, clock);
                if tokens.is_empty() {
                    continue;
                }
                let visits = observed
                    .entry((host.clone(), path.clone(), name.into_owned()))
                    .or_insert_with(|| vec![Observed::default(); index.visits.len()]);
                let stage = if seen.request.phase == PhaseName::Revisit {
                    &mut visits[number].reloaded
                } else {
                    &mut visits[number].loaded
                };
                // What changes from request to request is a cache-buster.
                *stage = Some(match stage.take() {
                    Some(earlier) => earlier.intersection(&tokens).cloned().collect(),
                    None => tokens,
                });
            }
        }
    }
    observed
        .into_iter()
        .filter(|(_, visits)| {
            let saw_a_reload = visits
                .iter()
                .any(|visit| visit.loaded.is_some() && visit.reloaded.is_some());
            saw_a_reload && identifier::identifying(visits).is_some()
        })
        .map(|(parameter, _)| parameter)
        .collect()
}

fn by_behaviour(seen: &SeenRequest<'_>, parameters: &BTreeSet<Parameter>) -> Option<String> {
    if parameters.is_empty() {
        return None;
    }
    let (host, path) = seen.group();
    seen.url
        .query_pairs()
        .find(|(name, _)| {
            parameters.contains(&(host.clone(), path.clone(), name.clone().into_owned()))
        })
        .map(|(name, _)| {
            format!(
                "carries a unique identifier in the parameter {}",
                naming::shown(&name)
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_left() {
        for (reason, expected) in [
            ("net::ERR_NAME_NOT_RESOLVED", true),
            ("net::ERR_CONNECTION_REFUSED", true),
            ("net::ERR_BLOCKED_BY_CLIENT", true),
            ("net::ERR_BLOCKED_BY_CSP", true),
            ("net::ERR_CERT_AUTHORITY_INVALID", true),
            ("net::ERR_BLOCKED_BY_ORB", false),
            ("net::ERR_BLOCKED_BY_RESPONSE.NotSameOrigin", false),
            ("net::ERR_ABORTED", false),
            ("net::ERR_FAILED", false),
            ("", false),
        ] {
            assert_eq!(failed_before_sending(reason), expected, "{reason}");
        }
    }
}
