//! Signatures of webhooks, after the Standard Webhooks specification, for which there are libraries in
//! every language: HMAC-SHA-256 over `id.timestamp.body`.
//!
//! The time of sending is signed, so that a receiver can refuse what is old; the id is the same for
//! every try, so that it can refuse what it knows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::Sha256;

use super::secret::Secret;
use crate::service::error::Problem;

/// How secrets made by us, and those of the specification, begin.
const PREFIX: &str = "whsec_";
/// Bytes of a secret made by us.
const NEW_BYTES: usize = 32;

/// What is signed with.
pub(super) struct Key(Vec<u8>);

impl Key {
    /// The key of a secret: what follows `whsec_` in base64, or the letters themselves.
    pub(super) fn of(secret: &Secret) -> Option<Self> {
        let text = secret.expose();
        if let Some(encoded) = text.strip_prefix(PREFIX) {
            let bytes = BASE64.decode(encoded).ok()?;
            return (16..=64).contains(&bytes.len()).then_some(Self(bytes));
        }
        let fits = (16..=200).contains(&text.len()) && !text.contains(char::is_control);
        fits.then(|| Self(text.as_bytes().to_vec()))
    }

    /// The header `webhook-signature` of a body that is sent now.
    pub(super) fn sign(&self, id: &str, now: Timestamp, body: &[u8]) -> Option<String> {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        hmac.update(format!("{id}.{}.", now.as_second()).as_bytes());
        hmac.update(body);
        Some(format!(
            "v1,{}",
            BASE64.encode(hmac.finalize().into_bytes())
        ))
    }
}

/// A secret nobody knows.
pub(super) fn new_secret() -> Result<Secret, Problem> {
    let mut bytes = [0_u8; NEW_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| Problem::internal(&error))?;
    Ok(Secret::new(format!("{PREFIX}{}", BASE64.encode(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn as_others_sign() {
        let key = Key::of(&Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).unwrap();
        let signature = key.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            Timestamp::from_second(1_614_265_330).unwrap(),
            b"{\"test\": 2432232314}",
        );
        assert_eq!(
            signature.as_deref(),
            Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
        );
    }

    #[test]
    fn secrets_have_a_length() {
        for (secret, usable) in [
            ("whsec_", false),
            ("whsec_not base64!", false),
            ("whsec_c2hvcnQ=", false),
            ("too short", false),
            ("sixteen letters!", true),
        ] {
            assert_eq!(Key::of(&Secret::new(secret)).is_some(), usable, "{secret}");
        }
        assert!(Key::of(&new_secret().unwrap()).is_some());
        assert_ne!(new_secret().unwrap(), new_secret().unwrap());
    }
}
