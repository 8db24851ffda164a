//! Names as declarations write them: with wildcards, placeholders and patterns.

use regex::{Regex, RegexBuilder};

/// Longest pattern that is compiled, in bytes.
const LONGEST_PATTERN: usize = 200;
/// Most memory a pattern may take, in bytes.
const LARGEST_PATTERN: usize = 64 * 1024;
/// Placeholder letters in a row that stand for anything: `_ga_XXXXXX`.
const FEWEST_PLACEHOLDERS: usize = 3;

/// A declared name.
#[derive(Debug, Clone)]
pub(crate) enum Name {
    /// Parts of the name with anything between them; a single part is the whole name.
    Parts(Vec<String>),
    /// A regular expression.
    Pattern(Regex),
}

impl Name {
    /// Reads a declared name; nothing when it names nothing, or everything.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        // Cookiebot counts sisters behind the name: `_gat [x2]`.
        let text = match text.rsplit_once(" [x") {
            Some((name, count)) if count.ends_with(']') => name.trim_end(),
            _ => text,
        };
        if text.is_empty() || text.len() > LONGEST_PATTERN || text.contains(char::is_whitespace) {
            return None;
        }
        let parts = parts(text);
        let letters: usize = parts
            .iter()
            .map(|part| {
                part.chars()
                    .filter(|letter| letter.is_alphanumeric())
                    .count()
            })
            .sum();
        (letters > 0 && (parts.len() == 1 || letters >= 2)).then_some(Self::Parts(parts))
    }

    /// Reads the source of a regular expression.
    pub(crate) fn pattern(source: &str) -> Option<Self> {
        if source.is_empty() || source.len() > LONGEST_PATTERN {
            return None;
        }
        let pattern = RegexBuilder::new(source)
            .size_limit(LARGEST_PATTERN)
            .build()
            .ok()?;
        // What fits anything declares nothing.
        (!pattern.is_match("") && !pattern.is_match("\u{1}")).then_some(Self::Pattern(pattern))
    }

    /// Whether items of several names may be meant.
    pub(crate) fn is_pattern(&self) -> bool {
        match self {
            Self::Parts(parts) => parts.len() > 1,
            Self::Pattern(_) => true,
        }
    }

    /// Whether an item of that name is meant.
    pub(crate) fn fits(&self, name: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.is_match(name),
            Self::Parts(parts) => match &parts[..] {
                [] => false,
                [whole] => name == whole,
                [first, middle @ .., last] => {
                    let Some(mut rest) = name.strip_prefix(first.as_str()) else {
                        return false;
                    };
                    for part in middle {
                        match rest.split_once(part.as_str()) {
                            Some((_, after)) => rest = after,
                            None => return false,
                        }
                    }
                    rest.len() >= last.len() && rest.ends_with(last.as_str())
                }
            },
        }
    }
}

/// The fixed parts of a name around its wildcards.
fn parts(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut parts = vec![String::new()];
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let run = letters[at..]
            .iter()
            .take_while(|&&other| other == letter)
            .count();
        let closing = match letter {
            '<' => Some('>'),
            '{' => Some('}'),
            '[' => Some(']'),
            _ => None,
        };
        let bracketed = closing
            .and_then(|closing| letters[at..].iter().position(|&other| other == closing))
            .map(|length| length + 1);
        let wild = match letter {
            '*' | '#' | '%' => Some(run),
            'x' | 'X' if run >= FEWEST_PLACEHOLDERS => Some(run),
            _ => bracketed,
        };
        if let Some(length) = wild {
            if parts.last().is_some_and(|part| !part.is_empty()) || parts.len() == 1 {
                parts.push(String::new());
            }
            at += length;
        } else {
            if let Some(part) = parts.last_mut() {
                part.push(letter);
            }
            at += 1;
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_and_their_wildcards() {
        for (declared, name, fits) in [
            ("_ga", "_ga", true),
            ("_ga", "_ga_ABC", false),
            ("_ga_*", "_ga_ABC", true),
            ("_ga_#", "_ga_123", true),
            ("_ga_xxxxxxxxxx", "_ga_G7", true),
            ("_ga_<container-id>", "_ga_G7", true),
            ("_hjSession_{site_id}", "_hjSession_5", true),
            ("_gat_UA-########-##", "_gat_UA-12345-1", true),
            ("_gat_UA-########-##", "_gat_UB-12345-1", false),
            ("_gat [x2]", "_gat", true),
            ("*_session", "shop_session", true),
            ("_pk_id.*", "_pk_id.1.1fff", true),
            ("max", "max", true),
        ] {
            assert_eq!(
                Name::read(declared).unwrap().fits(name),
                fits,
                "{declared} {name}"
            );
        }
        for nothing in ["", "*", "#", "  ", "two words", "***", "<name>"] {
            assert!(Name::read(nothing).is_none(), "{nothing}");
        }
    }

    #[test]
    fn patterns() {
        assert!(Name::pattern("^_ga").unwrap().fits("_ga_ABC"));
        assert!(!Name::pattern("^_ga").unwrap().fits("x_ga"));
        for nothing in ["", ".*", "(", "[^a]", "a{1000}{1000}"] {
            assert!(Name::pattern(nothing).is_none(), "{nothing}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in any::<String>(), name in any::<String>()) {
            if let Some(declared) = Name::read(&text) {
                declared.fits(&name);
            }
            if let Some(declared) = Name::pattern(&text) {
                declared.fits(&name);
            }
        }
    }
}
