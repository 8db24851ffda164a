use super::*;

#[test]
fn a_stronger_layer_replaces_entries_rows_and_sections() {
    let (weak, strong) = (entry("x", ""), entry("x", "aliases = [\"new\"]"));
    let row = |treatment: &str| {
        format!(
            "[[row]]\ngroup = \"g\"\ntreatment = \"{treatment}\"\nnames = [\"name\"]\nreason = \"r\"\n"
        )
    };
    let (consent, exempt) = (row("consent"), row("exempt"));
    let weak_layer = [
        ("services/x.toml", weak.as_str()),
        ("overrides.toml", consent.as_str()),
    ];
    let strong_layer = [
        ("x.toml", strong.as_str()),
        ("overrides.toml", exempt.as_str()),
    ];
    let catalog = Catalog::of(&[&weak_layer, &strong_layer]).unwrap();
    assert_eq!(catalog.info().services, 1);
    assert_eq!(catalog.service("x").unwrap().aliases, ["new"]);
    let found = with_query(
        Seen {
            name: "name",
            ..SEEN
        },
        |query| catalog.override_for(query),
    );
    assert_eq!(found.unwrap().treatment, Treatment::Exempt);
    assert_ne!(
        catalog.info().version,
        Catalog::of(&[&weak_layer]).unwrap().info().version
    );
}

#[test]
fn an_overlay_directory_is_read() {
    let directory = tempfile::tempdir().unwrap();
    assert!(matches!(
        Catalog::with_overlay(directory.path()),
        Err(CatalogError::Nothing { .. })
    ));
    assert!(matches!(
        Catalog::with_overlay(&directory.path().join("none")),
        Err(CatalogError::Read { .. })
    ));
    std::fs::create_dir(directory.path().join("services")).unwrap();
    std::fs::write(
        directory.path().join("services/mine.toml"),
        entry("mine", ""),
    )
    .unwrap();
    std::fs::write(directory.path().join("beside.toml"), entry("beside", "")).unwrap();
    std::fs::write(directory.path().join("notes.txt"), "no catalog").unwrap();
    let catalog = Catalog::with_overlay(directory.path()).unwrap();
    assert!(catalog.service("mine").is_some() && catalog.service("beside").is_some());
    assert!(
        catalog.service("kustomer").is_some(),
        "the built-in entries stay"
    );
    std::fs::write(directory.path().join("bytes.toml"), [0xff, 0xfe]).unwrap();
    assert!(matches!(
        Catalog::with_overlay(directory.path()),
        Err(CatalogError::NotText { .. })
    ));
}

#[test]
fn errors_name_file_line_and_remedy() {
    for (more, expected) in [
        (
            "risc = \"low\"",
            "catalog/services/x.toml:8: unknown key `risc`, did you mean `risk`?",
        ),
        ("zzz = 1", "catalog/services/x.toml:8: unknown key `zzz`"),
        (
            "risk = \"hihg\"",
            "catalog/services/x.toml:8: unknown word `hihg`, did you mean `high`?",
        ),
        (
            "[[cookie]]\nname = \"a<b\"",
            "catalog/services/x.toml:9: `<` and `>` enclose a label",
        ),
        (
            "[[cookie]]\nname = \"ab\"\nduration = \"1 fortnight\"",
            "catalog/services/x.toml:10: `1 fortnight` is no duration",
        ),
        (
            "[[request]]\nhost = \"https://x.test\"",
            "catalog/services/x.toml:9: `https://x.test` is no host",
        ),
        ("reviewed = \"soon\"", "catalog/services/x.toml:8: "),
        ("risk = ", "catalog/services/x.toml:8: "),
    ] {
        let text = entry("x", more);
        let error = Catalog::of(&[&[("services/x.toml", &text)]])
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(expected), "{error} for {more}");
        assert!(!error.contains('\n'), "{error}");
    }
    let (x, same) = (
        entry("x", ""),
        [
            ("services/x.toml", entry("x", "")),
            ("cmps/x.toml", entry("x", "")),
        ],
    );
    let taken: Vec<(&str, &str)> = same
        .iter()
        .map(|(path, text)| (*path, text.as_str()))
        .collect();
    assert!(matches!(
        Catalog::of(&[&taken]),
        Err(CatalogError::TakenId { .. })
    ));
    assert!(matches!(
        Catalog::of(&[&[("services/y.toml", &x)]]),
        Err(CatalogError::WrongId { .. })
    ));
    let second = x.replace("schema = 1", "schema = 2");
    let error = Catalog::of(&[&[("services/x.toml", &second)]])
        .unwrap_err()
        .to_string();
    assert!(error.contains("schema version 2"), "{error}");
}

#[test]
fn an_overlay_takes_away_what_it_names() {
    let more = "[[request]]\nhost = \"x.test\"\npath = \"/a\"\n[[cookie]]\nname = \"x_one\"\n[[cookie]]\nname = \"x_two\"\n";
    let (x, y) = (entry("x", more), entry("y", ""));
    let below = [
        ("services/x.toml", x.as_str()),
        ("services/y.toml", y.as_str()),
    ];
    let disabled = "disable = [\"y\", \"x/cookie:x_one\", \"x/request:x.test/a\"]\n";
    let catalog = Catalog::of(&[&below, &[("disabled.toml", disabled)]]).unwrap();
    assert!(catalog.service("y").is_none());
    let left = catalog.service("x").unwrap();
    assert_eq!((left.cookie.len(), left.request.len()), (1, 0));
    for (disabled, expected) in [
        (
            "disable = [\"xx\"]\n",
            "disabled.toml:1: nothing to disable by the name `xx`",
        ),
        (
            "\ndisable = [\"x/cookie:none\"]\n",
            "disabled.toml:2: nothing to disable by the name `x/cookie:none`",
        ),
    ] {
        let error = Catalog::of(&[&below, &[("disabled.toml", disabled)]]).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn imports_answer_only_where_no_entry_does() {
    let x = entry(
        "x",
        "[[request]]\nhost = \"x.test\"\npath = \"/a\"\n[[cookie]]\nname = \"shared_*\"\n",
    );
    let imported = r#"{"schema": "consentinel/imported/v1", "origin": {"id": "set", "title": "Set", "rights": "MIT"}, "services": [
        {"id": "s", "name": "S", "sector": "advertising", "category": "marketing",
         "request": [{"host": "x.test"}, {"host": "s.test"}], "cookie": [{"name": "shared_id"}, {"name": "alone_id"}]}]}"#;
    let catalog = Catalog::of(&[&[
        ("services/x.toml", x.as_str()),
        ("imported/set.json", imported),
    ]])
    .unwrap();
    for (url, expected) in [
        ("https://x.test/a", Some(("x", Knowing::Curated))),
        ("https://x.test/b", Some(("set:s", Knowing::Imported))),
        ("https://s.test/", Some(("set:s", Knowing::Imported))),
        ("https://other.test/", None),
    ] {
        let found = catalog.match_request(&Url::parse(url).unwrap(), "shop.test");
        let found = found
            .as_ref()
            .map(|found| (found.service.as_str(), found.knowing));
        assert_eq!(found, expected, "{url}");
    }
    for (name, expected) in [("shared_id", "x"), ("alone_id", "set:s")] {
        assert_eq!(
            find(&catalog, Seen { name, ..SEEN }).unwrap().service,
            expected
        );
    }
    assert_eq!(catalog.info().services, 1, "imports do not count");
    assert_eq!(catalog.source_of("set:s", Knowing::Imported), "Set (MIT)");
}

#[test]
fn everything_wrong_with_a_file_is_told_with_its_line() {
    let text = entry(
        "x",
        "risc = \"low\"\n[[cookie]]\nnamee = \"a\"\nname = \"abc_id\"\nrole = \"identifyer\"\n",
    );
    let lints = lint::check_text("services/x.toml", &text, today()).lints;
    let told: Vec<(usize, &str)> = lints
        .iter()
        .map(|lint| (lint.line, lint.message.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (8, "unknown key `risc`, did you mean `risk`?"),
            (10, "unknown key `namee`, did you mean `name`?"),
            (12, "unknown word `identifyer`, did you mean `identifier`?"),
        ]
    );
}

#[test]
fn faults_are_told_on_their_lines() {
    let text = entry(
        "x",
        "[[request]]\nhost = \"@any\"\n\n[[cookie]]\nname = \"ab\"\nsrc = [\"none\"]\n",
    );
    let lints = lint::check_text("services/x.toml", &text, today()).lints;
    let found = |rule: &str| {
        lints
            .iter()
            .find(|lint| lint.code.as_str() == rule)
            .map(|lint| lint.line)
    };
    for (rule, line) in [
        ("unbound-request", 9),
        ("short-name", 12),
        ("unknown-source", 13),
        ("unknown-section", 5),
    ] {
        assert_eq!(found(rule), Some(line), "{rule}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn no_file_panics(text in "[a-z\\[\\]=\"'{}, \n*<>:.-]{0,200}", at in 0_usize..400, with in ".{0,8}") {
        let mut sound = entry("x", TRACKER);
        if sound.is_char_boundary(at.min(sound.len())) {
            sound.insert_str(at.min(sound.len()), &with);
        }
        for path in ["services/x.toml", "overrides.toml", "exemptions.toml", "disabled.toml", "imported/x.json"] {
            lint::check_text(path, &text, today());
            lint::check_text(path, &sound, today());
        }
    }

    /// What the fuzz target does, with bytes of any kind and sound entries with bytes changed.
    #[test]
    fn no_bytes_panic(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        changes in proptest::collection::vec((0_usize..2_000, proptest::prelude::any::<u8>()), 1..6),
    ) {
        let mut changed = entry("x", TRACKER).into_bytes();
        for (at, byte) in changes {
            let length = changed.len();
            changed[at % length] = byte;
        }
        for path in ["services/x.toml", "overrides.toml", "exemptions.toml", "disabled.toml", "imported/x.json", "sections.toml"] {
            for text in [&bytes, &changed] {
                lint::check_text(path, &String::from_utf8_lossy(text), today());
            }
        }
    }
}
