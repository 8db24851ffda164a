//! What the catalog says of one observation: the service, how sure that is, and why.
//!
//! The judge asks [`Catalog::match_item`] and [`Catalog::match_request`], which take a name for
//! proof only where it is one. Somebody who asks by hand wants to hear the best guess, too, with
//! how little it is worth.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::index::RuleFound;
use super::index::items::{Bond, Candidate, FEWEST_LITERALS_ELSEWHERE, Rank, Refusal};
use super::schema::RequestRule;
use super::{Catalog, ItemMatch, ItemQuery, Knowing, Override, Treatment};
use crate::model::finding::Category;
use crate::model::party::{Party, party_of};
use crate::model::snapshot::StorageKind;

/// Fewest literal characters of a pattern that by itself says who is behind a name.
const TELLING_LITERALS: usize = 6;

/// What was observed.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
    utoipa::ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ObservedKind {
    /// A cookie.
    Cookie,
    /// A key of `localStorage`, or of a storage area that is not known.
    #[serde(
        alias = "storage",
        alias = "localStorage",
        alias = "local_storage",
        alias = "local"
    )]
    LocalStorage,
    /// A key of `sessionStorage`.
    #[serde(alias = "sessionStorage", alias = "session_storage", alias = "session")]
    SessionStorage,
    /// A database.
    #[serde(alias = "indexedDB", alias = "indexeddb", alias = "indexed_db")]
    IndexedDb,
    /// A cache.
    #[serde(alias = "cache", alias = "cache_storage")]
    CacheStorage,
    /// A request; its name is a URL or a path.
    #[serde(alias = "url", alias = "host")]
    Request,
}

impl ObservedKind {
    fn storage(self) -> Option<StorageKind> {
        match self {
            Self::Cookie | Self::Request => None,
            Self::LocalStorage => Some(StorageKind::LocalStorage),
            Self::SessionStorage => Some(StorageKind::SessionStorage),
            Self::IndexedDb => Some(StorageKind::IndexedDb),
            Self::CacheStorage => Some(StorageKind::CacheStorage),
        }
    }
}

/// An observation somebody asks about.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What was observed.
    pub kind: ObservedKind,
    /// Its name, key, URL or path; empty for a request to a host.
    pub name: &'a str,
    /// Where: a cookie's domain, the host of a storage's origin or of a request.
    pub host: Option<&'a str>,
    /// Host of the page it was observed on.
    pub site: Option<&'a str>,
    /// Its value; empty when not known.
    pub value: &'a str,
}

/// What an answer rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MatchedBy {
    /// The name, on a host of the service or one the entry names.
    NameAndHost,
    /// The name, and a value of the grammar the entry gives.
    NameAndValue,
    /// The name alone, on the site itself or where the host is not known.
    Name,
    /// The name alone, on a host of somebody else.
    NameElsewhere,
    /// The table of names that stand for themselves, whoever sets them.
    Override,
    /// The host alone.
    Host,
    /// The host and the path.
    HostAndPath,
    /// The host and a parameter.
    HostAndQuery,
}

impl MatchedBy {
    /// What it means, in words.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::NameAndHost => "by its name, on a host of the service",
            Self::NameAndValue => "by its name and the form of its value",
            Self::Name => "by its name alone",
            Self::NameElsewhere => "by its name alone, on a host that is not the service's",
            Self::Override => "by a name that stands for itself, whoever sets it",
            Self::Host => "by its host alone",
            Self::HostAndPath => "by its host and path",
            Self::HostAndQuery => "by its host and a parameter",
        }
    }
}

/// How much an answer is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// A hint: ambiguous, inferred, or out of place.
    Low,
    /// A telling name, or a data set's word for a host.
    Medium,
    /// Host, setter or value speak for an entry written by hand.
    High,
}

/// What the catalog says of an observation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Answer {
    /// Id of the service; absent when nobody knows, or when the name stands for itself.
    pub service: Option<String>,
    /// What it is for.
    pub category: Category,
    /// What the answer rests on; absent when there is none.
    pub matched_by: Option<MatchedBy>,
    /// How much it is worth; absent when there is none.
    pub confidence: Option<Confidence>,
    /// `curated`, or title and licence of the data set it comes from.
    pub source: Option<String>,
    /// The pattern, host or table group that fits.
    pub rule: Option<String>,
    /// What it does: `identifier`, `loader` …
    pub role: Option<String>,
    /// What it is for, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Its lifetime, as declared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<String>,
    /// Ids of other services that fit as well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ambiguous: Vec<String>,
}

impl Answer {
    fn unknown() -> Self {
        Self {
            service: None,
            category: Category::Unclassified,
            matched_by: None,
            confidence: None,
            source: None,
            rule: None,
            role: None,
            purpose: None,
            duration: None,
            ambiguous: Vec::new(),
        }
    }
}

/// A rule that was looked at, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Considered {
    /// Id of the service.
    pub service: String,
    /// Its pattern or host.
    pub rule: String,
    /// It fits; one of those that fit is the answer.
    pub fits: bool,
    /// Why it fits or not.
    pub why: String,
}

impl Catalog {
    /// What the catalog says of an observation.
    pub fn answer(&self, question: &Question<'_>) -> Answer {
        if question.kind == ObservedKind::Request {
            let found = request_url(question).and_then(|url| {
                let site = question.site.unwrap_or_default();
                self.index.find_request(&self.services, &url, site)
            });
            return found.map_or_else(Answer::unknown, |found| self.of_rule(&found));
        }
        ask_item(question, |query| self.answer_item(question, query))
    }

    /// Every rule that was looked at, those that fit first and the best of them at the top.
    pub fn considered(&self, question: &Question<'_>) -> Vec<Considered> {
        if question.kind == ObservedKind::Request {
            let Some(url) = request_url(question) else {
                return Vec::new();
            };
            let site = question.site.unwrap_or_default();
            return self
                .index
                .requests_like(&self.services, &url, site)
                .iter()
                .map(|found| Considered {
                    service: found.service.id.clone(),
                    rule: rule_text(found.rule),
                    fits: true,
                    why: format!("fits {}", by_rule(found.rule).in_words()),
                })
                .collect();
        }
        ask_item(question, |query| {
            let mut candidates = self.index.items_like(&self.services, query);
            candidates
                .sort_by_key(|candidate| Reverse(candidate.outcome.ok().map(|(rank, _)| rank)));
            candidates.iter().map(considered).collect()
        })
    }

    fn answer_item(&self, question: &Question<'_>, query: &ItemQuery<'_>) -> Answer {
        let row = self.override_for(query);
        let mut answer = self
            .answer_by_name(question, query)
            .or_else(|| row.is_none().then(|| self.answer_by_host(question))?)
            .unwrap_or_else(Answer::unknown);
        if let Some(row) = row {
            answer.heed(&row);
        }
        answer
    }

    fn answer_by_name(&self, question: &Question<'_>, query: &ItemQuery<'_>) -> Option<Answer> {
        if let Some(found) = self.match_item(query) {
            let matched_by = self.bond_of(query, &found);
            return Some(self.of_item(found, matched_by));
        }
        // Somebody else's host, or none: the name may still say something.
        let loose = self
            .index
            .items_like(&self.services, query)
            .into_iter()
            .filter(|candidate| match candidate.outcome {
                Err(Refusal::ForeignHost) => {
                    candidate.entry.pattern.literals() >= FEWEST_LITERALS_ELSEWHERE
                }
                Err(Refusal::OtherHost) => question.host.is_none(),
                _ => false,
            })
            .max_by_key(|candidate| {
                let pattern = candidate.entry.pattern;
                let id = Reverse(candidate.entry.service.id.as_str());
                (pattern.exact().is_some(), pattern.literals(), id)
            })?;
        let found = loose.entry.to_match(&self.services, &self.tables);
        let matched_by = if question.host.is_none() {
            MatchedBy::Name
        } else {
            MatchedBy::NameElsewhere
        };
        Some(Answer {
            confidence: Some(Confidence::Low),
            ..self.of_item(found, matched_by)
        })
    }

    /// What speaks for a match beside its name.
    fn bond_of(&self, query: &ItemQuery<'_>, found: &ItemMatch) -> MatchedBy {
        let best: Option<(Rank, Bond)> = self
            .index
            .items_like(&self.services, query)
            .iter()
            .filter(|candidate| candidate.entry.service.id == found.service)
            .filter_map(|candidate| candidate.outcome.ok())
            .max_by_key(|(rank, _)| *rank);
        match best {
            Some((_, Bond::Host | Bond::Setter)) => MatchedBy::NameAndHost,
            Some((_, Bond::Value)) => MatchedBy::NameAndValue,
            _ => MatchedBy::Name,
        }
    }

    fn of_item(&self, found: ItemMatch, matched_by: MatchedBy) -> Answer {
        let literals = found
            .pattern
            .bytes()
            .filter(|byte| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte == b'-')
            .count();
        let telling = !found.pattern.contains(['*', '<']) || literals >= TELLING_LITERALS;
        let confidence = if !found.ambiguous.is_empty() {
            Confidence::Low
        } else if matched_by == MatchedBy::Name || found.knowing == Knowing::Imported {
            if telling {
                Confidence::Medium
            } else {
                Confidence::Low
            }
        } else {
            Confidence::High
        };
        Answer {
            category: found.category,
            matched_by: Some(matched_by),
            confidence: Some(confidence),
            source: Some(self.source_of(&found.service, found.knowing)),
            service: Some(found.service),
            rule: Some(found.pattern),
            role: found.role,
            purpose: found.purpose,
            duration: found.duration,
            ambiguous: found.ambiguous,
        }
    }

    /// An unknown item on a known host is probably its owner's.
    fn answer_by_host(&self, question: &Question<'_>) -> Option<Answer> {
        let host = question.host?.trim_start_matches('.');
        let foreign = question
            .site
            .is_none_or(|site| party_of(host, site) == Party::Third);
        let found = foreign
            .then(|| self.index.owner_of_host(&self.services, host))
            .flatten()?;
        Some(Answer {
            confidence: Some(Confidence::Low),
            role: None,
            ..self.of_rule(&found)
        })
    }

    fn of_rule(&self, found: &RuleFound<'_>) -> Answer {
        let matched = found.to_match();
        let confidence = match found.knowing {
            Knowing::Curated => Confidence::High,
            Knowing::Imported => Confidence::Medium,
        };
        Answer {
            category: matched.category,
            matched_by: Some(by_rule(found.rule)),
            confidence: Some(confidence),
            source: Some(self.source_of(&matched.service, found.knowing)),
            service: Some(matched.service),
            rule: Some(rule_text(found.rule)),
            role: matched.role,
            ..Answer::unknown()
        }
    }

    /// Where a service comes from: `curated`, or title and licence of the data set.
    pub fn source_of(&self, id: &str, knowing: Knowing) -> String {
        match knowing {
            Knowing::Curated => "curated".to_owned(),
            Knowing::Imported => self
                .service(id)
                .and_then(|service| service.source.first())
                .map_or_else(
                    || "imported".to_owned(),
                    |source| {
                        let title = source.title.as_deref().unwrap_or(&source.id);
                        format!("{title} ({})", source.rights)
                    },
                ),
        }
    }
}

impl Answer {
    /// Names of the override table outweigh what the services say of a category.
    fn heed(&mut self, row: &Override) {
        let known = self.service.is_some() && self.category != Category::Unclassified;
        match row.treatment {
            Treatment::Exempt | Treatment::Security => self.category = Category::Necessary,
            Treatment::Consent if !known => self.category = row.category(),
            Treatment::Consent | Treatment::Probe | Treatment::Unknown => {}
        }
        if self.matched_by.is_none() {
            self.matched_by = Some(MatchedBy::Override);
            self.confidence = Some(Confidence::Medium);
            self.source = Some("curated".to_owned());
            self.rule = Some(row.group.clone());
            self.purpose = Some(row.reason.clone());
        }
    }
}

/// Asks about an item as the judge would.
fn ask_item<T>(question: &Question<'_>, ask: impl FnOnce(&ItemQuery<'_>) -> T) -> T {
    let host = question.host.or(question.site).unwrap_or_default();
    let host = host.trim_start_matches('.');
    ask(&ItemQuery {
        name: question.name,
        host,
        storage: question.kind.storage(),
        // An observation without a page is taken for one on its own site.
        site: question.site.unwrap_or(host),
        set_by: &[],
        value: question.value,
        contacted: &BTreeSet::new(),
    })
}

fn by_rule(rule: &RequestRule) -> MatchedBy {
    if !rule.query.is_empty() {
        MatchedBy::HostAndQuery
    } else if rule.path.is_some() {
        MatchedBy::HostAndPath
    } else {
        MatchedBy::Host
    }
}

fn rule_text(rule: &RequestRule) -> String {
    let query = rule.query_text();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{}{}{mark}{query}", rule.host, rule.path_text())
}

/// The URL a question about a request means.
fn request_url(question: &Question<'_>) -> Option<Url> {
    if question.name.contains("://") {
        return Url::parse(question.name).ok();
    }
    let host = match question.host {
        Some(host) if host.contains("://") => return Url::parse(host).ok(),
        Some(host) => host.trim_start_matches('.'),
        // `--request collect.example.com/x` is a host with a path.
        None => return Url::parse(&format!("https://{}", question.name)).ok(),
    };
    let path = question.name.trim_start_matches('/');
    Url::parse(&format!("https://{host}/{path}")).ok()
}

fn considered(candidate: &Candidate<'_>) -> Considered {
    let entry = candidate.entry;
    let why = match candidate.outcome {
        Ok((_, Bond::Host)) => "the name fits, and so does the host".to_owned(),
        Ok((_, Bond::Setter)) => "the name fits, and the service wrote it".to_owned(),
        Ok((_, Bond::Value)) => "the name fits, and so does the value".to_owned(),
        Ok((_, Bond::Contact)) => "the name fits, and the service was contacted".to_owned(),
        Ok((_, Bond::None)) => "the name fits; nothing else speaks for it or against it".to_owned(),
        Err(Refusal::OtherHost) => {
            let hosts: Vec<String> = entry.on.iter().map(ToString::to_string).collect();
            format!("the name fits, but counts only on {}", hosts.join(", "))
        }
        Err(Refusal::ForeignHost) => {
            "the name fits, but the host is neither the service's nor the site's".to_owned()
        }
        Err(Refusal::OtherStore) => {
            "the name fits, but is too short to count in another kind of store".to_owned()
        }
        Err(Refusal::OtherValue) => "the name fits, but the value does not".to_owned(),
    };
    Considered {
        service: entry.service.id.clone(),
        rule: entry.pattern.as_str().to_owned(),
        fits: candidate.outcome.is_ok(),
        why,
    }
}
