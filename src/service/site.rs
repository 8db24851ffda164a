//! A site the service audits, and how.

use ipnet::IpNet;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use url::{Host, Url};
use utoipa::ToSchema;

use super::error::Problem;
use super::id::slug;
use super::{Service, alerts};
use crate::audit::address;
use crate::audit::extent::MOST_REPEATS;
use crate::crawl::{Limits, Scope};
use crate::judge::Profile;
use crate::model::visit::State;
use crate::proxy::addresses::may_be_reached;

/// Longest name of a site, in characters.
const LONGEST_NAME: usize = 100;
/// Longest address, in bytes. A record of an audit has to hold it.
const LONGEST_ADDRESS: usize = 1_000;
/// Largest settings, in bytes as JSON. A record of an audit has to hold them.
const LARGEST_SETTINGS: usize = 5_000;
/// Bounds of the numbers.
const MOST_PAGES: u32 = 100_000;
const MOST_SAMPLES: u32 = 10_000;
const LONGEST_DWELL_SECONDS: u32 = 3_600;
/// How many sites may have names that give the same id.
const MOST_NAMESAKES: u32 = 1_000;

/// A site that is audited again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Site {
    /// Its id: short, of lower-case letters, digits and hyphens, made from the name.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The page audits begin at.
    pub url: String,
    /// How it is audited.
    pub settings: Settings,
    /// When it was added.
    pub created: Timestamp,
    /// When it was last changed.
    pub changed: Timestamp,
}

/// How a site is audited. What is left out is as the command line has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Further pages that are audited whatever else is found.
    pub pages: Vec<String>,
    /// Most pages; 1 audits the first page and those that are named, more follows links and sitemaps.
    #[schema(minimum = 1, maximum = 100_000)]
    pub max_pages: u32,
    /// Most pages of one shape of address, such as all product pages.
    #[schema(minimum = 1, maximum = 10_000)]
    pub sample: Option<u32>,
    /// Only pages that fit one of these patterns.
    pub include: Vec<String>,
    /// No pages that fit one of these patterns.
    pub exclude: Vec<String>,
    /// What visitors answer.
    #[schema(min_items = 1, example = json!(["before", "rejected", "accepted"]))]
    pub states: Vec<State>,
    /// The jurisdiction whose rules are applied.
    #[schema(example = "eu")]
    pub profile: Profile,
    /// How long each page is watched in each state, in seconds.
    #[schema(minimum = 0, maximum = 3_600)]
    pub dwell_seconds: u32,
    /// How often each page is visited in each state.
    pub repeat: u32,
    /// Make the visits that rules need beyond the usual.
    pub thorough: bool,
    /// Ask by Global Privacy Control not to sell or share the visitor's data.
    pub gpc: bool,
    /// Do not keep to `robots.txt`: for one's own site.
    pub ignore_robots: bool,
    /// Language the visitor asks for, such as `de-DE`.
    pub locale: Option<String>,
    /// Time zone of the visitor, such as `Europe/Berlin`.
    pub timezone: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            max_pages: 1,
            sample: None,
            include: Vec::new(),
            exclude: Vec::new(),
            states: vec![State::Before, State::Rejected, State::Accepted],
            profile: Profile::default(),
            dwell_seconds: 30,
            repeat: 1,
            thorough: false,
            gpc: false,
            ignore_robots: false,
            locale: None,
            timezone: None,
        }
    }
}

/// What somebody says of a site, to add it or to change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteWish {
    /// What people call it; its host unless said.
    #[serde(default)]
    pub name: Option<String>,
    /// The page audits begin at.
    #[schema(example = "https://www.example.com/")]
    pub url: String,
    /// How it is audited.
    #[serde(default)]
    pub settings: Settings,
}

impl SiteWish {
    /// Makes sure that such a site can be audited, and puts its parts into their final form. `allowed` are
    /// networks of the inside that may be audited. The problem names the field, as a JSON pointer.
    pub fn checked(mut self, allowed: &[IpNet]) -> Result<Self, Problem> {
        let url = page(&self.url, allowed).map_err(|reason| Problem::invalid("/url", reason))?;
        let name = self.name.as_deref().map(str::trim).unwrap_or_default();
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Problem::invalid(
                "/name",
                format!("a name has {LONGEST_NAME} characters at most, and no control characters"),
            ));
        }
        self.name = Some(match name {
            "" => url
                .host_str()
                .unwrap_or_default()
                .chars()
                .take(LONGEST_NAME)
                .collect(),
            name => name.to_owned(),
        });
        self.settings = self.settings.checked(&url, allowed)?;
        self.url = url.into();
        Ok(self)
    }
}

/// Reads the address of a page that may be audited, or says why it may not.
fn page(given: &str, allowed: &[IpNet]) -> Result<Url, String> {
    let url = address(given)?;
    if url.as_str().len() > LONGEST_ADDRESS {
        return Err(format!("an address has {LONGEST_ADDRESS} bytes at most"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "leave user name and password out of the address: it is shown to readers".to_owned(),
        );
    }
    // What names mean is looked up when they are audited; numbers mean themselves.
    let number = match url.host() {
        Some(Host::Ipv4(address)) => Some(address.into()),
        Some(Host::Ipv6(address)) => Some(address.into()),
        Some(Host::Domain(_)) | None => None,
    };
    if number.is_some_and(|address| !may_be_reached(address, allowed)) {
        return Err(format!(
            "{} is inside this network, where the service opens nothing; start it with --allow-net to audit one's own staging site",
            url.host_str().unwrap_or_default()
        ));
    }
    Ok(url)
}

impl Settings {
    /// Makes sure that a site can be audited so.
    fn checked(mut self, start: &Url, allowed: &[IpNet]) -> Result<Self, Problem> {
        let invalid = |field: &str, detail: String| {
            Err(Problem::invalid(&format!("/settings/{field}"), detail))
        };
        for (number, given) in self.pages.iter_mut().enumerate() {
            match page(given, allowed) {
                Ok(url) => *given = url.into(),
                Err(reason) => return invalid(&format!("pages/{number}"), reason),
            }
        }
        for (field, number, least, most) in [
            ("max_pages", self.max_pages, 1, MOST_PAGES),
            ("sample", self.sample.unwrap_or(1), 1, MOST_SAMPLES),
            (
                "dwell_seconds",
                self.dwell_seconds,
                0,
                LONGEST_DWELL_SECONDS,
            ),
            ("repeat", self.repeat, 1, MOST_REPEATS),
        ] {
            if !(least..=most).contains(&number) {
                return invalid(field, format!("{number} is not from {least} to {most}"));
            }
        }
        if self.repeat > 1 && self.max_pages > 1 {
            return invalid(
                "repeat",
                "a site whose pages are found is visited once in each state; set max_pages to 1 to repeat visits".to_owned(),
            );
        }
        for (field, patterns) in [("include", &self.include), ("exclude", &self.exclude)] {
            for (number, pattern) in patterns.iter().enumerate() {
                let limits = Limits {
                    include: vec![pattern.clone()],
                    ..Limits::default()
                };
                if let Err(error) = Scope::new(start, &limits) {
                    return invalid(&format!("{field}/{number}"), error.to_string());
                }
            }
        }
        if self.states.is_empty() {
            return invalid(
                "states",
                "name at least one of before, rejected, accepted, withdrawn".to_owned(),
            );
        }
        self.states.sort_unstable();
        self.states.dedup();
        if let Some(locale) = self.locale.as_deref().filter(|locale| !is_locale(locale)) {
            let shown: String = locale.chars().take(40).collect();
            return invalid(
                "locale",
                format!("`{shown}` is no language tag such as de-DE"),
            );
        }
        if let Some(zone) = &self.timezone {
            time_zone(zone).map_err(|reason| Problem::invalid("/settings/timezone", reason))?;
        }
        let bytes = serde_json::to_vec(&self).map_or(usize::MAX, |bytes| bytes.len());
        if bytes > LARGEST_SETTINGS {
            let detail = format!(
                "the settings have {bytes} bytes, more than {LARGEST_SETTINGS}; name fewer pages, and let the others be found"
            );
            return Err(Problem::invalid("/settings", detail));
        }
        Ok(self)
    }
}

/// Whether a text has the form of a language tag (RFC 5646): subtags of letters and digits.
fn is_locale(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language = (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic());
    text.len() <= 35
        && is_language
        && subtags.all(|subtag| {
            (1..=8).contains(&subtag.len())
                && subtag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// The time zone of that name in the IANA database, or why there is none.
pub fn time_zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).ok().ok_or_else(|| {
        let shown: String = name.chars().take(60).collect();
        format!("`{shown}` is no time zone such as Europe/Berlin or UTC")
    })
}

impl Service {
    /// Adds a site. Its id is made from its name.
    ///
    /// May block: never on an async thread.
    pub fn add_site(&self, wish: SiteWish) -> Result<Site, Problem> {
        let SiteWish {
            name,
            url,
            settings,
        } = wish.checked(&self.options().bounds.allowed)?;
        let name = name.unwrap_or_default();
        let now = Timestamp::now();
        let first = slug(&name);
        let mut site = Site {
            id: first.clone(),
            name,
            url,
            settings,
            created: now,
            changed: now,
        };
        let sites = &self.shelves().sites;
        for number in 2..=MOST_NAMESAKES {
            if sites.add(&site.id, &site)? {
                self.store().flush()?;
                return Ok(site);
            }
            site.id = format!("{first}-{number}");
        }
        Err(Problem::conflict(
            "too many sites have this name; choose another",
        ))
    }

    /// Changes a site. Audits that were asked for before are carried out as they were asked for.
    ///
    /// May block: never on an async thread.
    pub fn change_site(&self, id: &str, wish: SiteWish) -> Result<Site, Problem> {
        self.change_site_if(id, wish, |_| Ok(()))
    }

    /// Changes a site, if `may` says that it may be changed as it is.
    ///
    /// May block: never on an async thread.
    pub fn change_site_if(
        &self,
        id: &str,
        wish: SiteWish,
        may: impl Fn(&Site) -> Result<(), Problem>,
    ) -> Result<Site, Problem> {
        let wish = wish.checked(&self.options().bounds.allowed)?;
        let mut allowed = Ok(());
        let changed = self.shelves().sites.change(id, |site| {
            allowed = may(site);
            if allowed.is_err() {
                return false;
            }
            site.name = wish.name.clone().unwrap_or_default();
            site.url.clone_from(&wish.url);
            site.settings = wish.settings.clone();
            site.changed = Timestamp::now();
            true
        })?;
        allowed?;
        self.store().flush()?;
        changed.ok_or_else(no_such_site)
    }

    /// Removes a site with its schedules and what was accepted on it, and calls its audits off. Runs stay.
    ///
    /// May block: never on an async thread.
    pub fn remove_site(&self, id: &str) -> Result<(), Problem> {
        // First, so that nothing asks for an audit of it any more.
        if !self.shelves().sites.remove(id)? {
            return Err(no_such_site());
        }
        self.remove_schedules_of(id)?;
        for audit in self.board().site(id).open.into_keys() {
            self.call_off(&audit)?;
        }
        for accepted in self.accepted(id)? {
            self.stop_accepting(id, &accepted.id)?;
        }
        alerts::forget_site(self, id)?;
        self.store().flush()?;
        self.board().forget(id);
        Ok(())
    }

    /// A site by its id.
    ///
    /// May block: never on an async thread.
    pub fn site(&self, id: &str) -> Result<Site, Problem> {
        self.shelves().sites.get(id)?.ok_or_else(no_such_site)
    }
}

fn no_such_site() -> Problem {
    Problem::not_found("no such site; `GET /api/v1/sites` lists them")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use serde_json::json;

    use super::*;

    fn wish(changes: &serde_json::Value) -> SiteWish {
        let mut wish = json!({ "url": "https://shop.test/", "settings": {} });
        for (pointer, value) in changes.as_object().unwrap() {
            let (at, name) = pointer.rsplit_once('/').unwrap();
            wish.pointer_mut(at).unwrap()[name] = value.clone();
        }
        serde_json::from_value(wish).unwrap()
    }

    #[test]
    fn what_is_wrong_with_a_site_has_a_name() {
        let long = "a".repeat(2_000);
        let many: Vec<String> = (0..400).map(|n| format!("https://shop.test/{n}")).collect();
        for (changes, pointer) in [
            (json!({}), None),
            (json!({"/name": " Shop "}), None),
            (json!({"/name": long}), Some("/name")),
            (json!({"/name": "a\u{1b}[2J"}), Some("/name")),
            (json!({"/url": "shop.test"}), None),
            (json!({"/url": "http://8.8.8.8/"}), None),
            (json!({"/url": "file:///etc/passwd"}), Some("/url")),
            (json!({"/url": "javascript:alert(1)"}), Some("/url")),
            (
                json!({"/url": "https://anna:secret@shop.test/"}),
                Some("/url"),
            ),
            (json!({"/url": "http://127.0.0.1/"}), Some("/url")),
            (json!({"/url": "http://0x7f.1/"}), Some("/url")),
            (json!({"/url": "http://2130706433/"}), Some("/url")),
            (
                json!({"/url": "http://[::ffff:169.254.169.254]/"}),
                Some("/url"),
            ),
            (json!({"/url": "http://10.1.2.3/"}), None),
            (
                json!({"/url": format!("https://shop.test/{long}")}),
                Some("/url"),
            ),
            (
                json!({"/settings/pages": ["shop.test/a", "ftp://x"]}),
                Some("/settings/pages/1"),
            ),
            (json!({"/settings/pages": many}), Some("/settings")),
            (
                json!({"/settings/max_pages": 0}),
                Some("/settings/max_pages"),
            ),
            (
                json!({"/settings/max_pages": 4_000_000_000_u32}),
                Some("/settings/max_pages"),
            ),
            (json!({"/settings/sample": 0}), Some("/settings/sample")),
            (
                json!({"/settings/dwell_seconds": 3_601}),
                Some("/settings/dwell_seconds"),
            ),
            (json!({"/settings/dwell_seconds": 0}), None),
            (json!({"/settings/repeat": 51}), Some("/settings/repeat")),
            (
                json!({"/settings/repeat": 2, "/settings/max_pages": 2}),
                Some("/settings/repeat"),
            ),
            (
                json!({"/settings/include": ["/a/*", ""]}),
                Some("/settings/include/1"),
            ),
            (
                json!({"/settings/exclude": ["a".repeat(1_001)]}),
                Some("/settings/exclude/0"),
            ),
            (json!({"/settings/states": []}), Some("/settings/states")),
            (json!({"/settings/locale": "de-DE"}), None),
            (
                json!({"/settings/locale": "de_DE"}),
                Some("/settings/locale"),
            ),
            (
                json!({"/settings/locale": "de-DE\r\nX: y"}),
                Some("/settings/locale"),
            ),
            (json!({"/settings/timezone": "Europe/Berlin"}), None),
            (
                json!({"/settings/timezone": "Europe/Atlantis"}),
                Some("/settings/timezone"),
            ),
            (
                json!({"/settings/timezone": "../../etc/passwd"}),
                Some("/settings/timezone"),
            ),
        ] {
            let allowed = ["10.0.0.0/8".parse().unwrap()];
            let found = wish(&changes).checked(&allowed);
            let at = found
                .as_ref()
                .err()
                .and_then(|problem| problem.pointer.clone());
            assert_eq!(at.as_deref(), pointer, "{changes}: {found:?}");
        }
    }

    #[test]
    fn parts_have_one_form() {
        let found = wish(
            &json!({"/url": "Shop.Test", "/settings/states": ["accepted", "before", "accepted"]}),
        )
        .checked(&[])
        .unwrap();
        assert_eq!(found.url, "https://shop.test/");
        assert_eq!(found.name.as_deref(), Some("shop.test"));
        assert_eq!(found.settings.states, [State::Before, State::Accepted]);
    }
}
