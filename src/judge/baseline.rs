//! Findings somebody has accepted, with a reason, an owner and an end.

use jiff::civil::Date;
use serde::Deserialize;

use crate::catalog::pattern::NamePattern;
use crate::catalog::schema::Date as WrittenDate;
use crate::model::finding::{Acceptance, Finding};
use crate::model::report::Report;
use crate::model::visit::{Diagnostic, DiagnosticCode};

/// Longest reason or owner kept, in characters.
const LONGEST_WORDS: usize = 300;

/// A file of acceptances; in `consentinel.toml` the same entries stand among the options.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// What is accepted.
    #[serde(default)]
    pub accept: Vec<Entry>,
}

/// Findings accepted by id or by pattern; every part that is given has to fit.
///
/// In patterns `*` stands for anything.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Id of one finding, such as `R02-0123456789ab`.
    #[serde(default)]
    pub finding: Option<String>,
    /// Id of a rule, such as `R02`.
    #[serde(default)]
    pub rule: Option<String>,
    /// Host of the subject.
    #[serde(default)]
    pub host: Option<NamePattern>,
    /// Name of the subject.
    #[serde(default)]
    pub name: Option<NamePattern>,
    /// Address of the page.
    #[serde(default)]
    pub page: Option<NamePattern>,
    /// Why it is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day it is accepted on.
    pub expires: WrittenDate,
}

/// What is wrong with a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// Not the form of a baseline. The parser's message names the place and the allowed keys.
    #[error("not a baseline: {0}")]
    Form(#[from] toml::de::Error),
    /// It would accept everything.
    #[error("entry {0} accepts everything; name a finding, a rule, a host, a name or a page")]
    Everything(usize),
    /// Nobody could tell why, or whom to ask.
    #[error("entry {0} has an empty reason or owner")]
    Empty(usize),
    /// Such an id no finding can have.
    #[error("entry {0}: {1} is no rule; `consentinel rules list` names them all")]
    NoSuchRule(usize, String),
}

impl Baseline {
    /// Reads a file's text.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = toml::from_str(text)?;
        baseline.checked()
    }

    /// The entries of both.
    pub fn joined(mut self, more: Vec<Entry>) -> Result<Self, BaselineError> {
        self.accept.extend(more);
        self.checked()
    }

    fn checked(self) -> Result<Self, BaselineError> {
        for (number, entry) in (1..).zip(&self.accept) {
            if entry.reason.trim().is_empty() || entry.owner.trim().is_empty() {
                return Err(BaselineError::Empty(number));
            }
            if entry.accepts_everything() {
                return Err(BaselineError::Everything(number));
            }
            let rule = entry.rule.as_deref().or_else(|| {
                let id = entry.finding.as_deref()?;
                Some(id.split('-').next().unwrap_or(id))
            });
            if let Some(rule) = rule.filter(|rule| super::rules::find(rule).is_none()) {
                return Err(BaselineError::NoSuchRule(number, rule.to_owned()));
            }
        }
        Ok(self)
    }

    /// What accepts a finding on that day.
    pub fn accepts(&self, finding: &Finding, today: Date) -> Option<Acceptance> {
        let mut entries = self.accept.iter();
        let entry = entries.find(|entry| entry.expires.0 >= today && entry.fits(finding))?;
        Some(entry.acceptance())
    }

    /// Marks what is accepted on that day, and says which entries have expired or fit nothing.
    pub fn apply(&self, report: &mut Report, today: Date) {
        let mut used = vec![0_usize; self.accept.len()];
        for finding in &mut report.findings {
            finding.accepted = None;
            for (entry, used) in self.accept.iter().zip(&mut used) {
                if entry.fits(finding) {
                    *used += 1;
                    if entry.expires.0 >= today && finding.accepted.is_none() {
                        finding.accepted = Some(entry.acceptance());
                    }
                }
            }
        }
        let told = (1..).zip(&self.accept).zip(used);
        report.run.diagnostics.extend(told.filter_map(|((number, entry), used)| {
            let (code, message) = match used {
                0 => (
                    DiagnosticCode::BaselineUnused,
                    format!("entry {number} of the baseline ({}) fits no finding; remove it", entry.in_words()),
                ),
                count if entry.expires.0 < today => (
                    DiagnosticCode::BaselineExpired,
                    format!(
                        "entry {number} of the baseline ({}) expired on {}: {count} {} back; {} answers for it",
                        entry.in_words(),
                        entry.expires.0,
                        if count == 1 { "finding is" } else { "findings are" },
                        cut(&entry.owner)
                    ),
                ),
                _ => return None,
            };
            Some(Diagnostic {
                code,
                message,
                state: None,
            })
        }));
    }
}

impl Entry {
    fn accepts_everything(&self) -> bool {
        let only_stars = |pattern: &Option<NamePattern>| {
            pattern
                .as_ref()
                .is_none_or(|pattern| pattern.as_str().chars().all(|letter| letter == '*'))
        };
        self.finding.is_none()
            && self.rule.is_none()
            && [&self.host, &self.name, &self.page]
                .into_iter()
                .all(only_stars)
    }

    fn fits(&self, finding: &Finding) -> bool {
        let pattern = |pattern: &Option<NamePattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        };
        self.finding.as_ref().is_none_or(|id| *id == finding.id)
            && self.rule.as_ref().is_none_or(|rule| {
                rule.eq_ignore_ascii_case(&finding.rule) || *rule == finding.name
            })
            && pattern(&self.host, &finding.subject.host)
            && pattern(&self.name, &finding.subject.name)
            && pattern(&self.page, &finding.page)
    }

    fn acceptance(&self) -> Acceptance {
        Acceptance {
            reason: cut(&self.reason),
            owner: cut(&self.owner),
            until: self.expires.0.to_string(),
        }
    }

    /// What it fits, in words.
    fn in_words(&self) -> String {
        let pattern = |what: &str, pattern: &Option<NamePattern>| {
            pattern
                .as_ref()
                .map(|pattern| format!("{what} {}", pattern.as_str()))
        };
        let parts: Vec<String> = [
            self.finding.clone(),
            self.rule.clone(),
            pattern("host", &self.host),
            pattern("name", &self.name),
            pattern("page", &self.page),
        ]
        .into_iter()
        .flatten()
        .collect();
        cut(&parts.join(", "))
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST_WORDS).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;
    use crate::catalog::Catalog;
    use crate::judge::tests_support::*;
    use crate::judge::{Profile, judge};
    use crate::model::report::{CatalogInfo, Run, SCHEMA, Tool};

    const TODAY: Date = Date::constant(2026, 11, 22);

    /// A report in which `_ga` is stored before a choice on two pages.
    fn report() -> Report {
        let catalog = Catalog::builtin().unwrap();
        let mut pages = vec![two_visits(|_, visit| {
            visit
                .snapshot
                .cookies
                .push(cookie("_ga", SITE, "GA1.1.1234567890.1795348700"));
        })];
        let mut second = pages[0].clone();
        "https://shop.test/about".clone_into(&mut second.url);
        pages.push(second);
        let judgement = judge(&pages, &catalog, Profile::Eu);
        let time = "2026-11-22T12:00:00Z".parse().unwrap();
        Report {
            schema: SCHEMA.to_owned(),
            run: Run {
                id: "x".to_owned(),
                started: time,
                finished: time,
                tool: Tool {
                    version: "1".to_owned(),
                    commit: None,
                },
                browser: None,
                catalog: CatalogInfo {
                    version: String::new(),
                    services: 0,
                },
                consent_engine: String::new(),
                profile: "eu".to_owned(),
                clock: "virtual".to_owned(),
                options: std::collections::BTreeMap::new(),
                diagnostics: Vec::new(),
            },
            pages,
            services: judgement.services,
            findings: judgement.findings,
            rules: judgement.rules,
            summary: judgement.summary,
        }
    }

    fn entry(more: &str, expires: &str) -> String {
        format!("[[accept]]\n{more}\nreason = \"agreed\"\nowner = \"Anna\"\nexpires = {expires}\n")
    }

    fn applied(text: &str) -> (Vec<bool>, Vec<DiagnosticCode>) {
        let mut report = report();
        report.findings.retain(|finding| finding.rule == "R02");
        Baseline::parse(text).unwrap().apply(&mut report, TODAY);
        (
            report
                .findings
                .iter()
                .map(|finding| finding.accepted.is_some())
                .collect(),
            report
                .run
                .diagnostics
                .iter()
                .map(|told| told.code)
                .collect(),
        )
    }

    #[test]
    fn by_id_and_by_pattern() {
        let id = {
            let mut report = report();
            report
                .findings
                .retain(|finding| finding.rule == "R02" && finding.page.ends_with("about"));
            report.findings[0].id.clone()
        };
        for (more, accepted) in [
            (format!("finding = \"{id}\""), 1),
            ("rule = \"R02\"".to_owned(), 2),
            ("rule = \"pre-known-tracking-cookie\"".to_owned(), 2),
            ("name = \"_g*\"".to_owned(), 2),
            ("host = \"*.test\"\npage = \"*/about\"".to_owned(), 1),
            ("rule = \"R02\"\nname = \"_gid\"".to_owned(), 0),
        ] {
            let (marks, told) = applied(&entry(&more, "2026-11-22"));
            assert_eq!(
                marks.iter().filter(|mark| **mark).count(),
                accepted,
                "{more}"
            );
            let unused = if accepted == 0 {
                vec![DiagnosticCode::BaselineUnused]
            } else {
                Vec::new()
            };
            assert_eq!(told, unused, "{more}");
        }
    }

    #[test]
    fn expired_ones_come_back() {
        let (marks, told) = applied(&entry("rule = \"R02\"", "2026-11-21"));
        assert!(marks.iter().all(|mark| !mark));
        assert_eq!(told, [DiagnosticCode::BaselineExpired]);
        let renewed = format!(
            "{}{}",
            entry("rule = \"R02\"", "2026-11-21"),
            entry("name = \"_ga\"", "2027-01-01")
        );
        assert!(
            applied(&renewed).0.iter().all(|mark| *mark),
            "a later entry holds"
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (text, named) in [
            (entry("", "2027-01-01"), "accepts everything"),
            (entry("host = \"*\"", "2027-01-01"), "accepts everything"),
            (entry("rule = \"R99\"", "2027-01-01"), "R99 is no rule"),
            (entry("finding = \"x-1\"", "2027-01-01"), "x is no rule"),
            (entry("rule = \"R02\"\nrules = 1", "2027-01-01"), "rules"),
            (
                "[[accept]]\nrule = \"R02\"\nreason = \" \"\nowner = \"A\"\nexpires = 2027-01-01"
                    .to_owned(),
                "empty",
            ),
            ("[[accept]]\nrule = \"R02\"".to_owned(), "reason"),
        ] {
            let error = Baseline::parse(&text).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
