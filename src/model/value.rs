//! Recorded values: personal data, so reports carry fingerprints of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A value the site stored or sent.
///
/// `text` is the raw value and is dropped when a report is redacted; the fingerprint stays, so
/// equal values can still be seen to be equal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Value {
    /// The raw value; absent in redacted reports.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
    /// First 16 hexadecimal digits of the SHA-256 of the raw value.
    pub fingerprint: String,
    /// Length of the raw value in bytes.
    pub length: usize,
}

/// Longest raw value kept, in bytes: a page may write megabytes, a report needs to know that it did.
pub const LONGEST_VALUE: usize = 16 * 1024;

impl Value {
    /// Records a raw value. Longer ones than [`LONGEST_VALUE`] are cut; fingerprint and length are of the whole.
    pub fn new(text: &str) -> Self {
        Self::up_to(LONGEST_VALUE, text)
    }

    /// Records a raw value of which that many bytes may be kept.
    pub fn up_to(longest: usize, text: &str) -> Self {
        let mut end = text.len().min(longest);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            text: Some(text[..end].to_owned()),
            fingerprint: fingerprint(text.as_bytes()),
            length: text.len(),
        }
    }

    /// The raw value, or an empty string when it was redacted.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// Drops the raw value, keeps the fingerprint.
    pub fn redact(&mut self) {
        self.text = None;
    }
}

/// First 16 hexadecimal digits of the SHA-256 of `bytes`.
pub fn fingerprint(bytes: &[u8]) -> String {
    sha256_hex(bytes)[..16].to_owned()
}

/// The SHA-256 of `bytes` in lower-case hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// Bytes in lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0x0f])
        .map(|half| char::from(DIGITS[usize::from(half)]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_are_cut_at_a_character() {
        let long = "é".repeat(LONGEST_VALUE);
        let value = Value::new(&long);
        assert!(value.text().len() <= LONGEST_VALUE);
        assert_eq!(value.length, long.len());
        assert_eq!(value.fingerprint, fingerprint(long.as_bytes()));
    }

    #[test]
    fn redaction_keeps_the_fingerprint() {
        let mut value = Value::new("GA1.1.123.456");
        let before = value.fingerprint.clone();
        value.redact();
        assert_eq!(value.text(), "");
        assert_eq!(value.fingerprint, before);
    }

    #[test]
    fn sha256_of_the_empty_string() {
        // FIPS 180-4 example value.
        assert!(sha256_hex(b"").starts_with("e3b0c44298fc1c14"));
    }
}
