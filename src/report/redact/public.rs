//! Values that are the site's and not the visitor's: the number of a container, of an account, of a version.
//!
//! A tag says whom it works for in the address it is loaded from, `gtag/js?id=G-ABCDEF1234`, and then
//! repeats it in cookies and in what it sends. A developer needs it to find the tag, and every visitor is
//! told the same. Two things show that a value of a script's address is such a one:
//!
//! - Two profiles nobody used before, which share nothing, found it there, both before anything had stored
//!   or sent it, or had read what a fingerprint of the device is made of.
//! - It has the form of an account's number, and no other visit loaded the same script with another one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use url::Url;

use super::known::{held, telling_parts, tells_apart};
use crate::model::report::Page;
use crate::model::visit::Visit;

/// Most addresses of scripts looked at in one visit.
const MOST_SCRIPTS: usize = 5_000;

/// Where a value stands in an address: the address without its query, and the field's name.
type Place = (String, String);

/// What one visit saw in the addresses of scripts.
struct Seen {
    /// Nobody had used the profile before.
    fresh: bool,
    /// Values by their place.
    values: BTreeMap<Place, BTreeSet<String>>,
    /// Those that may have been made in the browser: stored, sent or computed before a script was loaded by them.
    came_late: BTreeSet<String>,
}

/// The values of the page that every visitor gets to see.
pub(super) fn public_values(page: &Page) -> BTreeSet<String> {
    let seen: Vec<Seen> = page.visits.iter().map(Seen::of).collect();
    let mut places: BTreeMap<&Place, Vec<&Seen>> = BTreeMap::new();
    for visit in &seen {
        for place in visit.values.keys() {
            places.entry(place).or_default().push(visit);
        }
    }
    let mut public = BTreeSet::new();
    for (place, visits) in places {
        let values: BTreeSet<&String> = visits
            .iter()
            .flat_map(|visit| &visit.values[place])
            .collect();
        for value in values {
            let in_all = visits
                .iter()
                .all(|visit| visit.values[place].contains(value));
            let came_first = |visit: &&&Seen| visit.fresh && !visit.came_late.contains(value);
            let by_profiles = visits.iter().filter(came_first).count() > 1;
            if in_all && (by_profiles || is_account_number(value)) {
                public.insert(value.clone());
            }
        }
    }
    public
}

impl Seen {
    fn of(visit: &Visit) -> Self {
        let mut values: BTreeMap<Place, BTreeSet<String>> = BTreeMap::new();
        let mut first_loaded: HashMap<String, u64> = HashMap::new();
        let requests = &visit.snapshot.requests;
        let scripts = requests
            .iter()
            .filter(|request| request.resource_type == "Script" && request.url.contains('?'))
            .take(MOST_SCRIPTS);
        for request in scripts {
            let Ok(mut url) = Url::parse(&request.url) else {
                continue;
            };
            let fields: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            url.set_query(None);
            url.set_fragment(None);
            for (name, value) in fields.into_iter().filter(|(_, value)| tells_apart(value)) {
                let first = first_loaded.entry(value.clone()).or_insert(request.at_ms);
                *first = request.at_ms.min(*first);
                let place = (url.as_str().to_owned(), name);
                values.entry(place).or_default().insert(value);
            }
        }
        let read = visit.snapshot.fingerprinting.iter();
        let read_ms = read
            .filter(|read| !read.techniques.is_empty())
            .map(|read| read.at_ms)
            .min();
        // A fingerprint is the same in every profile of one device.
        let after_reading = first_loaded
            .iter()
            .filter(|(_, first)| read_ms.is_some_and(|read| read <= **first));
        let mut came_late: BTreeSet<String> =
            after_reading.map(|(value, _)| value.clone()).collect();
        if !first_loaded.is_empty() {
            for (at_ms, value) in held(visit) {
                let whole = value.text();
                for part in telling_parts(whole) {
                    if first_loaded.get(part).is_some_and(|first| at_ms <= *first) {
                        came_late.insert(part.to_owned());
                    }
                }
            }
        }
        Self {
            fresh: is_fresh(visit),
            values,
            came_late,
        }
    }
}

/// Whether nobody had used the profile before: the page itself was asked for without a cookie.
fn is_fresh(visit: &Visit) -> bool {
    let mut requests = visit.snapshot.requests.iter();
    let document = requests.find(|request| {
        request.resource_type == "Document" && request.frame.as_ref().is_none_or(|frame| frame.top)
    });
    visit.choice.carried_from.is_none()
        && document.is_some_and(|request| request.sent_cookies.is_empty())
}

/// Whether a value has the form of an account's number: one to four capitals, a hyphen, and capitals and
/// digits, such as `G-ABCDEF1234`, `GTM-5XYZ123`, `AW-123456789` or `UA-12345678-1`.
fn is_account_number(value: &str) -> bool {
    let mut groups = value.split('-');
    let is_prefix = |group: &str| {
        (1..=4).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_uppercase())
    };
    let is_number = |group: &str| {
        let made_of = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        (1..=12).contains(&group.len()) && group.bytes().all(made_of)
    };
    value.len() <= 24
        && groups.next().is_some_and(is_prefix)
        && groups.clone().count() <= 2
        && groups.clone().next().is_some()
        && groups.all(is_number)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::report::redact::KnownValues;

    const TAG: &str = "https://tags.test/gtag/js";

    /// A visit that asks for its page and then for a script, by that query, at 100 ms; `more` is laid over it.
    fn visit(state: &str, query: &str, more: &Json) -> Visit {
        let request = |kind: &str, url: &str, at_ms: u64| {
            json!({"id": url, "url": url, "method": "GET", "resource_type": kind, "party": "third",
                "frame": {"url": "https://shop.test/", "top": true}, "worker": null, "at_ms": at_ms,
                "phase": "idle", "initiator_chain": [], "redirect_chain": [], "status": 200,
                "mime_type": null, "from_cache": false, "from_service_worker": false, "failed": null,
                "post_body": null, "sent_cookies": [], "body_parameters": []})
        };
        let mut visit = json!({
            "state": state, "repeat": 1, "outcome": "complete", "final_url": "https://shop.test/", "status": 200,
            "choice": {"made": false, "confirmed": false, "how": null, "by": null, "clicks": 0,
                "clicked_ms": null, "confirmed_ms": null},
            "phases": [],
            "timing": {"started": "2026-11-22T10:00:00Z", "load_ms": 5, "settled": true, "total_ms": 5},
            "banner": {"found": false, "cmp": null, "languages": [], "routes": {"accept": "none", "reject": "none"},
                "buttons": [], "text": "", "frame": null, "seen_ms": null},
            "diagnostics": [],
            "snapshot": {"cookies": [], "storage": [], "signals": [], "scripts": [],
                "requests": [request("Document", "https://shop.test/", 0),
                    request("Script", &format!("{TAG}?{query}"), 100)]},
        });
        for (pointer, value) in more.as_object().unwrap() {
            *visit.pointer_mut(pointer).unwrap() = value.clone();
        }
        serde_json::from_value(visit).unwrap()
    }

    /// A storage entry of that text, written at that time.
    fn stored(text: &str, at_ms: u64) -> Json {
        json!({"/snapshot/storage": [{"kind": "local-storage", "origin": "https://shop.test",
            "partition": null, "key": "k", "party": "first",
            "value": {"text": text, "fingerprint": "", "length": text.len()}, "set_by": null,
            "at_ms": at_ms, "phase": "idle", "writes": [], "alive": true}]})
    }

    fn page(visits: Vec<Visit>) -> Page {
        let banner = visits[0].banner.clone();
        Page {
            url: "https://shop.test/".to_owned(),
            final_url: "https://shop.test/".to_owned(),
            diagnostics: Vec::new(),
            banner,
            visits,
            policy: None,
        }
    }

    /// What is left of the script's query in a report.
    fn shown(visits: Vec<Visit>, query: &str) -> String {
        KnownValues::of(&page(visits)).hidden(query).into_owned()
    }

    #[test]
    fn what_every_profile_is_told_before_it_says_anything_stays() {
        for id in ["G-ABCDEF1234", "container1234567", "5f1e0c9a-77aa"] {
            let query = format!("id={id}");
            let visits = ["before", "accepted"].map(|state| visit(state, &query, &stored(id, 300)));
            assert_eq!(shown(visits.to_vec(), &query), query, "{id}");
        }
    }

    #[test]
    fn one_visit_is_enough_for_an_account_number_alone() {
        for (id, stays) in [
            ("G-ABCDEF1234", true),
            ("GTM-5XYZ123", true),
            ("AW-123456789", true),
            ("UA-12345678-1", true),
            ("container1234567", false),
            ("a1b2c3d4-77aa", false),
            ("g-abcdef1234", false),
            ("ABCDE-12345678", false),
            ("A-1-2-3456789", false),
        ] {
            let query = format!("id={id}");
            let visits = vec![visit("accepted", &query, &stored(id, 300))];
            assert_eq!(shown(visits, &query) == query, stays, "{id}");
        }
    }

    #[test]
    fn what_may_be_the_visitors_is_hidden() {
        let id = "1234567890ab";
        let query = format!("uid={id}");
        let other = "uid=ba0987654321";
        let with = |state: &str, more: &Json| visit(state, &query, more);
        let mut with_cookie = stored(id, 300);
        with_cookie["/snapshot/requests/0/sent_cookies"] = json!(["sid"]);
        let mut fingerprinted = stored(id, 300);
        fingerprinted["/snapshot"] = json!({"cookies": [], "signals": [], "scripts": [],
            "storage": fingerprinted["/snapshot/storage"],
            "requests": with("before", &json!({})).snapshot.requests,
            "fingerprinting": [{"script": "https://fp.test/f.js", "party": "third", "origin": "https://shop.test",
                "at_ms": 50, "phase": "idle", "calls": {}, "techniques": ["canvas"], "stack": []}]});
        fingerprinted
            .as_object_mut()
            .unwrap()
            .remove("/snapshot/storage");
        for (why, visits) in [
            (
                "one profile alone",
                vec![with("accepted", &stored(id, 300))],
            ),
            (
                "another profile has another one",
                vec![
                    with("before", &stored(id, 300)),
                    visit("accepted", other, &stored("ba0987654321", 300)),
                ],
            ),
            (
                "it was stored before",
                vec![
                    with("before", &stored(id, 20)),
                    with("accepted", &stored(id, 20)),
                ],
            ),
            (
                "the visitor came with a cookie",
                vec![with("before", &with_cookie), with("accepted", &with_cookie)],
            ),
            (
                "the device was looked at first",
                vec![
                    with("before", &fingerprinted),
                    with("accepted", &fingerprinted),
                ],
            ),
        ] {
            assert_ne!(shown(visits, &query), query, "{why}");
        }
        // An account's number that differs from profile to profile is none.
        let visits = vec![
            visit("before", "id=U-12345678", &stored("U-12345678", 300)),
            visit("accepted", "id=U-87654321", &stored("U-87654321", 300)),
        ];
        assert_ne!(shown(visits, "id=U-12345678"), "id=U-12345678");
    }
}
