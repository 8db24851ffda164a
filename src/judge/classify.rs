//! Whether a stored item needs consent, and why.
//!
//! The order is fixed: the override table, the site's own declaration, the vendor's own disclosure, the
//! catalog's services, the vendor's grammar, behaviour, short life, unknown.
//! A name is never proof by itself: what is known by name alone is only likely.

use crate::catalog::{ItemMatch, ItemQuery, Knowing, Override, Treatment};
use crate::model::finding::{Category, Proof, Severity, SubjectKind, Verdict};
use crate::model::party::{Party, host_of, party_of};

use super::declaration::Disclosed;
use super::item::Lifetime;
use super::knowledge::Knowledge;
use super::profile::Profile;

/// Grounds of exemption in the catalog that are those of the override table.
const SETTLED: [&str; 4] = [
    "consent-record",
    "load-balancing",
    "security",
    "transmission",
];

/// Whether an item needs consent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Need {
    /// Needs none.
    Exempt,
    /// Bot and fraud protection: its own bucket, no finding.
    Security,
    /// A known service's known item that needs consent.
    Consent,
    /// Behaves like one that does.
    LikelyConsent,
    /// Not known.
    Unknown,
    /// A probe or an opt-out flag.
    Probe,
}

impl Classification {
    /// Whether it keeps the visitor's answer to the banner.
    pub(crate) fn is_choice_record(&self) -> bool {
        self.group.as_deref() == Some("choice-record")
            || self.role.as_deref() == Some("consent-record")
    }
}

impl Need {
    /// Known to need consent, or behaving like it.
    pub(crate) fn wants_consent(self) -> bool {
        matches!(self, Self::Consent | Self::LikelyConsent)
    }
}

/// What an item is for, and whether it needs consent.
#[derive(Debug, Clone)]
pub(crate) struct Classification {
    /// Whether it needs consent.
    pub(crate) need: Need,
    /// What it is for.
    pub(crate) category: Category,
    /// Catalog id of the service behind it.
    pub(crate) service: Option<String>,
    /// `identifier`, `session` … as the catalog says.
    pub(crate) role: Option<String>,
    /// The group of the override table's row that decided, such as `choice-record`.
    pub(crate) group: Option<String>,
    /// The catalog's pattern that matched its name.
    pub(crate) pattern: Option<String>,
    /// How grave it is to store it against the rules.
    pub(crate) severity: Severity,
    /// How sure that it is what it seems.
    pub(crate) verdict: Verdict,
    /// The kind of proof.
    pub(crate) proof: Proof,
    /// The profile may exempt it, under conditions that a page does not show.
    pub(crate) exempt_under_conditions: bool,
    /// Only the site's own declaration tells that it needs consent.
    pub(crate) declared: bool,
    /// The override table decided, or an exemption of the catalog on the same grounds: what anybody
    /// declares changes nothing.
    pub(crate) settled: bool,
    /// Why, in one sentence.
    pub(crate) reason: String,
}

/// How an item behaved over all visits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Behaviour {
    /// What kind of thing it is.
    pub(crate) kind: SubjectKind,
    /// First or third party.
    pub(crate) party: Party,
    /// The longest lifetime asked for.
    pub(crate) lifetime: Lifetime,
    /// Its value tells visitors apart.
    pub(crate) identifies: bool,
    /// Its value was sent to a third party.
    pub(crate) sent_to_third_party: bool,
    /// Only responses wrote it.
    pub(crate) written_by_response: bool,
    /// A third party's script wrote it.
    pub(crate) third_party_writer: bool,
    /// It never held anything but an opt-out flag.
    pub(crate) only_opt_out: bool,
}

/// Decides whether an item needs consent.
pub(crate) fn classify(
    query: &ItemQuery<'_>,
    behaviour: &Behaviour,
    knowledge: &dyn Knowledge,
    profile: Profile,
) -> Classification {
    let row = knowledge
        .override_for(query)
        .filter(|row| holds(row, behaviour));
    let found = knowledge.match_item(query);
    let by_knowledge = match &row {
        Some(row) => by_override(row, found.as_ref(), query, behaviour, knowledge, profile),
        None => found
            .as_ref()
            .and_then(|found| by_catalog(found, knowledge, profile)),
    };
    let is_test = found
        .as_ref()
        .is_some_and(|found| found.role.as_deref() == Some("test"));
    let mut class = by_knowledge
        .or_else(|| by_grammar(query, knowledge))
        .unwrap_or_else(|| by_behaviour(behaviour, found.as_ref()));
    if class.need == Need::Consent && row.is_none() && is_test {
        class.need = Need::Probe;
        "it only tries whether storing works".clone_into(&mut class.reason);
    }
    if class.need == Need::Consent && behaviour.only_opt_out {
        class.need = Need::Probe;
        "its value only says that the visitor has opted out".clone_into(&mut class.reason);
    }
    class
}

impl Classification {
    /// Whether neither the site nor the vendor can say anything that would change it.
    fn stands(&self) -> bool {
        self.settled || matches!(self.need, Need::Security | Need::Probe | Need::Consent)
    }

    /// What becomes of it once the site itself declares it as something that needs consent: what nobody
    /// else knows, the site does. A declaration as necessary proves nothing.
    pub(crate) fn with_declaration(self, category: Category, list: &str) -> Self {
        if self.stands() || matches!(category, Category::Necessary | Category::Unclassified) {
            return self;
        }
        let comfort = category == Category::Preferences;
        Self {
            need: Need::Consent,
            category,
            severity: if comfort {
                Severity::Low
            } else {
                severity_of(category)
            },
            // What the visitor has set by hand needs none.
            verdict: if comfort {
                Verdict::Review
            } else {
                Verdict::Violation
            },
            proof: Proof::P1,
            declared: true,
            reason: format!(
                "the site declares it itself as {} in {list}",
                category_name(category)
            ),
            ..self
        }
    }

    /// What becomes of it once its vendor itself discloses what it is for. The claim to need no consent
    /// counts only against behaviour, not against what is known of the vendor.
    pub(crate) fn with_disclosure(self, disclosed: Disclosed) -> Self {
        if self.stands() {
            return self;
        }
        match disclosed {
            Disclosed::NeedsConsent(category) => Self {
                need: Need::Consent,
                category,
                severity: severity_of(category),
                verdict: Verdict::Violation,
                proof: Proof::P1,
                reason: "its vendor discloses itself that it serves purpose 1 of the TCF, which needs consent"
                    .to_owned(),
                ..self
            },
            Disclosed::ClaimsNone => Self {
                need: Need::Exempt,
                category: Category::Necessary,
                severity: Severity::Info,
                verdict: Verdict::Review,
                proof: Proof::P1,
                reason: "its vendor discloses that it serves no purpose of the TCF that needs consent"
                    .to_owned(),
                ..self
            },
        }
    }
}

/// Whether a row still holds for an item that behaves like this one.
///
/// Session and load-balancing items are exempt for the time of a visit, not for years, and session
/// items only on the site itself.
fn holds(row: &Override, behaviour: &Behaviour) -> bool {
    let short_enough = row.longest_s.is_none_or(|longest_s| {
        behaviour.lifetime <= Lifetime::Seconds(i64::try_from(longest_s).unwrap_or(i64::MAX))
    });
    let group = row.group.to_ascii_lowercase();
    let own_session = group.contains("session") || group.contains("csrf");
    row.treatment != Treatment::Exempt
        || (short_enough && (!own_session || behaviour.party == Party::First))
}

fn by_override(
    row: &Override,
    found: Option<&ItemMatch>,
    query: &ItemQuery<'_>,
    behaviour: &Behaviour,
    knowledge: &dyn Knowledge,
    profile: Profile,
) -> Option<Classification> {
    let need = match row.treatment {
        Treatment::Exempt => Need::Exempt,
        Treatment::Security => Need::Security,
        Treatment::Consent => Need::Consent,
        Treatment::Probe => Need::Probe,
        Treatment::Unknown => return None,
    };
    let known = found.and_then(|found| consent_by_catalog(found, knowledge, profile));
    let group = row.group.to_ascii_lowercase();
    let is_captcha = group.contains("captcha");
    let category = match need {
        Need::Consent => known
            .as_ref()
            .map_or_else(|| row.category(), |class| class.category),
        _ => Category::Necessary,
    };
    let verdict = match (&known, row.bound || is_supported(query, behaviour)) {
        (Some(class), _) => class.verdict,
        (None, true) => Verdict::Violation,
        (None, false) => Verdict::Likely,
    };
    Some(Classification {
        need,
        category,
        service: found.map(|found| found.service.clone()),
        role: found.and_then(|found| found.role.clone()),
        group: Some(row.group.clone()),
        pattern: found.map(|found| found.pattern.clone()),
        severity: if is_captcha {
            Severity::Medium
        } else {
            severity_of(category)
        },
        verdict,
        proof: Proof::P2,
        exempt_under_conditions: known
            .as_ref()
            .is_some_and(|class| class.exempt_under_conditions),
        declared: false,
        settled: true,
        reason: match &known {
            Some(class) => format!("{}; {}", row.reason.trim_end_matches('.'), class.reason),
            None => row.reason.clone(),
        },
    })
}

/// Whether more than the name speaks for a row: the place, the writer, or a value in the vendor's own grammar.
fn is_supported(query: &ItemQuery<'_>, behaviour: &Behaviour) -> bool {
    let by_a_third_party = behaviour.party == Party::Third
        || behaviour.third_party_writer
        || query.set_by.first().is_some_and(|url| {
            let host = host_of(url);
            !host.is_empty() && party_of(&host, query.site) == Party::Third
        });
    by_a_third_party || vendor_of_grammar(query.value).is_some()
}

/// Values in a grammar of one vendor's own, under whatever name: its own scripts let a site choose
/// another name (`cookie_prefix`), and servers write them under theirs.
const GRAMMARS: [(&str, Grammar, &str, Category); 6] = [
    ("GA1", is_client_id, "google-analytics", Category::Analytics),
    ("GS1", is_session, "google-analytics", Category::Analytics),
    ("GS2", is_session, "google-analytics", Category::Analytics),
    (
        "FPID2",
        is_client_id,
        "google-analytics",
        Category::Analytics,
    ),
    ("GCL", is_click, "google-ads", Category::Marketing),
    ("fb", is_browser_id, "meta-pixel", Category::Marketing),
];

/// Whether the parts after the prefix, split at dots, are as the vendor writes them.
type Grammar = fn(&[&str]) -> bool;

fn is_number(text: &str, digits: std::ops::RangeInclusive<usize>) -> bool {
    digits.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `GA1.1.NUMBER.TIME`.
fn is_client_id(parts: &[&str]) -> bool {
    matches!(parts, [depth, number, time]
        if is_number(depth, 1..=3) && is_number(number, 3..=20) && is_number(time, 9..=11))
}

/// `GS1.1.TIME.…` and `GS2.1.sTIME$…`.
fn is_session(parts: &[&str]) -> bool {
    matches!(parts, [depth, rest, ..]
        if is_number(depth, 1..=3)
            && rest.trim_start_matches('s').chars().take_while(char::is_ascii_digit).count() >= 9)
}

/// `GCL.TIME.CLICK`.
fn is_click(parts: &[&str]) -> bool {
    matches!(parts, [time, click, ..] if is_number(time, 9..=11) && click.len() >= 8)
}

/// `fb.1.TIME.NUMBER`, the time in milliseconds.
fn is_browser_id(parts: &[&str]) -> bool {
    matches!(parts, [depth, time, number, ..]
        if is_number(depth, 1..=1) && is_number(time, 12..=14) && number.len() >= 6)
}

/// The service in whose own grammar a value is written, and what it is for.
fn vendor_of_grammar(value: &str) -> Option<(&'static str, Category)> {
    let mut parts = value.split('.');
    let prefix = parts.next()?;
    // Longer values are none of these.
    let parts: Vec<&str> = parts.take(8).collect();
    GRAMMARS
        .iter()
        .find(|(known, fits, ..)| *known == prefix && fits(&parts))
        .map(|(.., service, category)| (*service, *category))
}

/// An item nobody knows by its name, whose value is written as one vendor writes its identifiers.
fn by_grammar(query: &ItemQuery<'_>, knowledge: &dyn Knowledge) -> Option<Classification> {
    let (service, category) = vendor_of_grammar(query.value)?;
    let facts = knowledge.service(service)?;
    Some(Classification {
        need: Need::Consent,
        category,
        service: Some(service.to_owned()),
        role: Some("identifier".to_owned()),
        group: None,
        pattern: None,
        severity: severity_of(category),
        verdict: Verdict::Likely,
        proof: Proof::P3,
        exempt_under_conditions: false,
        declared: false,
        settled: false,
        reason: format!(
            "its value is written as {} writes its identifiers, under another name",
            facts.name
        ),
    })
}

fn by_catalog(
    found: &ItemMatch,
    knowledge: &dyn Knowledge,
    profile: Profile,
) -> Option<Classification> {
    let name = service_name(found, knowledge);
    if found.exempt.is_some()
        || found.category == Category::Necessary
        || found.role.as_deref() == Some("consent-record")
    {
        let is_record = found.role.as_deref() == Some("consent-record");
        let basis = found.exempt.as_deref().unwrap_or(if is_record {
            "consent-record"
        } else {
            "strictly necessary"
        });
        return Some(Classification {
            need: Need::Exempt,
            category: Category::Necessary,
            service: Some(found.service.clone()),
            role: found.role.clone(),
            group: None,
            pattern: Some(found.pattern.clone()),
            severity: Severity::Info,
            verdict: Verdict::Review,
            proof: Proof::P2,
            exempt_under_conditions: false,
            declared: false,
            settled: SETTLED.contains(&basis),
            reason: format!("{name} needs it: {basis}"),
        });
    }
    consent_by_catalog(found, knowledge, profile)
}

/// A service's item that needs consent; nothing when the catalog does not know what it is for.
fn consent_by_catalog(
    found: &ItemMatch,
    knowledge: &dyn Knowledge,
    profile: Profile,
) -> Option<Classification> {
    let others = found
        .ambiguous
        .iter()
        .filter_map(|id| knowledge.service(id))
        .map(|facts| facts.category);
    let category = others
        .chain([found.category])
        .max_by_key(|category| category.strictness())?;
    if matches!(category, Category::Unclassified | Category::Necessary) {
        return None;
    }
    let conditions = knowledge.conditional_exemption(found, profile);
    let verdict = if conditions.is_some() || (!found.ambiguous.is_empty() && !found.bound) {
        Verdict::Review
    } else if found.bound && found.knowing == Knowing::Curated {
        Verdict::Violation
    } else {
        Verdict::Likely
    };
    let exempt_under_conditions = conditions.is_some();
    let name = service_name(found, knowledge);
    let mut reason = match &found.purpose {
        Some(purpose) => format!("{name} ({}): {purpose}", category_name(category)),
        None => format!("{name} uses it for {}", category_name(category)),
    };
    if !found.bound {
        reason.push_str("; known by its name alone");
    }
    if !found.ambiguous.is_empty() {
        reason.push_str("; also used by ");
        reason.push_str(&found.ambiguous.join(", "));
    }
    if let Some(conditions) = conditions {
        reason.push_str("; exempt under conditions a person has to check: ");
        reason.push_str(&conditions);
    }
    Some(Classification {
        need: Need::Consent,
        category,
        service: Some(found.service.clone()),
        role: found.role.clone(),
        group: None,
        pattern: Some(found.pattern.clone()),
        severity: severity_of(category),
        verdict,
        proof: Proof::P2,
        exempt_under_conditions,
        declared: false,
        settled: false,
        reason,
    })
}

fn service_name(found: &ItemMatch, knowledge: &dyn Knowledge) -> String {
    knowledge
        .service(&found.service)
        .map_or_else(|| found.service.clone(), |facts| facts.name)
}

fn by_behaviour(behaviour: &Behaviour, found: Option<&ItemMatch>) -> Classification {
    let lasts = behaviour.lifetime.exceeds_days(1);
    let third_party = behaviour.party == Party::Third;
    let (need, category, reason) = if behaviour.identifies
        && (lasts || third_party || behaviour.sent_to_third_party)
    {
        let reason = "its value is a unique identifier: different in every fresh profile, the same after a reload";
        (Need::LikelyConsent, Category::Unclassified, reason)
    } else if behaviour.kind == SubjectKind::Cookie
        && !lasts
        && !third_party
        && behaviour.written_by_response
        && !behaviour.sent_to_third_party
    {
        (
            Need::Exempt,
            Category::Necessary,
            "a short-lived cookie of the site's own server that goes nowhere else",
        )
    } else {
        (
            Need::Unknown,
            Category::Unclassified,
            "neither the catalog nor its behaviour tells what it is for",
        )
    };
    Classification {
        need,
        category,
        service: found.map(|found| found.service.clone()),
        role: found.and_then(|found| found.role.clone()),
        group: None,
        pattern: found.map(|found| found.pattern.clone()),
        severity: if behaviour.sent_to_third_party {
            Severity::High
        } else {
            Severity::Medium
        },
        verdict: if need == Need::LikelyConsent {
            Verdict::Likely
        } else {
            Verdict::Review
        },
        proof: Proof::P3,
        exempt_under_conditions: false,
        declared: false,
        settled: false,
        reason: reason.to_owned(),
    }
}

/// How grave it is to store something of that category against the rules.
fn severity_of(category: Category) -> Severity {
    match category {
        Category::Marketing => Severity::Critical,
        Category::Analytics => Severity::High,
        Category::Preferences | Category::Unclassified | Category::Necessary => Severity::Medium,
    }
}

/// A category's name in reports.
pub(crate) fn category_name(category: Category) -> &'static str {
    match category {
        Category::Necessary => "necessary",
        Category::Preferences => "preferences",
        Category::Analytics => "analytics",
        Category::Marketing => "marketing",
        Category::Unclassified => "unclassified",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_a_vendors_grammar() {
        let (google, meta) = (
            Some(("google-analytics", Category::Analytics)),
            Some(("meta-pixel", Category::Marketing)),
        );
        for (value, expected) in [
            ("GA1.1.1982736451.1795348700", google),
            ("GA1.2-2.1982736451.1795348700", None),
            ("GS1.1.1795348700.1.0.1795348700.0.0.0", google),
            ("GS2.1.s1795348700$o1$g0$t1795348700$j60$l0$h0", google),
            ("fb.1.1795348800000.918273645", meta),
            ("fb.1.1795348800000.IwAR2abcdef", meta),
            ("fb.x.1795348800000.918273645", None),
            ("fb.1.2", None),
            ("GA1", None),
            ("GA1.", None),
            ("", None),
            ("GA1.1.1.1.1.1.1.1.1.1.1.1", None),
        ] {
            assert_eq!(vendor_of_grammar(value), expected, "{value}");
        }
    }
}
