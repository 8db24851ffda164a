//! Tables for spreadsheets (RFC 4180): one row for each finding, or for each item.

use std::io::Write;

use super::facts::Facts;
use super::printable::printable;
use super::redact::shown_page;
use super::wording::code;
use super::{RenderError, wording};
use crate::model::finding::Finding;
use crate::model::party::host_of;
use crate::model::report::{Page, PageSource};
use crate::model::snapshot::{Cookie, Request, Setter, StorageEntry};
use crate::model::value::Value;
use crate::model::visit::{PhaseName, Visit};

/// Columns of the table of findings.
const FINDING_COLUMNS: [&str; 26] = [
    "id",
    "rule",
    "name",
    "sub_type",
    "title",
    "severity",
    "verdict",
    "proof",
    "certainty",
    "state",
    "phase",
    "page",
    "kind",
    "host",
    "subject",
    "party",
    "service",
    "category",
    "at_ms",
    "lifetime",
    "value_fingerprint",
    "set_by",
    "seen",
    "legal",
    "remedy",
    "accepted",
];

/// Columns of the table of items.
const ITEM_COLUMNS: [&str; 22] = [
    "page",
    "state",
    "visit",
    "kind",
    "host",
    "name",
    "party",
    "phase",
    "at_ms",
    "lifetime_s",
    "alive",
    "path",
    "secure",
    "http_only",
    "same_site",
    "partition",
    "blocked",
    "set_by",
    "method",
    "status",
    "value_fingerprint",
    "value",
];

/// A row for each finding.
pub(super) fn findings(facts: &Facts, out: &mut dyn Write) -> Result<(), RenderError> {
    let mut table = Table::begin(out, &FINDING_COLUMNS)?;
    for finding in &facts.head.findings {
        table.row(&finding_row(finding))?;
    }
    table.end()
}

/// A row for each cookie, storage entry and request of each visit.
pub(super) fn items(
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let mut table = Table::begin(out, &ITEM_COLUMNS)?;
    for page in source.pages() {
        let page = shown_page(page?, redact, false);
        for visit in &page.visits {
            for cookie in &visit.snapshot.cookies {
                table.row(&cookie_row(&page, visit, cookie))?;
            }
            for entry in &visit.snapshot.storage {
                table.row(&entry_row(&page, visit, entry))?;
            }
            for request in &visit.snapshot.requests {
                table.row(&request_row(&page, visit, request))?;
            }
        }
    }
    table.end()
}

struct Table<'a> {
    writer: csv::Writer<&'a mut dyn Write>,
}

impl<'a> Table<'a> {
    fn begin(out: &'a mut dyn Write, columns: &[&str]) -> Result<Self, RenderError> {
        let mut writer = csv::Writer::from_writer(out);
        writer.write_record(columns)?;
        Ok(Self { writer })
    }

    fn row(&mut self, cells: &[String]) -> Result<(), RenderError> {
        for cell in cells {
            self.writer.write_field(harmless(cell))?;
        }
        self.writer.write_record(None::<&[u8]>)?;
        Ok(())
    }

    fn end(mut self) -> Result<(), RenderError> {
        self.writer.flush()?;
        Ok(())
    }
}

/// A cell no spreadsheet takes for a formula: what begins like one gets an apostrophe before it.
///
/// Signs are those OWASP names for CSV injection, with their full-width forms.
fn harmless(cell: &str) -> String {
    let safe = printable(cell);
    let begins = safe.trim_start().chars().next();
    match begins {
        Some('=' | '+' | '-' | '@' | '\u{ff1d}' | '\u{ff0b}' | '\u{ff0d}' | '\u{ff20}') => {
            format!("'{safe}")
        }
        _ => safe,
    }
}

fn finding_row(finding: &Finding) -> [String; FINDING_COLUMNS.len()] {
    let evidence = &finding.evidence;
    let subject = &finding.subject;
    [
        finding.id.clone(),
        finding.rule.clone(),
        finding.name.clone(),
        finding.sub_type.clone().unwrap_or_default(),
        finding.title.clone(),
        code(&finding.severity),
        code(&finding.verdict),
        code(&finding.proof),
        code(&finding.certainty),
        code(&finding.state),
        code(&finding.phase),
        finding.page.clone(),
        code(&subject.kind),
        subject.host.clone(),
        subject.name.clone(),
        code(&subject.party),
        finding.service.clone().unwrap_or_default(),
        code(&finding.category),
        evidence.at_ms.map(|at| at.to_string()).unwrap_or_default(),
        evidence.lifetime.clone().unwrap_or_default(),
        evidence.value_fingerprint.clone().unwrap_or_default(),
        set_by(evidence.set_by.as_ref()),
        format!("{} of {}", finding.seen.k, finding.seen.of),
        finding.legal.join("; "),
        finding.remedy.clone(),
        finding
            .accepted
            .as_ref()
            .map(|accepted| format!("by {} until {}", accepted.owner, accepted.until))
            .unwrap_or_default(),
    ]
}

/// What every item has.
struct Common<'a> {
    kind: String,
    host: String,
    name: &'a str,
    party: String,
    phase: PhaseName,
    at_ms: u64,
}

impl Common<'_> {
    fn row(self, page: &Page, visit: &Visit, rest: [String; 13]) -> Vec<String> {
        let mut row = vec![
            page.url.clone(),
            code(&visit.state),
            visit.repeat.to_string(),
            self.kind,
            self.host,
            self.name.to_owned(),
            self.party,
            code(&self.phase),
            self.at_ms.to_string(),
        ];
        row.extend(rest);
        row
    }
}

fn cookie_row(page: &Page, visit: &Visit, cookie: &Cookie) -> Vec<String> {
    Common {
        kind: "cookie".to_owned(),
        host: cookie.domain.clone(),
        name: &cookie.name,
        party: code(&cookie.party),
        phase: cookie.phase,
        at_ms: cookie.at_ms,
    }
    .row(
        page,
        visit,
        [
            cookie
                .lifetime_s
                .map_or_else(|| "session".to_owned(), |seconds| seconds.to_string()),
            cookie.alive.to_string(),
            cookie.path.clone(),
            cookie.secure.to_string(),
            cookie.http_only.to_string(),
            cookie.same_site.clone().unwrap_or_default(),
            cookie.partition_key.clone().unwrap_or_default(),
            cookie.blocked.join(" "),
            set_by(cookie.set_by.as_ref()),
            String::new(),
            String::new(),
            cookie.value.fingerprint.clone(),
            raw(&cookie.value),
        ],
    )
}

fn entry_row(page: &Page, visit: &Visit, entry: &StorageEntry) -> Vec<String> {
    Common {
        kind: code(&wording::subject_of_storage(entry.kind)),
        host: entry.origin.clone(),
        name: &entry.key,
        party: code(&entry.party),
        phase: entry.phase,
        at_ms: entry.at_ms,
    }
    .row(
        page,
        visit,
        [
            String::new(),
            entry.alive.to_string(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            entry.partition.clone().unwrap_or_default(),
            String::new(),
            set_by(entry.set_by.as_ref()),
            String::new(),
            String::new(),
            entry.value.fingerprint.clone(),
            raw(&entry.value),
        ],
    )
}

fn request_row(page: &Page, visit: &Visit, request: &Request) -> Vec<String> {
    let asked_by = request.initiator_chain.first();
    let body = request.post_body.as_ref();
    Common {
        kind: "request".to_owned(),
        host: host_of(&request.url),
        name: &request.url,
        party: code(&request.party),
        phase: request.phase,
        at_ms: request.at_ms,
    }
    .row(
        page,
        visit,
        [
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            String::new(),
            request.blocked.clone().unwrap_or_default(),
            asked_by.map(|step| step.url.clone()).unwrap_or_default(),
            request.method.clone(),
            request
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            body.map(|body| body.fingerprint.clone())
                .unwrap_or_default(),
            body.map(raw).unwrap_or_default(),
        ],
    )
}

fn raw(value: &Value) -> String {
    value.text().to_owned()
}

fn set_by(setter: Option<&Setter>) -> String {
    setter.and_then(Setter::url).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_like_a_formula() {
        for (given, expected) in [
            (
                "=HYPERLINK(\"https://evil.test\")",
                "'=HYPERLINK(\"https://evil.test\")",
            ),
            ("+1", "'+1"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("  =1", "'  =1"),
            ("\u{ff1d}1", "'\u{ff1d}1"),
            ("\t=1", "\\t=1"),
            ("_ga", "_ga"),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(harmless(given), expected, "{given:?}");
        }
    }
}
