//! Secrets nobody can guess, and how they are kept: as digests.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::AccessError;
use crate::model::value::sha256_hex;

/// Bytes of randomness: nobody guesses them, so that a fast digest is enough to keep them by.
const BYTES: usize = 32;

/// Longest text that is taken for a secret; ours are shorter.
const LONGEST: usize = 128;

/// 256 random bits in base64 for addresses.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// One nobody had before.
    pub(super) fn new() -> Result<Self, AccessError> {
        let mut bytes = [0_u8; BYTES];
        getrandom::fill(&mut bytes).map_err(AccessError::Randomness)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// With a beginning by which people and scanners know what it opens.
    pub(super) fn with_prefix(self, prefix: &str) -> Self {
        Self(format!("{prefix}{}", self.0))
    }

    /// The secret itself: for whom it is made, and nobody else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(super) fn digest(&self) -> String {
        sha256_hex(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// What would be kept of a secret somebody sends; nothing for what cannot be one of ours.
pub(super) fn digest_of(sent: &str) -> Option<String> {
    (!sent.is_empty() && sent.len() <= LONGEST).then(|| sha256_hex(sent.as_bytes()))
}

/// Whether two secrets are the same. How long that takes says something about their digests only.
pub(super) fn same(one: &str, other: &str) -> bool {
    sha256_hex(one.as_bytes()) == sha256_hex(other.as_bytes())
}

/// What forms of a session carry: made from its secret, which is kept nowhere, and says nothing of it.
pub(super) fn for_forms(session: &str) -> String {
    // A key of any length is a good one (RFC 2104), so that there is no error to speak of.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(session.as_bytes()) else {
        return String::new();
    };
    code.update(b"consentinel forms");
    URL_SAFE_NO_PAD.encode(code.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_do_not_show() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(one, other);
        assert_ne!(one.digest(), other.digest());
        assert_eq!(one.expose().len(), 43);
        assert_eq!(format!("{one:?}"), "Secret(…)");
        assert_eq!(digest_of(one.expose()), Some(one.digest()));
        assert!(!one.digest().contains(one.expose()));
    }

    #[test]
    fn what_cannot_be_a_secret_has_no_digest() {
        assert_eq!(digest_of(""), None);
        assert_eq!(digest_of(&"a".repeat(LONGEST + 1)), None);
        assert!(digest_of(&"a".repeat(LONGEST)).is_some());
    }

    #[test]
    fn each_session_has_forms_of_its_own() {
        let one = for_forms("one");
        assert_eq!(one, for_forms("one"));
        assert_ne!(one, for_forms("other"));
        assert!(!one.is_empty() && !same(&one, "one"));
        assert!(same(&one, &for_forms("one")) && !same(&one, ""));
    }
}
