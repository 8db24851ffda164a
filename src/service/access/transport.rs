//! How requests come in: over TCP as they are, or over TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::options::TlsFiles;
use crate::service::ServiceError;

/// How long answers may take that are being given when the service ends; streams of events never end.
const GRACE: Duration = Duration::from_secs(10);

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the certificate is read again: it is renewed under a service that runs for months.
const RENEWED_EVERY: Duration = Duration::from_hours(1);

/// TLS with that certificate, HTTP/1.1 inside.
pub(in crate::service) fn tls(files: &TlsFiles) -> Result<Arc<ServerConfig>, ServiceError> {
    let wrong = |file: &Path, reason: &dyn std::fmt::Display| ServiceError::Tls {
        file: file.to_owned(),
        reason: reason.to_string(),
    };
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(&files.certificate, &error))?;
    if certificates.is_empty() {
        return Err(wrong(&files.certificate, &"it holds no certificate in PEM"));
    }
    let key =
        PrivateKeyDer::from_pem_file(&files.key).map_err(|error| wrong(&files.key, &error))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&files.certificate, &error))?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(|error| wrong(&files.certificate, &error))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Answers requests until `ends` is heard; then what is being answered is answered.
pub(in crate::service) async fn serve(
    listener: TcpListener,
    files: Option<TlsFiles>,
    router: Router,
    ends: CancellationToken,
) -> Result<(), ServiceError> {
    let listener = listener.into_std().map_err(ServiceError::Serving)?;
    let server = axum_server::from_tcp(listener).map_err(ServiceError::Serving)?;
    let handle = Handle::new();
    let ending = handle.clone();
    let watching = tokio::spawn(async move {
        ends.cancelled().await;
        ending.graceful_shutdown(Some(GRACE));
    });
    let server = prepared(server.handle(handle));
    let router = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = if let Some(files) = files {
        let config = RustlsConfig::from_config(tls(&files)?);
        let renewing = tokio::spawn(renew(files, config.clone()));
        let server = server.acceptor(RustlsAcceptor::new(config));
        let served = server.serve(router).await;
        renewing.abort();
        served
    } else {
        server.serve(router).await
    };
    watching.abort();
    served.map_err(ServiceError::Serving)
}

/// Nobody holds a connection by saying nothing.
fn prepared(mut server: Server<SocketAddr>) -> Server<SocketAddr> {
    let mut builder = server.http_builder().http1();
    builder.header_read_timeout(PATIENCE);
    server.http1_only()
}

/// Reads the certificate again and again; one that is wrong leaves the one before in place.
async fn renew(files: TlsFiles, config: RustlsConfig) {
    loop {
        tokio::time::sleep(RENEWED_EVERY).await;
        let read = files.clone();
        match tokio::task::spawn_blocking(move || tls(&read)).await {
            Ok(Ok(renewed)) => config.reload_from_config(renewed),
            Ok(Err(error)) => tracing::error!(%error, "the certificate was not renewed"),
            Err(error) => tracing::error!(%error, "the certificate was not renewed"),
        }
    }
}
