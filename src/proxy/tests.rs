//! The proxy from outside: a client that asks, a server inside that must not be reached.

use std::collections::HashMap;
use std::net::IpAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

/// Names that mean something else each time they are looked up.
#[derive(Default)]
struct Names(Mutex<HashMap<String, VecDeque<Vec<IpAddr>>>>);

impl Names {
    fn with(entries: &[(&str, &[&[&str]])]) -> Self {
        let names = entries
            .iter()
            .map(|(name, answers)| {
                let answers = answers
                    .iter()
                    .map(|answer| {
                        answer
                            .iter()
                            .map(|address| address.parse().unwrap())
                            .collect()
                    })
                    .collect();
                ((*name).to_owned(), answers)
            })
            .collect();
        Self(Mutex::new(names))
    }
}

impl Resolve for Names {
    fn resolve<'a>(&'a self, host: &'a str) -> Found<'a> {
        Box::pin(async move {
            let known = self.0.lock().unwrap().get_mut(host).map(|answers| {
                if answers.len() > 1 {
                    answers.pop_front().unwrap()
                } else {
                    answers.front().cloned().unwrap_or_default()
                }
            });
            match known {
                Some(addresses) => Ok(addresses),
                None => SystemResolver.resolve(host).await,
            }
        })
    }
}

/// A server inside, and how often somebody reached it.
async fn secret_server() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&reached);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(async move {
                let mut request = vec![0; 4096];
                let length = stream.read(&mut request).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                );
                drop(stream.write_all(answer.as_bytes()).await);
            });
        }
    });
    (address, reached)
}

/// What the proxy answers to raw bytes.
async fn ask(proxy: &Proxy, request: &str) -> String {
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    drop(tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await);
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn the_inside_is_not_reached_in_any_way_of_writing_it() {
    let (server, reached) = secret_server().await;
    let names = Names::with(&[
        ("inside.test", &[&["127.0.0.1"]]),
        ("mixed.test", &[&["203.0.114.1", "127.0.0.1"]]),
        ("mapped.test", &[&["::ffff:127.0.0.1"]]),
        ("nat64.test", &[&["64:ff9b::7f00:1"]]),
    ]);
    let proxy = Proxy::start(Policy::default(), Box::new(names))
        .await
        .unwrap();
    let port = server.port();
    let hosts = [
        "127.0.0.1",
        "127.1",
        "0",
        "0.0.0.0",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "inside.test",
        "mixed.test",
        "mapped.test",
        "nat64.test",
        "169.254.169.254",
        "[fd00:ec2::254]",
    ];
    for host in hosts {
        for request in [
            format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"),
            format!(
                "GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"
            ),
        ] {
            let answer = ask(&proxy, &request).await;
            assert!(!answer.contains("200"), "{request} {answer}");
        }
    }
    assert_eq!(reached.load(Ordering::Relaxed), 0);
    assert_eq!(proxy.refusals().0, 2 * hosts.len() as u64);
}

#[tokio::test]
async fn what_is_not_meant_for_a_proxy_is_not_answered() {
    let (server, reached) = secret_server().await;
    let proxy = Proxy::start(Policy::default(), Box::new(SystemResolver))
        .await
        .unwrap();
    let port = server.port();
    for request in [
        // The host header is not what is asked for.
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n"),
        format!("GET ftp://127.0.0.1:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n"),
        "CONNECT nowhere HTTP/1.1\r\nHost: nowhere\r\n\r\n".to_owned(),
        "\0\0\0".to_owned(),
        String::new(),
    ] {
        let answer = ask(&proxy, &request).await;
        assert!(!answer.contains("200"), "{request} {answer}");
    }
    assert_eq!(reached.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_name_is_looked_up_once_for_each_connection() {
    let (server, reached) = secret_server().await;
    // First an address of the internet where nobody answers, then the inside.
    let names = Names::with(&[("rebinds.test", &[&["192.0.1.1"], &["127.0.0.1"]])]);
    let proxy = Proxy::start(Policy::default(), Box::new(names))
        .await
        .unwrap();
    let port = server.port();
    let asked = |_| {
        let request = format!(
            "GET http://rebinds.test:{port}/ HTTP/1.1\r\nHost: rebinds.test\r\nConnection: close\r\n\r\n"
        );
        let proxy = &proxy;
        async move { ask(proxy, &request).await }
    };
    futures::future::join_all((0..3).map(asked)).await;
    assert_eq!(reached.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn allowed_networks_and_own_servers_are_reached() {
    let (server, reached) = secret_server().await;
    let port = server.port();
    let names = || Box::new(Names::with(&[("staging.test", &[&["127.0.0.1"]])]));
    let policy = Policy {
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
        most_bytes: 0,
    };
    let open = Proxy::start(policy, names()).await.unwrap();
    let request = format!(
        "GET http://staging.test:{port}/path?q=1 HTTP/1.1\r\nHost: lies.test\r\nProxy-Connection: keep-alive\r\nX-Own: 1\r\nConnection: close, X-Own\r\n\r\n"
    );
    let answer = ask(&open, &request).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("GET /path?q=1 HTTP/1.1"), "{answer}");
    assert!(
        answer
            .to_lowercase()
            .contains(&format!("host: staging.test:{port}")),
        "{answer}"
    );
    for dropped in ["lies.test", "X-Own", "Proxy-Connection"] {
        assert!(!answer.contains(dropped), "{dropped}: {answer}");
    }
    assert!(open.bytes() > 0);

    let closed = Proxy::start(Policy::default(), names()).await.unwrap();
    closed.admit("self-test.test", server);
    let to = |host: &str| {
        format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n")
    };
    assert!(ask(&closed, &to("self-test.test")).await.contains("200 OK"));
    assert_eq!(ask(&closed, &to("staging.test")).await, "");
    closed.dismiss(server);
    assert_eq!(ask(&closed, &to("self-test.test")).await, "");
    assert_eq!(reached.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn bytes_are_bounded() {
    let (server, _) = secret_server().await;
    let policy = Policy {
        allowed: vec!["127.0.0.0/8".parse().unwrap()],
        most_bytes: 300,
    };
    let proxy = Proxy::start(policy, Box::new(SystemResolver))
        .await
        .unwrap();
    let request = format!("GET http://{server}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(ask(&proxy, &request).await.contains("200 OK"));
    // The bytes end in the middle of an answer; then nothing is connected any more.
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(ask(&proxy, &request).await);
    }
    assert_eq!(answers[3], "");
    assert!(proxy.bytes() < 600, "{}", proxy.bytes());
    assert_eq!(proxy.refusals().1[0].reason, Reason::SpentBytes);
}
