//! The first account: by a link that is printed once and counts once, or at the command line.

use super::client::Request;
use super::running::{Running, run};
use super::{OTHER, PASSWORD};

fn key_of(link: &str) -> &str {
    link.split_once("key=").unwrap().1
}

fn make(service: &Running, key: &str, name: &str, password: &str) -> super::client::Answer {
    let fields = [("key", key), ("name", name), ("password", password)];
    service.send(&Request::form("/first-account", &fields))
}

#[test]
fn the_first_start_prints_a_link_that_counts_once() {
    let service = Running::start(&[]);
    let link = service.link();
    let key = key_of(&link).to_owned();
    // Nobody gets in before, with no key or another.
    for (path, status) in [
        ("/first-account", 403),
        ("/first-account?key=", 403),
        (
            "/first-account?key=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            403,
        ),
        ("/accounts", 401),
        (link.as_str(), 200),
        // Looking does not use it up.
        (link.as_str(), 200),
    ] {
        let answer = service.send(&Request::get(path));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    assert!(
        service
            .send(&Request::get("/sign-in"))
            .body
            .contains("Nobody has an account yet")
    );
    assert_eq!(make(&service, "wrong", "anna", PASSWORD).status, 403);
    // What is wrong with name or password leaves the link as it is.
    let weak = make(&service, &key, "anna", "short");
    assert_eq!(weak.status, 422, "{weak:?}");
    assert!(weak.body.contains("at least 12 characters") && weak.body.contains("role=\"alert\""));
    assert_eq!(weak.field("key"), key);
    assert_eq!(make(&service, &key, "an na", PASSWORD).status, 422);

    let made = make(&service, &key, "Anna", PASSWORD);
    assert_eq!(
        (made.status, made.header("location")),
        (303, "/"),
        "{made:?}"
    );
    let account = service.send(&Request::get("/account").cookie(&made.cookie()));
    assert_eq!(account.status, 200);
    assert!(
        account
            .body
            .contains("You are anna, with the scope admin: everything.")
    );

    // Now it is void, whoever has it.
    assert_eq!(service.send(&Request::get(&link)).status, 403);
    assert_eq!(make(&service, &key, "mallory", OTHER).status, 403);
    assert_eq!(service.sign_in("mallory", OTHER).status, 403);

    // And no further start prints one; the account is still there.
    let service = Running::on(service.stop(), &[]);
    assert!(
        !service.said.join("\n").contains("first-account"),
        "{:?}",
        service.said
    );
    assert_eq!(service.sign_in("anna", PASSWORD).status, 303);
    assert_eq!(
        service
            .send(&Request::get("/account").cookie(&made.cookie()))
            .status,
        200
    );
}

#[test]
fn a_restart_before_any_account_prints_another_link() {
    let service = Running::start(&[]);
    let before = service.link();
    let service = Running::on(service.stop(), &[]);
    let now = service.link();
    assert_ne!(before, now);
    assert_eq!(service.send(&Request::get(&before)).status, 403);
    assert_eq!(service.send(&Request::get(&now)).status, 200);
    assert_eq!(
        make(&service, key_of(&before), "anna", PASSWORD).status,
        403
    );
}

#[test]
fn the_store_keeps_no_secret() {
    let service = Running::start(&[]);
    let key = key_of(&service.link()).to_owned();
    let cookie = make(&service, &key, "anna", PASSWORD).cookie();
    let session = cookie.split_once('=').unwrap().1.to_owned();
    let csrf = service.csrf(&cookie);
    let made = service.send(
        &Request::json("POST", "/api/v1/tokens", r#"{"name":"t","scope":"read"}"#)
            .cookie(&cookie)
            .with("x-csrf-token", &csrf),
    );
    assert_eq!(made.status, 201, "{made:?}");
    let token = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(token.starts_with("csn_") && token.len() == 47, "{token}");
    let folder = service.stop();
    let mut bytes = Vec::new();
    let mut folders = vec![folder.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                bytes.extend(std::fs::read(path).unwrap());
            }
        }
    }
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    for secret in [&key, &session, &csrf, &token, PASSWORD] {
        assert!(!holds(secret), "{secret} is in the store");
    }
    // What is looked for would be found.
    assert!(holds("$argon2id$v=19$m=19456,t=2,p=1$"));
}

#[test]
fn without_an_account_nobody_else_is_let_in_at_all() {
    let folder = tempfile::tempdir().unwrap();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = run(folder.path(), &["--listen", address], "");
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("serve account add"), "{said}");
        assert!(!said.contains("listening"), "{said}");
    }
    let added = run(
        folder.path(),
        &["account", "add", "anna"],
        &format!("{PASSWORD}\n"),
    );
    assert!(added.status.success(), "{added:?}");
    let service = Running::on(folder, &["--listen", "0.0.0.0:0"]);
    assert!(
        service.said.join("\n").contains("in the clear"),
        "{:?}",
        service.said
    );
    assert_eq!(service.sign_in("anna", PASSWORD).status, 303);
}

#[test]
fn accounts_and_tokens_are_made_at_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let said = |arguments: &[&str], input: &str| {
        let output = run(place, arguments, input);
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    for (arguments, input, code, expected) in [
        (
            vec!["account", "add", "anna"],
            "short\n",
            2,
            "at least 12 characters",
        ),
        (
            vec!["account", "add", "an na"],
            PASSWORD,
            2,
            "a name has 1 to 64",
        ),
        (
            vec!["account", "add", "Anna"],
            PASSWORD,
            0,
            "added anna with scope admin",
        ),
        (
            vec!["account", "add", "anna"],
            OTHER,
            2,
            "account password anna",
        ),
        (
            vec!["account", "password", "bob"],
            OTHER,
            2,
            "no account bob",
        ),
        (vec!["account", "remove", "anna"], "", 2, "last one"),
        (vec!["account", "list"], "", 0, "anna  admin"),
        (
            vec!["token", "add", "nightly", "--account", "bob"],
            "",
            2,
            "no account bob",
        ),
        (
            vec![
                "token",
                "add",
                "nightly",
                "--account",
                "anna",
                "--days",
                "0",
            ],
            "",
            2,
            "1..=3650",
        ),
    ] {
        let (status, text) = said(&arguments, input);
        assert_eq!(status, Some(code), "{arguments:?}: {text}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
    let add = [
        "token",
        "add",
        "nightly",
        "--account",
        "anna",
        "--scope",
        "admin",
    ];
    let made = run(place, &add, "");
    let token = String::from_utf8(made.stdout).unwrap().trim().to_owned();
    assert!(token.starts_with("csn_"), "{token}");
    let service = Running::on(folder, &[]);
    let session = service.send(&Request::get("/api/v1/session").token(&token));
    assert_eq!(session.json()["name"], "token nightly of anna");
    let journal = service.journal(&token);
    let expected = [
        ["command line", "token made", "nightly of anna, scope admin"],
        ["command line", "account added", "anna, scope admin"],
    ];
    assert_eq!(journal, expected.map(|entry| entry.map(str::to_owned)));
}
