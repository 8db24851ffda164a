//! Alerts, as those see them who get them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use consentinel::audit::guard::Bounds;
use consentinel::service::access::options::{AccessOptions, PublicUrl};
use consentinel::service::alerts::channel::Wanted;
use consentinel::service::alerts::delivery::{Delivery, Standing};
use consentinel::service::{Options, Service, alerts};
use consentinel::store::Store;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value as Json, json};
use sha2::Sha256;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use crate::harness::{Served, until};
use crate::stored::{audited, failed, found, site};

/// A request as it arrived.
#[derive(Debug, Clone)]
struct Arrived {
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Arrived {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// What a receiver answers next.
#[derive(Debug, Clone)]
enum Reply {
    Status(u16),
    With(u16, &'static str, String),
    Never,
}

/// Somebody who receives alerts.
struct Receiver {
    served: Served,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

type Heard = (Arc<Mutex<Vec<Arrived>>>, Arc<Mutex<VecDeque<Reply>>>);

impl Receiver {
    /// Answers with these, then with 200.
    fn answering(replies: &[Reply]) -> Self {
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let replies = Arc::new(Mutex::new(replies.iter().cloned().collect()));
        let router = Router::new()
            .fallback(receive)
            .with_state((Arc::clone(&arrived), replies));
        Self {
            served: Served::at(([127, 0, 0, 1], 0).into(), router),
            arrived,
        }
    }

    fn url(&self) -> String {
        format!("http://{}/hook?token=very-secret", self.served.address)
    }

    fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

async fn receive(
    State((arrived, replies)): State<Heard>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    arrived.lock().unwrap().push(Arrived {
        method,
        path: uri.path().to_owned(),
        headers,
        body: body.to_vec(),
    });
    let reply = replies.lock().unwrap().pop_front();
    match reply.unwrap_or(Reply::Status(200)) {
        Reply::Status(status) => {
            (StatusCode::from_u16(status).unwrap(), "well\u{7}").into_response()
        }
        Reply::With(status, name, value) => {
            (StatusCode::from_u16(status).unwrap(), [(name, value)]).into_response()
        }
        Reply::Never => std::future::pending().await,
    }
}

/// A service that sends alerts and does nothing else; it may reach this machine.
pub(crate) struct Sending {
    pub(crate) service: Service,
    runtime: Runtime,
    ends: CancellationToken,
    running: tokio::task::JoinHandle<()>,
}

impl Sending {
    pub(crate) fn start(folder: &Path) -> Self {
        Self::allowed(folder, &["127.0.0.0/8"])
    }

    fn allowed(folder: &Path, networks: &[&str]) -> Self {
        let options = Options {
            bounds: Bounds {
                allowed: networks
                    .iter()
                    .map(|network| network.parse().unwrap())
                    .collect(),
                ..Bounds::default()
            },
            access: AccessOptions {
                public_url: Some(PublicUrl::parse("https://watch.test/").unwrap()),
                ..AccessOptions::default()
            },
            ..Options::default()
        };
        let service = Service::open(Store::open(folder).unwrap(), options).unwrap();
        let runtime = Runtime::new().unwrap();
        let ends = CancellationToken::new();
        let running = runtime.spawn(alerts::run(service.clone(), ends.clone()));
        Self {
            service,
            runtime,
            ends,
            running,
        }
    }

    fn end(self) {
        self.ends.cancel();
        self.runtime.block_on(self.running).unwrap();
    }

    pub(crate) fn add(&self, wanted: Json) -> String {
        let wanted: Wanted = serde_json::from_value(wanted).unwrap();
        self.service.add_channel(wanted).unwrap().id
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        let all = self.service.shelves().deliveries.all();
        all.map(|entry| entry.unwrap().1).collect()
    }

    /// Waits until the one delivery there is fits.
    pub(crate) fn delivery(&self, what: &str, fits: impl Fn(&Delivery) -> bool) -> Delivery {
        until(what, || {
            let mut all = self.deliveries();
            assert!(all.len() <= 1, "{all:#?}");
            all.pop().filter(|delivery| fits(delivery))
        })
    }

    pub(crate) fn over(&self) -> Delivery {
        self.delivery("it is over", |delivery| {
            delivery.standing != Standing::Waiting
        })
    }
}

const SECRET: &str = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0";

fn webhook(receiver: &Receiver) -> Json {
    json!({"name": "hook", "target": {"kind": "webhook", "url": receiver.url(), "secret": SECRET}})
}

/// Checks the signature as the specification has it, with other means than the service.
fn assert_signed(arrived: &Arrived) {
    let key = BASE64
        .decode(SECRET.strip_prefix("whsec_").unwrap())
        .unwrap();
    let mut signed = format!(
        "{}.{}.",
        arrived.header("webhook-id"),
        arrived.header("webhook-timestamp")
    )
    .into_bytes();
    signed.extend_from_slice(&arrived.body);
    let mut hmac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    hmac.update(&signed);
    let expected = format!("v1,{}", BASE64.encode(hmac.finalize().into_bytes()));
    assert_eq!(arrived.header("webhook-signature"), expected);
    let sent: i64 = arrived.header("webhook-timestamp").parse().unwrap();
    assert!((Timestamp::now().as_second() - sent).abs() < 300);
}

/// Puts all waiting deliveries on their way, as if their time had come.
fn hurry(folder: &Path) {
    let store = Store::open(folder).unwrap();
    let shelf = store.shelf::<Delivery>("deliveries").unwrap();
    for entry in shelf.all() {
        let (id, mut delivery) = entry.unwrap();
        delivery.next = delivery.next.map(|_| Timestamp::now());
        shelf.put(&id, &delivery).unwrap();
    }
    store.flush().unwrap();
}

#[test]
fn a_webhook_arrives_signed_after_failures_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::answering(&[Reply::Status(500), Reply::Status(502)]);
    let sending = Sending::start(folder.path());
    sending.add(webhook(&receiver));
    let shop = site(&sending.service, "shop");
    found(
        &sending.service,
        &shop,
        &[("R02-a", "high"), ("R02-b", "critical")],
    );
    let first = sending.delivery("it was tried", |delivery| delivery.attempts == 1);
    let last = first.last.clone().unwrap();
    assert_eq!(
        (first.standing, last.status),
        (Standing::Waiting, Some(500))
    );
    assert_eq!(last.answer.as_deref(), Some("well\\u{7}"));
    assert!(first.next.unwrap() > last.at + SignedDuration::from_secs(4));
    sending.end();
    hurry(folder.path());
    let sending = Sending::start(folder.path());
    sending.delivery("it was tried again", |delivery| delivery.attempts == 2);
    sending.end();
    hurry(folder.path());
    let sending = Sending::start(folder.path());
    let done = sending.over();
    assert_eq!((done.standing, done.attempts), (Standing::Delivered, 3));
    let arrived = receiver.arrived();
    assert_eq!(arrived.len(), 3);
    for request in &arrived {
        assert_signed(request);
        assert_eq!(request.header("webhook-id"), done.id);
        assert_eq!(request.body, arrived[0].body);
    }
    let body = arrived[0].json();
    assert_eq!(body["schema"], "consentinel/alert/v1");
    assert_eq!(
        body["headline"],
        "The shop: 2 new findings (1 critical, 1 high)"
    );
    let alert = &body["alert"];
    assert_eq!(alert["events"], json!(["new-findings"]));
    assert_eq!(alert["new"]["items"][0]["id"], "R02-b");
    assert_eq!(alert["new"]["items"][0]["name"], "cookie-R02-b");
    let link = alert["link"].as_str().unwrap();
    assert_eq!(
        link,
        format!("https://watch.test/runs/{}", alert["run"].as_str().unwrap())
    );
}

#[test]
fn a_finding_is_told_once_until_it_is_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::answering(&[]);
    let sending = Sending::start(folder.path());
    let service = &sending.service;
    let shop = site(service, "shop");
    let other = site(service, "other");
    sending.add(json!({"name": "all", "target": {"kind": "webhook", "url": receiver.url(), "secret": SECRET},
        "sites": ["shop"], "minimum_severity": "medium"}));
    let told = |count: usize| -> Vec<String> {
        until("everything is told", || {
            let all = sending.deliveries();
            let done = all
                .iter()
                .all(|delivery| delivery.standing == Standing::Delivered);
            (all.len() == count && done).then_some(all)
        });
        let arrived = receiver.arrived();
        arrived
            .iter()
            .map(|request| request.json()["headline"].as_str().unwrap().to_owned())
            .collect()
    };
    let (a, b, c) = (("R02-a", "high"), ("R02-b", "high"), ("R02-c", "low"));
    found(service, &shop, &[a, b, c]);
    assert_eq!(told(1), ["The shop: 2 new findings (2 high)"]);
    // The same again, and another site: nothing.
    found(service, &shop, &[a, b, c]);
    found(service, &other, &[a]);
    assert_eq!(told(1).len(), 1);
    // What an audit did not see whole is not fixed.
    alerts::note(service, &audited(service, &shop, &[a], 0, false));
    assert_eq!(told(1).len(), 1);
    found(service, &shop, &[a]);
    assert_eq!(told(2)[1], "The shop: 1 fixed");
    found(service, &shop, &[a, b]);
    assert_eq!(told(3)[2], "The shop: 1 new finding (1 high)");
    failed(service, &shop, "the browser could not be started");
    assert_eq!(told(4)[3], "The shop: the audit failed");
    let body = receiver.arrived()[3].json();
    assert_eq!(
        body["alert"]["audit"]["error"],
        "the browser could not be started"
    );
    // The same audit noted twice is told once.
    let audit = audited(service, &shop, &[a, b, ("R02-d", "critical")], 0, true);
    alerts::note(service, &audit);
    alerts::note(service, &audit);
    assert_eq!(told(5)[4], "The shop: 1 new finding (1 critical)");
}

#[test]
fn a_channel_that_is_added_hears_of_what_changes_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::answering(&[]);
    let sending = Sending::start(folder.path());
    let service = &sending.service;
    let shop = site(service, "shop");
    let (a, b) = (("R02-a", "high"), ("R02-b", "high"));
    found(service, &shop, &[a, b]);
    sending.add(webhook(&receiver));
    found(service, &shop, &[b, ("R02-c", "high")]);
    let done = sending.over();
    assert_eq!(done.message.new.items.len(), 1);
    assert_eq!(done.message.new.items[0].id, "R02-c");
    assert_eq!(done.message.fixed.items[0].id, "R02-a");
}

#[test]
fn what_receivers_answer_is_kept_to() {
    let elsewhere = Receiver::answering(&[]);
    let there = elsewhere.url();
    for (reply, standing, status, says) in [
        (
            Reply::With(302, "location", there.clone()),
            Standing::Waiting,
            Some(302),
            "redirects are not followed",
        ),
        (
            Reply::With(307, "location", there.clone()),
            Standing::Waiting,
            Some(307),
            "redirects are not followed",
        ),
        (
            Reply::With(429, "retry-after", "7200".to_owned()),
            Standing::Waiting,
            Some(429),
            "429",
        ),
        (
            Reply::Status(410),
            Standing::GivenUp,
            Some(410),
            "wants nothing more",
        ),
        (
            Reply::Never,
            Standing::Waiting,
            None,
            "no answer within 15 seconds",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let receiver = Receiver::answering(std::slice::from_ref(&reply));
        let sending = Sending::start(folder.path());
        let channel = sending.add(webhook(&receiver));
        sending.service.test_channel(&channel).unwrap();
        let tried = sending.delivery("it was tried", |delivery| delivery.attempts == 1);
        let last = tried.last.unwrap();
        assert_eq!(
            (tried.standing, last.status),
            (standing, status),
            "{reply:?}"
        );
        assert!(last.error.unwrap().contains(says), "{reply:?}");
        let channel = sending
            .service
            .shelves()
            .channels
            .get(&channel)
            .unwrap()
            .unwrap();
        match status {
            Some(429) => assert!(tried.next.unwrap() >= last.at + SignedDuration::from_hours(2)),
            Some(410) => {
                assert!(!channel.enabled);
                assert!(channel.note.unwrap().contains("410"));
            }
            _ => assert!(channel.enabled),
        }
    }
    assert_eq!(elsewhere.arrived().len(), 0);
}

#[test]
fn nothing_is_sent_inside() {
    let receiver = Receiver::answering(&[]);
    for url in [
        receiver.url(),
        receiver.url().replace("127.0.0.1", "localhost"),
        receiver.url().replace("127.0.0.1", "[::ffff:127.0.0.1]"),
        receiver.url().replace("127.0.0.1", "2130706433"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let sending = Sending::allowed(folder.path(), &["10.0.0.0/8"]);
        let channel = sending.add(json!({"name": "n", "target": {"kind": "slack", "url": url}}));
        sending.service.test_channel(&channel).unwrap();
        let done = sending.over();
        assert_eq!(done.standing, Standing::GivenUp);
        let error = done.last.unwrap().error.unwrap();
        assert!(error.contains("--allow-net"), "{error}");
        assert!(!error.contains("very-secret"));
    }
    assert_eq!(receiver.arrived().len(), 0);
}

#[test]
fn chats_get_their_own_forms() {
    let receiver = Receiver::answering(&[]);
    let homeserver = format!("http://{}/base/", receiver.served.address);
    let folder = tempfile::tempdir().unwrap();
    let sending = Sending::start(folder.path());
    for (name, target) in [
        ("slack", json!({"kind": "slack", "url": receiver.url()})),
        ("teams", json!({"kind": "teams", "url": receiver.url()})),
        (
            "matrix",
            json!({"kind": "matrix", "homeserver": homeserver, "room": "!a/b:watch.test", "access_token": "abc"}),
        ),
    ] {
        sending.add(json!({"name": name, "target": target}));
    }
    let shop = site(&sending.service, "shop");
    found(&sending.service, &shop, &[("R02-a", "high")]);
    let arrived = until("all three arrived", || {
        Some(receiver.arrived()).filter(|arrived| arrived.len() == 3)
    });
    let one = |fits: &dyn Fn(&Json) -> bool| {
        arrived
            .iter()
            .find(|request| fits(&request.json()))
            .unwrap()
            .clone()
    };
    let slack = one(&|body| body["text"].is_string()).json();
    assert!(
        slack["text"]
            .as_str()
            .unwrap()
            .contains("`cookie cookie-R02-a of shop.test`")
    );
    let teams = one(&|body| body["attachments"].is_array()).json();
    let content = &teams["attachments"][0];
    assert_eq!(
        content["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    assert_eq!(content["content"]["type"], "AdaptiveCard");
    let matrix = one(&|body| body["msgtype"].is_string());
    assert_eq!(matrix.method, Method::PUT);
    let path = "/base/_matrix/client/v3/rooms/!a%2Fb:watch.test/send/m.room.message/";
    assert!(matrix.path.starts_with(path), "{}", matrix.path);
    assert_eq!(matrix.header("authorization"), "Bearer abc");
    assert!(
        matrix.json()["formatted_body"]
            .as_str()
            .unwrap()
            .contains("<code>")
    );
}

#[test]
fn a_delivery_can_be_sent_again_and_one_slow_receiver_keeps_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Receiver::answering(&[Reply::Never]);
    let receiver = Receiver::answering(&[]);
    let sending = Sending::start(folder.path());
    let hangs =
        sending.add(json!({"name": "slow", "target": {"kind": "slack", "url": slow.url()}}));
    let works = sending.add(webhook(&receiver));
    sending.service.test_channel(&hangs).unwrap();
    let sent = sending.service.test_channel(&works).unwrap();
    let began = std::time::Instant::now();
    let delivered = |times: u32| {
        until("it arrived", || {
            let delivery = sending
                .service
                .shelves()
                .deliveries
                .get(&sent.id)
                .unwrap()
                .unwrap();
            (delivery.standing == Standing::Delivered && delivery.attempts == times).then_some(())
        });
    };
    delivered(1);
    // The slow one is given fifteen seconds.
    assert!(slow.arrived().is_empty() || began.elapsed() < Duration::from_secs(15));
    sending.service.deliver_again(&sent.id).unwrap();
    delivered(2);
    let ids: Vec<String> = receiver
        .arrived()
        .iter()
        .map(|request| request.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids, [sent.id.as_str(), sent.id.as_str()]);
    assert_eq!(
        receiver.arrived()[0].json()["alert"]["events"],
        json!(["test"])
    );
    // A channel that is removed gets nothing more.
    sending.service.remove_channel(&works).unwrap();
    sending.service.deliver_again(&sent.id).unwrap();
    until("it is given up", || {
        let delivery = sending
            .service
            .shelves()
            .deliveries
            .get(&sent.id)
            .unwrap()
            .unwrap();
        (delivery.standing == Standing::GivenUp).then_some(())
    });
    assert_eq!(receiver.arrived().len(), 2);
}
