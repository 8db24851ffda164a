//! The test web over the wire: every site and service answers under its own name, and nothing else does.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

#[path = "support/https.rs"]
mod https;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use consentinel::test_web::choices;
use consentinel::test_web::{Options, PACKAGE_LOCK, TestWeb, TestWebError};
use https::{get, get_as};
use sha2::{Digest as _, Sha256};

async fn start(packages: &Path) -> TestWeb {
    TestWeb::start(Options {
        port: None,
        packages: packages.to_owned(),
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_site_answers_under_its_own_name() {
    let web = start(Path::new("/nonexistent")).await;
    assert!(web.sites().len() >= 19);
    for site in web.sites() {
        assert_eq!(site.url, format!("https://{}/", site.host), "{}", site.name);
        let page = get(&web, &site.host, "/", &[]).unwrap();
        assert_eq!(page.status, 200, "{}", site.name);
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{}",
            site.name
        );
        assert!(
            page.body
                .contains(&format!("<html lang=\"{}\">", site.language)),
            "{}",
            site.name
        );
        for hidden in ["/site.toml", "/truth.toml", "/../no-banner/index.html"] {
            assert_eq!(
                get(&web, &site.host, hidden, &[]).unwrap().status,
                404,
                "{} {hidden}",
                site.name
            );
        }
    }
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_file_a_page_mentions_is_there() {
    let web = start(Path::new("/nonexistent")).await;
    let mut checked = 0;
    for site in web.sites() {
        let page = get(&web, &site.host, "/", &[]).unwrap().body;
        let links = page
            .split(['"', '`'])
            .filter(|text| text.starts_with('/') || text.starts_with("https://"));
        for link in links.filter(|link| !link.starts_with("/npm/")) {
            let (host, path) = match link.strip_prefix("https://") {
                Some(rest) => rest
                    .split_once('/')
                    .map(|(host, path)| (host, format!("/{path}")))
                    .unwrap(),
                None => (site.host.as_str(), link.to_owned()),
            };
            assert_eq!(
                get(&web, host, &path, &[]).unwrap().status,
                200,
                "{}: {link}",
                site.name
            );
            checked += 1;
        }
    }
    assert!(checked > 3 * web.sites().len(), "only {checked} links");
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_hosts_and_paths_are_not_found() {
    let web = start(Path::new("/nonexistent")).await;
    for (host, path) in [
        ("unknown.test", "/"),
        ("", "/"),
        ("no-banner.test", "/"),
        ("www.no-banner.test", "/x"),
    ] {
        let answer = get_as(&web, "localhost", host, path, &[]).unwrap();
        assert_eq!(answer.status, 404, "{host}{path}");
        assert_eq!(
            answer.header("content-type"),
            "text/plain; charset=utf-8",
            "{host}{path}"
        );
    }
    assert!(
        get(&web, "unknown.test", "/", &[]).is_err(),
        "the certificate names a host nobody serves"
    );
    let list = get(&web, "localhost", "/", &[]).unwrap().body;
    assert!(
        web.sites().iter().all(|site| list.contains(&site.url)),
        "{list}"
    );
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn packages_are_served_and_nothing_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let packages = folder.path().join("node_modules");
    std::fs::create_dir_all(packages.join("klaro/dist")).unwrap();
    std::fs::write(packages.join("klaro/dist/klaro.js"), "banner()").unwrap();
    std::fs::write(folder.path().join("secret.js"), "secret").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(
        folder.path().join("secret.js"),
        packages.join("klaro/link.js"),
    )
    .unwrap();

    let web = start(&packages).await;
    let served = get(&web, "www.no-banner.test", "/npm/klaro/dist/klaro.js", &[]).unwrap();
    assert_eq!((served.status, served.body.as_str()), (200, "banner()"));
    assert_eq!(
        served.header("content-type"),
        "text/javascript; charset=utf-8"
    );
    for path in [
        "/npm/../secret.js",
        "/npm/klaro/../../secret.js",
        "/npm/klaro/%2e%2e/%2e%2e/secret.js",
        "/npm/klaro/..%2f..%2fsecret.js",
        "/npm/klaro/..\\..\\secret.js",
        "/npm//etc/passwd",
        "/npm/klaro/link.js",
        "/npm/klaro/dist",
        "/npm/klaro",
        "/npm/",
    ] {
        let answer = get(&web, "www.no-banner.test", path, &[]).unwrap();
        assert!(
            answer.status == 404 || answer.status == 400,
            "{path}: {}",
            answer.status
        );
        assert!(
            !answer.body.contains("secret\n") && answer.body != "secret",
            "{path}"
        );
    }
    assert_eq!(
        get(&web, "www.youtube.com", "/npm/klaro/dist/klaro.js", &[])
            .unwrap()
            .status,
        404
    );
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_set_and_keep_their_cookies() {
    let web = start(Path::new("/nonexistent")).await;
    let embed = "/embed/M7lc1UVf-VE";
    let names = |answer: &https::Answer| -> Vec<String> {
        let cookies = answer.all("set-cookie");
        cookies
            .iter()
            .map(|cookie| cookie.split(';').next().unwrap_or_default().to_owned())
            .collect()
    };
    let fresh = names(&get(&web, "www.youtube.com", embed, &[]).unwrap());
    let other = names(&get(&web, "www.youtube.com", embed, &[]).unwrap());
    assert_eq!(fresh.len(), 2);
    assert!(
        fresh.iter().all(|cookie| !other.contains(cookie)),
        "{fresh:?} {other:?}"
    );
    let again = get(
        &web,
        "www.youtube.com",
        embed,
        &[("Cookie", &fresh.join("; "))],
    )
    .unwrap();
    // The session cookie stays as it is, the lasting one is renewed with its value.
    assert_eq!(
        names(&again),
        fresh
            .iter()
            .filter(|cookie| cookie.starts_with("VISITOR"))
            .cloned()
            .collect::<Vec<_>>()
    );
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn services_answer_pages_of_other_origins() {
    let web = start(Path::new("/nonexistent")).await;
    let origin = "https://www.kustomer-chat.test";
    let answer = get(
        &web,
        "api.kustomerapp.com",
        "/p/v1/chat/settings",
        &[("Origin", origin)],
    )
    .unwrap();
    assert_eq!(answer.header("access-control-allow-origin"), origin);
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    let hit = get(&web, "www.google-analytics.com", "/g/collect?v=2", &[]).unwrap();
    assert_eq!((hit.status, hit.body.as_str()), (204, ""));
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_browser_is_told_the_right_certificate_and_port() {
    let web = start(Path::new("/nonexistent")).await;
    let told = STANDARD
        .decode(web.certificate_spki_sha256_base64())
        .unwrap();
    // A P-256 public key is 91 bytes of DER somewhere in the certificate.
    let keys = web
        .certificate_der()
        .windows(91)
        .filter(|part| Sha256::digest(part).as_slice() == told);
    assert_eq!(keys.count(), 1);
    let port = web.port();
    assert_eq!(
        web.host_resolver_rules(),
        format!("MAP * 127.0.0.1:{port}, EXCLUDE localhost, EXCLUDE 127.0.0.1")
    );
    web.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_is_used_once_and_given_back() {
    let web = start(Path::new("/nonexistent")).await;
    let port = web.port();
    let second = TestWeb::start(Options {
        port: Some(port),
        ..Options::default()
    })
    .await;
    assert!(matches!(second, Err(TestWebError::Listen { port: taken, .. }) if taken == port));
    web.stop().await;
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
}

#[test]
fn the_lock_file_has_digests_and_no_addresses() {
    let lock: serde_json::Value = serde_json::from_str(PACKAGE_LOCK).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    assert!(packages.contains_key("node_modules/klaro"));
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(
            package["integrity"]
                .as_str()
                .is_some_and(|digest| digest.starts_with("sha512-")),
            "{name}"
        );
        assert!(package.get("resolved").is_none(), "{name}");
    }
}

/// The table itself comes from `consentinel demo --choice-table`; this says that no banner is missing in it.
#[test]
fn the_table_of_choices_has_a_line_for_every_banner() {
    let documented = include_str!("../docs/choice.md");
    let sites = consentinel::test_web::sites().unwrap();
    let about_banners = sites
        .iter()
        .filter(|site| site.platform.is_some() || site.is_about_consent_only());
    let mut expected = 0;
    for site in about_banners {
        let begins = choices::line_begins(site);
        assert!(
            documented.lines().any(|line| line.starts_with(&begins)),
            "{}: no line `{begins}`: run `consentinel demo --choice-table`",
            site.name
        );
        expected += 1;
    }
    let lines = documented
        .lines()
        .skip_while(|line| !line.starts_with("| platform |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .count();
    assert_eq!(lines, expected);
}
