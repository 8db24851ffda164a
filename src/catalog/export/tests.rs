#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use crate::catalog::import::{self, Description};

const ENTRY: &str = "schema = 1\nid = \"meter\"\nname = \"Meter </script>\"\nkind = \"service\"\n\
    sector = \"analytics\"\ncategory = \"analytics\"\nsrc = [\"s\"]\n\
    [vendor]\nname = \"Meter, Ltd\"\n\
    [[request]]\nhost = \"meter.example\"\n\
    [[cookie]]\nname = \"_meter\"\nduration = \"1 year\"\npurpose = \"Counts, \\\"often\\\".\"\n\
    [[cookie]]\nname = \"_meter_<id:hex{4}>.x\"\n\
    [[storage]]\narea = \"session\"\nname = \"meter|key\"\ncategory = \"marketing\"\n\
    [[source]]\nid = \"s\"\nkind = \"knowledge\"\nrights = \"CC0-1.0\"\n";

fn service() -> Service {
    toml::from_str(ENTRY).unwrap()
}

#[test]
fn what_is_exported_as_a_table_can_be_imported_again() {
    let service = service();
    let table = open_cookie_database(&[&service]).unwrap();
    let format = import::Format::OpenCookieDatabase;
    let imported = import::import(format, &table, Description::default()).unwrap();
    let again = &imported.dataset.services[0];
    let names: Vec<&str> = again
        .cookie
        .iter()
        .map(|cookie| cookie.name.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(names, ["_meter", "_meter_*", "meter|key"]);
    assert_eq!(
        again.cookie[0].purpose.as_deref(),
        Some("Counts, \"often\".")
    );
    assert_eq!(again.request[0].host.to_string(), "meter.example");
    assert_eq!(again.vendor.as_deref(), Some("Meter, Ltd"));
}

#[test]
fn banner_configurations_hold_every_name_and_close_no_script() {
    let service = service();
    let klaro = klaro(&[&service], "en").unwrap();
    assert!(klaro.contains("\"_meter\"") && klaro.contains("\"required\": false"));
    // The expression fits what the pattern fits.
    let expression = items(&service)[1].name.expression();
    assert_eq!(expression, "^_meter_[0-9A-Fa-f]{4,4}\\.x$");
    let tarteaucitron = tarteaucitron(&[&service]).unwrap();
    assert!(tarteaucitron.contains("\"type\": \"analytic\""));
    let vanilla = vanilla_cookieconsent(&[&service], "en").unwrap();
    assert!(vanilla.contains("\"_meter\"") && vanilla.contains("\"readOnly\": true"));
    assert!(vanilla.contains("\"pattern\": \"^_meter_[0-9A-Fa-f]{4,4}\\\\.x$\""));
    for script in [klaro, tarteaucitron, vanilla] {
        assert!(!script.contains("</script"), "{script}");
    }
}

#[test]
fn a_policy_sorts_items_by_category() {
    let catalog = Catalog::builtin().unwrap();
    let service = service();
    let sheet = policy(&catalog, &[&service], "en");
    let titles: Vec<&str> = sheet
        .sections
        .iter()
        .map(|section| section.title.as_str())
        .collect();
    assert_eq!(titles, ["Analytics", "Marketing"]);
}
