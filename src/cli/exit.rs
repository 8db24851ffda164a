//! Exit codes: the one place that knows them.

use std::collections::BTreeSet;

use crate::audit::AuditError;
use crate::model::finding::Severity;
use crate::model::report::{PageSource, Report};
use crate::model::visit::{Diagnostic, DiagnosticCode, Outcome};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Complete, and no finding at or above `--fail-on`.
    Passed,
    /// Findings at or above `--fail-on`.
    Findings,
    /// Wrong usage or configuration.
    Usage,
    /// No browser, a page not reached, blocked or crashed, events lost. Outranks 0 and 1.
    Incomplete,
    /// A fault of this program.
    Internal,
    /// Stopped by the user; the report was written.
    Interrupted,
}

impl Exit {
    /// The code the system sees.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Internal => 4,
            Self::Interrupted => 130,
        }
    }

    /// How a run ends that gave a report.
    pub fn of_run(head: &Report, pages: &dyn PageSource, fail_on: FailOn) -> Self {
        let mut said: BTreeSet<DiagnosticCode> = BTreeSet::new();
        let mut note = |told: &[Diagnostic]| said.extend(told.iter().map(|it| it.code));
        note(&head.run.diagnostics);
        let mut complete = true;
        for page in pages.pages() {
            // A page that cannot be read proves nothing.
            let Ok(page) = page else {
                complete = false;
                continue;
            };
            note(&page.diagnostics);
            let visits = &page.visits;
            complete &= !visits.is_empty()
                && visits
                    .iter()
                    .all(|visit| visit.outcome == Outcome::Complete);
        }
        let is = |code: DiagnosticCode| said.contains(&code);
        if is(DiagnosticCode::Interrupted) {
            return Self::Interrupted;
        }
        let missing = is(DiagnosticCode::EventsLost) || is(DiagnosticCode::TargetCrashed);
        if !complete || missing {
            return Self::Incomplete;
        }
        let found = fail_on.severity().is_some_and(|limit| {
            let mut findings = head.findings.iter();
            findings.any(|finding| finding.counts() && finding.severity >= limit)
        });
        if found { Self::Findings } else { Self::Passed }
    }

    /// How a run ends that could not start.
    pub fn of_error(error: &AuditError) -> Self {
        match error {
            AuditError::Browser(_) | AuditError::SelfTest(_) | AuditError::Login(_) => {
                Self::Incomplete
            }
            AuditError::Catalog(_)
            | AuditError::Engine(_)
            | AuditError::Pattern(_)
            | AuditError::Store(_) => Self::Usage,
            AuditError::Queue(_) | AuditError::Page(_) => Self::Internal,
        }
    }
}

/// From which severity on findings fail the run.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Default,
    clap::ValueEnum,
    serde::Deserialize,
    serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Only the gravest.
    Critical,
    /// High and graver.
    High,
    /// Medium and graver.
    Medium,
    /// All but information.
    #[default]
    Low,
    /// Never.
    Never,
}

impl FailOn {
    fn severity(self) -> Option<Severity> {
        match self {
            Self::Critical => Some(Severity::Critical),
            Self::High => Some(Severity::High),
            Self::Medium => Some(Severity::Medium),
            Self::Low => Some(Severity::Low),
            Self::Never => None,
        }
    }
}
