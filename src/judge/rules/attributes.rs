//! How cookies are guarded: R40.

use url::Url;

use crate::judge::classify::Need;
use crate::judge::index::{Item, PageIndex};
use crate::judge::item::Record;
use crate::model::finding::{Certainty, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::Party;
use crate::model::snapshot::{Cookie, Setter};
use crate::model::visit::State;

use super::tracking::{first_occurrence, item_draft};
use super::{Draft, Requirement, Rule, RuleInfo};

/// R40: an identifier or a session anybody on the way can read.
pub(super) struct WeakAttributes;

impl Rule for WeakAttributes {
    fn info(&self) -> &'static RuleInfo {
        &RuleInfo {
            id: "R40",
            name: "identifier-cookie-weak-attributes",
            title: "An identifier or session cookie is badly guarded",
            checks: "A cookie of the site that identifies the visitor or holds a session is not Secure on a page over \
                     HTTPS, or is set over plain HTTP; a session cookie that the server sets is not HttpOnly, or asks to be sent from \
                     other sites (SameSite=None). Cookies that scripts write cannot be HttpOnly, tokens against forgery \
                     must be readable, and records of a choice are no identifiers: they do not count. Identifiers are for review.",
            severity: Severity::Low,
            proof: Proof::P1,
            certainty: Certainty::L2,
            legal: &["GDPR Art. 5(1)(f)", "GDPR Art. 32"],
            remedy: "Set Secure on every cookie, and HttpOnly and SameSite=Lax on session cookies.",
            needs: &[Requirement::Visit(State::Before)],
            limits: "Cookies a visitor gets only after signing in are not seen.",
        }
    }

    fn check(&self, page: &PageIndex<'_>) -> Vec<Draft> {
        let address = Url::parse(&page.page.final_url).or_else(|_| Url::parse(&page.page.url));
        let Ok(address) = address else {
            return Vec::new();
        };
        // What never leaves the machine needs no guard on the way.
        let is_local = matches!(
            address.host_str(),
            Some("localhost" | "127.0.0.1" | "[::1]")
        );
        if is_local {
            return Vec::new();
        }
        let over_https = address.scheme() == "https";
        page.items
            .iter()
            .filter(|item| {
                item.key.kind == SubjectKind::Cookie
                    && item.party == Party::First
                    && !item.attempted_only()
                    && !item.class.is_choice_record()
            })
            .filter_map(|item| weak(page, item, over_https))
            .collect()
    }
}

/// Whether an item holds a session that must not be taken over.
fn is_session(item: &Item<'_>) -> bool {
    let name = item.key.name.to_ascii_lowercase();
    let is_token = [
        "csrf",
        "xsrf",
        "requestverification",
        "antiforgery",
        "form_key",
        "authenticity",
    ]
    .iter()
    .any(|part| name.contains(part));
    let role = item.class.role.as_deref();
    let known = item.class.group.as_deref() == Some("session-csrf") || matches!(role, Some("auth"));
    known && !is_token
}

fn weak(page: &PageIndex<'_>, item: &Item<'_>, over_https: bool) -> Option<Draft> {
    let session = is_session(item);
    let identifies =
        item.identifies() && matches!(item.class.need, Need::Consent | Need::LikelyConsent);
    if !session && !identifies {
        return None;
    }
    // The last state of each visit has to agree: a cookie mended later is not weak.
    let cookies: Vec<&Cookie> = item
        .sightings
        .iter()
        .filter_map(|sighting| match sighting.record {
            Record::Cookie(cookie) => Some(cookie),
            Record::Storage(_) => None,
        })
        .collect();
    let all = |weak: fn(&Cookie) -> bool| cookies.iter().all(|cookie| weak(cookie));
    let by_server = cookies
        .iter()
        .all(|cookie| matches!(cookie.set_by, Some(Setter::Response { .. })));
    let same_site_none = |cookie: &Cookie| {
        cookie
            .same_site
            .as_deref()
            .is_some_and(|value| value.eq_ignore_ascii_case("none"))
    };
    let mut faults = Vec::new();
    if !over_https {
        faults.push("set and sent over plain HTTP");
    } else if all(|cookie| !cookie.secure) {
        faults.push("not Secure: it is also sent over plain HTTP");
    }
    if session && by_server && all(|cookie| !cookie.http_only) {
        faults.push("not HttpOnly: every script of the page can read the session");
    }
    if session && all(same_site_none) {
        faults.push("SameSite=None: other sites' pages send it along");
    }
    if faults.is_empty() {
        return None;
    }
    let (writes, occurrence) = first_occurrence(page, item)?;
    let mut draft = item_draft(page, item, &writes, &occurrence, |_| true);
    draft.evidence.notes = faults.iter().map(|&fault| fault.to_owned()).collect();
    let name = draft.subject.name.clone();
    Some(Draft {
        sub_type: Some(if session { "session" } else { "identifier" }),
        severity: if session {
            Severity::Medium
        } else {
            Severity::Low
        },
        // Vendors' scripts write identifiers so; whether it matters, a person has to say.
        verdict: if session {
            Verdict::Violation
        } else {
            Verdict::Review
        },
        proof: Proof::P1,
        certainty: Certainty::L2,
        remedy: format!(
            "Set {name} with Secure{}.",
            if session {
                ", HttpOnly and SameSite=Lax"
            } else {
                ""
            }
        ),
        ..draft
    })
}
