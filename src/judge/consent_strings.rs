//! TC strings and AC strings, wherever a page keeps or sends them.

use crate::model::party::Party;
use crate::model::snapshot::Signal;
use crate::model::tcf::{TcString, additional_vendors};
use crate::model::visit::{PhaseName, Visit};

use super::index::{PageIndex, SeenRequest};
use super::item::Record;

/// A string made longer ago than this belongs to no fresh profile, in deciseconds: a sample or
/// another site's. Strings tell the day only.
const STALE_DS: u64 = 2 * 864_000;
/// Strings looked at in one visit.
const MOST_STRINGS: usize = 500;

/// Where a string was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    /// The page's own function answered with it.
    Api,
    /// A cookie or a storage entry of the site.
    Storage,
    /// A parameter of a request.
    Request,
}

/// What a string says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// Of the vendors of the IAB's list.
    Vendors(Box<TcString>),
    /// Of that many vendors outside of the list.
    Additional(usize),
}

/// A string, and where and when it was met.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// Number of the visit in the page's index.
    pub(crate) visit: usize,
    /// Where.
    pub(crate) channel: Channel,
    /// Function, cookie, key or parameter.
    pub(crate) source: String,
    /// In milliseconds since the visit began.
    pub(crate) at_ms: u64,
    /// In which phase.
    pub(crate) phase: PhaseName,
    /// What it says.
    pub(crate) what: What,
}

impl Heard {
    /// Whether anything in it is a consent.
    pub(crate) fn consents(&self) -> bool {
        match &self.what {
            What::Vendors(string) => string.consents(),
            What::Additional(vendors) => *vendors > 0,
        }
    }

    /// Whether the consent has effect: a vendor and a purpose.
    pub(crate) fn is_effective(&self) -> bool {
        matches!(&self.what, What::Vendors(string)
            if string.vendor_consents > 0 && !string.purposes_consent.is_empty())
    }

    /// What it grants, in words.
    pub(crate) fn in_words(&self) -> String {
        match &self.what {
            What::Additional(vendors) => {
                format!("consent to {vendors} vendors outside of the IAB's list")
            }
            What::Vendors(string) => {
                let numbers = |numbers: &[u8]| {
                    let words: Vec<String> = numbers.iter().map(ToString::to_string).collect();
                    if words.is_empty() {
                        "none".to_owned()
                    } else {
                        words.join(", ")
                    }
                };
                format!(
                    "purposes consented to: {}; vendors consented to: {}; special features: {}; the publisher's own purposes: {}",
                    numbers(&string.purposes_consent),
                    string.vendor_consents,
                    numbers(&string.special_features),
                    numbers(&string.publisher_consents)
                )
            }
        }
    }
}

/// Every string of a page's visits.
pub(crate) fn all(page: &PageIndex<'_>) -> Vec<Heard> {
    (0..page.visits.len())
        .flat_map(|number| heard_in(page, number))
        .collect()
}

/// Every string of a visit that speaks for this page's visitor; none where the platform says that
/// the regulation does not apply.
fn heard_in(page: &PageIndex<'_>, number: usize) -> Vec<Heard> {
    let visit = &page.visits[number];
    let says_not_applicable = |signal: &Signal| {
        signal
            .facts
            .get("gdpr-applies")
            .is_some_and(|applies| applies == "false")
    };
    if visit.visit.snapshot.signals.iter().any(says_not_applicable) {
        return Vec::new();
    }
    let mut heard: Vec<Heard> = visit
        .visit
        .snapshot
        .signals
        .iter()
        .filter(|signal| signal.kind == "tcf-api")
        .filter_map(|signal| {
            Some(Heard {
                visit: number,
                channel: Channel::Api,
                source: signal.source.clone(),
                at_ms: signal.at_ms,
                phase: signal.phase,
                what: read(signal.value.as_ref()?.text(), false)?,
            })
        })
        .collect();
    heard.extend(stored(page, number));
    let platforms: Vec<u16> = heard.iter().filter_map(platform).collect();
    let of_this_site = |heard: &Heard| {
        platforms.is_empty() || platform(heard).is_none_or(|id| platforms.contains(&id))
    };
    heard.extend(
        visit
            .requests
            .iter()
            .flat_map(|seen| sent(number, seen))
            .filter(|heard| !is_stale(heard, visit.visit) && of_this_site(heard))
            .take(MOST_STRINGS),
    );
    heard
}

fn platform(heard: &Heard) -> Option<u16> {
    match &heard.what {
        What::Vendors(string) => Some(string.cmp_id),
        What::Additional(_) => None,
    }
}

fn read(text: &str, may_be_additional: bool) -> Option<What> {
    TcString::parse(text)
        .map(|string| What::Vendors(Box::new(string)))
        .or_else(|| {
            may_be_additional
                .then(|| additional_vendors(text).map(What::Additional))
                .flatten()
        })
}

fn is_stale(heard: &Heard, visit: &Visit) -> bool {
    let What::Vendors(string) = &heard.what else {
        return false;
    };
    let now_ds = u64::try_from(visit.timing.started.as_millisecond() / 100).unwrap_or_default();
    string.created_ds.abs_diff(now_ds) > STALE_DS
}

fn stored(page: &PageIndex<'_>, number: usize) -> Vec<Heard> {
    let visit = &page.visits[number];
    page.items
        .iter()
        .filter(|item| item.party == Party::First)
        .flat_map(|item| item.sightings.iter().map(move |sighting| (item, sighting)))
        .filter(|(_, sighting)| sighting.visit == number)
        .flat_map(|(item, sighting)| {
            let additional = item.key.name.to_ascii_lowercase().contains("addtl");
            let own = match sighting.record {
                Record::Cookie(_) => true,
                Record::Storage(entry) => entry.partition.is_none(),
            };
            sighting
                .stored
                .iter()
                .filter(move |_| own)
                .filter_map(move |stored| {
                    Some(Heard {
                        visit: number,
                        channel: Channel::Storage,
                        source: item.key.name.clone(),
                        at_ms: stored.at_ms,
                        phase: stored.phase,
                        what: read(stored.value.text(), additional)?,
                    })
                })
        })
        .filter(|heard| !is_stale(heard, visit.visit))
        .take(MOST_STRINGS)
        .collect()
}

/// The string in a parameter, and which of the two it is.
fn string(name: &str, value: &str) -> Option<(&'static str, What)> {
    if name == "addtl_consent" {
        Some(("addtl_consent", read(value, true)?))
    } else {
        Some(("gdpr_consent", read(value, false)?))
    }
}

/// The strings a request carries, when the page itself sent it: frames may speak for other sites.
/// None where the request says that the regulation does not apply (`gdpr=0`).
fn sent(number: usize, seen: &SeenRequest<'_>) -> Vec<Heard> {
    let request = seen.request;
    if request.frame.as_ref().is_some_and(|frame| !frame.top) {
        return Vec::new();
    }
    let heard = |source: &str, what| Heard {
        visit: number,
        channel: Channel::Request,
        source: source.to_owned(),
        at_ms: request.at_ms,
        phase: request.phase,
        what,
    };
    let says_not_applicable = seen
        .parameters()
        .any(|(name, value)| name.rsplit('.').next() == Some("gdpr") && value == "0");
    if says_not_applicable {
        return Vec::new();
    }
    let in_address = seen.url.query_pairs().filter_map(|(name, value)| {
        matches!(name.as_ref(), "gdpr_consent" | "addtl_consent")
            .then(|| string(&name, &value))
            .flatten()
    });
    // OpenRTB has it at `user.consent`, or at `user.ext.consent`.
    let in_body = request.body_parameters.iter().filter_map(|parameter| {
        let name = parameter.name.rsplit('.').next().unwrap_or_default();
        matches!(name, "gdpr_consent" | "consent" | "addtl_consent")
            .then(|| string(name, parameter.value.text()))
            .flatten()
    });
    in_address
        .chain(in_body)
        .map(|(source, what)| heard(source, what))
        .collect()
}
