//! TLS without a proxy.

use std::path::Path;

use super::PASSWORD;
use super::client::Request;
use super::running::{Running, prepare, run};

/// Writes a certificate of `localhost` and its key, and returns the certificate.
fn certificate(folder: &Path) -> (Vec<u8>, String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    (made.cert.der().to_vec(), path(&certificate), path(&key))
}

#[test]
fn the_service_speaks_tls_itself() {
    let files = tempfile::tempdir().unwrap();
    let (certificate, file, key) = certificate(files.path());
    let (service, _) = Running::with_accounts(&["--tls-cert", &file, "--tls-key", &key]);
    let listening = service.said.last().unwrap();
    assert!(
        listening.starts_with("listening on https://127.0.0.1:"),
        "{listening}"
    );
    let form = Request::form("/sign-in", &[("name", "admin"), ("password", PASSWORD)]);
    let signed_in = form.send_over_tls(service.port, &certificate).unwrap();
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let set = signed_in.header("set-cookie");
    assert!(
        set.starts_with("__Host-consentinel=") && set.contains("; Secure"),
        "{set}"
    );
    let page = Request::get("/account").cookie(&signed_in.cookie());
    assert_eq!(
        page.send_over_tls(service.port, &certificate)
            .unwrap()
            .status,
        200
    );
    // Nothing is said in the clear, nor to who expects another certificate.
    assert_eq!(Request::get("/sign-in").send(service.port).status, 0);
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let doubted = Request::get("/sign-in").send_over_tls(service.port, other.cert.der());
    assert!(doubted.is_err());
    // It ends as it does without.
    drop(service.stop());
}

#[test]
fn a_wrong_certificate_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    drop(prepare(folder.path()));
    let files = tempfile::tempdir().unwrap();
    let (_, file, key) = certificate(files.path());
    let empty = files.path().join("empty.pem");
    std::fs::write(&empty, "no certificate").unwrap();
    let empty = empty.to_str().unwrap();
    let missing = files.path().join("missing.pem");
    let missing = missing.to_str().unwrap();
    for (arguments, named) in [
        (vec!["--tls-cert", empty, "--tls-key", &key], "empty.pem"),
        (
            vec!["--tls-cert", missing, "--tls-key", &key],
            "missing.pem",
        ),
        (vec!["--tls-cert", &file, "--tls-key", empty], "empty.pem"),
        (vec!["--tls-cert", &file], "--tls-key"),
        (vec!["--tls-key", &key], "--tls-cert"),
        (
            vec!["--public-url", "https://audits.example.com/path"],
            "without a path",
        ),
        (vec!["--trusted-proxy", "proxy.example"], "10.0.0.0/8"),
    ] {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend(&arguments);
        let refused = run(folder.path(), &all, "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{arguments:?}: {said}");
        assert!(said.contains(named), "{arguments:?}: {said}");
    }
}
