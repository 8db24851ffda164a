//! How often somebody may.

use super::PASSWORD;
use super::client::Request;
use super::running::Running;

#[test]
fn passwords_are_not_tried_for_ever() {
    let (service, secrets) = Running::with_accounts(&["--trusted-proxy", "127.0.0.1"]);
    let try_from = |address: &str, name: &str, password: &str| {
        let form = Request::form("/sign-in", &[("name", name), ("password", password)]);
        service.send(&form.with("x-forwarded-for", address))
    };
    // Ten of one account, wherever they come from, whether there is such an account or not; too long a
    // password is wrong without costing anything.
    let long = "x".repeat(2_000);
    for name in ["admin", "nobody"] {
        for number in 0..10 {
            let address = format!("203.0.113.{number}");
            assert_eq!(
                try_from(&address, name, &long).status,
                403,
                "{name} {number}"
            );
        }
        let refused = try_from("203.0.113.99", name, PASSWORD);
        assert_eq!(refused.status, 429, "{name} {refused:?}");
        let wait: u64 = refused.header("retry-after").parse().unwrap();
        assert!((1..=90).contains(&wait), "{wait}");
        assert!(refused.body.contains("too many wrong passwords"));
    }
    // Thirty from one address.
    for number in 0..30 {
        let name = format!("name{number}");
        assert_eq!(
            try_from("198.51.100.7", &name, &long).status,
            403,
            "{number}"
        );
    }
    assert_eq!(try_from("198.51.100.7", "audit", PASSWORD).status, 429);
    // Somebody else signs in, and whoever is signed in goes on.
    assert_eq!(try_from("198.51.100.8", "audit", PASSWORD).status, 303);
    let own = Request::get("/account").cookie(&secrets.cookies[2]);
    assert_eq!(service.send(&own).status, 200);
}

#[test]
fn each_caller_has_a_limit_of_their_own() {
    let (service, secrets) = Running::with_accounts(&["--rate-limit", "20"]);
    let [reader, auditor, _] = &secrets.tokens;
    let ask = Request::get("/api/v1/sites");
    let statuses =
        |request: &Request| -> Vec<u16> { (0..40).map(|_| service.send(request).status).collect() };
    let asked = statuses(&ask.clone().token(reader));
    assert!(asked[..20].iter().all(|status| *status == 200), "{asked:?}");
    assert!(asked.contains(&429), "{asked:?}");
    let over = loop {
        let answer = service.send(&ask.clone().token(reader));
        if answer.status == 429 {
            break answer;
        }
    };
    assert_eq!(over.header("content-type"), "application/problem+json");
    assert_eq!(over.json()["type"], "/problems/too-many-requests");
    assert!(over.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(service.send(&ask.clone().token(auditor)).status, 200);
    // Nobody is counted by their address.
    assert!(statuses(&ask).contains(&429));
}
