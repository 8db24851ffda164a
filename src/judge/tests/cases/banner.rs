//! R17 to R19, R22, R25.

use super::{Cases, SignalBuilder, ga_value, signal, three};
use crate::judge::Profile;
use crate::judge::tests_support::*;
use crate::model::report::Page;
use crate::model::visit::ButtonRole::{Accept, Close, Link, Pay, Reject, Save, Settings};
use crate::model::visit::Route::{FirstLayer, None as Nowhere, SecondLayer};
use crate::model::visit::{Banner, ButtonRole, Choice, ChoiceOutcome, PhaseName, State, Visit};

const YES: (ButtonRole, &str) = (Accept, "Accept all");
const NO: (ButtonRole, &str) = (Reject, "Reject all");
const SET: (ButtonRole, &str) = (Settings, "Settings");

fn everywhere(banner: &Banner) -> Page {
    three(|_, visit| visit.banner = banner.clone())
}

fn fair() -> Banner {
    banner(FirstLayer, FirstLayer, &[YES, NO])
}

fn behind_the_settings() -> Banner {
    banner(FirstLayer, SecondLayer, &[YES, SET])
}

pub(super) fn cases() -> Vec<Cases> {
    vec![
        no_mechanism(),
        first_layer(),
        first_layer_in_italy(),
        effort(),
        wall(),
        information(),
    ]
}

fn tracks(number: usize, visit: &mut Visit) {
    visit.choice = Choice::default();
    visit.snapshot.cookies.push(
        cookie("_ga", SITE, &ga_value(number))
            .by_script("https://www.googletagmanager.com/gtag/js?id=G-ABCDEFGHIJ"),
    );
}

fn no_mechanism() -> Cases {
    Cases::of("R17")
        .positive("a cookie and no banner", three(tracks))
        .positive(
            "a pixel and no banner",
            three(|_, visit| {
                visit.snapshot.requests.push(request(
                    "https://www.facebook.com/tr/?id=123456789012345&ev=PageView",
                    "Image",
                ));
            }),
        )
        .positive(
            "an unknown identifier of a third party and no banner",
            three(|number, visit| {
                visit.snapshot.cookies.push(
                    cookie("xq1", "tracker.test", IDS[number])
                        .by_response("https://tracker.test/p"),
                );
            }),
        )
        .negative("no banner and no tracking", three(|_, _| {}))
        .negative(
            "a banner, even if it is ignored",
            three(|number, visit| {
                tracks(number, visit);
                visit.banner = fair();
            }),
        )
        .negative(
            "fonts and a session",
            three(|number, visit| {
                visit.snapshot.requests.push(request(
                    "https://fonts.googleapis.com/css2?family=Roboto",
                    "Stylesheet",
                ));
                visit.snapshot.cookies.push(
                    cookie("PHPSESSID", SITE, IDS[number])
                        .by_response("https://shop.test/")
                        .for_the_session(),
                );
            }),
        )
        .trap(
            "a consent platform is contacted, its banner was not seen",
            three(|number, visit| {
                tracks(number, visit);
                visit
                    .snapshot
                    .requests
                    .push(request("https://consent.cookiebot.com/uc.js", "Script"));
            }),
        )
        .trap(
            "the page's consent function answers",
            three(|number, visit| {
                tracks(number, visit);
                visit.snapshot.signals.push(
                    signal("tcf-api", "__tcfapi", PhaseName::Idle, &[])
                        .fact("cmp-status", "loaded"),
                );
            }),
        )
        .trap(
            "the banner was seen by one visit of three",
            three(|number, visit| {
                tracks(number, visit);
                if number == 1 {
                    visit.banner = fair();
                }
            }),
        )
        .trap(
            "tracking code that reports nothing",
            three(|_, visit| {
                visit
                    .snapshot
                    .requests
                    .push(request("https://static.hotjar.com/c/hotjar-1.js", "Script"));
            }),
        )
}

fn first_layer() -> Cases {
    let of = |accept, reject, buttons: &[(ButtonRole, &str)]| {
        everywhere(&banner(accept, reject, buttons))
    };
    Cases::of("R18")
        .positive(
            "a no behind the settings",
            everywhere(&behind_the_settings()),
        )
        .positive("no way to refuse", of(FirstLayer, Nowhere, &[YES]))
        .positive(
            "a cross beside a yes",
            of(FirstLayer, SecondLayer, &[YES, SET, (Close, "×")]),
        )
        .negative("yes and no side by side", everywhere(&fair()))
        .negative("no banner", everywhere(&Banner::default()))
        .negative("only the settings", of(SecondLayer, SecondLayer, &[SET]))
        .trap(
            "only what is necessary",
            of(FirstLayer, SecondLayer, &[YES, (Reject, "Nur notwendige")]),
        )
        .trap(
            "continue without accepting",
            of(
                FirstLayer,
                SecondLayer,
                &[YES, (Close, "Continuer sans accepter")],
            ),
        )
        .trap(
            "one visit could refuse",
            three(|number, visit| {
                visit.banner = if number == 2 {
                    fair()
                } else {
                    behind_the_settings()
                }
            }),
        )
}

fn first_layer_in_italy() -> Cases {
    Cases::of("R18")
        .in_profile(Profile::It)
        .positive(
            "a no behind the settings in Italy",
            everywhere(&behind_the_settings()),
        )
        .negative("yes and no side by side in Italy", everywhere(&fair()))
}

fn clicks(banner: &Banner, no: u32, yes: u32) -> Page {
    three(|_, visit| {
        visit.banner = banner.clone();
        visit.choice.clicks = match visit.state {
            State::Before | State::Withdrawn => 0,
            State::Rejected => no,
            State::Accepted => yes,
        };
        if visit.choice.clicks == 0 {
            visit.choice = Choice::default();
        }
    })
}

fn unconfirmed(mut page: Page) -> Page {
    for visit in &mut page.visits {
        visit.choice.confirmed = false;
    }
    page
}

fn effort() -> Cases {
    let met = behind_the_settings();
    let nowhere = banner(FirstLayer, Nowhere, &[YES]);
    Cases::of("R19")
        .positive("two clicks against one", clicks(&met, 2, 1))
        .positive("five clicks against one", clicks(&met, 5, 1))
        .positive("no way to refuse was found", clicks(&nowhere, 0, 1))
        .negative("one against one", clicks(&fair(), 1, 1))
        .negative("two against two", clicks(&met, 2, 2))
        .negative("no banner", clicks(&Banner::default(), 0, 0))
        .trap(
            "a longer way was walked than the one on the first layer",
            clicks(&fair(), 3, 1),
        )
        .trap("a yes takes more", clicks(&met, 1, 2))
        .inconclusive(
            "nothing confirms the answers",
            unconfirmed(clicks(&met, 2, 1)),
        )
        .inconclusive(
            "never accepted",
            page(vec![visit(State::Before), visit(State::Rejected)]),
        )
}

fn sent_to(no: &str, yes: &str) -> Page {
    three(|_, visit| {
        visit.banner = fair();
        visit.final_url = match visit.state {
            State::Before | State::Withdrawn => format!("https://{SITE}/"),
            State::Rejected => no.to_owned(),
            State::Accepted => yes.to_owned(),
        };
    })
}

fn barred(buttons: &[(ButtonRole, &str)]) -> Page {
    three(|_, visit| {
        visit.banner = Banner {
            share: 1.0,
            locks_page: true,
            ..banner(FirstLayer, Nowhere, buttons)
        };
        if visit.state == State::Rejected {
            visit.choice = Choice {
                outcomes: vec![ChoiceOutcome::NoRejectRoute, ChoiceOutcome::Wall],
                ..Choice::default()
            };
        }
    })
}

fn wall() -> Cases {
    let paying = banner(FirstLayer, Nowhere, &[YES, (Pay, "Subscribe for 4.99")]);
    Cases::of("R22")
        .positive("accept or pay", everywhere(&paying))
        .positive(
            "accept, pay or settings that refuse nothing at first",
            everywhere(&banner(
                FirstLayer,
                SecondLayer,
                &[YES, (Pay, "Abo abschließen"), SET],
            )),
        )
        .positive(
            "a refusal leads to another site",
            sent_to("https://www.example.org/", "https://shop.test/"),
        )
        .positive(
            "a banner that bars the page and can only be agreed to",
            barred(&[YES]),
        )
        .trap(
            "it bars the page and can be closed",
            barred(&[YES, (Close, "Close")]),
        )
        .trap("it bars the page and has a no", barred(&[YES, NO]))
        .negative("yes and no side by side", everywhere(&fair()))
        .negative("no banner", everywhere(&Banner::default()))
        .negative(
            "a no behind the settings",
            everywhere(&behind_the_settings()),
        )
        .trap(
            "paying beside refusing",
            everywhere(&banner(
                FirstLayer,
                FirstLayer,
                &[YES, NO, (Pay, "Subscribe")],
            )),
        )
        .trap(
            "every answer leads to another site",
            sent_to("https://www.example.org/", "https://www.example.org/"),
        )
        .trap(
            "a refusal leads to another host of the site",
            sent_to("https://www.shop.test/", "https://shop.test/"),
        )
}

fn saying(language: &str, text: &str, buttons: &[(ButtonRole, &str)]) -> Page {
    let met = Banner {
        languages: vec![language.to_owned()],
        text: text.to_owned(),
        ..banner(FirstLayer, FirstLayer, buttons)
    };
    everywhere(&met)
}

fn information() -> Cases {
    let link = (Link, "Privacy policy");
    Cases::of("R25")
        .positive("no word of what for, nor of taking it back", saying("en", "We use cookies. OK?", &[YES, NO, link]))
        .positive("no link, and nothing of taking it back", saying("en", "We use cookies for advertising.", &[YES, NO]))
        .positive("in German", saying("de", "Diese Seite verwendet Cookies.", &[(Accept, "Alle akzeptieren"), (Reject, "Ablehnen")]))
        .negative(
            "all of it",
            saying("en", "We use cookies for analytics and advertising. You can withdraw your consent at any time.", &[YES, NO, link]),
        )
        .negative("no banner", everywhere(&Banner::default()))
        .negative(
            "purposes and a link, nothing of withdrawal: alone no finding",
            saying("en", "We use cookies for analytics and advertising.", &[YES, NO, link]),
        )
        .trap(
            "a language nobody here reads",
            saying("fi", "Käytämme evästeitä.", &[(Accept, "Hyväksy"), (Reject, "Hylkää")]),
        )
        .trap(
            "the text was cut before it could say",
            saying("en", &"We use cookies and privacy matters. ".repeat(20), &[YES, NO, (Save, "Save")]),
        )
        .trap(
            "one visit read more than another",
            three(|number, visit| {
                visit.banner = Banner {
                    languages: vec!["en".to_owned()],
                    text: if number == 0 {
                        "We use cookies.".to_owned()
                    } else {
                        "We use cookies for analytics. Privacy policy.".to_owned()
                    },
                    ..fair()
                };
            }),
        )
}
