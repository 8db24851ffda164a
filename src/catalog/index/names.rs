//! Which of a hundred thousand name patterns a name may fit.

use std::collections::HashMap;

use crate::catalog::pattern::NamePattern;

/// No place: the end of a chain.
const NONE: u32 = u32::MAX;

/// Patterns by what every name they fit is, begins with or ends with. Patterns are meant by number.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// Numbers of patterns without wildcards, by the name.
    exact: HashMap<Box<str>, Vec<u32>>,
    prefixes: Affixes,
    /// Of patterns without a prefix; read from the end.
    suffixes: Affixes,
    /// With neither.
    anything: Vec<u32>,
}

impl Names {
    /// Puts patterns in order; each is known by its place in `patterns`.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a NamePattern>) -> Self {
        let mut names = Self::default();
        let mut prefixes = Vec::new();
        let mut suffixes = Vec::new();
        for (number, pattern) in (0_u32..).zip(patterns) {
            if let Some(name) = pattern.exact() {
                names.exact.entry(name.into()).or_default().push(number);
            } else if !pattern.prefix().is_empty() {
                prefixes.push((pattern.prefix().as_bytes().into(), number));
            } else if !pattern.suffix().is_empty() {
                suffixes.push((reversed(pattern.suffix()), number));
            } else {
                names.anything.push(number);
            }
        }
        for numbers in names.exact.values_mut() {
            numbers.shrink_to_fit();
        }
        names.prefixes = Affixes::new(prefixes);
        names.suffixes = Affixes::new(suffixes);
        names
    }

    /// Numbers of the patterns a name may fit; those with wildcards are still to be tried.
    pub(super) fn near(&self, name: &str) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.exact.get(name).cloned().unwrap_or_default();
        self.prefixes.beginnings_of(name.as_bytes(), &mut numbers);
        if !self.suffixes.rows.is_empty() {
            self.suffixes.beginnings_of(&reversed(name), &mut numbers);
        }
        numbers.extend(&self.anything);
        numbers
    }
}

fn reversed(text: &str) -> Box<[u8]> {
    text.bytes().rev().collect()
}

/// Byte strings in order; finds all that a longer string begins with.
///
/// Whatever stands between a string and the longest beginning of it in an ordered list begins with
/// that beginning too. So one search, and then from each row to the row it begins with, meets all.
#[derive(Debug, Default)]
struct Affixes {
    rows: Vec<AffixRow>,
}

#[derive(Debug)]
struct AffixRow {
    affix: Box<[u8]>,
    /// Place of the longest other row it begins with.
    parent: u32,
    /// Numbers of the patterns with this affix.
    numbers: Box<[u32]>,
}

impl Affixes {
    fn new(mut affixes: Vec<(Box<[u8]>, u32)>) -> Self {
        affixes.sort_unstable();
        let mut rows: Vec<AffixRow> = Vec::new();
        for group in affixes.chunk_by(|left, right| left.0 == right.0) {
            let Some((affix, _)) = group.first() else {
                continue;
            };
            let mut parent = u32::try_from(rows.len()).unwrap_or(NONE).wrapping_sub(1);
            while let Some(row) = rows.get(parent as usize)
                && !affix.starts_with(&row.affix)
            {
                parent = row.parent;
            }
            rows.push(AffixRow {
                affix: affix.clone(),
                parent,
                numbers: group.iter().map(|(_, number)| *number).collect(),
            });
        }
        rows.shrink_to_fit();
        Self { rows }
    }

    /// Adds the numbers of every affix that `text` begins with.
    fn beginnings_of(&self, text: &[u8], numbers: &mut Vec<u32>) {
        let after = self.rows.partition_point(|row| *row.affix <= *text);
        let mut place = u32::try_from(after).unwrap_or(NONE).wrapping_sub(1);
        while let Some(row) = self.rows.get(place as usize) {
            if text.starts_with(&row.affix) {
                numbers.extend(&row.numbers);
            }
            place = row.parent;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_pattern_that_fits_is_missed(
            patterns in proptest::collection::vec("[ab]{0,3}\\*?[ab]{0,2}".prop_filter("a pattern", |text| !text.is_empty()), 0..30),
            name in "[ab]{1,6}",
        ) {
            let patterns: Vec<NamePattern> =
                patterns.iter().map(|text| NamePattern::parse(text).unwrap()).collect();
            let found: BTreeSet<u32> = Names::new(patterns.iter()).near(&name).into_iter().collect();
            for (number, pattern) in (0..).zip(&patterns) {
                prop_assert!(!pattern.matches(&name) || found.contains(&number), "{pattern} for {name}");
            }
        }
    }
}
