//! Cookie policies: tables and lists of what is stored, in the languages of the Union.

use super::words::{self, Called, Column};
use super::{Declarations, Entry, Form};
use crate::model::report::{Policy, PolicyTable};

/// A table is a list of cookies when at least this many of its columns are understood, the name among them.
const FEWEST_COLUMNS: usize = 2;

/// Reads the tables of a policy.
pub(super) fn read(policy: &Policy, into: &mut Declarations) {
    let entries: Vec<Entry<'_>> = policy.tables.iter().flat_map(table).collect();
    into.add(Form::Policy, entries);
}

/// The entries of one table; none when it is about something else.
fn table(table: &PolicyTable) -> Vec<Entry<'_>> {
    let mut rows = table.rows.iter();
    let Some(head) = rows.next() else {
        return Vec::new();
    };
    let columns: Vec<Option<Column>> = head.iter().map(|cell| words::column(cell)).collect();
    let at = |wanted: Column| columns.iter().position(|column| *column == Some(wanted));
    let understood = columns.iter().flatten().count();
    let (Some(name), true) = (at(Column::Name), understood >= FEWEST_COLUMNS) else {
        return Vec::new();
    };
    let of_the_heading = words::category(&table.heading);
    rows.flat_map(|row| {
        let cell = |column| at(column).and_then(|at| row.get(at)).map(String::as_str);
        let called = cell(Column::Category).unwrap_or(&table.heading);
        let category: Option<Called> = cell(Column::Category)
            .and_then(words::category)
            .or(of_the_heading);
        let lifetime = cell(Column::Lifetime).and_then(words::lifetime);
        let names = row.get(name).map(String::as_str).unwrap_or_default();
        names
            .split([',', ';', '\n'])
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(move |name| Entry {
                name,
                domain: cell(Column::Provider),
                called,
                category,
                lifetime,
            })
            .collect::<Vec<_>>()
    })
    .collect()
}
