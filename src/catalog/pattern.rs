//! Names with wildcards, and the grammar of values.
//!
//! Case-sensitive, whole-name. Every character is literal except:
//! - `*`: zero or more characters;
//! - `<label>`: one or more characters; `<label:class>` with the classes `digits`, `hex`, `alnum`,
//!   `uuid`, `any`; `<label:hex{4}>` and `<label:digits{1,3}>` count them;
//! - `\*`, `\<`, `\>`, `\\`: the character itself.

use std::borrow::Cow;
use std::fmt;

use regex::bytes::{Regex, RegexBuilder};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::glob::{Class, Glob, Piece};

/// Longest pattern accepted, in bytes.
const LONGEST_PATTERN: usize = 512;
/// Highest count accepted in `{n}`.
const HIGHEST_COUNT: u16 = 256;
/// Most memory a compiled pattern may take, in bytes.
const COMPILED_SIZE: usize = 1 << 20;

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing written.
    #[error("a name pattern must not be empty")]
    Empty,
    /// Longer than anything a service uses.
    #[error("a name pattern has at most {LONGEST_PATTERN} bytes")]
    TooLong,
    /// A backslash before an ordinary character.
    #[error("`\\` stands only before `*`, `<`, `>` and `\\`; write `\\\\` for a backslash")]
    Escape,
    /// `<` without `>`, or `>` without `<`.
    #[error("`<` and `>` enclose a label; write `\\<` or `\\>` for the character")]
    Bracket,
    /// Not `a-z`, `0-9` and `-`.
    #[error("`{0}` is no label: letters a-z, digits and `-`, a letter first")]
    Label(String),
    /// Not one of the five.
    #[error("`{0}` is no class: digits, hex, alnum, uuid or any")]
    Class(String),
    /// Not `{n}` or `{n,m}`.
    #[error(
        "`{0}` is no count: {{n}} or {{n,m}} with 1 <= n <= m <= {HIGHEST_COUNT}, and none after uuid"
    )]
    Count(String),
    /// Not a regular expression the matcher takes.
    #[error("the value grammar is no regular expression: {0}")]
    Regex(String),
}

/// A cookie name or storage key, possibly with wildcards.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern {
    written: Box<str>,
    /// What every name it fits begins with; the whole name when it has no wildcards.
    prefix: Box<str>,
    /// Only with wildcards.
    glob: Option<Glob>,
    literals: u16,
    untyped: bool,
}

impl NamePattern {
    /// Reads a pattern.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if written.is_empty() {
            return Err(PatternError::Empty);
        }
        if written.len() > LONGEST_PATTERN {
            return Err(PatternError::TooLong);
        }
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut prefix = None;
        let mut literals = 0;
        let mut untyped = false;
        let mut rest = written.chars();
        while let Some(character) = rest.next() {
            let wildcard = match character {
                '*' => {
                    untyped = true;
                    vec![run(Class::Any, 0, None)]
                }
                '<' => {
                    let (inside, after) =
                        rest.as_str().split_once('>').ok_or(PatternError::Bracket)?;
                    rest = after.chars();
                    label_pieces(inside)?
                }
                '>' => return Err(PatternError::Bracket),
                '\\' => match rest.next() {
                    Some(escaped @ ('*' | '<' | '>' | '\\')) => {
                        literal.push(escaped);
                        literals += 1;
                        continue;
                    }
                    _ => return Err(PatternError::Escape),
                },
                ordinary => {
                    literal.push(ordinary);
                    literals += 1;
                    continue;
                }
            };
            prefix.get_or_insert_with(|| literal.clone());
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            pieces.extend(wildcard);
        }
        let glob = prefix.is_some().then(|| {
            if !literal.is_empty() {
                pieces.push(Piece::Literal(literal.as_str().into()));
            }
            Glob::new(pieces)
        });
        Ok(Self {
            written: written.into(),
            prefix: prefix.unwrap_or(literal).into(),
            glob,
            literals,
            untyped,
        })
    }

    /// Whether the whole of `name` fits.
    pub fn matches(&self, name: &str) -> bool {
        match &self.glob {
            None => *self.prefix == *name,
            Some(glob) => name.starts_with(&*self.prefix) && glob.matches(name),
        }
    }

    /// The only name it fits; absent when it has wildcards.
    pub fn exact(&self) -> Option<&str> {
        self.glob.is_none().then_some(&self.prefix)
    }

    /// What every name it fits begins with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What every name it fits ends with.
    pub fn suffix(&self) -> &str {
        self.glob.as_ref().map_or(&self.prefix, Glob::suffix)
    }

    /// The same as a regular expression, in the syntax JavaScript shares with others.
    pub fn expression(&self) -> String {
        self.glob.as_ref().map_or_else(
            || format!("^{}$", regex::escape(&self.prefix)),
            Glob::expression,
        )
    }

    /// How many of its characters are literal.
    pub fn literals(&self) -> usize {
        usize::from(self.literals)
    }

    /// Whether it has a `*`, which says nothing of what it stands for.
    pub fn is_untyped(&self) -> bool {
        self.untyped
    }

    /// As its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

fn run(class: Class, least: u16, most: Option<u16>) -> Piece {
    Piece::Run { class, least, most }
}

/// The pieces of what stands between `<` and `>`.
fn label_pieces(inside: &str) -> Result<Vec<Piece>, PatternError> {
    let (label, class) = match inside.split_once(':') {
        Some((label, class)) => (label, Some(class)),
        None => (inside, None),
    };
    let well_formed = label.starts_with(|first: char| first.is_ascii_lowercase())
        && label.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-'
        });
    if !well_formed {
        return Err(PatternError::Label(label.to_owned()));
    }
    let Some(class) = class else {
        return Ok(vec![run(Class::Any, 1, None)]);
    };
    let (class, count) = match class.split_once('{') {
        Some((class, count)) => (class, Some(count)),
        None => (class, None),
    };
    let class = match class {
        "digits" => Class::Digits,
        "hex" => Class::Hex,
        "alnum" => Class::Alnum,
        "any" => Class::Any,
        "uuid" => {
            return match count {
                Some(count) => Err(PatternError::Count(format!("{{{count}"))),
                None => Ok(uuid_pieces()),
            };
        }
        other => return Err(PatternError::Class(other.to_owned())),
    };
    let Some(count) = count else {
        return Ok(vec![run(class, 1, None)]);
    };
    let (least, most) =
        count_bounds(count).ok_or_else(|| PatternError::Count(format!("{{{count}")))?;
    Ok(vec![run(class, least, Some(most))])
}

/// Groups of 8, 4, 4, 4 and 12 hexadecimal digits.
fn uuid_pieces() -> Vec<Piece> {
    let mut pieces = Vec::new();
    for digits in [8, 4, 4, 4, 12] {
        if !pieces.is_empty() {
            pieces.push(Piece::Literal("-".into()));
        }
        pieces.push(run(Class::Hex, digits, Some(digits)));
    }
    pieces
}

/// The bounds of `n}` or `n,m}`.
fn count_bounds(count: &str) -> Option<(u16, u16)> {
    let inside = count.strip_suffix('}')?;
    let number = |text: &str| {
        let digits_only = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        digits_only.then(|| text.parse::<u16>().ok()).flatten()
    };
    let (least, most) = match inside.split_once(',') {
        Some((least, most)) => (number(least)?, number(most)?),
        None => (number(inside)?, number(inside)?),
    };
    (1 <= least && least <= most && most <= HIGHEST_COUNT).then_some((least, most))
}

/// Compiles an expression so that it has to fit as a whole.
fn compile(expression: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(&format!("^(?:{expression})$"))
        .size_limit(COMPILED_SIZE)
        .build()
        .map_err(|error| PatternError::Regex(error.to_string()))
}

impl TryFrom<String> for NamePattern {
    type Error = PatternError;

    fn try_from(written: String) -> Result<Self, PatternError> {
        Self::parse(&written)
    }
}

impl From<NamePattern> for String {
    fn from(pattern: NamePattern) -> Self {
        pattern.written.into()
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl JsonSchema for NamePattern {
    fn schema_name() -> Cow<'static, str> {
        "NamePattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A name; `*` stands for any characters, `<label:class>` for one or more of a class.",
            "pattern": r"^(?:[^<>\\*]|\\[<>\\*]|\*|<[a-z][a-z0-9-]*(:(uuid|(digits|hex|alnum|any)(\{[0-9]+(,[0-9]+)?\})?))?>)+$",
        })
    }
}

/// The grammar of a value: a regular expression that has to fit the whole of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ValuePattern {
    written: String,
    regex: Regex,
}

impl ValuePattern {
    /// Reads a grammar.
    pub fn parse(written: &str) -> Result<Self, PatternError> {
        if written.is_empty() {
            return Err(PatternError::Empty);
        }
        if written.len() > LONGEST_PATTERN {
            return Err(PatternError::TooLong);
        }
        Ok(Self {
            written: written.to_owned(),
            regex: compile(written)?,
        })
    }

    /// Whether the whole of `value` fits.
    pub fn matches(&self, value: &str) -> bool {
        self.regex.is_match(value.as_bytes())
    }

    /// As its author wrote it.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl TryFrom<String> for ValuePattern {
    type Error = PatternError;

    fn try_from(written: String) -> Result<Self, PatternError> {
        Self::parse(&written)
    }
}

impl From<ValuePattern> for String {
    fn from(pattern: ValuePattern) -> Self {
        pattern.written
    }
}

impl JsonSchema for ValuePattern {
    fn schema_name() -> Cow<'static, str> {
        "ValuePattern".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "regex",
            "description": "A regular expression that has to fit the whole value.",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_and_names_that_do_not() {
        for (pattern, name, fits) in [
            ("_ga", "_ga", true),
            ("_ga", "_GA", false),
            ("_ga", "_ga_", false),
            ("_ga", "x_ga", false),
            ("_ga_<container>", "_ga_ABC123", true),
            ("_ga_<container>", "_ga_", false),
            ("amocrm_chat_widget_*", "amocrm_chat_widget_", true),
            ("amocrm_chat_widget_*", "amocrm_chat_widget_open", true),
            ("amocrm_chat_widget_*", "amocrm_chat_widge", false),
            ("_pk_id.*", "_pk_id.1.1fff", true),
            ("_pk_id.*", "_pk_idx1", false),
            ("_pk_id.<site:digits>.<hash:hex>", "_pk_id.12.af09", true),
            ("_pk_id.<site:digits>.<hash:hex>", "_pk_id.x.af09", false),
            ("_pk_id.<site:digits>.<hash:hex>", "_pk_id.1.af09.9", false),
            ("_sp_id.<hash:hex{4}>", "_sp_id.1fff", true),
            ("_sp_id.<hash:hex{4}>", "_sp_id.1fff0", false),
            ("n<x:digits{1,3}>", "n123", true),
            ("n<x:digits{1,3}>", "n1234", false),
            ("v-<x:uuid>", "v-123e4567-e89b-12d3-a456-426614174000", true),
            ("v-<x:uuid>", "v-123e4567-e89b-12d3-a456-42661417400", false),
            ("pvc_visits[0]", "pvc_visits[0]", true),
            ("pvc_visits[0]", "pvc_visits0", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            (r"a\<b\>\\", r"a<b>\", true),
            ("*_mixpanel", "mp_1_mixpanel", true),
            ("*_mixpanel", "mp_1_mixpane", false),
            ("a.b|c?(d)", "a.b|c?(d)", true),
            ("a.b|c?(d)", "axb|c?(d)", false),
            ("é*", "ete", false),
            ("ét*", "été", true),
            ("a*", "a\nb", true),
        ] {
            let parsed = NamePattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(name), fits, "{pattern} against {name:?}");
        }
    }

    #[test]
    fn malformed_patterns_say_what_is_wrong() {
        for (pattern, error) in [
            ("", PatternError::Empty),
            ("a<b", PatternError::Bracket),
            ("a>b", PatternError::Bracket),
            (r"a\b", PatternError::Escape),
            ("a\\", PatternError::Escape),
            ("<>", PatternError::Label(String::new())),
            ("<A>", PatternError::Label("A".into())),
            ("<a:word>", PatternError::Class("word".into())),
            ("<a:hex{0}>", PatternError::Count("{0}".into())),
            ("<a:hex{3,2}>", PatternError::Count("{3,2}".into())),
            ("<a:hex{999}>", PatternError::Count("{999}".into())),
            ("<a:hex{}>", PatternError::Count("{}".into())),
            ("<a:hex{+1}>", PatternError::Count("{+1}".into())),
            ("<a:uuid{2}>", PatternError::Count("{2}".into())),
        ] {
            assert_eq!(NamePattern::parse(pattern).unwrap_err(), error, "{pattern}");
        }
        assert_eq!(
            NamePattern::parse(&"a".repeat(513)).unwrap_err(),
            PatternError::TooLong
        );
    }

    #[test]
    fn literal_characters_are_counted() {
        for (pattern, literals, prefix) in [
            ("_ga", 3, "_ga"),
            ("_ga_<c>", 4, "_ga_"),
            ("*", 0, ""),
            (r"\**b", 2, "*"),
            ("a<b:hex{4}>c", 2, "a"),
        ] {
            let parsed = NamePattern::parse(pattern).unwrap();
            assert_eq!(parsed.literals(), literals, "{pattern}");
            assert_eq!(parsed.prefix(), prefix, "{pattern}");
        }
    }

    #[test]
    fn values_fit_as_a_whole() {
        let google = ValuePattern::parse(r"GA1\.\d\.\d+\.\d+").unwrap();
        assert!(google.matches("GA1.1.123.456"));
        assert!(!google.matches("xGA1.1.123.456"));
        assert!(!google.matches("GA1.1.123.456.7"));
        assert!(ValuePattern::parse("a|b").unwrap().matches("b"));
        assert!(matches!(
            ValuePattern::parse("("),
            Err(PatternError::Regex(_))
        ));
        assert!(matches!(
            ValuePattern::parse(r"(\w{200}){200}"),
            Err(PatternError::Regex(_))
        ));
    }

    proptest! {
        #[test]
        fn no_input_panics(pattern in ".{0,40}", name in ".{0,40}") {
            if let Ok(parsed) = NamePattern::parse(&pattern) {
                parsed.matches(&name);
            }
        }

        #[test]
        fn an_escaped_name_fits_itself_and_nothing_else(name in "[ -~é]{1,20}", other in "[ -~é]{1,20}") {
            let escaped: String = name
                .chars()
                .flat_map(|character| {
                    let escape = matches!(character, '*' | '<' | '>' | '\\').then_some('\\');
                    escape.into_iter().chain([character])
                })
                .collect();
            let pattern = NamePattern::parse(&escaped).unwrap();
            prop_assert!(pattern.matches(&name));
            prop_assert_eq!(pattern.matches(&other), name == other);
            prop_assert_eq!(pattern.exact(), Some(name.as_str()));
        }

        #[test]
        fn a_star_fits_every_continuation(prefix in "[a-z_.]{1,8}", tail in ".{0,20}") {
            let pattern = NamePattern::parse(&format!("{prefix}*")).unwrap();
            let name = format!("{prefix}{tail}");
            prop_assert!(pattern.matches(&name));
            let label = NamePattern::parse(&format!("{prefix}<x>")).unwrap();
            prop_assert_eq!(label.matches(&name), !tail.is_empty());
        }
    }
}
