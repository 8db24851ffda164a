//! Finds the service behind an item or a request.

use std::cmp::Reverse;
use std::collections::HashMap;

use url::Url;

use super::host::{HostPattern, PathPattern};
use super::schema::words::{FactStatus, Kind};
use super::schema::{RequestRule, Service};
use super::{Knowing, RequestMatch};
use crate::model::party::registrable_domain;

pub(super) mod items;
mod names;

use names::Names;

/// All services: those written by hand in the order of their ids, then the imported ones in that of theirs.
#[derive(Debug, Default)]
pub(super) struct Services {
    all: Vec<Service>,
    /// How many were written by hand.
    curated: usize,
}

impl Services {
    /// Both lists in the order of their ids.
    pub(super) fn new(mut curated: Vec<Service>, mut imported: Vec<Service>) -> Self {
        curated.sort_by(|left, right| left.id.cmp(&right.id));
        imported.sort_by(|left, right| left.id.cmp(&right.id));
        let count = curated.len();
        curated.append(&mut imported);
        curated.shrink_to_fit();
        Self {
            all: curated,
            curated: count,
        }
    }

    /// Written by hand.
    pub(super) fn curated(&self) -> &[Service] {
        self.all.get(..self.curated).unwrap_or_default()
    }

    /// Imported.
    pub(super) fn imported(&self) -> &[Service] {
        self.all.get(self.curated..).unwrap_or_default()
    }

    /// By id.
    pub(super) fn find(&self, id: &str) -> Option<&Service> {
        [self.curated(), self.imported()]
            .into_iter()
            .find_map(|list| {
                let place = list.binary_search_by(|service| service.id.as_str().cmp(id));
                list.get(place.ok()?)
            })
    }

    fn is_curated(&self, place: u32) -> bool {
        (place as usize) < self.curated
    }

    fn at(&self, place: u32) -> &Service {
        &self.all[place as usize]
    }

    fn knowing(&self, place: u32) -> Knowing {
        if self.is_curated(place) {
            Knowing::Curated
        } else {
            Knowing::Imported
        }
    }

    /// With their places.
    fn placed(&self) -> impl Iterator<Item = (u32, &Service)> {
        (0..).zip(&self.all)
    }
}

/// Names and hosts of all services, ready to be asked. Services are meant by their place in the list.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Rules for a host and its subdomains, by the host.
    by_suffix: HashMap<Box<str>, Vec<RulePlace>>,
    /// Rules for a host alone, by the host.
    by_host: HashMap<Box<str>, Vec<RulePlace>>,
    /// Rules for a label under any suffix, by the label.
    by_label: HashMap<Box<str>, Vec<RulePlace>>,
    /// Rules for the site itself or for any host.
    anywhere: Vec<RulePlace>,
    /// Cookie and storage entries that have names.
    items: Vec<items::ItemPlace>,
    names: Names,
}

/// A request rule: its service's place and its own place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RulePlace {
    service: u32,
    rule: u32,
}

/// How narrow a request rule is: whether it was written by hand, then host, path and parameters.
type RuleRank = (bool, usize, usize, usize);

/// A request rule that a request fits.
#[derive(Debug, Clone, Copy)]
pub(super) struct RuleFound<'a> {
    pub(super) service: &'a Service,
    pub(super) rule: &'a RequestRule,
    pub(super) knowing: Knowing,
    place: u32,
}

impl RuleFound<'_> {
    fn rank(&self) -> RuleRank {
        (
            self.knowing == Knowing::Curated,
            self.rule.host.narrowness(),
            self.rule.path.as_ref().map_or(0, PathPattern::narrowness),
            self.rule.query.len(),
        )
    }

    pub(super) fn to_match(self) -> RequestMatch {
        RequestMatch {
            service: self.service.id.clone(),
            category: self.rule.category.unwrap_or(self.service.category),
            role: self.rule.role.map(|role| role.as_str().to_owned()),
            sector: self.service.sector.clone(),
            cmp: self.service.kind == Kind::Cmp,
            knowing: self.knowing,
        }
    }
}

impl Index {
    pub(super) fn new(services: &Services) -> Self {
        let mut index = Self::default();
        for (service, entry) in services.placed() {
            for (rule, request) in (0..).zip(&entry.request) {
                if request.status != Some(FactStatus::Retired) {
                    index.add_rule(&request.host, RulePlace { service, rule });
                }
            }
            index.items.extend(items::places_of(service, entry));
        }
        for rules in index.by_suffix.values_mut() {
            rules.shrink_to_fit();
        }
        index.by_suffix.shrink_to_fit();
        index.items.shrink_to_fit();
        index.names = Names::new(index.items.iter().filter_map(|place| place.name(services)));
        index
    }

    fn add_rule(&mut self, host: &HostPattern, place: RulePlace) {
        let places = match host {
            HostPattern::Exact(host) => self.by_host.entry(host.as_str().into()).or_default(),
            HostPattern::Suffix(host) => self.by_suffix.entry(host.as_str().into()).or_default(),
            HostPattern::AnySuffix(label) => {
                self.by_label.entry(label.as_str().into()).or_default()
            }
            HostPattern::Site | HostPattern::Any => &mut self.anywhere,
        };
        places.push(place);
    }

    /// Rules that name a host in lower case, one above it, or its label under any suffix.
    fn rules_naming<'a>(&'a self, host: &'a str) -> impl Iterator<Item = RulePlace> + 'a {
        let above = std::iter::successors(Some(host), |rest| {
            rest.split_once('.').map(|(_, parent)| parent)
        });
        let label = if self.by_label.is_empty() {
            None
        } else {
            registrable_domain(host)
                .split_once('.')
                .and_then(|(label, _)| self.by_label.get(label))
        };
        self.by_host
            .get(host)
            .into_iter()
            .chain(above.filter_map(|suffix| self.by_suffix.get(suffix)))
            .chain(label)
            .flatten()
            .copied()
    }

    /// Rules that a request fits; host and site in lower case.
    fn rules_of<'a, 's: 'a>(
        &'a self,
        services: &'s Services,
        url: &'a Url,
        host: &'a str,
        site: &'a str,
    ) -> impl Iterator<Item = RuleFound<'s>> + 'a {
        let places = self.rules_naming(host).chain(self.anywhere.iter().copied());
        places.filter_map(move |place| {
            let service = services.at(place.service);
            let rule = &service.request[place.rule as usize];
            // The host of a rule that names one fits already. That of the site is dear to compare.
            let fits = rule
                .path
                .as_ref()
                .is_none_or(|path| path.matches(url.path()))
                && (rule.host.is_named() || rule.host.matches(host, site))
                && rule.query.iter().all(|(name, value)| {
                    url.query_pairs()
                        .any(|(key, given)| key == name.as_str() && value.matches(&given))
                });
            fits.then(|| RuleFound {
                service,
                rule,
                knowing: services.knowing(place.service),
                place: place.service,
            })
        })
    }

    /// The rule a request fits best: curated, longest host, longest path, most parameters.
    pub(super) fn find_request<'s>(
        &self,
        services: &'s Services,
        url: &Url,
        site: &str,
    ) -> Option<RuleFound<'s>> {
        let host = url.host_str()?.to_ascii_lowercase();
        let site = site.to_ascii_lowercase();
        // The first of equals wins, always the same one.
        self.rules_of(services, url, &host, &site)
            .max_by_key(|found| (found.rank(), Reverse(found.place)))
    }

    /// Every rule that a request fits, the best first.
    pub(super) fn requests_like<'s>(
        &self,
        services: &'s Services,
        url: &Url,
        site: &str,
    ) -> Vec<RuleFound<'s>> {
        let Some(host) = url.host_str().map(str::to_ascii_lowercase) else {
            return Vec::new();
        };
        let site = site.to_ascii_lowercase();
        let mut found: Vec<RuleFound<'_>> = self.rules_of(services, url, &host, &site).collect();
        found.sort_by_key(|found| (Reverse(found.rank()), found.place));
        found
    }

    /// The service that a host belongs to as a whole: its best rule without path and parameters.
    pub(super) fn owner_of_host<'s>(
        &self,
        services: &'s Services,
        host: &str,
    ) -> Option<RuleFound<'s>> {
        let host = host.to_ascii_lowercase();
        self.rules_naming(&host)
            .filter_map(|place| {
                let service = services.at(place.service);
                let rule = &service.request[place.rule as usize];
                let whole = rule.path.is_none() && rule.query.is_empty();
                whole.then(|| RuleFound {
                    service,
                    rule,
                    knowing: services.knowing(place.service),
                    place: place.service,
                })
            })
            .max_by_key(|found| (found.rank(), Reverse(found.place)))
    }
}
