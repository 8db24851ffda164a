//! Which platform writes which name, and who reads it.

use serde_json::Value;

use crate::model::snapshot::Grant;

use super::category::optional;
use super::tcf::{self, TcString};
use super::{CMP_RECORD, Record, TC_STRING, decode, lists, settings};

/// A value on its way to a reader.
pub(super) struct Entry<'a> {
    /// Name of the cookie or storage entry.
    pub(super) name: &'a str,
    /// The value as stored.
    pub(super) raw: &'a str,
    /// The value without escapes.
    pub(super) text: String,
}

impl Entry<'_> {
    /// The object or array in the value.
    pub(super) fn tree(&self) -> Option<Value> {
        decode::tree(&self.text)
    }
}

/// What a reader found.
pub(super) struct Reading {
    pub(super) grants: Vec<Grant>,
    pub(super) explicit: bool,
}

impl Reading {
    /// An answer of the visitor.
    pub(super) fn answer(grants: Vec<Grant>) -> Self {
        Self {
            grants,
            explicit: true,
        }
    }

    /// A state that may be a default.
    pub(super) fn state(grants: Vec<Grant>) -> Option<Self> {
        (!grants.is_empty()).then_some(Self {
            grants,
            explicit: false,
        })
    }

    /// The banner was answered; how, other entries of the platform tell.
    pub(super) fn marker() -> Self {
        Self::answer(Vec::new())
    }
}

type Reader = fn(&Entry<'_>) -> Option<Reading>;

/// Names with their readers. A star at either end stands for anything.
const READERS: &[(&str, &str, Reader)] = &[
    ("*_AdobeOrg_consent", "adobe", lists::adobe),
    ("axeptio_all_vendors", "axeptio", lists::nothing),
    ("axeptio_authorized_vendors", "axeptio", lists::axeptio),
    ("axeptio_cookies", "axeptio", settings::axeptio),
    ("borlabs-cookie", "borlabs", lists::borlabs),
    ("CookieControl", "civic", settings::civic),
    ("__cmpcpc*", "consentmanager", lists::consentmanager),
    ("cookiefirst-consent", "cookiefirst", settings::every_flag),
    ("cookiehub", "cookiehub", lists::cookiehub),
    (
        "CookieInformationConsent",
        "cookie-information",
        lists::cookie_information,
    ),
    ("cookie_notice_accepted", "cookie-notice", lists::whole),
    ("hu-consent", "cookie-notice", settings::hu_consent),
    ("CookieScriptConsent", "cookie-script", lists::cookie_script),
    ("CookieConsent", "cookiebot", settings::cookiebot),
    ("cookieyes-consent", "cookieyes", settings::cookieyes),
    (
        "CookieLawInfoConsent",
        "cookieyes",
        settings::cookie_law_info,
    ),
    (
        "cookielawinfo-checkbox-*",
        "cookieyes",
        settings::cookie_law_info_box,
    ),
    (
        "viewed_cookie_policy",
        "cookieyes",
        settings::viewed_cookie_policy,
    ),
    (
        "cmplz_banner-status",
        "complianz",
        settings::complianz_status,
    ),
    (
        "cmplz_consented_services",
        "complianz",
        settings::flags_as_state,
    ),
    ("cmplz_consent_status", "complianz", lists::whole),
    ("cmplz_*", "complianz", settings::complianz),
    ("didomi_token", "didomi", lists::didomi),
    (
        "cookie-agreed",
        "eu-cookie-compliance",
        lists::eu_cookie_compliance,
    ),
    (
        "cookie-agreed-categories",
        "eu-cookie-compliance",
        lists::allowed_names,
    ),
    ("fides_consent", "fides", settings::fides),
    ("fs-cc", "finsweet", settings::nested_flags),
    ("fs-consent", "finsweet", settings::nested_flags),
    ("SOCS", "google", lists::google_socs),
    ("FCCDCF", "google-funding-choices", lists::funding_choices),
    ("__hs_cookie_cat_pref", "hubspot", settings::hubspot),
    ("__hs_opt_out", "hubspot", lists::opted_out),
    ("_iub_cs-*", "iubenda", settings::iubenda),
    ("_ketch_consent*", "ketch", settings::ketch),
    ("klaro*", "klaro", settings::every_flag),
    ("mtm_consent", "matomo", lists::presence),
    ("mtm_cookie_consent", "matomo", lists::presence),
    ("mtm_consent_removed", "matomo", lists::removal),
    ("moove_gdpr_popup", "moove", settings::every_flag),
    ("OptanonAlertBoxClosed", "onetrust", lists::onetrust_closed),
    ("OptanonConsent", "onetrust", settings::onetrust),
    ("cookieconsent_status", "osano", lists::whole),
    // Encrypted, and written when the visitor has answered: the platform's function says how.
    ("osano_consentmanager", "osano", lists::answered),
    ("_pandectes_gdpr", "pandectes", lists::pandectes),
    ("pa_privacy", "piano", lists::piano),
    ("_tracking_consent", "shopify", settings::shopify),
    ("_sp_user_consent*", "sourcepoint", settings::sourcepoint),
    ("tarteaucitron", "tarteaucitron", settings::tarteaucitron),
    ("TC_PRIVACY", "commanders-act", lists::commanders_act),
    ("CONSENTMGR", "tealium", settings::tealium),
    ("OPTOUTMULTI", "tealium", settings::tealium_opt_out),
    ("TERMLY_API_CACHE", "termly", settings::termly),
    ("cmapi_cookie_privacy", "trustarc", lists::trustarc_permit),
    ("notice_gdpr_prefs", "trustarc", lists::trustarc_prefs),
    ("notice_preferences", "trustarc", lists::trustarc_level),
    ("uc_settings", "usercentrics", settings::usercentrics),
    (
        "uc_user_interaction",
        "usercentrics",
        lists::usercentrics_marker,
    ),
    ("ucData", "usercentrics", settings::usercentrics_data),
    ("usercentrics", "usercentrics", settings::usercentrics_first),
    ("cc_cookie", "vanilla-cookieconsent", lists::vanilla),
    ("consent-policy", "wix", settings::wix),
];

/// Names of consent records nobody but their platform can read, and of what stands beside them.
const UNREADABLE: &[&str] = &[
    "FCNEC",
    "CONSENT",
    "li_gc",
    "didomi_dcs",
    "osano_consentmanager_*",
    "__cmpconsent*",
    "__cmpccc*",
    "__cmpcvc*",
    "__cmpcc*",
    "__cmpiab*",
    "consentUUID",
    "notice_behavior",
    "cmapi_gtm_bl",
    "real_cookie_banner*",
    "uc_tcf",
    "ucString",
    "uc_gcm",
    "euconsent*",
    "eupubconsent*",
    "addtl_consent",
    "OTGPPConsent",
    "gpp",
    "_gpp",
    "usprivacy",
    "noniabvendorconsent",
    "_cmpRepromptHash",
    "cookiefirst-id",
    "__hs_initial_opt_in",
    "_cmp_a",
    "gravitoData",
    "OptanonChoice",
    "axeptio_*",
    "borlabs-cookie*",
    "hu-*",
    "fs_consent",
    "termly*",
    "TC_PRIVACY_*",
    "TERMLY*",
    "*euconsent-v2",
];

/// Sections of a GPP string that are looked at.
const MOST_SECTIONS: usize = 32;

fn matches(pattern: &str, name: &str) -> bool {
    let same = |left: &str, right: &str| left.eq_ignore_ascii_case(right);
    if let Some(beginning) = pattern.strip_suffix('*') {
        name.get(..beginning.len())
            .is_some_and(|start| same(start, beginning))
    } else if let Some(end) = pattern.strip_prefix('*') {
        name.len()
            .checked_sub(end.len())
            .and_then(|start| name.get(start..))
            .is_some_and(|tail| same(tail, end))
    } else {
        same(pattern, name)
    }
}

/// Whether the name belongs to a known platform.
pub(super) fn is_known_name(name: &str) -> bool {
    READERS.iter().any(|(pattern, ..)| matches(pattern, name))
        || UNREADABLE.iter().any(|pattern| matches(pattern, name))
}

/// Decodes a value by its name, else by its shape. The caller names the source.
pub(super) fn read(name: &str, value: &str) -> Option<Record> {
    let text = decode::text(value)?;
    let entry = Entry {
        name,
        raw: value,
        text,
    };
    let named = READERS.iter().find(|(pattern, ..)| matches(pattern, name));
    let known = named.and_then(|(_, platform, read)| Some((*platform, read(&entry)?)));
    known
        .or_else(|| by_shape(&entry))
        .map(|(platform, reading)| record(platform, CMP_RECORD, reading))
        .or_else(|| strings(&entry))
}

fn record(platform: &'static str, kind: &'static str, reading: Reading) -> Record {
    Record {
        platform,
        kind,
        source: String::new(),
        grants: reading.grants,
        explicit: reading.explicit,
    }
}

/// Formats that are unmistakable, for sites that renamed the record.
fn by_shape(entry: &Entry<'_>) -> Option<(&'static str, Reading)> {
    if entry.text.starts_with('!') {
        return Some(("tarteaucitron", settings::tarteaucitron(entry)?));
    }
    if entry.text.contains("consentId") && entry.text.contains("consentTimestamp") {
        return Some(("vanilla-cookieconsent", lists::vanilla(entry)?));
    }
    if entry.text.contains("stamp:") && entry.text.contains("method:") {
        return Some(("cookiebot", settings::cookiebot(entry)?));
    }
    None
}

/// TC strings and AC strings.
fn strings(entry: &Entry<'_>) -> Option<Record> {
    // A GPP string holds a TC string as one of its sections.
    let mut sections = entry.text.split('~').take(MOST_SECTIONS);
    if let Some(tc) = sections.find_map(TcString::parse) {
        return Some(record("tcf", TC_STRING, Reading::state(tc.grants())?));
    }
    if entry.name.to_ascii_lowercase().contains("addtl") {
        return additional(&entry.text).map(|grants| {
            record(
                "google-additional-consent",
                TC_STRING,
                Reading {
                    grants,
                    explicit: false,
                },
            )
        });
    }
    None
}

/// An AC string as one grant that stands for all vendors in it.
pub(super) fn additional(text: &str) -> Option<Vec<Grant>> {
    let vendors = tcf::additional_vendors(text)?;
    Some(vec![optional("additional vendors", vendors > 0)])
}

/// A name some reader answers to; any number gives one.
#[cfg(test)]
pub(super) fn any_name(at: usize) -> String {
    READERS[at % READERS.len()].0.replace('*', "7")
}

#[cfg(test)]
mod tests;
