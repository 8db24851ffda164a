//! Under which names the service is reached, and what every answer says.

use super::client::Request;
use super::running::Running;

/// Headers every answer has, and what they say.
const ALWAYS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[test]
fn every_answer_is_guarded() {
    let (service, secrets) = Running::with_accounts(&["--rate-limit", "60"]);
    let token = &secrets.tokens[2];
    let asks = vec![
        ("a page", Request::get("/sign-in"), 200),
        ("JSON", Request::get("/api/v1/sites").token(token), 200),
        ("nobody", Request::get("/api/v1/sites"), 401),
        (
            "forbidden",
            Request::get("/api/v1/accounts").token(&secrets.tokens[0]),
            403,
        ),
        ("nowhere", Request::get("/nowhere"), 404),
        (
            "nowhere in the API",
            Request::get("/api/v1/nowhere").token(token),
            404,
        ),
        (
            "another method",
            Request::new("PUT", "/api/v1/sites").token(token),
            405,
        ),
        (
            "no JSON",
            Request::json("POST", "/api/v1/tokens", "{").token(token),
            400,
        ),
        (
            "another name",
            Request::get("/sign-in").with("host", "evil.example"),
            421,
        ),
        (
            "sent on",
            Request::get("/account").with("accept", "text/html"),
            303,
        ),
    ];
    let mut answers: Vec<_> = asks
        .into_iter()
        .map(|(name, request, status)| (name, service.send(&request), status))
        .collect();
    let over = (0..200).map(|_| service.send(&Request::get("/sign-in")));
    let over = over.filter(|answer| answer.status == 429).take(1);
    answers.extend(over.map(|answer| ("too many", answer, 429)));
    assert_eq!(answers.len(), 11);
    for (name, answer, status) in answers {
        assert_eq!(answer.status, status, "{name}: {answer:?}");
        for (header, value) in ALWAYS {
            assert_eq!(answer.header(header), *value, "{name}: {header}");
        }
        // What has a version may be kept by the browser that asked, and is asked for again each time.
        let kept = if answer.header("etag").is_empty() {
            "no-store"
        } else {
            "private, no-cache"
        };
        assert_eq!(answer.header("cache-control"), kept, "{name}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ] {
            assert!(policy.contains(part), "{name}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{name}: {policy}");
        assert_eq!(answer.header("strict-transport-security"), "", "{name}");
    }
}

#[test]
fn the_service_answers_under_its_own_names() {
    let (service, _) = Running::with_accounts(&["--public-url", "http://audits.example.com"]);
    let port = service.port;
    for (host, expected) in [
        (format!("127.0.0.1:{port}"), 200),
        (format!("localhost:{port}"), 200),
        (format!("[::1]:{port}"), 200),
        ("audits.example.com".to_owned(), 200),
        ("AUDITS.example.com:80".to_owned(), 200),
        (format!("evil.example:{port}"), 421),
        (format!("127.0.0.1.evil.example:{port}"), 421),
        ("192.0.2.1".to_owned(), 421),
        (String::new(), 421),
    ] {
        let answer = service.send(&Request::get("/sign-in").with("host", &host));
        assert_eq!(answer.status, expected, "{host}: {answer:?}");
        if expected == 421 {
            assert!(answer.body.contains("--public-url"), "{answer:?}");
        }
    }
    let two = Request::get("/sign-in")
        .with("host", "localhost")
        .and("host", "evil.example");
    assert_ne!(service.send(&two).status, 200);
}

#[test]
fn behind_a_proxy_with_tls_cookies_go_no_other_way() {
    let (service, _) = Running::with_accounts(&[
        "--public-url",
        "https://audits.example.com",
        "--trusted-proxy",
        "127.0.0.1",
    ]);
    let form = Request::form(
        "/sign-in",
        &[("name", "admin"), ("password", super::PASSWORD)],
    );
    let form = form
        .with("host", "audits.example.com")
        .without("sec-fetch-site")
        .with("x-forwarded-for", "203.0.113.5");
    // Whoever sits between people and the proxy can serve pages in the clear.
    let clear = form.clone().with("origin", "http://audits.example.com");
    assert_eq!(service.send(&clear).status, 403);
    let signed_in = service.send(&form.with("origin", "https://audits.example.com"));
    assert_eq!(signed_in.status, 303, "{signed_in:?}");
    let set = signed_in.header("set-cookie");
    assert!(
        set.starts_with("__Host-consentinel=") && set.contains("; Secure"),
        "{set}"
    );
    assert!(set.contains("Path=/;") && !set.contains("Domain"), "{set}");
    assert_eq!(
        signed_in.header("strict-transport-security"),
        "max-age=31536000"
    );
    let page = Request::get("/account").cookie(&signed_in.cookie());
    let page = service.send(&page);
    assert_eq!(page.status, 200);
    assert!(page.body.contains("203.0.113.5"), "{page:?}");
    // The name without the prefix, which another host could have set, counts for nothing.
    let bare = signed_in.cookie().replace("__Host-", "");
    assert_eq!(
        service.send(&Request::get("/account").cookie(&bare)).status,
        401
    );
}

#[test]
fn nobody_but_a_proxy_says_whom_it_asks_for() {
    let (service, _) = Running::with_accounts(&[]);
    let form = Request::form(
        "/sign-in",
        &[("name", "admin"), ("password", super::PASSWORD)],
    );
    let signed_in = service.send(&form.with("x-forwarded-for", "203.0.113.5"));
    let page = service.send(&Request::get("/account").cookie(&signed_in.cookie()));
    assert!(
        !page.body.contains("203.0.113.5") && page.body.contains("127.0.0.1"),
        "{page:?}"
    );
}
