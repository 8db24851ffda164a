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
