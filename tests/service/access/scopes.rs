//! What callers may do: no caller, wrong ones, and each scope.

use super::client::{Answer, Request};
use super::running::{Running, SCOPES};

/// One request for each extractor, and the least scope that may make it.
fn asks() -> [(&'static str, Request, usize); 5] {
    [
        ("sites", Request::get("/api/v1/sites"), 0),
        ("session", Request::get("/api/v1/session"), 0),
        ("accounts", Request::get("/api/v1/accounts"), 2),
        ("journal", Request::get("/api/v1/journal"), 2),
        (
            "a token with all rights",
            Request::json(
                "POST",
                "/api/v1/tokens",
                r#"{"name":"more","scope":"admin"}"#,
            ),
            2,
        ),
    ]
}

fn is_problem(answer: &Answer, status: u16) -> bool {
    answer.status == status && answer.header("content-type") == "application/problem+json"
}

#[test]
fn callers_may_what_their_scope_says() {
    let (service, secrets) = Running::with_accounts(&[]);
    for (name, request, least) in asks() {
        let unknown = "csn_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let expired = request.clone().token(&secrets.expired_token);
        let lapsed = request.clone().cookie(&secrets.expired_cookie);
        for nobody in [
            request.clone(),
            request.clone().token(unknown),
            request.clone().token(""),
            request.clone().token(&secrets.tokens[2][4..]),
            request
                .clone()
                .token(&secrets.tokens[2].replace("csn_", "CSN_")),
            request
                .clone()
                .with("authorization", "Basic YWRtaW46YWRtaW4="),
            // A session is no token, and a token no session.
            request
                .clone()
                .token(secrets.cookies[2].split_once('=').unwrap().1),
            request
                .clone()
                .cookie(&format!("consentinel={}", secrets.tokens[2])),
            request.clone().cookie("consentinel=abc"),
            request.clone().cookie("consentinel="),
            // Nor does a good session help a bad token.
            request.clone().token(unknown).cookie(&secrets.cookies[2]),
            expired,
            lapsed,
        ] {
            let answer = service.send(&nobody);
            assert!(is_problem(&answer, 401), "{name}: {nobody:?} {answer:?}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
        for (number, (scope, _)) in SCOPES.iter().enumerate() {
            let cookie = &secrets.cookies[number];
            let csrf = service.csrf(cookie);
            let by_token = service.send(&request.clone().token(&secrets.tokens[number]));
            let by_session =
                service.send(&request.clone().cookie(cookie).with("x-csrf-token", &csrf));
            for answer in [by_token, by_session] {
                let may = answer.status < 300 || answer.status == 409;
                assert_eq!(may, number >= least, "{name} by {scope}: {answer:?}");
            }
        }
    }
}

#[test]
fn pages_send_people_to_sign_in_and_back() {
    let (service, secrets) = Running::with_accounts(&[]);
    let page = |path: &str| Request::get(path).with("accept", "text/html,*/*");
    for (path, place) in [
        ("/account", "/sign-in?to=%2Faccount"),
        (
            "/journal?before=2026",
            "/sign-in?to=%2Fjournal%3Fbefore%3D2026",
        ),
        ("/accounts", "/sign-in?to=%2Faccounts"),
        ("/tokens", "/sign-in?to=%2Ftokens"),
    ] {
        let answer = service.send(&page(path));
        assert_eq!((answer.status, answer.header("location")), (303, place));
        // Programs are told instead.
        assert_eq!(service.send(&Request::get(path)).status, 401);
    }
    // Signed in, people see what they may, and are told what they may not.
    for (path, statuses) in [
        ("/account", [200, 200, 200]),
        ("/tokens", [200, 200, 200]),
        ("/accounts", [403, 403, 200]),
        ("/journal", [403, 403, 200]),
    ] {
        let asked = secrets
            .cookies
            .iter()
            .map(|cookie| service.send(&page(path).cookie(cookie)));
        let asked: Vec<u16> = asked.map(|answer| answer.status).collect();
        assert_eq!(asked, statuses, "{path}");
    }
}

#[test]
fn a_token_is_its_owners_and_may_no_more_than_they() {
    let (service, secrets) = Running::with_accounts(&[]);
    let [reader, auditor, admin] = &secrets.tokens;
    let ids = |token: &str| -> Vec<(String, String)> {
        let tokens = service
            .send(&Request::get("/api/v1/tokens").token(token))
            .json();
        let tokens = tokens["items"].as_array().unwrap().iter();
        tokens
            .map(|token| ["id", "account"].map(|field| token[field].as_str().unwrap().to_owned()))
            .map(|[id, account]| (id, account))
            .collect()
    };
    assert_eq!(ids(reader).len(), 1);
    assert_eq!(ids(admin).len(), 4);
    // A token that may not do everything makes and removes none.
    let make = Request::json(
        "POST",
        "/api/v1/tokens",
        r#"{"name":"more","scope":"read"}"#,
    );
    assert_eq!(service.send(&make.clone().token(auditor)).status, 403);
    let own = format!("/api/v1/tokens/{}", ids(auditor)[0].0);
    assert_eq!(
        service
            .send(&Request::new("DELETE", &own).token(auditor))
            .status,
        403
    );
    // A session makes them, up to its own scope, and removes its own alone.
    let cookie = &secrets.cookies[1];
    let csrf = service.csrf(cookie);
    let signed = |request: Request| request.cookie(cookie).with("x-csrf-token", &csrf);
    let too_much = Request::json("POST", "/api/v1/tokens", r#"{"name":"x","scope":"admin"}"#);
    assert_eq!(service.send(&signed(too_much)).status, 422);
    for (body, status) in [
        (r#"{"name":"x","scope":"audit","days":0}"#, 422),
        (r#"{"name":"x","scope":"audit","days":3651}"#, 422),
        (r#"{"name":"  ","scope":"audit"}"#, 422),
        (r#"{"name":"x","scope":"audit","days":1}"#, 201),
        (r#"{"name":"x","scope":"audit"}"#, 409),
    ] {
        let answer = service.send(&signed(Request::json("POST", "/api/v1/tokens", body)));
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    let foreign = format!("/api/v1/tokens/{}", ids(reader)[0].0);
    assert_eq!(
        service
            .send(&signed(Request::new("DELETE", &foreign)))
            .status,
        404
    );
    assert_eq!(
        service.send(&signed(Request::new("DELETE", &own))).status,
        204
    );
    assert_eq!(
        service
            .send(&Request::get("/api/v1/sites").token(auditor))
            .status,
        401
    );

    // What an account loses, its tokens and sessions lose with it.
    let lower = Request::json("PATCH", "/api/v1/accounts/audit", r#"{"scope":"read"}"#);
    assert_eq!(service.send(&lower.token(admin)).status, 200);
    let session = service.send(&Request::get("/api/v1/session").cookie(cookie));
    assert_eq!(session.json()["scope"], "read");
    let remove = Request::new("DELETE", "/api/v1/accounts/read").token(admin);
    assert_eq!(service.send(&remove).status, 204);
    assert_eq!(
        service
            .send(&Request::get("/api/v1/sites").token(reader))
            .status,
        401
    );
    let gone = Request::get("/api/v1/sites").cookie(&secrets.cookies[0]);
    assert_eq!(service.send(&gone).status, 401);

    // Somebody always has to be left who may do everything.
    for request in [
        Request::json("PATCH", "/api/v1/accounts/admin", r#"{"scope":"audit"}"#),
        Request::new("DELETE", "/api/v1/accounts/admin"),
    ] {
        assert_eq!(service.send(&request.token(admin)).status, 409);
    }
}

#[test]
fn the_journal_says_who_did_what() {
    let (service, secrets) = Running::with_accounts(&[]);
    let admin = &secrets.tokens[2];
    let make = Request::json("POST", "/api/v1/tokens", r#"{"name":"a","scope":"read"}"#);
    assert_eq!(service.send(&make.clone().token(admin)).status, 201);
    // What fails for its form changes nothing and is no entry; what is forbidden is one.
    assert_eq!(service.send(&make.clone().token(admin)).status, 409);
    let refused = Request::new("DELETE", "/api/v1/accounts/admin").token(&secrets.tokens[0]);
    assert_eq!(service.send(&refused).status, 403);
    let cookie = &secrets.cookies[2];
    let csrf = service.csrf(cookie);
    let scope = [
        ("csrf", csrf.as_str()),
        ("name", "read"),
        ("scope", "audit"),
    ];
    let changed = service.send(&Request::form("/accounts/scope", &scope).cookie(cookie));
    assert_eq!(changed.status, 303, "{changed:?}");
    let out = Request::form("/sign-out", &[("csrf", &csrf)]).cookie(cookie);
    assert_eq!(service.send(&out).status, 303);
    let expected = [
        ["account admin", "sign-out", "admin"],
        ["account admin", "account changed", "read, scope audit"],
        [
            "token test of read",
            "DELETE /api/v1/accounts/{name}",
            "/api/v1/accounts/admin",
        ],
        [
            "token test of admin",
            "token made",
            "a of admin, scope read",
        ],
    ];
    let expected = expected.map(|entry| entry.map(str::to_owned));
    assert_eq!(service.journal(admin), expected);
    // It is read part by part.
    let part = Request::get("/api/v1/journal?limit=3").token(admin);
    let part = service.send(&part).json();
    let next = part["next"].as_str().unwrap();
    let rest = Request::get(&format!("/api/v1/journal?after={next}")).token(admin);
    let rest = service.send(&rest).json();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["items"][0]["status"], 201);
    assert_eq!(rest["items"][0]["address"], "127.0.0.1");
}
