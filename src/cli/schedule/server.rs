//! Asks a running service, over its API.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Refused, new_site};
use crate::audit::address;
use crate::cli::output::{chain, say};
use crate::service::audit::Audit;
use crate::service::schedule::{Schedule, ScheduleWish};
use crate::service::site::Site;

/// Where the token comes from.
const TOKEN: &str = "CONSENTINEL_TOKEN";
/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Largest answer, in bytes.
const LARGEST_ANSWER: u64 = 16 * 1024 * 1024;

/// A running service.
pub(in crate::cli) struct Server {
    api: Url,
    token: String,
    agent: ureq::Agent,
}

/// A part of a collection.
#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// What the service says when it does not do something.
#[derive(Deserialize)]
struct Said {
    detail: String,
    pointer: Option<String>,
}

impl Server {
    /// The service at an address.
    pub(in crate::cli) fn at(given: &str) -> Result<Self, Refused> {
        let mut api = address(given)
            .map_err(|reason| Refused::usage(format!("--server {given}: {reason}")))?;
        let path = format!("{}/api/v1/", api.path().trim_end_matches('/'));
        api.set_path(&path);
        let token = std::env::var(TOKEN).ok().ok_or_else(|| {
            Refused::usage(format!(
                "{TOKEN} is not set; make a token in the service's settings"
            ))
        })?;
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(LIMIT))
            .http_status_as_error(false)
            // A redirect would carry the token elsewhere.
            .max_redirects(0)
            .build()
            .into();
        Ok(Self { api, token, agent })
    }

    /// The id of a site that is known by its id or its address, or that is added.
    pub(super) fn site(&self, given: &str) -> Result<String, Refused> {
        let url = address(given).ok();
        for site in self.all::<Site>(&["sites"])? {
            let same_url = url.as_ref().is_some_and(|url| site.url == url.as_str());
            if site.id == given || same_url {
                return Ok(site.id);
            }
        }
        let site: Site = self.send("POST", &["sites"], &[], Some(&new_site(given)))?;
        say(&format!("{} is the new site {}", site.url, site.id));
        Ok(site.id)
    }

    pub(super) fn add(&self, wish: &ScheduleWish) -> Result<Schedule, Refused> {
        self.send("POST", &["schedules"], &[], Some(wish))
    }

    pub(super) fn list(&self) -> Result<Vec<Schedule>, Refused> {
        self.all(&["schedules"])
    }

    pub(super) fn run(&self, id: &str) -> Result<Audit, Refused> {
        self.send::<(), _>("POST", &["schedules", id, "run"], &[], None)
    }

    pub(super) fn remove(&self, id: &str) -> Result<(), Refused> {
        self.ask::<()>("DELETE", &["schedules", id], &[], None)
            .map(drop)
    }

    /// Writes an answer of any length, and returns its length.
    pub(in crate::cli) fn download(
        &self,
        path: &[&str],
        into: &mut impl std::io::Write,
    ) -> Result<u64, Refused> {
        let mut url = self.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let failed = |error: &dyn std::error::Error| {
            Refused::usage(format!("{} cannot be asked: {}", self.api, chain(error)))
        };
        let mut answer = self
            .agent
            .get(url.as_str())
            .config()
            // As long as it takes to make it and to send it.
            .timeout_global(None)
            .build()
            .header("authorization", format!("Bearer {}", self.token))
            .call()
            .map_err(|error| failed(&error))?;
        if !answer.status().is_success() {
            let status = answer.status();
            let text = answer.body_mut().read_to_string().unwrap_or_default();
            return Err(Refused::usage(self.said(&text, status)));
        }
        std::io::copy(&mut answer.body_mut().as_reader(), into).map_err(|error| failed(&error))
    }

    /// What the service says when it does not do something.
    fn said(&self, text: &str, status: ureq::http::StatusCode) -> String {
        match serde_json::from_str::<Said>(text) {
            Ok(Said {
                detail,
                pointer: Some(pointer),
            }) if !pointer.is_empty() => format!("{}: {detail}", pointer.trim_start_matches('/')),
            Ok(said) => said.detail,
            Err(_) => format!("{} answers with HTTP {status}", self.api),
        }
    }

    /// A whole collection, part by part.
    fn all<T: DeserializeOwned>(&self, path: &[&str]) -> Result<Vec<T>, Refused> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let query = [("limit", "500"), ("after", after.as_str())];
            let part: Items<T> = self.send::<(), _>("GET", path, &query, None)?;
            all.extend(part.items);
            // The same again would go on for ever.
            match part.next {
                Some(next) if next > after => after = next,
                _ => return Ok(all),
            }
        }
    }

    fn send<B: Serialize, T: DeserializeOwned>(
        &self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&B>,
    ) -> Result<T, Refused> {
        let text = self.ask(method, path, query, body)?;
        serde_json::from_str(&text).map_err(|error| {
            Refused::usage(format!(
                "{} does not answer as a service would: {error}",
                self.api
            ))
        })
    }

    fn ask<B: Serialize>(
        &self,
        method: &str,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<&B>,
    ) -> Result<String, Refused> {
        let mut url = self.api.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        for (name, value) in query.iter().filter(|(_, value)| !value.is_empty()) {
            url.query_pairs_mut().append_pair(name, value);
        }
        let failed = |error: &dyn std::error::Error| {
            Refused::usage(format!("{} cannot be asked: {}", self.api, chain(error)))
        };
        let bytes = body.map(serde_json::to_vec).transpose();
        let bytes = bytes.map_err(|error| failed(&error))?.unwrap_or_default();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(url.as_str())
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .header("accept", "application/json");
        let request = request.body(bytes).map_err(|error| failed(&error))?;
        let mut answer = self.agent.run(request).map_err(|error| failed(&error))?;
        let status = answer.status();
        let text = answer
            .body_mut()
            .with_config()
            .limit(LARGEST_ANSWER)
            .read_to_string()
            .map_err(|error| failed(&error))?;
        if status.is_success() {
            return Ok(text);
        }
        Err(Refused::usage(self.said(&text, status)))
    }
}
