//! Puts services together while a data set is read.

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::dataset::ImportedService;
use crate::catalog::host::{HostPattern, PathPattern};
use crate::catalog::pattern::NamePattern;
use crate::catalog::schema::words::Area;
use crate::catalog::schema::{CookieEntry, RequestRule, StorageRule};
use crate::model::finding::Category;

use super::lifetime;

/// Examples kept of what was skipped.
const MOST_EXAMPLES: usize = 5;
/// Longest name or purpose taken over, in characters.
const LONGEST_TEXT: usize = 500;

/// What was left out of an import.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many, by reason.
    pub reasons: BTreeMap<&'static str, usize>,
    /// The first few, as the data set writes them.
    pub examples: Vec<String>,
}

impl Skipped {
    /// How many.
    pub fn count(&self) -> usize {
        self.reasons.values().sum()
    }

    pub(super) fn add(&mut self, reason: &'static str, what: &str) {
        *self.reasons.entry(reason).or_default() += 1;
        if self.examples.len() < MOST_EXAMPLES {
            self.examples.push(what.chars().take(80).collect());
        }
    }
}

/// What was found in a data set.
#[derive(Debug, Default)]
pub struct Found {
    /// Services, in the order of their ids.
    pub services: Vec<ImportedService>,
    /// What was left out.
    pub skipped: Skipped,
    /// The licence the data set itself names.
    pub rights: Option<String>,
    /// The version the data set itself names.
    pub version: Option<String>,
}

/// A stored item as a data set describes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Stored<'a> {
    /// Its name or pattern.
    pub(super) name: Option<NamePattern>,
    /// Absent for a cookie.
    pub(super) area: Option<Area>,
    pub(super) on: Vec<HostPattern>,
    pub(super) category: Option<Category>,
    pub(super) purpose: Option<&'a str>,
    pub(super) lifetime: Option<&'a str>,
}

/// Services by their names.
#[derive(Debug, Default)]
pub(super) struct Builder {
    by_name: BTreeMap<String, usize>,
    ids: BTreeSet<String>,
    pub(super) found: Found,
}

impl Builder {
    /// The service of a name, made when there is none yet. Its first category and sector hold.
    pub(super) fn service(
        &mut self,
        name: &str,
        category: Category,
        sector: &str,
    ) -> &mut ImportedService {
        let name = tidy(name).unwrap_or_else(|| "Unnamed".to_owned());
        let place = if let Some(place) = self.by_name.get(&name) {
            *place
        } else {
            let id = self.free_id(&name);
            let place = self.found.services.len();
            self.found.services.push(ImportedService {
                id,
                name: name.clone(),
                vendor: None,
                website: None,
                sector: sector.to_owned(),
                category,
                request: Vec::new(),
                cookie: Vec::new(),
                storage: Vec::new(),
            });
            self.by_name.insert(name, place);
            place
        };
        &mut self.found.services[place]
    }

    fn free_id(&mut self, name: &str) -> String {
        let id = slug(name);
        let mut free = id.clone();
        let mut number = 2_usize;
        while !self.ids.insert(free.clone()) {
            free = format!("{id}-{number}");
            number += 1;
        }
        free
    }

    /// What was found, in the order of the ids.
    pub(super) fn finish(mut self) -> Found {
        self.found
            .services
            .sort_by(|left, right| left.id.cmp(&right.id));
        self.found
    }
}

impl ImportedService {
    /// Adds a host, with its subdomains unless it is marked `=`.
    pub(super) fn add_host(
        &mut self,
        host: HostPattern,
        path: Option<PathPattern>,
        category: Option<Category>,
    ) {
        let is_there = self.request.iter().any(|rule| {
            rule.host == host
                && rule.path.as_ref().map(PathPattern::as_str)
                    == path.as_ref().map(PathPattern::as_str)
        });
        if !is_there {
            self.request.push(RequestRule {
                host,
                path,
                query: BTreeMap::new(),
                role: None,
                category: category.filter(|category| *category != self.category),
                exempt: None,
                status: None,
                src: Vec::new(),
            });
        }
    }

    /// Adds a cookie or storage entry.
    pub(super) fn add_item(&mut self, item: Stored<'_>) {
        let category = item.category.filter(|category| *category != self.category);
        let purpose = item.purpose.and_then(tidy);
        let duration = item.lifetime.and_then(lifetime::read);
        match item.area {
            None => self.cookie.push(CookieEntry {
                name: item.name,
                unnamed: false,
                party: None,
                on: item.on,
                path: None,
                value: None,
                duration,
                role: None,
                class: None,
                category,
                purpose,
                condition: None,
                encodes: None,
                http_only: None,
                set_by: None,
                exempt: None,
                status: None,
                src: Vec::new(),
            }),
            Some(area) => self.storage.push(StorageRule {
                area,
                name: item.name,
                unnamed: false,
                origin: None,
                on: item.on,
                value: None,
                duration,
                role: None,
                class: None,
                category,
                purpose,
                condition: None,
                encodes: None,
                exempt: None,
                status: None,
                src: Vec::new(),
            }),
        }
    }
}

/// A host out of a data set: `*.example.com`, `.example.com`, `https://example.com/x`, `Example.com`.
pub(super) fn host(written: &str) -> Option<HostPattern> {
    HostPattern::parse(&host_text(written)?).ok()
}

/// A host in lower case and punycode, without scheme, port, path and leading wildcard.
pub(super) fn host_text(written: &str) -> Option<String> {
    let written = written.trim().to_ascii_lowercase();
    let bare = written
        .split_once("://")
        .map_or(written.as_str(), |(_, rest)| rest)
        .split(['/', '?', '#', ' '])
        .next()?
        .trim_start_matches("*.")
        .trim_matches('.');
    match url::Host::parse(bare.split(':').next()?).ok()? {
        url::Host::Domain(domain) => Some(domain),
        url::Host::Ipv4(_) | url::Host::Ipv6(_) => None,
    }
}

/// A name out of a data set, in which every character stands for itself except, where `wildcards`
/// says so, `*`.
pub(super) fn name(written: &str, wildcards: bool) -> Option<NamePattern> {
    let written = written.trim();
    let mut escaped = String::with_capacity(written.len());
    for character in written.chars() {
        if matches!(character, '<' | '>' | '\\') || (character == '*' && !wildcards) {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    NamePattern::parse(&escaped)
        .ok()
        // A star alone would fit every name there is.
        .filter(|pattern| pattern.literals() > 0)
}

/// A name all names with this beginning fit.
pub(super) fn prefix(written: &str) -> Option<NamePattern> {
    name(&format!("{}*", written.trim().trim_end_matches('*')), true)
}

/// A text in one line without markup, not longer than anybody reads; nothing when it is empty.
pub(super) fn tidy(text: &str) -> Option<String> {
    let mut plain = String::new();
    let mut in_tag = false;
    for character in text.chars().take(LONGEST_TEXT * 4) {
        match character {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if !in_tag => plain.push(character),
            _ => {}
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line: String = words.join(" ").chars().take(LONGEST_TEXT).collect();
    (!line.is_empty()).then_some(line)
}

/// A name as an id: `Google Analytics` becomes `google-analytics`.
pub(super) fn slug(name: &str) -> String {
    let mut id = String::new();
    for character in name.chars().take(80) {
        if character.is_ascii_alphanumeric() {
            id.push(character.to_ascii_lowercase());
        } else if !id.is_empty() && !id.ends_with('-') {
            id.push('-');
        }
    }
    let id = id.trim_end_matches('-');
    if id.is_empty() {
        "unnamed".to_owned()
    } else {
        id.to_owned()
    }
}
