//! Where in a file something stands: from a path of keys to a line.

use toml::de::{DeTable, DeValue};

use crate::catalog::load::line_at;

/// A step from a table or list to what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    /// The value of a key.
    Key(&'static str),
    /// An item of a list, from zero.
    Item(usize),
}

/// A path of keys, such as that of the name of the third cookie.
pub(super) type Place = Vec<Step>;

/// The value of a key of the entry itself.
pub(super) fn at(key: &'static str) -> Place {
    vec![Step::Key(key)]
}

/// The value of a key in an item of a list.
pub(super) fn inside(list: &'static str, item: usize, key: &'static str) -> Place {
    vec![Step::Key(list), Step::Item(item), Step::Key(key)]
}

/// A file as it was written, to look places up in.
pub(super) struct Written<'t> {
    text: &'t str,
    root: Option<DeTable<'t>>,
}

impl<'t> Written<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let root = DeTable::parse(text).ok().map(toml::Spanned::into_inner);
        Self { text, root }
    }

    /// The line, from 1, of a place, or of the innermost thing around it that is there.
    pub(super) fn line(&self, place: &[Step]) -> usize {
        let mut table = self.root.as_ref();
        let mut list: Option<&DeValue<'_>> = None;
        let mut start = 0;
        for step in place {
            let value = match step {
                Step::Key(key) => {
                    let found = table.and_then(|table| {
                        table
                            .iter()
                            .find(|(found, _)| found.get_ref().as_ref() == *key)
                    });
                    let Some((key, value)) = found else { break };
                    start = key.span().start;
                    value
                }
                Step::Item(item) => {
                    let Some(value) = list.and_then(|list| list.get(*item)) else {
                        break;
                    };
                    start = value.span().start;
                    value
                }
            };
            list = Some(value.get_ref());
            table = match value.get_ref() {
                DeValue::Table(table) => Some(table),
                _ => None,
            };
        }
        line_at(self.text, start)
    }
}
