//! Reports of pages that were visited more than once in each state, and their pictures.

use consentinel::model::report::Report;
use consentinel::model::visit::{Diagnostic, DiagnosticCode, State, Visit};
use consentinel::report::Format;

use crate::{rendered, sample};

/// The rich sample with the first page visited `count` times in each state; `fill` sees each further visit.
fn repeated(count: u32, fill: impl Fn(&mut Visit)) -> Report {
    let mut report = sample::rich();
    let visits = &mut report.pages[0].visits;
    for visit in visits.clone() {
        for repeat in 2..=count {
            let mut again = visit.clone();
            again.repeat = repeat;
            fill(&mut again);
            visits.push(again);
        }
    }
    visits.sort_by_key(|visit| (visit.state, visit.repeat));
    report
}

#[test]
fn a_visit_that_differs_is_named() {
    let unconfirmed = |visit: &mut Visit| {
        if visit.state == State::Rejected && visit.repeat == 2 {
            visit.diagnostics.push(Diagnostic {
                code: DiagnosticCode::ChoiceUnconfirmed,
                message: "nothing confirms the answer".to_owned(),
                state: Some(visit.state),
            });
        }
        if visit.repeat == 3 {
            visit.snapshot.cookies.clear();
        }
    };
    let report = repeated(3, unconfirmed);
    let terminal = rendered(Format::Terminal, &report).replace("\n    ", " ");
    assert!(
        terminal.contains("(https://www.shop.test/, rejected, visit 2 of 3)"),
        "{terminal}"
    );
    let page = rendered(Format::Html, &report);
    for part in [
        "https://www.shop.test/, rejected, visit 2 of 3",
        "State before, visit 3 of 3: complete",
        "before, visit 1 of 3: ",
        ", in 2 of 3 visits<",
        ", in 3 of 3 visits<",
    ] {
        assert!(page.contains(part), "missing {part:?}");
    }
}

#[test]
fn a_single_visit_has_no_number() {
    let page = rendered(Format::Html, &sample::rich());
    assert!(!page.contains(", visit 1 of"));
    assert!(!page.contains("of 1 visits"));
}

#[test]
fn pictures_say_state_and_moment_and_are_few() {
    let page = rendered(Format::Html, &sample::rich());
    for caption in [
        "<figcaption>The banner as it was shown</figcaption>",
        "<figcaption>Right after the answer in the state rejected, confirmed, at 3.2 s</figcaption>",
        "<figcaption>At the end of the state before: ",
    ] {
        assert!(page.contains(caption), "missing {caption:?}");
    }
    let pictures = |report: &Report| {
        rendered(Format::Html, report)
            .matches("<figure><img src=\"data:image/")
            .count()
    };
    let once = pictures(&repeated(1, |_| ()));
    let often = pictures(&repeated(40, |_| ()));
    assert!(often > once && often < once + 13, "{once}, then {often}");
    assert!(
        rendered(Format::Html, &repeated(40, |_| ()))
            .contains("more left out to keep this file small")
    );
}
