//! The whole run as one document, and the JSON Schema it keeps to.

use serde_json::json;

use super::RenderError;
use super::redact::{redacted, without_pictures};
use crate::model::report::{Report, SCHEMA};

/// The run as `consentinel/report/v1`, without the pictures' bytes; with `redact`, without raw values.
pub fn json(report: &Report, redact: bool) -> Result<String, RenderError> {
    let mut document = without_pictures(report.clone());
    if redact {
        document = redacted(document);
    }
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
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
