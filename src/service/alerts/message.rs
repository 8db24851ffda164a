//! What is told: of one audit to one channel, bounded, and ready to be put into any form.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::channel::Occasion;
use crate::judge::handbook;
use crate::judge::naming::kind_name;
use crate::model::finding::{Finding, Severity};
use crate::report::{counted, number, shown};

/// Most findings told one by one, of those that are new and of those that are fixed; all are counted.
pub(super) const MOST_FINDINGS: usize = 20;
/// Longest texts, in characters; what a page wrote could be of any length.
const LONGEST_TITLE: usize = 160;
const LONGEST_NAME: usize = 80;
const LONGEST_ADDRESS: usize = 160;
const LONGEST_ERROR: usize = 400;

/// What one alert says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// What it is sent for.
    pub events: Vec<Occasion>,
    /// The site.
    pub site: SiteTold,
    /// The audit; absent in a test.
    pub audit: Option<AuditTold>,
    /// Its run; absent when there is none.
    pub run: Option<String>,
    /// Where all of it can be looked at.
    pub link: Option<String>,
    /// Findings this channel has not been told of, gravest first.
    pub new: FindingsTold,
    /// Findings it was told of that are gone.
    pub fixed: FindingsTold,
}

/// A site, as an alert names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SiteTold {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The page audits begin at.
    pub url: String,
}

/// An audit, as an alert names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditTold {
    /// Its id.
    pub id: String,
    /// Who asked for it.
    pub asked_by: String,
    /// When it was over.
    pub finished: Option<Timestamp>,
    /// Pages in the run.
    pub pages: u64,
    /// Pages that could not be audited in every state.
    pub incomplete_pages: u64,
    /// Violations and likely ones that nobody accepted, new or not.
    pub findings: u64,
    /// Why it failed.
    pub error: Option<String>,
}

/// Findings: how many, and the gravest of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingsTold {
    /// How many there are.
    pub count: u64,
    /// The gravest of them, 20 at most.
    pub items: Vec<FindingTold>,
}

/// One finding, as an alert names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FindingTold {
    /// Its id, the same in every run.
    pub id: String,
    /// The rule, such as `R02`.
    pub rule: String,
    /// What is wrong, in one sentence.
    pub title: String,
    /// How grave.
    #[schema(value_type = String)]
    pub severity: Severity,
    /// What it is about, such as `cookie`.
    pub kind: String,
    /// Its host.
    pub host: String,
    /// Its name, key or path.
    pub name: String,
    /// The name of the service behind it.
    pub service: Option<String>,
    /// The page it is filed under.
    pub page: String,
}

impl FindingTold {
    /// The finding, with every text of it printable and bounded.
    pub(super) fn new(finding: &Finding, service: Option<&str>) -> Self {
        Self {
            id: shown(&finding.id, LONGEST_NAME),
            rule: shown(&finding.rule, LONGEST_NAME),
            title: shown(&finding.title, LONGEST_TITLE),
            severity: finding.severity,
            kind: kind_name(finding.subject.kind).to_owned(),
            host: shown(&finding.subject.host, LONGEST_NAME),
            name: shown(&finding.subject.name, LONGEST_NAME),
            service: service.map(|name| shown(name, LONGEST_NAME)),
            page: shown(without_query(&finding.page), LONGEST_ADDRESS),
        }
    }

    /// What it is about: `cookie _ga of shop.test (Google Analytics)`.
    pub(super) fn subject(&self) -> String {
        let mut text = self.kind.replace('-', " ");
        for (between, part) in [(" ", &self.name), (" of ", &self.host)] {
            if !part.is_empty() {
                text.push_str(between);
                text.push_str(part);
            }
        }
        if let Some(service) = &self.service {
            text.push_str(" (");
            text.push_str(service);
            text.push(')');
        }
        text
    }
}

/// Queries of addresses carry what nobody else should read.
fn without_query(address: &str) -> &str {
    let end = address.find(['?', '#']).unwrap_or(address.len());
    address.get(..end).unwrap_or_default()
}

impl FindingsTold {
    /// The gravest of these, and how many there are.
    pub(super) fn of(mut findings: Vec<FindingTold>) -> Self {
        findings.sort_by(|one, other| {
            (std::cmp::Reverse(one.severity), &one.id)
                .cmp(&(std::cmp::Reverse(other.severity), &other.id))
        });
        let count = findings.len() as u64;
        findings.truncate(MOST_FINDINGS);
        Self {
            count,
            items: findings,
        }
    }

    fn halve(&mut self) {
        self.items.truncate(self.items.len() / 2);
    }
}

impl Message {
    /// A message that says where it comes from and nothing else.
    pub(super) fn test(channel: &str) -> Self {
        Self {
            events: vec![Occasion::Test],
            site: SiteTold {
                id: String::new(),
                name: shown(channel, LONGEST_NAME),
                url: String::new(),
            },
            audit: None,
            run: None,
            link: None,
            new: FindingsTold::default(),
            fixed: FindingsTold::default(),
        }
    }

    /// Makes it shorter, if it can be.
    pub(super) fn shorten(&mut self) -> bool {
        let can = !(self.new.items.is_empty() && self.fixed.items.is_empty());
        self.new.halve();
        self.fixed.halve();
        can
    }

    /// What it says, in parts every form has.
    pub(super) fn outline(&self) -> Outline {
        if self.events.contains(&Occasion::Test) {
            return Outline {
                headline: "Consentinel: a test".to_owned(),
                sections: Vec::new(),
                notes: vec![format!(
                    "Alerts of the channel {} arrive here.",
                    self.site.name
                )],
                link: None,
            };
        }
        let mut notes = Vec::new();
        let mut sections = Vec::new();
        let headline = if self.events.contains(&Occasion::FailedAudit) {
            if let Some(error) = self.audit.as_ref().and_then(|audit| audit.error.as_ref()) {
                notes.push(error.clone());
            }
            format!("{}: the audit failed", self.site.name)
        } else {
            let mut parts = Vec::new();
            if self.new.count > 0 {
                let new = counted(self.new.count as usize, "new finding", "new findings");
                parts.push(format!("{new} ({})", severities(&self.new)));
                sections.push(Section::of("New", &self.new));
            }
            if self.fixed.count > 0 {
                parts.push(format!("{} fixed", number(self.fixed.count as usize)));
                sections.push(Section::of("Fixed", &self.fixed));
            }
            format!("{}: {}", self.site.name, parts.join(", "))
        };
        if let Some(audit) = &self.audit
            && audit.error.is_none()
        {
            let pages = counted(audit.pages as usize, "page", "pages");
            let findings = counted(audit.findings as usize, "finding", "findings");
            notes.push(format!("{findings} in all, on {pages}."));
            if audit.incomplete_pages > 0 {
                let pages = counted(audit.incomplete_pages as usize, "page", "pages");
                notes.push(format!("{pages} could not be audited in every state."));
            }
        }
        Outline {
            headline,
            sections,
            notes,
            link: self.link.clone(),
        }
    }
}

/// An error as it is told.
pub(super) fn error_told(error: &str) -> String {
    shown(error, LONGEST_ERROR)
}

/// A name or an address as it is told.
pub(super) fn name_told(name: &str) -> String {
    shown(name, LONGEST_NAME)
}

/// An address as it is told.
pub(super) fn address_told(address: &str) -> String {
    shown(without_query(address), LONGEST_ADDRESS)
}

/// `2 critical, 1 high`, or the gravest when not all are named.
fn severities(told: &FindingsTold) -> String {
    let gravest = told.items.iter().map(|item| item.severity).max();
    if told.count as usize > told.items.len() {
        let name = gravest.map_or("unknown", handbook::severity);
        return format!("gravest: {name}");
    }
    [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
        Severity::Info,
    ]
    .into_iter()
    .filter_map(|severity| {
        let count = told
            .items
            .iter()
            .filter(|item| item.severity == severity)
            .count();
        (count > 0).then(|| format!("{count} {}", handbook::severity(severity)))
    })
    .collect::<Vec<_>>()
    .join(", ")
}

/// What a message says, in parts that forms put into their own signs. Every text in it is one printable
/// line; nothing in it is escaped for any form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outline {
    /// In one line: which site, and what.
    pub(super) headline: String,
    /// What is new, and what is fixed.
    pub(super) sections: Vec<Section>,
    /// Sentences.
    pub(super) notes: Vec<String>,
    /// Where all of it can be looked at.
    pub(super) link: Option<String>,
}

/// Findings under a title.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    /// `New` or `Fixed`.
    pub(super) title: &'static str,
    /// Its findings.
    pub(super) items: Vec<Item>,
    /// How many more there are.
    pub(super) more: u64,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// How grave.
    pub(super) severity: &'static str,
    /// What is wrong, and the rule.
    pub(super) title: String,
    /// What it is about.
    pub(super) subject: String,
    /// The page.
    pub(super) page: String,
}

impl Section {
    fn of(title: &'static str, told: &FindingsTold) -> Self {
        Self {
            title,
            items: told
                .items
                .iter()
                .map(|item| Item {
                    severity: handbook::severity(item.severity),
                    title: format!("{} ({})", item.title, item.rule),
                    subject: item.subject(),
                    page: item.page.clone(),
                })
                .collect(),
            more: told.count.saturating_sub(told.items.len() as u64),
        }
    }

    /// `and 7 more`, when there are more.
    pub(super) fn more(&self) -> Option<String> {
        (self.more > 0).then(|| format!("and {} more", number(self.more as usize)))
    }
}
