use super::super::lint::{LintCode, check};
use super::*;

fn lints_of(entries: &[(&str, &str)]) -> Vec<LintCode> {
    check(&[files(entries)], today())
        .lints
        .into_iter()
        .map(|lint| lint.code)
        .collect()
}

#[test]
fn lints_find_what_they_are_for_and_nothing_in_a_sound_entry() {
    let sound =
        "[[request]]\nhost = \"x.test\"\n[[cookie]]\nname = \"xyz_id\"\nrole = \"identifier\"\n";
    assert_eq!(lints_of(&[("x", sound)]), []);
    for (more, code) in [
        ("[[cookie]]\nname = \"ab*\"\n", LintCode::ShortName),
        (
            "[[cookie]]\nname = \"long_id\"\ncategory = \"necessary\"\n",
            LintCode::UnexplainedNecessary,
        ),
        (
            "vendor = { name = \"v\", src = [\"none\"] }\n",
            LintCode::UnknownSource,
        ),
        (
            "vendor = { name = \"v\", country = \"USA\" }\n",
            LintCode::BadCountry,
        ),
        ("reviewed = 2025-01-01\n", LintCode::StaleReview),
        ("related = [\"nobody\"]\n", LintCode::UnknownService),
        ("regulations = [\"nolaw\"]\n", LintCode::UnknownRegulation),
        ("[[cookie]]\npurpose = \"p\"\n", LintCode::NameMissing),
        ("[[request]]\nhost = \"@any\"\n", LintCode::UnboundRequest),
    ] {
        assert_eq!(lints_of(&[("x", more)]), [code], "{more}");
    }
    for (ours, theirs, code) in [
        (
            "[[cookie]]\nname = \"same\"\n",
            "[[cookie]]\nname = \"same\"\n",
            LintCode::SameName,
        ),
        (
            "[[cookie]]\nname = \"same*\"\n",
            "[[cookie]]\nname = \"same_id\"\n",
            LintCode::CoveringPattern,
        ),
        (
            "[[request]]\nhost = \"a.test\"\n",
            "[[request]]\nhost = \"a.test\"\n",
            LintCode::SameRequest,
        ),
        (
            "[[request]]\nhost = \"a.test\"\n",
            "[[request]]\nhost = \"b.a.test\"\n",
            LintCode::CoveredHost,
        ),
    ] {
        assert_eq!(lints_of(&[("x", ours), ("y", theirs)]), [code], "{ours}");
    }
}
