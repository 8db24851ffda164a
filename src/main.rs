//! Parses arguments, calls [`consentinel::cli`], maps the outcome to an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(consentinel::cli::main())
}
