//! What the terminal summary and the HTML report have in common: the standing of the run and of
//! each page, and the findings grouped by service.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::facts::{Facts, PageFacts};
use super::printable::counted;
use super::wording;
use crate::model::finding::{Finding, GapReason, RuleResult, Severity, SubjectKind, Verdict};
use crate::model::report::{Answer, Report, ServiceSeen};
use crate::model::visit::State;

/// Whether a run or a page passes, worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// At least one violation.
    Fails,
    /// No violation, something that behaves like one.
    ProbablyFails,
    /// Not everything could be audited, and what could shows no violation.
    Incomplete,
    /// Nothing found but points a person has to look at.
    Review,
    /// Complete, and nothing found.
    Passes,
}

/// How many findings have each verdict; those of severity `info` ask for nothing and are apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) violation: usize,
    pub(super) likely: usize,
    pub(super) review: usize,
    pub(super) inconclusive: usize,
    pub(super) info: usize,
    pub(super) accepted: usize,
}

impl Tally {
    pub(super) fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut tally = Self::default();
        for finding in findings {
            *match (finding.severity, finding.verdict) {
                _ if finding.accepted.is_some() => &mut tally.accepted,
                (_, Verdict::Inconclusive) => &mut tally.inconclusive,
                (Severity::Info, _) => &mut tally.info,
                (_, Verdict::Violation) => &mut tally.violation,
                (_, Verdict::Likely) => &mut tally.likely,
                (_, Verdict::Review) => &mut tally.review,
            } += 1;
        }
        tally
    }

    fn standing(self, complete: bool) -> Standing {
        match self {
            Self { violation: 1.., .. } => Standing::Fails,
            Self { likely: 1.., .. } => Standing::ProbablyFails,
            _ if !complete || self.inconclusive > 0 => Standing::Incomplete,
            Self { review: 1.., .. } => Standing::Review,
            _ => Standing::Passes,
        }
    }

    /// `7 violations, 1 likely, 2 to review`, without what there is none of.
    pub(super) fn words(self) -> String {
        let parts: Vec<String> = [
            (self.violation, "violation", "violations"),
            (self.likely, "likely violation", "likely violations"),
            (self.review, "point to review", "points to review"),
            (self.inconclusive, "rule inconclusive", "rules inconclusive"),
            (self.info, "note", "notes"),
            (self.accepted, "accepted finding", "accepted findings"),
        ]
        .into_iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| counted(count, one, many))
        .collect();
        parts.join(", ")
    }
}

/// The standing of one page.
#[derive(Debug)]
pub(super) struct PageStanding<'a> {
    pub(super) facts: &'a PageFacts,
    pub(super) standing: Standing,
    pub(super) tally: Tally,
}

/// The same finding on one or more pages.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    /// The finding on the first of the pages.
    pub(super) finding: &'a Finding,
    /// The pages, as given.
    pub(super) pages: Vec<&'a str>,
}

/// Who stands behind a group of findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Owner<'a> {
    /// A service, by catalog id.
    Service(&'a str),
    /// The site's banner.
    Banner,
    /// Nobody the catalog knows, by host.
    Unknown(&'a str),
}

/// The findings of one service.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) owner: Owner<'a>,
    /// What the report says of the service, where it is known.
    pub(super) service: Option<&'a ServiceSeen>,
    /// Gravest first.
    pub(super) entries: Vec<Entry<'a>>,
    /// Findings before joining those of several pages.
    pub(super) count: usize,
    /// The gravest severity in it.
    pub(super) worst: Severity,
}

impl Group<'_> {
    /// The name to show, not yet [`printable`](super::printable()).
    pub(super) fn name(&self) -> String {
        match (self.owner, self.service) {
            (Owner::Banner, _) => "The consent banner".to_owned(),
            (_, Some(service)) => service.name.clone(),
            (Owner::Service(id), None) => id.to_owned(),
            (Owner::Unknown(host), None) => format!("Unknown service on {host}"),
        }
    }

    /// What to do: the catalog's steps, else what the findings themselves advise, each once.
    pub(super) fn steps(&self) -> Vec<&str> {
        if let Some(service) = self.service
            && !service.steps.is_empty()
        {
            return service.steps.iter().map(String::as_str).collect();
        }
        let mut known = BTreeSet::new();
        self.entries
            .iter()
            .map(|entry| entry.finding.remedy.as_str())
            .filter(|remedy| !remedy.is_empty() && known.insert(*remedy))
            .collect()
    }
}

/// A regulator's question and the site's answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    pub(super) text: &'static str,
    pub(super) answer: Answer,
    /// The answer a site that passes gives.
    pub(super) wanted: Answer,
}

impl Question {
    /// Whether the answer is the wanted one; `None` when it was not established.
    pub(super) fn good(self) -> Option<bool> {
        (self.answer != Answer::NotEstablished).then_some(self.answer == self.wanted)
    }
}

/// The run at a glance.
#[derive(Debug)]
pub(super) struct Outline<'a> {
    pub(super) standing: Standing,
    pub(super) tally: Tally,
    pub(super) pages: Vec<PageStanding<'a>>,
    /// Gravest first.
    pub(super) groups: Vec<Group<'a>>,
    /// The states any page was visited in, in the order a visitor would meet them.
    pub(super) states: Vec<State>,
    pub(super) questions: [Question; 3],
}

impl<'a> Outline<'a> {
    pub(super) fn of(facts: &'a Facts) -> Self {
        let report = &facts.head;
        let mut by_page: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
        for finding in &report.findings {
            by_page.entry(&finding.page).or_default().push(finding);
        }
        let pages: Vec<PageStanding<'_>> = facts
            .pages
            .iter()
            .map(|page| {
                let findings = by_page.get(page.url.as_str());
                let tally = Tally::of(findings.into_iter().flatten().copied());
                PageStanding {
                    facts: page,
                    standing: tally.standing(!page.is_incomplete()),
                    tally,
                }
            })
            .collect();
        let complete = report.summary.incomplete_pages == 0
            && !pages.is_empty()
            && !pages.iter().any(|page| page.facts.is_incomplete());
        let tally = Tally::of(&report.findings);
        Self {
            standing: tally.standing(complete),
            tally,
            pages,
            groups: groups(report),
            states: facts.states.iter().copied().collect(),
            questions: questions(report),
        }
    }

    /// The facts of each page, by its address.
    pub(super) fn by_address(&self) -> HashMap<&'a str, &'a PageFacts> {
        self.pages
            .iter()
            .map(|page| (page.facts.url.as_str(), page.facts))
            .collect()
    }

    /// The verdict in one line.
    pub(super) fn headline(&self) -> String {
        match self.standing {
            Standing::Fails => {
                format!(
                    "Does not pass: {}",
                    counted(self.tally.violation, "violation", "violations")
                )
            }
            Standing::ProbablyFails => {
                format!(
                    "Probably does not pass: {}",
                    counted(self.tally.likely, "likely violation", "likely violations")
                )
            }
            Standing::Incomplete => "Incomplete: no verdict".to_owned(),
            Standing::Review => {
                format!(
                    "No violation found: {}",
                    counted(self.tally.review, "point to review", "points to review")
                )
            }
            Standing::Passes => "Passed: nothing found".to_owned(),
        }
    }

    /// What a reader must know beside the headline.
    pub(super) fn caveats(&self) -> Vec<String> {
        let mut caveats = Vec::new();
        let rest = match self.standing {
            Standing::Fails => Tally {
                violation: 0,
                ..self.tally
            },
            Standing::ProbablyFails => Tally {
                likely: 0,
                ..self.tally
            },
            Standing::Review => Tally {
                review: 0,
                ..self.tally
            },
            Standing::Incomplete | Standing::Passes => self.tally,
        };
        if rest != Tally::default() {
            caveats.push(match self.standing {
                Standing::Incomplete | Standing::Passes => format!("Found: {}.", rest.words()),
                _ => format!("Also: {}.", rest.words()),
            });
        }
        if self.pages.is_empty() {
            caveats.push("No page was audited.".to_owned());
        }
        let incomplete = self
            .pages
            .iter()
            .filter(|page| page.facts.is_incomplete())
            .count();
        if incomplete > 0 {
            caveats.push(format!(
                "{incomplete} of {} could not be audited in every state.",
                counted(self.pages.len(), "page", "pages")
            ));
        }
        caveats
    }
}

fn groups(report: &Report) -> Vec<Group<'_>> {
    let services: BTreeMap<&str, &ServiceSeen> = report
        .services
        .iter()
        .map(|service| (service.id.as_str(), service))
        .collect();
    let mut groups: BTreeMap<Owner<'_>, Group<'_>> = BTreeMap::new();
    let mut places = BTreeMap::new();
    for finding in &report.findings {
        let owner = match &finding.service {
            _ if finding.subject.kind == SubjectKind::Banner => Owner::Banner,
            Some(id) => Owner::Service(id),
            None => Owner::Unknown(&finding.subject.host),
        };
        let group = groups.entry(owner).or_insert_with(|| Group {
            owner,
            service: match owner {
                Owner::Service(id) => services.get(id).copied(),
                Owner::Banner | Owner::Unknown(_) => None,
            },
            entries: Vec::new(),
            count: 0,
            worst: Severity::Info,
        });
        group.count += 1;
        group.worst = group.worst.max(finding.severity);
        let same = (
            owner,
            finding.rule.as_str(),
            finding.sub_type.as_deref(),
            finding.state,
            finding.verdict,
            finding.severity,
            &finding.subject,
            finding.accepted.is_some(),
        );
        let place = *places.entry(same).or_insert_with(|| {
            group.entries.push(Entry {
                finding,
                pages: Vec::new(),
            });
            group.entries.len() - 1
        });
        if let Some(entry) = group.entries.get_mut(place)
            && entry.pages.last() != Some(&finding.page.as_str())
        {
            entry.pages.push(&finding.page);
        }
    }
    let mut groups: Vec<Group<'_>> = groups.into_values().collect();
    for group in &mut groups {
        group.entries.sort_by_key(|entry| {
            (
                std::cmp::Reverse(entry.finding.severity),
                entry.finding.verdict,
            )
        });
    }
    groups.sort_by_key(|group| {
        (
            std::cmp::Reverse(group.worst),
            std::cmp::Reverse(group.count),
        )
    });
    groups
}

/// Rules that said nothing because something was missing, one sentence for each thing that was.
pub(super) fn unjudged(report: &Report) -> Vec<String> {
    let mut by_gap: BTreeMap<(GapReason, &str), Vec<&str>> = BTreeMap::new();
    for outcome in &report.rules {
        if outcome.result == RuleResult::Inconclusive {
            for gap in &outcome.gaps {
                by_gap
                    .entry((gap.reason, &gap.needed))
                    .or_default()
                    .push(&outcome.rule);
            }
        }
    }
    by_gap
        .into_iter()
        .map(|((reason, needed), rules)| {
            format!(
                "{} inconclusive, {}: {needed} ({})",
                counted(rules.len(), "rule", "rules"),
                wording::gap_reason(reason),
                rules.join(", ")
            )
        })
        .collect()
}

fn questions(report: &Report) -> [Question; 3] {
    [
        Question {
            text: "Does the site store or track before the visitor has answered?",
            answer: report.summary.before_choice,
            wanted: Answer::No,
        },
        Question {
            text: "Is saying no as easy as saying yes?",
            answer: report.summary.reject_as_easy,
            wanted: Answer::Yes,
        },
        Question {
            text: "Does the site store or track after the visitor has said no?",
            answer: report.summary.without_consent,
            wanted: Answer::No,
        },
    ]
}
