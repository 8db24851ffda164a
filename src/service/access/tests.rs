//! What holds for every route there is.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use jiff::{SignedDuration, Timestamp};

use super::options::AccessOptions;
use super::password::Hashed;
use super::{Access, AccessError, Client, SIGN_INS_OF_ACCOUNT, Scope, transport};
use crate::service::{Options, Service, api, http};
use crate::store::Store;

/// Routes below `/api` that need no caller: none.
const PUBLIC: &[&str] = &[];

/// A service on a store of its own, which is removed with the folder.
fn service() -> (Service, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let options = Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..Options::default()
    };
    (Service::open(store, options).unwrap(), folder)
}

/// Asks for a route without any credentials, and returns the head of the answer.
async fn ask(address: SocketAddr, method: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).to_ascii_lowercase()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_api_is_for_callers() {
    let (service, _folder) = service();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ends = CancellationToken::new();
    let router = http::router(service);
    let serving = tokio::spawn(transport::serve(listener, None, router, ends.clone()));
    let document = serde_json::to_value(api::document()).unwrap();
    let mut asked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        let parts = path.split('/').map(|part| match part.strip_prefix('{') {
            Some(_) => "anything",
            None => part,
        });
        let real = parts.collect::<Vec<_>>().join("/");
        for method in operations.as_object().unwrap().keys() {
            if !["get", "put", "post", "patch", "delete"].contains(&method.as_str()) {
                continue;
            }
            asked += 1;
            let answer = ask(address, &method.to_ascii_uppercase(), &real).await;
            let is_refused = answer.starts_with("http/1.1 401 ")
                && answer.contains("content-type: application/problem+json")
                && answer.contains("content-security-policy: default-src 'none'")
                && answer.contains("cache-control: no-store");
            let is_public = PUBLIC.contains(&path.as_str());
            assert_ne!(is_refused, is_public, "{method} {path}: {answer}");
        }
    }
    assert!(asked >= 12, "{asked} operations");
    ends.cancel();
    serving.await.unwrap().unwrap();
}

#[test]
fn right_passwords_use_nothing_up_and_wrong_ones_do() {
    let (service, _folder) = service();
    let access = service.access();
    let from = Client([203, 0, 113, 1].into());
    for _ in 0..100 {
        access.try_password("anna", from).unwrap();
        access.password_was_right("anna", from);
    }
    for _ in 0..SIGN_INS_OF_ACCOUNT {
        access.try_password("anna", from).unwrap();
    }
    let refused = access.try_password("anna", from);
    assert!(matches!(refused, Err(AccessError::TooOften(_))));
    access.try_password("bob", from).unwrap();
}

#[test]
fn a_journal_of_failures_is_bounded() {
    let (service, _folder) = service();
    let noted = (0..1_000).filter(|_| service.access().may_note_failure());
    // One more each second, should this take so long.
    assert!((60..200).contains(&noted.count()));
}

#[test]
fn what_is_kept_is_there_after_a_start() {
    let (service, folder) = service();
    let now = Timestamp::now();
    let hashed = Hashed("$argon2id$".to_owned());
    let access = service.access();
    access.add_account("anna", Scope::Audit, hashed).unwrap();
    let expires = now + SignedDuration::from_hours(1);
    let (_, token) = access
        .make_token("anna", "t", Scope::Read, expires)
        .unwrap();
    let session = access.begin_session("anna", None, "agent", now).unwrap();
    service.journal("anna", "did", "something").unwrap();
    drop(service);
    let store = Store::open(folder.path()).unwrap();
    let access = Access::open(&store, &AccessOptions::default()).unwrap();
    assert_eq!(access.account("anna").unwrap().scope, Scope::Audit);
    let (digest, found) = access.token(token.expose(), now).unwrap();
    assert_eq!((found.scope, found.used), (Scope::Read, None));
    assert!(access.token(token.expose(), expires).is_none());
    assert!(access.session(session.expose(), now).is_some());
    assert!(access.session(token.expose(), now).is_none());
    assert_eq!(access.entries_before(None).count(), 1);
    // Use is noted in memory at once, and not again within the minute.
    assert!(access.use_token(&digest, &found, now));
    let (digest, found) = access.token(token.expose(), now).unwrap();
    assert_eq!(found.used, Some(now));
    assert!(!access.use_token(&digest, &found, now));
}

#[test]
fn of_many_sessions_those_used_least_lately_end() {
    let (service, _folder) = service();
    let access = service.access();
    let hashed = Hashed("$argon2id$".to_owned());
    access.add_account("anna", Scope::Read, hashed).unwrap();
    let start = Timestamp::now();
    let begun: Vec<_> = (0..25)
        .map(|minute| start + SignedDuration::from_mins(minute))
        .map(|at| access.begin_session("anna", None, "agent", at).unwrap())
        .collect();
    let now = start + SignedDuration::from_mins(25);
    let alive = begun
        .iter()
        .map(|it| access.session(it.expose(), now).is_some());
    let alive: Vec<bool> = alive.collect();
    assert_eq!(alive, [vec![false; 5], vec![true; 20]].concat());
    // Those that nobody used for a week end with the next sign-in, on the disk too.
    let later = now + SignedDuration::from_hours(8 * 24);
    access.begin_session("anna", None, "agent", later).unwrap();
    assert_eq!(access.sessions.all().len(), 1);
}
