//! What rules about stored items and about requests have in common: joining sightings into one finding.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::Knowing;
use crate::judge::classify::category_name;
use crate::judge::consent_mode::{self, ConsentMode};
use crate::judge::index::{Departure, Item, PageIndex, REPORTERS, SeenRequest};
use crate::judge::item::{Lifetime, Stored, earlier, is_opt_out};
use crate::judge::naming::{self, shown};
use crate::judge::remedy;
use crate::model::finding::{
    Category, Certainty, Evidence, Proof, Severity, Subject, SubjectKind, Verdict,
};
use crate::model::party::Party;
use crate::model::visit::{PhaseName, State};

use super::{Draft, Sightings, less_sure, lowered};

/// Recipients named in a finding.
const MOST_RECIPIENTS: usize = 20;

/// The writes of an item that a rule counts.
pub(super) struct Writes<'i, 'a> {
    /// Number of the visit and the write, the earliest of each visit.
    first: Vec<(usize, &'i Stored<'a>)>,
}

impl<'i, 'a> Writes<'i, 'a> {
    /// The writes that `counts` accepts, given the number of the visit; nothing when there is none.
    pub(super) fn of(
        item: &'i Item<'a>,
        counts: impl Fn(usize, &Stored<'a>) -> bool,
    ) -> Option<Self> {
        let mut first: BTreeMap<usize, &'i Stored<'a>> = BTreeMap::new();
        for sighting in &item.sightings {
            for stored in sighting
                .stored
                .iter()
                .filter(|stored| counts(sighting.visit, stored))
            {
                let known = first.entry(sighting.visit).or_insert(stored);
                if earlier(stored, known).is_lt() {
                    *known = stored;
                }
            }
        }
        (!first.is_empty()).then(|| Self {
            first: first.into_iter().collect(),
        })
    }

    /// In which visits of those that `occurrence` names.
    fn sightings(&self, page: &PageIndex<'_>, occurrence: &Occurrence) -> Sightings {
        let first = self
            .first
            .iter()
            .map(|(_, stored)| (stored.phase, stored.at_ms));
        Sightings::new(
            self.first.iter().map(|(visit, _)| *visit),
            occurrence.possible(page, first),
        )
    }

    /// The earliest phase.
    pub(super) fn phase(&self) -> PhaseName {
        self.first
            .iter()
            .map(|(_, stored)| stored.phase)
            .min()
            .unwrap_or(PhaseName::Idle)
    }

    /// The write that proves it: in the first visit, the one with a known writer before others.
    fn proof(&self) -> Option<(usize, &'i Stored<'a>)> {
        self.first
            .iter()
            .find(|(_, stored)| stored.set_by.is_some())
            .or(self.first.first())
            .copied()
    }

    /// The longest lifetime asked for.
    pub(super) fn lifetime(&self) -> Lifetime {
        self.first
            .iter()
            .map(|(_, stored)| stored.lifetime)
            .max()
            .unwrap_or(Lifetime::Session)
    }
}

/// Where an item broke a rule.
pub(super) struct Occurrence {
    /// The state.
    pub(super) state: State,
    /// Numbers of the visits the rule looks at.
    pub(super) visits: Vec<usize>,
}

impl Occurrence {
    /// Before a choice: every visit begins with a visitor who has not answered.
    pub(super) fn before(page: &PageIndex<'_>) -> Self {
        Self {
            state: State::Before,
            visits: (0..page.visits.len()).collect(),
        }
    }

    /// The visits that could have shown what others showed first in those phases at those times.
    fn possible(
        &self,
        page: &PageIndex<'_>,
        seen: impl Iterator<Item = (PhaseName, u64)>,
    ) -> BTreeSet<usize> {
        seen.min().map_or_else(BTreeSet::new, |(phase, at_ms)| {
            page.lasting(self.visits.iter().copied(), phase, at_ms)
        })
    }
}

/// The writes of an item in the earliest state it is written in, and the visits that could show them.
pub(super) fn first_occurrence<'i, 'a>(
    page: &PageIndex<'_>,
    item: &'i Item<'a>,
) -> Option<(Writes<'i, 'a>, Occurrence)> {
    let happened_in = |visit: usize, stored: &Stored<'a>, state: State| {
        let before = stored.phase.is_before_choice();
        let happened = match state {
            State::Before => before,
            other => !before && page.visits[visit].visit.state == other,
        };
        happened && !is_opt_out(stored.value.text())
    };
    let states = [State::Before, State::Rejected, State::Accepted];
    let (state, writes) = states.into_iter().find_map(|state| {
        let writes = Writes::of(item, |visit, stored| happened_in(visit, stored, state))?;
        Some((state, writes))
    })?;
    let occurrence = match state {
        State::Before => Occurrence::before(page),
        other => Occurrence {
            state,
            visits: (0..page.visits.len())
                .filter(|&number| page.visits[number].visit.state == other)
                .collect(),
        },
    };
    Some((writes, occurrence))
}

/// A finding about a stored item, as its classification says; rules change what differs.
pub(super) fn item_draft(
    page: &PageIndex<'_>,
    item: &Item<'_>,
    writes: &Writes<'_, '_>,
    occurrence: &Occurrence,
    counts: impl Fn(&Departure) -> bool,
) -> Draft {
    let class = &item.class;
    let proof = writes.proof();
    let set_by = proof.and_then(|(visit, stored)| {
        stored.set_by.or_else(|| {
            item.sightings
                .iter()
                .find(|sighting| sighting.visit == visit)
                .and_then(|sighting| sighting.record.set_by())
        })
    });
    let chain = proof
        .map(|(visit, _)| page.chain_of(visit, set_by))
        .unwrap_or_default();
    let recipients = item.recipients(counts);
    let mut notes = vec![format!("needs consent: {}", shown(&class.reason))];
    if !recipients.is_empty() {
        let named: Vec<&str> = recipients.iter().copied().take(MOST_RECIPIENTS).collect();
        let more = recipients.len().saturating_sub(MOST_RECIPIENTS);
        let rest = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        notes.push(format!("sent to {}{rest}", named.join(", ")));
    }
    if let Some(host) = &item.ghost_writer {
        notes.push(format!(
            "written on the site's own domain by a script of {host}"
        ));
    }
    let attempted = item.attempted_only();
    if attempted {
        notes.push("attempted: the browser refused to store it".to_owned());
    }
    let tag = remedy::tag_of_item(page, class.service.as_deref(), set_by);
    Draft {
        subject: Subject {
            kind: item.key.kind,
            host: item.key.host.clone(),
            name: shown(&item.key.name),
            party: item.party,
        },
        stable_name: item.stable_name(),
        sub_type: None,
        severity: if attempted {
            lowered(class.severity)
        } else {
            class.severity
        },
        verdict: class.verdict,
        proof: class.proof,
        certainty: Certainty::L1,
        state: occurrence.state,
        phase: writes.phase(),
        service: class.service.clone(),
        category: class.category,
        remedy: remedy::put_behind_consent(page, &tag, class.category, &chain),
        evidence: Evidence {
            at_ms: proof.map(|(_, stored)| stored.at_ms),
            initiator_chain: chain,
            set_by: set_by.cloned(),
            value_fingerprint: proof.map(|(_, stored)| stored.value.fingerprint.clone()),
            lifetime: Some(lifetime_in_words(item, writes)),
            notes,
        },
        sightings: writes.sightings(page, occurrence),
    }
}

fn lifetime_in_words(item: &Item<'_>, writes: &Writes<'_, '_>) -> String {
    let lifetime = if item.key.kind == SubjectKind::Cookie {
        writes.lifetime()
    } else {
        item.lifetime
    };
    lifetime.in_words()
}

/// How a tracking request tracks, gravest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Means {
    /// Records what the visitor does on the page.
    Replay,
    /// Carries something that identifies the visitor.
    Uid,
    /// Reports a visit or an event.
    Beacon,
    /// Loads tracking code only.
    Script,
}

impl Means {
    /// Its name in reports.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Uid => "uid",
            Self::Beacon => "beacon",
            Self::Script => "script",
        }
    }

    /// How settled the law is: loading code alone is the regulators' view.
    fn certainty(self) -> Certainty {
        if self == Self::Script {
            Certainty::L2
        } else {
            Certainty::L1
        }
    }
}

/// How a request tracks; nothing when it does not.
pub(super) fn means_of(seen: &SeenRequest<'_>) -> Option<Means> {
    const LOADERS: [&str; 6] = ["loader", "asset", "app", "embed", "font", "vendor-site"];
    const REPORTING_TYPES: [&str; 7] = [
        "Ping",
        "Image",
        "XHR",
        "Fetch",
        "WebSocket",
        "EventSource",
        "Other",
    ];
    let found = seen.tracker()?;
    let role = found.role.as_deref().unwrap_or_default();
    let is_report = REPORTERS.contains(&role)
        || (!LOADERS.contains(&role)
            && REPORTING_TYPES.contains(&seen.request.resource_type.as_str()));
    Some(if role == "replay" {
        Means::Replay
    } else if seen.identifier.is_some() {
        Means::Uid
    } else if is_report {
        Means::Beacon
    } else {
        Means::Script
    })
}

/// Requests to one host and path, with the number of their visit.
pub(super) struct Requests<'i, 'a> {
    /// Host and normalised path.
    pub(super) group: (String, String),
    /// The requests, in the order of the visits.
    pub(super) seen: Vec<(usize, &'i SeenRequest<'a>)>,
}

/// The requests that `counts` accepts, joined by host and normalised path.
pub(super) fn grouped<'i, 'a>(
    page: &'i PageIndex<'a>,
    visits: impl IntoIterator<Item = usize>,
    counts: impl Fn(usize, &SeenRequest<'a>) -> bool,
) -> Vec<Requests<'i, 'a>> {
    let mut groups: BTreeMap<(String, String), Vec<(usize, &'i SeenRequest<'a>)>> = BTreeMap::new();
    for number in visits {
        for seen in page.visits[number]
            .requests
            .iter()
            .filter(|seen| counts(number, seen))
        {
            groups.entry(seen.group()).or_default().push((number, seen));
        }
    }
    groups
        .into_iter()
        .map(|(group, seen)| Requests { group, seen })
        .collect()
}

/// A finding about requests to one host and path; rules change what differs.
pub(super) fn request_draft(
    page: &PageIndex<'_>,
    requests: &Requests<'_, '_>,
    means: Means,
    severity: Severity,
    occurrence: &Occurrence,
) -> Option<Draft> {
    // The proof is the first request that shows the gravest means.
    let (_, proof) = requests
        .seen
        .iter()
        .find(|(_, seen)| means_of(seen) == Some(means))
        .or(requests.seen.first())
        .copied()?;
    let found = proof.found.as_ref()?;
    let category = requests
        .seen
        .iter()
        .filter_map(|(_, seen)| seen.tracker())
        .map(|found| found.category)
        .max_by_key(|category| *category == Category::Marketing)
        .unwrap_or(found.category);
    let first = requests
        .seen
        .iter()
        .map(|(_, seen)| (seen.request.phase, seen.request.at_ms));
    let sightings = Sightings::new(
        requests.seen.iter().map(|(visit, _)| *visit),
        occurrence.possible(page, first),
    );
    let mut notes = vec![format!(
        "a request to {} ({})",
        shown(page.service_name(&found.service)),
        category_name(found.category)
    )];
    if let Some(identifier) = &proof.identifier {
        notes.push(identifier.clone());
    }
    match consent_mode::consent_mode(&proof.url) {
        ConsentMode::Denied => notes.push("says itself that consent is denied".to_owned()),
        ConsentMode::Granted => notes.push("says itself that consent is granted".to_owned()),
        ConsentMode::NotInUse => {}
    }
    if proof.request.from_service_worker {
        notes.push("answered by a service worker".to_owned());
    }
    if let Some(reason) = &proof.request.failed {
        notes.push(format!("did not finish: {}", shown(reason)));
    }
    notes.push(match requests.seen.len() {
        1 => "1 request".to_owned(),
        count => format!("{count} requests"),
    });
    let chain = proof.request.initiator_chain.clone();
    let tag = format!(
        "{} ({})",
        shown(page.service_name(&found.service)),
        naming::shown_address(&proof.request.url)
    );
    let path = requests
        .seen
        .iter()
        .map(|(_, seen)| seen.url.path())
        .min()
        .unwrap_or_default();
    Some(Draft {
        subject: Subject {
            kind: SubjectKind::Request,
            host: requests.group.0.clone(),
            name: shown(path),
            party: proof.party(),
        },
        stable_name: requests.group.1.clone(),
        sub_type: Some(means.name()),
        severity,
        // What a data set says of a host nobody has looked at is likely, no more.
        verdict: match found.knowing {
            Knowing::Curated => Verdict::Violation,
            Knowing::Imported => Verdict::Likely,
        },
        proof: Proof::P2,
        certainty: means.certainty(),
        state: occurrence.state,
        phase: requests
            .seen
            .iter()
            .map(|(_, seen)| seen.request.phase)
            .min()
            .unwrap_or(PhaseName::Idle),
        service: Some(found.service.clone()),
        category,
        remedy: remedy::put_behind_consent(page, &tag, category, &chain),
        evidence: Evidence {
            at_ms: Some(proof.request.at_ms),
            initiator_chain: chain,
            notes,
            ..Evidence::default()
        },
        sightings,
    })
}

/// Which of the visits broke the promise that a denied measurement makes.
pub(super) struct DeniedPings {
    /// For each visit.
    visits: Vec<Promise>,
}

#[derive(Debug, Clone, Copy)]
struct Promise {
    /// A Google cookie was written before the choice.
    stored_before: bool,
    /// A Google cookie was written at any time.
    stored: bool,
    /// A client id came back after the reload.
    same_client_id: bool,
}

impl DeniedPings {
    /// Looks at the visits of a page once.
    pub(super) fn new(page: &PageIndex<'_>) -> Self {
        // After a yes an id may stay, so such visits do not tell; what one visit shows holds for all.
        let same_client_id =
            (0..page.visits.len()).any(|visit| client_id_outlives_its_document(page, visit));
        let mut visits = vec![
            Promise {
                stored_before: false,
                stored: false,
                same_client_id,
            };
            page.visits.len()
        ];
        let google_cookies = page.items.iter().filter(|item| {
            let by_service = item.party == Party::First
                && matches!(
                    item.class.service.as_deref(),
                    Some("google-analytics" | "google-ads")
                );
            item.key.kind == SubjectKind::Cookie
                && (by_service
                    || item.key.name.starts_with("_ga")
                    || item.key.name.starts_with("_gcl"))
        });
        for sighting in google_cookies.flat_map(|item| &item.sightings) {
            let promise = &mut visits[sighting.visit];
            promise.stored = true;
            promise.stored_before |= sighting
                .stored
                .iter()
                .any(|stored| stored.phase.is_before_choice());
        }
        Self { visits }
    }

    /// Whether a Google tag asked to be measured without consent and kept to it: nothing stored, no
    /// client id that outlives its document.
    pub(super) fn contains(&self, visit: usize, seen: &SeenRequest<'_>) -> bool {
        let promise = self.visits[visit];
        let stored = if seen.request.phase.is_before_choice() {
            promise.stored_before
        } else {
            promise.stored
        };
        !stored
            && !promise.same_client_id
            && consent_mode::is_google_measurement(&seen.url)
            && consent_mode::consent_mode(&seen.url) == ConsentMode::Denied
    }
}

/// Whether a client id comes back after the reload. After a yes it may.
fn client_id_outlives_its_document(page: &PageIndex<'_>, visit: usize) -> bool {
    let visit = &page.visits[visit];
    if visit.visit.state == State::Accepted {
        return false;
    }
    let ids = |reloaded: bool| {
        visit
            .requests
            .iter()
            .filter(move |seen| (seen.request.phase == PhaseName::Revisit) == reloaded)
            .filter(|seen| consent_mode::is_google_measurement(&seen.url))
            .filter_map(|seen| consent_mode::client_id(&seen.url))
    };
    let loaded: BTreeSet<String> = ids(false).collect();
    ids(true).any(|id| loaded.contains(&id))
}

/// Where the profile says so, statistics need information and objection instead of consent; whether they
/// are given, a person has to see.
pub(super) fn statistics_exemption(
    page: &PageIndex<'_>,
    category: Category,
    party: Party,
    verdict: Verdict,
) -> Verdict {
    let applies = page.profile.facts().exempt_statistics
        && category == Category::Analytics
        && party == Party::First;
    if applies {
        less_sure(verdict, Verdict::Review)
    } else {
        verdict
    }
}
