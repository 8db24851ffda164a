//! `consentinel report`: so far, the schema of the JSON report.

use super::exit::Exit;
use super::output::{chain, complain, print};

pub(super) const EXAMPLE: &str = "\
Example:
  consentinel report --schema > report.schema.json";

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the JSON Schema of the report
    #[arg(long, required = true)]
    schema: bool,
}

pub(super) fn run(arguments: &Arguments) -> Exit {
    if !arguments.schema {
        return Exit::Usage;
    }
    match crate::report::json::schema() {
        Ok(schema) => {
            print(&schema);
            Exit::Passed
        }
        Err(error) => {
            complain(&chain(&error), None);
            Exit::Internal
        }
    }
}
