//! One page made ready for the rules: its visits, requests and items, joined and classified once.

mod requests;
mod storage;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::finding::Category;
use crate::model::party::{Party, host_of, registrable_domain};
use crate::model::report::Page;
use crate::model::snapshot::{InitiatorStep, Setter};
use crate::model::visit::{Outcome, PhaseName, State, Visit};

use super::consent_strings::{self, Heard};
use super::declaration::Declarations;
use super::earlier::{Earlier, EarlierSite};
use super::knowledge::{Knowledge, ServiceFacts};
use super::naming;
use super::profile::Profile;

pub(crate) use requests::{REPORTERS, SeenRequest};
pub(crate) use storage::{Departure, Item, Sighting};

/// Requests this soon after the confirmation may have been on their way before it, in milliseconds.
const IN_FLIGHT_MS: u64 = 2_000;

/// One page made ready for the rules.
#[derive(Debug)]
pub(crate) struct PageIndex<'a> {
    /// The page as recorded.
    pub(crate) page: &'a Page,
    /// The jurisdiction.
    pub(crate) profile: Profile,
    /// Host of the page after redirects.
    pub(crate) site: String,
    /// What its findings are filed under.
    pub(crate) pattern: String,
    /// The visits that showed the page itself, by state and time. Where only some of them asked by Global
    /// Privacy Control, those stand in [`Self::asking`].
    pub(crate) visits: Vec<VisitIndex<'a>>,
    /// The same page in the visits that asked by Global Privacy Control, beside others that did not.
    pub(crate) asking: Option<Box<Self>>,
    /// What earlier runs showed of this page and its site.
    pub(crate) earlier: Option<&'a EarlierSite>,
    /// Everything stored, by kind, host and name.
    pub(crate) items: Vec<Item<'a>>,
    /// TC strings and AC strings, by visit.
    pub(crate) strings: Vec<Heard>,
    /// What the site declares.
    pub(crate) declared: Declarations,
    /// Every service seen, by catalog id.
    pub(crate) services: BTreeMap<String, ServiceFacts>,
    /// The company behind each host that was contacted.
    companies: HashMap<String, String>,
    /// Catalog id of a service contacted at each registrable domain.
    services_of_domains: BTreeMap<String, String>,
    /// Host and normalised path of every request before a choice, in any visit.
    requested_before: BTreeSet<(String, String)>,
}

/// One visit made ready for the rules.
#[derive(Debug)]
pub(crate) struct VisitIndex<'a> {
    /// The visit as recorded.
    pub(crate) visit: &'a Visit,
    /// Its requests that left the browser, by time.
    pub(crate) requests: Vec<SeenRequest<'a>>,
    /// Who loaded what, by address.
    chains: HashMap<&'a str, &'a [InitiatorStep]>,
}

impl VisitIndex<'_> {
    /// Whether it lasted long enough to show what another visit showed in `phase` at `at_ms`.
    ///
    /// Before the choice all states are the same, but a visitor who answers does so after seconds:
    /// what comes later, or only after mouse and scroll, such a visit cannot show.
    fn lasts_to(&self, phase: PhaseName, at_ms: u64) -> bool {
        let phases = &self.visit.phases;
        match phase {
            PhaseName::Idle => phases
                .iter()
                .any(|known| known.name.is_before_choice() && known.end_ms >= at_ms),
            PhaseName::Active => phases.iter().any(|known| known.name == phase),
            PhaseName::Choosing | PhaseName::Chosen | PhaseName::Revisit | PhaseName::Emptied => {
                phases.iter().any(|known| known.name >= phase)
            }
        }
    }

    /// Whether a choice was made, so that there is something to judge after it.
    pub(crate) fn is_refusal(&self) -> bool {
        self.visit.state == State::Rejected && self.visit.choice.made
    }

    /// Whether something happened after the choice, or was first caused by it.
    pub(crate) fn is_after(&self, phase: PhaseName, at_ms: u64, known_before: bool) -> bool {
        let choice = &self.visit.choice;
        let after_the_proof = phase.is_after_choice()
            && choice
                .confirmed_ms
                .is_none_or(|confirmed_ms| at_ms >= confirmed_ms);
        let caused_by_the_click = !known_before
            && !phase.is_before_choice()
            && choice
                .clicked_ms
                .is_some_and(|clicked_ms| at_ms >= clicked_ms);
        after_the_proof || caused_by_the_click
    }

    /// As [`Self::is_after`], less what may have been on its way before the choice.
    pub(crate) fn is_sent_after(&self, phase: PhaseName, at_ms: u64, known_before: bool) -> bool {
        let in_flight = known_before
            && phase == PhaseName::Chosen
            && self
                .visit
                .choice
                .confirmed_ms
                .is_some_and(|confirmed_ms| at_ms < confirmed_ms + IN_FLIGHT_MS);
        !in_flight && self.is_after(phase, at_ms, known_before)
    }
}

impl<'a> PageIndex<'a> {
    /// Joins and classifies everything recorded of a page.
    pub(crate) fn new(page: &'a Page, knowledge: &dyn Knowledge, profile: Profile) -> Self {
        let visits = page
            .visits
            .iter()
            .filter(|visit| shows_the_page(visit.outcome));
        let (asking, silent): (Vec<&Visit>, Vec<&Visit>) =
            visits.partition(|visit| visit.asks_by_privacy_control());
        if asking.is_empty() || silent.is_empty() {
            let all = if silent.is_empty() { asking } else { silent };
            return Self::of_visits(page, all, knowledge, profile);
        }
        Self {
            asking: Some(Box::new(Self::of_visits(page, asking, knowledge, profile))),
            ..Self::of_visits(page, silent, knowledge, profile)
        }
    }

    fn of_visits(
        page: &'a Page,
        mut visits: Vec<&'a Visit>,
        knowledge: &dyn Knowledge,
        profile: Profile,
    ) -> Self {
        let address = if page.final_url.is_empty() {
            &page.url
        } else {
            &page.final_url
        };
        let site = host_of(address);
        visits.sort_by_key(|visit| (visit.state, visit.repeat, visit.timing.started));
        let visits: Vec<VisitIndex<'a>> = visits
            .into_iter()
            .map(|visit| VisitIndex {
                visit,
                requests: requests::left_the_browser(visit, page, &site, knowledge),
                chains: chains(visit),
            })
            .collect();
        let requested_before = visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .filter(|seen| seen.request.phase.is_before_choice())
            .map(SeenRequest::group)
            .collect();
        let mut index = Self {
            page,
            profile,
            pattern: naming::page_pattern(&page.url),
            site,
            visits,
            asking: None,
            earlier: None,
            items: Vec::new(),
            strings: Vec::new(),
            declared: Declarations::of(page),
            services: BTreeMap::new(),
            companies: HashMap::new(),
            services_of_domains: BTreeMap::new(),
            requested_before,
        };
        storage::join(&mut index, knowledge);
        requests::mark_identifiers(&mut index);
        index.name_services(knowledge);
        index.strings = consent_strings::all(&index);
        index.companies = index
            .visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .map(|seen| seen.host.as_str())
            .collect::<BTreeSet<&str>>()
            .into_iter()
            .map(|host| (host.to_owned(), index.find_company(host, None)))
            .collect();
        index
    }

    /// The same, beside what earlier runs showed.
    pub(crate) fn beside(mut self, earlier: &'a Earlier) -> Self {
        self.earlier = earlier.of(&self);
        self
    }

    /// Whether a request of that group went out before a choice, in any visit.
    pub(crate) fn requested_before(&self, group: &(String, String)) -> bool {
        self.requested_before.contains(group)
    }

    /// The refusals to judge: the confirmed ones, or all when none is confirmed.
    pub(crate) fn refusals(&self) -> Refusals {
        let numbers = |confirmed_only: bool| -> Vec<usize> {
            (0..self.visits.len())
                .filter(|&number| {
                    let visit = &self.visits[number];
                    visit.is_refusal() && (visit.visit.choice.confirmed || !confirmed_only)
                })
                .collect()
        };
        let confirmed = numbers(true);
        if confirmed.is_empty() {
            Refusals {
                visits: numbers(false),
                confirmed: false,
            }
        } else {
            Refusals {
                visits: confirmed,
                confirmed: true,
            }
        }
    }

    /// The visits among `numbers` that lasted long enough to show what another one showed first in
    /// `phase` at `at_ms`.
    pub(crate) fn lasting(
        &self,
        numbers: impl IntoIterator<Item = usize>,
        phase: PhaseName,
        at_ms: u64,
    ) -> BTreeSet<usize> {
        numbers
            .into_iter()
            .filter(|&number| {
                self.visits
                    .get(number)
                    .is_some_and(|visit| visit.lasts_to(phase, at_ms))
            })
            .collect()
    }

    /// A service's name for a reader.
    pub(crate) fn service_name<'s>(&'s self, id: &'s str) -> &'s str {
        self.services
            .get(id)
            .map_or(id, |facts| facts.name.as_str())
    }

    /// The chain of the script or response that wrote an item, as far as the visit recorded its request.
    pub(crate) fn chain_of(&self, visit: usize, setter: Option<&Setter>) -> Vec<InitiatorStep> {
        let (Some(visit), Some(url)) = (self.visits.get(visit), setter.and_then(Setter::url))
        else {
            return Vec::new();
        };
        visit
            .chains
            .get(url)
            .map(|chain| chain.to_vec())
            .unwrap_or_default()
    }

    /// The company behind a host or a service: its owner, its vendor, else the domain. One word tells
    /// companies apart well enough, and the branches of one company in several countries not.
    pub(crate) fn company_of(&self, host: &str, service: Option<&str>) -> String {
        match (service, self.companies.get(host)) {
            (None, Some(known)) => known.clone(),
            _ => self.find_company(host, service),
        }
    }

    fn find_company(&self, host: &str, service: Option<&str>) -> String {
        let domain = registrable_domain(host);
        let by_host = || self.services_of_domains.get(domain).map(String::as_str);
        let facts = service
            .or_else(by_host)
            .and_then(|id| self.services.get(id));
        let name = facts.and_then(|facts| facts.owner.as_deref().or(facts.vendor.as_deref()));
        let Some(name) = name else {
            return domain.to_ascii_lowercase();
        };
        name.split(|letter: char| !letter.is_alphanumeric())
            .map(str::to_lowercase)
            .find(|word| !word.is_empty() && word != "the")
            .unwrap_or_else(|| domain.to_ascii_lowercase())
    }

    /// The catalog id of every service seen, with a host it was contacted at or that holds an item of it.
    pub(crate) fn hosts_of_services(&self) -> BTreeSet<(&str, &str)> {
        let contacted = self
            .visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .filter_map(|seen| Some((seen.found.as_ref()?.service.as_str(), seen.host.as_str())));
        let holding = self
            .items
            .iter()
            .filter(|item| item.party == Party::Third)
            .filter_map(|item| Some((item.class.service.as_deref()?, item.key.host.as_str())));
        contacted.chain(holding).collect()
    }

    fn name_services(&mut self, knowledge: &dyn Knowledge) {
        let mut seen: BTreeMap<String, Category> = BTreeMap::new();
        for found in self
            .visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .filter_map(|seen| seen.found.as_ref())
        {
            seen.entry(found.service.clone()).or_insert(found.category);
        }
        self.services_of_domains = self
            .visits
            .iter()
            .flat_map(|visit| &visit.requests)
            .filter_map(|seen| {
                let service = seen.found.as_ref()?.service.clone();
                Some((registrable_domain(&seen.host).to_owned(), service))
            })
            .collect();
        for item in &self.items {
            if let Some(service) = &item.class.service {
                seen.entry(service.clone()).or_insert(item.class.category);
            }
        }
        self.services = seen
            .into_iter()
            .map(|(id, category)| {
                let facts = knowledge.service(&id).unwrap_or_else(|| ServiceFacts {
                    name: id.clone(),
                    category,
                    ..ServiceFacts::default()
                });
                (id, facts)
            })
            .collect();
    }
}

/// The visits in which the visitor refused.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// Their numbers in [`PageIndex::visits`].
    pub(crate) visits: Vec<usize>,
    /// Something independent of the click shows that the answer was recorded.
    pub(crate) confirmed: bool,
}

/// Who loaded what: of scripts what the page's record of scripts says, of the rest the request's own chain.
fn chains(visit: &Visit) -> HashMap<&str, &[InitiatorStep]> {
    let requests = visit
        .snapshot
        .requests
        .iter()
        .map(|request| (request.url.as_str(), &request.initiator_chain));
    let scripts = visit
        .snapshot
        .scripts
        .iter()
        .map(|script| (script.url.as_str(), &script.initiator_chain));
    let mut chains = HashMap::new();
    for (url, chain) in scripts.chain(requests) {
        chains.entry(url).or_insert(chain.as_slice());
    }
    chains
}

/// A challenge, an error page or a download stands in for the page: what it stores is not the site's.
fn shows_the_page(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Complete | Outcome::TimedOut | Outcome::BrowserCrashed | Outcome::Interrupted => {
            true
        }
        Outcome::Unreachable | Outcome::HttpError | Outcome::Blocked | Outcome::NotAPage => false,
    }
}
