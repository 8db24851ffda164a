//! One self-contained file, for the screen, for paper and for the record.

use super::RenderError;
use crate::model::report::Report;

/// The page.
pub fn html(_report: &Report) -> Result<String, RenderError> {
    Ok(String::new())
}
