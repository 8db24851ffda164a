//! Signing in and out, and sessions.

use super::client::Request;
use super::running::Running;
use super::{OTHER, PASSWORD};

#[test]
fn people_sign_in_with_a_new_session_and_out_again() {
    let (service, secrets) = Running::with_accounts(&[]);
    // Whoever sends a browser with a session of their own here does not get into that of who signs in.
    let planted = &secrets.cookies[0];
    let form = Request::form(
        "/sign-in",
        &[("name", "Admin"), ("password", PASSWORD), ("to", "/tokens")],
    );
    let signed_in = service.send(&form.cookie(planted));
    assert_eq!(
        (signed_in.status, signed_in.header("location")),
        (303, "/tokens")
    );
    let cookie = signed_in.cookie();
    assert_ne!(&cookie, planted);
    let set = signed_in.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(planted))
            .status,
        401
    );
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(&cookie))
            .status,
        200
    );

    let csrf = service.csrf(&cookie);
    let out = Request::form("/sign-out", &[("csrf", &csrf)]).cookie(&cookie);
    let signed_out = service.send(&out);
    assert_eq!(
        (signed_out.status, signed_out.header("location")),
        (303, "/sign-in")
    );
    assert!(
        signed_out
            .header("set-cookie")
            .starts_with("consentinel=; ")
    );
    assert!(signed_out.header("set-cookie").contains("Max-Age=0"));
    // The session is over, not merely forgotten.
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(&cookie))
            .status,
        401
    );

    // Nobody is led to another site by what they signed in with.
    let led = [
        ("name", "admin"),
        ("password", PASSWORD),
        ("to", "//evil.example"),
    ];
    let answer = service.send(&Request::form("/sign-in", &led));
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
}

#[test]
fn wrong_names_and_wrong_passwords_are_answered_alike() {
    let (service, secrets) = Running::with_accounts(&[]);
    let mut bodies = Vec::new();
    for (name, password) in [
        ("admin", OTHER),
        ("nobody", OTHER),
        ("not a name", PASSWORD),
    ] {
        let answer = service.sign_in(name, password);
        assert_eq!(
            (answer.status, answer.cookie().as_str()),
            (403, ""),
            "{name}"
        );
        assert!(answer.body.contains("role=\"alert\""));
        assert!(answer.body.contains("<title>Error: Sign in"));
        bodies.push(answer.body.replace(name, "NAME"));
    }
    assert!(
        bodies.windows(2).all(|pair| pair[0] == pair[1]),
        "{bodies:?}"
    );
    // What was typed as a name may be a password.
    let journal = service.journal(&secrets.tokens[2]);
    let subjects = journal.iter().map(|[who, action, subject]| {
        assert_eq!(
            (who.as_str(), action.as_str()),
            ("nobody", "sign-in refused")
        );
        subject.as_str()
    });
    let subjects: Vec<&str> = subjects.collect();
    assert_eq!(
        subjects,
        ["a name nobody has", "a name nobody has", "admin"]
    );
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    let (service, secrets) = Running::with_accounts(&[]);
    let other = service.sign_in("admin", PASSWORD).cookie();
    let own = &secrets.cookies[2];
    let csrf = service.csrf(own);
    let change = |current: &str, password: &str| {
        let fields = [
            ("csrf", csrf.as_str()),
            ("current", current),
            ("password", password),
        ];
        service.send(&Request::form("/account/password", &fields).cookie(own))
    };
    assert_eq!(change(OTHER, OTHER).status, 403);
    let weak = change(PASSWORD, "short");
    assert_eq!(weak.status, 422);
    assert!(weak.body.contains("at least 12 characters"));
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(&other))
            .status,
        200
    );

    let changed = change(PASSWORD, OTHER);
    assert_eq!(
        (changed.status, changed.header("location")),
        (303, "/account?done=password")
    );
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(&other))
            .status,
        401
    );
    assert_eq!(
        service.send(&Request::get("/account").cookie(own)).status,
        200
    );
    assert_eq!(service.sign_in("admin", PASSWORD).status, 403);
    assert_eq!(service.sign_in("admin", OTHER).status, 303);
}

#[test]
fn sessions_are_ended_one_by_one_and_everywhere() {
    let (service, secrets) = Running::with_accounts(&[]);
    let own = &secrets.cookies[2];
    let second = service.sign_in("admin", PASSWORD).cookie();
    let csrf = service.csrf(own);
    let page = service.send(&Request::get("/account").cookie(own));
    let sessions = page.body.matches("/account/sessions/end\"").count();
    assert_eq!(sessions, 2);
    // A session of somebody else is not ended.
    let theirs = service
        .send(&Request::get("/account").cookie(&secrets.cookies[0]))
        .field("id");
    assert_eq!(theirs.len(), 64);
    let end = |id: &str| {
        let fields = [("csrf", csrf.as_str()), ("id", id)];
        service.send(&Request::form("/account/sessions/end", &fields).cookie(own))
    };
    assert_eq!(end(&theirs).status, 303);
    let account = |cookie: &str| {
        service
            .send(&Request::get("/account").cookie(cookie))
            .status
    };
    assert_eq!(account(&secrets.cookies[0]), 200);
    // The last one used is listed first.
    assert_eq!(account(&second), 200);
    let newest = page.field("id");
    assert_eq!(end(&newest).status, 303);
    assert_eq!([account(own), account(&second)], [200, 401]);

    let third = service.sign_in("admin", PASSWORD).cookie();
    let everywhere = Request::form("/account/sessions/end-all", &[("csrf", &csrf)]).cookie(own);
    assert_eq!(service.send(&everywhere).status, 303);
    assert_eq!(
        [account(own), account(&third), account(&secrets.cookies[0])],
        [401, 401, 200]
    );
}
