//! Records that hold a switch for each category, service or purpose.

use serde_json::{Map, Value};

use crate::model::snapshot::Grant;

use super::category::{Category, category, flag, grant, necessary, optional, yes_or_no};
use super::decode;
use super::platforms::{Entry, Reading};
use super::tcf::TcString;

/// Every switch of an object.
fn switches(object: &Map<String, Value>) -> Vec<Grant> {
    object
        .iter()
        .filter_map(|(name, value)| Some(grant(name, flag(value)?)))
        .collect()
}

fn member<'a>(tree: &'a Value, path: &[&str]) -> Option<&'a Map<String, Value>> {
    path.iter()
        .try_fold(tree, |value, key| value.get(key))?
        .as_object()
}

/// `{"analytics":false,…}`, written when the visitor saves.
pub(super) fn every_flag(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let mut grants = switches(tree.as_object()?);
    grants.retain(|grant| !matches!(grant.name.as_str(), "version" | "ver" | "timestamp"));
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// Like [`every_flag`], where another entry tells whether the visitor answered.
pub(super) fn flags_as_state(entry: &Entry<'_>) -> Option<Reading> {
    Reading::state(every_flag(entry)?.grants)
}

/// `{"id":…,"consents":{"analytics":false,…}}` (Finsweet).
pub(super) fn nested_flags(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let grants = switches(member(&tree, &["consents"]).or_else(|| tree.as_object())?);
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `groups=C0001:1,C0002:0` among other parameters; there before the visitor answers.
pub(super) fn onetrust(entry: &Entry<'_>) -> Option<Reading> {
    let groups = decode::query_value(entry.raw, "groups")?;
    let grants: Vec<Grant> = decode::pairs(&groups)
        .into_iter()
        .filter_map(|(id, state)| Some(onetrust_group(id, yes_or_no(state)?)))
        .collect();
    let number = |key| {
        decode::query_value(entry.raw, key).and_then(|number| number.trim().parse::<u64>().ok())
    };
    let asked_again =
        decode::query_value(entry.raw, "AwaitingReconsent").is_some_and(|value| value == "true");
    // Global Privacy Control is an answer too: the visitor's browser gives it.
    let explicit = !asked_again
        && (number("interactionCount").unwrap_or(0) > 0 || number("isGpcEnabled") == Some(1));
    (!grants.is_empty()).then_some(Reading { grants, explicit })
}

/// `OneTrust` numbers its categories: `C0001`, formerly `1`, is what cannot be refused.
pub(super) fn onetrust_group(id: &str, granted: bool) -> Grant {
    let mut group = optional(id, granted);
    group.necessary = matches!(id, "C0001" | "1");
    group
}

/// `{stamp:'…',necessary:true,marketing:false,method:'explicit'}`, or a bare `0` or `-1`.
pub(super) fn cookiebot(entry: &Entry<'_>) -> Option<Reading> {
    const CATEGORIES: [&str; 3] = ["preferences", "statistics", "marketing"];
    let all = |granted| CATEGORIES.map(|name| optional(name, granted)).to_vec();
    match entry.text.as_str() {
        "0" => return Some(Reading::answer(all(false))),
        // Outside of the regions where the site asks, everything is taken as granted.
        "-1" => return Reading::state(all(true)),
        _ => {}
    }
    let tree = entry.tree()?;
    let object = tree.as_object()?;
    let mut grants = vec![necessary("necessary")];
    for name in CATEGORIES {
        if let Some(granted) = object.get(name).and_then(flag) {
            grants.push(optional(name, granted));
        }
    }
    if grants.len() == 1 {
        return None;
    }
    let text = |key| object.get(key).and_then(Value::as_str);
    let explicit = match text("method") {
        Some(method) => method == "explicit",
        None => text("stamp").is_some_and(|stamp| stamp.len() > 8),
    };
    Some(Reading { grants, explicit })
}

/// `consent:no,action:yes,necessary:yes,analytics:no`; empty values before the answer.
pub(super) fn cookieyes(entry: &Entry<'_>) -> Option<Reading> {
    const MARKS: [&str; 4] = ["consentid", "consent", "action", "lastRenewedDate"];
    let pairs = decode::pairs(&entry.text);
    let action = pairs
        .iter()
        .any(|(key, value)| *key == "action" && *value == "yes");
    let grants: Vec<Grant> = pairs
        .into_iter()
        .filter(|(key, _)| !MARKS.contains(key))
        .filter_map(|(key, value)| Some(grant(key, yes_or_no(value)?)))
        .collect();
    (action || !grants.is_empty()).then_some(Reading {
        grants,
        explicit: action,
    })
}

/// `CookieYes`' older plug-in: base64 of `{"necessary":true,"analytics":false}`.
pub(super) fn cookie_law_info(entry: &Entry<'_>) -> Option<Reading> {
    flags_as_state(entry)
}

/// One category of `CookieYes`' older plug-in; there before the visitor answers.
pub(super) fn cookie_law_info_box(entry: &Entry<'_>) -> Option<Reading> {
    let name = entry.name.get("cookielawinfo-checkbox-".len()..)?;
    Reading::state(vec![grant(name, yes_or_no(&entry.text)?)])
}

/// `yes` after any answer but a refusal, `no` after a refusal.
pub(super) fn viewed_cookie_policy(entry: &Entry<'_>) -> Option<Reading> {
    Some(if yes_or_no(&entry.text)? {
        Reading::marker()
    } else {
        Reading::answer(vec![optional("cookies", false)])
    })
}

/// `cmplz_marketing=deny`.
pub(super) fn complianz(entry: &Entry<'_>) -> Option<Reading> {
    let name = entry.name.get("cmplz_".len()..)?;
    let granted = match entry.text.as_str() {
        "allow" => true,
        "deny" => false,
        _ => return None,
    };
    let mut category = grant(name, granted);
    category.necessary |= name == "functional";
    Reading::state(vec![category])
}

/// `dismissed` once the banner was answered.
pub(super) fn complianz_status(entry: &Entry<'_>) -> Option<Reading> {
    (entry.text == "dismissed").then(Reading::marker)
}

/// `!youtube=true!gtag=false!other=wait`; `wait` is not answered yet.
pub(super) fn tarteaucitron(entry: &Entry<'_>) -> Option<Reading> {
    let grants: Vec<Grant> = entry
        .text
        .strip_prefix('!')?
        .split('!')
        .filter_map(|part| part.split_once('='))
        .filter_map(|(service, state)| match state {
            "true" => Some(optional(service, true)),
            "false" => Some(optional(service, false)),
            _ => None,
        })
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `{"$$completed":true,"google_analytics":false}`.
pub(super) fn axeptio(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let object = tree.as_object()?;
    let grants: Vec<Grant> = object
        .iter()
        .filter(|(name, _)| !name.starts_with("$$"))
        .filter_map(|(name, value)| Some(optional(name, value.as_bool()?)))
        .collect();
    let explicit = object.get("$$completed").and_then(flag) == Some(true);
    (explicit || !grants.is_empty()).then_some(Reading { grants, explicit })
}

/// `{"purposes":{"1":true,"4":false},"consent":true}`; purpose 1 is what cannot be refused.
pub(super) fn iubenda(entry: &Entry<'_>) -> Option<Reading> {
    iubenda_object(entry.tree()?.as_object()?).map(Reading::answer)
}

pub(super) fn iubenda_object(object: &Map<String, Value>) -> Option<Vec<Grant>> {
    if let Some(purposes) = object.get("purposes").and_then(Value::as_object) {
        let grants: Vec<Grant> = purposes
            .iter()
            .filter_map(|(id, value)| {
                let mut purpose = optional(&format!("purpose {id}"), flag(value)?);
                purpose.necessary = id == "1";
                Some(purpose)
            })
            .collect();
        if !grants.is_empty() {
            return Some(grants);
        }
    }
    let consent = object.get("consent").and_then(flag)?;
    Some(vec![optional("consent", consent)])
}

/// `{"optionalCookies":{"analytics":"revoked"},"interactedWith":true}`.
pub(super) fn civic(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let mut grants: Vec<Grant> = member(&tree, &["optionalCookies"])
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(optional(name, flag(value)?)))
        .collect();
    if let Some(accepted) = tree.get("acceptedCategories").and_then(Value::as_array) {
        grants.extend(
            accepted
                .iter()
                .filter_map(|name| Some(grant(name.as_str()?, true))),
        );
    }
    let explicit = tree.get("interactedWith").and_then(flag) == Some(true);
    (explicit || !grants.is_empty()).then_some(Reading { grants, explicit })
}

/// `{"consent":false,"categories":{"1":true,"2":false}}`; category 1 is what cannot be refused.
pub(super) fn hu_consent(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let mut grants: Vec<Grant> = member(&tree, &["categories"])
        .into_iter()
        .flatten()
        .filter_map(|(id, value)| {
            let mut category = optional(&format!("category {id}"), flag(value)?);
            category.necessary = id == "1";
            Some(category)
        })
        .collect();
    if grants.is_empty() {
        grants.push(optional("consent", tree.get("consent").and_then(flag)?));
    }
    Some(Reading::answer(grants))
}

/// `{"con":{"CMP":{"a":"0","m":"","p":"1"}}}`; an empty text is not answered yet.
pub(super) fn shopify(entry: &Entry<'_>) -> Option<Reading> {
    let long = |name: &str| match name {
        "a" => "analytics".to_owned(),
        "m" => "marketing".to_owned(),
        "p" => "preferences".to_owned(),
        "s" => "sale of data".to_owned(),
        other => other.to_owned(),
    };
    let read = |object: &Map<String, Value>| -> Vec<Grant> {
        object
            .iter()
            .filter_map(|(name, value)| Some(optional(&long(name), flag(value)?)))
            .collect()
    };
    let tree = entry.tree()?;
    let answered = member(&tree, &["con", "CMP"]).map(read).unwrap_or_default();
    if answered.is_empty() {
        Reading::state(read(member(&tree, &["purposes"])?))
    } else {
        Some(Reading::answer(answered))
    }
}

/// `1:true,2:false,3:false`: analytics, advertisement, functionality.
pub(super) fn hubspot(entry: &Entry<'_>) -> Option<Reading> {
    let grants: Vec<Grant> = decode::pairs(&entry.text)
        .into_iter()
        .filter_map(|(id, value)| {
            let name = match id {
                "1" => "analytics",
                "2" => "advertisement",
                "3" => "functionality",
                other => other,
            };
            Some(optional(name, yes_or_no(value)?))
        })
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `consent:true|c1:1|c2:0|ts:…`.
pub(super) fn tealium(entry: &Entry<'_>) -> Option<Reading> {
    let pairs = decode::pairs(&entry.text);
    let mut grants: Vec<Grant> = pairs
        .iter()
        .filter(|(key, _)| key.starts_with('c') && key[1..].parse::<u8>().is_ok())
        .filter_map(|(key, value)| Some(optional(key, yes_or_no(value)?)))
        .collect();
    let consent = pairs
        .iter()
        .find(|(key, _)| *key == "consent")
        .and_then(|(_, value)| yes_or_no(value));
    if grants.is_empty() {
        grants.push(optional("consent", consent?));
    }
    Some(Reading {
        grants,
        explicit: consent.is_some(),
    })
}

/// `0:0|c1:1|c2:0`: one means opted out.
pub(super) fn tealium_opt_out(entry: &Entry<'_>) -> Option<Reading> {
    let grants: Vec<Grant> = decode::pairs(&entry.text)
        .into_iter()
        .filter_map(|(key, value)| Some(optional(key, !yes_or_no(value)?)))
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `{"func":0,"anl":0,"adv":0,"ess":1,"dt3":1}`. `dt3`, whether data may go to third parties, is the answer to
/// another question, that of the California Consumer Privacy Act.
pub(super) fn wix(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let object = tree.as_object()?;
    let grants: Vec<Grant> = ["ess", "func", "anl", "adv"]
        .into_iter()
        .filter_map(|name| Some(grant(name, flag(object.get(name)?)?)))
        .collect();
    (grants.len() > 1).then(|| Reading::answer(grants))
}

/// `{"consent":{"analytics":false},"fides_meta":{"consentMethod":"reject"}}`.
pub(super) fn fides(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let mut grants = switches(member(&tree, &["consent"])?);
    for grant in &mut grants {
        grant.necessary |= category(&grant.name) == Some(Category::Necessary);
    }
    let method = member(&tree, &["fides_meta"])
        .and_then(|meta| meta.get("consentMethod"))
        .and_then(Value::as_str);
    let explicit = matches!(
        method,
        Some("accept" | "reject" | "save" | "individual_accept")
    );
    (explicit || !grants.is_empty()).then_some(Reading { grants, explicit })
}

/// `{"analytics":{"status":"denied"},"essential_services":{"status":"granted"}}` in base64; in local
/// storage that text is the member `value` of an object.
pub(super) fn ketch(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let inner = tree
        .get("value")
        .and_then(Value::as_str)
        .and_then(|text| decode::tree(&decode::text(text)?));
    let purposes = inner.as_ref().unwrap_or(&tree).as_object()?;
    let grants: Vec<Grant> = purposes
        .iter()
        .filter_map(|(name, purpose)| Some(grant(name, flag(purpose.get("status")?)?)))
        .collect();
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// `{"TERMLY_COOKIE_CONSENT":{"value":{"essential":true,"analytics":false}}}`.
pub(super) fn termly(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let grants = switches(member(&tree, &["TERMLY_COOKIE_CONSENT", "value"])?);
    (!grants.is_empty()).then(|| Reading::answer(grants))
}

/// Services with their history; an entry of type `explicit` is an answer of the visitor.
pub(super) fn usercentrics(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let services = tree.get("services")?.as_array()?;
    let (mut explicit, mut from_the_start) = (false, false);
    let mut grants = Vec::new();
    for service in services {
        let Some(granted) = service.get("status").and_then(flag) else {
            continue;
        };
        let last = service
            .get("history")
            .and_then(Value::as_array)
            .and_then(|history| history.last());
        let text = |key| last.and_then(|last| last.get(key)).and_then(Value::as_str);
        explicit |= text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("explicit"));
        let name = ["name", "processorId", "id"]
            .into_iter()
            .find_map(|key| service.get(key)?.as_str())
            .unwrap_or("service");
        let mut grant = optional(name, granted);
        // What stays on after everything was denied cannot be refused.
        grant.necessary = service.get("isEssential").and_then(flag) == Some(true)
            || (granted && text("action") == Some("onDenyAllServices"));
        from_the_start |= text("action") == Some("onInitialPageLoad");
        grants.push(grant);
    }
    // Where some are off from the start, those that are on are the ones nobody is asked about.
    if from_the_start && !explicit && grants.iter().any(|grant| !grant.granted) {
        for grant in &mut grants {
            grant.necessary |= grant.granted;
        }
    }
    (!grants.is_empty()).then_some(Reading { grants, explicit })
}

/// Usercentrics 3: `{"consent":{"services":{id:{"name":…,"consent":false}},"type":"EXPLICIT"}}`.
pub(super) fn usercentrics_data(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let consent = tree.get("consent").unwrap_or(&tree);
    let mut explicit = is_explicit(consent.get("type"));
    let mut grants = Vec::new();
    for (id, service) in consent.get("services")?.as_object()? {
        let given = service.get("consent").unwrap_or(service);
        explicit |= is_explicit(given.get("type"));
        let Some(granted) = flag(given).or_else(|| given.get("given").and_then(flag)) else {
            continue;
        };
        let name = service.get("name").and_then(Value::as_str).unwrap_or(id);
        let mut grant = optional(name, granted);
        grant.necessary = service.get("essential").and_then(flag) == Some(true)
            || service
                .get("category")
                .and_then(Value::as_str)
                .is_some_and(|name| category(name) == Some(Category::Necessary))
            // The platform lists itself, always granted.
            || name.starts_with("Usercentrics");
        grants.push(grant);
    }
    (!grants.is_empty()).then_some(Reading { grants, explicit })
}

fn is_explicit(kind: Option<&Value>) -> bool {
    kind.and_then(Value::as_str)
        .is_some_and(|kind| kind.eq_ignore_ascii_case("explicit"))
}

/// Usercentrics 1: `{"consents":[{"dataProcessor":…,"consentStatus":false}]}`.
pub(super) fn usercentrics_first(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let grants = tree
        .get("consents")?
        .as_array()?
        .iter()
        .filter_map(|consent| {
            let granted = consent.get("consentStatus").and_then(flag)?;
            let name = consent.get("dataProcessor").and_then(Value::as_str);
            let mut grant = optional(name.unwrap_or("service"), granted);
            grant.necessary = consent.get("isEssential").and_then(flag) == Some(true);
            Some(grant)
        })
        .collect();
    Reading::state(grants)
}

/// `{"gdpr":{"consentStatus":{"consentedAll":…,"hasConsentData":…},"euconsent":…}}`.
pub(super) fn sourcepoint(entry: &Entry<'_>) -> Option<Reading> {
    let tree = entry.tree()?;
    let gdpr = tree.get("gdpr").unwrap_or(&tree);
    let status = gdpr.get("consentStatus")?;
    let is = |key| status.get(key).and_then(flag) == Some(true);
    let purposes = status
        .get("granularStatus")
        .and_then(|granular| granular.get("purposeConsent"))
        .and_then(Value::as_str);
    let grants = if is("consentedAll") {
        vec![optional("all purposes", true)]
    } else if let Some(tc) = gdpr
        .get("euconsent")
        .and_then(Value::as_str)
        .and_then(TcString::parse)
    {
        tc.decided()
    } else {
        match purposes {
            Some("ALL") => vec![optional("all purposes", true)],
            Some("NONE") => vec![optional("all purposes", false)],
            Some("SOME") => vec![
                optional("some purposes", true),
                optional("other purposes", false),
            ],
            _ => Vec::new(),
        }
    };
    let explicit = is("hasConsentData");
    (explicit || !grants.is_empty()).then_some(Reading { grants, explicit })
}
