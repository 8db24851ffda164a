//! Time stamps of the sums from a server the user names (RFC 3161 over HTTP).
//!
//! Checked here is that the answer is one to this question: same sums, same nonce, granted. Whether
//! its signer is to be trusted is asked of `openssl ts -verify` with the authority's certificates.

use std::io::Read as _;
use std::time::Duration;

use cms::signed_data::SignedData;
use der::asn1::{Int, OctetString};
use der::oid::ObjectIdentifier;
use der::{Any, Decode as _, Encode as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TimeStampResp, TspVersion, TstInfo};

/// SHA-256 (RFC 5754).
const SHA_256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");

/// Largest answer read, in bytes: one with a long chain of certificates has some thousands.
const LARGEST: u64 = 1024 * 1024;

/// How long a server may take.
const LIMIT: Duration = Duration::from_secs(30);

/// Bytes of a nonce.
const NONCE: usize = 16;

/// Why there is no time stamp, or it does not hold.
#[derive(Debug, thiserror::Error)]
pub enum TimestampError {
    /// The server was not reached or refused.
    #[error("the time-stamp server {0} did not answer as one")]
    Server(String, #[source] Box<ureq::Error>),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers for a question")]
    Random(#[source] getrandom::Error),
    /// The answer broke off.
    #[error("the answer of the time-stamp server cannot be read")]
    Read(#[source] std::io::Error),
    /// The answer, or the stored question, is in another form.
    #[error("the time stamp is not in the form of RFC 3161")]
    Form(#[source] der::Error),
    /// The server would not.
    #[error("the time-stamp server refused")]
    Refused,
    /// It is a stamp of something else.
    #[error("the time stamp is of other sums")]
    OtherSums,
    /// It answers another question.
    #[error("the time stamp answers another question: its nonce differs")]
    OtherNonce,
}

impl From<der::Error> for TimestampError {
    fn from(error: der::Error) -> Self {
        Self::Form(error)
    }
}

/// What a time stamp says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The authority's time.
    pub time: Timestamp,
    /// How far this machine's clock was ahead of it when it was asked, in milliseconds; absent when read later.
    pub offset_ms: Option<i64>,
}

/// Asks a server: the question, its answer, and what that says.
pub(super) fn request(
    server: &url::Url,
    sums: &[u8],
) -> Result<(Vec<u8>, Vec<u8>, Stamp), TimestampError> {
    let question = question(sums)?;
    let failed = |error| TimestampError::Server(server.to_string(), Box::new(error));
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(LIMIT))
        .build()
        .into();
    let mut response = agent
        .post(server.as_str())
        .header("content-type", "application/timestamp-query")
        .header("accept", "application/timestamp-reply")
        .send(&question[..])
        .map_err(failed)?;
    let mut answer = Vec::new();
    response
        .body_mut()
        .as_reader()
        .take(LARGEST)
        .read_to_end(&mut answer)
        .map_err(TimestampError::Read)?;
    let here = Timestamp::now();
    let mut stamp = check(&question, &answer, sums)?;
    stamp.offset_ms = Some(here.as_millisecond() - stamp.time.as_millisecond());
    Ok((question, answer, stamp))
}

/// A question about some sums, with a nonce nobody can foresee.
fn question(sums: &[u8]) -> Result<Vec<u8>, TimestampError> {
    let mut nonce = [0_u8; NONCE];
    getrandom::fill(&mut nonce).map_err(TimestampError::Random)?;
    // A leading bit of one would make the number negative, a leading zero would not be its shortest form.
    nonce[0] = (nonce[0] & 0x3f) | 0x40;
    let request = TimeStampReq {
        version: TspVersion::V1,
        message_imprint: MessageImprint {
            hash_algorithm: cms::cert::x509::spki::AlgorithmIdentifier {
                oid: SHA_256,
                parameters: Some(Any::null()),
            },
            hashed_message: OctetString::new(Sha256::digest(sums).to_vec())?,
        },
        req_policy: None,
        nonce: Some(Int::new(&nonce)?),
        cert_req: true,
        extensions: None,
    };
    Ok(request.to_der()?)
}

/// Whether `answer` is a granted one to `question`, and both are about these sums.
pub(super) fn check(question: &[u8], answer: &[u8], sums: &[u8]) -> Result<Stamp, TimestampError> {
    let question = TimeStampReq::from_der(question)?;
    let answer = TimeStampResp::from_der(answer)?;
    // Granted, or granted with modifications (RFC 3161, 2.4.2).
    if answer.status.status as u8 > 1 {
        return Err(TimestampError::Refused);
    }
    let token = answer.time_stamp_token.ok_or(TimestampError::Refused)?;
    let signed = SignedData::from_der(&token.content.to_der()?)?;
    let content = signed
        .encap_content_info
        .econtent
        .ok_or(TimestampError::Refused)?;
    let stamp = TstInfo::from_der(content.value())?;
    let digest = Sha256::digest(sums);
    for imprint in [&question.message_imprint, &stamp.message_imprint] {
        if imprint.hash_algorithm.oid != SHA_256
            || imprint.hashed_message.as_bytes() != digest.as_slice()
        {
            return Err(TimestampError::OtherSums);
        }
    }
    if question.nonce != stamp.nonce {
        return Err(TimestampError::OtherNonce);
    }
    let since = stamp.gen_time.to_unix_duration();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    Ok(Stamp {
        time: Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX),
        offset_ms: None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_two_questions_are_alike() {
        let first = question(b"sums").unwrap();
        assert_ne!(first, question(b"sums").unwrap());
        let read = TimeStampReq::from_der(&first).unwrap();
        assert_eq!(read.nonce.unwrap().as_bytes().len(), NONCE);
        assert!(read.cert_req);
    }

    proptest! {
        #[test]
        fn no_answer_makes_it_panic(answer in proptest::collection::vec(any::<u8>(), 0..400)) {
            let question = question(b"sums").unwrap();
            prop_assert!(check(&question, &answer, b"sums").is_err());
        }
    }
}
