//! R01, R28, R32, R33, R34, R36.

use super::{Cases, SignalBuilder, ga_value, signal, three};
use crate::judge::tests_support::*;
use crate::model::report::{Page, Policy, PolicyTable};
use crate::model::snapshot::{Cookie, Document};
use crate::model::tcf::Written;
use crate::model::value::Value;
use crate::model::visit::{PhaseName, State, Visit};

pub(super) fn cases() -> Vec<Cases> {
    vec![
        nonessential(),
        without_basis(),
        undeclared(),
        purpose(),
        lifetime(),
        missing(),
    ]
}

fn document(text: &str) -> Document {
    Document {
        source: "https://vendor.test/list.json".to_owned(),
        at_ms: 500,
        phase: PhaseName::Idle,
        text: Value::up_to(Document::LONGEST, text),
    }
}

/// OneTrust's list with one cookie in a group: name, host, days (0 for the session).
fn onetrust(group: &str, name: &str, host: &str, days: u32) -> String {
    format!(
        r#"{{"DomainData":{{"Groups":[{{"CustomGroupId":"C0001","GroupName":"Strictly Necessary","FirstPartyCookies":[
            {{"Name":"OptanonConsent","Host":"shop.test","IsSession":false,"Length":"364"}}]}},
            {{"CustomGroupId":"{group}","GroupName":"Group","FirstPartyCookies":[
            {{"Name":"{name}","Host":"{host}","IsSession":{},"Length":"{days}"}}]}}]}}}}"#,
        days == 0
    )
}

fn cookiebot(kind: &str, name: &str, domain: &str, lifetime: &str) -> String {
    format!(
        r#"CookieConsentDialog.cookieTableNecessary = [["CookieConsent","shop.test","","1 year","HTTP","1"]];
        CookieConsentDialog.cookieTable{kind} = [["{name}","{domain}","","{lifetime}","HTTP","1"]];"#
    )
}

/// A page with a banner, what its site declares, and a cookie in every visit.
fn declaring(texts: &[&str], made: impl Fn(usize) -> Cookie) -> Page {
    three(|number, visit| {
        visit.banner.found = true;
        visit
            .snapshot
            .documents
            .extend(texts.iter().map(|text| document(text)));
        visit.snapshot.cookies.push(made(number));
    })
}

/// A cookie nobody knows, first stored before a choice.
fn unknown(number: usize) -> Cookie {
    cookie("shopvisit", SITE, ["a1", "b2", "c3"][number % 3])
}

fn with_policy(mut page: Page, heading: &str, rows: &[&[&str]]) -> Page {
    page.policy = Some(Policy {
        url: Some("https://shop.test/cookies".to_owned()),
        status: Some(200),
        speaks_of_cookies: true,
        tables: vec![PolicyTable {
            heading: heading.to_owned(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|&cell| cell.to_owned()).collect())
                .collect(),
        }],
    });
    page
}

fn nonessential() -> Cases {
    let ads = onetrust("C0004", "shopvisit", "shop.test", 365);
    Cases::of("R01")
        .positive("declared as advertising", declaring(&[&ads], unknown))
        .positive(
            "a wildcard in a statistics table",
            declaring(
                &[&cookiebot("Statistics", "_ga_#", "shop.test", "2 years")],
                |number| {
                    cookie(
                        "_ga_ABCDEFGHIJ",
                        SITE,
                        &format!("GS1.1.179534870{number}.1"),
                    )
                },
            ),
        )
        .positive(
            "the policy's table, in German",
            with_policy(
                declaring(&[], unknown),
                "Marketing-Cookies",
                &[&["Name", "Laufzeit"], &["shopvisit", "1 Jahr"]],
            ),
        )
        .positive(
            "an entry of the site's storage",
            three(|_, visit| {
                visit.banner.found = true;
                visit.snapshot.documents.push(document(&cookiebot(
                    "Advertising",
                    "promo",
                    "shop.test",
                    "Persistent",
                )));
                visit
                    .snapshot
                    .storage
                    .push(local("promo", "seen", OWN_SCRIPT));
            }),
        )
        .negative(
            "declared as necessary",
            declaring(
                &[&onetrust("C0001", "shopvisit", "shop.test", 365)],
                unknown,
            ),
        )
        .negative(
            "set only after the choice",
            declaring(&[&ads], |number| unknown(number).only(PhaseName::Chosen)),
        )
        .negative(
            "another one is declared",
            declaring(&[&onetrust("C0004", "other", "shop.test", 365)], unknown),
        )
        .trap(
            "a choice record declared as functional",
            declaring(
                &[&onetrust("C0003", "OptanonConsent", "shop.test", 364)],
                |_| cookie("OptanonConsent", SITE, "groups=C0001:1,C0004:0"),
            ),
        )
        .trap(
            "the list has it for another domain",
            declaring(
                &[&onetrust("C0004", "shopvisit", "other.test", 365)],
                unknown,
            ),
        )
        .trap(
            "a session declared as statistics",
            declaring(
                &[&cookiebot(
                    "Statistics",
                    "PHPSESSID",
                    "shop.test",
                    "Session",
                )],
                |number| {
                    cookie("PHPSESSID", SITE, IDS[number])
                        .by_response("https://shop.test/")
                        .for_the_session()
                },
            ),
        )
        .trap(
            "declared twice, once as necessary",
            declaring(
                &[&ads, &onetrust("C0001", "shopvisit", "shop.test", 365)],
                unknown,
            ),
        )
        .inconclusive("nothing is declared", declaring(&[], unknown))
}

fn tc(purposes: &[u32]) -> String {
    Written {
        created_ds: 17_953_488_000,
        consents: purposes.iter().map(|purpose| 1 << (24 - purpose)).sum(),
        vendors: if purposes.is_empty() {
            Vec::new()
        } else {
            vec![(755, 755)]
        },
        ..Written::default()
    }
    .text()
}

const DISCLOSED: &str = r#"{"disclosures":[{"identifier":"vid","type":"cookie","purposes":[1,3],"domains":["*.vendor.test"]}]}"#;

/// The same, with the list that gives its vendor a number.
fn numbered(vendor: u16) -> String {
    DISCLOSED.replacen(
        '{',
        &format!(
            r#"{{"gvlSpecificationVersion":3,"vendors":{{"{vendor}":{{"deviceStorageDisclosureUrl":"https://vendor.test/list.json"}}}},"#
        ),
        1,
    )
}

/// Visits with a TC string of their own time, what vendors disclose, and a vendor's cookie.
fn under_tcf(
    disclosed: &str,
    says: impl Fn(State, PhaseName) -> String,
    made: impl Fn(usize, State) -> Option<Cookie>,
) -> Page {
    three(|number, visit: &mut Visit| {
        visit.banner.found = true;
        visit.snapshot.documents.push(document(disclosed));
        for phase in [PhaseName::Idle, PhaseName::Revisit] {
            if phase == PhaseName::Idle || visit.state != State::Before {
                visit.snapshot.signals.push(
                    signal("tcf-api", "__tcfapi", phase, &[])
                        .saying(&says(visit.state, phase))
                        .fact("gdpr-applies", "true"),
                );
            }
        }
        visit.snapshot.cookies.extend(made(number, visit.state));
    })
}

fn without_basis() -> Cases {
    let vid = |number: usize| {
        cookie("vid", "vendor.test", IDS[number]).by_response("https://px.vendor.test/p")
    };
    let honest = |state: State, phase: PhaseName| {
        tc(if state == State::Accepted && phase == PhaseName::Revisit {
            &[1, 3]
        } else {
            &[]
        })
    };
    Cases::of("R28")
        .positive(
            "stored before a choice",
            under_tcf(DISCLOSED, honest, |number, _| Some(vid(number))),
        )
        .positive(
            "stored after the refusal",
            under_tcf(DISCLOSED, honest, |number, state| {
                (state == State::Rejected).then(|| vid(number).only(PhaseName::Revisit))
            }),
        )
        .positive(
            "consent to other purposes than the first",
            under_tcf(
                DISCLOSED,
                |_, _| tc(&[3, 4]),
                |number, _| Some(vid(number)),
            ),
        )
        .negative(
            "stored after a yes",
            under_tcf(DISCLOSED, honest, |number, state| {
                (state == State::Accepted).then(|| vid(number).only(PhaseName::Revisit))
            }),
        )
        .negative(
            "the vendor claims to need no consent",
            under_tcf(
                r#"{"disclosures":[{"identifier":"vid","type":"cookie","purposes":[],"domains":["vendor.test"]}]}"#,
                honest,
                |number, _| Some(vid(number)),
            ),
        )
        .negative(
            "consent to purpose 1 stands in the string",
            under_tcf(DISCLOSED, |_, _| tc(&[1]), |number, _| Some(vid(number))),
        )
        .trap(
            "another site's cookie of that name",
            under_tcf(DISCLOSED, honest, |number, _| {
                Some(cookie("vid", "other.test", IDS[number]))
            }),
        )
        .trap(
            "the vendor discloses the name twice, once without purpose 1",
            under_tcf(
                r#"{"disclosures":[{"identifier":"vid","type":"cookie","purposes":[1],"domains":["vendor.test"]},
                    {"identifier":"v*d","type":"cookie","purposes":[],"domains":["vendor.test"]}]}"#,
                honest,
                |number, _| Some(vid(number)),
            ),
        )
        .positive(
            "the platform's function says that the regulation applies, and has no string yet",
            under_tcf(DISCLOSED, |_, _| String::new(), |number, _| Some(vid(number))),
        )
        .positive(
            "consent to purpose 1 and to another vendor",
            under_tcf(&numbered(28), |_, _| tc(&[1]), |number, _| Some(vid(number))),
        )
        .negative(
            "consent to purpose 1 and to this vendor",
            under_tcf(&numbered(755), |_, _| tc(&[1]), |number, _| Some(vid(number))),
        )
        .trap(
            "in the publisher's country nobody is asked about purpose 1",
            under_tcf(
                DISCLOSED,
                |_, _| {
                    Written {
                        created_ds: 17_953_488_000,
                        treated: true,
                        ..Written::default()
                    }
                    .text()
                },
                |number, _| Some(vid(number)),
            ),
        )
        .inconclusive(
            "strings, and nothing disclosed",
            under_tcf("{}", honest, |number, _| Some(vid(number))),
        )
}

fn undeclared() -> Cases {
    let list = onetrust("C0004", "other", "shop.test", 365);
    Cases::of("R32")
        .positive(
            "a known tracker's cookie is not in the list",
            declaring(&[&list], |number| cookie("_ga", SITE, &ga_value(number))),
        )
        .positive(
            "an unknown lasting cookie is not in the list",
            declaring(&[&list], unknown),
        )
        .positive(
            "set after a yes only",
            declaring(&[&list], |number| {
                cookie("_fbp", SITE, &format!("fb.1.1795348700000.{}", 1000 + number))
                    .only(PhaseName::Chosen)
            }),
        )
        .positive(
            "not in the policy's table",
            with_policy(
                declaring(&[], unknown),
                "",
                &[&["Cookie", "Durée"], &["PHPSESSID", "session"]],
            ),
        )
        .negative(
            "it is in the list",
            declaring(
                &[&onetrust("C0002", "_ga", "shop.test", 730)],
                |number| cookie("_ga", SITE, &ga_value(number)),
            ),
        )
        .negative(
            "a wildcard of the list fits",
            declaring(
                &[&onetrust("C0002", "_ga_xxxxxxxxxx", "shop.test", 730)],
                |number| cookie("_ga_ABCDEFGHIJ", SITE, &format!("GS1.1.179534870{number}.1")),
            ),
        )
        .negative(
            "a session needs no entry",
            declaring(&[&list], |number| {
                cookie("PHPSESSID", SITE, IDS[number])
                    .by_response("https://shop.test/")
                    .for_the_session()
            }),
        )
        .trap(
            "the platform's own record",
            declaring(&[&list], |_| cookie("OptanonConsent", SITE, "groups=C0001:1")),
        )
        .trap(
            "listed under another domain of the company",
            declaring(&[&onetrust("C0002", "_ga", "shop.example", 730)], |number| {
                cookie("_ga", SITE, &ga_value(number))
            }),
        )
        .trap(
            "a third party's cookie where vendors are declared through the TCF",
            {
                let mut page = declaring(&[&list], |number| {
                    cookie("zz", "vendor.test", IDS[number])
                        .by_response("https://px.vendor.test/p")
                });
                for visit in &mut page.visits {
                    visit.snapshot.signals.push(
                        signal("tcf-api", "__tcfapi", PhaseName::Idle, &[])
                            .saying(&tc(&[]))
                            .fact("gdpr-applies", "true"),
                    );
                }
                page
            },
        )
        .inconclusive(
            "a list of what is deleted is no list of everything",
            declaring(
                &[r#"{"klaro":{"services":[{"name":"a","purposes":["analytics"],"cookies":["x"]}]}}"#],
                unknown,
            ),
        )
}

fn purpose() -> Cases {
    let ga = |number: usize| {
        cookie("_ga", SITE, &ga_value(number))
            .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ")
    };
    Cases::of("R33")
        .positive(
            "analytics declared as necessary",
            declaring(&[&onetrust("C0001", "_ga", "shop.test", 730)], ga),
        )
        .positive(
            "declared as not classified",
            declaring(
                &[&cookiebot("Unclassified", "shopvisit", "shop.test", "1 year")],
                unknown,
            ),
        )
        .positive(
            "in two categories",
            declaring(
                &[
                    &onetrust("C0002", "shopvisit", "shop.test", 365),
                    &onetrust("C0004", "shopvisit", ".shop.test", 365),
                ],
                unknown,
            ),
        )
        .negative(
            "declared as what it is",
            declaring(&[&onetrust("C0002", "_ga", "shop.test", 730)], ga),
        )
        .negative(
            "a cookie nobody knows, declared as necessary",
            declaring(&[&onetrust("C0001", "shopvisit", "shop.test", 365)], unknown),
        )
        .negative(
            "not stored",
            declaring(&[&onetrust("C0001", "_fbp", "shop.test", 90)], unknown),
        )
        .trap(
            "a choice record in two categories",
            declaring(
                &[
                    &onetrust("C0001", "x", "shop.test", 1),
                    &onetrust("C0003", "OptanonConsent", "shop.test", 364),
                ],
                |_| cookie("OptanonConsent", SITE, "groups=C0001:1"),
            ),
        )
        .trap(
            "necessary on another domain",
            declaring(&[&onetrust("C0001", "_ga", "other.test", 730)], ga),
        )
        .trap(
            "a name without a domain is the site's own, not a third party's",
            declaring(
                &[r#"{"tarteaucitron":{"services":{"a":{"type":"api","needConsent":false,"cookies":["IDE"]}}}}"#],
                |number| {
                    cookie("IDE", "doubleclick.net", IDS[number])
                        .by_response("https://stats.g.doubleclick.net/p")
                },
            ),
        )
        .inconclusive("nothing is declared", declaring(&[], ga))
}

fn lifetime() -> Cases {
    let listed = |days| onetrust("C0002", "shopvisit", "shop.test", days);
    let lasting = |days: i64| move |number| unknown(number).for_days(days);
    Cases::of("R34")
        .positive(
            "two years for one",
            declaring(&[&listed(365)], lasting(730)),
        )
        .positive(
            "declared for the session, and stays a month",
            declaring(&[&listed(0)], lasting(30)),
        )
        .positive(
            "longer than the browser keeps it",
            declaring(&[&listed(400)], lasting(3_650)),
        )
        .positive(
            "in the policy's words, in French",
            with_policy(
                declaring(&[], lasting(800)),
                "",
                &[&["Nom", "Durée de conservation"], &["shopvisit", "13 mois"]],
            ),
        )
        .negative("as declared", declaring(&[&listed(365)], lasting(365)))
        .negative(
            "shorter than declared",
            declaring(&[&listed(365)], lasting(30)),
        )
        .negative(
            "declared to last, and kept for the session only",
            declaring(&[&listed(365)], |number| unknown(number).for_the_session()),
        )
        .trap(
            "thirteen months in days",
            declaring(
                &[&cookiebot(
                    "Statistics",
                    "shopvisit",
                    "shop.test",
                    "13 months",
                )],
                lasting(397),
            ),
        )
        .trap(
            "one of two entries has the lifetime",
            declaring(&[&listed(1), &listed(730)], lasting(730)),
        )
        .trap(
            "a lifetime that is not understood",
            declaring(
                &[&cookiebot(
                    "Statistics",
                    "shopvisit",
                    "shop.test",
                    "as long as needed",
                )],
                lasting(730),
            ),
        )
}

fn missing() -> Cases {
    let asking = |url: Option<&str>, status: Option<u16>, speaks: bool| {
        let mut page = three(|_, visit| visit.banner.found = true);
        page.policy = Some(Policy {
            url: url.map(str::to_owned),
            status,
            speaks_of_cookies: speaks,
            tables: Vec::new(),
        });
        page
    };
    let policy = Some("https://shop.test/privacy");
    Cases::of("R36")
        .positive("no policy is linked", asking(None, None, false))
        .positive("the policy is gone", asking(policy, Some(404), false))
        .positive("the policy does not answer", asking(policy, None, false))
        .positive(
            "the policy speaks of something else",
            asking(policy, Some(200), false),
        )
        .negative(
            "a policy speaks of cookies",
            asking(policy, Some(200), true),
        )
        .negative("nobody asks", {
            let mut page = asking(None, None, false);
            for visit in &mut page.visits {
                visit.banner.found = false;
            }
            page
        })
        .negative("the platform has a list", {
            let mut page = declaring(&[&onetrust("C0002", "a", "shop.test", 1)], unknown);
            page.policy = Some(Policy::default());
            page
        })
        .trap("a list, and the policy is gone", {
            let mut page = declaring(&[&onetrust("C0002", "a", "shop.test", 1)], unknown);
            page.policy = Some(Policy {
                url: Some("https://shop.test/privacy".to_owned()),
                status: Some(404),
                ..Policy::default()
            });
            page
        })
        .trap("a policy without a table", asking(policy, Some(203), true))
        .inconclusive("nobody looked", three(|_, visit| visit.banner.found = true))
}
