//! What earlier runs showed of the same sites, so that the judge can tell what has come since.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::model::finding::SubjectKind;
use crate::model::party::{Party, registrable_domain};
use crate::model::report::Page;
use crate::model::visit::State;

use super::declaration::{Declarations, Declared, Form};
use super::identifier::percent_decoded;
use super::index::{Item, PageIndex};
use super::item::Lifetime;
use super::knowledge::Knowledge;
use super::naming;
use super::profile::Profile;

/// Most names of each sort that are remembered of a site.
const MOST_REMEMBERED: usize = 20_000;
/// Most records of answers that are remembered of a site.
const MOST_RECORDS: usize = 200;
/// Longest record that is searched for a version, in bytes.
const LONGEST_RECORD: usize = 8 * 1024;

/// What earlier runs showed: pure facts, small for many pages. Several runs together even out what
/// comes and goes by chance.
#[derive(Debug, Default)]
pub struct Earlier {
    /// The patterns of the pages that were judged.
    pages: BTreeSet<String>,
    /// What was seen, by registrable domain.
    sites: BTreeMap<String, EarlierSite>,
}

/// What earlier runs showed of one site, on whatever page and in whatever state.
#[derive(Debug, Default)]
pub(crate) struct EarlierSite {
    services: BTreeSet<String>,
    items: BTreeSet<(SubjectKind, String, String)>,
    domains: BTreeSet<String>,
    declared: Declarations,
    /// Form, name and domain of every entry.
    listed: BTreeSet<(Form, String, Option<String>)>,
    /// The names in lists of each form, with what varies left out.
    names: BTreeMap<Form, BTreeSet<String>>,
    yes: Vec<KeptAnswer>,
}

/// The record of a yes.
#[derive(Debug, Clone)]
struct KeptAnswer {
    kind: SubjectKind,
    host: String,
    name: String,
    /// Until when it holds; absent where nothing ends it.
    until: Option<Timestamp>,
    /// What it says of the version of the question.
    versions: BTreeSet<String>,
}

impl Earlier {
    /// Adds a page of an earlier run.
    pub fn add(&mut self, page: &Page, catalog: &Catalog, profile: Profile) {
        self.add_known(page, catalog, profile);
    }

    pub(crate) fn add_known(&mut self, page: &Page, knowledge: &dyn Knowledge, profile: Profile) {
        let index = PageIndex::new(page, knowledge, profile);
        self.pages.insert(index.pattern.clone());
        self.sites
            .entry(registrable_domain(&index.site).to_owned())
            .or_default()
            .add(&index);
    }

    /// Whether there is nothing to compare with.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// What is known of a page's site, if the page itself was among those seen.
    pub(crate) fn of(&self, page: &PageIndex<'_>) -> Option<&EarlierSite> {
        self.pages
            .contains(&page.pattern)
            .then(|| self.sites.get(registrable_domain(&page.site)))
            .flatten()
    }
}

impl EarlierSite {
    fn add(&mut self, page: &PageIndex<'_>) {
        self.services.extend(page.services.keys().cloned());
        for item in &page.items {
            if self.items.len() < MOST_REMEMBERED {
                self.items.insert(identity(item));
            }
            if item.party == Party::Third {
                self.remember_domain(&item.key.host);
            }
        }
        for seen in page.visits.iter().flat_map(|visit| &visit.requests) {
            if seen.party() == Party::Third {
                self.remember_domain(&seen.host);
            }
        }
        for entry in &page.declared.entries {
            let key = (entry.form, entry.written.clone(), entry.domain.clone());
            if self.listed.len() < MOST_REMEMBERED && self.listed.insert(key) {
                let names = self.names.entry(entry.form).or_default();
                names.insert(naming::normalised(&entry.written));
                self.declared.entries.push(entry.clone());
            }
        }
        let room = MOST_RECORDS.saturating_sub(self.yes.len());
        self.yes.extend(kept_answers(page).take(room));
    }

    fn remember_domain(&mut self, host: &str) {
        if self.domains.len() < MOST_REMEMBERED {
            self.domains.insert(registrable_domain(host).to_owned());
        }
    }

    /// Whether the record of a yes was seen at all.
    pub(crate) fn knows_an_answer(&self) -> bool {
        !self.yes.is_empty()
    }

    /// The name of a record by which a visitor who once said yes is not asked again now.
    ///
    /// It has to be one the site still writes today, for the same version of its question, and must not
    /// have run out by itself.
    pub(crate) fn answer_that_still_holds(&self, page: &PageIndex<'_>) -> Option<&str> {
        let now = page
            .visits
            .iter()
            .map(|visit| visit.visit.timing.started)
            .max()?;
        let today: Vec<KeptAnswer> = kept_answers(page).take(MOST_RECORDS).collect();
        self.yes
            .iter()
            .find(|answer| {
                let holds = answer.until.is_none_or(|until| until > now);
                holds
                    && today.iter().any(|new| {
                        (new.kind, &new.host, &new.name, &new.versions)
                            == (answer.kind, &answer.host, &answer.name, &answer.versions)
                    })
            })
            .map(|answer| answer.name.as_str())
    }

    /// Whether a service was there, in whatever state.
    pub(crate) fn knows_service(&self, id: &str) -> bool {
        self.services.contains(id)
    }

    /// Whether an item, or somebody on its domain, was there or was declared.
    pub(crate) fn knows_item(&self, item: &Item<'_>) -> bool {
        self.items.contains(&identity(item))
            || self.declares(item)
            || (item.party == Party::Third
                && self.domains.contains(registrable_domain(&item.key.host)))
            || item
                .ghost_writer
                .as_deref()
                .is_some_and(|host| self.domains.contains(registrable_domain(host)))
    }

    /// Whether an item was declared, seen or not.
    pub(crate) fn declares(&self, item: &Item<'_>) -> bool {
        !self.declared.of_item(&item.key, item.party).is_empty()
    }

    /// Whether an entry is new in a list that was read before.
    pub(crate) fn is_new_in_its_list(&self, entry: &Declared) -> bool {
        let name = naming::normalised(&entry.written);
        self.names.contains_key(&entry.form)
            && !self.names.values().any(|names| names.contains(&name))
    }
}

fn identity(item: &Item<'_>) -> (SubjectKind, String, String) {
    (item.key.kind, item.key.host.clone(), item.stable_name())
}

/// The site's own records of a yes, as the confirmed visits of a page left them.
fn kept_answers<'p>(page: &'p PageIndex<'_>) -> impl Iterator<Item = KeptAnswer> + 'p {
    let accepted = |number: usize| {
        page.visits
            .get(number)
            .map(|visit| visit.visit)
            .filter(|visit| visit.state == State::Accepted && visit.choice.confirmed)
    };
    page.items
        .iter()
        .filter(|item| {
            item.party == Party::First
                && item.class.is_choice_record()
                && item.class.role.as_deref() != Some("consent-ui")
                && matches!(
                    item.key.kind,
                    SubjectKind::Cookie | SubjectKind::LocalStorage
                )
        })
        .filter_map(move |item| {
            let (visit, stored) = item.sightings.iter().find_map(|sighting| {
                let visit = accepted(sighting.visit)?;
                let last = sighting
                    .stored
                    .iter()
                    .rfind(|stored| !stored.phase.is_before_choice())?;
                Some((visit, *last))
            })?;
            let until = match stored.lifetime {
                // Gone when the browser is closed: the visitor is asked again.
                Lifetime::Session => return None,
                Lifetime::Unbounded => None,
                Lifetime::Seconds(seconds) => {
                    let written_ms = i64::try_from(stored.at_ms).unwrap_or(i64::MAX);
                    let until_ms = visit
                        .timing
                        .started
                        .as_millisecond()
                        .saturating_add(written_ms)
                        .saturating_add(seconds.saturating_mul(1_000));
                    Timestamp::from_millisecond(until_ms).ok()
                }
            };
            Some(KeptAnswer {
                kind: item.key.kind,
                host: item.key.host.clone(),
                name: item.key.name.clone(),
                until,
                versions: versions(&item.key.name, stored.value.text()),
            })
        })
}

/// What a record says of the version of the question it answers: a site that raises it asks again.
fn versions(name: &str, value: &str) -> BTreeSet<String> {
    const WORDS: [&str; 9] = [
        "consentversion",
        "policy_id",
        "policyid",
        "policyversion",
        "rev",
        "revision",
        "settingsversion",
        "ver",
        "version",
    ];
    // OneTrust's is that of its script, which changes without a question.
    if name == "OptanonConsent" || value.len() > LONGEST_RECORD {
        return BTreeSet::new();
    }
    let lower_name = name.to_ascii_lowercase();
    if ["policy_id", "policyid", "revision", "version"]
        .iter()
        .any(|word| lower_name.ends_with(word))
    {
        return BTreeSet::from([value.to_owned()]);
    }
    let plain = percent_decoded(value)
        .unwrap_or_else(|| value.to_owned())
        .to_lowercase();
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut found = BTreeSet::new();
    let mut rest = plain.as_str();
    while let Some(start) = rest.find(is_word) {
        let word_on = &rest[start..];
        let end = word_on
            .find(|letter| !is_word(letter))
            .unwrap_or(word_on.len());
        let (word, after) = word_on.split_at(end);
        rest = after;
        if !WORDS.contains(&word) {
            continue;
        }
        let said = after.trim_start_matches(['"', '\'', ' ']);
        if let Some(said) = said.strip_prefix([':', '=']) {
            let number: String = said
                .trim_start_matches(['"', '\'', ' '])
                .chars()
                .take_while(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(*letter))
                .collect();
            found.insert(format!("{word}={number}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn versions_of_questions() {
        for (name, value, expected) in [
            (
                "CookieConsent",
                "{stamp:%27x%27%2Cnecessary:true%2Cver:3%2Cutc:17}",
                vec!["ver=3"],
            ),
            (
                "cc_cookie",
                r#"{"revision":2,"categories":[]}"#,
                vec!["revision=2"],
            ),
            ("cmplz_policy_id", "16", vec!["16"]),
            (
                "OptanonConsent",
                "version=202409.1.0&groups=C0001:1",
                vec![],
            ),
            ("record", "{\"forever\":1,\"over\":2}", vec![]),
            ("record", "ver", vec![]),
            ("record", "", vec![]),
        ] {
            let found: Vec<String> = versions(name, value).into_iter().collect();
            assert_eq!(found, expected, "{name}={value}");
        }
    }

    proptest! {
        #[test]
        fn foreign_records_never_panic(name in "\\PC{0,40}", value in "\\PC{0,200}") {
            let _found = versions(&name, &value);
        }
    }
}
