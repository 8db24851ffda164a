//! Texts made of literals and runs of characters, matched in time linear in the text for each piece.
//!
//! Catalogs have a hundred thousand patterns: an automaton for each would take gigabytes.

/// What a run is made of, byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Class {
    /// Every byte.
    Any,
    /// `0-9`.
    Digits,
    /// `0-9`, `A-F`, `a-f`.
    Hex,
    /// `0-9`, `A-Z`, `a-z`.
    Alnum,
}

impl Class {
    fn has(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Alnum => byte.is_ascii_alphanumeric(),
        }
    }
}

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    /// These bytes.
    Literal(Box<str>),
    /// Bytes of one class, at least and at most so many; no limit when absent.
    Run {
        class: Class,
        least: u16,
        most: Option<u16>,
    },
}

/// A pattern: its pieces, one after the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Glob(Box<[Piece]>);

impl Glob {
    /// A pattern of these pieces.
    pub(super) fn new(pieces: Vec<Piece>) -> Self {
        Self(pieces.into_boxed_slice())
    }

    /// What every text it fits ends with; empty when it may end with anything.
    pub(super) fn suffix(&self) -> &str {
        match self.0.last() {
            Some(Piece::Literal(literal)) => literal,
            _ => "",
        }
    }

    /// The same as a regular expression of JavaScript and others, for the whole text.
    pub(super) fn expression(&self) -> String {
        let parts: Vec<String> = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Literal(literal) => regex::escape(literal),
                Piece::Run { class, least, most } => {
                    let set = match class {
                        Class::Any => "[\\s\\S]",
                        Class::Digits => "[0-9]",
                        Class::Hex => "[0-9A-Fa-f]",
                        Class::Alnum => "[0-9A-Za-z]",
                    };
                    match (least, most) {
                        (0, None) => format!("{set}*"),
                        (1, None) => format!("{set}+"),
                        (least, None) => format!("{set}{{{least},}}"),
                        (least, Some(most)) => format!("{set}{{{least},{most}}}"),
                    }
                }
            })
            .collect();
        format!("^{}$", parts.concat())
    }

    /// Whether the whole of `text` fits.
    pub(super) fn matches(&self, text: &str) -> bool {
        // Nearly all patterns are a prefix, one run and perhaps a suffix.
        let (before, run, after) = match &*self.0 {
            [run @ Piece::Run { .. }] => ("", run, ""),
            [Piece::Literal(before), run @ Piece::Run { .. }] => (&**before, run, ""),
            [run @ Piece::Run { .. }, Piece::Literal(after)] => ("", run, &**after),
            [
                Piece::Literal(before),
                run @ Piece::Run { .. },
                Piece::Literal(after),
            ] => (&**before, run, &**after),
            _ => return self.fits_beginning(text, <[u8]>::is_empty),
        };
        let Piece::Run { class, least, most } = run else {
            return false;
        };
        let middle = text
            .as_bytes()
            .strip_prefix(before.as_bytes())
            .and_then(|rest| rest.strip_suffix(after.as_bytes()));
        middle.is_some_and(|middle| {
            middle.len() >= usize::from(*least)
                && most.is_none_or(|most| middle.len() <= usize::from(most))
                && middle.iter().all(|byte| class.has(*byte))
        })
    }

    /// Whether some beginning of `text` fits, with a rest that `accept` takes.
    pub(super) fn fits_beginning(&self, text: &str, accept: impl Fn(&[u8]) -> bool) -> bool {
        // Most texts lack one of the literals, and that is soon seen.
        let lacks =
            |piece: &Piece| matches!(piece, Piece::Literal(literal) if !text.contains(&**literal));
        if self.0.iter().any(lacks) {
            return false;
        }
        let text = text.as_bytes();
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for piece in &self.0 {
            ends = match piece {
                Piece::Literal(literal) => after_literal(&ends, text, literal.as_bytes()),
                Piece::Run { class, least, most } => after_run(
                    &ends,
                    text,
                    *class,
                    usize::from(*least),
                    most.map(usize::from),
                ),
            };
            if !ends.contains(&true) {
                return false;
            }
        }
        ends.iter()
            .enumerate()
            .any(|(end, reached)| *reached && accept(&text[end..]))
    }
}

/// Where a literal may end that begins at one of `starts`.
fn after_literal(starts: &[bool], text: &[u8], literal: &[u8]) -> Vec<bool> {
    let mut ends = vec![false; starts.len()];
    for (start, _) in starts.iter().enumerate().filter(|(_, reached)| **reached) {
        if text[start..].starts_with(literal) {
            ends[start + literal.len()] = true;
        }
    }
    ends
}

/// Where a run may end that begins at one of `starts`.
fn after_run(
    starts: &[bool],
    text: &[u8],
    class: Class,
    least: usize,
    most: Option<usize>,
) -> Vec<bool> {
    // How many starts lie before each place.
    let mut starts_before = Vec::with_capacity(starts.len() + 1);
    let mut count = 0_usize;
    starts_before.push(0);
    for reached in starts {
        count += usize::from(*reached);
        starts_before.push(count);
    }
    let mut ends = vec![false; starts.len()];
    // The earliest place from which on all bytes are of the class.
    let mut unbroken = 0;
    for (end, reached) in ends.iter_mut().enumerate() {
        if end > 0 && !class.has(text[end - 1]) {
            unbroken = end;
        }
        let earliest = unbroken.max(end.saturating_sub(most.unwrap_or(end)));
        if let Some(latest) = end.checked_sub(least)
            && latest >= earliest
        {
            *reached = starts_before[latest + 1] > starts_before[earliest];
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    fn piece() -> impl Strategy<Value = Piece> {
        let class = prop_oneof![
            Just(Class::Any),
            Just(Class::Digits),
            Just(Class::Hex),
            Just(Class::Alnum)
        ];
        prop_oneof![
            "[a1._-]{1,2}".prop_map(|text| Piece::Literal(text.into())),
            (class, 0_u16..4, proptest::option::of(0_u16..3)).prop_map(|(class, least, more)| {
                Piece::Run {
                    class,
                    least,
                    most: more.map(|more| least + more),
                }
            }),
        ]
    }

    /// The same pattern as a regular expression.
    fn expression(pieces: &[Piece]) -> String {
        let parts: Vec<String> = pieces
            .iter()
            .map(|piece| match piece {
                Piece::Literal(literal) => regex::escape(literal),
                Piece::Run { class, least, most } => {
                    let set = match class {
                        Class::Any => "(?s-u:.)",
                        Class::Digits => "[0-9]",
                        Class::Hex => "[0-9A-Fa-f]",
                        Class::Alnum => "[0-9A-Za-z]",
                    };
                    let most = most.map_or(String::new(), |most| most.to_string());
                    format!("{set}{{{least},{most}}}")
                }
            })
            .collect();
        parts.concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn it_decides_as_a_regular_expression_does(
            pieces in proptest::collection::vec(piece(), 0..5), text in "[a1._-]{0,8}|[af01.é]{0,12}",
        ) {
            let whole = regex::bytes::Regex::new(&format!("^(?:{})$", expression(&pieces))).unwrap();
            let beginning = regex::bytes::Regex::new(&format!("^(?:{})", expression(&pieces))).unwrap();
            let glob = Glob::new(pieces);
            prop_assert_eq!(glob.matches(&text), whole.is_match(text.as_bytes()));
            prop_assert_eq!(
                glob.fits_beginning(&text, |_| true),
                beginning.is_match(text.as_bytes())
            );
        }
    }
}
