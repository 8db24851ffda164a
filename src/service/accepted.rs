//! Findings of a site somebody has accepted for a time: they count for nothing until then.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Service;
use super::error::Problem;
use super::id::new_id;
use crate::catalog::pattern::NamePattern;
use crate::catalog::schema::Date as WrittenDate;
use crate::judge::baseline::{Baseline, Entry};

/// Longest of each text, in characters.
const LONGEST_TEXT: usize = 300;
/// Most acceptances of one site.
const MOST_OF_A_SITE: usize = 1_000;

/// What is accepted: every part that is given has to fit. In patterns `*` stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceWish {
    /// Id of one finding, such as `R02-0123456789ab`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Id of a rule, such as `R02`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Pattern of the subject's host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// Pattern of the subject's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Pattern of the page's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<String>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day it is accepted on.
    #[schema(value_type = String, format = Date, example = "2027-03-31")]
    pub expires: Date,
}

/// An acceptance on a site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Accepted {
    /// Its id; sorts by time.
    pub id: String,
    /// The site.
    pub site: String,
    /// What is accepted, why, and until when.
    pub what: AcceptanceWish,
    /// Who answers for it: the account or token that accepted it.
    pub by: String,
    /// When it was accepted.
    pub created: Timestamp,
}

impl Accepted {
    /// As a baseline has it, or which field is wrong and why.
    fn entry(&self) -> Result<Entry, (&'static str, String)> {
        let pattern = |field, written: &Option<String>| {
            let read = written.as_deref().map(NamePattern::parse).transpose();
            read.map_err(|error| (field, error.to_string()))
        };
        let what = &self.what;
        Ok(Entry {
            finding: what.finding.clone(),
            rule: what.rule.clone(),
            host: pattern("/host", &what.host)?,
            name: pattern("/name", &what.name)?,
            page: pattern("/page", &what.page)?,
            reason: what.reason.clone(),
            owner: self.by.clone(),
            expires: WrittenDate(what.expires),
        })
    }

    /// Makes sure that it can be accepted so.
    fn check(&self, today: Date) -> Result<(), Problem> {
        let what = &self.what;
        for (field, text) in [
            ("/finding", what.finding.as_deref()),
            ("/rule", what.rule.as_deref()),
            ("/host", what.host.as_deref()),
            ("/name", what.name.as_deref()),
            ("/page", what.page.as_deref()),
            ("/reason", Some(what.reason.as_str())),
        ] {
            if text.is_some_and(|text| text.chars().count() > LONGEST_TEXT) {
                let detail = format!("longer than {LONGEST_TEXT} characters");
                return Err(Problem::invalid(field, detail));
            }
        }
        if what.reason.trim().is_empty() {
            return Err(Problem::invalid("/reason", "say why it is accepted"));
        }
        if what.expires < today {
            let detail = format!(
                "{} is over; name the last day it is accepted on",
                what.expires
            );
            return Err(Problem::invalid("/expires", detail));
        }
        let entry = self
            .entry()
            .map_err(|(field, detail)| Problem::invalid(field, detail))?;
        let baseline = Baseline::default().joined(vec![entry]);
        baseline
            .map(drop)
            .map_err(|error| Problem::invalid("", error.to_string()))
    }
}

/// Where an acceptance is on the shelf: those of a site beside each other.
fn key(site: &str, id: &str) -> String {
    format!("{site}/{id}")
}

impl Service {
    /// Accepts findings of a site for a time.
    ///
    /// May block: never on an async thread.
    pub fn accept(&self, site: &str, what: AcceptanceWish, by: &str) -> Result<Accepted, Problem> {
        let site = self.site(site)?.id;
        let now = Timestamp::now();
        let accepted = Accepted {
            id: new_id(),
            site,
            what,
            by: by.chars().take(LONGEST_TEXT).collect(),
            created: now,
        };
        accepted.check(now.to_zoned(TimeZone::UTC).date())?;
        if self.accepted(&accepted.site)?.len() >= MOST_OF_A_SITE {
            return Err(Problem::conflict(
                "too much is accepted on this site; remove what has expired, or accept by pattern",
            ));
        }
        let shelf = &self.shelves().accepted;
        shelf.put(&key(&accepted.site, &accepted.id), &accepted)?;
        self.store().flush()?;
        Ok(accepted)
    }

    /// What is accepted on a site, oldest first, expired ones included.
    ///
    /// May block: never on an async thread.
    pub fn accepted(&self, site: &str) -> Result<Vec<Accepted>, Problem> {
        let of_site = self.shelves().accepted.beginning(&key(site, ""));
        let accepted = of_site.map(|entry| entry.map(|(_, accepted)| accepted));
        Ok(accepted.collect::<Result<_, _>>()?)
    }

    /// Accepts something no longer, and returns whether it was.
    ///
    /// May block: never on an async thread.
    pub fn stop_accepting(&self, site: &str, id: &str) -> Result<bool, Problem> {
        let removed = self.shelves().accepted.remove(&key(site, id))?;
        self.store().flush()?;
        Ok(removed)
    }

    /// What is accepted on a site as a baseline, to be applied to its reports.
    ///
    /// May block: never on an async thread.
    pub fn accepted_baseline(&self, site: &str) -> Result<Baseline, Problem> {
        let accepted = self.accepted(site)?;
        // Each was checked when it was accepted.
        let entries = accepted.iter().filter_map(|accepted| accepted.entry().ok());
        Ok(Baseline {
            accept: entries.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use serde_json::json;

    use super::*;

    #[test]
    fn what_cannot_be_accepted_is_named() {
        let today = Date::constant(2026, 11, 23);
        for (changes, pointer) in [
            (json!({"finding": "R02-0123456789ab"}), None),
            (json!({"rule": "R02", "host": "*.shop.test"}), None),
            (json!({"name": "_g*", "expires": "2026-11-23"}), None),
            (
                json!({"name": "_g*", "expires": "2026-11-22"}),
                Some("/expires"),
            ),
            (json!({"name": "_g*", "reason": " "}), Some("/reason")),
            (json!({"name": ""}), Some("/name")),
            (json!({"page": "a".repeat(301)}), Some("/page")),
            (json!({"host": "*"}), Some("")),
            (json!({}), Some("")),
            (json!({"rule": "R99"}), Some("")),
        ] {
            let mut what = json!({"reason": "agreed", "expires": "2027-01-01"});
            for (name, value) in changes.as_object().unwrap() {
                what[name] = value.clone();
            }
            let accepted = Accepted {
                id: new_id(),
                site: "shop".to_owned(),
                what: serde_json::from_value(what).unwrap(),
                by: "account anna@example.com".to_owned(),
                created: Timestamp::UNIX_EPOCH,
            };
            let found = accepted.check(today);
            let at = found
                .as_ref()
                .err()
                .and_then(|problem| problem.pointer.clone());
            assert_eq!(at.as_deref(), pointer, "{changes}: {found:?}");
        }
    }
}
