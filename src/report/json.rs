//! The whole run as one document, and the JSON Schema it keeps to.

use std::cell::RefCell;
use std::io::Write;

use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use serde_json::json;

use super::RenderError;
use super::facts::Facts;
use super::layout::write_json;
use super::redact::shown_page;
use crate::model::finding::{Finding, RuleOutcome};
use crate::model::report::{PageError, PageSource, Report, Run, SCHEMA, ServiceSeen, Summary};

/// A [`Report`] whose pages are read while it is written: the same fields in the same order.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'a str,
    run: &'a Run,
    pages: Pages<'a>,
    services: &'a [ServiceSeen],
    findings: &'a [Finding],
    rules: &'a [RuleOutcome],
    summary: &'a Summary,
}

struct Pages<'a> {
    source: &'a dyn PageSource,
    redact: bool,
    /// The page that could not be read, which an error of serde cannot carry.
    failed: &'a RefCell<Option<PageError>>,
}

impl Serialize for Pages<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.source.page_count()))?;
        for page in self.source.pages() {
            match page {
                Ok(page) => list.serialize_element(&shown_page(page, self.redact, false))?,
                Err(error) => {
                    let said = S::Error::custom(&error);
                    self.failed.replace(Some(error));
                    return Err(said);
                }
            }
        }
        list.end()
    }
}

/// The run as `consentinel/report/v1`, without the pictures' bytes; with `redact`, without raw values.
pub(super) fn json(
    facts: &Facts,
    source: &dyn PageSource,
    redact: bool,
    out: &mut dyn Write,
) -> Result<(), RenderError> {
    let failed = RefCell::new(None);
    let document = Document {
        schema: &facts.head.schema,
        run: &facts.head.run,
        pages: Pages {
            source,
            redact,
            failed: &failed,
        },
        services: &facts.head.services,
        findings: &facts.head.findings,
        rules: &facts.head.rules,
        summary: &facts.head.summary,
    };
    let written = write_json(out, &document);
    if let Some(error) = failed.into_inner() {
        return Err(error.into());
    }
    written
}

/// The JSON Schema of `consentinel/report/v1`, generated from the types.
pub fn schema() -> Result<String, RenderError> {
    let mut schema = schemars::schema_for!(Report);
    // The type says "a string"; the document says which one.
    if let Some(name) = schema.pointer_mut("/properties/schema") {
        name["const"] = json!(SCHEMA);
    }
    let mut text = serde_json::to_string_pretty(&schema)?;
    text.push('\n');
    Ok(text)
}
