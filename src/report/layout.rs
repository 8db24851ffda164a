//! How JSON is laid out for people: parts on lines of their own, and what lies deep in them on one line.
//!
//! A run has hundreds of thousands of small objects. Spread over a line for each field they take twice the
//! bytes; each on one line, they can be searched, compared and counted line by line.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use super::RenderError;

/// How much is written at once, in bytes.
const PIECE: usize = 64 * 1024;

/// Deepest level whose parts stand on lines of their own: the requests of a visit of a page of a run.
const DEEPEST: usize = 7;

/// A line's end with the indentation of the deepest level.
const LINE: &[u8] = b"\n              ";

/// Writes a document and the end of its last line.
pub(super) fn write_json<T: Serialize>(out: &mut dyn Write, value: &T) -> Result<(), RenderError> {
    // Many short pieces: they are put together before each goes through a call nobody can look into.
    let mut whole = BufWriter::with_capacity(PIECE, out);
    value.serialize(&mut Serializer::with_formatter(
        &mut whole,
        Layout::default(),
    ))?;
    whole.write_all(b"\n")?;
    whole.flush()?;
    Ok(())
}

/// The layout while it is written.
#[derive(Default)]
struct Layout {
    depth: usize,
    /// The innermost list or object has something in it.
    filled: bool,
}

impl Layout {
    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(bracket)
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        let spread = self.filled && self.depth <= DEEPEST;
        self.depth -= 1;
        self.filled = true;
        if spread {
            self.line(writer)?;
        }
        writer.write_all(bracket)
    }

    /// What stands before a part.
    fn part<W: ?Sized + Write>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        match (first, self.depth <= DEEPEST) {
            (true, false) => Ok(()),
            (false, false) => writer.write_all(b", "),
            (true, true) => self.line(writer),
            (false, true) => {
                writer.write_all(b",")?;
                self.line(writer)
            }
        }
    }

    fn line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        let end = 1 + 2 * self.depth.min(DEEPEST);
        writer.write_all(LINE.get(..end).unwrap_or(LINE))
    }
}

impl Formatter for Layout {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.part(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"{")
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer, b"}")
    }

    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.part(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn written(value: &Value) -> String {
        let mut bytes = Vec::new();
        write_json(&mut bytes, value).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn parts_stand_on_lines_and_what_is_deep_on_one() {
        let value = json!({"a": [], "b": {}, "c": [1, {"d": [2]}]});
        let expected = serde_json::to_string_pretty(&value).unwrap() + "\n";
        assert_eq!(written(&value), expected);

        let deep = json!([[[[[[[{"a": 1, "b": [2, 3], "c": {}}, 4]]]]]]]);
        let text = written(&deep);
        let line = format!(
            "{}{{\"a\": 1, \"b\": [2, 3], \"c\": {{}}}},",
            " ".repeat(14)
        );
        assert!(text.lines().any(|of| of == line), "{text}");
        assert_eq!(text.lines().count(), 16);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(12, 64, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_the_same_document(value in any_json()) {
            let read: Value = serde_json::from_str(&written(&value)).unwrap();
            prop_assert_eq!(read, value);
        }
    }
}
