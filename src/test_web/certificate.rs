//! The certificate of the test web: self-signed, made at every start, kept nowhere.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, KeyPair, PublicKeyData as _};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use super::TestWebError;

/// A certificate for all hosts of the test web, with its key.
pub(super) struct Certificate(CertifiedKey<KeyPair>);

impl Certificate {
    /// Makes a certificate that names `hosts`.
    pub(super) fn make(hosts: Vec<String>) -> Result<Self, TestWebError> {
        rcgen::generate_simple_self_signed(hosts)
            .map(Self)
            .map_err(TestWebError::Certificate)
    }

    /// SHA-256 of the public key (`SubjectPublicKeyInfo`, DER) in base64.
    pub(super) fn spki_sha256_base64(&self) -> String {
        STANDARD.encode(Sha256::digest(self.0.signing_key.subject_public_key_info()))
    }

    /// The certificate, DER.
    pub(super) fn der(&self) -> Vec<u8> {
        self.0.cert.der().to_vec()
    }

    /// TLS with this certificate, HTTP/1.1 inside.
    pub(super) fn server_config(&self) -> Result<Arc<ServerConfig>, TestWebError> {
        let key =
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(TestWebError::Tls)?
            .with_no_client_auth()
            .with_single_cert(vec![self.0.cert.der().clone()], key)
            .map_err(TestWebError::Tls)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}
