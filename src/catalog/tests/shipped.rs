use super::super::lint::{Level, Lint, check_builtin};
use super::*;

#[test]
fn the_shipped_catalog_has_no_errors() {
    let errors: Vec<Lint> = check_builtin(today())
        .unwrap()
        .lints
        .into_iter()
        .filter(|lint| lint.code.level() == Level::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

#[test]
fn every_shipped_file_names_its_schema() {
    for file in load::builtin()
        .unwrap()
        .iter()
        .filter(|file| file.path.contains('/'))
    {
        assert!(
            file.text
                .starts_with("#:schema ../schema/service.schema.json\n"),
            "{}",
            file.path
        );
    }
}

#[test]
fn the_shipped_schema_is_that_of_the_types() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/catalog/schema/service.schema.json"
    );
    let mut schema = serde_json::to_string_pretty(&schema::json_schema()).unwrap();
    schema.push('\n');
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, &schema).unwrap();
    }
    let shipped = std::fs::read_to_string(path).unwrap();
    assert!(
        shipped == schema,
        "stale: run the tests once with UPDATE_SCHEMA=1"
    );
}

#[test]
fn every_shipped_file_fits_the_shipped_schema() {
    let schema = serde_json::to_value(schema::json_schema()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for file in load::builtin()
        .unwrap()
        .iter()
        .filter(|file| file.path.contains('/'))
    {
        // Dates become strings, as an editor's checker sees them.
        let service: Service = toml::from_str(&file.text).unwrap();
        let value = serde_json::to_value(&service).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&value)
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{}: {errors:?}", file.path);
    }
}

#[test]
fn compiled_entries_say_what_their_files_say() {
    let mut compared = 0;
    for file in load::builtin().unwrap() {
        let Some(compiled) = file.compiled else {
            continue;
        };
        let swift: Service = serde_json::from_str(compiled).unwrap();
        let written: Service = toml::from_str(&file.text).unwrap();
        assert_eq!(
            serde_json::to_value(&swift).unwrap(),
            serde_json::to_value(&written).unwrap(),
            "{}",
            file.path
        );
        compared += 1;
    }
    assert!(compared > 1_000, "{compared}");
}
