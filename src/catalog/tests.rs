#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;

mod answers;
mod files;
mod items;
mod known;
mod lints;
mod overrides;
mod shipped;

/// The day the checks of the shipped catalog assume.
fn today() -> jiff::civil::Date {
    jiff::civil::date(2026, 11, 22)
}

fn entry(id: &str, more: &str) -> String {
    format!(
        "schema = 1\nid = \"{id}\"\nname = \"{id}\"\nkind = \"service\"\nsector = \"analytics\"\n\
         category = \"analytics\"\nsrc = [\"s\"]\n{more}\n\
         [[source]]\nid = \"s\"\nkind = \"knowledge\"\nrights = \"CC0-1.0\"\n"
    )
}

/// Entries, by id and what they hold, with the tables of the shipped catalog.
fn files(entries: &[(&str, &str)]) -> Vec<File> {
    let file = |path: String, text: String| File {
        shown: format!("catalog/{path}"),
        path,
        text: text.into(),
        compiled: None,
    };
    let tables = [
        (
            "exemptions.toml",
            include_str!("../../catalog/exemptions.toml"),
        ),
        ("sections.toml", include_str!("../../catalog/sections.toml")),
        (
            "overrides.toml",
            include_str!("../../catalog/overrides.toml"),
        ),
    ];
    entries
        .iter()
        .map(|(id, more)| file(format!("services/{id}.toml"), entry(id, more)))
        .chain(tables.map(|(path, text)| file(path.to_owned(), text.to_owned())))
        .collect()
}

/// A catalog of entries, by id and what they hold, with the tables of the shipped one.
fn catalog(entries: &[(&str, &str)]) -> Catalog {
    Catalog::new(load::load(&[files(entries)]).unwrap())
}

/// What a test varies of a query.
#[derive(Clone, Copy)]
struct Seen<'a> {
    name: &'a str,
    host: &'a str,
    storage: Option<StorageKind>,
    set_by: &'a [&'a str],
    value: &'a str,
    contacted: &'a [&'a str],
}

const SEEN: Seen<'_> = Seen {
    name: "",
    host: "shop.test",
    storage: None,
    set_by: &[],
    value: "",
    contacted: &[],
};

fn with_query<T>(seen: Seen<'_>, ask: impl FnOnce(&ItemQuery<'_>) -> T) -> T {
    let contacted = seen.contacted.iter().map(|id| (*id).to_owned()).collect();
    ask(&ItemQuery {
        name: seen.name,
        host: seen.host,
        storage: seen.storage,
        site: "www.shop.test",
        set_by: seen.set_by,
        value: seen.value,
        contacted: &contacted,
    })
}

fn find(catalog: &Catalog, seen: Seen<'_>) -> Option<ItemMatch> {
    with_query(seen, |query| catalog.match_item(query))
}

const TRACKER: &str = "[[request]]\nhost = \"tracker.test\"\n[[cookie]]\nname = \"tracker_id\"\n";
