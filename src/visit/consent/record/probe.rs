//! Reads what the page's consent platforms answered to the probe.

use serde_json::{Map, Value};

use crate::model::snapshot::Grant;

use super::category::{Category, MOST_GRANTS, category, clean, flag, grant, optional, yes_or_no};
use super::tcf::{self, TcString};
use super::{CMP_API, CONSENT_MODE, Record, TC_STRING, platforms, settings};

/// Asks the page's consent platforms what they recorded; an expression for `Runtime.evaluate`.
///
/// Evaluate it in the page's main world with `awaitPromise` and `returnByValue`. It changes
/// nothing, returns within two seconds of the page's clock unless the page itself hangs, and
/// yields an object for [`read_probe`] and [`read_signals`](super::signals::read_signals).
pub const PROBE: &str = concat!(
    "(async () => { const [found, signals] = await Promise.all([(",
    include_str!("probe.js"),
    ")(), (",
    include_str!("signals.js"),
    ")().catch(() => ({}))]); return { ...found, signals }; })()"
);

type Reader = fn(&Value) -> Vec<Record>;

/// Keys of the probe's object with their readers.
const READERS: &[(&str, Reader)] = &[
    ("tcf", tcf),
    ("onetrust", onetrust),
    ("cookiebot", cookiebot),
    ("usercentrics", usercentrics),
    ("usercentrics2", usercentrics2),
    ("didomi", didomi),
    ("klaro", klaro),
    ("tarteaucitron", tarteaucitron),
    ("vanilla", vanilla),
    ("cookieyes", cookieyes),
    ("cookieScript", cookie_script),
    ("cookieInformation", cookie_information),
    ("iubenda", iubenda),
    ("osano", osano),
    ("shopify", shopify),
    ("consentmanager", consentmanager),
    ("consentMode", consent_mode),
    ("consentState", consent_state),
];

/// Decodes what [`PROBE`] returned; what has another shape is passed over.
pub fn read_probe(answer: &Value) -> Vec<Record> {
    READERS
        .iter()
        .filter_map(|(key, read)| Some(read(answer.get(key)?)))
        .flatten()
        .map(|mut record| {
            record.grants.truncate(MOST_GRANTS);
            record
        })
        .collect()
}

fn record(
    platform: &'static str,
    kind: &'static str,
    source: &str,
    grants: Vec<Grant>,
    explicit: bool,
) -> Vec<Record> {
    if grants.is_empty() && !explicit {
        return Vec::new();
    }
    vec![Record {
        platform,
        kind,
        source: source.to_owned(),
        grants,
        explicit,
    }]
}

fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

fn text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

fn object<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
}

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    value
        .get(key)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect()
}

fn tcf(answer: &Value) -> Vec<Record> {
    let explicit = text(answer, "eventStatus") == Some("useractioncomplete");
    let grants = text(answer, "tcString")
        .and_then(TcString::parse)
        .map_or_else(
            || {
                object(answer, "purposes")
                    .filter_map(|(id, value)| {
                        Some(optional(
                            &tcf::purpose_name(id.parse().ok()?),
                            value.as_bool()?,
                        ))
                    })
                    .collect()
            },
            |tc| tc.grants(),
        );
    let mut records = record("tcf", TC_STRING, "__tcfapi", grants, explicit);
    let additional = text(answer, "addtlConsent").and_then(platforms::additional);
    records.extend(additional.into_iter().flat_map(|grants| {
        record(
            "google-additional-consent",
            TC_STRING,
            "__tcfapi addtlConsent",
            grants,
            explicit,
        )
    }));
    records
}

fn onetrust(answer: &Value) -> Vec<Record> {
    let active: Vec<&str> = text(answer, "active")
        .unwrap_or_default()
        .split(',')
        .filter(|id| !id.is_empty())
        .collect();
    let mut grants: Vec<Grant> = active
        .iter()
        .map(|id| settings::onetrust_group(id, true))
        .collect();
    let groups = answer.get("groups").and_then(Value::as_array);
    for group in groups.into_iter().flatten() {
        let Some(id) = text(group, "id") else {
            continue;
        };
        if let Some(known) = grants.iter_mut().find(|grant| grant.name == clean(id)) {
            known.necessary |= is(group, "always");
        } else {
            grants.push(settings::onetrust_group(id, false));
        }
    }
    record(
        "onetrust",
        CMP_API,
        "OnetrustActiveGroups",
        grants,
        is(answer, "closed"),
    )
}

fn cookiebot(answer: &Value) -> Vec<Record> {
    let grants = object(answer, "consent")
        .filter(|(name, _)| {
            matches!(
                name.as_str(),
                "necessary" | "preferences" | "statistics" | "marketing"
            )
        })
        .filter_map(|(name, value)| Some(grant(name, value.as_bool()?)))
        .collect();
    let explicit = is(answer, "answered") && text(answer, "method") != Some("implied");
    record("cookiebot", CMP_API, "Cookiebot.consent", grants, explicit)
}

fn services(list: &Value) -> (Vec<Grant>, bool) {
    let mut explicit = false;
    let grants = list
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|service| {
            explicit |=
                text(service, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("explicit"));
            let given = service.get("given").and_then(Value::as_bool)?;
            let mut grant = optional(text(service, "name").unwrap_or("service"), given);
            grant.necessary = is(service, "essential")
                || text(service, "category")
                    .is_some_and(|name| category(name) == Some(Category::Necessary));
            Some(grant)
        })
        .collect();
    (grants, explicit)
}

fn usercentrics(answer: &Value) -> Vec<Record> {
    let (mut grants, mut explicit) = answer.get("services").map(services).unwrap_or_default();
    // The platform's own summary knows which services cannot be refused.
    match text(answer, "status") {
        Some("ALL_DENIED") => grants
            .iter_mut()
            .for_each(|grant| grant.necessary |= grant.granted),
        Some("ALL_ACCEPTED") if grants.is_empty() => grants.push(optional("all services", true)),
        _ => {}
    }
    explicit |= text(answer, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("explicit"));
    record(
        "usercentrics",
        CMP_API,
        "__ucCmp.getConsentDetails",
        grants,
        explicit,
    )
}

fn usercentrics2(answer: &Value) -> Vec<Record> {
    let (grants, explicit) = services(answer);
    record(
        "usercentrics",
        CMP_API,
        "UC_UI.getServicesBaseInfo",
        grants,
        explicit,
    )
}

fn didomi(answer: &Value) -> Vec<Record> {
    let essential = texts(answer, "essential");
    let grants = switches(answer, "purposes", &essential);
    record(
        "didomi",
        CMP_API,
        "Didomi.getCurrentUserStatus",
        grants,
        is(answer, "answered"),
    )
}

/// The switches under `key`; those named in `fixed` cannot be refused.
fn switches(answer: &Value, key: &str, fixed: &[&str]) -> Vec<Grant> {
    object(answer, key)
        .filter_map(|(name, value)| {
            let mut grant = optional(name, value.as_bool()?);
            grant.necessary = fixed.contains(&name.as_str());
            Some(grant)
        })
        .collect()
}

fn klaro(answer: &Value) -> Vec<Record> {
    let grants = switches(answer, "consents", &texts(answer, "required"));
    record(
        "klaro",
        CMP_API,
        "klaro.getManager",
        grants,
        is(answer, "confirmed"),
    )
}

fn tarteaucitron(answer: &Value) -> Vec<Record> {
    // The state holds what loaded, the cookie what was answered: `wait` is not answered yet.
    let answered = text(answer, "cookie")
        .is_some_and(|cookie| cookie.contains("=true") || cookie.contains("=false"));
    let grants = switches(answer, "state", &[]);
    record(
        "tarteaucitron",
        CMP_API,
        "tarteaucitron.state",
        grants,
        answered,
    )
}

fn vanilla(answer: &Value) -> Vec<Record> {
    let all_necessary = text(answer, "type") == Some("necessary");
    let mut grants: Vec<Grant> = texts(answer, "accepted")
        .into_iter()
        .map(|name| {
            let mut grant = grant(name, true);
            grant.necessary |= all_necessary;
            grant
        })
        .collect();
    grants.extend(
        texts(answer, "rejected")
            .into_iter()
            .map(|name| optional(name, false)),
    );
    record(
        "vanilla-cookieconsent",
        CMP_API,
        "CookieConsent.getUserPreferences",
        grants,
        is(answer, "answered"),
    )
}

fn cookieyes(answer: &Value) -> Vec<Record> {
    let grants = object(answer, "categories")
        .filter_map(|(name, value)| Some(grant(name, value.as_bool()?)))
        .collect();
    record(
        "cookieyes",
        CMP_API,
        "getCkyConsent",
        grants,
        is(answer, "answered"),
    )
}

fn cookie_script(answer: &Value) -> Vec<Record> {
    let action = text(answer, "action");
    let explicit = matches!(action, Some("accept" | "acceptall" | "reject" | "save"));
    let mut grants: Vec<Grant> = texts(answer, "categories")
        .into_iter()
        .map(|name| grant(name, true))
        .collect();
    if grants.iter().all(|grant| grant.necessary) && explicit {
        grants.push(optional(
            "everything else",
            action != Some("reject") && grants.is_empty(),
        ));
    }
    record(
        "cookie-script",
        CMP_API,
        "CookieScript.instance.currentState",
        grants,
        explicit,
    )
}

fn cookie_information(answer: &Value) -> Vec<Record> {
    let grants = answer
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(optional(name, value.as_bool()?)))
        .collect();
    // The API does not tell answers from defaults; the platform's cookie does.
    record(
        "cookie-information",
        CMP_API,
        "CookieInformation.getConsentGivenFor",
        grants,
        false,
    )
}

fn iubenda(answer: &Value) -> Vec<Record> {
    let grants = answer
        .as_object()
        .and_then(settings::iubenda_object)
        .unwrap_or_default();
    record(
        "iubenda",
        CMP_API,
        "_iub.cs.consent",
        grants,
        is(answer, "answered"),
    )
}

fn osano(answer: &Value) -> Vec<Record> {
    let grants = answer
        .as_object()
        .into_iter()
        .flatten()
        // One tells of the sale of data, the other of what the page needs to work.
        .filter(|(name, _)| !matches!(name.as_str(), "OPT_OUT" | "STORAGE"))
        .filter_map(|(name, value)| Some(grant(name, flag(value)?)))
        .collect();
    // The API does not tell answers from defaults.
    record("osano", CMP_API, "Osano.cm.getConsent", grants, false)
}

fn shopify(answer: &Value) -> Vec<Record> {
    let grants: Vec<Grant> = answer
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, value)| Some(optional(name, yes_or_no(value.as_str()?)?)))
        .collect();
    let explicit = !grants.is_empty();
    record(
        "shopify",
        CMP_API,
        "Shopify.customerPrivacy",
        grants,
        explicit,
    )
}

fn consentmanager(answer: &Value) -> Vec<Record> {
    let mut grants = switches(answer, "purposes", &["51"]);
    let explicit = is(answer, "answered");
    if grants.is_empty() && explicit {
        grants.push(optional("purposes", false));
    }
    record(
        "consentmanager",
        CMP_API,
        "__cmp getCMPData",
        grants,
        explicit,
    )
}

/// Consent types; the last two cannot be refused or rarely are: most sites grant them always.
fn consent_type(name: &str, granted: bool) -> Grant {
    let mut grant = optional(name, granted);
    grant.necessary = matches!(name, "security_storage" | "functionality_storage");
    grant
}

/// The calls of the page in order: what stood by default, and what the last updates left.
fn consent_mode(answer: &Value) -> Vec<Record> {
    let mut defaults = Map::new();
    let mut updates = Map::new();
    let commands = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let worldwide = commands
        .iter()
        .any(|command| text(command, "command") == Some("default") && !is(command, "regional"));
    for command in commands {
        let states = match text(command, "command") {
            // Which region holds, only Google knows: the worldwide default is the surer one.
            Some("default") if worldwide && is(command, "regional") => continue,
            Some("default") => &mut defaults,
            Some("update") => &mut updates,
            _ => continue,
        };
        for (name, state) in object(command, "states") {
            states.insert(name.clone(), state.clone());
        }
    }
    let read = |states: &Map<String, Value>| -> Vec<Grant> {
        states
            .iter()
            .filter_map(|(name, state)| match state.as_str()? {
                "granted" => Some(consent_type(name, true)),
                "denied" => Some(consent_type(name, false)),
                _ => None,
            })
            .collect()
    };
    let current = read(&updates);
    let explicit = !current.is_empty();
    let mut records = record(
        "google-consent-mode",
        CONSENT_MODE,
        "dataLayer default",
        read(&defaults),
        false,
    );
    records.extend(record(
        "google-consent-mode",
        CONSENT_MODE,
        "dataLayer update",
        current,
        explicit,
    ));
    records
}

/// What Google's own tags go by.
fn consent_state(answer: &Value) -> Vec<Record> {
    let mut explicit = false;
    let grants = answer
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, state)| {
            let update = state.get("update").and_then(Value::as_bool);
            explicit |= update.is_some();
            let granted = update.or_else(|| state.get("default").and_then(Value::as_bool))?;
            Some(consent_type(name, granted))
        })
        .collect();
    record(
        "google-consent-mode",
        CONSENT_MODE,
        "google_tag_data.ics",
        grants,
        explicit,
    )
}

#[cfg(test)]
mod tests;
