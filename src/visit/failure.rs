//! Why a visit ended early. Every failure has a name.

use crate::browser::BrowserError;
use crate::model::visit::{DiagnosticCode, Outcome};

/// Why a visit ended early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) outcome: Outcome,
    pub(super) code: DiagnosticCode,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(outcome: Outcome, code: DiagnosticCode, message: String) -> Self {
        Self {
            outcome,
            code,
            message,
        }
    }

    pub(super) fn browser(error: &BrowserError) -> Self {
        Self::new(
            Outcome::BrowserCrashed,
            DiagnosticCode::BrowserCrashed,
            error.to_string(),
        )
    }

    pub(super) fn not_a_page(what: &str) -> Self {
        let message = format!("{what}, not a web page; give the address of a page");
        Self::new(Outcome::NotAPage, DiagnosticCode::NotAPage, message)
    }

    /// An error of the browser's network stack, such as `net::ERR_NAME_NOT_RESOLVED`.
    pub(super) fn network(text: &str) -> Self {
        let code = text.trim_start_matches("net::");
        let message = match code {
            "ERR_NAME_NOT_RESOLVED" => "no such host; check the spelling of the address".to_owned(),
            "ERR_CONNECTION_REFUSED" => {
                "the server refused the connection; is it running?".to_owned()
            }
            "ERR_TOO_MANY_REDIRECTS" => "the page redirects in a circle".to_owned(),
            "ERR_CONNECTION_TIMED_OUT" | "ERR_TIMED_OUT" => {
                let message = "the server did not answer in time".to_owned();
                return Self::new(Outcome::TimedOut, DiagnosticCode::TimedOut, message);
            }
            "ERR_ABORTED" => return Self::not_a_page("a download or an empty answer"),
            "ERR_INTERNET_DISCONNECTED" => "this machine has no network".to_owned(),
            code if code.starts_with("ERR_CERT") => {
                format!("the certificate is not valid ({code}); --insecure accepts it")
            }
            code if code.starts_with("ERR_SSL") => {
                format!("no secure connection could be made ({code})")
            }
            code => format!("the page could not be reached ({code})"),
        };
        Self::new(Outcome::Unreachable, DiagnosticCode::Unreachable, message)
    }

    /// What a loaded document says about itself: an error, a challenge, no page at all. `None` when it is a page.
    pub(super) fn of_document(status: u16, mime_type: &str, text: &str) -> Option<Self> {
        const CHALLENGES: &[&str] = &[
            "attention required",
            "checking your browser",
            "checking if the site connection is secure",
            "enable javascript and cookies to continue",
            "just a moment",
            "access denied",
            "are you a robot",
            "are you a human",
            "verify you are human",
            "pardon our interruption",
            "request unsuccessful. incapsula",
            "unusual traffic",
        ];
        let lower = text.to_lowercase();
        let challenged = CHALLENGES.iter().any(|challenge| lower.contains(challenge));
        // A long page may well speak of robots; a challenge is short.
        let short = text.chars().count() < 1_500;
        if challenged && short && (status == 200 || matches!(status, 401 | 403 | 429 | 503))
            || matches!(status, 403 | 429)
        {
            let message =
                format!("a bot wall or a challenge stood in for the page (HTTP {status})");
            return Some(Self::new(
                Outcome::Blocked,
                DiagnosticCode::Blocked,
                message,
            ));
        }
        if status >= 400 {
            let message = format!("the server answered with HTTP {status} instead of the page");
            return Some(Self::new(
                Outcome::HttpError,
                DiagnosticCode::HttpError,
                message,
            ));
        }
        let page = mime_type.is_empty()
            || matches!(
                mime_type,
                "text/html" | "application/xhtml+xml" | "application/xml" | "text/xml"
            );
        (!page).then(|| Self::not_a_page(&format!("a file of type {mime_type}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_that_are_no_pages() {
        for (status, mime_type, text, expected) in [
            (200, "text/html", "Welcome", None),
            (200, "", "Welcome", None),
            (404, "text/html", "Not found", Some(Outcome::HttpError)),
            (500, "text/html", "", Some(Outcome::HttpError)),
            (403, "text/html", "Forbidden", Some(Outcome::Blocked)),
            (503, "text/html", "Just a moment...", Some(Outcome::Blocked)),
            (200, "application/pdf", "", Some(Outcome::NotAPage)),
            (200, "application/json", "{}", Some(Outcome::NotAPage)),
        ] {
            let outcome =
                Failure::of_document(status, mime_type, text).map(|failure| failure.outcome);
            assert_eq!(outcome, expected, "{status} {mime_type} {text}");
        }
    }

    #[test]
    fn a_long_page_may_speak_of_robots() {
        let article = format!("Are you a robot? {}", "An essay on machines. ".repeat(200));
        assert_eq!(Failure::of_document(200, "text/html", &article), None);
    }

    #[test]
    fn network_errors_say_what_to_do() {
        assert!(
            Failure::network("net::ERR_NAME_NOT_RESOLVED")
                .message
                .contains("spelling")
        );
        assert!(
            Failure::network("net::ERR_CERT_AUTHORITY_INVALID")
                .message
                .contains("--insecure")
        );
        assert_eq!(
            Failure::network("net::ERR_CONNECTION_TIMED_OUT").outcome,
            Outcome::TimedOut
        );
    }
}
