//! Puts on the machine what is missing: a browser, npm, the npm packages of the test web.
//!
//! One way for everybody: `browser install`, `--install-browser`, `demo` and the tests come here.

pub mod download;
pub mod packages;
pub mod system;

/// What can go wrong while something is put on the machine.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// No package manager, no right to use it, or it failed.
    #[error("{0}")]
    System(String),
    /// npm failed.
    #[error("the npm packages of {what} could not be installed: {reason}")]
    Packages {
        /// What they are for.
        what: &'static str,
        /// What npm or the system said.
        reason: String,
    },
    /// The browser is not where it should be now.
    #[error(transparent)]
    Browser(#[from] crate::browser::BrowserError),
}
