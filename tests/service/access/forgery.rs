//! What pages of somebody else can make a signed-in browser do: nothing.

use super::client::Request;
use super::running::Running;

#[test]
fn forms_carry_the_secret_of_their_own_session() {
    let (service, secrets) = Running::with_accounts(&[]);
    let cookie = &secrets.cookies[2];
    let csrf = service.csrf(cookie);
    let foreign = service.csrf(&secrets.cookies[0]);
    let form = |fields: &[(&str, &str)]| {
        let mut all = vec![("name", "a"), ("scope", "read"), ("days", "30")];
        all.extend_from_slice(fields);
        Request::form("/tokens", &all).cookie(cookie)
    };
    for refused in [
        form(&[]),
        form(&[("csrf", "")]),
        form(&[("csrf", &foreign)]),
        form(&[("csrf", &format!("{csrf}x"))]),
        // The first one counts.
        form(&[("csrf", "x"), ("csrf", &csrf)]),
        // Right, but sent from somewhere else, or nobody says from where.
        form(&[("csrf", &csrf)]).with("sec-fetch-site", "cross-site"),
        form(&[("csrf", &csrf)]).with("sec-fetch-site", "same-site"),
        form(&[("csrf", &csrf)])
            .without("sec-fetch-site")
            .with("origin", "https://evil.example"),
        form(&[("csrf", &csrf)])
            .without("sec-fetch-site")
            .with("origin", "null"),
        form(&[("csrf", &csrf)]).without("sec-fetch-site"),
    ] {
        let answer = service.send(&refused);
        assert_eq!(answer.status, 403, "{refused:?} {answer:?}");
    }
    // Without a session there is nothing to forge.
    let nobody = form(&[("csrf", &csrf)]).without("cookie");
    assert_eq!(service.send(&nobody).status, 401);
    let made = service.send(&form(&[("csrf", &csrf)]));
    assert_eq!(made.status, 200, "{made:?}");
    assert!(made.body.contains("csn_") && made.header("cache-control") == "no-store");
    let origin = format!("http://127.0.0.1:{}", service.port);
    let by_origin = Request::form(
        "/tokens",
        &[
            ("name", "b"),
            ("scope", "read"),
            ("days", "30"),
            ("csrf", &csrf),
        ],
    );
    let by_origin = by_origin.cookie(cookie).without("sec-fetch-site");
    assert_eq!(service.send(&by_origin.with("origin", &origin)).status, 200);
    // The secret is shown once.
    let list = service.send(&Request::get("/tokens").cookie(cookie));
    assert!(!list.body.contains("csn_"), "{list:?}");
}

#[test]
fn every_form_of_a_page_carries_the_secret() {
    let (service, secrets) = Running::with_accounts(&[]);
    let cookie = &secrets.cookies[2];
    let csrf = service.csrf(cookie);
    for path in ["/account", "/tokens", "/accounts", "/journal"] {
        let page = service.send(&Request::get(path).cookie(cookie)).body;
        let forms = page.matches("<form method=\"post\"").count();
        let field = format!("<input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">");
        assert_eq!(forms > 0, path != "/journal", "{path}");
        assert_eq!(page.matches("<form").count(), forms, "{path}");
        assert_eq!(page.matches(&field).count(), forms, "{path}");
        assert!(
            !page.contains("<script>") && !page.contains(" style="),
            "{path}"
        );
    }
}

#[test]
fn the_api_wants_a_header_from_browsers_and_none_from_tokens() {
    let (service, secrets) = Running::with_accounts(&[]);
    let cookie = &secrets.cookies[2];
    let csrf = service.csrf(cookie);
    let make = |name: &str| {
        let body = format!(r#"{{"name":"{name}","scope":"read"}}"#);
        Request::json("POST", "/api/v1/tokens", &body)
    };
    let by_cookie = make("a").cookie(cookie);
    for (request, status) in [
        (by_cookie.clone(), 403),
        (by_cookie.clone().with("sec-fetch-site", "same-origin"), 403),
        (by_cookie.clone().with("x-csrf-token", "wrong"), 403),
        (
            by_cookie
                .clone()
                .with("x-csrf-token", &csrf)
                .with("sec-fetch-site", "cross-site"),
            403,
        ),
        (
            by_cookie
                .clone()
                .with("x-csrf-token", &csrf)
                .with("origin", "null"),
            403,
        ),
        (by_cookie.with("x-csrf-token", &csrf), 201),
        (make("b").token(&secrets.tokens[2]), 201),
        // No page sends a token by itself.
        (
            make("c")
                .token(&secrets.tokens[2])
                .with("origin", "https://tools.example"),
            201,
        ),
        // Looking changes nothing.
        (Request::get("/api/v1/tokens").cookie(cookie), 200),
        (
            Request::get("/api/v1/tokens")
                .cookie(cookie)
                .with("sec-fetch-site", "cross-site"),
            200,
        ),
    ] {
        let answer = service.send(&request);
        assert_eq!(answer.status, status, "{request:?} {answer:?}");
    }
}

#[test]
fn nobody_is_signed_in_from_another_page() {
    let (service, _) = Running::with_accounts(&[]);
    let form = Request::form(
        "/sign-in",
        &[("name", "admin"), ("password", super::PASSWORD)],
    );
    let foreign = service.send(&form.clone().with("sec-fetch-site", "cross-site"));
    assert_eq!((foreign.status, foreign.cookie().as_str()), (403, ""));
    let foreign = form
        .without("sec-fetch-site")
        .with("origin", "https://evil.example");
    assert_eq!(service.send(&foreign).status, 403);
}
