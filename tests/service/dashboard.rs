//! The dashboard in a real browser: every page can be read, by everybody, on every screen, with and without
//! script; and what it offers is done.

mod seed;
#[path = "../support/shown.rs"]
#[allow(dead_code, reason = "shared with another test")]
mod shown;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use consentinel::service::access::{Caller, Scope};
use consentinel::service::audit::{Outcome, Standing};
use consentinel::service::event::Event;
use consentinel::service::{Service, http};
use serde_json::{Value, json};
use shown::Shown;

use seed::{RUNNING, Seeded};

/// The dashboard on loopback, as somebody sees it who may do so much.
struct Served {
    service: Service,
    origin: String,
    _seeded: Seeded,
}

impl Served {
    async fn to(scope: Scope, seeded: Seeded) -> Self {
        let service = seeded.service.clone();
        let caller = Caller {
            name: "account anna@example.com".to_owned(),
            scope,
            csrf: Some("a-secret-of-the-session".to_owned()),
        };
        let router = http::router(service.clone()).layer(Extension(caller));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            service,
            origin,
            _seeded: seeded,
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

/// Every page, by the name its picture gets.
fn pages(seeded: &Seeded) -> Vec<(&'static str, String)> {
    let (before, run) = (&seeded.runs[1], &seeded.runs[2]);
    let finding = &seeded.finding;
    vec![
        ("sites", "/".to_owned()),
        ("sites-none-fits", "/?q=nothing&state=failed".to_owned()),
        ("site", "/sites/shop".to_owned()),
        ("site-never", "/sites/never".to_owned()),
        ("site-add", "/sites/new".to_owned()),
        ("site-change", "/sites/shop/edit".to_owned()),
        ("site-remove", "/sites/shop/remove".to_owned()),
        ("audits", "/audits".to_owned()),
        ("audit", format!("/audits/{}", seeded.audits[2])),
        ("audit-running", format!("/audits/{RUNNING}")),
        ("run", format!("/runs/{run}?severity=critical")),
        ("finding", format!("/runs/{run}/findings/{finding}")),
        ("compare-empty", "/compare".to_owned()),
        (
            "compare",
            format!("/compare?site=shop&before={before}&after={run}"),
        ),
        ("services", "/services".to_owned()),
        ("service", "/services/google-analytics".to_owned()),
        ("catalog", "/catalog?q=_ga_ABC".to_owned()),
        ("catalog-entry", "/catalog/google-analytics".to_owned()),
        ("schedules", "/schedules".to_owned()),
        ("schedule-add", "/schedules/new?site=shop".to_owned()),
        ("alerts", "/alerts".to_owned()),
        ("alert-add", "/alerts/new?kind=webhook".to_owned()),
        ("settings", "/settings".to_owned()),
        ("no-such-page", "/sites/nowhere".to_owned()),
    ]
}

/// What went wrong in the page, and what it asked others for.
async fn wrong(shown: &Shown, origin: &str) -> Value {
    shown
        .value(&format!(
            "[...failed, ...performance.getEntriesByType('resource').map((one) => one.name).filter((name) => !name.startsWith({origin:?} + '/'))]"
        ))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_can_read_every_page() {
    let axe = shown::axe().await;
    let seeded = Seeded::new();
    let pages = pages(&seeded);
    let served = Served::to(Scope::Admin, seeded).await;
    let shown = Shown::empty().await;
    let mut objections = Vec::new();
    for (name, path) in pages {
        shown.resize(1280, 900).await;
        shown.go(&served.at(&path)).await;
        for (scheme, width) in [
            ("light", 1280),
            ("dark", 1280),
            ("light", 360),
            ("dark", 360),
        ] {
            let place = format!("{name}, {scheme}, {width} pixels");
            shown.resize(width, 900).await;
            shown.prefer(scheme, "screen").await;
            for objection in shown.objections(&axe).await.as_array().unwrap() {
                objections.push(format!("{place}: {objection}"));
            }
            let overflow = shown.overflow().await;
            if overflow != 0 {
                objections.push(format!("{place}: {overflow} pixels too wide"));
            }
            shown.picture(&format!("{name}-{scheme}-{width}")).await;
        }
        for wrong in wrong(&shown, &served.origin).await.as_array().unwrap() {
            objections.push(format!("{name}: {wrong}"));
        }
        // Scripts and styles are files of their own, and only ours.
        let inline = shown
            .value("[...document.querySelectorAll('script:not([src]), style, [style], [onclick]')].map((one) => one.outerHTML.slice(0, 100))")
            .await;
        if inline != json!([]) {
            objections.push(format!("{name}: {inline}"));
        }
    }
    assert!(objections.is_empty(), "{}", objections.join("\n"));
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_say_the_same_without_script() {
    let seeded = Seeded::new();
    let (run, audit) = (seeded.runs[2].clone(), seeded.audits[2].clone());
    let served = Served::to(Scope::Read, seeded).await;
    let shown = Shown::empty().await;
    shown.allow_scripts(false).await;
    for (path, said) in [
        (
            "/".to_owned(),
            vec!["Shop", "critical", "never audited", "running"],
        ),
        (
            "/?state=never&sort=findings".to_owned(),
            vec!["Never audited", "2 sites"],
        ),
        (
            "/sites/shop".to_owned(),
            vec![
                "Does not pass",
                "History",
                "Google Analytics 4",
                "0 3 * * *",
                "agreed with the DPO",
            ],
        ),
        (
            format!("/audits/{audit}"),
            vec![
                "Does the site store or track before the visitor has answered?",
                "Is saying no as easy as saying yes?",
                "new since the audit before",
            ],
        ),
        (format!("/runs/{run}?show=all&q=_ga"), vec!["_ga"]),
        (
            "/catalog/google-analytics".to_owned(),
            vec!["GDPR and ePrivacy implications", "Found on"],
        ),
    ] {
        shown.go(&served.at(&path)).await;
        let text = shown.value("document.body.textContent").await;
        let text = text.as_str().unwrap();
        for words in said {
            assert!(text.contains(words), "{path}: {words}\n{text}");
        }
        // Who may only look is offered nothing else.
        let forms = shown
            .value("document.querySelectorAll('form[method=post]').length")
            .await;
        assert_eq!(forms, 0, "{path}");
    }
    // What changes is loaded again by itself.
    shown.go(&served.at(&format!("/audits/{RUNNING}"))).await;
    let again = shown
        .value("document.querySelector('meta[http-equiv=refresh]')?.content ?? document.querySelector('head noscript')?.textContent ?? ''")
        .await;
    assert!(again.as_str().unwrap().contains('5'), "{again}");
    shown.browser.close().await;
}

/// Presses Tab until what has the focus says so.
async fn tab_to(shown: &Shown, words: &str) {
    for _ in 0..60 {
        shown.press("Tab", 9, None).await;
        let there = shown
            .value(&format!(
                "(() => {{ const one = document.activeElement; const name = (one.labels?.[0]?.textContent ?? '') + (one.getAttribute('aria-label') ?? '') + (one.matches('a, button') ? one.textContent : ''); return name.includes({words:?}); }})()"
            ))
            .await;
        if there == true {
            return;
        }
    }
    panic!("Tab never leads to {words}");
}

/// Presses Enter, and waits for the page it leads to.
async fn enter(shown: &Shown) {
    shown.value("window.isOver = true").await;
    shown.press("Enter", 13, Some("\r")).await;
    shown.arrived().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_is_added_by_keyboard() {
    let served = Served::to(Scope::Audit, Seeded::nothing()).await;
    let shown = Shown::empty().await;
    shown.go(&served.at("/")).await;
    let text = shown
        .value("document.querySelector('main').textContent")
        .await;
    assert!(text.as_str().unwrap().contains("No site yet"), "{text}");
    shown.picture("sites-empty").await;
    // The first stop leads past the navigation.
    shown.press("Tab", 9, None).await;
    let first = shown.value("document.activeElement.textContent").await;
    assert_eq!(first, "To the content");
    shown.press("Enter", 13, Some("\r")).await;
    shown.wait_for("document.activeElement.id === 'main'").await;
    tab_to(&shown, "Add a site").await;
    let outlined = shown
        .value("getComputedStyle(document.activeElement).outlineStyle")
        .await;
    assert_eq!(outlined, "solid", "the focus can be seen");
    enter(&shown).await;
    tab_to(&shown, "Address of its first page").await;
    shown.write("file:///etc/passwd").await;
    tab_to(&shown, "Name").await;
    shown.write("The <b>shop</b>").await;
    enter(&shown).await;
    // What is wrong is said, and nothing that was typed is lost.
    let alert = shown
        .value("document.querySelector('[role=alert] a').hash")
        .await;
    assert_eq!(alert, "#url");
    let name = shown.value("document.getElementById('name').value").await;
    assert_eq!(name, "The <b>shop</b>");
    shown.picture("site-add-wrong").await;
    shown
        .value("(() => { const url = document.getElementById('url'); url.value = ''; url.focus(); })()")
        .await;
    shown.write("shop.example").await;
    enter(&shown).await;
    let heading = shown
        .value("document.querySelector('h1').textContent")
        .await;
    assert_eq!(heading, "Audit of The <b>shop</b>");
    let sites: Vec<_> = served
        .service
        .shelves()
        .sites
        .all()
        .map(Result::unwrap)
        .collect();
    let [(id, site)] = sites.as_slice() else {
        panic!("{sites:?}");
    };
    assert_eq!(
        (id.as_str(), site.url.as_str()),
        ("the-b-shop-b", "https://shop.example/")
    );
    let audits = &served.service.shelves().audits;
    let [(audit, asked)] = audits
        .all()
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .try_into()
        .unwrap();
    assert_eq!(asked.asked_by, "account anna@example.com");
    // And it can be called off.
    tab_to(&shown, "Cancel the audit").await;
    enter(&shown).await;
    let now = audits.get(&audit).unwrap().unwrap();
    assert_eq!(now.standing, Standing::Cancelled);
    assert_eq!(wrong(&shown, &served.origin).await, json!([]));
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn progress_is_seen_as_it_happens() {
    let seeded = Seeded::new();
    let run = seeded.runs[2].clone();
    let served = Served::to(Scope::Read, seeded).await;
    let shown = Shown::empty().await;
    let page = served.at(&format!("/audits/{RUNNING}"));
    shown.go(&page).await;
    let mut done = 0;
    // Until the page listens, it hears nothing.
    let words = "document.querySelector('[data-words]').textContent";
    while shown.value(words).await == "" {
        done += 1;
        served.service.tell(Event::Progress {
            id: RUNNING.to_owned(),
            site: "blog".to_owned(),
            done,
            of: 1_000,
            url: "https://blog.test/\u{202e}".to_owned(),
            summary: "before: complete".to_owned(),
        });
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let said = shown.value(words).await;
    assert!(said.as_str().unwrap().ends_with(" of 1000"), "{said}");
    shown.picture("audit-progress").await;
    // Who comes later sees it as well.
    shown.go(&page).await;
    let most = shown.value("document.querySelector('progress').max").await;
    assert_eq!(most, 1_000);
    let audits = &served.service.shelves().audits;
    let audit = audits
        .change(RUNNING, |audit| {
            audit.standing = Standing::Finished;
            audit.finished = Some("2026-10-08T03:05:00Z".parse().unwrap());
            audit.run = Some(run.clone());
            audit.result = Some(Outcome::default());
            true
        })
        .unwrap()
        .unwrap();
    served.service.board().note(&audit);
    let heading = "document.querySelector('main h2').textContent";
    assert_eq!(shown.value(heading).await, "It is being carried out");
    shown.value("window.isOver = true").await;
    let told = async {
        loop {
            served.service.tell(Event::Audit {
                id: RUNNING.to_owned(),
                site: "blog".to_owned(),
                standing: Standing::Finished,
            });
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::select! {
        () = told => {}
        () = shown.arrived() => {}
    }
    let verdict = shown.value(heading).await;
    assert!(
        verdict.as_str().unwrap().starts_with("Does not pass"),
        "{verdict}"
    );
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finding_is_accepted_and_taken_back() {
    let seeded = Seeded::new();
    let (run, finding) = (seeded.runs[2].clone(), seeded.finding.clone());
    let served = Served::to(Scope::Audit, seeded).await;
    let shown = Shown::empty().await;
    shown
        .go(&served.at(&format!("/runs/{run}/findings/{finding}")))
        .await;
    // The picture of the banner is there.
    let pictures = shown
        .value("document.images.length > 0 && Promise.all([...document.images].map((one) => { one.loading = 'eager'; return one.decode().then(() => one.naturalWidth > 0); })).then((all) => all.every(Boolean))")
        .await;
    assert_eq!(pictures, true);
    let send = |day: &str| {
        format!(
            "(() => {{ window.isOver = true; const form = document.querySelector('form[action$=accept]'); form.reason.value = 'a trial'; form.expires.value = '{day}'; form.submit(); }})()"
        )
    };
    shown.value(&send("2001-01-01")).await;
    shown.arrived().await;
    let alert = shown
        .value("document.querySelector('[role=alert] a').hash")
        .await;
    assert_eq!(alert, "#expires");
    shown.value(&send("2999-12-31")).await;
    shown.arrived().await;
    let place = shown.value("location.pathname + location.hash").await;
    assert_eq!(place, "/sites/shop#accepted");
    let known = || served.service.accepted("shop").unwrap();
    let all = known();
    let mut of_finding = all
        .iter()
        .filter(|one| one.what.finding.as_deref() == Some(&finding));
    assert_eq!(of_finding.next().unwrap().by, "account anna@example.com");
    shown
        .value("(() => { window.isOver = true; document.querySelector('form[action*=\"/accepted/\"]').submit(); })()")
        .await;
    shown.arrived().await;
    assert_eq!(known().len(), all.len() - 1);
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_from_elsewhere_do_nothing() {
    let served = Served::to(Scope::Admin, Seeded::new()).await;
    let shown = Shown::empty().await;
    shown.go(&served.at("/")).await;
    for path in [
        "/sites/new",
        "/sites/shop/edit",
        "/sites/shop/remove",
        "/sites/shop/audits",
        "/schedules/new",
    ] {
        let status = shown
            .value(&format!(
                "fetch({path:?}, {{ method: 'POST', redirect: 'manual', headers: {{ 'content-type': 'application/x-www-form-urlencoded' }}, body: 'csrf=guessed&name=x&url=https%3A%2F%2Fx.example' }}).then((answer) => answer.status)"
            ))
            .await;
        assert_eq!(status, 403, "{path}");
    }
    let shelves = served.service.shelves();
    assert!(shelves.sites.get("shop").unwrap().is_some());
    shown.browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_asked_for_once() {
    let served = Served::to(Scope::Read, Seeded::nothing()).await;
    let shown = Shown::empty().await;
    shown.go(&served.at("/")).await;
    let told = shown
        .value(
            "Promise.all(['link[rel=stylesheet]', 'link[rel=icon]', 'script'].map(async (one) => { \
               const element = document.querySelector(one); const address = element.href ?? element.src; \
               const answer = await fetch(address, { cache: 'reload' }); \
               const again = await fetch(address, { cache: 'no-store', headers: { 'if-none-match': answer.headers.get('etag') } }); \
               return [answer.headers.get('cache-control'), again.status, (await again.text()).length]; }))",
        )
        .await;
    let expected = json!(["public, max-age=31536000, immutable", 304, 0]);
    assert_eq!(told, json!([expected, expected, expected]));
    let policy = shown
        .value("fetch('/').then((answer) => answer.headers.get('content-security-policy'))")
        .await;
    let policy = policy.as_str().unwrap();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    shown.browser.close().await;
}
