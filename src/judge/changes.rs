//! What another judgement of the same run says otherwise: new, gone and changed findings.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::finding::{Finding, Severity, Verdict};

/// A finding as one of the judgements has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Brief {
    /// Its stable id.
    pub id: String,
    /// The rule, such as `R02`.
    pub rule: String,
    /// What it is about, in words.
    pub subject: String,
    /// How grave.
    pub severity: Severity,
    /// How sure.
    pub verdict: Verdict,
    /// Catalog id of the service behind it.
    pub service: Option<String>,
}

impl Brief {
    fn of(finding: &Finding) -> Self {
        let subject = &finding.subject;
        Self {
            id: finding.id.clone(),
            rule: finding.rule.clone(),
            subject: format!("{} {}", subject.host, subject.name),
            severity: finding.severity,
            verdict: finding.verdict,
            service: finding.service.clone(),
        }
    }

    /// Whether the judgements say the same of it.
    fn agrees(&self, other: &Self) -> bool {
        (self.severity, self.verdict, &self.service)
            == (other.severity, other.verdict, &other.service)
    }
}

/// What changed from one judgement to another, each list by id.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Changes {
    /// Findings that only the later one has.
    pub new: Vec<Brief>,
    /// Findings that only the earlier one has.
    pub gone: Vec<Brief>,
    /// Findings with another severity, verdict or service: as they were, and as they are.
    pub changed: Vec<(Brief, Brief)>,
    /// How many are the same.
    pub unchanged: usize,
}

impl Changes {
    /// What the later findings say otherwise than the earlier ones.
    pub fn between(earlier: &[Finding], later: &[Finding]) -> Self {
        let by_id = |findings: &[Finding]| -> BTreeMap<String, Brief> {
            findings
                .iter()
                .map(|finding| (finding.id.clone(), Brief::of(finding)))
                .collect()
        };
        let mut before = by_id(earlier);
        let mut changes = Self::default();
        for (id, now) in by_id(later) {
            match before.remove(&id) {
                None => changes.new.push(now),
                Some(then) if then.agrees(&now) => changes.unchanged += 1,
                Some(then) => changes.changed.push((then, now)),
            }
        }
        changes.gone = before.into_values().collect();
        changes
    }

    /// Whether both say the same.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty() && self.changed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Profile;
    use crate::judge::tests_support::{SITE, cookie, judged, two_visits};

    #[test]
    fn another_profile_changes_what_was_said() {
        let page = two_visits(|number, visit| {
            let value = format!("GA1.1.19827364{number}1.1795348700");
            visit.snapshot.cookies.push(cookie("_ga", SITE, &value));
        });
        let findings = |profile| judged(std::slice::from_ref(&page), profile).findings;
        let (eu, uk) = (findings(Profile::Eu), findings(Profile::Uk));
        assert!(Changes::between(&eu, &eu).is_empty());
        let changes = Changes::between(&eu, &uk);
        let verdicts: Vec<_> = changes
            .changed
            .iter()
            .filter(|(_, now)| now.rule == "R02")
            .map(|(then, now)| (then.verdict, now.verdict))
            .collect();
        assert_eq!(verdicts, [(Verdict::Violation, Verdict::Review)]);
        let gone = Changes::between(&eu, &[]);
        assert_eq!((gone.new.len(), gone.gone.len()), (0, eu.len()));
        let new = Changes::between(&[], &eu);
        assert_eq!((new.new.len(), new.gone.len()), (eu.len(), 0));
    }
}
