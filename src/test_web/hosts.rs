//! Which host is whose.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::TestWebError;
use super::route::Route;
use super::site::{self, Site};

/// `fixtures/services`, built in.
static SERVICES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/services");

/// A service's description in its folder.
const SERVICE_FILE: &str = "service.toml";

/// `service.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// What it imitates, and how far, in one sentence.
    #[serde(rename = "about")]
    _about: String,
    /// The host names it answers for.
    hosts: Vec<String>,
    /// Its answers; the first that fits counts.
    #[serde(rename = "route")]
    pub(super) routes: Vec<Route>,
    /// Its folder.
    #[serde(skip)]
    name: String,
}

impl Service {
    /// A file of the service's folder.
    pub(super) fn file(&self, name: &str) -> Option<&'static [u8]> {
        SERVICES
            .get_file(format!("{}/{name}", self.name))
            .map(include_dir::File::contents)
    }
}

/// Who answers for a host.
#[derive(Debug, Clone, Copy)]
pub(super) enum Owner<'a> {
    /// A site.
    Site(&'a Site),
    /// A service.
    Service(&'a Service),
    /// The test web itself: the list of its sites.
    Index(&'a [Site]),
}

/// Place of an owner in the lists of [`Hosts`].
#[derive(Debug, Clone, Copy)]
enum Place {
    Site(usize),
    Service(usize),
    Index,
}

/// All hosts of the test web.
#[derive(Debug)]
pub(super) struct Hosts {
    sites: Vec<Site>,
    services: Vec<Service>,
    places: BTreeMap<String, Place>,
}

impl Hosts {
    /// Reads the services and gives every host its owner.
    pub(super) fn load(sites: &[Site]) -> Result<Self, TestWebError> {
        let services = SERVICES.dirs().map(read).collect::<Result<Vec<_>, _>>()?;
        let of_sites = sites
            .iter()
            .enumerate()
            .map(|(at, site)| (&site.host, Place::Site(at), &site.name));
        let of_services = services.iter().enumerate().flat_map(|(at, service)| {
            service
                .hosts
                .iter()
                .map(move |host| (host, Place::Service(at), &service.name))
        });
        let own = ["localhost", "127.0.0.1"].map(|host| (host.to_owned(), Place::Index));
        let mut places = BTreeMap::from(own);
        for (host, place, name) in of_sites.chain(of_services) {
            if places.insert(host.clone(), place).is_some() {
                return Err(TestWebError::Fixture {
                    file: name.clone(),
                    reason: format!("host {host} belongs to another site or service as well"),
                });
            }
        }
        Ok(Self {
            sites: sites.to_vec(),
            services,
            places,
        })
    }

    /// All host names.
    pub(super) fn names(&self) -> Vec<String> {
        self.places.keys().cloned().collect()
    }

    /// Who answers for a host name, written in lower case and without port.
    pub(super) fn owner(&self, host: &str) -> Option<Owner<'_>> {
        match *self.places.get(host)? {
            Place::Site(at) => self.sites.get(at).map(Owner::Site),
            Place::Service(at) => self.services.get(at).map(Owner::Service),
            Place::Index => Some(Owner::Index(&self.sites)),
        }
    }
}

/// Reads one folder of `fixtures/services`.
fn read(folder: &'static Dir<'static>) -> Result<Service, TestWebError> {
    let mut service: Service = site::parse("services", folder, SERVICE_FILE)?;
    service.name = folder.path().to_string_lossy().into_owned();
    Ok(service)
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        reason = "a fixture that does not parse fails the test"
    )]

    use super::*;

    #[test]
    fn every_route_of_every_service_has_its_file_and_its_host() {
        let hosts = Hosts::load(&site::sites().unwrap()).unwrap();
        assert!(!hosts.services.is_empty());
        for service in &hosts.services {
            for route in &service.routes {
                if let Some(file) = &route.file {
                    assert!(service.file(file).is_some(), "{}: {file}", service.name);
                }
                if let Some(host) = &route.host {
                    assert!(service.hosts.contains(host), "{}: {host}", service.name);
                }
            }
        }
    }

    #[test]
    fn every_third_party_request_of_a_truth_is_answered() {
        let sites = site::sites().unwrap();
        let hosts = Hosts::load(&sites).unwrap();
        for site in &sites {
            for request in &site.truth.requests {
                let Some(Owner::Service(service)) = hosts.owner(&request.host) else {
                    panic!("{}: nobody answers for {}", site.name, request.host);
                };
                let answered = service
                    .routes
                    .iter()
                    .any(|route| route.fits(&request.host, &request.path));
                assert!(
                    answered,
                    "{}: {}{} is not answered",
                    site.name, request.host, request.path
                );
            }
        }
    }
}
