//! One JSON document a line, written while the pages are read: for large crawls and for pipes.

use std::io::Write;

use schemars::JsonSchema;
use serde::Serialize;

use super::RenderError;
use super::facts::Facts;
use super::redact::shown_page;
use crate::model::finding::{Finding, RuleOutcome};
use crate::model::report::{Page, PageSource, Run, ServiceSeen, Summary};

/// One line; `kind` says which.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Line<'a> {
    /// The first line: the run and the versions of everything that shaped it.
    Run {
        /// Always `consentinel/report/v1`.
        schema: &'a str,
        /// The run.
        run: &'a Run,
    },
    /// A page in all its states.
    Page {
        /// The page.
        page: &'a Page,
    },
    /// A service seen.
    Service {
        /// The service.
        service: &'a ServiceSeen,
    },
    /// Something that should not have happened.
    Finding {
        /// The finding.
        finding: &'a Finding,
    },
    /// What came of a rule.
    Rule {
        /// The outcome.
        rule: &'a RuleOutcome,
    },
    /// The last line: the answers in short. A document without it was cut off.
    Summary {
        /// The answers.
        summary: &'a Summary,
    },
}

/// The run, a line for each of its parts.
pub(super) fn lines(
    facts: &Facts,
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let head = &facts.head;
    let mut put = |line: &Line<'_>| -> Result<(), RenderError> {
        serde_json::to_writer(&mut *out, line)?;
        out.write_all(b"\n")?;
        Ok(())
    };
    put(&Line::Run {
        schema: &head.schema,
        run: &head.run,
    })?;
    for page in source.pages() {
        put(&Line::Page {
            page: &shown_page(page?, redact, false),
        })?;
    }
    for service in &head.services {
        put(&Line::Service { service })?;
    }
    for finding in &head.findings {
        put(&Line::Finding { finding })?;
    }
    for rule in &head.rules {
        put(&Line::Rule { rule })?;
    }
    put(&Line::Summary {
        summary: &head.summary,
    })
}

/// The JSON Schema of one line.
pub fn schema() -> Result<String, RenderError> {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(Line<'_>))?;
    text.push('\n');
    Ok(text)
}
