//! Signatures of the sums, in minisign's form: `minisign -Vm SHA256SUMS -p key.pub` checks them too.

use std::fmt;
use std::io::Cursor;

use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox, SignatureBox};

/// Why something was not signed, or a signature does not hold.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a secret key of minisign, or another password.
    #[error("the secret key cannot be read: is it one of minisign's, and is the password right?")]
    Secret(#[source] minisign::PError),
    /// Not a public key of minisign.
    #[error("the public key cannot be read: is it one of minisign's?")]
    Public(#[source] minisign::PError),
    /// Signing failed.
    #[error("the sums cannot be signed")]
    Sign(#[source] minisign::PError),
    /// The signature is of other sums, or by another key.
    #[error("the signature does not hold")]
    Signature(#[source] minisign::PError),
}

/// A secret key.
pub struct SigningKey {
    key: SecretKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey")
    }
}

impl SigningKey {
    /// Reads a file of minisign, with its password if it has one.
    pub fn read(text: &str, password: Option<String>) -> Result<Self, KeyError> {
        let boxed = SecretKeyBox::from_string(text).map_err(KeyError::Secret)?;
        let key = match password {
            Some(password) => boxed.into_secret_key(Some(password)),
            None => boxed.into_unencrypted_secret_key(),
        };
        Ok(Self {
            key: key.map_err(KeyError::Secret)?,
        })
    }

    /// The signature of some sums, with the run in its trusted comment.
    pub(super) fn sign(&self, sums: &[u8], run: &str) -> Result<String, KeyError> {
        // A comment is one line.
        let run: String = run.chars().filter(|letter| !letter.is_control()).collect();
        let comment = format!("run {run}, file SHA256SUMS");
        let signature = minisign::sign(
            None,
            &self.key,
            Cursor::new(sums),
            Some(&comment),
            Some("signature of the evidence of a Consentinel run"),
        );
        Ok(signature.map_err(KeyError::Sign)?.into_string())
    }
}

/// A new pair of keys without a password: the secret one first, both as files of minisign.
pub fn generate() -> Result<(String, String), KeyError> {
    let pair = KeyPair::generate_unencrypted_keypair().map_err(KeyError::Sign)?;
    let comment = Some("Consentinel evidence key");
    let secret = pair.sk.to_box(comment).map_err(KeyError::Sign)?;
    let public = pair.pk.to_box().map_err(KeyError::Sign)?;
    Ok((secret.into_string(), public.into_string()))
}

/// Whether a signature of some sums holds; its trusted comment.
pub(super) fn verify(signature: &str, sums: &[u8], public: &str) -> Result<String, KeyError> {
    let boxed = minisign::PublicKeyBox::from_string(public).map_err(KeyError::Public)?;
    let key: PublicKey = boxed.into_public_key().map_err(KeyError::Public)?;
    let signature = SignatureBox::from_string(signature).map_err(KeyError::Signature)?;
    minisign::verify(&key, &signature, Cursor::new(sums), true, false, false)
        .map_err(KeyError::Signature)?;
    signature.trusted_comment().map_err(KeyError::Signature)
}
