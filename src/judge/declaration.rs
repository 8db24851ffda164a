//! What a site declares: cookie lists and settings of consent platforms, vendors' disclosures, policies.
//!
//! Everything here is read from texts of pages, and says nothing that the text does not.

mod name;
mod platforms;
mod policy;
mod tcf;
mod words;

use serde_json::Value as Json;

use crate::model::finding::{Category, SubjectKind};
use crate::model::party::{Party, registrable_domain};
use crate::model::report::Page;
use crate::model::snapshot::Document;

use super::item::{ItemKey, Lifetime};
use name::Name;
use platforms::Services;
pub(crate) use tcf::Disclosure;
pub(crate) use words::{Called, category};

/// Most entries read of one page.
const MOST_ENTRIES: usize = 20_000;

/// The form a declaration has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Form {
    /// OneTrust's groups.
    OneTrust,
    /// Cookiebot's tables.
    Cookiebot,
    /// Termly's list.
    Termly,
    /// Usercentrics' services with their storage.
    Usercentrics,
    /// CookieYes' lists.
    CookieYes,
    /// Klaro's services.
    Klaro,
    /// tarteaucitron's services.
    Tarteaucitron,
    /// The categories of vanilla-cookieconsent.
    CookieConsent,
    /// A table or a list of a cookie policy.
    Policy,
}

impl Form {
    /// Its name for a reader.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OneTrust => "OneTrust's cookie list",
            Self::Cookiebot => "Cookiebot's cookie list",
            Self::Termly => "Termly's cookie list",
            Self::Usercentrics => "Usercentrics' list of services",
            Self::CookieYes => "CookieYes' cookie list",
            Self::Klaro => "Klaro's list of services",
            Self::Tarteaucitron => "tarteaucitron's list of services",
            Self::CookieConsent => "the categories of CookieConsent",
            Self::Policy => "the cookie policy",
        }
    }

    /// Whether it is meant to name every cookie. The others name what they have to delete or whom they load.
    pub(crate) fn lists_all(self) -> bool {
        matches!(
            self,
            Self::OneTrust | Self::Cookiebot | Self::Termly | Self::CookieYes | Self::Policy
        )
    }
}

/// One item a site declares.
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    /// Where that stands.
    pub(crate) form: Form,
    /// Its name.
    pub(crate) name: Name,
    /// Its name, as written.
    pub(crate) written: String,
    /// Its registrable domain; absent where the declaration names none.
    pub(crate) domain: Option<String>,
    /// What it is declared to be for; absent where that is not said, or not understood.
    pub(crate) category: Option<Category>,
    /// The category in the site's words.
    pub(crate) called: String,
    /// How long it is declared to live.
    pub(crate) lifetime: Option<Lifetime>,
}

/// Something a platform's own settings say of how consent is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Admission {
    /// Staying, scrolling or going on is taken for a yes.
    Implied(String),
    /// An optional purpose is on before the visitor says anything.
    OnByDefault(String),
}

/// What a page's site declares.
#[derive(Debug, Default)]
pub(crate) struct Declarations {
    /// The items.
    pub(crate) entries: Vec<Declared>,
    /// What vendors of the TCF disclose.
    pub(crate) disclosures: Vec<Disclosure>,
    /// What platforms' settings say.
    pub(crate) admissions: Vec<Admission>,
}

/// What vendors of the TCF say themselves of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Disclosed {
    /// It serves purpose 1, and this is what its other purposes amount to.
    NeedsConsent(Category),
    /// It serves no purpose that needs consent.
    ClaimsNone,
}

/// How well a declared item fits one that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// The name alone: the declaration names another domain.
    Name,
    /// Name and domain, or the site's own where the declaration names none.
    Whole,
}

/// One entry as a parser reads it.
struct Entry<'a> {
    name: &'a str,
    domain: Option<&'a str>,
    called: &'a str,
    category: Option<Called>,
    lifetime: Option<Lifetime>,
}

impl Declarations {
    /// Everything the visits of a page recorded.
    pub(crate) fn of(page: &Page) -> Self {
        let mut all = Self::default();
        let mut services = Services::default();
        let mut read = std::collections::BTreeSet::new();
        let mut vendors = tcf::Vendors::default();
        for document in page
            .visits
            .iter()
            .flat_map(|visit| &visit.snapshot.documents)
        {
            // Visits load the same lists.
            if read.insert(document.text.fingerprint.as_str()) {
                all.read(document, &mut services, &mut vendors);
            }
        }
        services.put_into(&mut all);
        vendors.name(&mut all.disclosures);
        if let Some(policy) = &page.policy {
            policy::read(policy, &mut all);
        }
        all.entries.truncate(MOST_ENTRIES);
        all
    }

    fn read(&mut self, document: &Document, services: &mut Services, vendors: &mut tcf::Vendors) {
        let text = document.text.text();
        if let Some(tables) = platforms::cookiebot_script(text) {
            platforms::cookiebot(&tables, self);
            return;
        }
        let Ok(json) = serde_json::from_str::<Json>(text) else {
            return;
        };
        platforms::read(&json, self);
        services.read(&json);
        vendors.read(&json);
        tcf::disclosures(&document.source, &json, &mut self.disclosures);
    }

    /// Adds the entries of one form. "Functional" means comfort where something else is called necessary.
    fn add<'a>(&mut self, form: Form, entries: impl IntoIterator<Item = Entry<'a>>) {
        let entries: Vec<Entry<'a>> = entries.into_iter().take(MOST_ENTRIES).collect();
        let names_necessary = entries
            .iter()
            .any(|entry| entry.category == Some(Called::As(Category::Necessary)));
        for entry in entries {
            let Some(name) = entry
                .name
                .strip_prefix('^')
                .map_or_else(|| Name::read(entry.name), |_| Name::pattern(entry.name))
            else {
                continue;
            };
            self.entries.push(Declared {
                form,
                name,
                written: entry.name.trim().to_owned(),
                domain: entry.domain.and_then(domain),
                category: match entry.category {
                    Some(Called::As(category)) => Some(category),
                    Some(Called::Functional) if names_necessary => Some(Category::Preferences),
                    _ => None,
                },
                called: entry.called.trim().to_owned(),
                lifetime: entry.lifetime,
            });
        }
    }

    /// What is declared of an item, and how well each entry fits it.
    pub(crate) fn of_item<'d>(&'d self, key: &ItemKey, party: Party) -> Vec<(Fit, &'d Declared)> {
        if !matches!(
            key.kind,
            SubjectKind::Cookie | SubjectKind::LocalStorage | SubjectKind::SessionStorage
        ) {
            return Vec::new();
        }
        let domain = registrable_domain(&key.host);
        self.entries
            .iter()
            .filter(|entry| entry.name.fits(&key.name))
            .map(|entry| {
                let fits = match entry.domain.as_deref() {
                    Some(declared) => declared == domain,
                    None => party == Party::First,
                };
                (if fits { Fit::Whole } else { Fit::Name }, entry)
            })
            .collect()
    }

    /// What an item is declared to be for, with the entry that says so; nothing where entries disagree.
    pub(crate) fn category_of(&self, key: &ItemKey, party: Party) -> Option<(Category, &Declared)> {
        let mut said = self
            .of_item(key, party)
            .into_iter()
            .filter(|(fit, _)| *fit == Fit::Whole)
            .filter_map(|(_, entry)| Some((entry.category?, entry)));
        let first = said.next()?;
        said.all(|(category, _)| category == first.0)
            .then_some(first)
    }

    /// What its vendors disclose of an item; nothing where they disclose nothing, or this and that.
    pub(crate) fn disclosed(&self, key: &ItemKey, party: Party) -> Option<Disclosed> {
        let mut about = self
            .disclosures
            .iter()
            .filter(|disclosure| disclosure.is_about(key, party));
        let first = about.next()?.disclosed();
        about
            .all(|disclosure| disclosure.disclosed() == first)
            .then_some(first)
    }

    /// Whether a list that is meant to name every cookie was read.
    pub(crate) fn lists_all(&self) -> bool {
        self.entries.iter().any(|entry| entry.form.lists_all())
    }
}

/// The registrable domain in a cell: `.shop.test`, `www.shop.test`, a link's text; nothing for a company's name.
fn domain(text: &str) -> Option<String> {
    let text = text.trim().trim_start_matches('.').to_ascii_lowercase();
    let host = text
        .split("://")
        .last()?
        .split(['/', ' ', ',', '<', '('])
        .next()?;
    let is_host = host.contains('.')
        && host.len() <= 253
        && host
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host.then(|| registrable_domain(host.trim_end_matches('.')).to_owned())
}

#[cfg(test)]
mod tests;
