//! Bodies of requests: the fields of forms, of JSON, and of batches with one record a line.
//!
//! Analytics send JSON as `text/plain` and forms without a type, to be spared a preflight, so the
//! text decides where the type says nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use serde_json::Value as Json;
use url::form_urlencoded;

use super::super::cut;
use crate::model::snapshot::BodyParameter;
use crate::model::value::Value;

/// Most fields of one body kept.
const MOST_PARAMETERS: usize = 256;
/// Longest body that is taken apart, in bytes; of longer ones the fingerprint is kept.
const LONGEST_BODY: usize = 512 * 1024;
/// How deep objects in objects are followed; what lies deeper is kept as its text.
const DEEPEST: usize = 12;
/// Longest name of a field kept, in bytes.
const LONGEST_NAME: usize = 300;
/// Most lines of a batch taken apart.
const MOST_LINES: usize = 200;

/// A body, taken apart as far as it can be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) value: Value,
    pub(super) parameters: Vec<BodyParameter>,
    pub(super) left_out: u32,
}

impl Body {
    /// Reads a body; `content_type` is the request's header, if it has one.
    pub(super) fn read(text: &str, content_type: Option<&str>) -> Self {
        let mut fields = Fields::default();
        if text.len() <= LONGEST_BODY {
            take_apart(text, content_type.unwrap_or_default(), &mut fields);
        }
        Self {
            value: Value::new(text),
            parameters: fields.kept,
            left_out: fields.left_out,
        }
    }

    /// Reads a body from its bytes; what is no UTF-8 is read as Latin-1, one character a byte.
    pub(super) fn from_bytes(bytes: &[u8], content_type: Option<&str>) -> Self {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Self::read(text, content_type);
        }
        let text: String = bytes.iter().map(|&byte| char::from(byte)).collect();
        Self::read(&text, content_type)
    }
}

#[derive(Debug, Default)]
struct Fields {
    kept: Vec<BodyParameter>,
    left_out: u32,
}

impl Fields {
    fn add(&mut self, name: &str, value: &str) {
        if self.kept.len() >= MOST_PARAMETERS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.kept.push(BodyParameter {
            name: shortened(name).to_owned(),
            value: Value::new(value),
        });
    }

    /// Adds a field whose value may itself be JSON, plain or in base64.
    fn add_nested(&mut self, name: &str, value: &str) {
        match json_of(value).or_else(|| json_in_base64(value)) {
            Some(json) => self.flatten(name, &json, 0),
            None => self.add(name, value),
        }
    }

    fn flatten(&mut self, path: &str, json: &Json, depth: usize) {
        if self.kept.len() >= MOST_PARAMETERS {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        match json {
            Json::Object(fields) if depth < DEEPEST && !fields.is_empty() => {
                for (name, value) in fields {
                    let path = if path.is_empty() {
                        shortened(name).to_owned()
                    } else {
                        format!("{path}.{}", shortened(name))
                    };
                    self.flatten(&path, value, depth + 1);
                }
            }
            Json::Array(values) if depth < DEEPEST && !values.is_empty() => {
                for (index, value) in values.iter().enumerate() {
                    self.flatten(&format!("{path}[{index}]"), value, depth + 1);
                }
            }
            Json::String(text) => self.add(path, text),
            other => self.add(path, &other.to_string()),
        }
    }
}

fn shortened(name: &str) -> &str {
    let mut end = name.len().min(LONGEST_NAME);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}

fn take_apart(text: &str, content_type: &str, fields: &mut Fields) {
    let mut parts = content_type.splitn(2, ';');
    let kind = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "multipart/form-data" => {
            if let Some(boundary) = boundary_in(parts.next().unwrap_or_default()) {
                multipart(text, boundary, fields);
            }
        }
        "application/x-www-form-urlencoded" => match json_of(text) {
            // jQuery sends JSON under this name when nobody tells it otherwise.
            Some(json) => fields.flatten("", &json, 0),
            None => form(text, "", fields),
        },
        _ => {
            if let Some(json) = json_of(text) {
                fields.flatten("", &json, 0);
            } else if !lines_of_json(text, fields) {
                lines_of_forms(text, fields);
            }
        }
    }
}

/// An object or an array; a bare number or word is no body of fields.
fn json_of(text: &str) -> Option<Json> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

fn json_in_base64(text: &str) -> Option<Json> {
    // The first letters of `{"` and `[{` in base64.
    if !(text.starts_with("eyJ") || text.starts_with("W3s")) {
        return None;
    }
    let bytes = STANDARD
        .decode(text)
        .or_else(|_| STANDARD_NO_PAD.decode(text))
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .ok()?;
    json_of(std::str::from_utf8(&bytes).ok()?)
}

/// One JSON document a line, as error monitors and batches send them. Says whether it was one.
fn lines_of_json(text: &str, fields: &mut Fields) -> bool {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(MOST_LINES)
        .collect();
    let documents: Vec<(usize, Json)> = lines
        .iter()
        .enumerate()
        .filter_map(|(index, line)| Some((index, json_of(line)?)))
        .collect();
    if documents.is_empty() || json_of(lines[0]).is_none() {
        return false;
    }
    for (index, document) in &documents {
        fields.flatten(&format!("[{index}]"), document, 0);
    }
    true
}

/// A form, or one form a line.
fn lines_of_forms(text: &str, fields: &mut Fields) {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(MOST_LINES)
        .collect();
    if lines.is_empty() || !lines.iter().all(|line| looks_like_form(line)) {
        return;
    }
    if let [only] = lines[..] {
        form(only, "", fields);
        return;
    }
    for (index, line) in lines.iter().enumerate() {
        form(line, &format!("[{index}]."), fields);
    }
}

/// Names, an equals sign, and nothing a form would have escaped.
fn looks_like_form(line: &str) -> bool {
    let named = line.split('&').all(|pair| {
        pair.is_empty()
            || pair
                .split_once('=')
                .is_some_and(|(name, _)| !name.is_empty())
    });
    named
        && line.contains('=')
        && !line
            .chars()
            .any(|letter| letter.is_control() || matches!(letter, ' ' | '<' | '>' | '"'))
}

fn form(text: &str, prefix: &str, fields: &mut Fields) {
    for (name, value) in form_urlencoded::parse(text.trim().as_bytes()) {
        fields.add_nested(&format!("{prefix}{}", shortened(&name)), &value);
    }
}

fn boundary_in(parameters: &str) -> Option<&str> {
    parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("boundary")
            .then(|| value.trim().trim_matches('"'))
            .filter(|boundary| !boundary.is_empty())
    })
}

/// The parts of a multipart body: fields by name, files by name and with their content.
fn multipart(text: &str, boundary: &str, fields: &mut Fields) {
    let delimiter = format!("--{boundary}");
    // What stands before the first delimiter is no part, nor is what follows the last one.
    for part in text.split(delimiter.as_str()).skip(1) {
        if part.starts_with("--") {
            return;
        }
        let part = part.strip_prefix("\r\n").unwrap_or(part);
        let Some((head, content)) = part.split_once("\r\n\r\n") else {
            continue;
        };
        let content = content.strip_suffix("\r\n").unwrap_or(content);
        if let Some(name) = name_in(head) {
            fields.add_nested(&name, content);
        }
    }
}

/// The name in a part's `Content-Disposition`, with the browser's escapes undone.
fn name_in(head: &str) -> Option<String> {
    let line = head.lines().find(|line| {
        line.get(..20)
            .is_some_and(|start| start.eq_ignore_ascii_case("content-disposition:"))
    })?;
    let (_, rest) = line.split_once(" name=\"")?;
    let (name, _) = rest.split_once('"')?;
    Some(
        cut(name)
            .replace("%22", "\"")
            .replace("%0D", "\r")
            .replace("%0A", "\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str, content_type: &str) -> Vec<(String, String)> {
        Body::read(text, Some(content_type))
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.value.text().to_owned()))
            .collect()
    }

    #[test]
    fn bodies_are_taken_apart() {
        let multi = "--B\r\nContent-Disposition: form-data; name=\"one\"\r\n\r\n1\r\n\
                     --B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\ntwo\r\nlines\r\n--B--\r\nafter";
        for (content_type, text, expected) in [
            (
                "application/x-www-form-urlencoded",
                "a=1&b=x+y%21&a=2",
                &[("a", "1"), ("b", "x y!"), ("a", "2")][..],
            ),
            (
                "application/x-www-form-urlencoded",
                r#"payload={"uid":7}"#,
                &[("payload.uid", "7")],
            ),
            // {"event":"open"}
            (
                "application/x-www-form-urlencoded;charset=UTF-8",
                "data=eyJldmVudCI6Im9wZW4ifQ%3D%3D",
                &[("data.event", "open")],
            ),
            (
                "application/json",
                r#"{"a":{"b":[1,"two",null]},"c":true,"d":{},"e":1.50}"#,
                &[
                    ("a.b[0]", "1"),
                    ("a.b[1]", "two"),
                    ("a.b[2]", "null"),
                    ("c", "true"),
                    ("d", "{}"),
                    ("e", "1.5"),
                ],
            ),
            (
                "text/plain;charset=UTF-8",
                r#"[{"id":1},{"id":2}]"#,
                &[("[0].id", "1"), ("[1].id", "2")],
            ),
            (
                "",
                "{\"a\":1}\n{\"a\":2}\n",
                &[("[0].a", "1"), ("[1].a", "2")],
            ),
            // An envelope: its items' payloads may be anything.
            ("text/plain", "{\"a\":1}\nnot json\n", &[("[0].a", "1")]),
            (
                "text/plain",
                "en=page_view&_et=1\r\nen=scroll",
                &[
                    ("[0].en", "page_view"),
                    ("[0]._et", "1"),
                    ("[1].en", "scroll"),
                ],
            ),
            ("text/plain", "k=1", &[("k", "1")]),
            (
                "multipart/form-data; boundary=B",
                multi,
                &[("one", "1"), ("f", "two\r\nlines")],
            ),
            (
                "multipart/form-data; boundary=\"B\"",
                multi,
                &[("one", "1"), ("f", "two\r\nlines")],
            ),
            // Nothing to take apart.
            ("multipart/form-data", multi, &[]),
            ("text/plain", "bye", &[]),
            ("text/plain", "1 + 1 = 2", &[]),
            ("text/html", "<a href=\"x\">y</a>", &[]),
            ("application/json", "{broken", &[]),
            ("application/json", "17", &[]),
            ("application/octet-stream", "\u{1}\u{2}=\u{3}", &[]),
            ("", "", &[]),
        ] {
            let expected: Vec<(String, String)> = expected
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(
                fields(text, content_type),
                expected,
                "{content_type}: {text}"
            );
        }
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let many: Vec<String> = (0..MOST_PARAMETERS + 44)
            .map(|n| format!("k{n}=1"))
            .collect();
        let body = Body::read(&many.join("&"), None);
        assert_eq!(
            (body.parameters.len(), body.left_out),
            (MOST_PARAMETERS, 44)
        );

        let deep = format!("{}1{}", r#"{"a":"#.repeat(60), "}".repeat(60));
        let body = Body::read(&deep, None);
        assert_eq!(body.parameters.len(), 1);
        assert_eq!(body.parameters[0].name.matches('a').count(), DEEPEST);

        let huge = format!("a={}", "x".repeat(LONGEST_BODY));
        let body = Body::read(&huge, None);
        assert!(body.parameters.is_empty());
        assert_eq!(body.value.length, huge.len());
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        let body = Body::from_bytes(&[1, 255, 0], None);
        assert_eq!(body.value.text(), "\u{1}\u{ff}\u{0}");
        assert_eq!(Body::from_bytes("é".as_bytes(), None).value.text(), "é");
    }

    proptest::proptest! {
        #[test]
        fn any_body_is_survived(text in ".{0,300}", kind in 0usize..5) {
            let kinds = ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "text/plain"];
            let body = Body::read(&text, Some(kinds[kind]));
            assert!(body.parameters.len() <= MOST_PARAMETERS);
        }

        #[test]
        fn any_form_is_read_back(pairs in proptest::collection::vec(("[a-z]{1,8}", "[^{\\[eW]{0,20}"), 1..10)) {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
            proptest::prop_assert_eq!(fields(&text, "application/x-www-form-urlencoded"), pairs);
        }
    }
}
